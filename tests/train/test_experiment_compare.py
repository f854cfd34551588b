"""`compare`: six networks against the bars, and the figures that it shares with other experiments."""

from __future__ import annotations

import copy
from itertools import chain, repeat
from types import SimpleNamespace

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("matplotlib")

from archdsl.train.experiments import timed  # noqa: E402
from archdsl.train.experiments.analysed import analysed, borne_out, rows  # noqa: E402
from archdsl.train.experiments.compare import ENTRIES, EXPERIMENT, agreeing, checks, tell  # noqa: E402
from archdsl.train.experiments.experiment import Run, Setting, net  # noqa: E402
from archdsl.train.prediction import judged, skipped  # noqa: E402
from archdsl.train.storages import saved_bytes  # noqa: E402

ROWS = {"passed": 11, "skipped": 1, "failed": []}


def findings(**changes):
    """Return findings in which every bar is met; `changes` names a network's accuracy, or a figure of the whole."""
    nets = {
        title: {"params": 1000 * (i + 1), "macs": 10**6 * (i + 1), "saved": 2048, "ms": 0.5 * (i + 1), "seconds": 60,
                "top1": [0.905 + 0.001 * i], "rows": ROWS}
        for i, title in enumerate(ENTRIES)
    }  # fmt: skip
    found = {"nets": nets, "linear": 0.84, "data": "fashion-mnist", "epochs": 3}
    for name, value in changes.items():
        if name in found:
            found[name] = value
        else:
            nets[name]["top1"] = value
    return copy.deepcopy(found)


def states(found):
    return {one.name: one.state for one in checks(found)}


def test_the_bars_are_those_that_were_set_beforehand():
    assert {title: entry.least for title, entry in ENTRIES.items()} == {
        "LeNet-5": 0.89,
        "VGG-small": 0.90,
        "ResNet-20": 0.90,
        "EfficientNet-lite": 0.90,
        "DenseNet-BC-22": 0.89,
        "Inception-lite": 0.89,
    }
    assert EXPERIMENT.options["epochs"] == 3


# fmt: off
BARS = [
    # what came                                     which check                                 state
    ({},                                            "accuracy of VGG-small",                    "passed"),
    ({"VGG-small": [0.9]},                          "accuracy of VGG-small",                    "passed"),
    ({"VGG-small": [0.8999]},                       "accuracy of VGG-small",                    "failed"),
    ({"VGG-small": [0.91, 0.88]},                   "accuracy of VGG-small",                    "failed"),
    ({"VGG-small": [0.91, 0.895]},                  "accuracy of VGG-small",                    "passed"),
    ({"LeNet-5": [0.89]},                           "accuracy of LeNet-5",                      "passed"),
    ({"LeNet-5": [0.889]},                          "accuracy of LeNet-5",                      "failed"),
    ({},                                            "every network over logistic regression",   "passed"),
    ({"linear": 0.87},                              "every network over logistic regression",   "failed"),
    ({"LeNet-5": [0.895], "linear": 0.8549},        "every network over logistic regression",   "passed"),
    ({"LeNet-5": [0.895], "linear": 0.8551},        "every network over logistic regression",   "failed"),
    ({"data": "digits", "VGG-small": [0.3]},        "accuracy of VGG-small",                    "skipped"),
    ({"data": "digits", "linear": 0.99},            "every network over logistic regression",   "skipped"),
]
# fmt: on


@pytest.mark.parametrize(("changes", "name", "state"), BARS)
def test_an_accuracy_meets_its_bar_or_does_not(changes, name, state):
    assert states(findings(**changes))[name] == state


def test_the_margin_is_that_of_the_worst_network():
    (row,) = [one for one in checks(findings(**{"ResNet-20": [0.86]})) if "logistic" in one.name]

    assert (row.measured, row.note) == ("+2.00 points", "the least, of ResNet-20")


def test_networks_that_were_left_out_are_not_judged():
    found = findings()
    del found["nets"]["VGG-small"]

    assert "accuracy of VGG-small" not in states(found)


def test_pairs_that_two_quantities_order_alike_are_counted():
    nets = {"a": {"x": 1, "y": [5, 7]}, "b": {"x": 2, "y": [4]}, "c": {"x": 3, "y": [9]}, "d": {"x": 3, "y": [10]}}

    # a < b against 6 > 4; a < c, a < d, b < c, b < d alike; c and d are equal in x.
    assert agreeing(nets, "x", "y") == (4, 6)


