"""Lints: items that cannot see the mistake they are meant to catch, or that leave open what they mean."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

from archdsl.exam.asks import AskError
from archdsl.exam.draws import drawn
from archdsl.exam.lints.alike import alike
from archdsl.exam.lints.channels import channels
from archdsl.exam.lints.findings import CODES, Finding
from archdsl.exam.lints.item import Item
from archdsl.exam.lints.options import options
from archdsl.exam.lints.rounding import rounding
from archdsl.exam.lints.shared import alike_variants, shared
from archdsl.exam.lints.small import small
from archdsl.exam.lints.tolerance import tolerance
from archdsl.exam.lints.unasked import unasked
from archdsl.exam.lints.unseen import unseen
from archdsl.exam.lints.wording import wording
from archdsl.exam.nets import Draw, shown
from archdsl.exam.posed import Posed
from archdsl.exam.sheet import Problem, Sheet
from archdsl.exam.texts import SheetError

__all__ = ["CODES", "Finding", "alike_variants", "lint", "shared"]

LINTS: tuple[Callable[[Item], Iterable[Finding]], ...] = (
    unseen,
    alike,
    rounding,
    channels,
    small,
    options,
    wording,
    tolerance,
    unasked,
)
"""In the order of their codes; L6 is about a class and not about an item: see `shared`."""

VARIANTS = 5
"""Variants that are looked at of a problem that draws values."""

SEED = 0


def lint(sheet: Sheet) -> tuple[Finding, ...]:
    """Return what the items of a sheet cannot see or leave open, problem by problem in the order of the codes.

    Of a problem that draws values the first variants of seed 0 are looked at; a finding says in how many of them it
    holds. A problem with errors has no findings: its errors are told elsewhere.
    """
    return tuple(finding for problem in sheet.problems for finding in _of_problem(sheet, problem))


def _of_problem(sheet: Sheet, problem: Problem) -> Iterator[Finding]:
    try:
        variants = _variants(sheet, problem)
        found = [tuple(_of_variant(Item(Posed(problem, sheet.conventions, values)))) for values in variants]
    except (SheetError, AskError):
        return
    if len(variants) == 1:
        yield from found[0]
        return
    yield from _together(variants, found)


def _variants(sheet: Sheet, problem: Problem) -> list[Mapping[str, Draw]]:
    if not problem.draw:
        return [{}]
    return [drawn(problem, sheet.conventions, SEED, f"{number:02}") for number in range(1, VARIANTS + 1)]


def _of_variant(item: Item) -> Iterator[Finding]:
    for each in LINTS:
        yield from each(item)


def _together(variants: list[Mapping[str, Draw]], found: list[tuple[Finding, ...]]) -> Iterator[Finding]:
    """Yield the findings of several variants, each once with how many of them have it."""
    groups: dict[tuple[str, str, tuple[str, ...]], list[tuple[Finding, Mapping[str, Draw]]]] = {}
    for values, findings in zip(variants, found, strict=True):
        for one in findings:
            ids = one.ids if one.code in ("L1", "L2") else ()
            group = groups.setdefault((one.code, one.name, ids), [])
            if not group or group[-1][1] is not values:
                group.append((one, values))
    order = list(CODES)
    for group in sorted(groups.values(), key=lambda group: order.index(group[0][0].code)):
        first, values = group[0]
        often = "in all" if len(group) == len(variants) else f"in {len(group)} of"
        if len(group) == len(variants) and len({one.said for one, _ in group}) == 1:
            yield first
            continue
        where = " ".join(f"{name}={shown(value)}" for name, value in values.items())
        yield replace(first, said=f"{first.said} ({often} {len(variants)} variants; this is {where})")
