"""Lints on the network as a whole: how deep its shortest way is, what saturates on it, how much its last units see."""

from __future__ import annotations

from collections.abc import Iterator

from archdsl.analysis.receptive_field import receptive_fields
from archdsl.diagnostics import Diagnostic
from archdsl.graph import Graph, Node
from archdsl.ops import WHOLE
from archdsl.ops.activation import Hardsigmoid, Sigmoid, Tanh
from archdsl.ops.conv import Conv, ConvTranspose
from archdsl.ops.dense import Linear
from archdsl.ops.norm import GroupNorm, LayerNorm2d, RunningNorm, ShapeNorm
from archdsl.ops.pool import AdaptivePool
from archdsl.ops.sliding import UNITS
from archdsl.rules import lints

MOST_PLAIN = 30
"""Weighted layers on the shortest way from input to output. He et al. 2016, arXiv:1512.03385, section 4: plain nets of
34 layers, and of 32 on small images, train worse than those of 18 and 20."""
MOST_SATURATING = 5
"""Saturating activations on the way with the fewest. Glorot & Bengio 2010, section 3: with four hidden layers of
sigmoids the last one saturates, with five layers of tangents one after another."""
FEWEST = 2
"""Weighted layers before a mean over the map, from which on a network is more than an example of one layer."""
SATURATING = (Sigmoid, Tanh, Hardsigmoid)
WEIGHTED = (Conv, ConvTranspose, Linear)
NORMS = (RunningNorm, GroupNorm, ShapeNorm, LayerNorm2d)


def lint_depth(graph: Graph) -> Iterator[Diagnostic]:
    """Report where the shortest way through a network is too long, and where its last units see too little."""
    weighted, saturating = [0] * len(graph.nodes), [0] * len(graph.nodes)
    for node in graph.nodes:
        if node.inputs:
            weighted[node.index] = min([weighted[i] for i in node.inputs]) + isinstance(node.op, WEIGHTED)
            saturating[node.index] = min([saturating[i] for i in node.inputs]) + _saturates(graph, node)
    results = [node for node in graph.outputs.values() if node.index not in graph.training_only]
    for node in results:
        if weighted[node.index] > MOST_PLAIN:
            yield _plain(_on_the_way(graph, node, weighted, MOST_PLAIN + 1), node, weighted[node.index])
            break
    for node in results:
        if saturating[node.index] > MOST_SATURATING:
            at = _on_the_way(graph, node, saturating, MOST_SATURATING + 1)
            yield _saturated(at, node, saturating[node.index])
            break
    yield from _narrow(graph, weighted)


def _saturates(graph: Graph, node: Node) -> bool:
    """Tell whether an activation is flat at both ends and no norm in front keeps what it gets in the middle."""
    return isinstance(node.op, SATURATING) and not isinstance(graph.nodes[node.inputs[0]].op, NORMS)


def _on_the_way(graph: Graph, node: Node, counts: list[int], wanted: int) -> Node:
    """Return where a count along the shortest way to a node first reaches a number."""
    while True:
        before = min(node.inputs, key=lambda i: counts[i])
        if counts[before] < wanted:
            return node
        node = graph.nodes[before]


def _plain(node: Node, end: Node, count: int) -> Diagnostic:
    message = f"the shortest way to `{end.path}` leads through {count} layers with weights: `{node.path}` is number "
    message += f"{MOST_PLAIN + 1}"
    help = "lead identities around blocks of two or three layers, as in a residual network: `output y + x`"
    return Diagnostic(lints.PLAIN_STACK, message, node.span, help=help, layer=node.path)


def _saturated(node: Node, end: Node, count: int) -> Diagnostic:
    message = f"every way to `{end.path}` leads through {count} saturating activations without a norm in front: "
    message += f"`{node.path}` is number {MOST_SATURATING + 1}"
    help = f"take `ReLU` for `{node.op.name}` inside of the network, or put a norm in front of it"
    return Diagnostic(lints.SATURATING_STACK, message, node.span, help=help, layer=node.path)


def _narrow(graph: Graph, weighted: list[int]) -> Iterator[Diagnostic]:
    """Report a mean or maximum over the whole map, before the result, of units that see less than half of the image."""
    pools = [node for node in graph.layers if weighted[node.index] >= FEWEST and _pools_all(graph, node)]
    if graph.is_symbolic or not pools:
        return
    ends = _without_branches(graph)
    fields = receptive_fields(graph)
    for node in pools:
        if not ends[node.index] or node.index in graph.training_only:
            continue
        for name, seen in fields[node.inputs[0]].items():
            image = graph.inputs[name].output.known[1:]
            sizes = [size for size in seen.size if size is not None]
            if len(sizes) != len(image) or seen.global_ is not None or seen.flat:
                continue
            if all(2 * size < whole for size, whole in zip(sizes, image, strict=True)):
                yield _sees_little(graph, node, name, sizes, image)
                break


def _pools_all(graph: Graph, node: Node) -> bool:
    (x, *_) = graph.types(node)
    return isinstance(node.op, AdaptivePool) and node.op.window((x,), node.output) is WHOLE


def _without_branches(graph: Graph) -> list[bool]:
    """Return of which nodes nothing but a result is made: what they give meets no other tensor on its way out."""
    readers: list[list[Node]] = [[] for _ in graph.nodes]
    for node in graph.nodes:
        for i in node.inputs:
            readers[i].append(node)
    results = {node.index for node in graph.outputs.values()}
    found = [False] * len(graph.nodes)
    for node in reversed(graph.nodes):
        after = readers[node.index]
        found[node.index] = (bool(after) or node.index in results) and all(
            len(one.inputs) == 1 and found[one.index] for one in after
        )
    return found


def _sees_little(graph: Graph, node: Node, name: str, sizes: list[int], image: tuple[int, ...]) -> Diagnostic:
    seen, whole = "×".join(map(str, sizes)), "×".join(map(str, image))
    message = f"`{node.path}` takes together units that see {seen} of the {whole} {_positions(image)} of `{name}` each"
    help = "stack more layers or strides before it, or flatten the map, so that the parts can be told apart"
    return Diagnostic(lints.NARROW_VIEW, message, node.span, help=help, layer=node.path)


def _positions(image: tuple[int, ...]) -> str:
    return "pixels" if len(image) == 2 else UNITS[1][0]
