"""A walk over a network as a student makes it: the rules of the layers, some of them replaced by a mistake.

Whatever a mistake leaves alone is asked of the ops and the analysis, so the truth has one home. A walk looks only at
the layers that a mistake touches and at those whose inputs it moves; sizes may become fractions, and a rule that
cannot work with the student's sizes gives nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from fractions import Fraction
from functools import cached_property
from math import prod
from typing import Any, NamedTuple, TypeVar

from archdsl.analysis.macs import macs
from archdsl.analysis.receptive_field import Fields, receptive_fields
from archdsl.graph import Graph, Instance, Node
from archdsl.ops import SAME, Op, ShapeError, Storage, Window
from archdsl.ops.arguments import ArgumentError
from archdsl.ops.base import Elementwise
from archdsl.ops.dense import Linear
from archdsl.ops.reshape import Flatten
from archdsl.sizes import Symbolic
from archdsl.tensors import TensorType

Number = int | Fraction
Sizes = tuple[Any, ...]
"""A shape without batch, channels first; a student's sizes may be fractions, an open one is a symbol."""
Value = Number | Sizes | str
"""An answer: a number, a shape, or `INVALID`."""

QUANTITIES = (
    "shape",
    "params",
    "weights",
    "biases",
    "buffers",
    "receptive_field",
    "jump",
    "macs",
    "flops",
    "activations",
    "memory",
)

INVALID = "invalid"
"""The answer of who holds that a window must tile its input exactly."""

LARGEST = 2**512
"""Sizes beyond this are not followed: a student who multiplies channels layer after layer never ends."""


MOST_KNOWN = 2**16
"""Results of ops that a subject remembers; answers of students bring ever new sizes."""


ANY_SIZE = (Elementwise, Flatten, Linear)
"""Layers whose own rules say what becomes of a fraction of a position."""


class Kind(Enum):
    """At which step of grading a row is looked at."""

    RULE = "a rule of a layer replaced by another"
    STRUCTURE = "a layer added, left out or used twice"
    OTHER = "another quantity than the one asked"
    CONVENTION = "right under another convention"


@dataclass(frozen=True, slots=True)
class Ask:
    """One question: a quantity of a layer or block by its path, or of the whole network.

    `shape` is without batch; `weights` are all learned numbers that are no biases; `buffers` leave out the counter of
    batches; `receptive_field` is the side in input pixels, or one a side where they differ; `activations` are the
    numbers in the output of a layer, or in all tensors that a forward pass makes; `memory` are the bytes of a layer's
    output, or the most alive at once in evaluation, for one sample in `dtype`.
    """

    quantity: str
    layer: str | None = None
    dtype: str = "float32"
    batch: int = 1

    def __post_init__(self) -> None:
        if self.quantity not in QUANTITIES:
            raise ValueError(f"there is no quantity `{self.quantity}`: there are {', '.join(QUANTITIES)}")


class Count(NamedTuple):
    """How many numbers a layer brings; the counter of batches is not among the buffers."""

    weights: Number
    biases: Number
    buffers: Number

    @property
    def params(self) -> Number:
        return self.weights + self.biases


NOTHING = Count(0, 0, 0)


class Slide(NamedTuple):
    """A window along one axis, as a receptive field is computed from it, and the field before it."""

    reach: int
    taps: int
    dilation: int
    stride: int
    padding: int
    before: int


@dataclass(slots=True)
class Place:
    """A layer as the student meets it: with the sizes that the student has for its inputs and its output."""

    subject: Subject
    node: Node
    op: Any
    """The op; `Any`, since a row names the class that it is for."""
    inputs: tuple[Sizes, ...]
    output: Sizes | None = None

    @property
    def channels(self) -> Any:
        return self.inputs[0][0]

    @property
    def sizes(self) -> Sizes:
        return self.inputs[0][1:]

    @property
    def out_channels(self) -> Any:
        """The number of filters of a convolution, or of units of a linear layer."""
        return self.op.out_features if hasattr(self.op, "out_features") else self.op.out_channels

    @property
    def kernel(self) -> int:
        """The number of taps of the window over all axes."""
        return prod(self.op.kernel_size)

    @property
    def read(self) -> Any:
        """How many positions the input has; raises `ShapeError` where a size is open."""
        return TensorType(self.sizes).elements

    @property
    def positions(self) -> Any:
        """How many positions the output has; raises `ShapeError` where a size is open or cannot be computed."""
        if self.output is None:
            raise ShapeError("the output has no shape")
        return TensorType(self.output[1:]).elements


