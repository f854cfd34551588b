"""Layers that change the size of a map without a kernel of weights: interpolation and shuffles of positions."""

from __future__ import annotations

from fractions import Fraction
from math import floor
from struct import pack, unpack
from typing import Any

from archdsl.ops.arguments import ArgumentError, Boolean, Choice, Maybe, OneOrMore, Real, Whole, argument
from archdsl.ops.backward import INPUT, Autocast, Forward, Saved
from archdsl.ops.base import Op, Reads, ShapeError, TorchCall, Window, op
from archdsl.ops.pool import MOST_BINS, bins
from archdsl.ops.sliding import AXES, UNITS
from archdsl.ops.working import TIMES, Step, grouped, per_axis
from archdsl.sizes import Size, Symbolic, equal, floordiv, modulo, require
from archdsl.tensors import TensorType

LINEAR = {"linear": 1, "bilinear": 2, "trilinear": 3}
NEAREST = ("nearest", "nearest-exact")
AXES_OF_MODE = LINEAR | {"bicubic": 2}
"""The modes that work on one number of axes only."""

MOST_SCALE = 4096.0
"""The largest scale: a window is a table with one row per phase."""
MOST_COMPARED = 2**16
"""Outputs of one axis of which it is looked whether rounding moves what they copy."""


@op
class Upsample(Op):
    """Resize a map to `size`, or by `scale_factor`, taking each output from the inputs nearest to it.

    `"nearest"` copies one, `"bilinear"` (in one dimension `"linear"`, in three `"trilinear"`) mixes
    two along each axis and `"bicubic"` four, `"area"` takes the mean. With `align_corners` the
    centres of the corner pixels fall on each other, else their outer edges do.

    Input:   [c, ...], one to three spatial axes
    Output:  [c, size], or each size ⌊n · scale_factor⌋
    Params:  none
    MACs:    none
    Errors:  the mode is one for another number of axes; nothing is left
    """

    source = "torch `area_pixel_compute_source_index`, `nearest_idx` in ATen/native/UpSample.h; torch.nn.Upsample"
    example = "[16, 32, 32] -> Upsample(scale_factor=2)"

    size: Any = argument(Maybe(OneOrMore(Whole())), None)
    scale_factor: Any = argument(Maybe(OneOrMore(Real(0, MOST_SCALE, strict=True))), None)
    mode: str = argument(
        Choice("nearest", "linear", "bilinear", "bicubic", "trilinear", "area", "nearest-exact"), "nearest"
    )
    align_corners: bool | None = argument(Maybe(Boolean()), None)
    recompute_scale_factor: bool | None = argument(Maybe(Boolean()), None)

    def check(self) -> None:
        if (self.size is None) == (self.scale_factor is None):
            both = "not both" if self.size is not None else "as in `Upsample(scale_factor=2)`"
            raise ArgumentError(f"takes `size` or `scale_factor`, {both}", None if self.size is None else "size")
        if self.align_corners is not None and self.mode not in AXES_OF_MODE:
            message = f'`align_corners` is for "linear", "bilinear", "bicubic" and "trilinear", not for "{self.mode}"'
            raise ArgumentError(message, "align_corners")
        if self.recompute_scale_factor and self.size is not None:
            raise ArgumentError("`recompute_scale_factor` goes with `scale_factor`", "recompute_scale_factor")

    def output(self, *inputs: TensorType) -> TensorType:
        (x,) = inputs
        axes = len(x.spatial)
        if not 1 <= axes <= 3:
            raise ShapeError(f"`Upsample` works on one to three spatial axes, but gets {x}", rule="wrong-rank")
        wanted = AXES_OF_MODE.get(self.mode, axes)
        if wanted != axes:
            other = {1: '"linear"', 2: '"bilinear" or "bicubic"', 3: '"trilinear"'}[axes]
            message = f'"{self.mode}" works on {wanted} spatial ax{"is" if wanted == 1 else "es"}, but gets {x}'
            raise ShapeError(message, rule="wrong-rank", argument="mode", help=f"there it is {other}")
        if self.size is not None:
            return TensorType((x.channels, *self._each(self.size, axes, "size")))
        factors = self._each(self.scale_factor, axes, "scale_factor")
        return TensorType((x.channels, *map(_scaled, x.spatial, factors, UNITS[axes])))

    @property
    def autocast(self) -> Autocast:  # type: ignore[override]  # depends on an argument here
        return Autocast.KEEPS if self.mode == "area" else Autocast.WIDENS

    def saved(self, inputs: tuple[TensorType, ...], output: TensorType, forward: Forward) -> Saved:
        """An average needs its input, as the adaptive pool that it is; whatever interpolates needs sizes alone."""
        return INPUT if self.mode == "area" and any(size != 1 for size in output.spatial) else Saved()

    def _each(self, value: Any, axes: int, name: str) -> tuple[Any, ...]:
        """Return a value for each axis."""
        if not isinstance(value, tuple):
            return (value,) * axes
        if len(value) != axes:
            message = f"`{name}` has {len(value)} numbers, but the input {axes} spatial ax{'is' if axes == 1 else 'es'}"
            raise ShapeError(message, rule="wrong-rank", argument=name)
        return value

    def shape_working(self, inputs: tuple[TensorType, ...], output: TensorType) -> tuple[Step, ...]:
        kept = Step("channels", "", grouped(output.channels), "as its input")
        if self.size is not None:
            return kept, Step("each size", "", " × ".join(map(grouped, output.spatial)), "size, whatever the input")
        axes = inputs[0].spatial
        factors = self._each(self.scale_factor, len(axes), "scale_factor")
        formulas = [f"⌊{grouped(size)} {TIMES} {factor:g}⌋" for size, factor in zip(axes, factors, strict=True)]
        return (kept, *per_axis(AXES[len(axes)], formulas, output.spatial))

    def window(self, inputs: tuple[TensorType, ...], output: TensorType) -> Window:
        (x,) = inputs
        given = self.size is not None or self.recompute_scale_factor or self.align_corners or self.mode == "area"
        factors = (None,) * len(x.spatial) if given else self._each(self.scale_factor, len(x.spatial), "scale_factor")
        is_plane = len(x.spatial) == 2
        axes = zip(x.spatial, output.spatial, factors, strict=True)
        return tuple([self._reads(size, wanted, factor, is_plane) for size, wanted, factor in axes])

    def _reads(self, size: Size, wanted: Size, factor: float | None, is_plane: bool) -> Reads | None:
        """Return what the outputs of one axis read; the weights of a mix may vanish, and are then not counted.

        On a plane PyTorch copies, or doubles, where the sizes come out as equal or twice as large, whatever the
        factor says; along a line and in space it goes by the factor, unless the channels come last.
        """
        if factor is None and (isinstance(size, Symbolic) or isinstance(wanted, Symbolic)):
            return None
        if self.mode == "area":
            return bins(wanted if isinstance(wanted, int) else None, size)
        if factor is not None:
            step = 1 / _ratio(factor)
        else:
            assert isinstance(size, int), "sizes without a factor are known here"
            assert isinstance(wanted, int), "sizes without a factor are known here"
            step = Fraction(size, wanted)
            if self.align_corners:
                step = Fraction(size - 1, wanted - 1) if wanted > 1 else Fraction(0)
        if isinstance(size, Symbolic) or isinstance(wanted, Symbolic):
            return self._periodic(step)
        if size == wanted and ((self.mode == "nearest" and is_plane) or self.mode in LINEAR):
            step = Fraction(1)
        if self.mode == "nearest" and is_plane and wanted == 2 * size:
            step = Fraction(1, 2)
        if self.mode in NEAREST:
            half = Fraction(self.mode == "nearest-exact", 2)
            if not _rounds_harmlessly(step, size):
                found = _nearest(step, half, size, wanted) if wanted <= MOST_COMPARED else []
                if not found or any(at != min(floor((o + half) * step), size - 1) for o, at in enumerate(found)):
                    return Reads(size, tuple([range(at, at + 1) for at in found])) if wanted <= MOST_BINS else None
        if step.denominator <= MOST_BINS:
            return self._periodic(step)
        return Reads(size, tuple([self._taps(o, step) for o in range(wanted)])) if wanted <= MOST_BINS else None

    def _periodic(self, step: Fraction) -> Reads | None:
        period = step.denominator
        return (
            Reads(step.numerator, tuple([self._taps(o, step) for o in range(period)])) if period <= MOST_BINS else None
        )

    def _taps(self, output: int, step: Fraction) -> range:
        """Return the inputs that one output is made of, `step` inputs lying between neighbouring outputs."""
        if self.mode == "nearest":
            nearest = floor(output * step)
            return range(nearest, nearest + 1)
        half = Fraction(1, 2)
        if self.mode == "nearest-exact":
            nearest = floor((output + half) * step)
            return range(nearest, nearest + 1)
        place = output * step if self.align_corners else (output + half) * step - half
        before = floor(place)
        if place == before:
            return range(before, before + 1)
        return range(before, before + 2) if self.mode in LINEAR else range(before - 1, before + 3)

    def module(self, *inputs: TensorType) -> TorchCall:
        changed = self.non_defaults()
        factor = changed.get("scale_factor")
        if factor is not None:
            whole = tuple(map(_brief, factor)) if isinstance(factor, tuple) else _brief(factor)
            changed["scale_factor"] = whole
        return TorchCall("nn.Upsample", (), changed)


