"""Options: one right, all different, each wrong one a real mistake, in an order that a seed gives."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from archdsl.exam.choices import accepted, options, ranked
from archdsl.exam.draws import drawing
from archdsl.exam.grades import Status
from archdsl.exam.grading import Judge
from archdsl.exam.posed import Posed
from archdsl.exam.reading import read_sheet, read_text
from archdsl.exam.sheet import Part, Sheet
from archdsl.exam.texts import SheetError
from archdsl.exam.topics import topics

SHEETS = Path(__file__).parent / "sheets"

BLOCK = """
exam: residual-block
conventions: {bias: counted, bn: trainable, work: macs}
problems:
  - id: r1
    net: |
      input x: [64, 56, 56]
      y = x -> c1: Conv2d(128, 3, stride=2, padding=1, bias=false) -> BatchNorm2d -> ReLU -> c2: Conv2d(128, 3, padding=1, bias=false) -> BatchNorm2d
      skip = x -> proj: Conv2d(128, 1, stride=2, bias=false) -> BatchNorm2d
      output z = y + skip -> ReLU
    parts:
      - {id: b, ask: params, marks: 3}
"""


def posed(sheet: Sheet, problem: int = 0, **values: object) -> Posed:
    return Posed(sheet.problems[problem], sheet.conventions, values)  # type: ignore[arg-type]


def of(text: str, **values: object) -> tuple[Posed, Part]:
    one = posed(read_text(text, "s.yaml", "yaml"), **values)
    return one, one.problem.parts[0]


def test_the_options_that_are_printed_for_the_residual_block_are_mistakes_of_the_catalogue():
    """EXAM.md lists 221,696 without the projection, 230,528 with biases, 230,912 and 229,376 about the batch norms."""
    found = {wrong.value: wrong.ids for wrong in ranked(*of(BLOCK))}

    printed = {221_696: "P22", 230_528: "P17", 230_912: "P14", 229_376: "P29"}
    assert {value: id for value, id in printed.items() if id in found.get(value, ())} == printed


def test_a_count_that_is_right_under_a_convention_that_is_left_open_is_no_option():
    """Four vectors of a batch norm are right where nothing says `bn: trainable` (C5)."""
    left_open = BLOCK.replace("bn: trainable, ", "")

    assert 230_912 in {wrong.value for wrong in ranked(*of(BLOCK))}
    assert 230_912 not in {wrong.value for wrong in ranked(*of(left_open))}


def test_the_mistakes_that_are_kept_apart_come_first():
    sheet = read_sheet(SHEETS / "up.yaml")
    found = drawing(sheet.problems[0], sheet.conventions, 2026, "s01")
    made = options(found.posed, sheet.problems[0].parts[0], found.code)

    assert {one.text for one in made} == {"8x82x82", "8x10x10", "8x84x84", "8x86x86", "8x85x85"}
    assert {one.ids for one in made} == {(), ("T01",), ("T02",), ("T03",), ("T05",)}
    assert [one.text for one in made if one.is_right] == ["8x82x82"]


def every_part(number: int) -> list[tuple[Sheet, Posed, Part]]:
    found = []
    for topic in topics().values():
        sheet = topic.read()
        for problem in sheet.problems:
            one = drawing(problem, sheet.conventions, number, "s").posed
            found += [(sheet, one, replace(part, choices=3)) for part in problem.parts]
    return found


@pytest.mark.parametrize("number", range(2))
def test_no_wrong_option_earns_full_marks(number):
    """Options go through grading as answers do, under the sheet's own conventions."""
    for sheet, one, part in every_part(number):
        judge = Judge(sheet, {one.problem.id: one.values})
        made = options(one, part, number)
        assert len({option.text for option in made}) == 3
        for option in made:
            status = judge.verdict(part.name, option.text).status
            assert option.is_right == (status in (Status.CORRECT, Status.NOTE, Status.TOO_COARSE)), (part.name, option)


def test_the_order_depends_on_the_seed_and_every_place_is_taken():
    one, part = of(BLOCK.replace("marks: 3", "choices: 4"))
    orders = [options(one, part, seed) for seed in range(200)]
    places = Counter(next(i for i, option in enumerate(order) if option.is_right) for order in orders)

    assert options(one, part, 3) == options(one, part, 3)
    assert {frozenset(order) for order in orders} == {frozenset(orders[0])}
    assert set(places) == {0, 1, 2, 3}
    assert all(25 < count < 75 for count in places.values())  # 50 each


def test_too_few_mistakes_are_told():
    one, part = of(BLOCK.replace("ask: params", "ask: buffers").replace("marks: 3", "choices: 5"))
    with pytest.raises(SheetError) as caught:
        options(one, part)
    (found,) = caught.value.diagnostics

    assert found.code == "E0743"
    assert found.message.startswith("`r1.b` asks for 5 options, and only ")


def test_a_question_of_yes_or_no_has_two_options():
    text = (
        "exam: s\nproblems:\n - {id: q, net: 'input x: [3, 8, 8]  output y = x -> c: Conv2d(8, 9)',"
        " parts: [{id: a, ask: valid(c), choices: 2}]}"
    )
    made = options(*of(text))

    assert {(one.text, one.is_right) for one in made} == {("no", True), ("yes", False)}


LISTED = """
exam: s
conventions: {{bias: counted}}
problems:
  - id: q
    draw: {{d: [16, 32]}}
    net: |
      input x: [3, 32, 32]
      output y = x -> c: Conv2d(d, 3)
    parts:
      - {{id: a, ask: params(c), choices: [{}]}}
"""


def test_listed_options_keep_their_order_and_get_their_mistakes():
    """A 3×3 convolution from 3 to 16 channels has 27·16 + 16 = 448 parameters, 432 of them weights."""
    made = options(*of(LISTED.format('432, "28 * {{ d }}", 90, 160'), d=16))

    assert [one.text for one in made] == ["432", "28 * 16", "90", "160"]
    assert [one.is_right for one in made] == [False, True, False, False]
    assert [one.ids[:1] for one in made] == [("P01",), (), (), ("P04",)]


@pytest.mark.parametrize(
    ("listed", "said"),
    [
        ("432, 90", "no option of `q.a` is right"),
        ("448, 90, 4.48e2", "2 of the options of `q.a` are right"),
        ("448, 90, 90", "`q.a` has the option 90 twice"),
    ],
)
def test_listed_options_with_not_exactly_one_right_are_refused(listed, said):
    with pytest.raises(SheetError) as caught:
        options(*of(LISTED.format(listed), d=16))
    (found,) = caught.value.diagnostics

    assert (found.code, found.message) == ("E0743", said)


@pytest.mark.parametrize(
    ("bias", "value", "is_accepted"), [("", 2400, True), ("counted", 2400, False), ("ignored", 2432, True)]
)
def test_what_grading_would_note_as_right_is_no_wrong_option(bias, value, is_accepted):
    """5·5·3·32 weights and 32 biases, counted or not."""
    stated = f"conventions: {{bias: {bias}}}\n" if bias else ""
    text = (
        f"exam: e\n{stated}problems:\n  - id: q\n    net: |\n      input x: [3, 9, 9]\n      output y = x -> a: Conv2d(32, 5)\n"
        "    parts:\n      - {id: a, ask: params(a)}\n"
    )
    exam = read_text(text, "e.yaml", "yaml")
    posed = Posed(exam.problems[0], exam.conventions)
    assert (value in accepted(posed, exam.problems[0].parts[0])) == is_accepted
