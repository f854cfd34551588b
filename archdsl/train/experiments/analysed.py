"""What the analysis says of the networks that an experiment trains, and how often their runs bore it out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from archdsl.analysis.saved import saved_tensors
from archdsl.train.experiments.experiment import Net, Run
from archdsl.train.prediction import Prediction, judged


def analysed(one: Net) -> dict[str, int]:
    """Return the parameters of a network and, for one image, its MACs and the bytes that a training step keeps.

    The bytes are those of float32 on a CPU, without what is kept once for all images.
    """
    graph, totals = one.network.graph, one.network.examine().totals
    alone, pair = (sum(kept.bytes for kept in saved_tensors(graph, batch=batch)) for batch in (1, 2))
    return {"params": totals.params, "macs": totals.macs or 0, "saved": pair - alone}


def rows(runs: Iterable[Run]) -> dict[str, Any]:
    """Return how many predictions of some runs were met and how many not tried, and the names of those that failed."""
    found = [one for run in runs for one in run.predictions]
    states = Counter(one.state for one in found)
    failed = sorted({one.name for one in found if one.failed})
    return {"passed": states["passed"], "skipped": states["skipped"], "failed": failed}


def borne_out(found: Sequence[Mapping[str, Any]]) -> Prediction:
    """Return the prediction that none of the predictions of the runs fails, from what `rows` gave for each network."""
    passed, skipped = (sum(one[state] for one in found) for state in ("passed", "skipped"))
    failed = sorted({name for one in found for name in one["failed"]})
    measured = f"{passed} met" + (f"; not met: {', '.join(failed)}" if failed else "")
    note = "parameters, shapes, MACs, saved bytes, fields, losses" + (f"; {skipped} not tried" if skipped else "")
    return judged(
        "predicted against measured in each run", "all are met", measured, "", not failed and passed > 0, note
    )
