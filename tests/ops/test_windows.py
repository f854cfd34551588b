"""What an output position reads, against what reaches it in PyTorch.

One position of the input is lit at a time, in every channel; the outputs that change are those that read it.
All weights are positive, so nothing cancels.
"""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archdsl.ops import FLAT, OPS, SAME, WHOLE, ArgumentError, Multiply, Reads, ShapeError, crop_like
from archdsl.sizes import symbol
from archdsl.tensors import TensorType
from oracles import torch_layers

torch = pytest.importorskip("torch")

Place = tuple[int, ...]


def read(window: Reads, output: int, size: int) -> set[int]:
    """Return the input positions on one axis that the window names, as `Reads` is documented."""
    j, f = divmod(output, len(window.taps))
    return {tap + window.shift * j for tap in window.taps[f]} & set(range(size))


def named(window, output: Place, sizes: Place) -> set[Place]:
    """Return the input positions that a window names for one output position."""
    if window is WHOLE:
        return set(product(*map(range, sizes)))
    if window is SAME:
        return {output}
    return set(product(*(read(reads, o, n) for reads, o, n in zip(window, output, sizes, strict=True))))


def reaching(module, shape: tuple[int, ...]) -> dict[Place, set[Place]]:
    """Return the input positions that each output position changes with."""
    places = list(product(*map(range, shape[1:])))
    dark = torch.full((len(places), *shape), 0.5, dtype=torch.float64)
    lit = dark.clone()
    for sample, place in enumerate(places):
        lit[(sample, slice(None), *place)] += torch.arange(1.0, shape[0] + 1)  # a softmax sees differences alone
    with torch.no_grad():
        # Interpolation computes its weights in floating point, and one that is zero may come out as 1e-17.
        changed = ((module(lit) - module(dark)).abs() > 1e-9).any(dim=1)
    found: dict[Place, set[Place]] = {output: set() for output in product(*map(range, changed.shape[1:]))}
    for sample, *output in changed.nonzero().tolist():
        found[tuple(output)].add(places[sample])
    return found


def positive(name: str, arguments: dict, shape: tuple[int, ...]):
    module = torch_layers.layer(name, arguments, shape, "cpu").double()
    for key, weight in module.named_parameters():
        torch.nn.init.constant_(weight, 0.0 if "bias" in key else 1.0)
    return module


def agrees(name: str, arguments: dict, shape: tuple[int, ...]) -> None:
    x = TensorType(shape)
    try:
        layer = OPS[name](**arguments)
        y = layer.output(x)
    except (ArgumentError, ShapeError):
        return
    window = layer.window((x,), y)

    assert {o: named(window, o, shape[1:]) for o in product(*map(range, y.spatial))} == reaching(
        positive(name, arguments, shape), shape
    )


SIZES = st.integers(1, 7)
MAPS = st.tuples(st.just(2), SIZES, SIZES)
SMALL = st.integers(1, 3)
PAIRS = st.tuples(SMALL, SMALL)
PADS = st.tuples(st.integers(0, 2), st.integers(0, 2))
CONV = st.fixed_dictionaries(
    {"out_channels": st.just(2), "kernel_size": st.tuples(st.integers(1, 5), st.integers(1, 5))},
    optional={"stride": PAIRS, "dilation": PAIRS, "groups": st.integers(1, 2)},
)


@pytest.mark.filterwarnings("ignore:Using padding='same'")
@settings(max_examples=60)
@given(MAPS, CONV, PADS | st.sampled_from(["same", "valid"]))
def test_a_convolution_reads_what_reaches_it(shape, arguments, padding):
    agrees("Conv2d", arguments | {"padding": padding}, shape)


@settings(max_examples=100)
@given(MAPS, CONV, PADS, st.just(0) | st.integers(0, 2))
def test_a_transposed_convolution_reads_what_reaches_it(shape, arguments, padding, output_padding):
    agrees("ConvTranspose2d", arguments | {"padding": padding, "output_padding": output_padding}, shape)


