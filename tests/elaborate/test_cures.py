"""What a help says to write: the line that was typed, and the one that follows the help, which passes."""

from __future__ import annotations

import re

import pytest

from archdsl.diagnostics import Diagnostic
from archdsl.elaborate import Library
from archdsl.pipeline import check
from archdsl.source import Source


def found(body: str, size: str) -> tuple[Diagnostic, ...]:
    text = f"model M {{\n  input x: {size}\n  {body}\n}}\n"
    return check(Library().add(Source("m.arch", text))).diagnostics


Y = "y = x -> Sigmoid  "

# fmt: off
CURES = [
    # size, what was typed, what the help says to write, the line with it
    ("[3, 8, 8]",  "output x -> crop(left=1)",                     "crop(x, left=1)",       "output crop(x, left=1)"),
    ("[3, 8, 8]",  "output x -> ReLU -> crop(left=1)",             "crop(y, left=1)",       "y = x -> ReLU  output crop(y, left=1)"),
    ("[3, 8, 8]",  "output x -> ReLU -> short: crop(left=1)",      "crop(y, left=1)",       "y = x -> ReLU  output crop(y, left=1)"),
    ("[3, 8, 8]",  Y + "output x -> Tanh -> concat(y)",            "concat(z, y)",          Y + "z = x -> Tanh  output concat(z, y)"),
    ("[4, 8, 8]",  "a, b = x -> split(2)  output a + b",           "split(x, 2)",           "a, b = split(x, 2)  output a + b"),
    ("[16, 8, 8]", "a, b = split(x, 8)  output a + b",             "split(x, 2)",           "a, b = split(x, 2)  output a + b"),
    ("[3, 8, 8]",  Y + "output x -> add(y)",                       "x + y",                 Y + "output x + y"),
    ("[3, 8, 8]",  Y + "output x -> sum: add(y)",                  "x + y",                 Y + "output x + y"),
    ("[3, 8, 8]",  Y + "output add(x, y)",                         "x + y",                 Y + "output x + y"),
    ("[3, 8, 8]",  Y + "output add(x -> ReLU, y)",                 "(x -> ReLU) + y",       Y + "output (x -> ReLU) + y"),
    ("[3, 8, 8]",  Y + "output multiply(x, y)",                    "x * y",                 Y + "output x * y"),
    ("[3, 8, 8]",  Y + "output sum([x, y])",                       "x + y",                 Y + "output x + y"),
    ("[3, 8, 8]",  "output scale(x, 0.5)",                         "0.5 * x",               "output 0.5 * x"),
    ("[3, 8, 8]",  Y + "output x * (1 + y)",                       "a + a * y",             Y + "output x + x * y"),
    ("[3, 8, 8]",  Y + "output x * (1 - y)",                       "a + -1 * a * y",        Y + "output x + -1 * x * y"),
    ("[3, 8, 8]",  "output x / 255",                               "1 / 255 * x",           "output 1 / 255 * x"),
    ("[3, 8, 8]",  Y + "output (x + y) / 2",                       "0.5 * (x + y)",         Y + "output 0.5 * (x + y)"),
    ("[3, 8, 8]",  Y + "output x - y",                             "x + -1 * y",            Y + "output x + -1 * y"),
    ("[3, 8, 8]",  "output -x",                                    "-1 * x",                "output -1 * x"),
    ("[3, 8, 8]",  "output crop(x, 2)",                            "crop(x, left=2, right=2, top=2, bottom=2)", "output crop(x, left=2, right=2, top=2, bottom=2)"),
    ("[400]",      "output x -> Reshape((16, 5, 5))",              "Unflatten(1, (16, 5, 5))", "output x -> Unflatten(1, (16, 5, 5))"),
    ("[3, 8, 8]",  "output x -> View(-1, 192)",                    "Flatten",               "output x -> Flatten"),
    ("[32, 8, 8]", "output x -> d: SeparableConv2D(64, 3)",        "Conv2d(32, 3, padding=1, groups=32) -> Conv2d(64, 1)", "output x -> d: (Conv2d(32, 3, padding=1, groups=32) -> Conv2d(64, 1))"),
    ("[3, 8, 8]",  "output x -> MaxUnpool2d(2)",                   "Upsample(scale_factor=2)", "output x -> Upsample(scale_factor=2)"),
    ("[3, 8, 8]",  "output x -> Upsample(2)",                      "Upsample(scale_factor=2)", "output x -> Upsample(scale_factor=2)"),
    ("[4, 8, 8]",  "output x -> d: Conv2d(4, 3, groups=in_channels)", "y: [c, h, w] = x",   "y: [c, h, w] = x  output y -> d: Conv2d(4, 3, groups=c)"),
    ("[3, 8, 8]",  'output x -> MaxPool2d(2, padding="same")',     "ceil_mode=true",        "output x -> MaxPool2d(2, ceil_mode=true)"),
    ("[3, 8, 8]",  'output x -> MaxPool2d(3, stride=2, padding="same")', "padding=1",       "output x -> MaxPool2d(3, stride=2, padding=1, ceil_mode=true)"),
    ("[3, 8, 8]",  'output x -> u: ConvTranspose2d(8, 3, stride=2, padding="same")', "padding=1, output_padding=1", "output x -> u: ConvTranspose2d(8, 3, stride=2, padding=1, output_padding=1)"),
    ("[3, 8, 8]",  "output x -> Upsample(scale_factor=2, align_corners=true)", 'Upsample(scale_factor=2, align_corners=true, mode="bilinear")', 'output x -> Upsample(scale_factor=2, align_corners=true, mode="bilinear")'),
    ("[3, H, W]",  "output x -> norm: LayerNorm",                  "LayerNorm2d",           "output x -> norm: LayerNorm2d"),
    ("[3, H, W]",  "output x -> norm: LayerNorm([3, 8, 8])",       "GroupNorm(1)",          "output x -> norm: GroupNorm(1)"),
    ("[3, 8, 8]",  'output x -> "tête": Conv2d(8, 3)',             "tete",                  "output x -> tete: Conv2d(8, 3)"),
    ("[3, 8, 8]",  'output x -> "1x1": Conv2d(8, 3)',              "_1x1",                  "output x -> _1x1: Conv2d(8, 3)"),
    ("[3, 8, 8]",  "output x -> c1: Conv2d(8, 1) -> c1: Conv2d(8, 1) -> c2: Conv2d(8, 1)", "c3", "output x -> c1: Conv2d(8, 1) -> c3: Conv2d(8, 1) -> c2: Conv2d(8, 1)"),
    ("[3, 8, 8]",  "output x -> Conv2d(8, 3)",                     "conv2d: Conv2d",        "output x -> conv2d: Conv2d(8, 3)"),
    ("[3, 8, 8]",  "for i in range(2) { x = x -> Conv2d(3, 3) }  output x", "conv2d[i]: Conv2d", "for i in range(2) { x = x -> conv2d[i]: Conv2d(3, 3) }  output x"),
    ("[5, 8, 8]",  "output x -> f: Linear(5, 10)",                 "AdaptiveAvgPool2d(1) -> Flatten", "output x -> AdaptiveAvgPool2d(1) -> Flatten -> f: Linear(10)"),
    ("[5, 8, 8]",  "output x -> f: Linear(320, 10)",               "Linear(10)",            "output x -> Flatten -> f: Linear(10)"),
]
# fmt: on


