"""Which parameters decay, and which optimiser a name stands for."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from archdsl.train.parts.averaging import Averaged  # noqa: E402
from archdsl.train.parts.optimizers import decayed, l1_norm, make_optimizer, parameter_groups  # noqa: E402


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 3)
        self.norm = nn.LayerNorm((2, 6, 6))  # three axes, and still a norm
        self.bn = nn.BatchNorm2d(2)
        self.act = nn.PReLU(2)
        self.fc = nn.Linear(72, 2)
        self.tied = self.fc
        self.frozen = nn.Linear(2, 2).requires_grad_(False)


def test_weights_decay_and_norms_and_biases_do_not():
    assert [name for name, _ in decayed(Net())] == ["conv.weight", "fc.weight"]


def test_every_trained_parameter_is_in_one_group():
    net = Net()
    groups = parameter_groups(net, 0.1, 0.5)
    found = [id(p) for group in groups for p in group["params"]]

    assert sorted(found) == sorted(id(p) for p in net.parameters() if p.requires_grad)
    assert [group["weight_decay"] for group in groups] == [0.5, 0.0]


# After one step with gradient 1 at weight 2, rate 0.1, decay 0.5; after two with gradient 0 then, worked by hand.
# fmt: off
STEPS = [
    ("sgd",      1.8),         # 2 - 0.1 (1 + 0.5 * 2)
    ("momentum", 1.8),
    ("nesterov", 1.62),        # 2 - 0.1 (2 + 0.9 * 2)
    ("adam",     1.9),         # 2 - 0.1 sign
    ("adamw",    1.8),         # 2 (1 - 0.1 * 0.5) - 0.1
]
# fmt: on


@pytest.mark.parametrize(("name", "value"), STEPS)
def test_one_step_by_hand(name, value):
    weight = nn.Parameter(torch.tensor([[2.0]]))
    group = {"params": [weight], "weight_decay": 0.5, "lr": 0.1, "peak_lr": 0.1}
    made = make_optimizer(name, [group], momentum=0.9, betas=(0.9, 0.999), fused=False)
    weight.grad = torch.tensor([[1.0]])
    made.step()

    assert float(weight.detach()) == pytest.approx(value, abs=1e-6)


def test_the_l1_norm_adds_absolute_values():
    weights = [nn.Parameter(torch.tensor([1.0, -2.0])), nn.Parameter(torch.tensor([[3.0]]))]

    assert float(l1_norm(weights).detach()) == 6


def test_averaged_weights_follow_the_recurrence():
    net = nn.Sequential(nn.Linear(1, 1, bias=False), nn.BatchNorm1d(1))
    net[0].weight.data.fill_(0.0)
    averaged = Averaged(net, 0.5)
    expected = 0.0
    for update, value in enumerate((1.0, 2.0, -1.0, 4.0), 1):
        net[0].weight.data.fill_(value)
        net[1].num_batches_tracked.fill_(update)
        decay = min(0.5, (1 + update) / (10 + update))
        expected = decay * expected + (1 - decay) * value
        averaged.update(net)

    assert float(averaged.model[0].weight) == pytest.approx(expected)
    assert int(averaged.model[1].num_batches_tracked) == 4
    assert not any(p.requires_grad for p in averaged.model.parameters())
