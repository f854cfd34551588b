"""`archdsl check`: errors, lints and tests of files and folders."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from archdsl.cli.common import count, emit, open_module, output_options, tell
from archdsl.cli.paths import spec_files

if TYPE_CHECKING:
    from archdsl.diagnostics import Diagnostic
    from archdsl.pipeline import Checked

FORMATS = ("text", "concise", "json", "github", "sarif")


@click.command("check")
@click.argument("paths", nargs=-1)
@click.option("-e", "--expression", metavar="PIPELINE", help="A pipeline in place of files.")
@click.option("--select", multiple=True, metavar="CODE", help="Only these codes, or those that begin so.")
@click.option("--ignore", multiple=True, metavar="CODE", help="Not these codes, or those that begin so.")
@click.option("--strict", is_flag=True, help="Warnings count as findings.")
@click.option("--exit-zero", is_flag=True, help="Leave with 0 whatever is found.")
@click.option("--format", "format_", type=click.Choice(FORMATS), default="text", show_default=True)
@output_options
def command(
    paths: tuple[str, ...],
    expression: str | None,
    select: tuple[str, ...],
    ignore: tuple[str, ...],
    strict: bool,
    exit_zero: bool,
    format_: str,
    color: str,
    output: str | None,
) -> int:
    """Report every error and lint of the files in PATHS, and run their `test` blocks.

    Folders are walked for *.arch; without PATHS the current folder is. A `?` in a test is printed as a question.
    """
    from archdsl.elaborate import Library
    from archdsl.lang.parser import Spec
    from archdsl.pipeline import check
    from archdsl.source import Source

    if expression is not None:
        modules = [Library().add(Spec.of_pipeline(Source("<expression>", expression)))]
    else:
        modules = [open_module(file) for file in spec_files(paths or (".",))]
    checked = [check(module) for module in modules]
    found = [d for one in checked for d in one.diagnostics if _wanted(d.code, select, ignore)]
    if format_ == "text":
        tell(found, color)
        emit(_summary(checked, found), output)
    else:
        emit(_machine(checked, found, format_), output)
    findings = [d for d in found if strict or d.severity == "error"]
    return 1 if findings and not exit_zero else 0


def _wanted(code: str, select: tuple[str, ...], ignore: tuple[str, ...]) -> bool:
    return (not select or code.startswith(select)) and not (ignore and code.startswith(ignore))


def _summary(checked: list[Checked], found: list[Diagnostic]) -> str:
    lines = []
    for one in checked:
        questions = [outcome for outcome in one.outcomes if outcome.holds is None]
        lines += [f"{one.module.source.name}: question: {outcome.text}" for outcome in questions]
    tests = [outcome for one in checked for outcome in one.outcomes if outcome.holds is not None]
    held = sum(outcome.holds is True for outcome in tests)
    files = f"{len(checked)} file{'s' if len(checked) != 1 else ''}"
    models = sum(one.models for one in checked)
    parts = [files, f"{models} model{'s' if models != 1 else ''}"]
    if tests:
        parts.append(f"{held} of {len(tests)} expectations hold")
    return "\n".join([*lines, f"{count(found)} in {', '.join(parts)}"])


def _machine(checked: list[Checked], found: list[Diagnostic], format_: str) -> str:
    from archdsl.report import findings

    if format_ == "json":
        return findings.document(checked, found)
    return {"concise": findings.concise, "github": findings.github, "sarif": findings.sarif}[format_](found)
