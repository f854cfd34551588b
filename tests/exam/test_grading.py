"""Answers and what they are worth: the class of the design, the order of the tests, the guards around them."""

from fractions import Fraction

import pytest

from archdsl.exam import grading
from archdsl.exam.grades import Status, marks
from archdsl.exam.grading import Judge, Submission, grade
from archdsl.exam.reading import read_text

CHAIN = """\
exam: cnn-sheet-3
title: CNN arithmetic
conventions: {rounding: floor, layout: any, bias: counted, bn: trainable, work: macs, rf: theoretical, kilo: 1000}
marking: {follow_through: full, repeated_mistake: 0.5, slip: 0.75, mistakes: {P01: 0.5, S03: 0.5}}
problems:
  - id: q1
    title: A three-layer network
    net: |
      input image: [3, 64, 64]
      output y = image -> a: Conv2d(32, 5, padding=2) -> b: MaxPool2d(2) -> c: Conv2d(64, 3, padding=1)
    parts:
      - {id: a, ask: shape(a), marks: 2}
      - {id: b, ask: shape(b), marks: 2, after: [a]}
      - {id: c, ask: shape(c), marks: 2, after: [b]}
      - {id: d, ask: params, marks: 4, after: [a, b]}
      - {id: e, ask: receptive_field(c), marks: 2}
"""

CLASS = {
    "s01": ["64x64x32", "32x32x32", "32x32x64", "20,928", "10"],
    "s02": ["60x60x32", "30x30x32", "28x28x64", "20.8k", "8"],
    "s03": ["(32, 64, 64)", "32x32x16", "64@32x32", "11712", "11"],
    "s04": ["32@64x64", "32@32x32", "64@32x32", "2432 + 18496 = 20929", "10 px"],
    "s05": ["64x64", "32x32x32", "see back", "≈21k", ""],
}

WANTED = {
    "s01": ["2 correct", "2 correct", "2 correct", "4 correct", "2 correct"],
    "s02": ["0 mistake S01", "2 follow-through", "1 mistake S01", "2 mistake P01/P02", "0 mistake R02/R06"],
    "s03": ["2 correct", "0 mistake S14", "2 correct", "4 follow-through", "0 mistake R01/R08"],
    "s04": ["2 correct", "2 correct", "2 correct", "3 slip A06", "2 correct"],
    "s05": ["1 incomplete", "2 correct", "- unreadable", "2 too coarse", "0 blank"],
}


def sheet(text=CHAIN):
    return read_text(text, "sheet.yaml", "yaml")


def one(net, ask, answer, *, conventions="{}", part="", marking="{}"):
    """Return the verdict on one answer to one ask about a net."""
    text = (
        f"exam: e\nconventions: {conventions}\nmarking: {marking}\nproblems:\n  - id: q\n    net: |\n"
        + "".join(f"      {line}\n" for line in net.strip().splitlines())
        + f"    parts:\n      - {{id: a, ask: {ask}{part}}}\n"
    )
    return Judge(sheet(text)).verdict("q.a", answer)


@pytest.fixture(scope="module")
def graded():
    parts = [f"q1.{id}" for id in "abcde"]
    return grade(sheet(), [Submission(name, dict(zip(parts, row, strict=True))) for name, row in CLASS.items()])


@pytest.mark.parametrize("student", CLASS)
def test_a_class_is_graded_as_the_design_prints_it(graded, student):
    paper = next(p for p in graded.papers if p.student == student)
    found = [f"{marks(v.marks)} {v.status.value} {v.name}".strip() for v in paper.verdicts]
    assert found == WANTED[student]


def test_the_class_is_summed_up(graded):
    assert [marks(p.marks) for p in graded.papers] == ["12", "5", "8", "11", "5"]
    assert (graded.mean, sum(len(p.held) for p in graded.papers)) == (Fraction("8.2"), 1)
    assert graded.by_mistake == {"P01/P02": 1, "R01/R08": 1, "R02/R06": 1, "S01": 1, "S14": 1}


