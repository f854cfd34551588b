"""Exact sums of products of sizes, as the multiply-adds of a network are: `1728*H*W + 64*((H + 1)//2)`.

A polynomial is one in the sizes that stand in it, not in the symbols: a size such as (H + 1)//2 is a variable. So it is
short, and right for every H. What it is in the symbols themselves can be asked for one residue of each (`Residues`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import lcm, prod
from typing import NoReturn

from archdsl.sizes.conditions import Domain, bounded, needs_number
from archdsl.sizes.symbolic import Size, Symbolic, symbol

Monomial = tuple[Symbolic, ...]
"""The sizes multiplied, in one fixed order; one that is squared stands in it twice."""


class Polynomial:
    """A sum of products of sizes with whole coefficients. Arithmetic with an int or a size beside it is exact."""

    __slots__ = ("terms",)

    def __init__(self, terms: Mapping[Monomial, int]) -> None:
        self.terms = terms

    @staticmethod
    def of(number: Number) -> Polynomial:
        """Return a number or a size as a polynomial."""
        if isinstance(number, Polynomial):
            return number
        if isinstance(number, Symbolic):
            return Polynomial({(number,): 1})
        return Polynomial({(): number} if number else {})

    @property
    def is_constant(self) -> bool:
        return not any(self.terms)

    @property
    def single(self) -> Size | None:
        """The number or the one size that it is, if it is no more than that."""
        if self.is_constant:
            return self.terms.get((), 0)
        (monomial, factor), *rest = self.terms.items()
        return monomial[0] if factor == 1 and len(monomial) == 1 and not rest else None

    @property
    def domain(self) -> Domain:
        """One symbol that it depends on."""
        return next(monomial[0].domain for monomial in self.terms if monomial)

    def at(self, values: Mapping[str, int]) -> int:
        """Return the number where the symbols have these values, by name."""
        known: dict[Symbolic, int] = {}
        for monomial in self.terms:
            for size in monomial:
                if size not in known:
                    known[size] = size.at(values[size.domain.name])
        return sum(factor * prod([known[size] for size in monomial]) for monomial, factor in self.terms.items())

    def __add__(self, other: Number) -> Polynomial:
        return total((self, other))

    __radd__ = __add__

    def __neg__(self) -> Polynomial:
        return Polynomial({monomial: -factor for monomial, factor in self.terms.items()})

    def __sub__(self, other: Number) -> Polynomial:
        return total((self, -Polynomial.of(other)))

    def __rsub__(self, other: Number) -> Polynomial:
        return total((-self, other))

    def __mul__(self, other: Number) -> Polynomial:
        if isinstance(other, int):
            return Polynomial({m: factor * other for m, factor in self.terms.items()} if other else {})
        terms: dict[Monomial, int] = {}
        for mine, factor in self.terms.items():
            for theirs, times in Polynomial.of(other).terms.items():
                monomial = mine + theirs
                if mine and theirs:
                    monomial = tuple(sorted(monomial, key=_order))
                terms[monomial] = terms.get(monomial, 0) + factor * times
        return Polynomial({monomial: factor for monomial, factor in terms.items() if factor})

    __rmul__ = __mul__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Polynomial) and self.terms == other.terms

    def __hash__(self) -> int:
        return hash(frozenset(self.terms.items()))

    def _inexact(self, other: object) -> NoReturn:
        raise needs_number(f"what comes of {self} has no exact form", self.domain)

    __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = __lt__ = __le__ = __gt__ = __ge__ = _inexact

    def __str__(self) -> str:
        """Return it as Python would write it, the products of most sizes and the largest coefficients first."""
        ordered = sorted(self.terms.items(), key=lambda term: (-len(term[0]), -term[1]))
        texts = [_term(monomial, factor) for monomial, factor in ordered]
        return " + ".join(texts).replace("+ -", "- ") or "0"

    __repr__ = __str__


Number = int | Symbolic | Polynomial


def total(numbers: Iterable[Number]) -> Polynomial:
    """Return the sum of numbers, sizes and polynomials."""
    terms: dict[Monomial, int] = {}
    for number in numbers:
        for monomial, factor in Polynomial.of(number).terms.items():
            terms[monomial] = terms.get(monomial, 0) + factor
    return Polynomial({monomial: factor for monomial, factor in terms.items() if factor})


def value(number: Number, values: Mapping[str, int]) -> int:
    """Return a number, size or polynomial where the symbols have these values, by name."""
    if isinstance(number, Symbolic):
        return number.at(values[number.domain.name])
    return number if isinstance(number, int) else number.at(values)


@dataclass(frozen=True)
class Residue:
    """The sizes `period·variable + rest` of one symbol: a row of them, on which every size is a straight line."""

    period: int
    rest: int
    variable: Symbolic


@dataclass(frozen=True)
class Residues:
    """One residue for each symbol: there, sizes are lines in new variables and polynomials are ordinary ones."""

    of: Mapping[Domain, Residue]
    _lines: dict[Symbolic, Polynomial] = field(default_factory=dict, repr=False, compare=False)

    def along(self, number: Number) -> Polynomial:
        """Return a number as a polynomial in the variables."""
        if isinstance(number, int):
            return Polynomial.of(number)
        if isinstance(number, Symbolic):
            return self._line(number)
        products = []
        for monomial, factor in number.terms.items():
            product = Polynomial.of(factor)
            for size in monomial:
                product = product * self._line(size)
            products.append(product)
        return total(products)

    def _line(self, size: Symbolic) -> Polynomial:
        found = self._lines.get(size)
        if found is None:
            residue = self.of[size.domain]
            slope = size.slope * (residue.period // size.period)
            line = {(residue.variable,): slope, (): size.at(residue.rest)}
            found = self._lines[size] = Polynomial({monomial: factor for monomial, factor in line.items() if factor})
        return found


def residues(sizes: Iterable[Size], rests: Mapping[Domain, int]) -> Residues:
    """Return the rows on which all of these sizes are lines, through `rests`: one number for each symbol.

    Raises:
        ShapeError: the sizes differ by more residues than are told apart.
    """
    periods = dict.fromkeys(rests, 1)
    for size in {size for size in sizes if isinstance(size, Symbolic)}:
        periods[size.domain] = lcm(periods[size.domain], size.period, len(size.domain.requirement.rows))
    names = {domain.name for domain in rests}
    made: dict[Domain, Residue] = {}
    for domain, rest in rests.items():
        period = bounded(periods[domain])
        lower = domain.name.lower()
        variable = domain.name if period == 1 else lower if lower not in names else f"{domain.name}0"
        made[domain] = Residue(period, rest % period, symbol(variable))
    return Residues(made)


def moved(polynomial: Polynomial, by: int) -> Polynomial:
    """Return p(x + by) for a polynomial in symbols, each moved alike."""
    products = []
    for monomial, factor in polynomial.terms.items():
        product = Polynomial.of(factor)
        for variable in monomial:
            product = product * Polynomial({(variable,): 1, (): by} if by else {(variable,): 1})
        products.append(product)
    return total(products)


def _order(size: Symbolic) -> tuple[str, int, int, tuple[int, ...]]:
    return size.domain.name, size.slope, len(size.offsets), size.offsets


def _term(monomial: Monomial, factor: int) -> str:
    if not monomial:
        return str(factor)
    written = [f"({text})" if not text.isidentifier() else text for text in map(str, monomial)]
    text = "*".join(written)
    return text if factor == 1 else f"-{text}" if factor == -1 else f"{factor}*{text}"
