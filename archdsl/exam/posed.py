"""A problem ready to be answered: its drawn values, its networks, and what the sheet's conventions make of its asks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import Any

from archdsl.analysis.paths import paths
from archdsl.exam.altered import without_biases, without_floors
from archdsl.exam.answers import Impossible, read_answer
from archdsl.exam.answers import Kind as AnswerKind
from archdsl.exam.asks import (
    LISTS,
    AskError,
    Drawn,
    Element,
    Function,
    Listed,
    Negative,
    Operation,
    Question,
    Term,
    evaluate,
    questions,
)
from archdsl.exam.asks import Value as Evaluated
from archdsl.exam.listed import listed
from archdsl.exam.mistakes.conventions import clipped
from archdsl.exam.nets import Draw, Net, layers_and_blocks
from archdsl.exam.quantities import Candidate, Given, candidates, has_work, pairs, relevant, truth
from archdsl.exam.sheet import CONVENTIONS, Conventions, Part, Problem
from archdsl.exam.texts import SheetError
from archdsl.exam.walk import INVALID, Ask, Kind, Subject, Value, whole
from archdsl.graph import Graph

MOST_KNOWN = 2**10
"""Lists of wrong answers that are kept; those after a student's own answers are many."""

Answers = Mapping[str, Value]
"""What a student answered, by the id of the part."""

Cause = tuple[str, str, str]
"""The id of a mistake, the layer where it is made or nothing, and what was done."""

UNITS = {
    "params": "parameters", "weights": "parameters", "biases": "parameters", "buffers": "parameters", "macs": "macs",
    "flops": "flops", "memory": "bytes", "activations": "values", "receptive_field": "pixels", "jump": "pixels",
    "paths": "things",
}  # fmt: skip
"""What each quantity counts, in the words of the answer reader."""

OUTSIDE = frozenset({"valid", "paths", *LISTS})
"""The quantities that the catalogue of mistakes is not about."""

STATED = {"C4": "bias", "C5": "bn"}
"""Conventions that are a mistake, and no matter of taste, where the sheet states the usual one."""

_NUMBERS = frozenset({"shape", "params", "weights", "biases", "buffers"})
_WORK = frozenset({"shape", "macs", "flops"})
_HELD = frozenset({"shape", "activations", "memory"})
_FIELDS = frozenset({"receptive_field", "jump"})
BUILDS_ON = {
    "shape": frozenset({"shape"}),
    **dict.fromkeys(("params", "weights", "biases", "buffers"), _NUMBERS),
    **dict.fromkeys(("macs", "flops"), _WORK),
    **dict.fromkeys(("activations", "memory"), _HELD),
    **dict.fromkeys(("receptive_field", "jump"), _FIELDS),
}
"""By quantity, what an answer is computed from."""

COUNTED = frozenset({"params", "weights", "biases", "buffers", "macs", "flops", "memory", "activations"})


@dataclass(frozen=True)
class Wanted:
    """How the answer to a part is read."""

    kind: AnswerKind
    unit: str = ""
    axes: int = 3


