"""A run from its first step to its record, also where it is stopped in between."""

from __future__ import annotations

import json
import os
import platform
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from archdsl.train.parts.checkpoint import (
    latest_checkpoint,
    load_checkpoint,
    save_checkpoint,
    save_weights,
    write_json,
)
from archdsl.train.parts.data import Data
from archdsl.train.parts.distributed import World
from archdsl.train.parts.feeding import Feed, derived_seed, seed_draws
from archdsl.train.parts.fitting import Architecture, Fit, carve, check_targets, counted, meet
from archdsl.train.parts.heads import head_of
from archdsl.train.parts.log import Bar, Board, Row, say, shown, write_tables
from archdsl.train.parts.loop import FIGURES, Trainer
from archdsl.train.parts.options import Options, as_record, changed_options
from archdsl.train.parts.problems import RunError
from archdsl.train.parts.transfer import Transfer, start_from

INTERRUPTED = 130


@dataclass
class Run:
    """A trainer with the folder that its results go to."""

    trainer: Trainer
    folder: Path
    validation: Feed | None
    test: Feed
    record: dict[str, Any]
    history: list[Row] = field(default_factory=list)
    stopped: list[int] = field(default_factory=list)
    saved: int = 0
    """The step of the last checkpoint that could be written."""

    def go(self) -> dict[str, Any]:
        """Train to the end, read the test once, and return the record.

        Raises:
            RunError: the loss is no number, the run was interrupted, or its results cannot be written.
        """
        trainer, options = self.trainer, self.trainer.options
        board = Board(self.folder, options.tensorboard and trainer.world.leads, len(self.history))
        bar = Bar(trainer.steps_per_epoch, options.progress if trainer.world.leads else "off")
        began = time.monotonic()
        told = None
        while trainer.step < trainer.total and not self._is_stale():
            epoch = trainer.epoch
            trainer.advance()
            if told != trainer.stage:
                told = trainer.stage
                self._tell_stage(told)
            done = trainer.step - epoch * trainer.steps_per_epoch
            bar.show(epoch, done, trainer.losses[-1] if trainer.losses else None)
            if done == trainer.steps_per_epoch:
                trainer.read_losses()
                bar.clear()
                self._close_epoch(trainer.finished_epoch(self.validation, began), board)
                began = time.monotonic()
            elif options.save_every and trainer.step % options.save_every == 0:
                self.save()
            if self.stopped:
                self._leave()
        return self._finish()

    def _close_epoch(self, row: Row, board: Board) -> None:
        self.history.append(row)
        if self.trainer.world.leads:
            say(f"epoch {int(row['epoch'])}/{self.trainer.options.epochs}: loss {row['train_loss']:.4f}"
                + (f"; validation {shown(row, self._prefix())}" if self.validation is not None else "")
                + f"; {row['seconds']:.1f} s")  # fmt: skip
            board.write(row)
        if self.validation is not None and self._best() == len(self.history) - 1:
            self._keep("best.pt", {"model": self.trainer.judged().state_dict(), "row": dict(row)})
        self.save()

    def _tell_stage(self, index: int) -> None:
        """Say what is trained from here on, where that is not all of the model all the time."""
        stages = self.trainer.stages()
        one, all_of_it = stages[index], sum(1 for _ in self.trainer.model.parameters())
        low, high = f"{one['lowest_lr']:.3g}", f"{one['highest_lr']:.3g}"
        rates = f"a rate of {high}" if low == high else f"rates from {low} to {high}"
        if self.trainer.world.leads and (len(stages) > 1 or one["tensors"] < all_of_it):
            say(f"stage {index + 1} of {len(stages)}, from epoch {one['from_epoch']}: {one['tensors']} of {all_of_it} "
                f"tensors are trained, {one['parameters']:,} parameters, at {rates}")  # fmt: skip

    def _prefix(self) -> str:
        return "val_" if self.trainer.averaged is None else "ema_val_"

    def _best(self) -> int:
        """Return the index of the epoch with the best validation figure, the first of equals."""
        name = self._prefix() + FIGURES[self.trainer.fit.kind]
        return max(range(len(self.history)), key=lambda i: (self.history[i][name], -i))

    def _is_stale(self) -> bool:
        patience, last = self.trainer.options.patience, self.trainer.plan[-1]
        if not (patience and self.history):
            return False
        return len(self.history) - 1 - max(self._best(), last.first - 1) >= patience  # earlier stages run to their end

    def save(self) -> None:
        """Write the checkpoint, the tables and the record as they stand."""
        state = self.trainer.state()
        state |= {"history": [dict(row) for row in self.history], "options": as_record(self.trainer.options)}
        state |= {"problems": list(self.record["problems"]), "transfer": self.record.get("transfer")}
        self._keep("last.pt", state)
        if self.trainer.world.leads:
            with self._recording_problems("the tables"):
                steps = [{"step": i + 1, "loss": loss} for i, loss in enumerate(self.trainer.losses)]
                write_tables(self.folder, self.history, steps)
                self._write_record("running")

    def _keep(self, name: str, state: dict[str, Any]) -> None:
        if self.trainer.world.leads:
            with self._recording_problems(name):
                save_checkpoint(self.folder / name, state)
                if name == "last.pt":
                    self.saved = self.trainer.step

    @contextmanager
    def _recording_problems(self, what: str) -> Iterator[None]:
        """Go on where a file cannot be written: the next epoch may find room, and the last file is whole."""
        try:
            yield
        except OSError as error:
            problem = f"{what} could not be written after step {self.trainer.step}: {error.strerror or error}"
            self.record["problems"].append(problem)
            say(f"warning: {problem}; the run goes on, and what was written before stays")

    def _write_record(self, status: str) -> None:
        self.record |= {"status": status, "step": self.trainer.step, "epochs": self.history}
        write_json(self.folder / "record.json", self.record)

    def note_failure(self, error: RunError) -> None:
        """Say in the record why the run stopped, where the record is not told of it yet and can be written."""
        if self.trainer.world.leads and self.record.get("status") == "running":
            self.record["error"] = str(error)
            with suppress(OSError):  # the error itself is told
                self._write_record("failed")

    def _leave(self) -> None:
        if self.trainer.step % self.trainer.steps_per_epoch:
            self.save()
        with self._recording_problems("the record"):
            self._write_record("interrupted")
        raise RunError(
            f"interrupted after step {self.trainer.step}; --resume goes on from there", 128 + self.stopped[0]
        )

    def _finish(self) -> dict[str, Any]:
        trainer, options = self.trainer, self.trainer.options
        chosen = {"weights": "averaged" if trainer.averaged else "trained", "epoch": len(self.history)}
        if trainer.step < trainer.total:
            since = f"no better validation figure since epoch {self._best() + 1}"
            self.record["stopped_early"] = f"after epoch {len(self.history)} of {options.epochs}: {since}"
            if trainer.world.leads:
                say(f"stopped early {self.record['stopped_early']}")
        if options.evaluate == "best" and self.validation is not None and self.history:
            best = trainer.world.tell(self._best_state() if trainer.world.leads else None)
            if best is not None:
                trainer.judged().load_state_dict(best["model"])
                chosen["epoch"] = int(best["row"]["epoch"])
        figures, confusion = trainer.evaluate(trainer.judged(), self.test)
        self.record |= {"chosen": chosen, "test": figures}
        if trainer.fit.kind != "labels":
            self.record["confusion"] = confusion.tolist()
        if trainer.world.leads:
            try:
                self.record["weights"] = save_weights(self.folder, trainer.judged().state_dict())
                self._write_record("finished")
            except OSError as error:
                raise RunError(
                    f"the run is done ({shown(figures)}), but {self.folder} cannot be written: {error.strerror}; make "
                    f"room and --resume: it goes on after step {self.saved} of {trainer.total}"
                ) from None
        trainer.world.wait()
        return self.record

    def _best_state(self) -> dict[str, Any] | None:
        try:
            return load_checkpoint(self.folder / "best.pt")
        except (OSError, RunError) as error:
            self.record["problems"].append(f"the weights of the last epoch are tested: {error}")
            say(f"warning: the best weights cannot be read, so the last are tested: {error}")
            return None


