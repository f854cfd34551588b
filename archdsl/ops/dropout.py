"""Layers that drop something at random in training and do nothing in evaluation."""

from __future__ import annotations

from archdsl.ops.arguments import Boolean, Choice, Real, argument
from archdsl.ops.backward import Extra, Forward, Saved
from archdsl.ops.base import Elementwise, Storage, TorchCall, op, spatial
from archdsl.tensors import TensorType


class Drop(Elementwise):
    """Drop something at random.

    Input:   any shape
    Output:  the same shape; in evaluation the input itself
    Params:  none
    MACs:    none
    Errors:  none
    """

    storage = Storage.ALIAS
    p: float

    @property
    def training_storage(self) -> Storage:
        return Storage.NEW if self.p else Storage.ALIAS

    def saved(self, inputs: tuple[TensorType, ...], output: TensorType, forward: Forward) -> Saved:
        """The factors: of a CPU in the dtype of the input, where a GPU keeps a byte for each element."""
        if not self.p:
            return Saved()
        each, once = self.factors(output)
        return Saved(extras=(Extra("mask", each * forward.itemsize, once * forward.itemsize),))

    def factors(self, x: TensorType) -> tuple[int, int]:
        """Return how many factors are drawn for each sample, and how many whatever the batch."""
        return (0, 1) if self.p == 1 else (x.elements, 0)


@op
class Dropout(Drop):
    """Set every element to zero with probability `p`, and scale the others up to keep the mean."""

    source = (
        "Srivastava et al. 2014, Dropout: a simple way to prevent neural networks from overfitting; torch.nn.Dropout"
    )

    p: float = argument(Real(0, 1), 0.5)
    inplace: bool = argument(Boolean(), False)


@spatial
class ChannelDropout(Drop):
    """Set whole channels to zero with probability `p`, and scale the others up to keep the mean.

    Input:   [c, ...], one size per axis
    Output:  the same shape; in evaluation the input itself
    Params:  none
    MACs:    none
    Errors:  the input has another number of axes
    """

    source = "Tompson et al. 2015, arXiv:1411.4280, section 3.2; torch.nn.Dropout1d, Dropout2d, Dropout3d"
    name = "Dropout"
    attribute = "dropout"

    p: float = argument(Real(0, 1), 0.5)
    inplace: bool = argument(Boolean(), False)

    def factors(self, x: TensorType) -> tuple[int, int]:
        return (0, 1) if self.p == 1 else (x.channels, 0)


@op
class StochasticDepth(Drop):
    """Set a whole sample, or with `"batch"` the whole batch, to zero with probability `p`.

    It ends the branch of a residual block, which is then skipped now and then.
    """

    source = "Huang et al. 2016, arXiv:1603.09382; torchvision.ops.StochasticDepth"
    is_traced = False
    leading = ("p", "mode")

    p: float = argument(Real(0, 1))
    mode: str = argument(Choice("row", "batch"), "row")

    def factors(self, x: TensorType) -> tuple[int, int]:
        return (1, 0) if self.mode == "row" else (0, 1)

    def module(self, *inputs: TensorType) -> TorchCall:
        return TorchCall(self.name, (self.p, self.mode))
