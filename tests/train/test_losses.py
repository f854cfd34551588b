"""Losses, against sums that are written out."""

from __future__ import annotations

import math
from typing import NamedTuple

import pytest

torch = pytest.importorskip("torch")

from archdsl.train.parts.losses import Objective, dice_loss, match_masks  # noqa: E402

LOGITS = torch.tensor([[2.0, 0.0, -1.0], [0.5, 0.5, 3.0]])
CLASSES = torch.tensor([0, 1])


def log_softmax(row):
    total = math.log(sum(math.exp(v) for v in row))
    return [v - total for v in row]


def softplus(value):
    return math.log1p(math.exp(value))


def test_cross_entropy_with_smoothing():
    """Label smoothing by ε is the distribution (1 − ε) one-hot + ε / K."""
    rows = [log_softmax(row) for row in LOGITS.tolist()]
    expected = -sum(0.9 * row[c] + 0.1 * sum(row) / 3 for row, c in zip(rows, CLASSES.tolist(), strict=True)) / 2

    assert float(Objective("ce", smoothing=0.1)(LOGITS, CLASSES)) == pytest.approx(expected)


def test_cross_entropy_with_shares_is_the_mean_of_both_classes():
    shares = torch.tensor([[0.25, 0.75, 0.0], [0.0, 0.0, 1.0]])
    rows = [log_softmax(row) for row in LOGITS.tolist()]
    expected = -(0.25 * rows[0][0] + 0.75 * rows[0][1] + rows[1][2]) / 2

    assert float(Objective("ce")(LOGITS, shares)) == pytest.approx(expected)


def test_binary_cross_entropy_counts_every_class():
    """−log σ(x) is softplus(−x), and −log(1 − σ(x)) is softplus(x)."""
    signs = [(-1, 1, 1), (1, -1, 1)]
    pairs = zip(LOGITS.tolist(), signs, strict=True)
    expected = sum(softplus(s * v) for row, sign in pairs for v, s in zip(row, sign, strict=True)) / 6

    assert float(Objective("bce")(LOGITS, CLASSES)) == pytest.approx(expected)
    several = torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    assert float(Objective("bce")(LOGITS, several)) == pytest.approx(expected)


def test_one_output_is_a_yes_or_no():
    logits = torch.tensor([[1.0], [-2.0]])

    assert float(Objective("bce")(logits, torch.tensor([1, 0]))) == pytest.approx((softplus(-1) + softplus(-2)) / 2)


def test_auxiliary_heads_are_weighted():
    class Output(NamedTuple):
        logits: torch.Tensor
        aux1: torch.Tensor
        aux2: torch.Tensor

    one, two = (float(Objective("ce")(x, CLASSES)) for x in (LOGITS, LOGITS * 2))

    assert float(Objective("ce", aux_weight=0.3)(Output(LOGITS, LOGITS * 2, LOGITS), CLASSES)) == pytest.approx(
        one + 0.3 * two + 0.3 * one
    )


def test_ignored_pixels_do_not_count():
    logits = torch.randn(2, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    masks = torch.full((2, 4, 4), 255, dtype=torch.uint8)
    masks[0, 1, 2], masks[1, 3, 3] = 2, 0
    rows = [(logits[0, :, 1, 2], 2), (logits[1, :, 3, 3], 0)]
    expected = -sum(log_softmax(row.tolist())[c] for row, c in rows) / 2
    changed = logits.clone()
    changed[0, :, 0] = 9

    for terms in ("ce", "bce", "dice", "ce+dice"):
        assert float(Objective(terms)(logits, masks)) == pytest.approx(float(Objective(terms)(changed, masks)))
    assert float(Objective("ce")(logits, masks)) == pytest.approx(expected)


def test_dice_by_hand():
    """One pixel of each class guessed for sure, one of class 1 guessed as 0: 2·1/(2+1) and 2·1/(1+2)."""
    logits = torch.tensor([[[[50.0, -50.0, 50.0]], [[-50.0, 50.0, -50.0]]]])
    masks = torch.tensor([[[0, 1, 1]]], dtype=torch.uint8)

    assert float(dice_loss(logits, masks, smooth=0)) == pytest.approx(1 - 2 / 3)
    assert float(dice_loss(logits, logits.argmax(1), smooth=0)) == pytest.approx(0)


def test_a_smaller_map_is_compared_with_the_centre_and_a_coarse_one_is_enlarged():
    masks = torch.arange(36).view(1, 6, 6)
    logits, cut = match_masks(torch.zeros(1, 2, 4, 4), masks)
    assert cut[0, 0].tolist() == [7, 8, 9, 10]
    assert logits.shape[-2:] == (4, 4)
    logits, same = match_masks(torch.zeros(1, 2, 3, 3), masks)
    assert logits.shape[-2:] == same.shape[-2:] == (6, 6)


def test_a_class_numbered_as_ignored_pixels_are_is_a_class():
    """Of 300 classes, 255 is one: chances of 1 in 302 (a logit of ln 3 elsewhere) and of 1 in 300."""
    logits = torch.zeros(2, 300)
    logits[0, 0] = math.log(3)
    found = Objective("ce")(logits, torch.tensor([255, 7]))

    assert float(found) == pytest.approx((math.log(302) + math.log(300)) / 2, abs=1e-5)


def test_deterministic_algorithms_give_masks_the_same_loss():
    logits, masks = torch.randn(2, 3, 4, 5), torch.randint(0, 3, (2, 4, 5), dtype=torch.uint8)
    masks[0, 0] = 255
    plain = Objective("ce", smoothing=0.1)(logits, masks)
    torch.use_deterministic_algorithms(True)
    try:
        assert torch.allclose(Objective("ce", smoothing=0.1)(logits, masks), plain)
    finally:
        torch.use_deterministic_algorithms(False)
