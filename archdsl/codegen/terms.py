"""Pieces of Python expressions: built as Python's own syntax tree, and folded where every number in them is known."""

from __future__ import annotations

import ast
import copy
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

UNKNOWN: Final[Any] = object()
"""Stands for the value of an expression that holds a name."""

_OPERATORS: dict[str, tuple[type[ast.operator], Callable[[Any, Any], Any]]] = {
    "+": (ast.Add, operator.add),
    "-": (ast.Sub, operator.sub),
    "*": (ast.Mult, operator.mul),
    "/": (ast.Div, operator.truediv),
    "//": (ast.FloorDiv, operator.floordiv),
    "%": (ast.Mod, operator.mod),
    "**": (ast.Pow, operator.pow),
}
_COMPARED: dict[str, tuple[type[ast.cmpop], Callable[[Any, Any], Any]]] = {
    "==": (ast.Eq, operator.eq),
    "!=": (ast.NotEq, operator.ne),
    "<": (ast.Lt, operator.lt),
    "<=": (ast.LtE, operator.le),
    ">": (ast.Gt, operator.gt),
    ">=": (ast.GtE, operator.ge),
}
_OPPOSITE: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.GtE, ast.GtE: ast.Lt, ast.Gt: ast.LtE, ast.LtE: ast.Gt,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip


def name(text: str) -> ast.expr:
    """Return a name, or a dotted one such as `nn.Conv2d`."""
    first, *rest = text.split(".")
    node: ast.expr = ast.Name(first)
    for part in rest:
        node = ast.Attribute(node, part)
    return node


def constant(value: Any) -> ast.expr:
    """Return a value as it is written: numbers, texts, and lists of them."""
    if isinstance(value, tuple | range):
        return ast.List([constant(item) for item in value])
    return ast.Constant(value)


def per_axis(value: Any) -> ast.expr:
    """Return an argument of a layer, in which several numbers are a tuple."""
    return ast.Tuple([constant(item) for item in value]) if isinstance(value, tuple) else constant(value)


def call(function: str | ast.expr, *arguments: ast.expr, **keywords: ast.expr) -> ast.Call:
    """Return a call."""
    made = name(function) if isinstance(function, str) else function
    return ast.Call(made, list(arguments), [ast.keyword(key, value) for key, value in keywords.items()])


def value_of(node: ast.expr) -> Any:
    """Return the value of an expression without names, lists as tuples; `UNKNOWN` for one with names."""
    match node:
        case ast.Constant(value=value):
            return value
        case ast.List(elts=items) | ast.Tuple(elts=items):
            values = tuple(map(value_of, items))
            return UNKNOWN if UNKNOWN in values else values
    return UNKNOWN


def is_known(node: ast.expr) -> bool:
    """Tell whether an expression has no name in it."""
    return value_of(node) is not UNKNOWN


def binary(sign: str, left: ast.expr, right: ast.expr) -> ast.expr:
    """Return `left sign right`, folded where both are numbers and shortened where one of them does nothing."""
    kind, compute = _OPERATORS[sign]
    a, b = value_of(left), value_of(right)
    if a is not UNKNOWN and b is not UNKNOWN:
        return constant(compute(a, b))
    if (sign in ("*", "//", "**") and b == 1 and type(b) is int) or (sign in "+-" and b == 0 and type(b) is int):
        return left
    if (sign == "*" and a == 1 and type(a) is int) or (sign == "+" and a == 0 and type(a) is int):
        return right
    if sign == "+" and same(left, right):
        return _twice(left)
    return ast.BinOp(left, kind(), right)


def _twice(node: ast.expr) -> ast.expr:
    match node:
        case ast.BinOp(left=left, op=ast.Mult(), right=right):
            return ast.BinOp(_twice(left), ast.Mult(), right)
    return binary("*", constant(2), node)


def compare(left: ast.expr, rest: Sequence[tuple[str, ast.expr]]) -> ast.expr:
    """Return a chain of comparisons, folded where everything in it is known."""
    values = [value_of(left), *(value_of(node) for _, node in rest)]
    if UNKNOWN not in values:
        pairs = zip(values, values[1:], (sign for sign, _ in rest), strict=False)
        return constant(all(_COMPARED[sign][1](a, b) for a, b, sign in pairs))
    return ast.Compare(left, [_COMPARED[sign][0]() for sign, _ in rest], [node for _, node in rest])


