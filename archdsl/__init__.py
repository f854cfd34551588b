"""Know a convolutional network before it runs: its shapes, parameters, cost, memory and receptive fields.

    >>> import archdsl
    >>> network = archdsl.load("resnet.arch", model="ResNet50")  # a path, or a bundled spec by its name
    >>> archdsl.analyze(network).totals.params
    25557032

Names are loaded on first use, so that importing the package costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from archdsl import exam, numpy_reference
    from archdsl.analysis import Analysis, Layer, Totals
    from archdsl.codegen import generate
    from archdsl.diagnostics import Diagnostic, SpecError
    from archdsl.pipeline import Network, UsageError, analyze, load, loads

_HOMES = {
    "Analysis": "archdsl.analysis",
    "Diagnostic": "archdsl.diagnostics",
    "Layer": "archdsl.analysis",
    "Network": "archdsl.pipeline",
    "SpecError": "archdsl.diagnostics",
    "Totals": "archdsl.analysis",
    "UsageError": "archdsl.pipeline",
    "analyze": "archdsl.pipeline",
    "generate": "archdsl.codegen",
    "load": "archdsl.pipeline",
    "loads": "archdsl.pipeline",
}

__version__ = "0.1.0"
__all__ = [
    "Analysis",
    "Diagnostic",
    "Layer",
    "Network",
    "SpecError",
    "Totals",
    "UsageError",
    "analyze",
    "exam",
    "generate",
    "load",
    "loads",
    "numpy_reference",
]


def __getattr__(name: str) -> Any:
    """Load a public name from its home, the first time that somebody asks for it."""
    if name in ("exam", "numpy_reference"):
        return import_module(f"archdsl.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'archdsl' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
