"""Sheets: every way of writing one gives the same records, and what is wrong is told at its place."""

from __future__ import annotations

import json
import time
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archdsl.exam.reading import read_sheet, read_text
from archdsl.exam.sheet import CONVENTIONS, Conventions, Marking, Sheet
from archdsl.exam.texts import SheetError
from archdsl.pipeline import check
from archdsl.rules.exam import SHEET_RULES

SHEETS = Path(__file__).parent / "sheets"
MALFORMED = sorted((SHEETS / "malformed").iterdir())


def sheet(name: str) -> Sheet:
    return read_sheet(SHEETS / name, name)


def refused(text: str, format: str = "yaml") -> list:
    with pytest.raises(SheetError) as caught:
        read_text(text, f"s.{format}", format)
    return list(caught.value.diagnostics)


# What a sheet says.


def test_a_sheet_is_read_as_it_is_written():
    read = sheet("chain.yaml")
    (problem,) = read.problems
    a, _, _, d, e = problem.parts

    assert (read.exam, read.title) == ("chain-sheet", "Counting in a small chain")
    assert read.conventions == Conventions(stated=frozenset(CONVENTIONS))
    assert read.marking == Marking(mistakes={"P01": Fraction(1, 2), "S03": Fraction(1, 2)})
    assert [part.name for _, part in read.parts] == ["q1.a", "q1.b", "q1.c", "q1.d", "q1.e"]
    assert [part.marks for part in problem.parts] == [2, 2, 2, 4, 2]
    assert [part.after for part in problem.parts] == [(), ("a",), ("b",), ("a", "b"), ("a", "b", "c", "d")]
    assert [str(part.ask) for part in problem.parts] == [
        "shape(a)",
        "shape(b)",
        "shape(c)",
        "params",
        "receptive_field(c)",
    ]
    assert [hint.cost for hint in (*d.hints, *e.hints)] == [0, 0, Fraction(1, 4)]
    assert (a.key, a.choices, a.tolerance, a.form) == (None, 0, 0, "any")
    assert str(problem.text).endswith("{{ net.table }}")
    assert problem.span is not None
    assert problem.span.line == 7


@pytest.mark.parametrize("name", ["chain.toml", "chain.json"])
def test_the_same_keys_in_another_format_are_the_same_sheet(name):
    assert sheet(name) == sheet("chain.yaml")


def test_defaults_are_those_that_the_conventions_list_first():
    read = read_text("exam: s\nproblems: []\n", "s.yaml", "yaml")

    assert {key: getattr(read.conventions, key) for key in CONVENTIONS} == {k: v[0] for k, v in CONVENTIONS.items()}
    assert read.conventions.stated == frozenset()
    assert read.marking == Marking()


def test_a_part_may_share_out_marks_in_its_own_way():
    text = "exam: s\nmarking: {slip: 0.5, mistakes: {P01: half}}\nproblems:\n - {id: q, parts: [{id: a, ask: 1 + 1, marking: {note: none, mistakes: {S01: 1}}}]}"
    part = read_text(text, "s.yaml", "yaml").problems[0].parts[0]

    assert part.marking == Marking(
        slip=Fraction(1, 2), note=Fraction(0), mistakes={"P01": Fraction(1, 2), "S01": Fraction(1)}
    )


@pytest.mark.parametrize(("written", "key"), [
    ("128x28x28",       "128x28x28"),
    ("230528",          "230528"),
    ("'230,528'",       "230,528"),
    ("359.7M",          "359.7M"),
    ("109.750",         "109.750"),
    ("[64, 32, 32]",    "[64, 32, 32]"),
    ("no",              "no"),
    ("true",            "true"),
    ("",                None),
])  # fmt: skip
def test_a_key_is_kept_as_it_would_be_typed(written, key):
    text = f"exam: s\nproblems:\n  - id: q\n    parts:\n      - id: a\n        ask: 1 + 1\n        key: {written}\n"
    found = read_text(text, "s.yaml", "yaml").problems[0].parts[0].key

    assert (found and found.text) == key


