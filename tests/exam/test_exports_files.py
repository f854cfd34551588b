"""Markdown, Gradescope, PrairieLearn, R/exams and Anki, each read by the rules of the program that takes it."""

from __future__ import annotations

import json
import re
from html import unescape
from types import ModuleType
from uuid import UUID
from xml.etree import ElementTree

import pytest

from archdsl.exam.exports import export
from archdsl.exam.exports.prairielearn_server import SERVER
from oracles.exported import chain, hostile, lone, upsampling

SHEETS = pytest.mark.parametrize("sheet", [chain, upsampling, hostile], ids=lambda sheet: sheet.__name__)

# Markdown.


def test_the_sheet_has_no_answers_and_the_key_has_all():
    sheet, key = export(chain(), "md").files.values()

    assert all(answer not in sheet for answer in ("20,928", "32x32x32", "P01", "Which layers learn"))
    assert all(
        answer in key
        for answer in (
            "**20,928** 2,432 + 18,496 = 20,928",
            "**32x32x32**",
            "P01: ",
            "Hint 1: Which layers learn anything?",
        )
    )
    assert "| (a) = 32x60x60 (S01) | (b) = 32x30x30, (c) = 64x30x30 | (c) = 64x28x28 |" in key


def test_a_hint_that_costs_says_so():
    """A quarter of 2 marks."""
    assert "Hint 1, costs 0.5: Begin with 1" in list(export(chain(), "md").files.values())[1]


def test_markdown_of_hostile_texts_has_no_html():
    for text in export(hostile(), "md").files.values():
        outside = re.sub(r"```.*?```|`[^`]*`|\\.", "", text, flags=re.DOTALL)
        assert not re.search(r"<[A-Za-z/!]", outside)


# Gradescope.


def test_the_outline_has_the_numbers_names_and_marks_of_the_results():
    outline = json.loads(export(chain(), "gradescope").files["outline.json"])

    assert outline["max_score"] == 12
    assert [(test["number"], test["max_score"]) for test in outline["tests"]] == [
        ("q1.a", 2),
        ("q1.b", 2),
        ("q1.c", 2),
        ("q1.d", 4),
        ("q1.e", 2),
    ]
    assert outline["tests"][0]["name"] == "What leaves a"


def test_questions_are_in_the_marks_of_the_editor():
    files = export(upsampling(), "gradescope", variants=2, seed=2026).files
    text = files["upsampling-quiz-s01.md"]

    assert re.findall(r"\[____\]\((.*)\)", text) == ["=3208+-0"]
    assert re.findall(r"(?m)^\(x\) (.*)$", text) == ["8x82x82"]
    assert len(re.findall(r"(?m)^\( \) ", text)) == 4
    assert "[[Right: 3,208." in text


def test_hostile_texts_make_no_field_in_gradescope():
    text = export(hostile(), "gradescope").files["sheet.md"]

    assert len(re.findall(r"\[____\]\(", text)) == 3 + 1 + 1  # a shape, a count, a ratio
    assert len(re.findall(r"(?m)^\(x\) ", text)) == 2  # of the options, and of yes and no
    assert len(re.findall(r"\[\[", text)) == 5
    assert "<script" not in text


# R/exams.


def sections(text):
    """Return the sections of an exercise by their headings; lists are those of the section before them."""
    found, current = {}, None
    lines = text.split("\n")
    for line, below in zip(lines, [*lines[1:], ""], strict=True):
        if re.fullmatch("=+", below) and line in ("Question", "Solution", "Meta-information"):
            assert line not in found, f"{line} twice"
            current = found[line] = []
        elif re.fullmatch("-+", below) and line == "Answerlist":
            name = list(found)[-1]
            current = found[f"{name} list"] = []
        elif current is not None and not re.fullmatch("=+|-+", line):
            current.append(line)
    return {name: [line for line in lines if line] for name, lines in found.items()}


def meta(text):
    return dict(line.split(": ", 1) for line in sections(text)["Meta-information"])


@SHEETS
def test_an_exercise_is_a_cloze_whose_items_agree(sheet):
    for text in export(sheet(), "rexams", variants=2).files.values():
        assert list(sections(text)) == ["Question", "Question list", "Solution", "Solution list", "Meta-information"]
        found = meta(text)
        kinds, solutions, tolerances, points = (
            found[key].split("|") for key in ("exclozetype", "exsolution", "extol", "expoints")
        )
        assert found["extype"] == "cloze"
        assert len(kinds) == len(solutions) == len(tolerances) == len(points)
        count = sum(len(one) if kind == "schoice" else 1 for kind, one in zip(kinds, solutions, strict=True))
        assert len(sections(text)["Question list"]) == len(sections(text)["Solution list"]) == count
        assert all(one.count("1") == 1 for kind, one in zip(kinds, solutions, strict=True) if kind == "schoice")


