"""Worked solutions: every quantity with its numbers by hand, in every format."""

from __future__ import annotations

import re

import pytest

from archdsl.exam.posed import Posed
from archdsl.exam.reading import read_text
from archdsl.exam.sheet import Sheet
from archdsl.exam.solution import Bench, Solution, solve
from archdsl.exam.solutions.document import Worked, document

CHAIN = """
input image: [3, 64, 64]
output y = image -> a: Conv2d(32, 5, padding=2) -> b: MaxPool2d(2) -> c: Conv2d(64, 3, padding=1)
"""
BLOCK = """
input x: [64, 56, 56]
y = x -> c1: Conv2d(128, 3, stride=2, padding=1, bias=false) -> BatchNorm2d -> ReLU -> c2: Conv2d(128, 3, padding=1, bias=false) -> BatchNorm2d
skip = x -> proj: Conv2d(128, 1, stride=2, bias=false) -> BatchNorm2d
output z = y + skip -> ReLU
"""
UP = "input x: [16, 28, 28]\noutput y = x -> up: ConvTranspose2d(8, 5, stride=3, padding=2)"
HEAD = "input x: [8, 6, 6]\noutput y = x -> gap: AdaptiveAvgPool2d(1) -> flat: Flatten -> fc: Linear(10)"
DILATED = "input x: [1, 20, 30]\noutput y = x -> a: Conv2d(1, (3, 5), stride=(1, 2), dilation=2) -> b: Conv2d(1, 3)"
NOTHING = "input x: [3, 5, 5]\noutput y = x -> a: Conv2d(4, 7)"


def sheet(asks: list[str], net: str = "", conventions: str = "{}", nets: dict[str, str] | None = None) -> Sheet:
    lines = ["exam: e", f"conventions: {conventions}", "problems:", "  - id: q", "    title: A problem"]
    given = nets or ({"": net} if net else {})
    lines += ["    nets:"] if nets else []
    for name, text in given.items():
        lines += [f"      {name}: |" if name else "    net: |", *(f"        {t}" for t in text.strip().split("\n"))]
    lines.append("    parts:")
    lines += [f"      - {{id: p{i}, ask: '{ask}'}}" for i, ask in enumerate(asks)]
    return read_text("\n".join(lines) + "\n", "s.yaml", "yaml")


def solved(ask: str, net: str = CHAIN, conventions: str = "{}", **more: object) -> Solution:
    read = sheet([ask], "" if "nets" in more else net, conventions, **more)  # type: ignore[arg-type]
    (problem,) = read.problems
    return solve(Posed(problem, read.conventions), problem.parts[0])


def shown(solution: Solution, to: str = "text", *, brief: bool = False) -> list[str]:
    return document("", [Worked("q", "", (solution,))], to, brief=brief).strip("\n").split("\n")[2 - brief :]


