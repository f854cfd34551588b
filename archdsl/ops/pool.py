"""Pools: the largest or the mean of a window."""

from __future__ import annotations

from functools import cached_property
from math import gcd

from archdsl.ops.arguments import AxisOrNone, Boolean, Maybe, Never, PerAxis, Whole, argument
from archdsl.ops.backward import INPUT, Extra, Forward, Saved
from archdsl.ops.base import WHOLE, Op, Reads, ShapeError, TorchCall, Window, brief, op, spatial
from archdsl.ops.sliding import AXES, UNITS, positions, positions_ceil, positions_full, reach
from archdsl.ops.working import MINUS, Step, grouped, per_axis, sliding
from archdsl.sizes import Size, Symbolic, require
from archdsl.tensors import TensorType

MOST_BINS = 4096
"""The largest output of an adaptive pool: its window is a table with up to one row per output."""


class Pool(Op):
    """Slide a window over every channel; what it makes of the window is the subclass's matter."""

    kernel_size: tuple[int, ...] = argument(PerAxis())
    stride: tuple[int, ...] | None = argument(Maybe(PerAxis()), None)
    padding: tuple[int, ...] = argument(PerAxis(0), 0)
    ceil_mode: bool

    @cached_property
    def steps(self) -> tuple[int, ...]:
        """The stride, which is the kernel size unless given."""
        return self.kernel_size if self.stride is None else self.stride

    @cached_property
    def gaps(self) -> tuple[int, ...]:
        """How far apart the taps of a window are: next to each other, unless dilated."""
        return (1,) * len(self.kernel_size)

    @cached_property
    def reaches(self) -> tuple[int, ...]:
        """How many positions a window spans along each axis."""
        return tuple(map(reach, self.kernel_size, self.gaps))

    @cached_property
    def pads(self) -> tuple[tuple[int, int], ...]:
        """The padding before and after each axis."""
        return tuple((pad, pad) for pad in self.padding)

    def output(self, *inputs: TensorType) -> TensorType:
        channels, sizes = self.as_map(inputs[0])
        if self._excess:
            raise ShapeError(self._excess, argument="padding")
        count = positions_ceil if self.ceil_mode else positions
        return TensorType((channels, *map(count, sizes, self.reaches, self.steps, self.pads, UNITS[len(sizes)])))

    @cached_property
    def _excess(self) -> str | None:
        """Say which padding is too large. PyTorch refuses it at the first batch, and disregards dilation."""
        for pad, kernel in zip(self.padding, self.kernel_size, strict=True):
            if pad > kernel // 2:
                return f"the padding {pad} is more than half of the kernel size {kernel}"
        return None

    def shape_working(self, inputs: tuple[TensorType, ...], output: TensorType) -> tuple[Step, ...]:
        axes = list(zip(inputs[0].spatial, self.kernel_size, self.gaps, self.steps, self.pads, strict=True))
        formulas = [sliding(*axis, up=self.ceil_mode) for axis in axes]
        if self.ceil_mode:
            full = [
                positions_full(size, span, step, pad)
                for (size, _, _, step, pad), span in zip(axes, self.reaches, strict=True)
            ]
            formulas = [
                f"{formula} {MINUS} 1 (the last window would start beyond the input)" if fewer != count else formula
                for formula, fewer, count in zip(formulas, output.spatial, full, strict=True)
            ]
        kept = Step("channels", "", grouped(output.channels), "as its input")
        return (kept, *per_axis(AXES[len(formulas)], formulas, output.spatial))

    def window(self, inputs: tuple[TensorType, ...], output: TensorType) -> Window:
        return self._window

    @cached_property
    def _window(self) -> tuple[Reads, ...]:
        return tuple(
            Reads(step, (range(-pad, span - pad, gap),))
            for span, step, gap, pad in zip(self.reaches, self.steps, self.gaps, self.padding, strict=True)
        )

    def module(self, *inputs: TensorType) -> TorchCall:
        return TorchCall(f"nn.{self.name}", (), {name: brief(value) for name, value in self.non_defaults().items()})


@spatial
class MaxPool(Pool):
    """Take the largest value of every window, channel by channel.

    Input:   [c, ...], one size per axis
    Output:  [c, ...], each size ⌊(n + 2 · padding − reach) / stride⌋ + 1, where
             reach = dilation · (kernel_size − 1) + 1; with `ceil_mode` rounded up, less one if the
             last window would start beyond the input
    Params:  none
    MACs:    none
    Errors:  the reach is larger than the padded input; the padding is more than half of the kernel
    """

    source = "Dumoulin & Visin 2016, arXiv:1603.07285, relationship 7; torch.nn.MaxPool1d, MaxPool2d, MaxPool3d"
    attribute = "maxpool"

    dilation: tuple[int, ...] = argument(PerAxis(), 1)
    return_indices: bool = argument(Never(), False)
    ceil_mode: bool = argument(Boolean(), False)

    @cached_property
    def gaps(self) -> tuple[int, ...]:
        return self.dilation

    def saved(self, inputs: tuple[TensorType, ...], output: TensorType, forward: Forward) -> Saved:
        return _with_indices(output)

    def dropped(self, inputs: tuple[TensorType, ...], output: TensorType, forward: Forward) -> tuple[Extra, ...]:
        """The places of the maxima, which PyTorch finds along with them, save along one axis."""
        return () if self.dimensions == 1 else super().dropped(inputs, output, forward)


