"""Layers that drop something at random in training and do nothing in evaluation."""

from __future__ import annotations

from archdsl.ops.arguments import Boolean, Choice, Real, argument
from archdsl.ops.base import Elementwise, Storage, TorchCall, op
from archdsl.tensors import TensorType


@op
class Dropout(Elementwise):
    """Set every element to zero with probability `p`, and scale the others up to keep the mean.

    Input:   any shape
    Output:  the same shape; in evaluation the input itself
    Params:  none
    MACs:    none
    Errors:  none
    """

    source = (
        "Srivastava et al. 2014, Dropout: a simple way to prevent neural networks from overfitting; torch.nn.Dropout"
    )
    storage = Storage.ALIAS

    p: float = argument(Real(0, 1), 0.5)
    inplace: bool = argument(Boolean(), False)


@op
class StochasticDepth(Elementwise):
    """Set a whole sample, or with `"batch"` the whole batch, to zero with probability `p`.

    It ends the branch of a residual block, which is then skipped now and then.

    Input:   any shape
    Output:  the same shape; in evaluation the input itself
    Params:  none
    MACs:    none
    Errors:  none
    """

    source = "Huang et al. 2016, arXiv:1603.09382; torchvision.ops.StochasticDepth"
    storage = Storage.ALIAS

    p: float = argument(Real(0, 1))
    mode: str = argument(Choice("row", "batch"), "row")

    def module(self, *inputs: TensorType) -> TorchCall:
        return TorchCall(self.name, (self.p, self.mode))
