"""The paths of a network as a section of the report and as data."""

from __future__ import annotations

from decimal import Decimal, localcontext
from math import gcd
from typing import Any

from archdsl.analysis.paths import UNITS, LayerPaths, Lengths, Paths, Stretch
from archdsl.report.columns import aligned

MOST_ROWS = 20
MOST_PAIRS = 10
MOST_NAMES = 3
MOST_DIGITS = 15
PRECISION = 40
BAR = 24
_EIGHTHS = " ▏▎▍▌▋▊▉█"
NOTE = "A number of paths is structure: it does not say how much gradient takes which path."


def render(found: Paths) -> str:
    """Return the section: how many paths and how long, from how far a gradient comes, and where it passes unchanged."""
    if found.total is None:
        return "  no path: evaluation has no output\n"
    lines = [f"  {_headline(found, found.total)}", *_pairs(found), *_histogram(found.total, UNITS[found.unit])]
    lines += [*_gradients(found), "", f"  {_identity(found)}", f"  {_past(found)}", f"  {NOTE}"]
    return "\n".join(lines) + "\n"


def counted(number: int) -> str:
    """Return a number of paths: with all of its digits, or as a power of two, or with four digits."""
    if number < 10**MOST_DIGITS:
        return f"{number:,}"
    if number & (number - 1) == 0:
        return f"2^{number.bit_length() - 1}"
    shift = max(0, number.bit_length() - 4 * PRECISION)
    with localcontext(prec=PRECISION):  # of a number of thousands of digits the first are enough
        return f"{Decimal(number >> shift) * Decimal(2) ** shift:.3e}".replace("e+", "e")


def _headline(found: Paths, total: Lengths) -> str:
    many = "1 path" if total.count == 1 else f"{counted(total.count)} paths"
    ends = f"from {_named(found.inputs, 'inputs')} to {_named(found.outputs, 'outputs')}"
    return f"{many} {ends}, {_lengths(total, UNITS[found.unit])}"


def _lengths(lengths: Lengths, unit: str) -> str:
    if lengths.shortest == lengths.longest:
        one = unit.replace("layers", "layer").replace("activations", "activation")
        return f"of {lengths.longest} {one if lengths.longest == 1 else unit}"
    return f"of {lengths.shortest} to {lengths.longest} {unit}, mean {_rounded(lengths.mean)}"


def _rounded(number: Any) -> str:
    return f"{float(number):.2f}".rstrip("0").rstrip(".")


def _named(names: tuple[str, ...], many: str) -> str:
    return names[0] if len(names) == 1 else f"{len(names)} {many}"


def _pairs(found: Paths) -> list[str]:
    """Tell the pairs of an input and an output apart, where there are several."""
    if len(found.between) < 2:
        return []
    rows = [
        (
            f"{start} to {end}",
            counted(one.count),
            str(one.shortest),
            str(one.longest),
            _rounded(one.mean),
        )
        for (start, end), one in list(found.between.items())[:MOST_PAIRS]
    ]
    more = len(found.between) - len(rows)
    return ["", *aligned(("", "paths", "shortest", "longest", "mean"), rows), *([f"  and {more} more"] if more else [])]


