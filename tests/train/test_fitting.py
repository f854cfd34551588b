"""Data meets model: sizes, channels, classes, and what is said where they differ."""

from __future__ import annotations

import dataclasses

import pytest

torch = pytest.importorskip("torch")

from archdsl.train.parts.data import Split  # noqa: E402
from archdsl.train.parts.fitting import Architecture, carve, check_targets, meet  # noqa: E402
from archdsl.train.parts.problems import RunError  # noqa: E402
from oracles.training import MAPPER, SMALL, Mapper, Small, bright_spots, options, quadrants  # noqa: E402


def colour():
    return Small(4, 3)


def sized(**given):
    return Architecture("Small", Small, (1, *given.pop("size")), **given)


# fmt: off
SIZES = [
    # model's own size  options          size       how
    ((8, 8),            {},              (8, 8),    "none"),
    ((10, 12),          {},              (10, 12),  "pad"),
    ((32, 32),          {},              (32, 32),  "resize"),
    ((6, 6),            {},              (6, 6),    "resize"),
    ((32, 32),          {"fit": "pad"},  (32, 32),  "pad"),
    ((10, 10),          {"fit": "resize"}, (10, 10), "resize"),
    ((32, 32),          {"fit": "none"}, (8, 8),    "none"),
    ((32, 32),          {"size": 9},     (9, 9),    "pad"),
]
# fmt: on


@pytest.mark.parametrize(("size", "given", "found", "how"), SIZES)
def test_images_get_the_size_of_the_model(size, given, found, how):
    _, fit, _ = meet(sized(size=size), quadrants(), options(**given))
    pixels, _ = fit.decode(quadrants().test.images, None)

    assert (fit.size, fit.how) == (found, how)
    assert pixels.shape[2:] == found


def test_padding_keeps_the_pixels_and_puts_black_around():
    _, fit, _ = meet(sized(size=(11, 10)), quadrants(), options())
    images = quadrants().test.images
    masks = torch.ones(len(images), 8, 8, dtype=torch.uint8)
    pixels, padded = fit.decode(images, masks)

    assert torch.equal(pixels[:, :, 1:9, 1:9], images / 255)
    assert float(pixels.sum()) == pytest.approx(float(images.sum()) / 255, rel=1e-5)
    assert int((padded == 255).sum()) == len(images) * (110 - 64)


def test_grey_repeats_where_the_channels_are_fixed():
    model, fit, arguments = meet(Architecture("Colour", colour, (3, 8, 8)), quadrants(), options())
    pixels, _ = fit.decode(quadrants().test.images, None)

    assert (fit.repeats, arguments, len(fit.mean)) == (True, {}, 3)
    assert torch.equal(pixels[:, 0], pixels[:, 2])
    assert fit.normalise(pixels).shape[1] == model.conv.in_channels


def test_normalised_training_images_have_mean_0_and_deviation_1():
    data = quadrants()
    _, fit, _ = meet(SMALL, data, options())
    pixels = fit.normalise(fit.decode(data.train.images, None)[0])

    assert float(pixels.mean()) == pytest.approx(0, abs=1e-4)
    assert float(pixels.std()) == pytest.approx(1, abs=1e-3)


def test_arguments_of_the_model_can_be_given():
    model, _, arguments = meet(SMALL, quadrants(), options(set="norm=false, dropout=0.5"))

    assert arguments == {"classes": 4, "channels": 1, "norm": False, "dropout": 0.5}
    assert model.dropout.p == 0.5


def test_a_model_whose_parameter_is_the_size_is_built_for_it():
    class Rigid(Small):
        def __init__(self, classes: int = 4, size: int = 8) -> None:
            super().__init__(classes)
            self.size = size

    model, fit, arguments = meet(Architecture("Rigid", Rigid, (1, 8, 8)), quadrants(), options(size=12))
    assert (model.size, fit.size, arguments) == (12, (12, 12), {"classes": 4, "size": 12})
    assert "size" not in meet(Architecture("Rigid", Rigid, (1, 8, 8)), quadrants(), options())[2]


