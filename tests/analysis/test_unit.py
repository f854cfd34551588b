"""What one unit sees: published ranges, and the share of padding against a network of positive weights."""

from __future__ import annotations

import random

import pytest

from archdsl.analysis.unit import look
from archdsl.report.unit import as_json, render
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


VGG = (
    "Conv1d(1, 3) * 2 -> MaxPool1d(2) -> Conv1d(1, 3) * 2 -> MaxPool1d(2)" + " -> Conv1d(1, 3) * 3 -> MaxPool1d(2)" * 3
)


def beyond(pixels: int) -> float:
    """Return the share of padding of the one unit of VGG-16 along an axis, where so many of its 212 pixels are padding."""
    graph = chain(f"ZeroPad1d(({pixels}, 0)) -> {VGG}", 1, 212 - pixels)
    return look(graph, last(graph), (0,)).padding


def test_the_ways_through_vgg16_are_counted():
    """Along an axis 3¹³ · 2⁵ ways; one of them ends at the first pixel, and 711,924 at one in the middle."""
    ways = 51_018_336

    assert ways == 3**13 * 2**5
    assert beyond(1) * ways == pytest.approx(1, rel=1e-7)
    assert (beyond(106) - beyond(105)) * ways == pytest.approx(711_924, rel=1e-9)


def test_a_map_of_any_size_is_told_of():
    """Of a 3×3 with padding at a corner 5 of 9 taps lie beyond the border, however large the map is."""
    graph = chain("Conv2d(1, 3, padding=1)", 1, 4096, 4096)
    found = look(graph, last(graph), (0, 0))

    assert found.sights["x"].image == ((0, 1), (0, 1))
    assert found.padding == pytest.approx(5 / 9)


def test_only_the_share_of_padding_is_left_out_where_it_takes_too_much_work(monkeypatch):
    monkeypatch.setattr("archdsl.analysis.padding.MOST_WORK", 1000)
    graph = chain("Conv2d(1, 3, padding=1) * 3", 1, 400, 400)
    found = look(graph, last(graph), (9, 9))

    assert found.padding is None
    assert found.sights["x"].image_count == 49
    assert "not told" in render(graph, found)
    assert '"padding_share": null' in as_json(found)


def test_a_unit_of_many_crosses_is_found_fast_and_right():
    """40 times rows beside columns: each way is an order of moves by −3 to 3, which are followed one by one for three."""
    lines = "\n".join(
        f"b{i + 1} = (b{i} -> Conv2d(1, (1, 7), padding=(0, 3))) + (b{i} -> Conv2d(1, (7, 1), padding=(3, 0)))"
        for i in range(40)
    )
    for number in (3, 40):
        graph = written(f"model Net {{\ninput x: [1, 224, 224]\nb0 = x\n{lines}\noutput b{number} -> ReLU\n}}")
        found = look(graph, last(graph, "relu"), (1, 100))
        if number == 3:
            ways = _moves(3)
            inside = sum(all(1 + y >= 0 for y, _ in way) for way in ways)
            assert found.padding == pytest.approx(1 - inside / len(ways))
            assert found.sights["x"].plane_count is not None
        else:
            assert found.sights["x"].plane_count is None
            assert "not counted" in render(graph, found)


def _moves(number: int) -> list[list[tuple[int, int]]]:
    """Return where each way stands after every move, from its start on."""
    ways: list[list[tuple[int, int]]] = [[(0, 0)]]
    for _ in range(number):
        ways = [
            [*way, (way[-1][0] + step * (1 - across), way[-1][1] + step * across)]
            for way in ways
            for across in (0, 1)
            for step in range(-3, 4)
        ]
    return ways
