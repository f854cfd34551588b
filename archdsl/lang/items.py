"""A file cut into its top-level items before any of them is parsed.

A scan for brackets, comments and keywords finds where each item begins and ends. So a file is parsed item by
item and only as far as a model reaches; a mistake stays inside its item; and a text of a hundred thousand
nested brackets is refused before a parser sees it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from archdsl.diagnostics import Diagnostic, Label
from archdsl.rules import limits, syntax
from archdsl.source import Source, Span

DEEPEST = 64
"""How deep brackets may nest; real networks stay below ten."""

_GAP = r"(?:[ \t\r\n\f]|#[^\n]*\n)+"
_ITEM = (
    rf"(?P<kind>model|block|seq|test|let|defaults){_GAP}(?P<name>[A-Za-z_]\w*)"
    r"|(?P<import>from)[ \t]+[.\w]+[ \t]+import"
)
_TOKEN = re.compile(rf'(?P<comment>#[^\n]*)|(?P<string>"[^"\n]*")|(?P<open>[({{\[])|(?P<close>[)}}\]])|\b(?:{_ITEM})\b')
_COMMENT = re.compile(r"#[^\n]*")
_OUTERMOST = re.compile(rf"^(?:{_ITEM})\b", re.MULTILINE)
_PAIRS = {")": "(", "}": "{", "]": "["}


@dataclass(frozen=True, slots=True)
class Item:
    """Where one definition, test, import or default stands, and the `##` comment above it."""

    kind: str
    name: str
    start: int
    end: int
    doc: str


@dataclass(frozen=True, slots=True)
class Scan:
    """The items of a file, its comments (for the formatter), and what is wrong with its brackets."""

    items: tuple[Item, ...]
    comments: tuple[Span, ...]
    problems: tuple[Diagnostic, ...]


def scan(source: Source) -> Scan:
    """Return where the items of a source are; problems of brackets are collected."""
    text = source.text
    comments: list[Span] = []
    opened: list[int] = []
    starts: list[tuple[int, str, str]] = []
    for match in _TOKEN.finditer(text):
        group = match.lastgroup
        if group == "comment":
            comments.append(Span(source, match.start(), match.end()))
        elif group == "open":
            opened.append(match.start())
            if len(opened) > DEEPEST:
                span = Span(source, match.start(), match.end())
                message = f"brackets are nested more than {DEEPEST} deep"
                return Scan((), tuple(comments), (Diagnostic(limits.TOO_DEEP, message, span),))
        elif group == "close":
            if not opened or text[opened[-1]] != _PAIRS[match[0]]:
                return _unpaired(source, comments, opened, match.start())
            opened.pop()
        elif group != "string":
            comments += [Span(source, m.start(), m.end()) for m in _COMMENT.finditer(text, match.start(), match.end())]
            if not opened:
                starts.append((match.start(), match["kind"] or "from", match["name"] or ""))
    if opened:
        return _unpaired(source, comments, opened, None)
    return Scan(_cut(source, starts, comments), tuple(comments), ())


def _unpaired(source: Source, comments: list[Span], opened: list[int], closing: int | None) -> Scan:
    """Report the bracket without a partner, and cut the file at keywords that begin a line instead."""
    text = source.text
    starts = [(m.start(), m["kind"] or "from", m["name"] or "") for m in _OUTERMOST.finditer(text)]
    stray = closing is not None and opened and text[opened[-1]] == "{" and _PAIRS[text[closing]] != "{"
    if closing is not None and opened and not stray:
        opening, sign = opened[-1], text[opened[-1]]
        problem = Diagnostic(
            syntax.UNPAIRED_BRACKET,
            f"`{sign}` is closed by `{text[closing]}`",
            Span(source, closing, closing + 1),
            related=(Label(Span(source, opening, opening + 1), "opened here"),),
        )
    elif closing is not None:
        problem = Diagnostic(
            syntax.UNPAIRED_BRACKET, f"`{text[closing]}` closes nothing", Span(source, closing, closing + 1)
        )
    else:
        opening = opened[-1]
        problem = Diagnostic(
            syntax.UNPAIRED_BRACKET, f"`{text[opening]}` is never closed", Span(source, opening, opening + 1)
        )
    return Scan(_cut(source, starts, comments), tuple(comments), (problem,))


def _cut(source: Source, starts: list[tuple[int, str, str]], comments: list[Span]) -> tuple[Item, ...]:
    text = source.text
    bounds = [start for start, _, _ in starts[1:]] + [len(text)] if starts else []
    lines = {span.line: span for span in comments if span.text.startswith("##")} if "##" in text else {}
    items = []
    for (start, kind, name), bound in zip(starts, bounds, strict=True):
        doc: list[str] = []
        if lines:
            number = source.position(start)[0] - 1
            while number in lines:
                doc.insert(0, lines[number].text.lstrip("#").strip())
                number -= 1
        items.append(Item(kind, name, start, bound, "\n".join(doc)))
    return tuple(items)


def leading_text(source: Source, items: tuple[Item, ...]) -> Span | None:
    """Return what stands before the first item, comments aside, if anything does."""
    end = items[0].start if items else len(source.text)
    match = re.compile(r"\ufeff?(?:\s|#[^\n]*)*", re.ASCII).match(source.text, 0, end)
    start = match.end() if match else 0
    rest = source.text[start:end].rstrip()
    return Span(source, start, start + len(rest.split("\n")[0])) if rest else None
