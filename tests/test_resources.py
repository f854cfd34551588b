"""`specs/` and `templates/` are found in a checkout and in an installed wheel, and names cannot leave them."""

from pathlib import Path

import pytest

from archdsl import resources

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def package(tmp_path, monkeypatch):
    """An empty package folder with an empty `specs/` beside it."""
    folder = tmp_path / "archdsl"
    folder.mkdir()
    (tmp_path / "specs").mkdir()
    monkeypatch.setattr(resources, "_PACKAGE", folder)
    return folder


def test_in_a_checkout_both_are_beside_the_package():
    assert resources.specs() == ROOT / "specs"
    assert resources.templates() == ROOT / "templates"
    assert resources.templates().is_dir()


def test_the_checkout_has_no_copy_inside_the_package():
    assert not (ROOT / "archdsl" / "_data").exists()


def test_in_a_wheel_the_copy_inside_the_package_wins(package):
    inside = package / "_data" / "specs"
    inside.mkdir(parents=True)

    assert resources.specs() == inside


@pytest.mark.parametrize("name", ["lenet-5", "lenet-5.arch"])
def test_a_bundled_spec_is_found_with_and_without_its_ending(package, name):
    spec = package.parent / "specs" / "lenet-5.arch"
    spec.touch()

    assert resources.bundled_spec(name) == spec


def test_a_spec_that_is_not_bundled_is_none(package):
    assert resources.bundled_spec("lenet") is None


def test_a_folder_is_no_spec(package):
    (package.parent / "specs" / "lenet.arch").mkdir()

    assert resources.bundled_spec("lenet") is None


@pytest.mark.parametrize(
    "name",
    ["../outside", "..\\outside", "./a", "sub/a", "sub\\a", "", ".", "..", ".a", "a.arch.arch", "a.py", "a\0", "a\n"],
)
def test_only_plain_names_are_looked_up(package, name):
    specs = package.parent / "specs"
    for file in [package.parent / "outside.arch", specs / "a.arch", specs / ".a.arch", specs / "sub" / "a.arch"]:
        file.parent.mkdir(exist_ok=True)
        file.touch()

    assert resources.bundled_spec(name) is None


def test_the_folder_of_an_absolute_name_is_not_asked(package):
    outside = package.parent / "outside.arch"
    outside.touch()

    assert resources.bundled_spec(str(outside)) is None
