"""Runs in stages: what holds in which epoch, and that a run goes on to the same bits through a change of stage."""

from __future__ import annotations

import json

import pytest

torch = pytest.importorskip("torch")

from archdsl.train.parts import run as running  # noqa: E402
from archdsl.train.parts.options import make_parser, parse, resolve  # noqa: E402
from archdsl.train.parts.problems import RunError  # noqa: E402
from archdsl.train.parts.schedules import Schedule  # noqa: E402
from archdsl.train.parts.stages import make_plan, stage_of  # noqa: E402
from oracles.processes import processes  # noqa: E402
from oracles.training import ALONE, SMALL, Small, options, quadrants, trainer  # noqa: E402

TWO = '[{"epochs": 1, "freeze": "backbone", "lr": 0.1, "schedule": "constant"}, {"lr_decay": 0.5}]'
EVERYTHING = {
    "stages": TWO,
    "epochs": 3,
    "ema": 0.9,
    "accumulate": 2,
    "clip": 1.0,
    "l1": 1e-4,
    "flip": True,
    "amp": "fp16",
}
# 96 images in batches of 16: six steps an epoch.


def plan(stages, **given):
    return make_plan(options(stages=stages if isinstance(stages, str) else json.dumps(stages), **given))


def test_stages_follow_each_other_and_the_last_takes_what_remains():
    found = plan(
        [{"epochs": 2, "freeze": "backbone"}, {"epochs": 1, "freeze": "conv", "lr": 1}, {"lr-decay": 0.5}],
        epochs=7,
        lr=0.3,
    )

    assert [(one.first, one.epochs) for one in found] == [(0, 2), (2, 1), (3, 4)]
    assert [(one.options.freeze, one.options.lr, one.options.lr_decay) for one in found] == [
        ("backbone", 0.3, 1.0), ("conv", 1.0, 1.0), ("", 0.3, 0.5),
    ]  # fmt: skip
    assert [stage_of(found, epoch) for epoch in range(9)] == [0, 0, 1, 2, 2, 2, 2, 2, 2]


def test_without_stages_a_run_is_one():
    (one,) = make_plan(options(epochs=4, freeze="conv"))
    assert (one.first, one.epochs, one.options.freeze) == (0, 4, "conv")


# fmt: off
WRONG = [
    ("{",                                          {},            "cannot be read"),
    ("{}",                                         {},            "JSON list of objects"),
    ("[]",                                         {},            "JSON list of objects"),
    ("[1, {}]",                                    {},            "JSON list of objects"),
    ('[{}, {}]',                                   {},            "stage 1 does not say how many epochs"),
    ('[{"epochs": 1}, {"epochs": 1}]',             {},            "stage 2 is the last"),
    ('[{"epochs": 2}, {}]',                        {"epochs": 2}, "take 2 epochs, and --epochs 2 leaves none"),
    ('[{"epochs": 0}, {}]',                        {},            "stage 1: epochs is at least 1"),
    ('[{"epochs": 1, "frieze": "x"}, {}]',         {},            "did you mean freeze?"),
    ('[{"epochs": 1, "batch": 3}, {}]',            {},            "batch is none of what a stage can set"),
    ('[{"epochs": 1, "lr": "fast"}, {}]',          {},            "stage 1: lr takes a number"),
    ('[{"epochs": 1, "schedule": "up"}, {}]',      {},            "stage 1: schedule is one of"),
    ('[{"epochs": 1, "frozen_bn": 1}, {}]',        {},            "stage 1: frozen_bn takes true or false"),
    ('[{"epochs": 1}, {"schedule": "one-cycle"}]', {"patience": 2, "schedule": "cosine"}, "not stopped early"),
]
# fmt: on


@pytest.mark.parametrize(("stages", "given", "said"), WRONG)
def test_what_is_wrong_in_stages_is_said(stages, given, said):
    with pytest.raises(RunError) as caught:
        plan(stages, **given)
    assert said in str(caught.value)
    assert caught.value.code == 2


def test_what_is_wrong_in_a_later_stage_is_found_at_the_start():
    with pytest.raises(RunError, match="no module is called layer9"):
        trainer(stages='[{"epochs": 1}, {"freeze": "layer9"}]')
    with pytest.raises(RunError, match=r"--freeze \* leaves nothing"):
        trainer(stages='[{"epochs": 1}, {"freeze": "*"}]')


