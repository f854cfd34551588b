"""What is frozen stays to the bit, and what lies deeper learns more slowly."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from archdsl.train.parts.freezing import frozen_modules, rate_factors  # noqa: E402
from archdsl.train.parts.problems import RunError  # noqa: E402
from oracles.training import MAPPER, bright_spots, trainer  # noqa: E402


class Deep(nn.Module):
    """The top level of a ResNet: a stem, two layers with blocks inside, a head; `scale` belongs to no layer."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))
        self.conv1 = nn.Conv2d(1, 2, 3)
        self.bn1 = nn.BatchNorm2d(2)
        self.relu = nn.ReLU()
        self.layer1 = nn.Sequential(nn.Conv2d(2, 2, 3), nn.BatchNorm2d(2))
        self.layer2 = nn.Sequential(nn.Conv2d(2, 2, 3), nn.BatchNorm2d(2))
        self.classifier = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 4))


LEAVES = {
    "conv1",
    "bn1",
    "relu",
    "layer1.0",
    "layer1.1",
    "layer2.0",
    "layer2.1",
    "classifier.0",
    "classifier.1",
    "classifier.2",
}

# fmt: off
FROZEN = [
    # patterns              head               leaves that are left
    ("",                    ("classifier.2",), LEAVES),
    ("layer1",              (),                LEAVES - {"layer1.0", "layer1.1"}),
    ("layer*",              (),                {"conv1", "bn1", "relu", "classifier.0", "classifier.1", "classifier.2"}),
    ("*.1",                 (),                LEAVES - {"layer1.1", "layer2.1", "classifier.1"}),
    ("conv1, bn1",          (),                LEAVES - {"conv1", "bn1"}),
    ("backbone",            ("classifier.2",), {"classifier.2"}),
    ("backbone",            ("classifier",),   {"classifier.0", "classifier.1", "classifier.2"}),
    ("backbone,classifier.2", ("classifier",), {"classifier.0", "classifier.1"}),
]
# fmt: on


@pytest.mark.parametrize(("patterns", "head", "left"), FROZEN)
def test_patterns_freeze_modules_with_all_inside(patterns, head, left):
    assert LEAVES - frozen_modules(Deep(), patterns, head) == left


@pytest.mark.parametrize(
    ("patterns", "said"),
    [("layr1", "no module is called layr1; did you mean layer1?"), ("backbone", "name the head with --head"), ("fc,layer1", "called fc")],
)  # fmt: skip
def test_a_pattern_for_nothing_is_refused(patterns, said):
    with pytest.raises(RunError, match=said) as caught:
        frozen_modules(Deep(), patterns, ())
    assert caught.value.code == 2


def test_rates_fall_by_the_depth_of_the_top_level_module():
    """At a decay of 1/2: halves, quarters, eighths and sixteenths, counted by hand from the head."""
    factors = rate_factors(Deep(), ("classifier.2",), 0.5, 1.0)
    by_module = {name.rpartition(".")[0]: factor for name, factor in factors.items()}

    assert by_module == {
        "classifier.2": 1.0, "classifier.0": 1.0, "layer2.0": 0.5, "layer2.1": 0.5, "layer1.0": 0.25, "layer1.1": 0.25,
        "bn1": 0.125, "conv1": 0.0625, "": 0.0625,
    }  # fmt: skip


def test_all_but_the_head_has_the_rate_of_the_backbone():
    factors = rate_factors(Deep(), ("classifier.2",), 1.0, 0.1)

    assert {name for name, factor in factors.items() if factor == 1.0} == {"classifier.2.weight", "classifier.2.bias"}
    assert {factor for name, factor in factors.items() if not name.startswith("classifier.2")} == {0.1}


