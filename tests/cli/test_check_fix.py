"""`archdsl check --fix`: what becomes of files, links, ends of lines and standard input."""

from __future__ import annotations

import io
import os
import stat
import sys

import pytest

from archdsl.cli import run

SLIPS = "model Net {\n  input x: [3, 8, 8];\n  output x -> c: Conv2D(8, 3, bias=True) -> Sigmod\n}\n"
MENDED = "model Net {\n  input x: [3, 8, 8]\n  output x -> c: Conv2d(8, 3, bias=true) -> Sigmod\n}\n"
FREELY = MENDED.replace("Sigmod", "Sigmoid")


@pytest.fixture
def net(tmp_path, monkeypatch):
    """Stand in a folder with one file that has three slips and a typing mistake."""
    path = tmp_path / "net.arch"
    path.write_text(SLIPS, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return path


class Standard:
    """Standard input with bytes in it."""

    def __init__(self, data: bytes) -> None:
        self.buffer = io.BytesIO(data)


def test_safe_fixes_are_written_and_the_rest_is_told(net, capsys):
    code = run(["check", "net.arch", "--fix"])
    out, err = capsys.readouterr()

    assert code == 1
    assert net.read_text(encoding="utf-8") == MENDED
    assert out == "3 problems fixed, 1 left\n1 error in 1 file, 1 model\n"
    assert "E0201" in err


def test_unsafe_fixes_are_written_when_asked_for(net, capsys):
    code = run(["check", "net.arch", "--fix", "--unsafe-fixes"])

    assert code == 0
    assert net.read_text(encoding="utf-8") == FREELY
    assert capsys.readouterr().out == "4 problems fixed, 0 left\nno problems in 1 file, 1 model\n"


def test_only_what_is_selected_is_mended(net, capsys):
    net.write_text(SLIPS.replace(";", ""), encoding="utf-8")
    run(["check", "net.arch", "--fix", "--unsafe-fixes", "--select", "unknown-layer"])

    assert net.read_text(encoding="utf-8") == FREELY.replace("true", "True")


def test_a_difference_is_printed_and_nothing_written(net, capsys):
    code = run(["check", "net.arch", "--diff"])
    out, err = capsys.readouterr()

    assert code == 1
    assert net.read_text(encoding="utf-8") == SLIPS
    assert out == (
        "--- net.arch\n+++ net.arch, fixed\n@@ -1,4 +1,4 @@\n model Net {\n"
        "-  input x: [3, 8, 8];\n-  output x -> c: Conv2D(8, 3, bias=True) -> Sigmod\n"
        "+  input x: [3, 8, 8]\n+  output x -> c: Conv2d(8, 3, bias=true) -> Sigmod\n }\n"
    )
    assert err == "3 problems would be fixed, 1 left\n"


def test_without_a_difference_the_exit_code_is_that_of_what_is_left(net, capsys):
    net.write_text(FREELY, encoding="utf-8")

    assert run(["check", "net.arch", "--diff"]) == 0
    assert capsys.readouterr().out == ""
    net.write_text(MENDED, encoding="utf-8")
    assert run(["check", "net.arch", "--diff"]) == 1
    assert run(["check", "net.arch", "--diff", "--exit-zero"]) == 0


# fmt: off
ENDS = [
    ("of Windows",             lambda text: text.replace("\n", "\r\n").encode()),
    ("and a byte order mark",  lambda text: b"\xef\xbb\xbf" + text.encode()),
    ("both",                   lambda text: b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode()),
    ("no end of the last line", lambda text: text.rstrip("\n").encode()),
    ("other signs",            lambda text: ("# é 😀\n" + text).encode()),
]
# fmt: on


@pytest.mark.parametrize("made", [c[1] for c in ENDS], ids=[c[0] for c in ENDS])
def test_ends_of_lines_and_marks_stay(net, capsysbinary, monkeypatch, made):
    net.write_bytes(made(SLIPS))
    run(["check", "net.arch", "--fix", "--unsafe-fixes"])

    assert net.read_bytes() == made(FREELY)
    capsysbinary.readouterr()
    monkeypatch.setattr(sys, "stdin", Standard(made(SLIPS)))
    run(["check", "-", "--fix", "--unsafe-fixes"])
    assert capsysbinary.readouterr().out == made(FREELY)


def test_a_line_that_a_fix_adds_ends_as_the_others_do(net, capsys):
    text = "model Net {\r\n  input x: [3, H, 8]\r\n  y = x -> MaxPool2d(2) -> u: ConvTranspose2d(3, 2, stride=2)\r\n  output y + x\r\n}\r\n"
    net.write_bytes(text.encode())
    run(["check", "net.arch", "--fix"])

    assert net.read_bytes() == text.replace("8]\r\n", "8]\r\n  require H % 2 == 0\r\n").encode()


def test_standard_input_is_printed_mended_and_the_rest_told_apart(net, capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdin", Standard(SLIPS.encode()))
    code = run(["check", "-", "--fix", "--stdin-filename", "a.arch"])
    out, err = capsys.readouterr()

    assert (code, out) == (1, MENDED)
    assert "  --> a.arch:3:" in err
    assert err.endswith("3 problems fixed, 1 left\n")


def test_a_sound_standard_input_is_printed_as_it_is(net, capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdin", Standard(FREELY.encode()))

    assert run(["check", "-", "--fix"]) == 0
    assert capsys.readouterr().out == FREELY


def test_a_bundled_spec_is_never_edited(net, capsys, monkeypatch):
    from archdsl.resources import specs

    before = {path: path.read_bytes() for path in specs().glob("*.arch")}
    code = run(["check", "lenet.arch", "resnet", "--fix", "--unsafe-fixes"])

    assert code == 0
    assert {path: path.read_bytes() for path in specs().glob("*.arch")} == before
    assert [path.name for path in net.parent.iterdir()] == ["net.arch"]


def test_an_imported_file_is_mended_by_its_own_name_only(net, capsys):
    part = net.parent / "part.arch"
    part.write_text("seq Part = Tanh => Tanh\n", encoding="utf-8")
    net.write_text("from part import Part\n" + FREELY.replace("-> Sigmoid", "-> Part"), encoding="utf-8")

    assert run(["check", "net.arch", "--fix"]) == 1
    assert "=>" in part.read_text(encoding="utf-8")
    assert capsys.readouterr().out.startswith("0 problems fixed, 1 left\n")
    assert run(["check", ".", "--fix"]) == 0
    assert part.read_text(encoding="utf-8") == "seq Part = Tanh -> Tanh\n"


def test_a_link_stays_a_link_and_rights_stay(net, capsys):
    link = net.parent / "link.arch"
    link.symlink_to("net.arch")
    net.chmod(0o640)
    run(["check", "link.arch", "--fix"])

    assert link.is_symlink()
    assert net.read_text(encoding="utf-8") == MENDED
    assert stat.S_IMODE(net.stat().st_mode) == 0o640


def test_a_file_without_slips_is_not_touched(net, capsys):
    net.write_text(FREELY, encoding="utf-8")
    os.utime(net, ns=(1, 1))
    run(["check", "net.arch", "--fix"])

    assert net.stat().st_mtime_ns == 1


@pytest.mark.parametrize("data", [b"\xff\xfe bias=True;", b"a\0;", b"# \xed\xa0\x80;\n"])
def test_what_is_no_text_is_not_touched(net, capsys, data):
    net.write_bytes(data)

    assert run(["check", "net.arch", "--fix", "--unsafe-fixes"]) == 1
    assert net.read_bytes() == data


def test_a_fix_that_would_uncover_more_is_told_of(net, capsys):
    net.write_text("model Net {\n  input x: [3, 8, 8];\n  output a = q\n  output b = r\n}\n", encoding="utf-8")
    run(["check", "net.arch", "--fix"])

    assert "0 problems fixed, 1 left; 1 fix not applied, which would bring other errors to light" in (
        capsys.readouterr().out
    )


def test_the_hint_counts_what_can_be_fixed(net, capsys):
    net.write_text(SLIPS.replace(";", ""), encoding="utf-8")
    run(["check", "net.arch"])
    out = capsys.readouterr().out

    assert out.endswith("\n1 can be fixed with --fix, 1 more with --unsafe-fixes\n")


def test_reports_tell_what_is_left(net, capsys):
    run(["check", "net.arch", "--fix", "--report", "concise=left.txt"])

    assert (net.parent / "left.txt").read_text(encoding="utf-8").count("\n") == 1
