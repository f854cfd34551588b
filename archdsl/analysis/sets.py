"""Sets of input positions along one axis, in periodic tables, and how a window and a merge act on them.

Where `fields.py` knows the ends of what a unit sees, this knows the holes too: strides larger than a kernel, dilations
and transposed convolutions leave some. A set without holes is its two ends; any other has a bitmask beside them, so
that a plain network costs no more than its ends. All is exact on an infinite plane.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import gcd, lcm
from typing import NamedTuple

from archdsl.ops import Reads

MOST_BITS = 2**20
"""The longest bitmask; what would be longer is left open."""
LONGEST_TURN = 2**12
"""Phases of one axis that are kept in a table; where there would be more, the units of a map are listed instead."""


class Seen(NamedTuple):
    """A set of positions from `low` to `high`; in `mask` bit `i` stands for `low + i`, and 0 for no holes at all."""

    low: int
    high: int
    mask: int = 0

    @property
    def total(self) -> int:
        return self.mask.bit_count() if self.mask else self.high - self.low + 1

    @property
    def bits(self) -> int:
        """The bitmask, counted from `low`."""
        return self.mask or (1 << (self.high - self.low + 1)) - 1

    def moved(self, by: int) -> Seen:
        return Seen(self.low + by, self.high + by, self.mask) if by else self

    def covers(self, other: Seen) -> bool:
        """Tell whether another set lies within this one."""
        if other is self:
            return True
        if other.low < self.low or other.high > self.high:
            return False
        return not self.mask or not (other.bits << (other.low - self.low)) & ~self.mask


class TooLong(Exception):
    """A set has more positions than are kept."""


class Sets(NamedTuple):
    """What the units along one axis see: unit `o + len(table)` sees what unit `o` sees, moved by `shift`."""

    shift: int
    table: tuple[Seen | None, ...]

    @property
    def stride(self) -> Fraction:
        """Input pixels between neighbouring units, on average over the phases."""
        return Fraction(self.shift, len(self.table))

    def at(self, unit: int) -> Seen | None:
        """Return what a unit sees."""
        turns, phase = divmod(unit, len(self.table))
        seen = self.table[phase]
        return seen and seen.moved(turns * self.shift)

    def covers(self, other: Axis) -> bool:
        """Tell whether every unit of another table sees no more than it does here."""
        if self is other or self == other:
            return True
        if isinstance(other, Listed):
            return self.stride == other.stride and _all_cover(self, other, _shared(self, other))
        if self.shift * len(other.table) != other.shift * len(self.table):
            return False
        return _all_cover(self, other, range(lcm(len(self.table), len(other.table))))


class Listed(NamedTuple):
    """What some units along one axis see, those from `first` on, one by one: their period would be too long."""

    first: int
    table: tuple[Seen | None, ...]
    stride: Fraction

    def at(self, unit: int) -> Seen | None:
        """Return what a unit sees.

        Raises:
            TooLong: it is none of those listed.
        """
        if not 0 <= unit - self.first < len(self.table):
            raise TooLong("a unit beside those that are listed is read")
        return self.table[unit - self.first]

    def covers(self, other: Axis) -> bool:
        """Tell whether every unit listed in both sees no more in another table than it does here."""
        if self is other:
            return True
        return self.stride == other.stride and _all_cover(self, other, _shared(self, other))


Axis = Sets | Listed
"""What the units along one axis see."""


def _shared(a: Axis, b: Axis) -> range:
    """Return the units that both tables know, of which at least one is a list."""
    lists = [range(one.first, one.first + len(one.table)) for one in (a, b) if isinstance(one, Listed)]
    return range(max(one.start for one in lists), min(one.stop for one in lists))


def _all_cover(a: Axis, b: Axis, units: range) -> bool:
    for unit in units:
        mine, its = a.at(unit), b.at(unit)
        if its is not None and (mine is None or not mine.covers(its)):
            return False
    return True


PIXELS = Sets(1, (Seen(0, 0),))
"""A pixel of the input sees itself."""


def united(parts: Sequence[Seen]) -> Seen | None:
    """Return the union of sets.

    Raises:
        TooLong: it reaches over too many positions.
    """
    if not parts:
        return None
    first = parts[0]
    if len(parts) == 1:
        return first
    low, high = min([part.low for part in parts]), max([part.high for part in parts])
    if not any(part.mask for part in parts):
        end = low - 1
        for part in sorted(parts):
            if part.low > end + 1:
                break
            end = max(end, part.high)
        if end == high:
            return Seen(low, high)
    if high - low >= MOST_BITS:
        raise TooLong("a set with holes is too long")
    mask = 0
    for part in parts:
        mask |= part.bits << (part.low - low)
    return _seen(low, mask)


def _seen(low: int, mask: int) -> Seen:
    length = mask.bit_length()
    return Seen(low, low + length - 1, mask if mask.bit_count() != length else 0)


def _repeated(seen: Seen, step: int, count: int) -> Seen:
    """Return the union of a set with itself, moved `count - 1` times by `step` each."""
    if count == 1 or not step:
        return seen
    if step < 0:
        seen, step = seen.moved(step * (count - 1)), -step
    high = seen.high + step * (count - 1)
    if not seen.mask and step <= seen.high - seen.low + 1:
        return Seen(seen.low, high)
    if high - seen.low >= MOST_BITS:
        raise TooLong("a set with holes is too long")
    mask, there = seen.bits, 1
    while there < count:
        more = min(there, count - there)
        mask |= mask << (step * more)
        there += more
    return _seen(seen.low, mask)


def through(sets: Sets, reads: Reads) -> Sets:
    """Return what units see that read the units of `sets`.

    Raises:
        TooLong: a set reaches over too many positions.
    """
    shift, old = sets
    period, turn = len(old), len(reads.taps)
    if period == turn == 1:
        (taps,) = reads.taps
        (seen,) = old
        if seen is None or not taps:
            return Sets(shift * reads.shift, (None,))
        first = seen.moved(taps[0] * shift)
        return Sets(shift * reads.shift, (_repeated(first, taps.step * shift, len(taps)),))
    repeats = period // gcd(period, reads.shift)
    table = []
    for unit in range(turn * repeats):
        turns, phase = divmod(unit, turn)
        table.append(_read(sets, reads.taps[phase], turns * reads.shift))
    return _reduced(Sets(reads.shift * repeats * shift // period, tuple(table)))


def listed(sets: Axis, reads: Reads, units: range) -> Listed:
    """Return what some units see that read the units of `sets`, where a table would have too many phases.

    Raises:
        TooLong: a set reaches over too many positions.
    """
    table, turn = list[Seen | None](), len(reads.taps)
    for unit in units:
        turns, phase = divmod(unit, turn)
        start = turns * reads.shift
        if isinstance(sets, Sets):
            table.append(_read(sets, reads.taps[phase], start))
        else:
            parts = [sets.at(start + tap) for tap in reads.taps[phase]]
            table.append(united([one for one in parts if one is not None]))
    return Listed(units.start, tuple(table), sets.stride * Fraction(reads.shift, turn))


def turn_after(sets: Sets, reads: Reads) -> int:
    """Return how many phases the table has that `through` makes."""
    period = len(sets.table)
    return len(reads.taps) * (period // gcd(period, reads.shift))


def work(sets: Sets, reads: Reads) -> int:
    """Return how many unions `through` makes."""
    period, turn = len(sets.table), len(reads.taps)
    if period == turn == 1:
        return 1
    return turn * (period // gcd(period, reads.shift)) * min(period, max(map(len, reads.taps), default=0) or 1)


def _read(sets: Sets, taps: range, start: int) -> Seen | None:
    """Return what one unit sees: taps a period apart read the same phase, each farther on by the same distance."""
    shift, old = sets
    period = len(old)
    apart = period // gcd(period, taps.step)
    parts = []
    for i in range(min(len(taps), apart)):
        turns, phase = divmod(start + taps[i], period)
        seen = old[phase]
        if seen is not None:
            count = -(-(len(taps) - i) // apart)
            parts.append(_repeated(seen.moved(turns * shift), taps.step * apart // period * shift, count))
    return united(parts)


def _reduced(sets: Sets) -> Sets:
    """Return the same sets with the smallest period."""
    shift, table = sets
    count = len(table)
    for period in range(1, count // 2 + 1):
        if count % period or shift * period % count:
            continue
        short = Sets(shift * period // count, table[:period])
        if all(short.at(unit) == table[unit] for unit in range(period, count)):
            return short
    return sets


def joined(a: Axis, b: Axis) -> Axis:
    """Return the unit-by-unit union of two tables of one stride.

    Raises:
        TooLong: a set reaches over too many positions, or there are too many phases.
    """
    if a is b:
        return a
    if isinstance(a, Listed) or isinstance(b, Listed):
        units = _shared(a, b)
        both = [united([one for one in (a.at(unit), b.at(unit)) if one is not None]) for unit in units]
        return Listed(units.start, tuple(both), a.stride)
    period = lcm(len(a.table), len(b.table))
    pairs = [(a.at(unit), b.at(unit)) for unit in range(period)]
    table = tuple([united([one for one in pair if one is not None]) for pair in pairs])
    return _reduced(Sets(a.shift * (period // len(a.table)), table))


def cut(one: Axis, units: range) -> Listed:
    """Return the same sets for some of the units, one by one."""
    if isinstance(one, Listed):
        return one
    return Listed(units.start, tuple([one.at(unit) for unit in units]), one.stride)


def fixed(sets: Axis) -> Sets:
    """Return the sets of units that all read unit 0."""
    return Sets(0, (sets.at(0),))