def _histogram(total: Lengths, unit: str) -> list[str]:
    """Draw how many paths are of which length, in at most `MOST_ROWS` rows."""
    counts = total.histogram
    if counts is None or len(counts) == 1:
        return []
    # Where every block adds an even number of layers, a row must not hold two lengths and the next one three.
    step = gcd(*[i for i, count in enumerate(counts) if count])
    width = -(-len(counts) // (step * MOST_ROWS)) * step
    bins = [(low, sum(counts[low : low + width])) for low in range(0, len(counts), width)]
    most = max(count for _, count in bins)
    names = [_range(total.shortest + low, min(total.shortest + low + width - step, total.longest)) for low, _ in bins]
    digits = max(map(len, names))
    rows = [
        (name.rjust(digits), counted(count), _bar(count, most).ljust(BAR))
        for name, (_, count) in zip(names, bins, strict=True)
    ]
    head = (unit, "paths", f"sd {_rounded(total.sd)}".ljust(BAR))
    return ["", *aligned(head, rows)]


def _range(low: int, high: int) -> str:
    return str(low) if low == high else f"{low}–{high}"


def _bar(value: int, most: int) -> str:
    """Draw a share of the largest value in eighths of a character; a value that is not 0 shows."""
    if not value:
        return ""
    eighths = max(1, round(value * BAR * 8 / most))
    return "█" * (eighths // 8) + (_EIGHTHS[eighths % 8] if eighths % 8 else "")


def _gradients(found: Paths) -> list[str]:
    """Tell the shortest and longest way back to the layers of each module of the network."""
    modules: dict[str, list[LayerPaths]] = {}
    for layer in found.layers:
        modules.setdefault(layer.id.partition(".")[0].partition("#")[0], []).append(layer)
    if not modules:
        return []
    rows = [
        (name, str(len(layers)), str(min(x.shortest for x in layers)), str(max(x.longest for x in layers)))
        for name, layers in modules.items()
    ]
    if len(rows) > MOST_ROWS:
        half = MOST_ROWS // 2
        rows = [*rows[:half], (f"({len(rows) - 2 * half} more)", "", "", ""), *rows[-half:]]
    back = f"  Gradient paths from {_named(found.outputs, 'the outputs')} back, in {UNITS[found.unit]} behind the layer"
    return ["", back, *aligned(("back to", "layers", "shortest", "longest"), rows)]


def _identity(found: Paths) -> str:
    ends = _named(found.outputs, "outputs") if len(found.outputs) == 1 else "an output"
    names = found.identity
    if not names:
        return f"No identity path (copies and sums alone) leads to {ends}."
    shown = ", ".join(names[-1 : -MOST_NAMES - 1 : -1])
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    alone = " alone" if len(names) == 1 else ""
    return f"Identity paths (copies and sums alone) lead from {ends} back to {shown}{more}{alone}."


def _past(found: Paths) -> str:
    known = [one for one in found.stretches if one.past]
    unit = UNITS[found.unit]
    if not known:
        return f"Inside, no identity path runs past {unit}."
    best: Stretch = max(known, key=lambda one: (one.past or 0, one.merges))
    merges = "1 merge" if best.merges == 1 else f"{best.merges} merges"
    number = f"1 of the {unit}" if best.past == 1 else f"{best.past} {unit}"
    return f"Inside, the longest runs past {number}, through {merges}:\n    from {best.first} to {best.last}"


# As data.


def as_dict(found: Paths) -> dict[str, Any]:
    """Return the paths as JSON takes them: numbers beyond 2^53 are texts."""
    return {
        "unit": found.unit,
        "inputs": list(found.inputs),
        "outputs": list(found.outputs),
        "total": _as_dict(found.total) if found.total else None,
        "between": [
            {"input": start, "output": end} | _as_dict(lengths) for (start, end), lengths in found.between.items()
        ],
        "layers": [
            {
                "id": layer.id,
                "shortest": layer.shortest,
                "longest": layer.longest,
                "paths": _whole(layer.through),
            }
            for layer in found.layers
        ],
        "identity": list(found.identity),
        "stretches": [
            {"first": one.first, "last": one.last, "merges": one.merges, "past": one.past} for one in found.stretches
        ],
    }


def _as_dict(lengths: Lengths) -> dict[str, Any]:
    counts = lengths.histogram
    return {
        "paths": _whole(lengths.count),
        "shortest": lengths.shortest,
        "longest": lengths.longest,
        "mean": float(lengths.mean),
        "sd": lengths.sd,
        "histogram": None
        if counts is None
        else {str(length): _whole(count) for length, count in enumerate(counts, lengths.shortest) if count},
    }


def _whole(number: int) -> int | str:
    """Return a number as it is where every reader of JSON keeps it exact, else as a text."""
    return number if number <= 2**53 else counted(number)
