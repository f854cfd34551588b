"""Paths: published numbers, hand counts, every path walked one by one, and a scalar twin of PyTorch's modules.

In the scalar twin each weighted layer multiplies by t, every other module hands its number on, and every function of
several tensors is a sum. Its value is the polynomial of path lengths at t.
"""

from __future__ import annotations

import json
import re
import tracemalloc
from itertools import pairwise
from math import comb, isclose, sqrt
from time import perf_counter

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archdsl.analysis.paths import UNITS, Stretch, is_identity, paths
from archdsl.graph import Graph
from archdsl.report.paths import as_dict, counted, render
from oracles.drafts import networks
from oracles.networks import SPECS, bundled, chain, written
from oracles.twin import real, results


def polynomial(graph: Graph, unit: str = "layers") -> dict[int, int]:
    total = paths(graph, unit=unit).total
    return {length: count for length, count in enumerate(total.histogram, total.shortest) if count}


def residual(blocks: int, layers: int = 1) -> Graph:
    """A stack of blocks x + F(x), where F has so many weighted layers."""
    inner = " -> ".join(f"c{i}: Conv2d(2, 1)" for i in range(layers))
    return written(
        f"block B {{ input x\n output x + (x -> {inner}) }}\n"
        f'model Net {{ input x: [2, 8, 8]\n output y = x -> for i in range({blocks}) {{ "b{{i}}": B }} }}'
    )


# Published numbers, and such as can be worked by hand.

# fmt: off
PUBLISHED = [
    # model            unit            paths       shortest, longest, mean
    ("ResNet18",       "layers",       2**8,       5,        18,      11.5),
    ("ResNet18",       "unprojected",  2**8,       2,        18,      10),
    ("ResNet18",       "activations",  2**8,       9,        17,      13),    # 1 + 8 after the additions, 8 inside
    ("ResNet50",       "layers",       65536,      6,        50,      28),
    ("ResNet50",       "unprojected",  65536,      2,        50,      26),
    ("ResNet152",      "unprojected",  2**50,      2,        152,     77),
    ("PreActResNet50", "unprojected",  65536,      2,        50,      26),
    ("ResNet50D",      "unprojected",  65536,      4,        52,      28),    # a stem of three convolutions
    ("ResNet20B",      "unprojected",  2**9,       2,        20,      11),
    ("ResNet110",      "layers",       2**54,      2,        110,     56),
    ("Plain56",        "layers",       1,          56,       56,      56),
    ("VGG16",          "layers",       1,          16,       16,      16),
    ("VGG19",          "activations",  1,          18,       18,      18),
    ("DenseNet121",    "layers",       2**58,      5,        121,     63),    # 58 layers of 2 convolutions
    ("UNet",           "layers",       5,          5,        23,      14.6),  # 5, 10, 15, 20, 23
    ("GoogLeNet",      "layers",       4**9,       13,       22,      17.5),  # each module 1, 1, 2 or 2
]
# fmt: on


@pytest.mark.parametrize(("model", "unit", "count", "shortest", "longest", "mean"), PUBLISHED)
def test_networks_have_as_many_paths_as_counted_by_hand(model, unit, count, shortest, longest, mean):
    total = paths(bundled(model), unit=unit).total

    assert (total.count, total.shortest, total.longest, float(total.mean)) == (count, shortest, longest, mean)


def test_the_lengths_in_resnet18_are_those_of_five_identities_and_three_projections():
    """t⁵ (1 + t)³ (1 + t²)⁵: the projection of a shortcut is a weighted layer."""
    counts = [1, 3, 8, 16, 25, 35, 40, 40, 35, 25, 16, 8, 3, 1]

    assert polynomial(bundled("ResNet18")) == dict(enumerate(counts, 5))
    assert polynomial(bundled("ResNet18"), "unprojected") == {2 + 2 * k: comb(8, k) for k in range(9)}


def test_54_blocks_are_passed_as_veit_et_al_say():
    """A path through k of the 54 blocks of ResNet-110 has 2k layers more than the first and the last."""
    total = paths(bundled("ResNet110")).total
    blocks = dict(enumerate(total.histogram[::2]))

    assert not any(total.histogram[1::2])
    assert (total.mean - 2) / 2 == 27
    assert total.sd / 2 == pytest.approx(3.674, abs=5e-4)
    assert sum(blocks[k] for k in range(19, 36)) / total.count == pytest.approx(0.98017, abs=5e-6)
    assert sum(blocks[k] for k in range(5, 18)) / total.count == pytest.approx(0.0045367, abs=5e-8)


