"""What sizes of a symbol qualify: exact sets of them, and what all facts together leave.

A `Condition` comes of comparing two sizes (`symbolic.py`); a `Domain` is one symbol and what is known of it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from math import lcm
from typing import Protocol

from archdsl.sizes.flips import ALL, NONE, Flips, both, coarsened, complement, contains, either, primes, refined, turned
from archdsl.sizes.formulas import describe_set

LONGEST_PERIOD = 65_536
"""No symbolic size distinguishes more residues than this; deeper strides want a number."""
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

    __slots__ = ("domain", "remembered", "rows")

    def __init__(self, domain: Domain, rows: Sequence[Flips]) -> None:
        self.domain = domain
        self.remembered = False
        self.rows = coarsened(rows)

    @property
    def period(self) -> int:
        return len(self.rows)

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
        return self.smallest() is None

    def holds(self, n: int) -> bool:
        """Whether the size `n` satisfies it."""
        q, r = divmod(n, self.period)
        return contains(self.rows[r], q)

    def smallest(self) -> int | None:
        """Return the smallest size from 1 on that satisfies it."""
        return self.nearest(1)[1]

    def nearest(self, n: int) -> tuple[int | None, int | None]:
        """Return the nearest sizes that satisfy it, at most and at least `n`; both are `n` if it does."""
        period = self.period
        below: list[int] = []
        above: list[int] = []
        for r, row in enumerate(self.rows):
            q = (n - r) // period
            flips = bisect_right(row, q)
            if flips:
                below.append(period * (q if flips % 2 else row[flips - 1] - 1) + r)
            q = max(0, -((r - n) // period))
            flips = bisect_right(row, q)
            if flips % 2 or flips < len(row):
                above.append(period * (q if flips % 2 else row[flips]) + r)
        return max((m for m in below if m >= 1), default=None), min((m for m in above if m >= 1), default=None)

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

    def is_of_one_residue(self, period: int) -> bool:
        """Whether all of its sizes have one residue, for a multiple of its own period."""
        live, times = [row for row in self.rows if row], period // self.period
        return len(live) == 1 and sum(map(bool, refined(live, times))) == 1

    def _combined(self, other: Condition | bool, rule: Callable[[Flips, Flips], Flips]) -> Condition:
        if isinstance(other, bool):
            other = Condition(self.domain, [ALL if other else NONE])
        period = common_period(self, other)
        mine, theirs = self.over(period), other.over(period)
        known = {pair: rule(*pair) for pair in set(zip(mine, theirs, strict=True))}  # few differ, whatever the period
        return Condition(self.domain, [known[pair] for pair in zip(mine, theirs, strict=True)])


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
        period = common_period(self.requirement, condition)
        facts: list[bool | None] = []
        for live, row in zip(self.requirement.over(period), condition.over(period), strict=True):
            chosen = both(live, row)
            if chosen not in (NONE, live):
                return condition
            facts.append(bool(chosen) if live else None)
        for prime in primes(period):
            while len(facts) % prime == 0:
                count = len(facts) // prime
                groups = [set(facts[r::count]) - {None} for r in range(count)]
                if any(len(group) > 1 for group in groups):
                    break
                facts = [next(iter(group), None) for group in groups]
        return Condition(self, [ALL if fact else NONE for fact in facts])

    def nearest(self, n: int) -> tuple[int | None, int | None]:
        """Return the nearest valid sizes, at most and at least `n`."""
        return self.requirement.nearest(n)


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
