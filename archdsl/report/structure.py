"""What stands out in a structure: the sizes it suits, what couples, what is left out, how branches meet."""

from __future__ import annotations

from typing import Any

from archdsl.analysis import Analysis
from archdsl.analysis.aliasing import Subsampling, subsamplings
from archdsl.analysis.alignment import Meeting, meetings
from archdsl.analysis.coupling import Coupling, When, couplings, first_global
from archdsl.analysis.gridding import Grid, gridding
from archdsl.analysis.overlap import Overlap, overlaps
from archdsl.analysis.productive import Prediction, Productive, productive
from archdsl.graph import Graph
from archdsl.ops.sliding import AXES
from archdsl.tensors import dims

MOST = 4
"""So many layers of a kind are named."""


class Found:
    """All of it for one network, each computed once."""

    def __init__(self, analysis: Analysis) -> None:
        graph = analysis.graph
        self.graph = graph
        self.first_global = first_global(graph, analysis.fields)
        self.couplings = couplings(graph)
        self.subsamplings = subsamplings(graph)
        self.meetings = meetings(graph)
        self.overlaps = overlaps(graph)
        self.grids = [grid for grid in gridding(graph) if grid.dilated]
        self.productive = _productive(graph)


def _productive(graph: Graph) -> dict[str, Productive]:
    found = {}
    for name, node in graph.inputs.items():
        if node.output.spatial and not graph.is_symbolic:
            found[name] = productive(graph, name)
    return found


def render(analysis: Analysis) -> str:
    """Return what stands out, a line or two each."""
    found = Found(analysis)
    lines = [
        *_sizes(found),
        *_global(found),
        *_couplings(found.couplings),
        *_subsamplings(found.subsamplings),
        *_meetings(found.meetings),
        *_overlaps(found.overlaps),
        *_grids(found.grids),
    ]
    return "\n".join(["  Structure", "", *lines]) + "\n"


def _line(label: str, text: str) -> str:
    return f"  {label:<14}{text}"


def _names(nodes: list[str]) -> str:
    more = f" and {len(nodes) - MOST} more" if len(nodes) > MOST else ""
    return ", ".join(nodes[:MOST]) + more


def _sizes(found: Found) -> list[str]:
    lines = []
    for name, one in found.productive.items():
        if not one.convolutions:
            continue
        low, high = one.range.least, one.range.most
        gates = f"; through `{one.range.unlimited}` a unit sees images of any size" if one.range.unlimited else ""
        lines.append(_line("suits", f"{name} of {dims(low)} to {dims(high)}, by what its convolutions see{gates}"))
        for prediction in (Prediction.UNPRODUCTIVE, Prediction.PARTLY, Prediction.CRITICAL):
            named = [layer.node.id for layer in one.convolutions if layer.prediction is prediction]
            if named:
                size = dims(found.graph.inputs[name].output.known[1:])
                lines.append(
                    _line("", f"predicted {prediction.value} at {size} (Richter et al. 2021): {_names(named)}")
                )
    return lines


def _global(found: Found) -> list[str]:
    if found.first_global is None:
        return [_line("whole image", "no unit of any layer sees all of it by a layer's own doing")]
    return [_line("whole image", f"from {found.first_global.id} on every unit sees all of it")]


def _couplings(found: tuple[Coupling, ...]) -> list[str]:
    lines = []
    for when in (When.ALWAYS, When.TRAINING):
        positions = [one.node.id for one in found if one.positions is when]
        samples = [one.node.id for one in found if one.samples is when]
        if positions:
            lines.append(_line("couples", f"positions, {when.value}: {_names(positions)}"))
        if samples:
            lines.append(_line("couples", f"samples of a batch, {when.value}: {_names(samples)}"))
    return lines


