"""Where positions are left out, and what a moved input does to a network.

A stride keeps one position of several, and what changes faster than that turns into something else, unless it was
averaged away before. A stride larger than the kernel does not even look at some positions. And a network with strides
answers to a moved input with moved outputs only if the move is a multiple of its strides: that is its period.

Source: Zhang 2019, arXiv:1904.11486; Azulay & Weiss 2019, arXiv:1805.12177.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd, lcm
from typing import NamedTuple

from archdsl.analysis.fields import FARTHEST
from archdsl.analysis.nearby import STAY, Nearby, nearby
from archdsl.analysis.overlap import backward
from archdsl.graph import Graph, Node
from archdsl.ops import FLAT, Reads, Storage
from archdsl.ops.conv import Conv
from archdsl.ops.merge import Scale
from archdsl.ops.norm import RunningNorm, ShapeNorm
from archdsl.ops.pool import AdaptiveAvgPool, AvgPool, Pool


@dataclass(frozen=True, slots=True)
class Subsampling:
    """A convolution or pooling that keeps one position of several, per axis."""

    node: Node
    strides: tuple[int, ...]
    unread: tuple[int, ...]
    """How many of the positions of one stride no window reads."""
    smoothed_by: Node | None
    """What averages before positions are left out: the node itself, or one in front of it."""


def subsamplings(graph: Graph) -> tuple[Subsampling, ...]:
    """Return every convolution and pooling with a stride above 1 that evaluation runs."""
    found: list[Subsampling] = []
    for node in graph.nodes:
        if node.index in graph.training_only or not isinstance(node.op, Conv | Pool):
            continue
        window = node.op.window(graph.types(node), node.output)
        assert isinstance(window, tuple), "what slides has a window per axis"
        reads = [one for one in window if one is not None]
        if all(one.shift == 1 for one in reads):
            continue
        strides = tuple([one.shift for one in reads])
        unread = tuple([backward(one).count(0) for one in reads])
        found.append(Subsampling(node, strides, unread, _low_pass(graph, node, strides)))
    return tuple(found)


def _low_pass(graph: Graph, node: Node, strides: tuple[int, ...]) -> Node | None:
    """Return what averages along every axis that has a stride: the node, or one before it with linear layers between.

    An activation behind an average makes sharp edges anew, so nothing is looked for in front of one.
    """
    one = node
    while True:
        if isinstance(one.op, AvgPool | AdaptiveAvgPool):
            window = one.op.window(graph.types(one), one.output)
            if isinstance(window, tuple) and all(
                stride == 1 or (reads is not None and min(map(len, reads.taps)) > 1)
                for reads, stride in zip(window, strides, strict=True)
            ):
                return one
        passes = one is node or isinstance(one.op, RunningNorm | Scale) or one.op.storage is Storage.ALIAS
        if not passes or len(one.inputs) != 1:
            return None
        one = graph.nodes[one.inputs[0]]


class Period(NamedTuple):
    """Moving the input by `pixels` moves the units by `units`; 0 units is a result that a move does not change."""

    units: int
    pixels: int


Periods = dict[str, tuple[Period | None, ...]]
"""By input of the network, per axis of that input; `None` where no move of the input is a move of the units."""


def equivariance(graph: Graph) -> list[Periods]:
    """Return the smallest periods of every node, in the order of the nodes.

    They hold away from the borders; and everywhere where all paddings are circular, every stride divides its map and
    no resize clamps at a border.
    """
    names = {node.index: name for name, node in graph.inputs.items()}
    found: list[Periods] = []
    for node in graph.nodes:
        if node.index in names:
            found.append({names[node.index]: (Period(1, 1),) * len(node.output.spatial)})
            continue
        merged: Periods = {}
        flat = node.op.window(graph.types(node), node.output) is FLAT
        for i, reads in zip(node.inputs, _reads(graph, node), strict=True):
            for name, old in found[i].items():
                mine = _through(old, reads, flat)
                merged[name] = _both(merged[name], mine) if name in merged else mine
        found.append(merged)
    return found


def _reads(graph: Graph, node: Node) -> tuple[Nearby | None, ...]:
    """Return what is read near a unit; a norm with weights for each position of an axis reads nothing that moves."""
    types, op = graph.types(node), node.op
    if not isinstance(op, ShapeNorm) or not op.weights(*types):
        return nearby(graph, node)
    axes = len(node.output.shape)
    first = 0 if op.dims is None else axes - op.dims
    return (tuple([None if axis >= first else STAY for axis in range(1, axes)]) or None,)


def _through(old: tuple[Period | None, ...], reads: Nearby | None, flat: bool) -> tuple[Period | None, ...]:
    if reads is not None and len(reads) == len(old):
        return tuple([_moved(period, one) for period, one in zip(old, reads, strict=True)])
    if flat:  # positions become elements, each with weights of its own
        return tuple([period if period is not None and not period.units else None for period in old])
    # All positions are taken together, in any order; or a vector of such results is passed on.
    return tuple([period and Period(0, period.pixels) for period in old])


def _moved(period: Period | None, reads: Reads | None) -> Period | None:
    if period is None or reads is None or not period.units:
        return period if reads is not None else None
    if not reads.shift:
        return Period(0, period.pixels)
    turns = period.units // gcd(period.units, reads.shift)
    return _bounded(Period(turns * len(reads.taps), turns * reads.shift // period.units * period.pixels))


def _both(a: tuple[Period | None, ...], b: tuple[Period | None, ...]) -> tuple[Period | None, ...]:
    if len(a) != len(b):
        return (None,) * len(a)
    return tuple([_common(mine, other) for mine, other in zip(a, b, strict=True)])


def _common(a: Period | None, b: Period | None) -> Period | None:
    """Return the smallest move that is one of both; maps that move by different steps have none."""
    if a is None or b is None:
        return None
    if a.units and b.units and a.units * b.pixels != b.units * a.pixels:
        return None
    pixels = lcm(a.pixels, b.pixels)
    moving = a if a.units else b
    return _bounded(Period(pixels // moving.pixels * moving.units, pixels))


def _bounded(period: Period) -> Period | None:
    return period if max(period) < FARTHEST else None
