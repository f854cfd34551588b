"""A: slips of arithmetic and of the pen, by which a right number becomes a wrong one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction

from archdsl.exam.walk import Number, Value, whole

LONGEST = 40
"""Digits of a number that is written out; more are no answer to a sheet."""


@dataclass(frozen=True, slots=True)
class Slip:
    """A row: what happened, and the numbers that it makes of a number; A06 shows only in what is written."""

    id: str
    did: str
    of: Callable[[Number], Iterator[Number]]


def slips(value: Value) -> Iterator[tuple[str, Value]]:
    """Yield the wrong values that one slip makes of an answer, each with its id; in a shape, in one of its sizes."""
    if isinstance(value, tuple):
        for axis, size in enumerate(value):
            for slip in SLIPS[1:4]:
                for wrong in slip.of(size):
                    yield slip.id, (*value[:axis], wrong, *value[axis + 1 :])
    elif not isinstance(value, str):
        for slip in SLIPS:
            for wrong in slip.of(value):
                yield slip.id, wrong


def _powers(value: Number) -> Iterator[Number]:
    for power in (1, 2, 3, 6):
        yield value * 10**power
        yield whole(Fraction(value) / 10**power)


def _digits(value: Number) -> str:
    """Return the digits of a whole number that is neither negative nor longer than anybody writes."""
    return str(value) if isinstance(value, int) and 0 <= value < 10**LONGEST else ""


def _doubled_or_dropped(value: Number) -> Iterator[Number]:
    text = _digits(value)
    found = [text[: i + 1] + text[i:] for i in range(len(text))]
    if len(text) > 1:
        found += [text[:i] + text[i + 1 :] for i in range(len(text))]
    yield from sorted({int(t) for t in found if t == t.lstrip("0") or t == "0"} - {value})


def _swapped(value: Number) -> Iterator[Number]:
    text = _digits(value)
    found = {text[:i] + text[i + 1] + text[i] + text[i + 2 :] for i in range(len(text) - 1)}
    yield from sorted({int(t) for t in found if t == t.lstrip("0")} - {value})


def _off_by_one(value: Number) -> Iterator[Number]:
    yield value - 1
    yield value + 1


def _misread_point(value: Number) -> Iterator[Number]:
    yield whole(Fraction(value) / 1000)
    yield value * 1000


def _none(value: Number) -> Iterator[Number]:
    return iter(())


SLIPS = (
    Slip("A01", "moved the decimal point", _powers),
    Slip("A02", "doubled or dropped a digit", _doubled_or_dropped),
    Slip("A03", "swapped two digits", _swapped),
    Slip("A04", "is off by one", _off_by_one),
    Slip("A05", "read a decimal point as a separator of thousands, or the reverse", _misread_point),
    Slip("A06", "added up the right terms to a wrong sum", _none),
)
