"""The least time of a training step: FLOP and bytes counted by hand."""

from __future__ import annotations

import pytest

from archdsl.pipeline import loads
from archdsl.train.roofline import Device, roofline

NET = """
model Net {
    input image: [3, 8, 8]
    output image -> conv: Conv2d(4, 3, padding=1, bias=false) -> norm: BatchNorm2d -> act: ReLU -> pool: MaxPool2d(2)
        -> flat: Flatten -> fc: Linear(10)
}
"""
IMAGE, MAP, POOLED, LOGITS = 2 * 3 * 64 * 4, 2 * 4 * 64 * 4, 2 * 4 * 16 * 4, 2 * 10 * 4
"""Bytes of two images, of what the convolution, the pooling and the linear layer make of them."""
KERNELS, SCALES, MATRIX = 4 * 27 * 4, 8 * 4, 650 * 4
"""Bytes of weights."""
INDICES = 2 * 4 * 16 * 8
STATISTICS = 2 * 4 * 4
"""Mean and deviation of a batch, kept for the backward pass."""

# fmt: off
PASSES = [
    # path   phase        FLOP                      bytes
    ("conv", "forward",   2 * 2 * 4 * 64 * 27,      IMAGE + KERNELS + MAP),
    ("norm", "forward",   0,                        MAP + SCALES + MAP + STATISTICS),
    ("act",  "forward",   0,                        MAP + MAP),
    ("pool", "forward",   0,                        MAP + POOLED + INDICES),
    ("flat", "forward",   0,                        0),
    ("fc",   "forward",   2 * 2 * 640,              POOLED + MATRIX + LOGITS),
    ("fc",   "backward",  2 * 2 * 2 * 640,          LOGITS + POOLED + MATRIX + POOLED + MATRIX),
    ("flat", "backward",  0,                        0),
    ("pool", "backward",  0,                        POOLED + INDICES + MAP),
    ("act",  "backward",  0,                        MAP + MAP + MAP),
    ("norm", "backward",  0,                        MAP + MAP + STATISTICS + SCALES + MAP + SCALES),
    ("conv", "backward",  2 * 2 * 4 * 64 * 27,      MAP + IMAGE + KERNELS),
    ("Net",  "optimizer", 0,                        5 * (KERNELS + SCALES + MATRIX)),
]
# fmt: on


def test_every_pass_is_that_counted_by_hand():
    """The first layer has no gradient of its input; a ReLU writes over the norm's output; a view costs nothing."""
    found = roofline(loads(NET).graph, batch=2).passes

    assert [(one.path, one.phase, one.flop, one.bytes) for one in found] == PASSES


def test_a_layer_takes_the_longer_of_its_arithmetic_and_its_bytes():
    """One FLOP and 4 bytes a second: the convolution and the linear layer's passes are slower to compute."""
    found = roofline(loads(NET).graph, batch=2)
    convolution, linear = 2 * 2 * 4 * 64 * 27, 2 * 2 * 640
    others = sum(moved for path, _, _, moved in PASSES if path not in ("conv", "fc")) / 4

    assert found.flop == 2 * convolution + 3 * linear
    assert found.seconds(Device(1, 4)) == 2 * convolution + 3 * linear + others
    assert found.bound_by_memory(Device(1, 4)) == pytest.approx(others / found.seconds(Device(1, 4)))


def test_under_autocast_the_convolution_moves_half_of_a_map():
    """The image comes in float32 and is cast, as is the weight; the map is made in bfloat16."""
    found = {(one.path, one.phase): one.bytes for one in roofline(loads(NET).graph, batch=2, amp="bf16").passes}

    cast = IMAGE // 2 + KERNELS // 2
    assert found["conv", "forward"] == IMAGE + cast + KERNELS // 2 + MAP // 2
    assert found["act", "forward"] == MAP
    assert found["Net", "optimizer"] == 5 * (KERNELS + SCALES + MATRIX)


def test_a_sum_has_no_gradient_of_its_own():
    net = "model Net {\n    input x: [4, 8, 8]\n    a = x -> conv: Conv2d(4, 1)\n    b = x -> side: Conv2d(4, 1)\n"
    passes = roofline(loads(net + "    output a + b\n}\n").graph, batch=1).passes
    found = {(one.path, one.phase): one.bytes for one in passes}

    assert found["add", "forward"] == 3 * 4 * 64 * 4
    assert found["add", "backward"] == 0


@pytest.mark.parametrize(("optimizer", "states"), [("sgd", 0), ("nesterov", 1), ("adamw", 2)])
def test_an_optimiser_reads_and_writes_its_states(optimizer, states):
    *_, last = roofline(loads(NET).graph, batch=2, optimizer=optimizer).passes

    assert last.bytes == (KERNELS + SCALES + MATRIX) * (3 + 2 * states)


def test_a_batch_has_an_image():
    with pytest.raises(ValueError, match="from 1 up"):
        roofline(loads(NET).graph, batch=0)
