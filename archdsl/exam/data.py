"""Numbers that a problem gives by name: what enters the net, and the weights of its layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import lcm, prod

from archdsl.source import Span

MOST_NUMBERS = 4096
"""Of one tensor."""
MOST_BITS = 4096
"""Of a number on the way to an answer, and of what it is a fraction of."""


@dataclass(frozen=True, slots=True)
class Data:
    """Lists of numbers as a sheet has them; a drawn value may stand for a number."""

    shape: tuple[int, ...]
    """How long the lists are, the outermost first; `()` for a single number."""
    numbers: tuple[Fraction | str, ...]
    """Row after row; a text is the name of a drawn value."""
    span: Span = field(compare=False, repr=False)

    def tensor(self, drawn: Mapping[str, Fraction]) -> Tensor:
        """Return the numbers with what is drawn in place of its names.

        Raises:
            KeyError: a name has no value.
            ValueError: the numbers have no common denominator within bounds.
        """
        return Tensor.of(self.shape, [drawn[n] if isinstance(n, str) else n for n in self.numbers])


@dataclass(frozen=True, slots=True)
class Tensor:
    """Exact numbers of one shape, row after row: whole numbers over one denominator, which keeps sums short."""

    shape: tuple[int, ...]
    numerators: tuple[int, ...]
    denominator: int = 1

    @classmethod
    def of(cls, shape: tuple[int, ...], numbers: Sequence[Fraction]) -> Tensor:
        """Return fractions as a tensor.

        Raises:
            ValueError: they have no common denominator within bounds.
        """
        denominator = common(numbers)
        return cls(shape, tuple([n.numerator * (denominator // n.denominator) for n in numbers]), denominator)

    @property
    def numbers(self) -> tuple[Fraction, ...]:
        """The numbers themselves."""
        return tuple([Fraction(n, self.denominator) for n in self.numerators])

    def over(self, denominator: int) -> tuple[int, ...]:
        """Return the numerators over a multiple of the denominator."""
        factor = denominator // self.denominator
        return self.numerators if factor == 1 else tuple([n * factor for n in self.numerators])

    def reshaped(self, shape: tuple[int, ...]) -> Tensor:
        """Return the same numbers in another shape of as many."""
        assert prod(shape) == len(self.numerators), "a shape holds as many numbers as there are"
        return Tensor(shape, self.numerators, self.denominator)


def common(numbers: Sequence[Fraction]) -> int:
    """Return the least denominator that all numbers can have.

    Raises:
        ValueError: it is too large.
    """
    found = 1
    for number in numbers:
        found = lcm(found, number.denominator)
        if found.bit_length() > MOST_BITS:
            raise ValueError("the numbers have too many denominators")
    return found