class Posed:
    """A problem with values for what it draws; keep one for all the answers that are judged against it."""

    def __init__(self, problem: Problem, conventions: Conventions, values: Mapping[str, Draw] | None = None) -> None:
        self.problem = problem
        self.conventions = conventions
        self.values = dict(values or {})
        self._graphs: dict[str, Graph] = {}
        self._subjects: dict[tuple[str, str, str], Subject] = {}
        self._lists: dict[tuple[str, str, str, str], Listed] = {}
        self._truths: dict[str, Value] = {}
        self._sources: dict[str, tuple[str, ...]] = {}
        self._otherwise: dict[str, tuple[tuple[str, Value], ...]] = {}
        self._working: dict[tuple[str, str], bool] = {}
        self._pairs: dict[str, tuple[Candidate, ...]] = {}
        self._candidates: dict[tuple[Any, ...], tuple[Candidate, ...]] = {}

    @cached_property
    def may_fail(self) -> bool:
        """Whether the problem asks if a net works, or has a key that says it does not; else a fault is an error."""
        asked = any(q.quantity == "valid" for part in self.problem.parts for q in questions(part.ask.term))
        keys = [part.key.text for part in self.problem.parts if part.key is not None]
        return asked or any(isinstance(read_answer(key, "number"), Impossible) for key in keys)

    def part(self, id: str) -> Part:
        """Return a part by its id, with or without the problem's in front; raises `KeyError`."""
        for part in self.problem.parts:
            if id in (part.id, part.name):
                return part
        raise KeyError(id)

    @cached_property
    def numbers(self) -> dict[str, Fraction]:
        """The drawn values that are numbers."""
        return {k: Fraction(v) for k, v in self.values.items() if not isinstance(v, str)}

    def graph(self, net: Net) -> Graph:
        """Return the network for the drawn values.

        Raises:
            SheetError: it has errors.
        """
        if net.name not in self._graphs:
            values = self.values
            self._graphs[net.name] = net.working_part(values) if self.may_fail else net.network(values).graph
        return self._graphs[net.name]

    def subject(self, net: Net, conventions: Conventions | None = None) -> Subject:
        """Return what is true of a net under the sheet's conventions, or under others."""
        stated = conventions or self.conventions
        key = net.name, stated.rounding, stated.bias
        if key not in self._subjects:
            graph = self.graph(net)
            if stated.rounding == "ceil_pool":
                graph = without_floors(graph)
            if stated.bias == "ignored":
                graph = without_biases(graph)
            self._subjects[key] = Subject(graph)
        return self._subjects[key]

    def truth(self, part: Part, given: Answers | None = None, conventions: Conventions | None = None) -> Value:
        """Return the right answer, or what follows by the true rules from a student's own earlier answers.

        Raises:
            AskError: it has none; says where in the ask.
            SheetError: the net has errors.
        """
        stated = conventions or self.conventions
        if given:
            return self._evaluated(part.ask.term, stated, given)
        if stated is not self.conventions:
            return self._evaluated(part.ask.term, stated, None)
        if part.id not in self._truths:
            self._truths[part.id] = self._evaluated(part.ask.term, stated, None)
        return self._truths[part.id]

    def sources(self, part: Part) -> tuple[str, ...]:
        """Return the earlier parts that an answer can depend on, of those that the sheet says it builds on."""
        if part.id not in self._sources:
            of = BUILDS_ON.get(self.quantity(part)) if self.is_plain(part) else None
            found = [id for id in part.after if of is None or self.quantity(self.part(id)) in of]
            self._sources[part.id] = tuple(found)
        return self._sources[part.id]

    def rules_out(self, id: str) -> bool:
        """Tell whether the sheet states that what a convention leaves out, or adds, is a mistake."""
        key = STATED.get(id, "")
        return key in self.conventions.stated and getattr(self.conventions, key) == CONVENTIONS[key][0]

    def otherwise(self, part: Part) -> tuple[tuple[str, Value], ...]:
        """Return the right answers under other conventions than the sheet's, each with the convention's id."""
        if part.id not in self._otherwise:
            right, found = self.truth(part), []
            for id, other in others(self.conventions):
                try:
                    value = self.truth(part, conventions=other)
                except (AskError, SheetError, ValueError):
                    continue
                if value != right:
                    found.append((id, value))
            self._otherwise[part.id] = tuple(found)
        return self._otherwise[part.id]

    def wanted(self, part: Part) -> Wanted:
        """Return how the answer to a part is to be read.

        Raises:
            AskError: the part has no right answer.
            SheetError: the net has errors.
        """
        value, asked = self.truth(part), list(questions(part.ask.term))
        if isinstance(value, bool):
            return Wanted("valid")
        if value == INVALID and self.quantity(part) == "shape":
            return Wanted("shape")
        if isinstance(value, Listed):
            return Wanted("numbers")
        if isinstance(value, tuple):
            return Wanted("shape", axes=len(value))
        return Wanted("number", _unit(part.ask.term, {q: UNITS.get(q.quantity, "") for q in asked}))

    def is_plain(self, part: Part) -> bool:
        """Tell whether a part asks for one quantity as it is, and not for arithmetic of several."""
        return isinstance(part.ask.term, Question)

    def target(self, part: Part) -> tuple[Net, Ask] | None:
        """Return the net and the question of a part that asks for one quantity of the catalogue."""
        term = part.ask.term
        if not isinstance(term, Question) or term.quantity in OUTSIDE:
            return None
        return self._asked(term, self.conventions)

    def candidates(
        self,
        part: Part,
        *,
        kinds: tuple[Kind, ...] = (Kind.RULE,),
        once: bool = False,
        given: Answers | None = None,
        only: frozenset[str] | None = None,
    ) -> tuple[Candidate, ...]:
        """Return the wrong answers that one mistake leads to; see `quantities.candidates`.

        In arithmetic of several quantities the mistake is made in all of them.
        """
        if only is None:
            given = self.relevant(part, given)
        key = part.id, kinds, once, tuple((given or {}).items()), only
        if key not in self._candidates:
            if len(self._candidates) >= MOST_KNOWN:
                self._candidates.clear()
            self._candidates[key] = tuple(self._wrong(part, kinds, once, given, only))
        return self._candidates[key]

    def relevant(self, part: Part, given: Answers | None) -> Answers | None:
        """Return the earlier answers that the answer to a plain part can depend on, the others left out."""
        target = self.target(part) if given else None
        if target is None:
            return given
        net, ask = target
        kept = relevant(self.subject(net), ask, self._given(net, given)) or {}
        targets = {id: self.target(self.part(id)) for id in given or {}}
        return {id: kept[t[1]] for id, t in targets.items() if t and t[0] is net and t[1] in kept} or None

    def _wrong(
        self, part: Part, kinds: tuple[Kind, ...], once: bool, given: Answers | None, only: frozenset[str] | None
    ) -> Iterable[Candidate]:
        asked = [q for q in questions(part.ask.term) if q.quantity not in OUTSIDE]
        if not asked:
            return ()
        right = self.truth(part)
        found: dict[Value, dict[Cause, bool]] = {}
        by_question = [self._of_question(q, kinds, once, given, only) for q in asked]
        for cause in dict.fromkeys(key for each in by_question for key in each):
            for value, firm in self._combined(part, asked, by_question, cause, given):
                if value != right:
                    found.setdefault(value, {})[cause] = firm
        return tuple(
            Candidate(
                value,
                tuple(id for id, _, _ in causes),
                tuple(where for _, where, _ in causes),
                tuple(did for _, _, did in causes),
                any(causes.values()),
            )
            for value, causes in found.items()
        )

    def quantity(self, part: Part) -> str:
        """Return the quantity that a part asks for, the first of several; empty for a bare formula."""
        return next((question.quantity for question in questions(part.ask.term)), "")

    def is_inexact(self, part: Part) -> bool:
        """Tell whether a window before the layer of a part leaves an end of its input unread."""
        term = part.ask.term
        if not isinstance(term, Question):
            return False
        net, place = self.problem.place(term)
        try:
            subject = self.subject(net)
            found = candidates(subject, Ask("shape", place or None), kinds=(Kind.CONVENTION,), only=frozenset({"C12"}))
        except (SheetError, ValueError):
            return False
        return any(one.value == INVALID for one in found)

    def is_plausible(self, part: Part, given: Answers) -> bool:
        """Tell whether what follows from earlier answers is worth anything.

        Each of them is positive, a shape has the true rank and no size beyond four times the largest of a map, and
        the layers after it have work left.
        """
        for id, value in given.items():
            target = self.target(self.part(id))
            true = self.truth(self.part(id))
            sizes = value if isinstance(value, tuple) else (value,)
            if any(isinstance(size, str) or size <= 0 for size in sizes):
                return False
            if target is None or not isinstance(true, tuple):
                continue
            shapes = self.subject(target[0]).shapes
            maps = [shape for shape in shapes if len(shape) > 1] or shapes
            most = 4 * max(size for shape in maps for size in shape)
            if not isinstance(value, tuple) or len(value) != len(true) or max(value) > most:
                return False
        for question in questions(part.ask.term):
            if question.quantity in OUTSIDE:
                continue
            net, ask = self._asked(question, self.conventions)
            earlier = self._given(net, given)
            if earlier and not has_work(self.subject(net), ask, earlier):
                return False
        return True

    def pairs(self, part: Part) -> tuple[Candidate, ...]:
        """Return the wrong answers that two mistakes together lead to; none for arithmetic of several quantities."""
        target = self.target(part)
        if target is None:
            return ()
        if part.id not in self._pairs:
            net, ask = target
            self._pairs[part.id] = pairs(self.subject(net), ask)
        return self._pairs[part.id]

    # What a question of an ask comes to.

    def _evaluated(self, term: Term, stated: Conventions, given: Answers | None) -> Value:
        if isinstance(term, Question):
            value = self._quantity(term, stated, given)
            return value if isinstance(value, bool | str) else _plain(_exact(value))
        return _plain(evaluate(term, lambda q: _exact(self._quantity(q, stated, given)), self.numbers))

    def _quantity(self, question: Question, stated: Conventions, given: Answers | None) -> Value | bool:
        net, place = self.problem.place(question)
        if question.quantity == "valid":
            return self._works(net, place)
        if self.may_fail and not self._works(net, place):
            return INVALID
        if question.quantity in LISTS:
            return self._list(question, net, stated)
        try:
            subject = self.subject(net, stated)
            if question.quantity == "paths":
                return _paths(subject, place)
            _, ask = self._asked(question, stated)
            earlier = self._given(net, given)
            own = _own(subject, ask, earlier) if earlier else None
            if own is not None:
                return own
            return self._with_conventions(subject, ask, truth(subject, ask, earlier), stated)
        except ValueError as error:
            if isinstance(error, AskError):
                raise
            raise AskError(str(error), question.start, question.end) from None

    def _works(self, net: Net, place: str) -> bool:
        key = net.name, place
        if key not in self._working:
            self._working[key] = net.works(place, self.values)
        return self._working[key]

    def _list(self, question: Question, net: Net, stated: Conventions) -> Listed:
        key = question.quantity, net.name, question.place, stated.rounding
        if key not in self._lists:
            graph = self.graph(net)
            if stated.rounding == "ceil_pool":
                graph = without_floors(graph)
            self._lists[key] = listed(self.problem, question, graph, self.numbers)
        return self._lists[key]

    def _asked(self, question: Question, stated: Conventions) -> tuple[Net, Ask]:
        net, place = self.problem.place(question)
        graph = self.graph(net)
        if place in graph.outputs and not self._is_layer(net, place, counted=question.quantity in COUNTED):
            place = graph.outputs[place].id
        quantity = question.quantity
        if quantity == "macs" and stated.work == "flops":
            quantity = "flops"
        return net, Ask(quantity, place or None)

    def _is_layer(self, net: Net, place: str, *, counted: bool) -> bool:
        """Tell whether an output has the name of a layer or, where something is counted, of the block it comes from."""
        graph = self.graph(net)
        if any(place in (node.id, node.path) for node in graph.nodes):
            return True
        return counted and place in layers_and_blocks(graph)

    def _with_conventions(self, subject: Subject, ask: Ask, value: Value, stated: Conventions) -> Value:
        if stated.bn == "all" and ask.quantity == "params" and not isinstance(value, str | tuple):
            statistics = truth(subject, Ask("buffers", ask.layer))
            assert not isinstance(statistics, str | tuple), "a count is a number"
            return value + statistics
        if stated.rf == "clipped" and ask.quantity == "receptive_field":
            return clipped(subject, value)
        return value

    def _given(self, net: Net, given: Answers | None) -> Given | None:
        """Return earlier answers as the catalogue takes them: those to plain questions about the same net."""
        found: dict[Ask, Value] = {}
        for id, value in (given or {}).items():
            target = self.target(self.part(id))
            if target is not None and target[0] is net:
                found[target[1]] = value
        return found or None

    def _of_question(
        self,
        question: Question,
        kinds: tuple[Kind, ...],
        once: bool,
        given: Answers | None,
        only: frozenset[str] | None,
    ) -> dict[Cause, tuple[Value, bool]]:
        net, ask = self._asked(question, self.conventions)
        subject = self.subject(net)
        found = candidates(subject, ask, kinds=kinds, once=once, given=self._given(net, given), only=only)
        return {
            cause: (self._with_conventions(subject, ask, one.value, self.conventions), one.firm)
            for one in found
            for cause in zip(one.ids, one.where, one.did, strict=True)
        }

    def _combined(
        self,
        part: Part,
        asked: list[Question],
        by_question: list[dict[Cause, tuple[Value, bool]]],
        cause: Cause,
        given: Answers | None,
    ) -> Iterable[tuple[Value, bool]]:
        """Yield the answer where each question is answered with the mistake, if that changes it at all."""
        wrong = {q: each[cause] for q, each in zip(asked, by_question, strict=True) if cause in each}
        if self.is_plain(part):
            yield wrong[asked[0]]
            return

        def quantity(question: Question) -> Evaluated:
            if question in wrong:
                return _exact(wrong[question][0])
            return _exact(self._quantity(question, self.conventions, given))

        try:
            value = _plain(evaluate(part.ask.term, quantity, self.numbers))
        except AskError:
            return
        yield value, any(firm for _, firm in wrong.values())


