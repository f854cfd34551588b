"""Effective receptive fields: published and hand-worked moments, and those of the gradient maps of a torch twin."""

from __future__ import annotations

from fractions import Fraction
from math import isclose, prod, sqrt
from time import perf_counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archdsl.analysis import analyze_graph
from archdsl.analysis.effective import Moments, effective_fields
from archdsl.analysis.receptive_field import receptive_fields
from archdsl.graph import Graph, Node
from archdsl.ops import SAME, WHOLE
from archdsl.ops.base import Elementwise
from archdsl.report.effective import as_dict, render
from oracles.drafts import networks
from oracles.networks import bundled, chain, last, written
from oracles.twin import positive


def spread(graph: Graph, path: str = "", axis: int = 0) -> Any:
    (seen,) = effective_fields(graph)[last(graph, path).index].values()
    return seen.axes[axis]


def moments(found: Moments | None) -> tuple[float, float, float] | None:
    return found and (float(found.mass), float(found.mean), float(found.variance))


# Published numbers, and such as can be worked by hand.

# fmt: off
STACKS = [
    # layers  sigma   field  4 sigma / field
    (5,       1.826,  11,    0.66),
    (10,      2.582,  21,    0.49),
    (20,      3.651,  41,    0.36),
    (40,      5.164,  81,    0.25),
]
# fmt: on


@pytest.mark.parametrize(("layers", "sigma", "field", "share"), STACKS)
def test_the_width_of_stacked_convolutions_grows_with_the_root_of_their_number(layers, sigma, field, share):
    """Luo et al. 2016: 3×3 convolutions, each of variance 2/3."""
    graph = chain(" -> ".join(f"c{i}: Conv2d(1, 3)" for i in range(layers)), 1, 100, 100)
    (seen,) = receptive_fields(graph)[-1].values()
    found = spread(graph).at(0)

    assert found.sd == pytest.approx(sigma, abs=5e-4)
    assert isclose(found.sd, sqrt(2 * layers / 3), rel_tol=1e-15)
    assert seen.size == (field, field)
    assert 4 * found.sd / field == pytest.approx(share, abs=6e-3)


def test_vgg16_covers_half_of_its_field():
    found = spread(bundled("VGG16"), "features").at(0)

    assert float(found.variance) == float(Fraction(9167, 12)) == pytest.approx(763.9167, abs=5e-5)
    assert found.sd == pytest.approx(27.639, abs=5e-4)
    assert round(100 * 4 * found.sd / 212) == 52
    assert found.mean == Fraction(-90 * 2 + 211, 2)  # the centre of a field of 212 from −90 on


# fmt: off
LAYERS = [
    # name                          layers                                                              mass, mean and variance of each phase
    ("kernel, dilation, padding",   "c: Conv1d(1, 3, dilation=4, padding=1)",                            [(1, 3, 32 / 3)]),
    ("a stride before",             "a: Conv1d(1, 1, stride=2) -> c: Conv1d(1, 3)",                      [(1, 2, 8 / 3)]),
    ("an even pool",                "MaxPool1d(2)",                                                      [(1, 0.5, 0.25)]),
    ("a crop and a pad",            "crop(x, start=3) -> ZeroPad1d((1, 0))",                             [(1, 2, 0)]),
    ("nearest",                     "Upsample(scale_factor=2)",                                          [(1, 0, 0), (1, 0, 0)]),
    ("linear: 1/4 and 3/4",         'Upsample(scale_factor=2, mode="linear")',                           [(1, -0.25, 3 / 16), (1, 0.25, 3 / 16)]),
    ("corners on corners",          'Upsample(size=79, mode="linear", align_corners=true)',              [(1, 0, 0), (1, 0.5, 0.25)]),
    ("even overlap",                "t: ConvTranspose1d(1, 4, stride=2, padding=1)",                     [(1, -0.5, 0.25), (1, 0.5, 0.25)]),
    ("two taps and one",            "t: ConvTranspose1d(1, 3, stride=2)",                                [(4 / 3, -0.5, 0.25), (2 / 3, 0, 0)]),
    ("one tap and none",            "t: ConvTranspose1d(1, 1, stride=2)",                                [(2, 0, 0), None]),
    ("their mean, of unequal mass", "t: ConvTranspose1d(1, 3, stride=2) -> c: Conv1d(1, 2, stride=2)",   [(1, -1 / 3, 2 / 9)]),
    ("an average of everything",    "AdaptiveAvgPool1d(20)",                                             [(1, 0.5, 0.25)]),
]
# fmt: on


