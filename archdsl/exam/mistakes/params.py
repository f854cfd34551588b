"""P: how parameters are miscounted, layer by layer."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from math import prod

from archdsl.exam.walk import Ask, Count, Kind, Mistake, Number, Place, Sizes, Subject, Value, Walk, whole
from archdsl.graph import Feed, Node
from archdsl.ops import Op, ShapeError
from archdsl.ops.conv import Conv, ConvTranspose
from archdsl.ops.dense import Linear
from archdsl.ops.norm import BatchNorm
from archdsl.ops.pool import AdaptivePool, Pool
from archdsl.ops.reshape import Flatten

LEARNED = frozenset({"params", "weights", "biases"})
COUNTED = frozenset({"params", "weights", "biases", "buffers"})
AND_WORK = LEARNED | {"macs", "flops"}
"""What a wrong count of a filter's numbers changes."""
BY_SIZE = AND_WORK | {"shape", "activations", "memory"}
CONVS = (Conv, ConvTranspose)
BIASED = (Conv, ConvTranspose, Linear)

Counting = Callable[[Place, Count], Count]


def row(
    id: str,
    did: str,
    formula: str,
    on: tuple[type[Op], ...],
    count: Counting,
    where: Callable[[Subject, Node], bool] | None = None,
    asks: frozenset[str] = LEARNED,
) -> Mistake:
    """Return a row that replaces how a layer's own numbers are counted."""
    return Mistake(id, did, formula, True, asks, on, where, count=count)


def factored(
    id: str,
    did: str,
    formula: str,
    factor: Callable[[Place], tuple[int, int]],
    biases: int | None,
    asks: frozenset[str] = AND_WORK,
) -> Mistake:
    """Return a row that gets a factor of a filter wrong: `factor` gives the true one and what stands for it.

    It shows in the multiply-adds as well. `biases` are those of a layer that has some, if not one a filter.
    """

    def count(place: Place, true: Count) -> Count:
        right, wrong = factor(place)
        counted = true.biases if biases is None or not true.biases else biases
        return true._replace(weights=scaled(true.weights, wrong, right), biases=counted)

    def work(place: Place, true: Number) -> Number:
        right, wrong = factor(place)
        return scaled(true, wrong, right)

    return Mistake(id, did, formula, True, asks, CONVS, count=count, work=work)


def scaled(number: Number, times: int, by: int) -> Number:
    """Return number · times / by, as an integer where it is one; raises `ShapeError` where nothing is left to share."""
    if by == 0:
        raise ShapeError("nothing is left to share")
    return whole(Fraction(number) * times / by)  # type: ignore[no-any-return]  # a number stays one


def grouped(place: Place) -> int:
    """Return the factor of the weights that stems from the input channels, or for a transposed one from both."""
    return place.channels // place.op.groups  # type: ignore[no-any-return]  # a size of the student's


def has_bias(_: Subject, node: Node) -> bool:
    """Tell whether a layer has a bias."""
    return bool(getattr(node.op, "bias", False))


def is_grouped(_: Subject, node: Node) -> bool:
    """Tell whether a convolution has several groups."""
    groups: int = node.op.groups  # type: ignore[attr-defined]  # a convolution
    return groups > 1


def is_depthwise(subject: Subject, node: Node) -> bool:
    """Tell whether every channel of a convolution has a filter of its own."""
    groups: int = node.op.groups  # type: ignore[attr-defined]  # a convolution
    return groups > 1 and groups == subject.inputs(node)[0][0]


def full(place: Place) -> Op:
    """Return a convolution as if it had one group."""
    return place.subject.altered(place.op, groups=1)


def no_bias(place: Place, count: Count) -> Count:
    """Return a count without biases."""
    return count._replace(biases=0)


def _one_bias(place: Place, count: Count) -> Count:
    return count._replace(biases=1)


def _bias_per_kernel(place: Place, count: Count) -> Count:
    return count._replace(biases=place.channels * place.op.out_channels)


def _per_output(place: Place, count: Count) -> Count:
    return count._replace(weights=count.weights * place.positions, biases=count.biases * place.positions)


