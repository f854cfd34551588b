"""Grades for a terminal: a line a student, with what was found below it, and the class at the end."""

from __future__ import annotations

from collections.abc import Iterator

from archdsl.exam.grades import Status, marks
from archdsl.exam.results.plain import one_line, padded, width
from archdsl.exam.results.report import Line, Report, Row

NARROWEST = 9
"""Columns of answers; longer ones push what follows."""
WIDEST_STUDENT = 40
LONGEST = 400
"""Signs of a finding or a hint."""
WITH_RIGHT = frozenset(status.value for status in (Status.MISTAKE, Status.WRONG, Status.UNREADABLE, Status.HELD))
"""Findings that are followed by the right answer: what was wrong, and what a person is to compare."""


def write(report: Report, *, explain: bool = False) -> str:
    """Return a report as text; with `explain`, every answer that is not plainly right has a line."""
    totals = [marks(row.marks) for row in report.rows]
    names = [one_line(row.student, WIDEST_STUDENT) for row in report.rows]
    wide, name_wide = max(map(len, totals), default=0), max(map(width, names), default=0)
    lines = []
    for row, name, total in zip(report.rows, names, totals, strict=True):
        lines.append(f"{padded(name, name_wide)}  {total:>{wide}} / {marks(row.out_of)}{_held(row)}")
        if explain:
            lines += _explained(row)
    return "\n".join([*lines, "", summary(report)] if lines else [summary(report)]) + "\n"


def summary(report: Report) -> str:
    """Return how the class did, on one line."""
    text = f"{len(report.rows)} graded"
    if report.rows:
        text += f", mean {float(report.mean):.1f}/{marks(report.out_of)}"
    text += f", {report.held} held." if report.held else "."
    if report.by_mistake:
        text += "   By mistake: " + ", ".join(f"{name} {count}" for name, count in report.by_mistake.items())
    return text


def _held(row: Row) -> str:
    if not row.held:
        return ""
    return ", one answer to read by hand" if row.held == 1 else f", {row.held} answers to read by hand"


def _explained(row: Row) -> Iterator[str]:
    told = [line for line in row.lines if not line.is_plain]
    label = max((len(line.label) for line in told), default=0)
    scores = {line.part: score(line) for line in told}
    score_wide = max(map(len, scores.values()), default=0)
    name_wide = max((len(line.name) for line in told if _is_named(line)), default=0)
    for line in told:
        answer = padded(one_line(line.answer), NARROWEST)
        found = f"  {line.label:<{label}}  {answer}  {scores[line.part]:<{score_wide}}  {_finding(line, name_wide)}"
        yield found.rstrip()
        for hint in line.hints:
            yield f"  {'':<{label}}    hint: {one_line(hint, LONGEST)}"


def _finding(line: Line, name_wide: int) -> str:
    said = one_line(with_right(line), LONGEST)
    if _is_named(line):
        return f"{line.name:<{name_wide}} {said}"
    if line.is_held:
        return f"{said or line.status or 'held'}; not scored"
    if line.said.startswith("follows "):
        return said.replace("follows", line.status, 1)
    if not line.status or line.said.startswith(line.status):
        return said
    if not line.said:
        return "; ".join(filter(None, (line.status, said)))
    return f"{line.status}: {said}"


def with_right(line: Line) -> str:
    """Return what is said, followed by the right answer where the release has it and nothing said it yet."""
    if not line.right or line.status not in WITH_RIGHT or line.right in line.said:
        return line.said
    return f"{line.said}; right: {line.right}".removeprefix("; ")


def _is_named(line: Line) -> bool:
    return line.status == Status.MISTAKE.value and bool(line.ids)


def score(line: Line) -> str:
    """Return the marks of an answer as `2/4`; `-` where a person has to decide."""
    return "-" if line.marks is None else f"{marks(line.marks)}/{marks(line.out_of)}"
