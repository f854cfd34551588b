"""Sheets in JSON. A small reader of its own, since Python's keeps no places and takes a key twice."""

from __future__ import annotations

import re
from json.decoder import JSONDecodeError, JSONDecoder

from archdsl.exam.reading.entries import DEEPEST, Budget, Entry, Number, duplicate, point, syntax_error, too_deep
from archdsl.source import Source, Span

_SPACE = re.compile(r"[ \t\n\r]*")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_WORD = re.compile(r"[A-Za-z]+")
_WORDS = {"true": True, "false": False, "null": None}


def read(source: Source) -> Entry:
    """Return the value of a text.

    Raises:
        SheetError: it is no JSON, or beyond the bounds.
    """
    return _Reader(source).whole()


class _Reader:
    def __init__(self, source: Source) -> None:
        self.source = source
        self.text = source.text
        self.at = 0
        self.budget = Budget()

    def whole(self) -> Entry:
        entry = self._value(0)
        if self._next():
            raise syntax_error("the file goes on after its value", point(self.source, self.at))
        return entry

    def _next(self) -> str:
        """Return the next sign that is no space; empty at the end."""
        match = _SPACE.match(self.text, self.at)
        self.at = match.end() if match else self.at
        return self.text[self.at : self.at + 1]

    def _expect(self, signs: str) -> str:
        sign = self._next()
        if not sign or sign not in signs:
            wanted = " or ".join(f"`{s}`" for s in signs)
            found = f"`{sign}` stands" if sign else "the file ends"
            raise syntax_error(f"{found} where {wanted} should", point(self.source, self.at))
        self.at += 1
        return sign

    def _value(self, depth: int) -> Entry:
        sign, start = self._next(), self.at
        if depth > DEEPEST:
            raise too_deep(point(self.source, start))
        self.budget.spend(1, point(self.source, start))
        if sign == "{":
            return self._mapping(depth)
        if sign == "[":
            return self._list(depth)
        if sign == '"':
            text = self._string()
            return Entry(text, Span(self.source, start, self.at))
        if number := _NUMBER.match(self.text, start):
            self.at = number.end()
            return Entry(Number(number[0]), Span(self.source, start, self.at))
        word = _WORD.match(self.text, start)
        if word is None or word[0] not in _WORDS:
            named = (
                f"`{word[0][:20] if word else sign}` is no value" if sign else "the file ends where a value should be"
            )
            help = "a text stands in double quotes" if word or sign == "'" else None
            help = "JSON has no comma before a closing bracket" if sign and sign in "]}" else help
            raise syntax_error(named, point(self.source, start, len(word[0]) if word else 1), help)
        self.at = word.end()
        return Entry(_WORDS[word[0]], Span(self.source, start, self.at))

    def _string(self) -> str:
        try:
            text, self.at = JSONDecoder().raw_decode(self.text, self.at)
        except JSONDecodeError as error:
            help = "a line break in a text is `\\n`" if "control character" in error.msg else None
            raise syntax_error(f"{error.msg[0].lower()}{error.msg[1:]}", point(self.source, error.pos), help) from None
        return str(text)

    def _list(self, depth: int) -> Entry:
        start = self.at
        self.at += 1
        items: list[Entry] = []
        if self._next() == "]":
            self.at += 1
        else:
            items.append(self._value(depth + 1))
            while self._expect(",]") == ",":
                items.append(self._value(depth + 1))
        return Entry(tuple(items), Span(self.source, start, self.at), 1 + sum(item.size for item in items))

    def _mapping(self, depth: int) -> Entry:
        start = self.at
        self.at += 1
        keyed: dict[str, tuple[Span, Entry]] = {}
        if self._next() == "}":
            self.at += 1
        else:
            self._pair(keyed, depth)
            while self._expect(",}") == ",":
                self._pair(keyed, depth)
        size = 1 + sum(value.size for _, value in keyed.values())
        return Entry(keyed, Span(self.source, start, self.at), size)

    def _pair(self, keyed: dict[str, tuple[Span, Entry]], depth: int) -> None:
        if self._next() != '"':
            raise syntax_error("a key stands in double quotes", point(self.source, self.at))
        start = self.at
        key = self._string()
        span = Span(self.source, start, self.at)
        if key in keyed:
            raise duplicate(key, span, keyed[key][0])
        self._expect(":")
        keyed[key] = (span, self._value(depth + 1))
