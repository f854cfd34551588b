"""A shape as students write it, and the channels and sides that it may mean.

`32x32x64`, `64@32x32`, `(None, 32, 32, 64)` and `H=32, W=32, C=64` are one volume. Where the text itself does not
say which number counts channels, both orders are kept: what the text names goes before the sheet's convention, and
that before a guess. The batch is split off.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import NamedTuple

from archdsl.exam.expressions import read_side
from archdsl.exam.folding import Unread, quoted
from archdsl.exam.numerals import MOST_DIGITS

Extent = int | Fraction
"""A size; a fraction where a student kept one."""

LAYOUTS = ("any", "CHW", "HWC", "strict")
"""What a sheet may ask for; `strict` is PyTorch's order, CHW."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One meaning of a written shape, without the batch; `channels` is None where none are given.

    `layout` is the order it was written in, `"CHW"` or `"HWC"`, and empty where the order says nothing.
    """

    channels: Extent | None
    spatial: tuple[Extent, ...]
    layout: str

    @property
    def sizes(self) -> tuple[Extent, ...]:
        """The sizes with the channels first, as PyTorch has them."""
        return self.spatial if self.channels is None else (self.channels, *self.spatial)


@dataclass(frozen=True, slots=True)
class ShapeAnswer:
    """A shape that was read: its possible meanings, the preferred one first.

    `batch` is the size of the batch, `"open"` for `N` or `None`, and None where none is written. `named_by` says what
    in the text tells the order: `"names"`, `"@"`, `"legend"`, which leave one reading, or `"None"`, `"torch.Size"` or
    `"TensorShape"`, which make one preferred.
    """

    text: str
    written: tuple[Extent, ...]
    readings: tuple[Reading, ...]
    batch: int | str | None = None
    named_by: str = ""
    notes: tuple[str, ...] = ()

    @property
    def preferred(self) -> Reading:
        return self.readings[0]

    @property
    def is_incomplete(self) -> bool:
        """Whether the number of channels is missing, however it is read."""
        return all(reading.channels is None for reading in self.readings)


class _Item(NamedTuple):
    size: Extent
    role: str = ""


class _Written(NamedTuple):
    """The sizes of a text and what it says about their order."""

    items: list[_Item]
    batch: int | str | None
    at: int | None
    hint: str
    named_by: str


_TOKEN = re.compile(
    r"\s*(?:(?P<number>[0-9]+(?:[_'][0-9]{3})*(?:\.[0-9]+)?)"
    r"|(?P<power>(?:\^|\*\*) ?(?:[0-9]{1,3}(?![0-9])|\([0-9]{1,3}\)))"
    r"|(?P<word>[^\W\d_]+)|(?P<sign>[-*,;@=:?()\[\]{}]))"
)
_ROLES = {
    **dict.fromkeys("c ch channel channels filter filters kernels maps depth deep d".split(), "C"),
    **dict.fromkeys("h height high tall rows l length long".split(), "H"),
    **dict.fromkeys("w width wide columns cols".split(), "W"),
}
_BATCH = {"n", "b", "none", "batch"}
_FILLERS = set("x by and with of feature the in at is each px pixel pixels output volume tensor shape size".split())
_SPACED = r" ?[x*,]? ?"
_LEGEND = re.compile(
    rf"(?i)[(\[]?(?<![a-z0-9])(?:n{_SPACED})?(c{_SPACED}h{_SPACED}w|c{_SPACED}w{_SPACED}h|[hw]{_SPACED}[hw]{_SPACED}[cd])"
    r"(?![a-z])[)\]]? ?[=:]?"
)
_CONTAINER = re.compile(r"(?i)(?<![a-z])(torch\.size|tensorshape|size|shape|tuple|array)(?= ?[(\[])")
_ORDERS = {"torch.size": ("CHW", "torch.Size"), "tensorshape": ("HWC", "TensorShape")}
_BATCHED = {"torch.Size", "TensorShape"}
"""What prints a shape with its batch."""
_GROUPED = re.compile(r"(?<![0-9.,])[1-9][0-9]{0,2}(?:,[0-9]{3})+(?![0-9.,])")
_LABEL = re.compile(r"[A-Za-z#][A-Za-z #.'()]{0,60}:")
_MOST_SIZES = 8
_MOST_LABELS = 4


def read_shape(text: str, *, axes: int, layout: str, habit: str) -> ShapeAnswer:
    """Return the meanings of a folded text; raises `Unread`.

    `axes` is the rank of the shape asked for, without the batch. `layout` is the sheet's convention and `habit` the
    order that the student uses elsewhere, "CHW", "HWC" or empty.
    """
    try:
        return _read(text, axes, layout, habit)
    except Unread as unread:
        bare = text
        for _ in range(_MOST_LABELS):
            if match := _LABEL.match(bare):
                bare = bare[match.end() :].strip()
        if bare != text and not _LABEL.match(bare):
            return read_shape(bare, axes=axes, layout=layout, habit=habit)
        before, sign, last = text.rpartition("=")
        if not sign:
            raise
        answer = _read(last.strip(), axes, layout, habit)
        if len(answer.written) == 1 and not _are_worth(before, answer.written[0]):
            raise unread from None
    if len(answer.written) == 1 or not any(map(str.isdigit, before)):
        return answer
    for earlier in filter(str.strip, before.split("=")):
        try:
            other = _read(earlier.strip(), axes, layout, habit)
        except Unread:
            continue  # a label or an expression
        if not set(other.readings) & set(answer.readings):
            raise Unread(f"two shapes: {quoted(earlier)} and {quoted(last)}")
    return replace(answer, notes=(*answer.notes, "what stands before the last `=` is not marked"))


def _are_worth(before: str, size: Extent) -> bool:
    """Return whether every side before the last, `16*5*5` of `16*5*5 = 400`, is a word or has the value of the last."""
    for side in before.split("="):
        if any(map(str.isdigit, side)):
            try:
                value = read_side(side, asked="", kilo=1000, is_about=False).interval.value
            except Unread:
                return False
            if value != size:
                raise Unread(f"two sizes: {quoted(side)} and {size}")
    return True


def _read(text: str, axes: int, layout: str, habit: str) -> ShapeAnswer:
    plain = text.lstrip("≈ ").rstrip(" .;,!")
    notes = ("the shape is called rounded",) if text.startswith("≈") else ()
    if re.fullmatch(r"[1-9][0-9]{0,2}(?:,[0-9]{3})+", plain):
        return _one_number_or_more(text, plain, axes, layout, habit, notes)
    found = _written(plain, grouped=False, axes=axes)
    return _answer(text, found, axes, layout, habit, notes)


def _one_number_or_more(
    text: str, plain: str, axes: int, layout: str, habit: str, notes: tuple[str, ...]
) -> ShapeAnswer:
    """Return the meanings of `25,088`: a number with groups of digits, or several sizes without a space."""
    one = _answer(text, _written(plain.replace(",", ""), grouped=True, axes=axes), axes, layout, habit, notes)
    sizes = plain.split(",")
    if any(size.startswith("0") and len(size) > 1 for size in sizes):
        return one
    several = _answer(text, _written(plain, grouped=True, axes=axes), axes, layout, habit, notes)
    if len(sizes) == axes > 1:
        one, several = several, one
    return replace(one, readings=tuple(dict.fromkeys((*one.readings, *several.readings))))


# From signs to sizes.


def _written(text: str, *, grouped: bool, axes: int) -> _Written:
    """Return the sizes in a text, taking commas for groups of digits only where the sizes do not come out otherwise."""
    if not grouped and _GROUPED.search(text) and re.search(r"[x*@]|by", text):
        joined = _written(_GROUPED.sub(lambda match: match[0].replace(",", ""), text), grouped=True, axes=axes)
        try:
            apart = _written(text, grouped=True, axes=axes)
        except Unread:
            return joined
        return apart if len(apart.items) == axes or len(joined.items) != axes else joined
    hint, named_by = "", ""
    if match := _CONTAINER.search(text):
        hint, named_by = _ORDERS.get(match[1].lower(), ("", ""))
        text = text[: match.start()] + text[match.end() :]
    if match := _LEGEND.search(text):
        hint, named_by = re.sub(r"[^CHWD]", "", match[1].upper()).replace("D", "C"), "legend"
        text = text[: match.start()] + " " + text[match.end() :]
    if len(set(hint)) != len(hint):
        raise Unread(f"the order {hint} names an axis twice")
    return _Scan(text, hint, named_by).written()


class _Scan:
    """Goes through the signs of a shape once."""

    def __init__(self, text: str, hint: str, named_by: str) -> None:
        self.tokens = list(_tokens(text))
        self.items: list[_Item] = []
        self.batch: int | str | None = None
        self.at: int | None = None
        self.hint, self.named_by = hint, named_by
        self.pending = ""
        self.is_negative = False

    def written(self) -> _Written:
        """Return what the text holds."""
        opened = sum(text in "([{" for _, text in self.tokens)
        if opened != sum(text in ")]}" for _, text in self.tokens):
            raise Unread("a bracket is not closed")
        for place, (kind, text) in enumerate(self.tokens):
            before = self.tokens[place - 1] if place else ("", "")
            after = self.tokens[place + 1] if place + 1 < len(self.tokens) else ("", "")
            if kind == "number":
                self._number(text)
            elif kind == "power":
                self._power(text, before[0])
            elif kind == "word":
                self._word(text.lower(), is_label=after[1] in {"=", ":"})
            else:
                self._sign(text, before, after)
        if self.pending or self.is_negative:
            raise Unread("a size is missing at the end")
        if not self.items:
            raise Unread("there are no sizes")
        if len(self.items) > _MOST_SIZES:
            raise Unread(f"{len(self.items)} sizes; a shape has at most {_MOST_SIZES}")
        return _Written(self.items, self.batch, self.at, self.hint, self.named_by)

    def _number(self, text: str) -> None:
        digits = text.replace("_", "").replace("'", "")
        if len(digits) > MOST_DIGITS:
            raise Unread(f"a number of more than {MOST_DIGITS} digits")
        if len(digits) > 1 and digits[0] == "0" and digits[1] != ".":
            raise Unread(f"`{text}` begins with a zero")
        exact = Fraction(digits)
        size: Extent = int(exact) if exact.denominator == 1 else exact
        role, self.pending = self.pending, ""
        is_negative, self.is_negative = self.is_negative, False
        if role == "N":
            self.batch = int(size)
        elif is_negative and size == 1 and not self.items and self.batch is None:
            self._open_batch("CHW")  # as torch's summaries print it
        else:
            self.items.append(_Item(-size if is_negative else size, role))

    def _power(self, text: str, before: str) -> None:
        if before != "number" or not self.items:
            raise Unread(f"{quoted(text)} has no size before it")
        exponent = int(re.sub(r"[^0-9]", "", text))
        size, role = self.items[-1]
        if exponent == 2 and not role:
            self.items.append(_Item(size))  # 32^2 x 64
        elif size < 2**16 and exponent <= 32:
            self.items[-1] = _Item(size**exponent, role)
        else:
            raise Unread("a size is larger than any answer")

    def _word(self, word: str, *, is_label: bool) -> None:
        if word in _BATCH and is_label:
            self.pending = "N"
        elif word in _BATCH and not self.items and self.batch is None:
            self._open_batch("HWC" if word == "none" else "")
        elif word in _ROLES:
            role = _ROLES[word]
            # The word stands behind its number (64 channels) or in front of it (channels 64).
            if not is_label and not self.pending and self.items and not self.items[-1].role:
                self.items[-1] = _Item(self.items[-1].size, role)
            elif self.pending:
                raise Unread(f"a size is missing before {quoted(word)}")
            else:
                self.pending = role
        elif word not in _FILLERS:
            raise Unread(f"{quoted(word)} belongs to no shape")

    def _sign(self, sign: str, before: tuple[str, str], after: tuple[str, str]) -> None:
        if sign in "=:" and not self.pending:
            raise Unread(f"`{sign}` is not expected there")
        if sign == "-":
            if before[0] == "number" or after[0] != "number":
                raise Unread("`-` is not expected there")
            self.is_negative = True
        elif sign == "?":
            if self.items or self.batch is not None:
                raise Unread("`?` stands for a size")
            self._open_batch("HWC")
        elif sign == "@":
            if self.at is not None or not self.items:
                raise Unread("`@` stands between the channels and the sides, once")
            self.at = len(self.items)

    def _open_batch(self, hint: str) -> None:
        self.batch = "open"
        if hint and not self.hint:
            self.hint, self.named_by = hint, "None"


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    place = 0
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            rest = text[place:].strip()
            if not rest:
                return
            raise Unread(f"{quoted(rest[0])} belongs to no shape")
        yield str(match.lastgroup), match[str(match.lastgroup)]
        place = match.end()


# From sizes to meanings.


def _answer(text: str, found: _Written, axes: int, layout: str, habit: str, notes: tuple[str, ...]) -> ShapeAnswer:
    written = tuple(item.size for item in found.items)
    if any(item.role for item in found.items):
        reading, named_by, batch = _by_names(found.items, axes), "names", found.batch
        return ShapeAnswer(text, written, (reading,), batch, named_by, notes)
    if found.at is not None:
        left, right = found.items[: found.at], found.items[found.at :]
        return ShapeAnswer(text, written, (_by_at(left, right, axes),), found.batch, "@", notes)
    sizes, batch = written, found.batch
    if batch is None and len(sizes) == axes + 1 and (sizes[0] == 1 or axes >= 3 or found.named_by in _BATCHED):
        batch, sizes = int(sizes[0]), sizes[1:]
    if found.named_by == "legend" and len(sizes) == 3:
        return ShapeAnswer(text, written, (_arranged(sizes, found.hint),), batch, "legend", notes)
    readings = _without_names(sizes, axes, _order(sizes, found.hint, layout, habit))
    if axes == 3 and len(sizes) == 2 and batch is None and sizes[0] == 1:
        readings.append(Reading(sizes[1], (1, 1), ""))  # a batch of one, and a vector
    unique = {(reading.channels, reading.spatial): reading for reading in reversed(readings)}
    return ShapeAnswer(text, written, tuple(reversed(unique.values())), batch, found.named_by, notes)


def _order(sizes: tuple[Extent, ...], hint: str, layout: str, habit: str) -> str:
    """Return whether channels come first or last: as the text says, the sheet, the student elsewhere, or a guess."""
    said = hint or {"strict": "CHW", "any": ""}.get(layout, layout) or habit
    if said:
        return "HWC" if said.endswith("C") else "CHW"
    # Maps are mostly square, so two equal sizes are the sides.
    return "HWC" if len(sizes) == 3 and sizes[0] == sizes[1] != sizes[2] else "CHW"


def _without_names(sizes: tuple[Extent, ...], axes: int, order: str) -> list[Reading]:
    rest = [size for size in sizes if size != 1]
    if axes == 1 and len(sizes) > 1 and len(rest) <= 1:
        return [Reading(rest[0] if rest else 1, (), "")]  # 512x1x1 where a vector is asked
    if len(sizes) == 1:
        padded = Reading(sizes[0], (1,) * (axes - 1), "")
        return [Reading(None, sizes, ""), padded] if axes == 2 else [padded]
    if len(sizes) == axes - 1:
        return [Reading(None, sizes, "")]
    both = [_arranged(sizes, "CHW"), _arranged(sizes, "HWC")]
    return both if order == "CHW" else both[::-1]


def _arranged(sizes: tuple[Extent, ...], order: str) -> Reading:
    """Return the meaning of sizes in an order such as HWC; of more or fewer than three, channels are first or last."""
    if order in {"WHC", "CWH"}:
        sides = sizes[:2] if order == "WHC" else sizes[1:]
        return Reading(sizes[order.index("C")], sides[::-1], order)
    first = order == "CHW"
    return Reading(sizes[0], sizes[1:], order) if first else Reading(sizes[-1], sizes[:-1], order)


def _by_names(items: list[_Item], axes: int) -> Reading:
    roles = [item.role for item in items if item.role]
    if len(set(roles)) != len(roles):
        raise Unread("an axis is named twice")
    named = {item.role: item.size for item in items if item.role}
    unnamed = [item.size for item in items if not item.role]
    channels = named.get("C")
    if channels is None and len(unnamed) == 1 and len(named) == axes - 1:
        channels = unnamed.pop()
    sides = [named.get("H"), named.get("W")]
    # A side without a name takes the free place: H=32, 32, C=64.
    spatial = [side if side is not None else unnamed.pop(0) if unnamed else None for side in sides]
    known = tuple(side for side in spatial if side is not None)
    return _complete(channels, (*known, *unnamed), axes)


def _by_at(left: list[_Item], right: list[_Item], axes: int) -> Reading:
    first, last = tuple(item.size for item in left), tuple(item.size for item in right)
    if len(first) == 1 and last:
        return _complete(first[0], last, axes)
    if len(last) == 1:
        return _complete(last[0], first, axes)
    raise Unread("`@` has the channels on one side and the sides of the map on the other")


def _complete(channels: Extent | None, spatial: tuple[Extent, ...], axes: int) -> Reading:
    """Return a named reading; a map of one by one may be left out, one side of two may not."""
    if not spatial and channels is not None:
        spatial = (1,) * (axes - 1)
    if len(spatial) == 1 and axes == 3:
        raise Unread(f"one side of the map is given, {spatial[0]}; two are asked")
    return Reading(channels, spatial, "")