def _own(subject: Subject, ask: Ask, earlier: Given) -> Value | None:
    """Return what a student has answered for a question already, or what follows from such answers alone."""
    if ask in earlier:
        return earlier[ask]

    def number(quantity: str) -> int | Fraction | None:
        value = earlier.get(replace(ask, quantity=quantity))
        return value if isinstance(value, int | Fraction) else None

    macs, flops = number("macs"), number("flops")
    if ask.quantity == "flops" and macs is not None:
        return 2 * macs
    if ask.quantity == "macs" and flops is not None:
        return whole(Fraction(flops) / 2)  # type: ignore[no-any-return]  # a number stays one
    if ask.quantity == "params":
        parts = [(one, number(one)) for one in ("weights", "biases")]
        if any(value is not None for _, value in parts):
            true = [truth(subject, replace(ask, quantity=one)) if value is None else value for one, value in parts]
            return sum(value for value in true if isinstance(value, int | Fraction))
    return None


def others(stated: Conventions) -> tuple[tuple[str, Conventions], ...]:
    """Return the other conventions that an answer may be right under, each with its id in the catalogue."""
    found: list[tuple[str, Conventions]] = [
        ("C1", replace(stated, rounding="floor" if stated.rounding == "ceil_pool" else "ceil_pool")),
        ("C3", replace(stated, work="macs" if stated.work == "flops" else "flops")),
        ("C4", replace(stated, bias="counted" if stated.bias == "ignored" else "ignored")),
        ("C5", replace(stated, bn="trainable" if stated.bn == "all" else "all")),
        ("C9", replace(stated, rf="theoretical" if stated.rf == "clipped" else "clipped")),
    ]
    return tuple(found)


