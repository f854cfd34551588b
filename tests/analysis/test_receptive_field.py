"""Receptive fields against published tables and numbers worked by hand.

Each table says where it is from. `start` is minus the effective padding that the tables print.
"""

from __future__ import annotations

from collections import Counter
from fractions import Fraction

import pytest

from archdsl.analysis.fields import unit_field
from archdsl.analysis.receptive_field import Field, receptive_fields
from archdsl.graph import Graph
from oracles.networks import bundled, chain, last, written


def field(graph: Graph, path: str = "", name: str | None = None) -> Field:
    """Return the field of a node for the named input, or for the only one."""
    fields = receptive_fields(graph)[last(graph, path).index]
    if name is None:
        ((_, found),) = fields.items()
        return found
    return fields[name]


def numbers(found: Field) -> tuple[int, int, int]:
    """Return size, stride and effective padding, which are the same on both axes."""
    (size, width), (start, left) = found.size, found.start
    (stride, across) = found.stride

    assert (size, start, stride) == (width, left, across)
    return size, stride, -start


# Chains. Source: MATHS, "Worked chain numbers", and google-research/receptive_field, rows of TF-slim.

ALEXNET_V2 = """conv1: Conv2d(8, 11, stride=4) -> ReLU -> pool1: MaxPool2d(3, stride=2)
 -> conv2: Conv2d(8, 5, padding=2) -> pool2: MaxPool2d(3, stride=2) -> conv3: Conv2d(8, 3, padding=1)
 -> conv4: Conv2d(8, 3, padding=1) -> conv5: Conv2d(8, 3, padding=1) -> pool5: MaxPool2d(3, stride=2)"""
ALEXNET = ALEXNET_V2.replace("stride=4", "stride=4, padding=2")

# fmt: off
CHAINS = [
    # name                        size  stride  padding  pipeline
    ("three 3×3, the last by 2",     7,      2,       0, "Conv2d(1, 3) * 2 -> Conv2d(1, 3, stride=2)"),
    ("and a pool",                   9,      4,       0, "Conv2d(1, 3) * 2 -> Conv2d(1, 3, stride=2) -> MaxPool2d(2)"),
    ("c3 p2 c3 p2 c3",              18,      4,       0, "(Conv2d(1, 3) -> MaxPool2d(2)) * 2 -> Conv2d(1, 3)"),
    ("dilated by 1, 2, 4",          15,      1,       0, "for d in [1, 2, 4] { Conv2d(1, 3, dilation=d) }"),
    ("dilated by 2, padded",         5,      1,       2, "Conv2d(1, 3, dilation=2, padding=2)"),
    ("holes: 1×1 by 2, 3×3",         5,      2,       0, "Conv2d(1, 1, stride=2) -> Conv2d(1, 3)"),
    ("holes: two 1×1 by 2, 3×3",     9,      4,       0, "Conv2d(1, 1, stride=2) * 2 -> Conv2d(1, 3)"),
    ("holes: 2×2 by 3, 3×3",         8,      3,       0, "Conv2d(1, 2, stride=3) -> Conv2d(1, 3)"),
    ("same, even kernel",            4,      1,       1, 'Conv2d(1, 4, padding="same")'),
    ("what moves nothing",           3,      1,       0, "Conv2d(4, 3) -> ReLU -> BatchNorm2d -> Dropout(0.5)"),
]
# fmt: on


@pytest.mark.parametrize(("name", "size", "stride", "padding", "text"), CHAINS)
def test_a_chain_has_the_field_worked_by_hand(name, size, stride, padding, text):
    assert numbers(field(chain(f"net: ({text})", 1, 96, 96))) == (size, stride, padding)


