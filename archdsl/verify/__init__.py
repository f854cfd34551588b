"""The generated module held against the analysis, number by number."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from torch import nn

from archdsl.codegen import builder_names, generate
from archdsl.pipeline import Network
from archdsl.verify import exported, reach, running, shapes, structure
from archdsl.verify.checks import Check, ended
from archdsl.verify.subject import NotBuilt, Subject, imported

__all__ = ["CHECKS", "DEVICES", "Check", "verify"]

DEVICES = ("cpu", "cuda", "meta")
CHECKS = ("modules", "parameters", "shapes", "macs", "outputs", "training", "export", "memory", "rf")
"""By the names that `--only` takes, in the order in which they are made."""


def verify(
    network: Network,
    *,
    code: str | None = None,
    device: str = "cpu",
    seed: int = 0,
    only: Sequence[str] = CHECKS,
) -> Iterator[Check]:
    """Yield what each check says of the generated code of a network, or of other code that claims to be it.

    A check is made when it is asked for, so that the first ones can be read while the
    next one runs.

    Raises:
        SpecError: the network has errors.
        Unsupported: it cannot be written as code.
    """
    text = code if code is not None else generate(network.module, (network.name,), given=network)
    try:
        builder = builder_names(network.module.models)[network.name]
        made = imported(text, "archdsl_generated")
        subject = Subject(network, network.examine(), made, builder, device, seed)
        model = subject.build()
        on_meta = subject.build("meta")
    except NotBuilt as error:
        yield ended("builds", "", [str(error)])
        return
    tensors = len(list(model.parameters()))
    yield Check("builds", f"the module imports, and `{subject.builder}()` gives {tensors:,} parameter tensors")
    checks: dict[str, Callable[[], Check]] = {
        "modules": lambda: structure.modules(subject, model),
        "parameters": lambda: structure.parameters(subject, model),
        "shapes": lambda: shapes.shapes(subject, on_meta),
        "macs": lambda: running.macs(subject, on_meta),
        "outputs": lambda: running.evaluation(subject, model),
        "training": lambda: running.training(subject, model),
        "rf": lambda: reach.receptive_fields(subject),
    }
    graph: Any = None
    for name in CHECKS:
        if name in ("export", "memory"):
            if name == "export" and {"export", "memory"} & set(only):
                check, graph = exported.export(subject, _fresh(subject))
                if "export" in only or check.failed:
                    yield check
            if name == "memory" and "memory" in only:
                yield exported.memory(subject, graph)
        elif name in only:
            yield checks[name]()


def _fresh(subject: Subject) -> nn.Module:
    """Return a model of its own for export, which switches what is done in place off."""
    return subject.build()
