"""Flattening, cropping and taking channels; and the layers on vectors, which come after."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archdsl.ops import OPS, ShapeError, crop_like
from archdsl.sizes import symbol
from archdsl.tensors import TensorType

Flatten, Linear, Crop, Chunk = OPS["Flatten"], OPS["Linear"], OPS["crop"], OPS["chunk"]

CROPS = (
    "`crop` takes `start` and `end` of [c, l], `left`, `right`, `top` and `bottom` of [c, h, w], "
    "and `front` and `back` too of [c, d, h, w], but gets "
)

# fmt: off
CASES = [
    # layer, input, output
    (Flatten(),               (16, 5, 5),     (400,)),
    (Flatten(),               (400,),         (400,)),
    (Flatten(2),              (768, 14, 14),  (768, 196)),
    (Flatten(1, 2),           (16, 5, 7),     (80, 7)),
    (Flatten(-3),             (16, 5, 7),     (560,)),
    (Flatten(0, 0),           (16, 5, 7),     (16, 5, 7)),
    (Crop(left=1, bottom=2),  (3, 10, 10),    (3, 8, 9)),
    (Crop(1, 2, 3, 4),        (3, 10, 10),    (3, 3, 7)),
    (Crop(start=3),           (3, 10),        (3, 7)),
    (Chunk(0, 24),            (58, 28, 28),   (24, 28, 28)),
    (Chunk(24, 34),           (58, 28, 28),   (34, 28, 28)),
    (Linear(120),             (400,),         (120,)),
]

REFUSED = [
    # layer, input, rule, message
    (Flatten(0),             (16, 5, 5),    "wrong-rank",
     "`start_dim` 0 is the batch, which stays as it is"),
    (Flatten(3, 2),          (16, 5, 5),    "wrong-rank",
     "`start_dim` 3 comes after `end_dim` 2 in [16, 5, 5]"),
    (Flatten(1, 4),          (16, 5, 5),    "wrong-rank",
     "`end_dim` 4 does not exist in [16, 5, 5], whose axes are 0 (the batch) to 3"),
    (Crop(left=5, right=5),  (3, 10, 10),   "shape-mismatch",
     "`crop` takes 5 + 5 of 10, which leaves nothing"),
    (Crop(left=5),           (3, 10),       "wrong-rank",
     CROPS + "[3, 10]"),
    (Crop(start=5),          (3, 10, 10),   "wrong-rank",
     CROPS + "[3, 10, 10]"),
    (Chunk(24, 35),          (58, 28, 28),  "shape-mismatch",
     "cannot take channels 24 to 58 of [58, 28, 28]"),
    (Linear(10),             (512, 7, 7),   "linear-on-map",
     "`Linear` works on a vector, but gets the map [512, 7, 7]"),
]
# fmt: on


@pytest.mark.parametrize(("layer", "shape", "output"), CASES, ids=[str(c[0]) for c in CASES])
def test_the_shape_is_the_one_worked_by_hand(layer, shape, output):
    assert layer.output(TensorType(shape)).shape == output


@pytest.mark.parametrize(("layer", "shape", "rule", "message"), REFUSED, ids=[str(c[0]) for c in REFUSED])
def test_what_does_not_fit_is_refused(layer, shape, rule, message):
    with pytest.raises(ShapeError) as refusal:
        layer.output(TensorType(shape))

    assert (str(refusal.value), refusal.value.rule) == (message, rule)


def test_a_linear_layer_on_a_map_is_told_to_flatten_or_pool():
    with pytest.raises(ShapeError) as refusal:
        Linear(10, bias=False).output(TensorType((512, 7, 7)))

    assert refusal.value.help == (
        "flatten it first: `Flatten -> Linear(10, bias=false)`, or pool it to [512, 1, 1] before that"
    )


def test_flattening_an_open_size_asks_for_a_number():
    with pytest.raises(ShapeError) as refusal:
        Flatten().output(TensorType((8, symbol("H"), 4)))

    assert refusal.value.rule == "size-needed"
    assert str(refusal.value) == "`Flatten` needs a known input size, but gets [8, H, 4]"
    assert "AdaptiveAvgPool2d(1)" in (refusal.value.help or "")


def test_lenets_first_linear_layer_has_48_120_parameters():
    x, fc1 = TensorType((400,)), Linear(120)

    assert fc1.weights(x) == {"weight": (120, 400), "bias": (120,)}
    assert 120 * 400 + 120 == 48_120
    assert fc1.macs((x,), fc1.output(x)) == 48_000


# fmt: off
CENTRES = [
    # x              like             left, right, top, bottom
    ((512, 64, 64),   (512, 56, 56),    (4, 4, 4, 4)),
    ((64, 568, 568),  (128, 392, 392),  (88, 88, 88, 88)),
    ((1, 10, 10),     (9, 7, 10),       (0, 0, 1, 2)),
    ((1, 10, 10),     (9, 10, 9),       (0, 1, 0, 0)),
]
# fmt: on


@pytest.mark.parametrize(("x", "like", "sides"), CENTRES)
def test_a_crop_to_a_likeness_takes_the_centre_and_leaves_an_odd_rest_at_the_end(x, like, sides):
    crop = crop_like(TensorType(x), TensorType(like))

    assert crop == Crop(*sides)
    assert crop.output(TensorType(x)).spatial == like[1:]


def test_a_crop_to_a_likeness_works_along_one_axis():
    assert crop_like(TensorType((1, 10)), TensorType((1, 7))) == Crop(start=1, end=2)


def test_a_crop_to_a_likeness_works_along_three_axes():
    crop = crop_like(TensorType((1, 10, 9, 8)), TensorType((1, 7, 9, 4)))

    assert crop == Crop(front=1, back=2, left=2, right=2)
    assert crop.output(TensorType((1, 10, 9, 8))).shape == (1, 7, 9, 4)


def test_a_crop_to_something_larger_is_refused():
    with pytest.raises(ShapeError, match=r"cannot crop \[1, 10, 10\] like \[1, 9, 11\]: 10 is smaller than 11"):
        crop_like(TensorType((1, 10, 10)), TensorType((1, 9, 11)))
    with pytest.raises(ShapeError, match=r"both need the same one to three spatial axes"):
        crop_like(TensorType((1, 10, 10)), TensorType((1, 10)))


@given(st.integers(4, 60))
def test_a_symbolic_crop_leaves_what_a_crop_of_numbers_leaves(n):
    height = symbol("H")
    crop = crop_like(TensorType((1, height, 9)), TensorType((1, height // 2 + 1, 5)))
    cut = crop_like(TensorType((1, n, 9)), TensorType((1, n // 2 + 1, 5)))

    assert (crop.left, crop.right) == (cut.left, cut.right) == (2, 2)
    assert (crop.top.at(n), crop.bottom.at(n)) == (cut.top, cut.bottom)
    assert crop.output(TensorType((1, height, 9))).shape[1].at(n) == n // 2 + 1


@pytest.mark.parametrize("name", ["ReLU", "Tanh", "Sigmoid", "SiLU", "Identity", "Dropout"])
@pytest.mark.parametrize("shape", [(10,), (3, 100), (3, 8, 9), (3, 4, 8, 9)])
def test_a_function_of_each_element_takes_any_shape_and_keeps_it(name, shape):
    layer, x = OPS[name](), TensorType(shape)

    assert layer.output(x) == x
    assert (layer.weights(x), layer.buffers(x), layer.macs((x,), x)) == ({}, {}, 0)
