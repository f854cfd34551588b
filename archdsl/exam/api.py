"""Sheets in Python and in notebooks: questions, verdicts, solutions and grades as plain records that print well.

A check says whether an answer is right and what is behind a wrong one; the right answer itself is kept back unless
`reveal` asks for it, or the sheet shows it after a right answer (`marking: {show_exact: after_correct}`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from archdsl.exam import lints
from archdsl.exam.draws import drawn
from archdsl.exam.given import as_text
from archdsl.exam.grades import Status, Verdict, marks
from archdsl.exam.grading import Judge, Submission
from archdsl.exam.grading import grade as graded
from archdsl.exam.lints import Finding
from archdsl.exam.posed import Posed
from archdsl.exam.prose import filled
from archdsl.exam.reading import read_sheet
from archdsl.exam.results import Release, Report, report
from archdsl.exam.results.text import write
from archdsl.exam.sheet import Sheet
from archdsl.exam.solution import solve as worked
from archdsl.exam.solutions import as_text as solution_text
from archdsl.exam.solutions.records import Solution
from archdsl.exam.submissions import read_submissions

if TYPE_CHECKING:
    from os import PathLike

GOOD = frozenset({Status.CORRECT, Status.NOTE, Status.FOLLOW_THROUGH})


@dataclass(frozen=True)
class Question:
    """A part of a problem, as it is asked."""

    name: str
    """`q1.a`."""
    title: str
    """Of its problem."""
    ask: str
    """What is computed, as the sheet writes it: `shape(conv1)`."""
    text: str
    """The question in words; empty where the sheet has none."""
    marks: Fraction
    hints: tuple[str, ...] = ()
    values: Mapping[str, object] = field(default_factory=dict)
    """What was drawn for it."""

    def __str__(self) -> str:
        return f"{self.name}  ({marks(self.marks)})  {self.text or self.ask}"


@dataclass(frozen=True)
class Checked:
    """What was found about one answer."""

    part: str
    answer: str
    status: str
    """`correct`, `mistake`, `wrong`, `unreadable`, ...: the words of the reports."""
    marks: Fraction | None
    """None where a person has to decide."""
    out_of: Fraction
    said: str = ""
    """What is to be told; empty where there is nothing to say."""
    ids: tuple[str, ...] = ()
    """The mistakes, conventions or slips that lead to the answer."""
    right: str = ""
    """The right answer; empty where it is kept back."""

    @property
    def is_right(self) -> bool:
        """Whether it earns its marks as it stands, under the sheet's conventions or others."""
        return self.status in {status.value for status in GOOD}

    def __str__(self) -> str:
        name = f" ({'/'.join(self.ids)})" if self.ids else ""
        said = f": {self.said}" if self.said else ""
        right = f"; right: {self.right}" if self.right else ""
        worth = f"{marks(self.marks)}/{marks(self.out_of)}"
        return f"{self.part}  {_short(self.answer)}  {worth}  {self.status}{said}{name}{right}"

    __repr__ = __str__

    def _repr_html_(self) -> str:
        rows = [
            ("answer", _short(self.answer)),
            ("verdict", f"{self.status}, {marks(self.marks)} of {marks(self.out_of)}"),
            ("because", f"{self.said}{f' ({chr(47).join(self.ids)})' if self.ids else ''}".strip()),
            ("right", self.right),
        ]
        body = "".join(f"<tr><th>{escape(head)}</th><td>{escape(cell)}</td></tr>" for head, cell in rows if cell)
        return f"<table><caption>{escape(self.part)}</caption><tbody>{body}</tbody></table>\n"


@dataclass(frozen=True)
class Solved:
    """The worked solution of a part."""

    solution: Solution

    @property
    def part(self) -> str:
        return self.solution.part

    @property
    def answer(self) -> str:
        return self.solution.answer

    def __str__(self) -> str:
        return solution_text.solutions([self.solution], brief=False).strip("\n")

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return f"<pre>{escape(str(self))}</pre>\n"


