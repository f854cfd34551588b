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
        "Ends all read at every size that works",
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

    assert "Ends all read where H % 32 == 0 and W % 32 == 0" in said
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
    (head,) = [layer for layer in made["layers"] if layer["path"] == "head"]
    assert (head["call"], head["output"]) == (0, [2, "H", "W"])


def test_what_strides_step_over_is_not_said_to_be_read():
    """The shortcuts of a ResNet read one row of two, and with a stride of their own nothing is left at the end."""
    said = lines("resnet.arch", "--model", "ResNet50")

    assert "Ends all read at every size that works" in said
    shortcuts = ", ".join(f"layer{stage}.0.downsample.0" for stage in (2, 3, 4))
    assert f"Stepped over positions by {shortcuts}, at any size" in said
    assert not any(line.startswith("Stepped over") for line in lines("vgg.arch", "--model", "VGG11"))


TABLES = (
    "[3, H, W] -> a: Conv2d(4, 3, stride=3, padding=1) -> Upsample(scale_factor=5) -> p: MaxPool2d(7, stride=4)"
    " -> Upsample(scale_factor=3) -> q: Conv2d(8, 5, stride=7, padding=2)"
)


def read(document, terms, values):
    """Return what a sum of products of functions is at these sizes, by the words of the documentation alone."""
    whole = 0
    for term in terms:
        product = term["coefficient"]
        for place in term["factors"]:
            one = document["functions"][place]
            turn, rest = divmod(values[one["of"]], one["period"])
            offset = [offset for start, offset in one["offsets"] if start <= rest][-1]
            product *= one["slope"] * turn + offset
        whole += product
    return whole


def holds(members, size):
    turn, rest = divmod(size, members["period"])
    rows = [row for row in members["rows"] if row["rests"][0] <= rest <= row["rests"][1]]
    return any(start <= turn and (end is None or turn <= end) for row in rows for start, end in row["turns"])


@pytest.mark.parametrize("high", [4, 5, 29, 83, 84, 200])
def test_json_has_what_texts_cut_short(high):
    """Counted at numbers by hand: sizes along the layers, by the definitions of their windows."""
    made = json.loads(sizes("-e", TABLES, "--format", "json").stdout)

    def along(size):
        a = (size + 2 - 3) // 3 + 1
        p = (5 * a - 7) // 4 + 1
        return a, p, (3 * p + 4 - 5) // 7 + 1

    (a, _, q), (_, _, wide) = along(high), along(31)
    last = made["layers"][-1]["terms"]
    values = {"H": high, "W": 31}
    assert "…" in str(made["outputs"])
    assert [last[0], *(read(made, terms, values) for terms in last[1:])] == [8, q, wide]
    assert read(made, made["terms"]["params"], values) == 4 * 27 + 4 + 8 * 100 + 8
    macs = a * along(31)[0] * 4 * 27 + q * wide * 8 * 100
    assert read(made, made["terms"]["macs"], values) == macs


def test_json_has_the_sizes_that_work_and_those_that_drop_nothing_as_sets():
    unet = json.loads(sizes("unet.arch", "--model", "UNet", "--format", "json").stdout)
    vgg = json.loads(sizes("vgg.arch", "--model", "VGG11", "--format", "json").stdout)

    works, kept = unet["sizes"]["H"]["works"], vgg["sizes"]["W"]["drops_nothing"]
    assert [n for n in range(1, 100) if holds(works, n)] == [16, 32, 48, 64, 80, 96]
    assert [n for n in range(1, 100) if holds(kept, n)] == [32, 64, 96]
    assert all("…" not in str(one) for one in (works, kept, unet["functions"], unet["terms"], unet["form"]))
    assert unet["form"]["terms"]["macs"] == [{"coefficient": 187_875_328, "factors": ["h", "w"]}]


def test_sixteen_strides_in_a_row_are_told_exactly():
    """H is halved sixteen times and rounded up: ⌈H / 65,536⌉; one multiply-add of 8·8·9 for each position."""
    layers = " -> ".join(f"c{i}: Conv2d(8, 3, stride=2, padding=1)" for i in range(16))
    made = json.loads(sizes("-e", f"[8, H, W] -> {layers}", "--format", "json").stdout)

    last = made["layers"][-1]["terms"]
    for size in (1, 65_535, 65_536, 65_537, 10**6):
        assert read(made, last[1], {"H": size, "W": 1}) == -(-size // 65_536)
    whole = sum(-(-(10**6) // 2**level) for level in range(1, 17))
    assert read(made, made["terms"]["macs"], {"H": 10**6, "W": 1}) == 576 * whole


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
