"""Which input sizes a model takes, and everything that depends on them as an exact function of them.

The sizes of every input are opened, whether they have a default, are numbers, or neither, and the model is built with
symbols. What its layers demand is collected on the way: `H % 16 == 0` for a U-Net of depth 4, one bit per level.

A height and a width do not mix: each has its own requirement, and a layer that compares them needs numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cached_property

from archdsl.analysis.input_costs import Costs, PeakForm, costs, peak_form
from archdsl.analysis.input_opened import Opened, opened
from archdsl.analysis.input_tail import multipliable, shapes_with_tail
from archdsl.analysis.memory import DTYPES
from archdsl.diagnostics import Diagnostic, SpecError
from archdsl.elaborate import Elaboration, Module, Request, UsageError, elaborate
from archdsl.graph import Graph, Node
from archdsl.ops import Reach, Reads, Storage
from archdsl.ops.base import Elementwise
from archdsl.ops.sliding import UNITS
from archdsl.rules.shapes import SIZE_NEEDED
from archdsl.sizes import Condition, Domain, ShapeError, Size, Symbolic
from archdsl.sizes.flips import ALL, NONE, Flips
from archdsl.sizes.polynomials import Number, Polynomial, Residues, residues, value
from archdsl.tensors import TensorType, dims

MOST_ROWS = 1024
"""Residues that are looked through one by one."""
USUAL = 224
"""Where a size is looked for first that a model without a default is built at."""


@dataclass(frozen=True, slots=True)
class Demand:
    """What a layer asks of a size, as far as no layer before it asked for that; those of evaluation come first."""

    node: Node
    condition: Condition


@dataclass(frozen=True, slots=True)
class Fixed:
    """A layer with weights whose shape depends on the sizes, and the first of them.

    A module built at one size takes few others.
    """

    node: Node
    weight: str
    shape: tuple[Number, ...]


@dataclass(frozen=True, slots=True)
class Dropped:
    """Positions along one axis that a layer never reads, the last ones: those that the lint drops-rows tells."""

    node: Node
    unit: str
    lost: int
    of: int


@dataclass(frozen=True)
class Form:
    """Costs along one residue of each symbol, as polynomials in new variables: H = 32·h + 0."""

    residues: Residues
    params: Polynomial
    macs: Polynomial
    activations: Polynomial
    peak: PeakForm | None

    def from_sizes(self) -> dict[str, int]:
        """Return the sizes from which on the peak is as the form says."""
        least = self.peak.least if self.peak else 0
        return {domain.name: one.period * least + one.rest for domain, one in self.residues.of.items()}


@dataclass(frozen=True)
class InputSizes:
    """A model with open input sizes: what they must satisfy, and what follows from them."""

    source: str
    opening: Opened
    graph: Graph
    """Built with symbols, or at numbers where it goes on behind a flattened map; read its shapes from `shapes`."""
    shapes: tuple[TensorType, ...]
    """Of every node, by its index."""
    symbols: Mapping[str, Symbolic]
    stated: tuple[Condition, ...]
    """What the model's own `require` statements say."""
    given: Mapping[str, int]
    """The sizes that the model or the request has as numbers."""
    demands: tuple[Demand, ...]
    kept: Mapping[str, Condition]
    """Per symbol, the valid sizes at which no layer leaves rows or columns at the far end unread."""
    dropping: tuple[Node, ...]
    """Layers that leave some there unread at every size."""
    fixed: tuple[Fixed, ...]
    costs: Costs
    batch: int
    dtype: str

    def requirement(self, name: str) -> Condition:
        """Return which sizes of a symbol work."""
        return self.symbols[name].domain.requirement

    @cached_property
    def smallest(self) -> dict[str, int]:
        """The smallest size of each symbol that works."""
        found = {name: self.requirement(name).smallest() for name in self.symbols}
        return {name: size for name, size in found.items() if size is not None}

    @cached_property
    def in_evaluation(self) -> dict[str, Condition]:
        """Which sizes evaluation works with, by symbol, where training asks for more and that can be told apart."""
        if not self.graph.training_only:
            return {}
        alone, whole = self._demanded(self.graph.training_only), self._demanded(frozenset())
        return {
            name: alone[name] for name in alone if whole[name] == self.requirement(name) and alone[name] != whole[name]
        }

    def _demanded(self, left_out: frozenset[int]) -> dict[str, Condition]:
        found: dict[str, Condition] = {}
        conditions = [*self.stated, *(d.condition for d in self.demands if d.node.index not in left_out)]
        for name, size in self.symbols.items():
            found[name] = Condition(size.domain, [(1,)])
            for condition in conditions:
                if condition.domain is size.domain:
                    found[name] &= condition
        return found

    def works(self, values: Mapping[str, int]) -> bool:
        """Whether the model can be built at these sizes; of a size that is not among them nothing is asked."""
        return all(self.requirement(name).holds(values[name]) for name in self.symbols if name in values)

    def shape(self, node: Node, values: Mapping[str, int]) -> tuple[int, ...]:
        """Return the shape of a node at these sizes."""
        return tuple(value(size, values) for size in self.shapes[node.index].shape)

    def dropped(self, values: Mapping[str, int]) -> Iterator[Dropped]:
        """Yield what is left unread at these sizes, layer by layer."""
        for node in self.graph.layers:
            for unit, reads, size, positions in _windows(self.graph, self.shapes, node):
                whole = value(size, values)
                lost = _lost(reads, whole, value(positions, values))
                if isinstance(lost, int) and lost > _spare(reads):
                    yield Dropped(node, unit, lost, whole)

    def stepping(self) -> Iterator[Node]:
        """Yield the layers whose stride is larger than their kernel: they pass over positions between any two windows.

        Others may read those, as in a residual network; `archdsl.analysis.dead` says whether any does.
        """
        for node in self.graph.layers:
            if any(_spare(reads) for _, reads, _, _ in _windows(self.graph, self.shapes, node)):
                yield node

    def as_built(self, fixed: Fixed, name: str, values: Mapping[str, int]) -> Condition | None:
        """Return the sizes of one symbol at which a weight has the shape it has at these, the others kept.

        `None` where the sizes differ by more residues than are looked through.
        """
        found = self.requirement(name)
        rests = {one.domain: values[one.domain.name] for one in self.symbols.values()}
        for number in fixed.shape:
            if isinstance(number, Polynomial):
                sizes = _factors(number)
                period = residues(sizes, rests).of[found.domain].period
                if period > MOST_ROWS:
                    return None
                grows = [size for size in sizes if size.domain is found.domain and size.slope]
                rows = [
                    _equal(number, values, name, period, rest, row, grows=bool(grows)) if row else NONE
                    for rest, row in enumerate(self.requirement(name).over(period))
                ]
                found &= Condition(found.domain, rows)
        return found

    @cached_property
    def form(self) -> Form | None:
        """The costs along the residues of the given sizes, else of 0, else of the first that goes on for ever.

        `None` where only finitely many sizes work, or more residues than can be told apart.
        """
        rests: dict[Domain, int] = {}
        for name, size in self.symbols.items():
            rest = _endless(self.requirement(name), self.given.get(name))
            if rest is None:
                return None
            rests[size.domain] = rest
        sizes = {size for shape in self.shapes for size in shape.shape if isinstance(size, Symbolic)}
        sizes |= {size for fixed in self.fixed for number in fixed.shape for size in _factors(number)}
        try:
            rows = residues(sizes, rests)
        except ShapeError:
            return None
        along, schedule = rows.along, self.costs.schedule
        least = max((self._from(one.period, one.rest, domain) for domain, one in rows.of.items()), default=0)
        peak = peak_form(schedule, rows, least) if schedule else None
        return Form(rows, along(self.costs.params), along(self.costs.macs), along(self.costs.activations), peak)

    def _from(self, period: int, rest: int, domain: Domain) -> int:
        """Return the first q from which on every period·q + rest works."""
        return domain.requirement.row(period, rest)[-1]


