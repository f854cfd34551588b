"""`archdsl generate`: PyTorch code."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from archdsl.cli.common import emit, model_options, open_module, open_network, tell, with_nearest

if TYPE_CHECKING:
    from archdsl.diagnostics import SpecError
    from archdsl.elaborate import Module
    from archdsl.pipeline import Network

LARGEST = 10_000_000
"""Bytes that are read of a file that is there already."""


@click.command("generate")
@click.argument("file")
@model_options
@click.option("-o", "--output", metavar="PATH", help="Write there, as a whole or not at all; else it is printed.")
@click.option("--with-train", is_flag=True, help="Write a script beside PATH that trains the model: train_PATH.")
@click.option("--check", "checking", is_flag=True, help="Write nothing; leave with 1 unless PATH is current.")
@click.option("--force", is_flag=True, help="Write over a file that was edited by hand.")
@click.option("--template", metavar="DIR", help="A folder of templates of your own.")
@click.option("--color", type=click.Choice(("auto", "always", "never")), default="auto", show_default=True)
def command(
    file: str,
    model: str | None,
    define: tuple[str, ...],
    inputs: tuple[str, ...],
    output: str | None,
    with_train: bool,
    checking: bool,
    force: bool,
    template: str | None,
    color: str,
) -> int:
    """Write the models of FILE as one Python module that needs PyTorch alone.

    Blocks become classes that are written once, loops stay loops, and every model gets a builder of its name in
    lower case. Keys and shapes of the `state_dict` are those of the analysis. With --model, only that one is written
    and what it needs; -D then sets the defaults of its builder, and --input the size that it is written for.

    The script of --with-train needs PyTorch alone too: `python train_net.py --data digits` trains net.py.
    """
    from archdsl.codegen import TemplateError, Unsupported, generate, was_edited
    from archdsl.diagnostics import SpecError
    from archdsl.pipeline import UsageError

    if checking and output is None:
        raise click.UsageError("--check compares with a file; say which with -o")
    if with_train and output in (None, "-"):
        raise click.UsageError("--with-train writes two files that belong together; say where with -o")
    module = open_module(file)
    notes: list[str] = []
    given = None
    try:
        given = open_network(module, None, model, define, inputs) if model or define or inputs else None
        text = generate(given or module, template=Path(template) if template else None, notes=notes)
    except UsageError as error:
        raise click.UsageError(f"{error}" + (f"; {error.help}" if error.help else "")) from None
    except SpecError as error:
        broken = _broken(module, error) if given is None else given
        tell(with_nearest(broken, error.diagnostics) if broken else error.diagnostics, color)
        return 1
    except SyntaxError as error:
        raise click.UsageError(
            f"the template cannot be used: what it gives is no Python: line {error.lineno}: {error.msg}"
        ) from None
    except (TemplateError, UnicodeDecodeError, ArithmeticError, TypeError, ValueError, AttributeError) as error:
        if template is None:
            raise
        where = f"{getattr(error, 'filename', None) or template}:{getattr(error, 'lineno', None) or ''}".rstrip(":")
        raise click.UsageError(f"the template cannot be used: {where}: {type(error).__name__}: {error}") from None
    except Unsupported as error:
        click.echo(f"archdsl: {file} cannot be written as code: {error}", err=True)
        return 1
    texts = {output: text}
    if with_train and output is not None:
        from archdsl.train.script import Untrainable, training_script

        path = Path(output)
        try:
            texts[str(path.with_name(f"train_{path.name}"))] = training_script(given or module, path.name, notes)
        except Untrainable as error:
            raise click.UsageError(f"there can be no training script: {error}") from None
    for note in notes:
        click.echo(f"note: {note}", err=True)
    there = {name: _read(name) if name else None for name in texts}
    if checking:
        for name, old in there.items():
            state = "current" if old == texts[name] else "absent" if old is None else "not current"
            click.echo(f"{name} is {state}", err=True)
        return 0 if there == texts else 1
    for name, old in there.items():
        if old is not None and old != texts[name] and was_edited(old) and not force:
            advice = "look at the difference, then take --force or another name"
            raise click.UsageError(f"{name} was edited by hand since it was generated, and stays as it is; {advice}")
    for name, content in texts.items():
        emit(content, name)
    return 0


def _broken(module: Module, error: SpecError) -> Network | None:
    """Return the model of a file that the first of some errors is of."""
    from archdsl.elaborate import Request
    from archdsl.pipeline import Network

    models = (Network(module, Request(name)) for name in module.models)
    first = next((d for d in error.diagnostics if d.severity == "error"), None)
    return next((made for made in models if first in made.elaboration.diagnostics), None)


def _read(path: str) -> str | None:
    try:
        with Path(path).open("rb") as file:
            return file.read(LARGEST).decode("utf-8", errors="replace")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise click.UsageError(f"{path} cannot be read: {error.strerror}") from None
