"""Exact fields: numbers worked by hand and published ones, and the walk back from single units as the oracle."""

from __future__ import annotations

import random
from itertools import product
from math import prod

import pytest
from hypothesis import given, settings

from archdsl.analysis.coverage import Cover, count, coverage
from archdsl.analysis.field_summary import Summary, summary
from archdsl.analysis.fields import unit_field
from archdsl.analysis.receptive_field import receptive_fields
from archdsl.analysis.support import positions, support
from archdsl.graph import Graph
from oracles.drafts import networks
from oracles.networks import bundled, chain, last, written


def cover(graph: Graph, path: str = "") -> Cover:
    (found,) = coverage(graph)[last(graph, path).index if path else last(graph).index].values()
    return found


def told(graph: Graph, path: str = "") -> Summary:
    node = last(graph, path) if path else last(graph)
    found = summary(cover(graph, path), node.output.known[1:])
    assert found is not None, "the field has axes, and is known"
    return found


# fmt: off
HOLES = [
    # name                                 pipeline                                                       hull  covered
    ("nothing is left out",                "Conv2d(1, 3) -> Conv2d(1, 3)",                                5,    25),
    ("1×1 with stride 2, then 3×3",        "Conv2d(1, 1, stride=2) -> Conv2d(1, 3)",                      5,    9),
    ("two 1×1 with stride 2, then 3×3",    "Conv2d(1, 1, stride=2) -> Conv2d(1, 1, stride=2) -> Conv2d(1, 3)", 9, 9),
    ("2×2 with stride 3, then 3×3",        "Conv2d(1, 2, stride=3) -> Conv2d(1, 3)",                      8,    36),
    ("dilations 2, 2, 2",                  "Conv2d(1, 3, dilation=2) * 3",                                13,   7**2),
    ("dilations 2, 4, 8",                  " -> ".join(f"Conv2d(1, 3, dilation={d})" for d in (2, 4, 8)),  29,   15**2),
    ("dilations 6, 12, 18",                " -> ".join(f"Conv2d(1, 3, dilation={d})" for d in (6, 12, 18)), 73,  13**2),
    ("dilations 1, 2, 3",                  " -> ".join(f"Conv2d(1, 3, dilation={d})" for d in (1, 2, 3)),  13,   13**2),
    ("dilations 1, 2, 5",                  " -> ".join(f"Conv2d(1, 3, dilation={d})" for d in (1, 2, 5)),  17,   17**2),
    ("dilations 1, 2, 9",                  " -> ".join(f"Conv2d(1, 3, dilation={d})" for d in (1, 2, 9)),  25,   21**2),
    ("dilations 3, 4, 5",                  " -> ".join(f"Conv2d(1, 3, dilation={d})" for d in (3, 4, 5)),  25,   21**2),
    ("dilations 1, 3, 9",                  " -> ".join(f"Conv2d(1, 3, dilation={d})" for d in (1, 3, 9)),  27,   27**2),
    ("dilations 1, 4, 16",                 " -> ".join(f"Conv2d(1, 3, dilation={d})" for d in (1, 4, 16)), 43,   27**2),
]
# fmt: on


@pytest.mark.parametrize(("text", "size", "covered"), [c[1:] for c in HOLES], ids=[c[0] for c in HOLES])
def test_holes_are_counted(text, size, covered):
    found = told(chain(text, 1, 99, 99))

    assert [axis.size for axis in found.axes] == [size, size]
    assert found.covered == (covered, covered)
    assert found.has_holes == (covered < size**2)


# fmt: off
BRANCHES = [
    ("1×7 beside 7×1", "(x -> a: Conv2d(1, (1, 7), padding=(0, 3))) + (x -> b: Conv2d(1, (7, 1), padding=(3, 0)))", 7, 13),
    ("ASPP", ("concat(x -> Conv2d(1, 1), x -> Conv2d(1, 3, padding=6, dilation=6), "
             "x -> Conv2d(1, 3, padding=12, dilation=12), x -> Conv2d(1, 3, padding=18, dilation=18))"), 37, 25),
    ("a smaller branch within a larger one", "(x -> Conv2d(1, 3, padding=1)) + (x -> Conv2d(1, 5, padding=2))", 5, 25),
    ("two rows beside each other", "(x -> ZeroPad2d((0, 0, 0, 1)) -> Conv2d(1, (2, 1))) + x", (2, 1), 2),
]
# fmt: on


