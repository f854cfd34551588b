"""Activation memory: worked by hand, and to the byte against PyTorch's graph interpreter."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from archdsl.analysis.memory import DTYPES, activation_bytes, peak_activations
from archdsl.graph import Graph
from oracles.drafts import networks
from oracles.held_tensors import peak_bytes
from oracles.networks import bundled, chain, last, written
from oracles.twin import real


def peak(graph: Graph, batch: int = 1) -> int:
    return peak_activations(graph, batch, "float32").bytes


# By hand: numbers of elements, 4 bytes each.

# fmt: off
CHAINS = [
    # name                       pipeline                                          elements       at
    ("input and output",          "c: Conv2d(8, 3)",                                300 + 8 * 64,  "c"),
    ("the input is freed",        "a: Conv2d(8, 1) -> b: Conv2d(8, 1)",             2 * 800,       "b"),
    ("the first of equal peaks",  "a: Conv2d(8, 1) -> ReLU -> Tanh -> Sigmoid",     2 * 800,       "relu"),
    ("not in place",              "ReLU(inplace=true)",                             2 * 300,       "relu"),
    ("dropout does nothing",      "a: Conv2d(8, 1) -> Dropout(0.5) -> Identity",    300 + 800,     "a"),
    ("flattening is free",        "Tanh -> Flatten -> fc: Linear(10)",              2 * 300,       "tanh"),
    ("LRN squares the input",     "LocalResponseNorm(5)",                           600 + 700,     "localresponsenorm"),
]
# fmt: on


@pytest.mark.parametrize(("text", "elements", "at"), [c[1:] for c in CHAINS], ids=[c[0] for c in CHAINS])
def test_a_chain_holds_inputs_and_output(text, elements, at):
    graph = chain(text, 3, 10, 10)
    found = peak_activations(graph, 1, "float32")

    assert found.bytes == 4 * elements
    assert graph.nodes[found.node].path == at


SKIP = """
model Net {
    input x: [1, 10, 10]
    a = x -> a: Conv2d(2, 1)
    b = a -> b: Conv2d(3, 1) -> c: Conv2d(2, 1)
    y = a + b
    output z = y -> d: Conv2d(1, 1)
    output w = x -> e: Conv2d(7, 1) when training
}
"""


def test_a_skip_is_alive_until_it_is_added():
    """At `c`: a, b and c are 200, 300 and 200; the input was freed after `a`."""
    graph = written(SKIP)
    found = peak_activations(graph, 1, "float32")

    assert found.bytes == 4 * 700
    assert [graph.nodes[i].path for i in (found.node, *found.alive)] == ["c", "a", "b", "c"]


def test_an_output_is_alive_to_the_end():
    text = """model Net { input x: [1, 10, 10]
      output y = x -> a: Conv2d(9, 1)
      output z = x -> b: Conv2d(1, 1) -> c: Conv2d(1, 1) }"""
    graph = written(text)
    found = peak_activations(graph, 1, "float32")

    assert found.bytes == 4 * (900 + 100 + 100)
    assert [graph.nodes[i].path for i in found.alive] == ["x", "a", "b"]


def test_what_only_training_returns_is_freed_like_the_rest():
    text = """model Net { input x: [1, 10, 10]
      a = x -> a: Conv2d(9, 1)
      output z = a -> b: Conv2d(1, 1) -> c: Conv2d(9, 1)
      output aux = a -> Identity when training }"""

    assert peak(written(text)) == 4 * 1000
    assert peak(written(text.replace(" when training", ""))) == 4 * 1900


def test_what_nobody_reads_is_freed_at_once():
    text = """model Net { input x: [1, 10, 10]
      unused = x -> a: Conv2d(9, 1)
      output z = x -> b: Conv2d(8, 1) }"""

    assert peak(written(text)) == 4 * (100 + 900)


def test_a_crop_keeps_all_of_what_it_was_cut_from():
    """Until the crop has been read: the 160 elements of `b` stand beside the 500 of `a`."""
    text = """model Net { input x: [1, 10, 10]
      a = x -> a: Conv2d(5, 1)
      output z = crop(a, left=4, right=4) -> b: Conv2d(8, 1) -> c: Conv2d(1, 1) }"""

    assert peak(written(text)) == 4 * (500 + 160)


def test_an_identity_that_only_training_reads_holds_nothing():
    """A block runs as a whole, but its Identity leaves no trace: at `z` the input, 408 numbers, is free already."""
    graph = written("""
