"""Plain text made harmless for LaTeX, Markdown and HTML."""

from __future__ import annotations

import re

_LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    '"': r"\textquotedbl{}", "`": r"\textasciigrave{}", "'": r"\textquotesingle{}", "[": "{[}", "]": "{]}",
    "|": r"\textbar{}", "–": "--", "…": r"\ldots{}",
}  # fmt: skip
_LATEX |= {
    sign: f"${command}$"
    for sign, command in {
        "×": r"\times", "·": r"\cdot", "−": "-", "⌊": r"\lfloor", "⌋": r"\rfloor", "⌈": r"\lceil", "⌉": r"\rceil",
        "→": r"\rightarrow", "≈": r"\approx", "≤": r"\leq", "≥": r"\geq", "≠": r"\neq", "√": r"\surd", "σ": r"\sigma",
        "γ": r"\gamma", "β": r"\beta", "½": r"\frac{1}{2}", "²": "^2", "³": "^3", "∞": r"\infty", "±": r"\pm",
        "Σ": r"\Sigma", "Π": r"\Pi",
    }.items()
}  # fmt: skip
_LATEX |= {"\t": " ", "\r": " "}
_CONTROL = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f\u2028\u2029]")
_MARKDOWN = re.compile(r"([\\`*_\[\]<>|~$&])")
_MARKUP = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"}


def latex(text: str) -> str:
    """Return a text for LaTeX: no sign of it is a command; needs the packages fontenc (T1) and textcomp."""
    clean = _CONTROL.sub(" ", text)
    text = "".join(_LATEX.get(sign, sign) for sign in re.sub("-(?=-)", "-\0", clean))
    return re.sub(r"(?<!\\)\$\$", " ", text.replace("-\0", "-{}"))


def markdown(text: str) -> str:
    """Return a text for Markdown: no sign of it is emphasis, code, math, a link or HTML."""
    clean = _MARKDOWN.sub(r"\\\1", _CONTROL.sub(" ", text))
    return re.sub(r"(?m)^(\s*)(#|[-+](?=\s)|\d{1,9}(?=[.)](?:\s|$)))", _stopped, clean)


def _stopped(match: re.Match[str]) -> str:
    """Return the start of a line that would be a heading or an item of a list, and then is none."""
    indent, sign = match[1], match[2]
    return f"{indent}\\{sign}" if not sign.isdigit() else f"{indent}{sign}\\"


def html(text: str) -> str:
    """Return a text for HTML and XML, in elements and in attributes."""
    return "".join(_MARKUP.get(sign, sign) for sign in _CONTROL.sub(" ", text))
