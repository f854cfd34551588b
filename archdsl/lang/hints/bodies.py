"""Definitions, statements and tests that begin, end or read in another way."""

from __future__ import annotations

from archdsl.lang.hints.slip import MODEL, Slip
from archdsl.rules import files

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
        r"\bDEFINE\s+\w+\s*\([^(){}\n]*?\b(?P<name>[A-Za-z_]\w*)\s*(?P<here>=)",
        "the parameter `{name}` has no type",
        "write `{name}: int = ...`; the types are int, float, bool, str, list and block",
    ),
    Slip(
        r"\bDEFINE\s+\w+\s*\([^(){}\n]*?(?P<here>\b(?P<type>int|float|bool|str)\s+(?P<name>\w+))",
        "the type of a parameter comes behind it",
        "write `{name}: {type}`",
        fix="{name}: {type}",
    ),
    Slip(
        r"\bDEFINE\s+\w+\s*\([^(){}\n]*?(?P<here>\b(?P<name>[A-Za-z_]\w*))\s*[,)]",
        "the parameter `{name}` has no type",
        "write `{name}: int`; the types are int, float, bool, str, list and block",
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
    ),
    Slip(
        r"\b(?P<kind>if|for|else)\b[^{}\n]*(?P<here>:)[ \t]*$",
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
)

TESTS = (
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
        r"\btest\b[^{}\n]*\{\s*(?P<here>(?!expect\b)\w+)",
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
    Slip(r"\A[{\[][^\n]*", "this looks like JSON or a list of settings", MODEL),
)
"""Of lines at the top of a file that start no definition."""
