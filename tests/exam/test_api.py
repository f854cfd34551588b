"""The Python API: values of every kind are read as answers, and right answers are kept back."""

from __future__ import annotations

import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import archdsl.exam
from archdsl.exam.answers import Number, ShapeAnswer, read_answer
from archdsl.exam.given import MOST_ELEMENTS, as_text

SHEETS = Path(__file__).parent / "sheets"


@pytest.fixture
def exam() -> archdsl.exam.Exam:
    return archdsl.exam.load(SHEETS / "chain.yaml")


# fmt: off
ANSWERS = [
    ("q1.a", (32, 64, 64)),
    ("q1.a", [32, 64, 64]),
    ("q1.a", "64x64x32"),
    ("q1.a", torch.Size([32, 64, 64])),
    ("q1.a", torch.Size([1, 32, 64, 64])),
    ("q1.a", torch.zeros(1, 32, 2, 2).new_zeros(3).int() + torch.tensor([32, 64, 64])),
    ("q1.a", numpy.array([32, 64, 64])),
    ("q1.a", numpy.zeros((32, 64, 64)).shape),
    ("q1.a", (None, 64, 64, 32)),
    ("q1.a", (numpy.int64(32), numpy.int64(64), torch.tensor(64))),
    ("q1.d", 20928),
    ("q1.d", 20928.0),
    ("q1.d", Fraction(20928)),
    ("q1.d", "2432 + 18496 = 20928"),
    ("q1.d", numpy.int32(20928)),
    ("q1.d", numpy.float64(20928)),
    ("q1.d", torch.tensor(20928)),
    ("q1.d", numpy.array(20928)),
    ("q1.e", numpy.uint8(10)),
    ("q1.e", torch.tensor(10.0)),
]
# fmt: on


@pytest.mark.parametrize(("part", "value"), ANSWERS, ids=lambda v: str(v).replace("\n", " "))
def test_a_right_value_is_right_in_every_type(exam, part, value):
    checked = exam.check(part, value)

    assert checked.status == "correct"
    assert checked.is_right
    assert checked.marks == checked.out_of


def test_a_wrong_value_is_diagnosed_and_the_right_one_kept_back(exam):
    checked = archdsl.exam.check("q1.a", (32, 60, 60))

    assert (checked.status, checked.ids, checked.marks, checked.right) == ("mistake", ("S01",), 0, "")
    assert not checked.is_right
    assert "64" not in str(checked)
    assert "64" not in checked._repr_html_()


def test_the_right_answer_is_told_when_it_is_asked_for(exam):
    checked = exam.check("q1.a", "60x60x32", reveal=True)

    assert checked.right == "32x64x64"
    assert str(checked).endswith("; right: 32x64x64")


@pytest.mark.parametrize(("show", "right"), [("never", ""), ("after_correct", "20,928")])
def test_a_rounded_right_answer_is_followed_by_the_exact_one_where_the_sheet_says_so(tmp_path, show, right):
    text = "exam: s\nmarking: {show_exact: SHOW}\nproblems:\n  - id: q\n    net: |\n      input x: [3, 9, 9]\n"
    text += "      output y = x -> a: Conv2d(64, 5)\n    parts:\n      - {id: a, ask: params, tolerance: 0.001}\n"
    path = tmp_path / "s.yaml"
    path.write_text(text.replace("SHOW", show), encoding="utf-8")
    exam = archdsl.exam.load(path)

    assert exam.check("q.a", "4861").right == ("4,864" if right else "")
    assert exam.check("q.a", "28").right == ""


def test_earlier_answers_are_followed_through_until_they_are_forgotten(exam):
    exam.check("q1.a", (32, 60, 60))
    assert exam.check("q1.b", (32, 30, 30)).status == "follow-through"

    exam.forget()
    assert exam.check("q1.b", (32, 30, 30)).status == "mistake"


def test_a_part_that_is_not_there_is_told_with_those_that_are(exam):
    with pytest.raises(KeyError, match=r"the sheet has no part q9; there are q1\.a, q1\.b"):
        exam.check("q9", 1)


UNREADABLE = {
    "an object": object(),
    "a mapping": {"a": 1},
    "a set": {1, 2},
    "a list of objects": [object()],
    "complex": 1j,
    "a function": lambda: 1,
}


@pytest.mark.parametrize("value", UNREADABLE.values(), ids=UNREADABLE)
def test_what_is_no_answer_is_refused(exam, value):
    with pytest.raises(TypeError, match="is no answer"):
        exam.check("q1.a", value)


@pytest.mark.parametrize(
    "value",
    [[1] * (MOST_ELEMENTS + 1), numpy.zeros((200, 200)), torch.zeros(200, 200), 10**5000, [[[[[[[[[[1]]]]]]]]]]],
    ids=["a list", "an array", "a tensor", "a number", "lists in lists"],
)
def test_what_is_too_large_is_refused(value):
    with pytest.raises(ValueError, match="at most"):
        as_text(value)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_no_number_is_read_by_nobody(exam, value):
    assert exam.check("q1.e", value).status == "unreadable"


