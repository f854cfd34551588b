"""Shapes as docstrings say them."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.codegen.uses import Use
from archdsl.tensors import Shape


def fed_and_given(use: Use) -> tuple[tuple[Shape, ...], tuple[Shape, ...]]:
    """Return the shapes of what a use was fed, and of what it gave outside of training."""
    if use.instance is not use.graph.root:
        return tuple(n.output.known for n in use.instance.feeds), tuple(n.output.known for n in use.instance.results)
    regular = [n for word, n in use.graph.outputs.items() if word not in use.graph.training_outputs]
    return tuple(n.output.known for n in use.graph.inputs.values()), tuple(n.output.known for n in regular)


def in_common(shapes: Sequence[tuple[Shape, ...]], channels: Sequence[str], *, sized: bool) -> str:
    """Return the shapes of several tensors over all uses; sizes that differ, or are not wanted, are left open."""
    written: list[str] = []
    for number, across in enumerate(zip(*shapes, strict=False)):
        if len({len(shape) for shape in across}) > 1 or (channels and number >= len(channels)):
            return ""
        first, *rest = [alike(axis) for axis in zip(*across, strict=True)]
        axes = [channels[number] if channels else first, *(rest if sized else ["..."] if rest else [])]
        written.append(f"[{', '.join(axes)}]")
    return ", ".join(written)


def alike(sizes: Sequence[int]) -> str:
    """Return a size that all of them are, or dots."""
    return str(sizes[0]) if len(set(sizes)) == 1 else "..."
