"""What `check` tells other programs: the shape of the log, places that are found again, and text that stays text."""

import json
from pathlib import Path
from urllib.parse import unquote

import pytest
from jsonschema import Draft202012Validator

from archdsl.diagnostics import Diagnostic, Edit, Fix, Label
from archdsl.elaborate import Library
from archdsl.pipeline import check
from archdsl.report import findings
from archdsl.report.json import diagnostic as as_json
from archdsl.rules import RULES
from archdsl.source import Source, Span

TYPO = "model M {\n  input x: [3, 8, 8]\n  output x -> a: Cnv2d(3, 1)\n}\n"


def diagnostics(text, name="net.arch"):
    return check(Library().add(Source(name, text))).diagnostics


def results(found):
    (run,) = json.loads(findings.sarif(found))["runs"]
    return run["results"]


EXAMPLES = {code: diagnostics(rule.bad) for code, rule in RULES.items()}
FOUND = [one for found in EXAMPLES.values() for one in found]


def cut(text, region):
    """Return what a region means to a reader that counts columns in units of UTF-16."""
    lines = text.split("\n")
    units = [line.encode("utf-16-le") for line in lines]
    first, last = region["startLine"] - 1, region["endLine"] - 1
    start, end = 2 * (region["startColumn"] - 1), 2 * (region["endColumn"] - 1)
    if first == last:
        return units[first][start:end].decode("utf-16-le")
    middle = [unit.decode("utf-16-le") for unit in units[first + 1 : last]]
    return "\n".join([units[first][start:].decode("utf-16-le"), *middle, units[last][:end].decode("utf-16-le")])


def test_the_examples_of_the_rules_give_something_to_report():
    assert len(FOUND) >= 20
    assert {one.severity for one in FOUND} == {"error", "warning"}


def only(required, **properties):
    """Return the schema of an object that has some properties, the first ones always, and no other."""
    return {
        "type": "object",
        "properties": properties,
        "required": required.split(),
        "additionalProperties": False,
    }


def several(items, least=0):
    return {"type": "array", "items": items, "minItems": least}


TEXT = {"type": "string", "minLength": 1}
FROM_1 = {"type": "integer", "minimum": 1}
MESSAGE = only("text", text=TEXT, markdown=TEXT)
REGION = only(
    "startLine startColumn endLine endColumn", startLine=FROM_1, startColumn=FROM_1, endLine=FROM_1, endColumn=FROM_1
)
URI = {"type": "string", "minLength": 1, "pattern": r"^[A-Za-z0-9%/._~!$&'()*+,;=@:-]+$"}
ARTIFACT = only("uri", uri=URI)
PLACE = only("artifactLocation region", artifactLocation=ARTIFACT, region=REGION)
LEVEL = {"enum": ["none", "note", "warning", "error"]}
RULE = only(
    "id name shortDescription fullDescription help defaultConfiguration",
    id=TEXT,
    name=TEXT,
    shortDescription=MESSAGE,
    fullDescription=MESSAGE,
    help=MESSAGE,
    defaultConfiguration=only("level", level=LEVEL),
)
REPLACEMENT = only("deletedRegion", deletedRegion=REGION, insertedContent=only("text", text={"type": "string"}))
CHANGE = only("artifactLocation replacements", artifactLocation=ARTIFACT, replacements=several(REPLACEMENT, 1))
RESULT = only(
    "ruleId ruleIndex level message locations partialFingerprints",
    ruleId=TEXT,
    ruleIndex={"type": "integer", "minimum": 0},
    level=LEVEL,
    message=MESSAGE,
    locations=several(only("physicalLocation", physicalLocation=PLACE), 1),
    relatedLocations=several(
        only("physicalLocation", id={"type": "integer", "minimum": 0}, physicalLocation=PLACE, message=MESSAGE)
    ),
    partialFingerprints={
        "type": "object",
        "propertyNames": {"pattern": r"/v\d+$"},
        "additionalProperties": TEXT,
        "minProperties": 1,
    },
    fixes=several(only("artifactChanges", description=MESSAGE, artifactChanges=several(CHANGE, 1)), 1),
)
INVOCATION = only("executionSuccessful", executionSuccessful={"type": "boolean"}, exitCode={"type": "integer"})
RUN = only(
    "tool results",
    tool=only("driver", driver=only("name", name=TEXT, rules=several(RULE))),
    invocations=several(INVOCATION),
    columnKind={"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
    results=several(RESULT),
)
LOG = only("version runs", version={"const": "2.1.0"}, runs=several(RUN)) | {
    "$schema": "https://json-schema.org/draft/2020-12/schema"
}
LOG["properties"]["$schema"] = {"type": "string", "format": "uri"}
"""What the standard says of the objects that are written here, and of no other.

Source: OASIS SARIF 2.1.0, 3.13, 3.14, 3.19, 3.20, 3.27, 3.29, 3.30, 3.49, 3.55 to 3.57.
"""


def test_a_sarif_log_has_what_the_standard_requires_and_nothing_it_does_not_know():
    log = json.loads(findings.sarif(FOUND, 1))
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]

    Draft202012Validator.check_schema(LOG)
    assert [error.message for error in Draft202012Validator(LOG).iter_errors(log)] == []
    assert (run["columnKind"], run["tool"]["driver"]["name"]) == ("utf16CodeUnits", "archdsl")
    assert run["invocations"] == [{"executionSuccessful": True, "exitCode": 1}]
    assert len({rule["id"] for rule in rules}) == len(rules)
    for rule in rules:
        assert rule["shortDescription"] == {"text": RULES[rule["id"]].summary}
        assert RULES[rule["id"]].why in rule["help"]["text"]
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        for location in [*result["locations"], *result.get("relatedLocations", [])]:
            region = location["physicalLocation"]["region"]
            assert (region["startLine"], region["startColumn"]) <= (region["endLine"], region["endColumn"])


