"""`archdsl generate --with-train`: a model and the script that trains it, written together."""

from __future__ import annotations

import pytest

from archdsl.cli import run

NET = """
model Net(classes: int = 10) {
    input image: [3, 8, 8]
    output logits = image -> Conv2d(8, 3) -> Flatten -> Linear(classes)
}
"""


@pytest.fixture
def net(tmp_path, monkeypatch):
    (tmp_path / "net.arch").write_text(NET, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_script_is_written_beside_the_model(net, capsys):
    assert run(["generate", "net.arch", "--with-train", "-o", "net.py"]) == 0
    out, err = capsys.readouterr()

    assert out == ""
    assert err.splitlines() == ["wrote net.py", "wrote train_net.py"]
    assert "from net import net as build_net" in (net / "train_net.py").read_text("utf-8")


def test_both_are_checked_and_both_are_kept_where_one_was_edited(net, capsys):
    command = ["generate", "net.arch", "--with-train", "-o", "net.py"]
    assert run([*command, "--check"]) == 1
    assert run(command) == 0
    assert run([*command, "--check"]) == 0
    script = net / "train_net.py"
    edited = script.read_text("utf-8").replace("0.9", "0.8", 1)
    script.write_text(edited, encoding="utf-8")
    (net / "net.arch").write_text(NET.replace("8, 3", "4, 3"), encoding="utf-8")
    before = (net / "net.py").read_text("utf-8")
    capsys.readouterr()

    assert run([*command, "--check"]) == 1
    assert run(command) == 2
    assert "train_net.py was edited by hand" in capsys.readouterr().err
    assert (net / "net.py").read_text("utf-8") == before
    assert run([*command, "--force"]) == 0
    assert script.read_text("utf-8") != edited


# fmt: off
WRONG = [
    ([],                     "say where with -o"),
    (["-o", "-"],            "say where with -o"),
    (["-o", "my-net.py"],    "letters, digits and underscores"),
    (["-o", "json.py"],      "the name of a library"),
]
# fmt: on


@pytest.mark.parametrize(("arguments", "said"), WRONG)
def test_what_cannot_be_written_is_said(net, arguments, said, capsys):
    assert run(["generate", "net.arch", "--with-train", *arguments]) == 2
    assert said in capsys.readouterr().err
    assert [p.name for p in net.iterdir()] == ["net.arch"]
