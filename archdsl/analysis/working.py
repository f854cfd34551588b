"""How every number of a layer, a module or the network comes about: the ops' own steps, and what the graph adds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from math import prod

from archdsl.analysis import DTYPES, Analysis, Field
from archdsl.analysis.coverage import Cover, coverage
from archdsl.analysis.field_summary import summary
from archdsl.graph import Instance, Node
from archdsl.ops import Reach, Window
from archdsl.ops.working import MINUS, TIMES, Step, grouped, product, tensor
from archdsl.source import Span
from archdsl.tensors import dims

MOST_PHASES = 4
"""So many different sizes of a receptive field are listed; more are summed up."""


@dataclass(frozen=True, slots=True)
class Section:
    """One quantity and the steps to it; the last step's result is the number, unless `total` says more."""

    metric: str
    steps: tuple[Step, ...]
    total: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Working:
    """The derivation of all that is known of one layer, module or network."""

    path: str
    what: str
    span: Span | None
    shapes: str
    sections: tuple[Section, ...]


def explain(analysis: Analysis, name: str | None) -> Working:
    """Return the derivation of the numbers of a layer or module, or of the whole network without a name.

    Raises:
        KeyError: there is no such layer or module.
    """
    if name is None:
        return _of_module(analysis, analysis.graph.root)
    for node in analysis.graph.layers:
        if node.id == name:
            return _of_layer(analysis, node)
    found = _find(analysis.graph.root, name)
    if found is None:
        raise KeyError(name)
    return _of_module(analysis, found)


def _find(instance: Instance, path: str) -> Instance | None:
    for child in instance.children:
        if isinstance(child, Instance):
            if child.path == path:
                return child
            if path.startswith(child.path + "."):
                return _find(child, path)
    return None


# A layer.


def _of_layer(analysis: Analysis, node: Node) -> Working:
    graph = analysis.graph
    types = graph.types(node)
    sources = [f"{dims(x.shape)} from {graph.nodes[i].id}" for x, i in zip(types, node.inputs, strict=True)]
    shape = node.op.shape_working(types, node.output)
    sections = [
        Section("shape", shape, dims(node.output.shape) if len(shape) > 1 else ""),
        _numbers("params", node, node.op.weights(*types), analysis.parameters.counts[node.index]),
        _numbers("buffers", node, node.op.buffers(*types), analysis.parameters.buffer_counts[node.index]),
        *_macs(analysis, node),
        *_memory(analysis, node),
        *_fields(analysis, node),
    ]
    shown = f"{' and '.join(sources)}  →  {dims(node.output.shape)}"
    return Working(node.id, str(node.op), node.span, shown, tuple(s for s in sections if s.steps or s.notes))


def _numbers(metric: str, node: Node, shapes: dict[str, tuple[int, ...]], count: int) -> Section:
    if node.call and shapes:
        return Section(metric, (), "0", (f"the module is shared: its {metric} were counted at its first call",))
    steps = tuple(tensor(name, shape, prod(shape)) for name, shape in shapes.items())
    return Section(metric, steps, grouped(count) if len(steps) > 1 else "")


def _macs(analysis: Analysis, node: Node) -> list[Section]:
    if analysis.node_macs is None:
        return []
    formula = node.op.macs_working(analysis.graph.types(node), node.output)
    count = analysis.node_macs[node.index]
    if not formula:
        return []
    macs = Section("macs", (Step("MACs", formula, grouped(count)),))
    return [macs, Section("flops", (Step("FLOPs", f"2 {TIMES} {grouped(count)}", grouped(2 * count)),))]


def _memory(analysis: Analysis, node: Node) -> list[Section]:
    if analysis.node_macs is None:
        return []
    shape = node.output.known
    size = DTYPES[analysis.dtype]
    batch = f" {TIMES} {analysis.batch}" if analysis.batch > 1 else ""
    formula = f"{product(shape)}{batch} {TIMES} {size}"
    total = prod(shape) * analysis.batch * size
    remark = f"bytes of {analysis.dtype}" + (f", batch {analysis.batch}" if batch else "")
    return [Section("memory", (Step("output", formula, grouped(total), remark),))]


# Receptive fields.


