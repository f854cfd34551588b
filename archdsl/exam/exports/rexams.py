"""R/exams: an Rmd file for each problem and variant, a cloze of numbers without tolerance and of single choices.

Source: vignette "exams2" of the package, on cloze exercises; every number and every option is an item of the list.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from archdsl.exam.exports.entities import as_entities, entities
from archdsl.exam.exports.items import Blank, Book, Case, Item
from archdsl.exam.exports.layout import Layout, Target, not_computable, slug
from archdsl.exam.exports.losses import Feature, Note
from archdsl.exam.exports.markers import wrong_rows
from archdsl.exam.exports.numbers import decimal, is_exact


def _lay_out(book: Book) -> Layout:
    notes: list[Note] = []
    files = {}
    for case in book.cases:
        name = "-".join(filter(None, [slug(book.exam), case.problem.id, case.variant]))
        files[f"{name}.Rmd"] = "\n".join(_exercise(name, case, notes)) + "\n"
    return Layout(dict(files), tuple(notes))


def _exercise(name: str, case: Case, notes: list[Note]) -> Iterator[str]:
    yield from ("Question", "========", "")
    if case.about:
        yield from (as_entities(case.about.written), "")
    for item in case.items:
        yield from (f"**{_letter(item)}** {as_entities(item.asked.written)}", "")
    yield from ("Answerlist", "----------")
    for item in case.items:
        yield from (f"* {line}" for line in _list(item))
    yield from ("", "Solution", "========", "")
    for item in case.items:
        yield from (f"**{_letter(item)}** {entities(item.shown)}", "")
        yield from ([entities(item.worked), ""] if item.worked else [])
        told = [f"- {entities(answer)}&#58; {entities(mistake)}" for answer, mistake, _ in wrong_rows(item)]
        yield from ([*told, ""] if told else [])
    yield from ("Answerlist", "----------")
    for item in case.items:
        yield from (f"* {line}" for line in _solved(item))
    yield from ("", "Meta-information", "================", f"exname: {name}", "extype: cloze")
    yield f"exclozetype: {'|'.join(kind for item in case.items for kind in _kinds(item))}"
    yield f"exsolution: {'|'.join(one for item in case.items for one in _solutions(item, notes))}"
    yield f"extol: {'|'.join(one for item in case.items for one in _tolerances(item))}"
    yield f"expoints: {'|'.join(one for item in case.items for one in _points(item))}"
    yield "exshuffle: FALSE"


def _letter(item: Item) -> str:
    return entities(f"({item.part.id})")


def _label(item: Item, blank: Blank) -> str:
    return f"{_letter(item)} {blank.label}".rstrip()


def _list(item: Item) -> Iterator[str]:
    if item.options:
        return (entities(option.text) for option in item.options)
    return (_label(item, blank) for blank in item.blanks)


def _solved(item: Item) -> Iterator[str]:
    if item.options:
        return ("right" if option.is_right else "wrong" for option in item.options)
    return (entities(decimal(blank.value)) for blank in item.blanks)


def _kinds(item: Item) -> list[str]:
    return ["schoice"] if item.options else ["num"] * len(item.blanks)


def _solutions(item: Item, notes: list[Note]) -> Iterator[str]:
    if item.options:
        yield "".join("1" if option.is_right else "0" for option in item.options)
    for blank in item.blanks:
        if not blank.room and not is_exact(blank.value):
            notes.append(Note("a fraction is given as a decimal", item.part.name))
        yield decimal(blank.value)


def _tolerances(item: Item) -> list[str]:
    return ["0"] if item.options else [decimal(blank.room) for blank in item.blanks]


def _points(item: Item) -> list[str]:
    count = max(1, len(item.blanks))
    return [decimal(Fraction(item.part.marks) / count)] * count


TARGET = Target(
    _lay_out,
    keeps=frozenset({Feature.DIAGNOSIS, Feature.MARKS, Feature.TOLERANCE}),
    cannot=not_computable,
    is_folder=True,
)
