"""Published problems, their wrong keys and options, and what each known mistake gives, through the whole checker."""

from __future__ import annotations

import json
from collections import Counter
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archdsl.exam.grades import Status, Verdict
from archdsl.exam.grading import Judge
from archdsl.exam.reading import read_text
from oracles.exam_problems import Problem, plain, problems

PROBLEMS = problems()
BY_ID = {problem.id: problem for problem in PROBLEMS}
PARTS = [(problem, number) for problem in PROBLEMS for number in range(len(problem.labels))]
CATALOGUED = (Status.MISTAKE, Status.SLIP, Status.NOTE)


@cache
def judge(id: str) -> Judge:
    """Return the judge of a published problem as a sheet: its network as a file, one part for each layer asked."""
    problem = BY_ID[id]
    asks = [f"{problem.quantity}({label})" if label else problem.quantity for label in problem.labels]
    parts = [{"id": f"p{number}", "ask": ask} for number, ask in enumerate(asks)]
    sheet = {"exam": "published", "problems": [{"id": "q", "net": problem.text, "parts": parts}]}
    return Judge(read_text(json.dumps(sheet), f"{id}.json", "json"))


def typed(value: Any) -> str:
    """Return a value as somebody types it."""
    return "x".join(map(str, value)) if isinstance(value, tuple) else str(value)


def verdict(id: str, text: str, number: int = 0) -> Verdict:
    return judge(id).verdict(f"q.p{number}", text)


# Every problem is computed.


def test_there_are_as_many_problems_as_are_looked_at():
    assert len(PROBLEMS) == 96
    assert len(PARTS) == 195
    assert len(VALUES) == 14
    assert sum(problem.row["input"] is None for problem in PROBLEMS) == 6  # with sizes left open


@pytest.mark.parametrize(("problem", "number"), PARTS, ids=[f"{p.id}-{n}" for p, n in PARTS])
def test_the_published_answer_or_its_correction_is_right(problem: Problem, number: int):
    found = verdict(problem.id, typed(problem.answers[number]), number)

    assert (found.status, found.ids, found.share) == (Status.CORRECT, (), 1)


# Problems that publish a bare value, each as an ask that computes it. Nothing of the corpus is left out.
VALUES: dict[str, tuple[dict[str, Any], str]] = {
    "seed-005": ({"nets": {"conv": "input x: [3, 32, 32]  output y = x -> Conv2d(64, 3)",
                           "dense": "input x: [3, 32, 32]  output y = x -> Flatten -> Linear(64)"},
                  "asks": ["params(dense) / params(conv)"]}, "109.75"),
    "seed-015": ({"nets": {"one": "input x: [64, 32, 32]  output y = x -> Conv2d(64, 7)",
                           "three": "input x: [64, 32, 32]  output y = x -> Conv2d(64, 3) -> Conv2d(64, 3) -> Conv2d(64, 3)"},
                  "asks": ["weights(one) - weights(three)"]}, "90112"),
    "seed-019": ({"net": "input x: [8, 56, 56]  output y = x -> down: Conv2d(8, 1, stride=2)",
                  "asks": ["1 - activations(down) / activations(x)"]}, "0.75"),
    "seed-020": ({"net": "input x: [4]  a = (x -> Linear(4)) + x  b = (a -> Linear(4)) + a  output y = (b -> Linear(4)) + b",
                  "asks": ["paths"]}, "8"),
    "cs231n-010": ({"asks": ["(5 - 3 + 2*1) % 3"]}, "1"),
    "cs231n-028": ({"net": "input x: [256, 28, 28]  a = x -> Conv2d(128, 1)  b = x -> Conv2d(192, 3, padding=1)  "
                           "c = x -> Conv2d(96, 5, padding=2)  p = x -> MaxPool2d(3, stride=1, padding=1)  "
                           "output y = concat(a, b, c, p)",
                    "asks": ["macs"]}, "854196224"),
    "dlai-026": ({"net": "input x: [3, 64, 64]  output y = x -> ZeroPad2d(3) -> Conv2d(32, 7) -> BatchNorm2d -> ReLU "
                         "-> MaxPool2d(2) -> Flatten -> Linear(1)",
                  "asks": ["params + buffers"]}, "37633"),
    "nptel-009": ({"net": "input x: [1, 5]  output y = x -> up: ConvTranspose1d(1, 4, stride=2, bias=false)",
                   "data": {"x": [5, 4, 3, 2, 1], "up.weight": [1, 2, 3, 4]},
                   "asks": ["values(up)"]}, "5, 10, 19, 28, 15, 22, 11, 16, 7, 10, 3, 4"),
    "grf-011": ({"asks": ["-1482 + 0*32 + (3039 - 1)/2", "-1482 + 2*32 + (3039 - 1)/2"]}, "37; 101"),  # a part each
    "iv-007": ({"net": "input x: [3, 32, 32]  output y = x -> conv: Conv2d(8, 3, dilation=2)",
                "asks": ["receptive_field(conv)"]}, "5"),
    "udc-002": ({"net": "input x: [3, 32, 32]  output y = x -> conv: Conv2d(20, 8, stride=2, padding=1)",
                 "asks": ["(8*8*3 + 1) * activations(conv)"]}, "756560"),
    "lenet-003": ({"net": "input x: [1, 32, 32]  output y = x -> Conv2d(6, 5) -> s2: AvgPool2d(2)",
                   "asks": ["2 * shape(s2)[0]"]}, "12"),
    "unet-005": ({"net": "input up: [512, 56, 56]  input skip: [512, 64, 64]  "
                         "output y = concat(crop(skip, like=up), up) -> Conv2d(512, 3)",
                  "asks": ["shape(concat)[0]"]}, "1024"),
    "mob-001": ({"nets": {"whole": "input x: [64, 14, 14]  output y = x -> Conv2d(512, 3, padding=1)",
                          "parted": "input x: [64, 14, 14]  output y = x -> Conv2d(64, 3, padding=1, groups=64) -> Conv2d(512, 1)"},
                 "asks": ["100 * macs(parted) / macs(whole)"]}, "11.31"),
}  # fmt: skip


