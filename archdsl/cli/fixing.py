"""`archdsl check --fix`: what can be mended, mended in the files, printed, or shown as a difference."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from archdsl.cli.common import can_encode, emit
from archdsl.cli.difference import print_difference

if TYPE_CHECKING:
    from archdsl.diagnostics import Diagnostic
    from archdsl.elaborate import Module
    from archdsl.fixes import Mended


def mended(module: Module, wanted: Callable[[str], bool], *, unsafe: bool) -> Mended:
    """Return a file with the fixes applied of the codes that are wanted."""
    from archdsl.elaborate import Library
    from archdsl.fixes import mend
    from archdsl.source import Source

    name, folder = module.source.name, module.folder
    path = None if folder is None else folder / Path(name).name

    def read(text: str) -> Module:
        return Library().add(Source(name, text), path)

    def chosen(diagnostic: Diagnostic) -> bool:
        safe = diagnostic.fix is not None and diagnostic.fix.safe
        return wanted(diagnostic.code) and (safe or unsafe)

    return mend(module.source.text, read, chosen)


def write(file: str, before: str, made: Mended) -> None:
    """Write a mended file, through a link to it; standard input goes to standard output, changed or not.

    Raises:
        click.UsageError: it cannot be written.
    """
    if file == "-":
        _print(made.text)
    elif not Path(file).exists():
        if made.applied:
            click.echo(f"{made.checked.module.source.name} is a bundled spec and stays as it is", err=True)
    elif made.text != before:
        emit(made.text, str(Path(file).resolve()), quiet=True, as_is=True)


def show(before: str, made: Mended, color: str) -> None:
    """Print how a file would change."""
    name = made.checked.module.source.name
    print_difference(before, made.text, name, f"{name}, fixed", color)


def told(applied: int, left: int, *, would: bool) -> str:
    """Return how many problems were fixed and how many are left, in words."""
    problems = f"{applied} problem{'s' if applied != 1 else ''}"
    return f"{problems} {'would be ' if would else ''}fixed, {left} left"


def _print(text: str) -> None:
    """Print a text as it is, its ends of lines too."""
    stream = getattr(sys.stdout, "buffer", None)
    if stream is not None:
        stream.write(text.encode("utf-8", errors="replace"))
        stream.flush()
    else:
        click.echo(text if can_encode(text) else text.encode("ascii", errors="replace").decode("ascii"), nl=False)
