"""Every rule is a page: its bad program breaks that rule and no other, its good program breaks none."""

from __future__ import annotations

import re

import pytest

from archdsl.elaborate import Library
from archdsl.pipeline import Checked, check, read
from archdsl.rules import BY_NAME, RULES, files, limits, lints, names, shapes, structure, syntax
from archdsl.source import Source

MODULES = (syntax, names, shapes, structure, limits, files, lints)
GENERATED = {"E0502", "E0505", "E0605"}
"""Their bad programs are too large to print, or are several files."""


def checked(text: str) -> Checked:
    return check(Library().add(Source("page.arch", text)))


def codes(text: str) -> list[str]:
    return [d.code for d in checked(text).diagnostics]


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.name)
def test_the_good_example_breaks_no_rule(rule):
    result = checked(rule.good)

    assert result.diagnostics == ()
    assert result.models == 1


@pytest.mark.parametrize("rule", [r for r in RULES.values() if r.code not in GENERATED], ids=lambda rule: rule.name)
def test_the_bad_example_breaks_this_rule_and_no_other_of_its_kind(rule):
    found = {d.rule for d in checked(rule.bad).diagnostics}

    assert {r for r in found if r.severity == rule.severity} == {rule}
    assert rule.severity == "error" or found == {rule}


def test_the_rules_without_a_bad_example_are_those_tested_below():
    assert {code for code, rule in RULES.items() if not rule.bad} == GENERATED


def test_a_file_of_more_than_a_million_characters_is_too_large():
    good = limits.FILE_TOO_LARGE.good
    room = 1_000_000 - len(good)

    assert codes(good + "#" * room) == []
    assert codes(good + "#" * (room + 1)) == ["E0502"]


def test_a_network_that_doubles_sixty_times_is_too_many_layers():
    definitions = "".join(f"seq B{i} = B{i + 1} -> B{i + 1}\n" for i in range(60))
    text = definitions + "seq B60 = Tanh\nmodel M {\n  input x: [3, 8, 8]\n  output x -> b: B0\n}\n"

    assert codes(text) == ["E0505"]


def test_two_files_that_import_each_other_are_a_loop(tmp_path):
    (tmp_path / "a.arch").write_text("from b import B\nseq A = ReLU\n", encoding="utf-8")
    (tmp_path / "b.arch").write_text("from a import A\nseq B = ReLU\n", encoding="utf-8")

    found = check(read(tmp_path / "a.arch", "a.arch")).diagnostics

    assert [(d.code, d.span.source.name, d.span.text) for d in found] == [("E0605", "b.arch", "from a import A")]


def test_codes_and_names_belong_to_one_rule_each():
    rules = [value for module in MODULES for value in vars(module).values() if type(value).__name__ == "Rule"]

    assert len(rules) == len(RULES) == len(BY_NAME)
    assert len({rule.summary for rule in rules}) == len(rules)


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.name)
def test_a_page_is_written_as_the_others(rule):
    assert re.fullmatch(r"[EW]0[1-7]\d\d", rule.code)
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", rule.name)
    assert re.fullmatch(r"[^A-Z].*[^.!]", rule.summary)
    assert re.fullmatch(r"(?s)[A-Z`].*\.", rule.why)


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__.rpartition(".")[2])
def test_a_room_of_rules_says_what_they_are_about(module):
    assert re.match(r"[A-Z].*\.", module.__doc__)
