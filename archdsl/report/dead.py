"""The section on dead work: how much there is, where, and which strides may move to an earlier layer."""

from __future__ import annotations

from collections.abc import Sequence
from heapq import nlargest
from math import prod
from textwrap import fill
from typing import Any

from archdsl.analysis.dead import DeadWork, Live
from archdsl.analysis.live_sets import counted
from archdsl.analysis.moved_strides import NewStride, Rewrite, Steps, Subsampling
from archdsl.ops.base import spell
from archdsl.ops.sliding import UNITS
from archdsl.report.columns import aligned
from archdsl.tensors import dims

MOST_ROWS = 20
"""Layers, inputs and rewrites that are shown of each."""
MOST_NAMES = 6
WIDTH = 100
HEAD = ("Layer", "Output", "Live", "Dead MACs", "Share")
NOT_FOLLOWED = (
    "There may be more: channels are not told apart behind a split or a shuffle, nor positions behind merged axes or "
    "where that is too much work."
)


def render(found: DeadWork) -> str:
    """Return the section as lines that end with a newline; a layer's share is that of the network's MACs."""
    dead = [one for one in found.nodes if one.dead]
    if not dead:
        none = "none: every position of every map is read" if found.exact else f"none was found. {NOT_FOLLOWED}"
        return _sentence(f"Dead work   {none}") + "\n"
    headline = (
        f"Dead work   {found.dead_macs:,} of {found.macs:,} MACs{_share(found.dead_macs, found.macs)} and "
        f"{found.dead_activations:,} of {found.activations:,} activations are for positions that nothing reads"
    )
    lines = [_sentence(headline), *_table(found, [one for one in dead if one.node.inputs])]
    lines += _some([_sentence(_input(name, one)) for name, one in found.inputs.items() if one.dead], "input")
    lines += _some([_sentence(sentence(one)) for one in found.rewrites], "rewrite")
    if not found.exact:
        lines.append(_sentence(NOT_FOLLOWED))
    return "\n".join(lines) + "\n"


def _sentence(text: str) -> str:
    """Return a text as lines that hang together; names are never broken."""
    return fill(
        text, WIDTH, initial_indent="  ", subsequent_indent="    ", break_long_words=False, break_on_hyphens=False
    )


def _some(lines: list[str], what: str) -> list[str]:
    more = len(lines) - MOST_ROWS
    return lines if more <= 0 else [*lines[:MOST_ROWS], f"  and {more:,} more {what}{'s' * (more > 1)}"]


def _share(part: int, whole: int) -> str:
    return f" ({_percent(part, whole)})" if part else ""


def _percent(part: int, whole: int) -> str:
    """Return a share in percent; what is not 0 does not look like 0."""
    return f"{100 * part / whole:.2f} %" if 10_000 * part >= whole else "< 0.01 %"


def _table(found: DeadWork, dead: list[Live]) -> list[str]:
    """Return the layers with dead positions, or those with the most dead work, in order of running."""
    if not dead:
        return []
    shown = dead
    if len(dead) > MOST_ROWS:
        most = nlargest(MOST_ROWS, dead, key=lambda one: (one.dead_macs, one.dead_activations))
        shown = sorted(most, key=lambda one: one.node.index)
    lines = aligned(HEAD, [_row(found, one) for one in shown])
    more = len(dead) - len(shown)
    return [*lines, f"  and {more:,} more layer{'s' * (more > 1)} with less"] if more else lines


def _row(found: DeadWork, one: Live) -> tuple[str, ...]:
    cost = (f"{one.dead_macs:,}", _percent(one.dead_macs, found.macs)) if one.dead_macs else ("", "")
    return (one.node.id, dims(one.node.output.shape), f"{one.live:,} of {one.positions:,}", *cost)


