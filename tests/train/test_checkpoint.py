"""Files that are there whole or not at all, and what damaged ones say."""

from __future__ import annotations

import errno
import os
import pickle
import signal
import subprocess
import sys
import time

import pytest

torch = pytest.importorskip("torch")

from archdsl.train.parts import checkpoint  # noqa: E402
from archdsl.train.parts.problems import RunError  # noqa: E402


def test_what_is_saved_is_read_again(tmp_path):
    path = tmp_path / "last.pt"
    checkpoint.save_checkpoint(path, {"step": 3, "weights": torch.arange(5.0), "history": [{"a": 0.5}]})
    state = checkpoint.load_checkpoint(path)

    assert state["step"] == 3
    assert state["weights"].tolist() == [0, 1, 2, 3, 4]
    assert state["history"] == [{"a": 0.5}]


def test_one_flipped_bit_is_found(tmp_path):
    """torch itself reads such a file without a word."""
    path = tmp_path / "last.pt"
    checkpoint.save_checkpoint(path, {"weights": torch.full((4000,), 1.5)})
    content = bytearray(path.read_bytes())
    content[content.find(torch.full((1,), 1.5).numpy().tobytes() * 8) + 100] ^= 1
    path.write_bytes(content)

    with pytest.raises(RunError, match=r"last\.pt is damaged"):
        checkpoint.load_checkpoint(path)


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"PK\x03\x04half"])
def test_what_is_no_checkpoint_is_named(tmp_path, content):
    (tmp_path / "last.pt").write_bytes(content)

    with pytest.raises(RunError, match=r"last\.pt is damaged or no checkpoint"):
        checkpoint.load_checkpoint(tmp_path / "last.pt")


class Trap:
    """Code in a pickle, which must not run."""

    def __reduce__(self):
        return os.mkdir, ("trapped",)


def test_no_code_in_a_checkpoint_is_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save({"format": 1, "step": Trap()}, "last.pt")
    (tmp_path / "plain.pt").write_bytes(pickle.dumps({"format": 1, "step": Trap()}))

    for name in ("last.pt", "plain.pt"):
        with pytest.raises(RunError):
            checkpoint.load_checkpoint(tmp_path / name)
    with pytest.raises(RunError):
        checkpoint.load_weights(tmp_path / "plain.pt")
    assert not (tmp_path / "trapped").exists()


def test_a_full_disk_leaves_what_was_there(tmp_path, monkeypatch):
    path = tmp_path / "last.pt"
    checkpoint.save_checkpoint(path, {"step": 1})

    def full(_handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(checkpoint.os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        checkpoint.save_checkpoint(path, {"step": 2})
    assert checkpoint.load_checkpoint(path)["step"] == 1
    assert [p.name for p in tmp_path.iterdir()] == ["last.pt"]


def test_a_damaged_checkpoint_gives_way_to_the_one_before(tmp_path):
    path = tmp_path / "last.pt"
    assert checkpoint.latest_checkpoint(path) == (None, [])
    for step in (1, 2):
        checkpoint.save_checkpoint(path, {"step": step})
    path.write_bytes(path.read_bytes()[:-50])

    state, problems = checkpoint.latest_checkpoint(path)
    assert state is not None
    assert state["step"] == 1
    assert len(problems) == 1
    assert "last.pt is damaged" in problems[0]
    (tmp_path / "previous-last.pt").write_bytes(b"")
    with pytest.raises(RunError, match="cannot go on"):
        checkpoint.latest_checkpoint(path)


WRITER = """
import sys, torch
from pathlib import Path
from archdsl.train.parts.checkpoint import save_checkpoint
sys.stdout.write("ready\\n"); sys.stdout.flush()
step = 0
while True:
    step += 1
    save_checkpoint(Path(sys.argv[1]), {"step": step, "weights": torch.full((200_000,), float(step))})
"""


def test_a_writer_that_is_killed_leaves_a_whole_checkpoint(tmp_path):
    path, steps = tmp_path / "last.pt", []
    for delay in (0.05, 0.11, 0.17):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE)
        assert writer.stdout is not None
        writer.stdout.readline()
        time.sleep(delay)
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        writer.stdout.close()
        state, problems = checkpoint.latest_checkpoint(path)
        assert problems == []
        if state is not None:
            steps.append(state["step"])
            assert bool((state["weights"] == state["step"]).all())

    assert steps


def test_weights_are_read_from_each_format(tmp_path):
    weights = {"fc.weight": torch.arange(6.0).view(2, 3), "fc.bias": torch.ones(2)}
    name = checkpoint.save_weights(tmp_path, weights)
    checkpoint.save_checkpoint(tmp_path / "last.pt", {"model": weights})
    torch.save(weights, tmp_path / "plain.pt")

    for one in (name, "last.pt", "plain.pt"):
        found = checkpoint.load_weights(tmp_path / one)
        assert {k: v.tolist() for k, v in found.items()} == {k: v.tolist() for k, v in weights.items()}
    (tmp_path / "bad.safetensors").write_bytes(b"\x00" * 20)
    with pytest.raises(RunError, match="holds no weights"):
        checkpoint.load_weights(tmp_path / "bad.safetensors")
    with pytest.raises(RunError, match="cannot be read"):
        checkpoint.load_weights(tmp_path / "absent.pt")


def test_weights_are_safetensors_where_it_is_installed(tmp_path, monkeypatch):
    pytest.importorskip("safetensors")
    assert checkpoint.save_weights(tmp_path, {"a": torch.ones(2).expand(2)}) == "weights.safetensors"
    monkeypatch.setattr(checkpoint, "installed", lambda _name: None)
    assert checkpoint.save_weights(tmp_path, {"a": torch.ones(2)}) == "weights.pt"
    with pytest.raises(RunError, match="pip install safetensors") as caught:
        checkpoint.load_weights(tmp_path / "weights.safetensors")
    assert caught.value.code == 3
