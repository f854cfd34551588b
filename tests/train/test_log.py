"""What a run says while it goes on: events for TensorBoard, which may be missing or may not be written."""

from __future__ import annotations

import errno
from types import SimpleNamespace

import pytest

pytest.importorskip("torch")

from archdsl.train.parts import log

ROW = {"epoch": 3.0, "train_loss": 0.5}


class Writer:
    """What `SummaryWriter` is asked to do; a disk may be full from some call on."""

    def __init__(self, folder, purge_step, fails=""):
        self.fails, self.seen = fails, [("open", folder, purge_step)]
        self._note("open")

    def _note(self, what, *given):
        if what == self.fails:
            raise OSError(errno.ENOSPC, "No space left on device")
        self.seen.append((what, *given))

    def add_scalar(self, name, value, step):
        self._note("add", name, value, step)

    def flush(self):
        self._note("flush")


def board(monkeypatch, folder, fails=""):
    library = SimpleNamespace(SummaryWriter=lambda where, purge_step: Writer(where, purge_step, fails))
    monkeypatch.setattr(log, "installed", lambda name: library)
    return log.Board(folder, wanted=True, epoch=2)


def test_the_figures_of_an_epoch_are_events_and_later_ones_are_hidden(tmp_path, monkeypatch):
    made = board(monkeypatch, tmp_path)
    made.write(ROW)

    assert made.writer.seen == [
        ("open", str(tmp_path / "tensorboard"), 3), ("open",), ("add", "epoch", 3.0, 3), ("add", "train_loss", 0.5, 3),
        ("flush",),
    ]  # fmt: skip


@pytest.mark.parametrize("fails", ["open", "add", "flush"])
def test_a_run_goes_on_without_events_that_cannot_be_written(tmp_path, monkeypatch, capsys, fails):
    made = board(monkeypatch, tmp_path, fails)
    made.write(ROW)
    made.write(ROW)

    assert capsys.readouterr().err.count("no more events for TensorBoard: No space left on device") == 1


def test_without_tensorboard_there_is_nothing_to_write(tmp_path, monkeypatch):
    monkeypatch.setattr(log, "installed", lambda name: None)

    log.Board(tmp_path, wanted=True, epoch=0).write(ROW)
    assert list(tmp_path.iterdir()) == []
