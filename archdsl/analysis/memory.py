"""Activation memory of a forward pass in evaluation: what is alive at each op, and the most at once.

The model of the contract: an op's inputs and output are alive together, each is freed after its last use, nothing is
done in place, the network's input counts, and its outputs stay. Flattening and dropout share their input's storage,
a crop is a part of one and keeps all of it. Workspace and the allocator's rounding are no part of it.

Source: `torch.fx.Interpreter` with `garbage_collect_values`, which holds the same tensors over an exported graph.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import prod

from archdsl.analysis.layouts import channels_last, contiguous, keeps_channels_last, viewed
from archdsl.graph import Graph, Node
from archdsl.ops import Storage
from archdsl.tensors import Shape

DTYPES = {
    "float32": 4,
    "float64": 8,
    "float16": 2,
    "bfloat16": 2,
    "float8_e4m3fn": 1,
    "float8_e5m2": 1,
    "int8": 1,
    "uint8": 1,
}
"""Bytes of one number, by torch's names."""


@dataclass(frozen=True, slots=True)
class Peak:
    """The most bytes alive at once, the node that runs then, and the nodes whose storage is alive."""

    bytes: int
    node: int
    alive: tuple[int, ...]


def activation_bytes(node: Node, batch: int, dtype: str) -> int:
    """Return the bytes of a node's output."""
    return node.output.elements * batch * DTYPES[dtype]


def peak_activations(graph: Graph, batch: int, dtype: str) -> Peak | None:
    """Return the peak of a forward pass in evaluation; `None` for a graph without nodes."""
    # What is fed in is there from the start, and an input that only training reads is freed at once.
    fed = {node.index for node in graph.inputs.values()}
    skipped = graph.training_only - fed
    run = [node for node in graph.nodes if node.index not in skipped] if skipped else graph.nodes
    if not run:
        return None
    itemsize = DTYPES[dtype]
    owner, elements = _storages(graph)
    sizes = [itemsize * count for count in elements]
    last = last_uses(graph, run, owner)
    freed: defaultdict[int, int] = defaultdict(int)
    for index, end in enumerate(last):
        freed[end] += sizes[index]
    alive = sum([sizes[i] for i in fed])
    most, at = -1, 0
    for node in run:
        index, op = node.index, node.op
        if index not in fed:
            alive += sizes[index]
        here = alive
        if op.has_scratch and (extra := op.scratch(graph.types(node), node.output, itemsize)):
            here = alive + extra
            if op.copies_input:  # input and copy, then copy and output: an input not read again goes in between
                own = sizes[index] if last[index] == index else 0
                here = max(here - sizes[index], here - (freed.get(index, 0) - own))
        if here > most:
            most, at = here, index
        alive -= freed.get(index, 0)
    there = [node.index for node in run if owner[node.index] == node.index and (node.index <= at or node.index in fed)]
    return Peak(most * batch, at, tuple([i for i in there if last[i] >= at]))


def last_uses(graph: Graph, run: Iterable[Node], owner: Sequence[int]) -> list[int]:
    """Return for each storage, under its owner, the node after which it is freed."""
    last = list(range(len(owner)))
    for node in run:
        index = node.index
        if not node.op.is_traced:
            continue  # its readers read what it hands on
        last[owner[index]] = index
        for i in node.inputs:
            last[owner[i]] = index
    for name, node in graph.outputs.items():
        if name not in graph.training_outputs:
            last[owner[node.index]] = len(owner)
    return last


def _storages(graph: Graph) -> tuple[list[int], list[int]]:
    """Return for each node the node whose storage it occupies, and how many elements it brings."""
    nodes, new, alias = graph.nodes, Storage.NEW, Storage.ALIAS
    owner: list[int] = []
    elements: list[int] = []
    parts: dict[int, Shape] = {}  # the strides of what is a part of its storage, or laid out otherwise
    for node in nodes:
        kind, index = node.op.storage, node.index
        if kind is new:
            if node.op.channels_last or (parts and keeps_channels_last(node, nodes, parts)):
                parts[index] = channels_last(node.output.known)
            owner.append(index)
            elements.append(prod(node.output.shape))  # type: ignore[arg-type]  # the caller asks where sizes are known
            continue
        source = node.inputs[0]
        strides: Shape | None = parts.get(source)
        if kind is alias:
            if strides is not None:
                strides = viewed(nodes[source].output.known, strides, node.output.known)
                if strides is None:
                    owner.append(index)
                    elements.append(node.output.elements)
                    continue
                parts[index] = strides
        else:
            parts[index] = strides or contiguous(nodes[source].output.known)
        owner.append(owner[source])
        elements.append(0)
    return owner, elements
