"""What PyTorch's autograd keeps of a forward pass in training until its backward: every storage once.

A layer's input and the output of the layer before it are one storage, and so are a tensor and what was written over it
or is a view of it. Learned tensors and buffers are counted apart. The code that is meant is what `archdsl generate`
writes for the model, with activations and sums in place where that is safe. Everything is exact, to the byte, for
PyTorch on a CPU without a loss, with one exception: what `ConvTranspose3d` gives is counted by its size. Where that is
below the size of the input, PyTorch's own kernel, which it takes for few and small samples, leaves it in a storage as
large as the input; that of oneDNN does not.

Source: `torch.autograd.graph.saved_tensors_hooks`; the rule of each op stands in its class.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from math import prod
from typing import NamedTuple

from archdsl.analysis.layouts import channels_last, contiguous, keeps_channels_last, same_layout, viewed
from archdsl.analysis.memory import DTYPES
from archdsl.graph import Graph, Node
from archdsl.lang import ast
from archdsl.ops import Storage
from archdsl.ops.backward import NOTHING, Autocast, Forward, Saved
from archdsl.tensors import Shape

LOW = {"bf16": "bfloat16", "fp16": "float16"}
"""The dtypes of `torch.autocast`, by what they are called for short."""
FULL = 4
"""Bytes of a number in float32, which autocast leaves weights and widened results in."""


class Buffer(NamedTuple):
    """One storage: who made it, what it is, its bytes for each sample and those whatever the batch."""

    node: int
    what: str
    each: int
    once: int = 0

    def bytes(self, batch: int) -> int:
        """Return the bytes at a batch."""
        return self.each * batch + self.once


@dataclass(frozen=True, slots=True)
class SavedTensor:
    """A storage that is kept: the node that made it, what it is, its bytes, and the nodes whose backward reads it."""

    node: int
    what: str
    bytes: int
    readers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Tape:
    """What a forward pass in training stores, and what of it autograd keeps, node by node."""

    graph: Graph
    buffers: list[Buffer]
    owner: list[int]
    """The buffer that each node's output lies in."""
    made: list[tuple[int, ...]]
    """The buffers that each node makes."""
    kept: list[tuple[int, ...]]
    """The buffers that each node's backward reads."""
    tracked: list[bool]
    """Whether each node's output needs a gradient, and some output of the network depends on it."""
    in_place: frozenset[int]
    elements: list[int]
    """Numbers in each node's output, for one sample."""
    learned: list[int]
    """Numbers in the weights that each node uses; a shared module's are told of at every call."""
    itemsizes: list[int]
    """Bytes of a number of each node's output."""
    computes: list[int]
    """Bytes of a number that each node computes with, its inputs cast to it."""
    single: bool
    """Whether a batch is one sample."""
    depends_on_single: bool
    """Whether another batch would be stored otherwise than one sample is."""


def saved_tensors(
    graph: Graph,
    *,
    batch: int = 1,
    dtype: str = "float32",
    amp: str | None = None,
    in_place: Collection[int] | None = None,
) -> tuple[SavedTensor, ...]:
    """Return what autograd keeps of a forward pass in training, each storage once, in order of running.

    `in_place` are the nodes that write over their first input; by default those of `overwriting`.

    Raises:
        ValueError: a size is left open, the batch is not positive, or there is no such dtype.
    """
    if batch < 1:
        raise ValueError(f"a batch is a whole number from 1 up, not {batch}")
    return kept_tensors(tape(graph, dtype=dtype, amp=amp, single=batch == 1, in_place=in_place), batch)


def kept_tensors(written: Tape, batch: int) -> tuple[SavedTensor, ...]:
    """Return what a tape keeps, each storage once, in order of running."""
    readers: dict[int, list[int]] = {}
    for index, kept in enumerate(written.kept):
        for buffer in dict.fromkeys(kept):
            readers.setdefault(buffer, []).append(index)
    return tuple(
        SavedTensor(made.node, made.what, made.bytes(batch), tuple(readers[number]))
        for number, made in enumerate(written.buffers)
        if number in readers
    )


def overwriting(graph: Graph) -> frozenset[int]:
    """Return the nodes that write over their first input in the code that is generated for this model alone.

    An activation does where it says so, or where nobody else reads what it overwrites and no gradient needs that; it
    must be safe at each place that the same text makes, and at every call of a layer that is called again.
    """
    asked: dict[int, bool] = {}
    readers = Counter(i for node in graph.nodes for i in node.inputs)
    readers.update(node.index for node in graph.outputs.values())
    nodes = graph.nodes
    free: dict[str, bool] = {}
    for node in nodes:
        if node.inputs:
            source, place = node.inputs[0], node.path if node.is_module else node.id
            free[place] = free.get(place, True) and nodes[source].op.may_be_overwritten and readers[source] == 1
    for node in nodes:
        if node.inputs:
            place = node.path if node.is_module else node.id
            asked[id(node.syntax)] = asked.get(id(node.syntax), True) and free[place]
    modules: dict[str, bool] = {}
    found = []
    for node in nodes:
        if node.op.name == "add":
            if asked[id(node.syntax)] and _adds_in_place(node, nodes[node.inputs[0]]):
                found.append(node.index)
        elif hasattr(node.op, "inplace"):
            if node.path not in modules:
                modules[node.path] = node.op.inplace or (asked[id(node.syntax)] and _may_say_so(node))
            if modules[node.path]:
                found.append(node.index)
    return frozenset(found)


