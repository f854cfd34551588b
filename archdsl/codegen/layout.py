"""Python source laid out at one line length, the way formatters do it: a line that is too long opens its brackets.

What comes in is Python's own syntax tree, so nothing that is not an expression or a statement can be printed. What
comes out is what `ruff format` would leave as it is; a test holds the two together.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

WIDTH: Final = 120
INDENT: Final = "    "


@dataclass(frozen=True, slots=True)
class Bracketed:
    """Something in brackets that may be opened over several lines."""

    opening: str
    items: tuple[Doc, ...]
    closing: str
    compact: bool
    """Whether the items may stand together on one line of their own, as arguments may and elements may not."""


@dataclass(frozen=True, slots=True)
class Chained:
    """Operands with an operator in front of each but the first; where they are too long, parentheses go around them."""

    parts: tuple[Doc, ...]


Doc = str | Bracketed | Chained | tuple["Doc", ...]

_LEVELS = ("if", "or", "and", "not", "compare", "|", "+", "*", "unary", "**", "atom")
_BINARY: dict[type[ast.operator], tuple[str, str]] = {
    ast.Add: ("+", "+"),
    ast.Sub: ("-", "+"),
    ast.Mult: ("*", "*"),
    ast.Div: ("/", "*"),
    ast.FloorDiv: ("//", "*"),
    ast.Mod: ("%", "*"),
    ast.Pow: ("**", "**"),
    ast.BitOr: ("|", "|"),
}
_COMPARED: dict[type[ast.cmpop], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Is: "is",
    ast.IsNot: "is not",
    ast.In: "in",
    ast.NotIn: "not in",
}


def expression(node: ast.expr, width: int = WIDTH) -> str:
    """Return an expression on one line, or on several where it is longer than `width`."""
    return "\n".join(_lines(_doc(node), "", "", 0, width))


def statement(prefix: str, node: ast.expr | None, suffix: str = "", indent: int = 0) -> list[str]:
    """Return the lines of a statement made of a head, an expression and a tail, as `x = ...` or `for i in ...:`."""
    margin = INDENT * indent
    if node is None:
        return [f"{margin}{prefix}{suffix}"]
    return _lines(_doc(node), margin + prefix, suffix, indent, WIDTH)


def signature(prefix: str, parameters: Sequence[str], suffix: str, indent: int) -> list[str]:
    """Return the lines of a `def`: its parameters on one line, on one line of their own, or one a line."""
    margin = INDENT * indent
    return _lines(Bracketed("(", tuple(parameters), ")", True), f"{margin}def {prefix}", suffix, indent, WIDTH)


def flat(doc: Doc) -> str:
    """Return a document on one line."""
    match doc:
        case str():
            return doc
        case Bracketed(opening, items, closing, _):
            only = "," if opening == "(" and closing == ")" and len(items) == 1 and not doc.compact else ""
            return f"{opening}{', '.join(map(flat, items))}{only}{closing}"
        case Chained(parts):
            return " ".join(map(flat, parts))
    return "".join(map(flat, doc))


def _lines(doc: Doc, head: str, tail: str, indent: int, width: int) -> list[str]:
    """Return the lines of `head`, a document and `tail`; what is opened is indented once more than `indent`."""
    whole = f"{head}{flat(doc)}{tail}"
    if len(whole) <= width and not _is_open(doc):
        return [whole]
    if isinstance(doc, Chained):
        return _parenthesised(doc, head, tail, indent, width)
    pieces = doc if isinstance(doc, tuple) else (doc,)
    for at in range(len(pieces) - 1, -1, -1):
        piece = pieces[at]
        if isinstance(piece, Bracketed) and piece.items:
            before = head + "".join(map(flat, pieces[:at]))
            after = "".join(map(flat, pieces[at + 1 :])) + tail
            return _opened(piece, before, after, indent, width)
    return [whole]


def _is_open(doc: Doc) -> bool:
    """Tell whether something below is to be opened however short it is."""
    match doc:
        case Bracketed(_, items, _, _):
            return isinstance(doc, Spread) or any(map(_is_open, items))
        case Chained(parts):
            return any(map(_is_open, parts))
        case tuple():
            return any(map(_is_open, doc))
    return False


class Spread(Bracketed):
    """Brackets that are opened always: a table of layers reads better one a line."""

    __slots__ = ()


def _opened(group: Bracketed, head: str, tail: str, indent: int, width: int) -> list[str]:
    margin = INDENT * (indent + 1)
    closing = f"{INDENT * indent}{group.closing}{tail}"
    together = f"{margin}{', '.join(map(flat, group.items))}"
    if group.compact and len(together) <= width and not _is_open(group):
        return [f"{head}{group.opening}", together, closing]
    lines = [f"{head}{group.opening}"]
    alone = len(group.items) == 1 and group.compact
    for item in group.items:
        comma = "" if alone else ","
        lines.extend(_lines(item, margin, comma, indent + 1, width))
    return [*lines, closing]


def _parenthesised(doc: Chained, head: str, tail: str, indent: int, width: int) -> list[str]:
    margin = INDENT * (indent + 1)
    together = f"{margin}{flat(doc)}"
    if len(together) <= width and not _is_open(doc):
        return [f"{head}(", together, f"{INDENT * indent}){tail}"]
    lines = [f"{head}("]
    for part in doc.parts:
        lines.extend(_lines(part, margin, "", indent + 1, width))
    return [*lines, f"{INDENT * indent}){tail}"]


# Expressions to documents.


def _doc(node: ast.expr) -> Doc:
    return _at(node, "")[0]


def _at(node: ast.expr, least: str) -> tuple[Doc, str]:
    """Return the document of an expression and how strongly it binds; parentheses where it binds less than `least`."""
    doc, level = _plain(node)
    if least and _LEVELS.index(level) < _LEVELS.index(least):
        return ("(", doc, ")"), "atom"
    return doc, level


def _part(node: ast.expr, least: str) -> Doc:
    return _at(node, least)[0]


def _plain(node: ast.expr) -> tuple[Doc, str]:
    match node:
        case ast.Name(id=name):
            return name, "atom"
        case ast.Constant(value=value):
            return _constant(value), "unary" if isinstance(value, int | float) and value < 0 else "atom"
        case ast.Attribute(value=value, attr=attr):
            return (_part(value, "atom"), f".{attr}"), "atom"
        case ast.Call():
            return (_part(node.func, "atom"), _arguments(node)), "atom"
        case ast.Subscript(value=value, slice=index):
            return (_part(value, "atom"), "[", _index(index), "]"), "atom"
        case ast.BinOp():
            return _binary(node)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return ("not ", _part(operand, "not")), "not"
        case ast.UnaryOp(operand=operand):
            return ("-", _part(operand, "atom")), "unary"
        case ast.BoolOp(op=op, values=values):
            word = "and" if isinstance(op, ast.And) else "or"
            above = _LEVELS[_LEVELS.index(word) + 1]
            first, *rest = [_part(value, above) for value in values]
            return Chained((first, *((f"{word} ", part) for part in rest))), word
        case ast.Compare(left=left, ops=ops, comparators=others):
            parts = [f" {_COMPARED[type(op)]} " for op in ops]
            return (_part(left, "|"), *_woven(parts, [_part(other, "|") for other in others])), "compare"
        case ast.IfExp(test=test, body=body, orelse=orelse):
            choices: list[Doc] = [_part(body, "or"), ("if ", _part(test, "or")), ("else ", _doc(orelse))]
            return Chained(tuple(choices)), "if"
        case ast.Tuple(elts=items):
            return Bracketed("(", tuple(map(_doc, items)), ")", False), "atom"
        case ast.List(elts=items):
            return Bracketed("[", tuple(map(_doc, items)), "]", False), "atom"
        case ast.Dict(keys=keys, values=values):
            pairs = [(_doc(key), ": ", _doc(one)) for key, one in zip(keys, values, strict=True) if key is not None]
            return Bracketed("{", tuple(pairs), "}", False), "atom"
        case ast.Starred(value=value):
            return ("*", _part(value, "atom")), "atom"
        case ast.JoinedStr():
            return ast.unparse(node).replace("f'", 'f"').removesuffix("'") + '"', "atom"
        case ast.ListComp(elt=element, generators=[loop]):
            inside = ("[", _doc(element), " ", *_loop(loop), "]")
            return inside, "atom"
        case ast.GeneratorExp(elt=element, generators=[loop]):
            return (_doc(element), " ", *_loop(loop)), "atom"
    raise AssertionError(f"no layout for {type(node).__name__}")


def _loop(loop: ast.comprehension) -> tuple[Doc, ...]:
    return "for ", target(loop.target), " in ", _part(loop.iter, "or")


def sign(op: ast.operator) -> str:
    """Return how an operator is written."""
    return _BINARY[type(op)][0]


def target(node: ast.expr) -> str:
    """Return what a loop or an assignment binds; the outermost names stand without parentheses."""
    if isinstance(node, ast.Tuple):
        return ", ".join(f"({target(n)})" if isinstance(n, ast.Tuple) else target(n) for n in node.elts)
    return flat(_doc(node))


def _woven(words: list[str], parts: list[Doc]) -> Iterator[Doc]:
    for word, part in zip(words, parts, strict=True):
        yield word
        yield part


def _constant(value: object) -> str:
    if isinstance(value, str):
        text = repr(value)
        if text.startswith("'") and '"' not in text:
            return '"' + text[1:-1].replace("\\'", "'") + '"'
        return text
    if isinstance(value, float) and value == int(value) and abs(value) < 1e16:
        return f"{value:.1f}"
    return repr(value).replace("e+", "e")


def _arguments(node: ast.Call) -> Doc:
    items = [_doc(argument) for argument in node.args]
    items += [(f"{k.arg}=", _doc(k.value)) if k.arg else ("**", _part(k.value, "atom")) for k in node.keywords]
    spread = getattr(node, "spread", False) and len(items) > 1
    return (Spread if spread else Bracketed)("(", tuple(items), ")", True)


def _index(node: ast.expr) -> Doc:
    if isinstance(node, ast.Tuple) and node.elts:
        items = [_index(item) if isinstance(item, ast.Slice) else _doc(item) for item in node.elts]
        return ", ".join(map(flat, items)) + ("," if len(items) == 1 else "")
    if isinstance(node, ast.Slice):
        low, high = (flat(_doc(end)) if end else "" for end in (node.lower, node.upper))
        space = " " if any(isinstance(end, ast.BinOp) for end in (node.lower, node.upper)) else ""
        return f"{low}{space if low else ''}:{space if high else ''}{high}"
    return _doc(node)


def _binary(node: ast.BinOp) -> tuple[Doc, str]:
    sign, level = _BINARY[type(node.op)]
    above = _LEVELS[_LEVELS.index(level) + 1]
    if sign == "**":
        tight = _is_simple(node.left) and _is_simple(node.right)
        operands = flat(_part(node.left, "atom")), flat(_part(node.right, "unary"))
        return ("**" if tight else " ** ").join(operands), level
    left, bound = _at(node.left, level)
    right = (f"{sign} ", _part(node.right, above))
    if isinstance(left, Chained) and bound == level:
        return Chained((*left.parts, right)), level
    return Chained((left, right)), level


def _is_simple(node: ast.expr) -> bool:
    """Tell whether a power is written without spaces around this operand."""
    match node:
        case ast.Name() | ast.Constant():
            return True
        case ast.Attribute(value=value):
            return _is_simple(value)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return isinstance(operand, ast.Name | ast.Constant)
    return False
