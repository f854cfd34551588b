"""Values of Python as the text of an answer: numbers, shapes and lists, also those of libraries that are not imported.

What a library calls its numbers and tensors is told by what they can do: `tolist`, `__index__`, `__float__`.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from math import isfinite
from operator import index
from typing import Any

MOST_ELEMENTS = 10_000
"""Numbers of a list or an array."""
MOST_BITS = 4096
"""Of a whole number."""
DEEPEST = 8
"""How deep lists may nest."""


def as_text(value: object) -> str:
    """Return a value as somebody would write it.

    Raises:
        TypeError: it is nothing that answers a question.
        ValueError: it holds too many numbers.
    """
    if value is None:
        return ""
    if isinstance(value, str):
        return str(value)
    if isinstance(value, bool):
        return "possible" if value else "impossible"
    listed = _listed(value)
    if isinstance(listed, bool):
        return as_text(listed)
    if isinstance(listed, tuple | list):
        numbers = tuple(_flat(listed, 0))
        if len(numbers) > MOST_ELEMENTS:
            raise ValueError(f"an answer has at most {MOST_ELEMENTS:,} numbers")
        return f"({', '.join(numbers)})"
    return _number(listed)


def _listed(value: Any) -> Any:
    """Return an array, a tensor or a number of a library as Python's own."""
    size = getattr(value, "numel", None) or getattr(value, "size", None)
    count = size() if callable(size) and not isinstance(value, tuple | list) else size
    if isinstance(count, int) and count > MOST_ELEMENTS:
        raise ValueError(f"an answer has at most {MOST_ELEMENTS:,} numbers")
    tolist = getattr(value, "tolist", None)
    return tolist() if callable(tolist) else value


def _flat(values: Any, depth: int) -> Iterator[str]:
    if depth > DEEPEST:
        raise ValueError(f"lists nest at most {DEEPEST} deep")
    if len(values) > MOST_ELEMENTS:
        raise ValueError(f"an answer has at most {MOST_ELEMENTS:,} numbers")
    for one in values:
        listed = _listed(one)
        if isinstance(listed, tuple | list):
            yield from _flat(listed, depth + 1)
        else:
            yield "None" if listed is None else _number(listed)


def _number(value: Any) -> str:
    """Return a number as a text that reads back as the same number."""
    if isinstance(value, Fraction):
        return str(value)
    try:
        whole = index(value)
    except TypeError:
        pass
    else:
        if whole.bit_length() > MOST_BITS:
            raise ValueError(f"a number has at most {MOST_BITS:,} bits")
        return str(whole)
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise TypeError(f"`{type(value).__name__}` is no answer: give a number, a shape or a text") from None
    if isfinite(number) and number == int(number) and abs(number) < 2**53:
        return str(int(number))
    return repr(number)
