"""Bodies of blocks and models: statements to `forward`, and the modules they need to the constructor."""

from __future__ import annotations

import ast as python
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from typing import Any

from archdsl.codegen import layout, terms
from archdsl.codegen.channels import after
from archdsl.codegen.model import Statement
from archdsl.codegen.naming import IMPORTED, flat
from archdsl.codegen.terms import UNKNOWN, binary, call, constant, name, names_in, same, value_of
from archdsl.codegen.translate import MOST_UNROLLED, Body, Unsupported, called, merged, read_target
from archdsl.codegen.units import Defined, Numbered, Passed, Tensor
from archdsl.elaborate.values import LayerValue
from archdsl.lang import ast
from archdsl.ops import OPS, Op, activation, dropout, norm, reshape
from archdsl.ops.base import Elementwise
from archdsl.ops.pool import AdaptivePool
from archdsl.ops.reshape import Flatten

LONGEST_CHANNELS = 24
CONTAINERS = dict, list, set, tuple, frozenset


class Shared:
    """A module declared by `share`."""

    def __init__(self, label: str, stage: ast.Stage) -> None:
        self.label, self.stage = label, stage
        self.channels: python.expr | None = None
        self.behind: python.expr | None = None


class Flow(Body):
    """A block's or model's body; see `Body` for what its constructor is made of."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.outputs: list[tuple[str | None, Tensor, bool]] = []
        self.ascending: frozenset[str] = frozenset()
        """Variables of loops that count the turns."""
        self.descending: frozenset[str] = frozenset()
        """Those that count them down."""
        self.elements: dict[str, python.expr] = {}
        """What variables of loops are by those that count the turns."""
        self.loop_words: tuple[str, ...] = ()
        self.lists: set[str] = set()
        self.hoisted: set[str] = set()
        """Layers without weights that a loop calls: they are made before it."""
        self.asked: dict[int, python.expr] = {}
        """What `forward` asks before it gives an output that only some uses have, by the identity of the output."""
        self.numbered: dict[str, str] = {}
        self.writes: Counter[str] = Counter()
        """How often each tensor's name has been given a value."""

    # Statements.

    def run(self, statements: Sequence[ast.Syntax]) -> None:
        """Translate the statements of a body."""
        for number, statement in enumerate(statements):
            self._run(statement, statements[number + 1 :])

    def _run(self, statement: ast.Syntax, rest: Sequence[ast.Syntax]) -> None:
        match statement:
            case ast.Input() | ast.Init():
                return
            case ast.Let(name=word, value=value):
                self._let(word, value)
            case ast.Defaults(layer=layer, arguments=arguments):
                given = {a.name: a for a in arguments if a.name}
                self.defaults = {**self.defaults, layer: {**self.defaults.get(layer, {}), **given}}
            case ast.Require():
                self._require(statement)
            case ast.Share(name=word, stage=stage):
                self.scope[word] = Shared(word, stage)
            case ast.Bind():
                self._bind(statement)
            case ast.BindTuple(names=words, value=value):
                self._bind_several(words, value)
            case ast.Output():
                self._output(statement, rest)
            case ast.IfStatement():
                self._if(statement)
            case ast.ForStatement():
                self._for(statement)
            case _:
                raise Unsupported(f"a statement {type(statement).__name__}")

    def _let(self, word: str, value: ast.Syntax) -> None:
        node = self.number(value)
        long = isinstance(node, python.List) and len(terms.names_in(node)) + len(node.elts) > 3
        if (isinstance(node, python.Constant) and not self.loops) or not (long or not terms.is_known(node)):
            self.scope[word] = node
            return
        variable = self.word(word)
        self.init.append(Statement(f"{variable} = ", node))
        self.scope[word] = name(variable)
        self.pure[variable] = self.in_parameters(node)

    def _require(self, statement: ast.Require) -> None:
        try:
            condition = self.number(statement.condition)
        except Unsupported:
            return  # it asks for sizes, which the constructor does not know
        if terms.is_known(condition):
            return
        message = statement.message or "the parameters do not fit"
        raised = call("ValueError", constant(message))
        self.init.append(Statement("if ", terms.negated(condition), ":", body=[Statement("raise ", raised)]))

    def _bind(self, statement: ast.Bind) -> None:
        if statement.index is not None:
            self._bind_numbered(statement)
            return
        word = self.word(statement.name)
        made = self.tensor(statement.value, word)
        if isinstance(made, Tensor):
            self._match(statement.shape, made)
            made = self.kept_as(made, word, statement.value)
        self.scope[statement.name] = made
        self.writes[word] += 1

    def _match(self, shape: tuple[ast.Dim, ...] | None, x: Tensor) -> None:
        """Give the names of a pattern what they stand for; sizes are known only where they never differ."""
        if shape and isinstance(shape[0].value, ast.Name) and shape[0].value.name not in self.scope:
            self.scope[shape[0].value.name] = x.channels

    def kept_as(self, x: Tensor, word: str, syntax: ast.Syntax) -> Tensor:
        """Assign a tensor to a variable, unless it is that variable."""
        if isinstance(x.code, python.Name) and x.code.id == word:
            return x
        self.forward.append(Statement(f"{word} = ", x.code, comment=self.comment(x, syntax)))
        return Tensor(name(word), x.channels, x.sizes)

    def comment(self, x: Tensor, syntax: ast.Syntax) -> str:
        """Return the shape of a tensor of a model; channels that depend on parameters are told by them, where short."""
        called = layout.expression(x.code.func) if isinstance(x.code, python.Call) else ""
        axes = self.family.shapes_behind(syntax, self.definition, called.removeprefix("self."))
        if not axes:
            return ""
        told = {*self.loop_words, *(self.word(p.name) for p in self.definition.parameters)}
        if names_in(x.channels) and names_in(x.channels) <= told:
            channels = layout.expression(x.channels)
            if len(channels) <= LONGEST_CHANNELS:
                axes[0] = channels
        return f"[{', '.join(axes)}]" if set(axes) - {"c", "..."} else ""

    def _bind_numbered(self, statement: ast.Bind) -> None:
        word = self.word(statement.name)
        index = self.number(statement.index) if statement.index is not None else constant(0)
        made = self.tensor(statement.value, None)
        assert isinstance(made, Tensor), "an indexed name holds a tensor"
        variable = index.id if isinstance(index, python.Name) else ""
        channels = terms.replaced(made.channels, self.elements)
        if names_in(channels) & ({self.carried, *self.loop_words} - {variable}) - self.scope.keys():
            raise Unsupported("the channels of numbered tensors are carried through a loop")
        if word not in self.numbered:
            self.numbered[word] = "list"
            into = self.before_loops[0][1] if self.before_loops else self.forward
            into.append(Statement(f"{word}: list[Tensor] = []"))
        if not variable or variable not in self.ascending:
            raise Unsupported("numbered tensors are not bound in order")
        self.forward.append(Statement("", call(f"{word}.append", made.code)))
        self.scope[statement.name] = Numbered(word, variable, channels)

    def _bind_several(self, words: tuple[str, ...], value: ast.Syntax) -> None:
        made = self.tensor(value, None)
        if not isinstance(made, tuple):
            raise Unsupported("several names for one tensor")
        whole = self.several_code
        if whole is not None:
            self.forward.append(Statement(f"{', '.join(map(self.word, words))} = ", whole))
        for word, x in zip(words, made, strict=True):
            given = x if whole is None else Tensor(name(self.word(word)), x.channels)
            self.scope[word] = self.kept_as(given, self.word(word), value)
            self.writes[self.word(word)] += 1

    several_code: python.expr | None = None
    """The expression that gives several tensors at once, where the last one translated does."""

    def _output(self, statement: ast.Output, rest: Sequence[ast.Syntax]) -> None:
        later = {inner.name for one in rest for inner in ast.walk(one) if isinstance(inner, ast.Name)}
        own = self.word(statement.name) if statement.name is not None else None
        variable = "x" if "x" not in later and not isinstance(self.scope.get("x"), Shared) else own or "out"
        if statement.training:
            made = self.tensor(statement.value, None)
            assert isinstance(made, Tensor), "an output is a tensor"
            self.outputs.append((statement.name, made, True))
            return
        made = self.tensor(statement.value, variable)
        assert isinstance(made, Tensor), "an output is a tensor"
        used_later = any(isinstance(one, ast.Output) and not one.training for one in rest) or statement.name in later
        if used_later or self.has_training_output:
            word = own or variable
            made = self.kept_as(made, word, statement.value)
            self.writes[word] += 1
        if statement.name is not None:
            self.scope[statement.name] = made
        self.outputs.append((statement.name, made, False))

    has_training_output = False

    # Conditions and loops.

    def _if(self, statement: ast.IfStatement) -> None:
        test = self.number(statement.condition)
        value = value_of(test)
        if value is not UNKNOWN:
            self.run(statement.then if value else statement.otherwise)
            return
        before, given = dict(self.scope), len(self.outputs)
        made = list(self.made)
        with self.elsewhere() as (init_a, forward_a):
            self.run(statement.then)
        scope_a, made_a = dict(self.scope), self.made[len(made) :]
        self.scope, self.made = dict(before), list(made)
        with self.elsewhere() as (init_b, forward_b):
            self.run(statement.otherwise)
        scope_b, made_b = dict(self.scope), self.made[len(made) :]
        asked = self._presence(test, init_a, made_a, init_b, made_b)
        if len(self.outputs) > given:
            if made_b or forward_a or forward_b:
                raise Unsupported("an output that only some uses have")
            self.asked.update({id(x): asked for _, x, _ in self.outputs[given:]})
        self.write_if(self.init, test, init_a, init_b)
        self.write_if(self.forward, asked, forward_a, forward_b)
        self.scope = {**scope_b, **scope_a}
        for word in scope_a.keys() & scope_b.keys():
            a, b = scope_a[word], scope_b[word]
            if isinstance(a, Tensor) and isinstance(b, Tensor):
                self.scope[word] = Tensor(a.code, merged(test, a.channels, b.channels))
        self.made = [*made, *made_a, *made_b]

    def _presence(
        self,
        test: python.expr,
        init_a: list[Statement],
        made_a: list[str],
        init_b: list[Statement],
        made_b: list[str],
    ) -> python.expr:
        """Return what `forward` asks to know which way the constructor went: whether a module is there."""
        sides = (made_a, made_b, init_a, python.IsNot), (made_b, made_a, init_b, python.Is)
        for made, other, init, op in sides:
            if only := [word for word in made if word not in other]:
                kind = self.family.annotation(init, only[0])
                self.init.append(Statement(f"self.{only[0]}: {kind} | None = ", constant(None)))
                return python.Compare(name(f"self.{only[0]}"), [op()], [constant(None)])
        return self.stored(test)

    def stored(self, node: python.expr) -> python.expr:
        """Return a number of the constructor as `forward` reads it: its parameters become attributes."""
        words = sorted(names_in(node) - set(self.loop_words))
        for word in words:
            if word not in self.kept and word not in IMPORTED:
                self.kept.append(word)
        return terms.replaced(node, {word: name(f"self.{word}") for word in words if word in self.kept})

    def _for(self, statement: ast.ForStatement) -> None:
        iterable = self.number(statement.iterable)
        try:
            with self.attempt():
                self._kept_loop(statement, iterable)
        except Unsupported:
            for element in self.unrolled(iterable, statement):
                self._bind_target(statement.target, element)
                self.run(statement.body)

    def _kept_loop(self, statement: ast.ForStatement, iterable: python.expr) -> None:
        words = [self.word(word) for word in flat(statement.target)]
        bound = {
            inner.name
            for one in statement.body
            for inner in ast.walk(one)
            if isinstance(inner, ast.Bind) and inner.index is None
        }
        carried = {word: x for word, x in self.scope.items() if word in bound and isinstance(x, Tensor)}
        saved = self.ascending, self.loop_words, dict(self.scope), list(self.made), Counter(self.writes)
        if _starts_at_zero(iterable):
            self.ascending |= {words[0]}
        if isinstance(iterable, python.Call) and called(iterable) == "reversed":
            self.descending |= {words[0]}
        if isinstance(iterable, python.Call) and called(iterable) == "enumerate" and len(words) == 2:
            self.elements = {**self.elements, words[1]: terms.indexed(iterable.args[0], name(words[0]))}
        self.loop_words = (*self.loop_words, *words)
        forward_iterable = self.stored(iterable)
        variables = {word: name(self.carried if i == 0 else f"{word}_channels") for i, word in enumerate(carried)}

        pure = dict(self.pure)
        outside = {word: self.in_parameters(x.channels) for word, x in carried.items()}
        before = self.assigned

        def body(start: dict[str, python.expr]) -> dict[str, python.expr]:
            for word, x in carried.items():
                self.pure.pop(terms_id(variables[word]), None)
                self.scope[word] = Tensor(x.code, start[word])
                if not isinstance(x.code, python.Name):
                    raise Unsupported("a tensor that a loop changes has no name")
            self.run(statement.body)
            return {word: self.scope[word].channels for word in carried}

        with self.bound_loop(statement.target):
            self.before_loops.append((self.init, self.forward))
            with self.elsewhere():
                ends = body(dict(variables))
            self.before_loops.pop()
            self.scope, self.made, self.writes = self.scope | saved[2], list(saved[3]), Counter(saved[4])
            start: dict[str, python.expr] = {}
            for word, x in carried.items():
                variable = variables[word]
                constant_ = terms_id(variable) not in names_in(ends[word]) and same(ends[word], x.channels)
                unchanged = constant_ or (same(ends[word], variable) and self.assigned == before)
                start[word] = x.channels if unchanged else variable
                if not unchanged and not same(x.channels, variable):
                    self.init.append(Statement(f"{terms_id(variable)} = ", x.channels))
                    self.assigned += 1
            outer = self.init, self.forward
            self.before_loops.append(outer)
            with self.elsewhere() as (init, forward):
                ends = body(start)
                for word in carried:
                    if not same(start[word], ends[word]) and not same(ends[word], variables[word]):
                        self.init.append(Statement(f"{terms_id(variables[word])} = ", ends[word]))
                        self.assigned += 1
            self.before_loops.pop()
            each = {word: self.in_parameters(ends[word]) for word in carried}
            for word, x in carried.items():
                self.scope[word] = Tensor(x.code, start[word])
        head = self.target(statement.target)
        self.pure = pure
        for word, variable in variables.items():
            if same(start[word], variable):
                is_first = terms_id(variable) == self.carried
                behind = self._after_loop(outside[word], each[word], head, iterable) if is_first else None
                self.pure[terms_id(variable)] = behind
        if init:
            self.init.append(Statement(f"for {read_target(head, init)} in ", iterable, ":", body=init))
        self.forward.append(Statement(f"for {head} in ", forward_iterable, ":", body=forward))
        self.ascending, self.loop_words = saved[0], saved[1]

    def unrolled(self, iterable: python.expr, syntax: ast.Syntax) -> list[python.expr]:
        """Return the elements that a loop runs over, where their number is known."""
        value = value_of(iterable)
        if value is not UNKNOWN and isinstance(iterable, python.List | python.Tuple):
            return list(iterable.elts)
        if isinstance(iterable, python.Call) and isinstance(iterable.func, python.Name):
            inner = iterable.args
            if iterable.func.id == "range" and all(map(terms.is_known, inner)):
                numbers = range(*map(value_of, inner))
                if len(numbers) <= MOST_UNROLLED:
                    return [constant(i) for i in numbers]
            if iterable.func.id == "enumerate":
                return [python.Tuple([constant(i), x]) for i, x in enumerate(self.unrolled(inner[0], syntax))]
            if iterable.func.id == "zip":
                lists = [self.unrolled(one, syntax) for one in inner]
                return [python.Tuple(list(row)) for row in zip(*lists, strict=False)]
            if iterable.func.id in ("reversed", "list"):
                elements = self.unrolled(inner[0], syntax)
                return elements[::-1] if iterable.func.id == "reversed" else elements
        if isinstance(iterable, python.Name):
            lengths = self.family.lengths(self.definition, iterable.id)
            if len(lengths) == 1 and (length := lengths.pop()) <= MOST_UNROLLED:
                return [python.Subscript(iterable, constant(i)) for i in range(length)]
        raise Unsupported("a loop whose length differs")

    def _bind_target(self, target: ast.Target, element: python.expr) -> None:
        if isinstance(target, str):
            self.scope[target] = element
            return
        for position, part in enumerate(target):
            self._bind_target(part, terms.indexed(element, constant(position)))

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Undo what has been written and noted if it turns out to be unsupported."""
        written = [self.init, self.forward, *(one for pair in self.before_loops for one in pair)]
        lengths = [len(one) for one in written]
        saved = {word: copy(value) for word, value in vars(self).items() if isinstance(value, CONTAINERS)}
        saved |= {"init": self.init, "forward": self.forward}
        try:
            yield
        except Unsupported:
            vars(self).update(saved)
            for one, length in zip(written, lengths, strict=True):
                del one[length:]
            raise

    # Tensors.

    def tensor(self, node: ast.Syntax, target: str | None) -> Any:
        """Return a tensor, or several; what is on the way may be assigned to `target`."""
        self.several_code = None
        match node:
            case ast.Name(name=word):
                found = self.scope.get(word)
                if isinstance(found, Tensor | tuple | Numbered):
                    return found
                raise Unsupported(f"`{word}` is no tensor")
            case ast.Index(value=ast.Name(name=word), index=index):
                found = self.scope.get(word)
                if isinstance(found, Numbered):
                    place = self.number(index)
                    behind = terms.replaced(found.channels, {found.index: place}) if found.index else found.channels
                    return Tensor(python.Subscript(name(found.name), self.stored(place)), behind)
            case ast.Pipe(source=source, stages=stages):
                return self.flow(stages, self.tensor(source, None), target)
            case ast.Binary():
                return self._joined(node)
            case ast.IfExpression():
                return self._choice(node, target)
            case ast.Call(name="concat"):
                return self._concat(node)
            case ast.Call(name="split"):
                return self._split(node)
            case ast.Call(name="crop"):
                return self._crop(node)
            case ast.Sequence(items=items):
                return tuple(self.tensor(item, None) for item in items)
        raise Unsupported(f"{type(node).__name__} is no tensor")

    def _is_number(self, node: ast.Syntax) -> bool:
        return any(isinstance(node, kind) for kind in (ast.Literal,)) or self._numeric(node)

    def _numeric(self, node: ast.Syntax) -> bool:
        try:
            self.number(node)
        except (Unsupported, KeyError):
            return False
        return True

    def _joined(self, node: ast.Binary) -> Tensor:
        op, left, right = node.op, node.left, node.right
        if op == "*" and (self._is_number(left) or self._is_number(right)):
            factor, other = (left, right) if self._is_number(left) else (right, left)
            x = self.tensor(other, None)
            return Tensor(python.BinOp(self.stored(self.number(factor)), python.Mult(), x.code), x.channels)
        a, b = self.tensor(left, None), self.tensor(right, None)
        if op == "+" and self._is_own(a) and self.family.may_overwrite(node):
            self.forward.append(Statement(f"{terms_id(a.code)} += ", b.code))
            return Tensor(a.code, a.channels)
        sign = python.Add() if op == "+" else python.Mult()
        return Tensor(python.BinOp(a.code, sign, b.code), a.channels)

    def _is_own(self, x: Tensor) -> bool:
        """Tell whether a tensor is a variable that this `forward` has made."""
        return isinstance(x.code, python.Name) and self.writes[x.code.id] > 0

    def _choice(self, node: ast.IfExpression, target: str | None) -> Any:
        test = self.number(node.condition)
        value = value_of(test)
        if value is not UNKNOWN:
            return self.tensor(node.then if value else node.otherwise, target)
        made = list(self.made)
        with self.elsewhere() as (init_a, forward_a):
            a = self.tensor(node.then, target)
        made_a = self.made[len(made) :]
        with self.elsewhere() as (init_b, forward_b):
            b = self.tensor(node.otherwise, target)
        made_b = self.made[len(made) + len(made_a) :]
        asked = self._presence(test, init_a, made_a, init_b, made_b)
        self.write_if(self.init, test, init_a, init_b)
        channels = merged(test, a.channels, b.channels)
        if not forward_a and not forward_b:
            if isinstance(asked, python.Compare) and isinstance(asked.ops[0], python.IsNot):
                turned = python.Compare(asked.left, [python.Is()], asked.comparators)
                if isinstance(b.code, python.Name):
                    return Tensor(python.IfExp(turned, b.code, a.code), channels)
            return Tensor(a.code if same(a.code, b.code) else python.IfExp(asked, a.code, b.code), channels)
        word = target or "out"
        for forward, x in ((forward_a, a), (forward_b, b)):
            if not (isinstance(x.code, python.Name) and x.code.id == word):
                forward.append(Statement(f"{word} = ", x.code))
        self.write_if(self.forward, asked, forward_a, forward_b)
        return Tensor(name(word), channels)

    def _concat(self, node: ast.Call) -> Tensor:
        parts: list[Tensor] = []
        for argument in node.arguments:
            made = self.tensor(argument.value, None)
            if isinstance(made, Numbered):
                return self._concat_numbered(made)
            parts.extend(made if isinstance(made, tuple) else (made,))
        if len(parts) == 1:
            return parts[0]
        channels = parts[0].channels
        for part in parts[1:]:
            channels = binary("+", channels, part.channels)
        whole = python.Tuple([part.code for part in parts])
        return Tensor(call("torch.cat", whole, dim=constant(1)), channels)

    def _concat_numbered(self, made: Numbered) -> Tensor:
        raise Unsupported("numbered tensors joined at once")

    def _split(self, node: ast.Call) -> tuple[Tensor, ...]:
        x = self.tensor(node.arguments[0].value, None)
        pieces = self.number(node.arguments[1].value)
        value = value_of(pieces)
        if isinstance(value, int):
            each = binary("//", x.channels, pieces)
            self.several_code = call("torch.chunk", x.code, pieces, dim=constant(1))
            return tuple(Tensor(x.code, each) for _ in range(value))
        if isinstance(pieces, python.List):
            self.several_code = call("torch.split", x.code, self.stored_list(pieces), dim=constant(1))
            return tuple(Tensor(x.code, piece) for piece in pieces.elts)
        raise Unsupported("a split into a number of pieces that differs")

    def stored_list(self, node: python.List) -> python.expr:
        return python.List([self.stored(item) for item in node.elts])

    def _crop(self, node: ast.Call) -> Tensor:
        x: Tensor = self.tensor(node.arguments[0].value, None)
        named = {a.name: a.value for a in node.arguments[1:]}
        if "like" in named:
            like = self.tensor(named["like"], None)
            self.family.needs.add("center_crop")
            return Tensor(call("center_crop", x.code, like.code), x.channels)
        axes = (
            {("start", "end"): 2}
            if "start" in named or "end" in named
            else {("top", "bottom"): 2, ("left", "right"): 3}
        )
        if "front" in named or "back" in named:
            axes = {("front", "back"): 2, ("top", "bottom"): 3, ("left", "right"): 4}
        code = x.code
        if not isinstance(code, python.Name):
            raise Unsupported("a crop of something without a name")
        slices: list[python.expr] = [python.Slice(), python.Slice()]
        for (first, last), axis in axes.items():
            low = self.stored(self.number(named[first])) if first in named else constant(0)
            high = self.stored(self.number(named[last])) if last in named else constant(0)
            size = python.Subscript(name(f"{code.id}.shape"), constant(axis))
            upper = None if value_of(high) == 0 else python.BinOp(size, python.Sub(), high)
            slices.append(python.Slice(None if value_of(low) == 0 else low, upper))
        return Tensor(python.Subscript(code, python.Tuple(slices)), x.channels)

    # Pipes.

    def flow(self, stages: Sequence[ast.Stage], x: Any, target: str | None) -> Any:
        """Return what a chain of stages makes of a tensor; a new line begins at every layer with weights."""
        for number, stage in enumerate(stages):
            if number and target is not None and isinstance(x, Tensor) and self._begins_line(stage):
                x = self.settled(x, target, stages[number - 1])
            x = self.stage(stage, x, target)
        return x

    def settled(self, x: Tensor, target: str, syntax: ast.Syntax) -> Tensor:
        """Assign what has been computed so far to a variable."""
        if isinstance(x.code, python.Name):
            return x
        self.forward.append(Statement(f"{target} = ", x.code, comment=self.comment(x, syntax)))
        self.writes[target] += 1
        return Tensor(name(target), x.channels, x.sizes)

    def _begins_line(self, stage: ast.Stage) -> bool:
        unit = stage.unit
        if not isinstance(unit, ast.Call):
            return True
        found = self.scope.get(unit.name)
        if isinstance(found, Defined | Passed | Shared) or unit.name not in OPS:
            return True
        kind = found.kind if isinstance(found, LayerValue) else OPS[unit.name]
        return not goes_along(kind)

    def stage(self, stage: ast.Stage, x: Any, target: str | None) -> Any:
        """Return what one stage makes of a tensor."""
        unit = stage.unit
        if stage.label is None and stage.repeat is None:
            if isinstance(unit, ast.Call):
                return self._unlabelled(unit, x, stage)
            if isinstance(unit, ast.IfStage):
                return self._if_stage(unit, x, target)
            if isinstance(unit, ast.ForStage):
                return self._for_stage(unit, x, target)
        if stage.label is None and stage.repeat is not None:
            times = value_of(self.number(stage.repeat))
            if not isinstance(times, int) or times > MOST_UNROLLED:
                raise Unsupported("a layer is repeated a number of times that differs")
            inner = ast.Stage(stage.start, stage.end, None, unit, None)
            for _ in range(times):
                x = self.stage(inner, x, target)
            return x
        return self._labelled(stage, x) if stage.label is not None else self._unlabelled_group(stage, x)

    def _unlabelled_group(self, stage: ast.Stage, x: Tensor) -> Tensor:
        """Return what a group in parentheses makes of a tensor: its module has the name that it got in the graph."""
        found = {word for syntax in (stage, stage.unit) for words in self.uses.attributes(syntax) for word in words}
        if len(found) != 1 or self.loop_words or found <= {*self.made}:
            raise Unsupported("a group without a label is called differently from turn to turn")
        (word,) = found
        (behind,) = self._create(word, stage, (x.channels,), stage)
        return Tensor(call(f"self.{word}", x.code), behind)

    def _if_stage(self, unit: ast.IfStage, x: Tensor, target: str | None) -> Any:
        test = self.number(unit.condition)
        value = value_of(test)
        if value is not UNKNOWN:
            return self.flow(unit.then if value else unit.otherwise, x, target)
        word = target or "x"
        x = self.settled(x, word, unit)
        made = list(self.made)
        with self.elsewhere() as (init_a, forward_a):
            a = self.flow(unit.then, x, word)
            if not same(a.code, x.code):
                self.forward.append(Statement(f"{word} = ", a.code))
        made_a = self.made[len(made) :]
        with self.elsewhere() as (init_b, forward_b):
            b = self.flow(unit.otherwise, x, word)
            if not same(b.code, x.code):
                self.forward.append(Statement(f"{word} = ", b.code))
        made_b = self.made[len(made) + len(made_a) :]
        asked = self._presence(test, init_a, made_a, init_b, made_b)
        self.write_if(self.init, test, init_a, init_b)
        self.write_if(self.forward, asked, forward_a, forward_b)
        return Tensor(name(word), merged(test, a.channels, b.channels))

    def _for_stage(self, unit: ast.ForStage, x: Any, target: str | None) -> Any:
        try:
            with self.attempt():
                return self._unrolled_stages(unit, x, target)
        except Unsupported:
            if target is None:
                raise
        # It stays a loop: that of a statement which binds a tensor anew in every turn.
        where, hidden = (unit.start, unit.end), self.scope.get(target)
        self.scope[target] = self.kept_as(x, target, unit)
        again = ast.Bind(*where, target, None, None, ast.Pipe(*where, ast.Name(*where, target), unit.stages))
        self._kept_loop(ast.ForStatement(*where, unit.target, unit.iterable, (again,)), self.number(unit.iterable))
        made = self.scope.pop(target)
        self.scope |= {} if hidden is None else {target: hidden}
        return made

    def _unrolled_stages(self, unit: ast.ForStage, x: Any, target: str | None) -> Any:
        iterable = self.number(unit.iterable)
        saved = {word: self.scope[word] for word in flat(unit.target) if word in self.scope}
        for element in self.unrolled(iterable, unit):
            self._bind_target(unit.target, element)
            x = self.flow(unit.stages, self.settled(x, target, unit) if target else x, target)
        for word in flat(unit.target):
            self.scope.pop(word, None)
        self.scope.update(saved)
        return x

    def _unlabelled(self, node: ast.Call, x: Any, stage: ast.Stage) -> Any:
        found = self.scope.get(node.name)
        if isinstance(found, Shared):
            return self._shared(found, x)
        unit = self.unit(node.name)
        attributes = {word for words in self.uses.attributes(node) for word in words}
        if isinstance(unit, LayerValue) and unit.kind is Flatten:
            return self._flattened(node, x)
        if not attributes and isinstance(unit, LayerValue):
            attributes = self._unseen(unit.kind)
        if len(attributes) != 1:
            raise Unsupported("an unlabelled layer is called differently from turn to turn")
        (word,) = attributes
        if word in self.made and isinstance(unit, LayerValue) and not unit.kind.stateful:
            behind = after(unit.kind, self._given(unit.kind, node), x.channels) if unit.op is None else x.channels
            return self._sized(unit, node, x, Tensor(call(f"self.{word}", x.code), behind))
        made = self._made(word, node, x)
        return self._sized(unit, node, x, made) if isinstance(unit, LayerValue) and isinstance(made, Tensor) else made

    def _unseen(self, kind: type[Op]) -> set[str]:
        """Return what a layer is called in an arm that no model takes, where nothing else is called so."""
        labels = {node.name for node in ast.walk(self.definition) if isinstance(node, ast.Label)}
        return {kind.attribute} - {*self.made, *labels}

    def _sized(self, unit: LayerValue, node: ast.Call, x: Tensor, made: Tensor) -> Tensor:
        """Return a tensor with its sizes, where the layer has set them or kept them."""
        sizes = None
        if issubclass(unit.kind, AdaptivePool) and unit.op is None:
            given = self._given(unit.kind, node)["output_size"]
            sizes = tuple(given.elts) if isinstance(given, python.Tuple) else (given,) * (unit.kind.dimensions or 1)
            if any(value_of(size) is None for size in sizes):
                sizes = None
        elif issubclass(unit.kind, Elementwise):
            sizes = x.sizes
        return Tensor(made.code, made.channels, sizes)

    def _flattened(self, node: ast.Call, x: Tensor) -> Tensor:
        sizes = x.sizes
        if sizes is None:
            seen = {types[0].shape[1:] for _, types in self.uses.types(node)}
            if len(seen) != 1:
                raise Unsupported("maps of different sizes are flattened")
            sizes = tuple(map(constant, seen.pop()))
        given = self._given(Flatten, node)
        dims = [value_of(given.get(word, constant(default))) for word, default in (("start_dim", 1), ("end_dim", -1))]
        if UNKNOWN in dims:
            raise Unsupported("axes are merged that differ from use to use")
        code = call("torch.flatten", x.code, constant(dims[0]))
        if dims[1] != -1:
            code.args.append(constant(dims[1]))
        behind = x.channels
        if dims[0] == 1:
            for size in sizes[: len(sizes) if dims[1] == -1 else dims[1] - 1]:
                if value_of(size) != 1:
                    behind = python.BinOp(behind, python.Mult(), size)
        return Tensor(code, behind)

    def _shared(self, found: Shared, x: Any) -> Any:
        inner = ast.Stage(found.stage.start, found.stage.end, None, found.stage.unit, found.stage.repeat)
        if found.channels is None:
            (behind,) = self._create(found.label, inner, (x.channels,), found.stage)
            found.channels, found.behind = x.channels, behind
        return Tensor(call(f"self.{found.label}", x.code), found.behind or x.channels)

    def _made(self, word: str, node: ast.Call, x: Any) -> Any:
        """Make the module of a call and call it."""
        xs = x if isinstance(x, tuple) else (x,)
        made, behind = self.construct(node, tuple(one.channels for one in xs))
        unit = self.unit(node.name)
        alone = isinstance(unit, LayerValue) and not unit.kind.stateful and not names_in(made) - {"nn"}
        into = self.before_loops[0][0] if self.before_loops and alone else self.init
        if not (alone and word in self.hoisted):
            into.append(Statement(f"self.{word} = ", made))
        if into is not self.init:
            self.hoisted.add(word)
        self.made.append(word)
        code = call(f"self.{word}", *(one.code for one in xs))
        if len(behind) == 1:
            return Tensor(code, behind[0])
        self.several_code = code
        return tuple(Tensor(code, channels) for channels in behind)

    def _create(
        self, word: str, stage: ast.Stage, channels: tuple[python.expr, ...], syntax: ast.Stage
    ) -> tuple[python.expr, ...]:
        """Write the constructor's line for a labelled stage; return the channels behind it."""
        made, behind = self._module(stage, channels, syntax)
        self.init.append(Statement(f"self.{word} = ", made))
        self.made.append(word)
        return behind

    def _module(
        self, stage: ast.Stage, channels: tuple[python.expr, ...], syntax: ast.Stage
    ) -> tuple[python.expr, tuple[python.expr, ...]]:
        if isinstance(stage.unit, ast.Call) and stage.repeat is None:
            return self.construct(stage.unit, channels)
        made, behind = self.module(stage, channels[0], syntax)
        return made, (behind,)

    def _labelled(self, stage: ast.Stage, x: Any) -> Any:
        label = stage.label
        assert label is not None, "only a labelled stage comes here"
        inner = ast.Stage(stage.start, stage.end, None, stage.unit, stage.repeat)
        if label.index is not None:
            return self._in_list(label, inner, stage, x)
        xs = x if isinstance(x, tuple) else (x,)
        channels = tuple(one.channels for one in xs)
        text = constant(label.name) if label.template is None else self.text(label)
        if self.loop_words or value_of(text) is UNKNOWN:
            if not self.loop_words or not names_in(text) & set(self.loop_words):
                raise Unsupported("a label that is not computed from its loop")
            made, behind = self._module(inner, channels, stage)
            self.init.append(Statement("", call("self.add_module", text, made)))
            code = call(call("getattr", name("self"), self.stored(text)), *(one.code for one in xs))
        else:
            behind = self._create(value_of(text), inner, channels, stage)
            code = call(f"self.{value_of(text)}", *(one.code for one in xs))
        if len(behind) == 1:
            return Tensor(code, behind[0])
        self.several_code = code
        return tuple(Tensor(code, one) for one in behind)

    def _in_list(self, label: ast.Label, inner: ast.Stage, stage: ast.Stage, x: Any) -> Any:
        assert label.index is not None, "only an indexed label comes here"
        word, index = label.name, self.number(label.index)
        xs = x if isinstance(x, tuple) else (x,)
        channels = tuple(one.channels for one in xs)
        made, behind = self._module(inner, channels, stage)
        into = self.before_loops[0][0] if self.before_loops else self.init
        if word not in self.lists_made:
            into.append(Statement(f"self.{word} = ", call("nn.ModuleList")))
            self.lists_made.add(word)
        if terms.is_known(index) or (isinstance(index, python.Name) and index.id in self.ascending):
            self.init.append(Statement("", call(f"self.{word}.append", made)))
        elif isinstance(index, python.Name) and index.id in self.descending:
            self.init.append(Statement("", call(f"self.{word}.insert", constant(0), made)))
        else:
            raise Unsupported("a list is filled in another order than up or down")
        code = python.Call(python.Subscript(name(f"self.{word}"), self.stored(index)), [one.code for one in xs], [])
        if len(behind) == 1:
            return Tensor(code, behind[0])
        self.several_code = code
        return tuple(Tensor(code, one) for one in behind)

    @property
    def lists_made(self) -> set[str]:
        return self.lists


def goes_along(kind: Any) -> bool:
    """Tell whether a layer stands on the line of the one before it: norms, activations, dropout, reshaping."""
    return kind.__module__ in {family.__name__ for family in (activation, dropout, norm, reshape)}


def _starts_at_zero(iterable: python.expr) -> bool:
    """Tell whether a loop's first variable counts its turns."""
    match iterable:
        case python.Call(func=python.Name(id="range"), args=[_]):
            return True
        case python.Call(func=python.Name(id="range"), args=[first, _]):
            return bool(value_of(first) == 0)
    return isinstance(iterable, python.Call) and called(iterable) == "enumerate"


def terms_id(node: python.expr) -> str:
    assert isinstance(node, python.Name), "a variable is a name"
    return node.id
