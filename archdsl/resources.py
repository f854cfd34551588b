"""Where `specs/` and `templates/` are.

A wheel carries both in `_data/` inside the package. A checkout, and an editable install of one, has them beside the
package and no `_data/`.
"""

from __future__ import annotations

import re
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_PLAIN_NAME = re.compile(r"([A-Za-z0-9_][A-Za-z0-9_-]*)(?:\.arch)?")


def specs() -> Path:
    """Return the folder of the bundled specs."""
    return _folder("specs")


def templates() -> Path:
    """Return the folder of the templates that lay out generated code."""
    return _folder("templates")


def bundled_spec(name: str) -> Path | None:
    """Return the bundled spec called `name`, as in `resnet` or `resnet.arch`; `None` where there is none.

    Only a plain name is looked up: one with a separator or a leading dot finds nothing, so no name leaves the folder.
    """
    plain = _PLAIN_NAME.fullmatch(name)
    if plain is None:
        return None
    path = specs() / f"{plain[1]}.arch"
    return path if path.is_file() else None


def _folder(name: str) -> Path:
    installed = _PACKAGE / "_data" / name
    return installed if installed.is_dir() else _PACKAGE.parent / name
