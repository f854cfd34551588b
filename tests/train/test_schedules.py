"""Learning rates: those of torch's schedulers, and what is said of each by hand."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from archdsl.train.parts.schedules import Schedule  # noqa: E402  torch is optional

TOTAL = 40


def curve(scheduler):
    """Return the rates of a run under a scheduler of torch, for a peak rate of 1."""
    rates = []
    for _ in range(TOTAL):
        rates.append(scheduler.optimizer.param_groups[0]["lr"])
        scheduler.optimizer.step()
        if len(rates) < TOTAL:
            scheduler.step()
    return rates


def optimizer():
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)


ORACLES = {
    "one-cycle": (
        Schedule("one-cycle", TOTAL),
        lambda o: torch.optim.lr_scheduler.OneCycleLR(o, 1.0, total_steps=TOTAL, cycle_momentum=False),
    ),
    "cosine": (
        Schedule("cosine", TOTAL, floor=0.1),
        lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, TOTAL - 1, eta_min=0.1),
    ),
    "step": (
        Schedule("step", TOTAL, milestones=(0.5, 0.75), gamma=0.2),
        lambda o: torch.optim.lr_scheduler.MultiStepLR(o, [20, 30], gamma=0.2),
    ),
}


@pytest.mark.parametrize(("schedule", "make"), ORACLES.values(), ids=ORACLES)
def test_the_rate_is_that_of_torch(schedule, make):
    assert [schedule.factor(step) for step in range(TOTAL)] == pytest.approx(curve(make(optimizer())))


# fmt: off
POINTS = [
    # schedule                                       step  factor
    (Schedule("constant", 10),                          9, 1.0),
    (Schedule("constant", 10, warmup=4),                0, 0.25),
    (Schedule("constant", 10, warmup=4),                3, 1.0),
    (Schedule("cosine", 11, floor=0.5),                10, 0.5),
    (Schedule("cosine", 11),                            5, 0.5),
    (Schedule("cosine", 15, warmup=4),                  4, 1.0),
    (Schedule("cosine", 15, warmup=4),                 14, 0.0),
    (Schedule("inverse-sqrt", 100, warmup=4),           3, 1.0),
    (Schedule("inverse-sqrt", 100, warmup=4),          15, 0.5),
    (Schedule("inverse-sqrt", 100, warmup=4),          63, 0.25),
    (Schedule("inverse-sqrt", 100),                    24, 0.2),
    (Schedule("one-cycle", 1),                          0, 1.0),
]
# fmt: on


@pytest.mark.parametrize(("schedule", "step", "factor"), POINTS)
def test_the_rate_at_a_step(schedule, step, factor):
    assert schedule.factor(step) == pytest.approx(factor, abs=1e-4)


def test_groups_keep_the_ratio_of_their_peak_rates():
    made = optimizer()
    made.add_param_group({"params": [torch.nn.Parameter(torch.zeros(1))], "peak_lr": 0.1})
    made.param_groups[0]["peak_lr"] = 1.0

    assert Schedule("constant", 10, warmup=4).set(made, 1) == 0.5
    assert made.param_groups[1]["lr"] == pytest.approx(0.05)
