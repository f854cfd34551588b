"""What initialisations do to signals and gradients, layer by layer: a deep chain of linear layers with ReLU or tanh.

Weights are normal with mean 0. Xavier: variance 2 / (fan-in + fan-out), Glorot & Bengio 2010. He: 2 / fan-in, He et al.
2015, arXiv:1502.01852. Too small and too large: half and twice the standard deviation of the one that fits.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import geometric_mean
from typing import Any

import torch
from matplotlib.figure import Figure
from torch import Tensor, nn

from archdsl.train.experiments.experiment import Experiment, Findings, Setting, net
from archdsl.train.experiments.figures import COLOURS
from archdsl.train.prediction import Prediction, judged

BATCH = 256
QUICK: dict[str, Any] = {"depth": 6, "width": 32}
TOLERANCE = 0.05
"""Of a factor per layer. The mean square behind n units strays by about √(5/n) of itself in a layer of ReLUs."""
SAME = 2.0
"""How many times larger or smaller a mean square behind all layers may be, to have kept its size."""
STARTS = ("Xavier", "He", "too small", "too large")


@dataclass(frozen=True)
class Activation:
    """A model of `bare.arch` by its activation, with that function and its derivative."""

    model: str
    function: Callable[[Tensor], Tensor]
    derivative: Callable[[Tensor], Tensor]


ACTIVATIONS = {
    "ReLU": Activation("DeepReLU", torch.relu, lambda z: (z > 0).to(z.dtype)),
    "tanh": Activation("DeepTanh", torch.tanh, lambda z: 1 - torch.tanh(z) ** 2),
}
FITTING = {"ReLU": "He", "tanh": "Xavier"}


def variances(fan_in: int, fan_out: int, activation: str) -> dict[str, float]:
    """Return the variance of the weights for each initialisation."""
    known = {"Xavier": 2 / (fan_in + fan_out), "He": 2 / fan_in}
    fitting = known[FITTING[activation]]
    return {**known, "too small": fitting / 4, "too large": fitting * 4}


def measure(setting: Setting) -> dict[str, Any]:
    """Send signals through the chains and gradients back, for each initialisation and seed."""
    found: dict[str, Any] = {}
    for activation, kind in ACTIVATIONS.items():
        made = net("bare.arch", kind.model, **(QUICK if setting.quick else {}))
        layers = [layer for layer in made.network.examine().layers if layer.params][:-1]  # the last one is the head
        fans = [(layer.weights["weight"][1], layer.weights["weight"][0]) for layer in layers]
        found[activation] = {}
        for start in STARTS:
            spreads = [variances(*fan, activation)[start] for fan in fans]
            looks = [measured(made.build(seed), kind, spreads, seed) for seed in setting.seeds]
            found[activation][start] = {
                "measured": [_rounded(means(sides)) for sides in zip(*looks, strict=True)],
                "factors": [_rounded(both(look)) for look in looks],
                "predicted": [_rounded(side) for side in predicted(kind, fans, spreads)],
            }
    return {"nets": found, "batch": BATCH, "fans": [list(fan) for fan in fans]}


def measured(
    model: nn.Module, kind: Activation, spreads: Sequence[float], seed: int
) -> tuple[list[float], list[float]]:
    """Return, layer by layer, the mean square of the signal behind the activation, and of the gradient before it.

    Normal values of variance 1 go in, and come back from behind the last activation.
    """
    generator = torch.Generator().manual_seed(seed)
    linear = [module for module in model.modules() if isinstance(module, nn.Linear)][:-1]
    signal = torch.randn(BATCH, linear[0].in_features, generator=generator)
    before, behind = [], []
    for layer, variance in zip(linear, spreads, strict=True):
        nn.init.normal_(layer.weight, std=math.sqrt(variance), generator=generator)
        before.append(layer(signal))
        signal = kind.function(before[-1])
        behind.append(signal)
    flows = torch.autograd.grad(signal, before, torch.randn(signal.shape, generator=generator))
    return [_mean_square(values) for values in behind], [_mean_square(values) for values in flows]


def _mean_square(values: Tensor) -> float:
    return float(values.detach().double().square().mean())


def predicted(
    kind: Activation, fans: Sequence[tuple[int, int]], spreads: Sequence[float]
) -> tuple[list[float], list[float]]:
    """Return what wide layers do, layer by layer: mean squares of signals, and of gradients.

    The sum of many independent products is normal, with the variance fan-in × variance of a weight × mean square of an
    input; on the way back fan-out takes the place of fan-in. He et al. 2015, arXiv:1502.01852, section 2.2, for ReLU;
    Poole et al. 2016, arXiv:1606.05340, equation 3, for others.
    """
    signals, steepness, square = [], [], 1.0
    for (fan_in, _), spread in zip(fans, spreads, strict=True):
        before = fan_in * spread * square
        square = over_normal(kind.function, before)
        signals.append(square)
        steepness.append(over_normal(kind.derivative, before))
    gradients = [steepness[-1]]
    for place in reversed(range(len(fans) - 1)):
        gradients.append(steepness[place] * fans[place + 1][1] * spreads[place + 1] * gradients[-1])
    return signals, gradients[::-1]


def over_normal(function: Callable[[Tensor], Tensor], variance: float) -> float:
    """Return the mean square of a function of a normal value with mean 0 and some variance, by quadrature."""
    points = torch.linspace(-8, 8, 8001, dtype=torch.float64)
    density = torch.exp(-points.square() / 2)
    return float((function(points * math.sqrt(variance)).square() * density).sum() / density.sum())


def _rounded(values: Sequence[float]) -> list[float]:
    return [float(f"{value:.4g}") for value in values]


def factor(values: Sequence[float]) -> float:
    """Return what a mean square is multiplied by in each layer, in the geometric mean over layers of one width.

    The first layer is left out: its fan-in is that of the image.
    """
    inner = values[1:] if len(values) > 2 else values
    return float((inner[-1] / inner[0]) ** (1 / (len(inner) - 1)))


def both(sides: Sequence[Sequence[float]]) -> list[float]:
    """Return the factor of signals and that of gradients, which are multiplied from the last layer to the first."""
    signals, gradients = sides
    return [factor(signals), 1 / factor(gradients)]


def means(looks: Sequence[Sequence[float]]) -> list[float]:
    """Return the geometric means of mean squares over several looks, layer by layer."""
    return [geometric_mean(layer) for layer in zip(*looks, strict=True)]


def checks(findings: Findings) -> Sequence[Prediction]:
    """Hold what a layer multiplies mean squares by against the theory of wide layers."""
    rows = []
    for activation, starts in findings["nets"].items():
        for start, found in starts.items():
            law = [closed_form(findings, start)] * 2 if activation == "ReLU" else both(found["predicted"])
            got = both(found["measured"])
            met = all(abs(one / other - 1) <= TOLERANCE for one, other in zip(got, law, strict=True))
            rows.append(judged(f"factor of a layer, {activation}, {start}", _pair(law), _pair(got), f"{TOLERANCE:.0%}",
                               met, _spread(found["factors"])))  # fmt: skip
    return rows


def _spread(seeds: Sequence[Sequence[float]]) -> str:
    told = "mean square of signals, and of gradients"
    if len(seeds) < 2:
        return told
    between = " and ".join(f"{min(column):.3f} to {max(column):.3f}" for column in zip(*seeds, strict=True))
    return f"{told}; over seeds {between}"


def closed_form(findings: Findings, start: str) -> float:
    """Return what a layer of ReLUs multiplies mean squares by: fan × variance of a weight / 2, where fans are equal."""
    fan_in, fan_out = map(int, findings["fans"][-1])
    return fan_in * variances(fan_in, fan_out, "ReLU")[start] / 2


def _pair(values: Sequence[float]) -> str:
    return " and ".join(f"{value:.3f}" for value in values)


def tell(findings: Findings) -> str:
    """Say what came out."""
    nets = findings["nets"]
    seeds = len(nets["ReLU"]["He"]["factors"])
    over = f"geometric means of {seeds} seeds" if seeds > 1 else "one seed"
    chain = (
        f"{len(findings['fans'])} layers, {over}. The standard deviation that is too small is half, and the one that "
        "is too large twice that of what fits, which is He for ReLU and Xavier for tanh."
    )
    parts = [chain]
    for activation, starts in nets.items():
        listed = []
        for start, found in starts.items():
            signal, gradient = both(found["measured"])
            listed.append(f"{start} by {signal:.2f} and {gradient:.2f}")
        parts.append(f"With {activation}, a layer multiplies the mean square of signals and of gradients: ")
        parts[-1] += ", ".join(listed) + "."
    parts += [_of_relu(findings), _of_tanh(findings)]
    failed = [one.name.removeprefix("factor of a layer, ") for one in checks(findings) if one.failed]
    met = f"The theory of wide layers meets all factors within {TOLERANCE:.0%}."
    parts.append(
        f"The theory of wide layers is off by more than {TOLERANCE:.0%} for {'; '.join(failed)}." if failed else met
    )
    parts.append("Nothing is trained here, and no layer has a bias or a norm; either would change these numbers.")
    return " ".join(parts)


def kept(findings: Findings, activation: str, start: str) -> float:
    """Return what the last layer has of the mean square that the signal has at the first layer."""
    signals = findings["nets"][activation][start]["measured"][0]
    return float(signals[-1] / signals[0])


def _of_relu(findings: Findings) -> str:
    he, xavier = kept(findings, "ReLU", "He"), kept(findings, "ReLU", "Xavier")
    word = "keeps" if _same_size(he) else "does not keep"
    return (
        f"He {word} the signal of ReLUs in size: the last layer has {he:.2g} of the mean square of the first, and with "
        f"Xavier {xavier:.1g} of it."
    )


def _of_tanh(findings: Findings) -> str:
    found = findings["nets"]["tanh"]
    large, (_, backward) = kept(findings, "tanh", "too large"), both(found["too large"]["measured"])
    stays = "keeps its size" if _same_size(large) else "does not keep its size"
    return (
        f"With tanh and Xavier the last layer has {kept(findings, 'tanh', 'Xavier'):.2g} of the first. Where weights "
        f"are too large, the signal of tanh {stays}, and the gradient {'grows' if backward > 1 else 'does not grow'} "
        "on its way back."
    )


def _same_size(share: float) -> bool:
    return 1 / SAME <= share <= SAME


def draw(findings: Findings, figure: Figure) -> None:
    """Draw root mean squares over the layers, of signals above and of gradients below."""
    panels = figure.subplots(2, 2, sharex=True)
    for column, (activation, starts) in enumerate(findings["nets"].items()):
        for (start, found), colour in zip(starts.items(), COLOURS, strict=False):
            for row, side in enumerate(("signal", "gradient")):
                axes, layers = panels[row, column], range(1, len(found["measured"][row]) + 1)
                axes.plot(layers, [value**0.5 for value in found["measured"][row]], color=colour, label=start)
                axes.plot(layers, [value**0.5 for value in found["predicted"][row]], ":", color="black")
                axes.set(yscale="log", xlabel="layer" if row else "", ylabel="" if column else f"{side}, r.m.s.")
        panels[0, column].set_title(activation)
    panels[0, 0].plot([], [], ":", color="black", label="theory")
    figure.legend(*panels[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=5)


EXPERIMENT = Experiment(measure, checks, tell, draw, seeds=(0, 1, 2))
