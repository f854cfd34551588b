"""Options that several commands take, and how files, results and problems go in and out."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from archdsl.diagnostics import Diagnostic
    from archdsl.elaborate import Module
    from archdsl.pipeline import Network

_Command = TypeVar("_Command", bound=Callable[..., Any])

STYLES: dict[str, dict[str, Any]] = {
    "error": {"fg": "red", "bold": True},
    "warning": {"fg": "yellow", "bold": True},
    "help": {"fg": "green"},
    "frame": {"fg": "blue"},
    "mark": {"fg": "cyan"},
}


def _once(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> str | None:
    """Return the value of an option that is given once; click alone would take the last without a word."""
    if len(values) > 1:
        raise click.UsageError(f"{parameter.opts[0]} is given {len(values)} times: {', '.join(values)}", context)
    return values[0] if values else None


def model_options(command: _Command) -> _Command:
    """Add what chooses a model of a file, and its parameters and sizes."""
    for option in reversed(
        (
            click.option("--model", multiple=True, callback=_once, metavar="NAME", help="Which model of the file."),
            click.option("-D", "define", multiple=True, metavar="NAME=VALUE", help="A parameter or an open size."),
            click.option("--input", "inputs", multiple=True, metavar="[NAME=]3x224x224", help="The shape of an input."),
        )
    ):
        command = option(command)
    return command


def network_options(command: _Command) -> _Command:
    """Add what chooses a network, or a pipeline, and what it is looked at with."""
    for option in reversed(
        (
            click.argument("file", required=False),
            click.option(
                "-e", "--expression", metavar="PIPELINE", help="A pipeline in place of a file, its input in front."
            ),
            model_options,
            click.option("--batch", type=int, default=1, show_default=True, help="Samples in a batch, for memory."),
            click.option("--dtype", default="float32", show_default=True, help="Of weights and activations."),
        )
    ):
        command = option(command)
    return command


def output_options(command: _Command) -> _Command:
    """Add where results go and how they look."""
    choice = click.Choice(("auto", "always", "never"))
    for option in (
        click.option("--color", type=choice, default="auto", show_default=True, help="NO_COLOR is obeyed too."),
        click.option("-o", "--output", metavar="PATH", help="Write there, as a whole or not at all."),
    ):
        command = option(command)
    return command


def open_module(file: str, stdin_name: str = "<stdin>") -> Module:
    """Read a file, a bundled spec by its name, or `-` for standard input."""
    from archdsl.elaborate import Library
    from archdsl.pipeline import read
    from archdsl.resources import specs
    from archdsl.source import Source

    if file == "-":
        text = sys.stdin.buffer.read(4_000_004).decode("utf-8", errors="replace")
        return Library().add(Source(stdin_name, text), None if stdin_name == "<stdin>" else Path(stdin_name))
    path = Path(file)
    if path.is_dir():
        raise click.UsageError(f"{file} is a folder; `archdsl check {file}` looks through it")
    try:
        return read(file)
    except FileNotFoundError:
        raise click.UsageError(f"there is no file {file}{_did_you_mean(path, specs())}") from None
    except OSError as error:
        raise click.UsageError(f"{file} cannot be read: {error.strerror}") from None


def missing_extra(command: str, extra: str) -> int:
    """Say which extra a command needs and how to get it; return the exit code that says so."""
    click.echo(f'archdsl: {command} needs {extra}, which is not installed: pip install "archdsl[{extra}]"', err=True)
    return 3


def _did_you_mean(path: Path, bundled: Path) -> str:
    from difflib import get_close_matches

    beside = [p.name for p in path.parent.glob("*.arch")] if path.parent.is_dir() else []
    close = get_close_matches(path.name, beside + [p.name for p in bundled.glob("*.arch")], n=1)
    return f"; did you mean {path.parent / close[0] if close[0] in beside else close[0]}?" if close else ""


def open_network(
    file: str | Module | None,
    expression: str | None,
    model: str | None,
    define: tuple[str, ...],
    inputs: tuple[str, ...],
) -> Network:
    """Return the network that the options mean.

    Raises:
        click.UsageError: they contradict each other, or name what does not exist.
        SpecError: the file has no model that could be built at all.
    """
    from archdsl.elaborate import Library, UsageError
    from archdsl.lang.parser import Spec
    from archdsl.pipeline import network
    from archdsl.source import Source

    if (file is None) == (expression is None):
        raise click.UsageError("give a FILE, or a pipeline with -e" if file is None else "give a FILE or -e, not both")
    if expression is not None:
        module = Library().add(Spec.of_pipeline(Source("<expression>", expression)))
    else:
        assert file is not None, "one of the two is given"
        module = open_module(file) if isinstance(file, str) else file
    try:
        made = network(module, model, _definitions(define))
        shapes = _shapes(inputs)
        if shapes:
            made = made.at({})
            made = type(made)(made.module, _with_shapes(made, shapes))
        _ = made.elaboration  # so that what does not exist is found here
        return made
    except UsageError as error:
        raise click.UsageError(f"{error}" + (f"; {error.help}" if error.help else "")) from None


def _with_shapes(made: Network, shapes: dict[str, tuple[int, ...]]) -> Any:
    from dataclasses import replace

    return replace(made.request, shapes=shapes)


def _definitions(define: tuple[str, ...]) -> dict[str, Any]:
    from archdsl.elaborate import value_of

    found: dict[str, Any] = {}
    for text in define:
        name, sign, value = text.partition("=")
        if not sign or not name.strip().isidentifier():
            raise click.UsageError(f"-D takes NAME=VALUE, as in -D H=320, not `{text}`")
        if name.strip() in found:
            raise click.UsageError(f"-D gives `{name.strip()}` twice")
        found[name.strip()] = value_of(name.strip(), value)
    return found


def _shapes(inputs: tuple[str, ...]) -> dict[str, tuple[int, ...]]:
    found: dict[str, tuple[int, ...]] = {}
    for text in inputs:
        name, sign, shape = text.rpartition("=")
        numbers = re.split(r"[x×,X]", shape.strip().strip("[]()"))
        if not all(n.strip().removeprefix("-").isdecimal() for n in numbers) or any(len(n) > 12 for n in numbers):
            raise click.UsageError(
                f"--input takes [NAME=]3x224x224, channels first and without the batch, not `{text}`"
            )
        if (name.strip() if sign else "") in found:
            raise click.UsageError(f"--input gives the shape of {f'`{name.strip()}`' if sign else 'the input'} twice")
        found[name.strip() if sign else ""] = tuple(int(number) for number in numbers)
    return found


def wants_colour(color: str, stream: Any = None) -> bool:
    """Return whether a stream gets colour: as asked, else by NO_COLOR, FORCE_COLOR and what it is."""
    if color != "auto":
        return color == "always"
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR") or os.environ.get("CLICOLOR_FORCE", "0") != "0":
        return True
    return bool((stream or sys.stdout).isatty()) and os.environ.get("TERM") != "dumb"


def can_encode(text: str, stream: Any = None) -> bool:
    """Return whether a stream can show a text; some consoles know few signs."""
    try:
        text.encode(getattr(stream or sys.stdout, "encoding", None) or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def emit(text: str, output: str | None, *, quiet: bool = False, as_is: bool = False) -> None:
    """Print a result, or write it to a file: atomically, so that a failure leaves what was there."""
    if output is None or output == "-":
        if not can_encode(text):
            text = text.encode("ascii", errors="replace").decode("ascii")
        click.echo(text, nl=not text.endswith("\n"), color=True)  # colours are in it only where they were decided on
        return
    path = Path(output)
    text = text if text.endswith("\n") or as_is else text + "\n"
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(handle, "w", encoding="utf-8", errors="surrogateescape", newline="\n") as file:
                file.write(text)
            os.chmod(temporary, path.stat().st_mode if path.exists() else 0o666 & ~_umask())
            os.replace(temporary, path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise click.UsageError(f"{output} cannot be written: {error.strerror}") from None
    if not quiet:
        click.echo(f"wrote {output}", err=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def with_nearest(made: Network, diagnostics: tuple[Diagnostic, ...]) -> tuple[Diagnostic, ...]:
    """Return diagnostics of which the first error names the nearest sizes that work, where the sizes are at fault."""
    from dataclasses import replace

    first = next((d for d in diagnostics if d.severity == "error"), None)
    if first is None or (first.code == "E0306" and not made.elaboration.refused):  # whose pattern says which is meant
        return diagnostics
    from archdsl.analysis.input_nearest import nearest_valid, numbers_that_work

    said = (numbers_that_work if first.code == "E0310" else nearest_valid)(made.module, made.request)
    if said is None:
        return diagnostics
    told = replace(first, notes=(*first.notes, _OfAll(said)))
    return tuple([told if d is first else d for d in diagnostics])


def sound(made: Network) -> Network:
    """Return a network that has no errors.

    Raises:
        SpecError: it has; carries all diagnostics, with the nearest sizes that work.
    """
    from archdsl.diagnostics import SpecError

    if any(d.severity == "error" for d in made.diagnostics):
        raise SpecError(with_nearest(made, made.diagnostics))
    return made


def without_sizes(made: Network, done: str) -> click.UsageError:
    """Return what to say of a network with open sizes where numbers are needed: a size that works, too."""
    from archdsl.analysis.input_nearest import numbers_that_work

    said = numbers_that_work(made.module, made.request)
    message = f"the network {made.name} is {done} at a size: give one with --input or -D"
    return click.UsageError(f"{message}; {said}" if said else message)


class _OfAll(str):
    """A note that is of all errors together, and so is said once more behind their count."""

    __slots__ = ()


def tell(diagnostics: Iterable[Diagnostic], color: str) -> None:
    """Print diagnostics to standard error, with a count at the end and what is to be said of all."""
    from archdsl.diagnostics import plain, render

    colour = wants_colour(color, sys.stderr)
    found = list(diagnostics)
    for diagnostic in found:
        text = render(diagnostic, _painted if colour else plain)
        if not can_encode(text, sys.stderr):
            text = text.encode("ascii", errors="replace").decode("ascii")
        click.echo(text + "\n", err=True, color=colour or None)
    if found:
        notes = [note for diagnostic in found for note in diagnostic.notes if isinstance(note, _OfAll)]
        click.echo("; ".join([count(found), *(notes if len(found) > 1 else ())]), err=True)


def _painted(text: str, role: str) -> str:
    return click.style(text, **STYLES.get(role, {}))


def count(diagnostics: Iterable[Diagnostic]) -> str:
    """Return how many errors and warnings there are, in words."""
    severities = [d.severity for d in diagnostics]
    parts = []
    for word in ("error", "warning"):
        number = severities.count(word)
        if number:
            parts.append(f"{number} {word}{'s' if number > 1 else ''}")
    return ", ".join(parts) or "no problems"
