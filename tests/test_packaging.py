"""What `pyproject.toml` says twice, because it must, says the same."""

import re
import tomllib
from pathlib import Path

import pytest

PYPROJECT = tomllib.loads((Path(__file__).resolve().parent.parent / "pyproject.toml").read_text(encoding="utf-8"))
EXTRAS = PYPROJECT["project"]["optional-dependencies"]


def names(requirements):
    return {re.match(r"[\w.-]+", requirement)[0] for requirement in requirements}


@pytest.mark.parametrize("extra", sorted(EXTRAS.keys() - {"dev"}))
def test_the_development_extra_has_every_other_extra(extra):
    assert names(EXTRAS[extra]) <= names(EXTRAS["dev"])


def test_torch_is_pinned_where_the_tests_run():
    assert {"torch==2.13.0", "torchvision==0.28.0"} <= set(EXTRAS["dev"])


def test_the_tables_are_built_by_the_lark_that_reads_them():
    lark = {r for r in PYPROJECT["project"]["dependencies"] if r.startswith("lark")}

    assert lark <= set(PYPROJECT["build-system"]["requires"])
    assert len(lark) == 1
