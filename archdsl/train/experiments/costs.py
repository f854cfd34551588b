"""Panels that several experiments draw: accuracy over a quantity, and what networks cost beside one of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matplotlib.axes import Axes

from archdsl.train.experiments.figures import COLOURS


def draw_accuracies(axes: Axes, nets: Mapping[str, Any], quantity: str, scale: float, label: str) -> None:
    """Draw the accuracy of every run over a quantity of its network, from 0, in units of `scale`."""
    for (title, one), colour in zip(nets.items(), COLOURS, strict=False):
        values = [100 * top1 for top1 in one["top1"]]
        axes.plot([one[quantity] / scale] * len(values), values, "o", color=colour, label=title)
    axes.set(xlabel=label, ylabel="test accuracy (%)", title="One point a run")
    axes.set_xlim(left=0)
    axes.legend()


def draw_costs(axes: Axes, nets: Mapping[str, Any], costs: Mapping[str, str], beside: str) -> None:
    """Draw bars of what each network costs, as multiples of what the one called `beside` does."""
    width = 0.8 / len(nets)
    for place, ((title, one), colour) in enumerate(zip(nets.items(), COLOURS, strict=False)):
        shares = [one[cost] / nets[beside][cost] for cost in costs]
        at = [x + width * (place - (len(nets) - 1) / 2) for x in range(len(costs))]
        axes.bar(at, shares, 0.95 * width, color=colour, label=title)
    axes.set_xticks(range(len(costs)), list(costs.values()), fontsize="small")
    axes.set(ylabel=f"times that of {beside}", title="Cost for an image")
