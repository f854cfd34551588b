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


# fmt: off
SECTIONS = [
    # flags                                        what stands in the text
    ([*RESNET[:1], "--model", "ResNet50V1", "--dead"], "375,717,888 of 3,857,973,248 MACs (9.74 %)"),  # MATHS, 3
    ([*RESNET, "--dead"],                          "none: every position of every map is read"),
    ([*RESNET[:1], "--model", "ResNet18", "--paths"], "256 paths from image to logits, of 5 to 18 weighted layers, mean 11.5"),
    (["vgg.arch", "--model", "VGG16", "--paths"],  "1 path from image to"),
    (["vgg.arch", "--model", "VGG16", "--erf"],    "212  110.6      52%"),  # 4 · √(9167 / 12)
    ([*RESNET, "--structure"],                     "image of 75×75 to 427×427"),  # published by rfa_toolbox
    ([*RESNET, "--memory"],                        "weights                   97.5 MiB"),  # 25,557,032 numbers of 4 bytes
]
# fmt: on


@pytest.mark.parametrize(("arguments", "told"), SECTIONS, ids=[f"{c[0][-2]} {c[0][-1]}" for c in SECTIONS])
def test_a_section_tells_what_is_published(arguments, told, capsys):
    assert run(["analyze", *arguments]) == 0
    text = capsys.readouterr().out

    assert told in text
    assert "\n\n\n" not in text


def test_all_sections_at_once_are_keys_of_the_json(capsys):
    flags = ["--rf", "--erf", "--paths", "--memory", "--structure", "--dead"]
    assert run(["analyze", *UNET, *flags, "--format", "json"]) == 0
    made = json.loads(capsys.readouterr().out)

    keys = {"exact_fields", "effective_fields", "paths", "training_memory", "structure", "dead_work"}
    assert keys <= made.keys()
    assert all(made[key] for key in keys)


def test_memory_is_of_the_training_that_is_asked_for(capsys):
    """Adam keeps two numbers a weight, plain descent none; 25,557,032 weights of 4 bytes."""
    found = []
    for chosen in ([], ["--optimizer", "sgd", "--batch", "4"], ["--amp", "bf16"], ["--checkpoint", "block"]):
        assert run(["analyze", *RESNET, "--memory", "--format", "json", *chosen]) == 0
        found.append(json.loads(capsys.readouterr().out)["training_memory"])
    plain, descent, low, blocks = found

    assert (plain["optimizer"], plain["optimizer_states"]) == ("adam", 2 * 4 * 25_557_032)
    assert (descent["optimizer"], descent["optimizer_states"], descent["batch"]) == ("sgd", 0, 4)
    assert (low["amp"], plain["amp"]) == ("bf16", None)
    assert (plain["checkpoints"], blocks["checkpoints"]) == (0, 16)
    assert blocks["peak"] < plain["peak"]


def test_why_gives_the_metrics_that_are_asked_for_as_json_too(capsys):
    assert run(["why", *RESNET, "layer1.0.conv1", "--metric", "paths,rf", "--format", "json"]) == 0
    made = json.loads(capsys.readouterr().out)

    assert [section["metric"] for section in made["sections"]] == ["rf", "paths"]


def test_why_says_in_its_help_which_metrics_are_of_a_layer_alone(capsys):
    assert run(["why", "--help"]) == 0

    assert "of a layer alone: paths, dead, saved, erf" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("flag", ["--dead", "--memory"])
def test_a_section_that_needs_sizes_says_so(flag, capsys):
    assert run(["analyze", "-e", "[3, H, W] -> c: Conv2d(3, 3)", flag]) == 2

    assert f"{flag} needs the sizes" in capsys.readouterr().err


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


def test_why_derives_the_structural_numbers_that_are_asked_for(capsys):
    """27 + 2·4 pixels, 4 ways in (2 blocks before it) and 2¹³ out of it (13 behind it), every fourth position read."""
    asked = ["--metric", "rf,paths,dead,saved,erf"]
    assert run(["why", "resnet.arch", "--model", "ResNet50V1", "layer1.2.conv2", *asked]) == 0
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]

    assert "RF 27 + (3 − 1)·4 = 35" in lines
    assert f"paths through it: {2**2} · {2**13:,} = {2**15:,} of {2**16:,} in all" in lines
    assert "dead read: positions that anything reads = 784 of 3,136" in lines
    assert f"dead MACs: 115,605,504 · 2,352 / 3,136 = {115_605_504 * 3 // 4:,}" in lines
    assert f"layer1.2.conv2: bytes, for the backward of layer1.2.bn2 = {64 * 56 * 56 * 4:,}" in lines
    assert any(line.startswith("4σ: 4 · √28 = 21.2") for line in lines)


TWO = """model Two {
  input a: [3, 32, 32]
  input b: [8, 1, 1]
  output y = (a -> c: Conv2d(8, 3)) * b
  output aux = y -> h: Conv2d(2, 1) when training
}"""


def test_sizes_of_two_inputs_that_are_not_alike_leave_the_second_as_it_is(tmp_path, capsys):
    file = tmp_path / "two.arch"
    file.write_text(TWO)
    assert run(["sizes", str(file)]) == 0

    assert "input a 3×H×W, b 8×1×1" in capsys.readouterr().out


