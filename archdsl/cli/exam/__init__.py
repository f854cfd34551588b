"""`archdsl exam`: problems about networks, from a sheet and its key to the grades of a class."""

from __future__ import annotations

import click

from archdsl.cli.lazy import Lazy

COMMANDS = {
    "check": "The keys of a sheet against the computed values, and its items for what they cannot see.",
    "solve": "Worked solutions, part by part.",
    "grade": "The answers of a student, a folder or a class, with the mistake behind each wrong one.",
    "regrade": "What a changed key or convention changes in grades that were given.",
    "generate": "A variant of the sheet for every student, each with its key.",
    "export": "The sheet for Moodle, Canvas, Gradescope, LaTeX and others.",
    "practise": "One question after another, judged at once.",
    "new": "A sheet to start from.",
}


@click.group("exam", cls=Lazy, package=__name__, summaries=COMMANDS)
def command() -> None:
    """Exam problems about networks: solve, check, grade, vary, export."""
