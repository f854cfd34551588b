"""Functions of the input sizes: equal to the plain analysis at every size, to PyTorch at the edge, to counting by hand."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from archdsl.analysis.input_sizes import InputSizes, input_sizes
from archdsl.diagnostics import SpecError
from archdsl.elaborate import Request, UsageError
from archdsl.pipeline import read
from oracles.drafts import networks
from oracles.networks import SPECS, bundled
from oracles.plain_sizes import FAMILIES, bundled_text, differences, module, opened, plain
from oracles.twin import real


def sizes_of(file: str, model: str) -> InputSizes:
    return opened(bundled_text(file), model)


def written(body: str, shape: str = "[3, H, W]") -> InputSizes:
    return opened(f"model Net {{\n input x: {shape}\n {body}\n}}", "Net")


def chain(text: str, shape: str = "[3, H, W]") -> InputSizes:
    return written(f"output y = x -> {text}", shape)


# Against the plain analysis.


def test_every_bundled_file_has_a_model_here():
    assert {file for file, _ in FAMILIES} == {path.stem for path in SPECS.glob("*.arch")}


@pytest.mark.parametrize(("file", "model"), FAMILIES, ids=[model for _, model in FAMILIES])
def test_the_functions_are_the_plain_analysis_at_every_size(file, model):
    """A stride of sizes here; tests/benchmarks/input_sizes.py takes every size up to 600."""
    text, found = bundled_text(file), sizes_of(file, model)
    smallest = found.smallest["H"]
    heights = {*range(max(1, smallest - 2), smallest + 3), *range(smallest, 601, 59), *range(256, 288, 5)}
    for height in sorted(heights):
        for width in (height, found.requirement("W").nearest(617 - height)[1]):
            assert list(differences(found, text, model, height, width)) == [], (height, width)


@pytest.mark.parametrize(("file", "model"), FAMILIES, ids=[model for _, model in FAMILIES])
def test_nothing_below_the_smallest_size_works(file, model):
    text, found = bundled_text(file), sizes_of(file, model)
    smallest = found.smallest

    assert plain(text, model, smallest["H"], smallest["W"]) is not None
    for size in range(max(1, smallest["H"] - 16), smallest["H"]):
        assert plain(text, model, size, smallest["W"]) is None
        assert plain(text, model, smallest["H"], size) is None


def where_exact(text: str) -> InputSizes | None:
    """Return a network with open sizes; `None` where a choice needs a number, as what a size itself decides."""
    try:
        return opened(text, "Net")
    except SpecError as error:
        if any(d.rule.name != "size-needed" for d in error.diagnostics):
            raise
        return None


@settings(max_examples=40)
@given(networks(), st.lists(st.tuples(st.integers(1, 60), st.integers(1, 60)), min_size=12, max_size=12))
def test_random_networks_are_the_plain_analysis_at_every_size(text, places):
    found = where_exact(text)
    assume(found is not None)
    for height, width in places:
        assert list(differences(found, text, "Net", height, width)) == [], (height, width)


# Against PyTorch.


def forward(graph, height: int, width: int) -> tuple[int, ...]:
    import torch

    (fed,) = graph.inputs.values()
    x = torch.zeros(2, fed.output.channels, height, width, device="meta")
    return tuple(real(graph, device="meta")(x).shape)


# fmt: off
SMALLEST = [
    # file          our model        torchvision's
    ("alexnet",     "AlexNet",       "alexnet"),
    ("vgg",         "VGG16",         "vgg16"),
    ("googlenet",   "GoogLeNet",     "googlenet"),
    ("densenet",    "DenseNet121",   "densenet121"),
    ("resnet",      "ResNet50",      "resnet50"),
]
# fmt: on
PUBLISHED = {"alexnet": 63, "vgg16": 32, "googlenet": 15, "densenet121": 29, "resnet50": 1}
"""`min_size` of torchvision's metadata."""


@pytest.mark.parametrize(("file", "model", "published"), SMALLEST, ids=[row[1] for row in SMALLEST])
def test_the_smallest_size_is_the_one_pytorch_runs_at(file, model, published):
    found = sizes_of(file, model)
    least = PUBLISHED[published]

    assert found.smallest == {"H": least, "W": least}
    graph = bundled(model)
    assert forward(graph, least, least) == (2, 1000)
    if least > 1:
        with pytest.raises(RuntimeError):
            forward(graph, least - 1, least)


