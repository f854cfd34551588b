"""Fashion scenes: garments of Fashion-MNIST composed on a cluttered background, with exact masks.

A scene of 64 × 64 grey pixels shows one to four garments of 23 to 36 pixels, later ones over earlier ones; a garment's
mask is where its picture is brighter than black. Training scenes are made of the training garments, test scenes of
the test garments. Only whole numbers are drawn and computed with, so that a seed gives the same scenes everywhere.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from archdsl.train.parts.data import Data, Split, assembled
from archdsl.train.parts.fashion import FASHION_LABELS, fashion_folder, fashion_split

SCENE_SIZE = 64
SCENE_COUNTS = (6000, 1000)
# Scenes are drawn in groups, so that fewer of them are the first of more.
SCENE_GROUP = 500
GARMENTS = (1, 4)
GARMENT_SIZES = (23, 36)
# Around a garment Fashion-MNIST has specks that are almost black; up to this grey a pixel is see-through.
GARMENT_BLACK = 4
# The background: a level of its own per scene, patches around it, noise per pixel.
LEVELS = (0, 128)
PATCH = 8
PATCHES = 24
GRAIN = 8


def load_scenes(root: Path | None, *, seed: int, limit: int | None) -> Data:
    """Return Fashion scenes, 6,000 for training and 1,000 for the test, or the first `limit` of each."""
    folder = fashion_folder(root)
    splits = []
    for number, (part, count) in enumerate(zip(("train", "t10k"), SCENE_COUNTS, strict=True)):
        garments = fashion_split(folder, part)
        some = count if limit is None else min(count, limit)
        # The two parts draw from streams of their own.
        splits.append(make_scenes(garments, some, torch.Generator().manual_seed(2 * seed + number)))
    return assembled("fashion-scenes", splits[0], splits[1], ("background", *FASHION_LABELS))


def make_scenes(garments: Split, count: int, generator: torch.Generator) -> Split:
    """Return `count` scenes; class 0 is the background, class k + 1 a garment of class k."""
    groups = [_scene_group(garments, generator) for _ in range(0, count, SCENE_GROUP)]
    images, masks = (torch.cat(part)[:count] for part in zip(*groups, strict=True))
    return Split(images.unsqueeze(1), masks)


def _scene_group(garments: Split, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    images = _backgrounds(generator)
    masks = torch.zeros_like(images)
    numbers = _whole(*GARMENTS, (SCENE_GROUP,), generator)
    scenes = torch.arange(SCENE_GROUP).repeat_interleave(numbers)
    chosen = _whole(0, len(garments) - 1, scenes.shape, generator)
    sizes = _whole(*GARMENT_SIZES, scenes.shape, generator)
    # The remainder of a number far larger than the room left is as good as uniform.
    tops, lefts = _whole(0, 1 << 20, (2, len(scenes)), generator) % (SCENE_SIZE - sizes + 1)
    mirrored = _whole(0, 1, scenes.shape, generator)
    labels = garments.targets[chosen] + 1
    placed = torch.stack((scenes, chosen, labels, sizes, tops, lefts, mirrored), 1)
    for scene, garment, label, size, top, left, mirror in placed.tolist():
        # The nearest pixel of the garment's picture for each pixel that it gets.
        rows = torch.arange(size) * garments.images.shape[2] // size
        columns = rows.flip(0) if mirror else rows
        picture = garments.images[garment, 0][rows][:, columns]
        there = picture > GARMENT_BLACK
        place = (scene, slice(top, top + size), slice(left, left + size))
        images[place] = torch.where(there, picture, images[place])
        masks[place].masked_fill_(there, label)
    return images, masks


def _backgrounds(generator: torch.Generator) -> Tensor:
    patches = SCENE_SIZE // PATCH
    level = _whole(*LEVELS, (SCENE_GROUP, 1, 1), generator)
    patch = level + _whole(-PATCHES, PATCHES, (SCENE_GROUP, patches, patches), generator)
    patch = patch.repeat_interleave(PATCH, 1).repeat_interleave(PATCH, 2)
    return patch.add_(_whole(-GRAIN, GRAIN, patch.shape, generator)).clamp_(0, 255).byte()


def _whole(low: int, high: int, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Draw whole numbers from `low` to `high`, both among them."""
    return torch.randint(low, high + 1, shape, generator=generator, dtype=torch.int32)