def test_a_step_moves_each_layer_at_its_own_rate():
    """SGD with a constant rate: weight − rate · gradient, from gradients that the optimiser sees."""
    made = trainer(
        optimizer="sgd", schedule="constant", lr=0.2, lr_decay=0.5, backbone_lr=0.5, weight_decay=0.0, set="dropout=0.0"
    )
    seen, before = {}, {name: value.clone() for name, value in made.model.state_dict().items()}
    made.optimizer.register_step_pre_hook(
        lambda *_: seen.update({n: p.grad.clone() for n, p in made.model.named_parameters()})
    )
    made.advance()
    rates = {"fc": 0.2, "bn": 0.2 * 0.5 * 0.5, "conv": 0.2 * 0.5 * 0.25}

    for name, value in made.model.named_parameters():
        assert torch.allclose(value, before[name] - rates[name.partition(".")[0]] * seen[name], atol=1e-7), name
        assert float(seen[name].abs().sum()) > 0
    assert made.optimizer.param_groups[0]["lr"] == pytest.approx(0.2)


def test_frozen_parameters_have_no_gradient_no_place_in_the_optimiser_and_stay(tmp_path):
    made = trainer(freeze="conv,bn", ema=0.9, clip=1.0, accumulate=2, l1=1e-3, weight_decay=0.1)
    before = {name: value.clone() for name, value in made.model.state_dict().items()}
    for _ in range(7):
        made.advance()
    held = {id(p) for group in made.optimizer.param_groups for p in group["params"]}

    assert held == {id(made.model.fc.weight), id(made.model.fc.bias)}
    assert [id(p) for p in made.sparse] == [id(made.model.fc.weight)]
    assert {name for name, p in made.model.named_parameters() if p.requires_grad} == {"fc.weight", "fc.bias"}
    for weights in (made.model.state_dict(), made.averaged.model.state_dict()):
        for name, value in weights.items():
            assert torch.equal(value, before[name]) == (not name.startswith("fc.")), name


def test_a_frozen_batch_norm_counts_with_its_running_statistics():
    """The loss of the first step is that of the model in evaluation, dropout aside; not so where the norm learns."""
    made, free = (trainer(freeze=patterns, set="dropout=0.0", smoothing=0.0) for patterns in ("bn", "conv"))
    with torch.no_grad():
        for one in (made, free):
            one.model.bn.running_mean.fill_(0.3)
    wanted = []
    for one in (made, free):
        one.advance()
        batch = one.prepare(one.order[:16])
        one.enter(0)  # modes of evaluation
        wanted.append(batch)
    again = [trainer(freeze=patterns, set="dropout=0.0") for patterns in ("bn", "conv")]
    for one, (images, targets), first in zip(again, wanted, (made, free), strict=True):
        with torch.no_grad():
            one.model.bn.running_mean.fill_(0.3)
            loss = nn.functional.cross_entropy(one.model.eval()(images), targets)
        assert (float(loss) == pytest.approx(first.losses[0], abs=1e-5)) == (first is made)


def test_norms_that_learn_go_on_counting_beside_frozen_layers():
    made = trainer(freeze="conv")
    made.advance()
    made.evaluate(made.model, made.feed)
    made.advance()

    assert int(made.model.bn.num_batches_tracked) == 2
    assert made.model.bn.training


def test_a_run_that_freezes_everything_is_refused():
    with pytest.raises(RunError, match="leaves nothing to train"):
        trainer(freeze="*")


def test_masks_have_a_head_too():
    made = trainer(MAPPER, bright_spots(), freeze="backbone", loss="ce")
    made.advance()

    assert {name for name, p in made.model.named_parameters() if p.requires_grad} == {"head.weight", "head.bias"}


def test_what_has_no_gradient_to_begin_with_gets_none():
    from oracles.training import SMALL, Small, quadrants

    def fixed(classes=4):
        model = Small(classes)
        model.conv.requires_grad_(False)
        return model

    made = trainer(SMALL.__class__("Fixed", fixed, (1, 8, 8)), quadrants(), freeze="bn")
    assert {name for name, p in made.model.named_parameters() if p.requires_grad} == {"fc.weight", "fc.bias"}
