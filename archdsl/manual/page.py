"""What a page is made of, whatever it will be shown as."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Prose:
    """A paragraph. Code in it stands between backticks."""

    text: str


@dataclass(frozen=True, slots=True)
class Points:
    """A list; numbered where the order says something, verbatim where the words are those of another program."""

    items: tuple[str, ...]
    numbered: bool = False
    verbatim: bool = False


@dataclass(frozen=True, slots=True)
class Terms:
    """What each of some words, written letter by letter, stands for."""

    items: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Code:
    """Texts that are shown letter by letter, beside each other where there is room, each under its title if it has one.

    `language` is `arch` for programs and `text` for what a command prints.
    """

    texts: tuple[tuple[str, str], ...]
    language: str = "arch"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under headings; the columns in `right` hold numbers."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    right: frozenset[int] = frozenset()


Block = Prose | Points | Terms | Code | Table


@dataclass(frozen=True, slots=True)
class Section:
    """Some blocks under a heading."""

    heading: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Page:
    """One page: what it is about, what is said, and the same as facts for machines."""

    title: str
    aside: str
    """What stands beside the title, such as the severity of a rule."""
    blocks: tuple[Block, ...]
    sections: tuple[Section, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)


def code(text: str, title: str = "", language: str = "arch") -> Code:
    """Return one text as a block."""
    return Code(((title, text.rstrip("\n")),), language)
