"""What a release of grades contains: the marks, with hints the kind of mistake, in full the right answers as well."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from fractions import Fraction

from archdsl.exam.asks import questions
from archdsl.exam.grades import Grades, Paper, Status, Verdict
from archdsl.exam.posed import Posed
from archdsl.exam.prose import filled, laid_out
from archdsl.exam.sentences import explanation
from archdsl.exam.sheet import Part, Sheet
from archdsl.exam.texts import Text

MOST_EXPLAINED = 2
"""Mistakes of one answer that a sentence names."""

PosedOf = Callable[[str, str], Posed | None]
"""Gives the problem that a student had, by the ids of the student and the problem; nothing where it is not known."""


class Release(Enum):
    """How much of the grades is told."""

    MARKS = "marks"
    """What was answered, and the marks for it."""
    HINTS = "hints"
    """Also the mistake that was made and the sheet's hints; never what would be right."""
    FULL = "full"
    """Everything, with the right answers."""


@dataclass(frozen=True, slots=True)
class Line:
    """One answer as a release tells it; what it keeps back is empty."""

    part: str
    label: str
    """The part as a report on one sheet calls it: `a` where there is one problem, else `q1.a`."""
    title: str
    answer: str
    marks: Fraction | None
    """None where a person has to decide."""
    out_of: Fraction
    is_held: bool
    is_plain: bool
    """Whether it is right, and there is nothing to say about it."""
    status: str = ""
    ids: tuple[str, ...] = ()
    said: str = ""
    hints: tuple[str, ...] = ()
    right: str = ""

    @property
    def name(self) -> str:
        """The mistakes as a report names them: `P01/P02`."""
        return "/".join(self.ids)


@dataclass(frozen=True, slots=True)
class Row:
    """One student."""

    student: str
    lines: tuple[Line, ...]

    @property
    def marks(self) -> Fraction:
        """The marks so far: what is held for a person counts nothing yet."""
        return sum((line.marks for line in self.lines if line.marks is not None), Fraction(0))

    @property
    def out_of(self) -> Fraction:
        return sum((line.out_of for line in self.lines), Fraction(0))

    @property
    def held(self) -> int:
        """How many answers a person has to look at."""
        return sum(line.is_held for line in self.lines)


@dataclass(frozen=True, slots=True)
class Report:
    """The grades of a class as far as they are released."""

    exam: str
    title: str
    release: Release
    rows: tuple[Row, ...]
    parts: tuple[Line, ...]
    """The parts of the sheet, without answers."""
    by_mistake: Mapping[str, int]
    """How many students made each mistake, the most frequent first, then in the order of the sheet."""

    @property
    def mean(self) -> Fraction:
        return sum((row.marks for row in self.rows), Fraction(0)) / max(1, len(self.rows))

    @property
    def out_of(self) -> Fraction:
        return sum((part.out_of for part in self.parts), Fraction(0))

    @property
    def held(self) -> int:
        """How many answers of the class a person has to look at."""
        return sum(row.held for row in self.rows)


def report(grades: Grades, sheet: Sheet, release: Release = Release.FULL, posed_of: PosedOf | None = None) -> Report:
    """Return what a release tells of grades; `posed_of` fills the texts of parts and hints with a student's values."""
    told = _Telling(sheet, release, posed_of or (lambda student, problem: None))
    return Report(
        grades.exam,
        grades.title,
        release,
        tuple(told.row(paper) for paper in grades.papers),
        tuple(told.blank(part) for _, part in sheet.parts),
        {} if release is Release.MARKS else _by_mistake(grades),
    )


def _by_mistake(grades: Grades) -> dict[str, int]:
    """Return how many students made each mistake, the most frequent first, then by the part where it is met first."""
    met: dict[str, tuple[int, int]] = {}
    counts: Counter[str] = Counter()
    for at, paper in enumerate(grades.papers):
        made = [(v.name, place) for place, v in enumerate(paper.verdicts) if v.status is Status.MISTAKE and v.ids]
        for name, place in made:
            met[name] = min(met.get(name, (place, at)), (place, at))
        counts.update({name for name, _ in made})
    return {name: counts[name] for name in sorted(counts, key=lambda name: (-counts[name], met[name]))}


