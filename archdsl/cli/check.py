"""`archdsl check`: errors, lints and tests of files and folders."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from archdsl.cli.common import count, emit, open_module, output_options, tell
from archdsl.cli.paths import spec_files

if TYPE_CHECKING:
    from archdsl.diagnostics import Diagnostic
    from archdsl.pipeline import Checked

FORMATS = ("text", "concise", "json", "jsonl", "github", "sarif")


@dataclass(frozen=True)
class Asked:
    """What the options ask for, and where its results go."""

    files: tuple[str, ...]
    expression: str | None
    stdin_filename: str
    wanted: Callable[[str], bool]
    strict: bool
    exit_zero: bool
    statistics: bool
    format_: str
    reports: tuple[tuple[str, str], ...]
    color: str
    output: str | None

    def code(self, found: list[Diagnostic]) -> int:
        """Return the exit code of a run that found this."""
        findings = any(self.strict or d.severity == "error" for d in found)
        return 1 if findings and not self.exit_zero else 0

    def among(self, checked: list[Checked]) -> list[Diagnostic]:
        """Return what is wanted of what was found; a file that several import is told of once."""
        every = [d for one in checked for d in one.diagnostics if self.wanted(d.code)]
        return list({(d.code, d.span.source.name, d.span.start, d.span.end, d.message): d for d in every}.values())


@click.command("check")
@click.argument("paths", nargs=-1)
@click.option("-e", "--expression", metavar="PIPELINE", help="A pipeline in place of files.")
@click.option("--select", multiple=True, metavar="RULE", help="Only these: codes, how codes begin, or names of rules.")
@click.option("--ignore", multiple=True, metavar="RULE", help="Not these.")
@click.option("--fix", is_flag=True, help="Mend, in the files, what meant one thing or changes no number.")
@click.option("--unsafe-fixes", is_flag=True, help="With --fix or --diff: mend also what was probably meant.")
@click.option("--diff", "differing", is_flag=True, help="Print what --fix would change, and write nothing.")
@click.option("--watch", "watching", is_flag=True, help="Check again whenever a file changes, until Ctrl-C.")
@click.option("--statistics", is_flag=True, help="Count how often each rule is broken.")
@click.option("--strict", is_flag=True, help="Warnings count as findings.")
@click.option("--exit-zero", is_flag=True, help="Leave with 0 whatever is found.")
@click.option("--stdin-filename", metavar="PATH", default="<stdin>", help="What `-` is called, and where it lies.")
@click.option("--format", "format_", type=click.Choice(FORMATS), default="text", show_default=True)
@click.option("--report", "reports", multiple=True, metavar="FORMAT=PATH", help="Write this format to a file as well.")
@output_options
def command(
    paths: tuple[str, ...],
    expression: str | None,
    select: tuple[str, ...],
    ignore: tuple[str, ...],
    fix: bool,
    unsafe_fixes: bool,
    differing: bool,
    watching: bool,
    statistics: bool,
    strict: bool,
    exit_zero: bool,
    stdin_filename: str,
    format_: str,
    reports: tuple[str, ...],
    color: str,
    output: str | None,
) -> int:
    """Report every error and lint of the files in PATHS, and run their `test` blocks.

    Folders are walked for *.arch; without PATHS the current folder is; `-` is standard input. A `?` in a test is
    printed as a question.
    """
    from archdsl.cli.selection import selection

    fixing = fix or differing
    if unsafe_fixes and not fixing:
        raise click.UsageError("--unsafe-fixes goes with --fix, or with --diff to see them first")
    if statistics and format_ not in ("text", "json"):
        raise click.UsageError(f"--statistics goes with --format text or json, not {format_}")
    if expression is not None and (fixing or watching or paths):
        raise click.UsageError("-e stands in place of files, so there is no file to mend, to watch or to read")
    if watching and (fixing or "-" in paths):
        raise click.UsageError("--watch reads files again and again; it goes with neither --fix nor `-`")
    if fixing and "-" in paths and (len(paths) > 1 or (format_ != "text" and not differing)):
        raise click.UsageError("`-` is mended alone, and printed; other formats go to a file by --report FORMAT=PATH")
    asked = Asked(
        files=() if expression is not None else tuple(spec_files(paths or (".",))),
        expression=expression,
        stdin_filename=stdin_filename,
        wanted=selection(select, ignore),
        strict=strict,
        exit_zero=exit_zero,
        statistics=statistics,
        format_=format_,
        reports=_reports(reports),
        color=color,
        output=output,
    )
    if fixing:
        return _fix(asked, unsafe=unsafe_fixes, differing=differing)
    if watching:
        _watch(asked, paths or (".",))
    checked = _checked(asked)
    return _told(asked, checked, asked.among(checked))


def _checked(asked: Asked) -> list[Checked]:
    from archdsl.elaborate import Library
    from archdsl.lang.parser import Spec
    from archdsl.pipeline import check
    from archdsl.source import Source

    if asked.expression is not None:
        return [check(Library().add(Spec.of_pipeline(Source("<expression>", asked.expression))))]
    return [check(open_module(file, asked.stdin_filename)) for file in asked.files]


def _fix(asked: Asked, *, unsafe: bool, differing: bool) -> int:
    """Mend the files, then say what is left in them; `--diff` only shows the difference."""
    from archdsl.cli.fixing import mended, show, told, write

    applied, differs, checked = 0, False, []
    for file in asked.files:
        module = open_module(file, asked.stdin_filename)
        before = module.source.text
        made = mended(module, asked.wanted, unsafe=unsafe)
        applied += made.applied
        differs |= made.text != before
        checked.append(made.checked)
        if differing:
            show(before, made, asked.color)
        else:
            write(file, before, made)
    if not differing and asked.files != ("-",):
        checked = _checked(asked)  # again, since one file may import another that has changed after it
    found = asked.among(checked)
    line = told(applied, len(found), would=differing)
    own = {one.module.source.name for one in checked}
    if left := sum(d.fix is not None and (d.fix.safe or unsafe) and d.span.source.name in own for d in found):
        line += f"; {left} fix{'es' if left != 1 else ''} not applied, which would bring other errors to light"
    if differing:
        click.echo(line, err=True)
        return 1 if differs and not asked.exit_zero else asked.code(found)
    if asked.files == ("-",):
        tell(found, asked.color)
        click.echo(line, err=True)
        _report(asked, checked, found)
        return asked.code(found)
    return _told(asked, checked, found, before=f"{line}\n")


def _watch(asked: Asked, paths: tuple[str, ...]) -> None:
    """Check again whenever a file changes that was read, or that came into a folder."""
    from dataclasses import replace

    from archdsl.cli.watching import watch

    def run() -> set[Path]:
        now = replace(asked, files=tuple(spec_files(paths)))
        checked = _checked(now)
        _told(now, checked, now.among(checked))
        return {file for one in checked for file in one.module.library.files}

    def around() -> set[Path]:
        folders = tuple(path for path in paths if Path(path).is_dir())
        try:
            return {Path(file).resolve() for file in spec_files(folders)}
        except click.UsageError:  # the last file of the folder is gone
            return set()

    watch(run, around)


def _reports(texts: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Return formats and paths of `FORMAT=PATH`.

    Raises:
        click.UsageError: there is no such format, or one file would be written twice.
    """
    found: dict[str, str] = {}
    for text in texts:
        kind, sign, path = text.partition("=")
        if not sign or path in ("", "-") or kind not in FORMATS:
            known = ", ".join(FORMATS)
            raise click.UsageError(f"--report takes FORMAT=PATH, as in sarif=found.sarif, with one of {known}")
        if path in found:
            raise click.UsageError(f"--report writes {path} twice")
        found[path] = kind
    return tuple((kind, path) for path, kind in found.items())


