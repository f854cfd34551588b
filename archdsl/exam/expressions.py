"""Sums and products that a student writes, computed exactly and within bounds.

Numbers, `+ - * / //`, powers, brackets, ⌊ ⌋ and ⌈ ⌉; no names and no `eval`. Every value carries the interval that
its rounding leaves open, so that `1.2288×10^6` is known to half a unit of its last digit.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor
from typing import NamedTuple

from archdsl.exam.answer_units import with_plain_units, word_meaning
from archdsl.exam.folding import Unread, quoted
from archdsl.exam.numerals import PATTERN, Numeral, read_numeral

MOST_BITS = 1024
"""Of a numerator or a denominator, here and on the way; about 300 digits."""
DEEPEST = 40

_TOKEN = re.compile(rf"\s*(?:(?P<numeral>{PATTERN})|(?P<word>[^\W\d_]+)|(?P<sign>\*\*|//|[-+*/^()\[\]{{}}%⌊⌋⌈⌉]))")
_OPERATORS = {"x": "*", "by": "*", "times": "*", "plus": "+", "minus": "-"}
_BRACKETS = {"(": ")", "[": "]", "{": "}", "⌊": "⌋", "⌈": "⌉"}
_ROUNDINGS: dict[str, Callable[[Fraction], int]] = {"⌊": floor, "⌈": ceil, "floor": floor, "ceil": ceil}
_SCIENTIFIC = re.compile(r"-?n\*n(?:\^|\*\*)[({\[]?-?n[)}\]]?")


@dataclass(frozen=True, slots=True)
class Interval:
    """A number and the closed interval that its rounding leaves open."""

    value: Fraction
    low: Fraction
    high: Fraction

    @property
    def is_exact(self) -> bool:
        return self.low == self.high


@dataclass(frozen=True, slots=True)
class Side:
    """One side of an answer's equals signs.

    `digits` counts the significant digits that a rounded number states, and is None for an exact one. `is_about`
    says whether the answer itself calls it rounded, and `is_expression` whether something was to be computed.
    `other` is what a lone number says where its point or comma is meant the other way, or the side of a square.
    """

    text: str
    interval: Interval
    digits: int | None
    unit: str
    is_about: bool
    is_expression: bool
    other: Interval | None = None
    other_is_side: bool = False
    remarks: tuple[str, ...] = ()


class _Token(NamedTuple):
    kind: str
    text: str


def read_side(text: str, *, asked: str, kilo: int, is_about: bool) -> Side:
    """Return what one side says; raises `Unread`. `asked` is the unit of the question, `kilo` is 1000 or 1024."""
    reader = _Reader(_tokens(with_plain_units(text)), asked, kilo, is_about)
    interval = reader.whole()
    is_expression = len(reader.numerals) > 1 and not reader.is_scientific
    side = reader.square_side() if is_expression and asked == "pixels" else None
    other = reader.other if not is_expression else None
    return Side(
        text=text,
        interval=interval,
        digits=None if interval.is_exact else reader.digits,
        unit=reader.unit,
        is_about=is_about,
        is_expression=is_expression,
        other=_exact(side) if side is not None else other,
        other_is_side=side is not None,
        remarks=tuple(reader.remarks),
    )


def _tokens(text: str) -> list[_Token]:
    found = []
    place = 0
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            rest = text[place:].strip()
            if not rest:
                break
            is_list = rest[0] in ",;"
            raise Unread("a list where one number is asked" if is_list else f"{quoted(rest[0])} means nothing here")
        found.append(_Token(str(match.lastgroup), match[str(match.lastgroup)]))
        place = match.end()
    return found


class _Reader:
    """Reads tokens by descent: a method for each level of precedence."""

    def __init__(self, tokens: list[_Token], asked: str, kilo: int, is_about: bool) -> None:
        self.tokens = tokens
        self.place = 0
        self.depth = 0
        self.asked, self.kilo, self.is_about = asked, kilo, is_about
        self.numerals = [token.text for token in tokens if token.kind == "numeral"]
        self.is_scientific = self._is_scientific()
        self.unit = ""
        self.digits: int | None = None
        self.other: Interval | None = None
        self.remarks: list[str] = []

    def whole(self) -> Interval:
        """Return the value of all tokens."""
        result = self._sum()
        if self.place < len(self.tokens):
            raise Unread(f"{quoted(self.tokens[self.place].text)} is not expected there")
        return result

    def square_side(self) -> Fraction | None:
        """Return n where all that is written is n × n."""
        read = [token for token in self.tokens if token.kind != "word" or token.text.lower() in _OPERATORS]
        plain = [token.text for token in read if token.text not in "()[]"]
        if len(plain) == 3 and plain[0] == plain[2] and _OPERATORS.get(plain[1].lower(), plain[1]) == "*":
            return read_numeral(plain[0], has_suffix=False).value
        return None

    def _is_scientific(self) -> bool:
        """Whether a number with decimals is scaled by a power of ten and nothing else happens."""
        if len(self.numerals) != 3 or "." not in self.numerals[0] or self.numerals[1] != "10":
            return False
        words = {"numeral": "n"}
        signs = [words.get(kind) or _OPERATORS.get(text.lower(), text * (kind == "sign")) for kind, text in self.tokens]
        return _SCIENTIFIC.fullmatch("".join(signs)) is not None

    # Levels of precedence, from the loosest.

    def _sum(self) -> Interval:
        self.depth += 1
        if self.depth > DEEPEST:
            raise Unread(f"brackets or powers more than {DEEPEST} deep")
        result = self._product()
        while (sign := self._operator()) in {"+", "-"}:
            self.place += 1
            term = self._product()
            result = _add(result, term if sign == "+" else _negative(term))
        self.depth -= 1
        return result

    def _product(self) -> Interval:
        result = self._signed()
        while (sign := self._operator()) in {"*", "/", "//", "("}:
            if sign != "(":  # a bracket behind a factor multiplies: (27 + 1)(64)
                self.place += 1
            factor = self._signed()
            if sign in {"*", "("}:
                result = _multiply(result, factor)
            else:
                result = _divide(result, factor)
                result = _rounded(result, floor) if sign == "//" else result
        return result

    def _signed(self) -> Interval:
        is_negative = False
        while (sign := self._operator()) in {"+", "-"}:
            self.place += 1
            is_negative ^= sign == "-"
        result = self._power()
        return _negative(result) if is_negative else result

    def _power(self) -> Interval:
        base = self._primary()
        if self._operator() not in {"^", "**"}:
            return base
        self.place += 1
        self.depth += 1
        if self.depth > DEEPEST:
            raise Unread(f"brackets or powers more than {DEEPEST} deep")
        exponent = self._signed()  # to the right first: 2^3^2 is 2^9
        self.depth -= 1
        return _raise(base, exponent)

    def _primary(self) -> Interval:
        if self.place == len(self.tokens):
            raise Unread("a number is missing at the end" if self.numerals else "there is no number")
        kind, text = self.tokens[self.place]
        self.place += 1
        if kind == "numeral":
            return self._scaled(text)
        rounding = _ROUNDINGS.get(text.lower())
        if kind == "word" and rounding is not None and self._sign() == "(":
            return _rounded(self._primary(), rounding)
        if text not in _BRACKETS:
            raise Unread(f"{quoted(text)} stands where a number is expected")
        inner = self._sum()
        if self._sign() != _BRACKETS[text]:
            raise Unread(f"`{text}` is not closed")
        self.place += 1
        factor, _ = self._words()
        return _rounded(inner, rounding) if rounding is not None else _multiply(inner, _exact(factor))

    # Numbers and the words behind them.

    def _scaled(self, text: str) -> Interval:
        """Return a number with its prefix, percent sign and unit."""
        factor, has_suffix = self._words()
        numeral = read_numeral(text, has_suffix=has_suffix)
        half = self._half_width(numeral, has_suffix) * factor
        value = numeral.value * factor
        if numeral.other is not None:
            self.other = _exact(numeral.other * factor)
        return Interval(value, value - half, value + half) if half else _exact(value)

    def _half_width(self, numeral: Numeral, has_suffix: bool) -> Fraction:
        """Return half a unit of the last stated digit, and 0 for an exact number.

        A number with decimals inside a sum or product is exact: nobody rounds in `0.5·1024`.
        """
        stands_alone = len(self.numerals) == 1 or (self.is_scientific and self.digits is None and numeral.is_rounded)
        if has_suffix or (numeral.is_rounded and stands_alone):
            return self._stated(numeral.place, numeral.digits)
        if self.is_about and stands_alone:
            return self._stated(numeral.stated_place, numeral.stated_digits)
        return Fraction(0)

    def _stated(self, place: Fraction, digits: int) -> Fraction:
        self.digits = digits if self.digits is None else min(self.digits, digits)
        return place / 2

    def _words(self) -> tuple[Fraction, bool]:
        """Take the words behind a number; return their factor and whether one of them scales it."""
        factor, has_suffix = Fraction(1), False
        while self.place < len(self.tokens):
            kind, text = self.tokens[self.place]
            if text == "%":
                factor, has_suffix = factor / 100, True
            elif kind != "word" or self._operator():
                break
            elif text.lower() == "x":
                self.unit = "times"  # 9x, with nothing behind it
            else:
                meaning = word_meaning(text, asked=self.asked, kilo=self.kilo)
                if meaning is None or (meaning.is_prefix and has_suffix):
                    raise Unread(f"{quoted(text)} is no unit that is known here")
                factor *= meaning.factor
                has_suffix |= meaning.is_prefix
                self.unit = meaning.unit or self.unit
                self.remarks += [meaning.remark] if meaning.remark else []
            self.place += 1
        return factor, has_suffix

    # Looking ahead.

    def _sign(self) -> str:
        return self.tokens[self.place].text if self.place < len(self.tokens) else ""

    def _operator(self) -> str:
        """Return the operator at hand; a word is one only between two factors, and every open bracket is `(`."""
        if self.place == len(self.tokens):
            return ""
        kind, text = self.tokens[self.place]
        if kind == "sign":
            return "(" if text in _BRACKETS else text
        sign = _OPERATORS.get(text.lower(), "") if kind == "word" else ""
        follows = self.tokens[self.place + 1] if sign and self.place + 1 < len(self.tokens) else None
        starts = follows is not None and (follows.kind == "numeral" or follows.text in _BRACKETS or follows.text == "-")
        return sign if starts or (follows is not None and follows.text in _ROUNDINGS) else ""


# Intervals. An exact operand is computed once.


def _exact(value: Fraction) -> Interval:
    return Interval(value, value, value)


def _bounded(value: Fraction) -> Fraction:
    if max(value.numerator.bit_length(), value.denominator.bit_length()) > MOST_BITS:
        raise Unread("a number on the way is larger than any answer")
    return value


def _between(value: Fraction, corners: list[Fraction]) -> Interval:
    return Interval(_bounded(value), _bounded(min(corners)), _bounded(max(corners)))


def _negative(a: Interval) -> Interval:
    return Interval(-a.value, -a.high, -a.low)


def _add(a: Interval, b: Interval) -> Interval:
    value = _bounded(a.value + b.value)
    return _exact(value) if a.is_exact and b.is_exact else _between(value, [a.low + b.low, a.high + b.high])


def _multiply(a: Interval, b: Interval) -> Interval:
    value = _bounded(a.value * b.value)
    if a.is_exact and b.is_exact:
        return _exact(value)
    return _between(value, [x * y for x in (a.low, a.high) for y in (b.low, b.high)])


def _divide(a: Interval, b: Interval) -> Interval:
    if b.low <= 0 <= b.high:
        raise Unread("something is divided by zero")
    return _multiply(a, Interval(1 / b.value, 1 / b.high, 1 / b.low))


def _raise(base: Interval, exponent: Interval) -> Interval:
    power = exponent.value
    if not exponent.is_exact or power.denominator != 1:
        raise Unread("an exponent that is no whole number")
    bounds = (base.value, base.low, base.high)
    size = max(max(x.numerator.bit_length(), x.denominator.bit_length()) for x in bounds)
    if abs(power) > MOST_BITS or abs(power) * (size - 1) > MOST_BITS:
        raise Unread("a power is larger than any answer")
    if power < 0 and base.low <= 0 <= base.high:
        raise Unread("something is divided by zero")
    whole = int(power)
    value = base.value**whole
    if base.is_exact:
        return _exact(_bounded(value))
    dips = [Fraction(0)] if base.low < 0 < base.high and whole % 2 == 0 else []
    return _between(value, [base.low**whole, base.high**whole, *dips])


def _rounded(a: Interval, to: Callable[[Fraction], int]) -> Interval:
    return Interval(Fraction(to(a.value)), Fraction(to(a.low)), Fraction(to(a.high)))
