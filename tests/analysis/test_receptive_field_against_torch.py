"""Receptive fields against gradients: in the positive twin, a unit has a gradient at exactly the pixels it sees.

Fields are those of an infinite plane, so they are compared at units that see no border of any map on the way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings

from archdsl.analysis.fields import Interval, turn, unit_field
from archdsl.analysis.receptive_field import receptive_fields
from archdsl.graph import Graph, Node
from archdsl.ops import SAME, WHOLE, Window
from oracles.drafts import networks
from oracles.networks import bundled, chain, last, written
from oracles.twin import positive

Unit = tuple[int, int]
Hull = tuple[Interval, Interval] | None


class Probe:
    """The positive twin of a graph up to one node, asked what units see."""

    def __init__(self, graph: Graph, node: Node) -> None:
        import torch

        torch.set_num_threads(1)
        self.pixels = {
            name: torch.ones(1, *n.output.known, dtype=torch.double, requires_grad=True)
            for name, n in graph.inputs.items()
        }
        self.value = positive(graph, node)(*self.pixels.values())

    def hulls(self, *unit: int) -> dict[str, Hull]:
        """Return per input the rows and the columns from the first to the last that reach a unit."""
        import torch

        seen = self.value[(0, slice(None), *unit)].sum()
        pixels = list(self.pixels.values())
        gradients = torch.autograd.grad(seen, pixels, retain_graph=True, allow_unused=True)
        return {n: _hull(g) for n, g in zip(self.pixels, gradients, strict=True) if g is not None}


def _hull(gradient: Any) -> Hull:
    places = gradient[0].sum(0).nonzero()
    if not len(places):
        return None
    (top, left), (bottom, right) = places.min(0).values.tolist(), places.max(0).values.tolist()
    return (top, bottom), (left, right)


def within(graph: Graph, node: Node) -> tuple[list[int], list[int]]:
    """Return the rows and columns of units that depend on no position outside of any map."""
    sound: list[tuple[set[int], set[int]]] = []
    for one in graph.nodes[: node.index + 1]:
        types = graph.types(one)
        height, width = one.output.spatial
        kept = set(range(height)), set(range(width))
        for i, source, window in zip(one.inputs, types, one.op.windows(types, one.output), strict=True):
            for axis in (0, 1):
                reads = _taps(window, axis, source.spatial[axis])
                kept[axis].intersection_update([u for u in kept[axis] if sound[i][axis].issuperset(reads(u))])
        sound.append(kept)
    rows, columns = sound[node.index]
    return sorted(rows), sorted(columns)


def _taps(window: Window, axis: int, size: int) -> Callable[[int], list[int]]:
    if window is SAME:
        return lambda unit: [unit]
    if window is WHOLE:
        return lambda unit: list(range(size))
    reads = window[axis]

    def taps(unit: int) -> list[int]:
        turns, phase = divmod(unit, len(reads.taps))
        return [tap + turns * reads.shift for tap in reads.taps[phase]]

    return taps


def check(graph: Graph, node: Node, most: int = 40) -> int:
    """Compare the field of a node with gradients, at `most` units that go through all phases; return how many."""
    (rows, columns), fields = within(graph, node), receptive_fields(graph)[node.index]
    units = list(zip(*_of_equal_length(rows, columns), strict=True))[:most]
    probe = Probe(graph, node)
    for unit in units:
        hulls = probe.hulls(*unit)
        assert hulls.keys() == fields.keys()
        for name, field in fields.items():
            if field.global_ is not None:
                assert hulls[name] is not None  # it is called the whole input, whatever was cut off on the way
                continue
            expected = tuple(unit_field(t, u) for t, u in zip(field.tracks, unit, strict=True))
            assert hulls[name] == (None if None in expected else expected), (node, unit)
    return len(units)


def _of_equal_length(rows: list[int], columns: list[int]) -> Iterator[list[int]]:
    for places in (rows, columns):
        yield [places[i % len(places)] for i in range(max(len(rows), len(columns)))] if rows and columns else []


# Networks in small.

SMALL_UNET = {"base": 2, "depth": 2}
SQUEEZED = """
model Net {
    input x: [2, 40, 40]
    a = x -> a: Conv2d(2, 3, stride=2, padding=1)
    b = x -> MaxPool2d(3, stride=2, padding=1, ceil_mode=true, dilation=2) -> b: Conv2d(2, 1)
    c = a * b
    d, e = split(c -> c: Conv2d(4, 3, padding=1), 2)
    output y = 0.5 * (d -> AvgPool2d(2, stride=1)) + (e -> d: Conv2d(2, (2, 2), groups=2))
}
"""
TWO = """
model Net {
    input left: [1, 20, 30]
    input right: [2, 20, 30]
    a = left -> a: Conv2d(2, 5, padding=2)
    b = (right -> b: Conv2d(2, 3, padding=1)) + a
    output y = concat(a, b) -> ConvTranspose2d(3, 3, stride=2)   # allow unlabelled-layer
}
"""
# fmt: off
NETWORKS = [
    ("U-Net",            lambda: bundled("UNet", H=64, W=48, **SMALL_UNET)),
    ("valid U-Net",      lambda: bundled("UNetValid", H=76, W=76, **SMALL_UNET)),
    ("many branches",    lambda: written(SQUEEZED)),
    ("two inputs",       lambda: written(TWO)),
    ("bins of 3 and 5",  lambda: chain("a: Conv2d(1, 3) -> AdaptiveAvgPool2d((3, 5)) -> c: Conv2d(1, 2)", 1, 16, 18)),
    ("nothing seen",     lambda: chain("a: ConvTranspose2d(1, 2, stride=3) -> b: Conv2d(1, 2, stride=2)", 1, 12, 12)),
    ("spread, dilated",  lambda: chain("a: ConvTranspose2d(1, 3, stride=2, dilation=3) -> MaxPool2d(2)", 1, 12, 12)),
    ("all of them even", lambda: chain("a: ConvTranspose2d(1, 3, stride=2, dilation=2) -> MaxPool2d(3)", 1, 12, 12)),
]
# fmt: on


@pytest.mark.parametrize("make", [make for _, make in NETWORKS], ids=[name for name, _ in NETWORKS])
def test_every_unit_sees_what_has_a_gradient(make):
    graph = make()

    assert check(graph, last(graph)) > 3


def test_all_phases_of_a_unet_are_compared():
    graph = bundled("UNet", H=64, W=48, **SMALL_UNET)
    (field,) = receptive_fields(graph)[-1].values()
    rows, columns = within(graph, last(graph))

    assert [turn(tracks) for tracks in field.tracks] == [4, 4]
    assert {row % 4 for row in rows} == {column % 4 for column in columns} == {0, 1, 2, 3}


@pytest.mark.parametrize(
    "text",
    [
        "AdaptiveAvgPool2d(1)",
        "c: Conv2d(2, 3) -> Flatten -> fc: Linear(3)",
        "c: Conv2d(2, 3) -> n: BatchNorm2d(track_running_stats=false)",
    ],
)
def test_where_the_field_is_global_every_pixel_has_a_gradient(text):
    graph = chain(text, 2, 9, 7)
    node = last(graph)
    (field,) = receptive_fields(graph)[node.index].values()
    places = (0, 0) if node.output.spatial else ()

    assert field.global_ == (node.path if "Linear" not in text else "fc")
    assert Probe(graph, node).hulls(*places) == {"x": ((0, 8), (0, 6))}


def test_a_gate_of_one_position_reaches_every_unit():
    text = """model Net { input x: [1, 6, 6]
      y = x -> MaxPool2d(2, stride=1)
      g = x -> g: Conv2d(1, 4, stride=4)
      output z = y * g }"""
    graph = written(text)
    (field,) = receptive_fields(graph)[-1].values()
    seen = [unit_field(field.tracks[0], unit) for unit in range(5)]
    probe = Probe(graph, last(graph))

    assert seen == [(0, 3), (0, 3), (0, 3), (0, 4), (0, 5)]
    assert [probe.hulls(unit, unit) for unit in range(5)] == [{"x": (rows, rows)} for rows in seen]


# Networks at random.


@settings(max_examples=60)
@given(networks())
def test_random_networks_see_what_has_a_gradient(text):
    graph = written(text)

    check(graph, last(graph), most=12)
