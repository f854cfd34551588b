"""The generated module held against the analysis, number by number."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from archdsl.codegen import builder_names, generate
from archdsl.pipeline import Network
from archdsl.verify import exported, reach, running, shapes, structure, values
from archdsl.verify.checks import Check, ended
from archdsl.verify.subject import NotBuilt, Subject, has_device, imported

__all__ = ["CHECKS", "DEVICES", "Check", "has_device", "verify"]

DEVICES = ("cpu", "cuda", "meta")
CHECKS = ("modules", "parameters", "shapes", "macs", "outputs", "values", "training", "export", "memory", "rf")
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
    text = code if code is not None else generate(network)
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
    exported_graph: list[exported.Exported | None] = [None]

    def export() -> Check:
        check, exported_graph[0] = exported.export(subject, subject.build())  # of its own: nothing stays in place there
        return check

    def memory() -> Check:
        if exported_graph[0] is None:
            export()
        return exported.memory(subject, exported_graph[0])

    checks: dict[str, Callable[[], Check]] = {
        "modules": lambda: structure.modules(subject, model),
        "parameters": lambda: structure.parameters(subject, model),
        "shapes": lambda: shapes.shapes(subject, on_meta),
        "MACs": lambda: running.macs(subject, on_meta),
        "outputs": lambda: running.evaluation(subject, model),
        "values": lambda: values.values(subject),
        "training": lambda: running.training(subject, model),
        "export": export,
        "memory": memory,
        "receptive field": lambda: reach.receptive_fields(subject),
    }
    for short, (name, make) in zip(CHECKS, checks.items(), strict=True):
        if short in only:
            try:
                yield make()
            except (Exception, SystemExit) as error:  # noqa: BLE001 - the code may have been edited by hand, and do anything
                yield ended(name, "", [f"it fails: {type(error).__name__}: {error}"])
