"""Small tables of a section: columns two blanks apart, a line below the head, numbers to the right."""

from __future__ import annotations

from collections.abc import Sequence

GAP = "  "


def aligned(head: Sequence[str], rows: Sequence[Sequence[str]], total: Sequence[str] = (), left: int = 1) -> list[str]:
    """Return a table as lines, indented by two; the first `left` columns are texts.

    A total stands below a line of its own.
    """
    every = [head, *rows, *([total] if total else [])]
    widths = [max(len(row[i]) for row in every) for i in range(len(head))]

    def line(row: Sequence[str]) -> str:
        cells = [c.ljust(w) if i < left else c.rjust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True))]
        return f"  {GAP.join(cells)}".rstrip()

    rule = " " + "─" * (sum(widths) + len(GAP) * (len(widths) - 1) + 2)
    return [line(head), rule, *map(line, rows), *([rule, line(total)] if total else [])]