@pytest.mark.parametrize(
    ("n", "size", "stride", "padding"),
    [(1, 16, 2, 5), (2, 34, 4, 11), (3, 70, 8, 23), (4, 142, 16, 47), (5, 286, 32, 95), (6, 574, 64, 191)],
)
def test_patchgan_has_its_published_field(n, size, stride, padding):
    """phillipi/pix2pix, scripts/receptive_field_sizes.m."""
    text = f"""model D {{ input x: [3, 256, 256]
     output y = x -> (for i in range({n}) {{ Conv2d(8, 4, stride=2, padding=1) }})
       -> c: Conv2d(8, 4, padding=1) -> d: Conv2d(1, 4, padding=1) }}"""

    assert numbers(field(written(text))) == (size, stride, padding)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        # junyanz/BicycleGAN #82: a mean in front of n = 3
        (
            "AvgPool2d(3, stride=2, padding=1) -> Conv2d(8, 4, stride=2, padding=1) * 3 -> Conv2d(8, 4, padding=1) * 2",
            141,
        ),
        # simontomaskarlsson/GAN-MRI, pull request 14
        ("Conv2d(8, 4, stride=2, padding=1) * 4 -> Conv2d(1, 4, padding=1)", 94),
    ],
)
def test_variants_of_patchgan_have_their_published_fields(text, size):
    assert field(chain(f"net: ({text})", 3, 256, 256)).size == (size, size)


# fmt: off
ALEXNETS = [
    # network       text        endpoint  size  stride  padding
    ("TF-slim",     ALEXNET_V2, "conv1",    11,      4,      0),
    ("TF-slim",     ALEXNET_V2, "pool1",    19,      8,      0),
    ("TF-slim",     ALEXNET_V2, "conv2",    51,      8,     16),
    ("TF-slim",     ALEXNET_V2, "conv3",    99,     16,     32),
    ("TF-slim",     ALEXNET_V2, "conv4",   131,     16,     48),
    ("TF-slim",     ALEXNET_V2, "conv5",   163,     16,     64),
    ("TF-slim",     ALEXNET_V2, "pool5",   195,     32,     64),
    ("torchvision", ALEXNET,    "conv3",    99,     16,     34),
    ("torchvision", ALEXNET,    "pool5",   195,     32,     66),
]
VGG11 = [
    # endpoint     size  stride  padding
    ("features.0",    3,      1,      1),
    ("features.2",    4,      2,      1),
    ("features.3",    8,      2,      3),
    ("features.5",   10,      4,      3),
    ("features.6",   18,      4,      7),
    ("features.8",   26,      4,     11),
    ("features.10",  30,      8,     11),
    ("features.11",  46,      8,     19),
    ("features.13",  62,      8,     27),
    ("features.15",  70,     16,     27),
    ("features.16", 102,     16,     43),
    ("features.18", 134,     16,     59),
    ("features.20", 150,     32,     59),
]
VGG16 = [
    ("features.0",    3,      1,      1),
    ("features.4",    6,      2,      2),
    ("features.5",   10,      2,      4),
    ("features.9",   16,      4,      6),
    ("features.10",  24,      4,     10),
    ("features.12",  32,      4,     14),
    ("features.16",  44,      8,     18),
    ("features.17",  60,      8,     26),
    ("features.19",  76,      8,     34),
    ("features.23", 100,     16,     42),
    ("features.24", 132,     16,     58),
    ("features.26", 164,     16,     74),
    ("features.30", 212,     32,     90),
]
NETWORKS = [
    # model         endpoint          size  stride  padding
    ("VGG19",       "features",        268,     32,    118),
    ("ResNet18",    "layer1",           43,      4,     21),
    ("ResNet18",    "layer2",           99,      8,     49),
    ("ResNet18",    "layer3",          211,     16,    105),
    ("ResNet18",    "layer4",          435,     32,    217),
    ("ResNet34",    "layer1",           59,      4,     29),
    ("ResNet34",    "layer2",          179,      8,     89),
    ("ResNet34",    "layer3",          547,     16,    273),
    ("ResNet34",    "layer4",          899,     32,    449),
    ("ResNet50",    "layer1",           35,      4,     17),
    ("ResNet50",    "layer2",           91,      8,     45),
    ("ResNet50",    "layer3",          267,     16,    133),
    ("ResNet50",    "layer4",          427,     32,    213),
    ("ResNet101",   "layer3",          811,     16,    405),
    ("ResNet101",   "layer4",          971,     32,    485),
    ("ResNet152",   "layer2",          155,      8,     77),
    ("ResNet152",   "layer3",         1291,     16,    645),
    ("ResNet152",   "layer4",         1451,     32,    725),
    ("ResNet50V1",  "layer1",           35,      4,     17),
    ("ResNet50V1",  "layer4",          483,     32,    241),
    ("DenseNet121", "features",       2071,     32,   1021),
]
# fmt: on