# fmt: off
BY_HAND = [
    # ask                     net      answer            one line of working
    ("shape(a)",              CHAIN,   "32x64x64",       "(64 + 2·2 − 5) / 1 + 1 = 63 + 1 = 64"),
    ("shape(b)",              CHAIN,   "32x32x32",       "⌊(64 − 2) / 2⌋ + 1 = ⌊62/2⌋ + 1 = 32"),
    ("shape",                 UP,      "8x82x82",        "(28 − 1)·3 − 2·2 + 5 + 0 = 82"),
    ("shape(b)",              DILATED, "1x14x9",         "height: (16 − 3) / 1 + 1 = 13 + 1 = 14; width: (11 − 3) / 1 + 1 = 8 + 1 = 9"),
    ("shape",                 BLOCK,   "128x28x28",      "(28 + 2·1 − 3) / 1 + 1 = 27 + 1 = 28"),
    ("shape",                 HEAD,    "10",             "10"),
    ("params(a)",             CHAIN,   "2,432",          "32 · 3 · 5 · 5 + 32 = 2,432"),
    ("params",                CHAIN,   "20,928",         "2,432 + 18,496 = 20,928"),
    ("params(b)",             CHAIN,   "0",              "MaxPool2d has none"),
    ("params(up)",            UP,      "3,208",          "16 · 8 · 5 · 5 + 8 = 3,208"),
    ("params",                BLOCK,   "230,144",        "73,728 + 256 + 147,456 + 256 + 8,192 + 256 = 230,144"),
    ("weights(c)",            CHAIN,   "18,432",         "64 · 32 · 3 · 3 = 18,432"),
    ("biases",                CHAIN,   "96",             "32 + 64 = 96"),
    ("buffers",               BLOCK,   "768",            "256 + 256 + 256 = 768"),
    ("macs(a)",               CHAIN,   "9,830,400",      "32 · 64 · 64 · (3 · 5 · 5) = 9,830,400"),
    ("macs",                  BLOCK,   "179,830,784",    "57,802,752 + 115,605,504 + 6,422,528 = 179,830,784"),
    ("flops",                 BLOCK,   "359,661,568",    "2 · 179,830,784 = 359,661,568"),
    ("receptive_field(c)",    CHAIN,   "10",             "1 + 4·1 + 1·1 + 2·2 = 10"),
    ("receptive_field",       BLOCK,   "7",              "1 + 2·1 + 2·2 = 7"),
    ("receptive_field",       HEAD,    "6",              "gap reads every position: 6×6"),
    ("receptive_field(b)",    DILATED, "7x13",           "along the longest path: 7×13"),
    ("jump(c)",               CHAIN,   "2",              "2"),
    ("jump",                  BLOCK,   "2",              "2"),
    ("activations(b)",        CHAIN,   "32,768",         "32 · 32 · 32 = 32,768"),
    ("activations",           CHAIN,   "229,376",        "131,072 + 32,768 + 65,536 = 229,376"),
    ("activations",           HEAD,    "18",             "8 + 10 = 18"),
    ("memory(b)",             CHAIN,   "131,072",        "32 · 32 · 32 · 4 = 131,072"),
    ("memory",                CHAIN,   "655,360",        "524,288 + 131,072 = 655,360"),
    ("paths",                 BLOCK,   "2",              "1 + 1 = 2"),
    ("valid",                 CHAIN,   "yes",            "every size on the way is 1 or more"),
    ("valid(a)",              NOTHING, "no",             "the kernel reaches 7 rows but the padded input has 5"),
    ("params / 2 ** 2",       CHAIN,   "5,232",          "20,928 / 2^2 = 5,232"),
    ("shape(b)[1] - 1",       CHAIN,   "31",             "32 − 1 = 31"),
    ("params(c) / params(a)", CHAIN,   "≈ 7.6053",         "18,496 / 2,432 ≈ 7.6053"),
]
# fmt: on


@pytest.mark.parametrize(("ask", "net", "answer", "working"), BY_HAND, ids=[f"{row[0]} {row[2]}" for row in BY_HAND])
def test_the_answer_has_one_line_of_working(ask, net, answer, working):
    solution = solved(ask, net)

    assert (solution.answer, solution.derivation.brief) == (answer, working)


def test_the_table_of_a_receptive_field_carries_size_and_jump_from_layer_to_layer():
    assert shown(solved("receptive_field(c)")) == [
        "(p0) receptive field of c",
        "    layer  operation  k  s  jump before  r = r + (k − 1)·jump  jump after",
        "    image                                1                     1",
        "    a      Conv2d     5  1  1            1 + (5 − 1)·1 = 5     1",
        "    b      MaxPool2d  2  2  1            5 + (2 − 1)·1 = 6     2",
        "    c      Conv2d     3  1  2            6 + (3 − 1)·2 = 10    2",
        "    Answer: 10 (the stride of b acts from c on, not in b)",
    ]


def test_the_table_of_a_net_s_parameters_multiplies_each_tensor_out():
    assert shown(solved("params")) == [
        "(p0) parameters of the network",
        "    layer  operation                   weights  biases     sum",
        "    ───────────────────────────────────────────────────────────",
        "    a      Conv2d       32 · 3 · 5 · 5 = 2,400      32   2,432",
        "    c      Conv2d     64 · 32 · 3 · 3 = 18,432      64  18,496",
        "    ───────────────────────────────────────────────────────────",
        "    total                                               20,928",
        "    Answer: 20,928 parameters",
    ]


def test_a_shape_tells_what_came_before():
    assert shown(solved("shape(c)")) == [
        "(p0) output shape of c",
        "    before it: image 3×64×64 → a 32×64×64 → b 32×32×32",
        "    channels = 64  out_channels",
        "    each size: (32 + 2·1 − 3) / 1 + 1 = 31 + 1 = 32",
        "    b 32×32×32 → c 64×32×32",
        "    Answer: 64x32x32",
    ]


