"""`archdsl check`: which rules, which outputs, standard input, and looking again when a file changes."""

from __future__ import annotations

import io
import json
import os
import re
import sys
from pathlib import Path

import pytest

from archdsl.cli import run
from archdsl.cli.watching import PAUSE, watch

SOUND = "model Net {\n  input x: [3, 8, 8]\n  output x -> c: Conv2d(8, 3)\n}\n"
LINTED = "model Net {\n  input x: [3, 8, 8]\n  y = x -> Tanh\n  output x -> Conv2d(8, 3) -> b: BatchNorm2d\n}\n"
BROKEN = "model Net {\n  input x: [3, 8, 8]\n  output x -> c: Cnv2d(8, 3)\n}\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Stand in a folder with a sound file, one with three lints, and a broken one."""
    for name, text in (("sound", SOUND), ("linted", LINTED), ("broken", BROKEN)):
        (tmp_path / f"{name}.arch").write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def codes(arguments, capsys):
    run(["check", *arguments, "--format", "concise"])
    return re.findall(r"\[([EW]\d{4})\]", capsys.readouterr().out)


# fmt: off
SELECTIONS = [
    ("all",                  [],                                           ["E0201", "W0401", "W0203", "W0412"]),
    ("a code",               ["--select", "W0412"],                        ["W0412"]),
    ("how codes begin",      ["--select", "W04"],                          ["W0401", "W0412"]),
    ("small letters",        ["--select", "w04"],                          ["W0401", "W0412"]),
    ("a name",               ["--select", "bias-before-norm"],             ["W0412"]),
    ("two with a comma",     ["--select", "W0203,unused-tensor"],          ["W0401", "W0203"]),
    ("two options",          ["--select", "E", "--select", "W0203"],       ["E0201", "W0203"]),
    ("not these",            ["--ignore", "W"],                            ["E0201"]),
    ("not one by its name",  ["--ignore", "unlabelled"],                   ["E0201", "W0401", "W0412"]),
    ("some, but not all",    ["--select", "W04", "--ignore", "W0401"],     ["W0412"]),
]
# fmt: on


@pytest.mark.parametrize(("options", "expected"), [c[1:] for c in SELECTIONS], ids=[c[0] for c in SELECTIONS])
def test_rules_are_chosen_by_codes_and_names(folder, capsys, options, expected):
    assert codes([".", *options], capsys) == expected


# fmt: off
MISUSES = [
    ("an unknown name",          ["--select", "bias-befor-norm"],          "did you mean `bias-before-norm`"),
    ("an unknown code",          ["--ignore", "W0499"],                    "did you mean `W04"),
    ("nothing at all",           ["--select", ""],                         "there is no rule ``"),
    ("a report without a path",  ["--report", "json"],                     "FORMAT=PATH"),
    ("an unknown report",        ["--report", "yaml=x"],                   "sarif"),
    ("a report to stdout",       ["--report", "json=-"],                   "FORMAT=PATH"),
    ("one file for two reports", ["--report", "json=x", "--report", "sarif=x"], "twice"),
    ("statistics of lines",      ["--statistics", "--format", "github"],   "--statistics"),
    ("unsafe without fix",       ["--unsafe-fixes"],                       "--fix"),
    ("watching and mending",     ["--watch", "--fix"],                     "--watch"),
    ("watching stdin",           ["--watch", "-"],                         "--watch"),
    ("mending a pipeline",       ["-e", "[3, 8, 8] -> ReLU", "--fix"],     "-e"),
    ("a pipeline and a file",    ["-e", "[3, 8, 8] -> ReLU", "sound.arch"], "-e"),
    ("mending stdin and a file", ["--fix", "-", "sound.arch"],             "`-`"),
    ("a mended stdin as JSON",   ["--fix", "-", "--format", "json"],       "--report"),
]
# fmt: on


