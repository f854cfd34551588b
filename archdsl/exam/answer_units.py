"""The words behind a number: prefixes that scale it, and units that say what is counted.

A unit is never required. One that does not fit the question is no error either: it makes a note with the factor
between the two, so that whoever grades can see FLOPs given for MACs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

BYTES_PER_VALUE = 4
"""Of float32."""

UNITS = ("parameters", "macs", "flops", "bytes", "values", "pixels", "things", "times")
"""What a question may ask for; `things` are layers, channels, filters."""
COUNTS = {"parameters", "macs", "flops", "values", "things"}


@dataclass(frozen=True, slots=True)
class UnitNote:
    """A unit that is not the one asked for; `factor` turns the stated number into it, where that is fixed.

    A MAC is two FLOPs and a value four bytes (float32).
    """

    stated: str
    asked: str
    factor: Fraction | None


class Word(NamedTuple):
    """What a word behind a number says: a factor, and the unit if it names one."""

    factor: Fraction
    unit: str
    is_prefix: bool
    remark: str = ""


# The sheet's kilo to the power on the right.
_LETTERS = {"k": 1, "K": 1, "M": 2, "G": 3, "T": 4}
_NAMED = {"kilo": 1, "mega": 2, "giga": 3, "tera": 4}
_BINARY = {"ki": 1, "mi": 2, "gi": 3, "ti": 4, "kibi": 1, "mebi": 2, "gibi": 3, "tebi": 4}
_WORDS = {
    "thousand": 3, "thousands": 3, "tsd": 3, "lakh": 5, "lakhs": 5,
    "million": 6, "millions": 6, "mio": 6, "mil": 6, "mill": 6, "mn": 6, "crore": 7, "crores": 7,
    "billion": 9, "billions": 9, "bn": 9, "mrd": 9, "trillion": 12, "trillions": 12,
}  # fmt: skip
_UNITS = {
    **dict.fromkeys("parameter parameters param params".split(), "parameters"),
    **dict.fromkeys("weight weights bias biases buffer buffers".split(), "parameters"),
    **dict.fromkeys("mac macs madd madds multiplication multiplications".split(), "macs"),
    **dict.fromkeys("flop flops op ops operation operations".split(), "flops"),
    **dict.fromkeys("byte bytes bit bits".split(), "bytes"),
    **dict.fromkeys("value values element elements entry entries number numbers float floats".split(), "values"),
    **dict.fromkeys("activation activations neuron neurons unit units output outputs".split(), "values"),
    **dict.fromkeys("pixel pixels px".split(), "pixels"),
    **dict.fromkeys("layer layers channel channels filter filters".split(), "things"),
    **dict.fromkeys("kernel kernels map maps path paths".split(), "things"),
    "times": "times",
}
_FILLERS = set("in total altogether trainable learnable learned input wide only fewer less more smaller larger".split())

_PHRASES = (
    (re.compile(r"(?i)\bmult(?:ipl(?:y|ies))?[- ](?:accumulates?|adds?)(?: (?:operations|ops))?\b"), "macs"),
    (re.compile(r"(?i)\bfloating[- ]point (?:operations|ops)\b"), "flops"),
    (re.compile(r"(?i)\bfeature maps\b"), "maps"),
    (re.compile(r"\(([A-Za-z ]+)\)"), r" \1 "),
)
_FACTORS = {
    ("flops", "macs"): Fraction(1, 2),
    ("macs", "flops"): Fraction(2),
    ("bytes", "values"): Fraction(1, BYTES_PER_VALUE),
    ("bytes", "parameters"): Fraction(1, BYTES_PER_VALUE),
    ("values", "bytes"): Fraction(BYTES_PER_VALUE),
    ("parameters", "bytes"): Fraction(BYTES_PER_VALUE),
}
_ALIKE = {frozenset(("values", "parameters"))}


def with_plain_units(text: str) -> str:
    """Return a text whose units of several words are one word each, and stand outside parentheses."""
    for pattern, word in _PHRASES:
        text = pattern.sub(word, text)
    return text


def word_meaning(word: str, *, asked: str, kilo: int) -> Word | None:
    """Return what a word behind a number says, or None where it is not known.

    `B` is bytes, or a billion where something is counted; `m` and `g` are taken for M and G.
    """
    lower = word.lower()
    if lower in _FILLERS:
        return Word(Fraction(1), "", False)
    if word == "B" or lower in _UNITS:
        return _unit(word, asked)
    if word == "b" and asked in COUNTS:
        return Word(Fraction(10**9), "", True)
    if lower in _WORDS:
        return Word(Fraction(10 ** _WORDS[lower]), "", True)
    if factor := _prefix(word, kilo):
        return Word(factor, "", True)
    if lower in {"m", "g"}:
        return Word(Fraction(kilo ** _LETTERS[word.upper()]), "", True, f"`{word}` is read as {word.upper()}")
    return _prefixed(word, kilo)


def unit_note(stated: str, asked: str) -> UnitNote | None:
    """Return a note where a stated unit is not the one asked for."""
    if not stated or not asked or stated == asked or frozenset((stated, asked)) in _ALIKE:
        return None
    return UnitNote(stated, asked, _FACTORS.get((stated, asked)))


def _unit(word: str, asked: str) -> Word:
    if word == "B":
        if asked in COUNTS:
            return Word(Fraction(10**9), "", True, "`B` is read as a billion")
        return Word(Fraction(1), "bytes", False)
    lower = word.lower()
    return Word(Fraction(1, 8) if lower in {"bit", "bits"} else Fraction(1), _UNITS[lower], False)


def _prefix(word: str, kilo: int) -> Fraction | None:
    if word in _LETTERS:
        return Fraction(kilo ** _LETTERS[word])
    if word.lower() in _NAMED:
        return Fraction(kilo ** _NAMED[word.lower()])
    power = _BINARY.get(word.lower())
    return Fraction(1024**power) if power else None


def _prefixed(word: str, kilo: int) -> Word | None:
    """Return the meaning of a prefix and a unit in one word: `GMACs`, `MiB`, `megabytes`."""
    for prefix in sorted((*_BINARY, *_LETTERS, *_NAMED), key=len, reverse=True):
        rest = word[len(prefix) :]
        if word[: len(prefix)].lower() != prefix.lower() or not (rest in {"B", "b"} or rest.lower() in _UNITS):
            continue
        factor = _prefix(prefix, kilo) or Fraction(1)
        if rest in {"B", "b"}:
            # Mb is the megabit, and on paper nearly always means the megabyte.
            remark = f"`{word}` is read as {prefix.upper()}B" if rest == "b" and not word.islower() else ""
            return Word(factor, "bytes", True, remark)
        meaning = _unit(rest, "")
        return Word(factor * meaning.factor, meaning.unit, True)
    return None
