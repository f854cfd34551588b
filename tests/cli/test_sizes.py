"""`archdsl sizes`: what it prints, and how it ends."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from click.testing import CliRunner

from archdsl.cli import cli, run


def sizes(*arguments: str):
    return CliRunner().invoke(cli, ["sizes", *arguments], standalone_mode=False)


def lines(*arguments: str) -> list[str]:
    result = sizes(*arguments)
    assert result.exception is None
    assert result.return_value == 0
    return [" ".join(line.split()) for line in result.stdout.splitlines()]


def test_a_unet_says_what_it_needs():
    said = lines("unet.arch", "--model", "UNet")

    assert said[0] == "UNet input x 1×H×W float32, batch 1"
    for line in (
        "Works where H % 16 == 0 and W % 16 == 0",
        "Smallest 16×16",
        "Nothing dropped at every size that works",
        "256×256 works",
        "Output masks 2×H×W",
        "Where H = 16·h and W = 16·w",
        "MACs 187,875,328·h·w 733,888 a pixel",
        "concat H % 16 < 8 W % 16 < 8",
        "maxpool#3 MaxPool2d(2) 512×H//16×W//16",
    ):
        assert line in said


def test_a_size_that_does_not_work_is_a_finding_with_its_neighbours():
    result = sizes("unet.arch", "--model", "UNet", "--at", "684")

    assert result.return_value == 1
    said = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert "684×684 does not work" in said
    assert "H = 684 is not one with H % 16 == 0; nearest 672 or 688" in said
    assert "concat asks for H % 16 < 8" in said
    assert "height differs (85 vs 84)" in result.stderr


def test_a_size_that_works_gets_its_numbers():
    said = lines("resnet.arch", "--model", "ResNet50", "--at", "224")

    assert "Output logits 1000" in said
    assert "MACs 4,089,184,256 = 4.09 G" in said
    assert "MACs 83,410,944·h·w + 2,048,000 81,456 a pixel" in said
    assert "layer1 Stage 256×((H + 3)//4)×((W + 3)//4)" in said


def test_what_is_left_unread_is_told():
    said = lines("vgg.arch", "--model", "VGG11", "--at", "40x64")

    assert "Nothing dropped where H % 32 == 0 and W % 32 == 0" in said
    assert "40×64 works, and leaves some unread:" in said
    assert "features.15, the last 1 of 5 rows" in said


def test_a_linear_layer_behind_a_map_tells_what_its_module_takes():
    said = lines("lenet.arch")

    assert "fc1.weight is 120×(16*(H//4 - 3)*(W//4 - 3))" in said
    assert "built at 32×32 the module takes 32 <= H <= 35 and 32 <= W <= 35, where one size changes alone" in said


def test_training_and_evaluation_are_told_apart():
    said = lines("inception_v3.arch")

    assert "in evaluation H >= 75 and W >= 75" in said
    assert "AuxLogits.conv1.conv (training) H >= 299 W >= 299" in said


def test_a_size_may_be_kept():
    said = lines("unet.arch", "--model", "UNet", "-D", "W=224")

    assert "Works where H % 16 == 0" in said
    assert "Output masks 2×H×224" in said


def test_input_says_what_is_looked_at():
    assert sizes("unet.arch", "--model", "UNet", "--input", "1x100x96").return_value == 1
    assert "96×96 works" in lines("unet.arch", "--model", "UNet", "--input", "1x96x96")


def test_every_layer_has_a_row_where_all_are_wanted():
    short, long = lines("resnet.arch", "--model", "ResNet18"), lines("resnet.arch", "--model", "ResNet18", "--all")

    assert not any(line.startswith("layer1.0.conv1") for line in short)
    row = "layer1.0.conv1 Conv2d(64, 3, padding=1, bias=false) 64×((H + 3)//4)×((W + 3)//4)"
    assert row in long


def test_a_pipeline_without_sizes_is_told_so():
    assert "Works where the inputs have no sizes that could differ" in lines("-e", "[40] -> Linear(3)")


def test_json_has_the_functions():
    result = sizes("unet.arch", "--model", "UNet", "--at", "100x96", "--format", "json")
    made = json.loads(result.stdout)

    assert result.return_value == 1
    assert made["schema"] == "archdsl/sizes@1"
    assert made["outputs"] == {"masks": [2, "H", "W"]}
    height = made["sizes"]["H"]
    assert (height["requirement"], height["smallest"], height["given"]) == ("H % 16 == 0", 16, 256)
    assert (height["at"], height["at_most"], height["at_least"]) == (100, 96, 112)
    assert made["at"]["works"] is False
    assert made["form"]["macs"] == "187875328*h*w"
    assert eval(made["macs"], {"H": 256, "W": 256}) == 187_875_328 * 256
    asked = [one["condition"] for one in made["demands"] if one["size"] == "H"]
    assert asked[-1] == "H % 2 == 0"
    assert {"path": "head", "call": 0, "output": [2, "H", "W"]} in made["layers"]


def test_the_same_json_every_time():
    outputs = {
        subprocess.run(
            [sys.executable, "-m", "archdsl", "sizes", "googlenet.arch", "--model", "GoogLeNet", "--format", "json"],
            check=True, capture_output=True, env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
        ).stdout
        for seed in "12"
    }  # fmt: skip

    assert len(outputs) == 1


# fmt: off
MISUSES = [
    (("--at", "0"),              "sizes from 1 to 2147483648"),
    (("--at", "-5"),             "whole numbers"),
    (("--at", "H"),              "whole numbers, as in --at 684 or --at 684x572"),
    (("--at", "99999999999"),    "sizes from 1 to 2147483648"),
    (("--at", "64x64x64"),       "has 3 numbers; the sizes are H and W"),
    (("--batch", "0"),           "a batch is a whole number"),
    (("--dtype", "float3"),      "there is no dtype `float3`"),
    (("-D", "Q=3"),              "no parameter or size `Q`"),
    (("--model", "UNets"),       "did you mean `UNet`?"),
]
# fmt: on


@pytest.mark.parametrize(("arguments", "said"), MISUSES, ids=[" ".join(row[0]) for row in MISUSES])
def test_misuse_is_told_and_ends_with_2(arguments, said, capsys):
    model = () if "--model" in arguments else ("--model", "UNet")

    assert run(["sizes", "unet.arch", *model, *arguments]) == 2
    assert said in capsys.readouterr().err


def test_a_size_that_is_asked_of_a_vector_is_misuse(capsys):
    assert run(["sizes", "-e", "[40] -> Linear(3)", "--at", "3"]) == 2
    assert "no size of the input is open" in capsys.readouterr().err


def test_errors_of_the_spec_are_findings(capsys):
    assert run(["sizes", "-e", "[3, H, W] -> Conv2d(8, 3, groups=2)"]) == 1
    assert "groups" in capsys.readouterr().err
