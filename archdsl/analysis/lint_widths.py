"""A lint on how wide layers are: channels that tensor cores do not take."""

from __future__ import annotations

from collections.abc import Iterator

from archdsl.diagnostics import Diagnostic, Label
from archdsl.graph import Graph, Node
from archdsl.ops.conv import Conv, ConvTranspose
from archdsl.ops.dense import Linear
from archdsl.rules import lints

MULTIPLE = 8
"""Of numbers of two bytes: 16 bytes at a time. NVIDIA, Deep Learning Performance Guide, Tensor Core requirements."""
NARROWEST = 64
"""Channels below which a layer is too narrow to fill a tensor core anyway."""
LEAST_SHARE = 3
"""They are told of where such layers do at least one in so many of the multiply-adds: a few leave the time as it is."""
LEAST_MACS = 10_000_000
"""Multiply-adds a sample below which starting the layers takes longer than running them."""
MOST_LABELS = 3
WEIGHTED = (Conv, ConvTranspose, Linear)


def lint_widths(graph: Graph) -> Iterator[Diagnostic]:
    """Report the most costly of the wide layers whose channels are no multiple of 8, where they do much of the work."""
    if graph.is_symbolic:
        return
    work: dict[int, int] = {}
    uneven: list[Node] = []
    makes_results = _made_into_results(graph)
    for node in graph.layers:
        if isinstance(node.op, WEIGHTED) and node.index not in graph.training_only:
            work[node.index] = node.op.macs(graph.types(node), node.output)
            if _is_uneven(node) and not makes_results[node.index]:
                uneven.append(node)
    share, whole = sum([work[node.index] for node in uneven]), sum(work.values())
    if uneven and share >= LEAST_MACS and LEAST_SHARE * share >= whole:
        yield _uneven(sorted(uneven, key=lambda node: -work[node.index]), share, whole)


def _is_uneven(node: Node) -> bool:
    """Tell whether a layer is wide and works on all channels at once, and their number is no multiple of 8."""
    channels = node.output.channels
    return channels >= NARROWEST and channels % MULTIPLE != 0 and getattr(node.op, "groups", 1) == 1


def _made_into_results(graph: Graph) -> list[bool]:
    """Return of which nodes a result is made without another layer with weights: classes are as many as there are."""
    found = [False] * len(graph.nodes)
    for node in graph.outputs.values():
        found[node.index] = True
    for node in reversed(graph.nodes):
        if found[node.index] and not isinstance(node.op, WEIGHTED):
            for i in node.inputs:
                found[i] = True
    return found


def _uneven(nodes: list[Node], share: int, whole: int) -> Diagnostic:
    first, *others = nodes
    channels = first.output.channels
    message = f"`{first.path}` makes {channels:,} channels, no multiple of {MULTIPLE}"
    more = len({node.path for node in others} - {first.path})
    if more:
        message += f", and {more:,} other layer{'s' * (more > 1)} such a number"
    message += f": tensor cores run short in {100 * share // whole} % of the multiply-adds"
    below = channels // MULTIPLE * MULTIPLE
    help = f"take {below:,} or {below + MULTIPLE:,} channels, if it is to run fast in half precision"
    places: dict[tuple[int, int], Label] = {}
    for node in others:
        if node.span != first.span:
            places.setdefault((node.span.start, node.span.end), Label(node.span, f"{node.output.channels:,} channels"))
    related = tuple(places.values())[:MOST_LABELS]
    return Diagnostic(lints.CHANNELS_BY_EIGHT, message, first.span, related=related, help=help, layer=first.path)
