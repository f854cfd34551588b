"""Lints: each says what it is for, and says nothing of an item without the fault."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archdsl.exam.lints import CODES, Finding, alike_variants, lint, shared
from archdsl.exam.lints.alike import PAIRS
from archdsl.exam.lints.watched import COPIED, WATCHED
from archdsl.exam.mistakes import IDS
from archdsl.exam.reading import read_sheet, read_text

SHEETS = Path(__file__).parent / "sheets"


def found(text: str) -> tuple[Finding, ...]:
    return lint(read_text(text, "sheet.yaml", "yaml"))


def item(
    net: str,
    *parts: str,
    shape: str = "[3, 32, 32]",
    text: str = "",
    conventions: str = "rounding: floor",
    more: str = "",
) -> str:
    """Return a sheet with one problem `q`, a chain, and parts that are given as YAML mappings."""
    lines = [
        "exam: sheet",
        f"conventions: {{{conventions}}}",
        "problems:",
        "  - id: q",
        *(["    text: |", *(f"      {line}" for line in text.split("\n"))] if text else []),
        *([f"    {line}" for line in more.split("\n")] if more else []),
        "    net: |",
        f"      input x: {shape}",
        f"      output y = x -> {net}",
        "    parts:",
        *(f"      - {{id: {chr(97 + i)}, {part}}}" for i, part in enumerate(parts)),
    ]
    return "\n".join(lines) + "\n"


def said(text: str, code: str) -> list[str]:
    return [one.said for one in found(text) if one.code == code]


def ids(text: str, code: str) -> list[tuple[str, tuple[str, ...]]]:
    return [(one.name, one.ids) for one in found(text) if one.code == code]


def test_the_sheet_of_the_example_gets_exactly_these_findings():
    assert [str(one) for one in lint(read_sheet(SHEETS / "chain.yaml"))] == [
        "q1.e  L1  adding the kernels (5 + 2 + 3, R03) also gives 10; with c 5x5 it would be 12 against 14",
        "q1.b  L2  S01 in (a) (60 -> 30) and S03 in both parts (63 -> 30) end alike; part (a) tells them apart",
    ]


def test_every_watched_mistake_is_one_of_the_catalogue():
    watched = [one.id for one in (*WATCHED, COPIED)] + [id for pair, _ in PAIRS for id in pair]

    assert set(watched) <= set(IDS)
    assert len({one.id for one in WATCHED}) == len(WATCHED)


def test_there_are_ten_lints():
    assert list(CODES) == [f"L{number}" for number in range(1, 11)]


# L1: items of the corpus that cannot see the mistake they are meant to catch.

# fmt: off
UNSEEN = [
    # what                                         net                                               input          ask                        ids      with what it would be seen
    ("3x3 s1 p1 gives n to who knows nothing",     "l: Conv2d(8, 3, padding=1)",                     "[3, 32, 32]", "shape(l)",                 ["S08"], "with l 5x5 it would be 8x32x32 against 8x30x30"),
    ("a 1-channel input hides the channels",       "l: Conv2d(6, 5)",                                "[1, 28, 28]", "params(l)",                ["P04"], "with 3 input channels it would be 156 against 456"),
    ("k4 s2 p1 hides n times s",                   "l: ConvTranspose2d(8, 4, stride=2, padding=1)",  "[4, 7, 7]",   "shape(l)",                 ["T02"], "with l 3x3 it would be 8x14x14 against 8x13x13"),
    ("k2 s2 hides n times s",                      "l: ConvTranspose2d(8, 2, stride=2)",             "[4, 7, 7]",   "shape(l)",                 ["T02"], "with l 3x3 it would be 8x14x14 against 8x15x15"),
    ("conv5 pool2 conv3 hides the sum of kernels", "a: Conv2d(8, 5) -> b: MaxPool2d(2) -> c: Conv2d(8, 3)", "[3, 64, 64]", "receptive_field(c)", ["R03"], "with c 5x5 it would be 12 against 14"),
    ("3x3 s2 p1 hides the padding of one side",    "l: Conv2d(8, 3, stride=2, padding=1)",           "[3, 32, 32]", "shape(l)",                 ["S02"], "with padding 2 in l it would be 8x16x16 against 8x17x17"),
    ("as many filters as channels hide them",      "l: Conv2d(3, 5)",                                "[3, 32, 32]", "shape(l)",                 ["S12"], "with 6 filters in l it would be 3x28x28 against 6x28x28"),
    ("one filter hides how many there are",        "l: Conv2d(1, 4)",                                "[3, 32, 32]", "params(l)",                ["P02", "P05"], "with 2 filters in l it would be 97 against 98"),
    ("a later layer hides what pooling does to C", "a: MaxPool2d(2) -> b: Conv2d(8, 3)",             "[4, 32, 32]", "shape(b)",                 ["S14"], "ask for shape(a) too"),
]
# fmt: on


@pytest.mark.parametrize(
    ("net", "shape", "ask", "mistakes", "cure"), [row[1:] for row in UNSEEN], ids=[row[0] for row in UNSEEN]
)
def test_a_mistake_that_gives_the_right_answer_is_told_with_what_would_show_it(net, shape, ask, mistakes, cure):
    text = item(net, f"ask: {ask}", shape=shape)

    assert ids(text, "L1") == [("q.a", (id,)) for id in mistakes]
    assert said(text, "L1")[0].endswith(f"; {cure}")


# fmt: off
SEEN = [
    # what                                            net                                                      parts
    ("padding that is not there is not looked for",   "l: Conv2d(8, 5)",                                       ("shape(l)",)),
    ("another part sees it",                          "a: Conv2d(8, 3, padding=1) -> b: MaxPool2d(2)",         ("shape(a)", "shape(b)")),
    ("an intermediate shape shows the pool",          "a: MaxPool2d(2) -> b: Conv2d(8, 3)",                    ("shape(a)", "shape(b)")),
    ("strides after which nothing comes do not count", "a: Conv2d(8, 3) -> b: MaxPool2d(2)",                    ("receptive_field(b)",)),
    ("a depthwise filter is as deep as one channel",  "a: Conv2d(3, 5, groups=3, bias=false)",                 ("params(a)",)),
    ("no bias, none to forget",                       "a: Conv2d(8, 5, bias=false)",                           ("params(a)",)),
    ("biases are no MACs",                            "a: Conv2d(8, 5)",                                       ("macs(a)",)),
]
# fmt: on


@pytest.mark.parametrize(("net", "parts"), [row[1:] for row in SEEN], ids=[row[0] for row in SEEN])
def test_an_item_is_not_blamed_for_what_it_is_not_about(net, parts):
    assert said(item(net, *(f"ask: {part}" for part in parts)), "L1") == []


def test_branches_of_different_sizes_are_no_right_answer():
    """Who forgets the padding of an inception block cannot concatenate, and does not get the right shape."""
    text = """exam: sheet
