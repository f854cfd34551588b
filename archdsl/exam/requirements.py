"""What drawn values must satisfy: `0 < p < k`, `c != o`, `apart(T01, T02)`, `exact`, `fits`, `digits(params, 3, 6)`.

Comparisons are of the arithmetic that asks are made of, joined by `and`, `or` and `not`. Everything is bounded, and
nothing of a text is run.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

from archdsl.diagnostics import Diagnostic, closest
from archdsl.exam.asks import LONGEST, AskError, Drawn, Question, Term, evaluate, names, parse, questions
from archdsl.exam.asks import Value as Evaluated
from archdsl.exam.mistakes import IDS, MISTAKES
from archdsl.exam.posed import Posed
from archdsl.exam.sheet import Ask, Part, Problem
from archdsl.exam.texts import Text
from archdsl.exam.walk import Kind, Value
from archdsl.graph import Graph
from archdsl.ops.conv import Conv
from archdsl.ops.pool import Pool
from archdsl.rules import exam as rules
from archdsl.source import Source, Span

SPECIAL = {
    "apart": "the right answer and those that these mistakes lead to differ: `apart(S01, S03)`",
    "digits": "a number is as long as can be computed by hand: `digits(params, 3, 6)`",
    "exact": "no layer leaves out rows or columns at the end",
    "fits": "no kernel is larger than the padded map",
}
"""What a requirement may say beside comparisons."""

NOWHERE = Text("", Span(Source("<requirement>", ""), 0, 0))
DEEPEST = 32
MOST_APART = 20
"""Mistakes in one `apart`."""
LONGEST_NUMBER = 40
"""Digits that `digits` may speak of."""


@dataclass(frozen=True, slots=True)
class Apart:
    """The right answer and these mistakes are pairwise different, in every part where they can show."""

    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Digits:
    """A number has at least and at most so many digits before the point."""

    of: Term
    least: int
    most: int


@dataclass(frozen=True, slots=True)
class Exact:
    """Every window of a convolution or pool ends at the edge of its padded input."""


@dataclass(frozen=True, slots=True)
class Fits:
    """Every layer can take what it is given."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Neighbours in a row of values stand in these relations."""

    terms: tuple[Term, ...]
    signs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Holds:
    """A value that is true or false is true."""

    of: Term


@dataclass(frozen=True, slots=True)
class Not:
    of: Condition


@dataclass(frozen=True, slots=True)
class Every:
    of: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Some:
    of: tuple[Condition, ...]


Condition = Apart | Digits | Exact | Fits | Comparison | Holds | Not | Every | Some


@dataclass(frozen=True)
class Requirement:
    """A line of `require`, as written and as read."""

    text: Text
    condition: Condition

    def __str__(self) -> str:
        return self.text.text

    @property
    def is_of_draws(self) -> bool:
        """Whether it can be told from the drawn values alone, without a network."""
        return all(_is_of_draws(one) for one in walk(self.condition))

    @property
    def apart(self) -> tuple[str, ...]:
        """The mistakes that it keeps apart."""
        return tuple(dict.fromkeys(id for one in walk(self.condition) if isinstance(one, Apart) for id in one.ids))


def requirements(problem: Problem) -> tuple[Requirement, ...]:
    """Return what a problem requires, in the order of the sheet.

    Raises:
        AskError: one cannot be read; `problems_of` says where.
    """
    return tuple(Requirement(text, read(text.text, problem)) for text in problem.require)


def problems_of(problem: Problem) -> tuple[Diagnostic, ...]:
    """Return what is wrong with the requirements of a problem, at its places in the sheet."""
    found = []
    for text in problem.require:
        try:
            read(text.text, problem)
        except AskError as error:
            found.append(
                Diagnostic(rules.BAD_REQUIREMENT, str(error), text.at(error.start, error.end), help=error.help)
            )
    return tuple(found)


def read(text: str, problem: Problem) -> Condition:
    """Return the condition that a text means for a problem.

    Raises:
        AskError: it means none, or names what the problem does not have; says where.
    """
    if len(text) > LONGEST:
        raise AskError(f"a requirement has at most {LONGEST} characters, and this has {len(text):,}", 0, len(text))
    condition = _Reader(text).condition(0, len(text), 0)
    for one in walk(condition):
        for term in terms(one):
            _check(term, problem)
    return condition