def _per_input(place: Place, count: Count) -> Count:
    return count._replace(weights=count.weights * place.read)


def _untied(place: Place, count: Count) -> Count:
    return count._replace(weights=count.weights * place.positions)


def _pool_weights(place: Place, count: Count) -> Count:
    return Count(count.weights + place.kernel * place.channels, count.biases + place.channels, count.buffers)


def _missing_bias(place: Place, count: Count) -> Count:
    return count._replace(biases=place.out_channels)


def four_vectors(place: Place, count: Count) -> Count:
    """Return a count with the running statistics among what is learned."""
    return count._replace(weights=count.weights + count.buffers)


def _all_buffers(place: Place, count: Count) -> Count:
    return count._replace(buffers=count.buffers + count.params)


def _norm_per_pixel(place: Place, count: Count) -> Count:
    return Count(count.weights * place.read, count.biases * place.read, count.buffers)


def _forget(place: Place, count: Count) -> Count:
    return count._replace(weights=0, biases=0)


def flattened(subject: Subject, node: Node) -> Node | None:
    """Return the flattening of a map that a linear layer reads, if it reads one."""
    before = subject.before(node)
    is_flat = isinstance(before.op, Flatten) and len(subject.inputs(before)[0]) > 1
    return before if is_flat else None


def _reads_flattened(subject: Subject, node: Node) -> bool:
    return flattened(subject, node) is not None


def _flattened_map(place: Place, count: Count) -> Count:
    flat = flattened(place.subject, place.node)
    assert flat is not None, "the row is for linear layers that read a flattened map"
    (x,) = place.subject.inputs(flat)
    return count._replace(weights=scaled(count.weights, 1, x[0]))


def _reads_pool(subject: Subject, node: Node) -> bool:
    return isinstance(subject.before(node).op, Pool)


def _before_pool(subject: Subject, node: Node) -> tuple[int, ...]:
    return subject.before(node).inputs


def keep(place: Place) -> Sizes:
    """Return the input's shape as the output's."""
    return place.inputs[0]


def _is_image(subject: Subject, node: Node) -> bool:
    return node.output.shape[0] in (1, 3) and len(node.output.shape) > 1


def _recoloured(place: Place) -> Sizes:
    shape: Sizes = place.node.output.shape
    return (3 if shape[0] == 1 else 1, *shape[1:])


def _kernel_before(subject: Subject, node: Node) -> tuple[int, ...] | None:
    """Return the kernel of the convolution before a pointwise one, where that has a larger one."""
    op = node.op
    if not isinstance(op, Conv) or set(op.kernel_size) != {1}:
        return None
    before = node
    while len(before.inputs) == 1:
        before = subject.nodes[before.inputs[0]]
        if isinstance(before.op, Conv):
            return before.op.kernel_size if set(before.op.kernel_size) != {1} else None
        if before.inputs and not subject.is_elementwise(before):
            return None
    return None


def _follows_kernel(subject: Subject, node: Node) -> bool:
    return _kernel_before(subject, node) is not None


def _wide(place: Place, true: Number) -> Number:
    kernel = _kernel_before(place.subject, place.node)
    assert kernel is not None, "the row is for pointwise convolutions after others"
    return true * prod(kernel)


def _activations(walk: Walk, ask: Ask, value: Value) -> Iterable[Value]:
    elements = walk.elements(walk.subject.end(ask.layer))
    if elements is not None:
        yield elements


def _filters(walk: Walk, ask: Ask, value: Value) -> Iterable[Value]:
    subject = walk.subject
    inside = set(subject.scope(ask.layer))
    found = [i for i in subject.of(BIASED) if i in inside]
    if found:
        yield subject.nodes[found[-1]].output.channels


def _is_later_call(_: Subject, node: Node) -> bool:
    return node.call > 0


def _again(place: Place, count: Count) -> Count:
    subject = place.subject
    first = next(n for n in subject.nodes if n.path == place.node.path)
    return subject.counts[first.index]


