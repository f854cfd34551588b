"""What is allowed in a network and probably not meant. Each lint reads the finished graph."""

from __future__ import annotations

from collections.abc import Iterator

from archdsl.diagnostics import Diagnostic, Fix, Label
from archdsl.elaborate import Elaboration
from archdsl.graph import Graph, Node
from archdsl.lang import ast
from archdsl.ops import Reach, Storage
from archdsl.ops.sliding import UNITS
from archdsl.rules import lints
from archdsl.sizes import Condition, Symbolic
from archdsl.source import Span


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
    return [*found.values(), *_requirements(elaboration)]


def _of_node(graph: Graph, node: Node, readers: list[int]) -> Iterator[Diagnostic]:
    if node.op.centres:
        yield from _bias_before(graph.nodes[node.inputs[0]], node, readers)
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
        if reads.shift == 1 and reach % 2 == 0 and positions == size + 1 and taps[0] == -(reach // 2):
            message = (
                f"`{node.path}` pads its even kernel of {reach} by {reach // 2}, so {size} {axis} become {positions}"
            )
            help = 'use an odd kernel, or `padding="same"`, which pads one side less'
            yield Diagnostic(lints.EVEN_KERNEL, message, node.span, help=help, layer=node.path)
            return


def _drops(node: Node, axis: str, lost: int, size: int) -> Diagnostic:
    message = (
        f"`{node.path}` never reads the last {lost} of {size} {axis}"
        if lost > 1
        else (f"`{node.path}` never reads the last of {size} {axis}")
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
    if not isinstance(call, ast.Call) or not call.arguments or any(a.name == "bias" for a in call.arguments):
        return None
    end = call.arguments[-1].end
    return Fix("add `bias=false`", Span(node.instance.source, end, end), ", bias=false", safe=False)


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
            yield Diagnostic(lints.SIZE_REQUIREMENT, message, span, f"{name} is open here", help=help)
