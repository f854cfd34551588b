"""Every form in which a number or a shape is written, what it means, and what is refused."""

from __future__ import annotations

from fractions import Fraction
from time import process_time

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from archdsl.exam.answers import (
    Blank,
    Impossible,
    Number,
    Numbers,
    Possible,
    ShapeAnswer,
    Unreadable,
    read_answer,
)


def number(text: str, **question) -> Number:
    answer = read_answer(text, "number", **question)
    assert isinstance(answer, Number), answer
    return answer


def shape(text: str, **question) -> ShapeAnswer:
    answer = read_answer(text, "shape", **question)
    assert isinstance(answer, ShapeAnswer), answer
    return answer


def sizes(text: str, **question) -> list[tuple]:
    return [reading.sizes for reading in shape(text, **question).readings]


# Numbers. What is exact, and what a rounded one leaves open: half a unit of its last digit.

# fmt: off
EXACT = [
    ("1792",                              1792),
    ("1,792",                             1792),
    ("1 792",                             1792),
    ("1\u00a0792",                        1792),
    ("1\u202f792",                        1792),
    ("1_792",                             1792),
    ("1'792",                             1792),
    ("1\u2019792",                        1792),
    ("1,96,672",                        196672),
    ("12,34,56,789",                 123456789),
    ("196,672",                         196672),
    ("25,557,032",                    25557032),
    ("1.792.000",                      1792000),
    ("\uff11\uff17\uff19\uff12",          1792),
    ("١٧٩٢",                              1792),
    ("1792.",                             1792),
    ("= 1792",                            1792),
    ("`1792`",                            1792),
    ("**1792**",                          1792),
    ("$1{,}792$",                         1792),
    ("Answer: 1,792",                     1792),
    ("params = 1792",                     1792),
    ("1792 parameters",                   1792),
    ("1792 trainable params in total",    1792),
    ("1792 (parameters)",                 1792),
    ("10 px",                               10),
    ("10 pixels wide",                      10),
    ("2^10",                              1024),
    ("2**10",                             1024),
    ("2¹⁰",                               1024),
    ("10⁶",                            1000000),
    ("3*3*3*64+64",                       1792),
    ("3x3x3x64 + 64",                     1792),
    ("3X3X3X64 + 64",                     1792),
    ("3×3×3×64 + 64",                     1792),
    ("3·3·3·64 + 64",                     1792),
    ("3 times 3 by 3 x 64 plus 64",       1792),
    (r"$3 \times 3 \cdot 3 \times 64 + 64$", 1792),
    ("(27+1)·64 = 1792",                  1792),
    ("(27 + 1)(64)",                      1792),
    ("[3^2*3 + 1]*64",                    1792),
    ("(3²·3+1)*64",                       1792),
    ("3*3*3*64 weights + 64 biases",      1792),
    ("2^3^2",                              512),
    ("-3^2",                                -9),
    ("64 − 5 + 1",                          60),
    ("(64-5)//2 + 1",                       30),
    ("⌊(64-5)/2⌋ + 1",                      30),
    ("ceil((64-5)/2) + 1",                  31),
    ("0.5*1024",                           512),
    ("7x7",                                 49),
    ("7 by 7",                              49),
    ("1/3",                     Fraction(1, 3)),
    ("½",                       Fraction(1, 2)),
    ("2^-2",                    Fraction(1, 4)),
    ("9x",                                   9),
]
ROUNDED = [
    # text                    value                low                    high                   digits
    ("1.79k",                 1790,                1785,                  1795,                  3),
    ("1.792k",                1792,                Fraction(3583, 2),     Fraction(3585, 2),     4),
    ("1.79 K",                1790,                1785,                  1795,                  3),
    ("25,6M",                 25_600_000,          25_550_000,            25_650_000,            3),
    ("25,6 million",          25_600_000,          25_550_000,            25_650_000,            3),
    ("0,197M",                197_000,             196_500,               197_500,               3),
    ("0.197M",                197_000,             196_500,               197_500,               3),
    ("≈197k",                 197_000,             196_500,               197_500,               3),
    ("~197k",                 197_000,             196_500,               197_500,               3),
    ("about 197k",            197_000,             196_500,               197_500,               3),
    ("ca. 197k",              197_000,             196_500,               197_500,               3),
    ("≈197000",               197_000,             196_500,               197_500,               3),
    ("approx. 21,000",        21_000,              20_500,                21_500,                2),
    ("≈21k",                  21_000,              20_500,                21_500,                2),
    ("≈1792",                 1792,                Fraction(3583, 2),     Fraction(3585, 2),     4),
    ("200k",                  200_000,             199_500,               200_500,               3),
    ("1.2288e6",              1_228_800,           1_228_750,             1_228_850,             5),
    ("1.2288E+06",            1_228_800,           1_228_750,             1_228_850,             5),
    ("1.2288×10^6",           1_228_800,           1_228_750,             1_228_850,             5),
    ("1.2288 x 10**6",        1_228_800,           1_228_750,             1_228_850,             5),
    ("1.2288·10⁶ parameters", 1_228_800,           1_228_750,             1_228_850,             5),
    ("4.09 GMACs",            4_090_000_000,       4_085_000_000,         4_095_000_000,         3),
    ("4.09G",                 4_090_000_000,       4_085_000_000,         4_095_000_000,         3),
    ("4.09 billion",          4_090_000_000,       4_085_000_000,         4_095_000_000,         3),
    ("24 MB",                 24_000_000,          23_500_000,            24_500_000,            2),
    ("23 MiB",                23 * 2**20,          45 * 2**19,            47 * 2**19,            2),
    ("2 lakh",                200_000,             150_000,               250_000,               1),
    ("0.75",                  Fraction(3, 4),      Fraction(149, 200),    Fraction(151, 200),    2),
    ("75%",                   Fraction(3, 4),      Fraction(149, 200),    Fraction(151, 200),    2),
    ("109.75 times",          Fraction(439, 4),    Fraction(21949, 200),  Fraction(21951, 200),  5),
    ("1,792.5",               Fraction(3585, 2),   Fraction(35849, 20),   Fraction(35851, 20),   5),
    ("1.8k + 19.1k",          20_900,              20_800,                21_000,                2),
]
# fmt: on