ROWS = (
    row("P01", "forgot the biases", "k·k·C·D", BIASED, no_bias, has_bias),
    row("P02", "counted one bias a layer", "k·k·C·D + 1", BIASED, _one_bias, has_bias),
    row("P03", "counted a bias for each two-dimensional kernel", "k·k·C·D + C·D", CONVS, _bias_per_kernel, has_bias),
    factored("P04", "forgot the input channels", "(k·k + 1)·D", lambda p: (grouped(p), 1), None),
    factored("P05", "counted one filter", "k·k·C + 1", lambda p: (p.op.out_channels, 1), 1),
    factored("P06", "took the output channels for the input channels", "(k·k·D + 1)·D",
             lambda p: (grouped(p), p.op.out_channels), None),
    factored("P07", "took k for k squared", "(k·C + 1)·D", lambda p: (p.kernel, p.op.kernel_size[0]), None),
    row("P08", "gave every output pixel weights of its own", "(k·k·C + 1)·D·o·o", CONVS, _per_output),
    row("P09", "gave every input pixel weights of its own", "k·k·C·D·n·n + D", CONVS, _per_input),
    Mistake("P10", "ignored the groups", "k·k·C·D + D", True, AND_WORK, CONVS, is_grouped, op=full),
    row("P11", "divided by the groups twice", "k·k·C·D/g² + D", CONVS,
        lambda p, c: c._replace(weights=scaled(c.weights, 1, p.op.groups)), is_grouped),
    Mistake("P12", "counted a depthwise convolution as a full one", "k·k·C·C + C", True, AND_WORK, (Conv,),
            is_depthwise, op=full),
    row("P13", "gave pooling weights", "k·k·C + C", (Pool,), _pool_weights),
    row("P14", "counted four vectors of a batch norm", "4·C", (BatchNorm,), four_vectors),
    row("P14n", "put all four vectors of a batch norm among the buffers", "4·C", (BatchNorm,), _all_buffers,
        asks=frozenset({"buffers"})),
    row("P15", "normalised every pixel by numbers of its own", "2·C·H·W", (BatchNorm,), _norm_per_pixel),
    row("P16", "counted the scale of a batch norm only", "C", (BatchNorm,), no_bias),
    row("P17", "counted a bias where there is none", "k·k·C·D + D", BIASED, _missing_bias,
        lambda subject, node: not has_bias(subject, node)),
    row("P18", "forgot the channels in the flattened map", "H·W·D + D", (Linear,), _flattened_map, _reads_flattened),
    row("P19", "left out the biases of the linear layers", "N·D", (Linear,), no_bias, has_bias),
    Mistake("P20", "took the map before the last pool", "C·n·n·D + D", True, AND_WORK, (Flatten,), _reads_pool,
            source=_before_pool),
    Mistake("P21", "ignored the global pooling", "C·H·W·D + D", True, AND_WORK, (AdaptivePool,), shape=keep),
    Mistake("P24", "gave the number of outputs", "o·o·D", True, frozenset({"params"}), kind=Kind.OTHER,
            answer=_activations),
    row("P26", "took a shared kernel for a locally connected one", "k·k·C·D·o·o + D", CONVS, _untied),
    Mistake("P27", "assumed a colour image, or a grey one", "C = 3 or 1", True, BY_SIZE, (Feed,), _is_image,
            shape=_recoloured),
    Mistake("P28", "gave the pointwise convolution the large kernel", "k·k·C + k·k·C·D", True, AND_WORK, (Conv,),
            _follows_kernel, count=lambda p, c: c._replace(weights=_wide(p, c.weights)), work=_wide),
    row("P29", "counted no parameters in a batch norm", "0", (BatchNorm,), _forget),
    Mistake("P30", "gave the number of filters", "D", True, frozenset({"params", "weights"}), kind=Kind.OTHER,
            answer=_filters),
    row("P31", "counted a shared layer at each of its calls", "Σ over calls", (Op,), _again, _is_later_call),
)  # fmt: skip
"""P22, P23 and P32 are edits of the network: see `structure.py`."""
