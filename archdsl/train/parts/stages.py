"""The stages of a run: which epochs train what, and how fast."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from archdsl.train.parts.options import Options, checked, did_you_mean, refuse_contradictions
from archdsl.train.parts.problems import RunError

STAGED = (
    "freeze", "frozen_bn", "lr", "lr_decay", "backbone_lr", "schedule", "warmup", "floor", "milestones", "gamma",
    "weight_decay",
)  # fmt: skip
"""Options that a stage may set for itself."""


@dataclass(frozen=True)
class Stage:
    """Some epochs of a run, the first one counted from 0, and the options that hold in them.

    A stage has an optimiser and a schedule of its own, which begin with it.
    """

    first: int
    epochs: int
    options: Options


def make_plan(options: Options) -> tuple[Stage, ...]:
    """Return the stages of a run: those of `--stages`, a JSON list of objects, or one.

    Each object sets options for its stage, and all but the last say how many `epochs` they take; the last one takes
    those that remain.

    Raises:
        RunError: they cannot be read, set what a stage has not, or leave no epoch for the last one.
    """
    if not options.stages:
        return (Stage(0, options.epochs, options),)
    try:
        given = json.loads(options.stages)
    except ValueError as error:
        raise RunError(f"--stages cannot be read: {error}", 2) from None
    if not isinstance(given, list) or not given or not all(isinstance(one, dict) for one in given):
        raise RunError('--stages is a JSON list of objects, such as [{"epochs": 2, "freeze": "backbone"}, {}]', 2)
    plan: list[Stage] = []
    first = 0
    for number, one in enumerate(given, 1):
        where, is_last = f"stage {number}", number == len(given)
        if is_last and "epochs" in one:
            raise RunError(f"{where} is the last and takes the epochs that remain of --epochs: leave out its epochs", 2)
        if not is_last and "epochs" not in one:
            raise RunError(f"{where} does not say how many epochs it takes", 2)
        epochs = options.epochs - first if is_last else int(checked("epochs", one["epochs"], where))
        if epochs < 1:
            raise RunError(f"the stages before the last take {first} epochs, and --epochs {options.epochs} leaves none "
                           "for it", 2)  # fmt: skip
        plan.append(Stage(first, epochs, replace(options, **_staged(one, where))))
        first += epochs
    refuse_contradictions(plan[-1].options)
    return tuple(plan)


def _staged(given: dict[str, Any], where: str) -> dict[str, Any]:
    found = {}
    for word, value in given.items():
        name = word.replace("-", "_")
        if name == "epochs":
            continue
        if name not in STAGED:
            raise RunError(f"{where}: {word} is none of what a stage can set: epochs, {', '.join(STAGED)}"
                           f"{did_you_mean(name, STAGED)}", 2)  # fmt: skip
        found[name] = checked(name, value, where)
    return found


def stage_of(plan: Sequence[Stage], epoch: int) -> int:
    """Return the index of the stage that an epoch belongs to; after the last epoch, of the last stage."""
    return max(index for index, stage in enumerate(plan) if stage.first <= epoch)
