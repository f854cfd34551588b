"""An analysis as a Markdown table, as GitHub shows it."""

from __future__ import annotations

from archdsl.analysis import Analysis
from archdsl.report.table import HEADINGS, caption, cells, notes, totals

_LEFT = ("path", "op")


def render(analysis: Analysis) -> str:
    """Return the layers as a table with totals, and below it what the numbers mean."""
    lines = [f"**{_escaped(caption(analysis))}**", ""]
    lines.append(_line(list(HEADINGS.values())))
    lines.append("|" + "|".join("---" if column in _LEFT else "---:" for column in HEADINGS) + "|")
    lines += [_line([_escaped(cell) for cell in row]) for row in cells(analysis)]
    lines.append(_line([f"**{cell}**" if cell else "" for cell in totals(analysis)]))
    lines += ["", *(_escaped(note) for note in notes(analysis))]
    return "\n".join(lines) + "\n"


def _line(row: list[str]) -> str:
    return f"| {' | '.join(row)} |"


def _escaped(text: str) -> str:
    for sign in "\\|*_`<>[]&~$":
        text = text.replace(sign, f"\\{sign}")
    return text
