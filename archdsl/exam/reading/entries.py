"""What every format is read into first: texts, numbers, lists and mappings, each with its place in the file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from archdsl.diagnostics import Diagnostic
from archdsl.exam.texts import SheetError
from archdsl.rules import exam as rules
from archdsl.source import Source, Span

LARGEST_SHEET = 100_000
"""In characters. The largest sheet of a course has a few ten thousand."""
DEEPEST = 32
"""How deep lists and mappings may nest; a sheet needs seven."""
MOST_ENTRIES = 20_000
"""Texts, numbers, lists and mappings of one sheet, an alias counted as what it stands for."""
LONGEST_NUMBER = 40
LARGEST_EXPONENT = 100
NUMBER = re.compile(r"[-+]?(?:\d[\d_]*(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Number:
    """A number as written."""

    text: str

    @property
    def value(self) -> Fraction:
        """The exact value.

        Raises:
            ValueError: it is none, or beyond what a sheet can mean.
        """
        text = self.text.replace("_", "")
        exponent = re.split("[eE]", text)[1:]
        if len(text) > LONGEST_NUMBER or (exponent and abs(int(exponent[0])) > LARGEST_EXPONENT):
            raise ValueError("the number is too long")
        return Fraction(text)


Keyed = Mapping[str, "tuple[Span, Entry]"]
"""The keys of a mapping, each with its own place and its value."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A value and the place of it."""

    value: str | Number | bool | tuple[Entry, ...] | dict[str, tuple[Span, Entry]] | None
    span: Span
    size: int = field(default=1)
    """How many entries it is made of."""

    @property
    def kind(self) -> str:
        """What it is, in words."""
        match self.value:
            case None:
                return "nothing"
            case bool():
                return "true or false"
            case str():
                return "a text"
            case Number():
                return "a number"
            case tuple():
                return "a list"
        return "a mapping"


def syntax_error(message: str, span: Span, help: str | None = None) -> SheetError:
    """Return the error of a file that is not in its format."""
    return SheetError((Diagnostic(rules.SHEET_SYNTAX, message, span, help=help),))


def too_large(message: str, span: Span) -> SheetError:
    """Return the error of a file beyond the bounds."""
    return SheetError((Diagnostic(rules.SHEET_TOO_LARGE, message, span),))


def too_deep(span: Span) -> SheetError:
    """Return the error of a file that is nested beyond the bound."""
    return too_large(f"lists and mappings are nested more than {DEEPEST} deep", span)


def duplicate(key: str, span: Span, first: Span) -> SheetError:
    """Return the error of a key that stands twice."""
    line = first.line
    help = f"it stands in line {line} already; leave one out"
    return SheetError((Diagnostic(rules.DUPLICATE_KEY, f"`{key}` stands twice", span, help=help),))


class Budget:
    """Counts entries as they are made."""

    def __init__(self) -> None:
        self.made = 0

    def spend(self, entries: int, span: Span) -> None:
        """Count entries.

        Raises:
            SheetError: there are too many.
        """
        self.made += entries
        if self.made > MOST_ENTRIES:
            raise too_large(f"the sheet has more than {MOST_ENTRIES:,} values", span)


def point(source: Source, offset: int, length: int = 1) -> Span:
    """Return a short span at an offset, inside the text."""
    start = max(0, min(offset, len(source.text)))
    return Span(source, start, min(len(source.text), start + length))
