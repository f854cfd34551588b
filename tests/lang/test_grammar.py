"""The grammar is clean, and the ready-made tables are those of the grammar."""

import subprocess
import sys

import pytest
from lark import Lark
from lark.exceptions import LarkError

from archdsl.lang import ast, tables
from archdsl.lang.parser import Spec
from archdsl.source import Source


def test_the_grammar_is_clean_under_strict_mode():
    Lark(tables.GRAMMAR.read_text(encoding="utf-8"), strict=True, **tables.options())


def test_a_grammar_with_a_conflict_would_be_seen():
    text = tables.GRAMMAR.read_text(encoding="utf-8") + '\nNAME_AGAIN: /[a-z]+/\n?clash: "let" NAME_AGAIN\n'
    with pytest.raises(LarkError):
        Lark(text.replace("?item: ", "?item: clash | "), strict=True, **tables.options())


def test_the_written_tables_read_back_as_they_were_built():
    space: dict[str, object] = {}
    exec(tables.literal(), space)  # a literal of ours, as the build writes it

    assert (space["DATA"], space["MEMO"]) == tables.build()
    assert space["DIGEST"] == tables.digest()


def test_every_build_writes_the_same_bytes():
    program = (
        "import hashlib; from archdsl.lang.tables import literal; print(hashlib.sha256(literal().encode()).hexdigest())"
    )
    made = {
        subprocess.run(
            [sys.executable, "-c", program], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout
        for seed in ("0", "1", "2")
    }

    assert len(made) == 1


def test_tables_of_another_grammar_are_not_used(monkeypatch):
    monkeypatch.setattr(tables, "digest", lambda: "another")

    data, _ = tables.load()
    assert data == tables.build()[0]


def tree(text):
    spec = Spec(Source("net.arch", text))
    (item,) = spec.items
    made = spec.parse(item)
    assert spec.problems == []
    return made


def flow(text):
    return tree(f"let a = {text}").value


@pytest.mark.parametrize(
    ("text", "value"),
    [("61_706", 61706), ("1e-3", 1e-3), ("4.09G", 4_090_000_000), ("386M", 386_000_000), ("2K", 2000), ("0.5", 0.5)],
)
def test_a_number_is_what_it_says(text, value):
    found = flow(text).value

    assert found == value
    assert type(found) is type(value)


def test_two_stars_are_a_power_and_bind_to_the_right():
    power = flow("2**3**2")

    assert (power.op, power.left.value, power.right.op) == ("**", 2, "**")
    assert flow("2 * 3").op == "*"


def test_operators_bind_as_in_python():
    assert repr(flow("1 + 2 * 3 == 7 and not a or b")) == repr(flow("((((1 + (2 * 3)) == 7) and (not a)) or b)"))
    assert repr(flow("-2 ** 2")) == repr(flow("-(2 ** 2)"))


@pytest.mark.parametrize("word", ["block", "input", "test", "model", "output", "seq", "from", "let", "init", "share"])
def test_a_word_of_the_language_may_be_a_label(word):
    made = tree(f"model M {{ input x: [1, 8, 8]  output x -> {word}: ReLU }}")

    assert made.body[1].value.stages[0].label.name == word


def test_both_arrows_are_one():
    assert repr(flow("x → A → B")) == repr(flow("x -> A -> B"))


def test_every_node_knows_the_text_that_it_stands_for():
    text = (
        "block B(n: int = 3, u: list[int]) {\n  input x: [c, H = 3, w]  # in\n"
        "  let a = if n > 2 { [1, 2] } else { u }\n"
        '  y[0] = (x, x) -> "l{n + 1}": Conv2d(n ** 2, k=-3) * 2\n'
        "    -> if a[0] == 1 { ReLU } -> for (i, j) in a { f: (A) }\n"
        "  output o = y[0] when training\n}\n"
    )
    source = Source("net.arch", text)
    spec = Spec(source)
    shown = {
        type(node).__name__: node.span(source).text
        for node in ast.walk(spec.parse(spec.items[0]))
        if not isinstance(node, ast.Name)
    }

    assert shown["Input"] == "input x: [c, H = 3, w]"
    assert shown["IfExpression"] == "if n > 2 { [1, 2] } else { u }"
    assert shown["Label"] in ('"l{n + 1}"', "f")
    assert shown["IfStage"] == "if a[0] == 1 { ReLU }"
    assert shown["ForStage"] == "for (i, j) in a { f: (A) }"
    assert shown["Group"] == "(A)"
    assert shown["Output"] == "output o = y[0] when training"
    assert shown["Unary"] == "-3"
    assert shown["Parameter"] == "u: list[int]"
    assert [span.text for span in spec.comments] == ["# in"]


def test_documentation_is_what_stands_above_with_two_signs():
    spec = Spec(Source("net.arch", "# no\n## One.\n## Two.\nmodel M { input x: [1, 2, 2]  output x -> ReLU }\n"))

    assert spec.items[0].doc == "One.\nTwo."


ERRORS = [
    # text                                              code     line, column
    ("model M {\n  output x -> -> ReLU\n}",             "E0101", (2, 15)),
    ("model M {\n  output (x -> ReLU\n}",               "E0102", (3, 1)),
    ("model M {\n  x -> ReLU\n}",                       "E0104", (2, 3)),
    ('model M {\n  output x -> "a{i": ReLU\n}',         "E0105", (2, 17)),
    ("let a = 3 ; let b = 4",                           "E0101", (1, 11)),
]  # fmt: skip


@pytest.mark.parametrize(("text", "code", "place"), ERRORS)
def test_a_syntax_error_is_told_where_it_is(text, code, place):
    spec = Spec(Source("net.arch", text))
    spec.parse_all()

    assert [(d.code, (d.span.line, d.span.column)) for d in spec.problems] == [(code, place)]


def test_a_mistake_hides_neither_the_others_nor_the_definitions_around_it():
    spec = Spec(
        Source(
            "net.arch",
            "seq A = -> ReLU\nseq B = ReLU\nmodel M {\n  a = x -> -> A\n  b = 3 +\n  output a\n}\nseq C = B ->\n",
        )
    )
    spec.parse_all()

    assert [d.span.line for d in spec.problems] == [1, 4, 6, 8]
    assert isinstance(spec.parse(spec.items[1]), ast.Definition)
