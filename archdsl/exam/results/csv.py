"""Grades as a table for a spreadsheet or a gradebook: a row a student, in UTF-8, with no cell that it would execute."""

from __future__ import annotations

import csv
import io

from archdsl.exam.grades import marks
from archdsl.exam.results.plain import one_line
from archdsl.exam.results.report import Release, Report

LONGEST_CELL = 200
FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What begins a formula in some spreadsheet. Source: OWASP, "CSV Injection"."""


def write(report: Report) -> str:
    """Return a report as CSV: id, total, marks of each part, then with its release what was found in each."""
    names = [part.part for part in report.parts]
    header = ["student", "total", "out_of", "held", *names]
    found = report.release is not Release.MARKS
    if found:
        header += [f"{name} {what}" for what in ("status", "mistakes") for name in names]
    rows = [header]
    for row in report.rows:
        scores = ["" if line.marks is None else marks(line.marks) for line in row.lines]
        cells = [row.student, marks(row.marks), marks(row.out_of), str(row.held), *scores]
        if found:
            cells += [line.status for line in row.lines] + [line.name for line in row.lines]
        rows.append(cells)
    return table(rows)


def table(rows: list[list[str]]) -> str:
    """Return rows of cells as CSV."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows([[neutral(cell) for cell in row] for row in rows])
    return buffer.getvalue()


def neutral(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula: an apostrophe says that it is a text."""
    begins = cell.startswith(FORMULAS) or cell.lstrip().startswith(FORMULAS)
    plain = one_line(cell, LONGEST_CELL)
    return f"'{plain}" if begins or plain.startswith(FORMULAS) else plain
