"""`archdsl exam` with files of the language, as a person types it."""

from __future__ import annotations

import io
import json
import sys

import pytest

from archdsl.cli import run

QUIZ = """\
from resnet import Bottleneck, ResNet

model ResNet50 = ResNet(unit=Bottleneck, depths=[3, 4, 6, 3])

test ResNet50(H=224, W=224) {
    expect params("conv1") == ?          # 7x7, without biases
    expect receptive_field("layer1") == ?
    expect shape("layer2.0.conv2") == [128, 28, 28]
    expect macs == 4.09G within 1%
}
"""
# Published: torchvision's conv1 has 64*3*7*7 = 9,408 weights. By hand: 7 + 2*2 + 3*(2*4) = 35 pixels.
FILLED = QUIZ.replace('"conv1") == ?', '"conv1") == 9_408').replace('"layer1") == ?', '"layer1") == 35')


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "quiz.arch").write_text(QUIZ, "utf-8")
    return tmp_path


def exam(*arguments: str) -> int:
    return run(["exam", *arguments])


# check


@pytest.mark.parametrize("name", ["resnet.arch", "resnet"])
def test_a_bundled_spec_is_right(here, capsys, name):
    assert exam("check", name) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "43 keys right."


def test_a_name_that_is_nearly_a_bundled_spec_is_helped(here, capsys):
    assert exam("check", "resnt.arch") == 2
    assert "did you mean resnet.arch?" in capsys.readouterr().err


def test_given_values_are_checked_and_blanks_have_no_key(here, capsys):
    assert exam("check", "quiz.arch") == 0

    out = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in out] == ["resnet50.3", "resnet50.4", "2"]
    assert out[-1] == "2 keys right; 2 of 4 parts have none."


def test_the_mistake_behind_a_wrong_value_is_named(here, capsys):
    (here / "quiz.arch").write_text(FILLED.replace("9_408", "9_409"), "utf-8")

    assert exam("check", "quiz.arch") == 1
    assert "WRONG  computed 64 · 3 · 7 · 7 = 9,408" in capsys.readouterr().out


def test_errors_are_told_in_the_file(here, capsys):
    (here / "quiz.arch").write_text(QUIZ.replace('"conv1"', '"convl"'), "utf-8")

    assert exam("check", "quiz.arch") == 1
    assert "quiz.arch:6:20" in capsys.readouterr().err


# solve


def test_blanks_are_worked_out(here, capsys):
    assert exam("solve", "quiz.arch", "--brief") == 0

    out = capsys.readouterr().out
    assert "9,408 parameters" in out
    assert "35" in out
    assert "layer2" not in out


def test_without_blanks_everything_is_worked_out(here, capsys):
    (here / "quiz.arch").write_text(FILLED, "utf-8")

    assert exam("solve", "quiz.arch", "--brief") == 0
    assert "128x28x28" in capsys.readouterr().out


def test_the_filled_in_file_is_printed_or_written_elsewhere(here, capsys):
    assert exam("solve", "quiz.arch", "--to", "arch") == 0
    assert capsys.readouterr().out == FILLED

    assert exam("solve", "quiz.arch", "--to", "arch", "-o", "key.arch") == 0
    assert (here / "key.arch").read_text("utf-8") == FILLED
    assert (here / "quiz.arch").read_text("utf-8") == QUIZ
    assert run(["check", "key.arch"]) == 0


def test_a_sheet_is_filled_in_where_that_is_asked_for(here):
    assert exam("solve", "quiz.arch", "--fill") == 0
    assert (here / "quiz.arch").read_text("utf-8") == FILLED
    assert [path.name for path in here.iterdir()] == ["quiz.arch"]