def both(nodes: Sequence[ast.expr]) -> ast.expr:
    """Return `a and b`, without what is always true; false where one is always false."""
    return _joined(ast.And(), nodes, neutral=True)


def either(nodes: Sequence[ast.expr]) -> ast.expr:
    """Return `a or b`, without what is always false; true where one is always true."""
    return _joined(ast.Or(), nodes, neutral=False)


def _joined(word: ast.boolop, nodes: Sequence[ast.expr], *, neutral: bool) -> ast.expr:
    values = [value_of(node) for node in nodes]
    if (not neutral) in [v for v in values if isinstance(v, bool)]:
        return constant(not neutral)
    open_ = [node for node, value in zip(nodes, values, strict=True) if value is UNKNOWN]
    if not open_:
        return constant(neutral)
    return open_[0] if len(open_) == 1 else ast.BoolOp(word, open_)


def negated(node: ast.expr) -> ast.expr:
    """Return `not node`."""
    value = value_of(node)
    if value is not UNKNOWN:
        return constant(not value)
    match node:
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return operand
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _OPPOSITE:
            return ast.Compare(left, [_OPPOSITE[type(op)]()], [right])
    return ast.UnaryOp(ast.Not(), node)


def negative(node: ast.expr) -> ast.expr:
    """Return `-node`."""
    value = value_of(node)
    return ast.UnaryOp(ast.USub(), node) if value is UNKNOWN else constant(-value)


def conditional(test: ast.expr, then: ast.expr, otherwise: ast.expr) -> ast.expr:
    """Return `then if test else otherwise`, or the one that is meant where that is known."""
    value = value_of(test)
    if value is not UNKNOWN:
        return then if value else otherwise
    return then if same(then, otherwise) else ast.IfExp(test, then, otherwise)


def indexed(value: ast.expr, index: ast.expr) -> ast.expr:
    """Return `value[index]`, or the element that is meant where that is known."""
    items, number = getattr(value, "elts", None), value_of(index)
    if items is not None and isinstance(number, int) and -len(items) <= number < len(items):
        element = items[number]
        assert isinstance(element, ast.expr), "elements of a list are expressions"
        return element
    return ast.Subscript(value, index)


def same(a: ast.expr, b: ast.expr) -> bool:
    """Tell whether two expressions are written alike."""
    return ast.dump(a) == ast.dump(b)


def names_in(node: ast.expr) -> set[str]:
    """Return the names that an expression reads."""
    return {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}


class _Replace(ast.NodeTransformer):
    def __init__(self, replacements: Mapping[str, ast.expr]) -> None:
        self.replacements = replacements

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self.replacements.get(node.id, node)


def replaced(node: ast.expr, replacements: Mapping[str, ast.expr]) -> ast.expr:
    """Return an expression with names replaced, and folded anew."""
    made = _Replace(replacements).visit(copy.deepcopy(node))
    return folded(made)


def folded(node: ast.expr) -> ast.expr:
    """Return an expression with everything computed that has no name in it."""
    signs = {kind: sign for sign, (kind, _) in _OPERATORS.items()}
    match node:
        case ast.BinOp(left=left, op=op, right=right) if type(op) in signs:
            return binary(signs[type(op)], folded(left), folded(right))
        case ast.IfExp(test=test, body=body, orelse=orelse):
            return conditional(folded(test), folded(body), folded(orelse))
        case ast.Compare(left=left, ops=ops, comparators=others):
            compared = {kind: sign for sign, (kind, _) in _COMPARED.items()}
            if all(type(op) in compared for op in ops):
                rest = [(compared[type(op)], folded(other)) for op, other in zip(ops, others, strict=True)]
                return compare(folded(left), rest)
        case ast.Subscript(value=value, slice=index) if not isinstance(index, ast.Slice | ast.Tuple):
            return indexed(folded(value), folded(index))
    return node
