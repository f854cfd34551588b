"""What a target is: what it keeps of a sheet, what it cannot take at all, and how it lays the rest out."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction

from archdsl.exam.exports.items import Book, Item
from archdsl.exam.exports.losses import Feature, Note, Refusal
from archdsl.exam.exports.numbers import LARGEST_EXACT

File = str | bytes

MOST_BLANKS = 64
"""Fields of one question."""


@dataclass(frozen=True)
class Layout:
    """The files of a target by their paths, and what they say otherwise than the sheet."""

    files: dict[str, File]
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True)
class Target:
    """A program that sheets are exported to."""

    lay_out: Callable[[Book], Layout]
    keeps: frozenset[Feature]
    cannot: Callable[[Item], str] = lambda item: ""
    """Why a part cannot be exported; empty where it can."""
    is_folder: bool = False
    """Whether there may be several files."""

    def sift(self, book: Book) -> tuple[Book, tuple[Refusal, ...]]:
        """Return a book without the parts that the target cannot take, and those parts."""
        refused = []
        cases = []
        for case in book.cases:
            kept = []
            for item in case.items:
                why = self.cannot(item)
                if why:
                    refused.append(Refusal(item.part.name, why))
                else:
                    kept.append(item)
            if kept:
                cases.append(replace(case, items=tuple(kept)))
        return replace(book, cases=tuple(cases)), tuple(refused)


def not_computable(item: Item) -> str:
    """Return why a program that marks by itself cannot mark a part; empty where it can."""
    if item.options:
        if not any(option.is_right for option in item.options):
            return "none of its options is right"
        return ""
    if not item.blanks:
        return f"there is no number in the answer {item.shown}"
    if len(item.blanks) > MOST_BLANKS:
        return f"its answer is {len(item.blanks):,} numbers, and {MOST_BLANKS} are the most that one question has"
    for blank in item.blanks:
        if abs(Fraction(blank.value)) > LARGEST_EXACT:
            return f"{item.shown} is more than 2^53, which is not exact there"
    return ""


def slug(text: str) -> str:
    """Return a text as the name of a file: letters, digits and dashes of ASCII."""
    return re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-")[:60] or "exam"