@pytest.mark.parametrize(("size", "typed", "cure", "cured"), CURES, ids=[c[1] for c in CURES])
def test_what_the_help_says_to_write_passes(size, typed, cure, cured):
    (problem,) = found(typed, size)

    assert cure in "\n".join(re.findall(r"`([^`]*)`", problem.help or ""))
    assert {one.code for one in found(cured, size)} <= {"W0418"}  # a checkerboard is another matter


BATCHES = [("[N, 3, 8, 8]", "[3, 8, 8]"), ("[None, 3, 8, 8]", "[3, 8, 8]"), ("[batch, 7, L]", "[7, L]")]


@pytest.mark.parametrize(("size", "without"), BATCHES)
def test_a_batch_is_no_part_of_an_input(size, without):
    (problem,) = found("output x -> ReLU", size)

    assert problem.help == f"the batch is no part of a shape: write `input x: {without}`"
    assert found("output x -> ReLU", without) == ()


def test_open_channels_are_no_batch():
    (problem,) = found("output x -> ReLU", "[C, H, W]")

    assert problem.help == "give a number or a parameter"


ONES = [
    "output x -> c: Conv1d(16, kernel_size=(3,), padding=(1,))",
    "output x -> AdaptiveAvgPool1d((5,))",
    "output x -> AdaptiveAvgPool1d(4) -> Unflatten(1, (3,))",
    "output (x,) -> c: Conv1d(16, 3)",
    "y = (x,)  output y -> c: Conv1d(16, 3)",
    "output concat((x,), x)",
]


@pytest.mark.parametrize("body", ONES)
def test_a_tuple_may_hold_one(body):
    assert found(body, "[3, 8]") == ()


@pytest.mark.parametrize(
    ("body", "marked"),
    [
        ("y = x -> ReLU  output (x + y) / 2", "(x + y) / 2"),
        ("output ((x -> ReLU)) + 1", "((x -> ReLU)) + 1"),
        ("output x * (1 + x)", "1 + x"),
        ("output -(x + x)", "-(x + x)"),
    ],
)
def test_a_mark_holds_both_parentheses_of_a_pair(body, marked):
    (problem,) = found(body, "[3, 8, 8]")

    assert problem.span.text == marked
