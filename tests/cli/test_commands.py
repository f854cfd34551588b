"""The commands as a person types them: what is printed where, and with which exit code."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from archdsl.cli import run

ROOT = Path(__file__).resolve().parents[2]
NET = """
model Net(classes: int = 10) {
    input image: [3, H, W]
    output logits = image -> conv1: Conv2d(8, 3, padding=1) -> ReLU -> AdaptiveAvgPool2d(1) -> Flatten
        -> fc: Linear(classes)
}
test Net(H=32, W=32) { expect params == 224 + 90 }
"""
BROKEN = """
model Net {
    input image: [3, 32, 32]
    y = image -> conv1: Conv2d(8, 3) -> ReLU
    output y + image
}
"""


@pytest.fixture
def net(tmp_path, monkeypatch):
    """Stand in a folder with a sound file and a broken one."""
    (tmp_path / "net.arch").write_text(NET, encoding="utf-8")
    (tmp_path / "broken.arch").write_text(BROKEN, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_analyze_prints_the_table_to_stdout_and_nothing_else(net, capsys):
    code = run(["analyze", "net.arch", "--input", "3x32x32"])
    out, err = capsys.readouterr()

    assert code == 0
    assert err == ""
    assert "conv1" in out
    assert "314" in out  # 8·3·3·3 + 8 + 8·10 + 10
    assert "225,024" not in out
    assert "221,264 MACs" in out  # 8·32·32·27 + 80


def test_json_holds_the_numbers_and_integers_stay_integers(net, capsys):
    code = run(["analyze", "net.arch", "-D", "H=32", "-D", "W=16", "-D", "classes=5", "--format", "json"])
    made = json.loads(capsys.readouterr().out)

    assert code == 0
    assert made["schema"] == "archdsl/analysis@1"
    assert made["inputs"] == {"image": [3, 32, 16]}
    assert made["totals"]["params"] == 224 + 8 * 5 + 5
    assert made["totals"]["macs"] == 8 * 32 * 16 * 27 + 8 * 5
    assert [layer["path"] for layer in made["layers"]] == ["conv1", "relu", "avgpool", "flatten", "fc"]


def test_open_sizes_leave_macs_out_and_say_how_to_give_them(net, capsys):
    code = run(["analyze", "net.arch"])
    out = capsys.readouterr().out

    assert code == 0
    assert "8×H×W" in out
    assert "--input 3x224x224" in out


def test_a_broken_file_gives_the_table_as_far_as_it_goes_and_exit_code_1(net, capsys):
    code = run(["analyze", "broken.arch"])
    out, err = capsys.readouterr()

    assert code == 1
    assert "conv1" in out
    assert "incomplete" in out
    assert "error[E0301]" in err
    assert "8 vs 3" in err


def test_check_walks_folders_and_counts(net, capsys):
    code = run(["check", "."])
    out, err = capsys.readouterr()

    assert code == 1
    assert "2 files, 2 models, 1 of 1 expectation" in out.replace("expectations", "expectation")
    assert err.count("error[E0301]") == 1


def test_check_of_a_sound_file_leaves_with_0(net, capsys):
    assert run(["check", "net.arch"]) == 0
    assert "no problems" in capsys.readouterr().out


def test_a_failed_expectation_is_a_finding(net, capsys):
    (net / "net.arch").write_text(NET.replace("== 224 + 90", "== 315"), encoding="utf-8")

    assert run(["check", "net.arch"]) == 1
    err = capsys.readouterr().err
    assert "E0701" in err
    assert "314" in err
    assert "315" in err


def test_a_hole_is_printed_as_a_question_and_is_no_finding(net, capsys):
    (net / "net.arch").write_text(NET.replace("params == 224 + 90", 'params("fc") == ?'), encoding="utf-8")

    assert run(["check", "net.arch"]) == 0
    assert 'question: params("fc") == ?' in capsys.readouterr().out


def test_lints_are_warnings_until_strict_says_otherwise(net, capsys):
    (net / "net.arch").write_text(NET.replace("conv1: ", ""), encoding="utf-8")

    assert run(["check", "net.arch"]) == 0
    assert "W0203" in capsys.readouterr().err
    assert run(["check", "net.arch", "--strict"]) == 1
    assert run(["check", "net.arch", "--strict", "--ignore", "W02"]) == 0


def test_a_comment_on_the_line_allows_a_lint(net, capsys):
    allowed = NET.replace("conv1: Conv2d", "Conv2d").replace(
        "-> Flatten\n", "-> Flatten   # allow unlabelled: a test\n"
    )
    (net / "net.arch").write_text(allowed, encoding="utf-8")

    assert run(["check", "net.arch", "--strict"]) == 0


USAGE = [
    # what, arguments, said
    ("no such file", ["analyze", "nett.arch"], "did you mean net.arch"),
    ("no such command", ["analyse", "net.arch"], "did you mean `analyze`"),
    ("no such option", ["analyze", "net.arch", "--modle", "Net"], "--model"),
    ("no such model", ["analyze", "net.arch", "--model", "Nett"], "did you mean `Net`"),
    ("no such parameter", ["analyze", "net.arch", "-D", "clases=3"], "did you mean `classes`"),
    ("no such layer", ["analyze", "net.arch", "--only", "conv2"], "did you mean `conv1`"),
    ("no such dtype", ["analyze", "net.arch", "--input", "3x8x8", "--dtype", "float31"], "did you mean `float"),
    ("no such input", ["analyze", "net.arch", "--input", "picture=3x8x8"], "inputs are image"),
    ("several models", ["analyze", str(ROOT / "specs" / "vgg.arch")], "VGG16_BN"),
    ("a folder", ["analyze", "."], "archdsl check ."),
    ("neither file nor pipeline", ["analyze"], "FILE"),
    ("both", ["analyze", "net.arch", "-e", "[3, 8, 8] -> ReLU"], "not both"),
    ("a shape with letters", ["analyze", "net.arch", "--input", "3xHxW"], "3x224x224"),
    ("an empty batch", ["analyze", "net.arch", "--input", "3x8x8", "--batch", "0"], "from 1 up"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "said"), [row[1:] for row in USAGE], ids=[row[0] for row in USAGE])
def test_misuse_leaves_with_2_and_says_what_may_have_been_meant(net, capsys, arguments, said):
    code = run(arguments)
    out, err = capsys.readouterr()

    assert code == 2
    assert out == ""
    assert said in err


def test_a_pipeline_on_the_command_line_needs_no_labels(capsys):
    code = run(["analyze", "-e", "[3, 32, 32] -> Conv2d(64, 3) → MaxPool2d(2)", "--format", "json"])
    made = json.loads(capsys.readouterr().out)

    assert code == 0
    assert made["outputs"] == {"output": [64, 15, 15]}
    assert made["diagnostics"] == []


def test_a_pipeline_without_a_shape_in_front_is_told_what_it_lacks(capsys):
    assert run(["analyze", "-e", "Conv2d(64, 3)"]) == 1
    assert "[3, 32, 32] -> Conv2d(64, 3)" in capsys.readouterr().err


MISTAKES = ["3, 32, 32 -> Conv2d(64, 3)", "3, 4", "[3, 8, 8], ReLU", "[] -> ReLU", "->", "", "[3, 8"]


@pytest.mark.parametrize("pipeline", MISTAKES)
def test_a_malformed_pipeline_is_a_finding(pipeline, capsys):
    assert run(["analyze", "-e", pipeline]) == 1
    assert "error[E0" in capsys.readouterr().err


def test_two_inputs_of_one_name_are_refused(net, capsys):
    text = "model M { input x: [3, 8, 8] input x: [4, 8, 8] output y = x -> c: Conv2d(2, 1) }\n"
    (net / "net.arch").write_text(text, encoding="utf-8")

    assert run(["check", "net.arch"]) == 1
    assert "two inputs called `x`" in capsys.readouterr().err


def test_a_refused_call_of_a_shared_module_is_not_counted(net, capsys):
    text = "model M { input x: [3, 32, 32] share f = Conv2d(6, 3, padding=1) output z = x -> f -> f }\n"
    (net / "net.arch").write_text(text, encoding="utf-8")

    assert run(["analyze", "net.arch", "--format", "json"]) == 1
    totals = json.loads(capsys.readouterr().out)["totals"]
    assert (totals["params"], totals["macs"]) == (6 * 27 + 6, 6 * 32 * 32 * 27)


def test_what_open_sizes_must_satisfy_is_said_with_the_table(net, capsys):
    text = "model M { input x: [1, H, W]  output x + (x -> MaxPool2d(2) -> u: ConvTranspose2d(1, 2, stride=2)) }\n"
    (net / "net.arch").write_text(text, encoding="utf-8")

    assert run(["analyze", "net.arch"]) == 0
    assert "H % 2 == 0 and W % 2 == 0" in capsys.readouterr().out


def test_an_output_file_is_written_whole_and_keeps_its_permissions(net, capsys):
    target = net / "out.json"
    target.write_text("old", encoding="utf-8")
    target.chmod(0o640)

    assert run(["analyze", "net.arch", "--input", "3x8x8", "--format", "json", "-o", "out.json"]) == 0
    assert json.loads(target.read_text(encoding="utf-8"))["model"] == "Net"
    assert target.stat().st_mode & 0o777 == 0o640
    assert capsys.readouterr().out == ""
    assert sorted(p.name for p in net.iterdir()) == ["broken.arch", "net.arch", "out.json"]


def test_an_output_that_cannot_be_written_is_misuse(net, capsys):
    assert run(["analyze", "net.arch", "--input", "3x8x8", "-o", "nowhere/out.txt"]) == 2
    assert "cannot be written" in capsys.readouterr().err


def test_standard_input_is_a_file_called_dash(net):
    result = archdsl("analyze", "-", "--input", "3x8x8", stdin=NET)

    assert result.returncode == 0
    assert "conv1" in result.stdout


def test_a_bug_of_ours_leaves_with_70_and_without_a_traceback(net, capsys, monkeypatch):
    def fail(*_: object) -> None:
        raise ZeroDivisionError("on purpose")

    monkeypatch.setattr("archdsl.cli.common.open_module", fail)

    assert run(["analyze", "net.arch"]) == 70
    err = capsys.readouterr().err
    assert "bug of ours" in err
    assert "Traceback" not in err


def test_an_interruption_leaves_with_130(net, monkeypatch):
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("archdsl.cli.common.open_module", stop)

    assert run(["analyze", "net.arch"]) == 130


def archdsl(*arguments, stdin="", **environment):
    """Run the command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "archdsl", *arguments],
        input=stdin, capture_output=True, text=True, check=False, cwd=ROOT, env={**os.environ, **environment},
    )  # fmt: skip


