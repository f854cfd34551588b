"""An analysis as a Markdown table, as GitHub shows it."""

from __future__ import annotations

from archdsl.analysis import CONVENTIONS, Analysis
from archdsl.report.table import HEADINGS, caption, cells, totals

_LEFT = ("path", "op")


def render(analysis: Analysis) -> str:
    """Return the layers as a table with totals, and what a MAC is below it."""
    lines = [f"**{_escaped(caption(analysis))}**", ""]
    lines.append(_line(list(HEADINGS.values())))
    lines.append("|" + "|".join("---" if column in _LEFT else "---:" for column in HEADINGS) + "|")
    lines += [_line([_escaped(cell) for cell in row]) for row in cells(analysis)]
    lines.append(_line([f"**{cell}**" if cell else "" for cell in totals(analysis)]))
    lines += ["", f"A MAC is {CONVENTIONS['macs']}.", ""]
    return "\n".join(lines)


def _line(row: list[str]) -> str:
    return f"| {' | '.join(row)} |"


def _escaped(text: str) -> str:
    for sign in "\\|*_`<>":
        text = text.replace(sign, f"\\{sign}")
    return text
