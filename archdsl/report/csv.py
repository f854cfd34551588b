"""An analysis as CSV: one line a layer, plain numbers, no totals."""

from __future__ import annotations

import csv
from io import StringIO

from archdsl.analysis import Analysis
from archdsl.report.table import records


def render(analysis: Analysis) -> str:
    """Return the layers as CSV with a line of headings."""
    found = records(analysis)
    out = StringIO()
    if found:
        writer = csv.DictWriter(out, list(found[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows({k: "" if v is None else v for k, v in record.items()} for record in found)
    return out.getvalue()