@pytest.mark.parametrize("id", VALUES)
def test_a_published_value_is_computed_by_an_ask(id):
    written, answer = VALUES[id]
    problem = {key: value for key, value in written.items() if key != "asks"}
    parts = [{"id": f"p{number}", "ask": ask} for number, ask in enumerate(written["asks"])]
    sheet = {"exam": "published", "problems": [{"id": "q", **problem, "parts": parts}]}
    judge = Judge(read_text(json.dumps(sheet), f"{id}.json", "json"))

    found = [judge.verdict(f"q.p{n}", text) for n, text in enumerate(answer.split("; "))]
    assert [one.status for one in found] == [Status.CORRECT] * len(parts)
    assert not any(one.ids for one in found)


# Wrong keys and options.

WRONG_KEYS = {
    "seed-007": {"R01"},
    "seed-009": {"R08"},
    "cs230-004": {"A01"},
    "dlai-013": {"P02+P18"},
    "cs231n-030": set(),  # right terms, wrong sum: told where the terms are written, as below
}


def test_all_wrong_published_keys_are_looked_at():
    assert {problem.id for problem in PROBLEMS if "wrong" in problem.row} == set(WRONG_KEYS)


@pytest.mark.parametrize("id", WRONG_KEYS)
def test_a_wrong_published_key_is_refused_and_its_mistake_named(id):
    found = verdict(id, typed(plain(BY_ID[id].row["wrong"])))

    assert found.status in (Status.MISTAKE, Status.SLIP, Status.WRONG)
    assert set(found.ids) >= WRONG_KEYS[id]
    assert (found.status is Status.WRONG) == (not WRONG_KEYS[id])


def test_right_terms_with_a_wrong_sum_are_told_from_the_terms():
    terms = "28*28*64*256 + 28*28*64*256 + 28*28*128*256 + 28*28*192*9*64 + 28*28*96*25*64 + 28*28*64*256"
    found = verdict("cs231n-030", f"{terms} = 358M")

    assert (found.status, found.ids) == (Status.SLIP, ("A06",))


OPTIONS = [(p.id, *option) for p in PROBLEMS if p.labels == [None] for option in p.row["options"]]
PAIR_OF_A_SHAPE = {("dlai-004", "S02+S17")}
"""Two mistakes in one small shape are not guessed at."""


