"""Layers and functions that move elements or leave some out, and compute nothing."""

from __future__ import annotations

from math import prod
from typing import Any

from archdsl.ops.arguments import LARGEST, Kind, Whole, argument
from archdsl.ops.base import FLAT, SAME, Elementwise, Op, Reads, ShapeError, Storage, Window, op
from archdsl.ops.sliding import AXES
from archdsl.ops.working import MINUS, Step, grouped, per_axis, product
from archdsl.sizes import Size, Symbolic, floordiv, require
from archdsl.tensors import TensorType, dims


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
    storage = Storage.ALIAS


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
            raise ShapeError(message, rule="size-needed", help="give the size, or pool to a fixed one first")
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
            raise ShapeError(message, rule="wrong-rank", argument="start_dim")
        return start, end

    def window(self, inputs: tuple[TensorType, ...], output: TensorType) -> Window:
        (x,) = inputs
        unchanged = len(output.shape) == len(x.shape)
        return SAME if unchanged or all(size == 1 for size in x.spatial) else FLAT


class Amount(Kind):
    """A number of rows or columns from 0 up, perhaps not known yet."""

    wants = "a whole number from 0 up"

    def read(self, value: Any, dimensions: int | None) -> Size:
        if isinstance(value, Symbolic) or (type(value) is int and 0 <= value <= LARGEST):
            return value
        raise ValueError


@op
class Crop(Op):
    """Cut rows and columns off the sides of a map.

    Input:   [c, l] with `start` and `end`, or [c, h, w] with the other four
    Output:  [c, l − start − end], or [c, h − top − bottom, w − left − right]
    Params:  none
    MACs:    none
    Errors:  nothing is left; the sides are those of another number of axes
    """

    name = "crop"
    source = "Ronneberger, Fischer & Brox 2015, arXiv:1505.04597, section 2; torch.Tensor.narrow"
    is_module = False
    storage = Storage.SLICE

    left: Size = argument(Amount(), 0)
    right: Size = argument(Amount(), 0)
    top: Size = argument(Amount(), 0)
    bottom: Size = argument(Amount(), 0)
    start: Size = argument(Amount(), 0)
    end: Size = argument(Amount(), 0)

    def cuts(self, x: TensorType) -> tuple[tuple[Size, Size], ...]:
        """Return what is cut before and after each axis of `x`."""
        vertical, horizontal, along = (self.top, self.bottom), (self.left, self.right), (self.start, self.end)
        if len(x.spatial) == 1 and (vertical, horizontal) == (NOTHING, NOTHING):
            return (along,)
        if len(x.spatial) == 2 and along == NOTHING:
            return vertical, horizontal
        message = f"`crop` works on [c, l] with `start` and `end`, or on [c, h, w] with the four sides, but gets {x}"
        raise ShapeError(message, rule="wrong-rank")

    def output(self, *inputs: TensorType) -> TensorType:
        (x,) = inputs
        sizes = []
        for size, (before, after) in zip(x.spatial, self.cuts(x), strict=True):
            message = "`crop` takes {before} + {after} of {size}, which leaves nothing"
            require(size - before - after >= 1, message, before=before, after=after, size=size)
            sizes.append(size - before - after)
        return TensorType((x.channels, *sizes))

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


def crop_like(x: TensorType, like: TensorType) -> Crop:
    """Return the crop that cuts the centre of `x` to the size of `like`; an odd rest goes to the end."""
    if len(x.spatial) != len(like.spatial) or len(x.spatial) not in (1, 2):
        raise ShapeError(f"cannot crop {x} like {like}: both need the same one or two spatial axes", rule="wrong-rank")
    cuts = []
    for size, wanted in zip(x.spatial, like.spatial, strict=True):
        message = "cannot crop {x} like {like}: {size} is smaller than {wanted}"
        require(size >= wanted, message, x=x, like=like, size=size, wanted=wanted)
        before = floordiv(size - wanted, 2)
        cuts.append((before, size - wanted - before))
    if len(cuts) == 1:
        ((start, end),) = cuts
        return Crop(start=start, end=end)
    (top, bottom), (left, right) = cuts
    return Crop(left=left, right=right, top=top, bottom=bottom)


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
