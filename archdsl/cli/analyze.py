"""`archdsl analyze`: what is known of a network before it runs."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from archdsl.cli.common import emit, network_options, open_network, output_options, tell, wants_colour, with_nearest
from archdsl.cli.training import NAMES, Trained, training_options

if TYPE_CHECKING:
    from archdsl.cli.sections import Section

FORMATS = ("text", "json", "csv", "md", "latex")


@click.command("analyze")
@network_options
@click.option("--depth", type=click.IntRange(1), metavar="N", help="How deep modules are unfolded.")
@click.option("--all", "everything", is_flag=True, help="Every layer on a row of its own.")
@click.option("--only", metavar="PATH", help="One module, as in layer3.0.")
@click.option("--sort", type=click.Choice(("params", "macs", "path")), help="Instead of the order of running.")
@click.option("--rf", "sections", flag_value="rf", multiple=True, help="Exact receptive fields: holes, phases, halo.")
@click.option("--erf", "sections", flag_value="erf", multiple=True, help="Effective receptive fields, by moments.")
@click.option("--paths", "sections", flag_value="paths", multiple=True, help="Ways from input to output, by length.")
@click.option("--memory", "sections", flag_value="memory", multiple=True, help="What a step of training holds.")
@click.option("--structure", "sections", flag_value="structure", multiple=True, help="Coupling, aliasing, alignment.")
@click.option("--dead", "sections", flag_value="dead", multiple=True, help="Work that nothing reads, and its cure.")
@training_options
@click.option("--format", "format_", type=click.Choice(FORMATS), default="text", show_default=True)
@output_options
def command(
    file: str | None,
    expression: str | None,
    model: str | None,
    define: tuple[str, ...],
    inputs: tuple[str, ...],
    batch: int,
    dtype: str,
    depth: int | None,
    everything: bool,
    only: str | None,
    sort: str | None,
    sections: tuple[str, ...],
    optimizer: str,
    amp: str | None,
    checkpoint: tuple[str, ...],
    format_: str,
    color: str,
    output: str | None,
) -> int:
    """Print shapes, parameters, MACs, memory and receptive fields of FILE.

    FILE is a path, the name of a bundled spec such as resnet.arch, or - for standard input. The step of training that
    --memory tells of is set by --batch, --dtype, --optimizer, --amp and --checkpoint.

    \b
    archdsl analyze resnet.arch --model ResNet50
    archdsl analyze net.arch --input 3x320x320 --format json
    archdsl analyze unet.arch --rf
    archdsl analyze resnet.arch --model ResNet50 --memory --batch 32 --optimizer sgd --amp bf16
    archdsl analyze -e '[3, 32, 32] -> Conv2d(64, 3) -> MaxPool2d(2)'
    """
    from archdsl.analysis import Analysis
    from archdsl.cli.sections import NEED_SIZES
    from archdsl.cli.sections import sections as chosen
    from archdsl.diagnostics import SpecError
    from archdsl.elaborate import UsageError

    if sections and format_ not in ("text", "json"):
        raise click.UsageError(f"--{sections[0]} is printed as text and as JSON, and not with --format {format_}")
    if "memory" not in sections and (given := _given(NAMES)):
        raise click.UsageError(f"--{given[0]} is of a step of training: add --memory")
    shown = chosen(sections, Trained(optimizer, amp, checkpoint))
    try:
        made = open_network(file, expression, model, define, inputs)
        analysis: Analysis = made.examine(batch, dtype)
    except UsageError as error:
        raise click.UsageError(f"{error}" + (f"; {error.help}" if error.help else "")) from None
    except SpecError as error:
        if format_ == "json":
            from archdsl.report.json import failure

            emit(failure(file or "<expression>", error.diagnostics), output)
        tell(error.diagnostics, color)
        return 1
    analysis = analysis.with_diagnostics(with_nearest(made, analysis.diagnostics))
    errors = [d for d in analysis.diagnostics if d.severity == "error"]
    if analysis.graph.is_symbolic and (needing := [name for name in sections if name in NEED_SIZES]):
        raise click.UsageError(f"--{needing[0]} needs the sizes of the inputs, as in --input 3x224x224")
    try:
        if format_ == "text":
            wanted = analysis.graph.layers or not errors
            text = _text(analysis, 100 if everything else depth, only, sort, shown, color, output) if wanted else None
        else:
            text = _machine(analysis, format_, shown)
    except ValueError as error:  # a section that would be too much work says so
        raise click.UsageError(str(error)) from None
    if text is not None:
        emit(text, output)
    tell(errors, color)
    return 1 if errors else 0


def _given(names: Sequence[str]) -> list[str]:
    """Return which options stand on the command line."""
    context, default = click.get_current_context(), click.core.ParameterSource.DEFAULT
    return [name for name in names if context.get_parameter_source(name) is not default]


def _text(
    analysis: object,
    depth: int | None,
    only: str | None,
    sort: str | None,
    sections: Sequence[Section],
    color: str,
    output: str | None,
) -> str:
    from archdsl.analysis import Analysis
    from archdsl.cli.common import can_encode
    from archdsl.report.rows import paths
    from archdsl.report.text import WIDTH, render

    assert isinstance(analysis, Analysis), "it comes from `examine`"
    if only is not None:
        check_path(only, [path for path, _ in paths(analysis.graph.root)])
    terminal = output is None and sys.stdout.isatty()
    width = shutil.get_terminal_size((WIDTH, 24)).columns
    return render(
        analysis,
        sections=[section.text for section in sections],
        depth=depth,
        only=only,
        sort=sort,
        width=width,
        cut=terminal,
        colour=output is None and wants_colour(color),
        ascii_only=output is None and not can_encode("×█▏─…–"),
    )


def check_path(path: str, known: list[str]) -> None:
    """Raise a usage error with the nearest names where there is no such path."""
    from difflib import get_close_matches

    if path not in known:
        close = get_close_matches(path, known, n=1)
        hint = f"; did you mean `{close[0]}`?" if close else f"; there are {', '.join(known[:8])} ..."
        raise click.UsageError(f"there is no layer or module `{path}`{hint}")


def _machine(analysis: object, format_: str, sections: Sequence[Section]) -> str:
    from importlib import import_module

    if format_ == "json":
        from archdsl.analysis import Analysis
        from archdsl.report.json import render

        assert isinstance(analysis, Analysis), "it comes from `examine`"
        return render(analysis, {section.key: section.document(analysis) for section in sections})
    module = {"csv": "csv", "md": "markdown", "latex": "latex"}[format_]
    text = import_module(f"archdsl.report.{module}").render(analysis)
    assert isinstance(text, str), "every format is a text"
    return text