def test_numbers_are_exact_in_r_exams():
    files = export(upsampling(), "rexams", variants=1, seed=2026).files
    found = meta(files["upsampling-quiz-up1-s01.Rmd"])

    assert found["exclozetype"] == "schoice|num"
    assert found["exsolution"].split("|")[1] == "3208"
    assert found["extol"] == "0|0"


def test_nothing_in_an_exercise_is_run():
    """Knitr runs what stands in backticks; R/exams puts fields in place of its tags, and reads lines that begin so."""
    (text,) = export(hostile(), "rexams").files.values()

    assert "`" not in text
    assert "##" not in text
    assert "<script" not in text
    assert "\\" not in text
    assert len(re.findall("(?m)^(?:Question|Solution|Meta-information)", text)) == 3
    assert len(re.findall("(?m)^Answerlist", text)) == 2
    assert len(re.findall("(?m)^ex[a-z]+:", text)) == 7


# PrairieLearn.


def question(sheet, **options):
    files = export(sheet, "prairielearn", **options).files
    return {path.rsplit("/", 1)[1]: text for path, text in files.items()}


class Running:
    """The program of a question, run as PrairieLearn does."""

    def __init__(self, files, folder, seed=0):
        (folder / "variants.json").write_text(files["variants.json"], encoding="utf-8")
        self.program = ModuleType("server")
        exec(compile(files["server.py"], "server.py", "exec"), self.program.__dict__)
        self.data = {"params": {}, "correct_answers": {}, "submitted_answers": {}, "partial_scores": {}, "score": 0}
        self.data |= {"options": {"question_path": str(folder)}, "variant_seed": seed}
        self.program.generate(self.data)
        self.weights = dict(re.findall(r'answers-name="(\w+)"[^>]* weight="(\d+)"', files["question.html"]))

    def graded(self, **answers):
        """Return the data after the elements have graded numbers, and the program after them."""
        self.data["submitted_answers"] = answers
        self.data["partial_scores"] = {
            name: {"score": float(answers.get(name) == right), "weight": int(self.weights[name])}
            for name, right in self.data["correct_answers"].items()
        }
        self.program.grade(self.data)
        return self.data


RIGHT = {"part1_1": 32, "part1_2": 64, "part1_3": 64, "part2_1": 32, "part2_2": 32, "part2_3": 32,
         "part3_1": 64, "part3_2": 32, "part3_3": 32, "part4": 20928, "part5": 10}  # fmt: skip


def test_the_right_answers_earn_all(tmp_path):
    running = Running(question(chain()), tmp_path)

    assert running.data["correct_answers"] == RIGHT
    assert running.graded(**RIGHT)["score"] == 1


def test_a_wrong_value_is_told_and_earns_its_share(tmp_path):
    """20,832 leaves out the biases, which earns half of 4 marks; the other 8 of 12 are right."""
    data = Running(question(chain()), tmp_path).graded(**RIGHT | {"part4": 20832})

    assert data["partial_scores"]["part4"]["score"] == 0.5
    assert data["partial_scores"]["part4"]["feedback"].startswith("P01: ")
    assert data["score"] == pytest.approx(10 / 12)


def test_what_follows_from_an_earlier_mistake_earns_all(tmp_path):
    """60 in (a) is wrong as a whole; 30 in (b) and in (c) follows from it."""
    wrong = {"part1_2": 60, "part1_3": 60, "part2_2": 30, "part2_3": 30, "part3_2": 30, "part3_3": 30}
    data = Running(question(chain()), tmp_path).graded(**RIGHT | wrong)

    assert data["partial_scores"]["part1_1"]["score"] == 0  # a shape is marked as a whole
    assert data["partial_scores"]["part2_2"] == {
        "score": 1.0,
        "weight": int(Running(question(chain()), tmp_path).weights["part2_2"]),
    }
    assert data["partial_scores"]["part2_1"]["feedback"] == "follows from your (a)"
    assert data["score"] == pytest.approx(10 / 12)


def test_what_would_follow_from_a_mistake_that_was_not_made_is_told_by_its_own(tmp_path):
    data = Running(question(chain()), tmp_path).graded(**RIGHT | {"part3_2": 30, "part3_3": 30})

    assert data["partial_scores"]["part3_1"]["feedback"].startswith("S02: ")
    assert data["score"] == pytest.approx(10 / 12)


