"""What is allowed in a network and probably not meant. Each lint reads the finished graph."""

from __future__ import annotations

from collections.abc import Iterator

from archdsl.analysis.lint_depth import lint_depth
from archdsl.analysis.lint_order import lint_order
from archdsl.analysis.lint_places import lint_places
from archdsl.analysis.lint_widths import lint_widths
from archdsl.diagnostics import Diagnostic, Fix, Label, renaming
from archdsl.elaborate import Elaboration
from archdsl.elaborate.cures import left_out, required
from archdsl.graph import Graph, Node
from archdsl.lang import ast
from archdsl.ops import Reach, Storage
from archdsl.ops.activation import ReLU, ReLU6, Sigmoid, Softmax, Softplus
from archdsl.ops.base import spell
from archdsl.ops.conv import ConvTranspose
from archdsl.ops.pool import Pool
from archdsl.ops.reshape import Flatten
from archdsl.ops.resize import Upsample
from archdsl.ops.sliding import UNITS
from archdsl.rules import lints
from archdsl.sizes import Condition, Symbolic
from archdsl.source import Span
from archdsl.tensors import TensorType

NOT_NEGATIVE = (ReLU, ReLU6, Sigmoid, Softmax, Softplus)
"""Activations whose output a `ReLU` leaves as it is."""
PICTURE_CHANNELS = (1, 3, 4)
SMALLEST_PICTURE = 8


def lint(elaboration: Elaboration) -> list[Diagnostic]:
    """Return the lints of a network, each line of the text once."""
    graph = elaboration.graph
    readers = [0] * len(graph.nodes)
    for node in graph.nodes:
        for i in node.inputs:
            readers[i] += 1
    found: dict[tuple[str, int, str], Diagnostic] = {}
    for node in graph.layers:
        for diagnostic in _of_node(graph, node, readers):
            found.setdefault((diagnostic.code, diagnostic.span.start, diagnostic.span.source.name), diagnostic)
    whole = () if any(d.severity == "error" for d in elaboration.diagnostics) else _of_the_whole(graph)
    for diagnostic in (*_softmax_outputs(graph), *_channels_last(graph), *whole):
        found.setdefault((diagnostic.code, diagnostic.span.start, diagnostic.span.source.name), diagnostic)
    return [*found.values(), *_requirements(elaboration)]


def _of_the_whole(graph: Graph) -> Iterator[Diagnostic]:
    """Yield what is found where all of a network is known: in half of one, readers and results are missing."""
    yield from lint_places(graph)
    yield from lint_order(graph)
    yield from lint_depth(graph)
    yield from lint_widths(graph)


