"""What `check` found, for other programs: one line each, GitHub's commands, SARIF and JSON."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from archdsl.diagnostics import Diagnostic, Fix, Label
from archdsl.diagnostics import concise as on_one_line
from archdsl.report.json import TOOL, text
from archdsl.report.json import diagnostic as as_json
from archdsl.rules import RULES
from archdsl.source import Source, Span

if TYPE_CHECKING:
    from archdsl.pipeline import Checked

SARIF = "https://json.schemastore.org/sarif-2.1.0.json"
FINGERPRINT = "archdsl/line/v1"
SCHEMA = "archdsl/diagnostics@1"


def concise(found: Sequence[Diagnostic]) -> str:
    """Return one line a diagnostic, as editors and grep like them."""
    return "".join(" ".join(on_one_line(one).splitlines()) + "\n" for one in found)


def github(found: Sequence[Diagnostic]) -> str:
    """Return one workflow command a diagnostic, which GitHub shows beside the line.

    Source: GitHub's documentation of workflow commands; actions/runner #4167 for places over several lines, which
    are not shown at all where columns are given.
    """
    return "".join(_command(one) + "\n" for one in found)


def _command(one: Diagnostic) -> str:
    source = one.span.source
    (line, column), (last_line, last_column) = source.position(one.span.start), source.position(one.span.end)
    columns = {"col": column, "endColumn": last_column} if line == last_line else {}
    properties = {
        "file": source.name,
        "line": line,
        "endLine": last_line,
        **columns,
        "title": f"{one.code} {one.rule.name}",
    }
    listed = ",".join(f"{key}={_property(str(value))}" for key, value in properties.items())
    return f"::{one.severity} {listed}::{_data(_said(one))}"


def _said(one: Diagnostic) -> str:
    also = [f"and in {', '.join(one.also)}"] if one.also else []
    helped = [f"help: {one.help}"] if one.help else []
    return "\n".join([one.message, *also, *(f"note: {note}" for note in one.notes), *helped])


def _data(said: str) -> str:
    return said.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(said: str) -> str:
    return _data(said).replace(":", "%3A").replace(",", "%2C")


def counts(found: Sequence[Diagnostic]) -> list[tuple[str, str, int]]:
    """Return code, name and number of each rule that is broken, the most frequent first."""
    numbers = Counter(one.code for one in found)
    return [(code, RULES[code].name, n) for code, n in sorted(numbers.items(), key=lambda pair: (-pair[1], pair[0]))]


def lines(found: Sequence[Diagnostic]) -> str:
    """Return a JSON object a line, each a diagnostic of `archdsl/diagnostics@1`."""
    return "".join(json.dumps({"schema": SCHEMA} | as_json(one)) + "\n" for one in found)


def document(checked: Sequence[Checked], found: Sequence[Diagnostic], *, statistics: bool = False) -> str:
    """Return files, diagnostics and the questions of `?` as JSON, `archdsl/diagnostics@1`."""
    questions = [
        {"path": one.module.source.name, "question": outcome.text}
        for one in checked
        for outcome in one.outcomes
        if outcome.holds is None
    ]
    whole: dict[str, Any] = {
        "schema": SCHEMA,
        "tool": TOOL,
        "files": len(checked),
        "diagnostics": [as_json(one) for one in found],
        "questions": questions,
    }
    if statistics:
        whole["statistics"] = [{"code": code, "rule": name, "count": n} for code, name, n in counts(found)]
    return text(whole)


def sarif(found: Sequence[Diagnostic], exit_code: int = 0) -> str:
    """Return a SARIF 2.1.0 log, as code scanning takes it, of a run that ends with an exit code."""
    codes = sorted({one.code for one in found})
    results = [_result(one, codes.index(one.code)) for one in found]
    _number(results)
    log = {
        "$schema": SARIF,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": TOOL | {"rules": [_rule(code) for code in codes]}},
                "invocations": [{"executionSuccessful": True, "exitCode": exit_code}],
                "columnKind": "utf16CodeUnits",
                "results": results,
            }
        ],
    }
    return text(log)


def _rule(code: str) -> dict[str, Any]:
    rule = RULES[code]
    return {
        "id": code,
        "name": rule.name,
        "shortDescription": {"text": rule.summary},
        "fullDescription": {"text": rule.why},
        "help": {
            "text": f"{rule.why}\n\nWrong:\n{rule.bad}\nRight:\n{rule.good}",
            "markdown": f"{rule.why}\n\nWrong:\n```\n{rule.bad}```\nRight:\n```\n{rule.good}```\n",
        },
        "defaultConfiguration": {"level": rule.severity},
    }


def _result(one: Diagnostic, index: int) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": one.code,
        "ruleIndex": index,
        "level": one.severity,
        "message": {"text": _said(one)},
        "locations": [{"physicalLocation": _location(one.span)}],
        "partialFingerprints": {FINGERPRINT: _fingerprint(one)},
    }
    labels = [*one.related, *(Label(frame.span, f"in {frame.text}") for frame in one.frames)]
    if labels:
        result["relatedLocations"] = [
            {"id": i, "physicalLocation": _location(label.span)}
            | ({"message": {"text": label.text}} if label.text else {})
            for i, label in enumerate(labels)
        ]
    if one.fix:
        result["fixes"] = [_fix(one.fix)]
    return result


def _fingerprint(one: Diagnostic) -> str:
    """Return what a finding is known by when lines above it come and go: its code, file and line of text."""
    line = one.span.source.line(one.span.line).strip()
    known_by = f"{one.code}:{_uri(one.span.source.name)}:{line}"
    return hashlib.sha256(known_by.encode(errors="surrogatepass")).hexdigest()[:32]


def _number(results: list[dict[str, Any]]) -> None:
    """Number findings of one fingerprint, since code scanning shows equal ones once."""
    seen: Counter[str] = Counter()
    for result in results:
        prints = result["partialFingerprints"]
        seen[prints[FINGERPRINT]] += 1
        prints[FINGERPRINT] += f":{seen[prints[FINGERPRINT]]}"


def _fix(fix: Fix) -> dict[str, Any]:
    changes: dict[str, dict[str, Any]] = {}
    for edit in fix.edits:
        place = _location(edit.span)
        known = changes.setdefault(
            edit.span.source.name, {"artifactLocation": place["artifactLocation"], "replacements": []}
        )
        known["replacements"].append({"deletedRegion": place["region"], "insertedContent": {"text": edit.replacement}})
    return {"description": {"text": fix.title}, "artifactChanges": list(changes.values())}


def _location(span: Span) -> dict[str, Any]:
    start, end = _utf16(span.source, span.start), _utf16(span.source, span.end)
    region = {"startLine": start[0], "startColumn": start[1], "endLine": end[0], "endColumn": end[1]}
    return {"artifactLocation": {"uri": _uri(span.source.name)}, "region": region}


def _uri(name: str) -> str:
    """Return a path as a URI, relative where it lies below the working folder."""
    path = Path(name)
    if path.is_absolute():
        if not path.is_relative_to(Path.cwd()):
            return path.as_uri()
        path = path.relative_to(Path.cwd())
    return quote(path.as_posix(), errors="surrogateescape")


def _utf16(source: Source, offset: int) -> tuple[int, int]:
    """Return line and column with the column in units of UTF-16, as SARIF counts."""
    line, column = source.position(offset)
    before = source.line(line)[: column - 1]
    return line, len(before.encode("utf-16-le", "surrogatepass")) // 2 + 1
