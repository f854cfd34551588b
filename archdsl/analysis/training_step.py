"""What is alive at every moment of a training step: forward, and backward in reverse."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from archdsl.analysis.saved import FULL, Buffer, Tape
from archdsl.graph import Instance, Node
from archdsl.ops.backward import Autocast, Gradient

LARGEST_BATCH = 2**31
"""As many samples as any batch may have."""
NEVER = 2**62
"""The moment that does not come."""


class Moment(NamedTuple):
    """The bytes alive while a node runs, for each sample and whatever the batch, and when that is."""

    each: int
    once: int
    node: int
    phase: str
    number: int

    def bytes(self, batch: int) -> int:
        """Return the bytes at a batch."""
        return self.each * batch + self.once


class Step:
    """A training step, run once on paper: its moments, and what is alive at any of them."""

    def __init__(self, tape: Tape, segments: Sequence[range], weight_itemsize: int) -> None:
        """Run forward and backward over a tape, with the nodes of each segment computed anew in the backward."""
        run = _Run(tape, segments, weight_itemsize)
        run.forward()
        self._saved = run.saved()
        run.backward()
        self.moments = run.ledger.moments
        self._lives = run.ledger.lives
        self.gradients = run.weight_gradients
        """Bytes of the gradients of all weights that get one."""

    def saved(self, batch: int) -> int:
        """Return the bytes that are kept for the backward when the forward pass has ended."""
        return sum(buffer.bytes(batch) for buffer in self._saved)

    def peak(self, batch: int) -> Moment:
        """Return the moment at which most is alive; the first of equals."""
        return max(self.moments, key=lambda moment: moment.each * batch + moment.once)

    def largest(self, budget: int) -> int:
        """Return the largest batch at which no moment takes more than a budget of bytes; 0 or less for none."""
        most = LARGEST_BATCH
        for each, once, *_ in self.moments:
            if each:
                most = min(most, (budget - once) // each)
            elif once > budget:
                return 0
        return most

    def alive(self, moment: Moment) -> list[Buffer]:
        """Return what is alive at a moment."""
        return [life.buffer for life in self._lives if life.born <= moment.number < life.died]


@dataclass(slots=True)
class _Life:
    """A storage, and the numbers of the first moment that it is alive at and of the first that it no longer is."""

    buffer: Buffer
    born: int
    died: int


class _Ledger:
    """The storages alive now, under keys of the caller's, with their sum; moments are noted."""

    def __init__(self) -> None:
        self.held: dict[tuple[str, int], _Life] = {}
        self.lives: list[_Life] = []
        self.each = self.once = 0
        self.moments: list[Moment] = []

    def add(self, key: tuple[str, int], buffer: Buffer) -> None:
        life = self.held[key] = _Life(buffer, len(self.moments), NEVER)
        self.lives.append(life)
        self.each += buffer.each
        self.once += buffer.once

    def drop(self, key: tuple[str, int]) -> None:
        life = self.held.pop(key, None)
        if life is not None:
            life.died = len(self.moments)
            self.each -= life.buffer.each
            self.once -= life.buffer.once

    def note(self, node: int, phase: str) -> None:
        self.moments.append(Moment(self.each, self.once, node, phase, len(self.moments)))


@dataclass(slots=True)
class _Grad:
    """The gradient of an activation; `own` where nothing else lies in its storage, so that it can be added to."""

    number: int
    own: bool


