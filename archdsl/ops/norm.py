"""Normalisations."""

from __future__ import annotations

from math import prod

from archdsl.ops.arguments import Boolean, Maybe, Real, Whole, argument
from archdsl.ops.backward import Autocast, Extra, Forward, Saved
from archdsl.ops.base import SAME, WHOLE, Elementwise, ShapeError, TorchCall, Window, along, op, spatial
from archdsl.sizes import Symbolic, require
from archdsl.tensors import Shape, TensorType

EPS = Real(0, 1, strict=True)
OPEN_SIZES = (
    "give the size, as in `[3, H = 224, W = 224]`; of any size are `LayerNorm2d`, over the channels at each position, "
    "and `GroupNorm(1)`, over the whole of a sample"
)


class RunningNorm(Elementwise):
    """Normalise every channel, with running statistics of the training data for evaluation.

    Input:   [c, ...], one size per axis
    Output:  the same shape
    Params:  c weights and c biases if `affine`; none otherwise
    MACs:    none
    Errors:  the input has another number of axes
    """

    centres = True
    leading = ("num_features",)
    may_be_overwritten = True

    affine: bool
    bias: bool
    track_running_stats: bool

    def weights(self, *inputs: TensorType) -> dict[str, Shape]:
        if not self.affine:
            return {}
        channels = (inputs[0].channels,)
        return {"weight": channels, "bias": channels} if self.bias else {"weight": channels}

    def buffers(self, *inputs: TensorType) -> dict[str, Shape]:
        if not self.track_running_stats:
            return {}
        channels = (inputs[0].channels,)
        return {"running_mean": channels, "running_var": channels, "num_batches_tracked": ()}

    def window(self, inputs: tuple[TensorType, ...], output: TensorType) -> Window:
        return SAME if self.track_running_stats else WHOLE

    def module(self, *inputs: TensorType) -> TorchCall:
        return TorchCall(f"nn.{self.name}", (inputs[0].channels,), self.non_defaults())


@spatial
class BatchNorm(RunningNorm):
    """Normalise every channel by its mean and variance over the batch, then scale and shift it.

    In evaluation the running mean and variance stand in for the batch's; without
    `track_running_stats` there are none, and an output depends on every position.

    Input:   [c, ...], one size per axis; `BatchNorm1d` also takes a vector
    Output:  the same shape
    Params:  c weights and c biases if `affine`; none otherwise
    MACs:    none; convolutions can absorb the scale
    Errors:  the input has another number of axes
    """

    source = "Ioffe & Szegedy 2015, arXiv:1502.03167, algorithm 1; torch.nn.BatchNorm1d, BatchNorm2d, BatchNorm3d"

    eps: float = argument(EPS, 1e-5)
    momentum: float | None = argument(Maybe(Real(0, 1)), 0.1)
    affine: bool = argument(Boolean(), True)
    track_running_stats: bool = argument(Boolean(), True)
    bias: bool = argument(Boolean(), True)

    def output(self, *inputs: TensorType) -> TensorType:
        if self.dimensions == 1 and not inputs[0].spatial:
            return inputs[0]
        return super().output(*inputs)

    def saved(self, inputs: tuple[TensorType, ...], output: TensorType, forward: Forward) -> Saved:
        """The input, and mean and inverse deviation of every channel."""
        return _with_statistics(0, 2 * output.channels * forward.weight_itemsize)


