"""How the commands of `archdsl exam` open a sheet, and tell what is wrong with it."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

import click

from archdsl.cli.common import tell

if TYPE_CHECKING:
    from archdsl.exam.sheet import Sheet


def open_sheet(file: str, color: str) -> Sheet:
    """Return the sheet in a file.

    Raises:
        click.UsageError: there is no such file.
        click.exceptions.Exit: it has errors, which are told.
    """
    from archdsl.exam.reading import FORMATS, read_sheet
    from archdsl.exam.texts import SheetError
    from archdsl.resources import specs

    path = Path(file)
    if path.is_dir():
        raise click.UsageError(f"{file} is a folder; give a sheet in it")
    try:
        return read_sheet(path)
    except SheetError as error:
        tell(error.diagnostics, color)
        raise click.exceptions.Exit(1) from None
    except FileNotFoundError:
        beside = [p.name for p in path.parent.iterdir() if p.suffix in FORMATS] if path.parent.is_dir() else []
        bundled = [p.name for p in specs().glob("*.arch")] if path.suffix == ".arch" else []
        close = get_close_matches(path.name, beside + bundled, n=1)
        hint = f"; did you mean {path.parent / close[0] if close[0] in beside else close[0]}?" if close else ""
        raise click.UsageError(f"there is no file {file}{hint}") from None
    except OSError as error:
        raise click.UsageError(f"{file} cannot be read: {error.strerror}") from None


def say_remarks(sheet: Sheet) -> None:
    """Tell what the file of a sheet has and the sheet has not."""
    for remark in sheet.remarks:
        say(f"note: {remark}")


def say(text: str) -> None:
    """Tell something beside the result."""
    click.echo(text, err=True)
