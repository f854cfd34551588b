"""Small nets and data for tests of training: made here, trained in seconds."""

from __future__ import annotations

import dataclasses
from typing import Any

import torch
from torch import Tensor, nn

from archdsl.train.parts.data import Data, Split
from archdsl.train.parts.distributed import World
from archdsl.train.parts.fitting import Architecture
from archdsl.train.parts.options import Options
from archdsl.train.parts.run import make_trainer

ALONE = World(0, 1, torch.device("cpu"))


class Small(nn.Module):
    """A convolution, a norm and a linear layer, with dropout between."""

    def __init__(self, classes: int = 4, channels: int = 1, norm: bool = True, dropout: float = 0.1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, 8, 3, padding=1)
        self.bn = nn.BatchNorm2d(8) if norm else nn.Identity()
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(8 * 16, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.bn(self.conv(x)))
        x = nn.functional.adaptive_avg_pool2d(x, 4).flatten(1)
        logits: Tensor = self.fc(self.dropout(x))
        return logits


class Mapper(nn.Module):
    """Two convolutions from an image to a class for each pixel."""

    def __init__(self, classes: int = 3, channels: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, 8, 3, padding=1)
        self.head = nn.Conv2d(8, classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        masks: Tensor = self.head(torch.relu(self.conv(x)))
        return masks


SMALL = Architecture("Small", Small, (1, 8, 8))
MAPPER = Architecture("Mapper", Mapper, (1, 16, 16), any_size=True)


def quadrants(train: int = 128, test: int = 40, seed: int = 0) -> Data:
    """Return images of noise with one bright quadrant, which is the class."""
    generator = torch.Generator().manual_seed(seed)

    def split(count: int) -> Split:
        classes = torch.randint(0, 4, (count,), generator=generator)
        images = torch.randint(0, 120, (count, 1, 8, 8), generator=generator)
        for image, which in zip(images, classes.tolist(), strict=True):
            top, left = 4 * (which // 2), 4 * (which % 2)
            image[:, top : top + 4, left : left + 4] += 100
        return Split(images.to(torch.uint8), classes)

    return _data("quadrants", split(train), split(test), 4, "classes")


def bright_spots(train: int = 48, test: int = 12, seed: int = 0) -> Data:
    """Return images of noise with a bright box on a dark one, and masks of three classes."""
    generator = torch.Generator().manual_seed(seed)

    def split(count: int) -> Split:
        images = torch.randint(60, 100, (count, 1, 16, 16), generator=generator)
        masks = torch.zeros(count, 16, 16, dtype=torch.uint8)
        for image, mask, place in zip(images, masks, torch.randint(0, 8, (count,), generator=generator), strict=True):
            at = int(place)
            image[:, at : at + 8, at : at + 8] += 120
            mask[at : at + 8, at : at + 8] = 1
            image[:, :2] = 0
            mask[:2] = 2
        return Split(images.to(torch.uint8), masks)

    return _data("spots", split(train), split(test), 3, "mask")


def _data(name: str, train: Split, test: Split, classes: int, kind: Any) -> Data:
    pixels = train.images.float() / 255
    labels = tuple(str(i) for i in range(classes))
    return Data(name, train, test, classes, kind, (float(pixels.mean()),), (float(pixels.std()),), labels)


def options(**given: Any) -> Options:
    """Return options for a short run of one process, without what such a run has no use for."""
    short = {"data": "quadrants", "batch": 16, "epochs": 2, "tensorboard": False, "device": "cpu", "validation": 0.25}
    return dataclasses.replace(Options(**short), **given)


def trainer(architecture: Architecture = SMALL, data: Data | None = None, world: World = ALONE, **given: Any) -> Any:
    """Return a trainer that has made no step."""
    return make_trainer(architecture, data or quadrants(), options(**given), world)[0]
