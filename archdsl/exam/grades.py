"""What becomes of answers: a verdict for each, the paper of a student, the grades of a class."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction


class Status(Enum):
    """What an answer was found to be, in the word that reports print."""

    CORRECT = "correct"
    NOTE = "note"
    """Right under another convention than the sheet's."""
    TOO_COARSE = "too coarse"
    """A rounding that would hold a mistake as well."""
    INCOMPLETE = "incomplete"
    """A shape without its channels."""
    SLIP = "slip"
    """Right method, wrong arithmetic."""
    FOLLOW_THROUGH = "follow-through"
    """Right from the student's own earlier answers."""
    MISTAKE = "mistake"
    WRONG = "wrong"
    """Of no known mistake."""
    BLANK = "blank"
    UNREADABLE = "unreadable"
    """Held for a person, who has to read it."""
    HELD = "held"
    """Held for a person, who has to judge it."""


NEEDS_A_PERSON = frozenset({Status.UNREADABLE, Status.HELD})


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found about one answer."""

    part: str
    """With its problem in front: `q1.a`."""
    answer: str
    """As it was written."""
    status: Status
    share: Fraction | None
    """Of the part's marks, from 0 to 1; None where a person has to decide."""
    out_of: Fraction
    """The marks of the part."""
    ids: tuple[str, ...] = ()
    """The mistakes, conventions or slips that lead to the answer; a pair is joined by `+`."""
    said: str = ""
    """What is to be told, as a sentence without a full stop; empty where there is nothing to say. It never holds the
    right answer, unless the student wrote it."""
    right: str = ""
    """The right answer, as the sheet writes one."""
    repeated: bool = False
    """Whether the same student made the same mistake before."""

    @property
    def marks(self) -> Fraction | None:
        """The marks that it earns; None where a person has to decide."""
        return None if self.share is None else self.share * self.out_of

    @property
    def is_held(self) -> bool:
        """Whether a person has to look at it."""
        return self.status in NEEDS_A_PERSON

    @property
    def name(self) -> str:
        """The mistakes as a report names them: `P01/P02`."""
        return "/".join(self.ids)


@dataclass(frozen=True, slots=True)
class Paper:
    """All that one student answered."""

    student: str
    verdicts: tuple[Verdict, ...]
    """One for each part of the sheet, in its order."""

    @property
    def marks(self) -> Fraction:
        """The marks so far: what is held for a person counts nothing yet."""
        return sum((v.marks for v in self.verdicts if v.marks is not None), Fraction(0))

    @property
    def out_of(self) -> Fraction:
        return sum((v.out_of for v in self.verdicts), Fraction(0))

    @property
    def held(self) -> tuple[Verdict, ...]:
        """What a person has to look at."""
        return tuple(v for v in self.verdicts if v.is_held)

    def __getitem__(self, part: str) -> Verdict:
        return next(v for v in self.verdicts if v.part == part)


@dataclass(frozen=True, slots=True)
class Grades:
    """The papers of a class on one sheet."""

    exam: str
    title: str
    papers: tuple[Paper, ...]
    names: Mapping[str, str]
    """What each part is called, by its name."""

    @property
    def mean(self) -> Fraction:
        """The mean of the marks; 0 where there is no paper."""
        return sum((p.marks for p in self.papers), Fraction(0)) / max(1, len(self.papers))

    @property
    def by_mistake(self) -> Mapping[str, int]:
        """How many students made each mistake at least once, the most frequent first."""
        found = Counter(name for paper in self.papers for name in sorted(_mistakes(paper)))
        return dict(sorted(found.items(), key=lambda row: (-row[1], row[0])))


def _mistakes(paper: Paper) -> set[str]:
    return {v.name for v in paper.verdicts if v.status is Status.MISTAKE and v.ids}


def marks(value: Fraction | None) -> str:
    """Return marks as a report prints them: `2`, `1.5`, `0.67`, and `-` where a person has to decide."""
    if value is None:
        return "-"
    return f"{float(value):.2f}".rstrip("0").rstrip(".")


def each(grades: Grades) -> Iterator[tuple[Paper, Verdict]]:
    """Yield every verdict with its paper."""
    return ((paper, verdict) for paper in grades.papers for verdict in paper.verdicts)
