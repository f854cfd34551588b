"""Sheets in TOML. Values are those of `tomllib`, which keeps no places; a scan of the text finds those."""

from __future__ import annotations

import re
import tomllib
from typing import Any

from archdsl.exam.reading.entries import (
    DEEPEST,
    MOST_ENTRIES,
    Budget,
    Entry,
    Number,
    duplicate,
    point,
    syntax_error,
    too_deep,
    too_large,
)
from archdsl.source import Source, Span

MOST_DOTS = 8
"""Names in one dotted key."""

Path = tuple[str | int, ...]

_TOKEN = re.compile(
    r'(?P<string>"""(?:[^"\\]|\\.|"(?!""))*"{3,5}|\'\'\'(?:[^\']|\'(?!\'\'))*\'{3,5}'
    r'|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\')'
    r"|(?P<skip>[ \t\r]+|#[^\n]*)|(?P<line>\n)|(?P<sign>[\[\]{}=,])|(?P<bare>[^\s\[\]{}=,#\"']+)",
    re.DOTALL,
)
_AT = re.compile(r"\s*\(at (?:line (\d+), column (\d+)|end of document)\)$")
_SAID_TWICE = ("Cannot overwrite a value", "twice", "Cannot declare", "Duplicate inline table key")


def read(source: Source) -> Entry:
    """Return the table of a text.

    Raises:
        SheetError: it is no TOML, or beyond the bounds.
    """
    places = _Places(source)
    places.scan()
    try:
        table = tomllib.loads(source.text, parse_float=Number)
    except tomllib.TOMLDecodeError as error:
        raise _refused(source, str(error), places) from None
    except (ValueError, RecursionError):
        raise syntax_error("this is no TOML that can be read", point(source, 0)) from None
    return _Conversion(source, places.found).entry(table, (), Span(source, 0, len(source.text)))


def _refused(source: Source, said: str, places: _Places) -> Exception:
    """Return what tomllib says, at the place that it names; a key that stands twice is told as in other formats."""
    match = _AT.search(said)
    message = said[: match.start()] if match else said
    offset = len(source.text)
    if match and match[1]:
        starts = [0, *(m.end() for m in re.finditer("\n", source.text))]
        offset = starts[min(int(match[1]), len(starts)) - 1] + int(match[2]) - 1
    if places.repeated and any(part in message for part in _SAID_TWICE):
        return duplicate(*places.repeated)
    return syntax_error(f"{message[:1].lower()}{message[1:]}", point(source, offset))


