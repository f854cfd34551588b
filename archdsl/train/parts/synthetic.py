"""Data sets that are made on the spot: there is nothing to install, and a model can learn them."""

from __future__ import annotations

import re

import torch
from torch import Tensor

from archdsl.train.parts.data import Data, DataError, Split, assembled

SYNTHETIC_FORM = re.compile(r"(?:synthetic|synthetic-masks)(?::(\d+)x(\d+)x(\d+))?(?::(\d+))?")
SYNTHETIC_SHAPE = (1, 28, 28)
SYNTHETIC_CLASSES = 10
SYNTHETIC_COUNTS = (2048, 512)
# Grey levels: how far class means lie from the middle, and how far noise moves a pixel from its mean.
SYNTHETIC_CONTRAST = 48
SYNTHETIC_NOISE = 64
# More bytes than this are a slip of the hand.
SYNTHETIC_MOST = 1 << 32


def load_synthetic(name: str, *, seed: int, limit: int | None) -> Data:
    """Return the images that `synthetic:3x32x32:10` or `synthetic-masks:1x64x64:4` asks for.

    2,048 training and 512 test images, or `limit` of each where that is less: `synthetic:3x224x224:1000` with a limit
    of 64 is a small set for timing.
    """
    match = SYNTHETIC_FORM.fullmatch(name)
    if not match:
        raise DataError(f"`{name}` is no synthetic data set", "write synthetic:CHANNELSxHEIGHTxWIDTH:CLASSES")
    channels, height, width = map(int, match.group(1, 2, 3)) if match[1] else SYNTHETIC_SHAPE
    classes = int(match[4]) if match[4] else SYNTHETIC_CLASSES
    masks = name.startswith("synthetic-masks")
    counts = [count if limit is None else min(count, limit) for count in SYNTHETIC_COUNTS]
    size = channels * height * width
    if not size or not 2 <= classes <= (255 if masks else 1 << 20):
        raise DataError(f"`{name}`: sizes of 1 on and from 2 classes on are made", "synthetic:1x28x28:10, for instance")
    if size * max(*counts, classes) > SYNTHETIC_MOST:
        raise DataError(
            f"`{name}`: {size * max(counts):,} bytes of images are not made", "take smaller images or a limit"
        )
    generator = torch.Generator().manual_seed(seed)
    if masks:
        parts = [_rectangles(count, (channels, height, width), classes, generator) for count in counts]
    else:
        means = _class_means((channels, height, width), classes, generator)
        parts = [_noisy(count, means, generator) for count in counts]
    return assembled(name, parts[0], parts[1], tuple(map(str, range(classes))))


def _class_means(shape: tuple[int, int, int], classes: int, generator: torch.Generator) -> Tensor:
    """Return an image per class: a coarse pattern of 4 × 4 patches, so that pooling does not average it away."""
    channels, height, width = shape
    patches = torch.randint(0, 2, (classes, channels, 4, 4), generator=generator, dtype=torch.int16)
    rows = torch.arange(height) * 4 // height
    columns = torch.arange(width) * 4 // width
    return (128 - SYNTHETIC_CONTRAST + 2 * SYNTHETIC_CONTRAST * patches)[:, :, rows[:, None], columns]


def _noisy(count: int, means: Tensor, generator: torch.Generator) -> Split:
    targets = torch.randint(0, len(means), (count,), generator=generator)
    images = torch.empty(count, *means.shape[1:], dtype=torch.uint8)
    for start in range(0, count, 256):
        some = means[targets[start : start + 256]]
        noise = torch.randint(-SYNTHETIC_NOISE, SYNTHETIC_NOISE + 1, some.shape, generator=generator, dtype=torch.int16)
        images[start : start + 256] = (some + noise).to(torch.uint8)
    return Split(images, targets)


def _rectangles(count: int, shape: tuple[int, int, int], classes: int, generator: torch.Generator) -> Split:
    """Return noise with one rectangle an image; its grey tells its class, the darkest is the background, class 0."""
    channels, height, width = shape
    targets = torch.zeros(count, height, width, dtype=torch.uint8)
    drawn_classes = torch.randint(1, classes, (count,), generator=generator)
    corners = torch.rand(count, 2, generator=generator)
    for place, (down, right) in enumerate(corners.tolist()):
        top, left = int(down * (height // 2 + 1)), int(right * (width // 2 + 1))
        region = targets[place, top : top + (height + 1) // 2, left : left + (width + 1) // 2]
        region.fill_(int(drawn_classes[place]))
    step = 200 // (classes - 1) if classes <= 201 else 1
    noise = torch.randint(
        0, max(1, step // 2), (count, channels, height, width), generator=generator, dtype=torch.int16
    )
    grey = 24 + targets.to(torch.int16) * step
    return Split((grey[:, None] + noise).clamp(0, 255).to(torch.uint8), targets)
