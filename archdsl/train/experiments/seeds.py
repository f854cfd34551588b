"""Figures of several seeds: how they are spelled, and when one network is called better than another."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean, stdev

ENOUGH = 3
"""Seeds of each network; with fewer nothing is called better."""


def spelled(shares: Sequence[float]) -> str:
    """Return a share of each seed as their mean and standard deviation in percent, such as `90.12 ± 0.20 %`."""
    mean = f"{100 * fmean(shares):.2f}"
    return f"{mean} ± {100 * stdev(shares):.2f} %" if len(shares) > 1 else f"{mean} %"


def compared(first: Sequence[float], second: Sequence[float]) -> int:
    """Return 1 where the first figures are all above the second, −1 where all are below, and 0 where they mix.

    Of two networks that are equally good, three seeds each, this calls one better in one case of ten.
    """
    if min(len(first), len(second)) < ENOUGH:
        return 0
    return (min(first) > max(second)) - (max(first) < min(second))


def told(count: int) -> str:
    """Return what so many seeds allow to be said."""
    if count >= ENOUGH:
        return (
            f"Figures with ± are means and standard deviations of {count} seeds; better and worse are said only where "
            "they hold in every pair of runs."
        )
    return f"{count} seed{'s' * (count > 1)}: differences of a few tenths of a point say nothing."
