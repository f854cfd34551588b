"""`archdsl exam regrade` as a person types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from archdsl.cli import run

SHEET = """
exam: one
conventions: {bias: counted}
marking: {mistakes: {P01: 0.5}}
problems:
  - id: q1
    draw: {c: [64]}
    net: |
      input x: [3, 32, 32]
      output y = x -> conv: Conv2d(c, 3)
    parts:
      - {id: a, ask: params, marks: 4}
"""
CLASS = "student,q1.a\ns01,1792\ns02,1728\n"


@pytest.fixture
def graded(tmp_path, monkeypatch, capsys):
    """Grade a class, and change what P01 earns in the sheet."""
    monkeypatch.chdir(tmp_path)
    Path("sheet.yaml").write_text(SHEET, "utf-8")
    Path("class.csv").write_text(CLASS, "utf-8")
    assert run(["exam", "grade", "sheet.yaml", "class.csv", "--seed", "3", "--to", "json", "-o", "grades.json"]) == 0
    Path("new.yaml").write_text(SHEET.replace("P01: 0.5", "P01: 1"), "utf-8")
    capsys.readouterr()


def regrade(*arguments: str) -> int:
    return run(["exam", "regrade", *arguments])


def test_what_changed_is_told_with_its_reason(graded, capsys):
    assert regrade("new.yaml", "class.csv", "--previous", "grades.json") == 0
    out, err = capsys.readouterr()

    assert out.splitlines() == [
        "sheet: marking: P01 1/2 → 1",
        "",
        "s02  2 → 4 / 4",
        "  q1.a  1728       2/4 → 4/4  mistake P01: marking P01 1/2 → 1",
        "",
        "1 higher, 0 lower, 1 as before.   Why: marking P01 1/2 → 1 (1)",
    ]
    assert err == ""


def test_the_same_as_json(graded, capsys):
    assert regrade("new.yaml", "class.csv", "--previous", "grades.json", "--format", "json") == 0
    document = json.loads(capsys.readouterr().out)

    assert document["schema"] == "archdsl/regrade@1"
    assert document["changes"] == [
        {
            "student": "s02", "part": "q1.a", "answer": "1728",
            "before": {"marks": 2, "status": "mistake", "mistakes": ["P01"]},
            "after": {"marks": 4, "status": "mistake", "mistakes": ["P01"]},
            "why": ["marking P01 1/2 → 1"],
        }
    ]  # fmt: skip


def test_nothing_new_is_told_as_nothing(graded, capsys):
    assert regrade("sheet.yaml", "class.csv", "--previous", "grades.json") == 0
    assert capsys.readouterr().out == "0 higher, 0 lower, 2 as before.\n"


@pytest.mark.parametrize(
    ("previous", "said"),
    [
        ("none.json", "there is no file none.json"),
        ("class.csv", "this is no JSON"),
        ("marks.json", "these grades were released as `marks`"),
        (".", "cannot be read"),
    ],
)
def test_what_are_no_earlier_grades_exits_with_2(graded, capsys, previous, said):
    run(
        [
            "exam",
            "grade",
            "sheet.yaml",
            "class.csv",
            "--seed",
            "3",
            "--to",
            "json",
            "--release",
            "marks",
            "-o",
            "marks.json",
        ]
    )
    capsys.readouterr()

    assert regrade("sheet.yaml", "class.csv", "--previous", previous) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
