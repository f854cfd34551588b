"""One rule for numbers and symbols: the symbolic answer, taken at any size, is the answer for that size."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archdsl.ops import OPS, Op, ShapeError
from archdsl.sizes import at, symbol
from archdsl.tensors import TensorType

SMALL = st.integers(1, 4)
KERNEL = st.integers(1, 7)
WIDTH = 50


def calls(name: str, needed: dict, **optional):
    return st.fixed_dictionaries(needed, optional=optional).map(lambda arguments: OPS[name](**arguments))


PADDING = st.integers(0, 3)
ONE, KERNELS = {"out_channels": st.just(1)}, {"kernel_size": KERNEL}
LAYERS = st.one_of(
    calls("Conv2d", ONE | KERNELS, stride=SMALL, padding=PADDING, dilation=SMALL),
    calls("Conv2d", ONE | KERNELS, padding=st.sampled_from(["same", "valid"]), dilation=SMALL),
    calls("Conv2d", ONE | KERNELS, padding=PADDING, padding_mode=st.sampled_from(["reflect", "replicate", "circular"])),
    calls("ConvTranspose2d", ONE | KERNELS, stride=SMALL, padding=PADDING, dilation=SMALL),
    calls("MaxPool2d", KERNELS, stride=SMALL, padding=st.integers(0, 1), dilation=SMALL, ceil_mode=st.booleans()),
    calls("AvgPool2d", KERNELS, stride=SMALL, padding=st.integers(0, 1), ceil_mode=st.booleans()),
    calls("AdaptiveAvgPool2d", {"output_size": SMALL}),
    calls("BatchNorm2d", {}),
    calls("InstanceNorm2d", {}),
    calls("Upsample", {"scale_factor": SMALL | st.sampled_from([0.5, 1.5, 0.25])}, mode=st.just("nearest")),
    calls("ZeroPad2d", {"padding": st.tuples(*[st.integers(-3, 3)] * 4)}),
    calls("ReflectionPad2d", {"padding": PADDING}),
    calls("ReplicationPad2d", {"padding": PADDING}),
    calls("PixelUnshuffle", {"downscale_factor": st.just(1)}),
)


def heights(layers: list[Op], height) -> TensorType:
    x = TensorType((1, height, WIDTH))
    for layer in layers:
        x = layer.output(x)
    return x


@given(st.lists(LAYERS, min_size=1, max_size=3))
def test_a_symbol_goes_through_the_rules_as_every_number_does(layers):
    height = symbol("H")
    try:
        y = heights(layers, height)
    except ShapeError as refusal:
        if refusal.rule == "size-needed":
            return
        for n in range(1, 40):
            with pytest.raises(ShapeError):
                heights(layers, n)
        return
    for n in range(1, 40):
        if height.domain.requirement.holds(n):
            assert heights(layers, n).shape == tuple(at(size, {"H": n}) for size in y.shape)
        else:
            with pytest.raises(ShapeError):
                heights(layers, n)


def test_a_kernel_larger_than_the_input_can_be_sets_the_smallest_size():
    height = symbol("H")
    OPS["Conv2d"](8, 11, padding=2).output(TensorType((3, height, 20)))

    assert height.domain.requirement.smallest() == 7


def test_the_padding_of_a_pool_is_refused_for_every_size():
    with pytest.raises(ShapeError, match="the padding 2 is more than half of the kernel size 3"):
        OPS["MaxPool2d"](3, padding=2).output(TensorType((3, symbol("H"), 20)))
