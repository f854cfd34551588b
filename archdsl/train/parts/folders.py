"""Image files in folders, one folder per class."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from archdsl.train.parts.data import Data, DataError, Split, assembled, drawn, held_back, held_back_note
from archdsl.train.parts.images import IMAGE_ENDINGS, image_pixels, need_pillow, one_mode, one_size, picture

# The first of these that is there is the test part.
TEST_FOLDERS = ("test", "val", "validation", "valid")


def parts_of(folder: Path) -> tuple[Path, Path | None]:
    """Return the folders of the training part and of the test part; the first is `folder` itself without `train`."""
    train = folder / "train"
    if not train.is_dir() or not any(path.is_dir() for path in train.iterdir()):
        return folder, None
    return train, next((folder / name for name in TEST_FOLDERS if (folder / name).is_dir()), None)


def visible(folder: Path) -> list[Path]:
    """Return what a folder holds, without hidden files, in an order that is the same everywhere."""
    return sorted((path for path in folder.iterdir() if not path.name.startswith(".")), key=lambda path: path.name)


def images_in(folder: Path) -> list[Path]:
    """Return the image files of a folder and of the folders in it, sorted."""
    found = (path for path in folder.rglob("*") if path.suffix.lower() in IMAGE_ENDINGS and path.is_file())
    return sorted((path for path in found if not path.name.startswith(".")), key=lambda path: path.as_posix())


def load_class_folders(folder: Path, *, seed: int, limit: int | None, size: tuple[int, int] | None) -> Data:
    """Return the data set of `class/image.png`, or of `train/class/image.png` and `test/class/image.png`.

    The classes are the names of the folders, sorted.

    Raises:
        DataError: a class has no image, the parts disagree on the classes, an image is broken, or sizes differ.
    """
    need_pillow()
    train_folder, test_folder = parts_of(folder)
    labels = tuple(path.name for path in visible(train_folder) if path.is_dir())
    train = _class_files(train_folder, labels)
    notes: list[str] = []
    if test_folder is None:
        classes = [label for _, label in train]
        kept, held = held_back(classes, seed)
        test = [train[place] for place in held]
        train = [train[place] for place in kept]
        notes.append(held_back_note(seed))
    else:
        strange = [path for path in visible(test_folder) if path.is_dir() and path.name not in labels]
        if strange:
            raise DataError(
                f"{strange[0]}: a class that {train_folder} does not have; it has {', '.join(labels)}",
                "give both parts the same class folders",
            )
        test = _class_files(test_folder, labels)
    train, test = (_some(files, limit, seed) for files in (train, test))
    pictures = [picture(path) for path, _ in (*train, *test)]
    shape, resized = one_size(pictures, size)
    mode, converted = one_mode(pictures)
    splits = [
        Split(pixels_of([path for path, _ in files], mode, shape), torch.tensor([label for _, label in files]))
        for files in (train, test)
    ]
    return assembled(folder.resolve().name, splits[0], splits[1], labels, notes=(*notes, *resized, *converted))


def _class_files(folder: Path, labels: tuple[str, ...]) -> list[tuple[Path, int]]:
    """Return the images of all classes with their class."""
    files: list[tuple[Path, int]] = []
    for label, name in enumerate(labels):
        found = images_in(folder / name)
        if not found:
            there = len(visible(folder / name)) if (folder / name).is_dir() else None
            problem = (
                "is missing" if there is None else f"holds no image ({there} other files)" if there else "is empty"
            )
            raise DataError(
                f"{folder / name}: the folder of class `{name}` {problem}",
                f"put images there ({', '.join(sorted(IMAGE_ENDINGS))}), or take the folder away",
            )
        files += [(path, label) for path in found]
    return files


def _some(files: list[tuple[Path, int]], limit: int | None, seed: int) -> list[tuple[Path, int]]:
    return files if limit is None else [files[place] for place in drawn(len(files), limit, seed).tolist()]


def pixels_of(paths: list[Path], mode: str, size: tuple[int, int]) -> Tensor:
    """Return image files as one tensor, N × C × H × W."""
    channels = 1 if mode == "L" else 3
    images = torch.empty(len(paths), channels, *size, dtype=torch.uint8)
    for place, path in enumerate(paths):
        images[place] = image_pixels(path, mode, size)
    return images