# Nets.


def test_a_net_is_built_by_the_pipeline():
    # Worked by hand: 3·3·64·128 + 3·3·128·128 + 64·128 weights, and 2 · 128 numbers of each of three norms.
    problem = sheet("keyed.yaml").problems[0]

    assert problem.nets[""].network().examine().totals.params == 73_728 + 147_456 + 8_192 + 3 * 256
    assert problem.nets[""].problems() == ()
    assert problem.unknown_places() == ()


@pytest.mark.parametrize(("n", "c", "k", "s", "p", "o", "side", "params"), [
    (28, 16, 5, 3, 2,  8, 82, 3_208),
    (21, 32, 3, 2, 2,  8, 39, 2_312),
    (14,  8, 3, 2, 2, 32, 25, 2_336),
])  # fmt: skip
def test_drawn_values_are_parameters_of_a_net(n, c, k, s, p, o, side, params):
    net = sheet("drawn.yaml").problems[0].nets[""]
    found = net.network({"n": n, "c": c, "k": k, "s": s, "p": p, "o": o})

    assert found.graph.outputs["y"].output.shape == (o, side, side)
    assert found.examine().totals.params == params


def test_a_drawn_name_may_be_that_of_a_layer():
    text = "exam: s\nproblems:\n - {id: q, draw: {act: [ReLU, PReLU], e: [0.1, 1]}, net: 'input x: [3, 8, 8]  output y = x -> act', parts: []}"
    problem = read_text(text, "s.yaml", "yaml").problems[0]

    assert problem.draw["e"] == (Fraction(1, 10), Fraction(1))
    assert [problem.nets[""].network({"act": act}).examine().totals.params for act in problem.draw["act"]] == [0, 1]


def test_a_net_may_be_a_whole_file_with_imports():
    text = "exam: s\nproblems:\n  - id: q\n    net: |\n      from resnet import BasicBlock\n      model M {\n        input x: [64, 8, 8]\n        output y = x -> b: BasicBlock(64)\n      }\n    parts: [{id: a, ask: params(b)}]\n"
    problem = read_text(text, "s.yaml", "yaml").problems[0]

    assert problem.unknown_places() == ()
    assert problem.nets[""].network().examine().totals.params == 2 * (9 * 64 * 64 + 2 * 64)


def test_several_nets_are_asked_about_by_their_names():
    text = "exam: s\nproblems:\n - id: q\n   nets:\n     conv: 'input x: [3, 32, 32]  output y = x -> c: Conv2d(64, 3)'\n     dense: 'input x: [3, 32, 32]  output y = x -> Flatten -> fc: Linear(64)'\n   parts: [{id: a, ask: params(dense) / params(conv.c)}]\n"
    problem = read_text(text, "s.yaml", "yaml").problems[0]
    net, place = problem.place(problem.parts[0].ask.term.right)

    assert (net.name, place) == ("conv", "c")
    assert problem.unknown_places() == ()


