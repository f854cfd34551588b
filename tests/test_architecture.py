"""The architecture: which room may import which, and where each library lives. These lists are its document.

    cli -> exam, verify, train -> codegen, report, manual, highlight, fixes -> pipeline -> elaborate, analysis -> lang, graph
        -> ops, rules -> diagnostics -> source, sizes, tensors, resources

A room is a module or a folder directly under `archdsl/`. It imports from its own layer and from those to its right, by
absolute name, at the top of the file.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "archdsl"

LAYERS = (
    ("cli", "__main__"),
    ("exam", "verify", "train"),
    ("codegen", "report", "manual", "highlight", "fixes"),
    ("pipeline",),
    ("elaborate", "analysis"),
    ("lang", "graph"),
    ("ops", "rules"),
    ("diagnostics",),
    ("source", "sizes", "tensors", "resources", "numpy_reference"),
)
DEPTH = {room: depth for depth, layer in enumerate(LAYERS) for room in layer}

# Narrower than its layer: ops know tensors and sizes and nothing else, no spans, graphs or text.
NARROW = {"ops": {"ops", "sizes", "tensors"}, "numpy_reference": set()}

# Every library that is not Python's own, and the rooms that may import it.
HOMES = {
    "click": {"cli"},
    "jinja2": {"codegen"},
    "lark": {"lang"},
    "numpy": {"numpy_reference"},
    "matplotlib": {"train"},
    "PIL": {"train"},
    "pygments": {"highlight"},  # comes with rich
    "rich": {"cli", "report"},
    "ruamel": {"exam"},
    "safetensors": {"train"},
    "torch": {"train", "verify"},
}

# Libraries that an object is converted for on demand: imported in the body of that method and nowhere else.
CONVERSIONS = {"networkx": "to_networkx", "pandas": "to_dataframe"}

# A training script needs PyTorch alone, and is made of these files: what few of its users need is imported where it is used.
PARTS, WHERE_USED = "train/parts/", {"PIL"}

# The build runs it by path, before anything is installed.
BUILD_HOOK = "lang/build_tables.py"

# Made by the hook, ignored by git.
MADE = "lang/_tables.py"

FILES = sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py"))
FILES = [file for file in FILES if file != MADE]


class Import(NamedTuple):
    """One name that a file imports: where, how, and inside which functions."""

    name: str
    line: int
    relative: bool
    functions: tuple[str, ...]
    for_types: bool

    @property
    def library(self) -> str:
        return self.name.partition(".")[0]

    @property
    def room(self) -> str:
        """The room of ours that it reaches into; empty for the package's public names and for rooms without a layer."""
        room = self.name.removeprefix("archdsl.").partition(".")[0]
        return room if room in DEPTH else ""

    @property
    def converts(self) -> bool:
        """Whether it stands in a method that turns an object into something shown or used elsewhere."""
        return any(f.startswith("to_") or (f.startswith("_repr_") and f.endswith("_")) for f in self.functions)