@pytest.mark.parametrize("blocks", [1, 2, 5, 11])
def test_the_derivative_of_n_residual_blocks_has_2_to_the_n_terms(blocks):
    """∏ (I + ∂F) multiplied out: one term for each choice between I and ∂F."""
    assert polynomial(residual(blocks)) == {k: comb(blocks, k) for k in range(blocks + 1)}


@pytest.mark.parametrize("layers", [1, 2, 6])
def test_a_dense_block_has_2_to_the_layers_paths_and_half_as_many_to_the_last(layers):
    body = "\n".join(f"n{i} = x -> c{i}: Conv2d(2, 1)\nx = concat(x, n{i})" for i in range(layers))
    found = paths(written(f"model Net {{ input x: [2, 8, 8]\n {body}\n output last = n{layers - 1}\n output y = x }}"))

    assert {end: one.count for (_, end), one in found.between.items()} == {"last": 2 ** (layers - 1), "y": 2**layers}
    assert found.total.count == 2 ** (layers - 1) + 2**layers


@pytest.mark.parametrize("depth", [1, 2, 3, 5])
def test_a_unet_has_a_path_for_each_level(depth):
    assert paths(bundled("UNet", depth=depth, base=2)).total.count == depth + 1


def test_open_sizes_do_not_matter():
    graph = written("model Net { input x: [2, H, W]\n output y = (x -> c: Conv2d(2, 3, padding=1)) + x }")

    assert graph.is_symbolic
    assert polynomial(graph) == {0: 1, 1: 1}


def test_what_only_training_runs_has_no_paths():
    found = paths(bundled("GoogLeNet"))

    assert found.outputs == ("logits",)
    assert not [layer.id for layer in found.layers if layer.id.startswith("aux")]


def test_each_reading_and_each_factor_is_a_path():
    text = "model Net {{ input x: [2, 8, 8]\n a = x -> a: Conv2d(2, 1)\n output y = {} }}"

    assert polynomial(written(text.format("a + a"))) == {1: 2}
    assert polynomial(written(text.format("a * x"))) == {0: 1, 1: 1}
    assert polynomial(written(text.format("concat(a, x, a)"))) == {0: 1, 1: 2}


SQUEEZE = """model Net {
    input x: [4, 8, 8]
    gate = x -> AdaptiveAvgPool2d(1) -> a: Conv2d(2, 1) -> ReLU -> b: Conv2d(4, 1) -> Sigmoid
    output y = x * gate
}"""


def test_a_squeeze_and_excitation_gate_is_a_path_of_its_own():
    assert polynomial(written(SQUEEZE)) == {0: 1, 2: 1}
    assert polynomial(written(SQUEEZE), "activations") == {0: 1, 2: 1}


def test_softmax_is_an_activation_and_a_norm_is_not():
    graph = chain("a: Conv2d(2, 1) -> n: BatchNorm2d -> Softmax", 2, 8, 8)

    assert polynomial(graph, "activations") == polynomial(graph, "layers") == {1: 1}


def test_a_projection_stands_beside_a_branch_and_has_a_kernel_of_1():
    text = "model Net {{ input x: [2, 8, 8]\n y = x -> a: Conv2d(2, 3, padding=1) -> ReLU -> b: Conv2d(2, 1)\n output z = {} }}"
    shortest = {
        "y + (x -> p: Conv2d(2, 1))": 0,
        "y + (x -> p: Conv2d(2, 1) -> n: BatchNorm2d)": 0,
        "y + (x -> p: Conv2d(2, 3, padding=1))": 1,
        "y + (x -> p: Conv2d(2, 1) -> ReLU)": 1,
        "y + (x -> p: Conv2d(2, 1) -> q: Conv2d(2, 1))": 2,
        "concat(y, (x -> p: Conv2d(2, 1)))": 1,
    }

    assert {t: paths(written(text.format(t)), unit="unprojected").total.shortest for t in shortest} == shortest
    assert polynomial(residual(3), "unprojected") == polynomial(residual(3))


TWO = """model Net {
    input a: [2, 8, 8]
    input b: [2, 8, 8]
    c = a -> c: Conv2d(2, 1)
    output y = c + b + (c -> d: Conv2d(2, 1))
    output z = c
}"""


