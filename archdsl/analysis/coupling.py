"""Where units come to depend on all of a map, and where samples of a batch come to depend on each other.

Most layers read near a position of one sample. A norm may take its mean over all positions, or over the samples of a
batch: then no part of the image can be computed by itself, or the result for an image depends on its neighbours.

Source: Wu & He 2018, arXiv:1803.08494, figure 2, for what each norm takes its mean over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from archdsl.analysis.nearby import mixes_positions
from archdsl.analysis.receptive_field import Fields
from archdsl.graph import Graph, Node
from archdsl.ops.norm import BatchNorm, RunningNorm


class When(Enum):
    """When one thing depends on another."""

    NEVER = "never"
    TRAINING = "in training"
    ALWAYS = "in training and evaluation"


@dataclass(frozen=True, slots=True)
class Coupling:
    """A layer that keeps the shape of a map, and makes what it holds depend on each other."""

    node: Node
    positions: When
    """The positions of one sample."""
    samples: When
    """The samples of a batch."""


def couplings(graph: Graph) -> tuple[Coupling, ...]:
    """Return the norms, softmaxes and gates that couple positions or samples, in order of running."""
    found: list[Coupling] = []
    for node in graph.nodes:
        positions = When.ALWAYS if mixes_positions(graph, node) else When.NEVER
        samples = When.NEVER
        if isinstance(node.op, RunningNorm) and positions is When.NEVER and _is_map(node):
            positions = When.TRAINING  # by the statistics of the batch, or of the sample, in place of the running ones
        if isinstance(node.op, BatchNorm):
            samples = When.TRAINING if node.op.track_running_stats else When.ALWAYS
        if node.index not in graph.training_only and (positions, samples) != (When.NEVER, When.NEVER):
            found.append(Coupling(node, positions, samples))
    return tuple(found)


def first_global(graph: Graph, fields: Sequence[Fields]) -> Node | None:
    """Return the first node by whose own doing every unit sees the whole input; `fields` are those of the graph."""
    for node in graph.nodes:
        if node.index in graph.training_only:
            continue
        if any(seen.global_ == node.path for seen in fields[node.index].values()):
            return node
    return None


def _is_map(node: Node) -> bool:
    return any(size != 1 for size in node.output.spatial)
