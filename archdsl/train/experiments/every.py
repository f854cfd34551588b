"""Every experiment by its name."""

from __future__ import annotations

from archdsl.train.experiments import degradation
from archdsl.train.experiments.experiment import Experiment

EXPERIMENTS: dict[str, Experiment] = {
    "degradation": degradation.EXPERIMENT,
}
