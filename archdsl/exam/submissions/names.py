"""Which part a column or a key means, and what else it can be."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping

from archdsl.diagnostics import closest
from archdsl.exam.sheet import Sheet

STUDENT, PART, ANSWER, LEFT_OUT = "student", "part", "answer", "-"

_WORDS = {
    STUDENT: (
        "student", "studentid", "studentnumber", "sid", "matriculation", "matriculationnumber", "username", "user",
        "login", "userid", "id", "idnumber", "email", "emailaddress", "mail", "name", "studentname", "fullname",
    ),
    PART: ("part", "question", "item", "partid", "questionid"),
    ANSWER: ("answer", "response", "value", "studentanswer"),
}  # fmt: skip
"""What the columns of a table are called, the surest name first."""


class Names:
    """The parts of a sheet, with the names that the caller gave to columns."""

    def __init__(self, sheet: Sheet, renamed: Mapping[str, str]) -> None:
        self.parts = tuple(part.name for _, part in sheet.parts)
        self.problems = tuple(problem.id for problem in sheet.problems)
        self._parts = frozenset(self.parts)
        self.renamed = {}
        for name, meant in renamed.items():
            if meant not in (*self._parts, STUDENT, PART, ANSWER, LEFT_OUT):
                close = closest(meant, self.parts)
                hint = f"; did you mean `{close}`?" if close else f"; there are {listed(self.parts)}"
                raise ValueError(f"the sheet has no part `{meant}`{hint}")
            self.renamed[name.strip()] = meant
        self._used: set[str] = set()
        loose = [(_loose(part.name), part.name) for _, part in sheet.parts]
        ids = [(_loose(part.id), part.name) for _, part in sheet.parts]
        self._loose = {**_unique(ids), **_unique(loose)}

    def find(self, written: str) -> str:
        """Return the part that a name means, also as `Q1.A`, `q1_a` or, where only one part has it, `a`; or nothing."""
        name = written.strip()
        if name in self.renamed:
            self._used.add(name)
            meant = self.renamed[name]
            return meant if meant in self._parts else ""
        return name if name in self._parts else self._loose.get(_loose(name), "")

    def role(self, written: str) -> str:
        """Return what a name was said to be: `student`, `part`, `answer`, `-`; or nothing."""
        name = written.strip()
        meant = self.renamed.get(name, "")
        if meant:
            self._used.add(name)
        return "" if meant in self._parts else meant

    def rank(self, written: str, role: str) -> int | None:
        """Return how sure it is that a column of this name has a role, 0 the surest; nothing where it has not."""
        if written.strip() in self.renamed:
            return -1 if self.role(written) == role else None
        words = _WORDS[role]
        loose = _loose(written)
        return words.index(loose) if loose in words else None

    def close(self, written: str, among: Iterable[str]) -> str:
        """Return the part among some that a name was probably meant for; or nothing."""
        return closest(written.strip().lower(), among) or ""

    @property
    def unused(self) -> tuple[str, ...]:
        """The names that were given to columns which no file has."""
        return tuple(name for name in self.renamed if name not in self._used)


def listed(names: Iterable[str], most: int = 12) -> str:
    """Return names with commas, the first of very many."""
    found = list(names)
    more = f" and {len(found) - most} more" if len(found) > most else ""
    return ", ".join(found[:most]) + more


def _loose(name: str) -> str:
    """Return a name without what people write differently: case, dots, spaces, brackets."""
    return re.sub(r"[\W_]+", "", name.casefold())


def _unique(pairs: list[tuple[str, str]]) -> dict[str, str]:
    counts = Counter(loose for loose, _ in pairs)
    return {loose: name for loose, name in pairs if counts[loose] == 1}
