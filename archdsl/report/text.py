"""The table on the terminal: folded, with bars beside the numbers and the conventions around them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from io import StringIO

from rich.box import Box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from archdsl.analysis import Analysis
from archdsl.graph import Instance
from archdsl.report.rows import Row, rows
from archdsl.report.units import mebibytes, short
from archdsl.sizes import Symbolic
from archdsl.tensors import dims

WIDTH = 100
"""What a pipe or file gets, unless a row needs more: numbers and names are never cut there."""
BAR = 6
WIDEST_OP = 24
_EIGHTHS = " ▏▎▍▌▋▊▉█"
_LINES = Box("    \n    \n ── \n    \n ── \n ── \n    \n    \n")
_NARROW = 76
SORTS = {"params": lambda row: -row.params, "macs": lambda row: -(row.macs or 0), "path": lambda row: row.path}
"""What rows can be sorted by; without, they stand in order of running."""
_ASCII = str.maketrans(
    {"×": "x", "–": "-", "…": ".", "─": "-", "→": ">", "█": "#", "·": "*", "−": "-", "∞": "inf"}
    | dict.fromkeys("▏▎▍▌▋▊▉", "#")
)


def render(
    analysis: Analysis,
    *,
    sections: Sequence[Callable[[Analysis, Sequence[Row]], str]] = (),
    depth: int | None = None,
    only: str | None = None,
    sort: str | None = None,
    width: int = WIDTH,
    cut: bool = False,
    colour: bool = False,
    ascii_only: bool = False,
) -> str:
    """Return the report as a text, and what each of the sections makes of it and its rows.

    `cut` keeps rows within `width`, as a terminal wants.

    Raises:
        KeyError: there is no module or layer `only`.
    """
    shown = rows(analysis, depth, only)
    if sort:
        shown.sort(key=SORTS[sort])
    table = _table(analysis, shown, bars=width >= _NARROW, only=only)
    out = StringIO()
    console = Console(
        file=out,
        width=width if cut else max(width, Console(width=10_000).measure(table).maximum),
        force_terminal=colour,
        color_system="standard" if colour else None,
        highlight=False,
        no_color=not colour,
    )
    console.print(_header(analysis))
    console.print(table)
    for line in _footer(analysis) if only is None else []:
        console.print(line)
    text = "\n".join(line.rstrip() for line in out.getvalue().split("\n"))
    if sections:
        text = "\n\n".join([text.rstrip("\n"), *(section(analysis, shown).rstrip("\n") for section in sections)]) + "\n"
    return text.translate(_ASCII) if ascii_only else text


def _header(analysis: Analysis) -> Text:
    graph = analysis.graph
    inputs = ", ".join(
        (f"{name} " if len(graph.inputs) > 1 else "") + dims(node.output.shape) for name, node in graph.inputs.items()
    )
    blocks = sum(1 for _ in _blocks(graph.root))
    layers = _counted(len(graph.layers), "layer") + (f" in {_counted(blocks, 'block')}" if blocks else "")
    parts = [f"input {inputs}", layers, f"{analysis.dtype}, batch {analysis.batch}"]
    return Text.assemble("  ", (analysis.model, "bold"), "    ", "    ".join(parts))


def _counted(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def _blocks(instance: Instance) -> list[Instance]:
    found = []
    for child in instance.children:
        if isinstance(child, Instance):
            found.extend(_blocks(child))
            if child.kind == "block":
                found.append(child)
    return found


def _table(analysis: Analysis, shown: list[Row], *, bars: bool, only: str | None) -> Table:
    table = Table(
        box=_LINES, show_footer=True, pad_edge=True, padding=(0, 1), collapse_padding=True, header_style="bold"
    )
    params, macs = analysis.totals.params, analysis.totals.macs
    if only is not None:
        params = sum(row.params for row in shown)
        macs = None if macs is None else sum(row.macs or 0 for row in shown)
    incomplete = "" if analysis.is_complete else " (incomplete)"
    table.add_column("Layer", footer=f"{only or 'total'}{incomplete}", no_wrap=True)
    table.add_column("Op", no_wrap=not bars, overflow="ellipsis", max_width=WIDEST_OP)
    table.add_column("Output", justify="right", no_wrap=True)
    table.add_column("Params", justify="right", footer=f"{params:,}", no_wrap=True)
    if bars:
        table.add_column("", style="cyan", no_wrap=True, min_width=BAR)
    table.add_column("MACs", justify="right", footer=short(macs), no_wrap=True)
    if bars:
        table.add_column("", style="cyan", no_wrap=True, min_width=BAR)
    table.add_column("RF", justify="right", no_wrap=True)
    table.add_column("Stride", justify="right", no_wrap=True)
    most_params = max((row.params for row in shown), default=0)
    most_macs = max((row.macs or 0 for row in shown), default=0)
    for row in shown:
        name = row.path + (f" ×{row.count}" if row.count > 1 else "") + (" (training)" if row.training_only else "")
        cells = [name, _short_op(row.what) if bars else row.what, row.output, f"{row.params:,}" if row.params else ""]
        if bars:
            cells.append(_bar(row.params, most_params))
        cells.append(short(row.macs) if row.macs or row.macs is None else "")
        if bars:
            cells.append(_bar(row.macs or 0, most_macs))
        table.add_row(*map(Text, [*cells, row.field, row.stride]))
    return table


def _short_op(text: str) -> str:
    return text if len(text) <= WIDEST_OP else text[: WIDEST_OP - 1] + "…"


def _bar(value: int, most: int) -> str:
    """Draw a share of the largest value in eighths of a character; a value that is not 0 shows."""
    if not value or not most:
        return ""
    eighths = max(1, round(value * BAR * 8 / most))
    return "█" * (eighths // 8) + (_EIGHTHS[eighths % 8] if eighths % 8 else "")


def _footer(analysis: Analysis) -> list[str | Text]:
    totals, graph = analysis.totals, analysis.graph
    lines: list[str | Text] = []
    if totals.macs is not None and totals.flops is not None:
        lines.append(f"  {totals.macs:,} MACs = {_flops(totals.flops)} at 2 per MAC (convolutions and linear layers)")
    buffers = f", and {totals.buffers:,} numbers in buffers" if totals.buffers else ""
    lines.append(f"  Weights   {mebibytes(totals.weight_bytes)} in {analysis.dtype}{buffers}")
    if analysis.peak is not None:
        peak = analysis.peak
        alive = ", ".join(dims(graph.nodes[i].output.shape) for i in peak.alive[:4])
        more = f" and {len(peak.alive) - 4} more" if len(peak.alive) > 4 else ""
        lines.append(
            f"  Peak activations   {mebibytes(peak.bytes)} at {graph.nodes[peak.node].id}: {alive}{more} alive"
        )
    if analysis.node_macs is None:
        open_ = [str(s) for node in graph.inputs.values() for s in node.output.shape if isinstance(s, Symbolic)]
        names = " and ".join(dict.fromkeys(open_))
        if analysis.requirements:
            lines.append(f"  Works where {' and '.join(analysis.requirements)}")
        lines.append(f"  {names} left open: give sizes for MACs and memory, as in --input 3x224x224")
    if graph.training_only:
        used = sum(analysis.parameters.counts[i] for i in graph.training_only)
        lines.append(f"  {used:,} of the parameters serve training only; MACs and memory are those of evaluation")
    note = _wide_field(analysis)
    if note:
        lines.append(Text("  note", style="yellow") + Text(f": {note}"))
    return lines


def _flops(count: int) -> str:
    """Return FLOPs with their prefix: `8.18 GFLOPs`."""
    number, _, prefix = short(count).partition(" ")
    return f"{number} {prefix}FLOPs"


def _wide_field(analysis: Analysis) -> str | None:
    """Say from where on a field is larger than the image."""
    sizes = {name: node.output.spatial for name, node in analysis.graph.inputs.items()}
    for node in analysis.graph.layers:
        for name, field in analysis.fields[node.index].items():
            if field.global_ is not None:
                continue
            for size, image in zip(field.size, sizes[name], strict=True):
                if isinstance(image, int) and size is not None and size > image:
                    return f"from {node.id} on the receptive field ({size} px) is larger than the image ({image} px)"
    return None
