"""The loss around trained networks with and without shortcuts, along random directions.

Li et al. 2018, arXiv:1712.09913: each filter of a direction gets the norm of that filter of the network; biases and the
parameters of batch norms stay. The networks are plain-56 and residual-56 of `degradation`. Batch norms are in
evaluation mode: their statistics are those of the trained weights.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor
from torch.nn import functional

from archdsl.train.experiments import degradation
from archdsl.train.experiments.experiment import Experiment, Findings, Run, Setting
from archdsl.train.experiments.figures import COLOURS
from archdsl.train.experiments.inputs import as_given, some_of
from archdsl.train.prediction import Prediction, judged

NETS = ("plain-56", "residual-56")
REACH, LINE, GRID = 1.0, 41, 17
"""How far a direction is followed to both sides, and at how many points: of the curve, and of each side of the grid."""
QUICK_LINE, QUICK_GRID = 5, 3
IMAGES = 512
"""Training images that the loss is the mean over, the same at all points."""
BATCH = 256
MOST = 1e6
"""Losses beyond, and those that are no number, are written as this."""
LEVELS = 24
NUMBERED = (0.3, 0.5, 1, 2, 5, 10, 20, 50, 100, 1e3, 1e4, 1e5)
"""Contours that are numbered."""
LEAST = 1e-3
"""Losses below are drawn as this."""
BENT = 0.1
"""From which share of the larger curvature on a negative one counts."""


def measure(setting: Setting) -> dict[str, Any]:
    """Measure the loss around each network along the first of two directions, and in their plane."""
    found: dict[str, Any] = {}
    line, grid = (places(QUICK_LINE if setting.quick else LINE), places(QUICK_GRID if setting.quick else GRID))
    count = classes = 0
    for title in NETS:
        looks = []
        for seed in setting.seeds:
            run = degradation.trained(setting, title, seed)
            some = some_of(setting.data().train, IMAGES)
            count, classes = len(some), int(run.record["data"]["classes"])
            around = Around(run, as_given(run, some.images), some.targets, seed)
            looks.append(([around.loss(x, 0.0) for x in line], [[around.loss(x, y) for x in grid] for y in grid]))
        found[title] = {
            "centre": [row[len(row) // 2] for row, _ in looks],
            "line": [row for row, _ in looks],
            "grid": looks[0][1],
            "low": [round(low_share(plane, math.log(classes)), 4) for _, plane in looks],
            "bent": [round(bent_share(plane), 4) for _, plane in looks],
        }
    return {"nets": found, "line": line, "grid": grid, "images": count, "classes": classes}


def places(count: int) -> list[float]:
    """Return places along a direction, evenly from one end to the other; 0, the network itself, is the middle one."""
    return [round(REACH * (2 * place / (count - 1) - 1), 6) for place in range(count)]


class Around:
    """A trained network that can be moved along two directions, with the images that its loss is measured on."""

    def __init__(self, run: Run, images: Tensor, labels: Tensor, seed: int) -> None:
        self.model, self.images, self.labels = run.model().eval(), images, labels
        generator = torch.Generator().manual_seed(seed)
        self.start = {name: value.detach().clone() for name, value in self.model.named_parameters()}
        self.first = direction(self.start, generator)
        self.second = direction(self.start, generator)

    @torch.no_grad()
    def loss(self, x: float, y: float) -> float:
        """Return the cross-entropy in nats, in the mean over the images, some way along both directions."""
        for name, value in self.model.named_parameters():
            value.copy_(self.start[name] + x * self.first[name] + y * self.second[name])
        total = 0.0
        for images, labels in zip(torch.split(self.images, BATCH), torch.split(self.labels, BATCH), strict=True):
            total += float(functional.cross_entropy(self.model(images), labels, reduction="sum"))
        mean = total / len(self.images)
        return float(f"{mean:.4g}") if mean < MOST else MOST


def direction(weights: Mapping[str, Tensor], generator: torch.Generator) -> dict[str, Tensor]:
    """Return a normal direction of which each filter has the norm of that filter of the weights; 0 for vectors."""
    found = {}
    for name, weight in weights.items():
        draw = torch.randn(weight.shape, generator=generator)
        found[name] = draw * (norms(weight) / norms(draw)) if weight.dim() > 1 else torch.zeros_like(weight)
    return found


def norms(weight: Tensor) -> Tensor:
    """Return the norm of each filter, in a shape that the weight can be divided by."""
    lengths: Tensor = torch.linalg.vector_norm(weight.flatten(1), dim=1)
    return lengths.view(-1, *[1] * (weight.dim() - 1))


def low_share(plane: Sequence[Sequence[float]], level: float) -> float:
    """Return the share of a grid where the loss is below a level."""
    losses = [loss for row in plane for loss in row]
    return sum(loss < level for loss in losses) / len(losses)


def bent_share(plane: Sequence[Sequence[float]]) -> float:
    """Return the share of the inner points of a grid where the loss curves downwards in some direction of the plane.

    The curvatures are the eigenvalues of the matrix of second differences; the smaller counts where it is negative and
    more than a share of the larger one in size. Convex functions have none. After Li et al. 2018, section 6.
    """
    inner = range(1, len(plane) - 1)
    bent = [_curvatures(plane, row, column) for row in inner for column in inner]
    return sum(low < -BENT * abs(high) for low, high in bent) / len(bent)


def _curvatures(plane: Sequence[Sequence[float]], row: int, column: int) -> tuple[float, float]:
    """Return the smaller and the larger eigenvalue of the second differences at a point of a grid."""
    here = plane[row][column]
    across = plane[row][column - 1] - 2 * here + plane[row][column + 1]
    along = plane[row - 1][column] - 2 * here + plane[row + 1][column]
    mixed = (plane[row + 1][column + 1] - plane[row + 1][column - 1]
             - plane[row - 1][column + 1] + plane[row - 1][column - 1]) / 4  # fmt: skip
    middle, radius = (across + along) / 2, math.hypot((across - along) / 2, mixed)
    return middle - radius, middle + radius


def checks(findings: Findings) -> Sequence[Prediction]:
    """Hold the two shares of the plane, which were chosen before anything was measured, against each other."""
    plain, residual = (findings["nets"][title] for title in NETS)
    level = f"ln {findings['classes']}"
    return (
        judged(f"share of the plane below {level}", "more with shortcuts", _against(plain["low"], residual["low"]), "",
               all(one < other for one, other in zip(plain["low"], residual["low"], strict=True)),
               "plain and residual, seed by seed"),
        judged("share of the plane bent downwards", "less with shortcuts", _against(plain["bent"], residual["bent"]),
               "", all(one > other for one, other in zip(plain["bent"], residual["bent"], strict=True)),
               f"smaller curvature below −{BENT:g} of the larger"),
    )  # fmt: skip


def _against(plain: Sequence[float], residual: Sequence[float]) -> str:
    return ", ".join(f"{one:.1%} and {other:.1%}" for one, other in zip(plain, residual, strict=True))


def tell(findings: Findings) -> str:
    """Say what came out."""
    plain, residual = (findings["nets"][title] for title in NETS)
    wide, even = checks(findings)
    seeds = len(plain["low"])
    over = f"means of {seeds} seeds, each with directions of its own" if seeds > 1 else "one seed"
    return (
        f"At the trained weights the loss on {findings['images']} training images is {fmean(plain['centre']):.3f} "
        f"without shortcuts and {fmean(residual['centre']):.3f} with them ({over}). In a plane of two random "
        f"directions it is below ln {findings['classes']}, the loss of equal chances, in {fmean(plain['low']):.0%} of "
        f"the points without and in {fmean(residual['low']):.0%} with shortcuts; and it bends downwards, one "
        f"way or another, in {fmean(plain['bent']):.0%} and {fmean(residual['bent']):.0%} of them. "
        f"{_verdict(wide, even)} {_of_ends(findings)} A plane shows two of all directions, at a coarse grid, and batch "
        "norms keep the statistics of the trained weights. A lower loss in the middle may widen a basin by itself. "
        "Whether a smooth landscape is why a network trains well is not shown."
    )


def _verdict(wide: Prediction, even: Prediction) -> str:
    if not wide.failed and not even.failed:
        return "So the basin is wider and its surface less bent with shortcuts, with every seed."
    if wide.failed and even.failed:
        return "Neither that the basin is wider with shortcuts nor that it is less bent holds with every seed."
    one, other = (
        ("basin is wider", "surface is less bent") if even.failed else ("surface is less bent", "basin is wider")
    )
    return f"The {one} with shortcuts with every seed; that the {other} does not hold with every seed."


def _of_ends(findings: Findings) -> str:
    """Say how far the loss rises along the first direction: which network it rises more for is a matter of its own."""
    plain, residual = (fmean(fmean((row[0], row[-1])) for row in findings["nets"][title]["line"]) for title in NETS)
    said = f"At the ends of the curves the loss is {plain:.3g} without and {residual:.3g} with shortcuts in the mean"
    if residual > plain:
        return f"{said}: smoother is not flatter, the bowl with shortcuts has the steeper walls."
    return f"{said}: the walls with shortcuts are not the steeper ones."


def draw(findings: Findings, figure: Figure) -> None:
    """Draw the curves of all seeds, and the planes of the first one."""
    curves, *planes = figure.subplots(1, 3, width_ratios=(1.25, 1, 1))
    losses = [loss for title in NETS for row in findings["nets"][title]["grid"] for loss in row]
    low = math.log10(max(min(losses), LEAST))
    high = max(math.log10(max(*losses, LEAST)), low + 1)
    levels = [10 ** (low + place * (high - low) / LEVELS) for place in range(LEVELS + 1)]
    for title, axes, colour in zip(NETS, planes, COLOURS, strict=False):
        found = findings["nets"][title]
        for seed, row in enumerate(found["line"]):
            curves.plot(findings["line"], row, color=colour, linestyle="--" if seed else "-",
                        label=None if seed else title)  # fmt: skip
        _contours(axes, findings, title, levels)
    chance = math.log(findings["classes"])
    curves.axhline(chance, color="black", linewidth=0.8, linestyle=":", label=f"ln {findings['classes']}")
    curves.set(
        xlabel="along the first direction", ylabel="training loss (nats)", yscale="log", title="Curve, each seed"
    )
    curves.legend()
    planes[0].set_ylabel("along the second direction")
    planes[1].tick_params(labelleft=False)


def _contours(axes: Axes, findings: Findings, title: str, levels: Sequence[float]) -> None:
    """Draw a plane in shades that both planes share, with numbers on some contours."""
    grid, plane = findings["grid"], findings["nets"][title]["grid"]
    axes.contourf(grid, grid, plane, levels=levels, norm="log", cmap="viridis")
    least, most = min(map(min, plane)), max(map(max, plane))
    if numbered := [level for level in NUMBERED if least < level < most]:
        lines = axes.contour(grid, grid, plane, levels=numbered, colors="white", linewidths=0.7)
        axes.clabel(lines, fmt="%g", fontsize=7)
    if least < (chance := math.log(findings["classes"])) < most:
        axes.contour(grid, grid, plane, levels=[chance], colors="black", linestyles=":", linewidths=1)
    axes.set(xlabel="along the first", title=f"{title}, loss", aspect="equal")
    axes.grid(visible=False)


EXPERIMENT = Experiment(
    measure,
    checks,
    tell,
    draw,
    options=degradation.OPTIONS,
    quick=degradation.QUICK,
    seeds=degradation.EXPERIMENT.seeds,
)
