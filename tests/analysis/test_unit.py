"""What one unit sees: published ranges, and the share of padding against a network of positive weights."""

from __future__ import annotations

import random

import pytest

from archdsl.analysis.unit import look
from oracles.networks import bundled, chain, last, written
from oracles.twin import real

torch = pytest.importorskip("torch")


def test_a_unit_of_alexnet_sees_what_is_published():
    """Pixels 62 to 160, from the documentation of Fangyh09/pytorch-receptive-field (62, 161 with the end excluded)."""
    graph = bundled("AlexNet")
    sight = look(graph, last(graph, "features.6"), (6, 6)).sights["image"]

    assert sight.image == ((62, 160), (62, 160))
    assert sight.image_count == sight.plane_count == 99**2


def test_the_plane_the_image_and_the_padding_are_told_apart():
    """Of 5 positions a pool keeps 2 units; the convolution's unit 1 reads one beyond them, which is padding."""
    graph = chain("MaxPool1d(2) -> Conv1d(1, 3, padding=1)", 1, 5)
    found = look(graph, last(graph), (1,))
    sight = found.sights["x"]

    assert [(seen.low, seen.high) for seen in sight.plane] == [(0, 5)]
    assert sight.image == ((0, 3),)
    assert found.padding == pytest.approx(1 / 3)


# fmt: off
NETWORKS = [
    ("a chain", "x -> a: Conv2d(2, 3, padding=1) -> b: Conv2d(3, 5, stride=2, padding=2) -> c: Conv2d(1, 3, padding=1)"),
    ("dilated", "x -> a: Conv2d(2, 3, padding=3, dilation=3) -> b: Conv2d(3, (1, 5), padding=(0, 2))"),
    ("a residual", "(x -> a: Conv2d(1, 3, padding=1) -> b: Conv2d(1, 3, padding=1)) + x"),
    ("a concatenation", "concat(x, x -> a: Conv2d(3, 3, padding=1)) -> b: Conv2d(1, 3, padding=1)"),
    ("a mirror", 'x -> a: Conv2d(2, 3, padding=1, padding_mode="reflect") -> b: Conv2d(3, 3, padding=1)'),
    ("means", "x -> AvgPool2d(3, 2, 1) -> a: Conv2d(1, 3, padding=1)"),
]
# fmt: on


@pytest.mark.parametrize("text", [text for _, text in NETWORKS], ids=[name for name, _ in NETWORKS])
def test_the_share_of_padding_is_what_is_missing_from_ones_in_a_network_of_means(text):
    graph = written(f"model Net {{\n  input x: [1, 13, 11]\n  output y = {text}\n}}")
    module = real(graph).double()
    with torch.no_grad():
        for part in module.modules():
            if isinstance(part, torch.nn.Conv2d):
                part.weight.fill_(part.weight.shape[0] / part.weight.numel())
                part.bias.zero_()
        given = module(torch.ones(1, 1, 13, 11, dtype=torch.double))
        given = given[0] if isinstance(given, tuple) else given
    whole = 2.0 if "+" in text else 1.0
    choose = random.Random(0)
    node = last(graph)
    for _ in range(12):
        place = tuple(choose.randrange(size) for size in node.output.known[1:])
        assert look(graph, node, place).padding == pytest.approx(1 - float(given[(0, 0, *place)]) / whole, abs=1e-12)


def test_a_unit_outside_of_the_map_and_an_open_size_are_refused():
    graph = chain("ReLU", 1, 5)

    with pytest.raises(ValueError, match="no unit"):
        look(graph, last(graph), (5,))
    with pytest.raises(ValueError, match="sizes of the inputs"):
        look(written("model Net { input x: [1, H]\n  output x -> ReLU }"), last(graph), (0,))
