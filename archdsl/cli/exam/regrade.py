"""`archdsl exam regrade`: what a changed key, convention or marking changes in grades that were given."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from archdsl.cli.common import emit, output_options, tell
from archdsl.cli.exam.answers import answer_options, grade_files
from archdsl.cli.exam.sheets import open_sheet, say

if TYPE_CHECKING:
    from archdsl.exam.previous import Previous


@click.command("regrade")
@click.argument("file")
@click.argument("answers", nargs=-1, required=True)
@click.option("--previous", required=True, metavar="JSON", help="What `exam grade --to json` wrote the last time.")
@answer_options
@click.option("--format", "format_", type=click.Choice(("text", "json")), default="text", show_default=True)
@output_options
def command(
    file: str,
    answers: tuple[str, ...],
    previous: str,
    seed: str | None,
    renamed: tuple[str, ...],
    format_: str,
    color: str,
    output: str | None,
) -> int:
    """Grade ANSWERS to FILE again, and tell what changed since the earlier grades, and why.

    Nothing is written over: the new grades are those of `archdsl exam grade`. Without --seed, the variants are those
    of the earlier grades.

    \b
    archdsl exam grade sheet.yaml class.csv --to json -o grades.json
    archdsl exam regrade corrected.yaml class.csv --previous grades.json
    """
    from archdsl.exam.regrade import regrade
    from archdsl.exam.results import changes

    sheet = open_sheet(file, color).asking
    earlier = _previous(previous, color)
    if earlier.exam != sheet.exam:
        say(f"note: the earlier grades are of `{earlier.exam}`, the sheet is `{sheet.exam}`")
    if seed is not None and seed != earlier.seed:
        say(f"note: the seed was {earlier.seed or 'none'}, and is {seed}")
    graded = grade_files(sheet, answers, seed if seed is not None else earlier.seed, renamed, color)
    found = regrade(earlier, graded.grades, sheet)
    emit(changes.document(found) if format_ == "json" else changes.write(found), output)
    return 0


def _previous(file: str, color: str) -> Previous:
    from archdsl.exam.previous import LARGEST, read_previous
    from archdsl.exam.texts import SheetError

    path = Path(file)
    try:
        with path.open("rb") as opened:
            data = opened.read(LARGEST + 1)
    except FileNotFoundError:
        raise click.UsageError(f"there is no file {file}") from None
    except OSError as error:
        raise click.UsageError(f"{file} cannot be read: {error.strerror}") from None
    if len(data) > LARGEST:
        raise click.UsageError(f"{file} has more than {LARGEST:,} bytes")
    try:
        return read_previous(data.decode("utf-8-sig", errors="replace"), path.as_posix())
    except SheetError as error:
        tell(error.diagnostics, color)
        raise click.exceptions.Exit(2) from None
