"""A page as Markdown, as GitHub shows it."""

from __future__ import annotations

import re

from archdsl.manual.page import Block, Code, Page, Points, Prose, Table, Terms

_SPAN = re.compile(r"(`+)(.+?)\1")
_SPECIAL = re.compile(r"([\\*_<>\[\]|~$])")


def render(page: Page, level: int = 1) -> str:
    """Return a page under a heading of some level."""
    lines = [f"{'#' * level} {_escaped(page.title)}"]
    if page.aside:
        lines += ["", f"*{_escaped(page.aside)}*"]
    for block in page.blocks:
        lines += ["", *_block(block)]
    for section in page.sections:
        lines += ["", f"{'#' * (level + 1)} {_escaped(section.heading)}"]
        for block in section.blocks:
            lines += ["", *_block(block)]
    return "\n".join(lines) + "\n"


def _block(block: Block) -> list[str]:
    match block:
        case Prose(text):
            return [_escaped(text)]
        case Points(items, numbered, verbatim):
            shown = [_literal(item) if verbatim else _escaped(item) for item in items]
            return [f"{f'{number}.' if numbered else '-'} {item}" for number, item in enumerate(shown, 1)]
        case Terms(terms):
            return [f"- {_literal(term)}: {_escaped(says)}" for term, says in terms]
        case Code(texts, language):
            lines: list[str] = []
            for title, text in texts:
                fence = _fence(text)
                lines += [""] if lines else []
                lines += [f"{_escaped(title)}:", ""] if title else []
                lines += [f"{fence}{language}", text, fence]
            return lines
        case Table(head, rows, right):
            rules = ["---:" if i in right else "---" for i in range(len(head))]
            return [_row(head), f"| {' | '.join(rules)} |", *map(_row, rows)]


def _row(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(_escaped(cell, in_table=True) for cell in cells)} |"


def _fence(text: str) -> str:
    return "`" * max([3, *(len(run) + 1 for run in re.findall("`+", text))])


def _literal(text: str) -> str:
    """Return a text as code, whatever it has of backticks."""
    ticks = "`" * (max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    return f"{ticks} {text} {ticks}" if text.startswith("`") or text.endswith("`") else f"{ticks}{text}{ticks}"


def _escaped(text: str, *, in_table: bool = False) -> str:
    """Return prose with the signs of Markdown made plain, outside its code; a table wants its bars plain there too."""
    made, place = [], 0
    for span in _SPAN.finditer(text):
        made.append(_SPECIAL.sub(r"\\\1", text[place : span.start()]))
        made.append(span[0].replace("|", r"\|") if in_table else span[0])
        place = span.end()
    made.append(_SPECIAL.sub(r"\\\1", text[place:]))
    return "".join(made)
