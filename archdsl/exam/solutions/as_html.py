"""Texts of sheets as HTML."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.exam.solutions.blocks import Block, Code, Items, Paragraph, Span, Table
from archdsl.exam.solutions.escapes import html
from archdsl.exam.solutions.math import is_harmless_math

Line = tuple[Span, ...]


def as_html(blocks: Sequence[Block]) -> str:
    """Return blocks as HTML; math stays between `\\(` and `\\)`."""
    return "\n".join(_html(block) for block in blocks)


def _html(block: Block) -> str:
    match block:
        case Paragraph(lines=lines, level=level):
            text = "\n".join(html_line(line) for line in lines)
            return f"<p><strong>{text}</strong></p>" if level else f"<p>{text}</p>"
        case Code(text=text):
            return f"<pre>{html(text)}</pre>"
        case Items(items=items, start=start):
            opening = "<ul>" if start is None else f'<ol start="{start}">'
            points = "\n".join(f"<li>{html_line(item)}</li>" for item in items)
            return f"{opening}\n{points}\n{'</ul>' if start is None else '</ol>'}"
        case Table(head=head, rows=rows):
            table = [f"<tr>{''.join(f'<th>{html_line(cell)}</th>' for cell in head)}</tr>"]
            table += [f"<tr>{''.join(f'<td>{html_line(cell)}</td>' for cell in row)}</tr>" for row in rows]
            return "<table>\n" + "\n".join(table) + "\n</table>"


def html_line(line: Line) -> str:
    """Return a line as HTML."""
    return "".join(map(_html_span, line))


def _html_span(span: Span) -> str:
    match span.kind:
        case "code":
            return f"<code>{html(span.text)}</code>"
        case "math":
            return rf"\({html(span.text)}\)" if is_harmless_math(span.text) else html(f"${span.text}$")
        case "bold":
            return f"<strong>{html_line(span.inside)}</strong>"
        case "italic":
            return f"<em>{html_line(span.inside)}</em>"
    return html(span.text)
