"""The files that a command is given: named ones, and those in named folders."""

from __future__ import annotations

from pathlib import Path

import click

MOST_FILES = 10_000


def spec_files(paths: tuple[str, ...]) -> list[str]:
    """Return the files that are meant, folders walked; links out of a folder are not followed.

    Raises:
        click.UsageError: the only path is a folder without a spec.
    """
    found: list[str] = []
    for path in paths:
        folder = Path(path)
        if not folder.is_dir():
            found.append(path)
            continue
        inside = sorted(p for p in folder.rglob("*.arch") if p.is_file() and not _hidden(p.relative_to(folder)))
        if not inside and len(paths) == 1:
            raise click.UsageError(f"there is no .arch file in {path}")
        found.extend(p.as_posix() for p in inside[:MOST_FILES])
    return list(dict.fromkeys(found))


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)