def test_a_unet_takes_in_pytorch_what_it_takes_here():
    found, graph = sizes_of("unet", "UNet"), bundled("UNet")

    for height in range(660, 700):
        if found.works({"H": height, "W": 32}):
            assert forward(graph, height, 32) == (2, 2, height, 32)
        else:
            with pytest.raises(RuntimeError):
                forward(graph, height, 32)


def test_a_lenet_built_at_32_takes_32_to_35():
    found, graph = sizes_of("lenet", "LeNet5"), bundled("LeNet5")
    (fixed,) = found.fixed

    assert (fixed.node.id, fixed.weight) == ("fc1", "weight")
    taken = found.as_built(fixed, "H", {"H": 32, "W": 32})
    assert taken is not None
    assert str(taken) == "32 <= H <= 35"
    for height in range(16, 50):
        if taken.holds(height):
            assert forward(graph, height, 32) == (2, 10)
        else:
            with pytest.raises(RuntimeError):
                forward(graph, height, 32)


def test_the_reference_names_the_same_smallest_sizes():
    reference = Path("/work/shared/reference/receptive_fields.json")
    if reference.exists():
        assert json.loads(reference.read_text("utf-8"))["min_input_size"]["values"] == PUBLISHED


# Counted by hand, or published.

# fmt: off
REQUIREMENTS = [
    # file            model             H works where     nothing is dropped where
    ("resnet",        "ResNet50",       "any H",          "any H"),
    ("efficientnet",  "EfficientNetB0", "any H",          "any H"),
    ("vgg",           "VGG16",          "H >= 32",        "H % 32 == 0"),
    ("densenet",      "DenseNet121",    "H >= 29",        "H % 32 in (0, 29, 30, 31)"),
    ("unet",          "UNet",           "H % 16 == 0",    "H % 16 == 0"),
    ("unet",          "UNetValid",      "H >= 188",       "H >= 188 and H % 16 == 12"),
    ("lenet",         "LeNet5",         "H >= 16",        "H >= 16 and H % 4 == 0"),
    ("inception_v3",  "InceptionV3",    "H >= 299",       "H >= 299 and H % 96 == 11"),
]
# fmt: on


@pytest.mark.parametrize(("file", "model", "works", "kept"), REQUIREMENTS, ids=[row[1] for row in REQUIREMENTS])
def test_what_a_model_requires(file, model, works, kept):
    found = sizes_of(file, model)

    assert str(found.requirement("H")) == works
    assert str(found.kept["H"]) == kept
    assert str(found.requirement("W")) == works.replace("H", "W")


def test_each_level_of_a_unet_asks_for_one_bit():
    found = sizes_of("unet", "UNet")
    asked = [str(d.condition) for d in found.demands if d.condition.domain.name == "H" and d.condition.period > 1]

    assert asked == ["H % 16 < 8", "H % 8 < 4", "H % 4 < 2", "H % 2 == 0"]


def test_the_unet_of_the_paper_maps_572_to_388_and_loses_184():
    found = sizes_of("unet", "UNetValid")
    (masks,) = found.graph.outputs.values()

    assert found.shape(masks, {"H": 572, "W": 572}) == (2, 388, 388)
    for height in range(188, 700):
        lost = height - found.shape(masks, {"H": height, "W": 572})[1]
        assert lost == 184 if height % 16 == 12 else 184 < lost <= 199


def test_training_may_ask_for_more_than_evaluation():
    """torchvision's InceptionV3 runs from 75 on; its second output needs the 17 rows that 299 give."""
    found = sizes_of("inception_v3", "InceptionV3")

    assert found.smallest == {"H": 299, "W": 299}
    assert {name: str(condition) for name, condition in found.in_evaluation.items()} == {"H": "H >= 75", "W": "W >= 75"}
    assert sizes_of("resnet", "ResNet18").in_evaluation == {}


