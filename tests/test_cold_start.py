"""A command loads what it needs and nothing more: each is run in a fresh interpreter that names what it loaded."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import archdsl

CHECKOUT = Path(archdsl.__file__).resolve().parent.parent

# Runs one command as its script does; the last line of stdout names the libraries loaded after it.
PROBE = """
import json, sys
from archdsl.cli import main
status = 0
try:
    main()
except SystemExit as stop:
    status = stop.code
print()
print(json.dumps({"status": status or 0, "loaded": sorted({name.partition(".")[0] for name in sys.modules})}))
"""

NEVER = {"jinja2", "matplotlib", "networkx", "numpy", "pandas", "torch", "torchvision"}
TABLES = {"rich"}
LANGUAGE = {"lark"}

SHEET = CHECKOUT / "tests" / "readme" / "sheet.yaml"
RESNET = ("resnet.arch", "--model", "ResNet50")

# fmt: off
COMMANDS = [
    # arguments                                            must not be loaded
    (["--help"],                                           NEVER | TABLES | LANGUAGE),
    (["--version"],                                        NEVER | TABLES | LANGUAGE),
    (["analyze", "--help"],                                NEVER | TABLES | LANGUAGE),
    (["analyze", *RESNET],                                 NEVER),
    (["analyze", *RESNET, "--format", "json"],             NEVER | TABLES),
    (["analyze", *RESNET, "--format", "csv"],              NEVER | TABLES),
    (["check", "resnet.arch"],                             NEVER),
    (["check", "resnet.arch", "--format", "json"],         NEVER | TABLES),
    (["generate", "lenet.arch"],                           NEVER - {"jinja2"}),
    (["verify", "--help"],                                 NEVER | TABLES | LANGUAGE),
    (["train", "--help"],                                  NEVER | TABLES | LANGUAGE),
    (["experiment"],                                       NEVER | TABLES | LANGUAGE),
    (["exam", "check", str(SHEET)],                        NEVER),
    (["exam", "grade", str(SHEET), "q1.a=60x60x32"],       NEVER),
    (["exam", "new"],                                      NEVER),
    (["why", "resnet.arch", "conv1", "--model", "ResNet50"], NEVER),
]
# fmt: on


@pytest.mark.parametrize(("arguments", "unwanted"), COMMANDS, ids=[" ".join(c[0]) for c in COMMANDS])
def test_a_command_loads_nothing_heavy(arguments, unwanted, tmp_path):
    run = subprocess.run(
        [sys.executable, "-c", PROBE, *arguments],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT), "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    answer = json.loads(run.stdout.splitlines()[-1])

    assert answer["status"] == 0, run.stderr
    assert "click" in answer["loaded"]
    assert unwanted.isdisjoint(answer["loaded"]), sorted(unwanted & set(answer["loaded"]))


def test_the_package_alone_loads_none_of_its_libraries(tmp_path):
    libraries = NEVER | TABLES | LANGUAGE | {"click"}
    run = subprocess.run(
        [sys.executable, "-c", "import archdsl, sys; print(*sys.modules)"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=True,
    )

    assert libraries.isdisjoint(run.stdout.split())


@pytest.mark.parametrize(
    "arguments", [["exam", "check", str(SHEET)], ["exam", "new", "shapes"], ["exam", "practise", "shapes"]]
)
def test_without_its_extra_a_command_says_how_to_get_it(arguments, tmp_path):
    program = "import sys; sys.modules['ruamel'] = None; from archdsl.cli import main; main()"
    run = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT), "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert (run.returncode, run.stdout) == (3, "")
    assert 'pip install "archdsl[exam]"' in run.stderr