block B { input x
    input u
    input v
    output o = v -> i: Identity
    output q = u -> j: Identity
    output p = x -> t: Tanh
}
model Net { input x: [4, 6, 17]
    y = x * x
    z = y * y
    a, c, b = (y, z, x) -> u: B
    output b
    output t = a + c when training
}""")

    assert peak(graph) == 4 * 2 * 408


@pytest.mark.parametrize(
    ("cut", "copied"),
    [
        ("crop(a, top=1)", 180),  # the rows lie together, the channels do not
        ("crop(a, left=1)", 180),
        ("crop(a, left=9)", 0),  # one column: its elements are equally far apart
        ("split(a, [1, 1])", 0),  # the front channels of a sample lie together
        ("split(crop(a, left=1), [1, 1])", 90),  # a part of a part
    ],
)
def test_flattening_a_part_copies_it_where_it_does_not_lie_together(cut, copied):
    text = f"""model Net {{ input x: [2, 10, 10]
      a = x -> Tanh
      {"b, c" if "split" in cut else "b"} = {cut}
      v = b -> Flatten
      output z = v -> fc: Linear(1000) }}"""

    held = copied or 200
    assert peak(written(text)) == 4 * (held + 1000)


def test_batch_and_dtype_multiply():
    graph = bundled("LeNet5")
    one = peak_activations(graph, 1, "float32")

    assert peak_activations(graph, 6, "float32").bytes == 6 * one.bytes
    assert peak_activations(graph, 1, "float64").bytes == 2 * one.bytes
    assert peak_activations(graph, 1, "bfloat16").bytes == one.bytes // 2
    assert activation_bytes(last(graph, "conv1"), 3, "float16") == 3 * 2 * 6 * 28 * 28


def test_dtypes_have_the_bytes_that_torch_says():
    import torch

    assert {name: getattr(torch, name).itemsize for name in DTYPES} == DTYPES


# Against PyTorch.


def measured(graph: Graph, batch: int = 1) -> int:
    import torch

    return peak_bytes(real(graph), *[torch.ones(batch, *node.output.known) for node in graph.inputs.values()])


SPLIT = """
model Net {
    input x: [4, 16, 16]
    a, b = split(x -> a: Conv2d(8, 3, padding=1), 2)
    c = crop(a, left=1, right=2, top=3) -> Flatten
    d = b -> Flatten
    output y = concat(c, d) -> fc: Linear(40)
    output z = 0.5 * (b -> AdaptiveAvgPool2d(1)) * a
}
"""
# fmt: off
NETWORKS = [
    ("LeNet5",         lambda: bundled("LeNet5")),
    ("ResNet18",       lambda: bundled("ResNet18", H=64, W=64)),
    ("U-Net",          lambda: bundled("UNet", H=64, W=48, base=4, depth=3)),
    ("valid U-Net",    lambda: bundled("UNetValid", H=188, W=188, base=2)),
    ("DenseNet",       lambda: bundled("DenseNet", H=64, W=64, depths=[2, 3, 2, 1])),
    ("VGG11",          lambda: bundled("VGG11", H=64, W=64, stages=[[4], [8], [8, 8]])),
    ("GoogLeNet",      lambda: bundled("GoogLeNet", H=64, W=64)),
    ("EfficientNetB0", lambda: bundled("EfficientNetB0", H=64, W=64)),
    ("LRN",            lambda: chain("a: Conv2d(8, 3) -> LocalResponseNorm(5) -> MaxPool2d(2)", 3, 16, 16)),
    ("parts",          lambda: written(SPLIT)),
    ("a training head",lambda: written(SKIP)),
]
# fmt: on


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("make", [make for _, make in NETWORKS], ids=[name for name, _ in NETWORKS])
def test_the_peak_is_what_pytorch_holds(make, batch):
    graph = make()

    assert peak(graph, batch) == measured(graph, batch)


@pytest.mark.parametrize("mode", ["reflect", "circular", "replicate"])
def test_a_padded_copy_takes_the_place_of_the_input(mode):
    graph = chain(f'Tanh -> a: Conv2d(2, 3, padding=1, padding_mode="{mode}")', 3, 16, 16)

    assert peak(graph) == measured(graph)


# fmt: off
LAYERS = [
    "Conv2d(8, 3)", "Conv2d(6, 3, groups=6)", "Conv2d(1, 3) -> Conv2d(8, 3)", 'Conv2d(8, 3, padding="same")',
    'Conv2d(8, 3, padding=1, padding_mode="reflect")', 'Conv2d(8, 3, padding=1, padding_mode="circular")',
    "ConvTranspose2d(8, 2, stride=2)", "MaxPool2d(2)", "AvgPool2d(2)", "AdaptiveAvgPool2d(3)", "AdaptiveAvgPool2d(1)",
    "Upsample(scale_factor=2)", 'Upsample(scale_factor=2, mode="bicubic")', "PixelUnshuffle(2)", "ChannelShuffle(2)",
    "BatchNorm2d", "InstanceNorm2d", "InstanceNorm2d(track_running_stats=true)", "GroupNorm(2)", "LocalResponseNorm(3)",
    "RMSNorm", "RMSNorm(dims=1)", "LayerNorm", "LayerNorm(dims=1)", "Softmax", "LogSoftmax(dim=3)", "GELU", "PReLU(6)",
    "ZeroPad2d(1)", "ReflectionPad2d(1)", "ReplicationPad2d(1)", "PadChannels(1, 2)", "Dropout", "Conv2d(4, [8, 1])",
]
# fmt: on


@pytest.mark.parametrize("layer", LAYERS)
def test_flattening_copies_what_has_its_channels_last(layer):
    """Behind `LayerNorm2d` the channels of a position lie together, and most layers keep them so."""
    graph = chain(f"Conv2d(6, 1) -> LayerNorm2d -> {layer} -> Upsample(scale_factor=3) -> Flatten", 3, 8, 8)

    assert peak(graph) == measured(graph)


@pytest.mark.parametrize("merged", ["a + b", "b + a", "a * g", "g * a", "b * g"])
def test_a_merge_is_laid_out_as_what_it_reads_first(merged):
    graph = written(f"""model Net {{
    input x: [3, 8, 8]
    b = x -> Conv2d(6, 1)
    a = b -> LayerNorm2d
    g = a -> AdaptiveAvgPool2d(1)
    y = {merged}
    z = concat(y, a * g)
    output concat(z, z) -> Upsample(scale_factor=3) -> Flatten
}}""")

    assert peak(graph) == measured(graph)


@settings(max_examples=20)
@given(networks())
def test_random_networks_hold_what_pytorch_holds(text):
    graph = written(text)

    assert peak(graph) == measured(graph)
