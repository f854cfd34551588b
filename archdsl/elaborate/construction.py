"""Syntax tree to instances and graph: every call becomes an instance or a node, shapes flowing as it goes.

Shapes have to be known here and not later, because blocks ask for them (`if c != width`). A block that is called
again with the same arguments on the same shapes is copied instead of being evaluated again, which makes deep
networks cheap.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from archdsl.diagnostics import Diagnostic, Label, closest, renaming
from archdsl.elaborate import cures
from archdsl.elaborate.expressions import MOST_STEPS, TENSOR_FUNCTIONS, Constant, Expressions
from archdsl.elaborate.library import Module, bundled_home
from archdsl.elaborate.naming import Children, numbered, usable, why_not_a_label
from archdsl.elaborate.pasted import Call as Written
from archdsl.elaborate.pasted import Meant, pasted, pasted_by_name
from archdsl.elaborate.values import (
    POISON,
    TYPES,
    BlockValue,
    Indexed,
    LayerValue,
    Problem,
    Scope,
    Shared,
    Value,
    cure,
    fits,
    show,
    type_name,
)
from archdsl.elaborate.words import (
    ELSEWHERE,
    INFERRED,
    NO_BLOCK,
    advice,
    as_operation,
    misnamed,
    unknown_argument,
)
from archdsl.graph import Call, Instance, Node
from archdsl.lang import ast
from archdsl.ops import OPS, Add, ArgumentError, Chunk, Concat, Crop, Multiply, Op, Scale, ShapeError, crop_like
from archdsl.rules import limits, names, shapes, structure
from archdsl.sizes import Condition, Symbolic

MOST_NODES = 250_000
DEEPEST = 100
"""Instances inside one another."""
MOST_PIECES = 1000
"""Into which `split` divides a tensor."""
CHANNELS = {"dim": (1, -3), "axis": (1, 3, -1, -3)}
"""How PyTorch and Keras count the axis of the channels."""
LONGEST_NAME = 200
"""Characters before an arrow that are searched for the name of what flows along it."""
LONGEST_PATH = 500
"""Characters of a path; every layer has one of its own."""


class TooMany(Exception):
    """The network is larger than is built; ends the construction."""


@dataclass(slots=True, frozen=True)
class Made:
    """What one call of a block made: ranges of nodes and instances, what fed it, and what came out."""

    start: int
    end: int
    first: int
    last: int
    steps: int
    feeds: tuple[Node, ...]
    result: Value


class Construction(Expressions):
    """Builds the nodes of one model; `statements.py` runs the bodies of its definitions."""

    def __init__(self) -> None:
        super().__init__()
        self.nodes: list[Node] = []
        self.instances: list[Instance] = []
        self.problems: dict[tuple[Any, ...], Diagnostic] = {}
        self.steps = 0
        self._active: list[ast.Definition] = []
        self._ops: dict[tuple[Any, ...], Op] = {}
        self._fixed_ops: dict[int, Op] = {}
        self._blocks: dict[int, BlockValue] = {}
        self._globals: dict[tuple[int, str], Value] = {}
        self._made: dict[tuple[Any, ...], Made] = {}

    # Problems.

    def report(self, diagnostic: Diagnostic) -> None:
        """Keep a diagnostic; one of the same place and kind is told once, with the other instances named."""
        key = _place_of(diagnostic)
        first = self.problems.get(key)
        if first is None:
            self.problems[key] = diagnostic
            return
        if first.fix is not None and first.fix.safe and diagnostic.fix != first.fix:
            self.problems[key] = first = replace(first, fix=diagnostic.fix)  # what one instance means, another does not
        if diagnostic.layer and diagnostic.layer not in (first.layer, *first.also) and len(first.also) < 4:
            self.problems[key] = replace(first, also=(*first.also, diagnostic.layer))

    def is_reported(self, diagnostic: Diagnostic) -> bool:
        """Return whether something of the kind has been said of this place."""
        return _place_of(diagnostic) in self.problems

    def step(self, node: ast.Syntax, scope: Scope, size: int = 1, nodes: int = 1) -> None:
        """Count steps of building before they are taken; raises `TooMany` where there would be too many."""
        self.steps += size
        if self.steps > MOST_STEPS or len(self.nodes) + nodes > MOST_NODES:
            count = f"{MOST_NODES:,} layers" if self.steps <= MOST_STEPS else f"{MOST_STEPS:,} steps"
            message = f"building this network takes more than {count}, and is given up here"
            self.report(self.problem(limits.TOO_MANY, message, node, scope).diagnostic)
            raise TooMany

    # Names.

    def global_name(self, name: str, scope: Scope) -> Value:
        module = scope.module
        key = (id(module), name)
        if key not in self._globals:
            self._globals[key] = None  # a `let` that needs itself finds nothing
            self._globals[key] = self._global(name, module, scope)
        return self._globals[key]

    def _global(self, name: str, module: Module, scope: Scope) -> Value:
        found = module.definition(name)
        if found is None:
            return POISON if module.is_broken(name) else None
        home, tree = found
        if isinstance(tree, ast.Let):
            return Constant(self.evaluate(tree.value, Scope({}, home, scope.instance, set(), {}, scope.children)))
        if name in home.spec.broken:
            return POISON
        return self.block(home, tree) if isinstance(tree, ast.Definition) and tree.kind != "model" else None

    def block(self, module: Module, definition: ast.Definition) -> BlockValue:
        """Return the value that stands for a definition, the same object each time."""
        key = id(definition)
        if key not in self._blocks:
            feeds = 1 if definition.kind == "seq" else sum(isinstance(s, ast.Input) for s in definition.body)
            self._blocks[key] = BlockValue(definition, module, feeds)
        return self._blocks[key]

    # Pipes and stages.

    def pipe(self, node: ast.Pipe, scope: Scope) -> Value:
        value = self.evaluate(node.source, scope)
        if value is POISON:
            return POISON
        if type(value) is not Node and not are_tensors(value):
            message = f"an arrow carries a tensor, not {show(value)} ({type_name(value)})"
            text = node.source.span(scope.module.source).text
            help = f"take one of them, `{text}[0]`, or all, `concat({text})`" if type(value) is Indexed else None
            raise self.problem(structure.NOT_A_TENSOR, message, node.source, scope, help=help)
        if type(value) is tuple and len(value) == 1:
            value = value[0]
        return self.run(node.stages, value, scope, scope.children)

    def run(self, stages: tuple[ast.Stage, ...], value: Value, scope: Scope, children: Children) -> Value:
        """Return what a chain of stages makes of a tensor."""
        for stage in stages:
            if value is POISON:
                return POISON
            unit = stage.unit
            if type(unit) is ast.Call and stage.repeat is None:
                value = self.call(unit, stage.label, value, scope, children)
            else:
                value = self._compound(stage, value, scope, children)
        return value

    def _compound(self, stage: ast.Stage, value: Value, scope: Scope, children: Children) -> Value:
        self.step(stage, scope)
        unit = stage.unit
        if stage.label is not None and (stage.repeat is not None or not isinstance(unit, ast.Group)):
            inner = ast.Stage(stage.start, stage.end, None, unit, stage.repeat)
            return self.group((inner,), stage, stage.label, value, scope, children)
        count = 1 if stage.repeat is None else self._count(stage.repeat, stage, scope)
        if count is None:
            return POISON
        for _ in range(count):
            if value is POISON:
                break
            self.step(stage, scope)
            value = self._once(stage, value, scope, children)
        return value

    def _once(self, stage: ast.Stage, value: Value, scope: Scope, children: Children) -> Value:
        unit = stage.unit
        match unit:
            case ast.Call():
                return self.call(unit, None, value, scope, children)
            case ast.Group():
                return self.group(unit.stages, stage, stage.label, value, scope, children)
            case ast.IfStage():
                truth = self.truth(unit.condition, scope)
                if truth is None:
                    return POISON
                return self.run(unit.then if truth else unit.otherwise, value, scope, children)
        for element in self.elements(unit.iterable, scope):
            self.step(stage, scope)
            with_loop = self.enter_loop(self.bind_target(unit.target, element, unit.iterable, scope), scope)
            value = self.run(unit.stages, value, scope, children)
            self.leave_loop(with_loop, scope)
        return value

    @staticmethod
    def enter_loop(bound: dict[str, Value], scope: Scope) -> tuple[dict[str, Value], dict[str, Value]]:
        """Give the loop variables their values; return what `leave_loop` needs."""
        saved = {name: scope.values[name] for name in bound if name in scope.values}
        scope.values.update(bound)
        scope.loops = {**scope.loops, **bound}
        return bound, saved

    @staticmethod
    def leave_loop(state: tuple[dict[str, Value], dict[str, Value]], scope: Scope) -> None:
        """Take the loop variables away again."""
        bound, saved = state
        for name in bound:
            scope.values.pop(name, None)
        scope.values.update(saved)
        scope.loops = {name: value for name, value in scope.loops.items() if name not in bound}

    def _count(self, repeat: ast.Syntax, stage: ast.Stage, scope: Scope) -> int | None:
        count = self.evaluate(repeat, scope)
        if count is POISON:
            return None
        if type(count) is int and count >= 0:
            if count > MOST_NODES:
                raise self.problem(limits.TOO_LONG, f"{count:,} repetitions are more than are built", repeat, scope)
            return count
        text = stage.unit.span(scope.module.source).text
        message = f"after `->` a `*` repeats a layer, and {show(count)} is no number of times"
        help = f"to scale a tensor write `{show(count)} * (x -> {text})`" if type(count) is float else None
        raise self.problem(names.BAD_VALUE, message, repeat, scope, help=help)

    def group(
        self,
        stages: tuple[ast.Stage, ...],
        syntax: ast.Syntax,
        label: ast.Label | None,
        value: Value,
        scope: Scope,
        children: Children,
    ) -> Value:
        """Return what a Sequential of its own makes of a tensor."""
        instance = self.instance("group", "sequential", syntax, label, scope, children)
        instance.feeds = results_of(value)
        result = self.run(stages, value, scope, Children(instance, sequence=True))
        instance.results = results_of(result)
        return result

    def instance(
        self,
        kind: str,
        name: str,
        syntax: ast.Syntax,
        label: ast.Label | None,
        scope: Scope,
        children: Children,
        definition: BlockValue | None = None,
        arguments: Mapping[str, Value] | None = None,
    ) -> Instance:
        """Enter a module below another one."""
        if label is not None:
            path = self.label_path(label, scope, children)
        elif children.sequence:
            path = children.position()
        else:
            path, _ = children.after(name)
        parent = self._parent(path, children)
        made = Instance(
            path,
            kind,
            definition.module.source if definition else scope.module.source,
            syntax,
            parent,
            definition.definition if definition else None,
            arguments or {},
            scope.loops,
        )
        parent.children.append(made)
        self.instances.append(made)
        return made

    @staticmethod
    def _parent(path: str, children: Children) -> Instance:
        """Return the module that a path belongs to: a list where the label has an index."""
        if children.lists:
            return children.lists.get(path.rpartition(".")[0], children.instance)
        return children.instance

    def label_path(self, label: ast.Label, scope: Scope, children: Children) -> str:
        """Return the path that a label stands for; raises `Problem` where it cannot be used."""
        name = label.name
        if label.template is not None:
            self.steps += len(label.template)
            name = "".join(part if isinstance(part, str) else self._text(part, scope) for part in label.template)
        why = why_not_a_label(name, in_sequence=children.sequence)
        if len(children.prefix) > LONGEST_PATH:
            message = f"the path of this layer has more than {LONGEST_PATH} characters"
            raise self.problem(limits.TOO_DEEP, message, label, scope)
        if why:
            near = usable(name)
            help = f"call it `{near}`" if near else "a label has letters from a to z, digits and `_`"
            raise self.problem(names.RESERVED_LABEL, f"{why}, so no layer can be called so", label, scope, help=help)
        if label.index is not None:
            return self._indexed_path(name, label, scope, children)
        if name in children.labels:
            first = children.labels[name]
            what = "the input" if isinstance(first, ast.Input) else "the first one"
            related = (Label(first.span(scope.module.source), what),) if first is not label else ()
            message = f"there are two layers called `{name}` in one place"
            help = f'number them: `"{name}{{i}}":` or `{name}[i]:`'
            if first is not label:
                help = f"call it `{numbered(name, {*children.labels, *self._labels_of(scope.instance.definition)})}`"
            if isinstance(first, ast.Input):
                message, help = f"`{name}` is an input, and no layer can be called so too", f"call it `{name}_conv`"
            raise self.problem(names.DUPLICATE_LABEL, message, label, scope, related=related, help=help)
        children.labels[name] = label
        if children.sequence:
            children.taken += 1
        return children.prefix + name

    def _labels_of(self, definition: ast.Definition | None) -> set[str]:
        """Return the labels that are written in a definition, those below a mistake among them."""
        nodes = list(ast.walk(definition)) if definition is not None else []
        self.steps += len(nodes)
        return {node.name for node in nodes if isinstance(node, ast.Label)}

    def _text(self, part: ast.Syntax, scope: Scope) -> str:
        value = self.evaluate(part, scope)
        if type(value) not in (int, str):
            message = f"a label is made of whole numbers and texts, not of {show(value)}"
            raise self.problem(names.BAD_VALUE, message, part, scope)
        return str(value)

    def _indexed_path(self, name: str, label: ast.Label, scope: Scope, children: Children) -> str:
        assert label.index is not None, "only an indexed label comes here"
        index = self.evaluate(label.index, scope)
        if type(index) is not int or index < 0:
            raise self.problem(names.BAD_VALUE, f"an index is 0 or more, not {show(index)}", label.index, scope)
        path = children.prefix + name
        key = f"{name}[{index}]"
        if key in children.labels or (name in children.labels and path not in children.lists):
            raise self.problem(names.DUPLICATE_LABEL, f"there are two layers called `{key}`", label, scope)
        if path not in children.lists:
            made = Instance(path, "list", scope.module.source, label, children.instance)
            children.lists[path] = made
            children.instance.children.append(made)
            self.instances.append(made)
            children.labels[name] = label
            if children.sequence:
                children.taken += 1
        children.labels[key] = label
        return f"{path}.{index}"

    # Calls.

    def call(self, node: ast.Call, label: ast.Label | None, value: Value, scope: Scope, children: Children) -> Value:
        """Return what a layer, block or shared module makes of a tensor."""
        self.steps += 1 + len(node.arguments)
        if self.steps > MOST_STEPS or len(self.nodes) >= MOST_NODES:
            self.step(node, scope)
        key = id(node)
        op = self._fixed_ops.get(key)
        if op is not None:
            return self.apply(op, value, node, label, scope, children)
        found = scope.values.get(node.name)
        if found is None and node.name not in OPS:
            found = self.global_name(node.name, scope)
        if isinstance(found, BlockValue):
            return self._call_block(found, node, label, value, scope, children)
        if found is POISON:
            return POISON
        if isinstance(found, LayerValue):
            return self._call_layer(found, node, label, value, scope, children)
        if isinstance(found, Shared):
            return self._call_shared(found, node, label, value, scope, children)
        cls = OPS.get(node.name)
        if found is not None or cls is None or not cls.is_module:
            raise self._unknown_layer(node, found, value, scope)
        op = self._op(cls, node, scope, value)
        return POISON if op is None else self.apply(op, value, node, label, scope, children)

    def _unknown_layer(self, node: ast.Call, found: Value, fed: Value, scope: Scope) -> Problem:
        name = node.name
        if found is not None:
            what, help = f"{show(found)} ({type_name(found)})", None
            if type(found) is Node:
                what, help = f"a tensor, {found.output}", f"write `x + {name}` or `concat(x, {name})` to join the two"
            message = f"`{name}` is {what}, and only layers and blocks follow an arrow"
            return self.problem(structure.NOT_A_TENSOR, message, node, scope, help=help)
        if name in OPS or name in TENSOR_FUNCTIONS:
            message = f"`{name}` joins or divides tensors, and does not follow an arrow"
            return self.problem(names.UNKNOWN_LAYER, message, node, scope, help=_as_function(node, fed, scope))
        if name in scope.children.labels:
            message = f"`{name}` is the label of another layer, and not a layer itself"
            help = f"to use one layer twice, declare it: `share {name} = ...`, then `x -> {name}`"
            return self.problem(names.UNKNOWN_LAYER, message, node, scope, help=help)
        if name in scope.module.models:
            message = f"`{name}` is a model, and only layers, blocks and seqs follow an arrow"
            help = f"make it `block {name}` with `input x`: a model says the shape of its input, a block takes any"
            return self.problem(names.UNKNOWN_LAYER, message, node, scope, help=help)
        source = scope.module.source
        if help := misnamed(name, node.span(source).text):
            fix = cures.layer_name(node, source)
            return self.problem(names.UNKNOWN_LAYER, f"there is no layer `{name}`", node, scope, help=help, fix=fix)
        if home := bundled_home(name):
            message, help = f"there is no layer or block `{name}` here", f"write `from {home} import {name}` at the top"
            fix = cures.layer_import(node, home, source)
            return self.problem(names.UNKNOWN_LAYER, message, node, scope, help=help, fix=fix)
        layers = [known for known, cls in OPS.items() if cls.is_module]
        blocks = scope.module.callable_names() + [k for k, v in scope.values.items() if type(v) is BlockValue]
        by_lower = {known.lower(): known for known in [*layers, *blocks]}
        close = closest(name.lower(), by_lower)
        help, fix = NO_BLOCK.format(name=name), None
        if close:
            meant = by_lower[close]
            help, fix = f"did you mean `{meant}`?", renaming(node.span(source), name, meant)
        message = f"there is no layer or block `{name}`"
        return self.problem(names.UNKNOWN_LAYER, message, node, scope, help=help, fix=fix)

    def _call_layer(
        self, layer: LayerValue, node: ast.Call, label: ast.Label | None, value: Value, scope: Scope, children: Children
    ) -> Value:
        """Return what a layer that was passed as an argument makes of a tensor."""
        if layer.op is not None and node.arguments:
            message = f"`{node.name}` is `{layer}`, which has its arguments already"
            help = f"pass `{layer.kind.name}` alone and give the arguments here, or write `{node.name}` without any"
            raise self.problem(names.BAD_ARGUMENT, message, node, scope, help=help)
        op = layer.op or self._op(layer.kind, node, scope, value)
        return POISON if op is None else self.apply(op, value, node, label, scope, children)

    def _op(self, cls: type[Op], node: ast.Call, scope: Scope, x: Value = None) -> Op | None:
        """Return the op with the arguments of a call filled in; equal ones are one object. `x` is what it is fed."""
        defaults = scope.defaults.get(cls.name)
        positional: list[Value] = []
        keywords: dict[str, Value] = {}
        fixed = node.name == cls.name
        for argument in node.arguments:
            expression = argument.value
            if type(expression) is ast.Literal:
                value = self._literal(expression, scope)
            else:
                fixed = False
                value = self.evaluate(expression, scope)
                if value is POISON:
                    return None
                if type(value) is range:
                    value = self._elements(value, argument, scope)
                if type(value) is tuple:
                    self.steps += len(value)
            if argument.name is None:
                if keywords:
                    message = "an argument by position cannot follow one by name"
                    raise self.problem(names.BAD_ARGUMENT, message, argument, scope)
                positional.append(value)
            elif argument.name in keywords:
                raise self.problem(names.BAD_ARGUMENT, f"`{argument.name}` is given twice", argument, scope)
            else:
                keywords[argument.name] = value
        if defaults:
            given = {a.name for a in cls.arguments[: len(positional)]}
            for name, argument in defaults.items():
                if name not in keywords and name not in given:
                    keywords[name] = self.evaluate(argument.value, scope)
        if Condition in map(type, (*positional, *keywords.values())):
            message = f"an argument of `{cls.name}` asks for a size that is not known yet"
            help = "give the input a number in place of the name: `archdsl analyze` takes it as -D as well"
            raise self.problem(shapes.SIZE_NEEDED, message, node, scope, help=help)
        key = (cls, *positional, *map(type, positional), *keywords.items(), *map(type, keywords.values()))
        op = self._ops.get(key)
        if op is None:
            try:
                op = self._ops[key] = cls(*positional, **keywords)
            except ArgumentError as error:
                fed = x.output if type(x) is Node else None
                call = Written(cls, node, tuple(positional), keywords, fed, scope.module.source)
                raise self._argument_problem(call, error, scope) from None
        if fixed:
            self._fixed_ops[id(node)] = op
        return op

    def _argument_problem(self, call: Written, error: ArgumentError, scope: Scope) -> Problem:
        cls, node = call.cls, call.node
        place: ast.Syntax = node
        if isinstance(error.place, int) and error.place < len(call.positional):
            place = node.arguments[error.place]
        else:
            place = next((a for a in node.arguments if a.name == error.place and a.name is not None), node)
        source = scope.module.source
        if (meant := pasted(call)) is not None:
            return self._meant(meant, scope)
        if error.unknown and error.place in INFERRED and isinstance(place, ast.Argument):
            return self._meant(pasted_by_name(call, place), scope)
        if error.unknown:
            message = f"`{cls.name}` has no argument `{error.place}`"
            help = unknown_argument(cls, str(error.place))
            fix = cures.argument_name(cls, place, source) if isinstance(place, ast.Argument) else None
            return self.problem(names.BAD_ARGUMENT, message, place, scope, help=help, fix=fix)
        help = advice(cls, str(error), node.span(source).text)
        given = ""
        if str(error).startswith(f"`{_name_of(cls, error)}` is ") and isinstance(place, ast.Argument):
            value = self.evaluate(place.value, scope)
            shown = place.value.span(source).text if isinstance(place.value, ast.Sequence) else show(value)
            given = f", not {shown}" if not re.search(r"is given|not for", str(error)) else ""
            if type(value) is Symbolic:
                help = f"`{show(value)}` is left open: give it, as in `[3, H = 224, W = 224]`"
            elif type(value) is Node:
                help = "a tensor is no argument: it flows along an arrow; its sizes have names in `input x: [c, h, w]`"
        colon = ":" if str(error).startswith("`") else ""
        return self.problem(names.BAD_ARGUMENT, f"`{cls.name}`{colon} {error}{given}", place, scope, help=help)

    def _meant(self, meant: Meant, scope: Scope) -> Problem:
        """Return the problem of a call that was written for PyTorch."""
        return self.problem(
            meant.rule, meant.message, meant.place, scope, help=meant.help, label=meant.label, fix=meant.fix
        )

    # Nodes.

    def apply(
        self, op: Op, value: Value, syntax: ast.Syntax, label: ast.Label | None, scope: Scope, children: Children
    ) -> Value:
        """Enter a node for a layer and return it."""
        if type(value) is not Node:
            message = f"`{op.name}` takes one tensor, but gets {len(value)}"
            raise self.problem(structure.TENSOR_COUNT, message, syntax, scope, help="join them with `concat(a, b)`")
        call = 0
        is_module = True
        if label is not None:
            path = self.label_path(label, scope, children)
        elif children.sequence:
            path = f"{children.prefix}{children.taken}"
            children.taken += 1
        elif op.stateful:
            path, _ = children.after(op.attribute)
            self._lint_unlabelled(op, path, syntax, scope)
        else:
            path, call = children.after(op.attribute, op)
            is_module = not op.functional
        return self._node(op, (value,), path, call, is_module, syntax, scope, self._parent(path, children))

    def _node(
        self,
        op: Op,
        inputs: tuple[Node, ...],
        path: str,
        call: int,
        is_module: bool,
        syntax: ast.Syntax,
        scope: Scope,
        parent: Instance,
    ) -> Node:
        try:
            output = op.output(*[x.output for x in inputs])
        except ShapeError as error:
            raise self._misfit(error, op, inputs, syntax, scope, path) from None
        node = Node(
            len(self.nodes), path, call, op, tuple([x.index for x in inputs]), output, syntax, parent, is_module
        )
        self.nodes.append(node)
        parent.children.append(node)
        return node

    def _misfit(
        self, error: ShapeError, op: Op, inputs: tuple[Node, ...], syntax: ast.Syntax, scope: Scope, path: str
    ) -> Problem:
        """Say which shapes met, and where each was born."""
        place: ast.Syntax = syntax
        related: list[Label] = []
        if isinstance(syntax, ast.Call) and error.argument is not None:
            position = [a.name for a in op.arguments].index(error.argument)
            by_position = [a for a in syntax.arguments if a.name is None]
            named = [a for a in syntax.arguments if a.name == error.argument]
            place = next(iter(named or by_position[position : position + 1]), syntax)
        operands = _operands(syntax)
        for number, x in enumerate(inputs):
            written = operands[number] if number < len(operands) else None
            text = f"`{written.name}` is {x.output}" if isinstance(written, ast.Name) else f"this is {x.output}"
            born = x.instance if x.instance.source is not scope.module.source else None
            span = born.span if born and born.parent else x.span
            if span != place.span(scope.module.source):
                related.append(Label(span, text))
        problem = self.shape_problem(error, place, scope, related=tuple(related))
        fix = None
        if error.rule == shapes.LINEAR_ON_MAP.name and isinstance(syntax, ast.Call):
            fix = cures.flattened(syntax, scope.module.source)
        return Problem(replace(problem.diagnostic, layer=path, fix=fix))

    def _lint_unlabelled(self, op: Op, path: str, syntax: ast.Syntax, scope: Scope) -> None:
        if scope.module.spec.is_pipeline:
            return
        message = f"`{op.name}` has parameters and no label"
        label = path.rpartition(".")[2]
        help = f"give it one, as in `{label}: {op.name}`"
        fix = None if scope.loops else cures.labelled(syntax, label, scope.module.source)
        if scope.loops:
            help = f"give it one for each turn of the loop, as in `{op.attribute}[{_counter(scope)}]: {op.name}`"
        self.report(self.problem(names.UNLABELLED, message, syntax, scope, help=help, fix=fix).diagnostic)

    def function(self, op: Op, inputs: tuple[Node, ...], syntax: ast.Syntax, scope: Scope) -> Node:
        """Enter a node for a function such as an addition, named after it in its scope."""
        self.step(syntax, scope)
        children = scope.children
        path, _ = children.after(op.attribute)
        return self._node(op, inputs, path, 0, False, syntax, scope, children.instance)

    def combine(self, node: ast.Binary, left: Value, right: Value, scope: Scope) -> Value:
        tensors = type(left) is Node, type(right) is Node
        if node.op == "+" and all(tensors):
            return self.function(self._plain(Add), (left, right), node, scope)
        if node.op == "*" and all(tensors):
            return self.function(self._plain(Multiply), (left, right), node, scope)
        factor, x = (right, left) if tensors[0] else (left, right)
        if node.op == "*" and type(factor) in (int, float):
            return self.function(Scale(factor), (x,), node, scope)
        message = f"`{node.op}` cannot take {show(left)} and {show(right)}"
        help = self._otherwise(node, left, right, scope)
        raise self.problem(structure.NOT_A_TENSOR, message, node, scope, help=help)

    def _otherwise(self, node: ast.Binary, left: Value, right: Value, scope: Scope) -> str:
        """Return how to write what a sign was meant to do with tensors that it does not do."""
        first, second = (_as_factor(side, scope) for side in (node.left, node.right))
        if node.op == "-" and type(left) is type(right) is Node:
            return f"tensors are not subtracted: write `{first} + -1 * {second}`"
        if node.op == "/" and type(right) in (int, float) and right:
            short = f"{1 / right:g}"
            return f"write `{short if float(short) == 1 / right else f'1 / {second}'} * {first}`"
        if (node.op == "+" and not (type(left) is type(right) is Node)) or (node.op == "-" and type(right) is Node):
            x, sign = (second if type(right) is Node else first), "-1 * " if node.op == "-" else ""
            cure = f"`a * (1 {node.op} {x})` is `a + {sign}a * {x}`"
            return f"nothing but a tensor is added to a tensor; what it scales is written out: {cure}"
        return "tensors are added with `+`, multiplied with `*`, and scaled by a number"

    def _plain(self, cls: type[Op]) -> Op:
        """Return the op without arguments, always the same object."""
        op = self._ops.get((cls,))
        if op is None:
            op = self._ops[(cls,)] = cls()
        return op

    def tensor_function(self, node: ast.Call, scope: Scope) -> Value:
        work: dict[str, Callable[[ast.Call, Scope], Value]] = {
            "concat": self._concat,
            "crop": self._crop,
            "split": self._split,
        }
        return work[node.name](node, scope)

    def _tensors(self, node: ast.Call, scope: Scope) -> list[Node] | None:
        """Return the tensors among the positional arguments; `None` where one failed before."""
        found: list[Node] = []
        for argument in node.arguments:
            if argument.name is not None:
                continue
            value = self.evaluate(argument.value, scope)
            if value is POISON:
                return None
            if type(value) is Indexed:
                scope.used.update(f"{argument.span(scope.module.source).text}[{i}]" for i in value)
                value = tuple(value[i] for i in sorted(value))
            values = value if type(value) is tuple else (value,)
            for one in values:
                if one is POISON:
                    return None
                if type(one) is not Node:
                    message = f"`{node.name}` takes tensors, not {show(one)} ({type_name(one)})"
                    help = _sides(found[0], one, scope) if node.name == "crop" and found else None
                    raise self.problem(structure.NOT_A_TENSOR, message, argument, scope, help=help)
                found.append(one)
        return found

    def _concat(self, node: ast.Call, scope: Scope) -> Value:
        self._no_names(node, (), scope)
        tensors = self._tensors(node, scope)
        if tensors is None:
            return POISON
        self.steps += len(tensors)
        if len(tensors) < 2:
            if tensors:
                return tensors[0]
            raise self.problem(structure.TENSOR_COUNT, "`concat` takes at least one tensor", node, scope)
        return self.function(self._plain(Concat), tuple(tensors), node, scope)

    def _crop(self, node: ast.Call, scope: Scope) -> Value:
        sides = [a.name for a in Crop.arguments]
        self._no_names(node, ("like", *sides), scope)
        tensors = self._tensors(node, scope)
        named = {a.name: self.evaluate(a.value, scope) for a in node.arguments if a.name is not None}
        if tensors is None or POISON in named.values():
            return POISON
        if len(tensors) != 1 or not named or ("like" in named and len(named) > 1):
            help = "write `crop(x, like=y)`, or `crop(x, left=1, right=1, top=1, bottom=1)`"
            raise self.problem(
                structure.TENSOR_COUNT, "`crop` takes one tensor and where to cut", node, scope, help=help
            )
        try:
            if "like" in named:
                if type(named["like"]) is not Node:
                    message = f"`like` is a tensor, not {show(named['like'])}"
                    raise self.problem(structure.NOT_A_TENSOR, message, node, scope)
                op: Op = crop_like(tensors[0].output, named["like"].output)
            else:
                op = Crop(**named)
        except ShapeError as error:
            raise self.shape_problem(error, node, scope) from None
        except ArgumentError as error:
            raise self.problem(names.BAD_ARGUMENT, f"`crop`: {error}", node, scope) from None
        return self.function(op, (tensors[0],), node, scope)

    def _split(self, node: ast.Call, scope: Scope) -> Value:
        self._no_names(node, (), scope)
        values = [self.evaluate(a.value, scope) for a in node.arguments]
        if POISON in values:
            return POISON
        if len(values) != 2 or type(values[0]) is not Node:
            message = "`split` takes a tensor, and in how many pieces or of which channels"
            help = "write `a, b = split(x, 2)` or `a, b = split(x, [16, 48])`"
            raise self.problem(structure.TENSOR_COUNT, message, node, scope, help=help)
        x, pieces = values
        channels = x.output.shape[0]
        if type(pieces) in (int, tuple) and (pieces if type(pieces) is int else len(pieces)) > MOST_PIECES:
            raise self.problem(limits.TOO_LONG, f"more than {MOST_PIECES:,} pieces are not cut", node, scope)
        if type(pieces) is int and pieces > 0:
            if channels % pieces:
                message = f"{channels} channels cannot be split in {pieces} equal pieces"
                help = "say how many channels each piece has, as in `split(x, [32, 16, 16])`"
                raise self.problem(shapes.SHAPE_MISMATCH, message, node, scope, help=help)
            pieces = (channels // pieces,) * pieces
        if type(pieces) is not tuple or any(type(n) is not int or n < 1 for n in pieces) or sum(pieces) != channels:
            message = f"the pieces {show(pieces)} do not add up to the {channels} channels of {x.output}"
            raise self.problem(shapes.SHAPE_MISMATCH, message, node, scope)
        starts = [sum(pieces[:i]) for i in range(len(pieces))]
        return tuple(
            self.function(Chunk(start=a, length=n), (x,), node, scope) for a, n in zip(starts, pieces, strict=True)
        )

    def _no_names(self, node: ast.Call, allowed: Iterable[str], scope: Scope) -> None:
        for argument in node.arguments:
            if argument.name is not None and argument.name not in allowed:
                message = f"`{node.name}` has no argument `{argument.name}`"
                help = None
                if argument.name in ("dim", "axis"):
                    help = "it works on the channels, so the axis is not said: leave this out"
                    if self.evaluate(argument.value, scope) not in CHANNELS[argument.name]:
                        text = argument.span(scope.module.source).text
                        help = f"only channels are joined or divided, and `{text}` is another axis"
                raise self.problem(names.BAD_ARGUMENT, message, argument, scope, help=help)

    # Blocks.

    def _call_block(
        self, block: BlockValue, node: ast.Call, label: ast.Label | None, value: Value, scope: Scope, children: Children
    ) -> Value:
        arguments = self.bind(block, node, scope)
        if arguments is None:
            return POISON
        feeds = (value,) if type(value) is Node else tuple(value)
        if len(feeds) != block.feeds:
            have = {0: "no input", 1: "1 input"}.get(block.feeds, f"{block.feeds} inputs")
            message = f"`{node.name}` has {have}, but gets {len(feeds)} tensor{'s' * (len(feeds) > 1)}"
            fed = ", ".join("abcdefgh"[: block.feeds])
            help = f"feed it several, as in `({fed}) -> {node.name}`" if block.feeds > 1 else None
            if not block.feeds:
                help = f"begin the body of `{block.definition.name}` with `input x`, from which the rest flows"
            raise self.problem(structure.TENSOR_COUNT, message, node, scope, help=help)
        definition = block.definition
        if definition in self._active:
            chain = [d.name for d in self._active[self._active.index(definition) :]] + [definition.name]
            message = f"`{definition.name}` uses itself: {' -> '.join(chain)}"
            help = "what repeats is written with `* n` or a loop: `for i in range(n) { ... }`"
            raise self.problem(names.RECURSION, message, node, scope, help=help)
        if len(self._active) >= DEEPEST:
            message = f"more than {DEEPEST} blocks are nested inside one another"
            raise self.problem(limits.TOO_DEEP, message, node, scope)
        name = definition.name.lower()
        instance = self.instance(definition.kind, name, node, label, scope, children, block, arguments)
        instance.feeds = feeds
        types = tuple([x.output for x in feeds])
        key = (definition, types, *arguments.values(), *map(type, arguments.values()))
        made = self._made.get(key)
        if made is not None:
            self.step(node, scope, made.steps, made.end - made.start)
            return self._copied(made, instance, feeds)
        start, first, before = len(self.nodes), len(self.instances) - 1, self.steps
        known = len(self.problems)
        self._active.append(definition)
        result = self.body(block, arguments, feeds, instance)
        self._active.pop()
        instance.results = results_of(result)
        if len(self.problems) == known and result is not POISON and not any(x.output.is_symbolic for x in feeds):
            steps = self.steps - before
            self._made[key] = Made(start, len(self.nodes), first, len(self.instances), steps, feeds, result)
        return result

    def body(
        self, block: BlockValue, arguments: dict[str, Value], feeds: tuple[Node, ...], instance: Instance
    ) -> Value:
        """Run the body of a definition and return its outputs."""
        raise NotImplementedError

    def bind(self, block: BlockValue, node: ast.Call | ast.Alias, scope: Scope) -> dict[str, Value] | None:
        """Return the arguments of a call by name, defaults filled in; `None` where one failed before."""
        definition = block.definition
        self.steps += len(definition.parameters)
        given = self.bind_names(definition, node, scope)
        values: dict[str, Value] = {}
        place: ast.Syntax
        inner = Scope(values, block.module, scope.instance, set(), {}, scope.children)
        for parameter in definition.parameters:
            if parameter.name in given:
                argument = given[parameter.name]
                value, place, where = self.argument(argument.value, parameter, scope), argument, scope
            elif parameter.default is not None:
                value, place, where = self.argument(parameter.default, parameter, inner), parameter, inner
            else:
                message = f"`{definition.name}` needs `{parameter.name}: {parameter.type}`"
                help = f"it is {signature(definition, block.module.source.text)}"
                raise self.problem(names.BAD_ARGUMENT, message, node, scope, help=help)
            if value is POISON:
                return None
            values[parameter.name] = self.checked(value, parameter, place, where)
        return values

    def argument(self, node: ast.Syntax, parameter: ast.Parameter, scope: Scope) -> Value:
        """Return the value given for a parameter; where a block is wanted, a layer is one too."""
        if parameter.type.name == "block" and isinstance(node, ast.Name | ast.Call):
            kind = OPS.get(node.name)
            hidden = node.name in scope.values or self.global_name(node.name, scope) is not None
            if kind is not None and kind.is_module and not hidden:
                if isinstance(node, ast.Name):
                    return LayerValue(kind)
                op = self._op(kind, node, scope)
                return POISON if op is None else LayerValue(kind, op)
        return self.evaluate(node, scope)

    def bind_names(
        self, definition: ast.Definition, node: ast.Call | ast.Alias, scope: Scope
    ) -> dict[str, ast.Argument]:
        """Return which argument is for which parameter."""
        known = [parameter.name for parameter in definition.parameters]
        given: dict[str, ast.Argument] = {}
        for position, argument in enumerate(node.arguments):
            name = argument.name
            if name is None:
                if position >= len(known):
                    most = "1 argument" if len(known) == 1 else f"{len(known) or 'no'} arguments"
                    message = f"`{definition.name}` takes {most}, and this is one more"
                    raise self.problem(names.BAD_ARGUMENT, message, argument, scope)
                name = known[position]
            if name not in known:
                close = closest(name, known)
                help = f"did you mean `{close}`?" if close else f"it takes {', '.join(known) or 'no arguments'}"
                message = f"`{definition.name}` has no parameter `{name}`"
                fix = renaming(argument.span(scope.module.source), name, close) if close else None
                raise self.problem(names.BAD_ARGUMENT, message, argument, scope, help=help, fix=fix)
            if name in given:
                raise self.problem(names.BAD_ARGUMENT, f"`{name}` is given twice", argument, scope)
            given[name] = argument
        return given

    def checked(self, value: Value, parameter: ast.Parameter, place: ast.Syntax, scope: Scope) -> Value:
        """Return a value as its parameter's type wants it; raises `Problem` where it has another type."""
        if parameter.type.name not in TYPES:
            message = f"there is no type `{parameter.type}`; there are {', '.join(TYPES)}"
            meant = {"number": "float", "string": "str", "boolean": "bool"}.get(parameter.type.name)
            close = meant or closest(parameter.type.name.lower(), TYPES)
            help = f"did you mean `{close}`?" if close else None
            span = parameter.type.span(scope.module.source)
            fix = renaming(span, parameter.type.name, close, safe=close in ("str", "bool")) if close else None
            raise self.problem(names.WRONG_TYPE, message, parameter.type, scope, help=help, fix=fix)
        if value is None and parameter.default is not None and _is_none(parameter.default):
            return None
        if type(value) is str and parameter.type.name == "block":
            layers = [name for name, kind in OPS.items() if kind.is_module]
            close = ELSEWHERE.get(value) or closest(value, [*scope.module.callable_names(), *layers])
            help = f"write it without quotes: `{close}`" if close else "blocks and layers are given without quotes"
            message = f"`{parameter.name}` is a block, and none is called `{value}`"
            raise self.problem(names.UNKNOWN_NAME, message, place, scope, help=help)
        if not fits(value, parameter.type):
            message = f"`{parameter.name}` is of type {parameter.type}, not {show(value)} ({type_name(value)})"
            raise self.problem(names.WRONG_TYPE, message, place, scope, help=cure(value, parameter.type))
        if type(value) is range:
            return self._elements(value, place, scope)
        if type(value) is tuple:
            self.steps += len(value)
        return float(value) if parameter.type.name == "float" and type(value) is int else value

    def _copied(self, made: Made, instance: Instance, feeds: tuple[Node, ...]) -> Value:
        """Copy what an equal call made before, under the path of a new instance."""
        start, end, first, last, result = made.start, made.end, made.first, made.last, made.result
        template = self.instances[first]
        cut, prefix = len(template.path), instance.path
        twins: dict[int, Instance] = {id(template): instance}
        for old in self.instances[first + 1 : last]:
            parent = twins[id(old.parent)]
            twin = Instance(
                prefix + old.path[cut:], old.kind, old.source, old.syntax, parent, old.definition, old.arguments,
                old.loops, [], old.inits,
            )  # fmt: skip
            twins[id(old)] = twin
            self.instances.append(twin)
        instance.inits = template.inits
        nodes = self.nodes
        shift = len(nodes) - start
        outside = {old.index: new.index for old, new in zip(made.feeds, feeds, strict=True)}
        for old_node in nodes[start:end]:
            inputs = tuple([i + shift if i >= start else outside[i] for i in old_node.inputs])
            parent = twins[id(old_node.instance)]
            nodes.append(
                Node(
                    len(nodes),
                    prefix + old_node.path[cut:],
                    old_node.call,
                    old_node.op,
                    inputs,
                    old_node.output,
                    old_node.syntax,
                    parent,
                    old_node.is_module,
                )
            )
        self._copy_children(template, twins, shift)
        moved = tuple(self._moved(x, start, shift, outside) for x in (result if type(result) is tuple else (result,)))
        for old in self.instances[first:last]:
            twin = twins[id(old)]
            twin.results = tuple([self._moved(x, start, shift, outside) for x in old.results])
            if old is template:
                continue  # what it is fed is new, and later calls of it are no part of it
            twin.feeds = tuple([self._moved(x, start, shift, outside) for x in old.feeds])
            for call in old.again:
                twin.again.append(Call(*[tuple([self._moved(x, start, shift, outside) for x in of]) for of in call]))
        return moved if type(result) is tuple else moved[0]

    def _copy_children(self, template: Instance, twins: dict[int, Instance], shift: int) -> None:
        nodes = self.nodes
        pending = [template]
        while pending:
            old = pending.pop()
            mine = twins[id(old)].children
            for child in old.children:
                if type(child) is Node:
                    mine.append(nodes[child.index + shift])
                else:
                    assert isinstance(child, Instance), "a child is a node or an instance"
                    mine.append(twins[id(child)])
                    pending.append(child)

    def _moved(self, node: Node, start: int, shift: int, outside: dict[int, int]) -> Node:
        return self.nodes[node.index + shift if node.index >= start else outside[node.index]]

    # Shared modules.

    def _call_shared(
        self, shared: Shared, node: ast.Call, label: ast.Label | None, value: Value, scope: Scope, children: Children
    ) -> Value:
        if label is not None or node.arguments:
            message = f"`{shared.name}` is shared: it has its name and its arguments from where it is declared"
            raise self.problem(names.BAD_ARGUMENT, message, node, scope)
        start = len(self.nodes)
        own = ast.Label(shared.stage.start, shared.stage.end, shared.name)
        inner = ast.Stage(shared.stage.start, shared.stage.end, own, shared.stage.unit, shared.stage.repeat)
        if shared.first is None:
            children.labels.pop(shared.name, None)
            result = self.run((inner,), value, scope, children)
            shared.first = start, len(self.nodes)
            for made in self.nodes[start:]:
                shared.calls[made.path] = made.call + 1
            return result
        again = Children(children.instance, sequence=False)
        count, made_before = len(children.instance.children), len(self._made)
        result = self.run((inner,), value, scope, again)
        while len(self._made) > made_before:
            self._made.popitem()  # what this call made is counted as a later call below, and is no model for others
        whole = [one for one in children.instance.children[count:] if isinstance(one, Instance)]
        del children.instance.children[count:]  # the module is there already; only its nodes are new
        self._check_shared(shared, start, node, scope)
        new = tuple(self.nodes[start:])
        for one in whole:
            known = next(x for x in children.instance.children if isinstance(x, Instance) and x.path == one.path)
            known.again.append(Call(new, one.feeds, one.results))
        children.instance.children.extend(new)
        return result

    def _check_shared(self, shared: Shared, start: int, node: ast.Call, scope: Scope) -> None:
        assert shared.first is not None, "a shared module is checked from its second call on"
        weights = {n.path: self._weights(n) for n in self.nodes[slice(*shared.first)] if not n.call}
        for made in self.nodes[start:]:
            first, again = weights.get(made.path, {}), self._weights(made)
            if first != again and made.call == 0:
                name = next((k for k in first if first[k] != again.get(k)), "weight")
                message = (
                    f"`{shared.name}` was made for other channels: its {name} is "
                    f"{list(first.get(name, ()))}, and this call needs {list(again.get(name, ()))}"
                )
                del self.nodes[start:]  # the call did not take place
                raise self.problem(shapes.SHARED_MISMATCH, message, node, scope)
        made_of = {n.path: self._made_of(n) for n in self.nodes[slice(*shared.first)] if not n.call}
        for made in self.nodes[start:]:
            if made.is_module and made_of.get(made.path) != self._made_of(made):
                sizes = [self.nodes[i].output for at in (shared.first[0], start) for i in self.nodes[at].inputs[:1]]
                message = f"`{shared.name}` was made for {sizes[0]}, and this call gives it {sizes[1]}"
                del self.nodes[start:]
                raise self.problem(shapes.SHARED_MISMATCH, message, node, scope)
        before = dict(shared.calls)
        for made in self.nodes[start:]:
            made.call += before.get(made.path, 0)
            shared.calls[made.path] = made.call + 1

    def _made_of(self, node: Node) -> Any:
        """Return how the module is constructed, which may depend on sizes without any weight doing so."""
        types = [self.nodes[i].output for i in node.inputs]
        return None if any(x.is_symbolic for x in types) else node.op.module(*types)

    def _weights(self, node: Node) -> dict[str, tuple[int, ...]]:
        return node.op.weights(*[self.nodes[i].output for i in node.inputs])


