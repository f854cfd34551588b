"""Every layer against PyTorch's, over arguments that fit and arguments that do not."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archdsl.ops import OPS, ArgumentError, ShapeError
from archdsl.tensors import TensorType
from oracles import torch_layers

pytest.importorskip("torch")

SIZES = st.integers(1, 9)
CHANNELS = st.integers(1, 6)


def per_axis(values):
    """One number for both axes, or one for each."""
    return values | st.tuples(values, values)


def some(**strategies):
    """Draw any of the optional arguments."""
    return st.fixed_dictionaries({}, optional=strategies)


def needed(**strategies):
    return st.fixed_dictionaries(strategies)


def joined(*parts):
    return st.tuples(*parts).map(lambda drawn: {key: value for part in drawn for key, value in part.items()})


KERNELS = per_axis(st.integers(1, 5) | st.integers(0, 5))
STRIDES = per_axis(st.integers(1, 4) | st.integers(0, 4))
PADDINGS = per_axis(st.integers(0, 3) | st.integers(-1, 9))
DILATIONS = per_axis(st.integers(1, 3) | st.integers(0, 3))
GROUPS = st.integers(1, 3) | st.integers(0, 6)
OUT = st.sampled_from([1, 2, 4, 6]) | st.integers(0, 6)
FLAGS = st.booleans()
MODES = st.sampled_from(["zeros", "reflect", "replicate", "circular"])
POOL = {"stride": st.none() | STRIDES, "padding": PADDINGS, "ceil_mode": FLAGS}
MAPS = st.tuples(CHANNELS, SIZES, SIZES)
ANY = st.lists(st.integers(1, 5), min_size=1, max_size=4).map(tuple)
# Merged with one channel, a batch looks untouched.
WIDE = st.lists(st.integers(2, 5), min_size=1, max_size=4).map(tuple)
RARELY_ANY = MAPS | MAPS | MAPS | ANY

PLACED = {"stride": STRIDES, "dilation": DILATIONS, "groups": GROUPS, "bias": FLAGS}
CONV = joined(
    needed(out_channels=OUT, kernel_size=KERNELS),
    # "reflect" with a negative padding crops in PyTorch; ours always refuses it.
    some(padding=per_axis(st.integers(0, 9)) | st.sampled_from(["same", "valid"]), padding_mode=MODES, **PLACED),
)
POSITIVE = {"dilation": per_axis(st.integers(1, 3))}  # by accident, a transposed 1×1 of dilation 0 runs on the CPU
TRANSPOSED = joined(
    needed(out_channels=OUT, kernel_size=KERNELS),
    some(padding=PADDINGS, output_padding=per_axis(st.integers(-1, 3)), **PLACED | POSITIVE),
)
MEANS = {"count_include_pad": FLAGS, "divisor_override": st.none() | st.integers(0, 3)}
RUNNING = {"momentum": st.none() | st.floats(0, 1), "track_running_stats": FLAGS}
POWERS = {"alpha": st.floats(0, 1), "beta": st.floats(0, 1), "k": st.floats(1, 2)}

# fmt: off
LAYERS = {
    "Conv2d":            (RARELY_ANY,           CONV),
    "ConvTranspose2d":   (RARELY_ANY,           TRANSPOSED),
    "MaxPool2d":         (MAPS,                 joined(needed(kernel_size=KERNELS), some(dilation=DILATIONS, **POOL))),
    "AvgPool2d":         (MAPS,                 joined(needed(kernel_size=KERNELS), some(**MEANS, **POOL))),
    "AdaptiveAvgPool2d": (MAPS,                 needed(output_size=per_axis(st.none() | st.integers(0, 9)))),
    "BatchNorm2d":       (RARELY_ANY,           some(eps=st.floats(1e-6, 0.1), affine=FLAGS, bias=FLAGS, **RUNNING)),
    "LocalResponseNorm": (ANY,                  joined(needed(size=st.integers(1, 7)), some(**POWERS))),
    "ReLU":              (ANY,                  some(inplace=FLAGS)),
    "Tanh":              (ANY,                  some()),
    "Sigmoid":           (ANY,                  some()),
    "SiLU":              (ANY,                  some(inplace=FLAGS)),
    "Dropout":           (ANY,                  some(p=st.floats(-0.5, 1.5), inplace=FLAGS)),
    "Linear":            (st.tuples(CHANNELS),  joined(needed(out_features=OUT), some(bias=FLAGS))),
    "Flatten":           (WIDE,                 some(start_dim=st.integers(-5, 5), end_dim=st.integers(-5, 5))),
    "Identity":          (ANY,                  some()),
}
# fmt: on


def test_every_layer_of_pytorch_is_compared():
    of_pytorch = {name for name, op in OPS.items() if op.is_module and "torchvision" not in op.source}

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
