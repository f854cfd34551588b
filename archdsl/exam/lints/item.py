"""A problem with its drawn values as the lints look at it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from archdsl.exam.asks import AskError, Question, questions
from archdsl.exam.mistakes import MISTAKES
from archdsl.exam.nets import PLACEHOLDER, Net, shown
from archdsl.exam.posed import Posed
from archdsl.exam.quantities import Candidate, truth, value_in
from archdsl.exam.sheet import Part
from archdsl.exam.texts import Text
from archdsl.exam.walk import QUANTITIES, Ask, Kind, Mistake, Subject, Value, Walk

UP_TO = frozenset({"shape", "receptive_field", "jump"})
"""Quantities that are of one place, and depend on every layer before it; others are of the layers inside."""


class Item:
    """A problem with its drawn values; only the parts that have a right answer are looked at."""

    def __init__(self, posed: Posed) -> None:
        self.posed = posed
        self.problem = posed.problem

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """The parts that have a right answer."""
        return tuple(part for part in self.problem.parts if self._has_truth(part))

    def truth(self, part: Part) -> Value:
        return self.posed.truth(part)

    def wrong(self, part: Part, *ids: str, kinds: tuple[Kind, ...] = (Kind.RULE,)) -> tuple[Candidate, ...]:
        """Return the wrong answers that some mistakes lead to, each made in every layer."""
        return self.posed.candidates(part, kinds=kinds, only=frozenset(ids))

    def hides(self, part: Part, id: str) -> bool:
        """Tell whether a mistake gives the right answer; one that leads nowhere, as to maps that do not fit, does not.

        Of arithmetic it has to do so in every quantity.
        """
        return all(self._hides(question, id) for question in questions(part.ask.term))

    def _hides(self, question: Question, id: str) -> bool:
        plain = next((p for p in self.parts if p.ask.term == question), None)
        net, place = self.problem.place(question)
        subject = self.posed.subject(net)
        target = self.posed.target(plain) if plain else None
        if target is None and question.quantity not in QUANTITIES:
            return False
        ask = target[1] if target else Ask(question.quantity, place or None)
        try:
            right = truth(subject, ask)
        except ValueError:
            return False
        rows = [row for row in MISTAKES if row.id == id and row.kind is Kind.RULE and ask.quantity in row.asks]
        return any(right in _given(subject, row, ask) for row in rows if subject.sites(row))

    def quantities(self, part: Part) -> frozenset[str]:
        return frozenset(question.quantity for question in questions(part.ask.term))

    def places(self, part: Part) -> Iterator[tuple[Subject, str | None]]:
        """Yield each network that a part asks about, with the layer there."""
        for question in questions(part.ask.term):
            net, place = self._place(question)
            subject = self.posed.subject(net)
            try:
                subject.scope(place or None)
            except ValueError:
                place = subject.graph.outputs[place].id if place in subject.graph.outputs else ""
            yield subject, place or None

    def nodes(self, part: Part) -> Iterator[tuple[Subject, tuple[int, ...]]]:
        """Yield the layers that a part is about: those up to a place, or those inside of it."""
        for question, (subject, place) in zip(questions(part.ask.term), self.places(part), strict=True):
            if question.quantity in UP_TO:
                try:
                    yield subject, before(subject, subject.end(place))
                except ValueError:
                    continue
            else:
                yield subject, subject.scope(place)

    @cached_property
    def texts(self) -> tuple[tuple[Part | None, Text, str], ...]:
        """The text of the problem and those of its parts, with their placeholders filled in."""
        values = {name: shown(value) for name, value in self.posed.values.items()}
        found: list[tuple[Part | None, Text | None]] = [(None, self.problem.text)]
        found += [(part, part.text) for part in self.problem.parts]
        return tuple(
            (part, text, PLACEHOLDER.sub(lambda match: values.get(match[1], match[0]), text.text))
            for part, text in found
            if text is not None
        )

    @property
    def prose(self) -> str:
        """All that a student reads, in one text; the title too, since some say there what the image is."""
        return "\n".join([self.problem.title, *(filled for _, _, filled in self.texts)])

    def _place(self, question: Question) -> tuple[Net, str]:
        return self.problem.place(question)

    def _has_truth(self, part: Part) -> bool:
        try:
            self.posed.truth(part)
        except AskError:
            return False
        return True


def _given(subject: Subject, row: Mistake, ask: Ask) -> list[Value]:
    """Return what somebody answers who makes a mistake in every layer, the right value too."""
    walk = Walk(subject, (row,))
    value = value_in(walk, ask)
    if value is None or row.answer is None:
        return [] if value is None else [value]
    try:
        return list(row.answer(walk, ask, value))
    except ValueError:
        return []


def before(subject: Subject, end: int) -> tuple[int, ...]:
    """Return the nodes that a node is computed from, and itself, in order."""
    found, pending = {end}, [end]
    while pending:
        for index in subject.nodes[pending.pop()].inputs:
            if index not in found:
                found.add(index)
                pending.append(index)
    return tuple(sorted(found))
