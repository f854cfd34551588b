"""M: how memory is misstated, and the batch that is multiplied in or left out."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from archdsl.analysis.memory import DTYPES, peak_activations
from archdsl.exam.mistakes.work import WORK, other
from archdsl.exam.walk import Ask, Value, Walk, owns_storage, whole

MEMORY = frozenset({"memory"})
STORED = MEMORY | {"activations"}


def _values(walk: Walk, ask: Ask, value: Value) -> Iterable[Value]:
    if isinstance(value, int | Fraction):
        yield whole(Fraction(value) / DTYPES[ask.dtype])


def _binary(walk: Walk, ask: Ask, value: Value) -> Iterable[Value]:
    if isinstance(value, int | Fraction):
        yield whole(Fraction(value) * 2**20 / 10**6)
        yield whole(Fraction(value) * 10**6 / 2**20)


def _twice(walk: Walk, ask: Ask, value: Value) -> Iterable[Value]:
    if isinstance(value, int | Fraction):
        yield 2 * value
        yield whole(Fraction(value) / 2)


def _all_or_largest(walk: Walk, ask: Ask, value: Value) -> Iterable[Value]:
    """Yield the sum over all activations for the most alive at once, or the reverse."""
    graph = walk.subject.graph
    if ask.layer is not None or walk.subject.is_open:
        return
    size = ask.batch * DTYPES[ask.dtype]
    if ask.quantity == "memory":
        skipped = graph.training_only
        yield size * sum([n.output.elements for n in graph.nodes if owns_storage(n) and n.index not in skipped])
    elif peak := peak_activations(graph, ask.batch, ask.dtype):
        yield peak.bytes // size


def _batched(walk: Walk, ask: Ask, value: Value) -> Iterable[Value]:
    if ask.batch > 1 and isinstance(value, int | Fraction):
        yield whole(Fraction(value) / ask.batch) if ask.quantity == "memory" else value * ask.batch


ROWS = (
    other("F08", "multiplied by the batch, or left it out", "× B", WORK | STORED, _batched),
    other("M01", "gave values for bytes", "bytes / 4", MEMORY, _values),
    other("M02", "took MB for MiB, or the reverse", "× 1.048576", MEMORY, _binary),
    other("M03", "counted the backward pass too, or left it out", "× 2", STORED, _twice),
    other("M04", "counted all activations where the most at once is asked, or the reverse", "Σ against max",
          STORED, _all_or_largest),
)  # fmt: skip
