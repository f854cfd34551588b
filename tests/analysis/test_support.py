"""What single units see, worked by hand; `archdsl verify` holds it against gradients."""

from __future__ import annotations

from itertools import product

import pytest

from archdsl.analysis.support import Support, positions, support
from oracles.networks import bundled, chain, last, written


def seen(found: Support, name: str = "x") -> set[tuple[int, ...]]:
    """Return the positions one by one."""
    places: set[tuple[int, ...]] = set()
    for box in found.boxes.get(name, ()):
        some: list[tuple[int, ...]] = [()]
        for mask in box:
            some = [(*place, i) for place in some for i in positions(mask)]
        places.update(some)
    return places


def rows(found: Support) -> tuple[int, int]:
    places = sorted({place[0] for place in seen(found, *found.boxes)})
    return places[0], places[-1]


# fmt: off
CHAINS = [
    # name                                pipeline                                                    sizes    unit     positions
    ("a border is zero at every layer",   "MaxPool1d(2) -> Conv1d(1, 3, padding=1)",                  (5,),    (1,),    {0, 1, 2, 3}),
    ("strides leave holes",               "Conv1d(1, 1, stride=2) -> Conv1d(1, 3)",                   (9,),    (1,),    {2, 4, 6}),
    ("a stride above the kernel",         "Conv1d(1, 2, stride=3) -> Conv1d(1, 3)",                   (12,),   (0,),    {0, 1, 3, 4, 6, 7}),
    ("phases of a transposed convolution", "ConvTranspose1d(1, 3, stride=2)",                         (4,),    (2,),    {0, 1}),
    ("and the other one",                 "ConvTranspose1d(1, 3, stride=2)",                          (4,),    (3,),    {1}),
    ("nothing is seen",                   "ConvTranspose1d(1, 2, stride=3)",                          (4,),    (2,),    set()),
    ("a mirror",                          'Conv1d(1, 3, padding=1, padding_mode="reflect")',          (5,),    (0,),    {0, 1}),
    ("a circle",                          'Conv1d(1, 3, padding=1, padding_mode="circular")',         (5,),    (0,),    {0, 1, 4}),
    ("copies of the border",              "ReplicationPad1d(2) -> Conv1d(1, 3)",                      (5,),    (0,),    {0}),
    ("a mirror around a map",             "ReflectionPad1d(2) -> Conv1d(1, 2)",                       (5,),    (0,),    {1, 2}),
    ("the last window is short",          "MaxPool1d(2, ceil_mode=true)",                             (5,),    (2,),    {4}),
    ("bins that overlap",                 "AdaptiveAvgPool1d(3)",                                     (5,),    (1,),    {1, 2, 3}),
    ("a norm over positions",             "GroupNorm(1) -> Conv1d(1, 1)",                             (4,),    (0,),    {0, 1, 2, 3}),
]
# fmt: on


@pytest.mark.parametrize(("text", "sizes", "unit", "expected"), [c[1:] for c in CHAINS], ids=[c[0] for c in CHAINS])
def test_a_unit_of_a_chain_sees(text, sizes, unit, expected):
    graph = chain(text, 1, *sizes)

    assert seen(support(graph, last(graph), unit)) == {(place,) for place in expected}


CROSS = """
model Net {
    input x: [1, 7, 7]
    output y = (x -> a: Conv2d(1, (1, 5), padding=(0, 2))) + (x -> b: Conv2d(1, (5, 1), padding=(2, 0)))
}
"""


def test_branches_of_two_shapes_see_a_cross_and_not_the_square_around_it():
    graph = written(CROSS)
    found = support(graph, last(graph), (3, 3))

    assert seen(found) == {(3, i) for i in range(1, 6)} | {(i, 3) for i in range(1, 6)}
    assert found.exact
    assert not found.clipped
    assert support(graph, last(graph), (1, 3)).clipped


def test_units_of_resnet50_see_the_rows_that_are_counted_by_hand():
    """The field is 427 pixels from -213 on, with a stride of 32: the first unit ends at 213, the others at the border."""
    graph = bundled("ResNet50")
    node = last(graph, "layer4.2.conv3")

    assert [rows(support(graph, node, (i, i))) for i in (0, 3, 6)] == [(0, 213), (0, 223), (0, 223)]


