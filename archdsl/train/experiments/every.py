"""Every experiment by its name."""

from __future__ import annotations

from archdsl.train.experiments import (
    activations,
    batchnorm,
    compare,
    degradation,
    efficiency,
    erf,
    features,
    gradients,
    identity,
    init,
    landscape,
    mlp_vs_cnn,
    receptive_field,
    small_kernels,
    upsampling,
)
from archdsl.train.experiments.experiment import Experiment

EXPERIMENTS: dict[str, Experiment] = {
    "activations": activations.EXPERIMENT,
    "batchnorm": batchnorm.EXPERIMENT,
    "compare": compare.EXPERIMENT,
    "degradation": degradation.EXPERIMENT,
    "efficiency": efficiency.EXPERIMENT,
    "erf": erf.EXPERIMENT,
    "features": features.EXPERIMENT,
    "gradients": gradients.EXPERIMENT,
    "identity": identity.EXPERIMENT,
    "init": init.EXPERIMENT,
    "landscape": landscape.EXPERIMENT,
    "mlp-vs-cnn": mlp_vs_cnn.EXPERIMENT,
    "receptive-field": receptive_field.EXPERIMENT,
    "small-kernels": small_kernels.EXPERIMENT,
    "upsampling": upsampling.EXPERIMENT,
}
