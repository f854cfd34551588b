"""Image files read with Pillow, which is imported where the first one is opened."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from archdsl.train.parts.data import DataError
from archdsl.train.parts.libraries import installed

IMAGE_ENDINGS = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm", ".pbm"}

# Pillow's modes of 8 bits a channel; what is left out of them has more bits or another meaning.
GREY_MODES = {"1", "L", "LA"}
COLOUR_MODES = {"P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "HSV", "LAB"}
MASK_MODES = {"1", "L", "P"}


@dataclass(frozen=True)
class Picture:
    """What the header of an image file says; `size` is height and width in pixels."""

    path: Path
    size: tuple[int, int]
    mode: str


def need_pillow() -> None:
    """Say how Pillow is installed where it is missing."""
    if installed("PIL.Image") is None:
        problem = "image files are read with Pillow, which is not installed"
        raise DataError(problem, "pip install pillow", missing=True)


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """Open an image file; what Pillow and its decoders raise of a broken one becomes a `DataError`."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            yield image
    except (
        OSError,
        SyntaxError,
        ValueError,
        EOFError,
        struct.error,
        zlib.error,
        Image.DecompressionBombError,
    ) as error:
        empty = path.is_file() and path.stat().st_size == 0
        problem = "is empty" if empty else f"is no image or a broken one ({error})"
        raise DataError(f"{path}: {problem}", "copy or export the file again, or take it away") from None


def picture(path: Path) -> Picture:
    """Read the header of an image file."""
    with _opened(path) as image:
        return Picture(path, (image.height, image.width), image.mode)


def image_pixels(path: Path, mode: str, size: tuple[int, int]) -> Tensor:
    """Return an image as uint8, C × H × W, with its colours brought to `mode` and its size to `size`."""
    from PIL import Image

    with _opened(path) as image:
        converted = image if image.mode == mode else image.convert(mode)
        if converted.size != (size[1], size[0]):
            converted = converted.resize((size[1], size[0]), Image.Resampling.BILINEAR)
        return _as_tensor(converted.tobytes(), size)


def mask_pixels(path: Path, size: tuple[int, int]) -> Tensor:
    """Return the classes of an image's pixels as uint8, H × W; those of a palette are its places, not its colours."""
    from PIL import Image

    with _opened(path) as image:
        # A mask of one bit unpacks to 0 and 255.
        flat = image.convert("L") if image.mode == "1" else image
        if flat.size != (size[1], size[0]):
            flat = flat.resize((size[1], size[0]), Image.Resampling.NEAREST)
        return _as_tensor(flat.tobytes(), size)[0]


def _as_tensor(pixels: bytes, size: tuple[int, int]) -> Tensor:
    flat = torch.frombuffer(bytearray(pixels), dtype=torch.uint8)
    return flat.view(*size, -1).permute(2, 0, 1)


def one_size(pictures: list[Picture], size: tuple[int, int] | None) -> tuple[tuple[int, int], list[str]]:
    """Return the size that all images get, height and width, and a note where some are resized to it.

    Raises:
        DataError: the images have several sizes, and nobody said which one to take.
    """
    first = pictures[0]
    if size is None:
        for other in pictures:
            if other.size != first.size:
                raise DataError(
                    f"{other.path}: {_said(other.size)} pixels (height × width), but {first.path} has "
                    f"{_said(first.size)}: images of one batch have one size",
                    f"say the size that all get, such as {_said(first.size)}, or resize the files",
                )
        return first.size, []
    others = sum(other.size != size for other in pictures)
    note = f"{others:,} of {len(pictures):,} images are resized to {_said(size)} pixels, whatever their proportions"
    return size, [note] if others else []


def one_mode(pictures: list[Picture]) -> tuple[str, list[str]]:
    """Return the mode that all images get, "L" (grey) or "RGB", and notes on those that are converted to it.

    Images are grey where all of them are; where one has colours, the grey ones repeat their values three times.

    Raises:
        DataError: an image does not have 8 bits a channel.
    """
    for other in pictures:
        if other.mode not in GREY_MODES | COLOUR_MODES:
            raise DataError(
                f"{other.path}: its mode is {other.mode}; expected 8 bits a channel, grey or colour",
                "save it as an 8-bit grey or RGB image; scaling its values is a choice that only you can make",
            )
    mode = "L" if all(other.mode in GREY_MODES for other in pictures) else "RGB"
    converted = [other.mode for other in pictures if other.mode != mode]
    found = ", ".join(f"{converted.count(kind):,} of mode {kind}" for kind in sorted(set(converted)))
    return mode, [f"images converted to {mode}: {found}"] if converted else []


def _said(size: tuple[int, int]) -> str:
    return f"{size[0]}×{size[1]}"