def test_markdown_has_tables_and_latex_has_tabulars():
    one = solved("macs")

    assert shown(one, "md") == [
        "**(p0)** MACs of the network",
        "",
        "| layer | operation | positions · each | MACs |",
        "|---|---|---:|---:|",
        "| a | Conv2d | 32 · 64 · 64 · (3 · 5 · 5) | 9,830,400 |",
        "| c | Conv2d | 64 · 32 · 32 · (32 · 3 · 3) | 18,874,368 |",
        "| **total** |  |  | **28,704,768** |",
        "",
        "**Answer: 28,704,768 MACs**",
        "",
        "*Convention: one MAC is one multiply-add; biases, norms, activations and poolings count none*",
    ]
    assert r"  a & Conv2d & 32 $\cdot$ 64 $\cdot$ 64 $\cdot$ (3 $\cdot$ 5 $\cdot$ 5) & 9,830,400 \\" in shown(
        one, "latex"
    )


@pytest.mark.parametrize("to", ["text", "md", "latex"])
@pytest.mark.parametrize(("ask", "net", "answer"), [row[:3] for row in BY_HAND])
def test_every_format_tells_the_answer(ask, net, answer, to):
    for brief in (False, True):
        text = "\n".join(shown(solved(ask, net), to, brief=brief)).replace(r"$\approx$", "≈")
        assert answer in text


def test_brief_is_a_line_a_part():
    assert shown(solved("params"), brief=True) == [
        "(p0) parameters of the network: 20,928 parameters   2,432 + 18,496 = 20,928"
    ]


# What does not follow the formula.


def test_where_paths_meet_the_longest_counts_and_the_others_are_told():
    solution = solved("receptive_field", BLOCK)

    assert solution.derivation.remark == "the longest path counts; through proj it is 1"
    assert any(note.startswith("add: its inputs see 7 and 1 px") for note in solution.derivation.pieces[0].notes)


def test_where_no_closed_form_applies_the_words_are_those_of_why():
    net = (
        "input x: [1, 8, 8]\noutput y = x -> a: Conv2d(1, 3) -> up: ConvTranspose2d(1, 3, stride=2) -> b: Conv2d(1, 3)"
    )
    (piece,) = solved("receptive_field(b)", net).derivation.pieces

    assert (
        "up: r + (k − 1)·j does not apply: along an axis an output reads 1 or 2 inputs, by its position" in piece.notes
    )


def test_a_dilated_kernel_tells_its_reach():
    (piece,) = solved("receptive_field(a)", DILATED).derivation.pieces

    assert piece.table.rows[1] == (
        "a",
        "Conv2d",
        "3 (reach 5)×5 (reach 9)",
        "1×2",
        "1",
        "height: 1 + (5 − 1)·1 = 5; width: 1 + (9 − 1)·1 = 9",
        "1×2",
    )


def test_a_layer_that_cannot_take_its_input_says_why():
    lines = shown(solved("valid", NOTHING))

    assert lines[1] == "    in `output y = x -> a: Conv2d(4, 7)`: the kernel reaches 7 rows but the padded input has 5"
    assert "    Answer: no" in lines


def test_a_shared_module_is_counted_once():
    net = """
    input x: [4, 8, 8]
    share tower = Conv2d(4, 3, padding=1)
    output y = x -> tower -> tower
    """
    solution = solved("params", net)

    assert solution.answer == "148"
    assert solution.derivation.brief == "4 · 4 · 3 · 3 + 4 = 148"
    assert solution.derivation.pieces[0].notes == ("a module that is used again is counted at its first call only",)


# Conventions.

