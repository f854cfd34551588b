"""What moves the parameters, and which of them decay."""

from __future__ import annotations

from collections.abc import Iterator
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


def parameter_groups(model: nn.Module, lr: float, weight_decay: float) -> list[dict[str, Any]]:
    """Split the trained parameters into those that decay and the others; `peak_lr` is what a schedule scales."""
    decaying = [parameter for _, parameter in decayed(model)]
    chosen = {id(parameter) for parameter in decaying}
    others = [p for p in model.parameters() if p.requires_grad and id(p) not in chosen]
    pairs = ((decaying, weight_decay), (others, 0.0))
    return [{"params": p, "weight_decay": decay, "lr": lr, "peak_lr": lr} for p, decay in pairs if p]


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