def test_costs_of_one_convolution_are_counted_by_hand():
    found = chain("Conv2d(8, 3, padding=1, bias=false)")
    form = found.form

    assert form is not None
    assert str(form.macs) == "216*H*W"  # 8 filters of 3·3·3, at every position
    assert str(form.activations) == "32*H*W"  # 8 floats
    assert str(form.peak.bytes) == "44*H*W"  # and the 3 of the input
    assert str(found.costs.params) == "216"


def test_a_stride_makes_a_period():
    form = chain("Conv2d(8, 3, stride=2, padding=1)").form

    assert {d.name: (one.period, one.rest) for d, one in form.residues.of.items()} == {"H": (2, 0), "W": (2, 0)}
    assert str(form.macs) == "216*h*w"  # at h rows of w columns, H = 2·h


def test_a_residue_is_that_of_the_given_size():
    form = chain("Conv2d(8, 3, stride=2, padding=1)", "[3, H = 33, W = 32]").form

    assert {d.name: one.rest for d, one in form.residues.of.items()} == {"H": 1, "W": 0}
    assert str(form.macs) == "216*h*w + 216*w"  # at (h + 1) rows


def test_published_macs_of_a_resnet_50():
    found = sizes_of("resnet", "ResNet50")

    assert found.costs.macs.at({"H": 224, "W": 224}) == 4_089_184_256
    assert str(found.form.macs) == "83410944*h*w + 2048000"


def test_the_peak_says_from_where_on_it_holds():
    found = chain("a: Conv2d(4, 1) -> AdaptiveAvgPool2d(1) -> b: Conv2d(1500, 1)")
    peak, starts = found.form.peak, found.form.from_sizes()

    assert found.graph.nodes[peak.node].id == "a"
    assert str(peak.bytes) == "28*H*W"  # 3 + 4 floats
    # `b` holds 1504 floats: 7·n·n are more from n = 15 on.
    assert starts == {"H": 15, "W": 15}
    assert found.costs.peak({"H": 14, "W": 14}) == (1504 * 4, 3)
    assert found.costs.peak({"H": 15, "W": 15}) == (7 * 225 * 4, 1)


def test_the_layer_of_the_peak_is_the_first_where_two_have_it():
    """16 floats of the vector make way for the map: at 4 by 4 both layers have the same alive, and the first has it."""
    text = """model Net {
        input v: [16]
        input x: [1, H, W]
        output v -> first: Linear(3)
        output x -> second: Conv2d(1, 1)
    }"""
    found = opened(text, "Net")
    nodes = {node.id: node.index for node in found.graph.nodes}

    assert found.costs.peak({"H": 4, "W": 4}) == ((16 + 16 + 3) * 4, nodes["first"])
    assert found.costs.peak({"H": 5, "W": 5}) == ((25 + 25 + 3) * 4, nodes["second"])
    assert found.form.peak.node == nodes["second"]
    assert found.form.from_sizes() == {"H": 5, "W": 5}


def test_sizes_of_several_inputs_stay_tied_and_apart():
    text = """model Net {
        input a: [1, S, S]
        input b: [2, S, T]
        output (a -> Conv2d(2, 3)) + (a -> Conv2d(2, 3))
        output b -> Conv2d(2, 5)
    }"""
    found = opened(text, "Net")

    assert {name: str(found.requirement(name)) for name in found.symbols} == {"S": "S >= 5", "T": "T >= 5"}


def test_numbers_at_the_same_place_of_two_inputs_are_one_size():
    text = "model Net {\n input a: [1, 32, 32]\n input b: [1, 32, 16]\n output a -> Conv2d(1, 3)\n output b\n}"
    found = opened(text, "Net")

    assert found.given == {"H": 32, "W": 32, "W2": 16}
    assert [str(size) for size in found.graph.inputs["b"].output.shape] == ["1", "H", "W2"]


def test_an_opened_number_takes_no_name_that_the_model_uses():
    found = written("let H = 3\n output y = x -> Conv2d(H, 3)", "[3, 32, 32]")

    assert list(found.symbols) == ["H2", "W"]


def test_parameters_as_sizes_are_opened_too():
    text = "model Net(size: int = 64) {\n input x: [3, size, size]\n output x -> Conv2d(size, 5)\n}"
    found = opened(text, "Net")

    assert found.given == {"H": 64, "W": 64}
    assert [str(size) for size in found.shapes[-1].shape] == ["64", "H - 4", "W - 4"]