# fmt: off
STATED = [
    # conventions             ask                   net     answer      what is said
    ("{bias: ignored}",       "params",             CHAIN,  "20,832",   "biases are not counted (bias: ignored)"),
    ("{bn: all}",             "params",             BLOCK,  "230,912",  "batch norm counts γ, β, running mean and variance: 4 for each channel (bn: all)"),
    ("{}",                    "params",             BLOCK,  "230,144",  "batch norm learns γ and β, 2 for each channel; running mean and variance are buffers (bn: trainable)"),
    ("{}",                    "buffers",            BLOCK,  "768",      "running mean and variance, 2 for each channel; the counters of batches are not counted"),
    ("{work: flops}",         "macs(a)",            CHAIN,  "19,660,800", "FLOPs: 2 per MAC"),
    ("{layout: HWC}",         "shape(b)",           CHAIN,  "32x32x32", "sizes stand as height × width × channels (layout: HWC)"),
    ("{layout: HWC}",         "shape(up)",          UP,     "82x82x8",  "sizes stand as height × width × channels (layout: HWC)"),
    ("{layout: strict}",      "shape(up)",          UP,     "8x82x82",  "sizes stand as channels × height × width (layout: strict)"),
    ("{rounding: ceil_pool}", "shape",              "input x: [1, 7, 7]\noutput y = x -> p: MaxPool2d(2)", "1x4x4", "pools round their size up (rounding: ceil_pool)"),
    ("{}",                    "shape",              "input x: [1, 7, 7]\noutput y = x -> p: MaxPool2d(2)", "1x3x3", "what is left over of a window is dropped: ⌊ ⌋ rounds down"),
    ("{rf: clipped}",         "receptive_field",    "input x: [1, 4, 4]\noutput y = x -> p: Conv2d(1, 5, padding=2)", "4", "clipped to the image (rf: clipped)"),
    ("{}",                    "receptive_field",    "input x: [1, 4, 4]\noutput y = x -> p: Conv2d(1, 5, padding=2)", "5", "theoretical: larger than the image, 4×4, and not clipped"),
    ("{}",                    "memory(a)",          CHAIN,  "524,288",  "4 bytes for a number (float32), one sample"),
]
# fmt: on


@pytest.mark.parametrize(("conventions", "ask", "net", "answer", "said"), STATED)
def test_a_convention_is_told_where_it_matters(conventions, ask, net, answer, said):
    solution = solved(ask, net, conventions)

    assert solution.answer == answer
    assert said in solution.derivation.conventions


def test_a_convention_is_not_told_where_it_does_not_matter():
    assert solved("params").derivation.conventions == ()
    assert solved("shape(c)").derivation.conventions == ()
    assert solved("shape(b)").derivation.conventions == ()  # 62 / 2 leaves nothing over


def test_the_sides_of_a_field_have_no_channels_to_put_last():
    assert solved("receptive_field(b)", DILATED, "{layout: HWC}").answer == "7x13"


def test_what_is_alive_at_the_peak_is_listed_with_its_bytes():
    (piece,) = solved("memory").derivation.pieces

    assert piece.table.rows == (
        ("a", "32×64×64", "32 · 64 · 64 · 4", "524,288"),
        ("b", "32×32×32", "32 · 32 · 32 · 4", "131,072"),
    )
    assert "b runs" in piece.notes[0]


# Arithmetic.


def test_arithmetic_derives_each_quantity_and_then_fills_the_formula():
    nets = {"wide": CHAIN, "narrow": UP}

    assert shown(solved("params(wide) / params(narrow)", nets=nets))[-3:] == [
        "    params(wide) / params(narrow) = 20,928 / 3,208",
        "    20,928 / 3,208                ≈ 6.5237",
        "    Answer: ≈ 6.5237 times",
    ]


# fmt: off
FORMULAS = [
    # as asked                           with its numbers                       result
    ("m * mean + (1 - m) * batch",       "0.9 · 5 + (1 − 0.9) · 3",             "4.8"),
    ("m * (mean - batch) / batch",       "0.9 · (5 − 3) / 3",                   "0.6"),
    ("mean - (batch - m)",               "5 − (3 − 0.9)",                       "2.9"),
    ("mean / (batch / m)",               "5 / (3 / 0.9)",                       "1.5"),
    ("(mean ** batch) ** 2",             "(5^3)^2",                             "15,625"),
    ("mean ** batch ** 2",               "5^3^2",                               "1,953,125"),
    ("(mean - batch) ** 2",              "(5 − 3)^2",                           "4"),
    ("-(mean + m)",                      "−(5 + 0.9)",                          "-5.9"),
    ("floor(mean / 2) + max(batch, 4)",  "⌊5 / 2⌋ + max(3, 4)",                 "6"),
    ("1 / batch",                        "1 / 3",                               "≈ 0.33333"),
]
# fmt: on


@pytest.mark.parametrize(("ask", "filled", "result"), FORMULAS)
def test_a_bare_formula_is_shown_with_its_numbers(ask, filled, result):
    text = (
        "exam: e\nproblems:\n  - id: q\n    draw: {m: [0.9], mean: [5], batch: [3]}\n"
        f"    parts:\n      - {{id: a, ask: '{ask}'}}\n"
    )
    read = read_text(text, "s.yaml", "yaml")
    (problem,) = read.problems
    values = {name: choices[0] for name, choices in problem.draw.items()}
    solution = solve(Posed(problem, read.conventions, values), problem.parts[0])

    assert solution.answer.replace("−", "-") == result
    assert solution.derivation.pieces[-1].lines[0].result == filled or filled == "1 / 3"
    assert filled in solution.derivation.brief


