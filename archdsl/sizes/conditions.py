"""What sizes of a symbol qualify: exact sets of them, and what all facts together leave.

A `Condition` comes of comparing two sizes (`symbolic.py`); a `Domain` is one symbol and what is known of it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import compress
from math import lcm
from typing import Protocol

from archdsl.sizes.flips import ALL, NONE, Flips, both, coarsened, complement, contains, either, primes, refined, turned
from archdsl.sizes.formulas import describe_set

LONGEST_PERIOD = 65_536
"""No symbolic size distinguishes more residues than this; deeper strides want a number."""
_SPARSE = 8
"""Where only one residue of so many has sizes, the others are not looked at."""
_SET = ord("1")
_SHORT, _MANY = 256, 4096
"""The longest period and the number of conditions that are remembered."""


class ShapeError(ValueError):
    """An op cannot take its inputs. `rule` names the diagnostic, `argument` what is to blame."""

    def __init__(
        self, message: str, *, rule: str = "shape-mismatch", argument: str | None = None, help: str | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.rule = rule
        self.argument = argument
        self.help = help


class Condition:
    """An exact set of sizes of one symbol: for each residue r of the period, the q of its L·q + r.

    `&`, `|` and `~` are exact, also with a bool beside. `~` of a comparison of two ints is Python's and
    wrong: write the opposite comparison.
    """

    __slots__ = ("_residues", "_smallest", "domain", "remembered", "rows")
    _residues: tuple[int, ...]
    _smallest: int | None

    def __init__(self, domain: Domain, rows: Sequence[Flips]) -> None:
        self.domain = domain
        self.remembered = False
        self.rows = coarsened(rows)

    @property
    def period(self) -> int:
        return len(self.rows)

    @property
    def residues(self) -> tuple[int, ...]:
        """The residues of its period that have any sizes."""
        try:
            return self._residues
        except AttributeError:  # made when first asked for, which is seldom but then again and again
            self._residues = tuple(compress(range(self.period), self.rows))
            return self._residues

    @property
    def always(self) -> bool:
        """Whether it holds for every size that the domain still allows."""
        return (self.domain.requirement & ~self).is_empty

    @property
    def never(self) -> bool:
        """Whether it holds for no size that the domain still allows."""
        return (self.domain.requirement & self).is_empty

    @property
    def is_empty(self) -> bool:
        """Whether no size from 1 on satisfies it, whatever the domain."""
        return self.rows[0] in (NONE, (0, 1)) and not any(self.rows[1:])

    def holds(self, n: int) -> bool:
        """Whether the size `n` satisfies it."""
        q, r = divmod(n, self.period)
        return contains(self.rows[r], q)

    def smallest(self) -> int | None:
        """Return the smallest size from 1 on that satisfies it."""
        try:
            return self._smallest
        except AttributeError:
            self._smallest = self.nearest(1)[1]
            return self._smallest

    def nearest(self, n: int) -> tuple[int | None, int | None]:
        """Return the nearest sizes that satisfy it, at most and at least `n`; both are `n` if it does."""
        period, least = self.period, max(n, 1)
        below: list[int] = []
        above: list[int] = []
        for r in self._last_of_each(n % period):
            row, q = self.rows[r], (n - r) // period
            flips = bisect_right(row, q)
            if flips:
                below.append(period * (q if flips % 2 else row[flips - 1] - 1) + r)
        for r in self._first_of_each(least % period):
            row, q = self.rows[r], -((r - least) // period)
            flips = bisect_right(row, q)
            if flips % 2 or flips < len(row):
                above.append(period * (q if flips % 2 else row[flips]) + r)
        return max((m for m in below if m >= 1), default=None), min(above, default=None)

    def _first_of_each(self, split: int) -> set[int]:
        """Return the first residue of each row below `split`, and from there on: no other comes sooner."""
        low, high = self.rows[:split], self.rows[split:]
        return {*map(low.index, set(low)), *(split + high.index(row) for row in set(high))}

    def _last_of_each(self, split: int) -> set[int]:
        """Return the last residue of each row up to `split`, and behind it: no other comes later."""
        low, high, last = self.rows[split::-1], self.rows[:split:-1], self.period - 1
        return {*(split - low.index(row) for row in set(low)), *(last - high.index(row) for row in set(high))}

    def __and__(self, other: Condition | bool) -> Condition:
        return self._combined(other, both)

    __rand__ = __and__

    def __or__(self, other: Condition | bool) -> Condition:
        return self._combined(other, either)

    __ror__ = __or__

    def __invert__(self) -> Condition:
        return Condition(self.domain, list(map(complement, self.rows)))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Condition) or self.domain is not other.domain:
            return False
        if self.rows == other.rows:
            return True
        period = common_period(self, other)
        return self.over(period) == other.over(period)

    __hash__ = None  # type: ignore[assignment]  # one set has several periods to be written with

    def __bool__(self) -> bool:
        if self.always:
            return True
        if self.never:
            return False
        raise TypeError(f"a rule cannot branch on `{self}`: use `require` or `where`")

    def __str__(self) -> str:
        return describe_set(self.domain.name, self.rows)

    __repr__ = __str__

    def over(self, period: int) -> list[Flips]:
        """Return the rows for a multiple of the period."""
        return refined(self.rows, period // self.period)

    def row(self, period: int, rest: int) -> Flips:
        """Return the q of the period·q + rest in it, for a multiple of its own period."""
        times, own = divmod(rest, self.period)
        return turned(self.rows[own], times, period // self.period)

    def live(self, period: int) -> Iterator[int]:
        """Yield the residues that may have any sizes, for a multiple of its own period."""
        for start in range(0, period, self.period):
            for r in self.residues:
                yield start + r

    def is_of_one_residue(self, period: int) -> bool:
        """Whether all of its sizes have one residue, for a multiple of its own period."""
        live, times = [row for row in self.rows if row], period // self.period
        return len(live) == 1 and sum(map(bool, refined(live, times))) == 1

    def _combined(self, other: Condition | bool, rule: Callable[[Flips, Flips], Flips]) -> Condition:
        if isinstance(other, bool):
            other = Condition(self.domain, [ALL if other else NONE])
        for one, another in ((self, other), (other, self)):
            if len(another.rows) == 1 and another.rows[0] in (ALL, NONE) and one.domain is another.domain:
                # A set beside all sizes, or beside none, is itself or the other.
                return one if (rule is both) is (another.rows[0] == ALL) else another
        period = common_period(self, other)
        few, many = sorted((self, other), key=lambda one: len(one.residues) * other.period * self.period // one.period)
        if rule is both and len(few.residues) * _SPARSE < few.period:
            rows = [NONE] * period
            for r in few.live(period):
                rows[r] = both(few.row(period, r), many.row(period, r))
            return Condition(self.domain, rows)
        pairs = list(zip(self.over(period), other.over(period), strict=True))
        known = {pair: rule(*pair) for pair in set(pairs)}  # few differ, whatever the period
        return Condition(self.domain, list(map(known.__getitem__, pairs)))


class Domain:
    """What is known of one symbol: `requirement` is what all facts together leave, at first every size ≥ 1."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.requirement = Condition(self, [(1,)])
        self.facts: list[Condition] = []
        """What was assumed, in order, without what followed from earlier facts."""
        self.not_negative: dict[Periodic, Condition] = {}
        """Where sizes are not negative, of those that were asked for: layers ask the same again and again."""
        self._implied: set[int] = set()
        """Identities of remembered conditions that follow from the requirement."""

    def remember(self, gap: Periodic, condition: Condition) -> None:
        """Keep where a size is not negative, if that takes little room."""
        if condition.period <= _SHORT and gap.period <= _SHORT and len(self.not_negative) < _MANY:
            self.not_negative[gap] = condition
            condition.remembered = True

    @contextmanager
    def afresh(self) -> Iterator[None]:
        """Forget every fact for a while, so that it can be seen who assumes what; then know all of them again."""
        known = self.requirement, self.facts, self._implied
        self.requirement, self.facts, self._implied = Condition(self, [(1,)]), [], set()
        try:
            yield
        finally:
            self.requirement, self.facts, self._implied = known

    def assume(self, condition: Condition | bool) -> None:
        """Narrow the domain; raises `ShapeError`, and changes nothing, where no size would be left."""
        asked = condition
        if id(asked) in self._implied:
            return
        condition &= Condition(self, [ALL])
        low = self.requirement.smallest()
        if condition.period == len(condition.rows[0]) == 1 and low is not None and condition.rows[0][0] <= low:
            self._note(asked)  # a bound that what precedes is above
            return
        narrowed = self.requirement & condition
        if narrowed == self.requirement:
            self._note(asked)
            return
        if narrowed.is_empty:
            left = (
                None if condition.is_empty else f"this needs {condition}, but what precedes leaves {self.requirement}"
            )
            raise ShapeError(f"no {self.name} satisfies {condition}", help=left)
        self.facts.append(self._shorter(condition))
        self.requirement = narrowed
        self._note(asked)

    def _note(self, condition: Condition | bool) -> None:
        """Note that a condition follows from now on, if it is remembered and so keeps its identity."""
        if isinstance(condition, Condition) and condition.remembered:
            self._implied.add(id(condition))

    def _shorter(self, condition: Condition) -> Condition:
        """Return what says no more than `condition` adds, by the smallest period: `H % 8 < 4` where `H % 16 < 8`."""
        count = common_period(self.requirement, condition)
        mine, theirs = self.requirement.over(count), condition.over(count)
        marks = bytearray(b"0" * count), bytearray(b"0" * count)
        known: dict[tuple[Flips, Flips], Flips] = {}
        for r in self.requirement.live(count):
            live = mine[r]
            if live:
                pair = live, theirs[r]
                chosen = known.get(pair)
                if chosen is None:
                    chosen = known[pair] = both(*pair)
                if chosen not in (NONE, live):
                    return condition
                marks[bool(chosen)][-1 - r] = _SET
        no, yes = (int(one, 2) for one in marks)
        for prime in primes(count):
            while count % prime == 0:
                whole, shorter = _folded(yes, count // prime), _folded(no, count // prime)
                if whole & shorter:
                    break
                yes, no, count = whole, shorter, count // prime
        return Condition(self, list(map({"1": ALL, "0": NONE}.__getitem__, reversed(f"{yes:0{count}b}"))))

    def nearest(self, n: int) -> tuple[int | None, int | None]:
        """Return the nearest valid sizes, at most and at least `n`."""
        return self.requirement.nearest(n)


def _folded(bits: int, count: int) -> int:
    """Return a number whose bit r says whether any of the bits r, r + count, r + 2·count, ... is set."""
    found, mask = 0, (1 << count) - 1
    while bits:
        found |= bits & mask
        bits >>= count
    return found


class Periodic(Protocol):
    """A size or a condition: something that is told per residue of one symbol."""

    @property
    def domain(self) -> Domain: ...
    @property
    def period(self) -> int: ...


def needs_number(message: str, *domains: Domain) -> ShapeError:
    names = " and ".join(dict.fromkeys(domain.name for domain in domains))
    return ShapeError(
        message,
        rule="size-needed",
        help=f"give {names} as {'numbers' if ' and ' in names else 'a number'}" if names else "",
    )


def common_period(first: Periodic, *others: Periodic) -> int:
    for other in others:
        if other.domain is not first.domain:
            names = f"both {first.domain.name} and {other.domain.name}"
            raise needs_number(f"the result depends on {names}", first.domain, other.domain)
    return bounded(lcm(first.period, *(other.period for other in others)))


def bounded(period: int) -> int:
    if period > LONGEST_PERIOD:
        raise ShapeError(
            f"the size would differ by {period} residues, more than {LONGEST_PERIOD}",
            rule="size-needed",
            help="give the input size as numbers",
        )
    return period
