"""Fixes put to use: in rounds, as far as they help, and never for the worse.

A round takes every fix that may be applied and overlaps none before it; what it uncovers is the next round's. The text
that is kept is the last one with no more errors than the text had before it. Where a round as a whole brings more to
light than it mends, its fixes are tried one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from archdsl.diagnostics import Diagnostic, Edit, Fix
from archdsl.elaborate import Module
from archdsl.pipeline import Checked, check
from archdsl.source import Source

MOST_LOOKS = 200
"""Texts of one file that are checked on the way; a slip that is told once and made on many lines takes several."""


@dataclass(frozen=True)
class Mended:
    """A text with its fixes applied, how many they were, and what is found in it."""

    text: str
    applied: int
    checked: Checked

    @property
    def errors(self) -> int:
        return sum(d.severity == "error" for d in self.checked.diagnostics)


def mend(text: str, read: Callable[[str], Module], wanted: Callable[[Diagnostic], bool]) -> Mended:
    """Apply the fixes of the diagnostics that are wanted, until none is left or none helps.

    `read` enters a text as the file that it is, so that its imports are found.
    """
    return _Mending(read, wanted).mended(Mended(text, 0, check(read(text))))


@dataclass
class _Mending:
    """The work on one text, with the texts that were looked at."""

    read: Callable[[str], Module]
    wanted: Callable[[Diagnostic], bool]
    seen: set[str] = field(default_factory=set)

    def mended(self, start: Mended) -> Mended:
        self.seen.add(start.text)
        best = self._in_rounds(start)
        while (better := self._one_by_one(best)) is not None:
            best = self._in_rounds(better)
        return best

    def _in_rounds(self, start: Mended) -> Mended:
        """Return the last text, round after round, that has no more errors than the best one before it."""
        best, current = start, self._after(start, apart(self._fixes(start)))
        while current is not None:
            if current.errors <= best.errors:
                best = current
            current = self._after(current, apart(self._fixes(current)))
        return best

    def _one_by_one(self, start: Mended) -> Mended | None:
        """Return a text with the first fix applied that by itself brings no more errors."""
        for fix in self._fixes(start):
            alone = self._after(start, [fix])
            if alone is not None and alone.errors <= start.errors:
                return alone
        return None

    def _fixes(self, mended: Mended) -> list[Fix]:
        """Return the fixes that touch this text alone: an imported file is mended by its own name."""
        source = mended.checked.module.source
        found = [(d.fix, self.wanted(d)) for d in mended.checked.diagnostics if d.fix is not None]
        # Where another model of the file reads the same text otherwise, what is safe for the one is not for both.
        doubted = {_places(fix) for fix, wanted in found if not wanted}
        fixes = [fix for fix, wanted in found if wanted and _places(fix) not in doubted]
        return [fix for fix in fixes if all(edit.span.source is source for edit in fix.edits)]

    def _after(self, start: Mended, fixes: Sequence[Fix]) -> Mended | None:
        """Return a text with fixes applied; `None` where that is nothing new, cures nothing, or is one too many."""
        text = applied(start.checked.module.source, fixes)
        if text in self.seen or len(self.seen) >= MOST_LOOKS:
            return None
        self.seen.add(text)
        made = Mended(text, start.applied + len(fixes), check(self.read(text)))
        return None if _repeated(fixes, self._fixes(made)) else made


def _places(fix: Fix) -> tuple[tuple[int, int], ...]:
    return tuple((edit.span.start, edit.span.end) for edit in fix.edits)


def _repeated(before: Sequence[Fix], after: Sequence[Fix]) -> bool:
    """Return whether something that was written is to be written over in the same way, so that it was no cure."""
    shift = 0
    written = sorted(((edit, fix.title) for fix in before for edit in fix.edits), key=lambda pair: pair[0].span.start)
    again = [(edit.span, fix.title) for fix in after for edit in fix.edits]
    for edit, title in written:
        first = edit.span.start + shift
        last = first + len(edit.replacement)
        shift += last - first - (edit.span.end - edit.span.start)
        if last > first and any(t == title and span.start <= last and first <= span.end for span, t in again):
            return True
    return False


def apart(fixes: Sequence[Fix]) -> list[Fix]:
    """Return the fixes, in the order of the text, whose edits neither overlap nor touch those taken before them."""
    taken: list[Fix] = []
    places: list[tuple[int, int]] = []
    for fix in sorted(fixes, key=lambda fix: fix.edits[0].span.start):
        together = list(places)
        for edit in fix.edits:
            start, end = edit.span.start, edit.span.end
            if not all(end < first or last < start for first, last in together):
                break
            together.append((start, end))
        else:
            taken.append(fix)
            places = together
    return taken


def applied(source: Source, fixes: Sequence[Fix]) -> str:
    """Return the text with fixes applied that lie apart; new lines end as the others of the text do."""
    edits: list[Edit] = sorted((edit for fix in fixes for edit in fix.edits), key=lambda edit: edit.span.start)
    windows = "\r\n" in source.text
    parts: list[str] = []
    at = 0
    for edit in edits:
        replacement = edit.replacement.replace("\n", "\r\n") if windows else edit.replacement
        parts += [source.text[at : edit.span.start], replacement]
        at = edit.span.end
    return "".join([*parts, source.text[at:]])
