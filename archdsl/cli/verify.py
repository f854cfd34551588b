"""`archdsl verify`: the generated code held against the analysis."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from archdsl.cli.common import (
    can_encode,
    emit,
    missing_extra,
    model_options,
    open_network,
    output_options,
    sound,
    tell,
    wants_colour,
    without_sizes,
)

if TYPE_CHECKING:
    from archdsl.verify import Check

LARGEST = 10_000_000
"""Bytes of code that are read."""
SIGNS = {"passed": "✓", "failed": "✗", "skipped": "–"}
PLAIN = {"passed": "ok", "failed": "no", "skipped": "- "}
COLOURS = {"passed": "green", "failed": "red", "skipped": "yellow"}


@click.command("verify")
@click.argument("file")
@model_options
@click.option("--code", metavar="PATH", help="Verify this module in place of freshly generated code; it is run.")
@click.option("--device", type=click.Choice(("cpu", "cuda", "meta")), default="cpu", show_default=True)
@click.option("--seed", type=int, default=0, show_default=True, help="Of weights, inputs and the units looked at.")
@click.option("--only", metavar="A,B", help="Only some of the checks, such as `shapes,macs,rf`.")
@click.option("--format", "format_", type=click.Choice(("text", "json")), default="text", show_default=True)
@output_options
def command(
    file: str,
    model: str | None,
    define: tuple[str, ...],
    inputs: tuple[str, ...],
    code: str | None,
    device: str,
    seed: int,
    only: str | None,
    format_: str,
    color: str,
    output: str | None,
) -> int:
    """Build the generated code of a model with PyTorch and compare it with the analysis.

    \b
    Compared are, one by one:
      modules     the path, kind and arguments of every layer
      parameters  names and shapes of weights and buffers
      shapes      of every layer, at several input sizes and batches
      macs        of every layer, by PyTorch's counter
      outputs     finite and repeatable in evaluation
      values      outputs beside those of the graph, run op by op
      training    a step in which every parameter gets a gradient
      export      by torch.export
      memory      peak of activations, to the byte
      rf          receptive fields, by gradient

    The exit code is 1 where something differs, and 3 where PyTorch is not installed.
    """
    from archdsl.codegen import Unsupported
    from archdsl.diagnostics import SpecError
    from archdsl.elaborate import UsageError

    try:
        network = sound(open_network(file, None, model, define, inputs))
    except UsageError as error:
        raise click.UsageError(f"{error}" + (f"; {error.help}" if error.help else "")) from None
    except SpecError as error:
        tell(error.diagnostics, color)
        return 1
    if network.graph.is_symbolic:
        raise without_sizes(network, "verified")
    text = _code(code) if code else None
    if not _installed("torch"):
        return missing_extra("verify", "torch")
    click.echo("loading torch ...", err=True)
    from archdsl import verify

    asked = tuple(word.strip() for word in only.split(",")) if only else verify.CHECKS
    if unknown := [name for name in asked if name not in verify.CHECKS]:
        raise click.UsageError(f"there is no check `{unknown[0]}`; there are {', '.join(verify.CHECKS)}")
    if not verify.has_device(device):
        raise click.UsageError(f"no {device} device is found by PyTorch here; --device cpu and meta need none")
    checks = verify.verify(network, code=text, device=device, seed=seed, only=asked)
    try:
        if format_ == "json":
            made = list(checks)
            emit(_json(network.name, file, device, made), output)
        elif output is None:
            made = list(_told(checks, color))
        else:
            made = list(checks)
            emit("".join(_lines(check, colour=False) for check in made) + _summary(made), output)
    except Unsupported as error:
        click.echo(f"archdsl: {file} cannot be written as code: {error}", err=True)
        return 1
    return 1 if not made or any(check.failed for check in made) else 0


def _told(checks: Iterable[Check], color: str) -> Iterable[Check]:
    """Print each check as it ends, and yield it."""
    colour = wants_colour(color)
    made = []
    for check in checks:
        text = _lines(check, colour=colour)
        click.echo(text, nl=False, color=colour)
        made.append(check)
        yield check
    click.echo(_summary(made), nl=False)


def _lines(check: Check, *, colour: bool) -> str:
    state = "skipped" if check.skipped else "failed" if check.failed else "passed"
    signs = SIGNS if can_encode("".join(SIGNS.values())) else PLAIN
    sign = click.style(signs[state], fg=COLOURS[state]) if colour else signs[state]
    lines = [f"  {sign} {check.name:<16} {check.summary}"]
    lines += [f"      {difference}" for difference in check.differences]
    return "\n".join(lines) + "\n"


def _summary(checks: list[Check]) -> str:
    failed, skipped = sum(c.failed for c in checks), sum(c.skipped for c in checks)
    parts = [f"{len(checks) - failed - skipped} checks passed"]
    parts += [f"{failed} failed"] if failed else []
    parts += [f"{skipped} not made"] if skipped else []
    return f"  {', '.join(parts)}\n"


def _json(model: str, file: str, device: str, checks: list[Check]) -> str:
    from archdsl.report.json import text as as_json

    rows: list[dict[str, Any]] = [
        {
            "name": check.name,
            "status": "skipped" if check.skipped else "failed" if check.failed else "passed",
            "summary": check.summary,
            "differences": list(check.differences),
        }
        for check in checks
    ]
    return as_json({"schema": "archdsl/verify@1", "source": file, "model": model, "device": device, "checks": rows})


def _installed(package: str) -> bool:
    from importlib.util import find_spec

    return find_spec(package) is not None


def _code(path: str) -> str:
    try:
        with Path(path).open("rb") as file:
            return file.read(LARGEST).decode("utf-8")
    except OSError as error:
        raise click.UsageError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise click.UsageError(f"{path} is no text in UTF-8") from None
