"""Pads: positions, or channels, put around a map."""

from __future__ import annotations

from archdsl.ops.arguments import LARGEST, Sides, Whole, argument
from archdsl.ops.backward import INPUT
from archdsl.ops.base import Elementwise, Op, Reads, TorchCall, Window, brief, op, spatial
from archdsl.ops.sliding import AXES, UNITS
from archdsl.ops.working import Step, grouped, per_axis
from archdsl.sizes import Size, require
from archdsl.tensors import TensorType


class Pad(Op):
    """Put positions around a map; from where they take their values is the subclass's matter.

    Input:   [c, ...], one size per axis
    Output:  [c, ...], each size n + padding before + padding after
    Params:  none
    MACs:    none
    Errors:  the input has another number of axes
    """

    leading = ("padding",)

    padding: tuple[int, ...]

    @property
    def sides(self) -> tuple[tuple[int, int], ...]:
        """The padding before and after each axis; PyTorch's order begins with the last axis."""
        return tuple(zip(self.padding[::2], self.padding[1::2], strict=True))[::-1]

    def output(self, *inputs: TensorType) -> TensorType:
        channels, sizes = self.as_map(inputs[0])
        return TensorType((channels, *map(self._padded, sizes, self.sides, UNITS[len(sizes)])))

    def _padded(self, size: Size, sides: tuple[int, int], unit: str) -> Size:
        self.check_sides(size, sides, unit)
        return size + sum(sides)

    def check_sides(self, size: Size, sides: tuple[int, int], unit: str) -> None:
        """Check that an axis has what is put around it; raises `ShapeError`."""

    def shape_working(self, inputs: tuple[TensorType, ...], output: TensorType) -> tuple[Step, ...]:
        axes = zip(inputs[0].spatial, self.sides, strict=True)
        formulas = [f"{grouped(size)} + {before} + {after}" for size, (before, after) in axes]
        kept = Step("channels", "", grouped(output.channels), "as its input")
        return (kept, *per_axis(AXES[len(formulas)], formulas, output.spatial))

    def window(self, inputs: tuple[TensorType, ...], output: TensorType) -> Window:
        return tuple(Reads(1, (range(-before, 1 - before),)) for before, _ in self.sides)

    def module(self, *inputs: TensorType) -> TorchCall:
        return TorchCall(f"nn.{self.name}", (brief(self.padding),))


@spatial
class ZeroPad(Pad):
    """Put zeros around a map; a negative padding cuts off.

    Input:   [c, ...], one size per axis
    Output:  [c, ...], each size n + padding before + padding after
    Params:  none
    MACs:    none
    Errors:  the input has another number of axes; a negative padding leaves nothing
    """

    source = "torch.nn.ZeroPad1d, ZeroPad2d, ZeroPad3d"

    padding: tuple[int, ...] = argument(Sides(-LARGEST))

    def check_sides(self, size: Size, sides: tuple[int, int], unit: str) -> None:
        before, after = sides
        message = "the padding {before} and {after} of {size} {unit} leaves nothing"
        cut = min(before, 0) + min(after, 0)  # PyTorch cuts first, and may cut everything before it pads
        for fits in (size + cut >= 0, size + (before + after) >= 1):
            require(fits, message, argument="padding", before=before, after=after, size=size, unit=unit)


@spatial
class ReflectionPad(Pad):
    """Put the mirror image of a map around it, the border itself not repeated.

    Input:   [c, ...], one size per axis
    Output:  [c, ...], each size n + padding before + padding after
    Params:  none
    MACs:    none
    Errors:  the input has another number of axes; a padding is not smaller than its axis
    """

    source = "torch.nn.ReflectionPad1d, ReflectionPad2d, ReflectionPad3d"
    border = "reflect"
    keeps = INPUT

    padding: tuple[int, ...] = argument(Sides(0))

    def check_sides(self, size: Size, sides: tuple[int, int], unit: str) -> None:
        need = max(sides) + 1
        message = "a mirror image of {most} needs at least {need} {unit}, but the input has {size}"
        require(size >= need, message, argument="padding", most=need - 1, need=need, unit=unit, size=size)


@spatial
class ReplicationPad(Pad):
    """Put copies of the border around a map."""

    source = "torch.nn.ReplicationPad1d, ReplicationPad2d, ReplicationPad3d"
    border = "replicate"
    keeps = INPUT

    padding: tuple[int, ...] = argument(Sides(0))


@op
class PadChannels(Elementwise):
    """Put channels of zeros before and after those of a tensor, as a shortcut without parameters does.

    Input:   any shape
    Output:  `before` + c + `after` channels, the other sizes as they are
    Params:  none
    MACs:    none
    Errors:  none
    """

    source = "He et al. 2016, arXiv:1512.03385, section 3.3, option A; torch.nn.functional.pad"
    leading = ("before", "after")

    before: int = argument(Whole(0))
    after: int = argument(Whole(0))

    def output(self, *inputs: TensorType) -> TensorType:
        (x,) = inputs
        return TensorType((self.before + x.channels + self.after, *x.spatial))

    def shape_working(self, inputs: tuple[TensorType, ...], output: TensorType) -> tuple[Step, ...]:
        formula = f"{self.before} + {inputs[0].channels} + {self.after}"
        channels = Step("channels", formula, grouped(output.channels))
        if not output.spatial:
            return (channels,)
        return channels, Step("sizes", "", " × ".join(map(grouped, output.spatial)), "as its input")

    def module(self, *inputs: TensorType) -> TorchCall:
        return TorchCall(self.name, (self.before, self.after))
