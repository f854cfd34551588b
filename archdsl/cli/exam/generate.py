"""`archdsl exam generate`: a variant of the sheet for every student, each with its key."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from archdsl.cli.common import emit, tell
from archdsl.cli.exam.sheets import open_sheet, say

if TYPE_CHECKING:
    from archdsl.exam.sheet import Sheet

SEED = re.compile(r"[\w.+-]{1,64}", re.ASCII)


@click.command("generate")
@click.argument("file")
@click.option("--seed", required=True, metavar="N", help="What the draws begin with; the same brings the same sheets.")
@click.option("--students", required=True, metavar="CSV|IDS", help="A table with a column `student`, or s01,s02,s03.")
@click.option("-o", "--output", metavar="DIR", help="The folder for the files; named after the exam, if left out.")
@click.option("--without-key", is_flag=True, help="Write the sheets alone.")
@click.option("--force", is_flag=True, help="Write over generated files that were changed by hand.")
@click.option("--format", "format_", type=click.Choice(("text", "json")), default="text", show_default=True)
@click.option(
    "--color",
    type=click.Choice(("auto", "always", "never")),
    default="auto",
    show_default=True,
    help="NO_COLOR is obeyed too.",
)
def command(
    file: str,
    seed: str,
    students: str,
    output: str | None,
    without_key: bool,
    force: bool,
    format_: str,
    color: str,
) -> int:
    """Draw the values of FILE for every student; write a sheet and a key for each, and a manifest.

    Values are drawn by SHA-256 of the seed, the problem and the student, so that a sheet can be brought back at any
    time: `archdsl exam grade` and `solve` take the same --seed. The exit code is 1 where no values meet what the
    sheet requires; then nothing is written.

    \b
    archdsl exam generate up.yaml --seed 2026 --students s01,s02,s03
    archdsl exam generate up.yaml --seed 2026 --students class.csv -o handouts --without-key
    """
    from archdsl.diagnostics import SpecError
    from archdsl.exam.generating.filenames import filenames
    from archdsl.exam.generating.folder import NotOurs, write
    from archdsl.exam.generating.manifest import manifest
    from archdsl.exam.generating.pages import key_page, sheet_page
    from archdsl.exam.generating.table import table
    from archdsl.exam.variants import variants
    from archdsl.report.json import text

    if not SEED.fullmatch(seed):
        raise click.UsageError(f"--seed takes a number or a word of letters and digits, not `{seed[:80]}`")
    sheet = open_sheet(file, color).asking
    ids = _students(students, sheet, color)
    try:
        drawn = variants(sheet, seed, ids)
        names = filenames(ids)
        files = {f"sheets/{names[one.student]}.md": sheet_page(sheet, one) for one in drawn}
        if not without_key:
            files |= {f"keys/{names[one.student]}.md": key_page(sheet, one) for one in drawn}
        shown = table(sheet, drawn)
    except SpecError as error:
        tell(error.diagnostics, color)
        return 1
    whole = manifest(sheet, seed, drawn, names, with_keys=not without_key)
    folder = Path(output or f"{sheet.exam}-variants")
    try:
        write(folder, files, whole, force=force)
    except NotOurs as error:
        raise click.UsageError(str(error)) from None
    except OSError as error:
        raise click.UsageError(f"{folder} cannot be written: {error.strerror}") from None
    emit(shown if format_ == "text" else text(whole), None)
    plural = "" if len(ids) == 1 else "s"
    keys = "" if without_key else f", {len(ids)} key{plural}"
    say(f"wrote {folder}: {len(ids)} sheet{plural}{keys}, manifest.json")
    return 0


def _students(students: str, sheet: Sheet, color: str) -> tuple[str, ...]:
    """Return the ids that the option means: those in a file, or those that it lists."""
    from archdsl.diagnostics import SpecError
    from archdsl.exam.generating.roster import students_in, students_of

    path = Path(students)
    is_named = len(students) < 1000 and "\0" not in students
    try:
        if is_named and path.is_file():
            return students_in(path, sheet)
        if "," not in students and (path.suffix.lower() in (".csv", ".tsv", ".txt") or path.name != students):
            raise click.UsageError(f"there is no file {students}; --students takes a table or ids, as s01,s02")
        return students_of(students)
    except SpecError as error:
        tell(error.diagnostics, color)
        raise click.exceptions.Exit(2) from None
    except ValueError as error:
        raise click.UsageError(f"--students: {error}") from None
    except OSError as error:
        raise click.UsageError(f"{students} cannot be read: {error.strerror}") from None
