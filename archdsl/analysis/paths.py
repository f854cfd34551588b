"""How many paths lead from the inputs to the outputs, how long they are, and where a path changes no number.

A path follows the edges of the graph that evaluation runs. Each operand of an addition, a concatenation or a product is
a path of its own, and so is each reading where an op reads one tensor twice: the derivative of a product has one term
for each factor as well. Groups and channels are not looked at: a grouped convolution is one node, and a piece of a
split is a reading of the whole.

The derivative of an output is a sum with one term for each path. For n residual blocks y = x + F(x) it is the product
of I + ∂F/∂x over the blocks, where I is the identity and not x, and multiplied out it has 2^n terms.

A number of paths is structure. It says nothing about how much of a signal or gradient takes a path.

Source: Veit, Wilber & Belongie 2016, arXiv:1605.06431, section 3.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import sqrt
from typing import NamedTuple

from archdsl.graph import Graph, Node
from archdsl.ops import Add, Concat, Op, Storage
from archdsl.ops.activation import Activation, AlongAxis
from archdsl.ops.pad import Pad, PadChannels
from archdsl.ops.pool import Pool
from archdsl.ops.reshape import ChannelShuffle
from archdsl.ops.resize import PixelShuffle, PixelUnshuffle, Upsample

UNITS = {
    "layers": "weighted layers",
    "unprojected": "weighted layers (projections not counted)",
    "activations": "activations",
}
"""What a length may count. Weighted layers are convolutions, transposed convolutions and linear layers; the projection
of a shortcut is one, unless left out. Activations are the layers of that name, softmax among them."""

MOST_COUNTED = 2**32
"""Bits added up while the paths are counted."""
MOST_SPREAD = 2**30
"""Bits added up while the paths are counted by length."""
MOST_LENGTHS = 2**18
"""Lengths that are listed, over all pairs of an input and an output."""
MOST_VISITS = 2**17
"""Nodes visited from each input in turn, or along each stretch in turn."""


@dataclass(frozen=True, slots=True)
class Lengths:
    """A number of paths, at least one, and how long they are."""

    count: int
    shortest: int
    longest: int
    sum: int
    """The sum of the lengths."""
    squares: int
    """The sum of their squares."""
    histogram: tuple[int, ...] | None
    """How many paths are of each length, from the shortest to the longest: the coefficients of the polynomial in which
    a path of length n is the term t^n, from t^shortest on. `None` where they are too many to list."""

    @property
    def mean(self) -> Fraction:
        """The mean length."""
        return Fraction(self.sum, self.count)

    @property
    def sd(self) -> float:
        """The standard deviation of the lengths."""
        return sqrt((self.count * self.squares - self.sum**2) / self.count**2)


@dataclass(frozen=True, slots=True)
class LayerPaths:
    """The paths through one layer with learned tensors; a shared module has one such record for each call."""

    id: str
    shortest: int
    """The length of the shortest gradient path from an output back to it: what comes after it, itself not counted."""
    longest: int
    before: int
    """Paths from an input to it."""
    after: int
    """Paths from it to an output."""

    @property
    def through(self) -> int:
        """The paths from an input to an output that pass through it."""
        return self.before * self.after


@dataclass(frozen=True, slots=True)
class Stretch:
    """An identity path across at least one merge that cannot be continued: it leads from one node to a later one."""

    first: str
    last: str
    merges: int
    """The additions and concatenations on it."""
    past: int | None
    """The length of the longest path that leads from the first to the last as well: what it bypasses. `None` where
    there was no room to look."""


@dataclass(frozen=True, slots=True)
class Paths:
    """The paths of a network in evaluation."""

    unit: str
    """What a length counts: a key of `UNITS`."""
    inputs: tuple[str, ...]
    """Those that an output depends on."""
    outputs: tuple[str, ...]
    total: Lengths | None
    """All paths from an input to an output; `None` where evaluation has no output."""
    between: Mapping[tuple[str, str], Lengths]
    """By input and output, where there is a path; empty where there are too many inputs for that."""
    layers: tuple[LayerPaths, ...]
    """In order of running; those from which no output is reached are not among them."""
    identity: tuple[str, ...]
    """The inputs and the layers with learned tensors from which an identity path leads to an output.

    Along an identity path every op hands on copies and sums of copies, so that its derivative is a matrix of zeros and
    ones whatever the input is: additions, concatenations, splits, crops, pads, flattening, shuffles, dropout, nearest
    upsampling, and pools of one position. A norm, a product or a pool of several positions is none of them.
    """
    stretches: tuple[Stretch, ...]
    """The identity paths inside, in order of their ends."""


def paths(graph: Graph, *, unit: str = "layers") -> Paths:
    """Return the paths of a network in evaluation, with lengths in one of `UNITS`.

    Sizes may be left open. Numbers are exact.

    Raises:
        ValueError: the unit is unknown, or there are so many paths that counting them takes too long.
    """
    if unit not in UNITS:
        raise ValueError(f"a length counts {', '.join(UNITS)}, not {unit!r}")
    outputs = {name: node for name, node in graph.outputs.items() if name not in graph.training_outputs}
    run = _needed(graph, list(outputs.values()))
    steps = _steps(graph, run, unit)
    kept = {node.index for node in run}
    sources = {name: [node.index] for name, node in graph.inputs.items() if node.index in kept}
    inputs = tuple(sources)
    apart = len(sources) * len(run) <= MOST_VISITS
    if not apart:
        sources = {"": [i for (i,) in sources.values()]}
    counter = _Counter(graph, run, steps)
    between = {
        (name, output): lengths
        for name, starts in sources.items()
        for output, lengths in counter.lengths(starts, outputs).items()
    }
    reaching, stretches = _identities(graph, run, steps, {node.index for node in outputs.values()})
    return Paths(
        unit,
        inputs,
        tuple(outputs),
        _sum(list(between.values())) if between else None,
        between if apart else {},
        _layers(graph, run, steps, counter.before, [node.index for node in outputs.values()]),
        tuple(graph.nodes[i].id for i in sorted(reaching)),
        stretches,
    )


def _needed(graph: Graph, outputs: list[Node]) -> list[Node]:
    """Return the nodes that the outputs depend on, in order."""
    needed = {node.index for node in outputs}
    for node in reversed(graph.nodes):
        if node.index in needed:
            needed.update(node.inputs)
    return [node for node in graph.nodes if node.index in needed]


# What counts.


def _steps(graph: Graph, run: list[Node], unit: str) -> list[int]:
    """Return what each node adds to a length."""
    steps = [0] * len(graph.nodes)
    counts = is_activation if unit == "activations" else is_weighted
    for node in run:
        steps[node.index] = int(counts(node.op))
    if unit == "unprojected":
        for index in _projections(graph, run):
            steps[index] = 0
    return steps


def is_weighted(op: Op) -> bool:
    """Tell whether an op multiplies by learned weights: the layers whose multiply-adds are counted."""
    kind = type(op)
    return kind.macs is not Op.macs and kind.weights is not Op.weights


def is_activation(op: Op) -> bool:
    """Tell whether an op is an activation."""
    return isinstance(op, Activation | AlongAxis)


def is_identity(op: Op) -> bool:
    """Tell whether all that an op gives is copies of what it reads, sums of such copies, and zeros."""
    if op.storage is not Storage.NEW or isinstance(op, _COPYING):
        return True
    if isinstance(op, Pool):
        return set(op.kernel_size) == {1} and getattr(op, "divisor_override", None) in (None, 1)
    return isinstance(op, Upsample) and op.mode.startswith("nearest")


_COPYING = (Add, Concat, Pad, PadChannels, ChannelShuffle, PixelShuffle, PixelUnshuffle)


def _projections(graph: Graph, run: list[Node]) -> list[int]:
    """Return the projections of shortcuts.

    An operand of an addition is a shortcut if no activation and no merge stands between it and a tensor that something
    else reads too. If there is one weighted layer in between, of kernel size 1, that is a projection. At least one
    operand must be no shortcut.
    """
    readers = Counter(i for node in run for i in node.inputs)
    found: list[int] = []
    for node in run:
        if isinstance(node.op, Add):
            shortcuts = [_shortcut(graph.nodes, readers, i) for i in node.inputs]
            if None in shortcuts:
                found += [layers[0] for layers in shortcuts if layers]
    return found


def _shortcut(nodes: list[Node], readers: Counter[int], index: int) -> list[int] | None:
    """Return the weighted layers between an operand and a tensor that is read more than once; `None` for a branch."""
    layers: list[int] = []
    while readers[index] == 1:
        node = nodes[index]
        if is_activation(node.op) or len(node.inputs) != 1:
            return None
        if is_weighted(node.op):
            if layers or any(size != 1 for size in getattr(node.op, "kernel_size", ())):
                return None
            layers.append(index)
        index = node.inputs[0]
    return layers


# How many, and how long.


class _Tally(NamedTuple):
    """The paths that end at a node."""

    number: int
    shortest: int
    longest: int
    sum: int
    squares: int

    def longer(self) -> _Tally:
        """Return the same paths with one step more."""
        number, shortest, longest, first, second = self
        return _Tally(number, shortest + 1, longest + 1, first + number, second + 2 * first + number)


_START = _Tally(1, 0, 0, 0, 0)


def _joined(tallies: Sequence[_Tally]) -> _Tally:
    if len(tallies) == 1:
        return tallies[0]
    counts, shortest, longest, sums, squares = zip(*tallies, strict=True)
    return _Tally(sum(counts), min(shortest), max(longest), sum(sums), sum(squares))


def _sum(lengths: list[Lengths]) -> Lengths:
    """Return the paths of several pairs together."""
    if len(lengths) == 1:
        return lengths[0]
    whole = _joined([_Tally(one.count, one.shortest, one.longest, one.sum, one.squares) for one in lengths])
    counts: list[int] | None = [0] * (whole.longest - whole.shortest + 1)
    for one in lengths:
        if one.histogram is None or counts is None:
            counts = None
            break
        for length, count in enumerate(one.histogram, one.shortest - whole.shortest):
            counts[length] += count
    return Lengths(*whole, None if counts is None else tuple(counts))


class _Counter:
    """Counts the paths from some inputs at a time, while there is room for it."""

    def __init__(self, graph: Graph, run: list[Node], steps: list[int]) -> None:
        self.nodes = graph.nodes
        self.run = run
        self.steps = steps
        self.before = [0] * len(graph.nodes)
        """Paths to each node, from all inputs so far."""
        self.room = MOST_COUNTED
        self.spread = MOST_SPREAD
        self.listed = MOST_LENGTHS
        self.last = {i: node.index for node in run for i in node.inputs}
        """The last reader of each node."""

    def lengths(self, starts: list[int], outputs: Mapping[str, Node]) -> dict[str, Lengths]:
        """Return the paths from the inputs `starts` to each output that they reach."""
        tallies = self._tallies(starts)
        ends = {name: node.index for name, node in outputs.items() if node.index in tallies}
        counts = self._histograms(tallies, set(ends.values()))
        return {name: Lengths(*tallies[i], counts[i] if counts else None) for name, i in ends.items()}

    def _tallies(self, starts: list[int]) -> dict[int, _Tally]:
        tallies = dict.fromkeys(starts, _START)
        for node in self.run:
            read = [tallies[i] for i in node.inputs if i in tallies]
            if read:
                tally, step = _joined(read), self.steps[node.index]
                tallies[node.index] = tally.longer() if step else tally
                self._count(node, tally.number.bit_length(), len(read) - 1 + step)
        for index, tally in tallies.items():
            self.before[index] = _plus(self.before[index], tally.number)
        return tallies

    def _count(self, node: Node, bits: int, additions: int) -> None:
        """Take the work of a few additions, each of three numbers, out of the room that is left."""
        self.room -= 3 * bits * additions
        if self.room < 0:
            raise ValueError(f"at least 2^{bits - 1} paths lead to {node.id}, and more are too many to count")

    def _histograms(self, tallies: dict[int, _Tally], ends: set[int]) -> dict[int, tuple[int, ...]] | None:
        """Return the paths to each end by length; `None` where that takes too much room.

        A polynomial is one whole number: its coefficients lie next to each other, each in so many bytes that none runs
        over, and the lowest power is left out, so that a layer costs nothing and a merge is one addition.
        """
        width = max([tallies[i].number.bit_length() for i in ends], default=0) // 8 + 1
        if not self._affords(tallies, ends, width):
            return None
        packed = dict.fromkeys((i for i in tallies if not self.nodes[i].inputs), 1)
        found: dict[int, tuple[int, ...]] = {}
        for node in self.run:
            index = node.index
            read = [i for i in node.inputs if i in packed]
            if read:
                low = min([tallies[i].shortest for i in read])
                packed[index] = sum([packed[i] << 8 * width * (tallies[i].shortest - low) for i in read])
            if index in ends and index in packed:
                found[index] = _unpacked(packed[index], tallies[index], width)
            for i in {*node.inputs}:
                if self.last[i] == index:
                    packed.pop(i, None)
        return found

    def _affords(self, tallies: dict[int, _Tally], ends: set[int], width: int) -> bool:
        """Take the work that the histograms will make out of the room that is left."""
        merges = [node for node in self.run if len(node.inputs) > 1 and node.index in tallies]
        spans = [len(node.inputs) * (tallies[node.index].longest - tallies[node.index].shortest + 1) for node in merges]
        self.spread -= 8 * width * sum(spans)
        self.listed -= sum([tallies[i].longest - tallies[i].shortest + 1 for i in ends])
        return self.spread >= 0 and self.listed >= 0


def _unpacked(packed: int, tally: _Tally, width: int) -> tuple[int, ...]:
    size = width * (tally.longest - tally.shortest + 1)
    data = packed.to_bytes(size, "little")
    return tuple([int.from_bytes(data[i : i + width], "little") for i in range(0, size, width)])


# From the outputs back.


def _layers(
    graph: Graph, run: list[Node], steps: list[int], before: list[int], outputs: list[int]
) -> tuple[LayerPaths, ...]:
    """Return the paths through every node with learned tensors."""
    after = [0] * len(graph.nodes)
    shortest: dict[int, int] = {}
    longest: dict[int, int] = {}
    for index in outputs:
        after[index] += 1
        shortest[index] = longest[index] = 0
    for node in reversed(run):
        index = node.index
        step = steps[index]
        low, high = shortest[index] + step, longest[index] + step
        for i in node.inputs:
            after[i] = _plus(after[i], after[index])
            shortest[i] = min(shortest.get(i, low), low)
            longest[i] = max(longest.get(i, high), high)
    return tuple(
        LayerPaths(node.id, shortest[node.index], longest[node.index], before[node.index], after[node.index])
        for node in run
        if _learns(graph, node)
    )


def _plus(a: int, b: int) -> int:
    """Return a sum that is the same object where it can be: a chain of nodes shares one large number."""
    return a + b if a and b else a or b


def _learns(graph: Graph, node: Node) -> bool:
    """Tell whether a node has learned tensors, its own or those of an earlier call."""
    return node.op.stateful and bool(node.op.weights(*graph.types(node)))


# Where nothing changes.


def _identities(
    graph: Graph, run: list[Node], steps: list[int], outputs: set[int]
) -> tuple[list[int], tuple[Stretch, ...]]:
    """Return from where an identity path leads to an output, and the identity paths inside."""
    copies = [node for node in run if node.inputs and is_identity(node.op)]
    reaching = set(outputs)
    goes_on: set[int] = set()
    for node in reversed(copies):
        goes_on.update(node.inputs)
        if node.index in reaching:
            reaching.update(node.inputs)
    # The merges on the longest identity path to a node, and where it begins; of several, the first.
    best = {node.index: (0, node.index) for node in run}
    for node in copies:
        merges, first = max([best[i] for i in node.inputs], key=lambda found: (found[0], -found[1]))
        best[node.index] = (merges + (len(node.inputs) > 1), first)
    ends = [(best[node.index], node.index) for node in copies if best[node.index][0] and node.index not in goes_on]
    room = MOST_VISITS
    stretches: list[Stretch] = []
    for (merges, first), last in ends:
        room -= last - first
        past = _longest(graph.nodes, steps, first, last) if room >= 0 else None
        stretches.append(Stretch(graph.nodes[first].id, graph.nodes[last].id, merges, past))
    named = [node.index for node in run if node.index in reaching and (not node.inputs or _learns(graph, node))]
    return named, tuple(stretches)


def _longest(nodes: list[Node], steps: list[int], first: int, last: int) -> int:
    """Return the length of the longest path from one node to a later one."""
    longest = {first: 0}
    for node in nodes[first + 1 : last + 1]:
        read = [longest[i] for i in node.inputs if i in longest]
        if read:
            longest[node.index] = max(read) + steps[node.index]
    return longest[last]