@pytest.mark.parametrize(("network", "text", "endpoint", "size", "stride", "padding"), ALEXNETS)
def test_alexnet_has_its_published_fields(network, text, endpoint, size, stride, padding):
    """google-research/receptive_field, and torchvision's with its first convolution padded."""
    assert numbers(field(chain(text, 3, 224, 224), endpoint)) == (size, stride, padding)


@pytest.mark.parametrize(("model", "rows"), [("VGG11", VGG11), ("VGG16", VGG16)])
def test_vgg_has_the_fields_published_for_tf_slim(model, rows):
    graph = bundled(model)

    assert [(path, *numbers(field(graph, path))) for path, *_ in rows] == rows


@pytest.mark.parametrize(("model", "endpoint", "size", "stride", "padding"), NETWORKS)
def test_a_bundled_network_has_its_published_field(model, endpoint, size, stride, padding):
    """Araujo, Norris & Sim 2019; torchvision's networks with symmetric padding."""
    assert numbers(field(bundled(model), endpoint)) == (size, stride, padding)


SLIM_UNIT = """
block Unit(stride: int) {
    input x: [c, h, w]
    y = x -> a: Conv2d(2, 1) -> b: Conv2d(2, 3, stride=stride, padding=1) -> c: Conv2d(4, 1)
    skip = if stride != 1 { x -> MaxPool2d(1, stride=stride) } else if c != 4 { x -> d: Conv2d(4, 1) } else { x }
    output y + skip
}
model Net(depths: list[int]) {
    input x: [3, 256, 256]
    output y = x -> conv1: Conv2d(4, 7, stride=2, padding=3) -> MaxPool2d(3, stride=2, padding=1)
        -> for (i, n) in enumerate(depths) {
            "block{i+1}": (Unit(1) * (n - 1) -> if i < 3 { Unit(2) } else { Unit(1) })
        }
}
"""


@pytest.mark.parametrize(
    ("depths", "sizes"),
    [
        ((3, 4, 6, 3), (35, 99, 291, 483)),
        ((3, 4, 23, 3), (35, 99, 835, 1027)),
        ((3, 8, 36, 3), (35, 163, 1315, 1507)),
    ],
)
def test_resnets_of_tf_slim_have_their_published_fields(depths, sizes):
    """The stride stands in the last unit of a block there, so the strides are 8, 16, 32, 32."""
    graph = written(SLIM_UNIT, depths=list(depths))
    found = [field(graph, f"block{i}") for i in (1, 2, 3, 4)]

    assert [f.size[0] for f in found] == list(sizes)
    assert [f.stride for f in found] == [(8, 8), (16, 16), (32, 32), (32, 32)]


def test_mobilenet_v2_has_its_published_field():
    text = """
    block Inverted(t: int, out: int, stride: int) {
        input x: [c, h, w]
        y = x -> a: Conv2d(t * c, 1) -> b: Conv2d(t * c, 3, stride=stride, padding=1, groups=t * c) -> d: Conv2d(out, 1)
        output if stride == 1 and c == out { x + y } else { y }
    }
    model Net {
        let stages = [
            (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]
        input x: [3, 224, 224]
        output y = x -> features: (Conv2d(32, 3, stride=2, padding=1)
            -> for (t, c, n, s) in stages { Inverted(t, c, s) -> Inverted(t, c, 1) * (n - 1) } -> Conv2d(1280, 1))
    }"""

    assert numbers(field(written(text))) == (491, 32, 245)


def test_one_unit_covers_what_is_published_for_it():
    """The docstring of Fangyh09/pytorch-receptive-field: unit 6 of AlexNet's third convolution sees [62, 161)."""
    found = field(chain(ALEXNET, 3, 224, 224), "conv3")

    assert unit_field(found.tracks[0], 6) == (62, 160)


# Axes are independent.


def test_axes_have_fields_of_their_own():
    """google-research/receptive_field, non-square unit test; the cheapest test for rows taken for columns."""
    found = field(chain("a: Conv2d(1, (3, 5), stride=2) -> b: Conv2d(1, (3, 1), stride=2)", 1, 64, 64))

    assert found.size == (7, 5)
    assert found.stride == (4, 4)
    assert found.start == (0, 0)


