"""Anki: a file of notes, the question in front, the answer with what mistakes give and the hints on the back.

Source: the manual of Anki on importing text files, with its headers of lines that begin with `#`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from hashlib import sha256

from archdsl.exam.exports.items import Book, Case, Item
from archdsl.exam.exports.layout import Layout, Target, slug
from archdsl.exam.exports.losses import Feature
from archdsl.exam.exports.markers import wrong_rows
from archdsl.exam.prose import escaped

_PRE = re.compile(r"<pre>.*?</pre>", re.DOTALL)
_BRACKETS = {"[": "&#91;", "]": "&#93;"}


def _lay_out(book: Book) -> Layout:
    deck = " ".join((book.title or book.exam).split())
    head = ["#separator:tab", "#html:true", "#notetype:Basic", f"#deck:{deck}", "#guid column:1", "#tags column:4"]
    notes = ["\t".join(_note(book, case, item)) for case in book.cases for item in case.items]
    return Layout({f"{slug(book.exam)}.txt": "\n".join([*head, *notes]) + "\n"})


def _note(book: Book, case: Case, item: Item) -> Iterator[str]:
    front, back = "".join(_front(case, item)), "".join(_back(item))
    yield sha256(f"{book.exam}|{item.name}|{front}".encode("utf-8", "surrogatepass")).hexdigest()[:20]
    yield _field(front)
    yield _field(back)
    yield f"archdsl {slug(book.exam)} {case.problem.id}"


def _front(case: Case, item: Item) -> Iterator[str]:
    yield f"{case.about.html}\n{item.asked.html}".strip()
    if item.options:
        yield f"<ul>{''.join(f'<li>{_plain(option.text)}</li>' for option in item.options)}</ul>"


def _back(item: Item) -> Iterator[str]:
    yield f"<p><strong>{_plain(item.shown)}</strong></p>"
    if item.worked:
        yield f"<p>{_plain(item.worked)}</p>"
    rows = list(wrong_rows(item))
    if rows:
        yield f"<ul>{''.join(f'<li>{_plain(answer)}: {_plain(said)}</li>' for answer, said, _ in rows)}</ul>"
    for number, hint in enumerate(item.hints, 1):
        yield f"<p>Hint {number}</p>{hint.text.html}"


def _plain(text: str) -> str:
    return escaped(text, "html")


def _field(html: str) -> str:
    """Return HTML as one field: on one line, without a tab, and without the brackets that call LaTeX or sound."""
    lines = _PRE.sub(lambda match: match[0].replace("\n", "<br>"), html)
    return re.sub(r"[\[\]]", lambda match: _BRACKETS[match[0]], re.sub(r"[\t\r\n]+", " ", lines))


TARGET = Target(_lay_out, keeps=frozenset({Feature.DIAGNOSIS, Feature.HINTS, Feature.TOLERANCE}))
