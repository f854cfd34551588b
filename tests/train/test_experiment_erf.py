"""`erf`: walks by counting all ways, spreads and squares by hand, energies of known nets, and what is said either way."""

from __future__ import annotations

import copy
import math
from collections import Counter
from itertools import product

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("matplotlib")

from torch import nn  # noqa: E402

from archdsl.train.experiments.erf import (  # noqa: E402
    checks,
    energy,
    predicted,
    side_of_walk,
    spread,
    tell,
    walk,
    with_statistics,
)
from archdsl.train.experiments.experiment import net  # noqa: E402


def findings(before=12.0, after=24.0):
    """Return findings in which all came as predicted."""
    stacks = [
        {"n": n, "relu": relu, "weights": 3, "sd": math.sqrt(2 * n / 3), "side": side,
         "predicted": {"start": 0, "size": 2 * n + 1, "sd": math.sqrt(2 * n / 3)}}
        for n, side in ((5, 9), (10, 13), (20, 17)) for relu in (False, True)
    ]  # fmt: skip
    seen = [{"sd": side / 4, "side": side, "outside": 0.0, "line": [0.1]} for side in (before, after)]
    unet = {"predicted": {"start": 10, "size": 44, "sd": 3.8}, "miou": 0.3, "before": seen[0], "after": seen[1]}
    return {"stacks": stacks, "nets": [unet, copy.deepcopy(unet)]}


def failed(found):
    return [one.name for one in checks(found) if one.failed]


@pytest.mark.parametrize("steps", [0, 1, 2, 5, 7])
def test_a_walk_ends_where_all_ways_counted_end(steps):
    ends = Counter(sum(way) for way in product((-1, 0, 1), repeat=steps))

    assert walk(steps) == pytest.approx([ends[place] / 3**steps for place in range(-steps, steps + 1)])


@pytest.mark.parametrize("steps", [5, 10, 20, 40])
def test_the_variance_of_a_walk_is_two_thirds_of_its_steps(steps):
    assert sum(chance * (i - steps) ** 2 for i, chance in enumerate(walk(steps))) == pytest.approx(2 * steps / 3)


# Of 3⁵ = 243 ways 241 end within 4 of the start and 231 within 3: (241/243)² holds 95 %, (231/243)² = 90 % does not.
def test_the_side_of_a_walk_is_that_of_counting():
    for steps in (1, 2, 3, 5):
        ends = Counter(sum(way) for way in product((-1, 0, 1), repeat=steps))
        held = [sum(ends[x] for x in range(-half, half + 1)) / 3**steps for half in range(steps + 1)]
        assert side_of_walk(steps) == 2 * next(h for h, share in enumerate(held) if share**2 >= 0.95) + 1


def test_a_spread_is_that_by_hand():
    found = torch.zeros(9, 9)
    found[4, 4], found[4, 2], found[4, 6] = 0.5, 0.25, 0.25

    # Along one axis the variance is 2, along the other 0.
    assert spread(found, 4.0) == {"sd": pytest.approx(1.0), "side": 5.0}


def test_the_least_square_that_holds_enough_is_taken():
    found = torch.zeros(9, 9)
    found[4, 4], found[4, 2], found[0, 0] = 0.5, 0.46, 0.04

    assert spread(found, 4.0)["side"] == 5.0


def test_a_square_around_the_middle_of_two_pixels_has_an_even_side():
    found = torch.zeros(8, 8)
    found[3:5, 3:5] = 1.0

    assert spread(found, 3.5) == {"sd": pytest.approx(0.5), "side": 2.0}


def test_the_energy_of_one_convolution_is_its_squared_kernel():
    conv = nn.Conv2d(1, 1, 3, padding=1, bias=False)
    found = energy(conv, torch.randn(5, 1, 7, 7), 3, 0)
    wanted = torch.zeros(7, 7)
    wanted[2:5, 2:5] = 5 * conv.weight.detach()[0, 0].square()

    assert torch.allclose(found, wanted, atol=1e-6)


