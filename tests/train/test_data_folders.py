"""Folders of image files, by class or beside masks: what is read, what is converted and noted, what is refused."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("PIL")

import torch
from PIL import Image

from archdsl.train.parts.data import IGNORED, DataError
from archdsl.train.parts.datasets import load
from oracles.data_files import pixels, save

torch.set_num_threads(1)


def refused(path: Path, **options: object) -> str:
    with pytest.raises(DataError) as caught:
        load(str(path), **options)
    assert not caught.value.missing
    return caught.value.message


def grown(folder: Path, names: dict[str, int], shape: tuple[int, ...] = (6, 8, 3)) -> dict[str, np.ndarray]:
    """Write so many images for each class; return them by path."""
    written = {}
    for seed, (name, count) in enumerate(names.items()):
        for number in range(count):
            array = pixels(*shape, seed=100 * seed + number)
            save(folder / name / f"{number}.png", array)
            written[f"{name}/{number}.png"] = array
    return written


def test_class_folders_are_read_in_sorted_order(tmp_path):
    written = grown(tmp_path / "train", {"dog": 3, "cat": 2})
    grown(tmp_path / "test", {"cat": 1, "dog": 1})
    (tmp_path / "train" / ".DS_Store").touch()
    (tmp_path / "train" / "cat" / "notes.txt").touch()

    data = load(str(tmp_path))

    assert (data.kind, data.labels, data.notes) == ("classes", ("cat", "dog"), ())
    assert data.train.targets.tolist() == [0, 0, 1, 1, 1]
    assert data.test.targets.tolist() == [0, 1]
    names = ["cat/0.png", "cat/1.png", "dog/0.png", "dog/1.png", "dog/2.png"]
    expected = np.stack([written[name].transpose(2, 0, 1) for name in names])
    assert (data.train.images.numpy() == expected).all()


def test_folders_without_parts_hold_back_a_fifth_of_each_class(tmp_path):
    grown(tmp_path, {"a": 10, "b": 5, "c": 1})

    data = load(str(tmp_path), seed=4)

    assert np.bincount(data.train.targets).tolist() == [8, 4, 1]
    assert np.bincount(data.test.targets).tolist() == [2, 1]
    assert data.notes == ("there is no test part: one image in 5 is held back, drawn with seed 4",)
    assert torch.equal(load(str(tmp_path), seed=4).test.images, data.test.images)
    assert not torch.equal(load(str(tmp_path), seed=5).test.images, data.test.images)


def test_a_class_may_be_called_train(tmp_path):
    grown(tmp_path, {"bus": 4, "train": 4})

    assert load(str(tmp_path)).labels == ("bus", "train")


@pytest.mark.parametrize(
    ("modes", "channels", "note"),
    [
        (["L", "L"], 1, ()),
        (["RGB", "RGB"], 3, ()),
        (["L", "1"], 1, ("images converted to L: 2 of mode 1",)),
        (["L", "RGB"], 3, ("images converted to RGB: 2 of mode L",)),
        (["P", "RGBA"], 3, ("images converted to RGB: 2 of mode P, 2 of mode RGBA",)),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, list) else None,
)
def test_modes_are_converted_and_noted(tmp_path, modes, channels, note):
    for part in ("train", "test"):
        for number, mode in enumerate(modes):
            save(tmp_path / part / "a" / f"{number}.png", pixels(6, 8, 3), mode)

    data = load(str(tmp_path))

    assert (data.channels, data.notes) == (channels, note)


def test_a_grey_image_repeats_its_values_among_coloured_ones(tmp_path):
    grey = pixels(6, 8)
    for part in ("train", "test"):
        save(tmp_path / part / "a" / "0.png", grey)
        save(tmp_path / part / "a" / "1.png", pixels(6, 8, 3))

    assert (load(str(tmp_path)).train.images[0].numpy() == grey).all()


def test_images_of_other_sizes_are_refused_or_resized_and_noted(tmp_path):
    grown(tmp_path / "train", {"a": 2})
    grown(tmp_path / "test", {"a": 1}, shape=(12, 16, 3))

    message = refused(tmp_path)
    data = load(str(tmp_path), size=(12, 16))

    assert f"{tmp_path}/test/a/0.png: 12×16 pixels (height × width)" in message
    assert f"{tmp_path}/train/a/0.png has 6×8" in message
    assert data.train.images.shape == (2, 3, 12, 16)
    assert (data.test.images[0].numpy() == pixels(12, 16, 3).transpose(2, 0, 1)).all()
    assert data.notes == ("2 of 3 images are resized to 12×16 pixels, whatever their proportions",)


def test_a_limit_reads_no_more_files_than_it_keeps(tmp_path):
    grown(tmp_path / "train", {"a": 4, "b": 4})
    grown(tmp_path / "test", {"a": 1, "b": 1})

    data = load(str(tmp_path), limit=5)

    assert (len(data.train), len(data.test)) == (5, 2)


def test_a_class_folder_without_images_is_named(tmp_path):
    grown(tmp_path, {"a": 2})
    (tmp_path / "empty").mkdir()
    assert f"{tmp_path}/empty: the folder of class `empty` is empty" in refused(tmp_path)

    (tmp_path / "empty" / "list.csv").touch()
    assert "the folder of class `empty` holds no image (1 other files)" in refused(tmp_path)


def test_a_test_class_that_training_lacks_is_named_and_the_other_way_round(tmp_path):
    grown(tmp_path / "train", {"a": 2, "b": 1})
    grown(tmp_path / "test", {"a": 2, "c": 1})
    assert f"{tmp_path}/test/c: a class that {tmp_path}/train does not have; it has a, b" in refused(tmp_path)

    (tmp_path / "test" / "c").rename(tmp_path / "gone")
    assert f"{tmp_path}/test/b: the folder of class `b` is missing" in refused(tmp_path)


@pytest.mark.parametrize(
    ("held", "said"),
    [(b"", "is empty"), (b"no image at all", "is no image or a broken one"), (60, "is no image or a broken one")],
    ids=["empty", "text", "cut"],
)
def test_a_broken_image_is_named(tmp_path, held, said):
    grown(tmp_path, {"a": 5}, shape=(64, 64))
    path = tmp_path / "a" / "3.png"
    path.write_bytes(path.read_bytes()[:held] if isinstance(held, int) else held)

    message = refused(tmp_path)

    assert f"{path}: {said}" in message


@pytest.mark.parametrize("cut", [8, 20, 33, 45, 200, 2000, -200])
def test_no_cut_image_is_read_in_part(tmp_path, cut):
    grown(tmp_path, {"a": 5}, shape=(64, 64))
    path = tmp_path / "a" / "4.png"
    path.write_bytes(path.read_bytes()[:cut])

    assert f"{path}: is no image or a broken one" in refused(tmp_path)


def test_images_of_sixteen_bits_are_refused(tmp_path):
    grown(tmp_path, {"a": 5}, shape=(6, 8))
    Image.fromarray(pixels(6, 8).astype(np.uint16)).save(tmp_path / "a" / "2.png")

    assert f"{tmp_path}/a/2.png: its mode is I;16; expected 8 bits a channel" in refused(tmp_path)


def paired(folder: Path, count: int, mask: np.ndarray | None = None, suffix: str = "", mode: str | None = None) -> None:
    for number in range(count):
        save(folder / "images" / f"{number}.png", pixels(6, 8, seed=number))
        array = pixels(6, 8, seed=50 + number) % 3 if mask is None else mask
        save(folder / "masks" / f"{number}{suffix}.png", array, mode)


@pytest.mark.parametrize("suffix", ["", "_mask"])
def test_masks_are_read_beside_their_images(tmp_path, suffix):
    paired(tmp_path / "train", 3, suffix=suffix)
    paired(tmp_path / "val", 2, suffix=suffix)

    data = load(str(tmp_path))

    assert (data.kind, data.classes, data.labels, data.notes) == ("mask", 3, ("0", "1", "2"), ())
    assert data.train.targets.dtype == torch.uint8
    for number in range(3):
        assert (data.train.images[number, 0].numpy() == pixels(6, 8, seed=number)).all()
        assert (data.train.targets[number].numpy() == pixels(6, 8, seed=50 + number) % 3).all()


def test_pairs_without_parts_hold_back_a_fifth(tmp_path):
    paired(tmp_path, 10)

    data = load(str(tmp_path))

    assert (len(data.train), len(data.test)) == (8, 2)


def test_masks_of_black_and_white_have_two_classes(tmp_path):
    mask = np.where(pixels(6, 8) > 128, 255, 0).astype(np.uint8)
    paired(tmp_path / "grey", 5, mask)
    paired(tmp_path / "bits", 5, mask, mode="1")

    for folder in ("grey", "bits"):
        data = load(str(tmp_path / folder))
        assert data.classes == 2
        assert (data.train.targets[0].numpy() == mask // 255).all()
        assert "the masks hold 0 and 255 only: 255 is read as class 1" in data.notes


def test_a_palette_mask_gives_its_numbers_and_not_its_colours(tmp_path):
    paired(tmp_path, 5)
    mask = pixels(6, 8) % 3
    image = Image.new("P", (8, 6))
    image.putdata(mask.flatten().tolist())
    image.putpalette([0, 0, 0, 255, 0, 0, 200, 200, 0])
    for number in range(5):
        image.save(tmp_path / "masks" / f"{number}.png")

    assert (load(str(tmp_path)).train.targets[0].numpy() == mask).all()


def test_255_beside_other_classes_is_ignored(tmp_path):
    mask = pixels(6, 8) % 3
    mask[0] = IGNORED
    paired(tmp_path, 5, mask)

    data = load(str(tmp_path))

    assert data.classes == 3
    assert (data.train.targets[0].numpy() == mask).all()


def test_classes_txt_names_the_classes_and_bounds_them(tmp_path):
    paired(tmp_path, 5)
    (tmp_path / "classes.txt").write_text("sky\nsea\nsand\nsun\n")
    assert load(str(tmp_path)).labels == ("sky", "sea", "sand", "sun")

    (tmp_path / "classes.txt").write_text("sky\nsea\n")
    message = refused(tmp_path)
    assert "masks/" in message
    assert "has class 2, which is out of range (so do 3 more): the classes are 0 to 1" in message


def test_a_masks_size_follows_its_image(tmp_path):
    classes = pixels(3, 4) % 3 * 100  # far apart, so that a mean of two of them is none of them
    mask = np.kron(classes, np.ones((2, 2), np.uint8))
    paired(tmp_path, 5, mask)

    data = load(str(tmp_path), size=(3, 4))

    assert data.train.images.shape[1:] == (1, 3, 4)
    assert (data.train.targets[0].numpy() == classes).all()


def drop(path: Path) -> None:
    path.unlink()


# fmt: off
BROKEN_PAIRS = [
    # name                   what is done to it                                                  what the message says
    ("no mask",              lambda f: drop(f / "masks" / "2.png"),                              "images/2.png: has no mask called `2`"),
    ("no image",             lambda f: drop(f / "images" / "2.png"),                             "masks/2.png: has no image called `2`"),
    ("masks of no image",    lambda f: [drop(f / "images" / f"{n}.png") for n in (1, 2, 3)],     "masks/1.png: has no image called `1`, nor have 2 others"),
    ("another size",         lambda f: save(f / "masks" / "2.png", pixels(6, 9)),                "masks/2.png: mask and image differ in size: 6×9 and 6×8"),
    ("coloured mask",        lambda f: save(f / "masks" / "2.png", pixels(6, 8, 3)),             "masks/2.png: its mode is RGB; expected one of 1, L, P"),
    ("broken mask",          lambda f: (f / "masks" / "2.png").write_bytes(b"x"),                "masks/2.png: is no image or a broken one"),
    ("one pair",             lambda f: [drop(f / d / f"{n}.png") for n in range(1, 5) for d in ("images", "masks")],  "1 images make no training and test part"),
]
# fmt: on


@pytest.mark.parametrize(("broken", "said"), [row[1:] for row in BROKEN_PAIRS], ids=[row[0] for row in BROKEN_PAIRS])
def test_a_broken_pair_is_named(tmp_path, broken, said):
    paired(tmp_path, 5)
    broken(tmp_path)

    assert said in refused(tmp_path)


def test_a_test_part_without_masks_is_named(tmp_path):
    paired(tmp_path / "train", 2)
    paired(tmp_path / "test", 1)
    (tmp_path / "test" / "masks").rename(tmp_path / "elsewhere")

    assert f"{tmp_path}/test/masks: is missing" in refused(tmp_path)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: None, "no such file or folder"),
        (lambda path: path.mkdir(), "holds no data set that is known; found nothing"),
        (lambda path: (path.mkdir(), (path / "a.csv").touch()), "holds no data set that is known; found a.csv"),
        (lambda path: path.write_bytes(b""), "a file of an unknown kind"),
    ],
    ids=["nothing", "an empty folder", "a table", "a file"],
)
def test_a_path_with_nothing_known_says_what_is(tmp_path, make, said):
    make(tmp_path / "here")

    message = refused(tmp_path / "here")

    assert said in message
    assert "help: expected a folder with IDX files, with CIFAR-10's binary batches, with `class/image.png`" in message


def test_without_pillow_the_message_installs_it(tmp_path, monkeypatch):
    grown(tmp_path, {"a": 2})
    monkeypatch.setitem(sys.modules, "PIL.Image", None)

    with pytest.raises(DataError, match="pip install pillow") as caught:
        load(str(tmp_path))
    assert caught.value.missing
