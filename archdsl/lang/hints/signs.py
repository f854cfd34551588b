"""Signs that mean nothing here or something else: of C, of word processors, arrows of every shape, numbers."""

from __future__ import annotations

import re

from archdsl.lang.hints.slip import ARROW, LOOP, Slip


def _rest(match: re.Match[str]) -> str:
    """Return what follows on the line."""
    return match.string[match.end() :].partition("\n")[0]


def _gap(match: re.Match[str]) -> str:
    """Return a space, where without one two words would become one."""
    return " " if re.match(r"\S", match.string[match.end() :]) else ""


def _not(match: re.Match[str]) -> str | None:
    """Return `not`, where what is negated ends before it is compared: `!a == b` means another thing in C."""
    operand = re.match(r"[ \t]*(?:\w+|\([^()\n]*\))[ \t]*([=!<>+*/%-]|->)?", match.string[match.end() :])
    return "not " if operand is not None and operand[1] is None else None


C = (
    Slip(
        r"(?P<here>//)(?!=)",
        "`//` begins no comment",
        "comments begin with `#`; between numbers `//` divides and rounds down",
    ),
    Slip(r"/\*", "`/*` begins no comment", "comments begin with `#`, on every line"),
    Slip(r"<!--", "`<!--` begins no comment", "comments begin with `#`"),
    Slip(r"(?P<edit>[ \t]*(?P<here>&&?)[ \t]*)", "`{here}` joins no conditions", "write `and`", fix=" and "),
    Slip(r"(?P<edit>[ \t]*(?P<here>\|\|)[ \t]*)", "`||` joins no conditions", "write `or`", fix=" or "),
    Slip(r"\|>", "`|>` is no arrow", "an arrow is `->`", fix="->"),
    Slip(r"\|", "`|` is no arrow", "an arrow is `->`; conditions are joined with `or`"),
    Slip(r"!(?!=)", "`!` negates nothing", "write `not`", fix=_not),
    Slip(r"\bfor\s*(?P<here>\()\s*(?:int\s+)?\w+\s*=[^)\n]*", "a loop does not count by itself", LOOP),
    Slip(r"\([^()\n]*(?P<here>;)", "`;` separates nothing", "in parentheses a comma does", fix=","),
    Slip(r";", "`;` ends nothing", "statements need no `;`", fix=_gap),
    Slip(r"(?P<here>\?)[^\n:{}]*:", "there is no `? :`", "write `if c {{ a }} else {{ b }}`"),
    Slip(
        r"^[ \t]*(?P<here>const|var|val|int|float|auto|static)\s+(?P<name>[A-Za-z_]\w*)\s*=",
        "`{here}` is not a statement here",
        "write `let {name} = ...`",
        fix=lambda m: None if "->" in _rest(m) else "let",
    ),
)

FIGURES = {"⊕": "+", "⊞": "+", "⊙": "*", "⊗": "*", "∘": "*", "·": "*", "•": "*"}
PRINTED = {"≤": "<=", "≥": ">=", "≠": "!=", "÷": "/"}
"""Signs of figures and of printed formulas, and what is typed for them."""

FOREIGN = (
    Slip(
        r"(?P<edit>[ \t]*(?P<here>\\)[ \t]*)$",
        "`\\` joins no lines",
        "leave it out: a line end means nothing, and a statement goes on until the next one begins",
        fix="",
    ),
    Slip(r"`", "a backtick quotes nothing", 'leave it out: names stand without quotes, and texts in `"`'),
    Slip(
        f"[{''.join(FIGURES)}]",
        "`{0}` is a sign of figures",
        lambda m: (
            f"write `{FIGURES[m[0]]}`, which joins tensors element by element; `concat(a, b)` joins their channels"
        ),
        fix=lambda m: FIGURES[m[0]],
        safe=False,
    ),
    Slip(
        f"[{''.join(PRINTED)}]",
        "`{0}` is a sign of printed texts",
        lambda m: f"write `{PRINTED[m[0]]}`",
        fix=lambda m: PRINTED[m[0]],
    ),
)

