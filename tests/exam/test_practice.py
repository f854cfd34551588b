"""Practice: what becomes of answers, hints, skips and second tries, and what is told at the end."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archdsl.exam.grades import Status
from archdsl.exam.practice import Event, Practice
from archdsl.exam.reading import read_sheet, read_text

SHEETS = Path(__file__).parent / "sheets"
CHAIN = read_sheet(SHEETS / "chain.yaml")
DRAWN = read_text(
    """exam: drawn
problems:
  - id: q
    draw: {n: [28, 30, 32, 34, 36, 40], c: [2, 4, 6, 8]}
    net: |
      input x: [c, n, n]
      output y = x -> a: Conv2d(8, 5)
    parts:
      - {id: a, ask: shape(a), choices: 4}
      - {id: b, ask: params(a), marks: 2}
""",
    "drawn.yaml",
    "yaml",
)
RIGHT = ["64x64x32", "32x32x32", "32x32x64", "20,928", "10"]
"""The answers to the chain, as EXAM.md's best student gives them."""


def chain(*answers: str) -> Practice:
    practice = Practice(CHAIN, 0)
    for answer in answers:
        practice.answer(answer)
    return practice


def test_right_answers_earn_all_marks_and_end_the_practice():
    practice = chain(*RIGHT)

    assert practice.question is None
    assert (practice.earned, practice.out_of) == (12, 12)
    assert (practice.summary.asked, practice.summary.right) == (5, 5)
    assert practice.summary.mistakes == ()
    assert practice.summary.weakest == ""
    assert practice.answer("10").event is Event.OVER


def test_the_parts_come_one_after_another_and_the_text_before_the_first():
    practice = Practice(CHAIN, 0)
    seen = []
    while practice.question is not None:
        seen.append((practice.question.number, practice.question.part.name, practice.question.opens))
        practice.skip()

    assert seen == [(1, "q1.a", True), (2, "q1.b", False), (3, "q1.c", False), (4, "q1.d", False), (5, "q1.e", False)]
    assert practice.length == 5


def test_a_wrong_answer_is_diagnosed_and_may_be_tried_again_for_half_the_marks():
    practice = Practice(CHAIN, 0)

    first = practice.answer("60x60x32")
    assert first.verdict is not None
    assert (first.event, first.verdict.status, first.verdict.ids) == (Event.JUDGED, Status.MISTAKE, ("S01",))
    assert first.result is None
    assert practice.question is not None
    assert practice.question.part.name == "q1.a"

    second = practice.answer("64x64x32")
    assert second.result is not None
    assert (second.result.earned, second.result.out_of) == (1, 2)
    assert practice.question.part.name == "q1.b"


def test_after_the_second_wrong_answer_the_question_is_over():
    practice = chain("60x60x32", "62x62x32")

    assert [result.earned for result in practice.results] == [0]
    assert [v.ids for v in practice.results[0].verdicts] == [("S01",), ("S02",)]
    assert practice.results[0].question.right == "32x64x64"


def test_a_later_part_follows_from_the_last_wrong_answer_before_it():
    reply_of = chain("60x60x32", "60x60x32").answer("30x30x32")

    assert reply_of.verdict is not None
    assert reply_of.verdict.status is Status.FOLLOW_THROUGH
    assert reply_of.result is not None
    assert reply_of.result.earned == 2


@pytest.mark.parametrize("text", ["see back", "", "   ", "9**9**9", "<script>"])
def test_what_cannot_be_read_is_no_try(text):
    practice = Practice(CHAIN, 0)

    assert practice.answer(text).event is Event.UNREADABLE
    assert practice.answer("64x64x32").result == practice.results[0]
    assert practice.earned == 2


def test_hints_come_one_by_one_and_cost_what_the_sheet_says():
    """The second hint to (e) costs a quarter of its 2 marks."""
    practice = chain(*RIGHT[:4])
    texts = [practice.hint() for _ in range(3)]

    assert [reply.event for reply in texts] == [Event.HINT, Event.NO_HINT, Event.NO_HINT]
    assert texts[0].cost == Fraction(1, 4)
    reply = practice.answer("10")
    assert reply.result is not None
    assert reply.result.earned == Fraction(3, 2)


