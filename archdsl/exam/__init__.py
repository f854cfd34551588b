"""Exam problems about networks: sheets, their truth, the mistakes behind wrong answers, and what is made of them.

    >>> import archdsl.exam
    >>> sheet = archdsl.exam.load("sheet.yaml")
    >>> archdsl.exam.check("q1.a", (32, 60, 60))  # of the sheet that was loaded last
    q1.a  (32, 60, 60)  0/2  mistake: you would get this if you forgot the padding (S01)

Names are loaded on first use, so that importing the package costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from archdsl.exam.api import Checked, Exam, Graded, Question, Solved, check, grade, lint, load, problems, solve

_NAMES = ("Checked", "Exam", "Graded", "Question", "Solved", "check", "grade", "lint", "load", "problems", "solve")

__all__ = [
    "Checked",
    "Exam",
    "Graded",
    "Question",
    "Solved",
    "check",
    "grade",
    "lint",
    "load",
    "problems",
    "solve",
]


def __getattr__(name: str) -> Any:
    """Load a public name, the first time that somebody asks for it."""
    if name not in _NAMES:
        raise AttributeError(f"module 'archdsl.exam' has no attribute {name!r}")
    value = getattr(import_module("archdsl.exam.api"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
