"""What flows along an edge: the shape of one sample, channels first, without the batch axis."""

from __future__ import annotations

from math import prod
from typing import NamedTuple

from archdsl.sizes import ShapeError, Size, Symbolic

Shape = tuple[int, ...]


class TensorType(NamedTuple):
    """The shape of a tensor per sample: channels, then spatial sizes. A vector has channels alone."""

    shape: tuple[Size, ...]

    @property
    def channels(self) -> int:
        """The first size, which is always a known number: weights depend on it."""
        channels = self.shape[0]
        if isinstance(channels, Symbolic):
            raise ShapeError("the number of channels depends on the input size", rule="size-needed")
        return channels

    @property
    def spatial(self) -> tuple[Size, ...]:
        return self.shape[1:]

    @property
    def elements(self) -> int:
        """How many numbers one sample holds; a symbolic size has none yet and raises `ShapeError`."""
        return prod(self.known)

    @property
    def known(self) -> Shape:
        """The shape as plain numbers; raises `ShapeError` where a size is still a symbol."""
        for size in self.shape:
            if isinstance(size, Symbolic):
                raise ShapeError(f"the size {size} is not known yet", rule="size-needed")
        return self.shape  # type: ignore[return-value]  # every size was just seen to be an int

    @property
    def is_symbolic(self) -> bool:
        return any(isinstance(size, Symbolic) for size in self.shape)

    def __str__(self) -> str:
        return f"[{', '.join(map(str, self.shape))}]"


def dims(shape: tuple[object, ...]) -> str:
    """Return a shape as a person writes it: `64×56×56`, with a formula in parentheses."""
    return "×".join(f"({size})" if " " in str(size) else str(size) for size in shape)
