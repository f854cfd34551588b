"""Every layer against PyTorch's, over arguments that fit and arguments that do not."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archdsl.ops import OPS, ArgumentError, ShapeError
from archdsl.tensors import TensorType
from oracles import torch_layers

nn = pytest.importorskip("torch").nn

SIZES = st.integers(1, 9)
CHANNELS = st.integers(1, 6)


def per_axis(values, axes):
    """One number for all axes, or one for each."""
    return values | st.tuples(*[values] * axes)


def some(**strategies):
    """Draw any of the optional arguments."""
    return st.fixed_dictionaries({}, optional=strategies)


def needed(**strategies):
    return st.fixed_dictionaries(strategies)


def joined(*parts):
    return st.tuples(*parts).map(lambda drawn: {key: value for part in drawn for key, value in part.items()})


FLAGS = st.booleans()
GROUPS = st.integers(1, 3) | st.integers(0, 6)
OUT = st.sampled_from([1, 2, 4, 6]) | st.integers(0, 6)
MODES = st.sampled_from(["zeros", "reflect", "replicate", "circular"])
ANY = st.lists(st.integers(1, 5), min_size=1, max_size=4).map(tuple)
# Merged with one channel, a batch looks untouched.
WIDE = st.lists(st.integers(2, 5), min_size=1, max_size=4).map(tuple)
MAPS = st.lists(st.integers(1, 6), min_size=2, max_size=4).map(tuple)
EPS = st.floats(1e-6, 0.1)
RUNNING = {"eps": EPS, "momentum": st.none() | st.floats(0, 1), "track_running_stats": FLAGS}
POWERS = {"alpha": st.floats(0, 1), "beta": st.floats(0, 1), "k": st.floats(1, 2)}
DIM = st.integers(-5, 5)
SCALES = st.integers(1, 4) | st.sampled_from([0.25, 0.3, 0.5, 1.5, 2.75])
RESIZE = ["nearest", "linear", "bilinear", "bicubic", "trilinear", "area", "nearest-exact"]


def of_axes(axes: int) -> dict:
    """Return shapes and arguments of the layers for a number of spatial axes."""
    large = 9 if axes < 3 else 5
    size = st.integers(1, large)
    maps = st.tuples(CHANNELS, *[size] * axes)
    rarely_any = maps | maps | maps | ANY
    kernels = per_axis(st.integers(1, 5) | st.integers(0, 5), axes)
    strides = per_axis(st.integers(1, 4) | st.integers(0, 4), axes)
    paddings = per_axis(st.integers(0, 3) | st.integers(-1, 9), axes)
    dilations = per_axis(st.integers(1, 3) | st.integers(0, 3), axes)
    placed = {"stride": strides, "dilation": dilations, "groups": GROUPS, "bias": FLAGS}
    conv = joined(
        needed(out_channels=OUT, kernel_size=kernels),
        # "reflect" with a negative padding crops in PyTorch; ours always refuses it.
        some(
            padding=per_axis(st.integers(0, 9), axes) | st.sampled_from(["same", "valid"]),
            padding_mode=MODES,
            **placed,
        ),
    )
    # By accident, a transposed 1×1 of dilation 0 runs on the CPU.
    transposed = joined(
        needed(out_channels=OUT, kernel_size=kernels),
        some(
            padding=paddings,
            output_padding=per_axis(st.integers(-1, 3), axes),
            **placed | {"dilation": per_axis(st.integers(1, 3), axes)},
        ),
    )
    pool = {"stride": st.none() | strides, "padding": paddings, "ceil_mode": FLAGS}
    means = {"count_include_pad": FLAGS} | ({"divisor_override": st.none() | st.integers(0, 3)} if axes > 1 else {})
    # A negative mirror image crops in PyTorch; ours refuses it.
    sides, mirrored = (v | st.tuples(*[v] * 2 * axes) for v in (st.integers(-3, 4), st.integers(0, 9)))
    adaptive = st.integers(0, large) if axes == 1 else per_axis(st.none() | st.integers(0, large), axes)
    vectors = rarely_any | st.tuples(CHANNELS) if axes == 1 else rarely_any
    return {
        f"{name}{axes}d": row
        for name, row in {
            "Conv": (rarely_any, conv),
            "ConvTranspose": (rarely_any, transposed),
            "MaxPool": (maps, joined(needed(kernel_size=kernels), some(dilation=dilations, **pool))),
            "AvgPool": (maps, joined(needed(kernel_size=kernels), some(**means, **pool))),
            "AdaptiveAvgPool": (maps, needed(output_size=adaptive)),
            "AdaptiveMaxPool": (maps, needed(output_size=adaptive)),
            "BatchNorm": (vectors, some(affine=FLAGS, bias=FLAGS, **RUNNING)),
            "InstanceNorm": (maps, some(affine=FLAGS, bias=FLAGS, **RUNNING)),
            "Dropout": (maps, some(p=st.floats(-0.5, 1.5), inplace=FLAGS)),
            "ZeroPad": (maps, needed(padding=sides)),
            "ReflectionPad": (maps, needed(padding=mirrored)),
            "ReplicationPad": (maps, needed(padding=mirrored)),
        }.items()
    }


# fmt: off
LAYERS = of_axes(1) | of_axes(2) | of_axes(3) | {
    "GroupNorm":         (ANY,                  joined(needed(num_groups=GROUPS), some(eps=EPS, affine=FLAGS, bias=FLAGS))),
    "LayerNorm":         (ANY,                  some(eps=EPS, elementwise_affine=FLAGS, bias=FLAGS, dims=st.integers(1, 5))),
    "RMSNorm":           (ANY,                  some(eps=st.none() | EPS, elementwise_affine=FLAGS, dims=st.integers(1, 5))),
    "LocalResponseNorm": (ANY,                  joined(needed(size=st.integers(1, 7)), some(**POWERS))),
    "ReLU":              (ANY,                  some(inplace=FLAGS)),
    "ReLU6":             (ANY,                  some(inplace=FLAGS)),
    "LeakyReLU":         (ANY,                  st.one_of(some(negative_slope=st.floats(-1, 1)), some(negative_slope=st.floats(0, 1), inplace=FLAGS))),
    "PReLU":             (ANY,                  some(num_parameters=st.integers(0, 5), init=st.floats(0, 1))),
    "ELU":               (ANY,                  some(alpha=st.floats(-1, 2), inplace=FLAGS)),
    "SELU":              (ANY,                  some(inplace=FLAGS)),
    "GELU":              (ANY,                  some(approximate=st.sampled_from(["none", "tanh", "erf"]))),
    "SiLU":              (ANY,                  some(inplace=FLAGS)),
    "Mish":              (ANY,                  some(inplace=FLAGS)),
    "Sigmoid":           (ANY,                  some()),
    "Tanh":              (ANY,                  some()),
    "Hardswish":         (ANY,                  some(inplace=FLAGS)),
    "Hardsigmoid":       (ANY,                  some(inplace=FLAGS)),
    "Softplus":          (ANY,                  some(beta=st.floats(0.5, 2), threshold=st.floats(1, 30))),
    "Softmax":           (ANY,                  needed(dim=DIM)),
    "LogSoftmax":        (ANY,                  needed(dim=DIM)),
    "Dropout":           (ANY,                  some(p=st.floats(-0.5, 1.5), inplace=FLAGS)),
    "Linear":            (st.tuples(CHANNELS),  joined(needed(out_features=OUT), some(bias=FLAGS))),
    "Flatten":           (WIDE,                 some(start_dim=DIM, end_dim=DIM)),
    "Unflatten":         (WIDE,                 needed(dim=DIM, unflattened_size=st.lists(st.integers(-1, 5), max_size=3).map(tuple))),
    "Identity":          (ANY,                  some()),
    "Upsample":          (MAPS,                 some(
        size=per_axis(st.integers(0, 6), 2), scale_factor=per_axis(SCALES, 2), mode=st.sampled_from(RESIZE),
        align_corners=st.none() | FLAGS, recompute_scale_factor=st.none() | FLAGS)),
    "PixelShuffle":      (st.tuples(st.sampled_from([1, 4, 8, 9]), SIZES, SIZES), needed(upscale_factor=st.integers(0, 3))),
    "PixelUnshuffle":    (st.tuples(CHANNELS, SIZES, SIZES), needed(downscale_factor=st.integers(0, 3))),
    "ChannelShuffle":    (ANY,                  needed(groups=st.integers(0, 4))),
}
# fmt: on


def test_every_layer_of_pytorch_is_compared():
    of_pytorch = {name for name in OPS if hasattr(nn, name)}

    assert of_pytorch == set(LAYERS)


@pytest.mark.parametrize("name", LAYERS)
def test_it_says_what_pytorch_says_and_refuses_what_pytorch_refuses(name):
    shapes, arguments = LAYERS[name]

    @settings(max_examples=200)
    @given(shapes, arguments)
    def compare(shape, arguments):
        expected = torch_layers.facts(name, arguments, shape)
        x = TensorType(shape)
        if expected is None:
            with pytest.raises((ArgumentError, ShapeError)):
                OPS[name](**arguments).output(x)
            return
        layer = OPS[name](**arguments)
        y = layer.output(x)

        assert y.shape == expected.output
        assert layer.weights(x) == expected.weights
        assert layer.buffers(x) == expected.buffers
        assert layer.macs((x,), y) == expected.macs
        assert torch_layers.written(torch_layers.constructed(layer.module(x))) == expected.written

    compare()
