"""Parameters, multiply-adds and activation memory as exact functions of the input sizes.

The rules are those of the ops, asked with polynomials for sizes. The peak of memory is the largest of many functions;
it is one of them from some size on, along one residue of each symbol (`peak_form`), and can be had at any sizes.

Memory is by the model of `archdsl.analysis.memory`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import TypeVar

from archdsl.analysis.input_tail import multipliable
from archdsl.analysis.memory import DTYPES, last_uses
from archdsl.graph import Graph, Node
from archdsl.ops import Op, Storage
from archdsl.sizes.polynomials import Number, Polynomial, Residues, moved, total, value
from archdsl.tensors import TensorType

_Amount = TypeVar("_Amount", int, Polynomial)

FARTHEST = 2**32
"""How far a peak is looked for that no other layer's memory passes any more."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """What comes into memory, when, and when it goes: the same at all input sizes, only the amounts differ."""

    run: tuple[int, ...]
    fed: frozenset[int]
    amounts: tuple[Number, ...]
    """The bytes that each node brings; 0 where it occupies its input's."""
    freed: Mapping[int, tuple[int, ...]]
    """Whose bytes go after a node."""
    scratch: Mapping[int, Number]
    copying: frozenset[int]
    """Nodes whose scratch takes the place of the input before the output is made."""

    def moments(self, known: Callable[[Number], _Amount], zero: _Amount) -> Iterator[tuple[int, _Amount]]:
        """Yield the bytes alive at each node; a node that works in two steps is told twice."""
        seen = {id(amount): amount for amount in self.amounts}
        told = {key: known(amount) for key, amount in seen.items()}
        amounts = [told[id(amount)] for amount in self.amounts]
        alive = zero
        for index in self.fed:
            alive = alive + amounts[index]
        for index in self.run:
            if index not in self.fed:
                alive = alive + amounts[index]
            gone = zero
            for other in self.freed.get(index, ()):
                gone = gone + amounts[other]
            here = alive
            if index in self.scratch:
                here = alive + known(self.scratch[index])
            if index in self.copying:
                own = amounts[index] if index in self.freed.get(index, ()) else zero
                yield index, here - amounts[index]
                here = here - (gone - own)
            yield index, here
            alive = alive - gone

    def peak(self, values: Mapping[str, int]) -> tuple[int, int]:
        """Return the most bytes alive at once at these sizes, and the node that runs then."""
        most, at = -1, 0
        for index, here in self.moments(lambda number: value(number, values), 0):
            if here > most:
                most, at = here, index
        return most, at


@dataclass(frozen=True, slots=True)
class PeakForm:
    """The peak in the variables of the residues, wherever each of them is at least `least`."""

    bytes: Polynomial
    node: int
    least: int


@dataclass(frozen=True, slots=True)
class Costs:
    """What a network costs at any input sizes, one forward pass in evaluation for the last three."""

    params: Polynomial
    """Learned numbers; they depend on the sizes where a linear layer follows a flattened map."""
    macs: Polynomial
    activations: Polynomial
    """The bytes of all layers' outputs together."""
    schedule: Schedule | None
    """`None` where whose memory an output occupies depends on the sizes."""

    def peak(self, values: Mapping[str, int]) -> tuple[int, int] | None:
        """Return the most bytes alive at once at these sizes, and the node that runs then."""
        return self.schedule.peak(values) if self.schedule else None


def costs(graph: Graph, shapes: Sequence[TensorType], batch: int, dtype: str) -> Costs:
    """Return the costs of a graph whose nodes have these shapes.

    Raises:
        ShapeError: one of them has no exact form.
    """
    itemsize = DTYPES[dtype]
    plain: dict[TensorType, TensorType] = {}
    for shape in shapes:
        if shape not in plain:
            plain[shape] = multipliable(shape)
    types = [plain[shape] for shape in shapes]
    evaluated = [node for node in graph.nodes if node.index not in graph.training_only]
    layers = [node for node in evaluated if node.index not in {fed.index for fed in graph.inputs.values()}]
    counted = Counter(shapes[node.index] for node in layers)
    activations = total(prod(plain[shape].shape) * (times * batch * itemsize) for shape, times in counted.items())
    return Costs(
        total(_params(graph, types)), total(_macs(evaluated, types)), activations,
        _schedule(graph, types, batch, itemsize),
    )  # fmt: skip


