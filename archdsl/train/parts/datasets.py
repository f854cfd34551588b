"""Data sets by name or by path.

fashion-mnist               60,000 + 10,000 garments, 28 × 28, 10 classes
fashion-scenes              6,000 + 1,000 composites of them with masks, 64 × 64, 11 classes
blue-marble                 222 + 91 grey tiles of the Earth with land masks, 96 × 96, 2 classes
digits                      1,797 handwritten digits, 8 × 8, 10 classes
synthetic[:CxHxW][:K]       K class means plus noise
synthetic-masks[:CxHxW][:K] rectangles of K - 1 greys on a background, with masks
a path                      IDX, CIFAR-10 binary, class/image.png, images and masks, .npz
"""

from __future__ import annotations

import os
from difflib import get_close_matches
from pathlib import Path

from archdsl.train.parts.blue_marble import load_blue_marble
from archdsl.train.parts.data import Data, DataError, of_classes, read_classes
from archdsl.train.parts.digits import load_digits
from archdsl.train.parts.fashion import load_fashion_mnist
from archdsl.train.parts.readers import read_path
from archdsl.train.parts.scenes import load_scenes
from archdsl.train.parts.synthetic import load_synthetic

DATA_SETS = ("fashion-mnist", "fashion-scenes", "blue-marble", "digits", "synthetic", "synthetic-masks")

# Names a folder in which named data sets are looked for first.
DATA_FOLDER = "ARCHDSL_DATA"


def load(
    name_or_path: str,
    *,
    seed: int = 0,
    limit: int | None = None,
    root: Path | None = None,
    size: tuple[int, int] | None = None,
    classes: str = "",
) -> Data:
    """Return the data set called `name_or_path`, or the one that lies there.

    `limit` keeps that many images of each split. They are drawn with `seed`, and so are scenes, synthetic images and
    the test parts of data sets that come without one. `root` is a folder in which named data sets are looked for
    before their usual places; left out, it is the environment's ARCHDSL_DATA. Images in folders are resized to `size`
    (height, width) where it is given. `classes` keeps the images of some labels alone, such as `0-4`. A name comes
    before a folder of the same name; `./digits` is the folder.

    Raises:
        DataError: the data set is missing (then `missing` is set, and the cure is the command that installs it) or
            broken, or `limit` is not positive, or it has no such classes.
    """
    if limit is not None and limit < 1:
        raise DataError(f"a limit of {limit} images leaves none", "a limit of 1 or more")
    if classes:
        wanted = read_classes(classes)
        return of_classes(load(name_or_path, seed=seed, root=root, size=size), wanted, limit, seed)
    if root is None and os.environ.get(DATA_FOLDER):
        root = Path(os.environ[DATA_FOLDER])
    name = name_or_path.partition(":")[0]
    if name_or_path == "fashion-mnist":
        return load_fashion_mnist(root, seed=seed, limit=limit)
    if name_or_path == "fashion-scenes":
        return load_scenes(root, seed=seed, limit=limit)
    if name_or_path == "blue-marble":
        return load_blue_marble(root, seed=seed, limit=limit)
    if name_or_path == "digits":
        return load_digits(seed=seed, limit=limit)
    if name in {"synthetic", "synthetic-masks"}:
        return load_synthetic(name_or_path, seed=seed, limit=limit)
    path = Path(name_or_path).expanduser()
    if not path.exists() and len(path.parts) == 1:
        near = get_close_matches(name, DATA_SETS, n=1)
        raise DataError(
            f"`{name_or_path}` is neither a data set that has a name nor a path",
            (f"did you mean `{near[0]}`? " if near else "") + f"the names are {', '.join(DATA_SETS)}",
        )
    return read_path(path, seed=seed, limit=limit, size=size)
