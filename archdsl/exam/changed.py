"""The network with one argument of one layer changed to another common value: what a slip of reading leads to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from archdsl.exam.posed import Posed
from archdsl.exam.quantities import value_in
from archdsl.exam.sheet import Part
from archdsl.exam.walk import Kind, Mistake, Place, Subject, Value, Walk
from archdsl.ops import Op
from archdsl.ops.conv import Conv, ConvTranspose
from archdsl.ops.pool import Pool

COMMON = {"padding": (0, 1, 2, 3), "stride": (1, 2), "kernel_size": (1, 2, 3, 5, 7), "dilation": (1, 2)}
MOST = 256
"""Changed networks that are looked at for one answer."""

MOST_VISITS = 2**14
"""Layers that are computed anew for it."""


@dataclass(frozen=True, slots=True)
class Changed:
    """An answer that would be right if one layer had another argument."""

    value: Value
    layer: str
    argument: str
    """As it would be written: `padding=2`."""


def changed(posed: Posed, part: Part) -> tuple[Changed, ...]:
    """Return the answers to a plain question where one layer before it had another common argument."""
    target = posed.target(part)
    if target is None:
        return ()
    net, ask = target
    subject = posed.subject(net)
    found: tuple[Changed, ...] = subject.remember(f"changed {ask}", lambda s: tuple(_changed(s, ask)))
    return found


def _changed(subject: Subject, ask: Any) -> Iterator[Changed]:
    end = subject.end(ask.layer)
    room = min(MOST, MOST_VISITS // len(subject.nodes))
    for index in subject.of((Conv, ConvTranspose, Pool)):
        if index > end:
            return
        node = subject.nodes[index]
        for name, value in _arguments(node.op):
            room -= 1
            if room < 0:
                return
            row = Mistake("", "", "", False, frozenset(), kind=Kind.STRUCTURE, op=_with(name, value))
            answer = value_in(Walk(subject, (row,), index), ask)
            if answer is not None:
                yield Changed(answer, node.id, f"{name}={value}")


def _arguments(op: Any) -> Iterator[tuple[str, int]]:
    """Yield what else one could have read, one argument at a time."""
    for name, common in COMMON.items():
        own = getattr(op, "steps" if name == "stride" and isinstance(op, Pool) else name, None)
        if isinstance(own, tuple) and len(set(own)) == 1:
            yield from ((name, value) for value in common if value != own[0])


def _with(name: str, value: int) -> Any:
    def op(place: Place) -> Op:
        many = (value,) * len(place.op.kernel_size)
        return place.subject.altered(place.op, **{name: many})

    return op
