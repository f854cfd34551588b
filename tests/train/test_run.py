"""A run from start to record: killed, resumed, interrupted, out of disk, diverged."""

from __future__ import annotations

import csv
import dataclasses
import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from archdsl.train.parts import run as running  # noqa: E402
from archdsl.train.parts.checkpoint import load_weights  # noqa: E402
from archdsl.train.parts.problems import RunError  # noqa: E402
from oracles.training import ALONE, SMALL, options, quadrants  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]

PROGRAM = """
import sys, time
import torch
torch.set_num_threads(1)
from oracles.training import SMALL, quadrants, options, ALONE
from archdsl.train.parts import loop, run
pause = float(sys.argv[2])
advance = loop.Trainer.advance
def slowly(self):
    advance(self)
    sys.stdout.write(f"{self.step}\\n"); sys.stdout.flush()
    time.sleep(pause)
loop.Trainer.advance = slowly
given = dict(flip=True, crop=1, mixup=0.2, ema=0.9, amp="fp16", save_every=2, epochs=3, progress="off")
try:
    run.train(SMALL, quadrants(), options(output=sys.argv[1], resume=True, **given), ALONE)
except run.RunError as error:
    sys.stderr.write(str(error))
    sys.exit(error.code)
"""


def begun(folder, pause):
    """Start a run in a process of its own."""
    paths = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(folder), str(pause)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": paths},
        text=True,
    )


def stopped(folder, after_steps, how):
    """Start or resume a run, send it a signal after some steps, and return its exit status and what it said."""
    process = begun(folder, 0.02)
    assert process.stdout is not None
    for _ in range(after_steps):
        process.stdout.readline()
    process.send_signal(how)
    _, said = process.communicate()
    return process.returncode, said


def final(folder):
    state = running.load_checkpoint(folder / "last.pt")
    weights = load_weights(folder / json.loads((folder / "record.json").read_text())["weights"])
    return state, weights


def test_a_run_killed_again_and_again_ends_with_the_parameters_of_one_that_was_not(tmp_path):
    assert begun(tmp_path / "whole", 0).communicate() is not None
    for steps, how in ((3, signal.SIGKILL), (6, signal.SIGKILL), (1, signal.SIGTERM), (5, signal.SIGKILL)):
        stopped(tmp_path / "cut", steps, how)
    begun(tmp_path / "cut", 0).communicate()
    (whole, weights), (cut, others) = final(tmp_path / "whole"), final(tmp_path / "cut")

    assert whole["step"] == cut["step"] == 18
    assert whole["losses"].tolist() == cut["losses"].tolist()
    for part in ("model", "averaged"):
        for name, value in whole[part].items():
            assert torch.equal(value, cut[part][name]), name
    assert all(torch.equal(value, others[name]) for name, value in weights.items())
    assert whole["scaler"] == cut["scaler"]
    assert not list((tmp_path / "cut").glob(".*.tmp"))
    one, other = (json.loads((tmp_path / f / "record.json").read_text()) for f in ("whole", "cut"))
    assert one["test"] == other["test"]
    untimed = [[{k: v for k, v in row.items() if k != "seconds"} for row in r["epochs"]] for r in (one, other)]
    assert untimed[0] == untimed[1]
    assert any("went on after step" in problem for problem in other["problems"])


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_keeps_the_step_it_made(tmp_path, how):
    code, said = stopped(tmp_path, 5, how)

    assert code == 128 + how
    assert "--resume goes on" in said
    assert running.load_checkpoint(tmp_path / "last.pt")["step"] in (5, 6)
    assert json.loads((tmp_path / "record.json").read_text())["status"] == "interrupted"


def go(folder, data=None, architecture=SMALL, **given):
    return running.train(architecture, data or quadrants(), options(output=str(folder), progress="off", **given), ALONE)


