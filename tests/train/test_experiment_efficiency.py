"""`efficiency`: a ResNet with the parameters of DenseNet-BC, and when one network is called better than another."""

from __future__ import annotations

import copy
from itertools import permutations, product

import pytest

pytest.importorskip("torch")
pytest.importorskip("matplotlib")

from archdsl.train.experiments.efficiency import (
    CONTROL,
    DENSE,
    RESIDUAL,
    checks,
    closest,
    residual,
    tell,
)
from archdsl.train.experiments.seeds import compared, spelled, told

HIGH, MIDDLE, LOW = [0.88, 0.881, 0.882], [0.87, 0.875, 0.8795], [0.86, 0.861, 0.869]
ROWS = {"passed": 33, "skipped": 3, "failed": []}


def findings(dense, other, control, **changes):
    """Return findings with three lists of accuracies; `changes` are figures of the ResNet."""

    def one(params, macs, saved, peak, top1):
        return {"params": params, "measured_params": params, "macs": macs, "saved": saved, "peak": peak << 20,
                "top1": top1, "rows": ROWS}  # fmt: skip

    nets = {DENSE: one(1000, 6_000_000, 400, 80, dense), RESIDUAL: one(1010, 2_000_000, 100, 20, other),
            CONTROL: one(1010, 8_000_000, 390, 79, control)}  # fmt: skip
    nets[RESIDUAL] |= changes
    found = {"nets": nets, "layers": 26, "width": 7, "tried": 65, "batch": 128, "epochs": 3, "images": 20_000,
             "data": "fashion-mnist"}  # fmt: skip
    return copy.deepcopy(found)


def states(found):
    return {one.name: one.state for one in checks(found)}


# fmt: off
CHECKS = [
    # accuracies: dense, residual, control      changes                                 check                               state
    ((HIGH, LOW, MIDDLE),                       {},                                     "DenseNet-BC at equal parameters",  "passed"),
    ((LOW, HIGH, MIDDLE),                       {},                                     "DenseNet-BC at equal parameters",  "failed"),
    ((HIGH, [0.8, 0.8, 0.8805], LOW),           {},                                     "DenseNet-BC at equal parameters",  "failed"),
    ((HIGH[:2], LOW[:2], LOW[:2]),              {},                                     "DenseNet-BC at equal parameters",  "failed"),
    ((HIGH, LOW, MIDDLE),                       {"params": 1020},                       "parameters of ResNet",             "passed"),
    ((HIGH, LOW, MIDDLE),                       {"params": 1021},                       "parameters of ResNet",             "failed"),
    ((HIGH, LOW, MIDDLE),                       {"params": 979},                        "parameters of ResNet",             "failed"),
    ((HIGH, LOW, MIDDLE),                       {"measured_params": 1011},              "parameters built, ResNet",         "failed"),
    ((HIGH, LOW, MIDDLE),                       {"params": 1011},                       "parameters of the control",        "failed"),
    ((HIGH, LOW, MIDDLE),                       {"rows": ROWS | {"failed": ["shapes"]}}, "predicted against measured in each run", "failed"),
    ((HIGH, LOW, MIDDLE),                       {},                                     "predicted against measured in each run", "passed"),
]
# fmt: on


@pytest.mark.parametrize(("top1", "changes", "name", "state"), CHECKS)
def test_each_expectation_holds_or_does_not(top1, changes, name, state):
    assert states(findings(*top1, **changes))[name] == state


# fmt: off
SAID = [
    ((HIGH, LOW, MIDDLE),   "DenseNet-BC is the more accurate: 88.10 ± 0.10 % against 86.33 ± 0.49 %"),
    ((LOW, HIGH, MIDDLE),   "DenseNet-BC is the less accurate, against what is claimed of it"),
    ((HIGH, HIGH, MIDDLE),  "The runs do not tell which of the two is the more accurate"),
    ((HIGH, LOW, MIDDLE),   "4.0 times its multiply-adds, by a first convolution of stride 1. That makes it better"),
    ((HIGH, LOW, LOW),      "That makes no difference that the runs tell"),
    ((HIGH, MIDDLE, LOW),   "That makes it worse"),
    ((HIGH, LOW, MIDDLE),   "DenseNet-BC is better than that, too: work alone does not explain it."),
    ((HIGH, HIGH, LOW),     "DenseNet-BC is better than that. Figures"),
    ((HIGH, LOW, HIGH),     "The runs do not tell that from DenseNet-BC: what parameters are worth depends on the work"),
    ((HIGH, HIGH, HIGH),    "The runs do not tell that from DenseNet-BC. Figures"),
    ((MIDDLE, LOW, HIGH),   "That is better than DenseNet-BC: what parameters are worth depends on the work"),
    ((LOW, HIGH, HIGH),     "That is better than DenseNet-BC. Figures"),
    ((HIGH, LOW, MIDDLE),   "makes 3.0 times the multiply-adds (6.0 M and 2.0 M) and keeps 4.0 times the bytes"),
    ((HIGH, LOW, MIDDLE),   "128 images is 80 MiB against 20 MiB"),
    ((HIGH, LOW, MIDDLE),   "3 epochs of 20,000 images"),
]
# fmt: on


@pytest.mark.parametrize(("top1", "said"), SAID)
def test_the_text_says_what_the_runs_tell(top1, said):
    assert said in tell(findings(*top1))


def test_the_nearest_count_is_taken_and_the_shallowest_of_equals():
    counts = [((5, 6), 103), ((2, 9), 97), ((3, 4), 110), ((4, 4), 60)]

    assert closest(100, counts) == (2, 9)
    assert closest(111, counts) == (3, 4)
    assert closest(100, reversed(counts)) == (2, 9)


def test_a_residual_network_has_the_parameters_that_he_et_al_count():
    """Width 8, 20 layers and projections, counted by hand: TRAINING's 68,642. A stride changes the work alone."""
    fast, slow = residual(3, 8), residual(3, 8, stride=1)

    assert fast.network.examine().totals.params == slow.network.examine().totals.params == 68_642
    assert slow.network.examine().totals.macs > 3 * fast.network.examine().totals.macs


def test_one_is_better_only_where_every_run_is():
    for first, second in product(permutations([1, 2, 3]), permutations([4, 5, 6])):
        assert compared(first, second) == -1
        assert compared(second, first) == 1
    assert compared([1, 2, 4], [3, 5, 6]) == 0
    assert compared([1, 2, 3], [3, 5, 6]) == 0


def test_fewer_than_three_seeds_call_nothing_better():
    assert compared([9, 9], [1, 1, 1]) == compared([1, 1, 1], [9, 9]) == 0
    assert "say nothing" in told(1)
    assert told(2).startswith("2 seeds:")
    assert "3 seeds; better and worse are said only where they hold in every pair" in told(3)


def test_accuracies_are_spelled_with_their_spread():
    # The deviations from 90 % are −1, 0 and +1 points: 2 / (3 − 1) = 1.
    assert spelled([0.89, 0.9, 0.91]) == "90.00 ± 1.00 %"
    assert spelled([0.9]) == "90.00 %"
