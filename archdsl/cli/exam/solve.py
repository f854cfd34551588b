"""`archdsl exam solve`: worked solutions of a sheet, part by part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import click

from archdsl.cli.common import emit, output_options, tell
from archdsl.cli.exam.sheets import open_sheet, say, say_remarks

if TYPE_CHECKING:
    from archdsl.diagnostics import Diagnostic
    from archdsl.exam.nets import Draw
    from archdsl.exam.sheet import Part, Problem, Sheet
    from archdsl.exam.solutions.document import Worked

Values = Mapping[str, "Draw"]


@click.command("solve")
@click.argument("file")
@click.option("--part", "parts", multiple=True, metavar="q1.d", help="Only this part, or all of a problem; repeatable.")
@click.option("--to", type=click.Choice(("text", "md", "latex", "arch")), default="text", show_default=True)
@click.option("--fill", is_flag=True, help="Write the answers over each `?` in FILE, a file of the language.")
@click.option("--brief/--steps", help="The answer with one line of working, or all of the steps.  [default: steps]")
@click.option("--variant", metavar="STUDENT", help="The values that this student was given; needs --seed.")
@click.option("--seed", metavar="SEED", help="What the variants were made with.")
@click.option("-D", "define", multiple=True, metavar="NAME=VALUE", help="A value that a problem draws.")
@output_options
def command(
    file: str,
    parts: tuple[str, ...],
    to: str,
    fill: bool,
    brief: bool,
    variant: str | None,
    seed: str | None,
    define: tuple[str, ...],
    color: str,
    output: str | None,
) -> int:
    """Print the worked derivation of every part of the sheet FILE.

    \b
    archdsl exam solve sheet3.yaml
    archdsl exam solve sheet3.yaml --part q1.e --to md
    archdsl exam solve up.yaml --variant s01 --seed 2026 --brief
    archdsl exam solve up.yaml -D n=28 -D c=16 -D k=5 -D s=3 -D p=2 -D o=8
    archdsl exam solve quiz.arch --to arch -o key.arch

    In a file of the language, each `?` is worked out, or everything that it expects where there is none; `--to arch`
    is that file with the answers in place of each `?`.
    """
    from archdsl.exam.solutions.document import document
    from archdsl.exam.texts import SheetError

    if (variant is None) != (seed is None):
        raise click.UsageError("--variant says whose values, and --seed what they were drawn with: give both")
    if variant is not None and define:
        raise click.UsageError("give --variant or -D, not both")
    sheet = open_sheet(file, color)
    say_remarks(sheet)
    if fill or to == "arch":
        return _fill(file, sheet, parts, output, color, in_place=fill)
    chosen = _chosen(sheet, parts)
    if not chosen:
        raise click.UsageError(f"{file} has no problems")
    given = _given(sheet, define)
    values = {}
    try:
        for problem, _ in chosen:
            values[problem.id] = _values(sheet, problem, given, variant, seed)
    except SheetError as error:
        tell(error.diagnostics, color)
        return 1
    solved: list[Worked] = []
    failed = []
    for problem, asked in chosen:
        worked, diagnostics = _solved(sheet, problem, asked, values[problem.id])
        solved.append(worked)
        failed += diagnostics
    tell(failed, color)
    if any(worked.solutions for worked in solved):
        emit(document(sheet.title if not parts else "", solved, to, brief=brief), output)
    return 1 if failed else 0


def _chosen(sheet: Sheet, names: Sequence[str]) -> list[tuple[Problem, list[Part]]]:
    """Return the problems with the parts that are wanted, in the order of the sheet."""
    from archdsl.diagnostics import closest

    known = [name for problem in sheet.problems for name in (problem.id, *(part.name for part in problem.parts))]
    for name in names:
        if name not in known:
            close = closest(name, known)
            hint = f"did you mean {close}?" if close else f"there are {', '.join(known[:12])}"
            raise click.UsageError(f"there is no part `{name[:60]}`; {hint}")
    asked = sheet if names else sheet.asking
    found = [
        (problem, [part for part in problem.parts if not names or {part.name, problem.id} & set(names)])
        for problem in asked.problems
    ]
    return [(problem, parts) for problem, parts in found if parts]


def _fill(file: str, sheet: Sheet, parts: Sequence[str], output: str | None, color: str, *, in_place: bool) -> int:
    """Print or write a file of the language with its blanks filled in, all of them or none."""
    from archdsl.exam.filling import filled
    from archdsl.exam.texts import SheetError
    from archdsl.resources import bundled_spec

    if not sheet.is_light:
        raise click.UsageError(f"{file} has no `?` to fill in: only a file of the language, .arch, has")
    path = Path(file)
    if in_place and output is not None:
        raise click.UsageError("--fill writes into the sheet, and -o elsewhere: give one of them")
    if in_place and not path.exists():
        raise click.UsageError(f"{sheet.source.name} is a bundled spec and stays as it is; give -o")
    if output not in (None, "-") and path.exists() and Path(output).exists() and path.samefile(output):
        raise click.UsageError(f"{output} is the sheet itself; --fill fills it in")
    names = {part.name for _, chosen in _chosen(sheet, parts) for part in chosen}
    original = (path if path.exists() else bundled_spec(file) or path).read_bytes().decode("utf-8")
    try:
        text, count = filled(sheet, original, names)
    except SheetError as error:
        tell(error.diagnostics, color)
        return 1
    if not count:
        say("note: there is no `?` to fill in")
    if not in_place:
        emit(text, output, as_is=True)
    elif count:
        emit(text, str(path.resolve()), as_is=True)
    return 0


# Drawn values.


def _given(sheet: Sheet, define: Sequence[str]) -> dict[str, str]:
    """Return what -D gives by name, still as text."""
    from archdsl.diagnostics import closest

    known = dict.fromkeys(name for problem in sheet.problems for name in problem.draw)
    found: dict[str, str] = {}
    for text in define:
        name, sign, value = (piece.strip() for piece in text.partition("="))
        if not sign or not name or not value:
            raise click.UsageError(f"-D takes NAME=VALUE, as in -D n=28, not `{text[:60]}`")
        if name not in known:
            close = closest(name, known)
            hint = f"did you mean {close}?" if close else f"drawn are {', '.join(known)}" if known else "none is drawn"
            raise click.UsageError(f"no problem draws `{name[:60]}`; {hint}")
        if name in found:
            raise click.UsageError(f"-D gives `{name}` twice")
        found[name] = value
    return found


def _values(sheet: Sheet, problem: Problem, given: Mapping[str, str], variant: str | None, seed: str | None) -> Values:
    """Return the values that a problem is solved for."""
    if not problem.draw:
        return {}
    if variant is not None and seed is not None:
        from archdsl.exam.draws import drawn

        return drawn(problem, sheet.conventions, seed=seed, student=variant)
    missing = [name for name in problem.draw if name not in given]
    if missing:
        definitions = " ".join(f"-D {name}={_first(problem, name)}" for name in problem.draw)
        lacking = f", and {', '.join(missing)} {'has' if len(missing) == 1 else 'have'} no value"
        raise click.UsageError(
            f"{problem.id} draws {', '.join(problem.draw)}{lacking if len(missing) < len(problem.draw) else ''}; "
            f"give {definitions}, or a student's values with --variant s01 --seed 2026"
        )
    return {name: _value(problem, name, given[name]) for name in problem.draw}


def _first(problem: Problem, name: str) -> str:
    from archdsl.exam.nets import shown

    return shown(problem.draw[name][0])


def _value(problem: Problem, name: str, text: str) -> Draw:
    """Return the value that -D gives, one of those that the problem may draw."""
    from archdsl.exam.nets import shown

    for value in problem.draw[name]:
        if shown(value) == text or (not isinstance(value, str | bool) and _number(text) == value):
            return value
    among = ", ".join(shown(value) for value in problem.draw[name][:20])
    raise click.UsageError(f"`{name}` cannot be {text[:40]}: {problem.id} draws it from {among}")


def _number(text: str) -> Fraction | None:
    try:
        return Fraction(text) if len(text) <= 20 and "e" not in text.lower() else None
    except (ValueError, ZeroDivisionError):
        return None


def _solved(sheet: Sheet, problem: Problem, parts: list[Part], values: Values) -> tuple[Worked, list[Diagnostic]]:
    """Return the solutions of a problem, and what is wrong with the parts that have none."""
    from archdsl.exam.asks import AskError
    from archdsl.exam.nets import shown
    from archdsl.exam.posed import Posed
    from archdsl.exam.solution import Bench, solve
    from archdsl.exam.solutions.document import Worked
    from archdsl.exam.texts import SheetError

    bench = Bench(Posed(problem, sheet.conventions, values))
    found, problems = [], []
    for part in parts:
        try:
            found.append(solve(bench, part))
        except AskError as error:
            problems.append(part.ask.problem(error))
        except SheetError as error:
            problems += [one for one in error.diagnostics if one not in problems]
    drawn = ", ".join(f"{name} = {shown(value)}" for name, value in values.items())
    return Worked(problem.id, problem.title, tuple(found), drawn), problems
