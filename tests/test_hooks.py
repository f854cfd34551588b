"""The hooks for pre-commit: what they match, and that their commands run on a file."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from archdsl.cli import COMMANDS, run

HOOKS = {hook["id"]: hook for hook in YAML(typ="safe").load(Path(__file__).resolve().parent.parent / ".pre-commit-hooks.yaml")}  # fmt: skip
SOUND = "model Net {\n    input x: [3, 8, 8]\n    output x -> conv: Conv2d(8, 3)\n}\n"


def test_there_is_a_hook_to_check_and_one_to_format():
    assert HOOKS.keys() == {"archdsl-check", "archdsl-fmt"}


@pytest.mark.parametrize("hook", HOOKS.values(), ids=HOOKS)
def test_a_hook_installs_the_package_and_takes_spec_files_only(hook):
    program, command, *options = shlex.split(hook["entry"])

    assert (program, hook["language"], hook["types_or"]) == ("archdsl", "python", ["text"])
    assert command in COMMANDS
    assert options == []
    assert hook["name"]
    assert hook["description"].endswith(".")
    assert [bool(re.search(hook["files"], name)) for name in ("net.arch", "nets/a b.arch", "arch", "net.arch.py")] == [
        True, True, False, False,
    ]  # fmt: skip


# fmt: off
RUNS = [
    # what,                     hook,            text,                               code, text after it
    ("a sound file is checked", "archdsl-check", SOUND,                              0,    SOUND),
    ("a broken file is told of", "archdsl-check", SOUND.replace("Conv2d", "Cnv2d"),  1,    SOUND.replace("Conv2d", "Cnv2d")),
    ("a file is laid out",      "archdsl-fmt",   SOUND.replace("8, 3", "8,3"),       0,    SOUND),
    ("a laid out file stays",   "archdsl-fmt",   SOUND,                              0,    SOUND),
]
# fmt: on


@pytest.mark.parametrize(("id_", "text", "code", "after"), [c[1:] for c in RUNS], ids=[c[0] for c in RUNS])
def test_an_entry_runs_on_the_files_that_pre_commit_names(tmp_path, monkeypatch, capsys, id_, text, code, after):
    monkeypatch.chdir(tmp_path)
    for name in ("a.arch", "b.arch"):
        Path(name).write_text(text, encoding="utf-8")

    assert run([*shlex.split(HOOKS[id_]["entry"])[1:], "a.arch", "b.arch"]) == code
    assert [Path(name).read_text(encoding="utf-8") for name in ("a.arch", "b.arch")] == [after, after]
