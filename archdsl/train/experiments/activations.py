"""ReLUs that die, of too high a learning rate or of bad biases: whether the monitor says so, and what helps.

A unit is dead where its ReLU is 0 for every image: no gradient passes, and it stays so. An MLP of two hidden layers is
made ill in two ways and given each of the cures of the course's notes: LeakyReLU, a lower learning rate, and a look at
the initialisation (He et al. 2015, arXiv:1502.01852, with biases of 0); and batch normalisation beside them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

import torch
from matplotlib.figure import Figure
from torch import Tensor, nn
from torch.nn import functional

from archdsl.train.experiments.experiment import Experiment, Findings, Setting, net
from archdsl.train.experiments.figures import COLOURS
from archdsl.train.monitor import Monitor
from archdsl.train.parts.data import Data, Split
from archdsl.train.parts.feeding import epoch_order
from archdsl.train.prediction import Prediction, judged
from archdsl.train.symptoms import DEAD

LAYERS = 2
"""Hidden ones."""
HIGH, LOW = 0.3, 0.05
"""Rates of momentum SGD."""
BIAS = -1.0
"""Of all hidden units of the second illness: far below what PyTorch's weights can lift them from."""
ILLNESSES = ("high rate", "biases of −1")
CURES = ("none", "lower rate", "LeakyReLU", "He, biases of 0", "BatchNorm")
EXPECTED = {
    "high rate": ("lower rate", "BatchNorm"),
    "biases of −1": ("LeakyReLU", "He, biases of 0", "BatchNorm"),
}
"""The cures that go to the cause. The others may help or not: a rate that is too high is so for a LeakyReLU too."""
SEEN = 2000
"""Test images that a unit must be 0 for to be called dead."""


def measure(setting: Setting) -> dict[str, Any]:
    """Train every illness with every cure and each seed."""
    data = setting.data()
    mean, std = (torch.tensor(values).view(1, -1, 1, 1) for values in (data.mean, data.std))
    parts = [Split((part.images.float() / 255 - mean) / std, part.targets) for part in (data.train, data.test)]
    found: dict[str, Any] = {}
    for illness in ILLNESSES:
        found[illness] = {}
        for cure in CURES:
            runs = [trained(setting, data, parts[0], parts[1], illness, cure, seed) for seed in setting.seeds]
            found[illness][cure] = {key: [run[key] for run in runs] for key in ("dead", "worst", "told", "top1")}
    return {"illnesses": found, "rates": [HIGH, LOW], "data": setting.options["data"]}


def trained(
    setting: Setting, data: Data, train: Split, test: Split, illness: str, cure: str, seed: int
) -> dict[str, Any]:
    """Return the shares of dead units after a training, in all and in the worst layer, what was told, and accuracy."""
    one = net("pieces.arch", "DeepMLP", layers=LAYERS, leaky=cure == "LeakyReLU", norm=cure == "BatchNorm",
              size=data.train.images.shape[-1], channels=data.channels, classes=data.classes)  # fmt: skip
    model = one.build(seed, channels=data.channels, classes=data.classes)
    prepare(model, illness, cure, seed)
    rate = HIGH if illness == "high rate" and cure != "lower rate" else LOW
    if illness != "high rate" and cure == "lower rate":
        rate = LOW / 10
    monitor = Monitor()
    descend(monitor.watch(model), train, rate, int(setting.options["epochs"]), int(setting.options["batch"]), seed)
    shares = silent(model, test.images[:SEEN])
    with torch.no_grad():
        right = (model.eval()(test.images).argmax(1) == test.targets).float().mean()
    told = sorted(symptom.where for symptom in monitor.symptoms() if symptom.name == "dying ReLU")
    return {"dead": round(fmean(shares.values()), 4), "worst": round(max(shares.values()), 4), "told": told,
            "top1": round(float(right), 4)}  # fmt: skip


def prepare(model: nn.Module, illness: str, cure: str, seed: int) -> None:
    """Give the hidden layers the biases of an illness, or the weights and biases of its cure, in place."""
    hidden = [module for name, module in model.named_modules() if isinstance(module, nn.Linear) and name != "head"]
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed)
        for layer in hidden:
            if cure == "He, biases of 0":
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                layer.bias.zero_()
            elif illness != "high rate":
                layer.bias.fill_(BIAS)


def descend(model: nn.Module, train: Split, rate: float, epochs: int, batch: int, seed: int) -> None:
    """Train by SGD with momentum 0.9 at one rate; a loss that is no number ends it."""
    optimizer = torch.optim.SGD(model.parameters(), lr=rate, momentum=0.9)
    model.train()
    for epoch in range(epochs):
        for some in torch.split(epoch_order(len(train), seed, epoch), batch):
            loss = functional.cross_entropy(model(train.images[some]), train.targets[some])
            if not bool(loss.isfinite()):
                return
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]  # torch's
            optimizer.step()


def silent(model: nn.Module, images: Tensor) -> dict[str, float]:
    """Return for each activation the share of its units that are 0 for every image."""
    found: dict[str, float] = {}

    def keep(path: str) -> Any:
        def hook(module: nn.Module, given: Any, output: Tensor) -> None:
            found[path] = float((output == 0).all(0).float().mean())

        return hook

    handles = [module.register_forward_hook(keep(path)) for path, module in model.named_modules()
               if isinstance(module, nn.ReLU | nn.LeakyReLU)]  # fmt: skip
    with torch.no_grad():
        model.eval()(images)
    for handle in handles:
        handle.remove()
    return found


