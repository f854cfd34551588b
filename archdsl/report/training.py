"""The memory of a training step as a section: its parts, the peak, and the largest tensors that autograd keeps."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap
from typing import Any

from archdsl.analysis.training_memory import NOT_MODELLED, TrainingMemory
from archdsl.report.columns import aligned
from archdsl.report.units import mebibytes

MOST_TENSORS = 10
"""How many of the tensors that are kept a section lists."""
MOST_ALIVE = 6
"""And how many of those that are alive at the peak."""
WIDTH = 98
PHASES = {"forward": "forward", "backward": "backward", "recompute": "forward again"}


def render(found: TrainingMemory) -> str:
    """Return the section of one step: a table of the parts, then one of the largest tensors that are kept."""
    lines = [f"  Training memory: {settings(found)}", ""]
    lines += aligned(("part", "bytes"), [(name, mebibytes(count)) for name, count in parts(found)], _peak(found))
    lines += ["", f"  {_where(found)}", ""]
    alive = [(_named(found, one.node, one.what), mebibytes(one.bytes)) for one in found.alive[:MOST_ALIVE]]
    if alive:
        more = len(found.alive) - len(alive)
        beside = f"and {more:,} smaller", mebibytes(sum(one.bytes for one in found.alive[MOST_ALIVE:]))
        lines += [*aligned(("alive at the peak", "bytes"), [*alive, *([beside] if more else [])]), ""]
    largest = sorted(found.tensors, key=lambda one: (-one.bytes, one.node))[:MOST_TENSORS]
    if largest:
        whole = sum(one.bytes for one in found.tensors)
        rows = [
            (
                _named(found, one.node, one.what),
                _readers(found, one.readers),
                mebibytes(one.bytes),
                f"{100 * one.bytes / whole:.1f} %",
            )
            for one in largest
        ]
        lines += [f"  The largest of {len(found.tensors):,} tensors kept for the backward", ""]
        lines += aligned(("tensor", "read by", "bytes", "share"), rows, left=2)
        lines += ["", *_told_of_checkpoints(found)]
    lines += [f"  {line}" for line in wrap(f"Not counted: {NOT_MODELLED}.", WIDTH)]
    return "\n".join(lines) + "\n"


def settings(found: TrainingMemory) -> str:
    """Return how the network is trained: `batch 32, float32, adam`."""
    parts = [f"batch {found.batch:,}", found.dtype, found.optimizer]
    parts += [f"autocast to {found.amp}"] if found.amp else []
    parts += [f"{found.segments:,} checkpoint{'s' * (found.segments != 1)}"] if found.segments else []
    return ", ".join(parts)


def parts(found: TrainingMemory) -> list[tuple[str, int]]:
    """Return what memory is for, and its bytes."""
    return [
        ("weights", found.weights),
        ("buffers", found.buffers),
        ("gradients of weights", found.gradients),
        (f"optimizer states ({found.optimizer})", found.states),
        ("kept for the backward", found.saved),
    ]


def where(found: TrainingMemory) -> str:
    """Return the layer and phase of the peak: `layer1.0.relu, backward`."""
    return f"{found.graph.nodes[found.node].id}, {PHASES[found.phase]}"


def _peak(found: TrainingMemory) -> tuple[str, str]:
    return "peak", mebibytes(found.peak)


def _where(found: TrainingMemory) -> str:
    return f"The peak is at {where(found)}; not all of the above is alive then, and gradients of activations are."


def _told_of_checkpoints(found: TrainingMemory) -> list[str]:
    if not found.segments:
        return []
    return ["  These are kept without checkpoints; with them, only what goes into each stays until the backward.", ""]


def _named(found: TrainingMemory, node: int, what: str) -> str:
    name = found.graph.nodes[node].id
    return name if what == "output" else f"{name}: {what}"


def _readers(found: TrainingMemory, readers: Sequence[int]) -> str:
    """Return the first layer whose backward reads a tensor, and how many more do."""
    more = f" and {len(readers) - 1} more" if len(readers) > 1 else ""
    return f"{found.graph.nodes[readers[0]].id}{more}"


def as_dict(found: TrainingMemory) -> dict[str, Any]:
    """Return the memory of a step as JSON has it, in bytes."""
    nodes = found.graph.nodes
    return {
        "batch": found.batch,
        "dtype": found.dtype,
        "optimizer": found.optimizer,
        "amp": found.amp,
        "checkpoints": found.segments,
        "weights": found.weights,
        "buffers": found.buffers,
        "gradients": found.gradients,
        "optimizer_states": found.states,
        "saved": found.saved,
        "peak": found.peak,
        "peak_at": {"layer": nodes[found.node].id, "phase": found.phase},
        "alive_at_peak": [
            {"layer": nodes[one.node].id, "what": one.what, "bytes": one.bytes} for one in found.alive[:MOST_TENSORS]
        ],
        "saved_tensors": [
            {
                "layer": nodes[one.node].id,
                "what": one.what,
                "bytes": one.bytes,
                "read_by": [nodes[reader].id for reader in one.readers],
            }
            for one in found.tensors
        ],
        "not_counted": NOT_MODELLED,
    }