def _subsamplings(found: tuple[Subsampling, ...]) -> list[str]:
    lines = []
    aliased = [one.node.id for one in found if one.smoothed_by is None]
    if aliased:
        lines.append(_line("aliasing", f"subsampled without a mean before: {_names(aliased)}"))
    unread = [one.node.id for one in found if any(one.unread)]
    if unread:
        lines.append(_line("", f"positions that no window reads: {_names(unread)}"))
    return lines


def _meetings(found: tuple[Meeting, ...]) -> list[str]:
    apart = [one for one in found if not one.is_aligned]
    if not found:
        return []
    if not apart:
        return [_line("alignment", "all branches meet at equal strides and centres")]
    lines = []
    for one in apart[:MOST]:
        strides = " and ".join(dict.fromkeys(map(str, one.strides)))
        said = f"strides {strides}" if len(set(one.strides)) > 1 else f"centres {float(one.drift):g} px apart"
        lines.append(
            _line("alignment" if one is apart[0] else "", f"{one.node.id}, {_axis(one)} of {one.input}: {said}")
        )
    if len(apart) > MOST:
        lines.append(_line("", f"and {len(apart) - MOST} more"))
    return lines


def _axis(one: Meeting) -> str:
    names = AXES.get(max(one.axis + 1, len(one.node.output.shape) - 1), ())
    return names[one.axis] if one.axis < len(names) else f"axis {one.axis + 2}"


def _overlaps(found: tuple[Overlap, ...]) -> list[str]:
    lines = []
    uneven = [one for one in found if not one.backward and not one.is_even]
    for one in uneven[:MOST]:
        counts = ":".join(map(str, one.together))
        lines.append(_line("checkerboard", f"{one.node.id}: outputs get {counts} taps by their position"))
    backward = [one for one in found if one.backward and not one.is_even]
    if backward:
        shown = [f"{one.node.id} {':'.join(map(str, one.together))}" for one in backward]
        lines.append(_line("gradients", f"inputs get uneven numbers of taps: {_names(shown)}"))
    return lines


def _grids(found: list[Grid]) -> list[str]:
    lines = []
    for one in found:
        if one.has_holes:
            seen = f"{one.covered} of {one.hull} positions along axis {one.axis + 2} of {one.origin.id}"
            lines.append(_line("gridding", f"{one.node.id}: {seen} are seen, with gaps of up to {one.gap - 1}"))
    return lines[:MOST]


def as_dict(analysis: Analysis) -> dict[str, Any]:
    """Return all of it as plain values, layers by their ids."""
    found = Found(analysis)
    return {
        "first_global": found.first_global.id if found.first_global else None,
        "resolutions": {
            name: {
                "least": list(one.range.least),
                "most": list(one.range.most),
                "unlimited": one.range.unlimited,
                "predictions": {layer.node.id: layer.prediction.value for layer in one.convolutions},
            }
            for name, one in found.productive.items()
        },
        "couplings": [
            {"layer": one.node.id, "positions": one.positions.value, "samples": one.samples.value}
            for one in found.couplings
        ],
        "subsamplings": [
            {
                "layer": one.node.id,
                "strides": list(one.strides),
                "unread": list(one.unread),
                "smoothed_by": one.smoothed_by.id if one.smoothed_by else None,
            }
            for one in found.subsamplings
        ],
        "meetings": [
            {
                "layer": one.node.id,
                "input": one.input,
                "axis": one.axis,
                "strides": [str(stride) for stride in one.strides],
                "centres": [float(centre) for centre in one.centres],
                "aligned": one.is_aligned,
            }
            for one in found.meetings
        ],
        "overlaps": [
            {
                "layer": one.node.id,
                "of": "input" if one.backward else "output",
                "taps": [list(axis) for axis in one.counts],
            }
            for one in found.overlaps
        ],
        "gridding": [
            {
                "layer": one.node.id,
                "origin": one.origin.id,
                "axis": one.axis,
                "hull": one.hull,
                "covered": one.covered,
                "gap": one.gap,
                "step": one.step,
            }
            for one in found.grids
        ],
    }
