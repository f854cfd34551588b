"""What each unit can see of each input: the hull per axis, exact through branches and decoders.

Source: Araujo, Norris & Sim 2019, "Computing Receptive Fields of Convolutional Neural Networks", Distill, for the
chains; the tables of `fields.py` carry it through transposed convolutions and merges.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from archdsl.analysis.fields import START, Tracks, size, stride, through, union, unit_field
from archdsl.graph import Graph, Node
from archdsl.ops import Reach, Window
from archdsl.sizes import Symbolic


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """What the units of a node see of one input of the network, per axis of that input.

    `tracks` is `None` along an axis where it depends on an input size that is left open. `flat` says that the
    units of a vector stem from several positions of a map.
    """

    tracks: tuple[Tracks | None, ...]
    units: tuple[int | None, ...]
    """How many units there are along each axis."""
    flat: bool = False
    global_: str | None = None
    """The layer that made every unit see the whole input."""
    whole: tuple[int | None, ...] = ()
    """The input's sizes, where `global_` is set."""

    @property
    def size(self) -> tuple[int | None, ...]:
        """The extent per axis in input pixels, the largest over the units."""
        if self.global_ is not None:
            return self.whole
        return tuple(t and size(t, n) for t, n in zip(self.tracks, self.units, strict=True))

    @property
    def stride(self) -> tuple[Fraction | None, ...] | None:
        """Input pixels between neighbouring units, per axis; `None` where the field is the whole input."""
        if self.global_ is not None:
            return None
        return tuple(t and stride(t) for t in self.tracks)

    @property
    def start(self) -> tuple[int | None, ...]:
        """The first input index that unit 0 sees, per axis; negative where it begins in padding."""
        if self.global_ is not None:
            return (0,) * len(self.whole)
        firsts = [t and unit_field(t, 0) for t in self.tracks]
        return tuple(first[0] if first else None for first in firsts)


Fields = dict[str, Field]
"""By input of the network; an input that is not there is not seen."""


def receptive_fields(graph: Graph) -> list[Fields]:
    """Return the fields of every node, in the order of the nodes."""
    return _Pass(graph).run()


class _Pass:
    """One walk; fields of equal origin are shared objects, so that equal work is done once."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.names = {node.index: name for name, node in graph.inputs.items()}
        self.through: dict[tuple[int, object], tuple[Tracks, Tracks]] = {}
        self.found: list[Fields] = []

    def run(self) -> list[Fields]:
        nodes, found = self.graph.nodes, self.found
        for node in nodes:
            name = self.names.get(node.index)
            if name is not None:
                axes = node.output.spatial
                units = _known(axes)
                found.append({name: Field((START,) * len(axes), units)})
                continue
            inputs = node.inputs
            if len(inputs) == 1:
                source = nodes[inputs[0]].output
                window = node.op.window((source,), node.output)
                seen = found[inputs[0]]
                if window is Reach.SAME:
                    found.append(seen)
                else:
                    found.append({k: self._through(f, window, node) for k, f in seen.items()})
            else:
                found.append(self._merged(node))
        return found

    def _merged(self, node: Node) -> Fields:
        types = self.graph.types(node)
        merged: Fields = {}
        for i, window in zip(node.inputs, node.op.windows(types, node.output), strict=True):
            for name, field in self.found[i].items():
                moved = field if window is Reach.SAME else self._through(field, window, node)
                known = merged.get(name)
                merged[name] = moved if known is None else self._union(known, moved)
        return merged

    def _union(self, a: Field, b: Field) -> Field:
        if a is b or a.global_ is not None:
            return a
        if b.global_ is not None:
            return b
        axes: list[Tracks | None] = []
        for mine, other in zip(a.tracks, b.tracks, strict=True):
            if len(axes) == 1 and mine is a.tracks[0] and other is b.tracks[0]:
                axes.append(axes[0])  # height and width alike
            else:
                axes.append(None if mine is None or other is None else union(mine, other))
        return Field(tuple(axes), a.units, a.flat or b.flat)

    def _through(self, field: Field, window: Window, node: Node) -> Field:
        if field.global_ is not None:
            return field
        if window is Reach.FLAT:
            return Field(field.tracks, field.units, flat=True)
        if window is Reach.WHOLE:
            return self._whole(field, node)
        assert isinstance(window, tuple), "SAME was dealt with by the caller"
        axes: list[Tracks | None] = []
        for tracks, reads in zip(field.tracks, window, strict=True):
            if tracks is None or reads is None:
                axes.append(None)
            elif len(axes) == 1 and tracks is field.tracks[0] and reads == window[0]:
                axes.append(axes[0])
            else:
                key = (id(tracks), reads)
                known = self.through.get(key)
                if known is None:
                    known = self.through[key] = (tracks, through(tracks, reads))
                axes.append(known[1])
        return Field(tuple(axes), _known(node.output.spatial))

    def _whole(self, field: Field, node: Node) -> Field:
        """A unit that reads everything sees the whole input, unless there was one position to read."""
        source = self.graph.nodes[node.inputs[0]].output
        if len(source.shape) == 1 and not field.flat:
            return field
        inputs = {self.names[n.index]: n for n in self.graph.inputs.values()}
        name = next(k for k, f in self.found[node.inputs[0]].items() if f is field)
        return Field((), (), global_=node.path, whole=_known(inputs[name].output.spatial))


def _known(sizes: tuple[object, ...]) -> tuple[int | None, ...]:
    return tuple([None if isinstance(s, Symbolic) else s for s in sizes])  # type: ignore[misc]  # the rest are ints
