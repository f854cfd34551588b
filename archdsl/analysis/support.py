"""Which input positions one unit sees: followed back through every layer, and cut at the border of every map.

Unlike the fields of `receptive_field.py`, which are those of an infinite plane, this is what a unit of a map of known
size really depends on. Along one axis that is a set of positions, kept as a bitmask; over the axes it is a union of
products of such sets, since branches may see different shapes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from archdsl.graph import Graph, Node
from archdsl.ops import SAME, Op, Reads, Window

Box = tuple[int, ...]
"""The positions along each axis, bit `i` for position `i`; a vector has no axes."""

MOST_BOXES = 512
"""Products of which one set is the union; beyond that they are merged into the smallest one around them."""

_AXES = ("Flatten", "Unflatten")
"""Ops that merge or split axes."""


@dataclass(frozen=True, slots=True)
class Support:
    """What a unit sees of each input, by the input's name; an input that is not seen is not there."""

    boxes: dict[str, tuple[Box, ...]]
    exact: bool
    """Whether a unit depends on all of it; else it depends on nothing beside it."""
    clipped: bool
    """Whether a border cut something off on the way, or something sees nothing; else it is the field on a plane."""


def support(graph: Graph, node: Node, unit: tuple[int, ...]) -> Support:
    """Return what all channels of a unit depend on, at the sizes that the graph has.

    Raises:
        ValueError: the unit lies outside of the map, or a size is left open.
    """
    sizes = node.output.known[1:]
    if len(unit) != len(sizes) or not all(0 <= place < size for place, size in zip(unit, sizes, strict=True)):
        raise ValueError(f"{node.id} has no unit {unit}: its sizes are {sizes}")
    pending: dict[int, set[Box]] = defaultdict(set)
    pending[node.index] = {tuple(1 << place for place in unit)}
    names = {fed.index: name for name, fed in graph.inputs.items()}
    found: dict[str, tuple[Box, ...]] = {}
    exact, clipped = True, False
    for index in range(node.index, -1, -1):
        boxes = pending.pop(index, None)
        if boxes is None:
            continue
        one = graph.nodes[index]
        kept = simplified(boxes)
        exact = exact and len(kept) <= MOST_BOXES
        if len(kept) > MOST_BOXES:
            kept = (_around(kept),)
        if index in names:
            found[names[index]] = kept
            continue
        types = graph.types(one)
        windows = one.op.windows(types, one.output)
        exact = exact and is_exact(one) and not any(isinstance(window, tuple) and None in window for window in windows)
        for i, source, window in zip(one.inputs, types, windows, strict=True):
            for box in kept:
                seen, cut = _through(window, box, source.known[1:], one.op)
                clipped = clipped or cut or 0 in seen
                if 0 not in seen:
                    pending[i].add(seen)
    return Support(found, exact, clipped)


def is_exact(node: Node) -> bool:
    """Tell whether every channel of a unit depends on all that its window reads.

    A piece of a split, and a position that was a group of channels, need not see what the other channels see; where
    axes are merged or split it is not followed which position became which.
    """
    return node.op.name not in ("chunk", "PixelShuffle") and (node.op.name not in _AXES or not node.output.spatial)


def positions(mask: int) -> Iterator[int]:
    """Yield the positions of a bitmask, from the first."""
    while mask:
        lowest = mask & -mask
        yield lowest.bit_length() - 1
        mask ^= lowest


def _through(window: Window, box: Box, sizes: tuple[int, ...], op: Op) -> tuple[Box, bool]:
    """Return what units read of a map of the given sizes, and whether they read beyond its border too."""
    if window is SAME and len(box) == len(sizes):
        return box, False
    if not isinstance(window, tuple):  # a map of one position that became a vector is read as a whole too
        return tuple((1 << size) - 1 for size in sizes), False
    seen, cut = list[int](), False
    for reads, mask, size in zip(window, box, sizes, strict=True):
        places = _read(reads, mask) if reads is not None else set(range(size))
        outside = {place for place in places if not 0 <= place < size}
        inside = places - outside
        if outside and op.border != "zeros":
            inside |= {folded(place, size, op.border) for place in outside}
        seen.append(sum(1 << place for place in inside))
        cut = cut or bool(outside)
    return tuple(seen), cut


def _read(reads: Reads, mask: int) -> set[int]:
    """Return the positions that some units read along one axis, those beyond the border among them."""
    turn, places = len(reads.taps), set[int]()
    for unit in positions(mask):
        turns, phase = divmod(unit, turn)
        start = turns * reads.shift
        places.update(range(start + taps.start, start + taps.stop, taps.step) if (taps := reads.taps[phase]) else ())
    return places


def folded(place: int, size: int, border: str) -> int:
    """Return the position whose value stands outside of the border, by PyTorch's names of padding modes."""
    if border == "circular":
        return place % size
    if border == "reflect":
        place = -place if place < 0 else 2 * (size - 1) - place
    return min(max(place, 0), size - 1)


def simplified(boxes: set[Box]) -> tuple[Box, ...]:
    """Return the boxes that do not lie within another."""
    if len(boxes) == 1:
        return tuple(boxes)
    ordered = sorted(boxes, key=lambda box: [-mask.bit_count() for mask in box])
    kept: list[Box] = []
    for box in sorted(ordered, key=_volume, reverse=True):
        if not any(all(mask & ~whole == 0 for mask, whole in zip(box, other, strict=True)) for other in kept):
            kept.append(box)
    return tuple(kept)


def _volume(box: Box) -> int:
    volume = 1
    for mask in box:
        volume *= mask.bit_count()
    return volume


def _around(boxes: tuple[Box, ...]) -> Box:
    merged = list(boxes[0])
    for box in boxes[1:]:
        merged = [mask | other for mask, other in zip(merged, box, strict=True)]
    return tuple(merged)
