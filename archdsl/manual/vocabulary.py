"""The words and signs of the language, read from its grammar and from the tables that give names a meaning."""

from __future__ import annotations

import re
from functools import cache

from archdsl.elaborate.builtins import FUNCTIONS
from archdsl.elaborate.expressions import QUESTIONS, TENSOR_FUNCTIONS
from archdsl.elaborate.values import TYPES
from archdsl.lang.tables import GRAMMAR
from archdsl.ops import OPS

_RULE = re.compile(r"^\??([a-z_]+): (.*(?:\n {5}.*)*)", re.MULTILINE)
_TERMINAL = re.compile(r"^([A-Z]+)(?:\.\d+)?: (.*)$", re.MULTILINE)
_WORD = re.compile(r'"([a-z]+)"')
_SYMBOL = re.compile(r'"([^"]+)"|\b([A-Z]+)\b')
_LOOSEST = "expr"
"""The rule of the grammar for the operators that bind least; each such rule begins with the next tighter one."""


@cache
def _grammar() -> str:
    lines = GRAMMAR.read_text(encoding="utf-8").splitlines()
    return "\n".join(line for line in lines if not line.startswith("//"))


@cache
def _rules() -> dict[str, str]:
    return dict(_RULE.findall(_grammar()))


@cache
def terminals() -> dict[str, str]:
    """Return what the grammar says of each terminal: a pattern between slashes, or texts between quotes."""
    return dict(_TERMINAL.findall(_grammar()))


def pattern(terminal: str) -> str:
    """Return a terminal as a regular expression."""
    text = terminals()[terminal]
    if text.startswith("/"):
        return text[1 : text.rindex("/")]
    return "|".join(re.escape(sign) for sign in sorted(_quoted(text), key=lambda sign: (-len(sign), sign)))


def keywords() -> tuple[str, ...]:
    """Return every word that the grammar gives a meaning."""
    return tuple(sorted(set(_WORD.findall(_grammar()))))


def item_words() -> tuple[str, ...]:
    """Return the words that begin an item of a file."""
    return _first_words("item")


def statement_words() -> tuple[str, ...]:
    """Return the words that begin a statement of a body."""
    return _first_words("stmt")


def _first_words(rule: str) -> tuple[str, ...]:
    """Return the words with which the alternatives of a rule begin."""
    names = re.findall(r"[a-z_]+", _rules()[rule])
    found = (re.match(r'"([a-z]+)"', _rules()[name]) for name in names)
    return tuple(dict.fromkeys(match[1] for match in found if match))


def constants() -> tuple[str, ...]:
    """Return the words that are values."""
    return tuple(_quoted(terminals()[name])[0] for name in ("TRUE", "FALSE", "NONE"))


@cache
def operators() -> tuple[tuple[str, ...], ...]:
    """Return the operators of expressions in levels, those that bind least first."""
    levels: list[tuple[str, ...]] = []
    rule = _LOOSEST
    while True:
        body = _rules()[rule]
        signs = [sign for text, name in _SYMBOL.findall(body) for sign in ([text] if text else _signs(name))]
        if "(" in signs:
            return tuple(levels)
        levels.append(tuple(dict.fromkeys(signs)))
        rule = re.match(r"[a-z_]+", body.partition(" | ")[0].rpartition('" ')[2])[0]  # type: ignore[index]


def word_operators() -> tuple[str, ...]:
    """Return the operators that are words."""
    return tuple(sign for level in operators() for sign in level if sign.isalpha())


def arrows() -> tuple[str, ...]:
    """Return the ways to write an arrow."""
    return tuple(_signs("ARROW"))


def _signs(terminal: str) -> list[str]:
    return _quoted(terminals().get(terminal, ""))


def _quoted(text: str) -> list[str]:
    return re.findall(r'"([^"]+)"', text)


def layers() -> tuple[str, ...]:
    """Return the names of the layers."""
    return tuple(sorted(name for name, cls in OPS.items() if cls.is_module))


def functions() -> tuple[str, ...]:
    """Return the names of the functions on numbers, lists and tensors, and those that only a test knows."""
    return (*FUNCTIONS, *TENSOR_FUNCTIONS, *QUESTIONS)


def types() -> tuple[str, ...]:
    """Return the types of parameters."""
    return TYPES
