"""The numpy reference against torch, against numbers worked by hand, and against what the operations promise."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from torch.nn import functional as F  # noqa: N812 - everyone's name for it

from archdsl.numpy_reference import (
    avg_pool2d,
    batch_norm,
    conv2d,
    conv_transpose2d,
    conv_transpose2d_by_zero_filling,
    max_pool2d,
    relu,
    residual_step,
    zero_fill,
)

SMALL = ((1.0, 2.0), (3.0, 4.0))


def pairs(least: int, most: int) -> st.SearchStrategy[int | tuple[int, int]]:
    """One number for both axes, or one for each."""
    return st.integers(least, most) | st.tuples(st.integers(least, most), st.integers(least, most))


def both(value: int | tuple[int, int]) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else value


def numbers(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape)


def whole_numbers(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(-9, 10, shape).astype(np.float64)


def torch_of(function, x, *arrays, **arguments) -> np.ndarray:
    """What torch answers, for one sample, without the batch axis that it needs."""
    tensors = [None if a is None else torch.from_numpy(a) for a in arrays]
    return function(torch.from_numpy(x)[None], *tensors, **arguments)[0].numpy()


@st.composite
def convolutions(draw, make=numbers):
    """An image, weights, a bias or none, and the arguments of a convolution that fits."""
    seed, groups = draw(st.integers(0, 2**32)), draw(st.integers(1, 3))
    taken, out = draw(st.integers(1, 3)), groups * draw(st.integers(1, 3))
    kernel, sizes = both(draw(pairs(1, 4))), both(draw(pairs(1, 9)))
    arguments = {"stride": draw(pairs(1, 4)), "padding": draw(pairs(0, 3)), "dilation": draw(pairs(1, 3))}
    spans = [d * (k - 1) + 1 for d, k in zip(both(arguments["dilation"]), kernel, strict=True)]
    assume(all(n + 2 * p >= r for n, p, r in zip(sizes, both(arguments["padding"]), spans, strict=True)))
    bias = make(seed + 2, out) if draw(st.booleans()) else None
    weight = make(seed + 1, out, taken, *kernel)
    return make(seed, groups * taken, *sizes), weight, bias, arguments | {"groups": groups}


@st.composite
def transposed_convolutions(draw, make=numbers):
    """An image, weights, a bias or none, and the arguments of a transposed convolution that leaves something."""
    seed, groups = draw(st.integers(0, 2**32)), draw(st.integers(1, 3))
    taken, out_per_group = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    kernel, sizes = both(draw(pairs(1, 4))), both(draw(pairs(1, 5)))
    stride, dilation, padding = (both(draw(pairs(least, 3))) for least in (1, 1, 0))
    extra = tuple(draw(st.integers(0, max(s, d) - 1)) for s, d in zip(stride, dilation, strict=True))
    axes = zip(sizes, kernel, stride, dilation, padding, extra, strict=True)
    assume(all((n - 1) * s - 2 * p + d * (k - 1) + 1 + e > 0 for n, k, s, d, p, e in axes))
    bias = make(seed + 2, groups * out_per_group) if draw(st.booleans()) else None
    weight = make(seed + 1, groups * taken, out_per_group, *kernel)
    arguments = {"stride": stride, "padding": padding, "output_padding": extra, "dilation": dilation}
    return make(seed, groups * taken, *sizes), weight, bias, arguments | {"groups": groups}


@st.composite
def pools(draw, most_dilation: int):
    """An image, a kernel, and the arguments of a pool that fits."""
    kernel, sizes = both(draw(pairs(1, 4))), both(draw(pairs(1, 9)))
    padding = tuple(draw(st.integers(0, k // 2)) for k in kernel)
    dilation = both(draw(pairs(1, most_dilation)))
    axes = zip(sizes, padding, kernel, dilation, strict=True)
    assume(all(n + 2 * p >= d * (k - 1) + 1 for n, p, k, d in axes))
    arguments = {"stride": draw(st.none() | pairs(1, 4)), "padding": padding}
    arguments |= {"dilation": dilation} if most_dilation > 1 else {}
    return numbers(draw(st.integers(0, 2**32)), draw(st.integers(1, 3)), *sizes), kernel, arguments


# Against torch.


@given(convolutions())
def test_a_convolution_is_what_torch_computes(case):
    x, weight, bias, arguments = case

    np.testing.assert_allclose(
        conv2d(x, weight, bias, **arguments), torch_of(F.conv2d, x, weight, bias, **arguments), rtol=1e-10, atol=1e-10
    )


@given(transposed_convolutions())
def test_a_transposed_convolution_is_what_torch_computes(case):
    x, weight, bias, arguments = case
    expected = torch_of(F.conv_transpose2d, x, weight, bias, **arguments)

    np.testing.assert_allclose(conv_transpose2d(x, weight, bias, **arguments), expected, rtol=1e-10, atol=1e-10)


@given(pools(most_dilation=3))
def test_a_max_pool_is_what_torch_computes(case):
    x, kernel, arguments = case

    np.testing.assert_array_equal(
        max_pool2d(x, kernel, **arguments), torch_of(F.max_pool2d, x, kernel_size=kernel, **arguments)
    )


@given(pools(most_dilation=1))
def test_an_average_pool_is_what_torch_computes(case):
    x, kernel, arguments = case
    expected = torch_of(F.avg_pool2d, x, kernel_size=kernel, **arguments)

    np.testing.assert_allclose(avg_pool2d(x, kernel, **arguments), expected, rtol=1e-10, atol=1e-10)


@given(seed=st.integers(0, 2**32), channels=st.integers(1, 4), eps=st.floats(1e-6, 1.0))
def test_a_batch_norm_is_what_torch_computes_in_evaluation(seed, channels, eps):
    x, mean, weight, bias = numbers(seed, channels, 3, 4), *numbers(seed + 1, 3, channels)
    variance = numbers(seed + 2, channels) ** 2
    expected = torch_of(F.batch_norm, x, mean, variance, weight, bias, eps=eps)

    np.testing.assert_allclose(batch_norm(x, mean, variance, weight, bias, eps=eps), expected, rtol=1e-9, atol=1e-9)


def test_a_residual_step_is_what_torch_computes_with_and_without_a_projection():
    x, same, wider, shortcut = (
        numbers(1, 2, 6, 6),
        numbers(2, 2, 2, 3, 3),
        numbers(3, 4, 2, 3, 3),
        numbers(4, 4, 2, 1, 1),
    )
    plain = x + torch_of(F.conv2d, x, same, padding=1)
    projected = torch_of(F.conv2d, x, shortcut, stride=2) + torch_of(F.conv2d, x, wider, stride=2, padding=1)

    np.testing.assert_allclose(residual_step(x, lambda h: conv2d(h, same, padding=1)), plain)
    np.testing.assert_allclose(
        residual_step(x, lambda h: conv2d(h, wider, stride=2, padding=1), lambda h: conv2d(h, shortcut, stride=2)),
        projected,
    )


# What the operations promise each other.


@given(transposed_convolutions(whole_numbers))
def test_zero_filling_equals_scattering_to_the_last_bit_on_whole_numbers(case):
    x, weight, bias, arguments = case

    np.testing.assert_array_equal(
        conv_transpose2d_by_zero_filling(x, weight, bias, **arguments), conv_transpose2d(x, weight, bias, **arguments)
    )


@given(convolutions(whole_numbers))
def test_the_transposed_convolution_is_the_adjoint_of_the_convolution(case):
    """⟨conv(x), y⟩ = ⟨x, convT(y)⟩ with the same weight, exactly on whole numbers."""
    x, weight, _, arguments = case
    seen = conv2d(x, weight, **arguments)
    y = whole_numbers(int(abs(x).sum()), *seen.shape)
    # What the last stride dropped comes back as output padding; it is below the stride, so the arguments fit.
    axes = zip(
        x.shape[1:], weight.shape[2:], *(both(arguments[a]) for a in ("stride", "padding", "dilation")), strict=True
    )
    dropped = tuple((n + 2 * p - d * (k - 1) - 1) % s for n, k, s, p, d in axes)
    back = conv_transpose2d(y, weight, output_padding=dropped, **arguments)

    assert back.shape == x.shape
    assert np.vdot(seen, y) == np.vdot(x, back)


def test_the_transposed_convolution_multiplies_by_the_transpose_of_the_convolution_s_matrix():
    """Dumoulin & Visin 2016, §4.1: a 3 × 3 kernel over 4 × 4 is a 4 × 16 matrix."""
    kernel = np.arange(1.0, 10.0).reshape(3, 3)
    matrix = np.zeros((4, 16))
    for output, corner in enumerate((0, 1, 4, 5)):
        for row in range(3):
            matrix[output, corner + 4 * row : corner + 4 * row + 3] = kernel[row]

    x, y = whole_numbers(0, 16), whole_numbers(1, 4)

    np.testing.assert_array_equal(conv2d(x.reshape(1, 4, 4), [[kernel]]).ravel(), matrix @ x)
    np.testing.assert_array_equal(conv_transpose2d(y.reshape(1, 2, 2), [[kernel]]).ravel(), matrix.T @ y)


# By hand.


def test_a_convolution_does_not_flip_its_kernel():
    """1·10 + 2·20 + 3·30 + 4·40 = 300; flipped it would be 1·40 + 2·30 + 3·20 + 4·10 = 200."""
    assert conv2d([SMALL], [[[[10, 20], [30, 40]]]], [5]).tolist() == [[[305]]]


def test_stamps_of_the_stride_s_size_lie_side_by_side():
    """A 2 × 2 kernel at stride 2: every input is replaced by itself times the kernel."""
    kernel = [[1, 10], [100, 1000]]

    assert conv_transpose2d([SMALL], [[kernel]], stride=2).tolist() == [
        [
            [1, 10, 2, 20],
            [100, 1000, 200, 2000],
            [3, 30, 4, 40],
            [300, 3000, 400, 4000],
        ]
    ]


def test_stamps_wider_than_the_stride_add_up_where_they_overlap():
    """A 3 × 3 kernel of ones at stride 2, step by step: one stamp an input, at rows and columns 0 and 2."""
    first = [[1, 1, 1, 0, 0], [1, 1, 1, 0, 0], [1, 1, 1, 0, 0], [0, 0, 0, 0, 0], [0, 0, 0, 0, 0]]
    second = [[0, 0, 2, 2, 2], [0, 0, 2, 2, 2], [0, 0, 2, 2, 2], [0, 0, 0, 0, 0], [0, 0, 0, 0, 0]]
    third = [[0, 0, 0, 0, 0], [0, 0, 0, 0, 0], [3, 3, 3, 0, 0], [3, 3, 3, 0, 0], [3, 3, 3, 0, 0]]
    fourth = [[0, 0, 0, 0, 0], [0, 0, 0, 0, 0], [0, 0, 4, 4, 4], [0, 0, 4, 4, 4], [0, 0, 4, 4, 4]]
    total = [[1, 1, 3, 2, 2], [1, 1, 3, 2, 2], [4, 4, 10, 6, 6], [3, 3, 7, 4, 4], [3, 3, 7, 4, 4]]
    kernel = np.ones((1, 1, 3, 3))

    for place, stamp in zip(np.ndindex(2, 2), (first, second, third, fourth), strict=True):
        alone = np.zeros((1, 2, 2))
        alone[0][place] = SMALL[place[0]][place[1]]
        assert conv_transpose2d(alone, kernel, stride=2).tolist() == [stamp]
    assert conv_transpose2d([SMALL], kernel, stride=2).tolist() == [total]
    assert conv_transpose2d([SMALL], kernel, stride=2, padding=1).tolist() == [[row[1:4] for row in total[1:4]]]


def test_a_triangular_kernel_interpolates():
    """½, 1, ½ at stride 2 keeps the values and puts their means in between."""
    kernel = [[[[0.5, 1, 0.5]]]]

    assert conv_transpose2d([[[2, 4, 8]]], kernel, stride=(1, 2), padding=(0, 1)).tolist() == [[[2, 3, 4, 6, 8]]]


# fmt: off
OVERLAPS = [
    # kernel  stride  dilation  how many stamps reach each of the outputs in the middle, by phase
    (2,       2,      1,        [1, 1]),
    (4,       2,      1,        [2, 2]),
    (3,       2,      1,        [2, 1]),
    (5,       2,      1,        [3, 2]),
    (4,       3,      1,        [2, 1, 1]),
    (5,       3,      1,        [2, 2, 1]),
    (2,       3,      1,        [1, 1, 0]),
    (3,       2,      2,        [3, 0]),
]
# fmt: on


@pytest.mark.parametrize(("kernel", "stride", "dilation", "counts"), OVERLAPS)
def test_ones_stamped_with_ones_count_the_stamps_at_each_output(kernel, stride, dilation, counts):
    """Odena, Dumoulin & Olah 2016, "Deconvolution and Checkerboard Artifacts": uneven counts make the pattern."""
    row = conv_transpose2d(np.ones((1, 1, 9)), np.ones((1, 1, 1, kernel)), stride=(1, stride), dilation=dilation)[0, 0]

    assert row[4 * stride : 5 * stride].tolist() == counts


def test_an_output_that_no_stamp_reaches_is_the_bias():
    row = conv_transpose2d([[[1, 2]]], [[[[1, 1]]]], [7], stride=(1, 3), output_padding=(0, 1))

    assert row.tolist() == [[[8, 8, 7, 9, 9, 7]]]


def test_output_padding_makes_real_outputs_and_not_zeros():
    """k3 s2 p1: the one input's stamp is 3 wide; padding cuts it to its middle, output padding keeps the right part."""
    row = conv_transpose2d([[[5]]], [[[[1, 2, 3]]]], stride=2, padding=(0, 1), output_padding=(0, 1))

    assert row.tolist() == [[[10, 15]]]


