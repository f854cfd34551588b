"""What PyTorch's autograd keeps of one call of an op until its backward has run.

Each rule was measured with `torch.autograd.graph.saved_tensors_hooks` on a CPU, in training mode; the formulas stand in
PyTorch's `derivatives.yaml`. Learned tensors and buffers are kept too, but are there anyway and are not told of.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class Forward(NamedTuple):
    """What an op has to know of how it is run in training to tell what is kept of it."""

    tracked: tuple[bool, ...]
    """Which inputs a gradient is wanted for."""
    in_place: bool
    """Whether it writes over its first input."""
    itemsize: int
    """Bytes of a number it computes with."""
    weight_itemsize: int
    """Bytes of a number of its weights and buffers."""


class Extra(NamedTuple):
    """A tensor that is made for the backward alone: its bytes for each sample, and those whatever the batch."""

    what: str
    each: int
    once: int = 0


class Saved(NamedTuple):
    """Which inputs are kept, by their number, whether the output is, and what is made besides."""

    inputs: tuple[int, ...] = ()
    output: bool = False
    extras: tuple[Extra, ...] = ()


NOTHING = Saved()
INPUT = Saved(inputs=(0,))
OUTPUT = Saved(output=True)


class Gradient(Enum):
    """What the gradient of an input is, beside that of the output."""

    NEW = "a tensor of its own"
    SAME = "the gradient of the output itself, perhaps in another shape"
    PART = "a part of the gradient of the output"


class Autocast(Enum):
    """The dtype that an op computes in under `torch.autocast` on a GPU.

    Source: torch `AT_FORALL_LOWER_PRECISION_FP` and `AT_FORALL_FP32` in ATen/autocast_mode.h.
    """

    KEEPS = "that of its inputs, the widest of them"
    LOWERS = "the low one, inputs and weights cast to it"
    WIDENS = "float32, inputs cast to it"
    RAISES = "that of its inputs, with a result in float32"
