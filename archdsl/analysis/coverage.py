"""What each unit sees of each input to the pixel: unions of products of sets, on an infinite plane.

Along one way through the network the axes do not know of each other: a unit sees rows × columns. Where ways meet it
sees the union of such products, which need not be a rectangle: a 1×7 beside a 7×1 convolution is a cross. So a field
is a few *terms*, each one periodic table of sets for each axis, and a term that lies within another is left out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from functools import reduce
from math import lcm

from archdsl.analysis import sets
from archdsl.analysis.sets import LONGEST_TURN, PIXELS, Axis, Listed, Seen, Sets, TooLong
from archdsl.graph import Graph, Node
from archdsl.ops import FLAT, SAME, WHOLE, Reads, Window
from archdsl.tensors import TensorType

MOST_TERMS = 24
"""Products of which a field is the union; where there are more, only what is seen along each axis is kept."""
MOST_WORK = 2**19
"""Unions that one pass makes in tables of several phases; where they run out, a field is left open."""

MOST_LISTED = 2**13
"""Units of one axis that are listed where the period is too long."""

Term = tuple[Axis, ...]
Ends = tuple[int, int]
"""The first unit, and the one behind the last."""


@dataclass(frozen=True, slots=True, eq=False)
class Cover:
    """The terms of a node's field on one input; none where it is left open, or where a layer reads everything."""

    terms: tuple[Term, ...]
    global_: str | None = None
    """The path of the layer that made every unit see the whole input."""
    open: bool = False
    """Whether it is not known, or no more than what is seen along each axis, which then is the one term."""
    why: str = ""
    """Why it is open."""
    flat: bool = False
    """Whether the elements of a vector stem from several positions of a map, whose units' fields these are."""

    @property
    def periods(self) -> tuple[int, ...] | None:
        """After how many units along each axis the field repeats.

        `None` where strides differ, so that it never does, and where a period is too long to be kept.
        """
        if len(self.terms) == 1:
            (term,) = self.terms
            return tuple([len(one.table) for one in term]) if not any(type(one) is Listed for one in term) else None
        if None in self.strides or not self.terms:
            return None
        turns = []
        for axis in zip(*self.terms, strict=True):
            tables = [len(one.table) for one in axis if isinstance(one, Sets)]
            if len(tables) < len(axis):
                return None
            turns.append(lcm(*tables))
        return tuple(turns)

    @property
    def strides(self) -> tuple[Fraction | None, ...]:
        """Input pixels between neighbouring units along each axis; `None` where they differ between ways."""
        if len(self.terms) == 1:
            return tuple([one.stride for one in self.terms[0]])
        axes = [{one.stride for one in axis} for axis in zip(*self.terms, strict=True)]
        return tuple([next(iter(strides)) if len(strides) == 1 else None for strides in axes])

    def at(self, unit: tuple[int, ...]) -> tuple[tuple[Seen, ...], ...]:
        """Return the products of sets that one unit sees; those that are empty are left out."""
        found = []
        for term in self.terms:
            box = [axis.at(place) for axis, place in zip(term, unit, strict=True)]
            if None not in box:
                found.append(tuple([one for one in box if one is not None]))
        return tuple(dict.fromkeys(found))

    def along(self, axis: int, unit: int) -> Seen | None:
        """Return what a unit sees along one axis: the projection of all terms that see anything."""
        seen = [term[axis].at(unit) for term in self.terms]
        return sets.united([one for one in seen if one is not None])


Covers = dict[str, Cover]
"""By input of the network; an input that is not seen is not there."""


def count(boxes: tuple[tuple[Seen, ...], ...]) -> int:
    """Return how many positions a union of products has."""
    if not boxes:
        return 0
    if len(boxes) == 1:
        number = 1
        for seen in boxes[0]:
            number *= seen.total
        return number
    axes = len(boxes[0])
    lows = [min(box[axis].low for box in boxes) for axis in range(axes)]
    masks = [tuple(box[axis].bits << (box[axis].low - lows[axis]) for axis in range(axes)) for box in boxes]
    return _count(masks, 0)


def _count(boxes: list[tuple[int, ...]], axis: int) -> int:
    """Count from an axis on: positions along it that lie in the same boxes go together."""
    if axis == len(boxes[0]) - 1:
        union = 0
        for box in boxes:
            union |= box[axis]
        return union.bit_count()
    groups: list[tuple[int, list[tuple[int, ...]]]] = []
    for box in boxes:
        rest, parts = box[axis], list[tuple[int, list[tuple[int, ...]]]]()
        for mask, inside in groups:
            both = mask & box[axis]
            if both:
                parts.append((both, [*inside, box]))
            if mask & ~box[axis]:
                parts.append((mask & ~box[axis], inside))
            rest &= ~mask
        groups = [*parts, (rest, [box])] if rest else parts
    return sum(mask.bit_count() * _count(inside, axis + 1) for mask, inside in groups)


