"""Parameters and buffers, by name and shape against PyTorch's own, and in total as published."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from archdsl.analysis.params import parameters
from archdsl.graph import Graph
from oracles.drafts import networks
from oracles.networks import bundled, chain, last, written
from oracles.torchvision_models import on_meta
from oracles.twin import real


def tensors(module) -> tuple[dict[str, tuple[int, ...]], dict[str, tuple[int, ...]]]:
    """Return the shapes of a module's parameters and buffers by name."""
    weights = {name: tuple(weight.shape) for name, weight in module.named_parameters()}
    return weights, {name: tuple(buffer.shape) for name, buffer in module.named_buffers()}


def ours(graph: Graph) -> tuple[dict[str, tuple[int, ...]], dict[str, tuple[int, ...]]]:
    found = parameters(graph)
    return found.weights, found.buffer_shapes


SHARED = """
model Net {
    input left: [3, 16, 16]
    input right: [3, 16, 16]
    share tower = (conv: Conv2d(8, 3) -> norm: BatchNorm2d -> ReLU)
    a = left -> tower
    b = right -> tower
    output y = a + b -> head: Conv2d(2, 1)
}
"""


def test_numbers_worked_by_hand():
    graph = chain("c: Conv2d(8, 3, groups=2) -> n: BatchNorm2d -> Flatten -> fc: Linear(10, bias=false)", 4, 6, 6)
    found = parameters(graph)

    assert [found.counts[last(graph, path).index] for path in ("c", "n", "flatten", "fc")] == [
        8 * 2 * 9 + 8,
        2 * 8,
        0,
        8 * 16 * 10,
    ]
    assert found.buffer_counts[last(graph, "n").index] == 8 + 8 + 1
    assert found.params == 152 + 16 + 1280
    assert found.buffers == 17


def test_what_is_shared_counts_once():
    graph = written(SHARED)
    found = parameters(graph)

    assert found.params == (3 * 8 * 9 + 8) + 16 + (8 * 2 + 2)
    assert ours(graph) == tensors(real(graph, device="meta"))


# fmt: off
PUBLISHED = [
    # ours             torchvision's      params
    ("ResNet18",       "resnet18",         11_689_512),
    ("ResNet50",       "resnet50",         25_557_032),
    ("ResNet152",      "resnet152",        60_192_808),
    ("VGG16",          "vgg16",           138_357_544),
    ("VGG11_BN",       "vgg11_bn",        132_868_840),
    ("GoogLeNet",      "googlenet",        13_004_888),
    ("DenseNet121",    "densenet121",       7_978_856),
    ("EfficientNetB0", "efficientnet_b0",   5_288_548),
]
# fmt: on


@pytest.mark.parametrize(("model", "name", "params"), PUBLISHED)
def test_a_bundled_network_has_the_tensors_of_torchvision(model, name, params):
    graph = bundled(model)
    theirs = on_meta(name, **({"init_weights": False} if name == "googlenet" else {}))

    assert parameters(graph).params == params
    assert ours(graph) == tensors(theirs)


@pytest.mark.parametrize("model", ["LeNet5", "UNet", "UNetValid", "GoogLeNet"])
def test_a_bundled_network_has_the_tensors_of_its_twin(model):
    graph = bundled(model)
    found, (weights, buffers) = parameters(graph), tensors(real(graph, training=True, device="meta"))

    assert ours(graph) == (weights, buffers)
    assert sum(found.counts) == found.params


@settings(max_examples=20)
@given(networks())
def test_random_networks_have_the_tensors_of_their_twins(text):
    graph = written(text)

    assert ours(graph) == tensors(real(graph, device="meta"))
