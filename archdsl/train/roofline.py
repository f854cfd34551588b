"""The least time that a training step takes on a device: for each layer its arithmetic or its bytes, what is slower.

Williams, Waterman & Patterson 2009, doi:10.1145/1498765.1498785. Layers are taken to run one after another, each with
its inputs read from memory and its results written there. A compiler that fuses layers, or a cache that holds a whole
tensor, may therefore be faster; kernels that run one by one are not.
"""

from __future__ import annotations

from dataclasses import dataclass

from archdsl.analysis.macs import macs
from archdsl.analysis.saved import FULL, Tape, tape
from archdsl.graph import Graph, Node
from archdsl.ops.backward import Gradient
from archdsl.ops.pool import AdaptivePool, Pool

STATES = {"sgd": 0, "momentum": 1, "nesterov": 1, "adam": 2, "adamw": 2}
"""Numbers that an optimiser keeps of each parameter."""


@dataclass(frozen=True, slots=True)
class Device:
    """What a device can do at most: its rate, dense and for the dtype that is computed in, and that of its memory."""

    flop_per_second: float
    bytes_per_second: float


@dataclass(frozen=True, slots=True)
class Pass:
    """One pass over a layer: its FLOP, two of them a multiply-add, and the bytes that it reads and writes."""

    path: str
    phase: str
    """`forward`, `backward` or `optimizer`."""
    flop: int
    bytes: int

    def seconds(self, device: Device) -> float:
        """Return the least time that it takes on a device."""
        return max(self.flop / device.flop_per_second, self.bytes / device.bytes_per_second)


@dataclass(frozen=True, slots=True)
class Roofline:
    """All passes of a training step on a batch, in order of running."""

    batch: int
    passes: tuple[Pass, ...]

    @property
    def flop(self) -> int:
        return sum(one.flop for one in self.passes)

    def seconds(self, device: Device) -> float:
        """Return the least time of the step: the sum of the layers'."""
        return sum(one.seconds(device) for one in self.passes)

    def bound_by_memory(self, device: Device) -> float:
        """Return the share of that time in which memory is what a layer waits for."""
        slow = sum(one.seconds(device) for one in self.passes if one.bytes * device.flop_per_second
                   > one.flop * device.bytes_per_second)  # fmt: skip
        return slow / self.seconds(device)


def roofline(graph: Graph, *, batch: int, amp: str | None = None, optimizer: str = "nesterov") -> Roofline:
    """Return the passes of a training step, with weights in float32 and, with `amp`, layers under autocast to it.

    Counted is what every way to compute a layer has to do. A view costs nothing, and neither do the loss, a sum of
    gradients where a tensor has several readers, and arithmetic that is no multiply-add. Weights are read in the
    dtype that their layer computes in.

    Raises:
        ValueError: a size is left open, the batch is not positive, or there is no such dtype.
        KeyError: there is no such optimiser.
    """
    if batch < 1:
        raise ValueError(f"a batch is a whole number from 1 up, not {batch}")
    written, counts = tape(graph, amp=amp, single=batch == 1), macs(graph)
    forward = [_forward(written, node, 2 * counts[node.index] * batch, batch) for node in graph.layers]
    backward = [_backward(written, node, 2 * counts[node.index] * batch, batch) for node in reversed(graph.layers)
                if written.tracked[node.index]]  # fmt: skip
    learned = sum(written.learned[node.index] for node in graph.layers if not node.call)
    # The weight and its gradient are read and the weight is written; each state is read and written.
    moved = FULL * learned * (3 + 2 * STATES[optimizer])
    return Roofline(batch, (*forward, *backward, Pass(graph.model, "optimizer", 0, moved)))


def _is_view(written: Tape, node: Node) -> bool:
    return not written.made[node.index] and node.index not in written.in_place


def _tensor(written: Tape, index: int, batch: int) -> int:
    """Return the bytes of a node's output, or of its gradient."""
    return written.elements[index] * written.itemsizes[index] * batch


def _forward(written: Tape, node: Node, flop: int, batch: int) -> Pass:
    if _is_view(written, node):
        return Pass(node.id, "forward", flop, 0)
    read = {written.owner[i]: _tensor(written, i, batch) for i in node.inputs}
    moved = sum(read.values()) + written.learned[node.index] * written.computes[node.index]
    moved += sum(written.buffers[made].bytes(batch) for made in written.made[node.index])
    if node.index in written.in_place:
        moved += _tensor(written, node.index, batch)
    return Pass(node.id, "forward", flop, moved)


def _backward(written: Tape, node: Node, flop: int, batch: int) -> Pass:
    """Return the backward pass: a gradient for the weights, and one for each input that needs it.

    It reads what autograd kept, except that of the input of a pooling only the shape is wanted.
    """
    learned = written.learned[node.index]
    wanted = [i for i in node.inputs if written.tracked[i]]
    flop *= bool(learned) + len(wanted)
    made = wanted if node.op.gradient is Gradient.NEW and not _is_view(written, node) else []
    if not learned and not made:
        return Pass(node.id, "backward", flop, 0)
    moved = _tensor(written, node.index, batch) + sum(_tensor(written, i, batch) for i in made)
    unread = {written.owner[i] for i in node.inputs} if isinstance(node.op, Pool | AdaptivePool) else set()
    moved += sum(written.buffers[kept].bytes(batch) for kept in set(written.kept[node.index]) - unread)
    moved += learned * FULL  # its gradient
    if made:
        moved += learned * written.computes[node.index]
    return Pass(node.id, "backward", flop, moved)
