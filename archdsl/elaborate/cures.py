"""Edits that cure what building a network finds: a name, an argument, a layer in front."""

from __future__ import annotations

import re

from archdsl.diagnostics import Edit, Fix, closest, renaming
from archdsl.elaborate.words import ARGUMENTS, ELSEWHERE, INFERRED, NO_ARGUMENT, OTHERWISE
from archdsl.lang import ast
from archdsl.ops import OPS, Op
from archdsl.source import Source, Span

SAME = frozenset(
    "Conv2D Convolution2D conv2d Conv2DTranspose Deconvolution2D Dense FC FullyConnected fc InnerProduct linear "
    "MaxPooling2D MaxPool2D max_pool2d AveragePooling2D AvgPool2D avg_pool2d adaptive_avg_pool2d LRN Swish Relu relu "
    "softmax sigmoid tanh gelu leaky_relu flatten FlattenLayer dropout SpatialDropout2D DropPath".split()
)
"""Names of other libraries for one layer of PyTorch with the same arguments in front."""

OTHER_MEANING = frozenset(("axis", "size", "scale", "out", "p"))
"""Arguments whose name elsewhere may stand for something else."""

_LABEL = re.compile(r'(?:[A-Za-z_]\w*(?:\[[^\[\]\n]*\])?|"[^"\n]*")[ \t]*:[ \t\n]*\Z')
_ARROW = re.compile(r"[ \t\r\n]*(?:->|→)[ \t]*\Z")
_FARTHEST = 200


def layer_name(node: ast.Call, source: Source) -> Fix | None:
    """Return the edit that gives a layer PyTorch's name, where another library's is known."""
    meant = ELSEWHERE.get(node.name, "")
    if node.name in OTHERWISE:
        return None
    if meant == "Flatten" and node.arguments:  # those of a `view` are sizes, not axes
        return Fix.replacing(node.span(source), meant)
    if meant in OPS:
        return renaming(node.span(source), node.name, meant, safe=node.name in SAME)
    if re.fullmatch(r"\w+\([\w.=]+\)", meant) and meant.partition("(")[0] in OPS and not node.arguments:
        return Fix.replacing(node.span(source), meant)
    return None


def layer_import(node: ast.Call, home: str, source: Source) -> Fix:
    """Return the edit that imports a block of a bundled spec, in front of the first definition or import."""
    first = re.search(r"^(?:from|let|defaults|seq|block|model|test)\b", source.text, re.MULTILINE)
    at = first.start() if first else 0
    gap = "" if first and first[0] == "from" else "\n"
    line = f"from {home} import {node.name}"
    return Fix.replacing(Span(source, at, at), f"{line}\n{gap}", title=f"write `{line}` at the top")


def argument_name(cls: type[Op], argument: ast.Argument, source: Source) -> Fix | None:
    """Return the edit that gives an argument PyTorch's name, where one is near."""
    name, known = argument.name or "", [a.name for a in cls.arguments]
    if name in NO_ARGUMENT or name in INFERRED:
        return None
    meant = ARGUMENTS.get(name)
    if meant in known:
        return renaming(argument.span(source), name, meant, safe=name not in OTHER_MEANING)
    close = closest(name, known)
    return renaming(argument.span(source), name, close) if close else None


def without_argument(node: ast.Call, argument: ast.Argument, source: Source, *, safe: bool = False) -> Fix:
    """Return the edit that leaves an argument out, with one of the commas beside it."""
    place = node.arguments.index(argument)
    start, end = argument.start, argument.end
    if place + 1 < len(node.arguments):
        end = node.arguments[place + 1].start
    elif place:
        start = node.arguments[place - 1].end
    else:
        start, end = node.start + len(node.name), node.end
    title = f"leave out `{argument.span(source).text}`"
    return Fix(title, (Edit(Span(source, start, end), ""),), safe)


def flattened(node: ast.Call, source: Source) -> Fix:
    """Return the edit that puts a `Flatten` in front of a layer and its label."""
    at = stage_start(node, source)
    return Fix.replacing(Span(source, at, at), "Flatten -> ", title="write `Flatten` in front")


def labelled(node: ast.Syntax, name: str, source: Source) -> Fix:
    """Return the edit that gives a layer the name that it has from its place."""
    return Fix.replacing(Span(source, node.start, node.start), f"{name}: ", title=f"label it `{name}:`", safe=True)


def left_out(node: ast.Syntax, source: Source) -> Fix | None:
    """Return the edit that leaves out a layer behind an arrow, with the arrow and its label."""
    start = stage_start(node, source)
    arrow = _ARROW.search(source.text, max(0, start - _FARTHEST), start)
    if arrow is None:
        return None
    written = source.text[node.start : node.end]
    return Fix(f"leave out `-> {written}`", (Edit(Span(source, arrow.start(), node.end), ""),))


def required(span: Span, condition: str) -> Fix:
    """Return the edit that states a condition below an input, indented as that is."""
    source = span.source
    line = source.text.rfind("\n", 0, span.start) + 1
    before = source.text[line : span.start]
    gap = f"\n{before}" if not before.strip() else "  "
    after = Span(source, span.end, span.end)
    return Fix.replacing(after, f"{gap}require {condition}", title=f"write `require {condition}`", safe=True)


def without_statement(node: ast.Syntax, source: Source) -> Fix:
    """Return the edit that takes a statement away, with its line where nothing else stands on it."""
    text, start, end = source.text, node.start, node.end
    line = text.rfind("\n", 0, start) + 1
    after = re.compile(r"[ \t]*(?:#[^\n]*)?(?:\r?\n|\Z)").match(text, end)
    if after is not None and not text[line:start].strip():
        start, end = line, after.end()
    return Fix("leave the statement out", (Edit(Span(source, start, end), ""),))


def stage_start(node: ast.Syntax, source: Source) -> int:
    """Return where a stage begins: at its label, where it has one."""
    label = _LABEL.search(source.text, max(0, node.start - _FARTHEST), node.start)
    return label.start() if label else node.start
