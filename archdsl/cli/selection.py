"""Which rules a person means: codes, how codes begin, or the names of rules."""

from __future__ import annotations

from collections.abc import Callable

import click


def selection(select: tuple[str, ...], ignore: tuple[str, ...]) -> Callable[[str], bool]:
    """Return whether a code is wanted.

    Raises:
        click.UsageError: there is no such rule.
    """
    chosen, refused = (tuple(_code(word) for text in texts for word in text.split(",")) for texts in (select, ignore))
    return lambda code: (not chosen or code.startswith(chosen)) and not (refused and code.startswith(refused))


def _code(text: str) -> str:
    from difflib import get_close_matches

    from archdsl.rules import BY_NAME, RULES

    word = text.strip()
    if word.lower() in BY_NAME:
        return BY_NAME[word.lower()].code
    if word and any(code.startswith(word.upper()) for code in RULES):
        return word.upper()
    close = get_close_matches(word.lower(), BY_NAME, n=1) or get_close_matches(word.upper(), RULES, n=1)
    hint = f"did you mean `{close[0]}`?" if close else "`archdsl explain --list` shows them"
    raise click.UsageError(f"there is no rule `{word}`; {hint}")