def imports(tree: ast.AST, functions: tuple[str, ...] = (), for_types: bool = False) -> Iterator[Import]:
    """Yield what a file imports, `from a import b` as `a.b`."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, node.lineno, False, functions, for_types)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield Import(f"{node.module}.{alias.name}", node.lineno, node.level > 0, functions, for_types)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from imports(node, (*functions, node.name), for_types)
        else:
            types = isinstance(node, ast.If) and ast.unparse(node.test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}
            yield from imports(node, functions, for_types or types)


def faults(file: str, text: str) -> list[str]:
    """Return what is wrong with the imports of `file`, a path below `archdsl/`."""
    room = "" if file == "__init__.py" else file.partition("/")[0].removesuffix(".py")
    if room and room not in DEPTH:
        return [f"`{room}` has no layer: give it one in LAYERS"]
    found = list(imports(ast.parse(text)))
    checks = (_how, _ours if room else _package, _foreign)
    return [f"line {x.line}: {fault}" for x in found for check in checks if (fault := check(file, room, x))]


def _how(file: str, room: str, x: Import) -> str | None:
    if x.relative:
        return "a relative import"
    allowed = room in {"", "cli"} or file == BUILD_HOOK or x.converts or "__getattr__" in x.functions
    allowed = allowed or (file.startswith(PARTS) and x.library in WHERE_USED)
    if x.functions and not allowed:
        return f"`{x.name}` is imported in the body of `{x.functions[-1]}`"
    return None


def _ours(file: str, room: str, x: Import) -> str | None:
    if x.library != "archdsl" or x.relative:
        return None
    if not x.room:
        return None if room == "cli" else f"`{x.name}` is public, which is for users and `cli`, or has no layer"
    if x.room not in NARROW.get(room, {x.room}):
        return f"`{room}` may not know `{x.room}`"
    # A conversion hands its object to whoever shows it, and those rooms are to the left.
    if DEPTH[x.room] < DEPTH[room] and not x.converts:
        return f"`{room}` may not import `{x.room}`, which is to its left"
    return None


def _package(file: str, room: str, x: Import) -> str | None:
    """Hold the public names of the package to loading on first use."""
    if x.library == "archdsl" and not x.functions and not x.for_types:
        return f"`{x.name}` is loaded with the package, not on first use"
    return None


def _foreign(file: str, room: str, x: Import) -> str | None:
    if x.relative or x.library == "archdsl" or x.library in sys.stdlib_module_names:
        return None
    if x.library == "hatchling" and file == BUILD_HOOK:
        return None
    if x.library in CONVERSIONS:
        right = CONVERSIONS[x.library] in x.functions or x.for_types
        return None if right else f"`{x.library}` outside the body of `{CONVERSIONS[x.library]}`"
    if x.library not in HOMES:
        return f"`{x.library}` has no home: give it one in HOMES"
    return None if room in HOMES[x.library] else f"`{x.library}` outside {sorted(HOMES[x.library])}"


@pytest.mark.parametrize("file", FILES)
def test_a_file_imports_only_what_its_room_may(file):
    assert faults(file, (PACKAGE / file).read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("file", FILES)
def test_a_file_says_what_it_is_for(file):
    assert ast.get_docstring(ast.parse((PACKAGE / file).read_text(encoding="utf-8")))


# fmt: off
BROKEN = [
    ("analysis/macs.py",     "from archdsl.report import table",                             "may not import `report`"),
    ("analysis/macs.py",     "import archdsl.cli.main",                                      "may not import `cli`"),
    ("analysis/macs.py",     "from archdsl import report",                                   "may not import `report`"),
    ("analysis/macs.py",     "from archdsl import load",                                     "is public"),
    ("analysis/macs.py",     "from . import shapes",                                         "relative"),
    ("analysis/macs.py",     "from ..graph import Graph",                                    "relative"),
    ("analysis/macs.py",     "def f():\n from archdsl.graph import Graph",                   "in the body of `f`"),
    ("analysis/macs.py",     "class A:\n def f(self):\n  if self:\n   import json",          "in the body of `f`"),
    ("analysis/macs.py",     "import numpy as np",                                           "`numpy` outside"),
    ("analysis/macs.py",     "import sympy",                                                 "no home"),
    ("analysis/macs.py",     "try:\n from lark import Lark\nexcept ImportError: pass",        "`lark` outside"),
    ("graph.py",             "import networkx",                                              "outside the body"),
    ("graph.py",             "def to_dataframe(self):\n import networkx",                    "outside the body"),
    ("graph.py",             "if TYPE_CHECKING:\n import torch",                              "`torch` outside"),
    ("ops/conv.py",          "from archdsl.source import Span",                              "may not know `source`"),
    ("numpy_reference.py",   "from archdsl.sizes import Size",                               "may not know `sizes`"),
    ("lang/parser.py",       "import rich.text",                                             "`rich` outside"),
    ("lang/parser.py",       "import hatchling",                                             "no home"),
    ("exam/grade.py",        "import torch",                                                 "`torch` outside"),
    ("__init__.py",          "from archdsl.pipeline import load",                            "not on first use"),
    ("train/run.py",         "def f():\n from PIL import Image",                               "in the body of `f`"),
    ("train/parts/loop.py",  "def f():\n import safetensors",                                 "in the body of `f`"),
    ("helpers.py",           "",                                                             "has no layer"),
]
SOUND = [
    ("analysis/macs.py",     "from archdsl.graph import Graph\nfrom archdsl.analysis import shapes\nimport json"),
    ("analysis/__init__.py", "class A:\n def to_dataframe(self):\n  import pandas"),
    ("analysis/__init__.py", "class A:\n def _repr_html_(self):\n  from archdsl.report import html"),
    ("graph.py",             "class A:\n def to_networkx(self):\n  import networkx as nx"),
    ("graph.py",             "if TYPE_CHECKING:\n import networkx"),
    ("cli/analyze.py",       "import click\ndef run():\n from archdsl.pipeline import compile_spec"),
    ("cli/main.py",          "from archdsl import __version__"),
    ("__init__.py",          "def __getattr__(name):\n from archdsl.pipeline import load"),
    ("train/parts/images.py", "def picture():\n from PIL import Image"),
    ("lang/build_tables.py", "import hatchling\ndef f():\n from archdsl.lang.tables import literal"),
]
# fmt: on


@pytest.mark.parametrize(("file", "text", "fault"), BROKEN)
def test_what_breaks_the_architecture_is_found(file, text, fault):
    found = faults(file, text)

    assert len(found) == 1
    assert fault in found[0]


@pytest.mark.parametrize(("file", "text"), SOUND)
def test_what_keeps_to_it_passes(file, text):
    assert faults(file, text) == []
