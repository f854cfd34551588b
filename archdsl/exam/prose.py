"""The texts of a sheet as readers get them: placeholders filled, in plain text, Markdown, LaTeX or HTML.

`{{ name }}` is the drawn value, `{{ net.table }}` a table of the net's layers with their arguments, `{{ net.code }}`
the net as written. Shapes and counts are in none of them: those are the questions.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Literal

from archdsl.exam.nets import PLACEHOLDER, Net, shown
from archdsl.exam.posed import Posed
from archdsl.exam.solutions.as_html import as_html
from archdsl.exam.solutions.as_latex import as_latex
from archdsl.exam.solutions.as_markdown import as_markdown
from archdsl.exam.solutions.as_text import as_text
from archdsl.exam.solutions.blocks import Block, blocks
from archdsl.exam.solutions.escapes import html, latex, markdown
from archdsl.exam.texts import SheetError, Text
from archdsl.graph import Graph
from archdsl.tensors import dims

Target = Literal["text", "md", "latex", "html"]
"""What a text is laid out for."""

MOST_LAYERS = 200
"""Rows of a table of layers; of more, the rest is counted."""
_LAYOUTS: dict[str, Callable[[Sequence[Block]], str]] = {
    "text": as_text,
    "md": as_markdown,
    "latex": as_latex,
    "html": as_html,
}
_ESCAPES: dict[str, Callable[[str], str]] = {"text": str, "md": markdown, "latex": latex, "html": html}


def filled(text: Text | None, posed: Posed, to: Target = "md") -> str:
    """Return a text of a problem with its placeholders filled; without a text, an empty one.

    The text's own Markdown is kept for what it means: emphasis, code, lists, tables, math. HTML in it is shown and
    not obeyed, and so are LaTeX's commands outside math.

    Raises:
        ValueError: a placeholder has no value; a sheet that draws values is filled for one variant.
    """
    return "" if text is None else laid_out(with_values(text.text, posed), to)


def laid_out(written: str, to: Target) -> str:
    """Return a text in the Markdown of sheets for a target."""
    return _LAYOUTS[to](blocks(written))


def escaped(text: str, to: Target) -> str:
    """Return a plain text, as a title or a name, with nothing in it that the target would obey."""
    return _ESCAPES[to](text)


def with_values(written: str, posed: Posed) -> str:
    """Return a text of a sheet, still in Markdown, with its placeholders filled.

    Raises:
        ValueError: one has no value.
    """

    def value(match: re.Match[str]) -> str:
        name, _, what = match[1].rpartition(".")
        if what in ("table", "code") and name:
            net = posed.problem.nets.get("" if name == "net" and "" in posed.problem.nets else name)
            if net is not None:
                return f"\n\n{table(net, posed) if what == 'table' else code(net, posed)}\n\n"
        if match[1] not in posed.values:
            raise ValueError(f"`{match[1]}` has no value")
        return shown(posed.values[match[1]])

    return re.sub(r"\n{3,}", "\n\n", PLACEHOLDER.sub(value, written)).strip("\n")


def code(net: Net, posed: Posed) -> str:
    """Return a net as written, as a listing in Markdown; what it draws is told in a comment."""
    written = net.text.text
    text = PLACEHOLDER.sub(lambda m: shown(posed.values[m[1]]) if m[1] in posed.values else m[0], written).strip("\n")
    rest = PLACEHOLDER.sub("", written)
    bare = [name for name in posed.values if re.search(rf"(?<![\w.]){re.escape(name)}(?!\w)", rest)]
    where = [f"# {', '.join(f'{name} = {shown(posed.values[name])}' for name in bare)}"] if bare else []
    fence = "`" * max([3, *(len(run) + 1 for run in re.findall("`{3,}", text))])
    return "\n".join([f"{fence}arch", *where, text, fence])


def table(net: Net, posed: Posed) -> str:
    """Return the layers of a net with their arguments, as a table in Markdown; of a net with errors, its text.

    What a layer reads is told where that is not the layer before it.
    """
    try:
        graph = posed.graph(net)
    except SheetError:
        return code(net, posed)
    joined = any(node.inputs != (node.index - 1,) for node in graph.nodes if node.inputs) or len(graph.inputs) > 1
    rows = [_row(node_id, what, reads if joined else None) for node_id, what, reads in _layers(graph)]
    if len(rows) > MOST_LAYERS:
        rows = [*rows[:MOST_LAYERS], _row("", "", "" if joined else None, f"and {len(rows) - MOST_LAYERS:,} more")]
    head = ["layer", "operation", *(["reads"] if joined else [])]
    return "\n".join([f"| {' | '.join(head)} |", "|" + "---|" * len(head), *rows])


def _layers(graph: Graph) -> list[tuple[str, str, str]]:
    found = []
    for node in graph.nodes:
        reads = ", ".join(graph.nodes[i].id for i in node.inputs)
        found.append((node.id, str(node.op) if node.inputs else f"input {dims(node.output.shape)}", reads))
    return found


def _row(name: str, what: str, reads: str | None, words: str = "") -> str:
    cells = [name, what] if reads is None else [name, what, reads]
    return f"| {' | '.join([words, *map(_code, cells[1:])] if words else map(_code, cells))} |"


def _code(text: str) -> str:
    return f"`{text.replace('`', chr(39)).replace('|', chr(92) + '|')}`" if text else ""
