"""Whether an answer means a value: exactly, within what its rounding leaves open, or in another layout."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from math import floor

from archdsl.exam.answers import Answer, Impossible, Number, Numbers, Possible, Reading, ShapeAnswer
from archdsl.exam.walk import INVALID, Value, whole

FEWEST_DIGITS = 2
"""Significant digits that a rounded answer needs."""


class Match(Enum):
    """How an answer meets a value."""

    EXACT = "exact"
    ROUNDED = "rounded"
    OTHER_LAYOUT = "in the other order of axes"
    INCOMPLETE = "without its channels"


@dataclass(frozen=True, slots=True)
class Range:
    """What a number leaves open, and whether it is as exact as a number can be."""

    low: Fraction
    high: Fraction
    is_exact: bool


def match(answer: Answer, value: Value, *, layout: str = "any", tolerance: Fraction = Fraction(0)) -> Match | None:
    """Return how an answer means a value, or nothing where it does not."""
    if isinstance(value, bool):
        return Match.EXACT if isinstance(answer, Possible if value else Impossible) else None
    if isinstance(answer, Impossible):
        return Match.EXACT if value == INVALID else None
    if isinstance(value, str):
        return None
    if isinstance(answer, ShapeAnswer):
        return _shape(answer, value, layout) if isinstance(value, tuple) else None
    if isinstance(answer, Numbers):
        return _numbers(answer, value)
    if isinstance(answer, Number) and not isinstance(value, tuple):
        return _number(stated(answer, value), value, tolerance)
    return None


def meeting(answer: Answer, tolerance: Fraction, *, wholes: bool = False) -> Callable[[Value], bool]:
    """Return the test of whether an answer means a value in any way, to be asked about many values.

    `wholes` says that the right answer is a whole number, so that a plain integer stands for no fraction.
    """
    if isinstance(answer, ShapeAnswer):
        return _shape_test(answer)
    if isinstance(answer, Number):
        return _number_test(answer, tolerance, wholes)
    return lambda value: match(answer, value) is not None


def _shape_test(answer: ShapeAnswer) -> Callable[[Value], bool]:
    whole_shapes = {reading.sizes for reading in answer.readings if reading.channels is not None}
    sides = {reading.spatial for reading in answer.readings if reading.channels is None}
    alone = answer.written if len(answer.written) == 1 else None

    def means(value: Value) -> bool:
        if not isinstance(value, tuple):
            return False
        if value in whole_shapes or value[1:] in sides or (value[:1] == alone and set(value[1:]) == {1}):
            return True
        return any(cut in whole_shapes or cut[1:] in sides for cut in _cut(value))

    return means


def _number_test(answer: Number, tolerance: Fraction, wholes: bool) -> Callable[[Value], bool]:
    side = answer.sharpest.interval
    if not side.value:
        return lambda value: not isinstance(value, str | tuple | bool) and value == 0
    low, high = whole(side.low), whole(side.high)
    plain = not tolerance and isinstance(low, int) and low == high

    def means(value: Value) -> bool:
        if isinstance(value, int) and plain:
            return value is not True and value is not False and value == low
        if isinstance(value, str | tuple | bool):
            return False
        if not tolerance and isinstance(value, int):
            return bool(low <= value <= high)
        range_ = Range(side.low, side.high, side.is_exact) if wholes else stated(answer, value)
        return _number(range_, value, tolerance) is not None

    return means


def stated(answer: Number, value: int | Fraction) -> Range:
    """Return what a number leaves open where a value is asked for.

    A plain integer is exact where the value is whole, and rounded where it is not: nobody writes 109.77 to the end.
    """
    side = answer.sharpest.interval
    half = Fraction(1, 2)
    if not side.value:
        return Range(Fraction(0), Fraction(0), side.is_exact)  # nothing rounds to zero that anybody is asked for
    if side.is_exact and Fraction(value).denominator != 1 and Fraction(side.value).denominator == 1:
        return Range(side.value - half, side.value + half, False)
    return Range(side.low, side.high, side.is_exact and not answer.sharpest.is_about)


def digits(answer: Number) -> int:
    """Return the significant digits that a number states; all of a plain integer's are."""
    side = answer.sharpest
    return side.digits if side.digits is not None else len(str(abs(int(side.interval.value))))


def values(answer: Answer, *, axes: int = 3) -> tuple[Value, ...]:
    """Return the values that an answer may stand for in what is computed from it, the likeliest first."""
    if isinstance(answer, Number):
        return (whole(answer.sharpest.interval.value),)
    if isinstance(answer, ShapeAnswer):
        return tuple(reading.sizes for reading in answer.readings if len(reading.sizes) == axes)
    if isinstance(answer, Impossible):
        return (INVALID,)
    return ()


def _number(range_: Range, value: int | Fraction, tolerance: Fraction) -> Match | None:
    if range_.low <= value <= range_.high:
        return Match.EXACT if range_.is_exact else Match.ROUNDED
    room: Fraction = abs(Fraction(value)) * tolerance
    if range_.low - room <= value <= range_.high + room:
        return Match.ROUNDED
    return None


def _numbers(answer: Numbers, value: Value) -> Match | None:
    wanted = value if isinstance(value, tuple) else (value,)
    if len(wanted) != len(answer.values):
        return None
    found = [match(one, number) for one, number in zip(answer.values, wanted, strict=True)]
    if None in found:
        return None
    return Match.ROUNDED if Match.ROUNDED in found else Match.EXACT


def _shape(answer: ShapeAnswer, value: tuple[Fraction | int, ...], layout: str) -> Match | None:
    """Return how a shape is met; where the text itself does not tell the order, `any` takes both."""
    first, *rest = answer.readings
    if _same(first, value, answer):
        return Match.EXACT
    if any(_same(reading, value, answer) for reading in rest):
        return Match.EXACT if layout == "any" else Match.OTHER_LAYOUT
    if any(reading.channels is None and reading.sizes == value[1:] for reading in answer.readings):
        return Match.INCOMPLETE
    return None


def _same(reading: Reading, value: tuple[Fraction | int, ...], answer: ShapeAnswer) -> bool:
    if reading.sizes == value or any(reading.sizes == cut for cut in _cut(value)):
        return True
    # `512` is 512×1×1: what is one position wide may go without saying.
    return len(value) > 1 and set(value[1:]) == {1} and answer.written == value[:1]


def _cut(value: tuple[Fraction | int, ...]) -> Iterator[tuple[int, ...]]:
    """Yield the shape whose fractions of a position were dropped, as students do at the end."""
    if any(isinstance(size, Fraction) for size in value):
        yield tuple([floor(size) for size in value])
