"""What a release tells: the printed example to the letter of its marks, and never more than is allowed."""

from __future__ import annotations

import csv as table
import io
import json as documents
import re
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archdsl.exam.grades import Grades, Paper, Status, Verdict
from archdsl.exam.reading import read_text as read_sheet
from archdsl.exam.results import Release, csv, gradescope, json, markdown, report, text
from archdsl.exam.results.csv import neutral
from archdsl.exam.results.gradescope import file_name

SHEET = read_sheet(
    """
exam: cnn-sheet-3
title: CNN arithmetic
marking: {mistakes: {P01: 0.5}}
problems:
  - id: q1
    net: |
      input image: [3, 64, 64]
      output y = image -> a: Conv2d(32, 5, padding=2) -> b: MaxPool2d(2) -> c: Conv2d(64, 3, padding=1)
    parts:
      - {id: a, ask: shape(a), marks: 2, text: Output volume of **a**}
      - {id: b, ask: shape(b), marks: 2}
      - {id: c, ask: shape(c), marks: 2}
      - {id: d, ask: params, marks: 4, text: Trainable parameters in total}
      - {id: e, ask: receptive_field(c), marks: 2}
    hints:
      d: [Which of the layers have weights at all?]
""",
    "sheet.yaml",
    "yaml",
)
OUT_OF = {"a": 2, "b": 2, "c": 2, "d": 4, "e": 2}
RIGHT = {"a": "64x64x32", "b": "32x32x32", "c": "32x32x64", "d": "20,928", "e": "10"}


def verdict(id: str, answer: str, status: Status, share: float | None, said: str = "", ids: tuple = ()) -> Verdict:
    part = None if share is None else Fraction(share)
    return Verdict(f"q1.{id}", answer, status, part, Fraction(OUT_OF[id]), ids, said, RIGHT[id])


def paper(student: str, *found: Verdict) -> Paper:
    given = {one.part[-1]: one for one in found}
    return Paper(student, tuple(given.get(id, verdict(id, RIGHT[id], Status.CORRECT, 1)) for id in OUT_OF))


MISTAKE = Status.MISTAKE
GRADES = Grades(
    "cnn-sheet-3",
    "CNN arithmetic",
    (
        paper("s01"),
        paper(
            "s02",
            verdict("a", "60x60x32", MISTAKE, 0, "padding forgotten", ("S01",)),
            verdict("b", "30x30x32", Status.FOLLOW_THROUGH, 1, "follows from 60x60x32 in (a)"),
            verdict("c", "28x28x64", MISTAKE, 0.5, "the same again", ("S01",)),
            verdict("d", "20.8k", MISTAKE, 0.5, "the count without biases", ("P01", "P02")),
            verdict("e", "8", MISTAKE, 0, "the stride of 2 was not used", ("R02", "R06")),
        ),
        paper(
            "s03",
            verdict("b", "32x32x16", MISTAKE, 0, "pooling works on each channel", ("S14",)),
            verdict("d", "11712", Status.FOLLOW_THROUGH, 1, "follows from 32x32x16 in (b)"),
            verdict("e", "11", MISTAKE, 0, "b's own stride was used in b", ("R01", "R08")),
        ),
        paper("s04", verdict("d", "2432 + 18496 = 20929", Status.SLIP, 0.75, "the left side is 20,928", ("A06",))),
        paper(
            "s05",
            verdict("a", "64x64", Status.INCOMPLETE, 0.5, "channels missing"),
            verdict("c", "see back", Status.UNREADABLE, None, "`see back` cannot be read as a shape"),
            verdict("d", "≈21k", Status.TOO_COARSE, 0.5, "too coarse: 20,832 rounds to the same"),
            verdict("e", "", Status.BLANK, 0),
        ),
    ),
    {},
)

EXPLAINED = """\
s01  12 / 12
s02   5 / 12
  a  60x60x32   0/2  S01     padding forgotten; right: 64x64x32
  b  30x30x32   2/2  follow-through from 60x60x32 in (a)
  c  28x28x64   1/2  S01     the same again; right: 32x32x64
  d  20.8k      2/4  P01/P02 the count without biases; right: 20,928
  e  8          0/2  R02/R06 the stride of 2 was not used; right: 10
s03   8 / 12
  b  32x32x16   0/2  S14     pooling works on each channel; right: 32x32x32
  d  11712      4/4  follow-through from 32x32x16 in (b)
  e  11         0/2  R01/R08 b's own stride was used in b; right: 10
s04  11 / 12
  d  2432 + 18496 = 20929  3/4  slip: the left side is 20,928
s05   5 / 12, one answer to read by hand
  a  64x64      1/2  incomplete: channels missing
  c  see back   -    `see back` cannot be read as a shape; right: 32x32x64; not scored
  d  ≈21k       2/4  too coarse: 20,832 rounds to the same
  e             0/2  blank

5 graded, mean 8.2/12, 1 held.   By mistake: S01 1, S14 1, P01/P02 1, R02/R06 1, R01/R08 1
"""
"""EXAM.md, example 1, with the right answer behind what was wrong."""


