"""All that is known of one unit: what it sees on an infinite plane and in the image, and how much of it is padding.

What lands in the padding of an *inner* map carries nothing, so what a unit sees is cut at every layer, and not only at
the image.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from archdsl.analysis.coverage import Cover, count, coverage
from archdsl.analysis.sets import Seen
from archdsl.analysis.support import folded, support
from archdsl.graph import Graph, Node
from archdsl.ops import SAME, Op, Reads
from archdsl.ops.base import Reach

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    Map = NDArray[numpy.float64]


@dataclass(frozen=True, slots=True)
class Sight:
    """What one unit sees of one input."""

    plane: tuple[Seen | None, ...] | None
    """Per axis on an infinite plane; `None` where a layer made it the whole input, or it is not known."""
    plane_count: int | None
    global_: str | None
    """The layer that made it the whole input."""
    image: tuple[tuple[int, int], ...] | None
    """Per axis from the first to the last position in the image; `None` where it sees nothing of it."""
    image_count: int
    exact: bool
    """Whether it depends on all of them; else on no others."""


@dataclass(frozen=True, slots=True)
class Unit:
    """One position of a layer's output, all channels together."""

    node: Node
    place: tuple[int, ...]
    sights: dict[str, Sight]
    """By input of the network."""
    padding: float
    """The share of the ways back from it that end beyond the border of some map, each window's taps counting alike."""


def look(graph: Graph, node: Node, place: tuple[int, ...]) -> Unit:
    """Return what is known of a unit, at the sizes that the graph has.

    Raises:
        ValueError: the unit lies outside of the map, or a size is left open.
    """
    if graph.is_symbolic:
        raise ValueError("what one unit sees needs the sizes of the inputs")
    found = support(graph, node, place)
    covers = coverage(graph)[node.index]
    sights = {}
    for name, fed in graph.inputs.items():
        cover = covers.get(name)
        if cover is None:
            continue
        boxes = tuple([tuple(map(_of_mask, box)) for box in found.boxes.get(name, ())])
        axes = range(len(fed.output.known) - 1)
        ends = tuple([(min(b[i].low for b in boxes), max(b[i].high for b in boxes)) for i in axes]) if boxes else None
        plane, total = _on_the_plane(cover, place)
        sights[name] = Sight(plane, total, cover.global_, ends, count(boxes) if axes else 1, found.exact)
    share = 1 - _real_share(graph, node)[place]
    return Unit(node, place, sights, max(0.0, float(share)))


def _of_mask(mask: int) -> Seen:
    low = (mask & -mask).bit_length() - 1
    high = mask.bit_length() - 1
    mask >>= low
    return Seen(low, high, mask if mask.bit_count() <= high - low else 0)


def _on_the_plane(cover: Cover, place: tuple[int, ...]) -> tuple[tuple[Seen | None, ...] | None, int | None]:
    if cover.open or cover.global_ is not None or len(cover.terms[0]) != len(place):
        return None, None
    return tuple([cover.along(axis, at) for axis, at in enumerate(place)]), count(cover.at(place))


# Padding. Ones are fed in, every window takes the mean of its taps, sums and products add up: with ones for padding too
# every unit of a node would hold one number, its *whole*; what is missing to it is what came from beyond a border.


def _real_share(graph: Graph, last: Node) -> Map:
    import numpy

    values: dict[int, tuple[Map, float]] = {}
    for node in graph.nodes[: last.index + 1]:
        if not node.inputs:
            values[node.index] = numpy.ones(node.output.known[1:]), 1.0
            continue
        types = graph.types(node)
        parts = []
        for i, window in zip(node.inputs, node.op.windows(types, node.output), strict=True):
            value, whole = values[i]
            parts.append((_through(value, window, node), whole))
        if node.op.name == "concat":
            channels = [x.channels for x in types]
            value = sum((v * c for (v, _), c in zip(parts, channels, strict=True)), numpy.zeros(())) / sum(channels)
            whole = sum(w * c for (_, w), c in zip(parts, channels, strict=True)) / sum(channels)
        else:
            value, whole = sum((v for v, _ in parts), numpy.zeros(())), sum(w for _, w in parts)
        values[node.index] = numpy.broadcast_to(value, node.output.known[1:]), whole
    value, whole = values[last.index]
    return value / whole


def _through(value: Map, window: Reach | tuple[Reads | None, ...], node: Node) -> Map:
    import numpy

    sizes = node.output.known[1:]
    if window is SAME and (value.shape == sizes or value.ndim == len(sizes)):
        return value
    if isinstance(window, Reach) or len(window) != value.ndim or len(sizes) != value.ndim:
        return numpy.full((1,) * len(sizes), value.mean())
    for axis, (reads, size) in enumerate(zip(window, sizes, strict=True)):
        if reads is None:
            value = numpy.repeat(value.mean(axis=axis, keepdims=True), size, axis=axis)
        else:
            rows = _weights(reads, size, value.shape[axis], node.op)
            value = numpy.moveaxis(numpy.tensordot(rows, value, axes=(1, axis)), 0, axis)
    return value


def _weights(reads: Reads, units: int, size: int, op: Op) -> Map:
    """Return one row a unit: the share of its taps at each position of the map."""
    import numpy

    rows = numpy.zeros((units, size))
    for unit in range(units):
        turns, phase = divmod(unit, len(reads.taps))
        taps = reads.taps[phase]
        for tap in taps:
            place = tap + turns * reads.shift
            if not 0 <= place < size and op.border != "zeros":
                place = folded(place, size, op.border)
            if 0 <= place < size:
                rows[unit, place] += 1 / len(taps)
    return rows
