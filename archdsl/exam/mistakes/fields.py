"""R: how a receptive field is carried wrongly from layer to layer, `r = r + (k - 1)·j` being right."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from archdsl.exam.mistakes.shapes import is_dilated
from archdsl.exam.seen import extents, seen
from archdsl.exam.walk import Ask, Mistake, Place, Slide, Subject, Value, Walk
from archdsl.graph import Node
from archdsl.ops import Op
from archdsl.ops.conv import Conv
from archdsl.ops.pool import AdaptivePool, Pool

FIELD = frozenset({"receptive_field"})
AND_JUMP = FIELD | {"jump"}


def row(
    id: str,
    did: str,
    formula: str,
    slide: Callable[[Place, Slide], tuple[int, int]],
    on: tuple[type[Op], ...] = (Op,),
    where: Callable[[Subject, Node], bool] | None = None,
    *,
    asks: frozenset[str] = FIELD,
    once: bool = True,
    less: int = 0,
) -> Mistake:
    """Return a row that carries the field through with another reach or stride, and takes off `less` at last."""

    def answer(walk: Walk, ask: Ask, value: Value) -> Iterable[Value]:
        yield minus(value, less)

    return Mistake(id, did, formula, False, asks, on, where, once=once, slide=slide, answer=answer if less else None)


def minus(value: Value, less: int) -> Value:
    """Return a field smaller by some pixels a side."""
    if isinstance(value, str):
        return value
    return tuple(side - less for side in value) if isinstance(value, tuple) else value - less


def _from_zero(walk: Walk, ask: Ask, value: Value) -> Iterable[Value]:
    yield minus(value, 1)


def _area(walk: Walk, ask: Ask, value: Value) -> Iterable[Value]:
    if isinstance(value, int):
        yield value * value
    elif isinstance(value, tuple) and len(value) == 2:
        yield value[0] * value[1]


def _other_row(walk: Walk, ask: Ask, value: Value) -> Iterable[Value]:
    """Yield the values of the rows before and after, as a table of the layers has them that change it."""
    subject = walk.subject
    end = subject.end(ask.layer)
    for node in (_row_before(subject, end), _row_after(subject, end)):
        if node is not None and (found := seen(walk, node)) is not None:
            sizes = extents(walk, node, found)
            if sizes and ask.quantity == "receptive_field":
                yield sizes[0] if len(set(sizes)) == 1 else sizes
            elif ask.quantity == "jump" and all(len(tracks) == 1 for tracks in found):
                strides = tuple(tracks[0].stride for tracks in found)
                yield strides[0] if len(set(strides)) == 1 else strides


def _row_before(subject: Subject, index: int) -> int | None:
    node = subject.nodes[index]
    while len(node.inputs) == 1 and subject.is_elementwise(node):
        node = subject.nodes[node.inputs[0]]
    if not node.inputs:
        return None
    before = subject.nodes[node.inputs[0]]
    while len(before.inputs) == 1 and subject.is_elementwise(before):
        before = subject.nodes[before.inputs[0]]
    return before.index if before.inputs else None


def _row_after(subject: Subject, index: int) -> int | None:
    while len(subject.users[index]) == 1:
        (index,) = subject.users[index]
        if not subject.is_elementwise(subject.nodes[index]):
            return index
    return None


def _pointwise(subject: Subject, node: Node) -> bool:
    return set(node.op.kernel_size) == {1}  # type: ignore[attr-defined]  # a convolution


WINDOWS = (Conv, Pool)
POOLS = (Pool, AdaptivePool)

ROWS = (
    row(
        "R01",
        "multiplied by the layer's own stride",
        "r + (k - 1)·j·s",
        lambda _, w: ((w.reach - 1) * w.stride + 1, w.stride),
        WINDOWS,
    ),
    row("R02", "ignored the strides", "1 + Σ(k - 1)", lambda _, w: (w.reach, 1), asks=AND_JUMP, once=False),
    row("R03", "added the kernels", "Σ k", lambda _, w: (w.reach + 1, 1), WINDOWS, once=False, less=1),
    row("R04", "multiplied the kernels", "Π k", lambda _, w: (w.before * (w.reach - 1) + 1, 1), once=False),
    row("R05", "skipped the pooling", "r, j", lambda _, w: (1, 1), POOLS, asks=AND_JUMP),
    row(
        "R06", "left out the stride of the pooling", "r + (k - 1)·j, j", lambda _, w: (w.reach, 1), POOLS, asks=AND_JUMP
    ),
    row("R07", "left out the kernel of the pooling", "r, j·s", lambda _, w: (1, w.stride), POOLS),
    row("R08", "let pooling add its whole kernel", "r + k·j", lambda _, w: (w.reach + 1, w.stride), POOLS),
    row("R09", "ignored the dilation", "k", lambda _, w: (w.taps, w.stride), WINDOWS, is_dilated),
    row(
        "R10",
        "multiplied the kernel by the dilation",
        "r + (d·k - 1)·j",
        lambda _, w: (w.taps * w.dilation, w.stride),
        WINDOWS,
        is_dilated,
    ),
    Mistake("R11", "started from 0", "r - 1", False, FIELD, answer=_from_zero),
    row("R12", "let a 1×1 layer add 1", "r + j", lambda _, w: (w.reach + 1, w.stride), (Conv,), _pointwise),
    Mistake("R13", "read the row before or after", "r of another layer", False, AND_JUMP, answer=_other_row),
    Mistake("R14", "gave the area", "r·r", False, FIELD, answer=_area),
    row("R15", "added the padding", "r + (k - 1 + p)·j", lambda _, w: (w.reach + w.padding, w.stride), WINDOWS),
    Mistake(
        "R16",
        "took the shorter branch",
        "min over branches",
        False,
        AND_JUMP,
        where=lambda s, n: len(n.inputs) > 1,
        narrow=True,
    ),
)
"""R17, the field clipped to the image, is a convention: see `conventions.py`."""
