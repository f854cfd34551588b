"""Edits of the network: a layer that is left out, used twice or put in where there is none."""

from __future__ import annotations

from typing import Any

from archdsl.exam.mistakes.params import AND_WORK, BIASED, LEARNED, keep
from archdsl.exam.mistakes.shapes import SIZED
from archdsl.exam.walk import Count, Kind, Mistake, Number, Place, Sizes, Subject
from archdsl.graph import Node
from archdsl.ops import Add, Concat
from archdsl.ops.activation import Activation
from archdsl.ops.conv import Conv, ConvTranspose
from archdsl.ops.norm import BatchNorm
from archdsl.ops.pool import Pool

EDITED = SIZED | {"buffers"}


def _none(place: Place, count: Count) -> Count:
    return Count(0, 0, 0)


def _idle(place: Place, work: Number) -> Number:
    return 0


def _halved(place: Place) -> Sizes | None:
    """Return the output after a 2×2 pool of stride 2 that is not there."""
    return place.output and (place.output[0], *[size // 2 for size in place.output[1:]])


def _twice(place: Place) -> Sizes | None:
    return None if place.output is None else place.subject.output(place.op, (place.output,))


def _both(place: Place, count: Count) -> Count:
    """Return the count of a layer and of the same layer on its own output."""
    again = place.subject.count(place.node, place.op, (_inner(place),))
    return count if again is None else Count(*map(sum, zip(count, again, strict=True)))


def _inner(place: Place) -> Sizes:
    return place.subject.shapes[place.node.index]


def _has_map(subject: Subject, node: Node) -> bool:
    return len(node.output.shape) > 1


def _branch(subject: Subject, index: int) -> tuple[int, list[int]]:
    """Return the nodes of a branch, back to the node where it leaves, and that node."""
    passed: list[int] = []
    while len(subject.nodes[index].inputs) == 1 and len(subject.users[index]) == 1:
        passed.append(index)
        (index,) = subject.nodes[index].inputs
    return index, passed


def projections(subject: Subject) -> frozenset[int]:
    """Return the nodes on projection shortcuts: of two branches that are added, the one with a single convolution."""
    found: set[int] = set()
    for index in subject.of((Add,)):
        branches = [_branch(subject, i) for i in subject.nodes[index].inputs]
        convs = [[i for i in passed if isinstance(subject.nodes[i].op, Conv)] for _, passed in branches]
        if max(map(len, convs)) < 2:
            continue
        for (_, passed), inside in zip(branches, convs, strict=True):
            if len(inside) == 1:
                op: Any = subject.nodes[inside[0]].op
                if set(op.kernel_size) == {1}:
                    found.update(passed)
    return frozenset(found)


def _projects(subject: Subject, node: Node) -> bool:
    return node.index in subject.remember("projections", projections)


def _widest(place: Place) -> Sizes:
    return max(place.inputs, key=lambda shape: shape[0])


def _narrowest(place: Place) -> Sizes:
    return min(place.inputs, key=lambda shape: shape[0])


def _first(place: Place) -> Sizes:
    return place.inputs[0]


def _last(place: Place) -> Sizes:
    return place.inputs[-1]


def _summed(place: Place) -> Sizes:
    return (sum([shape[0] for shape in place.inputs]), *place.inputs[0][1:])


def _brings(subject: Subject, node: Node) -> bool:
    return subject.counts[node.index].params > 0


def edit(id: str, did: str, formula: str, **rules: Any) -> Mistake:
    """Return a row that edits the network; it is made in one place, unless said otherwise."""
    return Mistake(id, did, formula, **{"firm": False, "kind": Kind.STRUCTURE, "everywhere": False, **rules})


ROWS = (
    edit("S22", "left a pool out", "n", asks=EDITED, on=(Pool,), shape=keep),
    edit("S22", "put in a 2×2 pool that is not there", "⌊n/2⌋", asks=EDITED, on=(Conv, ConvTranspose, Activation),
         where=_has_map, shape=_halved),
    edit("S23", "left a layer out", "one layer less", asks=EDITED, on=(Conv, ConvTranspose), shape=keep, count=_none,
         work=_idle),
    edit("S23", "used a layer twice", "one layer more", asks=EDITED, on=(Conv, ConvTranspose, Pool), shape=_twice,
         count=_both),
    edit("P22", "left out the projection shortcut", "Σ without it", firm=True, everywhere=True, asks=AND_WORK,
         on=(Conv, BatchNorm), where=_projects, count=_none, work=_idle),
    edit("P23", "kept the widest branch of a concatenation", "max C", everywhere=True, kind=Kind.RULE, asks=SIZED,
         on=(Concat,), shape=_widest),
    edit("P23", "kept the narrowest branch of a concatenation", "min C", everywhere=True, asks=SIZED, on=(Concat,),
         shape=_narrowest),
    edit("P23", "kept the first branch of a concatenation", "C of the first", everywhere=True, asks=SIZED,
         on=(Concat,), shape=_first),
    edit("P23", "kept the last branch of a concatenation", "C of the last", everywhere=True, asks=SIZED,
         on=(Concat,), shape=_last),
    edit("P23", "summed the channels of an addition", "C + C", everywhere=True, kind=Kind.RULE, asks=SIZED, on=(Add,),
         shape=_summed),
    edit("P32", "left a layer out of the total", "Σ - 1 layer", firm=True, asks=LEARNED, on=(*BIASED, BatchNorm),
         where=_brings, count=_none),
)  # fmt: skip