def _fields(analysis: Analysis, node: Node) -> list[Section]:
    many = len(analysis.graph.inputs) > 1
    sections = []
    covers = coverage(analysis.graph)[node.index]
    for name, field in analysis.fields[node.index].items():
        label = f"RF on {name}" if many else "RF"
        section = _field(analysis, node, name, field, label)
        sections.append(replace(section, notes=(*section.notes, *_seen(node, covers.get(name)))))
    return sections


def _seen(node: Node, cover: Cover | None) -> tuple[str, ...]:
    """Say how much of its extent a unit sees where that is not all, and where it looks."""
    sizes = tuple([size for size in node.output.shape[1:] if isinstance(size, int)])
    found = summary(cover, sizes) if cover is not None else None
    if found is None:
        return (f"it is not told: {cover.why}",) if cover is not None and cover.open else ()
    notes = [f"how much of it units see is not counted: {found.uncounted}"] if found.uncounted else []
    if found.density is not None and found.covered is not None and found.has_holes:
        counts = " to ".join(dict.fromkeys(map(grouped, found.covered)))
        shares = " to ".join(dict.fromkeys(f"{100 * float(share):.0f}" for share in found.density))
        notes.append(f"there are holes in it: units see {counts} of the pixels between, {shares} %")
    if found.has_phases or any(axis.centre and axis.centre[0] != axis.centre[1] for axis in found.axes):
        ends = [axis.centre for axis in found.axes if axis.centre is not None]
        if ends:
            low, high = min(end[0] for end in ends), max(end[1] for end in ends)
            notes.append(f"the middle of it lies {_signed(low)} to {_signed(high)} px from o{TIMES}stride, by position")
    return tuple(notes)


def _signed(value: Fraction) -> str:
    return f"{float(value):g}".replace("-", MINUS)


def _field(analysis: Analysis, node: Node, name: str, field: Field, label: str) -> Section:
    if field.global_ is not None:
        whole = dims(tuple("?" if n is None else n for n in field.whole))
        cause = "this layer reads every position" if field.global_ == node.path else f"`{field.global_}` made it so"
        return Section("rf", (Step(label, "", f"the whole input, {whole}", cause),))
    windows = node.op.windows(analysis.graph.types(node), node.output)
    seen = [(analysis.fields[i].get(name), window) for i, window in zip(node.inputs, windows, strict=True)]
    known = [(before, window) for before, window in seen if before is not None]
    if len(known) == 1:
        before, window = known[0]
        if window is Reach.SAME or before is field:
            return Section("rf", (Step(label, "", _sizes(field), "as its input"),), notes=_stride(field))
        steps = _closed_form(before, window, field, label)
        if steps:
            return Section("rf", steps, notes=_stride(field, before))
    source = known[0][0] if len(known) == 1 else None
    notes = (*_why_no_closed_form(known), *_phases(field), *_stride(field, source))
    return Section("rf", (Step(label, "", _sizes(field), "the hull of all that is read"),), notes=notes)


def _closed_form(before: Field, window: Window, field: Field, label: str) -> tuple[Step, ...]:
    """Return r + (k − 1)·j per axis where the field follows it, nothing where it does not."""
    if isinstance(window, Reach) or before.global_ is not None or before.stride is None:
        return ()
    formulas: list[str] = []
    for reads, size, stride, after in zip(window, before.size, before.stride, field.size, strict=True):
        if reads is None or len(reads.taps) != 1 or size is None or stride is None:
            return ()
        reach = reads.taps[0][-1] - reads.taps[0][0] + 1
        if size + (reach - 1) * stride != after:
            return ()
        formulas.append(f"{size} + ({reach} {MINUS} 1){TIMES}{_fraction(stride)}")
    if len(set(zip(formulas, field.size, strict=True))) == 1:
        return (Step(label, formulas[0], str(field.size[0])),)
    axes = ("height", "width") if len(formulas) == 2 else tuple(f"axis {i + 2}" for i in range(len(formulas)))
    return tuple(
        Step(f"{label}, {axis}", formula, str(size))
        for axis, formula, size in zip(axes, formulas, field.size, strict=True)
    )


