"""What occurred when the models of a file were built: every use of a definition, and every node of a call in it.

Code is written from definitions. What it has to know beyond their text - the name of an unlabelled layer, a size that
a linear layer is given, whether a parameter ever takes a second value - is read off here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from archdsl.elaborate import Elaboration
from archdsl.graph import Graph, Instance, Node
from archdsl.lang import ast


@dataclass(slots=True, eq=False)
class Use:
    """One instance of a definition in one model."""

    graph: Graph
    instance: Instance

    @property
    def arguments(self) -> Mapping[str, Any]:
        return self.instance.arguments


@dataclass(slots=True, eq=False)
class Uses:
    """The uses of every definition, and the nodes and modules that each piece of its text made."""

    of: dict[int, list[Use]] = field(default_factory=lambda: defaultdict(list))
    """By the identity of a definition."""
    nodes: dict[int, list[tuple[Use, Node]]] = field(default_factory=lambda: defaultdict(list))
    """By the identity of the syntax of a call."""
    modules: dict[int, list[tuple[Use, Instance]]] = field(default_factory=lambda: defaultdict(list))
    """By the identity of the syntax of a block's call or of a group."""

    def add(self, elaboration: Elaboration, definition: ast.Definition) -> None:
        """Enter everything that a model is made of."""
        graph = elaboration.graph
        self._enter(graph, graph.root, Use(graph, graph.root), definition)

    def _enter(self, graph: Graph, instance: Instance, use: Use, definition: ast.Definition | None) -> None:
        pending: list[tuple[Instance, Use]] = [(instance, use)]
        self.of[id(definition)].append(use)
        while pending:
            instance, use = pending.pop()
            for child in instance.children:
                if isinstance(child, Node):
                    self.nodes[id(child.syntax)].append((use, child))
                    continue
                self.modules[id(child.syntax)].append((use, child))
                inner = use
                if child.definition is not None:
                    inner = Use(graph, child)
                    self.of[id(child.definition)].append(inner)
                pending.append((child, inner))

    def types(self, syntax: ast.Syntax) -> Iterator[tuple[Node, tuple[Any, ...]]]:
        """Yield the nodes of a call with the types of their inputs."""
        for use, node in self.nodes.get(id(syntax), ()):
            yield node, use.graph.types(node)

    def attributes(self, syntax: ast.Syntax) -> list[list[str]]:
        """Return, for each use of the definition, what the children that a call made are called."""
        found: dict[int, list[str]] = {}
        for use, child in (*self.nodes.get(id(syntax), ()), *self.modules.get(id(syntax), ())):
            inside = len(use.instance.path)
            name = child.path[inside:].lstrip(".")
            names = found.setdefault(id(use), [])
            if name not in names:
                names.append(name)
        return list(found.values())
