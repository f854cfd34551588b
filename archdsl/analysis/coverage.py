"""What each unit sees of each input to the pixel: unions of products of sets, on an infinite plane.

Along one way through the network the axes do not know of each other: a unit sees rows × columns. Where ways meet it
sees the union of such products, which need not be a rectangle: a 1×7 beside a 7×1 convolution is a cross. So a field
is a few *terms*, each one periodic table of sets for each axis, and a term that lies within another is left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import lcm

from archdsl.analysis import sets
from archdsl.analysis.sets import PIXELS, Seen, Sets, TooLong
from archdsl.graph import Graph, Node
from archdsl.ops import FLAT, SAME, WHOLE, Reads, Window
from archdsl.tensors import TensorType

MOST_TERMS = 24
"""Products of which a field is the union; where there are more the field is left open."""
MOST_WORK = 2**19
"""Unions that one pass makes in tables of several phases; where they run out, a field is left open."""
LONGEST_TURN = 2**12
"""Phases of one axis that are looked at."""

Term = tuple[Sets, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Cover:
    """The terms of a node's field on one input; none where it is left open, or where a layer reads everything."""

    terms: tuple[Term, ...]
    global_: str | None = None
    """The path of the layer that made every unit see the whole input."""
    open: bool = False
    """Whether it is not known: sizes are left open, or the work would be too large."""
    flat: bool = False
    """Whether the elements of a vector stem from several positions of a map, whose units' fields these are."""

    @property
    def periods(self) -> tuple[int, ...] | None:
        """After how many units along each axis the field repeats; `None` where strides differ, and it never does."""
        if not self.terms or any(
            mine.stride != first.stride for term in self.terms for mine, first in zip(term, self.terms[0], strict=True)
        ):
            return None
        return tuple([lcm(*[len(one.table) for one in axis]) for axis in zip(*self.terms, strict=True)])

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
        self.kept: list[Sets] = []  # so that no `id` in `known` is given to another table

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
                    merged[name] = other if known is None or known is other else self._union(known, other)
            found.append(found[node.inputs[0]] if merged == found[node.inputs[0]] else merged)
        return found

    def _read(self, old: Cover, window: Window, source: TensorType, node: Node) -> Cover:
        """Return the field of units that read units of the field `old` through a window."""
        if old.global_ is not None or old.open:
            return old
        if window is WHOLE:
            if old.flat or any(size != 1 for size in source.spatial):
                return Cover((), global_=node.path)
            if not node.output.spatial or source.spatial == node.output.spatial:
                return old
            return Cover(tuple([tuple(map(sets.fixed, term)) for term in old.terms]))
        if window is FLAT:
            return Cover(old.terms, flat=True)
        assert isinstance(window, tuple), "elements that read their own position are dealt with by the caller"
        if old.flat or any(len(window) != len(term) for term in old.terms):
            return Cover((), open=True)  # the axes are no longer those of the input
        try:
            terms = []
            for term in old.terms:
                made = []
                for one, reads in zip(term, window, strict=True):
                    if reads is None:
                        return Cover((), open=True)
                    made.append(self._through(one, reads))
                terms.append(tuple(made))
        except TooLong:
            return Cover((), open=True)
        return Cover(self._simplified(terms) if len(terms) > 1 else tuple(terms))

    def _through(self, one: Sets, reads: Reads) -> Sets:
        key = id(one), reads
        made = self.known.get(key)
        if made is None:
            if (cost := sets.work(one, reads)) > 1:
                self.room -= cost
            if self.room <= 0:
                raise TooLong
            made = self.known[key] = sets.through(one, reads)
            self.kept.append(one)
        return made

    def _union(self, a: Cover, b: Cover) -> Cover:
        if a.global_ is not None or a.open:
            return a if a.global_ is not None or b.global_ is None else b
        if b.global_ is not None or b.open:
            return b
        if len(a.terms[0]) != len(b.terms[0]) or a.flat != b.flat:
            return Cover((), open=True)
        try:
            terms = self._simplified([*a.terms, *b.terms])
        except TooLong:
            return Cover((), open=True)
        return Cover(terms, flat=a.flat) if len(terms) <= MOST_TERMS else Cover((), open=True)

    def _simplified(self, terms: list[Term]) -> tuple[Term, ...]:
        """Leave out terms that lie within another, and join those that differ along one axis only."""
        kept: list[Term] = []
        for term in terms:
            kept = self._with(kept, term)
        return tuple(kept)

    def _with(self, kept: list[Term], term: Term) -> list[Term]:
        self.room -= len(kept) * max(len(one.table) for one in term) if len(kept) > 1 else 0
        if self.room <= 0:
            raise TooLong
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
