"""What follows a flattened map: its shapes too are functions of the input sizes, the features of its first layer are.

A model with open sizes cannot be built past there, so it is built at numbers and the sizes are put back in. That is
right at every size where no name of a size stands anywhere it could choose what is built; elsewhere nothing is said.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from archdsl.graph import Graph, Instance, Node
from archdsl.lang import ast
from archdsl.ops import ShapeError
from archdsl.rules.shapes import SIZE_NEEDED
from archdsl.sizes import Symbolic
from archdsl.sizes.polynomials import Polynomial
from archdsl.tensors import TensorType


def shapes_with_tail(begun: Graph, built: Graph) -> tuple[TensorType, ...] | None:
    """Return the shapes of a graph that was built at numbers as functions of its input sizes.

    `begun` is the same network with open sizes, as far as it goes. `None` where what is built may depend on the sizes.
    """
    known = {node.id: node for node in begun.nodes}
    shapes: list[TensorType] = []
    tail: list[Node] = []
    for node in built.nodes:
        twin = known.get(node.id)
        if twin is None:
            made = _output(node, [shapes[i] for i in node.inputs])
            if made is None:
                return None
            tail.append(node)
            shapes.append(made)
        elif type(twin.op) is type(node.op) and _ids(begun, twin) == _ids(built, node):
            shapes.append(twin.output)
        else:
            return None
    return tuple(shapes) if _is_independent(built, shapes, tail) else None


def _ids(graph: Graph, node: Node) -> list[str]:
    return [graph.nodes[i].id for i in node.inputs]


def _output(node: Node, types: Sequence[TensorType]) -> TensorType | None:
    """Return what a node gives; flattened sizes are multiplied, which needs them as polynomials."""
    for inputs in (types, [multipliable(x) for x in types]):
        try:
            return _simplest(node.op.output(*inputs))
        except ShapeError as error:
            if error.rule != SIZE_NEEDED.name:
                return None
    return None


def multipliable(x: TensorType) -> TensorType:
    """Return a shape whose open sizes are polynomials, for which products have a form."""
    if all(isinstance(size, int) for size in x.shape):
        return x
    sizes: list[object] = [Polynomial.of(size) if isinstance(size, Symbolic) else size for size in x.shape]
    return TensorType(tuple(sizes))  # type: ignore[arg-type]  # ops only add and multiply sizes here, or refuse


def _simplest(x: TensorType) -> TensorType:
    """Return the same shape with products of one size alone as that size."""
    sizes: list[object] = list(x.shape)
    for axis, size in enumerate(sizes):
        if isinstance(size, Polynomial) and (only := size.single) is not None:
            sizes[axis] = only
    return TensorType(tuple(sizes))  # type: ignore[arg-type]  # as above


def _is_independent(graph: Graph, shapes: Sequence[TensorType], tail: Iterable[Node]) -> bool:
    """Whether no definition that makes a part of the tail reads a size that is open but to bind it."""
    seen: dict[int, Instance] = {}
    for node in tail:
        around: Instance | None = node.instance
        while around is not None and id(around) not in seen:
            seen[id(around)] = around
            around = around.parent
    return all(_binds_only(graph, shapes, instance) for instance in seen.values() if instance.definition)


def _binds_only(graph: Graph, shapes: Sequence[TensorType], instance: Instance) -> bool:
    definition = instance.definition
    assert definition is not None, "the caller asks for one"
    is_root = instance.parent is None
    inputs = [statement for statement in definition.body if isinstance(statement, ast.Input)]
    calls = [[graph.inputs[s.name] for s in inputs]] if is_root else [list(instance.feeds)]
    calls += [list(call.feeds) for call in instance.again]
    open_names: set[str] = set()
    for feeds in calls:
        for statement, feed in zip(inputs, feeds, strict=False):
            for dim, size in zip(statement.shape or (), shapes[feed.index].shape, strict=False):
                if isinstance(size, int):
                    continue
                if isinstance(dim.value, ast.Name):
                    open_names.add(dim.value.name)
                elif not is_root:
                    return False  # held against a number
    bound = [p.value.name for s in inputs for p in s.shape or () if isinstance(p.value, ast.Name)]
    if not is_root and any(bound.count(name) > 1 for name in open_names):
        return False
    # What a model requires of its own sizes has been asked of the open ones.
    asked = ast.Input | ast.Require if is_root else ast.Input
    return not any(
        isinstance(part, ast.Name) and part.name in open_names
        for statement in definition.body
        if not isinstance(statement, asked)
        for part in ast.walk(statement)
    )
