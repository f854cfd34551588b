"""No text makes the reader fail: sentences of the grammar, and bundled specs with words lost, doubled and swapped."""

from __future__ import annotations

import re

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.lark import from_lark
from lark import Lark

from archdsl.diagnostics import Diagnostic, Label, concise, render
from archdsl.elaborate import Library
from archdsl.lang import tables
from archdsl.pipeline import check
from archdsl.resources import specs
from archdsl.source import Source

GRAMMAR = Lark(tables.GRAMMAR.read_text(encoding="utf-8"), **{**tables.options(), "start": "item"})
NAMES = [
    "x",
    "y",
    "n",
    "i",
    "H",
    "M",
    "B",
    "S",
    "ReLU",
    "Conv2d",
    "Linear",
    "Flatten",
    "concat",
    "range",
    "len",
    "int",
    "list",
]
TERMINALS = {
    "NAME": st.sampled_from(NAMES),
    "NUMBER": st.sampled_from(["0", "1", "2", "3", "7", "64", "1e-3", "2.5", "4.09G", "1_000", "99999999999999999999"]),
    "STRING": st.sampled_from(['"a"', '"layer{i+1}"', '"{"', '"{n}{n}"', '"conv1"', '""', '"é 😀"']),
}
USED = "block B { input x  output x -> ReLU }\nseq S(n: int = 2) = ReLU * n\n"
MODEL = "model M(n: int = 2) {{ input x: [3, 8, 8]  input y: [n, H, H]  {0}  output x -> ReLU }}\n"

patient = settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])


def look(text: str) -> None:
    """Check a text, draw everything that is found, and see that it is in the text."""
    source = Source("fuzz.arch", text)
    found = check(Library().add(source)).diagnostics
    for problem in found:
        assert problem.message
        for place in (Label(problem.span), *problem.related, *problem.frames):
            span = place.span
            assert 0 <= span.start <= span.end <= len(span.source.text)
            assert span.source is not source or span.source.text == text
        assert _drawn(problem)


def _drawn(problem: Diagnostic) -> bool:
    first, place, *_ = render(problem).split("\n")
    return first.startswith(f"{problem.severity}[{problem.code}]: ") and str(problem.span) in place + concise(problem)


@patient
@given(from_lark(GRAMMAR, start="item", explicit=TERMINALS))
def test_any_sentence_of_the_grammar_is_answered(item):
    look(USED + MODEL.format("") + item + "\n")


STATEMENTS = Lark(tables.GRAMMAR.read_text(encoding="utf-8"), **{**tables.options(), "start": "stmt"})


@settings(patient, max_examples=20)
@given(st.lists(from_lark(STATEMENTS, start="stmt", explicit=TERMINALS), min_size=1, max_size=2))
def test_any_statements_in_a_model_are_answered(statements):
    look(USED + MODEL.format("\n".join(statements)))


WORDS = {
    path.name: re.findall(r"\w+|[^\w\s]+|\s+", path.read_text(encoding="utf-8"))
    for path in sorted(specs().glob("*.arch"))
}


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """A definition or two of a bundled spec, some words deleted, doubled, swapped or replaced."""
    words = WORDS[draw(st.sampled_from(sorted(WORDS)))]
    start = draw(st.integers(0, max(0, len(words) - 400)))
    words = words[start : start + 400] if draw(st.booleans()) else list(words)
    for _ in range(draw(st.integers(1, 4))):
        i = draw(st.integers(0, len(words) - 2))
        change = draw(st.sampled_from(["delete", "double", "swap", "replace"]))
        if change == "delete":
            del words[i]
        elif change == "double":
            words.insert(i, words[i])
        elif change == "swap":
            words[i], words[i + 1] = words[i + 1], words[i]
        else:
            words[i] = draw(
                st.sampled_from(["(", ")", "{", "}", "->", '"', "#", "for", "0", "x", "ReLU", ",", "=", "\n", "["])
            )
    return "".join(words)


@settings(patient, max_examples=60)
@given(damaged())
def test_a_damaged_spec_is_answered(text):
    look(text)


@settings(patient, max_examples=100)
@given(st.text(st.characters(codec="utf-8"), max_size=60))
def test_any_text_is_answered(text):
    look(text)
    look(MODEL.format(text))
