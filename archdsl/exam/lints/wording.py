"""L8: the text says something of the image or the network that is not so.

Colour words are held against the channels of the input, and sizes against those of every map, window and image. A size
counts where it stands beside a word for an image, or where both numbers are at least 16: a smaller one in a sentence
may be a kernel that the question only speaks of.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from archdsl.exam.lints.channels import COLOUR, GREY, IMAGE
from archdsl.exam.lints.findings import Finding
from archdsl.exam.lints.item import Item
from archdsl.exam.texts import Text
from archdsl.exam.walk import Subject
from archdsl.source import Span

BY = r"\s*(?:x|×|by)\s*"
SIZES = re.compile(rf"(?<![\w.x×@])(\d{{1,6}}){BY}(\d{{1,6}})(?:{BY}(\d{{1,6}}))?(?![\w.]*\d|\s*(?:x|×|by)\s*\d)")
COUNTED = re.compile(r"(?<![\w.])(\d{1,6})[\s-]+(?:input[\s-]+)?channels?\b", re.IGNORECASE)
LARGE = 16
"""Both sides of a size at least this: it is that of an image or a map."""
NEAR = 24
"""Characters before or behind a size in which a word makes it that of an image."""


def wording(item: Item) -> Iterator[Finding]:
    """Yield what the texts of a problem say that the network contradicts."""
    subjects = _subjects(item)
    if not subjects or any(subject.is_open for subject in subjects):
        return
    for part, text, filled in item.texts:
        for said, match in (*_colours(filled, subjects), *_sizes(filled, subjects), *_channels(filled, subjects)):
            name = part.name if part else item.parts[0].name if item.parts else item.problem.id
            yield Finding("L8", (name,), said, _span(text, filled, match))


def _subjects(item: Item) -> list[Subject]:
    return [item.posed.subject(net) for net in item.problem.nets.values()]


Said = tuple[str, "re.Match[str]"]


def _colours(text: str, subjects: list[Subject]) -> Iterator[Said]:
    colour, grey = COLOUR.search(text), GREY.search(text)
    counts = {node.output.shape[0] for s in subjects for node in s.graph.inputs.values() if len(node.output.shape) > 1}
    if colour and not grey and 1 in counts and 3 not in counts:
        yield f"the text says `{colour[0]}`, and the input has 1 channel", colour
    if grey and not colour and 3 in counts and 1 not in counts:
        yield f"the text says `{grey[0]}`, and the input has 3 channels", grey


def _sizes(text: str, subjects: list[Subject]) -> Iterator[Said]:
    known = {size for subject in subjects for size in _known(subject)}
    inputs = [n.output.shape for s in subjects for n in s.graph.inputs.values()]
    for match in SIZES.finditer(text):
        numbers = [int(number) for number in match.groups() if number]
        if not _is_image(text, match, numbers):
            continue
        if not any(pair in known for pair in _pairs(numbers)):
            shapes = ", ".join("x".join(map(str, shape)) for shape in inputs)
            yield f"the text says `{match[0]}`, which is no size in the network: its input is {shapes}", match


def _channels(text: str, subjects: list[Subject]) -> Iterator[Said]:
    known = {node.output.shape[0] for subject in subjects for node in subject.nodes if node.output.shape}
    for match in COUNTED.finditer(text):
        if int(match[1]) not in known:
            yield f"the text says `{match[0]}`, and nothing in the network has as many", match


def _is_image(text: str, match: re.Match[str], numbers: list[int]) -> bool:
    if min(numbers[:2]) >= LARGE:
        return True
    around = text[max(0, match.start() - NEAR) : match.end() + NEAR]
    return bool(IMAGE.search(around)) and not re.match(
        r"[\s-]*(?:kernel|filter|conv|window|pool|max|average|mean)", text[match.end() :], re.IGNORECASE
    )


def _pairs(numbers: list[int]) -> list[tuple[int, int]]:
    """Return the sides that a size may mean; of three numbers the channels are the first or the last."""
    return [(numbers[0], numbers[1]), *([(numbers[1], numbers[2])] if len(numbers) == 3 else [])]


def _known(subject: Subject) -> Iterator[tuple[Any, ...]]:
    """Yield the sides of every map, window and matrix, in both orders."""
    for node in subject.nodes:
        op: Any = node.op
        kernel = getattr(op, "kernel_size", None)
        sides = [node.output.shape[1:], kernel if isinstance(kernel, tuple) else ()]
        if hasattr(op, "out_features"):
            sides.append((subject.inputs(node)[0][-1], op.out_features))
        for pair in sides:
            if len(pair) == 2:
                yield pair[0], pair[1]
                yield pair[1], pair[0]


def _span(text: Text, filled: str, match: re.Match[str]) -> Span:
    """Return where something is said; with drawn values in it, the text."""
    return text.at(match.start(), match.end()) if filled == text.text else text.span
