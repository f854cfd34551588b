"""What one unit of a stack of dilated convolutions sees of the map that the stack works on, hole by hole.

A dilated kernel reads positions some way apart, and convolutions of the same dilation go on reading those alone: the
others never meet. Here the set of positions is exact, as a bitmask along each axis, through branches too. A stack is
all that works with stride 1 on one map; it begins anew behind a stride, a resize, and where maps of two stacks meet.

Source: Wang et al. 2018, arXiv:1702.08502, section 3.2, for the problem; their bound on the dilations is a rule of
thumb, which the set makes unnecessary.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd
from typing import NamedTuple

from archdsl.analysis.nearby import is_plain, nearby
from archdsl.graph import Graph, Node

MOST_BITS = 2**14
"""The longest set of positions that is kept; beyond it a stack is left open."""


@dataclass(frozen=True, slots=True)
class Grid:
    """What one unit sees along one axis of the map at the beginning of its stack."""

    node: Node
    origin: Node
    """Whose output the stack works on."""
    axis: int
    hull: int
    """From the first position that is seen to the last."""
    covered: int
    """How many of these are seen."""
    gap: int
    """The largest step from one that is seen to the next; 1 where there are no holes."""
    step: int
    """The largest number that divides all steps: above 1, neighbouring units have nothing in common."""
    dilated: int
    """How many dilated layers lie between."""

    @property
    def has_holes(self) -> bool:
        return self.covered < self.hull


class _Stack(NamedTuple):
    """The positions `low + i` for the bits `i` of `bits`, seen of the output of a node."""

    origin: int
    low: int
    bits: int
    step: int
    dilated: int


def gridding(graph: Graph) -> tuple[Grid, ...]:
    """Return what the units of every dilated layer, and of layers behind one in its stack, see of the stack's input."""
    nodes, stacks = graph.nodes, list[tuple[_Stack | None, ...]]()
    found: list[Grid] = []
    if not any(max(getattr(node.op, "dilation", (1,))) > 1 for node in nodes):
        return ()
    for node in nodes:
        windows = nearby(graph, node)
        axes: list[_Stack | None] = []
        for axis in range(len(node.output.shape) - 1):
            fresh = _Stack(node.index, 0, 1, 0, 0)
            branches: list[_Stack | None] = []
            for i, window in zip(node.inputs, windows, strict=True):
                if window is None:
                    continue  # a gate
                reads, old = window[axis], stacks[i][axis]
                if reads is None or not is_plain(reads) or not reads.taps[0]:
                    branches = [fresh]
                    break
                branches.append(old and _read(old, reads.taps[0]))
            axes.append(_joined(branches, fresh) if branches else fresh)
        stacks.append(tuple(axes))
        if node.index not in graph.training_only and len(windows) == 1 and windows[0] is not None:
            for axis, (reads, stack) in enumerate(zip(windows[0], axes, strict=True)):
                if reads is not None and len(reads.taps[0]) > 1 and stack is not None and stack.dilated:
                    found.append(_grid(node, nodes[stack.origin], axis, stack))
    return tuple(found)


def _read(old: _Stack, taps: range) -> _Stack | None:
    """Return what is seen by units that read `taps` of units that see `old`; `None` where it becomes too long."""
    if len(taps) == 1:
        return old._replace(low=old.low + taps[0]) if taps[0] else old
    if old.bits.bit_length() + taps[-1] - taps[0] > MOST_BITS:
        return None
    bits = smeared(old.bits, len(taps), taps.step)
    return _Stack(old.origin, old.low + taps[0], bits, gcd(old.step, taps.step), old.dilated + (taps.step > 1))


def smeared(bits: int, count: int, step: int) -> int:
    """Return the union of `count` copies of a set, each `step` farther than the one before."""
    done = 1
    while done < count:
        more = min(done, count - done)
        bits |= bits << (more * step)
        done += more
    return bits


def _joined(branches: list[_Stack | None], fresh: _Stack) -> _Stack | None:
    """Return what is seen by a unit that reads the same position of several maps."""
    first = branches[0]
    for other in branches[1:]:
        if first is other or first is None:
            continue
        if other is None:
            return None
        if other.origin != first.origin:
            return fresh
        low = min(first.low, other.low)
        bits = first.bits << (first.low - low) | other.bits << (other.low - low)
        step = gcd(first.step, other.step, first.low - other.low)
        if bits.bit_length() > MOST_BITS:
            return None
        first = _Stack(first.origin, low, bits, step, max(first.dilated, other.dilated))
    return first


def _grid(node: Node, origin: Node, axis: int, stack: _Stack) -> Grid:
    hull, covered = stack.bits.bit_length(), stack.bits.bit_count()
    return Grid(node, origin, axis, hull, covered, longest_step(stack.bits), stack.step, stack.dilated)


def longest_step(bits: int) -> int:
    """Return the largest distance from one position of a set to the next; 1 where it has no holes."""
    hull = bits.bit_length()
    low, high = 1, 1
    while not _fills(bits, high, hull):
        low, high = high + 1, 2 * high
    while low < high:
        middle = (low + high) // 2
        if _fills(bits, middle, hull):
            high = middle
        else:
            low = middle + 1
    return low


def _fills(bits: int, reach: int, hull: int) -> bool:
    """Tell whether no hole is left where every position stands for the `reach - 1` behind it too."""
    return smeared(bits, reach, 1).bit_count() == hull + reach - 1
