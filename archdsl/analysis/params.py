"""Learned numbers and buffers of each node, by PyTorch's names; what is shared counts once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import prod

from archdsl.graph import Graph
from archdsl.tensors import Shape


@dataclass(frozen=True)
class Parameters:
    """How many learned numbers and buffered ones each node brings, in the order of the nodes."""

    graph: Graph
    counts: list[int]
    buffer_counts: list[int]

    @cached_property
    def params(self) -> int:
        return sum(self.counts)

    @cached_property
    def buffers(self) -> int:
        return sum(self.buffer_counts)

    @cached_property
    def weights(self) -> dict[str, Shape]:
        """Every learned tensor by its key in PyTorch's `state_dict`, in order of running."""
        graph = self.graph
        return {f"{n.path}.{name}": s for n in graph.nodes for name, s in graph.weights(n).items()}

    @cached_property
    def buffer_shapes(self) -> dict[str, Shape]:
        """Every buffer by its key in PyTorch's `state_dict`."""
        graph = self.graph
        return {
            f"{n.path}.{name}": s
            for n in graph.nodes
            if n.op.stateful and not n.call
            for name, s in n.op.buffers(*graph.types(n)).items()
        }


def parameters(graph: Graph) -> Parameters:
    """Count learned and buffered numbers; a later call of a shared module brings none."""
    nodes = graph.nodes
    counts, buffers = [0] * len(nodes), [0] * len(nodes)
    known: dict[tuple[object, ...], tuple[int, int]] = {}
    for node in nodes:
        op = node.op
        if not op.stateful or node.call:
            continue
        types = graph.types(node)
        key = (id(op), types)
        found = known.get(key)
        if found is None:
            learned, kept = op.weights(*types).values(), op.buffers(*types).values()
            found = known[key] = sum(map(prod, learned)), sum(map(prod, kept))
        counts[node.index], buffers[node.index] = found
    return Parameters(graph, counts, buffers)
