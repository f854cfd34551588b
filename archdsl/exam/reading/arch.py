"""Files of the language as sheets: a `test` is a problem, its `expect` lines are the questions, `?` is a blank."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from fractions import Fraction
from pathlib import Path, PurePath

from archdsl.diagnostics import SpecError
from archdsl.elaborate import Library, Module
from archdsl.exam.asks import questions
from archdsl.exam.expectations import Expectation, Written
from archdsl.exam.nets import ModelNet
from archdsl.exam.reading.entries import too_large
from archdsl.exam.reading.fields import ID, Findings
from archdsl.exam.reading.problems import MOST_PARTS, ask_of
from archdsl.exam.sheet import Ask, Conventions, Part, Problem, Sheet
from archdsl.exam.texts import SheetError, Text
from archdsl.lang import ast
from archdsl.pipeline import network_of, ordered
from archdsl.rules import exam as rules
from archdsl.source import Source, Span

MOST_SAID = 3
"""Expectations that are no questions and are told one by one."""
LONGEST_SAID = 60
OTHERWISE = {"buffers": "a test counts the counters of batches among `buffers`, and an exam does not"}
"""Quantities that a test and an ask count differently."""


def read(source: Source, path: Path | None = None) -> Sheet:
    """Return the sheet that a file of the language is; `path` is where it lies, for what it imports.

    Raises:
        SheetError: it has errors; carries all of them.
    """
    module = Library().add(source, path)
    module.spec.parse_all()
    broken = [d for d in module.library.problems if d.severity == "error"]
    if broken:
        raise SheetError(ordered(broken))
    reading = _Reading(module)
    trees = [tree for item in module.spec.items if isinstance(tree := module.spec.parse(item), ast.Test)]
    if not trees:
        message = "the file has no `test`, so it asks nothing"
        reading.findings.add(rules.MISSING_KEY, message, Span(source, 0, 0), "write `test Net { expect params == ? }`")
    ids = _ids([tree.model for tree in trees])
    heads = [test.arguments for test in reading.written.tests()]
    problems = [reading.problem(id, tree, head) for id, tree, head in zip(ids, trees, heads, strict=True)]
    reading.findings.tell()
    found = tuple(problem for problem in problems if problem is not None and problem.parts)
    layout = Conventions(layout="CHW")  # as the language writes shapes
    return Sheet(_stem(source), "", layout, problems=found, source=source, is_light=True, remarks=reading.remarks)


def _stem(source: Source) -> str:
    return _id(PurePath(source.name).stem, "sheet")


def _ids(models: list[str]) -> list[str]:
    """Return an id for the test of each model, with a number where a model has several."""
    plain = [_id(model.lower(), "net") for model in models]
    counts = Counter(plain)
    taken = {id for id in plain if counts[id] == 1}
    found = []
    for id in plain:
        number, unique = 1, id
        while counts[id] > 1 and (unique := f"{id}-{number}") in taken:
            number += 1
        taken.add(unique)
        found.append(unique)
    return found


def _id(name: str, otherwise: str) -> str:
    """Return a name as an id, with room for a number behind it."""
    found = re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-_")[:50]
    return found if ID.fullmatch(found) else otherwise


class _Reading:
    """Reads the tests of one file."""

    def __init__(self, module: Module) -> None:
        self.module = module
        self.written = Written(module.source)
        self.networks = self.written.networks
        self.findings = Findings()
        self.left_out: list[Span] = []

    @property
    def remarks(self) -> tuple[str, ...]:
        """What is to be said of the expectations that are no questions."""
        if not self.left_out:
            return ()
        said = [f"`{_short(span)}` (line {span.line})" for span in self.left_out[:MOST_SAID]]
        more = len(self.left_out) - MOST_SAID
        listed = ", ".join(said) + (f" and {more} more" if more > 0 else "")
        return (f"left to `archdsl check`, as no exam asks it: {listed}",)

    def problem(self, id: str, tree: ast.Test, arguments: str) -> Problem | None:
        """Return the problem that a test is; `None` where it is of nothing that the file has."""
        try:
            built = network_of(self.module, tree)
        except SpecError as error:
            for diagnostic in error.diagnostics:
                self.findings.keep(diagnostic)
            return None
        span = tree.span(self.module.source)
        if len(tree.expectations) > MOST_PARTS:
            raise too_large(f"a test has at most {MOST_PARTS} expectations, and this has more", span)
        net = ModelNet("", self.networks, built, tree, arguments)
        table = Text("{{ net.table }}", Span(span.source, span.start, span.start))
        problem = Problem(id, tree.model, nets={"": net}, text=table, span=span)
        parts: list[Part] = []
        starts = [expect.start for expect in tree.expectations]
        body = self.module.source.text.rfind("}", tree.start, tree.end)
        for number, (expect, end) in enumerate(zip(tree.expectations, [*starts[1:], body], strict=False), 1):
            part = self._part(str(number), expect, end, problem)
            if part is not None:
                parts.append(replace(part, after=tuple(one.id for one in parts)))
        return replace(problem, parts=tuple(parts))

    def _part(self, id: str, expect: ast.Expect, end: int, problem: Problem) -> Part | None:
        """Return the part that an expectation is; one without a blank that no ask can say is left to `check`."""
        span = expect.span(self.module.source)
        tried = Findings()
        is_blank = any(isinstance(node, ast.Hole) for node in ast.walk(expect.value))
        found = self._compared(expect, end)
        chosen = self._chosen(found, problem, tried) if found is not None else None
        within = 0.0 if expect.within is None else expect.within
        if chosen is None or not 0 <= within <= 100 or (is_blank and found is not None and not found.is_blank):
            if is_blank:
                self._refuse(tried, span)
            else:
                self.left_out.append(span)
            return None
        ask, key = chosen
        return Part(
            id=id,
            name=f"{problem.id}.{id}",
            ask=ask,
            key=None if key.text == "?" else key,
            tolerance=Fraction(str(within)) / 100,
            span=span,
        )

    def _compared(self, expect: ast.Expect, end: int) -> Expectation | None:
        """Return both sides of a plain `==`."""
        value = expect.value
        if not isinstance(value, ast.Compare) or len(value.rest) != 1 or value.rest[0][0] != "==":
            return None
        return self.written.expectation(expect.start + len("expect"), end)

    def _chosen(self, found: Expectation, problem: Problem, tried: Findings) -> tuple[Ask, Text] | None:
        """Return the side that asks, and the other one."""
        sides = (found.right, found.left) if found.left.text == "?" else (found.left, found.right)
        for text, key in (sides, sides[::-1]):
            ask = ask_of(text, problem, kept := Findings()) if text.text != "?" else None
            if ask is not None and not kept.found and (asked := list(questions(ask.term))):
                for question in asked:
                    if question.quantity in OTHERWISE:
                        where = text.at(question.start, question.end)
                        tried.add(rules.BAD_ASK, OTHERWISE[question.quantity], where, "ask for something else")
                return (ask, key) if not tried.found else None
            tried.found = tried.found or kept.found
        return None

    def _refuse(self, tried: Findings, span: Span) -> None:
        """Report a blank that is not understood: nobody would be asked for it."""
        for diagnostic in tried.found:
            self.findings.keep(diagnostic)
        if not tried.found:
            message = "a blank stands alone on one side of `==`, and an ask on the other"
            self.findings.add(rules.BAD_ASK, message, span, 'write it as `expect params("conv1") == ?`')


def _short(span: Span) -> str:
    said = " ".join(span.text.split()).removeprefix("expect ")
    return said if len(said) <= LONGEST_SAID else f"{said[: LONGEST_SAID - 3]}..."
