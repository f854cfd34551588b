"""`archdsl train`: a model is generated, trained, and held against its analysis."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeVar

import click

from archdsl.cli.common import model_options, open_network, tell
from archdsl.train.parts.options import Options, make_parser, parse
from archdsl.train.parts.problems import RunError

if TYPE_CHECKING:
    from archdsl.pipeline import Network
    from archdsl.train.run import Written

_Command = TypeVar("_Command", bound=Callable[..., Any])

OURS = ("output", "set")
"""Options of a script that are ours under another name: `-o`, and `-D` for the arguments of the model."""
FROM_DATA = ("classes", "channels")
"""Parameters that the data sets, unless -D does."""


def run_options(command: _Command) -> _Command:
    """Add the options of a training script; they are read by the script's own parser."""
    for one in reversed(fields(Options)):
        if one.name in OURS:
            continue
        flag = "--" + one.name.replace("_", "-")
        about, choices = str(one.metadata["help"]), one.metadata["choices"]
        about += f" [{', '.join(choices)}]" if choices else ""
        if isinstance(one.default, bool):
            command = click.option(f"{flag}/--no-{flag[2:]}", default=None, help=about)(command)
        else:
            about += f"  [default: {one.default}]" if one.default not in ("", 0) else ""
            sign = {int: "N", float: "X"}.get(type(one.default), "NAME" if choices else "TEXT")
            command = click.option(flag, metavar=sign, help=about)(command)
    return command


@click.command("train")
@click.argument("file")
@model_options
@click.option("-o", "--output", metavar="DIR", help="Folder of the run; runs/MODEL-DATA where left out.")
@run_options
def command(
    file: str, model: str | None, define: tuple[str, ...], inputs: tuple[str, ...], output: str | None, **given: Any
) -> int:
    """Train a model of FILE on --data, and hold what was predicted against what is measured.

    The code of the model and its training script are written into -o DIR, as by `generate --with-train`, and the
    parts of that script do the training, on one device. For many processes start the script itself:
    `torchrun --nproc-per-node 8 DIR/train_NAME.py --data ...`.

    Parameters named `classes` and `channels` are set from the data; -D sets others. Images are padded or resized to
    the input of the model, and grey images repeat where it takes more channels; record.json says which.

    At the end stands a table, also in DIR/report.md: shapes, parameters, MACs forward and backward, memory,
    receptive fields, the loss at the start and its fall, gradients, and the accuracy beside baselines. What goes wrong
    on the way, such as dying ReLUs or over-fitting, is named with its cures.

    The exit code is 1 where a prediction fails or the run stops, and 3 where PyTorch or the data set is missing.
    """
    from archdsl.diagnostics import SpecError

    if int(os.environ.get("WORLD_SIZE", 1)) > 1:
        raise click.UsageError("under torchrun, start the training script: archdsl generate FILE --model NAME "
                               "--with-train -o net.py, then torchrun train_net.py")  # fmt: skip
    try:
        wanted = parse(make_parser("", {}), _arguments(given, define, output))
    except RunError as error:
        raise click.UsageError(str(error)) from None
    try:
        network = open_network(file, None, model, define, inputs)
        if any(d.severity == "error" for d in network.diagnostics):
            raise SpecError(network.diagnostics)
    except SpecError as error:
        tell(error.diagnostics, "auto")
        return 1
    if not wanted.get("data"):
        raise click.UsageError("--data is missing: fashion-mnist, digits, synthetic or another name, or a path")
    written = _written(_sized(network, wanted.get("size", 0)), file)
    return 1 if written is None else _trained(written, wanted)


def _arguments(given: dict[str, Any], define: tuple[str, ...], output: str | None) -> list[str]:
    """Return the options that were given as the script takes them."""
    found = ["--output", output] if output else []
    for name, value in given.items():
        flag = "--" + name.replace("_", "-")
        if isinstance(value, bool):
            found.append(flag if value else f"--no-{flag[2:]}")
        elif value is not None:
            found += [f"{flag}={value}"]
    kept = [text for text in define if text.partition("=")[0].strip() in FROM_DATA]
    return [*found, f"--set={','.join(kept)}"] if kept else found


def _sized(network: Network, size: int) -> Network:
    """Return a network for images of another height and width, whose linear layers fit them; itself if it has none."""
    inputs = network.graph.inputs
    if not size or len(inputs) != 1:
        return network
    ((name, fed),) = inputs.items()
    resized = network.at({name: (fed.output.channels, size, size)})
    return network if any(d.severity == "error" for d in resized.diagnostics) else resized


def _written(network: Network, file: str) -> Written | None:
    """Return the code and the script of a network; `None`, with the reason told, where there can be none."""
    from importlib.util import find_spec

    from archdsl.codegen import Unsupported, builder_names, generate
    from archdsl.train.script import Untrainable, training_script

    stem = builder_names(network.module.models)[network.name]
    notes: list[str] = []
    try:
        code = generate(network, notes=notes)
        try:
            script = training_script(network, f"{stem}.py", notes)
        except Untrainable:
            stem = f"{stem}_model"  # where that was the name of a library
            script = training_script(network, f"{stem}.py", notes)
    except Unsupported as error:
        click.echo(f"archdsl: {file} cannot be written as code: {error}", err=True)
        return None
    except Untrainable as error:
        raise click.UsageError(f"there can be no training script: {error}") from None
    for note in notes:
        click.echo(f"note: {note}", err=True)
    if find_spec("torch") is None:
        click.echo('archdsl: train needs torch, which is not installed: pip install "archdsl[train]"', err=True)
        raise click.exceptions.Exit(3)
    click.echo("loading torch ...", err=True)
    from archdsl.train.run import Written

    return Written(network, code, script, stem)


def _trained(written: Written, wanted: dict[str, Any]) -> int:
    """Train, and tell how it ended."""
    from archdsl.train.parts.data import DataError
    from archdsl.train.run import run

    try:
        trained = run(written, wanted)
    except RunError as error:
        click.echo(f"archdsl: {error}", err=True)
        return error.code
    except DataError as error:
        click.echo(f"archdsl: {error}", err=True)
        return 3 if error.missing else 2
    if trained.folder is None:
        return 0
    click.echo(trained.markdown, nl=False)
    click.echo(f"{trained.folder}: record.json, report.md, {trained.record['weights']}", err=True)
    return 1 if trained.failed else 0