def test_ends_of_lines_stay_as_they_are(here):
    (here / "quiz.arch").write_bytes(QUIZ.replace("\n", "\r\n").encode())

    assert exam("solve", "quiz.arch", "--fill") == 0
    assert (here / "quiz.arch").read_bytes() == FILLED.replace("\n", "\r\n").encode()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["quiz.arch", "--to", "arch", "-o", "quiz.arch"], "--fill fills it in"),
        (["quiz.arch", "--to", "arch", "-o", "./quiz.arch"], "--fill fills it in"),
        (["quiz.arch", "--fill", "-o", "key.arch"], "give one of them"),
        (["resnet.arch", "--fill"], "is a bundled spec"),
        (["s.yaml", "--to", "arch"], "only a file of the language"),
    ],
)
def test_nothing_is_written_that_was_not_asked_for(here, capsys, arguments, said):
    (here / "s.yaml").write_text("exam: s\nproblems:\n  - {id: q1, parts: [{id: a, ask: 2 * 3}]}\n", "utf-8")

    assert exam("solve", *arguments) == 2
    assert said in capsys.readouterr().err
    assert (here / "quiz.arch").read_text("utf-8") == QUIZ
    assert not (here / "key.arch").exists()


def test_where_a_blank_has_no_answer_nothing_is_written(here, capsys):
    net = "model Net { input x: [3, H, W]\n output y = x -> Conv2d(2, 1) }\n"
    text = net + "test Net { expect params == ? expect macs == ? }\n"
    (here / "quiz.arch").write_text(text, "utf-8")

    assert exam("solve", "quiz.arch", "--fill") == 1
    assert "left open" in capsys.readouterr().err
    assert (here / "quiz.arch").read_text("utf-8") == text


# grade and the others


@pytest.fixture
def copies(here):
    folder = here / "copies"
    folder.mkdir()
    (folder / "s01.arch").write_text(FILLED, "utf-8")
    (folder / "s02.arch").write_text(QUIZ.replace('"conv1") == ?', '"conv1") == 64*3*7*7'), "utf-8")
    third = QUIZ.replace("[3, 4, 6, 3]", "[3, 4, 23, 3]").replace('"layer1") == ?', '"layer1") == somewhere')
    (folder / "s03.arch").write_text(third, "utf-8")
    return folder


def test_copies_are_graded_by_their_blanks(copies, capsys):
    assert exam("grade", "quiz.arch", "copies", "--to", "json") == 0

    found = capsys.readouterr()
    students = {one["student"]: one for one in json.loads(found.out)["students"]}
    parts = {id: {part["part"]: part["marks"] for part in one["parts"]} for id, one in students.items()}
    assert parts == {
        "s01": {"resnet50.1": 1, "resnet50.2": 1},
        "s02": {"resnet50.1": 1, "resnet50.2": 0},
        "s03": {"resnet50.1": 0, "resnet50.2": None},
    }
    told = "note: the network or its sizes are not those of the sheet, and the sheet's count, in s03\n"
    assert found.err == told


def test_copies_are_never_changed(copies):
    before = {path.name: path.read_bytes() for path in copies.iterdir()}

    assert exam("grade", "quiz.arch", "copies/s01.arch", "copies/s02.arch") == 0
    assert {path.name: path.read_bytes() for path in copies.iterdir()} == before


def test_a_copy_of_something_else_grades_nobody(copies, capsys):
    (copies / "s04.arch").write_text("model Net { }\n", "utf-8")

    assert exam("grade", "quiz.arch", "copies") == 2
    assert "the sheet tests ResNet50" in capsys.readouterr().err


def test_what_changed_is_told_by_grading_again(copies, capsys):
    assert exam("grade", "quiz.arch", "copies/s02.arch", "--to", "json", "-o", "before.json") == 0
    (copies / "s02.arch").write_text(FILLED, "utf-8")

    assert exam("regrade", "quiz.arch", "copies/s02.arch", "--previous", "before.json") == 0
    assert "1 higher" in capsys.readouterr().out


def test_the_blanks_are_exported_and_practised(here, capsys, monkeypatch):
    assert exam("export", "quiz.arch", "--to", "md", "-o", "out") == 0
    assert "md: 2 questions" in capsys.readouterr().err

    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    assert exam("practise", "quiz.arch") == 0
    assert "Question 1 of 2 (1 mark): Parameters of conv1" in capsys.readouterr().out