def test_wavenet_sees_1024_samples():
    dilated = " -> ".join(f"c{i}: Conv2d(1, (1, 2), dilation=(1, {2**i}))" for i in range(10))

    assert field(chain(dilated, 1, 1, 2000)).size == (1, 1024)
    assert field(chain(f"first: Conv2d(1, (1, 2)) -> {dilated}", 1, 1, 2000)).size == (1, 1025)


# Phases: transposed convolutions. Source: MATHS, "Phases".


# fmt: off
PHASES = [
    # kernel  stride  dilation  positions read by the phases, in some rotation
    (      2,      2,        1, [1, 1]),
    (      4,      2,        1, [2, 2]),
    (      6,      2,        1, [3, 3]),
    (     16,      8,        1, [2] * 8),
    (      3,      2,        1, [2, 1]),
    (      5,      2,        1, [3, 2]),
    (      7,      2,        1, [4, 3]),
    (      4,      3,        1, [2, 1, 1]),
    (      5,      3,        1, [2, 2, 1]),
    (      2,      3,        1, [1, 1, 0]),
    (      3,      2,        2, [3, 0]),
]
# fmt: on


@pytest.mark.parametrize(("kernel", "stride", "dilation", "sizes"), PHASES)
def test_the_phases_of_a_transposed_convolution_read_so_many_positions(kernel, stride, dilation, sizes):
    found = field(chain(f"up: ConvTranspose2d(1, {kernel}, stride={stride}, dilation={dilation})", 1, 9, 9))
    rows, columns = found.phases

    assert [high - low + 1 if seen else 0 for seen in rows for low, high in [seen or (0, 0)]] == sizes
    assert rows == columns
    assert found.stride == (Fraction(1, stride),) * 2
    assert found.size == (max(sizes),) * 2


@pytest.mark.parametrize(
    ("up", "two", "three", "after_two", "after_three"),
    [
        ("ConvTranspose2d(1, 2, stride=2)", (1, 1), (1, 1), (0, 1), (1, 2)),
        ("ConvTranspose2d(1, 3, stride=2, padding=1, output_padding=1)", (1, 1), (1, 2), (0, 2), (1, 2)),
        ("ConvTranspose2d(1, 4, stride=2, padding=1)", (0, 1), (1, 2), (0, 2), (0, 2)),
    ],
)
def test_enlarged_units_see_what_was_worked_out(up, two, three, after_two, after_three):
    """Units 2 and 3 of the enlarged map, and after a 3×3 convolution on it."""
    graph = chain(f"up: {up} -> conv: Conv2d(1, 3, padding=1)", 1, 8, 8)
    enlarged, after = field(graph, "up"), field(graph, "conv")

    assert [unit_field(enlarged.tracks[0], unit) for unit in (2, 3)] == [two, three]
    assert [unit_field(after.tracks[0], unit) for unit in (2, 3)] == [after_two, after_three]


def test_what_no_unit_sees_has_no_start():
    """Every second unit of a map enlarged by 2 with a 1×1 kernel is the bias alone."""
    graph = chain("up: ConvTranspose2d(1, 1, stride=2, padding=1, output_padding=1) -> Conv2d(1, 1, stride=2)", 1, 8, 8)
    found = field(graph)

    assert found.size == (0, 0)
    assert found.start == (None, None)


UNET_LEVELS = {"down.0": 5, "down.1": 14, "down.2": 32, "down.3": 68, "bottom": 140, "merge.3": 172, "merge.2": 188}


def sizes_by_phase(found: Field) -> dict[int, int]:
    (rows, columns) = found.phases
    assert rows == columns
    return dict(Counter(high - low + 1 for low, high in rows))


@pytest.mark.parametrize("model", ["UNet", "UNetValid"])
def test_a_unet_has_its_exact_fields(model):
    """188 for 4 of 16 phases and 204 for 12; the formula for chains says 200."""
    graph = bundled(model, H=572 if model == "UNetValid" else 256, W=572 if model == "UNetValid" else 256)

    assert {path: field(graph, path).size[0] for path in UNET_LEVELS} == UNET_LEVELS
    assert sizes_by_phase(field(graph, "merge.1")) == {188: 4, 204: 4}
    assert sizes_by_phase(field(graph, "merge.0")) == {188: 4, 204: 12}
    assert field(graph).size == (204, 204)
    assert field(graph).stride == (1, 1)