def _brief(factor: float) -> float:
    return int(factor) if factor == int(factor) else factor


def _ratio(factor: float) -> Fraction:
    """Return the fraction that was meant by a factor, 8/5 by 1.6; the number itself where no short one is as near."""
    short = Fraction(factor).limit_denominator(MOST_BINS)
    return short if float(short) == factor else Fraction(factor)


def _rounds_harmlessly(step: Fraction, size: int) -> bool:
    """Tell whether positions in single precision fall where they do without rounding, for a map of `size`.

    A step that is rounded up never falls short of a whole number, and does not reach the next one in a short map.
    """
    return _single(float(step)) >= step and size * step.denominator < 2**20


def _nearest(step: Fraction, half: Fraction, size: int, wanted: int) -> list[int]:
    """Return the input that each output copies, in single precision as `nearest_idx` and `nearest_exact_idx` do."""
    rounded, middle = _single(float(step)), float(half)
    return [min(floor(_single((o + middle) * rounded)), size - 1) for o in range(wanted)]


def _single(value: float) -> float:
    (rounded,) = unpack("f", pack("f", value))
    return float(rounded)


def _scaled(size: Size, factor: float, unit: str) -> Size:
    """Return ⌊size · factor⌋ as PyTorch computes it, in double precision.

    A factor such as 2 or 1.5 is a short fraction, for which floating point is exact; any other needs a number.
    """
    top, bottom = factor.as_integer_ratio()
    if bottom <= MOST_BINS:
        scaled = floordiv(size * top, bottom)
    elif isinstance(size, Symbolic):
        message = f"⌊n · {factor:g}⌋ has no exact form while the size is not known"
        raise ShapeError(message, rule="size-needed", argument="scale_factor", help="give the size of the input")
    else:
        scaled = floor(size * factor)
    message = "{size} {unit} times {factor} leaves nothing"
    require(scaled >= 1, message, argument="scale_factor", size=size, unit=unit, factor=f"{factor:g}")
    return scaled


