"""An analysis as JSON, `archdsl/analysis@1`: the contract that other programs read. The same bytes on every run.

All signs beyond ASCII are escaped, so that no console and no encoding of a pipe can change what is read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from archdsl.analysis import CONVENTIONS, Analysis, Field, Layer
from archdsl.diagnostics import Diagnostic
from archdsl.source import Span

SCHEMA = "archdsl/analysis@1"
TOOL = {"name": "archdsl"}


def render(analysis: Analysis, beside: Mapping[str, Any] | None = None) -> str:
    """Return the analysis as a JSON text that ends with a newline; `beside` is what was asked for beyond it."""
    return text(document(analysis) | dict(beside or {}))


def text(made: dict[str, Any]) -> str:
    """Return a document as every command writes JSON."""
    return json.dumps(made, indent=2) + "\n"


def document(analysis: Analysis) -> dict[str, Any]:
    """Return the analysis as lists, dicts, texts and numbers; a size that is left open is a text."""
    graph, totals = analysis.graph, analysis.totals
    return {
        "schema": SCHEMA,
        "tool": TOOL,
        "model": analysis.model,
        "source": analysis.source,
        "batch": analysis.batch,
        "dtype": analysis.dtype,
        "conventions": CONVENTIONS,
        "inputs": {name: sizes(node.output.shape) for name, node in graph.inputs.items()},
        "outputs": {name: sizes(node.output.shape) for name, node in graph.outputs.items()},
        "layers": [layer(one) for one in analysis.layers],
        "totals": {
            "params": totals.params,
            "trainable": totals.trainable,
            "buffers": totals.buffers,
            "macs": totals.macs,
            "flops": totals.flops,
            "weight_bytes": totals.weight_bytes,
            "peak_activation_bytes": totals.peak_activation_bytes,
        },
        "complete": analysis.is_complete,
        "requirements": list(analysis.requirements),
        "diagnostics": [diagnostic(one) for one in analysis.diagnostics],
    }


def failure(source: str, diagnostics: tuple[Diagnostic, ...]) -> str:
    """Return what is left to say of a file without a model that can be built: its diagnostics."""
    made = {
        "schema": SCHEMA,
        "tool": TOOL,
        "model": None,
        "source": source,
        "layers": [],
        "totals": None,
        "complete": False,
        "diagnostics": [diagnostic(one) for one in diagnostics],
    }
    return text(made)


def layer(one: Layer) -> dict[str, Any]:
    """Return one row of the contract; `id`, `training_only` and `source`, the file of the span, are additions to it."""
    return {
        "path": one.path,
        "call": one.call,
        "id": one.id,
        "module": one.module,
        "op": one.op,
        "inputs": list(one.inputs),
        "output": sizes(one.output),
        "params": one.params,
        "trainable": one.trainable,
        "buffers": one.buffers,
        "macs": one.macs,
        "weights": {name: list(shape) for name, shape in one.weights.items()},
        "receptive_field": {name: field(seen) for name, seen in one.receptive_field.items()},
        "activation_bytes": one.activation_bytes,
        "training_only": one.training_only,
        "source": one.node.instance.source.name,
        "span": span(one.node.span),
    }


def sizes(shape: tuple[Any, ...]) -> list[int | str]:
    """Return a shape; a size that depends on an open one is its formula."""
    return [size if isinstance(size, int) else str(size) for size in shape]


def field(seen: Field) -> dict[str, Any]:
    """Return a receptive field as the contract words it."""
    strides = seen.stride
    found: dict[str, Any] = {
        "size": list(seen.size),
        "stride": None if strides is None else [_number(s) for s in strides],
        "start": list(seen.start),
        "global": seen.global_,
    }
    if strides is not None and any(s is not None and s.denominator != 1 for s in strides):
        found["stride_exact"] = [None if s is None else str(s) for s in strides]
    return found


def _number(value: Fraction | None) -> int | float | None:
    if value is None:
        return None
    return value.numerator if value.denominator == 1 else float(value)


def span(place: Span) -> dict[str, Any]:
    """Return a place in a text, lines and columns counted from 1."""
    first, last = place.source.position(place.start), place.source.position(place.end)
    return {
        "start": {"line": first[0], "column": first[1]},
        "end": {"line": last[0], "column": last[1]},
    }


def diagnostic(one: Diagnostic) -> dict[str, Any]:
    """Return a problem as `archdsl/diagnostics@1` words it."""
    return {
        "code": one.code,
        "rule": one.rule.name,
        "severity": one.severity,
        "path": one.span.source.name,
        "span": span(one.span),
        "message": one.message,
        "label": one.label or None,
        "layer": one.layer,
        "also": list(one.also),
        "related": [{"path": r.span.source.name, "span": span(r.span), "message": r.text} for r in one.related],
        "frames": [{"path": f.span.source.name, "span": span(f.span), "message": f.text} for f in one.frames],
        "notes": list(one.notes),
        "help": one.help,
        "fixes": []
        if one.fix is None
        else [
            {
                "title": one.fix.title,
                "safe": one.fix.safe,
                "edits": [
                    {
                        "path": edit.span.source.name,
                        "span": span(edit.span),
                        "replacement": edit.replacement,
                    }
                    for edit in one.fix.edits
                ],
            }
        ],
    }