@pytest.mark.parametrize(("text", "value"), EXACT, ids=[row[0] for row in EXACT])
def test_a_number_without_suffix_or_decimals_is_exact(text, value):
    answer = number(text)

    assert (answer.value, answer.low, answer.high) == (value, value, value)
    assert answer.is_exact
    assert answer.digits is None


@pytest.mark.parametrize(("text", "value", "low", "high", "digits"), ROUNDED, ids=[row[0] for row in ROUNDED])
def test_a_rounded_number_leaves_half_a_unit_of_its_last_digit_open(text, value, low, high, digits):
    answer = number(text)

    assert (answer.value, answer.low, answer.high, answer.digits) == (value, low, high, digits)
    assert not answer.is_exact
    assert answer.holds(value)


def test_a_kilo_is_what_the_sheet_says_and_a_kibi_is_always_1024():
    assert number("4K", kilo=1024).value == 4096
    assert number("1 MB", kilo=1024).value == 2**20
    assert number("1 MiB", kilo=1000).value == 2**20
    assert number("1 million", kilo=1024).value == 10**6


# fmt: off
UNITS = [
    # asked         text                       stated        factor
    ("parameters",  "1792 params",             "parameters", None),
    ("parameters",  "1792 values",             "values",     None),
    ("parameters",  "1.2B",                    "",           None),
    ("bytes",       "1200 B",                  "bytes",      None),
    ("macs",        "4.09 GMACs",              "macs",       None),
    ("macs",        "4.09 G multiply-adds",    "macs",       None),
    ("macs",        "8.18 GFLOPs",             "flops",      Fraction(1, 2)),
    ("flops",       "4.09 gmacs",              "macs",       2),
    ("flops",       "8.18 G floating-point operations", "flops", None),
    ("values",      "24 MB",                   "bytes",      Fraction(1, 4)),
    ("bytes",       "6 million values",        "values",     4),
    ("bytes",       "800 bits",                "bytes",      None),
    ("pixels",      "10 px",                   "pixels",     None),
    ("",            "10 px",                   "pixels",     None),
]
# fmt: on


@pytest.mark.parametrize(("asked", "text", "stated", "factor"), UNITS)
def test_a_wrong_unit_is_a_note_with_the_factor_and_not_an_error(asked, text, stated, factor):
    answer = number(text, unit=asked)

    assert answer.unit == stated
    assert (answer.unit_note and answer.unit_note.factor) == factor


def test_a_wrong_unit_without_a_fixed_factor_is_noted_too():
    note = number("64 filters", unit="pixels").unit_note

    assert (note.stated, note.asked, note.factor) == ("things", "pixels", None)


def test_eight_bits_are_a_byte_and_a_billion_is_what_is_counted():
    assert number("800 bits", unit="bytes").value == 100
    assert number("1.2B", unit="parameters").value == 1_200_000_000
    assert number("1.2B", unit="bytes").value == Fraction(6, 5)


