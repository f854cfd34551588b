"""`archdsl doctor` as a person types it."""

from __future__ import annotations

import importlib
import json
import os
import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

import archdsl
from archdsl.cli import doctor, run
from archdsl.lang import tables
from archdsl.ops import OPS
from archdsl.resources import specs
from archdsl.rules import RULES

ROOT = Path(__file__).resolve().parents[2]


def facts(capsys) -> dict:
    assert run(["doctor", "--format", "json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_versions_and_counts_are_those_there_are(capsys):
    made = facts(capsys)

    assert made["schema"] == "archdsl/doctor@1"
    assert made["version"] == archdsl.__version__
    assert made["python"] == platform.python_version()
    assert made["location"] == str(ROOT / "archdsl")
    assert made["specs"] == len(list(specs().glob("*.arch")))
    assert made["errors"] + made["lints"] == len(RULES)
    assert made["layers"] == len(OPS)
    assert made["problems"] == []


def test_what_is_required_and_the_extras_are_those_of_the_project(capsys):
    made = facts(capsys)

    assert made["requirements"]["lark"] == metadata.version("lark")
    assert [extra["name"] for extra in made["extras"]] == ["exam", "plot", "torch", "train"]
    (torch,) = [extra for extra in made["extras"] if extra["name"] == "torch"]
    assert torch == {
        "name": "torch",
        "packages": {"torch": metadata.version("torch")},
        "installed": True,
        "install": 'pip install "archdsl[torch]"',
    }


def test_the_text_is_one_paste(capsys):
    assert run(["doctor"]) == 0
    out, err = capsys.readouterr()

    assert err == ""
    assert out.startswith(f"  archdsl {archdsl.__version__}   ")
    for head in ("installed in", "terminal", "parser tables", "bundled", "requires", "extra torch", "extra plot"):
        assert f"\n  {head} " in out


def test_the_only_path_is_where_it_is_installed(capsys):
    run(["doctor"])
    out = capsys.readouterr().out.replace(str(ROOT / "archdsl"), "")

    assert str(Path.home()) not in out
    assert os.sep not in out


def _without(monkeypatch, *missing):
    real = metadata.version

    def version(package):
        if package in missing:
            raise metadata.PackageNotFoundError(package)
        return real(package)

    monkeypatch.setattr(metadata, "version", version)


def test_a_missing_extra_has_its_install_command_and_is_no_problem(capsys, monkeypatch):
    _without(monkeypatch, "torch")

    assert run(["doctor"]) == 0
    assert 'torch not installed    pip install "archdsl[torch]"' in capsys.readouterr().out


def test_a_missing_requirement_is_a_problem(capsys, monkeypatch):
    _without(monkeypatch, "numpy")

    assert run(["doctor"]) == 1
    assert "numpy is missing: `pip install numpy`" in capsys.readouterr().err


def test_no_bundled_spec_is_a_problem(capsys, monkeypatch):
    monkeypatch.setattr("archdsl.manual.starters.bundled", tuple)

    assert run(["doctor"]) == 1
    assert "no spec is bundled" in capsys.readouterr().err


def test_a_library_that_cannot_be_loaded_is_a_problem_and_the_rest_is_told(capsys, monkeypatch):
    def refuse(problems):
        raise ImportError("No module named 'lark'")

    monkeypatch.setattr(doctor, "_contents", refuse)

    assert run(["doctor"]) == 1
    out, err = capsys.readouterr()
    assert "requires" in out
    assert "archdsl cannot be loaded: No module named 'lark'" in err


def test_stale_tables_are_told(capsys, monkeypatch):
    pytest.importorskip("archdsl.lang._tables", reason="a checkout that was never installed has none")
    assert facts(capsys)["tables"] == "ready"

    monkeypatch.setattr(tables, "digest", lambda: "of another grammar")
    assert facts(capsys)["tables"] == "stale"


def test_absent_tables_are_told(capsys, monkeypatch):
    real = importlib.import_module

    def refuse(name, package=None):
        if name == "archdsl.lang._tables":
            raise ImportError(name)
        return real(name, package)

    monkeypatch.setattr(importlib, "import_module", refuse)

    assert doctor._tables() == "absent"


# fmt: off
COLOUR = [
    # options                   environment                              colour  because
    (["--color", "always"],     {},                                      True,   "--color always"),
    (["--color", "never"],      {"FORCE_COLOR": "1"},                    False,  "--color never"),
    ([],                        {"NO_COLOR": "1", "FORCE_COLOR": "1"},   False,  "NO_COLOR is set"),
    ([],                        {"FORCE_COLOR": "1"},                    True,   "FORCE_COLOR is set"),
    ([],                        {"CLICOLOR_FORCE": "1"},                 True,   "CLICOLOR_FORCE is set"),
    ([],                        {"CLICOLOR_FORCE": "0"},                 False,  "standard output is no terminal"),
    ([],                        {},                                      False,  "standard output is no terminal"),
]
# fmt: on


@pytest.mark.parametrize(("options", "environment", "colour", "because"), COLOUR)
def test_the_decision_about_colour_says_what_made_it(options, environment, colour, because, capsys, monkeypatch):
    for name in ("NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE"):
        monkeypatch.delenv(name, raising=False)
    for name, setting in environment.items():
        monkeypatch.setenv(name, setting)
    run(["doctor", "--format", "json", *options])
    terminal = json.loads(capsys.readouterr().out)["terminal"]

    assert (terminal["colour"], terminal["because"]) == (colour, because)


def test_nothing_of_the_extras_is_loaded():
    program = "import sys; from archdsl.cli import run; run(['doctor']); print(*sorted(m for m in ('torch', 'numpy', 'PIL', 'matplotlib') if m in sys.modules))"
    made = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        encoding="utf-8",
        check=True,
    )

    assert made.stdout.splitlines()[-1] == ""
