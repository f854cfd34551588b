"""Layers and functions that move elements or leave some out, and compute nothing."""

from __future__ import annotations

from math import prod
from typing import Any

from archdsl.ops.activation import FIRST_AXIS, per_sample
from archdsl.ops.arguments import LARGEST, Kind, Whole, argument
from archdsl.ops.base import FLAT, SAME, Elementwise, Op, Reads, ShapeError, Storage, TorchCall, Window, op
from archdsl.ops.sliding import AXES
from archdsl.ops.working import MINUS, Step, grouped, per_axis, product
from archdsl.sizes import Size, Symbolic, floordiv, known, require
from archdsl.tensors import TensorType, dims

MOST_SIZES = 8
"""Axes that one may be split into."""

KNOWN_SIZE = "give the size, as in `[3, H = 224, W = 224]`, or pool to a fixed one first: `AdaptiveAvgPool2d(1)`"


@op
class Identity(Elementwise):
    """Pass the input on as it is.

    Input:   any shape
    Output:  the same shape
    Params:  none
    MACs:    none
    Errors:  none
    """

    source = "torch.nn.Identity"
    is_traced = False
    storage = Storage.ALIAS


@op
class ChannelShuffle(Elementwise):
    """Deal the channels out anew, so that each of `groups` parts gets some of every former part.

    Input:   [c, ...], at least one spatial axis
    Output:  the same shape
    Params:  none
    MACs:    none
    Errors:  `groups` does not divide the channels; the input is a vector
    """

    source = "Zhang et al. 2018, arXiv:1707.01083, figure 1c; torch.nn.ChannelShuffle"
    leading = ("groups",)

    groups: int = argument(Whole())

    def output(self, *inputs: TensorType) -> TensorType:
        (x,) = inputs
        if not x.spatial:
            raise ShapeError(f"`{self.name}` needs at least one spatial axis, but gets {x}", rule="wrong-rank")
        if x.channels % self.groups:
            message = f"{self.groups} groups do not divide the {x.channels} channels"
            raise ShapeError(message, rule="groups-do-not-divide", argument="groups")
        return x

    def module(self, *inputs: TensorType) -> TorchCall:
        return TorchCall("nn.ChannelShuffle", (self.groups,))


@op
class Flatten(Op):
    """Merge the axes from `start_dim` to `end_dim` into one; by default everything into a vector.

    The axes count the batch as axis 0, as in PyTorch.

    Input:   any shape
    Output:  [c · h · w] by default
    Params:  none
    MACs:    none
    Errors:  the batch would be merged too; an axis does not exist; a size is not known yet
    """

    source = "torch.nn.Flatten"
    storage = Storage.ALIAS
    functional = True

    start_dim: int = argument(Whole(-LARGEST), 1)
    end_dim: int = argument(Whole(-LARGEST), -1)

    def output(self, *inputs: TensorType) -> TensorType:
        (x,) = inputs
        start, end = self._axes(x)
        if start == end:
            return x
        merged = x.shape[start : end + 1]
        unknown = [str(size) for size in merged if isinstance(size, Symbolic)]
        if unknown:
            message = f"`Flatten` needs a known input size, but gets {x}"
            raise ShapeError(message, rule="size-needed", help=KNOWN_SIZE)
        return TensorType((*x.shape[:start], prod(merged), *x.shape[end + 1 :]))

    def shape_working(self, inputs: tuple[TensorType, ...], output: TensorType) -> tuple[Step, ...]:
        (x,) = inputs
        start, end = self._axes(x)
        if start == end:
            return (Step("shape", "", dims(output.shape), "as its input: one axis has nothing to merge"),)
        return (Step("merged", product(x.shape[start : end + 1]), grouped(output.shape[start])),)

    def _axes(self, x: TensorType) -> tuple[int, int]:
        """Return the first and last axis merged, counted from the channels."""
        axes = []
        for name, dim in (("start_dim", self.start_dim), ("end_dim", self.end_dim)):
            axis = dim + len(x.shape) if dim < 0 else dim - 1
            if not -1 <= axis < len(x.shape):
                message = f"`{name}` {dim} does not exist in {x}, whose axes are 0 (the batch) to {len(x.shape)}"
                raise ShapeError(message, rule="wrong-rank", argument=name)
            axes.append(axis)
        start, end = axes
        if start > end:
            message = f"`start_dim` {self.start_dim} comes after `end_dim` {self.end_dim} in {x}"
            raise ShapeError(message, rule="wrong-rank", argument="start_dim")
        if start < 0 <= end:
            message = f"`start_dim` {self.start_dim} is the batch, which stays as it is"
            raise ShapeError(message, rule="wrong-rank", argument="start_dim", help=FIRST_AXIS)
        return start, end

    def window(self, inputs: tuple[TensorType, ...], output: TensorType) -> Window:
        (x,) = inputs
        unchanged = len(output.shape) == len(x.shape)
        return SAME if unchanged or all(size == 1 for size in x.spatial) else FLAT


