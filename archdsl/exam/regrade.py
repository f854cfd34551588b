"""Grades that were given held against new ones: what changed, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from archdsl.exam.grades import Grades, Paper, Status, Verdict, marks
from archdsl.exam.previous import Given, Previous
from archdsl.exam.results.json import marking_of
from archdsl.exam.sheet import CONVENTIONS, Part, Sheet


@dataclass(frozen=True, slots=True)
class Change:
    """One answer whose marks, or whose finding, is another than before."""

    student: str
    part: str
    answer: str
    before: Given
    after: Verdict
    why: tuple[str, ...]
    """What is known to have changed; empty where nothing of the sheet or the answers has."""


@dataclass(frozen=True, slots=True)
class Total:
    """What a student had and has in all."""

    student: str
    before: Fraction
    after: Fraction
    out_of: Fraction


@dataclass(frozen=True, slots=True)
class Regrade:
    """All that is different between the grades of two runs."""

    changes: tuple[Change, ...]
    totals: tuple[Total, ...]
    """Of every student of both."""
    added: tuple[Total, ...]
    """Students who were not graded before; what they had is 0."""
    gone: tuple[Total, ...]
    """Students who were graded before and are not any more; what they have is 0."""
    sheet: tuple[str, ...]
    """What changed in the sheet."""


def regrade(previous: Previous, grades: Grades, sheet: Sheet) -> Regrade:
    """Return what changed since earlier grades, and why as far as the earlier file tells."""
    reasons = _Reasons(previous, sheet)
    papers = {paper.student: paper for paper in grades.papers}
    changes: list[Change] = []
    totals: list[Total] = []
    for student, earlier in previous.students.items():
        if student in papers:
            changes += reasons.changes(student, earlier, papers[student])
            totals.append(Total(student, _sum(earlier), papers[student].marks, papers[student].out_of))
    added = [
        Total(p.student, Fraction(0), p.marks, p.out_of) for p in grades.papers if p.student not in previous.students
    ]
    gone = [
        Total(student, _sum(earlier), Fraction(0), sum((one.out_of for one in earlier.values()), Fraction(0)))
        for student, earlier in previous.students.items()
        if student not in papers
    ]
    return Regrade(tuple(changes), tuple(totals), tuple(added), tuple(gone), reasons.of_sheet)


def _sum(earlier: Mapping[str, Given]) -> Fraction:
    return sum((one.marks for one in earlier.values() if one.marks is not None), Fraction(0))


class _Reasons:
    """What changed in a sheet, and what of that concerns an answer."""

    def __init__(self, previous: Previous, sheet: Sheet) -> None:
        self.previous = previous
        self.parts = {part.name: part for _, part in sheet.parts}
        self.before = {
            part.id: [other.name for other in problem.parts] for problem in sheet.problems for part in problem.parts
        }
        self.conventions = tuple(
            f"{name}: {previous.conventions[name]} → {getattr(sheet.conventions, name)}"
            for name in CONVENTIONS
            if name in previous.conventions and previous.conventions[name] != str(getattr(sheet.conventions, name))
        )
        self.marking = {
            name: tuple(_marking(previous.parts[name].marking, marking_of(part.marking)))
            for name, part in self.parts.items()
            if name in previous.parts
        }

    @property
    def of_sheet(self) -> tuple[str, ...]:
        """What changed for all parts, then part by part."""
        found = [f"conventions: {one}" for one in self.conventions]
        shared = [set(one) for one in self.marking.values()]
        for one in dict.fromkeys(change for changes in self.marking.values() for change in changes):
            parts = [name for name, changes in self.marking.items() if one in changes]
            found.append(f"marking: {one}" if len(parts) == len(shared) else f"marking of {', '.join(parts)}: {one}")
        for name, part in self.parts.items():
            found += [f"{name}: {one}" for one in self._of_part(name, part)]
        found += [f"{name} is no part any more" for name in self.previous.parts if name not in self.parts]
        found += [f"{name} is a new part" for name in self.parts if name not in self.previous.parts]
        return tuple(found)

    def _of_part(self, name: str, part: Part) -> list[str]:
        if name not in self.previous.parts:
            return []
        then = self.previous.parts[name]
        pairs = (
            ("asks", then.ask, str(part.ask)),
            ("form", then.form, part.form),
            ("tolerance", then.tolerance, str(part.tolerance)),
        )
        return [f"{what} {old} → {new}" for what, old, new in pairs if old != new]

    def changes(self, student: str, earlier: Mapping[str, Given], paper: Paper) -> list[Change]:
        """Return what is different for one student."""
        answered = {v.part for v in paper.verdicts if v.part in earlier and earlier[v.part].answer != v.answer}
        found = []
        for verdict in paper.verdicts:
            given = earlier.get(verdict.part)
            if given is None or _same(given, verdict):
                continue
            why = self._why(given, verdict, answered)
            found.append(Change(student, verdict.part, verdict.answer, given, verdict, tuple(why)))
        return found

    def _why(self, given: Given, verdict: Verdict, answered: set[str]) -> list[str]:
        name = verdict.part
        why = []
        if given.answer != verdict.answer:
            why.append(f"the answer was `{given.answer}`" if given.answer.strip() else "there was no answer")
        is_moved = bool(given.right and verdict.right and given.right != verdict.right)
        if is_moved:
            why.append(f"the right answer was {given.right}, and is {verdict.right}")
        if given.out_of != verdict.out_of:
            why.append(f"the part is worth {marks(verdict.out_of)}, not {marks(given.out_of)}")
        asked = self._of_part(name, self.parts[name])
        why += asked
        if given.status == verdict.status.value or not why:
            why += [f"marking {one}" for one in self.marking.get(name, ()) if _concerns(one, given, verdict)]
        problem = name.rpartition(".")[0]
        if not why and any(other != name and other.rpartition(".")[0] == problem for other in answered):
            why.append("an earlier answer changed")
        if (is_moved and not asked) or not why or Status.NOTE.value in (verdict.status.value, given.status):
            why += [f"convention {one}" for one in self.conventions]
        return why


def _marking(old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    names = dict.fromkeys([*old, *new])
    return [
        f"{name} {old.get(name, '0')} → {new.get(name, '0')}"
        for name in names
        if old.get(name, "0") != new.get(name, "0")
    ]


def _concerns(change: str, given: Given, verdict: Verdict) -> bool:
    """Tell whether a change of a share may be behind other marks of an answer."""
    name = change.partition(" ")[0]
    ids = {one for id in (*given.ids, *verdict.ids) for one in id.split("+")}
    statuses = {
        given.status.replace("-", "_").replace(" ", "_"),
        verdict.status.value.replace("-", "_").replace(" ", "_"),
    }
    return name in ids or name in statuses or (name == "repeated_mistake" and "mistake" in statuses)


def _same(given: Given, verdict: Verdict) -> bool:
    return (
        given.marks == verdict.marks
        and given.out_of == verdict.out_of
        and given.status == verdict.status.value
        and sorted(given.ids) == sorted(verdict.ids)
    )