def test_nothing_that_is_said_gives_the_right_answer_away(graded):
    for paper in graded.papers:
        for verdict in paper.verdicts:
            if verdict.status is not Status.SLIP:
                assert verdict.right not in verdict.said.replace("20,832", "")


CONV = "input x: [3, 64, 64]\noutput y = x -> a: Conv2d(32, 5, padding=2, stride=2)"
BN = "input x: [3, 8, 8]\noutput y = x -> c: Conv2d(64, 3, padding=1, bias=false) -> bn: BatchNorm2d"
POOL = "input x: [3, 8, 8]\noutput y = x -> p: MaxPool2d(3, stride=2)"

VERDICTS = [  # net, ask, answer, the rest, what is found
    (CONV, "shape(a)", "32x32x32", {}, "correct"),
    (CONV, "shape(a)", "3x32x32", {}, "mistake S12"),
    (CONV, "params(a)", "2.43k", {}, "correct"),
    (CONV, "params(a)", "2k", {}, "too coarse"),
    (CONV, "params(a)", "2.43k", {"part": ", form: exact"}, "too coarse"),
    (CONV, "params(a)", "2432", {"part": ", form: expression"}, "incomplete"),
    (CONV, "params(a)", "5*5*3*32+32", {"part": ", form: expression"}, "correct"),
    (CONV, "params(a)", "2400", {}, "note C4/P01"),
    (CONV, "params(a)", "2400", {"conventions": "{bias: counted}"}, "mistake P01"),
    (CONV, "params(a)", "2400", {"conventions": "{bias: ignored}"}, "correct"),
    (CONV, "params(a)", "2432", {"conventions": "{bias: ignored}"}, "note C4"),
    (CONV, "params(a)", "2342", {}, "slip A03"),
    (CONV, "params(a)", "2.432", {}, "slip A01/A05"),
    (CONV, "params(a)", "2500", {}, "wrong"),
    (CONV, "params(a)", "2500", {"part": ", tolerance: 0.05"}, "correct"),
    (CONV, "macs(a)", "2457600", {}, "correct"),
    (CONV, "macs(a)", "4915200", {}, "note C3/F01"),
    (CONV, "macs(a)", "4915200", {"conventions": "{work: flops}"}, "correct"),
    (CONV, "macs(a)", "4.9152 MFLOPs", {}, "note C3/F01"),
    (CONV, "flops(a)", "4.9152 MFLOPs", {}, "correct"),
    (CONV, "memory(a)", "128 KiB", {}, "correct"),
    (CONV, "memory(a)", "128 kB", {}, "note C6/F09"),
    (CONV, "valid(a)", "yes", {}, "correct"),
    (CONV, "valid(a)", "no", {}, "note C12"),
    (CONV, "valid", "does not fit", {}, "note C12"),
    (CONV, "shape(a)", "impossible", {}, "note C12"),
    (BN, "params", "1856", {}, "correct"),
    (BN, "params", "1984", {}, "note C5/P14"),
    (BN, "params", "1984", {"conventions": "{bn: trainable}"}, "mistake P14"),
    (BN, "params", "1984", {"conventions": "{bn: all}"}, "correct"),
    (POOL, "shape(p)", "3x3x3", {}, "correct"),
    (POOL, "shape(p)", "3x4x4", {}, "note C1/S05/S06"),
    (POOL, "shape(p)", "3x4x4", {"conventions": "{rounding: ceil_pool}"}, "correct"),
    (POOL, "shape(p)", "3x3x3", {"conventions": "{rounding: ceil_pool}"}, "note C1/S06"),
    (POOL, "params", "0", {}, "correct"),
]  # fmt: skip


@pytest.mark.parametrize(("net", "ask", "answer", "rest", "wanted"), VERDICTS)
def test_an_answer_has_its_verdict(net, ask, answer, rest, wanted):
    found = one(net, ask, answer, **rest)
    assert f"{found.status.value} {found.name}".strip() == wanted


