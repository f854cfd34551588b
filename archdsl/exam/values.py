"""The numbers that come out of a small net, computed exactly from given inputs and weights.

Sizes, and which input positions an output position reads, are those of the ops; what PyTorch makes of them in
evaluation is in `layers`. A net is refused where a tensor has more than 4,096 numbers or the work is more than 2^18
products, so that no sheet runs for long. A root that is no fraction is its nearest double; all else is exact.
"""

from __future__ import annotations

from collections.abc import Mapping

from archdsl.diagnostics import closest
from archdsl.exam.data import MOST_BITS, MOST_NUMBERS, Tensor
from archdsl.exam.layers import Given, rule_of
from archdsl.exam.sums import Work
from archdsl.graph import Graph, Node


class DataError(ValueError):
    """What is wrong with given numbers, by the `name` that they are given under."""

    def __init__(self, name: str, message: str, help: str | None = None) -> None:
        super().__init__(message)
        self.name = name
        self.help = help


def values(graph: Graph, last: Node, data: Mapping[str, Tensor]) -> Tensor:
    """Return what a node gives in evaluation, for inputs and weights that are given by name.

    Raises:
        DataError: numbers are missing, have another shape, or are for nothing in the net.
        ValueError: a layer has no rule here, a size is left open, or the net is too large.
    """
    _check_names(graph, data)
    needed = _needed(graph, last)
    for node in needed:
        if node.output.is_symbolic:
            raise ValueError(f"the values of `{node.id}` depend on a size that is left open")
        if node.output.elements > MOST_NUMBERS:
            many = f"`{node.id}` has {node.output.elements:,} numbers"
            raise ValueError(f"{many}, and {MOST_NUMBERS:,} are the most that is computed")
    fed = {node.index: name for name, node in graph.inputs.items()}
    known: dict[int, Tensor] = {}
    work = Work()
    for node in needed:
        if node.index in fed:
            known[node.index] = _given(data, fed[node.index], node.output.known)
        else:
            inputs = [known[i] for i in node.inputs]
            types = graph.types(node)
            sizes = node.op.weights(*types) | node.op.buffers(*types) if node.op.stateful else {}
            weights = {name: _given(data, f"{node.path}.{name}", shape) for name, shape in sizes.items() if shape}
            found = rule_of(node.op)(Given(node.op, types, node.output, weights, work), inputs)
            known[node.index] = _bounded(node, found).reshaped(node.output.known)
    return known[last.index]


def _needed(graph: Graph, last: Node) -> list[Node]:
    """Return the nodes that a node depends on, and itself, in order of running."""
    found = {last.index}
    for index in range(last.index, -1, -1):
        if index in found:
            found.update(graph.nodes[index].inputs)
    return [graph.nodes[index] for index in sorted(found)]


def _check_names(graph: Graph, data: Mapping[str, Tensor]) -> None:
    known = list(graph.inputs)
    for node in graph.layers:
        if node.op.stateful and not node.call:
            types = graph.types(node)
            sizes = node.op.weights(*types) | node.op.buffers(*types)
            known += [f"{node.path}.{name}" for name, shape in sizes.items() if shape]
    for name in data:
        if name not in known:
            close = closest(name, known)
            help = f"did you mean `{close}`?" if close else f"there are {', '.join(known[:8])}"
            raise DataError(name, f"the net has no input and no weight `{name}`", help)


def _given(data: Mapping[str, Tensor], name: str, shape: tuple[int, ...]) -> Tensor:
    """Return what is given under a name; brackets around a single element may be left out or added."""
    wanted = "×".join(map(str, shape))
    if name not in data:
        bare = "; a layer without one has `bias=false`" if name.endswith(".bias") else ""
        raise DataError(name, f"`data` does not give `{name}`", f"it takes {wanted} numbers{bare}")
    found = data[name]
    if [n for n in found.shape if n != 1] != [n for n in shape if n != 1]:
        given = "×".join(map(str, found.shape)) or "a single number"
        raise DataError(name, f"`{name}` is {wanted}, and {given} is given")
    return found.reshaped(shape)


def _bounded(node: Node, found: Tensor) -> Tensor:
    longest = max(found.denominator, max(map(abs, found.numerators), default=0))
    if longest.bit_length() > MOST_BITS:
        raise ValueError(f"the numbers in `{node.id}` are too long")
    return found