@pytest.mark.parametrize(("text", "size", "covered"), [c[1:] for c in BRANCHES], ids=[c[0] for c in BRANCHES])
def test_branches_see_the_union_of_their_rectangles(text, size, covered):
    found = told(written(f"model Net {{\n  input x: [1, 64, 64]\n  output y = {text}\n}}"))

    assert tuple(axis.size for axis in found.axes) == (size if isinstance(size, tuple) else (size, size))
    assert found.covered == (covered, covered)


def test_two_sums_cover_81_of_121_pixels():
    """Published as a field of 11 with a stride of 8 by google-research/receptive_field; 40 of its pixels are not seen."""
    found = told(
        written("""model Net {
    input x: [1, 96, 96]
    defaults Conv2d(out_channels=1)
    a = (x -> a: Conv2d(kernel_size=1, stride=4)) + (x -> ZeroPad2d((1, 0, 1, 0)) -> b: Conv2d(kernel_size=3, stride=2) -> c: Conv2d(kernel_size=1, stride=2))
    output (a -> d: Conv2d(kernel_size=1, stride=2)) + (a -> ZeroPad2d((1, 0, 1, 0)) -> e: Conv2d(kernel_size=3, stride=2))
}""")
    )

    assert [(axis.size, axis.stride, axis.start) for axis in found.axes] == [(11, 8, -5)] * 2
    assert found.covered == (81, 81)


def each(seen: object) -> list[int]:
    return [seen.low + i for i in positions(seen.bits)]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("top", "size", "covered"), [(-2, 7, 41), (0, 6, 34), (2, 5, 25), (3, 6, 34), (4, 7, 41), (5, 8, 46)]
)
def test_branches_of_different_strides_never_repeat(top, size, covered):
    """From Araujo, Norris & Sim 2019: a 5×5 with stride 2 beside two 3×3 without; each unit sees something else."""
    graph = written("""model Net {
    input x: [1, 12, 12]
    a = x -> ZeroPad2d((2, 1, 2, 1)) -> a: Conv2d(1, 5, stride=2)
    b = x -> b: Conv2d(1, 3) -> c: Conv2d(1, 3)
    output a + crop(b, bottom=2, right=2)
}""")
    unit = [-2, 0, 2, 3, 4, 5].index(top)
    boxes = cover(graph).at((unit, unit))
    seen = cover(graph).along(0, unit)

    assert cover(graph).periods is None
    assert seen is not None
    assert (seen.low, seen.high - seen.low + 1, count(boxes)) == (top, size, covered)


def test_the_unet_of_the_paper_sees_188_or_204_pixels_by_position():
    found = told(bundled("UNetValid", H=572, W=572))

    assert [axis.sizes for axis in found.axes] == [{188: 4, 204: 12}] * 2


def test_a_unet_that_copies_upwards_sees_204_or_220_pixels_by_position():
    """Worked by phase: 5 of 16 units see 204 pixels and 11 see 220, with a 2×2 convolution that pads on the right."""
    twice, up = "Conv2d(1, 3, padding=1) * 2", "Upsample(scale_factor=2) -> ZeroPad2d((0, 1, 0, 1)) -> Conv2d(1, 2)"
    down = "\n".join(f"a{i} = a{i - 1} -> MaxPool2d(2) -> {twice}" for i in range(1, 5))
    back = "\n".join(f"b{i} = concat({'b' if i < 3 else 'a'}{i + 1} -> {up}, a{i}) -> {twice}" for i in (3, 2, 1, 0))
    found = told(written(f"model Net {{\ninput x: [1, 256, 256]\na0 = x -> {twice}\n{down}\n{back}\noutput b0\n}}"))

    assert [axis.sizes for axis in found.axes] == [{204: 5, 220: 11}] * 2