def _paths(subject: Subject, place: str) -> int:
    if place:
        raise ValueError("paths are counted from the input of a net to its output: ask for `paths` without a layer")
    total = paths(subject.graph).total
    return total.count if total is not None else 0


def _exact(value: Value | bool) -> Evaluated:
    if isinstance(value, bool | tuple):
        return value
    if isinstance(value, str):
        raise AskError(f"it is {INVALID}", 0, 0)
    return Fraction(value)


def _plain(value: Evaluated) -> Value:
    return value if isinstance(value, bool | tuple) else whole(value)


def _unit(term: Term, units: Mapping[Question, str]) -> str:
    """Return what arithmetic counts: sums and differences of one unit keep it, as do products with plain numbers."""
    match term:
        case Question():
            return units[term]
        case Negative(of=inner):
            return _unit(inner, units)
        case Operation(sign="+" | "-", left=left, right=right):
            one, other = _unit(left, units), _unit(right, units)
            return one if one == other else one or other
        case Operation(sign="*" | "/", left=left, right=right):
            one, other = _unit(left, units), _unit(right, units)
            if term.sign == "/" and one and other:
                return "times" if one == other else ""
            return one if not other else "" if one else other if term.sign == "*" else ""
        case Function(name="floor" | "ceil" | "abs" | "min" | "max", arguments=(first, *_)):
            return _unit(first, units)
        case Element() | Drawn():
            return ""
    return ""