@spatial
class InstanceNorm(RunningNorm):
    """Normalise every channel of every sample by its own mean and variance over the positions.

    Input:   [c, ...], one size per axis
    Output:  the same shape
    Params:  c weights and c biases if `affine`; none by default
    MACs:    none
    Errors:  the input has another number of axes, or one position only
    """

    source = "Ulyanov, Vedaldi & Lempitsky 2016, arXiv:1607.08022, equation 1; torch.nn.InstanceNorm1d, 2d, 3d"
    keeps_layout = False
    wants_contiguous = True

    eps: float = argument(EPS, 1e-5)
    momentum: float | None = argument(Maybe(Real(0, 1)), 0.1)
    affine: bool = argument(Boolean(), False)
    track_running_stats: bool = argument(Boolean(), False)
    bias: bool = argument(Boolean(), True)

    def output(self, *inputs: TensorType) -> TensorType:
        _, sizes = self.as_map(inputs[0])
        others = [size for size in sizes if isinstance(size, Symbolic) or size > 1]
        if len(others) <= 1:  # of two open sizes either may be more than 1
            message = "`{name}` needs more than one position to take a mean over, but gets {x}"
            require(others[0] > 1 if others else False, message, name=self.name, x=inputs[0])
        return inputs[0]

    def saved(self, inputs: tuple[TensorType, ...], output: TensorType, forward: Forward) -> Saved:
        """As a batch norm of batch times channels, for which weights and running statistics are repeated."""
        repeated = 2 + self.affine + 2 * self.track_running_stats
        return _with_statistics(repeated * output.channels * forward.weight_itemsize)


@op
class GroupNorm(Elementwise):
    """Normalise groups of channels of every sample by their mean and variance, then scale and shift every channel.

    Input:   any shape
    Output:  the same shape
    Params:  c weights and c biases if `affine`
    MACs:    none
    Errors:  `num_groups` does not divide the channels
    """

    source = "Wu & He 2018, arXiv:1803.08494, equation 7; torch.nn.GroupNorm"
    by_position = 1
    leading = ("num_groups", "num_channels")
    autocast = Autocast.WIDENS
    may_be_overwritten = True
    wants_contiguous = True

    num_groups: int = argument(Whole())
    eps: float = argument(EPS, 1e-5)
    affine: bool = argument(Boolean(), True)
    bias: bool = argument(Boolean(), True)

    def output(self, *inputs: TensorType) -> TensorType:
        (x,) = inputs
        if x.channels % self.num_groups:
            message = f"{self.num_groups} groups do not divide the {x.channels} channels"
            near = next(n for n in range(min(self.num_groups, x.channels), 0, -1) if x.channels % n == 0)
            help = f"{near} is the next number that divides them"
            raise ShapeError(message, rule="groups-do-not-divide", argument="num_groups", help=help)
        return x

    def weights(self, *inputs: TensorType) -> dict[str, Shape]:
        if not self.affine:
            return {}
        channels = (inputs[0].channels,)
        return {"weight": channels, "bias": channels} if self.bias else {"weight": channels}

    def window(self, inputs: tuple[TensorType, ...], output: TensorType) -> Window:
        return WHOLE if output.spatial else SAME

    def saved(self, inputs: tuple[TensorType, ...], output: TensorType, forward: Forward) -> Saved:
        """The input, and mean and inverse deviation of every group."""
        return _with_statistics(2 * self.num_groups * forward.weight_itemsize)

    def module(self, *inputs: TensorType) -> TorchCall:
        rest = self.non_defaults("eps", "affine", "bias")
        return TorchCall("nn.GroupNorm", (self.num_groups, inputs[0].channels), rest)


