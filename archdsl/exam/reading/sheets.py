"""The top of a sheet: its name, what it means by its words, how it is marked, its problems."""

from __future__ import annotations

from dataclasses import replace

from archdsl.exam.reading.entries import Entry
from archdsl.exam.reading.fields import Fields, Findings
from archdsl.exam.reading.marking import conventions_of, marking_of
from archdsl.exam.reading.problems import problem_of
from archdsl.exam.sheet import Marking, Problem, Sheet
from archdsl.rules import exam as rules

KEYS = ("exam", "title", "conventions", "marking", "problems")
MOST_PROBLEMS = 1000


def sheet_of(entry: Entry) -> Sheet:
    """Return the sheet that a file's mapping means.

    Raises:
        SheetError: it has errors; carries all of them.
    """
    findings = Findings()
    fields = Fields(entry, "a sheet", KEYS, findings)
    fields.missing("problems", "write `problems:` and a list of them")
    head = head_of(fields)
    marking = head.marking
    problems = tuple(problem_of(item, marking, findings) for item in fields.items("problems", MOST_PROBLEMS))
    twice(problems, findings)
    findings.tell()
    return replace(head, problems=problems)


def head_of(fields: Fields) -> Sheet:
    """Return a sheet without its problems."""
    exam = fields.identifier("exam")
    conventions, marking = conventions_of(fields), marking_of(fields, Marking())
    return Sheet(exam, fields.line("title"), conventions, marking, source=fields.entry.span.source)


def twice(problems: tuple[Problem, ...], findings: Findings) -> None:
    """Report problems of one id."""
    seen: dict[str, Problem] = {}
    for problem in problems:
        if problem.id and problem.id in seen and problem.span:
            first = seen[problem.id].span
            help = f"the first stands in line {first.line}" if first else None
            findings.add(rules.DUPLICATE_ID, f"two problems are called `{problem.id}`", problem.span, help)
        seen.setdefault(problem.id, problem)