@dataclass(frozen=True)
class Graded:
    """The grades of several students."""

    report: Report

    def __getitem__(self, student: str) -> tuple[Checked, ...]:
        """Return what was found about the answers of a student; raises `KeyError`."""
        for row in self.report.rows:
            if row.student == student:
                return tuple(
                    Checked(one.part, one.answer, one.status, one.marks, one.out_of, one.said, one.ids, one.right)
                    for one in row.lines
                )
        raise KeyError(student)

    @property
    def marks(self) -> Mapping[str, Fraction]:
        """The marks so far of each student: what is held for a person counts nothing yet."""
        return {row.student: row.marks for row in self.report.rows}

    def __str__(self) -> str:
        return write(self.report, explain=True).rstrip("\n")

    __repr__ = __str__

    def _repr_html_(self) -> str:
        head = "".join(
            f"<th>{escape(cell)}</th>" for cell in ("student", *(p.label for p in self.report.parts), "marks")
        )
        body = "".join(
            f"<tr><td>{escape(row.student)}</td>"
            + "".join(f'<td title="{escape(one.said)}">{escape(_cell(one.marks, one.name))}</td>' for one in row.lines)
            + f"<td>{escape(marks(row.marks))} / {escape(marks(row.out_of))}</td></tr>"
            for row in self.report.rows
        )
        caption = escape(self.report.title or self.report.exam)
        return (
            f"<table><caption>{caption}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
            f"<p>{escape(str(self).rpartition(chr(10))[2])}</p>\n"
        )


class Exam:
    """A sheet with the values of one student; answers that are checked are remembered for the parts after them."""

    def __init__(self, sheet: Sheet, seed: int | str = 0, student: str = "") -> None:
        """Draw the values of `student`.

        Raises:
            SheetError: a problem cannot be drawn.
        """
        self.sheet = sheet
        self.seed = seed
        self.student = student
        self._judge = self._judge_of(student)
        self._answers: dict[str, str] = {}

    @property
    def problems(self) -> tuple[Question, ...]:
        """Every question, in the order of the sheet."""
        found = []
        for problem, part in self.sheet.parts:
            posed = self._judge.posed(problem.id)
            hints = tuple(filled(hint.text, posed, "text") for hint in part.hints)
            text = filled(part.text, posed, "text")
            values = dict(posed.values)
            found.append(Question(part.name, problem.title, str(part.ask), text, part.marks, hints, values))
        return tuple(found)

    def check(self, part: str, value: object, *, reveal: bool = False) -> Checked:
        """Judge an answer: a text, a number, a shape, a list, an array; earlier answers are followed through.

        Raises:
            KeyError: the sheet has no such part; says which there are.
            TypeError: the value is nothing that answers a question.
        """
        self._known(part)
        text = as_text(value)
        verdict = self._judge.verdict(part, text, self._answers)
        self._answers[part] = text
        return self._told(verdict, reveal)

    def solve(self, part: str) -> Solved:
        """Return the worked solution of a part, with its answer.

        Raises:
            KeyError: the sheet has no such part.
            AskError: it has no right answer.
        """
        problem = self._known(part)
        return Solved(worked(self._judge.posed(problem), self._judge.part(part)))

    def grade(
        self, answers: Mapping[str, Mapping[str, object]] | str | PathLike[str], *, reveal: bool = False
    ) -> Graded:
        """Grade a class: answers by student and part, or a file or folder of them.

        The right answers are told with `reveal` only. Where problems draw values, each student's own are used.

        Raises:
            AnswersError: a file of answers has errors.
            KeyError: an answer names a part that the sheet does not have.
        """
        if isinstance(answers, Mapping):
            students = []
            for student, given in answers.items():
                for part in given:
                    self._known(part)
                students.append(Submission(str(student), {part: as_text(value) for part, value in given.items()}))
        else:
            students = list(read_submissions([str(answers)], self.sheet).students)
        judges = {one.student: self._judge_of(one.student) for one in students}
        grades = graded(self.sheet, students, judges.__getitem__)
        release = Release.FULL if reveal else Release.HINTS

        def posed_of(student: str, problem: str) -> Posed | None:
            return judges[student].posed(problem) if student in judges else None

        return Graded(report(grades, self.sheet, release, posed_of))

    def lint(self) -> tuple[Finding, ...]:
        """Return what the items of the sheet cannot see or leave open."""
        return lints.lint(self.sheet)

    def forget(self) -> None:
        """Forget the answers that were checked."""
        self._answers.clear()

    def __repr__(self) -> str:
        return "\n".join([self.sheet.title or self.sheet.exam, *(f"  {one}" for one in self.problems)])

    def _repr_html_(self) -> str:
        cells = [(one.name, one.text or one.ask, marks(one.marks)) for one in self.problems]
        rows = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in cells)
        caption = escape(self.sheet.title or self.sheet.exam)
        head = "<th>part</th><th>question</th><th>marks</th>"
        return f"<table><caption>{caption}</caption><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>\n"

    def _judge_of(self, student: str) -> Judge:
        stated = self.sheet.conventions
        values = {p.id: drawn(p, stated, self.seed, student) for p in self.sheet.problems if p.draw}
        return Judge(self.sheet, values)

    def _known(self, name: str) -> str:
        """Return the id of the problem that a part is of."""
        for problem, part in self.sheet.parts:
            if part.name == name:
                return problem.id
        known = ", ".join(part.name for _, part in self.sheet.parts)
        raise KeyError(f"the sheet has no part {name}; there are {known}")

    def _told(self, verdict: Verdict, reveal: bool) -> Checked:
        """Return a verdict without what is to be kept back."""
        part = self._judge.part(verdict.part)
        shows = verdict.status is Status.CORRECT and part.marking.show_exact == "after_correct"
        right = verdict.right if reveal or (shows and verdict.right != verdict.answer.strip()) else ""
        return Checked(
            verdict.part,
            verdict.answer,
            verdict.status.value,
            verdict.marks,
            verdict.out_of,
            verdict.said,
            verdict.ids,
            right,
        )


