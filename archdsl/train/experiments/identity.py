"""What a residual block makes of its input when its weights are near 0, and what a block without a shortcut does.

The course's claim: weights are near 0 at first, and a block that adds to its input is then close to the identity. Two
convolutions with a ReLU between them and no biases scale with the square of a factor on their weights, so both what a
block adds and what comes back through its branch must fall with a slope of 2. Behind a norm the scale of a convolution
is lost, and the last norm's γ takes its place; Goyal et al. 2017, arXiv:1706.02677, section 5.1, start it at 0.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean, linear_regression
from typing import Any

import torch
from matplotlib.figure import Figure
from torch import Tensor, nn

from archdsl.train.experiments.experiment import Experiment, Findings, Net, Setting, net
from archdsl.train.experiments.figures import COLOURS
from archdsl.train.prediction import Prediction, judged

SCALES = (1.0, 0.5, 0.25, 0.125, 0.0625, 0.03125, 0.015625)
"""What all weights of an He initialisation, or the last γ, are multiplied by."""
SAMPLES = 32
NEAR = 0.01
"""A relative difference that passes an input on."""
SLOPE = 0.02
"""What a slope of logarithms may be off by."""
LEAST = 3
"""Scales above 0 that a slope is taken over."""

# What is scaled, by the title of the block: its convolutions, or the γ of its last norm.
BLOCKS = {
    "residual": ("Pair", {"shortcut": True}, "conv"),
    "plain": ("Pair", {"shortcut": False}, "conv"),
    "residual, normed": ("ResidualBlock", {}, "conv"),
    "residual, γ of the last norm": ("ResidualBlock", {}, "gamma"),
    "plain, γ of the last norm": ("NormedPlainBlock", {}, "gamma"),
}


def measure(setting: Setting) -> dict[str, Any]:
    """Scale the weights of blocks, and hold what comes out, and back, against what went in."""
    found = {}
    for title, (model, parameters, scaled) in BLOCKS.items():
        one = net("pieces.arch", model, title, **parameters)
        rows = [[looked_at(one, scaled, scale, seed) for scale in (*SCALES, 0.0)] for seed in setting.seeds]
        found[title] = {
            "forward": [fmean(row[i][0] for row in rows) for i in range(len(SCALES) + 1)],
            "backward": [fmean(row[i][1] for row in rows) for i in range(len(SCALES) + 1)],
        }
    return {"scales": [*SCALES, 0.0], "blocks": found, "seeds": len(setting.seeds)}


def looked_at(one: Net, scaled: str, scale: float, seed: int) -> tuple[float, float]:
    """Return how far the output is from the input, and the gradient that comes back from the one that was sent.

    Both are norms relative to what they are held against. The input is not negative, as behind a ReLU.
    """
    model = one.build(seed).train()
    scale_weights(model, scaled, scale)
    (fed,) = one.network.graph.inputs.values()
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn((SAMPLES, *fed.output.known), generator=generator).relu().requires_grad_()
    sent = torch.randn(x.shape, generator=generator)
    y = model(x)
    (back,) = torch.autograd.grad(y, x, sent)
    # Where a ReLU ends the block, an input of exactly 0 sends nothing back; such places are left out.
    there = (x > 0).float()
    return relative(y, x), relative(back * there, sent * there)


def relative(found: Tensor, wanted: Tensor) -> float:
    """Return the norm of a difference relative to that of what was wanted."""
    return float((found - wanted).detach().norm() / wanted.detach().norm())


def scale_weights(model: nn.Module, scaled: str, scale: float) -> None:
    """Multiply the weights of all convolutions (`conv`) or of the last norm (`gamma`), in place."""
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    chosen: Sequence[nn.Module] = norms[-1:]
    if scaled == "conv":
        chosen = [module for module in model.modules() if isinstance(module, nn.Conv2d)]
    with torch.no_grad():
        for module in chosen:
            weight = module.weight
            assert isinstance(weight, Tensor), "a convolution or a norm has one"
            weight.mul_(scale)


def slope(scales: Sequence[float], values: Sequence[float]) -> float:
    """Return the slope of logarithms by least squares over the least scales: n where values fall with their n-th power.

    A ReLU behind the addition cuts off some of what is added; the less is added, the less.
    """
    pairs = [(math.log(x), math.log(y)) for x, y in sorted(zip(scales, values, strict=True)) if x > 0 and y > 0][:LEAST]
    if len(pairs) < 2:
        return math.nan
    return float(linear_regression(*zip(*pairs, strict=True)).slope)


def checks(findings: Findings) -> Sequence[Prediction]:
    """Hold slopes and limits against those of two convolutions that scale."""
    scales, blocks = findings["scales"], findings["blocks"]
    found = []
    for way in ("forward", "backward"):
        powers = (("residual", 2), ("residual, γ of the last norm", 1)) if way == "forward" else (("residual", 2),)
        for title, power in powers:
            came = slope(scales, blocks[title][way])
            found.append(judged(f"{title}, {way}: power of the scale", str(power), f"{came:.2f}", f"{SLOPE:g}",
                                abs(came - power) <= SLOPE))  # fmt: skip
    for title, predicted in (("residual", 0.0), ("plain", 1.0), ("residual, γ of the last norm", 0.0),
                             ("plain, γ of the last norm", 1.0)):  # fmt: skip
        for way in ("forward", "backward"):
            came = blocks[title][way][-1]
            found.append(judged(f"{title}, {way}: difference at scale 0", f"{predicted:g}", f"{came:g}", "exact",
                                came == predicted))  # fmt: skip
    return found


def tell(findings: Findings) -> str:
    """Say what came out."""
    scales, blocks = findings["scales"], findings["blocks"]
    residual, plain, normed, gamma, _ = (blocks[title] for title in BLOCKS)
    near = [scale for scale, value in zip(scales, residual["forward"], strict=True) if value <= NEAR]
    first = max(near, default=0.0)
    at = scales.index(first)
    passes = all(residual[way][-1] == 0 and plain[way][-1] == 1 for way in ("forward", "backward"))
    return (
        f"With He's weights a residual block without norms changes its input by {residual['forward'][0]:.0%}; with "
        f"weights {1 / first:g} times smaller by {residual['forward'][at]:.2%}, and the gradient that comes back "
        f"differs by {residual['backward'][at]:.2%} from the one that was sent. "
        if near and first else "At no scale above 0 does the residual block pass its input on. "
    ) + (
        f"The same block without a shortcut is {plain['forward'][at]:.1%} off"
        + (": it gives nearly nothing, and sends nearly nothing back. "
           if all(abs(plain[way][at] - 1) <= NEAR for way in ("forward", "backward")) else ". ")
        + ("With weights of 0 the one is the identity and the other is zero. " if passes else "")
        + _of_norms(1 / scales[-2], normed["forward"][-2] / normed["forward"][0])
        + "The γ of the last norm multiplies what the block adds: the input changes by "
        f"{gamma['forward'][0]:.0%} where it is 1 and by "
        f"{'nothing' if gamma['forward'][-1] == 0 else format(gamma['forward'][-1], '.1%')} where it is 0. "
        "This is about single blocks before training, not about which trains better."
    )  # fmt: skip


def _of_norms(times: float, left: float) -> str:
    """Say what weights so many times smaller leave of the difference behind batch norms."""
    said = f"Behind batch norms weights {times:g} times smaller leave {left:.0%} of the difference"
    return said + (": a norm undoes their scale. " if left > 0.5 else ", so small weights help there too. ")


def draw(findings: Findings, figure: Figure) -> None:
    """Draw relative differences against the scale, of outputs and of gradients."""
    panels = figure.subplots(1, 2, sharey=True)
    shown = [(x, i) for i, x in enumerate(findings["scales"]) if x > 0]
    for axes, way in zip(panels, ("forward", "backward"), strict=True):
        for (title, block), colour in zip(findings["blocks"].items(), COLOURS, strict=False):
            axes.plot([x for x, _ in shown], [block[way][i] for _, i in shown], "o-" if "residual" in title else "s--",
                      color=colour, markersize=4, label=title)  # fmt: skip
        axes.set(xscale="log", yscale="log", xlabel="factor on weights, or on γ")
    panels[0].set(ylabel="relative difference", title="output against input")
    panels[1].set(title="gradient that comes back against the one sent")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)


EXPERIMENT = Experiment(measure, checks, tell, draw, seeds=(0, 1, 2), size=(7.0, 4.2))
