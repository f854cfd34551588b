"""Reads what a student wrote: a number, a shape, a yes or no, a list, or nothing.

No text is an error. What cannot be read comes back as `Unreadable`, for a person to look at, and every text is
answered within bounds: nothing is evaluated, powers and digits are limited.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from archdsl.exam.answer_units import UNITS, UnitNote, unit_note
from archdsl.exam.expressions import Interval, Side, read_side
from archdsl.exam.folding import Unread, fold, quoted
from archdsl.exam.volumes import LAYOUTS, Extent, Reading, ShapeAnswer, read_shape

__all__ = [
    "Answer",
    "Blank",
    "Extent",
    "Impossible",
    "Interval",
    "Kind",
    "Number",
    "Numbers",
    "Other",
    "Possible",
    "Reading",
    "ShapeAnswer",
    "Side",
    "UnitNote",
    "Unreadable",
    "read_answer",
]

Kind = Literal["number", "numbers", "shape", "valid"]
"""What a question asks for; `valid` wants to know whether a layer fits at all."""


@dataclass(frozen=True, slots=True)
class Other:
    """Another meaning that the signs of a number can have, and in what words to ask about it."""

    interval: Interval
    question: str


@dataclass(frozen=True, slots=True)
class Number:
    """A number: the last side of what was written, with every side before it.

    The value is as stated; a `unit` that is not the one asked for makes a `unit_note` and changes nothing.
    """

    sides: tuple[Side, ...]
    unit: str
    unit_note: UnitNote | None
    others: tuple[Other, ...]
    notes: tuple[str, ...] = ()

    @property
    def value(self) -> Fraction:
        return self.sides[-1].interval.value

    @property
    def low(self) -> Fraction:
        """The least number that rounds to this one."""
        return self.sides[-1].interval.low

    @property
    def high(self) -> Fraction:
        """The greatest number that rounds to this one."""
        return self.sides[-1].interval.high

    @property
    def is_exact(self) -> bool:
        """Whether nothing about it is rounded: no suffix, no decimals, no `≈`."""
        return self.low == self.high and not self.sides[-1].is_about

    @property
    def digits(self) -> int | None:
        """The significant digits that a rounded number states; None where it is exact."""
        return self.sides[-1].digits

    @property
    def agrees(self) -> bool:
        """Whether all sides are the same number, as far as their rounding lets one see."""
        low, high = max(side.interval.low for side in self.sides), min(side.interval.high for side in self.sides)
        return low <= high

    @property
    def sharpest(self) -> Side:
        """The side that leaves the least open, where all agree; else the last: `20928 ≈ 21k` states 20,928."""
        widths = [side.interval.high - side.interval.low for side in self.sides]
        return self.sides[widths.index(min(widths))] if self.agrees else self.sides[-1]

    def holds(self, value: int | Fraction) -> bool:
        """Return whether a value lies within what the last side states."""
        return self.low <= value <= self.high


@dataclass(frozen=True, slots=True)
class Numbers:
    """A list of numbers, row after row, such as the output of a small transposed convolution."""

    values: tuple[Number, ...]


@dataclass(frozen=True, slots=True)
class Impossible:
    """The answer that there is none: the layer does not fit, or the size is no integer."""

    text: str


@dataclass(frozen=True, slots=True)
class Possible:
    """The answer that it fits, where that is the question."""

    text: str


@dataclass(frozen=True, slots=True)
class Blank:
    """Nothing was tried."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Something that a person has to read; `why` says what stopped the reader."""

    why: str


Answer = Number | Numbers | ShapeAnswer | Impossible | Possible | Blank | Unreadable

_APART = re.compile(r"(?<=[0-9.%]) +(?=[-+]?[0-9.])")
_MOST_SIDES = 20
_MOST_NUMBERS = 256
_BLANK = {"n/a", "na", "blank", "not attempted", "idk", "i don't know", "don't know", "no idea", "skip", "skipped"}
_ABOUT = re.compile(r"(?i)(?:≈|(?:about|approximately|approx|roughly|around|circa|ca|nearly|almost)\b\.?)\s*")
_LABEL = re.compile(r"[A-Za-z#][A-Za-z #.'()]{0,60}:(?!=)")
_REFUSAL = (
    r"(?:impossible|not possible|invalid|not valid|not (?:an? )?(?:integer|whole number)|"
    r"no(?:n-| )(?:an )?integer|no whole number|"
    r"(?:does not|doesn't|do not|will not|won't|cannot|can't) (?:fit|work|be computed)|"
    r"no (?:valid )?output)"
)
_REFUSED = re.compile(
    rf"(?i)(?:(?:it|this|that|the result)(?:'s| is) )?{_REFUSAL}(?= ?$| ?[,;:(-]| because\b| since\b| as\b)"
)
_REFUSED_AT_LAST = re.compile(rf"(?i)[^?]*[0-9)]\s*(?:[,;:=(-]|is\b)\s*(?:is )?{_REFUSAL} ?\)?[.!]?")
_HEDGED = re.compile(r"(?i)\?|\b(?:or|but|otherwise|unless|if)\b")
_AFFIRMED = re.compile(r"(?i)(?:yes|y|valid|possible|true|it fits|fits|it works|works|ok|okay)[.!]?")
_DENIED = re.compile(r"(?i)(?:no|n|false)(?:$|[.!,;: ])")


