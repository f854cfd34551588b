"""How much of what a unit reads is padding: ones are fed in, and what is missing at the end came from beyond a border.

Every window takes the mean of its taps, sums and products add up, a concatenation takes the mean over its channels.
With ones for padding too every unit of a map would hold one number, its *whole*; the share of the whole that is missing
is the share of the ways back that end beyond the border of some map.

Away from borders the rows of a map are alike. They are one object, which is worked on once.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from archdsl.analysis.support import folded
from archdsl.graph import Graph, Node
from archdsl.ops import SAME, Op, Reach, Reads, Window

Map = float | tuple["Map", ...]
"""One number, or a row of maps along the first axis."""
Weights = tuple[tuple[int, float], ...]
"""What one unit takes of which positions of an axis."""


def real_share(graph: Graph, last: Node) -> Map:
    """Return for each unit of a node the share that is not padding, at the sizes that the graph has."""
    known: dict[int, tuple[Map, float]] = {}
    for node in graph.nodes[: last.index + 1]:
        sizes = node.output.known[1:]
        if not node.inputs:
            known[node.index] = _full(1.0, sizes), 1.0
            continue
        types = graph.types(node)
        windows = node.op.windows(types, node.output)
        maps = [
            _read(known[i][0], x.known[1:], window, sizes, node.op)
            for i, x, window in zip(node.inputs, types, windows, strict=True)
        ]
        parts = [1.0] * len(maps)
        if node.op.name == "concat":
            parts = [x.channels / node.output.channels for x in types]
        whole = sum(known[i][1] * part for i, part in zip(node.inputs, parts, strict=True))
        known[node.index] = (_mixed(maps, parts) if len(maps) > 1 else maps[0]), whole
    value, whole = known[last.index]
    return _mixed([value], [1 / whole])


def _full(value: Map, sizes: Sequence[int]) -> Map:
    for size in reversed(sizes):
        value = (value,) * size
    return value


def _mixed(maps: Sequence[Map], parts: Sequence[float]) -> Map:
    """Return the weighted sum of maps of one shape."""
    made: dict[tuple[Hashable, ...], Map] = {}

    def mixed(some: tuple[Map, ...]) -> Map:
        key = tuple(map(_key, some))
        if key not in made:
            rows = [one for one in some if isinstance(one, tuple)]
            if rows:
                made[key] = tuple([mixed(each) for each in zip(*rows, strict=True)])
            else:
                made[key] = sum(one * part for one, part in zip(some, parts, strict=True) if not isinstance(one, tuple))
        return made[key]

    return mixed(tuple(maps))


def _key(one: Map) -> Hashable:
    return id(one) if isinstance(one, tuple) else one


def _read(value: Map, before: tuple[int, ...], window: Window, sizes: tuple[int, ...], op: Op) -> Map:
    """Return what units hold that read a map through a window."""
    if window is SAME and len(before) == len(sizes):
        return _stretched(value, sizes)
    if isinstance(window, Reach) or len(window) != len(before) or len(sizes) != len(before):
        return _full(_mean(value), sizes)
    for axis, (reads, units, size) in enumerate(zip(window, sizes, before, strict=True)):
        everything = tuple([(i, 1 / size) for i in range(size)])
        rows = [everything] * units if reads is None else _weights(reads, units, size, op)
        value = _along(value, axis, rows)
    return value


def _stretched(value: Map, sizes: tuple[int, ...]) -> Map:
    """Return a map with axes of one position repeated, as broadcasting does."""
    if not isinstance(value, tuple):
        return value
    rows = [_stretched(one, sizes[1:]) for one in dict(zip(map(id, value), value, strict=True)).values()]
    if len(rows) == 1:
        return (rows[0],) * sizes[0]
    return value if len(value) == sizes[0] else (rows[0],) * sizes[0]


def _mean(value: Map) -> float:
    made: dict[int, float] = {}

    def mean(one: Map) -> float:
        if not isinstance(one, tuple):
            return one
        if id(one) not in made:
            made[id(one)] = sum(map(mean, one)) / len(one)
        return made[id(one)]

    return mean(value)


def _along(value: Map, axis: int, rows: Sequence[Weights]) -> Map:
    assert isinstance(value, tuple), "there is an axis left"
    made: dict[Hashable, Map] = {}
    found = list[Map]()
    if axis:
        for one in value:
            if id(one) not in made:
                made[id(one)] = _along(one, axis - 1, rows)
            found.append(made[id(one)])
        return tuple(found)
    empty = _mixed([value[0]], [0.0])
    for taps in rows:
        key = tuple([(_key(value[i]), part) for i, part in taps])
        if key not in made:
            made[key] = _mixed([value[i] for i, _ in taps], [part for _, part in taps]) if taps else empty
        found.append(made[key])
    return tuple(found)


def _weights(reads: Reads, units: int, size: int, op: Op) -> list[Weights]:
    """Return what each unit takes of each position: all of its taps alike, those beyond the border lost."""
    rows = []
    for unit in range(units):
        turns, phase = divmod(unit, len(reads.taps))
        taps, found = reads.taps[phase], dict[int, float]()
        for tap in taps:
            place = tap + turns * reads.shift
            if not 0 <= place < size and op.border != "zeros":
                place = folded(place, size, op.border)
            if 0 <= place < size:
                found[place] = found.get(place, 0.0) + 1 / len(taps)
        rows.append(tuple(found.items()))
    return rows
