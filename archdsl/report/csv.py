"""An analysis as CSV: one line a layer, plain numbers, no totals."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from io import StringIO

from archdsl.analysis import Analysis
from archdsl.report.table import COLUMNS, records


def render(analysis: Analysis, columns: Sequence[str] = COLUMNS) -> str:
    """Return the named columns of the layers as CSV with a line of headings; what is not known is empty.

    Raises:
        KeyError: there is no such column.
    """
    out = StringIO()
    writer = csv.DictWriter(out, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(records(analysis, columns))
    return out.getvalue()
