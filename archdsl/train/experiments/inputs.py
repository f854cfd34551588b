"""Images as a trained network was given them."""

from __future__ import annotations

import torch
from torch import Tensor

from archdsl.train.experiments.experiment import Run
from archdsl.train.parts.data import Split
from archdsl.train.parts.fitting import Fit


def fit_of(run: Run) -> Fit:
    """Return how images were made to fit the network of a run."""
    told = run.record["images"]
    height, width = told["size"]
    return Fit((height, width), told["how"], told["channels"], told["repeated"], tuple(told["mean"]),
               tuple(told["std"]), told["kind"], run.record["data"]["classes"])  # fmt: skip


def as_given(run: Run, images: Tensor) -> Tensor:
    """Return images of bytes in the size and on the scale that the network of a run was trained with."""
    fit = fit_of(run)
    pixels, _ = fit.decode(images, None)
    return fit.normalise(pixels)


def some_of(split: Split, count: int, seed: int = 0) -> Split:
    """Return some images of a split, in an order that follows from the seed; all of them if there are not so many."""
    order = torch.randperm(len(split), generator=torch.Generator().manual_seed(seed))
    return split.at(order[:count])
