"""The formatter: the tree stays, the comments stay, and what it printed it prints again."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.lark import from_lark
from lark import Lark

from archdsl.lang import ast, tables
from archdsl.lang.parser import Spec
from archdsl.lang.printer import WIDTH, formatted
from archdsl.resources import specs
from archdsl.rules import RULES
from archdsl.source import Source

HERE = Path(__file__).resolve().parent.parent
FILES = [*sorted(specs().glob("*.arch")), *sorted((HERE / "mistakes").glob("*.arch"))]


def tree(text: str) -> list[str]:
    """The tree of a text as a text; places are no part of it. A value keeps its type: 1 is not 1.0."""
    spec = Spec(Source("a.arch", text))
    found = [re.sub(r"name_start=\d+, ", "", repr(spec.parse(item))) for item in spec.items]

    assert not spec.problems, [p.message for p in spec.problems]
    return found


def comments(text: str) -> list[str]:
    spec = Spec(Source("a.arch", text))
    return [re.sub(r"^(#+) *", r"\1 ", c.text).rstrip() for c in spec.comments]


def check(text: str) -> str:
    """Format a text and hold the result against it."""
    made = formatted(Source("a.arch", text))

    assert made is not None
    assert tree(made) == tree(text)
    assert comments(made) == comments(text)
    assert formatted(Source("a.arch", made)) == made
    assert "\t" not in re.sub(r'#.*|"[^"\n]*"', "", made)
    assert not re.search(r"[ \t]+$", made, re.MULTILINE)
    return made


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_that_parses_keeps_its_tree_and_its_comments(path):
    text = path.read_text(encoding="utf-8")
    if formatted(Source(path.name, text)) is not None:
        made = check(text)

        assert max(map(len, made.splitlines())) <= max(WIDTH, *(len(line.strip()) for line in text.splitlines()))


@pytest.mark.parametrize("path", sorted(specs().glob("*.arch")), ids=lambda path: path.stem)
def test_the_bundled_specs_are_in_the_one_style(path):
    text = path.read_text(encoding="utf-8")

    assert formatted(Source(path.name, text)) == text


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.name)
def test_the_pages_of_the_rules_keep_their_trees(rule):
    for text in (rule.good, rule.bad):
        if text and formatted(Source("a.arch", text)) is not None:
            check(text)


# fmt: off
CASES = [
    # what it shows, before, after
    ("arrows and operators get spaces", "model M{input x:[3,8,8] output x→c:Conv2d(8*2,3,padding=1)}",
     "model M {\n    input x: [3, 8, 8]\n    output x -> c: Conv2d(8 * 2, 3, padding=1)\n}\n"),
    ("numbers and texts stay as spelt", 'model M { input x: [3,8,8]  require 61_706 == 4.09G , "why"  output x }',
     'model M {\n    input x: [3, 8, 8]\n    require 61_706 == 4.09G, "why"\n    output x\n}\n'),
    ("a power of small operands is tight", "let a = 2 ** 3\nlet b = 2 ** (1+1)\nlet c = (-1) ** 2\n",
     "let a = 2**3\nlet b = 2 ** (1 + 1)\nlet c = (-1) ** 2\n"),
    ("parentheses that change nothing go", "let a = (1) + ((2) * 3)\nlet b = (1 + 2) * 3\nlet c = 1 - (2 - 3)\n",
     "let a = 1 + 2 * 3\nlet b = (1 + 2) * 3\nlet c = 1 - (2 - 3)\n"),
    ("definitions stand apart and constants may not", "let a = 1\nlet b = 2\n\n\n\nlet c = 3\nseq S = ReLU\nseq T = S -> S\n",
     "let a = 1\nlet b = 2\n\nlet c = 3\n\nseq S = ReLU\n\nseq T = S -> S\n"),
    ("a broken pipeline breaks before labels", "model M {\n input x: [3, 8, 8]\n output x\n -> a: ReLU -> ReLU -> b: ReLU\n}\n",
     "model M {\n    input x: [3, 8, 8]\n    output x\n        -> a: ReLU -> ReLU\n        -> b: ReLU\n}\n"),
    ("a pipeline of one line stays", "model M {\n input x: [3, 8, 8]\n output x -> a: ReLU -> ReLU -> b: ReLU\n}\n",
     "model M {\n    input x: [3, 8, 8]\n    output x -> a: ReLU -> ReLU -> b: ReLU\n}\n"),
    ("rows of a table stay rows", "let t = [\n  (1, 2), (3, 4),\n (5, 6)]\n",
     "let t = [\n    (1, 2), (3, 4),\n    (5, 6)\n]\n"),
    ("a tuple of one keeps its comma", "let a = ( 1 , )\nlet b = ((2,) , 3)\nblock B {\n input x\n output ((x -> A),) -> A\n}\n",
     "let a = (1,)\nlet b = ((2,), 3)\n\nblock B {\n    input x\n    output (x -> A,) -> A\n}\n"),
    ("a tuple of one has one comma with a comment too", "let a = (\n 1, # one\n)\n",
     "let a = (\n    1,  # one\n)\n"),
    ("a comment behind a line stays there", "let a = 1 # one\n# two\nlet b = 2\n",
     "let a = 1  # one\n# two\nlet b = 2\n"),
    ("a comment in a list stays with its element", "let a = [ # first\n 1, # one\n 2]\n",
     "let a = [\n    # first\n    1,  # one\n    2,\n]\n"),
    ("comments at both ends of a body stay", "block B {\n # first\n input x\n output x # last\n # end\n}\n",
     "block B {\n    # first\n    input x\n    output x  # last\n    # end\n}\n"),
    ("a comment in an expression moves before it", "let a = 1 + # why\n 2\n",
     "# why\nlet a = 1 + 2\n"),
    ("two comments in an expression keep their order", "test M { expect shape( # one\n 'a'\n # two\n ) # three\n == 8 }\n".replace("'", '"'),
     'test M {\n    expect shape(\n        # one\n        "a",\n        # two\n    ) == 8  # three\n}\n'),
    ("comments around a tolerance are kept", "test M { expect macs == 4.09G # one\n within # two\n 1 # three\n % }\n",
     "test M {\n    # one\n    # two\n    # three\n    expect macs == 4.09G within 1%\n}\n"),
    ("a comment behind a parenthesis stays behind it", "let a = 2 * (1 + 2)  # six\nseq S = ReLU * (n - 1)  # others\n",
     "let a = 2 * (1 + 2)  # six\n\nseq S = ReLU * (n - 1)  # others\n"),
    ("comments that would share a line get one each", "seq S = unit(8 # one\n ) * ( # two\n n # three\n )\n\n# four\n",
     "seq S =\n    unit(\n        8,  # one\n    ) * n  # two\n# three\n\n# four\n"),
    ("one expectation may stay on its line", "test M(H=1) { expect params == 1 }\ntest M { expect params==1 expect macs==2 }\n",
     "test M(H=1) { expect params == 1 }\ntest M {\n    expect params == 1\n    expect macs == 2\n}\n"),
    ("a condition that was open stays open", "block B {\n input x\n y = if 1 == 1 {\n x } else { x -> ReLU }\n output y\n}\n",
     "block B {\n    input x\n    y = if 1 == 1 {\n        x\n    } else {\n        x -> ReLU\n    }\n    output y\n}\n"),
]
# fmt: on


@pytest.mark.parametrize(("before", "after"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_the_one_style(before, after):
    assert formatted(Source("a.arch", before)) == after
    check(before)


def test_a_file_with_syntax_errors_is_left_alone():
    assert formatted(Source("a.arch", "model M { input x: [3 }")) is None


GRAMMAR = Lark(tables.GRAMMAR.read_text(encoding="utf-8"), **{**tables.options(), "start": "item"})
TERMINALS = {
    "NAME": st.sampled_from(["x", "y", "n", "ReLU", "Conv2d", "concat", "int"]),
    "NUMBER": st.sampled_from(["0", "1", "64", "1e-3", "2.5", "4.09G", "1_000"]),
    "STRING": st.sampled_from(['"a"', '"layer{i+1}"', '"conv1"', '"# no comment"']),
    "__IGNORE_0": st.sampled_from([" ", "\n"]),
    "__IGNORE_1": st.sampled_from([" # why\n", "\n#over\n"]),
}
patient = settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
WORD = re.compile(r'"[^"\n]*"|\d[\w.]*(?:(?<=[eE])[+-]\d+)?|\w+|->|→|\*\*|//|[=!<>]=|[^\w\s]')


@settings(patient, max_examples=150)
@given(from_lark(GRAMMAR, start="item", explicit=TERMINALS))
def test_any_sentence_of_the_grammar_keeps_its_tree(text):
    if formatted(Source("a.arch", text)) is not None:  # many a sentence has a keyword for a name
        check(text)


SOURCES = {path.stem: path.read_text(encoding="utf-8") for path in sorted(specs().glob("*.arch"))}
GAPS = st.sampled_from(["  ", "\n", "\n\n\n", "\r\n", " # why\n", "\n# over\n  ", "\t", "\n## doc\n", "#x\n\n#y\n"])


@settings(patient, max_examples=40)
@given(st.data())
def test_a_spec_with_other_spaces_and_comments_anywhere_keeps_its_tree_and_all_comments(data):
    """Comments are put between any two words; wherever they go, none is lost and the second pass moves none."""
    text = re.sub(r"#[^\n]*", "", SOURCES[data.draw(st.sampled_from(sorted(SOURCES)))])
    spec = Spec(Source("a.arch", text))
    items = [spec.source.text[i.start : i.end] for i in spec.items if i.end - i.start < 1500]
    chosen = data.draw(st.lists(st.sampled_from(items), min_size=1, max_size=2, unique=True))
    words = [word for item in chosen for word in WORD.findall(item)]
    gaps = dict(data.draw(st.lists(st.tuples(st.integers(0, len(words) - 1), GAPS), max_size=12)))
    mixed = "".join(word + gaps.get(i, " ") for i, word in enumerate(words))
    assume(formatted(Source("a.arch", mixed)) is not None)
    check(mixed)


def test_every_kind_of_syntax_is_in_the_specs_or_the_cases():
    text = "\n".join([*SOURCES.values(), *(c[1] for c in CASES)])
    kinds = {type(node).__name__ for item in tree_nodes(text) for node in ast.walk(item)}
    known = {k.__name__ for k in vars(ast).values() if isinstance(k, type) and issubclass(k, ast.Syntax)}

    assert known - kinds - {"Syntax", "Hole", "BindTuple", "Share", "Defaults"} == set()


def tree_nodes(text: str) -> list[ast.Syntax]:
    spec = Spec(Source("a.arch", text))
    return [node for item in spec.items if (node := spec.parse(item)) is not None]
