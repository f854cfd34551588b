"""Answers to questions of choice by the letter of an option, as `B` or `(b)`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from archdsl.exam.choices import options
from archdsl.exam.grades import Grades
from archdsl.exam.grading import Submission
from archdsl.exam.posed import Posed
from archdsl.exam.sheet import Part, Sheet

_LETTER = re.compile(r"(?i)(?:option|choice|answer)?\s*[(\[]?\s*([a-t])\s*[)\].:]?")


@dataclass
class Lettered:
    """Puts the options of a student's own sheet in place of their letters, and the letters back into the grades."""

    sheet: Sheet
    seed: str | None
    """That of the variants; the order of options that were made depends on it."""
    written: dict[tuple[str, str], str] = field(default_factory=dict)
    """By student and part, what stood there."""
    unknown: set[str] = field(default_factory=set)
    """Parts with letters whose options have no known order."""

    def read(self, submission: Submission, posed: Mapping[str, Posed]) -> Submission:
        """Return what a student handed in with options for letters; `posed` are the student's problems by id.

        Raises:
            SheetError: a question has not the options that it asks for.
        """
        found = dict(submission.answers)
        for problem, part in self.sheet.parts:
            letter = _LETTER.fullmatch(found.get(part.name, "").strip()) if part.choices else None
            if letter is None:
                continue
            texts = self._options(part, posed[problem.id], submission.student)
            place = ord(letter[1].upper()) - ord("A")
            if place < len(texts):
                self.written[submission.student, part.name] = found[part.name]
                found[part.name] = texts[place]
        return replace(submission, answers=found)

    def _options(self, part: Part, posed: Posed, student: str) -> tuple[str, ...]:
        if isinstance(part.choices, int) and self.seed is None:
            self.unknown.add(part.name)
            return ()
        order = f"{self.seed}|{posed.problem.id}|{student}"  # as `Variant.order` has it
        return tuple(option.text for option in options(posed, part, order))

    def restored(self, grades: Grades) -> Grades:
        """Return grades whose answers are as they were written, each letter with its option."""
        if not self.written:
            return grades
        papers = []
        for paper in grades.papers:
            verdicts = []
            for verdict in paper.verdicts:
                letter = self.written.get((paper.student, verdict.part))
                verdicts.append(replace(verdict, answer=f"{letter}: {verdict.answer}") if letter else verdict)
            papers.append(replace(paper, verdicts=tuple(verdicts)))
        return replace(grades, papers=tuple(papers))

    @property
    def remarks(self) -> Iterable[str]:
        """What is worth telling about letters that say nothing."""
        for part in sorted(self.unknown):
            yield f"{part} is answered by letters; give the --seed of `exam generate`, which the options' order needs"
