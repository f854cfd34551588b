"""L10: a part is computed from a size that no part before it asks for, so that marks cannot follow through it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from archdsl.exam.lints.findings import Finding
from archdsl.exam.lints.item import Item
from archdsl.exam.sheet import Part
from archdsl.exam.walk import Subject
from archdsl.ops.dense import Linear
from archdsl.ops.pool import AdaptivePool
from archdsl.ops.reshape import Flatten


def unasked(item: Item) -> Iterator[Finding]:
    """Yield the parts that build on sizes which nobody asks for, where the sheet lets marks follow sizes.

    Only layers that change the size of a map count, and only where the part comes after one that asks for a shape of
    the same network.
    """
    for part in item.parts:
        target = item.posed.target(part)
        if target is None or not part.marking.follow_through:
            continue
        subject = item.posed.subject(target[0])
        asked = _asked(item, subject, part.after)
        if not asked:
            continue
        missing = _missing(subject, _sources(item, part, subject), set(asked))
        if missing is None:
            continue
        layer = subject.nodes[missing].id
        elsewhere = _asked(item, subject, tuple(p.id for p in item.parts if p is not part)).get(missing)
        before = [p.id for p in item.problem.parts[: item.problem.parts.index(part)]]
        said = f"{part.ask} builds on the size after {layer}, which no part before asks for"
        if elsewhere and elsewhere in before:
            said = f"{part.ask} builds on the size after {layer}, which ({elsewhere}) asks for: name it in `after`"
        yield Finding("L10", (part.name,), said, part.span)


def _asked(item: Item, subject: Subject, ids: tuple[str, ...]) -> dict[int, str]:
    """Return the nodes whose shapes some parts ask for, with the part."""
    found: dict[int, str] = {}
    for part in item.parts:
        target = item.posed.target(part)
        if part.id not in ids or target is None or target[1].quantity != "shape":
            continue
        if item.posed.subject(target[0]) is subject:
            found.setdefault(subject.end(target[1].layer), part.id)
    return found


def _sources(item: Item, part: Part, subject: Subject) -> tuple[int, ...]:
    """Return the nodes whose sizes a part is computed from."""
    target = item.posed.target(part)
    assert target is not None, "the part asks for one quantity"
    quantity, layer = target[1].quantity, target[1].layer
    if quantity == "shape":
        return subject.nodes[subject.end(layer)].inputs
    if quantity in ("params", "weights"):
        scope = [subject.nodes[i] for i in subject.scope(layer)]
        return tuple(node.inputs[0] for node in scope if isinstance(node.op, Linear) and _is_flattened(subject, node))
    return ()


def _is_flattened(subject: Subject, node: Any) -> bool:
    before = subject.before(node)
    return isinstance(before.op, Flatten) and len(subject.inputs(before)[0]) > 1


def _missing(subject: Subject, sources: tuple[int, ...], asked: set[int]) -> int | None:
    """Return the nearest layer before some nodes that changes a size, where no part asks for it or for a later one."""
    pending, seen = list(sources), set(sources)
    while pending:
        index = pending.pop(0)
        node = subject.nodes[index]
        if index in asked or not node.inputs or isinstance(node.op, AdaptivePool):
            continue  # an adaptive pool gives its size whatever it reads
        sizes = [shape[1:] for shape in subject.inputs(node)]
        if len(node.output.shape) > 1 and any(size != node.output.shape[1:] for size in sizes):
            return index
        pending.extend(i for i in node.inputs if i not in seen)
        seen.update(node.inputs)
    return None
