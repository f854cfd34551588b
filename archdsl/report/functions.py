"""Functions of input sizes as data, whole: what texts of them cut short where they go by residues.

A size is `slope·q + offset(rest)` where its symbol is `period·q + rest`; a cost is a sum of products of sizes.
"""

from __future__ import annotations

from itertools import groupby
from typing import Any

from archdsl.sizes import Condition, Symbolic
from archdsl.sizes.flips import Flips, both
from archdsl.sizes.polynomials import Number, Polynomial


class Functions:
    """The sizes that numbers are made of: each is written once, and products name it by its place."""

    def __init__(self) -> None:
        self._places: dict[Symbolic, int] = {}

    def terms(self, number: Number) -> list[dict[str, Any]]:
        """Return a number as a sum: coefficients, and the places of the sizes that each is multiplied by."""
        return [
            {
                "coefficient": factor,
                "factors": [self._places.setdefault(size, len(self._places)) for size in monomial],
            }
            for monomial, factor in Polynomial.of(number).terms.items()
        ]

    def shape(self, sizes: tuple[Number, ...]) -> list[Any]:
        """Return a shape: its numbers as they are, and its functions as sums."""
        return [size if isinstance(size, int) else self.terms(size) for size in sizes]

    def as_list(self) -> list[dict[str, Any]]:
        """Return what the places stand for."""
        return [_line(size) for size in self._places]


def _line(size: Symbolic) -> dict[str, Any]:
    """Return a size: each offset with the rest from which on it holds, up to that of the next."""
    starts: list[list[int]] = []
    rest = 0
    for offset, alike in groupby(size.offsets):
        starts.append([rest, offset])
        rest += sum(1 for _ in alike)
    return {"of": size.domain.name, "period": size.period, "slope": size.slope, "offsets": starts}


def in_variables(polynomial: Polynomial) -> list[dict[str, Any]]:
    """Return a polynomial along one residue of each size, in the variables that count along it."""
    return [
        {"coefficient": factor, "factors": [str(variable) for variable in monomial]}
        for monomial, factor in polynomial.terms.items()
    ]


def members(condition: Condition) -> dict[str, Any]:
    """Return a set of sizes from 1 on: the `period·q + rest` for each rest from one to another and q from one to
    another, to no end where that is `None`.
    """
    rows = [both(condition.rows[0], (1,)), *condition.rows[1:]]  # for a rest of 0 the first size is that of q = 1
    found: list[dict[str, Any]] = []
    rest = 0
    for row, alike in groupby(rows):
        count = sum(1 for _ in alike)
        if row:
            found.append({"rests": [rest, rest + count - 1], "turns": _turns(row)})
        rest += count
    return {"period": condition.period, "rows": found}


def _turns(row: Flips) -> list[list[int | None]]:
    ends: list[int | None] = [stop - 1 for stop in row[1::2]]
    return [[start, stop] for start, stop in zip(row[::2], [*ends, None] if len(row) % 2 else ends, strict=True)]
