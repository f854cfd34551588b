"""A class at a glance: what each student drew, the right answers, and what the mistakes to be caught would give."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction

from archdsl.exam.choices import ranked
from archdsl.exam.nets import shown as drawn
from archdsl.exam.posed import Posed
from archdsl.exam.requirements import requirements, wrong_values
from archdsl.exam.sentences import shown
from archdsl.exam.sheet import Conventions, Part, Problem, Sheet
from archdsl.exam.variants import Variant, shared
from archdsl.exam.walk import Value

MOST_IDS = 3
"""Mistakes shown for a part where the problem does not name those that it is to catch."""
WIDEST = 160
"""Of a table; where mistakes make it wider, they are left out."""
MOST_GROUPS = 10
"""Groups of students with one variant that are named."""
NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def table(sheet: Sheet, variants: Sequence[Variant]) -> str:
    """Return the table of a class, one for each problem that draws values, and a sentence on the whole."""
    pieces = []
    several = len(sheet.problems) > 1
    for problem in sheet.problems:
        if problem.draw and variants:
            heading = [f"{problem.id}  {problem.title}".rstrip()] if several else []
            pieces.append("\n".join([*heading, *_rows(problem, variants)]))
    return "\n\n".join([*pieces, summary(sheet, variants)]) + "\n"


def summary(sheet: Sheet, variants: Sequence[Variant]) -> str:
    """Return how many variants there are, who shares one (L6), and what is certain about options."""
    number = len(variants)
    counted = f"{number} variant{'' if number == 1 else 's'}"
    if not any(problem.draw for problem in sheet.problems):
        return f"{counted}{', all alike' if number > 1 else ''}: the sheet draws nothing."
    choices = {part.choices if isinstance(part.choices, int) else len(part.choices) for _, part in sheet.parts} - {0}
    groups = shared(variants)
    different = number - sum(len(group) - 1 for group in groups)
    said = counted if number == 1 else f"{counted}, {'all' if not groups else different} different"
    if choices:
        (size, *others) = choices
        said += f", all {NUMBERS[size] + ' ' if not others and size < len(NUMBERS) else ''}options distinct"
    lines = [f"{said}."]
    lines += [f"{_listed(group)} have the same (L6)" for group in groups[:MOST_GROUPS]]
    if len(groups) > MOST_GROUPS:
        lines.append(f"and {len(groups) - MOST_GROUPS} more groups (L6)")
    return "\n".join(lines)


def _listed(students: Sequence[str]) -> str:
    if len(students) > 8:
        return f"{', '.join(students[:7])} and {len(students) - 7} more"
    return f"{', '.join(students[:-1])} and {students[-1]}"


def _rows(problem: Problem, variants: Sequence[Variant]) -> list[str]:
    telling = {part.id: _ids(variants[0].posed(problem.id), part) for part in problem.parts}
    lines = _laid_out(problem, variants, telling)
    if max(map(len, lines)) > WIDEST:
        lines = _laid_out(problem, variants, {})
    return lines


def _laid_out(problem: Problem, variants: Sequence[Variant], telling: dict[str, tuple[str, ...]]) -> list[str]:
    head = ["", *problem.draw, "draws"]
    gaps = [0, 4, *([2] * (len(problem.draw) - 1)), 3]
    for part in problem.parts:
        ids = telling.get(part.id, ())
        head += [f"({part.id}) truth", *ids]
        gaps += [3, *([3] if ids else []), *([2] * (len(ids) - 1))]
    rows = [head, *([*_row(problem, variant, telling)] for variant in variants)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    return [
        "".join(
            " " * gap + (cell.ljust(width) if i == 0 else cell.rjust(width))
            for i, (cell, width, gap) in enumerate(zip(row, widths, gaps, strict=True))
        ).rstrip()
        for row in rows
    ]


def _row(problem: Problem, variant: Variant, telling: dict[str, tuple[str, ...]]) -> Iterable[str]:
    drawing = variant.drawings[problem.id]
    yield variant.student
    yield from map(drawn, drawing.values.values())
    yield str(drawing.attempt + 1)
    posed = drawing.posed
    for part in problem.parts:
        right = posed.truth(part)
        yield shown(right, posed.conventions)
        ids = telling.get(part.id, ())
        wrong = wrong_values(posed, part, ids) if ids else {}
        for id in ids:
            values = sorted(_short(value, right, posed.conventions) for value in wrong.get(id, ()))
            yield "/".join(values[:2]) or "-"


def _ids(posed: Posed, part: Part) -> tuple[str, ...]:
    """Return the mistakes to show of a part: those that the problem keeps apart, else the most telling ones."""
    named = tuple(dict.fromkeys(id for one in requirements(posed.problem) for id in one.apart))
    seen = tuple(wrong_values(posed, part, named)) if named else ()
    if seen:
        return seen
    right = posed.truth(part)
    likely = [one for _, one in zip(range(MOST_IDS), ranked(posed, part), strict=False) if one.ids]
    return tuple(one.ids[0] for one in sorted(likely, key=lambda one: (_off(right, one.value), one.ids[0])))


def _off(right: Value, wrong: Value) -> Fraction:
    if isinstance(right, int | Fraction) and isinstance(wrong, int | Fraction):
        return abs(Fraction(right) - wrong)
    return Fraction(0)


def _short(value: Value, right: Value, conventions: Conventions) -> str:
    """Return a wrong value; of a shape that differs in its side only, the side."""
    if isinstance(value, tuple) and isinstance(right, tuple) and len(value) == len(right) > 1:
        sides = set(value[1:])
        if len(sides) == 1 and len(set(right[1:])) == 1 and value[0] == right[0]:
            return shown(sides.pop(), conventions)
    return shown(value, conventions)
