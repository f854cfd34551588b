"""`archdsl exam generate` as a person types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from archdsl.cli import run

UP = Path(__file__).parent.parent / "exam" / "sheets" / "up.yaml"


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def generate(*arguments: str, file: str = str(UP), seed: str = "2026", students: str = "s01,s02,s03") -> int:
    return run(["exam", "generate", file, "--seed", seed, "--students", students, *arguments])


def test_a_class_gets_sheets_keys_and_a_manifest(here, capsys):
    assert generate() == 0
    out, err = capsys.readouterr()
    folder = here / "upsampling-quiz-variants"

    assert "s02    21  32  3  2  2   8      18     8x39x39" in out
    assert out.endswith("3 variants, all different, all five options distinct.\n")
    assert err == "wrote upsampling-quiz-variants: 3 sheets, 3 keys, manifest.json\n"
    assert {p.relative_to(folder).as_posix() for p in folder.rglob("*.*")} == {
        "manifest.json", *(f"{kind}/s0{i}.md" for kind in ("sheets", "keys") for i in (1, 2, 3)),
    }  # fmt: skip
    assert "ConvTranspose2d(16, 8, kernel_size=5, stride=3, padding=2)" in (folder / "sheets/s01.md").read_text("utf-8")
    assert "3,208" not in (folder / "sheets/s01.md").read_text("utf-8")
    assert "**Answer: 3,208 parameters**" in (folder / "keys/s01.md").read_text("utf-8")


def test_the_manifest_has_the_values_and_the_codes_that_bring_them_back(here, capsys):
    assert generate("-o", "out", "--format", "json") == 0
    found = json.loads((here / "out/manifest.json").read_text("utf-8"))
    two = found["students"][1]

    assert (found["exam"], found["seed"], found["sheet"]["file"]) == ("upsampling-quiz", "2026", "up.yaml")
    assert two["student"] == "s02"
    assert two["problems"]["up1"] == {
        "code": "2026|up1|s02|17",
        "draws": 18,
        "values": {"n": 21, "c": 32, "k": 3, "s": 2, "p": 2, "o": 8},
    }
    printed = json.loads(capsys.readouterr().out)
    assert printed["students"] == found["students"]


def test_without_key_no_answer_is_written(here, capsys):
    assert generate("-o", "out") == 0
    assert generate("-o", "out", "--without-key") == 0

    assert sorted(p.name for p in (here / "out").iterdir()) == ["manifest.json", "sheets"]
    assert "key" not in json.loads((here / "out/manifest.json").read_text("utf-8"))["students"][0]


def test_the_same_command_writes_the_same_bytes(here):
    generate("-o", "one")
    generate("-o", "two")
    for path in (here / "one").rglob("*.*"):
        assert path.read_bytes() == (here / "two" / path.relative_to(here / "one")).read_bytes()


def test_students_come_from_a_table(here, capsys):
    (here / "class.csv").write_text("name,student\nAnn,s02\n", "utf-8")

    assert generate(students="class.csv") == 0
    assert "s02    21  32" in capsys.readouterr().out


def test_an_edited_folder_is_kept_unless_forced(here, capsys):
    generate("-o", "out")
    (here / "out/sheets/s01.md").write_text("mine", "utf-8")
    assert generate("-o", "out") == 2
    assert "sheets/s01.md in out changed since; --force writes over them" in capsys.readouterr().err

    assert (here / "out/sheets/s01.md").read_text("utf-8") == "mine"
    assert generate("-o", "out", "--force") == 0
    assert (here / "out/sheets/s01.md").read_text("utf-8") != "mine"


def test_ids_of_students_do_not_climb_out(here, capsys):
    assert generate("-o", "out", students="../../x,S01,s01,a/b") == 0

    assert {p.parent.name for p in here.rglob("*.md")} == {"sheets", "keys"}
    assert len({p.name.lower() for p in (here / "out/sheets").iterdir()}) == 4


def test_a_constraint_that_cannot_be_met_is_named_and_nothing_is_written(here, capsys):
    sheet = here / "never.yaml"
    sheet.write_text(UP.read_text("utf-8").replace("0 < p < k", "p > k"), "utf-8")

    assert generate(file="never.yaml") == 1
    err = capsys.readouterr().err
    assert "error[E0742]: `up1` cannot be drawn: `p > k` rejects 200 of 200 draws for s01" in err
    assert "never.yaml:14:9" in err
    assert [p.name for p in here.iterdir()] == ["never.yaml"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ({"students": "none.csv"}, 2, "there is no file none.csv"),
        ({"students": "a,a"}, 2, "a stands twice"),
        ({"students": ""}, 2, "a student has no id"),
        ({"seed": "a b"}, 2, "--seed takes a number or a word"),
        ({"file": "none.yaml"}, 2, "there is no file none.yaml"),
    ],
)
def test_what_cannot_be_done_is_told(arguments, code, said, capsys):
    assert generate(**arguments) == code
    assert said in capsys.readouterr().err


def test_a_table_without_students_is_pointed_at(here, capsys):
    (here / "class.csv").write_text("a,b\n1,2\n", "utf-8")

    assert generate(students="class.csv") == 2
    err = capsys.readouterr().err
    assert "no column is of students" in err
    assert "class.csv:1:1" in err


def test_a_folder_of_somebody_else_is_left_alone(here, capsys):
    (here / "out").mkdir()
    (here / "out/thesis.tex").write_text("mine", "utf-8")

    assert generate("-o", "out", "--force") == 2
    assert "out holds other files; name a new folder" in capsys.readouterr().err
