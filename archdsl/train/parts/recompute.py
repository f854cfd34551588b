"""Activations computed anew in the backward pass, to need less memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from fnmatch import fnmatchcase
from typing import Any

from torch import nn
from torch.utils.checkpoint import checkpoint

from archdsl.train.parts.problems import RunError


def recompute(model: nn.Module, patterns: str) -> list[str]:
    """Make the modules whose path matches a pattern keep only their inputs; return their paths.

    Patterns are separated by commas. Chen et al. 2016, arXiv:1604.06174.

    Raises:
        RunError: a pattern matches nothing.
    """
    chosen: list[str] = []
    for pattern in (part.strip() for part in patterns.split(",") if part.strip()):
        matches = [path for path, _ in model.named_modules() if path and fnmatchcase(path, pattern)]
        if not matches:
            raise RunError(f"--recompute: no module is called {pattern}", 2)
        chosen += [path for path in matches if path not in chosen]
    outer = [path for path in chosen if not any(path.startswith(f"{other}.") for other in chosen)]
    for path in outer:
        _wrap(model.get_submodule(path))
    return outer


def _wrap(module: nn.Module) -> None:
    forward = module.forward

    def contexts() -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
        return nullcontext(), unmoved_statistics(module)

    def recomputed(*inputs: Any) -> Any:
        if not module.training:
            return forward(*inputs)
        return checkpoint(forward, *inputs, use_reentrant=False, context_fn=contexts)

    module.forward = recomputed


@contextmanager
def activations_kept(model: nn.Module) -> Iterator[None]:
    """Keep all activations of a model again, for as long as it lasts."""
    wrapped = [(module, vars(module).pop("forward")) for module in model.modules() if "forward" in vars(module)]
    try:
        yield
    finally:
        for module, forward in wrapped:
            module.forward = forward


@contextmanager
def unmoved_statistics(module: nn.Module) -> Iterator[None]:
    """Compute with the statistics of a batch, and leave the running ones: the first pass has counted the batch."""
    norms = [m for m in module.modules() if isinstance(m, nn.modules.batchnorm._NormBase) and m.track_running_stats]
    kept = [
        (norm, norm.momentum, norm.num_batches_tracked.clone())
        for norm in norms
        if norm.num_batches_tracked is not None
    ]
    for norm, _, _ in kept:
        norm.momentum = 0.0
    try:
        yield
    finally:
        for norm, momentum, batches in kept:
            norm.momentum = momentum
            if norm.num_batches_tracked is not None:
                norm.num_batches_tracked.copy_(batches)
