"""Strides that come too late: a 1×1 convolution or pool that skips positions, of a map that nobody else reads.

The stride can then stand at an earlier layer, which no longer computes what is skipped. With S_s for taking every s-th
position from the first on, these are equal, and nothing else is used:

1. S_s f(x, y, …) = f(S_s x, S_s y, …), where f computes a position from the same position of its inputs alone.
2. S_s(convolution or pool of stride t) = the same of stride s·t: its output o reads what output s·o read. It must
   have as many outputs, ⌈n / s⌉ of n; pools that round up may not.
3. (kernel 1, no padding, stride s·t) = (stride t) after S_s: output o reads position o·s·t in both.
4. S_s S_t = S_st.

So a demand for every s-th position goes back from rule 3 through rules 1 and 3, as far as all readers of a map agree on
one, until rule 2 meets it. Where an input of rule 1 is needed whole by others, S_s stands between as a pool of kernel
1, as on the shortcuts of TF-Slim (`resnet_utils.subsample`). All this is so in evaluation; in training, a batch norm
takes its mean over the positions that are there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import gcd
from operator import gt, lt
from typing import NamedTuple

from archdsl.graph import Graph, Node
from archdsl.ops import SAME, ArgumentError, Op, Reads, ShapeError, Window
from archdsl.tensors import TensorType

Steps = tuple[int, ...]
"""Per axis, which positions count: every step-th from the first on."""


class NewStride(NamedTuple):
    """A layer and its stride per axis, as it is and as it may be."""

    node: Node
    before: Steps
    after: Steps


class Subsampling(NamedTuple):
    """A pool of kernel 1 to put between a node and one of its readers, with its stride per axis."""

    source: Node
    reader: Node
    stride: Steps


@dataclass(frozen=True, slots=True)
class Rewrite:
    """Changes which together leave what evaluation computes, and every weight, as they are."""

    strides: tuple[NewStride, ...]
    """In order of running."""
    subsampled: tuple[Subsampling, ...]
    saved_macs: int

    @property
    def takers(self) -> tuple[NewStride, ...]:
        """The layers that take a stride, and do less."""
        return tuple([one for one in self.strides if any(map(gt, one.after, one.before))])

    @property
    def givers(self) -> tuple[NewStride, ...]:
        """The layers that give one up."""
        return tuple([one for one in self.strides if any(map(lt, one.after, one.before))])


def moved_strides(graph: Graph) -> tuple[Rewrite, ...]:
    """Return every rewrite by the rules above that makes a layer do less; each is apart from the others."""
    shared = {node.path for node in graph.nodes if node.call}
    steps = _demands(graph, shared)
    rewrites = [_rewrite(graph, nodes, steps, shared) for nodes in _regions(graph, steps)]
    return tuple([one for one in rewrites if one is not None])


def _demands(graph: Graph, shared: set[str]) -> dict[int, Steps]:
    """Return the nodes of which every step-th position is enough, and which can do without computing the others."""
    ends = {node.index for node in (*graph.inputs.values(), *graph.outputs.values())}
    asked: dict[int, Steps] = {}
    steps: dict[int, Steps] = {}
    known: dict[tuple[int, tuple[TensorType, ...], Steps], bool] = {}
    for node in reversed(graph.nodes):
        every = (1,) * len(node.output.spatial)
        wanted = asked.get(node.index, every) if node.index not in ends else every
        types = graph.types(node)
        windows = node.op.windows(types, node.output)
        point, kernel = _is_pointwise(node, types, windows), _strided(node, windows, shared)
        if wanted != every:
            key = id(node.op), types, wanted
            if not point and key not in known:
                known[key] = kernel is not None and _takes(node, types, wanted)
            if point or known[key]:
                steps[node.index] = wanted
            else:
                wanted = every
        for i, source, window in zip(node.inputs, types, windows, strict=True):
            demand = (1,) * len(source.spatial)
            if point and window is SAME:
                demand = wanted
            elif kernel is not None and all(reads.taps == (range(1),) for reads in kernel):
                demand = tuple([reads.shift * step for reads, step in zip(kernel, wanted, strict=True)])
            asked[i] = tuple(map(gcd, asked[i], demand)) if i in asked else demand
    return steps


def _is_pointwise(node: Node, types: tuple[TensorType, ...], windows: tuple[Window, ...]) -> bool:
    """Tell whether rule 1 holds; a factor of one position is the same for all."""
    rank = len(node.output.shape)
    return SAME in windows and all(
        len(source.shape) == rank and (window is SAME or source.spatial == (1,) * (rank - 1))
        for source, window in zip(types, windows, strict=True)
    )


def _strided(node: Node, windows: tuple[Window, ...], shared: set[str]) -> tuple[Reads, ...] | None:
    """Return the window of a layer that has a stride which can be another, and slides it over one input."""
    if len(windows) != 1 or not isinstance(windows[0], tuple) or node.path in shared or _stride(node.op) is None:
        return None
    found = tuple([reads for reads in windows[0] if reads is not None and len(reads.taps) == 1])
    return found if len(found) == len(windows[0]) else None


def _stride(op: Op) -> Steps | None:
    """Return the stride of an op that has one: that of a pool is its kernel unless given."""
    if all(argument.name != "stride" for argument in op.arguments):
        return None
    stride: Steps | None = vars(op)["stride"]
    return vars(op)["kernel_size"] if stride is None else stride


def _restrided(op: Op, stride: Steps) -> Op | None:
    """Return the same op with another stride, if it can have that."""
    try:
        return type(op)(**(op.non_defaults() | {"stride": stride}))
    except ArgumentError:
        return None


def _takes(node: Node, types: tuple[TensorType, ...], wanted: Steps) -> bool:
    """Tell whether rule 2 holds: the same taps, farther apart, and as many outputs as are wanted."""
    stride = _stride(node.op)
    made = _restrided(node.op, _times(stride, wanted)) if stride is not None else None
    if made is None:
        return False
    try:
        output = made.output(*types)
    except ShapeError:
        return False
    (old,), (new,) = node.op.windows(types, node.output), made.windows(types, output)
    if not isinstance(old, tuple) or not isinstance(new, tuple):
        return False
    apart = tuple([reads and Reads(reads.shift * step, reads.taps) for reads, step in zip(old, wanted, strict=True)])
    return new == apart and output == _thinned(node.output, wanted)


def _times(a: Steps, b: Steps) -> Steps:
    return tuple([x * y for x, y in zip(a, b, strict=True)])


def _over(a: Steps, b: Steps) -> Steps:
    return tuple([x // y for x, y in zip(a, b, strict=True)])


def _thinned(x: TensorType, steps: Steps | None) -> TensorType:
    """Return what is left of a map of which every step-th position is taken."""
    if steps is None:
        return x
    return TensorType((x.channels, *[-(-size // step) for size, step in zip(x.known[1:], steps, strict=True)]))


def _regions(graph: Graph, steps: Mapping[int, Steps]) -> list[list[Node]]:
    """Return the thinned nodes and their readers, in order, apart where no edge joins them."""
    leader: dict[int, int] = {}

    def first(index: int) -> int:
        while leader.setdefault(index, index) != index:
            leader[index] = leader[leader[index]]
            index = leader[index]
        return index

    for node in graph.nodes:
        if node.index in steps:
            first(node.index)
        for i in node.inputs:
            if i in steps:
                leader[first(node.index)] = first(i)
    regions: defaultdict[int, list[Node]] = defaultdict(list)
    for index in sorted(leader):
        regions[first(index)].append(graph.nodes[index])
    return list(regions.values())


def _rewrite(graph: Graph, nodes: list[Node], steps: Mapping[int, Steps], shared: set[str]) -> Rewrite | None:
    """Return the changes in one region; none where nothing is saved, or where a layer cannot take its new input."""
    made = Rewrite((), (), 0)
    for node in nodes:
        after = _changed(graph, node, steps, shared)
        if after is None:
            return None
        made = replace(
            made,
            strides=made.strides + after.strides,
            subsampled=made.subsampled + after.subsampled,
            saved_macs=made.saved_macs + after.saved_macs,
        )
    does_less = any(_thinned(one.node.output, steps[one.node.index]) != one.node.output for one in made.takers)
    return made if does_less else None


def _changed(graph: Graph, node: Node, steps: Mapping[int, Steps], shared: set[str]) -> Rewrite | None:
    """Return the changes at one node; its new op is asked for its output, which must be the old one's thinned."""
    every = (1,) * len(node.output.spatial)
    own, types, op = steps.get(node.index, every), graph.types(node), node.op
    windows = op.windows(types, node.output)
    fed, strides, between = list[TensorType](), list[NewStride](), list[Subsampling]()
    if _strided(node, windows, shared) is not None:
        before, given = _stride(op) or every, steps.get(node.inputs[0], every)
        after = _over(_times(before, own), given)
        fed.append(_thinned(types[0], given))
        if after != before:
            changed = _restrided(op, after)
            if changed is None:
                return None
            op = changed
            strides.append(NewStride(node, before, after))
    else:
        for i, source, window in zip(node.inputs, types, windows, strict=True):
            given, wanted = steps.get(i, every), own if window is SAME else every
            if given != wanted:
                between.append(Subsampling(graph.nodes[i], node, _over(wanted, given)))
            fed.append(_thinned(source, wanted) if window is SAME else source)
    try:
        output = op.output(*fed)
    except ShapeError:
        return None
    if output != _thinned(node.output, steps.get(node.index)):
        return None
    saved = node.op.macs(types, node.output) - op.macs(tuple(fed), output)
    return Rewrite(tuple(strides), tuple(between), saved)
