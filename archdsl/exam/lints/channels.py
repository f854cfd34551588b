"""L4: the text speaks of an image and does not say how many channels it has, and an answer depends on it (P27).

A text that shows the net says it, and one that says nothing of an image leaves all of it to the net.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from archdsl.exam.lints.findings import Finding
from archdsl.exam.lints.item import Item
from archdsl.exam.lints.separating import fed
from archdsl.exam.nets import PLACEHOLDER
from archdsl.exam.quantities import truth
from archdsl.exam.sheet import Part
from archdsl.exam.walk import Subject
from archdsl.graph import Node
from archdsl.source import Span

COLOUR = re.compile(r"\b(?:RGB|colou?r(?:ed)?)\b", re.IGNORECASE)
GREY = re.compile(r"\b(?:gr[ae]y(?:[- ]?scale)?|monochrome|black[- ]and[- ]white|binary)\b", re.IGNORECASE)
IMAGE = re.compile(r"\b(?:images?|pictures?|photos?|photographs?|pixels?|px|inputs?|frames?|scans?|crops?)\b", re.I)
WORDS = {1: "one|single", 2: "two", 3: "three", 4: "four"}


def channels(item: Item) -> Iterator[Finding]:
    """Yield the inputs whose channels are not stated; a problem without a text shows its net."""
    texts = item.texts
    if any(_shows_net(match[1]) for _, text, _ in texts for match in PLACEHOLDER.finditer(text.text)):
        return
    if not IMAGE.search(item.prose):
        return
    told: set[str] = set()
    for part in item.parts:
        target = item.posed.target(part)
        if target is None:
            continue
        subject = item.posed.subject(target[0])
        for name, feed in subject.graph.inputs.items():
            count = feed.output.shape[0]
            whose = name if len(subject.graph.inputs) > 1 or len(item.problem.nets) > 1 else "the input"
            if whose in told or not isinstance(count, int) or len(feed.output.shape) < 2:
                continue
            if not states(item.prose, count) and _matters(item, part, subject, feed, count):
                told.add(whose)
                cure = {1: "say that it is grey, or has 1 channel", 3: "say that it is RGB, or has 3 channels"}
                said = f"the text speaks of an image, not of the {count} channel{'s' * (count > 1)} of {whose}"
                cured = cure.get(count, "give its channels")
                yield Finding("L4", (part.name,), f"{said}; {cured}", _place(item, part), ("P27",))


def states(prose: str, count: int) -> bool:
    """Tell whether a text says how many channels there are: by a colour, a number of channels, or a shape."""
    if count in (1, 3) and (COLOUR.search(prose) or GREY.search(prose)):
        return True  # where it is the wrong one, L8 says so
    named = f"(?:{count}|{WORDS[count]})" if count in WORDS else str(count)
    of = r"[\s-]*(?:input[\s-]*)?(?:channels?|maps?|feature maps?|features?|planes?|bands?|colou?rs?)\b"
    sign = r"\s*(?:x|×|by|,)\s*"
    shapes = (
        rf"(?<![\w.]){named}{of}",
        rf"(?<![\w.]){count}{sign}\d+{sign}\d+",
        rf"\d+{sign}\d+{sign}{count}(?!\w|\.\d)",
        rf"(?<![\w.]){count}\s*@",
        rf"@\s*{count}(?!\w|\.\d)",
        rf"\bchannels?\D{{0,12}}{count}(?!\w|\.\d)",
        rf"\b(?:C|C_in|C_\{{in\}}|in_channels|depth)\s*(?:=|of)?\s*\$?{count}(?!\w|\.\d)",
        rf"\b(?:Conv|ConvTranspose|BatchNorm)[123]d\(\s*{count}\s*[,)]",
    )
    return any(re.search(shape, prose, re.IGNORECASE) for shape in shapes)


def _shows_net(name: str) -> bool:
    return name.endswith((".table", ".code"))


def _matters(item: Item, part: Part, subject: Subject, feed: Node, count: int) -> bool:
    """Tell whether an answer would be another with other channels; it would if the network did not work then."""
    target = item.posed.target(part)
    assert target is not None, "the part asks for one quantity"
    sizes = feed.output.shape[1:]
    others = {1: 3, 3: 1}
    other = fed(subject.graph, feed, (others.get(count, 2 * count), *sizes))
    if other is None:
        return True
    try:
        return truth(Subject(other), target[1]) != truth(subject, target[1])
    except ValueError:
        return True


def _place(item: Item, part: Part) -> Span | None:
    return item.problem.text.span if item.problem.text else part.span
