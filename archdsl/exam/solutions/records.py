"""What a worked solution is made of; how it is laid out is the formats' alone."""

from __future__ import annotations

from dataclasses import dataclass, field

from archdsl.ops.working import Step


@dataclass(frozen=True, slots=True)
class Rows:
    """A table: the first `left` columns are texts, the others numbers; the total stands below a line."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    total: tuple[str, ...] = ()
    left: int = 1


@dataclass(frozen=True, slots=True)
class Piece:
    """One step of a solution: lines of arithmetic, or a table, and what is to be said of it."""

    heading: str = ""
    lines: tuple[Step, ...] = ()
    total: str = ""
    """What the lines add up to, where they are several terms of a sum."""
    table: Rows | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Derivation:
    """How one quantity comes about; `brief` is its one line of working, and `remark` belongs to the answer."""

    pieces: tuple[Piece, ...]
    brief: str = ""
    remark: str = ""
    conventions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Solution:
    """The worked solution of one part."""

    part: str
    """The name of the part, `q1.e`."""
    asked: str
    """What is asked, in words: `receptive field of c`."""
    answer: str
    unit: str
    """What the answer counts, in words; empty where nobody would ask."""
    derivation: Derivation = field(default_factory=lambda: Derivation(()))

    @property
    def letter(self) -> str:
        """The part's own id, without that of its problem."""
        return self.part.rpartition(".")[2]

    @property
    def result(self) -> str:
        """The answer with what it counts."""
        return f"{self.answer} {self.unit}" if self.unit else self.answer
