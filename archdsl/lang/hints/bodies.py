"""Definitions, statements and tests that begin, end or read in another way."""

from __future__ import annotations

import re

from archdsl.lang.hints.slip import MODEL, Slip
from archdsl.rules import files

_WORDS = {
    "outputs": "output", "out": "output", "inputs": "input", "default": "defaults", "requires": "require",
    "shared": "share", "expects": "expect", "initialize": "init", "const": "let", "var": "let",
}  # fmt: skip
"""What is near to a word that begins a statement."""
_TENSORS = frozenset("x y z h img image images input inputs feature features tensor skip".split())
"""Names of parameters that are of tensors, most likely."""


def _type(match: re.Match[str]) -> str:
    """Return the type of a parameter, from what it is by default."""
    value = match["value"].strip()
    for pattern, kind in _TYPES.items():
        if re.fullmatch(pattern, value):
            return kind
    return "int"


_TYPES = {
    r"-?[\d_]+": "int",
    r"-?[\d_]+(?:\.\d*)?(?:[eE][+-]?\d+)?": "float",
    r"[tT]rue|[fF]alse": "bool",
    r"\".*|'.*": "str",
    r"\[.*": "list",
    r"[A-Z]\w*": "block",
}


def _untyped(match: re.Match[str]) -> str:
    """Tell what a parameter without a type may be: a tensor is none."""
    name = match["name"]
    if name in _TENSORS:
        return f"a tensor is no parameter: write `input {name}` in the body; a parameter is a setting, such as `n: int`"
    return f"write `{name}: int`; the types are int, float, bool, str, list and block"


DEFINITIONS = (
    Slip(r"\bDEFINE\s*(?P<here>\{)", "this {kind} has no name", "write `{kind} Net {{ ... }}`"),
    Slip(
        r"\bDEFINE\s*(?P<here>\"(?P<name>[^\"\n]*)\")",
        "a {kind} has its name without quotes",
        "write `{kind} Net {{ ... }}`",
    ),
    Slip(
        r"\bDEFINE\s+(?P<name>\w+)(?P<here>-(?P<rest>\w*))",
        "a `-` is a minus, and no part of a name",
        "call it `{name}_{rest}` or `{name}{rest}`",
    ),
    Slip(
        r"\b(?P<kind>model|block)\s+\w+\s*(?P<here>\()\s*(?:input|output)\b\s*",
        "the body stands in braces, and parentheses hold parameters",
        "write `{kind} Net {{ input x: [3, H, W]  ... }}`",
        ends=True,
    ),
    Slip(
        r"\b(?P<kind>model|block)\s+(?P<name>\w+)[^{}\n]*(?P<here>:)[ \t]*$",
        "the body of `{name}` is not in braces",
        "write `{kind} {name} {{ ... }}`, whatever the indent",
        ends=True,
    ),
    Slip(
        r"\b(?P<kind>model|block)\s+(?P<name>\w+)(?:\([^(){}\n]*\))?\s*\n\s*(?P<here>input|output|let)\b",
        "the body of `{name}` is not in braces",
        "write `{kind} {name} {{ ... }}`, whatever the indent",
        ends=True,
    ),
    Slip(
        r"\bseq\b[^{}\n]*=\s*(?P<here>\{)",
        "a seq has no body in braces",
        "write `seq Stem = Conv2d(8, 3) -> ReLU`, or a `block` where the tensors need names",
    ),
    Slip(
        r"\bseq\s+(?P<name>\w+)(?:\([^(){}\n]*\))?\s*(?P<here>\{)",
        "a seq has no body in braces",
        "write `seq {name} = Conv2d(8, 3) -> ReLU`, or `block {name} {{ input x  output x -> ... }}`",
    ),
    Slip(
        r"\bblock\s+(?P<name>\w+)\s*(?:\([^{}\n]*\))?\s*(?P<here>=)",
        "a block has its body in braces",
        "write `seq {name} = ...` for layers in a row, or `block {name} {{ input x  output x -> ... }}`",
    ),
    Slip(
        r"\bDEFINE\s+\w+\s*\((?:[^(){}]*?,)??\s*(?P<name>[A-Za-z_]\w*)(?P<edit>\s*(?P<here>=))\s*(?P<value>[^,(){}\n]*)",
        "the parameter `{name}` has no type",
        lambda m: f"write `{m['name']}: {_type(m)} = ...`; the types are int, float, bool, str, list and block",
        fix=lambda m: None if m["value"].strip() in ("", "None", "none") else f": {_type(m)} =",
    ),
    Slip(
        r"\bDEFINE\s+\w+\s*\([^(){}\n]*?(?P<here>\b(?P<type>int|float|bool|str)\s+(?P<name>\w+))",
        "the type of a parameter comes behind it",
        "write `{name}: {type}`",
        fix="{name}: {type}",
    ),
    Slip(
        r"\bDEFINE\s+\w+\s*\((?:[^(){}]*?,)??\s*(?P<here>(?P<name>[A-Za-z_]\w*))\s*[,)]",
        "the parameter `{name}` has no type",
        _untyped,
    ),
    Slip(
        r"\bmodel\s+(?P<name>\w+)\s*(?P<here>=)\s*(?:(?P<shape>\[[^\[\]\n]*\])|[A-Z]\w*(?:\([^()\n]*\))?)\s*(?:->|→)",
        "a model has its body in braces",
        lambda m: (
            f"write `model {m['name']} {{ input x: {m['shape'] or '[3, 32, 32]'}  output x -> ... }}`"
            + ("" if m["shape"] else f"; layers in a row without an input are a seq, `seq {m['name']} = ...`")
        ),
    ),
)

