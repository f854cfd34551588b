"""Lints on the whole of a network: its shortest way, what saturates on it, and what its last units see."""

from __future__ import annotations

import pytest

from archdsl.diagnostics import Diagnostic
from archdsl.elaborate import Library
from archdsl.pipeline import check
from archdsl.source import Source

OURS = ("W0422", "W0423", "W0424")


def found(body: str, sizes: str = "[8, 32, 32]") -> list[Diagnostic]:
    text = f"model Net {{\n input x: {sizes}\n {body}\n}}"
    return [d for d in check(Library().add(Source("net.arch", text))).diagnostics if d.code in OURS]


CONV = "Conv2d(8, 3, padding=1)"
HEAD = "AdaptiveAvgPool2d(1) -> Flatten -> fc: Linear(10)"

# fmt: off
CASES = [
    # name                               body                                                                                  code and layer
    ("31 layers",                        f"output x -> s: (for i in range(31) {{ {CONV} -> ReLU }})",                           "W0423 s.60"),
    ("30 layers",                        f"output x -> s: (for i in range(30) {{ {CONV} -> ReLU }})",                           ""),
    ("31 blocks with shortcuts",         f"for i in range(31) {{ x = x + (x -> a[i]: {CONV} -> ReLU -> b[i]: {CONV}) }}\n output x", ""),
    ("one shortcut around all",          f"output (x -> s: (for i in range(40) {{ {CONV} -> ReLU }})) + x",                     ""),
    ("dense blocks",                     "for i in range(31) { x = concat(x, x -> ReLU -> a[i]: Conv2d(2, 3, padding=1)) }\n output x", ""),

    ("six sigmoids",                     f"output x -> s: (for i in range(6) {{ {CONV} -> Sigmoid }})",                         "W0424 s.11"),
    ("six tangents and sigmoids",        f"output x -> s: (for i in range(3) {{ {CONV} -> Sigmoid -> {CONV} -> Tanh }})",       "W0424 s.11"),
    ("five, as in a LeNet",              f"output x -> s: (for i in range(5) {{ {CONV} -> Tanh }})",                            ""),
    ("norms in front",                   "output x -> s: (for i in range(9) { Conv2d(8, 3, padding=1, bias=false) -> BatchNorm2d -> Sigmoid })", ""),
    ("gates",                            "for i in range(9) { x = x * (x -> AdaptiveAvgPool2d(1) -> a[i]: Conv2d(8, 1) -> Sigmoid) }\n output x", ""),

    ("7 of 32 pixels",                   f"output x -> s: (for i in range(3) {{ {CONV} -> ReLU }}) -> {HEAD}",                  "W0422 avgpool"),
    ("15 of 32 pixels",                  f"output x -> s: (for i in range(7) {{ {CONV} -> ReLU }}) -> {HEAD}",                  "W0422 avgpool"),
    ("17 of 32 pixels",                  f"output x -> s: (for i in range(8) {{ {CONV} -> ReLU }}) -> {HEAD}",                  ""),
    ("long fields along one axis",       f"output x -> s: (for i in range(3) {{ Conv2d(8, (9, 1), padding=(4, 0)) -> ReLU }}) -> {HEAD}", ""),
    ("flattened",                        f"output x -> s: (for i in range(3) {{ {CONV} -> ReLU }}) -> Flatten -> fc: Linear(10)", ""),
    ("a gate sees all",                  f"y = x -> s: (for i in range(3) {{ {CONV} -> ReLU }})\n output y * (y -> AdaptiveAvgPool2d(1) -> g: Conv2d(8, 1) -> Sigmoid) -> {HEAD}", ""),
    ("two layers",                       f"output x -> s: (for i in range(2) {{ {CONV} -> ReLU }}) -> {HEAD}",                  "W0422 avgpool"),
    ("one layer",                        f"output x -> a: {CONV} -> ReLU -> {HEAD}",                                            ""),
]
# fmt: on


@pytest.mark.parametrize(("body", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_a_network_is_linted_where_it_should_be(body, expected):
    assert [f"{d.code} {d.layer}" for d in found(body)] == ([expected] if expected else [])


def test_numbers_are_named():
    (plain,) = found(f"output x -> s: (for i in range(45) {{ {CONV} -> ReLU }})")
    (narrow,) = found(f"output x -> s: (for i in range(3) {{ {CONV} -> ReLU }}) -> {HEAD}", "[8, 32, 48]")

    assert "through 45 layers with weights" in plain.message
    assert "7×7 of the 32×48 pixels of `x`" in narrow.message


def test_open_sizes_are_not_judged_by_what_is_seen_of_them():
    assert found(f"output x -> s: (for i in range(3) {{ {CONV} -> ReLU }}) -> {HEAD}", "[8, H, W]") == []
