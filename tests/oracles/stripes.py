"""Images that no linear model can tell apart, and a small network that can: stripes up or across, at any phase."""

from __future__ import annotations

from pathlib import Path

import numpy as np

NET = """
model Net(classes: int = 10, channels: int = 3, width: int = 8) {
    input image: [channels, 12, 12]
    output logits = image
        -> conv1: Conv2d(width, 3, padding=1, bias=false) -> bn: BatchNorm2d -> ReLU -> MaxPool2d(2)
        -> conv2: Conv2d(width, 3, padding=1, groups=2) -> relu2: ReLU -> AdaptiveAvgPool2d(1) -> Flatten
        -> fc: Linear(classes)
}
"""


def striped(count: int, seed: int, size: int = 10) -> tuple[np.ndarray, np.ndarray]:
    """Return grey images with stripes two pixels wide at a random phase, and which way they go."""
    draws = np.random.default_rng(seed)
    ways = draws.integers(0, 2, count)
    images = draws.integers(0, 60, (count, size, size))
    for image, way in zip(images, ways, strict=True):
        lines = (np.arange(size) + draws.integers(0, 4)) // 2 % 2 * 150
        image += lines[:, None] if way else lines[None, :]
    return images.astype(np.uint8), ways


def write_stripes(path: Path, train: int = 256, test: int = 80) -> Path:
    """Write them as an `.npz` archive."""
    x, y = striped(train, 0)
    x_test, y_test = striped(test, 1)
    np.savez(path, x_train=x, y_train=y, x_test=x_test, y_test=y_test)
    return path
