"""Fashion-MNIST: 70,000 grey pictures of garments, 28 × 28, in ten classes.

Source: Xiao, Rasul & Vollgraf 2017, arXiv:1708.07747. The hashes are of the unpacked files, since packagers pack
them anew.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from archdsl.train.parts.data import Data, DataError, Split, assembled, limited
from archdsl.train.parts.files import plain_bytes
from archdsl.train.parts.idx import idx_parsed

FASHION_LABELS = (
    "T-shirt/top",
    "trouser",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle boot",
)
FASHION_HASHES = {
    "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}
# The largest of the files: 60,000 images of 28 × 28 after a header of 16 bytes.
FASHION_MOST = 16 + 60_000 * 28 * 28
FASHION_DEBIAN = Path("/usr/share/datasets/fashion-mnist")
FASHION_INSTALL = "apt-get update && apt-get install -y dataset-fashion-mnist, or name its folder in ARCHDSL_DATA"


def fashion_folder(root: Path | None) -> Path:
    """Return the folder with Fashion-MNIST's files: in or below `root`, or where Debian's package puts them."""
    own: tuple[Path, ...] = () if root is None else (root / "fashion-mnist", root / "FashionMNIST" / "raw", root)
    for folder in (*own, FASHION_DEBIAN):
        if any(_fashion_file(folder, name) for name in FASHION_HASHES):
            return folder
    looked = ", ".join(str(folder) for folder in (*own, FASHION_DEBIAN))
    raise DataError(f"Fashion-MNIST is not installed; looked in {looked}", FASHION_INSTALL, missing=True)


def _fashion_file(folder: Path, name: str) -> Path | None:
    return next((path for path in (folder / name, folder / f"{name}.gz") if path.is_file()), None)


def fashion_split(folder: Path, part: str) -> Split:
    """Return the "train" or "t10k" part, each file checked against its hash.

    Raises:
        DataError: a file is missing or is not byte for byte what was published.
    """
    bodies = []
    for name, dimensions in ((f"{part}-images-idx3-ubyte", 3), (f"{part}-labels-idx1-ubyte", 1)):
        path = _fashion_file(folder, name)
        if path is None:
            raise DataError(f"{folder / name}.gz: is missing beside the other files", FASHION_INSTALL)
        held = plain_bytes(path, FASHION_MOST + 1)
        # What is wrong with the size says more than another hash does, so the parser comes first.
        bodies.append(idx_parsed(path, held, dimensions))
        digest = hashlib.sha256(held).hexdigest()
        if digest != FASHION_HASHES[name]:
            raise DataError(
                f"{path}: the SHA-256 of its unpacked bytes is {digest}; expected {FASHION_HASHES[name]}",
                "apt-get install --reinstall dataset-fashion-mnist",
            )
    images, labels = bodies
    return Split(images.unsqueeze(1), labels.long())


def load_fashion_mnist(root: Path | None, *, seed: int, limit: int | None) -> Data:
    """Return Fashion-MNIST, 60,000 training and 10,000 test images."""
    folder = fashion_folder(root)
    train, test = (limited(fashion_split(folder, part), limit, seed) for part in ("train", "t10k"))
    return assembled("fashion-mnist", train, test, FASHION_LABELS)
