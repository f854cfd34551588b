"""The algebra of periodic tables against its definition, unit by unit."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from archdsl.analysis.fields import PIXELS, Interval, Track, Tracks, fixed, size, through, union, unit_field
from archdsl.ops import Reads

UNITS = range(-30, 30)


def taps() -> st.SearchStrategy[range]:
    """Positions in a row, equally far apart; perhaps none."""
    return st.builds(lambda a, n, d: range(a, a + n * d, d), st.integers(-9, 9), st.integers(0, 7), st.integers(1, 4))


def reads() -> st.SearchStrategy[Reads]:
    return st.builds(Reads, st.integers(1, 4), st.lists(taps(), min_size=1, max_size=4).map(tuple))


def fields() -> st.SearchStrategy[Tracks]:
    """What comes of pixels by windows and unions."""
    joined = lambda inner: st.builds(through, inner, reads()) | st.builds(union, inner, inner)  # noqa: E731
    return st.recursive(st.just(PIXELS), joined, max_leaves=6)


def hull(intervals: list[Interval | None]) -> Interval | None:
    seen = [interval for interval in intervals if interval is not None]
    return (min(low for low, _ in seen), max(high for _, high in seen)) if seen else None


@given(fields(), reads())
def test_a_unit_sees_what_the_units_it_reads_see(tracks, window):
    after = through(tracks, window)

    for unit in UNITS:
        turns, phase = divmod(unit, len(window.taps))
        positions = [tap + turns * window.shift for tap in window.taps[phase]]
        assert unit_field(after, unit) == hull([unit_field(tracks, p) for p in positions])


@given(fields(), fields())
def test_a_union_sees_what_either_sees(a, b):
    both = union(a, b)

    assert len({track.stride for track in both}) == len(both)
    for unit in UNITS:
        assert unit_field(both, unit) == hull([unit_field(a, unit), unit_field(b, unit)])


@given(fields())
def test_a_table_repeats_and_is_as_short_as_can_be(tracks):
    for track in tracks:
        shift, period = track.shift, len(track.table)
        assert track.at(period + 3) == _moved(track.at(3), shift)
        for shorter in range(1, period):
            move, rest = divmod(shift * shorter, period)
            assert rest or any(track.at(unit + shorter) != _moved(track.at(unit), move) for unit in range(period))


def _moved(interval: Interval | None, shift: int) -> Interval | None:
    return interval and (interval[0] + shift, interval[1] + shift)


@given(fields(), st.integers(1, 40))
def test_the_size_is_the_largest_of_all_units(tracks, units):
    """With one stride there are as many units as phases at least, whether the map has so many or not."""
    count = max(units, len(tracks[0].table)) if len(tracks) == 1 else units
    seen = [unit_field(tracks, unit) for unit in range(count)]

    assert size(tracks, units) == max(high - low + 1 if s else 0 for s in seen for low, high in [s or (0, 0)])


def test_units_that_all_read_unit_0_see_the_same():
    tracks = fixed((Track(2, ((-1, 3),)),))

    assert [unit_field(tracks, unit) for unit in (0, 1, 50)] == [(-1, 3)] * 3
    assert tracks[0].stride == 0
