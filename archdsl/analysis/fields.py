"""Receptive fields along one axis: periodic tables of intervals, and how a window and a merge act on them.

A unit `o` of a map sees an interval of the input, `(low, high)` with both ends included, or nothing. After strides
and transposed convolutions the intervals repeat: unit `o + period` sees what unit `o` sees, moved by `shift`. Where
branches with different strides meet, the field is a union of several such tables, one for each stride; so an
interval is exact for every unit, on an infinite plane, whatever the network does.
"""

from __future__ import annotations

from fractions import Fraction
from math import gcd, lcm
from typing import NamedTuple

from archdsl.ops import Reads

Interval = tuple[int, int] | None


class Track(NamedTuple):
    """The intervals of the units along one axis, as one periodic table."""

    shift: int
    table: tuple[Interval, ...]

    @property
    def period(self) -> int:
        return len(self.table)

    def at(self, unit: int) -> Interval:
        """Return what a unit sees."""
        turns, phase = divmod(unit, len(self.table))
        interval = self.table[phase]
        if interval is None:
            return None
        move = turns * self.shift
        return interval[0] + move, interval[1] + move


Tracks = tuple[Track, ...]
"""The union of several tables, of different strides; nearly always one."""

START: Tracks = (Track(1, ((0, 0),)),)
"""A pixel of the input sees itself."""


def through(tracks: Tracks, reads: Reads) -> Tracks:
    """Return the fields of units that read the units of `tracks`."""
    if len(tracks) == 1:
        track = tracks[0]
        if len(track.table) == 1 and len(reads.taps) == 1:
            taps, interval = reads.taps[0], track.table[0]
            if interval is not None and taps:
                first, last = taps[0] * track.shift, taps[-1] * track.shift
                return (Track(track.shift * reads.shift, ((interval[0] + first, interval[1] + last),)),)
    return tuple([_through(track, reads) for track in tracks])


def _through(track: Track, reads: Reads) -> Track:
    period, turn = len(track.table), len(reads.taps)
    repeats = period // gcd(period, reads.shift)
    table: list[Interval] = []
    for unit in range(turn * repeats):
        turns, phase = divmod(unit, turn)
        taps, move = reads.taps[phase], turns * reads.shift
        # Taps a period apart read the same phase, further on: the first and last `period` of them are enough.
        ends = taps if len(taps) <= 2 * period else [*taps[:period], *taps[-period:]]
        seen = [interval for tap in ends if (interval := track.at(tap + move)) is not None]
        table.append((min(low for low, _ in seen), max(high for _, high in seen)) if seen else None)
    return _reduced(Track(reads.shift * repeats * track.shift // period, tuple(table)))


def _reduced(track: Track) -> Track:
    """Return the same fields with the smallest period."""
    count = len(track.table)
    for period in range(1, count):
        if count % period or track.shift * period % count:
            continue
        shift = track.shift * period // count
        short = Track(shift, track.table[:period])
        if all(short.at(unit) == interval for unit, interval in enumerate(track.table)):
            return short
    return track


def union(a: Tracks, b: Tracks) -> Tracks:
    """Return the fields of units that read one unit of each of two maps."""
    if a is b or a == b:
        return a
    merged = list(a)
    for other in b:
        for i, track in enumerate(merged):
            if track.shift * len(other.table) == other.shift * len(track.table):
                merged[i] = _joined(track, other)
                break
        else:
            merged.append(other)
    return tuple(merged)


def _joined(a: Track, b: Track) -> Track:
    """Return the union of two tables of one stride."""
    if len(a.table) == 1 and len(b.table) == 1:
        return Track(a.shift, (_hull(a.table[0], b.table[0]),))
    period = lcm(len(a.table), len(b.table))
    table = tuple(_hull(a.at(unit), b.at(unit)) for unit in range(period))
    return _reduced(Track(a.shift * (period // len(a.table)), table))


def _hull(a: Interval, b: Interval) -> Interval:
    if a is None or b is None:
        return a or b
    return min(a[0], b[0]), max(a[1], b[1])


def unit_field(tracks: Tracks, unit: int) -> Interval:
    """Return what one unit sees over all tables."""
    found: Interval = None
    for track in tracks:
        found = _hull(found, track.at(unit))
    return found


def size(tracks: Tracks, units: int | None) -> int | None:
    """Return the largest extent over the units; `None` where it depends on a number of units that is open."""
    if len(tracks) == 1:
        table = tracks[0].table
        if len(table) == 1:
            interval = table[0]
            return interval[1] - interval[0] + 1 if interval else 0
        return max([interval[1] - interval[0] + 1 if interval else 0 for interval in table])
    if units is None:
        return None
    # Between two turns of all tables the extent moves by a constant, so its largest value is at an end.
    turn = lcm(*(len(track.table) for track in tracks))
    ends = {*range(min(turn, units)), *range(max(0, units - turn), units)}
    sizes = [interval[1] - interval[0] + 1 for unit in ends if (interval := unit_field(tracks, unit)) is not None]
    return max(sizes, default=0)


def stride(tracks: Tracks) -> Fraction | None:
    """Return the input pixels between neighbouring units; `None` where tables of several strides meet."""
    if len(tracks) != 1:
        return None
    return Fraction(tracks[0].shift, len(tracks[0].table))
