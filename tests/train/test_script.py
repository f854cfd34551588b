"""The training script that is written: one file that stands alone, clean, and the same each time."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from archdsl.codegen import generate, was_edited
from archdsl.pipeline import load, loads, read
from archdsl.train import script
from archdsl.train.script import Clash, Untrainable, in_order, read_part, training_script

ROOT = Path(__file__).resolve().parents[2]
NET = """
model Net(classes: int = 10, channels: int = 3) {
    input image: [channels, H = 8, W = 8]
    output logits = image -> conv1: Conv2d(8, 3, padding=1) -> BatchNorm2d -> ReLU -> AdaptiveAvgPool2d(2)
        -> Flatten -> Dropout(0.1) -> fc: Linear(classes)
    output aux = image -> Conv2d(4, 1) -> AdaptiveAvgPool2d(1) -> Flatten -> Linear(classes) when training
}
"""
TWO = "model Two {\n    input a: [1, 8, 8]\n    input b: [1, 8, 8]\n    output a + b\n}\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a model and the script that trains it."""
    path = tmp_path_factory.mktemp("net")
    net = loads(NET)
    (path / "net.py").write_text(generate(net), encoding="utf-8")
    (path / "train_net.py").write_text(training_script(net, "net.py"), encoding="utf-8")
    return path


def imported(text):
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").partition(".")[0]


def test_it_needs_torch_and_the_standard_library_alone(folder):
    text = (folder / "train_net.py").read_text("utf-8")
    at_the_top = ast.Module([n for n in ast.parse(text).body if isinstance(n, ast.Import | ast.ImportFrom)], [])

    assert set(imported(ast.unparse(at_the_top))) - sys.stdlib_module_names == {"torch", "net"}
    assert set(imported(text)) - sys.stdlib_module_names == {"torch", "net", "PIL"}
    assert "archdsl.train" not in text


def test_it_is_the_same_each_time_and_knows_when_it_is_edited(folder):
    text = (folder / "train_net.py").read_text("utf-8")

    assert training_script(loads(NET), "net.py") == text
    assert not was_edited(text)
    assert was_edited(text.replace("0.9", "0.8", 1))


@pytest.mark.parametrize("command", [["check"], ["format", "--check"]])
def test_ruff_has_nothing_to_say(folder, command):
    pytest.importorskip("ruff")
    settings = ["--config", str(ROOT / "pyproject.toml"), "--no-cache"]
    ran = subprocess.run(
        [sys.executable, "-m", "ruff", *command, *settings, "train_net.py"], cwd=folder, capture_output=True, text=True
    )

    assert ran.returncode == 0, ran.stdout


def test_mypy_has_nothing_to_say(folder):
    pytest.importorskip("mypy")
    pytest.importorskip("torch")
    ran = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", os.devnull, "train_net.py"],
        cwd=folder,
        capture_output=True,
        text=True,
    )

    assert ran.returncode == 0, ran.stdout


