"""Parameters, weights, biases and buffers: the tensors of the layers, multiplied out and added."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod

from archdsl.exam.nets import Net
from archdsl.exam.sheet import Conventions
from archdsl.exam.solutions.bench import MOST_ROWS, Bench
from archdsl.exam.solutions.records import Derivation, Piece, Rows
from archdsl.graph import Graph, Node
from archdsl.ops.norm import BatchNorm
from archdsl.ops.working import grouped, product, tensor
from archdsl.tensors import Shape

Tensors = dict[str, Shape]
SHARED = "a module that is used again is counted at its first call only"
NONE = "no layer of it has any"


def derive(bench: Bench, net: Net, place: str, quantity: str) -> Derivation:
    """Return how many numbers of a kind a layer or a net holds, and why."""
    graph = bench.subject(net).graph
    nodes = bench.nodes(net, place)
    tensors = {node.index: _tensors(graph, node, quantity, bench.conventions) for node in nodes}
    holding = [node for node in nodes if tensors[node.index]]
    notes = [SHARED] if any(node.call and node.op.stateful for node in nodes) else []
    if not holding:
        said = NONE if len(nodes) > 1 or not nodes else f"{nodes[0].op.name} has none"
        return Derivation((Piece(notes=(said, *notes)),), said, "", _conventions(bench, nodes, quantity))
    if len(holding) == 1:
        piece, brief = _one(holding[0], tensors[holding[0].index], named=len(nodes) > 1)
    else:
        piece, brief = _table(holding, tensors, quantity)
    piece = Piece(piece.heading, piece.lines, piece.total, piece.table, tuple(notes))
    return Derivation((piece,), brief, "", _conventions(bench, nodes, quantity))


def _tensors(graph: Graph, node: Node, quantity: str, conventions: Conventions) -> Tensors:
    """Return the tensors of a layer that are counted; the counter of batches is a single number and is not."""
    if node.call or not node.op.stateful:
        return {}
    types = graph.types(node)
    learned = node.op.weights(*types)
    kept = {name: shape for name, shape in node.op.buffers(*types).items() if shape}
    match quantity:
        case "weights":
            return {name: shape for name, shape in learned.items() if not is_bias(name)}
        case "biases":
            return {name: shape for name, shape in learned.items() if is_bias(name)}
        case "buffers":
            return kept
    return learned | kept if conventions.bn == "all" else learned


def is_bias(name: str) -> bool:
    """Tell whether a tensor is a bias, by PyTorch's name for it."""
    return name.endswith("bias")


def _one(node: Node, tensors: Tensors, *, named: bool) -> tuple[Piece, str]:
    steps = tuple(tensor(name, shape, prod(shape)) for name, shape in tensors.items())
    total = grouped(sum(map(prod, tensors.values())))
    heading = f"{node.id}, the only layer with any" if named else ""
    return Piece(heading, steps, total if len(steps) > 1 else ""), _sum([_terms(tensors)], total)


def _terms(tensors: Tensors) -> str:
    return " + ".join(product(shape) for shape in tensors.values())


def _sum(terms: Sequence[str], total: str) -> str:
    left = " + ".join(terms)
    return left if left == total else f"{left} = {total}"


def _table(nodes: list[Node], tensors: dict[int, Tensors], quantity: str) -> tuple[Piece, str]:
    totals = {node.index: sum(map(prod, tensors[node.index].values())) for node in nodes}
    total = grouped(sum(totals.values()))
    shown = [node for node in nodes if len(nodes) <= MOST_ROWS]
    if not shown:
        return grouped_by_block(nodes, lambda node: totals[node.index], quantity)
    if quantity == "params":
        rows = tuple(_params_row(node, tensors[node.index], grouped(totals[node.index])) for node in nodes)
        kept = any(not name.endswith(("weight", "bias")) for node in nodes for name in tensors[node.index])
        head = ("layer", "operation", "weights", "biases", *(["running"] if kept else []), "sum")
        if not kept:
            rows = tuple((*row[:4], row[5]) for row in rows)
        table = Rows(head, rows, ("total", *[""] * (len(head) - 2), total), 2)
    else:
        rows = tuple((n.id, n.op.name, _terms(tensors[n.index]), grouped(totals[n.index])) for n in nodes)
        table = Rows(("layer", "operation", quantity, "sum"), rows, ("total", "", "", total), 2)
    return Piece(table=table), brief_sum([totals[node.index] for node in nodes], total)


def _params_row(node: Node, tensors: Tensors, total: str) -> tuple[str, ...]:
    weights = {name: shape for name, shape in tensors.items() if name.endswith("weight")}
    biases = {name: shape for name, shape in tensors.items() if is_bias(name)}
    rest = {name: shape for name, shape in tensors.items() if name not in weights and name not in biases}
    return (node.id, node.op.name, _cell(weights), _cell(biases), _cell(rest), total)


def _cell(tensors: Tensors) -> str:
    if not tensors:
        return "–"
    total = grouped(sum(map(prod, tensors.values())))
    return _sum([_terms(tensors)], total)


MOST_TERMS = 6
"""Terms of a sum that one line holds."""


def brief_sum(numbers: Sequence[int], total: str) -> str:
    """Return a sum in one line; of a long one how many terms it has."""
    counted = [n for n in numbers if n]
    if len(counted) > MOST_TERMS:
        return f"the sum of {len(counted)} numbers = {total}"
    return _sum([grouped(n) for n in counted] or ["0"], total)


def grouped_by_block(nodes: list[Node], count: Callable[[Node], int], what: str) -> tuple[Piece, str]:
    """Return a table of sums by the first name of the paths, where layers are too many to list."""
    sums: dict[str, list[int]] = {}
    for node in nodes:
        entry = sums.setdefault(node.path.partition(".")[0], [0, 0])
        entry[0] += count(node)
        entry[1] += 1
    total = grouped(sum(number for number, _ in sums.values()))
    rows = [(name, str(layers), grouped(number)) for name, (number, layers) in sums.items()]
    notes: tuple[str, ...] = ()
    if len(rows) > MOST_ROWS:
        notes = (f"{len(rows) - MOST_ROWS:,} more rows are left out here, and counted",)
    table = Rows(("block", "layers", what), tuple(rows[:MOST_ROWS]), ("total", str(len(nodes)), total))
    return Piece(table=table, notes=notes), f"the sum over {len(nodes):,} layers = {total}"


def _conventions(bench: Bench, nodes: list[Node], quantity: str) -> tuple[str, ...]:
    stated = bench.conventions
    said = []
    if stated.bias == "ignored" and quantity in ("params", "biases"):
        said.append("biases are not counted (bias: ignored)")
    normed = any(isinstance(node.op, BatchNorm) for node in nodes)
    if normed and quantity == "params":
        all_four = "batch norm counts γ, β, running mean and variance: 4 for each channel (bn: all)"
        two = "batch norm learns γ and β, 2 for each channel; running mean and variance are buffers (bn: trainable)"
        said.append(all_four if stated.bn == "all" else two)
    if normed and quantity == "buffers":
        said.append("running mean and variance, 2 for each channel; the counters of batches are not counted")
    return tuple(said)
