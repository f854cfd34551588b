"""Receptive fields along one axis: periodic tables of intervals, and how a window and a merge act on them.

A unit `o` of a map sees an interval of the input, `(low, high)` with both ends included, or nothing. After strides
and transposed convolutions the intervals repeat: unit `o + period` sees what unit `o` sees, moved by `shift`. Where
branches of different strides meet, the field is the union of several such tables, one for each stride. So the
interval is exact for every unit, on an infinite plane, whatever the network does.
"""

from __future__ import annotations

from fractions import Fraction
from math import gcd, lcm
from typing import NamedTuple

from archdsl.ops import Reads

Interval = tuple[int, int]


class Track(NamedTuple):
    """What the units along one axis see, as one periodic table; `None` is a unit that sees nothing."""

    shift: int
    table: tuple[Interval | None, ...]

    @property
    def stride(self) -> Fraction:
        """Input pixels between neighbouring units, on average over the phases."""
        return Fraction(self.shift, len(self.table))

    def at(self, unit: int) -> Interval | None:
        """Return what a unit sees."""
        turns, phase = divmod(unit, len(self.table))
        interval = self.table[phase]
        move = turns * self.shift
        return interval and (interval[0] + move, interval[1] + move)


Tracks = tuple[Track, ...]
"""The union of tables of different strides; nearly always there is one."""

PIXELS: Tracks = (Track(1, ((0, 0),)),)
"""A pixel of the input sees itself."""

SAME_POSITION = Reads(1, (range(1),))
"""What a 1×1 convolution reads."""

FARTHEST = 2**63
"""Beyond this no index is followed: a stride of thousands, layer after layer, would fill the memory."""

LONGEST_TURN = 2**16
"""Units that are looked at one by one where tables of several strides meet."""


def through(tracks: Tracks, reads: Reads) -> Tracks:
    """Return the fields of units that read the units of `tracks`."""
    if len(tracks) == 1 and len(reads.taps) == 1:
        ((shift, table),) = tracks
        (taps,) = reads.taps
        if len(table) == 1 and taps and table[0] is not None:
            low, high = table[0]
            return (Track(shift * reads.shift, ((low + taps[0] * shift, high + taps[-1] * shift),)),)
    return tuple([_through(track, reads) for track in tracks])


def work(tracks: Tracks, reads: Reads) -> int:
    """Return how many taps `through` looks at."""
    if len(tracks) == len(reads.taps) == len(tracks[0].table) == 1:
        return 1
    taps = sum(map(len, reads.taps))
    return sum([_repeats(track, reads) * min(taps, 2 * len(track.table) * len(reads.taps)) for track in tracks])


def _through(track: Track, reads: Reads) -> Track:
    old, turn = track.table, len(reads.taps)
    period, repeats = len(old), _repeats(track, reads)
    table: list[Interval | None] = []
    for unit in range(turn * repeats):
        turns, phase = divmod(unit, turn)
        taps, start = reads.taps[phase], turns * reads.shift
        # Taps a period apart read the same phase, farther on: the first and last `period` of them are enough.
        ends = taps if len(taps) <= 2 * period else (*taps[:period], *taps[-period:])
        lows, highs = [], []
        for tap in ends:
            turns, phase = divmod(start + tap, period)
            interval = old[phase]
            if interval is not None:
                move = turns * track.shift
                lows.append(interval[0] + move)
                highs.append(interval[1] + move)
        table.append((min(lows), max(highs)) if lows else None)
    return _reduced(Track(reads.shift * repeats * track.shift // period, tuple(table)))


def _repeats(track: Track, reads: Reads) -> int:
    """Return after how many turns of the reads a turn of the table is complete as well."""
    period = len(track.table)
    return period // gcd(period, reads.shift)


def _reduced(track: Track) -> Track:
    """Return the same fields with the smallest period."""
    shift, table = track
    count = len(table)
    for period in range(1, count // 2 + 1):
        if count % period or shift * period % count:
            continue
        short = Track(shift * period // count, table[:period])
        if all(short.at(unit) == table[unit] for unit in range(period, count)):
            return short
    return track


def union(a: Tracks, b: Tracks) -> Tracks:
    """Return the fields of units that read one unit of each of two maps."""
    if a == b:
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
    if len(a.table) == len(b.table) == 1:
        return Track(a.shift, (_hull(a.table[0], b.table[0]),))
    period = lcm(len(a.table), len(b.table))
    table = tuple([_hull(a.at(unit), b.at(unit)) for unit in range(period)])
    return _reduced(Track(a.shift * (period // len(a.table)), table))


def _hull(a: Interval | None, b: Interval | None) -> Interval | None:
    if a is None or b is None:
        return a or b
    return min(a[0], b[0]), max(a[1], b[1])


def fixed(tracks: Tracks) -> Tracks:
    """Return the fields of units that all read unit 0."""
    return (Track(0, (unit_field(tracks, 0),)),)


def unit_field(tracks: Tracks, unit: int) -> Interval | None:
    """Return what one unit sees over all tables."""
    found = tracks[0].at(unit)
    for track in tracks[1:]:
        found = _hull(found, track.at(unit))
    return found


def turn(tracks: Tracks) -> int:
    """Return after how many units every table has come round."""
    return lcm(*[len(track.table) for track in tracks])


def size(tracks: Tracks, units: int | None) -> int | None:
    """Return the largest extent over the units; `None` where it takes the number of units, and that is open."""
    if len(tracks) == 1:
        return max([high - low + 1 for low, high in filter(None, tracks[0].table)], default=0)
    if units is None or turn(tracks) > LONGEST_TURN:
        return None
    # From turn to turn each end moves by constants, of which the outermost counts: the extent is convex in the
    # turns, so it is largest in the first or in the last.
    period = turn(tracks)
    outer = {*range(min(period, units)), *range(max(0, units - period), units)}
    seen = filter(None, [unit_field(tracks, unit) for unit in outer])
    return max([high - low + 1 for low, high in seen], default=0)
