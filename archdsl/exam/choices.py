"""The options of a question of choice: the right answer among values that real mistakes lead to.

All options look different, and none but the right one would be graded as right: not in another order of axes, not
within the tolerance, and not under a convention that the sheet does not rule out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from hashlib import sha256
from math import log, prod

from archdsl.diagnostics import Diagnostic
from archdsl.exam.answers import Answer, read_answer
from archdsl.exam.matching import Match, match
from archdsl.exam.mistakes import IDS, MISTAKES
from archdsl.exam.mistakes.params import is_depthwise, is_grouped
from archdsl.exam.mistakes.shapes import is_dilated
from archdsl.exam.posed import Posed
from archdsl.exam.prose import with_values
from archdsl.exam.requirements import requirements
from archdsl.exam.sentences import shown
from archdsl.exam.sheet import Part
from archdsl.exam.texts import SheetError
from archdsl.exam.walk import Kind, Value
from archdsl.ops.conv import ConvTranspose
from archdsl.ops.merge import Add, Concat
from archdsl.ops.norm import BatchNorm
from archdsl.ops.pool import AdaptivePool
from archdsl.rules import exam as rules

SEEN = {
    "P04": 3, "S02": 2, "S03": 2, "S08": 2, "S12": 2, "S26": 2, "S17b": 2, "P01": 2, "P18": 2, "F10": 2, "F01": 2,
    "S04": 1, "S05": 1, "S07": 1, "S14": 1, "S15b": 1, "S16": 1, "S22": 1, "S23": 1, "S25": 1, "S27": 1, "P02": 1,
    "P05": 1, "P09": 1, "P14": 1, "P19": 1, "P27": 1, "P30": 1, "P32": 1, "R01": 1, "R08": 1, "R13": 1, "F09": 1,
    "M04": 1,
}  # fmt: skip
"""How many published wrong options and keys of the corpus stem from each mistake; of those not named, none."""

PARTICULAR = (AdaptivePool, Add, BatchNorm, Concat, ConvTranspose)
"""Layers that a problem has on purpose, so that mistakes about them are what it is to catch."""

FARTHEST = 64
"""By how much an option may differ from the right answer before it is taken last: it is ruled out at a glance."""


@dataclass(frozen=True, slots=True)
class Wrong:
    """A wrong answer, with the mistakes that lead to it."""

    value: Value
    ids: tuple[str, ...]
    firm: bool = False


@dataclass(frozen=True, slots=True)
class Option:
    """One of the answers to choose from."""

    text: str
    is_right: bool
    ids: tuple[str, ...] = ()
    """The mistakes that lead to it; none for the right one, and for a wrong one of no known mistake."""
    value: Value | None = field(default=None, compare=False)


def options(posed: Posed, part: Part, seed: int | str = "") -> tuple[Option, ...]:
    """Return the answers to choose from; none for an open question.

    Those that the sheet lists keep their order. Those that are made stand in an order that depends on `seed` and the
    options alone; a variant's seed is its code, so that no two students need have the same order.

    Raises:
        SheetError: there are too few wrong answers, or of the listed ones not exactly one is right.
        AskError: the part has no right answer.
    """
    if isinstance(part.choices, tuple):
        return _listed(posed, part)
    if not part.choices:
        return ()
    right = posed.truth(part)
    made = [Option(shown(right, posed.conventions), True, (), right)]
    for wrong in ranked(posed, part):
        text = shown(wrong.value, posed.conventions)
        if all(text != other.text for other in made) and not is_right(posed, part, text):
            made.append(Option(text, False, wrong.ids, wrong.value))
        if len(made) == part.choices:
            return tuple(sorted(made, key=lambda option: _place(seed, part, option)))
    said = f"`{part.name}` asks for {part.choices} options, and only {len(made)} are different"
    help = f"ask for {max(2, len(made))}, or for something that more mistakes change"
    raise _refused(part, said, help)


def ranked(posed: Posed, part: Part) -> Iterator[Wrong]:
    """Yield the wrong answers to a part, the most telling first; none is right under a convention that is left open.

    First come the mistakes that the problem keeps `apart`, then those about its particular layers, then those most
    often seen, then those whose values are nearest to the right one.
    """
    right = posed.truth(part)
    if isinstance(right, bool):
        yield Wrong(not right, ())
        return
    named = tuple(dict.fromkeys(id for one in requirements(posed.problem) for id in one.apart))
    allowed = accepted(posed, part)
    found: dict[Value, Wrong] = {}
    for kinds, once in (((Kind.RULE, Kind.STRUCTURE), False), ((Kind.OTHER,), False), ((Kind.STRUCTURE,), True)):
        for candidate in posed.candidates(part, kinds=kinds, once=once):
            if candidate.value not in allowed and candidate.value not in found and _is_plain(candidate.value):
                ids = tuple(dict.fromkeys(candidate.ids))
                found[candidate.value] = Wrong(candidate.value, ids, candidate.firm)
    yield from sorted(found.values(), key=lambda wrong: _rank(posed, right, wrong, named))


def accepted(posed: Posed, part: Part) -> frozenset[Value]:
    """Return the values that are right under another convention than the sheet's, unless the sheet rules it out."""
    found: set[Value] = set()
    for candidate in posed.candidates(part, kinds=(Kind.CONVENTION,)):
        if not all(map(posed.rules_out, candidate.ids)):
            found.add(candidate.value)
    found.update(value for id, value in posed.otherwise(part) if not posed.rules_out(id))
    return frozenset(found)


