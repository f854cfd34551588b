"""The committed modules of `generated/`, imported from their files and at most once."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

GENERATED = Path(__file__).resolve().parents[2] / "generated"


def imported(path: Path) -> ModuleType:
    """Return the module in the file at `path`; a relative path begins in `generated/`."""
    path = GENERATED / path
    name = f"generated_{path.stem}"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]
