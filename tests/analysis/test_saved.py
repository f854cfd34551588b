"""What autograd keeps: worked by hand, and to the byte against PyTorch's hooks on the code that is generated."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings

from archdsl.analysis.saved import overwriting, saved_tensors
from archdsl.graph import Graph
from archdsl.pipeline import Network, load, loads
from oracles.drafts import networks
from oracles.live_storages import built, feeds, saved_bytes, working_in_place
from oracles.networks import SPECS, chain


def kept(graph: Graph, batch: int = 1, **how: str) -> int:
    return sum(one.bytes for one in saved_tensors(graph, batch=batch, **how))


def piped(text: str, *shape: int) -> Network:
    return loads(f"model Net {{\n input x: [{', '.join(map(str, shape))}]\n output y = x -> {text}\n}}")


# By hand: numbers of elements, 4 bytes each, of a 3×10×10 image; `a` makes 800 of it.

# fmt: off
BY_HAND = [
    # name                                    pipeline                                            elements
    ("nothing is learned",                    "MaxPool2d(2) -> ReLU",                             0),
    ("a convolution keeps its input",         "a: Conv2d(8, 1)",                                  300),
    ("ReLU keeps its output",                 "a: Conv2d(8, 1) -> ReLU",                          300 + 800),
    ("the next layer reads the same one",     "a: Conv2d(8, 1) -> ReLU -> b: Conv2d(8, 1)",       300 + 800),
    ("a norm keeps its input and 2 a channel", "a: Conv2d(8, 1) -> BatchNorm2d",                  300 + 800 + 2 * 8),
    ("ReLU overwrites what a norm gave",      "a: Conv2d(8, 1) -> BatchNorm2d -> ReLU -> b: Conv2d(8, 1)", 300 + 800 + 2 * 8 + 800),
    ("SiLU keeps what it overwrote",          "a: Conv2d(8, 1) -> SiLU -> b: Conv2d(8, 1)",       300 + 800 + 800),
    ("GELU keeps its input",                  "a: Conv2d(8, 1) -> GELU -> b: Conv2d(8, 1)",       300 + 800 + 800),
    ("places of maxima have 8 bytes",         "a: Conv2d(8, 1) -> MaxPool2d(2)",                  300 + 800 + 2 * 200),
    ("a mean of all keeps nothing",           "a: Conv2d(8, 1) -> AdaptiveAvgPool2d(1)",          300),
    ("a mean keeps its input",                "a: Conv2d(8, 1) -> AvgPool2d(2)",                  300 + 800),
    ("dropout keeps its factors",             "a: Conv2d(8, 1) -> Dropout",                       300 + 800),
    ("of channels there are 8",               "a: Conv2d(8, 1) -> Dropout2d",                     300 + 8),
    ("flattening shares",                     "a: Conv2d(8, 1) -> Flatten -> Linear(2)",          300 + 800),
    ("interpolation keeps nothing",           "a: Conv2d(8, 1) -> Upsample(scale_factor=2)",      300),
    ("a mirrored padding is a copy",          'Conv2d(8, 3, padding=1, padding_mode="reflect")',  3 * 12 * 12),
    ("so is an uneven one",                   'Conv2d(8, 4, padding="same")',                     3 * 11 * 11),
]
# fmt: on


@pytest.mark.parametrize(("text", "elements"), [c[1:] for c in BY_HAND], ids=[c[0] for c in BY_HAND])
def test_what_is_kept_of_a_chain(text, elements):
    assert kept(chain(text, 3, 10, 10)) == 4 * elements


def test_a_gradient_of_a_product_needs_what_was_not_differentiated():
    """The gate is learned and the map is fed in: the gradient of the gate needs the map, and nothing the gate."""
    text = """model Net { input x: [3, 10, 10]
      g = x -> AdaptiveAvgPool2d(1) -> a: Conv2d(3, 1)
      output x * g }"""

    assert kept(loads(text).graph) == 4 * (3 + 300)


def test_each_storage_says_who_made_it_and_who_reads_it():
    graph = chain("a: Conv2d(8, 1) -> b: BatchNorm2d -> r: ReLU -> c: Conv2d(8, 1)", 3, 10, 10)
    found = saved_tensors(graph)
    named = [(graph.nodes[t.node].path, t.what, [graph.nodes[i].path for i in t.readers]) for t in found]

    assert named == [
        ("x", "input", ["a"]),
        ("a", "output", ["b"]),
        ("b", "output", ["r", "c"]),
        ("b", "statistics", ["b"]),
    ]


# Against PyTorch.

# fmt: off
LAYERS = [
    "Conv2d(8, 3, groups=2)", 'Conv2d(8, 4, padding="same")', 'Conv2d(8, 3, padding="same")', "Conv2d(8, 3, bias=false)",
    'Conv2d(8, 3, padding=1, padding_mode="reflect")', 'Conv2d(8, 3, padding=1, padding_mode="replicate")',
    'Conv2d(8, 3, padding=1, padding_mode="circular")', 'Conv2d(8, 4, padding="same", padding_mode="reflect")',
    "ConvTranspose2d(8, 3, stride=2)", "MaxPool2d(3, stride=2)", "AvgPool2d(2)", "AdaptiveAvgPool2d(1)",
    "AdaptiveAvgPool2d(3)", "AdaptiveAvgPool2d((1, none))", "AdaptiveMaxPool2d(3)", "AdaptiveMaxPool2d(1)",
    "BatchNorm2d", "BatchNorm2d(affine=false)", "BatchNorm2d(track_running_stats=false)", "InstanceNorm2d",
    "InstanceNorm2d(affine=true)", "InstanceNorm2d(track_running_stats=true)", "GroupNorm(2)", "GroupNorm(2, affine=false)",
    "InstanceNorm2d(affine=true, track_running_stats=true)", "LayerNorm", "LayerNorm(dims=1)", "LayerNorm2d",
    "RMSNorm", "RMSNorm(dims=1)", "RMSNorm(elementwise_affine=false)", "LocalResponseNorm(3)", "LocalResponseNorm(1)",
    "LocalResponseNorm(4, beta=1.0)", "ReLU", "ReLU6", "LeakyReLU", "LeakyReLU(0.2)", "PReLU", "PReLU(6)", "ELU", "SELU",
    "GELU", 'GELU(approximate="tanh")', "SiLU", "Mish", "Sigmoid", "Tanh", "Hardswish", "Hardsigmoid", "Softplus",
    "Softmax", "LogSoftmax(2)", "Dropout", "Dropout(0)", "Dropout(1)", "Dropout2d(0.2)", "StochasticDepth(0.2)",
    'StochasticDepth(0.2, "batch")', "StochasticDepth(0)", "StochasticDepth(1)", "Upsample(scale_factor=2)",
    'Upsample(scale_factor=2, mode="bilinear")', 'Upsample(size=4, mode="area")', 'Upsample(size=1, mode="area")',
    "PixelShuffle(1)", "PixelUnshuffle(2)", "ZeroPad2d(1)", "ReflectionPad2d(1)", "ReplicationPad2d(1)",
    "PadChannels(1, 2)", "ChannelShuffle(2)", "Identity", "Flatten -> Linear(3)", "Unflatten(1, (2, 3))",
    "LayerNorm2d -> GroupNorm(2)", "LayerNorm2d -> InstanceNorm2d", "LayerNorm2d -> BatchNorm2d",
]
# fmt: on
INPLACE = "ReLU ReLU6 LeakyReLU ELU SELU SiLU Mish Hardswish Hardsigmoid Dropout Dropout2d".split()


def assert_equal(network: Network, batches: tuple[int, ...] = (1, 2)) -> None:
    """Compare with PyTorch, given which modules of the generated code work in place."""
    model, graph = built(network), network.graph
    written = working_in_place(model, graph) | {i for i in overwriting(graph) if graph.nodes[i].op.name == "add"}
    for batch in batches:
        ours = sum(one.bytes for one in saved_tensors(graph, batch=batch, in_place=written))
        assert ours == saved_bytes(model, *feeds(network, batch)), f"batch {batch}"


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@pytest.mark.parametrize("layer", LAYERS)
def test_a_layer_keeps_what_pytorch_keeps(layer):
    """Between two convolutions, and where nothing before it is learned."""
    assert_equal(piped(f"a: Conv2d(6, 3) -> {layer} -> Flatten -> Linear(2)", 3, 10, 10))
    assert_equal(piped(f"{layer} -> Flatten -> Linear(2)", 6, 8, 8))


@pytest.mark.parametrize("layer", INPLACE)
@pytest.mark.parametrize("inplace", ["true", "false"])
def test_a_layer_that_says_whether_it_works_in_place(layer, inplace):
    assert_equal(piped(f"a: Conv2d(6, 3) -> {layer}(inplace={inplace}) -> b: Conv2d(2, 1)", 3, 10, 10))


# fmt: off
OTHER_AXES = [
    ("BatchNorm1d -> MaxPool1d(2) -> Conv1d(4, 3)", (6, 20)), ("AvgPool1d(2) -> LocalResponseNorm(3)", (6, 20)),
    ("AdaptiveAvgPool1d(1) -> Flatten -> BatchNorm1d -> Dropout -> Linear(3)", (6, 20)), ("AdaptiveMaxPool1d(3)", (6, 20)),
    ('Upsample(scale_factor=2, mode="linear") -> ReflectionPad1d(1)', (6, 20)), ("Dropout1d -> InstanceNorm1d", (6, 20)),
    ("BatchNorm3d -> MaxPool3d(2) -> Conv3d(4, 3)", (6, 8, 9, 10)), ("AvgPool3d(2) -> LocalResponseNorm(3)", (6, 8, 9, 10)),
    ("AdaptiveAvgPool3d(1)", (6, 8, 9, 10)), ("Dropout3d -> InstanceNorm3d -> ReplicationPad3d(1)", (6, 8, 9, 10)),
]
# fmt: on


@pytest.mark.parametrize(("text", "shape"), OTHER_AXES)
def test_layers_on_other_axes_keep_what_pytorch_keeps(text, shape):
    assert_equal(piped(f"PReLU -> {text}", *shape), (2, 3))


@pytest.mark.parametrize(
    "layer", ["ConvTranspose3d(2, 1)", "ConvTranspose3d(2, 3, padding=2)", "ConvTranspose3d(2, 3, padding=3)"]
)
def test_what_a_transposed_convolution_over_three_axes_gives_is_counted_by_its_size(layer):
    """PyTorch's own kernel, which it takes for one small sample, leaves it in a storage as large as the input."""
    assert_equal(piped(f"{layer} -> Tanh", 6, 7, 7, 7))


