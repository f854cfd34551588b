"""What drawn values must satisfy: read, refused with a place, and told apart by hand-worked numbers."""

from __future__ import annotations

import time

import pytest

from archdsl.diagnostics import Diagnostic
from archdsl.exam.asks import AskError
from archdsl.exam.posed import Posed
from archdsl.exam.reading import read_text
from archdsl.exam.requirements import Apart, Comparison, met, problems_of, read, requirements
from archdsl.exam.sheet import Problem
from archdsl.exam.texts import SheetError

SHEET = """
exam: s
problems:
  - id: q
    draw: {n: [8, 9, 10, 11], k: [3, 5], s: [1, 2], p: [0, 1], act: [ReLU, Tanh], bias: [true, false]}
    require: []
    net: |
      input x: [2, n, n]
      output y = x -> a: Conv2d(4, k, stride=s, padding=p) -> act
    parts:
      - {id: a, ask: shape(a)}
      - {id: b, ask: params(a)}
"""
VALUES = {"n": 9, "k": 3, "s": 2, "p": 1, "act": "ReLU", "bias": True}


def problem(text: str = SHEET) -> Problem:
    return read_text(text, "s", "yaml").problems[0]


def holds(requirement: str, **values: object) -> bool:
    one = problem()
    posed = Posed(one, read_text(SHEET, "s", "yaml").conventions, VALUES | values)  # type: ignore[arg-type]
    return met(read(requirement, one), posed, lambda part, id: True)


# With n 9, k 3, s 2, p 1 the output is (9 + 2 - 3)/2 + 1 = 5 wide and the layer has 9·2·4 + 4 = 76 parameters.
# fmt: off
CASES = [
    ("0 <= p < k",                      True),
    ("0 < p < k < 3",                   False),
    ("n != k and s == 2",               True),
    ("n == k or s == 2",                True),
    ("not n == k",                      True),
    ("not n == 9 or p == 0",            False),
    ("not (n == 9 and p == 0)",         True),
    ("(n + 1) * 2 < 20",                False),
    ("(n + 1) * 2 <= 20 and (p == 1)",  True),
    ("n == 9 or n == 8 and p == 0",     True),
    ("(n == 9 or n == 8) and p == 0",   False),
    ("n % 2 == 1",                      True),
    ("n ≥ 9 and p ≤ 1 and n ≠ 4",       True),
    ("params(a) < 76",                  False),
    ("params(a) <= 76 < 77",            True),
    ("shape(a)[1] == 5",                True),
    ("shape(a) == shape",               True),
    ("valid(a)",                        True),
    ("max(n, 2 * k) == 9",              True),
    ("act == ReLU",                     True),
    ("act != Tanh and act == Tanh",     False),
    ("bias",                            True),
    ("digits(params, 2, 2)",            True),
    ("digits(params * 10, 2, 2)",       False),
    ("digits(params / 10, 1, 1)",       True),
    ("exact",                           True),
    ("fits",                            True),
]
# fmt: on


@pytest.mark.parametrize(("requirement", "answer"), CASES)
def test_a_requirement_holds_or_does_not(requirement, answer):
    assert holds(requirement) is answer


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "padding", "is_exact"),
    [(9, 3, 2, 1, True), (10, 3, 2, 1, False), (10, 3, 2, 0, False), (11, 3, 2, 0, True), (10, 5, 1, 1, True)],
)
def test_exact_means_that_the_last_window_ends_at_the_edge(size, kernel, stride, padding, is_exact):
    """(n + 2p - k) is a multiple of s: 8, 9, 7, 8 over 2, and anything over 1."""
    assert holds("exact", n=size, k=kernel, s=stride, p=padding) is is_exact


def test_fits_fails_where_a_kernel_is_larger_than_the_padded_map():
    assert holds("fits", n=3, k=5, p=1)
    assert not holds("fits", n=2, k=5, p=1)


# The truth is ⌊(n + 2p - k)/s⌋ + 1. S01 forgets the padding, S03 the + 1, S04 the stride.
# fmt: off
APART = [
    # n   k  s  p   truth  S01  S03  S04
    (11,  3, 2, 1,  "6",   "5", "5", "11", {"S01", "S04"}, {"S01", "S03"}),
    (10,  5, 1, 1,  "8",   "6", "7", "-",  {"S01", "S03"}, {"S01", "S04"}),
    (9,   3, 2, 0,  "4",   "-", "3", "7",  {"S03", "S04"}, {"S01", "S03"}),
]
# fmt: on


