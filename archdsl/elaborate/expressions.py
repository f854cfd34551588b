"""Expressions to values. Numbers are exact, every step is bounded, and nothing is converted silently."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from archdsl.diagnostics import Diagnostic, Fix, Label, Rule, closest, renaming
from archdsl.elaborate.builtins import FUNCTIONS, LONGEST, TooLong, listed, weight
from archdsl.elaborate.reach import meaning_elsewhere
from archdsl.elaborate.values import POISON, Indexed, Problem, Scope, Value, show, type_name
from archdsl.elaborate.words import ELSEWHERE, INFERRED, TEXTS, as_operation, misnamed, takes_tensor
from archdsl.graph import Node
from archdsl.lang import ast
from archdsl.ops import OPS
from archdsl.rules import BY_NAME, limits, names, shapes, structure
from archdsl.sizes import Condition, ShapeError, Symbolic, equal
from archdsl.source import Span

LARGEST = 2**63 - 1
INFINITY = float("inf")
TENSOR_FUNCTIONS = ("concat", "crop", "split")
CONSTANTS = {"True": "true", "False": "false", "None": "none"}
"""Python's words for what is written in lower case here."""
QUESTIONS = ("shape", "params", "macs", "receptive_field")
"""Functions that only a `test` knows."""

_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
    "**": operator.pow,
}
_ORDER: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_NUMBERS = (int, float)
MOST_STEPS = 2_000_000
STEPS_OF_A_MISTAKE = 1000
"""Looking for what was meant takes longer than most of what a network is built of."""
LONG = 1000
"""A list of fewer numbers needs no bound."""
_SIZES = (int, Symbolic)


