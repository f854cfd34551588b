"""Grades in Markdown: the class as a table, what was found, and the mistakes by how many made them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from archdsl.exam.grades import marks
from archdsl.exam.prose import escaped
from archdsl.exam.results.plain import one_line
from archdsl.exam.results.report import Line, Report, Row
from archdsl.exam.results.text import score, summary, with_right

LONGEST = 400


def write(report: Report, *, explain: bool = False) -> str:
    """Return a report as Markdown; with `explain`, every answer that is not plainly right has a row."""
    lines = [f"# {plain(report.title or report.exam)}", "", *_class(report), ""]
    if explain:
        for row in report.rows:
            lines += _student(row)
    lines += _mistakes(report)
    graded = summary(report).partition("   ")[0]
    return "\n".join([*lines, plain(graded)]) + "\n"


def plain(text: str) -> str:
    """Return a text of strangers on one line, with nothing in it that Markdown would obey."""
    return escaped(one_line(text, LONGEST), "md")


def code(text: str) -> str:
    """Return an answer as code inside a table, as it was written."""
    shown = one_line(text).replace("|", "\\|")
    if not shown:
        return ""
    fence = "`" * (max((len(run) for run in re.findall("`+", shown)), default=0) + 1)
    space = " " if "`" in (shown[0], shown[-1]) else ""
    return f"{fence}{space}{shown}{space}{fence}"


def _class(report: Report) -> Iterator[str]:
    yield _cells(["student", "total", *(part.label for part in report.parts)])
    yield "|---|" + "---:|" * (1 + len(report.parts))
    yield _cells(["*out of*", marks(report.out_of), *(marks(part.out_of) for part in report.parts)])
    for row in report.rows:
        total = marks(row.marks) + (f" ({row.held} held)" if row.held else "")
        yield _cells([plain(row.student), total, *(marks(line.marks) for line in row.lines)])


def _student(row: Row) -> Iterator[str]:
    told = [line for line in row.lines if not line.is_plain]
    if not told:
        return
    yield f"## {plain(row.student)}: {marks(row.marks)} / {marks(row.out_of)}"
    yield ""
    yield _cells(["part", "answer", "marks", "found", ""])
    yield "|---|---|---:|---|---|"
    for line in told:
        yield _cells([line.label, code(line.answer), score(line), _found(line), plain(with_right(line))])
    yield ""
    hints = [(line.label, hint) for line in told for hint in line.hints]
    for label, hint in hints:
        yield f"- {plain(label)}: {plain(hint)}"
    if hints:
        yield ""


def _found(line: Line) -> str:
    return plain(", ".join(filter(None, (line.status, line.name))))


def _mistakes(report: Report) -> Iterator[str]:
    if report.by_mistake:
        yield _cells(["mistake", "students"])
        yield "|---|---:|"
        for name, count in report.by_mistake.items():
            yield _cells([name, str(count)])
        yield ""


def _cells(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
