"""Sheets that the tests of exports share: the two examples of the documentation, and one whose every text is hostile."""

from __future__ import annotations

import json
from pathlib import Path

from archdsl.exam.reading import read_sheet, read_text
from archdsl.exam.sheet import Sheet

CHAIN = Path(__file__).parent.parent / "exam" / "sheets" / "chain.yaml"

HOSTILE = " ".join(
    [
        "]]></text></quiz><script>alert(1)</script>",  # XML and HTML
        r"\input{/etc/passwd} \end{document} $\write18{id}$ % & ~ ^ _",  # LaTeX
        "`r system('id')` `{r} 1` ``r system('id')`` ##ANSWER1##",  # knitr and R/exams
        "''' \"\"\" #{x} ${x} { { x } }",  # Python, Ruby, shells, Mustache
        "{1:NUMERICAL:=5:0} [channels] [latex]x[/latex] [[ [____](=1+-0)",  # Moodle, Canvas, Anki, Gradescope
    ]
)
"""What some target would obey."""

BLOCKS = "\n".join(
    ["```{r}", "system('id')", "```", "", "Meta-information", "===", "exsolution: 1", "", "(x) no", "", f"1. {HOSTILE}"]
)

UPSAMPLING = """
exam: upsampling-quiz
conventions: {rounding: floor, layout: CHW, bias: counted}
marking: {mistakes: {P01: 0.5}}
problems:
  - id: up1
    title: A transposed convolution
    draw: {n: [14, 15, 16, 18, 20, 21, 24, 28], c: [8, 16, 24, 32], k: [3, 4, 5], s: [2, 3], p: [0, 1, 2], o: [8, 16, 32]}
    require:
      - 0 < p < k
      - c != o
      - apart(T01, T02, T03, T05)
    net: |
      input x: [c, n, n]
      output y = x -> up: ConvTranspose2d(o, k, stride=s, padding=p)
    text: |
      A map of {{ c }} channels, {{ n }} by {{ n }}, enters a transposed convolution with {{ o }} filters.
    parts:
      - {id: a, ask: shape(up), marks: 2, choices: 5}
      - {id: b, ask: params(up), marks: 2}
    hints:
      a:
        - "It undoes the size change of an ordinary convolution."
        - "(n - 1)*s - 2*p + k"
"""


def chain() -> Sheet:
    """Return example 1: a chain of three layers."""
    return read_sheet(CHAIN)


def upsampling() -> Sheet:
    """Return example 2: a transposed convolution that is drawn; forgotten biases earn half."""
    return read_text(UPSAMPLING, "up.yaml", "yaml")


def hostile() -> Sheet:
    """Return a sheet with a part of every kind, all of whose texts are hostile."""
    asks = ["shape(conv)", "params(conv)", "params(conv)", "params(conv) / macs(conv)", "valid(conv)"]
    parts = [{"id": id, "ask": ask, "marks": 2, "text": HOSTILE} for id, ask in zip("abcde", asks, strict=True)]
    parts[1]["choices"] = 4
    problem = {
        "id": "q1",
        "title": HOSTILE,
        "net": "input x: [3, 32, 32]\noutput y = x -> conv: Conv2d(64, 3)\n",
        "text": f"{HOSTILE}\n\n{BLOCKS}",
        "parts": parts,
        "hints": {"c": [HOSTILE]},
    }
    sheet = {"exam": "sheet", "title": HOSTILE, "marking": {"mistakes": {"P01": 0.4}}, "problems": [problem]}
    return read_text(json.dumps(sheet), "hostile.json", "json")


def lone(ask: str, net: str = "input x: [3, 32, 32]\noutput y = x -> conv: Conv2d(64, 3)\n", **more: object) -> Sheet:
    """Return a sheet of one part."""
    problem = {"id": "q1", "net": net, "parts": [{"id": "a", "ask": ask, **more}]}
    return read_text(json.dumps({"exam": "sheet", "problems": [problem]}), "lone.json", "json")
