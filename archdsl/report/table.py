"""One flat record a layer, for CSV, Markdown, LaTeX, notebooks and data frames."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from archdsl.analysis import CONVENTIONS, Analysis
from archdsl.report.rows import field_text
from archdsl.tensors import dims

COLUMNS = (
    "path", "call", "op", "arguments", "output", "params", "buffers", "macs", "receptive_field", "stride",
    "activation_bytes", "training_only",
)  # fmt: skip
"""The keys of a record, in order."""
HEADINGS = {
    "path": "Layer",
    "op": "Op",
    "output": "Output",
    "params": "Params",
    "macs": "MACs",
    "receptive_field": "RF",
    "stride": "Stride",
}
"""The columns of a table for people, and what they are called there."""


def records(analysis: Analysis, columns: Sequence[str] = COLUMNS) -> list[dict[str, Any]]:
    """Return every layer as a flat record of the named columns, in order of running.

    Raises:
        KeyError: there is no such column.
    """
    found: list[dict[str, Any]] = [
        {
            "path": layer.path,
            "call": layer.call,
            "op": layer.op,
            "arguments": str(layer.node.op),
            "output": dims(layer.output),
            "params": layer.params,
            "buffers": layer.buffers,
            "macs": layer.macs,
            "receptive_field": (seen := field_text(analysis, layer.node))[0],
            "stride": seen[1],
            "activation_bytes": layer.activation_bytes,
            "training_only": layer.training_only,
        }
        for layer in analysis.layers
    ]
    return [{column: record[column] for column in columns} for record in found]


def cells(analysis: Analysis) -> list[list[str]]:
    """Return the rows of a table for people: numbers with separators, the op as it is written."""
    rows = []
    for layer, record in zip(analysis.layers, records(analysis), strict=True):
        name = layer.id + (" (training)" if layer.training_only else "")
        shown = {**record, "path": name, "op": record["arguments"]}
        rows.append([_cell(shown[column]) for column in HEADINGS])
    return rows


def totals(analysis: Analysis) -> list[str]:
    """Return the last row: what the numbers add up to."""
    name = "total" if analysis.is_complete else "total (incomplete)"
    sums = {"path": name, "params": analysis.totals.params, "macs": analysis.totals.macs}
    return [_cell(sums.get(column)) for column in HEADINGS]


def caption(analysis: Analysis) -> str:
    """Return what the table is of, and at which sizes, batch and dtype."""
    inputs = ", ".join(dims(node.output.shape) for node in analysis.graph.inputs.values())
    return _cell(f"{analysis.model}, input {inputs}, batch {analysis.batch}, {analysis.dtype}")


def notes(analysis: Analysis) -> list[str]:
    """Return what has to be said below the table: what its numbers mean, and what they leave out."""
    said = [f"A MAC is {CONVENTIONS['macs']}.", f"RF is the receptive field: {CONVENTIONS['receptive_field']}."]
    if analysis.graph.training_only:
        said.append("Layers marked (training) count in the total of parameters and not in that of MACs.")
    if not analysis.is_complete:
        said.append("The spec has errors: the table has what could be built, and the totals are of that alone.")
    return said


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, int) else " ".join(str(value).split())
