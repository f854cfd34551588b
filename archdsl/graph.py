"""The network as built: a tree of instances (the modules) over a graph of nodes (the ops, in order of running)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from archdsl.lang import ast
from archdsl.ops.base import Op
from archdsl.source import Source, Span
from archdsl.tensors import Shape, TensorType

if TYPE_CHECKING:
    import networkx


class Call(NamedTuple):
    """A later call of a shared module: its nodes, of the paths of the first call's, and what went in and came out."""

    nodes: tuple[Node, ...]
    feeds: tuple[Node, ...]
    results: tuple[Node, ...]


@dataclass(slots=True, eq=False, repr=False)
class Instance:
    """A definition put to use: one module of the PyTorch model, and the frame that its nodes point to.

    `kind` is `model`, `block`, `seq`, `group` (parentheses), or `list` (indexed labels).
    """

    path: str
    kind: str
    source: Source
    syntax: ast.Syntax
    """Where it was called, in the source of its parent."""
    parent: Instance | None
    definition: ast.Definition | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)
    loops: Mapping[str, Any] = field(default_factory=dict)
    children: list[Instance | Node] = field(default_factory=list)
    inits: tuple[ast.Init, ...] = ()
    results: tuple[Node, ...] = ()
    """What it gave: one tensor, or several where a block has several outputs; none where it failed."""
    feeds: tuple[Node, ...] = ()
    """What it was fed, in the order of its inputs; a model is fed nothing."""
    again: list[Call] = field(default_factory=list)
    """The later calls of a shared module."""

    @property
    def name(self) -> str:
        return self.path.rpartition(".")[2]

    @property
    def result(self) -> Node | None:
        """The tensor that it gave, where that is one."""
        return self.results[0] if len(self.results) == 1 else None

    @property
    def span(self) -> Span:
        return self.syntax.span(self.parent.source if self.parent else self.source)

    def nodes(self) -> Iterator[Node]:
        """Yield every node below this instance, in order."""
        for child in self.children:
            if isinstance(child, Node):
                yield child
            else:
                yield from child.nodes()


@dataclass(slots=True, eq=False, repr=False)
class Node:
    """One op applied to the results of others. A shared module has one node a call, all of one path."""

    index: int
    path: str
    call: int
    op: Op
    inputs: tuple[int, ...]
    output: TensorType
    syntax: ast.Syntax
    instance: Instance
    is_module: bool

    @property
    def module(self) -> str | None:
        """The path of the PyTorch module, or `None` for a function such as an addition."""
        return self.path if self.is_module else None

    @property
    def id(self) -> str:
        """The path, and the call where it is not the first: unique in the graph."""
        return f"{self.path}#{self.call}" if self.call else self.path

    @property
    def span(self) -> Span:
        return self.syntax.span(self.instance.source)

    def __repr__(self) -> str:
        return f"Node({self.index}, {self.id}, {self.op}, {self.output})"


@dataclass(slots=True, eq=False, repr=False)
class Graph:
    """Nodes in order of running; those of `inputs` stand for what is fed in."""

    model: str
    root: Instance
    nodes: list[Node]
    inputs: dict[str, Node]
    outputs: dict[str, Node]
    training_outputs: frozenset[str]
    training_only: frozenset[int]
    """Indexes of nodes that only outputs `when training` depend on."""

    @property
    def layers(self) -> list[Node]:
        """Every node but the inputs."""
        fed = {node.index for node in self.inputs.values()}
        return [node for node in self.nodes if node.index not in fed]

    @property
    def is_symbolic(self) -> bool:
        """Whether an input size is left open."""
        return any(node.output.is_symbolic for node in self.inputs.values())

    def types(self, node: Node) -> tuple[TensorType, ...]:
        """Return what the inputs of a node are."""
        nodes = self.nodes
        return tuple([nodes[i].output for i in node.inputs])

    def weights(self, node: Node) -> dict[str, Shape]:
        """Return the learned tensors that this node brings: a later call of a module brings none."""
        return {} if node.call else node.op.weights(*self.types(node))

    def to_networkx(self) -> networkx.DiGraph[str]:
        """Return the graph with node ids as nodes; `shape`, `op`, `params` and `macs` as their data."""
        import networkx

        result: networkx.DiGraph[str] = networkx.DiGraph(name=self.model)
        for node in self.nodes:
            types = self.types(node)
            params = sum(TensorType(shape).elements for shape in self.weights(node).values())
            macs = None if self.is_symbolic else node.op.macs(types, node.output)
            shape = tuple(size if isinstance(size, int) else str(size) for size in node.output.shape)
            result.add_node(node.id, op=node.op.name, shape=shape, params=params, macs=macs, module=node.module)
            for i in node.inputs:
                result.add_edge(self.nodes[i].id, node.id)
        return result


class Feed(Op):
    """Stand for what is fed into the network."""

    name = "input"
    source = "none: an input computes nothing"
    is_module = False
    arity = 0
