"""`identity`: slopes against powers by hand, blocks at scale 0, and what is said either way."""

from __future__ import annotations

import copy

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("matplotlib")

from archdsl.train.experiments.experiment import net  # noqa: E402
from archdsl.train.experiments.identity import BLOCKS, SCALES, checks, looked_at, relative, scale_weights, slope, tell  # noqa: E402

ALL = (*SCALES, 0.0)


def findings():
    """Return findings that follow the powers by hand."""
    values = {
        "residual": [1.2 * s**2 for s in ALL],
        "plain": [1.0 for _ in ALL],
        "residual, normed": [1.1 for _ in ALL],
        "residual, γ of the last norm": [1.1 * s for s in ALL],
        "plain, γ of the last norm": [1.0 for _ in ALL],
    }
    blocks = {title: {"forward": list(row), "backward": list(row)} for title, row in values.items()}
    return copy.deepcopy({"scales": list(ALL), "blocks": blocks, "seeds": 1})


@pytest.mark.parametrize("power", [0, 0.5, 1, 2, 3])
def test_the_slope_of_logarithms_is_the_power(power):
    assert slope(ALL, [3 * s**power if s else 0 for s in ALL]) == pytest.approx(power, abs=1e-9)


def test_the_slope_is_that_of_the_least_scales():
    assert slope([1, 0.1, 0.01, 0.001], [77, 0.1, 0.01, 0.001]) == pytest.approx(1)


def test_a_difference_is_relative_to_what_was_wanted():
    assert relative(torch.tensor([3.0, 0.0]), torch.tensor([0.0, 4.0])) == pytest.approx(5 / 4)


@pytest.mark.parametrize(("scaled", "changed"), [("conv", 2), ("gamma", 1)])
def test_only_what_is_named_is_scaled(scaled, changed):
    before, after = (net("pieces.arch", "ResidualBlock").build(0) for _ in range(2))
    scale_weights(after, scaled, 0.5)
    ratios = {name: float((new.data / old.data).mean()) for (name, old), (_, new) in
              zip(before.named_parameters(), after.named_parameters(), strict=True) if bool((old != 0).all())}  # fmt: skip

    assert sorted(ratios.values()) == [0.5] * changed + [1.0] * (len(ratios) - changed)
    assert ("block.bn2.weight" in [name for name, ratio in ratios.items() if ratio == 0.5]) == (scaled == "gamma")


# At scale 0 a block with a shortcut is the identity, out and back; one without gives and sends back nothing.
@pytest.mark.parametrize("title", [title for title in BLOCKS if title != "residual, normed"])
def test_a_block_at_scale_0_is_the_identity_or_nothing(title):
    model, parameters, scaled = BLOCKS[title]
    wanted = 0.0 if title.startswith("residual") else 1.0

    assert looked_at(net("pieces.arch", model, title, **parameters), scaled, 0.0, 0) == (wanted, wanted)


def test_the_difference_of_a_pair_is_its_branch_worked_out_beside_it():
    one = net("pieces.arch", "Pair", shortcut=True)
    model = one.build(3)
    with torch.no_grad():
        x = torch.randn((32, 16, 16, 16), generator=torch.Generator().manual_seed(3)).relu()
        branch = torch.nn.functional.conv2d(x, 0.5 * model.conv1.weight, padding=1).relu()
        branch = torch.nn.functional.conv2d(branch, 0.5 * model.conv2.weight, padding=1)

    assert looked_at(one, "conv", 0.5, 3)[0] == pytest.approx(float(branch.norm() / x.norm()), rel=1e-5)


def test_all_is_well_where_powers_and_limits_are_as_predicted():
    assert [one.state for one in checks(findings())] == ["passed"] * 11


BROKEN = {
    "residual, forward: power of the scale":
        lambda b: b["residual"].update(forward=[s**1.9 for s in ALL[:-1]] + [0.0]),
    "residual, γ of the last norm, forward: power of the scale":
        lambda b: b["residual, γ of the last norm"].update(forward=[s**1.1 for s in ALL[:-1]] + [0.0]),
    "residual, backward: difference at scale 0": lambda b: b["residual"]["backward"].__setitem__(-1, 1e-9),
    "plain, forward: difference at scale 0": lambda b: b["plain"]["forward"].__setitem__(-1, 0.999),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_what_differs_from_its_prediction_fails_alone(name):
    found = findings()
    BROKEN[name](found["blocks"])

    assert [one.name for one in checks(found) if one.failed] == [name]


def test_it_names_the_largest_scale_at_which_an_input_is_passed_on():
    said = tell(findings())

    # 1.2 · (1/16)² = 0.47 %, and 1.2 · (1/8)² = 1.9 % is more than one per cent.
    assert "with weights 16 times smaller by 0.47%" in said
    assert "the one is the identity and the other is zero" in said


def test_it_says_of_a_plain_block_and_of_norms_only_what_came():
    as_claimed, other = findings(), findings()
    other["blocks"]["plain"]["backward"] = [1.5 for _ in ALL]
    other["blocks"]["residual, normed"]["forward"] = [1.2 * s for s in ALL]

    assert "100.0% off: it gives nearly nothing, and sends nearly nothing back. " in tell(as_claimed)
    assert "64 times smaller leave 100% of the difference: a norm undoes their scale. " in tell(as_claimed)
    assert "nearly nothing" not in tell(other)
    assert "the other is zero" not in tell(other)
    assert "64 times smaller leave 2% of the difference, so small weights help there too. " in tell(other)


def test_it_says_so_where_no_scale_passes_the_input_on():
    found = findings()
    found["blocks"]["residual"]["forward"] = [0.5 for _ in ALL]
    said = tell(found)

    assert said.startswith("At no scale above 0 does the residual block pass its input on. ")
    assert "is the identity" not in said
