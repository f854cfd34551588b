"""The bytes of files that may be compressed, broken or far larger than they say."""

from __future__ import annotations

import gzip
import zlib
from io import BufferedIOBase
from pathlib import Path
from typing import IO

from archdsl.train.parts.data import DataError

READ_AT_ONCE = 1 << 20


def plain_bytes(path: Path, most: int) -> bytearray:
    """Return the bytes of a file, unpacked where it is gzip, and no more than `most` of them.

    Raises:
        DataError: the file cannot be read, or its compressed stream is broken or ends early.
    """
    try:
        with path.open("rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
            file.seek(0)
            if not packed:
                return bytes_at_most(file, most)
            with gzip.open(file) as unpacked:
                return bytes_at_most(unpacked, most)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{path}: its gzip stream is broken or ends early ({error})", "copy the file again") from None
    except OSError as error:
        raise unreadable(path, error) from None


def unreadable(path: Path, error: OSError) -> DataError:
    return DataError(f"{path}: cannot be read ({error.strerror or error})", "look at the path and its permissions")


def bytes_at_most(file: IO[bytes] | BufferedIOBase, most: int) -> bytearray:
    """Read in steps: a stream that is asked for a number of bytes at once makes room for all of them first."""
    read = bytearray()
    while len(read) < most and (step := file.read(min(READ_AT_ONCE, most - len(read)))):
        read += step
    return read
