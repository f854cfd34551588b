"""C: answers that are right under another convention, which earn a note and are no mistakes."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Any

from archdsl.exam.mistakes.params import BIASED, LEARNED, four_vectors, has_bias, no_bias, scaled
from archdsl.exam.mistakes.shapes import SHAPE, SIZED
from archdsl.exam.mistakes.work import FLOPS, LARGE, MACS, WORK, kilo, times
from archdsl.exam.walk import INVALID, Ask, Count, Kind, Mistake, Number, Place, Subject, Value, Walk
from archdsl.graph import Node
from archdsl.ops import Op
from archdsl.ops.conv import Conv, ConvTranspose
from archdsl.ops.norm import BatchNorm
from archdsl.ops.pool import AvgPool, Pool


def convention(id: str, did: str, formula: str, asks: frozenset[str], **rules: Any) -> Mistake:
    """Return a row that gives the true value under another convention."""
    return Mistake(id, did, formula, **{"firm": True, "kind": Kind.CONVENTION, "once": False, **rules}, asks=asks)


def _ceil(place: Place) -> Op:
    return place.subject.altered(place.op, ceil_mode=True)


def _channels_last(walk: Walk, ask: Ask, value: Value) -> Iterable[Value]:
    if isinstance(value, tuple) and len(value) > 1:
        yield (*value[1:], value[0])


def clipped(subject: Subject, value: Value) -> Value:
    """Return a receptive field cut to the sides of the image; as it is where there are several or open ones."""
    inputs = list(subject.graph.inputs.values())
    if isinstance(value, str) or subject.is_open or len(inputs) != 1:
        return value
    image = inputs[0].output.known[1:]
    sides = value if isinstance(value, tuple) else (value,) * len(image)
    cut = tuple([min(side, n) for side, n in zip(sides, image, strict=True)])
    return cut[0] if len(set(cut)) == 1 else cut


def _clipped(walk: Walk, ask: Ask, value: Value) -> Iterable[Value]:
    yield clipped(walk.subject, value)


def _trainable_pool(place: Place, count: Count) -> Count:
    return Count(count.weights + place.channels, count.biases + place.channels, count.buffers)


def _on_the_other(subject: Subject) -> dict[int, Any]:
    """Return the strides of bottlenecks where the 1×1 and the 3×3 convolution after it have them exchanged.

    Source: He et al. 2016, arXiv:1512.03385, put it into the 1×1 convolution, torchvision into the 3×3 one.
    """
    moved: dict[int, Any] = {}
    for index in subject.of((Conv,)):
        node = subject.nodes[index]
        wide: Any = node.op
        before = subject.before(node)
        first: Any = before.op
        is_pair = isinstance(first, Conv) and set(first.kernel_size) == {1} and set(wide.kernel_size) != {1}
        if is_pair and first.stride != wide.stride and 1 in (max(first.stride), max(wide.stride)):
            moved[before.index], moved[index] = wide.stride, first.stride
    return moved


def _exchanges(subject: Subject, node: Node) -> bool:
    return node.index in subject.remember("exchanged strides", _on_the_other)


def _exchanged(place: Place) -> Op:
    stride = place.subject.remember("exchanged strides", _on_the_other)[place.node.index]
    return place.subject.altered(place.op, stride=stride)


def _per_output(place: Place, true: Number) -> Number:
    return scaled(true, place.positions, place.read)


def _refused(walk: Walk, ask: Ask, value: Value) -> Iterable[Value]:
    """Yield that the network is invalid where a window does not tile its padded input exactly."""
    subject = walk.subject
    end = subject.end(ask.layer)
    if subject.is_open:
        return
    for index in subject.of((Conv, Pool)):
        node = subject.nodes[index]
        op: Any = node.op
        strides = op.steps if isinstance(op, Pool) else op.stride
        axes = zip(subject.inputs(node)[0][1:], op.reaches, strides, op.pads, strict=True)
        if index <= end and any((n + sum(pads) - k) % s for n, k, s, pads in axes):
            yield INVALID
            return


ROWS = (
    convention("C1", "rounded pools up, as Caffe does", "⌈(n + 2p - k)/s⌉ + 1", SIZED, on=(Pool,), op=_ceil),
    convention("C2", "gave the channels last", "H × W × C", SHAPE, answer=_channels_last),
    convention("S20", "gave the channels last", "H × W × C", SHAPE, answer=_channels_last),
    convention("C3", "counted FLOPs", "2 · MACs", MACS, answer=times(2)),
    convention("C3", "counted MACs", "FLOPs / 2", FLOPS, answer=times(Fraction(1, 2))),
    convention("C4", "left out the biases, as papers do", "k·k·C·D", LEARNED, on=BIASED, where=has_bias,
               count=no_bias),
    convention("C5", "counted the running statistics too", "4·C", LEARNED, on=(BatchNorm,), count=four_vectors),
    convention("C6", "took K for 1024", "× 1.024", LARGE, answer=kilo),
    convention("C7", "put the stride of a bottleneck into the other convolution", "v1 against v1.5", WORK, on=(Conv,),
               where=_exchanges, op=_exchanged),
    convention("C8", "counted a transposed convolution by output positions", "k·k·C·D·o·o", WORK, on=(ConvTranspose,),
               work=_per_output),
    convention("C9", "clipped the field to the image", "min(r, n)", frozenset({"receptive_field"}), answer=_clipped),
    convention("R17", "clipped the field to the image", "min(r, n)", frozenset({"receptive_field"}), answer=_clipped),
    convention("C10", 'put the odd pixel of "same" padding at the end', "the sizes are the same", frozenset()),
    convention("C11", "gave each map of a pool two trainable numbers, as LeNet does", "2·C", LEARNED, on=(AvgPool,),
               count=_trainable_pool),
    convention("C12", "held that a window must tile its input exactly", INVALID, SHAPE, answer=_refused),
)  # fmt: skip
"""C10 moves windows and changes no number that is asked, so that no question shows it."""
