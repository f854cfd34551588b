"""What `check` found, for other programs: one line each, GitHub's commands, SARIF and JSON."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from archdsl.diagnostics import Diagnostic
from archdsl.diagnostics import concise as on_one_line
from archdsl.report.json import diagnostic as as_json
from archdsl.rules import RULES
from archdsl.source import Source, Span

if TYPE_CHECKING:
    from archdsl.pipeline import Checked

SARIF = "https://json.schemastore.org/sarif-2.1.0.json"


def concise(found: Sequence[Diagnostic]) -> str:
    """Return one line a diagnostic, as editors and grep like them."""
    return "".join(on_one_line(one) + "\n" for one in found)


def github(found: Sequence[Diagnostic]) -> str:
    """Return one workflow command a diagnostic, which GitHub shows beside the line.

    Source: GitHub's documentation of workflow commands.
    """
    return "".join(_command(one) + "\n" for one in found)


def _command(one: Diagnostic) -> str:
    source = one.span.source
    (line, column), (last_line, last_column) = source.position(one.span.start), source.position(one.span.end)
    properties = {
        "file": source.name,
        "line": line,
        "endLine": last_line,
        "col": column,
        "endColumn": last_column,
        "title": f"{one.code} {one.rule.name}",
    }
    listed = ",".join(f"{key}={_property(str(value))}" for key, value in properties.items())
    text = one.message + (f"\nhelp: {one.help}" if one.help else "")
    return f"::{one.severity} {listed}::{_data(text)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def document(checked: Sequence[Checked], found: Sequence[Diagnostic]) -> str:
    """Return files, diagnostics and the questions of `?` as JSON, `archdsl/diagnostics@1`."""
    questions = [
        {"path": one.module.source.name, "question": outcome.text}
        for one in checked
        for outcome in one.outcomes
        if outcome.holds is None
    ]
    whole = {
        "schema": "archdsl/diagnostics@1",
        "files": len(checked),
        "diagnostics": [as_json(one) for one in found],
        "questions": questions,
    }
    return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"


def sarif(found: Sequence[Diagnostic]) -> str:
    """Return a SARIF 2.1.0 log, as code scanning takes it."""
    codes = sorted({one.code for one in found})
    log = {
        "$schema": SARIF,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": {"name": "archdsl", "rules": [_rule(code) for code in codes]}},
                "columnKind": "utf16CodeUnits",
                "results": [_result(one, codes.index(one.code)) for one in found],
            }
        ],
    }
    return json.dumps(log, indent=2, ensure_ascii=False) + "\n"


def _rule(code: str) -> dict[str, Any]:
    rule = RULES[code]
    return {
        "id": code,
        "name": rule.name,
        "shortDescription": {"text": rule.summary},
        "fullDescription": {"text": rule.why},
        "defaultConfiguration": {"level": rule.severity},
    }


def _result(one: Diagnostic, index: int) -> dict[str, Any]:
    line = one.span.source.line(one.span.line).strip()
    print_ = hashlib.sha256(f"{one.code}:{one.span.source.name}:{line}".encode()).hexdigest()[:32]
    result: dict[str, Any] = {
        "ruleId": one.code,
        "ruleIndex": index,
        "level": one.severity,
        "message": {"text": one.message + (f"\nhelp: {one.help}" if one.help else "")},
        "locations": [{"physicalLocation": _location(one.span)}],
        "partialFingerprints": {"archdsl/line@1": print_},
    }
    if one.related:
        result["relatedLocations"] = [
            {"id": i, "physicalLocation": _location(label.span), "message": {"text": label.text}}
            for i, label in enumerate(one.related)
        ]
    return result


def _location(span: Span) -> dict[str, Any]:
    start, end = _utf16(span.source, span.start), _utf16(span.source, span.end)
    region = {"startLine": start[0], "startColumn": start[1], "endLine": end[0], "endColumn": end[1]}
    return {"artifactLocation": {"uri": span.source.name}, "region": region}


def _utf16(source: Source, offset: int) -> tuple[int, int]:
    """Return line and column with the column in units of UTF-16, as SARIF counts."""
    line, column = source.position(offset)
    before = source.line(line)[: column - 1]
    return line, len(before.encode("utf-16-le")) // 2 + 1
