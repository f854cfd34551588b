"""Grading: what an answer is worth, and which mistake is behind a wrong one.

An answer is held against the truth, the truth under other conventions, what follows from the student's own earlier
answers, and then against single mistakes, edits of the network, other quantities, slips and pairs of mistakes; the
first that hits is its verdict. Whatever cannot be read or judged is held for a person.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import islice, product

from archdsl.exam.answers import Answer, Blank, Impossible, Number, ShapeAnswer, Unreadable, read_answer
from archdsl.exam.asks import AskError
from archdsl.exam.diagnosis import diagnose
from archdsl.exam.grades import Grades, Paper, Status, Verdict
from archdsl.exam.matching import FEWEST_DIGITS, Match, digits, match, meeting, stated, values
from archdsl.exam.mistakes import IDS
from archdsl.exam.nets import Draw
from archdsl.exam.posed import Posed
from archdsl.exam.sentences import shown, told
from archdsl.exam.sheet import Part, Problem, Sheet
from archdsl.exam.texts import SheetError
from archdsl.exam.walk import INVALID, Kind, Value

MOST_KNOWN = 2**14
"""Verdicts that are kept, for answers that many students give."""

MOST_READINGS = 8
"""Ways in which a student's earlier shapes are taken, where their order is not told."""

PREFIXED = re.compile(r"[0-9] ?[kKMmGgT]")
"""A number with a prefix, which alone leaves open what a thousand is."""

TWINS = {"C1": ("S05", "S06"), "C3": ("F01",), "C4": ("P01", "P19"), "C5": ("P14",), "C6": ("F09", "M02")}
"""The mistakes that are the same as a convention where the sheet wants another; both are told."""

OTHERWISE = {
    "C1": "pools rounded otherwise than the sheet says",
    "C3": "operations counted otherwise than the sheet says",
    "C4": "biases counted, or not, otherwise than the sheet says",
    "C5": "BatchNorm's vectors counted otherwise than the sheet says",
    "C6": "K taken for 1,024 where the sheet has 1,000, or the reverse",
    "C9": "fields clipped to the image, or not, otherwise than the sheet says",
}
"""The conventions where no row of the catalogue says it."""

ENOUGH_DIGITS = 3
"""Significant digits of a value that is no whole number, which nobody writes to the end."""

FULL, NONE = Fraction(1), Fraction(0)


@dataclass(frozen=True, slots=True)
class Submission:
    """What one student handed in: by the name of the part, `q1.a`, what stands there."""

    student: str
    answers: Mapping[str, str]


