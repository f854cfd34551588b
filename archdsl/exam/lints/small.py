"""L5: an answer so small that mistakes end in the same few numbers, so that no diagnosis is worth much."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from archdsl.exam.lints.findings import Finding
from archdsl.exam.lints.item import Item
from archdsl.exam.sentences import shown
from archdsl.exam.walk import Value

SMALL = 10
"""A number below this is small."""
SMALL_SIDE = 4
"""A map whose sides are all below this is small."""
ASKS = frozenset({"shape", "receptive_field", "params", "weights", "macs", "flops"})
"""Quantities that larger sizes make larger; a jump stays small."""
FEWEST = 4
"""Mistakes that have to change an answer before their values are compared."""


def small(item: Item) -> Iterator[Finding]:
    """Yield the parts with a small answer for which more than half of the mistakes end in a value of another."""
    for part in item.parts:
        value = item.truth(part)
        target = item.posed.target(part)
        if target is None or target[1].quantity not in ASKS or not _is_small(value) or part.choices:
            continue
        wrong = item.posed.candidates(part)
        every = {id for one in wrong for id in one.ids}
        alone = {id for one in wrong if len(set(one.ids)) == 1 for id in one.ids}
        shared = len(every - alone)
        if len(every) >= FEWEST and 2 * shared > len(every):
            said = f"{shown(value, item.posed.conventions)} is too small to diagnose: of {len(every)} mistakes that"
            said += f" change it {shared} end in a value that another gives too; take larger sizes"
            yield Finding("L5", (part.name,), said, part.span, tuple(sorted(every - alone)))


def _is_small(value: Value) -> bool:
    if isinstance(value, bool | str):
        return False
    if isinstance(value, tuple):
        return len(value) > 1 and max(value[1:]) < SMALL_SIDE
    return abs(Fraction(value)) < SMALL
