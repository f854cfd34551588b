"""Grades as a document, `archdsl/grades@1`: all that a release tells; in full, what a later regrade needs."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from archdsl.exam.results.report import Line, Release, Report, Row
from archdsl.exam.sheet import CONVENTIONS, SHARES, Marking, Sheet
from archdsl.report.json import text

SCHEMA = "archdsl/grades@1"


def write(report: Report, sheet: Sheet, seed: str | None = None) -> str:
    """Return a report as JSON; `seed` is that of the variants, where there are some."""
    return text(document(report, sheet, seed))


def document(report: Report, sheet: Sheet, seed: str | None = None) -> dict[str, Any]:
    """Return a report as lists, dicts, texts and numbers; marks without an end are followed by their fraction."""
    made: dict[str, Any] = {
        "schema": SCHEMA,
        "exam": report.exam,
        "title": report.title,
        "release": report.release.value,
        "seed": seed,
    }
    if report.release is Release.FULL:
        made |= basis(sheet)
    made["parts"] = [_part(part, sheet, report.release) for part in report.parts]
    made["students"] = [_row(row, report.release) for row in report.rows]
    made["summary"] = {
        "graded": len(report.rows),
        **_marks("mean", report.mean),
        **_marks("out_of", report.out_of),
        "held": report.held,
    }
    if report.release is not Release.MARKS:
        made["summary"]["by_mistake"] = dict(report.by_mistake)
    return made


def basis(sheet: Sheet) -> dict[str, Any]:
    """Return what a sheet says for all its parts, and grades depend on."""
    return {"conventions": {name: getattr(sheet.conventions, name) for name in CONVENTIONS}}


def marking_of(marking: Marking) -> Mapping[str, str]:
    """Return the shares that a part goes by, as exact fractions in text."""
    shares = {name: str(getattr(marking, name)) for name in SHARES}
    return shares | {id: str(share) for id, share in sorted(marking.mistakes.items())}


def _part(line: Line, sheet: Sheet, release: Release) -> dict[str, Any]:
    made: dict[str, Any] = {"part": line.part, "title": line.title, **_marks("out_of", line.out_of)}
    if release is Release.FULL:
        part = next(part for _, part in sheet.parts if part.name == line.part)
        made |= {"ask": str(part.ask), "form": part.form, "tolerance": str(part.tolerance)}
        made |= {"marking": marking_of(part.marking)}
    return made


def _row(row: Row, release: Release) -> dict[str, Any]:
    return {
        "student": row.student,
        **_marks("marks", row.marks),
        **_marks("out_of", row.out_of),
        "held": row.held,
        "parts": [_line(line, release) for line in row.lines],
    }


def _line(line: Line, release: Release) -> dict[str, Any]:
    made: dict[str, Any] = {
        "part": line.part,
        "answer": line.answer,
        **_marks("marks", line.marks),
        **_marks("out_of", line.out_of),
        "held": line.is_held,
    }
    if release is not Release.MARKS:
        made |= {"status": line.status, "mistakes": list(line.ids), "said": line.said}
    if release is Release.HINTS:
        made["hints"] = list(line.hints)
    if release is Release.FULL:
        made["right"] = line.right
    return made


def _marks(name: str, value: Fraction | None) -> dict[str, int | float | str | None]:
    if value is None:
        return {name: None}
    number = plain(value)
    return {name: number} if Fraction(str(number)) == value else {name: number, f"{name}_exact": str(value)}


def plain(value: Fraction) -> int | float:
    """Return marks as a number, with at most four decimals."""
    return int(value) if value.denominator == 1 else round(float(value), 4)
