"""Grades held against earlier ones: what changed, and why."""

from __future__ import annotations

from fractions import Fraction

import pytest

from archdsl.exam.grading import Submission, grade
from archdsl.exam.previous import read_previous
from archdsl.exam.reading import read_text as read_sheet
from archdsl.exam.regrade import Regrade, regrade
from archdsl.exam.results import Release, changes, json, report
from archdsl.exam.texts import SheetError
from archdsl.rules.exam import BAD_PREVIOUS

# 1,792 = 3·3·3·64 + 64 parameters, 1,728 of them weights.
SHEET = """
exam: one
conventions: {bias: counted}
marking: {mistakes: {P01: 0.5}}
problems:
  - id: q1
    net: |
      input x: [3, 32, 32]
      output y = x -> conv: Conv2d(64, 3, padding=1) -> pool: MaxPool2d(2)
    parts:
      - {id: a, ask: shape(conv), marks: 2}
      - {id: b, ask: shape(pool), marks: 2}
      - {id: c, ask: params, marks: 4}
"""
CLASS = {
    "s01": {"q1.a": "64x32x32", "q1.b": "64x16x16", "q1.c": "1792"},
    "s02": {"q1.a": "64x30x30", "q1.b": "64x15x15", "q1.c": "1728"},
    "s03": {"q1.a": "see back", "q1.b": "64x16x16", "q1.c": "1792"},
}


def again(sheet: str = SHEET, answers: dict = CLASS) -> Regrade:
    """Grade a class by the sheet above, and again by another or with other answers."""
    before, now = (read_sheet(text, "s.yaml", "yaml") for text in (SHEET, sheet))
    earlier = json.write(report(grade(before, submitted(CLASS)), before), before)
    return regrade(read_previous(earlier, "grades.json"), grade(now, submitted(answers)), now)


def submitted(answers: dict) -> list[Submission]:
    return [Submission(student, given) for student, given in answers.items()]


def told(found: Regrade) -> list[tuple]:
    return [(one.student, one.part, one.before.marks, one.after.marks, one.why) for one in found.changes]


def test_nothing_changes_where_nothing_did():
    found = again()

    assert (found.changes, found.added, found.gone, found.sheet) == ((), (), (), ())
    assert [(one.before, one.after, one.out_of) for one in found.totals] == [(8, 8, 8), (4, 4, 8), (6, 6, 8)]
    assert changes.write(found) == "0 higher, 0 lower, 3 as before.\n"


def test_a_changed_share_is_named():
    found = again(SHEET.replace("P01: 0.5", "P01: 0.75"))

    assert found.sheet == ("marking: P01 1/2 → 3/4",)
    assert told(found) == [("s02", "q1.c", 2, 3, ("marking P01 1/2 → 3/4",))]
    assert [(one.student, one.after - one.before) for one in found.totals] == [("s01", 0), ("s02", 1), ("s03", 0)]


def test_a_changed_convention_is_named_with_the_right_answers():
    found = again(SHEET.replace("bias: counted", "bias: ignored"))
    why = ("the right answer was 1,792, and is 1,728", "convention bias: counted → ignored")

    assert found.sheet == ("conventions: bias: counted → ignored",)
    assert [(one[0], one[1], one[4]) for one in told(found)] == [
        ("s01", "q1.c", why), ("s02", "q1.c", why), ("s03", "q1.c", why),
    ]  # fmt: skip
    assert found.changes[1].after.marks == 4


def test_a_changed_net_moves_the_right_answer():
    found = again(SHEET.replace("Conv2d(64, 3, padding=1)", "Conv2d(64, 3)"))

    assert ("s01", "q1.a", 2, 0, ("the right answer was 64x32x32, and is 64x30x30",)) in told(found)
    assert ("s02", "q1.a", 0, 2, ("the right answer was 64x32x32, and is 64x30x30",)) in told(found)


