"""An analysis as a LaTeX table of the package booktabs, and of longtable where it is longer than a page."""

from __future__ import annotations

from archdsl.analysis import Analysis
from archdsl.report.table import HEADINGS, caption, cells, notes, totals

ONE_PAGE = 40
"""A table of more layers is broken over pages."""
_ALIGNED = "llrrrrr"
_SIGNS = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "×": r"$\times$", "⌊": r"$\lfloor$", "⌋": r"$\rfloor$",
    "–": "--", "[": "{[}", "<": r"\textless{}", ">": r"\textgreater{}", '"': r"\textquotedbl{}",
}  # fmt: skip


def render(analysis: Analysis) -> str:
    """Return the layers as a table with totals; its first line says what the preamble needs."""
    lines = _broken(analysis) if len(analysis.layers) > ONE_PAGE else _floating(analysis)
    return "\n".join(lines) + "\n"


def _floating(analysis: Analysis) -> list[str]:
    return [
        "% needs \\usepackage{booktabs} and \\usepackage[T1]{fontenc}",
        r"\begin{table}",
        r"  \centering",
        rf"  \caption{{{_escaped(caption(analysis))}}}",
        rf"  \begin{{tabular}}{{{_ALIGNED}}}",
        *_head(),
        *_body(analysis),
        r"  \end{tabular}",
        *_notes(analysis),
        r"\end{table}",
    ]


def _broken(analysis: Analysis) -> list[str]:
    return [
        "% needs \\usepackage{booktabs,longtable} and \\usepackage[T1]{fontenc}",
        rf"\begin{{longtable}}{{{_ALIGNED}}}",
        rf"  \caption{{{_escaped(caption(analysis))}}} \\",
        *_head(),
        r"    \endfirsthead",
        *_head(),
        r"    \endhead",
        *_body(analysis),
        r"\end{longtable}",
        *_notes(analysis),
    ]


def _head() -> list[str]:
    return [r"    \toprule", _line(list(HEADINGS.values())), r"    \midrule"]


def _body(analysis: Analysis) -> list[str]:
    rows = [_line([_escaped(cell) for cell in row]) for row in cells(analysis)]
    return [*rows, r"    \midrule", _line(totals(analysis)), r"    \bottomrule"]


def _notes(analysis: Analysis) -> list[str]:
    said = " ".join(_escaped(note) for note in notes(analysis))
    return [rf"  \par\smallskip{{\footnotesize {said}\par}}"]


def _line(row: list[str]) -> str:
    return f"    {' & '.join(row)} \\\\"


def _escaped(text: str) -> str:
    return "".join(_SIGNS.get(sign, sign) for sign in text)
