"""Pools: worked numbers, the windows that PyTorch keeps under `ceil_mode`, and adaptive sizes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archdsl.ops import OPS, ShapeError
from archdsl.tensors import TensorType

MaxPool2d, AvgPool2d, AdaptiveAvgPool2d = OPS["MaxPool2d"], OPS["AvgPool2d"], OPS["AdaptiveAvgPool2d"]

# fmt: off
CASES = [
    # name, input, layer, output
    ("LeNet S2",                         (6, 28, 28),     AvgPool2d(2),
     (6, 14, 14)),
    ("AlexNet pool1",                    (64, 55, 55),    MaxPool2d(3, stride=2),
     (64, 27, 27)),
    ("ResNet maxpool",                   (64, 112, 112),  MaxPool2d(3, stride=2, padding=1),
     (64, 56, 56)),
    ("GoogLeNet maxpool1",               (64, 112, 112),  MaxPool2d(3, stride=2, ceil_mode=True),
     (64, 56, 56)),
    ("GoogLeNet maxpool1, floor",        (64, 112, 112),  MaxPool2d(3, stride=2),
     (64, 55, 55)),
    ("GoogLeNet maxpool2",               (192, 56, 56),   MaxPool2d(3, stride=2, ceil_mode=True),
     (192, 28, 28)),
    ("GoogLeNet maxpool3",               (480, 28, 28),   MaxPool2d(3, stride=2, ceil_mode=True),
     (480, 14, 14)),
    ("GoogLeNet maxpool4",               (832, 14, 14),   MaxPool2d(2, stride=2, ceil_mode=True),
     (832, 7, 7)),
    ("GoogLeNet branch4",                (192, 28, 28),   MaxPool2d(3, stride=1, padding=1, ceil_mode=True),
     (192, 28, 28)),
    ("a row left over",                  (1, 5, 7),       MaxPool2d(2),
     (1, 2, 3)),
    ("a row left over, ceil",            (1, 5, 7),       MaxPool2d(2, ceil_mode=True),
     (1, 3, 4)),
    ("dilated",                          (1, 9, 9),       MaxPool2d(3, stride=1, dilation=2),
     (1, 5, 5)),
    ("per axis",                         (1, 9, 9),       AvgPool2d((1, 3), stride=(2, 1), padding=(0, 1)),
     (1, 5, 9)),
    ("smaller than the kernel, ceil",    (1, 3, 3),       MaxPool2d(4, stride=2, ceil_mode=True),
     (1, 1, 1)),
    # pytorch 36977, 45357, 46558, 57178, 116420: the last window starts inside the input or the padding before it
    ("9 by 4, 4, 2",                     (1, 9, 9),       AvgPool2d(4, stride=4, padding=2, ceil_mode=True),
     (1, 3, 3)),
    ("32 by 1, 2, 0",                    (1, 32, 32),     MaxPool2d(1, stride=2, ceil_mode=True),
     (1, 16, 16)),
    ("5 by 2, 2, 1",                     (1, 5, 5),       MaxPool2d(2, stride=2, padding=1, ceil_mode=True),
     (1, 3, 3)),
    ("5 by 3, 3, 1",                     (1, 5, 5),       MaxPool2d(3, stride=3, padding=1, ceil_mode=True),
     (1, 2, 2)),
    ("6 by 1, 2, 0",                     (1, 6, 6),       MaxPool2d(1, stride=2, ceil_mode=True),
     (1, 3, 3)),
    ("8 by 3, 4, 0",                     (1, 8, 8),       MaxPool2d(3, stride=4, ceil_mode=True),
     (1, 2, 2)),
    ("25 by 2, 2, 0",                    (1, 25, 25),     MaxPool2d(2, stride=2, ceil_mode=True),
     (1, 13, 13)),
    ("global",                           (2048, 7, 7),    AdaptiveAvgPool2d(1),
     (2048, 1, 1)),
    ("adaptive, larger than the input",  (1, 3, 3),       AdaptiveAvgPool2d(7),
     (1, 7, 7)),
    ("one axis",                         (64, 100),       OPS["MaxPool1d"](3, stride=2, ceil_mode=True),
     (64, 50)),
    ("C3D pool1",                        (64, 16, 112, 112), OPS["MaxPool3d"]((1, 2, 2)),
     (64, 16, 56, 56)),
    ("global maximum",                   (512, 7, 7),     OPS["AdaptiveMaxPool2d"](1),
     (512, 1, 1)),
    ("adaptive, one axis kept",          (1, 3, 5),       AdaptiveAvgPool2d((None, 2)),
     (1, 3, 2)),
]
# fmt: on


@pytest.mark.parametrize(("shape", "layer", "output"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_the_sizes_are_those_worked_by_hand(shape, layer, output):
    x = TensorType(shape)
    y = layer.output(x)

    assert y.shape == output
    assert layer.weights(x) == {}
    assert layer.macs((x,), y) == 0


@given(
    size=st.integers(1, 64),
    kernel=st.integers(1, 9),
    stride=st.integers(1, 6),
    padding=st.integers(0, 4),
    dilation=st.integers(1, 3),
    ceil_mode=st.booleans(),
)
def test_the_output_counts_the_windows_that_pytorch_keeps(size, kernel, stride, padding, dilation, ceil_mode):
    """A window is kept if it fits; under `ceil_mode` also if the one before it left something to see."""
    padding = min(padding, kernel // 2)
    reach, end = dilation * (kernel - 1) + 1, size + padding
    starts = []
    start = -padding
    while (start - stride + reach < end and start < size) if ceil_mode else start + reach <= end:
        starts.append(start)
        start += stride
    pool = MaxPool2d(kernel, stride=stride, padding=padding, dilation=dilation, ceil_mode=ceil_mode)

    if starts:
        assert pool.output(TensorType((1, size, size))).shape == (1, len(starts), len(starts))
    else:
        with pytest.raises(ShapeError):
            pool.output(TensorType((1, size, size)))


def test_a_pool_strides_by_its_kernel_unless_told():
    assert MaxPool2d((2, 3)).steps == (2, 3)
    assert MaxPool2d((2, 3), stride=1).steps == (1, 1)


# fmt: off
REFUSED = [
    # input, layer, rule, argument, message
    ((3, 5, 2),  MaxPool2d(3),                            "kernel-too-large",  "kernel_size",
     "the kernel reaches 3 columns but the padded input has 2"),
    ((3, 2, 9),  AvgPool2d(5, padding=1),                 "kernel-too-large",  "kernel_size",
     "the kernel reaches 5 rows but the padded input has 4"),
    ((3, 1, 9),  MaxPool2d(3, stride=2, ceil_mode=True),  "kernel-too-large",  "kernel_size",
     "the kernel reaches 3 rows but the padded input has 1"),
    ((3, 9, 9),  MaxPool2d(3, padding=2),                 "shape-mismatch",    "padding",
     "the padding 2 is more than half of the kernel size 3"),
    ((3, 9, 9),  MaxPool2d(3, dilation=3, padding=2),     "shape-mismatch",    "padding",
     "the padding 2 is more than half of the kernel size 3"),
    ((3, 9, 9),  AvgPool2d((4, 2), padding=(2, 2)),       "shape-mismatch",    "padding",
     "the padding 2 is more than half of the kernel size 2"),
    ((12,),      MaxPool2d(2),                            "wrong-rank",        None,
     "`MaxPool2d` works on [c, h, w], but gets [12]"),
    ((12,),      AdaptiveAvgPool2d(1),                    "wrong-rank",        None,
     "`AdaptiveAvgPool2d` works on [c, h, w], but gets [12]"),
]
# fmt: on


@pytest.mark.parametrize(("shape", "layer", "rule", "argument", "message"), REFUSED)
def test_what_does_not_fit_is_refused_with_the_numbers_compared(shape, layer, rule, argument, message):
    with pytest.raises(ShapeError) as refusal:
        layer.output(TensorType(shape))

    assert (str(refusal.value), refusal.value.rule, refusal.value.argument) == (message, rule, argument)


def test_a_module_is_written_with_one_number_for_equal_axes():
    x = TensorType((8, 9, 9))

    assert MaxPool2d((3, 3), stride=2).module(x).keywords == {"kernel_size": 3, "stride": 2}
    assert AdaptiveAvgPool2d((1, 1)).module(x).positional == (1,)
    assert AdaptiveAvgPool2d((None, None)).module(x).positional == ((None, None),)


def test_a_mean_over_three_axes_wants_the_kernel_to_fit_without_padding():
    pool = OPS["AvgPool3d"](4, stride=2, padding=2)

    assert pool.output(TensorType((1, 4, 4, 4))).shape == (1, 3, 3, 3)
    with pytest.raises(ShapeError) as refusal:
        pool.output(TensorType((1, 4, 3, 4)))
    assert str(refusal.value) == "`AvgPool3d` wants the kernel to fit without padding: it reaches 4 rows of 3"


def test_an_adaptive_maximum_comes_with_its_places_of_eight_bytes_each():
    x, y = TensorType((8, 7, 7)), TensorType((8, 2, 2))

    assert OPS["AdaptiveMaxPool2d"](2).scratch((x,), y, 4) == 8 * 8 * 2 * 2
    assert OPS["AdaptiveAvgPool2d"](2).scratch((x,), y, 4) == 0
