"""Bounds of the language. They lie far above real networks, so that any text gets an answer in seconds."""

from archdsl.diagnostics import Rule

_GOOD = "model M {\n  input x: [3, 8, 8]\n  output x -> ReLU\n}\n"

TOO_DEEP = Rule(
    code="E0501",
    name="too-deep",
    summary="brackets, expressions or instances are nested too deeply",
    why="Depth is bounded so that no text can exhaust the machine that reads it.",
    bad="model M {\n  input x: [3, 8, 8]\n  let n = " + "(" * 70 + "1" + ")" * 70 + "\n  output x -> ReLU\n}\n",
    good=_GOOD,
    see=("language limits",),
    python=("too many nested parentheses",),
)
FILE_TOO_LARGE = Rule(
    code="E0502",
    name="file-too-large",
    summary="the file has more characters than are read",
    why="A spec is written by people; a larger file is usually something else.",
    bad="",
    good=_GOOD,
    in_words="a file of more than a million characters",
    see=("language limits", "E0602"),
)
NUMBER_TOO_LARGE = Rule(
    code="E0503",
    name="number-too-large",
    summary="a whole number leaves the range of 64 bits",
    why="No size or count of a network is that large, and PyTorch could not hold it.",
    bad="model M {\n  input x: [3, 8, 8]\n  output x -> conv: Conv2d(10**30, 3)\n}\n",
    good=_GOOD,
    see=("language limits",),
    pytorch=("Overflow when unpacking long",),
)
TOO_LONG = Rule(
    code="E0504",
    name="too-long",
    summary="a loop or list has too many elements",
    why="Loops run while the network is built, so their length is its size.",
    bad="model M {\n  input x: [3, 8, 8]\n  output x -> for i in range(10**12) { ReLU }\n}\n",
    good=_GOOD,
    see=("language limits",),
)
TOO_MANY = Rule(
    code="E0505",
    name="too-many",
    summary="the network has too many layers, or takes too many steps to build",
    why="A definition that uses another twice, sixty times over, would be larger than any memory.",
    bad="",
    good=_GOOD,
    in_words="a seq that uses another twice, which uses another twice, and so on for sixty definitions",
    see=("language limits", "E0206"),
)
