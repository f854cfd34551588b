"""Fixes put to use: in rounds, as far as they help, and never for the worse.

A round takes every fix that may be applied and overlaps none before it; what it uncovers is the next round's. The text
that is kept is the last one with no more errors than the text had before it. Where a round as a whole brings more to
light than it mends, its fixes are tried one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from archdsl.diagnostics import Diagnostic, Edit, Fix
from archdsl.elaborate import Module
from archdsl.pipeline import Checked, check
from archdsl.source import Source

MOST_ROUNDS = 100
"""After one another; a slip that is told once and made on many lines takes several."""
MOST_ATTEMPTS = 100
"""Of fixes that are tried one by one."""


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
    best = Mended(text, 0, check(read(text)))
    seen = {text}
    attempts = 0
    while attempts < MOST_ATTEMPTS:
        best = _in_rounds(best, read, wanted, seen)
        for fix in _applicable(best, wanted):
            attempts += 1
            alone = _after(best, [fix], read, seen)
            if alone is not None and alone.errors <= best.errors:
                best = alone
                break
            if attempts >= MOST_ATTEMPTS:
                return best
        else:
            return best
    return best


def _in_rounds(
    start: Mended, read: Callable[[str], Module], wanted: Callable[[Diagnostic], bool], seen: set[str]
) -> Mended:
    """Return the last text, round after round, that has no more errors than the best one before it."""
    best = current = start
    for _ in range(MOST_ROUNDS):
        following = _after(current, apart(_applicable(current, wanted)), read, seen)
        if following is None:
            break
        current = following
        if current.errors <= best.errors:
            best = current
    return best


def _after(start: Mended, fixes: Sequence[Fix], read: Callable[[str], Module], seen: set[str]) -> Mended | None:
    """Return a text with fixes applied, or `None` where it is none that has not been looked at before."""
    text = applied(start.checked.module.source, fixes)
    if not fixes or text in seen:
        return None
    seen.add(text)
    return Mended(text, start.applied + len(fixes), check(read(text)))


def _applicable(mended: Mended, wanted: Callable[[Diagnostic], bool]) -> list[Fix]:
    """Return the fixes that touch this text alone: an imported file is mended by its own name."""
    source = mended.checked.module.source
    fixes = [d.fix for d in mended.checked.diagnostics if d.fix is not None and wanted(d)]
    return [fix for fix in fixes if all(edit.span.source is source for edit in fix.edits)]


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