ARROWS = (
    Slip(r"=>|--+>|~>|[–—−]+>", "`{0}` is no arrow", "an arrow is `->`", fix="->"),
    Slip(r"<--?|←", "the flow goes from left to right", "write `x -> ReLU`"),
    Slip(
        r"(?:->|→)(?P<edit>\s*(?P<here>->|→))",
        "there is no layer between two arrows",
        "leave one of them out, or write the layer",
        fix="",
        safe=False,
    ),
    Slip(
        r"(?P<here>->|→)\s*(?P<close>[)}])",
        "this arrow leads to nothing",
        "leave it out, or write the layer that follows",
        fix="",
        safe=False,
    ),
    Slip(r"(?P<here>->|→)\s*\Z", "this arrow leads to nothing", "leave it out, or write the layer that follows"),
    Slip(
        r"[(,]\s*(?P<name>[A-Za-z_]\w*)(?P<edit>\s*(?P<here>->)\s*)\d",
        "an argument gets its value with `=`",
        "write `{name}=...`",
        fix="=",
    ),
    Slip(
        r"=\s*(?P<here>->)",
        "an arrow with nothing in front of it",
        "write what flows along it, as in `y = x -> ReLU`; a seq begins with a layer",
    ),
    Slip(
        r"(?P<name>[A-Za-z_]\w*)(?P<here>\+\+|--)",
        "there is no `{here}`",
        "`let` names keep their value; a loop counts: `for i in range(3) {{ ... }}`",
    ),
    Slip(r"[–—]", "`{0}` is a dash", "an arrow is `->`, a minus is `-`"),
    Slip(r"−", "`−` is the minus of printed texts", "write `-`", fix="-"),
)

NUMBERS = (
    Slip(
        r"(?<![\w.])(?P<here>\.(?P<digits>\d+))",
        "a number begins with a digit",
        "write `0.{digits}`",
        fix="0.{digits}",
    ),
    Slip(
        r"(?<![\w.])(?P<here>(?P<digits>\d+)\.)(?!\d)",
        "a number does not end with a point",
        "write `{digits}.0`, or `{digits}` for a whole number",
        fix="{digits}.0",
    ),
    Slip(r"\d(?P<here>[eE])\b", "the exponent of the number is missing", "write `1e-3`"),
    Slip(
        r",(?P<edit>\s*(?P<here>,))",
        "there is nothing between two commas",
        "leave one of them out",
        fix="",
        safe=False,
    ),
    Slip(r"\)(?P<here>,)\s*[A-Za-z]", "a comma after a layer", ARROW, fix=" ->", safe=False),
    Slip(
        r"(?P<edit>(?P<here>[“”„«»\u2018\u2019])(?:(?P<word>[\w{}+*/ -]*)[“”„«»\u2018\u2019])?)",
        "`{here}` is a quote of printed texts",
        'texts stand in straight double quotes: `"same"`',
        fix=lambda m: None if m["word"] is None else f'"{m["word"]}"',
    ),
    Slip(r"'(?P<word>[^'\"\n]*)'", "texts do not stand in `'`", 'write double quotes: `"{word}"`', fix='"{word}"'),
    Slip(r"'", "texts do not stand in `'`", 'write double quotes: `"same"`'),
    Slip(r'(?=(?P<here>"[^"\n]*)$)', "this text is not closed on its line", 'write a second `"` where it ends'),
    Slip(
        r"[\xa0\u2000-\u200b\u202f\u3000\ufeff]",
        "this is no plain space, though it looks like one",
        "type the space again; it was pasted from a page or a slide",
        fix=" ",
    ),
    Slip(r"(?:\w*[^\W\x00-\x7f]\w*)", "`{0}` is no name", "names are made of a to z, A to Z, digits and `_`"),
)
