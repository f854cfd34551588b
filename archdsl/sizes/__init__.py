"""Sizes of an axis: numbers, or exact functions of one symbol such as the height H of the input.

A rule of an op never branches on a size in Python. It says `require(size >= reach, ...)` and
`where(condition, a, b)`, and one line then serves an int and a symbol. What a symbol must satisfy is
collected in its `Domain`, so that asking a network for its shapes also answers which inputs it takes.

Nothing here is approximate: an operation whose result has no exact form raises `ShapeError` with the
rule `size-needed`. Values do not change when their domain narrows later; only how they print does.
"""

from archdsl.sizes.conditions import LONGEST_PERIOD, Condition, Domain, ShapeError
from archdsl.sizes.symbolic import (
    Size,
    Symbolic,
    at,
    ceildiv,
    equal,
    floordiv,
    known,
    maximum,
    minimum,
    modulo,
    require,
    symbol,
    where,
)

__all__ = [
    "LONGEST_PERIOD",
    "Condition",
    "Domain",
    "ShapeError",
    "Size",
    "Symbolic",
    "at",
    "ceildiv",
    "equal",
    "floordiv",
    "known",
    "maximum",
    "minimum",
    "modulo",
    "require",
    "symbol",
    "where",
]
