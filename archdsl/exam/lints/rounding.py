"""L3: a layer drops positions, and the sheet does not say how sizes are rounded."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from archdsl.exam.lints.findings import Finding
from archdsl.exam.lints.item import Item
from archdsl.exam.lints.watched import steps
from archdsl.exam.sentences import number
from archdsl.exam.sheet import Part
from archdsl.exam.walk import Subject

SAYS = re.compile(r"\b(round(?:s|ed|ing)?|floor(?:s|ed)?|ceil(?:ing)?|drop(?:s|ped)?|truncat\w*)\b", re.IGNORECASE)
"""Words of a text that say how sizes are rounded."""


def rounding(item: Item) -> Iterator[Finding]:
    """Yield the layers that drop positions on which an answer depends, where neither sheet nor text says so."""
    if "rounding" in item.posed.conventions.stated or SAYS.search(item.prose):
        return
    layers: dict[str, tuple[Subject, Part]] = {}
    parts: dict[str, None] = {}
    for part in item.parts:
        for wrong in item.posed.candidates(part, once=True, only=frozenset({"S05"})):
            for layer in wrong.where:
                parts[part.name] = None
                subjects = [s for s, _ in item.places(part) if any(node.id == layer for node in s.nodes)]
                if subjects:
                    layers.setdefault(layer, (subjects[0], part))
    if not layers:
        return
    (layer, (subject, part)), *others = layers.items()
    more = f" ({_among(others)} too)" if others else ""
    said = f"{layer} drops positions, {_working(subject, layer)}{more}; say `rounding: floor` in the conventions"
    yield Finding("L3", tuple(parts), said, part.span, ("C12",))


def _working(subject: Subject, layer: str) -> str:
    """Return the division that has a remainder: `(7 + 2*0 - 2)/2 = 2.5`."""
    node = next(node for node in subject.nodes if node.id == layer)
    op: Any = node.op
    axes = zip(subject.inputs(node)[0][1:], op.reaches, steps(op), op.pads, strict=True)
    n, reach, stride, pads = next(axis for axis in axes if (axis[0] + sum(axis[3]) - axis[1]) % axis[2])
    padded = f" + {sum(pads)}" if any(pads) else ""
    rows = (n + sum(pads) - reach) % stride
    return f"({n}{padded} - {reach})/{stride} leaves {number(rows)} over"


def _among(others: list[tuple[str, tuple[Subject, Part]]]) -> str:
    names = [layer for layer, _ in others]
    return ", ".join(names) if len(names) <= 3 else f"{len(names)} more"