@pytest.mark.parametrize("row", APART, ids=lambda row: f"n={row[0]} k={row[1]} s={row[2]} p={row[3]}")
def test_apart_wants_all_values_to_differ(row):
    values = dict(zip(("n", "k", "s", "p"), row[:4], strict=True))
    distinct, alike = row[-2:]

    only_shape = SHEET.replace("      - {id: b, ask: params(a)}\n", "")
    one = problem(only_shape)
    posed = Posed(one, read_text(only_shape, "s", "yaml").conventions, VALUES | values)
    assert met(Apart(tuple(sorted(distinct))), posed, lambda part, id: True)
    assert not met(Apart(tuple(sorted(alike))), posed, lambda part, id: True)


# fmt: off
REFUSED = [
    # requirement              the stretch that is pointed at    what is said
    ("p = 1",                  "=",          "`=` compares nothing"),
    ("q < n",                  "q",          "`q` is not drawn"),
    ("n < nn",                 "nn",         "`nn` is not drawn"),
    ("apart(T99)",             "T99",        "the catalogue has no mistake `T99`"),
    ("apart()",                ")",          "the catalogue has no mistake ``"),
    ("n < ",                   " ",          "one side of a comparison is missing"),
    ("n < 3 and",              "d",          "a condition is missing here"),
    ("(n < 3",                 "(n < 3",     "a bracket is not closed"),
    ("n < 3)",                 ")",          "`)` closes nothing"),
    ("digits(params, 6, 3)",   "digits(params, 6, 3)", "`digits` takes a number, and how many digits it has at least and at most"),
    ("digits(params)",         "digits(params)", "`digits` takes a number, and how many digits it has at least and at most"),
    ("exact(a)",               "exact(a)",   "`exact` takes nothing; it is of every layer"),
    ("appart(S01, S03)",       "appart",     "there is no requirement `appart`"),
    ("parms(a) < 3",           "parms",      "there is no quantity `parms`"),
    ("n $ 3",                  "$",          "`$` has no meaning in a requirement"),
]
# fmt: on


def refused(requirement: str) -> tuple[Diagnostic, ...]:
    """Return what is said of a requirement, by whoever sees it first."""
    try:
        return problems_of(problem(SHEET.replace("require: []", f"require: ['{requirement}']")))
    except SheetError as error:
        return error.diagnostics


@pytest.mark.parametrize(("requirement", "place", "said"), REFUSED, ids=lambda v: v)
def test_what_says_nothing_is_pointed_at_in_the_sheet(requirement, place, said):
    (found,) = refused(requirement)

    assert (found.code, found.message) == ("E0741", said)
    assert found.span.text == place or requirement.endswith(" ")


def test_a_mistyped_word_is_guessed():
    (found,) = refused("appart(S01)")
    assert found.help == "did you mean `apart`?"


def test_a_value_that_is_no_condition_is_refused_when_it_is_asked():
    with pytest.raises(AskError, match="compare it"):
        holds("n + 1")


def test_a_word_is_no_number():
    with pytest.raises(AskError, match="compares numbers"):
        holds("act < 3")


HOSTILE = (
    "(" * 500, "not " * 240 + "n", "n<" * 400 + "1", "-" * 999, "9**9**9**9 > 1", "[" * 400 + "]" * 400,
    "apart(" + "S01," * 200 + ")", "n < 1" + " or n < 1" * 100, "__import__('os')", "digits(9**999, 1, 40)",
)  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_nothing_runs_for_long_or_ends_in_another_error(text):
    start = time.process_time()
    try:
        holds(text)
    except AskError as error:
        assert 0 <= error.start <= error.end <= len(text)  # noqa: PT017 - either way is fine, an error has a place
    assert time.process_time() - start < 1


def test_what_needs_no_network_is_known_from_the_draws():
    text = SHEET.replace("require: []", "require: [p < k, 'params < 3', exact, 'not (p == 1 and fits)']")

    assert [one.is_of_draws for one in requirements(problem(text))] == [True, False, False, False]


def test_a_chain_is_one_comparison():
    condition = read("0 < p < k", problem())
    assert isinstance(condition, Comparison)
    assert condition.signs == ("<", "<")
