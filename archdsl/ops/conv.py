"""Convolutions and transposed convolutions."""

from __future__ import annotations

from functools import cached_property
from math import gcd, prod
from typing import Any

from archdsl.ops.arguments import ArgumentError, Boolean, Choice, Padding, PerAxis, Whole, argument
from archdsl.ops.backward import INPUT, Autocast, Extra, Forward, Saved
from archdsl.ops.base import Op, Reads, ShapeError, TorchCall, Window, brief, spatial
from archdsl.ops.sliding import AXES, UNITS, positions, reach
from archdsl.ops.working import MINUS, TIMES, Step, grouped, per_axis, product, sliding
from archdsl.sizes import Size, require
from archdsl.tensors import Shape, TensorType

MOST_PHASES = 4096
"""The largest stride of a transposed convolution: its window is a table with one row per residue."""


@spatial
class Conv(Op):
    """Slide `out_channels` filters over the input, each summing over all channels of its group.

    Input:   [c, ...], one size per axis
    Output:  [out_channels, ...], each size ⌊(n + padding before and after − reach) / stride⌋ + 1,
             where reach = dilation · (kernel_size − 1) + 1
    Params:  out_channels · (c / groups) · kernel_size per axis, and `out_channels` biases
    MACs:    one per weight and output position; biases are not counted
    Errors:  the reach is larger than the padded input; `groups` does not divide c or `out_channels`;
             `"same"` with a stride; a mirrored padding larger than the input
    """

    source = "Dumoulin & Visin 2016, arXiv:1603.07285, relationships 6 and 15; torch.nn.Conv1d, Conv2d, Conv3d"
    by_position = 2
    autocast = Autocast.LOWERS
    may_be_overwritten = True
    leading = ("in_channels", "out_channels")

    out_channels: int = argument(Whole())
    kernel_size: tuple[int, ...] = argument(PerAxis())
    stride: tuple[int, ...] = argument(PerAxis(), 1)
    padding: Any = argument(Padding(), 0)
    dilation: tuple[int, ...] = argument(PerAxis(), 1)
    groups: int = argument(Whole(), 1)
    bias: bool = argument(Boolean(), True)
    padding_mode: str = argument(Choice("zeros", "reflect", "replicate", "circular"), "zeros")

    def check(self) -> None:
        if self.padding == "same" and any(step != 1 for step in self.stride):
            raise ArgumentError('`padding="same"` works with stride 1 only', "stride")

    @cached_property
    def reaches(self) -> tuple[int, ...]:
        """How many positions the kernel spans along each axis."""
        return tuple(map(reach, self.kernel_size, self.dilation))

    @cached_property
    def pads(self) -> tuple[tuple[int, int], ...]:
        """The padding before and after each axis; of an odd total, "same" puts the larger half after."""
        if self.padding == "valid":
            return ((0, 0),) * len(self.kernel_size)
        if self.padding == "same":
            return tuple(((span - 1) // 2, (span - 1) - (span - 1) // 2) for span in self.reaches)
        return tuple((pad, pad) for pad in self.padding)

    def output(self, *inputs: TensorType) -> TensorType:
        channels, sizes = self.as_map(inputs[0])
        divide(self.groups, channels, self.out_channels)
        if self.padding_mode != "zeros":
            self._check_mirror(sizes)
        return TensorType(
            (
                self.out_channels,
                *map(positions, sizes, self.reaches, self.stride, self.pads, UNITS[len(sizes)]),
            )
        )

    def _check_mirror(self, sizes: tuple[Size, ...]) -> None:
        """Refuse to take more from the other side, or from the mirror image, than there is."""
        for size, pad, unit in zip(sizes, self.pads, UNITS[len(sizes)], strict=True):
            need = {"reflect": max(pad) + 1, "circular": max(pad), "replicate": 1}[self.padding_mode]
            message = '"{mode}" needs at least {need} {unit} to take its padding from, but the input has {size}'
            mode, blame = self.padding_mode, "padding"
            require(size >= need, message, argument=blame, mode=mode, need=need, unit=unit, size=size)

    def weights(self, *inputs: TensorType) -> dict[str, Shape]:
        weight = (self.out_channels, inputs[0].channels // self.groups, *self.kernel_size)
        return {"weight": weight, "bias": (self.out_channels,)} if self.bias else {"weight": weight}

    def macs(self, inputs: tuple[TensorType, ...], output: TensorType) -> int:
        return output.elements * (inputs[0].channels // self.groups) * prod(self.kernel_size)

    def shape_working(self, inputs: tuple[TensorType, ...], output: TensorType) -> tuple[Step, ...]:
        axes = zip(inputs[0].spatial, self.kernel_size, self.dilation, self.stride, self.pads, strict=True)
        formulas = [sliding(*axis, up=False) for axis in axes]
        given = Step("channels", "", grouped(self.out_channels), "out_channels")
        return (given, *per_axis(AXES[len(formulas)], formulas, output.spatial))

    def macs_working(self, inputs: tuple[TensorType, ...], output: TensorType) -> str:
        return _macs(output, inputs[0].channels, self.groups, self.kernel_size)

    def window(self, inputs: tuple[TensorType, ...], output: TensorType) -> Window:
        return self._window

    @property
    def border(self) -> str:
        return self.padding_mode

    @cached_property
    def _window(self) -> tuple[Reads, ...]:
        return tuple(
            Reads(step, (range(-before, span - before, gap),))
            for span, step, gap, (before, _) in zip(self.reaches, self.stride, self.dilation, self.pads, strict=True)
        )

    @cached_property
    def copies_input(self) -> bool:  # type: ignore[override]  # depends on an argument here
        return self.padding_mode != "zeros"

    @property
    def keeps_layout(self) -> bool:  # type: ignore[override]  # depends on an argument here
        return self.padding_mode != "circular"

    def scratch(self, inputs: tuple[TensorType, ...], output: TensorType, itemsize: int) -> int:
        """PyTorch first makes a padded copy of the input, unless it pads with zeros."""
        if self.padding_mode == "zeros":
            return 0
        channels, *sizes = inputs[0].known
        return itemsize * channels * prod(size + sum(pad) for size, pad in zip(sizes, self.pads, strict=True))

    def saved(self, inputs: tuple[TensorType, ...], output: TensorType, forward: Forward) -> Saved:
        """The input, or the copy of it that PyTorch pads before it convolves; to mirror, it needs the input too."""
        padded = self._padded(inputs[0])
        if not padded:
            return INPUT
        reads = self.padding_mode in ("reflect", "replicate") and forward.tracked[0]
        return Saved((0,) if reads else (), extras=(Extra("padded input", padded * forward.itemsize),))

    def gradient_between(self, inputs: tuple[TensorType, ...], output: TensorType) -> int:
        """That of the padded copy."""
        return self._padded(inputs[0])

    def _padded(self, x: TensorType) -> int:
        """Return how many numbers a copy has that PyTorch pads before it convolves; 0 where it makes none."""
        mirrors = self.padding_mode != "zeros"
        pads = self.pads if mirrors else tuple((0, after - before) for before, after in self.pads)
        if not mirrors and not any(after for _, after in pads):
            return 0
        channels, *sizes = x.known
        return channels * prod(size + before + after for size, (before, after) in zip(sizes, pads, strict=True))

    def module(self, *inputs: TensorType) -> TorchCall:
        return _module(self, inputs[0])


@spatial
class ConvTranspose(Op):
    """Spread every input position over a window of outputs: the gradient of a convolution, used to enlarge.

    Input:   [c, ...], one size per axis
    Output:  [out_channels, ...], each size (n − 1) · stride − 2 · padding + reach + output_padding,
             where reach = dilation · (kernel_size − 1) + 1
    Params:  c · (out_channels / groups) · kernel_size per axis, and `out_channels` biases
    MACs:    one per weight and input position; biases are not counted
    Errors:  `groups` does not divide c or `out_channels`; the padding removes the whole output;
             `output_padding` is neither smaller than the stride nor than the dilation
    """

    source = "Dumoulin & Visin 2016, arXiv:1603.07285, relationship 14; torch.nn.ConvTranspose1d, 2d, 3d"
    by_position = 2
    keeps = INPUT
    autocast = Autocast.LOWERS
    may_be_overwritten = True
    leading = ("in_channels", "out_channels")

    out_channels: int = argument(Whole())
    kernel_size: tuple[int, ...] = argument(PerAxis())
    stride: tuple[int, ...] = argument(PerAxis(1, MOST_PHASES), 1)
    padding: tuple[int, ...] = argument(PerAxis(0), 0)
    output_padding: tuple[int, ...] = argument(PerAxis(0), 0)
    groups: int = argument(Whole(), 1)
    bias: bool = argument(Boolean(), True)
    dilation: tuple[int, ...] = argument(PerAxis(), 1)
    padding_mode: str = argument(Choice("zeros"), "zeros")

    @cached_property
    def reaches(self) -> tuple[int, ...]:
        """How many output positions one input position is spread over, along each axis."""
        return tuple(map(reach, self.kernel_size, self.dilation))

    def output(self, *inputs: TensorType) -> TensorType:
        channels, sizes = self.as_map(inputs[0])
        divide(self.groups, channels, self.out_channels)
        if self._excess:
            raise ShapeError(self._excess, argument="output_padding")
        return TensorType((self.out_channels, *map(self._enlarge, range(len(sizes)), sizes, UNITS[len(sizes)])))

    @cached_property
    def _excess(self) -> str | None:
        """Say which output padding is too large; PyTorch refuses it at the first batch."""
        for extra, step, gap in zip(self.output_padding, self.stride, self.dilation, strict=True):
            if extra >= max(step, gap):
                return f"the output padding {extra} is smaller neither than the stride {step} nor the dilation {gap}"
        return None

    def _enlarge(self, axis: int, size: Size, unit: str) -> Size:
        whole = (size - 1) * self.stride[axis] + (self.reaches[axis] + self.output_padding[axis])
        cut = 2 * self.padding[axis]
        message = "the padding cuts {cut} {unit} off the output, which has {whole} of them"
        require(whole - cut >= 1, message, argument="padding", cut=cut, unit=unit, whole=whole)
        return whole - cut

    def weights(self, *inputs: TensorType) -> dict[str, Shape]:
        weight = (inputs[0].channels, self.out_channels // self.groups, *self.kernel_size)
        return {"weight": weight, "bias": (self.out_channels,)} if self.bias else {"weight": weight}

    def macs(self, inputs: tuple[TensorType, ...], output: TensorType) -> int:
        return inputs[0].elements * (self.out_channels // self.groups) * prod(self.kernel_size)

    def shape_working(self, inputs: tuple[TensorType, ...], output: TensorType) -> tuple[Step, ...]:
        formulas = []
        for axis, size in enumerate(inputs[0].spatial):
            kernel, gap = self.kernel_size[axis], self.dilation[axis]
            span = str(kernel) if gap == 1 else f"({gap}{TIMES}({kernel} {MINUS} 1) + 1)"
            formulas.append(
                f"({grouped(size)} {MINUS} 1){TIMES}{self.stride[axis]} {MINUS} 2{TIMES}{self.padding[axis]} + {span}"
                f" + {self.output_padding[axis]}"
            )
        given = Step("channels", "", grouped(self.out_channels), "out_channels")
        return (given, *per_axis(AXES[len(formulas)], formulas, output.spatial))

    def macs_working(self, inputs: tuple[TensorType, ...], output: TensorType) -> str:
        return _macs(inputs[0], self.out_channels, self.groups, self.kernel_size)

    def window(self, inputs: tuple[TensorType, ...], output: TensorType) -> Window:
        return self._window

    @cached_property
    def _window(self) -> tuple[Reads, ...]:
        return tuple(
            Reads(1, tuple(_phase(f + pad, kernel, step, gap) for f in range(step)))
            for kernel, step, pad, gap in zip(self.kernel_size, self.stride, self.padding, self.dilation, strict=True)
        )

    def module(self, *inputs: TensorType) -> TorchCall:
        return _module(self, inputs[0])


def _phase(place: int, kernel: int, stride: int, dilation: int) -> range:
    """Return the inputs whose taps t, with dilation · t ≡ place (mod stride), land on an output.

    The t form one class modulo stride / gcd, so the inputs (place − dilation · t) / stride lie
    dilation / gcd apart; or there is none, and the output is the bias alone.
    """
    common = gcd(stride, dilation)
    period, step = stride // common, dilation // common
    if place % common:
        return range(0)
    first = place // common * pow(step, -1, period) % period if period > 1 else 0
    taps = len(range(first, kernel, period))
    highest = (place - dilation * first) // stride
    return range(highest - step * (taps - 1), highest + 1, step)


def divide(groups: int, channels: int, out_channels: int) -> None:
    """Check that both channel counts split into `groups` equal parts."""
    if channels % groups or out_channels % groups:
        culprits = [f"the {channels} input channels"] * (channels % groups > 0)
        culprits += [f"the {out_channels} output channels"] * (out_channels % groups > 0)
        message = f"{groups} groups do not divide {' and '.join(culprits)}"
        help = f"take a multiple of {groups} channels out, as {groups} or {2 * groups}"
        if channels % groups:
            help = "a depthwise convolution has as many groups as channels come in: `input x: [c, h, w]`, `groups=c`"
        raise ShapeError(message, rule="groups-do-not-divide", argument="groups", help=help)


def _macs(walked: TensorType, others: int, groups: int, kernel: tuple[int, ...]) -> str:
    """Return positions times what each costs; a transposed convolution walks over its input."""
    shared = f"{others} / {groups}" if groups > 1 else str(others)
    return f"{product(walked.shape)} {TIMES} ({shared} {TIMES} {product(kernel)})"


def _module(layer: Conv | ConvTranspose, x: TensorType) -> TorchCall:
    rest = layer.non_defaults()
    del rest["out_channels"]
    keywords = {name: brief(value) for name, value in rest.items()}
    return TorchCall(f"nn.{layer.name}", (x.channels, layer.out_channels), keywords)
