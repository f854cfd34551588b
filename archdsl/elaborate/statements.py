"""The bodies of models, blocks and seqs: statement by statement, each spoiling only what depends on it."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Any

from archdsl.diagnostics import Diagnostic, closest
from archdsl.elaborate import cures
from archdsl.elaborate.construction import Construction, are_tensors
from archdsl.elaborate.initialisers import has_kernel, why_not_an_init
from archdsl.elaborate.library import Module
from archdsl.elaborate.naming import Children
from archdsl.elaborate.resolution import MOST_OF_DEFAULTS, bad_defaults, unknown_stages
from archdsl.elaborate.values import POISON, BlockValue, Indexed, Problem, Scope, Shared, Value, show, type_name
from archdsl.graph import Instance, Node
from archdsl.lang import ast
from archdsl.ops import OPS
from archdsl.rules import lints, names, shapes, structure
from archdsl.sizes import Condition, ShapeError, Size, Symbolic, equal, require


class Statements(Construction):
    """Runs bodies. A statement that fails is reported, and the names that it binds hold nothing."""

    def __init__(self) -> None:
        super().__init__()
        self._defaults: dict[int, Mapping[str, Mapping[str, ast.Argument]]] = {}
        self._looked: dict[int, frozenset[str]] = {}
        """Of statements that failed and have been looked over: the names that they read."""
        self.stated: list[Condition] = []
        """What `require` statements say of sizes that are left open."""

    def body(
        self, block: BlockValue, arguments: dict[str, Value], feeds: tuple[Node, ...], instance: Instance
    ) -> Value:
        definition = block.definition
        sequence = definition.kind == "seq"
        scope = self.scope(block.module, instance, arguments, sequence=sequence)
        if sequence:
            return self._attempt_chain(definition, feeds[0], scope)
        outputs = Outputs()
        waiting = list(feeds)
        for statement in definition.body:
            if type(statement) is ast.Input:
                self._feed(statement, waiting.pop(0), scope)
            else:
                self.attempt(statement, scope, outputs)
        self.finish(definition, scope, outputs)
        regular = outputs.regular
        if not regular:
            return POISON  # it has been reported
        return regular[0] if len(regular) == 1 else tuple(regular)

    def scope(
        self, module: Module, instance: Instance, arguments: Mapping[str, Value], *, sequence: bool = False
    ) -> Scope:
        """Return the scope in which a body begins."""
        children = Children(instance, sequence=sequence)
        return Scope(dict(arguments), module, instance, set(arguments), self.file_defaults(module), children)

    def file_defaults(self, module: Module) -> Mapping[str, Mapping[str, ast.Argument]]:
        """Return the `defaults` at the top of a file."""
        key = id(module)
        if key not in self._defaults:
            found: dict[str, dict[str, ast.Argument]] = {}
            for item in module.spec.items:
                if item.kind == "defaults":
                    tree = module.spec.parse(item)
                    if isinstance(tree, ast.Defaults):
                        found.setdefault(tree.layer, {}).update(self._sound_defaults(tree, module))
            self._defaults[key] = found
        return self._defaults[key]

    def _sound_defaults(self, tree: ast.Defaults, module: Module) -> dict[str, ast.Argument]:
        """Report what is not right about a `defaults`, and return the rest of it."""
        bad = list(bad_defaults(module, tree)) if len(self.problems) < MOST_OF_DEFAULTS else []
        for diagnostic in bad:
            self.report(diagnostic)
        spoilt = {d.span.start for d in bad}
        return {a.name: a for a in tree.arguments if a.name and a.start not in spoilt and tree.start not in spoilt}

    def _attempt_chain(self, definition: ast.Definition, x: Node, scope: Scope) -> Value:
        try:
            stages: tuple[Any, ...] = definition.body
            return self.run(stages, x, scope, scope.children)
        except Problem as problem:
            self.report(problem.diagnostic)
            self._look_over(definition, scope)
            return POISON

    def attempt(self, statement: ast.Syntax, scope: Scope, outputs: Outputs) -> None:
        """Run a statement; report what is wrong with it and go on."""
        try:
            self._run(statement, scope, outputs)
        except Problem as problem:
            self.report(problem.diagnostic)
            scope.misnamed |= problem.diagnostic.rule is names.UNKNOWN_NAME
            self._spoil(statement, scope, outputs)
            self._look_over(statement, scope)

    def _look_over(self, statement: ast.Syntax, scope: Scope) -> None:
        """Look at the layers of a statement that failed: those behind the failure are not reached by building it.

        What it reads counts as read, so that no tensor is called unused that only a broken statement uses.
        """
        known = self._looked.get(id(statement))
        if known is not None:
            scope.missed |= known
            return
        nodes = list(ast.walk(statement))
        self.steps += len(nodes)
        reads = frozenset(node.name for node in nodes if isinstance(node, ast.Name | ast.Call))
        self._looked[id(statement)] = reads
        scope.missed |= reads
        for diagnostic in islice(unknown_stages(scope.module, statement, {*scope.values, *scope.children.labels}), 20):
            if not self.is_reported(diagnostic):
                self.report(diagnostic)

    def _spoil(self, statement: ast.Syntax, scope: Scope, outputs: Outputs) -> None:
        match statement:
            case ast.Bind(name=name, index=None) | ast.Let(name=name) | ast.Share(name=name):
                scope.values.setdefault(name, POISON)
                if name not in scope.constants:
                    scope.values[name] = POISON
            case ast.Bind(name=name):
                scope.values[name] = POISON
            case ast.BindTuple(names=names_):
                scope.values.update(dict.fromkeys(names_, POISON))
            case ast.Output():
                outputs.add(statement, POISON)
            case ast.IfStatement() | ast.ForStatement():
                for inner in ast.walk(statement):
                    if inner is not statement and isinstance(inner, ast.Bind | ast.BindTuple | ast.Output | ast.Share):
                        self._spoil(inner, scope, outputs)

    def _run(self, statement: ast.Syntax, scope: Scope, outputs: Outputs) -> None:
        self.step(statement, scope, nodes=0)
        match statement:
            case ast.Bind():
                self._bind(statement, scope)
            case ast.Output():
                value = self.evaluate(statement.value, scope)
                if value is POISON:
                    self._look_over(statement, scope)
                if type(value) is not Node and value is not POISON:
                    message, help = f"an output is a tensor, not {show(value)} ({type_name(value)})", None
                    if are_tensors(value):
                        message = f"an output is one tensor, and this is {type_name(value)}"
                        help = "name them apart, `a, b = x -> Block`, and join them or give each an `output`"
                    raise self.problem(structure.NOT_A_TENSOR, message, statement.value, scope, help=help)
                if statement.name in outputs:
                    message = f"there are two outputs called `{statement.name}`"
                    raise self.problem(names.REBOUND, message, statement, scope, help="give each a name of its own")
                outputs.add(statement, value)
                if statement.name is not None and statement.name not in scope.constants:
                    scope.values[statement.name] = value  # an output is a tensor that later lines may read
            case ast.Let():
                self._constant(statement, scope)
            case ast.IfStatement():
                truth = self.truth(statement.condition, scope)
                if truth is None:
                    self._spoil(statement, scope, outputs)
                else:
                    for inner in statement.then if truth else statement.otherwise:
                        self.attempt(inner, scope, outputs)
            case ast.ForStatement():
                self._loop(statement, scope, outputs)
            case ast.Require():
                self._require(statement, scope)
            case ast.BindTuple():
                self._bind_tuple(statement, scope)
            case ast.Share():
                self._share(statement, scope)
            case ast.Defaults():
                given = self._sound_defaults(statement, scope.module)
                merged = {**scope.defaults.get(statement.layer, {}), **given}
                scope.defaults = {**scope.defaults, statement.layer: merged}
            case ast.Init():
                self._init(statement, scope)
            case ast.Input():
                message = "an `input` stands at the top of a body, not inside `if` or `for`"
                raise self.problem(structure.NO_INPUT_SHAPE, message, statement, scope)

    # Names.

    def _rebindable(self, name: str, node: ast.Syntax, scope: Scope) -> None:
        if name in scope.constants:
            message = f"`{name}` is {show(scope.values[name])} here and stays so"
            help = "parameters, sizes and `let` names are constants: give the new value a name of its own"
            raise self.problem(names.REBOUND, message, node, scope, help=help)

    def _bind(self, statement: ast.Bind, scope: Scope) -> None:
        name = statement.name
        self._rebindable(name, statement, scope)
        index = None if statement.index is None else self.evaluate(statement.index, scope)
        value = self.evaluate(statement.value, scope)
        if value is POISON:
            self._look_over(statement, scope)
        if type(value) is not Node and value is not POISON and not are_tensors(value):
            message = f"`{name}` names a tensor, but this is {show(value)} ({type_name(value)})"
            help = f"write `let {name} = ...` for a number, list or block"
            raise self.problem(structure.NOT_A_TENSOR, message, statement.value, scope, help=help)
        if statement.shape is not None and type(value) is Node:
            self.match(statement.shape, value, scope, name)
        if statement.index is None:
            self._forget(name, statement, scope)
            scope.values[name] = value
            return
        if type(index) is not int or index < 0:
            message = f"an index is a whole number from 0 up, not {show(index)}"
            raise self.problem(names.BAD_VALUE, message, statement.index, scope)
        held = scope.values.get(name)
        if type(held) is not Indexed:
            held = scope.values[name] = Indexed()
        if index in held:
            message = f"`{name}[{index}]` has been given a value, and is written once"
            raise self.problem(names.REBOUND, message, statement, scope)
        held[index] = value
        scope.bound[f"{name}[{index}]"] = statement

    def _forget(self, name: str, statement: ast.Syntax, scope: Scope) -> None:
        """Note where a tensor is bound, and report the one before if nobody has read it."""
        before = scope.bound.get(name)
        if before is not None and name not in scope.used and scope.values.get(name) is not POISON:
            line = statement.span(scope.module.source).line
            help = f"line {line} gives its name to another tensor before anything has read this one"
            self._lint_unused(name, before, scope, help if before is not statement else None)
        scope.used.discard(name)
        scope.bound[name] = statement

    def _lint_unused(self, name: str, statement: ast.Syntax, scope: Scope, help: str | None) -> None:
        if scope.misnamed or name.partition("[")[0] in scope.missed:
            return  # a statement that failed may have meant it
        message = f"`{name}` is computed and never used"
        fix = cures.without_statement(statement, scope.module.source) if isinstance(statement, ast.Bind) else None
        self.report(self.problem(lints.UNUSED, message, statement, scope, help=help, fix=fix).diagnostic)

    def _bind_tuple(self, statement: ast.BindTuple, scope: Scope) -> None:
        for name in statement.names:
            self._rebindable(name, statement, scope)
        value = self.evaluate(statement.value, scope)
        if value is POISON:
            scope.values.update(dict.fromkeys(statement.names, POISON))
            return
        count = len(value) if type(value) is tuple else 1
        if type(value) is not tuple or count != len(statement.names):
            tensors = "1 tensor" if count == 1 else f"{count} tensors"
            message = f"{len(statement.names)} names on the left, but {tensors} on the right"
            help: str | None = None
            wanted = len(statement.names)
            if count == 1:
                help = f"a tensor is divided by `{', '.join(statement.names[:4])} = split(x, {wanted})`"
            elif isinstance(statement.value, ast.Call) and statement.value.name == "split":
                taken = statement.value.arguments[0].span(scope.module.source).text
                help = f"the number counts pieces, where PyTorch's is the channels of each: `split({taken}, {wanted})`"
            raise self.problem(structure.TENSOR_COUNT, message, statement, scope, help=help)
        for name, one in zip(statement.names, value, strict=True):
            if type(one) is not Node and one is not POISON:
                message = f"`{name}` names a tensor, but this is {show(one)} ({type_name(one)})"
                raise self.problem(structure.NOT_A_TENSOR, message, statement.value, scope)
            self._forget(name, statement, scope)
            scope.values[name] = one

    def _constant(self, statement: ast.Let, scope: Scope) -> None:
        self._rebindable(statement.name, statement, scope)
        value = self.evaluate(statement.value, scope)
        if type(value) is Node:
            message = f"`let` names what is known beforehand, and this is a tensor, {value.output}"
            help = f"write `{statement.name} = ...`"
            raise self.problem(structure.NOT_A_TENSOR, message, statement, scope, help=help)
        scope.values[statement.name] = value
        scope.constants.add(statement.name)

    def _loop(self, statement: ast.ForStatement, scope: Scope, outputs: Outputs) -> None:
        for element in self.elements(statement.iterable, scope):
            self.step(statement, scope)
            before = set(scope.constants)
            state = self.enter_loop(self.bind_target(statement.target, element, statement.iterable, scope), scope)
            scope.constants |= state[0].keys()
            for inner in statement.body:
                self.attempt(inner, scope, outputs)
            for name in scope.constants - before - state[0].keys():
                scope.values.pop(name, None)  # a `let` inside a loop holds for one turn
            scope.constants = before
            self.leave_loop(state, scope)

    def _share(self, statement: ast.Share, scope: Scope) -> None:
        name = statement.name
        self._rebindable(name, statement, scope)
        label = ast.Label(statement.start, statement.end, name)
        self.label_path(label, scope, scope.children)
        scope.values[name] = Shared(name, statement.stage)
        scope.constants.add(name)

    def _init(self, statement: ast.Init, scope: Scope) -> None:
        why = why_not_an_init(statement.scheme, [(a.name, _literal(a.value)) for a in statement.arguments])
        if why:
            place = statement if why.argument is None else statement.arguments[why.argument]
            raise self.problem(names.UNKNOWN_INIT, why.message, place, scope, help=why.help)
        for argument in statement.arguments:
            self.evaluate(argument.value, scope)
        target = statement.target
        if target in OPS and not has_kernel(target):
            message, help = f"`{target}` has no kernel that an `init` is for", "convolutions and `Linear` have one"
            raise self.problem(names.UNKNOWN_INIT, message, statement, scope, help=help)
        scope.instance.inits = (*scope.instance.inits, statement)

    def _check_inits(self, scope: Scope) -> None:
        """Report each `init` of a label that no layer of the body has, or one without anything to initialise."""
        children = {child.path.rpartition(".")[2]: child for child in scope.instance.children}
        for statement in scope.instance.inits:
            if statement.target is None or statement.target in OPS:
                continue
            child = children.get(statement.target)
            if child is None and statement.target in self._labels_of(scope.instance.definition):
                continue  # in a branch that was not taken, or below a mistake
            nodes = [] if child is None else [child] if isinstance(child, Node) else child.nodes()
            if any(has_kernel(node.op.name) for node in nodes):
                continue
            message, help = f"`{statement.target}` has no convolution or `Linear` to initialise", None
            if child is None:
                message = f"there is no layer `{statement.target}` here, neither a kind nor a label"
                kinds = [name for name in OPS if has_kernel(name)]
                close = closest(statement.target, [*children, *kinds])
                help = f"did you mean `{close}`?" if close else None
            self.report(self.problem(names.UNKNOWN_INIT, message, statement, scope, help=help).diagnostic)

    # Patterns and requirements.

    def _feed(self, statement: ast.Input, x: Node, scope: Scope) -> None:
        try:
            self._new_input(statement, scope)
            scope.values[statement.name] = x
            if statement.shape is not None:
                self.match(statement.shape, x, scope, statement.name)
        except Problem as problem:
            self.report(problem.diagnostic)

    def _new_input(self, statement: ast.Input, scope: Scope) -> None:
        """Refuse an input whose name is a parameter's or another input's."""
        self._rebindable(statement.name, statement, scope)
        if statement.name in scope.values:
            message = f"there are two inputs called `{statement.name}`"
            raise self.problem(names.REBOUND, message, statement, scope, help="give each a name of its own")

    def match(self, pattern: tuple[ast.Dim, ...], x: Node, scope: Scope, name: str) -> None:
        """Bind the new names of a pattern to the sizes of a tensor, and hold the others against them."""
        sizes = x.output.shape
        if len(sizes) != len(pattern):
            axes = "1 axis" if len(sizes) == 1 else f"{len(sizes)} axes"
            message = f"`{name}` is {x.output}, which has {axes}, and the pattern has {len(pattern)}"
            raise self.problem(shapes.PATTERN_MISMATCH, message, pattern[0], scope)
        for dim, size in zip(pattern, sizes, strict=True):
            node = dim.value
            if isinstance(node, ast.Name) and node.name not in scope.values:
                scope.values[node.name] = size
                scope.constants.add(node.name)
            else:
                self._hold(dim, size, x, scope, name)

    def _hold(self, dim: ast.Dim, size: Size, x: Node, scope: Scope, name: str) -> None:
        wanted = self.evaluate(dim.value, scope)
        if wanted is POISON:
            return
        written = dim.value.span(scope.module.source).text
        if type(wanted) not in (int, Symbolic):
            message = f"a size is a whole number, and `{written}` is {show(wanted)} ({type_name(wanted)})"
            raise self.problem(shapes.PATTERN_MISMATCH, message, dim, scope)
        shown = written if written == show(wanted) else f"{written} = {show(wanted)}"
        message = f"`{name}` is {x.output}: {size} where the pattern has {shown}"
        try:
            require(equal(size, wanted), message, rule="pattern-mismatch")
        except ShapeError as error:
            raise self.shape_problem(error, dim, scope) from None

    def _require(self, statement: ast.Require, scope: Scope) -> None:
        for condition in _conjuncts(statement.condition):
            value = self.evaluate(condition, scope)
            if value is POISON or value is True:
                continue
            if type(value) not in (bool, Condition):
                message = f"a requirement is true or false, not {show(value)} ({type_name(value)})"
                outside = type(value) is tuple and len(value) == 2 and type(value[1]) is str
                help = 'the message follows without parentheses: `require H % 2 == 0, "..."`' if outside else None
                if type(value) is int:
                    help = f"compare it, as in `{condition.span(scope.module.source).text[:40]} == 0`"
                raise self.problem(names.BAD_VALUE, message, condition, scope, help=help)
            if type(value) is Condition and not value.never:
                self.stated.append(value)
                value.domain.assume(value)
                continue
            written = " ".join(condition.span(scope.module.source).text.split())
            message = f"{statement.message}: " if statement.message else ""
            notes = self._values(condition, scope)
            raise self.problem(
                shapes.REQUIRE_FAILED, f"{message}`{written}` does not hold", condition, scope, notes=notes
            )

    def _values(self, condition: ast.Syntax, scope: Scope) -> tuple[str, ...]:
        """Return the values of the names in a failed condition."""
        seen: dict[str, str] = {}
        for node in ast.walk(condition):
            if isinstance(node, ast.Name) and node.name in scope.values:
                value = scope.values[node.name]
                seen[node.name] = _open_size(node.name, value) or f"{node.name} = {show(value)}"
        return (", ".join(seen.values()),) if seen else ()

    def finish(self, definition: ast.Definition, scope: Scope, outputs: Outputs) -> None:
        """Report a body without output, initialisations of nothing, and the tensors that nobody read."""
        self._check_inits(scope)
        if not outputs.regular:
            span = definition.name_span(scope.module.source)
            message = f"`{definition.name}` never sets an output"
            help = "end with `output y`, where `y` is what it computes"
            self.report(Diagnostic(structure.NO_OUTPUT, message, span, help=help))
            return  # that nothing reads the tensors follows from it
        for name, statement in scope.bound.items():
            value = scope.values.get(name.partition("[")[0])
            if name not in scope.used and value is not POISON:
                self._lint_unused(name, statement, scope, f"leave it out, or use it, as in `output {name}`")


def _literal(node: ast.Syntax) -> Value:
    """Return the value of what is written as a constant, else `POISON`."""
    return node.value if isinstance(node, ast.Literal) else POISON


def _open_size(name: str, value: Value) -> str | None:
    """Say what is known of a size that is left open and called by its own name; `None` of any other value."""
    if not isinstance(value, Symbolic) or str(value) != name:
        return None
    left = str(value.domain.requirement)
    known = "" if left == f"any {name}" else f", so far with {left}"
    return f"{name} is left open{known}, and no size satisfies this"


def _conjuncts(condition: ast.Syntax) -> list[ast.Syntax]:
    """Return what `and` joins: one requirement may be on the height and another on the width."""
    if isinstance(condition, ast.Binary) and condition.op == "and":
        return [*_conjuncts(condition.left), *_conjuncts(condition.right)]
    return [condition]


class Outputs:
    """The outputs of a body by name, in order; those of training apart."""

    def __init__(self) -> None:
        self.named: dict[str, Value] = {}
        self.training: dict[str, Value] = {}

    def __contains__(self, name: str | None) -> bool:
        return name in self.named or name in self.training

    def add(self, statement: ast.Output, value: Value) -> None:
        """Enter one output; the unnamed are called `output`, `output_2`, ..."""
        known = len(self.named) + len(self.training)
        name = statement.name or ("output" if not known else f"output_{known + 1}")
        (self.training if statement.training else self.named)[name] = value

    @property
    def regular(self) -> list[Value]:
        return list(self.named.values())
