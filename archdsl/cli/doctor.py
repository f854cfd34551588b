"""`archdsl doctor`: what is installed and how it will be shown, in one paste for a report."""

from __future__ import annotations

import os
import shutil
import sys
from typing import Any

import click

from archdsl.cli.common import emit, output_options, wants_colour

_HEAD = 16
"""Columns of what a line is about."""
_TRIAL = "[3, 32, 32] -> Conv2d(64, 3)"
_TRIAL_PARAMS = 1792
"""64·3·3·3 + 64: what the trial must give."""
_HIDDEN = ("dev",)
"""Extras that only those who change archdsl need."""


@click.command("doctor")
@click.option("--format", "format_", type=click.Choice(("text", "json")), default="text", show_default=True)
@output_options
def command(format_: str, color: str, output: str | None) -> int:
    """Print versions, extras, terminal and what is bundled, for a report.

    The exit code is 0, or 1 where something essential is broken.
    """
    facts = examine(color)
    if format_ == "json":
        from archdsl.report.json import text as as_json

        emit(as_json(facts), output)
    else:
        emit(_text(facts), output)
    for problem in facts["problems"]:
        click.echo(f"archdsl: {problem}", err=True)
    return 1 if facts["problems"] else 0


def examine(color: str = "auto") -> dict[str, Any]:
    """Return everything that is looked at; `problems` says in words what is broken."""
    import platform
    from pathlib import Path

    import archdsl

    problems: list[str] = []
    required, extras = _packages(problems)
    facts: dict[str, Any] = {
        "schema": "archdsl/doctor@1",
        "version": archdsl.__version__,
        "location": str(Path(archdsl.__file__).parent),
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "system": platform.system(),
        "machine": platform.machine(),
        "terminal": _terminal(color),
        "requirements": required,
        "extras": extras,
    }
    try:
        facts |= _contents(problems)
    except ImportError as error:
        problems.append(f"archdsl cannot be loaded: {error}; install it anew")
    return {**facts, "problems": problems}


def _terminal(color: str) -> dict[str, Any]:
    size = shutil.get_terminal_size((100, 24))
    return {
        "columns": size.columns,
        "lines": size.lines,
        "encoding": sys.stdout.encoding or "unknown",
        "is_terminal": sys.stdout.isatty(),
        "colour": wants_colour(color),
        "because": _because(color),
    }


def _because(color: str) -> str:
    """Return what decides about colour, in the order in which it is asked."""
    if color != "auto":
        return f"--color {color}"
    for name in ("NO_COLOR", "FORCE_COLOR"):
        if os.environ.get(name):
            return f"{name} is set"
    if os.environ.get("CLICOLOR_FORCE", "0") != "0":
        return "CLICOLOR_FORCE is set"
    if not sys.stdout.isatty():
        return "standard output is no terminal"
    return "TERM is dumb" if os.environ.get("TERM") == "dumb" else "standard output is a terminal"


def _packages(problems: list[str]) -> tuple[dict[str, str | None], list[dict[str, Any]]]:
    """Return the installed versions of what archdsl requires, and of each extra; nothing of it is loaded."""
    import re
    from importlib.metadata import PackageNotFoundError, requires

    try:
        stated = requires("archdsl") or []
    except PackageNotFoundError:
        problems.append("archdsl is not installed, so what it requires is not known: `pip install .` in its folder")
        return {}, []
    required: dict[str, str | None] = {}
    extras: dict[str, dict[str, str | None]] = {}
    for line in stated:
        match = re.match(r"([A-Za-z0-9._-]+)", line)
        extra = re.search(r"extra *== *['\"]([^'\"]+)['\"]", line)
        if match and (extra is None or extra[1] not in _HIDDEN):
            group = extras.setdefault(extra[1], {}) if extra else required
            group[match[1]] = _version(match[1])
    problems += [f"{name} is missing: `pip install {name}`" for name, found in required.items() if found is None]
    said = [
        {"name": name, "packages": found, "installed": None not in found.values(), "install": _install(name)}
        for name, found in sorted(extras.items())
    ]
    return required, said


def _version(package: str) -> str | None:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _install(extra: str) -> str:
    return f'pip install "archdsl[{extra}]"'


def _contents(problems: list[str]) -> dict[str, Any]:
    """Return what is bundled and known, after a trial that it works."""
    from archdsl.elaborate import Library
    from archdsl.lang.parser import Spec
    from archdsl.manual.starters import bundled
    from archdsl.ops import OPS
    from archdsl.pipeline import network
    from archdsl.resources import specs, templates
    from archdsl.rules import RULES
    from archdsl.source import Source

    starters = bundled()
    if not starters:
        problems.append(f"no spec is bundled in {specs()}; install archdsl anew")
    if not templates().is_dir():
        problems.append(f"there are no templates in {templates()}; install archdsl anew")
    made = network(Library().add(Spec.of_pipeline(Source("<doctor>", _TRIAL))), None).examine()
    if made.totals.params != _TRIAL_PARAMS:
        problems.append(f"`{_TRIAL}` has {made.totals.params} parameters, and {_TRIAL_PARAMS} are right")
    errors = sum(rule.severity == "error" for rule in RULES.values())
    return {
        "tables": _tables(),
        "specs": len(starters),
        "models": sum(len(one.models) for one in starters),
        "templates": len([path for path in templates().rglob("*") if path.is_file()]) if templates().is_dir() else 0,
        "errors": errors,
        "lints": len(RULES) - errors,
        "layers": len(OPS),
    }


def _tables() -> str:
    """Return whether the parser's tables are `ready`, `stale`, or `absent`: without ready ones a start takes longer."""
    from importlib import import_module

    from archdsl.lang.tables import digest

    try:
        made = import_module("archdsl.lang._tables").DIGEST
    except ImportError:
        return "absent"
    return "ready" if made == digest() else "stale"


_TABLES = {
    "ready": "ready-made",
    "stale": "stale, so they are built at every start; install archdsl anew",
    "absent": "not made, so they are built at every start; install archdsl to have them",
}


def _text(facts: dict[str, Any]) -> str:
    terminal = facts["terminal"]
    colour = "colour" if terminal["colour"] else "no colour"
    python, system = f"{facts['implementation']} {facts['python']}", f"{facts['system']} {facts['machine']}"
    lines = [
        f"archdsl {facts['version']}   {python}   {system}",
        _line("installed in", facts["location"]),
        _line(
            "terminal",
            f"{terminal['columns']}x{terminal['lines']}, {terminal['encoding']}, {colour} ({terminal['because']})",
        ),
    ]
    if "tables" in facts:
        lines += [
            _line("parser tables", _TABLES[facts["tables"]]),
            _line("known", f"{facts['errors']} errors, {facts['lints']} lints, {facts['layers']} layers and functions"),
            _line("bundled", f"{facts['specs']} specs with {facts['models']} models; templates: {facts['templates']}"),
        ]
    lines.append(_line("requires", _versions(facts["requirements"])))
    for extra in facts["extras"]:
        said = _versions(extra["packages"])
        lines.append(_line(f"extra {extra['name']}", said if extra["installed"] else f"{said}    {extra['install']}"))
    return "\n".join(f"  {line}" for line in lines) + "\n"


def _line(head: str, text: str) -> str:
    return f"{head:<{_HEAD}}{text}"


def _versions(packages: dict[str, str | None]) -> str:
    return ", ".join(f"{name} {found or 'not installed'}" for name, found in packages.items()) or "not known"