def _adds_in_place(node: Node, first: Node) -> bool:
    """Tell whether a sum has a name on its left that the same `forward` has given."""
    syntax, fed = node.syntax, node.instance.feeds
    named = isinstance(syntax, ast.Binary) and isinstance(syntax.left, ast.Name)
    return named and all(first is not feed for feed in fed)


def _may_say_so(node: Node) -> bool:
    """Tell whether an activation is called by its own name, and leaves open whether it works in place."""
    syntax, op = node.syntax, node.op
    if not isinstance(syntax, ast.Call) or syntax.name != op.name:
        return False
    positions = [declared.name for declared in op.arguments]
    given = {argument.name or positions[number] for number, argument in enumerate(syntax.arguments)}
    slope = "negative_slope" in op.non_defaults()
    return "inplace" not in given and "negative_slope" not in given and not slope


def tape(
    graph: Graph,
    *,
    dtype: str = "float32",
    amp: str | None = None,
    single: bool = False,
    in_place: Collection[int] | None = None,
) -> Tape:
    """Return what a forward pass stores and keeps; a batch of a single sample lies together where others do not.

    Raises:
        ValueError: a size is left open, or there is no such dtype.
    """
    if graph.is_symbolic:
        raise ValueError(f"the memory of training needs every size, and {graph.model} leaves one open")
    if dtype not in DTYPES or DTYPES[dtype] < 2:
        raise ValueError(f"a network is not trained in {dtype}")
    if amp is not None and amp not in LOW:
        raise ValueError(f"autocast is to {' or '.join(LOW)}, not {amp}")
    if amp is not None and dtype != "float32":
        raise ValueError(f"autocast is for weights in float32, not in {dtype}")
    return _Recorder(graph, DTYPES[dtype], amp, single, overwriting(graph) if in_place is None else in_place).record()