class Judge:
    """A sheet with values for what its problems draw; keep one for all students who have these values."""

    is_key = False

    def __init__(self, sheet: Sheet, values: Mapping[str, Mapping[str, Draw]] | None = None) -> None:
        self.sheet = sheet
        drawn = values or {}
        self._posed = {p.id: Posed(p, sheet.conventions, drawn.get(p.id)) for p in sheet.problems}
        self._parts: dict[str, tuple[Problem, Part]] = {part.name: (problem, part) for problem, part in sheet.parts}
        self._known: dict[tuple[object, ...], Verdict] = {}
        self._answers: dict[tuple[str, str, str], Answer] = {}

    def posed(self, problem_id: str) -> Posed:
        """Return a problem with its values; raises `KeyError` where there is none of that id."""
        return self._posed[problem_id]

    def part(self, name: str) -> Part:
        """Return a part by its name, `q1.a`; raises `KeyError`."""
        return self._parts[name][1]

    def verdict(self, part: str, text: str, earlier: Mapping[str, str] | None = None) -> Verdict:
        """Return what an answer is worth; `earlier` are the student's answers to other parts, by name.

        Raises:
            KeyError: the sheet has no such part.
        """
        answers = {**(earlier or {}), part: text}
        self._parts[part]
        return self.paper(Submission("", answers))[part]

    def paper(self, submission: Submission) -> Paper:
        """Return the verdicts on all that a student handed in; what is missing counts as blank."""
        habit = self._habit(submission)
        made: set[str] = set()
        verdicts = []
        for problem in self.sheet.problems:
            read: dict[str, Answer] = {}
            right: dict[str, bool] = {}
            for part in problem.parts:
                verdict, answer = self._judged(problem, part, submission, habit, read, right, made)
                read[part.id], right[part.id] = answer, verdict.status in (Status.CORRECT, Status.NOTE)
                if verdict.status is Status.MISTAKE:
                    repeated = bool(made.intersection(verdict.ids))
                    if repeated and verdict.share is not None:
                        share = max(verdict.share, part.marking.repeated_mistake)
                        verdict = replace(verdict, share=share, repeated=True, said=f"the same again: {verdict.said}")
                    made.update(verdict.ids)
                verdicts.append(verdict)
        return Paper(submission.student, tuple(verdicts))

    # One part.

    def _judged(
        self,
        problem: Problem,
        part: Part,
        submission: Submission,
        habit: str,
        read: Mapping[str, Answer],
        right: Mapping[str, bool],
        made: set[str],
    ) -> tuple[Verdict, Answer]:
        posed, text = self._posed[problem.id], submission.answers.get(part.name, "")
        try:
            answer = self._read(posed, part, text, habit)
        except (AskError, SheetError, ValueError) as error:
            return self._held(part, text, f"the part has no right answer: {error}"), Blank()
        before = [id for id in posed.sources(part) if not isinstance(read.get(id, Blank()), Blank) and not right[id]]
        wrong = {id: read[id] for id in before}
        earlier = {id: submission.answers.get(f"{problem.id}.{id}", "") for id in before}
        key = (part.name, text, habit, tuple(earlier.items()))
        whose = frozenset(made)
        known = self._known.get((*key, None)) or self._known.get((*key, whose))
        if known is None:
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            judging = _Judging(posed, part, text, answer, earlier, wrong, whose)
            try:
                known = judging.verdict(self.is_key)
            except Exception as error:  # noqa: BLE001 - a fault of ours must neither give marks nor take them
                known = self._held(part, text, f"it could not be judged, by a fault of ours ({type(error).__name__})")
            self._known[(*key, whose if judging.asked_for_pairs else None)] = known
        return known, answer

    def _read(self, posed: Posed, part: Part, text: str, habit: str) -> Answer:
        key = part.name, text, habit
        if key not in self._answers:
            if len(self._answers) >= MOST_KNOWN:
                self._answers.clear()
            self._answers[key] = self._fresh(posed, part, text, habit)
        return self._answers[key]

    def _fresh(self, posed: Posed, part: Part, text: str, habit: str) -> Answer:
        wanted, stated = posed.wanted(part), posed.conventions
        try:
            return read_answer(
                text,
                wanted.kind,
                unit=wanted.unit,
                axes=wanted.axes,
                layout=stated.layout,
                habit=habit,
                kilo=stated.kilo,
            )
        except Exception as error:  # noqa: BLE001 - one answer must not stop a class
            return Unreadable(f"it could not be read, by a fault of ours ({type(error).__name__})")

    def _held(self, part: Part, text: str, why: str) -> Verdict:
        return Verdict(part.name, text, Status.HELD, None, part.marks, said=why)

    def _habit(self, submission: Submission) -> str:
        """Return the order of axes in which the student's right shapes are written, where they agree on one."""
        orders: Counter[str] = Counter()
        for problem, part in self.sheet.parts:
            text = submission.answers.get(part.name, "")
            posed = self._posed[problem.id]
            try:
                truth = posed.truth(part) if text.strip() else None
                if not isinstance(truth, tuple):
                    continue
                answer = self._read(posed, part, text, "")
            except (AskError, SheetError, ValueError):
                continue
            if isinstance(answer, ShapeAnswer):
                orders.update({reading.layout for reading in answer.readings if reading.sizes == truth} - {""})
        return next(iter(orders)) if len(orders) == 1 else ""


class KeyJudge(Judge):
    """Judges the lecturer's own answers."""

    is_key = True


def grade(sheet: Sheet, submissions: Iterable[Submission], judge_of: Callable[[str], Judge] | None = None) -> Grades:
    """Return the grades of a class; `judge_of` gives the judge of each student's variant, one for all by default."""
    if judge_of is None:
        judge = Judge(sheet)

        def judge_of(student: str) -> Judge:
            return judge

    papers = [judge_of(one.student).paper(one) for one in submissions]
    names = {part.name: part.text.text if part.text else str(part.ask) for _, part in sheet.parts}
    return Grades(sheet.exam, sheet.title, _ranked(papers), names)


