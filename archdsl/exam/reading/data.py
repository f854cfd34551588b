"""The numbers of a problem: lists of lists, as long as each other on every level."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from fractions import Fraction

from archdsl.exam.data import MOST_NUMBERS, Data
from archdsl.exam.nets import Draw
from archdsl.exam.reading.entries import Entry, Number
from archdsl.exam.reading.fields import Fields
from archdsl.rules import exam as rules

MOST_AXES = 5
"""Of a weight: two for channels, three for positions."""
MOST_TENSORS = 200
LARGEST = 10**12
LONGEST = 40
"""Digits of a denominator."""
_FRACTION = re.compile(r"([-+]?\d{1,12})\s*/\s*(\d{1,12})", re.ASCII)


class _Wrong(Exception):
    """What is wrong with a list, and where."""

    def __init__(self, entry: Entry, message: str, help: str | None = None) -> None:
        super().__init__(message)
        self.entry = entry
        self.help = help


def data_of(fields: Fields, nets: Iterable[str], draw: Mapping[str, tuple[Draw, ...]]) -> dict[str, Data]:
    """Return the numbers that a problem gives; what is wrong with them is reported."""
    known = set(nets)
    found = {}
    for name, (span, entry) in list(fields.pairs("data").items())[:MOST_TENSORS]:
        if "" not in known and name.partition(".")[0] not in known:
            message = f"`{name[:60]}` is of none of the nets"
            help = f"begin with the name of one, as `{min(known)}.x`" if known else "give the problem a `net`"
            fields.findings.add(rules.WRONG_DATA, message, span, help)
            continue
        try:
            shape, numbers = _read(entry, name, draw, 0)
        except _Wrong as error:
            where = error.entry.span
            fields.findings.add(rules.WRONG_DATA, str(error), where, error.help)
        else:
            if len(numbers) > MOST_NUMBERS:
                message = f"`{name}` has {len(numbers):,} numbers, and {MOST_NUMBERS:,} are the most"
                fields.findings.add(rules.WRONG_DATA, message, span)
            found[name] = Data(shape, tuple(numbers), entry.span)
    if len(fields.pairs("data")) > MOST_TENSORS:
        fields.findings.add(rules.WRONG_DATA, f"`data` gives at most {MOST_TENSORS} tensors", fields.span("data"))
    return found


def _read(
    entry: Entry, name: str, draw: Mapping[str, tuple[Draw, ...]], depth: int
) -> tuple[tuple[int, ...], list[Fraction | str]]:
    """Return the shape and the numbers of a list, or of a number."""
    if not isinstance(entry.value, tuple):
        return (), [_number(entry, name, draw)]
    if depth == MOST_AXES:
        raise _Wrong(entry, f"`{name}` is nested more than {MOST_AXES} deep")
    if not entry.value:
        raise _Wrong(entry, f"a list of `{name}` is empty")
    shape: tuple[int, ...] | None = None
    numbers: list[Fraction | str] = []
    for item in entry.value:
        inner, more = _read(item, name, draw, depth + 1)
        if shape is not None and inner != shape:
            raise _Wrong(item, f"in `{name}` {_said(inner)} follows {_said(shape)}", "give all rows one length")
        shape = inner
        numbers += more
    return (len(entry.value), *(shape or ())), numbers


def _said(shape: tuple[int, ...]) -> str:
    if not shape:
        return "a number"
    return f"a row of {shape[0]}" if len(shape) == 1 else f"a list of {'×'.join(map(str, shape))}"


def _number(entry: Entry, name: str, draw: Mapping[str, tuple[Draw, ...]]) -> Fraction | str:
    value = entry.value
    found: Fraction | None = None
    if isinstance(value, Number):
        try:
            found = value.value
        except ValueError:
            raise _Wrong(entry, f"a number of `{name}` is too long") from None
    elif isinstance(value, str):
        if value in draw and not isinstance(draw[value][0], str):
            return value
        match = _FRACTION.fullmatch(value)
        if match and int(match[2]):
            found = Fraction(int(match[1]), int(match[2]))
    if found is None:
        said = f"`{value[:40]}`" if isinstance(value, str) else entry.kind
        help = "write 2, -0.5, 1/3, or the name of a drawn number"
        raise _Wrong(entry, f"`{name}` holds numbers and lists of them, not {said}", help)
    if abs(found) > LARGEST or found.denominator >= 10**LONGEST:
        raise _Wrong(entry, f"a number of `{name}` is beyond what is computed with", f"at most {LARGEST:,}")
    return found