def test_paths_of_a_layer_for_training_say_why_there_are_none(tmp_path, capsys):
    file = tmp_path / "two.arch"
    file.write_text(TWO)
    assert run(["why", str(file), "h", "--metric", "paths"]) == 0

    assert "only training runs it" in capsys.readouterr().out


def test_a_vector_has_no_extent_in_pixels(capsys):
    assert run(["analyze", "-e", "[10] -> f: Linear(5)", "--rf"]) == 0

    assert ["f", "–"] in [line.split() for line in capsys.readouterr().out.splitlines()]


def test_fit_tells_of_a_batch_that_is_asked_for(capsys):
    assert run(["fit", *RESNET, "--memory", "24GiB", "--batch", "32"]) == 0

    assert any(line.split()[:2] == ["32", "yes"] for line in capsys.readouterr().out.splitlines())


# fmt: off
LINTS = [
    ("a bias before a norm of groups is not undone", "x -> a: Conv2d(8, 3) -> GroupNorm(2) -> ReLU", ""),
    ("nor one before a norm of all channels",        "x -> a: Conv2d(8, 3) -> LayerNorm -> ReLU", ""),
    ("one before a batch norm is",                   "x -> a: Conv2d(8, 3) -> BatchNorm2d -> ReLU", "W0412"),
    ("a dropout on scores, behind a softmax too",    "x -> Flatten -> f: Linear(4) -> Dropout(0.5) -> LogSoftmax", "W0427"),
]
# fmt: on


@pytest.mark.parametrize(("text", "code"), [c[1:] for c in LINTS], ids=[c[0] for c in LINTS])
def test_a_lint_is_true_or_silent(text, code, tmp_path, capsys):
    file = tmp_path / "net.arch"
    file.write_text(f"model M {{\n  input x: [3, 9, 9]\n  output {text}\n}}\n")
    run(["check", str(file), "--format", "concise"])
    found = capsys.readouterr().out

    assert code in found if code else "W04" not in found


# fmt: off
BAD_SIZES = [
    (["unet.arch", "--model", "UNet", "--input", "1x684x572"], "nearest sizes that work are H = 672 or 688 and W = 560 or 576"),  # multiples of 16
    (["alexnet.arch", "--input", "3x62x70"], "nearest size that works is H = 63"),  # torchvision's own smallest
    (["-e", "[3, 5, 5] -> a: Conv2d(3, 3) -> b: Conv2d(3, 3) -> c: Conv2d(4, 3)"], "nearest sizes that work are H = 7 and W = 7"),
]
# fmt: on


@pytest.mark.parametrize("command", ["analyze", "why"])
@pytest.mark.parametrize(("arguments", "told"), BAD_SIZES, ids=[c[1] for c in BAD_SIZES])
def test_a_size_that_does_not_work_is_told_the_nearest_that_do(command, arguments, told, capsys):
    assert run([command, *arguments]) == 1

    assert f"the {told}\n" in capsys.readouterr().err


# fmt: off
MISUSES = [
    ("a unit beside the map", ["why", *RESNET, "layer4.2.conv3", "--unit", "7,0"], "0,0 to 6,6"),
    ("too few numbers",       ["why", *RESNET, "layer4.2.conv3", "--unit", "3"], "0,0 to 6,6"),
    ("no number",             ["why", *RESNET, "layer4.2.conv3", "--unit", "a"], "as in 3,4"),
    ("a unit of a module",    ["why", *RESNET, "layer4.2", "--unit", "3,3"], "a layer"),
    ("a unit of a vector",    ["why", *RESNET, "fc", "--unit", "3"], "vector"),
    ("a section as a table",  ["analyze", *UNET, "--rf", "--format", "csv"], "--rf"),
    ("paths of a module",     ["why", *RESNET, "layer4.2", "--metric", "paths"], "one layer, not of the module `layer4.2`"),
    ("paths of the network",  ["why", *RESNET, "--metric", "paths"], "one layer, not of the network"),
    ("training, not asked",   ["analyze", *RESNET, "--optimizer", "sgd"], "--optimizer is of a step of training: add --memory"),
    ("no such optimizer",     ["analyze", *RESNET, "--memory", "--optimizer", "lion"], "there are sgd, momentum"),
    ("a layer to compute anew", ["analyze", *RESNET, "--memory", "--checkpoint", "conv1"], "`conv1` is one layer"),
    ("dead work, open sizes", ["why", "-e", "[3, H, W] -> c: Conv2d(3, 3)", "c", "--metric", "dead"], "--input"),
    ("open sizes",            ["why", "-e", "[3, H, W] -> c: Conv2d(3, 3)", "c", "--unit", "0,0"], "--input"),
]
# fmt: on


@pytest.mark.parametrize(("arguments", "told"), [c[1:] for c in MISUSES], ids=[c[0] for c in MISUSES])
def test_a_misuse_says_what_would_be_right(arguments, told, capsys):
    assert run(arguments) == 2
    captured = capsys.readouterr()

    assert told in captured.err
    assert captured.out == ""
