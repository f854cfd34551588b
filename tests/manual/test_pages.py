"""The pages of rules: whole in every format, with what the wrong program gives, and no reference to nowhere."""

from __future__ import annotations

import json
import re

import pytest

from archdsl.manual import markdown, text
from archdsl.manual.lessons import contents, diagnostic, lesson
from archdsl.manual.messages import MESSAGES, answer
from archdsl.manual.page import Code, Page, Points, Prose, Section, Table, Terms, code
from archdsl.manual.search import find
from archdsl.report.json import text as as_json
from archdsl.rules import RULES
from archdsl.rules.exam import EXAM_RULES

WITHOUT_PROGRAM = {"E0502", "E0505", "E0602", "E0605"}
"""Their wrong programs are too large, several files, or no text."""

EVERY_RULE = pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.name)


@EVERY_RULE
def test_a_page_has_everything_that_the_rule_knows(rule):
    page = text.render(lesson(rule), 10_000)

    assert page.startswith(f"  {rule.code}  {rule.name}")
    for said in (rule.severity, rule.summary[1:], rule.why, *rule.causes, *rule.pytorch, *rule.keras, *rule.python):
        assert said in page
    for line in rule.good.rstrip().split("\n"):
        assert line in page


@EVERY_RULE
def test_the_page_shows_what_the_wrong_program_gives_or_says_what_that_would_be(rule):
    page = text.render(lesson(rule), 10_000)
    found = diagnostic(rule)

    assert (found is None) == (rule.code in WITHOUT_PROGRAM)
    if found is None:
        assert f"Wrong is {rule.in_words}." in page
    else:
        assert f"{rule.severity}[{rule.code}]: {found.message}" in page
        assert all(line in page for line in rule.bad.rstrip().split("\n"))


@EVERY_RULE
def test_what_a_page_sends_its_reader_to_is_a_page(rule):
    for name in rule.see:
        (hit, *_) = find(name).hits
        assert name != rule.code
        assert hit.score == 1.0, f"{name} is not found as such"


@EVERY_RULE
def test_causes_and_words_are_written_as_the_others(rule):
    for cause in rule.causes:
        assert re.match(r"[a-z`]", cause), cause
        assert not cause.endswith("."), cause
    assert len(set(rule.see)) == len(rule.see)
    assert not rule.in_words.endswith(".")


@EVERY_RULE
def test_no_line_of_prose_is_wider_than_the_terminal(rule):
    shown = {line.strip() for block in _codes(lesson(rule)) for _, one in block.texts for line in one.split("\n")}
    for line in text.render(lesson(rule), 72).split("\n"):
        assert len(line) <= 72 or any(part in line for part in shown if part) or " " not in line.strip()


def _codes(page: Page) -> list[Code]:
    blocks = [*page.blocks, *(block for section in page.sections for block in section.blocks)]
    return [block for block in blocks if isinstance(block, Code)]


@EVERY_RULE
def test_the_json_of_a_page_holds_the_rule(rule):
    facts = json.loads(as_json(dict(lesson(rule).facts)))

    assert facts["schema"] == "archdsl/explain@1"
    assert facts["kind"] == "rule"
    assert (facts["code"], facts["severity"], facts["right"]) == (rule.code, rule.severity, rule.good)
    assert facts["wrong"] == (rule.bad if facts["wrong_is_program"] else rule.in_words)
    assert (facts["diagnostic"] is None) != facts["wrong_is_program"]


def test_the_list_has_every_code_once():
    page = text.render(contents())

    assert re.findall(r"^  ([EW]\d{4})  ", page, re.MULTILINE) == [*RULES, *EXAM_RULES]
    assert f"{sum(code[0] == 'E' for code in (*RULES, *EXAM_RULES))} errors" in page


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.title)
def test_a_message_without_a_rule_has_an_answer_and_says_that_no_spec_makes_the_mistake(message):
    page = text.render(answer(message), 10_000)

    assert "no mistake in a spec" in page
    assert message.answer in page
    assert all(said in page for said in message.says)
    for name in message.see:
        assert find(name).hits[0].score == 1.0