# fmt: off
SPOILT = [
    ("a version",            lambda log: log.update(version="2.0.0")),
    ("a level",              lambda log: log["runs"][0]["results"][0].update(level="bad")),
    ("no message",           lambda log: log["runs"][0]["results"][0].pop("message")),
    ("a word of its own",    lambda log: log["runs"][0]["results"][0].update(layer="conv")),
    ("a line 0",             lambda log: log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["region"].update(startLine=0)),
    ("a path that is no URI", lambda log: log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"].update(uri="a b")),
]
# fmt: on


@pytest.mark.parametrize("spoil", [c[1] for c in SPOILT], ids=[c[0] for c in SPOILT])
def test_the_schema_refuses_a_log_that_is_spoilt(spoil):
    log = json.loads(findings.sarif(FOUND))
    spoil(log)

    assert not Draft202012Validator(LOG).is_valid(log)


def test_a_fix_of_several_edits_is_one_change_a_file():
    source = Source("net.arch", "model M {\n}\n")
    edits = (Edit(Span(source, 0, 5), "block"), Edit(Span(source, 6, 7), "B"))
    one = Diagnostic(RULES["E0201"], "m", Span(source, 0, 5), fix=Fix("rename", edits, safe=True))
    (result,) = results([one])
    (change,) = result["fixes"][0]["artifactChanges"]

    assert [replacement["insertedContent"]["text"] for replacement in change["replacements"]] == ["block", "B"]
    assert [edit["replacement"] for edit in as_json(one)["fixes"][0]["edits"]] == ["block", "B"]


@pytest.mark.parametrize("code", [code for code, found in EXAMPLES.items() if found])
def test_a_region_of_sarif_cuts_out_what_the_diagnostic_points_at(code):
    signs = "# 😀 é\n" + RULES[code].bad.replace("model M {", "model M { # 😀\n", 1)
    found = diagnostics(signs)

    for one, result in zip(found, results(found), strict=True):
        assert cut(signs, result["locations"][0]["physicalLocation"]["region"]) == one.span.text


def test_a_fix_of_sarif_is_the_edit():
    (result,) = results(diagnostics(TYPO))
    (change,) = result["fixes"][0]["artifactChanges"]
    (replacement,) = change["replacements"]

    assert cut(TYPO, replacement["deletedRegion"]) == "Cnv2d"
    assert replacement["insertedContent"] == {"text": "Conv2d"}


@pytest.mark.parametrize(
    ("name", "uri"),
    [
        ("nets/net.arch", "nets/net.arch"),
        ("./net.arch", "net.arch"),
        ("a b#c?%d:e.arch", "a%20b%23c%3F%25d%3Ae.arch"),
        ("é.arch", "%C3%A9.arch"),
        ("a\udcff.arch", "a%FF.arch"),
        ("<stdin>", "%3Cstdin%3E"),
    ],
)
def test_a_path_is_a_relative_uri(name, uri):
    (result,) = results(diagnostics(TYPO, name))

    assert result["locations"][0]["physicalLocation"]["artifactLocation"] == {"uri": uri}
    assert unquote(uri, errors="surrogateescape") in (name, name.removeprefix("./"))


def test_an_absolute_path_below_the_working_folder_becomes_relative(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    inside, outside = tmp_path / "nets" / "net.arch", tmp_path.parent / "net.arch"
    uris = [
        results(diagnostics(TYPO, str(path)))[0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        for path in (inside, outside)
    ]

    assert uris == ["nets/net.arch", Path(outside).as_uri()]


def prints(found):
    return [result["partialFingerprints"][findings.FINGERPRINT] for result in results(found)]


def test_a_finding_is_known_again_when_lines_are_put_above_it_or_it_is_indented():
    moved = "# a comment\n\n" + TYPO.replace("  output", "      output")

    assert prints(diagnostics(TYPO)) == prints(diagnostics(moved))
    assert prints(diagnostics(TYPO)) != prints(diagnostics(TYPO, "other.arch"))
    assert prints(diagnostics(TYPO)) != prints(diagnostics(TYPO.replace("3, 1", "3, 3")))


def test_findings_on_equal_lines_are_told_apart():
    twice = TYPO + TYPO.replace("model M", "model N")

    assert len(set(prints(diagnostics(twice)))) == 2


def strange(message, name="net.arch", text="model M {\n}\n", end=5):
    source = Source(name, text)
    return Diagnostic(
        RULES["E0201"], message, Span(source, 0, end), help="one\ntwo", related=(Label(Span(source, 0, 1)),)
    )


def test_github_is_told_one_command_a_finding_whatever_the_message_holds():
    (line,) = findings.github([strange("50 %\r\n::error::out")]).splitlines()

    assert line == (
        "::error file=net.arch,line=1,endLine=1,col=1,endColumn=6,title=E0201 unknown-layer"
        "::50 %25%0D%0A::error::out%0Ahelp: one%0Atwo"
    )


def test_github_properties_escape_what_ends_them():
    (line,) = findings.github([strange("m", name="C:\\a,b%\n::x")]).splitlines()

    assert line.startswith("::error file=C%3A\\a%2Cb%25%0A%3A%3Ax,line=1,")


def test_github_gets_no_columns_for_several_lines():
    """GitHub drops such a command without a word: actions/runner #4167."""
    (line,) = findings.github([strange("m", end=11)]).splitlines()

    assert ",line=1,endLine=2,title=" in line
    assert "col" not in line.lower().partition("::m")[0]


def test_concise_keeps_a_message_of_several_lines_on_one():
    assert findings.concise([strange("one\ntwo")]).count("\n") == 1


def test_a_related_place_without_words_has_no_message():
    (result,) = results([strange("m")])

    assert [place.keys() for place in result["relatedLocations"]] == [{"id", "physicalLocation"}]


def test_frames_are_places_of_sarif_too():
    text = (
        "block B {\n  input x: [c, h, w]\n  output x -> a: Conv2d(8, 9)\n}\n"
        "model M {\n  input x: [3, 8, 8]\n  output x -> one: B\n}\n"
    )
    (result,) = results(diagnostics(text))
    last = result["relatedLocations"][-1]

    assert last["physicalLocation"]["region"]["startLine"] == 7
    assert cut(text, last["physicalLocation"]["region"]) == "B"
    assert last["message"]["text"].startswith("in one")


def test_machine_formats_are_ascii_json_and_name_the_tool():
    checked = check(Library().add(Source("é\udcff.arch", TYPO)))
    text = findings.document([checked], checked.diagnostics)
    made = json.loads(text.encode("ascii"))

    assert findings.sarif(checked.diagnostics).isascii()
    assert (made["tool"]["name"], made["files"], made["questions"]) == ("archdsl", 1, [])
    assert made["diagnostics"][0]["path"] == "é\udcff.arch"


def test_no_findings_are_an_empty_log_and_no_lines():
    (run,) = json.loads(findings.sarif([]))["runs"]

    assert (run["results"], run["tool"]["driver"]["rules"]) == ([], [])
    assert (findings.github([]), findings.concise([])) == ("", "")
