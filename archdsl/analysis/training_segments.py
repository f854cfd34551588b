"""Checkpoints: which stretches of a network are computed anew in the backward instead of being kept."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import pairwise

from archdsl.graph import Graph, Instance, Node


def segments(graph: Graph, checkpoint: str | Collection[str]) -> tuple[range, ...]:
    """Return the indexes of the nodes of each stretch, in order of running; a shared module has one a call.

    `"block"` stands for every block that stands in no other, or where there is none, for every `seq`.

    Raises:
        ValueError: there is no such module, or no block; or a module does not run in one piece, or stands in another.
    """
    chosen = _blocks(graph) if checkpoint == "block" else _named(graph, checkpoint)
    found: list[range] = []
    for one in chosen:
        for nodes in _runs(one):
            indexes = [node.index for node in nodes]
            if not indexes:
                continue
            first, last = min(indexes), max(indexes)
            if last - first + 1 != len(indexes):
                raise ValueError(f"`{one.path}` does not run in one piece, and cannot be a checkpoint")
            found.append(range(first, last + 1))
    found.sort(key=lambda run: run.start)
    for before, after in pairwise(found):
        if after.start < before.stop:
            raise ValueError(f"`{graph.nodes[after.start].path}` is in two checkpoints")
    return tuple(found)


def _runs(one: Instance) -> Iterator[list[Node]]:
    yield list(one.nodes())
    for again in one.again:
        yield list(again.nodes)


def _blocks(graph: Graph) -> list[Instance]:
    for kind in ("block", "seq"):
        found = [one for one in _outermost(graph.root, kind) if next(one.nodes(), None) is not None]
        if found:
            return found
    raise ValueError(f"there is no block in {graph.model} to put a checkpoint at; give the paths of modules")


def _outermost(root: Instance, kind: str) -> Iterator[Instance]:
    """Yield the instances of a kind that stand in none of that kind."""
    pending = [root]
    while pending:
        one = pending.pop()
        if one.kind == kind:
            yield one
            continue
        pending.extend(child for child in one.children if isinstance(child, Instance))


def _named(graph: Graph, paths: Collection[str]) -> list[Instance]:
    if isinstance(paths, str):
        raise ValueError(f'checkpoints are "block" or paths of modules, not `{paths}`')
    known: dict[str, Instance] = {}
    pending = [graph.root]
    while pending:
        one = pending.pop()
        known[one.path] = one
        pending.extend(child for child in one.children if isinstance(child, Instance))
    for path in paths:
        if path not in known or not path:
            raise ValueError(f"there is no module `{path}` to put a checkpoint at")
    return [known[path] for path in dict.fromkeys(paths)]