LAYOUTS = [  # layout, answer to [8, 16, 16], what is found
    ("any", "8x16x16", "correct"),
    ("any", "16x16x8", "correct"),
    ("CHW", "8x16x16", "correct"),
    ("CHW", "16x16x8", "note"),
    ("HWC", "16x16x8", "correct"),
    ("HWC", "8x16x16", "note"),
    ("strict", "8x16x16", "correct"),
    ("strict", "16x16x8", "note"),
    ("CHW", "16x16@8", "correct"),
    ("HWC", "C=8, H=16, W=16", "correct"),
]


@pytest.mark.parametrize(("layout", "answer", "wanted"), LAYOUTS)
def test_the_order_of_axes_is_the_sheets_unless_the_answer_names_it(layout, answer, wanted):
    net = "input x: [3, 16, 16]\noutput y = x -> a: Conv2d(8, 3, padding=1)"
    assert one(net, "shape(a)", answer, conventions=f"{{layout: {layout}}}").status.value == wanted


def paper(answers, text=CHAIN):
    return Judge(sheet(text)).paper(Submission("s", {f"q1.{id}": answer for id, answer in answers.items()}))


def test_the_truth_scores_whatever_stands_before_it():
    assert paper({"a": "1x1x1", "b": "32x32x32"})["q1.b"].status is Status.CORRECT


def test_what_follows_from_a_silly_answer_is_held_and_not_paid():
    found = paper({"a": "32x2x2", "b": "32x1x1", "c": "64x1x1"})
    assert [found[f"q1.{id}"].status.value for id in "bc"] == ["follow-through", "held"]


def test_an_answer_that_the_next_layer_cannot_take_holds_what_comes_of_it():
    found = paper({"a": "32x1x1", "b": "77x3x9"})["q1.b"]
    assert (found.status, found.marks) == (Status.HELD, None)


def test_all_earlier_answers_are_followed_and_not_the_last_alone():
    text = CHAIN.replace("ask: params, marks: 4, after: [a, b]", "ask: params(c) + params(a), marks: 4, after: [a, b]")
    found = paper({"a": "16x64x64", "b": "16x32x32", "d": "11712"}, text)
    assert found["q1.d"].status is Status.FOLLOW_THROUGH


def test_the_same_mistake_costs_the_second_time_what_the_sheet_says():
    none = CHAIN.replace("repeated_mistake: 0.5", "repeated_mistake: none")
    answers = {"a": "60x60x32", "b": "30x30x32", "c": "28x28x64"}
    assert [marks(paper(answers, text)["q1.c"].marks) for text in (CHAIN, none)] == ["1", "0"]


def test_a_fault_in_the_diagnosis_gives_no_marks_and_takes_none(monkeypatch):
    def fails(*_, **__):
        raise RuntimeError("broken")

    monkeypatch.setattr(grading, "diagnose", fails)
    found = paper({"a": "1x2x3", "b": "32x32x32"})
    assert [(found[f"q1.{id}"].status, marks(found[f"q1.{id}"].marks)) for id in "ab"] == [
        (Status.HELD, "-"),
        (Status.CORRECT, "2"),
    ]


def test_another_argument_of_a_layer_is_told_where_no_mistake_explains_the_answer():
    found = one("input x: [3, 20, 20]\noutput y = x -> a: Conv2d(8, 3)", "shape(a)", "8x14x14")
    assert "kernel_size=7" in found.said
    assert found.status is Status.WRONG


def test_a_net_that_cannot_be_built_is_asked_about_with_valid():
    net = "input x: [3, 4, 4]\noutput y = x -> a: Conv2d(8, 3) -> b: Conv2d(8, 5)"
    assert [one(net, ask, "no").status.value for ask in ("valid(b)", "valid(a)", "valid")] == [
        "correct",
        "wrong",
        "correct",
    ]


def test_a_thousand_is_doubtful_only_where_a_prefix_says_it():
    assert one(CONV, "params(a)", "2375").name != "C6/F09"
    assert one(CONV, "memory(a)", "128 kB").name == "C6/F09"


