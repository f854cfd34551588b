"""Every kind of problem, one row each. The rows are the pages that `archdsl explain` prints."""

from __future__ import annotations

from archdsl.diagnostics import Rule
from archdsl.rules import files, limits, lints, names, shapes, structure, syntax

RULES: dict[str, Rule] = {
    rule.code: rule
    for module in (syntax, names, shapes, structure, limits, files, lints)
    for rule in vars(module).values()
    if isinstance(rule, Rule)
}
"""Every rule by its code."""

BY_NAME: dict[str, Rule] = {rule.name: rule for rule in RULES.values()}
"""Every rule by its name; ops and sizes know rules by these names alone."""