@pytest.mark.parametrize(("layers", "phases"), [c[1:] for c in LAYERS], ids=[c[0] for c in LAYERS])
def test_a_layer_moves_and_widens_the_distribution(layers, phases):
    text = layers if "crop" in layers else f"x -> {layers}"
    found = spread(written(f"model Net {{ input x: [1, 40]\n output y = {text} }}")).phases

    assert [moments(one) for one in found] == [one and pytest.approx(one, abs=1e-15) for one in phases]


MERGES = """model Net {{
    input x: [2, 40]
    a = x -> a: Conv1d(2, 3, padding=1)
    b = x -> b: Conv1d(4, 1) -> PadChannels(1, 1) -> c: Conv1d(2, 1)
    output y = {}
}}"""
# fmt: off
MIXTURES = [
    # merge                    mass, mean, variance, with x of variance 0 and a of 2/3
    ("x + a",                  (2, 0, 1 / 3)),
    ("x + a + a",              (3, 0, 4 / 9)),
    ("x * a",                  (2, 0, 1 / 3)),
    ("concat(x, a, a)",        (1, 0, 4 / 9)),
    ("concat(x, (x + a))",     (1.5, 0, 2 / 9)),            # masses 1 and 2 of two channels each
    ("x + 0.25 * a",           (1.25, 0, 2 / 15)),
    ("x + -0.25 * a",          (1.25, 0, 2 / 15)),
    ("a + b",                  (5 / 3, 0, 2 / 5)),          # two of the six channels behind b are zeros
    ("x + (a -> d: Conv1d(2, 2))", (2, 0.25, (2 / 3 + 1 / 4) / 2 + 1 / 16)),
]
# fmt: on


@pytest.mark.parametrize(("merge", "expected"), MIXTURES)
def test_a_merge_mixes_its_operands(merge, expected):
    text = MERGES.format(merge if "d:" not in merge else "crop(x, end=1) + (a -> d: Conv1d(2, 2))")

    assert moments(spread(written(text)).at(0)) == pytest.approx(expected, abs=1e-15)


@pytest.mark.parametrize("blocks", [1, 2, 6])
def test_a_residual_net_is_a_binomial_mixture(blocks):
    """k of n blocks are passed in C(n, k) of 2^n ways: the variance is the mean of k · 2/3."""
    text = f'for i in range({blocks}) {{ x = x + (x -> "c{{i}}": Conv1d(2, 3, padding=1)) }}'
    found = spread(written(f"model Net {{ input x: [2, 40]\n {text}\n output y = x }}")).at(0)

    assert moments(found) == pytest.approx((2**blocks, 0, blocks / 3))


def test_a_unit_later_in_the_map_lies_later_in_the_image():
    found = spread(chain("t: ConvTranspose1d(1, 4, stride=2, padding=1) -> c: Conv1d(1, 3, stride=4)", 1, 40))

    assert found.at(5).mean - found.at(0).mean == 10
    assert found.at(5).variance == found.at(0).variance


def test_axes_are_told_apart():
    graph = chain("c: Conv2d(1, (1, 7), stride=(2, 1))", 1, 40, 40)

    assert [float(spread(graph, axis=axis).at(1).mean) for axis in (0, 1)] == [2, 4]
    assert [float(spread(graph, axis=axis).at(0).variance) for axis in (0, 1)] == [0, 4]


# What has no place in the plane.