def test_a_run_leaves_its_record_and_tables(tmp_path):
    record = go(tmp_path, epochs=3)
    written = json.loads((tmp_path / "record.json").read_text())

    assert written == record
    assert (written["status"], written["step"], len(written["epochs"])) == ("finished", 18, 3)
    assert written["data"] | {"labels": []} == {
        "name": "quadrants", "classes": 4, "labels": [], "train": 96, "validation": 32, "test": 40, "notes": [],
    }  # fmt: skip
    assert written["images"]["how"] == "none"
    assert written["versions"]["torch"] == torch.__version__
    assert sum(map(sum, written["confusion"])) == 40
    rows = list(csv.DictReader((tmp_path / "metrics.csv").read_text().splitlines()))
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert [float(row["val_loss"]) for row in rows] == [row["val_loss"] for row in lines]
    assert lines == written["epochs"]
    assert len((tmp_path / "steps.csv").read_text().splitlines()) == 19


def test_the_test_is_read_once_and_with_the_best_weights(tmp_path, monkeypatch):
    read = []
    evaluate = running.Trainer.evaluate

    def spy(self, model, feed):
        read.append(len(feed))
        if len(feed) == 40:
            best = running.load_checkpoint(tmp_path / "best.pt")["model"]
            assert all(torch.equal(value, best[name]) for name, value in model.state_dict().items())
        return evaluate(self, model, feed)

    monkeypatch.setattr(running.Trainer, "evaluate", spy)
    record = go(tmp_path, epochs=4)

    assert read == [32, 32, 32, 32, 40]
    figures = [row["val_top1"] for row in record["epochs"]]
    assert record["chosen"]["epoch"] == figures.index(max(figures)) + 1
    read.clear()
    assert go(tmp_path, epochs=4, resume=True)["test"] == record["test"]
    assert read == []


def test_a_run_stops_when_validation_gets_no_better(tmp_path):
    data = quadrants()
    data.train.targets = data.train.targets[torch.randperm(128)]  # nothing to learn
    record = go(tmp_path, data, epochs=40, patience=3, schedule="constant")
    figures = [row["val_top1"] for row in record["epochs"]]

    assert len(figures) < 40
    assert len(figures) == figures.index(max(figures)) + 1 + 3
    since = f"no better validation figure since epoch {len(figures) - 3}"
    assert record["stopped_early"] == f"after epoch {len(figures)} of 40: {since}"


def test_a_folder_with_a_run_is_not_written_over(tmp_path):
    go(tmp_path, epochs=1)
    before = (tmp_path / "record.json").read_text()

    with pytest.raises(RunError, match="holds a run; --resume"):
        go(tmp_path, epochs=1)
    with pytest.raises(RunError, match="had other options: --epochs was 1, is 2"):
        go(tmp_path, epochs=2, resume=True)
    assert (tmp_path / "record.json").read_text() == before


def test_a_disk_that_is_full_for_a_while_costs_no_work(tmp_path, monkeypatch, capsys):
    made, write = [], running.save_checkpoint

    def sometimes(path, state):
        made.append(path.name)
        if made.count("last.pt") == 2 and path.name == "last.pt":
            raise OSError(errno.ENOSPC, "No space left on device")
        write(path, state)

    monkeypatch.setattr(running, "save_checkpoint", sometimes)
    record = go(tmp_path, epochs=3)

    assert record["status"] == "finished"
    assert record["problems"] == ["last.pt could not be written after step 12: No space left on device"]
    assert "warning: last.pt could not be written" in capsys.readouterr().err
    assert running.load_checkpoint(tmp_path / "last.pt")["step"] == 18


