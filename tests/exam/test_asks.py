"""Asks are read without `eval`, point at what is wrong in them, and are computed exactly within bounds."""

from __future__ import annotations

import time
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archdsl.exam.asks import QUANTITIES, AskError, Question, evaluate, names, parse, questions

ANSWERS = {
    ("params", ""): Fraction(1792),
    ("params", "a"): Fraction(1792),
    ("params", "b"): Fraction(196_672),
    ("shape", "a"): (64, 30, 30),
    ("valid", "a"): True,
}
DRAWN = {"n": 16, "k": 3, "m": Fraction(1, 10)}


def answer(question: Question) -> Fraction | bool | tuple[int, ...]:
    return ANSWERS[question.quantity, question.place]


def value(text: str):
    return evaluate(parse(text), answer, DRAWN)


@pytest.mark.parametrize(("text", "expected"), [
    ("params",                              1792),
    ("  params ( a )  ",                    1792),
    ('params("a")',                         1792),
    ("params(b) / params(a)",               Fraction(439, 4)),  # the course notes: 196,672 against 1,792, 109.75 times
    ("params(b) // params(a)",              109),
    ("params(b) % params(a)",               196_672 - 109 * 1792),
    ("shape(a)",                            (64, 30, 30)),
    ("shape(a)[1] * shape(a)[2]",           900),
    ("valid(a)",                            True),
    ("1 - 2 - 3",                           -4),
    ("2 + 3 * 4",                           14),
    ("(2 + 3) * 4",                         20),
    ("-2 ** 2",                             -4),
    ("2 ** 3 ** 2",                         512),
    ("2 ** -1",                             Fraction(1, 2)),
    ("2^10",                                1024),
    ("3 × 3 · 4 − 1",                       35),
    ("1_000 + 1.5e2 + .5",                  Fraction(2301, 2)),
    ("m * 2 + (1 - m) * 4",                 Fraction(19, 5)),
    ("n ** 2 * log2(n)",                    1024),
    ("sqrt(n * k * k)",                     12),
    ("log2(1 / 8)",                         -3),
    ("floor(7 / 2) + ceil(7 / 2)",          7),
    ("max(n, k, 5) - min(n, k)",            13),
    ("abs(k - n)",                          13),
])  # fmt: skip
def test_an_ask_is_computed_exactly(text, expected):
    assert value(text) == expected


@pytest.mark.parametrize(("text", "part", "said", "help"), [
    ("",                        "",            "an ask is empty",                 "write a quantity"),
    ("parms(a)",                "parms",       "there is no quantity `parms`",    "did you mean `params`?"),
    ("rf(a)",                   "rf",          "there is no quantity `rf`",       "did you mean `receptive_field`?"),
    ("params(a) params(b)",     "params",      "`params` stands where an operator should", None),
    ("params(a) +",             "+",           "the ask ends where",              None),
    ("params()",                "params()",    "takes the name of a layer",       "of the whole net it is `params`"),
    ("params(a, b)",            "params(a, b)", "takes the name of a layer",      None),
    ("params(a + b)",           "params(a + b)", "takes the name of a layer",     None),
    ("(1 + 2",                  "2",           "the ask ends where `)`",          None),
    ("1 ? 2",                   "?",           "`?` has no meaning in an ask",    None),
    ("shape(a)[x]",             "x",           "an index is a whole number",      None),
    ("min(1)",                  "min(1)",      "`min` takes 2 arguments, not 1",  None),
    ("__import__('os')",        "__import__",  "there is no quantity",            None),
])  # fmt: skip
def test_what_is_no_ask_is_pointed_at(text, part, said, help):
    with pytest.raises(AskError) as caught:
        parse(text)

    error = caught.value
    assert said in str(error)
    assert text[error.start : error.end] == part
    assert help is None or help in (error.help or "")


