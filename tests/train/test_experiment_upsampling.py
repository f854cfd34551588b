"""`upsampling`: bilinear kernels against a hat by hand, taps counted by hand, and what is said either way."""

from __future__ import annotations

import copy
from statistics import fmean, pstdev

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("matplotlib")

from archdsl.train.experiments.experiment import net  # noqa: E402
from archdsl.train.experiments.upsampling import (  # noqa: E402
    UNEVEN,
    WAYS,
    bilinear_kernel,
    checks,
    levels,
    looked_at,
    predicted_taps,
    tell,
)

TAPS = {"kernel 3, stride 2": [1, 2, 2, 4], "kernel 4, stride 2": [4, 4, 4, 4], "resize, then 3×3": [9, 9, 9, 9]}


def findings():
    """Return findings in which everything came as predicted."""
    sizes = {"kernel 3, stride 2": [1.0, 1.4142, 1.4142, 2.0]}
    ways = {
        title: {"predicted": taps, "taps": taps, "magnitudes": sizes.get(title, [1.0] * 4), "ripple": 0.85,
                "one": ["0"], "many": ["0"]}
        for title, taps in TAPS.items()
    }  # fmt: skip
    ways["resize, then 3×3"]["ripple"] = 0.0
    bilinear = [{"factor": factor, "kernel": 4, "inside": 1e-7, "all": 0.5} for factor in (2, 3)]
    return copy.deepcopy({"bilinear": bilinear, "ways": ways, "draws": 100})


# The hats by hand: the weights of the two nearest pixels at the middles of the larger map's pixels.
@pytest.mark.parametrize(
    ("factor", "hat"),
    [(1, [1]), (2, [0.25, 0.75, 0.75, 0.25]), (3, [1 / 3, 2 / 3, 1, 2 / 3, 1 / 3]),
     (4, [0.125, 0.375, 0.625, 0.875, 0.875, 0.625, 0.375, 0.125])],
)  # fmt: skip
def test_a_bilinear_kernel_is_a_hat_times_a_hat(factor, hat):
    kernel = bilinear_kernel(factor)

    assert kernel.tolist() == [pytest.approx([a * b for b in hat]) for a in hat]


@pytest.mark.parametrize("factor", [2, 3, 4, 5, 8])
def test_a_transposed_convolution_with_it_interpolates_away_from_the_border_only(factor):
    x = torch.randn(1, 1, 7, 7, generator=torch.Generator().manual_seed(factor))
    wanted = torch.nn.functional.interpolate(x, scale_factor=factor, mode="bilinear", align_corners=False)
    found = torch.nn.functional.conv_transpose2d(
        x, bilinear_kernel(factor)[None, None], stride=factor, padding=factor // 2
    )
    apart = (found - wanted).abs()

    assert found.shape == wanted.shape
    assert apart[..., factor:-factor, factor:-factor].max() < 1e-5
    assert apart.max() > 0.01


@pytest.mark.parametrize("title", WAYS)
def test_the_analysis_counts_the_taps_that_meet_as_by_hand(title):
    one = net("pieces.arch", WAYS[title], title)

    assert predicted_taps(one) == TAPS[title]


@pytest.mark.parametrize("title", WAYS)
def test_weights_of_one_on_an_even_map_count_the_taps(title):
    assert looked_at(net("pieces.arch", WAYS[title], title), 3)["taps"] == TAPS[title]


def test_only_a_map_that_is_resized_first_stays_even_with_a_single_kernel():
    ripple = {title: looked_at(net("pieces.arch", model, title), 3)["ripple"] for title, model in WAYS.items()}

    assert ripple["resize, then 3×3"] < 1e-5
    assert min(ripple["kernel 3, stride 2"], ripple["kernel 4, stride 2"]) > 0.1


def test_four_random_values_deviate_from_their_mean_as_the_closed_form_says():
    draws = torch.randn(20_000, 4, generator=torch.Generator().manual_seed(0), dtype=torch.double).tolist()

    assert fmean(pstdev(four) / fmean(x * x for x in four) ** 0.5 for four in draws) == pytest.approx(UNEVEN, abs=0.003)


def test_levels_go_from_the_least_or_from_zero_to_the_largest():
    assert levels(torch.tensor([[1.0, 2.0, 3.0]])) == [[0, 50, 99]]
    assert levels(torch.tensor([[1.0, 2.0, 3.0]]), zero=True) == [[33, 66, 99]]
    assert levels(torch.full((1, 2), 7.0)) == [[50, 50]]


def test_all_is_well_where_everything_came_as_predicted():
    assert [one.state for one in checks(findings())] == ["passed"] * 9


BROKEN = {
    "bilinear kernels away from the border": lambda f: f["bilinear"][1].update(inside=1e-3),
    "kernel 3, stride 2: taps that meet": lambda f: f["ways"]["kernel 3, stride 2"].update(taps=[1, 2, 2, 3]),
    "kernel 4, stride 2: largest to least magnitude":
        lambda f: f["ways"]["kernel 4, stride 2"].update(magnitudes=[1, 1.2, 1, 1]),
    "kernel 4, stride 2: share that varies on an even map":
        lambda f: f["ways"]["kernel 4, stride 2"].update(ripple=0.8),
    "resize, then 3×3: share that varies on an even map":
        lambda f: f["ways"]["resize, then 3×3"].update(ripple=0.1),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_what_differs_from_its_prediction_fails_alone(name):
    found = findings()
    BROKEN[name](found)

    assert [one.name for one in checks(found) if one.failed] == [name]


def test_it_says_that_a_single_kernel_of_four_is_uneven_only_where_it_is():
    found = findings()
    uneven = tell(found)
    found["ways"]["kernel 4, stride 2"]["ripple"] = 0.0

    assert "What a single random kernel of 4 makes of an even map is not even, though" in uneven
    assert "the deviation from the mean is 85% of the root mean square" in uneven
    assert "not even" not in tell(found)


def test_it_says_where_bilinear_kernels_do_not_interpolate():
    found = findings()
    found["bilinear"][0]["inside"] = 0.25

    assert "interpolate as PyTorch does" in tell(findings())
    assert "up to 2.5e-01 from PyTorch's interpolation, even away from the border" in tell(found)