@pytest.mark.parametrize(
    ("text", "unit", "remark"),
    [("25 m", "", "M"), ("24 Mb", "bytes", "MB"), ("7B", "parameters", "billion"), ("loss = 3", "", "not read")],
)
def test_what_was_taken_for_granted_is_noted(text, unit, remark):
    assert remark in " ".join(number(text, unit=unit).notes)


# Points and commas that could mean either.


def test_a_point_before_three_digits_is_decimal_and_asked_about():
    answer = number("196.672")

    assert answer.value == Fraction(196672, 1000)
    assert not answer.holds(196672)
    assert [(other.interval.value, other.question) for other in answer.others] == [(196672, "196.672 thousand?")]


@pytest.mark.parametrize("text", ["0.672", "196.67", "1196.672", "196.672k", "196,672"])
def test_a_point_that_can_group_nothing_raises_no_question(text):
    assert number(text).others == ()


def test_a_comma_before_three_digits_and_a_suffix_groups_and_is_asked_about():
    answer = number("1,792k")

    assert answer.value == 1_792_000
    assert [other.interval.value for other in answer.others] == [1792]


@pytest.mark.parametrize("text", ["25,6", "109,75", "1,79", "1,7920"])
def test_a_comma_that_groups_nothing_is_decimal(text):
    assert number(text).value == Fraction(text.replace(",", "."))


@pytest.mark.parametrize("text", ["12,34,56", "0,792", "1 79", "1_79", "1.792,5", "0x10,5,3"])
def test_what_is_no_group_of_digits_is_left_to_a_person(text):
    assert isinstance(read_answer(text), Unreadable)


def test_a_square_in_a_question_for_pixels_may_be_its_side():
    answer = number("7x7", unit="pixels")

    assert answer.value == 49
    assert [other.interval.value for other in answer.others] == [7]
    assert number("7x7", unit="values").others == ()
    assert number("7x9", unit="pixels").others == ()


# Sides.

# fmt: off
SIDES = [
    ("2432 + 18496 = 20929",                [20928, 20929],   False),
    ("2432 + 18496 = 20928",                [20928, 20928],   True),
    ("27*64 + 64 = 1728 + 64 = 1792",       [1792, 1792, 1792], True),
    ("2432 + 18496 = 20.9k",                [20928, 20900],   True),
    ("20928 ≈ 21k",                         [20928, 21000],   True),
    ("20928 -> 21k",                        [20928, 21000],   True),
    ("20928 ≈ 22k",                         [20928, 22000],   False),
    ("k*k*C*D + D = 27*64 + 64 = 1792",     [1792, 1792],     True),
    ("27*64 + 64 =",                        [1792],           True),
]
# fmt: on


@pytest.mark.parametrize(("text", "values", "agrees"), SIDES, ids=[row[0] for row in SIDES])
def test_the_last_side_is_the_answer_and_the_others_are_kept(text, values, agrees):
    answer = number(text)

    assert [side.interval.value for side in answer.sides] == values
    assert answer.value == values[-1]
    assert answer.agrees is agrees


def test_the_sharpest_side_is_the_exact_one_where_all_agree():
    assert number("2432 + 18496 ≈ 21k").sharpest.interval.value == 20928
    assert number("2432 + 18496 ≈ 22k").sharpest.interval.value == 22000


def test_a_side_knows_whether_something_was_to_be_computed():
    assert [side.is_expression for side in number("2432 + 18496 = 20929").sides] == [True, False]
    assert not number("1.2288×10^6").sides[0].is_expression


# Shapes. The first reading is the preferred one; sizes have the channels first.

