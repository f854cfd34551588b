"""What every export lays out: the parts of a sheet for some drawn values, each once and neutral of any target."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property

from archdsl.exam.exports.numbers import decimal
from archdsl.exam.prose import laid_out
from archdsl.exam.sentences import shown
from archdsl.exam.sheet import Conventions, Part, Problem
from archdsl.exam.walk import Value

SIDES = {
    1: ("values",),
    2: ("channels", "length"),
    3: ("channels", "height", "width"),
    4: ("channels", "depth", "height", "width"),
}
"""What the sizes of a shape are called, by their number."""


@dataclass(frozen=True)
class Wording:
    """A text in the Markdown of sheets, its placeholders filled, for every target; what is hostile in it is shown."""

    written: str

    def __bool__(self) -> bool:
        return bool(self.written.strip())

    @property
    def html(self) -> str:
        return laid_out(self.written, "html")

    @property
    def latex(self) -> str:
        return laid_out(self.written, "latex")

    @property
    def md(self) -> str:
        return laid_out(self.written, "md")

    @property
    def text(self) -> str:
        return laid_out(self.written, "text")


@dataclass(frozen=True)
class Wrong:
    """A wrong answer that a mistake leads to, what is to be told about it, and what it earns."""

    value: Value
    ids: tuple[str, ...]
    said: str
    """A sentence without a full stop, in plain text."""
    share: Fraction = Fraction(0)
    """Of the marks, from 0 to 1."""

    @property
    def name(self) -> str:
        """The mistakes as reports name them: `P01/P02`."""
        return "/".join(self.ids)


@dataclass(frozen=True)
class Option:
    """One answer to choose, in plain text."""

    text: str
    share: Fraction
    is_right: bool
    said: str = ""


@dataclass(frozen=True)
class Blank:
    """One number that is typed: a size of a shape, or the whole answer, and the wrong ones that mistakes lead to."""

    label: str
    """`height`; empty where the answer is one number."""
    value: int | Fraction
    wrong: tuple[Wrong, ...]
    """Each value once, and none of them the right one."""
    room: Fraction = Fraction(0)
    """How far an answer may be off; 0 for what is exact."""


@dataclass(frozen=True)
class Hinted:
    """A hint, and the share of the marks that it costs."""

    text: Wording
    cost: Fraction


@dataclass(frozen=True)
class Follow:
    """A likely earlier mistake, and what is right in a later part for who made it."""

    source: str
    """The id of the earlier part."""
    value: Value
    ids: tuple[str, ...]
    target: str
    """The id of the later part."""
    follows: Value
    again: Value | None
    """What the same mistake gives there when it is made again; nothing where it changes nothing."""


@dataclass(frozen=True)
class Item:
    """One part for some drawn values."""

    part: Part
    variant: str
    """Whose values are drawn, as `s01`; empty where the problem draws nothing."""
    asked: Wording
    right: Value
    kind: str
    """What is asked for: a number, numbers, a shape, or whether something is valid."""
    shown: str
    """The right answer as the sheet writes it."""
    worked: str
    """How it comes about, in one line of plain text; empty where there is nothing to say."""
    room: Fraction
    wrong: tuple[Wrong, ...]
    options: tuple[Option, ...]
    hints: tuple[Hinted, ...]
    conventions: Conventions = field(repr=False)
    is_followed: bool = False
    """Whether a mistake in an earlier part changes what is right here for who made it."""

    @property
    def name(self) -> str:
        """The part and the variant: `up1.b s01`."""
        return f"{self.part.name} {self.variant}".rstrip()

    @cached_property
    def blanks(self) -> tuple[Blank, ...]:
        """The numbers to type, in the order of the sheet's layout; none where something is chosen."""
        if self.options or isinstance(self.right, str | bool):
            return ()
        if not isinstance(self.right, tuple):
            return (Blank("", self.right, tuple(_at(self.wrong, None, self.right)), self.room),)
        order = list(range(len(self.right)))
        if self.is_turned:
            order = [*order[1:], 0]
        labels = _labels(len(self.right), self.kind)
        return tuple(Blank(labels[i], self.right[i], tuple(_at(self.wrong, i, self.right))) for i in order)

    @property
    def is_turned(self) -> bool:
        """Whether the sheet writes the channels of its shapes last."""
        return self.kind == "shape" and self.conventions.layout == "HWC"

    def told(self, value: Value) -> str:
        """Return a value as the sheet writes one."""
        return written(value, self.kind, self.conventions)


@dataclass(frozen=True)
class Case:
    """A problem for some drawn values."""

    problem: Problem
    variant: str
    about: Wording
    items: tuple[Item, ...]
    follow: tuple[Follow, ...]

    @property
    def title(self) -> str:
        return self.problem.title or self.problem.id


@dataclass(frozen=True)
class Book:
    """All that is exported: the problems of a sheet in order, each with its variants."""

    exam: str
    title: str
    conventions: Conventions
    variants: tuple[str, ...]
    """Their names; one empty name where nothing is drawn."""
    cases: tuple[Case, ...]

    @property
    def items(self) -> Iterator[Item]:
        return (item for case in self.cases for item in case.items)

    def of(self, problem: str) -> tuple[Case, ...]:
        """Return the variants of a problem."""
        return tuple(case for case in self.cases if case.problem.id == problem)

    @property
    def problems(self) -> tuple[str, ...]:
        """The ids of the problems, in order."""
        return tuple(dict.fromkeys(case.problem.id for case in self.cases))

    def sheet(self, variant: str) -> tuple[Case, ...]:
        """Return what one student gets: the problems with the values of a variant."""
        return tuple(case for case in self.cases if case.variant in ("", variant))


def written(value: Value, kind: str, conventions: Conventions) -> str:
    """Return a value as a sheet writes one: a shape in its layout, a list with commas."""
    if kind == "numbers" and isinstance(value, tuple):
        return ", ".join(map(decimal, value))
    return shown(value, conventions)


def _labels(count: int, kind: str) -> tuple[str, ...]:
    if kind == "shape" and count in SIDES:
        return SIDES[count]
    return tuple(f"number {i}" for i in range(1, count + 1))


def _at(wrong: tuple[Wrong, ...], axis: int | None, shape: Value) -> Iterator[Wrong]:
    """Yield what is wrong in one number, each value once; mistakes that agree there are told together."""
    right = shape[axis] if isinstance(shape, tuple) and axis is not None else shape
    found: dict[int | Fraction, list[Wrong]] = {}
    for one in wrong:
        value = one.value
        if isinstance(value, tuple):
            if axis is None or not isinstance(shape, tuple) or len(value) != len(shape):
                continue
            one = replace(one, share=_of_one_size(one.share, value, shape))
            value = value[axis]
        elif axis is not None:
            continue
        if isinstance(value, str | bool | tuple) or value == right:
            continue
        found.setdefault(value, []).append(one)
    for value, ones in found.items():
        ids = tuple(dict.fromkeys(id for one in ones for id in one.ids))
        said = ", or ".join(dict.fromkeys(one.said for one in ones[:2]))
        yield Wrong(value, ids, said, max(one.share for one in ones))


def _of_one_size(share: Fraction, value: tuple[int | Fraction, ...], right: tuple[int | Fraction, ...]) -> Fraction:
    """Return what each wrong size earns, so that with the right ones the shape earns its share, or as little over."""
    off = sum(a != b for a, b in zip(value, right, strict=True))
    return max(Fraction(0), (share * len(right) - (len(right) - off)) / off) if off else share
