"""Normalisations."""

from __future__ import annotations

from math import prod

from archdsl.ops.arguments import Boolean, Maybe, Real, Whole, argument
from archdsl.ops.base import SAME, WHOLE, Elementwise, ShapeError, TorchCall, Window, op
from archdsl.tensors import Shape, TensorType


class BatchNorm(Elementwise):
    """Normalise every channel by its mean and variance over the batch, then scale and shift it.

    In evaluation the running mean and variance stand in for the batch's; without
    `track_running_stats` there are none, and an output depends on every position.

    Input:   [c, ...], one size per axis
    Output:  the same shape
    Params:  c weights and c biases if `affine`; none otherwise
    MACs:    none; convolutions can absorb the scale
    Errors:  the input has another number of axes
    """

    source = "Ioffe & Szegedy 2015, arXiv:1502.03167, algorithm 1; torch.nn.BatchNorm1d, BatchNorm2d, BatchNorm3d"
    centres = True

    eps: float = argument(Real(0, 1, strict=True), 1e-5)
    momentum: float | None = argument(Maybe(Real(0, 1)), 0.1)
    affine: bool = argument(Boolean(), True)
    track_running_stats: bool = argument(Boolean(), True)
    bias: bool = argument(Boolean(), True)

    def weights(self, *inputs: TensorType) -> dict[str, Shape]:
        if not self.affine:
            return {}
        channels = (inputs[0].channels,)
        return {"weight": channels, "bias": channels} if self.bias else {"weight": channels}

    def buffers(self, *inputs: TensorType) -> dict[str, Shape]:
        if not self.track_running_stats:
            return {}
        channels = (inputs[0].channels,)
        return {"running_mean": channels, "running_var": channels, "num_batches_tracked": ()}

    def window(self, inputs: tuple[TensorType, ...], output: TensorType) -> Window:
        return SAME if self.track_running_stats else WHOLE

    def module(self, *inputs: TensorType) -> TorchCall:
        return TorchCall(f"nn.{self.name}", (inputs[0].channels,), self.non_defaults())


@op
class BatchNorm2d(BatchNorm):
    dimensions = 2


@op
class LocalResponseNorm(Elementwise):
    """Divide every element by a power of the mean square of `size` neighbouring channels there.

    Input:   [c, ...], at least one spatial axis
    Output:  the same shape
    Params:  none
    MACs:    none
    Errors:  the input is a vector
    """

    source = "Krizhevsky, Sutskever & Hinton 2012, section 3.3; torch.nn.LocalResponseNorm"

    size: int = argument(Whole())
    alpha: float = argument(Real(float("-inf"), float("inf")), 1e-4)
    beta: float = argument(Real(float("-inf"), float("inf")), 0.75)
    k: float = argument(Real(float("-inf"), float("inf")), 1.0)

    def output(self, *inputs: TensorType) -> TensorType:
        (x,) = inputs
        if not x.spatial:
            raise ShapeError(f"`{self.name}` needs at least one spatial axis, but gets {x}", rule="wrong-rank")
        return x

    def scratch(self, inputs: tuple[TensorType, ...], output: TensorType) -> int:
        """The squares, padded by size − 1 channels; the means are as large as the output they make way for."""
        channels, *sizes = inputs[0].known
        return (channels + self.size - 1) * prod(sizes)

    def module(self, *inputs: TensorType) -> TorchCall:
        return TorchCall(f"nn.{self.name}", (self.size,), self.non_defaults("alpha", "beta", "k"))
