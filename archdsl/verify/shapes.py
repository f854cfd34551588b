"""The output of every layer, at several input sizes and batches, in evaluation and in training."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from torch import Tensor, nn

from archdsl.graph import Graph
from archdsl.tensors import Shape
from archdsl.verify.checks import Check, compared, ended
from archdsl.verify.subject import Subject, called, calls, constructed, results, shape, spelled, tensors

BATCHES = (1, 2, 7)
ENOUGH = 4
"""Sizes beside the declared one."""
STEPS = ((1,), (-1,), (3, 1), (16, 32), (31, 33), (32,), (48, 16), (64, 64), (-2,), (2,), (7,), (-5,), (128,))
"""What is added to the declared sizes, axis by axis; where there are more axes than steps, they begin again."""

NEEDS_A_BATCH = "Expected more than 1 value per channel"
"""What PyTorch says of a norm over the batch, where that has a single value; it depends on no network's shapes."""


def shapes(subject: Subject, model: nn.Module) -> Check:
    """Compare what every layer gives, on the meta device, wherever the same weights serve another size."""
    lines, seen = list[str](), list[str]()
    for number, graph in enumerate(_sizes(subject)):
        size = spelled(graph)
        seen.append(size)
        for batch in BATCHES if not number else BATCHES[1:2]:
            try:
                _, differ = run(model, graph, subject.feeds(batch, "meta", graph))
            except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever it is, the code does not do what the analysis says
                if batch == 1 and str(error).startswith(NEEDS_A_BATCH):
                    continue
                differ = [f"the model cannot be run: {type(error).__name__}: {error}"]
            lines += [f"at {size}, batch {batch}: {line}" for line in differ]
    layers = len([n for n in subject.graph.layers if n.module])
    where = f"at {' and '.join(seen)}" if len(seen) < 3 else f"at {len(seen)} sizes: {', '.join(seen)}"
    return ended("shapes", f"{layers:,} layers {where}; batches {', '.join(map(str, BATCHES))}", lines)


class Watched:
    """Notes what each call of each layer gives while a model runs."""

    def __init__(self, model: nn.Module, graph: Graph) -> None:
        self.model, self.paths = model, {node.module for node in graph.layers}
        self.calls: Counter[str] = Counter()
        self.shapes: dict[str, Shape] = {}

    def __enter__(self) -> Watched:
        watched = [(path, one) for path, one in self.model.named_modules() if path in self.paths]
        self.handles = [one.register_forward_hook(self._hook(path)) for path, one in watched]
        return self

    def __exit__(self, *error: object) -> None:
        for handle in self.handles:
            handle.remove()

    def _hook(self, path: str) -> Any:
        def note(module: nn.Module, given: Any, output: Any) -> None:
            if isinstance(output, Tensor):
                self.shapes[called(path, self.calls[path])] = shape(output)
            self.calls[path] += 1

        return note


def run(
    model: nn.Module, graph: Graph, feeds: list[Tensor], *, training: bool = False
) -> tuple[list[Tensor], list[str]]:
    """Run a model; return its outputs, and how the shapes of all layers and outputs differ."""
    batch = feeds[0].shape[0]
    model.train(training)
    with Watched(model, graph) as watched:
        outputs = tensors(model(*feeds))
    wanted = results(graph, training=training)
    expected = {name: (batch, *node.output.known) for name, node in calls(graph, training=training).items()}
    found = dict(watched.shapes)
    expected |= {f"output `{name}`": (batch, *node.output.known) for name, node in wanted.items()}
    found |= {f"output `{name}`": shape(tensor) for name, tensor in zip(wanted, outputs, strict=False)}
    if len(outputs) != len(wanted):
        return outputs, [f"{len(wanted)} outputs in the analysis, {len(outputs)} in the code"]
    return outputs, compared(expected, found)


def _sizes(subject: Subject) -> Iterator[Graph]:
    """Yield the graph at its own sizes, and at others at which every layer is constructed alike."""
    yield subject.graph
    layers, given = constructed(subject.code, subject.graph), 0
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
        if constructed(subject.code, made.graph) == layers:
            yield made.graph
            given += 1
            if given == ENOUGH:
                return


def _moved(known: tuple[int, ...], steps: tuple[int, ...]) -> tuple[int, ...]:
    channels, *spatial = known
    return (channels, *(size + steps[axis % len(steps)] for axis, size in enumerate(spatial)))