def test_colour_is_for_terminals_and_for_who_asks():
    plain = archdsl("check", "tests/readme/mistake.arch")
    asked = archdsl("check", "tests/readme/mistake.arch", "--color", "always")
    forced = archdsl("check", "tests/readme/mistake.arch", FORCE_COLOR="1", NO_COLOR="")
    refused = archdsl("check", "tests/readme/mistake.arch", FORCE_COLOR="1", NO_COLOR="1")

    assert "\x1b[" not in plain.stderr
    assert "\x1b[" in asked.stderr
    assert "\x1b[" in forced.stderr
    assert "\x1b[" not in refused.stderr


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_a_console_without_box_signs_gets_letters(encoding):
    result = archdsl("analyze", "lenet.arch", PYTHONIOENCODING=encoding)

    assert result.returncode == 0
    assert result.stderr == ""
    assert "6x28x28" in result.stdout


def test_a_pipe_that_closes_early_is_no_error():
    command = f"{sys.executable} -m archdsl analyze resnet.arch --model ResNet152 --format json | head -1"
    result = subprocess.run(command, shell=True, capture_output=True, text=True, check=False, cwd=ROOT)

    assert result.stdout == "{\n"
    assert result.stderr == ""


@pytest.mark.parametrize("seed", ["0", "1"])
def test_the_same_command_prints_the_same_bytes(seed):
    first = archdsl("analyze", "densenet.arch", "--model", "DenseNet121", "--format", "json", PYTHONHASHSEED=seed)
    again = archdsl("analyze", "densenet.arch", "--model", "DenseNet121", "--format", "json", PYTHONHASHSEED="42")

    assert first.stdout == again.stdout
