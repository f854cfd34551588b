"""What a lint says of an item."""

from __future__ import annotations

from dataclasses import dataclass, field

from archdsl.source import Span

CODES = {
    "L1": "a mistake that the item is about gives the right answer",
    "L2": "two mistakes that are two ideas end in one answer",
    "L3": "a layer drops positions, and the sheet does not say how sizes are rounded",
    "L4": "the text does not say how many channels the input has",
    "L5": "the answer is too small to tell mistakes apart",
    "L6": "two students have the same variant",
    "L7": "an option is right under another convention",
    "L8": "the text contradicts the network",
    "L9": "the tolerance holds the value of a mistake",
    "L10": "a part builds on a value that no part before it asks for",
}
"""Every lint, and what it finds."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that an item cannot do, or does by accident."""

    code: str
    parts: tuple[str, ...]
    """The names of the parts, `q1.e`, the one to look at first; of the problem, where it is none of a part."""
    said: str
    """A sentence without a full stop."""
    span: Span | None = field(default=None, compare=False, repr=False)
    ids: tuple[str, ...] = ()
    """The mistakes or conventions that it is about."""

    @property
    def name(self) -> str:
        """The part that it is told of."""
        return self.parts[0]

    def __str__(self) -> str:
        return f"{self.name}  {self.code}  {self.said}"
