"""Figures, against loops over single answers."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from archdsl.train.parts.metrics import Tally  # noqa: E402

DEVICE = torch.device("cpu")
ZERO = torch.zeros(())


def drawn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_top_one_and_top_five_count_single_answers():
    logits, targets = drawn(50, 8), torch.arange(50) % 8
    rows = list(zip(logits.tolist(), targets.tolist(), strict=True))
    ranked = [sorted(range(8), key=lambda c, row=row: -row[c]) for row, _ in rows]
    tally = Tally(8, DEVICE)
    for part in range(0, 50, 20):
        tally.add(logits[part : part + 20], targets[part : part + 20], ZERO)
    results = tally.results("classes")

    assert results["top1"] == pytest.approx(sum(r[0] == t for r, (_, t) in zip(ranked, rows, strict=True)) / 50)
    assert results["top5"] == pytest.approx(sum(t in r[:5] for r, (_, t) in zip(ranked, rows, strict=True)) / 50)


def test_the_loss_is_that_of_a_mean_sample_though_batches_differ():
    tally = Tally(2, DEVICE)
    tally.add(torch.zeros(3, 2), torch.zeros(3, dtype=torch.int64), torch.tensor(1.0))
    tally.add(torch.zeros(1, 2), torch.zeros(1, dtype=torch.int64), torch.tensor(5.0))

    assert tally.results("classes")["loss"] == 2


def test_overlaps_of_masks_are_counted_pixel_by_pixel():
    logits = drawn(3, 4, 5, 5)
    logits[:, 3] = -9  # never guessed
    truth = torch.randint(0, 3, (3, 5, 5), generator=torch.Generator().manual_seed(1)).to(torch.uint8)
    truth[0, :2] = 255
    pairs = [
        (int(t), max(range(4), key=lambda c, v=v: v[c]))
        for t, v in zip(truth.flatten().tolist(), logits.permute(0, 2, 3, 1).reshape(-1, 4).tolist(), strict=True)
        if t != 255
    ]
    ious, dices = [], []
    for c in range(3):  # the fourth is nowhere, and does not count
        both = sum(t == g == c for t, g in pairs)
        either = sum(t == c or g == c for t, g in pairs)
        sizes = sum(t == c for t, _ in pairs) + sum(g == c for _, g in pairs)
        ious.append(both / either)
        dices.append(2 * both / sizes)
    tally = Tally(4, DEVICE)
    tally.add(logits, truth, ZERO)
    results = tally.results("mask")

    assert results["miou"] == pytest.approx(sum(ious) / 3)
    assert results["dice"] == pytest.approx(sum(dices) / 3)
    assert results["pixels"] == pytest.approx(sum(t == g for t, g in pairs) / len(pairs))
    assert int(tally.confusion[0, 1]) == sum((t, g) == (0, 1) for t, g in pairs)


def test_one_output_guesses_two_classes():
    tally = Tally(1, DEVICE)
    tally.add(torch.tensor([[1.0], [-1.0], [2.0]]), torch.tensor([1, 0, 0]), ZERO)

    assert tally.confusion.tolist() == [[1, 1], [0, 1]]


def test_several_labels_are_counted_one_by_one():
    guess = torch.tensor([[1.0, 1.0, -1.0], [-1.0, 1.0, -1.0]])
    truth = torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    tally = Tally(3, DEVICE)
    tally.add(guess, truth, ZERO)
    results = tally.results("labels")

    assert results["f1"] == pytest.approx(2 * 2 / (2 * 2 + 1))
    assert results["exact"] == 0.5
