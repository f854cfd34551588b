"""`archdsl experiment`: the list, what a name leaves behind, and what stops it."""

from __future__ import annotations

import json
from importlib.util import find_spec

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("matplotlib")

from archdsl.cli import run  # noqa: E402
from archdsl.train.experiments import performing  # noqa: E402
from archdsl.train.experiments.catalogue import QUESTIONS  # noqa: E402
from archdsl.train.experiments.every import EXPERIMENTS  # noqa: E402
from archdsl.train.experiments.experiment import Experiment  # noqa: E402
from archdsl.train.prediction import judged  # noqa: E402

NEEDS_DIGITS = pytest.mark.skipif(
    find_spec("sklearn") is None, reason="scikit-learn, which brings the digits, is absent"
)


WITHOUT_FINDINGS = '{"format": 1, "experiment": "identity", "findings": {}, "quick": false, "seeds": [0]}'


@pytest.fixture(autouse=True)
def _one_thread(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_without_a_name_every_experiment_is_listed_with_its_question(capsys):
    assert run(["experiment"]) == 0
    lines = capsys.readouterr().out.splitlines()

    assert [line.split()[0] for line in lines] == sorted(QUESTIONS)
    assert all(line.endswith("?") for line in lines)


def test_every_question_has_an_experiment():
    assert set(EXPERIMENTS) == set(QUESTIONS)


# fmt: off
REFUSED = [
    # arguments                                        what is said
    (["degradatoin"],                                  "did you mean `degradation`?"),
    (["zzz"],                                          "`archdsl experiment` lists them"),
    (["identity", "--seeds", "one"],                   "whole numbers with commas"),
    (["identity", "--seeds", "0,0"],                   "different numbers"),
    (["identity", "--seeds=-1"],                       "different numbers"),
    (["identity", "--redraw", "--quick"],              "--redraw measures nothing anew"),
    (["identity", "--redraw"],                         "identity.json cannot be read"),
    (["identity", "--epochs", "0"],                    "not in the range"),
]
# fmt: on


@pytest.mark.parametrize(("arguments", "said"), REFUSED, ids=[" ".join(row[0]) for row in REFUSED])
def test_what_cannot_be_done_is_told(arguments, said, capsys):
    assert run(["experiment", *arguments]) == 2
    assert said in " ".join(capsys.readouterr().err.split())


def test_a_record_of_something_else_is_not_drawn(tmp_path, capsys):
    folder = tmp_path / "experiments"
    folder.mkdir()
    for text in (
        "[]",
        '{"format": 99, "experiment": "identity"}',
        '{"format": 1, "experiment": "erf"}',
        "{",
        WITHOUT_FINDINGS,
    ):
        (folder / "identity.json").write_text(text, encoding="utf-8")

        assert run(["experiment", "identity", "--redraw"]) == 2
        assert "identity.json" in capsys.readouterr().err


@NEEDS_DIGITS
@pytest.mark.parametrize("name", sorted(QUESTIONS))
def test_a_quick_try_leaves_a_record_a_figure_and_a_paragraph_that_can_be_drawn_again(name, tmp_path, capsys):
    assert run(["experiment", name, "--quick", "-o", "made"]) == 0
    out = capsys.readouterr().out
    folder = tmp_path / "made"
    record = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))

    assert (folder / f"{name}.md").read_text(encoding="utf-8") == out
    assert out.startswith(f"# {name}: {QUESTIONS[name]}\n")
    assert "A quick try" in out
    assert "nan" not in out.split()
    assert record["command"] == f"archdsl experiment {name} --quick"
    assert {one["state"] for one in record["predictions"]} == {"skipped"}
    assert (folder / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    assert len((folder / f"{name}.json").read_bytes()) < 60_000

    first = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    assert run(["experiment", name, "--redraw", "-o", "made"]) == 0
    assert {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()} == first


def test_what_was_expected_and_did_not_come_is_the_exit_code(monkeypatch, tmp_path, capsys):
    experiment = Experiment(
        measure=lambda setting: {"number": len(setting.seeds)},
        checks=lambda found: (judged("number of seeds", "3", str(found["number"]), "exact", found["number"] == 3),),
        tell=lambda found: f"There were {found['number']} seeds.",
        draw=lambda found, figure: figure.subplots(),
    )
    monkeypatch.setitem(performing.EXPERIMENTS, "identity", experiment)

    assert run(["experiment", "identity", "--seeds", "4,5"]) == 1
    out = capsys.readouterr().out
    assert "There were 2 seeds." in out
    assert "| ✗ | number of seeds | 3         | 2" in out
    assert "`archdsl experiment identity --seeds 4,5`: seeds 4, 5; " in out
    assert run(["experiment", "identity", "--seeds", "4,5", "--quick"]) == 0
    assert run(["experiment", "identity", "--seeds", "4,5,6"]) == 0


@pytest.mark.parametrize("library", ["torch", "matplotlib"])
def test_a_missing_library_is_told_with_the_command_that_installs_it(library, monkeypatch, capsys):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == library else find_spec(name))

    assert run(["experiment", "identity", "--quick"]) == 3
    assert 'pip install "archdsl[train,plot]"' in capsys.readouterr().err
