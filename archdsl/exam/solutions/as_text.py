"""Texts of sheets and worked solutions as plain text."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.exam.solutions.blocks import Block, Code, Items, Paragraph, Span, Table
from archdsl.exam.solutions.math import spoken
from archdsl.exam.solutions.records import Piece, Rows, Solution
from archdsl.ops.working import Step
from archdsl.report.columns import GAP, aligned

Line = tuple[Span, ...]
INDENT = "    "
WIDEST = 62
"""Formulas are padded up to this width, so that results stand below each other."""


def as_text(blocks: Sequence[Block]) -> str:
    """Return blocks as plain text."""
    return "\n\n".join(_text(block) for block in blocks)


def _text(block: Block) -> str:
    match block:
        case Paragraph(lines=lines):
            return "\n".join(map(text_line, lines))
        case Code(text=text):
            return "\n".join(f"    {line}".rstrip() for line in text.split("\n"))
        case Items(items=items):
            return "\n".join(f"{sign} {text_line(item)}" for sign, item in zip(block.signs, items, strict=True))
        case Table(head=head, rows=rows):
            cells = [[text_line(cell) for cell in row] for row in rows]
            return "\n".join(aligned([text_line(cell) for cell in head], cells, left=len(head)))


def text_line(line: Line) -> str:
    """Return a line without its markup."""
    return "".join(
        text_line(span.inside) if span.inside else spoken(span.text) if span.kind == "math" else span.text
        for span in line
    )


# Solutions.


def solutions(solved: Sequence[Solution], *, brief: bool) -> str:
    """Return worked solutions as plain text, all of their steps or a line each."""
    if brief:
        return "\n".join(map(_brief, solved))
    return "\n\n".join(map(_worked, solved))


def _brief(one: Solution) -> str:
    working = one.derivation.brief
    return f"({one.letter}) {one.asked}: {one.result}" + (f"   {working}" if working not in ("", one.answer) else "")


def _worked(one: Solution) -> str:
    lines: list[str] = []
    for piece in one.derivation.pieces:
        lines += _piece(piece)
    remark = f" ({one.derivation.remark})" if one.derivation.remark else ""
    lines += [f"Answer: {one.result}{remark}", *(f"Convention: {said}" for said in one.derivation.conventions)]
    return "\n".join([f"({one.letter}) {one.asked}", *(f"{INDENT}{line}".rstrip() for line in lines)])


def _piece(piece: Piece) -> list[str]:
    lines = [piece.heading] if piece.heading else []
    lines += equations(piece.lines, piece.total)
    if piece.table is not None:
        lines += _table(piece.table)
    return [*lines, *piece.notes]


def equations(steps: Sequence[Step], total: str = "") -> list[str]:
    """Return lines of arithmetic with their results below each other; what is given has no arithmetic."""
    lefts = [_left(step) for step in steps]
    width = max((len(left) for left, step in zip(lefts, steps, strict=True) if step.formula), default=0)
    pads = [min(width, WIDEST) if step.formula or total else 0 for step in steps]
    results = [step.result for step in steps if step.formula or total] + ([total] if total else [])
    counts = all(set(result) <= set("0123456789,") for result in results)
    digits = max(map(len, results), default=0) if counts else 0
    lines = []
    for step, left, pad in zip(steps, lefts, pads, strict=True):
        result = f"{step.result:>{digits}}" if pad and step.result[:1].isdigit() else step.result
        remark = f"  {step.remark}" if step.remark else ""
        sign = "" if result.startswith("≈") else "= "
        lines.append(f"{left:<{pad}} {sign}{result}{remark}" if left else f"{result}{remark}")
    return [*lines, f"{'':<{min(width, WIDEST)}} = {total:>{digits}}"] if total else lines


def _left(step: Step) -> str:
    if step.formula and step.formula != step.result:
        return f"{step.quantity}: {step.formula}" if step.quantity else step.formula
    return step.quantity


def _table(table: Rows) -> list[str]:
    if table.left >= len(table.head):
        return _plain_table(table)
    return [line[2:] for line in aligned(table.head, table.rows, table.total, table.left)]


def _plain_table(table: Rows) -> list[str]:
    """Return a table of texts without lines."""
    every = [table.head, *table.rows]
    widths = [max(len(row[i]) for row in every) for i in range(len(table.head))]
    return [GAP.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in every]
