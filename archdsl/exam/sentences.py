"""Values and mistakes in words: what a report, a quiz or a solution says of them."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from archdsl.exam.asks import Listed
from archdsl.exam.mistakes import MISTAKES, SLIPS
from archdsl.exam.quantities import Candidate
from archdsl.exam.sheet import Conventions
from archdsl.exam.walk import INVALID, Mistake, Value

MOST_TOLD = 2
"""Explanations of one answer that a sentence holds."""


def shown(value: Value, conventions: Conventions | None = None) -> str:
    """Return a value as a sheet writes it: `64x32x32`, or `32x32x64` where channels come last; `20,928`; `109.77`."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return "impossible" if value == INVALID else value
    if isinstance(value, Listed):
        return ", ".join(map(_plain, value))
    if isinstance(value, tuple):
        last = conventions is not None and conventions.layout == "HWC" and len(value) > 2
        sizes = (*value[1:], value[0]) if last else value
        return "x".join(map(_plain, sizes))
    return number(value)


def number(value: int | Fraction) -> str:
    """Return a number with groups of three digits; a fraction with five digits, and two decimals where it is large."""
    if Fraction(value).denominator == 1:
        return f"{int(value):,}"
    rounded = float(value)
    if abs(rounded) < 1:
        return f"{rounded:.5g}"
    decimals = max(2, 5 - len(str(int(abs(rounded)))))
    return f"{rounded:,.{decimals}f}".rstrip("0").rstrip(".")


def row(id: str, quantity: str) -> Mistake | None:
    """Return the row of the catalogue that an id stands for where a quantity is asked; nothing for slips."""
    rows = [mistake for mistake in MISTAKES if mistake.id == id]
    return next((m for m in rows if quantity in m.asks), rows[0] if rows else None)


def explanation(id: str, quantity: str) -> str:
    """Return what somebody did who made a mistake, to be read after "you", with the rule that was used."""
    if "+" in id:
        return " and ".join(explanation(one, quantity) for one in id.split("+"))
    found = row(id, quantity)
    if found is not None:
        return f"{found.did}: {found.formula}"
    return next((slip.did for slip in SLIPS if slip.id == id), "")


def told(hits: Iterable[Candidate]) -> str:
    """Return the sentence about an answer that some mistakes lead to: a guess about a person, worded as one."""
    causes: dict[str, None] = {}
    firm = False
    for hit in hits:
        firm = firm or hit.firm
        causes |= dict.fromkeys(hit.did)
    said = ", or ".join(list(causes)[:MOST_TOLD])
    return f"this is the value you get if you {said}" if firm else f"you would get this if you {said}"


def _plain(size: int | Fraction) -> str:
    return str(size) if Fraction(size).denominator == 1 else f"{float(size):g}"