class AvgPool(Pool):
    """Take the mean of every window, channel by channel.

    Input:   [c, ...], one size per axis
    Output:  [c, ...], each size ⌊(n + 2 · padding − kernel_size) / stride⌋ + 1; with `ceil_mode`
             rounded up, less one if the last window would start beyond the input
    Params:  none
    MACs:    none
    Errors:  the kernel is larger than the padded input; the padding is more than half of the kernel
    """

    source = "Dumoulin & Visin 2016, arXiv:1603.07285, relationship 7; torch.nn.AvgPool1d, AvgPool2d, AvgPool3d"
    attribute = "avgpool"
    keeps = INPUT

    ceil_mode: bool = argument(Boolean(), False)
    count_include_pad: bool = argument(Boolean(), True)


class AdaptivePool(Op):
    """Slide windows chosen so that the output has `output_size`; `none` keeps a size.

    Input:   [c, ...], one size per axis
    Output:  [c, output_size]; output i of m reads the inputs from ⌊i · n / m⌋ up to
             but not including ⌈(i + 1) · n / m⌉
    Params:  none
    MACs:    none
    Errors:  the input has another number of axes
    """

    leading = ("output_size",)

    output_size: tuple[int | None, ...] = argument(AxisOrNone(MOST_BINS))

    def output(self, *inputs: TensorType) -> TensorType:
        channels, sizes = self.as_map(inputs[0])
        kept = zip(self.output_size, sizes, strict=True)
        return TensorType((channels, *(size if wanted is None else wanted for wanted, size in kept)))

    def shape_working(self, inputs: tuple[TensorType, ...], output: TensorType) -> tuple[Step, ...]:
        kept = Step("channels", "", grouped(output.channels), "as its input")
        size = Step("each size", "", " × ".join(map(grouped, output.spatial)), "output_size, whatever the input")
        return (kept, size)

    def window(self, inputs: tuple[TensorType, ...], output: TensorType) -> Window:
        sizes = inputs[0].spatial
        single = all(wanted == 1 for wanted in self.output_size)
        if single and any(isinstance(size, Symbolic) or size > 1 for size in sizes):
            return WHOLE
        return tuple(map(bins, self.output_size, sizes))

    def module(self, *inputs: TensorType) -> TorchCall:
        return TorchCall(f"nn.{self.name}", (brief(self.output_size),))


@spatial
class AdaptiveAvgPool(AdaptivePool):
    """Take means over windows chosen so that the output has `output_size`; `none` keeps a size."""

    source = "torch `start_index` and `end_index` in ATen/native/AdaptivePooling.h; torch.nn.AdaptiveAvgPool1d, 2d, 3d"
    attribute = "avgpool"

    def saved(self, inputs: tuple[TensorType, ...], output: TensorType, forward: Forward) -> Saved:
        """Nothing where one position is left, which PyTorch computes as a plain mean."""
        return Saved() if all(size == 1 for size in output.spatial) else INPUT


@spatial
class AdaptiveMaxPool(AdaptivePool):
    """Take maxima over windows chosen so that the output has `output_size`; `none` keeps a size."""

    source = "torch `start_index` and `end_index` in ATen/native/AdaptivePooling.h; torch.nn.AdaptiveMaxPool1d, 2d, 3d"
    attribute = "maxpool"

    return_indices: bool = argument(Never(), False)

    def scratch(self, inputs: tuple[TensorType, ...], output: TensorType, itemsize: int) -> int:
        """PyTorch finds the places of the maxima with them, each a number of 8 bytes."""
        return 8 * output.elements

    def saved(self, inputs: tuple[TensorType, ...], output: TensorType, forward: Forward) -> Saved:
        return _with_indices(output)


def _with_indices(output: TensorType) -> Saved:
    """Return that the input is kept and where the maxima are, each place a number of 8 bytes."""
    return Saved((0,), extras=(Extra("indices", 8 * output.elements),))


def bins(wanted: int | None, size: Size) -> Reads | None:
    """Return what the outputs of one axis average over; windows differ in size, with a period."""
    if wanted is None:
        return Reads(1, (range(1),))
    if isinstance(size, Symbolic):
        return None
    common = gcd(wanted, size)
    period = wanted // common
    return Reads(size // common, tuple(range(i * size // wanted, -(-(i + 1) * size // wanted)) for i in range(period)))


@op
class AvgPool1d(AvgPool):
    dimensions = 1


@op
class AvgPool2d(AvgPool):
    dimensions = 2
    divisor_override: int | None = argument(Maybe(Whole()), None)


@op
class AvgPool3d(AvgPool):
    dimensions = 3
    divisor_override: int | None = argument(Maybe(Whole()), None)

    def output(self, *inputs: TensorType) -> TensorType:
        """PyTorch wants the kernel to fit into the input without its padding here, and only here."""
        _, sizes = self.as_map(inputs[0])
        for size, kernel, unit in zip(sizes, self.kernel_size, UNITS[3], strict=True):
            message = "`AvgPool3d` wants the kernel to fit without padding: it reaches {kernel} {unit} of {size}"
            fits = size >= kernel
            blame = "kernel_size"
            require(fits, message, rule="kernel-too-large", argument=blame, kernel=kernel, unit=unit, size=size)
        return super().output(*inputs)
