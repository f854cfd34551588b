"""Definitions of a spec to classes of Python: what the constructor builds, and what `forward` does with it.

One walk over a body writes both. A number is an expression over the constructor's parameters; a tensor is an
expression in `forward` together with its channels, which the constructor has to know. Loops and conditions stay what
they are, unless everything in a condition is known.
"""

from __future__ import annotations

import ast as python
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from archdsl.codegen import layout, terms
from archdsl.codegen.channels import after
from archdsl.codegen.model import Statement
from archdsl.codegen.naming import RESERVED, flat, spelled
from archdsl.codegen.terms import UNKNOWN, binary, call, constant, name, names_in, same, value_of
from archdsl.codegen.units import Defined, Passed, Unit
from archdsl.elaborate.builtins import FUNCTIONS
from archdsl.elaborate.values import BlockValue, LayerValue
from archdsl.lang import ast
from archdsl.ops import OPS, Op
from archdsl.ops.activation import AlongAxis
from archdsl.ops.arguments import PerAxis
from archdsl.ops.base import Elementwise
from archdsl.ops.norm import ShapeNorm
from archdsl.ops.pad import PadChannels
from archdsl.ops.pool import AdaptivePool, Pool

if TYPE_CHECKING:
    from archdsl.codegen.family import Family, Written

CHANNELS = frozenset(("in_channels", "in_features", "num_features", "num_channels"))
"""PyTorch's names of the size of a layer's input."""
MOST_UNROLLED = 16


class Unsupported(Exception):
    """What one class cannot say for all of its uses."""