def test_a_unet_of_depth_3_has_its_published_field():
    """Loos, Pardasani & Awasthi 2024: 100 at most; the least is 92."""
    assert set(sizes_by_phase(field(bundled("UNet", depth=3)))) == {92, 100}


# Branches: the union. Source: google-research/receptive_field, unit tests.

ALIGNED = """
model Net {
    input x: [1, 33, 33]
    a = x -> a: Conv2d(1, 1, stride=4)
    b = x -> b: Conv2d(1, 3, stride=2, padding=1) -> c: Conv2d(1, 1, stride=2)
    y = a + b
    output z = (y -> d: Conv2d(1, 1, stride=2)) + (y -> e: Conv2d(1, 3, stride=2, padding=1))
}
"""


def test_aligned_branches_have_the_field_of_the_wider_one():
    graph = written(ALIGNED)

    assert numbers(field(graph, "add")) == (3, 4, 1)
    assert numbers(field(graph, "add_2")) == (11, 8, 5)


MISALIGNED = """
model Net {
    input x: [1, 12, 12]
    a = x -> a: Conv2d(1, 5, stride=2, padding=2)
    b = x -> b: Conv2d(1, 3) -> c: Conv2d(1, 3)
    output y = a + crop(b, right=2, bottom=2)
}
"""


def test_branches_of_different_strides_keep_the_field_of_every_unit():
    """Google's tool raises an error here; Distill's figure 4 shows the units."""
    found = field(written(MISALIGNED))
    units = [unit_field(found.tracks[0], unit) for unit in range(6)]

    assert [low for low, _ in units] == [-2, 0, 2, 3, 4, 5]
    assert [high - low + 1 for low, high in units] == [7, 6, 5, 6, 7, 8]
    assert found.size == (8, 8)
    assert found.start == (-2, -2)
    assert found.stride == (None, None)
    assert not found.is_equivariant


def test_a_crop_leaves_out_the_units_with_the_largest_fields():
    found = field(
        written(MISALIGNED.replace("output y = a", "y = a").replace("}", "output z = crop(y, right=2, bottom=1) }"))
    )

    assert found.units == (5, 4)
    assert found.size == (7, 7)


def test_the_field_of_two_shapes_is_their_hull():
    """A 1×7 and a 7×1 convolution see 13 pixels in a square of 7."""
    text = """model Net { input x: [1, 20, 20]
      output y = concat(x -> a: Conv2d(1, (1, 7), padding=(0, 3)), x -> b: Conv2d(1, (7, 1), padding=(3, 0))) }"""

    assert numbers(field(written(text))) == (7, 1, 3)


# What is global, and what is not.


def test_a_pool_over_everything_makes_the_field_the_image():
    graph = bundled("ResNet18")
    found = field(graph, "fc")

    assert found.size == (224, 224)
    assert found.stride is None
    assert found.start == (0, 0)
    assert found.global_ == "avgpool"


def test_a_flattened_map_keeps_the_fields_of_its_units_until_a_linear_layer():
    graph = chain("c: Conv2d(4, 3) -> Flatten -> Dropout(0.5) -> fc1: Linear(5) -> ReLU -> fc2: Linear(3)", 3, 9, 9)

    assert field(graph, "flatten").size == field(graph, "dropout").size == (3, 3)
    assert field(graph, "flatten").global_ is None
    assert [field(graph, path).global_ for path in ("fc1", "relu", "fc2")] == ["fc1"] * 3
    assert field(graph, "fc2").size == (9, 9)


def test_a_linear_layer_on_one_position_passes_its_field_on():
    graph = chain("c: Conv2d(4, 7, stride=2) -> Flatten -> fc: Linear(5)", 3, 8, 8)
    found = field(graph)

    assert last(graph, "c").output.shape == (4, 1, 1)
    assert numbers(found) == (7, 2, 0)
    assert found.global_ is None


GATED = """
model Net {
    input x: [4, 16, 16]
    y = x -> c: Conv2d(4, 3, padding=1)
    gate = y -> GATE
    output z = y * gate
}
"""


