"""CIFAR-10's binary version: records of one byte of class and 3 × 32 × 32 bytes of image.

Source: Krizhevsky, "The CIFAR-10 dataset", https://www.cs.toronto.edu/~kriz/cifar.html, "Binary version".
"""

from __future__ import annotations

from pathlib import Path

import torch

from archdsl.train.parts.data import Data, DataError, Split, assembled, limited
from archdsl.train.parts.files import plain_bytes
from archdsl.train.parts.targets import check_range

CIFAR_RECORD = 1 + 3 * 32 * 32
CIFAR_LABELS = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
CIFAR_TRAIN = tuple(f"data_batch_{batch}.bin" for batch in range(1, 6))
CIFAR_TEST = "test_batch.bin"
# The real batches hold 10,000 records; more than this in one file is some other file.
CIFAR_MOST = 1_000_000 * CIFAR_RECORD


def cifar_batch(path: Path) -> Split:
    """Return the images and classes of one batch.

    Raises:
        DataError: the file holds no whole number of records, or a class beyond the tenth.
    """
    held = plain_bytes(path, CIFAR_MOST)
    if not held or len(held) % CIFAR_RECORD:
        raise DataError(
            f"{path}: {len(held):,} bytes are no whole number of records of {CIFAR_RECORD:,} bytes; "
            f"a batch of 10,000 images has {10_000 * CIFAR_RECORD:,}",
            "unpack cifar-10-binary.tar.gz again",
        )
    records = torch.frombuffer(held, dtype=torch.uint8).view(-1, CIFAR_RECORD)
    check_range(records[:, 0], len(CIFAR_LABELS), lambda image: f"{path}: image {image:,}")
    return Split(records[:, 1:].reshape(-1, 3, 32, 32), records[:, 0].long())


def load_cifar(folder: Path, *, seed: int, limit: int | None) -> Data:
    """Return CIFAR-10 from a folder with the five training batches and the test batch."""
    absent = [name for name in (*CIFAR_TRAIN, CIFAR_TEST) if not (folder / name).is_file()]
    if absent:
        raise DataError(f"{folder}: {', '.join(absent)} missing", "unpack cifar-10-binary.tar.gz again")
    batches = [cifar_batch(folder / name) for name in CIFAR_TRAIN]
    # A file that was cut between two records is seen only beside the others.
    most = max(map(len, batches))
    for name, batch in zip(CIFAR_TRAIN, batches, strict=True):
        if len(batch) != most:
            raise DataError(
                f"{folder / name}: is truncated: {len(batch):,} records where another batch has {most:,}",
                "unpack cifar-10-binary.tar.gz again",
            )
    train = Split(torch.cat([batch.images for batch in batches]), torch.cat([batch.targets for batch in batches]))
    test = cifar_batch(folder / CIFAR_TEST)
    return assembled("cifar-10", limited(train, limit, seed), limited(test, limit, seed), CIFAR_LABELS)
