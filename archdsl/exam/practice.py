"""Practice: one question after another on fresh variants, each judged at once; a state machine without a terminal.

A question may be tried twice. What the second try finds right earns half, and so does everything that a hint's cost
leaves; who skips, or asks for the solution, gets nothing. What a person would have to judge counts for nobody.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from fractions import Fraction
from functools import cached_property

from archdsl.exam.asks import AskError
from archdsl.exam.choices import Option, options
from archdsl.exam.draws import drawing
from archdsl.exam.grades import Status, Verdict
from archdsl.exam.grading import Judge
from archdsl.exam.posed import Posed
from archdsl.exam.sentences import MOST_TOLD, explanation, shown
from archdsl.exam.sheet import Part, Problem, Sheet
from archdsl.exam.texts import SheetError

TRIES = 2
SECOND = Fraction(1, 2)
"""Of the marks, for what is right at the second try."""
LETTERS = "abcdefghijklmnopqrstuvwxyz"
"""What the options of a question are called."""


class Event(Enum):
    """What became of something that was typed."""

    JUDGED = "an answer was judged"
    UNREADABLE = "an answer could not be read, and was no try"
    HINT = "a hint is given"
    NO_HINT = "there is no further hint"
    SKIPPED = "the question was passed over"
    SOLVED = "the solution was asked for"
    OVER = "there is no further question"


@dataclass(frozen=True)
class Question:
    """A part of a problem with drawn values."""

    number: int
    """Counted from 1 over the whole practice."""
    problem: Problem
    part: Part
    posed: Posed
    judge: Judge
    opens: bool
    """Whether it is the first of its problem, whose text comes before it."""
    seed: str

    @cached_property
    def options(self) -> tuple[Option, ...]:
        """The answers to choose from; none for an open question, or where the options cannot be made."""
        try:
            return options(self.posed, self.part, self.seed)
        except (SheetError, AskError):
            return ()

    @cached_property
    def right(self) -> str:
        """The right answer."""
        return shown(self.posed.truth(self.part), self.posed.conventions)

    def meant(self, text: str) -> str:
        """Return an answer in full: of a question of choice, a letter stands for its option."""
        letter = text.strip().rstrip(").").lstrip("(").lower()
        if len(letter) == 1 and letter in LETTERS[: len(self.options)]:
            return self.options[LETTERS.index(letter)].text
        return text


@dataclass(frozen=True)
class Result:
    """How a question went."""

    question: Question
    verdicts: tuple[Verdict, ...]
    share: Fraction | None
    """Of the marks; None where a person would have to decide."""

    @property
    def earned(self) -> Fraction:
        return Fraction(0) if self.share is None else self.share * self.question.part.marks

    @property
    def out_of(self) -> Fraction:
        """The marks that count: of what nobody could judge, none."""
        return Fraction(0) if self.share is None else self.question.part.marks


@dataclass(frozen=True)
class Reply:
    """What is to be told about something that was typed."""

    event: Event
    question: Question | None
    """The one that it is about."""
    verdict: Verdict | None = None
    hint: str = ""
    """As the sheet has it, with its placeholders."""
    cost: Fraction = Fraction(0)
    """Of the marks, for the hint."""
    result: Result | None = None
    """How the question ended, if it did."""


@dataclass(frozen=True)
class Made:
    """A mistake, or several that end in the same values, with how often it was made."""

    name: str
    times: int
    did: str
    """To be read after "you"."""


@dataclass(frozen=True)
class Summary:
    """How a practice went."""

    asked: int
    right: int
    """At the first try."""
    earned: Fraction
    out_of: Fraction
    mistakes: tuple[Made, ...]
    """The most frequent first."""
    weakest: str
    """What the quantity that earned the least of its marks is about, in words; empty where all were earned."""
    weakest_quantity: str = ""
    weakest_earned: Fraction = Fraction(0)
    weakest_out_of: Fraction = Fraction(0)


class Practice:
    """A student at practice; it moves on when a question is right, tried twice, skipped or solved."""

    def __init__(self, sheet: Sheet, seed: int | str, count: int | None = None) -> None:
        """Start with the first question.

        Without a `count` it never ends where a problem draws values; a sheet that draws none is asked once.

        Raises:
            SheetError: the sheet has errors, or its values cannot be drawn.
        """
        self.sheet = sheet
        self.seed = seed
        self.count = count
        self.results: list[Result] = []
        self._questions = self._asked()
        self._answers: dict[str, str] = {}
        self.question: Question | None = None
        self._move()

    @property
    def length(self) -> int | None:
        """How many questions there are; None where they never end."""
        if self.count is not None or any(problem.draw for problem in self.sheet.problems):
            return self.count
        return sum(1 for _ in self.sheet.parts)

    def answer(self, text: str) -> Reply:
        """Judge an answer."""
        question = self.question
        if question is None:
            return Reply(Event.OVER, None)
        meant = question.meant(text)
        verdict = replace(question.judge.verdict(question.part.name, meant, self._answers), answer=text.strip())
        if verdict.status in (Status.UNREADABLE, Status.BLANK):
            return Reply(Event.UNREADABLE, question, verdict)
        self._verdicts.append(verdict)
        if verdict.status is Status.HELD or verdict.share == 1 or len(self._verdicts) == TRIES:
            self._answers[question.part.name] = meant
            return Reply(Event.JUDGED, question, verdict, result=self._end(self._share()))
        return Reply(Event.JUDGED, question, verdict)

    def hint(self) -> Reply:
        """Give the next hint."""
        question = self.question
        if question is None:
            return Reply(Event.OVER, None)
        if self._hints == len(question.part.hints):
            return Reply(Event.NO_HINT, question)
        hint = question.part.hints[self._hints]
        self._hints += 1
        self._cost += hint.cost
        return Reply(Event.HINT, question, hint=hint.text.text, cost=hint.cost)

    def skip(self) -> Reply:
        """Pass the question over."""
        return self._leave(Event.SKIPPED)

    def solution(self) -> Reply:
        """End the question with its solution."""
        return self._leave(Event.SOLVED)

    def stop(self) -> None:
        """End here: a question that was tried counts with what the tries earned, and no other is asked."""
        if self.question is not None and self._verdicts:
            self.results.append(Result(self.question, tuple(self._verdicts), self._share()))
        self.question = None

    @property
    def hints_left(self) -> int:
        return len(self.question.part.hints) - self._hints if self.question else 0

    @property
    def earned(self) -> Fraction:
        return sum((result.earned for result in self.results), Fraction(0))

    @property
    def out_of(self) -> Fraction:
        """The marks of the questions that are over."""
        return sum((result.out_of for result in self.results), Fraction(0))

    @property
    def summary(self) -> Summary:
        """How it went so far."""
        right = [r for r in self.results if len(r.verdicts) == 1 and r.share == 1]
        quantity, earned, out_of = self._weakest()
        words = SUBJECTS.get(quantity, quantity or "formulas") if earned < out_of else ""
        counts = len(self.results), len(right), self.earned, self.out_of
        return Summary(*counts, self._mistakes(), words, quantity, earned, out_of)

    # From question to question.

    def _asked(self) -> Iterator[Question]:
        number, round_ = 0, 0
        is_drawn = any(problem.draw for problem in self.sheet.problems)
        while round_ == 0 or is_drawn or self.count is not None:
            round_ += 1
            before = number
            for problem in self.sheet.problems:
                drawn = drawing(problem, self.sheet.conventions, self.seed, f"practice {round_}")
                alone = replace(self.sheet, problems=(problem,))
                judge = Judge(alone, {problem.id: drawn.values})
                opens = True
                for part in problem.parts:
                    if _has_answer(judge.posed(problem.id), part):
                        number += 1
                        posed = judge.posed(problem.id)
                        yield Question(number, problem, part, posed, judge, opens, f"{drawn.code}")
                        opens = False
            if number == before:
                return  # no part of it can be answered

    def _move(self) -> None:
        """Go to the next question, with nothing said about it yet."""
        self._verdicts: list[Verdict] = []
        self._hints = 0
        self._cost = Fraction(0)
        is_over = self.count is not None and len(self.results) >= self.count
        self.question = None if is_over else next(self._questions, None)
        if self.question is not None and self.question.opens:
            self._answers = {}

    def _end(self, share: Fraction | None) -> Result:
        assert self.question is not None, "there is one to end"
        result = Result(self.question, tuple(self._verdicts), share)
        self.results.append(result)
        self._move()
        return result

    def _leave(self, event: Event) -> Reply:
        question = self.question
        if question is None:
            return Reply(Event.OVER, None)
        return Reply(event, question, result=self._end(Fraction(0)))

    def _share(self) -> Fraction | None:
        """Return the best that the tries earned, less what the hints cost."""
        shares = [
            verdict.share if number == 0 else verdict.share * SECOND
            for number, verdict in enumerate(self._verdicts)
            if verdict.share is not None
        ]
        return max(Fraction(0), max(shares) - self._cost) if shares else None

    # How it went.

    def _mistakes(self) -> tuple[Made, ...]:
        found: Counter[str] = Counter()
        words: dict[str, str] = {}
        for result in self.results:
            for verdict in result.verdicts:
                if verdict.status is Status.MISTAKE and verdict.ids:
                    found[verdict.name] += 1
                    quantity = result.question.posed.quantity(result.question.part)
                    told = [explanation(id, quantity) for id in verdict.ids[:MOST_TOLD]]
                    words.setdefault(verdict.name, ", or ".join(dict.fromkeys(told)))
        ranked = sorted(found.items(), key=lambda row: (-row[1], row[0]))
        return tuple(Made(name, times, words[name]) for name, times in ranked)

    def _weakest(self) -> tuple[str, Fraction, Fraction]:
        """Return the quantity whose questions earned the smallest share of their marks."""
        sums: dict[str, list[Fraction]] = {}
        for result in self.results:
            if result.out_of:
                quantity = result.question.posed.quantity(result.question.part)
                one = sums.setdefault(quantity, [Fraction(0), Fraction(0)])
                one[0] += result.earned
                one[1] += result.out_of
        if not sums:
            return "", Fraction(0), Fraction(0)
        quantity, (earned, out_of) = min(sums.items(), key=lambda row: row[1][0] / row[1][1])
        return quantity, earned, out_of


SUBJECTS: Mapping[str, str] = {
    "shape": "output shapes",
    "params": "parameters",
    "weights": "weights",
    "biases": "biases",
    "buffers": "buffers of BatchNorm",
    "receptive_field": "receptive fields",
    "jump": "jumps of receptive fields",
    "macs": "MACs",
    "flops": "FLOPs",
    "activations": "activations",
    "memory": "memory",
    "valid": "whether layers fit",
    "paths": "paths",
    "values": "output values",
    "kernel": "kernels that interpolate",
}
"""What the questions on a quantity are about, in words."""


def _has_answer(posed: Posed, part: Part) -> bool:
    try:
        posed.wanted(part)
    except AskError:
        return False
    return True