_loaded: list[Exam] = []
"""The sheet that was loaded last, for the functions of the module."""


def load(path: str | PathLike[str], *, seed: int | str = 0, student: str = "") -> Exam:
    """Read a sheet (YAML, TOML, JSON, Markdown or `.arch`), and make it the one that `check` and the others are about.

    Raises:
        SheetError: it has errors.
        OSError: it cannot be read.
    """
    exam = Exam(read_sheet(Path(path)).asking, seed, student)
    _loaded[:] = [exam]
    return exam


def problems() -> tuple[Question, ...]:
    """Return the questions of the sheet that was loaded last."""
    return _last().problems


def check(part: str, value: object, *, reveal: bool = False) -> Checked:
    """Judge an answer to a part of the sheet that was loaded last; see `Exam.check`."""
    return _last().check(part, value, reveal=reveal)


def solve(part: str) -> Solved:
    """Return the worked solution of a part of the sheet that was loaded last."""
    return _last().solve(part)


def grade(answers: Mapping[str, Mapping[str, object]] | str | PathLike[str], *, reveal: bool = False) -> Graded:
    """Grade a class on the sheet that was loaded last; see `Exam.grade`."""
    return _last().grade(answers, reveal=reveal)


def lint() -> tuple[Finding, ...]:
    """Return what the items of the sheet that was loaded last cannot see or leave open."""
    return _last().lint()


def _last() -> Exam:
    if not _loaded:
        raise LookupError('no sheet is loaded: call archdsl.exam.load("sheet.yaml") first')
    return _loaded[0]


def _short(text: str, widest: int = 40) -> str:
    line = " ".join(text.split())
    return line if len(line) <= widest else f"{line[: widest - 1]}…"


def _cell(worth: Fraction | None, name: str) -> str:
    return f"{marks(worth)} {name}".rstrip()
