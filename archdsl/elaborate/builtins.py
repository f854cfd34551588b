"""The functions of the language on numbers and lists. Each has bounded cost and says what it wants."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import accumulate
from typing import Any

from archdsl.sizes import Symbolic, maximum, minimum

LONGEST = 100_000
"""Elements of a list, and turns of a loop."""
HEAVIEST = 500_000
"""Elements of a list and of all lists in it."""
DEEPEST = 16
"""How deep lists may lie in lists."""


MOST_DIGITS = 300
"""Decimals that `round` keeps; a float has no more."""


class TooLong(Exception):
    """A list or loop has more elements than are built."""


def listed(value: Any) -> tuple[Any, ...]:
    """Return the elements of a list; raises `TypeError` where it is none and `TooLong` where there are too many."""
    if type(value) not in (tuple, range):
        raise TypeError("a list is wanted")
    if len(value) > LONGEST:
        raise TooLong(f"{len(value):,} elements, and {LONGEST:,} are the most that are built")
    return tuple(value)


def weight(value: Any, depth: int = 0) -> int:
    """Return how many elements a list has, those of the lists in it counted each time that they are read.

    Raises:
        TooLong: there are too many, or the lists are nested too deeply.
    """
    if depth > DEEPEST:
        raise TooLong(f"lists in lists, more than {DEEPEST} deep")
    total = len(listed(value))
    for item in value:
        if type(item) is tuple:
            total += weight(item, depth + 1)
        if total > HEAVIEST:
            break
    if total > HEAVIEST:
        raise TooLong(f"more than {HEAVIEST:,} elements, with those of the lists in it")
    return total


def _range(*bounds: Any) -> range:
    if not 1 <= len(bounds) <= 3 or any(type(b) is not int for b in bounds):
        raise TypeError("`range` takes one to three whole numbers")
    if len(bounds) == 3 and bounds[2] == 0:
        raise TypeError("the step of a `range` is not 0")
    numbers = range(*bounds)
    try:
        len(numbers)
    except OverflowError:
        raise TypeError("`range` has more numbers than can be counted") from None
    return numbers


def _extreme(name: str, values: tuple[Any, ...], choose: Callable[[Any, Any], Any]) -> Any:
    items = listed(values[0]) if len(values) == 1 else values
    if not items or any(type(v) not in (int, float, Symbolic) for v in items):
        raise TypeError(f"`{name}` takes numbers, or one list of them")
    best = items[0]
    for item in items[1:]:
        best = choose(best, item)
    return best


def _number(name: str, value: Any) -> int | float:
    if type(value) not in (int, float):
        raise TypeError(f"`{name}` takes a number")
    return value  # type: ignore[no-any-return]  # its type was just looked at


def _numbers(name: str, value: Any) -> tuple[Any, ...]:
    items = listed(value)
    if any(type(v) not in (int, float) for v in items):
        raise TypeError(f"`{name}` takes a list of numbers")
    return items


def _enumerate(value: Any, start: Any = 0) -> tuple[Any, ...]:
    if type(start) is not int:
        raise TypeError("`enumerate` counts from a whole number")
    return tuple(enumerate(listed(value), start))


def _len(value: Any) -> int:
    if type(value) not in (tuple, range, str):
        raise TypeError("`len` takes a list")
    return len(value)


def _reversed(value: Any) -> Any:
    return value[::-1] if type(value) is range else listed(value)[::-1]


def _round(value: Any, digits: Any = None) -> Any:
    if digits is not None and (type(digits) is not int or abs(digits) > MOST_DIGITS):
        raise TypeError(f"`round` takes a number and how many digits to keep, at most {MOST_DIGITS}")
    return round(_number("round", value), digits)


def _round_to(value: Any, divisor: Any = 8) -> int:
    """Round to a multiple, never down by more than a tenth, as EfficientNet and MobileNet do with channels.

    Source: Howard et al., `_make_divisible` as published with MobileNetV2, arXiv:1801.04381.
    """
    if type(divisor) is not int or divisor < 1:
        raise TypeError("`round_to` takes a number and a whole number from 1 up")
    number = _number("round_to", value)
    near = max(divisor, int(number + divisor / 2) // divisor * divisor)
    return near + divisor if near < 0.9 * number else near


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "range": _range,
    "enumerate": _enumerate,
    "zip": lambda *lists: tuple(zip(*map(listed, lists), strict=False)),
    "reversed": _reversed,
    "len": _len,
    "min": lambda *values: _extreme("min", values, lambda a, b: minimum(a, b) if _sizes(a, b) else min(a, b)),
    "max": lambda *values: _extreme("max", values, lambda a, b: maximum(a, b) if _sizes(a, b) else max(a, b)),
    "sum": lambda value: sum(_numbers("sum", value)),
    "cumsum": lambda value: tuple(accumulate(_numbers("cumsum", value))),
    "ceil": lambda value: math.ceil(_number("ceil", value)),
    "floor": lambda value: math.floor(_number("floor", value)),
    "round": _round,
    "round_to": _round_to,
}


def _sizes(a: Any, b: Any) -> bool:
    return isinstance(a, Symbolic) or isinstance(b, Symbolic)
