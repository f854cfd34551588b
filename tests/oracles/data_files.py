"""Data files as other programs write them, in NumPy's and Pillow's formats or byte by byte."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
from PIL import Image


def idx_bytes(array: np.ndarray, code: int = 0x08) -> bytes:
    """An IDX file, by the description on LeCun's page: two zeros, a type, the sizes big-endian, the values."""
    header = struct.pack(">HBB", 0, code, array.ndim) + b"".join(struct.pack(">I", size) for size in array.shape)
    return header + array.tobytes()


def write_idx(folder: Path, part: str, images: np.ndarray, labels: np.ndarray, packed: bool = False) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in ((f"{part}-images-idx3-ubyte", images), (f"{part}-labels-idx1-ubyte", labels)):
        held = idx_bytes(array.astype(np.uint8))
        (folder / (name + ".gz" * packed)).write_bytes(gzip.compress(held) if packed else held)


def pixels(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def cifar_bytes(images: np.ndarray, labels: list[int]) -> bytes:
    return b"".join(bytes([label]) + image.tobytes() for image, label in zip(images, labels, strict=True))


def write_cifar(folder: Path, records: int = 3) -> tuple[np.ndarray, list[int]]:
    """Six batches; return the images and classes of the training batches."""
    folder.mkdir(parents=True, exist_ok=True)
    all_images, all_labels = [], []
    for batch in range(1, 6):
        images = pixels(records, 3, 32, 32, seed=batch)
        labels = [(batch + record) % 10 for record in range(records)]
        (folder / f"data_batch_{batch}.bin").write_bytes(cifar_bytes(images, labels))
        all_images.append(images)
        all_labels += labels
    (folder / "test_batch.bin").write_bytes(cifar_bytes(pixels(2, 3, 32, 32, seed=9), [0, 9]))
    return np.concatenate(all_images), all_labels


def save(path: Path, array: np.ndarray, mode: str | None = None) -> None:
    """An image file of H × W or H × W × C bytes, converted to `mode`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(array)
    (image.convert(mode) if mode else image).save(path)
