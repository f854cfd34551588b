"""`archdsl train`: a model and its script are written, the model is trained by the parts of the script, and all that
was predicted is held against what is measured.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import wraps
from itertools import chain
from pathlib import Path
from types import ModuleType
from typing import Any

from torch import nn

from archdsl.codegen import builder_names, was_edited
from archdsl.elaborate import model_parameters
from archdsl.pipeline import Network, network
from archdsl.train.measured import initial_loss, of_the_model, of_the_run, trained_subject
from archdsl.train.monitor import Monitor
from archdsl.train.parts.checkpoint import load_weights, write_json, write_whole
from archdsl.train.parts.command import read_data, start
from archdsl.train.parts.data import Data
from archdsl.train.parts.distributed import World, join_world
from archdsl.train.parts.fitting import Architecture, counted
from archdsl.train.parts.log import say, shown
from archdsl.train.parts.options import Options
from archdsl.train.parts.problems import RunError
from archdsl.train.parts.run import make_start, open_folder, set_up, train
from archdsl.train.prediction import Prediction, table
from archdsl.train.script import declared_shape
from archdsl.train.symptoms import Symptom, no_number, over_epochs, spelled, wrong_start
from archdsl.train.transferred import frozen_stages, of_the_stages, with_nothing_frozen
from archdsl.verify.subject import NotBuilt, imported


@dataclass(frozen=True)
class Written:
    """A network and the files that are written for it, by name: its code, and the script that trains it."""

    network: Network
    code: str
    script: str
    stem: str

    @property
    def files(self) -> dict[str, str]:
        return {f"{self.stem}.py": self.code, f"train_{self.stem}.py": self.script}

    @property
    def builder(self) -> str:
        return builder_names(self.network.module.models)[self.network.name]


@dataclass(frozen=True)
class Trained:
    """How a training ended: its record, the folder with it, and what was predicted; nothing of a trial."""

    record: dict[str, Any]
    folder: Path | None
    predictions: tuple[Prediction, ...] = ()
    symptoms: tuple[Symptom, ...] = ()

    @property
    def failed(self) -> bool:
        return any(one.failed for one in self.predictions)

    @property
    def markdown(self) -> str:
        """The report: the figures of the test, what was predicted, and what goes wrong."""
        record = self.record
        head = f"# {record['model']} on {record['data']['name']}"
        options = record["options"]
        how = f"recipe {options['recipe']}, {counted(options['epochs'], 'epoch')}, batch {options['batch']}"
        how += f", seed {options['seed']}, {record['device']}, torch {record['versions']['torch']}"
        lines = [head, "", f"test: {shown(record['test'])}", "", how, "", table(self.predictions)]
        lines += [f"- {line}" for line in spelled(self.symptoms)]
        return "\n".join(lines).rstrip() + "\n"


def run(written: Written, given: Mapping[str, Any]) -> Trained:
    """Train a network with the options given, and measure what was predicted.

    Raises:
        RunError: the run cannot start or go on; says why, with the exit status.
        DataError: the data set is missing or broken.
    """
    world = join_world(str(given.get("device", "auto")))
    code = _import(written)
    architecture = architecture_of(written, code)
    data, options = read_data(given, {}, architecture)
    if options.dry_run or options.overfit_batch or options.profile:
        return Trained(start(architecture, data, options, world), None)
    folder = Path(options.output or f"runs/{architecture.name}-{Path(data.name).name.partition(':')[0]}")
    options = replace(options, output=str(folder))
    old, _ = open_folder(folder, options)
    if old is not None and "predictions" in old:  # a finished run, asked for again
        say(f"the run in {folder} is finished; this is what it came to")
        return _told_again(old, folder)
    write_files(folder, written)
    set_up(options)
    first = initial_loss(architecture, data, options, world)
    monitor = Monitor()
    try:
        # A compiled model would be compiled anew whenever its hooks change, so its layers are not watched.
        trained = watched(architecture, monitor) if options.compile == "off" else architecture
        record = train(trained, data, options, world)
    except RunError as error:
        others = [*monitor.symptoms(), *_at_the_start(first, options)] if _diverged(error) else []
        _keep_symptoms(folder, others, error)
        raise
    return _measured(written, code, data, options, world, record, folder, first, monitor)


def _import(written: Written) -> ModuleType:
    try:
        return imported(written.code, f"archdsl_trained_{written.stem}")
    except NotBuilt as error:
        raise RunError(str(error)) from None


def architecture_of(written: Written, code: ModuleType) -> Architecture:
    """Return what the parts train: the builder, the shape of the input, and whether other sizes serve as well."""
    made = written.network
    _, symbols = model_parameters(made.module, made.name)
    return Architecture(made.name, getattr(code, written.builder), declared_shape(made), bool(symbols))


def watched(architecture: Architecture, monitor: Monitor) -> Architecture:
    """Return an architecture whose models a monitor watches."""
    build = architecture.build

    @wraps(build)
    def built(**arguments: Any) -> nn.Module:
        return monitor.watch(build(**arguments))

    return replace(architecture, build=built)


def write_files(folder: Path, written: Written) -> None:
    """Write the model and its script.

    Raises:
        RunError: a file was edited by hand, belongs to another model than the run that is resumed, or cannot be
            written.
    """
    for name, text in written.files.items():
        path = folder / name
        try:
            old = path.read_text(encoding="utf-8") if path.exists() else None
            if old is not None and old != text:
                if was_edited(old):
                    raise RunError(f"{path} was edited by hand since it was generated, and stays as it is; train "
                                   "another folder with -o, or start the script in it", 2)  # fmt: skip
                if (folder / "last.pt").exists():
                    raise RunError(f"{path} is of another model or version: the run in {folder} cannot go on with this "
                                   "one; name another folder with -o", 2)  # fmt: skip
            write_whole(path, text.encode())
        except (OSError, UnicodeDecodeError) as error:
            raise RunError(f"{path} cannot be written: {error}", 2) from None


def predicted_network(written: Written, arguments: Mapping[str, Any], size: Iterable[int], channels: int) -> Network:
    """Return the network as it is trained: with the arguments that the data gave, at the size of the images.

    Raises:
        RunError: it has errors there.
    """
    asked = written.network.request
    made = network(written.network.module, asked.model, {**asked.parameters, **asked.sizes, **arguments})
    (name,) = written.network.graph.inputs
    shape = (channels, *size)
    fed = made.graph.inputs.get(name)
    if fed is None or fed.output.is_symbolic or fed.output.known != shape:
        made = made.at({name: shape})
    if errors := [d for d in made.diagnostics if d.severity == "error"]:
        raise RunError(f"the analysis finds an error where the code runs: {errors[0].message}")
    return made


def _measured(
    written: Written,
    code: ModuleType,
    data: Data,
    options: Options,
    world: World,
    record: dict[str, Any],
    folder: Path,
    first: tuple[float, float],
    monitor: Monitor,
) -> Trained:
    """Measure, and add what was found to the record of the run."""
    say("measuring what was predicted ...")
    images = record["images"]
    made = predicted_network(written, record["arguments"], images["size"], images["channels"])
    subject = trained_subject(made, code, written.builder, record["arguments"])
    of_model = of_the_model(subject, options, world)
    if frozen_stages(options, tuple(record["head"])):
        begun = make_start(architecture_of(written, code), data, options)
        ended = load_weights(folder / record["weights"])
        of_model = chain(map(with_nothing_frozen, of_model), of_the_stages(subject, options, begun, ended))
    predictions = (*of_model, *of_the_run(data, options, record, _losses(folder), first))
    symptoms = (*_at_the_start(first, options), *_of_layers(monitor, options),
                *over_epochs(record["epochs"], first[1]))  # fmt: skip
    record["predictions"] = [one.as_record() for one in predictions]
    record["symptoms"] = [one.as_record() for one in symptoms]
    record["first_loss"] = first[0]
    record["monitor"] = monitor.as_record()
    trained = Trained(record, folder, predictions, symptoms)
    try:
        write_json(folder / "record.json", record)
        write_whole(folder / "report.md", trained.markdown.encode())
    except OSError as error:
        raise RunError(f"{folder} cannot be written: {error.strerror}") from None
    return trained


def _told_again(record: dict[str, Any], folder: Path) -> Trained:
    """Return what a finished run came to, from its record."""
    predictions = [Prediction(**{**one, "differences": tuple(one["differences"])}) for one in record["predictions"]]
    symptoms = [Symptom(one["name"], one["where"], one["shown_by"]) for one in record["symptoms"]]
    return Trained(record, folder, tuple(predictions), tuple(symptoms))


def _at_the_start(first: tuple[float, float], options: Options) -> list[Symptom]:
    """Return what is wrong with the loss before the first step; trained weights may give any."""
    return [] if options.init else wrong_start(*first)


def _of_layers(monitor: Monitor, options: Options) -> list[Symptom]:
    """Return what the monitor found; gradients that are scaled for fp16 are not called exploding."""
    return [one for one in monitor.symptoms() if options.amp != "fp16" or one.name != "exploding gradient"]


def _losses(folder: Path) -> list[float]:
    lines = (folder / "steps.csv").read_text(encoding="utf-8").split()[1:]
    return [float(line.partition(",")[2]) for line in lines]


def _diverged(error: RunError) -> bool:
    return bool(no_number(str(error)))


def _keep_symptoms(folder: Path, others: list[Symptom], error: RunError) -> None:
    """Say what went wrong in a run that stopped, and write it into its record."""
    symptoms = [*no_number(str(error)), *others]
    for line in spelled(symptoms):
        say(f"diagnosis: {line}")
    path = folder / "record.json"
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        if symptoms:
            write_json(path, {**record, "status": "failed", "error": str(error),
                              "symptoms": [one.as_record() for one in symptoms]})  # fmt: skip
    except (OSError, ValueError):
        return  # the error itself is told, and there is no room to write more
