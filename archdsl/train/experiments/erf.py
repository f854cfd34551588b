"""How much of its receptive field a unit uses: the energy of its gradients, against the field by analysis.

With random weights of mean zero the squares of the gradients spread as a random walk does: after n convolutions of 3x3
their standard deviation is √(2n/3) along each axis, and the field is 2n + 1. Training may widen it. Source: Luo, Li,
Urtasun & Zemel 2016, arXiv:1701.04128.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from statistics import fmean
from typing import Any

import torch
from matplotlib.figure import Figure
from torch import Tensor, nn

from archdsl.analysis.effective import effective_fields
from archdsl.analysis.fields import unit_field
from archdsl.analysis.receptive_field import receptive_fields
from archdsl.train.experiments.experiment import Experiment, Findings, Net, Setting, net
from archdsl.train.experiments.figures import COLOURS
from archdsl.train.prediction import Prediction, judged

STACKS = (5, 10, 20)
"""Numbers of convolutions, one after the other."""
HELD = 0.95
"""The share of the energy that a square is to hold."""
IMAGES = 128
"""Images that energy is summed over."""
WEIGHTS = 32
"""Random weights of a stack that energy is summed over."""
CLOSE = 0.05
"""What a standard deviation may be off by: weights are few."""


def measure(setting: Setting) -> dict[str, Any]:
    """Take the energy of stacks with random weights, and of a U-Net before and after training."""
    weights = 2 if setting.quick else WEIGHTS
    found = [_stack(n, relu, weights) for n in STACKS for relu in (False, True)]
    return {"stacks": found, "nets": [_trained(setting, seed) for seed in setting.seeds]}


def energy(model: nn.Module, images: Tensor, unit: int, seed: int) -> Tensor:
    """Return the squares of the gradients of a unit with respect to images, summed over images and channels; H × W.

    The unit is that at the same place along both axes. Its channels are added with random signs, which on average gives
    the sum of their energies.
    """
    images = images.clone().requires_grad_()
    values = model(images)[:, :, unit, unit]
    signs = torch.randint(0, 2, values.shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1
    (found,) = torch.autograd.grad((values * signs).sum(), images)
    return found.square().sum((0, 1))


def spread(found: Tensor, centre: float) -> dict[str, float]:
    """Return the standard deviation of energy along an axis, and the side of the least square that holds 95 % of it.

    The square lies around a centre, in pixels along both axes; both are means over the two axes, or of both at once.
    """
    share = found.double() / found.double().sum()
    places = torch.arange(len(share), dtype=torch.double)
    variances = []
    for line in (share.sum(0), share.sum(1)):
        mean = (line * places).sum()
        variances.append(float((line * (places - mean) ** 2).sum()))
    away = (places - centre).abs()
    farther = torch.maximum(away[:, None], away[None, :])
    for half in sorted(set(away.tolist())):
        if float(share[farther <= half].sum()) >= HELD:
            return {"sd": math.sqrt(fmean(variances)), "side": 2 * half + 1}
    raise AssertionError("the largest square holds everything")


def walk(steps: int) -> list[float]:
    """Return where a walk of steps −1, 0 and 1 of equal chances ends: the chances of −steps to steps."""
    chances = [1.0]
    for _ in range(steps):
        wide = [0.0, 0.0, *chances, 0.0, 0.0]
        chances = [sum(wide[i : i + 3]) / 3 for i in range(len(wide) - 2)]
    return chances


def side_of_walk(steps: int) -> int:
    """Return the side of the least square that holds 95 % of the ends of two such walks, one along each axis."""
    chances = walk(steps)
    for half in range(steps + 1):
        if sum(chances[steps - half : steps + half + 1]) ** 2 >= HELD:
            return 2 * half + 1
    raise AssertionError("the largest square holds everything")


def predicted(one: Net, unit: int) -> dict[str, float]:
    """Return the field of a unit of the output by analysis: its first pixel, its size, and its standard deviation."""
    graph = one.network.graph
    (node,) = graph.outputs.values()
    ((name, field),) = receptive_fields(graph)[node.index].items()
    spreads = effective_fields(graph)[node.index][name].axes[0]
    track = field.tracks[0]
    assert track is not None, "these networks repeat"
    assert spreads is not None, "these networks repeat"
    ends, found = unit_field(track, unit), spreads.at(unit)
    assert ends is not None, "every unit sees something"
    assert found is not None, "every unit sees something"
    return {"start": ends[0], "size": ends[1] - ends[0] + 1, "sd": found.sd}


def _stack(n: int, relu: bool, weights: int) -> dict[str, Any]:
    """Return the spread of stacked convolutions, the mean over weights of energies that sum to one."""
    one = net("pieces.arch", "Stack", f"{n} convolutions", n=n, relu=relu)
    (fed,) = one.network.graph.inputs.values()
    unit = fed.output.known[1] // 2
    field = predicted(one, unit)
    total = torch.zeros(fed.output.known[1:])
    for seed in range(weights):
        images = torch.randn((4, *fed.output.known), generator=torch.Generator().manual_seed(seed))
        each = energy(one.build(seed).eval(), images, unit, seed)
        total += each / each.sum()
    return {"n": n, "relu": relu, "weights": weights, "predicted": field, **spread(total, _centre(field))}


def _centre(field: Mapping[str, float]) -> float:
    return field["start"] + (field["size"] - 1) / 2


def _trained(setting: Setting, seed: int) -> dict[str, Any]:
    """Return the spread of a U-Net's central unit before and after training."""
    data = setting.data()
    size = data.train.images.shape[-1]
    one = net("lite.arch", "UNetLite", "U-Net of depth 2", depth=2, size=size, channels=data.channels)
    mean, std = (torch.tensor(values).view(1, -1, 1, 1) for values in (data.mean, data.std))
    images = (data.test.images[:IMAGES].float() / 255 - mean) / std
    run = setting.train(one, f"unet-{seed}", seed=seed)
    before = with_statistics(one.build(seed, **run.record["arguments"]), images)
    field = predicted(one, size // 2)
    return {
        "predicted": field,
        "miou": round(run.test["miou"], 4),
        "before": _seen(before, images, size // 2, field, seed),
        "after": _seen(run.model(), images, size // 2, field, seed),
    }


def with_statistics(model: nn.Module, images: Tensor) -> nn.Module:
    """Give the norms of a new model the statistics of a batch; return it in evaluation mode."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 1.0
    with torch.no_grad():
        model.train()(images)
    return model.eval()


def _seen(model: nn.Module, images: Tensor, unit: int, field: Mapping[str, float], seed: int) -> dict[str, Any]:
    found = energy(model, images, unit, seed)
    start, end = int(field["start"]), int(field["start"] + field["size"])
    within = found[max(start, 0) : end, max(start, 0) : end]
    line = (found.sum(0) + found.sum(1)) / (2 * found.sum())
    return {
        **spread(found, _centre(field)),
        "outside": float(1 - within.sum() / found.sum()),
        "line": [float(f"{value:.3g}") for value in line[max(start, 0) : end].tolist()],
    }


def checks(findings: Findings) -> Sequence[Prediction]:
    """Hold standard deviations against the random walk, the energy against the field, and sides against each other."""
    found = []
    for one in findings["stacks"]:
        name = f"{one['n']} convolutions" + (", ReLUs" if one["relu"] else "")
        wanted = math.sqrt(2 * one["n"] / 3)
        found.append(judged(f"{name}: σ in pixels", f"{wanted:.3f}", f"{one['sd']:.3f}", f"{CLOSE:.0%}",
                            abs(one["sd"] - wanted) <= CLOSE * wanted,
                            f"√(2n/3); the analysis says {one['predicted']['sd']:.3f}"))  # fmt: skip
        if not one["relu"]:
            side = side_of_walk(one["n"])
            found.append(judged(f"{name}: side that holds {HELD:.0%}", str(side), f"{one['side']:.0f}", "2 pixels",
                                abs(one["side"] - side) <= 2, f"the field is {one['predicted']['size']}"))  # fmt: skip
    outside = max(each[when]["outside"] for each in findings["nets"] for when in ("before", "after"))
    found.append(judged("U-Net: energy outside of the field", "0", f"{max(0.0, outside):.1g}", "1e-6",
                        outside <= 1e-6))  # fmt: skip
    before, after = (_means(findings, when)["side"] for when in ("before", "after"))
    found.append(judged(f"U-Net: side that holds {HELD:.0%} grows", f"> {before:.1f}", f"{after:.1f}", "",
                        after > before))  # fmt: skip
    return found


def _means(findings: Findings, when: str) -> dict[str, float]:
    return {key: fmean(each[when][key] for each in findings["nets"]) for key in ("sd", "side")}


def tell(findings: Findings) -> str:
    """Say what came out."""
    stacks = [one for one in findings["stacks"] if not one["relu"]]
    shares = [one["side"] / one["predicted"]["size"] for one in stacks]
    met = all(not one.failed for one in checks(findings) if "convolutions" in one.name)
    field = findings["nets"][0]["predicted"]
    before, after = _means(findings, "before"), _means(findings, "after")
    rise = [each["after"]["side"] - each["before"]["side"] for each in findings["nets"]]
    falls = all(a > b for a, b in pairwise(shares))
    size = field["size"]
    return (
        f"In stacks of {_listed([str(one['n']) for one in stacks])} convolutions of 3×3 with random weights, squares "
        f"that hold {HELD:.0%} of the energy have {_listed([format(one['side'], '.0f') for one in stacks])} "
        f"pixels a side, {_listed([format(share, '.0%') for share in shares])} of the field"
        + (": the deeper, the smaller the share. " if falls else ". ")
        + ("The standard deviations are those of a random walk, √(2n/3), with ReLUs as without. " if met
           else "Not all of this is as a random walk says. ")
        + f"A pixel of the U-Net of depth 2 sees {size:.0f} pixels by analysis. Before training the square that holds "
        f"{HELD:.0%} has a side of {before['side']:.1f} (σ {before['sd']:.1f}, where the analysis has "
        f"{field['sd']:.1f} if all branches weigh alike), after it {after['side']:.1f} (σ {after['sd']:.1f}): "
        + (f"it grew with {_of(rise)}, to {after['side'] / size:.0%} of the field. " if all(x > 0 for x in rise)
           else f"it grew with {_of([x for x in rise if x > 0])} of {len(rise)}. ")
        + "The U-Net was trained briefly "
        f"(mean IoU {fmean(each['miou'] for each in findings['nets']):.2f}), and one unit in the middle was looked at; "
        "its gradients depend on the images, here those of the test."
    )  # fmt: skip


def _listed(words: Sequence[str]) -> str:
    return ", ".join(words[:-1]) + f" and {words[-1]}"


def _of(rises: Sequence[float]) -> str:
    return f"{len(rises)} seed{'s' * (len(rises) != 1)}" if rises else "none"


def draw(findings: Findings, figure: Figure) -> None:
    """Draw the sides of stacks beside their fields, and where the U-Net's energy lies before and after training."""
    left, right = figure.subplots(1, 2)
    stacks = findings["stacks"]
    depths = range(1, max(one["n"] for one in stacks) + 1)
    plain = [one for one in stacks if not one["relu"]]
    left.plot([one["n"] for one in plain], [one["predicted"]["size"] for one in plain], color=COLOURS[6],
              label="receptive field by analysis")  # fmt: skip
    left.plot(depths, [4 * math.sqrt(2 * n / 3) for n in depths], "--", color=COLOURS[0], label="4σ = 4√(2n/3)")
    for relu, marker, title in ((False, "o", "linear"), (True, "s", "with ReLUs")):
        chosen = [one for one in stacks if one["relu"] == relu]
        left.plot([one["n"] for one in chosen], [4 * one["sd"] for one in chosen], marker, color=COLOURS[1 + relu],
                  fillstyle="none" if relu else "full", markersize=8 if relu else 5,
                  label=f"4σ measured, {title}")  # fmt: skip
    left.set(xlabel="convolutions of 3×3", ylabel="pixels", title="Random weights", ylim=(0, None))
    left.legend(loc="upper left")
    for when, colour in (("before", COLOURS[0]), ("after", COLOURS[1])):
        lines = [each[when]["line"] for each in findings["nets"]]
        mean = [fmean(values) for values in zip(*lines, strict=True)]
        half = (len(mean) - 1) / 2
        side = _means(findings, when)["side"]
        right.plot([i - half for i in range(len(mean))], mean, color=colour,
                   label=f"{when} training\n95 % within {side:.0f} px")  # fmt: skip
    right.set(yscale="log", xlabel=f"pixels from the middle of the field of {len(mean)}", ylabel="share of the energy",
              title="U-Net of depth 2")  # fmt: skip
    right.legend(loc="lower center")


EXPERIMENT = Experiment(
    measure,
    checks,
    tell,
    draw,
    options={
        "data": "fashion-scenes", "epochs": 2, "batch": 32, "validation": 0.0, "optimizer": "adamw", "lr": 1e-2,
        "loss": "ce+dice", "amp": "bf16", "channels_last": True,
    },
    quick={"data": "synthetic-masks:1x48x48:3", "epochs": 1, "limit": 32, "batch": 16},
    seeds=(0, 1),
)  # fmt: skip