@dataclass(frozen=True, slots=True, eq=False)
class Mistake:
    """A row of the catalogue: what the student did, and the rules that this replaces.

    A rule that is `None` is left as it is. Several rows may share an id where one misconception has several forms.
    """

    id: str
    did: str
    """What the student did, to be read after "you": `forgot the padding`."""
    formula: str
    firm: bool
    """Whether the number names its mistake; sizes and receptive fields are small, and many mistakes give them."""
    asks: frozenset[str]
    """The quantities whose answers may show it."""
    on: tuple[type[Op], ...] = (Op,)
    where: Callable[[Subject, Node], bool] | None = None
    kind: Kind = Kind.RULE
    everywhere: bool = True
    """Whether it may be made in all layers alike."""
    once: bool = True
    """Whether it may be made in one layer only."""
    source: Callable[[Subject, Node], tuple[int, ...]] | None = None
    """The nodes that the layer is taken to read."""
    op: Callable[[Place], Op] | None = None
    """The layer with other arguments."""
    shape: Callable[[Place], Sizes | None] | None = None
    count: Callable[[Place, Count], Count] | None = None
    work: Callable[[Place, Any], Any] | None = None
    """The multiply-adds, from what the op says of them."""
    slide: Callable[[Place, Slide], tuple[int, int]] | None = None
    """The reach and the stride with which a receptive field is carried through the layer."""
    narrow: bool = False
    """Whether the smaller field counts where branches meet."""
    answer: Callable[[Walk, Ask, Any], Iterable[Value]] | None = None
    """The values given for the quantity and layer asked, from what the walk gives."""

    is_layered: bool = field(init=False)
    """Whether it replaces a rule of a layer."""
    moves: bool = field(init=False)
    """Whether it may change a shape, or the layer that the counts are of."""

    def __post_init__(self) -> None:
        moves = any((self.source, self.op, self.shape))
        object.__setattr__(self, "moves", moves)
        object.__setattr__(self, "is_layered", moves or any((self.count, self.work, self.slide, self.narrow)))


_Result = TypeVar("_Result")


