"""The head of a model: the layers that tell its classes apart, which begin anew where the classes are others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from archdsl.train.parts.fitting import Architecture, Fit
from archdsl.train.parts.freezing import matching_modules


def head_of(
    architecture: Architecture, arguments: Mapping[str, Any], model: nn.Module, fit: Fit, patterns: str
) -> tuple[str, ...]:
    """Return the paths of the layers of a head: those that patterns match, else those that the classes shape.

    A layer belongs to the head if its parameters have another shape in the same model with one class more; so do
    those of auxiliary heads. Where a model has no parameter `classes`, the head is the last layer called that gives
    as many channels or features as there are classes.

    Raises:
        RunError: a pattern matches nothing.
    """
    if patterns:
        return tuple(matching_modules(model, patterns, "--head"))
    return _shaped_by_classes(architecture, arguments, model) or _last_that_gives(model, fit)


def _shaped_by_classes(architecture: Architecture, arguments: Mapping[str, Any], model: nn.Module) -> tuple[str, ...]:
    if not isinstance(arguments.get("classes"), int):
        return ()
    try:
        with torch.device("meta"):
            other = architecture.build(**{**arguments, "classes": arguments["classes"] + 1})
    except (RuntimeError, ValueError, TypeError, NotImplementedError):
        return ()
    theirs = {path: _shapes(module) for path, module in other.named_modules()}
    return tuple(path for path, module in model.named_modules()
                 if path and path in theirs and _shapes(module) != theirs[path])  # fmt: skip


def _shapes(module: nn.Module) -> dict[str, tuple[int, ...]]:
    return {name: tuple(value.shape) for name, value in module.named_parameters(recurse=False)}


@torch.no_grad()
def _last_that_gives(model: nn.Module, fit: Fit) -> tuple[str, ...]:
    found: list[str] = []

    def look(path: str, output: object) -> None:
        if isinstance(output, torch.Tensor) and output.dim() > 1 and output.shape[1] == fit.classes:
            found.append(path)

    layers = [(path, m) for path, m in model.named_modules() if path and any(True for _ in m.parameters(recurse=False))]
    hooks = [m.register_forward_hook(lambda _m, _given, output, path=path: look(path, output)) for path, m in layers]
    was_training = model.training
    try:
        model.eval()(torch.zeros(1, fit.channels, *fit.size))
    finally:
        model.train(was_training)
        for hook in hooks:
            hook.remove()
    return tuple(found[-1:])
