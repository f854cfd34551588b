"""The lint on channels that 8 does not divide: where it speaks, and what it keeps quiet about."""

from __future__ import annotations

import pytest

from archdsl.diagnostics import Diagnostic
from archdsl.elaborate import Library
from archdsl.pipeline import check
from archdsl.source import Source


def found(body: str, sizes: str = "[8, 64, 64]") -> list[Diagnostic]:
    text = f"model Net {{\n input x: {sizes}\n {body}\n}}"
    return [d for d in check(Library().add(Source("net.arch", text))).diagnostics if d.code == "W0431"]


HEAD = "head: Conv2d(10, 1)"
A, B = "a: Conv2d(100, 3, padding=1)", "b: Conv2d(96, 3, padding=1)"
# fmt: off
CASES = [
    # name                                   body                                                          layer
    ("100 channels",                         f"output x -> {A} -> ReLU -> {HEAD}",                         "a"),
    ("65, the narrowest",                    f"output x -> a: Conv2d(65, 3) -> ReLU -> {HEAD}",            "a"),
    ("63, narrower",                         f"output x -> a: Conv2d(63, 3) -> ReLU -> {HEAD}",            ""),
    ("72, a multiple",                       f"output x -> a: Conv2d(72, 3) -> ReLU -> {HEAD}",            ""),
    ("a third of the work",                  f"output x -> {A} -> ReLU -> {B} -> ReLU -> c: Conv2d(100, 5) -> ReLU -> {HEAD}", "c"),
    ("100·8 of 100·8 + 96·100",              f"output x -> {A} -> ReLU -> {B} -> ReLU -> {HEAD}",          ""),
    ("the head itself",                      "output x -> a: Conv2d(100, 3)",                              ""),
    ("a head, pooled and softened",          "output x -> a: Conv2d(100, 3) -> AdaptiveAvgPool2d(1) -> Flatten -> Softmax", ""),
    ("a head that is added",                 "output (x -> a: Conv2d(100, 3)) + (x -> b: Conv2d(100, 3))", ""),
    ("transposed",                           f"output x -> a: ConvTranspose2d(100, 2, stride=2) -> ReLU -> {HEAD}", "a"),
    ("depthwise",                            "output x -> Upsample(scale_factor=2) -> a: Conv2d(100, 3, groups=4) -> ReLU -> head: Conv2d(8, 1)", ""),
    ("linear, much work",                    "output x -> Flatten -> a: Linear(500) -> ReLU -> b: Linear(10)", "a"),
    ("linear, little work",                  "output x -> AdaptiveAvgPool2d(1) -> Flatten -> a: Linear(500) -> ReLU -> b: Linear(10)", ""),
    ("for training only",                    f"output x -> {B} -> ReLU -> {HEAD}\n output aux = x -> {A} -> ReLU -> t: Conv2d(8, 1) when training", ""),
]
# fmt: on


@pytest.mark.parametrize(("body", "layer"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_wide_layers_are_told_of_where_they_do_much_of_the_work(body, layer):
    assert [d.layer for d in found(body)] == ([layer] if layer else [])


def test_what_is_told_counts_layers_and_work():
    """At each position 9·8·100 + 9·100·100 of 9·8·100 + 9·100·100 + 10·100 multiply-adds: 98.98 %."""
    (told,) = found(f"output x -> {A} -> ReLU -> b: Conv2d(100, 3, padding=1) -> ReLU -> {HEAD}")

    assert told.layer == "b"
    assert "makes 100 channels, no multiple of 8, and 1 other layer such a number" in told.message
    assert "in 98 % of the multiply-adds" in told.message
    assert told.help == "take 96 or 104 channels, if it is to run fast in half precision"
    assert [label.text for label in told.related] == ["100 channels"]


def test_open_sizes_have_no_share_of_work():
    assert found(f"output x -> {A} -> ReLU -> {HEAD}", "[8, H, W]") == []
