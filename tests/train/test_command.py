"""The command line of a training script: exit codes, and the trials before a run."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from archdsl.train.parts import command  # noqa: E402
from archdsl.train.parts.data import DataError  # noqa: E402
from oracles.training import MAPPER, SMALL, bright_spots, quadrants  # noqa: E402

MODELS = {"Small": SMALL, "Mapper": MAPPER}
FAST = ["--batch", "16", "--device", "cpu", "--no-tensorboard"]


@pytest.fixture(autouse=True)
def _data(monkeypatch, tmp_path):
    def load(name, **given):
        if name == "absent":
            raise DataError("absent is not installed", "pip install absent", missing=True)
        if name == "broken":
            raise DataError("broken.gz is cut off", "get it again")
        data = {"quadrants": quadrants, "spots": bright_spots}[name]()
        data.train.images = data.train.images[: given["limit"]]
        data.train.targets = data.train.targets[: given["limit"]]
        return data

    monkeypatch.setattr(command, "load", load)
    monkeypatch.chdir(tmp_path)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def run(*arguments):
    return command.main(MODELS, [*arguments, *FAST])


def test_a_run_says_its_result_on_stdout_and_all_else_on_stderr(tmp_path, capsys):
    assert run("--model", "Small", "--data", "quadrants", "--epochs", "2", "--no-flip") == 0
    out, err = capsys.readouterr()

    assert out.startswith("test: loss ")
    assert len(out.splitlines()) == 1
    assert err.splitlines()[0].startswith("epoch 1/2: loss ")
    assert (tmp_path / "runs" / "Small-quadrants" / "record.json").exists()


def test_masks_get_the_recipe_for_masks(capsys):
    assert run("--model", "Mapper", "--data", "spots", "--dry-run") == 0
    assert "loss ce+dice" in capsys.readouterr().err


# fmt: off
WRONG = [
    (["--model", "Small"],                                         2, "--data is missing"),
    (["--model", "Smal", "--data", "quadrants"],                   2, "did you mean Small?"),
    (["--data", "quadrants"],                                      2, "--model"),
    (["--model", "Small", "--data", "quadrants", "--epoch", "3"],  2, "did you mean --epochs?"),
    (["--model", "Small", "--data", "absent"],                     3, "pip install absent"),
    (["--model", "Small", "--data", "broken"],                     2, "broken.gz is cut off"),
    (["--model", "Small", "--data", "spots"],                      2, "one answer an image"),
    (["--model", "Small", "--data", "quadrants", "--lr", "1e30"],  1, "is not a number|the loss is"),
    (["--model", "Small", "--data", "quadrants", "--overfit-batch", "--lr", "0"], 1, "one batch is not learned"),
]
# fmt: on


@pytest.mark.parametrize(("arguments", "code", "said"), WRONG)
def test_what_is_wrong_is_said_with_its_exit_code(arguments, code, said, capsys):
    assert run(*arguments) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert any(part in err for part in said.split("|"))
    assert "Traceback" not in err


def test_a_dry_run_makes_one_step_and_writes_nothing(tmp_path, capsys):
    assert run("--model", "Small", "--data", "quadrants", "--dry-run") == 0
    err = capsys.readouterr().err
    assert "115 training, 13 validation and 40 test images" in err
    assert "35 steps of 16 images in 5 epochs" in err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("model", "data"), [("Small", "quadrants"), ("Mapper", "spots")])
def test_one_batch_is_learned_by_heart(model, data, tmp_path, capsys):
    extra = ["--set", "dropout=0"] if model == "Small" else ["--loss", "ce", "--lr", "0.03", "--limit", "16"]
    validation = ["--validation", "0"]

    assert run("--model", model, "--data", data, "--overfit-batch", *extra, *validation) == 0
    assert "one batch is learned" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_profile_counts_the_work_of_a_step(capsys):
    """Small on 8 × 8: 8·9 · 64 multiplications forward and once more for the weights, 3 · 128 · 4 in the linear one."""
    assert run("--model", "Small", "--data", "quadrants", "--profile", "3") == 0
    err = capsys.readouterr().err

    assert f"flop per image: {2 * (2 * 72 * 64 + 3 * 512):,.4g}" in err
    assert "images per second" in err
