"""F: how multiply-adds are miscounted, and which other count is given for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from math import prod

from archdsl.exam.mistakes.params import CONVS, factored, full, has_bias, is_grouped, scaled
from archdsl.exam.walk import Ask, Kind, Mistake, Number, Place, Value, Walk, whole
from archdsl.ops import Op
from archdsl.ops.conv import Conv, ConvTranspose
from archdsl.ops.dense import Linear

MACS, FLOPS = frozenset({"macs"}), frozenset({"flops"})
WORK = MACS | FLOPS
LARGE = WORK | {"params", "weights", "activations", "memory"}
WORKING = (Conv, ConvTranspose, Linear)


def row(id: str, did: str, formula: str, on: tuple[type[Op], ...], work: Callable[[Place, Number], Number],
        asks: frozenset[str] = WORK) -> Mistake:  # fmt: skip
    """Return a row that replaces how the multiply-adds of a layer are counted."""
    return Mistake(id, did, formula, True, asks, on, work=work)


Answer = Callable[[Walk, Ask, Value], Iterable[Value]]


def other(id: str, did: str, formula: str, asks: frozenset[str], answer: Answer) -> Mistake:
    """Return a row that gives another number than the one asked."""
    return Mistake(id, did, formula, True, asks, kind=Kind.OTHER, answer=answer)


def times(factor: Fraction | int) -> Answer:
    """Return the rule that an answer is off by a factor."""

    def answer(walk: Walk, ask: Ask, value: Value) -> Iterable[Value]:
        if isinstance(value, int | Fraction):
            yield whole(value * factor)

    return answer


def kilo(walk: Walk, ask: Ask, value: Value) -> Iterable[Value]:
    """Yield a number that is stated with K = 1024 where 1000 is meant, or the reverse, by its size also for M and G."""
    if isinstance(value, int | Fraction):
        for power in range(1, 4):
            if value >= 1000**power:
                yield whole(Fraction(value) * 1024**power / 1000**power)
                yield whole(Fraction(value) * 1000**power / 1024**power)


def _input_map(place: Place, true: Number) -> Number:
    return scaled(true, place.read, place.positions)


def _output_map(place: Place, true: Number) -> Number:
    return scaled(true, place.positions, place.read)


def _no_map(place: Place, true: Number) -> Number:
    by = place.sizes if isinstance(place.op, ConvTranspose) else place.output[1:]  # type: ignore[index]  # it has one
    return scaled(true, 1, prod(by))


def _bias_work(place: Place, true: Number) -> Number:
    return true + prod(place.output or ())


def _half_bias_work(place: Place, true: Number) -> Number:
    return true + Fraction(prod(place.output or ()), 2)  # a FLOP is half a MAC


def _product(walk: Walk, ask: Ask, value: Value) -> Iterable[Value]:
    subject = walk.subject
    inside = subject.scope(ask.layer)
    stages = [subject.macs[i] for i in inside if subject.macs[i]]
    if len(stages) == 2:
        yield prod(stages) * (2 if ask.quantity == "flops" else 1)


def _params(walk: Walk, ask: Ask, value: Value) -> Iterable[Value]:
    subject = walk.subject
    yield sum([subject.counts[i].params for i in subject.scope(ask.layer)])


def _macs(walk: Walk, ask: Ask, value: Value) -> Iterable[Value]:
    subject = walk.subject
    if not subject.is_open:
        only = subject.graph.training_only if ask.layer is None else frozenset()
        yield sum([subject.macs[i] for i in subject.scope(ask.layer) if i not in only])


ROWS = (
    other("F01", "gave FLOPs for MACs", "2 · MACs", MACS, times(2)),
    other("F01", "gave MACs for FLOPs", "FLOPs / 2", FLOPS, times(Fraction(1, 2))),
    row("F02", "used the input map", "k·k·C·D·n·n", (Conv,), _input_map),
    row("F02", "used the output map", "k·k·C·D·o·o", (ConvTranspose,), _output_map),
    row("F03", "forgot the map", "k·k·C·D", CONVS, _no_map),
    factored("F04", "forgot the input channels", "k·k·D·o·o", lambda p: (p.channels // p.op.groups, 1), None, WORK),
    factored("F04", "forgot the output channels", "k·k·C·o·o", lambda p: (p.op.out_channels, 1), None, WORK),
    Mistake("F05", "counted a grouped convolution as a full one", "g · MACs", True, WORK, CONVS, is_grouped, op=full),
    Mistake("F06", "added the biases", "MACs + D·o·o", True, MACS, WORKING, has_bias, work=_bias_work),
    Mistake("F06", "added the biases", "FLOPs + D·o·o", True, FLOPS, WORKING, has_bias, work=_half_bias_work),
    Mistake("F07", "multiplied the two stages", "MACs · MACs", True, WORK, answer=_product),
    other("F09", "took K for 1024, or for 1000", "× 1.024", LARGE, kilo),
    other("F10", "gave the parameters", "params", WORK, _params),
    other("F10", "gave the MACs", "MACs", frozenset({"params"}), _macs),
)  # fmt: skip
"""F08, the factor of a batch, needs the batch: see `batched` in `memory.py`."""
