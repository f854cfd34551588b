"""Strides that leave out, means that smooth before, and the moves that a network answers to, held against PyTorch."""

from __future__ import annotations

import pytest

from archdsl.analysis.aliasing import Period, equivariance, subsamplings
from oracles.networks import bundled, chain, last, written
from oracles.twin import real

# fmt: off
SUBSAMPLINGS = [
    # pipeline                                                                strides   unread    smoothed by
    ("c: Conv2d(4, 3, stride=2)",                                             (2, 2),   (0, 0),   None),
    ("c: Conv2d(4, 1, stride=2)",                                             (2, 2),   (1, 1),   None),
    ("c: Conv2d(4, (3, 1), stride=(1, 3))",                                   (1, 3),   (0, 2),   None),
    ("MaxPool2d(2)",                                                          (2, 2),   (0, 0),   None),
    ("MaxPool2d(2, stride=3)",                                                (3, 3),   (1, 1),   None),
    ("AvgPool2d(2)",                                                          (2, 2),   (0, 0),   "avgpool"),
    ("AvgPool2d(1, stride=2)",                                                (2, 2),   (1, 1),   None),
    ("AvgPool2d((1, 2), stride=2)",                                           (2, 2),   (1, 0),   None),
    ("AvgPool2d(3, stride=1) -> b: BatchNorm2d -> c: Conv2d(4, 1, stride=2)", (2, 2),   (1, 1),   "avgpool"),
    ("AvgPool2d(3, stride=1) -> ReLU -> c: Conv2d(4, 1, stride=2)",           (2, 2),   (1, 1),   None),
    ("AvgPool2d(3, stride=1) -> MaxPool2d(2)",                                (2, 2),   (0, 0),   "avgpool"),
]
# fmt: on


@pytest.mark.parametrize(("text", "strides", "unread", "smoothed"), SUBSAMPLINGS, ids=[row[0] for row in SUBSAMPLINGS])
def test_what_a_stride_leaves_out_and_what_averages_before(text, strides, unread, smoothed):
    (found,) = subsamplings(chain(text, 4, 24, 24))

    assert (found.strides, found.unread) == (strides, unread)
    assert (found.smoothed_by and found.smoothed_by.path) == smoothed


# fmt: off
PERIODS = [
    # pipeline                                                                                                   units  pixels
    ("c: Conv2d(3, 3, padding=1, padding_mode=\"circular\")",                                                        1,      1),
    ("c: Conv2d(3, 3, stride=2, padding=1, padding_mode=\"circular\") -> ReLU",                                      1,      2),
    ("MaxPool2d(2) -> c: Conv2d(3, 3, stride=3, padding=1, padding_mode=\"circular\")",                              1,      6),
    ("MaxPool2d(2) -> Upsample(scale_factor=2)",                                                                     2,      2),
    ("Upsample(scale_factor=2) -> MaxPool2d(3)",                                                                     2,      3),
    ("up: ConvTranspose2d(2, 2, stride=2)",                                                                          2,      1),
    ("PixelUnshuffle(2) -> c: Conv2d(8, 1) -> PixelShuffle(2)",                                                      2,      2),
    ("MaxPool2d(2) -> g: GroupNorm(1)",                                                                              1,      2),
    ("MaxPool2d(2) -> AdaptiveAvgPool2d(1)",                                                                         0,      2),
    ("MaxPool2d(2) -> AdaptiveAvgPool2d(1) -> Flatten -> fc: Linear(5) -> ReLU",                                     0,      2),
]
# fmt: on


@pytest.mark.parametrize(("text", "units", "pixels"), PERIODS, ids=[row[0] for row in PERIODS])
def test_moving_the_input_by_the_period_moves_the_units_and_by_less_it_does_not(text, units, pixels):
    import torch

    graph = chain(text, 3, 24, 24)
    (found,) = equivariance(graph)[last(graph).index].values()
    assert found == (Period(units, pixels),) * 2

    torch.manual_seed(0)
    model = real(graph).double()
    x = torch.randn(1, 3, 24, 24, dtype=torch.double)
    with torch.no_grad():
        first = model(x)

        def agrees(move: int) -> bool:
            made = model(x.roll(move, 2))
            places = range(first.shape[2]) if first.dim() == 4 else [0]
            return any(torch.allclose(made, first.roll(by, 2) if first.dim() == 4 else first) for by in places)

        moved = model(x.roll(pixels, 2))
        assert torch.allclose(moved, first.roll(units, 2) if first.dim() == 4 else first)
        assert [move for move in range(1, pixels) if agrees(move)] == []


# fmt: off
NONE = [
    ("a linear layer on a map",         "x -> Flatten -> fc: Linear(5)"),
    ("a weight for every position",     "x -> n: LayerNorm"),
    ("branches of different strides",   "(x -> MaxPool2d(2)) + (x -> c: Conv2d(3, 13))"),
]
# fmt: on


@pytest.mark.parametrize("text", [row[1] for row in NONE], ids=[row[0] for row in NONE])
def test_some_networks_answer_to_no_move(text):
    graph = written(f"model Net {{ input x: [3, 24, 24]  output {text} }}")

    assert equivariance(graph)[last(graph).index] == {"x": (None, None)}


def test_a_classifier_does_not_change_by_moves_of_its_stride():
    """ResNet-50 halves five times, and then takes the mean."""
    graph = bundled("ResNet50")

    assert equivariance(graph)[last(graph, "layer4").index] == {"image": (Period(1, 32),) * 2}
    assert equivariance(graph)[last(graph, "fc").index] == {"image": (Period(0, 32),) * 2}


def test_a_u_net_gives_a_mask_that_moves_by_sixteen():
    graph = bundled("UNet")

    assert equivariance(graph)[last(graph, "head").index] == {"x": (Period(16, 16),) * 2}
