"""Deeper plain networks train worse: plain and residual networks of 20 and 56 layers on one budget.

He et al. 2016, arXiv:1512.03385, figure 6, with widths 8, 16 and 32 and a first convolution of stride 2. The shortcuts
have no parameters, so that networks of one depth have equally many.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import Any

from matplotlib.figure import Figure

from archdsl.train.experiments.experiment import Experiment, Findings, Net, Run, Setting, net
from archdsl.train.experiments.figures import COLOURS, mark_plainly
from archdsl.train.prediction import Prediction, judged

NETS = {"plain-20": "Plain20", "residual-20": "ResNet20", "plain-56": "Plain56", "residual-56": "ResNet56"}
LAST = 50
"""Steps that a final loss is the mean of."""
POINTS = 120
"""Of a curve in the record."""
WORSE, BETTER = 1.4, 0.6
"""The least that depth multiplies the loss of plain networks by, and the most that shortcuts do."""

OPTIONS: dict[str, Any] = {
    "data": "fashion-mnist", "epochs": 4, "validation": 0.0, "lr": 0.1, "flip": False, "crop": 0,
    "amp": "bf16", "channels_last": True,
}  # fmt: skip
QUICK_BLOCKS = {"20": 1, "56": 2}
"""Blocks of a stage in place of 3 and 9, for a quick try."""
QUICK: dict[str, Any] = {"data": "digits", "epochs": 1, "limit": 128, "batch": 32}


def network(title: str, **depth: int) -> Net:
    """Return one of the four networks, by its title; `n` blocks in each stage make another depth."""
    return net("cifar_resnet.arch", NETS[title], title, width=8, stride=2, channels=1, size=28, **depth)


def network_of(setting: Setting, title: str) -> Net:
    """Return one of the four networks; a quick try takes shallow ones in their place."""
    return network(title, n=QUICK_BLOCKS[title.partition("-")[2]]) if setting.quick else network(title)


def trained(setting: Setting, title: str, seed: int) -> Run:
    """Train one of the four networks, or read its run: experiments that share a folder share the runs."""
    return setting.train(network_of(setting, title), f"{title}-{seed}", seed=seed)


def measure(setting: Setting) -> dict[str, Any]:
    """Train the four networks with each seed."""
    found: dict[str, Any] = {}
    for title in NETS:
        runs = [trained(setting, title, seed) for seed in setting.seeds]
        found[title] = {
            "predicted_params": network_of(setting, title).network.examine().totals.params,
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


def ratios(findings: Findings, title: str, to: str) -> list[float]:
    """Return the final training loss of a network as a multiple of that of another, seed by seed."""
    nets = findings["nets"]
    return [one / other for one, other in zip(nets[title]["loss"], nets[to]["loss"], strict=True)]


def checks(findings: Findings) -> Sequence[Prediction]:
    """Hold the ratios of final training losses, seed by seed, against the least and the most that are expected."""
    depth, shortcuts = ratios(findings, "plain-56", "plain-20"), ratios(findings, "residual-56", "plain-56")
    nets = findings["nets"]
    predicted, counted = (", ".join(f"{one[key]:,}" for one in nets.values()) for key in ("predicted_params", "params"))
    note = f"mean of the last {findings['last']} steps, for each seed"
    return (
        judged("parameters", predicted, counted, "exact", predicted == counted, ", ".join(nets)),
        judged("loss of plain-56 to plain-20", f"≥ {WORSE}", _listed(depth), "bar",
               all(ratio >= WORSE for ratio in depth), note),
        judged("loss of residual-56 to plain-56", f"≤ {BETTER}", _listed(shortcuts), "bar",
               all(ratio <= BETTER for ratio in shortcuts), note),
    )  # fmt: skip


def _listed(values: Sequence[float]) -> str:
    return ", ".join(f"{value:.2f}" for value in values)


def tell(findings: Findings) -> str:
    """Say what came out."""
    nets = findings["nets"]
    loss = {title: fmean(one["loss"]) for title, one in nets.items()}
    top1 = {title: fmean(one["top1"]) for title, one in nets.items()}
    _, deeper, shortcuts = checks(findings)
    seeds = len(nets["plain-20"]["loss"])
    gain = 100 * (top1["residual-56"] - top1["residual-20"])
    return (
        f"After the same number of steps the training loss of the plain network is {loss['plain-20']:.3f} with 20 "
        f"layers and {loss['plain-56']:.3f} with 56 ({_over(seeds)}). "
        f"{_of_depth(ratios(findings, 'plain-56', 'plain-20'))} "
        f"With shortcuts it is {loss['residual-20']:.3f} and {loss['residual-56']:.3f}. "
        f"Test accuracies, plain and residual: {top1['plain-20']:.1%} and {top1['residual-20']:.1%} with 20 layers, "
        f"{top1['plain-56']:.1%} and {top1['residual-56']:.1%} with 56. {_verdict(deeper, shortcuts)} "
        f"That 56 residual layers beat 20 is not claimed: their accuracies differ by {gain:+.1f} points on this short "
        "budget."
    )


def _over(seeds: int) -> str:
    return f"means of {seeds} seeds" if seeds > 1 else "one seed, so nothing is said about chance"


def _of_depth(multiples: Sequence[float]) -> str:
    """Say which of the two plain networks trained worse, and whether all seeds agree."""
    between = f"{min(multiples):.2f}" + (f" to {max(multiples):.2f}" if len(multiples) > 1 else "") + " times"
    if min(multiples) > 1:
        return f"The deeper one is worse at what it was trained on, {between} the loss, so this is no over-fitting."
    if max(multiples) <= 1:
        return f"The deeper one is not worse: {between} the loss."
    return f"The seeds do not agree on which is worse: {between} the loss."


def _verdict(deeper: Prediction, shortcuts: Prediction) -> str:
    if not deeper.failed:
        return "Degradation is reproduced" + (
            ", and shortcuts mend it."
            if not shortcuts.failed
            else ", but shortcuts do not mend it as much as expected."
        )
    return "Degradation is not reproduced with these options." + (
        "" if shortcuts.failed else " The shortcuts help all the same."
    )


def draw(findings: Findings, figure: Figure) -> None:
    """Draw the training losses of the first seed."""
    axes = figure.subplots()
    for (title, one), colour in zip(findings["nets"].items(), COLOURS, strict=False):
        steps, losses = zip(*one["curve"], strict=True)
        axes.plot(steps, losses, color=colour, linestyle="-" if "residual" in title else "--", label=title)
    axes.set(xlabel="step", ylabel="training loss (nats)", yscale="log",
             title=f"Training on {findings['data']}, the first seed")  # fmt: skip
    mark_plainly(axes.yaxis, 1, 2, 3, 5)
    axes.legend()


EXPERIMENT = Experiment(measure, checks, tell, draw, options=OPTIONS, quick=QUICK, seeds=(0, 1))
