"""Parts of a model that stay as they are, or learn more slowly than others."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from fnmatch import fnmatchcase

from torch import nn

from archdsl.train.parts.options import did_you_mean
from archdsl.train.parts.problems import RunError

BACKBONE = "backbone"
"""In place of a pattern: all of a model but its head."""


def matching_modules(model: nn.Module, patterns: str, flag: str) -> list[str]:
    """Return the paths of the modules that patterns, separated by commas, match, without those inside of others.

    Raises:
        RunError: a pattern matches nothing.
    """
    paths = [path for path, _ in model.named_modules() if path]
    chosen: set[str] = set()
    for pattern in _listed_patterns(patterns):
        matches = [path for path in paths if fnmatchcase(path, pattern)]
        if not matches:
            raise RunError(f"{flag}: no module is called {pattern}{did_you_mean(pattern, paths)}", 2)
        chosen.update(matches)
    return [path for path in paths if path in chosen and not _inside(path, chosen - {path})]


def _listed_patterns(patterns: str) -> list[str]:
    return [part.strip() for part in patterns.split(",") if part.strip()]


def _inside(path: str, others: Collection[str]) -> bool:
    return any(path.startswith(f"{other}.") for other in others)


def frozen_modules(model: nn.Module, patterns: str, head: Sequence[str]) -> frozenset[str]:
    """Return the paths of all modules that patterns freeze, with those inside of them.

    `backbone` stands for all modules but the head.

    Raises:
        RunError: a pattern matches nothing, or there is no head that could be left.
    """
    words = _listed_patterns(patterns)
    others = [word for word in words if word != BACKBONE]
    chosen = set(matching_modules(model, ",".join(others), "--freeze"))
    every = [path for path, _ in model.named_modules()]
    frozen = {path for path in every if path in chosen or _inside(path, chosen)}
    if BACKBONE in words:
        if not head:
            raise RunError("--freeze backbone: no layer gives as many numbers as there are classes; name the head with "
                           "--head", 2)  # fmt: skip
        frozen |= {path for path in every if path not in head and not _inside(path, head)}
    return frozenset(frozen)


def learning_parameters(model: nn.Module, patterns: str, head: Sequence[str]) -> list[str]:
    """Return the names of the parameters that learn where patterns freeze modules.

    A parameter that a frozen module shares is frozen, and so is one that has no gradient to begin with.

    Raises:
        RunError: there are none.
    """
    frozen = frozen_modules(model, patterns, head)
    fixed = {id(p) for path in frozen for p in model.get_submodule(path).parameters(recurse=False)}
    names = [name for name, p in model.named_parameters() if p.requires_grad and id(p) not in fixed]
    if not names:
        raise RunError(f"--freeze {patterns} leaves nothing to train" if patterns else "there is nothing to train", 2)
    return names


def rest_norms(model: nn.Module, frozen: Collection[str], every: bool) -> None:
    """Turn the batch norms of frozen modules, or every one, to evaluation: their running statistics stay and count."""
    for path, module in model.named_modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and (every or path in frozen):
            module.eval()


def rate_factors(model: nn.Module, head: Sequence[str], decay: float, backbone: float) -> dict[str, float]:
    """Return the factor of the learning rate of each parameter, by its name.

    It is decayᵈ at depth d, and times `backbone` outside of the head. The head has 1. A top-level module with a layer
    of the head has depth 0; from the last of the others to the first, depths are 1, 2, 3 and so on. Howard & Ruder
    2018, arXiv:1801.06146, section 3.2, whose decay is 1 / 2.6.
    """
    blocks = [name for name, child in model.named_children() if any(True for _ in child.parameters())]
    behind = [name for name in blocks if not any(one == name or one.startswith(f"{name}.") for one in head)]
    depths = dict.fromkeys(blocks, 0) | {name: depth for depth, name in enumerate(reversed(behind), 1)}
    factors = {}
    for name, _ in model.named_parameters():
        if _inside(name, head):
            factors[name] = 1.0
        else:
            factors[name] = backbone * decay ** depths.get(name.partition(".")[0], len(behind))
    return factors
