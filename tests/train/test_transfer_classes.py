"""Some classes of a data set: which images are kept, and what they are called."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from archdsl.train.parts.data import DataError, of_classes, read_classes  # noqa: E402
from archdsl.train.parts.datasets import load  # noqa: E402
from oracles.training import bright_spots, quadrants  # noqa: E402

# fmt: off
LISTS = [
    ("0-4",           [0, 1, 2, 3, 4]),
    ("1,3,7-9",       [1, 3, 7, 8, 9]),
    (" 5 - 6 , 2 ",   [2, 5, 6]),
    ("3,1,1-3",       [1, 2, 3]),
]
WRONG_LISTS = ["", "a", "1,,2", "4-1", "-1,2", "1-2-3", "1;2", "0x1,2", "1.5,2", "٣,4", "3", "2-2", "9999999,1"]
# fmt: on


@pytest.mark.parametrize(("text", "labels"), LISTS)
def test_a_list_of_labels_is_numbers_and_ranges(text, labels):
    assert read_classes(text) == labels


@pytest.mark.parametrize("text", WRONG_LISTS)
def test_what_is_no_list_of_two_labels_is_refused(text):
    with pytest.raises(DataError):
        read_classes(text)


def test_the_images_of_the_classes_are_kept_and_numbered_anew():
    data = quadrants()
    data.labels = ("top left", "top right", "bottom left", "bottom right")
    some = of_classes(data, [1, 3], None, 0)

    assert (some.classes, some.labels, some.name) == (2, ("top right", "bottom right"), "quadrants")
    for part, whole in ((some.train, data.train), (some.test, data.test)):
        expected = [(image, {1: 0, 3: 1}[label]) for image, label in zip(whole.images, whole.targets.tolist(), strict=True) if label in (1, 3)]  # fmt: skip
        assert part.targets.tolist() == [label for _, label in expected]
        assert torch.equal(part.images, torch.stack([image for image, _ in expected]))
    pixels = some.train.images.double() / 255
    assert some.mean == pytest.approx((float(pixels.mean()),))
    assert some.std == pytest.approx((float(pixels.std(correction=0)),))
    assert some.notes == ("2 of 4 classes are kept: 1, 3",)


def test_both_halves_are_all_images():
    data = quadrants()
    halves = [of_classes(data, labels, None, 0) for labels in ([0, 1], [2, 3])]

    assert sum(len(half.train) for half in halves) == len(data.train) == 128
    assert sum(len(half.test) for half in halves) == len(data.test) == 40


def test_a_limit_is_of_the_images_that_are_kept():
    whole = load("synthetic:1x4x4:6", seed=2, classes="2-3")
    some = load("synthetic:1x4x4:6", seed=2, classes="2-3", limit=9)

    assert (len(some.train), len(some.test)) == (9, 9)
    assert len(whole.train) > 9
    kept = {image.numpy().tobytes() for image in whole.train.images}
    assert all(image.numpy().tobytes() in kept for image in some.train.images)
    assert some.classes == 2


def test_a_label_that_is_not_there_is_named():
    with pytest.raises(DataError, match="quadrants has no label 4: its labels are 0 to 3") as caught:
        of_classes(quadrants(), [2, 4, 9], None, 0)
    assert not caught.value.missing


def test_masks_and_several_labels_are_refused():
    with pytest.raises(DataError, match="spots has masks"):
        of_classes(bright_spots(), [0, 1], None, 0)
    data = quadrants()
    for split in (data.train, data.test):
        split.targets = torch.nn.functional.one_hot(split.targets).float()
    with pytest.raises(DataError, match="several labels an image"):
        of_classes(data, [0, 1], None, 0)


def test_classes_without_an_image_are_told():
    data = quadrants()
    places = (data.train.targets != 3).nonzero().flatten()
    data.train = data.train.at(places)
    data.notes = ("1 of 4 classes have no training image, `3` first",)

    assert of_classes(data, [0, 1], None, 0).notes == ("2 of 4 classes are kept: 0, 1",)
    assert of_classes(data, [0, 3], None, 0).notes[-1] == "1 of 2 classes have no training image, `3` first"
    data.test = data.test.at((data.test.targets < 2).nonzero().flatten())
    with pytest.raises(DataError, match="no images"):
        of_classes(data, [2, 3], None, 0)
