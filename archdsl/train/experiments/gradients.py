"""Gradients along the depth of networks at their start, with and without normalisation and shortcuts.

The networks are those of `degradation`, with 20, 56 and 110 layers. Inputs and labels are random; convolutions start
as in He et al. 2015, arXiv:1502.01852, with the variance 2 / fan-out, which keeps the size of what flows back.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, linear_regression
from typing import Any

import torch
from matplotlib.figure import Figure
from torch import nn
from torch.nn import functional

from archdsl.train.experiments.experiment import Experiment, Findings, Setting, net
from archdsl.train.experiments.figures import COLOURS
from archdsl.train.prediction import Prediction, judged

DEPTHS = (20, 56, 110)
BATCH = 64
QUICK_DEPTHS, QUICK_BATCH = (8, 14, 20), 16
FLOOR = -45.0
"""Decimal logarithm that stands for a gradient of 0."""
BATCH_NORM_RATE = math.log10(math.pi / (math.pi - 1)) / 2
"""Decades that a gradient grows by in each layer of BatchNorm and ReLU on its way back.

ReLU leaves a standard normal value the variance 1/2 − 1/(2π) over the batch, BatchNorm divides by its root, and half of
the gradient passes the ReLU: the square grows by π/(π − 1), in wide linear layers. Yang et al. 2019, arXiv:1902.08129.
"""
MODERATE = 1 / 3
"""The most that shortcuts leave of the growth with depth, of networks with normalisation."""
FACTOR = 10.0
"""How far a mean may be from a pilot of one seed, whose shortcuts with normalisation were 1×1 convolutions."""


@dataclass(frozen=True)
class Kind:
    """Networks that differ in their depth alone: their model, the sign that the gradient of their first layer changes
    with as they get deeper, and what a pilot found at 20, 56 and 110 layers.
    """

    spec: str
    model: str
    sign: int
    pilot: tuple[float, float, float]


KINDS = {
    "BatchNorm, plain": Kind("cifar_resnet.arch", "Plain20", 1, (1.4, 283, 2.3e6)),
    "BatchNorm, residual": Kind("cifar_resnet.arch", "ResNet20", 1, (0.64, 2.1, 20)),
    "bare, plain": Kind("bare.arch", "BarePlain", -1, (1.1e-2, 4.9e-4, 1.2e-6)),
    "bare, residual": Kind("bare.arch", "BareResNet", 1, (0.32, 364, 4.8e5)),
}


@dataclass(frozen=True)
class Gradients:
    """What flows back to the convolutions of a network, in their order."""

    sizes: tuple[float, ...]
    """Norm of the gradient over that of the weight, as a decimal logarithm."""
    products: tuple[float, ...]
    """Scalar product of weight and gradient: how the loss changes as the weight is scaled."""
    cosines: tuple[float, ...]
    """That product over both norms."""


def measure(setting: Setting) -> dict[str, Any]:
    """Send a gradient through each network once, with each seed."""
    depths, batch = (QUICK_DEPTHS, QUICK_BATCH) if setting.quick else (DEPTHS, BATCH)
    found: dict[str, Any] = {}
    for title, kind in KINDS.items():
        found[title] = {}
        for depth in depths:
            made = net(kind.spec, kind.model, title, n=(depth - 2) // 6, width=8, stride=2, channels=1, size=28)
            looks = [gradients(made.build(seed), (1, 28, 28), batch, seed) for seed in setting.seeds]
            found[title][str(depth)] = _as_findings(looks)
    return {"kinds": found, "depths": list(depths), "batch": batch}


def gradients(model: nn.Module, shape: tuple[int, int, int], batch: int, seed: int) -> Gradients:
    """Start a model anew, whatever its spec says, and return the gradients of the loss of a random batch."""
    generator = torch.Generator().manual_seed(seed)
    convolutions = [module for module in model.modules() if isinstance(module, nn.Conv2d)]
    for convolution in convolutions:
        nn.init.kaiming_normal_(convolution.weight, mode="fan_out", nonlinearity="relu", generator=generator)
    for head in (module for module in model.modules() if isinstance(module, nn.Linear)):
        nn.init.kaiming_uniform_(head.weight, math.sqrt(5), generator=generator)  # as torch.nn.Linear starts
        nn.init.zeros_(head.bias)
    images = torch.randn(batch, *shape, generator=generator)
    scores = model.train()(images)
    labels = torch.randint(scores.shape[1], (batch,), generator=generator)
    weights = [convolution.weight for convolution in convolutions]
    flows = torch.autograd.grad(functional.cross_entropy(scores, labels), weights)
    sizes, products, cosines = [], [], []
    for weight, flow in zip(weights, flows, strict=True):
        weight = weight.detach().double()
        length, product = float(flow.double().norm()), float((weight * flow).sum())
        sizes.append(_log10(length / float(weight.norm())))
        products.append(product)
        cosines.append(product / (length * float(weight.norm())) if length else 0.0)
    return Gradients(tuple(sizes), tuple(products), tuple(cosines))


def _log10(value: float) -> float:
    return math.log10(value) if value > 0 else FLOOR


def _as_findings(looks: Sequence[Gradients]) -> dict[str, Any]:
    """Return the means over seeds, and of each seed the first layer, the slope, and what scaling a weight does."""
    spreads = [spread(look.products) for look in looks]
    return {
        "first": [round(look.sizes[0], 3) for look in looks],
        "slope": [round(slope(look.sizes), 5) for look in looks],
        "largest_cosine": float(f"{max(abs(one) for look in looks for one in look.cosines):.2g}"),
        "spread_of_products": float(f"{max(spreads):.2g}"),
        "curve": [round(fmean(column), 2) for column in zip(*(look.sizes for look in looks), strict=True)],
    }


def spread(values: Sequence[float]) -> float:
    """Return how far values are apart, as a share of the largest in size."""
    largest = max(map(abs, values))
    return (max(values) - min(values)) / largest if largest else 0.0


def slope(values: Sequence[float], places: Sequence[float] | None = None) -> float:
    """Return the slope of the line that fits values best, over their places or over 0, 1, 2, ..."""
    return float(linear_regression(places or range(len(values)), values).slope)


def with_depth(findings: Findings, title: str) -> list[float]:
    """Return by how many decades the gradient of the first layer grows for a layer more, seed by seed."""
    kinds, depths = findings["kinds"][title], findings["depths"]
    seeds = zip(*(kinds[str(depth)]["first"] for depth in depths), strict=True)
    return [slope(seed, depths) for seed in seeds]


def checks(findings: Findings) -> Sequence[Prediction]:
    """Hold the signs of slopes, a pilot, and two laws of scaling against what was found."""
    deepest = str(findings["depths"][-1])
    made = [_sign(title, kind, with_depth(findings, title)) for title, kind in KINDS.items()]
    plain, residual = (fmean(with_depth(findings, f"BatchNorm, {kind}")) for kind in ("plain", "residual"))
    share = residual / plain
    made.append(judged("what shortcuts leave of the growth, BatchNorm", f"≤ {MODERATE:.2f}", f"{share:.2f}", "",
                       share <= MODERATE and plain > 0))  # fmt: skip
    along = findings["kinds"]["BatchNorm, plain"][deepest]["slope"]
    made.append(judged("along the layers, BatchNorm, plain", "< 0", _mean(along), "sign",
                       all(one < 0 for one in along),
                       f"decades a layer; in theory {-BATCH_NORM_RATE:.3f} where layers are wide"))  # fmt: skip
    if tuple(findings["depths"]) == DEPTHS:
        made += [_pilot(title, kind, findings["kinds"][title]) for title, kind in KINDS.items()]
    return (*made, *_laws(findings))


def _sign(title: str, kind: Kind, slopes: Sequence[float]) -> Prediction:
    word = "rises" if kind.sign > 0 else "falls"
    return judged(f"first layer, {title}", f"{word} with depth", _mean(slopes), "sign",
                  all(kind.sign * one > 0 for one in slopes), "decades for a layer more")  # fmt: skip


def _pilot(title: str, kind: Kind, found: Mapping[str, Any]) -> Prediction:
    means = [10 ** fmean(found[str(depth)]["first"]) for depth in DEPTHS]
    met = all(abs(math.log10(mean / pilot)) <= math.log10(FACTOR)
              for mean, pilot in zip(means, kind.pilot, strict=True))  # fmt: skip
    then, now = (", ".join(f"{value:.2g}" for value in values) for values in (kind.pilot, means))
    return judged(f"pilot, {title}", then, now, f"factor {FACTOR:.0f}", met, "first layer at 20, 56 and 110 layers")


def _laws(findings: Findings) -> list[Prediction]:
    """Return what must hold of any network of these kinds.

    Behind BatchNorm the loss does not change as a weight is scaled, so the product of weight and gradient is 0. A chain
    without it and without biases is homogeneous of degree 1 in each weight, so by Euler's theorem the products of all
    layers are equal.
    """
    found = findings["kinds"]
    cosine = max(one["largest_cosine"] for title in found if "BatchNorm" in title for one in found[title].values())
    apart = max(one["spread_of_products"] for one in found["bare, plain"].values())
    return [
        judged("cosine of weight and gradient, BatchNorm", "0", f"{cosine:.1g}", "1e-3", cosine <= 1e-3),
        judged("products of weight and gradient, bare, plain", "equal", f"{apart:.1g} apart", "1e-2", apart <= 1e-2),
    ]  # fmt: skip


def _mean(values: Sequence[float]) -> str:
    if len(values) == 1:
        return f"{values[0]:+.3f}"
    return f"{fmean(values):+.3f} ({min(values):+.3f} to {max(values):+.3f})"


def tell(findings: Findings) -> str:
    """Say what came out."""
    low, high = findings["depths"][0], findings["depths"][-1]
    seeds = len(findings["kinds"]["bare, plain"][str(low)]["first"])
    over = f"geometric means of {seeds} seeds" if seeds > 1 else "one seed"
    listed = []
    for title in KINDS:
        first, last = (10 ** fmean(findings["kinds"][title][str(depth)]["first"]) for depth in (low, high))
        listed.append(f"{title}, {_short(first)} to {_short(last)}")
    return (
        "At the start of training, the gradient of the first convolution over its weight, in norms, goes from "
        f"{low} to {high} layers ({over}; bare is without BatchNorm): {'; '.join(listed)}. "
        f"{_of_normalisation(findings)} {_of_shortcuts(findings)} {_of_bare(findings)} "
        "All this is at the start, with random images: it does not show how fast a network learns."
    )


def _short(value: float) -> str:
    return f"{value:.1e}" if not 1e-2 <= value < 1e4 else f"{value:.3g}"


def _of_normalisation(findings: Findings) -> str:
    along = fmean(findings["kinds"]["BatchNorm, plain"][str(findings["depths"][-1])]["slope"])
    each = f"{abs(along):.3f} decades a layer, where theory has {BATCH_NORM_RATE:.3f} for wide linear layers"
    if along < 0:
        return f"BatchNorm without shortcuts lets the gradient explode towards the input, not vanish: {each}."
    return (
        f"BatchNorm without shortcuts does not let the gradient explode towards the input here: it shrinks by {each}."
    )


def _of_shortcuts(findings: Findings) -> str:
    plain, residual = (fmean(with_depth(findings, f"BatchNorm, {kind}")) for kind in ("plain", "residual"))
    if plain <= 0:
        return "With it, depth does not make the gradient grow here, so there is nothing for shortcuts to mend."
    if residual <= plain * MODERATE:
        return f"Shortcuts leave {max(residual, 0) / plain:.0%} of that growth with depth."
    return f"Shortcuts leave {residual / plain:.0%} of the growth with depth, more than expected."


def _of_bare(findings: Findings) -> str:
    plain, residual = (fmean(with_depth(findings, f"bare, {kind}")) for kind in ("plain", "residual"))
    first = "vanishes" if plain < 0 else "does not vanish"
    second = "explodes: shortcuts alone are no cure" if residual > 0 else "does not explode"
    return (
        f"Without BatchNorm the gradient of plain networks {first} with depth, and that of residual ones {second}. "
        + _along_bare(findings)
    )


def _along_bare(findings: Findings) -> str:
    """Say whether the gradient of bare networks differs from layer to layer, or is small or large in all of them."""
    deepest = findings["depths"][-1]
    plain, residual, normed = (
        fmean(findings["kinds"][title][str(deepest)]["slope"])
        for title in ("bare, plain", "bare, residual", "BatchNorm, plain")
    )
    said = f"From one layer to the next of those with {deepest} it changes by {plain:+.3f} and {residual:+.3f} decades"
    if max(abs(plain), abs(residual)) >= abs(normed) / 2:
        return f"{said}."
    return f"{said}, against {normed:+.3f} in plain ones with BatchNorm: most of the change is alike in all layers."


def draw(findings: Findings, figure: Figure) -> None:
    """Draw the gradients along the layers, and that of the first layer over depth."""
    along, over = figure.subplots(1, 2, width_ratios=(3, 2))
    depths = findings["depths"]
    for (title, kind), colour in zip(KINDS.items(), COLOURS, strict=False):
        found = findings["kinds"][title]
        for depth in depths:
            deepest = depth == depths[-1]
            along.plot([10.0**y for y in found[str(depth)]["curve"]], color=colour, linewidth=1.6 if deepest else 0.8,
                       alpha=1 if deepest else 0.5, label=title if deepest else None)  # fmt: skip
        over.plot(depths, [10 ** fmean(found[str(depth)]["first"]) for depth in depths], "o-", color=colour)
        if tuple(depths) == DEPTHS:
            over.plot(depths, kind.pilot, "x", color=colour)
    along.set(xlabel="convolution, from the input on", ylabel="norm of gradient / norm of weight", yscale="log",
              title=f"Along the layers ({', '.join(map(str, depths))} layers)")  # fmt: skip
    over.set(xlabel="layers", yscale="log", title="Of the first layer (x: pilot)", xticks=depths)
    figure.legend(*along.get_legend_handles_labels(), loc="outside lower center", ncols=4)


EXPERIMENT = Experiment(measure, checks, tell, draw, seeds=(0, 1, 2))
