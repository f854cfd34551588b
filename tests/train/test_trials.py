"""What is measured before a run: the work of a step, counted by hand."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from archdsl.train.parts.fitting import Architecture  # noqa: E402
from archdsl.train.parts.trials import count_flop, profile  # noqa: E402
from oracles.training import trainer  # noqa: E402

FIRST, GROUPED, HEAD = 8 * 9 * 64, 8 * 2 * 9 * 64, 8 * 16 * 4
"""Multiply-adds of an image of 8 × 8: one channel to eight; four groups of two to two; 128 features to four classes."""
STEP = 2 * (2 * FIRST + 3 * GROUPED + 3 * HEAD)
"""FLOP forward and backward: the first layer has no gradient of its input."""


class Grouped(torch.nn.Module):
    """Two convolutions, the second in groups."""

    def __init__(self, classes: int = 4) -> None:
        super().__init__()
        first, grouped = torch.nn.Conv2d(1, 8, 3, padding=1), torch.nn.Conv2d(8, 8, 3, padding=1, groups=4)
        self.body = torch.nn.Sequential(first, torch.nn.ReLU(), grouped, torch.nn.ReLU())
        self.head = torch.nn.Linear(8 * 16, classes)

    def forward(self, x):
        return self.head(torch.nn.functional.adaptive_avg_pool2d(self.body(x), 4).flatten(1))


GROUPED_NET = Architecture("Grouped", Grouped, (1, 8, 8))


@pytest.mark.parametrize("recompute", ["", "body"])
def test_a_step_has_the_flop_counted_by_hand_whatever_is_computed_anew(recompute):
    made = trainer(GROUPED_NET, recompute=recompute)
    made.set_modes()

    assert count_flop(made, *made.prepare(torch.arange(16))) == 16 * STEP
    assert all(weight.grad is None for weight in made.model.parameters())
    assert ("forward" in vars(made.model.body)) == bool(recompute)


def test_a_profile_states_its_speed_as_a_share_of_the_peak():
    made = trainer(GROUPED_NET, profile=3, peak=2.0, accumulate=2)
    found = profile(made, {})["profile"]

    assert found["flop_per_image"] == STEP
    assert found["images_per_second"] == pytest.approx(16e3 / found["step_ms"])
    assert found["images_per_second_without_data"] == pytest.approx(16e3 / found["compute_ms"])
    assert found["share_of_peak"] == pytest.approx(STEP * found["images_per_second"] / 2e12)
    assert "peak_bytes" not in found
