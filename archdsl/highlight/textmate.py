"""The language for editors that read TextMate's grammars: VS Code, Sublime Text, GitHub's own colours."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from archdsl.manual import vocabulary

TEXTMATE = Path(__file__).with_name("arch.tmLanguage.json")
"""The grammar as it ships."""


def textmate() -> str:
    """Return the grammar as JSON."""
    name = vocabulary.pattern("NAME")
    plain = (*vocabulary.item_words(), *vocabulary.constants(), *vocabulary.word_operators())
    other = [word for word in vocabulary.keywords() if word not in plain]
    signs = [sign for level in vocabulary.operators() for sign in level if not sign.isalpha()]
    patterns: list[dict[str, Any]] = [
        _match("comment.line.documentation.arch", "##.*$"),
        _match("comment.line.number-sign.arch", "#.*$"),
        {
            "name": "string.quoted.double.arch",
            "begin": '"',
            "end": '"|$',
            "patterns": [_match("constant.other.placeholder.arch", r"\{[^{}\"]*\}")],
        },
        _match("entity.name.label.arch", rf"\b{name}(?=\s*:)"),
        _match("variable.parameter.arch", rf"\b{name}(?=\s*=(?!=))"),
        {
            "match": rf"\b({_alternatives(vocabulary.item_words())})\b(?:\s+({name}))?",
            "captures": {"1": {"name": "keyword.declaration.arch"}, "2": {"name": "entity.name.type.arch"}},
        },
        _match("constant.language.arch", _whole(vocabulary.constants())),
        _match("keyword.operator.word.arch", _whole(vocabulary.word_operators())),
        _match("keyword.control.arch", _whole(other)),
        # A layer is told by how it is written, as blocks are, so that a new one changes nothing here.
        _match("support.class.layer.arch", r"\b[A-Z]\w*[a-z]\w*\b"),
        _match("support.function.arch", _whole(vocabulary.functions()) + r"(?=\s*\()"),
        _match("storage.type.arch", _whole(vocabulary.types())),
        _match("constant.numeric.arch", rf"\b{vocabulary.pattern('NUMBER')}"),
        _match("keyword.operator.arrow.arch", _alternatives(vocabulary.arrows())),
        _match("keyword.operator.arch", _alternatives([*signs, "?"])),
        _match("variable.other.arch", rf"\b{name}\b"),
        _match("punctuation.arch", r"[\[\](){},:.=]"),
    ]
    document = {
        "$schema": "https://raw.githubusercontent.com/martinring/tmlanguage/master/tmlanguage.json",
        "name": "archdsl",
        "scopeName": "source.arch",
        "fileTypes": ["arch"],
        "patterns": patterns,
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _match(scope: str, pattern: str) -> dict[str, str]:
    return {"name": scope, "match": pattern}


def _whole(names: Iterable[str]) -> str:
    return rf"\b(?:{_alternatives(names)})\b"


def _alternatives(names: Iterable[str]) -> str:
    """Return a pattern for any of some texts, the longer ones first."""
    return "|".join(re.escape(name) for name in sorted(names, key=lambda name: (-len(name), name)))
