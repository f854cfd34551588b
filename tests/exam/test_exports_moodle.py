"""Moodle XML, read by the rules of its importer."""

from __future__ import annotations

import re
from fractions import Fraction
from html import unescape
from xml.etree import ElementTree

import pytest

from archdsl.exam.exports import export
from archdsl.exam.exports.moodle import GRADES, nearest_grade
from oracles.exported import chain, hostile, lone, upsampling

ALLOWED = {"100", "90", "83.33333", "80", "75", "70", "66.66667", "60", "50", "40", "33.33333", "30", "25", "20", "16.66667", "14.28571", "12.5", "11.11111", "10", "5", "0"}  # fmt: skip

# The patterns with which Moodle finds the blanks of a cloze text.
FRACTION = r"=|%(-?[0-9]+(?:[.,][0-9]*)?)%"
ALTERNATIVE = rf"({FRACTION})?(.+?(?<!\\|&)(?=[~#}}]|$))(#(.*?(?<!\\)(?=[~}}]|$)))?"
BLANK = re.compile(
    rf"\{{\s*([0-9]*)\s*:\s*(NUMERICAL|NM|SHORTANSWER|SA|MULTICHOICE|MC)\s*:\s*({ALTERNATIVE}(?:~{ALTERNATIVE})*)\}}",
    re.DOTALL,
)
NUMBER = r"-?(?:[0-9]+[.,]?[0-9]*|[.,][0-9]+)(?:[eE][-+]?[0-9]+)?"


def moodle(sheet, **options):
    made = export(sheet, "moodle", **options)
    (text,) = made.files.values()
    return ElementTree.fromstring(text), made


def questions(quiz):
    return {q.findtext("name/text"): q for q in quiz if q.get("type") != "category"}


def answers(question):
    """Return value -> (grade, tolerance, feedback) of a numerical question."""
    found = {}
    for answer in question.findall("answer"):
        found[answer.findtext("text")] = (
            answer.get("fraction"),
            answer.findtext("tolerance"),
            answer.findtext("feedback/text"),
        )
    return found


def blanks(question):
    """Return for each blank its weight, and value -> (grade, feedback)."""
    found = []
    for blank in BLANK.finditer(question.findtext("questiontext/text")):
        values = {}
        for alternative in blank[3].split("~"):
            sign, number, tolerance, feedback = re.fullmatch(
                rf"({FRACTION})({NUMBER}):({NUMBER})(?:#(.*))?", alternative, re.DOTALL
            ).group(1, 3, 4, 5)
            assert tolerance == "0"
            values[number] = ("100" if sign == "=" else sign.strip("%"), unescape(feedback or ""))
        found.append((int(blank[1]), values))
    return found


def test_a_number_has_no_tolerance_and_its_wrong_values_carry_their_feedback():
    """Variant s01 of seed 2026 in the documentation: 5*5*16*8 + 8 = 3208."""
    quiz, _ = moodle(upsampling(), variants=2, seed=2026)
    question = questions(quiz)["up1.b s01"]
    found = answers(question)

    assert question.get("type") == "numerical"
    assert question.findtext("defaultgrade") == "2"
    assert found["3208"][:2] == ("100", "0")
    assert "3,208" in found["3208"][2]
    assert [(found[v][0], found[v][1]) for v in ("3200", "3216", "208")] == [("50", "0"), ("0", "0"), ("0", "0")]
    assert [found[v][2][:7] for v in ("3200", "3216", "208")] == ["<p>P01:", "<p>T07:", "<p>P04:"]


def test_a_problem_is_a_category_with_a_question_for_each_part_of_each_variant():
    quiz, _ = moodle(upsampling(), variants=3, seed=2026)

    assert [q.get("type") for q in quiz] == ["category", *["multichoice", "numerical"] * 3]
    assert quiz[0].findtext("category/text") == "$course$/top/upsampling-quiz/up1 A transposed convolution"
    assert list(questions(quiz)) == ["up1.a s01", "up1.b s01", "up1.a s02", "up1.b s02", "up1.a s03", "up1.b s03"]


def test_options_are_a_single_choice_with_hints():
    quiz, _ = moodle(upsampling(), seed=2026)
    question = questions(quiz)["up1.a s01"]

    assert question.findtext("single") == "true"
    assert {a.findtext("text"): a.get("fraction") for a in question.findall("answer")} == {
        "8x82x82": "100", "8x10x10": "0", "8x84x84": "0", "8x85x85": "0", "8x86x86": "0",
    }  # fmt: skip
    assert [h.findtext("text") for h in question.findall("hint")] == [
        "<p>It undoes the size change of an ordinary convolution.</p>", "<p>(n - 1)*s - 2*p + k</p>",
    ]  # fmt: skip


