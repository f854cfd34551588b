"""torchvision's models, as an oracle. The product does not depend on torchvision.

Its package is built for CUDA: beside a CPU-only torch the import fails, because two operators are missing whose shapes
it declares. No model uses either, so their schemas are declared and the import is tried again.

Both packages take seconds to load, so they are imported on the first call and not while tests are collected.
"""

from __future__ import annotations

import sys
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn

MISSING_OPERATORS = ("nms", "qnms")


@cache
def torchvision() -> ModuleType:
    """Return torchvision, made importable where torch has no CUDA."""
    try:
        return import_module("torchvision")
    except RuntimeError as error:
        if "torchvision::nms" not in str(error):
            raise
    for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        del sys.modules[name]
    _declare_missing_operators()
    return import_module("torchvision")


def on_meta(name: str, **arguments: Any) -> nn.Module:
    """Return the model that torchvision calls `name`, without weights, on the device that holds no numbers."""
    import torch

    models = torchvision().models
    with torch.device("meta"):
        return models.get_model(name, weights=None, **arguments)


@cache
def _declare_missing_operators() -> Any:
    """Return the library with the declarations; they last as long as it does."""
    import torch

    library = torch.library.Library("torchvision", "DEF")
    for operator in MISSING_OPERATORS:
        library.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    return library
