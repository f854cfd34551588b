"""Receptive fields as a student computes them: windows replaced by a mistake, carried by the rules of the analysis.

Source: Araujo, Norris & Sim 2019, "Computing Receptive Fields of Convolutional Neural Networks", Distill, equation 2;
the tables and how they go through a window are those of `analysis/fields.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from archdsl.analysis.fields import PIXELS, Tracks, size, through, union, work
from archdsl.exam.walk import LARGEST, Mistake, Place, Slide, Walk
from archdsl.graph import Node
from archdsl.ops import FLAT, SAME, Reads, Window

Seen = tuple[Tracks, ...]
"""Per axis of the input; a node without one reads the whole input, or is not computed like this."""

MOST_TAPS = 2**16
"""Taps of several phases that one walk looks at."""


class Pin(NamedTuple):
    """What a student has answered about a node: the size of its field and its stride, per axis."""

    sizes: tuple[int, ...] | None = None
    strides: tuple[int, ...] | None = None


def seen(walk: Walk, end: int, given: Mapping[int, Pin] | None = None) -> Seen | None:
    """Return what a unit of node `end` sees of the network's one input; `given` are earlier answers by node."""
    subject = walk.subject
    found: list[Seen | None] = []
    for node, windows in zip(subject.nodes[: end + 1], subject.windows, strict=False):
        index, inputs = node.index, node.inputs
        if not inputs:
            found.append((PIXELS,) * (len(subject.shapes[index]) - 1))
            continue
        mistakes = walk.sites.get(index, ())
        branches = [_read(walk, node, found[i], window, mistakes) for i, window in zip(inputs, windows, strict=True)]
        here = branches[0] if len(branches) == 1 else _merged(branches, narrow=any(m.narrow for m in mistakes))
        if given and index in given:
            here = _pinned(here, given[index])
        found.append(here)
    return found[end]


def extents(walk: Walk, end: int, found: Seen) -> tuple[int, ...] | None:
    """Return the size of a field per axis; nothing where it depends on a size that is left open."""
    units = walk.subject.shapes[end][1:]
    known = [n if isinstance(n, int) else None for n in units]
    if len(known) != len(found):
        known = [None] * len(found)
    sizes = [size(tracks, n) for tracks, n in zip(found, known, strict=True)]
    return None if any(s is None for s in sizes) else tuple([s for s in sizes if s is not None])


def _read(walk: Walk, node: Node, old: Seen | None, window: Window, mistakes: Iterable[Mistake]) -> Seen | None:
    if old is None or window is SAME or window is FLAT:
        return old
    if not isinstance(window, tuple) or len(window) != len(old):
        return None
    axes: list[Tracks] = []
    for tracks, reads in zip(old, window, strict=True):
        if reads is None:
            return None
        if axes and tracks is old[0] and reads == window[0]:
            axes.append(axes[0])
            continue
        if mistakes and len(reads.taps) == 1:
            if (size(tracks, 1) or 0) > LARGEST:
                return None
            reads = _mistaken(walk, node, tracks, reads, mistakes)
        if len(reads.taps) + len(tracks) + len(tracks[0].table) > 3 and work(tracks, reads) > MOST_TAPS:
            return None
        passed = through(tracks, reads)
        if max([track.shift for track in passed]) > LARGEST:
            return None
        axes.append(passed)
    return tuple(axes)


def _mistaken(walk: Walk, node: Node, tracks: Tracks, reads: Reads, mistakes: Iterable[Mistake]) -> Reads:
    """Return the window as the student has it, about the same middle as the true one."""
    subject = walk.subject
    place = Place(subject, node, node.op, subject.inputs(node), subject.shapes[node.index])
    for mistake in mistakes:
        (taps,) = reads.taps
        if mistake.slide and taps:
            reach = taps[-1] - taps[0] + 1
            before = size(tracks, 1) or 1
            slide = Slide(reach, len(taps), abs(taps.step), reads.shift, max(0, -taps[0]), before)
            wanted, stride = mistake.slide(place, slide)
            first = taps[0] - (wanted - reach) // 2
            reads = Reads(stride, (_span(first, wanted),))
    return reads


def _span(first: int, reach: int) -> range:
    """Return the outermost taps of a window, which are all that a hull needs, however far it reaches."""
    return range(first, first + reach, reach - 1) if reach > 1 else range(first, first + 1)


def _merged(branches: list[Seen | None], *, narrow: bool) -> Seen | None:
    known = [b for b in branches if b is not None]
    if len(known) != len(branches) or len({len(b) for b in known}) > 1:
        return None
    if narrow:
        return min(known, key=lambda b: [size(tracks, 1) or 0 for tracks in b])
    result = known[0]
    for other in known[1:]:
        if other is not result:
            result = tuple([union(a, b) for a, b in zip(result, other, strict=True)])
    return result


def _pinned(here: Seen | None, pin: Pin) -> Seen | None:
    """Return fields of the answered sizes and strides; what was not asked stays as it is."""
    if here is None:
        return None
    sizes = pin.sizes or tuple([size(tracks, 1) or 1 for tracks in here])
    strides = pin.strides or tuple([tracks[0].shift for tracks in here])
    if len(sizes) != len(here) or len(strides) != len(here):
        return here
    return tuple([through(PIXELS, Reads(stride, (_span(0, n),))) for stride, n in zip(strides, sizes, strict=True)])
