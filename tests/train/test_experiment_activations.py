"""`activations`: what counts as dead, illnesses and cures on small nets, and what is said either way."""

from __future__ import annotations

import copy

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("matplotlib")

from torch import nn  # noqa: E402

from archdsl.train.experiments.activations import BIAS, CURES, ILLNESSES, checks, descend, prepare, silent, tell  # noqa: E402
from archdsl.train.experiments.experiment import net  # noqa: E402
from archdsl.train.parts.data import Split  # noqa: E402


def row(dead, top1, told=()):
    return {"dead": [dead, dead], "worst": [dead, dead], "told": [list(told)] * 2, "top1": [top1, top1]}


def findings():
    """Return findings in which all that was expected came."""
    rates = [row(0.5, 0.2, ["act.1"]), row(0, 0.8), row(0, 0.1), row(0.4, 0.2, ["act.0"]), row(0, 0.83)]
    biases = [row(0.6, 0.1, ["act.0"]), row(0.6, 0.1, ["act.0"]), row(0, 0.7), row(0, 0.8), row(0, 0.84)]
    illnesses = {
        name: dict(zip(CURES, rows, strict=True)) for name, rows in zip(ILLNESSES, (rates, biases), strict=True)
    }
    return copy.deepcopy({"illnesses": illnesses, "rates": [0.3, 0.05], "data": "fashion-mnist"})


def failed(found):
    return [one.name for one in checks(found) if one.failed]


def test_a_unit_is_silent_that_is_zero_for_every_image():
    model = nn.Sequential(nn.Linear(2, 4), nn.ReLU())
    with torch.no_grad():
        model[0].weight.copy_(torch.tensor([[1.0, 0], [0, 1], [-1, -1], [0, 0]]))
        model[0].bias.copy_(torch.tensor([0, -5.0, 0, -1]))

    # Unit 0 is 1, 2 or 3; unit 1 never reaches its bias; unit 2 is negative; unit 3 is its bias alone.
    assert silent(model, torch.tensor([[1.0, 1], [2, 2], [3, 3]])) == {"1": 0.75}
    assert silent(model, torch.tensor([[1.0, 6]])) == {"1": 0.5}


def test_a_leaky_unit_is_not_silent():
    model = nn.Sequential(nn.Linear(1, 2), nn.LeakyReLU())
    with torch.no_grad():
        model[0].weight.fill_(-1.0)
        model[0].bias.fill_(-1.0)

    assert silent(model, torch.tensor([[1.0], [2.0]])) == {"1": 0.0}


@pytest.mark.parametrize(
    ("illness", "cure", "bias"),
    [("biases of −1", "none", BIAS), ("biases of −1", "LeakyReLU", BIAS), ("biases of −1", "He, biases of 0", 0.0),
     ("high rate", "He, biases of 0", 0.0), ("high rate", "none", None)],
)  # fmt: skip
def test_an_illness_or_its_cure_is_in_the_hidden_layers_and_not_in_the_head(illness, cure, bias):
    one = net("pieces.arch", "DeepMLP", layers=2)
    before, model = one.build(0), one.build(0)
    prepare(model, illness, cure, 0)
    hidden = [model.get_submodule(f"fc.{i}") for i in range(2)]

    assert torch.equal(model.head.bias, before.head.bias)
    for i, layer in enumerate(hidden):
        wanted = before.get_submodule(f"fc.{i}").bias if bias is None else torch.full_like(layer.bias, bias)
        assert torch.equal(layer.bias, wanted)


def test_weights_after_he_have_a_variance_of_two_over_their_inputs():
    model = net("pieces.arch", "DeepMLP", layers=2).build(0)
    prepare(model, "high rate", "He, biases of 0", 0)

    assert float(model.get_submodule("fc.0").weight.detach().var()) == pytest.approx(2 / 784, rel=0.05)


def test_a_descent_is_that_of_momentum_by_hand():
    model = nn.Linear(1, 2, bias=False)
    weight, speed = model.weight.detach().clone(), torch.zeros(2, 1)
    part = Split(torch.tensor([[2.0]]), torch.tensor([1]))
    for _ in range(3):
        chances = (weight @ torch.tensor([[2.0]])).softmax(0)
        gradient = (chances - torch.tensor([[0.0], [1.0]])) * 2.0
        speed = 0.9 * speed + gradient
        weight = weight - 0.1 * speed
    descend(model, part, 0.1, 3, 1, 0)

    assert torch.allclose(model.weight, weight, atol=1e-6)


def test_a_descent_ends_where_the_loss_is_no_number():
    model = nn.Linear(1, 2)
    part = Split(torch.tensor([[float("inf")]]), torch.tensor([1]))
    descend(model, part, 0.1, 2, 1, 0)

    assert bool(model.weight.isfinite().all())


def test_all_is_well_where_cures_cure_and_the_monitor_tells():
    assert failed(findings()) == []


# fmt: off
BROKEN = [
    ("high rate", "none", row(0.1, 0.1),                     ["high rate: units die"]),
    ("high rate", "lower rate", row(0.0, 0.15),              ["high rate, lower rate: few are dead, and it names more"]),
    ("high rate", "LeakyReLU", row(0.01, 0.5),               ["high rate, LeakyReLU: dead units"]),
    ("high rate", "He, biases of 0", row(0.0, 0.8),          []),
    ("biases of −1", "He, biases of 0", row(0.3, 0.8, ["a"]), ["biases of −1, He, biases of 0: few are dead, and it names more"]),
    ("biases of −1", "lower rate", row(0.6, 0.1),            ["runs where the monitor is right"]),
    ("biases of −1", "BatchNorm", row(0.0, 0.8, ["act.0"]),  ["runs where the monitor is right"]),
]
# fmt: on


@pytest.mark.parametrize(("illness", "cure", "changed", "names"), BROKEN)
def test_what_does_not_come_fails_by_its_name(illness, cure, changed, names):
    found = findings()
    found["illnesses"][illness][cure] = changed

    assert failed(found) == names


def test_it_tells_which_cures_help_and_which_do_not():
    said = tell(findings())

    assert "With a learning rate of 0.3, 50% of the hidden units are dead, and the accuracy is 20.0%. " in said
    assert (
        "What helps: lower rate (0% dead, 80.0%); BatchNorm (0% dead, 83.0%). What does not: LeakyReLU (0% dead, 10.0%)"
        in said
    )
    assert "right about all 20 runs" in said


def test_it_says_so_where_nothing_helps_and_where_the_monitor_is_wrong():
    found = findings()
    for cure in CURES[1:]:
        found["illnesses"]["high rate"][cure] = row(0.5, 0.1)
    said = tell(found)

    assert "Nothing helps. " in said
    assert "right about 12 of 20 runs" in said
