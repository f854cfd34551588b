"""The little Markdown that texts of sheets are written in: paragraphs, lists, code, tables; bold, italic and math.

Stars inside a calculation, as in `k*k*C_in`, are stars. Reading is linear in the length of the text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Kind = Literal["plain", "bold", "italic", "code", "math"]


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a line; bold and italic ones have their own inside."""

    kind: Kind
    text: str
    inside: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Lines that belong together, each as spans; a heading has a level from 1 to 6."""

    lines: tuple[tuple[Span, ...], ...]
    level: int = 0


@dataclass(frozen=True, slots=True)
class Code:
    """Lines that are shown as they are."""

    text: str
    language: str = ""


@dataclass(frozen=True, slots=True)
class Items:
    """A list; numbered where `start` is a number."""

    items: tuple[tuple[Span, ...], ...]
    start: int | None = None

    @property
    def signs(self) -> list[str]:
        """What stands before each item."""
        return ["-" if self.start is None else f"{self.start + i}." for i in range(len(self.items))]


@dataclass(frozen=True, slots=True)
class Table:
    """A head and rows of cells, each as spans."""

    head: tuple[tuple[Span, ...], ...]
    rows: tuple[tuple[tuple[Span, ...], ...], ...]


Block = Paragraph | Code | Items | Table

_SPAN = re.compile(
    r"\\(?P<literal>[\\`*_{}\[\]()#+\-.!|<>$~&])"
    r"|(?<!`)`(?P<code>[^`\n]{1,1000})`(?!`)"
    r"|\$(?=\S)(?P<math>[^$\n]{1,500})(?<=\S)\$(?!\d)"
    r"|\*\*(?=[^\s*])(?P<bold>(?:[^*\n]|\*(?!\*)){1,500})(?<=[^\s*])\*\*"
    r"|(?<![\w)*])\*(?=[^\s*])(?P<star>[^*\n]{1,500})(?<=[^\s*])\*(?![\w(*])"
    r"|(?<!\w)_(?=[^\s_])(?P<low>[^_\n]{1,500})(?<=[^\s_])_(?!\w)"
)
_FENCE = re.compile(r"[ ]{0,3}(`{3,}|~{3,})[ ]*([\w+-]{0,20})[^`\n]*$")
_HEADING = re.compile(r"[ ]{0,3}(#{1,6})[ ]+(.*?)[ #]*$")
_BULLET = re.compile(r"[ ]{0,3}(?:[-*+]|(\d{1,6})[.)])[ ]+(\S.*)$")
_RULE = re.compile(r"[ ]{0,3}\|?[ ]*:?-+:?[ ]*(?:\|[ ]*:?-+:?[ ]*)*\|?[ ]*$")
_BAR = re.compile(r"(?<!\\)\|")


def spans(line: str, *, within: bool = False) -> tuple[Span, ...]:
    """Return the stretches of a line."""
    found: list[Span] = []
    plain: list[str] = []
    at = 0
    for match in _SPAN.finditer(line):
        plain.append(line[at : match.start()])
        at = match.end()
        kind = match.lastgroup or ""
        if kind == "literal" or (within and kind not in ("code", "math")):
            plain.append(match[kind] if kind == "literal" else match[0])
            continue
        _keep(found, plain)
        if kind in ("code", "math"):
            found.append(Span("code" if kind == "code" else "math", match[kind]))
        else:
            inside = spans(match[kind], within=True)
            found.append(Span("bold" if kind == "bold" else "italic", match[kind], inside))
    plain.append(line[at:])
    _keep(found, plain)
    return tuple(found)


def _keep(found: list[Span], plain: list[str]) -> None:
    text = "".join(plain)
    plain.clear()
    if text:
        found.append(Span("plain", text))


def blocks(text: str) -> tuple[Block, ...]:
    """Return the blocks of a text."""
    return tuple(_Reading(text.split("\n")).blocks())


class _Reading:
    """Goes through the lines once."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        self.at = 0
        self.found: list[Block] = []
        self.pending: list[str] = []

    def blocks(self) -> list[Block]:
        while self.at < len(self.lines):
            line = self.lines[self.at]
            if fence := _FENCE.match(line):
                self._code(fence)
            elif self._is_table():
                self._table()
            elif heading := _HEADING.match(line):
                self._close()
                self.found.append(Paragraph((spans(heading[2]),), len(heading[1])))
                self.at += 1
            elif (bullet := _BULLET.match(line)) and (not self.pending or bullet[1] in (None, "1")):
                self._items(bullet[1])
            elif line.strip():
                self.pending.append(line.strip())
                self.at += 1
            else:
                self._close()
                self.at += 1
        self._close()
        return self.found

    def _close(self) -> None:
        if self.pending:
            self.found.append(Paragraph(tuple(spans(line) for line in self.pending)))
            self.pending = []

    def _code(self, fence: re.Match[str]) -> None:
        self._close()
        start = self.at = self.at + 1
        while self.at < len(self.lines) and not self.lines[self.at].strip().startswith(fence[1]):
            self.at += 1
        self.found.append(Code("\n".join(self.lines[start : self.at]), fence[2]))
        self.at += 1

    def _items(self, number: str | None) -> None:
        self._close()
        items: list[str] = []
        while self.at < len(self.lines):
            line = self.lines[self.at]
            bullet = _BULLET.match(line)
            if bullet and (bullet[1] is None) == (number is None):
                items.append(bullet[2])
            elif line.strip() and line.startswith("  ") and not bullet:
                items[-1] += f" {line.strip()}"
            else:
                break
            self.at += 1
        self.found.append(Items(tuple(spans(item) for item in items), int(number) if number else None))

    def _is_table(self) -> bool:
        if "|" not in self.lines[self.at] or self.at + 1 >= len(self.lines):
            return False
        below = self.lines[self.at + 1]
        return "|" in below and bool(_RULE.match(below)) and len(_cells(below)) == len(_cells(self.lines[self.at]))

    def _table(self) -> None:
        self._close()
        head = _cells(self.lines[self.at])
        self.at += 2
        rows = []
        while self.at < len(self.lines) and "|" in self.lines[self.at]:
            cells = _cells(self.lines[self.at])
            rows.append((*cells, *[()] * len(head))[: len(head)])
            self.at += 1
        self.found.append(Table(head, tuple(rows)))


def _cells(line: str) -> tuple[tuple[Span, ...], ...]:
    row = line.strip().removeprefix("|")
    parts = _BAR.split(row[:-1] if row.endswith("|") and not row.endswith("\\|") else row)
    return tuple(spans(part.strip().replace("\\|", "|")) for part in parts)