def test_zero_filling_keeps_values_a_stride_apart():
    assert zero_fill([SMALL], (2, 3)).tolist() == [[[1, 0, 0, 2], [0, 0, 0, 0], [3, 0, 0, 4]]]
    assert zero_fill([SMALL], 1).tolist() == [[[1, 2], [3, 4]]]


def test_a_max_pool_never_answers_with_its_padding():
    assert max_pool2d([[[-1, -2], [-3, -4]]], 3, stride=1, padding=1).tolist() == [[[-1, -1], [-1, -1]]]


def test_an_average_pool_counts_its_padding_as_zeros():
    """Every 2 × 2 window of the padded 2 × 2 image holds one value and three zeros."""
    assert avg_pool2d([SMALL], 2, padding=1).tolist() == [[[0.25, 0.5], [0.75, 1.0]]]


def test_a_batch_norm_centres_and_scales_each_channel():
    """(5 − 1) / √4 · 3 + 10 = 16 and (1 − 1) / √4 · 3 + 10 = 10; the second channel has variance 9."""
    y = batch_norm([[[5, 1]], [[3, -6]]], [1, 0], [4, 9], [3, 1], [10, 0], eps=0)

    assert y.tolist() == [[[16, 10]], [[1, -2]]]


def test_a_batch_norm_without_weight_and_bias_only_standardises():
    assert batch_norm([[[5, 1]]], 1, 4, eps=0).tolist() == [[[2, 0]]]


