"""The output of every layer, at several input sizes and batches, in evaluation and in training."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from torch import Tensor, nn

from archdsl.graph import Graph
from archdsl.verify.checks import Check, compared, ended
from archdsl.verify.subject import Subject, results, shape, spelled, tensors

BATCHES = (1, 2, 7)
ENOUGH = 4
"""Sizes beside the declared one."""
STEPS = ((1,), (-1,), (3, 1), (16, 32), (31, 33), (32,), (48, 16), (64, 64), (-2,), (2,), (7,), (-5,), (128,))
"""What is added to the declared sizes, axis by axis; where there are more axes than steps, they begin again."""


def shapes(subject: Subject, model: nn.Module) -> Check:
    """Compare what every layer gives, on the meta device, wherever the same weights serve another size."""
    lines, seen = list[str](), list[str]()
    for number, graph in enumerate(_sizes(subject)):
        size = spelled(graph)
        seen.append(size)
        for batch in BATCHES if not number else BATCHES[1:2]:
            found = _run(subject, model.eval(), graph, batch)
            lines += [f"at {size}, batch {batch}: {line}" for line in _compared(graph, batch, found)]
    layers = len([n for n in subject.graph.layers if n.module])
    where = f"at {' and '.join(seen)}" if len(seen) < 3 else f"at {len(seen)} sizes: {', '.join(seen)}"
    return ended("shapes", f"{layers:,} layers {where}; batches {', '.join(map(str, BATCHES))}", lines)


def training_shapes(subject: Subject, model: nn.Module) -> list[str]:
    """Return how the layers and outputs of training differ, on the meta device."""
    found = _run(subject, model.train(), subject.graph, 2, training=True)
    model.eval()
    return [f"in training: {line}" for line in _compared(subject.graph, 2, found, training=True)]


def _run(subject: Subject, model: nn.Module, graph: Graph, batch: int, *, training: bool = False) -> dict[str, Any]:
    """Return the shape that each call of each layer gave, by the ids of the analysis, and those of the outputs."""
    calls: Counter[str] = Counter()
    found: dict[str, Any] = {}
    wanted = {node.module for node in graph.layers}

    def hook(path: str) -> Any:
        def note(module: nn.Module, given: Any, output: Any) -> None:
            if isinstance(output, Tensor):
                found[f"{path}#{calls[path]}" if calls[path] else path] = shape(output)
            calls[path] += 1

        return note

    handles = [one.register_forward_hook(hook(path)) for path, one in model.named_modules() if path in wanted]
    try:
        given = tensors(model(*subject.feeds(batch, "meta", graph)))
        for name, tensor in zip(results(graph, training=training), given, strict=True):
            found[f"output `{name}`"] = shape(tensor)
    except Exception as error:  # noqa: BLE001 - whatever it is, the code does not do what the analysis says
        found = {"forward": f"{type(error).__name__}: {error}"}
    finally:
        for handle in handles:
            handle.remove()
    return found


def _compared(graph: Graph, batch: int, found: dict[str, Any], *, training: bool = False) -> list[str]:
    if "forward" in found:
        return [f"the model cannot be run: {found['forward']}"]
    nodes = [n for n in graph.layers if n.module and (training or n.index not in graph.training_only)]
    expected = {n.id: (batch, *n.output.known) for n in nodes}
    expected |= {f"output `{name}`": (batch, *n.output.known) for name, n in results(graph, training=training).items()}
    return compared(expected, found)


def _sizes(subject: Subject) -> Iterator[Graph]:
    """Yield the graph at its own sizes, and at others at which all weights stay what they are."""
    yield subject.graph
    weights, given = subject.analysis.parameters.weights, 0
    inputs = {name: node.output.known for name, node in subject.graph.inputs.items()}
    if all(len(one) == 1 for one in inputs.values()):
        return
    for steps in STEPS:
        moved = {name: _moved(one, steps) for name, one in inputs.items()}
        if any(size < 1 for one in moved.values() for size in one):
            continue
        made = subject.network.at(moved)
        if any(d.severity == "error" for d in made.elaboration.diagnostics):
            continue
        if made.examine().parameters.weights == weights:
            yield made.graph
            given += 1
            if given == ENOUGH:
                return


def _moved(known: tuple[int, ...], steps: tuple[int, ...]) -> tuple[int, ...]:
    channels, *spatial = known
    return (channels, *(size + steps[axis % len(steps)] for axis, size in enumerate(spatial)))
