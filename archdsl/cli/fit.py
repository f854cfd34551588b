"""`archdsl fit`: the largest batch that a memory trains."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import TYPE_CHECKING

import click

from archdsl.cli.common import emit, model_options, open_network, output_options, sound, tell, without_sizes
from archdsl.cli.training import Trained, training, training_options

if TYPE_CHECKING:
    from archdsl.analysis.training_memory import Training, TrainingMemory

UNITS = {
    "": 1,
    "b": 1,
    "kb": 10**3,
    "mb": 10**6,
    "gb": 10**9,
    "tb": 10**12,
    "kib": 2**10,
    "mib": 2**20,
    "gib": 2**30,
    "tib": 2**40,
}
SIZE = re.compile(r"(\d{1,20}(?:\.\d{1,20})?)\s*([A-Za-z]*)", re.ASCII)


@click.command("fit")
@click.argument("file", required=False)
@click.option("-e", "--expression", metavar="PIPELINE", help="A pipeline in place of a file, its input in front.")
@model_options
@click.option("--memory", required=True, metavar="SIZE", help="What there is: 24GiB, 16GB, 512MiB or bytes.")
@click.option("--batch", "asked", type=click.IntRange(1), multiple=True, help="A batch to be told of as well.")
@click.option("--dtype", default="float32", show_default=True, help="Of weights and activations.")
@training_options
@click.option("--format", "format_", type=click.Choice(("text", "json")), default="text", show_default=True)
@output_options
def command(
    file: str | None,
    expression: str | None,
    model: str | None,
    define: tuple[str, ...],
    inputs: tuple[str, ...],
    memory: str,
    asked: tuple[int, ...],
    dtype: str,
    optimizer: str,
    amp: str | None,
    checkpoint: tuple[str, ...],
    format_: str,
    color: str,
    output: str | None,
) -> int:
    """Print the largest batch of FILE that can be trained in a memory, and what takes it.

    The peak over forward and backward is computed, not measured: workspace, the allocator's rounding and what CUDA
    itself takes come on top. The exit code is 1 where not even a batch of 1 fits.

    \b
    archdsl fit resnet.arch --model ResNet50 --memory 24GiB
    archdsl fit resnet.arch --model ResNet50 --memory 8GB --amp bf16 --checkpoint block
    """
    from archdsl.diagnostics import SpecError
    from archdsl.elaborate import UsageError

    budget = size_of(memory)
    try:
        network = sound(open_network(file, expression, model, define, inputs))
    except UsageError as error:
        raise click.UsageError(f"{error}" + (f"; {error.help}" if error.help else "")) from None
    except SpecError as error:
        tell(error.diagnostics, color)
        return 1
    if network.graph.is_symbolic:
        raise without_sizes(network, "fitted")
    set_up = training(network.graph, dtype, Trained(optimizer, amp, checkpoint))
    batch = set_up.largest_batch(budget)
    steps = [set_up.at(one) for one in sorted({*beside(batch), *asked})]
    source = network.module.source.name
    if format_ == "json":
        emit(_json(source, network.name, budget, batch, steps), output)
    else:
        emit(_text(source, set_up, budget, batch, steps), output)
    return 0 if batch else 1


def size_of(text: str) -> int:
    """Return a memory in bytes; one that ends within a byte is rounded down.

    Raises:
        click.UsageError: it is no number with a unit of bytes.
    """
    found = SIZE.fullmatch(text.strip())
    if found is None or found[2].lower() not in UNITS:
        raise click.UsageError(f"--memory takes a size such as 24GiB, 16GB, 512MiB or bytes, not `{text}`")
    return int(Fraction(found[1]) * UNITS[found[2].lower()])


def beside(batch: int) -> list[int]:
    """Return a batch between the powers of two next to it; 1 where there is none."""
    if batch < 1:
        return [1]
    below = 1 << (batch.bit_length() - 1)
    if below == batch:
        below //= 2
    return sorted({one for one in (below, batch, 1 << batch.bit_length()) if one >= 1})


def _text(source: str, set_up: Training, budget: int, batch: int, steps: list[TrainingMemory]) -> str:
    from textwrap import wrap

    from archdsl.analysis.training_memory import NOT_MODELLED
    from archdsl.report.columns import aligned
    from archdsl.report.training import settings, where
    from archdsl.report.units import mebibytes

    model, room = set_up.graph.model, mebibytes(budget)
    shapes = ", ".join("×".join(map(str, node.output.shape)) for node in set_up.graph.inputs.values())
    how = settings(steps[0]).partition(", ")[2]
    lines = [f"  {model or 'the pipeline'} ({source}), input {shapes}: {how}", ""]
    if batch:
        lines.append(f"  The largest batch in {room} is {batch:,}")
    else:
        lines.append(f"  Not even a batch of 1 fits into {room}: it needs {mebibytes(steps[0].peak)}")
    head = ("batch", "fits", "peak at", "weights", "gradients", "optimizer", "activations", "peak")
    rows = [
        (
            f"{one.batch:,}",
            "yes" if one.peak <= budget else "no",
            where(one),
            *map(mebibytes, (one.weights + one.buffers, one.gradients, one.states, one.saved, one.peak)),
        )
        for one in steps
    ]
    lines += ["", *aligned(head, rows, left=3), ""]
    if not set_up.weights:
        lines += ["  There are no weights, so nothing is learned and nothing is kept for a backward.", ""]
    lines += [
        "  weights: buffers too. activations: what autograd keeps for the backward. The peak is no sum of these:",
        "  activations are freed while gradients of weights grow, and gradients of activations come and go.",
        *(f"  {line}" for line in wrap(f"Not counted: {NOT_MODELLED}.", 98)),
    ]
    return "\n".join(lines) + "\n"


def _json(source: str, model: str, budget: int, batch: int, steps: list[TrainingMemory]) -> str:
    from archdsl.report.json import text
    from archdsl.report.training import as_dict

    found = [as_dict(one) | {"fits": one.peak <= budget} for one in steps]
    return text(
        {
            "schema": "archdsl/fit@1",
            "source": source,
            "model": model,
            "memory": budget,
            "batch": batch or None,
            "steps": found,
        }
    )
