"""What the layers of a small net compute in evaluation, number by number, as PyTorch defines it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import floor, prod
from typing import Any

from archdsl.exam.asks import root
from archdsl.exam.data import MOST_BITS, Tensor
from archdsl.exam.sums import Taps, Work, even, filtered, largest, scaled, together, weighted
from archdsl.ops import Op
from archdsl.ops.activation import LeakyReLU, ReLU, ReLU6
from archdsl.ops.conv import Conv, ConvTranspose
from archdsl.ops.dense import Linear
from archdsl.ops.dropout import Drop
from archdsl.ops.merge import Add, Concat, Multiply, Scale
from archdsl.ops.norm import BatchNorm
from archdsl.ops.pad import Pad
from archdsl.ops.pool import AdaptiveAvgPool, AdaptiveMaxPool, AvgPool, MaxPool
from archdsl.ops.reshape import Chunk, Crop, Flatten, Identity, Unflatten
from archdsl.ops.resize import LINEAR, Upsample
from archdsl.tensors import TensorType


@dataclass(frozen=True, slots=True)
class Given:
    """A layer with all that its rule reads beside its inputs."""

    op: Any
    """The op; `Any`, since a rule is for one class."""
    types: tuple[TensorType, ...]
    output: TensorType
    weights: Mapping[str, Tensor]
    work: Work

    @property
    def sizes(self) -> tuple[tuple[int, int], ...]:
        """The size of each axis, before and after."""
        return tuple(zip(self.types[0].known[1:], self.output.known[1:], strict=True))

    @property
    def places(self) -> list[list[range]]:
        """The input positions that each output position reads, along each axis; some may lie beside the map."""
        window = self.op.window(self.types, self.output)
        if not isinstance(window, tuple):
            assert all(out == 1 for _, out in self.sizes), "what reads every position leaves one"
            return [[range(n)] for n, _ in self.sizes]
        found = []
        for reads, (_, out) in zip(window, self.sizes, strict=True):
            turns = [divmod(o, len(reads.taps)) for o in range(out)]
            found.append([_moved(reads.taps[phase], turn * reads.shift) for turn, phase in turns])
        return found


Rule = Callable[[Given, list[Tensor]], Tensor]


def rule_of(op: Op) -> Rule:
    """Return what a layer computes.

    Raises:
        ValueError: that is not known here.
    """
    for kind in type(op).__mro__:
        if kind in _RULES:
            return _RULES[kind]
    raise ValueError(f"the values of `{op.name}` are not computed here")


def _moved(places: range, by: int) -> range:
    return range(places.start + by, places.stop + by, places.step)


def _inside(places: range, size: int) -> range:
    """Return the places that lie on an axis."""
    skipped = max(0, -(places.start // places.step)) if places.start < 0 else 0
    return range(places.start + skipped * places.step, min(places.stop, size), places.step)


def _on_map(place: int, size: int, border: str) -> int | None:
    """Return the position that stands at a place beside an axis; `None` where that is a zero."""
    if 0 <= place < size:
        return place
    match border:
        case "reflect":
            return -place if place < 0 else 2 * (size - 1) - place
        case "replicate":
            return 0 if place < 0 else size - 1
        case "circular":
            return place % size
    return None


# Layers with weights.


def _convolution(given: Given, inputs: list[Tensor]) -> Tensor:
    op: Conv = given.op
    axes = []
    for rows, (n, _) in zip(given.places, given.sizes, strict=True):
        given.work.spend(sum(map(len, rows)))
        mirrored = [[(_on_map(at, n, op.border), tap) for tap, at in enumerate(places)] for places in rows]
        axes.append([[(at, tap) for at, tap in row if at is not None] for row in mirrored])
    deep, wide = given.types[0].channels // op.groups, op.out_channels // op.groups
    filters = [[(o // wide * deep + c, o * deep + c) for c in range(deep)] for o in range(op.out_channels)]
    return filtered(inputs[0], axes, op.kernel_size, filters, *_learned(given), given.work)


def _transposed(given: Given, inputs: list[Tensor]) -> Tensor:
    op: ConvTranspose = given.op
    axes = []
    for (n, out), k, step, gap, pad in zip(
        given.sizes, op.kernel_size, op.stride, op.dilation, op.padding, strict=True
    ):
        given.work.spend(out * k)
        # Input i is spread over the outputs i · stride − padding + dilation · tap.
        from_ = [[(o + pad - gap * tap, tap) for tap in range(k)] for o in range(out)]
        axes.append([[(at // step, tap) for at, tap in row if at % step == 0 and 0 <= at < n * step] for row in from_])
    deep, wide = given.types[0].channels // op.groups, op.out_channels // op.groups
    filters = [
        [(c, c * wide + o % wide) for c in range(o // wide * deep, (o // wide + 1) * deep)]
        for o in range(op.out_channels)
    ]
    return filtered(inputs[0], axes, op.kernel_size, filters, *_learned(given), given.work)


def _linear(given: Given, inputs: list[Tensor]) -> Tensor:
    deep = given.types[0].channels
    filters = [[(c, o * deep + c) for c in range(deep)] for o in range(given.op.out_features)]
    return filtered(inputs[0], (), (), filters, *_learned(given), given.work)


def _learned(given: Given) -> tuple[Tensor, Tensor | None]:
    return given.weights["weight"], given.weights.get("bias")


def _norm(given: Given, inputs: list[Tensor]) -> Tensor:
    op: BatchNorm = given.op
    if not op.track_running_stats:
        raise ValueError("a `BatchNorm` without running statistics takes those of its batch, which is not given")
    mean, variance = given.weights["running_mean"].numbers, given.weights["running_var"].numbers
    # The eps that is written, and not the double next to it.
    eps = Fraction(str(op.eps))
    if any(v + eps <= 0 for v in variance):
        raise ValueError("a variance is not negative")
    scale = [1 / root(v + eps) for v in variance]
    if "weight" in given.weights:
        scale = [s * weight for s, weight in zip(scale, given.weights["weight"].numbers, strict=True)]
    shift = [-m * s for m, s in zip(mean, scale, strict=True)]
    if "bias" in given.weights:
        shift = [s + bias for s, bias in zip(shift, given.weights["bias"].numbers, strict=True)]
    return scaled(inputs[0], scale, shift, given.work)


# Pools, and what moves positions.


def _max_pool(given: Given, inputs: list[Tensor]) -> Tensor:
    axes = zip(given.places, given.sizes, strict=True)
    return largest(inputs[0], [[even(_inside(row, n)) for row in rows] for rows, (n, _) in axes], given.work)


def _average_pool(given: Given, inputs: list[Tensor]) -> Tensor:
    op: AvgPool = given.op
    stated = getattr(op, "divisor_override", None)
    axes: list[Taps] = []
    for rows, (n, _), pad in zip(given.places, given.sizes, op.padding, strict=True):
        axis: Taps = []
        for row in rows:
            inside = _inside(row, n)
            # A window that hangs over the padding as well counts no position there.
            counted = min(row.stop, n + pad) - row.start if op.count_include_pad else len(inside)
            axis.append(even(inside, 1 if stated else counted))
        axes.append(axis)
    found = weighted(inputs[0], axes, given.work)
    return Tensor(found.shape, found.numerators, found.denominator * (stated or 1))


def _adaptive_average(given: Given, inputs: list[Tensor]) -> Tensor:
    return weighted(inputs[0], [[even(row, len(row)) for row in rows] for rows in given.places], given.work)


def _moving(given: Given, inputs: list[Tensor]) -> Tensor:
    """Pads and crops: every output is one input, or a zero."""
    axes: list[Taps] = []
    for rows, (n, _) in zip(given.places, given.sizes, strict=True):
        found = [_on_map(row.start, n, given.op.border) for row in rows]
        axes.append([even([] if at is None else [at]) for at in found])
    return weighted(inputs[0], axes, given.work)


def _upsample(given: Given, inputs: list[Tensor]) -> Tensor:
    op: Upsample = given.op
    if op.mode == "area":
        return _adaptive_average(given, inputs)
    if op.mode not in LINEAR and not op.mode.startswith("nearest"):
        raise ValueError(f'the values of `Upsample` in the mode "{op.mode}" are not computed here')
    stated = None if op.recompute_scale_factor else op.scale_factor
    factors = stated if isinstance(stated, tuple) else (stated,) * len(given.sizes)
    axes = [_resized(op, n, out, factor) for (n, out), factor in zip(given.sizes, factors, strict=True)]
    return weighted(inputs[0], axes, given.work)


def _resized(op: Upsample, n: int, out: int, factor: float | None) -> Taps:
    """Return the taps along one axis.

    Source: torch `area_pixel_compute_source_index` in ATen/native/UpSample.h.
    """
    step = Fraction(n, out) if factor is None else 1 / Fraction(factor)
    if op.align_corners:
        step = Fraction(n - 1, out - 1) if out > 1 else Fraction(0)
    half = Fraction(1, 2)
    axis: Taps = []
    for o in range(out):
        if op.mode in LINEAR:
            place = o * step if op.align_corners else max(Fraction(0), (o + half) * step - half)
            before = min(floor(place), n - 1)
            share = min(place - before, Fraction(1))
            taps = [(before, 1 - share), (min(before + 1, n - 1), share)]
            axis.append([(at, weight) for at, weight in taps if weight])
        else:
            place = (o + half) * step if op.mode == "nearest-exact" else o * step
            axis.append(even([min(floor(place), n - 1)]))
    return axis


# Number by number.


def _relu(given: Given, inputs: list[Tensor]) -> Tensor:
    return _cut(given, inputs[0], None)


def _relu6(given: Given, inputs: list[Tensor]) -> Tensor:
    return _cut(given, inputs[0], 6 * inputs[0].denominator)


def _cut(given: Given, x: Tensor, most: int | None) -> Tensor:
    given.work.spend(len(x.numerators))
    cut = [max(0, n) if most is None else max(0, min(n, most)) for n in x.numerators]
    return Tensor(x.shape, tuple(cut), x.denominator)


def _leaky(given: Given, inputs: list[Tensor]) -> Tensor:
    (x,) = inputs
    slope = Fraction(str(given.op.negative_slope))
    given.work.spend(len(x.numerators))
    numerators = [n * (slope.numerator if n < 0 else slope.denominator) for n in x.numerators]
    return Tensor(x.shape, tuple(numerators), x.denominator * slope.denominator)


def _same(given: Given, inputs: list[Tensor]) -> Tensor:
    given.work.spend(1)
    return inputs[0]


def _scale(given: Given, inputs: list[Tensor]) -> Tensor:
    (x,) = inputs
    factor = Fraction(str(given.op.factor))
    given.work.spend(len(x.numerators))
    return Tensor(x.shape, tuple([n * factor.numerator for n in x.numerators]), x.denominator * factor.denominator)


# Several inputs.


def _sum(given: Given, inputs: list[Tensor]) -> Tensor:
    denominator = together(inputs)
    given.work.spend(sum(len(x.numerators) for x in inputs))
    numerators = map(sum, zip(*[x.over(denominator) for x in inputs], strict=True))
    return Tensor(inputs[0].shape, tuple(numerators), denominator)


def _product(given: Given, inputs: list[Tensor]) -> Tensor:
    size, whole = prod(given.output.known[1:]), given.output.elements
    numerators, denominator = [1] * whole, 1
    for x in inputs:
        given.work.spend(whole)
        # A gate has one number for each channel.
        factors = x.numerators if len(x.numerators) == whole else [n for n in x.numerators for _ in range(size)]
        numerators = [a * b for a, b in zip(numerators, factors, strict=True)]
        denominator *= x.denominator
        if max(denominator, *map(abs, numerators)).bit_length() > MOST_BITS:
            raise ValueError("the numbers in a product are too long")
    return Tensor(given.output.known, tuple(numerators), denominator)


def _concat(given: Given, inputs: list[Tensor]) -> Tensor:
    denominator = together(inputs)
    given.work.spend(given.output.elements)
    return Tensor(given.output.known, tuple([n for x in inputs for n in x.over(denominator)]), denominator)


def _chunk(given: Given, inputs: list[Tensor]) -> Tensor:
    (x,) = inputs
    size = prod(x.shape[1:])
    start, end = given.op.start * size, (given.op.start + given.op.length) * size
    given.work.spend(end - start)
    return Tensor(given.output.known, x.numerators[start:end], x.denominator)


_RULES: dict[type, Rule] = {
    Conv: _convolution,
    ConvTranspose: _transposed,
    Linear: _linear,
    BatchNorm: _norm,
    MaxPool: _max_pool,
    AdaptiveMaxPool: _max_pool,
    AvgPool: _average_pool,
    AdaptiveAvgPool: _adaptive_average,
    Upsample: _upsample,
    Pad: _moving,
    Crop: _moving,
    ReLU: _relu,
    ReLU6: _relu6,
    LeakyReLU: _leaky,
    Scale: _scale,
    Drop: _same,
    Identity: _same,
    Flatten: _same,
    Unflatten: _same,
    Add: _sum,
    Multiply: _product,
    Concat: _concat,
    Chunk: _chunk,
}
