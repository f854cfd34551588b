"""Six families of networks on one budget of epochs: accuracy against parameters, multiply-adds and time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, islice
from statistics import fmean
from typing import Any

from matplotlib.figure import Figure

from archdsl.train.baselines import baselines
from archdsl.train.experiments.analysed import analysed, borne_out, rows
from archdsl.train.experiments.experiment import Experiment, Findings, Setting, net
from archdsl.train.experiments.figures import COLOURS, mark_plainly
from archdsl.train.experiments.seeds import compared, spelled, told
from archdsl.train.experiments.timed import step_milliseconds
from archdsl.train.prediction import Prediction, judged, skipped


@dataclass(frozen=True)
class Entry:
    """A network that takes part, what its training does otherwise, and the least accuracy that is expected of it."""

    spec: str
    model: str
    least: float
    options: Mapping[str, Any] = field(default_factory=dict)


FAST = {"amp": "bf16", "channels_last": True}
"""What makes dense convolutions faster on a CPU, and depthwise ones slower."""
ENTRIES = {
    "LeNet-5": Entry("lenet.arch", "LeNet5", 0.89, {"flip": False, "crop": 0}),
    "DenseNet-BC-22": Entry("lite.arch", "DenseNetLite", 0.89, FAST),
    "VGG-small": Entry("lite.arch", "VGGSmall", 0.90, FAST),
    "ResNet-20": Entry("lite.arch", "ResNet20Lite", 0.90, FAST),
    "Inception-lite": Entry("lite.arch", "InceptionLite", 0.89, FAST),
    "EfficientNet-lite": Entry("lite.arch", "EfficientNetLite", 0.90, {"channels_last": True}),
}
MARGIN = 0.04
"""By which every network is expected to beat logistic regression."""
BARS_OF = "fashion-mnist"
STEPS, BATCH = 8, 64
"""Training steps that are timed, and their images."""
QUANTITIES = {
    "params": ("parameters (thousands)", 1e3),
    "macs": ("multiply-adds (millions)", 1e6),
    "ms": ("processor time (ms an image)", 1.0),
}
"""What accuracy is drawn over: the label of the axis, and its unit."""
MARKERS = "osD^vP"
NOT_SHOWN = (
    "The schedule is short, and the images are small and grey: what the families reach with "
    "recipes of their own, or on larger images, is not shown."
)
FEW = 3
"""Networks of a quick try, the cheapest."""


def measure(setting: Setting) -> dict[str, Any]:
    """Train the six networks, and time their steps."""
    found: dict[str, Any] = {}
    for title, entry in islice(ENTRIES.items(), FEW if setting.quick else None):
        one = net(entry.spec, entry.model, title)
        runs = [setting.train(one, f"compare-{title}-{seed}", seed=seed, **entry.options) for seed in setting.seeds]
        steps, batch = (1, 8) if setting.quick else (STEPS, BATCH)
        found[title] = analysed(one) | {
            "top1": [round(run.test["top1"], 4) for run in runs],
            "ms": round(step_milliseconds(runs[0], steps=steps, batch=batch), 4),
            "seconds": round(fmean(sum(epoch["seconds"] for epoch in run.record["epochs"]) for run in runs)),
            "rows": rows(runs),
        }
    linear = next(one for one in baselines(setting.data()) if one.name == "linear")
    return {
        "nets": found,
        "linear": round(linear.figure, 4),
        "data": setting.options["data"],
        "epochs": setting.options["epochs"],
    }


def checks(findings: Findings) -> Sequence[Prediction]:
    """Hold accuracies against the bars, and the predictions of the runs against what they measured."""
    nets, linear = findings["nets"], findings["linear"]
    means = {title: fmean(one["top1"]) for title, one in nets.items()}
    on_bars = findings["data"] == BARS_OF
    found = [
        judged(f"accuracy of {title}", f"≥ {entry.least:.0%}", spelled(nets[title]["top1"]), "bar",
               means[title] >= entry.least, f"{findings['epochs']} epochs")
        if on_bars else skipped(f"accuracy of {title}", f"the bars are of {BARS_OF}", f"≥ {entry.least:.0%}")
        for title, entry in ENTRIES.items() if title in nets
    ]  # fmt: skip
    last = min(means, key=lambda title: means[title])
    ahead = means[last] - linear
    name, least = "every network over logistic regression", f"≥ {100 * MARGIN:.0f} points"
    found.append(
        judged(name, least, f"{100 * ahead:+.2f} points", "bar", ahead >= MARGIN, f"the least, of {last}")
        if on_bars
        else skipped(name, f"the bars are of {BARS_OF}", least)
    )
    return (*found, borne_out([one["rows"] for one in nets.values()]))


def tell(findings: Findings) -> str:
    """Give what was predicted and what came, network by network, and say what follows."""
    nets = findings["nets"]
    seeds = min(len(one["top1"]) for one in nets.values())
    said = (_of_order(findings), _of_size(nets), _of_time(nets), told(seeds), _of_recipes(nets), NOT_SHOWN)
    return f"{_table(nets)}\n\n{' '.join(said)}"


def _of_order(findings: Findings) -> str:
    nets = findings["nets"]
    order = sorted(nets, key=lambda title: -fmean(nets[title]["top1"]))
    first, last = order[0], order[-1]
    ahead = all(compared(nets[first]["top1"], nets[other]["top1"]) > 0 for other in order[1:])
    return (
        f"After {findings['epochs']} epochs of {findings['data']}, {first} has "
        f"{spelled(nets[first]['top1'])}{', better than each of the others,' if ahead else ''} and {last} "
        f"{spelled(nets[last]['top1'])}; logistic regression comes to {findings['linear']:.1%}."
    )


def _table(nets: Mapping[str, Any]) -> str:
    lines = [
        "| network | parameters | MACs | kept for the backward | processor time of a training step | accuracy |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {title} | {one['params']:,} | {one['macs'] / 1e6:.2f} M | {one['saved'] / 1024:,.0f} KiB "
        f"| {one['ms']:.2f} ms | {spelled(one['top1'])} |"
        for title, one in nets.items()
    ]
    return (
        "\n".join(lines)
        + "\n\nThe first three are what the analysis predicts, and all but the parameters are of one image."
    )


def _of_size(nets: Mapping[str, Any]) -> str:
    """Say whether accuracy follows the number of parameters."""
    agree, pairs = agreeing(nets, "params", "top1")
    smallest = min(nets, key=lambda title: nets[title]["params"])
    beaten = [t for t in nets if t != smallest and fmean(nets[t]["top1"]) < fmean(nets[smallest]["top1"])]
    few = f"The network with the fewest parameters, {smallest}, "
    few += f"is ahead of {', '.join(beaten)}." if beaten else "is also the least accurate."
    return f"{few} In {agree} of {pairs} pairs of networks, the one with more parameters is the more accurate."


def _of_time(nets: Mapping[str, Any]) -> str:
    """Say how far multiply-adds and saved bytes foretell the time of a training step."""
    cost = {title: 1e9 * one["ms"] / one["macs"] for title, one in nets.items()}  # µs for a million
    cheap, dear = min(cost, key=lambda t: cost[t]), max(cost, key=lambda t: cost[t])
    by_macs, pairs = agreeing(nets, "macs", "ms")
    by_saved, _ = agreeing(nets, "saved", "ms")
    full = [title for title in nets if ENTRIES[title].options.get("amp") != "bf16"]
    return (
        f"For a million multiply-adds of the forward pass, a training step takes {cost[cheap]:.0f} µs of processor "
        f"time in {cheap} and {cost[dear]:.0f} µs in {dear}: multiply-adds are work, not time. They put {by_macs} of "
        f"{pairs} pairs in the order of their times; the bytes that are kept for the backward, {by_saved}. Each "
        f"network is timed as it was trained: {_joined(full)} in float32, the others in bf16."
    )


def _of_recipes(nets: Mapping[str, Any]) -> str:
    """Say what all trainings have in common, and whose images are not augmented."""
    bare = [title for title in nets if ENTRIES[title].options.get("flip") is False]
    return "The learning rate is one for all" + (
        f"; the images are flipped and cropped at random, but not for {_joined(bare)}." if bare else "."
    )


def _joined(titles: Sequence[str]) -> str:
    return " and ".join((", ".join(titles[:-1]), titles[-1]) if len(titles) > 1 else titles) or "none"


def agreeing(nets: Mapping[str, Any], one: str, other: str) -> tuple[int, int]:
    """Return how many pairs of networks two quantities put in the same order, and how many pairs there are."""

    def value(title: str, quantity: str) -> float:
        found = nets[title][quantity]
        return fmean(found) if isinstance(found, Sequence) else float(found)

    pairs = list(combinations(nets, 2))
    same = [(value(a, one) - value(b, one)) * (value(a, other) - value(b, other)) > 0 for a, b in pairs]
    return sum(same), len(pairs)


def draw(findings: Findings, figure: Figure) -> None:
    """Draw accuracy against parameters, multiply-adds and processor time."""
    nets = findings["nets"]
    panels = figure.subplots(1, 3, sharey=True)
    for axes, (quantity, (label, scale)) in zip(panels, QUANTITIES.items(), strict=True):
        for (title, one), colour, marker in zip(nets.items(), COLOURS, MARKERS, strict=False):
            values = [100 * top1 for top1 in one["top1"]]
            axes.plot([one[quantity] / scale] * len(values), values, marker, color=colour, label=title, markersize=8)
        axes.axhline(100 * findings["linear"], color=COLOURS[-1], linestyle=":", label="logistic regression")
        axes.set(xlabel=label, xscale="log")
        mark_plainly(axes.xaxis, 1, 3)
    panels[0].set_ylabel("test accuracy (%)")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    figure.suptitle(f"{findings['epochs']} epochs of {findings['data']}", fontsize="medium")


EXPERIMENT = Experiment(
    measure,
    checks,
    tell,
    draw,
    options={"data": "fashion-mnist", "epochs": 3, "validation": 0.0, "lr": 0.1, "flip": True, "crop": 2},
    quick={"data": "synthetic:1x28x28:10", "epochs": 1, "limit": 64, "batch": 32},
)