def test_a_piece_of_a_split_sees_no_more_than_the_whole():
    text = "model Net { input x: [2, 5]\n a, b = split(x -> c: Conv1d(4, 3), 2)\n output y = a -> ReLU }"
    graph = written(text)
    found = support(graph, last(graph), (1,))

    assert seen(found) == {(1,), (2,), (3,)}
    assert not found.exact


def test_each_input_is_seen_by_its_name():
    text = (
        "model Net { input a: [1, 5]\n input b: [1, 5]\n output y = (a -> c: Conv1d(1, 3)) + crop(b, start=1, end=1) }"
    )
    graph = written(text)
    found = support(graph, last(graph), (0,))

    assert seen(found, "a") == {(0,), (1,), (2,)}
    assert seen(found, "b") == {(1,)}


@pytest.mark.parametrize("unit", [(5,), (-1,), (), (0, 0)])
def test_a_unit_that_is_not_there_is_refused(unit):
    graph = chain("Conv1d(1, 1)", 1, 5)

    with pytest.raises(ValueError, match="has no unit"):
        support(graph, last(graph), unit)


# fmt: off
RESIZES = [(factor, size) for factor in (0.7, 1.1, 1.3, 1.6, 2.1, 2.25, 3.3, 1.23456789, 1 / 3) for size in (5, 8, 23, 60)]
# fmt: on


@pytest.mark.parametrize(
    ("mode", "axes"), [("nearest", 1), ("nearest", 2), ("nearest-exact", 1), ("linear", 1), ("bilinear", 2)]
)
def test_a_resize_by_any_factor_reads_what_changes_its_output(mode, axes):
    """Factors that are no short binary number, and those where single precision copies another position."""
    torch = pytest.importorskip("torch")
    for factor, size in RESIZES if axes == 1 or mode != "nearest" else RESIZES[::4]:
        graph = chain(f'Upsample(scale_factor={factor}, mode="{mode}")', 1, *[size] * axes)
        node = last(graph)
        places = list(product(range(size), repeat=axes))
        lit = torch.eye(len(places), dtype=torch.double).view(len(places), 1, *[size] * axes)
        y = torch.nn.functional.interpolate(lit, scale_factor=factor, mode=mode)
        assert tuple(y.shape[1:]) == node.output.known
        for place in range(y.shape[2]):
            unit = (place,) if axes == 1 else (place, y.shape[3] // 2)
            changed = (y[(slice(None), 0, *unit)].abs() > 1e-12).nonzero().flatten().tolist()
            found = support(graph, node, unit)
            assert found.exact
            assert seen(found) == {places[i] for i in changed}, (factor, size, unit)


def test_a_bicubic_resize_by_any_factor_reads_what_changes_its_output():
    """PyTorch's gradient copies where the sizes happen to be equal, though its output is mixed; so rows are fed in."""
    torch = pytest.importorskip("torch")
    for factor, size in RESIZES:
        graph = chain(f'Upsample(scale_factor={factor}, mode="bicubic")', 1, size, size)
        x = torch.eye(size, dtype=torch.double)[:, None, :, None].expand(size, 1, size, size).contiguous()
        y = torch.nn.functional.interpolate(x, scale_factor=factor, mode="bicubic")
        for place in range(y.shape[2]):
            found = support(graph, last(graph), (place, 0))
            assert {row for row, _ in seen(found)} == set(y[:, 0, place, 0].nonzero()[:, 0].tolist()), (factor, size)


@pytest.mark.parametrize("mode", ["nearest", "nearest-exact"])
def test_a_resize_to_a_size_copies_what_torch_copies(mode):
    torch = pytest.importorskip("torch")
    for size, wanted in [(2, 41), (5, 7), (11, 31), (29, 83), (41, 82), (35, 49), (31, 93), (48, 97), (60, 13)]:
        graph = chain(f'Upsample(size={wanted}, mode="{mode}")', 1, size)
        x = torch.zeros(1, 1, size, requires_grad=True)
        y = torch.nn.functional.interpolate(x, size=wanted, mode=mode)
        for place in range(wanted):
            (gradient,) = torch.autograd.grad(y[0, 0, place], x, retain_graph=True)
            assert seen(support(graph, last(graph), (place,))) == {(int(gradient.argmax()),)}, (size, wanted, place)
