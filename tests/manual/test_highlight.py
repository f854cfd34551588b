"""The colours: every spec is lexed to its last letter, and both notations agree on what a word is."""

from __future__ import annotations

import json
import re
import tomllib
from importlib import import_module
from pathlib import Path

import pytest
from pygments.token import Comment, Error, Keyword, Name, Number, Operator, Punctuation, String, Text, Token

from archdsl.highlight import TEXTMATE, ArchLexer, textmate
from archdsl.manual import vocabulary
from archdsl.manual.chapters import CHAPTERS
from archdsl.resources import specs
from archdsl.rules import RULES

ROOT = Path(__file__).resolve().parents[2]
TEXTS = {path.stem: path.read_text(encoding="utf-8") for path in sorted(specs().glob("*.arch"))}
EXAMPLES = [entry.example for chapter in CHAPTERS for entry in chapter.entries if entry.example]


def lexed(text: str) -> list[tuple[type(Token), str]]:
    return list(ArchLexer(stripnl=False, ensurenl=False).get_tokens(text))


@pytest.mark.parametrize("text", [*TEXTS.values(), *EXAMPLES], ids=[*TEXTS, *(e.split("\n")[0] for e in EXAMPLES)])
def test_a_spec_is_lexed_whole_and_nothing_in_it_is_foreign(text):
    tokens = lexed(text)

    assert "".join(value for _, value in tokens) == text
    assert not [value for kind, value in tokens if kind in Error or kind is Text.Symbol]


@pytest.mark.parametrize(
    "text", ["@", "a\tb\r\n", '"open\nx', "{{{", "🙂 é", "\0", *(rule.bad for rule in RULES.values())]
)
def test_any_text_is_lexed_whole(text):
    text = text.replace("\r\n", "\n").replace("\r", "\n")  # pygments makes all ends of lines one

    assert "".join(value for _, value in lexed(text)) == text


# fmt: off
KINDS = [
    ("model Net(n: int = 3) {", [("model", Keyword.Declaration), ("Net", Name), ("n", Name.Label), ("int", Keyword.Type), ("3", Number)]),
    ("y = x -> conv: Conv2d(8, 3, bias=false)", [("y", Name.Variable), ("->", Operator), ("conv", Name.Label), ("Conv2d", Name.Class), ("bias", Name.Variable), ("false", Keyword.Constant)]),
    ("x → block: ReLU",         [("→", Operator), ("block", Name.Label), ("ReLU", Name.Class)]),
    ("a ** b // c <= d",        [("**", Operator), ("//", Operator), ("<=", Operator)]),
    ("not a and b",             [("not", Operator.Word), ("and", Operator.Word)]),
    ("## doc\n# note",          [("## doc", String.Doc), ("# note", Comment.Single)]),
    ('"a{i+1}b": X',            [("{i+1}", String.Interpol), ("b", String.Double)]),
    ("expect macs == 4.09G within 1%", [("expect", Keyword), ("4.09G", Number), ("within", Keyword), ("%", Operator)]),
    ("for i in range(3)",       [("for", Keyword), ("in", Keyword), ("range", Name.Builtin)]),
    ("l: list[list[int]]",      [("list", Keyword.Type), ("int", Keyword.Type), ("[", Punctuation)]),
]
# fmt: on


@pytest.mark.parametrize(("text", "expected"), KINDS, ids=[text for text, _ in KINDS])
def test_words_and_signs_have_their_kind(text, expected):
    tokens = [(value, kind) for kind, value in lexed(text)]

    for pair in expected:
        assert pair in tokens


@pytest.mark.parametrize("word", vocabulary.keywords())
def test_every_word_of_the_grammar_is_one_to_the_lexer(word):
    ((kind, _),) = lexed(word)

    assert kind in Keyword or kind in Operator


@pytest.mark.parametrize("word", vocabulary.layers())
def test_every_layer_is_one_to_the_lexer(word):
    assert lexed(word) == [(Name.Class, word)]


def test_the_grammar_for_editors_is_fresh(golden):
    golden(TEXTMATE, textmate())


def _scopes(text: str) -> list[tuple[str, str]]:
    """Walk along a line as an editor does: at each place the first pattern that matches there."""
    patterns = json.loads(textmate())["patterns"]
    found, place = [], 0
    while place < len(text):
        for one in patterns:
            begin = one.get("match") or f'{one["begin"]}[^"\\n]*(?:{one["end"]})'
            match = re.compile(begin, re.MULTILINE).match(text, place)
            if match and match[0]:
                found.append((match[0], one.get("name", "captures")))
                place = match.end()
                break
        else:
            assert text[place].isspace(), f"nothing colours {text[place : place + 20]!r}"
            place += 1
    return found


@pytest.mark.parametrize("name", TEXTS)
def test_an_editor_colours_every_spec_whole(name):
    found = _scopes(TEXTS[name])
    labels = {text for text, scope in found if scope == "entity.name.label.arch"}

    assert {value for kind, value in lexed(TEXTS[name]) if kind is Name.Label} == labels


def test_an_editor_sees_what_the_lexer_sees():
    scopes = dict(_scopes("x -> conv: Conv2d(8, padding=1) if not true # end"))

    assert scopes["conv"] == "entity.name.label.arch"
    assert scopes["Conv2d"] == "support.class.layer.arch"
    assert scopes["padding"] == "variable.parameter.arch"
    assert scopes["->"] == "keyword.operator.arrow.arch"
    assert scopes["if"] == "keyword.control.arch"
    assert scopes["not"] == "keyword.operator.word.arch"
    assert scopes["true"] == "constant.language.arch"
    assert scopes["# end"] == "comment.line.number-sign.arch"


def test_pygments_is_told_of_the_lexer():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    module, _, name = project["entry-points"]["pygments.lexers"]["arch"].partition(":")

    assert getattr(import_module(module), name) is ArchLexer
    assert "*.arch" in ArchLexer.filenames
