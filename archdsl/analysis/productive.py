"""Which convolutions are predicted to do no work of their own, because what they look for lies beyond the image.

A field that reaches beyond the image on every way through the network can relate nothing new, and in experiments such
layers hardly change how well a probe reads the classes off. It is a prediction from measurements on VGG and ResNet
nets, not a theorem. A way counts 1 + Σ (reach − 1) · stride; norms and gates are left out of it, since they would make
everything see everything.

Source: Richter, Byttner, Krumnack, Wiedenroth, Schallner & Shenk 2021, arXiv:2106.12307; the rule and the range as the
authors' rfa_toolbox has them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from math import floor

from archdsl.analysis.fields import FARTHEST
from archdsl.analysis.nearby import STAY, Nearby, mixes_positions, nearby
from archdsl.graph import Graph, Node
from archdsl.ops import Reads
from archdsl.ops.conv import Conv

MOST_STRIDES = 8
"""Different strides of the ways to one node that are followed; where more meet, its fields are left open."""


class Prediction(Enum):
    """What is expected of a convolution with a kernel larger than 1."""

    PRODUCTIVE = "productive"
    CRITICAL = "critical"
    """Its own smallest field is larger than the image, but not that of what it reads."""
    PARTLY = "unproductive along one axis"
    UNPRODUCTIVE = "unproductive"


@dataclass(frozen=True, slots=True)
class Productivity:
    """The fields of a convolution over all ways to it, per axis in input pixels, and what they predict."""

    node: Node
    before: tuple[int, ...]
    """The smallest field of what it reads, over all ways and inputs."""
    least: tuple[int, ...]
    """Its own smallest field."""
    most: tuple[int, ...]
    """Its own largest field."""
    prediction: Prediction


@dataclass(frozen=True, slots=True)
class Resolutions:
    """Between which sizes of the image the fields of a network lie, per axis in pixels."""

    least: tuple[int, ...]
    """The most that a layer sees on its shortest way: of a smaller image, some look beyond it on every way."""
    most: tuple[int, ...]
    """The most that a layer sees at all: of a larger image, none sees the whole."""
    unlimited: str | None
    """The path of the first norm or gate by which a unit sees any image as a whole; `most` leaves them out."""


@dataclass(frozen=True, slots=True)
class Productive:
    """The predictions for every convolution with a kernel larger than 1, and the range of sizes."""

    input: str
    convolutions: tuple[Productivity, ...]
    range: Resolutions


_Number = int | Fraction
_Ways = Mapping[_Number, tuple[_Number, _Number]]
"""Per stride of the ways to a node: the smallest and the largest field."""


def productive(graph: Graph, fed: str | None = None) -> Productive:
    """Predict which convolutions are unproductive at the sizes of the image that the graph has.

    Of several inputs `fed` names the image; by default it is the first with positions.

    Raises:
        ValueError: a size is left open, or there is no such input with positions.
    """
    if graph.is_symbolic:
        raise ValueError("which layers are productive depends on the size of the image, and one is left open")
    maps = [name for name, node in graph.inputs.items() if node.output.spatial and fed in (None, name)]
    if not maps:
        raise ValueError(f"there is no input `{fed}` with positions" if fed else "no input has positions")
    image = graph.inputs[maps[0]]
    sizes = image.output.known[1:]
    pixel: _Ways = {1: (1, 1)}
    start = (pixel,) * len(sizes)
    ways: list[tuple[_Ways, ...]] = []
    found: list[Productivity] = []
    running: dict[int, tuple[_Ways, ...]] = {id(start): start}  # many nodes share one object
    unlimited: str | None = None
    for node in graph.nodes:
        if not node.inputs:
            ways.append(start if node is image else ())
            continue
        windows = nearby(graph, node)
        before = [ways[i] if reads is not None else () for i, reads in zip(node.inputs, windows, strict=True)]
        behind = [_read(old, reads) for old, reads in zip(before, windows, strict=True) if reads is not None]
        own = _merged([one for one in behind if one])
        ways.append(own)
        if node.index in graph.training_only or len(own) != len(sizes) or not all(own):
            continue
        running[id(own)] = own
        # What moves along every axis mixes nothing else, as convolutions do, and need not be asked.
        if (
            unlimited is None
            and any(reads is None or STAY in reads for reads in windows)
            and mixes_positions(graph, node)
        ):
            unlimited = node.path
        if isinstance(node.op, Conv) and max(node.op.kernel_size) > 1:
            found.append(_predicted(graph, node, before[0], own, sizes))
    return Productive(maps[0], tuple(found), _range(list(running.values()), unlimited))


def _read(old: tuple[_Ways, ...], reads: Nearby) -> tuple[_Ways, ...]:
    if len(old) != len(reads):
        return ()
    if all(one is STAY for one in reads):
        return old
    return tuple([_along(ways, one) for ways, one in zip(old, reads, strict=True)])


def _along(ways: _Ways, reads: Reads | None) -> _Ways:
    if reads is None:
        return {}
    reach = max([taps[-1] - taps[0] for taps in reads.taps if taps], default=0)
    found: dict[_Number, tuple[_Number, _Number]] = {}
    for stride, (least, most) in ways.items():
        more = reach * stride
        next_stride = stride * reads.shift
        if next_stride >= FARTHEST or most + more >= FARTHEST:
            return {}
        if len(reads.taps) > 1:
            next_stride = Fraction(next_stride) / len(reads.taps)
        found[next_stride] = least + more, most + more
    return found


def _merged(branches: list[tuple[_Ways, ...]]) -> tuple[_Ways, ...]:
    """Return the ways through any of several branches."""
    if not branches:
        return ()
    first = branches[0]
    for other in branches[1:]:
        if other is not first and len(other) == len(first):
            first = tuple([_both(mine, theirs) for mine, theirs in zip(first, other, strict=True)])
    return first


def _both(a: _Ways, b: _Ways) -> _Ways:
    found = dict(a)
    for stride, (least, most) in b.items():
        low, high = found.get(stride, (least, most))
        found[stride] = min(low, least), max(high, most)
    return found if len(found) <= MOST_STRIDES else {}


def _predicted(
    graph: Graph, node: Node, before: tuple[_Ways, ...], own: tuple[_Ways, ...], image: tuple[int, ...]
) -> Productivity:
    assert isinstance(node.op, Conv), "only convolutions are asked about"
    seen = tuple(map(_least, before))
    least = tuple(map(_least, own))
    most = tuple(map(_most, own))
    incoming = graph.types(node)[0].known[1:]
    beyond = [
        size <= old < new or 1 < reach >= map_size
        for size, old, new, reach, map_size in zip(image, seen, least, node.op.reaches, incoming, strict=True)
    ]
    prediction = Prediction.PRODUCTIVE
    if any(new > size for new, size in zip(least, image, strict=True)):
        prediction = Prediction.CRITICAL
    if any(beyond):
        prediction = Prediction.UNPRODUCTIVE if all(beyond) else Prediction.PARTLY
    return Productivity(node, seen, least, most, prediction)


def _least(ways: _Ways) -> int:
    """Return the smallest field; one behind a transposed convolution may be no whole number, and is rounded down."""
    return floor(min(low for low, _ in ways.values()))


def _most(ways: _Ways) -> int:
    return floor(max(high for _, high in ways.values()))


def _range(ways: list[tuple[_Ways, ...]], unlimited: str | None) -> Resolutions:
    axes = list(zip(*ways, strict=True))
    least = tuple([max(map(_least, axis)) for axis in axes])
    most = tuple([max(map(_most, axis)) for axis in axes])
    return Resolutions(least, most, unlimited)
