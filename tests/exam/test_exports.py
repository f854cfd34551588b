"""Exports: what is common to all targets. Example 2's numbers are those that its documentation prints."""

from __future__ import annotations

from fractions import Fraction

import pytest

from archdsl.exam.exports import TARGETS, export
from archdsl.exam.exports.collecting import collect, names
from archdsl.exam.exports.markers import rows
from archdsl.exam.exports.numbers import decimal, percent, three_digits
from oracles.exported import chain, hostile, lone, upsampling

# What is worked out once.


def test_a_variant_has_the_values_and_the_wrong_values_of_the_documentation():
    """Seed 2026: n, c, k, s, p, o are 28, 16, 5, 3, 2, 8 for s01; (28-1)*3 - 2*2 + 5 = 82; 5*5*16*8 + 8 = 3208."""
    book, refused = collect(upsampling(), 3, 2026)
    (shape, params), *others = [case.items for case in book.cases]

    assert refused == ()
    assert book.variants == ("s01", "s02", "s03")
    assert shape.right == (8, 82, 82)
    assert params.right == 3208
    wrong = {id: one for one in params.wrong for id in one.ids}
    assert [wrong[id].value for id in ("P01", "T07", "P04")] == [3200, 3216, 208]
    assert [wrong[id].share for id in ("P01", "T07", "P04")] == [Fraction(1, 2), 0, 0]
    assert {o.text for o in shape.options} == {"8x82x82", "8x10x10", "8x84x84", "8x86x86", "8x85x85"}
    assert [o.text for o in shape.options if o.is_right] == ["8x82x82"]
    assert [[item.shown for item in items] for items in others] == [["8x39x39", "2,312"], ["32x25x25", "2,336"]]


def test_a_problem_that_draws_nothing_is_there_once():
    assert export(chain(), "moodle", variants=30).parts == 5


def test_names_of_variants_have_as_many_digits_as_the_last():
    assert names(2) == ("s01", "s02")
    assert (names(100)[0], names(100)[-1]) == ("s001", "s100")


def test_the_marker_is_told_what_follows_from_an_earlier_mistake_and_what_the_same_mistake_gives():
    """Padding forgotten in (a): 60, pooled 30, and with padding 1 still 30; forgotten there as well it is 28."""
    (case,) = collect(chain())[0].cases
    told = {first: (then, again) for first, then, again in rows(case)}

    assert told["(a) = 32x60x60 (S01)"] == ("(b) = 32x30x30, (c) = 64x30x30", "(c) = 64x28x28")
    # 16 channels enter c: 3*25*32 + 32 + 16*9*64 + 64 = 11,712.
    assert told["(b) = 16x32x32 (S14)"][0] == "(d) = 11,712"


def test_a_value_that_is_right_under_another_convention_is_a_note_unless_the_sheet_rules_it_out():
    """3*3*3*64 = 1728 leaves out 64 biases."""
    (case,) = collect(lone("params(conv)"))[0].cases
    assert {w.share for w in case.items[0].wrong if w.value == 1728} == {1}

    sheet = upsampling()
    (case,) = collect(sheet, 1, 2026)[0].cases
    assert {w.share for w in case.items[1].wrong if w.value == 3200} == {Fraction(1, 2)}


def test_a_list_of_numbers_is_a_blank_for_each_in_the_order_of_its_rows():
    """The kernel of bilinear interpolation by 2 is the outer product of (1, 3, 3, 1) / 4 with itself."""
    net = "input x: [1, 4, 4]\noutput y = x -> up: ConvTranspose2d(1, 4, stride=2, padding=1, bias=false)\n"
    (case,) = collect(lone("kernel(up)", net=net))[0].cases
    (item,) = case.items

    assert [blank.value * 16 for blank in item.blanks] == [1, 3, 3, 1, 3, 9, 9, 3, 3, 9, 9, 3, 1, 3, 3, 1]
    assert [blank.label for blank in item.blanks][:2] == ["number 1", "number 2"]
    assert item.shown.startswith("0.0625, 0.1875, ")
    for target in TARGETS:
        assert not export(lone("kernel(up)", net=net), target).refused


# Numbers.


