"""The syntax tree as text in one style: what `archdsl fmt` writes.

Numbers and texts stay as they are spelt, comments stay where they stand, and a list of rows keeps its rows. Where a
pipeline does not stay on one line, it breaks before each labelled stage, and where its author broke it. What is drawn
here has no comments: `comments.py` puts them into it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TypeVar

from archdsl.lang import ast
from archdsl.lang.comments import Written, commented
from archdsl.lang.items import Item
from archdsl.lang.layout import (
    HARD,
    SOFT,
    SPACE,
    Doc,
    Fill,
    Group,
    IfBroken,
    Line,
    Nest,
    joined,
    must_break,
    rendered,
)
from archdsl.lang.parser import Spec
from archdsl.source import Source

WIDTH = 120
"""Characters of a line."""

_LEVELS: dict[str, int] = {"or": 1, "and": 2, "not": 3, "compare": 4, "+": 5, "-": 5, "*": 6, "/": 6, "//": 6, "%": 6}
_UNARY, _POWER, _ATOM = 7, 8, 9
_SMALL = ("let", "defaults", "from", "alias")
"""Items of one line that may stand without an empty line between them."""

EDGE = Line("", hard=True)
"""The end of a line that is behind or before a bracket."""

_Node = TypeVar("_Node", bound=ast.Syntax)


def formatted(source: Source) -> str | None:
    """Return a file in the one style; `None` where it has syntax errors, or is nested too deeply to be laid out."""
    spec = Spec(source)
    trees = [(item, spec.parse(item)) for item in spec.items]
    if spec.problems or any(tree is None for _, tree in trees):
        return None
    try:
        written = Written(source, spec.comments, spec.items[0].start)
        drawn = _Printer(written).file([(item, tree) for item, tree in trees if tree is not None])
        made = rendered(commented(drawn, written), WIDTH)
    except RecursionError:
        return None
    if not _is_the_same(made, trees):
        raise AssertionError("formatting has changed a tree; nothing is written")
    return made


def _is_the_same(text: str, trees: Sequence[tuple[Item, ast.Syntax | None]]) -> bool:
    """Tell whether a text has the trees that it was made of; places aside."""
    spec = Spec(Source("formatted", text))
    again = [spec.parse(item) for item in spec.items]
    return not spec.problems and [_shape(node) for node in again] == [_shape(node) for _, node in trees]


def _shape(node: ast.Syntax | None) -> list[tuple[object, ...]]:
    """Return what a tree is made of, without its places."""
    if node is None:
        return []
    return [
        (type(one), *(_plain(getattr(one, name)) for name in one.__slots__ if name != "name_start"))
        for one in ast.walk(node)
    ]


def _plain(value: object) -> object:
    """Return a value of a tree's node; a node in it is only said to be there, for it comes by itself."""
    if isinstance(value, ast.Syntax):
        return ast.Syntax
    if isinstance(value, tuple):
        return tuple(map(_plain, value))
    return type(value), value