def test_a_changed_ask_and_other_marks_are_named():
    found = again(SHEET.replace("ask: params, marks: 4", "ask: weights, marks: 5"))

    assert found.sheet == ("q1.c: asks params → weights",)
    assert told(found)[1] == (
        "s02", "q1.c", 2, 5,
        ("the right answer was 1,792, and is 1,728", "the part is worth 5, not 4", "asks params → weights"),
    )  # fmt: skip


def test_a_changed_answer_is_named_and_what_follows_from_it():
    found = again(answers=CLASS | {"s02": CLASS["s02"] | {"q1.a": "64x32x32"}, "s03": CLASS["s03"] | {"q1.a": ""}})

    assert told(found)[0] == ("s02", "q1.a", 0, 2, ("the answer was `64x30x30`",))
    assert told(found)[1][:2] == ("s02", "q1.b")
    assert told(found)[1][4] == ("an earlier answer changed",)
    assert told(found)[2] == ("s03", "q1.a", None, 0, ("the answer was `see back`",))


def test_students_who_came_and_went_are_told():
    found = again(answers={"s01": CLASS["s01"], "s04": CLASS["s02"], "s03": CLASS["s03"]})

    assert [(one.student, one.after) for one in found.added] == [("s04", 4)]
    assert [(one.student, one.before) for one in found.gone] == [("s02", 4)]
    assert changes.write(found).splitlines()[:2] == ["new: s04, 4 / 8", "gone: s02, had 4 / 8"]


def test_new_parts_and_lost_ones_are_told():
    found = again(SHEET.replace("{id: b, ask: shape(pool), marks: 2}", "{id: z, ask: macs, marks: 2}"))

    assert found.sheet == ("q1.b is no part any more", "q1.z is a new part")


def test_marks_without_an_end_come_back_exactly():
    sheet = read_sheet(SHEET.replace("P01: 0.5", "P01: 0.333333333"), "s.yaml", "yaml")
    text = json.write(report(grade(sheet, submitted(CLASS)), sheet), sheet)

    assert read_previous(text, "g").students["s02"]["q1.c"].marks == Fraction("0.333333333") * 4


GOOD = '{"schema": "archdsl/grades@1", "release": "full", "students": [%s]}'


@pytest.mark.parametrize(
    "text",
    [
        "", "no json", "[]", "{}", "[" * 100_000, '{"schema": NaN}', GOOD % 5, GOOD % '{"student": 5}',
        GOOD % '{"student": "a", "parts": [{"part": "q1.a", "marks": "1e999999999"}]}',
        GOOD % '{"student": "a", "parts": [{"part": "q1.a", "marks": true}]}',
        GOOD % '{"student": "a", "parts": [{"part": "q1.a", "marks_exact": "1/0"}]}',
        GOOD % '{"student": "a", "parts": []}, {"student": "a", "parts": []}',
        GOOD.replace("full", "hints") % "", BAD_PREVIOUS.bad, GOOD % ("9" * 5000),
    ],
    ids=lambda text: text[:60],
)  # fmt: skip
def test_what_are_no_grades_is_refused(text):
    with pytest.raises(SheetError) as caught:
        read_previous(text, "grades.json")

    (found,) = caught.value.diagnostics
    assert found.rule is BAD_PREVIOUS
    assert f"{found.span}".startswith("grades.json:1:")


def test_the_good_example_of_the_page_is_read():
    assert read_previous(BAD_PREVIOUS.good, "grades.json").students == {}


@pytest.mark.parametrize("release", [Release.MARKS, Release.HINTS])
def test_grades_that_were_released_in_part_are_refused_with_the_cure(release):
    sheet = read_sheet(SHEET, "s.yaml", "yaml")
    text = json.write(report(grade(sheet, submitted(CLASS)), sheet, release), sheet)
    with pytest.raises(SheetError, match="release full"):
        read_previous(text, "grades.json")
