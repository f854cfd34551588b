"""How the numbers of the structural analyses come about for one layer, derived where somebody asks."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from archdsl.analysis import Analysis
from archdsl.analysis.dead import dead_work
from archdsl.analysis.effective import Spread, effective_fields
from archdsl.analysis.paths import paths
from archdsl.analysis.saved import saved_tensors
from archdsl.analysis.working import Section
from archdsl.graph import Node
from archdsl.ops.sliding import AXES
from archdsl.ops.working import MINUS, TIMES, Step, grouped


def structural(analysis: Analysis, node: Node, metrics: Sequence[str]) -> list[Section]:
    """Return the sections that are asked for by name; what needs sizes is left out where some are open."""
    return [
        section
        for metric in metrics
        if metric in _MADE and not (metric in NEED_SIZES and analysis.graph.is_symbolic)
        for section in _MADE[metric](analysis, node)
        if section.steps or section.notes
    ]


def _paths(analysis: Analysis, node: Node) -> list[Section]:
    found = paths(analysis.graph)
    for one in found.layers:
        if one.id == node.id:
            total = f"of {_many(found.total.count)} in all" if found.total else ""
            lengths = f"{one.shortest} to {one.longest}" if one.shortest != one.longest else str(one.shortest)
            return [
                Section(
                    "paths",
                    (
                        Step(
                            "through it", f"{_many(one.before)} {TIMES} {_many(one.after)}", _many(one.through), total
                        ),
                        Step("gradient", "", lengths, "weighted layers between an output and it"),
                    ),
                    notes=("ways from an input to it, times ways from it to an output",),
                )
            ]
    why = "it has no weights: paths are told of layers that learn"
    if node.index in analysis.graph.training_only:
        why = "only training runs it"
    elif analysis.graph.weights(node):
        why = "no output of evaluation depends on it"
    return [Section("paths", (), notes=(why,))]


def _many(number: int) -> str:
    """Return a number; one that would fill the line as a power of ten."""
    return grouped(number) if number < 10**15 else f"about 10^{len(str(number)) - 1}"


def _dead(analysis: Analysis, node: Node) -> list[Section]:
    found = {one.node.index: one for one in dead_work(analysis.graph).nodes}.get(node.index)
    if found is None:
        return [Section("dead", (), notes=("only training runs it",))]
    steps = [Step("read", "", f"{grouped(found.live)} of {grouped(found.positions)}", "positions that anything reads")]
    if found.dead_macs:
        share = f"{grouped(found.macs)} {TIMES} {grouped(found.dead)} / {grouped(found.positions)}"
        exact = found.macs * found.dead == found.dead_macs * found.positions
        steps.append(Step("dead MACs", share if exact else "", grouped(found.dead_macs)))
    notes = () if found.exact else ("channels are not told apart: more may be dead",)
    return [Section("dead", tuple(steps), notes=notes)]


def _saved(analysis: Analysis, node: Node) -> list[Section]:
    kept = saved_tensors(analysis.graph, batch=analysis.batch, dtype=analysis.dtype)
    mine = [one for one in kept if node.index in one.readers or one.node == node.index]
    steps = []
    for one in mine:
        owner = analysis.graph.nodes[one.node]
        what = f"{owner.id}: {one.what}" if one.what != "output" else owner.id
        readers = [analysis.graph.nodes[i].id for i in one.readers]
        steps.append(Step(what, "", grouped(one.bytes), f"bytes, for the backward of {', '.join(readers)}"))
    total = grouped(sum(one.bytes for one in mine)) if len(mine) > 1 else ""
    return [Section("saved", tuple(steps), total, () if steps else ("its backward keeps nothing",))]


def _spread(analysis: Analysis, node: Node) -> list[Section]:
    fields = effective_fields(analysis.graph)
    sections = []
    for name, seen in fields[node.index].items():
        steps: list[Step] = []
        for axis, spread in enumerate(seen.axes):
            one = spread.widest if spread is not None else None
            if one is None or (steps and seen.axes[0] is not None and one == seen.axes[0].widest):
                continue
            words = AXES.get(len(seen.axes), ())
            where = f", {words[axis]}" if len({a and a.widest for a in seen.axes}) > 1 and words else ""
            before = fields[node.inputs[0]].get(name)
            formula = _variance(analysis, node, axis, before.axes[axis] if before and before.axes else None)
            steps.append(Step(f"variance{where}", formula, f"{float(one.variance):.6g}"))
            steps.append(Step(f"4σ{where}", f"4 {TIMES} √{float(one.variance):.6g}", f"{4 * one.sd:.1f}", "pixels"))
        notes = ("branches count with equal gain, weights with their mean square; training enlarges it",)
        label = "" if len(fields[node.index]) == 1 else f"of {name}"
        sections.append(Section("erf", tuple(steps), notes=(*notes, label) if label else notes))
    return sections


def _variance(analysis: Analysis, node: Node, axis: int, before: Spread | None) -> str:
    """Return `before + stride² · dilation² · (k² − 1) / 12` for a window that slides over units of one kind."""
    window = node.op.window(analysis.graph.types(node), node.output)
    if before is None or not isinstance(window, tuple) or len(before.phases) != 1:
        return ""
    reads, was = window[axis], before.phases[0]
    if reads is None or len(reads.taps) != 1 or was is None or len(reads.taps[0]) < 2:
        return ""
    taps = reads.taps[0]
    gap = f" {TIMES} {taps.step}²" if taps.step > 1 else ""
    return f"{float(was.variance):.6g} + {before.shift}²{gap} {TIMES} ({len(taps)}² {MINUS} 1) / 12"


_MADE: dict[str, Callable[[Analysis, Node], list[Section]]] = {
    "paths": _paths,
    "dead": _dead,
    "saved": _saved,
    "erf": _spread,
}
METRICS = tuple(_MADE)
"""What `why` derives beyond what it always does."""
NEED_SIZES = ("dead", "saved")
