"""Numbers as people read them; the exact ones stand in the machine formats."""

from __future__ import annotations


def short(count: int | None) -> str:
    """Return a count with a prefix and three digits or so: `4.09 G`, `118.0 M`, `850`."""
    if count is None:
        return "–"
    for factor, sign in ((10**12, "T"), (10**9, "G"), (10**6, "M")):
        if count >= factor:
            value = count / factor
            return f"{value:.1f} {sign}" if value >= 100 else f"{value:.2f} {sign}"
    return f"{count:,}"


def mebibytes(count: int) -> str:
    """Return bytes in the largest unit of 1024 that keeps a digit before the point: `97.5 MiB`."""
    for factor, sign in ((2**40, "TiB"), (2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB")):
        if count >= factor:
            value = count / factor
            return f"{value:.1f} {sign}" if value >= 10 else f"{value:.2f} {sign}"
    return f"{count} B"
