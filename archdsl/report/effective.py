"""Effective receptive fields as a section of the report and as data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from archdsl.analysis import Analysis
from archdsl.analysis.effective import Effective, EffectiveFields
from archdsl.graph import Node
from archdsl.report.columns import aligned

MOST_ROWS = 20
NOTES = (
    "4σ of the gradient of a unit in the middle, in a linear net of even weights whose branches have equal gain,",
    "as with random weights of mean zero; training enlarges it",
)
PARTIAL = "*: what comes through gates, global pools and the statistics of norms is left out"


def render(analysis: Analysis, found: Sequence[EffectiveFields]) -> str:
    """Return the section: for each module of the network and each input, four standard deviations beside the field."""
    names = tuple(analysis.graph.inputs)
    rows = [
        (label + (f" on {name}" if len(names) > 1 else ""), *_row(analysis, node, name, found[node.index][name]))
        for label, node in _ends(analysis, found).items()
        for name in names
        if name in found[node.index] and any(found[node.index][name].axes)
    ]
    # A norm or an activation changes nothing.
    rows = [row for i, row in enumerate(rows) if i == 0 or row[1:] != rows[i - 1][1:]]
    if not rows:
        return "  no unit has a place in the plane\n"
    if len(rows) > MOST_ROWS:
        half = MOST_ROWS // 2
        rows = [*rows[:half], (f"({len(rows) - 2 * half} more)", "", "", ""), *rows[-half:]]
    lines = [*aligned(("up to", "RF", "4σ", "4σ / RF"), rows), *(f"  {note}" for note in NOTES)]
    return "\n".join([*lines, *([f"  {PARTIAL}"] if any("*" in row[2] for row in rows) else [])]) + "\n"


def _ends(analysis: Analysis, found: Sequence[EffectiveFields]) -> dict[str, Node]:
    """Return for each module of the network the last of its nodes that has a place in the plane."""
    ends: dict[str, Node] = {}
    for node in analysis.graph.layers:
        if node.index not in analysis.graph.training_only and any(any(x.axes) for x in found[node.index].values()):
            ends[node.path.partition(".")[0]] = node
    return ends


def _row(analysis: Analysis, node: Node, name: str, seen: Effective) -> tuple[str, str, str]:
    field = analysis.fields[node.index][name]
    sizes: tuple[int | None, ...] = (None,) * len(seen.axes) if field.global_ is not None else field.size
    unknown = "–" if field.global_ is None else "all"
    widths = [4 * axis.widest.sd if axis and axis.widest else None for axis in seen.axes]
    shares = [width / size if width is not None and size else None for width, size in zip(widths, sizes, strict=True)]
    return (
        _axes([unknown if size is None else str(size) for size in sizes]),
        _axes(["–" if width is None else f"{width:.1f}" for width in widths]) + "*" * seen.partial,
        _axes(["" if share is None else f"{share:.0%}" for share in shares]),
    )


def _axes(values: list[str]) -> str:
    return values[0] if len(set(values)) == 1 else "×".join(values)


def as_dict(analysis: Analysis, found: Sequence[EffectiveFields]) -> dict[str, Any]:
    """Return the moments by layer and input, in pixels: those of unit 0, and the largest deviation of a phase."""
    return {
        "layers": [
            {"id": node.id, "inputs": {name: _as_dict(seen) for name, seen in found[node.index].items()}}
            for node in analysis.graph.layers
        ]
    }


def _as_dict(seen: Effective) -> dict[str, Any]:
    units = [axis.at(0) if axis else None for axis in seen.axes]
    return {
        "mean": [float(unit.mean) if unit else None for unit in units],
        "variance": [float(unit.variance) if unit else None for unit in units],
        "phases": [len(axis.phases) if axis else None for axis in seen.axes],
        "sd": [axis.widest.sd if axis and axis.widest else None for axis in seen.axes],
        "partial": seen.partial,
    }
