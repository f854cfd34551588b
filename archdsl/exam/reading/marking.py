"""What a sheet means by its words, and how marks are shared out."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from archdsl.exam.reading.fields import Fields
from archdsl.exam.sheet import CONVENTIONS, SHARES, Conventions, Marking
from archdsl.rules import exam as rules

_MARKING = (*SHARES, "mistakes", "show_exact")
_MISTAKE = re.compile(r"[A-Z]\d\d[a-z]?", re.ASCII)


def conventions_of(fields: Fields) -> Conventions:
    """Return what a sheet says of its words; the first of each choice where it says nothing."""
    entry = fields.get("conventions")
    if entry is None:
        return Conventions()
    given = Fields(entry, "`conventions`", tuple(CONVENTIONS), fields.findings)
    chosen: dict[str, Any] = {key: given.choice(key, allowed) for key, allowed in CONVENTIONS.items()}
    said = {key: value for key, value in chosen.items() if value is not None}
    return Conventions(**said, stated=frozenset(said))


def marking_of(fields: Fields, otherwise: Marking) -> Marking:
    """Return how marks are shared, with `otherwise` for what is not said."""
    entry = fields.get("marking")
    if entry is None:
        return otherwise
    given = Fields(entry, "`marking`", _MARKING, fields.findings)
    said: dict[str, Any] = {key: share for key in SHARES if (share := given.share(key)) is not None}
    exact = given.choice("show_exact", ("never", "after_correct"))
    if exact is not None:
        said["show_exact"] = exact
    mistakes = dict(otherwise.mistakes)
    for key, (span, value) in given.pairs("mistakes").items():
        if not _MISTAKE.fullmatch(key):
            help = "ids are a letter and two digits, as in `P01`"
            fields.findings.add(rules.WRONG_VALUE, f"`{key[:40]}` is no id of a mistake", span, help)
        share = given.as_share(value, f"`{key[:40]}`")
        if share is not None:
            mistakes[key] = share
    return replace(otherwise, **said, mistakes=mistakes)
