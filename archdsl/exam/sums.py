"""Sums and maxima over the taps of a layer, exactly: what every layer of `values` is made of.

Work is counted before it is done, so that no sheet runs for long.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import product
from math import lcm, prod

from archdsl.exam.data import Tensor, common

MOST_PRODUCTS = 2**18
"""Multiplications, additions and comparisons for one answer."""

Taps = list[list[tuple[int, Fraction]]]
"""Along one axis: for each output position the input positions that it reads, with their weights."""
Links = list[list[tuple[int, int]]]
"""Along one axis: for each output position the input positions that it reads, with a whole number for each."""


class Work:
    """The work that is left."""

    def __init__(self) -> None:
        self.room = MOST_PRODUCTS

    def spend(self, steps: int) -> None:
        """Count work; raises `ValueError` where there is too much of it."""
        self.room -= steps
        if self.room < 0:
            raise ValueError(f"the values take more than {MOST_PRODUCTS:,} products")


def weighted(x: Tensor, axes: Sequence[Taps], work: Work) -> Tensor:
    """Return the weighted sums over the taps of each position, channel by channel."""
    scales = [common([weight for taps in axis for _, weight in taps]) for axis in axes]
    whole = [
        [[(place, int(weight * scale)) for place, weight in taps] for taps in axis]
        for axis, scale in zip(axes, scales, strict=True)
    ]
    channels, *sizes = x.shape
    work.spend(channels * _steps(axes))
    each = [[(at, prod(weights)) for at, weights in reads] for reads in _reads(whole, sizes)]
    size = prod(sizes)
    numerators = [
        sum(weight * x.numerators[channel * size + at] for at, weight in taps)
        for channel in range(channels)
        for taps in each
    ]
    return Tensor((channels, *map(len, axes)), tuple(numerators), x.denominator * prod(scales))


def largest(x: Tensor, axes: Sequence[Taps], work: Work) -> Tensor:
    """Return the largest number among the taps of each position, channel by channel."""
    channels, *sizes = x.shape
    work.spend(channels * _steps(axes))
    each = [[at for at, _ in reads] for reads in _reads([[[(p, 1) for p, _ in t] for t in a] for a in axes], sizes)]
    size = prod(sizes)
    numerators = [max(x.numerators[channel * size + at] for at in taps) for channel in range(channels) for taps in each]
    return Tensor((channels, *map(len, axes)), tuple(numerators), x.denominator)


def filtered(
    x: Tensor,
    axes: Sequence[Links],
    kernel: Sequence[int],
    filters: Sequence[Sequence[tuple[int, int]]],
    weight: Tensor,
    bias: Tensor | None,
    work: Work,
) -> Tensor:
    """Return sums over taps and channels; `axes` link input positions with taps of the kernel.

    `filters` are for each output channel the input channels, each with the number of the filter on it: how many
    kernels stand before it in `weight`.
    """
    work.spend(sum(map(len, filters)) * _steps(axes))
    size, taps = prod(x.shape[1:]), prod(kernel)
    pairs = [[(at, _flat(tap, kernel)) for at, tap in reads] for reads in _reads(axes, x.shape[1:])]
    denominator = x.denominator * weight.denominator
    total = lcm(denominator, bias.denominator) if bias is not None else denominator
    biases = bias.over(total) if bias is not None else (0,) * len(filters)
    factor = total // denominator
    numerators = []
    for first, reads in zip(biases, filters, strict=True):
        for places in pairs:
            found = 0
            for channel, filter in reads:
                start, begin = channel * size, filter * taps
                for at, tap in places:
                    found += x.numerators[start + at] * weight.numerators[begin + tap]
            numerators.append(first + factor * found)
    return Tensor((len(filters), *map(len, axes)), tuple(numerators), total)


def scaled(x: Tensor, factors: Sequence[Fraction], shifts: Sequence[Fraction], work: Work) -> Tensor:
    """Return factor · x + shift, channel by channel."""
    scale, shift = Tensor.of((len(factors),), factors), Tensor.of((len(shifts),), shifts)
    denominator = lcm(x.denominator * scale.denominator, shift.denominator)
    spread = denominator // (x.denominator * scale.denominator)
    size = len(x.numerators) // len(factors)
    work.spend(len(x.numerators))
    added = shift.over(denominator)
    numerators = [
        spread * scale.numerators[at // size] * number + added[at // size] for at, number in enumerate(x.numerators)
    ]
    return Tensor(x.shape, tuple(numerators), denominator)


def together(tensors: Sequence[Tensor]) -> int:
    """Return a denominator that all tensors can have; raises `ValueError` where it is too large."""
    return common([Fraction(1, x.denominator) for x in tensors])


def even(places: Iterable[int], divisor: int = 1) -> list[tuple[int, Fraction]]:
    """Return taps of one weight."""
    weight = Fraction(1, divisor)
    return [(place, weight) for place in places]


def _steps(axes: Sequence[Sequence[Sequence[object]]]) -> int:
    """Return how many taps all positions have; a position without any counts as one."""
    return prod(sum(max(1, len(taps)) for taps in axis) for axis in axes)


def _reads(axes: Sequence[Links], sizes: Sequence[int]) -> Iterator[list[tuple[int, tuple[int, ...]]]]:
    """Yield for each output position where in a channel it reads, with the numbers of each axis."""
    for position in product(*axes):
        found: list[tuple[int, tuple[int, ...]]] = [(0, ())]
        for taps, size in zip(position, sizes, strict=True):
            found = [(at * size + place, (*numbers, n)) for at, numbers in found for place, n in taps]
        yield found


def _flat(index: Sequence[int], sizes: Sequence[int]) -> int:
    found = 0
    for place, size in zip(index, sizes, strict=True):
        found = found * size + place
    return found
