"""An answer's signs made plain: one form of each digit, space, times, minus and roughly.

Students paste from word processors, LaTeX and phones. What is read afterwards is ASCII with `≈ ⌊ ⌋ ⌈ ⌉` and letters.
Digits that compatibility folding would run together (`32²` becomes `322`) are written out first.
"""

from __future__ import annotations

import re
import unicodedata

MOST_CHARACTERS = 2000
"""The longest answer that is read; the sum over all layers of a ResNet-50 has half of it."""
_QUOTED = 40

_RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", "0123456789+-")
_SUPERSCRIPTS = re.compile("[⁺⁻]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+")
# In escapes, for many of them look like one another.
_SIGNS = str.maketrans(
    dict.fromkeys("\u00d7\u2715\u2716\u2a2f\u2a09\u2573\u00b7\u2219\u22c5\u2022\u2217\u204e", "*")
    | dict.fromkeys("\u0445\u0425", "x")  # the Cyrillic letter
    | dict.fromkeys("\u00f7\u2215\u2044", "/")
    | dict.fromkeys("\u2212\u2013\u2014\u2012\u2010\u2011", "-")
    | dict.fromkeys("\u2019\u2018\u00b4\u2032\u066c", "'")
    | dict.fromkeys("\u2243\u2245\u223c\u2252\u2250", "≈")
    | dict.fromkeys("→⇒⟶⟹≡", "=")
    | {"\u066b": "."}
)
_LATEX = (
    (re.compile(r"\\(?:times|cdot|ast)(?![a-zA-Z])"), "*"),
    (re.compile(r"\\(?:approx|sim|simeq)(?![a-zA-Z])"), "≈"),
    (re.compile(r"\\lfloor(?![a-zA-Z])"), "⌊"),
    (re.compile(r"\\rfloor(?![a-zA-Z])"), "⌋"),
    (re.compile(r"\\lceil(?![a-zA-Z])"), "⌈"),
    (re.compile(r"\\rceil(?![a-zA-Z])"), "⌉"),
    (re.compile(r"\\(?:left|right|text|mathrm|quad)(?![a-zA-Z])"), " "),
    (re.compile(r"\\[,;:! ]"), " "),
    (re.compile(r"\\%"), "%"),
    (re.compile(r"\{,\}"), ","),
    (re.compile(r"\$"), ""),
)
_ARROWS = re.compile(r":=|==+>?|=>|--?>")
_SPACES = re.compile(r"\s+")
_WRAPPINGS = ("**", "`", '"', "'")


class Unread(Exception):
    """An answer, or a part of one, that cannot be read; its text says why."""


def fold(text: str) -> str:
    """Return an answer in plain signs, without spaces around it; raises `Unread` where that would change its value."""
    if len(text) > MOST_CHARACTERS:
        raise Unread(f"{len(text):,} characters; at most {MOST_CHARACTERS:,} are read")
    if not text.isascii():
        text = _folded(text)
    if "\\" in text or "$" in text or "{" in text:
        for pattern, plain in _LATEX:
            text = pattern.sub(plain, text)
    text = _SPACES.sub(" ", _ARROWS.sub("=", text.replace("~", "≈"))).strip()
    for wrapping in _WRAPPINGS:
        inner = text[len(wrapping) : -len(wrapping)]
        if text.startswith(wrapping) and text.endswith(wrapping) and inner and wrapping not in inner:
            text = inner.strip()
    return text


def quoted(text: str) -> str:
    """Return an answer as a message quotes it: on one line, short, and printable everywhere."""
    shown = "".join(sign if sign.isprintable() else " " for sign in text[: 4 * _QUOTED])
    shown = _SPACES.sub(" ", shown).strip()
    return f"`{shown[:_QUOTED]}…`" if len(shown) > _QUOTED or len(text) > 4 * _QUOTED else f"`{shown}`"


def _folded(text: str) -> str:
    text = _SUPERSCRIPTS.sub(lambda match: f"^({match[0].translate(_RAISED)})", text.translate(_SIGNS))
    text = "".join(_plain(sign, before) for sign, before in zip(text, " " + text, strict=False))
    text = unicodedata.normalize("NFKC", text).translate(_SIGNS)
    if len(text) > MOST_CHARACTERS:
        raise Unread(f"{len(text):,} characters when written out; at most {MOST_CHARACTERS:,} are read")
    return text


def _plain(sign: str, before: str) -> str:
    """Return a sign that compatibility folding keeps the meaning of."""
    if sign.isascii():
        return sign
    category = unicodedata.category(sign)
    if category == "Nd":
        return str(unicodedata.decimal(sign))
    if category == "Cf":  # joiners and marks of direction, which nobody sees
        return ""
    if category != "No":
        return sign
    if not unicodedata.decomposition(sign).startswith("<fraction>"):
        raise Unread(f"`{sign}` is no plain digit")
    if before.isdigit():
        raise Unread(f"`{before}{sign}` is a mixed number; it is read as a sum, with a `+`")
    return f"({unicodedata.normalize('NFKC', sign).translate(_SIGNS)})"