class ShapeNorm(Elementwise):
    """Normalise the last axes of every sample together.

    Input:   any shape
    Output:  the same shape
    Params:  one of each learned tensor for every element normalised together
    MACs:    none
    Errors:  the input has fewer axes than `dims`; a size is not known yet
    """

    leading = ("normalized_shape",)
    autocast = Autocast.WIDENS

    eps: float | None
    elementwise_affine: bool
    dims: int | None
    """How many axes, from the last on; `None` for all of a sample."""

    def normalised(self, x: TensorType) -> int:
        """Return how many pieces of a sample are normalised, each by its own statistics."""
        return x.elements // prod(self.normalized_shape(x))

    def output(self, *inputs: TensorType) -> TensorType:
        self.normalized_shape(inputs[0])
        return inputs[0]

    def normalized_shape(self, x: TensorType) -> Shape:
        """Return the sizes normalised over; weights have this shape."""
        count = len(x.shape) if self.dims is None else self.dims
        if count > len(x.shape):
            message = f"`{self.name}` normalises over the last {count} axes, but gets {x}"
            raise ShapeError(message, rule="wrong-rank", argument="dims")
        if TensorType(x.shape[-count:]).is_symbolic:
            message = f"`{self.name}` has a weight for every element, and gets {x}, whose size is not known yet"
            raise ShapeError(message, rule="size-needed", help=OPEN_SIZES)
        return TensorType(x.shape[-count:]).known

    def weights(self, *inputs: TensorType) -> dict[str, Shape]:
        return {"weight": self.normalized_shape(inputs[0])} if self.elementwise_affine else {}

    def window(self, inputs: tuple[TensorType, ...], output: TensorType) -> Window:
        rank = len(output.shape)
        return along(output, range(0 if self.dims is None else rank - self.dims, rank))

    def module(self, *inputs: TensorType) -> TorchCall:
        shape = self.normalized_shape(inputs[0])
        rest = self.non_defaults()
        rest.pop("dims", None)
        return TorchCall(f"nn.{self.name}", (shape[0] if len(shape) == 1 else shape,), rest)


@op
class LayerNorm(ShapeNorm):
    """Normalise every sample by its mean and variance, then scale and shift every element.

    It works over the whole of a sample, or over the last axes that `dims` says; for the
    channels at each position, as in ConvNeXt, there is `LayerNorm2d`.

    Input:   any shape
    Output:  the same shape
    Params:  a weight and a bias for every element normalised together
    MACs:    none
    Errors:  the input has fewer axes than `dims`; a size is not known yet
    """

    source = "Ba, Kiros & Hinton 2016, arXiv:1607.06450, equation 4; torch.nn.LayerNorm"
    keeps_layout = False
    may_be_overwritten = True

    eps: float = argument(EPS, 1e-5)
    elementwise_affine: bool = argument(Boolean(), True)
    bias: bool = argument(Boolean(), True)
    dims: int | None = argument(Maybe(Whole()), None)

    def weights(self, *inputs: TensorType) -> dict[str, Shape]:
        scale = super().weights(*inputs)
        return scale | {"bias": scale["weight"]} if scale and self.bias else scale

    def saved(self, inputs: tuple[TensorType, ...], output: TensorType, forward: Forward) -> Saved:
        """The input, and mean and inverse deviation of every piece."""
        return _with_statistics(2 * self.normalised(output) * forward.weight_itemsize)


@op
class RMSNorm(ShapeNorm):
    """Divide every sample by the root of its mean square, then scale every element.

    It works over the whole of a sample, or over the last axes that `dims` says.

    Input:   any shape
    Output:  the same shape
    Params:  a weight for every element normalised together
    MACs:    none
    Errors:  the input has fewer axes than `dims`; a size is not known yet
    """

    source = "Zhang & Sennrich 2019, arXiv:1910.07467, equation 4; torch.nn.RMSNorm"

    eps: float | None = argument(Maybe(EPS), None)
    elementwise_affine: bool = argument(Boolean(), True)
    dims: int | None = argument(Maybe(Whole()), None)

    def saved(self, inputs: tuple[TensorType, ...], output: TensorType, forward: Forward) -> Saved:
        """Of a CPU, which computes it step by step in float32: the input, the inverse roots, and what is scaled."""
        whole = Extra("copy of the input in float32", 4 * output.elements)
        normalised = Extra("normalised input", 4 * output.elements)
        extras: tuple[Extra, ...] = (normalised,) if self.elementwise_affine else ()
        if not forward.tracked[0]:
            return Saved(extras=extras)
        extras += (Extra("statistics", 4 * self.normalised(output)),)
        return Saved((0,), extras=extras) if forward.itemsize >= 4 else Saved(extras=(whole, *extras))


