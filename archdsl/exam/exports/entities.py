"""Markdown in which only we mark anything up: every sign of a text that could mean something is an HTML entity.

For targets that look for signs of their own in a text before it is Markdown, where a backslash does not help: knitr
runs what stands in backticks, R/exams looks for its headings and tags, Gradescope for its blanks.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from archdsl.exam.solutions.blocks import Block, Code, Items, Paragraph, Span, Table, blocks
from archdsl.exam.solutions.math import is_harmless_math

_MEANING = re.compile(r"[&<`*_\\\[\]{}#|~$^@]|-{2,}")
_STARTING = re.compile(r"(?m)^(\s*)([-+>=:(]|ex|\d(?=\d*[.)])|(?:Question|Solution|Answer|Meta-info)(?=\w*))")
_CONTROL = re.compile("[\0-\x08\x0b-\x1f\x7f\u2028\u2029]")


def as_entities(written: str) -> str:
    """Return a text in the Markdown of sheets for such a target."""
    return "\n\n".join(_block(block) for block in blocks(written))


def entities(text: str) -> str:
    """Return a plain text for such a target."""
    clean = _MEANING.sub(lambda match: "".join(f"&#{ord(sign)};" for sign in match[0]), _CONTROL.sub(" ", text))
    return _STARTING.sub(lambda match: f"{match[1]}&#{ord(match[2][0])};{match[2][1:]}", clean)


def _block(block: Block) -> str:
    match block:
        case Paragraph(lines=lines, level=level):
            text = "\n".join(map(_line, lines))
            return f"**{text}**" if level else text
        case Code(text=text):
            # No fence and no indent: knitr finds a chunk behind both.
            return "\\\n".join(entities(line).replace(" ", "&nbsp;") or "&nbsp;" for line in text.split("\n"))
        case Items(items=items, start=start):
            signs = [f"{start + i}." if start is not None else "-" for i in range(len(items))]
            return "\n".join(f"{sign} {_line(item)}" for sign, item in zip(signs, items, strict=True))
        case Table(head=head, rows=rows):
            return "\n".join([_row(head), "|" + "---|" * len(head), *map(_row, rows)])


def _row(cells: Sequence[tuple[Span, ...]]) -> str:
    return f"| {' | '.join(map(_line, cells))} |"


def _line(line: tuple[Span, ...]) -> str:
    return "".join(map(_span, line))


def _span(span: Span) -> str:
    match span.kind:
        case "math" if is_harmless_math(span.text):
            return f"${span.text}$"
        case "math":
            return entities(f"${span.text}$")
        case "bold":
            return f"**{_line(span.inside)}**"
        case "italic":
            return f"*{_line(span.inside)}*"
    return entities(span.text)