def test_a_gate_from_the_whole_map_makes_the_field_the_image():
    graph = written(GATED.replace("GATE", "AdaptiveAvgPool2d(1) -> squeeze: Conv2d(4, 1) -> Sigmoid"))

    assert field(graph, "c").global_ is None
    assert field(graph, "multiply").global_ == "avgpool"


def test_a_gate_of_one_position_is_seen_by_every_unit_as_it_is():
    """The gate sees 10 rows from -1 on; the unit in row 15 sees those as well as its own, down to row 16."""
    graph = written(GATED.replace("GATE", "g: Conv2d(4, 8, stride=9)"))
    found = field(graph, "multiply")

    assert last(graph, "g").output.shape == (4, 1, 1)
    assert found.size == (18, 18)
    assert unit_field(found.tracks[0], 15) == (-1, 16)
    assert found.stride == (None, None)
    assert found.global_ is None


def test_an_adaptive_pool_has_windows_of_its_own_sizes():
    found = field(chain("AdaptiveAvgPool2d((2, none))", 1, 5, 5))

    assert found.size == (3, 1)
    assert found.phases == (((0, 2), (2, 4)), ((0, 0),))
    assert found.stride == (Fraction(5, 2), 1)


def test_batch_statistics_of_the_moment_see_the_whole_map():
    assert field(chain("n: BatchNorm2d(track_running_stats=false)", 3, 8, 8)).global_ == "n"


def test_vectors_of_different_maps_have_no_field_in_common():
    text = """model Net { input x: [2, 8, 8]
      a = x -> AdaptiveAvgPool2d(4) -> Flatten
      b = x -> AdaptiveAvgPool2d(2) -> Flatten
      v = concat(a, b)
      output y = v -> fc: Linear(3) }"""
    graph = written(text)

    assert field(graph, "concat").size == (None, None)
    assert field(graph, "fc").global_ == "fc"
    assert field(graph, "fc").size == (8, 8)


# Several inputs, open sizes.

TWO = """
model Net {
    input left: [1, H = 32, W = 32]
    input right: [1, H, W]
    a = left -> a: Conv2d(2, 5, padding=2)
    b = right -> b: Conv2d(2, 3, padding=1)
    y = a + b
    output z = y -> c: Conv2d(2, 3, stride=2, padding=1)
}
"""


def test_inputs_have_fields_of_their_own():
    graph = written(TWO)
    fields = receptive_fields(graph)

    assert fields[last(graph, "a").index].keys() == {"left"}
    assert fields[last(graph, "c").index].keys() == {"left", "right"}
    assert numbers(field(graph, "c", "left")) == (7, 2, 3)
    assert numbers(field(graph, "c", "right")) == (5, 2, 2)


def test_open_sizes_leave_open_only_what_depends_on_them():
    text = """model Net { input x: [1, H, W]
      y = x -> a: Conv2d(4, 3, stride=2, padding=1)
      z = y -> AdaptiveAvgPool2d(4)
      output w = y -> AdaptiveAvgPool2d(1) -> Flatten -> fc: Linear(3)
      output v = z }"""
    graph = written(text)

    assert numbers(field(graph, "a")) == (3, 2, 1)
    fields = receptive_fields(graph)
    four = next(n for n in graph.nodes if n.output.shape == (4, 4, 4))
    assert fields[four.index]["x"].size == (None, None)
    assert field(graph, "fc").size == (None, None)
    assert field(graph, "fc").global_ is not None


# Bounds.


def test_tables_that_grow_without_end_are_left_open():
    """Eight enlargements by 7 and 8 in turn have 3 million phases; the answer is that there are too many."""
    ups = " -> ".join(f"u{i}: ConvTranspose2d(1, 3, stride={7 + i % 2})" for i in range(8))
    graph = chain(f"{ups} -> c: Conv2d(1, 3)", 1, 1, 1)

    assert field(graph, "u2").size == (1, 1)
    assert field(graph, "c").size == (None, None)


def test_strides_that_grow_without_end_are_left_open():
    strides = " -> ".join(f"c{i}: Conv2d(1, 1, stride=1_000_000_000)" for i in range(4))
    graph = chain(strides, 1, 1, 1)

    assert field(graph, "c1").stride == (10**18, 10**18)
    assert field(graph, "c3").stride == (None, None)
