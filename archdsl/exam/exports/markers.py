"""What a person who marks by hand needs: what mistakes give, and what follows from them in later parts."""

from __future__ import annotations

from collections.abc import Iterator

from archdsl.exam.exports.items import Case, Follow, Item
from archdsl.exam.grades import marks
from archdsl.exam.sentences import shown
from archdsl.exam.walk import Value

MOST_NOTES = 8
"""Wrong values of a part that a key tells; the first are those of the commonest rules."""


def rows(case: Case) -> Iterator[tuple[str, str, str]]:
    """Yield the marker's table: an earlier answer with its mistake, what follows, and what the same mistake gives."""
    grouped: dict[tuple[str, Value], list[Follow]] = {}
    for follow in case.follow:
        grouped.setdefault((follow.source, follow.value), []).append(follow)
    if not case.items:
        return
    conventions = case.items[0].conventions

    def said(part: str, value: Value) -> str:
        return f"({part}) = {shown(value, conventions)}"

    for (source, value), follows in grouped.items():
        then = ", ".join(said(one.target, one.follows) for one in follows)
        again = ", ".join(said(one.target, one.again) for one in follows if one.again is not None)
        yield f"{said(source, value)} ({'/'.join(follows[0].ids)})", then, again


def wrong_rows(item: Item) -> Iterator[tuple[str, str, str]]:
    """Yield what mistakes give in a part: the answer, what is behind it, and the marks that it earns."""
    if item.options:
        for option in item.options:
            if option.said and not option.is_right:
                yield option.text, option.said, marks(option.share * item.part.marks)
        return
    for wrong in item.wrong[:MOST_NOTES]:
        yield item.told(wrong.value), f"{wrong.name}: {wrong.said}", marks(wrong.share * item.part.marks)
