"""The learning rate of every step."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from torch.optim import Optimizer

ONE_CYCLE_RISE = 0.3
"""The share of a one-cycle run in which the rate rises."""
ONE_CYCLE_START = 1 / 25
ONE_CYCLE_END = ONE_CYCLE_START / 1e4
"""Rates at both ends of a one-cycle run, as shares of its peak: those of `torch.optim.lr_scheduler.OneCycleLR`."""


@dataclass(frozen=True)
class Schedule:
    """The rate of each step as a share of the peak rate: a function of the step alone, so a run resumes where it was.

    The first `warmup` steps rise linearly to the peak, except in a one-cycle run, which has a rise of its own. Then
    `constant` stays; `step` multiplies by `gamma` at each of the `milestones`, shares of the run; `cosine` falls to
    `floor` at the last step (Loshchilov & Hutter 2017, arXiv:1608.03983); `one-cycle` is that of Smith & Topin 2018,
    arXiv:1708.07120, with a constant momentum; `inverse-sqrt` falls as one over the root of the step (Vaswani et al.
    2017, arXiv:1706.03762, section 5.3).
    """

    name: str
    total: int
    warmup: int = 0
    floor: float = 0.0
    milestones: Sequence[float] = ()
    gamma: float = 0.1

    def factor(self, step: int) -> float:
        """Return the share of the peak rate that step `step`, counted from 0, is made with."""
        if self.name == "one-cycle":
            return self._one_cycle(step)
        if step < self.warmup:
            return (step + 1) / self.warmup
        if self.name == "step":
            passed = sum(step >= round(share * self.total) for share in self.milestones)
            return max(self.floor, self.gamma**passed)
        if self.name == "cosine":
            done = (step - self.warmup) / max(1, self.total - 1 - self.warmup)
            return _cosine(1.0, self.floor, min(1.0, done))
        if self.name == "inverse-sqrt":
            start = max(1, self.warmup)
            return max(self.floor, math.sqrt(start / max(start, step + 1)))
        return 1.0

    def _one_cycle(self, step: int) -> float:
        top = max(0.0, ONE_CYCLE_RISE * self.total - 1)
        if step < top:
            return _cosine(ONE_CYCLE_START, 1.0, step / top)
        return _cosine(1.0, ONE_CYCLE_END, min(1.0, (step - top) / max(1e-9, self.total - 1 - top)))

    def set(self, optimizer: Optimizer, step: int) -> float:
        """Give the groups of an optimiser their rates for a step; return that of the first.

        The rate of a group at the peak stands in its `peak_lr`.
        """
        factor = self.factor(step)
        for group in optimizer.param_groups:
            group["lr"] = group["peak_lr"] * factor
        return float(optimizer.param_groups[0]["lr"])


def _cosine(start: float, end: float, done: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * done)) / 2