@settings(max_examples=60)
@given(MAPS, st.tuples(st.integers(1, 5), st.integers(1, 5)), st.none() | PAIRS, PADS, PAIRS, st.booleans())
def test_a_pool_reads_what_reaches_it(shape, kernel_size, stride, padding, dilation, ceil_mode):
    arguments = {"kernel_size": kernel_size, "stride": stride, "padding": padding, "ceil_mode": ceil_mode}
    agrees("AvgPool2d", arguments, shape)
    agrees("MaxPool2d", arguments | {"dilation": dilation}, shape)


@settings(max_examples=60)
@given(MAPS, st.tuples(st.none() | st.integers(1, 9), st.none() | st.integers(1, 9)))
def test_an_adaptive_pool_reads_what_reaches_it(shape, output_size):
    agrees("AdaptiveAvgPool2d", {"output_size": output_size}, shape)


@settings(max_examples=40)
@given(MAPS, st.tuples(st.none() | st.integers(1, 9), st.none() | st.integers(1, 9)))
def test_an_adaptive_maximum_reads_what_reaches_it(shape, output_size):
    agrees("AdaptiveMaxPool2d", {"output_size": output_size}, shape)


LINES = st.tuples(st.just(2), st.integers(1, 9))
CUBES = st.tuples(st.just(1), *[st.integers(1, 4)] * 3)


@settings(max_examples=60)
@given(LINES, st.integers(1, 4), SMALL, st.integers(0, 2), SMALL)
def test_windows_along_one_axis_read_what_reaches_them(shape, kernel_size, stride, padding, dilation):
    moved = {"kernel_size": kernel_size, "stride": stride, "padding": padding}
    agrees("Conv1d", {"out_channels": 2, "dilation": dilation} | moved, shape)
    agrees("ConvTranspose1d", {"out_channels": 2, "dilation": dilation} | moved, shape)
    agrees("MaxPool1d", {"dilation": dilation} | moved, shape)
    agrees("AvgPool1d", moved, shape)


@settings(max_examples=25)
@given(CUBES, st.tuples(SMALL, SMALL, SMALL), st.integers(1, 2), st.tuples(*[st.integers(0, 1)] * 3))
def test_windows_along_three_axes_read_what_reaches_them(shape, kernel_size, stride, padding):
    moved = {"kernel_size": kernel_size, "stride": stride, "padding": padding}
    agrees("Conv3d", {"out_channels": 1} | moved, shape)
    agrees("ConvTranspose3d", {"out_channels": 1} | moved, shape)
    agrees("MaxPool3d", moved, shape)


FACTORS = st.integers(1, 6) | st.sampled_from([0.5, 0.75, 1.2, 1.5, 2.2, 2.25, 0.25])
SIZED = st.fixed_dictionaries({"size": st.integers(1, 12)}) | st.fixed_dictionaries({"scale_factor": FACTORS})


@pytest.mark.parametrize("mode", ["nearest", "nearest-exact", "linear", "area"])
@settings(max_examples=80)
@given(st.tuples(st.just(1), st.integers(1, 9)), SIZED, st.booleans())
def test_a_resized_line_reads_what_reaches_it(mode, shape, arguments, align_corners):
    corners = {"align_corners": align_corners} if mode == "linear" else {}
    agrees("Upsample", {"mode": mode} | arguments | corners, shape)


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
@settings(max_examples=60)
@given(st.tuples(st.just(1), SIZES, SIZES), SIZED, st.booleans())
def test_a_resized_map_reads_what_reaches_it(mode, shape, arguments, align_corners):
    agrees("Upsample", {"mode": mode, "align_corners": align_corners} | arguments, shape)


@pytest.mark.parametrize(("size", "factor"), [(2, 2.25), (3, 2.2), (4, 2.2), (3, 1.2), (4, 1.2), (2, 1.4)])
@pytest.mark.parametrize("axes", [1, 2, 3])
def test_sizes_that_come_out_equal_or_doubled_are_copied_on_a_plane_alone(axes, size, factor):
    agrees("Upsample", {"mode": "nearest", "scale_factor": factor}, (1, *[size] * axes))


def test_too_many_phases_or_a_size_that_is_not_known_leave_it_open_and_any_factor_does_not():
    x, wide, open_ = TensorType((1, 10)), TensorType((1, 10_007)), TensorType((1, symbol("H")))
    third, sized, twice = (OPS["Upsample"](**a) for a in ({"scale_factor": 0.3}, {"size": 7}, {"scale_factor": 2}))
    many = OPS["Upsample"](size=5003, mode="linear")

    assert third.window((x,), third.output(x)) == (Reads(10, (range(1), range(3, 4), range(6, 7))),)
    assert many.window((wide,), many.output(wide)) == (None,)
    assert sized.window((open_,), sized.output(open_)) == (None,)
    assert twice.window((open_,), twice.output(open_)) == (Reads(1, (range(1), range(1))),)


