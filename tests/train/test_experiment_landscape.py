"""`landscape`: directions and curvatures by hand, the loss by the model itself, and what is said either way."""

from __future__ import annotations

import io
import math
from types import SimpleNamespace

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("matplotlib")

from matplotlib.figure import Figure  # noqa: E402
from torch import nn  # noqa: E402

from archdsl.train.experiments.landscape import (  # noqa: E402
    MOST,
    Around,
    bent_share,
    checks,
    direction,
    draw,
    low_share,
    places,
    tell,
)


def small():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.Flatten(), nn.Linear(12, 4))
        model(torch.randn(16, 1, 4, 4))  # running statistics of its own
    return model


def around(model, seed=0):
    images = torch.randn(600, 1, 4, 4, generator=torch.Generator().manual_seed(1))
    labels = torch.arange(600) % 4
    return Around(SimpleNamespace(model=lambda: model), images, labels, seed)


def test_places_go_evenly_from_end_to_end_with_the_network_in_the_middle():
    assert places(5) == [-1, -0.5, 0, 0.5, 1]
    assert places(41)[20] == 0


def test_each_filter_of_a_direction_has_the_norm_of_that_of_the_weights_and_vectors_stay():
    weights = {name: value.detach() for name, value in small().named_parameters()}
    found = direction(weights, torch.Generator().manual_seed(0))

    for name in ("0.weight", "4.weight"):
        for mine, theirs in zip(found[name], weights[name], strict=True):
            assert math.sqrt(float((mine**2).sum())) == pytest.approx(math.sqrt(float((theirs**2).sum())), rel=1e-5)
        assert not torch.allclose(found[name], weights[name])
    assert sorted(name for name in found if not found[name].any()) == ["0.bias", "1.bias", "1.weight", "4.bias"]


def test_both_directions_are_different_and_follow_from_the_seed():
    one, same, other = around(small()), around(small()), around(small(), seed=1)

    assert torch.equal(one.first["0.weight"], same.first["0.weight"])
    assert not torch.equal(one.first["0.weight"], other.first["0.weight"])
    assert not torch.equal(one.first["0.weight"], one.second["0.weight"])


def test_the_loss_is_that_of_a_model_with_the_moved_weights_in_evaluation():
    there = around(small())
    moved = small()
    for name, value in moved.named_parameters():
        value.data = value.data + 0.3 * there.first[name] - 0.7 * there.second[name]
    by_hand = nn.functional.cross_entropy(moved.eval()(there.images), there.labels)

    assert there.loss(0.3, -0.7) == pytest.approx(float(by_hand.detach()), rel=1e-3)


def test_a_walk_leaves_nothing_behind():
    there = around(small())
    first = there.loss(0, 0)
    there.loss(1, -1)

    assert there.loss(0, 0) == first


def test_what_is_no_number_is_written_as_the_most():
    model = small()
    nn.init.constant_(model[4].weight, math.nan)

    assert around(model).loss(0, 0) == MOST


def plane(function, count=5):
    return [[function(x, y) for x in places(count)] for y in places(count)]


# The second differences of these are those of the functions; the diagonals are at 45°, where only the mixed one tells.
# fmt: off
BENT = [
    (lambda x, y: x * x + y * y,                       0),
    (lambda x, y: x * x - y * y,                       1),
    (lambda x, y: y * y - x * x,                       1),
    (lambda x, y: x * y,                               1),
    (lambda x, y: x + 2 * y,                           0),
    (lambda x, y: (x + y) ** 2 - 0.05 * (x - y) ** 2,  0),    # −0.2 to 4: less than a tenth
    (lambda x, y: (x + y) ** 2 - 0.2 * (x - y) ** 2,   1),    # −0.8 to 4
    (lambda x, y: abs(x) - (x > 0.4) * 10 * (x - 0.5), 1 / 3),  # bends down at x = 0.5 alone, one of three columns
]
# fmt: on


@pytest.mark.parametrize(("function", "share"), BENT)
def test_points_that_bend_downwards_are_counted(function, share):
    assert bent_share(plane(function)) == pytest.approx(share)


def test_the_share_below_a_level_is_counted():
    assert low_share([[1, 2, 3], [2, 3, 4]], 3) == pytest.approx(0.5)


def findings(plain_low=(0.1, 0.1), residual_low=(0.2, 0.2), plain_bent=(0.4, 0.4), residual_bent=(0.1, 0.1)):
    ends = {"plain-56": [4.0, 1.0, 8.0], "residual-56": [30.0, 0.2, 50.0]}
    nets = {
        "plain-56": {"centre": [0.5] * len(plain_low), "low": list(plain_low), "bent": list(plain_bent)},
        "residual-56": {"centre": [0.2] * len(plain_low), "low": list(residual_low), "bent": list(residual_bent)},
    }
    for title, row in ends.items():
        nets[title]["line"] = [row] * len(plain_low)
    return {"nets": nets, "images": 512, "classes": 10}


# fmt: off
VERDICTS = [
    ({},                                                             ["passed", "passed"], "So the basin is wider and its surface less bent with shortcuts, with every seed"),
    ({"residual_low": (0.2, 0.1)},                                   ["failed", "passed"], "The surface is less bent with shortcuts with every seed; that the basin is wider does not hold"),
    ({"residual_bent": (0.1, 0.5)},                                  ["passed", "failed"], "The basin is wider with shortcuts with every seed; that the surface is less bent does not hold"),
    ({"residual_low": (0.0, 0.0), "residual_bent": (0.5, 0.5)},      ["failed", "failed"], "Neither that the basin is wider with shortcuts nor that it is less bent holds"),
]
# fmt: on


@pytest.mark.parametrize(("changed", "states", "said"), VERDICTS)
def test_what_is_said_follows_the_numbers(changed, states, said):
    found = findings(**changed)

    assert [one.state for one in checks(found)] == states
    assert said in tell(found)


def test_which_walls_are_the_steeper_is_said_from_the_ends_of_the_curves():
    steep, flat = findings(), findings()
    flat["nets"]["residual-56"]["line"] = [[5.0, 0.2, 7.0]] * 2

    # (4 + 8) / 2 against (30 + 50) / 2, and against (5 + 7) / 2.
    assert "the loss is 6 without and 40 with shortcuts in the mean: smoother is not flatter" in tell(steep)
    assert "the loss is 6 without and 6 with shortcuts in the mean: the walls with shortcuts are not" in tell(flat)


def test_one_seed_is_called_one():
    assert "(one seed)" in tell(findings((0.1,), (0.2,), (0.4,), (0.1,)))


# fmt: off
PLANES = [
    (0.5, 100.0),   # chance in between
    (0.0, 0.1),     # nothing is lost in the middle, and chance is never reached
    (3.0, 3.0),     # the same everywhere
    (5.0, MOST),
]
# fmt: on


@pytest.mark.parametrize(("low", "high"), PLANES)
def test_any_losses_can_be_drawn(low, high):
    grid, found = places(5), findings()
    for one in found["nets"].values():
        one["grid"] = plane(lambda x, y: low + (high - low) * (x * x + y * y) / 2)
        one["line"] = [[low + (high - low) * abs(x) for x in grid]]
    figure = Figure(layout="constrained")
    draw({**found, "line": grid, "grid": grid}, figure)
    figure.savefig(io.BytesIO(), format="png")

    assert [axes.get_title() for axes in figure.axes] == ["Curve, each seed", "plain-56, loss", "residual-56, loss"]
