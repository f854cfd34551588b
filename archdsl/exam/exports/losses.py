"""What a target does not keep of a sheet: the report that goes with every export."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from archdsl.exam.exports.items import Book, Item


class Feature(Enum):
    """Something that a part has and a target may lack, in the words of the report."""

    DIAGNOSIS = "diagnosis"
    """A wrong value is told from another."""
    PARTIAL_CREDIT = "marks for a mistake"
    """A wrong value earns a share."""
    FOLLOW_THROUGH = "follow-through"
    """What is right from the student's own earlier answers."""
    FORMS = "an answer in another form (1.79k, 3*3*64+64, 64@32x32)"
    """All that the answer reader accepts beside plain numbers."""
    SLIPS = "marks for the method"
    """A right calculation with a wrong sum, a rounding that is too coarse, a shape without channels."""
    CALCULATION = "that the calculation is asked for"
    HINTS = "hints"
    HINT_COSTS = "what a hint costs"
    MARKS = "marks"
    WHOLE_SHAPE = "a shape marked as a whole"
    """Each size is marked by itself."""
    TOLERANCE = "an answer within a tolerance"

    def of(self, item: Item) -> bool:
        """Tell whether a part has it."""
        part, is_open = item.part, bool(item.blanks)
        match self:
            case Feature.DIAGNOSIS:
                return bool(item.wrong) if is_open else any(o.said for o in item.options if not o.is_right)
            case Feature.PARTIAL_CREDIT:
                shares = [w.share for w in item.wrong] if is_open else [o.share for o in item.options if not o.is_right]
                return any(shares)
            case Feature.FOLLOW_THROUGH:
                return is_open and item.is_followed and part.marking.follow_through > 0
            case Feature.FORMS | Feature.SLIPS:
                return is_open
            case Feature.CALCULATION:
                return is_open and part.form == "expression"
            case Feature.HINTS:
                return bool(item.hints)
            case Feature.HINT_COSTS:
                return any(hint.cost for hint in item.hints)
            case Feature.MARKS:
                return True
            case Feature.WHOLE_SHAPE:
                return len(item.blanks) > 1
            case Feature.TOLERANCE:
                return bool(item.room)


ALL = frozenset(Feature)


@dataclass(frozen=True, slots=True)
class Note:
    """Something that a target says otherwise than the sheet, and in which parts."""

    what: str
    part: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """A part that is not in the export, and why."""

    part: str
    why: str


@dataclass(frozen=True)
class Loss:
    """One line of the report: what is lost, and in which parts."""

    what: str
    parts: tuple[str, ...]

    def __str__(self) -> str:
        count = f"{len(self.parts)} part{'s' if len(self.parts) > 1 else ''}"
        return f"{self.what}: {count} ({', '.join(self.parts)})"


def losses(book: Book, keeps: frozenset[Feature], notes: Iterable[Note] = ()) -> tuple[Loss, ...]:
    """Return what a target that keeps some features loses of a book; a part counts once over all its variants."""
    found: dict[str, dict[str, None]] = {}
    for feature in Feature:
        if feature not in keeps:
            for item in book.items:
                if feature.of(item):
                    found.setdefault(f"{feature.value} not representable", {})[item.part.name] = None
    for note in notes:
        found.setdefault(note.what, {})[note.part] = None
    return tuple(Loss(what, tuple(parts)) for what, parts in found.items())


def told(refusals: Iterable[Refusal]) -> Iterator[str]:
    """Yield a line for each part that is not exported; the same reason in several variants is told once."""
    reasons: Mapping[tuple[str, str], None] = {(one.part, one.why): None for one in refusals}
    for part, why in reasons:
        yield f"{part} cannot be exported: {why}"