@given(MAPS, st.tuples(*[st.integers(-2, 3)] * 4))
def test_a_pad_of_zeros_reads_what_it_leaves(shape, padding):
    agrees("ZeroPad2d", {"padding": padding}, shape)


@pytest.mark.parametrize("name", ["ReflectionPad2d", "ReplicationPad2d"])
def test_a_pad_from_the_map_reads_its_own_position_within_the_map(name):
    """Outside it, what is read depends on the border; fields are those of a plane without one."""
    x, pad = TensorType((1, 5, 5)), OPS[name]((2, 1, 0, 3))
    rows, columns = pad.window((x,), pad.output(x))

    assert (rows, columns) == (Reads(1, (range(0, 1),)), Reads(1, (range(-2, -1),)))


@pytest.mark.parametrize("factor", [1, 2, 3])
def test_shuffled_positions_read_what_reaches_them(factor):
    agrees("PixelShuffle", {"upscale_factor": factor}, (factor**2, 3, 2))
    agrees("PixelUnshuffle", {"downscale_factor": factor}, (2, 2 * factor, 3 * factor))
    agrees("ChannelShuffle", {"groups": factor}, (6, 3, 2))


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("Softmax", {"dim": 1}),
        ("Softmax", {"dim": 2}),
        ("Softmax", {"dim": -1}),
        ("LogSoftmax", {"dim": 3}),
        ("LayerNorm", {"dims": 1}),
        ("LayerNorm", {"dims": 2}),
        ("LayerNorm", {}),
        ("RMSNorm", {"dims": 1}),
        ("GroupNorm", {"num_groups": 1}),
        ("InstanceNorm2d", {}),
        ("InstanceNorm2d", {"affine": True}),
    ],
)
def test_what_is_normalised_along_an_axis_reads_all_of_it(name, arguments):
    agrees(name, arguments, (2, 3, 4))


@pytest.mark.parametrize("running", [True, False], ids=["running statistics", "statistics of the batch"])
def test_a_batch_norm_reads_every_position_where_it_keeps_no_statistics(running):
    agrees("BatchNorm2d", {"track_running_stats": running}, (2, 3, 4))


POINTWISE = """ReLU ReLU6 LeakyReLU PReLU ELU GELU SiLU Mish Sigmoid Tanh Hardswish Hardsigmoid Softplus
Dropout Dropout2d Identity LocalResponseNorm"""


@pytest.mark.parametrize("name", POINTWISE.split())
def test_a_layer_without_a_window_reads_its_own_position(name):
    agrees(name, {"size": 3} if name == "LocalResponseNorm" else {}, (2, 3, 4))


@given(
    st.tuples(st.just(1), SIZES, SIZES),
    st.fixed_dictionaries({}, optional={side: st.integers(0, 3) for side in ("left", "right", "top", "bottom")}),
)
def test_a_crop_reads_what_it_leaves(shape, sides):
    x, crop = TensorType(shape), OPS["crop"](**sides)
    try:
        y = crop.output(x)
    except ShapeError:
        assert shape[1] <= crop.top + crop.bottom or shape[2] <= crop.left + crop.right
        return
    rows = range(shape[1])[crop.top : shape[1] - crop.bottom]
    columns = range(shape[2])[crop.left : shape[2] - crop.right]

    assert y.shape == (1, len(rows), len(columns))
    assert {o: named(crop.window((x,), y), o, shape[1:]) for o in product(*map(range, y.spatial))} == {
        (i, j): {(rows[i], columns[j])} for i in range(len(rows)) for j in range(len(columns))
    }


