"""What goes wrong in a training, by name, with the cures that help against it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any

INITIAL = 0.15
"""How far the first loss may be from that of equal chances."""
RECENT = 3
"""Looks in a row in which a unit must be silent to be called dead."""
DEAD = 0.2
"""The share of dead units of a layer that is told of."""
VANISHED = 1e-3
"""A gradient relative to its weight, as a share of the largest one further on."""
EXPLODED = 100.0
"""A gradient, as a multiple of its weight."""
FLAT = 0.01
"""The share of its loss that a run must still lose in its last third."""
UNLEARNED = 0.1
"""A loss below this share of the one of equal chances is no plateau but the end."""
WORSE = 1.15
"""How many times its best value the validation loss must be where a model over-fits."""

FITTING_START = "an initialisation for the activation: He for ReLU, Xavier for tanh"

# fmt: off
CURES: dict[str, tuple[str, ...]] = {
    "dying ReLU": (
        "LeakyReLU or PReLU", "a lower rate", "a look at the initialisation",
    ),
    "vanishing gradient": (
        "residual connections", "BatchNorm", FITTING_START,
    ),
    "exploding gradient": (
        "clipping the gradient (--clip 1)", "a lower rate", "BatchNorm", "residual connections", FITTING_START,
    ),
    "not a number": (
        "a lower rate", "--warmup", "a look at the normalisation of the data", "BatchNorm before the activation",
        "clipping the gradient (--clip 1)",
    ),
    "plateau": (
        "another schedule, such as --schedule step", "another optimiser: SGD for AdamW or the reverse",
        "label smoothing", "unfreezing more layers",
    ),
    "over-fitting": (
        "stronger augmentation", "dropout of 0.3 to 0.5 before the last layer", "weight decay of 1e-4 to 5e-4",
        "stopping early (--patience)", "label smoothing", "fewer channels or layers",
        "freezing more layers where weights are transferred",
    ),
    "wrong initial loss": (
        "a smaller initialisation of the last layer, such as Xavier", "a look at the normalisation of the data",
        "a last layer without an activation", "a look at the number of classes",
    ),
}
# fmt: on
"""Against each symptom. Source: the course's notes on failure modes and their fixes."""


@dataclass(frozen=True, slots=True)
class Symptom:
    """Something that goes wrong: its name, the layer where it does, if it is in one, and what shows it."""

    name: str
    where: str
    shown_by: str

    @property
    def cures(self) -> tuple[str, ...]:
        return CURES[self.name]

    def as_record(self) -> dict[str, Any]:
        """Return it as it stands in the record of a run."""
        return {**asdict(self), "cures": list(self.cures)}


NAMED = 3
"""Layers with one symptom that are told with what shows it; of the others there is the number."""


def spelled(symptoms: Sequence[Symptom]) -> list[str]:
    """Return one line for each kind of symptom, with its first layers and its cures."""
    lines = []
    for name, group in groupby(sorted(symptoms, key=lambda one: list(CURES).index(one.name)), lambda one: one.name):
        found = list(group)
        shown = "; ".join(f"in {one.where}, {one.shown_by}" if one.where else one.shown_by for one in found[:NAMED])
        more = f"; and in {len(found) - NAMED} more layers" if len(found) > NAMED else ""
        lines.append(f"{name}: {shown}{more}. What helps: {', '.join(found[0].cures)}.")
    return lines


def wrong_start(loss: float, equal_chances: float) -> list[Symptom]:
    """Look at the loss before the first step: above that of equal chances, a model is sure of what it cannot know."""
    if loss <= (1 + INITIAL) * equal_chances:
        return []
    return [Symptom("wrong initial loss", "", f"{loss:.3f}, where equal chances give {equal_chances:.3f}")]


def silent_units(shares: Mapping[str, float]) -> list[Symptom]:
    """Look at the share of units of each activation that were zero for all recent samples."""
    return [Symptom("dying ReLU", layer, f"{share:.0%} of its units are zero for every sample")
            for layer, share in shares.items() if share >= DEAD]  # fmt: skip


def gradients(looks: Sequence[Mapping[str, float]]) -> list[Symptom]:
    """Look at the norms of gradients relative to those of their weights, look by look, in the order of the layers.

    A gradient has vanished where it is tiny beside one further on in at least half of the looks: the network
    does learn, though not there. The last layer is no measure: a head often begins with small weights, beside which
    its gradient is large, and it makes those before it small as well.
    """
    found: list[Symptom] = []
    largest: dict[str, float] = {}
    shares: dict[str, list[float]] = {}
    for look in looks:
        later = 0.0
        for place, (layer, size) in enumerate(reversed(list(look.items()))):
            largest[layer] = max(largest.get(layer, 0.0), size)
            if later:
                shares.setdefault(layer, []).append(size / later)
            later = max(later, size if place else 0.0)
    # A look at a stage that freezes layers is without them.
    fullest: Mapping[str, float] = max(looks, key=len, default={})
    order = list(fullest)
    vanished = [layer for layer in order if layer in shares and _median(shares[layer]) < VANISHED]
    if vanished:
        least = min(vanished, key=lambda layer: _median(shares[layer]))
        found.append(Symptom("vanishing gradient", vanished[0], _several(vanished, f"relative to its weight, that of "
                     f"{least} is {_median(shares[least]):.1g} of the largest further on")))  # fmt: skip
    exploded = [layer for layer in order if largest[layer] >= EXPLODED]
    if exploded:
        most = max(exploded, key=lambda layer: largest[layer])
        said = f"that of {most} was {largest[most]:.3g} times its weight"
        found.append(Symptom("exploding gradient", exploded[0], _several(exploded, said)))
    return found


def _several(layers: Sequence[str], said: str) -> str:
    return said if len(layers) == 1 else f"{said}; so it is in {len(layers)} layers"


def _median(values: Sequence[float]) -> float:
    return sorted(values)[len(values) // 2]


def over_epochs(epochs: Sequence[Mapping[str, float]], equal_chances: float) -> list[Symptom]:
    """Look at the losses after each epoch: a training loss that stays, a validation loss that rises again."""
    found: list[Symptom] = []
    losses = [row["train_loss"] for row in epochs]
    third = max(2, len(losses) // 3)
    if len(losses) > third + 1:
        before, after = losses[-third - 1], min(losses[-third:])
        if after > before * (1 - FLAT) and after > UNLEARNED * equal_chances:
            found.append(Symptom("plateau", "", f"the loss was {before:.4f} after epoch {len(losses) - third} and is "
                                                f"{losses[-1]:.4f} after epoch {len(losses)}"))  # fmt: skip
    held = [row["val_loss"] for row in epochs if "val_loss" in row]
    if len(held) == len(losses) > 1:
        best = min(range(len(held)), key=held.__getitem__)
        if held[-1] > WORSE * held[best] and losses[-1] < losses[best]:
            found.append(
                Symptom(
                    "over-fitting",
                    "",
                    f"since epoch {best + 1} the validation loss rose from {held[best]:.4f} to {held[-1]:.4f}, and "
                    f"the training loss fell from {losses[best]:.4f} to {losses[-1]:.4f}",
                )
            )
    return found


def no_number(said: str) -> list[Symptom]:
    """Look at what ended a run: a loss or a weight that is no number, and the layer that it names."""
    if not re.search(r"the loss is (nan|-?inf)|is not a number", said):
        return []
    place = re.search(r"first in what (\S+) gives|^(\S+) is not a number", said)
    where = next((part for part in place.groups() if part), "") if place else ""
    return [Symptom("not a number", where, said.partition(";")[0])]
