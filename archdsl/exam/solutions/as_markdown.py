"""Texts of sheets and worked solutions as Markdown in which nothing is HTML."""

from __future__ import annotations

import re
from collections.abc import Sequence

from archdsl.exam.solutions.blocks import Block, Code, Items, Paragraph, Span, Table
from archdsl.exam.solutions.escapes import markdown
from archdsl.exam.solutions.math import is_harmless_math
from archdsl.exam.solutions.records import Piece, Rows, Solution
from archdsl.ops.working import Step

Line = tuple[Span, ...]


def as_markdown(blocks: Sequence[Block]) -> str:
    """Return blocks as Markdown in which nothing is HTML."""
    return "\n\n".join(_markdown(block) for block in blocks)


def _markdown(block: Block) -> str:
    match block:
        case Paragraph(lines=lines, level=level):
            return ("#" * level + " " if level else "") + "\n".join(markdown_line(line) for line in lines)
        case Code(text=text, language=language):
            fence = "`" * max([3, *(len(run) + 1 for run in re.findall("`{3,}", text))])
            return f"{fence}{language}\n{text}\n{fence}"
        case Items(items=items):
            return "\n".join(f"{sign} {markdown_line(item)}" for sign, item in zip(block.signs, items, strict=True))
        case Table(head=head, rows=rows):
            rule = "|" + "---|" * len(head)
            return "\n".join([_markdown_row(head), rule, *map(_markdown_row, rows)])


def _markdown_row(row: Sequence[Line]) -> str:
    cells = [re.sub(r"(?<!\\)[|]", r"\\|", markdown_line(cell)) for cell in row]
    return f"| {' | '.join(cells)} |"


def markdown_line(line: Line) -> str:
    """Return a line as Markdown: stars of a calculation and what looks like HTML are escaped."""
    return "".join(map(_markdown_span, line))


def _markdown_span(span: Span) -> str:
    match span.kind:
        case "code":
            return f"`{span.text}`"
        case "math":
            return f"${span.text}$" if is_harmless_math(span.text) else _markdown_plain(f"${span.text}$")
        case "bold":
            return f"**{markdown_line(span.inside)}**"
        case "italic":
            return f"*{markdown_line(span.inside)}*"
    return _markdown_plain(span.text)


def _markdown_plain(text: str) -> str:
    return re.sub(r"[\\`*$]|(?<!\w)_|_(?!\w)|<(?=[A-Za-z/!?])|&(?=#?\w{1,30};)|!(?=\[)", r"\\\g<0>", text)


# Solutions.


def solutions(solved: Sequence[Solution], *, brief: bool) -> str:
    """Return worked solutions as Markdown, all of their steps or an item each."""
    if brief:
        return "\n".join(map(_brief, solved))
    return "\n\n".join(map(_worked, solved))


def _brief(one: Solution) -> str:
    working = one.derivation.brief
    tail = f"; {markdown(working)}" if working not in ("", one.answer) else ""
    return f"- **({markdown(one.letter)})** {markdown(one.asked)}: **{markdown(one.result)}**{tail}"


def _worked(one: Solution) -> str:
    blocks = [f"**({markdown(one.letter)})** {markdown(one.asked)}"]
    for piece in one.derivation.pieces:
        blocks += _piece(piece)
    remark = f" ({markdown(one.derivation.remark)})" if one.derivation.remark else ""
    blocks.append(f"**Answer: {markdown(one.result)}**{remark}")
    blocks += [f"*Convention: {markdown(said)}*" for said in one.derivation.conventions]
    return "\n\n".join(blocks)


def _piece(piece: Piece) -> list[str]:
    blocks = [markdown(piece.heading)] if piece.heading else []
    if piece.lines:
        blocks.append("\n".join(f"- {line}" for line in _equations(piece)))
    if piece.table is not None:
        blocks.append(_table(piece.table))
    return [*blocks, *(markdown(note) for note in piece.notes)]


def _equations(piece: Piece) -> list[str]:
    lines = [_equation(step) for step in piece.lines]
    return [*lines, *([f"together **{markdown(piece.total)}**"] if piece.total else [])]


def _equation(step: Step) -> str:
    label = f"{markdown(step.quantity)}: " if step.quantity else ""
    sign = " " if step.result.startswith("≈") else " = "
    formula = f"{markdown(step.formula)}{sign}" if step.formula not in ("", step.result) else ""
    return f"{label}{formula}{markdown(step.result)}" + (f" ({markdown(step.remark)})" if step.remark else "")


def _table(table: Rows) -> str:
    rule = "|" + "".join("---|" if i < table.left else "---:|" for i in range(len(table.head)))
    rows = [_cells(row) for row in table.rows]
    total = [_cells(table.total, "**")] if table.total else []
    return "\n".join([_cells(table.head), rule, *rows, *total])


def _cells(row: Sequence[str], mark: str = "") -> str:
    return f"| {' | '.join(f'{mark}{markdown(cell)}{mark}' if cell else '' for cell in row)} |"
