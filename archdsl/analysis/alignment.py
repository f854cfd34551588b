"""Whether the branches that a merge takes together lie over each other: their strides, and the centres of their fields.

A unit lies where the middle of its field lies, on an infinite plane. Behind a transposed convolution the units of one
period lie a little to one or the other side, so the middle is taken over a period. Norms, softmaxes and gates move
nothing and are left out, so that a network with them can be judged too.

Source: Araujo, Norris & Sim 2019, "Computing Receptive Fields of Convolutional Neural Networks", Distill, "Alignment
issues", for the two conditions: one stride and one centre.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import lcm
from typing import NamedTuple

from archdsl.analysis.fields import FARTHEST, PIXELS, Tracks, through, turn, union, work
from archdsl.analysis.nearby import STAY, Nearby, nearby
from archdsl.graph import Graph, Node
from archdsl.ops import Reads

MOST_WORK = 2**18
"""Taps that one pass looks at in tables of several phases; where they run out, a place is left open."""


@dataclass(frozen=True, slots=True)
class Meeting:
    """The branches of an addition, concatenation or product along one axis of one input of the network."""

    node: Node
    input: str
    axis: int
    branches: tuple[Node, ...]
    """Those whose place is known; a gate has none."""
    strides: tuple[Fraction, ...]
    """Input pixels between neighbouring units, a branch each."""
    centres: tuple[Fraction, ...]
    """Where unit 0 lies in input pixels, the mean over a period, a branch each. Pixel 0 lies at 0."""
    coarsest: Fraction
    """The largest stride that any of the branches had on its way."""

    @property
    def drift(self) -> Fraction:
        """How many input pixels lie between the first and the last of the branches."""
        return max(self.centres) - min(self.centres)

    @property
    def is_aligned(self) -> bool:
        """Whether strides and centres are equal."""
        return len(set(self.strides)) == 1 and self.drift == 0

    @property
    def is_apart(self) -> bool:
        """Whether another position of a branch lies nearer: by stride, or by more than half of the coarsest map's."""
        return len(set(self.strides)) > 1 or self.drift > self.coarsest / 2


class _Place(NamedTuple):
    """The fields of the units along one axis, and the largest stride on the way."""

    tracks: Tracks
    coarsest: Fraction


_Places = dict[str, tuple[_Place | None, ...]]


def meetings(graph: Graph) -> tuple[Meeting, ...]:
    """Return how the branches of every merge lie, for each input and axis along which at least two places are known."""
    return _Pass(graph).run()


class _Pass:
    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.room = MOST_WORK
        self.found: list[Meeting] = []

    def run(self) -> tuple[Meeting, ...]:
        graph = self.graph
        if all(len(node.inputs) < 2 for node in graph.nodes):
            return ()
        names = {node.index: name for name, node in graph.inputs.items()}
        places: list[_Places] = []
        for node in graph.nodes:
            if node.index in names:
                start = _Place(PIXELS, Fraction(1))
                places.append({names[node.index]: (start,) * len(node.output.spatial)})
                continue
            branches = [
                {name: self._read(old, reads) for name, old in places[i].items()} if reads is not None else {}
                for i, reads in zip(node.inputs, nearby(graph, node), strict=True)
            ]
            places.append(self._merged(node, branches))
        return tuple(self.found)

    def _read(self, old: tuple[_Place | None, ...], reads: Nearby) -> tuple[_Place | None, ...]:
        if all(one is STAY for one in reads):
            return old
        if len(old) != len(reads):
            return (None,) * len(reads)
        if len(set(old)) == len(set(reads)) == 1:  # a square: one axis stands for all
            return (self._along(old[0], reads[0]),) * len(old)
        return tuple([self._along(place, one) for place, one in zip(old, reads, strict=True)])

    def _along(self, place: _Place | None, reads: Reads | None) -> _Place | None:
        if place is None or reads is None or not reads.shift or not self._affords(work(place.tracks, reads)):
            return None
        tracks = through(place.tracks, reads)
        if max([track.shift for track in tracks]) >= FARTHEST:
            return None
        return _Place(tracks, max(place.coarsest, *[track.stride for track in tracks]))

    def _merged(self, node: Node, branches: list[_Places]) -> _Places:
        if len(branches) == 1:
            return branches[0]
        merged: _Places = {}
        for name in dict.fromkeys(name for branch in branches for name in branch):
            known = [(i, branch[name]) for i, branch in zip(node.inputs, branches, strict=True) if name in branch]
            axes = []
            for axis in range(len(known[0][1])):
                here = [(self.graph.nodes[i], places[axis]) for i, places in known]
                self._judge(node, name, axis, here)
                axes.append(self._union([place for _, place in here]))
            merged[name] = tuple(axes)
        return merged

    def _judge(self, node: Node, name: str, axis: int, here: list[tuple[Node, _Place | None]]) -> None:
        branches, strides, centres, coarsest = [], [], [], Fraction(0)
        for branch, place in here:
            centre = _centre(place)
            if place is None or centre is None:
                continue
            branches.append(branch)
            strides.append(place.tracks[0].stride)
            centres.append(centre)
            coarsest = max(coarsest, place.coarsest)
        if len(branches) > 1 and node.index not in self.graph.training_only:
            self.found.append(Meeting(node, name, axis, tuple(branches), tuple(strides), tuple(centres), coarsest))

    def _union(self, places: list[_Place | None]) -> _Place | None:
        first = places[0]
        for other in places[1:]:
            if other is first:
                continue
            if first is None or other is None or not self._affords(lcm(turn(first.tracks), turn(other.tracks))):
                return None
            first = _Place(union(first.tracks, other.tracks), max(first.coarsest, other.coarsest))
        return first

    def _affords(self, taps: int) -> bool:
        if taps > 1:
            self.room -= taps
        return self.room > 0


def _centre(place: _Place | None) -> Fraction | None:
    """Return where unit 0 lies, the mean over a period; `None` where units see nothing or have several strides."""
    if place is None or len(place.tracks) != 1:
        return None
    shift, table = place.tracks[0]
    doubled = 0
    for interval in table:
        if interval is None:
            return None
        doubled += interval[0] + interval[1]
    count = len(table)
    # Unit f lies f strides behind unit 0, on the mean (count - 1) / 2 strides.
    return (Fraction(doubled) - Fraction(shift * (count - 1))) / (2 * count)
