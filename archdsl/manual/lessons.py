"""The page of a rule: the mistake, what is said of it, how it is mended, and what other programs call it."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from archdsl.diagnostics import Diagnostic, Rule, render
from archdsl.elaborate import Library
from archdsl.manual.page import Code, Page, Points, Prose, Section, Table, code
from archdsl.pipeline import check
from archdsl.rules import RULES
from archdsl.rules.exam import EXAM_RULES
from archdsl.source import Source

SCHEMA = "archdsl/explain@1"
_WRONG = "wrong.arch"


def lesson(rule: Rule) -> Page:
    """Return the page of a rule. What its wrong program gives is found by checking that program."""
    found = diagnostic(rule)
    sections = [
        *([Section("What `archdsl check` says of the wrong one", (code(render(found), "", "text"),))] if found else []),
        *([Section("Usual causes, and their cure", (Points(rule.causes, numbered=True),))] if rule.causes else []),
        *(
            Section(f"In {who} this appears as", (Points(messages, verbatim=True),))
            for who, messages in rule.elsewhere.items()
        ),
        *([Section("See also", (Points(tuple(map(reference, rule.see))),))] if rule.see else []),
    ]
    blocks = (Prose(f"{rule.summary[0].upper()}{rule.summary[1:]}."), Prose(rule.why), *_programs(rule))
    return Page(f"{rule.code}  {rule.name}", rule.severity, blocks, tuple(sections), facts(rule, found))


def _programs(rule: Rule) -> tuple[Code | Prose, ...]:
    """Return both programs beside each other; a wrong one that cannot be printed is told in words."""
    if rule.in_words:
        return Prose(f"Wrong is {rule.in_words}."), code(rule.good, "Right")
    return (Code((("Wrong", rule.bad.rstrip("\n")), ("Right", rule.good.rstrip("\n")))),)


@cache
def diagnostic(rule: Rule) -> Diagnostic | None:
    """Return what the wrong program of a rule gives; `None` for the few that cannot be printed, and for sheets."""
    if rule.in_words or rule.code not in RULES:
        return None
    found = check(Library().add(Source(_WRONG, rule.bad))).diagnostics
    return next((d for d in found if d.rule is rule), None)


def reference(name: str) -> str:
    """Return how one page names another: with what it is about, and the command that shows it."""
    if name in RULES:
        return f"`{name}`: {RULES[name].summary}"
    return f"`archdsl explain {name}`"


def facts(rule: Rule, found: Diagnostic | None) -> dict[str, object]:
    """Return the page as a machine reads it."""
    return {
        "schema": SCHEMA,
        "kind": "rule",
        "code": rule.code,
        "name": rule.name,
        "severity": rule.severity,
        "summary": rule.summary,
        "why": rule.why,
        "wrong": rule.in_words or rule.bad,
        "wrong_is_program": not rule.in_words,
        "right": rule.good,
        "diagnostic": render(found) if found else None,
        "causes": list(rule.causes),
        "elsewhere": {who: list(messages) for who, messages in rule.elsewhere.items()},
        "see": list(rule.see),
    }


def contents(rules: Iterable[Rule] = (*RULES.values(), *EXAM_RULES.values())) -> Page:
    """Return the page that lists rules with what they are about."""
    listed = list(rules)
    rows = tuple((rule.code, rule.name, rule.summary) for rule in listed)
    errors = sum(rule.severity == "error" for rule in listed)
    lead = f"{errors} errors and {len(listed) - errors} lints; `archdsl explain CODE` shows the page of one."
    said = [{"code": r.code, "name": r.name, "severity": r.severity, "summary": r.summary} for r in listed]
    page = Table(("Code", "Name", "What it is"), rows)
    return Page("Every code", "", (Prose(lead), page), (), {"schema": SCHEMA, "kind": "list", "rules": said})