def test_eps_is_added_to_the_variance_and_not_to_its_root():
    assert batch_norm([[[6]]], [0], [5], eps=4).tolist() == [[[2]]]


def test_a_relu_cuts_off_what_is_negative():
    assert relu([-2, 0, 3]).tolist() == [0, 0, 3]


def test_a_residual_step_whose_branch_says_nothing_is_the_identity():
    assert residual_step([1, -2], lambda h: 0 * h).tolist() == [1, -2]


def test_a_residual_step_adds_the_branch_before_any_relu():
    assert residual_step([1, -2], relu).tolist() == [2, -2]
    assert residual_step([1, -2], relu, lambda h: 10 * h).tolist() == [11, -20]


def test_a_branch_that_writes_into_its_input_changes_nothing_else():
    x = np.array([1.0, 2.0])

    def doubling(h):
        h *= 2
        return h

    assert residual_step(x, doubling).tolist() == [3, 6]
    assert residual_step(x, doubling, doubling).tolist() == [4, 8]
    assert x.tolist() == [1, 2]


def test_the_arguments_are_left_as_they_were():
    x, weight = numbers(0, 2, 4, 4), numbers(1, 2, 2, 3, 3)
    before = x.copy(), weight.copy()

    for operation in (conv2d, conv_transpose2d, conv_transpose2d_by_zero_filling):
        operation(x, weight, padding=1)[:] = 0
    for operation in (lambda: max_pool2d(x, 1), lambda: zero_fill(x, 1), lambda: relu(x), lambda: avg_pool2d(x, 1)):
        operation()[:] = 0

    np.testing.assert_array_equal(x, before[0])
    np.testing.assert_array_equal(weight, before[1])


