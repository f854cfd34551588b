"""Libraries that are used where they are installed, and not asked for where they are not."""

from __future__ import annotations

import importlib
from types import ModuleType


def installed(name: str) -> ModuleType | None:
    """Import a library that a run can do without; `None` where it is missing or does not load."""
    try:
        return importlib.import_module(name)
    except (ImportError, OSError, RuntimeError, AttributeError):  # a torchvision for another torch raises the last two
        return None
