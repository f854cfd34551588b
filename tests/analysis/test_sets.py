"""The algebra of periodic tables of sets against its definition, position by position."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archdsl.analysis.sets import MOST_BITS, PIXELS, Seen, Sets, TooLong, cut, fixed, joined, listed, through, united
from archdsl.ops import Reads

UNITS = range(-30, 30)


def places(seen: Seen | None) -> set[int]:
    """Return the positions one by one."""
    if seen is None:
        return set()
    if not seen.mask:
        return set(range(seen.low, seen.high + 1))
    return {seen.low + i for i, bit in enumerate(reversed(bin(seen.mask)[2:])) if bit == "1"}


def taps() -> st.SearchStrategy[range]:
    """Positions in a row, equally far apart; perhaps none."""
    return st.builds(lambda a, n, d: range(a, a + n * d, d), st.integers(-9, 9), st.integers(0, 7), st.integers(1, 4))


def reads() -> st.SearchStrategy[Reads]:
    return st.builds(Reads, st.integers(1, 4), st.lists(taps(), min_size=1, max_size=4).map(tuple))


def tables() -> st.SearchStrategy[Sets]:
    """What comes of pixels by windows."""
    return st.recursive(st.just(PIXELS), lambda inner: st.builds(through, inner, reads()), max_leaves=6)


@given(tables(), reads())
def test_a_unit_sees_what_the_units_it_reads_see(table, window):
    after = through(table, window)

    for unit in UNITS:
        turns, phase = divmod(unit, len(window.taps))
        positions = [tap + turns * window.shift for tap in window.taps[phase]]
        assert places(after.at(unit)) == set().union(*(places(table.at(p)) for p in positions))


@given(tables(), reads(), reads())
def test_a_union_sees_what_either_sees(table, one, other):
    a, b = through(table, one), through(table, other)
    if a.stride != b.stride:
        return
    both = joined(a, b)

    for unit in UNITS:
        assert places(both.at(unit)) == places(a.at(unit)) | places(b.at(unit))
    assert both.covers(a)
    assert both.covers(b)


@given(tables(), tables())
def test_a_table_covers_another_where_every_unit_sees_no_less(a, b):
    if a.stride != b.stride:
        assert not a.covers(b)
    elif len(a.table) * len(b.table) < 500:
        many = range(len(a.table) * len(b.table))
        assert a.covers(b) == all(places(b.at(unit)) <= places(a.at(unit)) for unit in many)


@given(st.lists(st.builds(lambda a, m: united([Seen(a + i, a + i) for i in m]), st.integers(-9, 9),
                          st.sets(st.integers(0, 12), min_size=1)), max_size=5))  # fmt: skip
def test_a_set_has_the_positions_of_its_parts_and_counts_them(parts):
    whole = united(parts)

    assert places(whole) == set().union(*map(places, parts))
    if whole is not None:
        assert whole.total == len(places(whole))
        assert (whole.low, whole.high) == (min(places(whole)), max(places(whole)))
        assert bool(whole.mask) == (whole.total < whole.high - whole.low + 1), "one set is written in one way"


@given(tables(), st.integers(-5, 5))
def test_fixed_units_all_see_what_unit_0_sees(table, unit):
    assert places(fixed(table).at(unit)) == places(table.at(0))


def test_a_set_that_would_fill_the_memory_is_refused():
    far = Reads(1, (range(0, 2 * MOST_BITS, MOST_BITS),))

    with pytest.raises(TooLong):
        through(PIXELS, far)


def test_a_long_set_without_holes_costs_nothing():
    assert through(PIXELS, Reads(1, (range(10**15),))).table == (Seen(0, 10**15 - 1),)


@given(tables(), reads(), reads(), st.integers(-9, 9))
def test_units_that_are_listed_see_what_the_table_says(table, first, second, start):
    units = range(start, start + 8)
    inner = through(table, first)
    expected = through(inner, second)

    for some in (listed(inner, second, units), listed(cut(inner, range(-99, 199)), second, units)):
        assert some.stride == expected.stride
        assert [some.at(unit) for unit in units] == [expected.at(unit) for unit in units]
        assert expected.covers(some)
        assert some.covers(expected)


@given(tables(), tables())
def test_a_list_and_a_table_join_as_two_tables_do(a, b):
    if a.stride == b.stride:
        both, some = joined(a, b), joined(cut(a, UNITS), b)
        assert [some.at(unit) for unit in UNITS] == [both.at(unit) for unit in UNITS]


def test_a_unit_that_is_not_listed_is_not_guessed():
    with pytest.raises(TooLong):
        cut(PIXELS, range(3)).at(3)
