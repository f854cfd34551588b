"""`archdsl check --watch`: the same again whenever a file that was read has changed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path

import click

PAUSE = 0.2
"""Seconds between two looks."""
MOST_NAMED = 3
"""Changed files that are named."""


def watch(
    run: Callable[[], Iterable[Path]],
    around: Callable[[], Iterable[Path]] = tuple,
    *,
    sleep: Callable[[float], object] = time.sleep,
    clock: Callable[[], str] = lambda: time.strftime("%H:%M:%S"),
) -> None:
    """Run again and again; only an interrupt ends it.

    `run` returns the files that it depended on, and `around` those that lie in the folders now, so that a new one is
    seen. A run that cannot be finished, because a file is gone, leaves the files of the one before.
    """
    files = set(run())
    click.echo(f"{clock()}  watching {len(files)} file{'s' if len(files) != 1 else ''}; Ctrl-C ends it", err=True)
    while True:
        before = _times(files, around)
        while (now := _times(files, around)) == before:
            sleep(PAUSE)
        changed = [path.name for path in sorted(now.keys() | before.keys()) if now.get(path) != before.get(path)]
        more = f" and {len(changed) - MOST_NAMED} more" if len(changed) > MOST_NAMED else ""
        click.echo(f"{clock()}  {', '.join(changed[:MOST_NAMED])}{more} changed", err=True)
        try:
            files = set(run())
        except click.UsageError as error:
            click.echo(f"archdsl: {error.format_message()}", err=True)


def _times(files: set[Path], around: Callable[[], Iterable[Path]]) -> dict[Path, tuple[int, int] | None]:
    """Return when each file was changed last and how long it is; `None` for one that is not there."""
    found: dict[Path, tuple[int, int] | None] = {}
    for file in files.union(around()):
        try:
            state = file.stat()
            found[file] = state.st_mtime_ns, state.st_size
        except OSError:
            found[file] = None
    return found
