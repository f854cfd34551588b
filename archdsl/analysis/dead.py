"""Work that nothing reads: followed back from the outputs of evaluation, position by position, all channels together.

A position of a map is *live* if an output depends on it: if one of its channels is read for a live position of another
map, or is put out. What is not live is computed for nothing, and so are the multiply-adds for it. That a position is
dead is certain. That all live ones are read is exact except behind a piece of a split, a shuffle of positions, axes
that were merged or split, and where the work would be too large: there more may be dead than is said. Channels that
nobody reads, as a piece of a split that is dropped, are not looked for.

All is as in evaluation. In training a batch norm takes its mean over all positions, and reads dead ones too.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from math import prod

from archdsl.analysis.live_sets import ALL, STEP, Box, Room, TooLarge, counted, measured, read, united
from archdsl.analysis.macs import macs
from archdsl.analysis.moved_strides import Rewrite, moved_strides
from archdsl.analysis.support import is_exact
from archdsl.graph import Graph, Node
from archdsl.ops import SAME, Op, Reads, Storage, Window
from archdsl.ops.conv import ConvTranspose
from archdsl.tensors import TensorType


@dataclass(frozen=True, slots=True)
class Live:
    """What is read of one node."""

    node: Node
    boxes: tuple[Box, ...]
    """The live positions: a union of products of masks as in `live_sets.py`; none where nothing is read."""
    live: int
    positions: int
    """Of one channel; a vector has one."""
    macs: int
    dead_macs: int
    exact: bool
    """Whether all live positions are read; else nothing beside them is."""

    @property
    def dead(self) -> int:
        """The positions that nothing reads."""
        return self.positions - self.live

    @property
    def dead_activations(self) -> int:
        """The numbers that nothing reads, over all channels."""
        return self.dead * self.node.output.channels

    def along(self, axis: int) -> int:
        """Return the mask of the rows, or what the axis has, of which anything is read."""
        seen = 0
        for box in self.boxes:
            seen |= box[axis]
        return seen


@dataclass(frozen=True, slots=True)
class DeadWork:
    """What evaluation computes for one sample though nothing reads it."""

    nodes: tuple[Live, ...]
    """What evaluation runs, in order; the inputs are among them."""
    inputs: dict[str, Live]
    macs: int
    dead_macs: int
    activations: int
    """Numbers that layers compute; a reshaped, cut or dropped-out tensor is the same numbers again and not counted."""
    dead_activations: int
    rewrites: tuple[Rewrite, ...]
    """Strides that may move to an earlier layer, and the network computes the same with less work."""
    exact: bool
    """Whether all that is dead was found."""

    @property
    def live_macs(self) -> int:
        return self.macs - self.dead_macs


def dead_work(graph: Graph) -> DeadWork:
    """Return which positions of every map nothing reads in evaluation, and the multiply-adds spent on them.

    A layer's dead multiply-adds are its share of dead output positions, which all cost the same; those of a transposed
    convolution are the products that land on dead positions.

    Raises:
        ValueError: a size is left open.
    """
    if graph.is_symbolic:
        raise ValueError("which positions are read depends on sizes that are left open: give the input a size")
    found = _Sweep(graph).run()
    layers = [one for one in found if one.node.inputs]
    stored = [one for one in layers if one.node.op.storage is Storage.NEW]
    by_index = {one.node.index: one for one in found}
    dead = any(one.live != one.positions for one in found)
    return DeadWork(
        tuple(found),
        {name: by_index[node.index] for name, node in graph.inputs.items() if node.index in by_index},
        sum([one.macs for one in layers]),
        sum([one.dead_macs for one in layers]),
        sum([one.positions * one.node.output.channels for one in stored]),
        sum([one.dead_activations for one in stored]) if dead else 0,
        moved_strides(graph) if dead else (),
        all(one.exact for one in found),
    )


class _Sweep:
    """One walk from the outputs back; each node's readers have been before it."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.room = Room()
        self.known: dict[tuple[Reads, int, int, int, str], int] = {}
        self.pending: list[list[Box]] = [[] for _ in graph.nodes]
        self.doubtful = [False] * len(graph.nodes)
        """Whether more may be dead of a node than is found."""

    def run(self) -> list[Live]:
        graph, found, costs = self.graph, list[Live](), macs(self.graph)
        for name, node in graph.outputs.items():
            if name not in graph.training_outputs:
                self.pending[node.index].append((ALL,) * len(node.output.spatial))
        for node in reversed(graph.nodes):
            index = node.index
            if index in graph.training_only:
                continue
            boxes, live, dead_macs = self._live(node, costs[index])
            self.pending[index] = []
            if boxes and node.inputs:
                self._read(node, boxes)
            exact = not self.doubtful[index]
            positions = prod(node.output.known[1:])
            found.append(Live(node, boxes, live, positions, costs[index], dead_macs, exact))
        return found[::-1]

    def _live(self, node: Node, cost: int) -> tuple[tuple[Box, ...], int, int]:
        """Return what is read of a node, how many positions that is, and the multiply-adds for the others."""
        boxes, sizes = self.pending[node.index], node.output.known[1:]
        if not boxes:
            return (), 0, cost
        whole = (ALL,) * len(sizes)
        if whole not in boxes:
            try:
                kept = united(boxes, sizes, self.room)
                live = _positions(kept, sizes, self.room)
                return kept, live, self._dead_macs(node, cost, kept, prod(sizes) - live)
            except TooLarge:
                self.doubtful[node.index] = True
        return (whole,), prod(sizes), 0

    def _dead_macs(self, node: Node, cost: int, boxes: tuple[Box, ...], dead: int) -> int:
        if not cost or not dead:
            return 0
        if isinstance(node.op, ConvTranspose):
            return cost - self._landing(node, cost, boxes)
        return cost * dead // prod(node.output.known[1:])

    def _landing(self, node: Node, cost: int, boxes: tuple[Box, ...]) -> int:
        """Return the multiply-adds of a transposed convolution but for those that land on dead positions.

        It multiplies every input position with every weight; the products beyond the border, which the padding cuts
        off, belong to no position and are not called dead.
        """
        (source,) = self.graph.types(node)
        window = node.op.window((source,), node.output)
        assert isinstance(window, tuple), "a transposed convolution reads a window along each axis"
        axes = [
            _Landing(reads, units, size, self.room)
            for reads, units, size in zip(window, node.output.known[1:], source.known[1:], strict=True)
            if reads is not None
        ]
        products = prod([axis.products for axis in axes])
        every = prod([axis.weight(ALL) for axis in axes])
        landing = measured(boxes, [axis.weight for axis in axes], self.room)
        return cost // products * (products - every + landing)

    def _read(self, node: Node, boxes: tuple[Box, ...]) -> None:
        """Note what a node reads of its inputs for its live positions."""
        types = self.graph.types(node)
        windows = node.op.windows(types, node.output)
        doubtful = self.doubtful[node.index] or not is_exact(node)
        for i, source, window in zip(node.inputs, types, windows, strict=True):
            if doubtful:
                self.doubtful[i] = True
            if window is SAME and len(source.shape) == len(node.output.shape):
                self.pending[i].extend(boxes)
                continue
            whole = (ALL,) * len(source.spatial)
            if not isinstance(window, tuple) or whole in self.pending[i]:
                self.pending[i].append(whole)
                continue
            try:
                seen = [self._through(window, box, node, source) for box in boxes]
                self.pending[i].extend([box for box in seen if 0 not in box])
            except TooLarge:
                self.doubtful[i] = True
                self.pending[i].append(whole)
            if None in window:
                self.doubtful[i] = True

    def _through(self, window: Window, box: Box, node: Node, source: TensorType) -> Box:
        assert isinstance(window, tuple), "the caller deals with reads that need no table"
        axes = zip(window, box, node.output.known[1:], source.known[1:], strict=True)
        return tuple([self._axis(reads, mask, units, size, node.op) for reads, mask, units, size in axes])

    def _axis(self, reads: Reads | None, mask: int, units: int, size: int, op: Op) -> int:
        if reads is None:
            return ALL
        key = reads, mask, units, size, op.border
        seen = self.known.get(key)
        if seen is None:
            seen = self.known[key] = read(reads, mask, units, size, op.border, self.room)
        return seen