def trained(folder, *arguments, processes=1):
    """Run the script with Python's own path only, so that nothing of ours can be imported."""
    program = [sys.executable, "-P"] if processes == 0 else [sys.executable]
    if processes > 1:
        program += ["-m", "torch.distributed.run", "--nproc-per-node", str(processes), "--master-port", "0"]
        program += ["--rdzv-backend", "c10d", "--rdzv-endpoint", "localhost:0"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    environment.pop("PYTHONPATH", None)
    ran = subprocess.run(
        [*program, "train_net.py", "--device", "cpu", "--no-tensorboard", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        env=environment,
        timeout=240,
    )
    assert ran.returncode == 0, ran.stderr
    return ran


def test_it_trains_in_one_process_and_in_two(folder):
    pytest.importorskip("torch")
    common = [
        "--data",
        "synthetic:1x8x8:4",
        "--limit",
        "200",
        "--epochs",
        "6",
        "--batch",
        "20",
        "--no-flip",
        "--crop",
        "0",
    ]
    trained(folder, *common, "-o", "one")
    trained(folder, *common, "-o", "two", processes=2)
    one, two = (json.loads((folder / name / "record.json").read_text()) for name in ("one", "two"))

    assert (one["arguments"], one["processes"], two["processes"]) == ({"classes": 4, "channels": 1}, 1, 2)
    for record in (one, two):
        assert record["status"] == "finished"
        assert record["test"]["top1"] > 0.8
        assert sum(map(sum, record["confusion"])) == record["data"]["test"]


def test_it_lists_its_options(folder):
    pytest.importorskip("torch")

    assert "--weight-decay" in trained(folder, "--help").stdout


def test_each_part_stands_below_what_it_needs():
    parts = in_order("command")
    seen: set[str] = set()
    for part in parts:
        assert set(part.needs) <= seen
        seen.add(part.name)

    assert {"loop", "losses", "checkpoint", "distributed", "datasets"} <= seen


# fmt: off
BROKEN = [
    ("from archdsl.train.parts.log import say as tell",      "imports under another name"),
    ("def f():\n    from archdsl.train.parts.log import say", "in the body of a function"),
    ("if True:\n    x = 1",                                    "when it is imported"),
    ("for x in ():\n    pass",                                 "when it is imported"),
    ("f()",                                                    "when it is imported"),
]
# fmt: on


@pytest.mark.parametrize(("text", "said"), BROKEN)
def test_a_part_that_a_single_file_could_not_say_is_refused(text, said):
    with pytest.raises(Clash, match=said):
        read_part("odd", text)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("def f(): ...", "f = 1"),
        ("import json", "def json(): ..."),
        ("from a import f", "from b import f"),
        ("from torch import distributed", "import distributed"),
    ],
)
def test_one_name_for_two_things_is_refused(one, other):
    with pytest.raises(Clash, match="is both that of"):
        script._refuse_clashes([read_part("one", one), read_part("other", other)])


def test_what_is_imported_by_several_parts_may_be_the_same():
    script._refuse_clashes([read_part("one", "from torch import nn"), read_part("other", "from torch import nn")])


@pytest.mark.parametrize(
    ("model_file", "said"), [("my-net.py", "letters, digits"), ("random.py", "library"), ("torch.py", "library")]
)
def test_a_file_that_cannot_be_imported_is_refused(model_file, said):
    with pytest.raises(Untrainable, match=said):
        training_script(loads(NET), model_file)


def test_a_model_that_takes_no_single_image_is_refused(tmp_path):
    with pytest.raises(Untrainable, match="Two does not take one image"):
        training_script(loads(TWO), "two.py")
    (tmp_path / "both.arch").write_text(NET + TWO, encoding="utf-8")
    notes: list[str] = []
    text = training_script(read(tmp_path / "both.arch"), "both.py", notes)

    assert notes == [
        "Two does not take one image of channels, height and width, and is left out of the training script"
    ]
    assert "build_two" not in text


SPECS = sorted((ROOT / "specs").glob("*.arch"))


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.stem)
def test_every_bundled_family_gets_a_script_that_is_python(spec):
    text = training_script(read(spec), f"{spec.stem}.py")

    compile(text, spec.name, "exec")
    assert "ARCHITECTURES = {" in text


def test_the_declared_size_of_a_model_is_in_its_script():
    text = training_script(load(ROOT / "specs/cifar_resnet.arch", "ResNet20"), "resnet20.py")

    assert '"ResNet20": Architecture("ResNet20", build_resnet20, (3, 32, 32), any_size=True),' in text


OPEN = """model Open(classes: int = 4, channels: int = 1) {
    input image: [channels, H, W]
    output logits = image -> Conv2d(2, 3) -> ReLU -> AdaptiveAvgPool2d(1) -> Flatten -> fc: Linear(classes)
}
"""


def test_a_height_and_a_width_that_are_left_open_are_0_in_the_script(tmp_path):
    (tmp_path / "open_net.arch").write_text(OPEN, encoding="utf-8")
    text = training_script(load(tmp_path / "open_net.arch", "Open"), "open_net.py")

    assert ", (1, 0, 0), any_size=True)," in text
