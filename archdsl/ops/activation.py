"""Activations: a function of each element by itself, or of the elements along one axis."""

from __future__ import annotations

from archdsl.ops.arguments import LARGEST, ArgumentError, Boolean, Choice, Real, Whole, argument
from archdsl.ops.backward import INPUT, OUTPUT, Autocast, Extra, Forward, Saved
from archdsl.ops.base import Elementwise, ShapeError, TorchCall, Window, along, op
from archdsl.tensors import Shape, TensorType


class Activation(Elementwise):
    """Apply a function to each element by itself.

    Input:   any shape
    Output:  the same shape
    Params:  none
    MACs:    none
    Errors:  none
    """

    keeps = INPUT

    def saved(self, inputs: tuple[TensorType, ...], output: TensorType, forward: Forward) -> Saved:
        """What an activation in place needs of its input, PyTorch copies before it writes over it."""
        if forward.in_place and self.keeps == INPUT:
            return Saved(extras=(Extra("copy of the input", output.elements * forward.itemsize),))
        return self.keeps


class FromOutput(Activation):
    """Apply a function whose gradient follows from the result too, which then is kept where it is in place.

    Input:   any shape
    Output:  the same shape
    Params:  none
    MACs:    none
    Errors:  none
    """

    def saved(self, inputs: tuple[TensorType, ...], output: TensorType, forward: Forward) -> Saved:
        return OUTPUT if forward.in_place else INPUT


@op
class ReLU(Activation):
    """Replace every negative element by zero."""

    source = "Nair & Hinton 2010, Rectified linear units improve restricted Boltzmann machines; torch.nn.ReLU"
    keeps = OUTPUT

    inplace: bool = argument(Boolean(), False)


@op
class ReLU6(Activation):
    """Replace every negative element by zero and every element above 6 by 6."""

    source = "Howard et al. 2017, arXiv:1704.04861; torch.nn.ReLU6"

    inplace: bool = argument(Boolean(), False)


@op
class LeakyReLU(FromOutput):
    """Multiply every negative element by `negative_slope`."""

    source = (
        "Maas, Hannun & Ng 2013, Rectifier nonlinearities improve neural network acoustic models; torch.nn.LeakyReLU"
    )

    negative_slope: float = argument(Real(), 0.01)
    inplace: bool = argument(Boolean(), False)

    def check(self) -> None:
        if self.inplace and self.negative_slope < 0:
            message = "with a negative slope, the gradient needs the input, so `inplace` would make training fail"
            raise ArgumentError(message, "inplace")


@op
class PReLU(Activation):
    """Multiply every negative element by a learned slope: one for all, or `PReLU(c)` with one for each of c channels.

    Input:   any shape
    Output:  the same shape
    Params:  `num_parameters` slopes
    MACs:    none
    Errors:  `num_parameters` is neither 1 nor the number of channels
    """

    source = "He et al. 2015, arXiv:1502.01852, equation 1; torch.nn.PReLU"
    autocast = Autocast.LOWERS

    num_parameters: int = argument(Whole(), 1)
    init: float = argument(Real(), 0.25)

    def output(self, *inputs: TensorType) -> TensorType:
        (x,) = inputs
        if self.num_parameters not in (1, x.channels):
            message = f"`num_parameters` is 1 or the {x.channels} channels of {x}, not {self.num_parameters}"
            raise ShapeError(message, argument="num_parameters")
        return x

    def weights(self, *inputs: TensorType) -> dict[str, Shape]:
        return {"weight": (self.num_parameters,)}


@op
class ELU(FromOutput):
    """Replace every negative element x by alpha · (exp(x) − 1)."""

    source = "Clevert, Unterthiner & Hochreiter 2016, arXiv:1511.07289, equation 15; torch.nn.ELU"

    alpha: float = argument(Real(), 1.0)
    inplace: bool = argument(Boolean(), False)


@op
class SELU(FromOutput):
    """Multiply ELU with alpha = 1.673 by 1.051, which keeps mean and variance from layer to layer."""

    source = "Klambauer et al. 2017, arXiv:1706.02515, equation 2; torch.nn.SELU"

    inplace: bool = argument(Boolean(), False)


@op
class GELU(Activation):
    """Multiply every element x by the probability that a standard normal number is below x."""

    source = "Hendrycks & Gimpel 2016, arXiv:1606.08415, section 2; torch.nn.GELU"

    approximate: str = argument(Choice("none", "tanh"), "none")