def test_an_alias_of_a_model_with_numbers_is_opened():
    text = bundled_text("lenet") + "\nmodel Digits = LeNet5(classes=3)\nmodel Ten = Digits()"
    found = opened(text, "Ten")

    assert found.smallest == {"H": 16, "W": 16}
    assert found.graph.outputs["logits"].output.shape == (3,)


def test_a_size_that_is_kept_is_a_number():
    found = input_sizes(read("unet.arch"), Request("UNet", sizes={"W": 224}))

    assert list(found.symbols) == ["H"]
    assert [str(size) for size in found.shapes[-1].shape] == ["2", "H", "224"]
    # 733,888 a pixel.
    assert found.costs.macs.at({"H": 16}) == 733_888 * 16 * 224


def test_only_some_sizes_of_a_decoder_meet_the_input():
    """What follows the flattened map has 8 rows, whatever comes in."""
    found = chain("body: Conv2d(3, 3, padding=1) -> tail: Identity", "[3, H, W]")
    assert str(found.requirement("H")) == "any H"
    body = "c = x -> AdaptiveAvgPool2d(1) -> Flatten -> l: Linear(192) -> Unflatten(1, (3, 8, 8))\n output x + c"
    found = written(body)

    assert str(found.requirement("H")) == "H == 8"
    assert found.form is None


def test_where_nothing_fits_every_layer_is_named_that_drops_always():
    found = chain("AdaptiveAvgPool2d(7) -> MaxPool2d(2)")

    assert [node.id for node in found.dropping] == ["maxpool"]
    assert [(d.unit, d.lost, d.of) for d in found.dropped({"H": 9, "W": 9})] == [("rows", 1, 7), ("columns", 1, 7)]


# What has no form.


def test_a_block_that_reads_the_flattened_size_needs_a_number():
    text = """block Half {
        input x: [c]
        output x -> l: Linear(c // 2)
    }
    model Net {
        input x: [1, H = 8, W = 8]
        output x -> Flatten -> top: Half
    }"""
    with pytest.raises(SpecError, match="needs a known input size"):
        opened(text, "Net")
    found = opened(text.replace("c // 2", "3"), "Net")
    assert str(found.costs.params) == "3*H*W + 3"


def test_a_requirement_on_the_flattened_size_needs_a_number():
    text = """block Head {
        input x: [64]
        output x -> l: Linear(2)
    }
    model Net {
        input x: [1, H = 8, W = 8]
        output x -> Flatten -> top: Head
    }"""
    with pytest.raises(SpecError, match="needs a known input size"):
        opened(text, "Net")


def test_the_peak_has_no_form_where_a_cut_map_is_flattened():
    found = written("output y = crop(x, left=1) -> Flatten -> l: Linear(2)")

    assert found.costs.schedule is None
    assert found.costs.peak({"H": 8, "W": 8}) is None
    assert str(found.costs.macs).replace(" ", "") == "6*H*(W-1)"


def test_a_vector_has_no_sizes():
    found = chain("l: Linear(3)", "[40]")

    assert found.symbols == {}
    assert found.costs.macs.at({}) == 120


@pytest.mark.parametrize(("batch", "dtype"), [(0, "float32"), (1, "float3")])
def test_a_batch_and_a_dtype_are_checked(batch, dtype):
    with pytest.raises(UsageError):
        input_sizes(read("lenet.arch"), Request("LeNet5"), batch, dtype)


def test_a_batch_multiplies_memory_alone():
    one, eight = (input_sizes(read("lenet.arch"), Request("LeNet5"), n, "float16").costs for n in (1, 8))
    at = {"H": 32, "W": 32}

    assert eight.activations.at(at) == 8 * one.activations.at(at)
    assert eight.peak(at)[0] == 8 * one.peak(at)[0]
    assert eight.macs.at(at) == one.macs.at(at) == 416_520


def test_a_model_that_no_size_helps_is_an_error():
    wrong = module("model Net {\n input x: [3, H = 8, W = 8]\n output x -> Conv2d(4, 3, groups=2)\n}")

    with pytest.raises(SpecError, match=re.escape("groups")):
        input_sizes(wrong, Request("Net"))
