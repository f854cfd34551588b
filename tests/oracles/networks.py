"""Graphs from texts, for tests: a bundled model, a model written out, or a pipeline behind an input shape."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from archdsl.graph import Graph, Node
from archdsl.pipeline import load, loads

SPECS = Path(__file__).resolve().parent.parent.parent / "specs"


def bundled(model: str, **parameters: Any) -> Graph:
    """Return a model of the bundled file that defines it."""
    starts = (f"model {model} ", f"model {model}(")
    (path,) = [p for p in SPECS.glob("*.arch") if any(map(p.read_text("utf-8").count, starts))]
    return load(path, model, **parameters).graph


def written(text: str, model: str | None = None, **parameters: Any) -> Graph:
    """Return a model of a text; it is named if there are several."""
    return loads(text, model, **parameters).graph


def chain(text: str, *shape: int) -> Graph:
    """Return a pipeline as a graph: `chain("Conv2d(8, 3) -> ReLU", 3, 32, 32)`."""
    return written(f"model Net {{\n input x: [{', '.join(map(str, shape))}]\n output y = x -> {text}\n}}")


def last(graph: Graph, path: str = "") -> Node:
    """Return the last node of this path or below it; without a path, the last of all."""
    return [n for n in graph.nodes if not path or n.path == path or n.path.startswith(f"{path}.")][-1]
