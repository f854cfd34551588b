"""Rule, Label, Diagnostic: what was found, where, and what to do. How one is drawn is `render`'s alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches

from archdsl.source import Span


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of problem and its page: a stable code, why it matters, a bad and a good program.

    People arrive with the words of other programs, so a page names what those say of the same mistake: their
    messages to the letter, with `...` for what differs each time.
    """

    code: str
    name: str
    summary: str
    why: str
    bad: str
    good: str
    in_words: str = ""
    """What the bad program is, where it cannot be printed."""
    causes: tuple[str, ...] = ()
    """What is usually behind it, most frequent first, each with its cure."""
    see: tuple[str, ...] = ()
    """What to read next: codes, layers, sections of the language reference."""
    pytorch: tuple[str, ...] = ()
    keras: tuple[str, ...] = ()
    python: tuple[str, ...] = ()

    @property
    def elsewhere(self) -> dict[str, tuple[str, ...]]:
        """What other programs say, by their names; only of those that say something."""
        said = {"PyTorch": self.pytorch, "Keras": self.keras, "Python": self.python}
        return {who: messages for who, messages in said.items() if messages}

    @property
    def severity(self) -> str:
        """`error` for codes E...., `warning` for the lints W...."""
        return "error" if self.code.startswith("E") else "warning"


@dataclass(frozen=True, slots=True)
class Label:
    """A place in a text and what is to be said there."""

    span: Span
    text: str = ""


@dataclass(frozen=True, slots=True)
class Edit:
    """What takes the place of the text of a span; an empty span is where something is inserted."""

    span: Span
    replacement: str


@dataclass(frozen=True, slots=True)
class Fix:
    """Edits that together mend the problem. A safe one keeps every number, or repairs a slip that meant one thing."""

    title: str
    edits: tuple[Edit, ...]
    safe: bool = False

    @classmethod
    def replacing(cls, span: Span, replacement: str, *, title: str = "", safe: bool = False) -> Fix:
        """Return the fix of one edit, by default titled with what is to be written."""
        named = f"write `{replacement.strip()}`" if replacement.strip() else f"leave out `{span.text.strip()}`"
        return cls(title or named, (Edit(span, replacement),), safe)


def renaming(span: Span, old: str, new: str, *, safe: bool = False) -> Fix | None:
    """Return the fix that writes one name for another where it first stands in a span, or `None` where it does not."""
    found = re.search(rf"(?<!\w){re.escape(old)}(?!\w)", span.text)
    if found is None:
        return None
    start = span.start + found.start()
    return Fix.replacing(Span(span.source, start, start + len(old)), new, safe=safe)


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One problem: where, what was compared, why, and what to do."""

    rule: Rule
    message: str
    span: Span
    label: str = ""
    related: tuple[Label, ...] = ()
    notes: tuple[str, ...] = ()
    frames: tuple[Label, ...] = ()
    help: str | None = None
    fix: Fix | None = None
    layer: str | None = None
    also: tuple[str, ...] = field(default=())
    """Paths of later instances that fail in the same way."""

    @property
    def code(self) -> str:
        return self.rule.code

    @property
    def severity(self) -> str:
        return self.rule.severity

    def __str__(self) -> str:
        return render(self)


MOST_COMPARED = 200


def closest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that was probably meant. Of very many, only some of about the same length are compared."""
    if len(name) > WIDEST:
        return None
    names = list(dict.fromkeys(known))
    if len(names) > MOST_COMPARED:
        names = [other for other in names if abs(len(other) - len(name)) <= 2][:MOST_COMPARED]
    return next(iter(get_close_matches(name, names, n=1)), None)


class SpecError(Exception):
    """A spec that has errors; carries every diagnostic of the run."""

    def __init__(self, diagnostics: tuple[Diagnostic, ...]) -> None:
        super().__init__("\n\n".join(map(render, diagnostics)))
        self.diagnostics = diagnostics


Paint = Callable[[str, str], str]
"""Gives a text the style of a role: `error`, `warning`, `help`, `frame`, `mark`."""

WIDEST = 140
"""Longer source lines are cut around the place they are shown for."""
LONGEST = 1000
"""Longer messages are cut."""


def plain(text: str, role: str) -> str:
    """Return the text as it is."""
    return text


