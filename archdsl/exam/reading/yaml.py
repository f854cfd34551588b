"""Sheets in YAML 1.2. Events are taken one at a time, so that depth and aliases are bounded on the way."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)
from ruamel.yaml.reader import ReaderError

from archdsl.exam.reading.entries import (
    DEEPEST,
    NUMBER,
    Budget,
    Entry,
    Number,
    duplicate,
    point,
    syntax_error,
    too_deep,
)
from archdsl.source import Source, Span

_WORDS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_NOTHING = ("", "~", "null", "Null", "NULL")
_HELP = {
    "mapping values are not allowed": "a text with `: ` in it needs quotes",
    "cannot start any token": "a text that begins with this sign needs quotes; a tab is no indentation",
    "expected ',' or": "a text with `,`, `: ` or `?` inside brackets needs quotes; or write the list with `-`",
    "expected <block end>": "lines of one list or mapping begin in the same column",
    "could not find expected ':'": "a key is followed by `: ` and its value; a text over several lines begins with `|`",
}
"""What usually helps, by what ruamel says."""


def read(source: Source, start: int = 0, end: int | None = None) -> Entry:
    """Return the only document of a text, or of a stretch of it.

    Raises:
        SheetError: it is no YAML, or beyond the bounds.
    """
    return _Composer(source, start, len(source.text) if end is None else end).document()


class _Composer:
    """Builds entries from events by recursion that is bounded by `DEEPEST`."""

    def __init__(self, source: Source, start: int, end: int) -> None:
        self.source = source
        self.start = start
        self.text = source.text[start:end]
        self.budget = Budget()
        self.anchors: dict[str, Entry] = {}
        self.events = self._events()

    def document(self) -> Entry:
        found: Entry | None = None
        for event in self.events:
            if isinstance(event, DocumentStartEvent) and found is not None:
                raise syntax_error("a sheet is one document", self._span(event), "leave out the second `---`")
            if isinstance(event, ScalarEvent | SequenceStartEvent | MappingStartEvent | AliasEvent):
                found = self._entry(event, 0)
        return found or Entry(None, point(self.source, self.start, 0))

    def _events(self) -> Iterator[Any]:
        try:
            yield from YAML(typ="safe", pure=True).parse(self.text)
        except MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            said = str(error.problem or error.context or "this is no YAML")
            help = next((text for part, text in _HELP.items() if part in said), None)
            raise syntax_error(said, point(self.source, self.start + (mark.index if mark else 0)), help) from None
        except ReaderError as error:
            message = "a sign that no text has"
            raise syntax_error(message, point(self.source, self.start + int(error.position))) from None
        except YAMLError as error:
            raise syntax_error(str(error).splitlines()[0], point(self.source, self.start)) from None
        except (ValueError, RecursionError):
            raise syntax_error("this is no YAML", point(self.source, self.start)) from None

    def _span(self, event: Any) -> Span:
        return Span(self.source, self.start + event.start_mark.index, self.start + event.end_mark.index)

    def _entry(self, event: Any, depth: int) -> Entry:
        span = self._span(event)
        if depth > DEEPEST:
            raise too_deep(span)
        if isinstance(event, AliasEvent):
            known = self.anchors.get(event.anchor)
            if known is None:
                raise syntax_error(f"`*{event.anchor}` stands for nothing above it", span)
            self.budget.spend(known.size, span)
            return known
        self.budget.spend(1, span)
        if getattr(event, "tag", None) is not None:
            raise syntax_error(f"the tag `{event.tag}` means nothing in a sheet", span, "leave it out")
        if isinstance(event, ScalarEvent):
            found = Entry(_scalar(event), _trimmed(span))
        elif isinstance(event, SequenceStartEvent):
            found = self._sequence(span, depth)
        else:
            found = self._mapping(span, depth)
        if event.anchor is not None:
            self.anchors[event.anchor] = found
        return found

    def _sequence(self, span: Span, depth: int) -> Entry:
        items: list[Entry] = []
        for event in self.events:
            if isinstance(event, SequenceEndEvent):
                break
            items.append(self._entry(event, depth + 1))
        return Entry(tuple(items), self._until_here(span, items), 1 + sum(item.size for item in items))

    def _mapping(self, span: Span, depth: int) -> Entry:
        keyed: dict[str, tuple[Span, Entry]] = {}
        for event in self.events:
            if isinstance(event, MappingEndEvent):
                break
            key = self._entry(event, depth + 1)
            name = key.value.text if isinstance(key.value, Number) else key.value
            if isinstance(name, bool) or name is None:
                name = key.span.text
            if not isinstance(name, str):
                raise syntax_error("a key is a text", key.span)
            if name in keyed:
                raise duplicate(name, key.span, keyed[name][0])
            keyed[name] = (key.span, self._entry(next(self.events), depth + 1))
        values = [value for _, value in keyed.values()]
        return Entry(keyed, self._until_here(span, values), 1 + len(keyed) + sum(value.size for value in values))

    def _until_here(self, span: Span, items: list[Entry]) -> Span:
        """Return the span of a collection; ruamel gives where it opens only."""
        return Span(self.source, span.start, max([span.end, *(item.span.end for item in items)]))


def _scalar(event: ScalarEvent) -> str | Number | bool | None:
    """Return what a scalar is by the core schema of YAML 1.2; what is in quotes or a block is a text."""
    text = str(event.value)
    if event.style is not None:
        return text
    if text in _NOTHING:
        return None
    if text in _WORDS:
        return _WORDS[text]
    return Number(text) if NUMBER.fullmatch(text) else text


def _trimmed(span: Span) -> Span:
    """Return the span of a scalar without the blank lines and comments that follow a block."""
    text = span.text
    return Span(span.source, span.start, span.start + len(re.sub(r"\s+\Z", "", text))) if text.strip() else span
