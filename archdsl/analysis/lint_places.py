"""Lints on where layers read: patterns, holes, positions left unread, branches that do not lie on each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import lru_cache
from math import lcm, prod

from archdsl.analysis.alignment import Meeting, meetings
from archdsl.analysis.gridding import Grid, gridding
from archdsl.analysis.overlap import forward
from archdsl.diagnostics import Diagnostic, Label
from archdsl.graph import Graph, Node
from archdsl.ops import Op, Reads
from archdsl.ops.conv import Conv, ConvTranspose
from archdsl.ops.pool import Pool
from archdsl.ops.sliding import AXES, UNITS
from archdsl.rules import lints
from archdsl.sizes import Symbolic

LONGEST_TURN = 4096
"""Positions of one period that are looked at one by one."""
LONGEST_KERNEL = 256
"""Taps along one axis that are looked at one by one."""


def lint_places(graph: Graph) -> Iterator[Diagnostic]:
    """Report what the positions that layers read give away, each layer for itself and then of the whole."""
    for node in graph.layers:
        if isinstance(node.op, ConvTranspose):
            yield from _checkerboard(graph, node, node.op)
        elif isinstance(node.op, Conv):
            yield from _taps_in_padding(graph, node, node.op)
    yield from _unread(graph)
    yield from _grids(gridding(graph))
    told: set[int] = set()
    for meeting in meetings(graph):
        if meeting.is_apart and meeting.node.index not in told:
            told.add(meeting.node.index)
            yield _misaligned(meeting)


def _checkerboard(graph: Graph, node: Node, op: ConvTranspose) -> Iterator[Diagnostic]:
    window = op.window(graph.types(node), node.output)
    assert isinstance(window, tuple), "a transposed convolution has a window per axis"
    for axis, reads in enumerate(window):
        counts = forward(reads) if reads is not None else (1,)
        if len(set(counts)) == 1:
            continue
        unit = UNITS[len(window)][axis]
        kernel, stride = op.kernel_size[axis], op.stride[axis]
        each = f"{_listed(sorted(set(counts), reverse=True))} taps of its kernel"
        message = f"`{node.path}` sums {each} in turn along its {unit}: a pattern that no training quite removes"
        if 0 in counts:
            message = f"`{node.path}` sums no taps at all in {counts.count(0)} of every {len(counts)} {unit}: only bias"
        good = stride * max(1, -(-kernel // stride))
        better = f"`kernel_size={good}` with `stride={stride}`" + (" and no dilation" if op.dilation[axis] > 1 else "")
        help = (
            f"take a kernel that the stride divides, {better}, or `Upsample(scale_factor={stride})` and a convolution"
        )
        yield Diagnostic(lints.CHECKERBOARD, message, node.span, help=help, layer=node.path)
        return


def _taps_in_padding(graph: Graph, node: Node, op: Conv) -> Iterator[Diagnostic]:
    """Report a convolution of whose weights some meet nothing but zeros at every position."""
    (x,) = graph.types(node)
    if op.padding_mode != "zeros" or max(op.kernel_size) > LONGEST_KERNEL:
        return
    live = []
    sizes = zip(x.spatial, node.output.spatial, op.kernel_size, op.stride, op.dilation, op.pads, strict=True)
    for size, made, kernel, stride, gap, (before, _) in sizes:
        if isinstance(size, Symbolic) or isinstance(made, Symbolic):
            return
        live.append(_live(kernel, stride, gap, before, made, size))
    taps = prod(op.kernel_size)
    dead = taps - prod(live)
    if dead:
        params = dead * op.out_channels * (x.channels // op.groups)
        message = f"{dead:,} of the {taps:,} taps of `{node.path}` read padding alone on its input {x}: "
        message += f"{params:,} parameters are multiplied by zero everywhere, and never learn"
        smaller = "a kernel of 1" if prod(live) == 1 else "a smaller kernel or dilation"
        help = f"take a larger input, halve the map less often before, or take {smaller}"
        yield Diagnostic(lints.TAPS_IN_PADDING, message, node.span, help=help, layer=node.path)


@lru_cache(maxsize=1024)
def _live(kernel: int, stride: int, gap: int, before: int, outputs: int, size: int) -> int:
    """Return how many taps along one axis read inside of the map for any output."""
    return sum([_meets(gap * tap - before, stride, outputs, size) for tap in range(kernel)])


def _meets(offset: int, stride: int, outputs: int, size: int) -> bool:
    """Tell whether a tap reads inside of the map for any output."""
    first = max(0, -(offset // stride))
    return first < outputs and first * stride + offset < size


def _unread(graph: Graph) -> Iterator[Diagnostic]:
    """Report maps whose every reader is a convolution or pooling that leaves out the same positions."""
    readers: dict[int, list[Node]] = {}
    others = {node.index for node in graph.outputs.values()}
    for node in graph.layers:
        if isinstance(node.op, Conv | Pool):
            readers.setdefault(node.inputs[0], []).append(node)
        else:
            others.update(node.inputs)
    for index, found in readers.items():
        node = graph.nodes[index]
        if index in others or not all(max(_strides(one.op)) > 1 for one in found):
            continue
        windows = [one.op.window(graph.types(one), one.output) for one in found]
        for axis, size in enumerate(node.output.spatial):
            reads = [window[axis] for window in windows if isinstance(window, tuple)]
            if isinstance(size, Symbolic) or any(one is None or one.shift < 2 for one in reads):
                continue
            lost, stride = _left_out([one for one in reads if one is not None], size)
            if lost:
                unit = UNITS[len(node.output.spatial)][axis]
                yield _skips(node, found[0], lost, size, unit, stride)
                break


def _strides(op: Op) -> tuple[int, ...]:
    return op.stride if isinstance(op, Conv) else op.steps if isinstance(op, Pool) else (1,)


def _left_out(reads: Sequence[Reads], size: int) -> tuple[int, int]:
    """Return how many positions of a map none of several readers reads, and after how many they repeat."""
    turn = lcm(*[one.shift for one in reads])
    if turn > LONGEST_TURN or sum([turn // one.shift * sum(map(len, one.taps)) for one in reads]) > LONGEST_TURN:
        return 0, turn
    seen = {
        (tap + move) % turn for one in reads for taps in one.taps for tap in taps for move in range(0, turn, one.shift)
    }
    return sum([(size - residue + turn - 1) // turn for residue in range(min(turn, size)) if residue not in seen]), turn


def _skips(node: Node, reader: Node, lost: int, size: int, unit: str, stride: int) -> Diagnostic:
    message = (
        f"`{reader.path}` steps over {lost:,} of the {size:,} {unit} of `{node.path}`, and nothing else reads them"
    )
    help = f"average first, `AvgPool2d({stride}) ->`, or put the stride into a kernel of at least {stride}"
    if len(node.output.spatial) != 2:
        help = help.replace("2d", f"{len(node.output.spatial)}d")
    related = () if node.span == reader.span else (Label(node.span, "computed here"),)
    return Diagnostic(lints.UNREAD_POSITIONS, message, reader.span, related=related, help=help, layer=reader.path)


def _grids(grids: Sequence[Grid]) -> Iterator[Diagnostic]:
    """Report the end of a stack of dilated layers through whose holes positions are never seen."""
    ends = {(grid.origin.index, grid.axis): grid for grid in grids}
    dilated = {
        (grid.origin.index, grid.axis): grid for grid in grids if max(getattr(grid.node.op, "dilation", (1,))) > 1
    }
    told: set[int] = set()
    for key, end in ends.items():
        grid = dilated.get(key)
        if not end.has_holes or end.dilated < 2 or grid is None or not grid.has_holes or key[0] in told:
            continue
        told.add(key[0])
        unit = UNITS[len(grid.node.output.spatial)][grid.axis]
        message = f"a unit of `{grid.node.path}` sees {grid.covered:,} of the {grid.hull:,} {unit} that its field spans"
        message += f" in `{grid.origin.path}`, at most {grid.gap:,} apart"
        if grid.step > 1:
            message += f": all dilations are multiples of {grid.step}"
        help = "let the dilations have no factor in common and the first be 1, as 1, 2, 5 or 1, 2, 3"
        yield Diagnostic(lints.GRIDDING, message, grid.node.span, help=help, layer=grid.node.path)


def _misaligned(meeting: Meeting) -> Diagnostic:
    node = meeting.node
    axes = node.output.spatial
    along = AXES[len(axes)][meeting.axis]
    if len(set(meeting.strides)) > 1:
        steps = _listed([str(stride) for stride in meeting.strides])
        message = f"the branches of `{node.path}` have their positions {steps} input pixels apart along the {along}"
        help = "take one stride on all of them, whatever the sizes are"
    else:
        places = _listed([f"`{branch.path}` at {float(centre):g}" for branch, centre in _extremes(meeting)])
        message = f"the branches of `{node.path}` lie {float(meeting.drift):g} input pixels apart along the {along}"
        message += f": the middle of the first unit of {places}"
        help = "take odd kernels, pad both sides by (kernel - 1) / 2, and crop as much before as behind"
    return Diagnostic(lints.MISALIGNED_BRANCHES, message, node.span, help=help, layer=node.path)


def _extremes(meeting: Meeting) -> tuple[tuple[Node, Fraction], tuple[Node, Fraction]]:
    """Return the branches that lie farthest before and behind."""
    pairs = list(zip(meeting.branches, meeting.centres, strict=True))
    return min(pairs, key=lambda pair: pair[1]), max(pairs, key=lambda pair: pair[1])


def _listed(words: Sequence[object]) -> str:
    *rest, last = map(str, words)
    return f"{', '.join(rest)} and {last}" if rest else last