# fmt: off
NAMED = [
    ("64@32x32",                   (64, 32, 32)),
    ("32x32@64",                   (64, 32, 32)),
    ("32@64x64",                   (32, 64, 64)),
    ("H=32, W=32, C=64",           (64, 32, 32)),
    ("C=64, H=16, W=32",           (64, 16, 32)),
    ("W=32, H=16, D=64",           (64, 16, 32)),
    ("H: 16; W: 32; C: 64",        (64, 16, 32)),
    ("height 16 width 32 channels 64", (64, 16, 32)),
    ("64 channels, 16x32",         (64, 16, 32)),
    ("16 x 32 with 64 channels",   (64, 16, 32)),
    ("64 feature maps of 16 by 32", (64, 16, 32)),
    ("64 maps of 16²",             (64, 16, 16)),
    ("H=16, W=32, 64",             (64, 16, 32)),
    ("CxHxW = 64x16x32",           (64, 16, 32)),
    ("(H, W, C) = (16, 32, 64)",   (64, 16, 32)),
    ("16x32x64 (HWC)",             (64, 16, 32)),
    ("NHWC: (1, 16, 32, 64)",      (64, 16, 32)),
    ("WxHxD = 32x16x64",           (64, 16, 32)),
    ("C=64",                       (64, 1, 1)),
    ("Answer: H=16, W=32, C=64",   (64, 16, 32)),
]
EITHER = [
    # text                          preferred       the other order
    ("32x32x64",                    (64, 32, 32),   (32, 32, 64)),
    ("64x32x32",                    (64, 32, 32),   (32, 64, 32)),
    ("(64, 32, 32)",                (64, 32, 32),   (32, 64, 32)),
    ("[64,32,32]",                  (64, 32, 32),   (32, 64, 32)),
    ("64, 32, 32",                  (64, 32, 32),   (32, 64, 32)),
    ("64 32 32",                    (64, 32, 32),   (32, 64, 32)),
    ("64*32*32",                    (64, 32, 32),   (32, 64, 32)),
    ("64×32×32",                    (64, 32, 32),   (32, 64, 32)),
    ("64 X 32 X 32",                (64, 32, 32),   (32, 64, 32)),
    ("\uff16\uff14\uff58\uff13\uff12\uff58\uff13\uff12", (64, 32, 32),   (32, 64, 32)),
    (r"$64 \times 32 \times 32$",   (64, 32, 32),   (32, 64, 32)),
    ("(N,64,32,32)",                (64, 32, 32),   (32, 64, 32)),
    ("(None, 32, 32, 64)",          (64, 32, 32),   (32, 32, 64)),
    ("(None, 16, 32, 64)",          (64, 16, 32),   (16, 32, 64)),
    ("(?, 16, 32, 64)",             (64, 16, 32),   (16, 32, 64)),
    ("TensorShape([None, 16, 32, 64])", (64, 16, 32), (16, 32, 64)),
    ("torch.Size([1, 64, 16, 32])", (64, 16, 32),   (32, 64, 16)),
    ("torch.Size([64, 16, 32])",    (64, 16, 32),   (32, 64, 16)),
    ("[-1, 64, 16, 32]",            (64, 16, 32),   (32, 64, 16)),
    ("1x64x16x32",                  (64, 16, 32),   (32, 64, 16)),
    ("8x64x16x32",                  (64, 16, 32),   (32, 64, 16)),
    ("32 by 32 by 64",              (64, 32, 32),   (32, 32, 64)),
    ("32^2 x 64",                   (64, 32, 32),   (32, 32, 64)),
    ("32**2 x 64",                  (64, 32, 32),   (32, 32, 64)),
    ("32²×64",                      (64, 32, 32),   (32, 32, 64)),
    ("64 x 32²",                    (64, 32, 32),   (32, 64, 32)),
    ("32x32x16",                    (16, 32, 32),   (32, 32, 16)),
    ("64x16x32",                    (64, 16, 32),   (32, 64, 16)),
    ("1x1x512",                     (512, 1, 1),    (1, 1, 512)),
    ("1,024x7x7",                   (1024, 7, 7),   (7, 1024, 7)),
    ("7 x 7 x 1_024",               (1024, 7, 7),   (7, 7, 1024)),
    ("64,128x128",                  (64, 128, 128), (128, 64, 128)),
    ("64x32x32 px",                 (64, 32, 32),   (32, 64, 32)),
    ("output: 64x32x32.",           (64, 32, 32),   (32, 64, 32)),
    ("out = 64x32x32",              (64, 32, 32),   (32, 64, 32)),
    ("28/2 x 28/2 x 32 = 14x14x32", (32, 14, 14),   (14, 14, 32)),
]
# fmt: on


@pytest.mark.parametrize(("text", "expected"), NAMED, ids=[row[0] for row in NAMED])
def test_a_shape_that_says_where_its_channels_are_has_one_meaning(text, expected):
    assert sizes(text, layout="HWC") == sizes(text, layout="CHW") == [expected]
    assert shape(text).named_by in {"names", "@", "legend"}


@pytest.mark.parametrize(("text", "preferred", "other"), EITHER, ids=[row[0] for row in EITHER])
def test_a_shape_that_does_not_keeps_both_orders(text, preferred, other):
    assert sizes(text) == [preferred, other]