# fmt: off
PLACES = [
    # name                  output                                                                   axes known    partial
    ("global pool",         "x -> AdaptiveAvgPool2d(1)",                                             [],           True),
    ("flattened",           "x -> Flatten -> f: Linear(3)",                                          [],           True),
    ("gate",                "x * (x -> AdaptiveAvgPool2d(1) -> g: Conv2d(2, 1) -> Sigmoid)",         [True, True], True),
    ("gate in its place",   "x * (x -> g: Conv2d(2, 12))",                                           [False, False], False),
    ("vector of one place", "(x -> c: Conv2d(4, 12) -> Flatten) + (x -> d: Conv2d(4, 12) -> Flatten -> f: Linear(4))", [True, True], False),
    ("norm of a sample",    "x -> n: GroupNorm(1)",                                                  [True, True], True),
    ("softmax along rows",  "x -> Softmax(2)",                                                       [True, True], True),
    ("batch norm",          "x -> n: BatchNorm2d",                                                   [True, True], False),
    ("strides that differ", "crop(x, bottom=6) + (x -> c: Conv2d(2, 1, stride=(2, 1)))",             [False, True], False),
    ("bicubic",             'x -> Upsample(scale_factor=2, mode="bicubic")',                         [False, False], False),
]
# fmt: on


@pytest.mark.parametrize(("output", "known", "partial"), [p[1:] for p in PLACES], ids=[p[0] for p in PLACES])
def test_what_comes_from_everywhere_is_left_out(output, known, partial):
    (seen,) = effective_fields(written(f"model Net {{ input x: [2, 12, 12]\n output y = {output} }}"))[-1].values()

    assert [axis is not None for axis in seen.axes] == known
    assert seen.partial == partial


def test_a_map_of_one_position_keeps_its_place():
    graph = chain("c: Conv2d(4, 6) -> p: AdaptiveAvgPool2d(1) -> Flatten -> f: Linear(3)", 1, 6, 6)

    assert moments(spread(graph).at(0)) == pytest.approx((1, 2.5, 35 / 12))


def test_inputs_are_told_apart():
    text = "model Net { input a: [1, 20]\n input b: [1, 20]\n output y = (a -> c: Conv1d(1, 3, padding=1)) + b }"
    seen = effective_fields(written(text))[-1]

    assert {name: float(one.axes[0].at(0).variance) for name, one in seen.items()} == {
        "a": pytest.approx(2 / 3),
        "b": 0,
    }


def test_open_sizes_do_not_matter_unless_a_layer_needs_them():
    text = "model Net {{ input x: [1, L]\n output y = x -> c: Conv1d(1, 3) -> {} }}"

    assert float(spread(written(text.format("ReLU"))).at(0).mean) == 1
    assert spread(written(text.format("Upsample(size=30)"))) is None


# Gradient maps.


def twin(graph: Graph, node: Node) -> Any:
    """The positive twin, where a transposed convolution has gain one and statistics of norms are left out."""
    import torch
    from torch import nn

    made = positive(graph, node)
    for name, module in list(made.named_modules()):
        kind = type(module).__name__
        if kind.startswith(("Conv", "Linear")):  # the weights of the positive twin are rounded to single precision
            gain = module.weight.shape[0] / module.weight.numel()
            if "Transpose" in kind:
                gain = prod(module.stride) * module.groups / (prod(module.kernel_size) * module.in_channels)
            with torch.no_grad():
                module.weight.fill_(gain)
        elif kind in ("Along", "Everywhere"):
            made.set_submodule(name, nn.Identity())
    return made


class Gradients:
    """The twin up to a node, asked for the gradient maps of units."""

    def __init__(self, graph: Graph, node: Node) -> None:
        import torch

        torch.set_num_threads(1)
        (fed,) = graph.inputs.values()
        self.x = torch.ones(1, *fed.output.known, dtype=torch.double, requires_grad=True)
        self.value = twin(graph, node)(self.x)

    def moments(self, unit: tuple[int, ...]) -> list[tuple[float, float, float]]:
        """Return the mass, mean and variance of the marginals of a unit's gradient map."""
        import torch

        (gradient,) = torch.autograd.grad(self.value[(0, slice(None), *unit)].mean(), self.x, retain_graph=True)
        plane, found = gradient[0].sum(0), []
        for axis in range(plane.dim()):
            others = [other for other in range(plane.dim()) if other != axis]
            line = plane.sum(others) if others else plane
            places = torch.arange(len(line), dtype=torch.double)
            mean = (line * places).sum() / line.sum()
            variance = (line * (places - mean) ** 2).sum() / line.sum()
            found.append((line.sum().item(), mean.item(), variance.item()))
        return found


