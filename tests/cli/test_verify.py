"""`archdsl verify`: what is told, how it ends, and what it needs."""

from __future__ import annotations

import json
import sys

import pytest

from archdsl.cli import run

NET = """
model Net(classes: int = 10) {
    input image: [3, H = 16, W = 16]
    output logits = image -> conv1: Conv2d(8, 3, padding=1) -> ReLU -> AdaptiveAvgPool2d(1) -> Flatten
        -> fc: Linear(classes)
}
model Wide = Net(classes=100)
"""


@pytest.fixture
def net(tmp_path, monkeypatch):
    pytest.importorskip("torch")
    (tmp_path / "net.arch").write_text(NET, encoding="utf-8")
    (tmp_path / "open.arch").write_text(NET.replace("H = 16, W = 16", "H, W"), encoding="utf-8")
    (tmp_path / "broken.arch").write_text(NET.replace("Conv2d(8", "Conv2d(-8"), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_every_check_is_told_on_a_line_of_its_own(net, capsys):
    assert run(["verify", "net.arch", "--model", "Net", "--color", "never"]) == 0
    out, err = capsys.readouterr()
    lines = out.splitlines()

    assert err == "loading torch ...\n"
    assert len(lines) == 12
    assert lines[-1] == "  11 checks passed"
    assert all(line.startswith("  \u2713 ") for line in lines[:-1])
    assert f"{224 + 8 * 10 + 10} in 4 tensors" in lines[2]  # 3·8·9 + 8 of the convolution


def test_a_difference_is_told_and_ends_with_1(net, capsys):
    run(["generate", "net.arch", "-o", "net.py"])
    code = (net / "net.py").read_text("utf-8")
    (net / "net.py").write_text(code.replace("kernel_size=3, padding=1", "kernel_size=5, padding=2"), encoding="utf-8")
    capsys.readouterr()

    assert run(["verify", "net.arch", "--model", "Net", "--code", "net.py", "--only", "parameters,shapes"]) == 1
    out = capsys.readouterr().out
    assert "conv1.weight: (8, 3, 3, 3) in the analysis, (8, 3, 5, 5) in the code" in out
    assert "2 checks passed, 1 failed" in out


def test_json_holds_every_check(net, capsys):
    assert run(["verify", "net.arch", "--model", "Wide", "--device", "meta", "--format", "json"]) == 0
    made = json.loads(capsys.readouterr().out)

    assert made["schema"] == "archdsl/verify@1"
    assert (made["model"], made["device"]) == ("Wide", "meta")
    assert {check["name"]: check["status"] for check in made["checks"] if check["status"] != "passed"} == {
        "outputs": "skipped",
        "values": "skipped",
        "receptive field": "skipped",
    }


def test_parameters_and_sizes_can_be_given(net, capsys):
    assert run(["verify", "open.arch", "--model", "Net", "-D", "H=9", "-D", "W=12", "-D", "classes=3"]) == 0
    assert "9×12" in capsys.readouterr().out


def test_without_torch_it_says_how_to_get_it_and_ends_with_3(net, capsys, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)

    assert run(["verify", "net.arch", "--model", "Net"]) == 3
    assert 'pip install "archdsl[torch]"' in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["net.arch"], 2, "2 models: Net, Wide"),
        (["net.arch", "--model", "Net", "--only", "shape"], 2, "there is no check `shape`"),
        (["net.arch", "--model", "Net", "--device", "tpu"], 2, "tpu"),
        (["open.arch", "--model", "Net"], 2, "at a size"),
        (["broken.arch", "--model", "Net"], 1, "E0202"),
        (["net.arch", "--model", "Net", "--code", "absent.py"], 2, "cannot be read"),
        (["nothing.arch"], 2, "there is no file"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_what_cannot_be_done_is_said(net, capsys, arguments, code, said):
    assert run(["verify", *arguments]) == code
    assert said in capsys.readouterr().err


def test_a_device_that_is_not_there_is_said(net, capsys):
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device")
    assert run(["verify", "net.arch", "--model", "Net", "--device", "cuda"]) == 2
    assert "no cuda device is found" in capsys.readouterr().err


def test_code_that_is_none_is_told_as_a_failed_check(net, capsys):
    (net / "net.py").write_text("import nothing_of_this_name\n", encoding="utf-8")

    assert run(["verify", "net.arch", "--model", "Net", "--code", "net.py"]) == 1
    assert "cannot be imported: ModuleNotFoundError" in capsys.readouterr().out
    assert "archdsl_generated" not in sys.modules
