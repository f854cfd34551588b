"""`archdsl exam grade`: the answers of a student, a folder or a class."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from archdsl.cli.common import emit, output_options
from archdsl.cli.exam.answers import Graded, answer_options, grade_files
from archdsl.cli.exam.sheets import open_sheet

if TYPE_CHECKING:
    from archdsl.exam.results import Report

FORMATS = ("text", "csv", "json", "md", "gradescope")
RELEASES = ("marks", "hints", "full")


@click.command("grade")
@click.argument("file")
@click.argument("answers", nargs=-1, required=True)
@answer_options
@click.option("--to", "to", type=click.Choice(FORMATS), default="text", show_default=True)
@click.option("--explain", is_flag=True, help="A line for every answer that is not plainly right.")
@click.option(
    "--release",
    type=click.Choice(RELEASES),
    help="How much is told: full, but for gradescope hints, as students read that.",
)
@output_options
def command(
    file: str,
    answers: tuple[str, ...],
    seed: str | None,
    renamed: tuple[str, ...],
    to: str,
    explain: bool,
    release: str | None,
    color: str,
    output: str | None,
) -> int:
    """Grade ANSWERS to the sheet FILE, with the mistake behind each wrong one.

    ANSWERS are tables (CSV, wide or long), YAML, TOML, JSON or text files, copies of a sheet in the language (.arch)
    with an answer for each `?`, folders of such files with one a student, `-`, or single answers as q1.a=64x32x32.
    They are never changed. Answers that cannot be read or judged are held for a person. The exit code is 0 whatever
    the marks; where a file of answers has errors it is 2, and nobody is graded.

    \b
    archdsl exam grade sheet.yaml class.csv --explain
    archdsl exam grade sheet.yaml class.csv --to json -o grades.json
    archdsl exam grade sheet.yaml answers/ --to gradescope -o results/
    archdsl exam grade sheet.yaml class.csv --map "Question 1=q1.a" --map "Matriculation=student"
    archdsl exam grade sheet.yaml q1.a=60x60x32 --explain
    archdsl exam grade quiz.arch copies/
    """
    from archdsl.exam.results import Release, report

    sheet = open_sheet(file, color).asking
    graded = grade_files(sheet, answers, seed, renamed, color)
    told = Release(release or ("hints" if to == "gradescope" else "full"))
    made = report(graded.grades, graded.sheet, told, graded.posed_of)
    if to == "gradescope" and output is not None and not output.endswith(".json") and output != "-":
        _folder(made, output)
    else:
        emit(_written(made, graded, to, explain), output)
    return 0


def _written(made: Report, graded: Graded, to: str, explain: bool) -> str:
    from archdsl.exam.results import csv, gradescope, json, markdown, text

    if to == "csv":
        return csv.write(made)
    if to == "json":
        return json.write(made, graded.sheet, graded.seed)
    if to == "md":
        return markdown.write(made, explain=explain)
    if to == "gradescope":
        return gradescope.write(made)
    return text.write(made, explain=explain)


def _folder(made: Report, output: str) -> None:
    """Write the results of each student into a folder; all are made before the first is written."""
    from pathlib import Path

    from archdsl.exam.results import gradescope

    found = list(gradescope.files(made))
    folder = Path(output)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise click.UsageError(f"{output} cannot be made a folder: {error.strerror}") from None
    for name, content in found:
        emit(content, str(folder / name), quiet=True)
    click.echo(f"wrote {len(found)} files in {output}", err=True)
