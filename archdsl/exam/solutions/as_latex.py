"""Texts of sheets and worked solutions as LaTeX; needs fontenc (T1), textcomp, booktabs and longtable."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.exam.solutions.blocks import Block, Code, Items, Paragraph, Span, Table
from archdsl.exam.solutions.escapes import latex
from archdsl.exam.solutions.math import is_harmless_math
from archdsl.exam.solutions.records import Piece, Rows, Solution
from archdsl.ops.working import Step

Line = tuple[Span, ...]


def as_latex(blocks: Sequence[Block]) -> str:
    """Return blocks as LaTeX; needs fontenc (T1), textcomp and booktabs."""
    return "\n\n".join(_latex(block) for block in blocks)


def _latex(block: Block) -> str:
    match block:
        case Paragraph(lines=lines, level=level):
            text = "\n".join(latex_line(line) for line in lines)
            return rf"\textbf{{{text}}}" if level else text
        case Code(text=text):
            return latex_code(text)
        case Items(items=items, start=start):
            kind = "itemize" if start is None else "enumerate"
            points = [rf"  \item {latex_line(item)}" for item in items]
            first = [rf"  \setcounter{{enumi}}{{{start - 1}}}"] if start not in (None, 1) and start is not None else []
            return "\n".join([rf"\begin{{{kind}}}", *first, *points, rf"\end{{{kind}}}"])
        case Table(head=head, rows=rows):
            return latex_table([latex_line(c) for c in head], [[latex_line(c) for c in row] for row in rows])


def latex_table(
    head: Sequence[str], rows: Sequence[Sequence[str]], columns: str = "", total: Sequence[str] = ()
) -> str:
    """Return a table of cells that are LaTeX already."""
    opening = [rf"\begin{{tabular}}{{{columns or 'l' * len(head)}}}", r"  \toprule", _row(head), r"  \midrule"]
    end = [*([r"  \midrule", _row(total)] if total else []), r"  \bottomrule", r"\end{tabular}"]
    return "\n".join([*opening, *map(_row, rows), *end])


def _row(cells: Sequence[str]) -> str:
    """Return a row; the break of the row before would take a star at its start for its own."""
    line = " & ".join(cells)
    return rf"  {'{}' if line.startswith('*') else ''}{line} \\"


def latex_code(text: str) -> str:
    """Return lines as they are, in a fixed width; no verbatim, which a text could close."""
    lines = [_code_line(line) if line.strip() else "~" for line in text.split("\n")]
    return "\\begin{flushleft}\n" + "\\\\\n".join(lines) + "\n\\end{flushleft}"


def _code_line(line: str) -> str:
    indent = len(line) - len(line.lstrip(" "))
    return rf"\texttt{{{'~' * indent}{latex(line[indent:])}}}"


def latex_line(line: Line) -> str:
    """Return a line as LaTeX; of math only what is known to be harmless is math."""
    return "".join(map(_latex_span, line))


def _latex_span(span: Span) -> str:
    match span.kind:
        case "code":
            return rf"\texttt{{{latex(span.text)}}}"
        case "math":
            return f"${_math(span.text)}$" if is_harmless_math(span.text) else latex(f"${span.text}$")
        case "bold":
            return rf"\textbf{{{latex_line(span.inside)}}}"
        case "italic":
            return rf"\emph{{{latex_line(span.inside)}}}"
    return latex(span.text)


def _math(formula: str) -> str:
    return formula.replace("×", r"\times ").replace("·", r"\cdot ")


# Solutions.

ONE_PAGE = 40
"""A table of more rows is broken over pages."""
PREAMBLE = "% needs \\usepackage{booktabs,longtable,textcomp} and \\usepackage[T1]{fontenc}"


def solutions(solved: Sequence[Solution], *, brief: bool) -> str:
    """Return worked solutions as LaTeX, all of their steps or a paragraph each."""
    return "\n\n".join(map(_brief if brief else _worked, solved))


def _brief(one: Solution) -> str:
    working = one.derivation.brief
    tail = f"; {latex(working)}" if working not in ("", one.answer) else ""
    return rf"\noindent\textbf{{({latex(one.letter)})}} {latex(one.asked)}: \textbf{{{latex(one.result)}}}{tail}"


def _worked(one: Solution) -> str:
    blocks = [rf"\noindent\textbf{{({latex(one.letter)})}} {latex(one.asked)}"]
    for piece in one.derivation.pieces:
        blocks += _piece(piece)
    remark = f" ({latex(one.derivation.remark)})" if one.derivation.remark else ""
    blocks.append(rf"\noindent\textbf{{Answer: {latex(one.result)}}}{remark}")
    blocks += [rf"\noindent\emph{{Convention: {latex(said)}}}" for said in one.derivation.conventions]
    return "\n\n".join(blocks)


def _piece(piece: Piece) -> list[str]:
    blocks = [rf"\noindent {latex(piece.heading)}"] if piece.heading else []
    if piece.lines:
        rows = [_equation(step) for step in piece.lines]
        total = [f"& & $=$ {latex(piece.total)}"] if piece.total else []
        lines = " \\\\\n".join(f"  {row}" for row in [*rows, *total])
        blocks.append(f"\\noindent\\begin{{tabular}}{{@{{}}lrl@{{}}}}\n{lines}\n\\end{{tabular}}")
    if piece.table is not None:
        blocks.append(_table(piece.table))
    return [*blocks, *(rf"\noindent {latex(note)}" for note in piece.notes)]


def _equation(step: Step) -> str:
    remark = f" ({latex(step.remark)})" if step.remark else ""
    formula = latex(step.formula) if step.formula != step.result else ""
    sign = "$=$ " if formula and not step.result.startswith("≈") else ""
    label = latex(step.quantity) if step.quantity else "{}"
    return f"{label} & {formula} & {sign}{latex(step.result)}{remark}"


def _table(table: Rows) -> str:
    columns = "".join("l" if i < table.left else "r" for i in range(len(table.head)))
    head = [latex(cell) for cell in table.head]
    rows = [[latex(cell) for cell in row] for row in table.rows]
    total = [latex(cell) for cell in table.total]
    if len(rows) > ONE_PAGE:
        return _long_table(head, rows, total, columns)
    return rf"\noindent{latex_table(head, rows, columns, total)}"


def _long_table(head: list[str], rows: list[list[str]], total: list[str], columns: str) -> str:
    opening = [rf"\begin{{longtable}}{{{columns}}}", r"  \toprule", _row(head), r"  \midrule", r"  \endhead"]
    end = [*([r"  \midrule", _row(total)] if total else []), r"  \bottomrule", r"\end{longtable}"]
    return "\n".join([*opening, *map(_row, rows), *end])
