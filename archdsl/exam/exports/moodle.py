"""Moodle XML: numbers with tolerance 0 whose wrong values carry their feedback, shapes as cloze, a category a problem.

Source: the import of Moodle 4, question/format/xml/format.php; for cloze question/type/multianswer/questiontype.php;
the grades that an answer may have are those of question/engine/bank.php.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction

from archdsl.exam.exports.items import Blank, Book, Case, Item
from archdsl.exam.exports.layout import Layout, Target, not_computable, slug
from archdsl.exam.exports.losses import Feature, Note
from archdsl.exam.exports.numbers import decimal, is_exact, percent
from archdsl.exam.exports.xml import Element, document, element
from archdsl.exam.prose import escaped

GRADES = tuple(
    map(
        Fraction,
        "1 9/10 5/6 4/5 3/4 7/10 2/3 3/5 1/2 2/5 1/3 3/10 1/4 1/5 1/6 1/7 1/8 1/9 1/10 1/20 0".split(),
    )
)
"""The shares of the marks that Moodle lets an answer have."""

_MEANT_BY_CLOZE = re.compile(r"[{}#~%=:/\\\"&|*]")


def nearest_grade(share: Fraction) -> Fraction:
    """Return the grade of Moodle that is closest to a share; of two as close, the smaller."""
    return min(GRADES, key=lambda grade: (abs(grade - share), grade))


def _lay_out(book: Book) -> Layout:
    notes: list[Note] = []
    questions = []
    for id in book.problems:
        cases = book.of(id)
        questions.append(_category(book, cases[0]))
        questions += [_question(case, item, notes) for case in cases for item in case.items]
    return Layout({f"{slug(book.exam)}.xml": document(element("quiz", *questions))}, tuple(notes))


def _category(book: Book, case: Case) -> Element:
    path = "/".join(["$course$/top", *(part.replace("/", "//") for part in (book.title or book.exam, _heading(case)))])
    return element("question", element("category", element("text", path)), type="category")


def _heading(case: Case) -> str:
    return f"{case.problem.id} {case.problem.title}".strip()


def _question(case: Case, item: Item, notes: list[Note]) -> Element:
    text = f"{case.about.html}\n{item.asked.html}".strip()
    if len(item.blanks) > 1:
        return _cloze(text, item, notes)
    kind = "multichoice" if item.options else "numerical"
    answers = list(_options(item, notes) if item.options else _answers(item, notes))
    settings = (
        [element("single", "true"), element("shuffleanswers", "true"), element("answernumbering", "abc")]
        if item.options
        else []
    )
    marks = element("defaultgrade", decimal(item.part.marks))
    return element("question", _name(item), _html("questiontext", text), marks, element("penalty", "0"),
                   element("hidden", "0"), *settings, *answers, *_hints(item), type=kind)  # fmt: skip


def _name(item: Item) -> Element:
    return element("name", element("text", item.name))


def _html(name: str, text: str) -> Element:
    return element(name, element("text", text), format="html")


def _hints(item: Item) -> Iterator[Element]:
    return (_html("hint", hint.text.html) for hint in item.hints)


def _options(item: Item, notes: list[Note]) -> Iterator[Element]:
    for option in item.options:
        feedback = _html("feedback", _sentence(item.worked if option.is_right else option.said))
        share = _grade(option.share, item, notes)
        text = element("text", escaped(option.text, "html"))
        yield element("answer", text, feedback, fraction=share, format="html")


def _answers(item: Item, notes: list[Note]) -> Iterator[Element]:
    (blank,) = item.blanks
    for value, share, said, room in _graded(blank, item, notes):
        tolerance = element("tolerance", decimal(room))
        feedback = _html("feedback", _sentence(said))
        text = element("text", decimal(value))
        yield element("answer", text, tolerance, feedback, fraction=share, format="moodle_auto_format")


def _graded(blank: Blank, item: Item, notes: list[Note]) -> Iterator[tuple[int | Fraction, str, str, Fraction]]:
    """Yield the right value and the wrong ones, each with its grade, what is told, and how far it may be off."""
    if not blank.room and not is_exact(blank.value):
        notes.append(Note("a fraction is given as a decimal", item.part.name))
    yield blank.value, "100", item.worked if len(item.blanks) == 1 else "", blank.room
    for wrong in blank.wrong:
        if abs(wrong.value - blank.value) > blank.room:  # type: ignore[operator]  # a blank holds numbers only
            room = min(blank.room, abs(wrong.value - blank.value) / 2)  # type: ignore[operator]  # as above
            said = f"{wrong.name}: {wrong.said}"
            yield wrong.value, _grade(wrong.share, item, notes), said, room  # type: ignore[misc]  # as above


def _grade(share: Fraction, item: Item, notes: list[Note]) -> str:
    grade = nearest_grade(share)
    if grade != share:
        said = f"marks rounded to a grade that Moodle knows ({percent(share)} % to {percent(grade)} %)"
        notes.append(Note(said, item.part.name))
    return percent(grade)


def _sentence(said: str) -> str:
    return f"<p>{escaped(said, 'html')}</p>" if said else ""


# Shapes: one text with a blank for each size.


def _cloze(text: str, item: Item, notes: list[Note]) -> Element:
    weight, rest = divmod(item.part.marks, len(item.blanks))
    if rest or not weight:
        weight = 1
        notes.append(Note(f"marks of a shape are those of its {len(item.blanks)} blanks, one each", item.part.name))
    blanks = ", ".join(f"{blank.label} {_blank(blank, int(weight), item, notes)}" for blank in item.blanks)
    # Braces of the text itself would open a blank.
    harmless = text.replace("{", "&#123;").replace("}", "&#125;")
    body = f"{harmless}\n<p>{blanks}</p>"
    worked = _html("generalfeedback", _sentence(item.worked))
    return element("question", _name(item), _html("questiontext", body), worked, element("penalty", "0"),
                   element("hidden", "0"), *_hints(item), type="cloze")  # fmt: skip


def _blank(blank: Blank, weight: int, item: Item, notes: list[Note]) -> str:
    alternatives = []
    for value, share, said, room in _graded(blank, item, notes):
        feedback = f"#{_cloze_text(said)}" if said else ""
        sign = "=" if share == "100" and not said else f"%{share}%"
        alternatives.append(f"{sign}{decimal(value)}:{decimal(room)}{feedback}")
    return f"{{{weight}:NUMERICAL:{'~'.join(alternatives)}}}"


def _cloze_text(said: str) -> str:
    """Return feedback for a blank: Moodle undoes one layer of entities there, and the signs of cloze are entities."""
    return _MEANT_BY_CLOZE.sub(lambda match: f"&#{ord(match[0])};", escaped(said, "html"))


TARGET = Target(
    _lay_out,
    keeps=frozenset({Feature.DIAGNOSIS, Feature.PARTIAL_CREDIT, Feature.HINTS, Feature.MARKS, Feature.TOLERANCE}),
    cannot=not_computable,
)