def test_the_energies_of_channels_are_added_on_average():
    conv = nn.Conv2d(1, 3, 1, bias=False)
    found = energy(conv, torch.zeros(20_000, 1, 1, 1), 0, 0) / 20_000

    assert float(found) == pytest.approx(float(conv.weight.detach().square().sum()), rel=0.05)


@pytest.mark.parametrize(
    ("spec", "model", "parameters", "unit", "start", "size"),
    [("pieces.arch", "Stack", {"n": 5}, 32, 27, 11), ("pieces.arch", "Stack", {"n": 20}, 32, 12, 41),
     ("lite.arch", "UNetLite", {"depth": 1}, 32, 24, 18), ("lite.arch", "UNetLite", {"depth": 1}, 34, 26, 18),
     ("lite.arch", "UNetLite", {"depth": 2}, 32, None, 44)],
)  # fmt: skip
def test_the_predicted_field_holds_all_energy_and_its_ends_some(spec, model, parameters, unit, start, size):
    one = net(spec, model, **parameters)
    field = predicted(one, unit)
    built = one.build(0).eval()
    found = torch.zeros(64, 64)
    for seed in range(8):
        found += energy(built, torch.randn(4, 1, 64, 64, generator=torch.Generator().manual_seed(seed)), unit, seed)
    rows = (found.sum(1) > 0).nonzero().flatten().tolist()

    assert field["size"] == size
    assert start is None or field["start"] == start
    assert field["start"] <= rows[0]
    assert rows[-1] < field["start"] + field["size"]
    assert rows[-1] - rows[0] + 1 >= size - 2  # a maximum may not have picked the outermost pixel


def test_the_analysis_has_the_random_walk():
    assert predicted(net("pieces.arch", "Stack", n=10), 32)["sd"] == pytest.approx(2.582, abs=5e-4)


def test_norms_of_a_new_model_get_the_statistics_of_the_batch():
    model = nn.Sequential(nn.BatchNorm2d(1))
    images = torch.randn(16, 1, 8, 8) * 3 + 7
    with_statistics(model, images)

    assert not model.training
    assert float(model[0].running_mean) == pytest.approx(float(images.mean()), rel=1e-4)
    assert float(model[0].running_var) == pytest.approx(float(images.var()), rel=1e-4)


def test_all_is_well_where_all_came():
    assert failed(findings()) == []


BROKEN = {
    "10 convolutions: σ in pixels": lambda f: f["stacks"][2].update(sd=2.582 * 1.06),
    "20 convolutions, ReLUs: σ in pixels": lambda f: f["stacks"][5].update(sd=3.651 * 0.94),
    "5 convolutions: side that holds 95%": lambda f: f["stacks"][0].update(side=12),
    "U-Net: energy outside of the field": lambda f: f["nets"][1]["after"].update(outside=1e-3),
    "U-Net: side that holds 95% grows": lambda f: [each["after"].update(side=11.0) for each in f["nets"]],
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_does_not_come_fails_alone(name):
    found = findings()
    BROKEN[name](found)

    assert failed(found) == [name]


def test_it_says_whether_the_field_grew():
    other = findings()
    other["nets"][1]["after"] = {**other["nets"][1]["after"], "side": 10.0}

    assert "it grew with 2 seeds, to 55% of the field" in tell(findings())
    assert "it grew with 1 seed of 2. " in tell(other)
    assert "it grew with none of 2. " in tell(findings(after=10.0))


def test_it_says_whether_stacks_are_random_walks():
    other = findings()
    other["stacks"][0]["sd"] = 1.0

    assert "are those of a random walk" in tell(findings())
    assert "Not all of this is as a random walk says" in tell(other)
    assert "82%, 62% and 41% of the field: the deeper, the smaller the share" in tell(findings())
