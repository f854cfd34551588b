"""Texts of sheets as readers get them: placeholders filled, markup kept for what it means, the rest made harmless."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archdsl.exam import prose
from archdsl.exam.posed import Posed
from archdsl.exam.reading import read_text

CHAIN = "input image: [3, 64, 64]\noutput y = image -> a: Conv2d(32, 5, padding=2) -> b: MaxPool2d(2)"
BRANCHED = "input x: [4, 8, 8]\ny = x -> c1: Conv2d(4, 1)\noutput z = x + y -> r: ReLU"
TARGETS = ("text", "md", "latex", "html")


def posed(text: str, net: str = CHAIN, draw: str = "{}", **values: object) -> Posed:
    body = "\n".join(f"      {line}" for line in net.split("\n"))
    prose_lines = "\n".join(f"      {line}" for line in text.split("\n"))
    sheet = read_text(
        f"exam: e\nproblems:\n  - id: q\n    draw: {draw}\n    net: |\n{body}\n    text: |\n{prose_lines}\n"
        "    parts:\n      - {id: a, ask: 1 + 1}\n",
        "s.yaml",
        "yaml",
    )
    return Posed(sheet.problems[0], sheet.conventions, values)


def filled(text: str, to: str = "md", **more: object) -> str:
    one = posed(text, **more)
    return prose.filled(one.problem.text, one, to)


# Placeholders.


def test_a_name_is_replaced_by_its_drawn_value():
    text = "A map of {{ n }} by {{n}} pixels, momentum {{ m }}, layer {{ op }}."
    draw = "{n: [28], m: [0.9], op: [MaxPool2d]}"

    drawn = posed(text, draw=draw)
    values = {name: choices[0] for name, choices in drawn.problem.draw.items()}
    again = Posed(drawn.problem, drawn.conventions, values)

    assert prose.filled(again.problem.text, again, "text") == "A map of 28 by 28 pixels, momentum 0.9, layer MaxPool2d."


def test_a_name_without_a_value_is_refused():
    with pytest.raises(ValueError, match="`n` has no value"):
        filled("{{ n }} pixels", draw="{n: [1, 2]}")


def test_no_text_is_an_empty_text():
    assert prose.filled(None, posed("x"), "latex") == ""


def test_the_table_of_a_net_has_its_layers_and_their_arguments_and_no_answers():
    assert filled("Look:\n{{ net.table }}\nat it.") == (
        "Look:\n\n"
        "| layer | operation |\n"
        "|---|---|\n"
        "| `image` | `input 3×64×64` |\n"
        "| `a` | `Conv2d(32, 5, padding=2)` |\n"
        "| `b` | `MaxPool2d(2)` |\n\n"
        "at it."
    )


def test_the_table_of_a_net_with_branches_says_what_each_layer_reads():
    assert filled("{{ net.table }}", "text", net=BRANCHED).splitlines()[2:] == [
        "  x      input 4×8×8",
        "  c1     Conv2d(4, 1)  x",
        "  add    add           x, c1",
        "  r      ReLU          add",
    ]


@pytest.mark.parametrize("to", TARGETS)
def test_no_table_tells_a_shape_or_a_count_that_is_asked_for(to):
    shown = filled("{{ net.table }}", to)

    assert not re.search(r"32\D+32\D+32|2[,.]?432", shown)


def test_a_net_that_does_not_work_is_shown_as_written():
    net = "input x: [3, 4, 4]\noutput y = x -> a: Conv2d(16, 9)"

    assert filled("{{ net.table }}", net=net) == f"```arch\n{net}\n```"


def test_the_code_of_a_net_tells_what_its_names_stand_for():
    one = posed("x", net="input x: [c, 8, 8]\noutput y = x -> a: Conv2d({{ o }}, 3)", draw="{c: [4], o: [6]}", c=4, o=6)

    assert prose.code(one.problem.nets[""], one).split("\n") == [
        "```arch",
        "# c = 4",
        "input x: [c, 8, 8]",
        "output y = x -> a: Conv2d(6, 3)",
        "```",
    ]


# Markup.

# fmt: off
MARKED = [
    # written                     text                    Markdown                   LaTeX                              HTML
    ("Volume of **a**",           "Volume of a",          "Volume of **a**",         r"Volume of \textbf{a}",           "<p>Volume of <strong>a</strong></p>"),
    ("an *odd* kernel",           "an odd kernel",        "an *odd* kernel",         r"an \emph{odd} kernel",           "<p>an <em>odd</em> kernel</p>"),
    ("k*k*C_in weights",          "k*k*C_in weights",     r"k\*k\*C_in weights",     r"k*k*C\_in weights",              "<p>k*k*C_in weights</p>"),
    ("(n - 1)*s - 2*p",           "(n - 1)*s - 2*p",      r"(n - 1)\*s - 2\*p",      "(n - 1)*s - 2*p",                 "<p>(n - 1)*s - 2*p</p>"),
    ("2*n* m, $× and --",         "2*n* m, $× and --",    r"2\*n\* m, \$× and --",   r"2*n* m, \$$\times$ and -{}-",    "<p>2*n* m, $× and --</p>"),
    ("call `Conv2d(a_b)`",        "call Conv2d(a_b)",     "call `Conv2d(a_b)`",      r"call \texttt{Conv2d(a\_b)}",     "<p>call <code>Conv2d(a_b)</code></p>"),
    (r"$r + (k-1) \cdot j$",      "r + (k-1) · j",        r"$r + (k-1) \cdot j$",    r"$r + (k-1) \cdot j$",            r"<p>\(r + (k-1) \cdot j\)</p>"),
    ("$5 and $6",                 "$5 and $6",            r"\$5 and \$6",            r"\$5 and \$6",                    "<p>$5 and $6</p>"),
    ("100 % of a & b",            "100 % of a & b",       "100 % of a & b",          r"100 \% of a \& b",               "<p>100 % of a &amp; b</p>"),
    ("0 < p < k",                 "0 < p < k",            "0 < p < k",               r"0 \textless{} p \textless{} k",  "<p>0 &lt; p &lt; k</p>"),
]
# fmt: on


@pytest.mark.parametrize(("written", "text", "md", "latex", "html"), MARKED, ids=[row[0] for row in MARKED])
def test_markup_means_the_same_in_every_format(written, text, md, latex, html):
    assert [prose.laid_out(written, to) for to in TARGETS] == [text, md, latex, html]


def test_lists_and_tables_are_those_of_the_format():
    written = "Two ways:\n- first\n- second\n\n| k | s |\n|---|---|\n| 3 | 1 |"

    assert prose.laid_out(written, "latex").split("\n\n")[1:] == [
        "\\begin{itemize}\n  \\item first\n  \\item second\n\\end{itemize}",
        "\\begin{tabular}{ll}\n  \\toprule\n  k & s \\\\\n  \\midrule\n  3 & 1 \\\\\n  \\bottomrule\n\\end{tabular}",
    ]
    assert "<ul>\n<li>first</li>\n<li>second</li>\n</ul>" in prose.laid_out(written, "html")
    assert prose.laid_out(written, "md") == written.replace("ways:\n-", "ways:\n\n-")


# Hostile texts.

HOSTILE = [
    r"\input{/etc/passwd}",
    r"$\input{/etc/passwd}$",
    r"$\immediate\write18{ls}$",
    r"$}\input{x}{$",
    "```\n\\end{verbatim}\\input{x}\n```",
    "{}{}{}}}} # ~ ^ _ % & \\",
    "<script>alert(1)</script>",
    "[x](javascript:alert(1)) ![y](//evil)",
    '" onload="x" \' ]]>',
    "`<b>` **<i>** &lt;",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_in_a_text_is_a_command_of_latex(text):
    shown = prose.laid_out(text, "latex") + prose.escaped(text, "latex")

    commands = set(re.findall(r"\\([A-Za-z]+)", shown))
    assert commands <= {
        "textbackslash", "textless", "textgreater", "textasciitilde", "textasciicircum", "textasciigrave",
        "textquotesingle", "textquotedbl", "texttt", "textbf", "emph", "begin", "end",
    }  # fmt: skip
    assert set(re.findall(r"\\(?:begin|end)\{(\w+)\}", shown)) <= {"flushleft"}


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_in_a_text_is_html(text):
    for to in ("html", "md"):
        shown = prose.laid_out(text, to) + prose.escaped(text, to)
        tags = re.findall(r"(?<!\\)<(/?\w+)", re.sub(r"`[^`]*`|(?s:```.*?```)", "", shown) if to == "md" else shown)
        assert set(tags) <= {"p", "/p", "code", "/code", "strong", "/strong", "em", "/em", "pre", "/pre"}


@given(st.text(alphabet="×⌊\\{}$%&#_^~<>*`[]|!-ab1 \n\t\"'", max_size=60))
def test_braces_and_dollars_of_latex_come_in_pairs_whatever_the_text(text):
    for shown in (prose.laid_out(text, "latex"), prose.escaped(text, "latex")):
        bare = re.sub(r"\\[{}$%&#_\\ ,;:]", "", shown)
        assert bare.count("{") == bare.count("}")
        assert bare.count("$") % 2 == 0
        assert not re.search(r"(?<!\\)[%#]", shown.replace("\\\\", ""))


@pytest.mark.parametrize("sign", ["*", "`", "$", "_", "**a ", "| ", "- a\n", "\\", "<", "{{ ", "*a", "_a "])
def test_a_long_text_of_one_sign_is_laid_out_quickly(sign):
    start = time.perf_counter()
    for to in TARGETS:
        prose.laid_out(sign * 20_000, to)

    assert time.perf_counter() - start < 5