def test_pairs_of_inputs_and_outputs_are_told_apart():
    found = paths(written(TWO))
    between = {pair: (one.count, one.shortest, one.longest) for pair, one in found.between.items()}

    assert between == {("a", "y"): (2, 1, 2), ("a", "z"): (1, 1, 1), ("b", "y"): (1, 0, 0)}
    assert (found.total.count, found.total.histogram) == (4, (1, 2, 1))
    assert {x.id: (x.shortest, x.longest, x.through) for x in found.layers} == {"c": (0, 1, 3), "d": (0, 0, 1)}


def test_each_call_of_a_shared_module_is_a_layer_of_its_own():
    text = "model Net { input x: [2, 8, 8]\n share c = Conv2d(2, 1)\n y = x -> c\n output z = y + (y -> c) }"
    found = paths(written(text))

    assert [(x.id, x.shortest, x.longest, x.through) for x in found.layers] == [("c", 0, 1, 2), ("c#1", 0, 0, 1)]


def test_a_unit_that_is_not_known_is_refused():
    with pytest.raises(ValueError, match="layers, unprojected, activations"):
        paths(chain("ReLU", 1, 4, 4), unit="pixels")


# Identity paths.

# fmt: off
ENDS = [
    # name                               output                                                           from where
    ("a residual at the end",            "x + (x -> a: Conv2d(2, 1) -> ReLU -> b: Conv2d(2, 1))",         ("x", "b")),
    ("a dense end",                      "concat(x, (x -> a: Conv2d(2, 1)))",                             ("x", "a")),
    ("an activation in between",         "(x + (x -> a: Conv2d(2, 1))) -> ReLU",                          ()),
    ("a norm in between",                "(x -> a: Conv2d(2, 1)) -> n: BatchNorm2d",                      ("n",)),
    ("dropout, crops and pads",          "crop(x -> a: Conv2d(2, 1) -> ZeroPad2d(1) -> Dropout, left=1)", ("a",)),
    ("a pool of one position",           "x -> a: Conv2d(2, 1) -> AvgPool2d(1, stride=2)",                ("a",)),
    ("such a pool with a divisor",       "x -> a: Conv2d(2, 1) -> AvgPool2d(1, divisor_override=2)",       ()),
    ("a pool of several",                "x -> a: Conv2d(2, 1) -> MaxPool2d(2)",                          ()),
    ("nearest upsampling",               "x -> a: Conv2d(2, 1) -> Upsample(scale_factor=2)",              ("a",)),
    ("bilinear upsampling",              'x -> a: Conv2d(2, 1) -> Upsample(scale_factor=2, mode="bilinear")', ()),
    ("a product",                        "x * (x -> a: Conv2d(2, 1))",                                    ()),
    ("a split and a flattening",         "x -> a: Conv2d(2, 1) -> Flatten",                               ("a",)),
    ("a half of it",                     "0.5 * (x -> a: Conv2d(2, 1))",                                  ()),
]
# fmt: on


@pytest.mark.parametrize(("output", "names"), [e[1:] for e in ENDS], ids=[e[0] for e in ENDS])
def test_an_identity_path_holds_copies_and_sums_alone(output, names):
    assert paths(written(f"model Net {{ input x: [2, 8, 8]\n output y = {output} }}")).identity == names


def test_pre_activation_joins_the_identities_of_a_stage_and_post_activation_does_not():
    """He et al. 2016, arXiv:1603.05027: a ReLU after the addition ends the identity path at each block."""
    after, before = (paths(bundled(model)).stretches for model in ("ResNet50", "PreActResNet50"))

    assert {one.merges for one in after} == {1}
    assert [one.merges for one in before] == [3, 4, 6, 3]
    assert [one.past for one in before] == [6, 9, 15, 6]  # the other blocks of the stage, of three layers each
    assert [one.last for one in before][2] == "stages.2.blocks.5.add"


def test_the_blocks_of_a_densenet_are_identity_paths():
    found = paths(bundled("DenseNet121")).stretches

    assert [(one.merges, one.past) for one in found] == [(n, 2 * n) for n in (6, 12, 24, 16)]
    assert found[0].first == "features.pool0"


def test_each_skip_of_a_unet_is_an_identity_path():
    assert paths(bundled("UNet", depth=2, base=2)).stretches == (
        Stretch("down.1.3", "concat", 1, 3),
        Stretch("down.0.3", "concat_2", 1, 8),
    )