class _Printer:
    def __init__(self, written: Written) -> None:
        self.written = written
        self.text = written.source.text
        self.line_of = written.line_of

    # A file.

    def file(self, items: Sequence[tuple[Item, ast.Syntax]]) -> Doc:
        """Return all items of a file."""
        parts: list[Doc] = []
        before: tuple[str, int] | None = None
        for item, tree in items:
            kind = "alias" if isinstance(tree, ast.Alias) else item.kind
            if before is not None:
                small = (before[0] in _SMALL and kind in _SMALL) or before[0] == kind == "test"
                parts.append(Line(hard=True, blank=not small or self.written.is_apart(before[1], tree.start)))
            parts.append(self.item(tree))
            before = kind, tree.end
        return tuple(parts)

    def item(self, tree: ast.Syntax) -> Doc:
        """Return an item."""
        match tree:
            case ast.Definition(kind="seq"):
                head: Doc = (f"seq {tree.name}", self.parameters(tree), " =")
                stages: tuple[ast.Stage, ...] = tree.body  # type: ignore[assignment]  # a seq's body is stages
                return (head, self.chain(stages, hangs=True))
            case ast.Definition():
                return (f"{tree.kind} {tree.name}", self.parameters(tree), " ", self.body(tree.body, tree.end))
            case ast.Alias():
                start = tree.name_start
                return (f"model {tree.name} = {tree.base}", self.arguments(tree.arguments, start, empty="()"))
            case ast.Test():
                head = (f"test {tree.model}", self.arguments(tree.arguments, tree.start))
                return (head, " ", self.body(tree.expectations, tree.end))
            case ast.Import():
                dots = "." * tree.level + tree.module
                return (f"from {dots} import ", ", ".join(name.name for name in tree.names))
        return self.statement(tree)

    def parameters(self, tree: ast.Definition) -> Doc:
        """Return the parameters of a definition in parentheses; nothing where there are none."""
        if not tree.parameters:
            return ""
        return self.bracketed("(", tree.parameters, self.parameter, tree.name_start)

    def parameter(self, node: ast.Parameter) -> Doc:
        """Return a parameter: `stride: int = 1`."""
        head = f"{node.name}: {node.type}"
        return head if node.default is None else (f"{head} = ", self.flow(node.default))

    def arguments(self, nodes: Sequence[ast.Argument], start: int, empty: str = "") -> Doc:
        """Return arguments in parentheses, the first ones from `start` on."""
        return self.bracketed("(", nodes, self.argument, start) if nodes else empty

    def argument(self, node: ast.Argument) -> Doc:
        """Return an argument: `64` or `stride=2`."""
        value = self.flow(node.value)
        return value if node.name is None else (f"{node.name}=", value)

    def bracketed(
        self, opening: str, nodes: Sequence[_Node], draw: Callable[[_Node], Doc], start: int, last: str = ""
    ) -> Doc:
        """Return nodes between brackets: on one line, or filling lines of their own, or one a line with comments.

        `last` is a comma where the last node has one on any line, as in a tuple of one.
        """
        bracket = self.written.index(start, opening)
        places = [self.written.tokens[i] for i in (bracket, self.written.closing(bracket))]
        closing = places[1].text
        made = [draw(node) for node in nodes]
        starts = self._rows(nodes) if opening == "[" else [False] * len(nodes)
        if any(map(must_break, made)) or self.written.between(places[0].start, places[1].start):
            between: list[Doc] = [HARD if opening == "(" or row else " " for row in starts[1:]]
            each = _with_commas(made, between)
            return Group((opening, Nest((EDGE, *each, last or IfBroken(","))), EDGE, closing), broken=True)
        if any(isinstance(getattr(node, "value", node), ast.Pipe) for node in nodes):
            each = _with_commas(made, [SPACE] * (len(made) - 1))
            return Group((opening, Nest((SOFT, *each, last or IfBroken(","))), SOFT, closing))
        each = _with_commas(made, [HARD if row else SPACE for row in starts[1:]])
        return Group((opening, Nest((SOFT, Fill((*each, last)))), SOFT, closing), broken=any(starts))

    def _rows(self, nodes: Sequence[ast.Syntax]) -> list[bool]:
        """Return which elements of a list begin a row, as they do in a table that was written so."""
        lines = [self.line_of(node.start) for node in nodes]
        return [position > 0 and line != lines[position - 1] for position, line in enumerate(lines)]

    # Statements.

    def body(self, nodes: Sequence[ast.Syntax], end: int) -> Doc:
        """Return statements in braces: one that was alone on its line stays there, others have a line each."""
        if not nodes:
            return "{}"
        made = [self.statement(node) for node in nodes]
        if len(nodes) == 1 and self.line_of(nodes[0].start) == self.line_of(end - 1) and not must_break(made[0]):
            return Group(("{", Nest((SPACE, made[0])), SPACE, "}"))
        lines: list[Doc] = [HARD, made[0]]
        for (before, node), doc in zip(pairwise(nodes), made[1:], strict=True):
            lines += [Line(hard=True, blank=self.written.is_apart(before.end, node.start)), doc]
        return ("{", Nest(tuple(lines)), HARD, "}")

    def statement(self, node: ast.Syntax) -> Doc:
        """Return a statement."""
        match node:
            case ast.Input(name=name, shape=shape):
                return f"input {name}" if shape is None else (f"input {name}: ", self.pattern(shape))
            case ast.Output(name=name, value=value, training=training):
                head = "output " if name is None else f"output {name} = "
                return (head, self.flow(value), " when training" if training else "")
            case ast.Let(name=name, value=value):
                return (f"let {name} = ", self.flow(value))
            case ast.Require(condition=condition, message=message):
                text = "" if message is None else f', "{message}"'
                return ("require ", self.flow(condition), text)
            case ast.Bind(name=name, index=None, shape=None, value=value):
                return (f"{name} = ", self.flow(value))
            case ast.Bind(name=name, index=None, shape=shape, value=value):
                return (f"{name}: ", self.pattern(shape or ()), " = ", self.flow(value))
            case ast.Bind(name=name, index=index, value=value):
                assert index is not None, "a binding without an index is drawn above"
                return (f"{name}[", self.flow(index), "] = ", self.flow(value))
            case ast.BindTuple(names=names, value=value):
                return (f"{', '.join(names)} = ", self.flow(value))
            case ast.IfStatement():
                return self._if_statement(node)
            case ast.ForStatement(target=target, iterable=iterable, body=body):
                return (f"for {_target(target)} in ", self.expression(iterable), " ", self.body(body, node.end))
            case ast.Share(name=name, stage=stage):
                return (f"share {name} = ", self.stage(stage))
            case ast.Defaults(layer=layer, arguments=arguments):
                return (f"defaults {layer}", self.arguments(arguments, node.start, empty="()"))
            case ast.Init(target=target, scheme=scheme, arguments=arguments):
                empty = "()" if self.text[node.end - 1] == ")" else ""
                of = f"{target}: " if target else ""
                return (f"init {of}{scheme}", self.arguments(arguments, node.start, empty=empty))
            case ast.Expect(value=value, within=within):
                if within is None:
                    return ("expect ", self.flow(value))
                percent = self.written.without_comments(value.end, node.end).partition("within")[2].strip(" \t\r\n\f%")
                return ("expect ", self.flow(value), f" within {percent}%")
        raise AssertionError(f"no statement {type(node).__name__}")

    def _if_statement(self, node: ast.IfStatement) -> Doc:
        end, chained = self._then(node)
        head: Doc = ("if ", self.expression(node.condition), " ", self.body(node.then, end))
        if chained:
            (other,) = node.otherwise
            assert isinstance(other, ast.IfStatement), "an `if` follows the `else`"
            return (head, " else ", self._if_statement(other))
        return (head, " else ", self.body(node.otherwise, node.end)) if end < node.end else head

    def _then(self, node: ast.IfStatement | ast.IfExpression) -> tuple[int, bool]:
        """Return where the first branch of an `if` ends, and whether `else if` stands behind it."""
        closing = self.written.closing(self.written.index(node.condition.end, "{"))
        end = self.written.tokens[closing].end
        behind = self.written.without_comments(end, node.end).lstrip().removeprefix("else")
        return end, behind.lstrip().startswith("if")

    def pattern(self, dims: Sequence[ast.Dim]) -> Doc:
        """Return a shape: `[3, H = 224, W]`."""
        parts: list[Doc] = []
        for dim in dims:
            value = self.flow(dim.value)
            parts.append(value if dim.default is None else (value, " = ", self.flow(dim.default)))
        return ("[", *joined(parts, ", "), "]")

    # Pipes and stages.

    def flow(self, node: ast.Syntax, *, level: int = 0) -> Doc:
        """Return an expression or a pipe; a pipe inside an expression stands in parentheses."""
        if isinstance(node, ast.Pipe):
            source = self.expression(node.source, _LEVELS["or"] if not isinstance(node.source, ast.IfExpression) else 0)
            piped = (source, self.chain(node.stages, after=node.source.end))
            return ("(", piped, ")") if level else piped
        return self.expression(node, level)

    def chain(self, stages: Sequence[ast.Stage], *, hangs: bool = False, after: int | None = None) -> Doc:
        """Return stages with arrows: on one line, or with a line for each labelled stage and each the author began."""
        lines = [self.line_of(stage.start) for stage in stages]
        ends = [after if after is not None else stages[0].start, *(stage.end for stage in stages)]
        asked = [self.line_of(ends[i]) != lines[i] for i in range(len(stages))]
        if hangs:
            asked[0] = self._opens_line(stages[0])
        made = [self.stage(stage) for stage in stages]
        begins = [stage.label is not None or asked[i] or (hangs and i == 0) for i, stage in enumerate(stages)]
        if not any(asked) and sum(begins) <= 1:
            breaks = must_break(tuple(made)) or self.written.between(stages[0].start, stages[-1].end)
            begins[0] = hangs and begins[0] and not breaks
        parts: list[Doc] = []
        for position, doc in enumerate(made):
            parts += [(SPACE if begins[position] else " "), "" if hangs and position == 0 else "-> ", doc]
        whole: Doc = tuple(parts)
        return Group(Nest(whole) if any(begins) else whole, broken=any(asked))

    def stage(self, node: ast.Stage) -> Doc:
        """Return a stage: label, unit, repetition."""
        unit = node.unit
        label: Doc = "" if node.label is None else (self.label(node.label), ": ")
        times: Doc = "" if node.repeat is None else (" * ", self.expression(node.repeat, _ATOM))
        return (label, self.unit(unit), times)

    def label(self, node: ast.Label) -> Doc:
        """Return a label as it is spelt."""
        if node.index is not None:
            return (f"{node.name}[", self.flow(node.index), "]")
        return f'"{node.name}"' if node.template is not None else node.name

    def unit(self, node: ast.Call | ast.Group | ast.ForStage | ast.IfStage) -> Doc:
        """Return what stands behind an arrow."""
        match node:
            case ast.Call():
                return self.call(node)
            case ast.Group():
                return self.braces("(", node.stages, ")")
            case ast.ForStage(target=target, iterable=iterable):
                head: Doc = (f"for {_target(target)} in ", self.expression(iterable), " ")
                return (head, self.braces("{", node.stages, "}"))
            case ast.IfStage():
                head = ("if ", self.expression(node.condition), " ")
                then, opened = self._inside(node.then, SPACE)
                if not node.otherwise:
                    return (head, Group(("{", then, SPACE, "}"), broken=opened))
                otherwise, opened_too = self._inside(node.otherwise, SPACE)
                both = (head, "{", then, SPACE, "} else {", otherwise, SPACE, "}")
                return Group(both, broken=opened or opened_too)

    def braces(self, opening: str, stages: Sequence[ast.Stage], closing: str) -> Doc:
        """Return a chain in brackets."""
        space = SOFT if opening == "(" else SPACE
        inner, opened = self._inside(stages, space)
        return Group((opening, inner, space, closing), broken=opened)

    def _inside(self, stages: Sequence[ast.Stage], space: Line) -> tuple[Doc, bool]:
        """Return a chain for brackets, and whether they stand on lines of their own."""
        inner = self.chain_inside(stages)
        return Nest((space, inner)), self._opens_line(stages[0]) or must_break(inner)

    def _opens_line(self, node: ast.Syntax) -> bool:
        """Tell whether a node is on another line than the token before it."""
        before = self.written.tokens[self.written.index(node.start) - 1]
        return self.line_of(before.start) != self.line_of(node.start)

    def chain_inside(self, stages: Sequence[ast.Stage]) -> Doc:
        """Return a chain whose first stage begins where it stands, the others under it."""
        parts: list[Doc] = [self.stage(stages[0])]
        broken = False
        for before, stage in pairwise(stages):
            asked = self.line_of(before.end) != self.line_of(stage.start)
            broken = broken or asked
            parts += [SPACE if stage.label is not None or asked else " ", "-> ", self.stage(stage)]
        return Group(tuple(parts), broken=broken)

    # Expressions.

    def expression(self, node: ast.Syntax, level: int = 0) -> Doc:
        """Return an expression, in parentheses where it binds less than `level`."""
        match node:
            case ast.Name(name=name):
                return name
            case ast.Literal() | ast.Hole():
                return self.text[node.start : node.end]
            case ast.Call():
                return self.call(node)
            case ast.Sequence(items=items, is_list=True):
                return self.bracketed("[", items, self.flow, node.start) if items else "[]"
            case ast.Sequence(items=items):
                return self.bracketed("(", items, self.flow, node.start, last="," if len(items) == 1 else "")
            case ast.Index(value=value, index=index):
                return (self.expression(value, _ATOM), "[", self.flow(index), "]")
            case ast.Unary(op=op, operand=operand):
                own = _LEVELS["not"] if op == "not" else _UNARY
                sign = "not " if op == "not" else "-"
                return _in_parentheses((sign, self.expression(operand, own)), own < level)
            case ast.Binary(op="**", left=left, right=right):
                tight = _is_small(left) and _is_small(right)
                parts = self.expression(left, _ATOM), self.expression(right, _UNARY)
                return _in_parentheses((parts[0], "**" if tight else " ** ", parts[1]), level > _POWER)
            case ast.Binary(op=op):
                return _in_parentheses(self._chained(node), _LEVELS[op] < level)
            case ast.Compare(first=first, rest=rest):
                own = _LEVELS["compare"]
                parts_: list[Doc] = [self.expression(first, own + 1)]
                for op, other in rest:
                    parts_ += [f" {op} ", self.expression(other, own + 1)]
                return _in_parentheses(tuple(parts_), own < level)
            case ast.IfExpression():
                return _in_parentheses(self._if_expression(node), level > 0)
            case ast.Pipe():
                return self.flow(node, level=1)
        raise AssertionError(f"no expression {type(node).__name__}")

    def _chained(self, node: ast.Binary) -> Doc:
        """Return operands of one level one behind the other, as many as there are."""
        own = _LEVELS[node.op]
        parts: list[Doc] = []
        left: ast.Syntax = node
        while isinstance(left, ast.Binary) and _LEVELS.get(left.op) == own:
            parts += [self.expression(left.right, own + 1), f" {left.op} "]
            left = left.left
        return (self.expression(left, own), *reversed(parts))

    def _if_expression(self, node: ast.IfExpression) -> Doc:
        _, chained = self._then(node)
        head: Doc = ("if ", self.expression(node.condition, _LEVELS["or"]), " ")
        parts: list[Doc] = [head, "{", Nest((SPACE, self.flow(node.then))), SPACE, "} else "]
        if chained:
            assert isinstance(node.otherwise, ast.IfExpression), "an `if` follows the `else`"
            parts.append(self._if_expression(node.otherwise))
        else:
            parts += ["{", Nest((SPACE, self.flow(node.otherwise))), SPACE, "}"]
        asked = self.line_of(node.start) != self.line_of(node.end) and self._opens_line(node.then)
        return Group(tuple(parts), broken=asked)

    def call(self, node: ast.Call) -> Doc:
        """Return a call; a bare one has no parentheses."""
        if node.bare:
            return node.name
        return (node.name, self.arguments(node.arguments, node.start, empty="()"))


def _with_commas(docs: Sequence[Doc], between: Sequence[Doc]) -> list[Doc]:
    """Return documents with a comma behind each but the last, and what stands between each two."""
    made: list[Doc] = []
    for doc, space in zip(docs, between, strict=False):
        made += [doc, ",", space]
    return [*made, docs[-1]]


def _in_parentheses(doc: Doc, needed: bool) -> Doc:
    return ("(", doc, ")") if needed else doc


def _is_small(node: ast.Syntax) -> bool:
    """Tell whether a power is written without spaces around this operand."""
    return isinstance(node, ast.Name | ast.Literal)


def _target(target: ast.Target) -> str:
    return target if isinstance(target, str) else f"({', '.join(map(_target, target))})"
