"""What a data set is once it is read: whole images and their answers, as tensors of bytes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

# A mask pixel with this value belongs to no class: losses and metrics leave it out.
IGNORED = 255

# Where a data set makes no test part itself, one image in this many is held back.
HELD_BACK = 5


class DataError(Exception):
    """A data set that is missing or broken: `message` names what is wrong and where, and ends with the cure.

    `missing` tells the two apart: nothing is there, and the cure is the command that installs it.
    """

    def __init__(self, problem: str, cure: str, *, missing: bool = False) -> None:
        super().__init__(f"{problem}\nhelp: {cure}")
        self.message = str(self)
        self.problem = problem
        self.cure = cure
        self.missing = missing


@dataclass
class Split:
    """Images and what a model should answer for them.

    `images` is uint8, N × C × H × W. `targets` is int64 of N classes, or uint8 of N × H × W masks (`IGNORED` where a
    pixel counts for no class), or float32 of N × K zeros and ones where an image may have several labels.
    """

    images: Tensor
    targets: Tensor

    def __len__(self) -> int:
        return len(self.images)

    def at(self, places: Tensor) -> Split:
        """Return the images at these places, in this order."""
        return Split(self.images[places], self.targets[places])


@dataclass
class Data:
    """A data set in memory. `test` is for the end of a training; validation is carved from `train`.

    `mean` and `std` are those of the training images divided by 255, a number per channel; `std` divides by N.
    `notes` says what was changed on the way in: modes converted, images resized, a test part held back.
    """

    name: str
    train: Split
    test: Split
    classes: int
    kind: Literal["classes", "mask"]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    labels: tuple[str, ...]
    notes: tuple[str, ...] = ()

    @property
    def channels(self) -> int:
        return self.train.images.shape[1]

    @property
    def several(self) -> bool:
        """Whether an image may have several labels at once."""
        return self.train.targets.is_floating_point()


def assembled(name: str, train: Split, test: Split, labels: tuple[str, ...], *, notes: tuple[str, ...] = ()) -> Data:
    """Return a data set of these parts, with the mean and standard deviation of its training images.

    Raises:
        DataError: a part is empty.
    """
    for part, split in (("training", train), ("test", test)):
        if not len(split):
            raise DataError(f"{name}: the {part} part has no images", "add images, or leave the limit out")
    statistics = [_mean_and_std(train.images[:, channel]) for channel in range(train.images.shape[1])]
    return Data(
        name=name,
        train=train,
        test=test,
        classes=len(labels),
        kind="mask" if train.targets.dim() == 3 else "classes",
        mean=tuple(mean for mean, _ in statistics),
        std=tuple(std for _, std in statistics),
        labels=labels,
        notes=(*notes, *_unseen(train, labels)),
    )


def of_classes(data: Data, classes: Sequence[int], limit: int | None, seed: int) -> Data:
    """Return a data set with the images of some classes alone, at most `limit` of each split, numbered anew from 0.

    The names of the labels follow, and the mean and standard deviation are those of the images that are left.

    Raises:
        DataError: the data set has masks, or several labels an image, or no such class; or a part is left empty.
    """
    if data.kind == "mask" or data.several:
        what = "masks" if data.kind == "mask" else "several labels an image"
        raise DataError(f"{data.name} has {what}: classes are kept of images with one label each", "leave them out")
    if absent := [label for label in classes if label >= data.classes]:
        known = f"0 to {data.classes - 1}"
        raise DataError(f"{data.name} has no label {absent[0]}: its labels are {known}", f"some of {known}")
    numbers = torch.full((data.classes,), -1)
    numbers[torch.tensor(classes)] = torch.arange(len(classes))

    def kept(split: Split) -> Split:
        anew = numbers[split.targets]
        places = (anew >= 0).nonzero().flatten()
        return limited(Split(split.images[places], anew[places]), limit, seed)

    note = f"{len(classes)} of {data.classes} classes are kept: {', '.join(map(str, classes))}"
    of_all = _unseen(data.train, data.labels)
    labels = tuple(data.labels[label] for label in classes)
    notes = (*(one for one in data.notes if one not in of_all), note)
    return assembled(data.name, kept(data.train), kept(data.test), labels, notes=notes)


def read_classes(text: str) -> list[int]:
    """Return the labels that a list of numbers and ranges names, such as `0-4` or `1,3,7-9`, ascending.

    Raises:
        DataError: it is no such list, or names fewer than two labels.
    """
    found: set[int] = set()
    for part in text.split(","):
        match = re.fullmatch(r"\s*([0-9]{1,6})\s*(?:-\s*([0-9]{1,6})\s*)?", part)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if first > last:
            raise DataError(f"the classes {text} are no list of labels", "numbers and ranges, such as 0-4 or 1,3,7-9")
        found.update(range(first, last + 1))
    if len(found) < 2:
        raise DataError(f"the classes {text} are one alone, with nothing to tell it from", "two labels or more")
    return sorted(found)


def _unseen(train: Split, labels: tuple[str, ...]) -> list[str]:
    """Return a note where a class has no image, or no pixel of a mask, to learn it from."""
    if train.targets.is_floating_point():
        return []
    counts = torch.bincount(train.targets.flatten(), minlength=len(labels))[: len(labels)]
    unseen = (counts == 0).nonzero().flatten().tolist()
    if not unseen:
        return []
    where = "training image" if train.targets.dim() == 1 else "pixel in the training masks"
    return [f"{len(unseen)} of {len(labels)} classes have no {where}, `{labels[unseen[0]]}` first"]


def _mean_and_std(pixels: Tensor) -> tuple[float, float]:
    """Return both of bytes divided by 255, from their histogram: exact integers until the last division."""
    histogram = torch.bincount(pixels.flatten(), minlength=256).tolist()
    count = sum(histogram)
    total = sum(value * times for value, times in enumerate(histogram))
    squares = sum(value * value * times for value, times in enumerate(histogram))
    return total / count / 255, float(squares * count - total * total) ** 0.5 / count / 255


def limited(split: Split, limit: int | None, seed: int) -> Split:
    """Return at most `limit` of the images, drawn without replacement, in the order in which they stood."""
    return split if limit is None or limit >= len(split) else split.at(drawn(len(split), limit, seed))


def drawn(count: int, some: int, seed: int) -> Tensor:
    """Return `some` of the numbers below `count`, ascending."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randperm(count, generator=generator)[:some].sort().values


def held_back(classes: list[int], seed: int) -> tuple[list[int], list[int]]:
    """Return the places of training and of test images, one in five of each class for the test, at least one.

    A class of a single image stays in the training part.
    """
    generator = torch.Generator().manual_seed(seed)
    by_class: dict[int, list[int]] = {}
    for place, label in enumerate(classes):
        by_class.setdefault(label, []).append(place)
    test: list[int] = []
    for _, places in sorted(by_class.items()):
        order = torch.randperm(len(places), generator=generator).tolist()
        some = max(1, round(len(places) / HELD_BACK)) if len(places) > 1 else 0
        test += [places[i] for i in order[:some]]
    held = set(test)
    return [place for place in range(len(classes)) if place not in held], sorted(test)


def divided(split: Split, seed: int) -> tuple[Split, Split, str]:
    """Return a training and a test part of images that came as one, and a note that says so."""
    classes = split.targets.tolist() if split.targets.dim() == 1 else [0] * len(split)
    train, test = held_back(classes, seed)
    return split.at(torch.tensor(train)), split.at(torch.tensor(test)), held_back_note(seed)


def held_back_note(seed: int) -> str:
    return f"there is no test part: one image in {HELD_BACK} is held back, drawn with seed {seed}"
