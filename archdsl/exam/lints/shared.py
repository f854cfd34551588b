"""L6: students with the same variant."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from math import prod

from archdsl.exam.draws import drawn
from archdsl.exam.lints.findings import Finding
from archdsl.exam.nets import Draw, shown
from archdsl.exam.sheet import Problem, Sheet

MOST_TOLD = 3
"""Groups of students, and students of a group, that a finding names."""


def shared(sheet: Sheet, seed: int | str, students: Iterable[str]) -> tuple[Finding, ...]:
    """Return the problems of which some students draw the same values.

    Raises:
        SheetError: a problem cannot be drawn.
    """
    names = list(dict.fromkeys(students))
    found: list[Finding] = []
    for problem in sheet.problems:
        if problem.draw:
            values = {name: drawn(problem, sheet.conventions, seed, name) for name in names}
            found.extend(alike_variants(problem, values))
    return tuple(found)


def alike_variants(problem: Problem, values: Mapping[str, Mapping[str, Draw]]) -> Iterator[Finding]:
    """Yield one finding where students, by name, have the same values for a problem."""
    groups: dict[tuple[tuple[str, Draw], ...], list[str]] = {}
    for student, drawn_ in values.items():
        groups.setdefault(tuple(sorted(drawn_.items())), []).append(student)
    several = {key: names for key, names in groups.items() if len(names) > 1}
    if not several:
        return
    told = [f"{_names(names)} ({_values(key)})" for key, names in list(several.items())[:MOST_TOLD]]
    more = f", and {len(several) - MOST_TOLD} more groups" if len(several) > MOST_TOLD else ""
    room = prod(len(choices) for choices in problem.draw.values())
    said = f"the same variant for {'; '.join(told)}{more}: {len(values)} students, {len(groups)} different variants"
    said += f" of at most {room:,}"
    yield Finding("L6", (problem.id,), said, problem.span)


def _names(names: list[str]) -> str:
    if len(names) <= MOST_TOLD:
        return " and ".join([", ".join(names[:-1]), names[-1]])
    return f"{', '.join(names[:MOST_TOLD])} and {len(names) - MOST_TOLD} more"


def _values(key: tuple[tuple[str, Draw], ...]) -> str:
    return " ".join(f"{name}={shown(value)}" for name, value in key)
