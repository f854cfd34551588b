"""What an argument of a layer may be: its kind, its range, and the message when it is something else."""

from __future__ import annotations

from typing import Any, Final

REQUIRED: Final[Any] = object()
"""Stands where an argument has no default."""

INFINITY = float("inf")
LARGEST = 2**31
"""No size, stride or count that means anything for a network is larger."""


MOST_AXES = 3
"""Spatial axes of the maps that layers for any number of them take."""


class ArgumentError(Exception):
    """An argument that does not fit; `place` is its name, its position, or `None` if it is absent."""

    def __init__(self, message: str, place: str | int | None, *, unknown: bool = False) -> None:
        super().__init__(message)
        self.place = place
        self.unknown = unknown


class Kind:
    """A type of argument: reads a value of the language or says what it wants instead."""

    wants: str = "a value"

    def read(self, value: Any, dimensions: int | None) -> Any:
        """Return the value in its stored form; raises `ValueError` where it is none of this kind."""
        raise NotImplementedError


class Whole(Kind):
    """A whole number in a range."""

    def __init__(self, least: int = 1, most: int = LARGEST) -> None:
        self.least, self.most = least, most
        if most < LARGEST:
            self.wants = f"a whole number from {least} to {most}"
        else:
            self.wants = f"a whole number from {least} up" if least > -LARGEST else "a whole number"

    def read(self, value: Any, dimensions: int | None) -> int:
        if type(value) is not int or not self.least <= value <= self.most:
            raise ValueError
        return value


class Real(Kind):
    """A number strictly or loosely between two bounds."""

    def __init__(self, low: float = -INFINITY, high: float = INFINITY, *, strict: bool = False) -> None:
        self.low, self.high, self.strict = low, high, strict
        if strict:
            self.wants = f"a number with {low:g} < x < {high:g}"
        elif low == -INFINITY:
            self.wants = "a number"
        else:
            self.wants = f"a number from {low:g} to {high:g}" if high < INFINITY else f"a number from {low:g} up"

    def read(self, value: Any, dimensions: int | None) -> float:
        if type(value) not in (int, float):
            raise ValueError
        inside = self.low < value < self.high if self.strict else self.low <= value <= self.high
        if not inside:
            raise ValueError
        return float(value)


class Boolean(Kind):
    """`true` or `false`."""

    wants = "`true` or `false`"

    def read(self, value: Any, dimensions: int | None) -> bool:
        if type(value) is not bool:
            raise ValueError
        return value


class Never(Boolean):
    """An argument of PyTorch that an analysis before running cannot follow: only `false` is taken."""

    wants = "`false` (the language has no tensor of indices)"

    def read(self, value: Any, dimensions: int | None) -> bool:
        if value is not False:
            raise ValueError
        return value


class PerAxis(Kind):
    """One whole number for every spatial axis, or a tuple with one for each."""

    def __init__(self, least: int = 1, most: int = LARGEST) -> None:
        self.one = Whole(least, most)
        self.wants = f"{self.one.wants}, or one for each axis as in `({max(least, 1)}, {max(least, 1) + 2})`"

    def read(self, value: Any, dimensions: int | None) -> tuple[int, ...]:
        assert dimensions is not None, "only layers with a number of axes have arguments per axis"
        if type(value) is tuple:
            if len(value) != dimensions:
                raise ValueError
            return tuple(self.one.read(v, dimensions) for v in value)
        return (self.one.read(value, dimensions),) * dimensions


class AxisOrNone(PerAxis):
    """As `PerAxis`, where `none` keeps the size of that axis."""

    def __init__(self, most: int = LARGEST) -> None:
        super().__init__(1, most)
        self.wants += "; a `none` in the tuple keeps the size of an axis"

    def read(self, value: Any, dimensions: int | None) -> tuple[int | None, ...]:  # type: ignore[override]
        assert dimensions is not None, "only layers with a number of axes have arguments per axis"
        if type(value) is not tuple:
            return super().read(value, dimensions)
        if len(value) != dimensions or (dimensions == 1 and None in value):  # PyTorch knows no `None` there
            raise ValueError
        return tuple(None if v is None else self.one.read(v, dimensions) for v in value)


class Padding(PerAxis):
    """A padding per axis, or one of PyTorch's words `"same"` and `"valid"`."""

    def __init__(self) -> None:
        super().__init__(0)
        self.wants = f'{self.one.wants}, one for each axis, "same" or "valid"'

    def read(self, value: Any, dimensions: int | None) -> Any:
        return value if value in ("same", "valid") else super().read(value, dimensions)


class Sides(Kind):
    """One amount for every side, or a tuple in PyTorch's order: the last axis first, before and after each."""

    def __init__(self, least: int) -> None:
        self.one = Whole(least)
        self.wants = f"{self.one.wants}, or one for each side in the order left, right, top, bottom, front, back"

    def read(self, value: Any, dimensions: int | None) -> tuple[int, ...]:
        assert dimensions is not None, "only layers with a number of axes have arguments per side"
        if type(value) is not tuple:
            return (self.one.read(value, dimensions),) * (2 * dimensions)
        if len(value) != 2 * dimensions:
            raise ValueError
        return tuple(self.one.read(v, dimensions) for v in value)


class OneOrMore(Kind):
    """One value of another kind, or a tuple with one for each axis of whatever map there will be."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.wants = f"{kind.wants}, or one for each axis in parentheses"

    def read(self, value: Any, dimensions: int | None) -> Any:
        if type(value) is not tuple:
            return self.kind.read(value, dimensions)
        if not 1 <= len(value) <= MOST_AXES:
            raise ValueError
        return tuple(self.kind.read(v, dimensions) for v in value)


class Choice(Kind):
    """One of some words."""

    def __init__(self, *words: str) -> None:
        self.words = words
        self.wants = ("one of " if len(words) > 1 else "") + ", ".join(f'"{word}"' for word in words)

    def read(self, value: Any, dimensions: int | None) -> str:
        if value not in self.words:
            raise ValueError
        return str(value)


class Maybe(Kind):
    """Another kind, or `none`."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.wants = f"{kind.wants}, or `none`"

    def read(self, value: Any, dimensions: int | None) -> Any:
        return None if value is None else self.kind.read(value, dimensions)


class Argument:
    """A declared argument: its name (its attribute's), its kind, and its default as one would write it."""

    def __init__(self, kind: Kind, default: Any) -> None:
        self.name = ""
        self.kind = kind
        self.default = default
        self._filled: dict[int | None, Any] = {}

    def read(self, value: Any, dimensions: int | None, place: str | int) -> Any:
        """Return `value` in its stored form; raises `ArgumentError` that says what is wanted."""
        try:
            return self.kind.read(value, dimensions)
        except ValueError:
            most = f", at most {LARGEST:,}" if type(value) is int and value > LARGEST else ""
            raise ArgumentError(f"`{self.name}` is {self.kind.wants}{most}", place) from None

    def fill(self, dimensions: int | None) -> Any:
        """Return the default in its stored form."""
        if self.default is REQUIRED:
            return REQUIRED
        if dimensions not in self._filled:
            self._filled[dimensions] = self.kind.read(self.default, dimensions)
        return self._filled[dimensions]

    def __str__(self) -> str:
        if self.default is REQUIRED:
            return self.name
        written = f'"{self.default}"' if isinstance(self.default, str) else str(self.default)
        return f"{self.name}={written.lower() if isinstance(self.default, bool | None) else written}"


def argument(kind: Kind, default: Any = REQUIRED) -> Any:
    """Declare an argument of an op; without a default it has to be given."""
    return Argument(kind, default)
