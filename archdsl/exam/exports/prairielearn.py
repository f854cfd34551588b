"""PrairieLearn: a folder for each problem, with its variants computed before and one program for all of them.

`server.py` is the same file every time and reads `variants.json` beside it, so that no text of a sheet becomes
Python; in HTML the braces of texts are entities, since PrairieLearn fills double braces. Source: PrairieLearn's
documentation on questions and elements.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from fractions import Fraction
from math import lcm
from typing import Any
from uuid import UUID, uuid5

from archdsl.exam.exports.items import Blank, Book, Case, Follow, Item
from archdsl.exam.exports.layout import File, Layout, Target, not_computable, slug
from archdsl.exam.exports.losses import Feature, Note
from archdsl.exam.exports.numbers import decimal
from archdsl.exam.exports.prairielearn_server import SERVER
from archdsl.exam.prose import escaped
from archdsl.exam.walk import Value

NAMESPACE = UUID("6f0a0a3e-6b50-5a0c-9a53-1f0c7a1d5e11")
"""Of the ids that are made from what a question holds."""


def _lay_out(book: Book) -> Layout:
    files: dict[str, File] = {}
    notes: list[Note] = []
    for id in book.problems:
        cases = _alike(book.of(id), notes)
        folder = f"{slug(book.exam)}-{id}"
        variants = json.dumps([_variant(case) for case in cases], indent=1, ensure_ascii=False) + "\n"
        html = "\n".join(_html(cases[0])) + "\n"
        info = _info(book, cases, html + variants)
        files[f"{folder}/info.json"] = json.dumps(info, indent=2, ensure_ascii=False) + "\n"
        files[f"{folder}/question.html"] = html
        files[f"{folder}/server.py"] = SERVER
        files[f"{folder}/variants.json"] = variants
    return Layout(files, tuple(notes))


def _alike(cases: tuple[Case, ...], notes: list[Note]) -> list[Case]:
    """Return the variants whose parts are answered in the fields of the first one; a page has the same for all."""
    kept = [case for case in cases if _fields(case) == _fields(cases[0])]
    if len(kept) < len(cases):
        said = f"{len(cases) - len(kept)} of {len(cases)} variants left out, with other fields than the first"
        notes.append(Note(said, cases[0].items[0].part.name))
    return kept


def _fields(case: Case) -> list[tuple[str, ...]]:
    return [(item.part.id, *("option" if item.options else _element(b) for b in item.blanks)) for item in case.items]


def _info(book: Book, cases: list[Case], content: str) -> dict[str, Any]:
    title = " ".join(cases[0].title.split())
    return {
        "uuid": str(uuid5(NAMESPACE, f"{book.exam}|{cases[0].problem.id}|{content}")),
        "title": title,
        "topic": " ".join((book.title or book.exam).split()),
        "tags": ["archdsl"],
        "type": "v3",
        "singleVariant": len(cases) == 1,
    }


# The page.


def _html(case: Case) -> Iterator[str]:
    scale = lcm(*[_weight(item).denominator for item in case.items])
    yield "<pl-question-panel>"
    yield "{{{params.about}}}"
    yield "</pl-question-panel>"
    for number, item in enumerate(case.items, 1):
        name, weight = f"part{number}", int(_weight(item) * scale)
        yield ""
        yield "<pl-question-panel>"
        yield f"{{{{{{params.{name}_asked}}}}}}"
        yield f"{{{{#params.{name}_hints}}}}<details><summary>Hint {{{{number}}}}</summary>{{{{{{html}}}}}}</details>"
        yield f"{{{{/params.{name}_hints}}}}"
        yield "</pl-question-panel>"
        if item.options:
            yield f'<pl-multiple-choice answers-name="{name}" weight="{weight}" order="fixed">'
            yield f"{{{{#params.{name}_options}}}}"
            yield '<pl-answer correct="{{correct}}" score="{{score}}" feedback="{{feedback}}">{{{html}}}</pl-answer>'
            yield f"{{{{/params.{name}_options}}}}"
            yield "</pl-multiple-choice>"
        for field, blank in zip(_names(number, item), item.blanks, strict=False):
            label = f"{blank.label} =" if blank.label else "answer ="
            room = f' comparison="relabs" rtol="0" atol="{decimal(blank.room)}"' if blank.room else ""
            kind = _element(blank)
            yield f'<{kind} answers-name="{field}" label="{label}" weight="{weight}"{room}></{kind}>'

        yield "<pl-answer-panel>"
        yield f"{{{{{{params.{name}_worked}}}}}}"
        yield "</pl-answer-panel>"


def _weight(item: Item) -> Fraction:
    return item.part.marks / max(1, len(item.blanks))


def _element(blank: Blank) -> str:
    is_whole = Fraction(blank.value).denominator == 1 and not blank.room
    return "pl-integer-input" if is_whole else "pl-number-input"


def _names(number: int, item: Item) -> list[str]:
    count = len(item.blanks)
    return [f"part{number}"] if count < 2 else [f"part{number}_{i}" for i in range(1, count + 1)]


# The data.


def _variant(case: Case) -> dict[str, Any]:
    params: dict[str, Any] = {"about": _filled(case.about.html)}
    correct: dict[str, Any] = {}
    parts = []
    numbers = {item.part.id: number for number, item in enumerate(case.items, 1)}
    for number, item in enumerate(case.items, 1):
        params[f"part{number}_asked"] = _filled(f"{_strong(item.part.id)}{item.asked.html}")
        hints = [{"number": i, "html": _filled(hint.text.html)} for i, hint in enumerate(item.hints, 1)]
        params[f"part{number}_hints"] = hints
        params[f"part{number}_worked"] = f"<p>{_said(item.worked)}</p>" if item.worked else ""
        if item.options:
            params[f"part{number}_options"] = [_option(item, i) for i in range(len(item.options))]
            continue
        names = _names(number, item)
        correct |= {name: _number(blank.value) for name, blank in zip(names, item.blanks, strict=True)}
        follows = [f for f in case.follow if f.target == item.part.id and f.source in numbers]
        parts.append(
            {
                "names": names,
                "right": [_number(blank.value) for blank in item.blanks],
                "room": [_number(blank.room) for blank in item.blanks],
                "wrong": [
                    {"values": values, "share": float(wrong.share), "said": _said(f"{wrong.name}: {wrong.said}")}
                    for wrong in item.wrong
                    if (values := _values(item, wrong.value))
                ],
                "follows": [row for f in follows if (row := _follow(case, item, numbers[f.source], f))],
            }
        )
    return {"name": case.variant, "params": params, "correct_answers": correct, "parts": parts}


def _follow(case: Case, item: Item, source: int, follow: Follow) -> dict[str, Any] | None:
    earlier = case.items[source - 1]
    given, values = _values(earlier, follow.value), _values(item, follow.follows)
    if not given or not values:
        return None
    share = float(item.part.marking.follow_through)
    said = _said(f"follows from your ({follow.source})")
    return {"names": _names(source, earlier), "given": given, "values": values, "share": share, "said": said}


def _values(item: Item, value: Value) -> list[int | float]:
    """Return a value in the order of the fields; empty where it does not fill them."""
    sizes = value if isinstance(value, tuple) else (value,)
    if len(sizes) != len(item.blanks) or any(isinstance(size, str | bool) for size in sizes):
        return []
    if len(sizes) > 1 and item.is_turned:
        sizes = (*sizes[1:], sizes[0])
    return [_number(size) for size in sizes if not isinstance(size, str)]


def _option(item: Item, index: int) -> dict[str, Any]:
    option = item.options[index]
    return {
        "correct": "true" if option.is_right else "false",
        "score": decimal(option.share),
        "feedback": escaped(option.said, "text"),
        "html": _filled(escaped(option.text, "html")),
    }


def _strong(id: str) -> str:
    return f"<p><strong>({escaped(id, 'html')})</strong></p>\n"


def _filled(html: str) -> str:
    """Return HTML without braces, which PrairieLearn would fill."""
    return html.replace("{", "&#123;").replace("}", "&#125;")


def _said(text: str) -> str:
    return _filled(escaped(text, "html"))


def _number(value: int | Fraction) -> int | float:
    exact = Fraction(value)
    return int(exact) if exact.denominator == 1 else float(exact)


TARGET = Target(
    _lay_out,
    keeps=frozenset(
        {
            Feature.DIAGNOSIS,
            Feature.PARTIAL_CREDIT,
            Feature.FOLLOW_THROUGH,
            Feature.HINTS,
            Feature.MARKS,
            Feature.WHOLE_SHAPE,
            Feature.TOLERANCE,
        }
    ),
    cannot=not_computable,
    is_folder=True,
)
