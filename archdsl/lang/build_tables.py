"""The build hook that writes `_tables.py`, so that no start of an installed archdsl builds the parser's tables.

It runs for wheels and for editable installs. A wheel leaves this file out.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class TablesHook(BuildHookInterface):  # type: ignore[type-arg]  # the build's configuration is not read
    """Write the tables beside the grammar before the files of the wheel are collected."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        sys.path.insert(0, self.root)
        from archdsl.lang.tables import literal

        Path(self.root, "archdsl", "lang", "_tables.py").write_text(literal(), encoding="utf-8")