STATEMENTS = (
    Slip(
        r"\blet\s+(?P<name>\w+)(?P<edit>\s*(?P<here>:)(?P<type>\s*\w+(?:\[\w+\])?\s*(?==))?)",
        "a `let` states no type",
        "write `let {name} = ...`",
        fix=lambda m: " " if m["type"] else None,
    ),
    Slip(r"\blet\s+(?P<here>(?P<name>\w+))[ \t]*\n\s*", "`{name}` gets no value", "write `let {name} = 64`"),
    Slip(
        r"=\s*(?P<here>\{)",
        "there are no dictionaries",
        "write a list of tuples, `[(64, 1), (128, 2)]`, and loop over it: `for (c, s) in stages {{ ... }}`",
    ),
    Slip(
        r"\b(?P<kind>if|for|else)\b[^{}\n]*?\s(?P<edit>(?P<from>\d+)(?P<here>:)(?P<to>\d+))",
        "`{from}:{to}` is no range",
        "write `range({from}, {to})`; the last number is left out",
        fix="range({from}, {to})",
        safe=False,
    ),
    Slip(
        r"[=(,]\s*(?P<edit>if[ \t]+(?P<c>[^\n{}:]*?)[ \t]*(?P<here>:)[ \t]*(?P<a>[\w.]+)"
        r"[ \t]+else[ \t]*:[ \t]*(?P<b>[\w.]+))(?=[ \t]*(?:$|[,)#]))",
        "what belongs to `if` is not in braces",
        "write `if {c} {{ {a} }} else {{ {b} }}`",
        fix="if {c} {{ {a} }} else {{ {b} }}",
    ),
    Slip(
        r"\b(?P<kind>if|for|else)\b[^{}\n:]*(?P<here>:)",
        "what belongs to `{kind}` is not in braces",
        "write `{kind} ... {{ ... }}`, whatever the indent",
    ),
    Slip(r"(?P<here>\bthen)\b", "there is no `then`", "write `if c {{ a }} else {{ b }}`"),
    Slip(
        r"\bif\s+[^{}\n=<>!]*(?P<here>=)(?!=)\s*[^{}\n=]*\{",
        "a condition compares with `==`",
        "write `if stride == 1 {{ ... }}`; a single `=` gives a value to a name",
        fix="==",
    ),
    Slip(
        r"\bif\b[^{}\n]*?(?P<here>\b\w+\s*=(?!=))",
        "what belongs to `if` is not in braces",
        "write `if c {{ ... }}`; values are compared with `==`",
    ),
    Slip(
        r"\belse\s+(?P<here>if)\b",
        "the `else` of a layer opens a brace",
        "write `else {{ if c {{ ... }} else {{ ... }} }}`",
    ),
    Slip(
        r"^[ \t]*(?P<name>\w+)\s*(?P<here>==)",
        "a name is given with a single `=`",
        "write `{name} = ...`; `==` compares",
        fix="=",
    ),
    Slip(
        r"^[ \t]*(?P<name>[A-Za-z_]\w*)(?P<here>-(?P<rest>\w+))\s*=(?!=)",
        "a `-` is a minus, and no part of a name",
        "call it `{name}_{rest}`",
    ),
    Slip(
        r"^[ \t]*(?P<edit>(?P<here>\()(?P<names>[^()\n]*)\))\s*=",
        "the names on the left stand without parentheses",
        "write `{names} = ...`",
        fix="{names}",
    ),
    Slip(r"^[ \t]*end\b\s*", "`end` closes nothing", "a body ends with `}}`"),
    Slip(
        rf"(?:^|\{{)[ \t]*(?P<here>{'|'.join(_WORDS)})[ \t]+[A-Za-z_]\w*",
        "`{here}` begins no statement",
        lambda m: f"write `{_WORDS[m['here']]} ...`",
        fix=lambda m: _WORDS[m["here"]],
        safe=False,
    ),
)