@op
class SiLU(Activation):
    """Multiply every element by its own sigmoid."""

    source = "Elfwing, Uchibe & Doya 2017, arXiv:1702.03118; torch.nn.SiLU"

    inplace: bool = argument(Boolean(), False)


@op
class Mish(Activation):
    """Multiply every element by the hyperbolic tangent of its softplus."""

    source = "Misra 2019, arXiv:1908.08681, equation 1; torch.nn.Mish"

    inplace: bool = argument(Boolean(), False)


@op
class Sigmoid(Activation):
    """Squash every element into 0 to 1 by 1 / (1 + exp(−x))."""

    source = "Rumelhart, Hinton & Williams 1986, Learning representations by back-propagating errors; torch.nn.Sigmoid"
    keeps = OUTPUT


@op
class Tanh(Activation):
    """Squash every element into −1 to 1 by the hyperbolic tangent."""

    source = "LeCun et al. 1998, Gradient-based learning applied to document recognition, appendix A; torch.nn.Tanh"
    keeps = OUTPUT


@op
class Hardswish(Activation):
    """Multiply every element by its hard sigmoid."""

    source = "Howard et al. 2019, arXiv:1905.02244, section 5.2; torch.nn.Hardswish"

    inplace: bool = argument(Boolean(), False)


@op
class Hardsigmoid(Activation):
    """Squash every element x into 0 to 1 by the straight line x / 6 + 1/2, cut off at both ends."""

    source = "Howard et al. 2019, arXiv:1905.02244, section 5.2; torch.nn.Hardsigmoid"

    inplace: bool = argument(Boolean(), False)


@op
class Softplus(Activation):
    """Smooth the rectifier: log(1 + exp(beta · x)) / beta, and x itself where beta · x is above `threshold`."""

    source = "Dugas et al. 2000, Incorporating second-order functional knowledge; torch.nn.Softplus"
    autocast = Autocast.WIDENS

    beta: float = argument(Real(), 1.0)
    threshold: float = argument(Real(), 20.0)


class AlongAxis(Elementwise):
    """Make the elements along one axis depend on each other.

    The axes count the batch as axis 0, as in PyTorch; by default it is the channels.

    Input:   any shape
    Output:  the same shape
    Params:  none
    MACs:    none
    Errors:  the axis does not exist; it is the batch
    """

    keeps_layout = False
    keeps = OUTPUT
    autocast = Autocast.WIDENS

    dim: int = argument(Whole(-LARGEST), 1)

    def output(self, *inputs: TensorType) -> TensorType:
        self._axis(inputs[0])
        return inputs[0]

    def _axis(self, x: TensorType) -> int:
        """Return the axis, counted from the channels."""
        return per_sample(self.dim, "dim", x)

    def window(self, inputs: tuple[TensorType, ...], output: TensorType) -> Window:
        return along(output, {self._axis(output)})

    def module(self, *inputs: TensorType) -> TorchCall:
        return TorchCall(f"nn.{self.name}", (), {"dim": self.dim})


@op
class Softmax(AlongAxis):
    """Turn the elements along an axis into positive ones that sum to 1: exp(x) over the sum of exp(x).

    Losses such as PyTorch's cross-entropy want the scores before it.
    The axes count the batch as axis 0, as in PyTorch; by default it is the channels.
    """

    source = "Bridle 1990, Probabilistic interpretation of feedforward network outputs; torch.nn.Softmax"


@op
class LogSoftmax(AlongAxis):
    """Take the logarithm of the softmax along an axis: x less the logarithm of the sum of exp(x).

    The axes count the batch as axis 0, as in PyTorch; by default it is the channels.
    """

    source = "Bridle 1990, Probabilistic interpretation of feedforward network outputs; torch.nn.LogSoftmax"


FIRST_AXIS = "the batch counts as axis 0: write 1 for the channels"


def per_sample(dim: int, argument: str, x: TensorType) -> int:
    """Return an axis that counts the batch, as PyTorch does, counted from the channels."""
    axis = dim + len(x.shape) if dim < 0 else dim - 1
    if not 0 <= axis < len(x.shape):
        message = f"`{argument}` {dim} does not exist in {x}, whose axes are 1 (the channels) to {len(x.shape)}"
        if axis == -1:
            message = f"`{argument}` {dim} is the batch, whose samples do not depend on each other"
            raise ShapeError(message, rule="wrong-rank", argument=argument, help=FIRST_AXIS)
        raise ShapeError(message, rule="wrong-rank", argument=argument)
    return axis
