"""A size as an exact function of one symbol, and the operations that take it and an int alike."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from itertools import islice
from math import gcd
from operator import le

from archdsl.sizes.conditions import Condition, Domain, ShapeError, bounded, common_period, needs_number
from archdsl.sizes.flips import ALL, NONE, Flips, both, interval, primes
from archdsl.sizes.formulas import describe_size


class Symbolic:
    """A size that depends on one symbol: for H = L·q + r it is `slope·q + offsets[r]`, L = len(offsets).

    Arithmetic gives an int where the symbol cancels. `==` asks for the same function, whatever the domain;
    whether two sizes agree is `equal(a, b)`. Comparisons by order give a `Condition`.
    """

    __slots__ = ("_hash", "_text", "domain", "offsets", "slope")
    _hash: int
    _text: tuple[Condition, str]
    """How it is written, and what its domain required then."""

    def __init__(self, domain: Domain, slope: int, offsets: Sequence[int]) -> None:
        self.domain = domain
        self.slope, self.offsets = _reduced(slope, offsets)

    @property
    def period(self) -> int:
        return len(self.offsets)

    def at(self, n: int) -> int:
        """Return the size where the symbol is `n`."""
        q, r = divmod(n, self.period)
        return self.slope * q + self.offsets[r]

    def __add__(self, other: Size) -> Size:
        if isinstance(other, int):
            return self._moved(1, other)
        period = common_period(self, other)
        (slope, mine), (more, theirs) = self.over(period), other.over(period)
        return _size(self.domain, slope + more, [a + b for a, b in zip(mine, theirs, strict=True)])

    __radd__ = __add__

    def __neg__(self) -> Symbolic:
        return self._moved(-1, 0)

    def __sub__(self, other: Size) -> Size:
        return self + -other

    def __rsub__(self, other: int) -> Size:
        return self._moved(-1, other)

    def __mul__(self, factor: Size) -> Size:
        if not isinstance(factor, int):
            raise needs_number(f"{self} times {factor} has no exact form", self.domain, factor.domain)
        return _size(self.domain, self.slope * factor, [b * factor for b in self.offsets])

    __rmul__ = __mul__

    def __floordiv__(self, divisor: Size) -> Size:
        if not isinstance(divisor, int):
            raise needs_number(f"{self} divided by {divisor} has no exact form", self.domain, divisor.domain)
        if divisor < 1:
            raise ValueError(f"a size is divided by {divisor}")
        if divisor == 1:
            return self
        period = self.period * (divisor // gcd(self.slope, divisor))
        slope, offsets = self.over(bounded(period))
        return _size(self.domain, slope // divisor, [b // divisor for b in offsets])

    def __rfloordiv__(self, other: int) -> Size:
        raise needs_number(f"{other} divided by {self} has no exact form", self.domain)

    def __mod__(self, divisor: Size) -> Size:
        return self - self // divisor * divisor

    def __ge__(self, other: Size) -> bool | Condition:
        gap = self - other
        if isinstance(gap, int):
            return gap >= 0
        domain = gap.domain
        found = domain.not_negative.get(gap)
        if found is None:
            found = Condition(domain, _where_not_negative(gap.slope, gap.offsets))
            domain.remember(gap, found)
        return found

    def __le__(self, other: Size) -> bool | Condition:
        return (other - self if isinstance(other, int) else -self + other) >= 0

    def __gt__(self, other: Size) -> bool | Condition:
        return self >= other + 1

    def __lt__(self, other: Size) -> bool | Condition:
        return self <= other - 1

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Symbolic)
            and self.domain is other.domain
            and (self.slope, self.offsets) == (other.slope, other.offsets)
        )

    def __hash__(self) -> int:
        try:
            return self._hash
        except AttributeError:  # made when first asked for: most sizes are no key of anything
            self._hash = hash((self.domain, self.slope, self.offsets))
            return self._hash

    def __str__(self) -> str:
        """Return `m*((H + a)//s) + b` at its shortest, else a table by residue. Excluded sizes do not count."""
        required = self.domain.requirement
        try:
            before, text = self._text
        except AttributeError:  # made when first asked for, as the hash is
            before, text = None, ""
        if before is not required:
            text = describe_size(self.domain.name, self.slope, self.offsets, self._live())
            self._text = required, text
        return text

    __repr__ = __str__

    def over(self, period: int) -> tuple[int, list[int]]:
        """Return slope and offsets for a multiple of the period."""
        times = period // self.period
        return self.slope * times, [b + self.slope * j for j in range(times) for b in self.offsets]

    def _moved(self, sign: int, shift: int) -> Symbolic:
        """Return ±size + shift, whose period is no shorter."""
        if sign == 1 and shift == 0:
            return self
        moved = object.__new__(Symbolic)
        moved.domain, moved.slope = self.domain, sign * self.slope
        moved.offsets = tuple([b + shift for b in self.offsets] if sign == 1 else [shift - b for b in self.offsets])
        return moved

    def _live(self) -> Sequence[int]:
        """Return the residues that the domain leaves."""
        requirement = self.domain.requirement
        shared = gcd(requirement.period, self.period)
        left = {r % shared for r in requirement.residues}
        if len(left) == shared:
            return range(self.period)
        return sorted([r for first in left for r in range(first, self.period, shared)])


Size = int | Symbolic


def symbol(name: str) -> Symbolic:
    """Return a new symbol: any size from 1 on."""
    return Symbolic(Domain(name), 1, (0,))


def require(
    condition: bool | Condition,
    message: str,
    *,
    rule: str = "shape-mismatch",
    argument: str | None = None,
    help: str | None = None,
    **values: object,
) -> None:
    """Demand a condition: of numbers now, of a symbol by narrowing its domain.

    Raises:
        ShapeError: it cannot hold; the text is `message.format(**values)`.
    """
    if isinstance(condition, Condition):
        try:
            condition.domain.assume(condition)
        except ShapeError as error:
            help = help or error.help
        else:
            return
    elif condition:
        return
    raise ShapeError(message.format(**values) if values else message, rule=rule, argument=argument, help=help)


def where(condition: bool | Condition, a: Size, b: Size) -> Size:
    """Return `a` where the condition holds and `b` elsewhere.

    Raises:
        ShapeError: the choice is not one per residue, so that the result has no exact form.
    """
    if not isinstance(condition, Condition):
        return a if condition else b
    domain = condition.domain
    agree = equal(a, b)
    if (condition | agree).always:
        return a
    if (~condition | agree).always:
        return b
    first, second = (Symbolic(domain, 0, (x,)) if isinstance(x, int) else x for x in (a, b))
    period = common_period(condition, domain.requirement, first, second)
    (slope, yes), (other_slope, no) = first.over(period), second.over(period)
    inexact = slope != other_slope
    offsets = []
    for live, row, x, y in zip(domain.requirement.over(period), condition.over(period), yes, no, strict=True):
        chosen = both(live, row)
        inexact = inexact or (x != y and chosen not in (NONE, live))
        offsets.append(x if chosen == live else y)
    if inexact:
        raise needs_number(f"the size is {a} or {b}, depending on {condition}", domain)
    return _size(domain, slope, offsets)


def floordiv(a: Size, n: int) -> Size:
    """Return ⌊a / n⌋."""
    return a // n


def ceildiv(a: Size, n: int) -> Size:
    """Return ⌈a / n⌉."""
    return -(-a // n)


def modulo(a: Size, n: int) -> Size:
    """Return a − n·⌊a / n⌋."""
    return a % n


def minimum(a: Size, b: Size) -> Size:
    """Return the smaller size, where one formula says which."""
    return where(a <= b, a, b)


def maximum(a: Size, b: Size) -> Size:
    """Return the larger size, where one formula says which."""
    return where(a >= b, a, b)


def equal(a: Size, b: Size) -> bool | Condition:
    """Return where two sizes agree. `a == b` asks another thing: whether they are the same formula."""
    if isinstance(a, int) and isinstance(b, int):
        return a == b
    gap = a - b
    if isinstance(gap, int):
        return gap == 0
    if not isinstance(gap, Symbolic):  # a product of sizes, or one of several symbols
        raise needs_number(f"it depends on sizes that are left open whether {a} is {b}")
    return Condition(gap.domain, [_zero(gap.slope, b) for b in gap.offsets])


def at(size: Size, values: Mapping[str, int]) -> int:
    """Return the size where the symbols have these values, by name."""
    return size if isinstance(size, int) else size.at(values[size.domain.name])


def known(size: Size) -> int:
    """Return a size as a number; raises `ShapeError` where it depends on a symbol."""
    if isinstance(size, int):
        return size
    raise needs_number(f"the size {size} is not known yet", size.domain)


def _size(domain: Domain, slope: int, offsets: Sequence[int]) -> Size:
    """Return the size, as an int if it is the same for all."""
    if slope == 0 and all(b == offsets[0] for b in offsets):
        return offsets[0]
    return Symbolic(domain, slope, offsets)


def _reduced(slope: int, offsets: Sequence[int]) -> tuple[int, tuple[int, ...]]:
    """Return the same function by its smallest period."""
    for prime in primes(len(offsets)):
        while len(offsets) % prime == 0 and slope % prime == 0:
            count, step = len(offsets) // prime, slope // prime
            if any(offsets[r] != offsets[r - count] + step for r in range(count, len(offsets))):
                break
            slope, offsets = step, offsets[:count]
    return slope, tuple(offsets)


def _where_not_negative(slope: int, offsets: Sequence[int]) -> list[Flips]:
    """Return the rows of the n at which a size is not negative; one row where it never falls, or never rises."""
    if slope == 0:
        return [ALL if offset >= 0 else NONE for offset in offsets]
    if slope > 0 and _never_falls(slope, offsets):
        return [interval(_first_not_negative(slope, offsets))]
    if slope < 0 and _never_falls(-slope, turned := [-1 - offset for offset in offsets]):
        return [interval(0, _first_not_negative(-slope, turned) - 1)]  # up to the last at which it is not below zero
    return [_not_negative(slope, offset) for offset in offsets]


def _never_falls(slope: int, offsets: Sequence[int]) -> bool:
    return offsets[-1] <= offsets[0] + slope and all(map(le, offsets, islice(offsets, 1, None)))


def _first_not_negative(slope: int, offsets: Sequence[int]) -> int:
    """Return the first n at which a size that rises, and never falls, is not negative."""
    q = max(0, -(offsets[-1] // slope))
    return q * len(offsets) + bisect_left(offsets, -slope * q)


def _not_negative(slope: int, offset: int) -> Flips:
    """Return the q with slope·q + offset ≥ 0."""
    if slope == 0:
        return ALL if offset >= 0 else NONE
    return interval(-(offset // slope)) if slope > 0 else interval(0, offset // -slope)


def _zero(slope: int, offset: int) -> Flips:
    """Return the q with slope·q + offset = 0."""
    if slope == 0:
        return ALL if offset == 0 else NONE
    q, rest = divmod(-offset, slope)
    return NONE if rest or q < 0 else interval(q, q)
