"""Output shapes, and whether layers can take what they are given."""

from __future__ import annotations

import re

from archdsl.exam.nets import Net
from archdsl.exam.solutions.bench import MOST_IN_CHAIN, MOST_ROWS, Bench, shape_of
from archdsl.exam.solutions.records import Derivation, Piece, Rows
from archdsl.exam.texts import SheetError
from archdsl.exam.walk import Subject
from archdsl.graph import Node
from archdsl.ops.working import Step
from archdsl.tensors import dims

_DROPPED = re.compile(r"⌊([\d,]+)/(\d+)⌋")
LONGEST_LINE = 100
"""Signs of a line that is quoted."""
DOWN = "what is left over of a window is dropped: ⌊ ⌋ rounds down"
POOLS_UP = "pools round their size up (rounding: ceil_pool)"


def derive(bench: Bench, net: Net, place: str) -> Derivation:
    """Return how the shape of a layer's output comes about, with the shapes before it."""
    subject = bench.subject(net)
    end = subject.nodes[subject.end(place or None)]
    way = way_to(subject, end)
    asked = next((node for node in reversed(way) if changes_shape(subject, node)), end)
    steps = _steps(subject, asked)
    pieces = []
    if place or len(way) <= 2:
        if len(way) > 2:
            pieces.append(Piece(notes=(_chain(way, before=asked),)))
        heading = "" if asked is end else f"{asked.id}, which the layers after it keep"
        pieces.append(Piece(heading, steps, notes=_reads(subject, asked)))
    else:
        pieces.append(Piece(table=_table(subject, way)))
    told = [asked] if place else way
    formulas = " ".join(step.formula for node in told if node.inputs for step in _steps(subject, node))
    same = [node for node in reversed(way) if node.output == end.output]
    brief = next((found for node in same if (found := _equations(subject, node))), dims(end.output.shape))
    return Derivation(tuple(pieces), brief, _flattened(asked), _conventions(bench, formulas, end))


def way_to(subject: Subject, end: Node) -> list[Node]:
    """Return the nodes on a way from an input to a node; where ways meet, on the first of them."""
    way = [end]
    while way[-1].inputs:
        way.append(subject.nodes[way[-1].inputs[0]])
    return way[::-1]


def changes_shape(subject: Subject, node: Node) -> bool:
    """Tell whether a layer computes a shape of its own, and does not hand on its input's."""
    return bool(node.inputs) and (
        len(node.inputs) > 1
        or any(s.formula for s in _steps(subject, node))
        or node.output != subject.nodes[node.inputs[0]].output
    )


def _steps(subject: Subject, node: Node) -> tuple[Step, ...]:
    if not node.inputs:
        return (Step("shape", "", dims(node.output.shape), "given"),)
    return node.op.shape_working(subject.graph.types(node), node.output)


def _equations(subject: Subject, node: Node) -> str:
    return "; ".join(_equation(step) for step in _steps(subject, node) if step.formula)


def _equation(step: Step) -> str:
    name = "" if step.quantity in ("each size", "shape") else f"{step.quantity}: "
    return f"{name}{step.formula} = {step.result}"


def _reads(subject: Subject, node: Node) -> tuple[str, ...]:
    if not node.inputs:
        return ()
    sources = " and ".join(shape_of(subject.nodes[i]) for i in node.inputs)
    return (f"{sources} → {node.id} {dims(node.output.shape)}",)


def _chain(way: list[Node], before: Node) -> str:
    """Return the shapes on the way to a layer, in one line."""
    shapes = way[: way.index(before)]
    kept = [n for i, n in enumerate(shapes) if not i or n.output != shapes[i - 1].output]
    cut = ["…"] if len(kept) > MOST_IN_CHAIN else []
    return "before it: " + " → ".join([*cut, *map(shape_of, kept[-MOST_IN_CHAIN:])])


def _table(subject: Subject, way: list[Node]) -> Rows:
    changing = [node for node in way if not node.inputs or changes_shape(subject, node)]
    cut: list[tuple[str, ...]] = []
    if len(changing) > MOST_ROWS:
        cut = [(f"{len(changing) - MOST_ROWS} layers before", "", "", "")]
        changing = changing[-MOST_ROWS:]
    rows = [(n.id, n.op.name if n.inputs else "", _sizes(_steps(subject, n)), dims(n.output.shape)) for n in changing]
    return Rows(("layer", "operation", "sizes", "output"), (*cut, *rows), (), 4)


def _sizes(steps: tuple[Step, ...]) -> str:
    said = [_equation(step) for step in steps if step.formula]
    return "; ".join(said) if said else next((s.remark for s in reversed(steps) if s.remark), "")


def _flattened(node: Node) -> str:
    return "one number for each feature, no positions" if node.inputs and len(node.output.shape) == 1 else ""


def _conventions(bench: Bench, formulas: str, end: Node) -> tuple[str, ...]:
    said = []
    if any(int(n.replace(",", "")) % int(s) for n, s in _DROPPED.findall(formulas)):
        said.append(DOWN)
    if bench.conventions.rounding == "ceil_pool" and "⌈" in formulas:
        said.append(POOLS_UP)
    layout = bench.conventions.layout
    if layout != "any" and len(end.output.shape) == 3:
        order = "height × width × channels" if layout == "HWC" else "channels × height × width"
        said.append(f"sizes stand as {order} (layout: {layout})")
    return tuple(said)


def works(bench: Bench, net: Net, place: str) -> Derivation:
    """Return why a layer, or the whole net, can or cannot take what it is given."""
    values = bench.posed.values
    problems = net.problems(values)
    if problems and not net.works(place, values):
        first = problems[0]
        line = first.span.source.line(first.span.line).strip()
        said = f"in `{line}`: {first.message}" if line and len(line) <= LONGEST_LINE else first.message
        notes = (said, *first.notes, *([first.help] if first.help else []))
        return Derivation((Piece(notes=notes),), first.message)
    try:
        subject = bench.subject(net)
    except SheetError:  # other layers cannot
        return Derivation((), "it can take what it is given")
    way = way_to(subject, subject.nodes[subject.end(place or None)])
    return Derivation((Piece(table=_table(subject, way)),), "every size on the way is 1 or more")
