"""Lints on the order of layers: an activation missing or in the way, a dropout or a bias where it does harm."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from archdsl.diagnostics import Diagnostic, Fix, Label
from archdsl.elaborate.cures import left_out
from archdsl.graph import Graph, Node
from archdsl.lang import ast
from archdsl.ops import Add, Op, Storage, spell
from archdsl.ops.activation import Activation, LogSoftmax, ReLU, ReLU6, Softmax
from archdsl.ops.conv import Conv, ConvTranspose
from archdsl.ops.dense import Linear
from archdsl.ops.dropout import ChannelDropout, Drop, Dropout
from archdsl.ops.norm import BatchNorm
from archdsl.rules import lints
from archdsl.source import Span

WEIGHTED = (Conv, ConvTranspose, Linear)
"""Layers that multiply by a matrix."""
OF_A_CLASSIFIER = (Activation, Linear, BatchNorm, Drop)
"""Layers by which a network is no filter: convolutions in a row, with nothing else, are linear on purpose."""


def lint_order(graph: Graph) -> Iterator[Diagnostic]:
    """Report layers whose place among the others undoes what they are for."""
    readers = [0] * len(graph.nodes)
    for node in graph.nodes:
        for i in node.inputs:
            readers[i] += 1
    results = {node.index for node in graph.outputs.values()}
    is_filter = not any(isinstance(node.op, OF_A_CLASSIFIER) for node in graph.nodes)
    for node in graph.layers:
        op = node.op
        if isinstance(op, Linear) or (isinstance(op, Conv) and not is_filter):
            yield from _without_activation(graph, node, readers)
        elif isinstance(op, BatchNorm):
            yield from _dropout_before(graph, node)
        elif isinstance(op, Add):
            yield from _rectified_branch(graph, node, readers)
        if node.index in results:
            yield from _at_the_end(graph, node)


def _without_activation(graph: Graph, node: Node, readers: Sequence[int]) -> Iterator[Diagnostic]:
    """Report two layers of one kind that one could stand for: nothing bends what is between them."""
    before = _behind(graph, node, readers)
    if before is None or type(before.op) is not type(node.op) or before.path == node.path:
        return
    (x,) = graph.types(before)
    if not _is_redundant(before.op, node.op, x.channels, before.output.channels, node.output.channels):
        return
    one = f"one `{node.op.name}`{_of_kernel(before.op, node.op)}"
    message = f"`{before.path}` and `{node.path}` have no activation between them: {one} could do as much"
    help = f"put one between them, as `-> ReLU ->`, or leave out `{before.path}`"
    related = () if before.span == node.span else (Label(before.span, "linear as well"),)
    yield Diagnostic(lints.NO_ACTIVATION, message, node.span, related=related, help=help, layer=node.path)


def _behind(graph: Graph, node: Node, readers: Sequence[int]) -> Node | None:
    """Return what a layer reads, with what keeps it linear left out; `None` where others read it too."""
    one = graph.nodes[node.inputs[0]]
    while readers[one.index] == 1:
        is_linear = one.op.storage is Storage.ALIAS or isinstance(one.op, BatchNorm)
        if not is_linear or len(one.inputs) != 1:
            return one
        one = graph.nodes[one.inputs[0]]
    return None


def _is_redundant(first: Op, second: Op, channels: int, middle: int, made: int) -> bool:
    """Tell whether the product of two layers is any layer of their kind, with no rank or shape that a factor saves.

    A bottleneck, a depthwise and a separated kernel are products on purpose.
    """
    narrowest = min(channels, made)
    if isinstance(first, Linear):
        return middle >= narrowest
    if not isinstance(first, Conv) or not isinstance(second, Conv):
        return False
    if max(first.groups, second.groups, *first.dilation, *second.dilation) > 1:
        return False
    wide = max(first.kernel_size) > 1, max(second.kernel_size) > 1
    if wide == (False, True):
        return middle >= channels
    if wide == (True, False):
        return middle >= made
    separated = all(wide) and not any(min(pair) > 1 for pair in zip(first.kernel_size, second.kernel_size, strict=True))
    return middle >= narrowest and not separated


def _of_kernel(first: Op, second: Op) -> str:
    """Return the kernel of the one convolution that two of them are."""
    if not isinstance(first, Conv) or not isinstance(second, Conv):
        return ""
    sizes = zip(first.kernel_size, second.kernel_size, first.stride, strict=True)
    return f" of kernel {spell(tuple([mine + (other - 1) * step for mine, other, step in sizes]))}"


def _dropout_before(graph: Graph, norm: Node) -> Iterator[Diagnostic]:
    """Report a dropout before a batch normalisation, with one weighted layer or activations between them at most."""
    one, weighted = graph.nodes[norm.inputs[0]], 0
    while len(one.inputs) == 1:
        op = one.op
        if isinstance(op, Dropout | ChannelDropout):
            if op.p > 0:
                message = f"`{one.path}` makes the variance that `{norm.path}` sees in training another than afterwards"
                help = f"put the dropout behind the last norm, or leave it out: `{norm.op.name}` regularises as well"
                related = (Label(norm.span, "normalised here"),) if norm.span != one.span else ()
                rule, fix = lints.DROPOUT_BEFORE_NORM, left_out(one.syntax, one.instance.source)
                yield Diagnostic(rule, message, one.span, related=related, help=help, fix=fix, layer=one.path)
            return
        weighted += isinstance(op, WEIGHTED)
        if weighted > 1 or not (isinstance(op, (*WEIGHTED, Activation)) or op.storage is Storage.ALIAS):
            return
        one = graph.nodes[one.inputs[0]]


def _rectified_branch(graph: Graph, add: Node, readers: Sequence[int]) -> Iterator[Diagnostic]:
    """Report a residual branch that is rectified before it is added, so that the sum can only grow."""
    if len(add.inputs) != 2:
        return
    (mine, start), (other, others_start) = [_branch(graph, graph.nodes[i], readers) for i in add.inputs]
    if start is not others_start:
        return
    for branch, shortcut in ((mine, other), (other, mine)):
        if not any(_is_wide(node.op) for node in branch) or any(_is_wide(node.op) for node in shortcut):
            continue
        end = next((node for node in branch if node.op.storage is not Storage.ALIAS), add)
        if isinstance(end.op, ReLU | ReLU6):
            message = f"`{end.path}` rectifies a branch before `{add.path}` adds it, so that the sum can only grow"
            help = "add first and rectify the sum, as in `y + x -> ReLU`, or put norm and activation before each layer"
            related = (Label(add.span, "added here"),) if add.span != end.span else ()
            yield Diagnostic(lints.RELU_BEFORE_ADD, message, end.span, related=related, help=help, layer=end.path)


def _branch(graph: Graph, node: Node, readers: Sequence[int]) -> tuple[list[Node], Node]:
    """Return the nodes of a branch from its end back, and the node where it begins, which others read too."""
    found: list[Node] = []
    while readers[node.index] == 1 and len(node.inputs) == 1:
        found.append(node)
        node = graph.nodes[node.inputs[0]]
    return found, node


def _is_wide(op: Op) -> bool:
    """Tell whether a layer is one of a residual branch, and no projection of a shortcut."""
    return isinstance(op, Linear) or (isinstance(op, Conv) and max(op.kernel_size) > 1)


def _at_the_end(graph: Graph, node: Node) -> Iterator[Diagnostic]:
    """Report an output that a dropout tears holes into, or that a default has taken the bias from."""
    dropout: Node | None = None
    while (node.op.storage is Storage.ALIAS or isinstance(node.op, Softmax | LogSoftmax)) and len(node.inputs) == 1:
        if isinstance(node.op, Dropout | ChannelDropout) and node.op.p > 0:
            dropout = node
        node = graph.nodes[node.inputs[0]]
    if not isinstance(node.op, WEIGHTED):
        return
    if dropout is not None:
        message = f"`{dropout.path}` sets results of `{node.path}` to zero, and nothing behind it can make up for that"
        fix, help = left_out(dropout.syntax, dropout.instance.source), f"put it before `{node.path}`"
        yield Diagnostic(lints.DROPOUT_ON_OUTPUT, message, dropout.span, help=help, fix=fix, layer=dropout.path)
    call = node.syntax
    if node.op.bias or not isinstance(call, ast.Call) or any(given.name == "bias" for given in call.arguments):
        return
    message = f"`{node.path}` gives a result without a bias, which the defaults of `{node.op.name}` took away"
    help = "write `bias=true` here; `bias=false` here keeps it without one"
    fix = None
    if call.arguments:
        end = call.arguments[-1].end
        fix = Fix.replacing(Span(node.instance.source, end, end), ", bias=true", title="add `bias=true`")
    yield Diagnostic(lints.OUTPUT_WITHOUT_BIAS, message, node.span, help=help, fix=fix, layer=node.path)
