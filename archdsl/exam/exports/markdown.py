"""Markdown: for each student the sheet, and the key with what mistakes give and what follows from them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from archdsl.exam.exports.items import Book, Item
from archdsl.exam.exports.layout import Layout, Target, slug
from archdsl.exam.exports.losses import ALL
from archdsl.exam.exports.markers import rows, wrong_rows
from archdsl.exam.grades import marks
from archdsl.exam.prose import escaped


def _lay_out(book: Book) -> Layout:
    files = {}
    for variant in book.variants:
        name = f"{slug(book.exam)}-{variant}" if len(book.variants) > 1 else slug(book.exam)
        files[f"{name}.md"] = _written(_sheet(book, variant))
        files[f"{name}-key.md"] = _written(_key(book, variant))
    return Layout(dict(files))


def _written(blocks: Iterable[str]) -> str:
    return "\n\n".join(block for block in blocks if block) + "\n"


def _sheet(book: Book, variant: str) -> Iterator[str]:
    yield _title(book, variant)
    for case in book.sheet(variant):
        yield f"## {_plain(case.title)}"
        yield case.about.md
        for item in case.items:
            yield _asked(item)
            if item.options:
                yield "\n".join(f"- [ ] {_plain(option.text)}" for option in item.options)


def _key(book: Book, variant: str) -> Iterator[str]:
    yield f"{_title(book, variant)}: key"
    for case in book.sheet(variant):
        yield f"## {_plain(case.title)}"
        for item in case.items:
            yield _asked(item)
            yield f"**{_plain(item.shown)}** {_plain(item.worked)}".rstrip()
            yield _table(("answer", "mistake", "marks"), list(wrong_rows(item)))
            for number, hint in enumerate(item.hints, 1):
                cost = f", costs {marks(hint.cost * item.part.marks)}" if hint.cost else ""
                yield f"Hint {number}{cost}: {hint.text.md}"
        yield _table(("if", "then", "the same again"), list(rows(case)))


def _title(book: Book, variant: str) -> str:
    return f"# {_plain(' '.join([book.title or book.exam, variant]).strip())}"


def _asked(item: Item) -> str:
    worth = item.part.marks
    return f"**({item.part.id})** [{marks(worth)} mark{'' if worth == 1 else 's'}] {item.asked.md}"


def _table(head: Sequence[str], cells: list[tuple[str, ...]]) -> str:
    if not cells:
        return ""
    lines = [f"| {' | '.join(map(_plain, row))} |" for row in cells]
    return "\n".join([f"| {' | '.join(head)} |", "|" + "---|" * len(head), *lines])


def _plain(text: str) -> str:
    return escaped(" ".join(text.split()), "md")


TARGET = Target(_lay_out, keeps=ALL, is_folder=True)
