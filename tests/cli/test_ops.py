"""`archdsl ops` as a person types it."""

from __future__ import annotations

import json

import pytest

from archdsl.cli import run
from archdsl.ops import OPS


def test_without_a_name_every_layer_is_listed(capsys):
    code = run(["ops"])
    out, err = capsys.readouterr()

    assert (code, err) == (0, "")
    assert "Conv1d, 2d, 3d(out_channels, kernel_size, stride=1" in out
    assert "Slide `out_channels` filters over the input" in out
    assert f"{len(OPS)} layers and functions" in out


def test_a_name_is_its_page_with_numbers_that_hold(capsys):
    run(["ops", "Conv2d"])
    out = capsys.readouterr().out

    assert "Conv2d(out_channels, kernel_size, stride=1, padding=0" in out
    assert "each size ⌊(n + padding before and after − reach) / stride⌋ + 1" in out
    assert "16×32×32    32×30×30     4,640   4,147,200  [16, 32, 32] -> Conv2d(32, 3)" in out  # 32·16·9 + 32
    assert "arXiv:1603.07285" in out


def test_several_names_are_their_pages_each_once(capsys):
    run(["ops", "Conv2d", "Conv1d", "Dense", "--format", "json"])
    made = json.loads(capsys.readouterr().out)

    assert made["schema"] == "archdsl/ops@1"
    assert [page["names"] for page in made["pages"]] == [["Conv1d", "Conv2d", "Conv3d"], ["Linear"]]


def test_the_list_as_json_has_every_layer(capsys):
    run(["ops", "--format", "json"])
    made = json.loads(capsys.readouterr().out)

    assert sorted(name for page in made["pages"] for name in page["names"]) == sorted(OPS)


def test_markdown_has_a_heading_for_each_family(capsys):
    run(["ops", "--format", "md"])
    out = capsys.readouterr().out

    assert out.startswith("# Layers and functions\n")
    assert "\n## Convolutions and transposed convolutions\n" in out


# fmt: off
UNKNOWN = [
    ("Conv2x",  "did you mean `Conv2d`?"),
    ("batchnrm2d", "did you mean `BatchNorm2d`?"),
    ("zzz",     "`archdsl ops` lists them"),
    ("E0305",   "`archdsl ops` lists them"),
]
# fmt: on


@pytest.mark.parametrize(("name", "hint"), UNKNOWN)
def test_an_unknown_name_is_misuse_with_a_hint(name, hint, capsys):
    assert run(["ops", name]) == 2
    out, err = capsys.readouterr()

    assert out == ""
    assert f"there is no layer or function `{name}`; {hint}" in err
