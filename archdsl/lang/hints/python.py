"""Habits of Python and PyTorch: names with a dot, statements, calls of layers on tensors."""

from __future__ import annotations

import re

from archdsl.lang.hints.slip import Slip

FUNCTIONS = {
    "relu": "ReLU", "sigmoid": "Sigmoid", "tanh": "Tanh", "gelu": "GELU", "silu": "SiLU", "leaky_relu": "LeakyReLU",
    "softmax": "Softmax", "log_softmax": "LogSoftmax", "flatten": "Flatten", "conv2d": "Conv2d(64, 3)",
    "linear": "Linear(10)", "pad": "ZeroPad2d(1)", "batch_norm": "BatchNorm2d", "mean": "AdaptiveAvgPool2d(1)",
}  # fmt: skip
"""Functions of PyTorch, and the layers that do the same."""
WITH_SETTINGS = {
    "max_pool2d": ("MaxPool2d", "2"), "avg_pool2d": ("AvgPool2d", "2"), "dropout": ("Dropout", "0.5"),
    "adaptive_avg_pool2d": ("AdaptiveAvgPool2d", "1"), "interpolate": ("Upsample", "scale_factor=2"),
}  # fmt: skip
"""Those whose arguments behind the tensor are the layer's, and an example of them."""
_CALL = re.compile(
    r"(?:(?:F|nn|torch|functional|tf|keras|np)\.)+(?P<name>\w+)\((?P<arguments>(?:[^()\n]|\([^()\n]*\))*+)\)?"
)
_NOT_OURS = re.compile(r"\s*(?:training|inplace|input)\s*=")


def _functional(match: re.Match[str]) -> str:
    """Return the layer that a function of PyTorch is."""
    flow = _flow(match.string[match.start("here") : match.start("here") + 120])
    if flow is None or match["name"] not in (*FUNCTIONS, *WITH_SETTINGS):
        return "layers have the names of PyTorch's modules and follow what they work on: `x -> ReLU`"
    return f"a layer follows what it works on: `{flow}`"


def _flow(written: str) -> str | None:
    """Return `x -> ReLU -> MaxPool2d(2)` for a call of functions in one another, `None` where it is none."""
    call = _CALL.match(written)
    if call is None:
        return None
    first, *settings = [part.strip() for part in re.split(r",(?![^()]*\))", call["arguments"])]
    if "=" in first:
        first, settings = "x", [first, *settings]
    source = _flow(first) or (first if re.fullmatch(r"[A-Za-z_]\w*", first) and first != "self" else "x")
    kept = ", ".join(setting for setting in settings if setting and not _NOT_OURS.match(setting)).replace("'", '"')
    if call["name"] in WITH_SETTINGS:
        layer, usual = WITH_SETTINGS[call["name"]]
        return f"{source} -> {layer}({kept or usual})"
    return f"{source} -> {FUNCTIONS.get(call['name'], 'ReLU')}"


def _one_value(match: re.Match[str]) -> bool:
    """Return whether what follows on the line is one name or number."""
    return re.match(r"[ \t]*[\w.]+[ \t]*(?:$|#)", match.string[match.end() :], re.MULTILINE) is not None


