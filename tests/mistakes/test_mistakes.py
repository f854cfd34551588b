"""What a student reads: the mistakes of a first week, each with its place checked and its whole text committed.

The first line of each file says which diagnostics are expected and where, written by hand: `# expect E0301 at 9:12`.
The file beside it, `.stderr`, is what is printed: `pytest --update` rewrites it, and a person reads the difference.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from archdsl.diagnostics import Diagnostic, render
from archdsl.elaborate import Library
from archdsl.pipeline import check
from archdsl.source import Source

HERE = Path(__file__).parent
FILES = sorted(HERE.glob("*.arch"))


def found(path: Path) -> tuple[Diagnostic, ...]:
    return check(Library().add(Source(path.name, path.read_text(encoding="utf-8")), path)).diagnostics


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_problems_are_those_that_the_first_line_names(path):
    first, *_ = path.read_text(encoding="utf-8").splitlines()
    expected = re.findall(r"[EW]\d{4} at \d+:\d+", first)

    assert [f"{d.code} at {d.span.line}:{d.span.column}" for d in found(path)] == expected


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_text_is_the_committed_one(path, golden):
    golden(path.with_suffix(".stderr"), "\n\n".join(map(render, found(path))) + "\n")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_text_keeps_to_the_manners(path):
    """Lower case, no full stop, no exclamation mark, no blame, nothing of the inside."""
    for problem in found(path):
        assert re.match(r"[a-z0-9`\"]", problem.message), problem.message
        for text in (problem.message, problem.help or ""):
            assert not re.search(r"[.!]$", text.removesuffix("...")), text
            ours = re.sub(r"`[^`]*`", "", text)  # what stands in backticks are the words of the spec, or to be written
            assert not re.search(r"\b(invalid|illegal|must|wrong|error|None|NoneType|object|Symbolic)\b", ours), text
        assert "Net" not in problem.message or "`" in problem.message


def test_no_golden_is_left_over():
    assert {p.stem for p in HERE.glob("*.stderr")} == {p.stem for p in FILES}
