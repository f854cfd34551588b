"""The bundled topics: each draws for two hundred seeds, and shows every mistake that it is to catch."""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path

import pytest

from archdsl.exam.asks import questions
from archdsl.exam.draws import drawing
from archdsl.exam.requirements import problems_of, requirements
from archdsl.exam.sheet import Sheet
from archdsl.exam.topics import near, topic, topics
from archdsl.exam.topics.skeleton import skeleton
from archdsl.exam.variants import shared, variants
from archdsl.exam.walk import Kind

NAMES = tuple(topics())
SUBJECTS = {
    "shapes", "pooling", "parameters", "grouped", "separable", "one-by-one", "dilated", "transposed", "batchnorm",
    "inception", "residual", "unet", "receptive-field", "receptive-field-branches", "fully-connected", "macs",
    "memory", "compound-scaling",
}  # fmt: skip

by_topic = pytest.mark.parametrize("name", NAMES)


def sheet(name: str) -> Sheet:
    found = topic(name)
    assert found is not None
    return found.read()


def test_every_subject_of_the_corpus_has_a_topic():
    assert set(NAMES) == SUBJECTS


@by_topic
def test_two_hundred_seeds_draw_and_no_part_is_blind_to_what_it_catches(name):
    """In every part the right answer and the values of all mistakes that can show in it are pairwise different."""
    one = sheet(name)
    for problem in one.problems:
        groups = [row.apart for row in requirements(problem) if row.apart]
        ids = frozenset(id for group in groups for id in group)
        shows: dict[str, set[str]] = {part.id: set() for part in problem.parts}
        everywhere: dict[str, set[str]] = {}
        for seed in range(200):
            posed = drawing(problem, one.conventions, seed, "student").posed
            for part in problem.parts:
                right = posed.truth(part)
                wrong = {c.value: c.ids for c in posed.candidates(part, kinds=tuple(Kind), only=ids)}
                named = {id: {v for v, ids in wrong.items() if id in ids} for id in ids}
                assert right not in wrong
                seen = {id for id, values in named.items() if values}
                shows[part.id] |= seen
                everywhere[part.id] = everywhere.get(part.id, seen) & seen
                for group in groups:
                    for a, b in combinations([id for id in group if id in seen], 2):
                        assert not named[a] & named[b], (part.name, a, b, posed.values)
        assert everywhere == shows  # what shows in one variant shows in all
        assert all(shows.values())
        assert set().union(*shows.values()) == ids


@by_topic
def test_a_class_of_thirty_gets_many_variants(name):
    one = sheet(name)
    groups = shared(variants(one, 2026, [f"s{i}" for i in range(30)]))

    assert 30 - sum(len(group) - 1 for group in groups) >= 20


@by_topic
def test_a_topic_is_a_whole_problem(name):
    one = sheet(name)
    assert one.exam == name
    assert one.title
    for problem in one.problems:
        assert problems_of(problem) == ()
        assert 2 <= len(problem.parts) <= 5
        assert problem.draw
        assert problem.text is not None
        assert all(part.text is not None and part.marks > 0 for part in problem.parts)
        assert any(part.after for part in problem.parts) or len(problem.parts) == 2
        assert any(part.hints for part in problem.parts)
        drawn = " ".join([text.text for text in (problem.text, *(net.text for net in problem.nets.values()))])
        assert all(re.search(rf"\b{value}\b", drawn) for value in problem.draw)


@by_topic
def test_a_topic_states_the_conventions_that_its_answers_need(name):
    one = sheet(name)
    asked = {question.quantity for _, part in one.parts for question in questions(part.ask.term)}
    needed = {"params": "bias", "macs": "work", "receptive_field": "rf", "buffers": "bn", "shape": "layout"}
    drawn = {f"{quantity}" for quantity in asked if quantity in needed}

    assert {needed[quantity] for quantity in drawn} <= one.conventions.stated


def test_the_topics_are_listed_with_one_line_each():
    assert all(one.summary and "\n" not in one.summary and len(one.summary) < 80 for one in topics().values())
    assert topics()["receptive-field"].summary == "Receptive fields through strides and pools"


@pytest.mark.parametrize(
    ("written", "found"),
    [("residual", "residual"), ("One by One", "one-by-one"), ("COMPOUND_SCALING", "compound-scaling")],
)
def test_a_topic_is_found_however_it_is_written(written, found):
    one = topic(written)
    assert one is not None
    assert one.name == found


@pytest.mark.parametrize(
    ("written", "close"),
    [("residul", "residual"), ("poolng", "pooling"), ("scaling", "compound-scaling"), ("zzz", None)],
)
def test_a_topic_that_is_not_there_is_guessed(written, close):
    assert topic(written) is None
    assert near(written) == close


@by_topic
def test_a_skeleton_is_the_same_sheet_with_comments(name):
    from archdsl.exam.reading import read_text

    found = topic(name)
    assert found is not None
    text = skeleton(found)

    assert read_text(text, "s", "yaml") == found.read()
    assert [line for line in text.splitlines() if not line.lstrip().startswith("#") and line] == [
        line for line in found.text.splitlines() if not line.lstrip().startswith("#") and line
    ]
    for key in ("conventions", "draw", "require", "text", "parts", "hints"):
        (at,) = re.findall(rf"(?m)^ *#[^\n]*\n *{key}:", text)
        assert at
    assert max(map(len, text.splitlines())) < 200
    assert read_text(skeleton(found, "week-5"), "s", "yaml").exam == "week-5"
    assert read_text(skeleton(found, "week 5"), "s", "yaml").exam == name


def test_topics_are_part_of_the_package():
    import archdsl

    root = Path(archdsl.__file__).parent
    assert all((root / "exam" / "topics" / f"{name}.yaml").is_file() for name in NAMES)
