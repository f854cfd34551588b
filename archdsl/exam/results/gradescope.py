"""Grades as Gradescope's autograders give them, one `results.json` a student.

Source: Gradescope, "Autograder Specifications", section "Output format". Where an answer waits for a person, its test
has no score, and the submission has the sum of the others.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from archdsl.exam.prose import escaped
from archdsl.exam.results.json import plain
from archdsl.exam.results.report import Line, Release, Report, Row
from archdsl.report.json import text

LONGEST_NAME = 120
_RESERVED = re.compile(r"(?i)(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)")


def write(report: Report) -> str:
    """Return the results of the only student; of several, a mapping with the results of each."""
    if len(report.rows) == 1:
        return text(results(report, report.rows[0]))
    return text({row.student: results(report, row) for row in report.rows})


def files(report: Report) -> Iterator[tuple[str, str]]:
    """Yield the name of a file and its text for each student."""
    taken: set[str] = set()
    for row in report.rows:
        yield f"{file_name(row.student, taken)}.json", text(results(report, row))


def results(report: Report, row: Row) -> dict[str, Any]:
    """Return the results of one student."""
    made: dict[str, Any] = {
        "output": escaped(report.title or report.exam, "md"),
        "output_format": "md",
        "visibility": "after_published",
    }
    if row.held:
        made["score"] = plain(row.marks)
    made["tests"] = [_test(line, report.release) for line in row.lines]
    return made | {"extra_data": {"student": row.student, "exam": report.exam}}


def _test(line: Line, release: Release) -> dict[str, Any]:
    made: dict[str, Any] = {"number": line.part, "name": line.title}
    if line.marks is not None:
        made["score"] = plain(line.marks)
        made["status"] = "passed" if line.marks == line.out_of else "failed"
    made["max_score"] = plain(line.out_of)
    if release is Release.MARKS:
        return made | {"extra_data": {"answer": line.answer}}
    said = "\n".join([line.said, *(f"Hint: {hint}" for hint in line.hints)]).strip()
    extra = {"answer": line.answer, "status": line.status}
    return made | {"tags": list(line.ids), "output": said, "output_format": "text", "extra_data": extra}


def file_name(student: str, taken: set[str]) -> str:
    """Return a name for the file of a student that every system takes and that nobody else has; note it as taken."""
    plain = re.sub(r"[^\w@.+-]", lambda sign: f"%{ord(sign[0]):02X}", student, flags=re.ASCII)[:LONGEST_NAME]
    plain = re.sub(r"^\.|\.$", "%2E", plain) or "%"
    plain = f"%{plain}" if _RESERVED.match(plain) else plain
    name, number = plain, 2
    while name.casefold() in taken:
        name, number = f"{plain}~{number}", number + 1
    taken.add(name.casefold())
    return name
