"""Arithmetic of an ask with its numbers filled in: `2,432 / 18,496`."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from archdsl.exam.asks import Constant, Drawn, Element, Function, Negative, Operation, Question, Term, Value
from archdsl.exam.sentences import shown

_SIGNS = {"*": " · ", "/": " / ", "//": " // ", "%": " mod ", "+": " + ", "-": " − ", "**": "^"}
_TIGHT = {"+": 1, "-": 1, "*": 2, "/": 2, "//": 2, "%": 2, "**": 4}
_NEGATIVE, _ATOM = 3, 5
LONGEST = 24
"""Digits of a decimal that is written out; longer ones are fractions."""


def written(term: Term, leaf: Callable[[Term], str]) -> str:
    """Return a term as one writes it; `leaf` gives the text of a quantity, of one size of a shape, or of a name."""
    return _written(term, leaf)[0]


def _written(term: Term, leaf: Callable[[Term], str]) -> tuple[str, int]:
    """Return the text and how tightly it is bound."""
    match term:
        case Constant(value=value):
            return exact(value), _binding(value)
        case Negative(of=inner):
            return f"−{_within(inner, leaf, _NEGATIVE)}", _NEGATIVE
        case Operation(sign=sign, left=left, right=right):
            bound = _TIGHT[sign]
            joined = sign in "+*" and isinstance(right, Operation) and right.sign == sign
            one = _within(left, leaf, bound + (sign == "**"))
            other = _within(right, leaf, _NEGATIVE if sign == "**" else bound + (not joined))
            return f"{one}{_SIGNS[sign]}{other}", bound
        case Function(name=name, arguments=arguments):
            inside = ", ".join(written(argument, leaf) for argument in arguments)
            brackets = {"floor": "⌊⌋", "ceil": "⌈⌉", "abs": "||"}.get(name)
            return f"{brackets[0]}{inside}{brackets[1]}" if brackets else f"{name}({inside})", _ATOM
    text = leaf(term)
    return text, _ATOM if text.replace(",", "").replace(".", "").isalnum() or text[:1] not in "−(" else _NEGATIVE


def _within(term: Term, leaf: Callable[[Term], str], needed: int) -> str:
    text, bound = _written(term, leaf)
    return f"({text})" if bound < needed else text


def _binding(value: Fraction) -> int:
    return _NEGATIVE if value < 0 else 2 if "/" in exact(value) else _ATOM


def exact(value: Fraction | int) -> str:
    """Return a number without rounding: a decimal where it has an end, else a fraction."""
    number = Fraction(value)
    sign, number = ("−" if number < 0 else ""), abs(number)
    if number.denominator == 1:
        return f"{sign}{int(number):,}"
    digits = 0
    while digits < LONGEST and (number * 10**digits).denominator != 1:
        digits += 1
    scaled = number * 10**digits
    if scaled.denominator != 1:
        return f"{sign}{number.numerator:,}/{number.denominator:,}"
    whole, rest = divmod(int(scaled), 10**digits)
    return f"{sign}{whole:,}.{rest:0{digits}d}"


def leaf_value(value: Value) -> str:
    """Return the value of a quantity or a name inside a calculation."""
    return exact(value) if isinstance(value, Fraction | int) and not isinstance(value, bool) else shown(value)


def leaf_name(term: Term) -> str:
    """Return what a quantity or a name is called inside a formula."""
    match term:
        case Question(quantity=quantity, place=place):
            return f"{quantity}({place})" if place else quantity
        case Element(whole=whole, index=index):
            return f"{leaf_name(whole)}[{index}]"
        case Drawn(name=name):
            return name
    return "?"
