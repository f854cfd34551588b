"""Drawn values: those that EXAM.md prints, the same everywhere, and an error where none are fit."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from hashlib import sha256
from pathlib import Path

import pytest

from archdsl.diagnostics import Diagnostic
from archdsl.exam.draws import drawing, drawn, place
from archdsl.exam.reading import read_sheet, read_text
from archdsl.exam.sheet import Problem, Sheet
from archdsl.exam.texts import SheetError
from archdsl.exam.variants import variants
from archdsl.rules.exam import DRAW_RULES

UP = Path(__file__).parent / "sheets" / "up.yaml"

# fmt: off
PRINTED = [
    # student   n   c  k  s  p   o   draws  truth          T01 T02 T03 T05   params   P01    T07   P04
    ("s01", (28, 16, 5, 3, 2, 8),    2,     (8, 82, 82),   (10, 84, 86, 85), 3208,   (3200, 3216, 208)),
    ("s02", (21, 32, 3, 2, 2, 8),    18,    (8, 39, 39),   (12, 42, 43, 41), 2312,   (2304, 2336, 80)),
    ("s03", (14, 8, 3, 2, 2, 32),    4,     (32, 25, 25),  (8, 28, 29, 27),  2336,   (2304, 2312, 320)),
]
# fmt: on


def up() -> Sheet:
    return read_sheet(UP)


@pytest.mark.parametrize("row", PRINTED, ids=lambda row: row[0])
def test_the_printed_table_is_drawn(row):
    student, values, draws, shape, sides, params, counts = row
    sheet = up()
    found = drawing(sheet.problems[0], sheet.conventions, 2026, student)
    one, two = sheet.problems[0].parts

    assert tuple(found.values.values()) == values
    assert found.attempt + 1 == draws
    assert found.code == f"2026|up1|{student}|{draws - 1}"
    assert (found.posed.truth(one), found.posed.truth(two)) == (shape, params)
    wrong = {id: c.value for part in (one, two) for c in found.posed.candidates(part) for id in c.ids}
    assert [wrong[id] for id in ("P01", "T07", "P04")] == list(counts)
    for id, side in zip(("T01", "T02", "T03", "T05"), sides, strict=True):
        (value,) = [c.value for c in found.posed.candidates(one) if id in c.ids]
        assert value == (shape[0], side, side)


def test_a_draw_is_the_first_eight_bytes_of_a_digest():
    digest = sha256(b"2026|up1|s01|1|n").hexdigest()

    assert place("2026|up1|s01|1", "n", 8) == int(digest[:16], 16) % 8


def test_a_number_and_its_text_are_one_seed():
    sheet = up()
    assert drawn(sheet.problems[0], sheet.conventions, 2026, "s02") == drawn(
        sheet.problems[0], sheet.conventions, "2026", "s02"
    )


def test_draws_do_not_depend_on_who_came_before_or_on_the_hash_seed():
    one, other = up(), up()
    students = [f"s{i:02}" for i in range(30)]
    forth = {s: drawn(one.problems[0], one.conventions, 5, s) for s in students}
    back = {s: drawn(other.problems[0], other.conventions, 5, s) for s in reversed(students)}

    assert forth == back
    code = (
        "import sys; from archdsl.exam.reading import read_sheet; from archdsl.exam.draws import drawn; "
        f"s = read_sheet({str(UP)!r}); sys.stdout.write(repr(drawn(s.problems[0], s.conventions, 5, 's07')))"
    )
    for seed in ("1", "2"):
        out = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": seed}
        )
        assert out.stdout == repr(forth["s07"])


def test_the_id_of_the_sheet_and_the_order_of_names_are_no_part_of_it():
    sheet = up()
    text = UP.read_text("utf-8").replace("exam: upsampling-quiz", "exam: another")
    lines = text.splitlines(keepends=True)
    first = next(i for i, line in enumerate(lines) if line.strip().startswith("n:"))
    lines[first], lines[first + 1] = lines[first + 1], lines[first]
    other = read_text("".join(lines), "s", "yaml")

    for student in ("s01", "s02", "s03"):
        assert dict(drawn(sheet.problems[0], sheet.conventions, 1, student)) == dict(
            drawn(other.problems[0], other.conventions, 1, student)
        )


SMALL = """
exam: s
problems:
  - id: q
    draw: {{n: [8, 9, 10, 11], p: [0, 1]}}
    require: [{}]
    net: |
      input x: [2, n, n]
      output y = x -> a: Conv2d(4, 3, padding=p)
    parts:
      - {{id: a, ask: shape(a)}}
