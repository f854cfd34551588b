"""A topic as a sheet to change: the same problem, with a comment above each key that says what it means."""

from __future__ import annotations

import re

from archdsl.exam.reading.fields import ID
from archdsl.exam.topics import Topic

COMMENTS = {
    "exam": ("A name for files and records: letters, digits, `-` and `_`.",),
    "title": (),
    "conventions": (
        "What the sheet means by its words; whoever answers is told. Also: rounding: floor|ceil_pool,",
        "layout: any|CHW|HWC|strict, bias: counted|ignored, bn: trainable|all, work: macs|flops,",
        "rf: theoretical|clipped, kilo: 1000|1024.",
    ),
    "problems": (
        "Shares of a part's marks; a mistake that is not named here earns nothing.",
        "marking: {follow_through: full, repeated_mistake: 0.5, slip: 0.75, mistakes: {P01: 0.5}}",
        "",
    ),
    "draw": ("One value of each list is drawn for every student; leave it out where all get the same numbers.",),
    "require": (
        "What drawn values must satisfy, else they are drawn again: comparisons (`0 < p < k`), `apart(S01, S03)` (the",
        "right answer and these mistakes differ), `exact` (no layer drops rows), `fits`, `digits(params, 3, 6)`.",
    ),
    "net": (
        "Statements of a model's body; drawn names may stand in them. The layers' names are what `ask` speaks of.",
    ),
    "nets": ("Several networks, each a model's body; `ask` speaks of `params(name)` and `params(name.layer)`.",),
    "text": ("Markdown; {{ n }} is a drawn value, {{ net.table }} the network.",),
    "parts": (
        "ask: shape, params, weights, biases, buffers, receptive_field, jump, macs, flops, activations, memory, valid,",
        "paths: of a layer, or of the whole network, or arithmetic of them. marks: what the part is worth. after: the",
        "parts whose answers this one builds on, for marks that follow through. tolerance: a share of the value.",
        "choices: 4 makes four options from real mistakes. key: your own answer, which `archdsl exam check` compares.",
    ),
    "hints": ("By part, the steps of help, the gentlest first.",),
}
"""What stands above the first of each key."""
_KEY = re.compile(r"( *)(?:- )?([a-z]+):(?: |$)")


def skeleton(topic: Topic, name: str = "") -> str:
    """Return a topic's sheet with comments; `name` is what the exam is called, where that can be its name."""
    lines: list[str] = []
    seen: set[str] = set()
    for line in topic.text.splitlines():
        match = _KEY.match(line)
        key = match[2] if match else ""
        # The top, the problem and its keys; what is deeper are drawn names, layers and words of texts.
        if match and key in COMMENTS and key not in seen and len(match[1]) in (0, 4):
            seen.add(key)
            lines += [f"{match[1]}# {words}".rstrip() if words else "" for words in COMMENTS[key]]
        if key == "exam" and ID.fullmatch(name):
            line = f"exam: {name}"
        lines.append(line)
    return "\n".join(lines) + "\n"