def _why_no_closed_form(known: list[tuple[Field, Window]]) -> tuple[str, ...]:
    if len(known) > 1:
        parts = " and ".join(_sizes(before) for before, _ in known)
        sizes = {before.stride for before, _ in known}
        starts = {before.start for before, _ in known}
        aligned = "their strides agree" if len(sizes) == 1 else "their strides differ"
        if len(sizes) == 1:
            aligned += " and they begin at one pixel" if len(starts) == 1 else ", and they begin at different pixels"
        return (f"its inputs see {parts} px: {aligned}, and the field is the union",)
    if not known or isinstance(known[0][1], Reach):
        return ()
    taps = {len(tap) for reads in known[0][1] if reads is not None for tap in reads.taps}
    if taps == {1}:
        return ("each output reads one input, so the field stays and only the stride changes",)
    if len(taps) > 1:
        counts = " or ".join(map(str, sorted(taps)))
        return (f"r + (k − 1)·j does not apply: along an axis an output reads {counts} inputs, by its position",)
    return ("r + (k − 1)·j does not apply: the units of the input see different extents, by their position",)


def _phases(field: Field) -> tuple[str, ...]:
    """List the sizes that occur where they are not the same for all units."""
    table = field.phases[0] if field.phases else None
    if table is None or len(table) == 1:
        return ()
    sizes = [interval[1] - interval[0] + 1 if interval else 0 for interval in table]
    counts = {size: sizes.count(size) for size in sorted(set(sizes))}
    if len(counts) == 1:
        return ()
    if len(counts) > MOST_PHASES:
        return (f"by position it is {min(counts)} to {max(counts)} px; the largest is told",)
    parts = ", ".join(f"{size} px at {count} of {len(sizes)} positions" for size, count in counts.items())
    return (f"by position it is {parts}; the largest is told",)


def _stride(field: Field, before: Field | None = None) -> tuple[str, ...]:
    if field.stride is None:
        return ()
    after = _axes([_fraction(s) for s in field.stride])
    if before is not None and before.stride is not None and before.stride != field.stride:
        return (f"stride {_axes([_fraction(s) for s in before.stride])} → {after}",)
    return (f"stride {after}",)


def _sizes(field: Field) -> str:
    if field.global_ is not None:
        return "the whole input"
    return _axes(["?" if size is None else str(size) for size in field.size])


def _fraction(value: Fraction | None) -> str:
    return "–" if value is None else str(value)


def _axes(values: list[str]) -> str:
    return values[0] if len(set(values)) == 1 else "×".join(values)


# A module, or the network.


def _of_module(analysis: Analysis, instance: Instance) -> Working:
    counts, macs = analysis.parameters.counts, analysis.node_macs
    parts = [(child.id if isinstance(child, Node) else child.path, child) for child in instance.children]
    fed = {node.index for node in analysis.graph.inputs.values()}
    params: list[Step] = []
    costs: list[Step] = []
    skipped = 0
    for path, child in parts:
        nodes = [child] if isinstance(child, Node) else list(child.nodes())
        nodes = [node for node in nodes if node.index not in fed]
        own = sum(counts[node.index] for node in nodes)
        if own:
            params.append(Step(path, "", grouped(own)))
        if macs is not None:
            cost = sum(macs[node.index] for node in nodes if node.index not in analysis.graph.training_only)
            skipped += sum(macs[node.index] for node in nodes if node.index in analysis.graph.training_only)
            if cost:
                costs.append(Step(path, "", grouped(cost)))
    total = sum(counts[node.index] for node in instance.nodes())
    sections = [Section("params", tuple(params), grouped(total))]
    if macs is not None:
        spent = sum(macs[node.index] for node in instance.nodes()) - skipped
        notes = (f"{grouped(skipped)} more are run in training only",) if skipped else ()
        sections.append(Section("macs", tuple(costs), grouped(spent), notes))
        sections.append(Section("flops", (Step("FLOPs", f"2 {TIMES} {grouped(spent)}", grouped(2 * spent)),)))
    what = instance.definition.name if instance.definition else "Sequential"
    given = " and ".join(dims(result.output.shape) for result in instance.results)
    shown = f"→  {given}" if given else ""
    if instance.parent is None:
        shown = f"{len(analysis.graph.layers)} layers"
    path = instance.path or analysis.model
    return Working(path, what, instance.span, shown, tuple(s for s in sections if s.steps or s.notes))
