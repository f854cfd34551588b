"""`archdsl why`: how a number of a layer is computed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from archdsl.cli.common import emit, network_options, open_network, output_options, tell, with_nearest

if TYPE_CHECKING:
    from archdsl.analysis import Analysis
    from archdsl.analysis.working import Section
    from archdsl.graph import Graph

ALWAYS = ("shape", "params", "buffers", "macs", "flops", "memory", "rf")
ASKED = ("paths", "dead", "saved", "erf")
"""Derived for a layer where `--metric` names them."""
METRICS = (*ALWAYS, *ASKED)


@click.command("why")
@network_options
@click.argument("layer", required=False)
@click.option(
    "--metric",
    metavar="A,B",
    help=f"Only some of {', '.join(METRICS)}; the last {len(ASKED)} of one layer, and of no module.",
)
@click.option("--unit", metavar="3,4", help="What this position of the layer sees of the input.")
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
    layer: str | None,
    metric: str | None,
    unit: str | None,
    format_: str,
    color: str,
    output: str | None,
) -> int:
    """Print the worked derivation of every number of LAYER in FILE.

    LAYER is a path such as layer3.0.conv2, or a module such as layer3.0. Without it, the whole network is summed up.
    What is only derived where --metric asks for it, and of a layer alone: paths, dead, saved, erf.

    \b
    archdsl why resnet.arch layer3.0.conv2 --model ResNet50
    archdsl why -e '[3, 32, 32] -> Conv2d(64, 3)' conv2d
    archdsl why resnet.arch layer4.2.conv3 --model ResNet50 --unit 0,6
    """
    from archdsl.analysis.working import explain
    from archdsl.cli.analyze import check_path
    from archdsl.diagnostics import SpecError
    from archdsl.elaborate import UsageError
    from archdsl.report import why
    from archdsl.report.rows import paths

    if expression is not None and layer is None:
        file, layer = None, file
    metrics = tuple(metric.split(",")) if metric else None
    if metrics and (unknown := [m for m in metrics if m not in METRICS]):
        raise click.UsageError(f"there is no metric `{unknown[0]}`; there are {', '.join(METRICS)}")
    try:
        made = open_network(file, expression, model, define, inputs)
        analysis = made.examine(batch, dtype)
    except UsageError as error:
        raise click.UsageError(f"{error}" + (f"; {error.help}" if error.help else "")) from None
    except SpecError as error:
        tell(error.diagnostics, color)
        return 1
    errors = [d for d in with_nearest(made, analysis.diagnostics) if d.severity == "error"]
    known = [path for path, _ in paths(analysis.graph.root)]
    if errors and layer not in known:
        tell(errors, color)
        return 1
    if layer is not None:
        check_path(layer, known)
    if unit is not None:
        emit(_unit(analysis.graph, layer, unit, format_), output)
        return 1 if errors else 0
    working = explain(analysis, layer)
    if metrics and set(metrics) & set(ASKED):
        working = replace(working, sections=(*working.sections, *_asked(analysis, layer, metrics)))
    if metrics:
        working = replace(working, sections=tuple([one for one in working.sections if one.metric in metrics]))
    emit(why.render(working) if format_ == "text" else why.as_json(working), output)
    tell(errors, color)
    return 1 if errors else 0


def _asked(analysis: Analysis, layer: str | None, metrics: tuple[str, ...]) -> list[Section]:
    from archdsl.analysis.working_structure import NEED_SIZES, structural

    nodes = {node.id: node for node in analysis.graph.layers}
    asked = [metric for metric in metrics if metric in ASKED]
    if layer not in nodes:
        of = "the network" if layer is None else f"the module `{layer}`"
        raise click.UsageError(
            f"--metric {asked[0]} is told of one layer, not of {of}; for the network see `archdsl analyze`"
        )
    if analysis.graph.is_symbolic and (needing := [metric for metric in asked if metric in NEED_SIZES]):
        raise click.UsageError(f"--metric {needing[0]} needs the sizes of the inputs, as in --input 3x224x224")
    try:
        return structural(analysis, nodes[layer], asked)
    except ValueError as error:
        raise click.UsageError(str(error)) from None


def _unit(graph: Graph, layer: str | None, wanted: str, format_: str) -> str:
    from archdsl.analysis.unit import look
    from archdsl.report import unit

    nodes = {node.id: node for node in graph.layers}
    if layer not in nodes:
        hint = f"`{layer}` is a module of several" if layer else "none is named"
        raise click.UsageError(f"--unit asks for a unit of a layer; {hint}")
    node = nodes[layer]
    if graph.is_symbolic:
        raise click.UsageError("what one unit sees needs the sizes of the inputs, as in --input 3x224x224")
    sizes = node.output.known[1:]
    try:
        place = tuple([int(part) for part in wanted.replace("x", ",").split(",") if part.strip()])
    except ValueError:
        raise click.UsageError(f"--unit takes one number an axis, as in 3,4, and not {wanted!r}") from None
    if len(place) != len(sizes) or not all(0 <= at < size for at, size in zip(place, sizes, strict=True)):
        last = ",".join(str(size - 1) for size in sizes)
        ranges = (
            f"the units of `{layer}` are {','.join('0' for _ in sizes)} to {last}"
            if sizes
            else f"`{layer}` gives a vector, which has no units along axes"
        )
        raise click.UsageError(f"there is no unit {wanted}: {ranges}")
    try:
        found = look(graph, node, place)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    return unit.render(graph, found) if format_ == "text" else unit.as_json(found)