def input_sizes(module: Module, request: Request, batch: int = 1, dtype: str = "float32") -> InputSizes:
    """Open the input sizes of a model and return what depends on them.

    Sizes that the request has by name stay at these numbers; shapes in it only say which sizes are given.

    Raises:
        SpecError: no size works, or the model cannot be built without numbers.
        UsageError: there is no such model, parameter, size or dtype.
    """
    if dtype not in DTYPES or batch < 1:
        said = f"there is no dtype `{dtype}`" if batch >= 1 else f"a batch is a whole number from 1 up, not {batch}"
        raise UsageError(said, f"there are {', '.join(DTYPES)}" if batch >= 1 else None)
    plain = elaborate(module, replace(request, open_sizes=False))
    opening = opened(module, request)
    begun = plain if opening.module is module and _all_open(plain, request) else opening.symbolic()
    given = numbers_given(begun, plain)
    try:
        graph, shapes = _complete(opening, begun, given)
    except SpecError as error:
        opening = opened(module, request, first_only=True)
        begun = opening.symbolic()
        given = numbers_given(begun, plain)
        try:
            graph, shapes = _complete(opening, begun, given)
        except SpecError:
            raise SpecError(_told(error.diagnostics, plain)) from None
    demands = demands_of(begun)
    kept, dropping = _kept(graph, shapes, begun.symbols)
    try:
        found = costs(graph, shapes, batch, dtype)
    except ShapeError as error:
        raise SpecError((_needs_number(graph, str(error)),)) from None
    return InputSizes(
        module.source.name, opening, graph, shapes, begun.symbols, begun.stated, given, demands, kept, dropping,
        tuple(_fixed(graph, shapes)), found, batch, dtype,
    )  # fmt: skip