def test_a_recipe_file_holds_stages_as_a_list(tmp_path):
    path = tmp_path / "mine.json"
    path.write_text(json.dumps({"epochs": 4, "lr": 0.2, "stages": [{"epochs": 3, "freeze": "conv"}, {"lr": 0.1}]}))
    found = make_plan(resolve({"recipe": str(path)}, {}, "classify"))

    assert [(one.epochs, one.options.lr, one.options.freeze) for one in found] == [(3, 0.2, "conv"), (1, 0.1, "")]
    path.write_text(json.dumps({"stages": 3}))
    with pytest.raises(RunError, match="JSON list of objects"):
        make_plan(resolve({"recipe": str(path)}, {}, "classify"))


def test_finetune_trains_the_head_and_then_all_with_smaller_rates_before_it():
    read = resolve(
        parse(make_parser("", {}), ["--recipe", "finetune", "--init", "w.pt", "--lr", "0.1"]), {}, "classify"
    )
    first, second = make_plan(read)

    assert (first.options.freeze, second.options.freeze) == ("backbone", "")
    assert (first.options.lr_decay, second.options.lr) == (1.0, 0.1)
    assert second.options.lr_decay < 1
    assert read.new_head
    with pytest.raises(RunError, match="--recipe finetune is for a run that begins with weights"):
        resolve({"recipe": "finetune"}, {}, "classify")


def test_each_stage_trains_its_part_with_its_own_schedule_and_optimiser():
    made = trainer(**{**EVERYTHING, "amp": "off"})
    start = {name: value.clone() for name, value in made.model.state_dict().items()}
    rates, learning = [], []
    optimizers = []
    for step in range(18):
        made.advance()
        optimizers.append(made.optimizer)
        rates.append({round(group["lr"], 9) for group in made.optimizer.param_groups})
        learning.append(sum(p.requires_grad for p in made.model.parameters()))
        if step == 5:
            body = {name: value for name, value in made.model.state_dict().items() if not name.startswith("fc")}
            assert all(torch.equal(value, start[name]) for name, value in body.items())
    one_cycle = Schedule("one-cycle", 12)

    assert learning == [2] * 6 + [6] * 12
    assert rates[:6] == [{0.1}] * 6
    for number, found in enumerate(rates[6:]):  # fc, bn and conv, at 1, 1/2 and 1/4 of the rate
        assert found == {round(0.05 * factor * one_cycle.factor(number), 9) for factor in (1, 0.5, 0.25)}
    assert len({id(one) for one in optimizers}) == 2
    assert all(not torch.equal(p, start[name]) for name, p in made.model.named_parameters())
    assert int(made.model.bn.num_batches_tracked) == 24  # twelve steps in two parts, none of the first stage


@pytest.mark.parametrize("cut", [3, 6, 8])
def test_a_state_goes_on_to_the_same_bits_through_a_change_of_stage(cut):
    """Cut within the first stage, on the border, and within the second."""
    uncut, first, second = (trainer(**EVERYTHING) for _ in range(3))
    for made, steps in ((uncut, 18), (first, cut)):
        for _ in range(steps):
            made.advance()
    torch.manual_seed(123)
    second.restore(first.state())
    for _ in range(18 - cut):
        second.advance()

    assert uncut.losses == second.losses
    for one, other in ((uncut.model, second.model), (uncut.averaged.model, second.averaged.model)):
        assert all(torch.equal(value, other.state_dict()[name]) for name, value in one.state_dict().items())


def go(folder, **given):
    return running.train(SMALL, quadrants(), options(output=str(folder), progress="off", **given), ALONE)


def weights_file(path, classes=5):
    torch.manual_seed(9)
    torch.save(Small(classes).state_dict(), path)
    return str(path)


def test_a_run_stopped_on_the_border_of_stages_goes_on_without_its_first_weights(tmp_path, monkeypatch, capsys):
    given = {**EVERYTHING, "init": weights_file(tmp_path / "w.pt")}
    whole = go(tmp_path / "whole", **given)
    said = capsys.readouterr().err
    advance = running.Trainer.advance

    def dies(self):
        if self.step == 6:
            raise KeyboardInterrupt
        advance(self)

    with monkeypatch.context() as patch:
        patch.setattr(running.Trainer, "advance", dies)
        with pytest.raises(KeyboardInterrupt):
            go(tmp_path / "cut", **given)
    (tmp_path / "w.pt").unlink()
    cut = go(tmp_path / "cut", **given, resume=True)
    one, other = (running.load_checkpoint(tmp_path / name / "last.pt") for name in ("whole", "cut"))

    assert "stage 1 of 2, from epoch 1: 2 of 6 tensors are trained, 516 parameters, at a rate of 0.1" in said
    assert (
        "stage 2 of 2, from epoch 2: 6 of 6 tensors are trained, 612 parameters, at rates from 0.0125 to 0.05" in said
    )
    assert one["stage"] == other["stage"] == 1
    for part in ("model", "averaged"):
        assert all(torch.equal(value, other[part][name]) for name, value in one[part].items())
    assert whole["test"] == cut["test"]
    assert whole["transfer"] == cut["transfer"]
    assert whole["transfer"]["other_shape"]["count"] == 2
    assert [(s["from_epoch"], s["epochs"], s["tensors"], s["parameters"]) for s in cut["stages"]] == [
        (1, 1, 2, 516), (2, 2, 6, 612),
    ]  # fmt: skip  # 128·4 + 4, and 8·9 + 8 + 8 + 8 before it


