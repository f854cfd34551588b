"""Documents that fit themselves to a line: text, places where a line may end, and groups that break together.

Source: Wadler 2003, "A prettier printer"; Lindig 2000, "Strictly pretty", for the strict rendering.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final

INDENT: Final = 4


@dataclass(frozen=True, slots=True)
class Line:
    """A place where a line may end; `flat` is what stands there where it does not. A hard one ends always."""

    flat: str = " "
    hard: bool = False
    blank: bool = False
    """Whether an empty line follows."""


@dataclass(frozen=True, slots=True)
class Remark:
    """A comment at the end of a line, whose width does not count: a line that must end follows it."""

    text: str


@dataclass(frozen=True, slots=True)
class Nest:
    """What is indented once more where a line ends in it."""

    doc: Doc


@dataclass(frozen=True, slots=True)
class Group:
    """What stands on one line if it can, and else breaks at every line of its own; `broken` says that it must."""

    doc: Doc
    broken: bool = False


@dataclass(frozen=True, slots=True)
class Fill:
    """Items with as many on a line as fit: among the parts of the document, lines stand between items."""

    doc: tuple[Doc, ...]


@dataclass(frozen=True, slots=True)
class IfBroken:
    """What stands only where the group around it is broken."""

    text: str


Doc = str | Line | Remark | Nest | Group | Fill | IfBroken | tuple["Doc", ...]
HARD, SOFT, SPACE = Line(hard=True), Line(""), Line()


def must_break(doc: Doc) -> bool:
    """Tell whether a document cannot stand on one line."""
    return _measured(doc, {}) is None


def joined(docs: Iterable[Doc], between: Doc) -> tuple[Doc, ...]:
    """Return documents with another one between each two."""
    made: list[Doc] = []
    for doc in docs:
        if made:
            made.append(between)
        made.append(doc)
    return tuple(made)


@dataclass(slots=True)
class _Page:
    width: int
    lines: list[str] = field(default_factory=list)
    line: str = ""

    def end(self, indent: int, *, blank: bool = False) -> None:
        self.lines.append(self.line.rstrip())
        if blank:
            self.lines.append("")
        self.line = " " * indent

    def put(self, text: str) -> None:
        self.line += text


_Task = tuple[int, bool, Doc]


def rendered(doc: Doc, width: int) -> str:
    """Return a document as text, no line wider than `width` where that can be."""
    page = _Page(width)
    pending: list[_Task] = [(0, False, doc)]
    lengths: dict[int, int | None] = {}
    _measured(doc, lengths)
    while pending:
        indent, flat, doc = pending.pop()
        match doc:
            case str():
                page.put(doc)
            case tuple():
                pending.extend((indent, flat, part) for part in reversed(doc))
            case Line():
                if flat and not doc.hard:
                    page.put(doc.flat)
                else:
                    page.end(indent, blank=doc.blank)
            case Remark(text=text):
                page.put(f"  {text}")
            case Nest(doc=inner):
                pending.append((indent + INDENT, flat, inner))
            case Group(doc=inner):
                length = lengths[id(doc)]
                fits = flat or (length is not None and _fits(width - len(page.line) - length, pending))
                pending.append((indent, fits, inner))
            case Fill(doc=parts):
                pending.append((indent, flat, _filled(parts, indent, flat, page, lengths)))
            case IfBroken(text=text):
                if not flat:
                    page.put(text)
    page.end(0)
    return "\n".join(page.lines) + "\n"


def _filled(
    parts: Sequence[Doc], indent: int, flat: bool, page: _Page, lengths: dict[int, int | None]
) -> tuple[Doc, ...]:
    """Return the parts with the lines between items decided by how wide the items are on one line."""
    made: list[Doc] = []
    column = len(page.line)
    line: Line | None = None
    for part in _items(parts):
        if isinstance(part, Line):
            line = part
            continue
        length = _sum([lengths[id(piece)] for piece in part], 0)
        if line is not None:
            room = page.width - column - len(line.flat)
            wrap = not flat and (line.hard or length is None or length > room)
            made.append(HARD if wrap else line.flat)
            column = indent if wrap else column + len(line.flat)
        made += part
        column = page.width if length is None else column + length
    return tuple(made)


def _items(parts: Sequence[Doc]) -> Iterator[Line | tuple[Doc, ...]]:
    """Yield the lines among some parts, and what stands between two of them as one."""
    for is_line, some in groupby(parts, lambda part: isinstance(part, Line)):
        run = tuple(some)
        yield from run if is_line else [run]  # type: ignore[misc]  # all of a run are lines, or none is


def _measured(doc: Doc, lengths: dict[int, int | None]) -> int | None:
    """Return how long a document is on one line, and enter it for all in it; `None` where it cannot stand on one."""
    match doc:
        case str():
            length: int | None = len(doc)
        case Line(flat=text, hard=hard):
            length = None if hard else len(text)
        case Remark():
            length = None
        case IfBroken():
            length = 0
        case Nest(doc=inner) | Fill(doc=inner):
            length = _measured(inner, lengths)
        case Group(doc=inner, broken=broken):
            length = _measured(inner, lengths)
            length = None if broken else length
        case tuple():
            length = _sum([_measured(part, lengths) for part in doc], 0)
    lengths[id(doc)] = length
    return length


def _sum(lengths: Sequence[int | None], more: int) -> int | None:
    total = more
    for length in lengths:
        if length is None:
            return None
        total += length
    return total


def _fits(room: int, after: list[_Task]) -> bool:
    """Tell whether what follows, up to where a line may end, has room behind a document on one line."""
    for _, flat, rest in reversed(after):
        if room < 0:
            return False
        done, room = _until_line(rest, room, flat)
        if done:
            break
    return room >= 0


def _until_line(doc: Doc, room: int, flat: bool) -> tuple[bool, int]:
    """Return whether a line may end in a document that follows, and the room left before that."""
    match doc:
        case str():
            return False, room - len(doc)
        case Line():
            return (True, room) if not flat or doc.hard else (False, room - len(doc.flat))
        case Remark():
            return True, room
        case IfBroken(text=text):
            return False, room - (0 if flat else len(text))
        case Nest(doc=inner) | Group(doc=inner) | Fill(doc=inner):
            return _until_line(inner, room, flat)
        case tuple():
            for part in doc:
                done, room = _until_line(part, room, flat)
                if done or room < 0:
                    return True, room
    return False, room
