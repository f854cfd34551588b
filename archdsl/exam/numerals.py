"""One written number: its value, the weight of its last digit, and what else it could have meant.

Commas, spaces, apostrophes and underscores group digits, in threes or as in India (`1,96,672`). A point is the
decimal point; a comma is one where it groups nothing (`86,3`) and before a suffix (`25,6M`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from archdsl.exam.folding import Unread, quoted

PATTERN = r"(?:[0-9]+(?:[ ,_'.][0-9]+)*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
"""What looks like one number; whether it is one is for `read_numeral` to say."""

MOST_DIGITS = 300
"""Digits of a number, and the largest power of ten after an `e`."""
_GROUP = 3


@dataclass(frozen=True, slots=True)
class Numeral:
    """A number as it is written.

    `place` is the weight of its last digit and `digits` counts those from the first that is not zero. `is_rounded`
    says whether it has decimals or an exponent, `stated_place` and `stated_digits` leave the zeros at the end of a
    whole number out, and `other` is its value where the point or comma is meant the other way.
    """

    value: Fraction
    place: Fraction
    digits: int
    is_rounded: bool
    stated_place: Fraction
    stated_digits: int
    other: Fraction | None = None


def read_numeral(text: str, *, has_suffix: bool) -> Numeral:
    """Return the number that a text matching `PATTERN` writes; raises `Unread` where its groups are none."""
    mantissa, _, exponent = text.lower().partition("e")
    if sum(map(str.isdigit, mantissa)) > MOST_DIGITS:
        raise Unread(f"a number of more than {MOST_DIGITS} digits")
    if len(exponent) > 5 or abs(int(exponent or 0)) > MOST_DIGITS:
        raise Unread(f"{quoted(text)} is larger than any answer")
    whole, decimals, other = _parts(mantissa, has_suffix or bool(exponent))
    place = Fraction(10) ** (int(exponent or 0) - len(decimals))
    count = int(whole + decimals)
    significant = str(count)
    zeros = 0 if decimals or exponent or not count else len(significant) - len(significant.rstrip("0"))
    return Numeral(
        value=count * place,
        place=place,
        digits=len(significant),
        is_rounded=bool(decimals or exponent),
        stated_place=place * 10**zeros,
        stated_digits=len(significant) - zeros,
        other=None if other is None else other * Fraction(10) ** int(exponent or 0),
    )


def _parts(mantissa: str, has_suffix: bool) -> tuple[str, str, Fraction | None]:
    """Return the whole digits, the decimals, and the other value that the same signs may have."""
    groups = re.split(r"[ ,_'.]", mantissa)
    signs = re.sub(r"[0-9]", "", mantissa)
    if not signs:
        return mantissa, "", None
    if signs.endswith(".") and signs.count(".") == 1:
        whole, decimals = "".join(_grouped(groups[:-1], signs[:-1], mantissa)), groups[-1]
        # 196.672 for 196,672: a point that groups digits in half of Europe.
        looks_grouped = signs == "." and not has_suffix and _in_threes(groups)
        return whole or "0", decimals, Fraction(int("".join(groups))) if looks_grouped else None
    if signs == "," and has_suffix:
        decimal = Fraction(int("".join(groups)), 10 ** len(groups[1]))
        return ("".join(groups), "", decimal) if _in_threes(groups) else (groups[0], groups[1], None)
    if signs == "," and not _in_threes(groups) and len(groups[1]) != _GROUP and groups[0] not in ("", "00"):
        return groups[0], groups[1], None  # 86,3: no group of digits, and one number is asked for
    return "".join(_grouped(groups, signs, mantissa)), "", None


def _grouped(groups: list[str], signs: str, mantissa: str) -> list[str]:
    """Return the groups of a whole number, if they are groups."""
    one_sign = len(set(signs)) <= 1
    if one_sign and (not signs or _in_threes(groups) or (signs[0] == "," and _in_twos(groups))):
        return groups
    if signs == ",":
        raise Unread(f"{quoted(mantissa)} has neither a decimal point nor groups of three digits")
    raise Unread(f"the digits of {quoted(mantissa)} are in no groups that make one number")


def _in_threes(groups: list[str]) -> bool:
    first, *rest = groups
    return 0 < len(first) <= _GROUP and first[0] != "0" and all(len(group) == _GROUP for group in rest)


def _in_twos(groups: list[str]) -> bool:
    """Whether digits are grouped as in India: by two, and the last three."""
    first, *middle, last = groups
    return 0 < len(first) <= 2 and first[0] != "0" and all(len(group) == 2 for group in middle) and len(last) == _GROUP