IDENTITIES = [
    "Identity", "Dropout(0.5)", "Dropout2d(0.5)", 'StochasticDepth(0.1, mode="batch")', "Flatten", "Flatten(2)",
    "Unflatten(1, (2, 2))", "ZeroPad2d((1, 0, 2, -1))", "ReflectionPad2d(1)", "ReplicationPad2d((2, 1, 0, 0))",
    "PadChannels(1, 2)", "ChannelShuffle(2)", "PixelShuffle(2)", "PixelUnshuffle(2)", "AvgPool2d(1, stride=2)",
    "MaxPool2d(1, stride=2)", "Upsample(scale_factor=2)", 'Upsample(size=(5, 7), mode="nearest-exact")',
]  # fmt: skip


@pytest.mark.parametrize("layer", IDENTITIES)
def test_what_is_called_an_identity_has_a_derivative_of_zeros_and_ones(layer):
    import torch

    graph = chain(layer, 4, 4, 4)
    derivative = torch.autograd.functional.jacobian(real(graph), torch.randn(1, 4, 4, 4))

    assert is_identity(graph.layers[0].op)
    assert derivative.unique().tolist() == [0, 1]


# Every path, one by one.


def walked(graph: Graph) -> list[tuple[str, str, list[int]]]:
    """Return every path: its input, its output, and the nodes on it."""
    drawn = nx.MultiDiGraph()
    drawn.add_nodes_from(node.index for node in graph.nodes)
    for node in graph.nodes:
        drawn.add_edges_from((i, node.index) for i in node.inputs)
    for name, node in graph.outputs.items():
        if name not in graph.training_outputs:
            drawn.add_edge(node.index, f"out {name}")
    return [
        (start, end, [edge[0] for edge in edges])
        for start, node in graph.inputs.items()
        for end in graph.outputs
        if end not in graph.training_outputs
        for edges in nx.all_simple_edge_paths(drawn, node.index, f"out {end}")
    ]


WEIGHTED = ("Conv", "Linear")


def compare_with_walks(graph: Graph) -> None:
    found, every = paths(graph), walked(graph)
    weighted = {node.index for node in graph.nodes if node.op.name.startswith(WEIGHTED)}
    lengths: dict[tuple[str, str], list[int]] = {}
    for start, end, nodes in every:
        lengths.setdefault((start, end), []).append(len(weighted.intersection(nodes)))

    assert {pair: sorted(listed) for pair, listed in lengths.items()} == {
        pair: [length for length, count in enumerate(one.histogram, one.shortest) for _ in range(count)]
        for pair, one in found.between.items()
    }
    assert found.total.count == len(every)
    for layer in found.layers:
        (index,) = [node.index for node in graph.nodes if node.id == layer.id]
        through = [nodes for _, _, nodes in every if index in nodes]
        behind = [len(weighted.intersection(nodes[nodes.index(index) + 1 :])) for nodes in through]
        assert (layer.through, layer.shortest, layer.longest) == (len(through), min(behind), max(behind))
    for one in found.stretches:
        compare_stretch(graph, one, weighted)


def compare_stretch(graph: Graph, one: Stretch, weighted: set[int]) -> None:
    """Walk from the first node of a stretch to its last."""
    drawn = nx.MultiDiGraph([(i, node.index) for node in graph.nodes for i in node.inputs])
    first, last = (next(node.index for node in graph.nodes if node.id == name) for name in (one.first, one.last))
    ways = [[edge[1] for edge in edges] for edges in nx.all_simple_edge_paths(drawn, first, last)]
    merging = {node.index for node in graph.nodes if len(node.inputs) > 1}

    assert max(len(weighted.intersection(way)) for way in ways) == one.past
    assert one.merges in {len(merging.intersection(way)) for way in ways if not weighted.intersection(way)}


@pytest.mark.parametrize(
    "graph",
    [
        bundled("UNet", depth=2, base=2),
        bundled("InceptionLite"),
        bundled("ResNet18"),
        bundled("DenseNetLite", depth=16),
        written(SQUEEZE),
        written(TWO),
    ],
    ids=["U-Net", "Inception", "ResNet-18", "DenseNet", "gate", "two inputs"],
)
def test_all_paths_walked_one_by_one_are_those_counted(graph):
    compare_with_walks(graph)


@settings(max_examples=80)
@given(networks())
def test_random_networks_have_the_paths_that_are_walked(text):
    compare_with_walks(written(text))


# The scalar twin.