class _Places:
    """Finds the places of keys and values. It trusts the text to be TOML, and stops where it is none."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.tokens: list[tuple[str, Span]] = []
        self.at = 0
        self.found: dict[Path, tuple[Span, Span]] = {}
        """By path, the place of the key (of an element: of itself) and of the value."""
        self.repeated: tuple[str, Span, Span] | None = None
        self.counts: dict[Path, int] = {}
        """How many tables each array of tables has so far."""

    def scan(self) -> None:
        self._tokenise()
        path: Path = ()
        while self.at < len(self.tokens):
            kind, span = self.tokens[self.at]
            if kind == "line":
                self.at += 1
            elif span.text == "[":
                path = self._header()
            else:
                self._pair(path, 0)

    def _tokenise(self) -> None:
        text, at, depth = self.source.text, 0, 0
        while at < len(text):
            match = _TOKEN.match(text, at)
            if match is None:
                return  # tomllib says what is wrong here
            at, kind = match.end(), match.lastgroup or ""
            if kind == "skip":
                continue
            span = Span(self.source, match.start(), at)
            depth += (match[0] in "[{") - (match[0] in "]}") if kind == "sign" else 0
            if depth > DEEPEST:
                raise too_deep(span)
            if kind == "bare" and match[0].count(".") > MOST_DOTS:
                raise too_large(f"a key has more than {MOST_DOTS} names", span)
            self.tokens.append((kind, span))
            if len(self.tokens) > 4 * MOST_ENTRIES:
                raise too_large(f"the sheet has more than {MOST_ENTRIES:,} values", span)

    def _sign(self) -> str:
        """Return the next token where it is a bracket, comma or the like, and nothing otherwise."""
        kind, span = self.tokens[self.at] if self.at < len(self.tokens) else ("end", Span(self.source, 0, 0))
        return span.text if kind in ("sign", "line") else ""

    def _key(self) -> list[tuple[str, Span]]:
        """Return the names of a dotted key."""
        names: list[tuple[str, Span]] = []
        while self.at < len(self.tokens) and self.tokens[self.at][0] in ("bare", "string"):
            kind, span = self.tokens[self.at]
            self.at += 1
            if kind == "string":
                names.append((span.text[1:-1], span))
                continue
            start = span.start
            for part in span.text.split("."):
                if part:
                    names.append((part, Span(self.source, start, start + len(part))))
                start += len(part) + 1
            if len(names) > MOST_DOTS:
                raise too_large(f"a key has more than {MOST_DOTS} names", span)
        return names

    def _header(self) -> Path:
        opening = self.tokens[self.at][1]
        array = self.source.text.startswith("[[", opening.start)
        self.at += 2 if array else 1
        names = self._key()
        while self.at < len(self.tokens) and self._sign() != "\n":
            self.at += 1
        path: Path = ()
        for number, (name, span) in enumerate(names):
            path = (*path, name)
            self.found.setdefault(path, (span, opening))
            last = number == len(names) - 1
            if last and array:
                self.counts[path] = self.counts.get(path, -1) + 1
            if path in self.counts:
                path = (*path, self.counts[path])
                self.found.setdefault(path, (span, Span(self.source, opening.start, self.tokens[self.at - 1][1].end)))
        return path

    def _pair(self, path: Path, depth: int) -> None:
        names = self._key()
        if not names or self._sign() != "=":
            self.at += 1
            return
        self.at += 1
        first = path
        for name, span in names:
            path = (*path, name)
            if path != (*first, *[n for n, _ in names]):
                self.found.setdefault(path, (span, span))
        key = names[-1][1]
        start = self.tokens[self.at][1].start if self.at < len(self.tokens) else key.end
        if path in self.found and self.repeated is None:
            self.repeated = (names[-1][0], key, self.found[path][0])
        self.found.setdefault(path, (key, key))
        self._value(path, depth)
        end = self.tokens[min(self.at, len(self.tokens)) - 1][1].end
        self.found[path] = (key, Span(self.source, start, max(start, end)))

    def _value(self, path: Path, depth: int) -> None:
        if self.at >= len(self.tokens) or depth > DEEPEST:
            return
        sign = self._sign()
        self.at += 1
        if sign == "[":
            self._elements(path, depth)
        elif sign == "{":
            while self.at < len(self.tokens) and self._sign() != "}":
                if self._sign() in (",", "\n"):
                    self.at += 1
                else:
                    self._pair(path, depth + 1)
            self.at += 1
        elif not sign:
            while self.at < len(self.tokens) and self.tokens[self.at][0] == "bare":
                self.at += 1  # a date and its time

    def _elements(self, path: Path, depth: int) -> None:
        number = 0
        while self.at < len(self.tokens) and self._sign() != "]":
            if self._sign() in (",", "\n"):
                self.at += 1
                continue
            start = self.tokens[self.at][1]
            self._value((*path, number), depth + 1)
            span = Span(self.source, start.start, self.tokens[min(self.at, len(self.tokens)) - 1][1].end)
            self.found[(*path, number)] = (span, span)
            number += 1
        self.at += 1


class _Conversion:
    """Joins values and places."""

    def __init__(self, source: Source, places: dict[Path, tuple[Span, Span]]) -> None:
        self.source = source
        self.places = places
        self.budget = Budget()

    def entry(self, value: Any, path: Path, around: Span) -> Entry:
        span = self.places[path][1] if path in self.places else around
        self.budget.spend(1, span)
        if len(path) > DEEPEST:
            raise too_deep(span)
        if isinstance(value, dict):
            keyed = {}
            for name, inner in value.items():
                key = self.places[(*path, name)][0] if (*path, name) in self.places else span
                keyed[name] = (key, self.entry(inner, (*path, name), span))
            return Entry(keyed, span)
        if isinstance(value, list):
            return Entry(tuple(self.entry(inner, (*path, i), span) for i, inner in enumerate(value)), span)
        if isinstance(value, int) and not isinstance(value, bool):
            return Entry(self._whole(value, span), span)
        if isinstance(value, Number):
            return Entry(value if value.text.lstrip("+-") not in ("inf", "nan") else value.text, span)
        if isinstance(value, str | bool):
            return Entry(value, span)
        raise syntax_error("a date means nothing in a sheet", span, "put it in quotes, if it is a text")

    def _whole(self, value: int, span: Span) -> Number:
        if value.bit_length() > 128:
            raise too_large("the number is too long", span)
        return Number(str(value))
