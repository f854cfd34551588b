"""Dead work: published numbers, sets counted by hand, and PyTorch.

There, values at dead positions may be anything and the outputs stay as they are; and in the positive twin every live
position has a gradient of the sum of the outputs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archdsl.analysis.dead import DeadWork, Live, dead_work
from archdsl.analysis.live_sets import ALL
from archdsl.analysis.moved_strides import Rewrite
from archdsl.graph import Graph
from oracles import twin
from oracles.drafts import networks
from oracles.networks import bundled, chain, written


def places(one: Live) -> set[tuple[int, ...]]:
    """Return the live positions one by one."""
    sizes = one.node.output.known[1:]
    found: set[tuple[int, ...]] = set()
    for box in one.boxes:
        axes = zip(box, sizes, strict=True)
        found.update(product(*[[i for i in range(size) if mask == ALL or mask >> i & 1] for mask, size in axes]))
    return found


def by_id(found: DeadWork) -> dict[str, Live]:
    return {one.node.id: one for one in found.nodes}


# Published numbers. MATHS counts convolutions; the linear layer at the end adds 2,048 × 1,000.

LINEAR = 2_048_000
# fmt: off
RESNETS = [
    # name          convolutions   live     wasted
    ("ResNet50V1",  "3.856",       "3.480", "9.74"),
    ("ResNet50",    "4.087",       "4.087", "0.00"),
]
# fmt: on


@pytest.mark.parametrize(("model", "macs", "live", "wasted"), RESNETS)
def test_a_late_stride_wastes_a_tenth_of_a_resnet(model, macs, live, wasted):
    found = dead_work(bundled(model))
    convolutions = found.macs - LINEAR

    assert f"{convolutions / 1e9:.3f}" == macs
    assert f"{(convolutions - found.dead_macs) / 1e9:.3f}" == live
    assert f"{100 * found.dead_macs / convolutions:.2f}" == wasted
    assert found.exact


def test_three_of_four_positions_are_dead_where_the_next_stage_skips_them():
    """In each of three blocks: 64 → 64 with 3 × 3 and 64 → 256 at 56² − 28² positions, or as much on smaller maps."""
    found = dead_work(bundled("ResNet50V1"))
    dead = [one for one in found.nodes if one.dead]
    convolved = {one.node.path: (one.live, one.positions) for one in dead if one.macs}

    assert convolved == {
        "layer1.2.conv2": (784, 3136),
        "layer1.2.conv3": (784, 3136),
        "layer2.3.conv2": (196, 784),
        "layer2.3.conv3": (196, 784),
        "layer3.5.conv2": (49, 196),
        "layer3.5.conv3": (49, 196),
    }
    assert found.dead_macs == 3 * (64 * 64 * 9 + 64 * 256) * 2352
    # Two norms or activations behind the narrow convolution, three behind the wide one.
    assert found.dead_activations == (3 * 64 + 4 * 256) * 2352 + (3 * 128 + 4 * 512) * 588 + (3 * 256 + 4 * 1024) * 147
    assert {one.node.path.rpartition(".")[0] for one in dead} == {"layer1.2", "layer2.3", "layer3.5"}
    assert all(not one.dead for one in found.inputs.values())


# Sets counted by hand: the positions of the input that are read.

# fmt: off
CHAINS = [
    # name                                  pipeline                                                                    size  live positions
    ("all of a map",                        "Conv1d(1, 3, padding=1)",                                                  4,    {0, 1, 2, 3}),
    ("a stride above the kernel",           "Conv1d(1, 2, stride=3)",                                                   9,    {0, 1, 3, 4, 6, 7}),
    ("kernel 1 and a stride",               "Conv1d(1, 1, stride=2)",                                                   5,    {0, 2, 4}),
    ("two of them",                         "Conv1d(1, 1, stride=2) -> MaxPool1d(1, stride=2)",                         9,    {0, 4, 8}),
    ("the end does not make a window",      "MaxPool1d(2)",                                                             5,    {0, 1, 2, 3}),
    ("unless rounded up",                   "MaxPool1d(2, ceil_mode=true)",                                             5,    {0, 1, 2, 3, 4}),
    ("the end, two layers on",              "MaxPool1d(2) -> MaxPool1d(2)",                                             7,    {0, 1, 2, 3}),
    ("windows over the border",             "Conv1d(1, 3, stride=4, padding=1)",                                        8,    {0, 1, 3, 4, 5}),
    ("kernel 1 with padding",               "Conv1d(1, 1, stride=2, padding=1)",                                        4,    {1, 3}),
    ("the padding alone",                   "Conv1d(1, 1, stride=9, padding=1)",                                        4,    set()),
    ("a dilated kernel",                    "Conv1d(1, 2, dilation=3, stride=5)",                                       9,    {0, 3, 5, 8}),
    ("a dilated kernel of few windows",     "Conv1d(1, 2, dilation=3)",                                                 5,    {0, 1, 3, 4}),
    ("a dilated pool with padding",         "MaxPool1d(3, stride=4, padding=1, dilation=2)",                            6,    {1, 3}),
    ("bins that overlap",                   "AdaptiveAvgPool1d(3) -> Conv1d(1, 1, stride=2)",                           7,    {0, 1, 2, 4, 5, 6}),
    ("bins of one",                         "AdaptiveMaxPool1d(6) -> Conv1d(1, 1, stride=3)",                           3,    {0, 1}),
    ("one bin",                             "AdaptiveAvgPool1d(1)",                                                     5,    {0, 1, 2, 3, 4}),
    ("5 made 7 by the nearest",             "Upsample(size=7) -> Conv1d(1, 1, stride=3)",                               5,    {0, 2, 4}),
    ("7 made 3 by the nearest",             "Upsample(size=3)",                                                         7,    {0, 2, 4}),
    ("7 made 3 by nearest-exact",           'Upsample(size=3, mode="nearest-exact")',                                   7,    {1, 3, 5}),
    ("2 made 4 in between",                 'Upsample(scale_factor=2, mode="linear") -> Conv1d(1, 1, stride=3)',        2,    {0, 1}),
    ("8 made 2 in between",                 'Upsample(scale_factor=0.25, mode="linear")',                               8,    {1, 2, 5, 6}),
    ("corners on corners",                  'Upsample(size=2, mode="linear", align_corners=true)',                      6,    {0, 5}),
    ("every fourth of a spread",            "ConvTranspose1d(1, 2, stride=3) -> Conv1d(1, 1, stride=4)",                3,    {0, 1}),
    ("between the inputs",                  "ConvTranspose1d(1, 1, stride=2) -> ZeroPad1d((-1, 0)) -> Conv1d(1, 1, stride=2)", 3, set()),
    ("spread and dilated",                  "ConvTranspose1d(1, 3, stride=2, dilation=2) -> Conv1d(1, 1, stride=9)",    3,    {0}),
    ("cut off by padding",                  "ConvTranspose1d(1, 1, padding=1)",                                         4,    {1, 2}),
    ("zeros put around, and cut",           "ZeroPad1d((2, -2)) -> Conv1d(1, 2, stride=2)",                             6,    {0, 1, 2, 3}),
    ("a mirror",                            'Conv1d(1, 3, stride=6, padding=1, padding_mode="reflect")',                7,    {0, 1, 5, 6}),
    ("a circle",                            'Conv1d(1, 3, stride=8, padding=1, padding_mode="circular")',               7,    {0, 1, 6}),
    ("a circle from the other side",        'Conv1d(1, 2, stride=8, padding=1, padding_mode="circular")',               7,    {0, 6}),
    ("copies of the border",                "ReplicationPad1d(2) -> Conv1d(1, 2, stride=9)",                            5,    {0}),
    ("copies of both borders",              "ReplicationPad1d(2) -> Conv1d(1, 2, stride=7)",                            5,    {0, 4}),
    ("the far side of a mirror",            "ReflectionPad1d((0, 3)) -> ZeroPad1d((-5, 0)) -> Conv1d(1, 1, stride=2)",  5,    {1, 3}),
    ("a norm over all positions",           "GroupNorm(1) -> Conv1d(1, 1, stride=2)",                                   5,    {0, 1, 2, 3, 4}),
    ("a norm with running statistics",      "BatchNorm1d -> Conv1d(1, 1, stride=2)",                                    5,    {0, 2, 4}),
    ("a vector",                            "Conv1d(1, 2, stride=3) -> Flatten -> Linear(2)",                           6,    {0, 1, 3, 4}),
]
# fmt: on


@pytest.mark.parametrize(("text", "size", "expected"), [c[1:] for c in CHAINS], ids=[c[0] for c in CHAINS])
def test_of_the_input_of_a_chain_are_read(text, size, expected):
    found = dead_work(chain(text, 1, size))
    (image,) = found.inputs.values()

    assert places(image) == {(place,) for place in expected}
    assert (image.live, image.positions, image.dead) == (len(expected), size, size - len(expected))
    assert found.exact


@pytest.mark.parametrize(("text", "size", "expected"), [c[1:] for c in CHAINS], ids=[c[0] for c in CHAINS])
def test_pytorch_reads_the_same_of_a_chain(text, size, expected):
    """A set counted by hand may be wrong too: change each position alone, and see whether the output changes."""
    import torch

    torch.manual_seed(0)
    network = twin.real(chain(text.replace("MaxPool", "AvgPool") if "dilation" not in text else text, 1, size)).double()
    x = torch.rand(1, 1, size, dtype=torch.double)
    seen = set()
    for place, step in product(range(size), (5.0, -5.0)):  # a maximum sees one of the two
        other = x.clone()
        other[0, 0, place] += step
        if not torch.equal(network(other), network(x)):
            seen.add(place)

    assert seen == expected


def test_crops_leave_out_the_borders_and_axes_go_their_own_way():
    text = "model Net { input x: [1, 9, 8]\n output y = crop(x, top=1, bottom=3, left=2) -> c: Conv2d(1, (2, 1), stride=(3, 2)) }"
    (image,) = dead_work(written(text)).inputs.values()

    assert places(image) == {(row, column) for row in (1, 2, 4, 5) for column in (2, 4, 6)}
    assert [image.along(axis) for axis in (0, 1)] == [0b110110, 0b1010100]


CROSS = """
model Net {
    input x: [1, 7, 7]
    y = (x -> a: Conv2d(1, (1, 5), padding=(0, 2))) + (x -> b: Conv2d(1, (5, 1), padding=(2, 0)))
    output z = crop(y, top=3, bottom=3, left=3, right=3)
}
"""


def test_branches_of_two_shapes_read_a_cross_and_not_the_square_around_it():
    (image,) = dead_work(written(CROSS)).inputs.values()

    assert places(image) == {(3, i) for i in range(1, 6)} | {(i, 3) for i in range(1, 6)}
    assert image.live == 9


def test_what_several_read_is_read_where_any_does():
    text = """model Net { input x: [1, 12]
      output a = x -> a: Conv1d(1, 1, stride=2)
      output b = x -> b: Conv1d(1, 1, stride=3)
      output c = crop(x, start=5, end=6) }"""
    (image,) = dead_work(written(text)).inputs.values()

    assert places(image) == {(i,) for i in (0, 2, 3, 4, 5, 6, 8, 9, 10)}


def test_an_output_is_read_as_a_whole():
    text = "model Net { input x: [1, 4]\n output a = x -> a: Conv1d(1, 1)\n output b = a -> b: Conv1d(1, 1, stride=2) }"

    assert not any(one.dead for one in dead_work(written(text)).nodes)


def test_a_gate_reads_every_position_of_what_it_pools():
    text = """model Net { input x: [2, 6, 6]
      g = x -> AdaptiveAvgPool2d(1) -> g: Conv2d(2, 1) -> Sigmoid
      y = x * g
      output z = y -> c: Conv2d(2, 1, stride=2) }"""
    found = by_id(dead_work(written(text)))

    assert {name: one.live for name, one in found.items()}["multiply"] == 9
    assert found["x"].live == 36
    assert found["g"].live == found["sigmoid"].live == 1


# Multiply-adds.

# fmt: off
COSTS = [
    # name                               pipeline                                                            size  macs  dead
    ("a share of the positions",         "c: Conv1d(4, 3, padding=1) -> Conv1d(1, 1, stride=3)",             9,    4 * 3 * 9 + 4 * 3, 4 * 3 * 6),
    ("the border costs as much",         "c: Conv1d(4, 3, padding=1) -> ZeroPad1d((-1, -1))",                9,    4 * 3 * 9, 4 * 3 * 2),
    ("products that land on the dead",   "c: ConvTranspose1d(1, 3, stride=2) -> ZeroPad1d((0, -2))",         2,    6, 2),
    ("those beyond the border are kept", "c: ConvTranspose1d(1, 3, stride=2, padding=1) -> ZeroPad1d((0, -2))", 2, 6, 3),
    ("two at each, one at the ends",     "c: ConvTranspose1d(5, 2) -> Conv1d(1, 1, stride=2, bias=false)",   3,    5 * 6 + 10, 5 * 3),
    ("holes cost nothing",               "c: ConvTranspose1d(1, 1, stride=2) -> Conv1d(1, 1, stride=2)",     3,    3 + 3, 0),
    ("all of a layer",                   "c: Conv1d(3, 2) -> Conv1d(1, 1, stride=99, padding=1)",            4,    3 * 2 * 3 + 3, 3 * 2 * 3),
    ("all of a transposed one",          "c: ConvTranspose1d(3, 2, padding=1) -> Conv1d(1, 1, stride=99, padding=1)", 4, 3 * 2 * 4 + 3, 3 * 2 * 4),
]
# fmt: on


@pytest.mark.parametrize(("text", "size", "macs", "dead"), [c[1:] for c in COSTS], ids=[c[0] for c in COSTS])
def test_multiply_adds_for_nothing_are_counted(text, size, macs, dead):
    found = dead_work(chain(text, 1, size))

    assert (found.macs, found.dead_macs, found.live_macs) == (macs, dead, macs - dead)
    assert by_id(found)["c"].dead_macs == dead


def test_products_of_a_transposed_convolution_are_counted_on_a_cross():
    """2 × 2 inputs with a kernel of 2 give 3 × 3 outputs with 1, 2, 1 · 1, 2, 1 products; the four corners are dead."""
    text = """model Net { input x: [3, 2, 2]
      y = x -> c: ConvTranspose2d(5, 2)
      output a = crop(y, top=1, bottom=1)
      output b = crop(y, left=1, right=1) }"""

    assert by_id(dead_work(written(text)))["c"].dead_macs == 3 * 5 * 4


# What is no part of evaluation, what nothing reads, and what is not known.


def test_what_only_training_runs_is_left_out():
    graph = bundled("GoogLeNet")
    found = dead_work(graph)

    assert [one.node for one in found.nodes] == twin.evaluated(graph)
    assert len(found.nodes) < len(graph.nodes)
    assert found.dead_macs == 0


def test_what_nothing_reads_is_dead_as_a_whole():
    text = "model Net { input x: [2, 6]\n y = x -> a: Conv1d(4, 1)\n p, q = split(y, 2)\n output z = (p -> b: Conv1d(1, 2)) + (x -> c: Conv1d(1, 2)) }"
    found = by_id(dead_work(written(text)))
    (unread,) = [one for one in found.values() if not one.boxes]

    assert unread.node.op.name == "chunk"
    assert (unread.live, unread.dead, unread.dead_activations) == (0, 6, 12)
    # The other half of `a` is read at every position: channels are not told apart.
    assert found["a"].dead == 0


def test_behind_a_piece_of_a_split_no_claim_is_made_that_all_is_found():
    """Of the concatenation only channels of the second map are read; whether the first is, is not followed."""
    text = """model Net { input x: [2, 6]
      a = x -> a: Conv1d(2, 1)
      b = x -> b: Conv1d(2, 1)
      p, q = split(concat(a, b), 2)
      output z = q -> c: Conv1d(1, 1) }"""
    found = by_id(dead_work(written(text)))

    assert found["a"].live == 6
    assert not found["a"].exact
    assert found["c"].exact


def test_sizes_must_be_known():
    with pytest.raises(ValueError, match="left open"):
        dead_work(chain("Conv2d(1, 1, stride=2)", 1, "H", "W"))


# fmt: off
HUGE = [
    ("a long axis",       "Conv1d(1, 1, stride=2)",                             (1, 10**9)),
    ("a wide padding",    "Conv1d(1, 3, padding=500_000_000, stride=2)",        (1, 8)),
    ("a wide kernel",     "MaxPool1d(100_000_001, padding=50_000_000, stride=2)", (1, 99)),
    ("copies far away",   "ReplicationPad1d(100_000_000) -> MaxPool1d(1, stride=2)", (1, 8)),
    ("a large square",    "Conv2d(1, 3, padding=1) -> Conv2d(1, 1, stride=3)",  (1, 10**8, 10**8)),
    ("a large spread",    "ConvTranspose1d(1, 100_000, stride=4_096) -> Conv1d(1, 1, stride=5)", (1, 10**6)),
]
# fmt: on


@pytest.mark.parametrize(("text", "shape"), [c[1:] for c in HUGE], ids=[c[0] for c in HUGE])
def test_where_sizes_are_beyond_reason_nothing_is_called_dead_that_might_not_be(text, shape):
    found = dead_work(chain(text, *shape))

    assert found.exact or not found.dead_macs
    assert all(0 <= one.live <= one.positions for one in found.nodes)


# PyTorch: what is dead may be anything.

SMALL: list[tuple[str, Callable[[], Graph]]] = [
    ("ResNet50V1", lambda: bundled("ResNet50V1", H=64, W=96)),
    ("an odd ResNet", lambda: bundled("ResNet18", H=65, W=50)),
    ("GoogLeNet", lambda: bundled("GoogLeNet", H=64, W=75)),
    ("EfficientNetB0", lambda: bundled("EfficientNetB0", H=50, W=64)),
    ("DenseNet121", lambda: bundled("DenseNet121", H=39, W=64)),
    ("a U-Net", lambda: bundled("UNet", H=32, W=48, base=2, depth=2)),
    ("a valid U-Net", lambda: bundled("UNetValid", H=76, W=76, base=2, depth=2)),
    ("LeNet5", lambda: bundled("LeNet5")),
    ("a cross", lambda: written(CROSS)),
]


class Overwritten:
    """The real twin in double precision, run with numbers put in the place of what is dead."""

    def __init__(self, graph: Graph) -> None:
        import torch

        torch.set_num_threads(1)
        torch.manual_seed(0)
        self.graph, self.network = graph, twin.real(graph).double()
        self.inputs = [torch.rand(1, *fed.output.known, dtype=torch.double) for fed in fed_in(graph)]

    def run(self, found: DeadWork | None = None) -> Any:
        import torch
        from torch import fx

        dead = {} if found is None else {one.node.index: ~drawn(one) for one in found.nodes}
        order = iter(twin.evaluated(self.graph))

        class Interpreter(fx.Interpreter):
            def run_node(self, n: Any) -> Any:
                value = super().run_node(n)
                if n.op == "output":
                    return value
                places = dead.get(next(order).index)
                if places is None or not bool(places.any()):
                    return value
                noise = 1e4 * torch.randn_like(value)
                return torch.where(places, noise, value)

        with torch.no_grad():
            result = Interpreter(self.network).run(*self.inputs)
        return result if isinstance(result, tuple) else (result,)


def fed_in(graph: Graph) -> list[Any]:
    """Return the inputs that evaluation has."""
    return [node for node in graph.inputs.values() if node.index not in graph.training_only]


def drawn(one: Live) -> Any:
    """Return a map of truths, over all channels."""
    import torch

    whole = torch.zeros(one.node.output.known[1:], dtype=torch.bool)
    for place in places(one):
        whole[place] = True
    return whole


def check_that_dead_may_be_anything(graph: Graph, found: DeadWork) -> None:
    import torch

    network = Overwritten(graph)
    for expected, value in zip(network.run(), network.run(found), strict=True):
        torch.testing.assert_close(value, expected, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("make", [make for _, make in SMALL], ids=[name for name, _ in SMALL])
def test_values_at_dead_positions_do_not_reach_the_outputs(make):
    graph = make()

    check_that_dead_may_be_anything(graph, dead_work(graph))


def test_a_value_at_a_live_position_does_reach_them():
    """What shows that the check above would see it."""
    import torch

    graph = chain("c: Conv2d(2, 3) -> Conv2d(2, 1, stride=2)", 1, 9, 9)
    network, found = Overwritten(graph), dead_work(graph)
    wrong = [one if one.node.path != "c" else one_less(one) for one in found.nodes]

    with pytest.raises(AssertionError):
        torch.testing.assert_close(network.run(replaced(found, wrong)), network.run())


def one_less(one: Live) -> Live:
    from dataclasses import replace

    ((rows, columns),) = one.boxes
    return replace(one, boxes=((rows & ~1, columns),))


def replaced(found: DeadWork, nodes: list[Live]) -> DeadWork:
    from dataclasses import replace

    return replace(found, nodes=tuple(nodes))


# PyTorch: what is live has a gradient.


def gradients(graph: Graph) -> dict[int, Any]:
    """Return where each node has a gradient of the sum of all outputs of the positive twin; else it has none."""
    import torch

    seen: dict[int, Any] = {}
    for result in twin.results(graph):
        needed = {result.index, *(fed.index for fed in graph.inputs.values())}
        for node in reversed(graph.nodes[: result.index + 1]):
            needed.update(node.inputs if node.index in needed else ())
        order = iter([node for node in graph.nodes if node.index in needed])
        pixels = [torch.ones(1, *fed.output.known, dtype=torch.double) for fed in graph.inputs.values()]
        value = _hooked(twin.positive(graph, result), order, seen).run(*[x.requires_grad_() for x in pixels])
        value.sum().backward()
    return seen


def _hooked(network: Any, order: Iterator[Any], seen: dict[int, Any]) -> Any:
    from torch import fx

    class Interpreter(fx.Interpreter):
        def run_node(self, n: Any) -> Any:
            value = super().run_node(n)
            return value if n.op == "output" else hooked(value, next(order).index)

    def hooked(value: Any, index: int) -> Any:
        def keep(gradient: Any) -> Any:
            there = (gradient != 0)[0].any(0)
            seen[index] = seen[index] | there if index in seen else there
            return (gradient != 0).to(gradient.dtype)  # however deep, it neither vanishes nor grows

        value = value.view_as(value)  # a layer that does nothing gives its input, which others read as well
        value.register_hook(keep)
        return value

    return Interpreter(network)


def check_that_live_has_a_gradient(graph: Graph, found: DeadWork) -> None:
    import torch

    seen = gradients(graph)
    for one in found.nodes:
        live = drawn(one)
        there = seen.get(one.node.index, torch.zeros_like(live))
        if one.exact:
            assert torch.equal(live, there), one.node
        assert not bool((there & ~live).any()), one.node


@pytest.mark.parametrize("make", [make for _, make in SMALL], ids=[name for name, _ in SMALL])
def test_live_positions_are_those_with_a_gradient(make):
    graph = make()
    found = dead_work(graph)

    assert found.exact
    check_that_live_has_a_gradient(graph, found)


def test_live_positions_of_each_of_two_inputs_have_a_gradient():
    text = """model Net { input left: [1, 13, 9]
      input right: [2, 13, 9]
      a = left -> a: Conv2d(2, (2, 1), stride=(3, 2))
      b = right -> MaxPool2d((2, 1), stride=(3, 2)) -> b: Conv2d(2, 1)
      output y = concat(a, b) -> c: ConvTranspose2d(3, 3, stride=2) -> MaxPool2d(2)
      output z = b -> d: Conv2d(1, 2, stride=2) }"""
    graph = written(text)
    found = dead_work(graph)

    assert {name: one.dead > 0 for name, one in found.inputs.items()} == {"left": True, "right": True}
    check_that_live_has_a_gradient(graph, found)
    check_that_dead_may_be_anything(graph, found)


@settings(max_examples=40)
@given(networks())
def test_in_random_networks_dead_positions_are_dead_and_live_ones_live(text):
    graph = written(text)
    found = dead_work(graph)

    check_that_dead_may_be_anything(graph, found)
    check_that_live_has_a_gradient(graph, found)


# Strides that move to an earlier layer.


def described(made: Rewrite) -> tuple[dict[str, tuple[Any, Any]], set[tuple[str, str, Any]]]:
    strides = {one.node.id: (one.before, one.after) for one in made.strides}
    return strides, {(one.source.id, one.reader.id, one.stride) for one in made.subsampled}


def test_the_strides_of_resnet_v1_move_into_the_blocks_before():
    found = dead_work(bundled("ResNet50V1"))
    one, two = (1, 1), (2, 2)

    assert [described(made) for made in found.rewrites] == [
        (
            {f"{end}.conv2": (one, two), f"{next_}.conv1": (two, one), f"{next_}.downsample.0": (two, one)},
            {(f"{before}.relu#2", f"{end}.add", two)},
        )
        for before, end, next_ in [
            ("layer1.1", "layer1.2", "layer2.0"),
            ("layer2.2", "layer2.3", "layer3.0"),
            ("layer3.4", "layer3.5", "layer4.0"),
        ]
    ]
    assert sum(made.saved_macs for made in found.rewrites) == found.dead_macs


V1 = """
defaults Conv2d(bias=false)
block Unit(width: int, first: int, second: int) {
    input x: [c, h, w]
    y = x -> conv1: Conv2d(width, 1, stride=first) -> bn1: BatchNorm2d -> ReLU
          -> conv2: Conv2d(width, 3, stride=second, padding=1) -> bn2: BatchNorm2d -> ReLU
          -> conv3: Conv2d(2 * width, 1) -> bn3: BatchNorm2d
    skip = if first != 1 or c != 2 * width {
        x -> downsample: (Conv2d(2 * width, 1, stride=first) -> BatchNorm2d)
    } else if second != 1 {
        x -> MaxPool2d(1, stride=second)
    } else {
        x
    }
    output y + skip -> ReLU
}
model Late { input x: [3, 23, 30]
    output x -> stem: Conv2d(8, 3) -> a: Unit(4, 1, 1) -> b: Unit(4, 1, 1) -> c: Unit(6, 2, 1) }
