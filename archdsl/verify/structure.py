"""Modules, parameters and buffers, one by one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from archdsl.graph import Graph, Instance, Node
from archdsl.verify.checks import Check, compared, ended
from archdsl.verify.subject import Subject, shape


def _blocks(instance: Instance) -> Iterator[str]:
    """Yield the paths of everything that is made of layers; some of it may hold none."""
    for child in instance.children:
        if isinstance(child, Instance):
            yield child.path
            yield from _blocks(child)


def _constructed(graph: Graph, node: Node) -> str:
    """Return how PyTorch spells the layer that an op says it is."""
    call = node.op.module(*graph.types(node))
    assert call is not None, "a layer has a module"
    kind = getattr(nn, call.name.removeprefix("nn."), None)
    if kind is None:
        return call.name  # a small class that comes with the code
    with torch.device("meta"):
        return _spelled(kind(*call.positional, **call.keywords))


def _spelled(module: nn.Module) -> str:
    """Return a layer with its arguments; whether it works in place changes no result, and 1 is 1.0."""
    kind = type(module).__name__
    if getattr(nn, kind, None) is not type(module):
        return kind
    given = {k: v for k, v in vars(module).items() if not k.startswith("_") and k not in ("training", "inplace")}
    return f"{kind}({', '.join(f'{word}={_alike(value)}' for word, value in sorted(given.items()))})"


def _alike(value: Any) -> Any:
    """Return an argument in one of its spellings: PyTorch keeps a number per axis, or one for all, as it was given."""
    if isinstance(value, tuple | list):
        items = [_alike(item) for item in value]
        return items[0] if items and len(set(map(str, items))) == 1 else tuple(items)
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def modules(subject: Subject, model: nn.Module) -> Check:
    """Compare the path, the kind and the arguments of every layer."""
    expected = {n.module: _constructed(subject.graph, n) for n in subject.graph.layers if n.module and not n.call}
    found = {path: _spelled(one) for path, one in model.named_modules() if not any(one.children())}
    blocks = {"", *_blocks(subject.graph.root)}
    blocks |= {path for path, kind in found.items() if kind in ("Sequential()", "ModuleList()", "ModuleDict()")}
    found = {path: kind for path, kind in found.items() if path in expected or path not in blocks}
    return ended(
        "modules", f"{len(expected):,} layers, each by its path, kind and arguments", compared(expected, found)
    )


def parameters(subject: Subject, model: nn.Module) -> Check:
    """Compare the names and shapes of all learned tensors and buffers."""
    counted = subject.analysis.parameters
    learned = {name: shape(p) for name, p in model.named_parameters()}
    buffers = {name: shape(b) for name, b in model.named_buffers()}
    total = sum(p.numel() for p in model.parameters())
    lines = compared(counted.weights, learned) + compared(counted.buffer_shapes, buffers)
    if total != subject.analysis.totals.params:
        lines.append(f"in total: {subject.analysis.totals.params:,} in the analysis, {total:,} in the code")
    return ended("parameters", f"{total:,} in {len(learned):,} tensors; {len(buffers):,} buffers", lines)
