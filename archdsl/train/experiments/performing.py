"""An experiment from its question to its files: a record, a figure, and a paragraph."""

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from archdsl.train.experiments.catalogue import QUESTIONS
from archdsl.train.experiments.every import EXPERIMENTS
from archdsl.train.experiments.experiment import Experiment, Setting
from archdsl.train.experiments.figures import write_figure
from archdsl.train.parts.checkpoint import write_json, write_whole
from archdsl.train.parts.problems import RunError
from archdsl.train.parts.run import describe_device
from archdsl.train.prediction import Prediction, table

FORMAT = 1
"""Of a record; another one is not read."""


@dataclass(frozen=True)
class Performed:
    """How an experiment came out, and where it is written."""

    report: str
    predictions: tuple[Prediction, ...]
    files: tuple[Path, ...]

    @property
    def failed(self) -> bool:
        """Whether something that was expected did not come."""
        return any(one.failed for one in self.predictions)


def perform(
    name: str, folder: Path, asked: Mapping[str, Any], seeds: Sequence[int] = (), quick: bool = False
) -> Performed:
    """Carry out an experiment and write NAME.json, NAME.png, NAME.svg and NAME.md; its runs are kept in `runs`.

    Raises:
        RunError: an option or a seed has nothing to act on, a training cannot start or go on, or the files cannot be
            written.
        DataError: the data set is missing or broken.
    """
    experiment = EXPERIMENTS[name]
    _refuse_idle(name, experiment, asked, seeds)
    setting = Setting(
        folder,
        experiment.options,
        {**(experiment.quick if quick else {}), **asked},
        tuple(seeds) or (experiment.seeds[:1] if quick else experiment.seeds),
        quick,
    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        began = time.monotonic()
        findings = experiment.measure(setting)
        record = {
            "format": FORMAT,
            "experiment": name,
            "command": _command(name, asked, seeds, quick),
            "seeds": list(setting.seeds),
            "options": setting.options,
            "quick": quick,
            "device": describe_device(setting.device if setting.trained else torch.device("cpu")),
            "threads": torch.get_num_threads(),
            "torch": torch.__version__,
            "seconds": round(time.monotonic() - began),
            "read_back": len(setting.read_back),
            "findings": json.loads(json.dumps(findings)),  # what a reader of the file will see
        }
        return _written(name, experiment, record, folder)
    except OSError as error:
        raise RunError(f"{folder} cannot be written: {error.strerror or error}", 2) from None


def _refuse_idle(name: str, experiment: Experiment, asked: Mapping[str, Any], seeds: Sequence[int]) -> None:
    """Raise RunError for options of trainings where there are none, and for seeds where nothing depends on them."""
    if asked and not experiment.options:
        options = ", ".join(f"--{key.replace('_', '-')}" for key in asked)
        raise RunError(f"{name} trains nothing on data: {options} would change nothing", 2)
    if seeds and not experiment.seeds:
        raise RunError(f"{name} has draws of its own: --seeds would change nothing", 2)


def redraw(name: str, folder: Path) -> Performed:
    """Make the figure and the paragraph of an experiment anew from its record.

    Raises:
        RunError: there is no record, it cannot be read, or the files cannot be written.
    """
    path = folder / f"{name}.json"
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(record, dict) or record.get("format") != FORMAT or record.get("experiment") != name:
            raise RunError(f"{path} is no record of {name} in a format that is read here", 2)
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise RunError(f"{path} cannot be read: {error}", 2) from None
    try:
        return _written(name, EXPERIMENTS[name], record, folder)
    except OSError as error:
        raise RunError(f"{folder} cannot be written: {error.strerror or error}", 2) from None
    except (LookupError, TypeError, ValueError, ArithmeticError) as error:
        raise RunError(f"{path} lacks what {name} tells: {type(error).__name__}: {error}", 2) from None


def report(name: str, record: Mapping[str, Any]) -> str:
    """Return what an experiment came to, as Markdown: the question, the paragraph, the table and the command."""
    experiment = EXPERIMENTS[name]
    tried = " A quick try, which shows that the experiment runs and nothing else." if record["quick"] else ""
    seeds = f"seeds {', '.join(map(str, record['seeds']))}; " if record["seeds"] else ""
    threads = "1 thread" if record["threads"] == 1 else f"{record['threads']} threads"
    where = f"{record['device']}, PyTorch {record['torch']}, {threads}, {record['seconds']:,} s"
    if before := record.get("read_back"):
        where += f", without the time of {before} training{'s' * (before != 1)} made before"
    return "\n".join(
        (
            f"# {name}: {QUESTIONS[name]}",
            "",
            f"![{name}]({name}.png)",
            "",
            experiment.tell(record["findings"]) + tried,
            "",
            table(_checked(experiment, record)),
            f"`{record['command']}`: {seeds}{where}.",
            "",
        )
    )


def _checked(experiment: Experiment, record: Mapping[str, Any]) -> tuple[Prediction, ...]:
    """Return what was expected and what came; a quick try neither meets nor fails it."""
    made = tuple(experiment.checks(record["findings"]))
    return tuple(replace(one, state="skipped", note="too quick a try") for one in made) if record["quick"] else made


def _written(name: str, experiment: Experiment, record: dict[str, Any], folder: Path) -> Performed:
    predictions = _checked(experiment, record)
    record["predictions"] = [one.as_record() for one in predictions]
    text = report(name, record)
    stem = folder / name
    write_json(stem.with_suffix(".json"), record)
    write_whole(stem.with_suffix(".md"), text.encode())
    figures = write_figure(experiment, record["findings"], stem)
    return Performed(text, predictions, (stem.with_suffix(".json"), stem.with_suffix(".md"), *figures))


def _command(name: str, asked: Mapping[str, Any], seeds: Sequence[int], quick: bool) -> str:
    words = ["archdsl experiment", name]
    words += [f"--seeds {','.join(map(str, seeds))}"] if seeds else []
    words += [f"--{key.replace('_', '-')} {shlex.quote(str(value))}" for key, value in asked.items()]
    return " ".join([*words, "--quick"] if quick else words)