def test_patience_waits_for_the_last_stage(tmp_path):
    """The first stage learns nothing, at a rate of 0; it is not cut short, and the last one is."""
    stages = '[{"epochs": 4, "lr": 0, "freeze": "backbone"}, {"lr": 0}]'
    record = go(tmp_path, stages=stages, epochs=12, patience=2, schedule="constant", frozen_bn=True)

    assert [row["epoch"] for row in record["epochs"]] == [1, 2, 3, 4, 5, 6]


def test_a_resumed_run_may_not_have_other_stages(tmp_path):
    go(tmp_path, stages='[{"epochs": 1, "freeze": "conv"}, {}]')

    with pytest.raises(RunError, match="had other options: --stages was"):
        go(tmp_path, stages='[{"epochs": 1, "freeze": "bn"}, {}]', resume=True)


PROGRAM = """
import sys
import torch
torch.set_num_threads(1)
from oracles.training import SMALL, quadrants, options
from archdsl.train.parts.distributed import join_world
from archdsl.train.parts.run import make_trainer, train
folder, stages, init, what = sys.argv[1:]
world = join_world("cpu")
given = dict(stages=stages, init=init, epochs=3, ema=0.9, accumulate=2, clip=1.0, l1=1e-4, lr_decay=0.5)
if what == "steps":
    made, _, _ = make_trainer(SMALL, quadrants(), options(frozen_bn=True, set="dropout=0.0", **given), world)
    for _ in range(10):
        made.advance()
    torch.save({"model": made.model.state_dict(), "averaged": made.averaged.model.state_dict(),
                "losses": torch.tensor(made.losses)}, f"{folder}/{world.size}-{world.rank}.pt")
else:
    from archdsl.train.parts.loop import Trainer
    import os
    advance = Trainer.advance
    if what != "all":
        Trainer.advance = lambda self: os._exit(9) if self.step == int(what) else advance(self)
    train(SMALL, quadrants(), options(output=folder, resume=True, flip=True, save_every=2, progress="off", **given), world)
world.close()
"""


def test_two_processes_go_through_the_stages_as_one_does(tmp_path):
    init = weights_file(tmp_path / "w.pt")
    for count in (1, 2):
        processes(PROGRAM, count, tmp_path, TWO, init, "steps")
    one, first, second = (torch.load(tmp_path / f"{name}.pt", weights_only=True) for name in ("1-0", "2-0", "2-1"))

    assert len(one["losses"]) == 10  # six of the first stage, four of the second
    assert torch.allclose(one["losses"], first["losses"], atol=1e-5)
    for part in ("model", "averaged"):
        for name, value in one[part].items():
            assert torch.allclose(value.float(), first[part][name].float(), atol=1e-5), name
            assert torch.equal(first[part][name], second[part][name]), name


@pytest.fixture(scope="module")
def uncut(tmp_path_factory):
    """A folder with weights, and the checkpoint of two processes that began with them and were not stopped."""
    folder = tmp_path_factory.mktemp("uncut")
    processes(PROGRAM, 2, folder / "whole", TWO, weights_file(folder / "w.pt"), "all")
    return folder, torch.load(folder / "whole" / "last.pt", weights_only=True)


@pytest.mark.parametrize("died", ["6", "9"])
def test_two_processes_that_died_go_on_to_the_same_parameters(uncut, tmp_path, died):
    """On the border of the stages, and within the second."""
    folder, whole = uncut
    processes(PROGRAM, 2, tmp_path, TWO, folder / "w.pt", died, status=9)
    processes(PROGRAM, 2, tmp_path, TWO, folder / "w.pt", "all")
    cut = torch.load(tmp_path / "last.pt", weights_only=True)

    assert whole["step"] == cut["step"] == 18
    assert any("went on after step" in problem for problem in cut["problems"])
    for part in ("model", "averaged"):
        for name, value in whole[part].items():
            assert torch.equal(value, cut[part][name]), name
