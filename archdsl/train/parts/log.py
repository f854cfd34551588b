"""What a run says while it goes on, and the tables that it leaves."""

from __future__ import annotations

import csv
import io
import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from archdsl.train.parts.checkpoint import write_whole
from archdsl.train.parts.libraries import installed

Row = dict[str, float]


def say(text: str) -> None:
    """Print a line for the one who waits, on standard error."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def answer(text: str) -> None:
    """Print a result, on standard output."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


class Bar:
    """A line on a terminal that shows how far an epoch is; nothing elsewhere."""

    def __init__(self, steps: int, progress: str) -> None:
        self.steps = steps
        self.shown = progress == "on" or (progress == "auto" and sys.stderr.isatty())
        self.last = 0.0

    def show(self, epoch: int, step: int, loss: float | None) -> None:
        """Draw the line anew, at most ten times a second."""
        now = time.monotonic()
        if not self.shown or (now - self.last < 0.1 and step < self.steps):
            return
        self.last = now
        full = 30 * step // self.steps
        tail = "" if loss is None else f"  loss {loss:.4f}"
        sys.stderr.write(f"\repoch {epoch + 1} |{'#' * full}{' ' * (30 - full)}| {step}/{self.steps}{tail} ")
        sys.stderr.flush()

    def clear(self) -> None:
        """Leave the line to what is printed next."""
        if self.shown:
            sys.stderr.write("\r\033[K")
            sys.stderr.flush()


def csv_text(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return rows as CSV, with all columns that any of them has."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def write_tables(folder: Path, epochs: Sequence[Row], steps: Sequence[Row]) -> None:
    """Write what was measured after each epoch, as CSV and JSON lines, and the loss of each step.

    The tables are written anew each time, so a resumed run has no row twice.
    """
    write_whole(folder / "metrics.csv", csv_text(epochs).encode())
    write_whole(folder / "metrics.jsonl", "".join(f"{json.dumps(row)}\n" for row in epochs).encode())
    write_whole(folder / "steps.csv", csv_text(steps).encode())


class Board:
    """TensorBoard events, where it is installed; a run goes on without them where they cannot be written."""

    def __init__(self, folder: Path, wanted: bool, epoch: int) -> None:
        """Open the events of a run that goes on after `epoch`; what was written of later ones is hidden."""
        library = installed("torch.utils.tensorboard") if wanted else None
        self.writer: Any = None
        if library is not None:
            with self._giving_up():
                self.writer = library.SummaryWriter(str(folder / "tensorboard"), purge_step=epoch + 1)

    def write(self, row: Row) -> None:
        """Add the figures of an epoch."""
        if self.writer is not None:
            with self._giving_up():
                for name, value in row.items():
                    self.writer.add_scalar(name, value, int(row["epoch"]))
                self.writer.flush()

    @contextmanager
    def _giving_up(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self.writer = None
            say(f"warning: no more events for TensorBoard: {error.strerror or error}; the tables have the same figures")


def shown(row: Mapping[str, float], prefix: str = "") -> str:
    """Return the figures of a row whose names begin in a certain way, as words."""
    names = {"top1": "top-1", "top5": "top-5", "miou": "mIoU", "dice": "Dice", "f1": "F1",
             "exact": "all labels right"}  # fmt: skip
    parts = []
    for name, value in row.items():
        if name.startswith(prefix):
            plain = name.removeprefix(prefix)
            share = plain not in ("loss",)
            parts.append(f"{names.get(plain, plain)} {value:.2%}" if share else f"{plain} {value:.4f}")
    return ", ".join(parts)
