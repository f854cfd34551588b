"""Sets as bitmasks against sets of numbers, one position at a time."""

from __future__ import annotations

from functools import partial
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archdsl.analysis.live_sets import ALL, MOST_BOXES, Room, TooLarge, counted, measured, read, united
from archdsl.ops import Reads


def numbers(mask: int, size: int) -> set[int]:
    return {i for i in range(size) if mask >> i & 1}


@st.composite
def ranges(draw: st.DrawFn) -> range:
    start, step = draw(st.integers(-6, 6)), draw(st.integers(1, 4))
    return range(start, start + step * draw(st.integers(0, 5)), step)


READS = st.builds(Reads, st.integers(0, 5), st.lists(ranges(), min_size=1, max_size=4).map(tuple))


@given(READS, st.integers(1, 12), st.integers(1, 20), st.data())
def test_units_read_what_their_taps_say(reads, units, size, data):
    mask = data.draw(st.just(ALL) | st.integers(0, 2**units - 1))
    expected = set()
    for unit in numbers(mask, units):
        turns, phase = divmod(unit, len(reads.taps))
        expected |= {tap + turns * reads.shift for tap in reads.taps[phase]} & set(range(size))

    found = read(reads, mask, units, size, "zeros", Room())

    assert numbers(found, size) == expected
    assert (found == ALL) == (len(expected) == size)  # one mask for one set
    assert found >= 0 or found == ALL


BEYOND = {
    "circular": lambda place, size: place % size,
    "replicate": lambda place, size: min(max(place, 0), size - 1),
    "reflect": lambda place, size: -place if place < 0 else 2 * (size - 1) - place if place >= size else place,
}


@given(st.sampled_from(sorted(BEYOND)), st.integers(1, 5), st.integers(1, 3), st.integers(4, 9), st.data())
def test_beyond_the_border_they_read_what_stands_for_it(border, kernel, stride, size, data):
    before, after = data.draw(st.integers(0, 3)), data.draw(st.integers(0, 3))
    units = (size + before + after - kernel) // stride + 1
    if units < 1:
        return
    mask = data.draw(st.just(ALL) | st.integers(0, 2**units - 1))
    taps = range(-before, kernel - before)
    expected = {BEYOND[border](unit * stride + tap, size) for unit in numbers(mask, units) for tap in taps}

    assert numbers(read(Reads(stride, (taps,)), mask, units, size, border, Room()), size) == expected


SIZES = (5, 4, 3)
MASKS = [st.integers(1, 2**size - 2) | st.just(ALL) for size in SIZES]


@pytest.mark.parametrize("axes", [1, 2, 3])
@given(data=st.data())
def test_a_union_has_the_positions_of_its_parts(axes, data):
    sizes = SIZES[:axes]
    boxes = data.draw(st.lists(st.tuples(*MASKS[:axes]), max_size=6))
    weights = [data.draw(st.lists(st.integers(0, 3), min_size=size, max_size=size)) for size in sizes]

    def places(boxes):
        return {place for box in boxes for place in product(*map(numbers, box, sizes))}

    def weight(mask, *, axis):
        return sum(weights[axis][i] for i in numbers(mask, sizes[axis]))

    found = united(boxes, sizes, Room())

    assert places(found) == places(boxes)
    assert not any(places([one]) <= places([other]) for one in found for other in found if one is not other)
    assert measured(found, [partial(counted, size=size) for size in sizes], Room()) == len(places(boxes))
    heavy = 0
    for place in places(boxes):
        product_of_weights = 1
        for axis, i in enumerate(place):
            product_of_weights *= weights[axis][i]
        heavy += product_of_weights
    assert measured(found, [partial(weight, axis=axis) for axis in range(axes)], Room()) == heavy


def test_a_complement_counts_the_rest():
    assert [counted(mask, 8) for mask in (ALL, ~0b101, 0b101, 0, ~0xFF)] == [8, 6, 2, 0, 0]


def test_a_vector_has_one_position():
    assert united([(), ()], (), Room()) == ((),)
    assert [measured(boxes, [], Room()) for boxes in ([], [()])] == [0, 1]


def test_too_many_products_are_refused():
    """Steps of a staircase: none lies within another, and no two differ along one axis only."""
    count = MOST_BOXES + 1
    stairs = [((1 << i + 1) - 1, (1 << count - i) - 1) for i in range(count)]

    assert len(united(stairs[:-1], (count + 1, count + 1), Room())) == MOST_BOXES
    with pytest.raises(TooLarge):
        united(stairs, (count + 1, count + 1), Room())


def test_work_is_refused_before_it_is_done():
    with pytest.raises(TooLarge):
        read(Reads(2, (range(1),)), ALL, 2**62, 2**63, "zeros", Room())