conventions: {rounding: floor}
problems:
  - id: q
    net: |
      input x: [8, 14, 14]
      a = x -> Conv2d(4, 1)
      b = x -> Conv2d(6, 3, padding=1)
      output y = concat(a, b)
    parts:
      - {id: a, ask: shape}
"""

    assert said(text, "L1") == []


# L2: two mistakes that end alike.


def test_rgb_and_3x3_kernels_hide_two_mistakes_in_one_number():
    """(3·3 + 1)·64 = (3·3 + 1)·64 = 640; with 5x5 kernels they are 26·64 and (5·3 + 1)·64."""
    text = item("l: Conv2d(64, 3)", "ask: params(l)")

    assert ids(text, "L2") == [("q.a", ("P04", "P07"))]
    assert said(text, "L2") == [
        (
            "forgetting the input channels (P04) and taking k for k squared (P07) both give 640; "
            "with l 5x5 they would be 1,664 and 1,024"
        )
    ]


def test_where_another_part_tells_them_apart_it_is_named():
    text = item("a: Conv2d(8, 3) -> b: Conv2d(16, 3)", "ask: params(a)", "ask: params(b)")

    assert said(text, "L2") == [
        "forgetting the input channels (P04) and taking k for k squared (P07) both give 80; part (b) tells them apart"
    ]


def test_forms_of_a_transposed_convolution_that_collide_are_told():
    """Stride 2 and padding 1: not subtracting 2p and forgetting the - 1, which adds s, are the same."""
    text = item("l: ConvTranspose2d(8, 5, stride=2, padding=1)", "ask: shape(l)", shape="[4, 7, 7]")

    assert ids(text, "L2") == [("q.a", ("T03", "T05"))]
    assert said(text, "L2")[0].startswith(
        "not subtracting the padding (T03) and forgetting the - 1 (T05) both give 8x17x17"
    )


def test_mistakes_that_are_one_idea_are_no_collision():
    assert said(item("a: Conv2d(8, 5) -> b: MaxPool2d(2) -> c: Conv2d(8, 5)", "ask: receptive_field(c)"), "L2") == []


# L3: a layer drops positions.

DROPS = "a: Conv2d(8, 5, stride=2)"


def test_a_dropped_position_is_told_where_the_sheet_does_not_say_how_sizes_are_rounded():
    assert said(item(DROPS, "ask: shape(a)", conventions="bias: counted"), "L3") == [
        "a drops positions, (32 - 5)/2 leaves 1 over; say `rounding: floor` in the conventions"
    ]


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"conventions": "bias: counted", "text": "Round down."},
        {"conventions": "bias: counted", "shape": "[3, 33, 33]"},
    ],
    ids=["the sheet says so", "the text says so", "nothing is dropped"],
)
def test_rounding_that_is_stated_or_not_needed_is_no_finding(more):
    assert said(item(DROPS, "ask: shape(a)", **more), "L3") == []


def test_parameters_do_not_depend_on_rounding():
    assert said(item(DROPS, "ask: params(a)", conventions="bias: counted"), "L3") == []


# L4 and L8: what the text says.


@pytest.mark.parametrize(
    "text",
    [
        "A 32 by 32 RGB image.",
        "A 32x32 colour image.",
        "A 3x32x32 image.",
        "An image of 32x32x3.",
        "A 32 x 32 image with 3 channels.",
        "A three-channel image.",
        "An image, then `Conv2d(3, 8, 5)`.",
        "An image enters this.\n{{ net.table }}",
        "A convolution with 8 filters.",
    ],
)
def test_channels_that_the_text_states_are_no_finding(text):
    assert said(item("a: Conv2d(8, 5)", "ask: params(a)", text=text), "L4") == []


def test_an_image_without_its_channels_is_told_where_an_answer_depends_on_them():
    text = "A 32 by 32 image enters a convolution."

    assert said(item("a: Conv2d(8, 5)", "ask: params(a)", text=text), "L4") == [
        "the text speaks of an image, not of the 3 channels of the input; say that it is RGB, or has 3 channels"
    ]
    assert said(item("a: Conv2d(8, 5)", "ask: receptive_field(a)", text=text), "L4") == []


# fmt: off
CONTRADICTIONS = [
    ("A colour image.",              "[1, 32, 32]", "the text says `colour`, and the input has 1 channel"),
    ("An RGB image.",                "[1, 32, 32]", "the text says `RGB`, and the input has 1 channel"),
    ("A grey picture.",              "[3, 32, 32]", "the text says `grey`, and the input has 3 channels"),
    ("A grayscale picture.",         "[3, 32, 32]", "the text says `grayscale`, and the input has 3 channels"),
    ("An RGB image of 30 by 30.",    "[3, 32, 32]", "the text says `30 by 30`, which is no size in the network: its input is 3x32x32"),
    ("The RGB image is 7x7 pixels.", "[3, 32, 32]", "the text says `7x7`, which is no size in the network: its input is 3x32x32"),
    ("RGB, 64×64 there.",            "[3, 32, 32]", "the text says `64×64`, which is no size in the network: its input is 3x32x32"),
    ("An image with 16 channels.",   "[3, 32, 32]", "the text says `16 channels`, and nothing in the network has as many"),
]
AGREEMENTS = [
    ("An RGB image of 32 by 32.",                       "[3, 32, 32]"),
    ("An image of 32x32x3, then a map of 28x28.",       "[3, 32, 32]"),
    ("A 48 x 32 RGB image.",                            "[3, 32, 48]"),
    ("An RGB image that is turned grey, or is it.",     "[3, 32, 32]"),
    ("An RGB image, and a 7x7 kernel beside the 5x5.",  "[3, 32, 32]"),
    ("A grey image.",                                   "[1, 32, 32]"),
    ("Its 8 channels of the RGB image.",                "[3, 32, 32]"),
]
# fmt: on


@pytest.mark.parametrize(("text", "shape", "sentence"), CONTRADICTIONS, ids=[row[0] for row in CONTRADICTIONS])
def test_a_text_that_contradicts_the_network_is_told(text, shape, sentence):
    assert said(item("a: Conv2d(8, 5)", "ask: shape(a)", text=text, shape=shape), "L8") == [sentence]


@pytest.mark.parametrize(("text", "shape"), AGREEMENTS, ids=[row[0] for row in AGREEMENTS])
def test_a_text_that_agrees_is_no_finding(text, shape):
    assert said(item("a: Conv2d(8, 5)", "ask: shape(a)", text=text, shape=shape), "L8") == []


def test_a_contradiction_is_told_at_its_place_in_the_sheet():
    (one,) = [f for f in found(item("a: Conv2d(8, 5)", "ask: shape(a)", text="A grey picture.")) if f.code == "L8"]

    assert one.span is not None
    assert one.span.text == "grey"


# L5: too small to diagnose.


def test_an_answer_that_most_mistakes_share_is_too_small():
    text = item("a: Conv2d(8, 3) -> b: MaxPool2d(2)", "ask: receptive_field(b)", shape="[3, 8, 8]")

    assert [one.name for one in found(text) if one.code == "L5"] in ([], ["q.a"])
    assert said(item("a: MaxPool2d(2)", "ask: receptive_field(a)"), "L5") == [
        (
            "2 is too small to diagnose: of 6 mistakes that change it 5 end in a value that another gives too; "
            "take larger sizes"
        )
    ]


def test_parameters_are_large_enough():
    assert said(item("a: Conv2d(8, 5)", "ask: params(a)"), "L5") == []


# L6: two students with one variant.

DRAWN = """exam: sheet
problems:
  - id: q
    draw: {n: [28, 32], k: [3, 5]}
    net: |
      input x: [3, n, n]
      output y = x -> a: Conv2d(8, k)
    parts:
      - {id: a, ask: shape(a)}
