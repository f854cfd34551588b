"""The parser's callbacks: one method a rule of the grammar, from its children to a node of the tree.

Children include every token, so that a node's place is where its first child begins and its last one ends.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from lark import Token

from archdsl.lang import ast

KEYWORDS = frozenset(
    "model block seq test from import let defaults input output when training require if else for in share init"
    " expect within and or not true false none".split()
)

SUFFIXES = {"K": 10**3, "M": 10**6, "G": 10**9}
MOST_DIGITS = 40
"""Digits of a whole number that are read; 64 bits have nineteen."""

_Child = Any
"""A token or what another callback returned."""


class TemplateProblem(Exception):
    """A label such as `"layer{i"` whose braces do not pair; holds where."""

    def __init__(self, start: int, end: int) -> None:
        super().__init__(start, end)
        self.start, self.end = start, end


class NameProblem(Exception):
    """A word of the language where a name is given a meaning; holds where."""

    def __init__(self, start: int, end: int) -> None:
        super().__init__(start, end)
        self.start, self.end = start, end


def _ends(c: list[_Child]) -> tuple[int, int]:
    first, last = c[0], c[-1]
    start = first.start_pos if isinstance(first, Token) else first.start
    end = last.end_pos if isinstance(last, Token) else last.end
    assert start is not None, "every token of a text has a place in it"
    assert end is not None, "every token of a text has a place in it"
    return start, end


def _name(token: Token) -> str:
    """Return a name that is given a meaning here; words of the language are not."""
    if token in KEYWORDS:
        assert token.start_pos is not None, "every token of a text has a place in it"
        raise NameProblem(token.start_pos, token.start_pos + len(token))
    return str(token)


def _nodes(c: list[_Child]) -> tuple[Any, ...]:
    return tuple(child for child in c if isinstance(child, ast.Syntax))


def _after(c: list[_Child], word: str) -> _Child:
    """Return the child behind the token `word`, or `None` where there is no such token."""
    for i, child in enumerate(c):
        if isinstance(child, Token) and child == word:
            return c[i + 1]
    return None


class _Part(list[_Child]):
    """Children of a rule that is no node of its own, with the places of its ends."""

    def __init__(self, c: list[_Child], kept: list[_Child] | None = None) -> None:
        super().__init__(c if kept is None else kept)
        self.start, self.end = _ends(c)


class Params(_Part): ...


class Args(_Part): ...


class Body(_Part): ...


class Chain(_Part): ...


class Pattern(_Part): ...


class TargetPart(_Part): ...


def _part(c: list[_Child], kind: type[_Part]) -> tuple[Any, ...]:
    for child in c:
        if type(child) is kind:
            return tuple(child)
    return ()


def number(text: str) -> int | float:
    """Return the value of a number as written: `61_706`, `1e-3`, `4.09G`; whole where it is exact.

    Of a whole number far outside 64 bits it returns another such number: reading every digit takes quadratic time.
    """
    factor = SUFFIXES.get(text[-1], 1)
    digits = (text[:-1] if factor > 1 else text).replace("_", "")
    if digits.isdigit():
        return int(digits.lstrip("0")[:MOST_DIGITS] or "0") * factor
    value = float(digits) * factor
    return round(value) if factor > 1 and value.is_integer() else value


class Builder:
    """Makes the tree. `parse_flow` parses the expressions inside computed labels."""

    def __init__(self) -> None:
        self.parse_flow: Callable[[int, int], ast.Syntax] = lambda start, end: ast.Hole(start, end)

    # Items.

    def import_stmt(self, c: list[_Child]) -> ast.Import:
        level, module = c[1]
        names = tuple(ast.Name(t.start_pos, t.end_pos, str(t)) for t in c[3:] if t.type == "NAME")
        return ast.Import(*_ends(c), level, module, names)

    def module(self, c: list[_Child]) -> tuple[int, str]:
        level = next(i for i, token in enumerate(c) if token.type == "NAME")
        return level, "".join(c[level:])

    def _definition(self, c: list[_Child]) -> ast.Definition:
        body = _part(c, Chain) if c[0] == "seq" else _part(c, Body)
        return ast.Definition(*_ends(c), str(c[0]), _name(c[1]), c[1].start_pos, _part(c, Params), body)

    block_def = model_def = seq_def = _definition

    def alias_def(self, c: list[_Child]) -> ast.Alias:
        return ast.Alias(*_ends(c), _name(c[1]), c[1].start_pos, str(c[3]), _part(c, Args))

    def test_def(self, c: list[_Child]) -> ast.Test:
        return ast.Test(*_ends(c), str(c[1]), _part(c, Args), tuple(x for x in c if type(x) is ast.Expect))

    def expect_stmt(self, c: list[_Child]) -> ast.Expect:
        return ast.Expect(*_ends(c), c[1], float(number(str(c[3]))) if len(c) > 2 else None)

    def params(self, c: list[_Child]) -> Params:
        return Params(c, list(_nodes(c)))

    def param(self, c: list[_Child]) -> ast.Parameter:
        return ast.Parameter(*_ends(c), _name(c[0]), c[2], _after(c, "="))

    def param_type(self, c: list[_Child]) -> ast.Type:
        return ast.Type(*_ends(c), str(c[0]), c[2] if len(c) > 1 else None)

    def body(self, c: list[_Child]) -> Body:
        return Body(c, list(_nodes(c)))

    # Statements.

    def input_stmt(self, c: list[_Child]) -> ast.Input:
        return ast.Input(*_ends(c), _name(c[1]), tuple(c[3]) if len(c) > 2 else None)

    def output_stmt(self, c: list[_Child]) -> ast.Output:
        named = isinstance(c[1], Token)
        training = isinstance(c[-1], Token)
        return ast.Output(*_ends(c), _name(c[1]) if named else None, c[3 if named else 1], training)

    def let_stmt(self, c: list[_Child]) -> ast.Let:
        return ast.Let(*_ends(c), _name(c[1]), c[3])

    def require_stmt(self, c: list[_Child]) -> ast.Require:
        return ast.Require(*_ends(c), c[1], str(c[3])[1:-1] if len(c) > 2 else None)

    def bind(self, c: list[_Child]) -> ast.Bind:
        return ast.Bind(*_ends(c), str(c[0]), None, tuple(c[2]) if len(c) > 3 else None, c[-1])

    def bind_index(self, c: list[_Child]) -> ast.Bind:
        return ast.Bind(*_ends(c), str(c[0]), c[2], None, c[-1])

    def bind_tuple(self, c: list[_Child]) -> ast.BindTuple:
        return ast.BindTuple(*_ends(c), tuple(_name(t) for t in c[:-2] if t != ","), c[-1])

    def if_stmt(self, c: list[_Child]) -> ast.IfStatement:
        return ast.IfStatement(*_ends(c), c[1], tuple(c[2]), tuple(c[3]) if len(c) > 3 else ())

    def else_part(self, c: list[_Child]) -> _Part:
        return _Part(c, [c[1]] if isinstance(c[1], ast.IfStatement) else list(c[1]))

    def for_stmt(self, c: list[_Child]) -> ast.ForStatement:
        return ast.ForStatement(*_ends(c), c[1][0], c[3], tuple(c[4]))

    def share_stmt(self, c: list[_Child]) -> ast.Share:
        return ast.Share(*_ends(c), _name(c[1]), c[3])

    def defaults_stmt(self, c: list[_Child]) -> ast.Defaults:
        return ast.Defaults(*_ends(c), str(c[1]), _part(c, Args))

    def init_stmt(self, c: list[_Child]) -> ast.Init:
        target, scheme = (str(c[1]), c[3]) if c[2:3] == [":"] else (None, c[1])
        return ast.Init(*_ends(c), target, str(scheme), _part(c, Args))

    def target(self, c: list[_Child]) -> TargetPart:
        if len(c) == 1:
            return TargetPart(c, [_name(c[0])])
        return TargetPart(c, [tuple(child[0] for child in c if type(child) is TargetPart)])

    def shape(self, c: list[_Child]) -> Pattern:
        dims = [d if type(d) is ast.Dim else ast.Dim(d.start, d.end, d) for d in _nodes(c)]
        return Pattern(c, dims)

    def dim_default(self, c: list[_Child]) -> ast.Dim:
        name = ast.Name(c[0].start_pos, c[0].end_pos, str(c[0]))
        return ast.Dim(*_ends(c), name, c[2])

    # Stages.

    def chain(self, c: list[_Child]) -> Chain:
        return Chain(c, list(_nodes(c)))

    def stage(self, c: list[_Child]) -> ast.Stage:
        label = c[0] if type(c[0]) is ast.Label else None
        return ast.Stage(*_ends(c), label, c[2 if label else 0], _after(c, "*"))

    def label_name(self, c: list[_Child]) -> ast.Label:
        return ast.Label(*_ends(c), str(c[0]))

    def label_index(self, c: list[_Child]) -> ast.Label:
        return ast.Label(*_ends(c), str(c[0]), index=c[2])

    def label_template(self, c: list[_Child]) -> ast.Label:
        token = c[0]
        return ast.Label(*_ends(c), str(token)[1:-1], template=self._template(str(token)[1:-1], token.start_pos + 1))

    def _template(self, text: str, offset: int) -> tuple[str | ast.Syntax, ...]:
        parts: list[str | ast.Syntax] = []
        for match in re.finditer(r"([^{}]+)|\{([^{}]*)\}|[{}]", text):
            start, end = match.start() + offset, match.end() + offset
            if match[1]:
                parts.append(match[1])
            elif match[2] and match[2].strip():
                parts.append(self.parse_flow(start + 1, end - 1))
            else:
                raise TemplateProblem(start, end)
        return tuple(parts)

    def unit_name(self, c: list[_Child]) -> ast.Call:
        return ast.Call(*_ends(c), str(c[0]), (), bare=True)

    def call(self, c: list[_Child]) -> ast.Call:
        return ast.Call(*_ends(c), str(c[0]), tuple(c[2]) if len(c) > 3 else ())

    def group(self, c: list[_Child]) -> ast.Group:
        return ast.Group(*_ends(c), tuple(c[1]))

    def for_stage(self, c: list[_Child]) -> ast.ForStage:
        return ast.ForStage(*_ends(c), c[1][0], c[3], tuple(c[5]))

    def if_stage(self, c: list[_Child]) -> ast.IfStage:
        return ast.IfStage(*_ends(c), c[1], tuple(c[3]), tuple(c[7]) if len(c) > 5 else ())

    # Expressions.

    def pipe(self, c: list[_Child]) -> ast.Pipe:
        return ast.Pipe(c[0].start, c[-1].end, c[0], tuple(c[2::2]))

    def ifexp(self, c: list[_Child]) -> ast.IfExpression:
        return ast.IfExpression(*_ends(c), c[1], c[3], c[-2] if len(c) > 7 else c[-1])

    def binary(self, c: list[_Child]) -> ast.Binary:
        left, op, right = c
        return ast.Binary(left.start, right.end, str(op), left, right)

    def unary(self, c: list[_Child]) -> ast.Unary:
        return ast.Unary(c[0].start_pos, c[1].end, str(c[0]), c[1])

    def compare(self, c: list[_Child]) -> ast.Compare:
        rest = tuple((str(c[i]), c[i + 1]) for i in range(1, len(c), 2))
        return ast.Compare(c[0].start, c[-1].end, c[0], rest)

    def index(self, c: list[_Child]) -> ast.Index:
        return ast.Index(c[0].start, c[3].end_pos, c[0], c[2])

    def var(self, c: list[_Child]) -> ast.Name:
        return ast.Name(c[0].start_pos, c[0].end_pos, str(c[0]))

    def number(self, c: list[_Child]) -> ast.Literal:
        return ast.Literal(c[0].start_pos, c[0].end_pos, number(str(c[0])))

    def string(self, c: list[_Child]) -> ast.Literal:
        return ast.Literal(c[0].start_pos, c[0].end_pos, str(c[0])[1:-1])

    def true(self, c: list[_Child]) -> ast.Literal:
        return ast.Literal(*_ends(c), True)

    def false(self, c: list[_Child]) -> ast.Literal:
        return ast.Literal(*_ends(c), False)

    def none(self, c: list[_Child]) -> ast.Literal:
        return ast.Literal(*_ends(c), None)

    def hole(self, c: list[_Child]) -> ast.Hole:
        return ast.Hole(*_ends(c))

    def paren(self, c: list[_Child]) -> ast.Syntax:
        inner: ast.Syntax = c[1]
        return inner

    def parens(self, c: list[_Child]) -> ast.Sequence:
        return ast.Sequence(*_ends(c), _nodes(c), is_list=False)

    def brackets(self, c: list[_Child]) -> ast.Sequence:
        return ast.Sequence(*_ends(c), _nodes(c), is_list=True)

    def args(self, c: list[_Child]) -> Args:
        return Args(c, list(_nodes(c)))

    def positional(self, c: list[_Child]) -> ast.Argument:
        return ast.Argument(c[0].start, c[0].end, None, c[0])

    def keyword(self, c: list[_Child]) -> ast.Argument:
        return ast.Argument(c[0].start_pos, c[2].end, str(c[0]), c[2])
