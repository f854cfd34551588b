"""A whole sheet of worked solutions in one format: titles, and under each problem its parts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from archdsl.exam.solutions import as_latex, as_markdown, as_text
from archdsl.exam.solutions.as_html import as_html
from archdsl.exam.solutions.blocks import blocks
from archdsl.exam.solutions.escapes import latex, markdown
from archdsl.exam.solutions.records import Solution


@dataclass(frozen=True, slots=True)
class Worked:
    """A problem with the solutions of its parts; `values` says what was drawn for it."""

    id: str
    title: str
    solutions: tuple[Solution, ...]
    values: str = ""

    @property
    def heading(self) -> str:
        """The id, the title and the drawn values."""
        return "  ".join(filter(None, (self.id, self.title, f"({self.values})" if self.values else "")))


def document(title: str, problems: Sequence[Worked], to: str, *, brief: bool) -> str:
    """Return worked solutions as `text`, `md`, `latex` or `html`; a title is left out where it is empty."""
    return _DOCUMENTS[to](title, [problem for problem in problems if problem.solutions], brief) + "\n"


def _text(title: str, problems: Sequence[Worked], brief: bool) -> str:
    parts = [title] if title else []
    for problem in problems:
        gap = "\n" if brief else "\n\n"
        parts.append(f"{problem.heading}{gap}{as_text.solutions(problem.solutions, brief=brief)}")
    return "\n\n".join(parts)


def _markdown(title: str, problems: Sequence[Worked], brief: bool) -> str:
    parts = [f"# {markdown(title)}"] if title else []
    for problem in problems:
        parts += [f"## {markdown(problem.heading)}", as_markdown.solutions(problem.solutions, brief=brief)]
    return "\n\n".join(parts)


def _latex(title: str, problems: Sequence[Worked], brief: bool) -> str:
    parts = [as_latex.PREAMBLE, *([rf"\section*{{{latex(title)}}}"] if title else [])]
    for problem in problems:
        parts += [rf"\subsection*{{{latex(problem.heading)}}}", as_latex.solutions(problem.solutions, brief=brief)]
    return "\n\n".join(parts)


def _html(title: str, problems: Sequence[Worked], brief: bool) -> str:
    return as_html(blocks(_markdown(title, problems, brief)))


_DOCUMENTS: dict[str, Callable[[str, Sequence[Worked], bool], str]] = {
    "text": _text, "md": _markdown, "latex": _latex, "html": _html,
}  # fmt: skip
