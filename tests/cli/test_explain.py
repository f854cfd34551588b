"""`archdsl explain` as a person types it."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from archdsl.cli import run
from archdsl.rules import RULES
from archdsl.rules.exam import EXAM_RULES

ROOT = Path(__file__).resolve().parents[2]

# fmt: off
TITLES = [
    (["E0305"],                                                    "  E0305  linear-on-map"),
    (["305"],                                                      "  E0305  linear-on-map"),
    (["linear-on-map"],                                            "  E0305  linear-on-map"),
    (["mat1", "and", "mat2", "shapes", "cannot", "be", "multiplied"], "  E0305  linear-on-map"),
    (["mat1 and mat2 shapes cannot be multiplied (1x2 and 3x4)"],  "  E0305  linear-on-map"),
    (["Conv2d"],                                                   "  Conv1d, Conv2d, Conv3d"),
    (["Dense"],                                                    "  Linear"),
    (["language"],                                                 "  The language"),
    (["language", "types"],                                        "  Types: what a parameter may be"),
    (["--list"],                                                   "  Every code"),
]
# fmt: on


@pytest.mark.parametrize(("arguments", "title"), TITLES, ids=[" ".join(a) for a, _ in TITLES])
def test_a_page_is_printed_to_stdout_and_nothing_to_stderr(arguments, title, capsys):
    code = run(["explain", *arguments])
    out, err = capsys.readouterr()

    assert (code, err) == (0, "")
    assert out.startswith(title)


def test_a_word_of_another_library_is_told_to_be_one(capsys):
    run(["explain", "GlobalAveragePooling2D"])

    assert (
        "`GlobalAveragePooling2D` is what others call it; a spec writes `AdaptiveAvgPool2d(1)`."
        in capsys.readouterr().out
    )


def test_several_pages_are_the_best_one_and_the_names_of_the_others(capsys):
    code = run(["explain", "Sizes of tensors must match except in dimension 1"])
    out = capsys.readouterr().out

    assert code == 0
    assert out.startswith("  E0302  concat-mismatch")
    assert "Other pages that may be meant\n    archdsl explain W0410\n" in out


def test_nothing_found_is_exit_code_1_with_what_may_be_meant(capsys):
    code = run(["explain", "Conv2x"])
    out, err = capsys.readouterr()

    assert (code, out) == (1, "")
    assert "no page is about `Conv2x`; did you mean `Conv2d`" in err
    assert "archdsl explain --list" in err


def test_nothing_asked_is_misuse(capsys):
    assert run(["explain"]) == 2
    assert "--list shows every code" in capsys.readouterr().err


def test_a_traceback_comes_through_a_pipe(capsys, monkeypatch):
    pasted = b"Traceback (most recent call last):\n\xff\nRuntimeError: in_channels must be divisible by groups\n"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(pasted)))

    assert run(["explain", "-"]) == 0
    assert capsys.readouterr().out.startswith("  E0304")


def test_the_list_as_json_has_every_code(capsys):
    run(["explain", "--list", "--format", "json"])
    made = json.loads(capsys.readouterr().out)

    assert made["schema"] == "archdsl/explain@1"
    assert [rule["code"] for rule in made["rules"]] == [*RULES, *EXAM_RULES]


@pytest.mark.parametrize(
    ("typed", "kind"), [("E0305", "rule"), ("Conv2d", "layer"), ("language", "language"), ("out of memory", "message")]
)
def test_json_says_what_kind_of_page_it_is(typed, kind, capsys):
    run(["explain", typed, "--format", "json"])
    made = json.loads(capsys.readouterr().out)

    assert (made["schema"], made["kind"]) == ("archdsl/explain@1", kind)


def test_json_of_several_pages_names_the_others(capsys):
    run(["explain", "Sizes of tensors must match", "--format", "json"])
    made = json.loads(capsys.readouterr().out)

    assert made["code"] == "E0302"
    assert [other["name"] for other in made["others"]] == ["W0410"]


def test_markdown_is_written_to_a_file_whole(tmp_path, capsys):
    path = tmp_path / "language.md"

    assert run(["explain", "language", "--format", "md", "-o", str(path)]) == 0
    assert path.read_text(encoding="utf-8").startswith("# The language\n")
    assert capsys.readouterr().out == ""


def test_colour_is_as_asked(capsys):
    run(["explain", "E0305", "--color", "always"])
    assert "\x1b[" in capsys.readouterr().out
    run(["explain", "E0305", "--color", "never"])
    assert "\x1b[" not in capsys.readouterr().out


def test_a_console_with_few_signs_gets_ascii():
    made = subprocess.run(
        [sys.executable, "-m", "archdsl", "explain", "Conv2d"],
        env={**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=True,
    )

    assert b"floor((n + padding before and after - reach) / stride) + 1" in made.stdout
    assert b"?" not in made.stdout


# fmt: off
HEAVY = {"jinja2", "matplotlib", "networkx", "numpy", "pandas", "pygments", "rich", "torch", "torchvision"}
COMMANDS = [
    ["explain", "E0305"],
    ["explain", "--list"],
    ["explain", "language"],
    ["explain", "Conv2d", "--format", "json"],
    ["explain", "mat1 and mat2"],
    ["ops"],
    ["ops", "Conv2d", "--format", "md"],
    ["new", "--list"],
    ["new", "lenet"],
    ["doctor"],
]
# fmt: on
PROBE = """
import json, sys
from archdsl.cli import run
status = run(sys.argv[1:])
print()
print(json.dumps({"status": status, "loaded": sorted({name.partition(".")[0] for name in sys.modules})}))
"""


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_the_manual_loads_nothing_heavy(arguments, tmp_path):
    made = subprocess.run(
        [sys.executable, "-c", PROBE, *arguments],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    answer = json.loads(made.stdout.splitlines()[-1])

    assert answer["status"] == 0, made.stderr
    assert HEAVY.isdisjoint(answer["loaded"])
