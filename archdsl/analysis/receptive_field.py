"""What each unit can see of each input: the hull per axis, exact through branches, crops and decoders.

Source: Araujo, Norris & Sim 2019, "Computing Receptive Fields of Convolutional Neural Networks", Distill, for the
chains; the tables of `fields.py` carry it through transposed convolutions and merges. Axes and channels are not looked
at together: a branch that sees nothing along one axis counts along the other, and a piece of a split sees what the
whole sees.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from math import lcm

from archdsl.analysis.fields import (
    FARTHEST,
    PIXELS,
    SAME_POSITION,
    Interval,
    Tracks,
    fixed,
    size,
    through,
    turn,
    union,
    unit_field,
    work,
)
from archdsl.graph import Graph, Node
from archdsl.ops import FLAT, SAME, WHOLE, Reads, Window
from archdsl.sizes import Symbolic
from archdsl.tensors import TensorType

MOST_WORK = 2**21
"""Taps that one pass looks at in tables of several phases; where they run out, a field is left open."""


@dataclass(slots=True, eq=False)
class Field:
    """What the units of a node see of one input of the network, per axis of that input.

    `tracks` holds the tables of `fields.py`, `None` along an axis where they depend on a size that is left open or
    have too many phases. `flat` says that the elements of a vector stem from several positions of a map; their
    fields are those of the map's units.
    """

    tracks: tuple[Tracks | None, ...]
    units: tuple[int | None, ...]
    """How many units there are along each axis."""
    flat: bool = False
    global_: str | None = None
    """The path of the layer that made every unit see the whole input."""
    whole: tuple[int | None, ...] = ()
    """The input's sizes, where `global_` is set."""
    _size: tuple[int | None, ...] | None = field(default=None, init=False, repr=False)

    @property
    def size(self) -> tuple[int | None, ...]:
        """The extent per axis in input pixels, the largest over the units; 0 where no unit sees anything."""
        if self.global_ is not None:
            return self.whole
        if self._size is None:  # many nodes share this object, and each asks
            pairs = zip(self.tracks, self.units, strict=True)
            self._size = tuple([None if t is None else size(t, n) for t, n in pairs])
        return self._size

    @property
    def stride(self) -> tuple[Fraction | None, ...] | None:
        """Input pixels between neighbouring units, per axis; `None` where they are not the same everywhere."""
        if self.global_ is not None:
            return None
        return tuple([t[0].stride if t is not None and len(t) == 1 else None for t in self.tracks])

    @property
    def start(self) -> tuple[int | None, ...]:
        """The first input index that unit 0 sees, per axis; negative where it lies in padding."""
        if self.global_ is not None:
            return (0,) * len(self.whole)
        seen = [t and unit_field(t, 0) for t in self.tracks]
        return tuple([interval[0] if interval else None for interval in seen])

    @property
    def phases(self) -> tuple[tuple[Interval | None, ...] | None, ...]:
        """What the units of one period see, per axis; `None` where the units have no period in common."""
        return tuple([t[0].table if t is not None and len(t) == 1 else None for t in self.tracks])

    @property
    def is_equivariant(self) -> bool:
        """Whether moving the input by some number of pixels moves the units by a whole number."""
        return self.global_ is None and all(t is not None and len(t) == 1 for t in self.tracks)


Fields = dict[str, Field]
"""By input of the network; an input that is not seen is not there."""


def receptive_fields(graph: Graph) -> list[Fields]:
    """Return the fields of every node, in the order of the nodes."""
    return _Pass(graph).run()


