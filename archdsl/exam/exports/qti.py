"""QTI 1.2 as Canvas imports it: a zip of a manifest and an assessment, a question group for each part.

Numbers are exact, without a margin. Source: IMS QTI 1.2.1 (ASI), and what Canvas itself exports.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from hashlib import sha256
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from archdsl.exam.exports.items import Blank, Book, Case, Item
from archdsl.exam.exports.layout import Layout, Target, not_computable, slug
from archdsl.exam.exports.losses import Feature, Note
from archdsl.exam.exports.numbers import decimal, is_exact, percent
from archdsl.exam.exports.xml import Element, document, element
from archdsl.exam.prose import escaped

ITEMS = "http://www.imsglobal.org/xsd/ims_qtiasiv1p2"
PACKAGE = "http://www.imsglobal.org/xsd/imsccv1p1/imscp_v1p1"
EPOCH = (1980, 1, 1, 0, 0, 0)
"""The date of the files in the archive, the first that a zip can have: the same sheet gives the same bytes."""

_BRACKETS = {"[": "&#91;", "]": "&#93;"}


def _lay_out(book: Book) -> Layout:
    notes: list[Note] = []
    id = _id("assessment", book.exam)
    sections = []
    for problem in book.problems:
        cases = book.of(problem)
        for part in dict.fromkeys(item.part.name for case in cases for item in case.items):
            items = [(case, item) for case in cases for item in case.items if item.part.name == part]
            made = [_item(case, item, notes) for case, item in items]
            sections.append(_group(part, items[0][1], made) if len(made) > 1 else made[0])
    root = element("section", *sections, ident="root_section")
    assessment = element("assessment", root, ident=id, title=book.title or book.exam)
    files = {
        "imsmanifest.xml": document(_manifest(id, book)),
        f"{id}/{id}.xml": document(element("questestinterop", assessment, xmlns=ITEMS)),
    }
    return Layout({f"{slug(book.exam)}.zip": _zipped(files)}, tuple(notes))


def _id(kind: str, *names: str) -> str:
    return f"{kind}_{sha256('|'.join(names).encode('utf-8', 'surrogatepass')).hexdigest()[:24]}"


def _manifest(id: str, book: Book) -> Element:
    file = element("file", href=f"{id}/{id}.xml")
    return element(
        "manifest",
        element("metadata", element("schema", "IMS Content"), element("schemaversion", "1.1.3")),
        element("organizations"),
        element("resources", element("resource", file, identifier=id, type="imsqti_xmlv1p2")),
        identifier=_id("manifest", book.exam),
        xmlns=PACKAGE,
    )


def _zipped(files: dict[str, str]) -> bytes:
    stream = BytesIO()
    with ZipFile(stream, "w", ZIP_DEFLATED) as archive:
        for name, text in files.items():
            info = ZipInfo(name, EPOCH)
            info.compress_type = ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            archive.writestr(info, text.encode("utf-8"))
    return stream.getvalue()


def _group(part: str, first: Item, items: list[Element]) -> Element:
    """Return a question group, of which each student gets one."""
    points = element("selection_extension", element("points_per_item", decimal(first.part.marks)))
    selection = element("selection", element("selection_number", "1"), points)
    return element("section", element("selection_ordering", selection), *items, ident=_id("group", part), title=part)


def _item(case: Case, item: Item, notes: list[Note]) -> Element:
    text = f"{case.about.html}\n{item.asked.html}".strip()
    feedback = f"<p>{escaped(f'Right: {item.shown}', 'html')}</p>"
    if item.worked:
        feedback += f"<p>{escaped(item.worked, 'html')}</p>"
    if item.options:
        kind, response, scores = "multiple_choice_question", [_choice(item)], _of_choice(item)
    elif len(item.blanks) > 1:
        text = re.sub(r"[\[\]]", lambda match: _BRACKETS[match[0]], text)
        blanks = ", ".join(f"{blank.label} [{_variable(blank)}]" for blank in item.blanks)
        text = f"{text}\n<p>{blanks}</p>"
        kind = "fill_in_multiple_blanks_question"
        response, scores = [_blank(item, blank) for blank in item.blanks], _of_blanks(item)
    else:
        kind, response, scores = "numerical_question", [_number()], _of_number(item, notes)
    variables = element("decvar", maxvalue="100", minvalue="0", varname="SCORE", vartype="Decimal")
    general = element("displayfeedback", feedbacktype="Response", linkrefid="general_fb")
    shown = element("respcondition", element("conditionvar", element("other")), general, continue_="Yes")
    return element(
        "item",
        element("itemmetadata", element("qtimetadata", _field("question_type", kind),
                                        _field("points_possible", decimal(item.part.marks)))),
        element("presentation", element("material", _text(text)), *response),
        element("resprocessing", element("outcomes", variables), shown, *scores),
        element("itemfeedback", element("flow_mat", element("material", _text(feedback))), ident="general_fb"),
        ident=_id("item", item.part.name, item.variant),
        title=item.name,
    )  # fmt: skip


def _field(label: str, entry: str) -> Element:
    return element("qtimetadatafield", element("fieldlabel", label), element("fieldentry", entry))


def _text(html: str) -> Element:
    return element("mattext", html, texttype="text/html")


def _scored(condition: Element, score: str, action: str = "Set") -> Element:
    points = element("setvar", score, action=action, varname="SCORE")
    return element("respcondition", element("conditionvar", condition), points, continue_="No")


# One number.


def _number() -> Element:
    fib = element("render_fib", element("response_label", ident="answer1"), fibtype="Decimal")
    return element("response_str", fib, ident="response1", rcardinality="Single")


def _of_number(item: Item, notes: list[Note]) -> Iterator[Element]:
    (blank,) = item.blanks
    low, high = Fraction(blank.value) - blank.room, Fraction(blank.value) + blank.room
    if not blank.room and not is_exact(blank.value):
        notes.append(Note("a fraction is given as a decimal", item.part.name))
    exact = element("varequal", decimal(blank.value), respident="response1")
    bounds = [element("vargte", decimal(low), respident="response1"),
              element("varlte", decimal(high), respident="response1")]  # fmt: skip
    yield _scored(element("or", exact, element("and", *bounds)), "100")


# One of several options.


def _choice(item: Item) -> Element:
    labels = [
        element("response_label", element("material", _text(escaped(option.text, "html"))), ident=f"option{i}")
        for i, option in enumerate(item.options, 1)
    ]
    return element("response_lid", element("render_choice", *labels), ident="response1", rcardinality="Single")


def _of_choice(item: Item) -> Iterator[Element]:
    for i, option in enumerate(item.options, 1):
        if option.is_right:
            yield _scored(element("varequal", f"option{i}", respident="response1"), "100")


# A blank for each size of a shape.


def _variable(blank: Blank) -> str:
    return blank.label.replace(" ", "_")


def _blank(item: Item, blank: Blank) -> Element:
    label = element("response_label", element("material", _text(decimal(blank.value))), ident=_ident(blank))
    material = element("material", element("mattext", _variable(blank)))
    return element("response_lid", material, element("render_choice", label), ident=f"response_{_variable(blank)}")


def _ident(blank: Blank) -> str:
    return f"right_{_variable(blank)}"


def _of_blanks(item: Item) -> Iterator[Element]:
    count = len(item.blanks)
    each = Fraction(10_000 // count, 10_000)
    for number, blank in enumerate(item.blanks):
        share = each if number else 1 - each * (count - 1)  # all together make 100
        respident = f"response_{_variable(blank)}"
        equal = element("varequal", _ident(blank), respident=respident)
        points = element("setvar", percent(share, 2), action="Add", varname="SCORE")
        yield element("respcondition", element("conditionvar", equal), points)


TARGET = Target(_lay_out, keeps=frozenset({Feature.MARKS, Feature.TOLERANCE}), cannot=not_computable)
