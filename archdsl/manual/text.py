"""A page on the terminal."""

from __future__ import annotations

import textwrap

from archdsl.diagnostics import Paint, plain
from archdsl.manual.page import Block, Code, Page, Points, Prose, Section, Table, Terms

WIDTH = 100
"""What a pipe or file gets."""
_NARROWEST = 40
_GAP, _COLUMNS = 4, 2
"""Between programs beside each other, and between the columns of a table."""
_THINNEST = 16
"""A column of words is not wrapped to less."""
_SIGNS = str.maketrans(
    {
        "→": "->", "×": "x", "·": "*", "−": "-", "–": "-", "…": "...", "⌊": "floor(", "⌋": ")", "⌈": "ceil(", "⌉": ")",
        "─": "-", "│": "|", "′": "'", "≤": "<=", "≥": ">=", "∞": "infinity", "√": "sqrt", "²": "^2", "ε": "eps",
    }
)  # fmt: skip


def render(page: Page, width: int = WIDTH, paint: Paint = plain) -> str:
    """Return a page as lines of at most `width` columns; what is shown letter by letter may be longer."""
    room = max(_NARROWEST, width) - 2
    head = page.title
    if page.aside:
        head = f"{head:<{max(0, room - len(page.aside) - 2)}}  {page.aside}"
    lines = [paint(head, "title")]
    for block in page.blocks:
        lines += ["", *_block(block, room, paint)]
    for section in page.sections:
        lines += ["", *_section(section, room, paint)]
    return "\n".join(f"  {line}".rstrip() for line in lines) + "\n"


def ascii_signs(text: str) -> str:
    """Return a text in the signs that every console has."""
    return text.translate(_SIGNS)


def _section(section: Section, room: int, paint: Paint) -> list[str]:
    lines = [paint(section.heading, "heading")]
    for number, block in enumerate(section.blocks):
        shown = _block(block, room - 2, paint)
        lines += ([""] if number else []) + [f"  {line}" for line in shown]
    return lines


def _block(block: Block, room: int, paint: Paint) -> list[str]:
    match block:
        case Prose(text):
            return _wrapped(text, room)
        case Points(items, numbered, verbatim):
            return [
                line for n, item in enumerate(items, 1) for line in _point(item, n if numbered else 0, room, verbatim)
            ]
        case Terms(terms):
            return [line for term, says in terms for line in _term(term, says, room, paint)]
        case Code(texts):
            return _code(texts, room, paint)
        case Table(head, rows, right):
            return _table(head, rows, right, room, paint)


def _wrapped(text: str, room: int, indent: str = "") -> list[str]:
    """Return a paragraph in lines; a name that is longer than a line is not broken."""
    return textwrap.wrap(
        text, max(room, 1), subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    ) or [""]


def _point(item: str, number: int, room: int, verbatim: bool) -> list[str]:
    lead = f"{number}  " if number else "" if verbatim else "- "
    return _wrapped(f"{lead}{item}", room, " " * (len(lead) or 2))


def _term(term: str, says: str, room: int, paint: Paint) -> list[str]:
    lines = [paint(line, "term") for line in _wrapped(term, room, "    ")]
    return lines + [f"    {line}" for line in _wrapped(says, room - 4)]


def _code(texts: tuple[tuple[str, str], ...], room: int, paint: Paint) -> list[str]:
    columns = [([title] if title else [], [f"  {line}" for line in text.split("\n")]) for title, text in texts]
    widths = [max(map(len, (*head, *body))) for head, body in columns]
    if len(columns) == 1 or sum(widths) + _GAP * (len(columns) - 1) > room:
        stacked: list[str] = []
        for head, body in columns:
            stacked += ([""] if stacked else []) + [paint(line, "heading") for line in head] + body
        return stacked
    lines = []
    for row in range(max(len(head) + len(body) for head, body in columns)):
        cells = []
        for (head, body), width in zip(columns, widths, strict=True):
            line = [*head, *body][row] if row < len(head) + len(body) else ""
            cells.append((paint(line, "heading") if row < len(head) else line) + " " * (width - len(line)))
        lines.append((" " * _GAP).join(cells).rstrip())
    return lines


def _table(
    head: tuple[str, ...], rows: tuple[tuple[str, ...], ...], right: frozenset[int], room: int, paint: Paint
) -> list[str]:
    """Return rows in columns. Where they are too wide together, the widest ones that hold words are wrapped."""
    shown = [head, *rows] if any(head) else list(rows)
    widths = [max(len(row[i]) for row in shown) for i in range(len(head))]
    _narrow(widths, [i for i in range(len(head)) if i not in right], room - _COLUMNS * (len(head) - 1))
    lines = []
    for number, row in enumerate(shown):
        cells = [_wrapped(cell, width) for cell, width in zip(row, widths, strict=True)]
        for part in range(max(map(len, cells))):
            texts = [cell[part] if part < len(cell) else "" for cell in cells]
            placed = [
                text.rjust(width) if i in right else text.ljust(width)
                for i, (text, width) in enumerate(zip(texts, widths, strict=True))
            ]
            line = (" " * _COLUMNS).join(placed).rstrip()
            lines.append(paint(line, "heading") if number == 0 and any(head) else line)
    return lines


def _narrow(widths: list[int], columns: list[int], room: int) -> None:
    """Take from the widest columns until all fit, or the widest has become narrow."""
    while columns and sum(widths) > room:
        widest = max(columns, key=lambda i: widths[i])
        if widths[widest] <= _THINNEST:
            return
        widths[widest] -= 1
