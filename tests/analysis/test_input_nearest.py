"""What is said of input sizes that do not work, and of models that need numbers."""

from __future__ import annotations

import pytest

from archdsl.analysis.input_nearest import nearest_valid, numbers_that_work
from archdsl.elaborate import Request, elaborate
from archdsl.pipeline import read
from oracles.plain_sizes import module

# Multiples of 16; a LeNet halves 16 - 4 twice, with 4 rows cut off between, and its last kernel takes 5.
# fmt: off
NEAREST = [
    ("unet",    "UNet",    {"": (1, 684, 684)},  "the nearest sizes that work are H = 672 or 688 and W = 672 or 688"),
    ("unet",    "UNet",    {"": (1, 672, 5)},    "the nearest size that works is W = 16"),
    ("unet",    "UNet",    {"": (1, 672, 684)},  "the nearest sizes that work are W = 672 or 688"),
    ("unet",    "UNet",    {"": (1, 672, 672)},  None),
    ("lenet",   "LeNet5",  {"": (1, 9, 32)},     "the nearest size that works is H = 16"),
    ("lenet",   "LeNet5",  {"": (1, 9, 9)},      "the nearest sizes that work are H = 16 and W = 16"),
    ("vgg",     "VGG16",   {},                   None),
]
# fmt: on


@pytest.mark.parametrize(("file", "model", "shapes", "said"), NEAREST)
def test_the_nearest_sizes_are_named(file, model, shapes, said):
    assert nearest_valid(read(f"{file}.arch"), Request(model, shapes=shapes)) == said


def test_sizes_by_name_have_neighbours_too():
    assert nearest_valid(read("unet.arch"), Request("UNet", sizes={"H": 100})) == (
        "the nearest sizes that work are H = 96 or 112"
    )


def test_other_mistakes_have_no_nearest_size():
    wrong = module("model Net {\n input x: [3, H = 8, W = 8]\n output x -> Conv2d(4, 3, groups=2)\n}")

    assert nearest_valid(wrong, Request("Net")) is None
    assert nearest_valid(wrong, Request("Net", sizes={"H": 0})) is None


ONE = "model Net {\n input x: [3, H, W]\n output x -> c: Conv2d(4, (5, 3))\n}"
REQUIRES = "model Net {\n input x: [3, H, W]\n require H >= 30\n require H % 4 == 0\n output x -> c: Conv2d(4, 3)\n}"
WRITTEN = "model Net {\n input x: [3, 0, -2]\n output x -> c: Conv2d(4, 3) -> d: Conv2d(4, 3)\n}"
POINT = "model Net {\n input x: [3, H = 0, W]\n output x -> c: Conv2d(4, 1)\n}"
BOTH = "`c` needs H >= 5 and W >= 3; the nearest sizes that work are"
LAST = "`d` needs H >= 5 and W >= 5; the nearest sizes that work are"
# fmt: off
BELOW_ONE = [
    (ONE,      {"H": 0},          {},                 "`c` needs H >= 5; the nearest size that works is H = 5"),
    (ONE,      {"H": -7, "W": 9}, {},                 "`c` needs H >= 5; the nearest size that works is H = 5"),
    (ONE,      {},                {"": (3, 0, -1)},   BOTH + " H = 5 and W = 3"),
    (ONE,      {},                {"": (3, 0, 2)},    "`c` needs H >= 5; the nearest sizes that work are H = 5 and W = 3"),
    (WRITTEN,  {},                {},                 LAST + " H = 5 and W = 5"),
    (REQUIRES, {"H": 0},          {},                 "the model needs H >= 30; the nearest size that works is H = 32"),
    (POINT,    {},                {},                 "the nearest size that works is H = 1"),
    (ONE,      {},                {"": (0, 9, 9)},    None),
]
# fmt: on


@pytest.mark.parametrize(("text", "sizes", "shapes", "said"), BELOW_ONE)
def test_a_size_below_one_is_told_who_needs_how_much(text, sizes, shapes, said):
    request = Request("Net", sizes=sizes, shapes=shapes)
    made = elaborate(module(text), request)

    assert [d.code for d in made.diagnostics] == ["E0306"]
    assert nearest_valid(module(text), request) == said


FLAT = "model Net {\n input x: [3, H, W]\n output x -> c: Conv2d(4, 3) -> Flatten -> Linear(2)\n}"
TAIL = "model Net {\n input x: [3, H, W]\n output x -> Flatten -> Unflatten(1, (3, 16, -1)) -> c: Conv2d(4, 3)\n}"
CHANNELS = "model Net {\n input x: [C, H, W]\n output x -> c: Conv2d(4, 3)\n}"
GREY = "model Net {\n input x: [C, H, W]\n require C == 1\n output x -> c: Conv2d(4, 3)\n}"
ALL_OPEN = "model Net {\n input x: [C, H, W]\n output x -> c: Conv2d(4, 3) -> Flatten -> Linear(2)\n}"
TWO = (
    "model Net {\n input x: [3, H, W]\n input y: [1, H, W]\n"
    " output concat(x, y) -> c: Conv2d(4, 3) -> Flatten -> Linear(2)\n}"
)
WRONG = "model Net {\n input x: [3, H, W]\n output x -> c: Conv2d(4, 3, groups=2) -> Flatten -> Linear(2)\n}"
# fmt: off
NUMBERS = [
    (FLAT,     {},        "`--input 3x3x3` works and is the smallest that does"),
    (FLAT,     {"H": 64}, "`--input 3x64x3` works"),
    (TAIL,     {},        "`--input 3x224x224` works"),
    (CHANNELS, {},        "`-D C=3` works"),
    (GREY,     {},        "`-D C=1` works"),
    (ALL_OPEN, {},        "`--input 3x3x3` works"),
    (TWO,      {},        "`--input x=3x3x3 --input y=1x3x3` works and is the smallest that does"),
    (WRONG,    {},        None),
]
# fmt: on


@pytest.mark.parametrize(("text", "sizes", "said"), NUMBERS)
def test_a_model_that_needs_numbers_is_told_some_that_work(text, sizes, said):
    assert numbers_that_work(module(text), Request("Net", sizes=sizes)) == said