@pytest.mark.parametrize(("text", "part", "said"), [
    ("1 + params(a) / (k - 3)", "params(a) / (k - 3", "a division by zero"),
    ("1 % 0",                   "1 % 0",              "a division by zero"),
    ("0 ** -1",                 "0 ** -1",            "a division by zero"),
    ("2 * shape(a)",            "shape(a)",           "this is a shape"),
    ("1 + valid(a)",            "valid(a)",           "this is no number"),
    ("shape(a)[3]",             "shape(a)[3]",        "there is no element 3"),
    ("params[0]",               "params[0]",          "this is no shape"),
    ("2 ** (1 / 2)",            "2 ** (1 / 2",        "an exponent is a whole number"),
    ("sqrt(0 - 1)",             "sqrt(0 - 1)",        "`sqrt` has no value here"),
    ("log2(0)",                 "log2(0)",            "`log2` has no value here"),
    ("z + 1",                   "z",                  "`z` has no value"),
    ("9**9**9**9",              "9**9**9",            "the number is too large"),
])  # fmt: skip
def test_what_has_no_value_is_pointed_at(text, part, said):
    with pytest.raises(AskError) as caught:
        value(text)

    assert said in str(caught.value)
    assert part.startswith(text[caught.value.start : caught.value.end]) or part in text[caught.value.start :]


@pytest.mark.parametrize(("text", "place"), [
    ("shape(layer1.0.conv2)", "layer1.0.conv2"),
    ("shape(conv[2].norm)", "conv.2.norm"),
    ('shape("conv 2x2")', "conv 2x2"),
    ("shape", ""),
])  # fmt: skip
def test_a_place_is_a_path_an_index_or_a_text(text, place):
    (question,) = questions(parse(text))

    assert (question.quantity, question.place) == ("shape", place)


def test_questions_and_names_come_in_the_order_of_the_text():
    term = parse("params(a) / -max(n, shape(b)[0], k) + macs")

    assert [(q.quantity, q.place) for q in questions(term)] == [("params", "a"), ("shape", "b"), ("macs", "")]
    assert [drawn.name for drawn in names(term)] == ["n", "k"]


@pytest.mark.parametrize("quantity", QUANTITIES)
def test_every_quantity_is_of_a_layer_or_of_the_net(quantity):
    assert [q.place for q in questions(parse(f"{quantity} + {quantity}(x)"))] == ["", "x"]


HOSTILE = ["9**9**9", "(" * 5000 + "1", "-" * 900 + "1", "1" * 900, "1+" * 499 + "1", "2**" * 300 + "2", "a." * 400,
           "9" * 39 + "**9" * 90, "1e9999", "params(" * 140, "sqrt(" * 190, "[" * 900, "3**-3**" * 90 + "3", " " * 999,
           "x" * 10_000_000, '"' * 900, "max(" + "9**9999," * 15 + "9)"]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: text[:8])
def test_a_hostile_ask_is_refused_quickly(text):
    start = time.process_time()
    with pytest.raises(AskError):
        value(text)

    assert time.process_time() - start < 0.5


@given(st.text("params(shape)ab.[0]1239*/+-^% \"'e_,×é", max_size=60))
def test_any_text_is_an_ask_or_an_ask_error(text):
    told: AskError | None = None
    try:
        evaluate(parse(text), lambda question: Fraction(7), {})
    except AskError as error:
        told = error

    assert told is None or 0 <= told.start <= told.end <= len(text)


SUMS = st.recursive(
    st.integers(0, 99).map(str),
    lambda inner: st.tuples(inner, st.sampled_from([" + ", "-", "*", " % "]), inner).map(
        lambda t: f"({t[0]}{t[1]}{t[2]})"
    ),
    max_leaves=12,
)


@given(SUMS)
def test_arithmetic_is_that_of_python(text):
    try:
        expected = eval(text)
    except ZeroDivisionError:
        with pytest.raises(AskError, match="zero"):
            value(text)
    else:
        assert value(text) == expected
