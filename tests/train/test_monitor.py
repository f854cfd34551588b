"""The monitor names what goes wrong in runs that were made to go wrong, and is silent in one that goes well."""

from __future__ import annotations

import copy
import math

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from archdsl.train import monitor as monitor_module  # noqa: E402
from archdsl.train.monitor import Monitor  # noqa: E402
from archdsl.train.symptoms import CURES, Symptom, gradients, no_number, over_epochs, spelled, wrong_start  # noqa: E402


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    yield
    torch.set_num_threads(before)


def chain(depth, gain=1.0, activation=nn.ReLU, width=16):
    """Return linear layers, each initialised to keep the size of what it gets times a gain."""
    layers = []
    for _ in range(depth):
        layer = nn.Linear(width, width)
        nn.init.normal_(layer.weight, std=gain * math.sqrt(2 / width))
        layers += [layer, activation()]
    return nn.Sequential(*layers, nn.Linear(width, 4))


def steps(model, count=6, every=1, lr=1e-3):
    """Train on random data and return what a monitor saw."""
    watching = Monitor(every)
    watching.watch(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    model.train()
    for _ in range(count):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(torch.randn(32, 16)), torch.randint(0, 4, (32,)))
        loss.backward()
        optimizer.step()
    return watching


def names(watching):
    return [(one.name, one.where) for one in watching.symptoms()]


def test_a_sound_network_has_no_symptoms():
    assert names(steps(chain(3))) == []


def test_units_that_are_always_zero_are_dying_relus():
    model = chain(3)
    nn.init.constant_(model[2].bias, -100.0)
    watching = steps(model)

    assert ("dying ReLU", "3") in names(watching)
    assert watching.dead()["3"] == 1.0


def test_a_unit_that_lives_now_and_then_is_not_dead():
    model = nn.Sequential(nn.Conv2d(1, 2, 1), nn.ReLU())
    watching = Monitor(1)
    watching.watch(model.train())
    with torch.no_grad():
        model[0].weight.fill_(1.0)
        model[0].bias.copy_(torch.tensor([0.0, -100.0]))
    for value in (-1.0, -1.0, -1.0, 1.0):
        model(torch.full((2, 1, 3, 3), value))

    # The first channel was zero for two of the last three looks, the second for all.
    assert watching.dead() == {"1": 0.5}


def test_two_looks_are_not_enough_to_call_a_unit_dead():
    watching = Monitor(1)
    model = watching.watch(nn.Sequential(nn.ReLU())).train()
    for _ in range(2):
        model(torch.full((2, 3), -1.0))
    assert watching.dead() == {}


def test_a_shared_activation_is_looked_at_call_by_call():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.relu = nn.ReLU()

        def forward(self, x):
            return self.relu(self.relu(x) - 5)

    model, watching = Twice().train(), Monitor(1)
    watching.watch(model)
    for _ in range(3):
        model(torch.ones(2, 3))
    assert watching.dead() == {"relu": 0.0, "relu#1": 1.0}


def test_saturated_layers_let_the_gradient_vanish():
    found = steps(chain(12, gain=0.2)).symptoms()

    assert ("vanishing gradient", "0") in [(one.name, one.where) for one in found]
    assert "residual connections" in found[-1].cures


def test_layers_that_enlarge_let_the_gradient_explode():
    assert "exploding gradient" in [name for name, _ in names(steps(chain(12, gain=4.0), count=2, lr=0))]


def test_the_gradient_over_the_weight_is_that_of_autograd():
    model = chain(1)
    watching = steps(model, count=1, lr=0)
    watching.symptoms()

    for path in ("0", "2"):
        weight = model.get_submodule(path).weight
        assert watching.looks[0][path] == pytest.approx(float(weight.grad.norm() / weight.detach().norm()), rel=1e-5)


def test_only_some_steps_are_looked_at_and_no_hook_is_left_between():
    model = chain(2)
    watching = steps(model, count=7, every=3)

    assert watching.steps == 7
    watching.symptoms()
    assert len(watching.looks) == 3
    assert not any(module._forward_hooks for module in model.modules())


def test_what_is_kept_is_bounded(monkeypatch):
    monkeypatch.setattr(monitor_module, "MOST_LOOKS", 8)
    watching = steps(chain(1), count=40)
    watching.symptoms()

    assert len(watching.looks) < 8
    assert watching.every == 8


