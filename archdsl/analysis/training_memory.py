"""The memory of a training step: weights, gradients, optimizer states, what autograd keeps, and the peak over a step.

The model of the peak: layers run in order and then backward in reverse; an activation is freed after its last use
unless autograd keeps it, and what is kept is freed behind the backward that reads it. Gradients of activations live
from the backward that makes them to the one that reads them, those of weights to the end. What is fed in and what
comes out are held throughout, what a block is fed until it has run, and a gradient is there for every output that
depends on a weight. Gradients that meet are added in place where autograd's engine does.

Not modelled are workspace, the allocator's rounding and fragmentation, the CUDA context, the loss, and what the
optimizer needs in passing while it steps; nor what a variable of `forward` holds after its last use, what the backward
of an RMSNorm, a LocalResponseNorm or an InstanceNorm makes in passing, and that the backward of a split waits for all
of its parts. Step counters of optimizers, a number for each weight tensor, are not
counted. On a GPU dropout keeps a byte for each element, where this counts a number, as on a CPU.

Every number is so many bytes for each sample and so many whatever the batch, so one run answers for all batches.

Source: Chen et al. 2016, arXiv:1604.06174, section 3, for liveness and checkpoints; the engine of torch.autograd.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from math import prod
from typing import NamedTuple

from archdsl.analysis.memory import DTYPES
from archdsl.analysis.saved import SavedTensor, Tape, kept_tensors, tape
from archdsl.analysis.training_segments import segments
from archdsl.analysis.training_step import Step
from archdsl.graph import Graph

OPTIMIZERS = {"sgd": 0, "momentum": 1, "rmsprop": 1, "adam": 2, "adamw": 2}
"""How many numbers an optimizer keeps for each weight."""
COUNTER = 8
"""Bytes of the counter of batches that a norm with running statistics stores."""
NOT_MODELLED = (
    "workspace, the allocator's rounding and fragmentation, the CUDA context, the loss, and what the optimizer needs "
    "in passing"
)


class Held(NamedTuple):
    """Something alive at the peak: the node it belongs to, what it is, and its bytes."""

    node: int
    what: str
    bytes: int


@dataclass(frozen=True, slots=True)
class TrainingMemory:
    """The bytes of a training step at one batch."""

    graph: Graph
    batch: int
    dtype: str
    optimizer: str
    amp: str | None
    segments: int
    """How many checkpoints there are; none of them where nothing is recomputed."""
    weights: int
    buffers: int
    gradients: int
    """Of weights, when the backward has ended."""
    states: int
    """Of the optimizer."""
    saved: int
    """What autograd keeps when the forward pass has ended, each storage once, without weights and buffers."""
    peak: int
    """The most alive at once, all of the above among it as far as it is alive then."""
    node: int
    """The node that runs at the peak."""
    phase: str
    """`forward`, `backward`, or `recompute`: the forward pass of a checkpoint within the backward."""
    alive: tuple[Held, ...]
    """Activations and gradients at the peak, the largest first."""
    tensors: tuple[SavedTensor, ...]
    """What `saved` is made of; with checkpoints, as it would be without."""


class Training:
    """A network set up for training: its memory at every batch."""

    def __init__(
        self,
        graph: Graph,
        *,
        dtype: str = "float32",
        optimizer: str = "adam",
        amp: str | None = None,
        checkpoint: str | Collection[str] | None = None,
    ) -> None:
        """Take in the network and how it is trained.

        `checkpoint` is `"block"` for every block that stands in no other, or the paths of modules.

        Raises:
            ValueError: a size is left open, or there is no such dtype, optimizer or module.
        """
        if optimizer not in OPTIMIZERS:
            raise ValueError(f"there is no optimizer `{optimizer}`; there are {', '.join(OPTIMIZERS)}")
        if not graph.nodes:
            raise ValueError("there is nothing to train")
        self.graph, self.dtype, self.optimizer, self.amp = graph, dtype, optimizer, amp
        self.segments = segments(graph, checkpoint) if checkpoint is not None else ()
        self._tapes = {False: tape(graph, dtype=dtype, amp=amp)}
        self._steps: dict[bool, Step] = {}
        itemsize = DTYPES[dtype]
        self.weights = itemsize * sum(
            count for node, count in zip(graph.nodes, self._tapes[False].learned, strict=True) if not node.call
        )
        self.buffers = sum(
            itemsize * prod(shape) if shape else COUNTER
            for node in graph.nodes
            if node.op.stateful and not node.call
            for shape in node.op.buffers(*graph.types(node)).values()
        )
        self.states = OPTIMIZERS[optimizer] * self.weights
        self.always = self.weights + self.buffers + self.states
        """What is there before the first layer runs."""

    def _tape(self, single: bool) -> Tape:
        if single not in self._tapes:
            several = self._tapes[False]
            if several.depends_on_single:
                self._tapes[single] = tape(self.graph, dtype=self.dtype, amp=self.amp, single=single)
            else:
                self._tapes[single] = replace(several, single=single)
        return self._tapes[single]

    def _step(self, batch: int) -> Step:
        single = batch == 1
        if single not in self._steps:
            self._steps[single] = Step(self._tape(single), self.segments, DTYPES[self.dtype])
        return self._steps[single]

    def peak(self, batch: int) -> int:
        """Return the most bytes alive at once in a step on a batch."""
        return self.always + self._step(batch).peak(batch).bytes(batch)

    def largest_batch(self, budget: int) -> int:
        """Return the largest batch whose peak is within a budget of bytes; 0 where a single sample is not.

        Every moment of a step takes a fixed number of bytes and some for each sample: the tightest decides. Where no
        sample takes anything it is the largest batch there may be.
        """
        fits = self._step(2).largest(budget - self.always)
        if fits >= 2:
            return fits
        return 1 if self.peak(1) <= budget else 0

    def at(self, batch: int) -> TrainingMemory:
        """Return the memory of a step on a batch.

        Raises:
            ValueError: the batch is not positive.
        """
        if batch < 1:
            raise ValueError(f"a batch is a whole number from 1 up, not {batch}")
        step = self._step(batch)
        most = step.peak(batch)
        held = [Held(one.node, one.what, one.bytes(batch)) for one in step.alive(most)]
        return TrainingMemory(
            self.graph,
            batch,
            self.dtype,
            self.optimizer,
            self.amp,
            len(self.segments),
            self.weights,
            self.buffers,
            step.gradients,
            self.states,
            step.saved(batch),
            self.always + most.bytes(batch),
            most.node,
            most.phase,
            tuple(sorted(held, key=lambda one: (-one.bytes, one.node))),
            kept_tensors(self._tape(batch == 1), batch),
        )


def training_memory(
    graph: Graph,
    *,
    batch: int,
    dtype: str = "float32",
    optimizer: str = "adam",
    amp: str | None = None,
    checkpoint: str | Collection[str] | None = None,
) -> TrainingMemory:
    """Return the bytes of a training step: what is there throughout, what autograd keeps, and the peak.

    With `amp`, `"bf16"` or `"fp16"`, weights are in float32 and `torch.autocast` of a GPU casts: convolutions and
    linear layers keep low copies of their inputs and weights, softmax and the like run in float32, and the rest in the
    dtype of their inputs. With `checkpoint`, only what goes into each block is kept, and its inside is computed anew in
    the backward, one block at a time.

    Raises:
        ValueError: a size is left open, the batch is not positive, or there is no such dtype, optimizer or module.
    """
    return Training(graph, dtype=dtype, optimizer=optimizer, amp=amp, checkpoint=checkpoint).at(batch)
