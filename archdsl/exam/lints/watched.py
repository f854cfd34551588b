"""Which mistakes an item should see: those that published answers show, where the network has what they are about.

A row is watched where the catalogue marks it as seen in a published wrong answer, or as hidden by an item that looks
as if it tested it. It counts for a part only if the part asks for one of `asks` and the layers that it is about satisfy
`about`: a net without padding cannot test whether padding is forgotten, and is not blamed for it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from archdsl.exam.mistakes.params import has_bias
from archdsl.exam.walk import Subject
from archdsl.graph import Node
from archdsl.ops.conv import Conv, ConvTranspose
from archdsl.ops.dense import Linear
from archdsl.ops.pool import Pool
from archdsl.ops.reshape import Flatten

About = Callable[[Subject, tuple[int, ...]], bool]
"""Tells whether some layers have the thing that a mistake is about."""

SHAPE = frozenset({"shape"})
LEARNED = frozenset({"params", "weights", "macs", "flops"})
BIASED = frozenset({"params", "biases"})
FIELD = frozenset({"receptive_field"})


@dataclass(frozen=True, slots=True)
class Watched:
    """A mistake that an item should see."""

    id: str
    doing: str
    """What the student does, as the subject of a sentence: `forgetting the padding`."""
    asks: frozenset[str]
    about: About


def steps(op: Any) -> tuple[int, ...]:
    """Return the stride of a convolution or a pool per axis."""
    return tuple(op.steps if isinstance(op, Pool) else op.stride)


def strided(op: Any) -> bool:
    return any(step != 1 for step in steps(op))


def wide(op: Any) -> bool:
    """Tell whether a window has more than one tap."""
    return any(k != 1 for k in op.kernel_size)


def _some(kinds: tuple[type, ...], has: Callable[[Subject, Node], bool] = lambda s, n: True) -> About:
    def about(subject: Subject, nodes: tuple[int, ...]) -> bool:
        found = [subject.nodes[i] for i in nodes]
        return any(isinstance(node.op, kinds) and has(subject, node) for node in found)

    return about


def _padded(_: Subject, node: Node) -> bool:
    op: Any = node.op
    return any(map(any, op.pads)) if isinstance(op, Conv | Pool) else any(op.padding)


def _strided(_: Subject, node: Node) -> bool:
    return strided(node.op)


def _reads_channels(subject: Subject, node: Node) -> bool:
    """Tell whether a filter is as deep as its input, which one of a depthwise convolution is not."""
    groups: int = node.op.groups  # type: ignore[attr-defined]  # a convolution
    return groups == 1


def _flattened(subject: Subject, node: Node) -> bool:
    before = subject.before(node)
    return isinstance(before.op, Flatten) and len(subject.inputs(before)[0]) > 1


def _adds_up(subject: Subject, nodes: tuple[int, ...]) -> bool:
    """Tell whether several windows with more than one tap follow each other."""
    return len([i for i in _windows(subject, nodes) if wide(subject.nodes[i].op)]) > 1


def _strides_count(subject: Subject, nodes: tuple[int, ...]) -> bool:
    """Tell whether a window with several taps comes after a stride, which is where a stride counts."""
    return _comes_before(subject, nodes, (Conv, Pool))


def _pooled(subject: Subject, nodes: tuple[int, ...]) -> bool:
    return _comes_before(subject, nodes, (Pool,))


def _comes_before(subject: Subject, nodes: tuple[int, ...], kinds: tuple[type, ...]) -> bool:
    jumped = False
    for index in _windows(subject, nodes):
        op = subject.nodes[index].op
        if jumped and wide(op):
            return True
        jumped = jumped or (isinstance(op, kinds) and strided(op))
    return False


def _windows(subject: Subject, nodes: tuple[int, ...]) -> list[int]:
    return [i for i in nodes if isinstance(subject.nodes[i].op, Conv | Pool)]


def _chained(subject: Subject, nodes: tuple[int, ...]) -> bool:
    """Tell whether a convolution with several taps is in a chain."""
    found = [subject.nodes[i] for i in nodes]
    is_chain = all(len(node.inputs) < 2 for node in found)
    return is_chain and any(isinstance(node.op, Conv) and wide(node.op) for node in found)


def _dilated(_: Subject, node: Node) -> bool:
    op: Any = node.op
    return bool(op.reaches != op.kernel_size)


CONVS = (Conv, ConvTranspose)
SLIDING = (Conv, Pool)

WATCHED = (
    Watched("S01", "forgetting the padding", SHAPE, _some(SLIDING, _padded)),
    Watched("S02", "padding one side only", SHAPE, _some(SLIDING, _padded)),
    Watched("S03", "forgetting the + 1", SHAPE, _some(SLIDING)),
    Watched("S04", "taking the stride as 1", SHAPE, _some((Conv,), _strided)),
    Watched("S09", "ignoring the dilation", SHAPE, _some((Conv,), _dilated)),
    Watched("S12", "keeping the number of input channels", SHAPE, _some(CONVS)),
    Watched("S14", "letting pooling divide the channels", SHAPE, _some((Pool,), _strided)),
    Watched("T01", "using the formula of an ordinary convolution", SHAPE, _some((ConvTranspose,))),
    Watched("T02", "multiplying by the stride", SHAPE, _some((ConvTranspose,))),
    Watched("T03", "not subtracting the padding", SHAPE, _some((ConvTranspose,), _padded)),
    Watched("P01", "forgetting the biases", BIASED, _some((*CONVS, Linear), has_bias)),
    Watched("P02", "counting one bias a layer", BIASED, _some((*CONVS, Linear), has_bias)),
    Watched("P04", "forgetting the input channels", LEARNED, _some(CONVS, _reads_channels)),
    Watched("P05", "counting one filter", LEARNED, _some(CONVS, _reads_channels)),
    Watched("P07", "taking k for k squared", LEARNED, _some(CONVS, lambda _, node: wide(node.op))),
    Watched("P18", "forgetting the channels in the flattened map", LEARNED, _some((Linear,), _flattened)),
    Watched("R01", "multiplying by the layer's own stride", FIELD, _strides_count),
    Watched("R02", "ignoring the strides", FIELD, _strides_count),
    Watched("R03", "adding the kernels", FIELD, _adds_up),
    Watched("R04", "multiplying the kernels", FIELD, _adds_up),
    Watched("R06", "leaving out the stride of the pooling", FIELD, _pooled),
    Watched("R08", "letting pooling add its whole kernel", FIELD, _some((Pool,))),
    Watched("R09", "ignoring the dilation", FIELD, _some((Conv,), _dilated)),
)
"""In the order in which they are told. What is never hidden by a choice of numbers (P30, F01, F10) is left out."""

DOING = {watched.id: watched.doing for watched in WATCHED} | {"T05": "forgetting the - 1"}
"""What the student does, by the id of the mistake."""

COPIED = Watched("S08", "assuming that padding keeps the size", SHAPE, _chained)
"""Of an item whose shapes all have the sides of the image: who copies the number from the question is right.

Where a part asks for another size, as after a pool, that student is found out, and "same" layers beside are no fault.
Branches that meet have to keep the size, so that it is not what such an item asks about.
"""
