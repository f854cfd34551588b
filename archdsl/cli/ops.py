"""`archdsl ops`: every layer and function, or the page of some."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from archdsl.cli.common import emit, output_options
from archdsl.cli.explain import FORMATS, quoted, shown

if TYPE_CHECKING:
    from archdsl.manual.page import Page


@click.command("ops")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--format", "format_", type=click.Choice(FORMATS), default="text", show_default=True)
@output_options
def command(names: tuple[str, ...], format_: str, color: str, output: str | None) -> int:
    """Print every layer and function by family, or the pages of the layers NAME.

    A page has the signature, what each argument may be, the formulas with their source, and an example at work.

    \b
    archdsl ops
    archdsl ops Conv2d MaxPool2d
    archdsl ops Dense
    """
    from archdsl.manual.layers import catalogue
    from archdsl.report.json import text as as_json

    if not names:
        emit(shown(catalogue(), format_, color, output), output)
        return 0
    pages = list({page.title: page for page in map(_page, names)}.values())
    if format_ == "json":
        said = [{key: value for key, value in page.facts.items() if key != "schema"} for page in pages]
        emit(as_json({"schema": "archdsl/ops@1", "kind": "ops", "pages": said}), output)
    else:
        emit("\n".join(shown(page, format_, color, output) for page in pages), output)
    return 0


def _page(name: str) -> Page:
    """Return the page of a layer, by its name or by what others call it."""
    from difflib import get_close_matches

    from archdsl.manual.search import by_layer
    from archdsl.ops import OPS

    hits = by_layer(name)
    if not hits:
        known = {known.lower(): known for known in OPS}
        close = get_close_matches(name[:60].lower(), known, n=1)
        hint = f"did you mean `{known[close[0]]}`?" if close else "`archdsl ops` lists them"
        raise click.UsageError(f"there is no layer or function {quoted(name)}; {hint}")
    return hits[0].page()