NET = "input x: [3, 8, 8]\noutput y = x -> c: Conv2d(8, 3, stide=2)"
WRITTEN = {
    "block": ("yaml", "exam: s\nproblems:\n  - id: q\n    net: |\n      input x: [3, 8, 8]\n\n      output y = x -> c: Conv2d(8, 3, stide=2)\n    parts: []\n"),
    "indented block": ("yaml", "exam: s\nproblems:\n  - id: q\n    net: |2-  # a comment\n        input x: [3, 8, 8]\n        output y = x -> c: Conv2d(8, 3, stide=2)\n    parts: []\n"),
    "folded": ("yaml", "exam: s\nproblems:\n  - id: q\n    net: >\n      input x: [3, 8, 8]\n      output y = x ->\n\n      c: Conv2d(8, 3, stide=2)\n    parts: []\n"),
    "plain": ("yaml", "exam: s\nproblems:\n  - id: q\n    parts: []\n    nets:\n      n: input x = x -> c\n".replace("input x = x -> c", "\"input x: [3, 8, 8]\\noutput y = x -> c: Conv2d(8, \\\n        3, stide=2)\"")),
    "quoted": ("yaml", "exam: s\nproblems:\n  - id: q\n    net: 'input x: [3, 8, 8]\n\n      output y = x -> c: Conv2d(8, 3, stide=2)'\n    parts: []\n"),
    "json": ("json", json.dumps({"exam": "s", "problems": [{"id": "q", "text": "é\"\\n", "net": NET, "parts": []}]}, indent=1)),
    "escaped json": ("json", json.dumps({"exam": "s", "problems": [{"id": "q", "net": "# \U0001f600 \\ \t \"\n" + NET, "parts": []}]})),
    "toml": ("toml", f'exam = "s"\n[[problems]]\nid = "q"\nparts = []\nnet = """\n{NET}"""\n'),
    "literal toml": ("toml", f"exam = 's'\nproblems = [{{id = 'q', parts = [], net = '''\n{NET}'''}}]\n"),
    "dos": ("yaml", "exam: s\r\nproblems:\r\n  - id: q\r\n    net: |\r\n      input x: [3, 8, 8]\r\n      output y = x -> c: Conv2d(8, 3, stide=2)\r\n    parts: []\r\n"),
    "placeholders": ("yaml", "exam: s\nproblems:\n  - id: q\n    draw: {c: [3], longer: [8]}\n    net: |\n      input x: [{{ c }}, {{longer}}, {{ longer }}]\n      output y = x -> c: Conv2d({{ longer }}, {{c}}, stide=2)\n    parts: []\n"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRITTEN)
def test_an_error_in_a_net_is_told_where_the_sheet_has_it(name):
    format, text = WRITTEN[name]
    problem = read_text(text, "s", format).problems[0]
    values = {key: drawn[0] for key, drawn in problem.draw.items()}
    (net,) = problem.nets.values()
    (found,) = net.problems(values)
    written = text.replace("\r\n", "\n")
    at = written.index("stide")

    assert found.span.source.text == written
    assert (found.span.line, found.span.column) == (written.count("\n", 0, at) + 1, at - written.rfind("\n", 0, at))
    assert found.span.text.startswith("stide")
    with pytest.raises(SheetError, match="stide"):
        net.network(values)


def test_a_fix_of_a_net_is_a_fix_of_the_sheet():
    _, text = WRITTEN["block"]
    (found,) = read_text(text, "s", "yaml").problems[0].nets[""].problems()
    (edit,) = found.fix.edits

    assert text[: edit.span.start] + edit.replacement + text[edit.span.end :] == text.replace("stide", "stride")


@pytest.mark.parametrize(("line", "code", "part"), [
    ("output y = x -> c: Conv2d(8, 3",       "E0103", "("),
    ("output y = x -> c: Conv2d(8 3)",       "E0101", "3"),
    ("} model X {",                          "E0103", "}"),
])  # fmt: skip
def test_what_cannot_be_read_of_a_net_is_told_with_the_sheet(line, code, part):
    (found,) = refused(
        f"exam: s\nproblems:\n  - id: q\n    net: |\n      input x: [3, 8, 8]\n      {line}\n    parts: []\n"
    )

    assert found.code[:3] == code[:3]
    assert (found.span.line, found.span.text) == (6, part)


def test_a_net_that_cannot_work_is_a_question_and_no_error_of_the_sheet():
    text = "exam: s\nproblems:\n - {id: q, net: 'input x: [3, 2, 2]  output y = x -> c: Conv2d(8, 3)', parts: [{id: a, ask: valid(c)}]}"

    assert [d.code for d in read_text(text, "s", "yaml").problems[0].nets[""].problems()] == ["E0303"]


def test_a_layer_that_is_not_there_is_pointed_at_in_the_ask():
    text = "exam: s\nproblems:\n - {id: q, net: 'input x: [3, 8, 8]  output y = x -> conv1: Conv2d(8, 3)', parts: [{id: a, ask: 1 + params(conv)}]}"
    (found,) = read_text(text, "s", "yaml").problems[0].unknown_places()

    assert (found.code, found.span.text, found.help) == ("E0719", "conv", "did you mean `conv1`?")


# What is wrong.


@pytest.mark.parametrize("rule", SHEET_RULES.values(), ids=lambda rule: rule.name)
def test_the_bad_sheet_breaks_this_rule_and_the_good_one_none(rule):
    format = "markdown" if rule.good.startswith("```") else "yaml"

    read_text(rule.good, "s", format)
    assert not rule.bad or {d.rule for d in refused(rule.bad, format)} == {rule}


@pytest.mark.parametrize("path", MALFORMED, ids=lambda path: path.name)
def test_a_malformed_sheet_is_told_with_its_line_and_cure(path):
    """The expectations stand in the sheet: a comment with line, column and what is said for each problem."""
    text = path.read_text(encoding="utf-8")
    expected = [line.split("expect: ")[1] for line in text.splitlines() if "expect: " in line]
    with pytest.raises(SheetError) as caught:
        read_sheet(path)

    found = [f"{d.span.line}:{d.span.column} {d.code} {d.message}; {d.help}" for d in caught.value.diagnostics]
    assert found == expected


@pytest.mark.parametrize(("format", "text", "code", "place"), [
    ("json", '{"exam": "s", "exam": "t"}',                           "E0713", (1, 15)),
    ("json", '{"exam": "s",\n "problems": [1,]}',                    "E0711", (2, 17)),
    ("json", '{"exam": \'s\'}',                                      "E0711", (1, 10)),
    ("json", '{"exam": "s"',                                         "E0711", (1, 13)),
    ("json", '{"exam": "a\nb"}',                                     "E0711", (1, 12)),
    ("json", '{"exam": "s", "problems": []} x',                      "E0711", (1, 31)),
    ("json", "",                                                     "E0711", (1, 1)),
    ("json", '{"exam": "s",\n "problems": [{"id": "q", "prts": []}]}', "E0714", (2, 27)),
    ("toml", 'exam = "s"\nexam = "t"\n',                             "E0713", (2, 1)),
    ("toml", 'exam = "s"\nproblems = [\n',                           "E0711", (3, 1)),
    ("toml", 'exam = s\n',                                           "E0711", (1, 8)),
    ("toml", 'exam = "s"\nproblems = []\ntitle = 2026-01-01 10:00:00\n', "E0711", (3, 9)),
    ("toml", 'exam = "s"\n[[problems]]\nid = "q"\nprts = []\n',      "E0714", (4, 1)),
    ("toml", 'exam = "s"\n[[problems]]\nid = "q"\nparts = [{id = "a", ask = "params", mark = 2}]\n', "E0714", (4, 37)),
    ("toml", 'exam = "s"\nproblems = []\nmarking.mistakes.P01 = 7\n', "E0716", (3, 24)),
    ("yaml", "exam: s\nproblems: *x\n",                              "E0711", (2, 11)),
    ("yaml", "exam: !!python/object s\nproblems: []\n",              "E0711", (1, 7)),
    ("yaml", "exam: s\nproblems: []\n---\nexam: t\n",                "E0711", (3, 1)),
    ("yaml", "exam: s\n\tproblems: []\n",                            "E0711", (2, 1)),
    ("yaml", "exam: s\nproblems: []\ntitle: \x07\n",                 "E0711", (3, 8)),
    ("yaml", "- exam\n",                                             "E0716", (1, 1)),
])  # fmt: skip
def test_every_format_tells_where_it_is_wrong(format, text, code, place):
    found = [(d.code, (d.span.line, d.span.column)) for d in refused(text, format)]

    assert (code, place) in found
    assert code != "E0711" or len(found) == 1


@pytest.mark.parametrize(("data", "code", "said"), [
    (b"exam: s\ntitle: caf\xe9\nproblems: []\n",          "E0602", "byte 19 of the file"),
    ("exam: s\nproblems: []\n".encode("utf-16"),          "E0602", "byte 1 of the file"),
    (b"exam: s\0\n",                                      "E0602", "not a text in UTF-8"),
    (b"#" * 100_001,                                      "E0712", "100,001 characters"),
    ("é".encode() * 2_000_000,                            "E0712", "the most that is read"),
])  # fmt: skip
def test_what_is_no_text_in_utf_8_is_refused(tmp_path, data, code, said):
    (tmp_path / "s.yaml").write_bytes(data)
    with pytest.raises(SheetError) as caught:
        read_sheet(tmp_path / "s.yaml")

    assert [d.code for d in caught.value.diagnostics] == [code]
    assert said in str(caught.value)


def test_a_byte_order_mark_is_no_part_of_a_sheet(tmp_path):
    (tmp_path / "s.yml").write_bytes(b"\xef\xbb\xbfexam: s\nproblems: []\n")

    assert read_sheet(tmp_path / "s.yml").exam == "s"


def test_the_ending_says_what_a_sheet_is_written_in(tmp_path):
    (tmp_path / "s.yam").write_text("exam: s\nproblems: []\n", encoding="utf-8")

    with pytest.raises(SheetError, match=r"did you mean `s\.ya?ml`"):
        read_sheet(tmp_path / "s.yam")
    with pytest.raises(ValueError, match="arch, not ini"):
        read_text("", "s", "ini")


BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join(['*' + before] * 10)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
HOSTILE = [
    ("yaml", BOMB), ("yaml", "exam: &a [*a]\n"), ("yaml", "[" * 90_000), ("yaml", "{a: " * 6_000), ("yaml", "- " * 12_000),
    ("yaml", "? " * 12_000), ("yaml", "a:\n" * 30_000), ("yaml", "- &a b\n" * 12_000), ("yaml", '"' * 90_000),
    ("yaml", "exam: " + "9" * 90_000), ("yaml", "exam: 1e999999999\nproblems: 1e999999999\n"),
    ("yaml", "exam: s\nproblems:\n" + " - {id: q, parts: 1e99999}\n" * 2_500),
    ("yaml", "exam: s\nproblems: [{id: q, net: '" + "(" * 90_000 + "', parts: []}]"),
    ("yaml", "exam: s\nproblems: [{id: q, net: '" + "{{ a }}" * 6_000 + "', parts: []}]"),
    ("yaml", "exam: s\nproblems: [{id: q, text: '" + "{{" * 40_000 + "', parts: [{}]}]"),
    ("json", "[" * 90_000), ("json", '{"a":' * 12_000), ("json", "[" + "1," * 40_000 + "1]"), ("json", '"' + "\\" * 90_000),
    ("json", "-" * 90_000), ("json", '{"exam": ' + "1" * 90_000 + "}"), ("toml", "a = " + "[" * 90_000),
    ("toml", "a." * 40_000 + "a = 1"), ("toml", "[" + "a." * 40_000 + "a]"), ("toml", "a = " + "{a = " * 12_000),
    ("toml", "a = " + "9" * 90_000), ("toml", "a = 1e" + "9" * 90_000), ("toml", "[[a]]\n" * 12_000), ("toml", '"' * 90_000),
    ("toml", "".join(f"a{i} = 1\n" for i in range(2_500))), ("toml", "a = [" + "1," * 40_000 + "]"), ("toml", "'" * 90_001),
    ("toml", "a . " * 6_000 + "= 1"),
    ("markdown", "```arch\nexpect params == 1\n```\n" * 3_000), ("markdown", "```arch\n" + "expect params\n" * 6_000),
    ("markdown", "---\nexam: [" + "[" * 90_000 + "\n---\n"), ("markdown", "```arch\nexpect " + "params " * 12_000),
    ("markdown", "---\n" * 6_000 + "```arch\n---\n" * 100 + "expect"),
]  # fmt: skip


@pytest.mark.parametrize(("format", "text"), HOSTILE, ids=[f"{format}-{text[:12]!r}" for format, text in HOSTILE])
def test_a_hostile_sheet_is_refused_in_seconds(format, text):
    start = time.process_time()
    found = refused(text, format)

    assert 1 <= len(found) <= 200
    assert len(str(SheetError(tuple(found)))) < 1_000_000
    assert time.process_time() - start < 5


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(["yaml", "json", "toml", "markdown"]),
    st.integers(0, 4000),
    st.text("[]{}:-,\"'#&*!|>\n\t =`e1", max_size=6),
)
def test_a_damaged_sheet_is_read_or_told(format, at, inserted):
    name = {"markdown": "notes.md"}.get(format, f"chain.{format}")
    text = (SHEETS / name).read_text(encoding="utf-8")
    at %= len(text)
    found: tuple = ()
    try:
        read_text(text[:at] + inserted + text[at + 1 :], "s", format)
    except SheetError as error:
        found = error.diagnostics

    assert all(0 <= d.span.start <= d.span.end <= len(d.span.source.text) for d in found)


