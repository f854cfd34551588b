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


def _side(match: re.Match[str]) -> str:
    """Return `3x3` or `1x7` as an argument."""
    return match["h"] if match["h"] == match["w"] else f"({match['h']}, {match['w']})"


def _conv(match: re.Match[str]) -> str:
    return f"write `Conv2d({match['filters'] or '64'}, {_side(match)})`: how many filters, then the size of the kernel"


def _expected(match: re.Match[str]) -> str:
    """Return `8x32x32` as a shape, channels first where it is seen which they are."""
    sizes = re.findall(r"\d+", match["here"])
    if len(sizes) == 3 and sizes[0] == sizes[1] != sizes[2]:
        sizes = [sizes[2], *sizes[:2]]
    return f"[{', '.join(sizes)}]"


def _percentage(match: re.Match[str]) -> str:
    return f"{float(match['n']) / 100:g}"


def _split(text: str) -> list[str]:
    """Return what stands between the commas of a text, those in parentheses aside."""
    return [part.strip() for part in re.split(r",(?![^()]*\))", text)]


def _residual(match: re.Match[str]) -> str:
    """Return the sum of a flow and a tensor."""
    flow = match["flow"] if len(match["flow"]) <= 60 and "\n" not in match["flow"] else "x -> ..."
    return f"put the flow in parentheses: `({flow}) {match['here']}{match['other'] or ' ...'}`"