def walk(condition: Condition) -> Iterator[Condition]:
    """Yield a condition and all that it is made of."""
    yield condition
    match condition:
        case Not(of=inner):
            yield from walk(inner)
        case Every(of=several) | Some(of=several):
            for one in several:
                yield from walk(one)


def terms(condition: Condition) -> tuple[Term, ...]:
    """Return the arithmetic in a condition, without that of the conditions inside it."""
    match condition:
        case Comparison(terms=several):
            return several
        case Digits(of=one) | Holds(of=one):
            return (one,)
    return ()


def met(condition: Condition, posed: Posed, shows: Callable[[Part, str], bool]) -> bool:
    """Tell whether a problem with its drawn values satisfies a condition.

    `shows` tells whether a mistake can change the answer to a part for any drawn values at all.

    Raises:
        AskError: something compared has no value; says where.
        SheetError: a net that is asked about has errors.
    """
    match condition:
        case Every(of=several):
            return all(met(one, posed, shows) for one in several)
        case Some(of=several):
            return any(met(one, posed, shows) for one in several)
        case Not(of=inner):
            return not met(inner, posed, shows)
        case Comparison(terms=several, signs=signs):
            return _compared(several, signs, posed)
        case Holds(of=term):
            value = _value(term, posed)
            if not isinstance(value, bool):
                raise AskError("this is a value; compare it, as in `n > 3`", term.start, term.end)
            return value
        case Digits(of=term, least=least, most=most):
            number = _value(term, posed)
            if not isinstance(number, Fraction):
                raise AskError("digits are of a number", term.start, term.end)
            return least <= len(str(abs(number.numerator) // number.denominator)) <= most
        case Exact():
            return all(is_exact(posed.graph(net)) for net in posed.problem.nets.values())
        case Fits():
            return all(net.works("", posed.values) for net in posed.problem.nets.values())
        case Apart(ids=ids):
            return all(_are_apart(posed, part, ids, shows) for part in posed.problem.parts)
    raise AssertionError("every condition is one of these")


def wrong_values(posed: Posed, part: Part, ids: tuple[str, ...]) -> Mapping[str, frozenset[Value]]:
    """Return, by mistake, the wrong answers to a part that it leads to; one that changes nothing is not there.

    A mistake counts as made in every layer; one that is only ever made in one place counts in each.
    """
    wanted = frozenset(ids)
    found: dict[str, set[Value]] = {}
    for once, these in ((False, wanted), (True, wanted & ONCE_ONLY)):
        for candidate in posed.candidates(part, kinds=tuple(Kind), once=once, only=these) if these else ():
            for id in candidate.ids:
                found.setdefault(id, set()).add(candidate.value)
    return {id: frozenset(found[id]) for id in ids if id in found}


ONCE_ONLY = frozenset(IDS) - {row.id for row in MISTAKES if row.everywhere}
"""Mistakes that are never made in all layers alike."""


def is_exact(graph: Graph) -> bool:
    """Tell whether no convolution or pool of a network leaves out rows or columns that its stride does not reach.

    Source: Dumoulin & Visin 2016, arXiv:1603.07285, relationship 6: (i + 2p - k) is a multiple of s.
    """
    for node in graph.nodes:
        op = node.op
        if isinstance(op, Conv | Pool):
            strides = op.steps if isinstance(op, Pool) else op.stride
            sizes = graph.types(node)[0].shape[1:]
            axes = zip(sizes, op.reaches, strides, op.pads, strict=True)
            if any((size + sum(pads) - reach) % stride for size, reach, stride, pads in axes):
                return False
    return True


def _are_apart(posed: Posed, part: Part, ids: tuple[str, ...], shows: Callable[[Part, str], bool]) -> bool:
    here = tuple(id for id in ids if shows(part, id))
    values = wrong_values(posed, part, here) if here else {}
    seen: set[Value] = set()
    for id in here:
        if id not in values or values[id] & seen:
            return False
        seen |= values[id]
    return True


_COMPARED: dict[str, Callable[[Evaluated | str, Evaluated | str], bool]] = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


def _compared(several: tuple[Term, ...], signs: tuple[str, ...], posed: Posed) -> bool:
    values = [_value(term, posed) for term in several]
    for i, sign in enumerate(signs):
        left, right = values[i], values[i + 1]
        if sign not in ("==", "!=") and not (type(left) is Fraction and type(right) is Fraction):
            wrong = several[i] if type(left) is not Fraction else several[i + 1]
            raise AskError(f"`{sign}` compares numbers, and this is none", wrong.start, wrong.end)
        if not _COMPARED[sign](left, right):
            return False
    return True


def _value(term: Term, posed: Posed) -> Evaluated | str:
    """Return the value of one side: a name that is drawn as a word, or one of the words, stands for itself."""
    if isinstance(term, Drawn):
        value = posed.values.get(term.name, term.name)
        return value if isinstance(value, str | bool) else Fraction(value)
    return evaluate(term, lambda question: _answered(question, posed), posed.numbers)


def _answered(question: Question, posed: Posed) -> Evaluated:
    """Return a quantity as the sheet's conventions count it."""
    name = f"{question.quantity}({question.place})"
    value = posed.truth(Part(name, name, Ask(NOWHERE, question)))
    if isinstance(value, str):
        raise AskError(f"it is {value}", question.start, question.end)
    return value if isinstance(value, bool | tuple) else Fraction(value)


def _is_of_draws(condition: Condition) -> bool:
    if isinstance(condition, Apart | Exact | Fits):
        return False
    return not any(list(questions(term)) for term in terms(condition))


def _check(term: Term, problem: Problem) -> None:
    """Look up the names and places of arithmetic; raises `AskError`."""
    words = {value for values in problem.draw.values() for value in values if isinstance(value, str)}
    for name in names(term):
        if name.name not in problem.draw and not (name is term and name.name in words):
            close = closest(name.name, (*problem.draw, *SPECIAL))
            help = f"did you mean `{close}`?" if close else f"drawn are {', '.join(problem.draw) or 'none'}"
            raise AskError(f"`{name.name}` is not drawn", name.start, name.end, help)
    for question in questions(term):
        problem.place(question)


# How a requirement is read: the words between arithmetic are found first, and asks are read by their own parser.

_MARK = re.compile(r"<=|>=|==|!=|=|<|>|[()\[\],]|\"[^\"\n]*\"|[A-Za-z_][\w.]*|≤|≥|≠", re.ASCII)
_FOLDED = {"≤": "<=", "≥": ">=", "≠": "!="}
_Mark = tuple[str, int, int, int]
"""Text, start, end, and how many brackets are open around it."""


class _Reader:
    """Reads a requirement by parting it at its words, from the loosest to the tightest."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.marks: list[_Mark] = []
        depth = 0
        for match in _MARK.finditer(text):
            sign = _FOLDED.get(match[0], match[0])
            depth -= sign in (")", "]")
            if depth < 0:
                raise AskError(f"`{sign}` closes nothing", match.start(), match.end())
            self.marks.append((sign, match.start(), match.end(), depth))
            depth += sign in ("(", "[")
            if depth > DEEPEST:
                raise AskError(f"a requirement is nested more than {DEEPEST} deep", match.start(), match.end())
        if depth:
            raise AskError("a bracket is not closed", 0, len(text))

    def condition(self, start: int, end: int, depth: int) -> Condition:
        """Return what a stretch of the text says; `depth` brackets are open around it."""
        start, end = self._trimmed(start, end)
        if start == end:
            raise AskError("a condition is missing here", max(0, start - 1), max(end, 1), "write one, as `p < k`")
        for word, joined in (("or", Some), ("and", Every)):
            found = self._at(start, end, depth, (word,))
            if found:
                pieces = self._pieces(start, end, found)
                return joined(tuple([self.condition(a, b, depth) for a, b in pieces]))
        first = self._within(start, end)[:1]
        if first and first[0][:2] == ("not", start):
            return Not(self.condition(first[0][2], end, depth))
        signs = self._at(start, end, depth, (*_COMPARED, "="))
        if signs:
            return self._comparison(start, end, signs)
        if first and first[0][:2] == ("(", start) and self._closing(first[0]) == end and self._is_logical(start, end):
            return self.condition(start + 1, end - 1, depth + 1)
        return self._single(start, end, depth)

    def _comparison(self, start: int, end: int, signs: list[_Mark]) -> Condition:
        for sign, at, behind, _ in signs:
            if sign == "=":
                raise AskError("`=` compares nothing", at, behind, "write `==`")
        several = [self._arithmetic(a, b) for a, b in self._pieces(start, end, signs)]
        return Comparison(tuple(several), tuple(sign for sign, *_ in signs))

    def _single(self, start: int, end: int, depth: int) -> Condition:
        inside = self._within(start, end)
        word = inside[0][0] if inside and inside[0][1] == start else ""
        opens = len(inside) > 1 and inside[1][0] == "("
        if word in ("exact", "fits") and inside[0][2] == end:
            return Exact() if word == "exact" else Fits()
        if opens and self._closing(inside[1]) == end:
            commas = self._at(inside[1][2], end - 1, depth + 1, (",",))
            pieces = self._pieces(inside[1][2], end - 1, commas)
            if word == "apart":
                return self._apart([self._trimmed(a, b) for a, b in pieces])
            if word == "digits":
                return self._digits(start, end, pieces)
            if word in ("exact", "fits"):
                raise AskError(f"`{word}` takes nothing; it is of every layer", start, end, f"write `{word}`")
        if opens and word not in SPECIAL:
            close = closest(word, SPECIAL)
            if close and word.lower() not in ("max", "min"):
                help = f"did you mean `{close}`?"
                raise AskError(f"there is no requirement `{word}`", start, start + len(word), help)
        return Holds(self._arithmetic(start, end))

    def _apart(self, pieces: list[tuple[int, int]]) -> Condition:
        ids = []
        for start, end in pieces:
            id = self.text[start:end]
            if id not in IDS:
                close = closest(id.upper(), IDS)
                help = f"did you mean `{close}`?" if close else "`apart` takes ids of the catalogue, as in `apart(S01)`"
                raise AskError(f"the catalogue has no mistake `{id[:40]}`", start, max(end, start + 1), help)
            ids.append(id)
        if len(ids) > MOST_APART:
            raise AskError(f"`apart` takes at most {MOST_APART} mistakes", pieces[0][0], pieces[-1][1])
        return Apart(tuple(dict.fromkeys(ids)))

    def _digits(self, start: int, end: int, pieces: list[tuple[int, int]]) -> Condition:
        bounds = [self.text[a:b].strip() for a, b in pieces[1:]]
        sound = len(bounds) == 2 and all(b.isdecimal() and len(b) <= 2 and int(b) <= LONGEST_NUMBER for b in bounds)
        if not sound or not 1 <= int(bounds[0]) <= int(bounds[1]):
            help = "as in `digits(params, 3, 6)`: from three digits to six"
            raise AskError("`digits` takes a number, and how many digits it has at least and at most", start, end, help)
        return Digits(self._arithmetic(*pieces[0]), int(bounds[0]), int(bounds[1]))

    def _arithmetic(self, start: int, end: int) -> Term:
        """Return the tree of one side, with its places in the whole text."""
        start, end = self._trimmed(start, end)
        if start == end:
            raise AskError("one side of a comparison is missing", max(0, start - 1), max(end, 1))
        try:
            # Blank space in front keeps the places in the text; the length is bounded before.
            return parse(" " * start + self.text[start:end])
        except AskError as error:
            raise AskError(str(error).replace("an ask", "a requirement"), error.start, error.end, error.help) from None

    def _trimmed(self, start: int, end: int) -> tuple[int, int]:
        inside = self.text[start:end]
        stripped = inside.strip()
        first = start + len(inside) - len(inside.lstrip()) if stripped else start
        return first, first + len(stripped)

    def _within(self, start: int, end: int) -> list[_Mark]:
        return [mark for mark in self.marks if start <= mark[1] and mark[2] <= end]

    def _at(self, start: int, end: int, depth: int, words: tuple[str, ...]) -> list[_Mark]:
        return [mark for mark in self._within(start, end) if mark[3] == depth and mark[0] in words]

    def _pieces(self, start: int, end: int, marks: list[_Mark]) -> list[tuple[int, int]]:
        starts = [start, *(mark[2] for mark in marks)]
        ends = [*(mark[1] for mark in marks), end]
        return list(zip(starts, ends, strict=True))

    def _closing(self, opening: _Mark) -> int:
        """Return where a bracket closes, behind it."""
        return next(m[2] for m in self.marks if m[1] > opening[1] and m[0] in (")", "]") and m[3] == opening[3])

    def _is_logical(self, start: int, end: int) -> bool:
        """Tell whether a stretch in brackets is a condition, and no arithmetic."""
        return any(m[0] in (*_COMPARED, "=", "and", "or", "not", *SPECIAL) for m in self._within(start, end))
