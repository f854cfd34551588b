"""Deeper plain networks train worse: plain and residual networks of 20 and 56 layers on one budget.

He et al. 2016, arXiv:1512.03385, figure 6, with widths 8, 16 and 32 and a first convolution of stride 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import Any

from matplotlib.figure import Figure

from archdsl.train.experiments.experiment import Experiment, Findings, Setting, net
from archdsl.train.experiments.figures import COLOURS
from archdsl.train.prediction import Prediction, judged

NETS = {"plain-20": "Plain20", "residual-20": "ResNet20", "plain-56": "Plain56", "residual-56": "ResNet56"}
LAST = 50
"""Steps that a final loss is the mean of."""
POINTS = 120
"""Of a curve in the record."""


def measure(setting: Setting) -> dict[str, Any]:
    """Train the four networks with each seed."""
    found: dict[str, Any] = {}
    for title, model in NETS.items():
        one = net("cifar_resnet.arch", model, title, width=8, stride=2, channels=1, size=28)
        runs = [setting.train(one, f"{title}-{seed}", seed=seed) for seed in setting.seeds]
        found[title] = {
            "params": runs[0].record["parameters"],
            "loss": [round(fmean(run.losses[-LAST:]), 4) for run in runs],
            "top1": [round(run.test["top1"], 4) for run in runs],
            "curve": thinned(runs[0].losses),
        }
    return {"nets": found, "last": LAST, "data": setting.options["data"]}


def thinned(losses: Sequence[float], points: int = POINTS) -> list[list[float]]:
    """Return a curve as at most some points: the step in the middle of a stretch, and the mean over it."""
    width = max(1, -(-len(losses) // points))
    return [
        [start + len(losses[start : start + width]) / 2, round(fmean(losses[start : start + width]), 4)]
        for start in range(0, len(losses), width)
    ]


def checks(findings: Findings) -> Sequence[Prediction]:
    """Hold the ratios of final training losses against the least and the most that are expected."""
    loss = {title: fmean(one["loss"]) for title, one in findings["nets"].items()}
    plain = loss["plain-56"] / loss["plain-20"]
    shortcuts = loss["residual-56"] / loss["plain-56"]
    return (
        judged("loss of plain-56 to plain-20", "≥ 1.4", f"{plain:.2f}", "bar", plain >= 1.4),
        judged("loss of residual-56 to plain-56", "≤ 0.6", f"{shortcuts:.2f}", "bar", shortcuts <= 0.6),
    )


def tell(findings: Findings) -> str:
    """Say what came out."""
    nets = findings["nets"]
    loss = {title: fmean(one["loss"]) for title, one in nets.items()}
    top1 = {title: fmean(one["top1"]) for title, one in nets.items()}
    met = all(not one.failed for one in checks(findings))
    gain = top1["residual-56"] - top1["residual-20"]
    return (
        f"After the same number of steps the plain network of 56 layers has a training loss of {loss['plain-56']:.3f}, "
        f"and the one of 20 layers {loss['plain-20']:.3f}: the deeper one is worse at what it was trained on, so this "
        f"is no over-fitting. With shortcuts the 56 layers come to {loss['residual-56']:.3f}. "
        f"Test accuracies, plain and residual: {top1['plain-20']:.1%} and {top1['residual-20']:.1%} with 20 layers, "
        f"{top1['plain-56']:.1%} and {top1['residual-56']:.1%} with 56. "
        + ("Degradation is reproduced. " if met else "Degradation is not reproduced with these options. ")
        + f"That 56 residual layers beat 20 is not claimed: they differ by {gain:+.1%} on this short budget."
    )


def draw(findings: Findings, figure: Figure) -> None:
    """Draw the training losses of the first seed."""
    axes = figure.subplots()
    for (title, one), colour in zip(findings["nets"].items(), COLOURS, strict=False):
        steps, losses = zip(*one["curve"], strict=True)
        axes.plot(steps, losses, color=colour, linestyle="-" if "residual" in title else "--", label=title)
    axes.set(xlabel="step", ylabel="training loss", yscale="log", title="Deeper plain networks train worse")
    axes.legend()


EXPERIMENT = Experiment(
    measure,
    checks,
    tell,
    draw,
    options={"data": "fashion-mnist", "epochs": 4, "validation": 0.0, "lr": 0.1, "flip": False, "crop": 0},
    quick={"data": "digits", "epochs": 1, "limit": 256, "batch": 32},
    seeds=(0, 1),
)
