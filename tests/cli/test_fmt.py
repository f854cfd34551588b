"""`archdsl fmt`: what it writes, what it says, and what it leaves alone."""

from __future__ import annotations

import io
import os
import stat
import sys

import pytest

from archdsl.cli import run

CROOKED = "model M{input x:[3,8,8] output x->ReLU}   # a net\n"
STRAIGHT = "model M {\n    input x: [3, 8, 8]\n    output x -> ReLU\n}  # a net\n"
BROKEN = "model M { input x: [3, 8, 8]  output x -> }\n"


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_file_is_written_in_the_one_style_and_a_second_run_changes_nothing(here, capsys):
    file = here / "a.arch"
    file.write_text(CROOKED, encoding="utf-8")

    assert run(["fmt", "a.arch"]) == 0
    assert file.read_text(encoding="utf-8") == STRAIGHT
    assert capsys.readouterr().err == "changed a.arch\n1 file changed\n"
    assert run(["fmt", "a.arch"]) == 0
    assert capsys.readouterr().err == "1 file left as it is\n"


def test_folders_are_walked_and_hidden_ones_are_not(here, capsys):
    for name in ("a.arch", "deep/b.arch", ".hidden/c.arch"):
        (here / name).parent.mkdir(exist_ok=True)
        (here / name).write_text(CROOKED, encoding="utf-8")

    assert run(["fmt"]) == 0
    assert capsys.readouterr().err == "changed a.arch\nchanged deep/b.arch\n2 files changed\n"
    assert (here / ".hidden/c.arch").read_text(encoding="utf-8") == CROOKED


def test_check_and_diff_write_nothing_and_leave_with_1_where_something_would_change(here, capsys):
    file = here / "a.arch"
    file.write_text(CROOKED, encoding="utf-8")

    assert run(["fmt", "--check", "a.arch"]) == 1
    assert capsys.readouterr() == ("would change a.arch\n", "1 file would change\n")
    assert run(["fmt", "--diff", "a.arch"]) == 1
    shown = capsys.readouterr().out
    assert "-model M{input x:[3,8,8] output x->ReLU}   # a net\n" in shown
    assert "+    output x -> ReLU\n" in shown
    assert file.read_text(encoding="utf-8") == CROOKED
    file.write_text(STRAIGHT, encoding="utf-8")
    assert run(["fmt", "--check", "a.arch"]) == 0


def test_a_file_with_syntax_errors_stays_and_the_errors_are_told(here, capsys):
    file = here / "a.arch"
    file.write_text(BROKEN, encoding="utf-8")

    assert run(["fmt", "a.arch"]) == 1
    shown = capsys.readouterr()
    assert file.read_text(encoding="utf-8") == BROKEN
    assert "error[E0101]" in shown.err
    assert shown.err.endswith("1 file with syntax errors\n")


def test_standard_input_goes_to_standard_output(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(CROOKED.encode())))

    assert run(["fmt", "-"]) == 0
    assert capsys.readouterr() == (STRAIGHT, "")


def test_standard_output_is_a_file_in_utf8_whatever_the_terminal_shows(monkeypatch):
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("let a=1 # ü → 😀\n".encode())))
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="ascii"))

    assert run(["fmt", "-"]) == 0
    assert written.getvalue().decode() == "let a = 1  # ü → 😀\n"


def test_a_link_stays_a_link(here):
    (here / "a.arch").write_text(CROOKED, encoding="utf-8")
    (here / "b.arch").symlink_to("a.arch")

    assert run(["fmt", "b.arch"]) == 0
    assert (here / "b.arch").is_symlink()
    assert (here / "a.arch").read_text(encoding="utf-8") == STRAIGHT


def test_a_file_keeps_its_ends_of_lines_and_a_mark_at_the_start_goes(here):
    file = here / "a.arch"
    file.write_bytes(b"\xef\xbb\xbf" + f"# one\n{CROOKED}# two\n".replace("\n", "\r\n").encode())

    assert run(["fmt", "a.arch"]) == 0
    assert file.read_bytes() == f"# one\n{STRAIGHT}# two\n".replace("\n", "\r\n").encode()
    assert run(["fmt", "--check", "a.arch"]) == 0


@pytest.mark.parametrize("lines", [-1, 1], ids=["all", "one"])
def test_a_file_that_differs_in_nothing_but_ends_of_lines_is_left_as_it_is(here, lines):
    text = STRAIGHT.replace("\n", "\r\n", lines).encode()
    (here / "a.arch").write_bytes(text)

    assert run(["fmt", "--check", "a.arch"]) == 0
    assert run(["fmt", "a.arch"]) == 0
    assert (here / "a.arch").read_bytes() == text


def test_the_mode_of_a_file_is_kept(here):
    file = here / "a.arch"
    file.write_text(CROOKED, encoding="utf-8")
    os.chmod(file, 0o640)
    run(["fmt", "a.arch"])

    assert stat.S_IMODE(file.stat().st_mode) == 0o640


def test_a_bundled_spec_is_not_meant_by_its_plain_name(here, capsys):
    assert run(["fmt", "resnet"]) == 2
    assert "there is no file resnet" in capsys.readouterr().err


def test_a_text_that_is_nested_too_deeply_is_refused(here, capsys):
    (here / "a.arch").write_text("let a = " + "not " * 5000 + "true\n", encoding="utf-8")

    assert run(["fmt", "a.arch"]) == 1
    assert "error[E0501]" in capsys.readouterr().err


def test_a_long_sum_is_laid_out(here):
    text = "let a = " + " + ".join(["b"] * 3000) + "\n"
    (here / "a.arch").write_text(text, encoding="utf-8")

    assert run(["fmt", "a.arch"]) == 0