@op
class LayerNorm2d(Elementwise):
    """Normalise the channels at each position by their mean and variance, then scale and shift every channel.

    Input:   [c, h, w]
    Output:  the same shape
    Params:  c weights and c biases if `elementwise_affine`
    MACs:    none
    Errors:  the input has another number of axes
    """

    source = "Liu et al. 2022, arXiv:2201.03545, section 2.6; torchvision.models.convnext.LayerNorm2d"
    dimensions = 2
    channels_last = True
    leading = ("normalized_shape",)
    autocast = Autocast.WIDENS
    may_be_overwritten = True

    eps: float = argument(EPS, 1e-5)
    elementwise_affine: bool = argument(Boolean(), True)
    bias: bool = argument(Boolean(), True)

    def weights(self, *inputs: TensorType) -> dict[str, Shape]:
        if not self.elementwise_affine:
            return {}
        channels = (inputs[0].channels,)
        return {"weight": channels, "bias": channels} if self.bias else {"weight": channels}

    def module(self, *inputs: TensorType) -> TorchCall:
        return TorchCall(self.name, (inputs[0].channels,), self.non_defaults())

    def saved(self, inputs: tuple[TensorType, ...], output: TensorType, forward: Forward) -> Saved:
        """The input, and mean and inverse deviation at every position."""
        return _with_statistics(2 * prod(output.known[1:]) * forward.weight_itemsize)


@op
class LocalResponseNorm(Elementwise):
    """Divide every element by a power of the mean square of `size` neighbouring channels there.

    Input:   [c, ...], at least one spatial axis
    Output:  the same shape
    Params:  none
    MACs:    none
    Errors:  the input is a vector
    """

    source = "Krizhevsky, Sutskever & Hinton 2012, section 3.3; torch.nn.LocalResponseNorm"
    leading = ("size",)
    autocast = Autocast.RAISES

    size: int = argument(Whole())
    alpha: float = argument(Real(), 1e-4)
    beta: float = argument(Real(), 0.75)
    k: float = argument(Real(), 1.0)

    def output(self, *inputs: TensorType) -> TensorType:
        (x,) = inputs
        if not x.spatial:
            raise ShapeError(f"`{self.name}` needs at least one spatial axis, but gets {x}", rule="wrong-rank")
        return x

    def scratch(self, inputs: tuple[TensorType, ...], output: TensorType, itemsize: int) -> int:
        """The squares, padded by size − 1 channels; the means are as large as the output they make way for."""
        channels, *sizes = inputs[0].known
        return itemsize * (channels + self.size - 1) * prod(sizes)

    def module(self, *inputs: TensorType) -> TorchCall:
        return TorchCall(f"nn.{self.name}", (self.size,), self.non_defaults("alpha", "beta", "k"))

    def saved(self, inputs: tuple[TensorType, ...], output: TensorType, forward: Forward) -> Saved:
        """The input, its squares with padding, and the sums that are raised to a power, before and after that."""
        channels, *sizes = inputs[0].known
        squares = (channels + self.size - 1) * prod(sizes) * forward.itemsize
        power = output.elements * max(forward.itemsize, forward.weight_itemsize)
        return Saved((0,), extras=(Extra("squares", squares), Extra("sums", power), Extra("divisors", power)))

    def dropped(self, inputs: tuple[TensorType, ...], output: TensorType, forward: Forward) -> tuple[Extra, ...]:
        """Either the squares with their padding, or the means, when the sums are made of them."""
        padded = self.scratch(inputs, output, forward.itemsize)
        return (Extra("sums of squares", max(padded, 2 * output.elements * forward.itemsize)),)


def _with_statistics(each: int, once: int = 0) -> Saved:
    """Return that an input is kept and statistics of so many bytes."""
    return Saved((0,), extras=(Extra("statistics", each, once),))