def test_the_convention_beats_the_habit_and_the_habit_a_guess():
    assert sizes("32x32x16", layout="CHW") == [(32, 32, 16), (16, 32, 32)]
    assert sizes("32x32x16", layout="strict") == [(32, 32, 16), (16, 32, 32)]
    assert sizes("16x32x32", layout="HWC", habit="CHW")[0] == (32, 16, 32)
    assert sizes("16x32x32", habit="HWC")[0] == (32, 16, 32)
    assert sizes("16x32x32")[0] == (16, 32, 32)


def test_what_the_text_names_beats_the_convention():
    assert sizes("(None, 16, 32, 64)", layout="CHW")[0] == (64, 16, 32)
    assert sizes("torch.Size([1, 64, 16, 32])", layout="HWC")[0] == (64, 16, 32)
    assert sizes("(N, 64, 16, 32)", layout="HWC")[0] == (32, 64, 16)


@pytest.mark.parametrize(
    ("text", "batch"),
    [
        ("64x32x32", None),
        ("(N, 64, 32, 32)", "open"),
        ("(None, 32, 32, 64)", "open"),
        ("N=8, C=64, H=32, W=32", 8),
        ("1x64x32x32", 1),
        ("8x64x32x32", 8),
    ],
)
def test_the_batch_is_split_off(text, batch):
    answer = shape(text)

    assert answer.batch == batch
    assert answer.preferred.sizes == (64, 32, 32)


@pytest.mark.parametrize("text", ["64x64", "64 by 64", "(64, 64)", "64²", "H=64, W=64"])
def test_a_shape_without_channels_is_incomplete(text):
    answer = shape(text)

    assert answer.is_incomplete
    assert [(reading.channels, reading.spatial) for reading in answer.readings] == [(None, (64, 64))]


@pytest.mark.parametrize("text", ["512", "512x1x1", "C=512", "(1, 512, 1, 1)"])
def test_a_map_of_one_by_one_may_be_left_out(text):
    assert sizes(text)[0] == (512, 1, 1)


@pytest.mark.parametrize("text", ["512", "(512,)", "1x512", "(N, 512)", "1x1x512", "512x1x1", "torch.Size([8, 512])"])
def test_a_vector_is_read_where_one_is_asked(text):
    assert sizes(text, axes=1) == [(512,)]


@pytest.mark.parametrize("text", ["16*5*5 = 400", "16 x 5 x 5 = 400", "features: 400", "n = 16*25 = 400"])
def test_a_vector_may_come_with_the_product_it_is(text):
    assert sizes(text, axes=1) == [(400,)]


def test_a_product_that_is_not_the_vector_is_held_for_a_person():
    assert "two sizes" in read_answer("16*5*5 = 390", "shape", axes=1).why


def test_a_map_where_a_vector_is_asked_stays_a_map():
    assert sizes("40x7x7", axes=1)[0] == (40, 7, 7)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("16x50", [(16, 50), (50, 16)]),
        ("(1, 16, 50)", [(16, 50), (50, 16)]),
        ("C=16, L=50", [(16, 50)]),
        ("16@50", [(16, 50)]),
        ("16 channels of length 50", [(16, 50)]),
    ],
)
def test_a_sequence_has_channels_and_a_length(text, expected):
    assert sizes(text, axes=2) == expected


def test_a_number_with_commas_is_one_size_before_it_is_several():
    assert sizes("25,088") == [(25088, 1, 1)]
    assert sizes("1,792")[0] == (1792, 1, 1)
    assert (1, 792) in sizes("1,792")
    assert sizes("1, 792", axes=2)[0] == (1, 792)
    assert sizes("64,128,128")[0] == (64, 128, 128)


def test_a_fraction_of_a_pixel_is_kept():
    assert sizes("13.5x13.5x96")[0] == (96, Fraction(27, 2), Fraction(27, 2))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("see back", "`see` belongs to no shape"),
        ("64x32x32 or 32x32x64", "`or` belongs to no shape"),
        ("64x64x32 = 32x32x32", "two shapes"),
        ("(64, 32, 32", "a bracket is not closed"),
        ("64@32", "one side of the map"),
        ("C=64, C=32, H=3, W=3", "named twice"),
        ("1x2x3x4x5x6x7x8x9", "at most 8"),
        ("(1,024, 7, 7)", "begins with a zero"),
        ("32-32-64", "`-` is not expected"),
        ("64 @ 32 @ 32", "`@` stands between"),
        ("(64, ?, 32)", "`?` stands for a size"),
        ("2^99 x 3", "larger than any answer"),
        ("x", "there are no sizes"),
    ],
)
def test_a_shape_that_cannot_be_read_says_why(text, why):
    answer = read_answer(text, "shape")

    assert isinstance(answer, Unreadable)
    assert why in answer.why


