"""L7: options of a multiple choice that are right too, or would be under another convention."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from archdsl.exam.answers import Answer, read_answer
from archdsl.exam.lints.findings import Finding
from archdsl.exam.lints.item import Item
from archdsl.exam.matching import match
from archdsl.exam.mistakes import CONVENTIONS
from archdsl.exam.sheet import Part
from archdsl.exam.texts import Text
from archdsl.exam.walk import Kind, Value

SAID = {
    "C1": "with pools rounded the other way",
    "C2": "with the channels in the other place",
    "C3": "with FLOPs for MACs, or the reverse",
    "C4": "with the biases counted otherwise",
    "C5": "with the running statistics counted otherwise",
    "C6": "with K for 1,024",
    "C9": "with the field clipped to the image, or not",
}
"""What is true then, where no better words are in the catalogue."""


def options(item: Item) -> Iterator[Finding]:
    """Yield the options beside the right one that another convention makes right."""
    for part in item.parts:
        if not isinstance(part.choices, tuple):
            continue
        texts = part.choices
        read = [_read(item, part, text) for text in texts]
        right = [i for i, answer in enumerate(read) if match(answer, item.truth(part), layout="strict")]
        also = [i for i, answer in enumerate(read) if i not in right and match(answer, item.truth(part))]
        if not right and also:
            right = [also.pop(0)]
        for i in right[1:]:
            said = f"the options {_quoted(texts[right[0]])} and {_quoted(texts[i])} are both right"
            yield Finding("L7", (part.name,), said, texts[i].span)
        told = dict.fromkeys(also, "C2")
        for id, value in _under_others(item, part).items():
            for i, answer in enumerate(read):
                if i not in right and i not in told and match(answer, value):
                    told[i] = id
        for i, id in sorted(told.items()):
            said = f"the option {_quoted(texts[i])} is right {_words(id)} ({id}); say in the conventions which holds"
            yield Finding("L7", (part.name,), said, texts[i].span, (id,))


def _read(item: Item, part: Part, text: Text) -> Answer:
    wanted, stated = item.posed.wanted(part), item.posed.conventions
    layout = "strict" if stated.layout == "any" else stated.layout
    return read_answer(text.text, wanted.kind, unit=wanted.unit, axes=wanted.axes, layout=layout, kilo=stated.kilo)


def _under_others(item: Item, part: Part) -> Mapping[str, Value]:
    """Return what would be right under other conventions, by the id of each."""
    posed, found = item.posed, dict[str, Value]()
    for one in posed.candidates(part, kinds=(Kind.CONVENTION,)):
        found.setdefault(one.ids[0], one.value)
    for id, value in posed.otherwise(part):
        found.setdefault(id, value)
    return found


def _words(id: str) -> str:
    did = next((row.did for row in CONVENTIONS if row.id == id), "")
    return SAID.get(id) or f"for who {did}"


def _quoted(text: Text) -> str:
    return f"`{text.text.strip()[:40]}`"
