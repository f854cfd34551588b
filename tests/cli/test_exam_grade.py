"""`archdsl exam grade` as a person types it."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from archdsl.cli import run
from archdsl.exam import grading

# EXAM.md, example 1, with the totals that are printed there.
SHEET = """
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
      - {id: a, ask: shape(a), marks: 2, text: Output volume of **a**}
      - {id: b, ask: shape(b), marks: 2, after: [a], text: Output volume of **b**}
      - {id: c, ask: shape(c), marks: 2, after: [b], text: Output volume of **c**}
      - {id: d, ask: params, marks: 4, after: [a, b], text: Trainable parameters in total}
      - {id: e, ask: receptive_field(c), marks: 2, text: "Receptive field of one unit of **c** (side, in pixels)"}
    hints:
      d:
        - Which of the layers have weights at all?
"""
CLASS = """\
student,q1.a,q1.b,q1.c,q1.d,q1.e
s01,64x64x32,32x32x32,32x32x64,"20,928",10
s02,60x60x32,30x30x32,28x28x64,20.8k,8
s03,"(32, 64, 64)",32x32x16,64@32x32,11712,11
s04,32@64x64,32@32x32,64@32x32,2432 + 18496 = 20929,10 px
s05,64x64,32x32x32,see back,≈21k,
"""
MARKS = {
    "s01": [2, 2, 2, 4, 2],
    "s02": [0, 2, 1, 2, 0],
    "s03": [2, 0, 2, 4, 0],
    "s04": [2, 2, 2, 3, 2],
    "s05": [1, 2, None, 2, 0],
}
TOTALS = ["s01  12 / 12", "s02   5 / 12", "s03   8 / 12", "s04  11 / 12", "s05   5 / 12, one answer to read by hand"]
SUMMARY = "5 graded, mean 8.2/12, 1 held.   By mistake: S01 1, S14 1, P01/P02 1, R02/R06 1, R01/R08 1"


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Make the sheet and the class of the example the files of the working folder."""
    monkeypatch.chdir(tmp_path)
    Path("sheet3.yaml").write_text(SHEET, "utf-8")
    Path("answers.csv").write_text(CLASS, "utf-8")
    return tmp_path


def grade(*arguments: str) -> int:
    return run(["exam", "grade", "sheet3.yaml", *arguments])


def test_the_class_of_the_example_gets_the_marks_that_are_printed_there(files, capsys):
    assert grade("answers.csv") == 0
    out, err = capsys.readouterr()

    assert out.splitlines() == [*TOTALS, "", SUMMARY]
    assert err == ""
    assert grade("answers.csv", "--to", "json") == 0
    students = json.loads(capsys.readouterr().out)["students"]
    assert {one["student"]: [part["marks"] for part in one["parts"]] for one in students} == MARKS


def test_every_answer_that_is_not_plainly_right_is_explained(files, capsys):
    assert grade("answers.csv", "--explain") == 0
    lines = capsys.readouterr().out.splitlines()

    starts = [line.split("  ")[1].strip() + line[5:26].rstrip() for line in lines if line.startswith("  ")]
    assert starts == [
        "a60x60x32   0/2  S01", "b30x30x32   2/2  follo", "c28x28x64   1/2  S01", "d20.8k      2/4  P01/P",
        "e8          0/2  R02/R", "b32x32x16   0/2  S14", "d11712      4/4  follo", "e11         0/2  R01/R",
        "d2432 + 18496 = 20929", "a64x64      1/2  incom", "csee back   -    `see", "d≈21k       2/4  too c",
        "e           0/2  blank",
    ]  # fmt: skip
    assert [line for line in lines if not line.startswith("  ")] == [*TOTALS, "", SUMMARY]


def test_the_answers_are_never_changed_and_the_grades_are_written_whole(files, capsys):
    before = {path.name: path.read_bytes() for path in files.iterdir()}

    assert grade("answers.csv", "--to", "csv", "-o", "grades.csv") == 0
    assert {p.name: p.read_bytes() for p in files.iterdir() if p.name != "grades.csv"} == before
    assert Path("grades.csv").read_text("utf-8").splitlines()[2].startswith("s02,5,12,0,0,2,1,2,0,mistake,")
    assert capsys.readouterr() == ("", "wrote grades.csv\n")


