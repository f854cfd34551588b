"""`archdsl experiment`: claims of a course, tried."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import Any

import click

from archdsl.train.experiments.catalogue import QUESTIONS
from archdsl.train.parts.problems import RunError


@click.command("experiment")
@click.argument("name", required=False)
@click.option("-o", "--output", metavar="DIR", help="Where to write.  [default: experiments; experiments/quick]")
@click.option("--seeds", metavar="N,N", help="Of its trainings; each is one more run of every network.")
@click.option("--data", metavar="NAME", help="Another data set, by name or path.")
@click.option("--epochs", type=click.IntRange(1), metavar="N", help="Times through the data.")
@click.option("--limit", type=click.IntRange(1), metavar="N", help="Images that are used of each split.")
@click.option("--device", metavar="NAME", help="auto, cpu, cuda, cuda:1.")
@click.option("--quick", is_flag=True, help="A try of seconds, which shows that it runs and nothing else.")
@click.option("--redraw", is_flag=True, help="Make figure and text anew from DIR/NAME.json.")
def command(name: str | None, output: str | None, seeds: str | None, quick: bool, redraw: bool, **options: Any) -> int:
    """Carry out the experiment NAME, or list all.

    It leaves NAME.json with what was measured, a figure as NAME.png and NAME.svg, and NAME.md with what came out, what
    was expected, and the command. Trainings are kept in DIR/runs: the same command goes on where it was stopped.

    The exit code is 1 where something that was expected did not come.
    """
    if name is None:
        width = max(map(len, QUESTIONS))
        for each, question in QUESTIONS.items():
            click.echo(f"{each:{width}}  {question}")
        return 0
    if name not in QUESTIONS:
        close = get_close_matches(name, QUESTIONS, n=1)
        advice = f"did you mean `{close[0]}`?" if close else "`archdsl experiment` lists them"
        raise click.UsageError(f"there is no experiment `{name}`; {advice}")
    asked = {key: value for key, value in options.items() if value is not None}
    if redraw and (asked or seeds or quick):
        raise click.UsageError("--redraw measures nothing anew: only -o goes with it")
    folder = Path(output or ("experiments/quick" if quick else "experiments"))  # a try replaces no finished work
    return _performed(name, folder, asked, _seeds(seeds), quick, redraw)


def _seeds(text: str | None) -> tuple[int, ...]:
    try:
        found = tuple(int(part) for part in text.split(",")) if text else ()
    except ValueError:
        raise click.UsageError(f"--seeds takes whole numbers with commas between them, not {text}") from None
    if any(seed < 0 for seed in found) or len(set(found)) < len(found):
        raise click.UsageError("--seeds takes different numbers from 0 on")
    return found


def _performed(
    name: str, folder: Path, asked: dict[str, Any], seeds: tuple[int, ...], quick: bool, redraw: bool
) -> int:
    from importlib.util import find_spec

    for library in ("torch", "matplotlib"):
        if find_spec(library) is None:
            click.echo(
                f'archdsl: experiment needs {library}, which is not installed: pip install "archdsl[train,plot]"',
                err=True,
            )
            raise click.exceptions.Exit(3)
    click.echo("loading torch ...", err=True)
    from archdsl.train.experiments import performing
    from archdsl.train.parts.data import DataError

    try:
        done = performing.redraw(name, folder) if redraw else performing.perform(name, folder, asked, seeds, quick)
    except RunError as error:
        click.echo(f"archdsl: {error}", err=True)
        return error.code
    except DataError as error:
        click.echo(f"archdsl: {error}", err=True)
        return 3 if error.missing else 2
    click.echo(done.report, nl=False)
    click.echo(f"wrote {', '.join(map(str, done.files))}", err=True)
    return 1 if done.failed else 0