def _place_of(diagnostic: Diagnostic) -> tuple[Any, ...]:
    span = diagnostic.span
    return diagnostic.code, span.source.name, span.start, span.end


def signature(definition: ast.Definition, text: str) -> str:
    """Return a definition as one would call it: `Bottleneck(width: int, stride: int = 1)`."""
    parts = [" ".join(text[p.start : p.end].split()) for p in definition.parameters]
    return f"{definition.name}({', '.join(parts)})"


def results_of(value: Value) -> tuple[Node, ...]:
    """Return the tensors that a module gave; none where it failed."""
    if isinstance(value, Node):
        return (value,)
    return tuple(x for x in value if isinstance(x, Node)) if type(value) is tuple else ()


def are_tensors(value: Value) -> bool:
    """Return whether a value is several tensors, as a block with several outputs gives."""
    return type(value) is tuple and bool(value) and all(type(v) is Node for v in value)


def _name_of(cls: type[Op], error: ArgumentError) -> str:
    """Return the name of the argument that an error is about."""
    place = error.place
    return cls.arguments[place].name if isinstance(place, int) and place < len(cls.arguments) else str(place)


def _as_function(node: ast.Call, fed: Value, scope: Scope) -> str:
    """Return how a function of tensors is written that follows an arrow as if it were a layer."""
    source = scope.module.source
    flows = next((name for name, value in scope.values.items() if value is fed), None)
    start = cures.stage_start(node, source)
    direct = flows and re.search(rf"(?<!\w){flows}\s*(?:->|→)\s*\Z", source.text[max(0, start - LONGEST_NAME) : start])
    name = flows if flows and direct else next((n for n in ("y", "z") if n not in scope.values), "before")
    operands = [name, *(argument.span(source).text for argument in node.arguments)]
    written = as_operation(node.name, operands) or f"{node.name}({', '.join(operands)})"
    return f"write `{written}`" + ("" if direct else f", where `{name} = ...` names what comes before")


