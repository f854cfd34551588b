"""Lints on where layers read: what each says, and what it keeps quiet about."""

from __future__ import annotations

import pytest

from archdsl.diagnostics import Diagnostic
from archdsl.elaborate import Library
from archdsl.pipeline import check
from archdsl.source import Source

OURS = ("W0418", "W0419", "W0420", "W0421", "W0429")


def found(body: str, sizes: str = "[8, 32, 32]") -> list[Diagnostic]:
    text = f"model Net {{\n input x: {sizes}\n {body}\n}}"
    return [d for d in check(Library().add(Source("net.arch", text))).diagnostics if d.code in OURS]


# fmt: off
CASES = [
    # name                                  body                                                                              code, layer and numbers
    ("kernel 3, stride 2",                  "output x -> up: ConvTranspose2d(8, 3, stride=2)",                                "W0418 up 2 and 1 taps"),
    ("kernel 5, stride 3",                  "output x -> up: ConvTranspose2d(8, 5, stride=3)",                                "W0418 up 2 and 1 taps"),
    ("kernel 2, stride 3",                  "output x -> up: ConvTranspose2d(8, 2, stride=3)",                                "W0418 up in 1 of every 3 rows"),
    ("kernel 3, stride 2, dilation 2",      "output x -> up: ConvTranspose2d(8, 3, stride=2, dilation=2)",                    "W0418 up in 1 of every 2 rows"),
    ("uneven along one axis",               "output x -> up: ConvTranspose2d(8, (1, 3), stride=(1, 2))",                      "W0418 up along its columns"),
    ("kernel 4, stride 2",                  "output x -> up: ConvTranspose2d(8, 4, stride=2, padding=1)",                     ""),
    ("kernel 3, stride 1",                  "output x -> up: ConvTranspose2d(8, 3)",                                          ""),

    ("2, 2",                                "output x -> a: Conv2d(8, 3, dilation=2) -> ReLU -> b: Conv2d(8, 3, dilation=2)", "W0419 b 5 of the 9 rows"),
    ("2, 4 along the columns",              "output x -> a: Conv2d(8, (1, 3), dilation=2) -> ReLU -> b: Conv2d(8, (1, 3), dilation=4)", "W0419 b 7 of the 13 columns"),
    ("1, 2, 5",                             "output x -> a: Conv2d(8, 3) -> ReLU -> b: Conv2d(8, 3, dilation=2) -> ReLU -> c: Conv2d(8, 3, dilation=5)", ""),
    ("2, 2 and a plain one that fills",     "output x -> a: Conv2d(8, 3, dilation=2) -> ReLU -> b: Conv2d(8, 3, dilation=2) -> ReLU -> c: Conv2d(8, 3)", ""),
    ("one alone",                           "output x -> a: Conv2d(8, 3, dilation=4)",                                        ""),
    ("side by side",                        "output concat(x -> a: Conv2d(8, 3, dilation=4, padding=4), x -> b: Conv2d(8, 3, dilation=8, padding=8))", ""),

    ("1x1 by 2",                            "output x -> a: Conv2d(8, 1, stride=2)",                                          "W0420 a 16 of the 32 rows"),
    ("two of them",                         "output (x -> a: Conv2d(8, 1, stride=2)) + (x -> b: Conv2d(8, 1, stride=2))",     "W0420 a 16 of the 32 rows"),
    ("a pooling of 2 by 4",                 "output x -> MaxPool2d(2, stride=4)",                                             "W0420 maxpool 16 of the 32 rows"),
    ("columns only",                        "output x -> a: Conv2d(8, (3, 1), stride=(1, 2))",                                "W0420 a 16 of the 32 columns"),
    ("the other reads the rest",            "output (x -> a: Conv2d(8, 1, stride=2)) + (x -> b: Conv2d(8, 3, stride=2, padding=1))", ""),
    ("it is a result too",                  "output y = x -> a: Conv2d(8, 3)\n output y -> b: Conv2d(8, 1, stride=2)",        ""),
    ("averaged first",                      "output x -> AvgPool2d(2) -> a: Conv2d(8, 1)",                                    ""),

    ("a lopsided crop",                     "output concat(x -> a: Conv2d(8, 5), crop(x, left=4, top=4))",                    "W0421 concat 2 input pixels apart"),
    ("two even kernels",                    'output x + (x -> a: Conv2d(8, 4, padding="same") -> ReLU -> b: Conv2d(8, 4, padding="same"))', "W0421 add 1 input pixels apart"),
    ("strides that differ",                 "output (x -> MaxPool2d(2)) + (x -> a: Conv2d(8, 17))",                           "W0421 add 2 and 1 input pixels"),
    ("half a pixel",                        'output x + (x -> a: Conv2d(8, 4, padding="same"))',                              ""),
    ("averaged shortcut",                   "output (x -> AvgPool2d(2)) + (x -> a: Conv2d(8, 3, stride=2, padding=1))",       ""),
    ("enlarged by the nearest",             "output x + (x -> a: Conv2d(8, 3, stride=2, padding=1) -> Upsample(scale_factor=2))", ""),

    ("one position",                        "output x -> MaxPool2d(32) -> a: Conv2d(8, 3, padding=1)",                        "W0429 a 8 of the 9 taps"),
    ("two positions, dilated",              "output x -> MaxPool2d(16) -> a: Conv2d(8, 3, padding=2, dilation=2)",            "W0429 a 8 of the 9 taps"),
    ("a row of positions",                  "output x -> MaxPool2d((32, 2)) -> a: Conv2d(8, 3, padding=1)",                   "W0429 a 6 of the 9 taps"),
    ("a dilation as large as the map",      "output x -> MaxPool2d(8) -> a: Conv2d(8, 3, padding=4, dilation=4)",             "W0429 a 8 of the 9 taps"),
    ("a dilation one smaller",              "output x -> MaxPool2d(8) -> a: Conv2d(8, 3, padding=3, dilation=3)",             ""),
    ("a stride that steps over the map",    "output x -> MaxPool2d(16) -> a: Conv2d(8, 3, padding=2, stride=3)",              "W0429 a 5 of the 9 taps"),
    ("two positions",                       "output x -> MaxPool2d(16) -> a: Conv2d(8, 3, padding=1)",                        ""),
    ("mirrored padding",                    'output x -> MaxPool2d(32) -> a: Conv2d(8, 3, padding=1, padding_mode="replicate")', ""),
]
# fmt: on


