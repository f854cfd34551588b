"""Every rule's page is true: its bad program breaks it and nothing else, its good one breaks nothing."""

import re

import pytest

from archdsl.elaborate import Library
from archdsl.pipeline import check
from archdsl.rules import BY_NAME, RULES
from archdsl.source import Source

SHOWN = [rule for rule in RULES.values() if rule.bad]
MADE_ELSEWHERE = {"E0502", "E0505", "E0605"}
"""Too large to be shown, or of two files: tested with the limits and the imports."""


def codes(text):
    return {d.code for d in check(Library().add(Source("net.arch", text))).diagnostics}


@pytest.mark.parametrize("rule", SHOWN, ids=lambda rule: rule.name)
def test_the_bad_program_breaks_this_rule_and_no_other(rule):
    assert codes(rule.bad) == {rule.code}


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.name)
def test_the_good_program_breaks_none(rule):
    assert codes(rule.good) == set()


def test_only_what_cannot_be_shown_has_no_bad_program():
    assert {code for code, rule in RULES.items() if not rule.bad} == MADE_ELSEWHERE


def test_codes_and_names_are_unique_and_well_formed():
    assert len(BY_NAME) == len(RULES)
    for code, rule in RULES.items():
        assert re.fullmatch(r"[EW]\d{4}", code)
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", rule.name)
        assert rule.summary == rule.summary.strip()
        assert not rule.summary.endswith(".")
        assert rule.why.endswith(".")
