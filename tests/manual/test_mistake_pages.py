"""The pages of mistakes: every id of the catalogue has one, and a name that is none has not."""

import json

import pytest

from archdsl.cli import run
from archdsl.exam.mistakes import IDS
from archdsl.exam.pages import page_of
from archdsl.manual import text


@pytest.mark.parametrize("id", IDS)
def test_every_mistake_has_a_page_that_says_what_was_done(id, capsys):
    assert run(["explain", id.lower()]) == 0
    page = capsys.readouterr().out
    assert id in page.splitlines()[0]
    assert run(["explain", id, "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["id"] == id


def test_a_page_says_the_formula_that_was_used():
    assert "(k·k + 1)·D" in text.render(page_of("P04"), 100)


@pytest.mark.parametrize("query", ["P99", "E0305", "Conv2d", ""])
def test_what_is_no_mistake_has_no_such_page(query):
    assert page_of(query) is None
