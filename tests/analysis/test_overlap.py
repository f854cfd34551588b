"""Taps that meet in a position, against tables worked by hand and against PyTorch with weights of one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archdsl.analysis.overlap import Overlap, overlaps
from oracles.networks import bundled, chain


def only(text: str, *shape: int) -> Overlap:
    (found,) = overlaps(chain(text, *shape))
    return found


# fmt: off
FORWARD = [
    # kernel  stride  dilation  taps by phase   over two axes      MATHS, "Phases"
    (2,       2,      1,        (1, 1),         (1,)),
    (4,       2,      1,        (2, 2),         (4,)),
    (6,       2,      1,        (3, 3),         (9,)),
    (16,      8,      1,        (2,) * 8,       (4,)),
    (3,       2,      1,        (2, 1),         (4, 2, 1)),
    (5,       2,      1,        (3, 2),         (9, 6, 4)),
    (7,       2,      1,        (4, 3),         (16, 12, 9)),
    (4,       3,      1,        (2, 1, 1),      (4, 2, 1)),
    (5,       3,      1,        (2, 2, 1),      (4, 2, 1)),
    (2,       3,      1,        (1, 1, 0),      (1, 0)),
    (3,       2,      2,        (3, 0),         (9, 0)),
]
BACKWARD = [
    # layer                                             windows by position    over two axes
    ("Conv2d(2, 3, stride=2, padding=1)",               (1, 2),                (4, 2, 1)),
    ("Conv2d(2, 1, stride=2)",                          (1, 0),                (1, 0)),
    ("MaxPool2d(2)",                                    (1, 1),                (1,)),
    ("AvgPool2d(3, stride=2)",                          (2, 1),                (4, 2, 1)),
    ("Conv2d(2, 2, stride=3)",                          (1, 1, 0),             (1, 0)),
    ("Conv2d(2, 3, stride=2, dilation=2)",              (3, 0),                (9, 0)),
]
# fmt: on


@pytest.mark.parametrize(("kernel", "stride", "dilation", "taps", "together"), FORWARD)
def test_a_transposed_convolution_sums_these_taps_by_phase(kernel, stride, dilation, taps, together):
    found = only(f"ConvTranspose2d(1, {kernel}, stride={stride}, dilation={dilation})", 1, 9, 9)

    assert found.counts == (taps, taps)
    assert found.together == together
    assert found.is_even == (len(together) == 1)
    assert not found.backward


@pytest.mark.parametrize(("layer", "windows", "together"), BACKWARD, ids=[row[0] for row in BACKWARD])
def test_a_strided_layer_reads_a_position_by_so_many_windows(layer, windows, together):
    found = only(layer, 2, 24, 24)

    assert found.counts == (windows, windows)
    assert found.together == together
    assert found.backward


@given(
    kernel=st.integers(1, 9),
    stride=st.integers(1, 5),
    dilation=st.integers(1, 3),
    padding=st.integers(0, 4),
    transposed=st.booleans(),
)
def test_ones_times_ones_are_the_taps(kernel, stride, dilation, padding, transposed):
    """Forward the sum of a transposed convolution, backward the gradient of a convolution, away from the borders."""
    import torch
    from torch.nn import functional

    size, ones = 12 * stride * dilation + 6 * kernel * dilation, torch.ones(1, 1, kernel)
    if transposed:
        made = functional.conv_transpose1d(torch.ones(1, 1, size), ones, None, stride, padding, dilation=dilation)[0, 0]
        layer = f"ConvTranspose1d(1, {kernel}, stride={stride}, dilation={dilation}, padding={padding})"
    else:
        x = torch.ones(1, 1, size, requires_grad=True)
        (made,) = torch.autograd.grad(functional.conv1d(x, ones, None, stride, padding, dilation).sum(), x)
        made = made[0, 0]
        layer = f"Conv1d(1, {kernel}, stride={stride}, dilation={dilation}, padding={padding})"
    found = overlaps(chain(layer, 1, size))
    middle = size // stride // 2 * stride

    assert len(found) == (stride > 1)
    for overlap in found:
        assert overlap.counts == (tuple(map(int, made[middle : middle + stride].tolist())),)


def test_what_only_training_runs_is_left_out():
    paths = {found.node.path for found in overlaps(bundled("InceptionV3"))}

    assert "Conv2d_1a_3x3.conv" in paths
    assert not any(path.startswith("AuxLogits") for path in paths)