UNIT = r"(?:[A-Z]\w*(?:\([^()\n]*\))?|\((?:[^()\n]|\([^()\n]*\))*\))"
"""A layer, or several in parentheses."""

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
    Slip(r"\binput\s*(?P<here>[:=])", "the input has no name", "write `input x: [3, H, W]`"),
    Slip(
        r"\binput\s+(?P<name>\w+)(?P<edit>(?P<here>,)\s*)(?P<next>[A-Za-z_]\w*)(?P<shape>\s*:)?",
        "an `input` names one tensor",
        lambda m: "each has its own: `input {0}{2}  input {1}{2}`".format(
            m["name"], m["next"], ": [3, H, W]" if m["shape"] else ""
        ),
        fix=lambda m: None if m["shape"] else " input ",
    ),
    Slip(
        r"\binput\s+(?P<name>\w+)\s*(?::\s*\[[^\[\]\n]*\])?\s*(?P<here>->|→)",
        "an input says what comes in, and nothing flows from it in the same statement",
        "go on by its name: `output {name} -> ...`",
        fix="output {name} ->",
        safe=False,
    ),
    Slip(
        r"\binput\s+(?P<name>\w+)(?:[ \t]*:[ \t]*\[[^\[\]\n]*\])?\s*\n\s*"
        r"(?P<here>(?P<layer>[A-Z]\w*+)(?:\([^()\n]*\))?+)\s*+(?![=:,\[])",
        "nothing flows into `{layer}`",
        "write `output {name} -> {here} -> ...`; layers follow each other with `->`",
        fix="output {name} -> {here}",
        safe=False,
    ),
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
        r"(?:[=!]=|[<>])\s*(?P<here>\d+(?:\s*[x×]\s*\d+)+)",
        "this shape is not in brackets",
        lambda m: f"write `{_expected(m)}`, channels first",
        fix=lambda m: _expected(m) if _expected(m)[1:].startswith(f"{re.findall('[0-9]+', m['here'])[0]},") else None,
    ),
    Slip(
        r"\[\s*(?P<here>\d+(?:\s*[x×]\s*\d+)+)",
        "the sizes of a shape are separated by commas",
        lambda m: f"write `[{', '.join(re.findall('[0-9]+', m['here']))}]`",
        fix=lambda m: ", ".join(re.findall("[0-9]+", m["here"])),
    ),
    Slip(
        r"\(\s*(?P<here>(?P<h>\d+)\s*[x×]\s*(?P<w>\d+)\s*[x×]\s*(?P<filters>\d+))(?!\s*[x×])",
        "`{here}` is a kernel and the number of filters in one",
        _conv,
        fix=lambda m: f"{m['filters']}, {_side(m)}",
        safe=False,
    ),
    Slip(
        r"[(,=]\s*(?P<here>\d+(?:\s*[x×]\s*\d+){2,})",
        "`{here}` is no kernel",
        "a kernel is one number where its sides are equal, and else has one for each axis: `(3, 5)`, `(3, 5, 5)`",
    ),
    Slip(
        r"[(,=]\s*(?P<here>(?P<n>\d+(?:\.\d+)?)\s*%)(?=\s*[,)])",
        "`{here}` is no number",
        lambda m: f"write `{_percentage(m)}`",
        fix=_percentage,
    ),
    Slip(
        r"[(,]\s*(?P<here>/\s*(?P<n>\d+))(?P<last>\s*(?:\)|,\s*\w+\s*=))?",
        "`{here}` is the stride of figures",
        "write `stride={n}`",
        fix=lambda m: f"stride={m['n']}" if m["last"] else None,
    ),
    Slip(
        r"[(,=]\s*(?P<here>(?P<h>\d+)\s*[x×]\s*(?P<w>\d+))",
        "`{here}` is no kernel",
        _kernel,
        fix=_side,
    ),
    Slip(
        r"(?P<here>(?:×|\bx)\s*(?P<n>\d+))\b\s*",
        "`{here}` repeats nothing",
        "write `* {n}`, as in `Layer(...) * {n}`",
        fix="* {n}",
    ),
    Slip(r"×", "`×` is not a sign of the language", "numbers and layers are multiplied with `*`", fix="*"),
    Slip(
        rf"(?:->|→)\s*(?P<edit>(?P<here>(?P<n>\d+)\s*\*)\s*(?P<layer>{UNIT}))",
        "the number of times comes behind the layer",
        "write `{layer} * {n}`",
        fix="{layer} * {n}",
    ),
    Slip(
        r"\bseq\b[^{}\n]*=\s*(?P<edit>(?P<here>\[)(?P<layers>[^\[\]]*)\])",
        "layers in a row are no list",
        lambda m: f"{ARROW}: `{' -> '.join(_split(m['layers']))}`",
        fix=lambda m: " -> ".join(_split(m["layers"])),
    ),
    Slip(
        r"(?:->|→)\s*(?P<here>\[)(?P<layers>[^\[\]\n]*)\]",
        "layers stand in no list",
        lambda m: (
            f"in a row they are `({' -> '.join(_split(m['layers']))})`; "
            "side by side each makes a tensor, `a = x -> ...  b = x -> ...`, and `concat(a, b)` joins them"
        ),
    ),
    Slip(
        r"\b(?:repeat|loop|times)\s*\(?\d+",
        "`{0}` repeats nothing",
        "write `Layer(...) * 3`, or `for i in range(3) {{ ... }}`",
    ),
    Slip(r"(?P<edit>[ \t]*(?P<here>\^)[ \t]*)", "`^` is no power", "write `2**6`", fix="**"),
    Slip(
        r"(?:=(?!=)|\boutput\b)\s*(?P<edit>"
        r"(?P<flow>[A-Za-z_]\w*\s*(?:->|→)(?:[^#()+=-]|->|\((?:[^()#]|\([^()#]*\))*+\))*?)"
        r"[ \t]*(?P<here>\+(?!\+)|(?<=\s)-(?=\s))(?P<other>[ \t]*[A-Za-z_]\w*\b)?)"
        r"(?P<last>(?=[ \t]*(?:#[^\n]*)?$(?!\s*(?:->|→))))?",
        "`{here}` joins tensors, and what stands before it is a layer",
        _residual,
        fix=lambda m: f"({m['flow']}) {m['here']}{m['other']}" if m["other"] and m["last"] is not None else None,
    ),
    Slip(
        r"(?<=[\w)\]])\s*(?P<here>\+)\s*[A-Za-z_(]",
        "`+` joins tensors, and what stands before it is a layer",
        "put the flow in parentheses: `(x -> ...) + y`",
    ),
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
        r"(?:->|→)[ \t]*(?P<here>(?P<a>(?!(?:if|for)\b)[a-z_]\w*)[ \t]+(?P<b>\w+))\s*:\s*",
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
        r"\boutput(?P<edit>\s*(?P<here>[=:])(?!=))",
        "an `output` is a statement, and takes no `{here}`",
        "write `output x -> ...`, or `output y = x -> ...` where it has a name",
        fix="",
    ),
    Slip(
        r"\boutput\s+(?P<a>[A-Za-z_]\w*)(?P<here>,)(?:\s*(?P<b>[A-Za-z_]\w*))?",
        "an `output` gives one tensor",
        lambda m: f"each has its own, with a name: `output first = {m['a']}  output second = {m['b'] or '...'}`",
    ),
    Slip(
        r"\boutput\s*(?P<here>\{)(?:\s*[\"'](?P<name>\w+)[\"']\s*:\s*(?P<x>\w+))?",
        "an output is no dictionary",
        lambda m: f"each has its own statement: `output {m['name'] or 'name'} = {m['x'] or 'x'}`",
    ),
    Slip(
        r"\boutput\s+(?P<name>\w+)(?P<edit>\s*(?P<here>:))",
        "an output gets its name with `=`",
        "write `output {name} = ...`",
        fix=" =",
    ),
    Slip(
        r"[\w)\]](?<!\bif)(?<!\bin)(?<!\belse)\s+(?P<here>(?P<name>[A-Za-z_]\w*))\s*:\s*(?=[A-Z(])",
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