def set_up(options: Options) -> None:
    """Choose the algorithms of torch: the same bits again, or the fastest."""
    if options.deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True)
        torch.backends.cudnn.benchmark = False
    elif torch.cuda.is_available():
        torch.backends.cudnn.benchmark = True
        torch.set_float32_matmul_precision("high")


@dataclass(frozen=True)
class Start:
    """A model as a run begins with it: how it meets the data, its arguments, its head, and what it took from --init."""

    model: nn.Module
    fit: Fit
    arguments: dict[str, Any]
    head: tuple[str, ...]
    transfer: Transfer | None


def make_start(architecture: Architecture, data: Data, options: Options, *, loads: bool = True) -> Start:
    """Build a model as a run begins with it; it follows from the seed and the weights of --init.

    Raises:
        RunError: the model, the data and the weights do not go together.
    """
    seed_draws(options.seed, 0)
    model, fit, arguments = meet(architecture, data, options)
    head = head_of(architecture, arguments, model, fit, options.head)
    transfer = None
    if options.init and loads:
        transfer = start_from(model, options.init, head, new_head=options.new_head, partial=options.partial)
    return Start(model, fit, arguments, head, transfer)


def make_trainer(
    architecture: Architecture, data: Data, options: Options, world: World, *, loads: bool = True
) -> tuple[Trainer, Feed | None, dict[str, Any]]:
    """Build a model for a data set, with its data carved; return also what a record says of both.

    A run that goes on from a checkpoint loads no weights of --init.

    Raises:
        RunError: they do not go together, or the options do not suit them.
    """
    check_targets(data)
    begun = make_start(architecture, data, options, loads=loads)
    fit = begun.fit
    if world.leads:
        for note in data.notes:
            say(f"note: {note}")
    if begun.transfer is not None and world.leads:
        say(str(begun.transfer))
    train, held = carve(data.train, options.validation, derived_seed(options.seed, 3))
    trainer = Trainer(begun.model, fit, options, train, world, begun.head)
    record = {
        "format": 1,
        "model": architecture.name,
        "arguments": begun.arguments,
        "parameters": sum(p.numel() for p in trainer.model.parameters()),
        "data": {"name": data.name, "classes": data.classes, "labels": list(data.labels), "train": len(train.images),
                 "validation": len(held.images), "test": len(data.test.images), "notes": list(data.notes)},
        "images": fit.as_record(),
        "head": list(begun.head),
        "transfer": begun.transfer and begun.transfer.as_record(),
        "stages": trainer.stages(),
        "loss": trainer.objective.terms,
        "options": as_record(options),
        "seed": options.seed,
        "processes": world.size,
        "device": describe_device(world.device),
        "versions": {"python": platform.python_version(), "torch": torch.__version__},
        "steps_per_epoch": trainer.steps_per_epoch,
        "problems": [],
    }  # fmt: skip
    return trainer, Feed(held, world.device) if len(held.images) else None, record