@pytest.mark.parametrize(
    ("convolutions", "kernel", "dilations", "stacks", "size"),
    [(1, 8, (1, 2, 4, 8), 3, 316), (2, 8, (1, 2, 4, 8), 3, 631), (2, 2, (1, 2), 1, 7)],
)
def test_a_temporal_network_sees_what_its_authors_came_to(convolutions, kernel, dilations, stacks, size):
    """Issues 8, 196 and 207 of philipperemy/keras-tcn: 1 + convolutions · (kernel − 1) · stacks · Σ dilations."""
    parts, lines = "x", []
    for number, dilation in enumerate(dilations * stacks):
        reach = dilation * (kernel - 1)
        causal = f"ZeroPad1d(({reach}, 0)) -> Conv1d(1, {kernel}, dilation={dilation})"
        lines.append(f"b{number} = {parts} + ({parts} -> ({causal}) * {convolutions})")
        parts = f"b{number}"
    found = told(written("model Net {\ninput x: [1, 900]\n" + "\n".join(lines) + f"\noutput {parts}\n}}"))

    assert found.axes[0].size == size
    assert found.axes[0].start == 1 - size


def test_layers_of_branches_one_after_the_other_see_something_else():
    """Issue 17 of Fangyh09/pytorch-receptive-field: hooks put the shortcuts into the chain, 1963 pixels with stride 256."""
    graph = bundled("ResNet50")
    windows = [node.op for node in graph.layers if node.op.name in ("Conv2d", "MaxPool2d")]
    text = " -> ".join(f"MaxPool2d({op.kernel_size[0]}, {op.steps[0]})" if op.name == "MaxPool2d" else
                       f"Conv2d(1, {op.kernel_size[0]}, stride={op.stride[0]})" for op in windows)  # fmt: skip
    hooked, true = told(chain(text, 1, 4096, 4096)), told(graph, "layer4.2")

    assert [(axis.size, axis.stride) for axis in hooked.axes] == [(1963, 256)] * 2
    assert [(axis.size, axis.stride) for axis in true.axes] == [(427, 32)] * 2


STACKED = {
    "two resizes": (
        'Upsample(size=(251, 241), mode="bilinear") -> Conv2d(1, 3, stride=2) -> Upsample(size=(239, 233), mode="bilinear")'
    ),
    "three, with borders between": (
        'Upsample(size=(83, 79), mode="bilinear") -> Conv2d(1, 3, padding=1) -> Upsample(size=(97, 89), mode="bicubic") '
        '-> Conv2d(1, 5, stride=2, padding=2) -> Upsample(size=(101, 103), mode="bilinear") -> MaxPool2d(3, 1, 1)'
    ),
    "a branch": "Upsample(size=(83, 79)) -> Upsample(size=(97, 89)) -> r: ReLU -> Conv2d(1, 3, padding=1)",
}


@pytest.mark.parametrize("text", STACKED.values(), ids=STACKED)
def test_resizes_one_behind_the_other_are_told_for_the_units_of_the_map(text):
    """Their phases together are more than the map has units; the walk back from single units knows of no phases."""
    graph = chain(text, 1, 255, 255)
    node, field, choose = last(graph), cover(graph), random.Random(0)
    compared = 0
    for _ in range(30):
        unit = tuple(choose.randrange(size) for size in node.output.known[1:])
        found = support(graph, node, unit)
        if not found.clipped:
            (boxes,) = found.boxes.values()
            assert boxes_of(field, unit) == {place for box in boxes for place in product(*map(positions, box))}
            compared += 1
    assert compared > 10
    assert told(graph).covered is not None


def crosses(number: int) -> Graph:
    lines = [
        f"b{i + 1} = (b{i} -> p{i}: Conv2d(1, (1, 7), padding=(0, 3))) + (b{i} -> q{i}: Conv2d(1, (7, 1), padding=(3, 0)))"
        for i in range(number)
    ]
    return written(
        "model Net {\ninput x: [1, 224, 224]\nb0 = x\n" + "\n".join(lines) + f"\noutput b{number} -> ReLU\n}}"
    )


