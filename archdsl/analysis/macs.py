"""Multiply-adds of each node for one sample, as each op counts them."""

from __future__ import annotations

from archdsl.graph import Graph
from archdsl.ops import Op


def macs(graph: Graph) -> list[int]:
    """Return the multiply-adds of every node, in order; those that only training runs are among them."""
    nodes = graph.nodes
    counts = [0] * len(nodes)
    known: dict[tuple[object, ...], int] = {}
    for node in nodes:
        op = node.op
        if type(op).macs is Op.macs:
            continue
        inputs = graph.types(node)
        key = (id(op), inputs)
        found = known.get(key)
        if found is None:
            found = known[key] = op.macs(inputs, node.output)
        counts[node.index] = found
    return counts
