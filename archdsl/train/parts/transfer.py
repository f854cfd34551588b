"""Weights of another training: which of them a model takes, and which of its own begin anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from archdsl.train.parts.checkpoint import load_weights
from archdsl.train.parts.problems import RunError

SHOWN = 3
"""Names that a line of the report begins with."""
PREFIXES = ("module.", "_orig_mod.")
"""What wrappers of torch put before names: DistributedDataParallel and torch.compile."""
COUNTER = "num_batches_tracked"
"""A count that old files lack; nothing is computed with it where batch norms have a momentum."""


@dataclass(frozen=True)
class Transfer:
    """What a model took from a file. Names are those of the model's `state_dict`.

    `matched` was loaded. `missing` is not in the file, `other_shape` has another shape there, `left_out` is of the
    head, which begins anew though it fits; these keep their initialisation. `unexpected` is in the file alone.
    """

    file: str
    matched: tuple[str, ...]
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    other_shape: tuple[str, ...]
    left_out: tuple[str, ...]
    head: tuple[str, ...]
    new_head: bool

    def as_record(self) -> dict[str, Any]:
        """Return it as it stands in the record of a run: counts and first names."""
        found: dict[str, Any] = {"file": self.file, "head": list(self.head), "new_head": self.new_head}
        for what in ("matched", "missing", "unexpected", "other_shape", "left_out"):
            names = getattr(self, what)
            found[what] = {"count": len(names), "first": list(names[:SHOWN])}
        return found

    def __str__(self) -> str:
        lines = [f"weights of {self.file}:"]
        for what in ("matched", "missing", "unexpected", "other_shape", "left_out"):
            names = getattr(self, what)
            if names or what != "left_out":
                lines.append(f"  {what.replace('_', ' ')}: {_first(names)}")
        state = "begins anew" if self.new_head else "loaded"
        lines.append(f"  head: {', '.join(self.head) or 'none found'}" + (f" ({state})" if self.head else ""))
        return "\n".join(lines)


def _first(names: Sequence[str]) -> str:
    if not names:
        return "none"
    return f"{len(names)} ({', '.join(names[:SHOWN])}{', …' * (len(names) > SHOWN)})"


def start_from(model: nn.Module, path: str, head: Sequence[str], *, new_head: bool, partial: bool) -> Transfer:
    """Load the weights of a file into a model, by name, and return what was taken.

    The head keeps its own initialisation where `new_head` asks for it, or where any of it is missing or has another
    shape, since the classes are others then. `partial` lets other layers keep theirs as well.

    Raises:
        RunError: the file cannot be read, holds what is not a number, has nothing for the model, or not all that
            there is outside of the head.
    """
    weights = _unwrapped(load_weights(Path(path)))
    mine = model.state_dict()
    missing = [name for name in mine if name not in weights]
    differ = [name for name in mine if name in weights and weights[name].shape != mine[name].shape]
    of_head = {name for name in mine if any(name.startswith(f"{layer}.") for layer in head)}
    anew = bool(of_head) and (new_head or not of_head.isdisjoint((*_counted(missing), *differ)))
    if new_head and not of_head:
        raise RunError("--new-head: no layer gives as many numbers as there are classes; name the head with --head", 2)
    left = [name for name in mine if anew and name in of_head and name not in missing and name not in differ]
    matched = [name for name in mine if name not in {*missing, *differ, *left}]
    found = Transfer(path, tuple(matched), tuple(missing), tuple(name for name in weights if name not in mine),
                     tuple(_with_shapes(name, weights, mine) for name in differ), tuple(left), tuple(head),
                     anew)  # fmt: skip
    if not matched:
        raise RunError(f"{path} holds the weights of another model: nothing in it fits\n{found}", 2)
    needed = [name for name in (*_counted(missing), *differ) if name not in of_head]
    if needed and not partial:
        raise RunError(f"{path} holds the weights of another model: outside of the head, {_first(needed)} cannot be "
                       f"taken from it; --partial lets them keep their initialisation\n{found}", 2)  # fmt: skip
    for name in matched:
        if weights[name].is_floating_point() and not bool(weights[name].isfinite().all()):
            raise RunError(f"{path}: {name} holds what is not a number", 2)
    model.load_state_dict({name: weights[name] for name in matched}, strict=False)
    return found


def _counted(missing: Sequence[str]) -> list[str]:
    return [name for name in missing if name.rpartition(".")[2] != COUNTER]


def _unwrapped(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return weights without what wrappers put before all of their names."""
    plain = dict(weights)
    while plain and (prefix := next((p for p in PREFIXES if all(name.startswith(p) for name in plain)), "")):
        plain = {name.removeprefix(prefix): value for name, value in plain.items()}
    return plain


def _with_shapes(name: str, weights: Mapping[str, Tensor], mine: Mapping[str, Tensor]) -> str:
    sizes = ("×".join(map(str, some[name].shape)) or "one number" for some in (weights, mine))
    return f"{name} ({' there, '.join(sizes)} here)"
