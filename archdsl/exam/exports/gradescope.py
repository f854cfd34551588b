"""Gradescope: the text of an online assignment for each variant, and the outline of an autograder's results.

Gradescope imports no file of questions: the text, in the marks of its editor, is pasted question by question. Marks
with follow-through and diagnoses come as `results.json` from `archdsl exam grade --to gradescope`, of which
`outline.json` has the numbers, names and marks. Source: Gradescope's guides on online assignments and autograders.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from fractions import Fraction

from archdsl.exam.exports.entities import as_entities, entities
from archdsl.exam.exports.items import Book, Item
from archdsl.exam.exports.layout import Layout, Target, not_computable, slug
from archdsl.exam.exports.losses import Feature, Note
from archdsl.exam.exports.numbers import decimal, is_exact
from archdsl.exam.grades import marks
from archdsl.exam.prose import laid_out


def _lay_out(book: Book) -> Layout:
    notes: list[Note] = []
    files = {}
    for variant in book.variants:
        name = f"{slug(book.exam)}-{variant}" if len(book.variants) > 1 else slug(book.exam)
        files[f"{name}.md"] = "\n\n".join(_questions(book, variant, notes)) + "\n"
    files["outline.json"] = json.dumps(_outline(book), indent=2, ensure_ascii=False) + "\n"
    return Layout(dict(files), tuple(notes))


def _questions(book: Book, variant: str, notes: list[Note]) -> Iterator[str]:
    for case in book.sheet(variant):
        for item in case.items:
            worth = item.part.marks
            yield f"# {item.part.name} ({marks(worth)} point{'' if worth == 1 else 's'})"
            if case.about:
                yield as_entities(case.about.written)
            yield as_entities(item.asked.written)
            yield "\n".join(_fields(item, notes))
            yield f"[[{entities(' '.join(filter(None, [f'Right: {item.shown}.', item.worked])))}]]"


def _fields(item: Item, notes: list[Note]) -> Iterator[str]:
    for option in item.options:
        yield f"({'x' if option.is_right else ' '}) {entities(option.text)}"
    for blank in item.blanks:
        if not blank.room and not is_exact(blank.value):
            notes.append(Note("a fraction is given as a decimal", item.part.name))
        yield f"{blank.label} [____](={decimal(blank.value)}+-{decimal(blank.room)})".lstrip()


def _outline(book: Book) -> dict[str, object]:
    items = [item for case in book.sheet(book.variants[0]) for item in case.items]
    total = sum((item.part.marks for item in items), Fraction(0))
    tests = [{"number": item.part.name, "name": _name(item), "max_score": _number(item.part.marks)} for item in items]
    return {"exam": book.exam, "title": book.title, "max_score": _number(total), "tests": tests}


def _name(item: Item) -> str:
    return " ".join(laid_out(item.part.text.text if item.part.text else item.asked.written, "text").split())


def _number(worth: Fraction) -> int | float:
    return int(worth) if worth.denominator == 1 else float(worth)


TARGET = Target(
    _lay_out,
    keeps=frozenset({Feature.MARKS, Feature.TOLERANCE}),
    cannot=not_computable,
    is_folder=True,
)
