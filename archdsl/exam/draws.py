"""The values that a problem draws for a student: by SHA-256, so that they are the same everywhere and for ever.

A value is the one at the place that the first 8 bytes of SHA-256 of `seed|problem|student|attempt|name` give, taken
modulo the number of values. Attempts count from 0; values that a requirement rejects raise the attempt.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256

from archdsl.diagnostics import Diagnostic
from archdsl.exam.asks import AskError
from archdsl.exam.nets import Draw
from archdsl.exam.posed import Posed
from archdsl.exam.requirements import Requirement, met, problems_of, requirements, wrong_values
from archdsl.exam.sheet import Conventions, Part, Problem
from archdsl.exam.texts import SheetError, Text
from archdsl.rules import exam as rules

MOST_ATTEMPTS = 200
"""Draws for one student before a problem counts as one that cannot be drawn."""
TRIALS = 24
"""Draws that are looked at to see in which parts a mistake can show at all."""
MOST_KNOWN = 4096
"""Combinations of values that a problem remembers to be fit or unfit."""
MOST_POSED = 64
"""Networks of a problem that are kept for those who draw the same values."""


@dataclass(frozen=True)
class Drawing:
    """What was drawn for one student."""

    values: Mapping[str, Draw]
    attempt: int
    """The number of the draw that was kept, from 0."""
    code: str
    """What the values are computed from, `seed|problem|student|attempt`; a name behind it gives each of them."""
    draws: Draws = field(compare=False, repr=False)

    @property
    def posed(self) -> Posed:
        """The problem with these values; those who draw the same share it as long as it is remembered."""
        return self.draws.posed(self.values)


def drawn(problem: Problem, conventions: Conventions, seed: int | str, student: str) -> Mapping[str, Draw]:
    """Return the values that a problem draws for a student; none where it draws nothing.

    Raises:
        SheetError: a requirement cannot be read, or 200 draws in a row break one.
    """
    return drawing(problem, conventions, seed, student).values


def drawing(problem: Problem, conventions: Conventions, seed: int | str, student: str) -> Drawing:
    """Return what a problem draws for a student, with its place in the row of draws; raises as `drawn` does."""
    return _draws_of(problem, conventions).drawing(seed, student)


def place(code: str, name: str, choices: int) -> int:
    """Return which of some choices a code and a name give."""
    digest = sha256(f"{code}|{name}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big") % choices


class Draws:
    """A problem that is drawn for many students, with what was found about its values."""

    def __init__(self, problem: Problem, conventions: Conventions) -> None:
        self.problem = problem
        self.conventions = conventions
        self._fit: dict[tuple[Draw, ...], str] = {}
        self._posed: OrderedDict[tuple[Draw, ...], Posed] = OrderedDict()
        self._shown: dict[str, frozenset[str]] = {}

    @cached_property
    def requirements(self) -> tuple[Requirement, ...]:
        """What the problem requires; what needs no network comes first, as it is quickly told.

        Raises:
            SheetError: some cannot be read; carries all of them.
        """
        if wrong := problems_of(self.problem):
            raise SheetError(wrong)
        found = requirements(self.problem)
        return tuple(sorted(found, key=lambda one: not one.is_of_draws))

    def drawing(self, seed: int | str, student: str) -> Drawing:
        """Return what is drawn for a student; raises as `drawn` does."""
        if fault := self._unseen:
            raise fault
        attempts = MOST_ATTEMPTS if self.problem.draw else 1
        for attempt in range(attempts):
            code = f"{seed}|{self.problem.id}|{student}|{attempt}"
            values = self.values(code)
            if not self.problem.draw or not self.broken(values):
                return Drawing(values, attempt, code, self)
        raise self._none(seed, student)

    def values(self, code: str) -> dict[str, Draw]:
        """Return the values that a code stands for, whether they are fit or not."""
        draw = self.problem.draw
        return {name: choices[place(code, name, len(choices))] for name, choices in draw.items()}

    def posed(self, values: Mapping[str, Draw]) -> Posed:
        """Return the problem with these values."""
        key = tuple(values.values())
        found = self._posed.pop(key, None) or Posed(self.problem, self.conventions, values)
        self._posed[key] = found
        if len(self._posed) > MOST_POSED:
            self._posed.popitem(last=False)
        return found

    def broken(self, values: Mapping[str, Draw]) -> str:
        """Return the first requirement that values break, as written; empty where they are fit."""
        key = tuple(values.values())
        if key not in self._fit:
            if len(self._fit) >= MOST_KNOWN:
                self._fit.clear()
            self._fit[key] = next((str(one) for one in self.requirements if not self._meets(one, values)), "")
            self._fit[key] = self._fit[key] or self._unanswered(values)
        return self._fit[key]

    def shows(self, part: Part, id: str) -> bool:
        """Tell whether a mistake can change the answer to a part: whether it does so in any of some trial draws."""
        if part.id not in self._shown:
            ids = tuple(dict.fromkeys(id for one in self.requirements for id in one.apart))
            self._shown[part.id] = frozenset([id for posed in self._trials for id in _without_error(posed, part, ids)])
        return id in self._shown[part.id]

    @cached_property
    def _unseen(self) -> SheetError | None:
        """The error of a mistake that is to be caught and changes no answer, whatever is drawn."""
        for one in self.requirements if self.problem.draw and self._can_be_tried else ():
            for id in one.apart:
                if not any(self.shows(part, id) for part in self.problem.parts):
                    start = max(0, one.text.text.find(id))
                    error = AskError(
                        f"`{id}` changes the answer to no part of `{self.problem.id}`, whatever is drawn",
                        start,
                        start + len(id),
                        "leave it out, or draw values that let it show",
                    )
                    return _unread(one.text, error)
        return None

    @property
    def _can_be_tried(self) -> bool:
        """Whether any of the trial draws has an answer to every part."""
        return any(not self._unanswered(posed.values) for posed in self._trials)

    @cached_property
    def _trials(self) -> tuple[Posed, ...]:
        """Draws for nobody, which break none of the requirements on drawn values alone."""
        plain = [one for one in self.requirements if one.is_of_draws]
        found: dict[tuple[Draw, ...], Posed] = {}
        for attempt in range(MOST_ATTEMPTS):
            values = self.values(f"|{self.problem.id}||{attempt}")
            if all(self._meets(one, values) for one in plain):
                found[tuple(values.values())] = Posed(self.problem, self.conventions, values)
            if len(found) == TRIALS:
                break
        return tuple(found.values())

    def _meets(self, requirement: Requirement, values: Mapping[str, Draw]) -> bool:
        """Tell whether values satisfy a requirement; a network that cannot be built for them satisfies none."""
        try:
            return met(requirement.condition, self.posed(values), self.shows)
        except SheetError:
            return False
        except AskError as error:
            if requirement.is_of_draws:  # a name compared with a number is wrong for whatever is drawn
                raise _unread(requirement.text, error) from None
            return False

    def _unanswered(self, values: Mapping[str, Draw]) -> str:
        """Return the first part without an answer for some values, in words; empty where all have one."""
        posed = self.posed(values)
        for part in self.problem.parts:
            try:
                posed.truth(part)
            except (AskError, SheetError):
                return f"`{part.name}` has an answer"
        return ""

    def _none(self, seed: int | str, student: str) -> SheetError:
        """Return the error of a problem that no draw of a student fits."""
        tried = [self.values(f"{seed}|{self.problem.id}|{student}|{i}") for i in range(MOST_ATTEMPTS)]
        rejects: Counter[Text | str] = Counter()
        for requirement in self.requirements:
            rejects[requirement.text] = sum(not self._meets(requirement, values) for values in tried)
        if not any(rejects.values()):
            return self._unanswerable(tried)
        worst = max(rejects, key=lambda text: rejects[text])
        assert isinstance(worst, Text), "requirements are texts of the sheet"
        message = (
            f"`{self.problem.id}` cannot be drawn: `{worst}` rejects {rejects[worst]} of {MOST_ATTEMPTS} draws"
            f" for {student or 'nobody'}"
        )
        others = [f"`{text}` rejects {number}" for text, number in rejects.items() if number and text is not worst]
        help = "give `draw` values that fit, or require less"
        return SheetError((Diagnostic(rules.NO_VARIANT, message, worst.span, help=help, notes=tuple(others)),))

    def _unanswerable(self, tried: list[dict[str, Draw]]) -> SheetError:
        """Return the error of a problem whose networks cannot be built, with what the first one lacks."""
        posed = self.posed(tried[0])
        for part in self.problem.parts:
            try:
                posed.truth(part)
            except SheetError as error:
                return error
            except AskError as error:
                return SheetError((part.ask.problem(error),))
        raise AssertionError("a draw without a broken requirement lacks an answer")


def _without_error(posed: Posed, part: Part, ids: tuple[str, ...]) -> Mapping[str, object]:
    try:
        return wrong_values(posed, part, ids) if ids else {}
    except (AskError, SheetError):
        return {}


def _unread(text: Text, error: AskError) -> SheetError:
    span = text.at(error.start, error.end)
    return SheetError((Diagnostic(rules.BAD_REQUIREMENT, str(error), span, help=error.help),))


_MOST_PROBLEMS = 64
_kept: OrderedDict[tuple[int, Conventions], Draws] = OrderedDict()
"""By the identity of a problem, which its draws keep alive."""


def _draws_of(problem: Problem, conventions: Conventions) -> Draws:
    """Return the draws of a problem, the same for all students of a class."""
    key = id(problem), conventions
    found = _kept.pop(key, None)
    if found is None or found.problem is not problem:
        found = Draws(problem, conventions)
    _kept[key] = found
    if len(_kept) > _MOST_PROBLEMS:
        _kept.popitem(last=False)
    return found