model Early { input x: [3, 23, 30]
    output x -> stem: Conv2d(8, 3) -> a: Unit(4, 1, 1) -> b: Unit(4, 1, 2) -> c: Unit(6, 1, 1) }
"""


def test_the_rewrite_done_by_hand_is_the_same_function_of_the_same_weights():
    import torch

    late, early = written(V1, "Late"), written(V1, "Early")
    (made,) = dead_work(late).rewrites
    before, after = twin.real(late).double(), twin.real(early).double()
    for module in before.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.normal_(module.running_mean)
            torch.nn.init.normal_(module.bias)
    after.load_state_dict(before.state_dict())
    x = torch.randn(2, 3, 23, 30, dtype=torch.double)

    assert described(made) == (
        {"b.conv2": ((1, 1), (2, 2)), "c.conv1": ((2, 2), (1, 1)), "c.downsample.0": ((2, 2), (1, 1))},
        {("a.relu#2", "b.add", (2, 2))},
    )
    torch.testing.assert_close(after(x), before(x))
    assert dead_work(early).dead_macs == 0
    assert dead_work(early).macs == dead_work(late).macs - made.saved_macs == dead_work(late).live_macs


# fmt: off
MOVES = [
    # name                                pipeline behind [2, 12, 12]                                                      new strides
    ("into a 3×3",                        "a: Conv2d(2, 3) -> b: Conv2d(2, 1, stride=2)",                                  [{"a": 2, "b": 1}]),
    ("through a 1×1 into a 3×3",          "a: Conv2d(2, 3) -> b: Conv2d(2, 1) -> ReLU -> c: Conv2d(2, 1, stride=2)",       [{"a": 2, "c": 1}]),
    ("times a stride that is there",      "a: Conv2d(2, 3, stride=2, padding=1) -> b: Conv2d(2, 1, stride=3)",             [{"a": 6, "b": 1}]),
    ("of two layers together",            "a: Conv2d(2, 3) -> b: Conv2d(2, 1, stride=2) -> c: Conv2d(2, 1, stride=2)",     [{"a": 4, "b": 1, "c": 1}]),
    ("into a pool",                       "MaxPool2d(3, stride=1) -> b: Conv2d(2, 1, stride=2)",                           [{"maxpool": 2, "b": 1}]),
    ("of a pool of kernel 1",             "a: Conv2d(2, 3) -> AvgPool2d(1, stride=2)",                                     [{"a": 2, "avgpool": 1}]),
    ("into a 1×1 of the input",           "a: Conv2d(2, 1) -> b: Conv2d(2, 1, stride=2)",                                  [{"a": 2, "b": 1}]),
    ("in groups",                         "a: Conv2d(4, 3, groups=2) -> b: Conv2d(2, 1, stride=2, groups=2)",              [{"a": 2, "b": 1}]),
    ("around a border that is a mirror",  'a: Conv2d(2, 3, padding=1, padding_mode="reflect") -> b: Conv2d(2, 1, stride=2)', [{"a": 2, "b": 1}]),
    ("not past a kernel",                 "a: Conv2d(2, 3) -> b: Conv2d(2, 2, stride=3)",                                  []),
    ("not past a padding",                "a: Conv2d(2, 3) -> b: Conv2d(2, 1, stride=2, padding=1)",                       []),
    ('not into padding="same"',           'a: Conv2d(2, 3, padding="same") -> b: Conv2d(2, 1, stride=2)',                  []),
    ("not into a transposed convolution", "a: ConvTranspose2d(2, 3) -> b: Conv2d(2, 1, stride=2)",                         []),
    ("not into a resize",                 "Upsample(scale_factor=2) -> b: Conv2d(2, 1, stride=2)",                         []),
    ("not past a norm over positions",    "a: Conv2d(2, 3) -> GroupNorm(1) -> b: Conv2d(2, 1, stride=2)",                  []),
    ("not into an activation alone",      "ReLU -> b: Conv2d(2, 1, stride=2)",                                             []),
    ("not past a crop",                   "a: Conv2d(2, 3) -> ZeroPad2d(-1) -> b: Conv2d(2, 1, stride=2)",                 []),
    # Every second of 12 windows makes 6; with a stride of 2 there are 7, the last of which hangs over the end.
    ("not where a pool rounds up to more", "MaxPool2d(3, stride=1, padding=1, ceil_mode=true) -> b: Conv2d(2, 1, stride=2)", []),
    ("where it rounds up to as many",     "MaxPool2d(2, stride=1, ceil_mode=true) -> b: Conv2d(2, 1, stride=2)",            [{"maxpool": 2, "b": 1}]),
]
# fmt: on


@pytest.mark.parametrize(("text", "expected"), [c[1:] for c in MOVES], ids=[c[0] for c in MOVES])
def test_a_stride_moves(text, expected):
    found = dead_work(chain(text, 2, 12, 12))

    assert [{one.node.path: one.after[0] for one in made.strides} for made in found.rewrites] == expected
    check_rewrites(chain(text, 2, 12, 12), found)


REFUSED = {
    "another reads all of the map": "a = x -> a: Conv2d(2, 3)\n output y = a -> b: Conv2d(2, 1, stride=2)\n output z = a -> c: Conv2d(2, 3)",
    "another reads others of it": "a = x -> a: Conv2d(2, 3)\n output y = a -> b: Conv2d(2, 1, stride=2)\n output z = a -> c: Conv2d(2, 1, stride=3)",
    "it is an output": "output a = x -> a: Conv2d(2, 3)\n output y = a -> b: Conv2d(2, 1, stride=2)",
    "training reads all of it": "a = x -> a: Conv2d(2, 3)\n output y = a -> b: Conv2d(2, 1, stride=2)\n output z = a -> c: Conv2d(2, 3) when training",
}


@pytest.mark.parametrize("body", REFUSED.values(), ids=REFUSED)
def test_a_stride_stays_where(body):
    """Beside it something is dead that no stride can cure, so that rewrites are looked for."""
    beside = "output w = x -> d: Conv2d(2, 3) -> e: Conv2d(2, 2, stride=3)"
    found = dead_work(written(f"model Net {{ input x: [2, 12, 12]\n {body}\n {beside} }}"))

    assert by_id(found)["d"].dead
    assert found.rewrites == ()


def test_readers_of_several_strides_give_up_what_they_share():
    text = """model Net { input x: [2, 25, 25]
      a = x -> a: Conv2d(2, 3, padding=1)
      output y = a -> b: Conv2d(2, 1, stride=(4, 2))
      output z = a -> c: Conv2d(2, 1, stride=(6, 1)) }"""
    graph = written(text)
    found = dead_work(graph)
    (made,) = found.rewrites

    assert described(made)[0] == {"a": ((1, 1), (2, 1)), "b": ((4, 2), (2, 2)), "c": ((6, 1), (3, 1))}
    check_rewrites(graph, found)


def test_a_module_that_is_called_twice_keeps_its_stride():
    text = """model Net { input x: [2, 12, 12]
      share a = Conv2d(2, 3)
      p = x -> a
      output y = p -> b: Conv2d(2, 1, stride=2)
      output z = x -> ReLU -> a }"""

    assert dead_work(written(text)).rewrites == ()


def check_rewrites(graph: Graph, found: DeadWork) -> None:
    """Do what every rewrite says to the twin, and compare the outputs and what they cost."""
    import torch
    from torch.nn import functional

    network = Overwritten(graph)
    expected = network.run()
    between = {(s.source.index, s.reader.index): s.stride for made in found.rewrites for s in made.subsampled}
    for made in found.rewrites:
        for one in made.strides:
            module = network.network.get_submodule(one.node.path)
            assert _pair(module.stride) == one.before
            module.stride = one.after
    fed = dict(zip([n.index for n in fed_in(graph)], network.inputs, strict=True))
    values, smaller = dict[int, Any](), 0
    with torch.no_grad():
        for node in twin.evaluated(graph):
            if node.index in fed:
                values[node.index] = fed[node.index]
                continue
            given = []
            for i in node.inputs:
                stride = between.get((i, node.index))
                given.append(values[i] if stride is None else functional.max_pool2d(values[i], 1, stride))
            if node.op.name in twin.FUNCTIONS:
                values[node.index] = twin.FUNCTIONS[node.op.name](node.op)(*given)
            else:
                values[node.index] = network.network.get_submodule(node.path)(*given)
            cost = node.op.macs(graph.types(node), node.output) if node.op.name.startswith("Conv2d") else 0
            smaller += cost - cost * values[node.index][0].numel() // node.output.elements
    for node, value in zip(twin.results(graph), expected, strict=True):
        torch.testing.assert_close(values[node.index], value)
    assert smaller == sum(made.saved_macs for made in found.rewrites) <= found.dead_macs


def _pair(stride: Any) -> tuple[int, int]:
    return stride if isinstance(stride, tuple) else (stride, stride)


@st.composite
def skipping(draw: Any) -> str:
    """Networks of maps of two channels, cut to one size where they join, in which many layers skip positions."""
    pairs = st.tuples(st.integers(1, 3), st.integers(1, 3))
    lines, sizes = [f"input v0: [2, {draw(st.integers(12, 30))}, {draw(st.integers(12, 30))}]"], []
    layers = [
        "c{n}: Conv2d(2, 1, stride={s})", "c{n}: Conv2d(2, 1, stride={s})", "c{n}: Conv2d(2, 1)", "ReLU", "c{n}: BatchNorm2d",
        "c{n}: Conv2d(2, 3, padding=1)", "c{n}: Conv2d(2, 3, stride={s}, padding=1)", "MaxPool2d(1, stride={s})",
        "MaxPool2d(3, stride={s}, padding=1, ceil_mode=true)", "AvgPool2d(2, stride={s}, ceil_mode=true)",
    ]  # fmt: skip
    for number in range(1, draw(st.integers(3, 9))):
        one = max(0, number - draw(st.sampled_from([1, 1, 1, 2, 3])))
        kind = draw(st.sampled_from([*layers, "join", "join"]))
        if kind == "join":
            text = f"v{one} + (v{one} -> c{number}: Conv2d(2, {draw(st.sampled_from(['1', '3, padding=1']))}))"
        else:
            text = f"v{one} -> " + kind.format(n=number, s=draw(pairs))
        lines.append(f"v{number} = {text}")
        sizes.append(one)
    read = set(sizes) | {0}
    body = [line if i in read else f"output {line}" for i, line in enumerate(lines)]
    return "\n".join(["model Net {", *body, "}"])


@settings(max_examples=80)
@given(skipping())
def test_in_random_networks_rewrites_leave_the_outputs_as_they_are(text):
    graph = written(text)
    found = dead_work(graph)

    check_rewrites(graph, found)
    check_that_dead_may_be_anything(graph, found)