def test_a_union_of_many_rectangles_keeps_its_extent_and_says_why_it_is_not_counted():
    found = told(crosses(40))

    assert [(axis.size, axis.start, axis.stride) for axis in found.axes] == [(241, -120, 1)] * 2
    assert found.covered is None
    assert "more than 24 rectangles from add_24 on" in found.uncounted


def test_a_union_of_few_rectangles_is_counted():
    """Of n crosses each way goes a times along the rows and n − a along the columns: 6a + 1 by 6(n − a) + 1."""
    pixels = {(y, x) for a in range(6) for y in range(-3 * a, 3 * a + 1) for x in range(3 * a - 15, 16 - 3 * a)}

    assert told(crosses(5)).covered == (len(pixels), len(pixels))


def test_the_middle_of_what_a_unet_sees_moves_by_eleven_pixels():
    found = told(bundled("UNet", H=256, W=256))

    assert [tuple(map(float, axis.centre)) for axis in found.axes] == [(-5.5, 5.5)] * 2


def test_the_halo_is_what_a_tile_needs():
    """Of a U-Net with three levels and a 3×3 before its head: 45 to 52 pixels by position, before and after."""
    graph = written("""model Net {
    input x: [1, 64, 64]
    a = x -> Conv2d(1, 3, padding=1) * 2
    b = a -> MaxPool2d(2) -> Conv2d(1, 3, padding=1) * 2
    c = b -> MaxPool2d(2) -> Conv2d(1, 3, padding=1) * 2
    d = c -> MaxPool2d(2) -> Conv2d(1, 3, padding=1) * 2
    e = concat(d -> Upsample(scale_factor=2), c) -> Conv2d(1, 3, padding=1) * 2
    f = concat(e -> Upsample(scale_factor=2), b) -> Conv2d(1, 3, padding=1) * 2
    g = concat(f -> Upsample(scale_factor=2), a) -> Conv2d(1, 3, padding=1) * 2
    output g -> Conv2d(1, 3, padding=1)
}""")
    field = cover(graph)
    (periods, _) = field.periods
    ends = [(unit, field.along(0, unit)) for unit in range(periods)]

    assert {unit - seen.low for unit, seen in ends} == set(range(45, 53))
    assert {seen.high - unit for unit, seen in ends} == set(range(45, 53))
    assert told(graph).axes[0].halo_anywhere == (52, 52)
    assert told(graph).axes[0].halo == (max(seen.low * -1 for _, seen in ends), max(seen.high - 7 for _, seen in ends))


@pytest.mark.parametrize(
    ("text", "taps"),
    [
        ("ConvTranspose1d(1, 2, stride=2)", [1, 1]),
        ("ConvTranspose1d(1, 4, stride=2)", [2, 2]),
        ("ConvTranspose1d(1, 3, stride=2)", [2, 1]),
        ("ConvTranspose1d(1, 4, stride=3)", [2, 1, 1]),
        ("ConvTranspose1d(1, 5, stride=3)", [2, 2, 1]),
        ("ConvTranspose1d(1, 2, stride=3)", [1, 1, 0]),
        ("ConvTranspose1d(1, 3, stride=2, dilation=2)", [3, 0]),
        ('Upsample(scale_factor=3, mode="linear")', [2, 1, 2]),
    ],
)
def test_how_much_a_unit_sees_depends_on_its_phase(text, taps):
    field = cover(chain(text, 1, 32))

    assert [seen.total if (seen := field.along(0, unit)) else 0 for unit in range(30, 30 + len(taps))] == taps


# The oracle that knows of no tables: the walk back from one unit over maps of known size.


def boxes_of(field: Cover, unit: tuple[int, ...]) -> set[tuple[int, ...]]:
    return {place for box in field.at(unit) for place in product(*map(each, box))}


