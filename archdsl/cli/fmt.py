"""`archdsl fmt`: one style for every file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from archdsl.cli.common import emit, tell
from archdsl.cli.difference import print_difference
from archdsl.cli.paths import spec_files

if TYPE_CHECKING:
    from archdsl.diagnostics import Diagnostic
    from archdsl.source import Source

LARGEST = 4_000_004
"""Bytes that are read of a file: enough to tell that it is too large."""


@click.command("fmt")
@click.argument("paths", nargs=-1)
@click.option("--check", "checking", is_flag=True, help="Write nothing; leave with 1 if a file would change.")
@click.option("--diff", "differing", is_flag=True, help="Write nothing; print what would change.")
@click.option("--color", type=click.Choice(("auto", "always", "never")), default="auto", show_default=True)
def command(paths: tuple[str, ...], checking: bool, differing: bool, color: str) -> int:
    """Write every file of PATHS in the one style: layout alone changes, and every comment stays where it was meant.

    A line that says `# allow NAME` stays one line, since it quiets that line alone. Ends of lines stay as they are.

    Folders are walked for *.arch; without PATHS the current folder is. `-` formats standard input to standard output.
    A file with syntax errors stays as it is.
    """
    from archdsl.lang.printer import formatted
    from archdsl.source import Source

    changed, same, broken = 0, 0, 0
    for path in ["-"] if paths == ("-",) else spec_files(paths or (".",)):
        text = _read(path)
        source = Source("<stdin>" if path == "-" else path, text)
        made = formatted(source)
        if made is None:
            broken += 1
            tell(_problems(source), color)
            continue
        made = _with_ends_of(text, made)
        if path == "-" and not (checking or differing):
            click.echo(made.encode("utf-8"), nl=False)  # as bytes: what a stream cannot show is not lost from a file
        if made == text:
            same += 1
            continue
        changed += 1
        if differing:
            print_difference(text, made, source.name, f"{source.name}, formatted", color)
        elif checking:
            click.echo(f"would change {source.name}")
        elif path != "-":
            emit(made, str(Path(path).resolve()), quiet=True, as_is=True)  # a link stays one
            click.echo(f"changed {path}", err=True)
    if paths != ("-",):
        click.echo(_summary(changed, same, broken, would=checking or differing), err=True)
    return 1 if broken or (changed and (checking or differing)) else 0


def _read(path: str) -> str:
    if path == "-":
        return sys.stdin.buffer.read(LARGEST).decode("utf-8", errors="replace")
    try:
        with Path(path).open("rb") as file:
            return file.read(LARGEST).decode("utf-8", errors="surrogateescape")
    except FileNotFoundError:
        raise click.UsageError(f"there is no file {path}") from None
    except OSError as error:
        raise click.UsageError(f"{path} cannot be read: {error.strerror}") from None


def _with_ends_of(text: str, made: str) -> str:
    """Return what was made of a text with the ends of lines that the text has; of two kinds, with the commoner one.

    A text that differs in nothing else is left as it is.
    """
    if made == text.replace("\r\n", "\n"):
        return text
    windows = text.count("\r\n")
    return made.replace("\n", "\r\n") if 2 * windows > text.count("\n") else made


def _problems(source: Source) -> tuple[Diagnostic, ...]:
    """Return why a file cannot be formatted."""
    from archdsl.diagnostics import Diagnostic
    from archdsl.lang.parser import Spec
    from archdsl.rules import limits
    from archdsl.source import Span

    spec = Spec(source)
    spec.parse_all()
    if spec.problems:
        return tuple(spec.problems)
    message = "an expression is nested too deeply to be laid out"
    return (Diagnostic(limits.TOO_DEEP, message, Span(source, 0, 0)),)


def _summary(changed: int, same: int, broken: int, *, would: bool) -> str:
    parts = []
    if changed:
        parts.append(f"{_files(changed)} {'would change' if would else 'changed'}")
    if same:
        parts.append(f"{_files(same)} left as {'it is' if same == 1 else 'they are'}")
    if broken:
        parts.append(f"{_files(broken)} with syntax errors")
    return ", ".join(parts) or "no file"


def _files(number: int) -> str:
    return f"{number} file{'s' if number != 1 else ''}"
