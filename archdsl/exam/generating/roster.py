"""Who gets a variant: students by their ids, in a row or in a file."""

from __future__ import annotations

import re
from pathlib import Path

from archdsl.diagnostics import Diagnostic
from archdsl.exam.sheet import Sheet
from archdsl.exam.submissions import csv
from archdsl.exam.submissions.files import decoded, read_bytes
from archdsl.exam.submissions.gathered import AnswersError
from archdsl.exam.submissions.names import STUDENT, Names
from archdsl.exam.texts import Text
from archdsl.rules import exam as rules

MOST_STUDENTS = 5_000
LONGEST_ID = 200
_UNSEEN = re.compile("[\0-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def students_in(path: Path, sheet: Sheet) -> tuple[str, ...]:
    """Return the ids in a table: in its column of students, or in its only column, which then has no head.

    Raises:
        AnswersError: there is no such column, an id is missing or stands twice, or it is no table.
        OSError: the file cannot be read.
    """
    source = decoded(read_bytes(path), path.as_posix())
    head, *rows = list(csv.rows(source))
    names = Names(sheet, {})
    ranked = [(rank, i) for i, cell in enumerate(head) if (rank := names.rank(cell.text, STUDENT)) is not None]
    if ranked:
        place = min(ranked)[1]
    elif len(head) == 1:
        place, rows = 0, [head, *rows]
    else:
        span = Text("", head[0].span).at(0, 0)
        help = "call one column `student`"
        raise AnswersError((Diagnostic(rules.NO_STUDENT, "no column is of students", span, help=help),))
    return _unique([(row[place] if place < len(row) else Text("", row[0].span)) for row in rows])


def students_of(text: str) -> tuple[str, ...]:
    """Return the ids in a row, parted by commas.

    Raises:
        ValueError: an id is missing, too long or stands twice.
    """
    ids = [one.strip() for one in text.split(",")]
    for number, id in enumerate(ids):
        if fault := _fault(id, ids[:number]):
            raise ValueError(fault)
    if len(ids) > MOST_STUDENTS:
        raise ValueError(f"there are {len(ids):,} students, and {MOST_STUDENTS:,} are the most")
    return tuple(ids)


def _unique(cells: list[Text]) -> tuple[str, ...]:
    seen: dict[str, None] = {}
    found = []
    for cell in cells:
        id = cell.text.strip()
        if fault := _fault(id, seen):
            rule = rules.GIVEN_TWICE if id in seen else rules.NO_STUDENT
            found.append(Diagnostic(rule, fault, cell.span, help="every row has an id of its own"))
        seen[id] = None
    if len(seen) > MOST_STUDENTS:
        message = f"there are {len(seen):,} students, and {MOST_STUDENTS:,} are the most"
        found.append(Diagnostic(rules.ANSWERS_TOO_LARGE, message, cells[-1].span, help="split the class"))
    if not seen:
        raise ValueError("the file has no students")
    if found:
        raise AnswersError(tuple(found[:20]))
    return tuple(seen)


def _fault(id: str, before: list[str] | dict[str, None]) -> str:
    """Return what is wrong with an id, in words; empty where nothing is."""
    if not id:
        return "a student has no id"
    if len(id) > LONGEST_ID:
        return f"an id has at most {LONGEST_ID} characters, and this has {len(id)}"
    if _UNSEEN.search(id):
        return f"the id {id!r} has signs that cannot be seen"
    return f"{id} stands twice" if id in before else ""
