"""The grammar has one reading of every text, and the tables made from it are the same everywhere."""

from __future__ import annotations

import ast as python
import hashlib
import subprocess
import sys

import pytest
from lark import Lark

from archdsl.lang import tables
from archdsl.lang.builder import number
from archdsl.lang.parser import Spec
from archdsl.source import Source

GRAMMAR = tables.GRAMMAR.read_text(encoding="utf-8")


def test_the_grammar_is_free_of_conflicts_and_its_terminals_do_not_collide():
    Lark(GRAMMAR, strict=True, **tables.options())


@pytest.fixture(scope="module")
def built():
    return tables.build()


def test_the_ready_tables_are_those_of_the_grammar(built):
    _tables = pytest.importorskip("archdsl.lang._tables", reason="a checkout that was never installed has none")

    assert hashlib.sha256(tables.GRAMMAR.read_bytes()).hexdigest() == _tables.DIGEST
    assert built == (_tables.DATA, _tables.MEMO)


def test_the_tables_are_a_literal_that_reads_back_equal(built):
    module = python.parse(tables.literal())
    values = {s.targets[0].id: python.literal_eval(s.value) for s in module.body if isinstance(s, python.Assign)}

    assert (values["DATA"], values["MEMO"]) == built
    assert values["DIGEST"] == tables.digest()


def test_the_tables_do_not_depend_on_the_order_of_sets():
    program = "import sys; from archdsl.lang.tables import literal; sys.stdout.write(literal())"
    texts = [
        subprocess.run([sys.executable, "-c", program], env={"PYTHONHASHSEED": seed}, capture_output=True, check=True)
        for seed in ("1", "2")
    ]

    assert texts[0].stdout == texts[1].stdout
    assert len(texts[0].stdout) > 10_000


def test_stale_tables_are_not_used(monkeypatch, built):
    monkeypatch.setattr(tables, "digest", lambda: "of another grammar")

    assert tables.load() == built


# Tokens. LANGUAGE.md: strict mode does not see `**` lexed as `*` `*`.


def tokens(text: str, rule: str = "flow") -> list[str]:
    """Return the tokens that the parser reads in a text."""
    lark = Lark(GRAMMAR, **tables.options())
    return [f"{t.type} {t}" for t in lark.parse_interactive(text, start=rule).exhaust_lexer()]


# fmt: off
TOKENS = [
    ("a power",                 "a ** b",       ["NAME a", "POW **", "NAME b"]),
    ("a power, close",          "2**i",         ["NUMBER 2", "POW **", "NAME i"]),
    ("a product",               "a * b",        ["NAME a", "MULOP *", "NAME b"]),
    ("floor division",          "a // b",       ["NAME a", "MULOP //", "NAME b"]),
    ("a repetition",            "x -> A * 2",   ["NAME x", "ARROW ->", "NAME A", "STAR *", "NUMBER 2"]),
    ("an arrow",                "x -> A",       ["NAME x", "ARROW ->", "NAME A"]),
    ("an arrow of a textbook",  "x → A",        ["NAME x", "ARROW →", "NAME A"]),
    ("an arrow without spaces", "x->A→B",       ["NAME x", "ARROW ->", "NAME A", "ARROW →", "NAME B"]),
    ("minus, then greater",     "a - b > c",    ["NAME a", "ADDOP -", "NAME b", "CMP >", "NAME c"]),
    ("at least",                "a >= b",       ["NAME a", "CMP >=", "NAME b"]),
    ("a name that begins like a keyword", "note or iffy", ["NAME note", "OR or", "NAME iffy"]),
    ("a comment",               "a # -> b\n+ c", ["NAME a", "ADDOP +", "NAME c"]),
    ("a hash in a text",        '"a # b"',      ['STRING "a # b"']),
]
# fmt: on


@pytest.mark.parametrize(("text", "expected"), [t[1:] for t in TOKENS], ids=[t[0] for t in TOKENS])
def test_a_text_is_cut_into_its_tokens(text, expected):
    assert tokens(text) == expected


def test_two_stars_apart_are_no_power():
    spec = Spec(Source("t", "model M { input x: [1]  let a = 2 * * 3  output x }"))
    spec.parse_all()

    assert [(d.code, d.span.column) for d in spec.problems] == [("E0101", 37)]


# fmt: off
NUMBERS = [
    # written      value                type
    ("0",          0,                   int),
    ("61_706",     61_706,              int),
    ("007",        7,                   int),
    ("1e-3",       0.001,               float),
    ("1E3",        1000.0,              float),
    ("0.25",       0.25,                float),
    ("1_0.5",      10.5,                float),
    ("386M",       386_000_000,         int),
    ("4.09G",      4_090_000_000,       int),
    ("1.5K",       1500,                int),
    ("0.0005K",    0.5,                 float),
    ("1e400",      float("inf"),        float),
]
# fmt: on


@pytest.mark.parametrize(("text", "value", "kind"), NUMBERS, ids=[n[0] for n in NUMBERS])
def test_a_number_has_the_value_that_is_written(text, value, kind):
    assert number(text) == value
    assert type(number(text)) is kind


@pytest.mark.parametrize("word", ["input", "output", "block", "model", "seq", "test", "init", "share", "let", "import"])
def test_words_of_the_language_may_be_labels(word):
    spec = Spec(Source("t", f"model M {{ input x: [1, 8, 8]  output x -> {word}: Conv2d(3, 1) -> ReLU }}"))
    tree = spec.parse(spec.items[0])

    assert spec.problems == []
    assert [s.label and s.label.name for s in tree.body[1].value.stages] == [word, None]