def scalar(graph: Graph, t, unit: str = "layers"):
    """Return the polynomials at `t`, a number or a tensor, summed over the outputs."""
    from torch import fx, nn
    from torch.nn.modules.conv import _ConvNd

    def counts(module):
        if unit == "activations":
            return type(module).__module__ == "torch.nn.modules.activation"
        return isinstance(module, _ConvNd | nn.Linear)

    class Scalar(fx.Interpreter):
        def call_module(self, target, args, kwargs):
            return args[0] * t if counts(self.fetch_attr(target)) else args[0]

        def call_function(self, target, args, kwargs):
            return sum(args)

    found = Scalar(real(graph, device="meta")).run(*[t**0] * len(graph.inputs))
    return sum(found) if len(results(graph)) > 1 else found


def listed(text: str) -> list[str]:
    """Return the first and the last model of a file that needs no arguments."""
    names = re.findall(r"^model (\w+) =", text, re.MULTILINE) or re.findall(r"^model (\w+)\(", text, re.MULTILINE)
    return list(dict.fromkeys([names[0], names[-1]]))


MODELS = [model for path in sorted(SPECS.glob("*.arch")) for model in listed(path.read_text("utf-8"))]


@pytest.mark.parametrize("model", MODELS)
def test_the_polynomial_of_a_bundled_model_is_that_of_the_scalar_twin(model):
    """At a whole number above all coefficients a polynomial says each of them."""
    graph = bundled(model)
    for unit in ("layers", "activations"):
        counts = polynomial(graph, unit)
        large = 10 ** len(str(sum(counts.values())))

        assert scalar(graph, large, unit) == sum(count * large**length for length, count in counts.items())


@pytest.mark.parametrize("model", ["ResNet50", "DenseNet201", "InceptionV3", "EfficientNetB0", "UNet"])
def test_mean_and_deviation_are_the_derivatives_of_the_scalar_twin(model):
    """With f the polynomial, f′(1) / f(1) is the mean and f″(1) / f(1) the mean of n(n − 1)."""
    import torch

    total = paths(bundled(model)).total
    t = torch.ones((), dtype=torch.double, requires_grad=True)
    value = scalar(bundled(model), t)
    (first,) = torch.autograd.grad(value, t, create_graph=True)
    (second,) = torch.autograd.grad(first, t)
    mean, square = (first / value).item(), (second / value).item()

    assert isclose(float(total.mean), mean, rel_tol=1e-12)
    assert isclose(total.sd, sqrt(square + mean - mean**2), rel_tol=1e-9)


@settings(max_examples=60)
@given(networks(), st.integers(0, 5), st.sampled_from(["layers", "activations"]))
def test_the_polynomials_of_random_networks_are_those_of_the_scalar_twin(text, t, unit):
    graph = written(text)

    assert sum(c * t**length for length, c in polynomial(graph, unit).items()) == scalar(graph, t, unit)


# Large networks.


def test_a_residual_net_of_a_thousand_layers_is_counted_by_length():
    """333 blocks of three layers: 3k layers in C(333, k) ways."""
    start = perf_counter()
    counts = polynomial(residual(333, 3))

    assert counts == {3 * k: comb(333, k) for k in range(334)}
    assert perf_counter() - start < 5


def test_where_the_lengths_are_too_many_their_mean_and_number_are_known():
    total = paths(residual(3000)).total

    assert total.histogram is None
    assert (total.count, total.shortest, total.longest, total.mean) == (2**3000, 0, 3000, 1500)
    assert isclose(total.sd, sqrt(750), rel_tol=1e-15)


def test_paths_that_are_too_many_to_count_are_refused():
    graph = written("model Net { input x: [1, 4, 4]\n for i in range(60000) { x = x + x }\n output y = x }")

    with pytest.raises(ValueError, match=r"at least 2\^\d+ paths lead to add_\d+"):
        paths(graph)


def test_of_many_inputs_the_pairs_are_left_out():
    names = [f"x{i}" for i in range(400)]
    feeds = "\n".join(f"input {name}: [2, 4, 4]" for name in names)
    sums = "\n".join(f"y = y + ({b} -> c{b}: Conv2d(2, 1))" for _, b in pairwise(names))
    found = paths(written(f"model Net {{ {feeds}\n y = x0\n {sums}\n output z = y }}"))

    assert found.between == {}
    assert (found.total.count, found.total.histogram) == (400, (1, 399))