class Body:
    """The constructor and `forward` of one definition."""

    def __init__(self, family: Family, defined: Defined) -> None:
        self.family = family
        self.uses = family.uses
        self.definition, self.home = defined.definition, defined.home
        self.init: list[Statement] = []
        self.forward: list[Statement] = []
        self.scope: dict[str, Any] = {}
        """What the names of the definition stand for."""
        self.spelling = spelled(self.definition)
        self.defaults: dict[str, dict[str, ast.Argument]] = family.defaults(self.home)
        self.made: list[str] = []
        """The attributes that hold modules, in the order in which they are made."""
        self.kept: list[str] = []
        """The parameters that `forward` reads, as attributes."""
        self.growing: list[str] = []
        """The variables of the Sequentials that are being filled."""
        self.loops = 0
        self.before_loops: list[tuple[list[Statement], list[Statement]]] = []
        self.carried = "in_channels"
        self.assigned = 0
        """How often the carried variable has been assigned."""
        self.pure: dict[str, python.expr | None] = {}
        """What the constructor's variables are, in terms of its parameters; `None` where that has no short form."""

    def word(self, word: str) -> str:
        """Return what code calls a name of the definition."""
        return self.spelling.get(word, word)

    def target(self, target: ast.Target, *, inner: bool = False) -> str:
        """Return what a loop binds."""
        if isinstance(target, str):
            return self.word(target)
        text = ", ".join(self.target(part, inner=True) for part in target)
        return f"({text})" if inner else text

    # Numbers.

    def number(self, node: ast.Syntax) -> python.expr:
        """Return an expression of the language as one of Python."""
        match node:
            case ast.Literal(value=value):
                return constant(value)
            case ast.Name(name=word):
                found = self.scope.get(word)
                if found is None:
                    found = self.family.constant(self.home, word)
                if isinstance(found, python.expr):
                    return found
                raise Unsupported(f"`{word}` is no number")
            case ast.Sequence(items=items, is_list=is_list):
                kind = python.List if is_list else python.Tuple
                return kind([self.number(item) for item in items])
            case ast.Binary(op=op) if op in ("and", "or"):
                pair = [self.number(node.left), self.number(node.right)]
                return terms.both(pair) if op == "and" else terms.either(pair)
            case ast.Binary(op=op, left=left, right=right):
                return binary(op, self.number(left), self.number(right))
            case ast.Unary(op=op, operand=operand):
                inner = self.number(operand)
                return terms.negated(inner) if op == "not" else terms.negative(inner)
            case ast.Compare(first=first, rest=rest):
                return terms.compare(self.number(first), [(op, self.number(other)) for op, other in rest])
            case ast.Index(value=value, index=index):
                return terms.indexed(self.number(value), self.number(index))
            case ast.IfExpression():
                parts = node.condition, node.then, node.otherwise
                return terms.conditional(*map(self.number, parts))
            case ast.Call(name=word, arguments=arguments):
                return self._function(word, [self.number(a.value) for a in arguments])
        raise Unsupported(f"{type(node).__name__} is no number")

    def _function(self, word: str, arguments: list[python.expr]) -> python.expr:
        values = [value_of(argument) for argument in arguments]
        if UNKNOWN not in values and word not in ("range", "enumerate", "zip", "reversed"):
            return constant(FUNCTIONS[word](*values))
        if word in ("ceil", "floor"):
            self.family.needs.add("math")
            return call(f"math.{word}", *arguments)
        if word == "cumsum":
            self.family.needs.add("accumulate")
            return call("list", call("accumulate", *arguments))
        if word == "round_to":
            self.family.needs.add("round_to")
            return call("round_to", *arguments)
        if word in ("enumerate", "zip"):
            arguments = [a.args[0] if isinstance(a, python.Call) and called(a) == "list" else a for a in arguments]
        if word == "zip":
            lengths = {layout.expression(times) if times is not None else None for times in map(count, arguments)}
            return call("zip", *arguments, strict=constant(len(lengths) == 1 and None not in lengths))
        if word == "reversed" and not (isinstance(arguments[0], python.Call) and called(arguments[0]) == "range"):
            return call("reversed", call("list", *arguments))
        return call(word, *arguments)

    # Units.

    def unit(self, word: str) -> Unit:
        """Return what a name after an arrow means."""
        found = self.scope.get(word)
        if isinstance(found, Defined | LayerValue | Passed):
            return found
        definition = self.home.definition(word)
        if definition is not None and isinstance(definition[1], ast.Definition):
            return Defined(*definition)  # type: ignore[arg-type]  # narrowed by the line above
        return LayerValue(OPS[word])

    def as_unit(self, value: Any) -> Defined | LayerValue:
        """Return a value that a parameter of type `block` took."""
        if isinstance(value, BlockValue):
            return Defined(value.module, value.definition)
        assert isinstance(value, LayerValue), "a unit is a block or a layer"
        return value

    def unit_argument(self, node: ast.Syntax) -> Unit:
        """Return the unit that an argument names."""
        if isinstance(node, ast.Name):
            return self.unit(node.name)
        if isinstance(node, ast.Call):
            kind = OPS[node.name]
            values = [(a.name, value_of(self.number(a.value))) for a in node.arguments]
            if any(value is UNKNOWN for _, value in values):
                raise Unsupported("a layer is passed with arguments that differ")
            return LayerValue(kind, kind(*[v for k, v in values if k is None], **{k: v for k, v in values if k}))
        raise Unsupported("a unit is computed")

    # Modules: an expression that constructs one, and the channels behind it.

    def construct(
        self, node: ast.Call, channels: tuple[python.expr, ...]
    ) -> tuple[python.expr, tuple[python.expr, ...]]:
        """Return how the module of a call is constructed, and the channels of what it gives."""
        unit = self.unit(node.name)
        if isinstance(unit, LayerValue):
            made, behind = self.layer(unit, node, channels[0])
            return made, (behind,)
        if isinstance(unit, Defined):
            return self.block(self.family.written(unit), node, channels)
        return self._passed(unit, node, channels)

    def layer(self, unit: LayerValue, node: ast.Call, channels: python.expr) -> tuple[python.expr, python.expr]:
        """Return how a layer is constructed, in PyTorch's order and without its defaults."""
        kind = unit.kind
        if unit.op is None:
            given = self._given(kind, node)
        else:
            given = {a.name: terms.per_axis(getattr(unit.op, a.name)) for a in kind.arguments}
        return self._torch_call(kind, given, channels, node), after(kind, given, channels)

    def _given(self, kind: type[Op], node: ast.Call) -> dict[str, python.expr]:
        declared = [a.name for a in kind.arguments]
        given: dict[str, python.expr] = {}
        for position, argument in enumerate(node.arguments):
            given[argument.name or declared[position]] = self.number(argument.value)
        for word, argument in self.defaults.get(kind.name, {}).items():
            if word not in given:
                given[word] = self.number(argument.value)
        return given

    def _torch_call(
        self, kind: type[Op], given: Mapping[str, python.expr], channels: python.expr, node: ast.Call
    ) -> python.expr:
        positional: list[python.expr] = []
        for word in kind.leading:
            if word in CHANNELS:
                positional.append(channels)
            elif word == "normalized_shape":
                positional.append(self._normalized(kind, channels, node))
            elif word in given:
                positional.append(self._brief(given[word], kind, word))
        keywords: dict[str, python.expr] = {}
        for declared in kind.arguments:
            word = declared.name
            if word in kind.leading or word == "dims" or word not in given:
                continue
            value = value_of(given[word])
            if value is UNKNOWN or self._differs(declared, value, kind):
                keywords[word] = self._brief(given[word], kind, word)
        has_inplace = "inplace" not in given and any(a.name == "inplace" for a in kind.arguments)
        falls = kind.name == "LeakyReLU" and "negative_slope" in given  # its gradient may need its input
        if has_inplace and not falls and self.family.may_overwrite(node):
            keywords["inplace"] = constant(True)
        if kind.name.endswith("Softmax"):
            keywords["dim"] = given.get("dim", constant(1))
        torch_name = kind.name if kind.name in self.family.HOME_MADE else f"nn.{kind.name}"
        if kind.name in self.family.HOME_MADE:
            self.family.needs.add(kind.name)
        return call(torch_name, *positional, **keywords)

    @staticmethod
    def _differs(declared: Any, value: Any, kind: type[Op]) -> bool:
        default = declared.fill(kind.dimensions)
        try:
            return bool(declared.read(value, kind.dimensions, declared.name) != default)
        except Exception as error:  # noqa: BLE001
            raise Unsupported(str(error)) from None

    @staticmethod
    def _brief(node: python.expr, kind: type[Op], word: str) -> python.expr:
        """Return an argument as PyTorch takes it at its shortest: one number where all axes have the same."""
        declared = next(a for a in kind.arguments if a.name == word)
        if isinstance(node, python.Tuple | python.List) and isinstance(
            getattr(declared.kind, "kind", declared.kind), PerAxis
        ):
            first, *rest = node.elts
            if all(same(first, other) for other in rest) and value_of(first) is not None:
                return first
        return python.Tuple(node.elts) if isinstance(node, python.List) else node

    def _normalized(self, kind: type[Op], channels: python.expr, node: ast.Call) -> python.expr:
        if not issubclass(kind, ShapeNorm):
            return channels  # over the channels alone
        shapes = {
            (seen.op.normalized_shape(types[0]), len(types[0].shape))
            for seen, types in self.uses.types(node)
            if isinstance(seen.op, ShapeNorm)
        }
        if len(shapes) != 1:
            raise Unsupported("a norm over maps of different sizes")
        ((shape, rank),) = shapes
        sizes = [constant(size) for size in shape]
        if len(shape) == rank:
            sizes[0] = channels
        return sizes[0] if len(sizes) == 1 else python.Tuple(sizes)

    def block(
        self, written: Written, node: ast.Call, channels: tuple[python.expr, ...]
    ) -> tuple[python.expr, tuple[python.expr, ...]]:
        """Return how a block is constructed, and the channels of its outputs."""
        if written.is_concrete:
            return call(written.name), tuple(out for out in written.channels if out is not None)
        assert written.definition is not None, "a group is written for one use"
        given = self._bound(written.definition, node)
        positional, keywords, known = list(channels), dict[str, python.expr](), dict[str, python.expr]()
        in_order = True
        for parameter in written.kept:
            word = written.word(parameter)
            argument = given.get(parameter.name)
            if argument is None:
                in_order = False
                default = written.defaults.get(parameter.name)
                if default is not None:
                    known[word] = default
                continue
            value = self._argument(argument.value, parameter)
            known[word] = value
            if in_order and argument.name is None:
                positional.append(value)
            else:
                in_order = False
                keywords[word] = value
        known |= dict(zip(written.inputs, channels, strict=True))
        if None in written.channels:
            raise Unsupported(f"the channels behind `{written.name}` have no short form")
        behind = tuple(terms.replaced(out, known) for out in written.channels if out is not None)
        return call(written.name, *positional, **keywords), behind

    def _argument(self, node: ast.Syntax, parameter: ast.Parameter) -> python.expr:
        if parameter.type.name != "block":
            return self.number(node)
        return self.family.unit_expression(self.unit_argument(node))

    @staticmethod
    def _bound(definition: ast.Definition, node: ast.Call | ast.Alias) -> dict[str, ast.Argument]:
        order = [parameter.name for parameter in definition.parameters]
        return {a.name or order[i]: a for i, a in enumerate(node.arguments)}

    def _passed(
        self, unit: Passed, node: ast.Call, channels: tuple[python.expr, ...]
    ) -> tuple[python.expr, tuple[python.expr, ...]]:
        """Return how a module is constructed whose class is a parameter."""
        if not unit.candidates:
            raise Unsupported("nothing is passed, for no model comes here")
        layers = [c for c in unit.candidates if isinstance(c, LayerValue)]
        if layers and len(layers) == len(unit.candidates) and not node.arguments:
            sized = {bool(layer.kind.leading) for layer in layers}
            kept = all(issubclass(layer.kind, Elementwise | Pool | AdaptivePool) for layer in layers)
            if len(sized) != 1 or not kept or any(issubclass(layer.kind, PadChannels | AlongAxis) for layer in layers):
                raise Unsupported("layers that want different arguments are passed")
            return call(unit.name, *(channels if sized.pop() else ())), channels
        blocks = [self.family.written(c) for c in unit.candidates if isinstance(c, Defined)]
        if len(blocks) != len(unit.candidates):
            raise Unsupported("blocks and layers are passed for one parameter")
        if any(one.is_concrete for one in blocks):
            raise Unsupported("a block that is passed is written for one use")
        first = blocks[0]
        if any([*map(b.word, b.kept)] != [*map(first.word, first.kept)] for b in blocks):
            raise Unsupported("blocks of different parameters are passed for one")
        made, behind = self.block(first, node, channels)
        assert isinstance(made, python.Call), "a block is constructed by a call"
        made.func = name(unit.name)
        factors = self.family.expansions(blocks)
        if factors is None:
            raise Unsupported("the channels behind a block that is passed are no multiple of one width")
        base = terms.binary("//", behind[0], constant(factors[0])) if factors[0] != 1 else behind[0]
        base = self._divided(behind[0], factors[0])
        if len(set(factors)) == 1:
            return made, behind
        return made, (binary("*", name(f"{unit.name}.expansion"), base),)

    @staticmethod
    def _divided(node: python.expr, factor: int) -> python.expr:
        if factor == 1:
            return node
        value = value_of(node)
        if value is not UNKNOWN:
            return constant(value // factor)
        assert isinstance(node, python.BinOp), "a multiple is a product"
        return node.right if value_of(node.left) == factor else node.left

    # Sequences: modules appended to a container in the constructor.

    def sequence(self, stages: Sequence[ast.Stage], into: str, channels: python.expr) -> python.expr:
        """Append what stages make to a container; return the channels behind them."""
        for stage in stages:
            channels = self._in_sequence(stage, into, channels)
        return channels

    def _in_sequence(self, stage: ast.Stage, into: str, channels: python.expr) -> python.expr:
        unit = stage.unit
        if stage.label is not None:
            made, behind = self.module(ast.Stage(stage.start, stage.end, None, unit, stage.repeat), channels, stage)
            self._enter(stage.label, made, into)
            return behind
        if stage.repeat is not None:
            times = self.number(stage.repeat)
            inner = ast.Stage(stage.start, stage.end, None, unit, None)
            if value_of(times) in (0, 1):
                return self._in_sequence(inner, into, channels) if value_of(times) else channels
            return self._loop("_", call("range", times), lambda c: self._in_sequence(inner, into, c), channels)
        match unit:
            case ast.Call():
                made, (behind,) = self.construct(unit, (channels,))
                self.init.append(Statement("", call(f"{into}.append", made)))
                return behind
            case ast.Group():
                made, behind = self.group(unit.stages, channels, stage)
                self.init.append(Statement("", call(f"{into}.append", made)))
                return behind
            case ast.IfStage():
                return self._branch(
                    self.number(unit.condition),
                    lambda c: self.sequence(unit.then, into, c),
                    lambda c: self.sequence(unit.otherwise, into, c),
                    channels,
                )
            case ast.ForStage():
                iterable = self.number(unit.iterable)
                with self.bound_loop(unit.target):
                    return self._loop(
                        self.target(unit.target), iterable, lambda c: self.sequence(unit.stages, into, c), channels
                    )
        raise AssertionError("a stage is one of these")

    def _enter(self, label: ast.Label, made: python.expr, into: str) -> None:
        """Give a module its name in a container."""
        if label.index is not None:
            raise Unsupported("an indexed label in a sequence")
        if label.template is None or all(isinstance(part, str) for part in label.template):
            word = "".join(map(str, label.template)) if label.template else label.name
            if into == "self":
                self.init.append(Statement(f"self.{word} = ", made))
            else:
                self.init.append(Statement("", call(f"{into}.add_module", constant(word), made)))
            return
        self.init.append(Statement("", call(f"{into}.add_module", self.text(label), made)))

    def text(self, label: ast.Label) -> python.expr:
        """Return a computed label as Python's formatted text."""
        assert label.template is not None, "only a computed label comes here"
        parts: list[python.expr] = []
        for part in label.template:
            node = constant(part) if isinstance(part, str) else self.number(part)
            value = value_of(node)
            if value is not UNKNOWN:
                parts.append(constant(str(value)))
            else:
                parts.append(python.FormattedValue(node, -1))
        if all(isinstance(part, python.Constant) for part in parts):
            return constant("".join(str(value_of(part)) for part in parts))
        return python.JoinedStr(parts)

    def module(self, stage: ast.Stage, channels: python.expr, syntax: ast.Stage) -> tuple[python.expr, python.expr]:
        """Return the module of a stage as an expression, and the channels behind it."""
        unit = stage.unit
        if isinstance(unit, ast.Call) and stage.repeat is None:
            made, behind = self.construct(unit, (channels,))
            return made, behind[0]
        if isinstance(unit, ast.Group) and stage.repeat is None:
            return self.group(unit.stages, channels, syntax)
        return self.group((stage,), channels, syntax)

    def group(
        self, stages: Sequence[ast.Stage], channels: python.expr, syntax: ast.Stage
    ) -> tuple[python.expr, python.expr]:
        """Return a Sequential: as one expression where that says it, else built up before."""
        if all(map(_is_plain, stages)):
            made: list[python.expr] = []
            named: list[tuple[str, python.expr]] = []
            for position, stage in enumerate(stages):
                inner = ast.Stage(stage.start, stage.end, None, stage.unit, None)
                module, channels = self.module(inner, channels, stage)
                made.append(module)
                named.append((stage.label.name if stage.label else str(position), module))
            if any(stage.label for stage in stages):
                self.family.needs.add("OrderedDict")
                pairs = python.List([python.Tuple([constant(word), module]) for word, module in named])
                return call("nn.Sequential", call("OrderedDict", pairs)), channels
            whole = call("nn.Sequential", *made)
            whole.spread = True  # type: ignore[attr-defined]  # read by the layout
            return whole, channels
        word = self._fresh(
            syntax.label.name if syntax.label is not None and syntax.label.template is None else "layers"
        )
        self.init.append(Statement(f"{word} = ", call("nn.Sequential")))
        self.growing.append(word)
        behind = self.sequence(stages, word, channels)
        self.growing.pop()
        return name(word), behind

    def _fresh(self, word: str) -> str:
        taken = {*self.scope, *self.spelling.values(), *self.growing, *RESERVED, self.carried}
        while word in taken:
            word += "_"
        return word

    # Loops and branches of the constructor.

    @contextmanager
    def bound_loop(self, target: ast.Target) -> Iterator[None]:
        """Let the variables of a loop stand for themselves inside it."""
        words = flat(target)
        saved = {word: self.scope[word] for word in words if word in self.scope}
        self.scope.update({word: name(self.word(word)) for word in words})
        yield
        for word in words:
            self.scope.pop(word, None)
        self.scope.update(saved)

    @contextmanager
    def elsewhere(self) -> Iterator[tuple[list[Statement], list[Statement]]]:
        """Collect the statements written meanwhile apart from the others."""
        saved = self.init, self.forward
        self.init, self.forward = [], []
        written = self.init, self.forward
        try:
            yield written
        finally:
            self.init, self.forward = saved

    def _loop(
        self, target: str, iterable: python.expr, body: Callable[[python.expr], python.expr], channels: python.expr
    ) -> python.expr:
        """Write a loop of the constructor; channels that change from turn to turn are carried in a variable."""
        carried = name(self.carried)
        made, outside, before = list(self.made), self.in_parameters(channels), self.assigned
        kept = dict(self.pure)
        self.pure.pop(self.carried, None)
        with self.elsewhere():
            behind = body(carried)
        self.made = made
        unchanged = same(behind, carried) or (self.carried not in names_in(behind) and same(behind, channels))
        unchanged = unchanged and self.assigned == before
        if unchanged:
            self.pure = kept
        elif not same(channels, carried):
            self._carry(channels)
        with self.elsewhere() as (init, _):
            behind = body(channels if unchanged else carried)
            each = self.in_parameters(behind)
            if not unchanged and not same(behind, carried):
                self._carry(behind)
        if init:
            self.init.append(Statement(f"for {read_target(target, init)} in ", iterable, ":", body=init))
        if unchanged:
            return channels
        self.pure[self.carried] = self._after_loop(outside, each, target, iterable)
        return carried

    def _carry(self, channels: python.expr) -> None:
        match channels:
            case python.BinOp(left=python.Name(id=self.carried), op=op, right=right):
                sign = layout.sign(op)
                self.init.append(Statement(f"{self.carried} {sign}= ", right))
            case _:
                self.init.append(Statement(f"{self.carried} = ", channels))
        self.assigned += 1

    def in_parameters(self, node: python.expr) -> python.expr | None:
        """Return a number of the constructor in terms of its parameters; `None` where that has no short form."""
        inside = {word: self.pure[word] for word in names_in(node) if word in self.pure}
        if None in inside.values():
            return None
        return terms.replaced(node, {word: value for word, value in inside.items() if value is not None})

    def _after_loop(
        self, before: python.expr | None, behind: python.expr | None, target: str, iterable: python.expr
    ) -> python.expr | None:
        """Return what a carried number is after a loop that makes `behind` of it in every turn."""
        times = count(iterable)
        if before is None or behind is None or times is None:
            return None
        words = set(target.replace("(", "").replace(")", "").split(", "))
        if self.carried not in names_in(behind):
            if not words & names_in(behind):
                return behind
            if target.isidentifier() and _is_range(iterable):
                return terms.replaced(behind, {target: binary("-", _end(iterable), constant(1))})
            return None
        match behind:
            case python.BinOp(left=python.Name(id=self.carried), op=python.Add(), right=more):
                if self.carried not in names_in(more) and not words & names_in(more):
                    return binary("+", before, binary("*", times, more))
        return None

    def _branch(
        self,
        test: python.expr,
        then: Callable[[python.expr], python.expr],
        otherwise: Callable[[python.expr], python.expr],
        channels: python.expr,
    ) -> python.expr:
        """Write a condition of the constructor; channels that differ behind it are carried in a variable."""
        value = value_of(test)
        if value is not UNKNOWN:
            return (then if value else otherwise)(channels)
        with self.elsewhere() as (first, _):
            a = then(channels)
        with self.elsewhere() as (second, _):
            b = otherwise(channels)
        behind = merged(test, a, b)
        if isinstance(behind, python.IfExp):
            carried, before = name(self.carried), self.in_parameters(channels)
            if not same(channels, carried):
                self._carry(channels)
            kept = dict(self.pure)
            self.pure[self.carried] = before
            ends: list[python.expr | None] = []
            with self.elsewhere() as (first, _):
                a = then(carried)
                ends.append(self.in_parameters(a))
                if not same(a, carried):
                    self._carry(a)
            with self.elsewhere() as (second, _):
                b = otherwise(carried)
                ends.append(self.in_parameters(b))
                if not same(b, carried):
                    self._carry(b)
            self.pure = kept
            self.pure[self.carried] = None if None in ends else terms.conditional(test, *ends)  # type: ignore[arg-type]
            behind = carried
        self.write_if(self.init, test, first, second)
        return behind

    @staticmethod
    def write_if(into: list[Statement], test: python.expr, then: list[Statement], otherwise: list[Statement]) -> None:
        """Write `if`, `else`, or the opposite where only the other side does something."""
        if then:
            into.append(Statement("if ", test, ":", body=then))
            if otherwise:
                into.append(Statement("else:", body=otherwise))
        elif otherwise:
            into.append(Statement("if ", terms.negated(test), ":", body=otherwise))


def count(iterable: python.expr) -> python.expr | None:
    """Return how many turns a loop takes."""
    if isinstance(iterable, python.List | python.Tuple):
        return constant(len(iterable.elts))
    if isinstance(iterable, python.Name | python.Subscript):
        return call("len", iterable)
    if isinstance(iterable, python.Call) and iterable.args:
        if called(iterable) == "accumulate":
            return count(iterable.args[0])
        if _is_range(iterable):
            low, high = (constant(0), *iterable.args) if len(iterable.args) == 1 else iterable.args[:2]
            return binary("-", high, low) if len(iterable.args) < 3 else None
        if called(iterable) in ("enumerate", "list", "reversed", "zip"):
            return count(iterable.args[0])
    return None


def _end(iterable: python.expr) -> python.expr:
    assert isinstance(iterable, python.Call), "a range is a call"
    return iterable.args[-1] if len(iterable.args) < 3 else iterable.args[1]


def _is_range(node: python.expr) -> bool:
    return isinstance(node, python.Call) and called(node) == "range"


def merged(test: python.expr, then: python.expr, otherwise: python.expr) -> python.expr:
    """Return the channels behind a condition: one expression where the condition makes the two equal."""
    if same(then, otherwise):
        return then
    for left, right in _equal_if(test, True):
        if same(_with(then, left, right), otherwise) or same(_with(then, right, left), otherwise):
            return otherwise
    for left, right in _equal_if(test, False):
        if same(_with(otherwise, left, right), then) or same(_with(otherwise, right, left), then):
            return then
    return terms.conditional(test, then, otherwise)


def _equal_if(test: python.expr, truth: bool) -> Iterator[tuple[python.expr, python.expr]]:
    """Yield what is equal where a condition is true, or where it is false."""
    match test:
        case python.BoolOp(op=op, values=values) if isinstance(op, python.And if truth else python.Or):
            for value in values:
                yield from _equal_if(value, truth)
        case python.UnaryOp(op=python.Not(), operand=operand):
            yield from _equal_if(operand, not truth)
        case python.Compare(left=left, ops=[op], comparators=[right]):
            if isinstance(op, python.Eq if truth else python.NotEq):
                yield left, right


def _with(node: python.expr, left: python.expr, right: python.expr) -> python.expr:
    return right if same(node, left) else node


def _is_plain(stage: ast.Stage) -> bool:
    plain_label = stage.label is None or (stage.label.index is None and stage.label.template is None)
    if stage.repeat is not None or not plain_label:
        return False
    if isinstance(stage.unit, ast.Group):
        return all(map(_is_plain, stage.unit.stages))
    return isinstance(stage.unit, ast.Call)


def called(node: python.Call) -> str:
    """Return the plain name of what is called, if it has one."""
    return node.func.id if isinstance(node.func, python.Name) else ""


def statements(made: Sequence[Statement]) -> Iterator[Statement]:
    """Yield statements and those in them."""
    for statement in made:
        yield statement
        yield from statements(statement.body or [])


def read_target(target: str, body: Sequence[Statement]) -> str:
    """Return the target of a loop; a single name that its body does not read is `_`."""
    used = set().union(*(names_in(s.value) for s in statements(body) if s.value is not None))
    return "_" if target.isidentifier() and target not in used else target