def test_a_part_without_hints_says_so():
    assert Practice(CHAIN, 0).hint().event is Event.NO_HINT


@pytest.mark.parametrize("leave", [Practice.skip, Practice.solution], ids=["skip", "solution"])
def test_who_skips_or_looks_at_the_solution_gets_nothing(leave):
    practice = Practice(CHAIN, 0)
    reply = leave(practice)

    assert reply.result is not None
    assert (reply.result.earned, reply.result.out_of) == (0, 2)
    assert practice.question is not None
    assert practice.question.number == 2


def test_mistakes_are_counted_by_name_with_the_most_frequent_first():
    made = chain("60x60x32", "60x60x32", *RIGHT[1:4], "8", "11").summary.mistakes

    assert [(one.name, one.times) for one in made] == [("S01", 2), ("R01/R08", 1), ("R02/R06", 1)]
    assert made[0].did.startswith("forgot the padding")


def test_what_earned_the_least_of_its_marks_is_to_be_practised_again():
    summary = chain(*RIGHT[:4], "8", "11").summary

    assert (summary.weakest, summary.weakest_quantity) == ("receptive fields", "receptive_field")
    assert (summary.weakest_earned, summary.weakest_out_of) == (0, 2)


def test_who_stops_in_the_middle_of_a_question_has_tried_it():
    practice = chain("64x64x32", "30x30x32")
    practice.stop()

    assert practice.question is None
    assert practice.summary.asked == 2
    assert practice.out_of == 4


def test_who_stops_before_trying_was_not_asked():
    practice = chain("64x64x32")
    practice.stop()

    assert practice.summary.asked == 1


# Drawn values.


def test_drawn_problems_are_asked_with_new_values_without_end():
    practice = Practice(DRAWN, "7")
    values = []
    for _ in range(12):
        assert practice.question is not None
        values.append(tuple(practice.question.posed.values.items()))
        practice.skip()

    assert practice.length is None
    assert values[0::2] == values[1::2], "the parts of a problem share their values"
    assert len(set(values)) > 3


def test_a_seed_brings_the_same_questions_back():
    def numbers(seed: str) -> list[object]:
        practice = Practice(DRAWN, seed, 8)
        found = []
        while practice.question is not None:
            found.append((practice.question.right, [option.text for option in practice.question.options]))
            practice.skip()
        return found

    assert numbers("7") == numbers("7")
    assert numbers("7") != numbers("8")
    assert len(numbers("7")) == 8


def test_a_count_ends_the_practice_and_goes_round_where_nothing_is_drawn():
    practice = Practice(CHAIN, 0, 7)
    names = []
    while practice.question is not None:
        names.append(practice.question.part.id)
        practice.skip()

    assert "".join(names) == "abcdeab"
    assert practice.length == 7


def test_a_letter_stands_for_its_option():
    practice = Practice(DRAWN, "7")
    question = practice.question
    assert question is not None
    right = next(i for i, option in enumerate(question.options) if option.is_right)

    assert question.meant(f"{'abcd'[right]})") == question.options[right].text
    assert question.meant("(B)") == question.options[1].text
    assert question.meant("e") == "e"
    reply = practice.answer("abcd"[right])
    assert reply.result is not None
    assert reply.result.earned == 1


def test_a_letter_is_a_letter_where_there_are_no_options():
    practice = Practice(CHAIN, 0)

    assert practice.answer("a").event is Event.UNREADABLE


@settings(max_examples=60)
@given(st.lists(st.one_of(st.sampled_from(["hint", "skip", "solve", *RIGHT]), st.text(max_size=12)), max_size=20))
def test_marks_stay_within_what_there_is_whatever_is_typed(lines):
    practice = Practice(CHAIN, 0)
    for line in lines:
        act = {"hint": practice.hint, "skip": practice.skip, "solve": practice.solution}.get(line)
        act() if act else practice.answer(line)
        assert 0 <= practice.earned <= practice.out_of <= 12
    practice.stop()

    assert practice.summary.asked == len(practice.results) <= 5
