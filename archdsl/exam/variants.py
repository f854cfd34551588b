"""A sheet drawn for the students of a class: the values of each, and who has the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from archdsl.exam.asks import AskError
from archdsl.exam.choices import Option, options
from archdsl.exam.draws import Drawing, drawing
from archdsl.exam.nets import Draw
from archdsl.exam.posed import Posed
from archdsl.exam.sheet import Part, Sheet
from archdsl.exam.texts import SheetError


@dataclass(frozen=True)
class Variant:
    """The sheet of one student."""

    student: str
    seed: str
    drawings: Mapping[str, Drawing]
    """By the id of the problem."""

    @property
    def values(self) -> Mapping[str, Mapping[str, Draw]]:
        """The drawn values by problem and name, as a judge takes them."""
        return {id: one.values for id, one in self.drawings.items()}

    def posed(self, problem: str) -> Posed:
        """Return a problem with its values."""
        return self.drawings[problem].posed

    def options(self, part: Part) -> tuple[Option, ...]:
        """Return what a question of choice lets this student choose from, A first; none for an open question.

        The order is that of the class's seed, the problem and the student, whatever was drawn.

        Raises:
            SheetError: the part has not the options that it asks for.
        """
        problem = part.name.removesuffix(f".{part.id}")
        return options(self.posed(problem), part, f"{self.seed}|{problem}|{self.student}")


def variant(sheet: Sheet, seed: int | str, student: str) -> Variant:
    """Return what a student's sheet has.

    Raises:
        SheetError: a requirement cannot be read, or cannot be met.
    """
    drawings = {problem.id: drawing(problem, sheet.conventions, seed, student) for problem in sheet.problems}
    return Variant(student, str(seed), drawings)


def variants(sheet: Sheet, seed: int | str, students: Iterable[str]) -> tuple[Variant, ...]:
    """Return what the sheets of a class have; raises as `variant` does, and for a part that has no right answer."""
    for problem in sheet.problems:
        if not problem.draw:
            _check(Posed(problem, sheet.conventions))
    return tuple(variant(sheet, seed, student) for student in students)


def shared(drawn: Iterable[Variant]) -> tuple[tuple[str, ...], ...]:
    """Return the students that have all values in common, in groups of two and more, in the order of the class."""
    groups: dict[tuple[object, ...], list[str]] = {}
    for one in drawn:
        key = tuple(value for values in one.values.values() for value in values.values())
        groups.setdefault(key, []).append(one.student)
    return tuple(tuple(group) for group in groups.values() if len(group) > 1)


def _check(posed: Posed) -> None:
    for part in posed.problem.parts:
        try:
            posed.truth(part)
        except AskError as error:
            raise SheetError((part.ask.problem(error),)) from None
