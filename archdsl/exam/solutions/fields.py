"""Receptive fields and jumps: a row for each layer that changes them, in the words of `archdsl why`."""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

from archdsl.analysis import Field
from archdsl.analysis.working import Section
from archdsl.exam.nets import Net
from archdsl.exam.solutions.bench import MOST_ROWS, Bench
from archdsl.exam.solutions.records import Derivation, Piece, Rows
from archdsl.exam.walk import Subject
from archdsl.graph import Node
from archdsl.ops import SAME, Reach, Window
from archdsl.ops.working import MINUS, TIMES
from archdsl.tensors import dims

HEAD = ("layer", "operation", "k", "s", "jump before", f"r = r + (k {MINUS} 1){TIMES}jump", "jump after")
JUMPS = ("layer", "operation", "s", f"jump = jump{TIMES}s")
CLIPPED = "clipped to the image (rf: clipped)"


class Passed(NamedTuple):
    """A layer on the way, the field before it and its window on that input."""

    node: Node
    before: Field
    after: Field
    window: Window


def derive(bench: Bench, net: Net, place: str, quantity: str) -> Derivation:
    """Return how the receptive field of a unit, or the jump between units, grows layer by layer."""
    subject = bench.subject(net)
    (name,) = subject.graph.inputs
    way = _way(subject, subject.nodes[subject.end(place or None)], name)
    changing = [p for p in way if p.window is not SAME or len(p.node.inputs) > 1]
    sections = {p.node.index: _section(bench, net, p.node) for p in changing[-MOST_ROWS:]}
    end = way[-1].after if way else subject.fields[subject.graph.inputs[name].index][name]
    telling = [p for p in changing if quantity != "jump" or p.before.stride != p.after.stride]
    notes = [note for p in telling if p.node.index in sections for note in _notes(p, sections[p.node.index])]
    rows = [_jump_row(p) if quantity == "jump" else _row(p, sections[p.node.index]) for p in changing[-MOST_ROWS:]]
    image = subject.graph.inputs[name]
    first = (image.id, "", *[""] * (len(HEAD) - 4), "1", "1")
    if quantity == "jump":
        first = (image.id, "", "", "1")
    if len(changing) > MOST_ROWS:
        first = (f"{len(changing) - MOST_ROWS} layers before", *[""] * (len(first) - 1))
    table = Rows(JUMPS if quantity == "jump" else HEAD, (first, *rows), (), 7)
    brief = _brief_jump(changing) if quantity == "jump" else _brief_field(changing, end)
    pieces = [Piece(table=table, notes=tuple(dict.fromkeys(notes)))]
    said: tuple[str, ...] = ()
    if quantity == "receptive_field":
        said = _conventions(bench, image, end)
        pieces += _clipping(bench, image, end)
    return Derivation(tuple(pieces), brief, _remark(subject, changing, name, quantity), said)


def _way(subject: Subject, end: Node, name: str) -> list[Passed]:
    """Return the layers from the input to a node; where ways meet, on the one that sees most."""
    way: list[Passed] = []
    node = end
    while node.inputs:
        fields = [subject.fields[i].get(name) for i in node.inputs]
        seen = [(slot, field) for slot, field in enumerate(fields) if field is not None]
        if not seen:
            break
        slot, before = max(seen, key=lambda pair: (_extent(pair[1]), -pair[0]))
        way.append(Passed(node, before, subject.fields[node.index][name], subject.windows[node.index][slot]))
        node = subject.nodes[node.inputs[slot]]
    return way[::-1]


def _extent(field: Field) -> tuple[bool, list[int]]:
    return field.global_ is not None, [size or 0 for size in field.size]


def _section(bench: Bench, net: Net, node: Node) -> Section:
    return next(iter(bench.section(net, node, "rf")), Section("rf", ()))


def _row(passed: Passed, section: Section) -> tuple[str, ...]:
    node, before, after, window = passed
    kernel, stride = _kernel(window), _slide(window)
    many = len(section.steps) > 1
    cells = [
        (f"{step.quantity.rpartition(', ')[2]}: " if many else "")
        + (f"{step.formula} = {step.result}" if step.formula else step.result)
        for step in section.steps
    ]
    jumps = _jump(before), _jump(after)
    return (node.id, node.op.name, kernel, stride, jumps[0], "; ".join(cells), jumps[1])


def _kernel(window: Window) -> str:
    """Return how many taps a window has, with the dilation that lies between them."""
    if isinstance(window, Reach):
        return ""
    said = []
    for reads in window:
        if reads is None or len(reads.taps) != 1:
            return "–"
        taps = reads.taps[0]
        reach = f" (reach {taps[-1] - taps[0] + 1})" if len(taps) > 1 and abs(taps.step) > 1 else ""
        said.append(f"{len(taps)}{reach}")
    return _across(said)


def _slide(window: Window) -> str:
    if isinstance(window, Reach):
        return ""
    return _across(["–" if r is None else str(Fraction(r.shift, len(r.taps))) for r in window])


def _jump(field: Field) -> str:
    return "–" if field.stride is None else _across(["–" if s is None else str(s) for s in field.stride])


def _across(values: list[str]) -> str:
    return values[0] if len(set(values)) == 1 else "×".join(values)


