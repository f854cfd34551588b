"""All that is known of one unit: what it sees on an infinite plane and in the image, and how much of it is padding.

What lands in the padding of an *inner* map carries nothing, so what a unit sees is cut at every layer, and not only at
the image.
"""

from __future__ import annotations

from dataclasses import dataclass

from archdsl.analysis.coverage import Cover, count, coverage
from archdsl.analysis.padding import real_share
from archdsl.analysis.sets import Seen
from archdsl.analysis.support import support
from archdsl.graph import Graph, Node

MOST_POSITIONS = 2**22
"""Along one axis of a map; a longer one is not walked through."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What one unit sees of one input."""

    plane: tuple[Seen | None, ...] | None
    """Per axis on an infinite plane; `None` where a layer made it the whole input, or it is not known."""
    plane_count: int | None
    """How many positions; `None` where they are not counted."""
    why: str
    """Why they are not counted, or the plane is not known."""
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
    padding: float | None
    """The share of the ways back from it that end beyond the border of some map, each window's taps counting alike.

    `None` where it takes too much work to tell.
    """


def look(graph: Graph, node: Node, place: tuple[int, ...]) -> Unit:
    """Return what is known of a unit, at the sizes that the graph has.

    Raises:
        ValueError: the unit lies outside of the map, or a size is left open.
    """
    if graph.is_symbolic:
        raise ValueError("what one unit sees needs the sizes of the inputs")
    longest = max(graph.nodes[: node.index + 1], key=lambda one: max(one.output.known[1:], default=0))
    size = max(longest.output.known[1:], default=0)
    if size > MOST_POSITIONS:
        raise ValueError(f"{longest.id} has {size:,} positions along an axis, too many to walk through")
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
        sights[name] = Sight(plane, total, cover.why, cover.global_, ends, count(boxes) if axes else 1, found.exact)
    share = real_share(graph, node, place)
    return Unit(node, place, sights, None if share is None else max(0.0, 1 - share))


def _of_mask(mask: int) -> Seen:
    low = (mask & -mask).bit_length() - 1
    high = mask.bit_length() - 1
    mask >>= low
    return Seen(low, high, mask if mask.bit_count() <= high - low else 0)


def _on_the_plane(cover: Cover, place: tuple[int, ...]) -> tuple[tuple[Seen | None, ...] | None, int | None]:
    if not cover.terms or len(cover.terms[0]) != len(place):
        return None, None
    plane = tuple([cover.along(axis, at) for axis, at in enumerate(place)])
    return plane, None if cover.open else count(cover.at(place))