class _Telling:
    def __init__(self, sheet: Sheet, release: Release, posed_of: PosedOf) -> None:
        self.release, self.posed_of = release, posed_of
        self.parts = {part.name: (problem.id, part) for problem, part in sheet.parts}
        self.is_short = len(sheet.problems) == 1
        self._sentences: dict[tuple[str, ...], str] = {}
        self._texts: dict[tuple[int, str], tuple[str, tuple[str, ...]]] = {}
        self._kept: list[Posed] = []

    def row(self, paper: Paper) -> Row:
        return Row(paper.student, tuple(self._line(paper.student, verdict) for verdict in paper.verdicts))

    def blank(self, part: Part) -> Line:
        problem = self.parts[part.name][0]
        title, _ = self._text(part, self.posed_of("", problem))
        return Line(part.name, self._label(part), title, "", None, part.marks, False, True)

    def _label(self, part: Part) -> str:
        return part.id if self.is_short else part.name

    def _line(self, student: str, verdict: Verdict) -> Line:
        problem, part = self.parts[verdict.part]
        title, hints = self._text(part, self.posed_of(student, problem))
        exact = self._exact(part, verdict)
        line = Line(
            verdict.part,
            self._label(part),
            title,
            verdict.answer,
            verdict.marks,
            verdict.out_of,
            verdict.is_held,
            verdict.status is Status.CORRECT and not verdict.said and not exact,
        )
        if self.release is Release.MARKS:
            return line
        if self.release is Release.HINTS:
            wanted = hints if not verdict.is_held and verdict.share != 1 else ()
            return _with(line, verdict, self._hinted(part, verdict), wanted)
        said = f"{verdict.said}{', ' if verdict.said else ''}{exact}" if exact else verdict.said
        return _with(line, verdict, said, (), verdict.right)

    def _exact(self, part: Part, verdict: Verdict) -> str:
        """Return the exact value that the sheet wants to follow a rounded right answer; else nothing."""
        if part.marking.show_exact != "after_correct" or self.release is not Release.FULL:
            return ""
        if verdict.status is not Status.CORRECT or _digits(verdict.answer) == _digits(verdict.right):
            return ""
        return f"exactly {verdict.right}"

    def _hinted(self, part: Part, verdict: Verdict) -> str:
        """Return what a hint says: the kind of mistake in the catalogue's words, which hold no numbers of the sheet."""
        match verdict.status:
            case Status.CORRECT | Status.BLANK | Status.WRONG:
                return ""
            case Status.FOLLOW_THROUGH:
                return "right from your own earlier answers"
            case Status.INCOMPLETE:
                return "something is missing"
            case Status.TOO_COARSE:
                return "the rounding leaves room for a mistake"
            case Status.UNREADABLE | Status.HELD:
                return "a person will look at it"
            case Status.SLIP:
                return f"go over the arithmetic: the answer {self._explained(part, verdict)}"
            case Status.NOTE:
                return f"right under another convention: {self._explained(part, verdict)}".rstrip(": ")
        again = "the same again: " if verdict.repeated else ""
        explained = self._explained(part, verdict)
        return f"{again}you would get this if you {explained}" if explained else ""

    def _explained(self, part: Part, verdict: Verdict) -> str:
        ids = verdict.ids[:MOST_EXPLAINED] if verdict.status is Status.MISTAKE else verdict.ids[:1]
        key = (part.name, *ids)
        if key not in self._sentences:
            quantity = next((question.quantity for question in questions(part.ask.term)), "")
            told = dict.fromkeys(explanation(id, quantity) for id in ids)
            self._sentences[key] = ", or ".join(filter(None, told))
        return self._sentences[key]

    def _text(self, part: Part, posed: Posed | None) -> tuple[str, tuple[str, ...]]:
        """Return what a part is called and its hints, with a student's values in them."""
        key = (id(posed), part.name)
        if key not in self._texts:
            if posed is not None:
                self._kept.append(posed)  # an id means one object while that is kept
            title = _one_line(part.text, posed) if part.text else str(part.ask)
            self._texts[key] = title, tuple(_one_line(hint.text, posed) for hint in part.hints)
        return self._texts[key]


def _one_line(text: Text, posed: Posed | None) -> str:
    """Return a text of the sheet on one line; where the student's values are not known, with its placeholders."""
    try:
        shown = filled(text, posed, "text") if posed is not None else laid_out(text.text, "text")
    except ValueError:
        shown = text.text
    return " ".join(shown.split())


def _with(line: Line, verdict: Verdict, said: str, hints: tuple[str, ...], right: str = "") -> Line:
    return replace(line, status=verdict.status.value, ids=verdict.ids, said=said, hints=hints, right=right)


def _digits(text: str) -> str:
    return "".join(character for character in text if character.isalnum())
