"""What a check says: that all agrees, what does not, or why it was not made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

MOST_SHOWN = 20
"""Differences that one check lists."""

_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class Check:
    """The end of one comparison. `differences` is empty where everything agrees; `skipped` says why it was not made."""

    name: str
    summary: str
    differences: tuple[str, ...] = ()
    skipped: bool = False

    @property
    def failed(self) -> bool:
        return bool(self.differences)


def skipped(name: str, why: str) -> Check:
    """Return a check that was not made."""
    return Check(name, why, (), skipped=True)


def compared(
    expected: Mapping[str, _Value], found: Mapping[str, _Value], spell: Callable[[_Value], str] = str
) -> list[str]:
    """Return a line for each key that only one side has, or whose values differ."""
    lines = [
        f"{key}: {spell(expected[key])} in the analysis, absent in the code" for key in expected if key not in found
    ]
    lines += [f"{key}: {spell(found[key])} in the code, absent in the analysis" for key in found if key not in expected]
    return lines + [
        f"{key}: {spell(value)} in the analysis, {spell(found[key])} in the code"
        for key, value in expected.items()
        if key in found and found[key] != value
    ]


def ended(name: str, summary: str, differences: list[str]) -> Check:
    """Return a check with as many of its differences as are read."""
    shown = differences[:MOST_SHOWN]
    if len(differences) > MOST_SHOWN:
        shown.append(f"and {len(differences) - MOST_SHOWN} more")
    return Check(name, f"{len(differences)} differ" if differences else summary, tuple(shown))
