"""The `test` blocks of a file as they are written, whatever stands where an answer belongs.

A student's copy need not be in the language any more: `expect params == about 25.6M` is an answer all the same. So the
text is cut at its keywords, and what is between them is kept for the reader of answers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from archdsl.exam.texts import Text
from archdsl.lang.items import Item, scan
from archdsl.source import Source, Span

_COMMENT_OR_STRING = re.compile(r'#[^\n]*|"[^"\n]*"')
_EXPECT = re.compile(r"\bexpect\b")
_EQUALS = re.compile(r"(?<![<>!=])={1,2}|(?=≈)")
_WITHIN = re.compile(r"\bwithin\s+[\d._]+\s*%\s*$")


@dataclass(frozen=True, slots=True)
class Expectation:
    """One `expect`: what stands on both sides of its `==`."""

    left: Text
    right: Text

    @property
    def is_blank(self) -> bool:
        """Whether one of the sides is `?`."""
        return "?" in (self.left.text, self.right.text)


@dataclass(frozen=True, slots=True)
class Test:
    """One `test` as written."""

    model: str
    arguments: str
    """Between the brackets, without blank space; empty where there are none."""
    expectations: tuple[Expectation, ...]


class Written:
    """The text of a file, with its comments and strings told apart from the rest."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.items = scan(source).items
        self._said = _COMMENT_OR_STRING.sub(lambda m: _blank(m[0]) if m[0][0] == "#" else m[0], source.text)
        """Without comments."""
        self._bare = _COMMENT_OR_STRING.sub(lambda m: _blank(m[0]), source.text)
        """Without comments and strings, so that signs and keywords can be looked for."""

    @property
    def definitions(self) -> str:
        """Everything but the tests, without comments and blank space: two files that build the same have it alike."""
        return "".join("".join(self._said[i.start : i.end].split()) for i in self.items if i.kind != "test")

    @property
    def networks(self) -> Text:
        """Everything but the tests, as written."""
        kept = "".join(self.source.text[i.start : i.end] for i in self.items if i.kind != "test")
        return Text(kept.rstrip(), Span(self.source, 0, len(self.source.text)))

    def tests(self) -> Iterator[Test]:
        """Yield the tests in the order of the file."""
        for item in self.items:
            if item.kind == "test":
                arguments, start = self._head(item)
                close = self._bare.rfind("}", start, item.end)
                yield Test(item.name, arguments, tuple(self._expectations(start, close if close >= 0 else item.end)))

    def _head(self, item: Item) -> tuple[str, int]:
        """Return the arguments of a test, and where its body begins."""
        opening = self._bare.find("{", item.start, item.end)
        body = opening + 1 if opening >= 0 else item.end
        start = self._bare.find("(", item.start, opening) if opening >= 0 else -1
        end = self._bare.rfind(")", item.start, opening) if opening >= 0 else -1
        return ("".join(self._said[start + 1 : end].split()) if 0 <= start < end else "", body)

    def _expectations(self, start: int, end: int) -> Iterator[Expectation]:
        bounds = [(m.start(), m.end()) for m in _EXPECT.finditer(self._bare, start, end)]
        for (_, begin), (stop, _) in pairwise([*bounds, (end, end)]):
            found = self.expectation(begin, stop)
            if found is not None:
                yield found

    def expectation(self, start: int, end: int) -> Expectation | None:
        """Return what stands between an `expect` and the next; `None` where nothing is said to be equal."""
        equals = _EQUALS.search(self._bare, start, end)
        if equals is None:
            return None
        within = _WITHIN.search(self._bare, equals.end(), end)
        return Expectation(
            self._text(start, equals.start()), self._text(equals.end(), within.start() if within else end)
        )

    def blank(self, span: Span) -> int:
        """Return where the `?` of an expectation stands."""
        return self._bare.index("?", span.start)

    def _text(self, start: int, end: int) -> Text:
        said = self._said[start:end]
        first, last = start + len(said) - len(said.lstrip()), start + len(said.rstrip())
        return Text(" ".join(said.split()), Span(self.source, first, max(first, last)))


def loose(ask: str) -> str:
    """Return an ask without what may be written in several ways: blank space and quotes."""
    return re.sub(r"[\s\"]", "", ask)


def _blank(text: str) -> str:
    return " " * len(text)
