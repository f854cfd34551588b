"""`archdsl exam export` as a person types it."""

from __future__ import annotations

from xml.etree import ElementTree
from zipfile import ZipFile

import pytest

from archdsl.cli import run
from archdsl.cli.exam.export import TARGETS
from archdsl.exam.exports import TARGETS as KNOWN
from oracles.exported import CHAIN, UPSAMPLING

BEYOND = """
exam: big
problems:
  - id: q1
    net: |
      input x: [3, 32, 32]
      output y = x -> conv: Conv2d(64, 3)
    parts:
      - {id: a, ask: params(conv)}
      - {id: b, ask: 2 ** 60 + params(conv)}
"""


@pytest.fixture
def up(tmp_path):
    path = tmp_path / "up.yaml"
    path.write_text(UPSAMPLING, encoding="utf-8")
    return str(path)


def test_the_command_offers_every_target():
    assert tuple(KNOWN) == TARGETS


def test_a_lone_text_goes_to_standard_output_and_the_report_beside_it(capsys):
    assert run(["exam", "export", str(CHAIN), "--to", "moodle"]) == 0

    out, err = capsys.readouterr()
    assert ElementTree.fromstring(out).tag == "quiz"
    assert err.startswith("moodle: 5 questions\n  follow-through not representable: 3 parts (q1.b, q1.c, q1.d)\n")


def test_several_files_go_into_a_folder_that_is_made(tmp_path, up, capsys):
    folder = tmp_path / "new" / "sheets"

    assert run(["exam", "export", up, "--to", "latex", "--variants", "3", "--seed", "2026", "-o", str(folder)]) == 0
    assert sorted(p.name for p in folder.iterdir()) == [f"upsampling-quiz-s0{i}.tex" for i in (1, 2, 3)]
    assert "wrote 3 files" in capsys.readouterr().err


def test_the_archive_for_canvas_is_a_file(tmp_path, up):
    path = tmp_path / "quiz.zip"

    assert run(["exam", "export", up, "--to", "qti", "-o", str(path)]) == 0
    with ZipFile(path) as archive:
        assert "imsmanifest.xml" in archive.namelist()


@pytest.mark.parametrize("target", TARGETS)
def test_every_target_can_be_written_into_a_folder(tmp_path, up, target):
    (tmp_path / "out").mkdir()

    assert run(["exam", "export", up, "--to", target, "--variants", "2", "-o", str(tmp_path / "out")]) == 0
    assert [p for p in (tmp_path / "out").rglob("*") if p.is_file()]
    assert not list((tmp_path / "out").rglob(".*"))


@pytest.mark.parametrize(("arguments", "said"), [
    (["--to", "md"],                        "give them a folder with -o FOLDER"),
    (["--to", "qti"],                       "give it a place with -o upsampling-quiz.zip"),
    (["--to", "moodl"],                     "moodle"),
    (["--to", "moodle", "--variants", "0"], "0 is not in the range"),
    ([],                                    "--to"),
])  # fmt: skip
def test_wrong_use_is_told_with_the_cure(up, capsys, arguments, said):
    assert run(["exam", "export", up, *arguments]) == 2
    assert said in capsys.readouterr().err


def test_several_files_do_not_replace_a_file(tmp_path, up, capsys):
    there = tmp_path / "there"
    there.write_text("mine", encoding="utf-8")

    assert run(["exam", "export", up, "--to", "md", "-o", str(there)]) == 2
    assert there.read_text(encoding="utf-8") == "mine"
    assert "is a file" in capsys.readouterr().err


def test_a_part_that_cannot_be_exported_is_told_and_the_others_are_written(tmp_path, capsys):
    sheet = tmp_path / "big.yaml"
    sheet.write_text(BEYOND, encoding="utf-8")

    assert run(["exam", "export", str(sheet), "--to", "moodle"]) == 1
    out, err = capsys.readouterr()
    assert "q1.a" in out
    assert "q1.b" not in out
    assert "q1.b cannot be exported: 1,152,921,504,606,848,768 is more than 2^53, which is not exact there" in err


def test_a_sheet_that_cannot_be_drawn_says_which_requirement_is_to_blame(tmp_path, capsys):
    sheet = tmp_path / "none.yaml"
    sheet.write_text(UPSAMPLING.replace("c != o", "c > 100"), encoding="utf-8")

    assert run(["exam", "export", str(sheet), "--to", "md", "-o", str(tmp_path / "out")]) == 1
    assert "c > 100" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_missing_sheet_is_told(tmp_path, capsys):
    assert run(["exam", "export", str(tmp_path / "no.yaml"), "--to", "md"]) == 2
    assert "there is no file" in capsys.readouterr().err