def test_the_printed_options_are_many():
    assert len(OPTIONS) == 47
    assert sum(origin == "source" for *_, origin in OPTIONS) == 22


@pytest.mark.parametrize(("id", "value", "mistake", "origin"), OPTIONS)
def test_an_option_beside_the_answer_is_refused_and_names_its_mistake(id, value, mistake, origin):
    found = verdict(id, typed(plain(value)))
    named = {*found.ids, *("+".join(reversed(one.split("+"))) for one in found.ids)}

    if mistake == "unknown" or (id, mistake) in PAIR_OF_A_SHAPE:
        assert (found.status, found.ids) == (Status.WRONG, ())
    else:
        assert found.status in CATALOGUED
        assert mistake in named


# What one mistake in every layer gives. An answer is told at the first level that leads to it.
OTHERWISE = {
    # A note comes before mistakes: FLOPs for MACs.
    ("P06", "note"): 1,
    # Where branches get different sizes a student stops; the simulation went on with the first branch's.
    ("S03", "wrong"): 2,
    ("S16", "wrong"): 2,
    # A rule of a layer comes before another quantity that happens to be as large.
    ("P24", "mistake"): 1,
}
"""Simulated values that are refused with other names than the mistake's, by mistake and status."""


def test_the_simulated_values_of_a_mistake_name_it():
    missed: Counter[tuple[str, str]] = Counter()
    looked_at = 0
    for problem, number in PARTS:
        for mistake, values in problem.simulated.items():
            if values[number] == problem.answers[number]:
                continue
            looked_at += 1
            found = verdict(problem.id, typed(values[number]), number)
            assert found.status is not Status.CORRECT, (problem.id, mistake)
            if mistake not in found.ids:
                missed[mistake, found.status.value] += 1

    assert missed == OTHERWISE
    assert looked_at == 1345


# Right answers, however they are written.

LAYOUTS = (
    "{c}x{h}x{w}", "{h}x{w}x{c}", "{c} × {h} × {w}", "{h} by {w} by {c}", "({c}, {h}, {w})", "[{h}, {w}, {c}]",
    "{c}@{h}x{w}", "(None, {h}, {w}, {c})", "C={c}, H={h}, W={w}", "{h}*{w}*{c}", "{c} channels, {h}x{w}",
    "torch.Size([{c}, {h}, {w}])", "= {c}x{h}x{w}.",
)  # fmt: skip
NUMBERS = (
    "{n}", "{n:,}", "= {n}", "{n}.0", "{n} ", "({n})", "{half} + {rest}", "{n} * 1", "{twice} / 2",
    "{half} + {rest} = {n}", "x = {n:,}", "+{n}", "{n:_}",
)  # fmt: skip
SHAPED = [(p, n) for p, n in PARTS if isinstance(p.answers[n], tuple) and len(p.answers[n]) == 3]
COUNTED = [(p, n) for p, n in PARTS if isinstance(p.answers[n], int) and p.answers[n] > 0]


def shaped(answer: tuple[int, ...], form: str) -> str:
    return form.format(c=answer[0], h=answer[1], w=answer[2])


def counted(answer: int, form: str) -> str:
    return form.format(n=answer, half=answer // 2, rest=answer - answer // 2, twice=2 * answer)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(SHAPED), st.sampled_from(LAYOUTS))
def test_a_right_shape_is_right_in_every_layout(part, form):
    problem, number = part
    found = verdict(problem.id, shaped(problem.answers[number], form), number)

    assert (found.status, found.ids) == (Status.CORRECT, ())


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(COUNTED), st.sampled_from(NUMBERS))
def test_a_right_number_is_right_in_every_notation(part, form):
    problem, number = part
    found = verdict(problem.id, counted(problem.answers[number], form), number)

    assert (found.status, found.ids) == (Status.CORRECT, ())


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(COUNTED), st.integers(3, 8))
def test_a_rounded_right_number_is_never_called_a_mistake(part, digits):
    problem, number = part
    found = verdict(problem.id, f"{problem.answers[number]:.{digits}g}", number)

    assert found.status in (Status.CORRECT, Status.TOO_COARSE)
    assert found.ids == ()
