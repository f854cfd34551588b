"""Whether branches lie on each other, against centres worked by hand and against the middles of gradients."""

from __future__ import annotations

from fractions import Fraction

import pytest

from archdsl.analysis.alignment import Meeting, meetings
from oracles.networks import bundled, written
from oracles.twin import positive

HALF = Fraction(1, 2)


def found(text: str) -> list[Meeting]:
    return list(meetings(written(f"model Net {{ input x: [2, 32, 32]  output {text} }}")))


# fmt: off
MEETINGS = [
    # name                             merge                                                                     strides   centres              apart
    ("identity and padded 3x3",        "x + (x -> c: Conv2d(2, 3, padding=1))",                                  (1, 1),   (0, 0),              False),
    ("valid 3x3 and an even crop",     "concat(x -> c: Conv2d(2, 3), crop(x, left=1, right=1, top=1, bottom=1))", (1, 1),  (1, 1),              False),
    ("valid 3x3 and a lopsided crop",  "concat(x -> c: Conv2d(2, 3), crop(x, left=2, top=2))",                   (1, 1),   (1, 2),              True),
    ("an even kernel, same",           'x + (x -> c: Conv2d(2, 4, padding="same"))',                             (1, 1),   (0, HALF),           False),
    ("two of them",                    'x + (x -> c: Conv2d(2, 4, padding="same") -> d: Conv2d(2, 2, padding="same"))', (1, 1), (0, 1),         True),
    ("the shortcut of ResNet",         "(x -> a: Conv2d(2, 3, stride=2, padding=1)) + (x -> b: Conv2d(2, 1, stride=2))", (2, 2), (0, 0),         False),
    ("the shortcut of ResNet-D",       "(x -> a: Conv2d(2, 3, stride=2, padding=1)) + (x -> AvgPool2d(2) -> b: Conv2d(2, 1))", (2, 2), (0, HALF), False),
    ("strides 2 and 1 by valid 17x17", "(x -> a: Conv2d(2, 2, stride=2)) + (x -> b: Conv2d(2, 17))",             (2, 1),   (HALF, 8),           True),
    ("pooled and enlarged",            "x + (x -> MaxPool2d(2) -> up: ConvTranspose2d(2, 2, stride=2))",         (1, 1),   (0, 0),              False),
    ("strided 3x3 and enlarged",       "x + (x -> a: Conv2d(2, 3, stride=2, padding=1) -> Upsample(scale_factor=2))", (1, 1), (0, -HALF),       False),
    ("a norm moves nothing",           "x + (x -> c: Conv2d(2, 3, padding=1) -> n: GroupNorm(1))",               (1, 1),   (0, 0),              False),
]
# fmt: on


@pytest.mark.parametrize(
    ("text", "strides", "centres", "apart"), [m[1:] for m in MEETINGS], ids=[m[0] for m in MEETINGS]
)
def test_a_merge_of_two_branches(text, strides, centres, apart):
    for meeting in found(text):
        assert meeting.strides == strides
        assert meeting.centres == centres
        assert meeting.is_apart == apart
        assert meeting.is_aligned == (len({*strides}) == len({*centres}) == 1)
    assert [meeting.axis for meeting in found(text)] == [0, 1]


def test_a_gate_has_no_place():
    text = "x * (x -> AdaptiveAvgPool2d(1) -> c: Conv2d(2, 1) -> Sigmoid)"

    assert found(text) == []


def test_the_two_inputs_of_a_network_are_looked_at_by_themselves():
    graph = written(
        "model Net { input a: [2, 8, 8]  input b: [2, 8, 8]  output a + (b -> c: Conv2d(2, 3, padding=1)) + b }"
    )

    assert [(m.input, m.axis, m.drift) for m in meetings(graph)] == [("b", 0, 0), ("b", 1, 0)]


# fmt: off
BUNDLED = [
    # model            merges that are not aligned: node, drift in input pixels, stride there
    ("ResNet50",       []),
    ("DenseNet121",    []),
    ("InceptionV3",    []),
    ("MobileNetV2",    []),
    ("EfficientNetB0", []),
    ("UNet",           []),
    ("UNetValid",      []),
    # Half a position of the map before, which is averaged in the shortcut and strided over in the branch.
    ("ResNet50D",      [("layer2.0.add", 2, 8), ("layer3.0.add", 4, 16), ("layer4.0.add", 8, 32)]),
]
# fmt: on


@pytest.mark.parametrize(("model", "expected"), BUNDLED, ids=[row[0] for row in BUNDLED])
def test_the_merges_of_a_bundled_model(model, expected):
    off = [m for m in meetings(bundled(model)) if not m.is_aligned and m.axis == 0]

    assert [(m.node.path, m.drift, m.strides[0]) for m in off] == expected
    assert not any(m.is_apart for m in off)


# fmt: off
NETS = [
    ("UNet",          {"depth": 2, "base": 2, "H": 64, "W": 64}),
    ("ResNetD",       {"depths": [1, 1, 1, 1]}),
    ("CifarDenseNet", {"depth": 16, "growth": 2, "size": 64}),
]
# fmt: on


@pytest.mark.parametrize(("model", "parameters"), NETS, ids=[row[0] for row in NETS])
def test_a_centre_is_the_middle_of_what_a_unit_has_a_gradient_at(model, parameters):
    """The mean over four input pixels, after which all of these repeat, at units that see no border."""
    import torch

    graph = bundled(model, **parameters)
    compared = 0
    for meeting in meetings(graph)[::2]:
        for branch, centre, stride in zip(meeting.branches, meeting.centres, meeting.strides, strict=True):
            x = torch.ones(1, *graph.inputs[meeting.input].output.known, dtype=torch.double, requires_grad=True)
            made, period = positive(graph, branch)(x), max(1, 4 // int(stride))
            first, middles = made.shape[2] // 2 // period * period, []
            for unit in range(first, first + period):
                seen = made[0, :, unit, made.shape[3] // 2].sum()
                (gradient,) = torch.autograd.grad(seen, x, retain_graph=True)
                rows = gradient[0].sum((0, 2)).nonzero().flatten().tolist()
                if rows[0] > 0 and rows[-1] < x.shape[2] - 1:
                    middles.append(Fraction(rows[0] + rows[-1], 2) - unit * stride)
            if len(middles) == period:
                compared += 1
                assert sum(middles) / period == centre

    assert compared > 2
