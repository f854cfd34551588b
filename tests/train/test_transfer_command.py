"""From weights of one training to another by the command: the report, the rows of stages, and the script."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

torch = pytest.importorskip("torch")

from archdsl.cli import run  # noqa: E402
from archdsl.codegen import builder_names, generate  # noqa: E402
from archdsl.pipeline import load, loads  # noqa: E402
from archdsl.train import measured, transferred  # noqa: E402
from archdsl.train.parts.fitting import Architecture  # noqa: E402
from archdsl.train.parts.run import make_start  # noqa: E402
from archdsl.train.symptoms import gradients  # noqa: E402
from archdsl.verify.subject import imported  # noqa: E402
from oracles.stripes import NET  # noqa: E402
from oracles.training import ALONE, SMALL, Small, options, quadrants  # noqa: E402

DATA = ["--data", "synthetic:1x12x12:4"]
FAST = [
    *DATA,
    "--limit",
    "256",
    "--epochs",
    "3",
    "--batch",
    "16",
    "--lr",
    "0.05",
    "--device",
    "cpu",
    "--no-tensorboard",
    "--crop",
    "0",
]


@pytest.fixture(autouse=True)
def _workplace(monkeypatch, tmp_path):
    (tmp_path / "net.arch").write_text(NET, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def train(*arguments):
    return run(["train", "net.arch", *FAST, *arguments])


def read(folder):
    record = json.loads((folder / "record.json").read_text("utf-8"))
    return record, {one["name"]: one for one in record.get("predictions", ())}


STAGES = '[{"epochs": 1, "freeze": "backbone"}, {"freeze": "conv1,bn", "lr_decay": 0.5}]'


def test_half_of_the_classes_is_learned_from_the_other_half(tmp_path, capsys):
    train("--classes", "0-1", "-o", "first")
    first, _ = read(tmp_path / "first")
    (weights,) = (tmp_path / "first").glob("weights.*")
    capsys.readouterr()
    given = ["--classes", "2,3", "--recipe", "finetune", "--init", str(weights), "--stages", STAGES, "--ema", "0.9"]
    train(*given, "-o", "second")
    out, err = capsys.readouterr()
    record, named = read(tmp_path / "second")

    assert first["data"]["notes"] == ["2 of 4 classes are kept: 0, 1"]
    assert record["data"]["labels"] == ["2", "3"] or len(record["data"]["labels"]) == 2
    assert record["data"]["classes"] == 2
    assert record["transfer"]["matched"]["count"] == 8  # two tensors of conv2, one of conv1, five of the norm
    assert (record["head"], record["transfer"]["new_head"]) == (["fc"], True)
    assert "left out: 2 (fc.weight, fc.bias)" in err
    assert "stage 2 of 2, from epoch 2: 4 of 7 tensors are trained" in err
    # fc has 2 tensors of 7, conv2 two more; the norm two, conv1 one.
    assert (named["gradients in stage 1"]["predicted"], named["gradients in stage 1"]["measured"]) == (
        "2 of 7 tensors",
        "2 tensors",
    )
    assert (named["gradients in stage 2"]["predicted"], named["gradients in stage 2"]["measured"]) == (
        "4 of 7 tensors",
        "4 tensors",
    )
    # Forward 144·8·9 + 36·8·4·9 + 8·2; backward that of fc's weight alone, then fc twice and conv2's weight.
    assert named["MACs in stage 1"]["measured"] == named["MACs in stage 1"]["predicted"] == "20,752 + 16"
    assert named["MACs in stage 2"]["measured"] == named["MACs in stage 2"]["predicted"] == "20,752 + 10,400"
    assert named["MACs of a step"]["note"].endswith("with nothing frozen")
    # conv1, and of the norm two parameters, two statistics and the counter.
    assert named["frozen all along"]["measured"] == "6 tensors"
    assert {named[name]["state"] for name in named if "stage" in name or "frozen" in name} == {"passed"}
    assert named["loss at the start"]["state"] == "skipped"
    assert not [one for one in record["symptoms"] if one["name"] == "wrong initial loss"]
    assert "| ✓ | frozen all along" in out

    weights.unlink()
    assert train(*given, "-o", "second", "--resume") in (0, 1)  # a finished run is told again, without its weights
    assert capsys.readouterr().out == out


def test_the_script_in_the_folder_transfers_to_the_same_weights(tmp_path):
    train("--classes", "0-1", "-o", "first", "--epochs", "1")
    (weights,) = (tmp_path / "first").glob("weights.*")
    given = ["--classes", "2,3", "--recipe", "finetune", "--init", str(weights), "--epochs", "2"]
    train(*given, "-o", "second")
    command = [sys.executable, "train_net.py", *FAST, *given, "-o", "again"]
    ran = subprocess.run(
        command, cwd=tmp_path / "second", env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True
    )

    assert ran.returncode == 0, ran.stderr
    assert "head: fc (begins anew)" in ran.stderr
    (mine,) = (tmp_path / "second").glob("weights.*")
    assert mine.read_bytes() == (tmp_path / "second" / "again" / mine.name).read_bytes()


# fmt: off
WRONG = [
    (["--classes", "2-9"],                                      "has no label 4: its labels are 0 to 3"),
    (["--classes", "2"],                                        "one alone"),
    (["--init", "absent.pt"],                                   "absent.pt cannot be read"),
    (["--recipe", "finetune"],                                  "--init names none"),
    (["--freeze", "conv3"],                                     "did you mean conv2"),
    (["--freeze", "*"],                                         "leaves nothing to train"),
    (["--head", "fd"],                                          "--head: no module is called fd"),
    (["--stages", "[{}, {}]"],                                  "does not say how many epochs"),
    (["--lr-decay", "1.5"],                                     "is at most 1"),
]
# fmt: on


@pytest.mark.parametrize(("arguments", "said"), WRONG, ids=[w[1] for w in WRONG])
def test_what_is_wrong_is_said(arguments, said, capsys):
    assert train(*arguments) == 2
    assert said in capsys.readouterr().err


def test_one_batch_is_learned_by_the_whole_model(capsys):
    assert train("--freeze", "backbone", "--overfit-batch", "--validation", "0", "--lr", "0.2", "--no-flip") == 0
    assert "one batch is learned" in capsys.readouterr().err


def subject():
    made = loads(NET)
    code = imported(generate(made), "archdsl_transferred")
    name = builder_names(made.module.models)["Net"]
    arguments = {"classes": 4, "channels": 1}
    network = loads(NET.replace("classes: int = 10, channels: int = 3", "classes: int = 4, channels: int = 1"))
    return measured.trained_subject(network, code, name, arguments), Architecture(
        "Net", getattr(code, name), (3, 12, 12)
    )


def test_a_frozen_weight_that_moved_and_a_gradient_too_many_fail(monkeypatch):
    one, architecture = subject()
    given = options(freeze="conv1,bn", fit="pad")
    begun = make_start(architecture, quadrants(), given)
    ended = {name: value.clone() for name, value in begun.model.state_dict().items()}

    assert not [row for row in transferred.of_the_stages(one, given, begun, ended) if row.failed]
    ended["bn.running_mean"] += 1
    rows = {row.name: row for row in transferred.of_the_stages(one, given, begun, ended)}
    assert [name for name, row in rows.items() if row.failed] == ["frozen all along"]
    assert rows["frozen all along"].differences == ("bn.running_mean is not as it was",)
    real = transferred.learning_parameters
    monkeypatch.setattr(transferred, "learning_parameters", lambda *a: [*real(*a), "conv1.weight"])
    rows = {row.name: row for row in transferred.of_the_stages(one, given, begun, ended)}
    assert rows["gradients in the run"].differences == ("conv1.weight is frozen and gets a gradient",)
    assert rows["MACs in the run"].failed


def test_the_loss_before_training_is_that_of_the_weights_with_resting_norms(tmp_path):
    """Loaded weights whose norm has statistics of its own: the loss is that of evaluation where the norm is frozen."""
    torch.manual_seed(1)
    model = Small(4, dropout=0.0)
    model.bn.running_mean.fill_(0.5)
    torch.save(model.state_dict(), tmp_path / "w.pt")
    data = quadrants()

    def loss(**given):
        return measured.initial_loss(
            SMALL, data, options(init=str(tmp_path / "w.pt"), set="dropout=0.0", **given), ALONE
        )[0]

    images = (data.train.images / 255 - data.mean[0]) / data.std[0]
    with torch.no_grad():
        evaluated = float(torch.nn.functional.cross_entropy(model.eval()(images), data.train.targets))
    assert loss(freeze="bn") == pytest.approx(evaluated, abs=1e-5)
    assert loss(frozen_bn=True) == pytest.approx(evaluated, abs=1e-5)
    assert loss() != pytest.approx(evaluated, abs=1e-3)


def test_gradients_that_explode_after_the_first_stage_are_seen():
    looks = [{"fc": 0.1}, {"conv1": 500.0, "fc": 0.1}]

    assert [(one.name, one.where) for one in gradients(looks)] == [("exploding gradient", "conv1")]


def test_the_generated_resnet_has_the_names_of_torchvision(tmp_path):
    theirs = pytest.importorskip("oracles.torchvision_models").torchvision().models.resnet18(weights=None)
    path = os.path.join(os.path.dirname(__file__), "..", "..", "specs", "resnet.arch")
    mine = imported(generate(load(path, "ResNet18")), "archdsl_names").resnet18()

    assert list(mine.state_dict()) == list(theirs.state_dict())
