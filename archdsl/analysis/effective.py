"""Where in the input the weight of a unit's receptive field lies: its mean and variance along each axis.

The model is a linear one of even weights. A unit is the mean of what its window reads, over positions and channels; so
is the result of a maximum pool. Norms and activations hand their input on. Where branches meet, all have gain one: an
addition or a product sums its operands, a concatenation counts each by its share of the channels, and `scale` alone
multiplies a gain. A transposed convolution weighs all its taps alike, so that units with more of them get more; a
linear interpolation has the weights that it has. The gradient of a unit is then a distribution over input positions.

For each unit this is exact to 40 digits, on an infinite plane: borders cut nothing off. Units at different phases of an
upsampling differ, and each phase has its own entry. Each axis is taken as if it were the only one; with several, the
distribution is another where a transposed convolution whose stride does not divide its kernel meets a second branch.
Pieces of a split count as the whole. What reads a whole map, such as a global pool, a gate or the statistics of a norm,
has no place in the plane and is left out.

With random weights of mean zero and no scale or interpolation, the squares of the gradients follow this distribution on
average. It says nothing about a trained network, whose fields are larger, nor about which branch weighs more in one.

Source: Luo, Li, Urtasun & Zemel 2016, arXiv:1701.04128, section 3.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, localcontext
from fractions import Fraction
from math import gcd, lcm, sqrt
from typing import NamedTuple

from archdsl.analysis.fields import FARTHEST
from archdsl.graph import Graph, Node
from archdsl.ops import FLAT, SAME, WHOLE, Concat, Op, Reads, Scale, Window
from archdsl.ops.base import Elementwise
from archdsl.ops.conv import ConvTranspose
from archdsl.ops.pad import PadChannels
from archdsl.ops.resize import LINEAR, Upsample
from archdsl.tensors import TensorType

DIGITS = 40
"""Significant digits of all numbers."""
MOST_WORK = 2**16
"""Taps and phases that are looked at one by one; where they run out, an axis is left open."""


class Moments(NamedTuple):
    """The distribution of one unit over the positions of an input, along one axis."""

    mass: Decimal
    """What reaches the unit from all positions together: in a network without scales the number of paths."""
    mean: Decimal
    """The position in the middle, in input pixels from the first."""
    variance: Decimal

    @property
    def sd(self) -> float:
        """The standard deviation, in input pixels."""
        return sqrt(self.variance)


@dataclass(frozen=True, slots=True, eq=False)
class Spread:
    """The distributions along one axis: unit `o + len(phases)` has that of unit `o`, moved by `shift`."""

    shift: int
    phases: tuple[Moments | None, ...]
    """`None` for a unit that nothing reaches."""

    def at(self, unit: int) -> Moments | None:
        """Return the distribution of a unit."""
        turns, phase = divmod(unit, len(self.phases))
        found = self.phases[phase]
        if found is None or not turns:
            return found
        return Moments(found.mass, found.mean + turns * self.shift, found.variance)

    @property
    def widest(self) -> Moments | None:
        """The distribution of the largest variance over the phases."""
        return max(filter(None, self.phases), key=lambda found: found.variance, default=None)


@dataclass(frozen=True, slots=True, eq=False)
class Effective:
    """What the units of a node see of one input, along each axis of that input.

    An axis is `None` where branches of different strides meet, where the weights of a bicubic interpolation are partly
    negative, or where it takes a size that is left open. There are no axes for a vector, or where everything comes
    through layers that read a whole map.
    """

    axes: tuple[Spread | None, ...]
    partial: bool = False
    """Whether something was left out that has no place in the plane."""


EffectiveFields = dict[str, Effective]
"""By input of the network; an input that is not seen is not there."""

_NOWHERE = Effective((), partial=True)
_ONE, _TWELVE = Decimal(1), Decimal(12)
_PIXEL = Spread(1, (Moments(_ONE, Decimal(0), Decimal(0)),))


def effective_fields(graph: Graph) -> list[EffectiveFields]:
    """Return the distributions of every node, in the order of the nodes."""
    with localcontext(Context(prec=DIGITS, Emax=MAX_EMAX, Emin=MIN_EMIN)):
        return _Pass(graph).run()


class _Pass:
    """One walk; axes that are alike share one `Spread`, so that equal work is done once."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.room = MOST_WORK

    def run(self) -> list[EffectiveFields]:
        names = {node.index: name for name, node in self.graph.inputs.items()}
        found: list[EffectiveFields] = []
        for node in self.graph.nodes:
            if node.inputs:
                found.append(self._of(node, found))
            else:
                found.append({names[node.index]: Effective((_PIXEL,) * len(node.output.spatial))})
        return found

    def _of(self, node: Node, found: list[EffectiveFields]) -> EffectiveFields:
        types = self.graph.types(node)
        windows = node.op.windows(types, node.output)
        gains = _gains(node.op, types, node.output)
        if len(types) == 1 and gains[0] == 1:
            seen, window = found[node.inputs[0]], windows[0]
            return seen if window is SAME else {n: self._read(old, window, node, types[0]) for n, old in seen.items()}
        routes: defaultdict[str, list[tuple[Decimal, Effective]]] = defaultdict(list)
        for i, source, window, gain in zip(node.inputs, types, windows, gains, strict=True):
            for name, old in found[i].items():
                routes[name].append((gain, self._read(old, window, node, source)))
        return {name: self._merged(parts) for name, parts in routes.items()}

    def _read(self, old: Effective, window: Window, node: Node, source: TensorType) -> Effective:
        """Return what units see that read units of `old` through a window."""
        if window is SAME:
            return old
        if isinstance(node.op, Elementwise):  # statistics come from everywhere, an element from its own place
            return replace(old, partial=True)
        if window is WHOLE and all(isinstance(size, int) and size == 1 for size in source.spatial):
            if not node.output.spatial or node.output.spatial == source.spatial:
                return old
            return replace(old, axes=tuple([spread and Spread(0, (spread.at(0),)) for spread in old.axes]))
        if window is WHOLE or window is FLAT or len(window) != len(old.axes):  # type: ignore[arg-type]  # no `Reach` left
            return _NOWHERE
        assert isinstance(window, tuple), "the reads without a table are dealt with above"
        axes = list[Spread | None]()
        for i, (spread, reads) in enumerate(zip(old.axes, window, strict=True)):
            alike = i > 0 and spread is old.axes[0] and reads == window[0]
            axes.append(axes[0] if alike else self._through(spread, reads, node.op))
        return Effective(tuple(axes), old.partial)

    def _through(self, old: Spread | None, reads: Reads | None, op: Op) -> Spread | None:
        if old is None or reads is None or (isinstance(op, Upsample) and op.mode == "bicubic"):
            return None
        period, turn = len(old.phases), len(reads.taps)
        repeats = period // gcd(period, reads.shift)
        shift = reads.shift * repeats * old.shift // period
        if shift > FARTHEST or not self._affords(repeats * (turn if period == 1 else sum(map(len, reads.taps)))):
            return None
        even = _overlaps(reads) if isinstance(op, ConvTranspose) else [_ONE] * turn
        phases: list[Moments | None] = []
        for unit in range(turn * repeats):
            turns, phase = divmod(unit, turn)
            taps, start = reads.taps[phase], turns * reads.shift
            if period == 1 and not (isinstance(op, Upsample) and op.mode in LINEAR):
                phases.append(_window(old, start, taps, even[phase]))
            else:
                weights = _weights(op, reads, phase)
                parts = [(weight, old.at(start + tap)) for weight, tap in zip(weights, taps, strict=True)]
                phases.append(_mixed(parts, even[phase]))
        return Spread(shift, tuple(phases))

    def _merged(self, parts: list[tuple[Decimal, Effective]]) -> Effective:
        """Return the mixture of what comes in by several routes."""
        placed = [(gain, one) for gain, one in parts if one.axes]
        partial = any(one.partial for _, one in parts)
        if len({len(one.axes) for _, one in placed}) != 1:
            return Effective((), partial or bool(placed))
        if len(placed) == 1 and placed[0][0] == 1:
            return replace(placed[0][1], partial=partial)
        axes = list[Spread | None]()
        for i in range(len(placed[0][1].axes)):
            alike = i > 0 and all(one.axes[i] is one.axes[0] for _, one in placed)
            axes.append(axes[0] if alike else self._joined([(gain, one.axes[i]) for gain, one in placed]))
        return Effective(tuple(axes), partial)

    def _joined(self, parts: Sequence[tuple[Decimal, Spread | None]]) -> Spread | None:
        spreads = [spread for _, spread in parts if spread is not None]
        if len(spreads) < len(parts) or len({Fraction(one.shift, len(one.phases)) for one in spreads}) != 1:
            return None
        period = lcm(*[len(one.phases) for one in spreads])
        if not self._affords(period * len(parts) if period > 1 else 0):
            return None
        units = [
            [(gain, one.at(unit)) for (gain, _), one in zip(parts, spreads, strict=True)] for unit in range(period)
        ]
        first = spreads[0]
        return Spread(first.shift * (period // len(first.phases)), tuple([_mixed(unit) for unit in units]))

    def _affords(self, work: int) -> bool:
        """Take work of several phases out of the room that is left."""
        if work <= 1:
            return True
        self.room -= work
        return self.room > 0


def _gains(op: Op, types: tuple[TensorType, ...], output: TensorType) -> list[Decimal]:
    """Return what each operand is multiplied by, as the mean over the channels of the output."""
    if isinstance(op, Concat | PadChannels):
        return [Decimal(x.channels) / output.channels for x in types]
    if isinstance(op, Scale):
        return [abs(Decimal(op.factor))]
    return [_ONE] * len(types)


def _overlaps(reads: Reads) -> list[Decimal]:
    """Return the gain of each phase of a transposed convolution; their mean is one."""
    every = sum(map(len, reads.taps))
    return [Decimal(len(taps) * len(reads.taps)) / every for taps in reads.taps]


def _weights(op: Op, reads: Reads, phase: int) -> list[Decimal]:
    """Return how much each tap of a phase counts; they sum to one."""
    taps = reads.taps[phase]
    if len(taps) == 2 and isinstance(op, Upsample) and op.mode in LINEAR:
        # The two are weighed so that their mean is the place between them that is asked for.
        step, half = Fraction(reads.shift, len(reads.taps)), Fraction(1, 2)
        place = phase * step if op.align_corners else (phase + half) * step - half
        part = place - taps[0]
        after = Decimal(part.numerator) / part.denominator
        return [1 - after, after]
    return [_ONE / len(taps)] * len(taps) if taps else []


def _window(old: Spread, start: int, taps: range, gain: Decimal) -> Moments | None:
    """Return the mean of evenly spaced units that differ in their place alone."""
    source = old.phases[0]
    if source is None or not taps:
        return None
    middle = start + Decimal(taps[0] + taps[-1]) / 2
    spread = Decimal(taps.step**2 * (len(taps) ** 2 - 1)) / _TWELVE
    mass, mean, variance = source
    return Moments(mass * gain, mean + middle * old.shift, variance + spread * old.shift**2)


def _mixed(parts: Sequence[tuple[Decimal, Moments | None]], gain: Decimal = _ONE) -> Moments | None:
    """Return a mixture of distributions, each by its weight and mass."""
    there = [(weight * one.mass, one) for weight, one in parts if one is not None and weight]
    mass = sum([share for share, _ in there], Decimal(0))
    if not mass:
        return None
    mean = sum([share * one.mean for share, one in there], Decimal(0)) / mass
    variance = sum([share * (one.variance + (one.mean - mean) ** 2) for share, one in there], Decimal(0)) / mass
    return Moments(mass * gain, mean, variance)
