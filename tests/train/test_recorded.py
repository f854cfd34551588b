"""What lies under `generated/` of experiments and trainings is whole, says what its record says, and came out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("matplotlib")

from archdsl.train.experiments.catalogue import QUESTIONS
from archdsl.train.experiments.every import EXPERIMENTS
from archdsl.train.experiments.performing import report

GENERATED = Path(__file__).resolve().parents[2] / "generated"
TRAININGS = sorted((GENERATED / "training").glob("*.json"))
LARGEST = 60_000


def record_of(name: str):
    return json.loads((GENERATED / "experiments" / f"{name}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", sorted(QUESTIONS))
def test_a_full_run_of_every_experiment_is_kept_and_its_text_follows_from_its_record(name):
    record = record_of(name)
    stem = GENERATED / "experiments" / name

    assert record["experiment"] == name
    assert record["command"] == f"archdsl experiment {name}"
    assert not record["quick"]
    assert stem.with_suffix(".md").read_text(encoding="utf-8") == report(name, record)
    assert stem.with_suffix(".png").read_bytes().startswith(b"\x89PNG")
    assert "</svg>" in stem.with_suffix(".svg").read_text(encoding="utf-8")
    assert all(stem.with_suffix(ending).stat().st_size < 4 * LARGEST for ending in (".png", ".svg"))
    assert stem.with_suffix(".json").stat().st_size < LARGEST


@pytest.mark.parametrize("name", sorted(QUESTIONS))
def test_what_an_experiment_expected_came(name):
    expected = EXPERIMENTS[name].checks(record_of(name)["findings"])

    assert expected
    assert [one.name for one in expected if one.state != "passed"] == []


@pytest.mark.parametrize("path", TRAININGS, ids=lambda path: path.stem)
def test_a_kept_training_met_every_prediction_and_its_report_says_its_figures(path):
    record = json.loads(path.read_text(encoding="utf-8"))
    text = path.with_suffix(".md").read_text(encoding="utf-8")

    assert record["status"] == "finished"
    assert "failed" not in {one["state"] for one in record["predictions"]}
    assert f"top-1 {record['test']['top1']:.2%}" in text
    assert f"recipe {record['options']['recipe']}, {record['options']['epochs']} epochs" in text
    assert all(f"| {one['name']} " in text and one["measured"] in text for one in record["predictions"])


def test_the_figures_told_beside_the_trainings_are_theirs():
    told = " ".join((GENERATED / "README.md").read_text(encoding="utf-8").split())
    top1 = {path.stem: json.loads(path.read_text(encoding="utf-8"))["test"]["top1"] for path in TRAININGS}

    assert f"comes to {100 * top1['resnet18-finetuned']:.1f} %" in told
    assert f"begins anew to {100 * top1['resnet18-from-scratch']:.1f} %" in told
    assert top1["resnet20-fashion-mnist"] > 0.9


def test_nothing_else_lies_beside_the_experiments():
    expected = {f"{name}{ending}" for name in QUESTIONS for ending in (".json", ".md", ".png", ".svg")}

    assert {path.name for path in (GENERATED / "experiments").iterdir() if path.is_file()} == expected
