"""Notes in Markdown that prove themselves: fenced `arch` blocks with keys in front, or with `expect` lines inside.

A block of statements is a problem: its `expect ask == value` lines are parts with their keys. A block with definitions
of its own (`model`, `test`) is a whole file of the language, and its tests say what it proves. Other blocks are prose.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import PurePath

from archdsl.exam.reading import yaml
from archdsl.exam.reading.entries import Entry, point, syntax_error
from archdsl.exam.reading.fields import ID, Fields, Findings
from archdsl.exam.reading.problems import ask_of, problem_of
from archdsl.exam.reading.sheets import head_of, twice
from archdsl.exam.sheet import Listing, Marking, Part, Problem, Sheet
from archdsl.exam.texts import SheetError, Text
from archdsl.lang.items import scan
from archdsl.rules import exam as rules
from archdsl.source import Source, Span

_FENCE = re.compile(r"(?P<indent>[ \t]*)(?P<fence>`{3,}|~{3,})[ \t]*(?P<info>[^`\n]*)$")
_HEADING = re.compile(r"[ ]{0,3}#{1,6}[ \t]+(?P<title>[^\n]*?)[ \t#]*$")
_EXPECT = re.compile(r"^[ \t]*expect\b[^\n]*$", re.MULTILINE)
_EXPECTATION = re.compile(
    r"[ \t]*expect[ \t]+(?P<ask>[^=<>!\n#]+?)[ \t]*==[ \t]*(?P<key>[^=<>!\n#]+?)[ \t]*"
    r"(?:(?<=[ \t])within[ \t]+(?P<within>\d{1,3}(?:\.\d{1,9})?)[ \t]*%[ \t]*)?(?:#[^\n]*)?$"
)
_RULE = re.compile(r"---[ \t]*$", re.MULTILINE)
_FRONT_KEYS = ("exam", "title", "conventions", "marking")


@dataclass(frozen=True, slots=True)
class _Block:
    """What stands between two fences, and the heading above it."""

    start: int
    end: int
    title: str


def read(source: Source) -> Sheet:
    """Return the sheet that notes contain.

    Raises:
        SheetError: it has errors; carries all of them.
    """
    findings = Findings()
    front = _front(source, 0, len(source.text))
    head = Sheet(_stem(source), source=source)
    if front is not None and isinstance(front[0].value, dict) and "exam" in front[0].value:
        head = head_of(Fields(_only(front[0], _FRONT_KEYS), "the front of the notes", _FRONT_KEYS, findings))
    problems: list[Problem] = []
    listings: list[Listing] = []
    for block in _blocks(source, front[1] if front else 0):
        found = _Reading(source, block, head.marking, findings, len(problems) + 1).read()
        if isinstance(found, Problem):
            problems.append(found)
        elif found is not None:
            listings.append(found)
    twice(tuple(problems), findings)
    findings.tell()
    return replace(head, problems=tuple(problems), listings=tuple(listings))


def _stem(source: Source) -> str:
    stem = re.sub(r"[^A-Za-z0-9_-]+", "-", PurePath(source.name).stem).strip("-_")[:60]
    return stem if ID.fullmatch(stem) else "notes"


def _only(entry: Entry, keys: tuple[str, ...]) -> Entry:
    """Return a mapping without the keys that are for other programs; front matter is shared with them."""
    keyed = entry.value if isinstance(entry.value, dict) else {}
    return Entry({key: value for key, value in keyed.items() if key in keys}, entry.span)


def _front(source: Source, start: int, end: int) -> tuple[Entry, int] | None:
    """Return the mapping between `---` lines at the beginning of a stretch, and where the rest begins."""
    text = source.text
    opening = _RULE.match(text, start, end)
    closing = _RULE.search(text, opening.end(), end) if opening else None
    while closing and closing.start() > 0 and text[closing.start() - 1] != "\n":
        closing = _RULE.search(text, closing.end(), end)
    if opening is None or closing is None:
        return None
    try:
        return yaml.read(source, opening.end(), closing.start()), closing.end()
    except SheetError:
        if "exam" in text[opening.end() : closing.start()]:
            raise
        return None


def _blocks(source: Source, start: int) -> Iterator[_Block]:
    """Yield the fenced `arch` blocks of Markdown; one that is not closed goes on to the end."""
    opened: tuple[str, bool, int] | None = None
    title, at = "", start
    for line in source.text[start:].split("\n"):
        behind = min(at + len(line) + 1, len(source.text))
        match = _FENCE.match(line)
        if opened is None and match:
            opened = (match["fence"], match["info"].split(" ")[0].strip("{.}").lower() == "arch", behind)
        elif opened is None and (heading := _HEADING.match(line)):
            title = heading["title"]
        elif opened and match and not match["info"].strip() and match["fence"].startswith(opened[0]):
            if opened[1]:
                yield _Block(opened[2], max(opened[2], at - 1), title)
            opened = None
        at = behind
    if opened and opened[1]:
        yield _Block(opened[2], len(source.text), title)


class _Reading:
    """Reads one block."""

    def __init__(self, source: Source, block: _Block, marking: Marking, findings: Findings, number: int) -> None:
        self.source = source
        self.block = block
        self.marking = marking
        self.findings = findings
        self.id = f"block{number}"

    def read(self) -> Problem | Listing | None:
        """Return what the block is; `None` for prose."""
        start, end = self.block.start, self.block.end
        front = _front(self.source, self._first(start, end), end)
        if front is not None:
            start = front[1]
        text = self.source.text[start:end]
        items = scan(Source(self.source.name, text)).items
        if front is None and any(item.kind == "test" for item in items):
            return self._listing(start, end)
        expectations = list(_EXPECT.finditer(self.source.text, start, end))
        if front is None and (not expectations or any(item.kind == "model" for item in items)):
            return self._listing(start, end) if expectations else None
        return self._problem(front[0] if front else None, start, end, expectations)

    def _first(self, start: int, end: int) -> int:
        """Return where the first line begins that is not blank."""
        blank = re.compile(r"(?:[ \t]*\n)*").match(self.source.text, start, end)
        return blank.end() if blank else start

    def _listing(self, start: int, end: int) -> Listing:
        blanked = re.sub(r"[^\n]", " ", self.source.text[:start]) + self.source.text[start:end]
        return Listing(Source(self.source.name, blanked), self.source.text[start:end], self.block.title)

    def _problem(self, front: Entry | None, start: int, end: int, expectations: list[re.Match[str]]) -> Problem:
        keyed = dict(front.value) if front and isinstance(front.value, dict) else {}
        if front is not None and not keyed:
            raise syntax_error("between `---` a block has keys, as `exam: q1`", point(self.source, start))
        if "exam" in keyed:
            keyed.setdefault("id", keyed.pop("exam"))
        span = Span(self.source, start, end)
        here = front.span if front else point(self.source, start)
        written = _without(self.source.text[start:end], [(m.start() - start, m.end() - start) for m in expectations])
        if written.strip() and "net" not in keyed and "nets" not in keyed:
            keyed["net"] = (here, Entry(written, span))
        if expectations or "parts" not in keyed:
            keyed.setdefault("parts", (here, Entry((), here)))
        problem = problem_of(Entry(keyed, here), self.marking, self.findings, self.id)
        problem = replace(problem, title=problem.title or self.block.title)
        parts = list(problem.parts)
        for match in expectations:
            part = self._part(match, problem, parts)
            if part is not None:
                parts.append(part)
        return replace(problem, parts=tuple(parts))

    def _part(self, match: re.Match[str], problem: Problem, earlier: list[Part]) -> Part | None:
        line = self.source.text[match.start() : match.end()]
        span = Span(self.source, match.end() - len(line.lstrip()), match.end())
        found = _EXPECTATION.match(line)
        if found is None:
            message = "an expectation in notes is `expect ask == value`"
            help = "other comparisons belong into `test` of a `model`"
            self.findings.add(rules.BAD_NOTES, message, span, help)
            return None
        ask = ask_of(self._text(match, found, "ask"), problem, self.findings)
        if ask is None:
            return None
        number = len(earlier) + 1
        known = tuple(part.id for part in earlier)
        key = self._text(match, found, "key")
        within = Fraction(found["within"]) / 100 if found["within"] else Fraction(0)
        return Part(
            id=str(number),
            name=f"{problem.id}.{number}",
            ask=ask,
            key=None if key.text == "?" else key,
            after=known,
            tolerance=within,
            marking=self.marking,
            span=span,
        )

    def _text(self, line: re.Match[str], found: re.Match[str], group: str) -> Text:
        start = line.start() + found.start(group)
        return Text(found[group], Span(self.source, start, start + len(found[group])))


def _without(text: str, stretches: list[tuple[int, int]]) -> str:
    """Return a text with some stretches blanked, so that all else keeps its place."""
    for start, end in stretches:
        text = text[:start] + " " * (end - start) + text[end:]
    return text
