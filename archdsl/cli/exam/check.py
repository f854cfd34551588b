"""`archdsl exam check`: the keys of sheets, held against the computed values."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from archdsl.cli.common import emit, output_options, tell, wants_colour
from archdsl.cli.exam.sheets import open_sheet, say_remarks

if TYPE_CHECKING:
    from archdsl.exam.keys import CheckedKey
    from archdsl.exam.lints import Finding
    from archdsl.exam.sheet import Sheet

VARIANTS = 5
"""Drawn variants of a problem whose keys are checked."""


@click.command("check")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--lint", "lints", is_flag=True, help="Also tell which items cannot see the mistake they are meant for.")
@click.option("--answer", metavar="PART=ANSWER", multiple=True, help="Judge one answer: --answer q1.a=60x60x32")
@click.option("--seed", default="0", show_default=True, help="Of the drawn values of problems that have any.")
@click.option("--format", "format_", type=click.Choice(("text", "json")), default="text", show_default=True)
@output_options
def command(
    files: tuple[str, ...],
    lints: bool,
    answer: tuple[str, ...],
    seed: str,
    format_: str,
    output: str | None,
    color: str,
) -> int:
    """Hold the keys of sheets against the computed values, and name the mistake behind a wrong one.

    A sheet is a file in YAML, TOML or JSON, notes in Markdown whose fenced blocks are checked like tests, or a file of
    the language itself, where `expect params == ?` is a question and a value in place of `?` its key. Exit code 1 if a
    key is wrong, or right only under another convention.
    """
    if answer and len(files) != 1:
        raise click.UsageError("--answer is about one sheet")
    texts, records, found = [], [], False
    for file in files:
        sheet = open_sheet(file, color)
        say_remarks(sheet)
        if answer:
            text, record, is_found = _answers(sheet, answer, seed)
        else:
            text, record, is_found = _sheet(sheet, seed, lints, color)
        texts.append(f"{Path(file).as_posix()}\n{text}" if len(files) > 1 else text)
        records.append({"file": Path(file).as_posix(), **record})
        found = found or is_found
    whole = {"schema": "archdsl/exam-check@1", "sheets": records}
    colour = format_ == "text" and output is None and wants_colour(color)
    text = json.dumps(whole, indent=2, ensure_ascii=False) if format_ == "json" else "\n".join(texts)
    emit(_painted(text) if colour else text, output)
    return 1 if found else 0


def _sheet(sheet: Sheet, seed: str, lints: bool, color: str) -> tuple[str, dict[str, Any], bool]:
    """Return what is found of a sheet as a text and as data, and whether anything needs attention."""
    from archdsl.exam.keys import faults
    from archdsl.pipeline import check as check_module

    variants = list(_variants(sheet, seed))
    problems = [d for values in variants for d in faults(sheet, values)]
    problems = list({(d.span.start, d.span.end, d.message): d for d in problems}.values())
    listings = [check_module(listing.module) for listing in sheet.listings]
    problems += [d for one in listings for d in one.diagnostics]
    tell(problems, color)
    if any(d.severity == "error" for d in problems):
        return "", {"exam": sheet.exam, "errors": len(problems), "keys": [], "lint": []}, True
    keys = _keys(sheet, variants)
    findings = _lint(sheet) if lints else ()
    expectations = [outcome for one in listings for outcome in one.outcomes]
    lines = [*_table(keys), *map(str, findings)]
    wrong = [key for key in keys if not key.is_right]
    lines.append(_summary(sheet, keys, wrong))
    if expectations:
        count = len(expectations)
        lines.append(f"{count} expectation{'s' * (count != 1)} of fenced files hold{'s' * (count == 1)}.")
    record = {
        "exam": sheet.exam,
        "errors": 0,
        "keys": [_record(key) for key in keys],
        "lint": [{"code": one.code, "parts": list(one.parts), "said": one.said} for one in findings],
    }
    return "\n".join(lines) + "\n", record, bool(wrong)


def _variants(sheet: Sheet, seed: str) -> Iterator[dict[str, Any]]:
    """Yield values for what the problems draw: none, or those of some variants."""
    from archdsl.exam.draws import drawn

    count = VARIANTS if any(problem.draw for problem in sheet.problems) else 1
    for number in range(count):
        student = f"variant {number + 1}"
        yield {p.id: drawn(p, sheet.conventions, seed, student) for p in sheet.problems if p.draw}


def _keys(sheet: Sheet, variants: list[dict[str, Any]]) -> list[CheckedKey]:
    """Return each key with its verdict: of the first variant in which it is not right."""
    from archdsl.exam.keys import checked

    found: dict[str, CheckedKey] = {}
    for values in variants:
        for key in checked(sheet, values):
            known = found.get(key.part.name)
            if known is None or known.is_right:
                found[key.part.name] = key
    return list(found.values())


def _lint(sheet: Sheet) -> tuple[Finding, ...]:
    from archdsl.exam.lints import lint

    return lint(sheet)


def _table(keys: list[CheckedKey]) -> Iterator[str]:
    if not keys:
        return
    part = max(len(key.part.name) for key in keys)
    wide = min(32, max(len(key.verdict.answer) for key in keys))
    for key in keys:
        verdict = key.verdict
        head = f"{verdict.part:<{part}}  {verdict.answer:<{wide}}  "
        if key.is_right:
            yield f"{head}ok" + (f"     {verdict.said}" if verdict.said else "")
            continue
        word = "NOTE" if verdict.status.value == "note" else "HELD" if verdict.is_held else "WRONG"
        computed = key.worked or verdict.right
        yield f"{head}{word:<5}  computed {computed}" if computed else f"{head}{word:<5}  {verdict.said}"
        if verdict.said and verdict.right:
            name = f" ({verdict.name})" if verdict.ids else ""
            yield f"{'':{len(head) + 7}}{verdict.said}{name}"


def _summary(sheet: Sheet, keys: list[CheckedKey], wrong: list[CheckedKey]) -> str:
    parts = sum(1 for _ in sheet.parts)
    if not keys:
        return f"0 keys given, nothing to compare; {parts} part{'s' * (parts != 1)}."
    if not wrong:
        without = f"; {parts - len(keys)} of {parts} parts have none" if parts > len(keys) else ""
        return f"{len(keys)} key{'s' * (len(keys) != 1)} right{without}."
    if len(keys) == 1:
        return "The key needs attention."
    return f"{len(wrong)} of {len(keys)} keys need{'s' * (len(wrong) == 1)} attention."


def _record(key: CheckedKey) -> dict[str, Any]:
    verdict = key.verdict
    return {
        "part": verdict.part,
        "key": verdict.answer,
        "status": "right" if key.is_right else verdict.status.value,
        "computed": verdict.right,
        "ids": list(verdict.ids),
        "said": verdict.said,
    }


def _answers(sheet: Sheet, answers: tuple[str, ...], seed: str) -> tuple[str, dict[str, Any], bool]:
    """Judge answers that are given on the command line."""
    from archdsl.diagnostics import closest
    from archdsl.exam.grades import Status, marks
    from archdsl.exam.grading import Judge, Submission

    given: dict[str, str] = {}
    names = [part.name for _, part in sheet.parts]
    for text in answers:
        name, sign, answer = text.partition("=")
        if not sign:
            raise click.UsageError(f"--answer takes PART=ANSWER, as in --answer {names[0]}=60x60x32, not `{text}`")
        if name not in names:
            close = closest(name, names)
            hint = f"did you mean `{close}`?" if close else f"there are {', '.join(names[:8])}"
            raise click.UsageError(f"the sheet has no part `{name}`; {hint}")
        given[name] = answer
    judge = Judge(sheet, next(_variants(sheet, seed)))
    paper = judge.paper(Submission("", given))
    lines, records = [], []
    for name in given:
        verdict = paper[name]
        said = f"  {verdict.said}" if verdict.said else ""
        ids = f" {verdict.name}" if verdict.ids else ""
        worth = f"{marks(verdict.marks)}/{marks(verdict.out_of)}"
        lines.append(f"{name}  {verdict.answer}  {worth}  {verdict.status.value}{ids}{said}")
        if verdict.status is not Status.CORRECT and verdict.right:
            lines.append(f"{'':{len(name)}}  computed {verdict.right}")
        record = {"part": name, "answer": verdict.answer, "status": verdict.status.value, "ids": list(verdict.ids)}
        records.append({**record, "said": verdict.said, "computed": verdict.right})
    wrong = any(paper[name].status is not Status.CORRECT for name in given)
    return "\n".join(lines) + "\n", {"exam": sheet.exam, "answers": records}, wrong


def _painted(text: str) -> str:
    for word, colour in (("WRONG", "red"), ("NOTE ", "yellow"), ("HELD ", "yellow")):
        text = text.replace(f"  {word}  ", f"  {click.style(word, fg=colour, bold=True)}  ")
    return text