def test_a_class_for_gradescope_is_a_folder_of_results(files, capsys):
    assert grade("answers.csv", "--to", "gradescope", "-o", "results") == 0
    found = {path.name: json.loads(path.read_text("utf-8")) for path in Path("results").iterdir()}

    assert sorted(found) == [f"s0{n}.json" for n in range(1, 6)]
    assert [test["score"] for test in found["s02.json"]["tests"]] == MARKS["s02"]
    assert "20,928" not in Path("results/s02.json").read_text("utf-8")  # students read it: the default is hints
    assert capsys.readouterr().err == "wrote 5 files in results\n"


def test_one_answer_is_graded_from_the_command_line(files, capsys):
    assert grade("q1.a=60x60x32", "--explain") == 0
    out, err = capsys.readouterr()

    assert out.splitlines()[0] == "answer  0 / 2"
    assert out.splitlines()[1].startswith("  a  60x60x32   0/2  S01")
    assert out.splitlines()[2:] == ["", "1 graded, mean 0.0/2.   By mistake: S01 1"]
    assert err == ""
    assert grade("q1.a=60x60x32", "q1.b=30x30x32") == 0
    assert capsys.readouterr().out.splitlines()[0] == "answer  2 / 4"


def test_folders_and_standard_input_are_graded(files, capsys, monkeypatch):
    Path("in").mkdir()
    for line in CLASS.splitlines()[1:3]:
        student, a, b, *_ = line.split(",")
        Path(f"in/{student}.yaml").write_text(f"q1.a: {a}\nq1.b: {b}\n", "utf-8")
    assert grade("in") == 0
    assert capsys.readouterr().out.splitlines()[:2] == ["s01  4 / 12", "s02  2 / 12"]

    monkeypatch.setattr(sys, "stdin", type("In", (), {"buffer": io.BytesIO(CLASS.encode())})())
    assert grade("-") == 0
    assert capsys.readouterr().out.splitlines()[:5] == TOTALS


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (CLASS + "s02,,,,,\n", "answers.csv:7:1"),
        (CLASS.replace("q1.e", "q1.f"), 'did you mean `q1.e`? `--map "q1.f=q1.e"`'),
        (CLASS.replace("student", "who"), '`--map "who=student"`'),
        (CLASS.replace('"20,928"', "20,928"), "7 cells in a table of 6 columns"),
        (CLASS.replace('"20,928"', '"20,928'), "it was opened in line 2; is the quote that closes it missing there?"),
        ("", "the file is empty"),
        ("student,q1.a,q1.b,q1.c,q1.d,q1.e\n", "there is no student"),
    ],
)
def test_a_broken_file_of_answers_exits_with_2_and_without_marks(files, capsys, text, said):
    Path("answers.csv").write_text(text, "utf-8")
    Path("grades.json").write_text("old", "utf-8")

    assert grade("answers.csv", "--to", "json", "-o", "grades.json") == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert Path("grades.json").read_text("utf-8") == "old"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["answer.csv"], "there is no file answer.csv; did you mean answers.csv?"),
        (["answers.csv", "--map", "q1.a"], "--map takes COLUMN=PART"),
        (["answers.csv", "--map", "x=q1.a"], "no file has a column `x`"),
        (["answers.csv", "--map", "q1.a=q1.z"], "the sheet has no part `q1.z`; did you mean"),
        (["answers.csv", "--map", "q1.a=q1.b", "--map", "q1.a=-"], "--map gives `q1.a` twice"),
    ],
)
def test_wrong_usage_exits_with_2_and_a_cure(files, capsys, arguments, said):
    assert grade(*arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err


def test_a_sheet_with_errors_grades_nobody(files, capsys):
    Path("sheet3.yaml").write_text(SHEET.replace("Conv2d(64, 3", "Conf2d(64, 3"), "utf-8")

    assert grade("answers.csv") == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "Conf2d" in err


def test_a_fault_of_ours_in_diagnosis_holds_the_answer_and_keeps_all_other_marks(files, capsys, monkeypatch):
    def fails(*_):
        raise ZeroDivisionError

    monkeypatch.setattr(grading, "diagnose", fails)
    assert grade("answers.csv", "--to", "json") == 0
    students = json.loads(capsys.readouterr().out)["students"]
    given = {one["student"]: [part["marks"] for part in one["parts"]] for one in students}

    assert given["s01"] == MARKS["s01"]
    assert given["s04"] == MARKS["s04"]
    assert given["s02"] == [None, 2, None, None, None]


def test_a_fault_of_ours_outside_diagnosis_gives_no_marks_at_all(files, capsys, monkeypatch):
    def fails(*_):
        raise ZeroDivisionError

    monkeypatch.setattr(grading.Judge, "paper", fails)
    assert grade("answers.csv", "--to", "csv", "-o", "grades.csv") == 70
    assert capsys.readouterr().out == ""
    assert not Path("grades.csv").exists()


# Variants.

DRAWN = """
exam: upsampling-quiz
conventions: {rounding: floor, layout: CHW, bias: counted}
problems:
  - id: up1
    draw:
      n: [14, 15, 16, 18, 20, 21, 24, 28]
      c: [8, 16, 24, 32]
      k: [3, 4, 5]
      s: [2, 3]
      p: [0, 1, 2]
      o: [8, 16, 32]
    require:
      - 0 < p < k
      - c != o
      - apart(T01, T02, T03, T05)
    net: |
      input x: [c, n, n]
      output y = x -> up: ConvTranspose2d(o, k, stride=s, padding=p)
    parts:
      - {id: a, ask: shape(up), marks: 2, choices: 5, text: "Into {{ o }} channels"}
      - {id: b, ask: params(up), marks: 2}
    hints:
      a: ["{{ n }} by {{ n }} enter"]
"""
# The truths, T02 and P01 that EXAM.md prints for seed 2026.
VARIANTS = "student,up1.a,up1.b\ns01,8x82x82,3200\ns02,8x42x42,2312\ns03,32x25x25,2336\n"


def test_every_student_is_graded_by_the_own_variant(files, capsys):
    Path("up.yaml").write_text(DRAWN, "utf-8")
    Path("up.csv").write_text(VARIANTS, "utf-8")

    assert run(["exam", "grade", "up.yaml", "up.csv", "--seed", "2026", "--to", "json", "--release", "hints"]) == 0
    document = json.loads(capsys.readouterr().out)
    parts = [part for one in document["students"] for part in one["parts"]]
    assert [(part["marks"], part["mistakes"]) for part in parts] == [
        (2, []), (0, ["P01"]), (0, ["T02"]), (2, []), (2, []), (2, []),
    ]  # fmt: skip
    assert parts[2]["hints"] == ["21 by 21 enter"]
    assert document["seed"] == "2026"


def test_a_sheet_that_draws_needs_the_seed(files, capsys):
    Path("up.yaml").write_text(DRAWN, "utf-8")
    Path("up.csv").write_text(VARIANTS, "utf-8")

    assert run(["exam", "grade", "up.yaml", "up.csv"]) == 2
    assert "`up1` draws values for each student: give the --seed" in capsys.readouterr().err


def test_a_letter_means_the_option_on_the_student_s_own_sheet(files, capsys):
    Path("up.yaml").write_text(DRAWN, "utf-8")
    students = ["s01", "s02", "s03"]
    arguments = ["exam", "generate", "up.yaml", "--seed", "2026", "--students", ",".join(students), "-o", "out"]
    assert run(arguments) == 0
    letters = {}
    for student, right in zip(students, ("8x82x82", "8x39x39", "32x25x25"), strict=True):
        page = Path(f"out/sheets/{student}.md").read_text("utf-8")
        letters[student] = next(line for line in page.splitlines() if right in line).split("**")[1]
    rows = [f"{student},({letter.lower()})," for student, letter in letters.items()]
    Path("up.csv").write_text("\n".join(["student,up1.a,up1.b", *rows]), "utf-8")
    capsys.readouterr()

    assert run(["exam", "grade", "up.yaml", "up.csv", "--seed", "2026", "--to", "json"]) == 0
    found = [one["parts"][0] for one in json.loads(capsys.readouterr().out)["students"]]
    assert [part["marks"] for part in found] == [2, 2, 2]
    assert found[0]["answer"] == f"({letters['s01'].lower()}): 8x82x82"