class _Recorder:
    """Runs over a graph once and writes down what each node stores."""

    def __init__(self, graph: Graph, itemsize: int, amp: str | None, single: bool, in_place: Collection[int]) -> None:
        self.graph, self.nodes, self.single = graph, graph.nodes, single
        self.itemsize, self.amp = itemsize, amp
        self.depends_on_single = False
        self.low = DTYPES[LOW[amp]] if amp else itemsize
        self.in_place = frozenset(in_place)
        self.buffers: list[Buffer] = []
        self.owner: list[int] = []
        self.strides: dict[int, Shape] = {}
        """Of what is a part of its storage, or laid out otherwise than channel by channel."""
        self.counts: list[int] = [prod(node.output.shape) for node in self.nodes]  # type: ignore[arg-type]  # none is open
        self.learned: list[int] = []
        self.elements: list[int] = []
        """How many numbers of one sample lie in each node's storage, between those of the next."""
        self.itemsizes: list[int] = []
        self.computes: list[int] = []
        self.made: list[tuple[int, ...]] = []
        self.kept: list[tuple[int, ...]] = []
        self.needs_gradient: list[bool] = []
        self.weights_cast: dict[str, int] = {}

    def record(self) -> Tape:
        graph = self.graph
        needed = _needed(graph)
        for node in self.nodes:
            first = len(self.buffers)
            saved, sources, extras = self._run(node)
            wanted = node.index in needed and self.needs_gradient[node.index]
            kept = [sources[i] for i in saved.inputs] + [self.owner[node.index]] * saved.output + extras
            self.made.append(tuple(range(first, len(self.buffers))))
            self.kept.append(tuple(kept) if wanted else ())
        tracked = [node.index in needed and self.needs_gradient[node.index] for node in self.nodes]
        return Tape(
            graph,
            self.buffers,
            self.owner,
            self.made,
            self.kept,
            tracked,
            self.in_place,
            self.counts,
            self.learned,
            self.itemsizes,
            self.computes,
            self.single,
            self.depends_on_single,
        )

    def _run(self, node: Node) -> tuple[Saved, list[int], list[int]]:
        """Return what a node keeps, the buffers it reads its inputs from, and those it makes for the backward."""
        op, types = node.op, self.graph.types(node)
        tracked = tuple([self.needs_gradient[i] for i in node.inputs])
        learned = sum(map(prod, op.weights(*types).values())) if op.stateful else 0
        self.learned.append(learned)
        self.needs_gradient.append(bool(learned) or True in tracked)
        computes, gives = self._itemsizes(node)
        self.itemsizes.append(gives)
        self.computes.append(computes)
        sources = [self._read(node, i, computes) for i in node.inputs]
        self._place(node, gives)
        if not node.inputs:
            return NOTHING, sources, []
        forward = Forward(tracked, node.index in self.in_place, computes, self.itemsize)
        if not self.needs_gradient[-1]:
            for one in op.dropped(types, node.output, forward):
                self._new(Buffer(node.index, one.what, one.each, one.once))
            return NOTHING, sources, []
        saved = op.saved(types, node.output, forward)
        extras = [self._new(Buffer(node.index, one.what, one.each, one.once)) for one in saved.extras]
        # A convolution keeps its weight whatever it is fed, a linear layer where the gradient of its input needs it.
        if learned and self.amp and self._lowers(node) and (len(node.output.shape) > 1 or tracked[0]):
            extras.append(self._cast_weight(node))
        return saved, sources, extras

    def _itemsizes(self, node: Node) -> tuple[int, int]:
        """Return the bytes of a number that a node computes with, and of one of its result."""
        if not node.inputs:
            return self.itemsize, self.itemsize
        widest = max(self.itemsizes[i] for i in node.inputs)
        if not self.amp:
            return widest, widest
        match node.op.autocast:
            case Autocast.LOWERS:
                return self.low, self.low
            case Autocast.WIDENS:
                return FULL, FULL
            case Autocast.RAISES:
                return widest, FULL
        return widest, widest

    def _lowers(self, node: Node) -> bool:
        return node.op.autocast is Autocast.LOWERS

    def _read(self, node: Node, source: int, itemsize: int) -> int:
        """Return the buffer that an input is read from: its own, or a copy that is cast or lies together."""
        op = node.op
        casts = self.amp and op.autocast in (Autocast.LOWERS, Autocast.WIDENS) and self.itemsizes[source] != itemsize
        if casts or (op.wants_contiguous and not self._lies_together(source, op.keeps_layout)):
            what = f"copy in {LOW[self.amp or '']}" if casts and itemsize < FULL else "copy in float32"
            each = self.counts[source] * itemsize
            return self._new(Buffer(node.index, what if casts else "copy without gaps", each))
        return self.owner[source]

    def _cast_weight(self, node: Node) -> int:
        """Return the low copy of a weight, which autocast makes once for all calls of a module."""
        known = self.weights_cast.get(node.path)
        if known is None:
            weight = prod(node.op.weights(*self.graph.types(node))["weight"])
            known = self._new(Buffer(node.index, f"weight in {LOW[self.amp or '']}", 0, weight * self.low))
            self.weights_cast[node.path] = known
        return known

    def _new(self, buffer: Buffer) -> int:
        self.buffers.append(buffer)
        return len(self.buffers) - 1

    # Where an output lies.

    def _place(self, node: Node, itemsize: int) -> None:
        """Enter the buffer of an output: its own, or that of its input."""
        kind, op = node.op.training_storage, node.op
        if node.inputs and (node.index in self.in_place or kind is not Storage.NEW):
            if self._shares(node, kind):
                return
        elif op.channels_last or (self.strides and keeps_channels_last(node, self.nodes, self.strides)):
            self.strides[node.index] = channels_last(node.output.known)
        elements = self.counts[node.index]
        self.elements.append(elements)
        self.owner.append(self._new(Buffer(node.index, "output" if node.inputs else "input", elements * itemsize)))

    def _shares(self, node: Node, kind: Storage) -> bool:
        """Lay an output into the storage of its input, unless PyTorch has to copy it."""
        source = node.inputs[0]
        strides = self.strides.get(source)
        if strides is not None and kind is Storage.ALIAS and node.index not in self.in_place:
            strides = viewed(self.nodes[source].output.known, strides, node.output.known)
            if strides is None:
                return False
        if kind is Storage.SLICE:
            strides = strides or contiguous(self.nodes[source].output.known)
        if strides is not None:
            self.strides[node.index] = strides
        self.owner.append(self.owner[source])
        self.elements.append(self.elements[source])
        return True

    def _lies_together(self, index: int, keeps_layout: bool) -> bool:
        """Tell whether a tensor has no gaps between its elements, nor between samples."""
        strides, shape = self.strides.get(index), self.nodes[index].output.known
        if strides is None:
            return True
        layouts = [contiguous(shape)] + ([channels_last(shape)] if keeps_layout and len(shape) == 3 else [])
        if not any(same_layout(shape, strides, layout) for layout in layouts):
            return False
        if self.elements[index] == self.counts[index]:
            return True
        self.depends_on_single = True
        return self.single


def _needed(graph: Graph) -> set[int]:
    """Return the nodes that an output depends on."""
    needed = {node.index for node in graph.outputs.values()}
    for node in reversed(graph.nodes):
        if node.index in needed:
            needed.update(node.inputs)
    return needed
