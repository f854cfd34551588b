"""One flat record a layer, for CSV, Markdown, LaTeX, notebooks and data frames."""

from __future__ import annotations

from typing import Any

from archdsl.analysis import Analysis
from archdsl.report.rows import field_text
from archdsl.tensors import dims

NUMBERS = ("params", "buffers", "macs", "activation_bytes")
"""Columns of whole numbers."""
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


def records(analysis: Analysis) -> list[dict[str, Any]]:
    """Return every layer as a flat record, in order of running."""
    return [
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


def cells(analysis: Analysis) -> list[list[str]]:
    """Return the rows of a table for people: numbers with separators, the op as it is written."""
    rows = []
    for layer, record in zip(analysis.layers, records(analysis), strict=True):
        shown = {**record, "path": layer.id, "op": record["arguments"]}
        rows.append([_cell(shown[column]) for column in HEADINGS])
    return rows


def totals(analysis: Analysis) -> list[str]:
    """Return the last row: what the numbers add up to."""
    sums = {"path": "total", "params": analysis.totals.params, "macs": analysis.totals.macs}
    return [_cell(sums.get(column)) for column in HEADINGS]


def caption(analysis: Analysis) -> str:
    """Return what the table is of, and at which sizes, batch and dtype."""
    inputs = ", ".join(dims(node.output.shape) for node in analysis.graph.inputs.values())
    return f"{analysis.model}, input {inputs}, batch {analysis.batch}, {analysis.dtype}"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, int) else str(value)