def _all_open(plain: Elaboration, request: Request) -> bool:
    """Whether a model was built with every size open, so that to open them would build the same."""
    sizes = [size for node in plain.graph.inputs.values() for size in node.output.shape[1:]]
    return not plain.diagnostics and not request.shapes and all(isinstance(size, Symbolic) for size in sizes)


def _told(diagnostics: tuple[Diagnostic, ...], plain: Elaboration) -> tuple[Diagnostic, ...]:
    """Say of a model that works as it is written that it does."""
    if any(d.severity == "error" for d in plain.diagnostics) or plain.symbols:
        return diagnostics
    sizes = " and ".join(dims(node.output.shape) for node in plain.graph.inputs.values())
    said = f"at {sizes} the model works; what comes of other sizes cannot be told as a function of them"
    return tuple([replace(d, help=said) if d.rule is SIZE_NEEDED else d for d in diagnostics])


def numbers_given(begun: Elaboration, plain: Elaboration) -> dict[str, int]:
    """Return the number of each symbol where the model was built at numbers."""
    found: dict[str, int] = {}
    for name, node in begun.graph.inputs.items():
        fed = plain.graph.inputs.get(name)
        shape = fed.output.shape if fed else plain.refused.get(name, ())
        for size, number in zip(node.output.shape, shape, strict=False):
            for symbol, opened_size in begun.symbols.items():
                if size == opened_size and isinstance(number, int):
                    found.setdefault(symbol, number)
    return {name: found[name] for name in begun.symbols if name in found}


def _complete(opening: Opened, begun: Elaboration, given: Mapping[str, int]) -> tuple[Graph, tuple[TensorType, ...]]:
    """Return the whole graph with its shapes, also of what follows a flattened map."""
    errors = tuple(d for d in begun.diagnostics if d.severity == "error")
    problems = opening.module.library.problems
    if not errors and not problems:
        return begun.graph, tuple(node.output for node in begun.graph.nodes)
    if not problems and all(d.rule is SIZE_NEEDED for d in errors):
        built = opening.at(_somewhere(begun, given))
        failed = tuple(d for d in built.diagnostics if d.severity == "error")
        if failed:
            raise SpecError(failed if given.keys() == begun.symbols.keys() else errors)
        shapes = shapes_with_tail(begun.graph, built.graph)
        if shapes is not None:
            return built.graph, shapes
    raise SpecError((*problems, *errors))


def _somewhere(begun: Elaboration, given: Mapping[str, int]) -> dict[str, int]:
    """Return sizes that work, the given ones if they do."""
    found = {}
    for name, size in begun.symbols.items():
        below, above = size.domain.requirement.nearest(given.get(name, USUAL))
        found[name] = above or below or 1
    return found


def _needs_number(graph: Graph, message: str) -> Diagnostic:
    span = next(iter(graph.inputs.values())).span
    return Diagnostic(SIZE_NEEDED, message, span, help="give the sizes as numbers, and ask for an analysis there")


def demands_of(begun: Elaboration) -> tuple[Demand, ...]:
    """Return what each layer adds to what is asked of the sizes, by asking all of them once more from the start."""
    graph, domains = begun.graph, [size.domain for size in begun.symbols.values()]
    asked: set[tuple[object, ...]] = set()
    found: list[Demand] = []
    with ExitStack() as stack:
        for domain in domains:
            stack.enter_context(domain.afresh())
        for node in sorted(graph.layers, key=lambda node: node.index in graph.training_only):
            types = graph.types(node)
            if isinstance(node.op, Elementwise) or (node.op, types) in asked:
                continue
            asked.add((node.op, types))
            before = [len(domain.facts) for domain in domains]
            try:
                node.op.output(*types)
            except ShapeError:
                break  # a choice that only the model's own requirement decides; what is known till there is true
            for domain, count in zip(domains, before, strict=True):
                found.extend(Demand(node, fact) for fact in domain.facts[count:])
    return tuple(found)