def test_of_many_outputs_the_lengths_are_left_out():
    text = "\n".join(
        f"output y{i} = {f'y{i - 1}' if i else 'x'} + ({f'y{i - 1}' if i else 'x'} -> c{i}: Conv2d(2, 1))"
        for i in range(800)
    )
    found = paths(written(f"model Net {{ input x: [2, 4, 4]\n {text} }}"))

    assert {one.histogram for one in found.between.values()} == {None}
    assert found.total.count == 2**801 - 2


def test_polynomials_are_dropped_after_their_last_use():
    """All 900 together, of up to 901 numbers of 113 bytes, would take 46 MB."""
    graph = residual(900)
    tracemalloc.start()
    try:
        paths(graph)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert most < 12e6


def test_the_walk_along_nested_stretches_is_bounded():
    """Each of 300 skips spans all those within it."""
    graph = written(
        """model Net { input x: [2, 4, 4]
        for i in range(300) { skip[i] = x
                              x = x -> "a{i}": Conv2d(2, 1) }
        for i in reversed(range(300)) { x = concat(x, skip[i]) -> "b{i}": Conv2d(2, 1) }
        output y = x }"""
    )
    found = [one.past for one in paths(graph).stretches]
    known = [past for past in found if past is not None]

    assert len(found) == 300
    assert 100 < len(known) < 300
    assert found[: len(known)] == [2 * i + 1 for i in range(len(known))]


# The section.


def test_the_section_begins_with_the_number_of_paths():
    lines = render(paths(bundled("ResNet18"))).splitlines()

    assert lines[0] == "  256 paths from image to logits, of 5 to 18 weighted layers, mean 11.5"
    assert "  11                  40  ████████████████████████" in lines
    assert "  layer1        8         4       16" in lines
    assert any(
        line.startswith("  Identity paths (copies and sums alone) lead from logits back to fc") for line in lines
    )


def test_a_network_of_one_path_has_no_histogram():
    text = render(paths(bundled("VGG16")))

    assert text.startswith("  1 path from image to logits, of 16 weighted layers\n")
    assert "█" not in text


@pytest.mark.parametrize("model", ["ResNet110", "DenseNet201", "InceptionV3", "UNet", "EfficientNetB0", "VGG16"])
@pytest.mark.parametrize("unit", UNITS)
def test_a_section_is_short_and_narrow(model, unit):
    lines = render(paths(bundled(model), unit=unit)).splitlines()

    assert len(lines) < 60
    assert max(map(len, lines)) < 140


def test_a_row_of_the_histogram_holds_as_many_possible_lengths_as_the_next():
    """ResNet-110 has even lengths from 2 to 110: in steps of 6, three to a row."""
    rows = [line.split()[0] for line in render(paths(bundled("ResNet110"))).splitlines()[4:22]]

    assert rows == [f"{low}–{low + 4}" for low in range(2, 108, 6)]


def test_many_inputs_outputs_and_modules_are_cut_short():
    text = "\n".join(f"output y{i} = {f'y{i - 1}' if i else 'x'} -> c{i}: Conv2d(2, 1)" for i in range(100))
    lines = render(paths(written(f"model Net {{ input x: [2, 4, 4]\n {text} }}"))).splitlines()

    assert lines[0] == "  100 paths from x to 100 outputs, of 1 to 100 weighted layers, mean 50.5"
    assert "  and 90 more" in lines
    assert any("(80 more)" in line for line in lines)


# fmt: off
NUMBERS = [
    (1, "1"), (65536, "65,536"), (10**15 - 1, "999,999,999,999,999"), (2**54, "2^54"), (2**100_000, "2^100000"),
    (10**15, "1.000e15"), (123_456 * 10**20, "1.235e25"), (3 * 10**5000, "3.000e5000"), (10**6000 - 1, "1.000e6000"),
]
# fmt: on


@pytest.mark.parametrize(("number", "text"), NUMBERS, ids=[text for _, text in NUMBERS])
def test_large_numbers_are_powers_of_two_or_have_four_digits(number, text):
    assert counted(number) == text


def test_data_keep_all_digits_up_to_2_to_the_53():
    data = json.loads(json.dumps(as_dict(paths(bundled("ResNet110")))))

    assert data["total"]["paths"] == "2^54"
    assert data["total"]["histogram"]["4"] == 54
    assert data["layers"][0] == {"id": "conv1", "shortest": 1, "longest": 109, "paths": "2^54"}
    assert data["between"][0]["mean"] == 56
    assert len(data["total"]["histogram"]) == 55
