"""What is behind a wrong answer: one mistake, an edit of the network, another quantity, a slip, two mistakes.

The levels are tried in this order, and the first that leads to the answer is told with all that lead there; what is
made in every layer comes before what is made in one. Small numbers over-explain, so that pairs are only looked for
where the number is large or the student made one of the two before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction

from archdsl.exam.asks import Listed
from archdsl.exam.changed import changed
from archdsl.exam.mistakes import slips
from archdsl.exam.posed import Answers, Posed
from archdsl.exam.quantities import TELLING, Candidate
from archdsl.exam.sentences import explanation, told
from archdsl.exam.sheet import Part
from archdsl.exam.walk import Kind, Value

Meets = Callable[[Value], object]
"""Tells whether the answer means a value."""

SPATIAL = frozenset({"P08", "P09", "P15", "P20", "P21", "P26"})
"""Mistakes by which a count of weights depends on the sizes of maps; of the student's own, where they are known."""

LEAST_SLIP = 100
"""From here up a number that is one digit off is a slip of the pen; a smaller one may be anything."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What leads to an answer: the ids of the catalogue and a sentence; no ids where a layer has other arguments."""

    ids: tuple[str, ...]
    said: str
    is_slip: bool = False


def diagnose(
    posed: Posed, part: Part, truth: Value, alternatives: tuple[Answers, ...], made: frozenset[str], meets: Meets
) -> Diagnosis | None:
    """Return what is behind an answer that is not right, or nothing where no level of the catalogue leads to it.

    `alternatives` are the student's earlier answers in each way they may be meant; `made` the mistakes made before.
    """
    if isinstance(truth, bool | str):
        return None
    if meets(0):  # which a layer that is left out, or a moved point, gives whatever was done
        hits = [one for one in posed.candidates(part) if one.value == 0]
        return Diagnosis(tuple(dict.fromkeys(id for one in hits for id in one.ids)), told(hits)) if hits else None
    for candidates in _levels(posed, part, alternatives):
        hits = [one for one in candidates if meets(one.value)]
        if hits:
            ids = tuple(dict.fromkeys(id for one in hits for id in one.ids))
            return Diagnosis(ids, told(hits))
    if other := next((one for one in changed(posed, part) if one.value != truth and meets(one.value)), None):
        return Diagnosis((), f"this is right for {other.argument} in `{other.layer}`")
    return _other(posed, part, meets) or _slip(truth, meets) or _pair(posed, part, truth, made, meets)


def _levels(posed: Posed, part: Part, alternatives: tuple[Answers, ...]) -> Iterator[tuple[Candidate, ...]]:
    """Yield what a single cause leads to, level by level; each is computed when the one before did not hit."""
    for given in alternatives:
        yield posed.candidates(part, given=given)
        if posed.quantity(part) in ("params", "weights") and posed.relevant(part, given) is None:
            yield posed.candidates(part, given=given, only=SPATIAL)
        yield posed.candidates(part, given=given, once=True)
    yield posed.candidates(part)
    yield posed.candidates(part, once=True)
    yield posed.candidates(part, kinds=(Kind.STRUCTURE,))
    yield posed.candidates(part, kinds=(Kind.STRUCTURE,), once=True)


def _other(posed: Posed, part: Part, meets: Meets) -> Diagnosis | None:
    hits = [one for one in posed.candidates(part, kinds=(Kind.OTHER,)) if meets(one.value)]
    if not hits:
        return None
    return Diagnosis(tuple(dict.fromkeys(id for one in hits for id in one.ids)), told(hits))


def _slip(truth: Value, meets: Meets) -> Diagnosis | None:
    if isinstance(truth, Listed):
        return None
    ids = tuple(dict.fromkeys(id for id, value in slips(truth) if value != truth and meets(value)))
    if isinstance(truth, tuple):
        ids = tuple(id for id in ids if id != "A04")  # a size that is off by one is hardly ever a slip of the pen
    if not ids:
        return None
    is_slip = not isinstance(truth, str | tuple) and abs(Fraction(truth)) >= LEAST_SLIP
    said = ", or it ".join(explanation(id, "") for id in ids[:2])
    return Diagnosis(ids, f"the answer {said}", is_slip)


def _pair(posed: Posed, part: Part, truth: Value, made: frozenset[str], meets: Meets) -> Diagnosis | None:
    is_large = isinstance(truth, int | Fraction) and truth > TELLING
    if not is_large and not made:
        return None
    hits = [one for one in posed.pairs(part) if meets(one.value)]
    ids = tuple(dict.fromkeys(id for one in hits for id in one.ids if is_large or made.intersection(id.split("+"))))
    return Diagnosis(ids, told(hits)) if ids else None
