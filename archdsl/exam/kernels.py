"""The kernels with which transposed convolutions interpolate."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from math import prod
from typing import Any

from archdsl.exam.data import MOST_NUMBERS, Tensor
from archdsl.ops import Op
from archdsl.ops.conv import ConvTranspose
from archdsl.ops.resize import LINEAR, Upsample


def kernel(op: Op, axes: int) -> Tensor:
    """Return the kernel with which a transposed convolution of one channel interpolates.

    For an `Upsample` by a whole factor it is the kernel of the transposed convolution that does the same away from the
    border. Along an axis of stride s and size k the weights are those of linear interpolation, max(0, 1 − |i − c| / s)
    around the centre c = (k − 1) / 2.

    Source: Long, Shelhamer & Darrell 2015, arXiv:1411.4038, section 3.3.

    Raises:
        ValueError: it is no such layer, or its kernel is too small to reach from one input position to the next.
    """
    if isinstance(op, ConvTranspose):
        if any(gap != 1 for gap in op.dilation):
            raise ValueError("a dilated kernel does not interpolate")
        sides = [_tent(size, step) for size, step in zip(op.kernel_size, op.stride, strict=True)]
    elif isinstance(op, Upsample):
        sides = [_side(op, factor) for factor in _factors(op, axes)]
    else:
        raise ValueError(f"`{op.name}` has no interpolation kernel: a transposed convolution or `Upsample` has")
    shape = tuple(map(len, sides))
    if prod(shape) > MOST_NUMBERS:
        raise ValueError(f"the kernel has {prod(shape):,} numbers, and {MOST_NUMBERS:,} are the most")
    return Tensor.of(shape, [prod(weights, start=Fraction(1)) for weights in product(*sides)])


def _tent(size: int, step: int) -> list[Fraction]:
    if size < 2 * step - 1:
        least = f"{2 * step - 1} or more"
        raise ValueError(f"a kernel of {size} leaves gaps at a stride of {step}; to interpolate it takes {least}")
    if size > MOST_NUMBERS:
        raise ValueError(f"the kernel has {size:,} numbers a side, and {MOST_NUMBERS:,} are the most")
    return [max(Fraction(0), 1 - abs(Fraction(2 * i - (size - 1), 2 * step))) for i in range(size)]


def _factors(op: Upsample, axes: int) -> tuple[Any, ...]:
    factors = op.scale_factor if isinstance(op.scale_factor, tuple) else (op.scale_factor,) * axes
    if any(factor is None or factor != int(factor) for factor in factors) or op.align_corners:
        raise ValueError("only `Upsample` by a whole `scale_factor`, without `align_corners`, has one kernel")
    return tuple(map(int, factors))


def _side(op: Upsample, factor: int) -> list[Fraction]:
    if op.mode.startswith("nearest"):
        return [Fraction(1)] * min(factor, MOST_NUMBERS + 1)
    if op.mode not in LINEAR:
        raise ValueError(f'the kernel of `Upsample` in the mode "{op.mode}" is not known here')
    return _tent(2 * factor - factor % 2, factor)