def test_nothing_is_blank(exam):
    assert exam.check("q1.e", None).status == "blank"


@given(st.one_of(st.integers(0, 10**30), st.fractions(0, 10**6, max_denominator=1000)))
def test_a_number_reads_back_as_itself(value):
    read = read_answer(as_text(value), "number")

    assert isinstance(read, Number)
    assert read.value == value


@given(st.lists(st.integers(1, 10**6), min_size=3, max_size=3))
def test_a_shape_reads_back_as_itself(sizes):
    read = read_answer(as_text(tuple(sizes)), "shape")

    assert isinstance(read, ShapeAnswer)
    assert tuple(sizes) in [reading.sizes for reading in read.readings]


def test_problems_are_plain_records(exam):
    questions = archdsl.exam.problems()

    assert [(q.name, q.ask, q.marks) for q in questions[3:]] == [
        ("q1.d", "params", 4),
        ("q1.e", "receptive_field(c)", 2),
    ]
    assert questions[0].text == "What leaves a"
    assert str(questions[0]) == "q1.a  (2)  What leaves a"
    assert len(questions[3].hints) == 2
    assert exam.problems == questions


def test_a_solution_prints_its_working(exam):
    solved = archdsl.exam.solve("q1.e")

    assert (solved.part, solved.answer) == ("q1.e", "10")
    assert "Answer: 10" in str(solved)
    assert solved._repr_html_().startswith("<pre>(e) receptive field of c\n")


CLASS = {
    "s01": {"q1.a": (32, 64, 64), "q1.b": (32, 32, 32), "q1.c": "64@32x32", "q1.d": 20928, "q1.e": 10},
    "<s02>": {"q1.a": "60x60x32", "q1.b": (30, 30, 32), "q1.d": "20.8k", "q1.e": 8},
}


def test_a_class_is_graded_from_values(exam):
    grades = archdsl.exam.grade(CLASS)

    assert grades.marks == {"s01": 12, "<s02>": 4}
    assert [one.status for one in grades["<s02>"]] == ["mistake", "follow-through", "blank", "mistake", "mistake"]
    assert "mean 8.0/12" in str(grades)
    with pytest.raises(KeyError):
        grades["s03"]


def test_right_answers_of_a_class_are_kept_back(exam):
    assert all(one.right == "" for one in exam.grade(CLASS)["<s02>"])
    assert exam.grade(CLASS, reveal=True)["<s02>"][4].right == "10"


def test_a_class_is_graded_from_a_file(exam, tmp_path):
    path = tmp_path / "answers.csv"
    path.write_text("student,q1.a,q1.e\ns01,64x64x32,10\n", encoding="utf-8")

    assert exam.grade(path).marks == {"s01": 4}


def test_what_people_wrote_is_escaped_in_notebooks(exam):
    hostile = '<img src=x onerror="alert(1)">'

    for html in (
        exam.check("q1.a", hostile, reveal=True)._repr_html_(),
        exam.grade({hostile: {"q1.a": hostile}})._repr_html_(),
    ):
        assert "<img" not in html
        assert 'onerror="' not in html


def test_a_sheet_is_escaped_in_notebooks(tmp_path):
    path = tmp_path / "s.yaml"
    path.write_text(
        "exam: s\ntitle: <b>x</b>\nproblems:\n  - id: q\n    parts: [{id: a, ask: 2 * 3, text: <i>y</i>}]\n"
    )

    html = archdsl.exam.load(path)._repr_html_()
    assert "<b>" not in html
    assert "<i>" not in html


def test_every_student_has_a_variant():
    exam = archdsl.exam.load(SHEETS / "drawn.yaml", seed=2026, student="s01")
    other = archdsl.exam.load(SHEETS / "drawn.yaml", seed=2026, student="s02")

    assert exam.problems[0].values != other.problems[0].values
    right = exam.solve(exam.problems[0].name).answer
    assert exam.check(exam.problems[0].name, right).is_right


def test_without_a_sheet_it_is_told_how_to_load_one(monkeypatch):
    monkeypatch.setattr("archdsl.exam.api._loaded", [])

    with pytest.raises(LookupError, match=r'archdsl\.exam\.load\("sheet\.yaml"\)'):
        archdsl.exam.check("q1.a", 1)


def test_importing_the_package_loads_nothing_and_the_api_no_library():
    probe = "import sys, archdsl.exam; print(sorted(m for m in sys.modules if m.startswith('archdsl.')));"
    probe += "archdsl.exam.load; print(sorted({'torch', 'numpy', 'networkx', 'jinja2', 'click'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)

    assert done.stdout.splitlines() == ["['archdsl.exam']", "[]"]


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'chekc'"):
        _ = archdsl.exam.chekc
