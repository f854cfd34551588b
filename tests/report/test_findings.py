"""What `check` tells other programs: the shape of the log, places that are found again, and text that stays text."""

import json
import re
from pathlib import Path
from urllib.parse import unquote

import pytest

from archdsl.diagnostics import Diagnostic, Label
from archdsl.elaborate import Library
from archdsl.pipeline import check
from archdsl.report import findings
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


def test_a_sarif_log_has_what_the_standard_requires_and_nothing_it_does_not_know():
    """Source: OASIS SARIF 2.1.0, 3.13, 3.14, 3.19, 3.27, 3.30, 3.49, 3.55."""
    log = json.loads(findings.sarif(FOUND))
    (run,) = log["runs"]
    driver = run["tool"]["driver"]

    assert log.keys() == {"$schema", "version", "runs"}
    assert log["version"] == "2.1.0"
    assert run.keys() == {"tool", "columnKind", "results"}
    assert run["columnKind"] == "utf16CodeUnits"
    assert driver["name"] == "archdsl"
    assert len({rule["id"] for rule in driver["rules"]}) == len(driver["rules"])
    for rule in driver["rules"]:
        assert rule.keys() == {"id", "name", "shortDescription", "fullDescription", "help", "defaultConfiguration"}
        assert rule["shortDescription"] == {"text": RULES[rule["id"]].summary}
        assert rule["help"].keys() == {"text", "markdown"}
    for result in run["results"]:
        assert result.keys() >= {"ruleId", "ruleIndex", "level", "message", "locations", "partialFingerprints"}
        assert result.keys() <= {"ruleId", "ruleIndex", "level", "message", "locations", "partialFingerprints",
                                 "relatedLocations", "fixes"}  # fmt: skip
        assert driver["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in {"error", "warning", "note", "none"}
        assert result["message"]["text"]
        assert all(re.search(r"/v\d+$", key) for key in result["partialFingerprints"])
        for location in [*result["locations"], *result.get("relatedLocations", [])]:
            region = location["physicalLocation"]["region"]
            assert all(type(number) is int and number >= 1 for number in region.values())
            assert (region["startLine"], region["startColumn"]) <= (region["endLine"], region["endColumn"])
        for fix in result.get("fixes", []):
            assert fix["description"]["text"]
            assert [change.keys() for change in fix["artifactChanges"]] == [{"artifactLocation", "replacements"}]


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
