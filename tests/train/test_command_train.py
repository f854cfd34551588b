"""`archdsl train` from a spec to a report, and what stops it."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from archdsl.cli import run  # noqa: E402
from oracles.stripes import NET, write_stripes  # noqa: E402

FAST = ["--epochs", "6", "--batch", "16", "--lr", "0.1", "--device", "cpu", "--no-tensorboard", "--no-flip", "--crop", "0"]  # fmt: skip


@pytest.fixture(autouse=True)
def _workplace(monkeypatch, tmp_path):
    write_stripes(tmp_path / "stripes.npz")
    (tmp_path / "net.arch").write_text(NET, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def train(*arguments):
    return run(["train", "net.arch", "--data", "stripes.npz", *FAST, *arguments])


def test_a_run_ends_with_predictions_that_are_met(tmp_path, capsys):
    assert train("-o", "out") == 0
    out, err = capsys.readouterr()
    record = json.loads((tmp_path / "out" / "record.json").read_text("utf-8"))
    named = {one["name"]: one for one in record["predictions"]}

    assert "\ntest: loss " in out
    assert (tmp_path / "out" / "report.md").read_text("utf-8") in out
    assert {one["state"] for one in record["predictions"]} == {"passed", "skipped"}
    assert [name for name, one in named.items() if one["state"] == "skipped"] == ["peak memory"]
    # 8·1·9 + 16, 8·4·9 + 8, 2·8 + 2: by hand, for one channel and two classes.
    assert named["parameters"]["measured"] == "402"
    # 144 places · 8·9, 36 · 8·4·9 and 2·8; backward each weight once and each input but that of conv1.
    assert named["MACs of a step"]["measured"] == "20,752 + 31,136"
    assert "by its groups" in named["MACs of a step"]["note"]
    assert record["arguments"] == {"classes": 2, "channels": 1}
    assert record["images"]["how"] == "pad"
    assert record["status"] == "finished"
    assert err.splitlines()[0] == "loading torch ..."


def test_the_files_beside_the_record_are_those_of_generate(tmp_path):
    train("-o", "out", "--dry-run")
    assert not (tmp_path / "out").exists()

    train("-o", "out", "--epochs", "1")
    run(["generate", "net.arch", "--model", "Net", "--with-train", "-o", "net.py"])

    for name in ("net.py", "train_net.py"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / name).read_bytes()


def test_the_script_in_the_folder_trains_the_same_weights(tmp_path):
    train("-o", "out", "--epochs", "1")
    command = [sys.executable, "train_net.py", "--data", "../stripes.npz", *FAST, "--epochs", "1", "-o", "again"]
    subprocess.run(command, cwd=tmp_path / "out", check=True, env={**os.environ, "OMP_NUM_THREADS": "1"})

    (mine,) = (tmp_path / "out").glob("weights.*")
    assert mine.read_bytes() == (tmp_path / "out" / "again" / mine.name).read_bytes()


def test_a_prediction_that_fails_is_the_exit_code(tmp_path, capsys):
    assert train("-o", "out", "--epochs", "1", "--lr", "1e-6") == 1

    out, _ = capsys.readouterr()
    assert "| ✗ | accuracy beats" in out


def test_a_finished_run_is_told_again_and_a_folder_is_not_overwritten(tmp_path, capsys):
    train("-o", "out", "--epochs", "2")
    first, _ = capsys.readouterr()
    record = (tmp_path / "out" / "record.json").read_bytes()

    assert train("-o", "out", "--epochs", "2") == 2
    assert "--resume goes on with it" in capsys.readouterr().err
    train("-o", "out", "--epochs", "2", "--resume")

    assert capsys.readouterr().out == first
    assert (tmp_path / "out" / "record.json").read_bytes() == record


def test_a_file_that_was_edited_by_hand_stays(tmp_path, capsys):
    (tmp_path / "out").mkdir()
    run(["generate", "net.arch", "--model", "Net", "-o", "out/net.py"])
    path = tmp_path / "out" / "net.py"
    path.write_text(path.read_text("utf-8").replace("padding=1", "padding=2"), encoding="utf-8")

    assert train("-o", "out") == 2
    assert "was edited by hand" in capsys.readouterr().err
    assert "padding=2" in path.read_text("utf-8")


def test_a_loss_that_is_no_number_is_diagnosed_in_the_record(tmp_path, capsys):
    assert train("-o", "out", "--lr", "1e30", "--optimizer", "sgd", "--schedule", "constant") == 1
    err = capsys.readouterr().err
    record = json.loads((tmp_path / "out" / "record.json").read_text("utf-8"))

    assert "diagnosis: not a number" in err
    assert record["status"] == "failed"
    assert record["symptoms"][0]["name"] == "not a number"
    assert "a lower rate" in record["symptoms"][0]["cures"]


def test_a_given_number_of_classes_is_kept_and_must_fit(capsys):
    assert train("-D", "classes=3") == 2
    assert "tells 3 classes apart, and stripes has 2" in capsys.readouterr().err


def test_other_parameters_are_set_by_the_command_line(tmp_path):
    train("-D", "width=4", "-o", "out", "--epochs", "1")
    record = json.loads((tmp_path / "out" / "record.json").read_text("utf-8"))

    assert record["parameters"] == 4 * 9 + 8 + 4 * 2 * 9 + 4 + 2 * 4 + 2


# fmt: off
WRONG = [
    (["net.arch"],                                                     2, "--data is missing"),
    (["net.arch", "--data", "digitz"],                                 2, "did you mean `digits`?"),
    (["net.arch", "--data", "stripes.npz", "--epochs", "0"],           2, "--epochs: is at least 1, not 0"),
    (["net.arch", "--data", "stripes.npz", "--optimizer", "adamv"],    2, "did you mean adam"),
    (["net.arch", "--data", "stripes.npz", "--epoch", "3"],            2, "no such option"),
    (["net.arch", "--data", "stripes.npz", "--device", "nowhere"],     2, "there is no device nowhere"),
    (["net.arch", "--data", "digits"],                                 3, "pip install scikit-learn"),
    (["net.arch", "--data", "synthetic-masks:1x12x12:3"],              2, "gives one answer an image"),
    (["net.arch", "--data", "synthetic:2x12x12:3", "-D", "channels=1"], 2, "takes 1 channel,"),
    (["net.arch", "--data", "no/such"],                                2, "no/such"),
]
# fmt: on


@pytest.mark.parametrize(("arguments", "status", "said"), WRONG, ids=[" ".join(w[0][1:]) or "no data" for w in WRONG])
def test_what_is_wrong_is_said(arguments, status, said, capsys, monkeypatch, tmp_path):
    monkeypatch.setattr("archdsl.train.parts.digits.find_spec", lambda name: None)
    assert run(["train", *arguments]) == status
    assert said in capsys.readouterr().err


def test_under_torchrun_the_script_is_what_one_starts(monkeypatch, capsys):
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert train() == 2
    assert "torchrun train_net.py" in capsys.readouterr().err


def test_without_torch_the_command_that_installs_it_is_said(monkeypatch, capsys):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert train() == 3
    assert 'pip install "archdsl[train]"' in capsys.readouterr().err


def test_images_keep_their_size_where_the_model_leaves_it_open(tmp_path, capsys):
    (tmp_path / "net.arch").write_text(NET.replace("12, 12", "H, W"), encoding="utf-8")
    status = train("-o", "out")
    record = json.loads((tmp_path / "out" / "record.json").read_text("utf-8"))

    assert status in (0, 1)
    assert record["images"]["how"] == "none"
    assert {one["state"] for one in record["predictions"] if one["name"] in ("shapes", "MACs of a step")} == {"passed"}


def test_what_the_data_notes_is_told(tmp_path, capsys):
    (tmp_path / "stripes.npz").rename(tmp_path / "apart.npz")
    with np.load(tmp_path / "apart.npz") as apart:
        np.savez(tmp_path / "stripes.npz", x=apart["x_train"], y=apart["y_train"])
    train("-o", "out", "--dry-run")

    assert "note: there is no test part" in capsys.readouterr().err
