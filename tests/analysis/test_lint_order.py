"""Lints on the order of layers: what each says, and what it keeps quiet about."""

from __future__ import annotations

import pytest

from archdsl.diagnostics import Diagnostic
from archdsl.elaborate import Library
from archdsl.pipeline import check
from archdsl.source import Source

OURS = ("W0425", "W0426", "W0427", "W0428", "W0430")


def found(text: str, head: str = "", sizes: str = "[8, 16, 16]") -> list[Diagnostic]:
    text = f"{head}\nmodel Net {{\n input x: {sizes}\n {text}\n}}"
    return [d for d in check(Library().add(Source("net.arch", text))).diagnostics if d.code in OURS]


CONV, ONE = "Conv2d(8, 3, padding=1)", "Conv2d(8, 1)"
NO_BIAS = "defaults Conv2d(bias=false)"

# fmt: off
CASES = [
    # name                               body                                                                        code and layer
    ("two 3x3",                          "output x -> a: Conv2d(8, 3) -> b: Conv2d(8, 3) -> ReLU",                   "W0428 b"),
    ("with a norm between",              "output x -> a: Conv2d(8, 3, bias=false) -> n: BatchNorm2d -> b: Conv2d(8, 3) -> ReLU", "W0428 b"),
    ("1x1 that widens",                  "output x -> a: Conv2d(32, 1) -> b: Conv2d(8, 3) -> ReLU",                  "W0428 b"),
    ("1x1 behind, as wide",              "output x -> a: Conv2d(8, 3) -> b: Conv2d(8, 1) -> ReLU",                   "W0428 b"),
    ("two linear",                       "output x -> Flatten -> a: Linear(64) -> b: Linear(10)",                    "W0428 b"),
    ("with dropout between",             "output x -> Flatten -> a: Linear(64) -> Dropout(0.5) -> b: Linear(10)",    "W0428 b"),
    ("a narrow middle",                  "output x -> Flatten -> a: Linear(4) -> b: Linear(10)",                     ""),
    ("a bottleneck of 1x1",              "output x -> a: Conv2d(4, 1) -> b: Conv2d(8, 3) -> ReLU",                   ""),
    ("1x1 behind, that widens",          "output x -> a: Conv2d(8, 3) -> b: Conv2d(16, 1) -> ReLU",                  ""),
    ("depthwise, then 1x1",              "output x -> a: Conv2d(8, 3, groups=8) -> b: Conv2d(8, 1) -> ReLU",         ""),
    ("separated",                        "output x -> a: Conv2d(8, (1, 7)) -> b: Conv2d(8, (7, 1)) -> ReLU",         ""),
    ("others read it too",               "y = x -> a: Conv2d(8, 1)\n output y + (y -> b: Conv2d(8, 1)) -> ReLU",     ""),
    ("one layer called twice",           "share f = Conv2d(8, 3)\n output x -> f -> f -> ReLU",                      ""),
    ("a filter without activations",     "output x -> a: Conv2d(8, 3) -> b: Conv2d(8, 3)",                           ""),
    ("a filter that is pooled",          "output x -> a: Conv2d(8, 3) -> b: Conv2d(8, 3) -> AvgPool2d(2)",           ""),
    ("a dropout, and no activation",     "output x -> a: Conv2d(8, 3) -> Dropout(0.5) -> b: Conv2d(8, 3)",           "W0428 b"),
    ("channels dropped, no activation",  "output x -> a: Conv2d(8, 3) -> Dropout2d(0.5) -> b: Conv2d(8, 3)",         "W0428 b"),
    ("dropped, then rectified",          "output x -> a: Conv2d(8, 3) -> Dropout(0.5) -> b: Conv2d(8, 3) -> ReLU",   "W0428 b"),
    ("a norm, and no activation",        "output x -> a: Conv2d(8, 3, bias=false) -> BatchNorm2d -> b: Conv2d(8, 3)", "W0428 b"),
    ("a classifier, and no activation",  "output x -> a: Conv2d(8, 3) -> b: Conv2d(8, 3) -> MaxPool2d(2) -> Flatten -> fc: Linear(3)", "W0428 b"),
    ("a pooling between",                "output x -> a: Conv2d(8, 3) -> MaxPool2d(2) -> b: Conv2d(8, 3) -> ReLU",   ""),
    ("a map, then a vector",             "output x -> a: Conv2d(8, 3) -> Flatten -> b: Linear(10)",                  ""),

    ("rectified, then added",            f"output x + (x -> a: {CONV} -> ReLU)",                                     "W0425 relu"),
    ("with two layers",                  f"output x + (x -> a: {CONV} -> ReLU6 -> b: {CONV} -> r: ReLU6) -> ReLU",   "W0425 r"),
    ("beside a projection",              f"output (x -> p: {ONE}) + (x -> a: {CONV} -> ReLU) -> ReLU",               "W0425 relu"),
    ("added, then rectified",            f"output x + (x -> a: {CONV}) -> ReLU",                                     ""),
    ("pre-activation",                   f"output x + (x -> ReLU -> a: {CONV})",                                     ""),
    ("two wide branches",                f"output (x -> a: {CONV} -> ReLU) + (x -> b: Conv2d(8, 5, padding=2) -> ReLU)", ""),
    ("branches of two maps",             f"y = x -> s: {ONE}\n output x + (y -> a: {CONV} -> ReLU) + y",             ""),
    ("a product",                        f"output x * (x -> a: {CONV} -> ReLU)",                                     ""),

    ("dropout before the norm",          f"output x -> a: {CONV} -> Dropout(0.5) -> n: BatchNorm2d".replace(", padding=1", ", bias=false"), "W0426 dropout"),
    ("a convolution between",            "output x -> Dropout2d(0.2) -> a: Conv2d(8, 3, bias=false) -> n: BatchNorm2d", "W0426 dropout"),
    ("behind the norm",                  "output x -> a: Conv2d(8, 3, bias=false) -> n: BatchNorm2d -> Dropout(0.5)", ""),
    ("of probability 0",                 "output x -> Dropout(0.0) -> n: BatchNorm2d",                               ""),
    ("before another norm",              "output x -> Dropout(0.5) -> n: GroupNorm(2)",                              ""),

    ("dropout on the scores",            "output x -> Flatten -> a: Linear(10) -> Dropout(0.5)",                     "W0427 dropout"),
    ("on a mask",                        "output x -> a: Conv2d(2, 1) -> Dropout2d(0.5)",                            "W0427 dropout"),
    ("on features",                      "output x -> a: Conv2d(8, 3) -> ReLU -> Dropout(0.5)",                      ""),
    ("before the last layer",            "output x -> Flatten -> Dropout(0.5) -> a: Linear(10)",                     ""),
]
# fmt: on


