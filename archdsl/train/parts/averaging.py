"""Averaged weights: slower than the trained ones, and often better."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn


class Averaged:
    """An exponential moving average of a model's parameters and buffers, as a model of its own.

    The decay starts small, min(decay, (1 + n) / (10 + n)) at update n, so that a short run is not averaged with its
    first weights. Polyak & Juditsky 1992; the warm-up is TensorFlow's `ExponentialMovingAverage`.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.model = copy.deepcopy(model).eval().requires_grad_(False)
        self.decay = decay
        self.updates = 0

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        """Move the average towards a model; counters of whole numbers are copied."""
        self.updates += 1
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        mine, its = self.model.state_dict(keep_vars=True), model.state_dict(keep_vars=True)
        smooth = [name for name, value in mine.items() if value.is_floating_point()]
        averages: list[Tensor] = [mine[name].detach() for name in smooth]
        torch._foreach_lerp_(averages, [its[name].detach() for name in smooth], 1 - decay)
        for name in mine.keys() - set(smooth):
            mine[name].copy_(its[name])
