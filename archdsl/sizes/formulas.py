"""How sizes and conditions on them are written: `(H + 1)//2`, `H >= 32 and H % 2 == 0`.

Everything here takes plain numbers and gives text; what they mean is said in `symbolic.py` and `flips.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import gcd

from archdsl.sizes.flips import ALL, Flips, both, coarsened, complement, interval

_LISTED = 8
"""How many sizes or residues a text lists before it says `…`."""


def describe_size(name: str, slope: int, offsets: Sequence[int], live: Sequence[int]) -> str:
    """Return `slope·q + offsets[r]` as `m*((H + a)//s) + b` at its shortest, else as a table by residue.

    Only the residues `live` count, of which there is at least one.
    """
    common = gcd(slope, len(offsets))
    values = list(map(offsets.__getitem__, live))
    firsts, lasts = dict(zip(reversed(values), reversed(live), strict=True)), dict(zip(values, live, strict=True))
    ends = [(offset, first, lasts[offset]) for offset, first in firsts.items()]
    rise, run = slope // common, len(offsets) // common
    for k in range(1, common + 1):
        if common % k == 0 and (text := _fit(name, offsets[live[0]], live[0], ends, rise * k, run * k)):
            return text
    return _table(name, offsets, live, rise, run)


def describe_set(name: str, rows: Sequence[Flips]) -> str:
    """Return a set of sizes ≥ 1 as bounds and residues, in as few words as are exact for what occurs."""
    period = len(rows)
    rows = [both(rows[0], (1,)), *rows[1:]]
    residues = [r for r, row in enumerate(rows) if row]
    if not residues:
        return f"no {name}"
    low = min(period * rows[r][0] + r for r in residues)
    endless = [r for r in residues if len(rows[r]) % 2]
    last = max((period * (rows[r][-1] - 1) + r for r in residues), default=0)
    high = None if endless else last

    box = [interval(-((r - low) // period), None if high is None else (high - r) // period) for r in residues]
    absent = [both(hull, complement(rows[r])) for r, hull in zip(residues, box, strict=True)]
    if high is not None and (any(absent) or len(residues) < period):
        members = _members(period, residues, [rows[r] for r in residues], _LISTED + 1)
        if len(members) <= _LISTED:
            return _among(name, members)
    if all(len(row) % 2 == 0 for row in absent):
        excluded = _members(period, residues, absent, 4)
        if len(excluded) < 4:
            parts = [_bounds(name, low, high, min(r or period for r in residues))]
            parts.append(describe_residues(name, period, residues))
            parts.append(_among(name, excluded, negated=True))
            return " and ".join(filter(None, parts)) or f"any {name}"
    if high is not None:
        return _among(name, _members(period, residues, [rows[r] for r in residues], _LISTED), more=True)
    head = [both(row, interval(0, (last - r) // period)) for r, row in enumerate(rows)]
    tail = [both(row, interval((last - r) // period + 1)) for r, row in enumerate(rows)]
    return f"{describe_set(name, coarsened(head))} or {describe_set(name, coarsened(tail))}"


def describe_residues(name: str, period: int, residues: Sequence[int]) -> str:
    """Return `H % 16 < 8`, `H % 16 in (0, 12)` or the like; nothing where every residue is meant."""
    period, residues = _shortest(period, set(residues))
    count, first, last = len(residues), residues[0], residues[-1]
    others = [r for r in range(period) if r not in set(residues)] if period - count <= _LISTED else []
    remainder = f"{name} % {period}"
    if count == period:
        return ""
    if count == 1:
        return f"{remainder} == {first}"
    if len(others) == 1:
        return f"{remainder} != {others[0]}"
    if last - first + 1 == count:
        return (
            f"{remainder} < {last + 1}"
            if first == 0
            else f"{remainder} >= {first}"
            if last == period - 1
            else f"{first} <= {remainder} <= {last}"
        )
    if others and count > _LISTED:
        return f"{remainder} not in ({', '.join(map(str, others))})"
    return _among(remainder, residues[:_LISTED], more=count > _LISTED)


def _fit(name: str, base: int, first: int, ends: Sequence[tuple[int, int, int]], m: int, s: int) -> str | None:
    """Return the size as `m*((H + a)//s) + b`, if it is that: `base` at its first residue, and of each other value it
    is told at which residues it has it first and last.

    With rem(r) = (r + a) % s, the size rises from first to r by
    m·(r − first + rem(first) − rem(r))/s. So its rises are multiples of m, and they tell rem(first) − rem(r);
    any rem(first) that keeps all of them within 0 … s − 1 gives an a.
    """
    if m == 0:
        return str(base) if len(ends) == 1 else None
    if m != 1 and any((offset - base) % m for offset, _, _ in ends):
        return None
    low = max([(offset - base) // m * s - (r - first) for offset, r, _ in ends])
    high = s - 1 + min([(offset - base) // m * s - (r - first) for offset, _, r in ends])
    if low > high:
        return None
    texts = []
    for rem in {low, high, min(max(first % s, low), high)}:
        a = rem - first
        for shift in {0, base // m, -(a // s), -(a // s) - 1}:
            texts.append(_formula(name, a + shift * s, s, m, base - shift * m))
    return min(texts, key=lambda text: (len(text), text))


def _table(name: str, offsets: Sequence[int], live: Sequence[int], rise: int, run: int) -> str:
    """Return the size per group of residues on which it is one line, (rise·H + shift)/run; three groups at most."""
    groups: dict[int, list[int]] = {}
    for r in live:
        groups.setdefault(run * offsets[r] - rise * r, []).append(r)
    cases = []
    for shift, residues in list(groups.items())[:3]:
        line = _formula(name, 0, 1, rise, shift) if rise else str(shift // run)
        value = line if run == 1 or not rise else f"({line})/{run}" if shift else f"{line}/{run}"
        cases.append(f"{value} ({describe_residues(name, len(offsets), residues)})")
    return ", ".join(cases) + (", …" if len(groups) > 3 else "")


def _formula(name: str, a: int, s: int, m: int, b: int) -> str:
    """Return `m*((H + a)//s) + b` without what has no effect."""
    text = name + _plus(a)
    if s != 1:
        text = f"({text})//{s}" if a else f"{text}//{s}"
    if m != 1:
        factor = "-" if m == -1 else f"{m}*"
        text = f"{factor}({text})" if a or s != 1 else f"{factor}{text}"
    return text + _plus(b)


def _plus(number: int) -> str:
    return "" if number == 0 else f" + {number}" if number > 0 else f" - {-number}"


def _bounds(name: str, low: int, high: int | None, least: int) -> str:
    """Return `3 <= H <= 9`, or what of it is needed where no size lies below `least`."""
    if low == high:
        return f"{name} == {low}"
    if low == least:
        return "" if high is None else f"{name} <= {high}"
    return f"{name} >= {low}" if high is None else f"{low} <= {name} <= {high}"


def _among(what: str, numbers: Sequence[int], *, more: bool = False, negated: bool = False) -> str:
    if not numbers:
        return ""
    if len(numbers) == 1:
        return f"{what} {'!=' if negated else '=='} {numbers[0]}"
    return f"{what} {'not in' if negated else 'in'} ({', '.join(map(str, numbers))}{', …' if more else ''})"


def _members(period: int, residues: Sequence[int], rows: Sequence[Flips], most: int) -> list[int]:
    """Return the smallest sizes of a finite set, at most `most`."""
    found: list[int] = []
    for r, row in zip(residues, rows, strict=True):
        taken = 0
        for start, stop in zip(row[::2], row[1::2], strict=True):
            stop = min(stop, start + most - taken)
            found.extend(period * q + r for q in range(start, stop))
            taken += stop - start
    return sorted(found)[:most]


def _shortest(period: int, residues: set[int]) -> tuple[int, list[int]]:
    """Return the same residues by the smallest period."""
    rows = coarsened([ALL if r in residues else () for r in range(period)])
    return len(rows), [r for r, row in enumerate(rows) if row]
