"""Functions that join tensors, and the one that scales a tensor."""

from __future__ import annotations

from archdsl.ops.arguments import Real, argument
from archdsl.ops.backward import Forward, Gradient, Saved
from archdsl.ops.base import SAME, WHOLE, Elementwise, Op, ShapeError, Window, op
from archdsl.ops.sliding import AXES
from archdsl.ops.working import Step, grouped
from archdsl.sizes import Symbolic, equal, require
from archdsl.tensors import TensorType, dims

PROJECT = (
    "project one of them to the channels of the other, as a shortcut does: x -> downsample: Conv2d(channels, 1)\n"
    "a stride between them belongs there too"
)
FLATTEN = "flatten both or neither: a map and a vector have no positions in common"
GATE = "a gate has the channels of what it gates, and one position: `AdaptiveAvgPool2d(1) -> Conv2d(c, 1) -> Sigmoid`"
REST = "an odd size that is halved and doubled is one less: choose sizes that halve, or `crop(x, like=y)`"
STRIDE = "a stride or pooling on one path belongs on the other too: x -> downsample: Conv2d(channels, 1, stride=2)"
RESIZE = "keep the size with padding (k - 1) // 2, take one stride on both paths, or `crop(x, like=y)`"


@op
class Add(Op):
    """Sum tensors of one shape, as at the end of a residual block.

    Input:   two or more tensors of one shape
    Output:  that shape
    Params:  none
    MACs:    none
    Errors:  two shapes differ; nothing is broadcast
    """

    name = "add"
    source = "He et al. 2016, arXiv:1512.03385, equation 1; torch.add"
    example = "x + y"
    is_module = False
    arity = None
    gradient = Gradient.SAME
    may_be_overwritten = True

    def output(self, *inputs: TensorType) -> TensorType:
        first, *rest = inputs
        for other in rest:
            _same_shape("add", first, other)
        return first


@op
class Multiply(Op):
    """Multiply tensors element by element; one of [c, 1, 1] gates the channels of a map.

    Input:   two or more tensors of one shape, some of them perhaps [c, 1, 1]
    Output:  that shape
    Params:  none
    MACs:    none; products of activations are not counted
    Errors:  two shapes differ; nothing else is broadcast
    """

    name = "multiply"
    source = "Hu et al. 2018, arXiv:1709.01507, equation 4; torch.mul"
    example = "x * y"
    is_module = False
    arity = None

    def output(self, *inputs: TensorType) -> TensorType:
        whole = next((x for x in inputs if not _is_gate(x)), inputs[0])
        for other in inputs:
            if other is not whole:
                _same_shape("multiply", whole, other, gate=_is_gate(other))
        return whole

    def shape_working(self, inputs: tuple[TensorType, ...], output: TensorType) -> tuple[Step, ...]:
        gates = any(x != output for x in inputs)
        remark = "one factor for each channel" if gates else "all factors have this shape"
        return (Step("shape", "", dims(output.shape), remark),)

    def saved(self, inputs: tuple[TensorType, ...], output: TensorType, forward: Forward) -> Saved:
        """A factor's gradient is made of the other factors."""
        wanted = forward.tracked
        return Saved(tuple(i for i in range(len(inputs)) if any(wanted[:i]) or any(wanted[i + 1 :])))

    def windows(self, inputs: tuple[TensorType, ...], output: TensorType) -> tuple[Window, ...]:
        return tuple(WHOLE if _is_gate(x) and not _is_gate(output) else SAME for x in inputs)


@op
class Scale(Elementwise):
    """Multiply a tensor by a number.

    Input:   any shape
    Output:  the same shape
    Params:  none
    MACs:    none
    Errors:  none
    """

    name = "scale"
    source = "Szegedy et al. 2017, arXiv:1602.07261, section 3.3; torch.mul"
    example = "0.5 * x"
    is_module = False

    factor: float = argument(Real(float("-inf"), float("inf")))


@op
class Concat(Op):
    """Lay tensors one behind the other along the channels.

    Input:   tensors that agree in everything but channels
    Output:  the sum of the channels, and the sizes they share
    Params:  none
    MACs:    none
    Errors:  a height, width or number of axes differs from the first tensor's
    """

    name = "concat"
    source = "Szegedy et al. 2015, arXiv:1409.4842, section 4; torch.cat"
    example = "concat(x, y)"
    is_module = False
    arity = None
    gradient = Gradient.PART

    def output(self, *inputs: TensorType) -> TensorType:
        first, *rest = inputs
        channels = first.channels
        for number, other in enumerate(rest, 2):
            self._check(number, first, other)
            channels += other.channels
        return TensorType((channels, *first.spatial))

    def shape_working(self, inputs: tuple[TensorType, ...], output: TensorType) -> tuple[Step, ...]:
        channels = Step("channels", " + ".join(grouped(x.channels) for x in inputs), grouped(output.channels))
        if not output.spatial:
            return (channels,)
        return channels, Step("sizes", "", " × ".join(map(grouped, output.spatial)), "the same for all")

    def _check(self, number: int, first: TensorType, other: TensorType) -> None:
        if other.spatial == first.spatial:
            return
        rule = "concat-mismatch"
        if len(other.shape) != len(first.shape):
            message = f"operand {number} is {other}, but operand 1 is {first}: the numbers of axes differ"
            raise ShapeError(message, rule=rule, help=FLATTEN)
        for axis, mine, others in zip(_axes(first), first.spatial, other.spatial, strict=True):
            message = "operand {number} is {other}: {axis} differs ({mine} vs {others})"
            same = equal(mine, others)
            close = abs(mine - others) == 1 if isinstance(mine, int) and isinstance(others, int) else False
            help = REST if close else RESIZE
            values = {"number": number, "other": other, "axis": axis, "mine": mine, "others": others}
            require(same, message.format(**values), rule=rule, help=help)


def _is_gate(x: TensorType) -> bool:
    """Tell whether a tensor has one position, known before any size is: what a pool to 1 leaves."""
    return bool(x.spatial) and all(not isinstance(size, Symbolic) and size == 1 for size in x.spatial)


def _same_shape(verb: str, first: TensorType, other: TensorType, *, gate: bool = False) -> None:
    """Check that two shapes agree, or for a gate that the channels do."""
    if first.shape == other.shape:
        return
    rule = "add-mismatch"
    if len(first.shape) != len(other.shape):
        help = GATE if verb == "multiply" else FLATTEN
        raise ShapeError(f"cannot {verb} {first} and {other}: the numbers of axes differ", rule=rule, help=help)
    if first.channels != other.channels:
        compared = f"{first.channels} vs {other.channels}"
        message = f"cannot {verb} {first} and {other}: channels differ ({compared})"
        cure = GATE if gate else PROJECT
        raise ShapeError(message, rule=rule, help=cure if first.spatial else None)
    if gate:
        return
    for axis, a, b in zip(_axes(first), first.spatial, other.spatial, strict=True):
        message = "cannot {verb} {first} and {other}: {axis} differs ({a} vs {b})"
        values = {"verb": verb, "first": first, "other": other, "axis": axis, "a": a, "b": b}
        stride = isinstance(a, int) and isinstance(b, int) and 2 * min(a, b) <= max(a, b)
        require(equal(a, b), message.format(**values), rule=rule, help=STRIDE if stride else RESIZE)


def _axes(x: TensorType) -> tuple[str, ...]:
    """Return what the spatial sizes are called."""
    count = len(x.spatial)
    return AXES[count] if count in AXES else tuple(f"axis {number}" for number in range(2, count + 2))