# Hostile names.


def test_signs_of_a_name_do_no_harm():
    read = sheet(["params(a_b)"], "input x: [3, 8, 8]\noutput y = x -> a_b: Conv2d(4, 3)")
    (problem,) = read.problems
    solution = solve(Bench(Posed(problem, read.conventions)), problem.parts[0])
    title = r"50% of_this & that #1 \input{x} <b> | `y` *z* $1$ ^~"

    latex = document(title, [Worked("q", title, (solution,))], "latex", brief=False)
    md = document(title, [Worked("q", title, (solution,))], "md", brief=False)

    assert r"parameters of a\_b" in latex
    assert set(re.findall(r"\\([a-zA-Z]+)", latex)) <= {
        "usepackage", "section", "subsection", "textbackslash", "textless", "textgreater", "textbar", "noindent",
        "textasciigrave", "textasciicircum", "textasciitilde", "textbf", "begin", "end", "cdot",
    }  # fmt: skip
    assert r"50\% of\_this \& that \#1 \textbackslash{}input\{x\}" in latex
    assert r"50% of\_this \& that #1 \\input{x} \<b\> \| \`y\` \*z\* \$1\$ ^\~" in md


# Nets at the edge.

# fmt: off
EDGES = [
    # net                                                              ask                  answer   working
    ("input x: [3, 8, 8]\noutput x",                                   "shape",             "3x8x8", "3×8×8"),
    ("input x: [3, 8, 8]\noutput x",                                   "receptive_field",   "1",     "1"    ),
    ("input x: [3, 8, 8]\noutput x",                                   "jump",              "1",     "1"),
    ("input x: [3, 8, 8]\noutput x",                                   "params",            "0",     "no layer of it has any"),
    ("input x: [3, 8, 8]\noutput x",                                   "macs",              "0",     "nothing is multiplied and added here"),
    ("input x: [3, 8, 8]\noutput x",                                   "paths",             "1",     "1"),
    ("input x: [3, 8, 8]\noutput y = x -> r: ReLU",                    "shape(r)",          "3x8x8", "3×8×8"),
    ("input x: [3, 8]\noutput y = x -> c: Conv1d(4, 3)",               "shape",             "4x6",   "length: (8 − 3) / 1 + 1 = 5 + 1 = 6"),
    ("input x: [3, h, w]\noutput y = x -> c: Conv2d(4, 3)",            "params",            "112",   "4 · 3 · 3 · 3 + 4 = 112"),
    ("input x: [3, h, w]\noutput y = x -> c: Conv2d(4, 3)",            "receptive_field",   "3",     "1 + 2·1 = 3"),
    ("input x: [7]\noutput y = x -> fc: Linear(5)",                    "macs",              "35",    "5 · 7 = 35"),
    ("input x: [7]\noutput y = x -> fc: Linear(5)",                    "shape",             "5",     "5"),
]
# fmt: on


@pytest.mark.parametrize(("net", "ask", "answer", "working"), EDGES)
def test_a_net_at_the_edge_is_solved_too(net, ask, answer, working):
    solution = solved(ask, net)

    assert (solution.answer, solution.derivation.brief) == (answer, working)
    for to in ("text", "md", "latex", "html"):
        assert answer in "\n".join(shown(solution, to))


def test_a_net_of_hundreds_of_layers_is_summed_up_block_by_block():
    net = "block B(c: int) {\n input x\n output x -> conv: Conv2d(c, 1, bias=false) -> bn: BatchNorm2d\n}\n"
    body = "\n".join(f" x{i} = x{i - 1} -> b{i}: B(2)" for i in range(1, 101))
    spec = f"{net}model N {{\n input x0: [2, 4, 4]\n{body}\n output x100\n}}"
    solution = solved("params", spec)

    assert solution.answer == "800"  # 100 · (2·2 + 2 + 2)
    table = solution.derivation.pieces[0].table
    assert table.rows[:2] == (("b1", "2", "8"), ("b2", "2", "8"))
    assert table.total == ("total", "200", "800")
    assert len(shown(solution)) < 120
