"""Tables as spreadsheets write them, with the place of every cell; Python's reader keeps none.

Source: RFC 4180, section 2; besides, `;` and tab part cells, spaces may stand before a quote, and a first line
`sep=;` names the separator, as Excel writes it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from archdsl.diagnostics import Diagnostic, Label, Rule
from archdsl.exam.submissions.gathered import AnswersError
from archdsl.exam.texts import Text
from archdsl.rules import exam as rules
from archdsl.source import Source, Span

MOST_ROWS = 200_000
MOST_COLUMNS = 2_000
SEPARATORS = (",", ";", "\t")
_NAMED = re.compile(r"sep=(.)\n")
_LEAD = re.compile(r" *\"")
_CELL = {separator: re.compile(rf"[^{re.escape(separator)}\n]*") for separator in (*SEPARATORS, "|")}


def rows(source: Source, separator: str = "") -> Iterator[tuple[Text, ...]]:
    """Yield the rows of a table, blank ones left out; where no separator is said, the first row tells it.

    Raises:
        AnswersError: a quote is not closed, or the table is beyond the bounds.
    """
    start = 0
    if found := _NAMED.match(source.text):
        start = found.end()
        separator = separator or (found[1] if found[1] in _CELL else "")
    separator = separator or _separator(source, start)
    made = 0
    for row in _rows(source, start, separator):
        if any(cell.text.strip() for cell in row):
            made += 1
            if made > MOST_ROWS:
                raise _error(rules.ANSWERS_TOO_LARGE, f"more than {MOST_ROWS:,} rows", row[0].span, "split the class")
            yield row


def _separator(source: Source, start: int) -> str:
    """Return the sign that parts the first row into the most cells."""
    counts = {}
    for separator in SEPARATORS:
        first: tuple[Text, ...] = next(_rows(source, start, separator, lenient=True), ())
        counts[separator] = len(first)
    return max(SEPARATORS, key=lambda separator: counts[separator])


def _rows(source: Source, at: int, separator: str, *, lenient: bool = False) -> Iterator[tuple[Text, ...]]:
    text, end, cell = source.text, len(source.text), _CELL[separator]
    while at < end:
        row: list[Text] = []
        while True:
            if _LEAD.match(text, at):
                found, at = _quoted(source, at, separator, lenient)
            else:
                match = cell.match(text, at)
                assert match is not None, "a cell may be empty"
                found, at = Text(match[0].strip(), Span(source, at, match.end())), match.end()
            row.append(found)
            if len(row) > MOST_COLUMNS:
                message = f"more than {MOST_COLUMNS:,} cells in a row"
                raise _error(rules.ANSWERS_TOO_LARGE, message, found.span, None)
            if at >= end or text[at] == "\n":
                at += 1
                break
            at += 1  # behind the separator
        yield tuple(row)


def _quoted(source: Source, at: int, separator: str, lenient: bool) -> tuple[Text, int]:
    """Return a cell in quotes, and where what follows it stands."""
    text = source.text
    opened = text.index('"', at)
    place = opened + 1
    while True:
        close = text.find('"', place)
        if close < 0:
            if lenient:
                return Text("", Span(source, opened, opened + 1)), len(text)
            help = "close it, or write it twice inside a quoted cell"
            raise _error(rules.ANSWERS_SYNTAX, "the quote is never closed", Span(source, opened, opened + 1), help)
        if text[close + 1 : close + 2] == '"':
            place = close + 2
            continue
        break
    meant = text[opened + 1 : close].replace('""', '"')
    behind = _CELL[separator].match(text, close + 1)
    assert behind is not None, "what follows may be nothing"
    if behind[0].strip() and not lenient:
        help = 'inside a quoted cell a quote is written twice: `""`'
        span = Span(source, close + 1, behind.end())
        if "\n" in meant:
            help = f"it was opened in line {source.position(opened)[0]}; is the quote that closes it missing there?"
        related = (Label(Span(source, opened, opened + 1), "opened here"),)
        message = "a text goes on behind its closing quote"
        raise AnswersError((Diagnostic(rules.ANSWERS_SYNTAX, message, span, help=help, related=related),))
    return Text(meant.strip(), Span(source, opened, close + 1)), behind.end()


def _error(rule: Rule, message: str, span: Span, help: str | None) -> AnswersError:
    return AnswersError((Diagnostic(rule, message, span, help=help),))
