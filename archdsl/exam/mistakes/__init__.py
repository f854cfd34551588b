"""The catalogue: what students do, each mistake a row with the rule that was in fact used, one file a family."""

from __future__ import annotations

from archdsl.exam.mistakes import conventions, fields, memory, params, shapes, structure, transposed, work
from archdsl.exam.mistakes.slips import SLIPS, Slip, slips
from archdsl.exam.walk import Mistake

__all__ = ["CONVENTIONS", "IDS", "MISTAKES", "SLIPS", "Slip", "slips"]

FAMILIES = (shapes, transposed, params, fields, work, memory, structure, conventions)

MISTAKES: tuple[Mistake, ...] = tuple(row for family in FAMILIES for row in family.ROWS)
"""Every row in the order of the catalogue; rows of one id are forms of one misconception."""

CONVENTIONS: tuple[Mistake, ...] = conventions.ROWS

IDS = tuple(dict.fromkeys([*(row.id for row in MISTAKES), *(slip.id for slip in SLIPS)]))
