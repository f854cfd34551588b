"""L1: a mistake that an item is about, and that gives the right answer all the same.

A mistake is told where it is watched (`watched.py`), the layers of a part have what it is about, and no part of the
problem, whatever it asks, gets a wrong value from it. Arithmetic of quantities may see a mistake, and is not blamed for
it: a side of a shape is not about its channels. One finding tells one mistake, at the first part that should have
seen it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from archdsl.exam.lints.findings import Finding
from archdsl.exam.lints.item import Item
from archdsl.exam.lints.separating import separate
from archdsl.exam.lints.watched import COPIED, WATCHED, Watched
from archdsl.exam.quantities import candidates
from archdsl.exam.sentences import shown
from archdsl.exam.sheet import Part
from archdsl.exam.walk import Ask, Subject

MOST_TERMS = 6
"""Kernels that a sum shows one by one."""
SIGNS = {"R03": " + ", "R04": " x "}
"""What joins the kernels that a student adds or multiplies."""


def unseen(item: Item) -> Iterator[Finding]:
    """Yield the mistakes that an item should see and does not."""
    for watched in WATCHED:
        parts = [part for part in item.parts if _is_about(item, part, watched)]
        if any(item.hides(part, watched.id) for part in parts) and not _is_seen(item, watched.id):
            yield _finding(item, [part for part in parts if item.hides(part, watched.id)], watched)
    copied = [part for part in item.parts if _is_about(item, part, COPIED) and item.hides(part, COPIED.id)]
    if copied and all(_is_image(item, part) for part in item.parts if "shape" in item.quantities(part)):
        yield _finding(item, copied, COPIED)


def _is_about(item: Item, part: Part, watched: Watched) -> bool:
    if not item.posed.is_plain(part) or not watched.asks & item.quantities(part):
        return False
    return any(watched.about(subject, nodes) for subject, nodes in item.nodes(part))


def _is_seen(item: Item, id: str) -> bool:
    return any(item.wrong(part, id) for part in item.parts)


def _is_image(item: Item, part: Part) -> bool:
    """Tell whether the sides of a shape are those of the network's input."""
    target = item.posed.target(part)
    value = item.truth(part)
    if target is None or not isinstance(value, tuple) or len(value) < 2:
        return False
    feeds = item.posed.subject(target[0]).graph.inputs.values()
    return all(feed.output.shape[1:] == value[1:] for feed in feeds)


def _finding(item: Item, parts: list[Part], watched: Watched) -> Finding:
    part = parts[0]
    said = f"{watched.doing} ({watched.id}) also gives {_shown(item, part)}"
    target = item.posed.target(part)
    if target is not None:
        net, ask = target
        subject = item.posed.subject(net)
        terms = _terms(subject, ask, watched.id)
        said = f"{watched.doing} ({terms}{watched.id}) also gives {_shown(item, part)}"
        found = separate(subject, ask, (watched.id,), from_truth=True)
        if found is not None:
            wrong, right = (shown(value, item.posed.conventions) for value in found.values)
            said += f"; with {found.said} it would be {wrong} against {right}"
        elif shows := _shows(item, part, watched.id):
            said += f"; ask for shape({shows}) too"
    return Finding("L1", tuple(p.name for p in parts), said, part.span, (watched.id,))


def _terms(subject: Subject, ask: Ask, id: str) -> str:
    """Return the kernels that are added or multiplied, where they are few and follow each other: `5 + 2 + 3, `."""
    if id not in SIGNS:
        return ""
    kernels: list[int] = []
    node = subject.nodes[subject.end(ask.layer)]
    while node.inputs:
        if len(node.inputs) > 1:
            return ""
        op: Any = node.op
        if hasattr(op, "kernel_size"):
            if len(set(op.reaches)) != 1:
                return ""
            kernels.append(op.reaches[0])
        node = subject.nodes[node.inputs[0]]
    return f"{SIGNS[id].join(map(str, reversed(kernels)))}, " if len(kernels) <= MOST_TERMS else ""


def _shows(item: Item, part: Part, id: str) -> str:
    """Return a layer on the way whose shape would show a mistake."""
    for subject, nodes in item.nodes(part):
        for index in reversed(nodes):
            layer = subject.nodes[index].id
            if candidates(subject, Ask("shape", layer), only=frozenset({id})):
                return layer
    return ""


def _shown(item: Item, part: Part) -> str:
    return shown(item.truth(part), item.posed.conventions)
