"""The `exam` class of LaTeX: a file a student, with the key in `solution` environments and a table for the marker.

Without `\\printanswers` the file is the sheet; with it, the key. Source: Hirschhorn, "Using the exam document class".
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from archdsl.exam.exports.items import Book, Case, Item
from archdsl.exam.exports.layout import Layout, Target, slug
from archdsl.exam.exports.losses import Feature, Note
from archdsl.exam.exports.markers import rows, wrong_rows
from archdsl.exam.grades import marks
from archdsl.exam.prose import escaped
from archdsl.exam.solutions.as_latex import latex_table

HEAD = r"""\documentclass[addpoints]{exam}
\usepackage{iftex}
\ifPDFTeX
  \usepackage[utf8]{inputenc}
  \usepackage[T1]{fontenc}
  \usepackage{textcomp}
\else
  \usepackage{fontspec}
\fi
\usepackage{booktabs}
% Take the sign of a comment away for the key and the marker's tables.
% \printanswers
"""

WIDTHS = r"p{0.25\linewidth}p{0.32\linewidth}p{0.32\linewidth}"
MOST_ROWS = 25
"""Of a table for the marker, which is not broken over pages."""


def _lay_out(book: Book) -> Layout:
    notes: list[Note] = []
    name = slug(book.exam)
    files = {}
    for variant in book.variants:
        path = f"{name}-{variant}.tex" if len(book.variants) > 1 else f"{name}.tex"
        files[path] = "\n".join(_document(book, variant, notes)) + "\n"
    return Layout(dict(files), tuple(notes))


def _document(book: Book, variant: str, notes: list[Note]) -> Iterator[str]:
    yield HEAD
    yield r"\begin{document}"
    yield rf"\section*{{{_plain(book.title or book.exam)}}}"
    yield rf"\makebox[0.6\textwidth]{{Name:\enspace\hrulefill}}\hfill {_plain(variant)}"
    yield r"\begin{questions}"
    for case in book.sheet(variant):
        yield from _question(case, notes)
    yield r"\end{questions}"
    yield r"\end{document}"


def _question(case: Case, notes: list[Note]) -> Iterator[str]:
    yield ""
    yield rf"\question \textbf{{{_plain(case.title)}}}"
    if case.about:
        yield ""
        yield case.about.latex
    yield ""
    yield r"\begin{parts}"
    for item in case.items:
        yield from _part(item, notes)
    yield r"\end{parts}"
    table = [[_plain(cell) for cell in row] for row in rows(case)]
    if table:
        yield r"\ifprintanswers"
        yield r"\medskip\noindent\textbf{For the marker}\par\smallskip"
        for start in range(0, len(table), MOST_ROWS):
            yield latex_table(["if", "then", "the same again"], table[start : start + MOST_ROWS], WIDTHS)
            yield ""
        yield r"\fi"


def _part(item: Item, notes: list[Note]) -> Iterator[str]:
    yield rf"\part{_points(item, notes)} {item.asked.latex}"
    if item.options:
        yield r"\begin{choices}"
        for option in item.options:
            yield rf"  \{'CorrectChoice' if option.is_right else 'choice'} {_plain(option.text)}"
        yield r"\end{choices}"
    else:
        yield rf"\hfill\fillin[{_plain(item.shown)}][2.5in]"
    yield r"\begin{solution}"
    yield rf"  \textbf{{{_plain(item.shown)}}}\quad {_plain(item.worked)}".rstrip()
    wrong = [[_plain(cell) for cell in row] for row in wrong_rows(item)]
    if wrong:
        yield ""
        yield r"  \smallskip"
        yield latex_table(["answer", "mistake", "marks"], wrong, r"lp{0.6\linewidth}r")
    yield r"\end{solution}"


def _points(item: Item, notes: list[Note]) -> str:
    r"""Return the marks as the class takes them: whole numbers, with `\half` at most."""
    whole, rest = divmod(item.part.marks, 1)
    if rest not in (0, Fraction(1, 2)):
        notes.append(Note("marks are printed, and not added up by the class", item.part.name))
        return rf" ({_plain(marks(item.part.marks))} marks)"
    number = str(whole) if whole or not rest else ""
    half = r"\half" if rest else ""
    return f"[{number}{half}]"


def _plain(text: str) -> str:
    return escaped(" ".join(text.split()), "latex")


TARGET = Target(
    _lay_out,
    keeps=frozenset(Feature) - {Feature.HINTS, Feature.HINT_COSTS},
    is_folder=True,
)
