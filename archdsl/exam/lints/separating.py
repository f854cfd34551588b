"""The network with one argument changed, so that an item sees what it did not see before."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from archdsl.exam.lints.item import before
from archdsl.exam.quantities import candidates, truth
from archdsl.exam.walk import Ask, Kind, Subject, Value
from archdsl.graph import Graph, Node
from archdsl.ops import Op, ShapeError
from archdsl.ops.arguments import ArgumentError
from archdsl.ops.conv import Conv, ConvTranspose
from archdsl.ops.pool import Pool
from archdsl.tensors import TensorType

MOST_TRIED = 48
"""Changed networks that are looked at for one finding."""
MOST_NODES = 400
"""Larger networks are not changed: every change computes them anew."""


@dataclass(frozen=True, slots=True)
class Change:
    """A network with one argument changed, and what to say of it after "with"."""

    said: str
    graph: Graph


@dataclass(frozen=True, slots=True)
class Separated:
    """A change that tells apart what was alike, and the values then."""

    said: str
    values: tuple[Value, ...]


def separate(subject: Subject, ask: Ask, ids: tuple[str, ...], *, from_truth: bool) -> Separated | None:
    """Return the first change of one argument after which some mistakes give different values.

    With `from_truth` they must differ from the right one too, whose value comes last.
    """
    if subject.is_open or len(subject.nodes) > MOST_NODES:
        return None
    for change in _first(changes(subject, ask), MOST_TRIED):
        other = Subject(change.graph)
        try:
            right = truth(other, ask)
        except ValueError:
            continue
        values = [_value(other, ask, id) for id in ids]
        wanted: list[Value | None] = [*values, right] if from_truth else values
        told = tuple([value for value in wanted if value is not None])
        if len(set(told)) == len(wanted) and right not in values:
            return Separated(change.said, told)
    return None


def changes(subject: Subject, ask: Ask) -> Iterator[Change]:
    """Yield networks with one other argument: kernels first, then paddings, strides, filters, and the input at last."""
    try:
        nodes = before(subject, subject.end(ask.layer))
    except ValueError:
        nodes = tuple(range(len(subject.nodes)))
    found = [subject.nodes[i] for i in nodes]
    convs = [node for node in found if isinstance(node.op, Conv | ConvTranspose)]
    pools = [node for node in found if isinstance(node.op, Pool)]
    for propose, where in (
        (_kernels, convs),
        (_paddings, convs),
        (_strides, [*convs, *pools]),
        (_kernels, pools),
        (_filters, convs),
    ):
        for node in where:
            for said, arguments in propose(node):
                graph = _changed(subject.graph, node, arguments)
                if graph is not None:
                    yield Change(said, graph)
    for name, feed in subject.graph.inputs.items():
        yield from _inputs(subject.graph, name, feed)


def _kernels(node: Node) -> Iterator[tuple[str, dict[str, Any]]]:
    op: Any = node.op
    axes = len(op.kernel_size)
    own = op.kernel_size[0]
    for k in (own + 2, own - 2) if own % 2 else (own - 1, own + 1):
        if k > 1:
            yield f"{node.id} {'x'.join([str(k)] * axes)}", {"kernel_size": (k,) * axes}


def _strides(node: Node) -> Iterator[tuple[str, dict[str, Any]]]:
    op: Any = node.op
    own = (op.steps if isinstance(op, Pool) else op.stride)[0]
    for stride in (own + 1, own - 1):
        if stride > 0:
            yield f"stride {stride} in {node.id}", {"stride": (stride,) * len(op.kernel_size)}


def _paddings(node: Node) -> Iterator[tuple[str, dict[str, Any]]]:
    op: Any = node.op
    if isinstance(op.padding, tuple) and all(isinstance(p, int) for p in op.padding):
        for padding in (op.padding[0] + 1, op.padding[0] - 1):
            if padding >= 0:
                yield f"padding {padding} in {node.id}", {"padding": (padding,) * len(op.padding)}


def _filters(node: Node) -> Iterator[tuple[str, dict[str, Any]]]:
    op: Any = node.op
    for filters in (2 * op.out_channels, op.out_channels + op.groups):
        yield f"{filters} filters in {node.id}", {"out_channels": filters}


def _inputs(graph: Graph, name: str, feed: Node) -> Iterator[Change]:
    """Yield the network with another input: as a colour image, with other channels, one pixel larger."""
    channels, *sizes = feed.output.shape
    if not isinstance(channels, int):
        return
    whose = "" if len(graph.inputs) == 1 else f" of {name}"
    for other in (3, 2 * channels):
        if other != channels and sizes:
            made = fed(graph, feed, (other, *sizes))
            if made is not None:
                yield Change(f"{other} input channels{whose}", made)
    if sizes and all(isinstance(size, int) for size in sizes):
        made = fed(graph, feed, (channels, *[size + 1 for size in sizes]))
        if made is not None:
            yield Change(f"{'x'.join(str(size + 1) for size in sizes)} pixels{whose}", made)


def _changed(graph: Graph, node: Node, arguments: dict[str, Any]) -> Graph | None:
    try:
        op = type(node.op)(**node.op.non_defaults() | arguments)
    except ArgumentError:
        return None
    return _rebuilt(graph, lambda one: op if one is node else one.op, {})


def fed(graph: Graph, feed: Node, shape: tuple[Any, ...]) -> Graph | None:
    """Return the network with another shape of an input; nothing where a layer cannot take what comes of it."""
    return _rebuilt(graph, lambda one: one.op, {feed.index: TensorType(shape)})


def _rebuilt(graph: Graph, op_of: Callable[[Node], Op], fed: dict[int, TensorType]) -> Graph | None:
    """Return the network with other ops or inputs and all sizes anew; nothing where a layer cannot take them."""
    nodes: list[Node] = []
    try:
        for node in graph.nodes:
            op, types = op_of(node), [nodes[i].output for i in node.inputs]
            output = op.output(*types) if node.inputs else fed.get(node.index, node.output)
            nodes.append(replace(node, op=op, output=output))
    except (ShapeError, ArgumentError):
        return None
    return replace(
        graph,
        nodes=nodes,
        inputs={name: nodes[node.index] for name, node in graph.inputs.items()},
        outputs={name: nodes[node.index] for name, node in graph.outputs.items()},
    )


def _value(subject: Subject, ask: Ask, id: str) -> Value | None:
    """Return the wrong value of a mistake; nothing where it is the right one."""
    found = candidates(subject, ask, kinds=(Kind.RULE,), only=frozenset({id}))
    return found[0].value if found else None


def _first(found: Iterator[Change], most: int) -> Iterator[Change]:
    for _, one in zip(range(most), found, strict=False):
        yield one
