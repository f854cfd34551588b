"""Files and imports."""

from archdsl.diagnostics import Rule

_GOOD = "model M {\n  input x: [3, 8, 8]\n  output x -> ReLU\n}\n"

EMPTY = Rule(
    code="E0601",
    name="empty-file",
    summary="the file has no definition",
    why="An analysis needs a model.",
    bad="# nothing yet\n",
    good=_GOOD,
    see=("language items",),
)
NOT_TEXT = Rule(
    code="E0602",
    name="not-text",
    summary="the file is not a text in UTF-8",
    why="Specs are texts; this looks like weights, an archive or another encoding.",
    bad="\0\0\0",
    good=_GOOD,
    in_words="a file of weights, an archive, or a text in another encoding than UTF-8",
    see=("E0601",),
    python=("'utf-8' codec can't decode byte ... in position ...: ...",),
)
IMPORT_NOT_FOUND = Rule(
    code="E0603",
    name="import-not-found",
    summary="an imported file or name does not exist",
    why="Imports are looked for beside the file, then among the bundled specs.",
    bad="from nowhere import Block\n" + _GOOD,
    good="from resnet import Bottleneck\n" + _GOOD,
    causes=(
        "the file is in another folder: imports look beside the file and among the bundled specs",
        "the name is spelt otherwise there: `archdsl check` of that file lists what it has",
    ),
    see=("language imports", "E0604"),
    python=("No module named '...'", "cannot import name '...' from '...'"),
)
IMPORT_OUTSIDE = Rule(
    code="E0604",
    name="import-outside",
    summary="an import climbs out of the file's folder",
    why="A spec may come from anywhere, so it reads only beside itself and among the bundled specs.",
    bad="from ..secret import Block\n" + _GOOD,
    good=_GOOD,
    see=("language imports", "E0603"),
    python=(
        "attempted relative import beyond top-level package",
        "attempted relative import with no known parent package",
    ),
)
IMPORT_LOOP = Rule(
    code="E0605",
    name="import-loop",
    summary="files import each other in a circle",
    why="Neither can be read before the other.",
    bad="",
    good=_GOOD,
    in_words="two files, each with a `from ... import` of the other",
    causes=("move what both need into a third file",),
    see=("language imports",),
    python=("cannot import name '...' from partially initialized module '...' (most likely due to a circular import)",),
)
