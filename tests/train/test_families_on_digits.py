"""Every family learns: on handwritten digits for 15 epochs, U-Nets on drawn shapes, and is what its analysis says."""

from __future__ import annotations

import json
from importlib.util import find_spec

import pytest

torch = pytest.importorskip("torch")

from archdsl.cli import run  # noqa: E402

NEEDS_DIGITS = pytest.mark.skipif(
    find_spec("sklearn") is None, reason="scikit-learn, which brings the digits, is absent"
)

# fmt: off
FAMILIES = [
    # file             model               options beside the recipe for digits
    ("lenet.arch",     "LeNet5",           ["--lr", "0.1"]),
    ("lite.arch",      "VGGSmall",         ["--size", "8"]),
    ("lite.arch",      "ResNet20Lite",     ["--size", "8"]),
    ("lite.arch",      "DenseNetLite",     ["--size", "16"]),
    ("lite.arch",      "InceptionLite",    ["--size", "12"]),
    ("lite.arch",      "EfficientNetLite", ["--size", "12"]),
    ("lite.arch",      "DigitsNet",        ["--lr", "0.1"]),
]
# fmt: on


@NEEDS_DIGITS
@pytest.mark.parametrize(("file", "model", "options"), FAMILIES, ids=[row[1] for row in FAMILIES])
def test_a_family_reads_digits_and_is_what_its_analysis_says(file, model, options, tmp_path):
    status = run(["train", file, "--model", model, "--data", "digits", "--validation", "0", "--device", "cpu",
                  "--no-tensorboard", "-o", str(tmp_path / "run"), *options])  # fmt: skip
    record = json.loads((tmp_path / "run" / "record.json").read_text(encoding="utf-8"))
    states = {one["name"]: one["state"] for one in record["predictions"]}

    assert record["test"]["top1"] >= 0.98
    assert [name for name, state in states.items() if state == "failed"] == []
    assert {"parameters", "MACs of a step", "receptive fields", "accuracy beats linear"} <= states.keys()
    assert status == 0


@NEEDS_DIGITS
@pytest.mark.parametrize(("file", "model", "options"), FAMILIES[:1] + FAMILIES[3:4], ids=["LeNet5", "DenseNetLite"])
def test_one_batch_is_learned_by_heart(file, model, options, capsys):
    command = ["train", file, "--model", model, "--data", "digits", "--device", "cpu", "--overfit-batch", *options]

    assert run(command) == 0
    assert "one batch is learned" in capsys.readouterr().err


@pytest.mark.parametrize("depth", [1, 2])
def test_a_u_net_finds_shapes_and_is_what_its_analysis_says(depth, tmp_path):
    status = run(["train", "lite.arch", "--model", f"UNetLite{depth}", "--data", "synthetic-masks:1x32x32:3",
                  "--size", "32", "--limit", "240", "--epochs", "4", "--batch", "16", "--device", "cpu",
                  "--no-tensorboard", "-o", str(tmp_path / "run")])  # fmt: skip
    record = json.loads((tmp_path / "run" / "record.json").read_text(encoding="utf-8"))
    states = {one["name"]: one["state"] for one in record["predictions"]}

    assert [name for name, state in states.items() if state == "failed"] == []
    assert {"receptive fields", "loss at the start", "loss falls", "mIoU beats majority"} <= states.keys()
    assert status == 0
