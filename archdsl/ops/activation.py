"""Activations: a function of each element by itself."""

from __future__ import annotations

from archdsl.ops.arguments import Boolean, argument
from archdsl.ops.base import Elementwise, op


@op
class ReLU(Elementwise):
    """Replace every negative element by zero.

    Input:   any shape
    Output:  the same shape
    Params:  none
    MACs:    none
    Errors:  none
    """

    source = "Nair & Hinton 2010, Rectified linear units improve restricted Boltzmann machines; torch.nn.ReLU"

    inplace: bool = argument(Boolean(), False)


@op
class Tanh(Elementwise):
    """Squash every element into −1 to 1 by the hyperbolic tangent.

    Input:   any shape
    Output:  the same shape
    Params:  none
    MACs:    none
    Errors:  none
    """

    source = "LeCun et al. 1998, Gradient-based learning applied to document recognition, appendix A; torch.nn.Tanh"


@op
class Sigmoid(Elementwise):
    """Squash every element into 0 to 1 by 1 / (1 + exp(−x)).

    Input:   any shape
    Output:  the same shape
    Params:  none
    MACs:    none
    Errors:  none
    """

    source = "Rumelhart, Hinton & Williams 1986, Learning representations by back-propagating errors; torch.nn.Sigmoid"


@op
class SiLU(Elementwise):
    """Multiply every element by its own sigmoid.

    Input:   any shape
    Output:  the same shape
    Params:  none
    MACs:    none
    Errors:  none
    """

    source = "Elfwing, Uchibe & Doya 2017, arXiv:1702.03118; torch.nn.SiLU"

    inplace: bool = argument(Boolean(), False)
