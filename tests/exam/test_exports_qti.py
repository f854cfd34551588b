"""QTI 1.2 for Canvas: the archive, its manifest, and items that are scored as a reader of the standard would."""

from __future__ import annotations

from io import BytesIO
from xml.etree import ElementTree
from zipfile import ZipFile

import pytest

from archdsl.exam.exports import export
from oracles.exported import chain, hostile, upsampling

Q = "{http://www.imsglobal.org/xsd/ims_qtiasiv1p2}"
P = "{http://www.imsglobal.org/xsd/imsccv1p1/imscp_v1p1}"


def opened(sheet, **options):
    """Return the root of the assessment that the manifest names."""
    (content,) = export(sheet, "qti", **options).files.values()
    with ZipFile(BytesIO(content)) as archive:
        assert archive.testzip() is None
        manifest = ElementTree.fromstring(archive.read("imsmanifest.xml"))
        (resource,) = manifest.iter(f"{P}resource")
        assert resource.get("type") == "imsqti_xmlv1p2"
        path = resource.find(f"{P}file").get("href")
        assert sorted(archive.namelist()) == sorted(["imsmanifest.xml", path])
        return ElementTree.fromstring(archive.read(path))


def items(root):
    return {item.get("title"): item for item in root.iter(f"{Q}item")}


def fields(item):
    return {f.findtext(f"{Q}fieldlabel"): f.findtext(f"{Q}fieldentry") for f in item.iter(f"{Q}qtimetadatafield")}


def score(item, given):
    """Return the score of answers by the id of their response, as the conditions of an item add or set it."""
    total = 0.0
    for condition in item.iter(f"{Q}respcondition"):
        points = condition.find(f"{Q}setvar")
        if points is None or not _holds(condition.find(f"{Q}conditionvar"), given):
            continue
        total = float(points.text) if points.get("action") == "Set" else total + float(points.text)
        if condition.get("continue") == "No":
            break
    return round(total, 6)


def _holds(node, given):
    name = node.tag.removeprefix(Q)
    if name == "conditionvar" or name == "and":
        return all(_holds(child, given) for child in node)
    if name == "or":
        return any(_holds(child, given) for child in node)
    answer = given.get(node.get("respident"), "")
    if name == "varequal":
        return answer == node.text
    return float(answer) >= float(node.text) if name == "vargte" else float(answer) <= float(node.text)


def test_a_number_is_exact():
    item = items(opened(upsampling(), seed=2026))["up1.b s01"]

    assert fields(item) == {"question_type": "numerical_question", "points_possible": "2"}
    assert [score(item, {"response1": given}) for given in ("3208", "3208.0", "3208.0001", "3200")] == [100, 100, 0, 0]


def test_a_shape_is_three_blanks_that_make_a_hundred():
    item = items(opened(chain()))["q1.b"]
    right = {lid.get("ident"): lid.find(f".//{Q}response_label").get("ident") for lid in item.iter(f"{Q}response_lid")}
    texts = {
        lid.get("ident"): lid.findtext(f".//{Q}render_choice//{Q}mattext") for lid in item.iter(f"{Q}response_lid")
    }

    assert fields(item)["question_type"] == "fill_in_multiple_blanks_question"
    assert texts == {"response_channels": "32", "response_height": "32", "response_width": "32"}
    assert score(item, right) == 100
    assert score(item, {"response_channels": right["response_channels"]}) == pytest.approx(33.33, abs=0.02)
    question = item.findtext(f"{Q}presentation/{Q}material/{Q}mattext")
    assert all(question.count(f"[{name}]") == 1 for name in ("channels", "height", "width"))


def test_a_choice_has_one_right_option():
    item = items(opened(upsampling(), seed=2026))["up1.a s01"]
    options = {label.findtext(f".//{Q}mattext"): label.get("ident") for label in item.iter(f"{Q}response_label")}

    assert len(options) == 5
    assert [text for text, ident in options.items() if score(item, {"response1": ident}) == 100] == ["8x82x82"]


def test_the_variants_of_a_part_are_a_group_of_which_one_is_asked():
    root = opened(upsampling(), variants=3, seed=2026)
    groups = [s for s in root.iter(f"{Q}section") if s.get("ident") != "root_section"]

    assert [group.get("title") for group in groups] == ["up1.a", "up1.b"]
    for group in groups:
        assert group.findtext(f".//{Q}selection_number") == "1"
        assert group.findtext(f".//{Q}points_per_item") == "2"
        assert len(group.findall(f"{Q}item")) == 3


@pytest.mark.parametrize("sheet", [chain, hostile], ids=lambda sheet: sheet.__name__)
def test_no_two_things_share_an_id_and_all_feedback_is_there(sheet):
    root = opened(sheet())
    found = [item.get("ident") for item in root.iter(f"{Q}item")]

    assert len(found) == len(set(found)) == 5
    for item in root.iter(f"{Q}item"):
        there = {feedback.get("ident") for feedback in item.iter(f"{Q}itemfeedback")}
        assert {shown.get("linkrefid") for shown in item.iter(f"{Q}displayfeedback")} == there


def test_hostile_texts_stay_texts():
    for item in items(opened(hostile())).values():
        text = item.findtext(f"{Q}presentation/{Q}material/{Q}mattext")
        assert "<script" not in text
        if fields(item)["question_type"] == "fill_in_multiple_blanks_question":
            assert text.count("[") == 3
