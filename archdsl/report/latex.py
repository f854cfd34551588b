"""An analysis as a LaTeX table of the package booktabs."""

from __future__ import annotations

from archdsl.analysis import Analysis
from archdsl.report.table import HEADINGS, caption, cells, totals

_SIGNS = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "×": r"$\times$", "–": "--", "<": r"\textless{}",
    ">": r"\textgreater{}", '"': r"\textquotedbl{}",
}  # fmt: skip


def render(analysis: Analysis) -> str:
    """Return the layers as a table with totals; the preamble needs `\\usepackage{booktabs}`."""
    lines = [
        "% needs \\usepackage{booktabs} and \\usepackage[T1]{fontenc}",
        r"\begin{table}",
        r"  \centering",
        rf"  \caption{{{_escaped(caption(analysis))}}}",
        r"  \begin{tabular}{llrrrrr}",
        r"    \toprule",
        _line(list(HEADINGS.values())),
        r"    \midrule",
        *(_line([_escaped(cell) for cell in row]) for row in cells(analysis)),
        r"    \midrule",
        _line(totals(analysis)),
        r"    \bottomrule",
        r"  \end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def _line(row: list[str]) -> str:
    return f"    {' & '.join(row)} \\\\"


def _escaped(text: str) -> str:
    return "".join(_SIGNS.get(sign, sign) for sign in text)
