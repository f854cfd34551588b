"""The parser's tables: built from the grammar, written as a plain Python literal, read back.

Building them takes longer than everything else that `analyze` does, so a wheel carries `_tables.py`, made by
`build_tables.py`. A checkout without it builds them at start. Neither lark's pickle cache nor its standalone
file is used: the one can be swapped by others on the machine, the other has another licence than ours.
"""

from __future__ import annotations

import hashlib
from importlib import import_module
from pathlib import Path
from typing import Any

from lark import Lark
from lark.grammar import Rule
from lark.lexer import TerminalDef

STARTS = ["item", "flow"]
GRAMMAR = Path(__file__).with_name("grammar.lark")


def options() -> dict[str, Any]:
    """Return how lark is asked to read the grammar, here and in the test of strictness."""
    return {"parser": "lalr", "start": STARTS, "keep_all_tokens": True, "maybe_placeholders": False}


def build() -> tuple[dict[str, Any], dict[int, Any]]:
    """Return the tables and the memo that they refer to, as lark serialises them."""
    data, memo = Lark(GRAMMAR.read_text(encoding="utf-8"), **options()).memo_serialize([TerminalDef, Rule])
    data["parser"]["parser"] = _numbered(data["parser"]["parser"])
    return data, memo


def _numbered(table: dict[str, Any]) -> dict[str, Any]:
    """Count tokens and states in one fixed order, so that every build writes the same bytes; lark's is by address."""
    names = sorted(table["tokens"].values())
    number = {name: index for index, name in enumerate(names)}
    rows = {
        state: sorted((number[table["tokens"][token]], action) for token, action in row.items())
        for state, row in table["states"].items()
    }
    order = [state for _, state in sorted(table["start_states"].items())]
    place = {state: index for index, state in enumerate(order)}
    for state in order:  # grows as the states behind each are found
        for _, (kind, target) in rows[state]:
            if kind == 0 and target not in place:
                place[target] = len(order)
                order.append(target)

    def moved(action: tuple[int, int]) -> tuple[int, int]:
        kind, target = action
        return kind, place[target] if kind == 0 else target

    return {
        "tokens": dict(enumerate(names)),
        "states": {place[s]: {token: moved(action) for token, action in rows[s]} for s in order},
        "start_states": {start: place[s] for start, s in sorted(table["start_states"].items())},
        "end_states": {start: place[s] for start, s in sorted(table["end_states"].items())},
    }


def digest() -> str:
    """Return a digest of the grammar, by which stale tables are noticed."""
    return hashlib.sha256(GRAMMAR.read_bytes()).hexdigest()


def literal() -> str:
    """Return the source text of `_tables.py`."""
    data, memo = build()
    head = '"""The parser\'s tables, made from grammar.lark by build_tables.py."""\n\n'
    return f"{head}DIGEST = {digest()!r}\nDATA = {data!r}\nMEMO = {memo!r}\n"


def load() -> tuple[dict[str, Any], dict[int, Any]]:
    """Return the ready-made tables where there are any that fit the grammar, else built ones."""
    try:
        made = import_module("archdsl.lang._tables")
    except ImportError:
        return build()
    return (made.DATA, made.MEMO) if digest() == made.DIGEST else build()


def parser(builder: object) -> Lark:
    """Return a parser that hands each rule's children to the method of `builder` named after it."""
    data, memo = load()
    lark = Lark.__new__(Lark)
    lark._load({"data": data, "memo": memo}, transformer=builder)
    return lark
