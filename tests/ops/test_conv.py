"""Convolutions and transposed convolutions: worked numbers, and the definition that the formula abbreviates."""

from __future__ import annotations

from math import prod

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archdsl.ops import OPS, ShapeError
from archdsl.tensors import TensorType

Conv1d, Conv2d, Conv3d, ConvTranspose2d, ConvTranspose3d = map(
    OPS.get, ("Conv1d", "Conv2d", "Conv3d", "ConvTranspose2d", "ConvTranspose3d")
)

UP_4_GROUPS = ConvTranspose2d(4, 3, stride=2, padding=1, output_padding=1, groups=4)

# fmt: off
CASES = [
    # name, input, layer
    # output, params, MACs
    ("LeNet C1",                  (1, 28, 28),     Conv2d(6, 5, padding=2),
     (6, 28, 28),     156,        117_600),
    ("LeNet C3",                  (6, 14, 14),     Conv2d(16, 5),
     (16, 10, 10),    2_416,      240_000),
    ("AlexNet conv1",             (3, 224, 224),   Conv2d(64, 11, stride=4, padding=2),
     (64, 55, 55),    23_296,     70_276_800),
    ("ResNet conv1",              (3, 224, 224),   Conv2d(64, 7, stride=2, padding=3, bias=False),
     (64, 112, 112),  9_408,      118_013_952),
    ("ResNet downsample",         (256, 56, 56),   Conv2d(512, 1, stride=2, bias=False),
     (512, 28, 28),   131_072,    102_760_448),
    ("depthwise 3×3",             (32, 112, 112),  Conv2d(32, 3, padding=1, groups=32, bias=False),
     (32, 112, 112),  288,        3_612_672),
    ("4 groups",                  (16, 28, 28),    Conv2d(32, 3, groups=4),
     (32, 26, 26),    1_184,      778_752),
    ("Inception 1×7",             (192, 17, 17),   Conv2d(192, (1, 7), padding=(0, 3), bias=False),
     (192, 17, 17),   258_048,    74_575_872),
    ("ASPP rate 12",              (2048, 28, 28),  Conv2d(256, 3, padding=12, dilation=12, bias=False),
     (256, 28, 28),   4_718_592,  3_699_376_128),
    ("even kernel, same",         (1, 5, 5),       Conv2d(1, 4, padding="same"),
     (1, 5, 5),       17,         400),
    ("valid",                     (1, 5, 5),       Conv2d(1, 4, padding="valid"),
     (1, 2, 2),       17,         64),
    ("stride beyond the kernel",  (1, 8, 8),       Conv2d(1, 2, stride=3),
     (1, 3, 3),       5,          36),
    ("transposed, 2×2",           (3, 2, 2),       ConvTranspose2d(1, 2, stride=2),
     (1, 4, 4),       13,         48),
    ("transposed, 4 groups",      (4, 8, 8),       UP_4_GROUPS,
     (4, 16, 16),     40,         2_304),
    ("U-Net up-convolution",      (1024, 28, 28),  ConvTranspose2d(512, 2, stride=2),
     (512, 56, 56),   2_097_664,  1_644_167_168),
    ("DCGAN's first",             (100, 1, 1),     ConvTranspose2d(1024, 4, bias=False),
     (1024, 4, 4),    1_638_400,  1_638_400),
    ("speech, one axis",          (80, 3000),      Conv1d(384, 3, padding=1),
     (384, 3000),     92_544,     276_480_000),
    ("C3D conv1a",                (3, 16, 112, 112), Conv3d(64, 3, padding=1),
     (64, 16, 112, 112), 5_248,   1_040_449_536),
    ("3D U-Net up-convolution",   (512, 8, 8, 8),  ConvTranspose3d(512, 2, stride=2),
     (512, 16, 16, 16), 2_097_664, 1_073_741_824),
    ("one row becomes two",       (1, 1, 1),       ConvTranspose2d(1, 3, stride=2, padding=1, output_padding=1),
     (1, 2, 2),       10,         9),
]
# fmt: on


@pytest.mark.parametrize(
    ("shape", "layer", "output", "params", "macs"), [c[1:] for c in CASES], ids=[c[0] for c in CASES]
)
def test_the_numbers_are_those_worked_by_hand(shape, layer, output, params, macs):
    x = TensorType(shape)
    y = layer.output(x)

    assert y.shape == output
    assert sum(map(prod, layer.weights(x).values())) == params
    assert layer.macs((x,), y) == macs


def test_the_weight_of_a_transposed_convolution_has_the_input_channels_in_front():
    x = TensorType((6, 4, 4))

    assert Conv2d(8, (3, 5), groups=2).weights(TensorType((6, 9, 9))) == {"weight": (8, 3, 3, 5), "bias": (8,)}
    assert ConvTranspose2d(8, (3, 5), groups=2).weights(x) == {"weight": (6, 4, 3, 5), "bias": (8,)}


SIZES = {
    "size": st.integers(1, 64),
    "kernel": st.integers(1, 9),
    "stride": st.integers(1, 4),
    "padding": st.integers(0, 4),
    "dilation": st.integers(1, 3),
}