def test_a_shape_is_three_blanks():
    """64 with 2 pixels on each side stays 64; without them 60, with them on one side 62."""
    quiz, made = moodle(chain())
    question = questions(quiz)["q1.a"]
    (_, channels), (_, height), (_, width) = blanks(question)

    assert question.get("type") == "cloze"
    assert channels["32"] == height["64"] == width["64"] == ("100", "")
    assert height["60"][0] == "0"
    assert height["60"][1].startswith("S01: ")
    assert height["62"][1].startswith("S02: ")
    assert channels["3"][1].startswith("S12: ")
    assert "marks of a shape are those of its 3 blanks, one each: 3 parts (q1.a, q1.b, q1.c)" in map(str, made.losses)


def test_the_marks_of_a_mistake_in_a_shape_are_shared_among_its_wrong_sizes():
    """S03 earns half: a third for the channels, and 1/12 for each side; of a blank, which is a third, that is 1/4."""
    quiz, _ = moodle(chain())
    _, (_, height), _ = blanks(questions(quiz)["q1.a"])

    assert height["63"][0] == "25"


@pytest.mark.parametrize("layout", ["CHW", "HWC"])
def test_blanks_stand_in_the_order_of_the_sheet(layout):
    text = questions(moodle(_with_layout(layout))[0])["q1.a"].findtext("questiontext/text")
    order = re.findall(r"(channels|height|width) \{", text)

    assert order == (["channels", "height", "width"] if layout == "CHW" else ["height", "width", "channels"])


def _with_layout(layout):
    from dataclasses import replace

    sheet = lone("shape(conv)")
    return replace(sheet, conventions=replace(sheet.conventions, layout=layout))


@pytest.mark.parametrize("sheet", [chain, upsampling, hostile], ids=lambda sheet: sheet.__name__)
def test_every_grade_is_one_that_moodle_knows(sheet):
    quiz, _ = moodle(sheet())

    for question in questions(quiz).values():
        assert {a.get("fraction") for a in question.findall("answer")} <= ALLOWED
        assert {grade for _, values in blanks(question) for grade, _ in values.values()} <= ALLOWED


@pytest.mark.parametrize(
    ("share", "grade"),
    [("0.4", "2/5"), ("0.45", "2/5"), ("0.62", "3/5"), ("0.66", "2/3"), ("0.99", "1"), ("0.02", "0"), ("0.85", "5/6")],
)
def test_a_share_becomes_the_nearest_grade(share, grade):
    assert nearest_grade(Fraction(share)) == Fraction(grade)


def test_there_are_the_grades_of_moodle():
    assert {f"{float(g * 100):.5f}".rstrip("0").rstrip(".") for g in GRADES} == ALLOWED


def test_a_rounded_grade_is_told():
    sheet = lone("params(conv)", marking={"mistakes": {"P02": 0.45}})
    _, made = moodle(sheet)

    assert "marks rounded to a grade that Moodle knows (45 % to 40 %): 1 part (q1.a)" in map(str, made.losses)


def test_a_fraction_may_be_off_by_what_three_digits_leave_open():
    """1792 parameters for 30*30*27*64 = 1,555,200 MACs: 0.00115226..."""
    quiz, _ = moodle(lone("params(conv) / macs(conv)"))
    found = answers(questions(quiz)["q1.a"])

    assert found["0.00115226337"][:2] == ("100", "0.000005")


def test_hostile_texts_open_no_element_and_no_blank():
    quiz, _ = moodle(hostile())
    found = questions(quiz)

    assert set(found) == {"q1.a", "q1.b", "q1.c", "q1.d", "q1.e"}
    assert len(blanks(found["q1.a"])) == 3
    for question in found.values():
        text = question.findtext("questiontext/text")
        assert "<script" not in text
        assert "&lt;script&gt;" in text
        assert "{1:NUMERICAL:=5" not in text or question.get("type") != "cloze"


def test_a_slash_in_a_title_makes_no_category_of_its_own():
    quiz, _ = moodle(hostile())

    assert re.sub("//", "", quiz[0].findtext("category/text")).count("/") == 3