def describe_device(device: torch.device) -> str:
    """Return a device by its name, as far as it has one."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


def train(architecture: Architecture, data: Data, options: Options, world: World) -> dict[str, Any]:
    """Train a model on a data set as the options say; return the record, which is in the folder of the run too.

    Raises:
        RunError: the run cannot start, or cannot go on.
    """
    set_up(options)
    folder = Path(options.output or f"runs/{architecture.name}-{Path(data.name).name.partition(':')[0]}")
    state, problems = open_folder(folder, options) if world.leads else (None, [])
    state = world.tell(state)
    if state is not None and "test" in state:
        return dict(state)
    trainer, validation, record = make_trainer(architecture, data, options, world, loads=state is None)
    record["problems"] += problems
    run = Run(trainer, folder, validation, Feed(data.test, world.device), record)
    if state is not None:
        trainer.restore(state)
        run.history, run.saved = list(state["history"]), trainer.step
        record["transfer"] = state.get("transfer")
        record["problems"] = [
            *state["problems"],
            *record["problems"],
            f"went on after step {trainer.step}, on {counted(world.size, 'process')}",
        ]
        if world.leads:
            say(f"going on after step {trainer.step} of {trainer.total}")
    elif world.leads:
        try:
            run._write_record("running")
        except OSError as error:
            raise RunError(f"{folder} cannot be written: {error.strerror}", 2) from None
    with _catching_signals(run.stopped, world):
        try:
            return run.go()
        except RunError as error:
            run.note_failure(error)
            raise


def open_folder(folder: Path, options: Options) -> tuple[dict[str, Any] | None, list[str]]:
    """Return where a run stands: its last checkpoint, the record of a finished one, or `None` for a new one.

    Raises:
        RunError: there is a run, and it is not to be resumed, or had other options.
    """
    path = folder / "record.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        old = json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
    except ValueError as error:
        raise RunError(f"{path} is damaged: {error}") from None
    except OSError as error:
        raise RunError(f"{folder} cannot be used: {error.strerror}", 2) from None
    if not options.resume:
        if old is not None or (folder / "last.pt").exists():
            raise RunError(f"{folder} holds a run; --resume goes on with it, or name another folder with -o", 2)
        return None, []
    if old is not None:
        changed = changed_options(as_record(options), old.get("options", {}))
        if changed:
            raise RunError(f"the run in {folder} had other options: {'; '.join(changed)}", 2)
        if old.get("status") == "finished":
            return old, []
    for left in folder.glob(".*.tmp"):  # of a process that was killed while it wrote
        left.unlink(missing_ok=True)
    state, problems = latest_checkpoint(folder / "last.pt")
    for problem in problems:
        say(f"warning: {problem}; the run goes on from the checkpoint before it")
    return state, problems


@contextmanager
def _catching_signals(stopped: list[int], world: World) -> Iterator[None]:
    """Let a step be finished when the run is to stop; of several processes, each is ended where it is."""
    if world.size > 1:
        yield
        return

    def note(number: int, _frame: object) -> None:
        if stopped:
            raise KeyboardInterrupt
        stopped.append(number)

    try:
        before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    except ValueError:  # in another thread than the main one, signals are not ours
        yield
        return
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
