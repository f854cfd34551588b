"""Folders of images beside their masks, in which a pixel's value is its class."""

from __future__ import annotations

from pathlib import Path

import torch

from archdsl.train.parts.data import Data, DataError, Split, assembled, drawn, held_back, held_back_note
from archdsl.train.parts.folders import images_in, parts_of, pixels_of
from archdsl.train.parts.images import MASK_MODES, Picture, mask_pixels, need_pillow, one_mode, one_size, picture
from archdsl.train.parts.targets import check_range, classes_shown, make_foreground

IMAGE_FOLDER = "images"
MASK_FOLDER = "masks"
MASK_ENDING = "_mask"
NAMES_FILE = "classes.txt"


def has_pairs(folder: Path) -> bool:
    train, _ = parts_of(folder)
    return (train / IMAGE_FOLDER).is_dir() and (train / MASK_FOLDER).is_dir()


def load_pairs(folder: Path, *, seed: int, limit: int | None, size: tuple[int, int] | None) -> Data:
    """Return the data set of `images/a.png` and `masks/a.png`, below `train` and `test` or without them.

    A mask has its image's name, or that and `_mask`; its pixels are 0, 1, 2, ... for the classes and 255 where no
    class counts. `classes.txt` names the classes, one a line; without it they are those that the training masks
    show.

    Raises:
        DataError: an image or a mask lacks the other, is broken, has another size, or shows an unknown class.
    """
    need_pillow()
    train_folder, test_folder = parts_of(folder)
    train = _paired(train_folder)
    notes: list[str] = []
    if test_folder is None:
        kept, held = held_back([0] * len(train), seed)
        train, test = [train[place] for place in kept], [train[place] for place in held]
        notes.append(held_back_note(seed))
    else:
        test = _paired(test_folder)
    if limit is not None:
        train, test = ([pairs[i] for i in drawn(len(pairs), limit, seed).tolist()] for pairs in (train, test))
    pictures = [_checked(image, mask) for image, mask in (*train, *test)]
    shape, resized = one_size(pictures, size)
    mode, converted = one_mode(pictures)
    splits = [
        Split(
            pixels_of([image for image, _ in pairs], mode, shape),
            torch.stack([mask_pixels(mask, shape) for _, mask in pairs]),
        )
        for pairs in (train, test)
        if pairs
    ]
    if len(splits) < 2:
        raise DataError(f"{folder}: {len(train) + len(test)} images make no training and test part", "add images")
    if note := make_foreground(*(split.targets for split in splits)):
        notes.append(note)
    labels = _class_names(folder) or tuple(map(str, range(classes_shown(splits[0].targets))))
    for split, pairs in zip(splits, (train, test), strict=True):
        places = [str(mask) for _, mask in pairs]
        check_range(split.targets, len(labels), places.__getitem__)
    return assembled(folder.resolve().name, splits[0], splits[1], labels, notes=(*notes, *resized, *converted))


def _paired(folder: Path) -> list[tuple[Path, Path]]:
    """Return each image of a part with its mask."""
    images = _by_name(folder / IMAGE_FOLDER)
    masks = {name.removesuffix(MASK_ENDING): path for name, path in _by_name(folder / MASK_FOLDER).items()}
    for there, here, what in ((images, masks, "mask"), (masks, images, "image")):
        if alone := sorted(there.keys() - here.keys()):
            more = f", nor have {len(alone) - 1:,} others" if len(alone) > 1 else ""
            raise DataError(
                f"{there[alone[0]]}: has no {what} called `{alone[0]}`{more}",
                f"put it into {folder / (MASK_FOLDER if what == 'mask' else IMAGE_FOLDER)}",
            )
    if not images:
        raise DataError(f"{folder / IMAGE_FOLDER}: holds no image", "put images there, and their masks beside them")
    return [(images[name], masks[name]) for name in images]


def _by_name(folder: Path) -> dict[str, Path]:
    """Return the images below a folder by their path in it, without the ending."""
    if not folder.is_dir():
        raise DataError(f"{folder}: is missing", f"put `{IMAGE_FOLDER}` and `{MASK_FOLDER}` into {folder.parent}")
    return {path.relative_to(folder).with_suffix("").as_posix(): path for path in images_in(folder)}


def _checked(image: Path, mask: Path) -> Picture:
    """Return what the image's header says, once the mask's fits to it."""
    said, other = picture(image), picture(mask)
    if other.size != said.size:
        sizes = " and ".join(f"{height}×{width}" for height, width in (other.size, said.size))
        raise DataError(f"{mask}: mask and image differ in size: {sizes}", "export the mask in its image's size")
    if other.mode not in MASK_MODES:
        raise DataError(
            f"{mask}: its mode is {other.mode}; expected one of {', '.join(sorted(MASK_MODES))}",
            "save the mask with a class number from 0 to 254 in each pixel, or 0 and 255",
        )
    return said


def _class_names(folder: Path) -> tuple[str, ...]:
    path = folder / NAMES_FILE
    if not path.is_file():
        return ()
    try:
        return tuple(line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip())
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read ({error})", "one name a line, in UTF-8") from None
