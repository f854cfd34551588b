"""Syntax tree to instances and graph: one model of a file, with its parameters and input sizes filled in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from archdsl.diagnostics import Diagnostic, SpecError, closest
from archdsl.elaborate.construction import TooMany, signature
from archdsl.elaborate.expressions import Expressions
from archdsl.elaborate.library import Library, Module
from archdsl.elaborate.naming import Children
from archdsl.elaborate.statements import Outputs, Statements
from archdsl.elaborate.values import POISON, BlockValue, LayerValue, Problem, Scope, Value, show
from archdsl.graph import Feed, Graph, Instance, Node
from archdsl.lang import ast
from archdsl.lang.parser import Spec
from archdsl.ops import OPS, ArgumentError
from archdsl.rules import limits, names, shapes, structure
from archdsl.sizes import Condition, Size, Symbolic, symbol
from archdsl.source import Source, Span
from archdsl.tensors import TensorType

__all__ = ["Elaboration", "Library", "Module", "Request", "UsageError", "elaborate", "model_parameters", "value_of"]

LARGEST_SIZE = 2**31
BATCH = ("N", "B", "None", "n", "b", "batch", "batch_size", "bs")
NO_BATCH = "the batch is no part of a shape: `[3, 224, 224]`; an open size has a name, `[3, H, W]`"
MOST_AXES = 16
"""Of an input; images have three, and videos four."""


class UsageError(ValueError):
    """What was asked for does not exist: a model, a parameter, an input. Carries what may have been meant."""

    def __init__(self, message: str, help: str | None = None) -> None:
        super().__init__(message)
        self.help = help


@dataclass(frozen=True)
class Request:
    """Which model of a file, with which parameters and sizes.

    `parameters` are values of Python, or syntax trees as `-D` and `test` give them. `sizes` are by the name of
    the symbol, `shapes` by the name of the input (`""` for the only one).
    """

    model: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)
    shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    open_sizes: bool = False
    """Whether sizes with a default are left open all the same."""


@dataclass(frozen=True)
class Elaboration:
    """What became of a request: the graph as far as it could be built, and everything that was found."""

    graph: Graph
    diagnostics: tuple[Diagnostic, ...]
    symbols: Mapping[str, Symbolic]
    """Input sizes that were left open, with what they must satisfy."""
    stated: tuple[Condition, ...]
    """What the model's own `require` statements say of them."""
    reached: frozenset[int]
    """Identities of the definitions that were put to use."""
    refused: Mapping[str, tuple[Size, ...]] = field(default_factory=dict)
    """Shapes of inputs that have a size below 1, as they were asked for."""


def elaborate(module: Module, request: Request) -> Elaboration:
    """Build a model. Problems are collected; the graph holds what could be built in spite of them.

    Raises:
        UsageError: there is no such model, parameter, symbol or input.
    """
    return _Model(module, request).build()


