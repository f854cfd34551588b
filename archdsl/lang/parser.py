"""Text to syntax tree, an item at a time and on demand, with every syntax error of the text in one go."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import NamedTuple

from lark import Lark, Token
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken
from lark.utils import TextSlice

from archdsl.diagnostics import Diagnostic, Fix
from archdsl.lang import ast, hints, tables
from archdsl.lang.builder import KEYWORDS, Builder, NameProblem, TemplateProblem
from archdsl.lang.items import Item, leading_text, scan
from archdsl.rules import files, limits, structure, syntax
from archdsl.source import Source, Span

LARGEST_FILE = 1_000_000
"""In characters. The largest spec known has a few thousand."""
MOST_PROBLEMS = 20
"""Syntax errors that are looked for in one item."""
MOST_IN_FILE = 200
"""Syntax errors that are told of one file; the definitions after them are left unread."""

PIPELINE = "begin with the shape of the input: `[3, 32, 32] -> Conv2d(64, 3) -> MaxPool2d(2)`"

_WORDS = {
    "NAME": "a name",
    "NUMBER": "a number",
    "STRING": "a text",
    "$END": "the end of the definition",
    "OPERATOR": "an operator",
}
_OPERATORS = {"ADDOP", "MULOP", "CMP", "POW", "AND", "OR"}
_SIGNS = {
    "ARROW": "->", "EQUAL": "=", "COLON": ":", "COMMA": ",", "LPAR": "(", "RPAR": ")", "LBRACE": "{", "RBRACE": "}",
    "LSQB": "[", "RSQB": "]", "STAR": "*", "PERCENT": "%",
}  # fmt: skip
_STATEMENT = re.compile(
    r"^[ \t]*+(?:(?:input|output|let|require|if|for|share|init|defaults|expect)\b"
    r"|[A-Za-z_]\w*+(?:[ \t]*+,[ \t]*+[A-Za-z_]\w*+)*+[ \t]*+(?:\[[^\]\n]*+\])?+[ \t]*+"
    r"(?::[ \t]*+\[[^\]\n]*+\][ \t]*+)?+=(?!=)"
    r"|[A-Za-z_]\w*+[ \t]*+->|\})",
    re.MULTILINE,
)
_SURROGATE = re.compile("[\ud800-\udfff]")
_BRACKET = re.compile(r"[(){}\[\]]")
_SIMPLE = re.compile(r"[ \t]*([\w.]{1,40}|\"[^\"\n]{0,40}\")(?=[ \t]*[,)])")
"""A value of one word, number or text."""
_LONGEST_INDENT = 200


@cache
def _lark() -> tuple[Lark, Builder]:
    builder = Builder()
    return tables.parser(builder), builder


class Spec:
    """One file: its items, parsed when somebody asks for them, and the problems found so far."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.problems: list[Diagnostic] = []
        self.broken: set[str] = set()
        """Names of definitions that have syntax errors: what uses them is not reported again."""
        self.is_pipeline = False
        """Whether this is no file but a pipeline from the command line, which needs no labels."""
        self._parsed: dict[int, ast.Syntax | None] = {}
        self.items: tuple[Item, ...] = ()
        self.comments: tuple[Span, ...] = ()
        if problem := _unreadable(source):
            self.problems.append(problem)
            return
        found = scan(source)
        self.items, self.comments = found.items, found.comments
        self.problems.extend(found.problems)
        self._bracket = found.problems[0].span.start if found.problems else None
        if not found.problems:
            self._check_outline()

    def _check_outline(self) -> None:
        start = Span(self.source, 0, 0)
        stray = leading_text(self.source, self.items)
        if stray:
            self.problems.append(hints.outside(stray) or _no_definition(stray))
        elif not self.items:
            help = "a model looks like `model Net { input x: [3, 32, 32]  output x -> Conv2d(8, 3) }`"
            self.problems.append(Diagnostic(files.EMPTY, "there is no definition in this file", start, help=help))

    def named(self, *kinds: str) -> list[str]:
        """Return the names of all items of these kinds, in the order of the file."""
        return [item.name for item in self.items if item.kind in kinds]

    def is_broken_at(self, offset: int) -> bool:
        """Return whether a place is in a definition with syntax errors, of which nothing more is said."""
        return any(item.start <= offset < item.end and item.name in self.broken for item in self.items)

    def parse_all(self) -> None:
        """Parse every item, so that all syntax errors are known."""
        for item in self.items:
            self.parse(item)

    def parse(self, item: Item) -> ast.Syntax | None:
        """Return the tree of an item, or `None` where nothing of it can be read."""
        if item.start not in self._parsed:
            self._parsed[item.start] = self._parse(item)
        return self._parsed[item.start]

    def _parse(self, item: Item) -> ast.Syntax | None:
        if len(self.problems) >= MOST_IN_FILE:
            self.broken.add(item.name)
            return None
        text, told = self.source.text, set[str]()
        for _ in range(MOST_PROBLEMS):
            try:
                return _parse(text, item.start, item.end, "item")
            except UnexpectedInput as error:
                found = _explain(error, self.source, text, item)
            except (TemplateProblem, NameProblem) as bad:
                found = _refused(self.source, bad)
            self.broken.add(item.name)
            if self._bracket is not None and item.start <= self._bracket < item.end:
                return None  # follows from the bracket that has been reported
            if found.problem.message not in told:  # a habit is told once, not on every line
                self.problems.append(found.problem)
            told.add(found.problem.message)
            blanked = None if found.ends else _without_statement(text, item, found.at)
            if blanked is None:
                return None
            text = blanked
        return None

    @classmethod
    def of_pipeline(cls, source: Source) -> Spec:
        """Return a spec of one model from a pipeline with its input's shape in front, as `-e` gives it."""
        spec = cls.__new__(cls)
        spec.source, spec.problems, spec.broken, spec.comments = source, [], set(), ()
        spec.is_pipeline = True
        spec._bracket = None
        item = Item("model", "Pipeline", 0, len(source.text), "")
        spec.items, spec._parsed = (item,), {0: None}
        problem = _unreadable(source)
        if problem is None and not (found := scan(source)).problems:
            tree = spec.expression()
            if tree is not None:
                spec._parsed[0] = spec._as_model(tree)
            elif not source.text.lstrip().startswith("["):
                spec.problems[:] = [replace(p, help=p.help or PIPELINE) for p in spec.problems]
        else:
            spec.problems.append(problem or found.problems[0])
        if spec._parsed[0] is None:
            spec.broken.add(item.name)
        return spec

    def expression(self) -> ast.Syntax | None:
        """Return the whole text as one expression; `None` where it is none."""
        end = len(self.source.text)
        try:
            return _parse(self.source.text, 0, end, "flow")
        except UnexpectedInput as error:
            item = Item("flow", "", 0, end, "")
            self.problems.append(_explain(error, self.source, self.source.text, item).problem)
        except (TemplateProblem, NameProblem) as bad:
            self.problems.append(_refused(self.source, bad).problem)
        return None

    def _as_model(self, tree: ast.Syntax) -> ast.Syntax | None:
        if not isinstance(tree, ast.Pipe) or not _is_shape(tree.source):
            help = PIPELINE
            message = "a pipeline begins with the shape of its input"
            self.problems.append(Diagnostic(structure.NO_INPUT_SHAPE, message, tree.span(self.source), help=help))
            return None
        shape = tree.source
        assert isinstance(shape, ast.Sequence), "it was just seen to be a shape"
        dims = tuple(ast.Dim(item.start, item.end, item) for item in shape.items)
        fed = ast.Input(shape.start, shape.end, "input", dims)
        piped = ast.Pipe(tree.start, tree.end, ast.Name(shape.start, shape.end, "input"), tree.stages)
        output = ast.Output(tree.start, tree.end, None, piped, False)
        return ast.Definition(tree.start, tree.end, "model", "Pipeline", tree.start, (), (fed, output))