def told(release: Release = Release.FULL, grades: Grades = GRADES):
    return report(grades, SHEET, release)


def written(made) -> dict[str, str]:
    return {
        "text": text.write(made, explain=True),
        "csv": csv.write(made),
        "json": json.write(made, SHEET),
        "md": markdown.write(made, explain=True),
        "gradescope": gradescope.write(made),
    }


def test_the_report_is_that_of_the_printed_example():
    assert text.write(told(), explain=True) == EXPLAINED


def test_without_explanation_a_student_is_a_line():
    lines = text.write(told()).splitlines()

    assert lines[:5] == ["s01  12 / 12", "s02   5 / 12", "s03   8 / 12", "s04  11 / 12",
                         "s05   5 / 12, one answer to read by hand"]  # fmt: skip
    assert lines[5:] == EXPLAINED.splitlines()[-2:]


def test_csv_has_a_row_a_student_and_nothing_where_a_person_decides():
    rows = list(table.DictReader(io.StringIO(csv.write(told()))))

    assert [(r["student"], r["total"], r["out_of"], r["held"]) for r in rows] == [
        ("s01", "12", "12", "0"), ("s02", "5", "12", "0"), ("s03", "8", "12", "0"), ("s04", "11", "12", "0"),
        ("s05", "5", "12", "1"),
    ]  # fmt: skip
    assert [rows[4][f"q1.{id}"] for id in OUT_OF] == ["1", "2", "", "2", "0"]
    assert rows[1]["q1.d status"] == "mistake"
    assert rows[1]["q1.d mistakes"] == "P01/P02"


def test_gradescope_gets_the_fields_that_it_publishes():
    """Gradescope, "Autograder Specifications": the keys of results.json, and what they may be."""
    results = documents.loads(gradescope.write(told()))
    s02, s05 = results["s02"], results["s05"]

    assert set(s02) == {"output", "output_format", "visibility", "tests", "extra_data"}
    assert (s02["output"], s02["output_format"], s02["visibility"]) == ("CNN arithmetic", "md", "after_published")
    assert [(t["number"], t["score"], t["max_score"], t["status"], t["tags"]) for t in s02["tests"]] == [
        ("q1.a", 0, 2, "failed", ["S01"]),
        ("q1.b", 2, 2, "passed", []),
        ("q1.c", 1, 2, "failed", ["S01"]),
        ("q1.d", 2, 4, "failed", ["P01", "P02"]),
        ("q1.e", 0, 2, "failed", ["R02", "R06"]),
    ]
    assert s02["tests"][0]["name"] == "Output volume of a"
    assert s02["tests"][0]["extra_data"] == {"answer": "60x60x32", "status": "mistake"}
    assert s05["score"] == 5
    held = s05["tests"][2]
    assert "score" not in held
    assert "status" not in held
    assert held["max_score"] == 2


def test_one_student_s_gradescope_is_the_results_themselves():
    alone = replace(GRADES, papers=GRADES.papers[:1])

    assert "tests" in documents.loads(gradescope.write(told(grades=alone)))


def test_json_is_complete_and_exact():
    third = replace(GRADES.papers[1].verdicts[0], share=Fraction(1, 3), status=Status.MISTAKE)
    grades = replace(GRADES, papers=(Paper("s09", (third,)),))
    document = documents.loads(json.write(told(grades=grades), SHEET, "7"))

    assert (document["schema"], document["release"], document["seed"]) == ("archdsl/grades@1", "full", "7")
    assert document["students"][0]["parts"][0] == {
        "part": "q1.a", "answer": "60x60x32", "marks": 0.6667, "marks_exact": "2/3", "out_of": 2, "held": False,
        "status": "mistake", "mistakes": ["S01"], "said": "padding forgotten", "right": "64x64x32",
    }  # fmt: skip
    assert document["parts"][3]["marking"]["P01"] == "1/2"
    assert document["conventions"]["bias"] == "counted"
    assert document["summary"]["by_mistake"] == {"S01": 1}


def test_markdown_has_a_table_of_the_class_and_one_of_mistakes():
    lines = markdown.write(told()).splitlines()

    assert "| student | total | a | b | c | d | e |" in lines
    assert "| s05 | 5 (1 held) | 1 | 2 | - | 2 | 0 |" in lines
    assert "| P01/P02 | 1 |" in lines


# A release never tells more than it may.

SECRET = "4711"


def secretive() -> Grades:
    """Return grades whose right answers and sentences hold a secret, with every finding there is."""
    found = [
        verdict("a", "5", status, None if status in (Status.UNREADABLE, Status.HELD) else 0.5, f"it is {SECRET}", ids)
        for status in Status
        for ids in ((), ("S01",), ("P01", "P04"), ("S01+S03",), ("A02",), ("C3", "F01"), ("X99",))
    ]
    papers = [Paper(f"s{n}", (replace(one, right=SECRET, repeated=n % 2 == 0),)) for n, one in enumerate(found)]
    return replace(GRADES, papers=tuple(papers))