# Taps by phase, worked by hand: which inputs the outputs 0, 1, ... read, before the ends are cut.
# fmt: off
TRANSPOSED = [
    # kernel stride padding dilation  phases
    (2,  2,  0,  1,  [[0], [0]]),
    (3,  2,  1,  1,  [[0], [0, 1]]),
    (3,  2,  0,  1,  [[-1, 0], [0]]),
    (4,  2,  1,  1,  [[-1, 0], [0, 1]]),
    (2,  3,  0,  1,  [[0], [0], []]),
    (4,  3,  0,  1,  [[-1, 0], [0], [0]]),
    (3,  2,  0,  2,  [[-2, -1, 0], []]),
    (3,  2,  0,  3,  [[-3, 0], [-1]]),
    (3,  1,  1,  2,  [[-3, -1, 1]]),
    (1,  1,  0,  1,  [[0]]),
    (3,  3,  0,  2,  [[0], [-1], [0]]),
    (4,  5,  0,  2,  [[0], [-1], [0], [], [0]]),
]
# fmt: on


@pytest.mark.parametrize(("kernel", "stride", "padding", "dilation", "phases"), TRANSPOSED)
def test_a_transposed_convolution_has_one_phase_per_residue_of_its_stride(kernel, stride, padding, dilation, phases):
    up = OPS["ConvTranspose2d"](1, kernel, stride=stride, padding=padding, dilation=dilation)
    rows, _ = up.window((), TensorType((1, 1, 1)))

    assert rows.shift == 1
    assert [list(taps) for taps in rows.taps] == phases


def test_an_adaptive_pool_that_does_not_divide_has_windows_that_overlap():
    x = TensorType((1, 224, 7))
    pool = OPS["AdaptiveAvgPool2d"]((7, 3))
    rows, columns = pool.window((x,), pool.output(x))

    assert rows == Reads(32, (range(0, 32),))
    assert columns == Reads(7, (range(0, 3), range(2, 5), range(4, 7)))


def test_a_pool_to_one_reads_everything_unless_there_is_one_position_only():
    pool = OPS["AdaptiveAvgPool2d"](1)
    single = Reads(1, (range(1),))

    assert pool.window((TensorType((8, 7, 7)),), TensorType((8, 1, 1))) is WHOLE
    assert pool.window((TensorType((8, 1, 7)),), TensorType((8, 1, 1))) is WHOLE
    assert pool.window((TensorType((8, symbol("H"), 1)),), TensorType((8, 1, 1))) is WHOLE
    assert pool.window((TensorType((8, 1, 1)),), TensorType((8, 1, 1))) == (single, single)


def test_what_an_adaptive_pool_reads_is_unknown_while_a_size_that_matters_is():
    x = TensorType((8, symbol("H"), symbol("W")))
    pool = OPS["AdaptiveAvgPool2d"]((7, None))

    assert pool.window((x,), pool.output(x)) == (None, Reads(1, (range(1),)))


def test_a_symbolic_crop_is_unknown_along_its_axis_alone():
    height = symbol("H")
    x, like = TensorType((1, 2 * height, 9)), TensorType((1, height, 5))
    crop = crop_like(x, like)

    assert crop.window((x,), crop.output(x)) == (None, Reads(1, (range(2, 3),)))


@pytest.mark.parametrize(
    ("shape", "arguments", "window"),
    [
        ((8, 5, 5), {}, FLAT),
        ((8, 1, 5), {}, FLAT),
        ((8, 5, 5), {"start_dim": 2}, FLAT),
        ((8, 1, 1), {}, SAME),
        ((8,), {}, SAME),
        ((8, 5, 5), {"start_dim": -1}, SAME),
    ],
)
def test_flatten_makes_vector_elements_of_positions_where_there_are_several(shape, arguments, window):
    x, flatten = TensorType(shape), OPS["Flatten"](**arguments)

    assert flatten.window((x,), flatten.output(x)) is window


def test_a_linear_layer_reads_its_whole_vector():
    assert OPS["Linear"](10).window((TensorType((4,)),), TensorType((10,))) is WHOLE


def test_every_position_of_a_product_reads_the_whole_gate():
    whole, gate = TensorType((8, 5, 7)), TensorType((8, 1, 1))

    assert Multiply().windows((whole, gate), whole) == (SAME, WHOLE)
    assert Multiply().windows((gate, whole), whole) == (WHOLE, SAME)
    assert Multiply().windows((gate, gate), gate) == (SAME, SAME)
    assert Multiply().windows((whole, whole), whole) == (SAME, SAME)