# Words.


@pytest.mark.parametrize("kind", ["number", "numbers", "shape", "valid"])
@pytest.mark.parametrize(
    "text", ["", "  ", "-", "–", "—", "--", "?", "...", "…", "n/a", "I don't know", "\u200b", "___"]
)
def test_a_blank_is_not_an_attempt(text, kind):
    assert read_answer(text, kind) == Blank()


@pytest.mark.parametrize("kind", ["number", "shape", "valid"])
@pytest.mark.parametrize(
    "text",
    [
        "impossible",
        "Impossible.",
        "not an integer",
        "invalid",
        "it is not possible",
        "does not fit",
        "doesn't fit",
        "doesn\u2019t fit",
        "not an integer (13.5)",
        "invalid, 30.5",
        "30.5 is not an integer",
        "(64-5)/2+1 = 30.5 → not an integer",
        "impossible because the stride does not divide",
        "error",
    ],
)
def test_that_there_is_no_answer_is_an_answer(text, kind):
    assert isinstance(read_answer(text, kind), Impossible)


@pytest.mark.parametrize("text", ["impossible? 5", "not impossible", "invalid, but 30 with floor", "30 or invalid"])
def test_a_hedged_refusal_is_held_for_a_person(text):
    assert isinstance(read_answer(text, "number"), Unreadable)


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("yes", Possible),
        ("Valid", Possible),
        ("it fits", Possible),
        ("no", Impossible),
        ("No, 30.5", Impossible),
        ("32", Unreadable),
    ],
)
def test_a_question_whether_it_fits_takes_yes_and_no(text, outcome):
    assert isinstance(read_answer(text, "valid"), outcome)


# Lists.


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("[3, 5, 7]", [3, 5, 7]),
        ("3,5,7", [3, 5, 7]),
        ("3 5 7", [3, 5, 7]),
        ("3; 5; 7", [3, 5, 7]),
        ("(37, 101)", [37, 101]),
        ("[[1, 2], [3, -4]]", [1, 2, 3, -4]),
        ("1 2\n3 4", [1, 2, 3, 4]),
        ("1,792,640", [1, 792, 640]),
        ("1/2, 2*3", [Fraction(1, 2), 6]),
        ("5", [5]),
    ],
)
def test_a_list_is_its_numbers_row_after_row(text, values):
    answer = read_answer(text, "numbers")

    assert isinstance(answer, Numbers)
    assert [one.value for one in answer.values] == values


@pytest.mark.parametrize("text", ["1,024", "1, two", "[]", "1," * 300])
def test_a_list_that_is_none_is_held_for_a_person(text):
    assert isinstance(read_answer(text, "numbers"), Unreadable)


# Refusals.

# fmt: off
UNREADABLE = [
    ("see back",                  "`see`"),
    ("1,792, 640",                "a list"),
    ("5O",                        "`O` is no unit"),
    ("1792 bananas",              "`bananas` is no unit"),
    ("__import__('os')",          "means nothing"),
    ("open(1)",                   "`open`"),
    ("=cmd|' /C calc'!A0",        "means nothing"),
    ("1/0",                       "divided by zero"),
    ("0^-1",                      "divided by zero"),
    ("2^0.5",                     "no whole number"),
    ("3 3 +",                     "groups"),
    ("3 +",                       "missing at the end"),
    ("(3",                        "not closed"),
    ("(3]",                       "not closed"),
    ("3)",                        "not expected"),
    ("2½",                        "mixed number"),
    ("3₂",                        "no plain digit"),
    ("①",                         "no plain digit"),
    ("3²456",                     "not expected"),
    ("64@32x32",                  "means nothing"),
    ("> 5",                       "means nothing"),
    ("1k M",                      "`M` is no unit"),
    ("1=2=3=4=5=6=7=8=9=1=2=3=4=5=6=7=8=9=1=2=3", "at most 20"),
    ("1e999",                     "larger than any answer"),
]
HOSTILE = {
    "towers of powers":     "9**9**9**9",
    "two powers":           "9^9^9",
    "a long power":         "2^9999999999",
    "a wide base":          "9" * 290 + "^1000",
    "powers of powers":     "((((9^300)^300)^300)^300)",
    "a large exponent":     "1e999999999999",
    "ten megabytes of digits": "9" * 10_000_000,
    "ten megabytes of blanks": " " * 10_000_000,
    "brackets":             "(" * 1900,
    "closed brackets":      "(" * 900 + "1" + ")" * 900,
    "all digits":           "9" * 1999,
    "groups":               "1" + ",234" * 480 + ",5",
    "many groups":          "1,2" * 600,
    "signs":                "-" * 1900 + "1",
    "chained powers":       "1" + "^1" * 900,
    "negative powers":      "2" + "^-2" * 600,
    "products":             "9999999*" * 240 + "9",
    "sums of fractions":    "+".join(f"1/{n}" for n in range(1001, 1300)),
    "rounded products":     "*".join(["1.000000001k"] * 140),
    "rounded powers":       "(1." + "0" * 280 + "1k)^300",
    "letters":              "a" * 2000,
    "words":                "a " * 999,
    "sides":                "=" * 1999,
    "spaces":               "1" + " " * 1990 + "x",
    "opened words":         "(a" * 900,
    "sizes":                "1x" * 900,
    "commas":               "," * 1999,
    "legends":              "c h " * 480,
    "expanding ligatures":  "\ufdfa" * 1999,
    "superscripts":         "⁹" * 1999,
    "superscripts of a digit": "9" + "⁹" * 1990,
    "surrogates":           "\ud800" * 1000,
    "directions":           "\u202e" * 1999 + "1",
    "latex":                "\\left" * 390,
    "refusals":             "1) is " * 330 + "not an integer?",
    "about":                "about " * 330,
}
# fmt: on


