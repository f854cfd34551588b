"""What moves the parameters, and which of them decay."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

NORMS = (nn.modules.batchnorm._NormBase, nn.GroupNorm, nn.LayerNorm)


def decayed(model: nn.Module) -> Iterator[tuple[str, nn.Parameter]]:
    """Yield the trained parameters that weight decay and L1 are for: weights, not those of norms, and no biases.

    He et al. 2019, arXiv:1812.01187, section 3.1.
    """
    seen: set[int] = set()
    for path, module in model.named_modules():
        for name, parameter in module.named_parameters(path, recurse=False):
            if id(parameter) in seen or not parameter.requires_grad:
                continue
            seen.add(id(parameter))
            if parameter.dim() > 1 and not isinstance(module, NORMS):
                yield name, parameter


def parameter_groups(
    model: nn.Module, lr: float, weight_decay: float, factors: Mapping[str, float] | None = None
) -> list[dict[str, Any]]:
    """Split the trained parameters by their rate, the largest first, and into those that decay and the others.

    `factors` are those of the rate, by the names of the parameters; `peak_lr` is what a schedule scales.
    """
    decaying = {id(parameter) for _, parameter in decayed(model)}
    found: dict[tuple[float, bool], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            factor = 1.0 if factors is None else factors[name]
            found.setdefault((factor, id(parameter) in decaying), []).append(parameter)
    return [{"params": found[factor, decays], "weight_decay": weight_decay if decays else 0.0,
             "lr": lr * factor, "peak_lr": lr * factor}
            for factor, decays in sorted(found, reverse=True)]  # fmt: skip


def make_optimizer(
    name: str, groups: list[dict[str, Any]], *, momentum: float, betas: tuple[float, float], fused: bool
) -> torch.optim.Optimizer:
    """Return an optimiser: `sgd`, `momentum`, `nesterov`, `adam` with decay in the gradient, or `adamw` beside it."""
    lr = groups[0]["lr"]
    if name == "adam":
        return torch.optim.Adam(groups, lr=lr, betas=betas, fused=fused)
    if name == "adamw":
        return torch.optim.AdamW(groups, lr=lr, betas=betas, fused=fused)
    inertia = 0.0 if name == "sgd" else momentum
    return torch.optim.SGD(groups, lr=lr, momentum=inertia, nesterov=name == "nesterov", fused=fused)


def l1_norm(weights: list[nn.Parameter]) -> Tensor:
    """Return the sum of the absolute values of some weights."""
    return torch.stack([weight.abs().sum() for weight in weights]).sum()