def _of(node: Node, types: Sequence[TensorType]) -> tuple[TensorType, ...]:
    return tuple([types[i] for i in node.inputs])


def _params(graph: Graph, types: Sequence[TensorType]) -> Iterator[Number]:
    for node in graph.nodes:
        if node.op.stateful and not node.call:
            for shape in node.op.weights(*_of(node, types)).values():
                yield prod(shape)


def _macs(nodes: Iterable[Node], types: Sequence[TensorType]) -> Iterator[Number]:
    known: dict[tuple[object, ...], Number] = {}
    for node in nodes:
        if type(node.op).macs is Op.macs:
            continue
        inputs = _of(node, types)
        key = (node.op, *map(id, inputs))
        if key not in known:
            known[key] = node.op.macs(inputs, types[node.index])
        yield known[key]


def _schedule(graph: Graph, types: Sequence[TensorType], batch: int, itemsize: int) -> Schedule | None:
    fed = frozenset(node.index for node in graph.inputs.values())
    run = [node for node in graph.nodes if node.index in fed or node.index not in graph.training_only]
    owners = _owners(graph, types)
    if owners is None or not run:
        return None
    unit, products = batch * itemsize, dict[int, Number]()
    amounts: list[Number] = []
    for node, x in zip(graph.nodes, types, strict=True):
        if owners[node.index] != node.index:
            amounts.append(0)
            continue
        if id(x) not in products:
            products[id(x)] = prod(x.shape) * unit
        amounts.append(products[id(x)])
    scratch = {}
    for node in run:
        if node.op.has_scratch:
            extra: Number = node.op.scratch(_of(node, types), types[node.index], itemsize)
            if not isinstance(extra, int) or extra:
                scratch[node.index] = extra * batch
    freed: defaultdict[int, list[int]] = defaultdict(list)
    for index, end in enumerate(last_uses(graph, run, owners)):
        if owners[index] == index:
            freed[end].append(index)
    copying = frozenset(i for i in scratch if graph.nodes[i].op.copies_input)
    gone = {index: tuple(others) for index, others in freed.items()}
    return Schedule(tuple(node.index for node in run), fed, tuple(amounts), gone, scratch, copying)


def _owners(graph: Graph, types: Sequence[TensorType]) -> list[int] | None:
    """Return for each node whose storage it occupies; `None` where that could depend on the sizes.

    It does where a map is merged into a vector that may lie otherwise than in order: PyTorch copies it then. What is
    cut out, or has its channels last, may; but one axis alone always lies in order.
    """
    owners: list[int] = []
    disordered: set[int] = set()
    for node in graph.nodes:
        index, kind = node.index, node.op.storage
        if kind is Storage.NEW:
            if node.op.channels_last or not disordered.isdisjoint(node.inputs):
                disordered.add(index)
            owners.append(index)
            continue
        source = node.inputs[0]
        before, after = types[source].shape, types[index].shape
        if kind is Storage.SLICE and before[1:] != after[1:]:
            disordered.add(index)
        elif source in disordered:
            if before != after and sum(size != 1 for size in before) > 1:
                return None
            disordered.add(index)
        owners.append(owners[source])
    return owners


def peak_form(schedule: Schedule, residues: Residues, least: int) -> PeakForm | None:
    """Return the peak as one function from some variables on, at least `least`; `None` where no layer stays ahead.

    One function is never below another where the difference, moved to the first variables that count, has no
    negative coefficient.
    """
    found: dict[Polynomial, int] = {}
    for index, here in schedule.moments(residues.along, Polynomial.of(0)):
        found.setdefault(here, index)
    far = {residue.variable.domain.name: FARTHEST for residue in residues.of.values()}
    best = max(found, key=lambda here: here.at(far))
    for here, index in found.items():
        gap, strictly = best - here, index < found[best]
        low = least
        while not _ahead(moved(gap, least), strictly=strictly):
            low, least = least + 1, 2 * least + 1
            if least > FARTHEST:
                return None
        while low < least:
            middle = (low + least) // 2
            if _ahead(moved(gap, middle), strictly=strictly):
                least = middle
            else:
                low = middle + 1
    return PeakForm(best, found[best], least)


def _ahead(gap: Polynomial, *, strictly: bool) -> bool:
    """Whether a difference is never negative from 0 on, and at 0 positive if it has to be."""
    if any(factor < 0 for factor in gap.terms.values()):
        return False
    return not strictly or not gap.terms or gap.terms.get((), 0) > 0
