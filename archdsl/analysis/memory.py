"""Activation memory of a forward pass in evaluation: what is alive at each op, and the most at once.

The model of CONTRACT: an op's inputs and output are alive together, each is freed after its last use, nothing is
done in place, the network's input counts. Flattening and dropout share their input's storage, a crop is a part of
one. Workspace and the allocator's rounding are no part of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from archdsl.graph import Graph, Node
from archdsl.ops import Storage

DTYPES = {"float64": 8, "float32": 4, "float16": 2, "bfloat16": 2, "float8_e4m3fn": 1, "float8_e5m2": 1}
"""Bytes of one number, by torch's names."""


@dataclass(frozen=True, slots=True)
class Peak:
    """The most bytes alive at once, the node that is running then, and the nodes whose storage is alive."""

    bytes: int
    node: int
    alive: tuple[int, ...]


def activation_bytes(node: Node, batch: int, dtype: str) -> int:
    """Return the bytes of a node's output."""
    return prod(node.output.known) * batch * DTYPES[dtype]


def peak_activations(graph: Graph, batch: int, dtype: str) -> Peak | None:
    """Return the peak of a forward pass in evaluation; `None` for a graph without nodes."""
    nodes, skipped = graph.nodes, graph.training_only
    owner, elements = _storages(graph)
    last = list(range(len(nodes)))  # by storage: the last node that needs it
    for node in nodes:
        if node.index not in skipped:
            for i in node.inputs:
                last[owner[i]] = node.index
            last[owner[node.index]] = max(last[owner[node.index]], node.index)
    for name, node in graph.outputs.items():
        if name not in graph.training_outputs:
            last[owner[node.index]] = len(nodes)
    fed = {node.index for node in graph.inputs.values()}
    freed: dict[int, list[int]] = {}
    for index, end in enumerate(last):
        if owner[index] == index:
            freed.setdefault(end, []).append(index)
    alive = sum(elements[i] for i in fed)
    best, at = -1, 0
    for node in nodes:
        index = node.index
        if index in skipped:
            continue
        if owner[index] == index and index not in fed:
            alive += elements[index]
        here = alive
        if node.op.has_scratch:
            here += node.op.scratch(graph.types(node), node.output)
        if here > best:
            best, at = here, index
        for gone in freed.get(index, ()):
            alive -= elements[gone]
    if best < 0:
        return None
    born = [i for i in range(at + 1) if owner[i] == i and i not in skipped]
    return Peak(best * batch * DTYPES[dtype], at, tuple(i for i in born if last[i] >= at or i == at))


def _storages(graph: Graph) -> tuple[list[int], list[int]]:
    """Return for each node the node whose storage it occupies, and how many elements that storage has."""
    owner: list[int] = []
    elements: list[int] = []
    sliced: set[int] = set()
    for node in graph.nodes:
        kind = node.op.storage
        if kind is Storage.NEW or not node.inputs:
            own = True
        elif kind is Storage.ALIAS:
            source = node.inputs[0]
            moved = node.output.shape != graph.nodes[source].output.shape
            own = moved and source in sliced  # rows of a crop do not lie together: flattening copies them
            if not own and source in sliced:
                sliced.add(node.index)
        else:
            own = False
            source = graph.nodes[node.inputs[0]].output.shape
            if node.output.shape[1:] != source[1:] or node.inputs[0] in sliced:
                sliced.add(node.index)
        owner.append(node.index if own else owner[node.inputs[0]])
        elements.append(prod(node.output.shape) if own else 0)  # type: ignore[arg-type]  # sizes are known here
    return owner, elements
