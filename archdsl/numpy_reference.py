"""Convolutions, their transposes, pools and the residual step in plain numpy: to be read, and to test against.

One sample at a time, channels first: an image is C × H × W, without a batch axis. Weights have PyTorch's layout.
Numbers are float64, in which whole numbers stay exact. Nothing here is fast.

`conv2d` reads windows of its input, `conv_transpose2d` writes to the same windows of its output. In their sums g is
a group, c and o are channels in and out, i and j a position, k and l a place in the kernel. Arguments that do not fit
raise `ValueError`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, NDArray

Array: TypeAlias = NDArray[np.float64]
PerAxis: TypeAlias = int | tuple[int, ...]  # one whole number for both axes, or two: for rows and for columns


def conv2d(
    x: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    *,
    stride: PerAxis = 1,
    padding: PerAxis = 0,
    dilation: PerAxis = 1,
    groups: int = 1,
) -> Array:
    """Read a window at every position, weigh what it holds and sum. The kernel is not flipped: a correlation.

    From C × H × W, with out × (C / groups) × kh × kw weights and `out` biases, to out × H′ × W′, where
    H′ = ⌊(H + 2 · padding − reach) / stride⌋ + 1 and reach = dilation · (kh − 1) + 1; likewise W′.

    Source: Dumoulin & Visin 2016, arXiv:1603.07285, relationship 15.
    """
    image, filters = _array("x", x, "C × H × W"), _array("weight", weight, "out × (C / groups) × kh × kw")
    window = _window(filters.shape[2:], stride, padding, dilation)
    seen, kernels = _grouped("x", window.pad(image, 0.0), groups), _grouped("weight", filters, groups)
    if seen.shape[1] != kernels.shape[2]:
        reads = f"out × (C / groups) × kh × kw, takes {groups * kernels.shape[2]} in groups={groups}"
        raise ValueError(f"x has {len(image)} channels, but weight {filters.shape}, read as {reads}")
    y = np.einsum("gcijkl,gockl->goij", window.over(seen), kernels)
    return _ungrouped(y) + _per_channel("bias", bias, len(filters))


def conv_transpose2d(
    x: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    *,
    stride: PerAxis = 1,
    padding: PerAxis = 0,
    output_padding: PerAxis = 0,
    groups: int = 1,
    dilation: PerAxis = 1,
) -> Array:
    """Stamp the kernel onto the output once for every input, times that input; where stamps overlap they add up.

    Neighbouring stamps lie `stride` apart. `padding` is cut off every side in the end; `output_padding` is more room
    below and to the right, which a convolution of that stride would have left unread.

    From C × H × W, with C × (out / groups) × kh × kw weights and `out` biases, to out × H′ × W′, where
    H′ = (H − 1) · stride − 2 · padding + reach + output_padding and reach = dilation · (kh − 1) + 1; likewise W′.

    Source: Dumoulin & Visin 2016, arXiv:1603.07285, relationship 14; torch.nn.ConvTranspose2d.
    """
    image, kernels = _to_transpose(x, weight, groups)
    window = _window(kernels.shape[3:], stride, padding, dilation)
    canvas = np.zeros((groups, kernels.shape[2], *window.covered(image.shape[2:], output_padding)))
    stamped = window.over(canvas)
    for i, j in np.ndindex(*image.shape[2:]):
        stamped[:, :, i, j] += np.einsum("gc,gcokl->gokl", image[:, :, i, j], kernels)
    return _ungrouped(window.crop(canvas)) + _per_channel("bias", bias, groups * kernels.shape[2])


def conv_transpose2d_by_zero_filling(
    x: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    *,
    stride: PerAxis = 1,
    padding: PerAxis = 0,
    output_padding: PerAxis = 0,
    groups: int = 1,
    dilation: PerAxis = 1,
) -> Array:
    """Return what `conv_transpose2d` does: put zeros between the inputs, then convolve with the flipped kernel.

    Around the filled image go zeros too, reach − 1 on every side, for windows that only touch it. The kernel is
    flipped because an input to the left of an output reaches it with the right part of its stamp.

    Source: Dumoulin & Visin 2016, arXiv:1603.07285, §4.5 and §4.6.
    """
    image, kernels = _to_transpose(x, weight, groups)
    window = _window(kernels.shape[3:], stride, padding, dilation)
    height, width = window.covered(image.shape[2:], output_padding)
    filled = zero_fill(_ungrouped(image), stride)
    (top, left), (_, rows, columns) = (reach - 1 for reach in window.reach), filled.shape
    filled = np.pad(filled, ((0, 0), (top, height - rows), (left, width - columns)))
    flipped = _ungrouped(kernels[..., ::-1, ::-1].swapaxes(1, 2))
    canvas = conv2d(filled, flipped, dilation=dilation, groups=groups)
    return window.crop(canvas) + _per_channel("bias", bias, len(flipped))


def zero_fill(x: ArrayLike, stride: PerAxis) -> Array:
    """Put stride − 1 zeros between neighbours: C × H × W to C × ((H − 1) · stride + 1) × likewise."""
    image, (down, right) = _array("x", x, "C × H × W"), _pair("stride", stride, 1)
    channels, height, width = image.shape
    filled = np.zeros((channels, (height - 1) * down + 1, (width - 1) * right + 1))
    filled[:, ::down, ::right] = image
    return filled


def max_pool2d(
    x: ArrayLike, kernel_size: PerAxis, *, stride: PerAxis | None = None, padding: PerAxis = 0, dilation: PerAxis = 1
) -> Array:
    """Take the largest value of every window, channel by channel. Padding is −∞, so it is never the largest.

    C × H × W to C × H′ × W′, sized as by `conv2d`. The stride is the kernel size unless given.

    Source: torch.nn.MaxPool2d; Dumoulin & Visin 2016, arXiv:1603.07285, relationship 7.
    """
    window = _window(kernel_size, kernel_size if stride is None else stride, padding, dilation)
    return _pool(x, window, -np.inf, np.max)


def avg_pool2d(x: ArrayLike, kernel_size: PerAxis, *, stride: PerAxis | None = None, padding: PerAxis = 0) -> Array:
    """Take the mean of every window, sized as by `max_pool2d`. Padding counts as zeros (`count_include_pad`).

    Source: torch.nn.AvgPool2d; Dumoulin & Visin 2016, arXiv:1603.07285, relationship 7.
    """
    window = _window(kernel_size, kernel_size if stride is None else stride, padding, 1)
    return _pool(x, window, 0.0, np.mean)


def batch_norm(
    x: ArrayLike, mean: ArrayLike, variance: ArrayLike, weight: ArrayLike = 1, bias: ArrayLike = 0, *, eps: float = 1e-5
) -> Array:
    """Return weight · (x − mean) / √(variance + eps) + bias, as in evaluation: the statistics are given.

    x is C × H × W; the others hold one number a channel, or one for all.

    Source: Ioffe & Szegedy 2015, arXiv:1502.03167, algorithm 2; torch.nn.BatchNorm2d.
    """
    image = _array("x", x, "C × H × W")
    channels = len(image)
    centre, spread = _per_channel("mean", mean, channels), _per_channel("variance", variance, channels)
    scale, shift = _per_channel("weight", weight, channels), _per_channel("bias", bias, channels)
    if (spread + eps <= 0).any():
        raise ValueError(f"variance + eps is not positive: the least variance is {spread.min()}, eps is {eps}")
    return scale * (image - centre) / np.sqrt(spread + eps) + shift


def relu(x: ArrayLike) -> Array:
    """Return max(x, 0), value by value."""
    return np.maximum(_array("x", x), 0.0)


def residual_step(
    x: ArrayLike, branch: Callable[[Array], ArrayLike], projection: Callable[[Array], ArrayLike] | None = None
) -> Array:
    """Return x + branch(x), or projection(x) + branch(x) where the branch changes the shape.

    The ReLU that the original block applies to the sum is left to the caller.

    Source: He et al. 2016, arXiv:1512.03385, eq. 1 and 2.
    """
    change = _array("branch(x)", branch(_array("x", x)))
    shortcut = _array("x", x) if projection is None else _array("projection(x)", projection(_array("x", x)))
    if shortcut.shape != change.shape:
        name = "projection(x)" if projection else "without a projection x"
        raise ValueError(f"{name} is {shortcut.shape}, but branch(x) is {change.shape}")
    return shortcut + change


class _Window(NamedTuple):
    """What slides over an image, in pairs of rows and columns."""

    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]
    dilation: tuple[int, int]
    reach: tuple[int, int]

    def pad(self, image: Array, value: float) -> Array:
        return np.pad(image, ((0, 0), *((side, side) for side in self.padding)), constant_values=value)

    def crop(self, canvas: Array) -> Array:
        (rows, columns), (height, width) = self.padding, canvas.shape[-2:]
        if height <= 2 * rows or width <= 2 * columns:
            raise ValueError(f"padding {rows} × {columns} cuts off all of the {height} × {width} positions stamped")
        return canvas[..., rows : height - rows, columns : width - columns]

    def over(self, padded: Array) -> Array:
        """View … × H × W as its windows, … × H′ × W′ × kh × kw. What is written to a window is written to the image."""
        height, width = padded.shape[-2:]
        if height < self.reach[0] or width < self.reach[1]:
            raise ValueError(f"the kernel spans {self.reach}, more than the padded image, {(height, width)}")
        every = sliding_window_view(padded, self.reach, axis=(-2, -1), writeable=True)
        (sh, sw), (dh, dw) = self.stride, self.dilation
        return every[..., ::sh, ::sw, ::dh, ::dw]

    def covered(self, positions: tuple[int, ...], output_padding: PerAxis) -> list[int]:
        """Return how far so many windows extend, per axis, with the room that `output_padding` adds."""
        extra = _pair("output_padding", output_padding, 0)
        if any(more >= max(gaps) for more, *gaps in zip(extra, self.stride, self.dilation, strict=True)):
            raise ValueError(f"output_padding is {output_padding}; it is less than the stride or than the dilation")
        axes = zip(positions, self.stride, self.reach, extra, strict=True)
        return [(count - 1) * step + reach + more for count, step, reach, more in axes]


def _window(kernel_size: PerAxis, stride: PerAxis, padding: PerAxis, dilation: PerAxis) -> _Window:
    kernel, gaps = _pair("kernel_size", kernel_size, 1), _pair("dilation", dilation, 1)
    reach = gaps[0] * (kernel[0] - 1) + 1, gaps[1] * (kernel[1] - 1) + 1
    return _Window(kernel, _pair("stride", stride, 1), _pair("padding", padding, 0), gaps, reach)


def _pool(x: ArrayLike, window: _Window, fill: float, summary: Callable[..., Array]) -> Array:
    padded = window.pad(_array("x", x, "C × H × W"), fill)
    if any(pad > size // 2 for pad, size in zip(window.padding, window.kernel, strict=True)):
        raise ValueError(f"padding is {window.padding}, more than half of the kernel size {window.kernel}")
    return summary(window.over(padded), axis=(-2, -1))


def _to_transpose(x: ArrayLike, weight: ArrayLike, groups: int) -> tuple[Array, Array]:
    image, kernels = _array("x", x, "C × H × W"), _array("weight", weight, "C × (out / groups) × kh × kw")
    if len(image) != len(kernels):
        reads = f"C × (out / groups) × kh × kw, takes {len(kernels)}"
        raise ValueError(f"x has {len(image)} channels, but weight {kernels.shape}, read as {reads}")
    return _grouped("x", image, groups), _grouped("weight", kernels, groups)


def _grouped(name: str, array: Array, groups: int) -> Array:
    """Split the first axis in two: groups, and channels of a group."""
    if len(array) % _whole("groups", groups, 1):
        raise ValueError(f"the first axis of {name} is {len(array)}, no multiple of groups={groups}")
    return array.reshape(groups, -1, *array.shape[1:])


def _ungrouped(array: Array) -> Array:
    return array.reshape(-1, *array.shape[2:])


def _array(name: str, values: ArrayLike, layout: str = "") -> Array:
    """Return a copy of `values` as float64, refused if empty or without the axes that `layout` names."""
    try:
        array: NDArray[Any] = np.asarray(values)
    except ValueError as error:
        raise ValueError(f"{name} is no array: its rows differ in length") from error
    if array.dtype.kind not in "biuf" or array.size == 0:
        raise ValueError(f"{name} holds no real numbers: it is {array.shape} of {array.dtype}")
    if layout and array.ndim != layout.count("×") + 1:
        raise ValueError(f"{name} is {layout}, but was given as {array.shape}")
    return array.astype(np.float64)


def _per_channel(name: str, values: ArrayLike | None, channels: int) -> Array:
    """Return one number a channel, as channels × 1 × 1; a single number is every channel's, and none is 0."""
    array = _array(name, 0 if values is None else values)
    if array.shape not in ((), (channels,)):
        raise ValueError(f"{name} has one number for each of {channels} channels, but was given as {array.shape}")
    return np.broadcast_to(array, channels).reshape(channels, 1, 1)


def _pair(name: str, value: object, least: int) -> tuple[int, int]:
    rows, columns = value if isinstance(value, tuple | list) and len(value) == 2 else (value, value)
    return _whole(name, rows, least), _whole(name, columns, least)


def _whole(name: str, value: object, least: int) -> int:
    if not isinstance(value, int | np.integer) or value < least:
        raise ValueError(f"{name} is {value!r}, which is no whole number from {least}")
    return int(value)