def coverage(graph: Graph) -> list[Covers]:
    """Return the exact fields of every node, in the order of the nodes."""
    return _Pass(graph).run()


class _Pass:
    """One walk; units that see the same share one `Cover`, so that equal work is done once."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.room = MOST_WORK
        self.known: dict[tuple[int, Reads], Sets] = {}
        self.kept: list[Axis] = []  # so that no `id` in `known` is given to another table
        self.units: list[tuple[Ends, ...]] | None = None

    def run(self) -> list[Covers]:
        graph, found = self.graph, list[Covers]()
        names = {node.index: name for name, node in graph.inputs.items()}
        for node in graph.nodes:
            if not node.inputs:
                found.append({names[node.index]: Cover(((PIXELS,) * len(node.output.spatial),))})
                continue
            types = graph.types(node)
            merged: Covers = {}
            for i, source, window in zip(node.inputs, types, node.op.windows(types, node.output), strict=True):
                for name, old in found[i].items():
                    other = old if window is SAME else self._read(old, window, source, node)
                    known = merged.get(name)
                    merged[name] = other if known is None or known is other else self._union(known, other, node)
            found.append(found[node.inputs[0]] if merged == found[node.inputs[0]] else merged)
        return found

    def _read(self, old: Cover, window: Window, source: TensorType, node: Node) -> Cover:
        """Return the field of units that read units of the field `old` through a window."""
        if old.global_ is not None or not old.terms:
            return old
        if window is WHOLE:
            if old.flat or any(size != 1 for size in source.spatial):
                return Cover((), global_=node.path)
            if not node.output.spatial or source.spatial == node.output.spatial:
                return old
            try:
                return replace(old, terms=tuple([tuple(map(sets.fixed, term)) for term in old.terms]))
            except TooLong as reason:
                return _unknown(str(reason))
        if window is FLAT:
            return replace(old, flat=True)
        assert isinstance(window, tuple), "elements that read their own position are dealt with by the caller"
        if old.flat or any(len(window) != len(term) for term in old.terms):
            return _unknown(f"behind {node.path} the axes are no longer those of the input")
        try:
            terms = []
            for term in old.terms:
                made = []
                for axis, (one, reads) in enumerate(zip(term, window, strict=True)):
                    if reads is None:
                        return _unknown(_unread(self.graph, node))
                    made.append(self._through(one, reads, node, axis))
                terms.append(tuple(made))
            kept = self._simplified(terms, node) if len(terms) > 1 else tuple(terms)
        except TooLong as reason:
            return _unknown(f"{reason}, from {node.path} on")
        return Cover(kept, open=old.open, why=old.why)

    def _through(self, one: Axis, reads: Reads, node: Node, axis: int) -> Axis:
        key = id(one), reads
        made = self.known.get(key)
        if made is not None:
            return made
        if isinstance(one, Sets) and sets.turn_after(one, reads) <= LONGEST_TURN:
            self._spend(cost if (cost := sets.work(one, reads)) > 1 else 0)
            made = self.known[key] = sets.through(one, reads)
            self.kept.append(one)
            return made
        units = self._wanted(node, axis)
        self._spend(len(units) * max(map(len, reads.taps)))
        return sets.listed(one, reads, units)

    def _spend(self, unions: int) -> None:
        self.room -= unions
        if self.room <= 0:
            raise TooLong("following every phase takes too much work")

    def _union(self, a: Cover, b: Cover, node: Node) -> Cover:
        if a.global_ is not None or not a.terms:
            return a if a.global_ is not None or b.global_ is None else b
        if b.global_ is not None or not b.terms:
            return b
        if len(a.terms[0]) != len(b.terms[0]) or a.flat != b.flat:
            return _unknown(f"{node.path} merges positions of a map with those of a vector")
        terms = [*a.terms, *b.terms]
        why = a.why or b.why
        try:
            if not why:
                kept = self._simplified(terms, node)
                if len(kept) <= MOST_TERMS:
                    return Cover(kept, flat=a.flat)
                terms, why = (
                    list(kept),
                    f"a union of more than {MOST_TERMS} rectangles from {node.path} on",
                )
        except TooLong as reason:
            why = f"{reason}, from {node.path} on"
        try:
            columns = list(zip(*self._listed(terms, node), strict=True))
            if any(one.stride != axis[0].stride for axis in columns for one in axis):
                return _unknown(f"{why}, and strides differ")
            return Cover((tuple([reduce(sets.joined, axis) for axis in columns]),), flat=a.flat, open=True, why=why)
        except TooLong:
            return _unknown(why)

    def _listed(self, terms: list[Term], node: Node) -> list[Term]:
        """Return the terms with the map's own units along axes where a common period would be too long."""
        columns = [list(axis) for axis in zip(*terms, strict=True)]
        for i, axis in enumerate(columns):
            turn = lcm(*{len(one.table) for one in axis if isinstance(one, Sets)})
            if turn > LONGEST_TURN:
                units = self._wanted(node, i)
                self._spend(len(units) * len(axis))
                columns[i] = [sets.cut(one, units) for one in axis]
        return [tuple(term) for term in zip(*columns, strict=True)]

    def _wanted(self, node: Node, axis: int) -> range:
        """Return the units of a node that its own units and those of all later nodes stem from."""
        if self.units is None:
            if self.graph.is_symbolic:
                raise TooLong("there are too many phases while the sizes are open")
            self.units = _wanted(self.graph)
        low, high = self.units[node.index][axis]
        if high - low > MOST_LISTED:
            raise TooLong(f"there are more than {LONGEST_TURN:,} phases and {MOST_LISTED:,} units")
        return range(low, high)

    def _simplified(self, terms: list[Term], node: Node) -> tuple[Term, ...]:
        """Leave out terms that lie within another, and join those that differ along one axis only."""
        kept: list[Term] = []
        for term in self._listed(terms, node):
            kept = self._with(kept, term)
        return tuple(kept)

    def _with(self, kept: list[Term], term: Term) -> list[Term]:
        self._spend(len(kept) * max(len(one.table) for one in term) if len(kept) > 1 else 0)
        for i, other in enumerate(kept):
            if all(mine.covers(new) for mine, new in zip(other, term, strict=True)):
                return kept
            apart = [axis for axis, (a, b) in enumerate(zip(other, term, strict=True)) if a is not b and a != b]
            if len(apart) == 1 and other[apart[0]].stride == term[apart[0]].stride:
                axis = apart[0]
                wider = (*other[:axis], sets.joined(other[axis], term[axis]), *other[axis + 1 :])
                return self._with([*kept[:i], *kept[i + 1 :]], wider)
        return [other for other in kept if not all(new.covers(mine) for mine, new in zip(other, term, strict=True))] + [
            term
        ]


