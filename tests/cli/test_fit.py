"""`archdsl fit` as a person types it."""

from __future__ import annotations

import json

import pytest

from archdsl.cli import run
from archdsl.cli.fit import beside, size_of

# One sample of 3×10×10 takes 4·(300 + 800 + 800) = 7,600 bytes at the peak, and 32 weights 4·32 each for themselves,
# their gradients and what an optimizer keeps.
PIPELINE = "[3, 10, 10] -> Conv2d(8, 1)"
RESNET = ["resnet.arch", "--model", "ResNet50"]
SGD = [PIPELINE, "--optimizer", "sgd"]


def fit(*arguments: str) -> int:
    return run(["fit", "-e", *arguments])


@pytest.mark.parametrize(
    ("memory", "optimizer", "batch"),
    [
        (256 + 7_600, "sgd", 1),
        (256 + 10 * 7_600, "sgd", 10),
        (256 + 10 * 7_600 - 1, "sgd", 9),
        (384 + 10 * 7_600, "momentum", 10),
        (512 + 10 * 7_600, "adam", 10),
        (512 + 10 * 7_600 - 1, "adamw", 9),
    ],
)
def test_the_largest_batch_is_the_last_that_fits(memory, optimizer, batch, capsys):
    assert fit(PIPELINE, "--memory", str(memory), "--optimizer", optimizer, "--format", "json") == 0
    assert json.loads(capsys.readouterr().out)["batch"] == batch


def test_a_network_without_layers_holds_what_it_is_fed(capsys, tmp_path):
    path = tmp_path / "net.arch"
    path.write_text("model Net { input x: [3, 10, 10]\n output x }", "utf-8")

    assert run(["fit", str(path), "--memory", "5KB", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["batch"] == 4  # 1,200 bytes each


def test_a_network_without_weights_is_told_that_it_learns_nothing(capsys):
    """A sample of 3·4·4 numbers goes through, and comes out as one of them each: 192 + 192 bytes at the most."""
    assert fit("[3, 4, 4] -> ReLU", "--memory", "3840") == 0
    out = capsys.readouterr().out

    assert "The largest batch in 3.75 KiB is 10" in out
    assert "There are no weights, so nothing is learned and nothing is kept for a backward." in out
    assert fit(*SGD, "--memory", "76256") == 0
    assert "There are no weights" not in capsys.readouterr().out


def test_nothing_fits_and_the_exit_code_says_so(capsys):
    assert fit(*SGD, "--memory", "7855") == 1
    out, err = capsys.readouterr()

    assert err == ""
    assert "Not even a batch of 1 fits into 7.67 KiB: it needs 7.67 KiB" in out
    assert fit(*SGD, "--memory", "7855", "--format", "json") == 1
    assert json.loads(capsys.readouterr().out)["batch"] is None


def test_the_table_has_the_batch_between_powers_of_two(capsys):
    assert fit(*SGD, "--memory", "76256") == 0
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]

    assert "The largest batch in 74.5 KiB is 10" in lines
    assert "8 yes conv2d, backward 128 B 128 B 0 B 9.38 KiB 59.6 KiB" in lines
    assert "10 yes conv2d, backward 128 B 128 B 0 B 11.7 KiB 74.5 KiB" in lines
    assert "16 no conv2d, backward 128 B 128 B 0 B 18.8 KiB 119.0 KiB" in lines


@pytest.mark.parametrize(
    ("batch", "shown"),
    [(0, [1]), (1, [1, 2]), (2, [1, 2, 4]), (3, [2, 3, 4]), (64, [32, 64, 128]), (65, [64, 65, 128])],
)
def test_neighbours_are_powers_of_two(batch, shown):
    assert beside(batch) == shown


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("24GiB", 24 * 2**30),
        ("16GB", 16 * 10**9),
        ("512MiB", 512 * 2**20),
        ("1.5 gib", 3 * 2**29),
        ("80MB", 80_000_000),
        ("4096", 4096),
        ("0.3KiB", 307),
    ],
)
def test_memory_has_a_unit(text, count):
    assert size_of(text) == count


@pytest.mark.parametrize("text", ["24G", "much", "-1GB", "1e9", "9" * 30, "", "٣GB"])
def test_what_is_no_memory_is_refused(text, capsys):
    assert fit(*SGD, f"--memory={text}") == 2
    assert "24GiB, 16GB, 512MiB or bytes" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["resnet.arch", "--memory", "1GB"], "models"),
        (["lenet.arch"], "--memory"),
        (["lenet.arch", "--memory", "1GB", "--optimizer", "lion"], "there are sgd, momentum"),
        (["lenet.arch", "--memory", "1GB", "--dtype", "int8"], "not trained in int8"),
        (["lenet.arch", "--memory", "1GB", "--dtype", "float16", "--amp", "bf16"], "weights in float32"),
        (["lenet.arch", "--memory", "1GB", "--checkpoint", "stage"], "no module `stage`"),
        (["lenet.arch", "--memory", "1GB", "--checkpoint", "block"], "no block in LeNet5"),
        (["lenet.arch", "--memory", "1GB", "--checkpoint", "conv1"], "`conv1` is one layer"),
        ([*RESNET, "--memory", "1GB", "--checkpoint", "conv1"], "such as layer1, layer2, layer3, layer4"),
        ([*RESNET, "--memory", "1GB", "--checkpoint", "layer1.0.conv2"], "such as layer1.0\n"),
        (["-e", "[3, H, W] -> Conv2d(2, 3)", "--memory", "1GB"], "give one with --input or -D"),
    ],
)
def test_what_cannot_be_asked_is_a_usage_error(arguments, said, capsys):
    assert run(["fit", *arguments]) == 2
    assert said in capsys.readouterr().err


def test_a_spec_with_errors_is_told_as_such(capsys):
    assert run(["fit", "-e", "[3, 4, 4] -> Conv2d(2, 9)", "--memory", "1GB"]) == 1
    assert "error[" in capsys.readouterr().err


def test_checkpoints_and_autocast_make_room(capsys):
    batches = []
    options = [[], ["--amp", "bf16"], ["--checkpoint", "block"], ["--checkpoint", "layer1", "--checkpoint", "layer2"]]
    for chosen in options:
        asked = ["fit", "resnet.arch", "--model", "ResNet50", "--memory", "8GiB", "--format", "json", *chosen]
        assert run(asked) == 0
        batches.append(json.loads(capsys.readouterr().out)["batch"])
    plain, low, blocks, stages = batches

    assert plain < low
    assert plain < stages < blocks


def test_json_has_every_number(capsys):
    assert fit(*SGD, "--memory", "76256", "--format", "json") == 0
    made = json.loads(capsys.readouterr().out)

    assert (made["schema"], made["memory"], made["model"]) == ("archdsl/fit@1", 76256, "Pipeline")
    assert [(step["batch"], step["fits"], step["peak"]) for step in made["steps"]] == [
        (8, True, 256 + 8 * 7_600),
        (10, True, 256 + 10 * 7_600),
        (16, False, 256 + 16 * 7_600),
    ]
