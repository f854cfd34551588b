"""Which layers make positions or samples depend on each other, against the gradients of PyTorch."""

from __future__ import annotations

import pytest

from archdsl.analysis.coupling import When, couplings, first_global
from archdsl.analysis.receptive_field import receptive_fields
from oracles.networks import bundled, chain, written
from oracles.twin import real

# fmt: off
LAYERS = [
    # layer                                             positions        samples
    ("b: BatchNorm2d",                                  When.TRAINING,   When.TRAINING),
    ("b: BatchNorm2d(track_running_stats=false)",       When.ALWAYS,     When.ALWAYS),
    ("b: InstanceNorm2d",                               When.ALWAYS,     When.NEVER),
    ("b: InstanceNorm2d(track_running_stats=true)",     When.TRAINING,   When.NEVER),
    ("b: GroupNorm(2)",                                 When.ALWAYS,     When.NEVER),
    ("b: LayerNorm",                                    When.ALWAYS,     When.NEVER),
    ("b: RMSNorm(dims=1)",                              When.ALWAYS,     When.NEVER),
    ("b: LayerNorm2d",                                  When.NEVER,      When.NEVER),
    ("LocalResponseNorm(3)",                            When.NEVER,      When.NEVER),
    ("Softmax(3)",                                      When.ALWAYS,     When.NEVER),
    ("Softmax",                                         When.NEVER,      When.NEVER),
    ("ReLU",                                            When.NEVER,      When.NEVER),
]
# fmt: on


@pytest.mark.parametrize(("layer", "positions", "samples"), LAYERS, ids=[row[0] for row in LAYERS])
def test_a_layer_couples_what_has_a_gradient(layer, positions, samples):
    import torch

    graph = chain(layer, 4, 5, 5)
    found = couplings(graph)
    model = real(graph).double()

    assert [(one.positions, one.samples) for one in found] == (
        [] if positions is samples is When.NEVER else [(positions, samples)]
    )
    for training in (False, True):
        torch.manual_seed(0)
        x = torch.randn(2, 4, 5, 5, dtype=torch.double, requires_grad=True)
        (gradient,) = torch.autograd.grad(model.train(training)(x)[0, 0, 2, 2], x)
        here = gradient[0].abs().sum(0)
        here[2, 2] = 0
        awaited = {When.ALWAYS} | ({When.TRAINING} if training else set())
        assert (positions in awaited) == bool(here.sum() > 1e-9)
        assert (samples in awaited) == bool(gradient[1].abs().sum() > 1e-9)


def test_a_gate_couples_positions():
    text = "model Net { input x: [4, 8, 8]  output x * (x -> AdaptiveAvgPool2d(1) -> c: Conv2d(4, 1) -> Sigmoid) }"

    assert [(one.node.path, one.positions) for one in couplings(written(text))] == [("multiply", When.ALWAYS)]


# fmt: off
GLOBAL = [
    ("ResNet50",       "avgpool"),
    ("VGG16",          "classifier.0"),
    ("EfficientNetB0", "features.1.0.block.1.avgpool"),
    ("UNet",           None),
]
# fmt: on


@pytest.mark.parametrize(("model", "path"), GLOBAL)
def test_the_first_layer_by_which_all_is_seen(model, path):
    graph = bundled(model)
    node = first_global(graph, receptive_fields(graph))

    assert (node and node.path) == path