class Subject:
    """A network with what is true of it; keep one for all the answers that are graded against it."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.nodes = graph.nodes
        self.shapes: list[Sizes] = [node.output.shape for node in graph.nodes]
        self._kinds: dict[tuple[type[Op], ...], tuple[int, ...]] = {}
        self._sites: dict[Mistake, tuple[int, ...]] = {}
        self._scopes: dict[str | None, tuple[int, ...]] = {}
        self._known: dict[tuple[Any, ...], Any] = {}
        self._facts: dict[str, Any] = {}
        self.sums: dict[tuple[str, str | None], tuple[Number, dict[int, Number]]] = {}
        """By quantity and layer the true sum, and what each node adds to it."""

    @cached_property
    def keeping(self) -> frozenset[int]:
        """The nodes that keep whatever shape they read."""
        return frozenset([n.index for n in self.nodes if type(n.op).output is Elementwise.output])

    @cached_property
    def is_open(self) -> bool:
        """Whether a size is left open, so that only what needs none can be told."""
        return self.graph.is_symbolic

    @cached_property
    def counts(self) -> list[Count]:
        """What each node brings."""
        return [self.count(node, node.op, self.inputs(node)) or NOTHING for node in self.nodes]

    @cached_property
    def macs(self) -> list[int]:
        return macs(self.graph)

    @cached_property
    def fields(self) -> list[Fields]:
        return receptive_fields(self.graph)

    @cached_property
    def users(self) -> list[list[int]]:
        """Per node the nodes that read it."""
        users: list[list[int]] = [[] for _ in self.nodes]
        for node in self.nodes:
            for i in node.inputs:
                users[i].append(node.index)
        return users

    @cached_property
    def windows(self) -> list[tuple[Window, ...]]:
        """Per node the window on each of its inputs."""
        return [n.op.windows(self.graph.types(n), n.output) if n.inputs else () for n in self.nodes]

    @cached_property
    def _inputs(self) -> list[tuple[Sizes, ...]]:
        return [tuple([self.shapes[i] for i in node.inputs]) for node in self.nodes]

    def inputs(self, node: Node) -> tuple[Sizes, ...]:
        """Return the shapes of what a node reads."""
        return self._inputs[node.index]

    def of(self, classes: tuple[type[Op], ...]) -> tuple[int, ...]:
        """Return the nodes whose ops are of one of the classes."""
        found = self._kinds.get(classes)
        if found is None:
            found = self._kinds[classes] = tuple([n.index for n in self.nodes if isinstance(n.op, classes)])
        return found

    def sites(self, mistake: Mistake) -> tuple[int, ...]:
        """Return the nodes that a mistake may be made at."""
        found = self._sites.get(mistake)
        if found is None:
            where = mistake.where
            on = self.of(mistake.on)
            found = on if where is None else tuple([i for i in on if where(self, self.nodes[i])])
            self._sites[mistake] = found
        return found

    def scope(self, layer: str | None) -> tuple[int, ...]:
        """Return the nodes of a layer or a block, or all of them.

        Raises:
            ValueError: there is no such layer.
        """
        found = self._scopes.get(layer)
        if found is None:
            if layer is None:
                found = tuple(range(len(self.nodes)))
            else:
                below = f"{layer}."
                named = [n.index for n in self.nodes if layer in (n.id, n.path) or n.path.startswith(below)]
                found = tuple(named)
            if not found:
                raise ValueError(f"the network has no layer `{layer}`")
            self._scopes[layer] = found
        return found

    def end(self, layer: str | None) -> int:
        """Return the node whose output a layer, a block or the network gives.

        Raises:
            ValueError: there is no such layer, or several outputs.
        """
        if layer is not None:
            scope, block = self.scope(layer), self._blocks.get(layer)
            return scope[-1] if block is None else block
        outputs = [n for name, n in self.graph.outputs.items() if name not in self.graph.training_outputs]
        if len(outputs) != 1:
            raise ValueError(f"the network has {len(outputs)} outputs: ask about a layer")
        return outputs[0].index

    @cached_property
    def _blocks(self) -> dict[str, int]:
        """By path the node that a block gives, which need not be its last; none where it gives several."""
        found: dict[str, int] = {}
        pending = [self.graph.root]
        while pending:
            one = pending.pop()
            if one.path and one.result is not None:
                found[one.path] = one.result.index
            pending.extend(child for child in one.children if isinstance(child, Instance))
        return found

    def before(self, node: Node) -> Node:
        """Return the nearest node before this one that does more than work element by element."""
        while True:
            node = self.nodes[node.inputs[0]]
            if len(node.inputs) != 1 or not self.is_elementwise(node):
                return node

    def is_elementwise(self, node: Node) -> bool:
        """Tell whether a node keeps its input's shape and reads one position each."""
        types = self.graph.types(node)
        return len(types) == 1 and types[0] == node.output and node.op.window(types, node.output) is SAME

    def output(self, op: Op, inputs: tuple[Sizes, ...]) -> Sizes | None:
        """Return the shape that an op gives, or nothing where it cannot take these inputs."""
        if self.is_open:
            return None  # an op asked about open sizes would write down what they must satisfy
        if _has_fraction(inputs) and not isinstance(op, ANY_SIZE):
            return None
        return self._once("output", op, inputs, lambda: op.output(*map(TensorType, inputs)).shape)

    def count(self, node: Node, op: Op, inputs: tuple[Sizes, ...]) -> Count | None:
        """Return the numbers that a layer brings; a later call of a shared module brings none."""
        if node.call or not op.stateful:
            return NOTHING
        return self._once("count", op, inputs, lambda: _count(op, inputs))

    def work(self, op: Op, inputs: tuple[Sizes, ...], output: Sizes) -> Number | None:
        """Return the multiply-adds of an op on these inputs."""
        types = tuple(map(TensorType, inputs))
        found: Number | None = self._once("work", op, (*inputs, output), lambda: op.macs(types, TensorType(output)))
        return found

    def _once(self, rule: str, op: Op, inputs: tuple[Any, ...], compute: Callable[[], _Result]) -> _Result | None:
        key = (rule, id(op), inputs)
        if key not in self._known:
            try:
                found: _Result | None = compute()
            except (ShapeError, ArgumentError):
                found = None
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            self._known[key] = found, op  # with the op, whose id is then nobody else's
        result: _Result | None = self._known[key][0]
        return result

    def remember(self, name: str, compute: Callable[[Subject], Any]) -> Any:
        """Return what a row finds out about the whole network, found out once."""
        if name not in self._facts:
            self._facts[name] = compute(self)
        return self._facts[name]

    def altered(self, op: Op, **arguments: Any) -> Op:
        """Return an op with other arguments; raises `ArgumentError` where it cannot have them."""
        key = ("altered", id(op), tuple(arguments.items()))
        if key not in self._known:
            self._known[key] = type(op)(**op.non_defaults() | arguments), op
        made: Op = self._known[key][0]
        return made