# What does not fit.

IMAGE, KERNEL = np.ones((2, 5, 5)), np.ones((4, 2, 3, 3))
UP = np.ones((2, 4, 3, 3))

# fmt: off
MISFITS = [
    (lambda: conv2d(np.ones((1, 2, 5, 5)), KERNEL),                  "given as (1, 2, 5, 5)"),
    (lambda: conv2d(IMAGE, np.ones((3, 3))),                         "given as (3, 3)"),
    (lambda: conv2d(np.ones((3, 5, 5)), KERNEL),                     "weight (4, 2, 3, 3), read as out ×"),
    (lambda: conv2d(IMAGE, np.ones((3, 1, 3, 3)), groups=2),         "3, no multiple of groups=2"),
    (lambda: conv2d(IMAGE, np.ones((3, 1, 3, 3)), groups=3),         "2, no multiple of groups=3"),
    (lambda: conv2d(IMAGE, KERNEL, groups=0),                        "groups is 0"),
    (lambda: conv2d(IMAGE, KERNEL, groups=(1, 1)),                   "groups is (1, 1)"),
    (lambda: conv2d(IMAGE, KERNEL, np.ones(3)),                      "for each of 4 channels"),
    (lambda: conv2d(np.ones((2, 2, 9)), KERNEL),                     "(3, 3), more than the padded"),
    (lambda: conv2d(np.ones((2, 9, 4)), KERNEL, dilation=2),         "(5, 5), more than the padded"),
    (lambda: conv2d(IMAGE, KERNEL, stride=0),                        "stride is 0"),
    (lambda: conv2d(IMAGE, KERNEL, stride=1.5),                      "stride is 1.5"),
    (lambda: conv2d(IMAGE, KERNEL, stride=(1, 1, 1)),                "stride is (1, 1, 1)"),
    (lambda: conv2d(IMAGE, KERNEL, padding=(0, -1)),                 "padding is -1"),
    (lambda: conv2d(IMAGE, KERNEL, padding="same"),                  "padding is 'same'"),
    (lambda: relu("cat"),                                            "no real numbers"),
    (lambda: relu([1j]),                                             "no real numbers"),
    (lambda: relu([]),                                               "no real numbers: it is (0,)"),
    (lambda: relu([[1, 2], [3]]),                                    "its rows differ in length"),
    (lambda: conv_transpose2d(IMAGE, KERNEL),                        "(4, 2, 3, 3), read as C ×"),
    (lambda: conv_transpose2d_by_zero_filling(IMAGE, KERNEL),        "(4, 2, 3, 3), read as C ×"),
    (lambda: conv_transpose2d(IMAGE, UP, np.ones(2)),                "for each of 4 channels"),
    (lambda: conv_transpose2d(IMAGE, UP, output_padding=1),          "output_padding is 1; it is less"),
    (lambda: conv_transpose2d(IMAGE, UP, padding=4),                 "all of the 7 × 7"),
    (lambda: conv_transpose2d(IMAGE, UP[..., :2, :], padding=(3, 0)), "all of the 6 × 7"),
    (lambda: conv_transpose2d(IMAGE, UP[..., :2], padding=(0, 3)),   "all of the 7 × 6"),
    (lambda: conv_transpose2d_by_zero_filling(IMAGE, UP, padding=4), "all of the 7 × 7"),
    (lambda: max_pool2d(IMAGE, 3, padding=2),                        "half of the kernel size (3, 3)"),
    (lambda: avg_pool2d(IMAGE, 6),                                   "(6, 6), more than the padded"),
    (lambda: batch_norm(IMAGE, np.zeros(3), np.ones(2)),             "mean has one number for each of 2"),
    (lambda: batch_norm(IMAGE, np.zeros(2), [1, -1]),                "the least variance is -1"),
    (lambda: batch_norm(IMAGE, 0, 0, eps=0),                         "eps is not positive"),
    (lambda: residual_step(IMAGE, lambda h: h[:, ::2]),              "without a projection x is (2, 5, 5)"),
    (lambda: residual_step(IMAGE, lambda h: h[:1]),                  "but branch(x) is (1, 5, 5)"),
    (lambda: residual_step(IMAGE, relu, lambda h: h[:1]),            "projection(x) is (1, 5, 5)"),
]
# fmt: on


@pytest.mark.parametrize(("call", "message"), MISFITS)
def test_what_does_not_fit_is_named_with_its_numbers(call, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        call()