DEPENDENT = """\
exam: dependent
conventions: {rounding: floor, layout: any, bias: counted, work: macs}
problems:
  - id: q
    net: |
      input image: [3, 32, 32]
      output y = image -> c1: Conv2d(16, 5) -> p1: MaxPool2d(2) -> c2: Conv2d(32, 3, padding=1, stride=2)
    parts:
      - {id: a, ask: shape(c1)}
      - {id: w, ask: weights(c1)}
      - {id: bi, ask: biases(c1)}
      - {id: b, ask: params(c1)}
      - {id: d, ask: params(c2)}
      - {id: su, ask: params(c1) + params(c2)}
      - {id: r, ask: params(c2) / params(c1)}
      - {id: t, ask: params}
      - {id: m, ask: macs(c1)}
      - {id: fl, ask: flops(c1)}
      - {id: ac, ask: activations(c1)}
      - {id: me, ask: memory}
      - {id: j1, ask: jump(p1)}
      - {id: r2, ask: receptive_field(c2)}
      - {id: j2, ask: jump(c2)}
"""

FOLLOWING = [  # earlier answers, the part, what follows from them by hand
    ({"b": "1300", "d": "5000"}, "su", "6300"),
    ({"b": "1300", "d": "5000"}, "r", "3.846"),
    ({"b": "1300", "d": "5000"}, "t", "6300"),
    ({"w": "1100", "bi": "16"}, "b", "1116"),
    ({"m": "500000"}, "fl", "1000000"),
    ({"a": "16x30x30"}, "ac", "14400"),
    ({"a": "16x30x30"}, "me", "72000"),  # 16·30·30 and 16·15·15 numbers of four bytes
    ({"j1": "3"}, "j2", "6"),
    ({"j1": "3"}, "r2", "12"),  # 6 + (3 - 1)·3
    ({"j1": "1"}, "r2", "8"),
]


@pytest.mark.parametrize(("earlier", "part", "answer"), FOLLOWING)
def test_what_follows_from_the_own_answers_is_followed_through(earlier, part, answer):
    judge = Judge(sheet(DEPENDENT))
    answers = {f"q.{id}": text for id, text in {**earlier, part: answer}.items()}
    assert judge.paper(Submission("s", answers))[f"q.{part}"].status is Status.FOLLOW_THROUGH


def test_only_the_answers_that_were_used_are_told():
    answers = {"q.w": "1", "q.m": "500000", "q.fl": "1000000"}
    assert Judge(sheet(DEPENDENT)).paper(Submission("s", answers))["q.fl"].said == "follows from 500000 in (m)"


NOTHING = ["0", "0k", "0MB", "0.0"]


@pytest.mark.parametrize("answer", NOTHING)
@pytest.mark.parametrize("ask", ["params", "params(a)", "macs", "memory", "receptive_field(a)", "params(a) / 7"])
def test_zero_is_no_slip_no_rounding_and_no_layer_left_out(ask, answer):
    found = one(CONV, ask, answer)
    assert (found.status, found.share) == (Status.WRONG, 0)


SIDES = [("1+1=2432", "slip"), ("2400+32=2433", "slip"), ("2432=2400+32", "correct")]


@pytest.mark.parametrize(("answer", "wanted"), SIDES)
def test_sides_that_differ_are_a_slip_where_one_is_right(answer, wanted):
    assert one(CONV, "params(a)", answer).status.value == wanted


RATIOS = [("2", "too coarse"), ("1.91", "correct"), ("1.9", "too coarse"), ("1.911", "correct"), ("~2", "too coarse")]


@pytest.mark.parametrize(("answer", "wanted"), RATIOS)
def test_three_digits_are_enough_of_what_is_no_whole_number(answer, wanted):
    net = "input x: [3, 32, 32]\noutput y = x -> a: Conv2d(16, 5) -> b: Conv2d(16, 4)"
    ask = "params(b) / params(a) - 1.4708"  # 4,112 / 1,216 is 3.3816
    assert one(net, ask, answer).status.value == wanted