# fmt: off
GRAPHS = [
    ("a part is kept whole",              "a, b = split(y, 2)\n output a -> c: Conv2d(2, 1)"),
    ("a part is copied to lie together",  "a, b = split(y, 2)\n output b -> c: GroupNorm(1)"),
    ("a crop is copied for its channels", "a = crop(y, left=1)\n output a -> c: InstanceNorm2d"),
    ("a product of one with itself",      "output y * y"),
    ("a gate",                            "output y * (y -> AdaptiveAvgPool2d(1) -> c: Conv2d(6, 1) -> Sigmoid)"),
    ("a number times a map",              "output 0.5 * y -> c: Conv2d(2, 1)"),
    ("a sum, rectified",                  "z = y -> c: Conv2d(6, 1) -> BatchNorm2d\n w = z + y\n output w -> ReLU -> d: Conv2d(2, 1)"),
    ("a concatenation",                   "output concat(y, x) -> c: Conv2d(2, 1) -> ReLU"),
    ("a module called twice",             "share s = Conv2d(6, 1)\n output y -> s -> s"),
    ("what no output depends on",         "z = y -> c: Conv2d(6, 1) -> Tanh\n output y -> Tanh"),
    ("an output of training",             "output y -> ReLU\n output z = y -> c: Conv2d(2, 1) -> Tanh when training"),
    ("an output is overwritten by nobody", "output z = y -> c: Conv2d(2, 1)\n output z -> ReLU6"),
]
# fmt: on


