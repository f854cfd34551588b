"""Arrays in an `.npz` archive, read without NumPy and without ever unpickling anything.

Source: NumPy Enhancement Proposal 1, "A simple file format for NumPy arrays".
"""

from __future__ import annotations

import ast
import math
import sys
import zipfile
import zlib
from pathlib import Path
from typing import IO

import torch
from torch import Tensor

from archdsl.train.parts.data import Data, DataError, Split, assembled, divided, limited
from archdsl.train.parts.files import bytes_at_most, unreadable
from archdsl.train.parts.targets import check_range, classes_shown, make_foreground

NPY_MAGIC = b"\x93NUMPY"
# NumPy itself takes no longer header from a stranger.
NPY_LONGEST_HEADER = 10_000
NPY_TYPES = {
    "b1": torch.bool,
    "u1": torch.uint8,
    "i1": torch.int8,
    "u2": torch.uint16,
    "i2": torch.int16,
    "u4": torch.uint32,
    "i4": torch.int32,
    "u8": torch.uint64,
    "i8": torch.int64,
    "f2": torch.float16,
    "f4": torch.float32,
    "f8": torch.float64,
}
CHANNELS = (1, 2, 3, 4)
# A larger number is no class but a slip, such as a time or an identifier.
MOST_CLASSES = 1 << 20


