"""`archdsl exam export`: a sheet for a learning platform, a printer or a box of cards."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from archdsl.cli.common import emit, output_options, tell
from archdsl.cli.exam.sheets import open_sheet, say

if TYPE_CHECKING:
    from archdsl.exam.exports import Export

TARGETS = ("moodle", "qti", "latex", "md", "gradescope", "prairielearn", "rexams", "anki")


@click.command("export")
@click.argument("file")
@click.option("--to", required=True, type=click.Choice(TARGETS), help="What the sheet is for.")
@click.option("--variants", type=click.IntRange(1, 1000), default=1, show_default=True, metavar="N",
              help="How many are drawn, as s01, s02, ... of the seed.")  # fmt: skip
@click.option("--seed", default="0", show_default=True, metavar="N", help="What they are drawn with.")
@output_options
def command(file: str, to: str, variants: int, seed: str, output: str | None, color: str) -> None:
    """Write a sheet for another program, and tell what that cannot represent.

    One file goes to standard output or to PATH; several go into the folder PATH. Exits with 1 where a part cannot be
    exported; the others still are.
    """
    sheet = open_sheet(file, color).asking
    from archdsl.exam.exports import export
    from archdsl.exam.texts import SheetError

    try:
        made = export(sheet, to, variants=variants, seed=seed)
    except SheetError as error:
        tell(error.diagnostics, color)
        raise click.exceptions.Exit(1) from None
    _write(made.files, to, output)
    _report(made, to, variants, any(problem.draw for problem in sheet.problems), seed)
    raise click.exceptions.Exit(1 if made.refused else 0)


def _write(files: Mapping[str, str | bytes], to: str, output: str | None) -> None:
    """Print or write what was made: a lone text as it is wanted, several files into a folder."""
    if not files:
        return
    ((name, content), *rest) = files.items()
    is_text = isinstance(content, str)
    if not rest and "/" not in name:
        if output is None and not is_text:
            raise click.UsageError(f"--to {to} makes {name}, which is no text: give it a place with -o {name}")
        if output is None or not Path(output).is_dir():
            _put(content, output)
            return
    if output is None:
        shown = ", ".join(list(files)[:3]) + (", ..." if len(files) > 3 else "")
        raise click.UsageError(f"--to {to} makes {len(files)} files ({shown}): give them a folder with -o FOLDER")
    folder = Path(output)
    if folder.exists() and not folder.is_dir():
        raise click.UsageError(f"{output} is a file; --to {to} makes {len(files)} files, which need a folder")
    _make(folder, {(folder / name).parent for name in files})
    for path, text in files.items():
        _put(text, str(folder / path), quiet=True)
    say(f"wrote {len(files)} file{'s' if len(files) > 1 else ''} to {output}")


def _make(folder: Path, folders: Iterable[Path]) -> None:
    try:
        for one in (folder, *sorted(folders)):
            one.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise click.UsageError(f"{folder} cannot be made: {error.strerror}") from None


def _put(content: str | bytes, output: str | None, quiet: bool = False) -> None:
    if isinstance(content, str):
        emit(content, output, quiet=quiet)
        return
    assert output is not None, "what is no text has a place"
    path = Path(output)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        try:
            beside.write_bytes(content)
            os.replace(beside, path)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        raise click.UsageError(f"{output} cannot be written: {error.strerror}") from None
    if not quiet:
        say(f"wrote {output}")


def _report(made: Export, to: str, variants: int, draws: bool, seed: str) -> None:
    from archdsl.exam.exports.losses import told

    drawn = f", {variants} variant{'s' if variants > 1 else ''} of seed {seed}" if draws else ""
    say(f"{to}: {made.parts} question{'s' if made.parts != 1 else ''}{drawn}")
    for line in (*map(str, made.losses), *told(made.refused)):
        say(f"  {line}")
