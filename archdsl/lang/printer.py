"""The syntax tree as text in one style: what `archdsl fmt` writes.

Numbers and texts stay as they are spelt, comments stay where they stand, and a list of rows keeps its rows. Where a
pipeline does not stay on one line, it breaks before each labelled stage, and where its author broke it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import TypeVar

from archdsl.lang import ast
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
    Remark,
    joined,
    must_break,
    rendered,
)
from archdsl.lang.parser import Spec
from archdsl.source import Source, Span

WIDTH = 120
"""Characters of a line."""

_LEVELS: dict[str, int] = {"or": 1, "and": 2, "not": 3, "compare": 4, "+": 5, "-": 5, "*": 6, "/": 6, "//": 6, "%": 6}
_UNARY, _POWER, _ATOM = 7, 8, 9
_SMALL = ("let", "defaults", "from", "alias")
"""Items of one line that may stand without an empty line between them."""

_Node = TypeVar("_Node", bound=ast.Syntax)


def formatted(source: Source) -> str | None:
    """Return a file in the one style; `None` where it has syntax errors, or is nested too deeply to be laid out."""
    spec = Spec(source)
    trees = [(item, spec.parse(item)) for item in spec.items]
    if spec.problems or any(tree is None for _, tree in trees):
        return None
    try:
        printer = _Printer(source, spec.comments)
        made = printer.file([(item, tree) for item, tree in trees if tree is not None])
    except RecursionError:
        return None
    if not _is_the_same(made, trees):
        raise AssertionError("formatting has changed a tree; nothing is written")
    return formatted(Source(source.name, made)) if printer.moved else made


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
    def __init__(self, source: Source, comments: Sequence[Span]) -> None:
        self.text = source.text
        self.source = source
        self.comments = list(comments)
        self.next = 0
        """The first comment that has not been printed."""
        self.moved = False
        """Whether a comment was moved behind what it stood in, and so may find a better place in a second pass."""

    # Comments.

    def before(self, offset: int) -> list[Span]:
        """Take the comments that stand before a place."""
        first = self.next
        while self.next < len(self.comments) and self.comments[self.next].start < offset:
            self.next += 1
        return self.comments[first : self.next]

    def has_comment(self, start: int, end: int) -> bool:
        """Tell whether a comment that is still to be printed stands between two places."""
        return bool(self.between(start, end, self.next))

    def between(self, start: int, end: int, first: int = 0) -> list[Span]:
        """Return the comments between two places, from the `first` of the file on."""
        found = bisect_left(self.comments, start, first, key=lambda comment: comment.start)
        return self.comments[found : bisect_left(self.comments, end, found, key=lambda comment: comment.start)]

    def line_of(self, offset: int) -> int:
        return self.source.position(offset)[0]

    def _leading(self, comments: Sequence[Span], start: int) -> list[Doc]:
        """Return comments on lines of their own, with the empty lines that were between them and what follows."""
        made: list[Doc] = []
        for position, comment in enumerate(comments):
            follower = comments[position + 1].start if position + 1 < len(comments) else start
            made += [_tidy(comment.text), Line(hard=True, blank=self._is_apart(comment.end, follower))]
        return made

    def _is_apart(self, end: int, start: int) -> bool:
        """Tell whether an empty line stands between two places."""
        return self.text.count("\n", end, start) > 1 and "\n\n" in self._without_spaces(end, start)

    def _without_spaces(self, end: int, start: int) -> str:
        return "".join(c for c in self.text[end:start] if c not in " \t\r\f")

    def _trailing(self, end: int, limit: int) -> list[Doc]:
        """Return the comment that stands behind something on its line."""
        if self.next < len(self.comments):
            comment = self.comments[self.next]
            if end <= comment.start < limit and self.line_of(comment.start) == self.line_of(end):
                between = self.text[end : comment.start]
                if not between.strip(" \t\f,)"):  # the tree has no places of parentheses
                    self.next += 1
                    return [Remark(_tidy(comment.text))]
        return []

    def elements(
        self, nodes: Sequence[_Node], draw: Callable[[_Node], Doc], end: int
    ) -> tuple[list[tuple[list[Doc], Doc, list[Doc]]], list[Doc]]:
        """Return each node with the comments before and behind it, and the comments that are left before `end`."""
        made: list[tuple[list[Doc], Doc, list[Doc]]] = []
        for position, node in enumerate(nodes):
            leading, doc, behind = self._with_comments(node, draw)
            limit = nodes[position + 1].start if position + 1 < len(nodes) else end
            made.append((self._leading(leading, node.start), doc, behind + self._trailing(node.end, limit)))
        left = self.before(end)
        return made, joined([_tidy(comment.text) for comment in left], HARD)  # type: ignore[return-value]

    def _with_comments(self, node: _Node, draw: Callable[[_Node], Doc]) -> tuple[list[Span], Doc, list[Doc]]:
        """Return a node drawn, with the comments before it and within it that nothing in it can hold.

        Those within go before it too. Where it holds some itself, the next stands behind it and others are left to
        what follows: comments never change their order.
        """
        leading = self.before(node.start)
        first = self.next
        doc = draw(node)
        holds = self.next > first
        left = self.before(node.end)
        if not (holds and left):
            return leading + left, doc, []
        self.next -= len(left) - 1
        self.moved = True
        return leading, doc, [Remark(_tidy(left[0].text))]

    # A file.

    def file(self, items: Sequence[tuple[Item, ast.Syntax]]) -> str:
        """Return the text of a file."""
        parts: list[Doc] = []
        before: tuple[str, int] | None = None
        for position, (item, tree) in enumerate(items):
            kind = "alias" if isinstance(tree, ast.Alias) else item.kind
            comments, doc, behind = self._with_comments(tree, self.item)
            start = min(tree.start, comments[0].start) if comments else tree.start
            if before is not None:
                small = (before[0] in _SMALL and kind in _SMALL) or before[0] == kind == "test"
                blank = not small or self._is_apart(before[1], start)
                parts.append(Line(hard=True, blank=blank))
            limit = items[position + 1][1].start if position + 1 < len(items) else len(self.text)
            parts += [*self._leading(comments, tree.start), doc, *behind, *self._trailing(tree.end, limit)]
            before = kind, tree.end
        left = self.before(len(self.text) + 1)
        if left:
            if before is not None:
                parts.append(Line(hard=True, blank=self._is_apart(before[1], left[0].start)))
            parts += self._leading(left, len(self.text))[:-1]
        return rendered(tuple(parts), WIDTH)

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
                return (f"model {tree.name} = {tree.base}", self.arguments(tree.arguments, start, tree.end, empty="()"))
            case ast.Test():
                head = (f"test {tree.model}", self.arguments(tree.arguments, tree.start, self._brace(tree)))
                return (head, " ", self.body(tree.expectations, tree.end))
            case ast.Import():
                dots = "." * tree.level + tree.module
                return (f"from {dots} import ", ", ".join(name.name for name in tree.names))
        return self.statement(tree)

    def _brace(self, tree: ast.Test) -> int:
        start = tree.arguments[-1].end if tree.arguments else tree.start
        return self.text.find("{", start)

    def parameters(self, tree: ast.Definition) -> Doc:
        """Return the parameters of a definition in parentheses; nothing where there are none."""
        if not tree.parameters:
            return ""
        body = tree.body[0].start if tree.body else tree.end
        return self.bracketed("(", tree.parameters, self.parameter, ")", tree.name_start, body)

    def parameter(self, node: ast.Parameter) -> Doc:
        """Return a parameter: `stride: int = 1`."""
        head = f"{node.name}: {node.type}"
        return head if node.default is None else (f"{head} = ", self.flow(node.default))

    def arguments(self, nodes: Sequence[ast.Argument], start: int, end: int, empty: str = "") -> Doc:
        """Return arguments in parentheses."""
        return self.bracketed("(", nodes, self.argument, ")", start, end) if nodes else empty

    def argument(self, node: ast.Argument) -> Doc:
        """Return an argument: `64` or `stride=2`."""
        value = self.flow(node.value)
        return value if node.name is None else (f"{node.name}=", value)

    def bracketed(
        self,
        opening: str,
        nodes: Sequence[_Node],
        draw: Callable[[_Node], Doc],
        closing: str,
        start: int,
        end: int,
        last: str = "",
    ) -> Doc:
        """Return nodes between brackets: on one line, or filling lines of their own, or one a line with comments.

        `last` is a comma where the last node has one on any line, as in a tuple of one.
        """
        made, left = self.elements(nodes, draw, self._closing(nodes, end))
        alone = bool(left) or any(leading or trailing for leading, _, trailing in made)
        alone = alone or any(must_break(doc) for _, doc, _ in made)
        if alone:
            lines: list[Doc] = []
            starts = self._rows(nodes) if opening == "[" else [True] * len(nodes)
            for position, (leading, doc, trailing) in enumerate(made):
                follows = position > 0 and not starts[position] and not leading and not made[position - 1][2]
                lines += [" " if follows else HARD, *leading, doc, ",", *trailing]
            lines += [HARD, *left] if left else []
            return Group((opening, Nest(tuple(lines)), HARD, closing), broken=True)
        if any(isinstance(getattr(node, "value", node), ast.Pipe) for node in nodes):
            each = joined([doc for _, doc, _ in made], (",", SPACE))
            return Group((opening, Nest((SOFT, each)), last or IfBroken(","), SOFT, closing))
        rows = self._rows(nodes) if opening == "[" else [False] * len(nodes)
        parts = [
            ((doc, "," if position + 1 < len(made) else last), row)
            for position, ((_, doc, _), row) in enumerate(zip(made, rows, strict=True))
        ]
        return Group((opening, Nest((SOFT, Fill(tuple(parts)))), SOFT, closing), broken=any(rows))

    def _closing(self, nodes: Sequence[ast.Syntax], end: int) -> int:
        """Return where comments stop belonging to the last of some nodes in brackets."""
        last = nodes[-1].end if nodes else end
        place = last
        while place < end:
            character = self.text[place]
            if character == "#":
                place = self.text.find("\n", place)
                if place < 0:
                    return end
            elif character not in " \t\r\n\f,":
                return place
            place += 1
        return end

    def _rows(self, nodes: Sequence[ast.Syntax]) -> list[bool]:
        """Return which elements of a list begin a row, as they do in a table that was written so."""
        lines = [self.line_of(node.start) for node in nodes]
        return [position > 0 and line != lines[position - 1] for position, line in enumerate(lines)]

    # Statements.

    def body(self, nodes: Sequence[ast.Syntax], end: int) -> Doc:
        """Return statements in braces: one that was alone on its line stays there, others have a line each."""
        one_line = len(nodes) <= 1 and not self.has_comment(nodes[0].start if nodes else end, end)
        same = bool(nodes) and self.line_of(nodes[0].start) == self.line_of(end - 1)
        made, left = self.elements(nodes, self.statement, end - 1)
        if not nodes and not left:
            return "{}"
        if one_line and same and not must_break(made[0][1]) and not made[0][0]:
            return Group(("{", Nest((SPACE, made[0][1])), SPACE, "}"))
        lines: list[Doc] = []
        before = -1
        for node, (leading, doc, trailing) in zip(nodes, made, strict=True):
            blank = before >= 0 and self._starts_apart(before, node.start)
            lines += [Line(hard=True, blank=blank), *leading, doc, *trailing]
            before = node.end
        if left:
            lines += [HARD, *left]
        return ("{", Nest(tuple(lines)), HARD, "}")

    def _starts_apart(self, end: int, start: int) -> bool:
        """Tell whether an empty line stands behind something, before the comments of what follows or that itself."""
        first = next((c.start for c in self.between(end, start) if self._is_own(c)), start)
        return self._is_apart(self.text.find("\n", end, first) if "\n" in self.text[end:first] else end, first)

    def _is_own(self, comment: Span) -> bool:
        line = self.text.rfind("\n", 0, comment.start) + 1
        return not self.text[line : comment.start].strip()

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
                return ("require ", self.expression(condition), text)
            case ast.Bind(name=name, index=None, shape=None, value=value):
                return (f"{name} = ", self.flow(value))
            case ast.Bind(name=name, index=None, shape=shape, value=value):
                return (f"{name}: ", self.pattern(shape or ()), " = ", self.flow(value))
            case ast.Bind(name=name, index=index, value=value):
                assert index is not None, "a binding without an index is drawn above"
                return (f"{name}[", self.expression(index), "] = ", self.flow(value))
            case ast.BindTuple(names=names, value=value):
                return (f"{', '.join(names)} = ", self.flow(value))
            case ast.IfStatement():
                return self._if_statement(node)
            case ast.ForStatement(target=target, iterable=iterable, body=body):
                return (f"for {_target(target)} in ", self.expression(iterable), " ", self.body(body, node.end))
            case ast.Share(name=name, stage=stage):
                return (f"share {name} = ", self.stage(stage))
            case ast.Defaults(layer=layer, arguments=arguments):
                return (f"defaults {layer}", self.arguments(arguments, node.start, node.end, empty="()"))
            case ast.Init(scheme=scheme, arguments=arguments):
                empty = "()" if self.text[node.start : node.end].rstrip().endswith(")") else ""
                return (f"init {scheme}", self.arguments(arguments, node.start, node.end, empty=empty))
            case ast.Expect(value=value, within=within):
                if within is None:
                    return ("expect ", self.flow(value))
                percent = self._without_comments(value.end, node.end).partition("within")[2].strip(" \t\r\n\f%")
                return ("expect ", self.flow(value), f" within {percent}%")
        raise AssertionError(f"no statement {type(node).__name__}")

    def _if_statement(self, node: ast.IfStatement) -> Doc:
        then_end = self._block_end(node.condition.end)
        parts: list[Doc] = ["if ", self.expression(node.condition), " ", self._braced(node.then, then_end)]
        if not node.otherwise:
            return tuple(parts)
        (first, *others) = node.otherwise
        chained = "{" not in self._without_comments(then_end, first.start)
        if isinstance(first, ast.IfStatement) and not others and chained:
            return (*parts, " else ", self._if_statement(first))
        return (*parts, " else ", self._braced(node.otherwise, node.end))

    def _braced(self, nodes: Sequence[ast.Syntax], end: int) -> Doc:
        return self.body(nodes, end)

    def _block_end(self, start: int) -> int:
        """Return the end of the braces that begin behind a place."""
        depth, place = 0, start
        while place < len(self.text):
            character = self.text[place]
            if character == "#":
                place = self.text.find("\n", place)
            elif character == '"':
                place = self.text.find('"', place + 1)
            elif character == "{":
                depth += 1
            elif character == "}":
                depth -= 1
                if depth == 0:
                    return place + 1
            place += 1
        return len(self.text)

    def pattern(self, dims: Sequence[ast.Dim]) -> Doc:
        """Return a shape: `[3, H = 224, W]`."""
        parts: list[Doc] = []
        for dim in dims:
            value = self.expression(dim.value)
            parts.append(value if dim.default is None else (value, " = ", self.expression(dim.default)))
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
            asked[0] = self.line_of(self.text.rfind("=", 0, stages[0].start)) != lines[0]
        made, _ = self.elements(stages, self.stage, stages[-1].start)  # comments at the end are the statement's
        broken = any(asked) or any(leading or trailing for leading, _, trailing in made)
        begins = [
            stage.label is not None or asked[i] or bool(made[i][0]) or (hangs and i == 0) or bool(i and made[i - 1][2])
            for i, stage in enumerate(stages)
        ]
        if not broken and sum(begins) <= 1:
            begins[0] = hangs and begins[0] and not must_break(tuple(doc for _, doc, _ in made))
        parts: list[Doc] = []
        for position, (leading, doc, trailing) in enumerate(made):
            arrow = "" if hangs and position == 0 else "-> "
            parts += [(SPACE if begins[position] else " "), *leading, arrow, doc, *trailing]
        whole: Doc = tuple(parts)
        return Group(Nest(whole) if any(begins) else whole, broken=broken)

    def stage(self, node: ast.Stage) -> Doc:
        """Return a stage: label, unit, repetition."""
        unit = node.unit
        label: Doc = "" if node.label is None else (self.label(node.label), ": ")
        times: Doc = "" if node.repeat is None else (" * ", self.expression(node.repeat, _ATOM))
        return (label, self.unit(unit), times)

    def label(self, node: ast.Label) -> Doc:
        """Return a label as it is spelt."""
        if node.index is not None:
            return (f"{node.name}[", self.expression(node.index), "]")
        return f'"{node.name}"' if node.template is not None else node.name

    def unit(self, node: ast.Call | ast.Group | ast.ForStage | ast.IfStage) -> Doc:
        """Return what stands behind an arrow."""
        match node:
            case ast.Call():
                return self.call(node)
            case ast.Group():
                return self.braces("(", node.stages, ")", node.end - 1)
            case ast.ForStage(target=target, iterable=iterable):
                head: Doc = (f"for {_target(target)} in ", self.expression(iterable), " ")
                return (head, self.braces("{", node.stages, "}", node.end - 1))
            case ast.IfStage():
                then_end = self._block_end(node.condition.end)
                head = ("if ", self.expression(node.condition), " ")
                then, opened = self._inside("{", node.then, then_end - 1)
                if not node.otherwise:
                    return (head, Group(("{", then, SPACE, "}"), broken=opened))
                otherwise, opened_too = self._inside("{", node.otherwise, node.end - 1)
                both = (head, "{", then, SPACE, "} else {", otherwise, SPACE, "}")
                return Group(both, broken=opened or opened_too)

    def braces(self, opening: str, stages: Sequence[ast.Stage], closing: str, end: int) -> Doc:
        """Return a chain in brackets."""
        inner, opened = self._inside(opening, stages, end)
        return Group((opening, inner, SOFT if opening == "(" else SPACE, closing), broken=opened)

    def _inside(self, opening: str, stages: Sequence[ast.Stage], end: int) -> tuple[Doc, bool]:
        """Return a chain for brackets, and whether they stand on lines of their own."""
        before = self.text.rfind(opening, 0, stages[0].start)
        asked = self.line_of(before) != self.line_of(stages[0].start)
        inner = self.chain_inside(stages, end)
        space: Line = SOFT if opening == "(" else SPACE
        return Nest((space, inner)), asked or must_break(inner)

    def chain_inside(self, stages: Sequence[ast.Stage], end: int) -> Doc:
        """Return a chain whose first stage begins where it stands, the others under it."""
        lines = [self.line_of(stage.start) for stage in stages]
        ends = [stage.end for stage in stages]
        asked = [False, *(self.line_of(ends[i - 1]) != lines[i] for i in range(1, len(stages)))]
        made, left = self.elements(stages, self.stage, end)
        broken = any(asked) or bool(left) or any(leading or trailing for leading, _, trailing in made)
        parts: list[Doc] = []
        for position, (stage, (leading, doc, trailing)) in enumerate(zip(stages, made, strict=True)):
            if position:
                begins = stage.label is not None or asked[position] or bool(leading) or bool(made[position - 1][2])
                parts.append(SPACE if begins else " ")
            parts += [*leading, "-> " if position else "", doc, *trailing]
        if left:
            parts += [HARD, *left]
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
                return self.bracketed("[", items, self.flow, "]", node.start, node.end) if items else "[]"
            case ast.Sequence(items=items):
                return self.bracketed(
                    "(", items, self.flow, ")", node.start, node.end, last="," if len(items) == 1 else ""
                )
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
        head: Doc = ("if ", self.expression(node.condition, _LEVELS["or"]), " ")
        then, otherwise = node.then, node.otherwise
        parts: list[Doc] = [head, "{", Nest((SPACE, self._held(then, node.condition.end))), SPACE, "} else "]
        if isinstance(otherwise, ast.IfExpression) and self._is_chained(then, otherwise):
            parts.append(self._if_expression(otherwise))
        else:
            parts += ["{", Nest((SPACE, self._held(otherwise, then.end))), SPACE, "}"]
        asked = self.line_of(node.start) != self.line_of(node.end) and self._opens_line(then)
        return Group(tuple(parts), broken=asked)

    def _held(self, node: ast.Syntax, after: int) -> Doc:
        leading = self._leading(self.before(node.start), node.start)
        return (*leading, self.flow(node))

    def _opens_line(self, node: ast.Syntax) -> bool:
        brace = self.text.rfind("{", 0, node.start)
        return self.line_of(brace) != self.line_of(node.start)

    def _is_chained(self, then: ast.Syntax, otherwise: ast.IfExpression) -> bool:
        return "{" not in self._without_comments(then.end, otherwise.start)

    def _without_comments(self, start: int, end: int) -> str:
        return "".join(line.partition("#")[0] for line in self.text[start:end].split("\n"))

    def call(self, node: ast.Call) -> Doc:
        """Return a call; a bare one has no parentheses."""
        if node.bare:
            return node.name
        return (node.name, self.arguments(node.arguments, node.start, node.end, empty="()"))


def _in_parentheses(doc: Doc, needed: bool) -> Doc:
    return ("(", doc, ")") if needed else doc


def _is_small(node: ast.Syntax) -> bool:
    """Tell whether a power is written without spaces around this operand."""
    return isinstance(node, ast.Name | ast.Literal)


def _target(target: ast.Target) -> str:
    return target if isinstance(target, str) else f"({', '.join(map(_target, target))})"


def _tidy(comment: str) -> str:
    """Return a comment with a space behind its signs."""
    signs = len(comment) - len(comment.lstrip("#"))
    rest = comment[signs:].rstrip()
    return comment[:signs] + (rest if not rest or rest[0] in " !" else f" {rest}")
