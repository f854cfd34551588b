"""Which convolutions are predicted unproductive, against fields worked by hand and the ranges of rfa_toolbox."""

from __future__ import annotations

import pytest

from archdsl.analysis.productive import Prediction, productive
from oracles.networks import bundled, chain, written

# fmt: off
RANGES = [
    # model            least   most   by                                        rfa_toolbox, README and tests; MATHS, "14"
    ("ResNet18",       139,    435,   None),  # 11 by the skips, and (3 - 1)·32 twice in the first block of stage 4
    ("ResNet50",        75,    427,   None),  # 11 by the skips, and (3 - 1)·32 in the last 3x3
    ("ResNet152",       75,   1451,   None),
    ("VGG16",          212,    212,   None),
]
# fmt: on


@pytest.mark.parametrize(("model", "least", "most", "by"), RANGES, ids=[row[0] for row in RANGES])
def test_the_range_of_sizes(model, least, most, by):
    found = productive(bundled(model)).range

    assert (found.least, found.most, found.unlimited) == ((least, least), (most, most), by)


def test_gates_are_left_out_of_the_fields_and_told_of():
    found = productive(bundled("EfficientNetB0"))

    assert found.range.unlimited == "features.1.0.block.1.multiply"
    assert found.range.most == (851, 851)  # without its gates, as Araujo et al. 2019 count


# fmt: off
CASES = [
    # name                 pipeline                                                             height  width  predictions
    ("far from it",        "Conv2d(2, 3, padding=1) * 3",                                       32,     32,    "productive productive productive"),
    ("exactly seen",       "Conv2d(2, 3, padding=1) * 3",                                       7,      7,     "productive productive productive"),
    ("beyond by itself",   "Conv2d(2, 3, padding=1) * 3",                                       6,      6,     "productive productive critical"),
    ("seen before",        "Conv2d(2, 3, padding=1) * 3",                                       5,      5,     "productive productive unproductive"),
    ("along the height",   "Conv2d(2, 3, padding=1) * 3",                                       5,      40,    "productive productive partly"),
    ("a map of its size",  "MaxPool2d(4) -> c: Conv2d(2, 3, padding=1)",                        12,     12,    "unproductive"),
    ("1x1 is not asked",   "Conv2d(2, 9, padding=4) -> Conv2d(2, 1) -> Conv2d(2, 3, padding=1)", 9,     9,     "unproductive unproductive"),
]
# fmt: on


@pytest.mark.parametrize(("text", "height", "width", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_what_is_predicted_of_each_convolution(text, height, width, expected):
    found = productive(chain(text, 2, height, width)).convolutions

    assert " ".join(one.prediction.name.lower() for one in found) == expected


def test_vgg_16_on_images_of_32_pixels_has_seven_convolutions_too_many():
    """Fields are 3 5 | 10 14 | 24 32 40 | 60 ...: the last of stage 3 reads one of 32, and all behind it see more."""
    found = productive(bundled("VGG16_GAP", H=32, W=32)).convolutions

    assert [one.least[0] for one in found] == [3, 5, 10, 14, 24, 32, 40, 60, 76, 92, 132, 164, 196]
    assert [one.prediction is Prediction.UNPRODUCTIVE for one in found] == [False] * 6 + [True] * 7


def test_a_shortcut_keeps_a_layer_productive():
    """The shortest way is that of the skips: 1 + 2 for each convolution on its own."""
    text = "for i in range(9) { x = x + (x -> a[i]: Conv2d(2, 3, padding=1) -> ReLU -> b[i]: Conv2d(2, 3, padding=1)) }"
    found = productive(written(f"model Net {{ input x: [2, 8, 8]  {text}  output x }}"))

    assert {one.prediction for one in found.convolutions} == {Prediction.PRODUCTIVE}
    assert [one.before[0] for one in found.convolutions] == [1, 3] * 9
    assert found.range.least == (5, 5)
    assert found.range.most == (37, 37)


def test_an_image_is_chosen_by_name_and_sizes_are_needed():
    graph = written(
        "model Net { input a: [2, 8, 8]  input b: [2, 4, 4]  output a -> c: Conv2d(2, 3)  output b -> d: Conv2d(2, 3) }"
    )

    assert [one.node.path for one in productive(graph).convolutions] == ["c"]
    assert [one.node.path for one in productive(graph, "b").convolutions] == ["d"]
    with pytest.raises(ValueError, match="no input `e`"):
        productive(graph, "e")
    with pytest.raises(ValueError, match="left open"):
        productive(written("model Net { input x: [2, H, W]  output x -> c: Conv2d(2, 3) }"))
    with pytest.raises(ValueError, match="no input has positions"):
        productive(written("model Net { input x: [2]  output x -> c: Linear(2) }"))