@pytest.mark.parametrize(("arguments", "said"), [c[1:] for c in MISUSES], ids=[c[0] for c in MISUSES])
def test_misuse_leaves_with_2_before_anything_is_written(folder, capsys, arguments, said):
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    code = run(["check", *arguments])
    out, err = capsys.readouterr()

    assert (code, out) == (2, "")
    assert said in err
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_statistics_count_each_rule_the_most_frequent_first(folder, capsys):
    (folder / "again.arch").write_text(LINTED, encoding="utf-8")
    code = run(["check", "linted.arch", "again.arch", "sound.arch", "--statistics", "--ignore", "W0401"])
    out = capsys.readouterr().out

    assert code == 0
    assert out.splitlines()[:2] == ["     2  W0203  unlabelled", "     2  W0412  bias-before-norm"]

    run(["check", ".", "--statistics", "--format", "json"])
    made = json.loads(capsys.readouterr().out)
    assert made["statistics"][-1] == {"code": "E0201", "rule": "unknown-layer", "count": 1}
    assert sum(row["count"] for row in made["statistics"]) == len(made["diagnostics"]) == 7


# fmt: off
CODES = [
    ("errors",                 ["broken.arch"],                                    1),
    ("warnings",               ["linted.arch"],                                    0),
    ("warnings, strict",       ["linted.arch", "--strict"],                        1),
    ("errors, in any case 0",  ["broken.arch", "--exit-zero"],                     0),
    ("strict and in any case 0", ["linted.arch", "--strict", "--exit-zero"],       0),
    ("errors that are ignored", ["broken.arch", "--ignore", "E0201"],              0),
    ("one of several files",   ["sound.arch", "broken.arch"],                      1),
    ("nothing",                ["sound.arch", "--strict"],                         0),
    ("a missing file",         ["gone.arch", "--exit-zero"],                       2),
]
# fmt: on


@pytest.mark.parametrize("form", ["text", "concise", "json", "jsonl", "github", "sarif"])
@pytest.mark.parametrize(("arguments", "code"), [c[1:] for c in CODES], ids=[c[0] for c in CODES])
def test_the_exit_code_is_the_same_in_every_format(folder, capsys, arguments, code, form):
    assert run(["check", *arguments, "--format", form]) == code


def test_several_outputs_are_written_in_one_run(folder, capsys):
    reports = ("text=o.txt", "json=o.json", "jsonl=o.jsonl", "concise=o.concise", "github=o.github", "sarif=o.sarif")
    code = run(["check", ".", *(word for report in reports for word in ("--report", report))])
    capsys.readouterr()
    texts = {name.partition("=")[0]: Path(name.partition("=")[2]).read_text(encoding="utf-8") for name in reports}

    assert code == 1
    assert texts["text"].count("-->") == 4
    assert texts["text"].endswith("1 error, 3 warnings in 3 files, 3 models\n")
    assert len(json.loads(texts["json"])["diagnostics"]) == 4
    assert [json.loads(line)["code"] for line in texts["jsonl"].splitlines()][:1] == ["E0201"]
    assert len(texts["concise"].splitlines()) == len(texts["github"].splitlines()) == 4
    assert json.loads(texts["sarif"])["runs"][0]["invocations"] == [{"executionSuccessful": True, "exitCode": 1}]
    for kind in texts:
        assert run(["check", ".", "--format", kind]) == 1
        printed = capsys.readouterr().out
        assert kind == "text" or printed == texts[kind]


def test_a_file_that_several_import_is_told_of_once(folder, capsys):
    for name in ("a", "b"):
        text = SOUND.replace("c: Conv2d(8, 3)", "Part")
        (folder / f"{name}.arch").write_text(f"from part import Part\n{text}", encoding="utf-8")
    (folder / "part.arch").write_text("seq Part = Tanh => Tanh\n", encoding="utf-8")

    assert codes(["a.arch", "b.arch", "part.arch"], capsys) == ["E0101"]


class Standard:
    """Standard input with bytes in it."""

    def __init__(self, text):
        self.buffer = io.BytesIO(text.encode())


