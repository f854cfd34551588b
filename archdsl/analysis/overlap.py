"""How many taps of a kernel meet in each position: where the numbers differ, a pattern as of a checkerboard arises.

Forward, an output of a transposed convolution sums as many taps as land on it, which depends on its residue modulo the
stride. Backward, an input of a strided convolution or pooling gets gradient from as many windows as read it. Both are
counted away from the borders. An average pooling sends gradient to all that it reads; a maximum to one of them, so
there the counts say how many windows might.

Source: Odena, Dumoulin & Olah 2016, "Deconvolution and Checkerboard Artifacts", Distill.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from math import prod

from archdsl.graph import Graph, Node
from archdsl.ops import Reads
from archdsl.ops.conv import Conv, ConvTranspose
from archdsl.ops.pool import Pool


@dataclass(frozen=True, slots=True)
class Overlap:
    """The taps that meet in the positions of one period, per axis, from position 0 on."""

    node: Node
    backward: bool
    """Whether the positions are those of the input, and the taps those that send gradient there."""
    counts: tuple[tuple[int, ...], ...]

    @property
    def is_even(self) -> bool:
        """Whether all positions of the period get as many taps."""
        return all(len(set(axis)) == 1 for axis in self.counts)

    @property
    def together(self) -> tuple[int, ...]:
        """How many taps meet over all axes: the different products, the largest first. 3×3 with stride 2: 4, 2, 1."""
        return tuple(sorted({prod(each) for each in product(*map(set, self.counts))}, reverse=True))


def overlaps(graph: Graph) -> tuple[Overlap, ...]:
    """Return the overlap of every transposed convolution, strided convolution and strided pooling that runs."""
    found: list[Overlap] = []
    for node in graph.nodes:
        if node.index in graph.training_only or not isinstance(node.op, ConvTranspose | Conv | Pool):
            continue
        window = node.op.window(graph.types(node), node.output)
        assert isinstance(window, tuple), "what slides has a window per axis"
        reads = [one for one in window if one is not None]
        if isinstance(node.op, ConvTranspose):
            if any(len(one.taps) > 1 for one in reads):
                found.append(Overlap(node, False, tuple(map(forward, reads))))
        elif any(one.shift > 1 for one in reads):
            found.append(Overlap(node, True, tuple(map(backward, reads))))
    return tuple(found)


def forward(reads: Reads) -> tuple[int, ...]:
    """Return how many taps land on the outputs of one period: those of a stride."""
    return tuple(map(len, reads.taps))


def backward(reads: Reads) -> tuple[int, ...]:
    """Return how many windows read the inputs of one period: those of a stride."""
    counts = [0] * reads.shift
    for taps in reads.taps:
        # Taps a whole number of strides apart fall on one residue; `turn` of them come round.
        turn = min(len(taps), reads.shift)
        for i in range(turn):
            counts[taps[i] % reads.shift] += (len(taps) - 1 - i) // reads.shift + 1
    return tuple(counts)
