"""`gradients`: slopes by hand, gradients by differences, the laws of scaling, and what is said either way."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("matplotlib")

from torch import nn  # noqa: E402

from archdsl.train.experiments.experiment import net  # noqa: E402
from archdsl.train.experiments.gradients import (  # noqa: E402
    BATCH_NORM_RATE,
    KINDS,
    checks,
    gradients,
    slope,
    spread,
    tell,
    with_depth,
)

DEPTHS = (20, 56, 110)


def findings(cosine=1e-6, apart=1e-4, along=-0.07, seeds=2, **rates):
    """Return findings of which the first layer changes by so many decades for a layer more."""
    each = {"BatchNorm, plain": 0.07, "BatchNorm, residual": 0.012, "bare, plain": -0.04, "bare, residual": 0.07}
    each |= {title.replace("_", ", ").replace("norm", "BatchNorm"): rate for title, rate in rates.items()}
    kinds = {}
    for title, kind in KINDS.items():
        start = math.log10(kind.pilot[0])
        kinds[title] = {
            str(depth): {
                "first": [start + each[title] * (depth - 20)] * seeds, "slope": [along] * seeds,
                "largest_cosine": cosine, "spread_of_products": apart, "curve": [0.0, 1.0],
            } for depth in DEPTHS
        }  # fmt: skip
    return {"kinds": kinds, "depths": list(DEPTHS), "batch": 64}


def failed(found):
    return [one.name for one in checks(found) if one.failed]


def test_the_slope_is_that_of_the_line_through_points_on_one():
    assert slope([1.0, 3.0, 5.0]) == pytest.approx(2)
    assert slope([1.0, 4.0, 10.0], [0, 1, 3]) == pytest.approx(3)
    # Least squares by hand: mean x 1, mean y 1; (−1)(−1) + 0 + (1)(0) over 2 = 1/2.
    assert slope([0.0, 2.0, 1.0]) == pytest.approx(0.5)


def test_the_growth_with_depth_is_told_seed_by_seed():
    found = findings()
    found["kinds"]["bare, plain"] = {str(d): {"first": [0.1 * d, -0.2 * d + 3]} for d in DEPTHS}

    assert with_depth(found, "bare, plain") == pytest.approx([0.1, -0.2])


def test_values_are_apart_by_a_share_of_the_largest():
    assert spread([-4.0, -2.0, -3.0]) == pytest.approx(0.5)
    assert spread([0.0, 0.0]) == 0


class Two(nn.Module):
    """Two convolutions in a row; their order and their gradients can be told by hand."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.fc = nn.Conv2d(1, 2, 3), nn.Conv2d(2, 2, 3), nn.Linear(2, 3)

    def forward(self, x):
        return self.fc(torch.relu(self.b(torch.relu(self.a(x)))).mean((2, 3)))


def test_the_gradient_is_that_of_the_loss_by_differences():
    model = Two().double()
    generator = torch.Generator().manual_seed(5)
    default = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        found = gradients(model, (1, 8, 8), 4, 5)
        for convolution in (model.a, model.b):
            nn.init.kaiming_normal_(convolution.weight, mode="fan_out", nonlinearity="relu", generator=generator)
        nn.init.kaiming_uniform_(model.fc.weight, math.sqrt(5), generator=generator)
        images, labels = torch.randn(4, 1, 8, 8, generator=generator), torch.randint(3, (4,), generator=generator)
        for place, convolution in enumerate((model.a, model.b)):
            weight, total, product = convolution.weight.detach().clone(), 0.0, 0.0
            for index in range(weight.numel()):
                losses = []
                for step in (1e-6, -1e-6):
                    moved = weight.clone()
                    moved.view(-1)[index] += step
                    convolution.weight.data = moved
                    losses.append(float(nn.functional.cross_entropy(model(images), labels).detach()))
                one = (losses[0] - losses[1]) / 2e-6
                total, product = total + one**2, product + one * float(weight.view(-1)[index])
            convolution.weight.data = weight
            assert found.sizes[place] == pytest.approx(math.log10(math.sqrt(total) / float(weight.norm())), abs=1e-5)
            assert found.products[place] == pytest.approx(product, rel=1e-4, abs=1e-9)
            assert found.cosines[place] == pytest.approx(product / math.sqrt(total) / float(weight.norm()), abs=1e-5)
    finally:
        torch.set_default_dtype(default)


@pytest.mark.parametrize("title", KINDS)
def test_normalised_weights_are_orthogonal_to_their_gradient_and_bare_chains_share_one_product(title):
    kind = KINDS[title]
    found = gradients(
        net(kind.spec, kind.model, n=1, width=8, stride=2, channels=1, size=28).build(0), (1, 28, 28), 8, 0
    )

    assert (max(map(abs, found.cosines)) < 1e-4) == title.startswith("BatchNorm")
    assert (spread(found.products) < 1e-3) == (title == "bare, plain")