def render(diagnostic: Diagnostic, paint: Paint = plain) -> str:
    """Draw a diagnostic: the message, the lines it concerns with carets, frames, notes and help."""
    lines = [
        paint(f"{diagnostic.severity}[{diagnostic.code}]", diagnostic.severity) + f": {_visible(diagnostic.message)}"
    ]
    lines.append(paint("  --> ", "frame") + _visible(str(diagnostic.span)))
    lines.extend(_excerpt(diagnostic, paint))
    margin = " " * _gutter(diagnostic)
    for frame in diagnostic.frames:
        lines.append(paint(f"{margin} = ", "frame") + _visible(f"in {frame.text}    {frame.span}"))
    if diagnostic.also:
        lines.append(paint(f"{margin} = ", "frame") + _visible(f"and in {', '.join(diagnostic.also)}"))
    for note in diagnostic.notes:
        lines.append(paint(f"{margin} = ", "frame") + f"note: {_indented(note, margin)}")
    if diagnostic.help:
        lines.append(paint(f"{margin} = ", "frame") + paint("help", "help") + f": {_indented(diagnostic.help, margin)}")
    return "\n".join(lines)


def concise(diagnostic: Diagnostic) -> str:
    """Return the diagnostic on one line: `tiny.arch:9:17: error[E0305] ...`."""
    fix = " [fix]" if diagnostic.fix else ""
    return _visible(f"{diagnostic.span}: {diagnostic.severity}[{diagnostic.code}] {diagnostic.message}{fix}")


def _indented(text: str, margin: str) -> str:
    return _visible(text).replace("\n", f"\n{margin}         ")


def _gutter(diagnostic: Diagnostic) -> int:
    last = max(label.span.line for label in (Label(diagnostic.span), *_here(diagnostic)))
    return len(str(last)) + 1


def _here(diagnostic: Diagnostic) -> tuple[Label, ...]:
    """Related places in the same source; one elsewhere is told as a line of its own."""
    return tuple(label for label in diagnostic.related if label.span.source is diagnostic.span.source)


def _excerpt(diagnostic: Diagnostic, paint: Paint) -> list[str]:
    marks = [(Label(diagnostic.span, diagnostic.label), "^", diagnostic.severity)]
    marks += [(label, "-", "mark") for label in _here(diagnostic)]
    marks.sort(key=lambda mark: (mark[0].span.line, mark[0].span.start))
    gutter = _gutter(diagnostic)
    bar = paint(" " * gutter + " |", "frame")
    lines = [bar]
    shown = 0
    for label, sign, role in marks:
        number = label.span.line
        text, column = _window(label.span)
        if number != shown:
            if shown and number > shown + 1:
                lines.append(paint("...", "frame"))
            lines.append(paint(f"{number:>{gutter}} |", "frame") + f" {_visible(text)}".rstrip())
            shown = number
        width = max(1, min(label.span.end - label.span.start, len(text) - column))
        lead = "".join("\t" if character == "\t" else " " for character in text[:column])
        lines.append(f"{bar} {lead}{paint(sign * width + (f' {_visible(label.text)}' if label.text else ''), role)}")
    for label in diagnostic.related:
        if label.span.source is not diagnostic.span.source:
            lines.append(paint(" " * gutter + " = ", "frame") + _visible(f"{label.span}: {label.text}"))
    return lines


def _window(span: Span) -> tuple[str, int]:
    """Return the line on which a span begins, cut where it is very long, and where in it the span begins."""
    text, column = span.source.text, span.column - 1
    first = span.start - column
    last = text.find("\n", span.start, first + max(column, WIDEST) + WIDEST)
    last = last if last >= 0 else min(len(text), first + max(column, WIDEST) + WIDEST)
    if last - first > WIDEST:
        first = max(first, min(span.start - WIDEST // 3, last - WIDEST))
    return text[first : min(last, first + WIDEST)].rstrip("\r"), span.start - first


_VISIBLE = {code: 0x2400 + code for code in range(32) if chr(code) not in "\t\n"}
_VISIBLE |= {0x7F: 0x2421} | dict.fromkeys(
    (0x61C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)), 0xFFFD
)
"""What would move the cursor of a terminal or turn the direction of a text, and the sign that is shown for it."""


def _visible(text: str) -> str:
    return (text if len(text) <= LONGEST else f"{text[:LONGEST]}...").translate(_VISIBLE)
