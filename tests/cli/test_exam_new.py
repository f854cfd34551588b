"""`archdsl exam new` as a person types it."""

from __future__ import annotations

import pytest

from archdsl.cli import run
from archdsl.exam.reading import read_sheet
from archdsl.exam.topics import topics


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def new(*arguments: str) -> int:
    return run(["exam", "new", *arguments])


def test_without_a_topic_all_are_listed(capsys):
    assert new() == 0
    out, err = capsys.readouterr()

    assert [line.split()[0] for line in out.splitlines()] == list(topics())
    assert "next: archdsl exam new TOPIC" in err


def test_a_sheet_is_written_that_can_be_generated_from(here, capsys):
    assert new("residual", "-o", "week5.yaml") == 0
    err = capsys.readouterr().err

    assert "archdsl exam generate week5.yaml --seed 1 --students s01,s02,s03" in err
    assert read_sheet(here / "week5.yaml").exam == "week5"
    assert run(["exam", "generate", "week5.yaml", "--seed", "1", "--students", "s01,s02,s03"]) == 0


def test_the_file_is_named_after_the_topic(here):
    assert new("receptive-field") == 0
    assert [p.name for p in here.iterdir()] == ["receptive-field.yaml"]


def test_a_dash_prints(here, capsys):
    assert new("pooling", "-o", "-") == 0
    assert "exam: pooling" in capsys.readouterr().out
    assert list(here.iterdir()) == []


def test_nothing_is_overwritten(here, capsys):
    (here / "pooling.yaml").write_text("mine", "utf-8")

    assert new("pooling") == 2
    assert (here / "pooling.yaml").read_text("utf-8") == "mine"
    assert "pooling.yaml is there already" in capsys.readouterr().err
    assert len(list(here.iterdir())) == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("residul",), "there is no topic `residul`; did you mean `residual`?"),
        (("zzz",), "`archdsl exam new` lists them"),
        (("pooling", "-o", "x.txt"), "the sheet is in YAML: x.yaml"),
        (("pooling", "-o", "none/x.yaml"), "there is no folder none"),
        (("pooling", "-o", "./"), "is a folder or no name"),
        (("-o", "x.yaml"), "-o needs a topic"),
    ],
)
def test_what_cannot_be_written_is_told(arguments, said, here, capsys):
    assert new(*arguments) == 2
    assert said in capsys.readouterr().err
    assert list(here.iterdir()) == []