def npz_arrays(path: Path, names: tuple[str, ...]) -> dict[str, Tensor]:
    """Return those of the arrays called `names` that an `.npz` file holds.

    Raises:
        DataError: the archive or an array in it is broken, or holds Python objects.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = {member.filename: member for member in archive.infolist()}
            found: dict[str, Tensor] = {}
            for name in names:
                if f"{name}.npy" in members:
                    with archive.open(members[f"{name}.npy"]) as file:
                        found[name] = _npy_array(f"{path}, array `{name}`", file)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise DataError(
            f"{path}: no archive of arrays, or a broken one ({error})", "write it with numpy.savez"
        ) from None
    except OSError as error:
        raise unreadable(path, error) from None
    return found


def _npy_array(where: str, file: IO[bytes]) -> Tensor:
    again = "write the archive again with numpy.savez"
    start = bytes_at_most(file, 8)
    if len(start) < 8 or start[:6] != NPY_MAGIC or start[6] not in {1, 2, 3}:
        raise DataError(f"{where}: no array: it starts with {start.hex(' ') or 'nothing'}", again)
    wide = 2 if start[6] == 1 else 4
    length = int.from_bytes(bytes_at_most(file, wide), "little")
    if length > NPY_LONGEST_HEADER:
        raise DataError(f"{where}: its header says it is {length:,} bytes long; at most 10,000 are read", again)
    descr, fortran, shape = _npy_header(where, bytes(bytes_at_most(file, length)))
    if "O" in descr:
        raise DataError(
            f"{where}: holds Python objects ({descr}), which only a pickle can store, and no pickle is read",
            "store plain numbers: numpy.savez of arrays with a dtype such as uint8",
        )
    order, kind = descr[:1], descr[1:]
    if kind not in NPY_TYPES or order not in "<>|=":
        raise DataError(f"{where}: its dtype is {descr}; expected one of {', '.join(NPY_TYPES)}", again)
    size = int(kind[1])
    count = math.prod(shape) * size
    held = bytes_at_most(file, count + 1)
    if len(held) != count:
        found = f"is truncated: {len(held):,} bytes" if len(held) < count else "goes on: more bytes"
        raise DataError(f"{where}: {found} where its header says {shape} of {descr} = {count:,}", again)
    if count == 0:
        return torch.empty(shape, dtype=NPY_TYPES[kind])
    stored = torch.frombuffer(held, dtype=torch.uint8)
    if order == ("<" if sys.byteorder == "big" else ">"):
        stored = stored.view(-1, size).flip(1).contiguous().flatten()
    values = stored.view(NPY_TYPES[kind])
    return values.view(shape[::-1]).permute(*range(len(shape))[::-1]) if fortran else values.view(shape)


def _npy_header(where: str, header: bytes) -> tuple[str, bool, tuple[int, ...]]:
    """Return dtype, order and shape of the literal at the start of an array."""
    try:
        said = ast.literal_eval(header.decode("utf-8"))
        descr, fortran, shape = said["descr"], said["fortran_order"], said["shape"]
        right = type(descr) is str and type(fortran) is bool and type(shape) is tuple
        right = right and all(type(size) is int and size >= 0 for size in shape)
    except (ValueError, SyntaxError, TypeError, KeyError, MemoryError, RecursionError):
        right = False
    if not right:
        raise DataError(f"{where}: its header is no plain dtype, order and shape", "write it again with numpy.savez")
    return descr, fortran, shape


def load_npz(path: Path, *, seed: int, limit: int | None) -> Data:
    """Return the data set of an archive with `x` and `y`, or with `x_train`, `y_train`, `x_test` and `y_test`."""
    arrays = npz_arrays(path, ("x", "y", "x_train", "y_train", "x_test", "y_test"))
    apart = "x_train" in arrays
    parts = ("_train", "_test") if apart else ("",)
    absent = [name for part in parts for name in (f"x{part}", f"y{part}") if name not in arrays]
    if absent:
        raise DataError(
            f"{path}: no array `{'`, `'.join(absent)}`; found {', '.join(arrays) or 'none of the names'}",
            "numpy.savez(path, x=images, y=classes), or x_train, y_train, x_test and y_test",
        )
    notes: list[str] = []
    splits = [npz_split(path, arrays[f"x{part}"], arrays[f"y{part}"], part, notes) for part in parts]
    if apart:
        train, test = splits
    else:
        train, test, note = divided(splits[0], seed)
        notes.append(note)
    first, other = (
        (*split.images.shape[1:], "and", *split.targets.shape[1:], split.targets.dtype) for split in (train, test)
    )
    if first != other:
        raise DataError(
            f"{path}: training and test differ: {' '.join(map(str, first))}; {' '.join(map(str, other))}",
            "give both parts images and targets of one shape",
        )
    if train.targets.dim() == 3 and (binary := make_foreground(train.targets, test.targets)):
        notes.append(binary)
    several = train.targets.is_floating_point()
    count = train.targets.shape[1] if several else classes_shown(train.targets)
    if not several:
        check_range(test.targets, count, lambda image: f"{path}, array `y{parts[-1]}`: target {image:,}")
    labels = tuple(map(str, range(count)))
    kept = limited(train, limit, seed), limited(test, limit, seed)
    return assembled(path.stem, *kept, labels, notes=tuple(dict.fromkeys(notes)))


def npz_split(path: Path, x: Tensor, y: Tensor, part: str, notes: list[str]) -> Split:
    """Return arrays as images and targets; `notes` gets what had to be changed for that."""
    images = _pixels(f"{path}, array `x{part}`", x, notes)
    where = f"{path}, array `y{part}`"
    if y.dim() == 0 or len(y) != len(images):
        raise DataError(f"{where}: shape {tuple(y.shape)} for {len(images):,} images", "give each image its target")
    return Split(images, _targets(where, y, images.shape, notes))


def _pixels(where: str, x: Tensor, notes: list[str]) -> Tensor:
    """Return images as uint8, N × C × H × W."""
    grey = x.dim() == 3
    if grey:
        x = x.unsqueeze(1)
    if x.dim() != 4 or x.numel() == 0:
        raise DataError(f"{where}: shape {tuple(x.shape)}; expected N×H×W, N×C×H×W or N×H×W×C", "reshape the images")
    first, last = x.shape[1] in CHANNELS, x.shape[3] in CHANNELS
    if first == last and not grey:
        found = "both the second and the last size" if first else "neither the second nor the last size"
        raise DataError(
            f"{where}: shape {tuple(x.shape)}: {found} could be the channels, of which there are 1 to 4",
            "give the images as N×C×H×W with another height or width",
        )
    if last and not grey:
        x = x.permute(0, 3, 1, 2)
    if x.dtype == torch.uint8:
        return x.contiguous()
    x = x.double()
    low, high = float(x.min()), float(x.max())
    if low >= 0 and high <= 1:
        notes.append("pixels from 0 to 1 are stored as whole numbers from 0 to 255")
        return (x * 255).round().to(torch.uint8).contiguous()
    if low >= 0 and high <= 255 and bool((x == x.round()).all()):
        return x.to(torch.uint8).contiguous()
    raise DataError(
        f"{where}: pixels from {low:g} to {high:g}; expected uint8, whole numbers to 255, or numbers from 0 to 1",
        "store the images as uint8",
    )


def _targets(where: str, y: Tensor, images: torch.Size, notes: list[str]) -> Tensor:
    """Return classes as int64, masks as uint8, several labels as zeros and ones in float32."""
    if y.dim() == 2 and y.shape[1] == 1:
        y = y[:, 0]
    # Compared as float64: PyTorch compares few unsigned types, and no class is too large for it.
    values = y.double()
    whole = bool((values == values.round()).all())
    if not whole or not 0 <= float(values.min()) <= float(values.max()) <= MOST_CLASSES:
        found = f"numbers from {float(values.min()):g} to {float(values.max()):g}"
        raise DataError(
            f"{where}: {found}; expected whole ones from 0 to {MOST_CLASSES:,}", "number the classes from 0"
        )
    values = values.long()
    if y.dim() == 1:
        return values
    if y.dim() == 3 and y.shape[1:] == images[2:]:
        if int(values.max()) > 255:
            raise DataError(
                f"{where}: holds class {int(values.max())}; expected at most 254", "number the classes from 0"
            )
        return values.to(torch.uint8)
    if y.dim() == 2 and int(values.max()) <= 1:
        if bool((values.sum(1) == 1).all()):
            notes.append("targets with a single one in each row are read as classes")
            return values.argmax(1)
        return values.float()
    raise DataError(
        f"{where}: shape {tuple(y.shape)} with values to {int(values.max())} for images of {tuple(images)}; "
        "expected N classes, N×H×W masks, or N×K zeros and ones",
        "give each image a class, a mask of its size, or its labels",
    )