@pytest.mark.parametrize(("value", "text"), [
    (3208, "3208"), (-7, "-7"), (Fraction(1, 2), "0.5"), (Fraction(-61, 2), "-30.5"), (Fraction(1, 8), "0.125"),
    (Fraction(1, 3), "0.333333333"), (Fraction(10**15 + 1, 3), "333333333000000"), (Fraction(1, 3 * 10**9), "0.000000000333333333"),
    (Fraction(5, 10**12), "0.000000000005"), (0, "0"),
])  # fmt: skip
def test_decimals_have_no_grouping_and_no_exponent(value, text):
    assert decimal(value) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [(Fraction(1), "100"), (Fraction(1, 3), "33.33333"), (Fraction(1, 8), "12.5"), (Fraction(0), "0")],
)
def test_shares_are_hundredths(share, text):
    assert percent(share) == text


@pytest.mark.parametrize(
    ("value", "room"),
    [
        (Fraction(1973, 18), Fraction(1, 2)),
        (Fraction(7, 3), Fraction(1, 200)),
        (Fraction(1, 800), Fraction(1, 200_000)),
    ],
)
def test_three_digits_leave_half_a_unit_of_the_third_open(value, room):
    """109.6 is known as 110, 2.33 to 0.005, and 0.00125 to 0.000005."""
    assert three_digits(value) == room


def test_no_wrong_value_lies_in_what_a_fraction_leaves_open():
    """36,928 / 7 = 5275.43 is known to 5 in three digits; one bias for 64, 36,865 / 7, is 9 away, so it is 4.5."""
    net = "input x: [64, 32, 32]\noutput y = x -> conv: Conv2d(64, 3)\n"
    (case,) = collect(lone("params(conv) / 7", net=net))[0].cases

    assert case.items[0].room == Fraction(9, 2)


# Every target.


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("sheet", [chain, upsampling, hostile], ids=lambda sheet: sheet.__name__)
def test_the_same_sheet_variants_and_seed_give_the_same_bytes(target, sheet):
    one, two = (export(sheet(), target, variants=2, seed=7) for _ in range(2))

    assert one.files == two.files
    assert one.files
    assert one.losses == two.losses


@pytest.mark.parametrize("target", TARGETS)
def test_another_seed_draws_other_values(target):
    assert export(upsampling(), target, seed=1).files != export(upsampling(), target, seed=2).files


@pytest.mark.parametrize("target", TARGETS)
def test_paths_stay_below_the_folder(target):
    for path in export(hostile(), target, variants=2).files:
        assert all(
            part.strip(".") and part.replace("-", "").replace(".", "").replace("_", "").isalnum()
            for part in path.split("/")
        )


KEPT = {
    # What each export keeps, as its documentation has it: diagnosis, follow-through, hints.
    "moodle": (True, False, True), "qti": (False, False, False), "latex": (True, True, False), "md": (True, True, True),
    "gradescope": (False, False, False), "prairielearn": (True, True, True), "rexams": (True, False, False),
    "anki": (True, False, True),
}  # fmt: skip


@pytest.mark.parametrize(("target", "kept"), KEPT.items())
def test_the_report_names_what_is_lost_and_in_which_parts(target, kept):
    found = {loss.what.removesuffix(" not representable"): loss for loss in export(chain(), target).losses}

    assert tuple(word not in found for word in ("diagnosis", "follow-through", "hints")) == kept
    if "hints" in found:
        assert str(found["hints"]) == "hints not representable: 2 parts (q1.d, q1.e)"
    if "follow-through" in found:
        assert found["follow-through"].parts == ("q1.b", "q1.c", "q1.d")


@pytest.mark.parametrize("target", [t for t in TARGETS if t not in ("latex", "md", "anki")])
def test_a_number_beyond_doubles_is_refused_and_the_rest_is_exported(target):
    made = export(lone("2 ** 53 + params(conv)"), target)

    assert [(one.part, "2^53" in one.why) for one in made.refused] == [("q1.a", True)]
    assert made.parts == 0


@pytest.mark.parametrize("target", TARGETS)
def test_too_few_options_refuse_that_part_alone(target):
    made = export(
        lone("params(conv)", net="input x: [3, 8, 8]\noutput y = x -> conv: Conv2d(2, 1)\n", choices=20), target
    )

    (refused,) = made.refused
    assert refused.part == "q1.a"
    assert "20 options" in refused.why


def test_there_is_no_such_target():
    with pytest.raises(ValueError, match="not to blackboard"):
        export(chain(), "blackboard")
    with pytest.raises(ValueError, match="1 to 1,000 variants"):
        export(chain(), "md", variants=0)