"""


def small(*require: str) -> tuple[Sheet, Problem]:
    sheet = read_text(SMALL.format(", ".join(f"'{one}'" for one in require)), "s.yaml", "yaml")
    return sheet, sheet.problems[0]


def test_every_value_is_drawn_about_as_often_as_any_other():
    sheet, problem = small()
    counts = Counter(drawn(problem, sheet.conventions, "seed", str(i))["n"] for i in range(400))

    assert set(counts) == {8, 9, 10, 11}
    assert all(70 < count < 130 for count in counts.values())  # 100 each, give or take three deviations


def test_a_problem_without_draw_has_no_values():
    sheet = read_text("exam: s\nproblems:\n - {id: q, parts: [{id: a, ask: 2 * 3}]}", "s", "yaml")
    found = drawing(sheet.problems[0], sheet.conventions, 1, "s01")

    assert (dict(found.values), found.attempt) == ({}, 0)


def test_two_hundred_failures_name_what_rejects_most():
    sheet, problem = small("n > 8", "n > 11")
    with pytest.raises(SheetError) as caught:
        drawn(problem, sheet.conventions, 1, "s01")
    (found,) = caught.value.diagnostics

    assert found.code == "E0742"
    assert found.message == "`q` cannot be drawn: `n > 11` rejects 200 of 200 draws for s01"
    assert found.span.text == "'n > 11'"
    assert len(found.notes) == 1
    assert found.notes[0].startswith("`n > 8` rejects ")
    assert 30 < int(found.notes[0].split()[-1]) < 70  # a quarter of 200


def test_mistakes_that_can_never_be_apart_cannot_be_drawn():
    """Without padding S01 hides, and with padding 1 a kernel of 3 keeps the size, so that S08 hides."""
    sheet, problem = small("apart(S01, S02)", "apart(S08, S03)")
    with pytest.raises(SheetError) as caught:
        drawn(problem, sheet.conventions, 1, "s01")

    assert [d.code for d in caught.value.diagnostics] == ["E0742"]


def test_a_mistake_that_never_shows_is_told():
    sheet, problem = small("p == 0", "apart(S03, S01)")
    with pytest.raises(SheetError) as caught:
        drawn(problem, sheet.conventions, 1, "s01")
    (found,) = caught.value.diagnostics

    assert (found.code, found.span.text) == ("E0741", "S01")
    assert found.message == "`S01` changes the answer to no part of `q`, whatever is drawn"


def test_a_draw_for_which_a_part_has_no_answer_is_drawn_again():
    text = SMALL.format("").replace("n: [8, 9, 10, 11]", "n: [1, 9]")
    sheet = read_text(text, "s", "yaml")
    found = [drawn(sheet.problems[0], sheet.conventions, 1, str(i)) for i in range(40)]

    assert {(one["n"], one["p"]) for one in found} == {(9, 0), (9, 1), (1, 1)}  # 1 + 2 - 3 = 0, and 1 - 3 < 0


def test_a_problem_that_never_has_an_answer_tells_why():
    text = SMALL.format("").replace("n: [8, 9, 10, 11]", "n: [1, 2]").replace("p: [0, 1]", "p: [0]")
    sheet = read_text(text, "s", "yaml")
    with pytest.raises(SheetError) as caught:
        drawn(sheet.problems[0], sheet.conventions, 1, "s01")

    assert {d.code for d in caught.value.diagnostics} == {"E0303"}


def refused(*require: str) -> tuple[Diagnostic, ...]:
    """Return what is said of requirements that cannot be read, by whoever sees them first."""
    try:
        sheet, problem = small(*require)
        drawn(problem, sheet.conventions, 1, "s01")
    except SheetError as error:
        return error.diagnostics
    return ()


def test_a_requirement_that_cannot_be_read_points_into_the_sheet():
    (found,) = refused("n = 8")

    assert (found.code, found.span.text, found.span.line) == ("E0741", "=", 6)


def test_all_requirements_that_cannot_be_read_are_told_at_once():
    assert [d.span.text for d in refused("n = 8", "m < n", "n < 9")] == ["=", "m"]


def broken_by(text: str) -> set[str]:
    """Return the codes of what is wrong with a sheet that is read and drawn, options and all."""
    try:
        sheet = read_text(text, "s", "yaml")
        for one in variants(sheet, 1, ("a", "b")):
            for _, part in sheet.parts:
                one.options(part)
    except SheetError as error:
        return {d.code for d in error.diagnostics}
    return set()


@pytest.mark.parametrize("rule", DRAW_RULES.values(), ids=lambda rule: rule.name)
def test_the_bad_sheet_breaks_this_rule_and_the_good_one_none(rule):
    assert broken_by(rule.good) == set()
    assert broken_by(rule.bad) == {rule.code}