def is_right(posed: Posed, part: Part, text: str) -> bool:
    """Tell whether an option, as shown, would be taken for the right answer: in whole, in part or rounded."""
    return match(_answer(posed, part, text), posed.truth(part), layout="any", tolerance=part.tolerance) is not None


def _listed(posed: Posed, part: Part) -> tuple[Option, ...]:
    assert isinstance(part.choices, tuple), "the sheet lists them"
    truth, layout = posed.truth(part), posed.conventions.layout
    wrongs = list(ranked(posed, part))
    made: list[Option] = []
    for written in part.choices:
        text = " ".join(with_values(written.text, posed).split())
        answer = _answer(posed, part, text)
        right = match(answer, truth, layout=layout, tolerance=part.tolerance) in (Match.EXACT, Match.ROUNDED)
        hit = next((w for w in wrongs if match(answer, w.value, layout=layout)), None)
        made.append(Option(text, right, () if right or hit is None else hit.ids, truth if right else None))
    number = sum(option.is_right for option in made)
    if number != 1:
        counted = f"{number} of the options of `{part.name}` are" if number else f"no option of `{part.name}` is"
        said = f"{counted} right"
        raise _refused(part, said, f"the right answer is {shown(truth, posed.conventions)}")
    twice = next((one.text for i, one in enumerate(made) if one.text in [o.text for o in made[:i]]), None)
    if twice is not None:
        raise _refused(part, f"`{part.name}` has the option {twice} twice", "every option looks different")
    return tuple(made)


def _answer(posed: Posed, part: Part, text: str) -> Answer:
    wanted, stated = posed.wanted(part), posed.conventions
    return read_answer(text, wanted.kind, unit=wanted.unit, axes=wanted.axes, layout=stated.layout, kilo=stated.kilo)


def _refused(part: Part, said: str, help: str) -> SheetError:
    span = part.choices[0].span if isinstance(part.choices, tuple) else part.span or part.ask.text.span
    return SheetError((Diagnostic(rules.BAD_OPTIONS, said, span, help=help),))


def _place(seed: int | str, part: Part, option: Option) -> bytes:
    return sha256(f"{seed}|{part.name}|option|{option.text}".encode("utf-8", "surrogatepass")).digest()


# How telling a wrong answer is.

_ROW = {row.id: row for row in reversed(MISTAKES)}
_CATALOGUE: Mapping[str, int] = {id: number for number, id in enumerate(IDS)}


def _rank(posed: Posed, right: Value, wrong: Wrong, named: tuple[str, ...]) -> tuple[int, bool, bool, int, float, int]:
    keep = min((named.index(id) for id in wrong.ids if id in named), default=len(named))
    distance = _distance(right, wrong.value)
    return (
        keep,
        distance > log(FARTHEST),
        not any(map(_is_particular, wrong.ids)),
        -max((SEEN.get(id, 0) for id in wrong.ids), default=0),
        distance,
        min((_CATALOGUE.get(id, 0) for id in wrong.ids), default=0),
    )


def _is_particular(id: str) -> bool:
    row = _ROW.get(id)
    if row is None or row.kind is not Kind.RULE:
        return False
    return set(row.on) <= set(PARTICULAR) or row.where in (is_grouped, is_depthwise, is_dilated)


def _distance(right: Value, wrong: Value) -> float:
    """Return by what factor a value is off, as a logarithm; a shape counts by its elements."""
    one, other = _magnitude(right), _magnitude(wrong)
    return abs(log(one) - log(other)) if one > 0 and other > 0 else log(FARTHEST) * 2


def _magnitude(value: Value) -> Fraction:
    if isinstance(value, tuple):
        return Fraction(prod(value))
    return Fraction(0) if isinstance(value, str) else abs(Fraction(value))


def _is_plain(value: Value) -> bool:
    """Tell whether nobody sees at a glance that a value is wrong: sizes are whole and positive."""
    if isinstance(value, tuple):
        return all(Fraction(size).denominator == 1 and size > 0 for size in value)
    return not isinstance(value, str) and value > 0