@pytest.mark.parametrize(("body", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_a_network_is_linted_where_it_should_be(body, expected):
    assert [f"{d.code} {d.layer}" for d in found(body)] == ([expected] if expected else [])


# fmt: off
BIASES = [
    ("taken by a default",       NO_BIAS, "output x -> head: Conv2d(2, 1)",                 ["W0430 head"]),
    ("and pooled to a vector",   NO_BIAS, "output x -> AdaptiveAvgPool2d(1) -> head: Conv2d(2, 1) -> Flatten", ["W0430 head"]),
    ("given back",               NO_BIAS, "output x -> head: Conv2d(2, 1, bias=true)",      []),
    ("left out on purpose",      "",      "output x -> head: Conv2d(2, 1, bias=false)",     []),
    ("a norm behind it",         NO_BIAS, "output x -> head: Conv2d(2, 1) -> BatchNorm2d",  []),
    ("the end of a block",       NO_BIAS, "output x + (x -> a: Conv2d(8, 1))",              []),
]
# fmt: on


@pytest.mark.parametrize(("head", "body", "expected"), [c[1:] for c in BIASES], ids=[c[0] for c in BIASES])
def test_a_default_that_takes_the_last_bias_is_told_of(head, body, expected):
    assert [f"{d.code} {d.layer}" for d in found(body, head)] == expected


# fmt: off
FIXES = [
    ("W0427", "",      "output x -> Flatten -> a: Linear(10) -> Dropout(0.5)",                           "output x -> Flatten -> a: Linear(10)"),
    ("W0426", "",      "output x -> a: Conv2d(8, 3, bias=false) -> Dropout(0.5) -> n: BatchNorm2d",      "output x -> a: Conv2d(8, 3, bias=false) -> n: BatchNorm2d"),
    ("W0430", NO_BIAS, "output x -> head: Conv2d(2, 1)",                                                 "output x -> head: Conv2d(2, 1, bias=true)"),
]
# fmt: on


@pytest.mark.parametrize(("code", "head", "before", "after"), FIXES)
def test_a_fix_gives_what_was_meant(code, head, before, after):
    (problem,) = found(before, head)
    (edit,) = problem.fix.edits
    text = edit.span.source.text

    assert problem.code == code
    assert not problem.fix.safe
    assert text[: edit.span.start] + edit.replacement + text[edit.span.end :] == text.replace(before, after)