@given(**SIZES)
def test_the_output_counts_the_windows_that_fit(size, kernel, stride, padding, dilation):
    """The closed formula agrees with sliding the window one step at a time."""
    reach = dilation * (kernel - 1) + 1
    starts = range(-padding, size + padding - reach + 1, stride)
    conv = Conv2d(1, kernel, stride=stride, padding=padding, dilation=dilation)
    image = TensorType((1, size, size))

    if starts:
        assert conv.output(image).shape == (1, len(starts), len(starts))
    else:
        with pytest.raises(ShapeError):
            conv.output(image)


@given(**SIZES, extra=st.integers(0, 3))
def test_the_transposed_output_holds_what_the_inputs_spread_over(size, kernel, stride, padding, dilation, extra):
    """Every input is spread over its taps; the padding is cut off both ends, and the extra added at the right."""
    last = max(stride * i + dilation * t for i in range(size) for t in range(kernel))
    left = len(range(last + 1)[padding : last + 1 - padding]) + extra if last + 1 >= 2 * padding else None
    up = ConvTranspose2d(1, kernel, stride=stride, padding=padding, dilation=dilation, output_padding=extra)

    if extra < max(stride, dilation) and left:
        assert up.output(TensorType((1, size, size))).shape == (1, left, left)
    elif extra >= max(stride, dilation):
        with pytest.raises(ShapeError, match="output padding"):
            up.output(TensorType((1, size, size)))


def test_twice_the_kernel_along_one_axis_changes_that_axis_alone():
    x = TensorType((1, 20, 30))

    assert Conv2d(1, (3, 1)).output(x).shape == (1, 18, 30)
    assert Conv2d(1, (1, 3)).output(x).shape == (1, 20, 28)
    assert ConvTranspose2d(1, (3, 1)).output(x).shape == (1, 22, 30)


# fmt: off
REFUSED = [
    # input, layer, rule, argument, message
    ((3, 5, 50),  Conv2d(8, 11),                                      "kernel-too-large",      "kernel_size",
     "the kernel reaches 11 rows but the padded input has 5"),
    ((3, 50, 5),  Conv2d(8, 3, padding=1, dilation=4),                "kernel-too-large",      "kernel_size",
     "the kernel reaches 9 columns but the padded input has 7"),
    ((6, 9, 9),   Conv2d(8, 3, groups=4),                             "groups-do-not-divide",  "groups",
     "4 groups do not divide the 6 input channels"),
    ((8, 9, 9),   Conv2d(6, 3, groups=4),                             "groups-do-not-divide",  "groups",
     "4 groups do not divide the 6 output channels"),
    ((6, 9, 9),   ConvTranspose2d(7, 3, groups=4),                    "groups-do-not-divide",  "groups",
     "4 groups do not divide the 6 input channels and the 7 output channels"),
    ((512,),      Conv2d(8, 3),                                       "wrong-rank",            None,
     "`Conv2d` works on [c, h, w], but gets [512]"),
    ((8, 100),    Conv2d(8, 3),                                       "wrong-rank",            None,
     "`Conv2d` works on [c, h, w], but gets [8, 100]"),
    ((3, 3, 9),   Conv2d(8, 3, padding=3, padding_mode="reflect"),    "shape-mismatch",        "padding",
     '"reflect" needs at least 4 rows to take its padding from, but the input has 3'),
    ((3, 9, 2),   Conv2d(8, 3, padding=3, padding_mode="circular"),   "shape-mismatch",        "padding",
     '"circular" needs at least 3 columns to take its padding from, but the input has 2'),
    ((3, 2, 2),   ConvTranspose2d(8, 3, padding=2),                   "shape-mismatch",        "padding",
     "the padding cuts 4 rows off the output, which has 4 of them"),
    ((3, 2, 2),   ConvTranspose2d(8, 3, stride=2, output_padding=2),  "shape-mismatch",        "output_padding",
     "the output padding 2 is smaller neither than the stride 2 nor the dilation 1"),
]
# fmt: on


@pytest.mark.parametrize(("shape", "layer", "rule", "argument", "message"), REFUSED)
def test_what_does_not_fit_is_refused_with_the_numbers_compared(shape, layer, rule, argument, message):
    with pytest.raises(ShapeError) as refusal:
        layer.output(TensorType(shape))

    assert (str(refusal.value), refusal.value.rule, refusal.value.argument) == (message, rule, argument)


def test_a_mirrored_padding_is_a_copy_that_pytorch_holds_meanwhile():
    x = TensorType((3, 8, 10))
    y = TensorType((4, 8, 10))

    assert Conv2d(4, 3, padding=1).scratch((x,), y, 4) == 0
    assert Conv2d(4, (3, 5), padding=(1, 2), padding_mode="reflect").scratch((x,), y, 4) == 4 * 3 * 10 * 14


def test_a_module_is_written_with_the_inferred_channels_and_what_differs():
    x = TensorType((3, 224, 224))
    call = Conv2d(64, (7, 7), stride=2, padding=(3, 2), bias=False).module(x)

    assert call.name == "nn.Conv2d"
    assert call.positional == (3, 64)
    assert call.keywords == {"kernel_size": 7, "stride": 2, "padding": (3, 2), "bias": False}
    assert list(call.keywords) == ["kernel_size", "stride", "padding", "bias"]
