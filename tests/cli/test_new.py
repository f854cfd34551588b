"""`archdsl new` as a person types it: a first file in one command, and nothing ever lost."""

from __future__ import annotations

import os

import pytest

from archdsl.cli import run
from archdsl.manual.starters import bundled, classifier, model_name
from archdsl.pipeline import check, read
from archdsl.resources import specs


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", ["lenet", "lenet.arch", "./lenet", "sub/lenet"])
def test_a_name_of_a_bundled_spec_takes_that(name, folder, capsys):
    (folder / "sub").mkdir()

    assert run(["new", name]) == 0
    out, err = capsys.readouterr()

    path = folder / (name.removesuffix(".arch") + ".arch")
    assert path.read_bytes() == (specs() / "lenet.arch").read_bytes()
    assert out == ""
    assert "wrote" in err
    assert "archdsl analyze" in err


@pytest.mark.parametrize("name", ["resnet18", "ResNet18"])
def test_a_name_of_a_model_in_a_bundled_spec_takes_that_spec(name, folder, capsys):
    assert run(["new", name]) == 0

    assert (folder / f"{name}.arch").read_bytes() == (specs() / "resnet.arch").read_bytes()
    assert f"archdsl analyze {name}.arch --model ResNet18" in capsys.readouterr().err


def test_the_first_minute(capsys):
    """Habit 10: `archdsl new lenet && archdsl analyze lenet.arch`."""
    assert run(["new", "lenet"]) == 0
    assert run(["analyze", "lenet.arch"]) == 0
    assert "61,706" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["mynet", "my-net", "conv2d", "3x", "true", "_", "é"])
def test_any_other_name_gets_a_classifier_without_a_single_finding(name, folder, capsys):
    assert run(["new", name]) == 0
    result = check(read(folder / f"{name}.arch"))

    assert result.diagnostics == ()
    assert [outcome.holds for outcome in result.outcomes] == [True, True]


# fmt: off
STEMS = [
    ("mynet", "Mynet"), ("my-net", "MyNet"), ("resNet_v2", "ResNetV2"), ("ReLU", "ReLUNet"), ("none", "NoneNet"), ("3d", "Net3d"), ("", "Net"), ("é", "Net"),
]
# fmt: on


@pytest.mark.parametrize(("stem", "name"), STEMS)
def test_the_model_is_called_after_its_file(stem, name):
    assert model_name(stem) == name
    assert f"model {name}(" in classifier(stem).text


# fmt: off
ORIGINS = [
    ("resnet",        "resnet.arch",   "archdsl analyze mine.arch --model ResNet"),
    ("resnet.arch",   "resnet.arch",   "archdsl analyze mine.arch --model ResNet"),
    ("ResNet50",      "resnet.arch",   "archdsl analyze mine.arch --model ResNet50"),
    ("resnet50",      "resnet.arch",   "archdsl analyze mine.arch --model ResNet50"),
    ("LeNet5",        "lenet.arch",    "archdsl analyze mine.arch\n"),
]
# fmt: on


@pytest.mark.parametrize(("origin", "file", "advice"), ORIGINS)
def test_a_starter_is_a_file_or_a_model_in_it(origin, file, advice, folder, capsys):
    assert run(["new", "mine", "--from", origin]) == 0
    assert (folder / "mine.arch").read_bytes() == (specs() / file).read_bytes()
    assert advice in capsys.readouterr().err


def test_the_classifier_can_be_asked_for_where_the_name_is_that_of_a_spec(folder):
    assert run(["new", "lenet", "--from", "classifier"]) == 0
    assert "model Lenet(" in (folder / "lenet.arch").read_text(encoding="utf-8")


def test_nothing_is_overwritten(folder, capsys):
    (folder / "net.arch").write_text("mine", encoding="utf-8")

    assert run(["new", "net"]) == 2
    assert (folder / "net.arch").read_text(encoding="utf-8") == "mine"
    assert "net.arch is there already" in capsys.readouterr().err
    assert os.listdir(folder) == ["net.arch"]


def test_nothing_is_overwritten_where_files_cannot_be_linked_either(folder, capsys, monkeypatch):
    def refuse(*_):
        raise PermissionError

    monkeypatch.setattr(os, "link", refuse)
    assert run(["new", "net"]) == 0
    assert run(["new", "net"]) == 2
    assert "is there already" in capsys.readouterr().err
    assert os.listdir(folder) == ["net.arch"]


def test_a_link_to_nowhere_is_not_written_through(folder, capsys):
    (folder / "net.arch").symlink_to(folder / "elsewhere.arch")

    assert run(["new", "net"]) == 2
    assert not (folder / "elsewhere.arch").exists()


# fmt: off
NO_FILES = [
    (".",             "is a folder"),
    ("..",            "is a folder"),
    ("sub",           "is a folder"),
    ("sub/",          "is a folder"),
    ("",              "is a folder or no name"),
    ("nowhere/net",   "there is no folder `nowhere`"),
    ("net.txt",       "a spec ends in .arch"),
    ("a b",           "letters, digits"),
    ("a*b",           "letters, digits"),
    ("-net",          "no such option"),
    ("a\0b",          "no name"),
    ("a\nb",          "letters, digits"),
    ("n" * 300,       ""),
]
# fmt: on


@pytest.mark.parametrize(("name", "said"), NO_FILES)
def test_a_name_that_is_no_file_is_misuse(name, said, folder, capsys):
    (folder / "sub").mkdir()

    assert run(["new", name]) == 2
    assert said in capsys.readouterr().err.lower()
    assert os.listdir(folder) == ["sub"]


def test_an_unknown_starter_is_misuse_with_a_hint(capsys):
    assert run(["new", "net", "--from", "googlenett"]) == 2
    assert "did you mean `googlenet`?" in capsys.readouterr().err
    assert run(["new", "net", "--from", "zzz"]) == 2
    assert "archdsl new --list" in capsys.readouterr().err


def test_without_a_name_it_is_misuse(capsys):
    assert run(["new"]) == 2
    assert "give the file a name" in capsys.readouterr().err


def test_a_dash_prints_and_writes_nothing(folder, capsys):
    assert run(["new", "-", "--from", "unet"]) == 0
    assert capsys.readouterr().out == (specs() / "unet.arch").read_text(encoding="utf-8")
    assert run(["new", "-"]) == 0
    assert "model Net(" in capsys.readouterr().out
    assert os.listdir(folder) == []


def test_the_list_has_every_bundled_spec_with_its_models(capsys):
    assert run(["new", "--list"]) == 0
    out = capsys.readouterr().out

    assert [one.name for one in bundled()] == sorted(path.stem for path in specs().glob("*.arch"))
    for one in bundled():
        assert f"\n  {one.name} " in out
        assert all(model in out for model in one.models)
        assert one.says.count("(") == one.says.count(")"), "a sentence is not cut at an abbreviation"
        assert one.says, f"the first model of {one.name} has no `##` comment"
