"""The keys of one mapping, taken one by one. What is wrong is collected, so that one reading tells everything."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction

from archdsl.diagnostics import Diagnostic, Rule, closest
from archdsl.exam.reading.entries import Entry, Number, point
from archdsl.exam.sheet import WORDS_OF_SHARES, Hint
from archdsl.exam.texts import SheetError, Text
from archdsl.pipeline import ordered
from archdsl.rules import exam as rules
from archdsl.source import Span

ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,59}", re.ASCII)
_IDS = "letters, digits, `_` and `-`, as in `q1`"
MOST_TOLD = 100
"""Problems of one sheet that are told."""


class Findings:
    """The problems of a sheet."""

    def __init__(self) -> None:
        self.found: list[Diagnostic] = []

    def add(self, rule: Rule, message: str, span: Span, help: str | None = None) -> None:
        """Keep a problem, as long as there are not too many."""
        self.keep(Diagnostic(rule, message, span, help=help))

    def keep(self, diagnostic: Diagnostic) -> None:
        """Keep a diagnostic, as long as there are not too many."""
        if len(self.found) < MOST_TOLD:
            self.found.append(diagnostic)

    def tell(self) -> None:
        """End the reading where anything was found; problems are told in the order of the text.

        Raises:
            SheetError: there are problems.
        """
        if self.found:
            raise SheetError(ordered(self.found))


class Fields:
    """A mapping that is read as one thing of a sheet: `what` in messages, with the keys it may have."""

    def __init__(self, entry: Entry, what: str, known: Sequence[str], findings: Findings) -> None:
        self.entry = entry
        self.what = what
        self.findings = findings
        self.keyed = entry.value if isinstance(entry.value, dict) else {}
        if not isinstance(entry.value, dict):
            self.wrong(entry, f"{what} is a mapping with keys like {', '.join(known[:3])}")
        for key, (span, _) in self.keyed.items():
            if key not in known:
                close = closest(key, known)
                help = f"did you mean `{close}`?" if close else f"it has {', '.join(known)}"
                findings.add(rules.UNKNOWN_KEY, f"{what} has no key `{key[:40]}`", span, help)

    def __contains__(self, key: str) -> bool:
        return key in self.keyed

    def get(self, key: str) -> Entry | None:
        """Return the value of a key; one without a value counts as left out."""
        found = self.keyed.get(key)
        return found[1] if found and found[1].value is not None else None

    def span(self, key: str) -> Span:
        """Return the place of a key, or of the mapping where it is not there."""
        return self.keyed[key][0] if key in self.keyed else self.here

    @property
    def here(self) -> Span:
        """A short place that stands for the mapping."""
        first = next(iter(self.keyed.values()), None)
        start, end = self.entry.span.start, min(self.entry.span.end, self.entry.span.start + 1)
        return first[0] if first else point(self.entry.span.source, start, end - start)

    def wrong(self, entry: Entry, message: str, help: str | None = None) -> None:
        """Report a value that cannot be."""
        source, start, end = entry.span
        newline = source.text.find("\n", start, end)
        span = Span(source, start, newline if newline > start else end)
        found = "" if isinstance(entry.value, str | Number) else f", not {entry.kind}"
        self.findings.add(rules.WRONG_VALUE, message + found, span, help)

    def missing(self, key: str, help: str) -> None:
        """Report a key that is needed, unless what should hold it is no mapping."""
        if isinstance(self.entry.value, dict) and self.get(key) is None:
            self.findings.add(rules.MISSING_KEY, f"{self.what} needs `{key}`", self.span(key), help)

    def identifier(self, key: str) -> str:
        """Return a name that may stand in answers and file names; empty where it is missing or wrong."""
        self.missing(key, f"write `{key}: ...`; it is made of {_IDS}")
        entry = self.get(key)
        if entry is None:
            return ""
        text = entry.value.text if isinstance(entry.value, Number) else entry.value
        if isinstance(text, str) and ID.fullmatch(text):
            return text
        self.wrong(entry, f"`{key}` is made of {_IDS}")
        return ""

    def text(self, key: str) -> Text | None:
        """Return a text without the blank space at its end."""
        entry = self.get(key)
        return None if entry is None else self.as_text(entry, f"`{key}` is a text")

    def as_text(self, entry: Entry, message: str) -> Text | None:
        """Return an entry as a text; a number is one, as written."""
        value = entry.value.text if isinstance(entry.value, Number) else entry.value
        if not isinstance(value, str):
            help = "put it in quotes" if isinstance(value, bool | dict) else None
            self.wrong(entry, message, help)
            return None
        return Text(value.rstrip(), entry.span)

    def line(self, key: str) -> str:
        """Return a text of one line; empty where there is none."""
        found = self.text(key)
        return " ".join(found.text.split()) if found else ""

    def answer(self, entry: Entry) -> Text | None:
        """Return an answer as it would be typed: a text, a number, a list of numbers or of rows, true or false."""
        if isinstance(entry.value, tuple) and (typed := _typed(entry)):
            return Text(typed, entry.span)
        if isinstance(entry.value, bool):
            return Text(str(entry.value).lower(), entry.span)
        return self.as_text(entry, "an answer is a number, a text or a list of numbers")

    def number(self, key: str, least: int, most: int) -> Fraction | None:
        """Return a number within bounds, exactly; `None` where there is none."""
        entry = self.get(key)
        return None if entry is None else self.as_number(entry, f"`{key}`", least, most)

    def as_number(self, entry: Entry, what: str, least: int, most: int) -> Fraction | None:
        """Return an entry as an exact number within bounds."""
        if isinstance(entry.value, Number):
            try:
                value = entry.value.value
            except ValueError:
                value = Fraction(most + 1)
            if least <= value <= most:
                return value
        self.wrong(entry, f"{what} is a number from {least} to {most:,}")
        return None

    def share(self, key: str) -> Fraction | None:
        """Return a share of the marks: `full`, `half`, `none`, or a number from 0 to 1."""
        entry = self.get(key)
        return None if entry is None else self.as_share(entry, f"`{key}`")

    def as_share(self, entry: Entry, what: str) -> Fraction | None:
        """Return an entry as a share of the marks."""
        if isinstance(entry.value, str) and entry.value in WORDS_OF_SHARES:
            return WORDS_OF_SHARES[entry.value]
        if isinstance(entry.value, str):
            self.wrong(entry, f"{what} is a share of the marks: {', '.join(WORDS_OF_SHARES)} or a number from 0 to 1")
            return None
        return self.as_number(entry, what, 0, 1)

    def choice(self, key: str, allowed: Sequence[str | int]) -> str | int | None:
        """Return one of the allowed words or numbers; `None` where there is none."""
        entry = self.get(key)
        if entry is None:
            return None
        value = entry.value.text if isinstance(entry.value, Number) else entry.value
        found = next((one for one in allowed if str(one) == value), None)
        if found is None:
            words = [str(one) for one in allowed]
            said = entry.value if isinstance(entry.value, str) else ""
            close = closest(said.lower(), [w.lower() for w in words])
            meant = next((w for w in words if w.lower() == close), None)
            help = f"did you mean `{meant}`?" if meant else None
            self.wrong(entry, f"`{key}` is {', '.join(words[:-1])} or {words[-1]}", help)
        return found

    def items(self, key: str, most: int) -> tuple[Entry, ...]:
        """Return the elements of a list."""
        entry = self.get(key)
        if entry is None:
            return ()
        if not isinstance(entry.value, tuple):
            self.wrong(entry, f"`{key}` is a list")
            return ()
        if len(entry.value) > most:
            self.wrong(entry, f"`{key}` has at most {most:,} elements, and here {len(entry.value):,}")
            return ()
        return entry.value

    def pairs(self, key: str) -> dict[str, tuple[Span, Entry]]:
        """Return the keys and values of a mapping."""
        entry = self.get(key)
        if entry is None:
            return {}
        if isinstance(entry.value, dict):
            return entry.value
        self.wrong(entry, f"`{key}` is a mapping")
        return {}

    def hints(self, entry: Entry) -> tuple[Hint, ...]:
        """Return the steps of help for one part: texts, or mappings with `text` and `cost`."""
        found = []
        for item in entry.value if isinstance(entry.value, tuple) else (entry,):
            if isinstance(item.value, dict):
                fields = Fields(item, "a hint", ("text", "cost"), self.findings)
                fields.missing("text", "write what the hint says")
                text, cost = fields.text("text"), fields.share("cost")
            else:
                text, cost = self.as_text(item, "a hint is a text, or a mapping with `text` and `cost`"), None
            if text is not None:
                found.append(Hint(text, cost or Fraction(0)))
        return tuple(found)


def _typed(entry: Entry) -> str:
    """Return a list of numbers and rows as it would be typed; empty where something else is in it."""
    if isinstance(entry.value, tuple):
        items = [_typed(item) for item in entry.value]
        return f"[{', '.join(items)}]" if all(items) else ""
    value = entry.value.text if isinstance(entry.value, Number) else entry.value
    return value if isinstance(value, str) else ""
