"""Slips: what is written for one means what was typed and passes, what is advised passes, and no row takes long."""

from __future__ import annotations

from pathlib import Path
from time import process_time

import pytest

from archdsl.elaborate import Library
from archdsl.fixes import Mended, mend
from archdsl.lang.hints import INSIDE, REACH, bodies
from archdsl.pipeline import check
from archdsl.source import Source

MISTAKES = Path(__file__).parent.parent / "mistakes"


def mended(text: str, *, unsafe: bool = False) -> Mended:
    return mend(
        text,
        lambda text: Library().add(Source("net.arch", text), None),
        lambda found: unsafe or (found.fix is not None and found.fix.safe),
    )


def errors(text: str) -> list[str]:
    found = check(Library().add(Source("net.arch", text), None)).diagnostics
    return [f"{d.code} {d.message}" for d in found if d.severity == "error"]


def model(body: str, size: str = "[3, 32, 32]", before: str = "") -> str:
    return f"{before}model Net {{\n    input image: {size}\n    {body}\n}}\n"


# A mistake of `tests/mistakes`, whether it is mended unasked, and what then stands in the file.
# fmt: off
MENDED = [
    ("continuation_of_python",       True,  'Conv2d(8, 3, padding="same")\n    '),
    ("plus_of_figures",              False, "output y + image"),
    ("times_of_figures",             False, "output image * gate"),
    ("sign_of_comparison",           True,  "require 32 >= 8"),
    ("test_shape_of_textbooks",      True,  "== [8, 30, 30] }"),
    ("test_assert",                  True,  "{ expect params == 224 }"),
    ("test_require",                 True,  "{ expect params == 224 }"),
    ("test_nothing_compared",        True,  "{ expect params == 224 }"),
    ("layers_on_their_own",          False, "output image -> conv2d: Conv2d(64, 3)\n    -> ReLU"),
    ("arrow_after_the_input",        False, "input image: [3, 32, 32] output image -> conv: Conv2d(8, 3)"),
    ("output_with_equals",           True,  "output image -> ReLU"),
    ("output_with_colon_alone",      True,  "output image -> ReLU"),
    ("outputs",                      False, "output y = image -> ReLU"),
    ("default_for_defaults",         False, "defaults Conv2d(bias=false)"),
    ("default_outside",              False, "defaults Conv2d(bias=false)"),
    ("inputs_with_comma",            True,  "input a input b"),
    ("input_shape_times",            True,  "input image: [3, 32, 32]"),
    ("parameter_with_default",       True,  "(p: float = 0.5)"),
    ("parameter_with_default_behind_others", True, '(n: int, mode: str = "same")'),
    ("residual",                     True,  "y = (image -> conv: Conv2d(3, 3, padding=1)) + image\n"),
    ("ternary_of_a_let",             True,  "let w = if wide { 64 } else { 8 }"),
    ("ternary_with_colons",          True,  "let w = if wide { 64 } else { 8 }"),
    ("seq_as_list",                  True,  "seq Head = Flatten -> Linear(10)"),
    ("repeat_group_first",           True,  "(Conv2d(3, 3, padding=1) -> ReLU) * 3"),
    ("percentage",                   True,  "Dropout(0.5)"),
    ("stride_with_slash",            True,  "Conv2d(64, 7, stride=2)"),
    ("kernel_with_filters",          False, "Conv2d(64, 3)"),
    ("chunk_of_tensor",              True,  "a, b = split(image, 2)"),
]
# fmt: on


@pytest.mark.parametrize(("name", "safe", "written"), MENDED, ids=[row[0] for row in MENDED])
def test_what_a_fix_writes_passes_and_is_written_unasked_only_where_it_was_meant(name, safe, written):
    text = (MISTAKES / f"{name}.arch").read_text(encoding="utf-8")
    free = mended(text, unsafe=True)

    assert written in free.text
    assert errors(free.text) == []
    assert (mended(text).text == text) is not safe