@pytest.mark.parametrize(("text", "why"), UNREADABLE, ids=[row[0] for row in UNREADABLE])
def test_what_cannot_be_read_as_a_number_says_why(text, why):
    answer = read_answer(text)

    assert isinstance(answer, Unreadable)
    assert why in answer.why


@pytest.mark.parametrize("kind", ["number", "numbers", "shape", "valid"])
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_text_is_answered_at_once(text, kind):
    seconds = []
    for _ in range(2):  # the interpreter may collect its garbage during one
        start = process_time()
        read_answer(text, kind)
        seconds.append(process_time() - start)

    assert min(seconds) < 0.1


@pytest.mark.parametrize(
    "text", ["9**9**9**9", "9" * 10_000_000, "(" * 900 + "1" + ")" * 900, "1e999999999999", "9" * 290 + "^1000"]
)
def test_what_is_too_large_is_refused_and_hardly_quoted(text):
    answer = read_answer(text)

    assert isinstance(answer, Unreadable)
    assert len(answer.why) < 200


@pytest.mark.parametrize(
    "question",
    [{"kind": "colour"}, {"unit": "furlongs"}, {"layout": "WHC"}, {"habit": "any"}, {"axes": 0}, {"kilo": 1}],
)
def test_a_question_that_no_sheet_asks_is_the_callers_mistake(question):
    with pytest.raises(ValueError, match=r"^no (?:question|sheet)"):
        read_answer("1", **question)


# Round trips.


def in_twos(value: int) -> str:
    """Return a number as it is grouped in India."""
    head, tail = str(value)[:-3], str(value)[-3:]
    pairs = []
    while head:
        head, pair = head[:-2], head[-2:]
        pairs.insert(0, pair)
    return ",".join([*pairs, tail])


NUMBERS = {
    "plain": str,
    "commas": lambda n: f"{n:,}",
    "spaces": lambda n: f"{n:,}".replace(",", " "),
    "narrow spaces": lambda n: f"{n:,}".replace(",", "\u202f"),
    "underscores": lambda n: f"{n:_}",
    "apostrophes": lambda n: f"{n:,}".replace(",", "'"),
    "india": in_twos,
    "full width": lambda n: str(n).translate({48 + i: 0xFF10 + i for i in range(10)}),
    "unit": lambda n: f"{n:,} parameters",
    "sum": lambda n: f"{n - 1} + 1",
    "product": lambda n: f"{n} x 1",
    "half": lambda n: f"({2 * n})/2",
    "label": lambda n: f"params = {n}",
    "working": lambda n: f"{n} - 3 + 3 = {n:,}",
}


@pytest.mark.parametrize("form", NUMBERS)
@given(n=st.integers(1, 10**12))
def test_a_number_reads_back_from_every_form(form, n):
    answer = number(NUMBERS[form](n), unit="parameters")

    assert answer.value == n
    assert answer.is_exact
    assert answer.agrees


SUFFIXES = {"k": 10**3, "M": 10**6, "G": 10**9, " thousand": 10**3, " million": 10**6, "e6": 10**6, "×10^6": 10**6}