def checks(findings: Findings) -> Sequence[Prediction]:
    """Hold what the monitor told against what is dead, and the cures that were expected against the illness."""
    found = []
    for illness, rows in findings["illnesses"].items():
        dead, top1 = fmean(rows["none"]["dead"]), fmean(rows["none"]["top1"])
        found.append(judged(f"{illness}: units die", f"≥ {DEAD:.0%}", f"{dead:.0%}", "", dead >= DEAD))
        for cure in EXPECTED[illness]:
            left, better = fmean(rows[cure]["dead"]), fmean(rows[cure]["top1"])
            found.append(judged(f"{illness}, {cure}: few are dead, and it names more",
                                f"< {DEAD:.0%}, > {top1:.1%}", f"{left:.1%}, {better:.1%}", "",
                                left < DEAD and better > top1))  # fmt: skip
        leaky = max(rows["LeakyReLU"]["dead"])
        found.append(judged(f"{illness}, LeakyReLU: dead units", "0%", f"{leaky:.1%}", "exact", leaky == 0))
    agree = _agreement(findings)
    found.append(judged("runs where the monitor is right", f"{len(agree)}", f"{sum(agree)}", "exact", all(agree),
                        f"it tells of dying ReLUs where {DEAD:.0%} of a layer are dead, else not"))  # fmt: skip
    return found


def _agreement(findings: Findings) -> list[bool]:
    """Return for each run whether the monitor told of dying ReLUs where a layer has many dead, and nowhere else."""
    return [bool(told) == (worst >= DEAD) for row in _rows(findings)
            for told, worst in zip(row["told"], row["worst"], strict=True)]  # fmt: skip


def _rows(findings: Findings) -> list[Mapping[str, Any]]:
    return [row for rows in findings["illnesses"].values() for row in rows.values()]


def tell(findings: Findings) -> str:
    """Say what came out."""
    said = []
    for illness, rows in findings["illnesses"].items():
        none = rows["none"]
        helped = [cure for cure in CURES[1:] if fmean(rows[cure]["dead"]) < DEAD
                  and fmean(rows[cure]["top1"]) > fmean(none["top1"])]  # fmt: skip
        rest = [cure for cure in CURES[1:] if cure not in helped]
        said.append(
            f"With {_named(illness, findings)}, {fmean(none['dead']):.0%} of the hidden units are dead, "
            f"and the accuracy is {fmean(none['top1']):.1%}. "
            + (f"What helps: {_told_of(rows, helped)}. " if helped else "Nothing helps. ")
            + (f"What does not: {_told_of(rows, rest)}. " if rest else "")
        )
    agree = _agreement(findings)
    seeds = len(_rows(findings)[0]["top1"])
    return (
        "A unit is dead where it is 0 for every test image that was tried. "
        + "".join(said)
        + f"The monitor was right about {'all' if all(agree) else f'{sum(agree)} of'} {len(agree)} runs. "
        + f"Shares are means over {seeds} seed{'s' * (seeds != 1)} of a small MLP, trained briefly. By this count a "
        "LeakyReLU is never dead, since it is never 0; whether its network has learnt anything, the accuracy tells."
    )


def _named(illness: str, findings: Findings) -> str:
    return f"a learning rate of {findings['rates'][0]:g}" if illness == "high rate" else illness


def _told_of(rows: Mapping[str, Mapping[str, Any]], cures: Sequence[str]) -> str:
    return "; ".join(
        f"{cure} ({fmean(rows[cure]['dead']):.0%} dead, {fmean(rows[cure]['top1']):.1%})" for cure in cures
    )


def draw(findings: Findings, figure: Figure) -> None:
    """Draw dead units and accuracies per cure, each illness in a panel."""
    panels = figure.subplots(1, len(ILLNESSES), sharey=True)
    for axes, (illness, rows) in zip(panels, findings["illnesses"].items(), strict=True):
        for offset, key, colour, label in (
            (-0.2, "dead", COLOURS[1], "dead units"),
            (0.2, "top1", COLOURS[0], "accuracy"),
        ):
            values = [rows[cure][key] for cure in CURES]
            places = [i + offset for i in range(len(CURES))]
            axes.barh(places, [100 * fmean(each) for each in values], height=0.4, color=colour, label=label)
            for place, each in zip(places, values, strict=True):
                axes.plot([100 * value for value in each], [place] * len(each), "k.", markersize=3)
        axes.axvline(100 * DEAD, color=COLOURS[6], linestyle=":", linewidth=1, label=f"{DEAD:.0%} dead: a symptom")
        axes.set_yticks(range(len(CURES)), CURES)
        axes.set(xlabel="dead hidden units, and test accuracy (%)", title=_named(illness, findings), xlim=(0, 105))
    panels[0].invert_yaxis()
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)


EXPERIMENT = Experiment(
    measure,
    checks,
    tell,
    draw,
    options={"data": "fashion-mnist", "epochs": 2, "batch": 128, "limit": 20_000},
    quick={"data": "synthetic:1x28x28:10", "epochs": 1, "limit": 256, "batch": 32},
    seeds=(0, 1, 2),
)