# What is doubtful is left to the person: a mistake, or the body of a model.
LEFT = ("residual_goes_on", "residual_in_the_middle", "output_two_tensors", "inputs_with_comma_and_shape", "for_dots")


@pytest.mark.parametrize("name", [*LEFT, "for_colon_range", "list_of_layers", "split_of_tensor"])
def test_what_may_mean_two_things_is_not_mended_unasked(name):
    text = (MISTAKES / f"{name}.arch").read_text(encoding="utf-8")

    assert mended(text).text == text


# What the help of a mistake advises, carried out.
# fmt: off
CURES = [
    ("a backtick",              model("output image -> ReLU")),
    ("a shape that is expected", model("output image -> conv: Conv2d(8, 3)") + 'test Net { expect shape("conv") == [8, 30, 30] }'),
    ("digits in groups",        model("output image -> conv: Conv2d(8, 3)") + "test Net { expect params == 2_24 }"),
    ("two outputs",             model("y = image -> ReLU\n    output first = y  output second = image")),
    ("an output with a name",   model("y = image -> ReLU\n    output y = y")),
    ("two inputs",              model("input a: [3, 32, 32]  input b: [3, 32, 32]\n    output image + a + b")),
    ("a part of the channels",  model("a, b = split(image, 2)\n    output a * b", "[8, 32, 32]")),
    ("pieces of given sizes",   model("a, b = split(image, [6, 2])\n    output concat(a, b)", "[8, 32, 32]")),
    ("a cut at the edges",      model("output crop(image, top=1)")),
    ("a function of PyTorch",   model('output image -> Upsample(scale_factor=2, mode="bilinear")')),
    ("functions in one another", model("output image -> ReLU -> MaxPool2d(2)")),
    ("a sum that goes on",      model("output (image -> conv: Conv2d(3, 3, padding=1)) + image -> ReLU")),
    ("a model of a pipeline",   "model Net { input x: [3, 32, 32]  output x -> conv: Conv2d(8, 3) }"),
    ("a seq without an input",  "seq Net = Flatten -> Linear(10)"),
    ("layers in a row",         model("output image -> (ReLU -> Tanh)")),
    ("branches",                model("a = image -> ReLU  b = image -> Tanh\n    output concat(a, b)")),
    ("a condition of a layer",  model("let deep = true\n    output image -> if deep { ReLU }")),
    ("a tensor of a block",     "block Head(n: int) {\n    input x\n    output x -> Flatten -> fc: Linear(n)\n}\n"),
    ("a kernel of two sides",   model("output image -> conv: Conv2d(8, (3, 5))")),
    ("an argument",             model("output image -> conv: Conv2d(8, 3, stride=2)")),
]
# fmt: on


@pytest.mark.parametrize("text", [text for _, text in CURES], ids=[name for name, _ in CURES])
def test_what_is_advised_passes(text):
    assert errors(text) == []


# fmt: off
HOSTILE = [
    "(", ")", "[", "{", '"', "'", ",", " ", "\n", "=", "+", "->", "-> a", "a ", "a, ", "A(", "A()", "1x", "3 x ", "0:", "[0:", "if a:",
    "if a else ", "= a -> b + ", "(a, ", "F.a(", "F.relu(F.relu", "input a ", "output a", "test a {", "expect a = ", "block a(a, ",
    "model A = [", "seq = [", "assert", "1,000", "a.chunk(1", "\\ ", "`", "⊕",
]
# fmt: on


@pytest.mark.parametrize("part", HOSTILE)
def test_no_row_takes_long_on_what_is_looked_at(part):
    text = (part * (2 * REACH))[: 2 * REACH]
    texts = [f"{head}{text}"[: 2 * REACH] for head in ("", "block A(", "test A {", "x = a -> ", "output a -> (", "if ")]
    start = process_time()
    for slip in (*INSIDE, *bodies.OUTSIDE):
        for window in texts:
            assert len(list(slip.regex.finditer(window))) <= len(window) + 1

    assert process_time() - start < 2
