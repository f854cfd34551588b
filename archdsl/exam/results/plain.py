"""Texts of strangers on a terminal and in cells: on one line, visible, of a bounded length."""

from __future__ import annotations

import unicodedata

WIDEST = 60
"""Of an answer in a report; the whole of it is in the JSON."""


def one_line(text: str, widest: int = WIDEST) -> str:
    """Return a text on one line, with nothing in it that moves a cursor or turns the direction of what follows."""
    folded = " ".join(text[: widest * 4].split())
    shown = "".join(_visible(character) for character in folded)
    cut = len(shown) > widest or len(text) > widest * 4
    return f"{shown[: widest - 1].rstrip()}…" if cut else shown


def _visible(character: str) -> str:
    return "\ufffd" if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Cn") else character


def width(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    return sum(_columns(character) for character in text)


def _columns(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1


def padded(text: str, wide: int) -> str:
    """Return a text followed by spaces up to a width."""
    return text + " " * (wide - width(text))
