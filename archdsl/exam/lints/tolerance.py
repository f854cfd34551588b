"""L9: a tolerance wide enough to hold what a mistake gives, so that the mistake earns full marks."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from math import floor, log10

from archdsl.exam.lints.findings import Finding
from archdsl.exam.lints.item import Item
from archdsl.exam.sentences import explanation, number, shown
from archdsl.exam.walk import Kind

MOST_TOLD = 3
LEAST = Fraction(1, 10_000)
"""A smaller tolerance is not worth proposing."""


def tolerance(item: Item) -> Iterator[Finding]:
    """Yield the parts whose tolerance holds the value of a mistake made in every layer, or of another quantity."""
    for part in item.parts:
        right = item.truth(part)
        if not part.tolerance or isinstance(right, bool | str | tuple):
            continue
        value = Fraction(right)
        room = abs(value) * part.tolerance
        found: dict[str, Fraction] = {}
        for one in item.posed.candidates(part, kinds=(Kind.RULE, Kind.OTHER)):
            if isinstance(one.value, int | Fraction) and abs(one.value - value) <= room:
                for id in one.ids:
                    found.setdefault(id, Fraction(one.value))
        if not found:
            continue
        names = list(found)
        told = "; ".join(f"{number(found[id])} is {id}, {_did(id, item.posed.quantity(part))}" for id in names[:1])
        more = f", and so are the values of {', '.join(names[1:MOST_TOLD])}" if len(names) > 1 else ""
        more += f" and {len(names) - MOST_TOLD} more" if len(names) > MOST_TOLD else ""
        low, high = number(value - room), number(value + room)
        said = f"{low} to {high} is accepted for {shown(value)}, and {told}{more}"
        nearest = min(abs(one - value) for one in found.values()) / abs(value) if value else Fraction(0)
        if nearest >= LEAST:
            said += f"; below {_percent(nearest)} it would hold none"
        yield Finding("L9", (part.name,), said, part.span, tuple(names))


def _did(id: str, quantity: str) -> str:
    return f"who {explanation(id, quantity).partition(': ')[0]}"


def _percent(share: Fraction) -> str:
    """Return a share as a percentage, rounded down to two digits: what is proposed has to hold."""
    exponent = floor(log10(share * 100)) - 1
    return f"{floor(share * 100 / Fraction(10) ** exponent) * 10.0**exponent:.2g} %"