def _told(asked: Asked, checked: list[Checked], found: list[Diagnostic], before: str = "") -> int:
    """Print what was found, write the reports, and return the exit code."""
    if asked.format_ == "text":
        tell(found, asked.color)
        hint = "" if before else _fixable(found)
        statistics = _statistics(found) if asked.statistics else ""
        emit(statistics + before + _summary(checked, found) + hint, asked.output)
    else:
        emit(_written(asked, checked, found, asked.format_), asked.output)
    _report(asked, checked, found)
    return asked.code(found)


def _report(asked: Asked, checked: list[Checked], found: list[Diagnostic]) -> None:
    for kind, path in asked.reports:
        emit(_written(asked, checked, found, kind), path)


def _written(asked: Asked, checked: list[Checked], found: list[Diagnostic], format_: str) -> str:
    from archdsl.diagnostics import render
    from archdsl.report import findings

    match format_:
        case "json":
            return findings.document(checked, found, statistics=asked.statistics)
        case "sarif":
            return findings.sarif(found, asked.code(found))
        case "text":
            return "".join(f"{render(one)}\n\n" for one in found) + _summary(checked, found)
    return {"concise": findings.concise, "github": findings.github, "jsonl": findings.lines}[format_](found)


def _statistics(found: list[Diagnostic]) -> str:
    from archdsl.report.findings import counts

    return "".join(f"{number:>6,}  {code}  {name}\n" for code, name, number in counts(found))


def _fixable(found: list[Diagnostic]) -> str:
    """Return what could be mended, in words."""
    safe = sum(d.fix is not None and d.fix.safe for d in found)
    unsafe = sum(d.fix is not None and not d.fix.safe for d in found)
    if not safe and not unsafe:
        return ""
    if not safe:
        return f"\n{unsafe} can be fixed with --fix --unsafe-fixes"
    return f"\n{safe} can be fixed with --fix" + (f", {unsafe} more with --unsafe-fixes" if unsafe else "")


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
