"""How the commands that grade open files of answers."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from archdsl.cli.common import tell
from archdsl.cli.exam.sheets import say

if TYPE_CHECKING:
    from archdsl.exam.grades import Grades
    from archdsl.exam.grading import Judge
    from archdsl.exam.posed import Posed
    from archdsl.exam.sheet import Sheet
    from archdsl.exam.submissions import Submissions

_Command = TypeVar("_Command", bound=Callable[..., Any])


def answer_options(command: _Command) -> _Command:
    """Add what says which variants students had, and what the columns of their files mean."""
    for option in (
        click.option(
            "--map", "renamed", multiple=True, metavar="COLUMN=PART", help="What a column is; `=-` leaves it out."
        ),
        click.option("--seed", metavar="N", help="The seed that the variants were generated with."),
    ):
        command = option(command)
    return command


@dataclass(frozen=True)
class Graded:
    """The grades of a class, and the problems as each student had them."""

    sheet: Sheet
    grades: Grades
    seed: str | None
    judges: Mapping[str, Judge] = field(repr=False)

    def posed_of(self, student: str, problem: str) -> Posed | None:
        """Return a problem as a student had it; of nobody, only where it is the same for all."""
        judge = self.judges.get(student)
        return judge.posed(problem) if judge is not None else None


def grade_files(
    sheet: Sheet, answers: tuple[str, ...], seed: str | None, renamed: tuple[str, ...], color: str
) -> Graded:
    """Grade files of answers, and tell what is worth telling about them.

    Raises:
        click.UsageError: a file is not there, or options contradict the sheet.
        click.exceptions.Exit: files have errors, which are told.
    """
    from archdsl.exam.grading import grade
    from archdsl.exam.submissions.lettered import Lettered
    from archdsl.exam.texts import SheetError

    found = _submissions(sheet, answers, renamed, color)
    for remark in found.remarks:
        say(f"note: {remark}")
    if not found.students:
        raise click.UsageError("there is no student in the files of answers")
    drawing = next((problem.id for problem in sheet.problems if problem.draw), None)
    if drawing is not None and seed is None:
        raise click.UsageError(f"`{drawing}` draws values for each student: give the --seed of `exam generate`")
    if seed is not None and not _needs_seed(sheet):
        say("note: --seed changes nothing: the sheet draws no values")
        seed = None
    try:
        judges = _judges(sheet, seed if drawing is not None else None, [one.student for one in found.students])
        letters = Lettered(sheet, seed)
        papers = [letters.read(one, _problems(sheet, judges[one.student])) for one in found.students]
        grades = letters.restored(grade(sheet, papers, judges.__getitem__))
    except SheetError as error:
        tell(error.diagnostics, color)
        say("nobody was graded")
        raise click.exceptions.Exit(1) from None
    for remark in letters.remarks:
        say(f"note: {remark}")
    if found.only:
        sheet, grades = _narrowed(sheet, grades, found.only)
    return Graded(sheet, grades, seed, judges)


def _narrowed(sheet: Sheet, grades: Grades, only: frozenset[str]) -> tuple[Sheet, Grades]:
    """Return a sheet and grades with some parts alone."""
    problems = (replace(p, parts=tuple(part for part in p.parts if part.name in only)) for p in sheet.problems)
    papers = (replace(p, verdicts=tuple(v for v in p.verdicts if v.part in only)) for p in grades.papers)
    left = tuple(problem for problem in problems if problem.parts)
    return replace(sheet, problems=left), replace(grades, papers=tuple(papers))


def _needs_seed(sheet: Sheet) -> bool:
    return any(problem.draw for problem in sheet.problems) or any(part.choices for _, part in sheet.parts)


def _problems(sheet: Sheet, judge: Judge) -> dict[str, Posed]:
    return {problem.id: judge.posed(problem.id) for problem in sheet.problems}


def _judges(sheet: Sheet, seed: str | None, students: list[str]) -> dict[str, Judge]:
    """Return the judge of each student's variant; students with the same values share one.

    Raises:
        SheetError: a network has errors, or its values cannot be drawn.
    """
    from archdsl.exam.grading import Judge
    from archdsl.exam.keys import faults
    from archdsl.exam.texts import SheetError
    from archdsl.exam.variants import variant

    if seed is None:
        judge = Judge(sheet)
        judges = dict.fromkeys(["", *students], judge)
    else:
        shared: dict[str, Judge] = {}
        judges = {}
        for student in students:
            values = variant(sheet, seed, student).values
            key = repr(values)
            if key not in shared:
                shared[key] = Judge(sheet, values)
            judges[student] = shared[key]
    found = faults(sheet, {id: posed.values for id, posed in _problems(sheet, judges[students[0]]).items()})
    if found:
        raise SheetError(found)
    return judges


def _submissions(sheet: Sheet, answers: tuple[str, ...], renamed: tuple[str, ...], color: str) -> Submissions:
    from archdsl.exam.submissions import STDIN, AnswersError, read_submissions
    from archdsl.exam.submissions.files import MOST_BYTES

    stdin = sys.stdin.buffer.read(MOST_BYTES + 1) if STDIN in answers else b""
    try:
        return read_submissions(answers, sheet, _renamed(renamed), stdin)
    except AnswersError as error:
        tell(error.diagnostics, color)
        say("nobody was graded")
        raise click.exceptions.Exit(2) from None
    except FileNotFoundError as error:
        missing = Path(str(error.filename))
        beside = [path.name for path in missing.parent.iterdir()] if missing.parent.is_dir() else []
        close = get_close_matches(missing.name, beside, n=1)
        hint = f"; did you mean {missing.parent / close[0]}?" if close else ""
        raise click.UsageError(f"there is no file {missing}{hint}") from None
    except OSError as error:
        raise click.UsageError(f"{error.filename} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise click.UsageError(str(error)) from None


def _renamed(texts: tuple[str, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in texts:
        name, sign, part = (piece.strip() for piece in text.rpartition("="))
        if not sign or not name or not part:
            raise click.UsageError(f'--map takes COLUMN=PART, as in --map "Question 1=q1.a", not `{text}`')
        if name in found:
            raise click.UsageError(f"--map gives `{name}` twice")
        found[name] = part
    return found
