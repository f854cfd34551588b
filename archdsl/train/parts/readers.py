"""Data sets at a path: what lies there tells how it is read. A pickle never is."""

from __future__ import annotations

import re
from pathlib import Path

from archdsl.train.parts.cifar import CIFAR_TRAIN, load_cifar
from archdsl.train.parts.data import Data, DataError
from archdsl.train.parts.folders import images_in, load_class_folders, visible
from archdsl.train.parts.idx import idx_files, load_idx
from archdsl.train.parts.npz import load_npz
from archdsl.train.parts.pairs import has_pairs, load_pairs

READ_FROM_PATHS = (
    "a folder with IDX files, with CIFAR-10's binary batches, with `class/image.png`, "
    "or with `images` and `masks`; each also below `train` and `test`; or an .npz file with x and y"
)
PICKLES = {".pkl", ".pickle", ".pt", ".pth", ".joblib"}
PICKLED_BATCH = re.compile(r"data_batch_\d|test_batch|batches\.meta")


def read_path(path: Path, *, seed: int, limit: int | None, size: tuple[int, int] | None) -> Data:
    """Return the data set that lies at `path`.

    Raises:
        DataError: nothing is there, nothing that is known, or something broken.
    """
    if path.suffix.lower() in PICKLES:
        raise DataError(f"{path}: looks like a pickle, which runs code when it is read, so none is", READ_FROM_PATHS)
    if path.is_file():
        if path.suffix.lower() == ".npz":
            return load_npz(path, seed=seed, limit=limit)
        raise DataError(f"{path}: a file of an unknown kind", f"expected {READ_FROM_PATHS}")
    if not path.is_dir():
        raise DataError(f"{path}: no such file or folder", f"expected {READ_FROM_PATHS}")
    try:
        return _read_folder(path, seed, limit, size)
    except PermissionError as error:
        raise DataError(f"{error.filename}: permission denied", "look at the permissions of the folder") from None


def _read_folder(folder: Path, seed: int, limit: int | None, size: tuple[int, int] | None) -> Data:
    there = visible(folder)
    names = {path.name for path in there}
    if idx_files(folder):
        return load_idx(folder, seed=seed, limit=limit)
    if names & set(CIFAR_TRAIN):
        return load_cifar(folder, seed=seed, limit=limit)
    if any(PICKLED_BATCH.fullmatch(name) for name in names):
        raise DataError(
            f"{folder}: CIFAR-10's Python version, which is pickles, and none is read",
            "take the binary version, cifar-10-binary.tar.gz",
        )
    if has_pairs(folder):
        return load_pairs(folder, seed=seed, limit=limit, size=size)
    if any(path.is_dir() and images_in(path) for path in there):
        return load_class_folders(folder, seed=seed, limit=limit, size=size)
    some = ", ".join(path.name for path in there[:5]) + (", ..." if len(there) > 5 else "")
    raise DataError(
        f"{folder}: holds no data set that is known; found {some or 'nothing'}", f"expected {READ_FROM_PATHS}"
    )
