"""`init`: the theory against closed forms and against chains by hand, and what is said either way."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("matplotlib")

from torch import nn  # noqa: E402

from archdsl.train.experiments.experiment import net  # noqa: E402
from archdsl.train.experiments.init import (  # noqa: E402
    ACTIVATIONS,
    STARTS,
    checks,
    factor,
    measured,
    over_normal,
    predicted,
    tell,
    variances,
)

# fmt: off
VARIANCES = [
    (512, 512, "ReLU", {"Xavier": 1 / 512, "He": 1 / 256, "too small": 1 / 1024, "too large": 1 / 64}),
    (512, 512, "tanh", {"Xavier": 1 / 512, "He": 1 / 256, "too small": 1 / 2048, "too large": 1 / 128}),
    (6, 2,     "ReLU", {"Xavier": 1 / 4,   "He": 1 / 3,   "too small": 1 / 12,   "too large": 4 / 3}),
]
# fmt: on


@pytest.mark.parametrize(("fan_in", "fan_out", "activation", "expected"), VARIANCES)
def test_the_variances_are_those_of_the_papers(fan_in, fan_out, activation, expected):
    assert variances(fan_in, fan_out, activation) == pytest.approx(expected)


@pytest.mark.parametrize(("start", "initialise"), [
    ("Xavier", nn.init.xavier_normal_),
    ("He", lambda weight: nn.init.kaiming_normal_(weight, nonlinearity="relu")),
])  # fmt: skip
def test_the_variances_are_those_of_torch(start, initialise):
    torch.manual_seed(0)
    weight = torch.empty(300, 700)
    initialise(weight)

    assert variances(700, 300, "ReLU")[start] == pytest.approx(float(weight.var()), rel=0.02)


# fmt: off
CLOSED_FORMS = [
    (lambda z: z,                     3.0, 3.0),
    (torch.relu,                      3.0, 1.5),
    (lambda z: (z > 0).double(),      3.0, 0.5),
    (lambda z: z**2,                  2.0, 12.0),              # 3 σ⁴
    (torch.exp,                       0.5, math.exp(1.0)),     # E exp(2z) = exp(2 σ²)
    (torch.cos,                       0.5, (1 + math.exp(-1.0)) / 2),
]
# fmt: on


@pytest.mark.parametrize(("function", "variance", "expected"), CLOSED_FORMS)
def test_the_quadrature_meets_closed_forms(function, variance, expected):
    assert over_normal(function, variance) == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize(("start", "multiple"), [("He", 1.0), ("Xavier", 0.5), ("too small", 0.25), ("too large", 4.0)])
def test_a_square_layer_of_relus_multiplies_as_the_closed_form_says(start, multiple):
    fans = [(64, 64)] * 5
    signals, gradients = predicted(ACTIVATIONS["ReLU"], fans, [variances(64, 64, "ReLU")[start]] * 5)

    assert signals == pytest.approx([multiple ** (layer + 1) for layer in range(5)], rel=1e-3)
    assert gradients == pytest.approx([multiple ** (4 - layer) / 2 for layer in range(5)], rel=1e-2)


def test_layers_of_unequal_fans_multiply_signals_by_fan_in_and_gradients_by_fan_out():
    signals, gradients = predicted(ACTIVATIONS["ReLU"], [(10, 30), (30, 20)], [0.1, 0.02])

    # 10 · 0.1 / 2 = 1/2, then 30 · 0.02 / 2 = 0.3 of it; back: 1/2, then 20 · 0.02 / 2 = 0.2 of it.
    assert signals == pytest.approx([0.5, 0.15], rel=1e-3)
    assert gradients == pytest.approx([0.1, 0.5], rel=1e-2)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("start", STARTS)
def test_the_theory_meets_a_wide_chain(activation, start):
    """What one layer does, averaged over eight draws of four layers of 256 units."""
    made = net("bare.arch", ACTIVATIONS[activation].model, depth=4, width=256)
    fans = [(784, 256), (256, 256), (256, 256), (256, 256)]
    spreads = [variances(*fan, activation)[start] for fan in fans]
    looks = [measured(made.build(0), ACTIVATIONS[activation], spreads, seed) for seed in range(8)]
    theory = predicted(ACTIVATIONS[activation], fans, spreads)

    for side, expected in zip(zip(*looks, strict=True), theory, strict=True):
        means = [sum(values) / len(values) for values in zip(*side, strict=True)]
        assert means == pytest.approx(expected, rel=0.15)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_chain_that_is_measured_is_the_generated_model(activation):
    """The signal before the head, by the model itself, has the mean square that is told of the last layer."""
    model = net("bare.arch", ACTIVATIONS[activation].model, depth=3, width=32).build(0)
    signals, _ = measured(model, ACTIVATIONS[activation], [0.002, 0.06, 0.06], 7)
    images = torch.randn(256, 784, generator=torch.Generator().manual_seed(7))
    seen = []
    model.head.register_forward_pre_hook(lambda _, inputs: seen.append(float(inputs[0].detach().square().mean())))
    model(images.view(256, 1, 28, 28))

    assert seen[0] == pytest.approx(signals[-1], rel=1e-5)


def test_the_gradient_is_that_of_autograd_through_the_whole_chain():
    model = net("bare.arch", "DeepTanh", depth=2, width=8).build(0)
    _, gradients = measured(model, ACTIVATIONS["tanh"], [0.01, 0.2], 3)
    generator = torch.Generator().manual_seed(3)
    images = torch.randn(256, 784, generator=generator)
    for layer in (model.fc1, model.fc2):
        torch.empty_like(layer.weight).normal_(generator=generator)
    back = torch.randn(256, 8, generator=generator)
    first = (images @ model.fc1.weight.T).detach()
    second = (torch.tanh(first) @ model.fc2.weight.T).detach()
    by_hand = back * (1 - torch.tanh(second) ** 2)
    further = by_hand @ model.fc2.weight.detach() * (1 - torch.tanh(first) ** 2)

    assert gradients == pytest.approx([float(further.square().mean()), float(by_hand.square().mean())], rel=1e-4)


def test_the_factor_leaves_the_first_layer_out():
    assert factor([100.0, 1.0, 2.0, 4.0]) == pytest.approx(2)
    assert factor([1.0, 3.0]) == pytest.approx(3)


def findings(seeds=2, **changed):
    """Return findings of six layers that multiply as the closed forms say, but for those changed."""
    each = {"Xavier": (0.5, 0.5), "He": (1.0, 1.0), "too small": (0.25, 0.25), "too large": (4.0, 4.0)}
    tanh = {"Xavier": (0.9, 0.9), "He": (1.0, 1.1), "too small": (0.25, 0.25), "too large": (1.0, 1.4)}
    nets = {}
    for activation, starts in (("ReLU", each), ("tanh", tanh)):
        nets[activation] = {}
        for start, theory in starts.items():
            got = changed.get(f"{activation}_{start}".replace(" ", "_"), theory)
            nets[activation][start] = {
                "measured": [[got[0] ** i for i in range(6)], [got[1] ** (5 - i) for i in range(6)]],
                "predicted": [[theory[0] ** i for i in range(6)], [theory[1] ** (5 - i) for i in range(6)]],
                "factors": [list(got)] * seeds,
            }
    return {"nets": nets, "batch": 256, "fans": [[784, 64]] + [[64, 64]] * 5}


# fmt: off
FAILING = [
    ({},                                  []),
    ({"ReLU_He": (0.94, 1.0)},            ["factor of a layer, ReLU, He"]),
    ({"ReLU_He": (1.0, 1.06)},            ["factor of a layer, ReLU, He"]),
    ({"ReLU_He": (0.96, 1.04)},           []),
    ({"ReLU_Xavier": (1.0, 1.0)},         ["factor of a layer, ReLU, Xavier"]),
    ({"tanh_too_large": (1.0, 1.0)},      ["factor of a layer, tanh, too large"]),
]
# fmt: on


@pytest.mark.parametrize(("changed", "expected"), FAILING)
def test_what_is_off_by_more_than_the_tolerance_fails(changed, expected):
    assert [one.name for one in checks(findings(**changed)) if one.failed] == expected


def test_relus_are_held_against_the_closed_form_and_not_against_the_recursion():
    found = findings()
    found["nets"]["ReLU"]["He"]["predicted"] = [[0.5**i for i in range(6)]] * 2

    assert not any(one.failed for one in checks(found))


# fmt: off
SAID = [
    ({},                                 ["He keeps the signal of ReLUs", "tanh keeps its size, and the gradient grows", "meets all factors", "means of 2 seeds"]),
    ({"ReLU_He": (0.8, 1.0)},            ["He does not keep the signal of ReLUs", "is off by more than 5% for ReLU, He."]),
    ({"tanh_too_large": (0.5, 0.9)},     ["tanh does not keep its size, and the gradient does not grow", "for tanh, too large."]),
    ({"seeds": 1},                       ["one seed"]),
]
# fmt: on


@pytest.mark.parametrize(("changed", "said"), SAID)
def test_what_is_said_follows_the_numbers(changed, said):
    text = tell(findings(**changed))

    assert [words for words in said if words not in text] == []
