"""What one unit sees, as text and JSON."""

from __future__ import annotations

from math import prod
from typing import Any

from archdsl.analysis.sets import Seen
from archdsl.analysis.unit import Sight, Unit
from archdsl.graph import Graph
from archdsl.ops.sliding import UNITS
from archdsl.report.json import text
from archdsl.tensors import dims


def render(graph: Graph, unit: Unit) -> str:
    """Return a few lines for each input."""
    sizes = unit.node.output.known[1:]
    lines = [f"  {unit.node.id}   unit {_place(unit.place)} of {dims(sizes)}, all channels    {unit.node.span}", ""]
    for name, fed in graph.inputs.items():
        lines += [f"  {line}".rstrip() for line in _lines(name, fed.output.known, unit.sights.get(name))]
    if unit.padding is None:
        lines.append("  padding   not told: its share takes too much work on maps of this size")
    else:
        lines.append(f"  padding   {100 * unit.padding:.1f} % of the ways back from it end beyond the border of a map")
        lines.append("            (every tap of a window counts alike; a sum counts all that it adds)")
    return "\n".join(lines) + "\n"


def _lines(name: str, shape: tuple[int, ...], sight: Sight | None) -> list[str]:
    head = f"of {name}, {dims(shape)}"
    if sight is None:
        return [f"{head}: nothing; it does not depend on this input", ""]
    lines = [head]
    words = UNITS[len(shape) - 1] if len(shape) > 1 else ()
    if sight.global_ is not None:
        lines.append(f"  plane   the whole input: `{sight.global_}` made it so")
    elif sight.plane is not None:
        parts = [_extent(word, seen) for word, seen in zip(words, sight.plane, strict=True)]
        hull = prod(seen.high - seen.low + 1 if seen else 0 for seen in sight.plane)
        counted = f"not counted, {sight.why}" if sight.plane_count is None else _counted(sight.plane_count, hull)
        lines.append(f"  plane   {', '.join(parts)}: {counted}")
    elif sight.why:
        lines.append(f"  plane   not known: {sight.why}")
    if sight.image is None:
        lines.append("  image   nothing: all that it reads lies beyond a border" if words else "  image   all of it")
    else:
        parts = [
            f"{word} {low} to {high} ({high - low + 1})" for word, (low, high) in zip(words, sight.image, strict=True)
        ]
        hull = prod(high - low + 1 for low, high in sight.image)
        most = "" if sight.exact else "at most "
        lines.append(f"  image   {', '.join(parts)}: {most}{_counted(sight.image_count, hull)}")
    return [*lines, ""]


def _extent(word: str, seen: Seen | None) -> str:
    if seen is None:
        return f"no {word}"
    return f"{word} {seen.low} to {seen.high} ({seen.high - seen.low + 1})".replace("-", "−")


def _counted(count: int, hull: int) -> str:
    positions = f"{count:,} position{'' if count == 1 else 's'}"
    return positions if count == hull else f"{positions} of the {hull:,} between ({100 * count / hull:.0f} %)"


def _place(place: tuple[int, ...]) -> str:
    return ",".join(map(str, place)) or "–"


def as_json(unit: Unit) -> str:
    """Return the unit as JSON, `archdsl/unit@1`."""
    document: dict[str, Any] = {
        "schema": "archdsl/unit@1",
        "path": unit.node.path,
        "call": unit.node.call,
        "unit": list(unit.place),
        "padding_share": unit.padding,
        "inputs": {name: _as_dict(sight) for name, sight in unit.sights.items()},
    }
    return text(document)


def _as_dict(sight: Sight) -> dict[str, Any]:
    plane = None
    if sight.plane is not None:
        ends = [None if seen is None else [seen.low, seen.high] for seen in sight.plane]
        plane = {"ends": ends, "covered": sight.plane_count}
    image = (
        None if sight.image is None else {"ends": [list(ends) for ends in sight.image], "covered": sight.image_count}
    )
    return {"global": sight.global_, "plane": plane, "why": sight.why or None, "image": image, "exact": sight.exact}