def _unknown(why: str) -> Cover:
    return Cover((), open=True, why=why)


def _unread(graph: Graph, node: Node) -> str:
    if graph.is_symbolic:
        return f"which positions {node.path} reads depends on an open size"
    return f"{node.path} reads in too many phases"


def _wanted(graph: Graph) -> list[tuple[Ends, ...]]:
    """Return per node and axis from which unit up to which any unit of a map stems, on an infinite plane."""
    found: list[tuple[Ends, ...]] = [tuple([(0, size) for size in node.output.known[1:]]) for node in graph.nodes]
    for node in reversed(graph.nodes):
        types, mine = graph.types(node), found[node.index]
        for i, window in zip(node.inputs, node.op.windows(types, node.output) if node.inputs else (), strict=True):
            read = mine
            if isinstance(window, tuple):
                pairs = zip(window, mine, strict=False)
                read = tuple([(0, 1) if reads is None else _reached(reads, ends) for reads, ends in pairs])
            if len(read) == len(found[i]) and (window is SAME or isinstance(window, tuple)):
                both = zip(found[i], read, strict=True)
                found[i] = tuple([(min(a[0], b[0]), max(a[1], b[1])) for a, b in both])
    return found


def _reached(reads: Reads, ends: Ends) -> Ends:
    """Return from which position up to which some units read; only the first and the last turn count."""
    (low, high), turn = ends, len(reads.taps)
    lows, highs = [], []
    for unit in {*range(low, min(low + turn, high)), *range(max(low, high - turn), high)}:
        turns, phase = divmod(unit, turn)
        if taps := reads.taps[phase]:
            lows.append(min(taps[0], taps[-1]) + turns * reads.shift)
            highs.append(max(taps[0], taps[-1]) + turns * reads.shift + 1)
    return (min(lows), max(highs)) if lows else (0, 1)