class _Run:
    """One pass over the step; what is alive stands in the ledger."""

    def __init__(self, tape: Tape, segments: Sequence[range], weight_itemsize: int) -> None:
        self.tape, self.nodes, self.itemsize = tape, tape.graph.nodes, weight_itemsize
        self.ledger = _Ledger()
        self.segments = segments
        self.segment_of = {index: number for number, run in enumerate(segments) for index in run}
        self.ends = self._ends()
        self.fixed = self._fixed()
        self.holders = self._holders()
        self.grads: dict[int, _Grad] = {}
        self.shared: Counter[int] = Counter()
        """How many gradients lie in one storage."""
        self.numbers = 0
        self.weight_gradients = 0
        self.with_gradient: dict[str, int] = {}
        """The node whose backward came first, and brought the gradients of a module's weights, by its path."""

    # What is kept how long.

    def _ends(self) -> dict[int, list[int]]:
        """Return the buffers that the forward pass has no more use for when a node has run.

        A block or a sequence holds what it was fed until it has ended: Python's caller does.
        """
        last = [buffer.node for buffer in self.tape.buffers]
        for node in self.nodes:
            for i in (node.index, *node.inputs):
                owner = self.tape.owner[i]
                last[owner] = max(last[owner], node.index)
        for feeds, end in _calls(self.tape.graph.root):
            for feed in feeds:
                owner = self.tape.owner[feed.index]
                last[owner] = max(last[owner], end)
        ends: dict[int, list[int]] = {}
        for buffer, index in enumerate(last):
            ends.setdefault(index, []).append(buffer)
        return ends

    def _fixed(self) -> set[int]:
        """Return the buffers that the caller holds: what is fed in, and what comes out."""
        graph, owner = self.tape.graph, self.tape.owner
        return {owner[node.index] for node in (*graph.inputs.values(), *graph.outputs.values())}

    def _holders(self) -> Counter[int]:
        """Count who keeps each buffer for the backward: nodes, and segments what they are fed from outside."""
        found: Counter[int] = Counter()
        for index, kept in enumerate(self.tape.kept):
            if index not in self.segment_of:
                found.update(set(kept))
        for run in self.segments:
            found.update(self._fed(run))
        return found

    def _fed(self, run: range) -> set[int]:
        """Return the buffers from outside that a segment reads, so that it can be run again."""
        tape = self.tape
        read = {tape.owner[i] for index in run for i in self.nodes[index].inputs}
        read.update(buffer for index in run for buffer in tape.kept[index])
        return {buffer for buffer in read if tape.buffers[buffer].node not in run}

    def saved(self) -> list[Buffer]:
        """Return what is kept for the backward."""
        return [buffer for number, buffer in enumerate(self.tape.buffers) if self.holders[number]]

    # Forward.

    def forward(self) -> None:
        for node in self.nodes:
            if not node.inputs:
                for buffer in self.tape.made[node.index]:
                    self.ledger.add(("activation", buffer), self.tape.buffers[buffer])
                self.ledger.note(node.index, "forward")
        for node in self.nodes:
            if node.inputs:
                self._compute(node)

    def _compute(self, node: Node) -> None:
        tape, index = self.tape, node.index
        for buffer in tape.made[index]:
            self.ledger.add(("activation", buffer), tape.buffers[buffer])
        self.ledger.note(index, "forward")
        for buffer in self.ends.get(index, ()):
            self._free(buffer)

    def _free(self, buffer: int) -> None:
        if not self.holders[buffer] and buffer not in self.fixed:
            self.ledger.drop(("activation", buffer))

    def _recompute(self, run: range) -> None:
        """Run a segment again, as far as something in it is kept; what nobody keeps is freed on the way."""
        tape = self.tape
        needed = [index for index in run if tape.kept[index]]
        kept = {buffer for index in needed for buffer in tape.kept[index]}
        last = max((tape.buffers[b].node for b in kept if tape.buffers[b].node in run), default=run.start - 1)
        for index in range(run.start, last + 1):
            for buffer in tape.made[index]:
                self.ledger.add(("anew", buffer), tape.buffers[buffer])
            self.ledger.note(index, "recompute")
            for buffer in self.ends.get(index, ()):
                if buffer not in kept:
                    self.ledger.drop(("anew", buffer))
        for buffer in {b for index in range(run.start, last + 1) for b in tape.made[index]} - kept:
            self.ledger.drop(("anew", buffer))
        self.anew = Counter(buffer for index in needed for buffer in set(tape.kept[index]))

    # Backward.

    def backward(self) -> None:
        """Run every node that a gradient goes through, the last one first."""
        for node in self.tape.graph.outputs.values():
            if self.tape.tracked[node.index]:
                self._accumulate(node.index, self._new_gradient(node.index), node.index)
        entered: set[int] = set()
        for node in reversed(self.nodes):
            number = self.segment_of.get(node.index)
            if number is not None and number not in entered:
                entered.add(number)
                self._recompute(self.segments[number])
            if self.tape.tracked[node.index]:
                self._backward_of(node)
            self._release(node.index)

    def _backward_of(self, node: Node) -> None:
        grad = self.grads.pop(node.index)
        low = self.itemsize == FULL and node.op.autocast is Autocast.LOWERS and self.tape.computes[node.index] < FULL
        between = node.op.gradient_between(self.tape.graph.types(node), node.output)
        if between and not low and all(self.tape.tracked[i] for i in node.inputs):
            self._backward_by_two_steps(node, grad, between)
            return
        made = [(i, self._gradient_of(node, i, grad)) for i in node.inputs if self.tape.tracked[i]]
        size = self._weight_gradient(node)
        if low:
            self._enter_passing(node, size // FULL * self.tape.computes[node.index])
        elif size:
            self._enter_weights(node, size)
        self.ledger.note(node.index, "backward")
        self._leave(grad)
        self._release_kept(node.index)
        if low:  # cast back when all else is done
            self._enter_weights(node, size)
            self.ledger.note(node.index, "backward")
            self.ledger.drop(("passing weights", node.index))
        if self.with_gradient.get(node.path) != node.index:
            self.ledger.drop(("weights", node.index))
        for source, one in made:
            self._accumulate(source, one, node.index)

    def _backward_by_two_steps(self, node: Node, grad: _Grad, between: int) -> None:
        """Run the backward of a node whose input is cut or padded on the way: of what that gave, then of itself."""
        index, key = node.index, ("passing", node.index)
        (source,) = node.inputs
        if size := self._weight_gradient(node):
            self._enter_weights(node, size)
        each = between * self.tape.itemsizes[source]
        self.ledger.add(key, Buffer(index, "gradient on the way", each))
        self.ledger.note(index, "backward")
        self._leave(grad)
        self._release_kept(index)
        made = self._new_gradient(source)
        self.ledger.note(index, "backward")
        self.ledger.drop(key)
        if self.with_gradient.get(node.path) != index:
            self.ledger.drop(("weights", index))
        self._accumulate(source, made, index)

    def _gradient_of(self, node: Node, source: int, grad: _Grad) -> _Grad:
        """Return the gradient of one input: a new one, or one that lies in that of the output."""
        tape = self.tape
        kind = node.op.gradient
        if kind is Gradient.NEW or tape.itemsizes[source] != tape.itemsizes[node.index]:
            self._pass_through(node, source)
            return self._new_gradient(source)
        self.shared[grad.number] += 1
        return _Grad(grad.number, own=kind is Gradient.SAME or tape.single)

    def _pass_through(self, node: Node, source: int) -> None:
        """Note what is there on the way: a gradient before it is cast, or before a gate's is summed up."""
        tape = self.tape
        elements, wide, size = tape.elements[source], tape.elements[node.index], tape.computes[node.index]
        gate = node.op.arity is None and node.op.gradient is Gradient.NEW and wide > elements
        if gate or size != tape.itemsizes[source]:
            key = ("passing", node.index)
            self.ledger.add(key, Buffer(node.index, "gradient on the way", (wide if gate else elements) * size))
            self.ledger.note(node.index, "backward")
            self.ledger.drop(key)

    def _new_gradient(self, index: int) -> _Grad:
        self.numbers += 1
        each = self.tape.elements[index] * self.tape.itemsizes[index]
        self.ledger.add(("gradient", self.numbers), Buffer(index, "gradient", each))
        self.shared[self.numbers] = 1
        return _Grad(self.numbers, own=True)

    def _accumulate(self, index: int, grad: _Grad, at: int) -> None:
        """Add to the gradient that is there: in its storage, or where others lie in that, in a new one."""
        before = self.grads.get(index)
        if before is None:
            self.grads[index] = grad
            return
        if before.own and self.shared[before.number] == 1:
            self._leave(grad)
            return
        self.grads[index] = self._new_gradient(index)
        self.ledger.note(at, "backward")
        self._leave(before)
        self._leave(grad)

    def _leave(self, grad: _Grad) -> None:
        self.shared[grad.number] -= 1
        if not self.shared[grad.number]:
            self.ledger.drop(("gradient", grad.number))

    def _weight_gradient(self, node: Node) -> int:
        """Return the bytes of the gradients of a node's weights; those of a later call are added to the first one's."""
        if not node.op.stateful:
            return 0
        return self.itemsize * self.tape.learned[node.index]

    def _enter_weights(self, node: Node, size: int) -> None:
        if node.path not in self.with_gradient:
            self.with_gradient[node.path] = node.index
            self.weight_gradients += size
        self.ledger.add(("weights", node.index), Buffer(node.index, "gradient of weights", 0, size))

    def _enter_passing(self, node: Node, size: int) -> None:
        self.ledger.add(("passing weights", node.index), Buffer(node.index, "gradient of weights on the way", 0, size))

    # What is freed.

    def _release_kept(self, index: int) -> None:
        """Free what a node kept, where nobody after it reads it."""
        tape, number = self.tape, self.segment_of.get(index)
        for buffer in set(tape.kept[index]):
            if number is None:
                self._let_go(buffer)
            elif tape.buffers[buffer].node in self.segments[number]:
                self.anew[buffer] -= 1
                if not self.anew[buffer]:
                    self.ledger.drop(("anew", buffer))

    def _release(self, index: int) -> None:
        """Free what a segment was fed, when its first node has run backward."""
        number = self.segment_of.get(index)
        if number is not None and self.segments[number].start == index:
            for buffer in self._fed(self.segments[number]):
                self._let_go(buffer)

    def _let_go(self, buffer: int) -> None:
        self.holders[buffer] -= 1
        if not self.holders[buffer] and buffer not in self.fixed:
            self.ledger.drop(("activation", buffer))


def _calls(root: Instance) -> Iterator[tuple[tuple[Node, ...], int]]:
    """Yield for every call of a module that calls others what it is fed, and the last node that runs in it."""
    pending = [root]
    while pending:
        one = pending.pop()
        pending.extend(child for child in one.children if isinstance(child, Instance))
        for feeds, nodes in ((one.feeds, one.nodes()), *((call.feeds, call.nodes) for call in one.again)):
            if feeds:
                yield feeds, max((node.index for node in nodes), default=-1)
