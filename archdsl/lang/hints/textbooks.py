"""Layers, shapes and labels as figures, tables and slides write them."""

from __future__ import annotations

import re

from archdsl.lang.hints.slip import ARROW, Slip


def _shape(match: re.Match[str]) -> str:
    """Return the shape that `224x224x3` or `(3, 224, 224)` means, channels first."""
    sizes = re.findall(r"\d+", match["here"])
    if len(sizes) == 3 and int(sizes[2][:9]) <= 4 < int(sizes[0][:9]):
        sizes = [sizes[2], *sizes[:2]]
    return f"shapes stand in brackets, channels first: `input image: [{', '.join(sizes)}]`"


def _brackets(match: re.Match[str]) -> str | None:
    """Return a shape in brackets, where its channels are known to come first."""
    sizes = re.findall(r"\d+", match["here"])
    first = len(sizes) == 3 and (int(sizes[0][:9]) <= 4 or int(sizes[2][:9]) > 4)
    colon = "" if ":" in match[0][: match.start("here") - match.start()] else ": "
    return f"{colon}[{', '.join(sizes)}]" if first else None


def _front(match: re.Match[str]) -> str:
    """Return the shape in front of a pipeline."""
    return f"write `[{', '.join(re.findall(r'[0-9]+', match['here']))}] -> ...`, channels first"


def _kernel(match: re.Match[str]) -> str:
    high, wide = match["h"], match["w"]
    if high == wide:
        return f"a square kernel is one number: write `{high}`"
    return f"a kernel with two sides is a tuple: write `({high}, {wide})`"


def _conv(match: re.Match[str]) -> str:
    high, wide, filters = match["h"], match["w"], match["filters"] or "64"
    kernel = high if high == wide else f"({high}, {wide})"
    return f"write `Conv2d({filters}, {kernel})`: how many filters, then the size of the kernel"


TEXTBOOKS = (
    Slip(r"\A\s*(?P<here>\d+(?:\s*[x×,]\s*\d+){1,3})", "this shape is not in brackets", _front),
    Slip(
        r"\binput\s+(?P<here>\d+(?:\s*[x×*,]\s*\d+)+)",
        "an input has a name, and its shape stands in brackets",
        _shape,
    ),
    Slip(
        r"\binput\s+\w+\s*:?\s*(?P<here>\d+(?:\s*[x×*]\s*\d+)+|\(\s*\d+(?:\s*,\s*\d+)+\s*\))",
        "this shape is not in brackets",
        _shape,
        fix=_brackets,
    ),
    Slip(
        r"\binput\s+(?P<name>\w+)(?P<edit>\s*(?P<here>=))",
        "the shape of an input follows a `:`",
        "write `input {name}: [3, H, W]`",
        fix=":",
    ),
    Slip(
        r"\binput\s+(?P<name>\w+)(?P<edit>\s*(?P<here>\[))",
        "a `:` is missing before the shape",
        "write `input {name}: [3, H, W]`",
        fix=": [",
    ),
    Slip(r"\binput\s*(?P<here>:)", "the input has no name", "write `input x: [3, H, W]`"),
    Slip(
        r"\b[Cc]onv\w*\s+(?P<here>(?P<h>\d+)\s*[x×]\s*(?P<w>\d+))\s*,?\s*(?P<filters>\d+)?",
        "the numbers of this layer are not in parentheses",
        _conv,
    ),
    Slip(
        r"(?P<here>(?P<h>\d+)\s*[x×]\s*(?P<w>\d+))\s*[Cc]onv\w*(?:\s*,\s*(?P<filters>\d+))?",
        "a layer begins with its name",
        _conv,
    ),
    Slip(
        r"\b(?P<here>0[xX](?P<digits>[0-9a-fA-F]{1,16}))\b",
        "numbers are decimal",
        lambda m: f"write `{int(m['digits'], 16)}`",
        fix=lambda m: str(int(m["digits"], 16)),
    ),
    Slip(
        r"(?P<here>(?P<h>\d+)\s*[x×]\s*(?P<w>\d+))",
        "`{here}` is no kernel",
        _kernel,
        fix=lambda m: m["h"] if m["h"] == m["w"] else f"({m['h']}, {m['w']})",
    ),
    Slip(
        r"(?P<here>(?:×|\bx)\s*(?P<n>\d+))\b\s*",
        "`{here}` repeats nothing",
        "write `* {n}`, as in `Layer(...) * {n}`",
        fix="* {n}",
    ),
    Slip(r"×", "`×` is not a sign of the language", "numbers and layers are multiplied with `*`", fix="*"),
    Slip(
        r"(?:->|→)\s*(?P<here>(?P<n>\d+)\s*\*)\s*(?P<layer>\w+)",
        "the number of times comes behind the layer",
        "write `{layer}(...) * {n}`",
    ),
    Slip(
        r"\b(?:repeat|loop|times)\s*\(?\d+",
        "`{0}` repeats nothing",
        "write `Layer(...) * 3`, or `for i in range(3) {{ ... }}`",
    ),
    Slip(r"(?P<edit>[ \t]*(?P<here>\^)[ \t]*)", "`^` is no power", "write `2**6`", fix="**"),
    Slip(
        r"(?:->|→)\s*\([^()\n]*?(?P<here>[+*])\s*[A-Za-z_]",
        "between arrows stand layers, and tensors are joined by their names",
        "in a block or model: `output y + x -> ReLU`",
    ),
)

LABELS = (
    Slip(
        r"(?:->|→)\s*(?P<name>[A-Za-z_]\w*)(?P<edit>\s*(?P<here>=)(?!=))",
        "a label ends with `:`",
        "write `{name}: ...`",
        fix=":",
    ),
    Slip(
        r"(?:->|[({])\s*(?P<name>[A-Za-z_]\w*)(?P<here>-(?P<rest>\w+))\s*:",
        "a `-` is a minus, and no part of a name",
        "write `{name}_{rest}:`",
        fix="_{rest}",
    ),
    Slip(
        r"(?:->|[({])\s*(?P<here>\d+)\s*:",
        "a label is a name, and {here} is a number",
        "call it `conv{here}:`; in a `( ... )` the layers without label are numbered by their place",
    ),
    Slip(
        r"(?:->|→)[ \t]*(?P<here>(?P<a>[a-z_]\w*)[ \t]+(?P<b>\w+))\s*:\s*",
        "a label is one word",
        "write `{a}_{b}:`",
        fix="{a}_{b}",
        safe=False,
    ),
    Slip(
        r"(?P<edit>(?P<name>\w*)(?P<here>\{(?P<inner>[^{}\n]*)\}))\s*:",
        "a computed label is a text",
        'write `"{name}{{{inner}}}": ...`',
        fix='"{name}{{{inner}}}"',
    ),
    Slip(r"(?P<here>::)", "a label ends with one `:`", "write `conv: Conv2d(8, 3)`", fix=":"),
    Slip(
        r"\boutput\s+(?P<name>\w+)(?P<edit>\s*(?P<here>:))",
        "an output gets its name with `=`",
        "write `output {name} = ...`",
        fix=" =",
    ),
    Slip(
        r"[\w)\]]\s+(?P<here>(?P<name>[A-Za-z_]\w*))\s*:\s*(?=[A-Z(])",
        "an arrow is missing before `{name}`",
        "write `-> {name}: ...`",
        fix="-> {name}",
    ),
    Slip(
        r"[)\]](?P<here>:)\s*(?P<next>[A-Z]\w*)",
        "a `:` after a layer",
        "a label stands in front of its layer; " + ARROW,
    ),
)
