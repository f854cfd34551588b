"""What an experiment is: something measured, predictions that it may refute, a figure, and a paragraph."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from matplotlib.figure import Figure
from torch import nn

from archdsl.codegen import builder_names, generate
from archdsl.elaborate import Module
from archdsl.pipeline import Network, load
from archdsl.train.parts.checkpoint import load_weights
from archdsl.train.parts.data import Data
from archdsl.train.parts.datasets import load as load_data
from archdsl.train.parts.log import say
from archdsl.train.prediction import Prediction
from archdsl.train.run import Written, run
from archdsl.train.script import training_script
from archdsl.verify.subject import imported

Findings = Mapping[str, Any]
"""What was measured: numbers, texts, lists and mappings, as JSON holds them."""


@dataclass(frozen=True)
class Experiment:
    """One question with the way to its answer; all but `measure` are functions of the findings alone.

    `checks` holds findings against what was expected beforehand; `tell` gives a paragraph that says what came out, and
    what it does not show; `draw` fills an empty figure.
    """

    measure: Callable[[Setting], dict[str, Any]]
    checks: Callable[[Findings], Sequence[Prediction]]
    tell: Callable[[Findings], str]
    draw: Callable[[Findings, Figure], None]
    options: Mapping[str, Any] = field(default_factory=dict)
    """Options of its trainings, as `archdsl train` takes them; the command line may change them."""
    quick: Mapping[str, Any] = field(default_factory=dict)
    """Options for a try of seconds, which shows that it works and nothing else."""
    seeds: tuple[int, ...] = (0,)
    """Empty where no draw depends on them."""
    size: tuple[float, float] = (7.0, 4.0)
    """Of the figure, in inches."""


@dataclass(frozen=True)
class Setting:
    """What an experiment is run with: its options, its seeds, and a folder for the runs that it makes.

    What is `asked` for on the command line wins over the options of one training, and those over its `own` ones.
    """

    folder: Path
    own: Mapping[str, Any] = field(default_factory=dict)
    asked: Mapping[str, Any] = field(default_factory=dict)
    seeds: tuple[int, ...] = (0,)
    quick: bool = False
    read_back: list[str] = field(default_factory=list)
    """Runs that were there before, whole or in part: their time is not that of this command."""
    trained: list[str] = field(default_factory=list)
    """All runs; an experiment without any works on the CPU, whatever device there is."""

    @property
    def options(self) -> dict[str, Any]:
        """The options of all trainings."""
        return {**self.own, **self.asked}

    @property
    def device(self) -> torch.device:
        named = str(self.options.get("device", "auto"))
        return torch.device("cuda" if torch.cuda.is_available() else "cpu") if named == "auto" else torch.device(named)

    def data(self, name: str = "", *, size: tuple[int, int] | None = None, seed: int = 0) -> Data:
        """Return the data set of a name, else that of the options, as far as they limit it.

        Raises:
            DataError: it is missing or broken.
        """
        limit = int(self.options.get("limit", 0)) or None
        return load_data(name or str(self.options["data"]), seed=seed, limit=limit, size=size)

    def train(self, net: Net, run_name: str, *, seed: int = 0, **options: Any) -> Run:
        """Train a network with the options of the setting and some of its own, or read the run if it is there.

        A run that was stopped goes on where it was.

        Raises:
            RunError: the run cannot start or go on.
            DataError: the data set is missing or broken.
        """
        folder = self.folder / "runs" / run_name
        if (folder / "last.pt").exists():
            self.read_back.append(run_name)
        self.trained.append(run_name)
        say(f"{net.title}, seed {seed}:")
        given = {
            **self.own,
            **options,
            **self.asked,
            "seed": seed,
            "output": str(folder),
            "resume": True,
            "tensorboard": False,
        }
        trained = run(net.written, given)
        return Run(net, folder, trained.record, trained.predictions)


@dataclass(frozen=True)
class Net:
    """A network of the bundled specs, or of a file, with its generated code."""

    network: Network
    title: str

    @cached_property
    def written(self) -> Written:
        stem = builder_names(self.network.module.models)[self.network.name] + "_net"
        return Written(self.network, generate(self.network), training_script(self.network, f"{stem}.py", []), stem)

    def build(self, seed: int = 0, **arguments: Any) -> nn.Module:
        """Return the model of the generated code, initialised with a seed; the draws of others do not change."""
        code = imported(self.written.code, f"archdsl_experiment_{self.written.stem}")
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            model: nn.Module = getattr(code, self.written.builder)(**arguments)
        return model


@dataclass(frozen=True)
class Run:
    """A finished training."""

    net: Net
    folder: Path
    record: Mapping[str, Any]
    predictions: tuple[Prediction, ...]

    @property
    def test(self) -> Mapping[str, float]:
        """The figures of the test set, such as `top1` or `miou`."""
        figures: Mapping[str, float] = self.record["test"]
        return figures

    @property
    def losses(self) -> list[float]:
        """The training loss of each step."""
        lines = (self.folder / "steps.csv").read_text(encoding="utf-8").split()[1:]
        return [float(line.partition(",")[2]) for line in lines]

    def model(self) -> nn.Module:
        """Return the trained model, in evaluation mode."""
        model = self.net.build(**self.record["arguments"])
        model.load_state_dict(load_weights(self.folder / str(self.record["weights"])))
        return model.eval()


def net(spec: str | Path | Module, model: str, title: str = "", **parameters: Any) -> Net:
    """Return a model of a bundled spec, such as `net("lite.arch", "UNetLite", depth=1)`, or of a file or module."""
    return Net(load(spec, model, **parameters), title or model)  # type: ignore[arg-type]
