"""MACs and FLOPs, activations and memory of one sample."""

from __future__ import annotations

from archdsl.analysis.memory import DTYPES, peak_activations
from archdsl.exam.nets import Net
from archdsl.exam.solutions.bench import MOST_ROWS, Bench
from archdsl.exam.solutions.counts import brief_sum, grouped_by_block
from archdsl.exam.solutions.records import Derivation, Piece, Rows
from archdsl.exam.walk import owns_storage
from archdsl.graph import Node
from archdsl.ops.working import TIMES, Step, grouped, product
from archdsl.tensors import dims

MACS = "one MAC is one multiply-add; biases, norms, activations and poolings count none"
FLOPS = "FLOPs: 2 per MAC"
BYTES = DTYPES["float32"]


def operations(bench: Bench, net: Net, place: str, quantity: str) -> Derivation:
    """Return how the multiply-adds of a layer or a net come about, doubled where FLOPs are asked."""
    analysis = bench.analysis(net)
    counts = analysis.node_macs or []
    nodes = bench.run(net, place)
    working = [node for node in nodes if counts[node.index]]
    total = sum(counts[node.index] for node in working)
    said = (MACS, FLOPS) if quantity == "flops" else (MACS,)
    if not working:
        none = "nothing is multiplied and added here"
        return Derivation((Piece(notes=(none,)),), none, "", said)
    formulas = {n.index: n.op.macs_working(analysis.graph.types(n), n.output) for n in working}
    if len(working) == 1:
        (node,) = working
        label = "MACs" if len(nodes) == 1 else f"MACs of {node.id}"
        piece, brief = Piece("", (Step(label, formulas[node.index], grouped(total)),)), ""
        brief = f"{formulas[node.index]} = {grouped(total)}"
    elif len(working) > MOST_ROWS:
        piece, brief = grouped_by_block(working, lambda n: counts[n.index], "MACs")
    else:
        rows = tuple((n.id, n.op.name, formulas[n.index], grouped(counts[n.index])) for n in working)
        piece = Piece(table=Rows(("layer", "operation", "positions · each", "MACs"), rows, _total(4, total), 2))
        brief = brief_sum([counts[n.index] for n in working], grouped(total))
    if quantity != "flops":
        return Derivation((piece,), brief, "", said)
    doubled = f"2 {TIMES} {grouped(total)}"
    line = Step("FLOPs", doubled, grouped(2 * total))
    return Derivation((piece, Piece("", (line,))), f"{doubled} = {grouped(2 * total)}", "", said)


def _total(columns: int, number: int) -> tuple[str, ...]:
    return ("total", *[""] * (columns - 2), grouped(number))


def activations(bench: Bench, net: Net, place: str) -> Derivation:
    """Return how many numbers a layer gives, or all the tensors that a forward pass makes."""
    nodes = bench.run(net, place)
    if len(bench.subject(net).scope(place or None)) == 1:
        node = bench.subject(net).nodes[bench.subject(net).end(place or None)]
        count = grouped(node.output.elements)
        formula = product(node.output.shape)
        return Derivation((Piece("", (Step("output", formula, count),)),), f"{formula} = {count}")
    made = [node for node in nodes if owns_storage(node)]
    sizes = [node.output.elements for node in made]
    total = grouped(sum(sizes))
    said = ("the output of every layer that makes a tensor of its own; the input is not counted",)
    if len(made) > MOST_ROWS:
        piece, brief = grouped_by_block(made, lambda node: node.output.elements, "values")
        return Derivation((piece,), brief, "", said)
    rows = tuple((n.id, n.op.name, product(n.output.shape), grouped(s)) for n, s in zip(made, sizes, strict=True))
    piece = Piece(table=Rows(("layer", "operation", "output", "values"), rows, ("total", "", "", total), 2))
    return Derivation((piece,), brief_sum(sizes, total), "", said)


def memory(bench: Bench, net: Net, place: str) -> Derivation:
    """Return the bytes of a layer's output, or the most that is alive at once in a forward pass."""
    subject = bench.subject(net)
    said: tuple[str, ...] = (f"{BYTES} bytes for a number (float32), one sample",)
    if place:
        node = subject.nodes[subject.end(place)]
        (section,) = bench.section(net, node, "memory") or (None,)
        lines = section.steps if section else (_bytes(node),)
        return Derivation((Piece("", lines),), f"{lines[0].formula} = {lines[0].result}", "", said)
    peak = peak_activations(subject.graph, 1, "float32")
    if peak is None:
        return Derivation((), "", "", said)
    alive = [subject.nodes[i] for i in peak.alive]
    rows = [(n.id, dims(n.output.shape), _bytes(n).formula, grouped(n.output.elements * BYTES)) for n in alive]
    scratch = peak.bytes - sum(n.output.elements * BYTES for n in alive)
    if scratch:
        rows.append(("scratch", "", "what the layer holds beside them", grouped(scratch)))
    table = Rows(("alive", "shape", "numbers · bytes", "bytes"), tuple(rows), _total(4, peak.bytes), 2)
    at = subject.nodes[peak.node]
    notes = (f"most is alive while {at.id} runs; a tensor is freed after its last use, nothing is done in place",)
    said = (*said, "the input counts, weights do not")
    brief = brief_sum([n.output.elements * BYTES for n in alive] + [scratch], grouped(peak.bytes))
    return Derivation((Piece("", table=table, notes=notes),), brief, f"while {at.id} runs", said)


def _bytes(node: Node) -> Step:
    elements = node.output.elements
    return Step("output", f"{product(node.output.shape)} {TIMES} {BYTES}", grouped(elements * BYTES), "bytes")
