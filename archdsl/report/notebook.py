"""An analysis as an HTML table, for notebooks: it takes colours and fonts from around it."""

from __future__ import annotations

from html import escape

from archdsl.analysis import Analysis
from archdsl.report.table import HEADINGS, caption, cells, notes, totals

_RIGHT = ' style="text-align: right"'


def render(analysis: Analysis) -> str:
    """Return the layers as a table with a caption and totals, and below it what the numbers mean."""
    head = "".join(f"<th>{escape(heading)}</th>" for heading in HEADINGS.values())
    body = "".join(_row(row, "td") for row in cells(analysis))
    said = "".join(f"<p>{escape(note)}</p>" for note in notes(analysis))
    return (
        f"<table><caption>{escape(caption(analysis))}</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody>"
        f"<tfoot>{_row(totals(analysis), 'th')}</tfoot></table>{said}\n"
    )


def _row(row: list[str], tag: str) -> str:
    made = "".join(f"<{tag}{_RIGHT if i > 1 else ''}>{escape(cell)}</{tag}>" for i, cell in enumerate(row))
    return f"<tr>{made}</tr>"