def test_the_text_names_the_first_the_last_and_what_costs_most():
    found = findings()
    found["nets"]["LeNet-5"]["ms"] = 9.0
    text = tell(found)

    assert "EfficientNet-lite has 91.00 % and LeNet-5 90.50 %; logistic regression comes to 84.0%" in text
    assert "better than each" not in text
    assert "LeNet-5, is also the least accurate. In 15 of 15 pairs" in text
    # 9 ms for a million, and 0.5 ms for each million of the others; five pairs are turned round by the slow one.
    assert "500 µs of processor time in" in text
    assert "9000 µs in LeNet-5" in text
    assert "They put 10 of 15 pairs" in text
    assert "bytes that are kept for the backward, 0." in text
    assert "timed as it was trained: LeNet-5 and EfficientNet-lite in float32, the others in bf16." in text
    assert "flipped and cropped at random, but not for LeNet-5." in text
    assert "1 seed: differences of a few tenths of a point say nothing." in text
    assert "| VGG-small | 3,000 | 3.00 M | 2 KiB | 1.50 ms | 90.70 % |" in text


def test_the_text_calls_the_first_better_only_where_three_seeds_say_so():
    same = {title: [0.9, 0.9, 0.9] for title in ENTRIES}

    assert "better than each" in tell(findings(**same | {"ResNet-20": [0.91, 0.92, 0.93]}))
    assert "better than each" not in tell(findings(**same | {"ResNet-20": [0.89, 0.92, 0.93]}))


def test_the_text_names_whom_the_smallest_network_is_ahead_of():
    assert "LeNet-5, is ahead of VGG-small, ResNet-20." in tell(
        findings(**{"VGG-small": [0.9], "ResNet-20": [0.8]}))  # fmt: skip


def test_what_is_analysed_is_what_the_code_does():
    """Parameters and MACs as LeCun et al. 1998 count them; bytes as torch's hooks see them."""
    lenet = net("lenet.arch", "LeNet5")
    seen = [saved_bytes(lenet.build(), [torch.zeros(batch, 1, 32, 32)]) for batch in (1, 2)]

    assert analysed(lenet) == {"params": 61_706, "macs": 416_520, "saved": seen[1] - seen[0]}


def run_of(*predictions):
    return Run(net("lenet.arch", "LeNet5"), None, {}, predictions)


MET, NOT_MET = judged("shapes", "a", "a", "exact", True), judged("loss falls", "a", "b", "exact", False)
UNTRIED = skipped("peak memory", "no device")


def test_rows_of_runs_are_counted_by_how_they_came_out():
    found = rows([run_of(MET, NOT_MET, UNTRIED), run_of(MET, MET, NOT_MET, UNTRIED)])

    assert found == {"passed": 3, "skipped": 2, "failed": ["loss falls"]}


# fmt: off
COUNTS = [
    ([ROWS, ROWS],                                                  "22 met",                               "passed"),
    ([ROWS, {"passed": 1, "skipped": 0, "failed": ["shapes"]}],     "12 met; not met: shapes",              "failed"),
    ([{"passed": 0, "skipped": 5, "failed": []}],                   "0 met",                                "failed"),
    ([],                                                            "0 met",                                "failed"),
]
# fmt: on


@pytest.mark.parametrize(("found", "measured", "state"), COUNTS)
def test_runs_bear_the_analysis_out_where_some_rows_are_met_and_none_fails(found, measured, state):
    one = borne_out(found)

    assert (one.measured, one.state) == (measured, state)


def test_a_step_is_timed_by_the_median_after_a_warm_up(tmp_path, monkeypatch):
    setting = Setting(tmp_path, {"data": "synthetic:1x8x8:10", "epochs": 1, "limit": 32, "batch": 16, "crop": 0})
    run = setting.train(net("lite.arch", "DigitsNet"), "one")
    lengths = [50, 50, 1, 2, 30]  # s; the first two are the warm-up
    ticks = chain.from_iterable((1000 * i, 1000 * i + length) for i, length in enumerate(lengths))
    monkeypatch.setattr(timed, "time", SimpleNamespace(process_time=chain(ticks, repeat(0)).__next__))

    assert timed.step_milliseconds(run, steps=3, batch=4) == 500  # 2 s for 4 images