def test_a_model_for_masks_keeps_the_size_of_the_images_where_it_can():
    architecture = Architecture("Mapper", Mapper, (1, 64, 64), any_size=True)

    assert meet(architecture, bright_spots(), options())[1].size == (16, 16)
    assert meet(dataclasses.replace(architecture, any_size=False), bright_spots(), options())[1].size == (64, 64)


def test_a_size_that_is_left_open_is_that_of_the_images():
    open_sized = Architecture("Small", Small, (1, 0, 0), any_size=True)

    assert [meet(open_sized, quadrants(), options(**given))[1].size for given in ({}, {"size": 12})] == [
        (8, 8),
        (12, 12),
    ]
    assert meet(dataclasses.replace(open_sized, shape=(1, 8, 0)), quadrants(), options())[1].how == "none"


def alone():
    data = quadrants()
    train, test = (Split(part.images, torch.zeros_like(part.targets)) for part in (data.train, data.test))
    return dataclasses.replace(data, train=train, test=test, classes=1, labels=("a",))


def coloured():
    data = quadrants()
    images = data.train.images.expand(-1, 3, -1, -1)
    return dataclasses.replace(data, train=Split(images, data.train.targets), mean=data.mean * 3, std=data.std * 3)


# fmt: off
WRONG = [
    (lambda: meet(Architecture("Five", lambda: Small(5), (1, 8, 8)), quadrants(), options()), "tells 5 classes apart, and quadrants has 4"),
    (lambda: meet(Architecture("Grey", lambda: Small(4), (1, 8, 8)), coloured(), options()),  "takes 1 channel, and quadrants has 3"),
    (lambda: meet(SMALL, alone(), options()),                                                 "has one class alone"),
    (lambda: meet(MAPPER, quadrants(), options()),                                            "gives a map of answers"),
    (lambda: meet(SMALL, bright_spots(), options()),                                          "quadrants|spots has masks"),
    (lambda: meet(SMALL, quadrants(), options(set="drpout=1")),                               "did you mean dropout?"),
    (lambda: meet(SMALL, quadrants(), options(set="dropout=x")),                              "takes NAME=VALUE"),
    (lambda: meet(sized(size=(4, 4)), quadrants(), options(fit="pad")),                       "are larger than 4×4"),
]
# fmt: on


@pytest.mark.parametrize(("work", "said"), WRONG)
def test_what_differs_is_said(work, said):
    with pytest.raises(RunError) as caught:
        work()
    assert any(part in str(caught.value) for part in said.split("|"))


@pytest.mark.parametrize("split", ["train", "test"])
@pytest.mark.parametrize("label", [-1, 4])
def test_a_label_out_of_range_is_named_with_its_place(split, label):
    data = quadrants()
    getattr(data, split).targets[7] = label

    with pytest.raises(RunError, match=rf"label {label} of (training|test) image 7 is out of range: .* from 0 to 3"):
        check_targets(data)


def test_an_ignored_pixel_is_no_label():
    data = bright_spots()
    data.train.targets[3, 0, 0] = 255
    check_targets(data)
    data.train.targets[3, 0, 0] = 3
    with pytest.raises(RunError, match="label 3 of training image 3"):
        check_targets(data)


def test_validation_is_carved_from_train_without_overlap():
    split = Split(torch.arange(100).view(100, 1, 1, 1).to(torch.uint8), torch.arange(100))
    kept, held = carve(split, 0.2, seed=1)

    assert (len(kept), len(held)) == (80, 20)
    assert sorted([*kept.targets.tolist(), *held.targets.tolist()]) == list(range(100))
    assert torch.equal(held.images.flatten().long(), held.targets)
    assert carve(split, 0.2, seed=2)[1].targets.tolist() != held.targets.tolist()