def test_a_disk_that_is_full_at_the_end_costs_only_the_end(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(running, "save_weights", full)
        with pytest.raises(
            RunError,
            match=r"the run is done \(loss .*, top-1 .*\), but .* No space left on device; make room and --resume: it goes "
            "on after step 12 of 12",
        ):
            go(tmp_path, epochs=2)
    monkeypatch.setattr(running.Trainer, "advance", full)  # not a step is made again
    assert go(tmp_path, epochs=2, resume=True)["status"] == "finished"


def test_files_that_may_not_grow_are_told_of_and_the_run_is_finished(tmp_path):
    """A limit of the system in place of a full disk: the weights are smaller than it, a checkpoint is not."""
    resource = pytest.importorskip("resource")
    paths = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path), "0"],
        capture_output=True,
        env={**os.environ, "PYTHONPATH": paths},
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (8000, 8000)),
    )

    assert done.returncode == 0, done.stderr
    assert "last.pt could not be written after step 2: File too large" in done.stderr
    assert not list(tmp_path.glob("*last.pt*")) + list(tmp_path.glob(".*.tmp"))
    record = json.loads((tmp_path / "record.json").read_text())
    assert record["status"] == "finished"
    assert record["problems"][0].startswith("last.pt could not be written after step 2")
    assert (tmp_path / record["weights"]).stat().st_size < 8000


def test_no_number_as_loss_leaves_the_last_good_checkpoint(tmp_path, monkeypatch):
    advance = running.Trainer.advance

    def poisoned(self):
        if self.step == 8:
            with torch.no_grad():
                self.model.fc.weight[0, 0] = float("nan")
        advance(self)

    monkeypatch.setattr(running.Trainer, "advance", poisoned)
    with pytest.raises(RunError, match="the loss is nan at step 9 of epoch 2"):
        go(tmp_path, epochs=3)
    assert running.load_checkpoint(tmp_path / "last.pt")["step"] == 6
    record = json.loads((tmp_path / "record.json").read_text())
    assert (record["status"], len(record["epochs"])) == ("failed", 1)
    assert record["error"].startswith("the loss is nan at step 9 of epoch 2")


def test_a_damaged_checkpoint_is_named_and_the_one_before_goes_on(tmp_path, monkeypatch, capsys):
    whole = go(tmp_path / "whole", epochs=3)
    go(tmp_path / "cut", epochs=3)
    path = tmp_path / "cut" / "record.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"status": "running"}))
    damaged = tmp_path / "cut" / "last.pt"
    damaged.write_bytes(damaged.read_bytes()[:-100])
    record = go(tmp_path / "cut", epochs=3, resume=True)

    assert "last.pt is damaged" in capsys.readouterr().err
    assert record["test"] == whole["test"]
    assert any("damaged" in problem for problem in record["problems"])


def test_a_run_starts_from_given_weights(tmp_path):
    go(tmp_path / "first", epochs=2)
    weights = tmp_path / "first" / "best.pt"
    made, _, _ = running.make_trainer(SMALL, quadrants(), options(init=str(weights)), ALONE)
    expected = load_weights(weights)

    assert all(torch.equal(value, expected[name]) for name, value in made.model.state_dict().items())


def test_the_bar_is_for_terminals(tmp_path, capsys, monkeypatch):
    go(tmp_path / "a", epochs=1)
    assert "\r" not in capsys.readouterr().err
    running.train(SMALL, quadrants(), options(output=str(tmp_path / "b"), progress="auto", epochs=1), ALONE)
    assert "\r" not in capsys.readouterr().err
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    running.train(SMALL, quadrants(), options(output=str(tmp_path / "c"), progress="auto", epochs=1), ALONE)
    assert "epoch 1 |####" in capsys.readouterr().err


def test_the_same_seed_is_the_same_run_and_another_is_not(tmp_path):
    runs = [go(tmp_path / str(n), epochs=1, seed=seed, deterministic=True) for n, seed in enumerate((3, 3, 4))]
    torch.use_deterministic_algorithms(False)

    assert runs[0]["test"] == runs[1]["test"]
    assert runs[0]["epochs"][0]["train_loss"] == runs[1]["epochs"][0]["train_loss"]
    assert runs[0]["epochs"][0]["train_loss"] != runs[2]["epochs"][0]["train_loss"]


def test_options_are_kept_as_they_were(tmp_path):
    record = go(tmp_path, epochs=1)

    assert record["options"] == dataclasses.asdict(options(output=str(tmp_path), progress="off", epochs=1))
