"""Answers in YAML, TOML and JSON: of one student, by part; of a class, by student and part; or a list of students."""

from __future__ import annotations

import re

from archdsl.exam.reading import json, toml, yaml
from archdsl.exam.reading.entries import Entry, Number
from archdsl.exam.submissions.gathered import Gathered
from archdsl.exam.submissions.names import ANSWER, STUDENT, listed
from archdsl.exam.texts import Text
from archdsl.rules import exam as rules
from archdsl.source import Source, Span

Keyed = dict[str, tuple[Span, Entry]]

_READERS = {"yaml": yaml.read, "toml": toml.read, "json": json.read}
_NESTED = re.compile(r"[^\n:]+:[ \t]*\n[ \t]+\S")


def looks_like(text: str) -> bool:
    """Tell whether a text begins as a mapping of mappings does in YAML."""
    return text.startswith("---") or bool(_NESTED.match(text))


def read(source: Source, format: str, gathered: Gathered, student: str) -> None:
    """Read a file; `student` is whose it is where it does not say.

    Raises:
        AnswersError: it is no mapping of answers.
        SheetError: it is not in its format.
    """
    entry = _READERS[format](source)
    whose = Text(student, Span(source, 0, 0))
    if isinstance(entry.value, tuple):
        for item in entry.value:
            if not isinstance(item.value, dict):
                gathered.add(rules.ANSWERS_SYNTAX, f"{item.kind}, where the answers of a student should be", item.span)
            else:
                _student(item.value, None, item.span, gathered)
    elif not isinstance(entry.value, dict):
        help = "write each part with its answer, as `q1.a: 1792`"
        gathered.add(rules.ANSWERS_SYNTAX, f"{entry.kind}, and no answers", entry.span, help)
    elif "exam" in entry.value and "problems" in entry.value:
        span = entry.value["exam"][0]
        gathered.add(rules.ANSWERS_SYNTAX, "this is a sheet, and no answers to one", span, "write `q1.a: 1792`")
    elif _is_of_one(entry.value, gathered):
        _student(entry.value, whose, entry.span, gathered)
    else:
        for name, (span, value) in entry.value.items():
            if isinstance(value.value, dict):
                _student(value.value, Text(name, span), span, gathered)
            elif value.value is None:
                gathered.student(Text(name, span))  # who handed in nothing
            else:
                message = f"`{name[:60]}` is no part of the sheet, and no student with answers below"
                help = f"the parts are {listed(gathered.names.parts)}"
                gathered.add(rules.UNKNOWN_ANSWER, message, span, help)


def _is_of_one(keyed: Keyed, gathered: Gathered) -> bool:
    """Tell whether a mapping has answers of one student, rather than students."""
    names = gathered.names
    if any(key in keyed for key in (STUDENT, "answers")) or any(names.find(key) for key in keyed):
        return True
    return any(key in names.problems and isinstance(value.value, dict) for key, (_, value) in keyed.items())


def _student(keyed: Keyed, whose: Text | None, span: Span, gathered: Gathered) -> None:
    """Read the answers of one student: `student` may say who it is, `answers` may hold them."""
    if STUDENT in keyed:
        name = keyed[STUDENT][1]
        whose = Text(_scalar(name) or "", name.span)
    if whose is None:
        gathered.add(rules.NO_STUDENT, "nothing says whose answers these are", span, "write `student:` and the id")
        return
    id = gathered.student(whose)
    if id:
        _parts(keyed, "", id, gathered)


def _parts(keyed: Keyed, problem: str, id: str, gathered: Gathered) -> None:
    for key, (span, value) in keyed.items():
        inner = value.value
        if not problem and key == STUDENT:
            continue
        if not problem and key in ("answers", *gathered.names.problems) and isinstance(inner, dict):
            _parts(inner, "" if key == "answers" else key, id, gathered)
            continue
        name = f"{problem}.{key}" if problem else key
        part = gathered.names.find(name)
        if not part:
            gathered.unknown(Text(name, span), gathered.names.parts, strict=True)
            continue
        if isinstance(inner, dict) and set(inner) <= {ANSWER}:
            value = inner[ANSWER][1] if inner else Entry(None, span)
        text = _scalar(value)
        if text is None:
            help = "put it in quotes"
            gathered.add(rules.ANSWERS_SYNTAX, f"the answer to {part} is {value.kind}", value.span, help)
        else:
            gathered.give(id, part, Text(text, value.span))


def _scalar(entry: Entry, depth: int = 0) -> str | None:
    """Return a text, a number, or a list of them as an answer would be written; nothing for a mapping."""
    match entry.value:
        case None:
            return ""
        case str(text):
            return text.strip()
        case Number(text=text):
            return text
        case bool():
            return entry.span.text
        case tuple(items) if depth < 3:
            texts = [_scalar(item, depth + 1) for item in items]
            return None if None in texts else f"[{', '.join(filter(None, texts))}]"
    return None
