"""`analyze` with its sections, and `why --unit`, as a user types them."""

from __future__ import annotations

import json

import pytest

from archdsl.cli import run

UNET = ["unet.arch", "--model", "UNet"]
RESNET = ["resnet.arch", "--model", "ResNet50"]


def test_rf_lists_the_phases_of_a_unet(capsys):
    """188 and 204 pixels are those of Ronneberger et al. 2015's network, worked by phase."""
    assert run(["analyze", *UNET, "--rf"]) == 0
    head = next(line for line in capsys.readouterr().out.splitlines() if line.endswith("of 16") and "head" in line)

    assert head.split() == "head 204 100 % 1 −94 −5.5 … 5.5 107+107 188 (4), 204 (12) of 16".split()


def test_rf_names_the_layer_that_makes_a_field_the_whole_image(capsys):
    assert run(["analyze", *RESNET, "--rf"]) == 0

    assert any(line.split() == ["fc", "image", "by", "avgpool"] for line in capsys.readouterr().out.splitlines())


def test_the_json_keeps_its_schema_and_gains_the_section(capsys):
    assert run(["analyze", *UNET, "--rf", "--format", "json"]) == 0
    made = json.loads(capsys.readouterr().out)

    assert made["schema"] == "archdsl/analysis@1"
    axes = made["exact_fields"]["head"]["x"]["axes"]
    assert [axis["phases"] for axis in axes] == [[{"size": 188, "units": 4}, {"size": 204, "units": 12}]] * 2
    assert {layer["id"] for layer in made["layers"]} == set(made["exact_fields"])


def test_a_unit_is_told_on_the_plane_and_in_the_image(capsys):
    assert run(["why", *RESNET, "layer4.2.conv3", "--unit", "0,6"]) == 0
    text = capsys.readouterr().out

    assert "rows −213 to 213 (427), columns −21 to 405 (427): 182,329 positions" in text
    assert "rows 0 to 213 (214), columns 0 to 223 (224): 47,936 positions" in text


def test_a_unit_as_json(capsys):
    assert run(["why", *RESNET, "layer4.2.conv3", "--unit", "3,3", "--format", "json"]) == 0
    made = json.loads(capsys.readouterr().out)

    assert made["schema"] == "archdsl/unit@1"
    assert made["inputs"]["image"]["image"] == {"ends": [[0, 223], [0, 223]], "covered": 224**2}


# fmt: off
MISUSES = [
    ("a unit beside the map", ["why", *RESNET, "layer4.2.conv3", "--unit", "7,0"], "0,0 to 6,6"),
    ("too few numbers",       ["why", *RESNET, "layer4.2.conv3", "--unit", "3"], "0,0 to 6,6"),
    ("no number",             ["why", *RESNET, "layer4.2.conv3", "--unit", "a"], "as in 3,4"),
    ("a unit of a module",    ["why", *RESNET, "layer4.2", "--unit", "3,3"], "a layer"),
    ("a unit of a vector",    ["why", *RESNET, "fc", "--unit", "3"], "vector"),
    ("a section as a table",  ["analyze", *UNET, "--rf", "--format", "csv"], "--rf"),
    ("open sizes",            ["why", "-e", "[3, H, W] -> c: Conv2d(3, 3)", "c", "--unit", "0,0"], "--input"),
]
# fmt: on


@pytest.mark.parametrize(("arguments", "told"), [c[1:] for c in MISUSES], ids=[c[0] for c in MISUSES])
def test_a_misuse_says_what_would_be_right(arguments, told, capsys):
    assert run(arguments) == 2
    captured = capsys.readouterr()

    assert told in captured.err
    assert captured.out == ""
