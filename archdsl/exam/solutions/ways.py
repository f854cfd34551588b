"""How many ways lead through a net, by how many weighted layers they pass."""

from __future__ import annotations

from archdsl.analysis.paths import paths
from archdsl.exam.nets import Net
from archdsl.exam.solutions.bench import MOST_ROWS, Bench
from archdsl.exam.solutions.counts import brief_sum
from archdsl.exam.solutions.records import Derivation, Piece, Rows
from archdsl.ops.working import grouped


def derive(bench: Bench, net: Net) -> Derivation:
    """Return the paths from the input to the output of a net, counted by their length."""
    total = paths(bench.subject(net).graph).total
    if total is None:
        return Derivation((), "no output of evaluation")
    said = ("each operand of an addition, a concatenation or a product is a path of its own",)
    lengths = total.histogram or ()
    counted = [(total.shortest + i, count) for i, count in enumerate(lengths) if count]
    if not counted or len(counted) > MOST_ROWS:
        ends = f"they pass {total.shortest} to {total.longest} weighted layers"
        return Derivation((Piece(notes=(ends,)),), grouped(total.count), "", said)
    rows = tuple((str(length), grouped(count)) for length, count in counted)
    table = Rows(("weighted layers passed", "paths"), rows, ("total", grouped(total.count)))
    return Derivation((Piece(table=table),), brief_sum([count for _, count in counted], grouped(total.count)), "", said)
