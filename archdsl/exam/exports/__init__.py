"""Sheets for other programs: Moodle, Canvas, Gradescope, LaTeX, Markdown, PrairieLearn, R/exams and Anki.

A sheet is worked out once, and each target only lays it out. What a target cannot represent is in the report that
comes with the files.
"""

from __future__ import annotations

from dataclasses import dataclass

from archdsl.exam.exports.anki import TARGET as ANKI
from archdsl.exam.exports.collecting import collect
from archdsl.exam.exports.gradescope import TARGET as GRADESCOPE
from archdsl.exam.exports.latex import TARGET as LATEX
from archdsl.exam.exports.layout import File, Target
from archdsl.exam.exports.losses import Loss, Refusal, losses
from archdsl.exam.exports.markdown import TARGET as MARKDOWN
from archdsl.exam.exports.moodle import TARGET as MOODLE
from archdsl.exam.exports.prairielearn import TARGET as PRAIRIELEARN
from archdsl.exam.exports.qti import TARGET as QTI
from archdsl.exam.exports.rexams import TARGET as REXAMS
from archdsl.exam.sheet import Sheet

__all__ = ["MOST_VARIANTS", "TARGETS", "Export", "export"]

TARGETS: dict[str, Target] = {
    "moodle": MOODLE,
    "qti": QTI,
    "latex": LATEX,
    "md": MARKDOWN,
    "gradescope": GRADESCOPE,
    "prairielearn": PRAIRIELEARN,
    "rexams": REXAMS,
    "anki": ANKI,
}
"""Every target by the name that the command line has for it."""

MOST_VARIANTS = 1000


@dataclass(frozen=True)
class Export:
    """The files for a target by their paths, and what became of the sheet in them."""

    files: dict[str, File]
    parts: int
    """Questions that were laid out, over all variants."""
    losses: tuple[Loss, ...]
    refused: tuple[Refusal, ...]


def export(sheet: Sheet, to: str, *, variants: int = 1, seed: int | str = 0) -> Export:
    """Return a sheet laid out for a target; the same sheet, variants and seed give the same bytes.

    Raises:
        SheetError: a net has errors, or a problem cannot be drawn.
        ValueError: there is no such target, or not so many variants.
    """
    if to not in TARGETS:
        raise ValueError(f"a sheet is exported to {', '.join(TARGETS)}, not to {to}")
    if not 1 <= variants <= MOST_VARIANTS:
        raise ValueError(f"there are 1 to {MOST_VARIANTS:,} variants, not {variants:,}")
    target = TARGETS[to]
    book, unanswered = collect(sheet, variants, seed)
    kept, refused = target.sift(book)
    laid = target.lay_out(kept)
    lost = losses(kept, target.keeps, laid.notes)
    return Export(laid.files, sum(1 for _ in kept.items), lost, (*unanswered, *refused))