def _is_shape(node: ast.Syntax) -> bool:
    return isinstance(node, ast.Sequence) and node.is_list and bool(node.items)


def _parse(text: str, start: int, end: int, rule: str) -> ast.Syntax:
    lark, builder = _lark()
    builder.parse_flow = lambda a, b: _parse(text, a, b, "flow")
    tree: object = lark.parse(TextSlice(text, start, end), start=rule)
    assert isinstance(tree, ast.Syntax), "every start rule makes a node"
    return tree


def _unreadable(source: Source) -> Diagnostic | None:
    """Refuse what is no text or too much of it."""
    if "\0" in source.text or "\ufffd" in source.text or _SURROGATE.search(source.text):
        return Diagnostic(files.NOT_TEXT, "this is not a text in UTF-8", Span(source, 0, 0))
    if len(source.text) > LARGEST_FILE:
        message = f"the file has {len(source.text):,} characters, and {LARGEST_FILE:,} are the most that is read"
        return Diagnostic(limits.FILE_TOO_LARGE, message, Span(source, 0, 0))
    return None


def _without_statement(text: str, item: Item, at: int) -> str | None:
    """Blank the statement around `at`, so that the rest of the item can be looked at."""
    start, opened = None, (0, 0)
    for place, depth in _statements(text, item):
        if place <= at:
            start, opened = place, depth
        elif start is None or text[start : start + _LONGEST_INDENT].lstrip()[:1] == "}":
            return None
        elif depth == opened:
            return text[:start] + re.sub(r"[^\n]", " ", text[start:place]) + text[place:]
    return None


