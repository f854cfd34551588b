"""The command line. Commands are loaded by name; every end of a run has its documented exit code."""

from __future__ import annotations

import sys

import click

from archdsl import __version__
from archdsl.cli.common import missing_extra
from archdsl.cli.lazy import Lazy

EXTRAS = {"ruamel": "exam"}
"""The extra that brings a library which commands need as soon as they are loaded."""

FOUND, MISUSED, MISSING_EXTRA, BUG, INTERRUPTED = 1, 2, 3, 70, 130


COMMANDS = {
    "analyze": "Shapes, parameters, MACs, memory and receptive fields.",
    "check": "Errors, lints and tests of files and folders.",
    "why": "How a number of a layer is computed.",
    "sizes": "Which input sizes work; shapes, MACs and memory as functions of them.",
    "fit": "The largest batch that a memory trains, and what takes it.",
    "exam": "Problems: check keys, solve, grade, make variants, export, practise.",
    "generate": "PyTorch code: one module, a class a block, a builder a model.",
    "verify": "The generated code, held against the analysis with PyTorch.",
    "train": "A model trained, and what was predicted held against what is measured.",
    "experiment": "Claims about networks tried: degradation, receptive fields, initialisation ...",
    "fmt": "One style for every file.",
    "explain": "The lesson behind a code, a message, a layer or the language.",
    "ops": "Every layer and function: signature, formulas, shapes, an example.",
    "new": "A file to start from.",
    "doctor": "Versions, extras and terminal, for a report.",
}
"""Each is the module of its name in this package, and `command` in it; its summary, so that `--help` loads none."""


@click.group(
    cls=Lazy,
    package=__name__,
    summaries=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option("-v", "--verbose", is_flag=True, help="On a bug of ours, show where it happened.")
@click.version_option(__version__, message="archdsl %(version)s")
def cli(verbose: bool) -> None:
    """Know a convolutional network before it runs: write it in `.arch`, and read off what it is."""


def main() -> None:
    """Run the command line and leave with its exit code."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run a command and return its exit code. Never lets a traceback through, unless `-v` asks for it."""
    try:
        result = cli.main(arguments, prog_name="archdsl", standalone_mode=False)
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.ClickException as error:
        return _misused(error)
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted", err=True)
        return INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()  # whoever read our output has stopped; there is nobody to tell
        return 0
    except OSError as error:
        click.echo(f"archdsl: {error.strerror or error}", err=True)
        return MISUSED
    except ModuleNotFoundError as error:
        extra = EXTRAS.get((error.name or "").partition(".")[0])
        return missing_extra(" ".join(arguments[:2]), extra) if extra else _bug(error, arguments)
    except Exception as error:  # noqa: BLE001 - the last stop: what comes here is a bug of ours, and told as one
        return _bug(error, arguments)
    return result if isinstance(result, int) else 0


def _misused(error: click.ClickException) -> int:
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        click.echo(error.format_message(), err=True)
        return MISUSED
    message = error.format_message()
    if isinstance(error, click.MissingParameter):
        message = " ".join(message.split())  # click gives each choice a line of its own
    click.echo(f"archdsl: {message[:1].lower()}{message[1:].rstrip('.')}", err=True)
    context = getattr(error, "ctx", None)
    if isinstance(error, click.UsageError) and context is not None:
        click.echo(f"try `{context.command_path} --help`", err=True)
    return error.exit_code if error.exit_code != 1 else MISUSED


def _bug(error: Exception, arguments: list[str]) -> int:
    if "-v" in arguments or "--verbose" in arguments:
        import traceback

        traceback.print_exception(error)
    kind = type(error).__name__
    click.echo(f"archdsl: this is a bug of ours, not of your file: {kind}: {error}", err=True)
    click.echo("please report it with the file and the command; `archdsl -v ...` shows where it happened", err=True)
    return BUG