def _input(name: str, one: Live) -> str:
    """Say which positions of an input are read by nothing."""
    sizes = one.node.output.known[1:]
    if not one.live:
        return f"Nothing reads the input `{name}`."
    parts: list[str] = []
    for axis, (size, unit) in enumerate(zip(sizes, UNITS.get(len(sizes), ("positions",) * len(sizes)), strict=True)):
        parts += _slices(one.along(axis), size, unit)
    left = prod(counted(one.along(axis), size) for axis, size in enumerate(sizes))
    if left != one.live:
        parts.append(f"{left - one.live:,} others")
    what = "pixels" if len(sizes) == 2 else "positions"
    return f"Nothing reads {one.dead:,} of the {one.positions:,} {what} of the input `{name}`: {_listed(parts)}."


def _slices(seen: int, size: int, unit: str) -> list[str]:
    """Say which slices of an axis are not read, by the mask of those that are."""
    if counted(seen, size) == size:
        return []
    first, last = (seen & -seen).bit_length() - 1, size - seen.bit_length()
    between = size - seen.bit_count() - first - last
    parts = [(first, "the first"), (last, "the last")]
    said = [f"{where} {count:,} {unit}" if count > 1 else f"{where} {unit[:-1]}" for count, where in parts if count]
    return [*said, f"{between:,} {unit if between > 1 else unit[:-1]} between others"] if between else said


def _listed(parts: Sequence[str]) -> str:
    """Return names as a list in words, the first few of many."""
    shown = list(parts)
    if len(shown) > MOST_NAMES + 1:
        shown = [*shown[:MOST_NAMES], f"{len(shown) - MOST_NAMES:,} more"]
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def sentence(made: Rewrite) -> str:
    """Say what to change, and what is then less."""
    # Some layer may give up a stride along one axis and take one along another, and is named with the latter.
    given = [one for one in made.givers if one not in made.takers]
    parts = [
        *_strides(made.takers),
        *_strides(given),
        *(f"{_pool(one)} stands between {one.source.id} and {one.reader.id}" for one in made.subsampled[:MOST_NAMES]),
    ]
    if len(made.subsampled) > MOST_NAMES:
        parts.append(f"so it does at {len(made.subsampled) - MOST_NAMES:,} more places")
    saved = f", with {made.saved_macs:,} MACs fewer" if made.saved_macs else ", with fewer positions"
    return (
        f"Move the stride earlier: {'; '.join(parts)}. In evaluation this is the same function of the same weights"
        f"{saved}."
    )


def _strides(changes: Sequence[NewStride]) -> list[str]:
    """Say which layers take which stride, those with the same change together."""
    alike: dict[tuple[Steps, Steps], list[str]] = {}
    for one in changes:
        alike.setdefault((one.before, one.after), []).append(one.node.id)
    return [
        f"{_listed(names)} take{'s' * (len(names) == 1)} stride {spell(after)} in place of {spell(before)}"
        for (before, after), names in alike.items()
    ]


def _pool(one: Subsampling) -> str:
    return f"MaxPool{len(one.stride)}d(1, stride={spell(one.stride)})"


def as_dict(found: DeadWork) -> dict[str, Any]:
    """Return the totals, the inputs, the layers with dead positions and the rewrites, for JSON."""
    return {
        "macs": found.macs,
        "dead_macs": found.dead_macs,
        "activations": found.activations,
        "dead_activations": found.dead_activations,
        "exact": found.exact,
        "inputs": {name: {"positions": one.positions, "dead": one.dead} for name, one in found.inputs.items()},
        "layers": [_layer(one) for one in found.nodes if one.dead and one.node.inputs],
        "rewrites": [_rewrite(one) for one in found.rewrites],
    }


def _layer(one: Live) -> dict[str, Any]:
    return {
        "path": one.node.path,
        "call": one.node.call,
        "op": one.node.op.name,
        "output": list(one.node.output.known),
        "positions": one.positions,
        "dead": one.dead,
        "macs": one.macs,
        "dead_macs": one.dead_macs,
        "exact": one.exact,
    }


def _rewrite(made: Rewrite) -> dict[str, Any]:
    return {
        "strides": [
            {"path": one.node.path, "before": list(one.before), "after": list(one.after)} for one in made.strides
        ],
        "subsampled": [
            {"source": one.source.id, "reader": one.reader.id, "stride": list(one.stride)} for one in made.subsampled
        ],
        "saved_macs": made.saved_macs,
        "sentence": sentence(made),
    }
