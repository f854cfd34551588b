"""`archdsl sizes`: which input sizes a network takes, and what depends on them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import click

from archdsl.cli.common import emit, network_options, open_network, output_options, tell, with_nearest

if TYPE_CHECKING:
    from archdsl.analysis.input_sizes import InputSizes
    from archdsl.pipeline import Network

LARGEST = 2**31


@click.command("sizes")
@network_options
@click.option("--at", metavar="684[x572]", help="Sizes to look at more closely; one number is all of them.")
@click.option("--all", "everything", is_flag=True, help="Every layer on a row of its own.")
@click.option("--format", "format_", type=click.Choice(("text", "json")), default="text", show_default=True)
@output_options
def command(
    file: str | None,
    expression: str | None,
    model: str | None,
    define: tuple[str, ...],
    inputs: tuple[str, ...],
    batch: int,
    dtype: str,
    at: str | None,
    everything: bool,
    format_: str,
    color: str,
    output: str | None,
) -> int:
    """Print which input sizes FILE works with, and shapes, MACs and memory as functions of them.

    All input sizes are left open, those with a default and those that are numbers too; -D W=224 keeps one. What --input
    gives is looked at more closely, as by --at.

    \b
    archdsl sizes unet.arch --model UNet --at 684
    archdsl sizes resnet.arch --model ResNet50 --at 224x320
    archdsl sizes -e '[3, H, W] -> Conv2d(64, 3, stride=2) -> MaxPool2d(2)'
    """
    from archdsl.analysis.input_sizes import input_sizes
    from archdsl.diagnostics import SpecError
    from archdsl.elaborate import UsageError
    from archdsl.report import sizes

    numbers = _numbers(at)
    made: Network | None = None
    try:
        made = open_network(file, expression, model, define, inputs)
        found = input_sizes(made.module, made.request, batch, dtype)
    except UsageError as error:
        raise click.UsageError(f"{error}" + (f"; {error.help}" if error.help else "")) from None
    except SpecError as error:
        tell(with_nearest(made, error.diagnostics) if made else error.diagnostics, color)
        return 1
    values = sizes.chosen(found, _by_name(found, numbers))
    text = sizes.as_json(found, values) if format_ == "json" else sizes.render(found, values, everything=everything)
    emit(text, output)
    if found.works(values):
        return 0
    tell([d for d in found.opening.at(values).diagnostics if d.severity == "error"], color)
    return 1


def _numbers(at: str | None) -> tuple[int, ...]:
    """Return the sizes that `--at` gives."""
    if at is None:
        return ()
    numbers = re.split(r"[x×,X]", at.strip())
    if not all(number.strip().isdecimal() for number in numbers):
        raise click.UsageError(f"--at takes whole numbers, as in --at 684 or --at 684x572, not `{at}`")
    if any(len(number.strip()) > 10 or not 1 <= int(number) <= LARGEST for number in numbers):
        raise click.UsageError(f"--at takes sizes from 1 to {LARGEST}, not `{at}`")
    return tuple(int(number) for number in numbers)


def _by_name(found: InputSizes, numbers: tuple[int, ...]) -> dict[str, int]:
    """Return the sizes that are asked for by the names of the symbols."""
    names = list(found.symbols)
    if not numbers:
        return {}
    if not names:
        raise click.UsageError("--at has nothing to say: no size of the input is open")
    if len(numbers) == 1:
        return dict.fromkeys(names, numbers[0])
    if len(numbers) != len(names):
        raise click.UsageError(f"--at has {len(numbers)} numbers; the sizes are {' and '.join(names)}")
    return dict(zip(names, numbers, strict=True))