@settings(max_examples=150)
@given(networks())
def test_the_tables_say_what_a_walk_back_from_a_unit_says_away_from_borders(text):
    graph = written(text)
    fields, hulls, choose = coverage(graph), receptive_fields(graph), random.Random(text)
    for node in graph.layers:
        sizes = node.output.known[1:]
        if not sizes or node.index in graph.training_only:
            continue
        unit = tuple(choose.randrange(size) for size in sizes)
        found = support(graph, node, unit)
        if not found.exact or found.clipped:
            continue
        for name, boxes in found.boxes.items():
            field = fields[node.index][name]
            if field.global_ is not None:
                assert hulls[node.index][name].global_ == field.global_
            elif not field.open and len(field.terms[0]) == len(sizes):
                assert boxes_of(field, unit) == {place for box in boxes for place in product(*map(positions, box))}


@pytest.mark.parametrize(
    "model",
    ["LeNet5", "AlexNet", "VGG16", "GoogLeNet", "InceptionV3", "ResNet50", "DenseNet121", "EfficientNetB0", "UNet"],
)
def test_the_ends_of_the_sets_are_the_hulls(model):
    """The walk that keeps ends only, and the one that keeps holes, have no code in common."""
    graph = bundled(model)
    hulls = receptive_fields(graph)
    compared = 0
    for node, covers in zip(graph.nodes, coverage(graph), strict=True):
        for name, field in covers.items():
            hull = hulls[node.index][name]
            assert field.global_ == hull.global_
            for axis, number in enumerate(field.periods or ()):
                for unit in range(number):
                    seen = field.along(axis, unit)
                    compared += 1
                    assert (seen and (seen.low, seen.high)) == unit_field(hull.tracks[axis], unit)
    assert compared > 10


def test_a_union_of_boxes_counts_each_position_once():
    choose = random.Random(0)
    graph = chain("ReLU", 1, 9, 9, 9)
    assert count(cover(graph).at((1, 1, 1))) == 1
    from archdsl.analysis.sets import Seen, united

    for _ in range(200):
        axes, boxes = choose.randrange(1, 4), []
        for _ in range(choose.randrange(1, 6)):
            sides = [
                united([Seen(i, i) for i in choose.sample(range(-3, 8), choose.randrange(1, 7))]) for _ in range(axes)
            ]
            boxes.append(tuple(sides))
        assert count(tuple(boxes)) == len({place for box in boxes for place in product(*map(each, box))})


def test_what_cannot_be_followed_is_left_open_and_not_guessed():
    graph = chain("Unflatten(1, (4, 4)) -> Conv1d(4, 3, stride=1)", 16)

    assert prod(graph.nodes[0].output.known) == 16
    (field,) = coverage(graph)[-1].values()
    assert field.open
    assert "no longer those of the input" in field.why


def test_a_tile_depends_on_its_halo_and_on_nothing_beyond_it():
    torch = pytest.importorskip("torch")
    from oracles.twin import real

    graph = bundled("UNet", H=96, W=96, base=2, depth=2)
    (before, after), (period, _) = told(graph).axes[0].halo, cover(graph).periods
    module = real(graph).double().eval()
    for name, part in list(module.named_modules()):
        if isinstance(part, torch.nn.MaxPool2d):  # of positive numbers, where nothing is cut off, the mean is as good
            setattr(module.get_submodule(name.rpartition(".")[0]), name.rpartition(".")[2], torch.nn.AvgPool2d(2))
        for weight in part.parameters(recurse=False):
            weight.detach().abs_()
    start = 12 * period

    def tile(low: int, high: int) -> object:
        """Run with noise outside of some rows, and return the rows of the tile."""
        torch.manual_seed(0)
        image, other = torch.rand(2, 1, 1, 96, 96, dtype=torch.double)
        image[:, :, :low], image[:, :, high:] = other[:, :, :low], other[:, :, high:]
        with torch.no_grad():
            given = module(image)
        return (given[0] if isinstance(given, tuple) else given)[:, :, start : start + period]

    whole = tile(0, 96)
    low, high = start - before, start + period + after
    assert torch.allclose(tile(low, high), whole, rtol=0, atol=1e-12)
    assert not torch.allclose(tile(low + 1, high), whole, rtol=0, atol=1e-12)
    assert not torch.allclose(tile(low, high - 1), whole, rtol=0, atol=1e-12)