def _sides(x: Node, amount: Value, scope: Scope) -> str | None:
    """Return a crop that cuts a number of positions off each side."""
    sides = {1: ("start", "end"), 2: ("left", "right", "top", "bottom")}.get(len(x.output.spatial))
    if sides is None or type(amount) is not int:
        return None
    name = next((name for name, value in scope.values.items() if value is x), "x")
    return f"each side has its name: `crop({name}, {', '.join(f'{side}={amount}' for side in sides)})`"


def _as_factor(node: ast.Syntax, scope: Scope) -> str:
    """Return an operand as it stands in a product."""
    text = node.span(scope.module.source).text
    return f"({text})" if isinstance(node, ast.Binary | ast.Pipe | ast.IfExpression) else text


def _counter(scope: Scope) -> str:
    """Return the innermost name that counts the turns of a loop."""
    return next((name for name, value in reversed(scope.loops.items()) if type(value) is int), "i")


def _is_none(node: ast.Syntax) -> bool:
    return isinstance(node, ast.Literal) and node.value is None


def _operands(syntax: ast.Syntax) -> list[ast.Syntax]:
    if isinstance(syntax, ast.Binary):
        return [syntax.left, syntax.right]
    if isinstance(syntax, ast.Call) and syntax.name in TENSOR_FUNCTIONS:
        return [a.value for a in syntax.arguments]
    return []
