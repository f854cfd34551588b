"""Images for a trained network are those that it was trained with."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("matplotlib")

from archdsl.train.experiments.inputs import as_given, some_of  # noqa: E402
from archdsl.train.parts.data import Split  # noqa: E402


def run(**told):
    images = {
        "size": [2, 2],
        "how": "none",
        "channels": 1,
        "repeated": False,
        "mean": [0.5],
        "std": [0.25],
        "kind": "classes",
    }
    return SimpleNamespace(record={"images": images | told, "data": {"classes": 2}})


def test_bytes_become_shares_less_the_mean_over_the_deviation():
    images = torch.tensor([[[[0, 255], [51, 204]]]], dtype=torch.uint8)

    # (0 − 0.5) / 0.25, (1 − 0.5) / 0.25, (0.2 − 0.5) / 0.25, (0.8 − 0.5) / 0.25
    assert as_given(run(), images).flatten().tolist() == pytest.approx([-2, 2, -1.2, 1.2])


def test_images_are_padded_and_repeated_as_they_were():
    images = torch.full((1, 1, 2, 2), 255, dtype=torch.uint8)
    seen = as_given(run(size=[4, 4], how="pad", channels=3, repeated=True, mean=[0.0] * 3, std=[1.0] * 3), images)

    assert seen.shape == (1, 3, 4, 4)
    assert seen[0, 1].tolist() == [[0, 0, 0, 0], [0, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 0]]


def test_some_images_are_drawn_with_the_seed_and_keep_their_answers():
    split = Split(torch.arange(50, dtype=torch.uint8).view(50, 1, 1, 1), torch.arange(50))
    some, again, other = some_of(split, 20), some_of(split, 20), some_of(split, 20, seed=1)

    assert len(some) == len(set(some.targets.tolist())) == 20
    assert some.images.flatten().tolist() == some.targets.tolist() == again.targets.tolist()
    assert some.targets.tolist() != other.targets.tolist()
    assert len(some_of(split, 99)) == 50
