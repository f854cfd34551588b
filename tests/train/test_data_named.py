"""Data sets with names: those that are made, and those that are installed, where they are."""

from __future__ import annotations

import ast
import gzip
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("torch")
pytest.importorskip("PIL")

import torch

from archdsl.train.parts import blue_marble, digits, fashion, scenes, synthetic
from archdsl.train.parts.data import Data, DataError, Split, assembled
from archdsl.train.parts.datasets import DATA_SETS, load
from oracles.data_files import pixels, save, write_idx

torch.set_num_threads(1)

PARTS = Path(fashion.__file__).parent
OWN = Path(os.environ["ARCHDSL_DATA"]) if os.environ.get("ARCHDSL_DATA") else None


def installed(name: str) -> bool:
    try:
        if name == "fashion-mnist":
            fashion.fashion_folder(OWN)
        elif name == "blue-marble":
            blue_marble.marble_folder(OWN)
        else:
            digits.digits_file()
    except DataError:
        return False
    return True


def needs(name: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(not installed(name), reason=f"{name} is not installed")


def refused(name: str, **options: object) -> DataError:
    with pytest.raises(DataError) as caught:
        load(name, **options)
    return caught.value


def majority_and_table(data: Data) -> tuple[float, float, float]:
    """Return the pixel accuracy of the largest class, and accuracy and mIoU of the best class for each grey."""
    classes = data.classes
    counts = np.zeros((256, classes), np.int64)
    np.add.at(counts, (data.train.images[:, 0].numpy().ravel(), data.train.targets.numpy().ravel()), 1)
    guess = counts.argmax(1)[data.test.images[:, 0].numpy().ravel()]
    truth = data.test.targets.numpy().ravel()
    ious = []
    for label in range(classes):
        both, either = ((guess == label) & (truth == label)).sum(), ((guess == label) | (truth == label)).sum()
        ious.append(both / either)
    return np.bincount(truth).max() / len(truth), (guess == truth).mean(), float(np.mean(ious))


@given(st.lists(st.integers(0, 255), min_size=1, max_size=40))
def test_mean_and_deviation_are_those_of_the_pixels(values):
    split = Split(torch.tensor(values, dtype=torch.uint8).view(-1, 1, 1, 1), torch.zeros(len(values), dtype=torch.long))

    data = assembled("some", split, split, ("a",))

    assert data.mean == pytest.approx([np.mean(np.array(values) / 255)])
    assert data.std == pytest.approx([np.std(np.array(values) / 255)], abs=1e-12)


def test_a_limit_keeps_so_many_of_each_part_and_the_seed_says_which(tmp_path):
    for part, count in (("train", 50), ("t10k", 20)):
        write_idx(tmp_path, part, np.arange(count)[:, None, None] * np.ones((1, 2, 2)), np.zeros(count))

    first, again, other = (load(str(tmp_path), limit=10, seed=seed) for seed in (1, 1, 2))

    assert (len(first.train), len(first.test)) == (10, 10)
    chosen = first.train.images[:, 0, 0, 0].tolist()
    assert chosen == sorted(set(chosen))
    assert torch.equal(first.train.images, again.train.images)
    assert not torch.equal(first.train.images, other.train.images)


def test_a_class_that_cannot_be_learnt_is_noted(tmp_path):
    write_idx(tmp_path, "train", pixels(4, 2, 2), np.array([1, 2, 4, 4]))
    write_idx(tmp_path, "t10k", pixels(1, 2, 2), np.array([1]))

    assert load(str(tmp_path)).notes == ("2 of 5 classes have no training image, `0` first",)


def test_a_name_that_is_almost_right_is_corrected():
    error = refused("fashion-mnits")

    assert "`fashion-mnits` is neither a data set that has a name nor a path" in error.message
    assert "did you mean `fashion-mnist`?" in error.message
    assert all(name in error.message for name in DATA_SETS)


@pytest.mark.parametrize("limit", [0, -3])
def test_a_limit_leaves_something(limit):
    assert f"a limit of {limit} images leaves none" in refused("synthetic", limit=limit).message


@pytest.mark.parametrize(
    ("name", "shape", "classes", "kind"),
    [
        ("synthetic", (1, 28, 28), 10, "classes"),
        ("synthetic:3x8x6", (3, 8, 6), 10, "classes"),
        ("synthetic:2x8x8:4", (2, 8, 8), 4, "classes"),
        ("synthetic::3", (1, 28, 28), 3, None),
        ("synthetic-masks:3x16x16:4", (3, 16, 16), 4, "mask"),
        ("synthetic:1x0x8", None, 0, None),
        ("synthetic:1x8x8:1", None, 0, None),
        ("synthetic:8x8", None, 0, None),
        ("synthetic:9999x9999x9999", None, 0, None),
        ("synthetic-masks:1x8x8:256", None, 0, None),
    ],
)
def test_synthetic_images_have_the_asked_for_form(name, shape, classes, kind):
    if kind is None:
        assert "synthetic" in refused(name, limit=8).message
        return

    data = load(name, limit=40)

    assert data.train.images.shape == (40, *shape)
    assert data.train.images.dtype == torch.uint8
    assert (data.classes, data.kind) == (classes, kind)
    assert int(data.train.targets.max()) < classes
    assert torch.equal(load(name, limit=40).train.images, data.train.images)
    assert not torch.equal(load(name, limit=40, seed=1).train.images, data.train.images)


def test_the_nearest_class_mean_recognises_synthetic_images():
    data = load("synthetic:1x12x12:5", limit=500)
    train, test = (split.images.flatten(1).double() for split in (data.train, data.test))
    means = torch.stack([train[data.train.targets == label].mean(0) for label in range(5)])

    right = torch.cdist(test, means).argmin(1) == data.test.targets

    assert right.double().mean() > 0.95
    assert np.bincount(data.train.targets).min() > 70


def test_the_grey_of_a_synthetic_mask_tells_its_class():
    majority, accuracy, iou = majority_and_table(load("synthetic-masks:1x16x16:4", limit=100))

    assert 0.5 < majority < 0.8
    assert accuracy > 0.95
    assert iou > 0.9


def flat_garments(count: int = 20) -> Split:
    """Garments whose pixels all have one grey, which tells their class and is brighter than any background."""
    targets = torch.arange(count) % 10
    images = torch.zeros(count, 1, 28, 28, dtype=torch.uint8)
    # A ring, so that the background is seen through its middle.
    images[:, 0, 2:26, 4:24] = (200 + targets).to(torch.uint8)[:, None, None]
    images[:, 0, 8:20, 10:18] = 0
    return Split(images, targets)


def test_a_scenes_mask_is_exact():
    made = scenes.make_scenes(flat_garments(), 30, torch.Generator().manual_seed(0))
    grey, masks = made.images[:, 0].numpy(), made.targets.numpy()

    # 128 + 24 + 8 is the brightest that a background gets.
    assert (grey[masks == 0] <= 160).all()
    assert (grey[masks > 0] == masks[masks > 0] + 199).all()
    assert set(np.unique(masks)) == set(range(11))


def test_garments_stay_whole_unless_a_later_one_covers_them():
    """A single garment is seen in full: as wide as its ring and within the scene."""
    made = scenes.make_scenes(flat_garments(), 200, torch.Generator().manual_seed(1))
    extents = []
    for mask in made.targets.numpy():
        if len(np.unique(mask)) == 2:
            rows, columns = (np.flatnonzero((mask > 0).any(axis)) for axis in (1, 0))
            extents.append((rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1))

    # Of 28 pixels the ring takes 24 rows and 20 columns, and 23 to 36 are drawn.
    single = [(height, width) for height, width in extents if height <= 36 * 24 / 28 + 1 and width <= 36 * 20 / 28 + 1]
    assert len(single) > 20
    heights = {height for height, _ in single}
    assert (min(heights), max(heights)) in {(19, 30), (19, 31), (20, 30), (20, 31)}


def test_scenes_depend_on_the_seed_alone_and_fewer_are_the_first_of_more():
    some, more, other = (
        scenes.make_scenes(flat_garments(), count, torch.Generator().manual_seed(seed))
        for count, seed in ((10, 0), (600, 0), (10, 1))
    )

    assert torch.equal(some.images, more.images[:10])
    assert torch.equal(some.targets, more.targets[:10])
    assert len(more) == 600
    assert not torch.equal(some.images, other.images)
    assert not torch.equal(more.images[:100], more.images[500:])


@pytest.mark.parametrize("name", ["fashion-mnist", "fashion-scenes"])
def test_a_missing_fashion_mnist_says_how_it_is_installed(tmp_path, monkeypatch, name):
    monkeypatch.setattr(fashion, "FASHION_DEBIAN", tmp_path / "nowhere")

    error = refused(name, root=tmp_path)

    assert error.missing
    assert "apt-get install -y dataset-fashion-mnist" in error.message
    assert f"looked in {tmp_path}/fashion-mnist" in error.message


def test_the_environment_names_the_folder_of_the_data(tmp_path, monkeypatch):
    monkeypatch.setenv("ARCHDSL_DATA", str(tmp_path))
    write_idx(tmp_path / "fashion-mnist", "train", pixels(6, 4, 4), np.zeros(6))

    assert f"{tmp_path}/fashion-mnist/train-images-idx3-ubyte" in refused("fashion-mnist").message


@pytest.mark.parametrize(
    ("held", "said"),
    [
        (gzip.compress(b"\0\0\x08\x03" + bytes(12)), "its header says 0 × 0 × 0"),
        (gzip.compress(bytes(3000))[:-4], "its gzip stream is broken or ends early"),
        (
            gzip.compress(b"\0\0\x08\x03\0\0\0\1\0\0\0\1\0\0\0\1\7"),
            "expected c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        ),
    ],
    ids=["size", "truncated", "hash"],
)
def test_another_fashion_mnist_is_refused(tmp_path, held, said):
    folder = tmp_path / "fashion-mnist"
    write_idx(folder, "train", pixels(6, 4, 4), np.zeros(6), packed=True)
    (folder / "train-images-idx3-ubyte.gz").write_bytes(held)

    error = refused("fashion-mnist", root=tmp_path)

    assert not error.missing
    assert f"{folder}/train-images-idx3-ubyte.gz" in error.message
    assert said in error.message


def test_a_fashion_mnist_with_a_file_less_names_it(tmp_path):
    write_idx(tmp_path, "train", pixels(6, 4, 4), np.zeros(6))
    (tmp_path / "train-images-idx3-ubyte").unlink()

    assert f"{tmp_path}/train-images-idx3-ubyte.gz: is missing" in refused("fashion-mnist", root=tmp_path).message


def test_tiles_of_the_map_keep_to_their_sectors():
    """Each sector has a grey of its own, so a tile with two greys would lie in two sectors."""
    sector = 100
    grey = torch.arange(24).repeat_interleave(sector).to(torch.uint8).expand(500, -1)
    land = (torch.arange(500) % 2).to(torch.uint8)[:, None].expand(-1, 24 * sector)

    train, test = blue_marble.marble_tiles(grey, land)

    for split, sectors in ((train, {n for n in range(24) if n % 4 != 3}), (test, {3, 7, 11, 15, 19, 23})):
        greys = split.images.flatten(1).long()
        assert (greys.min(1).values == greys.max(1).values).all()
        assert set(greys[:, 0].tolist()) == sectors
        # From 72 degrees south to 72 north there are 400 of the 500 rows, and four tiles of 96.
        assert len(split) == 4 * len(sectors)


def test_only_tiles_with_land_and_water_are_kept():
    """Each sector has a share of land of its own, in its columns; a tile needs 2 % of land and of water."""
    shares = [0.0, 0.01, 0.03, 0.5, 0.97, 0.99, 1.0, 0.2] * 3
    land = torch.cat([(torch.arange(96) < round(96 * share)) for share in shares]).to(torch.uint8).expand(130, -1)
    grey = torch.arange(24).repeat_interleave(96).to(torch.uint8).expand(130, -1)

    train, test = blue_marble.marble_tiles(grey, land)

    kept = sorted(torch.cat((train.images, test.images))[:, 0, 0, 0].tolist())
    assert kept == [2, 3, 4, 7, 10, 11, 12, 15, 18, 19, 20, 23]


def test_the_mask_of_the_map_is_turned_north_up(tmp_path):
    height, width = 4320, 8640
    mask = np.zeros((height, width), np.uint8)
    mask[:2] = 1  # the south pole is land
    mask[-400:] = 2  # and here are lakes
    (tmp_path / "mask").write_bytes(gzip.compress(mask.tobytes(), 1))

    land = blue_marble.marble_land(tmp_path / "mask")

    assert land.shape == (2700, 5400)
    # Row 2699 is nearest to (2699.5 × 1.6) of the mask, 4319.2, which is its second row from the south.
    assert (land[-1] == 1).all()
    assert int(land[:-1].sum()) == 0


def test_a_map_of_another_size_is_refused(tmp_path):
    (tmp_path / "mask").write_bytes(gzip.compress(bytes(1000)))
    with pytest.raises(DataError, match="mask: 1,000 bytes when unpacked; expected 4,320×8,640 = 37,324,800"):
        blue_marble.marble_land(tmp_path / "mask")

    save(tmp_path / "map.png", pixels(20, 40))
    with pytest.raises(DataError, match="20×40 pixels; expected 2,700×5,400"):
        blue_marble.marble_picture(tmp_path / "map.png")


def reached(part: str) -> set[Path]:
    """Return the files that a part imports, and those that they import."""
    found, open_ = set(), {PARTS / f"{part}.py"}
    while open_:
        path = open_.pop()
        found.add(path)
        tree = ast.parse(path.read_text(encoding="utf-8"))
        modules = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        names = {module.rpartition(".")[2] for module in modules if module.startswith("archdsl.train.parts.")}
        open_ |= {PARTS / f"{name}.py" for name in names} - found
    return found


def test_nothing_that_reads_data_can_unpickle():
    """What unpickles is neither imported nor called: `pickle` and its kin, NumPy, and `torch.load`."""
    files = reached("datasets")

    assert {"datasets.py", "npz.py", "cifar.py", "files.py"} <= {path.name for path in files}
    for path in files:
        nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
        names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
        names |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
        calls = {ast.unparse(node.func) for node in nodes if isinstance(node, ast.Call)}
        assert not {name.partition(".")[0] for name in names} & {"pickle", "shelve", "marshal", "joblib", "numpy"}
        assert not calls & {"torch.load", "eval", "exec"}


@needs("fashion-mnist")
def test_fashion_mnist_has_its_published_numbers():
    data = load("fashion-mnist")

    assert data.train.images.shape == (60_000, 1, 28, 28)
    assert data.test.images.shape == (10_000, 1, 28, 28)
    assert np.bincount(data.train.targets).tolist() == [6000] * 10
    assert np.bincount(data.test.targets).tolist() == [1000] * 10
    assert data.mean == pytest.approx([0.28604], abs=5e-6)
    assert data.std == pytest.approx([0.35302], abs=5e-6)


@needs("fashion-mnist")
def test_fashion_scenes_are_hard_for_one_pixel():
    data = load("fashion-scenes")
    majority, accuracy, iou = majority_and_table(data)

    assert data.labels[:2] == ("background", "T-shirt/top")
    assert (len(data.train), len(data.test), data.classes) == (6000, 1000, 11)
    assert data.train.images.shape[1:] == (1, 64, 64)
    # The pilot's scenes: 78.4 %, 80.3 % and 0.106.
    assert majority == pytest.approx(0.784, abs=0.01)
    assert accuracy == pytest.approx(0.803, abs=0.01)
    assert iou == pytest.approx(0.106, abs=0.01)


@needs("blue-marble")
def test_blue_marble_is_hard_for_one_pixel():
    data = load("blue-marble")
    majority, accuracy, iou = majority_and_table(data)

    assert (len(data.train), len(data.test), data.labels) == (222, 91, ("water", "land"))
    assert 0.45 < majority < 0.55
    # The pilot's tiles: 77.9 % and 0.632.
    assert accuracy == pytest.approx(0.779, abs=0.01)
    assert iou == pytest.approx(0.632, abs=0.01)


@needs("blue-marble")
def test_the_mask_of_the_map_lies_on_its_picture():
    """Moved by a pixel in any direction, it fits less well."""
    folder = blue_marble.marble_folder(OWN)
    grey = blue_marble.marble_picture(folder / blue_marble.MARBLE_PICTURE).float()
    land = blue_marble.marble_land(folder / blue_marble.MARBLE_MASK).float()

    def fit(down: int, right: int) -> float:
        return float((land.roll((down, right), (0, 1)) * grey).mean())

    assert all(fit(0, 0) > fit(*moved) for moved in ((0, 1), (0, -1), (1, 0), (-1, 0)))
    assert float(land.mean()) == pytest.approx(0.338, abs=0.001)


def test_missing_digits_say_how_they_are_installed(monkeypatch):
    monkeypatch.setattr(digits, "find_spec", lambda name: None)

    error = refused("digits")

    assert error.missing
    assert error.message.endswith("help: pip install scikit-learn")


@needs("digits")
def test_digits_are_those_of_scikit_learn():
    data = load("digits")

    assert data.train.images.shape[1:] == (1, 8, 8)
    counts = np.bincount(data.train.targets) + np.bincount(data.test.targets)
    # A fifth of each class, counted by hand from the line below: 36 + 36 + 35 + 37 + 36 + 36 + 36 + 36 + 35 + 36.
    assert (len(data.train), len(data.test)) == (1438, 359)
    # From the description that scikit-learn ships with them.
    assert counts.tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert int(data.train.images.max()) == 255
    assert set(torch.unique(data.train.images).tolist()) <= {(value * 255 + 8) // 16 for value in range(17)}


def test_synthetic_images_never_wrap_around():
    """Grey stays within a byte: the brightest mean and the most noise make 240, the darkest 16."""
    reach = synthetic.SYNTHETIC_CONTRAST + synthetic.SYNTHETIC_NOISE

    assert 128 - reach >= 0
    assert 128 + reach <= 255
