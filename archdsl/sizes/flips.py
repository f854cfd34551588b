"""Sets of whole numbers q ≥ 0, each written as the places where membership flips.

`()` is none, `(0,)` all, `(3,)` is q ≥ 3, and `(3, 5)` is {3, 4}. A list of L such sets is a set of n ≥ 0:
row r holds the q of the n = L·q + r.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, pairwise

Flips = tuple[int, ...]
ALL: Flips = (0,)
NONE: Flips = ()


def contains(flips: Flips, q: int) -> bool:
    return bisect_right(flips, q) % 2 == 1


def interval(first: int, last: int | None = None) -> Flips:
    """Return the q from `first` up to and including `last`."""
    first = max(first, 0)
    if last is None:
        return (first,)
    return (first, last + 1) if last >= first else NONE


def complement(flips: Flips) -> Flips:
    return flips[1:] if flips[:1] == ALL else (0, *flips)


def combine(a: Flips, b: Flips, rule: Callable[[bool, bool], bool]) -> Flips:
    """Return the q for which `rule(q in a, q in b)` is true."""
    flips, inside = [], False
    for q in sorted({0, *a, *b}):
        if rule(contains(a, q), contains(b, q)) != inside:
            flips.append(q)
            inside = not inside
    return tuple(flips)


def both(a: Flips, b: Flips) -> Flips:
    if len(a) == len(b) == 1:
        return max(a, b)
    if not a or not b:
        return NONE
    return combine(a, b, lambda p, q: p and q)


def either(a: Flips, b: Flips) -> Flips:
    if len(a) == len(b) == 1:
        return min(a, b)
    return combine(a, b, lambda p, q: p or q)


def refined(rows: Sequence[Flips], times: int) -> list[Flips]:
    """Return the same set of n with `times` as many rows."""
    if times == 1:
        return list(rows)
    spread = {row: _spread(row, times) for row in set(rows)}  # few differ, however many there are
    return list(chain.from_iterable(zip(*map(spread.__getitem__, rows), strict=True)))


def _spread(row: Flips, times: int) -> list[Flips]:
    """Return for each j below `times` the q of which times·q + j are in a set."""
    if not row or row == ALL:
        return [row] * times
    made: list[Flips] = []
    for end in sorted({q % times for q in row} - {0} | {times}):  # from such a j on a flip comes a turn earlier
        made += [turned(row, end - 1, times)] * (end - len(made))
    return made


def turned(row: Flips, start: int, times: int) -> Flips:
    """Return the q of which times·q + start are in a set."""
    return _distinct(-((start - q) // times) for q in row)


def coarsened(rows: Sequence[Flips]) -> tuple[Flips, ...]:
    """Return the same set of n with as few rows as do not take more flips to write."""
    if set(map(len, rows)) == {1}:  # by far the most common: a bound
        bound = min(len(rows) * row[0] + r for r, row in enumerate(rows))
        if all(row[0] == -((r - bound) // len(rows)) for r, row in enumerate(rows)):
            return ((bound,),)
    plain = all(map((ALL, NONE).__contains__, set(rows)))
    for prime in primes(len(rows)):
        while len(rows) % prime == 0:
            count = len(rows) // prime
            if plain:  # all or none of each: one row for several where they are alike
                if list(rows) != list(rows[:count]) * prime:
                    break
                rows = rows[:count]
                continue
            merged: list[Flips] = []
            for r in range(count):
                row = _interleaved(rows[r::count])
                if row is None:
                    break
                merged.append(row)
            if len(merged) < count:
                break
            rows = merged
    return tuple(rows)


def primes(n: int) -> Iterator[int]:
    """Yield the prime factors of `n`, each once."""
    factor = 2
    while factor * factor <= n:
        if n % factor == 0:
            yield factor
            while n % factor == 0:
                n //= factor
        factor += 1
    if n > 1:
        yield n


def _distinct(flips: Iterator[int]) -> Flips:
    """Drop places where membership flips twice."""
    kept: list[int] = []
    for q in flips:
        if kept and kept[-1] == q:
            kept.pop()
        else:
            kept.append(q)
    return tuple(kept)


def _interleaved(rows: Sequence[Flips]) -> Flips | None:
    """Return one row for several, or `None` where it would have more flips than they have together."""
    if all(row == rows[0] for row in rows) and rows[0] in (ALL, NONE):
        return rows[0]
    if len({len(row) % 2 for row in rows}) > 1:
        return None
    most = sum(map(len, rows))
    places = sorted({0, *(q for row in rows for q in row)})
    flips: list[int] = []
    inside = False
    for here, there in pairwise([*places, places[-1] + 1]):
        states = [contains(row, here) for row in rows]
        for q in range(here, there if len(set(states)) > 1 else here + 1):
            for j, state in enumerate(states):
                if state != inside:
                    flips.append(len(rows) * q + j)
                    inside = state
            if len(flips) > most:
                return None
    return tuple(flips)