class Expressions:
    """Evaluates expressions; what concerns tensors is left to the class that builds the graph."""

    def __init__(self) -> None:
        self.steps = 0
        """What has been done so far, so that no text runs for long."""
        self._by_type: dict[type, Callable[[Any, Scope], Value]] = {
            ast.Name: self._name,
            ast.Literal: lambda node, scope: node.value,
            ast.Sequence: self._sequence,
            ast.Binary: self._binary,
            ast.Unary: self._unary,
            ast.Compare: self._compare,
            ast.Index: self._index,
            ast.Call: self._call,
            ast.IfExpression: self._if,
            ast.Pipe: self.pipe,
            ast.Hole: self._hole,
        }

    def evaluate(self, node: ast.Syntax, scope: Scope) -> Value:
        """Return the value of an expression; raises `Problem` where it has none."""
        kind = type(node)
        if kind is ast.Literal:
            return self._literal(node, scope)
        return self._by_type[kind](node, scope)

    # What building the graph adds.

    def pipe(self, node: ast.Pipe, scope: Scope) -> Value:
        """Return what comes out of a pipe of layers."""
        raise NotImplementedError

    def tensor_function(self, node: ast.Call, scope: Scope) -> Value:
        """Return the result of `concat`, `crop` or `split`."""
        raise NotImplementedError

    def combine(self, node: ast.Binary, left: Value, right: Value, scope: Scope) -> Value:
        """Return the sum or product of tensors, or of a number and a tensor."""
        raise NotImplementedError

    def global_name(self, name: str, scope: Scope) -> Value:
        """Return what a name means outside its definition; `None` where it means nothing."""
        raise NotImplementedError

    # Names and constants.

    def _literal(self, node: Any, scope: Scope) -> Value:
        value = node.value
        if (type(value) is int and value > LARGEST) or value == INFINITY:
            raise self.too_large(node, scope)
        return value

    def _name(self, node: ast.Name, scope: Scope) -> Value:
        value = scope.values.get(node.name, scope)
        if value is not scope:
            if type(value) is Node or type(value) is tuple:
                scope.used.add(node.name)
            return value
        found = self.global_name(node.name, scope)
        if found is not None:
            return found.value if type(found) is Constant else found
        raise self.unknown_name(node.name, node, scope)

    def unknown_name(self, name: str, node: ast.Syntax, scope: Scope) -> Problem:
        """Return the problem of a name that means nothing here, with what may have been meant."""
        if name in OPS and OPS[name].is_module:
            message = f"`{name}` is a layer, and stands where a value should"
            advice = f"a layer follows an arrow, `x -> {name}`, or is given to a parameter of type `block`"
            return self.problem(structure.NOT_A_TENSOR, message, node, scope, help=advice)
        if name in scope.children.labels:
            message = f"`{name}` is the label of a layer, and names no tensor"
            advice = f"name what the layer makes: `y = x -> {name}: ...`, then `y`"
            return self.problem(names.UNKNOWN_NAME, message, node, scope, help=advice)
        if name in CONSTANTS:
            meant = CONSTANTS[name]
            message, advice = f"nothing is called `{name}` here", f"did you mean `{meant}`?"
            fix = renaming(node.span(scope.module.source), name, meant, safe=True)
            return self.problem(names.UNKNOWN_NAME, message, node, scope, help=advice, fix=fix)
        close = closest(name, [*scope.values, *scope.module.callable_names()])
        if close is not None:
            scope.used.add(close)  # it is not unused, only misspelt
        help: str | None = f"did you mean `{close}`?" if close else None
        source = scope.module.source
        fix = renaming(node.span(source), name, close) if close else None
        if name in TEXTS:
            fix = Fix.replacing(node.span(source), f'"{name}"', safe=True) if isinstance(node, ast.Name) else None
            help = f'a text stands in double quotes: `"{name}"`'
        elif name in INFERRED:
            fix, help = (
                None,
                "`input x: [c, h, w]` in a block, or `y: [c, h, w] = x`, names the channels that come in: `c`",
            )
        elif name == "training":
            fix = None
            help = "what training alone uses is an output: `output aux = x -> ... when training`"
        elif (elsewhere := meaning_elsewhere(name, node, scope)) is not None:
            help, fix = elsewhere, None
        return self.problem(names.UNKNOWN_NAME, f"nothing is called `{name}` here", node, scope, help=help, fix=fix)

    def _hole(self, node: ast.Hole, scope: Scope) -> Value:
        message = "a `?` asks a question, and only an `expect` can"
        help = 'write the value here; a test asks for one: `expect params("conv") == ?`'
        raise self.problem(structure.BAD_EXPECTATION, message, node, scope, help=help)

    # Lists.

    def _sequence(self, node: ast.Sequence, scope: Scope) -> Value:
        self.steps += len(node.items)
        items = tuple([self.evaluate(item, scope) for item in node.items])
        if POISON in items:
            return POISON
        return self._bounded(items, node, scope) if len(items) > LONG or tuple in map(type, items) else items

    def _index(self, node: ast.Index, scope: Scope) -> Value:
        value, index = self.evaluate(node.value, scope), self.evaluate(node.index, scope)
        if value is POISON or index is POISON:
            return POISON
        if type(index) is not int:
            raise self.problem(names.BAD_VALUE, f"an index is a whole number, not {show(index)}", node.index, scope)
        if type(value) is Indexed:
            if index in value:
                if isinstance(node.value, ast.Name):
                    scope.used.add(f"{node.value.name}[{index}]")
                return value[index]
            have = ", ".join(map(str, sorted(value))) or "none"
            message = f"nothing is named with the index {index}; there are {have}"
            raise self.problem(names.UNKNOWN_NAME, message, node, scope)
        if type(value) not in (tuple, range):
            message = f"{type_name(value)} has no elements to take one from"
            raise self.problem(names.BAD_VALUE, message, node.value, scope)
        if not -len(value) <= index < len(value):
            message = f"index {index} is outside a list of {len(value)}"
            help = f"indices count from 0: the last is {len(value) - 1}" if value else "the list is empty"
            raise self.problem(names.BAD_VALUE, message, node.index, scope, help=help)
        return value[index]

    def elements(self, node: ast.Syntax, scope: Scope) -> tuple[Value, ...]:
        """Return what a loop runs over."""
        value = self.evaluate(node, scope)
        if value is POISON:
            return ()
        self.steps += _cost(value)
        if type(value) in (tuple, range):
            return self._elements(value, node, scope, "loop")
        message = f"a loop runs over a list, not over {show(value)} ({type_name(value)})"
        help = f"write `range({show(value)})`" if type(value) is int else None
        raise self.problem(names.BAD_VALUE, message, node, scope, help=help)

    def _elements(self, value: Value, node: ast.Syntax, scope: Scope, what: str = "list") -> tuple[Value, ...]:
        """Return the elements of a list or range, of which there may be too many."""
        try:
            return listed(value)
        except TooLong as error:
            raise self.problem(limits.TOO_LONG, f"this {what} has {error}", node, scope) from None

    def bind_target(self, target: ast.Target, value: Value, node: ast.Syntax, scope: Scope) -> dict[str, Value]:
        """Return the loop variables that a target takes from one element."""
        if isinstance(target, str):
            return {target: value}
        if type(value) is not tuple or len(value) != len(target):
            message = f"{len(target)} names take {len(target)} values, but the element is {show(value)}"
            counted = len(target) == 2 and type(value) is not tuple
            help = f"`enumerate({node.span(scope.module.source).text[:40]})` gives pairs of index and element"
            raise self.problem(names.BAD_VALUE, message, node, scope, help=help if counted else None)
        self.steps += len(target)
        bound: dict[str, Value] = {}
        for part, item in zip(target, value, strict=True):
            bound |= self.bind_target(part, item, node, scope)
        return bound

    # Calls.

    def _call(self, node: ast.Call, scope: Scope) -> Value:
        if node.name in TENSOR_FUNCTIONS:
            return self.tensor_function(node, scope)
        function = FUNCTIONS.get(node.name)
        if function is None:
            raise self._not_a_function(node, scope)
        for argument in node.arguments:
            if argument.name is not None:
                message = f"`{node.name}` has no argument `{argument.name}`"
                raise self.problem(names.BAD_ARGUMENT, message, argument, scope)
        values = [self.evaluate(argument.value, scope) for argument in node.arguments]
        if POISON in values:
            return POISON
        if node.name == "sum" and any(type(x) is Node for value in values if type(value) is tuple for x in value):
            message = "`sum` adds numbers, and these are tensors"
            help = f"write `{' + '.join(_operands_of(node, scope))}`"
            raise self.problem(names.BAD_VALUE, message, node, scope, help=help)
        self.step(node, scope, 1 + sum(_cost(value) for value in values))
        try:
            return self._bounded(function(*values), node, scope)
        except TooLong as error:
            raise self.problem(limits.TOO_LONG, f"this list has {error}", node, scope) from None
        except ShapeError as error:
            raise self.shape_problem(error, node, scope) from None
        except (TypeError, ValueError, OverflowError) as error:
            message = str(error) if "`" in str(error) else f"`{node.name}` cannot take {', '.join(map(show, values))}"
            raise self.problem(names.BAD_VALUE, message, node, scope) from None

    def _not_a_function(self, node: ast.Call, scope: Scope) -> Problem:
        if node.name in QUESTIONS:
            message = f"`{node.name}` can only be asked in a `test`, when the network is complete"
            return self.problem(names.BAD_VALUE, message, node, scope)
        written = node.span(scope.module.source).text
        found = scope.values.get(node.name) or self.global_name(node.name, scope)
        if found is not None or (node.name in OPS and OPS[node.name].is_module):
            message = f"`{node.name}` is a layer, and is not called on a tensor"
            if type(found) is Node:
                message = f"`{node.name}` is a tensor, {found.output}, and cannot be called"
            advice = takes_tensor(node.name, written) if type(found) is not Node else None
            return self.problem(structure.NOT_A_TENSOR, message, node, scope, help=advice)
        if node.name in scope.children.labels:
            message = f"`{node.name}` is the label of a layer, and cannot be called"
            advice = f"to use one layer twice, declare it: `share {node.name} = ...`, then `x -> {node.name}`"
            return self.problem(names.UNKNOWN_NAME, message, node, scope, help=advice)
        operands = _operands_of(node, scope)
        if (joined := as_operation(node.name, operands)) is not None:
            message = f"there is no function `{node.name}`"
            return self.problem(names.UNKNOWN_NAME, message, node, scope, help=f"write `{joined}`")
        if advice := misnamed(node.name):
            layer = ELSEWHERE.get(node.name, "").partition("(")[0]
            if layer in OPS and OPS[layer].is_module:
                advice = takes_tensor(layer, written.replace(node.name, layer, 1))
            message = f"there is no function `{node.name}`"
            return self.problem(names.UNKNOWN_NAME, message, node, scope, help=advice)
        close = closest(node.name, [*FUNCTIONS, *TENSOR_FUNCTIONS])
        help = f"did you mean `{close}`?" if close else None
        fix = renaming(node.span(scope.module.source), node.name, close) if close else None
        return self.problem(names.UNKNOWN_NAME, f"there is no function `{node.name}`", node, scope, help=help, fix=fix)

    # Conditions.

    def _if(self, node: ast.IfExpression, scope: Scope) -> Value:
        truth = self.truth(node.condition, scope)
        if truth is None:
            return POISON
        return self.evaluate(node.then if truth else node.otherwise, scope)

    def truth(self, node: ast.Syntax, scope: Scope) -> bool | None:
        """Return whether a condition holds; `None` where it failed before."""
        value = self.evaluate(node, scope)
        if value is POISON:
            return None
        if type(value) is Condition:
            if value.always or value.never:
                return value.always
            message = f"this holds for some input sizes only: {value}"
            help = "give the size, as in `-D H=224`, or a default, as in `[3, H = 224, W = 224]`"
            raise self.problem(shapes.SIZE_NEEDED, message, node, scope, help=help)
        if type(value) is not bool:
            message = f"a condition is true or false, not {show(value)} ({type_name(value)})"
            written = node.span(scope.module.source).text
            compare = f"compare it, as in `{written[:40]} != 1`" if type(value) is int else None
            raise self.problem(names.BAD_VALUE, message, node, scope, help=compare)
        return value

    def _unary(self, node: ast.Unary, scope: Scope) -> Value:
        value = self.evaluate(node.operand, scope)
        if value is POISON:
            return POISON
        if node.op == "not":
            if type(value) is bool:
                return not value
            if type(value) is Condition:
                return ~value
        elif type(value) in _NUMBERS or type(value) is Symbolic:
            return -value
        message, help = f"`{node.op}` does not apply to {show(value)}", None
        if type(value) is Node:
            text = node.operand.span(scope.module.source).text
            help = f"write `-1 * {text if isinstance(node.operand, ast.Name) else f'({text})'}`"
        raise self.problem(names.BAD_VALUE, message, node, scope, help=help)

    def _logical(self, node: ast.Binary, scope: Scope) -> Value:
        left = self.evaluate(node.left, scope)
        if type(left) is bool and left is (node.op == "or"):
            return left
        right = self.evaluate(node.right, scope)
        if left is POISON or right is POISON:
            return POISON
        for value, side in ((left, node.left), (right, node.right)):
            if type(value) not in (bool, Condition):
                message = f"`{node.op}` joins conditions, and {show(value)} is none"
                raise self.problem(names.BAD_VALUE, message, side, scope)
        if type(left) is bool:  # it decides nothing, or it would have been returned
            return right
        if type(right) is bool:
            return right if right is (node.op == "or") else left
        try:
            return left & right if node.op == "and" else left | right
        except ShapeError as error:
            raise self.shape_problem(error, node, scope) from None

    def _compare(self, node: ast.Compare, scope: Scope) -> Value:
        left = self.evaluate(node.first, scope)
        result: Value = True
        for op, right_node in node.rest:
            right = self.evaluate(right_node, scope)
            if left is POISON or right is POISON:
                return POISON
            self.step(node, scope, 1 + _cost(left))
            try:
                part = self._compared(op, left, right)
            except TypeError:
                message = f"`{op}` cannot compare {show(left)} with {show(right)}"
                raise self.problem(names.BAD_VALUE, message, node, scope) from None
            except ShapeError as error:
                raise self.shape_problem(error, node, scope) from None
            if part is False:
                return False
            result = part if result is True else (result if part is True else result & part)
            left = right
        return result

    @staticmethod
    def _compared(op: str, left: Value, right: Value) -> Value:
        if op in ("==", "!="):
            if type(left) is Symbolic or type(right) is Symbolic:
                if type(left) not in _SIZES or type(right) not in _SIZES:
                    raise TypeError
                same: Value = equal(left, right)
            else:
                same = _as_list(left, right) == _as_list(right, left)
            if op == "==":
                return same
            return ~same if type(same) is Condition else not same
        if type(left) is bool or type(right) is bool or {type(left), type(right)} == {Symbolic, float}:
            raise TypeError
        return _ORDER[op](left, right)

    # Arithmetic.

    def _binary(self, node: ast.Binary, scope: Scope) -> Value:
        op = node.op
        self.steps += 1
        if op == "and" or op == "or":
            return self._logical(node, scope)
        left, right = self.evaluate(node.left, scope), self.evaluate(node.right, scope)
        if left is POISON or right is POISON:
            return POISON
        kinds = type(left), type(right)
        if kinds == (int, int) and op != "**" and op != "/" and (right or op in "+-*"):
            value = _ARITHMETIC[op](left, right)
            if -LARGEST <= value <= LARGEST:
                return value
            raise self.too_large(node, scope)
        if Node in kinds:
            return self.combine(node, left, right, scope)
        return self._arithmetic(node, left, right, scope)

    def _arithmetic(self, node: ast.Binary, left: Value, right: Value, scope: Scope) -> Value:
        op = node.op
        if op == "+" and {type(left), type(right)} <= {tuple, range}:
            self.steps += _cost(left) + _cost(right)
            both = self._elements(left, node.left, scope) + self._elements(right, node.right, scope)
            return self._bounded(both, node, scope)
        allowed = {int, float, Symbolic}
        if not {type(left), type(right)} <= allowed:
            message = f"`{op}` cannot take {show(left)} ({type_name(left)}) and {show(right)} ({type_name(right)})"
            text = op == "+" and str in (type(left), type(right))
            help = 'texts are not joined; a label computes its text: `"conv{i}": ...`' if text else None
            raise self.problem(names.BAD_VALUE, message, node, scope, help=help)
        try:
            if {type(left), type(right)} == {Symbolic, float}:
                raise TypeError
            if op == "**":
                self._check_power(node, left, right, scope)
            return self._bounded(_ARITHMETIC[op](left, right), node, scope)
        except ZeroDivisionError:
            raise self.problem(names.BAD_VALUE, f"{show(left)} {op} 0 has no value", node, scope) from None
        except ValueError:
            message = f"{show(left)} {op} {show(right)} has no value; a size is divided by a number from 1 up"
            raise self.problem(names.BAD_VALUE, message, node, scope) from None
        except OverflowError:
            raise self.too_large(node, scope) from None
        except ShapeError as error:
            raise self.shape_problem(error, node, scope) from None
        except TypeError:
            message = f"`{op}` cannot take {show(left)} and {show(right)}, a size that is not known yet among them"
            raise self.problem(shapes.SIZE_NEEDED, message, node, scope) from None

    def _check_power(self, node: ast.Binary, base: Value, exponent: Value, scope: Scope) -> None:
        """Refuse a power before it is computed where it would be huge."""
        if type(base) is int and type(exponent) is int and abs(base) > 1 and exponent * base.bit_length() > 128:
            raise self.too_large(node, scope)

    def _bounded(self, value: Value, node: ast.Syntax, scope: Scope) -> Value:
        if type(value) is int and not -LARGEST <= value <= LARGEST:
            raise self.too_large(node, scope)
        if type(value) is complex or (type(value) is float and (value != value or abs(value) == float("inf"))):
            raise self.problem(names.BAD_VALUE, "this has no value among the numbers", node, scope)
        if type(value) is tuple:
            try:
                self.step(node, scope, weight(value) // 4)
                if any(type(item) is int and not -LARGEST <= item <= LARGEST for item in value):
                    raise self.too_large(node, scope)
            except TooLong as error:
                raise self.problem(limits.TOO_LONG, f"this list has {error}", node, scope) from None
        return value

    # Problems.

    def step(self, node: ast.Syntax, scope: Scope, size: int = 1) -> None:
        """Count steps before they are taken; raises `Problem` where there would be too many."""
        self.steps += size
        if self.steps > MOST_STEPS:
            message = f"evaluating this takes more than {MOST_STEPS:,} steps, and is given up here"
            raise self.problem(limits.TOO_MANY, message, node, scope)

    def too_large(self, node: ast.Syntax, scope: Scope) -> Problem:
        """Return the problem of a whole number outside 64 bits."""
        message = "this number is larger than 2**63 - 1"
        return self.problem(limits.NUMBER_TOO_LARGE, message, node, scope)

    def problem(
        self,
        rule: Rule,
        message: str,
        node: ast.Syntax,
        scope: Scope,
        *,
        help: str | None = None,
        label: str = "",
        related: tuple[Label, ...] = (),
        notes: tuple[str, ...] = (),
        fix: Fix | None = None,
    ) -> Problem:
        """Return a problem at a node, with the instances that lead to it."""
        if rule.severity == "error":
            self.steps += STEPS_OF_A_MISTAKE
        span = with_parentheses(node.span(scope.module.source))
        frames = tuple(frames_of(scope))
        return Problem(
            Diagnostic(rule, message, span, label, related, notes, frames, help, fix, scope.instance.path or None)
        )

    def shape_problem(self, error: ShapeError, node: ast.Syntax, scope: Scope, **more: Any) -> Problem:
        """Return the problem that a rule on sizes raised, at a node."""
        return self.problem(BY_NAME[error.rule], error.message, node, scope, help=error.help, **more)


def _cost(value: Value) -> int:
    """Return how many steps reading a whole list counts for; one that is too long is refused instead."""
    return min(len(value), LONGEST) // 16 if type(value) in (tuple, range) else 0


def with_parentheses(span: Span) -> Span:
    """Return a span with the parentheses at its ends whose partners are in it: the tree has no places of them."""
    text, start, end = span.source.text, span.start, span.end
    missing = text.count(")", start, end) - text.count("(", start, end)
    for _ in range(missing):
        start -= 1
        while start >= 0 and text[start].isspace():
            start -= 1
        if start < 0 or text[start] != "(":
            return span
    for _ in range(-missing):
        while end < len(text) and text[end].isspace():
            end += 1
        if not text.startswith(")", end):
            return span
        end += 1
    return Span(span.source, start, end)


def _operands_of(node: ast.Call, scope: Scope) -> list[str]:
    """Return the arguments of a function as they are written, those of a list in it one by one."""
    values = [argument.value for argument in node.arguments if argument.name is None]
    if len(values) == 1 and isinstance(values[0], ast.Sequence):
        values = list(values[0].items)
    texts = [value.span(scope.module.source).text for value in values]
    return [f"({text})" if isinstance(value, ast.Pipe) else text for text, value in zip(texts, values, strict=True)]


def _as_list(value: Value, other: Value) -> Value:
    """Return a range as a list where it is compared with a list that may be equal."""
    return tuple(value) if type(value) is range and type(other) is tuple and len(value) == len(other) else value


class Constant:
    """A `let` at the top of a file, which may be any value, `none` among them."""

    __slots__ = ("value",)

    def __init__(self, value: Value) -> None:
        self.value = value


MOST_FRAMES = 4


def frames_of(scope: Scope) -> list[Label]:
    """Return the instantiations that lead to a scope, innermost first, at most four."""
    frames: list[Label] = []
    instance = scope.instance
    while instance.parent is not None and len(frames) < MOST_FRAMES:
        if instance.definition is not None:
            arguments = ", ".join(f"{k}={show(v)}" for k, v in instance.arguments.items())
            text = f"{instance.path}: {instance.definition.name}({arguments})"
            text += "".join(f", {k} = {show(v)}" for k, v in instance.loops.items())
            frames.append(Label(instance.span, text))
        instance = instance.parent
    return frames
