"""From a sheet to what the exports lay out: every part worked out once for each variant, with what mistakes give."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from fractions import Fraction

from archdsl.exam.asks import AskError, questions
from archdsl.exam.choices import options, ranked
from archdsl.exam.draws import drawing
from archdsl.exam.exports.items import Book, Case, Follow, Hinted, Item, Option, Wording, Wrong, written
from archdsl.exam.exports.losses import Refusal
from archdsl.exam.exports.numbers import three_digits
from archdsl.exam.exports.questions import question
from archdsl.exam.posed import Posed
from archdsl.exam.prose import with_values
from archdsl.exam.quantities import Candidate
from archdsl.exam.sentences import explanation, shown, told
from archdsl.exam.sheet import Part, Problem, Sheet
from archdsl.exam.solution import Bench, solve
from archdsl.exam.texts import SheetError, Text
from archdsl.exam.walk import INVALID, Kind, Value

MOST_WRONG = 24
"""Wrong values of a part that are exported, those of single mistakes first."""

MOST_LIKELY = 10
"""Mistakes in a part whose consequences a marker's table shows."""

OF_WRITING = frozenset({"C2", "S20", "C6", "F09"})
"""The order of axes and what k stands for: neither shows in numbers that are typed one by one, to their last digit."""

NOTES = {
    "C1": "with pooling rounded the other way",
    "C3": "counted in MACs for FLOPs, or the reverse",
    "C4": "with the other convention on biases",
    "C5": "with the other convention on batch norms",
    "C9": "with the field clipped to the image, or not",
}
"""What an answer under another convention is, where no row of the catalogue says it."""


def names(count: int) -> tuple[str, ...]:
    """Return the names of variants: `s01`, `s02`, ..., with as many digits as the last one needs."""
    return tuple(f"s{number:0{max(2, len(str(count)))}d}" for number in range(1, count + 1))


def collect(sheet: Sheet, variants: int = 1, seed: int | str = 0) -> tuple[Book, tuple[Refusal, ...]]:
    """Return all that a sheet exports, and the parts that have no answer to export.

    A problem that draws nothing is the same in every variant, and is there once.

    Raises:
        SheetError: a net has errors, or a problem cannot be drawn.
    """
    drawn = names(variants) if any(problem.draw for problem in sheet.problems) else ("",)
    refused: list[Refusal] = []
    cases = []
    for problem in sheet.problems:
        for variant in drawn if problem.draw else ("",):
            drawn_values = drawing(problem, sheet.conventions, seed, variant)
            cases.append(_Collecting(drawn_values.posed, variant, drawn_values.code).case(refused))
    return Book(sheet.exam, sheet.title, sheet.conventions, drawn, tuple(cases)), tuple(refused)


