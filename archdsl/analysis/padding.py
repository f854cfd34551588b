"""How much of what a unit reads is padding: its weight of one is shared out backwards, and what leaves a map is lost.

Every window takes the mean of its taps, sums and products add up, a concatenation takes the mean over its channels.
With ones for padding too every unit of a map would hold one number, its *whole*; a sum shares out by the wholes of
what it adds. What arrives at the inputs is the share of the ways back that end beyond no border.

Over the axes the weights of a map are a sum of products of rows, as many as there are shapes of ways, and never more
than the shorter axis has positions: beyond that they are written row by row.
"""

from __future__ import annotations

from collections import defaultdict
from math import log2, prod

from archdsl.analysis.support import folded
from archdsl.graph import Graph, Node
from archdsl.ops import SAME, Op, Reads, Window

Row = tuple[float, ...]
"""The weight of each position along one axis."""
Weights = dict[tuple[Row, ...], float]
"""Products of rows and what each counts; a vector has no rows."""

MOST_WORK = 2**24
"""Numbers that are looked at; where they run out, the share is not told."""


class _TooMuch(Exception):
    """The work runs out."""


def real_share(graph: Graph, last: Node, unit: tuple[int, ...]) -> float | None:
    """Return the share of what a unit reads that is not padding; `None` where it takes too much work to tell.

    The graph has known sizes.
    """
    try:
        return _Walk(graph, last).share(unit)
    except _TooMuch:
        return None


class _Walk:
    def __init__(self, graph: Graph, last: Node) -> None:
        self.graph = graph
        self.last = last
        self.room = MOST_WORK
        self.made: dict[tuple[int, Reads | None, int, str], Row] = {}
        self.kept: dict[Row, Row] = {}
        """Equal rows are one object, so that an `id` in `made` is that of its numbers."""

    def share(self, unit: tuple[int, ...]) -> float:
        graph, last = self.graph, self.last
        wholes = _wholes(graph, last)
        pending: dict[int, Weights] = defaultdict(dict)
        sizes = last.output.known[1:]
        pending[last.index] = {tuple([self._one(at, size) for at, size in zip(unit, sizes, strict=True)]): 1.0}
        share = 0.0
        for index in range(last.index, -1, -1):
            weights = pending.pop(index, None)
            if not weights:
                continue
            node = graph.nodes[index]
            if not node.inputs:
                share += sum([part * prod(map(sum, rows)) for rows, part in weights.items()])
                continue
            weights = self._compact(weights, node.output.known[1:])
            types = graph.types(node)
            windows = node.op.windows(types, node.output)
            for i, source, window in zip(node.inputs, types, windows, strict=True):
                part = 1.0
                if len(node.inputs) > 1:
                    part = 2 ** (wholes[i] - wholes[index])
                    part *= source.channels / node.output.channels if node.op.name == "concat" else 1
                there = pending[i]
                for rows, weight in weights.items():
                    read = self._read(rows, window, source.known[1:], node)
                    there[read] = there.get(read, 0.0) + weight * part
        return share

    def _read(self, rows: tuple[Row, ...], window: Window, before: tuple[int, ...], node: Node) -> tuple[Row, ...]:
        """Return the weights that units give to the positions of a map that they read."""
        if window is SAME and len(before) == len(rows):
            return tuple(
                [row if len(row) == size else self._gathered(row, size) for row, size in zip(rows, before, strict=True)]
            )
        if not isinstance(window, tuple) or len(window) != len(before) or len(rows) != len(before):
            total = prod(map(sum, rows))
            means = [self._same((1 / size,) * size) for size in before]
            if not means or total == 1:
                return tuple(means)
            return (self._same(tuple([total * one for one in means[0]])), *means[1:])
        return tuple(
            [self._along(row, reads, size, node.op) for row, reads, size in zip(rows, window, before, strict=True)]
        )

    def _gathered(self, row: Row, size: int) -> Row:
        """Return what a row gives to one that is repeated, as broadcasting does."""
        return self._same((sum(row), *[0.0] * (size - 1)))

    def _along(self, row: Row, reads: Reads | None, size: int, op: Op) -> Row:
        key = id(row), reads, size, op.border
        if key not in self.made:
            self.made[key] = self._same(self._shared_out(row, reads, size, op.border))
        return self.made[key]

    def _shared_out(self, row: Row, reads: Reads | None, size: int, border: str) -> Row:
        """Return what arrives at each position: all taps of a unit get alike, and those beyond the border are lost."""
        if reads is None:
            self._spend(size)
            return (sum(row) / size,) * size
        if reads.shift == 1 and len(row) == size and reads.taps == (range(1),):
            return row
        found, turn = [0.0] * size, len(reads.taps)
        for unit, weight in enumerate(row):
            if not weight:
                continue
            turns, phase = divmod(unit, turn)
            taps = reads.taps[phase]
            self._spend(len(taps))
            for tap in taps:
                place = tap + turns * reads.shift
                if not 0 <= place < size and border != "zeros":
                    place = folded(place, size, border)
                if 0 <= place < size:
                    found[place] += weight / len(taps)
        self._spend(len(row) + size)
        return tuple(found)

    def _compact(self, weights: Weights, sizes: tuple[int, ...]) -> Weights:
        """Write weights row by row where that takes fewer products, along all axes but the longest."""
        if not sizes or len(weights) <= prod(sizes) // max(sizes):
            return weights
        longest = sizes.index(max(sizes))
        self._spend(len(weights) * prod(sizes))
        written: dict[tuple[int, ...], list[float]] = {}
        for rows, weight in weights.items():
            places: list[tuple[tuple[int, ...], float]] = [((), weight)]
            for axis, row in enumerate(rows):
                if axis != longest:
                    places = [((*at, i), part * one) for at, part in places for i, one in enumerate(row) if one]
            for at, part in places:
                sums = written.setdefault(at, [0.0] * sizes[longest])
                for i, one in enumerate(rows[longest]):
                    sums[i] += part * one
        found: Weights = {}
        for at, sums in written.items():
            others = iter(at)
            key = [
                self._same(tuple(sums)) if axis == longest else self._one(next(others), size)
                for axis, size in enumerate(sizes)
            ]
            found[tuple(key)] = 1.0
        return found

    def _one(self, place: int, size: int) -> Row:
        return self._same(tuple([float(i == place) for i in range(size)]))

    def _same(self, row: Row) -> Row:
        self._spend(len(row))
        return self.kept.setdefault(row, row)

    def _spend(self, numbers: int) -> None:
        self.room -= numbers
        if self.room < 0:
            raise _TooMuch


def _wholes(graph: Graph, last: Node) -> list[float]:
    """Return what every unit of a node would hold without borders, as a power of two: many sums give a huge number."""
    found: list[float] = []
    for node in graph.nodes[: last.index + 1]:
        parts = [found[i] for i in node.inputs] or [0.0]
        if node.op.name == "concat":
            shares = [x.channels / node.output.channels for x in graph.types(node)]
            parts = [one + log2(share) for one, share in zip(parts, shares, strict=True)]
        most = max(parts)
        found.append(most + log2(sum([2 ** (one - most) for one in parts])) if len(parts) > 1 else most)
    return found
