"""Slips that people make in writing, one row each: what it looks like, what to say of it, and the cure.

A parser knows what it expected; a person knows what was meant. So where reading stops, the rows are held against the
text around that place, and the first that lies over it tells what happened. Most are habits: of Python and PyTorch,
of Keras, of C, of textbooks and slides.
"""

from __future__ import annotations

from archdsl.diagnostics import Diagnostic
from archdsl.lang.hints import bodies, python, signs, textbooks
from archdsl.lang.hints.slip import Slip
from archdsl.source import Source, Span

REACH = 120
"""Characters before and after the place that are looked at."""

INSIDE = (
    *python.DOTTED, *python.WORDS, *signs.C, *signs.ARROWS, *textbooks.TEXTBOOKS, *textbooks.LABELS,
    *bodies.DEFINITIONS, *bodies.STATEMENTS, *bodies.TESTS, *signs.FOREIGN, *signs.NUMBERS,
)  # fmt: skip
"""The rows for a place in a definition, the more special first."""


def inside(source: Source, start: int, end: int, at: int) -> tuple[Diagnostic, Slip] | None:
    """Return what was meant at the place in a definition where reading stopped, or `None` where no row knows it."""
    low, high = max(start, at - REACH), min(end, at + REACH)
    for slip in INSIDE:
        for match in slip.regex.finditer(source.text, low, high):
            if match.start() <= at <= match.end():
                return slip.told(match, source), slip
            if match.start() > at:
                break
    return None


def outside(stray: Span) -> Diagnostic | None:
    """Return what was meant by a line that starts no definition, or `None`."""
    line = stray.text[: 2 * REACH]
    of_definitions = (*bodies.OUTSIDE, *bodies.DEFINITIONS)
    for slip in (*of_definitions, *INSIDE):
        match = slip.regex.match(line)
        if match is not None and (slip in of_definitions or slip.place(match)[0] == 0):
            return slip.told(match, stray.source, stray.start)
    return None