def _positions(boxes: tuple[Box, ...], sizes: tuple[int, ...], room: Room) -> int:
    room.spend(sum(mask.bit_length() for box in boxes for mask in box) // 8)
    if len(boxes) == 1:
        return prod(map(counted, boxes[0], sizes))
    return measured(boxes, [partial(counted, size=size) for size in sizes], room)


@dataclass(frozen=True, slots=True)
class _Landing:
    """Along one axis, which products of input positions and weights land on which outputs."""

    reads: Reads
    units: int
    size: int
    room: Room

    @property
    def products(self) -> int:
        """All of them, those among them that land beyond the border."""
        return self.size * sum(map(len, self.reads.taps))

    def weight(self, mask: int) -> int:
        """Return how many land on the outputs of a mask."""
        if mask < 0:
            return self._on(None) - (self._on(~mask) if mask != ALL else 0)
        return self._on(mask)

    def _on(self, mask: int | None) -> int:
        phases, total = len(self.reads.taps), 0
        word = "" if mask is None else f"{mask:b}"[::-1]
        for phase, taps in enumerate(self.reads.taps[: self.units]):
            count = -(-(self.units - phase) // phases)
            self.room.spend(len(taps) * ((0 if mask is None else count // 32) + STEP))
            some = 0 if mask is None else int(word[phase::phases][::-1] or "0", 2)
            for tap in taps:
                low, high = max(0, -tap), min(count, self.size - tap)
                if low < high:
                    total += high - low if mask is None else (some >> low & (1 << (high - low)) - 1).bit_count()
        return total