def read_answer(
    text: str,
    kind: Kind = "number",
    *,
    unit: str = "",
    axes: int = 3,
    layout: str = "any",
    habit: str = "",
    kilo: int = 1000,
) -> Answer:
    """Return what a text answers to a question of a kind; never raises for any text.

    `unit` is what the question counts ("parameters", "macs", "flops", "bytes", "values", "pixels", "things",
    "times", or empty). `axes` is the rank of the shape asked for, without the batch; `layout` the sheet's convention,
    and `habit` the order, "CHW" or "HWC", that the student uses in other parts. `kilo` is what k stands for.

    Raises:
        ValueError: the question itself is not one of these.
    """
    if kind not in ("number", "numbers", "shape", "valid") or unit not in ("", *UNITS):
        raise ValueError(f"no question asks for {kind!r} in {unit!r}")
    if layout not in LAYOUTS or habit not in ("", "CHW", "HWC") or axes < 1 or kilo not in (1000, 1024):
        raise ValueError(f"no sheet has layout {layout!r}, habit {habit!r}, {axes} axes and a kilo of {kilo}")
    try:
        plain = fold(text)
        if not plain.strip(" .-_?…") or plain.lower().rstrip(" .!") in _BLANK:
            return Blank()
        if _is_refusal(plain):
            return Impossible(text.strip())
        if kind == "valid":
            return _yes_or_no(plain)
        if kind == "shape":
            return read_shape(plain, axes=axes, layout=layout, habit=habit)
        if kind == "numbers":
            return _numbers(text, unit, kilo)
        return _number(_without_label(plain), unit, kilo)
    except Unread as unread:
        return Unreadable(f"{quoted(text)} cannot be read as {_WANTED[kind]}: {unread}")


_WANTED = {"number": "a number", "numbers": "a list of numbers", "shape": "a shape", "valid": "yes or no"}


def _is_refusal(plain: str) -> bool:
    if plain.lower().rstrip(" .!") in {"error", "fails"}:
        return True
    return not _HEDGED.search(plain) and bool(_REFUSED.match(plain.rstrip(" .!")) or _REFUSED_AT_LAST.fullmatch(plain))


def _yes_or_no(plain: str) -> Answer:
    if _AFFIRMED.fullmatch(plain):
        return Possible(plain)
    if _DENIED.match(plain):
        return Impossible(plain)
    raise Unread("neither yes nor no")


def _without_label(plain: str) -> str:
    """Return what stands behind a word and a colon: `Answer: 1792`."""
    match = _LABEL.match(plain)
    return plain[match.end() :].strip() if match and plain[match.end() :].strip() else plain


def _number(plain: str, unit: str, kilo: int) -> Number:
    """Return the number behind the last equals sign, with the sides before it."""
    parts = re.split("([=≈])", plain.strip().rstrip(" .;,!"))
    texts = [(parts[i].strip(), i > 0 and parts[i - 1] == "≈") for i in range(0, len(parts), 2)]
    if len(texts) > _MOST_SIDES:
        raise Unread(f"{len(texts)} sides; at most {_MOST_SIDES} are read")
    # `= 1792` and `3*9 =` have an empty side, which says nothing; `≈` passes to what follows it.
    filled = [(text, is_about) for text, is_about in texts if text]
    if not filled:
        raise Unread("there is no number")
    sides: list[Side] = []
    unread: list[str] = []
    for place, (text, is_about) in enumerate(filled):
        try:
            sides.append(_side(text, unit, kilo, is_about))
        except Unread:
            # A name or a formula in letters may lead: `params = k*k*C*D + D = 1792`.
            if sides or place == len(filled) - 1 or not any(map(str.isalpha, text)):
                raise
            unread.append(text)
    stated = next((side.unit for side in reversed(sides) if side.unit), "")
    notes = [remark for side in sides for remark in side.remarks]
    notes += [f"{quoted(text)} is not read" for text in unread]
    return Number(tuple(sides), stated, unit_note(stated, unit), _others(sides[-1]), tuple(notes))


def _side(text: str, unit: str, kilo: int, is_about: bool) -> Side:
    if match := _ABOUT.match(text):
        text, is_about = text[match.end() :], True
    return read_side(text, asked=unit, kilo=kilo, is_about=is_about)


def _others(side: Side) -> tuple[Other, ...]:
    if side.other is None:
        return ()
    if side.other_is_side:
        return (Other(side.other, f"a side of {side.other.value}?"),)
    value = side.other.value
    shown = f"{value.numerator:,}" if value.denominator == 1 else f"{float(value):,g}"
    question = f"{side.text} thousand?" if value == 1000 * side.interval.value else f"{shown}?"
    return (Other(side.other, question),)


def _numbers(text: str, unit: str, kilo: int) -> Numbers:
    """Return a list. Commas and spaces part its numbers and never group digits; its rows are joined."""
    plain = re.sub(r"[\[\]{};|]", ",", fold(text.replace("\n", ";")))
    if plain.startswith("(") and plain.endswith(")") and plain.count("(") == 1:
        plain = plain[1:-1]
    pieces = [piece.strip() for part in plain.split(",") for piece in _APART.split(part) if piece.strip()]
    if not pieces:
        raise Unread("there are no numbers")
    if len(pieces) > _MOST_NUMBERS:
        raise Unread(f"{len(pieces)} numbers; at most {_MOST_NUMBERS} are read")
    for piece in pieces:
        if re.match(r"0[0-9]", piece):
            raise Unread(f"{quoted(piece)} begins with a zero; commas part numbers here")
    return Numbers(tuple(_number(piece, unit, kilo) for piece in pieces))
