"""The keys of a sheet, held against the computed values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from archdsl.diagnostics import Diagnostic
from archdsl.exam.asks import AskError, Term, evaluate, names, parse
from archdsl.exam.grades import Status, Verdict
from archdsl.exam.grading import KeyJudge, Submission
from archdsl.exam.nets import Draw
from archdsl.exam.posed import Posed
from archdsl.exam.sheet import Part, Problem, Sheet
from archdsl.exam.solution import solve
from archdsl.exam.texts import SheetError

RIGHT = frozenset({Status.CORRECT, Status.TOO_COARSE})
"""A key may be rounded: that it is near enough is for the lecturer to say."""
LONGEST = 80
"""Characters of a worked line beside a key."""


@dataclass(frozen=True, slots=True)
class CheckedKey:
    """One key and what was found about it."""

    part: Part
    verdict: Verdict
    worked: str = ""
    """How the right answer comes about, in a line, where the key is not right; empty where that is the answer alone."""

    @property
    def is_right(self) -> bool:
        """Whether the key is right under the sheet's own conventions."""
        return self.verdict.status in RIGHT


def faults(sheet: Sheet, values: Mapping[str, Mapping[str, Draw]] | None = None) -> tuple[Diagnostic, ...]:
    """Return the errors of a sheet that show when its networks are built, with the drawn values of each problem."""
    found: dict[tuple[int, int, str], Diagnostic] = {}
    for problem in sheet.problems:
        drawn = (values or {}).get(problem.id, {})
        for diagnostic in _faults(sheet, problem, drawn):
            found.setdefault((diagnostic.span.start, diagnostic.span.end, diagnostic.message), diagnostic)
    return tuple(found.values())


def _faults(sheet: Sheet, problem: Problem, drawn: Mapping[str, Draw]) -> Iterator[Diagnostic]:
    posed = Posed(problem, sheet.conventions, drawn)
    if not posed.may_fail:  # else whether a net works is what is asked
        broken = [diagnostic for net in problem.nets.values() for diagnostic in net.problems(drawn)]
        try:
            broken = broken or list(problem.unknown_places(drawn))
        except SheetError as error:
            broken = list(error.diagnostics)
        yield from broken
        if broken:
            return
    for part in problem.parts:
        try:
            posed.truth(part)
        except AskError as error:
            yield part.ask.problem(error)
        except SheetError as error:
            yield from error.diagnostics


def checked(sheet: Sheet, values: Mapping[str, Mapping[str, Draw]] | None = None) -> tuple[CheckedKey, ...]:
    """Return every key with its verdict, in the order of the sheet; what a wrong key leads to is followed.

    A key may be a formula of what its problem draws (`k*k*c*o + o`), which is computed with the drawn values.
    """
    judge = KeyJudge(sheet, values)
    keys = {part.name: _written(part, (values or {}).get(problem.id, {})) for problem, part in sheet.parts if part.key}
    paper = judge.paper(Submission("key", keys))
    found = []
    for problem, part in sheet.parts:
        if part.key:
            key = CheckedKey(part, paper[part.name])
            found.append(key if key.is_right else replace(key, worked=_worked(judge.posed(problem.id), part)))
    return tuple(found)


def _worked(posed: Posed, part: Part) -> str:
    """Return the line of a worked solution that ends with the answer, where it is short."""
    try:
        if isinstance(posed.truth(part), tuple):
            return ""  # what is worked out there is one side of several
        brief = solve(posed, part).derivation.brief
    except (AskError, SheetError, ValueError):
        return ""
    return brief if "=" in brief and len(brief) <= LONGEST else ""


def _written(part: Part, drawn: Mapping[str, Draw]) -> str:
    """Return a key as an answer: a formula of drawn names with their values."""
    assert part.key is not None, "only parts with a key come here"
    if not drawn:
        return part.key.text
    numbers = {name: Fraction(value) for name, value in drawn.items() if not isinstance(value, str)}
    sides = part.key.text.split("x") if "x" not in drawn else [part.key.text]
    try:
        terms = [parse(side) for side in sides]
        if not any(name.name in numbers for term in terms for name in names(term)):
            return part.key.text
        return "x".join(_number(term, numbers) for term in terms)
    except AskError:
        return part.key.text


def _number(term: Term, numbers: Mapping[str, Fraction]) -> str:
    def nothing(question: object) -> Fraction:
        raise AskError("a key is a formula of drawn values", 0, 0)

    value = evaluate(term, nothing, numbers)
    if not isinstance(value, Fraction):
        raise AskError("a key is a number", 0, 0)
    return str(value)