DOTTED = (
    Slip(
        r"\b(?:torch|tf|np)\.(?:cat|concat|concatenate)\b",
        "`{0}` is PyTorch's, and unknown here",
        "write `concat(a, b)`, which joins channels",
    ),
    Slip(r"\b(?:torch|tf)\.(?:add|sum)\b", "`{0}` is PyTorch's, and unknown here", "write `a + b`"),
    Slip(
        r"\b(?:torch\.)?nn\.Sequential\b",
        "`{0}` is PyTorch's, and unknown here",
        "layers in a row stand in parentheses: `features: (conv: Conv2d(8, 3) -> ReLU)`",
    ),
    Slip(
        r"\b(?:torch\.)?nn\.ModuleList\b",
        "`{0}` is PyTorch's, and unknown here",
        "layers of a loop are numbered by their label: `for i in range(3) {{ x = x -> conv[i]: Conv2d(8, 3) }}`",
    ),
    Slip(
        r"\bDEFINE\s+\w+\s*\(\s*(?P<here>(?:nn\.)?Module)\b",
        "the parentheses of a {kind} hold its parameters, not a class",
        "write `{kind} Net {{ ... }}`",
    ),
    Slip(
        r"\b(?P<edit>(?P<here>(?:torch\.|keras\.|tf\.)*(?:nn|layers))\.)(?P<layer>[A-Z]\w*)",
        "layers are written without `{here}.`",
        "write `{layer}`",
        fix="",
    ),
    Slip(
        r"\b(?P<here>(?:F|(?:torch\.)?(?:nn\.)?functional|torch|tf|keras|np)\.(?P<name>\w+))(?:\(\s*(?P<x>\w+))?",
        "`{here}` is unknown here",
        _functional,
    ),
    Slip(
        r"\b(?P<layer>Concat\w*|Add|Multiply)\([^()\n]*\)\s*(?P<here>\()",
        "nothing is called twice here",
        "write `concat(a, b)`, `a + b` or `a * b`",
    ),
    Slip(
        r"\b(?P<edit>(?P<layer>[A-Z]\w*\([^()\n]*\))\s*(?P<here>\()(?P<x>[^()\n]*)(?P<close>\)(?=[ \t]*$))?)",
        "a layer is not called on a tensor, it follows it",
        "write `{x} -> {layer}`",
        fix=lambda m: f"{m['x']} -> {m['layer']}" if m["close"] and re.fullmatch(r"[A-Za-z_]\w*", m["x"]) else None,
    ),
    Slip(
        r"\bself\.(?P<name>\w+)[ \t]*=",
        "a layer is named where it is used, not in a constructor",
        "put the name in front of the layer: `x -> {name}: Conv2d(64, 3)`",
    ),
    Slip(
        r"\bself\.(?P<name>\w+)",
        "there is no `self` here",
        "the layer itself stands in the flow: `x -> {name}: Conv2d(64, 3)`",
    ),
    Slip(
        r"\bself\b",
        "there is no `self` here",
        "`input x` names the tensor that comes in, and `x -> ReLU` works on it",
    ),
    Slip(
        r"\b(?P<names>for\s+\w+\s+in)\s+(?P<edit>(?P<from>\d+)(?P<here>\.\.+)(?P<to>\d+))",
        "`{here}` is no range",
        "write `{names} range({from}, {to})`; the last number is left out",
        fix="range({from}, {to})",
        safe=False,
    ),
    Slip(
        r"(?P<edit>\b(?P<x>[A-Za-z_]\w*)(?P<here>\.chunk)\(\s*(?P<n>\d+)\s*,\s*(?:dim\s*=\s*)?1\s*\))",
        "a tensor has no method `{here}`",
        "write `split({x}, {n})`, which parts the channels",
        fix="split({x}, {n})",
    ),
    Slip(
        r"\b(?P<x>[A-Za-z_]\w*)(?P<here>\.(?:chunk|split))\b",
        "a tensor has no method `{here}`",
        "`a, b = split({x}, 2)` parts its channels equally, and `split({x}, [6, 2])` into pieces of these sizes",
    ),
    Slip(
        r"(?P<x>\b[A-Za-z_]\w*)(?P<here>\[)\s*(?:[^\[\]\n,]*,\s*)?[\w-]*\s*:",
        "no part of a tensor is taken by `[ : ]`",
        "`a, b = split({x}, 2)` parts its channels, and `crop({x}, top=1)` cuts at the edges",
    ),
    Slip(r"(?<=\w)(?P<here>\.(?:view|reshape|flatten))\b", "a tensor has no method `{here}`", "write `x -> Flatten`"),
    Slip(
        r"(?<=\w)(?P<here>\.mean)\b",
        "a tensor has no method `{here}`",
        "the mean over height and width is `x -> AdaptiveAvgPool2d(1) -> Flatten`",
    ),
    Slip(
        r"(?<=\w)(?P<here>\.(?:size|shape))\b",
        "a tensor has no `{here}`",
        "`input x: [c, h, w]` gives its sizes names, and so does `y: [c, h, w] = x -> ...`",
    ),
    Slip(
        r"(?:->|[({,])\s*(?P<name>[A-Za-z_]\w*)(?P<here>(?:\.\w+)+)\s*:",
        "a label is one name, without dots",
        "layers lie inside one another by parentheses: `{name}: (conv1: Conv2d(8, 3) -> ReLU)`",
    ),
    Slip(
        r"(?<=[A-Za-z_)\]])(?P<here>\.[A-Za-z_]\w*)",
        "nothing is reached by a dot here",
        "a layer follows what it works on: `x -> ReLU`",
    ),
)

