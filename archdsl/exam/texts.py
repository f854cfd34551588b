"""Texts inside a file, with the way back from each of their characters to where it is written."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property

from archdsl.diagnostics import SpecError
from archdsl.source import Span


class SheetError(SpecError):
    """A sheet that has errors; carries every diagnostic of the reading."""


@dataclass(frozen=True)
class Text:
    """A text of a sheet, as meant; escapes, folded lines and indentation are undone."""

    text: str
    span: Span = field(compare=False, repr=False)
    """What was written, with quotes and indentation."""

    def __str__(self) -> str:
        return self.text

    def at(self, start: int, end: int) -> Span:
        """Return where characters `start` to `end` of the text stand in the file."""
        if not self._offsets:
            return self.span
        last = len(self._offsets) - 1
        first = self._offsets[min(start, last)] + (1 if start > last else 0)
        behind = self._offsets[min(end - 1, last)] + 1 if end > start else first
        return Span(self.span.source, first, max(first, behind))

    @cached_property
    def _offsets(self) -> list[int]:
        """The place in the file of every character, found by walking text and file side by side."""
        raw, at, end = self.span.source.text, self.span.start, self.span.end
        quoted = raw[at : at + 1] in ("'", '"') and raw[at:end] != self.text
        escaped = quoted and raw[at] == '"'
        at += quoted
        offsets = []
        for character in self.text:
            at = _aligned(raw, at, end, character)
            offsets.append(min(at, max(self.span.start, end - 1)))
            at += _escape(raw, at) if escaped else 1
        return offsets


_ESCAPE = re.compile(r"\\(?:x[0-9a-fA-F]{2}|u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}"
                     r"|U[0-9a-fA-F]{8}|[^\n])")  # fmt: skip
_CONTINUED = re.compile(r"\\[ \t]*\n\s*")
_HEADER = re.compile(r"[|>][^\n]*\n|\"\"\"?\n?|''\n?")
"""What stands before a block of text: `|` and `>` of YAML, the rest of three quotes of TOML."""


def _aligned(raw: str, at: int, end: int, character: str) -> int:
    """Return where a character of the text stands, from `at` on; what the file has beside it is passed over."""
    while at < end and raw[at] != character:
        if continued := _CONTINUED.match(raw, at):
            at = continued.end()
        elif raw[at] == "\\" or (character.isspace() and raw[at].isspace()):
            return at
        elif raw[at].isspace() or raw[at] == "'":
            at += 1
        elif header := _HEADER.match(raw, at):
            at = header.end()
        else:
            return at
    return at


def _escape(raw: str, at: int) -> int:
    match = _ESCAPE.match(raw, at)
    return match.end() - at if match else 1