@pytest.mark.parametrize("text", [text for _, text in GRAPHS], ids=[name for name, _ in GRAPHS])
def test_a_graph_keeps_what_pytorch_keeps(text):
    assert_equal(loads(f"model Net {{\n input x: [3, 8, 8]\n y = x -> a: Conv2d(6, 1)\n {text}\n}}"))


# fmt: off
BUNDLED = [
    ("alexnet", "AlexNet", {}), ("cifar_resnet", "ResNet20", {}), ("cifar_resnet", "ResNet20B", {}), ("cifar_resnet", "Plain20", {}),
    ("densenet", "DenseNet121", {"H": 64, "W": 64}), ("densenet_bc", "DenseNet_40_12", {}), ("densenet_bc", "DenseNetBC_40_12", {}),
    ("efficientnet", "EfficientNetB0", {"H": 64, "W": 64}), ("googlenet", "GoogLeNet", {"H": 64, "W": 64}),
    ("googlenet", "GoogLeNetPaper", {"H": 64, "W": 64}), ("inception_v3", "InceptionV3", {}), ("lenet", "LeNet5", {}),
    ("lite", "VGGSmall", {}), ("lite", "InceptionLite", {}), ("lite", "EfficientNetLite", {}), ("lite", "DigitsNet", {}), ("lite", "UNetLite", {}),
    ("mnist", "MnistMLP", {}), ("mnist", "MnistCNN", {}), ("mobilenet_v2", "MobileNetV2", {"H": 64, "W": 64}),
    ("resnet", "ResNet18", {"H": 64, "W": 64}), ("resnet", "ResNet50", {"H": 64, "W": 64}), ("resnet", "ResNet50V1", {"H": 64, "W": 64}),
    ("resnet_d", "ResNet50D", {"H": 64, "W": 64}), ("resnet_v2", "PreActResNet50", {"H": 64, "W": 64}),
    ("resnext", "ResNeXt50_32x4d", {"H": 64, "W": 64}), ("unet", "UNet", {"H": 64, "W": 64, "base": 8}),
    ("unet", "UNetValid", {"H": 188, "W": 188, "base": 2}), ("vgg", "VGG11", {"H": 32, "W": 32}), ("vgg", "VGG11_BN", {"H": 32, "W": 32}),
    ("vgg", "VGG11_GAP", {"H": 32, "W": 32}),
]
# fmt: on


