"""S: how the size of an output is misjudged, and what follows from it for everything that is counted with sizes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from math import prod
from typing import Any

from archdsl.exam.walk import Ask, Mistake, Place, Sizes, Subject, Value, Walk
from archdsl.graph import Node
from archdsl.ops import Op, ShapeError
from archdsl.ops.conv import Conv, ConvTranspose
from archdsl.ops.pad import Pad
from archdsl.ops.pool import Pool
from archdsl.ops.reshape import Flatten
from archdsl.sizes import Symbolic

SIZED = frozenset({"shape", "params", "weights", "biases", "macs", "flops", "activations", "memory"})
"""What depends on shapes."""
SHAPE = frozenset({"shape"})
SLIDING = (Conv, Pool)

Axis = Callable[[int | Fraction, int, int, int, int], int | Fraction]
"""An output size from n, the reach, the stride, the padding of both sides together, and the kernel."""


def axes(rule: Axis, *, channels: bool = True) -> Callable[[Place], Sizes | None]:
    """Return the rule of a shape that uses a formula of one axis along every axis."""

    def shape(place: Place) -> Sizes | None:
        op = place.op
        if any(isinstance(size, Symbolic) for size in place.sizes):
            raise ShapeError("a size is left open")
        strides = op.steps if isinstance(op, Pool) else op.stride
        pads = [sum(pad) for pad in op.pads]
        sizes = map(rule, place.sizes, op.reaches, strides, pads, op.kernel_size)
        return (op.out_channels if isinstance(op, Conv) else place.channels, *sizes)

    return shape


def floored(top: int | Fraction, stride: int) -> int:
    """Return how often a stride goes into a length."""
    return int(top // stride)


def half_up(top: int | Fraction, stride: int) -> int:
    """Return a quotient rounded to the nearest whole number, a half upwards."""
    return int((2 * top + stride) // (2 * stride))


def _op(**arguments: int) -> Callable[[Place], Op]:
    """Return the rule that a layer has other arguments."""

    def op(place: Place) -> Op:
        many = {name: (value,) * len(place.op.kernel_size) for name, value in arguments.items()}
        return place.subject.altered(place.op, **many)

    return op


def row(
    id: str,
    did: str,
    formula: str,
    on: tuple[type[Op], ...],
    shape: Callable[[Place], Sizes | None] | None = None,
    *,
    op: Callable[[Place], Op] | None = None,
    where: Callable[[Subject, Node], bool] | None = None,
    asks: frozenset[str] = SIZED,
    everywhere: bool = True,
) -> Mistake:
    """Return a row on shapes, whose wording is soft."""
    return Mistake(id, did, formula, False, asks, on, where, op=op, shape=shape, everywhere=everywhere)


def _padded(_: Subject, node: Node) -> bool:
    return any(map(any, node.op.pads))  # type: ignore[attr-defined]  # a convolution or a pool


def _strided(_: Subject, node: Node) -> bool:
    op = node.op
    return any(s != 1 for s in (op.steps if isinstance(op, Pool) else op.stride))  # type: ignore[attr-defined]  # as above


def is_dilated(_: Subject, node: Node) -> bool:
    """Tell whether the taps of a window lie apart."""
    op: Any = node.op
    return any(d != 1 for d in op.dilation) if hasattr(op, "dilation") else False


def _even(_: Subject, node: Node) -> bool:
    return any(k % 2 == 0 for k in node.op.kernel_size)  # type: ignore[attr-defined]  # as above


def _divided(place: Place) -> Sizes | None:
    """Return a pool's output with the channels divided as well: ⌊C/s⌋."""
    return place.output and (place.channels // place.op.steps[0], *place.output[1:])


def _across(place: Place) -> Sizes:
    """Return a pool's output where it pools the channels and leaves the map alone."""
    return (place.channels // place.op.steps[0], *place.sizes)


def _input_channels(place: Place) -> Op:
    return place.subject.altered(place.op, out_channels=place.channels)


def _multiplied(place: Place) -> Sizes | None:
    return place.output and (place.channels * place.op.out_channels, *place.output[1:])


def _half_padded(place: Place) -> Sizes | None:
    """Return a pad layer's output with the padding of one side only."""
    op = place.op
    return (place.channels, *[n + before for n, (before, _) in zip(place.sizes, op.sides, strict=True)])


def _padded_channels(place: Place) -> Sizes | None:
    """Return a pad layer's output with the channels padded as much as the first side."""
    return place.output and (place.channels + place.output[1] - place.sizes[0], *place.output[1:])


def _only_channels(place: Place) -> Sizes | None:
    return place.output and (place.channels + place.output[1] - place.sizes[0], *place.sizes)


def _without_channels(place: Place) -> Sizes:
    return (prod(place.sizes),)


def _of_map(subject: Subject, node: Node) -> bool:
    (x,) = subject.inputs(node)
    return len(x) > 1 and len(node.output.shape) == 1


def _swapped(walk: Walk, ask: Ask, value: Value) -> Iterable[Value]:
    if isinstance(value, tuple) and len(value) == 3:
        yield (value[0], value[2], value[1])


def _usual_pool(place: Place) -> Op:
    axes = len(place.op.kernel_size)
    return place.subject.altered(place.op, kernel_size=(2,) * axes, stride=(2,) * axes, padding=(0,) * axes)


def _same_even(place: Place) -> Op:
    return place.subject.altered(place.op, padding=tuple(k // 2 for k in place.op.kernel_size))


ROWS = (
    row("S01", "forgot the padding", "(n - k)/s + 1", SLIDING, op=_op(padding=0), where=_padded),
    row("S02", "padded one side only", "(n + p - k)/s + 1", SLIDING, where=_padded,
        shape=axes(lambda n, k, s, pads, _: floored(n + pads // 2 - k, s) + 1)),
    row("S02", "padded one side only", "n + p", (Pad,), _half_padded),
    row("S03", "forgot the + 1", "(n + 2p - k)/s", SLIDING, axes(lambda n, k, s, pads, _: floored(n + pads - k, s))),
    row("S03", "forgot the + 1 and kept the fraction", "(n + 2p - k)/s", SLIDING,
        axes(lambda n, k, s, pads, _: Fraction(n + pads - k) / s)),
    row("S04", "took the stride as 1", "n + 2p - k + 1", (Conv,), op=_op(stride=1), where=_strided),
    row("S05", "rounded up", "⌈(n + 2p - k)/s⌉ + 1", SLIDING,
        axes(lambda n, k, s, pads, _: -floored(-(n + pads - k), s) + 1)),
    row("S06", "rounded to the nearest whole number", "round((n + 2p - k)/s) + 1", SLIDING,
        axes(lambda n, k, s, pads, _: half_up(n + pads - k, s) + 1)),
    row("S06", "kept the fraction", "(n + 2p - k)/s + 1", SLIDING,
        axes(lambda n, k, s, pads, _: Fraction(n + pads - k) / s + 1)),
    row("S07", "divided by the stride only", "⌊n/s⌋", SLIDING, axes(lambda n, k, s, pads, _: floored(n, s))),
    row("S08", "assumed that padding keeps the size", "⌈n/s⌉", (Conv,),
        axes(lambda n, k, s, pads, _: -floored(-n, s))),
    row("S09", "ignored the dilation", "k", (Conv,), op=_op(dilation=1), where=is_dilated),
    row("S10", "multiplied the kernel by the dilation", "d·k", (Conv,), where=is_dilated,
        shape=lambda place: _reaching(place, lambda k, d: k * d)),
    row("S11", "forgot the last tap of the dilated kernel", "d·(k - 1)", (Conv,), where=is_dilated,
        shape=lambda place: _reaching(place, lambda k, d: d * (k - 1))),
    row("S12", "kept the number of input channels", "C", (Conv, ConvTranspose), op=_input_channels),
    row("S13", "multiplied the channels", "C·D", (Conv, ConvTranspose), _multiplied, asks=SHAPE),
    row("S14", "let pooling divide the channels", "C/s", (Pool,), _divided, where=_strided),
    row("S15", "slid the pool by 1", "n - k + 1", (Pool,), axes(lambda n, k, s, pads, _: n - k + 1)),
    row("S15b", "let pooling keep the size", "n", (Pool,), lambda place: place.inputs[0]),
    row("S16", "added the kernel", "(n + 2p + k)/s + 1", SLIDING,
        axes(lambda n, k, s, pads, _: floored(n + pads + k, s) + 1)),
    row("S17", "padded the channels too", "C + 2p, n + 2p", (Pad,), _padded_channels),
    row("S17b", "padded the channels only", "C + 2p, n", (Pad,), _only_channels),
    Mistake("S19", "swapped height and width", "W × H", False, SHAPE, answer=_swapped),
    row("S21", "flattened without the channels", "H·W", (Flatten,), _without_channels, where=_of_map),
    row("S24", 'padded an even kernel by k/2 for "same"', "n + 1", (Conv,), op=_same_even, where=_even),
    row("S25", "assumed the usual 2×2 pool of stride 2", "n/2", (Pool,), op=_usual_pool),
    row("S26", "pooled the channels and not the map", "C/s, H, W", (Pool,), _across),
    row("S27", "used the size of a full convolution", "n + k - 1", (Conv,),
        axes(lambda n, k, s, pads, kernel: n + kernel - 1)),
)  # fmt: skip


def _reaching(place: Place, reach: Callable[[int, int], int]) -> Sizes | None:
    spans = iter(map(reach, place.op.kernel_size, place.op.dilation))
    return axes(lambda n, _, s, pads, __: floored(n + pads - next(spans), s) + 1)(place)