def _statements(text: str, item: Item) -> Iterator[tuple[int, tuple[int, int]]]:
    """Yield where lines begin that look like statements, and how many braces and other brackets are open there.

    Inside parentheses there are none: an operand of a `concat(` on lines of its own is no statement.
    """
    braces = others = 0
    seen = item.start
    for match in _STATEMENT.finditer(text, item.start, item.end):
        for bracket in _BRACKET.findall(text, seen, match.start()):
            step = 1 if bracket in "({[" else -1
            braces += step if bracket in "{}" else 0
            others += step if bracket not in "{}" else 0
        seen = match.start()
        if others <= 0:
            yield seen, (braces, others)


class _Found(NamedTuple):
    """What stopped the reading, where, and whether anything after it in the definition can still be read."""

    problem: Diagnostic
    at: int
    ends: bool = False


def _explain(error: UnexpectedInput, source: Source, text: str, item: Item) -> _Found:
    """Say of lark's error what was seen and what was meant; `text` is the source's with broken statements blanked."""
    if isinstance(error, UnexpectedCharacters):
        at: int = vars(error)["pos_in_stream"]  # declared by lark as None, and set to a place
        return _slip(source, item, at) or _Found(_bad_character(source, at), at)
    assert isinstance(error, UnexpectedToken), "the parser stops at a character or at a token"
    token: Token = error.token
    expected = set(error.accepts) if error.accepts else set(error.expected)
    if token.type == "$END":
        at = token.end_pos or item.start  # lark gives the end the place of the last token
        span = Span(source, max(item.start, at - 1), at)
    else:
        at = token.start_pos or 0
        span = Span(source, at, token.end_pos or at + 1)
    return _slip(source, item, at) or _Found(_at_token(token, expected, span, text, item), at)


def _slip(source: Source, item: Item, at: int) -> _Found | None:
    known = hints.inside(source, item.start, item.end, at)
    return _Found(known[0], min(at, known[0].span.start), known[1].ends) if known else None


def _at_token(token: Token, expected: set[str], span: Span, text: str, item: Item) -> Diagnostic:
    """Say what stands where something else should, from the tokens alone."""
    source, at = span.source, span.start if token.type != "$END" else span.end
    found = f"`{token}`"
    if token.type == "$END":
        found = "the definition ends" if at >= len(text[: item.end].rstrip()) else "the text ends"
    if text.startswith("->", at - 1):  # read as a minus sign and a `>`
        message, help = "`->` where a value should stand", "write what flows along the arrow, as in `x -> ReLU`"
        return Diagnostic(syntax.UNEXPECTED, message, Span(source, at - 1, at + 1), help=help)
    if expected == {"$END"}:
        return hints.outside(_line(span, item)) or _no_definition(_line(span, item))
    before = _previous_name(text, item, at)
    if before and token.type == "EQUAL" and before[1] in KEYWORDS and "NAME" in expected:
        return _keyword(before[1], Span(source, before[0], before[0] + len(before[1])))
    if expected and expected <= {"EQUAL", "COLON", "LSQB", "COMMA"} and before:
        return _no_target(source, before, flows=token.type == "ARROW")
    if str(token) in KEYWORDS and "NAME" in expected:
        return _keyword(str(token), span)
    if expected == {"ELSE"}:
        message = "this `if` has no `else`"
        help = "an `if` in the place of a value has both: `if c { a } else { b }`"
        return Diagnostic(syntax.UNEXPECTED, message, span, help=help)
    starts = token.type in ("NAME", "NUMBER", "STRING", "LPAR", "LSQB", "TRUE", "FALSE", "NONE", "IF", "FOR")
    if starts and "COMMA" in expected and expected & {"RPAR", "RSQB"}:
        message, help = f"a comma is missing before {found}", "what stands in brackets is separated by commas"
        behind = item.start + len(text[item.start : at].rstrip())
        fix = Fix.replacing(Span(source, behind, behind), ",", title="put a comma there", safe=True)
        return Diagnostic(syntax.UNEXPECTED, message, span, help=help, fix=fix)
    if starts and (("ARROW" in expected and "RPAR" in expected) or item.kind == "flow"):
        message, help = f"an arrow is missing before {found}", "layers follow each other with `->`"
        return Diagnostic(syntax.UNEXPECTED, message, span, help=help, fix=_arrow(source, at))
    mended: Fix | None = None
    if token.type == "EQUAL" and "CMP" in expected:
        message, help = "a single `=` gives a value to a name", "values are compared with `==`"
        mended = Fix.replacing(span, "==", safe=True)
    elif token.type == "COLON" and "EQUAL" in expected and before:
        value = _SIMPLE.match(text, span.end, item.end)
        message = f"`{before[1]}` is an argument, and gets its value with `=`"
        help = f"write `{before[1]}={value[1] if value else '...'}`"
        end = item.end - len(text[span.end : item.end].lstrip(" "))
        mended = Fix.replacing(Span(source, before[0] + len(before[1]), end), "=", safe=True)
    elif token.type == "LPAR" and "ARROW" in expected and text[: item.end][:at].rstrip().endswith(")"):
        message, help = "a layer is not called on a tensor", "it follows it: `x -> Conv2d(8, 3)`"
    elif "ARROW" in expected and token.type in ("NAME", "LPAR"):
        message, help = f"an arrow is missing before {found}", "layers follow each other with `->`"
    elif token.type == "$END":
        message, help = f"{found} and is not complete", f"what is missing is {_wanted(expected)}"
    elif token.type in ("COMMA", "RPAR", "RSQB", "RBRACE") and _wanted(expected) == "a value":
        message, help = f"a value is missing before {found}", "write it, or leave out what stands before it"
    else:
        message, help = f"{found} does not fit here", f"what can stand here is {_wanted(expected)}"
    return Diagnostic(syntax.UNEXPECTED, message, span, help=help, fix=mended)