def test_a_wrong_total_of_grouped_layers_is_told_and_no_fault_of_ours():
    net = "input x: [16, 8, 8]\noutput y = x -> g: Conv2d(64, 3, groups=4) -> dw: Conv2d(64, 3, groups=64)"
    assert one(net, "params", "15146").status is Status.WRONG


def test_both_sides_of_a_field_are_read_as_such():
    found = one(CONV, "receptive_field(a)", "5x5")
    assert (found.status, found.share) == (Status.NOTE, 1)
    assert one(CONV, "receptive_field(a)", "25").name == "R14"


IMPOSSIBLE = """\
exam: e
problems:
  - id: q
    net: |
      input x: [3, 4, 4]
      output y = x -> a: Conv2d(8, 3) -> b: Conv2d(8, 5)
    parts:
      - {id: a, ask: shape(a)}
      - {id: b, ask: shape(b), key: impossible}
"""


@pytest.mark.parametrize(("part", "answer", "wanted"), [
    ("a", "8x2x2", "correct"), ("b", "impossible", "correct"), ("b", "8x1x1", "wrong"), ("b", "-", "blank"),
])  # fmt: skip
def test_a_layer_that_cannot_be_is_impossible_where_a_key_says_so(part, answer, wanted):
    assert Judge(sheet(IMPOSSIBLE)).verdict(f"q.{part}", answer).status.value == wanted


GROUPS = "input x: [8, 28, 28]\noutput y = x -> a: Conv2d(16, 3, padding=1) -> b: Conv2d(32, 3, groups=8)"
GROUPED = f"""\
exam: e
problems:
  - id: q
    net: |
      {GROUPS.splitlines()[0]}
      {GROUPS.splitlines()[1]}
    parts:
      - {{id: a, ask: shape(a)}}
      - {{id: b, ask: params(b)}}
"""


@pytest.mark.parametrize(("shape", "count", "wanted"), [
    ("24x28x28", "896", "follow-through"),  # 3·3·3·32 + 32
    ("12x28x28", "320", "held"),            # eight groups of twelve channels are none
    ("4x28x28", "32", "held"),
])  # fmt: skip
def test_a_layer_that_cannot_be_pays_nothing(shape, count, wanted):
    found = Judge(sheet(GROUPED)).paper(Submission("s", {"q.a": shape, "q.b": count}))
    assert found["q.b"].status.value == wanted


@pytest.mark.parametrize("answer", ["21", "209", "2093", "0.02", "≈2", "0.002"])
def test_a_few_digits_of_the_right_answer_are_no_slip_of_it(answer):
    found = Judge(sheet()).verdict("q1.d", answer)
    assert (found.status, found.share) == (Status.WRONG, 0)


@pytest.mark.parametrize("answer", ["C=20, H=30, W=16", "20@30x16", "CHW: 20x30x16"])
def test_a_shape_whose_axes_are_named_is_right_in_no_other_order(answer):
    net = "input x: [3, 20, 30]\noutput y = x -> a: Conv2d(16, 3, padding=1)"
    assert one(net, "shape(a)", answer).share == 0


def test_one_cell_stops_nobody_else():
    found = grade(sheet(), [Submission("s1", {"q1.a": "a:" * 990}), Submission("s2", {"q1.a": "64x64x32"})])
    assert [paper["q1.a"].status for paper in found.papers] == [Status.UNREADABLE, Status.CORRECT]


def test_a_fault_in_the_reader_holds_the_answer(monkeypatch):
    def fails(*_, **__):
        raise RecursionError

    judge = Judge(sheet())
    monkeypatch.setattr(grading, "read_answer", fails)
    assert judge.verdict("q1.a", "64x64x32").status is Status.UNREADABLE


def test_a_dilated_layer_of_one_tap_is_taken_for_a_wide_one():
    net = "input x: [3, 20, 20]\noutput y = x -> a: Conv2d(8, 1, dilation=3)"
    assert one(net, "shape(a)", "8x18x18").name == "S10"  # a reach of 3 for 1
