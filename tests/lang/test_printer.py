"""The formatter: the tree stays, comments stay where they are, `check` says the same, and a second pass changes nothing."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.lark import from_lark
from lark import Lark

from archdsl.elaborate import Library
from archdsl.lang import ast, tables
from archdsl.lang.parser import Spec
from archdsl.lang.printer import WIDTH, formatted
from archdsl.pipeline import check as checked
from archdsl.resources import specs
from archdsl.rules import RULES
from archdsl.source import Source

HERE = Path(__file__).resolve().parent.parent
MISTAKES = sorted((HERE / "mistakes").glob("*.arch"))
FILES = [*sorted(specs().glob("*.arch")), *MISTAKES]


def tree(text: str) -> list[str]:
    """The tree of a text as a text; places are no part of it. A value keeps its type: 1 is not 1.0."""
    spec = Spec(Source("a.arch", text))
    found = [re.sub(r"name_start=\d+, ", "", repr(spec.parse(item))) for item in spec.items]

    assert not spec.problems, [p.message for p in spec.problems]
    return found


PIECE = re.compile(r'#[^\n]*|"[^"\n]*"|->|→|\w+|[^\w\s]')
CLOSED_BY = {"(": ")", "[": "]", "{": "}"}


class Comment(NamedTuple):
    """A comment, what it stands behind, and the brackets around it, from the innermost on.

    Words are counted in characters, for `for i inn` has as many as `for i in n`, and without commas, arrows and
    brackets, which formatting may add, move or leave out.
    """

    text: str
    words: int
    line: str
    """What stands before it on its line."""
    around: list[tuple[str, int, int]]
    """Each a bracket with how much is before it and before its partner."""


def comments(text: str) -> tuple[list[Comment], set[tuple[str, int, int]]]:
    """The comments of a text and all its brackets, found without the parser."""
    found: list[Comment] = []
    opened: list[tuple[str, int, list[int]]] = []
    closed: set[tuple[str, int, int]] = set()
    words = 0
    for match in PIECE.finditer(text):
        piece = match[0]
        if piece.startswith("#"):
            line = text[text.rfind("\n", 0, match.start()) + 1 : match.start()].strip()
            found.append(Comment(re.sub(r"^(#+) *", r"\1 ", piece).rstrip(), words, line, []))
            for _, _, inside in opened:
                inside.append(len(found) - 1)
        elif piece in CLOSED_BY:
            opened.append((piece, words, []))
        elif piece in CLOSED_BY.values():
            bracket, before, inside = opened.pop()
            closed.add((bracket, before, words))
            for i in inside:
                found[i].around.append((bracket, before, words))
        if piece[0] not in "#,(){}[]→" and piece != "->":
            words += len(piece)
    return found, closed


def check_comments(text: str, made: str) -> None:
    """See that each comment is in the same brackets, between the same words, and alone on its line or not as before."""
    (before, _), (after, brackets) = comments(text), comments(made)

    assert [c.text for c in after] == [c.text for c in before]
    assert [c.words for c in after] == [c.words for c in before]
    for old, new in zip(before, after, strict=True):
        assert dict.fromkeys(new.around) == dict.fromkeys(b for b in old.around if b in brackets or b[0] != "(")
        if not old.line:
            assert not new.line
        elif re.search(r"[^\s(),>→-]", old.line):
            assert new.line


def check(text: str) -> str:
    """Format a text and hold the result against it."""
    made = formatted(Source("a.arch", text))

    assert made is not None
    assert tree(made) == tree(text)
    check_comments(text, made)
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
     "let a = [  # first\n    1,  # one\n    2,\n]\n"),
    ("comments at both ends of a body stay", "block B {\n # first\n input x\n output x # last\n # end\n}\n",
     "block B {\n    # first\n    input x\n    output x  # last\n    # end\n}\n"),
    ("a comment in an expression ends its line", "let a = 1 + # why\n # and\n 2\n",
     "let a = 1 +  # why\n    # and\n    2\n"),
    ("two comments in an expression keep their order", "test M { expect shape( # one\n 'a'\n # two\n ) # three\n == 8 }\n".replace("'", '"'),
     'test M {\n    expect shape(  # one\n        "a",\n        # two\n    )  # three\n        == 8\n}\n'),
    ("comments around a tolerance are kept", "test M { expect macs == 4.09G # one\n within # two\n 1 # three\n % }\n",
     "test M {\n    expect macs == 4.09G  # one\n        within  # two\n        1  # three\n        %\n}\n"),
    ("a comment behind a parenthesis stays behind it", "let a = 2 * (1 + 2)  # six\nseq S = ReLU * (n - 1)  # others\n",
     "let a = 2 * (1 + 2)  # six\n\nseq S = ReLU * (n - 1)  # others\n"),
    ("comments within parentheses that go are kept", "seq S = unit(8 # one\n ) * ( # two\n n # three\n )\n\n# four\n",
     "seq S = unit(\n    8,  # one\n) *  # two\n    n  # three\n\n# four\n"),
    ("comments in a branch of a value stay in it",
     "block B {\n input x\n y = if 1 == 1 { x -> A  # one\n # two\n } else {\n x # three\n # four\n }  # five\n output y\n}\n",
     "block B {\n    input x\n    y = if 1 == 1 {\n        x -> A  # one\n        # two\n    } else {\n        x  # three\n        # four\n    }  # five\n    output y\n}\n"),
    ("comments in stages stay in them",
     "seq S = (A # one\n # two\n ) -> if 1 == 1 { A # three\n } else { # four\n B\n # five\n } -> for i in r { # six\n A } # seven\n",
     "seq S = (\n    A  # one\n    # two\n) -> if 1 == 1 {\n    A  # three\n} else {  # four\n    B\n    # five\n} -> for i in r {  # six\n    A\n}  # seven\n"),
    ("comments in empty brackets stay in them", "block B { # one\n}\nlet a = f( # two\n # three\n )\nlet b = [\n# four\n]\n",
     "block B {  # one\n}\n\nlet a = f(  # two\n    # three\n)\nlet b = [\n    # four\n]\n"),
    ("a comment behind an arrow stays behind the stage", "seq S = A -> # one\n B ->\n # two\n C # three\n",
     "seq S =\n    A  # one\n    -> B\n    # two\n    -> C  # three\n"),
    ("a comment behind a comma stays behind the argument", "let a = f(1 # one\n , 2, # two\n 3 # three\n)\n",
     "let a = f(\n    1,  # one\n    2,  # two\n    3,  # three\n)\n"),
    ("a comment behind a word of a definition stays there", "model # one\n M # two\n = # three\n N( ) # four\nseq ## five\nS = A\n",
     "model  # one\n    M  # two\n    =  # three\n    N()  # four\n\nseq  ## five\n    S = A\n"),
    ("a comment on the last line of a broken pipeline is on the last line",
     f"seq S = a: {'A' * 50} -> b: {'B' * 50} -> c: C  # last\n",
     f"seq S =\n    a: {'A' * 50}\n    -> b: {'B' * 50}\n    -> c: C  # last\n"),
    ("words that are written as one are two",
     "block B { input x y=if 1==1{x}elseif 1==2{x}else{x} if 1==1{}else{} for i inlist{} if 1==1{} elsewhere=x output x }\n",
     "block B {\n    input x\n    y = if 1 == 1 { x } else if 1 == 2 { x } else { x }\n    if 1 == 1 {} else {}\n    for i in list {}\n    if 1 == 1 {}\n    elsewhere = x\n    output x\n}\n"),
    ("a line that allows something stays one", f"seq S = a: {'A' * 50} -> b: {'B' * 50} -> c: C  # allow unused\n",
     f"seq S = a: {'A' * 50} -> b: {'B' * 50} -> c: C  # allow unused\n"),
    ("a line that allows something holds nothing else",
     "block B { input x y = f(x,\n 1 ,\n2) -> A(1, # why\n 2 , ) -> B output y }#allow unused\n",
     "block B {\n    input x\n    y = f(x, 1, 2) -> A(\n        1,  # why\n        2) -> B output y }  # allow unused\n"),
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
WORD = re.compile(r'"[^"\n]*"|#[^\n]*|\d[\w.]*(?:(?<=[eE])[+-]\d+)?|\w+|->|→|\*\*|//|[=!<>]=|[^\w\s]')
SOURCES = {path.stem: path.read_text(encoding="utf-8") for path in sorted(specs().glob("*.arch"))}
GAPS = st.sampled_from(
    ["  ", "\n", "\n\n\n", "\r\n", " # why\n", "\n# over\n  ", "\t", "\n## doc\n", "#x\n\n#y\n", " # allow it\n"]
)


def mixed(data: st.DataObject, text: str, gaps: st.SearchStrategy[str] = GAPS) -> str:
    """A text without its comments, with other spaces, ends of lines and comments between some of its words."""
    words = [word for word in WORD.findall(text) if not word.startswith("#")]
    some = dict(data.draw(st.lists(st.tuples(st.integers(0, len(words)), gaps), max_size=12)))
    return "".join(word + some.get(i, " ") for i, word in enumerate(words))


@settings(patient, max_examples=150)
@given(from_lark(GRAMMAR, start="item", explicit=TERMINALS), st.data())
def test_any_sentence_of_the_grammar_keeps_its_tree_and_its_comments(text, data):
    if formatted(Source("a.arch", text)) is not None:  # many a sentence has a keyword for a name
        check(text)
        text = mixed(data, text)
        if formatted(Source("a.arch", text)) is not None:
            check(text)


@settings(patient, max_examples=40)
@given(st.data())
def test_a_spec_with_other_spaces_and_comments_anywhere_keeps_its_tree_and_all_comments(data):
    text = SOURCES[data.draw(st.sampled_from(sorted(SOURCES)))]
    items = [text[i.start : i.end] for i in Spec(Source("a.arch", text)).items if i.end - i.start < 1500]
    text = mixed(data, "\n".join(data.draw(st.lists(st.sampled_from(items), min_size=1, max_size=2, unique=True))))
    assume(formatted(Source("a.arch", text)) is not None)
    check(text)


@settings(patient, max_examples=60)
@given(st.data())
def test_a_mistake_with_other_spaces_and_comments_anywhere_is_told_the_same(data):
    text = mixed(data, data.draw(st.sampled_from(MISTAKES)).read_text(encoding="utf-8"))
    assume(formatted(Source("a.arch", text)) is not None)

    assert diagnostics(check(text)) == diagnostics(text)


LINTED = """
seq Twice(n: int) = ReLU -> ReLU -> Conv2d(n, 2, padding=1) -> BatchNorm2d
block Branch(n: int) {
    input x: [c, h, w]
    z = x -> Conv2d(n, 3, padding=1)
    y = if c != n { x -> a: Conv2d(n, 1) -> b: BatchNorm2d -> ReLU } else { x -> Conv2d(n, 2) -> BatchNorm2d }
    output y -> MaxPool2d(1) -> ReLU
}
model Net(n: int = 4) {
    input image: [64, 64, 3]
    a = image -> Conv2d(n, 3, stride=2) -> BatchNorm2d -> (Twice(n) -> Branch(n)) -> b: Branch(8) -> Flatten -> Flatten
    output a -> Linear(10) -> Softmax
}
test Net { expect params == 3 expect macs == 5 }
"""


def diagnostics(text: str) -> Counter[tuple[str, str]]:
    """What is found in a text; a message may quote it, with its spaces, commas and comments."""
    found = checked(Library().add(Source("a.arch", text))).diagnostics
    return Counter((d.code, re.sub(r"#.*|[\s,]", "", d.message)) for d in found)


@settings(patient, max_examples=150)
@given(st.data())
def test_what_is_allowed_stays_allowed_and_nothing_else_is(data):
    """Words of a text with many lints get other lines and `# allow`s; fmt changes neither lints nor errors."""
    allows = [f"  # allow {name}\n" for name in ("unlabelled", "unused-tensor", "bias-before-norm", "W0413", "W0415")]
    gap = st.sampled_from([*allows, *allows, "\n", "  # why\n", "\n# allow W0412\n"])
    text = mixed(data, LINTED, gap)

    assert diagnostics(check(text)) == diagnostics(text)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_that_parses_is_told_the_same(path):
    text = path.read_text(encoding="utf-8")
    made = formatted(Source("a.arch", text))
    if made is not None and made != text:
        assert diagnostics(made) == diagnostics(text)


def test_every_kind_of_syntax_is_in_the_specs_or_the_cases():
    text = "\n".join([*SOURCES.values(), *(c[1] for c in CASES)])
    kinds = {type(node).__name__ for item in tree_nodes(text) for node in ast.walk(item)}
    known = {k.__name__ for k in vars(ast).values() if isinstance(k, type) and issubclass(k, ast.Syntax)}

    assert known - kinds - {"Syntax", "Hole", "BindTuple", "Share", "Defaults"} == set()


def tree_nodes(text: str) -> list[ast.Syntax]:
    spec = Spec(Source("a.arch", text))
    return [node for item in spec.items if (node := spec.parse(item)) is not None]