TESTS = (
    Slip(
        r"\b(?P<here>assert|require|check|ensure)\b(?=[ \t(]*(?:shape|params|macs|receptive_field)\b)\s*\w*",
        "an expectation begins with `expect`",
        "write `expect params == ...`",
        fix="expect",
    ),
    Slip(
        r"\btest\b[^{}]*\{[^{}]*?\b(?P<here>assert|require)\b\s*\w*",
        "an expectation begins with `expect`",
        "write `expect params == ...`",
        fix="expect",
    ),
    Slip(
        r"\bexpect\s+[a-z_]+(?:\([^()\n]*\))?(?P<edit>\s+)(?P<here>[\d\[])",
        "an expectation compares with `==`",
        "write `expect params == 61_706`",
        fix=" == ",
    ),
    Slip(
        r"(?P<edit>\bassert\b)\s*",
        "`assert` is not a statement here",
        'write `require H % 32 == 0, "five halvings"`',
        fix="require",
    ),
    Slip(
        r"\bexpect\b[^{}\n]*?[=<>]\s*(?P<here>\d{1,3}(?:,\d{3})+)\b",
        "commas part no digits",
        lambda m: f"write `{m['here'].replace(',', '_')}`",
        fix=lambda m: m["here"].replace(",", "_"),
    ),
    Slip(
        r"\bwithin\s+(?P<edit>(?P<n>[\d.]+))\s*(?P<here>\}|expect\b)",
        "`within` takes a percentage",
        "write `within {n}%`",
        fix="{n}%",
        safe=False,
    ),
    Slip(
        r"\bexpect\b[^{}\n]*?(?<![=<>!])(?P<here>=)(?!=)",
        "an expectation compares with `==`",
        "write `expect params == 61_706`",
        fix="==",
    ),
    Slip(
        r"\btest\b[^{}\n]*\{\s*(?P<here>(?!(?:expect|require|let|input|output)\b)\w+)",
        "an expectation begins with `expect`",
        "write `expect {here} == ...`",
        fix="expect {here}",
    ),
    Slip(
        r"\d(?P<here>[kmgbBTt])\b",
        "`{here}` is no suffix of a number",
        "the suffixes are K, M and G: `4.09G`",
        fix=lambda m: m["here"].upper() if m["here"] in "kmg" else None,
    ),
)

OUTSIDE = (
    Slip(
        r"\Afrom\s+(?P<here>\.*/?\.\.[./\w-]*)",
        "the import climbs out of the file's folder",
        "write `from name import ...` for a file beside this one or a bundled spec",
        files.IMPORT_OUTSIDE,
    ),
    Slip(
        r"\Afrom\s+(?P<here>\"[^\"\n]*\"|'[^'\n]*'|[\w.]*/[\w./-]*)",
        "an import names a file by its bare name",
        "write `from resnet import Bottleneck` for `resnet.arch` beside this file or among the bundled specs",
    ),
    Slip(
        r"\A(?P<edit>(?P<here>(?:import)\s+(?:torch|tensorflow|keras|numpy|jax)[^\n]*)\n?)",
        "nothing of Python is imported here",
        "leave this line out: all layers are known",
        fix="",
    ),
    Slip(
        r"\A(?:import)\b[^\n]*",
        "an import says which names it takes",
        "write `from resnet import Bottleneck`; the layers of PyTorch need no import",
    ),
    Slip(r"\A(?:model|net)\s*=[^\n]*", "a model is not made by a call", MODEL),
    Slip(
        r"\A(?P<edit>Model|network|Network|net|Net|module|Module)\s+(?P<name>[A-Za-z]\w*)",
        "`{0}` starts no definition",
        "write `model {name} {{ ... }}`",
        fix="model",
    ),
    Slip(
        r"\A(?P<edit>Block|component|part)\s+(?P<name>[A-Za-z]\w*)",
        "`{0}` starts no definition",
        "write `block {name} {{ ... }}`",
        fix="block",
    ),
    Slip(r"\Alayers?\s*\{", "a layer does not stand by itself", MODEL),
    Slip(
        r"\A(?:input|output|require|share|init|for|if|expect)\b[^\n]*",
        "`{0}` stands outside a definition",
        "put it inside `model Net {{ ... }}`",
    ),
    Slip(
        r"\A[A-Za-z_]\w*[ \t]*(?:=|->)(?!=)[^\n]*",
        "`{0}` stands outside a definition",
        "tensors are named inside `model Net {{ ... }}`; a constant at the top is `let n = 64`",
    ),
    Slip(r"\A[\w-]+:(?:\s|$)", "this looks like YAML", MODEL),
    Slip(
        r"\A(?P<shape>\[[^\[\]\n]*\])\s*(?:->|→)[^\n]*",
        "a pipeline stands outside a definition",
        "write `model Net {{ input x: {shape}  output x -> ... }}`; `archdsl analyze -e '...'` takes it as it is",
    ),
    Slip(r"\A[{\[][^\n]*", "this looks like JSON or a list of settings", MODEL),
)
"""Of lines at the top of a file that start no definition."""