def _count(op: Op, inputs: tuple[Sizes, ...]) -> Count:
    types = tuple(map(TensorType, inputs))
    tensors = op.weights(*types)
    biases = sum([prod(shape) for name, shape in tensors.items() if name.endswith("bias")])
    weights = sum([prod(shape) for shape in tensors.values()]) - biases
    return Count(weights, biases, sum([prod(shape) for shape in op.buffers(*types).values() if shape]))


class Walk:
    """The network as a student has it who makes some mistakes, in every layer or in one, from given answers on.

    `given` are shapes that the student has answered, by node: they stand, whatever the rules say. `base` is the walk
    from the same answers without a mistake, where it is known; only what the mistakes move is then carried on.
    """

    def __init__(
        self,
        subject: Subject,
        mistakes: tuple[Mistake, ...] = (),
        only: int | None = None,
        given: Mapping[int, Sizes] | None = None,
        until: int | None = None,
        base: Walk | None = None,
    ) -> None:
        self.subject = subject
        self.mistakes = mistakes
        self.given = given or {}
        self.sites: dict[int, list[Mistake]] = {}
        self._inputs: dict[int, tuple[Sizes, ...] | None] = dict(base._inputs) if base else {}
        self._outputs: dict[int, Sizes | None] = dict(base._outputs) if base else {}
        self._ops: dict[int, Op | None] = {}
        for mistake in mistakes:
            if mistake.is_layered:
                for i in subject.sites(mistake) if only is None else (only,):
                    self.sites.setdefault(i, []).append(mistake)
        moving = [i for i, found in self.sites.items() if any(m.moves for m in found)]
        first = moving if base else [*moving, *self.given]
        if first:
            self._follow(min(first), len(subject.nodes) if until is None else until + 1, base is not None)

    @property
    def touched(self) -> set[int]:
        """The nodes that may count another number than in truth."""
        return self.sites.keys() | self._inputs.keys()

    def output(self, index: int) -> Sizes | None:
        """Return the shape that the student has for the output of a node."""
        return self._outputs.get(index, self.subject.shapes[index])

    def inputs(self, index: int) -> tuple[Sizes, ...] | None:
        """Return the shapes that the student has for what a node reads; nothing where one cannot be told."""
        return self._inputs[index] if index in self._inputs else self.subject.inputs(self.subject.nodes[index])

    def count(self, index: int) -> Count | None:
        """Return what the student counts in a node; nothing where it cannot be told."""
        node = self.subject.nodes[index]
        if index not in self.sites and not node.op.stateful:
            return NOTHING
        place = self._place(index)
        if place is None:
            return None
        count = self.subject.count(place.node, place.op, place.inputs)
        applied: Count | None = self._apply(index, place, count, "count")
        return applied

    def work(self, index: int) -> Number | None:
        """Return the multiply-adds that the student has for a node."""
        if type(self.subject.nodes[index].op).macs is Op.macs:
            return 0
        place = self._place(index)
        if place is None or place.output is None:
            return None
        work = self.subject.work(place.op, place.inputs, place.output)
        applied: Number | None = self._apply(index, place, work, "work")
        return applied

    def elements(self, index: int) -> Number | None:
        """Return how many numbers the student has in the output of a node."""
        output = self.output(index)
        return None if output is None or TensorType(output).is_symbolic else prod(output)

    def _apply(self, index: int, place: Place, result: Any, rule: str) -> Any:
        """Return a result with the rules of the mistakes made here in place of the true one."""
        try:
            for mistake in self.sites.get(index, ()):
                replaced = getattr(mistake, rule)
                if replaced and result is not None:
                    result = replaced(place, result)
        except (ShapeError, ArgumentError):
            return None
        return result

    def _place(self, index: int) -> Place | None:
        subject = self.subject
        node = subject.nodes[index]
        inputs = self.inputs(index)
        op = self._ops.get(index, node.op)
        if inputs is None or op is None:
            return None
        return Place(subject, node, op, inputs, self.output(index))

    def _follow(self, start: int, stop: int, is_based: bool) -> None:
        """Carry shapes from the first node that is touched to the last that is asked about."""
        outputs, sites, shapes, keeping = self._outputs, self.sites, self.subject.shapes, self.subject.keeping
        moved = set[int]()
        for node in self.subject.nodes[start:stop]:
            index = node.index
            found = sites.get(index, ())
            source = node.inputs
            if found:
                for mistake in found:
                    if mistake.source:
                        source = mistake.source(self.subject, node)
            elif (is_based or index not in self.given) and moved.isdisjoint(source):
                continue
            known = [outputs[i] if i in outputs else shapes[i] for i in source]
            if None in known:
                inputs, output = None, None
            else:
                inputs = tuple([shape for shape in known if shape is not None])
                if found:
                    output = self._made(node, inputs, found)
                elif node.index in keeping:
                    output = inputs[0]
                else:
                    output = self.subject.output(node.op, inputs)
            self._inputs[index] = inputs
            if index in self.given:
                output = self.given[index]
            if output != outputs.get(index, shapes[index]):
                moved.add(index)
            if output != shapes[index]:
                outputs[index] = output
            else:
                outputs.pop(index, None)

    def _made(self, node: Node, inputs: tuple[Sizes, ...], found: Iterable[Mistake]) -> Sizes | None:
        """Return the shape of a node by its own rule or the one that replaces it."""
        subject = self.subject
        place = Place(subject, node, node.op, inputs)
        try:
            for mistake in found:
                if mistake.op:
                    self._ops[node.index] = None  # which it stays where the layer cannot have these arguments
                    place.op = self._ops[node.index] = mistake.op(place)
            if place.op is node.op and inputs == subject.inputs(node):
                place.output = subject.shapes[node.index]
            else:
                place.output = subject.output(place.op, inputs)
            for mistake in found:
                if mistake.shape:
                    place.output = mistake.shape(place)
        except (ShapeError, ArgumentError):
            return None
        return _followed(place.output)


def _followed(output: Sizes | None) -> Sizes | None:
    """Return a shape with its whole sizes as integers; nothing where one is too large to go on with."""
    if output is None:
        return None
    if _has_fraction((output,)):
        output = tuple([whole(size) for size in output])
    for size in output:
        if type(size) is not int and isinstance(size, Symbolic):
            continue
        if size > LARGEST:
            return None
    return output


def _has_fraction(shapes: tuple[Sizes, ...]) -> bool:
    """Tell whether a size is a fraction, which no true one is."""
    for shape in shapes:
        for size in shape:
            if type(size) is Fraction:
                return True
    return False


def whole(number: Any) -> Any:
    """Return a fraction without a remainder as an integer."""
    return number.numerator if isinstance(number, Fraction) and number.denominator == 1 else number


def owns_storage(node: Node) -> bool:
    """Tell whether the output of a node is a tensor of its own, and not a view of another."""
    return bool(node.inputs) and node.op.storage is Storage.NEW