@given(
    n=st.integers(1, 10**12), suffix=st.sampled_from(sorted(SUFFIXES)), decimals=st.integers(1, 4), comma=st.booleans()
)
def test_a_rounded_number_holds_what_was_rounded(n, suffix, decimals, comma):
    """Rounding is by integers here, half away from zero."""
    step = Fraction(SUFFIXES[suffix], 10**decimals)
    scaled = int(n / step + Fraction(1, 2))
    whole, rest = divmod(scaled, 10**decimals)
    point = "," if comma and decimals != 3 and suffix[0] in "kMG " else "."

    answer = number(f"{whole}{point}{rest:0{decimals}}{suffix}")

    assert answer.value == scaled * step
    assert answer.holds(n)
    assert answer.high - answer.low == step


SHAPES = {
    "x first": lambda c, h, w: f"{c}x{h}x{w}",
    "x last": lambda c, h, w: f"{h}x{w}x{c}",
    "times": lambda c, h, w: f"{h} × {w} × {c}",
    "by": lambda c, h, w: f"{h} by {w} by {c}",
    "tuple": lambda c, h, w: f"({c}, {h}, {w})",
    "list": lambda c, h, w: f"[{h},{w},{c}]",
    "at": lambda c, h, w: f"{c}@{h}x{w}",
    "at last": lambda c, h, w: f"{h}x{w} @ {c}",
    "N": lambda c, h, w: f"(N, {c}, {h}, {w})",
    "None": lambda c, h, w: f"(None, {h}, {w}, {c})",
    "torch": lambda c, h, w: f"torch.Size([1, {c}, {h}, {w}])",
    "names": lambda c, h, w: f"H={h}, W={w}, C={c}",
    "words": lambda c, h, w: f"{c} channels of {h}x{w}",
    "legend": lambda c, h, w: f"HxWxC = {h}x{w}x{c}",
    "spaces": lambda c, h, w: f"{c} {h} {w}",
}


@pytest.mark.parametrize("form", SHAPES)
@given(c=st.integers(1, 4096), h=st.integers(1, 1024), w=st.integers(1, 1024))
def test_a_shape_reads_back_from_every_form(form, c, h, w):
    assert (c, h, w) in sizes(SHAPES[form](c, h, w))


@pytest.mark.parametrize("form", ["at", "at last", "None", "torch", "names", "words", "legend"])
@given(c=st.integers(1, 4096), h=st.integers(1, 1024), w=st.integers(1, 1024))
def test_a_shape_that_names_its_channels_reads_back_first(form, c, h, w):
    assert sizes(SHAPES[form](c, h, w))[0] == (c, h, w)


@given(c=st.integers(1, 4096), n=st.integers(1, 1024))
def test_a_square_map_reads_back_first_in_either_order(c, n):
    assume(c != n)
    assert sizes(f"{c}x{n}x{n}")[0] == sizes(f"{n}x{n}x{c}")[0] == sizes(f"{n}^2 x {c}")[0] == (c, n, n)


@st.composite
def sums(draw, depth=3):
    """Draw an expression and its value, which is computed beside it."""
    if depth == 0 or draw(st.booleans()):
        n = draw(st.integers(0, 5000))
        return str(n), Fraction(n)
    (left, a), (right, b) = draw(sums(depth - 1)), draw(sums(depth - 1))
    sign = draw(st.sampled_from(["+", "-", "*", "x", "·", " × ", "/"]))
    if sign == "/":
        assume(b != 0)
        return f"({left})/({right})", a / b
    if sign in "+-":
        return f"({left}) {sign} ({right})", a + b if sign == "+" else a - b
    return f"({left}){sign}({right})", a * b


@given(sums())
def test_an_expression_has_the_value_of_its_tree(drawn):
    text, value = drawn

    assert number(text).value == value


@given(st.lists(st.integers(0, 99), min_size=1, max_size=8), st.data())
def test_precedence_is_that_of_arithmetic(numbers, data):
    """Without brackets: products first, then sums from the left."""
    signs = data.draw(st.lists(st.sampled_from("+-*"), min_size=len(numbers) - 1, max_size=len(numbers) - 1))
    terms, text = [[1, numbers[0]]], str(numbers[0])
    for sign, n in zip(signs, numbers[1:], strict=True):
        text += f" {sign} {n}"
        if sign == "*":
            terms[-1].append(n)
        else:
            terms.append([1 if sign == "+" else -1, n])
    total = 0
    for term in terms:
        product = 1
        for n in term:
            product *= n
        total += product

    assert number(text).value == total