def _of_node(graph: Graph, node: Node, readers: list[int]) -> Iterator[Diagnostic]:
    if node.op.centres:
        yield from _bias_before(graph.nodes[node.inputs[0]], node, readers)
    if len(node.inputs) == 1 and (why := _without_effect(graph.nodes[node.inputs[0]], node)):
        message = f"this `{node.op.name}` changes nothing: {why}"
        fix = left_out(node.syntax, node.instance.source)
        yield Diagnostic(lints.DEAD_LAYER, message, node.span, help="leave it out", fix=fix, layer=node.path)
    if isinstance(node.op, Upsample) and (shrinks := _shrinks(graph.types(node)[0], node)):
        help = f"for a map that many times larger write `Upsample(scale_factor={spell(node.op.size)})`"
        yield Diagnostic(lints.SIZE_FOR_FACTOR, shrinks, node.span, help=help, layer=node.path)
    window = node.op.window(graph.types(node), node.output) if node.op.storage is Storage.NEW else Reach.SAME
    if isinstance(window, Reach):
        return
    (x,) = graph.types(node)
    for axis, reads, size, positions in zip(UNITS[len(window)], window, x.spatial, node.output.spatial, strict=True):
        if reads is None or len(reads.taps) != 1 or isinstance(size, Symbolic) or isinstance(positions, Symbolic):
            continue
        taps = reads.taps[0]
        reach = taps[-1] - taps[0] + 1
        lost = size - 1 - (reads.shift * (positions - 1) + taps[-1])
        if lost > max(0, reads.shift - reach):
            yield _drops(node, axis, lost, size)
            return
        if isinstance(node.op, ConvTranspose):
            continue
        if reads.shift == 1 and reach % 2 == 0 and positions == size + 1 and taps[0] == -(reach // 2):
            message = (
                f"`{node.path}` pads its even kernel of {reach} by {reach // 2}, so {size} {axis} become {positions}"
            )
            help = 'use an odd kernel, or `padding="same"`, which pads one side less'
            yield Diagnostic(lints.EVEN_KERNEL, message, node.span, help=help, layer=node.path)
            return


def _without_effect(before: Node, node: Node) -> str | None:
    """Return why a layer changes nothing after the one before it, or `None`."""
    op = node.op
    if isinstance(op, ReLU) and isinstance(before.op, NOT_NEGATIVE):
        return f"after `{before.op.name}` nothing is negative"
    if isinstance(op, Flatten) and isinstance(before.op, Flatten) and before.output == node.output:
        return "it gets a vector already"
    if isinstance(op, Pool) and set(op.kernel_size) == {1} and before.output == node.output:
        return "its kernel is one position"
    return None


def _shrinks(x: TensorType, node: Node) -> str | None:
    """Return what to say of an `Upsample` whose first number is a size smaller than the input's, or `None`."""
    call = node.syntax
    if not isinstance(call, ast.Call) or not call.arguments or call.arguments[0].name is not None:
        return None
    sizes = list(zip(x.spatial, node.output.spatial, strict=True))
    if any(isinstance(size, Symbolic) or isinstance(made, Symbolic) or made >= size for size, made in sizes):
        return None
    return f"`{node.path}` makes {x} smaller, {node.output}: its first argument is the size to come out"


def _softmax_outputs(graph: Graph) -> Iterator[Diagnostic]:
    """Report outputs that are probabilities over classes."""
    for node in graph.outputs.values():
        if isinstance(node.op, Softmax) and not node.output.spatial and node.output.channels > 1:
            message = f"`{node.path}` is the last layer, and PyTorch's `CrossEntropyLoss` takes the softmax itself"
            help = "leave it out for training; `# allow softmax-output` on the line keeps it without a word"
            fix = left_out(node.syntax, node.instance.source)
            yield Diagnostic(lints.SOFTMAX_OUTPUT, message, node.span, help=help, fix=fix, layer=node.path)


def _channels_last(graph: Graph) -> Iterator[Diagnostic]:
    """Report inputs whose last size is that of a picture's channels, and whose others are those of a picture."""
    for name, node in graph.inputs.items():
        shape = node.output.shape
        if len(shape) != 3 or any(isinstance(size, Symbolic) for size in shape):
            continue
        high, wide, channels = node.output.known
        if channels in PICTURE_CHANNELS and min(high, wide) >= SMALLEST_PICTURE:
            meant = f"[{channels}, {high}, {wide}]"
            message = f"`{name}` is read as {high} channels of {wide} by {channels} pixels"
            help = f"shapes are channels first: `input {name}: {meant}`"
            yield Diagnostic(lints.CHANNELS_LAST, message, node.span, help=help)


def _drops(node: Node, axis: str, lost: int, size: int) -> Diagnostic:
    message = (
        f"`{node.path}` never reads the last {lost:,} of {size:,} {axis}"
        if lost > 1
        else (f"`{node.path}` never reads the last of {size:,} {axis}")
    )
    help = "choose a size that divides, pad, or set `ceil_mode=true` on a pooling"
    return Diagnostic(lints.DROPS_ROWS, message, node.span, help=help, layer=node.path)


def _bias_before(before: Node, norm: Node, readers: list[int]) -> Iterator[Diagnostic]:
    if getattr(before.op, "bias", False) is not True or readers[before.index] != 1:
        return
    message = f"the bias of `{before.path}` is undone by `{norm.path}`, which subtracts the mean"
    help = f"give it `bias=false`, or write `defaults {before.op.name}(bias=false)` once"
    related = (Label(norm.span, "here"),) if norm.span != before.span else ()
    yield Diagnostic(
        lints.BIAS_BEFORE_NORM,
        message,
        before.span,
        related=related,
        help=help,
        fix=_without_bias(before),
        layer=before.path,
    )


def _without_bias(node: Node) -> Fix | None:
    """Return the edit that adds `bias=false`, where the call has arguments and none of that name."""
    call = node.syntax
    if not isinstance(call, ast.Call) or not call.arguments:
        return None
    for argument in call.arguments:
        if argument.name == "bias":
            return renaming(argument.span(node.instance.source), "true", "false")
    end = call.arguments[-1].end
    return Fix.replacing(Span(node.instance.source, end, end), ", bias=false", title="add `bias=false`")


def _requirements(elaboration: Elaboration) -> Iterator[Diagnostic]:
    """Report what is demanded of an open size beyond what the model states and a smallest size."""
    for name, size in elaboration.symbols.items():
        demanded = size.domain.requirement
        smallest = demanded.smallest()
        if not size.domain.facts or smallest is None:
            continue
        allowed = size >= smallest
        for condition in elaboration.stated:
            if condition.domain is size.domain:
                allowed = condition & allowed
        if isinstance(allowed, Condition) and not (allowed & ~demanded).is_empty:
            span = next(iter(elaboration.graph.inputs.values())).span
            message = f"only some sizes work: {demanded}"
            help = f"say so with `require {demanded}`"
            fix = required(span, str(demanded))
            yield Diagnostic(lints.SIZE_REQUIREMENT, message, span, f"{name} is open here", help=help, fix=fix)
