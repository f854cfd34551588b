"""`archdsl why`: how a number of a layer is computed."""

from __future__ import annotations

import click

from archdsl.cli.common import emit, network_options, open_network, output_options, tell

METRICS = ("shape", "params", "buffers", "macs", "flops", "memory", "rf")


@click.command("why")
@network_options
@click.argument("layer", required=False)
@click.option("--metric", metavar="A,B", help=f"Only some of {', '.join(METRICS)}.")
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
    format_: str,
    color: str,
    output: str | None,
) -> int:
    """Print the worked derivation of every number of LAYER in FILE.

    LAYER is a path such as layer3.0.conv2, or a module such as layer3.0. Without it, the whole network is summed up.

    \b
    archdsl why resnet.arch layer3.0.conv2 --model ResNet50
    archdsl why -e '[3, 32, 32] -> Conv2d(64, 3)' conv2d
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
        analysis = open_network(file, expression, model, define, inputs).examine(batch, dtype)
    except UsageError as error:
        raise click.UsageError(f"{error}" + (f"; {error.help}" if error.help else "")) from None
    except SpecError as error:
        tell(error.diagnostics, color)
        return 1
    errors = [d for d in analysis.diagnostics if d.severity == "error"]
    known = [path for path, _ in paths(analysis.graph.root)]
    if errors and layer not in known:
        tell(errors, color)
        return 1
    if layer is not None:
        check_path(layer, known)
    working = explain(analysis, layer)
    emit(why.render(working, metrics) if format_ == "text" else why.as_json(working), output)
    tell(errors, color)
    return 1 if errors else 0