def test_a_seed_gives_the_same_numbers_again_and_leaves_others_their_draws():
    made = net("bare.arch", "BarePlain", n=1, width=8, stride=2, channels=1, size=28)
    torch.manual_seed(0)
    wanted = torch.rand(1)
    torch.manual_seed(0)
    first = gradients(made.build(3), (1, 28, 28), 8, 3)
    assert torch.equal(torch.rand(1), wanted)
    assert gradients(made.build(3), (1, 28, 28), 8, 3) == first
    assert gradients(made.build(4), (1, 28, 28), 8, 4) != first


def test_the_rate_of_batch_norm_is_that_of_a_wide_chain():
    """Six linear layers of 1,024 units with BatchNorm and ReLU, 512 images: the gradient from layer to layer."""
    generator, width, depth = torch.Generator().manual_seed(0), 1024, 6
    signal = start = torch.randn(512, width, generator=generator, requires_grad=True)
    before = []
    for _ in range(depth):
        z = nn.functional.batch_norm(
            signal @ (torch.randn(width, width, generator=generator) / math.sqrt(width)), None, None, training=True
        )
        before.append(z)
        signal = torch.relu(z)
    flows = torch.autograd.grad(signal, [start, *before], torch.randn(signal.shape, generator=generator))
    growth = [math.log10(float(one.norm() / other.norm())) for one, other in pairwise(flows[1:])]

    assert sum(growth) / len(growth) == pytest.approx(BATCH_NORM_RATE, rel=0.1)


# fmt: off
FAILING = [
    ({},                         []),
    ({"norm_plain": -0.01},      ["first layer, BatchNorm, plain", "what shortcuts leave of the growth, BatchNorm", "pilot, BatchNorm, plain"]),
    ({"norm_residual": 0.03},    ["what shortcuts leave of the growth, BatchNorm", "pilot, BatchNorm, residual"]),
    ({"bare_plain": 0.001},      ["first layer, bare, plain", "pilot, bare, plain"]),
    ({"bare_residual": -0.001},  ["first layer, bare, residual", "pilot, bare, residual"]),
    ({"along": 0.01},            ["along the layers, BatchNorm, plain"]),
    ({"cosine": 0.1},            ["cosine of weight and gradient, BatchNorm"]),
    ({"apart": 0.1},             ["products of weight and gradient, bare, plain"]),
]
# fmt: on


@pytest.mark.parametrize(("changed", "expected"), FAILING)
def test_what_does_not_hold_fails(changed, expected):
    assert failed(findings(**changed)) == expected


@pytest.mark.parametrize(("bare", "alike"), [(-0.01, True), (0.034, True), (-0.036, False)])
def test_that_bare_layers_are_alike_is_said_where_they_change_by_less_than_half_of_what_normalised_ones_do(bare, alike):
    found = findings(along=-0.07)
    for depth in DEPTHS:
        found["kinds"]["bare, plain"][str(depth)]["slope"] = [bare]
        found["kinds"]["bare, residual"][str(depth)]["slope"] = [0.0]
    text = tell(found)

    assert f"those with 110 it changes by {bare:+.3f} and +0.000 decades" in text
    assert ("against -0.070 in plain ones with BatchNorm: most of the change is alike in all layers" in text) == alike


def test_one_seed_of_the_other_sign_fails():
    found = findings()
    for depth in DEPTHS:
        found["kinds"]["bare, plain"][str(depth)]["first"][1] = depth / 1000

    assert "first layer, bare, plain" in failed(found)


# fmt: off
SAID = [
    ({},                        ["lets the gradient explode", "0.070 decades", "Shortcuts leave 17% of that growth", "plain networks vanishes", "residual ones explodes", "means of 2 seeds"]),
    ({"along": 0.02},           ["does not let the gradient explode", "0.020 decades"]),
    ({"norm_plain": -0.02},     ["nothing for shortcuts to mend"]),
    ({"norm_residual": 0.035},  ["50% of the growth with depth, more than expected"]),
    ({"bare_plain": 0.01},      ["plain networks does not vanish"]),
    ({"bare_residual": -0.01},  ["residual ones does not explode"]),
    ({"seeds": 1},              ["one seed"]),
]
# fmt: on


@pytest.mark.parametrize(("changed", "said"), SAID)
def test_what_is_said_follows_the_numbers(changed, said):
    text = tell(findings(**changed))

    assert [words for words in said if words not in text] == []
