"""What a row is: a pattern, what to say where it is found, and the cure."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from archdsl.diagnostics import Diagnostic, Fix, Rule
from archdsl.rules import syntax
from archdsl.source import Source, Span

MODEL = "a model looks like `model Net {{ input x: [3, 32, 32]  output x -> conv: Conv2d(8, 3) }}`"
LOOP = "a loop runs over a list: `for i in range(3) {{ ... }}`"
ARROW = "layers follow each other with `->`"
_DEFINE = "(?P<kind>model|block|seq)"
"""What stands for `DEFINE` in a pattern."""

Text = str | Callable[[re.Match[str]], str]
"""What is said: a text with `{0}`, `{name}` for what the pattern and its groups found, or a function of the match."""


@dataclass(frozen=True)
class Slip:
    """One row. The group `here` of the pattern, else all of it, is what the message points at."""

    pattern: str
    message: Text
    help: Text
    rule: Rule = syntax.UNEXPECTED
    ends: bool = False
    """Whether nothing more of the definition can be read after it."""
    fix: str | Callable[[re.Match[str]], str | None] | None = None
    """What stands in place of the group `edit`, else of what the message points at; `None` where nothing is sure."""
    safe: bool = True
    """Whether that is the one thing that can have been meant."""

    @cached_property
    def regex(self) -> re.Pattern[str]:
        """The pattern, compiled when a text has a mistake and not before."""
        return re.compile(self.pattern.replace("DEFINE", _DEFINE), re.MULTILINE)

    def place(self, match: re.Match[str]) -> tuple[int, int]:
        """Return where in the text that was searched the message points."""
        return match.span("here" if "here" in self.regex.groupindex else 0)

    def told(self, match: re.Match[str], source: Source, shift: int = 0) -> Diagnostic:
        """Return the diagnostic of a match, whose text begins at `shift` in the source."""
        start, end = self.place(match)
        span = Span(source, start + shift, end + shift)
        message, help = _filled(self.message, match), _filled(self.help, match)
        return Diagnostic(self.rule, message, span, help=help, fix=self._mended(match, source, shift))

    def _mended(self, match: re.Match[str], source: Source, shift: int) -> Fix | None:
        start, end = match.span("edit") if "edit" in self.regex.groupindex else self.place(match)
        if self.fix is None or start < 0:
            return None
        if isinstance(self.fix, str):
            meant: str | None = _filled(self.fix, match) if "{" in self.fix else self.fix
        else:
            meant = self.fix(match)
        return None if meant is None else Fix.replacing(Span(source, start + shift, end + shift), meant, safe=self.safe)


def _filled(text: Text, match: re.Match[str]) -> str:
    if not isinstance(text, str):
        return text(match)
    groups = {name: (value or "").strip() for name, value in match.groupdict().items()}
    return text.format(" ".join(match[0].split()), **groups)
