"""Networks as another convention has them: the same layers with other arguments, and all sizes anew."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from archdsl.exam.mistakes.params import BIASED
from archdsl.graph import Graph, Node
from archdsl.ops import Op
from archdsl.ops.pool import Pool


def without_floors(graph: Graph) -> Graph:
    """Return the network whose pools round their output size up, as Caffe's do.

    Raises:
        ShapeError: a layer cannot take the sizes that come of it.
    """
    return _altered(graph, lambda op: _with(op, ceil_mode=True) if isinstance(op, Pool) else op)


def without_biases(graph: Graph) -> Graph:
    """Return the network whose convolutions and linear layers have no biases."""
    return _altered(graph, lambda op: _with(op, bias=False) if isinstance(op, BIASED) else op)


def _with(op: Op, **arguments: bool) -> Op:
    return type(op)(**op.non_defaults() | arguments)


def _altered(graph: Graph, change: Callable[[Op], Op]) -> Graph:
    nodes: list[Node] = []
    for node in graph.nodes:
        op = change(node.op)
        types = [nodes[i].output for i in node.inputs]
        same = op is node.op and all(nodes[i] is graph.nodes[i] for i in node.inputs)
        nodes.append(node if same else replace(node, op=op, output=op.output(*types)))
    return replace(
        graph,
        nodes=nodes,
        inputs={name: nodes[node.index] for name, node in graph.inputs.items()},
        outputs={name: nodes[node.index] for name, node in graph.outputs.items()},
    )
