"""Grades that were given before, read back from `archdsl exam grade --to json`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import NoReturn

from archdsl.diagnostics import Diagnostic
from archdsl.exam.reading.entries import LONGEST_NUMBER
from archdsl.exam.results.json import SCHEMA
from archdsl.exam.texts import SheetError
from archdsl.rules import exam as rules
from archdsl.source import Source, Span

LARGEST = 200_000_000
"""In bytes; the grades of 500 students on 20 parts are five million."""
_MARKS = re.compile(r"\d+(?:\.\d+|/[1-9]\d*)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Given:
    """What was found about one answer."""

    part: str
    answer: str
    marks: Fraction | None
    out_of: Fraction
    status: str
    ids: tuple[str, ...]
    right: str


@dataclass(frozen=True, slots=True)
class Stated:
    """What the sheet said of a part."""

    ask: str
    form: str
    tolerance: str
    marking: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Previous:
    """The grades of an earlier run."""

    exam: str
    seed: str | None
    conventions: Mapping[str, str]
    parts: Mapping[str, Stated]
    students: Mapping[str, Mapping[str, Given]]
    """By student and part."""


def read_previous(text: str, name: str) -> Previous:
    """Return the grades in a text; diagnostics call it `name`.

    Raises:
        SheetError: it is not what `exam grade --to json` writes, or was released in part only.
    """
    return _Reading(text, name).previous()


class _Reading:
    def __init__(self, text: str, name: str) -> None:
        self.source = Source(name, text)

    def previous(self) -> Previous:
        document = self._mapping(self._parsed(), "the file")
        if document.get("schema") != SCHEMA:
            self._refuse(f"this is no `{SCHEMA}`", "give what `archdsl exam grade --to json` wrote")
        release = document.get("release")
        if release != "full":
            self._refuse(f"these grades were released as `{str(release)[:20]}`", "give those of `--release full`")
        seed = document.get("seed")
        conventions = self._mapping(document.get("conventions", {}), "conventions")
        students: dict[str, dict[str, Given]] = {}
        for row in self._list(document.get("students"), "students"):
            student = self._text(row, "student")
            if student in students:
                self._refuse(f"`{student[:60]}` stands in it twice")
            given = (self._given(one) for one in self._list(row.get("parts"), "parts"))
            students[student] = {one.part: one for one in given}
        parts = {self._text(row, "part"): self._stated(row) for row in self._list(document.get("parts", []), "parts")}
        return Previous(
            str(document.get("exam", "")),
            None if seed is None else str(seed),
            {name: str(value) for name, value in conventions.items()},
            parts,
            students,
        )

    def _parsed(self) -> object:
        try:
            return json.loads(self.source.text, parse_constant=self._constant)
        except json.JSONDecodeError as error:
            self._refuse(f"this is no JSON: {error.msg[0].lower()}{error.msg[1:]}", at=error.pos)
        except (ValueError, RecursionError):
            self._refuse("this is no JSON that could have been written here")

    def _constant(self, name: str) -> NoReturn:
        raise ValueError(name)

    def _given(self, row: Mapping[str, object]) -> Given:
        ids = row.get("mistakes", [])
        if not isinstance(ids, list) or not all(isinstance(id, str) for id in ids):
            self._refuse("`mistakes` of an answer is no list of ids")
        return Given(
            self._text(row, "part"),
            self._text(row, "answer"),
            self._marks(row, "marks"),
            self._marks(row, "out_of") or Fraction(0),
            self._text(row, "status"),
            tuple(ids),
            self._text(row, "right"),
        )

    def _stated(self, row: Mapping[str, object]) -> Stated:
        marking = self._mapping(row.get("marking", {}), "marking")
        ask, form, tolerance = (self._text(row, name) for name in ("ask", "form", "tolerance"))
        return Stated(ask, form, tolerance, {name: str(share) for name, share in marking.items()})

    def _marks(self, row: Mapping[str, object], name: str) -> Fraction | None:
        """Return marks: the exact fraction where the number is a rounded one."""
        value = row.get(f"{name}_exact", row.get(name))
        if value is None:
            return None
        text = str(value)
        if isinstance(value, bool) or len(text) > LONGEST_NUMBER or not _MARKS.fullmatch(text):
            self._refuse(f"`{name}` is `{text[:40]}`, which are no marks")
        return Fraction(text)

    def _text(self, row: Mapping[str, object], name: str) -> str:
        value = row.get(name, "")
        if not isinstance(value, str):
            self._refuse(f"`{name}` is no text")
        return value

    def _mapping(self, value: object, what: str) -> dict[str, object]:
        if not isinstance(value, dict):
            self._refuse(f"{what} is no mapping" if what != "the file" else "the file is no document of grades")
        return value

    def _list(self, value: object, what: str) -> list[dict[str, object]]:
        if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
            self._refuse(f"`{what}` is no list of records")
        return value

    def _refuse(self, message: str, help: str | None = None, at: int = 0) -> NoReturn:
        end = min(len(self.source.text), at + 1)
        raise SheetError((Diagnostic(rules.BAD_PREVIOUS, message, Span(self.source, min(at, end), end), help=help),))
