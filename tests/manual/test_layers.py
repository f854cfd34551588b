"""The pages of layers: every layer on one, with everything that it declares, and an example that holds."""

from __future__ import annotations

import json
import re

import pytest
import torch
from torch import nn

from archdsl.elaborate.words import ELSEWHERE
from archdsl.manual import text
from archdsl.manual.layers import catalogue, elsewhere, example, group_of, groups, layer
from archdsl.ops import FAMILIES, OPS, REQUIRED
from archdsl.report.json import text as as_json

EVERY_GROUP = pytest.mark.parametrize("group", groups(), ids=lambda group: group.names[0])
EVERY_OP = pytest.mark.parametrize("cls", OPS.values(), ids=lambda cls: cls.name)


def test_every_layer_is_on_one_page_and_in_a_family():
    named = [name for group in groups() for name in group.names]

    assert sorted(named) == sorted(OPS)
    assert {group.family for group in groups()} <= set(FAMILIES)


# fmt: off
TOGETHER = [
    ("Conv2d",        ("Conv1d", "Conv2d", "Conv3d")),
    ("avgpool3d",     ("AvgPool1d", "AvgPool2d", "AvgPool3d")),
    ("BatchNorm1d",   ("BatchNorm1d", "BatchNorm2d", "BatchNorm3d")),
    ("Linear",        ("Linear",)),
    ("ReLU",          ("ReLU",)),
    ("split",         ("chunk",)),
    ("x + y",         ("add",)),
]
# fmt: on


@pytest.mark.parametrize(("asked", "names"), TOGETHER)
def test_layers_for_one_two_and_three_axes_share_a_page(asked, names):
    assert group_of(asked).names == names


def test_the_layer_for_images_stands_for_the_others():
    for name, signature in (("Conv1d", "Conv2d(out_channels,"), ("MaxPool3d", "MaxPool2d(kernel_size,")):
        assert f"  Signature\n    {signature}" in text.render(layer(group_of(name)))


def test_a_name_of_nothing_has_no_page():
    assert group_of("Conv2D") is not None  # only its case differs
    assert group_of("Dense") is None
    assert elsewhere("Conv2x") is None


@EVERY_GROUP
def test_a_page_has_everything_that_is_declared(group):
    page = re.sub(r"\s+", " ", text.render(layer(group), 10_000))

    for cls in group.layers:
        assert cls.name in page
        if cls.is_module:
            for argument in cls.arguments:
                assert argument.name in page
                assert argument.kind.wants in page
    assert group.typical.source in page
    for heading in ("Input", "Output", "Params", "MACs", "Errors"):
        assert f" {heading} " in page


@EVERY_OP
def test_every_layer_has_an_example_whose_numbers_can_be_computed(cls):
    found = example(cls)

    assert found is not None, "give the class an `example`"
    assert cls.name in found.text or not cls.is_module
    assert all(size >= 1 for size in (*found.output, *(size for shape in found.inputs for size in shape)))


@EVERY_OP
def test_an_example_gives_all_arguments_that_are_required(cls):
    required = [a for a in cls.arguments if a.default is REQUIRED]
    found = example(cls)

    assert not cls.is_module or bool(required) <= ("(" in found.text.partition("->")[2])


# fmt: off
NUMBERS = [
    # by hand: weights + biases, and one MAC for each weight and output position
    ("Conv2d",          (32, 30, 30), 32 * 16 * 9 + 32,     32 * 30 * 30 * 16 * 9),
    ("ConvTranspose1d", (32, 102),    16 * 32 * 3 + 32,     16 * 100 * 32 * 3),
    ("Linear",          (32,),        16 * 32 + 32,         16 * 32),
    ("BatchNorm2d",     (16, 32, 32), 2 * 16,               0),
    ("MaxPool2d",       (16, 10, 10), 0,                    0),
    ("concat",          (32, 32, 32), 0,                    0),
    ("chunk",           (8, 32, 32),  0,                    0),
]
# fmt: on


@pytest.mark.parametrize(("name", "output", "params", "macs"), NUMBERS, ids=[row[0] for row in NUMBERS])
def test_the_numbers_of_an_example_are_those_counted_by_hand(name, output, params, macs):
    found = example(OPS[name])

    assert (found.output, found.params, found.macs) == (output, params, macs)


MODULES = sorted(name for name, cls in OPS.items() if cls.is_module and hasattr(nn, name))


@pytest.mark.parametrize("name", MODULES)
def test_the_example_has_the_output_that_pytorch_gives(name):
    found = example(OPS[name])
    inputs = tuple(torch.zeros(2, *shape) for shape in found.inputs)
    analysed = OPS[name]
    made = _torch_module(analysed, found)

    assert tuple(made(*inputs).shape[1:]) == found.output
    assert sum(p.numel() for p in made.parameters()) == found.params


def _torch_module(cls, found):
    """Make the module as a spec's line says, which is how generated code makes it."""
    from archdsl.pipeline import loads
    from archdsl.tensors import TensorType

    shape, _, written = found.text.partition(" -> ")
    graph = loads(f"model M {{ input x: {shape}  output x -> layer: {written} }}").graph
    node = next(node for node in graph.layers if isinstance(node.op, cls))
    call = node.op.module(*(TensorType(s) for s in found.inputs))
    return getattr(nn, call.name.removeprefix("nn."))(*call.positional, **call.keywords)


@pytest.mark.parametrize("word", ELSEWHERE)
def test_every_word_of_another_library_leads_to_a_page(word):
    assert elsewhere(word) is not None
    assert elsewhere(word.upper()) is not None


def test_the_list_names_every_layer_with_its_summary():
    page = text.render(catalogue(), 10_000)

    for group in groups():
        assert f"    {group.names[0]}" in page or group.typical.example in page
        assert group.summary in page
    assert f"{len(OPS)} layers and functions" in page


def test_the_json_of_the_list_holds_every_signature():
    made = json.loads(as_json(dict(catalogue().facts)))
    signatures = [one["signature"] for page in made["pages"] for one in page["layers"]]

    assert made["schema"] == "archdsl/ops@1"
    assert sorted(signatures) == sorted(cls.signature() for cls in OPS.values())
    (linear,) = [one for page in made["pages"] for one in page["layers"] if one["name"] == "Linear"]
    assert linear["arguments"][0] == {
        "name": "out_features",
        "required": True,
        "default": None,
        "wants": "a whole number from 1 up",
    }
    assert linear["example"]["params"] == 544


@EVERY_GROUP
def test_every_page_is_made_of_signs_that_ascii_stands_in_for(group):
    text.ascii_signs(text.render(layer(group))).encode("ascii")
