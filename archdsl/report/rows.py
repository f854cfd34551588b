"""The folded view: one row a layer or a module, to a depth; equal neighbours are one row with a count."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

from archdsl.analysis import Analysis, Field
from archdsl.graph import Instance, Node
from archdsl.ops import spell
from archdsl.tensors import dims

ENOUGH = 8
"""The view is unfolded until it has this many rows."""
DEEPEST = 100


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. `count` is how many blocks a module repeats, or how many equal rows are folded."""

    path: str
    what: str
    output: str
    params: int
    macs: int | None
    field: str
    stride: str
    count: int = 1
    training_only: bool = False
    shown: tuple[Node, ...] = ()
    """The nodes whose field it shows."""


def rows(analysis: Analysis, depth: int | None = None, only: str | None = None) -> list[Row]:
    """Return the rows of an analysis; without a depth, as shallow as gives a table worth reading.

    Raises:
        KeyError: there is no module or layer `only`.
    """
    top = _at(analysis, only) if only else analysis.graph.root
    if isinstance(top, Node):
        return [_of_node(analysis, top)]
    if depth is not None:
        return _folded(_below(analysis, top, depth))
    found: list[Row] = []
    for tried in range(1, DEEPEST):
        deeper = _folded(_below(analysis, top, tried))
        if len(deeper) == len(found):
            break
        found = deeper
        if len(found) >= ENOUGH:
            break
    return found


def paths(instance: Instance) -> Iterator[tuple[str, Instance | Node]]:
    """Yield every module and layer below an instance with its path."""
    for child in instance.children:
        if isinstance(child, Node):
            yield child.id, child
        else:
            yield child.path, child
            yield from paths(child)


def _at(analysis: Analysis, path: str) -> Instance | Node:
    return dict(paths(analysis.graph.root))[path]


def _below(analysis: Analysis, instance: Instance, depth: int) -> list[Row]:
    """Return the rows below a module in order of running: the parts of a list may run far apart."""
    found = sorted(_numbered(analysis, instance, depth), key=lambda pair: pair[0])
    return [row for _, row in found]


def _numbered(analysis: Analysis, instance: Instance, depth: int) -> Iterator[tuple[int, Row]]:
    fed = {node.index for node in analysis.graph.inputs.values()}
    for child in instance.children:
        if isinstance(child, Node):
            if child.index not in fed:
                yield child.index, _of_node(analysis, child)
        elif child.kind == "list":
            yield from _numbered(analysis, child, depth)
        elif depth > 1:
            yield from _numbered(analysis, child, depth - 1)
        elif (first := next(child.nodes(), None)) is not None:
            yield first.index, _of_instance(analysis, child)


def _of_node(analysis: Analysis, node: Node) -> Row:
    field, stride = field_text(analysis, node)
    return Row(
        node.id,
        str(node.op),
        dims(node.output.shape),
        analysis.parameters.counts[node.index],
        None if analysis.node_macs is None else analysis.node_macs[node.index],
        field,
        stride,
        training_only=node.index in analysis.graph.training_only,
        shown=(node,),
    )


def _of_instance(analysis: Analysis, instance: Instance) -> Row:
    nodes = list(instance.nodes())
    counts, macs = analysis.parameters.counts, analysis.node_macs
    seen = [field_text(analysis, result) for result in instance.results]
    blocks = [child for child in instance.children if isinstance(child, Instance) and child.kind in ("block", "seq")]
    return Row(
        instance.path,
        _what(instance),
        ", ".join(dims(result.output.shape) for result in instance.results),
        sum(counts[node.index] for node in nodes),
        None if macs is None else sum(macs[node.index] for node in nodes),
        ", ".join(dict.fromkeys(field for field, _ in seen)),
        ", ".join(dict.fromkeys(stride for _, stride in seen)),
        len(blocks) if len(blocks) > 1 and len(blocks) == len(instance.children) else 1,
        all(node.index in analysis.graph.training_only for node in nodes),
        instance.results,
    )


def _what(instance: Instance) -> str:
    if instance.definition is None:
        return "Sequential"
    values = ", ".join(
        value.definition.name if hasattr(value, "definition") else spell(value) for value in instance.arguments.values()
    )
    return f"{instance.definition.name}({values})"


def _folded(found: list[Row]) -> list[Row]:
    """Join neighbours that are equal but for their paths and receptive fields: `layer1.1 … layer1.2 ×2`."""
    joined: list[Row] = []
    first = 0
    for i, row in enumerate(found):
        if joined and _alike(found[i - 1], row):
            run = i - first + 1
            path = f"{found[first].path} … {_last(row.path)}"
            joined[-1] = replace(
                row, path=path, count=run, params=found[first].params * run, macs=_times(found[first].macs, run)
            )
        else:
            joined.append(row)
            first = i
    return joined


def _alike(a: Row, b: Row) -> bool:
    same = (a.what, a.output, a.params, a.macs, a.count) == (b.what, b.output, b.params, b.macs, b.count)
    return same and a.params > 0 and _unnumbered(a.path) == _unnumbered(b.path) and a.count == 1


def _unnumbered(path: str) -> str:
    """Return a path without the number at its end: neighbours that are numbered on may be folded."""
    return path.rstrip("0123456789")


def _last(path: str) -> str:
    return path.rpartition(".")[2]


def _times(macs: int | None, count: int) -> int | None:
    return None if macs is None else macs * count


def field_text(analysis: Analysis, node: Node) -> tuple[str, str]:
    """Return the receptive field and its stride as a table shows them."""
    fields: dict[str, Field] = analysis.fields[node.index]
    if not fields:
        return "–", "–"
    sizes, strides = [], []
    for field in fields.values():
        if field.global_ is not None:
            sizes.append("image")
            strides.append("–")
        else:
            sizes.append(_axes([str(s) if s is not None else "?" for s in field.size]))
            strides.append(_axes([_fraction(s) for s in field.stride] if field.stride else ["–"]))
    return " | ".join(dict.fromkeys(sizes)), " | ".join(dict.fromkeys(strides))


def _axes(values: list[str]) -> str:
    return values[0] if len(set(values)) == 1 else "×".join(values)


def _fraction(value: Fraction | None) -> str:
    return "–" if value is None else str(value)