def _jump_row(passed: Passed) -> tuple[str, ...]:
    node, before, after, window = passed
    stride = _slide(window)
    left, right = _jump(before), _jump(after)
    whole = all("×" not in text and "–" not in text and text for text in (left, stride, right))
    follows = whole and Fraction(left) * Fraction(stride) == Fraction(right)
    return (node.id, node.op.name, stride, f"{left}{TIMES}{stride} = {right}" if follows else right)


def _notes(passed: Passed, section: Section) -> list[str]:
    """Return what `why` says of a layer that the table cannot: why no closed form applies, and what meets."""
    told = [note for note in section.notes if not note.startswith(("stride ", "the middle of it", "there are holes"))]
    if any(step.formula for step in section.steps):
        return []
    causes = [s.remark for s in section.steps if s.remark and passed.after.global_ == passed.node.path]
    return [f"{passed.node.id}: {note}" for note in (*causes, *told)]


def _brief_field(changing: list[Passed], end: Field) -> str:
    """Return 1 + the sum of what each layer adds, where each adds (k − 1)·jump."""
    if end.global_ is not None:
        return f"{end.global_} reads every position: {dims(tuple('?' if n is None else n for n in end.whole))}"
    terms = ["1"]
    for passed in changing:
        added = _added(passed)
        if added is None:
            return f"along the longest path: {_across([str(size) for size in end.size])}"
        terms += [added] if added else []
    return f"{' + '.join(terms)} = {end.size[0]}" if end.size and len(terms) > 1 else "1"


def _added(passed: Passed) -> str | None:
    """Return what a layer adds to a square field; nothing where that is not (k − 1)·jump."""
    before, after, window = passed.before, passed.after, passed.window
    if before.size == after.size:
        return ""
    if isinstance(window, Reach) or len(passed.node.inputs) > 1 or before.stride is None or None in before.stride:
        return None
    sizes, jumps = set(zip(before.size, after.size, strict=True)), set(before.stride)
    reaches = {reads.taps[0][-1] - reads.taps[0][0] + 1 for reads in window if reads and len(reads.taps) == 1}
    if len(sizes) != 1 or len(jumps) != 1 or len(reaches) != 1:
        return None
    (small, large), jump, reach = next(iter(sizes)), next(iter(jumps)), next(iter(reaches))
    if small is None or large is None or jump is None or small + (reach - 1) * jump != large:
        return None
    return f"{reach - 1}{TIMES}{jump}"


def _brief_jump(changing: list[Passed]) -> str:
    strides = [_slide(passed.window) for passed in changing if passed.after.stride != passed.before.stride]
    total = _jump(changing[-1].after) if changing else "1"
    return f"{f' {TIMES} '.join(strides)} = {total}" if len(strides) > 1 else total


def _remark(subject: Subject, changing: list[Passed], name: str, quantity: str) -> str:
    """Return the closing sentence: where a stride begins to count, or that of several paths the longest does."""
    if quantity == "jump" or (changing and changing[-1].after.global_ is not None):
        return ""
    merged = next((p for p in reversed(changing) if len(p.node.inputs) > 1), None)
    if merged is not None:
        return _longest(subject, merged, name)
    strided = [i for i, p in enumerate(changing) if p.before.stride != p.after.stride and _kernel(p.window) != "1"]
    followed = [i for i in strided if i + 1 < len(changing)]
    if len(strided) == 1 and followed:
        node, later = changing[strided[0]].node, changing[strided[0] + 1].node
        return f"the stride of {node.id} acts from {later.id} on, not in {node.id}"
    if strided and not followed:
        return f"the stride of {changing[-1].node.id} does not enlarge its own field"
    return "a stride acts from the next layer on, not in its own" if strided else ""


def _longest(subject: Subject, merged: Passed, name: str) -> str:
    found = [(subject.nodes[i], subject.fields[i].get(name)) for i in merged.node.inputs]
    others = [(node, field) for node, field in found if field is not None and field is not merged.before]
    smaller = [(node, field) for node, field in others if _extent(field) < _extent(merged.before)]
    if not smaller:
        return ""
    said = [f"{_branch(subject, node)} it is {_across([str(n) for n in field.size])}" for node, field in smaller[:3]]
    return f"the longest path counts; {', '.join(said)}"


def _branch(subject: Subject, node: Node) -> str:
    """Return the words for a branch: the last layer on it that is more than element by element."""
    while node.inputs and subject.is_elementwise(node):
        node = subject.nodes[node.inputs[0]]
    return f"through {node.id}" if node.inputs else f"straight from {node.id}"


def _conventions(bench: Bench, image: Node, end: Field) -> tuple[str, ...]:
    if bench.conventions.rf == "clipped":
        return (CLIPPED,)
    beyond = any(
        isinstance(n, int) and size is not None and size > n
        for size, n in zip(end.size, image.output.shape[1:], strict=False)
    )
    return (f"theoretical: larger than the image, {dims(image.output.shape[1:])}, and not clipped",) if beyond else ()


def _clipping(bench: Bench, image: Node, end: Field) -> list[Piece]:
    sizes = image.output.shape[1:]
    if bench.conventions.rf != "clipped" or end.global_ is not None:
        return []
    cut = [
        f"min({size}, {n}) = {min(size, n)}"
        for size, n in zip(end.size, sizes, strict=False)
        if isinstance(n, int) and size is not None
    ]
    return [Piece(notes=(f"clipped to the image: {'; '.join(dict.fromkeys(cut))}",))] if cut else []