def test_standard_input_is_called_what_the_option_says_and_imports_from_beside_it(folder, capsys, monkeypatch):
    (folder / "nets").mkdir()
    (folder / "nets" / "part.arch").write_text("seq Part = Tanh\n", encoding="utf-8")
    text = "from part import Part\nmodel Net {\n  input x: [3, 8, 8]\n  output x -> Part -> Cnv2d(8, 3)\n}\n"
    monkeypatch.setattr(sys, "stdin", Standard(text))
    code = run(["check", "-", "--stdin-filename", "nets/new.arch", "--format", "concise"])
    out = capsys.readouterr().out

    assert code == 1
    assert out == "nets/new.arch:4:23: error[E0201] there is no layer or block `Cnv2d` [fix]\n"


class Hands:
    """What somebody does at each pause, and Ctrl-C at the end."""

    def __init__(self, *steps):
        self.steps = list(steps)
        self.pauses = 0

    def __call__(self, seconds):
        assert seconds == PAUSE == 0.2
        self.pauses += 1
        if not self.steps:
            raise KeyboardInterrupt
        if step := self.steps.pop(0):
            step()


def rewritten(path, text):
    def step():
        path.write_text(text, encoding="utf-8")
        os.utime(path, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns + 1_000_000))

    return step


def test_watching_runs_again_when_a_file_changes_and_not_before(tmp_path, capsys):
    path = tmp_path / "net.arch"
    path.write_text(SOUND, encoding="utf-8")
    runs = []

    def look():
        runs.append(path.read_text(encoding="utf-8"))
        return [path]

    hands = Hands(None, None, rewritten(path, LINTED), None, None)
    with pytest.raises(KeyboardInterrupt):
        watch(look, sleep=hands, clock=lambda: "12:34:56")

    assert runs == [SOUND, LINTED]
    assert hands.pauses == 6
    assert capsys.readouterr().err == "12:34:56  watching 1 file; Ctrl-C ends it\n12:34:56  net.arch changed\n"


def test_watching_prints_the_result_again_and_ends_with_130(folder, capsys, monkeypatch):
    hands = Hands(rewritten(folder / "sound.arch", BROKEN), None, rewritten(folder / "sound.arch", SOUND))
    monkeypatch.setattr(watch, "__kwdefaults__", {"sleep": hands, "clock": lambda: "12:34:56"})
    code = run(["check", "sound.arch", "--watch"])
    out, err = capsys.readouterr()

    assert code == 130
    assert [line.partition(" in ")[0] for line in out.splitlines() if " in " in line] == [
        "no problems", "1 error", "no problems",
    ]  # fmt: skip
    assert err.count("12:34:56  sound.arch changed\n") == 2
    assert err.endswith("interrupted\n")


def test_watching_a_folder_sees_imports_and_files_that_come_and_go(folder, capsys, monkeypatch):
    for name in ("linted", "broken"):
        (folder / f"{name}.arch").unlink()
    nets = folder / "nets"
    nets.mkdir()
    (nets / "net.arch").write_text("from part import Part\n" + SOUND.replace("-> c", "-> Part -> c"), encoding="utf-8")
    (nets / "part.arch").write_text("seq Part = Tanh\n", encoding="utf-8")
    steps = (
        rewritten(nets / "part.arch", "seq Part = Tahn\n"),
        rewritten(nets / "new.arch", SOUND),
        (nets / "new.arch").unlink,
    )
    monkeypatch.setattr(watch, "__kwdefaults__", {"sleep": Hands(*steps), "clock": lambda: "0"})
    run(["check", "nets", "--watch"])
    out, err = capsys.readouterr()

    assert [line for line in out.splitlines() if " in " in line] == [
        "no problems in 2 files, 1 model",
        "1 error in 2 files, 1 model",
        "1 error in 3 files, 2 models",
        "1 error in 2 files, 1 model",
    ]
    assert re.findall(r"0  (.*) changed", err) == ["part.arch", "new.arch", "new.arch"]


def test_watching_goes_on_when_the_file_is_gone_for_a_while(folder, capsys, monkeypatch):
    path = folder / "sound.arch"
    hands = Hands(path.unlink, None, rewritten(path, SOUND))
    monkeypatch.setattr(watch, "__kwdefaults__", {"sleep": hands, "clock": lambda: "0"})
    code = run(["check", "sound.arch", "--watch"])
    out, err = capsys.readouterr()

    assert code == 130
    assert "there is no file sound.arch" in err
    assert out.count("no problems") == 2
