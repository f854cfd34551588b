"""Answers of one student as plain lines: `q1.a: 64x32x32`, or with `=`."""

from __future__ import annotations

import re

from archdsl.exam.submissions.gathered import Gathered
from archdsl.exam.submissions.names import STUDENT
from archdsl.exam.texts import Text
from archdsl.rules import exam as rules
from archdsl.source import Source, Span

_LINE = re.compile(r"[ \t]*(?P<name>[^:=\n#]*?)[ \t]*[:=][ \t]*(?P<answer>[^\n]*?)[ \t]*$", re.MULTILINE)
_SILENT = re.compile(r"[ \t]*(?:#[^\n]*)?$", re.MULTILINE)
MOST_LINES = 2_000


def read(source: Source, gathered: Gathered, student: str) -> None:
    """Read the lines of one student; a line `student: s01` says who it is, if not the file's name.

    Raises:
        AnswersError: there is no end of problems.
    """
    at = 0
    whose = Text(student, Span(source, 0, 0))
    found: list[tuple[Text, Text]] = []
    while at < len(source.text) and len(found) <= MOST_LINES:
        end = source.text.find("\n", at)
        end = len(source.text) if end < 0 else end
        line = _LINE.match(source.text, at)
        if not _SILENT.match(source.text, at):
            if line is None:
                help = "write each part with its answer, as `q1.a: 1792`"
                gathered.add(rules.ANSWERS_SYNTAX, "this line answers no part", Span(source, at, end), help)
            else:
                name, answer = [Text(line[k], Span(source, *line.span(k))) for k in ("name", "answer")]
                if name.text.lower() == STUDENT:
                    whose = answer
                else:
                    found.append((name, answer))
        at = end + 1
    if len(found) > MOST_LINES:
        gathered.add(rules.ANSWERS_TOO_LARGE, f"more than {MOST_LINES:,} answers", found[-1][0].span)
    id = gathered.student(whose)
    for name, answer in found:
        part = gathered.names.find(name.text)
        if not part:
            gathered.unknown(name, gathered.names.parts, strict=True)
        elif id:
            gathered.give(id, part, answer)
