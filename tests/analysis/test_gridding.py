"""The holes of dilated stacks, against numbers worked by hand and against gradients."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archdsl.analysis.gridding import MOST_BITS, Grid, gridding, longest_step, smeared
from oracles.networks import chain, last, written
from oracles.twin import positive


def end(text: str, *shape: int) -> Grid:
    """Return what is found at the end of a stack of squares, which is the same along both axes."""
    rows, columns = gridding(chain(text, *shape))[-2:]

    assert (rows.axis, columns.axis) == (0, 1)
    assert (rows.hull, rows.covered, rows.gap, rows.step) == (columns.hull, columns.covered, columns.gap, columns.step)
    return rows


# fmt: off
STACKS = [
    # dilations      hull  covered  gap  step     MATHS, "9 Gridding"; gaps and steps by hand
    ([2, 2, 2],        13,       7,   2,    2),
    ([2, 4, 8],        29,      15,   2,    2),
    ([6, 12, 18],      73,      13,   6,    6),
    ([1, 2, 3],        13,      13,   1,    1),
    ([1, 2, 5],        17,      17,   1,    1),
    ([1, 2, 9],        25,      21,   3,    1),
    ([3, 4, 5],        25,      21,   3,    1),
    ([1, 3, 9],        27,      27,   1,    1),
    ([1, 4, 16],       43,      27,   6,    1),
]
# fmt: on


@pytest.mark.parametrize(("dilations", "hull", "covered", "gap", "step"), STACKS, ids=[str(row[0]) for row in STACKS])
def test_a_stack_of_3x3_convolutions_covers_so_much(dilations, hull, covered, gap, step):
    found = end(f"for d in {dilations} {{ Conv2d(1, 3, dilation=d) }}", 1, 100, 100)

    assert (found.hull, found.covered, found.gap, found.step) == (hull, covered, gap, step)
    assert found.has_holes == (covered < hull)
    assert found.dilated == sum(d > 1 for d in dilations)


# fmt: off
NETWORKS = [
    # name                              text                                                                     hull  covered  origin
    ("what moves nothing",              "x -> a: Conv2d(1, 3, dilation=2) -> n: GroupNorm(1) -> ReLU -> b: Conv2d(1, 3, dilation=2)", 9, 5, "x"),
    ("a stride begins anew",            "x -> a: Conv2d(1, 3, stride=2) -> b: Conv2d(1, 3, dilation=2)",            5,        3, "a"),
    ("a 3x3 behind fills",              "x -> a: Conv2d(1, 3, dilation=2) -> b: Conv2d(1, 3)",                      7,        7, "x"),
    ("a shortcut keeps to the grid",    "(x -> a: Conv2d(1, 3, dilation=2, padding=2)) + x -> b: Conv2d(1, 3, dilation=2)", 9, 5, "x"),
    ("branches are a union",            "(x -> a: Conv2d(1, 3, dilation=3, padding=3)) + (x -> c: Conv2d(1, 3, padding=1)) -> b: Conv2d(1, 3, dilation=9)", 25, 15, "x"),
    ("maps of two stacks begin anew",   "(x -> a: Conv2d(1, 3, stride=2, padding=1)) + (x -> MaxPool2d(2)) -> b: Conv2d(1, 3, dilation=2)", 5, 3, "add"),
]
# fmt: on


@pytest.mark.parametrize(("text", "hull", "covered", "origin"), [n[1:] for n in NETWORKS], ids=[n[0] for n in NETWORKS])
def test_branches_norms_and_strides(text, hull, covered, origin):
    grid = gridding(written(f"model Net {{ input x: [1, 64, 64]  output {text} }}"))[-1]

    assert (grid.hull, grid.covered, grid.origin.path) == (hull, covered, origin)


@settings(max_examples=25)
@given(st.lists(st.tuples(st.integers(1, 4), st.integers(1, 6)), min_size=1, max_size=4))
def test_the_middle_unit_has_a_gradient_at_so_many_rows(layers):
    import torch

    graph = chain(" -> ".join(f"Conv2d(1, {kernel}, dilation={gap})" for kernel, gap in layers), 1, 80, 80)
    node = last(graph)
    pixels = torch.ones(1, 1, 80, 80, dtype=torch.double, requires_grad=True)
    (gradient,) = torch.autograd.grad(positive(graph, node)(pixels)[0, :, 2, 2].sum(), pixels)
    rows = gradient[0, 0].sum(1).nonzero().flatten().tolist()
    at_the_end = [grid for grid in gridding(graph) if grid.node is node and grid.axis == 0]

    for grid in at_the_end:
        steps = [b - a for a, b in pairwise(rows)]
        assert grid.hull == rows[-1] - rows[0] + 1
        assert grid.covered == len(rows)
        assert grid.gap == max(steps, default=1)
        assert all(step % grid.step == 0 for step in steps)
    assert bool(at_the_end) == (any(k > 1 and gap > 1 for k, gap in layers) and layers[-1][0] > 1)


@given(st.sets(st.integers(0, 60), min_size=1))
def test_the_longest_step_is_that_of_the_sorted_positions(positions):
    first, *rest = sorted(positions)
    bits = sum(1 << (place - first) for place in positions)
    steps = [b - a for a, b in pairwise([first, *rest])]

    assert longest_step(bits) == max(steps, default=1)


@given(st.integers(1, 255), st.integers(1, 20), st.integers(1, 9))
def test_smearing_is_the_union_of_moved_copies(bits, count, step):
    union = 0
    for i in range(count):
        union |= bits << (i * step)

    assert smeared(bits, count, step) == union


def test_a_set_that_is_too_long_is_left_open_and_a_stride_begins_anew():
    far = f"a: Conv2d(1, 3, dilation={MOST_BITS}, padding={MOST_BITS})"
    graph = chain(
        f"{far} -> b: Conv2d(1, 3, dilation=2) -> c: Conv2d(1, 1, stride=2) -> d: Conv2d(1, 3, dilation=2)", 1, 40, 40
    )

    assert {grid.node.path for grid in gridding(graph)} == {"d"}
