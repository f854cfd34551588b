"""Worked solutions of the published problems: each ends at the published answer, in every format."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from archdsl.exam.posed import Posed
from archdsl.exam.reading import read_text
from archdsl.exam.solution import Bench, Solution, solve
from archdsl.exam.solutions.document import Worked, document
from oracles.exam_problems import Problem, problems

PUBLISHED = problems()


def solutions(problem: Problem) -> list[Solution]:
    asks = [f"{problem.quantity}({label})" if label else problem.quantity for label in problem.labels]
    sheet = read_text(
        json.dumps(
            {
                "exam": "published",
                "problems": [
                    {
                        "id": "q",
                        "net": problem.text,
                        "parts": [{"id": f"p{i}", "ask": ask} for i, ask in enumerate(asks)],
                    }
                ],
            }
        ),
        "s.json",
        "json",
    )
    (posed,) = sheet.problems
    bench = Bench(Posed(posed, sheet.conventions))
    return [solve(bench, part) for part in posed.parts]


def value(text: str) -> Any:
    """Return what an answer means; the side of a square field is one number."""
    return tuple(int(size) for size in text.split("x")) if "x" in text else int(text.replace(",", ""))


def plain(answer: Any) -> Any:
    """Return a shape of one number as that number."""
    return answer[0] if isinstance(answer, tuple) and len(answer) == 1 else answer


def last(solution: Solution) -> str:
    """Return the number at the end of the working: a total, the last row, the last result."""
    piece = solution.derivation.pieces[-1]
    if piece.total:
        return piece.total
    if piece.table is not None:
        return (piece.table.total or piece.table.rows[-1])[-1]
    return piece.lines[-1].result if piece.lines else "0"


@pytest.mark.parametrize("problem", PUBLISHED, ids=[p.id for p in PUBLISHED])
def test_the_solution_of_a_published_problem_is_the_published_answer(problem):
    assert [value(one.answer) for one in solutions(problem)] == [plain(answer) for answer in problem.answers]


@pytest.mark.parametrize("problem", PUBLISHED, ids=[p.id for p in PUBLISHED])
def test_the_working_of_a_published_problem_ends_at_its_answer(problem):
    for one, answer in zip(solutions(problem), problem.answers, strict=True):
        if problem.quantity == "receptive_field":
            field = one.derivation.pieces[-1].table.rows[-1][5]
            assert re.findall(r"\d+", field)[-1] == str(answer)
        elif problem.quantity != "shape":
            assert value(last(one)) == answer
        else:
            said = " ".join([*one.derivation.pieces[-1].notes, last(one)])
            assert "×".join(map(str, answer)) in said


@pytest.mark.parametrize("to", ["text", "md", "latex"])
def test_every_published_problem_is_laid_out_in_every_format(to):
    for problem in PUBLISHED:
        found = tuple(solutions(problem))
        for brief in (False, True):
            text = document("", [Worked("q", problem.id, found)], to, brief=brief)
            assert all(one.answer in text for one in found)
            if to == "latex":
                assert text.count("{") == text.count("}")
                assert re.findall(r"\\begin\{(\w+)\}", text) == re.findall(r"\\end\{(\w+)\}", text)