WORDS = (
    Slip(r"\bsuper\s*\(\)[^\n]*", "the constructor is generated", "leave this line out"),
    Slip(
        r"\bdef\s+forward\b",
        "the body of a model is its forward pass",
        "write `input x: [3, H, W]`, then `y = x -> ...`, then `output y`",
    ),
    Slip(
        r"\bdef\s+__init__\b",
        "the constructor is generated",
        "parameters stand behind the name: `model Net(classes: int = 10) {{ ... }}`",
    ),
    Slip(
        r"\b(?:def|fn|function|func)\s+(?P<name>\w+)",
        "`{0}` defines nothing here",
        "a part that is used again is a block: `block {name}(width: int) {{ input x  output x -> ReLU }}`",
    ),
    Slip(
        r"\bclass\s+(?P<name>\w+)",
        "`{0}` defines nothing here",
        "write `model {name} {{ ... }}`, or `block {name} {{ ... }}` for a part of one",
        ends=True,
    ),
    Slip(
        r"(?P<edit>\breturn\b)(?:[ \t]+(?P<what>\w+))?",
        "`return` is not a statement here",
        "write `output` and the tensor that comes out, as in `output y`",
        fix=lambda m: "output" if m["what"] else None,
    ),
    Slip(
        r"\blambda\b[^\n]*",
        "there are no functions of one's own",
        "write the expression where it is used, or `let n = ...` for its value",
    ),
    Slip(r"\bprint\s*\(", "nothing runs here that could print", "`archdsl analyze` shows the shape of every tensor"),
    Slip(r"(?P<edit>\bpass\b)\s*", "`pass` is not a statement here", "leave it out: braces may be empty", fix=""),
    Slip(
        r"\b(?:while|until)\b\s*",
        "there is no `{0}`",
        "how often is known beforehand: `for i in range(3) {{ ... }}`, or `Layer(...) * 3`",
    ),
    Slip(
        r"(?P<edit>\b(?:elif|elseif|elsif)\b)\s*",
        "`{0}` is written in two words",
        "write `else if c {{ ... }}`",
        fix="else if",
    ),
    Slip(
        r"\[[^\[\]\n]*?(?P<here>\bfor)\b",
        "a list is not made by a loop",
        "write its elements out, or compute them where they are used: `for i in range(4) {{ ... 64 * 2**i ... }}`",
    ),
    Slip(
        r"[=(,][ \t]*(?P<edit>(?P<a>[\w.]+)[ \t]+(?P<here>if)[ \t]+(?P<c>[^\n{}:]*?)[ \t]+else[ \t]+(?P<b>[\w.]+))"
        r"(?=[ \t]*(?:$|[,)#]))",
        "the condition comes first",
        "write `if {c} {{ {a} }} else {{ {b} }}`",
        fix="if {c} {{ {a} }} else {{ {b} }}",
    ),
    Slip(
        r"(?<=[\w)\]])(?<!\boutput)\s+(?P<here>if\b)[^\n{}:]*\belse\b",
        "the condition comes first",
        "write `if c {{ a }} else {{ b }}`",
    ),
    Slip(
        r'(?P<here>"""|\'\'\')',
        "a description is no text in quotes",
        "write it as a comment, `# ...`, or as `## ...` above a definition",
    ),
    Slip(
        r'\b(?P<here>[fFrRbBuU])"',
        "a label computes its braces without `{here}`",
        'write `"conv{{i}}": ...`',
        fix="",
    ),
    Slip(
        r"\bimport\s+(?P<here>\*)",
        "names are imported one by one",
        "write `from resnet import Bottleneck, BasicBlock`",
    ),
    Slip(r"\bimport\b[^\n]*?\s(?P<here>as)\b", "an import keeps its name", "leave out `as` and what follows"),
    Slip(
        r"\bimport\s*(?P<here>[({])",
        "the names of an import stand without brackets",
        "write `from resnet import Bottleneck, BasicBlock`",
    ),
    Slip(
        r"(?P<edit>(?P<name>\b[A-Za-z_]\w*)\s*(?P<here>\+=|-=|\*=|/=))",
        "there is no `{here}`",
        "write `{name} = {name} + ...`",
        fix=lambda m: "{0} = {0} +".format(m["name"]) if m["here"] == "+=" and _one_value(m) else None,
    ),
    Slip(
        r"(?P<here>@)",
        "there is no product of matrices",
        "a learned one is a layer, `x -> Linear(10)`; `a * b` multiplies element by element",
    ),
    Slip(
        r"(?P<here>\*\*?[A-Za-z_]\w*)(?=\s*[,)])",
        "parameters are listed one by one",
        "give each its name and type: `width: int, stride: int = 1`",
    ),
)