def within(graph: Graph, node: Node) -> list[list[int]]:
    """Return per axis the units that depend on no position outside of any map."""
    sound: list[list[set[int]]] = []
    for one in graph.nodes[: node.index + 1]:
        types = graph.types(one)
        kept = [set(range(size)) for size in one.output.spatial]
        for i, source, window in zip(one.inputs, types, one.op.windows(types, one.output), strict=True):
            if window is SAME or isinstance(one.op, Elementwise):
                kept = [mine & others for mine, others in zip(kept, sound[i], strict=True)]
                continue
            for axis, mine in enumerate(kept):
                taps = _taps(window, axis, source.spatial[axis])
                mine.intersection_update([unit for unit in mine if sound[i][axis].issuperset(taps(unit))])
        sound.append(kept)
    return [sorted(axis) for axis in sound[node.index]]


def _taps(window: Any, axis: int, size: int) -> Any:
    if window is WHOLE:
        return lambda unit: range(size)
    reads = window[axis]

    def taps(unit: int) -> list[int]:
        turns, phase = divmod(unit, len(reads.taps))
        return [tap + turns * reads.shift for tap in reads.taps[phase]]

    return taps


def compare(graph: Graph, node: Node, most: int = 3) -> int:
    """Compare a few units inside of a map with their gradient maps; return how many."""
    (seen,) = effective_fields(graph)[node.index].values()
    gradients = Gradients(graph, node)
    inside = within(graph, node)
    if not seen.axes or None in seen.axes or not all(inside):
        return 0
    count = min(most, max(map(len, inside)))
    for number in range(count):
        unit = tuple(axis[(number + len(axis) // 2) % len(axis)] for axis in inside)
        expected = [axis.at(place) for axis, place in zip(seen.axes, unit, strict=True)]
        if None in expected:
            continue
        for axis, (mass, mean, variance) in zip(expected, gradients.moments(unit), strict=True):
            assert len(inside) > 1 or mass == pytest.approx(float(axis.mass), rel=1e-12), unit  # of one axis alone
            assert mean == pytest.approx(float(axis.mean), rel=1e-12, abs=1e-12), unit
            assert variance == pytest.approx(float(axis.variance), rel=1e-12, abs=1e-12), unit
    return count


# fmt: off
NETS = [
    # model           sizes                 node
    ("VGG16",         {"H": 96, "W": 96},   "features.16"),
    ("ResNet18",      {"H": 160, "W": 160},   "layer2"),
    ("PreActResNet50", {"H": 128, "W": 128},  "stages.1"),
    ("MobileNetV2",   {"H": 128, "W": 128},   "features.5"),
    ("DenseNet121",   {"H": 96, "W": 96},     "features.denseblock1"),
    ("InceptionV3",   {},                   "Mixed_5c"),
    ("UNetValid",     {"H": 76, "W": 76, "base": 2, "depth": 2}, "head"),
    ("UNet",          {"H": 160, "W": 160, "base": 2, "depth": 3}, "head"),
]
# fmt: on


@pytest.mark.parametrize(("model", "sizes", "path"), NETS, ids=[net[0] for net in NETS])
def test_units_have_the_moments_of_their_gradient_maps(model, sizes, path):
    graph = bundled(model, **sizes)

    assert compare(graph, last(graph, path)) > 0


@settings(max_examples=60)
@given(networks())
def test_random_networks_have_the_moments_of_their_gradient_maps(text):
    graph = written(text)
    uneven = [node for node in graph.layers if node.op.name.startswith("ConvTranspose") and not _is_even(node.op)]
    merges = any(len(node.inputs) > 1 for node in graph.layers)
    if not (uneven and merges):  # else the axes cannot be looked at one by one
        compare(graph, last(graph))


def _is_even(layer: Any) -> bool:
    return all(len({len(taps) for taps in reads.taps}) == 1 for reads in layer.window((), None))


@st.composite
def lines(draw: Any) -> str:
    """Networks of one axis: convolutions, pools and upsamplings, with branches that are cut to one size."""
    kept: list[str] = []
    for number in range(draw(st.integers(1, 5))):
        kind = draw(st.sampled_from("conv pool up linear residual dense product".split()))
        kernel, stride = draw(st.integers(1, 4)), draw(st.integers(1, 3))
        rest = f"{kernel}, dilation={draw(st.integers(1, 2))}"
        kept.append(
            {
                "conv": f"x = x -> c{number}: Conv1d(2, {rest}, stride={stride})",
                "pool": f"x = x -> AvgPool1d({kernel}, stride={stride})",
                "up": f"x = x -> t{number}: ConvTranspose1d(2, {kernel + 1}, stride={stride})",
                "linear": f'x = x -> Upsample(scale_factor={stride}, mode="linear")',
                "residual": f"y = x -> c{number}: Conv1d(2, {rest})\nx = crop(x, like=y) + 0.5 * y",
                "dense": f"y = x -> c{number}: Conv1d(6, {rest})\nx = concat(crop(x, like=y), y) -> d{number}: Conv1d(2, 1)",
                "product": f"y = x -> c{number}: Conv1d(2, {rest}) -> Sigmoid\nx = crop(x, like=y) * y",
            }[kind]
        )
    body = "\n".join(kept)
    return f"model Net {{ input x: [2, {draw(st.integers(150, 200))}]\n {body}\n output z = x -> Identity }}"


@settings(max_examples=100)
@given(lines())
def test_along_one_axis_every_network_has_the_moments_of_its_gradient_map(text):
    graph = written(text)

    compare(graph, last(graph))


# Large networks, and the section.


def test_the_work_is_bounded():
    """A turn of 3 · 4 · 5 · 7 … units, layer after layer."""
    sizes = " -> ".join(
        f"t{n}: ConvTranspose1d(1, {n}, stride={n}) -> c{n}: Conv1d(1, {n - 1})" for n in (64, 81, 49, 25)
    )
    graph = chain(f"{sizes} -> MaxPool1d(1000, stride=1000) -> e: Conv1d(1, 3)", 1, 9)
    start = perf_counter()

    assert spread(graph) is None
    assert perf_counter() - start < 5


def test_a_stride_beyond_all_bounds_is_left_open():
    layers = [f"c{i}: Conv1d(1, 1, stride=1000, padding=1000)" for i in range(8)]

    assert spread(chain(" -> ".join(layers[:6]), 1, 4)).shift == 10**18
    assert spread(chain(" -> ".join(layers), 1, 4)) is None


def test_many_branches_do_not_overflow():
    text = 'for i in range(2000) { x = x + (x -> "c{i}": Conv1d(2, 3, padding=1)) }'
    found = spread(written(f"model Net {{ input x: [2, 40]\n {text}\n output y = x }}")).at(0)

    assert isclose(float(found.mass / 2**1000), 2.0**1000, rel_tol=1e-12)
    assert isclose(float(found.variance), 2000 / 3, rel_tol=1e-12)


def analysed(model: str) -> Any:
    graph = bundled(model)
    return analyze_graph(graph, source="", batch=1, dtype="float32"), effective_fields(graph)


def test_the_section_sets_the_width_beside_the_field():
    lines = render(*analysed("VGG16")).splitlines()

    assert lines[2].split() == ["features", "212", "110.6", "52%"]
    assert not any("avgpool" in line for line in lines)


def test_the_section_marks_what_is_left_out():
    text = render(*analysed("EfficientNetB0"))

    assert "299.6*" in text
    assert "*: what comes through gates" in text
    assert render(*analysed("MnistMLP")) == "  no unit has a place in the plane\n"


@pytest.mark.parametrize("model", ["UNet", "InceptionV3", "MobileNetV2", "MnistCNN", "LeNet5"])
def test_a_section_is_short_and_narrow(model):
    lines = render(*analysed(model)).splitlines()

    assert len(lines) < 30
    assert max(map(len, lines)) <= 120


def test_data_have_the_moments_of_each_layer():
    data = as_dict(*analysed("VGG16"))["layers"]
    (first,) = [layer for layer in data if layer["id"] == "features.0"]

    assert first["inputs"]["image"] == {
        "mean": [0, 0],
        "variance": [pytest.approx(2 / 3)] * 2,
        "phases": [1, 1],
        "sd": [pytest.approx(sqrt(2 / 3))] * 2,
        "partial": False,
    }
    assert data[-1]["inputs"]["image"] == {"mean": [], "variance": [], "phases": [], "sd": [], "partial": True}
