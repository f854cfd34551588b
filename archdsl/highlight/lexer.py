"""The language for Pygments, and so for Sphinx, Jupyter and every tool that colours by it."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from pygments.lexer import RegexLexer, bygroups, words  # type: ignore[import-untyped]  # it ships no types
from pygments.token import (  # type: ignore[import-untyped]
    Comment,
    Keyword,
    Name,
    Number,
    Operator,
    Punctuation,
    String,
    Text,
    Whitespace,
)

from archdsl.manual import vocabulary

_NAME = vocabulary.pattern("NAME")
_SIGNS = [sign for level in vocabulary.operators() for sign in level if not sign.isalpha()]
_OTHER = [
    word
    for word in vocabulary.keywords()
    if word not in (*vocabulary.item_words(), *vocabulary.constants(), *vocabulary.word_operators())
]


def _any(names: tuple[str, ...] | list[str]) -> Any:
    return words(tuple(names), prefix=r"\b", suffix=r"\b")


class ArchLexer(RegexLexer):  # type: ignore[misc]  # its base is untyped
    """Lex specs of convolutional networks, as `archdsl` reads them."""

    name = "archdsl"
    aliases: ClassVar[list[str]] = ["arch", "archdsl"]
    filenames: ClassVar[list[str]] = ["*.arch"]
    mimetypes: ClassVar[list[str]] = ["text/x-arch"]
    flags = re.MULTILINE

    tokens: ClassVar[dict[str, list[Any]]] = {
        "root": [
            (r"\s+", Whitespace),
            (r"##[^\n]*", String.Doc),
            (r"#[^\n]*", Comment.Single),
            (rf"(:)(\s*)({_any(vocabulary.types()).get()})", bygroups(Punctuation, Whitespace, Keyword.Type)),
            (rf"{_NAME}(?=\s*:)", Name.Label),  # also where it is a keyword
            (rf"{_NAME}(?=\s*=(?!=))", Name.Variable),
            (_any(vocabulary.item_words()), Keyword.Declaration),
            (_any(vocabulary.constants()), Keyword.Constant),
            (_any(vocabulary.word_operators()), Operator.Word),
            (_any(_OTHER), Keyword),
            (_any(vocabulary.layers()), Name.Class),
            (rf"{_any(vocabulary.functions()).get()}(?=\s*\()", Name.Builtin),
            (_any(vocabulary.types()), Keyword.Type),
            (_NAME, Name),
            (vocabulary.pattern("NUMBER"), Number),
            (r'"(?=[^"\n]*")', String.Double, "text"),
            (words(vocabulary.arrows()), Operator),
            (words(_SIGNS), Operator),
            (r"[?]", Operator),
            (r"[][(){},:.=]", Punctuation),
            (r".", Text.Symbol),
        ],
        "text": [
            (r'[^"{}\n]+', String.Double),
            (r"\{[^{}\"\n]*\}", String.Interpol),
            (r"[{}]", String.Double),
            (r'"', String.Double, "#pop"),
        ],
    }