class Sizes(Kind):
    """The sizes of some axes, one of them perhaps -1: what is left for it."""

    wants = "a tuple of whole numbers from 1 up, one of them perhaps -1 for what is left"

    def read(self, value: Any, dimensions: int | None) -> tuple[int, ...]:
        whole = type(value) is tuple and 1 <= len(value) <= MOST_SIZES and all(type(size) is int for size in value)
        if not whole or any(not (size == -1 or 1 <= size <= LARGEST) for size in value) or value.count(-1) > 1:
            raise ValueError
        return tuple(value)


@op
class Unflatten(Op):
    """Split the axis `dim` into several, as after a linear layer that makes the elements of a map.

    The axes count the batch as axis 0, as in PyTorch.

    Input:   any shape
    Output:  `unflattened_size` in place of that axis; a -1 in it is what is left
    Params:  none
    MACs:    none
    Errors:  the sizes do not multiply to that of the axis; the axis does not exist or is the batch
    """

    source = "torch.nn.Unflatten"
    leading = ("dim", "unflattened_size")
    example = "[48] -> Unflatten(1, (3, 4, 4))"
    storage = Storage.ALIAS

    dim: int = argument(Whole(-LARGEST))
    unflattened_size: tuple[int, ...] = argument(Sizes())

    def output(self, *inputs: TensorType) -> TensorType:
        (x,) = inputs
        axis, sizes = self._split(x)
        return TensorType((*x.shape[:axis], *sizes, *x.shape[axis + 1 :]))

    def _split(self, x: TensorType) -> tuple[int, tuple[int, ...]]:
        """Return the axis, counted from the channels, and the sizes it is split into."""
        axis = per_sample(self.dim, "dim", x)
        whole = known(x.shape[axis])
        part = prod(size for size in self.unflattened_size if size != -1)
        if whole % part or (part != whole and -1 not in self.unflattened_size):
            written = " · ".join(map(str, self.unflattened_size))
            message = f"cannot split the {whole} of {x} into {written}"
            if -1 not in self.unflattened_size:
                message += f" = {part}"
            raise ShapeError(message, argument="unflattened_size")
        return axis, tuple(whole // part if size == -1 else size for size in self.unflattened_size)

    def shape_working(self, inputs: tuple[TensorType, ...], output: TensorType) -> tuple[Step, ...]:
        axis, sizes = self._split(inputs[0])
        return (Step("split", product(sizes), grouped(inputs[0].shape[axis]), "the size of that axis"),)

    def window(self, inputs: tuple[TensorType, ...], output: TensorType) -> Window:
        return SAME if len(output.shape) == len(inputs[0].shape) else FLAT

    def module(self, *inputs: TensorType) -> TorchCall:
        return TorchCall("nn.Unflatten", (self.dim, self.unflattened_size))


class Amount(Kind):
    """A number of rows or columns from 0 up, perhaps not known yet."""

    wants = "a whole number from 0 up"

    def read(self, value: Any, dimensions: int | None) -> Size:
        if isinstance(value, Symbolic) or (type(value) is int and 0 <= value <= LARGEST):
            return value
        raise ValueError


@op
class Crop(Op):
    """Cut positions off the sides of a map.

    Input:   [c, l] with `start` and `end`; [c, h, w] with `left`, `right`, `top` and `bottom`; or
             [c, d, h, w] with `front` and `back` as well
    Output:  [c, l − start − end], or [c, d − front − back, h − top − bottom, w − left − right]
    Params:  none
    MACs:    none
    Errors:  nothing is left; the sides are those of another number of axes
    """

    name = "crop"
    source = "Ronneberger, Fischer & Brox 2015, arXiv:1505.04597, section 2; torch.Tensor.narrow"
    example = "crop(x, left=2, right=2, top=2, bottom=2)"
    is_module = False
    storage = Storage.SLICE

    left: Size = argument(Amount(), 0)
    right: Size = argument(Amount(), 0)
    top: Size = argument(Amount(), 0)
    bottom: Size = argument(Amount(), 0)
    start: Size = argument(Amount(), 0)
    end: Size = argument(Amount(), 0)
    front: Size = argument(Amount(), 0)
    back: Size = argument(Amount(), 0)

    def cuts(self, x: TensorType) -> tuple[tuple[Size, Size], ...]:
        """Return what is cut before and after each axis of `x`."""
        sides = {"start": (self.start, self.end), "front": (self.front, self.back)}
        sides |= {"top": (self.top, self.bottom), "left": (self.left, self.right)}
        own = SIDES.get(len(x.spatial), ())
        if own and all(cut == NOTHING for first, cut in sides.items() if first not in own):
            return tuple(sides[first] for first in own)
        message = (
            "`crop` takes `start` and `end` of [c, l], `left`, `right`, `top` and `bottom` of [c, h, w], "
            f"and `front` and `back` too of [c, d, h, w], but gets {x}"
        )
        raise ShapeError(message, rule="wrong-rank")

    def output(self, *inputs: TensorType) -> TensorType:
        (x,) = inputs
        sizes = []
        for size, (before, after) in zip(x.spatial, self.cuts(x), strict=True):
            message = "`crop` takes {before} + {after} of {size}, which leaves nothing"
            require(size - before - after >= 1, message, before=before, after=after, size=size)
            sizes.append(size - before - after)
        return TensorType((x.channels, *sizes))

    def gradient_between(self, inputs: tuple[TensorType, ...], output: TensorType) -> int:
        """What is filled up along all axes but the first that is cut: a slice is taken of one axis after another."""
        before, after = inputs[0].known, output.known
        cut = [axis for axis, (size, left) in enumerate(zip(before, after, strict=True)) if size != left]
        return prod(after[: cut[0] + 1]) * prod(before[cut[0] + 1 :]) if len(cut) > 1 else 0

    def shape_working(self, inputs: tuple[TensorType, ...], output: TensorType) -> tuple[Step, ...]:
        (x,) = inputs
        cuts = zip(x.spatial, self.cuts(x), strict=True)
        formulas = [f"{grouped(n)} {MINUS} {grouped(before)} {MINUS} {grouped(after)}" for n, (before, after) in cuts]
        kept = Step("channels", "", grouped(output.channels), "as its input")
        return (kept, *per_axis(AXES[len(formulas)], formulas, output.spatial))

    def window(self, inputs: tuple[TensorType, ...], output: TensorType) -> Window:
        return tuple(
            None if isinstance(before, Symbolic) else Reads(1, (range(before, before + 1),))
            for before, _ in self.cuts(inputs[0])
        )


NOTHING = (0, 0)
SIDES = {1: ("start",), 2: ("top", "left"), 3: ("front", "top", "left")}
"""The first side of each axis, by the number of axes."""
AFTER = {"start": "end", "front": "back", "top": "bottom", "left": "right"}


def crop_like(x: TensorType, like: TensorType) -> Crop:
    """Return the crop that cuts the centre of `x` to the size of `like`; an odd rest goes to the end."""
    if len(x.spatial) != len(like.spatial) or len(x.spatial) not in SIDES:
        message = f"cannot crop {x} like {like}: both need the same one to three spatial axes"
        raise ShapeError(message, rule="wrong-rank")
    cuts: dict[str, Size] = {}
    for first, size, wanted in zip(SIDES[len(x.spatial)], x.spatial, like.spatial, strict=True):
        message = "cannot crop {x} like {like}: {size} is smaller than {wanted}"
        require(size >= wanted, message, x=x, like=like, size=size, wanted=wanted)
        cuts[first] = floordiv(size - wanted, 2)
        cuts[AFTER[first]] = size - wanted - cuts[first]
    return Crop(**cuts)


@op
class Chunk(Op):
    """Take `length` channels from `start` on: one piece of a split.

    Input:   any shape
    Output:  `length` channels, the other sizes as they are
    Params:  none
    MACs:    none
    Errors:  the input has too few channels
    """

    name = "chunk"
    source = "torch.split, torch.chunk"
    example = "split(x, 2)[0]"
    is_module = False
    storage = Storage.SLICE

    start: int = argument(Whole(0))
    length: int = argument(Whole())

    def shape_working(self, inputs: tuple[TensorType, ...], output: TensorType) -> tuple[Step, ...]:
        remark = f"channels {self.start} to {self.start + self.length - 1} of {inputs[0].channels}"
        channels = Step("channels", "", grouped(self.length), remark)
        if not output.spatial:
            return (channels,)
        return channels, Step("sizes", "", " × ".join(map(grouped, output.spatial)), "as its input")

    def output(self, *inputs: TensorType) -> TensorType:
        (x,) = inputs
        if self.start + self.length > x.channels:
            message = f"cannot take channels {self.start} to {self.start + self.length - 1} of {x}"
            raise ShapeError(message)
        return TensorType((self.length, *x.spatial))
