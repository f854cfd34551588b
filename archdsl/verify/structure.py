"""Modules, parameters and buffers, one by one."""

from __future__ import annotations

from collections.abc import Iterator

from torch import nn

from archdsl.graph import Instance
from archdsl.verify.checks import Check, compared, ended
from archdsl.verify.subject import Subject, shape


def _blocks(instance: Instance) -> Iterator[str]:
    """Yield the paths of everything that is made of layers; some of it may hold none."""
    for child in instance.children:
        if isinstance(child, Instance):
            yield child.path
            yield from _blocks(child)


def modules(subject: Subject, model: nn.Module) -> Check:
    """Compare the path and the kind of every layer."""
    expected = {n.module: n.op.name for n in subject.graph.layers if n.module is not None}
    found = {path: type(one).__name__ for path, one in model.named_modules() if not any(one.children())}
    blocks = {"", *_blocks(subject.graph.root)}
    blocks |= {path for path, kind in found.items() if kind in ("Sequential", "ModuleList", "ModuleDict")}
    found = {path: kind for path, kind in found.items() if path in expected or path not in blocks}
    return ended("modules", f"{len(expected):,} layers, each by its path and its kind", compared(expected, found))


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
