"""`archdsl generate`: what is written where, what is left alone, and what the first line is for."""

from __future__ import annotations

import subprocess
import sys

import pytest

from archdsl.cli import run

NET = """
## A small classifier.
model Net(classes: int = 10, norm: block = BatchNorm2d) {
    input image: [3, H = 32, W = 32]
    output logits = image -> conv1: Conv2d(8, 3, padding=1) -> bn1: norm -> ReLU -> Flatten -> fc: Linear(classes)
}
"""
BROKEN = "model Net {\n    input x: [3, 8, 8]\n    output x -> Conv2d(8, 9)\n}\n"


@pytest.fixture
def net(tmp_path, monkeypatch):
    (tmp_path / "net.arch").write_text(NET, encoding="utf-8")
    (tmp_path / "broken.arch").write_text(BROKEN, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_code_is_printed_to_stdout_and_runs_by_itself(net, capsys):
    assert run(["generate", "net.arch"]) == 0
    out, err = capsys.readouterr()

    assert err == ""
    assert out.startswith("# net.arch, ")
    assert '"""A small classifier."""' in out
    pytest.importorskip("torch")
    program = out + "\nimport sys\nsys.stdout.write(str(tuple(net(classes=7)(torch.zeros(2, 3, 32, 32)).shape)))\n"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout == "(2, 7)"


def test_a_file_that_was_edited_by_hand_is_left_alone(net, capsys):
    assert run(["generate", "net.arch", "-o", "net.py"]) == 0
    written = (net / "net.py").read_text("utf-8")
    assert run(["generate", "net.arch", "-o", "net.py"]) == 0  # as it was written: it may be written again
    edited = written.replace("padding=1", "padding=2")
    (net / "net.py").write_text(edited, encoding="utf-8")
    capsys.readouterr()

    assert run(["generate", "net.arch", "-o", "net.py"]) == 2
    assert "was edited by hand" in capsys.readouterr().err
    assert (net / "net.py").read_text("utf-8") == edited
    assert run(["generate", "net.arch", "-o", "net.py", "--force"]) == 0
    assert (net / "net.py").read_text("utf-8") == written


def test_a_file_that_was_never_generated_is_left_alone(net):
    (net / "train.py").write_text("import torch\n", encoding="utf-8")

    assert run(["generate", "net.arch", "-o", "train.py"]) == 2
    assert (net / "train.py").read_text("utf-8") == "import torch\n"


def test_check_tells_whether_a_file_is_current(net, capsys):
    assert run(["generate", "net.arch", "-o", "net.py", "--check"]) == 1
    assert "is absent" in capsys.readouterr().err
    run(["generate", "net.arch", "-o", "net.py"])
    assert run(["generate", "net.arch", "-o", "net.py", "--check"]) == 0
    (net / "net.arch").write_text(NET.replace("Conv2d(8", "Conv2d(9"), encoding="utf-8")
    assert run(["generate", "net.arch", "-o", "net.py", "--check"]) == 1


def test_parameters_and_sizes_set_the_defaults(net, capsys):
    asked = ["-D", "classes=5", "-D", "norm=GroupNorm(2)", "--input", "3x16x24"]
    assert run(["generate", "net.arch", "--model", "Net", *asked]) == 0
    out = capsys.readouterr().out

    assert "def net(classes: int = 5) -> Net:" in out
    assert "self.bn1 = nn.GroupNorm(2, 8)" in out
    assert "nn.Linear(8 * 16 * 24, classes)" in out


def test_a_file_with_errors_gives_no_code_and_leaves_the_old_one(net, capsys):
    (net / "net.py").write_text("# old\n", encoding="utf-8")

    assert run(["generate", "broken.arch", "-o", "net.py"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "E0303" in err
    assert (net / "net.py").read_text("utf-8") == "# old\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["generate", "net.arch", "--model", "Nett"], "did you mean `Net`"),
        (["generate", "net.arch", "--check"], "say which with -o"),
        (["generate", "net.arch", "-D", "klasses=3"], "did you mean"),
        (["generate", "nets.arch"], "there is no file"),
        (["generate", "net.arch", "--template", "nowhere"], "nowhere"),
        (["generate", "net.arch", "-o", "no/such/folder.py"], "cannot be written"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_what_cannot_be_done_is_said_with_exit_code_2(net, capsys, arguments, said):
    assert run(arguments) == 2
    assert said in capsys.readouterr().err


def test_open_sizes_stay_open(net, capsys):
    (net / "open.arch").write_text(
        "model M {\n input x: [3, H, W]\n output x -> c: Conv2d(8, 3)\n}\n", encoding="utf-8"
    )

    assert run(["generate", "open.arch"]) == 0
    assert "Shape: [3, ...] -> [8, ...]" in capsys.readouterr().out


def test_a_file_that_cannot_be_read_as_a_spec_is_told_as_by_check(net, capsys):
    (net / "cut.arch").write_text("model M {\n input x: [3, 8, 8]\n output x -> c: Conv2d(8, 3\n", encoding="utf-8")

    assert run(["generate", "cut.arch"]) == 1
    assert "E01" in capsys.readouterr().err


def test_the_first_line_cannot_say_how_the_rest_is_read(net):
    """PEP 263: `coding:` in it would."""
    name = "coding: utf-7 .arch"
    (net / name).write_text("## +ACIAIgAi-\n" + NET, encoding="utf-8")

    assert run(["generate", name, "-o", "net.py"]) == 0
    code = (net / "net.py").read_bytes()
    assert code.startswith(b"# coding__utf-7_.arch, ")
    compile(code, "net.py", "exec")


@pytest.mark.parametrize("template", ["{{ nope.x }}", "{% for", "{{ 1 / 0 }}", "{{ cycler.__init__.__globals__ }}"])
def test_a_template_that_fails_is_told_as_misuse(net, capsys, template):
    (net / "own").mkdir()
    (net / "own" / "module.py.j2").write_text(template, encoding="utf-8")

    assert run(["generate", "net.arch", "--template", "own"]) == 2
    assert "the template cannot be used" in capsys.readouterr().err


def test_a_template_that_gives_no_python_is_told_as_misuse(net, capsys):
    (net / "own").mkdir()
    (net / "own" / "module.py.j2").write_text("x = 1\nclass {{ doc }}:\n", encoding="utf-8")
    (net / "net.py").write_text("", encoding="utf-8")

    assert run(["generate", "net.arch", "--template", "own", "-o", "net.py"]) == 2
    assert "what it gives is no Python: line 2: " in capsys.readouterr().err
    assert (net / "net.py").read_text("utf-8") == ""


def test_a_model_that_loses_its_parameters_is_told(net, capsys):
    text = NET.replace("-> Flatten", "-> Conv2d(8, 1) * classes -> Flatten")
    (net / "net.arch").write_text(text, encoding="utf-8")

    assert run(["generate", "net.arch"]) == 0
    out, err = capsys.readouterr()
    assert "def net() -> Net:" in out
    assert (
        err
        == "note: `Net` is written with its numbers as they are: a layer is repeated a number of times that differs\n"
    )


def test_line_ends_of_another_system_are_no_edit(net):
    run(["generate", "net.arch", "-o", "net.py"])
    text = (net / "net.py").read_text("utf-8")
    (net / "net.py").write_bytes(text.replace("\n", "\r\n").encode())
    (net / "empty.py").write_text("", encoding="utf-8")

    assert run(["generate", "net.arch", "-o", "net.py"]) == 0
    assert run(["generate", "net.arch", "-o", "empty.py"]) == 0
