"""Exact receptive fields as a section of the table, and as an addition to the JSON."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from archdsl.analysis import Analysis
from archdsl.analysis.coverage import Cover, Covers, coverage
from archdsl.analysis.field_summary import Axis, Summary, summary, untold
from archdsl.graph import Graph, Node
from archdsl.report.columns import aligned
from archdsl.report.rows import Row
from archdsl.tensors import dims

HEAD = ("Layer", "Extent", "Seen", "Stride", "Start", "Middle", "Tile needs", "Phases")
LONGEST_FRACTION = 8
"""A fraction of more characters is printed as a decimal with five digits."""
MOST_PHASES = 3
"""So many extents are listed; of more the least and the most are."""


class Told:
    """The summaries of all nodes; layers that see the same share one."""

    def __init__(self, graph: Graph) -> None:
        self.covers: list[Covers] = coverage(graph)
        self._known: dict[int, Summary | None] = {}

    def of(self, node: Node, name: str) -> tuple[Cover | None, Summary | None]:
        """Return the field of a node on an input, and what is told of it."""
        cover = self.covers[node.index].get(name)
        if cover is None:
            return None, None
        if id(cover) not in self._known:
            self._known[id(cover)] = summary(cover, _units(node))
        return cover, self._known[id(cover)]


def render(analysis: Analysis, shown: Sequence[Row]) -> str:
    """Return a table for each input of the network, with the rows of the table above it."""
    told = Told(analysis.graph)
    parts = []
    for name, fed in analysis.graph.inputs.items():
        rows = [(row.path, *_cells(told, row, name)) for row in shown if row.shown and not row.training_only]
        lines = [f"  Receptive fields in pixels of {name}, {dims(fed.output.shape)}, on an infinite plane", ""]
        parts.append("\n".join([*lines, *aligned(HEAD, rows)]))
    notes = [
        "  Extent: from the first to the last pixel that a unit sees; Seen: the share of them that it does see.",
        "  Start: the first pixel of unit 0. Middle: unit o looks at o·stride + this. Tile needs: pixels before and",
        "  after what a tile of units stands for, wherever it starts. Phases: extents of so many units of a period.",
    ]
    return "\n\n".join(parts) + "\n\n" + "\n".join(notes) + "\n"


def _cells(told: Told, row: Row, name: str) -> tuple[str, ...]:
    node = row.shown[-1]
    cover, found = told.of(node, name)
    if cover is None:
        return ("none", *[""] * 6)
    if cover.global_ is not None:
        return ("image", "", "", "", "", "", f"by {cover.global_}")
    if found is None:
        vector = bool(cover.terms) and not cover.terms[0]  # it has no positions
        return ("–", *[""] * 6) if vector else ("?", *[""] * 5, untold(cover, _units(node)))
    axes = found.axes
    return (
        _axes([str(axis.size) for axis in axes]),
        _share(found),
        _axes([_number(axis.stride) for axis in axes]),
        _axes(["–" if axis.start is None else _number(Fraction(axis.start)) for axis in axes]),
        _axes([_range(axis.centre) for axis in axes]),
        _axes(["–" if axis.halo_anywhere is None else "+".join(map(str, axis.halo_anywhere)) for axis in axes]),
        "; ".join(filter(None, [_axes([_phases(axis, repeats=found.repeats) for axis in axes]), _uncounted(found)])),
    )


def _units(node: Node) -> tuple[int, ...]:
    units = node.output.shape[1:]
    known = tuple([size for size in units if isinstance(size, int)])
    return known if len(known) == len(units) else ()


def _uncounted(found: Summary) -> str:
    return f"not counted: {found.uncounted}" if found.uncounted else ""


def _share(found: Summary) -> str:
    if found.density is None:
        return "?" if found.covered is None else "none"
    low, high = (f"{100 * float(share):.0f}" for share in found.density)
    return f"{high} %" if low == high else f"{low}–{high} %"


def _phases(axis: Axis, *, repeats: bool) -> str:
    if len(axis.sizes) == 1:
        return "" if repeats else "never repeats"
    of = f"of {axis.period}" if repeats else f"of all {axis.period}"
    if len(axis.sizes) > MOST_PHASES:
        return f"{min(axis.sizes)} … {max(axis.sizes)} {of}"
    return ", ".join(f"{size} ({times})" for size, times in sorted(axis.sizes.items())) + f" {of}"


def _range(bounds: tuple[Fraction, Fraction] | None) -> str:
    if bounds is None:
        return "–"
    low, high = map(_number, bounds)
    return low if low == high else f"{low} … {high}"


def _number(value: Fraction | None) -> str:
    if value is None:
        return "–"
    text = f"{float(value):g}" if value.denominator in (1, 2, 4) else str(value)
    if value.denominator > 1 and len(text) > LONGEST_FRACTION:
        text = f"{float(value):.5g}"
    return text.replace("-", "−")


def _axes(values: list[str]) -> str:
    return values[0] if len(set(values)) == 1 else "×".join(values)


def as_dict(analysis: Analysis) -> dict[str, Any]:
    """Return what is told of every layer by input, in the words of the contract; `None` where there is nothing."""
    told = Told(analysis.graph)
    made: dict[str, Any] = {}
    for node in analysis.graph.layers:
        seen = {name: told.of(node, name)[1] for name in told.covers[node.index]}
        made[node.id] = {name: None if found is None else _as_dict(found) for name, found in seen.items()}
    return made


def _as_dict(found: Summary) -> dict[str, Any]:
    return {
        "covered": None if found.covered is None else list(found.covered),
        "uncounted": found.uncounted or None,
        "density": None if found.density is None else [float(share) for share in found.density],
        "repeats": found.repeats,
        "axes": [
            {
                "phases": [{"size": size, "units": units} for size, units in sorted(axis.sizes.items())],
                "halo": None if axis.halo is None else list(axis.halo),
                "halo_anywhere": None if axis.halo_anywhere is None else list(axis.halo_anywhere),
                "centre": None if axis.centre is None else [float(end) for end in axis.centre],
            }
            for axis in found.axes
        ],
    }
