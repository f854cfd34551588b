"""T: how the size of a transposed convolution is misjudged."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import NamedTuple

from archdsl.exam.mistakes.shapes import floored, row
from archdsl.exam.walk import Count, Mistake, Place, Sizes
from archdsl.ops import Op, ShapeError
from archdsl.ops.conv import ConvTranspose
from archdsl.sizes import Symbolic

ON = (ConvTranspose,)


class Axis(NamedTuple):
    """One axis: the input's size, the reach of the kernel, the stride, the padding of a side, the output padding."""

    n: int | Fraction
    k: int
    s: int
    p: int
    extra: int


def axes(rule: Callable[[Axis], int | Fraction]) -> Callable[[Place], Sizes]:
    """Return the rule of a shape that uses a formula of one axis along every axis."""

    def shape(place: Place) -> Sizes:
        op = place.op
        if any(isinstance(size, Symbolic) for size in place.sizes):
            raise ShapeError("a size is left open")
        found = map(Axis, place.sizes, op.reaches, op.stride, op.padding, op.output_padding)
        return (op.out_channels, *map(rule, found))

    return shape


def _no_output_padding(place: Place) -> Op:
    return place.subject.altered(place.op, output_padding=(0,) * len(place.op.kernel_size))


def _input_biases(place: Place, count: Count) -> Count:
    return count._replace(biases=place.channels) if place.op.bias else count


ROWS = (
    row("T01", "used the formula of an ordinary convolution", "(n + 2p - k)/s + 1", ON,
        axes(lambda a: floored(a.n + 2 * a.p - a.k, a.s) + 1)),
    row("T02", "multiplied by the stride", "n·s", ON, axes(lambda a: a.n * a.s)),
    row("T03", "did not subtract the padding", "(n - 1)·s + k + op", ON,
        axes(lambda a: (a.n - 1) * a.s + a.k + a.extra)),
    row("T04", "ignored the output padding", "(n - 1)·s - 2p + k", ON, op=_no_output_padding),
    row("T05", "forgot the - 1", "n·s - 2p + k + op", ON, axes(lambda a: a.n * a.s - 2 * a.p + a.k + a.extra)),
    row("T06", "added the padding", "(n - 1)·s + 2p + k + op", ON,
        axes(lambda a: (a.n - 1) * a.s + 2 * a.p + a.k + a.extra)),
    Mistake("T07", "counted a bias for each input channel", "k·k·C·D + C", True,
            frozenset({"params", "biases"}), ON, count=_input_biases),
)  # fmt: skip