@pytest.mark.parametrize("release", [Release.MARKS, Release.HINTS])
def test_no_format_holds_the_right_answer_unless_all_is_released(release):
    for name, document in written(told(release, secretive())).items():
        assert SECRET not in document, name


def test_in_full_every_detailed_format_holds_the_right_answer():
    documents_ = written(told(Release.FULL, secretive()))

    assert {name for name, document in documents_.items() if SECRET in document} == {"text", "json", "md", "gradescope"}


def test_marks_tell_neither_mistakes_nor_hints():
    for name, document in written(told(Release.MARKS)).items():
        for kept in ("S01", "P01", "padding", "mistake", "follow", "weights at all"):
            assert kept not in document, (name, kept)
    assert text.write(told(Release.MARKS), explain=True).splitlines()[1:4] == [
        "s02   5 / 12", "  a  60x60x32   0/2", "  b  30x30x32   2/2",
    ]  # fmt: skip


def test_hints_name_the_mistake_and_give_the_sheet_s_hints():
    lines = text.write(told(Release.HINTS), explain=True).splitlines()

    assert "  b  30x30x32   2/2  follow-through: right from your own earlier answers" in lines
    assert any(re.match(r"  a  60x60x32   0/2  S01     you would get this if you .*padding", line) for line in lines)
    assert lines[lines.index("s03   8 / 12") - 2] == "       hint: Which of the layers have weights at all?"


def test_a_rounded_right_answer_is_followed_by_the_exact_one_where_the_sheet_says_so():
    shows = read_sheet(SHEET.source.text.replace("marking: {", "marking: {show_exact: after_correct, "), "s", "yaml")
    grades = replace(GRADES, papers=(paper("s1", verdict("d", "20.93k", Status.CORRECT, 1)),))
    line = "  d  20.93k     4/4  exactly 20,928"

    assert line in text.write(report(grades, shows), explain=True).replace("correct: ", "")
    assert "20,928" not in text.write(report(grades, shows, Release.HINTS), explain=True)
    assert "20,928" not in text.write(report(grades, SHEET), explain=True)
    assert "exactly" not in text.write(report(replace(GRADES, papers=(paper("s1"),)), shows), explain=True)


# What strangers write is shown and never obeyed.

HOSTILE = ["=cmd|' /C calc'!A0", "+1+1", "-2", "@SUM(A1)", "\t=1", "\r=1", " =1", "\n=1", "\uff1d1", "|x", "%0A"]


@pytest.mark.parametrize("cell", HOSTILE)
def test_no_cell_begins_as_a_formula(cell):
    assert neutral(cell).startswith("'")
    grades = replace(GRADES, papers=(paper(cell, verdict("a", cell, Status.UNREADABLE, None)),))
    (row,) = list(table.reader(io.StringIO(csv.write(told(grades=grades)))))[1:]
    assert not any(one.strip().startswith(("=", "+", "-", "@", "|", "%", "\uff1d")) for one in row)


@given(st.text())
def test_every_cell_is_one_plain_line(cell):
    found = neutral(cell)

    assert "\n" not in found
    assert not found.startswith(("=", "+", "-", "@", "\t", "\r"))


@pytest.mark.parametrize("name", ["ok", "64x64x32", "20,928", "s-1", "1.79E+03"])
def test_what_is_no_formula_stays_as_it_is(name):
    assert neutral(name) == name


def test_a_terminal_and_markdown_show_signs_that_they_could_obey():
    answer = "\x1b[2J\u202e`x`|<script>*b*\n# h"
    grades = replace(GRADES, papers=(paper(f"s*1*|{answer}", verdict("a", answer, Status.UNREADABLE, None, answer)),))
    made = told(grades=grades)

    for document in (text.write(made, explain=True), markdown.write(made, explain=True)):
        assert "\x1b" not in document
        assert "\u202e" not in document
    marked = markdown.write(made, explain=True)
    assert "\n# h" not in marked
    assert [line for line in marked.splitlines() if line.count("|") - line.count("\\|") not in (0, 3, 4, 6, 8)] == []
    assert not re.search(r"(?<!`)(?<!\\)<script>", re.sub(r"(`+).+?\1", "", marked))


@pytest.mark.parametrize(
    ("student", "name"),
    [
        ("s01", "s01"), ("../../etc/passwd", "%2E./..%2Fetc%2Fpasswd"), ("a/b", "a%2Fb"), ("Ada L", "Ada%20L"),
        (".", "%2E"), ("..", "%2E%2E"), ("CON", "%CON"), ("é", "%E9"), ("x.", "x%2E"), ("", "%"),
    ],
)  # fmt: skip
def test_a_file_is_named_after_its_student_and_stays_in_its_folder(student, name):
    found = file_name(student, set())

    assert "/" not in found
    assert "\\" not in found
    assert not found.startswith(".")
    if student != "../../etc/passwd":
        assert found == name


def test_students_whose_names_differ_by_case_have_files_of_their_own():
    taken: set[str] = set()

    assert [file_name(one, taken) for one in ("s1", "S1", "s1~2")] == ["s1", "S1~2", "s1%7E2"]