def model_parameters(module: Module, name: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the names of a model's parameters and of the symbols of its inputs."""
    found = model_chain(module, name)
    if found is None:
        return (), ()
    _, definition, _ = found
    known = {p.name for p in definition.parameters}
    symbols = dict.fromkeys(
        dim.value.name
        for statement in definition.body
        if isinstance(statement, ast.Input)
        for dim in statement.shape or ()
        if isinstance(dim.value, ast.Name) and dim.value.name not in known
    )
    return tuple(p.name for p in definition.parameters), tuple(symbols)


def value_of(name: str, text: str) -> Any:
    """Return the value of an expression given outside a file, as by `-D name=text`; a name stays a text.

    Raises:
        SpecError: it is no expression, or has no value.
    """
    spec = Spec(Source(f"-D {name}", text))
    spec.problems.clear()  # it is an expression, not a file of definitions
    tree = spec.expression()
    if tree is None:
        raise SpecError(tuple(spec.problems))
    if isinstance(tree, ast.Name):
        return tree.name
    module = Module(spec, None, Library())
    root = Instance("", "model", spec.source, tree, None)
    scope = Scope({}, module, root, set(), {}, Children(root, sequence=False))
    try:
        if isinstance(tree, ast.Call) and tree.name in OPS and OPS[tree.name].is_module:
            return _layer(tree, scope)
        return _Constants().evaluate(tree, scope)
    except Problem as problem:
        raise SpecError((problem.diagnostic,)) from None
    except RecursionError:
        message = "the expression is nested too deeply to be evaluated"
        raise SpecError((Diagnostic(limits.TOO_DEEP, message, tree.span(spec.source)),)) from None


def _layer(node: ast.Call, scope: Scope) -> LayerValue:
    """Return a layer with its arguments, as by `-D norm="GroupNorm(32)"`."""
    kind, constants = OPS[node.name], _Constants()
    given = [(argument.name, constants.evaluate(argument.value, scope)) for argument in node.arguments]
    try:
        op = kind(*[v for name, v in given if name is None], **{name: v for name, v in given if name is not None})
    except ArgumentError as error:
        help = f"the layer is {kind.signature()}"
        raise constants.problem(names.BAD_ARGUMENT, f"`{kind.name}`: {error}", node, scope, help=help) from None
    return LayerValue(kind, op)


class _Spoiled(Exception):
    """A size that failed before, and has been reported."""


class _Constants(Expressions):
    """Evaluates what needs no file."""

    def global_name(self, name: str, scope: Scope) -> Value:
        return None

    def pipe(self, node: ast.Pipe, scope: Scope) -> Value:
        raise self.problem(structure.NOT_A_TENSOR, "a parameter is no tensor", node, scope)

    def tensor_function(self, node: ast.Call, scope: Scope) -> Value:
        raise self.problem(structure.NOT_A_TENSOR, "a parameter is no tensor", node, scope)


def model_chain(module: Module, name: str) -> tuple[Module, ast.Definition, list[tuple[Module, ast.Alias]]] | None:
    """Follow aliases to the model that they stand for; the innermost alias comes first in the list."""
    aliases: list[tuple[Module, ast.Alias]] = []
    while len(aliases) < 32:
        found = module.definition(name)
        if found is None:
            return None
        module, tree = found
        if isinstance(tree, ast.Definition):
            return (module, tree, aliases[::-1]) if tree.kind == "model" else None
        if not isinstance(tree, ast.Alias) or any(tree is seen for _, seen in aliases):
            return None
        aliases.append((module, tree))
        name = tree.base
    return None


class _Model(Statements):
    """Builds one model."""

    def __init__(self, module: Module, request: Request) -> None:
        super().__init__()
        self.module = module
        self.request = request
        self.symbols: dict[str, Symbolic] = {}
        self.feeds: dict[str, Node] = {}
        self.refused: dict[str, tuple[Size, ...]] = {}

    def build(self) -> Elaboration:
        request = self.request
        found = model_chain(self.module, request.model)
        if found is None:
            return self._unresolved()
        module, definition, aliases = found
        root = Instance("", "model", module.source, definition, None, definition)
        children = Children(root, sequence=False)
        scope = Scope({}, module, root, set(), self.file_defaults(module), children)
        outputs = Outputs()
        parameters, symbols = model_parameters(self.module, request.model)
        self._check_request(definition, parameters, symbols)
        try:
            arguments = self._arguments(BlockValue(definition, module, 0), aliases, scope)
            scope.values.update(arguments)
            root.arguments = arguments
            scope.constants.update(arguments)
            self._active.append(definition)
            for statement in definition.body:
                if type(statement) is ast.Input:
                    self._enter(statement, scope)
                else:
                    self.attempt(statement, scope, outputs)
            self.finish(definition, scope, outputs)
            if not self.feeds:
                message = f"`{definition.name}` has no input"
                help = "begin with `input image: [3, H, W]`"
                span = definition.name_span(module.source)
                self.report(Diagnostic(structure.NO_INPUT_SHAPE, message, span, help=help))
        except Problem as problem:
            self.report(problem.diagnostic)
        except TooMany:
            pass
        except RecursionError:
            message = "an expression is nested too deeply to be evaluated"
            span = definition.name_span(module.source)
            self.report(Diagnostic(limits.TOO_DEEP, message, span))
        return self._elaboration(root, outputs)

    def _unresolved(self) -> Elaboration:
        """Return an empty network where the model's text is broken; a name that does not exist is misuse."""
        name = self.request.model
        known = self.module.models
        if name not in known:
            close = closest(name, known)
            help = f"did you mean `{close}`?" if close else f"there are {', '.join(known)}" if known else None
            raise UsageError(f"there is no model `{name}` in {self.module.source.name}", help)
        item = self.module.items[name]
        tree = self.module.spec.parse(item)
        if isinstance(tree, ast.Alias) and not self.module.is_broken(name):
            message = f"`{tree.base}` is no model of this file"
            close = closest(tree.base, (m for m in known if m != name))
            new = f"a model of its own has a body: `model {name} {{ input x: [3, H, W]  output x -> ... }}`"
            help = f"did you mean `{close}`?" if close else new
            if tree.base in self.module.spec.named("block", "seq"):
                message = f"`{tree.base}` is no model but a part of one"
                help = f"write `model {name} {{ input x: [3, H, W]  output x -> part: {tree.base}(...) }}`"
            start = self.module.source.text.index(tree.base, tree.name_start + len(tree.name))
            span = Span(self.module.source, start, start + len(tree.base))
            if not self.module.is_broken(tree.base):
                self.report(Diagnostic(names.UNKNOWN_MODEL, message, span, help=help))
        nowhere = ast.Hole(item.start, item.end)
        root = Instance("", "model", self.module.source, nowhere, None)
        return self._elaboration(root, Outputs())

    def _check_request(self, definition: ast.Definition, parameters: tuple[str, ...], symbols: tuple[str, ...]) -> None:
        for name in self.request.parameters:
            if name not in parameters:
                if name in symbols:
                    raise UsageError(f"a size is a whole number, as in -D {name}=224")
                known = [*parameters, *symbols]
                close = closest(name, known)
                help = f"did you mean `{close}`?" if close else f"there are {', '.join(known) or 'none'}"
                raise UsageError(f"`{self.request.model}` has no parameter or size `{name}`", help)
        for name, size in self.request.sizes.items():
            if name not in symbols:
                help = f"its sizes are {', '.join(symbols)}" if symbols else "its input sizes are fixed"
                raise UsageError(f"`{self.request.model}` leaves no size `{name}` open", help)
            if size > LARGEST_SIZE:
                raise UsageError(f"the size {name} = {size} is outside 1 to {LARGEST_SIZE}")
        inputs = [s.name for s in definition.body if isinstance(s, ast.Input)]
        for name in self.request.shapes:
            if (name and name not in inputs) or (not name and len(inputs) > 1):
                help = f"the inputs are {', '.join(inputs)}"
                raise UsageError(f"`{self.request.model}` has no input `{name}`" if name else "which input?", help)

    def _arguments(self, block: BlockValue, aliases: list[tuple[Module, ast.Alias]], scope: Scope) -> dict[str, Value]:
        """Return the model's parameters: defaults, then what aliases say, then what was asked for."""
        definition = block.definition
        parameters = {parameter.name: parameter for parameter in definition.parameters}
        values: dict[str, Value] = {}
        given: dict[str, tuple[Any, ast.Syntax, Scope]] = {}
        for module, alias in aliases:
            there = Scope({}, module, scope.instance, set(), {}, scope.children)
            for name, argument in self.bind_names(definition, alias, there).items():
                given[name] = (self.argument(argument.value, parameters[name], there), argument, there)
        here = Scope({}, self.module, scope.instance, set(), {}, scope.children)
        for name, value in self.request.parameters.items():
            if isinstance(value, ast.Syntax):
                given[name] = (self.argument(value, parameters[name], here), value, here)
            else:
                given[name] = (self._from_python(value, here), definition, scope)
        inner = Scope(values, block.module, scope.instance, set(), {}, scope.children)
        for parameter in definition.parameters:
            if parameter.name in given:
                value, place, where = given[parameter.name]
            elif parameter.default is not None:
                value, place, where = self.argument(parameter.default, parameter, inner), parameter, inner
            else:
                message = f"`{definition.name}` needs a value for `{parameter.name}: {parameter.type}`"
                help = f"give it by `-D {parameter.name}=...`; it is {signature(definition, block.module.source.text)}"
                raise self.problem(names.BAD_ARGUMENT, message, parameter, scope, help=help)
            values[parameter.name] = value if value is POISON else self.checked(value, parameter, place, where)
        return values

    def _from_python(self, value: Any, scope: Scope) -> Value:
        if isinstance(value, list | tuple):
            return tuple(self._from_python(v, scope) for v in value)
        if isinstance(value, str):
            found = self.global_name(value, scope)
            if found is None and value in OPS and OPS[value].is_module:
                return LayerValue(OPS[value])
            return found if type(found) is BlockValue else value
        return value

    # Inputs.

    def _enter(self, statement: ast.Input, scope: Scope) -> None:
        """Enter an input of the model with the sizes asked for, its defaults, or symbols."""
        try:
            self._new_input(statement, scope)
            asked = self.request.shapes.get(statement.name, self.request.shapes.get("", ()))
            if statement.shape is None and not asked:
                message = f"the input `{statement.name}` of a model needs a shape"
                help = f"write `input {statement.name}: [3, H, W]`; sizes may be left open, channels may not"
                raise self.problem(structure.NO_INPUT_SHAPE, message, statement, scope, help=help)
            if len(asked or statement.shape or ()) > MOST_AXES:
                message = f"`{statement.name}` has more than {MOST_AXES} axes"
                raise self.problem(limits.TOO_LONG, message, statement, scope)
            sizes: tuple[Size, ...] = asked or tuple([self._size(dim, scope) for dim in statement.shape or ()])
            if any(isinstance(size, int) and size < 1 for size in sizes):
                self.refused[statement.name] = sizes
                raise self._too_small(statement, sizes, scope)
            node = Node(
                len(self.nodes), statement.name, 0, Feed(), (), TensorType(sizes), statement, scope.instance, False
            )
            if isinstance(sizes[0], Symbolic):
                message = f"the channels of `{statement.name}` are left open, and weights depend on them"
                help = _without_batch(statement, sizes, scope) or "give a number or a parameter"
                raise self.problem(shapes.SIZE_NEEDED, message, statement, scope, help=help)
            self.nodes.append(node)
            self.feeds[statement.name] = node
            scope.values[statement.name] = node
            scope.children.labels[statement.name] = statement
            if statement.shape is not None:
                self.match(statement.shape, node, scope, statement.name)
        except Problem as problem:
            self.report(problem.diagnostic)
            self._poison_input(statement, scope)
        except _Spoiled:
            self._poison_input(statement, scope)

    def _poison_input(self, statement: ast.Input, scope: Scope) -> None:
        scope.values.setdefault(statement.name, POISON)
        self.feeds.setdefault(
            statement.name, Node(0, statement.name, 0, Feed(), (), TensorType(()), statement, scope.instance, False)
        )
        for dim in statement.shape or ():
            if isinstance(dim.value, ast.Name):
                scope.values.setdefault(dim.value.name, POISON)

    def _size(self, dim: ast.Dim, scope: Scope) -> Size:
        node = dim.value
        if isinstance(node, ast.Name) and node.name not in scope.values:
            if node.name in self.request.sizes:
                return self.request.sizes[node.name]
            if node.name in self.symbols:
                return self.symbols[node.name]
            if dim.default is None or self.request.open_sizes:
                made = self.symbols[node.name] = symbol(node.name)
                return made
            node = dim.default
        value = self.evaluate(node, scope)
        if value is POISON:
            raise _Spoiled
        if type(value) is Symbolic or (type(value) is int and value <= LARGEST_SIZE):
            return value
        most = f", at most {LARGEST_SIZE:,}" if type(value) is int else ""
        message = f"a size is a whole number from 1 up{most}, not {show(value)}"
        raise self.problem(shapes.PATTERN_MISMATCH, message, node, scope, help=NO_BATCH if value is None else None)

    def _too_small(self, statement: ast.Input, sizes: tuple[Size, ...], scope: Scope) -> Problem:
        """Return what to say of the first size of an input that is below 1."""
        axis, size = next((i, n) for i, n in enumerate(sizes) if isinstance(n, int) and n < 1)
        message = f"a size is a whole number from 1 up, not {size}"
        help = NO_BATCH if size == -1 and not self.request.shapes else None
        place: ast.Syntax = statement
        if statement.shape is not None and len(statement.shape) == len(sizes):
            dim = statement.shape[axis]
            place = dim.value
            if isinstance(place, ast.Name):
                message = f"the size {place.name} of `{statement.name}` is a whole number from 1 up, not {size}"
                if not self.request.shapes and place.name not in self.request.sizes:
                    place = dim.default or place
            declared = scope.values.get(dim.value.name) if isinstance(dim.value, ast.Name) else dim.value
            declared = declared.value if isinstance(declared, ast.Literal) else declared
            if axis == 0 and type(declared) is int and declared > 0:
                help = f"the first number is of channels, and `{statement.name}` has {declared}"
        return self.problem(shapes.PATTERN_MISMATCH, message, place, scope, help=help)

    # The graph.

    def _elaboration(self, root: Instance, outputs: Outputs) -> Elaboration:
        named = {k: v for k, v in {**outputs.named, **outputs.training}.items() if type(v) is Node}
        regular = [v for v in outputs.named.values() if type(v) is Node]
        training = [v for v in outputs.training.values() if type(v) is Node]
        graph = Graph(
            self.request.model,
            root,
            self.nodes,
            {name: node for name, node in self.feeds.items() if node.output.shape},
            named,
            frozenset(outputs.training),
            self._of_training(training, regular) if training else frozenset(),
        )
        library = self.module.library
        problems = tuple(d for d in self.problems.values() if not library.follows_from_syntax(d.span))
        reached = frozenset(self._blocks)
        return Elaboration(graph, problems, self.symbols, tuple(self.stated), reached, self.refused)

    def _of_training(self, training: list[Node], regular: list[Node]) -> frozenset[int]:
        """Return the nodes that evaluation leaves out; a block that it calls is run as a whole, on all its inputs."""
        nodes = self.nodes
        left_out = self._ancestors(training) - self._ancestors(regular)
        while True:
            kept = (node for node in nodes if node.index not in left_out)
            running = {id(one): one for node in kept for one in _modules_around(node)}
            needed = [nodes[i] for i in left_out if any(id(one) in running for one in _modules_around(nodes[i]))]
            needed += [feed for one in running.values() for feed in one.feeds if feed.index in left_out]
            if not needed:
                return frozenset(left_out)
            left_out -= self._ancestors(needed)

    def _ancestors(self, nodes: list[Node]) -> set[int]:
        seen: set[int] = set()
        pending = [node.index for node in nodes]
        while pending:
            index = pending.pop()
            if index not in seen:
                seen.add(index)
                pending.extend(self.nodes[index].inputs)
        return seen


def _without_batch(statement: ast.Input, sizes: tuple[Size, ...], scope: Scope) -> str | None:
    """Return the input without the batch, where its first size looks like one."""
    dims = statement.shape or ()
    named = bool(dims) and isinstance(dims[0].value, ast.Name) and dims[0].value.name in BATCH
    picture = len(sizes) == 4 and sizes[1] in (1, 3)
    if len(dims) < 2 or not isinstance(sizes[1], int) or not (named or picture):
        return None
    rest = ", ".join(dim.span(scope.module.source).text for dim in dims[1:])
    return f"the batch is no part of a shape: write `input {statement.name}: [{rest}]`"


def _modules_around(node: Node) -> Iterator[Instance]:
    """Yield the modules within the model that run as a whole, and a node with them."""
    around: Instance | None = node.instance
    while around is not None and around.parent is not None:
        if around.kind != "list":
            yield around
        around = around.parent