_Read = tuple[str, Reads, Size, Size]


def _windows(graph: Graph, shapes: tuple[TensorType, ...], node: Node) -> Iterator[_Read]:
    """Yield per axis what a convolution or pool reads, of how many positions, and how many windows it has."""
    if node.op.storage is not Storage.NEW or isinstance(node.op, Elementwise):
        return
    types, output = tuple([shapes[i] for i in node.inputs]), shapes[node.index]
    window = node.op.window(types, output)
    if isinstance(window, Reach):
        return
    for unit, reads, size, positions in zip(UNITS[len(window)], window, types[0].spatial, output.spatial, strict=True):
        if reads is not None and len(reads.taps) == 1:
            yield unit, reads, size, positions


def _lost(reads: Reads, size: Size, positions: Size) -> Size:
    """Return how many positions lie behind the last that is read; fewer than none where that is in the padding."""
    return size - 1 - (reads.shift * (positions - 1) + reads.taps[0][-1])


def _spare(reads: Reads) -> int:
    """Return how many positions a stride may pass over at the end, as it does between any two windows."""
    taps = reads.taps[0]
    return max(0, reads.shift - (taps[-1] - taps[0] + 1))


def _kept(
    graph: Graph, shapes: tuple[TensorType, ...], symbols: Mapping[str, Symbolic]
) -> tuple[dict[str, Condition], tuple[Node, ...]]:
    """Return the sizes at which nothing is left unread, and the layers that leave something at every size."""
    found = {size.domain: size.domain.requirement for size in symbols.values()}
    known: dict[tuple[Reads, Size, Size], bool | Condition] = {}
    always: dict[int, Node] = {}
    for node in graph.layers:
        for _, reads, size, positions in _windows(graph, shapes, node):
            key = (reads, size, positions)
            if key not in known:
                known[key] = reads_all = _lost(reads, size, positions) <= _spare(reads)
                if isinstance(reads_all, Condition):
                    found[reads_all.domain] &= reads_all
            holds = known[key]
            if holds is False or (isinstance(holds, Condition) and holds.never):
                always[node.index] = node
    return {name: found[size.domain] for name, size in symbols.items()}, tuple(always.values())


def _fixed(graph: Graph, shapes: tuple[TensorType, ...]) -> Iterator[Fixed]:
    """Yield the weights that depend on the sizes: those of a linear layer behind a flattened map, or of a norm."""
    for node in graph.layers:
        if node.op.stateful and not node.call:
            for weight, shape in node.op.weights(*[multipliable(shapes[i]) for i in node.inputs]).items():
                if not all(isinstance(number, int) for number in shape):
                    yield Fixed(node, weight, shape)
                    break


def _factors(number: Number) -> set[Symbolic]:
    return {size for monomial in Polynomial.of(number).terms for size in monomial}


def _equal(
    number: Polynomial, values: Mapping[str, int], name: str, period: int, rest: int, valid: Flips, *, grows: bool
) -> Flips:
    """Return the q, from the first valid one on, for which a product is at period·q + rest what it is at `values`.

    From there on all of its sizes are positive and none falls; so those q lie together, or are all where none rises.
    """
    wanted = number.at(values)

    def first(least: int) -> int:
        """Return the first q from which it is at least so large, by halving; far out it is."""
        low = high = valid[0]
        while number.at({**values, name: period * high + rest}) < least:
            high = 2 * high + 1
        while low < high:
            middle = (low + high) // 2
            if number.at({**values, name: period * middle + rest}) < least:
                low = middle + 1
            else:
                high = middle
        return low

    if not grows:
        return ALL if number.at({**values, name: period * valid[0] + rest}) == wanted else NONE
    start, end = first(wanted), first(wanted + 1)
    return (start, end) if start < end else NONE


def _endless(requirement: Condition, given: int | None) -> int | None:
    """Return a residue of which all large sizes work: that of the given size, else 0, else the first."""
    rows = requirement.rows
    if given is not None and requirement.holds(given) and len(rows[given % len(rows)]) % 2:
        return given
    return next((rest for rest, row in enumerate(rows) if len(row) % 2), None)
