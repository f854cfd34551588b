"""What the units of a node read near them: its windows, without what norms and gates read of a whole map.

A norm over all positions, a softmax along an axis and a gate make every unit depend on every other, and then no field
has a place any more. They move nothing, though: a unit behind a norm lies where it lay before. Questions of place, as
whether branches meet where they belong, are asked of these windows.
"""

from __future__ import annotations

from archdsl.graph import Graph, Node
from archdsl.ops import SAME, WHOLE, Reads, Window
from archdsl.tensors import TensorType

STAY = Reads(1, (range(1),))
"""What a unit that keeps its position reads along one axis."""

Nearby = tuple[Reads | None, ...]
"""One `Reads` per axis; `None` where what is read depends on a size that is left open."""


def nearby(graph: Graph, node: Node) -> tuple[Nearby | None, ...]:
    """Return what a unit reads near it of each input; `None` for one that is read as a whole or has no positions."""
    types, output = graph.types(node), node.output
    return tuple([_of(source, window, output) for source, window in zip(types, _windows(node, types), strict=True)])


def _windows(node: Node, types: tuple[TensorType, ...]) -> tuple[Window, ...]:
    if len(types) == 1:
        return (node.op.window(types, node.output),)
    return node.op.windows(types, node.output)


def _of(source: TensorType, window: Window, output: TensorType) -> Nearby | None:
    axes = len(source.shape) - 1
    if not axes or len(output.shape) - 1 != axes:
        return None
    if window is SAME or (window is WHOLE and source.spatial == output.spatial):
        return (STAY,) * axes
    if not isinstance(window, tuple):
        return None
    # A norm or a softmax along one axis keeps the positions of that axis.
    return tuple(
        [
            STAY if reads is not None and reads.shift == 0 and made == size else reads
            for reads, size, made in zip(window, source.spatial, output.spatial, strict=True)
        ]
    )


def mixes_positions(graph: Graph, node: Node) -> bool:
    """Tell whether a unit keeps its place and yet depends on a whole axis: by a norm, a softmax or a gate."""
    types, output = graph.types(node), node.output
    for source, window in zip(types, _windows(node, types), strict=True):
        if window is WHOLE and len(source.shape) == len(output.shape) > 1:
            # A gate has one position, and what it gates has several.
            if (
                any(size != 1 for size in (*source.spatial, *output.spatial))
                and _of(source, window, output) is not None
            ):
                return True
            if len(types) > 1 and source.spatial != output.spatial:
                return True
        elif isinstance(window, tuple):
            for reads, size, made in zip(window, source.spatial, output.spatial, strict=True):
                if reads is not None and reads.shift == 0 and made == size and size != 1:
                    return True
    return False


def is_plain(reads: Reads) -> bool:
    """Tell whether every unit reads the same number of positions in the same places beside it, one step apart."""
    return reads.shift == 1 and len(reads.taps) == 1
