"""How PyTorch lays out tensors: the strides of one sample, counted in elements."""

from __future__ import annotations

from itertools import accumulate
from operator import mul

from archdsl.graph import Node
from archdsl.tensors import Shape


def keeps_channels_last(node: Node, nodes: list[Node], parts: dict[int, Shape]) -> bool:
    """Tell whether a result is laid out with the channels last because what it is computed of is.

    Of several inputs the first counts that has the shape of the result; for a concatenation all of them do.

    Source: torch `suggest_memory_format` and TensorIterator's order of axes.
    """
    shape = node.output.known
    if len(shape) != 3 or not node.op.keeps_layout:
        return False
    read = [i for i in node.inputs if len(nodes[i].output.known) == 3]
    if node.op.arity != 1 and node.op.name != "concat":
        read = [i for i in read if nodes[i].output.known == shape][:1]
    return bool(read) and all(is_channels_last(nodes[i].output.known, parts.get(i)) for i in read)


def is_channels_last(shape: Shape, strides: Shape | None) -> bool:
    """Tell whether PyTorch takes a map, or what is cut out of it, for one with the channels last."""
    if strides is None:
        return False
    (channels, _, width), (step, down, right) = shape, strides
    return step == 1 and right >= channels and down >= right * width


def channels_last(shape: Shape) -> Shape:
    """Return the strides of a map laid out position by position, all channels of one together."""
    channels, *sizes = shape
    return (1, *(channels * step for step in contiguous(tuple(sizes))))


def contiguous(shape: Shape) -> Shape:
    """Return the strides of a tensor laid out without gaps."""
    return (*list(accumulate(shape[:0:-1], mul, initial=1))[::-1],)


def viewed(shape: Shape, strides: Shape, wanted: Shape) -> Shape | None:
    """Return the strides of the same elements in another shape; `None` where they lie apart and PyTorch copies them.

    From the last axis on, axes that lie together make a chunk, which may be divided anew.

    Source: torch `computeStride` in ATen/TensorUtils.cpp.
    """
    made: list[int] = []
    left = list(wanted)
    chunk, view, step = 1, 1, strides[-1] if strides else 1
    for axis in range(len(shape) - 1, -1, -1):
        chunk *= shape[axis]
        if axis and (shape[axis - 1] == 1 or strides[axis - 1] == chunk * step):
            continue
        while left and (view < chunk or left[-1] == 1):
            made.append(view * step)
            view *= left.pop()
        if view != chunk:
            return None
        if axis:
            chunk, view, step = 1, 1, strides[axis - 1]
    return None if left else tuple(reversed(made))


def same_layout(shape: Shape, strides: Shape, wanted: Shape) -> bool:
    """Compare strides where there is more than one element to step over."""
    return all(size == 1 or a == b for size, a, b in zip(shape, strides, wanted, strict=True))
