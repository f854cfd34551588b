"""The IDX format of MNIST and its kin: a big-endian header, then raw bytes, packed with gzip or not.

Source: LeCun, Cortes & Burges, "The MNIST database", http://yann.lecun.com/exdb/mnist/, "File formats".
"""

from __future__ import annotations

import math
import re
from pathlib import Path

import torch
from torch import Tensor

from archdsl.train.parts.data import Data, DataError, Split, assembled, divided, limited
from archdsl.train.parts.files import plain_bytes
from archdsl.train.parts.targets import check_range

IDX_TYPES = {0x08: "uint8", 0x09: "int8", 0x0B: "int16", 0x0C: "int32", 0x0D: "float32", 0x0E: "float64"}

# `train-images-idx3-ubyte.gz`, also with a dot after "images" and with a data set's name before.
IDX_NAME = re.compile(r"(?:.*[-_.])?(train|t10k|test)[-_](images|labels)[-.]idx[13][-.]ubyte(?:\.gz)?")


def idx_tensor(path: Path, dimensions: int) -> Tensor:
    """Return the bytes that an IDX file holds, as uint8 of its `dimensions` sizes.

    Raises:
        DataError: the file is no IDX file of bytes with so many dimensions, is truncated or goes on too long.
    """
    header = plain_bytes(path, 4 + 4 * dimensions)
    count = math.prod(_idx_sizes(path, header, dimensions))
    # A byte more than the header promises shows that the file goes on.
    return idx_parsed(path, plain_bytes(path, len(header) + count + 1), dimensions)


def idx_parsed(path: Path, held: bytearray, dimensions: int) -> Tensor:
    """Return the bytes after the header of an IDX file that was read from `path`."""
    sizes = _idx_sizes(path, held, dimensions)
    start, count = 4 + 4 * dimensions, math.prod(sizes)
    body = len(held) - start
    if body != count:
        found = f"is truncated: {body:,} bytes follow" if body < count else "goes on: more bytes follow"
        said = " × ".join(map(str, sizes))
        raise DataError(f"{path}: {found} where its header says {said} = {count:,}", "copy the file again")
    return torch.frombuffer(held, dtype=torch.uint8, offset=start).view(sizes)


def _idx_sizes(path: Path, held: bytearray, dimensions: int) -> list[int]:
    expected = f"expected {0x0800 + dimensions}, the magic number of uint8 in {dimensions} dimensions"
    magic = int.from_bytes(held[:4], "big")
    if len(held) < 4 or held[:2] != b"\0\0" or held[2] not in IDX_TYPES:
        found = held[:4].hex(" ") or "nothing"
        raise DataError(f"{path}: no IDX file: it starts with {found}; {expected}", "copy the file again")
    if magic != 0x0800 + dimensions:
        found = f"{IDX_TYPES[held[2]]} in {held[3]} dimensions"
        raise DataError(f"{path}: its magic number is {magic}, {found}; {expected}", "are images and labels swapped?")
    end = 4 + 4 * dimensions
    if len(held) < end:
        raise DataError(f"{path}: ends within its header, after {len(held)} bytes", "copy the file again")
    sizes = [int.from_bytes(held[place : place + 4], "big") for place in range(4, end, 4)]
    if 0 in sizes:
        raise DataError(f"{path}: its header says {' × '.join(map(str, sizes))}, which is nothing", "use another file")
    return sizes


def idx_files(folder: Path) -> dict[tuple[str, str], Path]:
    """Return the IDX files of a folder by part ("train", "test") and content ("images", "labels")."""
    found: dict[tuple[str, str], Path] = {}
    for path in sorted(folder.iterdir()):
        if match := IDX_NAME.fullmatch(path.name):
            part = "train" if match[1] == "train" else "test"
            # Sorted, the unpacked file comes first; its twin says the same.
            found.setdefault((part, match[2]), path)
    return found


def idx_split(images: Path, labels: Path, classes: int | None = None) -> Split:
    """Return the images and classes of two IDX files; the classes lie below `classes` where that is known."""
    pixels = idx_tensor(images, 3)
    answers = idx_tensor(labels, 1)
    if len(pixels) != len(answers):
        raise DataError(
            f"{labels}: {len(answers):,} labels for the {len(pixels):,} images of {images}",
            "take both files from the same part of the data set",
        )
    if classes is not None:
        check_range(answers, classes, lambda image: f"{labels}: image {image:,}")
    return Split(pixels.unsqueeze(1), answers.long())


def load_idx(folder: Path, *, seed: int, limit: int | None) -> Data:
    """Return the data set of a folder with IDX files; its classes are those of the training labels.

    Raises:
        DataError: a file is missing or broken, or the parts differ in the size of their images or in their classes.
    """
    files = idx_files(folder)
    train = idx_split(*_idx_pair(folder, files, "train"))
    classes = int(train.targets.max()) + 1
    notes: tuple[str, ...] = ()
    if any(part == "test" for part, _ in files):
        test = idx_split(*_idx_pair(folder, files, "test"), classes)
    else:
        train, test, note = divided(train, seed)
        notes = (note,)
    if train.images.shape[1:] != test.images.shape[1:]:
        sizes = " and ".join("×".join(map(str, split.images.shape[2:])) for split in (train, test))
        raise DataError(f"{folder}: training and test images differ in size: {sizes}", "use files of one data set")
    kept = limited(train, limit, seed), limited(test, limit, seed)
    return assembled(folder.resolve().name, *kept, tuple(map(str, range(classes))), notes=notes)


def _idx_pair(folder: Path, files: dict[tuple[str, str], Path], part: str) -> tuple[Path, Path]:
    """Return the files with images and with labels of a part."""
    start = "train" if part == "train" else "t10k"
    for content, ending in (("images", "images-idx3-ubyte"), ("labels", "labels-idx1-ubyte")):
        if (part, content) not in files:
            there = ", ".join(path.name for path in files.values())
            raise DataError(f"{folder}: no {content} of the {part} part; found {there}", f"add `{start}-{ending}`")
    return files[part, "images"], files[part, "labels"]
