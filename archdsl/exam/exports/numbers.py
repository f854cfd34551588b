"""Numbers as other programs read them."""

from __future__ import annotations

from fractions import Fraction
from typing import Final

LARGEST_EXACT: Final = 2**53
"""Whole numbers up to here are exact in the doubles that learning platforms compute with."""

MOST_DECIMALS = 12
"""A fraction that ends within so many decimals is written to its end."""

DIGITS = 9
"""Significant digits of what does not end."""


def decimal(value: int | Fraction) -> str:
    """Return a number with a point and without grouping, exact where it ends within twelve decimals."""
    exact = Fraction(value)
    if exact.denominator == 1:
        return str(exact.numerator)
    scaled = exact * 10**MOST_DECIMALS
    if scaled.denominator == 1:
        sign, digits = "-" if scaled < 0 else "", f"{abs(scaled.numerator):0{MOST_DECIMALS + 1}d}"
        return f"{sign}{digits[:-MOST_DECIMALS]}.{digits[-MOST_DECIMALS:]}".rstrip("0")
    text = f"{float(exact):.{DIGITS}g}"
    if "e" not in text:
        return text
    return f"{float(text):.{MOST_DECIMALS + DIGITS}f}".rstrip("0").rstrip(".") or "0"


def is_exact(value: int | Fraction) -> bool:
    """Tell whether `decimal` says a number to its last digit, and a double holds it as it stands."""
    exact = Fraction(value)
    return abs(exact) <= LARGEST_EXACT and (exact * 10**MOST_DECIMALS).denominator == 1


def percent(share: Fraction, digits: int = 5) -> str:
    """Return a share as a number of hundredths: `50`, `33.33333`."""
    text = f"{float(share * 100):.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def three_digits(value: Fraction) -> Fraction:
    """Return half a unit of the third significant digit: what a rounded answer to a fraction may be off."""
    size, unit = abs(value), Fraction(1)
    if size == 0:
        return Fraction(0)
    while size >= 10 * unit:
        unit *= 10
    while size < unit:
        unit /= 10
    return unit / 200
