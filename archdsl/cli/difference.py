"""What a command would write, as a unified difference."""

from __future__ import annotations

from difflib import unified_diff

import click

from archdsl.cli.common import can_encode, wants_colour

COLOURS = {"+": "green", "-": "red", "@": "cyan"}


def print_difference(old: str, new: str, before: str, after: str, color: str) -> None:
    """Print how one text becomes another; `before` and `after` are what the two are called."""
    colour = wants_colour(color)
    for line in unified_diff(old.splitlines(True), new.splitlines(True), before, after):
        text = line if line.endswith("\n") else f"{line}\n"
        if not can_encode(text):
            text = text.encode("ascii", errors="replace").decode("ascii")
        painted = COLOURS.get(text[:1]) if colour else None
        click.echo(click.style(text, fg=painted) if painted else text, nl=False, color=True)