class _Collecting:
    """One problem with its values; the candidates of a part are looked for once."""

    def __init__(self, posed: Posed, variant: str, code: str) -> None:
        self.posed = posed
        self.variant = variant
        self.code = code
        self.bench = Bench(posed)
        self.known: dict[str, tuple[Candidate, ...]] = {}

    def case(self, refused: list[Refusal]) -> Case:
        problem = self.posed.problem
        items = []
        for part in problem.parts:
            try:
                items.append(self.item(part))
            except AskError as error:
                refused.append(Refusal(part.name, f"it has no right answer: {error}"))
            except _NoOptionsError as error:
                refused.append(Refusal(part.name, str(error)))
        parts = tuple(item.part for item in items)
        follow = tuple(self.follow(parts))
        targets = {one.target for one in follow}
        followed = tuple(replace(item, is_followed=item.part.id in targets) for item in items)
        return Case(problem, self.variant, self.wording(problem.text), followed, follow)

    def wording(self, text: Text | None) -> Wording:
        return Wording(with_values(text.text, self.posed) if text is not None else "")

    def item(self, part: Part) -> Item:
        posed = self.posed
        right = posed.truth(part)
        wrong = tuple(self.wrong(part, right))
        chosen = self.options(part, wrong)
        kind = posed.wanted(part).kind
        return Item(
            part=part,
            variant=self.variant,
            asked=self.wording(part.text) or Wording(question(part, posed)),
            right=right,
            kind=kind,
            shown=written(right, kind, posed.conventions),
            worked=self.worked(part),
            room=_room(part, right, wrong),
            wrong=wrong,
            options=chosen or _yes_or_no(right),
            hints=tuple(Hinted(self.wording(hint.text), hint.cost) for hint in part.hints),
            conventions=posed.conventions,
        )

    def worked(self, part: Part) -> str:
        """Return the line of a worked solution that says most."""
        try:
            return solve(self.bench, part).derivation.brief
        except (AskError, SheetError):
            return ""

    def options(self, part: Part, wrong: tuple[Wrong, ...]) -> tuple[Option, ...]:
        """Return the answers to choose from, with what is to be told of each; none for an open question."""
        try:
            made = options(self.posed, part, self.code)
        except SheetError as error:
            raise _NoOptionsError("; ".join(d.message for d in error.diagnostics)) from None
        quantity = _quantity(part)
        by_value = {one.value: one for one in wrong}
        found = []
        for option in made:
            known = by_value.get(option.value) if option.value is not None else None
            said = known.said if known else " or ".join(explanation(id, quantity) for id in option.ids[:2])
            said = f"{'/'.join(option.ids)}: {said}" if option.ids else ""
            shares = [part.marking.mistakes.get(id, Fraction(0)) for id in option.ids]
            share = Fraction(1) if option.is_right else max(shares, default=Fraction(0))
            found.append(Option(option.text, share, option.is_right, "" if option.is_right else said))
        return tuple(found)

    def candidates(self, part: Part) -> tuple[Candidate, ...]:
        if part.id not in self.known:
            self.known[part.id] = self.posed.candidates(part)
        return self.known[part.id]

    def wrong(self, part: Part, right: Value) -> Iterator[Wrong]:
        """Yield the values that are not right, each once: under other conventions, by one mistake, other quantities."""
        posed, marking = self.posed, part.marking
        noted = self.noted(part, right)
        seen: set[Value] = {right}
        telling = {one.value: place for place, one in enumerate(ranked(posed, part))}
        rows = [*self.candidates(part), *posed.candidates(part, kinds=(Kind.OTHER,))]
        rows.sort(key=lambda one: telling.get(one.value, len(telling)))
        noted = {value: ids for value, ids in noted.items() if shown(value) != shown(right)}
        for value, ids in noted.items():
            alike = [one for one in rows if one.value == value]
            named = tuple(dict.fromkeys([*ids, *(id for one in alike for id in one.ids)]))
            seen.add(value)
            said = NOTES.get(ids[0]) or told(alike[:1])
            yield Wrong(value, named, f"right under another convention: {said}", marking.note)
        for one in rows[:MOST_WRONG]:
            if one.value not in seen and one.value != INVALID and shown(one.value) != shown(right):
                seen.add(one.value)
                share = max((marking.mistakes.get(id, Fraction(0)) for id in one.ids), default=Fraction(0))
                yield Wrong(one.value, tuple(dict.fromkeys(one.ids)), told([one]), share)

    def noted(self, part: Part, right: Value) -> Mapping[Value, tuple[str, ...]]:
        """Return the values that are right under another convention, where the sheet does not rule it out."""
        posed = self.posed
        found: dict[Value, list[str]] = {}
        for one in posed.candidates(part, kinds=(Kind.CONVENTION,)):
            found.setdefault(one.value, []).extend(one.ids)
        for id, value in posed.otherwise(part):
            found.setdefault(value, []).append(id)
        return {
            value: tuple(dict.fromkeys(ids))
            for value, ids in found.items()
            if value not in (right, INVALID)
            and not any(map(posed.rules_out, ids))
            and not OF_WRITING.issuperset(ids)
            and (_is_whole(value) or not _is_whole(right))
        }

    def follow(self, parts: tuple[Part, ...]) -> Iterator[Follow]:
        """Yield what each likely mistake in a part makes right in the parts after it, one step after the other."""
        for source in parts:
            later = [part for part in parts if source.id in _sources(part, self.posed.problem)]
            if not later or self.posed.target(source) is None:
                continue
            telling = {one.value: place for place, one in enumerate(ranked(self.posed, source))}
            likely = sorted((c for c in self.candidates(source) if c.value in telling), key=lambda c: telling[c.value])
            for mistake in likely[:MOST_LIKELY]:
                yield from self.consequences(source, mistake, later)

    def consequences(self, source: Part, mistake: Candidate, later: list[Part]) -> Iterator[Follow]:
        posed = self.posed
        given: dict[str, Value] = {source.id: mistake.value}
        for part in later:
            read = {id: given[id] for id in part.after if id in given}
            try:
                if not read or not posed.is_plausible(part, read):
                    continue
                value, right = posed.truth(part, read), posed.truth(part)
            except (AskError, ValueError):
                continue
            same = next((c.value for c in self.candidates(part) if set(mistake.ids).intersection(c.ids)), None)
            again = same if same != value else None
            if value != right:
                given[part.id] = value
                yield Follow(source.id, mistake.value, tuple(dict.fromkeys(mistake.ids)), part.id, value, again)


class _NoOptionsError(ValueError):
    """Why no options can be made for a part."""


def _quantity(part: Part) -> str:
    return next((q.quantity for q in questions(part.ask.term)), "")


def _sources(part: Part, problem: Problem) -> set[str]:
    """Return the parts that a part builds on, directly or through others."""
    by_id = {one.id: one for one in problem.parts}
    found: set[str] = set()
    pending = list(part.after)
    while pending:
        id = pending.pop()
        if id not in found and id in by_id:
            found.add(id)
            pending.extend(by_id[id].after)
    return found


def _is_whole(value: Value) -> bool:
    """Tell whether a later part can be worked out with a value; a fraction of a pixel leads nowhere."""
    sizes = value if isinstance(value, tuple) else (value,)
    return all(isinstance(size, int) and not isinstance(size, bool) for size in sizes)


def _room(part: Part, right: Value, wrong: tuple[Wrong, ...]) -> Fraction:
    """Return how far an answer may be off: the tolerance, or what three digits of a fraction leave open.

    No wrong value lies inside what is left open, unless the sheet's own tolerance holds it.
    """
    if isinstance(right, str | bool | tuple):
        return Fraction(0)
    if part.tolerance:
        return abs(Fraction(right)) * part.tolerance
    if Fraction(right).denominator == 1:
        return Fraction(0)
    apart = [abs(Fraction(w.value) - right) / 2 for w in wrong if isinstance(w.value, int | Fraction)]
    return min([three_digits(Fraction(right)), *apart])


def _yes_or_no(right: Value) -> tuple[Option, ...]:
    """Return the two answers to whether something works; none for other questions."""
    if not isinstance(right, bool):
        return ()
    yes, no = Fraction(right), Fraction(not right)
    return (Option("yes", yes, right), Option("no", no, not right))