def _ranked(papers: list[Paper]) -> tuple[Paper, ...]:
    """Name the mistakes behind each answer in the order of how often the class shows them, then of the catalogue."""
    place = {id: number for number, id in enumerate(IDS)}
    counts = Counter(id for paper in papers for v in paper.verdicts if v.status is Status.MISTAKE for id in v.ids)

    def rank(id: str) -> tuple[int, int]:
        return -counts[id], place.get(id, len(place))

    return tuple(
        replace(
            paper,
            verdicts=tuple(
                replace(v, ids=tuple(sorted(v.ids, key=rank))) if v.status is Status.MISTAKE and len(v.ids) > 1 else v
                for v in paper.verdicts
            ),
        )
        for paper in papers
    )


class _Judging:
    """One answer on its way through the tests."""

    def __init__(
        self,
        posed: Posed,
        part: Part,
        text: str,
        answer: Answer,
        earlier: Mapping[str, str],
        wrong: Mapping[str, Answer],
        made: frozenset[str],
    ) -> None:
        self.posed, self.part, self.text, self.answer = posed, part, text, answer
        self.earlier = earlier
        """The student's own answers that are not right and that the part builds on, as written."""
        self.alternatives = tuple(_alternatives(posed, wrong))
        self.made = made
        self.marking = part.marking
        self.truth = posed.truth(part)
        self.quantity = posed.quantity(part)

    def verdict(self, is_key: bool) -> Verdict:
        """Return the verdict; a key that is right under any other convention is told so, whatever the sheet states."""
        if isinstance(self.answer, Blank):
            return self._verdict(Status.BLANK, NONE)
        if isinstance(self.answer, Unreadable):
            return self._verdict(Status.UNREADABLE, None, said=self.answer.why)
        found = self._true() or self._slip_of_sides() or self._other_convention(is_key)
        return found or self._follows() or self._diagnosed()

    def _verdict(self, status: Status, share: Fraction | None, *, ids: tuple[str, ...] = (), said: str = "") -> Verdict:
        right = shown(self.truth, self.posed.conventions)
        return Verdict(self.part.name, self.text, status, share, self.part.marks, ids, said, right)

    @property
    def _is_whole(self) -> bool:
        return isinstance(self.truth, int)

    def _meets(self, value: Value, answer: Answer | None = None) -> Match | None:
        layout, tolerance = self.posed.conventions.layout, self.part.tolerance
        return match(answer or self.answer, value, layout=layout, tolerance=tolerance)

    # The truth.

    def _true(self) -> Verdict | None:
        how = self._meets(self.truth)
        if isinstance(self.answer, Number) and not self.answer.agrees:
            return None
        if how is None and self._is_square():
            how = Match.EXACT
        if how is None:
            return None
        if how is Match.INCOMPLETE:
            return self._verdict(Status.INCOMPLETE, self.marking.incomplete, said="the channels are missing")
        if how is Match.OTHER_LAYOUT:
            wanted = "channels last" if self.posed.conventions.layout == "HWC" else "channels first"
            return self._verdict(
                Status.NOTE, self.marking.note, ids=("C2", "S20"), said=f"right, and the sheet wants {wanted}"
            )
        is_the_value = isinstance(self.answer, Number) and self.answer.sharpest.interval.value == self.truth
        is_coarse = how is Match.ROUNDED and (self.part.form == "exact" or not is_the_value)
        if is_coarse and (coarse := self._too_coarse()):
            return self._verdict(Status.TOO_COARSE, self.marking.too_coarse, said=coarse)
        if self.part.form == "expression" and isinstance(self.answer, Number) and not self._calculates(self.answer):
            return self._verdict(Status.INCOMPLETE, self.marking.incomplete, said="the calculation is missing")
        if self._is_square():
            return self._verdict(
                Status.NOTE, self.marking.note, said="right as the two sides of a field; one is asked for"
            )
        if isinstance(self.answer, Number) and (note := self.answer.unit_note):
            said = f"the number is right, and counts {note.asked}, not {note.stated}"
            return self._verdict(Status.NOTE, self.marking.note, said=said)
        return self._verdict(Status.CORRECT, FULL)

    def _is_square(self) -> bool:
        """Tell whether a field is written with both of its sides, as 7x7, and these are right."""
        if self.quantity != "receptive_field" or not isinstance(self.answer, Number) or len(self.answer.sides) != 1:
            return False
        side = self.answer.sides[0]
        return side.other_is_side and side.other is not None and side.other.value == self.truth

    def _calculates(self, answer: Number) -> bool:
        return any(side.is_expression for side in answer.sides)

    def _too_coarse(self) -> str:
        """Return why a rounding that holds the truth is not enough; empty where it is."""
        if self.part.form == "exact":
            return "rounded, where the exact value is asked for"
        if not isinstance(self.answer, Number):
            return ""
        if digits(self.answer) < FEWEST_DIGITS:
            return "one digit is too coarse"
        if Fraction(self.truth).denominator != 1 and digits(self.answer) >= ENOUGH_DIGITS:  # type: ignore[arg-type]  # a number
            return ""
        range_ = stated(self.answer, self.truth)  # type: ignore[arg-type]  # a number, as the answer is one
        for one in self.posed.candidates(self.part):
            if isinstance(one.value, int | Fraction) and range_.low <= one.value <= range_.high:
                return f"{shown(one.value)} rounds to the same, and {told([one])}"
        return ""

    def _slip_of_sides(self) -> Verdict | None:
        """Look for a calculation whose left side is right, though its result is not."""
        answer = self.answer
        if not isinstance(answer, Number) or isinstance(self.truth, str | tuple | bool):
            return None
        right = [side for side in answer.sides if side.interval.is_exact and side.interval.value == self.truth]
        if not right or answer.agrees:
            return None
        is_left = right[0] is not answer.sides[-1]
        said = f"the left side is {shown(right[0].interval.value)}" if is_left else "the two sides are not the same"
        return self._verdict(Status.SLIP, self.marking.slip, ids=("A06",), said=said)

    # Other conventions.

    def _other_convention(self, is_key: bool) -> Verdict | None:
        ids, said = self._noted()
        if ids and (is_key or not any(map(self.posed.rules_out, ids))):
            return self._verdict(Status.NOTE, self.marking.note, ids=ids, said=said)
        return None

    def _noted(self) -> tuple[tuple[str, ...], str]:
        """Return the conventions that make the answer right, with the mistakes that give the same value."""
        answer, posed, part = self.answer, self.posed, self.part
        if self.truth == INVALID:
            return (), ""
        if isinstance(answer, Number) and (note := answer.unit_note) and note.factor is not None:
            scaled = Fraction(self.truth) / note.factor if not isinstance(self.truth, str | tuple) else None
            if scaled is not None and self._meets(scaled):
                said = f"right in {note.stated}, and the part asks for {note.asked}"
                return ("C3", "F01") if "flops" in (note.stated, note.asked) else ("M01",), said
        meets = meeting(answer, part.tolerance, wholes=self._is_whole)
        found = [one for one in posed.candidates(part, kinds=(Kind.CONVENTION,)) if meets(one.value)]
        if not PREFIXED.search(self.text):
            found = [one for one in found if set(one.ids) != {"C6"}]
        if isinstance(answer, ShapeAnswer):
            found = [one for one in found if "C2" not in one.ids]  # its readings have the orders of axes already
        if self.truth is True and isinstance(answer, Impossible) and posed.is_inexact(part):
            return ("C12",), "right under another convention: a window has to tile its input exactly"
        ids = [id for one in found for id in one.ids]
        ids += [id for id, value in posed.otherwise(part) if id not in ids and self._meets(value)]
        if isinstance(answer, Number) and "C6" not in ids:
            kilo = 1000 if posed.conventions.kilo == 1024 else 1024
            again = read_answer(self.text, "number", unit=posed.wanted(part).unit, kilo=kilo)
            if isinstance(again, Number) and again.value != answer.value and self._meets(self.truth, again):
                ids.append("C6")
        if not ids:
            return (), ""
        alike = [one for one in posed.candidates(part) if meets(one.value)]
        alike += [one for one in posed.candidates(part, kinds=(Kind.OTHER,)) if meets(one.value)]
        words = found[0].did[0] if found else OTHERWISE[ids[0]]
        twins = [twin for id in ids for twin in TWINS.get(id, ())]
        ids += [id for one in alike for id in one.ids if id in twins]
        return tuple(dict.fromkeys(ids)), f"right under another convention: {words}"

    # The student's own earlier answers.

    def _follows(self) -> Verdict | None:
        failed: Exception | None = None
        followed = False
        for given in self.alternatives:
            try:
                value = self.posed.truth(self.part, given)
            except (AskError, SheetError, ValueError) as error:
                failed = error
                continue
            followed = True
            if value == self.truth or not self._meets(value):
                continue
            told = ", ".join(f"{self.earlier[id]} in ({id})" for id in self._needed(given, value))
            said = f"follows from {told}"
            if not self.posed.is_plausible(self.part, given):
                return self._verdict(Status.HELD, None, said=f"{said}, which is too far off to count by itself")
            return self._verdict(Status.FOLLOW_THROUGH, self.marking.follow_through, said=said)
        self.failed = None if followed else failed
        return None

    def _needed(self, given: dict[str, Value], value: Value) -> list[str]:
        """Return the earlier answers without which it would not follow; all where no single one makes a difference."""
        needed = []
        for id in given:
            rest = {other: v for other, v in given.items() if other != id}
            try:
                if self.posed.truth(self.part, rest) != value:
                    needed.append(id)
            except (AskError, SheetError, ValueError):
                needed.append(id)
        return needed or list(given)

    asked_for_pairs = False
    """Whether the verdict depends on the mistakes that the student made before."""

    failed: Exception | None = None
    """Why nothing could be computed from the earlier answers."""

    # What is behind a wrong answer.

    def _diagnosed(self) -> Verdict:
        meets = meeting(self.answer, self.part.tolerance, wholes=self._is_whole)
        found = diagnose(self.posed, self.part, self.truth, self.alternatives, self.made, meets)
        self.asked_for_pairs = found is None or any("+" in id for id in found.ids)
        if found is None:
            if self.failed is not None:
                return self._verdict(Status.HELD, None, said=f"the earlier answers lead no further: {self.failed}")
            return self._verdict(Status.WRONG, NONE, said=self._question())
        if found.is_slip and not self._is_exact_enough():
            return self._verdict(Status.WRONG, NONE, said=self._question())
        if found.is_slip:
            said = self._question() or found.said
            return self._verdict(Status.SLIP, self.marking.slip, ids=found.ids, said=said)
        if not found.ids:
            return self._verdict(Status.WRONG, NONE, said=found.said)
        credit = [self.marking.mistakes.get(one, NONE) for id in found.ids for one in (id, *id.split("+"))]
        return self._verdict(Status.MISTAKE, max(credit), ids=found.ids, said=found.said)

    def _is_exact_enough(self) -> bool:
        """Tell whether a number has digits enough to be a slip of the right one."""
        return not isinstance(self.answer, Number) or digits(self.answer) >= ENOUGH_DIGITS

    def _question(self) -> str:
        """Return what to ask about an answer that is right if its point or comma is meant the other way."""
        if not isinstance(self.answer, Number) or isinstance(self.truth, str | tuple):
            return ""
        return next((o.question for o in self.answer.others if o.interval.low <= self.truth <= o.interval.high), "")


def _alternatives(posed: Posed, wrong: Mapping[str, Answer]) -> Iterator[dict[str, Value]]:
    """Yield the earlier answers that are not right, in each way their axes may be meant; none where none is wrong."""
    choices: list[list[tuple[str, Value]]] = []
    for id, answer in wrong.items():
        part = posed.part(id)
        truth = posed.truth(part)
        axes = len(truth) if isinstance(truth, tuple) else 0
        found = [value for value in values(answer, axes=axes) if value != INVALID]
        if found and posed.is_plain(part):
            choices.append([(id, value) for value in dict.fromkeys(found)])
    if choices:
        yield from map(dict, islice(product(*choices), MOST_READINGS))
