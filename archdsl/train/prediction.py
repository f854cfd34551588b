"""A prediction held against a measurement, and the table of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

SIGNS = {"passed": "✓", "failed": "✗", "skipped": "–"}


@dataclass(frozen=True, slots=True)
class Prediction:
    """What was predicted of a model or a run, what was measured, and how far apart the two may be.

    `note` says how it was measured, or why it was not.
    """

    name: str
    predicted: str
    measured: str
    tolerance: str
    state: str
    """`passed`, `failed` or `skipped`."""
    note: str = ""
    differences: tuple[str, ...] = ()

    @property
    def failed(self) -> bool:
        return self.state == "failed"

    def as_record(self) -> dict[str, Any]:
        """Return it as it stands in the record of a run."""
        return {**asdict(self), "differences": list(self.differences)}


def exact(name: str, predicted: int, measured: int, note: str = "", unit: str = "") -> Prediction:
    """Return a prediction of a whole number, which is met by that number alone."""
    state = "passed" if predicted == measured else "failed"
    return Prediction(name, f"{predicted:,}{unit}", f"{measured:,}{unit}", "exact", state, note)


def judged(name: str, predicted: str, measured: str, tolerance: str, met: bool, note: str = "") -> Prediction:
    """Return a prediction that is met or not."""
    return Prediction(name, predicted, measured, tolerance, "passed" if met else "failed", note)


def skipped(name: str, why: str, predicted: str = "") -> Prediction:
    """Return a prediction that nothing was measured for."""
    return Prediction(name, predicted or "–", "–", "–", "skipped", why)


def table(predictions: Sequence[Prediction]) -> str:
    """Return predictions as a Markdown table, with what differs below it."""
    rows = [("", "", "predicted", "measured", "tolerance", "note")]
    for one in predictions:
        rows.append((SIGNS[one.state], one.name, one.predicted, one.measured, one.tolerance, one.note))
    cells = [[_cell(cell) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in cells) for column in range(len(rows[0]))]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
             for row in cells]  # fmt: skip
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    for one in predictions:
        if one.differences:
            lines += ["", f"{one.name}:", "", *(f"- {difference}" for difference in one.differences)]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
