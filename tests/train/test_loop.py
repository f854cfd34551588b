"""Steps of a training: what one follows from, and what does not change it."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from archdsl.train.parts.fitting import Architecture  # noqa: E402
from archdsl.train.parts.losses import Objective  # noqa: E402
from archdsl.train.parts.problems import RunError  # noqa: E402
from oracles.training import MAPPER, SMALL, Small, bright_spots, quadrants, trainer  # noqa: E402

EVERYTHING = {
    "flip": True, "crop": 1, "zoom": 0.6, "rotate": 10.0, "jitter": 0.2, "erase": 0.3, "mixup": 0.2, "cutmix": 1.0,
    "ema": 0.9, "clip": 1.0, "l1": 1e-4, "smoothing": 0.1,
}  # fmt: skip


def weights(made, steps=3):
    for _ in range(steps):
        made.advance()
    return {name: value.clone() for name, value in made.model.state_dict().items()}


def same(one, other, tolerance=0.0):
    assert one.keys() == other.keys()
    for name, value in one.items():
        assert torch.allclose(value.float(), other[name].float(), rtol=0, atol=tolerance), name
    return True


def test_a_step_is_one_of_torch_written_out():
    """Nesterov with decay on the weights, cosine rate, no change of the images."""
    given = {"lr": 0.1, "schedule": "cosine", "weight_decay": 0.01, "set": "dropout=0.0"}
    made = trainer(**given)
    start = {name: value.clone() for name, value in made.model.state_dict().items()}
    found = weights(made, 2)
    assert made.optimizer.defaults["fused"]  # one pass over the parameters, with the same bits

    twin = Small(dropout=0.0)
    twin.load_state_dict(start)
    sizes = [{"params": [p for p in twin.parameters() if p.dim() > 1], "weight_decay": 0.01}]
    sizes += [{"params": [p for p in twin.parameters() if p.dim() == 1], "weight_decay": 0.0}]
    optimizer = torch.optim.SGD(sizes, lr=0.1, momentum=0.9, nesterov=True)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, made.total - 1)
    data = quadrants()
    for step in range(2):
        images, targets = made.feed.batch(made.order[16 * step : 16 * (step + 1)])
        x = (images / 255 - data.mean[0]) / data.std[0]
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(twin(x), targets).backward()
        optimizer.step()
        scheduler.step()
    assert same(found, twin.state_dict(), 1e-6)


def test_an_epoch_sees_each_image_once_and_the_next_in_another_order():
    made = trainer(validation=0.0, batch=32)
    orders = []
    for _ in range(2):
        made.advance()
        orders.append(made.order.tolist())
        for _ in range(made.steps_per_epoch - 1):
            made.advance()

    assert sorted(orders[0]) == sorted(orders[1]) == list(range(128))
    assert orders[0] != orders[1]


def test_a_state_goes_on_where_it_was_taken():
    uncut, first, second = (trainer(**EVERYTHING) for _ in range(3))
    whole = weights(uncut, 9)
    weights(first, 4)
    torch.manual_seed(123)  # what is drawn elsewhere makes no difference
    second.restore(first.state())

    assert same(whole, weights(second, 5))
    assert same(uncut.averaged.model.state_dict(), second.averaged.model.state_dict())


def test_the_parts_of_a_batch_add_up():
    """Without dropout and with the statistics of batch norms frozen, a batch in four parts gives the same gradient."""
    given = {"set": "dropout=0.0", "frozen_bn": True}

    assert same(weights(trainer(**given)), weights(trainer(accumulate=4, **given)), 1e-6)


def test_computing_anew_changes_nothing():
    """Neither a parameter nor a running statistic, though the forward pass runs twice."""
    made = trainer(recompute="conv,bn", ema=0.9)

    assert same(weights(trainer(ema=0.9)), weights(made), 1e-7)
    assert int(made.model.bn.num_batches_tracked) == 3
    with pytest.raises(RunError, match="no module is called layer9"):
        trainer(recompute="layer9")


@pytest.mark.parametrize("amp", ["bf16", "fp16"])
def test_half_precision_stays_near(amp):
    full, half = trainer(set="dropout=0.0"), trainer(set="dropout=0.0", amp=amp)
    one, other = weights(full, 4), weights(half, 4)

    assert half.scaler.is_enabled() == (amp == "fp16")
    assert half.losses == pytest.approx(full.losses, abs=0.05)
    assert same({"w": one["fc.weight"]}, {"w": other["fc.weight"]}, 0.05)
    assert all(value.dtype == torch.float32 for value in half.model.parameters())


def test_channels_last_changes_the_memory_and_not_the_numbers():
    made = trainer(channels_last=True)

    assert same(weights(trainer()), weights(made), 1e-5)
    assert made.prepare(torch.arange(4))[0].is_contiguous(memory_format=torch.channels_last)


def test_a_compiled_model_learns_the_same_under_the_same_names(monkeypatch):
    """Without the backend that needs a C++ compiler; the names have no prefix of the compiled module."""
    compiled, asked = torch.compile, []

    def traced(model, mode):
        asked.append(mode)
        return compiled(model, backend="eager")

    monkeypatch.setattr(torch, "compile", traced)
    assert same(weights(trainer(compile="reduce-overhead")), weights(trainer()), 1e-6)
    assert asked == ["reduce-overhead"]


def test_a_compiler_that_does_not_work_is_told_of(monkeypatch):
    def broken(graph, inputs):
        raise FileNotFoundError("no C++ compiler")

    compiled = torch.compile
    monkeypatch.setattr(torch, "compile", lambda model, mode: compiled(model, backend=broken))
    with pytest.raises(
        RunError, match=r"--compile default does not work here: .*no C\+\+ compiler.*; --compile off does"
    ):
        trainer(compile="default").advance()


def test_gradients_are_clipped_after_they_are_unscaled_and_before_the_step(monkeypatch):
    made = trainer(clip=0.01, amp="fp16")
    calls = []
    unscale, step, clip = made.scaler.unscale_, made.scaler.step, torch.nn.utils.clip_grad_norm_
    monkeypatch.setattr(made.scaler, "unscale_", lambda o: (calls.append("unscale"), unscale(o))[1])
    monkeypatch.setattr(made.scaler, "step", lambda o: (calls.append("step"), step(o))[1])

    def spy(parameters, limit):
        kept = list(parameters)
        calls.append("clip")
        norm = clip(kept, limit)
        left = torch.stack([p.grad.norm() for p in kept]).norm()
        assert float(left) <= limit * 1.001
        assert float(norm) > limit
        return norm

    monkeypatch.setattr(torch.nn.utils, "clip_grad_norm_", spy)
    made.advance()

    assert calls == ["unscale", "clip", "step"]


def test_frozen_batch_norms_keep_their_statistics():
    made = trainer(frozen_bn=True)
    weights(made)
    made.evaluate(made.model, made.feed)
    weights(made, 1)

    assert float(made.model.bn.running_mean.abs().sum()) == 0
    assert int(made.model.bn.num_batches_tracked) == 0


def test_l1_pulls_weights_to_zero():
    assert float(weights(trainer(l1=0.1), 12)["fc.weight"].abs().sum()) < 0.5 * float(
        weights(trainer(), 12)["fc.weight"].abs().sum()
    )


@pytest.mark.parametrize(
    ("architecture", "data", "given"),
    [(SMALL, quadrants(), {}), (SMALL, quadrants(), {"loss": "bce"}), (MAPPER, bright_spots(), {"loss": "ce+dice"})],
)
def test_a_short_run_learns(architecture, data, given):
    made = trainer(architecture, data, epochs=12, batch=12, lr=0.1, ema=0.9, **given)
    weights(made, made.total)
    figures, confusion = made.evaluate(made.judged(), made.feed)

    assert figures["top1" if data.kind == "classes" else "miou"] > 0.9
    assert int(confusion.sum()) == len(made.feed) * (1 if data.kind == "classes" else 256)


def test_auxiliary_heads_are_trained_and_not_evaluated():
    class Two(Small):
        def __init__(self, classes=4):
            super().__init__(classes)
            self.aux = torch.nn.Linear(128, classes)

        def forward(self, x):
            y = torch.nn.functional.adaptive_avg_pool2d(self.conv(x), 4).flatten(1)
            return (super().forward(x), self.aux(y)) if self.training else super().forward(x)

    made = trainer(Architecture("Two", Two, (1, 8, 8)))
    before = made.model.aux.weight.clone()
    weights(made, 1)

    assert not torch.equal(made.model.aux.weight, before)
    assert made.evaluate(made.model, made.feed)[0]["loss"] > 0


def test_a_loss_that_is_no_number_stops_the_run_and_says_where():
    made = trainer(clip=0.0)
    made.advance()
    with torch.no_grad():
        made.model.conv.bias[0] = float("nan")

    with pytest.raises(
        RunError, match=r"loss is nan at step 2 of epoch 1, with a rate of .*, first in what conv gives"
    ):
        made.advance()
    with pytest.raises(RunError, match=r"conv\.bias is not a number after step 1"):
        made.state()


WRONG = [
    ({"batch": 500}, "is more than the 96 training images; --batch 96 or less"),
    ({"batch": 10, "accumulate": 3}, "cannot be divided into 3 equal parts"),
    ({"loss": "dice"}, "for masks"),
    ({"milestones": "0.9,0.5"}, "rising numbers"),
    ({"recompute": "conv", "compile": "default"}, "uncompiled"),
]


@pytest.mark.parametrize(("given", "said"), WRONG)
def test_options_that_do_not_suit_are_refused(given, said):
    with pytest.raises(RunError) as caught:
        trainer(**given)
    assert said in str(caught.value)
    assert caught.value.code == 2


def test_the_objective_of_a_run_follows_from_its_answers():
    assert trainer().objective == Objective("ce", 0.0, 0.4)
    assert trainer(MAPPER, bright_spots(), loss="bce+dice").objective.terms == "bce+dice"


def test_batch_statistics_over_processes_are_refused_where_they_cannot_be():
    with pytest.raises(RunError, match="--sync-bn is for CUDA, and this run is on cpu"):
        trainer(sync_bn=True)
