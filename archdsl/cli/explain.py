"""`archdsl explain`: the page behind a code, a message, a layer or a corner of the language."""

from __future__ import annotations

import re
import shutil
import sys
from typing import TYPE_CHECKING, Any

import click

from archdsl.cli.common import can_encode, emit, output_options, wants_colour

if TYPE_CHECKING:
    from archdsl.manual.page import Page

FORMATS = ("text", "md", "json")
_WIDEST = 100
"""Longer lines are hard to read, however wide the terminal is."""
_STYLES: dict[str, dict[str, Any]] = {
    "title": {"bold": True},
    "heading": {"fg": "cyan", "bold": True},
    "term": {"bold": True},
}
_LONGEST = 1_000_000
_MISTAKE = re.compile(r"(?i)[acfmprst]\d\d?[bn]?")
"""What a mistake of the catalogue is called."""


@click.command("explain")
@click.argument("words", nargs=-1, metavar="CODE|WORDS|LAYER|language")
@click.option("--list", "everything", is_flag=True, help="Every code with what it is.")
@click.option("--format", "format_", type=click.Choice(FORMATS), default="text", show_default=True)
@output_options
def command(words: tuple[str, ...], everything: bool, format_: str, color: str, output: str | None) -> int:
    """Print the page behind a code, a mistake, a layer, a word of the language, or a message of another program.

    A message may be pasted with its numbers, or come through a pipe to `-`. `language` is the whole reference.

    \b
    archdsl explain E0305
    archdsl explain P04
    archdsl explain mat1 and mat2 shapes cannot be multiplied
    archdsl explain GlobalAveragePooling2D
    archdsl explain language statements
    """
    from archdsl.manual.lessons import contents
    from archdsl.manual.search import find

    query = _query(words)
    if everything:
        emit(shown(contents(), format_, color, output), output)
        return 0
    if not query:
        raise click.UsageError("say what to explain: a code, a layer, a message or `language`; --list shows every code")
    if _MISTAKE.fullmatch(query):
        from archdsl.exam.pages import page_of

        mistake = page_of(query)
        if mistake is not None:
            emit(shown(mistake, format_, color, output), output)
            return 0
    found = find(query)
    if not found.hits:
        click.echo(f"archdsl: no page is about {quoted(query)}{_meant(found.meant)}", err=True)
        click.echo("`archdsl explain --list` shows every code, `archdsl ops` every layer", err=True)
        return 1
    page = found.hits[0].page()
    others = [(hit.name, hit.summary) for hit in found.hits[1:]]
    emit(shown(_with_others(page, query, others) if others else page, format_, color, output), output)
    return 0


def shown(page: Page, format_: str, color: str, output: str | None) -> str:
    """Return a page as it was asked for."""
    from archdsl.manual import markdown, text
    from archdsl.report.json import text as as_json

    if format_ == "json":
        return as_json(dict(page.facts))
    if format_ == "md":
        return markdown.render(page)
    colour = output is None and wants_colour(color)
    width = min(shutil.get_terminal_size((text.WIDTH, 24)).columns, _WIDEST)
    made = text.render(page, width, _painted) if colour else text.render(page, width)
    return made if output is not None or can_encode(made) else text.ascii_signs(made)


def _painted(text: str, role: str) -> str:
    return click.style(text, **_STYLES.get(role, {}))


def _query(words: tuple[str, ...]) -> str:
    if words == ("-",):
        return sys.stdin.buffer.read(_LONGEST).decode("utf-8", errors="replace")
    return " ".join(words).strip()


def _with_others(page: Page, query: str, others: list[tuple[str, str]]) -> Page:
    """Return the best page with the others that may be meant at its end."""
    from dataclasses import replace

    from archdsl.manual.page import Section, Terms

    more = Section("Other pages that may be meant", (Terms(tuple((f"archdsl explain {n}", s) for n, s in others)),))
    results = [{"name": name, "summary": summary} for name, summary in others]
    facts = {**page.facts, "query": query, "others": results}
    return replace(page, sections=(*page.sections, more), facts=facts)


def quoted(query: str) -> str:
    """Return what was typed as a message shows it: its last line, cut, and without what moves the cursor."""
    line = "".join(sign if sign.isprintable() else "?" for sign in query.strip().split("\n")[-1])
    return f"`{line if len(line) <= 60 else line[:60] + '...'}`"


def _meant(names: tuple[str, ...]) -> str:
    return f"; did you mean {' or '.join(f'`{name}`' for name in names)}?" if names else ""
