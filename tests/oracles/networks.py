"""Graphs from texts, for tests: a bundled model, or a pipeline behind an input shape."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from archdsl.graph import Graph, Node
from archdsl.pipeline import load, loads

SPECS = Path(__file__).resolve().parent.parent.parent / "specs"


def bundled(model: str, **parameters: Any) -> Graph:
    """Return a model of the bundled file that has it."""
    (path,) = [
        path
        for path in SPECS.glob("*.arch")
        if f"model {model}" in path.read_text(encoding="utf-8").split("test ")[0].replace("(", " ").split("\n")
        or _defines(path, model)
    ]
    return load(path, model, **parameters).graph


def _defines(path: Path, model: str) -> bool:
    return any(line.startswith((f"model {model} ", f"model {model}(")) for line in path.read_text("utf-8").splitlines())


def written(text: str, **parameters: Any) -> Graph:
    """Return the last model of a text."""
    return loads(text, text.split("model ")[-1].split("(")[0].split(" ")[0].split("{")[0], **parameters).graph


def chain(text: str, *shape: int) -> Graph:
    """Return a pipeline as a graph: `chain("Conv2d(8, 3) -> ReLU", 3, 32, 32)`."""
    return written(f"model Net {{\n input x: [{', '.join(map(str, shape))}]\n output y = x -> {text}\n}}")


def named(graph: Graph, path: str) -> Node:
    """Return the last node of a path, or the result of the instance of that path."""
    found = [node for node in graph.nodes if node.path == path or node.path.startswith(f"{path}.")]
    return found[-1]
