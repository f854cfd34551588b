"""`degradation`: ratios by hand, the bars seed by seed, and what is said either way."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("matplotlib")

from archdsl.train.experiments.degradation import NETS, QUICK_BLOCKS, checks, network, ratios, tell, thinned  # noqa: E402


def findings(
    plain_20=(0.2, 0.2), plain_56=(0.4, 0.3), residual_56=(0.2, 0.1), counted=67_906, top1=(0.9, 0.9, 0.8, 0.9)
):
    losses = {"plain-20": plain_20, "residual-20": (0.2, 0.2), "plain-56": plain_56, "residual-56": residual_56}
    nets = {
        title: {"predicted_params": 67_906, "params": counted, "loss": list(loss), "top1": [share] * len(loss)}
        for (title, loss), share in zip(losses.items(), top1, strict=True)
    }
    return {"nets": nets, "last": 50, "data": "somewhere"}


def states(found):
    return [one.state for one in checks(found)]


def test_a_ratio_is_taken_seed_by_seed():
    assert ratios(findings(), "plain-56", "plain-20") == pytest.approx([2.0, 1.5])


# fmt: off
BARS = [
    ({},                                    ["passed", "passed", "passed"]),
    ({"counted": 67_907},                   ["failed", "passed", "passed"]),
    ({"plain_56": (0.8, 0.27)},             ["passed", "failed", "passed"]),  # 4.0 and 1.35: the mean alone would do
    ({"plain_56": (0.4, 0.28)},             ["passed", "passed", "passed"]),
    ({"plain_56": (0.4, math.nan)},         ["passed", "failed", "failed"]),
    ({"residual_56": (0.1, 0.19)},          ["passed", "passed", "failed"]),  # 0.25 and 0.63
]
# fmt: on


@pytest.mark.parametrize(("changed", "expected"), BARS)
def test_every_seed_has_to_meet_the_bars(changed, expected):
    assert states(findings(**changed)) == expected


# fmt: off
SAID = [
    ({},                                                      ["The deeper one is worse", "Degradation is reproduced, and shortcuts mend it", "means of 2 seeds"], ["not reproduced"]),
    ({"residual_56": (0.4, 0.3)},                             ["Degradation is reproduced, but shortcuts do not mend"],  ["mend it."]),
    ({"plain_56": (0.1, 0.1), "residual_56": (0.05, 0.05)},   ["The deeper one is not worse", "not reproduced", "shortcuts help all the same"], ["no over-fitting"]),
    ({"plain_56": (0.1, 0.3)},                                ["seeds do not agree", "not reproduced"],                  ["The deeper one is worse", "help all the same"]),
    ({"plain_20": (0.4,), "plain_56": (0.4,), "residual_56": (0.2,)}, ["The deeper one is not worse: 1.00 times"],       ["do not agree"]),
    ({"plain_20": (0.2,), "plain_56": (0.4,), "residual_56": (0.2,)}, ["one seed"],                                      ["means of"]),
    ({"top1": (0.9, 0.9, 0.8, 0.91)},                         ["+1.0 points"],                                           ["-1.0"]),
]
# fmt: on


@pytest.mark.parametrize(("changed", "said", "unsaid"), SAID)
def test_what_is_said_follows_the_numbers(changed, said, unsaid):
    found = findings(**changed)
    for one in found["nets"].values():
        one["loss"] = one["loss"][: len(found["nets"]["plain-56"]["loss"])]
    text = tell(found)

    assert [words for words in said if words not in text] == []
    assert [words for words in unsaid if words in text] == []


@pytest.mark.parametrize("count", [1, 5, 119, 120, 121, 1876])
def test_a_thinned_curve_keeps_the_mean_and_the_order(count):
    losses = [float(step) for step in range(count)]
    thin = thinned(losses)

    assert len(thin) <= 120
    # Step k, from 1 on, has the loss k − 1 here; the middle of a stretch is half a step before its mean step.
    assert all(loss == pytest.approx(step - 0.5, abs=1e-3) for step, loss in thin)


@pytest.mark.parametrize(
    ("title", "layers"), [("plain-20", 20), ("residual-20", 20), ("plain-56", 56), ("residual-56", 56)]
)
def test_the_titles_tell_the_layers_with_weights(title, layers):
    kinds = [layer.node.op for layer in network(title).network.examine().layers if layer.params]

    assert sum(type(op).__name__ in ("Conv2d", "Linear") for op in kinds) == layers


def test_networks_of_one_depth_have_equally_many_parameters():
    totals = {title: network(title).network.examine().totals.params for title in NETS}

    assert totals == {"plain-20": 67_906, "residual-20": 67_906, "plain-56": 214_402, "residual-56": 214_402}


def test_a_quick_try_takes_shallower_networks():
    for title in NETS:
        shallow = network(title, n=QUICK_BLOCKS[title.partition("-")[2]])
        assert shallow.network.examine().totals.params < network(title).network.examine().totals.params
