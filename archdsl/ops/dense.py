"""Layers on vectors."""

from __future__ import annotations

from archdsl.ops.arguments import Boolean, Whole, argument
from archdsl.ops.backward import INPUT, Autocast
from archdsl.ops.base import WHOLE, Op, ShapeError, TorchCall, Window, op
from archdsl.ops.working import Step, grouped, product
from archdsl.tensors import Shape, TensorType


@op
class Linear(Op):
    """Multiply a vector by a matrix and add a bias.

    Input:   [in_features]
    Output:  [out_features]
    Params:  in_features · out_features, and `out_features` biases
    MACs:    in_features · out_features; biases are not counted
    Errors:  the input is a map. PyTorch would take its last axis for the features
    """

    source = "Rumelhart, Hinton & Williams 1986; torch.nn.Linear"
    leading = ("in_features", "out_features")
    keeps = INPUT
    autocast = Autocast.LOWERS
    may_be_overwritten = True

    out_features: int = argument(Whole())
    bias: bool = argument(Boolean(), True)

    def output(self, *inputs: TensorType) -> TensorType:
        (x,) = inputs
        if x.spatial:
            message = f"`Linear` works on a vector, but gets the map {x}"
            help = f"flatten it first: `Flatten -> {self}`, or pool it to [{x.channels}, 1, 1] before that"
            raise ShapeError(message, rule="linear-on-map", help=help)
        return TensorType((self.out_features,))

    def weights(self, *inputs: TensorType) -> dict[str, Shape]:
        weight = (self.out_features, inputs[0].channels)
        return {"weight": weight, "bias": (self.out_features,)} if self.bias else {"weight": weight}

    def macs(self, inputs: tuple[TensorType, ...], output: TensorType) -> int:
        return inputs[0].channels * self.out_features

    def shape_working(self, inputs: tuple[TensorType, ...], output: TensorType) -> tuple[Step, ...]:
        return (Step("features", "", grouped(self.out_features), "out_features"),)

    def macs_working(self, inputs: tuple[TensorType, ...], output: TensorType) -> str:
        return product((self.out_features, inputs[0].channels))

    def window(self, inputs: tuple[TensorType, ...], output: TensorType) -> Window:
        return WHOLE

    def module(self, *inputs: TensorType) -> TorchCall:
        return TorchCall("nn.Linear", (inputs[0].channels, self.out_features), self.non_defaults("bias"))
