"""Copies of a file of the language: what stands where the sheet has a blank, or its own value, is the answer."""

from __future__ import annotations

import re

from archdsl.exam.expectations import Expectation, Test, Written, loose
from archdsl.exam.nets import ModelNet
from archdsl.exam.reading.entries import LARGEST_SHEET
from archdsl.exam.sheet import Part, Problem, Sheet
from archdsl.exam.submissions.gathered import Gathered
from archdsl.exam.submissions.names import listed
from archdsl.exam.texts import Text
from archdsl.rules import exam as rules
from archdsl.source import Source, Span

_TEST = re.compile(r"^test\s+[A-Za-z_]\w*\s*[({]", re.MULTILINE)


def looks_like(text: str) -> bool:
    """Tell whether a text is a file of the language with a test."""
    return bool(_TEST.search(text))


def read(source: Source, gathered: Gathered, student: str, sheet: Sheet) -> None:
    """Read the copy of one student."""
    at_start = Span(source, 0, 0)
    problems = [(problem, net) for problem in sheet.problems if isinstance(net := problem.nets.get(""), ModelNet)]
    if not problems:
        help = "write each part with its answer, as `q1.a: 1792`"
        gathered.add(
            rules.ANSWERS_SYNTAX, "a copy of a sheet is in the language only where the sheet is", at_start, help
        )
        return
    if len(source.text) > LARGEST_SHEET:
        message = f"the copy has {len(source.text):,} characters, and {LARGEST_SHEET:,} are the most that is read"
        gathered.add(rules.ANSWERS_TOO_LARGE, message, at_start)
        return
    copy = Written(source)
    tests = list(copy.tests())
    found = _matched(tests, problems)
    if not found:
        of = listed(dict.fromkeys(net.test.model for _, net in problems))
        message = "no `test` in this file is of a model that the sheet asks about"
        gathered.add(rules.UNKNOWN_ANSWER, message, at_start, f"the sheet tests {of}")
        return
    id = gathered.student(Text(student, at_start))
    if not id:
        return
    original = Written(sheet.source)
    heads = [test.arguments for test in original.tests()]
    if copy.definitions != original.definitions or any(test.arguments not in heads for test in found.values()):
        gathered.remark_on(id, "the network or its sizes are not those of the sheet, and the sheet's count, in")
    complete = True
    for problem, _ in problems:
        test = found.get(problem.id)
        complete = _answers(test.expectations if test else (), problem, id, gathered) and complete
    if not complete:
        gathered.remark_on(id, "some questions of the sheet are missing, and count as blank, in")


def _matched(tests: list[Test], problems: list[tuple[Problem, ModelNet]]) -> dict[str, Test]:
    """Return the test of each problem: of the same model, with the same arguments where there is such a one."""
    left, found = list(tests), {}
    for exactly in (True, False):
        for problem, net in problems:
            if problem.id in found:
                continue
            same = [t for t in left if t.model == net.test.model and (not exactly or t.arguments == net.arguments)]
            if same:
                found[problem.id] = same[0]
                left.remove(same[0])
    return found


def _answers(expectations: tuple[Expectation, ...], problem: Problem, id: str, gathered: Gathered) -> bool:
    """Note the answers of one test; tell whether every question of the problem stands in it."""
    left: dict[str, list[Part]] = {}
    for part in problem.parts:
        left.setdefault(loose(str(part.ask)), []).append(part)
    for one in expectations:
        for ask, answer in ((one.left, one.right), (one.right, one.left)):
            if parts := left.get(loose(ask.text)):
                gathered.give(id, parts.pop(0).name, answer)
                break
    return not any(left.values())