@op
class PixelShuffle(Op):
    """Turn groups of r² channels into squares of r × r positions, where r is `upscale_factor`.

    Input:   [c, h, w]
    Output:  [c / r², h · r, w · r]
    Params:  none
    MACs:    none
    Errors:  r² does not divide the channels; the input has another number of axes
    """

    source = "Shi et al. 2016, arXiv:1609.05158, equation 4; torch.nn.PixelShuffle"
    leading = ("upscale_factor",)
    dimensions = 2

    upscale_factor: int = argument(Whole(1, MOST_BINS))

    def output(self, *inputs: TensorType) -> TensorType:
        channels, sizes = self.as_map(inputs[0])
        factor = self.upscale_factor
        if channels % factor**2:
            message = f"the {channels} channels are no multiple of {factor}² = {factor**2}"
            raise ShapeError(message, argument="upscale_factor")
        return TensorType((channels // factor**2, *(size * factor for size in sizes)))

    def shape_working(self, inputs: tuple[TensorType, ...], output: TensorType) -> tuple[Step, ...]:
        factor = self.upscale_factor
        channels = Step("channels", f"{inputs[0].channels} / {factor}²", grouped(output.channels))
        formulas = [f"{grouped(size)} {TIMES} {factor}" for size in inputs[0].spatial]
        return (channels, *per_axis(AXES[2], formulas, output.spatial))

    def window(self, inputs: tuple[TensorType, ...], output: TensorType) -> Window:
        return (Reads(1, (range(1),) * self.upscale_factor),) * 2

    def module(self, *inputs: TensorType) -> TorchCall:
        return TorchCall("nn.PixelShuffle", (self.upscale_factor,))


@op
class PixelUnshuffle(Op):
    """Turn squares of r × r positions into groups of r² channels, where r is `downscale_factor`.

    Input:   [c, h, w]
    Output:  [c · r², h / r, w / r]
    Params:  none
    MACs:    none
    Errors:  r does not divide a size; the input has another number of axes
    """

    source = "Shi et al. 2016, arXiv:1609.05158, section 3.2; torch.nn.PixelUnshuffle"
    leading = ("downscale_factor",)
    dimensions = 2

    downscale_factor: int = argument(Whole(1, MOST_BINS))

    def output(self, *inputs: TensorType) -> TensorType:
        channels, sizes = self.as_map(inputs[0])
        factor = self.downscale_factor
        for size, unit in zip(sizes, UNITS[2], strict=True):
            message = "the {size} {unit} are no multiple of {factor}"
            fits = equal(modulo(size, factor), 0)
            require(fits, message, argument="downscale_factor", size=size, unit=unit, factor=factor)
        return TensorType((channels * factor**2, *(floordiv(size, factor) for size in sizes)))

    def shape_working(self, inputs: tuple[TensorType, ...], output: TensorType) -> tuple[Step, ...]:
        factor = self.downscale_factor
        channels = Step("channels", f"{inputs[0].channels} {TIMES} {factor}²", grouped(output.channels))
        formulas = [f"{grouped(size)} / {factor}" for size in inputs[0].spatial]
        return (channels, *per_axis(AXES[2], formulas, output.spatial))

    def window(self, inputs: tuple[TensorType, ...], output: TensorType) -> Window:
        return (Reads(self.downscale_factor, (range(self.downscale_factor),)),) * 2

    def module(self, *inputs: TensorType) -> TorchCall:
        return TorchCall("nn.PixelUnshuffle", (self.downscale_factor,))