@pytest.mark.parametrize(("file", "name", "given"), BUNDLED, ids=[name for _, name, _ in BUNDLED])
def test_a_bundled_network_keeps_what_pytorch_keeps(file, name, given):
    network = load(SPECS / f"{file}.arch", name, **given)
    model, graph = built(network), network.graph
    batches = (2,) if name == "InceptionV3" else (1, 2)  # a norm refuses one sample of one position

    for batch in batches:
        assert kept(graph, batch) == saved_bytes(model, *feeds(network, batch))
    said = {i for i in overwriting(graph) if graph.nodes[i].is_module}
    assert said == working_in_place(model, graph)


@settings(max_examples=15)
@given(networks())
def test_random_networks_keep_what_pytorch_keeps(text):
    assert_equal(loads(text), (1, 2, 3))


# fmt: off
CAST = [
    ("resnet", "ResNet18", {"H": 64, "W": 64}), ("mobilenet_v2", "MobileNetV2", {"H": 64, "W": 64}),
    ("densenet", "DenseNet121", {"H": 64, "W": 64}), ("efficientnet", "EfficientNetB0", {"H": 64, "W": 64}),
    ("googlenet", "GoogLeNet", {"H": 64, "W": 64}), ("unet", "UNet", {"H": 64, "W": 64, "base": 8}),
]
# fmt: on


@pytest.mark.parametrize(
    ("file", "name", "given", "amp"),
    [*[(*one, "bf16") for one in CAST], (*CAST[0], "fp16")],
    ids=[*[name for _, name, _ in CAST], "ResNet18 in fp16"],
)
def test_autocast_keeps_low_copies(file, name, given, amp):
    """On a CPU, whose lists of ops agree with a GPU's for what these are made of."""
    import torch

    network = load(SPECS / f"{file}.arch", name, **given)
    low = {"bf16": torch.bfloat16, "fp16": torch.float16}[amp]
    measured = saved_bytes(built(network), *feeds(network, 2), context=lambda: torch.autocast("cpu", dtype=low))

    assert kept(network.graph, 2, amp=amp) == measured


LOW = [
    "Conv2d(6, 3) -> BatchNorm2d -> ReLU -> MaxPool2d(2)",
    "Conv2d(6, 3) -> RMSNorm -> Dropout",
    "Conv2d(6, 3) -> LayerNorm",
]


@pytest.mark.parametrize("text", LOW)
def test_a_network_in_bfloat16_keeps_half(text):
    import torch

    network = piped(text, 3, 10, 10)
    measured = saved_bytes(built(network).to(torch.bfloat16), *[x.bfloat16() for x in feeds(network, 2)])

    assert kept(network.graph, 2, dtype="bfloat16") == measured


def test_only_activations_grow_with_the_batch():
    graph = load(SPECS / "resnet.arch", "ResNet18").graph
    one, two, ten = (kept(graph, batch) for batch in (1, 2, 10))
    statistics = 4 * 2 * sum(n.output.channels for n in graph.nodes if n.op.name == "BatchNorm2d")

    assert ten - one == 9 * (two - one)
    assert one - (two - one) == statistics


def test_every_layer_of_the_language_is_told_of_beside_pytorch():
    from archdsl.ops import OPS

    written = Counter(" ".join([*LAYERS, *INPLACE, *(t for t, _ in OTHER_AXES), *(t for _, t in GRAPHS)]).split())
    words = " ".join(written)
    functions = {"add", "multiply", "scale", "concat", "crop", "chunk"}
    families = {name.rstrip("123d") for name in OPS} - {name.rstrip("123d") for name in functions}

    assert {family for family in families if family not in words} == set()


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"batch": 0}, "from 1 up"),
        ({"dtype": "int8"}, "int8"),
        ({"amp": "int8"}, "bf16 or fp16"),
        ({"amp": "bf16", "dtype": "float16"}, "float32"),
    ],
)
def test_what_cannot_be_is_refused(how, said):
    with pytest.raises(ValueError, match=said):
        saved_tensors(chain("a: Conv2d(8, 1)", 3, 10, 10), **how)


def test_an_open_size_is_refused():
    network = loads("model Net { input x: [3, H, W]\n output x -> a: Conv2d(2, 1) }")

    with pytest.raises(ValueError, match="leaves one open"):
        saved_tensors(network.graph)
