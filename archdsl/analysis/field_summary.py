"""What is told of an exact receptive field: its extent, holes, phases, drift, and what a tile needs around it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import ceil, floor, prod

from archdsl.analysis.coverage import Cover, count
from archdsl.analysis.sets import LONGEST_TURN, Seen

MOST_UNITS = 2**12
"""Units that are looked at where a field is no single product, or never repeats."""


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis of a field. Everything is in input pixels, on an infinite plane."""

    sizes: dict[int, int]
    """How many units of a period see an extent of so many pixels, holes and all; 0 for units that see nothing."""
    start: int | None
    """The first pixel that unit 0 sees."""
    stride: Fraction | None
    """From unit to unit; `None` where strides differ between ways, and no period repeats."""
    halo: tuple[int, int] | None
    """What a tile needs before and after the pixels it stands for, where it starts with a period."""
    halo_anywhere: tuple[int, int] | None
    """The same where it may start and end with any unit."""
    centre: tuple[Fraction, Fraction] | None
    """Where the middle of what unit `o` sees lies behind o·stride: the least and the most over the phases."""

    @property
    def size(self) -> int:
        """The largest extent."""
        return max(self.sizes)

    @property
    def period(self) -> int:
        return sum(self.sizes.values())


@dataclass(frozen=True, slots=True)
class Summary:
    """What is told of the field of one node on one input."""

    axes: tuple[Axis, ...]
    covered: tuple[int, int] | None
    """The fewest and the most pixels that units really see; `None` where they are not counted."""
    density: tuple[Fraction, Fraction] | None
    """The smallest and the largest share that they are of the extent, among units that see anything."""
    repeats: bool
    """Whether the units repeat, so that a few stand for all; else all units of the map were looked at."""
    uncounted: str = ""
    """Why the pixels are not counted."""

    @property
    def has_holes(self) -> bool:
        return self.density is not None and self.density[0] < 1

    @property
    def has_phases(self) -> bool:
        """Whether units see different extents."""
        return any(len(axis.sizes) > 1 for axis in self.axes)


def summary(cover: Cover, units: tuple[int, ...]) -> Summary | None:
    """Return what is told of a field; `units` says how many there are along each axis, for fields that never repeat.

    There is nothing to tell, `None`, of a field that is left open or that a layer makes global, and of a vector that
    has no axes. `untold` says why in words.
    """
    periods = cover.periods
    if _hindrance(cover, units, periods):
        return None
    repeats, looked = periods is not None, periods or units
    strides = cover.strides
    seen: list[list[Seen | None]] = []
    axes: list[Axis] = []
    for i, number in enumerate(looked):
        if i and number == looked[0] and all(term[i] is term[0] for term in cover.terms):  # a square
            seen.append(seen[0])
            axes.append(axes[0])
        else:
            seen.append([cover.along(i, unit) for unit in range(number)])
            axes.append(_axis(seen[i], strides[i], repeats=repeats))
    if cover.open:
        return Summary(tuple(axes), None, None, repeats, cover.why)
    if len(cover.terms) == 1:
        covered, density = _of_product(seen)
    elif prod(looked) <= MOST_UNITS:
        covered, density = _of_union(cover, looked)
    else:
        return Summary(tuple(axes), None, None, repeats, f"there are more than {MOST_UNITS:,} different units")
    return Summary(tuple(axes), covered, density, repeats)


def untold(cover: Cover, units: tuple[int, ...]) -> str:
    """Return why nothing is told of a field, in words; empty where `summary` tells something."""
    return _hindrance(cover, units, cover.periods)


def _hindrance(cover: Cover, units: tuple[int, ...], periods: tuple[int, ...] | None) -> str:
    if cover.global_ is not None:
        return f"{cover.global_} makes it the whole input"
    if not cover.terms:
        return cover.why
    if not cover.terms[0]:
        return "a vector has no positions"
    looked = periods or units
    if len(looked) != len(cover.terms[0]):
        return "sizes are open" if not units else "the axes are no longer those of the input"
    return f"there are more than {LONGEST_TURN:,} different units" if max(looked) > LONGEST_TURN else ""


def _axis(seen: list[Seen | None], stride: Fraction | None, *, repeats: bool) -> Axis:
    sizes = Counter([one.high - one.low + 1 if one else 0 for one in seen])
    start = seen[0].low if seen[0] else None
    some = [(unit, one) for unit, one in enumerate(seen) if one]
    if stride is None or not some:
        return Axis(dict(sizes), start, stride, None, None, None)
    centres = [Fraction(one.low + one.high, 2) - (unit * stride if unit else 0) for unit, one in some]
    middles = min(centres), max(centres)
    if not repeats:
        beyond = [(floor(unit * stride) - one.low, one.high + 1 - ceil((unit + 1) * stride)) for unit, one in some]
        most = max(0, *[before for before, _ in beyond]), max(0, *[after for _, after in beyond])
        return Axis(dict(sizes), start, stride, None, most, middles)
    before, after = _beyond(seen, stride)
    halo, anywhere = (before[0], after[-1]), (max(before), max(after))
    return Axis(dict(sizes), start, stride, halo, anywhere, middles)


def _beyond(seen: list[Seen | None], stride: Fraction) -> tuple[list[int], list[int]]:
    """Return how far the units from one on see before what it stands for, and those up to one behind it.

    Unit `o` stands for the pixels from o·stride on, up to (o + 1)·stride. One more period is looked at, for units
    farther on may see farther back.
    """
    period = len(seen)
    if period == 1:
        (only,) = seen
        assert only is not None, "some unit sees something"
        return [max(0, -only.low)], [max(0, only.high - ceil(stride) + 1)]
    shift = int(stride * period)
    before, after = [0] * period, [0] * period
    lowest, highest = None, None
    for unit in reversed(range(2 * period)):
        one = seen[unit % period]
        if one:
            low = one.low + unit // period * shift
            lowest = low if lowest is None else min(lowest, low)
        if unit < period and lowest is not None:
            before[unit] = max(0, floor(unit * stride) - lowest)
    for unit in range(-period, period):
        one = seen[unit % period]
        if one:
            high = one.high + unit // period * shift
            highest = high if highest is None else max(highest, high)
        if unit >= 0 and highest is not None:
            after[unit] = max(0, highest - ceil((unit + 1) * stride) + 1)
    return before, after


def _of_product(seen: list[list[Seen | None]]) -> tuple[tuple[int, int], tuple[Fraction, Fraction] | None]:
    """Return counts and shares where all that units see is rows × columns: each axis counts by itself."""
    counts = [[one.total if one else 0 for one in axis] for axis in seen]
    if all(one and not one.mask for axis in seen for one in axis):
        return (prod(map(min, counts)), prod(map(max, counts))), (Fraction(1), Fraction(1))
    shares = [[Fraction(one.total, one.high - one.low + 1) for one in axis if one] for axis in seen]
    covered = prod(map(min, counts)), prod(map(max, counts))
    if not all(shares):
        return covered, None
    return covered, (Fraction(prod(map(min, shares))), Fraction(prod(map(max, shares))))


def _of_union(cover: Cover, looked: tuple[int, ...]) -> tuple[tuple[int, int], tuple[Fraction, Fraction] | None]:
    counts, shares = list[int](), list[Fraction]()
    for unit in product(*map(range, looked)):
        boxes = cover.at(unit)
        counts.append(count(boxes))
        if boxes:
            extent = prod(max(b[i].high for b in boxes) - min(b[i].low for b in boxes) + 1 for i in range(len(looked)))
            shares.append(Fraction(counts[-1], extent))
    return (min(counts), max(counts)), (min(shares), max(shares)) if shares else None