PAGE = Page(
    "E1 | a_b",
    "error",
    (
        Prose("Takes `a|b` and [c, h] * 2."),
        Code((("Wrong", "x = ```1```\ny"), ("Right", "z"))),
    ),
    (
        Section("One", (Points(("first", "say `it`"), numbered=True), Points(("`raw` *", "raw"), verbatim=True))),
        Section(
            "Two",
            (
                Table(("Name", "Count"), (("a|b `c|d`", "10"), ("b", "9")), frozenset({1})),
                Terms((("f(x)", "a thing"),)),
            ),
        ),
    ),
)
"""One of every kind of block."""


def test_a_page_on_the_terminal():
    assert text.render(PAGE, 60) == (
        f"  E1 | a_b{'error':>50}\n"
        "\n"
        "  Takes `a|b` and [c, h] * 2.\n"
        "\n"
        "  Wrong            Right\n"
        "    x = ```1```      z\n"
        "    y\n"
        "\n"
        "  One\n"
        "    1  first\n"
        "    2  say `it`\n"
        "\n"
        "    `raw` *\n"
        "    raw\n"
        "\n"
        "  Two\n"
        "    Name       Count\n"
        "    a|b `c|d`     10\n"
        "    b              9\n"
        "\n"
        "    f(x)\n"
        "        a thing\n"
    )


def test_programs_stand_below_each_other_where_there_is_no_room_beside():
    page = Page("P", "", (Code((("Wrong", "x" * 30), ("Right", "z" * 30))),))

    assert text.render(page, 50) == f"  P\n\n  Wrong\n    {'x' * 30}\n\n  Right\n    {'z' * 30}\n"


def test_a_page_as_markdown():
    assert markdown.render(PAGE) == (
        "# E1 \\| a\\_b\n"
        "\n"
        "*error*\n"
        "\n"
        "Takes `a|b` and \\[c, h\\] \\* 2.\n"
        "\n"
        "Wrong:\n"
        "\n"
        "````arch\n"
        "x = ```1```\n"
        "y\n"
        "````\n"
        "\n"
        "Right:\n"
        "\n"
        "```arch\n"
        "z\n"
        "```\n"
        "\n"
        "## One\n"
        "\n"
        "1. first\n"
        "2. say `it`\n"
        "\n"
        "- `` `raw` * ``\n"
        "- `raw`\n"
        "\n"
        "## Two\n"
        "\n"
        "| Name | Count |\n"
        "| --- | ---: |\n"
        "| a\\|b `c\\|d` | 10 |\n"
        "| b | 9 |\n"
        "\n"
        "- `f(x)`: a thing\n"
    )


def test_a_wide_table_wraps_its_widest_column_and_cuts_no_number():
    table = Table(("What", "Why", "Count"), (("a b", "word " * 20, "1,000,000"),), frozenset({2}))
    page = text.render(Page("P", "", (table,)), 50)

    assert max(map(len, page.split("\n"))) <= 50
    assert page.count("word") == 20
    assert "1,000,000" in page


def test_a_console_with_few_signs_gets_others_for_them():
    assert text.ascii_signs("⌊n / 2⌋ × 3 − 1 → ⌈x⌉ · y") == "floor(n / 2) x 3 - 1 -> ceil(x) * y"


def test_every_page_is_made_of_signs_that_ascii_stands_in_for():
    for rule in RULES.values():
        text.ascii_signs(text.render(lesson(rule))).encode("ascii")


def test_colours_change_nothing_but_colours():
    painted = text.render(PAGE, 60, lambda part, role: f"\x1b[1m{part}\x1b[0m")

    assert re.sub(r"\x1b\[\dm", "", painted) == text.render(PAGE, 60)
    assert code("x\n").texts == (("", "x"),)
