"""`features`: the masks are orthogonal, shares are those by hand, and what is said either way."""

from __future__ import annotations

import copy

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("matplotlib")

from archdsl.train.experiments.experiment import net  # noqa: E402
from archdsl.train.experiments.features import CHANCE, DIVIDED, EDGE, checks, first_filters, masks, shares, tell, whole  # noqa: E402
from archdsl.train.experiments.pictures import as_rows, from_rows  # noqa: E402


def findings(before=8, after=40):
    """Return findings of 96 filters, of which some look for edges."""
    even = {name: dimensions / 9 for name, dimensions in DIVIDED.items()}
    maps = {name: {"maps": [["0"]], "zeros": 0.4} for name in ("conv1", "conv2")}
    later = {**even, "edges": 0.5}
    seed = {"top1": 0.9, "before": {"energy": even, "edges": before, "filters": 96},
            "after": {"energy": later, "edges": after, "filters": 96}}  # fmt: skip
    return copy.deepcopy({"data": "fashion-mnist", "epochs": 2, "seeds": [seed], "filters": [["0"]], "image": ["0"],
                          "maps": maps})  # fmt: skip


def test_the_masks_are_orthogonal_and_of_length_one():
    found = masks()

    assert found.shape == (9, 9)
    assert torch.allclose(found @ found.T, torch.eye(9, dtype=torch.double), atol=1e-12)


# By hand: Sobel's mask is almost the second of Frei and Chen, which has √2 where it has 2.
@pytest.mark.parametrize(
    ("rows", "kind"),
    [([[1, 1, 1]] * 3, "mean"), ([[1, 0, -1], [2**0.5, 0, -(2**0.5)], [1, 0, -1]], "edges"),
     ([[1, 2**0.5, 1], [0, 0, 0], [-1, -(2**0.5), -1]], "edges"), ([[0, 1, 0], [-1, 0, -1], [0, 1, 0]], "lines"),
     ([[1, 0, -1], [0, 0, 0], [-1, 0, 1]], "lines"), ([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], "Laplacians"),
     ([[0, -1, 2**0.5], [1, 0, -1], [-(2**0.5), 1, 0]], "ripples")],
)  # fmt: skip
def test_a_mask_is_of_its_own_kind_alone(rows, kind):
    (found,) = shares(torch.tensor([rows]))

    assert dict(zip(DIVIDED, found.tolist(), strict=True)) == pytest.approx(
        {name: float(name == kind) for name in DIVIDED}, abs=1e-9
    )


def test_sobel_is_nearly_an_edge():
    (found,) = shares(torch.tensor([[[1.0, 0, -1], [2, 0, -2], [1, 0, -1]]]))

    # Its product with the mask is (4 + 4√2) / √8 = 2 + √2; its own energy is 12.
    assert found[1] == pytest.approx((4 + 4 * 2**0.5) ** 2 / 8 / 12)


# Uniform weights are those of a new convolution in PyTorch; of normal ones the Beta distribution gives the chance.
@pytest.mark.parametrize(("drawn", "chance"), [(torch.rand, CHANCE), (torch.randn, 0.5**3.5)])
def test_random_filters_are_edge_detectors_as_often_as_their_distribution_says(drawn, chance):
    filters = drawn(100_000, 3, 3, generator=torch.Generator().manual_seed(0))
    found = shares(2 * filters - 1 if drawn is torch.rand else filters)

    # Two standard errors of so many draws are 0.0019.
    assert float((found[:, 1] > EDGE).float().mean()) == pytest.approx(chance, abs=0.0019)
    assert found.sum(1).min() == pytest.approx(1)
    assert found.mean(0).tolist() == pytest.approx([1 / 9, 2 / 9, 2 / 9, 2 / 9, 2 / 9], abs=0.004)


def test_the_first_filters_are_those_of_conv1():
    model = net("mnist.arch", "MnistCNN").build(0)

    assert torch.equal(first_filters(model), model.conv1.weight.detach().reshape(32, 3, 3))


# Two standard errors of 96 draws at 9.75 % are 6.06 points: from 3.55 to 15.17 of 96 filters is chance.
@pytest.mark.parametrize(
    ("before", "after", "states"),
    [(8, 40, ["passed", "passed"]), (4, 16, ["passed", "passed"]), (3, 15, ["failed", "failed"]),
     (16, 8, ["failed", "failed"]), (15, 15, ["passed", "failed"])],
)  # fmt: skip
def test_chance_is_held_against_two_standard_errors(before, after, states):
    assert [one.state for one in checks(findings(before, after))] == states


@pytest.mark.parametrize(
    ("after", "said"),
    [(40, "has come to look for edges, as the notes say, though most filters are none"),
     (60, "the network has come to look for edges, as the notes say. "),
     (10, "that is not clearly more than chance, so the claim")],
)  # fmt: skip
def test_it_says_that_filters_look_for_edges_only_where_more_do_than_by_chance(after, said):
    told = tell(findings(8, after))

    assert said in told
    assert "What changed most is the energy in edges, from 22% to 50%." in told


def test_values_are_whole_numbers_of_the_largest_with_or_without_their_sign():
    assert whole(torch.tensor([[0.0, 1.0, 2.0]])) == [[0, 50, 99]]
    assert whole(torch.tensor([[-2.0, 1.0, 0.0]]), signed=True) == [[-99, 50, 0]]
    assert whole(torch.zeros(1, 2)) == [[0, 0]]


def test_a_picture_is_read_as_it_was_written():
    assert as_rows([[0, -99, 7], [1, 2, 3]]) == ["0 -99 7", "1 2 3"]
    assert from_rows(["0 -99 7", "1 2 3"]) == [[0, -99, 7], [1, 2, 3]]