@pytest.mark.parametrize(("body", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_a_network_is_linted_where_it_should_be(body, expected):
    problems = found(body)

    assert len(problems) == bool(expected)
    for problem in problems:
        code, layer, numbers = expected.split(" ", 2)
        assert (problem.code, problem.layer) == (code, layer)
        assert numbers in problem.message
        assert problem.help


def test_sizes_that_are_left_open_are_no_obstacle():
    body = "y = x -> a: Conv2d(8, 3, dilation=2) -> ReLU -> b: Conv2d(8, 3, dilation=2)\n output y -> up: ConvTranspose2d(8, 3, stride=2)"

    assert {d.code for d in found(body, "[8, H, W]")} == {"W0418", "W0419"}


def test_a_network_with_errors_is_not_judged_by_what_is_missing():
    assert found("y = x -> a: Conv2d(8, 1, stride=2)\n output y + (x -> b: Conv2d(4, 3, stride=2, padding=1))") == []


# fmt: off
DEAD = [
    # layer                                                        map      channels
    ("Conv2d(4, 3, padding=1)",                                    (1, 1),  2),
    ("Conv2d(4, 5, padding=2, bias=false)",                        (2, 3),  2),
    ("Conv2d(4, 3, padding=4, dilation=4, groups=2)",              (4, 5),  2),
    ("Conv2d(4, (3, 7), padding=(1, 3), stride=(2, 3))",           (1, 9),  2),
    ("Conv2d(4, 4, padding=6, stride=5)",                          (3, 2),  2),
]
# fmt: on


@pytest.mark.parametrize(("layer", "size", "channels"), DEAD, ids=[row[0] for row in DEAD])
def test_dead_weights_are_those_whose_gradient_is_zero_at_every_position(layer, size, channels):
    """Of a positive input each weight that meets it anywhere has a positive gradient of the sum."""
    torch = pytest.importorskip("torch")
    (told,) = found(f"output x -> a: {layer}", f"[{channels}, {size[0]}, {size[1]}]")
    arguments = layer.removeprefix("Conv2d(").removesuffix(")").replace("false", "False")
    conv = eval(f"torch.nn.Conv2d({channels}, {arguments})", {"torch": torch})
    conv(torch.ones(1, channels, *size)).sum().backward()
    dead = int((conv.weight.grad == 0).sum())

    assert told.code == "W0429"
    assert f": {dead:,} parameters are multiplied by zero" in told.message
    assert told.message.startswith(f"{int((conv.weight.grad[0, 0] == 0).sum())} of the ")


def test_large_numbers_have_separators():
    (told,) = found("output x -> a: Conv2d(8, 1, stride=2)", "[3, 1000000, 1000000]")

    assert "steps over 500,000 of the 1,000,000 rows of `x`" in told.message