def test_evaluation_is_not_looked_at_and_a_copy_of_the_model_has_the_same_monitor():
    model = chain(1)
    watching = Monitor(1)
    watching.watch(model)
    model.eval()(torch.zeros(1, 16))
    twin = copy.deepcopy(model)
    twin.train()
    with torch.no_grad():
        twin(torch.zeros(1, 16))

    assert watching.steps == 0
    twin(torch.zeros(1, 16))
    assert watching.steps == 1


def test_a_head_with_small_weights_is_no_measure_of_the_layers_before_it():
    assert gradients([{"a": 2e-3, "b": 3e-3, "head": 6.0}]) == []
    assert [one.where for one in gradients([{"a": 2e-6, "b": 3e-3, "head": 6.0}])] == ["a"]


def test_a_gradient_that_is_small_everywhere_has_not_vanished():
    assert gradients([{"a": 1e-9, "b": 1e-9, "c": 2e-9}]) == []


def epochs(train, held):
    return [{"train_loss": a, "val_loss": b} for a, b in zip(train, held, strict=True)]


# fmt: off
HISTORIES = [
    # training losses                    validation losses                    what is said, of ten classes
    ([2.3, 1.0, 0.5, 0.3, 0.2, 0.1],     [2.0, 1.0, 0.6, 0.5, 0.4, 0.4],      []),
    ([2.3, 2.3, 2.3, 2.3, 2.3, 2.3],     [2.3, 2.3, 2.3, 2.3, 2.3, 2.3],      ["plateau"]),
    ([2.3, 1.0, 0.5, 0.2, 0.1, 0.01],    [2.0, 1.0, 0.8, 0.9, 1.1, 1.5],      ["over-fitting"]),
    ([2.3, 0.1, 0.01, 0.01, 0.01, 0.01], [2.0, 1.0, 0.6, 0.6, 0.6, 0.6],      []),
    ([2.3],                              [2.3],                               []),
    ([2.0, 3.0],                         [1.0, 3.0],                          []),
]
# fmt: on


@pytest.mark.parametrize(("train", "held", "said"), HISTORIES)
def test_losses_over_epochs(train, held, said):
    assert [one.name for one in over_epochs(epochs(train, held), math.log(10))] == said


def test_without_validation_images_only_the_training_loss_is_looked_at():
    assert over_epochs([{"train_loss": 2.3}] * 6, math.log(10))[0].name == "plateau"


@pytest.mark.parametrize(
    ("loss", "wrong"), [(2.303, False), (2.6, False), (2.7, True), (1.9, False), (math.nan, True), (80.0, True)]
)
def test_a_first_loss_is_wrong_from_15_percent_above_equal_chances_on(loss, wrong):
    assert bool(wrong_start(loss, math.log(10))) == wrong


# fmt: off
ENDS = [
    ("the loss is nan at step 3 of epoch 1, with a rate of 1, first in what conv1 gives; a smaller --lr", "conv1"),
    ("the loss is inf at step 3 of epoch 1, with a rate of 1, first in the loss itself; a smaller --lr",  ""),
    ("fc.weight is not a number after step 3: the gradient was not; a smaller --lr may help",             "fc.weight"),
]
# fmt: on


@pytest.mark.parametrize(("said", "where"), ENDS)
def test_a_run_without_numbers_names_the_layer(said, where):
    (found,) = no_number(said)
    assert (found.name, found.where) == ("not a number", where)


def test_another_end_is_no_such_symptom():
    assert no_number("interrupted after step 3; --resume goes on from there") == []


def test_every_symptom_has_cures():
    assert set(CURES) >= {"dying ReLU", "vanishing gradient", "exploding gradient", "plateau", "over-fitting"}
    assert all(CURES.values())


def test_many_layers_with_one_symptom_are_told_in_one_line_with_its_cures_once():
    dying = [Symptom("dying ReLU", f"act{i}", "30% of its units are zero") for i in range(5)]
    lines = spelled([Symptom("plateau", "", "the loss stays"), *dying])

    assert len(lines) == 2
    assert lines[0].startswith("dying ReLU: in act0, 30% of its units are zero; in act1, ")
    assert "in act2, " in lines[0]
    assert "act3" not in lines[0]
    assert "; and in 2 more layers. What helps: LeakyReLU or PReLU, " in lines[0]
    assert lines[1].startswith("plateau: the loss stays. What helps: another schedule")
    assert spelled([]) == []