# Notes.


def test_notes_hold_problems_and_listings():
    notes = sheet("notes.md")
    first, second = notes.problems

    assert (notes.exam, notes.conventions.work) == ("unit-8", "macs")
    assert (first.id, first.title) == ("block1", "Shared weights")
    assert [(p.name, str(p.ask), p.key and str(p.key), p.tolerance) for p in first.parts] == [
        ("block1.1", "params", "1_792", 0),
        ("block1.2", 'shape("conv")', "[64, 30, 30]", 0),
        ("block1.3", "macs", "1.5M", Fraction(1, 20)),
        ("block1.4", "receptive_field", None, 0),
    ]
    assert (second.id, second.draw, [str(p.ask) for p in second.parts]) == (
        "rf",
        {"k": (3, 5)},
        ["receptive_field(b)", "params"],
    )
    assert first.nets[""].network().examine().totals.params == 1_792
    assert first.unknown_places() == ()


def test_a_listing_in_notes_is_checked_as_a_file_and_told_in_its_place():
    (listing,) = sheet("notes.md").listings
    checked = check(listing.module)
    text = (SHEETS / "notes.md").read_text(encoding="utf-8")
    (found,) = [d for d in checked.diagnostics if d.severity == "error"]

    assert [outcome.holds for outcome in checked.outcomes] == [True, False]
    assert text.splitlines()[found.span.line - 1].strip() == 'expect receptive_field("c") == 9'


def test_an_error_in_a_block_of_notes_is_told_in_its_line():
    text = "# A\n\n~~~ arch\ninput x: [3, 8, 8]\noutput y = x -> c: Conv2d(8, 3, stide=2)\nexpect params(d) == 1\nexpect parms == 1\n~~~\n"
    (found,) = refused(text, "markdown")
    read = read_text(text.replace("parms", "params"), "s.md", "markdown").problems[0]

    assert (found.code, found.span.line, found.span.text) == ("E0719", 7, "parms")
    assert [(d.span.line, d.span.text) for d in read.nets[""].problems()] == [(5, "stide=2")]


@pytest.mark.parametrize("text", [
    "no block\n", "```python\nexpect params == 1\n```\n", "```arch\nmodel M { }\n```\n", "```arch\nx = (\n```\n",
    "---\nlayout: post\ntags: [a\n---\nprose\n", "    ```arch x\n",
])  # fmt: skip
def test_prose_and_other_blocks_are_left_alone(text):
    read = read_text(text, "my notes.md", "markdown")

    assert (read.exam, read.problems, read.listings) == ("my-notes", (), ())
