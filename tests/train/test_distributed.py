"""Two processes on one machine, over gloo, against one process that sees the same batches."""

from __future__ import annotations

import json

import pytest

torch = pytest.importorskip("torch")

from archdsl.train.parts.distributed import choose_device, join_world, share_of  # noqa: E402
from archdsl.train.parts.problems import RunError  # noqa: E402
from oracles.processes import processes  # noqa: E402

PROGRAM = """
import json, os, sys
import torch
torch.set_num_threads(1)
from oracles.training import SMALL, MAPPER, Mapper, quadrants, bright_spots, options
from archdsl.train.parts.distributed import join_world
from archdsl.train.parts.run import make_trainer, train
folder, what = sys.argv[1:]
world = join_world("cpu")
if what == "steps":
    given = dict(set="dropout=0.0", frozen_bn=True, l1=1e-3, clip=1.0, ema=0.9, accumulate=2, weight_decay=1e-2)
    made, _, _ = make_trainer(SMALL, quadrants(), options(**given), world)
    with torch.no_grad():
        made.model.bn.weight.uniform_(0.5, 1.5)  # differs between processes, until they are made alike
    torch.manual_seed(5)
    for name, value in made.model.state_dict().items():
        if value.is_floating_point():
            value.copy_(torch.rand(value.shape))
    grads = {}
    made.optimizer.register_step_pre_hook(
        lambda *_: grads.update({n: p.grad.clone() for n, p in made.model.named_parameters()})
    )
    losses = []
    for _ in range(3):
        made.advance()
    figures, confusion = made.evaluate(made.model, made.feed)
    torch.save({"model": made.model.state_dict(), "grads": grads, "losses": torch.tensor(made.losses),
                "averaged": made.averaged.model.state_dict(), "confusion": confusion,
                "figures": figures, "count": len(made.feed)}, f"{folder}/{world.size}-{world.rank}.pt")
else:
    data = bright_spots(train=50, test=13)
    if what == "dies":
        from archdsl.train.parts.loop import Trainer
        advance = Trainer.advance
        Trainer.advance = lambda self: os._exit(9) if self.step == 5 else advance(self)
    train(MAPPER, data, options(output=folder, resume=True, batch=10, loss="ce", flip=True, ema=0.9, save_every=2,
                                progress="off", epochs=2), world)
world.close()
"""


@pytest.fixture(scope="module")
def steps(tmp_path_factory):
    folder = tmp_path_factory.mktemp("steps")
    for count in (1, 2):
        processes(PROGRAM, count, folder, "steps")
    names = {"one": "1-0.pt", "first": "2-0.pt", "second": "2-1.pt"}
    return {key: torch.load(folder / name, weights_only=True) for key, name in names.items()}


@pytest.mark.parametrize("part", ["grads", "model", "averaged"])
def test_gradients_and_parameters_are_those_of_one_process(steps, part):
    for name, value in steps["one"][part].items():
        assert torch.allclose(value.float(), steps["first"][part][name].float(), atol=1e-6), name
        assert torch.equal(steps["first"][part][name], steps["second"][part][name]), name
    assert float(sum(value.float().abs().sum() for value in steps["one"]["grads"].values())) > 0.1


def test_losses_are_means_over_all_processes(steps):
    assert torch.allclose(steps["one"]["losses"], steps["first"]["losses"], atol=1e-6)
    assert torch.equal(steps["first"]["losses"], steps["second"]["losses"])


def test_every_image_is_counted_once(steps):
    for who in ("one", "first", "second"):
        assert int(steps[who]["confusion"].sum()) == steps[who]["count"] == 96
    assert torch.equal(steps["one"]["confusion"], steps["second"]["confusion"])
    assert steps["one"]["figures"]["loss"] == pytest.approx(steps["first"]["figures"]["loss"])


def test_the_first_process_writes_for_all(tmp_path):
    """Splits of odd lengths, masks, no batch norm; the figures differ as the mirrored images do."""
    for count in (1, 2):
        processes(PROGRAM, count, tmp_path / str(count), "run")
    one, two = (json.loads((tmp_path / n / "record.json").read_text()) for n in ("1", "2"))

    assert (one["processes"], two["processes"]) == (1, 2)
    assert sum(map(sum, two["confusion"])) == 13 * 256
    assert two["test"]["loss"] == pytest.approx(one["test"]["loss"], rel=0.05)
    assert sorted(p.name for p in (tmp_path / "1").iterdir()) == sorted(p.name for p in (tmp_path / "2").iterdir())


def test_processes_that_died_go_on_to_the_same_parameters(tmp_path):
    processes(PROGRAM, 2, tmp_path / "whole", "run")
    processes(PROGRAM, 2, tmp_path / "cut", "dies", status=9)
    processes(PROGRAM, 2, tmp_path / "cut", "run")
    whole, cut = (torch.load(tmp_path / n / "last.pt", weights_only=True) for n in ("whole", "cut"))

    assert whole["step"] == cut["step"] == 6
    assert any("went on after step 4" in problem for problem in cut["problems"])
    for part in ("model", "averaged"):
        for name, value in whole[part].items():
            assert torch.equal(value, cut[part][name]), name


@pytest.mark.parametrize("size", [1, 2, 3])
def test_the_shares_of_processes_are_all_of_it(size):
    shares = [share_of(torch.arange(10), rank, size).tolist() for rank in range(size)]

    assert sorted(index for share in shares for index in share) == list(range(10))


def test_a_device_that_is_not_there_is_named():
    assert choose_device("cpu") == torch.device("cpu")
    for name in ("cuda:99", "gpu"):
        with pytest.raises(RunError, match=f"there is no device {name} here"):
            choose_device(name)


def test_every_process_of_a_machine_has_a_cuda_device_of_its_own(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)

    assert choose_device("auto", 1) == torch.device("cuda", 1)
    with pytest.raises(RunError, match="process 2 of this machine has no CUDA device: there are 2"):
        choose_device("auto", 2)

    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(RunError, match="--device cuda, not cuda:1"):
        join_world("cuda:1")