@pytest.mark.parametrize("given", [None, "", "abc", {"_value": "x"}, {}, [], "nan"])
def test_what_is_no_number_stops_nothing(tmp_path, given):
    data = Running(question(chain()), tmp_path).graded(**RIGHT | {"part4": given})

    assert data["score"] == pytest.approx(8 / 12)


def test_every_variant_can_be_drawn(tmp_path):
    files = question(upsampling(), variants=3, seed=2026)
    drawn = [Running(files, tmp_path, seed).data for seed in (0, 1, 2, 3)]

    assert [data["correct_answers"] for data in drawn] == [
        {"part2": 3208},
        {"part2": 2312},
        {"part2": 2336},
        {"part2": 3208},
    ]
    assert [o["html"] for o in drawn[0]["params"]["part1_options"] if o["correct"] == "true"] == ["8x82x82"]


@SHEETS
def test_a_question_is_described_and_its_page_is_well_formed(sheet):
    files = question(sheet())
    info = json.loads(files["info.json"])

    assert set(info) == {"uuid", "title", "topic", "tags", "type", "singleVariant"}
    assert info["type"] == "v3"
    assert str(UUID(info["uuid"])) == info["uuid"]
    assert UUID(info["uuid"]).version == 5
    filled = re.sub(r"\{\{\{?[#/]?[\w.]+\}?\}\}", "", files["question.html"])
    page = ElementTree.fromstring(f"<page>{filled}</page>")
    kinds = {element.tag for element in page.iter()}
    assert kinds <= {
        "page",
        "details",
        "summary",
        "pl-question-panel",
        "pl-integer-input",
        "pl-number-input",
        "pl-multiple-choice",
        "pl-answer",
        "pl-answer-panel",
    }
    named = [e.get("answers-name") for e in page.iter() if e.get("answers-name")]
    assert len(named) == len(set(named))
    for variant in json.loads(files["variants.json"]):
        assert set(variant["correct_answers"]) == {
            e.get("answers-name") for e in page.iter() if e.tag.endswith("-input")
        }


def test_the_id_is_made_from_what_the_question_holds():
    ids = [json.loads(question(upsampling(), seed=seed)["info.json"])["uuid"] for seed in (1, 1, 2)]

    assert ids[0] == ids[1] != ids[2]


def test_no_text_becomes_python_or_a_place_to_fill():
    files = question(hostile())

    assert files["server.py"] == SERVER == question(chain())["server.py"]
    assert "alert" not in files["question.html"]
    for variant in json.loads(files["variants.json"]):
        for text in _strings(variant):
            assert "{" not in text
            assert "<script" not in text
            assert "<pl-" not in text


def _strings(value):
    if isinstance(value, dict):
        return [text for one in value.values() for text in _strings(one)]
    if isinstance(value, list):
        return [text for one in value for text in _strings(one)]
    return [value] if isinstance(value, str) else []


# Anki.


@SHEETS
def test_notes_are_rows_of_four_columns(sheet):
    (text,) = export(sheet(), "anki", variants=2).files.values()
    head, rows = list(text.split("\n")[:6]), text.split("\n")[6:-1]

    assert [line.split(":")[0] for line in head] == [
        "#separator",
        "#html",
        "#notetype",
        "#deck",
        "#guid column",
        "#tags column",
    ]
    assert rows
    assert all(row.count("\t") == 3 and re.match("[0-9a-f]{20}\t<", row) for row in rows)
    assert len({row.split("\t")[0] for row in rows}) == len(rows)
    for row in rows:
        for field in row.split("\t")[1:3]:
            ElementTree.fromstring(f"<field>{field}</field>")
            assert "[" not in field
            assert "<script" not in field
            assert not field.startswith('"')


def test_a_note_has_the_answer_what_mistakes_give_and_the_hints_on_the_back():
    (text,) = export(upsampling(), "anki", seed=2026).files.values()
    shape, params = (row.split("\t") for row in text.split("\n")[6:-1])

    assert "28 by 28" in shape[1]
    assert "8x82x82" in shape[1]
    assert "It undoes" not in shape[1]
    assert shape[2].startswith("<p><strong>8x82x82</strong></p>")
    assert "It undoes the size change" in shape[2]
    assert "3,208" in params[2]
    assert "3,200: P01: " in unescape(params[2])


def test_lines_of_code_stay_lines_in_anki():
    (text,) = export(lone("params(conv)", text="Look:\n\n```\na\nb\n```"), "anki").files.values()

    assert "<pre>a<br>b</pre>" in text.replace("<br/>", "<br>")
