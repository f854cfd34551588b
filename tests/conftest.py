"""What every test may lean on: random examples that CI repeats exactly, and texts compared with committed files."""

from __future__ import annotations

import os
from collections.abc import Callable
from difflib import unified_diff
from pathlib import Path

import pytest
from hypothesis import settings

# No deadlines: how long an example takes says more about the machine than about the code.
settings.register_profile("exploring", deadline=None)
settings.register_profile("repeatable", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("repeatable" if os.environ.get("CI") else "exploring")


# Workers of pytest-xdist set it, and a page would be wrapped otherwise there.
os.environ.pop("COLUMNS", None)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update", action="store_true", help="rewrite the goldens that differ; read the diff after it")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[Path, str], None]:
    """Compare text with a file in the repository, or rewrite that file under `--update`."""

    def check(path: Path, text: str) -> None:
        if request.config.getoption("--update"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
        old = path.read_text(encoding="utf-8") if path.exists() else ""
        if old != text:
            diff = unified_diff(old.splitlines(True), text.splitlines(True), "committed", "now")
            pytest.fail(f"{path.name} is stale: run `pytest --update`, read the diff\n{''.join(diff)}", pytrace=False)

    return check
