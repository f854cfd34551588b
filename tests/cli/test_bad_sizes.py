"""Sizes that do not work, told alike by every command that builds a network."""

from __future__ import annotations

import json

import pytest

from archdsl.cli import run

COMMANDS = {
    "analyze": ["analyze"],
    "why": ["why"],
    "fit": ["fit", "--memory", "1GB"],
    "generate": ["generate"],
    "verify": ["verify"],
}
UNET = ["unet.arch", "--model", "UNet"]
# A map that is halved four times: multiples of 16, and the fourth pool is the last to ask for a row.
# fmt: off
BAD = [
    (["--input", "1x100x100"], "nearest sizes that work are H = 96 or 112 and W = 96 or 112"),
    (["--input", "1x0x0"],     "`maxpool#3` needs H >= 16 and W >= 16; the nearest sizes that work are H = 16 and W = 16"),
    (["--input", "1x-16x16"],  "`maxpool#3` needs H >= 16; the nearest size that works is H = 16"),
    (["-D", "H=0"],            "`maxpool#3` needs H >= 16; the nearest size that works is H = 16"),
    (["-D", "W=-3"],           "`maxpool#3` needs W >= 16; the nearest size that works is W = 16"),
]
# fmt: on


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(("sizes", "said"), BAD, ids=[" ".join(row[0]) for row in BAD])
def test_every_command_names_the_nearest_sizes(command, sizes, said, capsys):
    name, *options = COMMANDS[command]

    assert run([name, *UNET, *sizes, *options]) == 1
    assert f"{said}\n" in capsys.readouterr().err


@pytest.mark.parametrize("command", COMMANDS)
def test_a_size_below_one_in_the_text_has_a_neighbour_too(command, tmp_path, capsys):
    file = tmp_path / "net.arch"
    file.write_text("model Net {\n  input x: [3, 0, 32]\n  output x -> c: Conv2d(4, 5)\n}\n")
    name, *options = COMMANDS[command]

    assert run([name, str(file), *options]) == 1
    told = capsys.readouterr().err
    assert "net.arch:2:16" in told
    assert "`c` needs H >= 5; the nearest size that works is H = 5\n" in told


def test_sizes_tells_of_a_size_below_one(capsys):
    assert run(["sizes", *UNET, "--input", "1x0x16"]) == 1
    assert "H = 0 is not one with H % 16 == 0; nearest 16\n" in capsys.readouterr().out
    assert run(["sizes", *UNET, "-D", "H=0"]) == 1
    assert "the nearest size that works is H = 16\n" in capsys.readouterr().err


def test_channels_below_one_are_told_how_many_there_are(capsys):
    assert run(["analyze", *UNET, "--input", "0x16x16"]) == 1
    assert "the first number is of channels, and `x` has 1\n" in capsys.readouterr().err


def test_the_sizes_stand_with_the_first_error_and_behind_the_count_of_several(capsys):
    """At 60 both the last reduction and the auxiliary head of an InceptionV3 have too few rows."""
    assert run(["analyze", "inception_v3.arch", "--input", "3x60x60"]) == 1
    lines = capsys.readouterr().err.splitlines()
    (first,) = [
        i
        for i, line in enumerate(lines)
        if line.endswith("= note: the nearest sizes that work are H = 299 and W = 299")
    ]
    errors = [i for i, line in enumerate(lines) if line.startswith("error[")]

    assert errors[0] < first < errors[1]
    assert lines[-1] == "2 errors; the nearest sizes that work are H = 299 and W = 299"


def test_one_error_has_the_sizes_once(capsys):
    assert run(["analyze", "-e", "[3, 2, 9] -> Conv2d(4, 3)"]) == 1
    told = capsys.readouterr().err
    assert told.count("the nearest size that works is H = 3") == 1
    assert told.endswith("\n1 error\n")


@pytest.mark.parametrize("command", ["analyze", "generate", "why"])
def test_a_flattened_map_of_open_sizes_is_told_a_size_that_works(command, tmp_path, capsys):
    file = tmp_path / "net.arch"
    file.write_text("model Net {\n  input x: [3, H, W]\n  output x -> Conv2d(4, 5) -> Flatten -> Linear(2)\n}\n")

    assert run([command, str(file)]) == 1
    assert "= note: `--input 3x5x5` works and is the smallest that does\n" in capsys.readouterr().err


@pytest.mark.parametrize(("command", "done"), [("fit", "fitted"), ("verify", "verified")])
def test_what_takes_a_number_says_one_that_works(command, done, tmp_path, capsys):
    file = tmp_path / "net.arch"
    file.write_text("model Net {\n  input x: [3, H, W]\n  output x -> Conv2d(4, (5, 3))\n}\n")
    name, *options = COMMANDS[command]

    assert run([name, str(file), *options]) == 2
    said = (
        f"the network Net is {done} at a size: give one with --input or -D; `--input 3x5x3` works and is the smallest"
    )
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("value", ["3.5", "wide", '"9"'])
def test_a_size_that_is_no_number_is_misuse(value, capsys):
    assert run(["analyze", *UNET, "-D", f"H={value}"]) == 2
    assert "a size is a whole number, as in -D H=224\n" in capsys.readouterr().err


def test_a_requirement_of_the_model_is_asked_for_by_itself(tmp_path, capsys):
    file = tmp_path / "net.arch"
    file.write_text("model Net {\n  input x: [3, H, W]\n  require H % 4 == 0\n  output x -> c: Conv2d(4, 3)\n}\n")

    assert run(["sizes", str(file)]) == 0
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    asked = lines.index("Asked for by")
    assert lines[asked + 1] == "Layer H W"
    assert lines[asked + 3 : asked + 5] == ["require H % 4 == 0", "c H >= 3 W >= 3"]
    assert run(["sizes", str(file), "--format", "json"]) == 0
    (stated,) = json.loads(capsys.readouterr().out)["stated"]
    assert (stated["size"], stated["condition"], stated["holds"]["period"]) == ("H", "H % 4 == 0", 4)


def test_generate_names_sizes_for_the_model_that_its_first_error_is_of(tmp_path, capsys):
    file = tmp_path / "net.arch"
    works = "model Fine {\n  input x: [3, 8, 8]\n  output x -> c: Conv2d(4, 3)\n}\n"
    file.write_text(f"{works}model Small {{\n  input x: [3, H = 2, W = 9]\n  output x -> c: Conv2d(4, 3)\n}}\n")

    assert run(["generate", str(file)]) == 1
    assert "= note: the nearest size that works is H = 3\n" in capsys.readouterr().err


def test_a_test_at_a_size_below_one_is_a_finding(tmp_path, capsys):
    file = tmp_path / "net.arch"
    model = "model Net {\n  input x: [3, H, W]\n  output x -> c: Conv2d(4, 3)\n}\n"
    file.write_text(f"{model}test Net(H = 0, W = 3) {{ expect params > 0 }}\n")

    assert run(["check", str(file), "--format", "concise"]) == 1
    assert "the size H of `x` is a whole number from 1 up, not 0" in "".join(capsys.readouterr())
