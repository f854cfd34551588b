"""Multiply-adds: by hand, as published, and half of what PyTorch's counter of FLOPs says."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from archdsl.analysis.macs import macs
from archdsl.graph import Graph
from oracles.drafts import networks
from oracles.networks import bundled, chain, last, written
from oracles.torchvision_models import on_meta
from oracles.twin import real


def total(graph: Graph) -> int:
    """Return the multiply-adds of evaluation."""
    return sum(count for index, count in enumerate(macs(graph)) if index not in graph.training_only)


def counted(module, *shapes: tuple[int, ...]) -> int:
    """Return half of the FLOPs that PyTorch counts for one sample."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter, torch.no_grad():
        module.eval()(*[torch.empty(1, *shape, device="meta") for shape in shapes])
    flops = counter.get_total_flops()
    assert flops % 2 == 0
    return flops // 2


def test_numbers_worked_by_hand():
    graph = chain(
        "c: Conv2d(8, 3, groups=2) -> n: BatchNorm2d -> ReLU -> u: ConvTranspose2d(6, 2, stride=2)"
        " -> MaxPool2d(2) -> Flatten -> fc: Linear(10)", 4, 6, 6,
    )  # fmt: skip
    counts = macs(graph)

    assert {path: counts[last(graph, path).index] for path in ("c", "n", "u", "maxpool", "fc")} == {
        "c": 8 * 16 * 2 * 9,
        "n": 0,
        "u": 8 * 16 * 6 * 4,
        "maxpool": 0,
        "fc": 96 * 10,
    }


# fmt: off
PUBLISHED = [
    # ours             torchvision's      GMACs as torchvision prints them
    ("ResNet18",       "resnet18",        1.814),
    ("ResNet50",       "resnet50",        4.089),
    ("VGG16",          "vgg16",          15.470),
    ("GoogLeNet",      "googlenet",       1.498),
    ("DenseNet121",    "densenet121",     2.834),
    ("EfficientNetB0", "efficientnet_b0", 0.386),
]
# fmt: on


@pytest.mark.parametrize(("model", "name", "giga"), PUBLISHED)
def test_a_bundled_network_costs_what_torchvision_publishes(model, name, giga):
    found = total(bundled(model))
    theirs = on_meta(name, **({"init_weights": False} if name == "googlenet" else {}))

    assert round(found / 1e9, 3) == giga
    assert found == counted(theirs, (3, 224, 224))


@pytest.mark.parametrize("model", ["LeNet5", "UNet", "UNetValid"])
def test_a_bundled_network_costs_what_its_twin_does(model):
    graph = bundled(model)

    assert total(graph) == counted(real(graph, device="meta"), *[n.output.known for n in graph.inputs.values()])


@settings(max_examples=30)
@given(networks())
def test_random_networks_cost_what_their_twins_do(text):
    graph = written(text)

    assert total(graph) == counted(real(graph, device="meta"), *[n.output.known for n in graph.inputs.values()])
