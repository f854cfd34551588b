"""Classes and masks that a file gives: how many there are, and which are out of range."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from archdsl.train.parts.data import IGNORED, DataError


def classes_shown(targets: Tensor) -> int:
    """Return the number of classes, which is one more than the largest class of an image or a pixel.

    In masks, 255 is a pixel that counts for no class.
    """
    counted = targets[targets != IGNORED] if targets.dim() == 3 else targets
    return int(counted.max()) + 1 if counted.numel() else 0


def check_range(targets: Tensor, classes: int, place: Callable[[int], str]) -> None:
    """Refuse a class that is none of the first `classes`; `place` tells where the target of an image stands."""
    wrong = (targets < 0) | (targets >= classes)
    if targets.dim() == 3:
        wrong &= targets != IGNORED
    per_image = wrong.flatten(1).any(1) if targets.dim() > 1 else wrong
    images = per_image.nonzero().flatten()
    if not len(images):
        return
    first = int(images[0])
    found = f"class {int(targets[first][wrong[first]].flatten()[0])}"
    more = f" (so do {len(images) - 1:,} more)" if len(images) > 1 else ""
    raise DataError(
        f"{place(first)} has {found}, which is out of range{more}: the classes are 0 to {classes - 1}",
        "correct the targets; the training part must show every class",
    )


def make_foreground(*masks: Tensor) -> str | None:
    """Turn 255 into class 1, in place, where masks hold nothing but 0 and 255; return a note where that was so."""
    values = torch.stack([torch.bincount(part.flatten(), minlength=256) for part in masks]).sum(0)
    if values.nonzero().flatten().tolist() != [0, 255]:
        return None
    for part in masks:
        part[part == IGNORED] = 1
    return "the masks hold 0 and 255 only: 255 is read as class 1"