class _Pass:
    """One walk; units that see the same share one `Field`, so that equal work is done once."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.sizes = {name: _known(node.output) for name, node in graph.inputs.items()}
        self.room = MOST_WORK

    def run(self) -> list[Fields]:
        graph = self.graph
        nodes, found = graph.nodes, list[Fields]()
        names = {node.index: name for name, node in graph.inputs.items()}
        for node in nodes:
            inputs = node.inputs
            if len(inputs) == 1:
                seen = found[inputs[0]]
                source = nodes[inputs[0]].output
                window = node.op.window((source,), node.output)
                if window is not SAME:
                    seen = {name: self._read(old, name, window, source, node) for name, old in seen.items()}
                found.append(seen)
            elif inputs:
                found.append(self._merged(node, found))
            else:
                name = names[node.index]
                found.append({name: Field((PIXELS,) * len(self.sizes[name]), self.sizes[name])})
        return found

    def _merged(self, node: Node, found: list[Fields]) -> Fields:
        types = self.graph.types(node)
        merged: Fields = {}
        for i, source, window in zip(node.inputs, types, node.op.windows(types, node.output), strict=True):
            for name, old in found[i].items():
                other = old if window is SAME else self._read(old, name, window, source, node)
                known = merged.get(name)
                merged[name] = other if known is None or known is other else self._union(known, other)
        return merged

    def _read(self, old: Field, name: str, window: Window, source: TensorType, node: Node) -> Field:
        """Return the field of units that read units of the field `old` through a window."""
        if old.global_ is not None:
            return old
        if window is WHOLE:
            return self._whole(old, name, source, node)
        if window is FLAT:
            return Field(old.tracks, old.units, flat=True)
        assert isinstance(window, tuple), "elements that read their own position are dealt with by the caller"
        units = node.output.spatial
        if old.flat or len(window) != len(old.tracks):
            return _open(old)  # the axes are no longer those of the input
        if units == old.units and window.count(SAME_POSITION) == len(window):
            return old
        tracks, reads = old.tracks[0], window[0]
        first = self._through(tracks, reads)
        axes = [first]
        for i in range(1, len(window)):
            alike = old.tracks[i] is tracks and window[i] == reads
            axes.append(first if alike else self._through(old.tracks[i], window[i]))
        return Field(tuple(axes), old.units if units == old.units else _known(node.output))

    def _whole(self, old: Field, name: str, source: TensorType, node: Node) -> Field:
        """A unit that reads everything sees the whole input, unless there is one position to read."""
        if old.flat or any(size != 1 for size in _known(source)):
            return Field((), (), global_=node.path, whole=self.sizes[name])
        units = _known(node.output)
        if not units or units == old.units:
            return old
        return Field(tuple([tracks and fixed(tracks) for tracks in old.tracks]), units)

    def _through(self, tracks: Tracks | None, reads: Reads | None) -> Tracks | None:
        if tracks is None or reads is None or not self._affords(work(tracks, reads)):
            return None
        seen = through(tracks, reads)
        return seen if max([track.shift for track in seen]) < FARTHEST else None

    def _union(self, a: Field, b: Field) -> Field:
        if a.global_ is not None:
            return a
        if b.global_ is not None:
            return b
        if (a.flat or b.flat) and a.units != b.units:
            return _open(a)  # vectors that stem from different maps
        if len(a.tracks) != len(b.tracks) or not a.tracks:
            return _open(a)  # one of them stems from a vector, which has no positions
        first, axes = a.tracks[0], list[Tracks | None]()
        for mine, other in zip(a.tracks, b.tracks, strict=True):
            if axes and mine is first and other is b.tracks[0]:
                axes.append(axes[0])
            elif mine is other:
                axes.append(mine)
            elif mine is None or other is None or not self._affords(lcm(turn(mine), turn(other))):
                axes.append(None)
            else:
                axes.append(union(mine, other))
        return Field(tuple(axes), a.units, a.flat or b.flat)

    def _affords(self, taps: int) -> bool:
        """Take work of several phases out of the room that is left."""
        if taps > 1:
            self.room -= taps
        return self.room > 0


def _open(old: Field) -> Field:
    axes = len(old.tracks)
    return Field((None,) * axes, (None,) * axes, flat=True)


def _known(x: TensorType) -> tuple[int | None, ...]:
    return tuple([None if isinstance(size, Symbolic) else size for size in x.shape[1:]])
