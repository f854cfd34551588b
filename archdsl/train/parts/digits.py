"""The 1,797 handwritten digits, 8 × 8, that scikit-learn brings; its file is read without importing it.

Source: Alpaydin & Kaynak 1998, "Optical recognition of handwritten digits", UCI Machine Learning Repository (its test
part).
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import torch

from archdsl.train.parts.data import Data, DataError, Split, assembled, divided, limited
from archdsl.train.parts.files import plain_bytes

DIGITS_FILE = Path("datasets", "data", "digits.csv.gz")
DIGITS_SHAPE = (1797, 8 * 8 + 1)
# Grey in the file goes from 0 to 16.
DIGITS_WHITE = 16
DIGITS_MOST = 1 << 20
DIGITS_INSTALL = "pip install scikit-learn"


def digits_file() -> Path:
    """Return where scikit-learn keeps the digits."""
    found = find_spec("sklearn")
    if found is None or not found.submodule_search_locations:
        raise DataError("the digits come with scikit-learn, which is not installed", DIGITS_INSTALL, missing=True)
    path = Path(next(iter(found.submodule_search_locations))) / DIGITS_FILE
    if not path.is_file():
        raise DataError(f"{path}: scikit-learn is installed without the digits", f"{DIGITS_INSTALL} --force-reinstall")
    return path


def load_digits(*, seed: int, limit: int | None) -> Data:
    """Return the digits, one in five of each class held back for the test with `seed`."""
    path = digits_file()
    try:
        lines = plain_bytes(path, DIGITS_MOST).decode("ascii").split()
        rows = torch.tensor([[int(float(number)) for number in line.split(",")] for line in lines])
    except ValueError as error:
        raise DataError(f"{path}: not a table of numbers ({error})", f"{DIGITS_INSTALL} --force-reinstall") from None
    if rows.shape != DIGITS_SHAPE or not bool(((rows >= 0) & (rows <= DIGITS_WHITE)).all()):
        raise DataError(
            f"{path}: {tuple(rows.shape)} numbers to {int(rows.max())}; expected {DIGITS_SHAPE}, to {DIGITS_WHITE}",
            f"{DIGITS_INSTALL} --force-reinstall",
        )
    grey = (rows[:, :-1] * 255 + DIGITS_WHITE // 2) // DIGITS_WHITE
    train, test, note = divided(Split(grey.to(torch.uint8).view(-1, 1, 8, 8), rows[:, -1]), seed)
    labels = tuple(map(str, range(10)))
    return assembled("digits", limited(train, limit, seed), limited(test, limit, seed), labels, notes=(note,))