def _arrow(source: Source, at: int) -> Fix:
    return Fix.replacing(Span(source, at, at), "-> ", title="put an arrow there", safe=True)


def _line(span: Span, item: Item) -> Span:
    """Return what stands from a place to the end of its line."""
    end = span.source.text.find("\n", span.start, item.end)
    return Span(span.source, span.start, max(span.end, end if end >= 0 else item.end))


def _no_definition(stray: Span) -> Diagnostic:
    message = f"a file is made of definitions, and `{stray.text[:40].rstrip()}` starts none"
    help = "start with `model Name { ... }`, `block`, `seq`, `test`, `let`, `defaults` or `from ... import`"
    return Diagnostic(syntax.UNEXPECTED, message, stray, help=help)


def _keyword(word: str, span: Span) -> Diagnostic:
    message = f"`{word}` is a word of the language and cannot be a name"
    return Diagnostic(syntax.KEYWORD_AS_NAME, message, span, help=f"call it `{word}_` or something else")


def _refused(source: Source, bad: TemplateProblem | NameProblem) -> _Found:
    """Say what is not right about a label or a name that the grammar takes."""
    span = Span(source, bad.start, bad.end)
    if isinstance(bad, NameProblem):
        return _Found(_keyword(span.text, span), bad.start)
    message = "the braces of a computed label do not pair"
    help = 'each pair holds one expression: `"layer{i+1}": ...`'
    if span.text.startswith("{") and span.text.endswith("}"):
        message, help = "these braces of a label are empty", 'they hold what is counted: `"conv{i}": ...`'
    return _Found(Diagnostic(syntax.LABEL_TEMPLATE, message, span, help=help), bad.start)


def _bad_character(source: Source, at: int) -> Diagnostic:
    help = "leave it out; what a spec says to people stands in comments, which begin with `#`"
    return Diagnostic(syntax.UNEXPECTED, f"`{source.text[at]}` means nothing here", Span(source, at, at + 1), help=help)


def _no_target(source: Source, start: tuple[int, str], *, flows: bool) -> Diagnostic:
    at, name = start
    help = f"write `-> {name}` if it follows what stands before, or `y = ...`, `output ...` if it starts something"
    message = f"`{name}` starts a statement, and nothing is given a name"
    fix = None
    if name[0].isupper() and not flows:
        fix = _arrow(source, at)
        message = f"an arrow is missing before `{name}`"
        help = f"write `-> {name}`; what starts a statement gives a name, as in `y = ...`"
    if flows:
        help = f"name what it makes: `y = {name} -> ...`, or `output {name} -> ...` at the end"
    return Diagnostic(syntax.NO_TARGET, message, Span(source, at, at + len(name)), help=help, fix=fix)


def _previous_name(text: str, item: Item, at: int) -> tuple[int, str] | None:
    end = item.start + len(text[item.start : at].rstrip())
    start = end
    while start > item.start and (text[start - 1].isalnum() or text[start - 1] == "_"):
        start -= 1
    return (start, text[start:end]) if text[start:end].isidentifier() else None


def _wanted(expected: set[str]) -> str:
    if {"NUMBER", "STRING", "TRUE"} <= expected:
        return "a value"
    names = {"OPERATOR" if name in _OPERATORS else name for name in expected}
    words = sorted({_WORDS.get(name) or f"`{_SIGNS.get(name, name.lower())}`" for name in names})
    if len(words) > 6:
        words = [w for w in words if w in ("a name", "`->`", "`=`", "`)`", "`}`", "`,`")] or words[:6]
    if not words:
        return "something else"
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"
