"""Numbers as people read them; the exact ones stand in the machine formats."""

from __future__ import annotations

from collections.abc import Sequence

PREFIXES = ("M", "G", "T", "P", "E", "Z", "Y", "R", "Q")
"""Of a million, and each of a thousand times the one before."""
UNITS = ("KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB")
"""Of 1024, and each of 1024 times the one before."""


def short(count: int | None) -> str:
    """Return a count with a prefix and three digits or so: `4.09 G`, `118.0 M`, `850`."""
    if count is None:
        return "–"
    return f"{count:,}" if count < 10**6 else _scaled(count, 10**6, 1000, PREFIXES, long=100)


def mebibytes(count: int) -> str:
    """Return bytes in the largest unit of 1024 that keeps a digit before the point: `97.5 MiB`."""
    return f"{count} B" if count < 1024 else _scaled(count, 1024, 1024, UNITS, long=10)


def _scaled(count: int, factor: int, step: int, signs: Sequence[str], *, long: int) -> str:
    """Return a count in the first sign that leaves less than a step of it as it is written.

    From `long` on one digit follows the point, and two below; where the signs end, thousands are set apart.
    """
    for sign in signs:
        if count < factor * step:
            value = count / factor
            text = f"{value:.1f}" if value >= long else f"{value:.2f}"
            if float(text) < step:
                return f"{text} {sign}"
        factor *= step
    return f"{count // (factor // step):,} {signs[-1]}"