"""


def test_students_with_one_variant_are_told_with_its_values():
    (problem,) = read_text(DRAWN, "sheet.yaml", "yaml").problems
    values = {"s1": {"n": 28, "k": 3}, "s2": {"n": 32, "k": 3}, "s3": {"n": 28, "k": 3}}

    (one,) = alike_variants(problem, values)

    assert (one.code, one.name) == ("L6", "q")
    assert one.said == "the same variant for s1 and s3 (k=3 n=28): 3 students, 2 different variants of at most 4"


def test_different_variants_are_no_finding():
    (problem,) = read_text(DRAWN, "sheet.yaml", "yaml").problems

    assert list(alike_variants(problem, {"s1": {"n": 28, "k": 3}, "s2": {"n": 28, "k": 5}})) == []


def test_five_students_cannot_have_four_variants_apart():
    sheet = read_text(DRAWN, "sheet.yaml", "yaml")

    assert len(shared(sheet, 1, [f"s{i}" for i in range(5)])) == 1
    assert shared(sheet, 1, ["s0"]) == ()


# L7: options.


def test_options_that_are_both_right_are_told():
    text = item("a: Conv2d(8, 5)", "ask: shape(a), choices: [8x28x28, 28x28x8, 8x32x32]")

    assert said(text, "L7") == ["the options `8x28x28` and `28x28x8` are both right"]


def test_an_option_that_another_convention_makes_right_is_told():
    net = "a: MaxPool2d(2)"
    text = item(net, "ask: shape(a), choices: [3x16x16, 3x17x17]", shape="[3, 33, 33]")
    (one,) = [f for f in found(text) if f.code == "L7"]

    assert one.ids == ("C1",)
    assert one.span is not None
    assert one.span.text == "3x17x17"


def test_flops_among_the_options_for_macs_are_told():
    """One 1x1 convolution from 2 to 3 channels on 4x4: 96 MACs, 192 FLOPs."""
    text = item("a: Conv2d(3, 1)", "ask: macs(a), choices: [96, 192, 480]", shape="[2, 4, 4]")

    assert ids(text, "L7") == [("q.a", ("C3",))]


def test_options_that_are_wrong_everywhere_are_no_finding():
    text = item("a: Conv2d(8, 5)", "ask: shape(a), choices: [8x28x28, 8x27x27, 8x32x32]")

    assert said(text, "L7") == []


# L9: tolerances.


def test_a_tolerance_that_holds_a_mistake_is_told():
    """1,800 weights of 5x5 from 3 to 24 channels and 24 biases: 1,824; with one bias 23 less, which is 1.26 %."""
    text = item("a: Conv2d(24, 5)", "ask: params(a), tolerance: 0.02")
    (one,) = [f for f in found(text) if f.code == "L9"]

    assert set(one.ids) == {"P01", "P02"}
    assert one.said.startswith("1,787.52 to 1,860.48 is accepted for 1,824, and 1,800 is P01, who forgot the biases")
    assert one.said.endswith("below 1.2 % it would hold none")


def test_a_tolerance_that_holds_no_mistake_is_no_finding():
    assert said(item("a: Conv2d(24, 5)", "ask: params(a), tolerance: 0.01"), "L9") == []


# L10: what follows from nothing.

CHAIN = "a: Conv2d(8, 5) -> b: MaxPool2d(2) -> c: Conv2d(8, 3)"


def test_a_part_that_builds_on_a_size_nobody_asks_for_is_told():
    assert said(item(CHAIN, "ask: shape(a)", "ask: shape(c)"), "L10") == [
        "shape(c) builds on the size after b, which no part before asks for"
    ]


def test_a_part_that_is_asked_but_not_named_is_told():
    parts = ("ask: shape(a)", "ask: shape(b)", "ask: shape(c), after: [a]")

    assert said(item(CHAIN, *parts), "L10") == [
        "shape(c) builds on the size after b, which (b) asks for: name it in `after`"
    ]


def test_the_weights_after_a_flattened_map_build_on_its_size():
    net = f"{CHAIN} -> Flatten -> fc: Linear(10)"

    assert said(item(net, "ask: shape(a)", "ask: params(fc)"), "L10") == [
        "params(fc) builds on the size after c, which no part before asks for"
    ]


@pytest.mark.parametrize(
    "parts",
    [
        ("ask: shape(a)", "ask: shape(b)", "ask: shape(c)"),
        ("ask: shape(c)",),
        ("ask: shape(a)", "ask: params(c)"),
        ("ask: shape(a)", "ask: receptive_field(c)"),
        ("ask: shape(a)", "ask: shape(c), marking: {follow_through: none}"),
    ],
    ids=["each is asked", "it comes first", "weights need no size", "fields need no size", "no marks follow"],
)
def test_a_part_that_needs_no_size_before_it_is_no_finding(parts):
    assert said(item(CHAIN, *parts), "L10") == []


# Drawn values.


def test_of_drawn_values_it_is_told_in_how_many_variants_a_finding_holds():
    always = item("a: Conv2d(6, k)", "ask: params(a)", shape="[1, 28, 28]", more="draw: {k: [5, 7]}")
    sometimes = item("a: Conv2d(6, 5)", "ask: params(a)", shape="[c, 28, 28]", more="draw: {c: [1, 2]}")

    assert "(in all 5 variants; this is k=" in said(always, "L1")[0]
    assert any(f"(in {n} of 5 variants; this is c=1)" in said(sometimes, "L1")[0] for n in range(1, 5))


def test_a_finding_that_reads_the_same_in_every_variant_is_told_as_it_is():
    text = item("a: Conv2d(6, 5)", "ask: shape(a)", text="A grey image.", more="draw: {c: [2, 3]}")

    assert said(text, "L8") == ["the text says `grey`, and the input has 3 channels"]


@pytest.mark.parametrize("ask", ["params(a)", "shape(a)", "receptive_field(a)", "macs(a)"])
def test_sizes_that_are_left_open_stop_nothing(ask):
    assert [one.code for one in found(item("a: Conv2d(8, 5, stride=2)", f"ask: {ask}", shape="[3, H, W]"))] == []


def test_a_sheet_whose_net_has_errors_has_no_findings():
    assert found(item("a: Conv2d(6, 50)", "ask: shape(a)")) == ()


def test_bare_formulas_have_no_findings():
    assert found("exam: sheet\nproblems:\n  - id: q\n    parts:\n      - {id: a, ask: 2 * 3}\n") == ()


# Whatever a sheet holds.

LAYERS = (
    "Conv2d(8, 3)",
    "Conv2d(1, 2, stride=2, padding=1)",
    "Conv2d(4, (3, 1), stride=(1, 2), bias=false)",
    "MaxPool2d(2)",
    "AvgPool2d(3, stride=2, padding=1)",
    "ConvTranspose2d(6, 4, stride=2, padding=1)",
    "ReLU",
    "BatchNorm2d",
    "AdaptiveAvgPool2d(1)",
)
ASKS = (
    "shape(l0)",
    "shape",
    "shape(l1)[0]",
    "params(l1)",
    "params / 2",
    "macs",
    "receptive_field",
    "jump(l0)",
    "memory",
    "valid(l1)",
    "paths",
)
MORE = ("", ", tolerance: 0.2", ", choices: [8x30x30, 30x30x8, impossible]", ", after: []")
CONVENTIONS = ("rounding: ceil_pool", "bn: all, rf: clipped", "work: flops, bias: ignored, layout: HWC")


@settings(max_examples=60)
@given(
    layers=st.lists(st.sampled_from(LAYERS), min_size=2, max_size=5),
    parts=st.lists(st.tuples(st.sampled_from(ASKS), st.sampled_from(MORE)), min_size=1, max_size=5),
    shape=st.sampled_from(("[1, 32, 32]", "[3, 31, 20]")),
    text=st.sampled_from(("", "A grey image of 28 by 28.", "∞ x 9999999999 by 1 RGB pixels, @ 3", "{{ net.table }}")),
    conventions=st.sampled_from(CONVENTIONS),
)
def test_every_finding_is_about_a_part_of_the_sheet(layers, parts, shape, text, conventions):
    net = " -> ".join(f"l{i}: {layer}" for i, layer in enumerate(layers))
    written = item(
        net, *(f'ask: "{ask}"{more}' for ask, more in parts), shape=shape, text=text, conventions=conventions
    )
    names = {f"q.{chr(97 + i)}" for i in range(len(parts))}

    for one in found(written):
        assert one.code in CODES
        assert one.parts
        assert set(one.parts) <= names
        assert one.said
        assert not one.said.endswith(".")
        assert "\n" not in one.said


@pytest.mark.parametrize("part", ["ask: jump(b)", 'ask: "shape(b)[0]"'])
def test_a_jump_and_a_side_of_a_shape_are_not_blamed_for_being_small(part):
    assert said(item("a: Conv2d(3, 3) -> b: MaxPool2d(2)", part), "L5") == []
    assert said(item("a: Conv2d(3, 3) -> b: MaxPool2d(2)", part), "L1") == []


def test_an_adaptive_pool_gives_its_size_whatever_it_reads():
    net = "a: Conv2d(8, 5) -> b: AdaptiveAvgPool2d(1) -> Flatten -> fc: Linear(10)"

    assert said(item(net, "ask: shape(a)", "ask: params(fc)"), "L10") == []
