"""Math in the texts of sheets: what of it is harmless, and how it reads without TeX."""

from __future__ import annotations

import re

_COMMAND = re.compile(r"\\([a-zA-Z]+)")
_MATH = re.compile(r"(?:\\[a-zA-Z]+|\\[,;: {}]|[\w\s+\-*/=<>()\[\].,:;|!'^{}×·])*", re.ASCII)
_COMMANDS = frozenset(
    "times cdot cdots ldots dots frac dfrac tfrac sqrt lfloor rfloor lceil rceil left right bigl bigr quad qquad"
    " sum prod min max log ln exp alpha beta gamma delta epsilon eta theta lambda mu sigma tau phi leq geq le ge neq ne"
    " approx equiv infty pm mp to rightarrow partial nabla hat bar mathrm mathbf text textrm in mid".split()
)
"""What math in a text may use; a text with anything else is shown letter for letter."""
_AS_TEXT = {
    r"\times": "×", r"\cdot": "·", r"\lfloor": "⌊", r"\rfloor": "⌋", r"\lceil": "⌈", r"\rceil": "⌉", r"\leq": "≤",
    r"\geq": "≥", r"\le": "≤", r"\ge": "≥", r"\neq": "≠", r"\ne": "≠", r"\approx": "≈", r"\to": "→", r"\pm": "±",
    r"\rightarrow": "→", r"\left": "", r"\right": "", r"\sigma": "σ", r"\gamma": "γ", r"\beta": "β", r"\mu": "µ",
}  # fmt: skip


def is_harmless_math(text: str) -> bool:
    """Tell whether a formula uses nothing but signs and commands that are known, in pairs of braces."""
    if not _MATH.fullmatch(text) or any(name not in _COMMANDS for name in _COMMAND.findall(text)):
        return False
    depth = 0
    for sign in re.sub(r"\\[{}]", "", text):
        depth += (sign == "{") - (sign == "}")
        if depth < 0:
            return False
    return depth == 0


def spoken(formula: str) -> str:
    """Return a formula as plain text."""
    return _COMMAND.sub(lambda match: _AS_TEXT.get(match[0], match[0]), formula)
