"""Fixes: what each makes of a text, that none is for the worse, and that those of one round lie apart."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archdsl.diagnostics import Diagnostic, Edit, Fix
from archdsl.elaborate import Library
from archdsl.fixes import Mended, apart, applied, mend
from archdsl.pipeline import check
from archdsl.source import Source, Span

MISTAKES = sorted((Path(__file__).parent / "mistakes").glob("*.arch"))


def mended(text: str, *, unsafe: bool = False, path: Path | None = None) -> Mended:
    name = path.name if path else "net.arch"

    def wanted(found: Diagnostic) -> bool:
        return unsafe or (found.fix is not None and found.fix.safe)

    return mend(text, lambda text: Library().add(Source(name, text), path), wanted)


def model(body: str, size: str = "[3, 32, 32]", before: str = "") -> str:
    return f"{before}model Net {{\n    input x: {size}\n    {body}\n}}\n"


# Statements of a model, before and after; each meant one thing.
# fmt: off
SAFE = [
    ("Python's true",             "output x -> c: Conv2d(8, 3, bias=True)",             "output x -> c: Conv2d(8, 3, bias=true)"),
    ("Python's none",             "output x -> MaxPool2d(2, stride=None)",              "output x -> MaxPool2d(2, stride=none)"),
    ("a colon for an equals",     "output x -> c: Conv2d(8, 3, bias: false)",           "output x -> c: Conv2d(8, 3, bias=false)"),
    ("an equals for a colon",     "output x -> c = Conv2d(8, 3)",                       "output x -> c: Conv2d(8, 3)"),
    ("single quotes",             "output x -> c: Conv2d(8, 3, padding='same')",        'output x -> c: Conv2d(8, 3, padding="same")'),
    ("curly quotes",              "output x -> c: Conv2d(8, 3, padding=“same”)",        'output x -> c: Conv2d(8, 3, padding="same")'),
    ("no quotes",                 "output x -> c: Conv2d(8, 3, padding=same)",          'output x -> c: Conv2d(8, 3, padding="same")'),
    ("an arrow of two strokes",   "output x => ReLU",                                   "output x -> ReLU"),
    ("a missing arrow",           "output x -> c: Conv2d(8, 3) ReLU",                   "output x -> c: Conv2d(8, 3) -> ReLU"),
    ("an arrow before a label",   "output x -> ReLU c: Conv2d(8, 3)",                   "output x -> ReLU -> c: Conv2d(8, 3)"),
    ("a missing comma",           "output x -> c: Conv2d(8 3)",                         "output x -> c: Conv2d(8, 3)"),
    ("semicolons",                "y = x -> ReLU; output y;",                           "y = x -> ReLU output y"),
    ("a semicolon in brackets",   "output x -> c: Conv2d(8; 3)",                        "output x -> c: Conv2d(8, 3)"),
    ("a square kernel",           "output x -> c: Conv2d(8, 3x3)",                      "output x -> c: Conv2d(8, 3)"),
    ("a kernel of two sides",     "output x -> c: Conv2d(8, 1x7)",                      "output x -> c: Conv2d(8, (1, 7))"),
    ("a power of textbooks",      "output x -> c: Conv2d(2 ^ 3, 3)",                    "output x -> c: Conv2d(2**3, 3)"),
    ("a conjunction of C",        "require 1 == 1&&2 == 2 output x -> ReLU",            "require 1 == 1 and 2 == 2 output x -> ReLU"),
    ("a negation of C",           "output x -> if !(1 == 2) { ReLU }",                  "output x -> if not (1 == 2) { ReLU }"),
    ("a comparison of one sign",  "output x -> if 1 = 1 { ReLU }",                      "output x -> if 1 == 1 { ReLU }"),
    ("Keras' dense layer",        "output x -> Flatten -> f: Dense(10)",                "output x -> Flatten -> f: Linear(10)"),
    ("Keras' pooling",            "output x -> MaxPooling2D(2)",                        "output x -> MaxPool2d(2)"),
    ("Keras' argument",           "output x -> c: Conv2d(8, 3, use_bias=false)",        "output x -> c: Conv2d(8, 3, bias=false)"),
    ("a pasted convolution",      "output x -> c: Conv2d(3, 64, 3)",                    "output x -> c: Conv2d(64, 3)"),
    ("a pasted norm",             "output x -> b: BatchNorm2d(3)",                      "output x -> b: BatchNorm2d"),
    ("a pasted linear",           "output x -> Flatten -> f: Linear(3072, 10)",         "output x -> Flatten -> f: Linear(10)"),
    ("a pasted size, by name",    "output x -> c: Conv2d(in_channels=3, out_channels=8, kernel_size=3)", "output x -> c: Conv2d(out_channels=8, kernel_size=3)"),
    ("the last argument pasted",  "output x -> c: Conv2d(8, 3, in_channels=3)",         "output x -> c: Conv2d(8, 3)"),
    ("a prefix of PyTorch",       "output x -> c: nn.Conv2d(8, 3)",                     "output x -> c: Conv2d(8, 3)"),
    ("a layer that is called",    "y = ReLU()(x)\n    output y",                        "y = x -> ReLU()\n    output y"),
    ("a layer without a label",   "output x -> Conv2d(8, 3)",                           "output x -> conv2d: Conv2d(8, 3)"),
    ("two at once",               "output x -> c: Conv2D(8, 3, bias=True) -> relu",     "output x -> c: Conv2d(8, 3, bias=true) -> ReLU"),
]
UNSAFE = [
    ("a name that is near",       "output x -> c: Conv2s(8, 3)",                        "output x -> c: Conv2d(8, 3)"),
    ("an argument that is near",  "output x -> c: Conv2d(8, 3, paddin=1)",              "output x -> c: Conv2d(8, 3, padding=1)"),
    ("a tensor that is near",     "feature = x -> ReLU\n    output features -> Tanh",   "feature = x -> ReLU\n    output feature -> Tanh"),
    ("a layer of no dimension",   "output x -> c: Conv(8, 3)",                          "output x -> c: Conv2d(8, 3)"),
    ("a pooling of everything",   "output x -> GAP",                                    "output x -> AdaptiveAvgPool2d(1)"),
    ("a forgotten flatten",       "output x -> f: Linear(10)",                          "output x -> Flatten -> f: Linear(10)"),
    ("a bias before a norm",      "output x -> c: Conv2d(8, 3) -> b: BatchNorm2d",      "output x -> c: Conv2d(8, 3, bias=false) -> b: BatchNorm2d"),
    ("a bias that is written",    "output x -> c: Conv2d(8, 3, bias=true) -> b: BatchNorm2d", "output x -> c: Conv2d(8, 3, bias=false) -> b: BatchNorm2d"),
    ("a layer without effect",    "output x -> ReLU -> ReLU",                           "output x -> ReLU"),
    ("a softmax at the end",      "output x -> Flatten -> p: Softmax",                  "output x -> Flatten"),
    ("two arrows",                "output x -> -> ReLU",                                "output x -> ReLU"),
    ("a stride by position",      "output x -> c: Conv2d(64, 3, 2)",                    "output x -> c: Conv2d(64, 3, stride=2)"),
    ("more by position",          "output x -> c: Conv2d(64, 7, 2, 3)",                 "output x -> c: Conv2d(64, 7, stride=2, padding=3)"),
    ("a kernel given twice",      "output x -> c: Conv2d(64, 3, kernel_size=3)",        "output x -> c: Conv2d(64, 3)"),
    ("a view of a vector",        "output x -> View(-1, 3072)",                         "output x -> Flatten"),
    ("a deconvolution",           "output x -> c: Deconv2d(8, 2, stride=2)",            "output x -> c: ConvTranspose2d(8, 2, stride=2)"),
]

# Calls with PyTorch's size of the input, what comes in, and whether they agree.
PASTED = [
    ("a convolution",                "[3, 32, 32]",  "Conv2d(3, 64, 3)",               "Conv2d(64, 3)",                       True),
    ("a convolution of five",        "[3, 32, 32]",  "Conv2d(3, 64, 7, 2, 3)",         "Conv2d(64, 7, stride=2, padding=3)",  True),
    ("a convolution, by name",       "[3, 32, 32]",  "Conv2d(8, 3, in_channels=3)",    "Conv2d(8, 3)",                        True),
    ("other channels",               "[3, 32, 32]",  "Conv2d(16, 32, 3)",              "Conv2d(32, 3)",                       False),
    ("other channels, by name",      "[3, 32, 32]",  "Conv2d(8, 3, in_channels=16)",   "Conv2d(8, 3)",                        False),
    ("what may be filters",          "[64, 32, 32]", "Conv2d(64, 3, 2)",               "Conv2d(3, 2)",                        False),
    ("a kernel that is a tuple",     "[3, 32, 32]",  "Conv2d(8, (3, 3), 2)",           "Conv2d(8, (3, 3), stride=2)",         True),
    ("a transposed convolution",     "[64, 7, 7]",   "ConvTranspose2d(64, 32, 2, 2)",  "ConvTranspose2d(32, 2, stride=2)",    True),
    ("a norm of a batch",            "[16, 7, 7]",   "BatchNorm2d(16)",                "BatchNorm2d",                         True),
    ("of other channels",            "[16, 7, 7]",   "BatchNorm2d(32)",                "BatchNorm2d",                         False),
    ("groups",                       "[64, 7, 7]",   "GroupNorm(8, 64)",               "GroupNorm(8)",                        True),
    ("groups with eps",              "[64, 7, 7]",   "GroupNorm(8, 64, 1e-6)",         "GroupNorm(8, eps=1e-6)",              True),
    ("groups, swapped",              "[64, 7, 7]",   "GroupNorm(64, 8)",               "GroupNorm(8)",                        False),
    ("a vector",                     "[64]",         "Linear(64, 10)",                 "Linear(10)",                          True),
    ("another vector",               "[64]",         "Linear(32, 10)",                 "Linear(10)",                          False),
    ("a norm over everything",       "[3, 8, 8]",    "LayerNorm([3, 8, 8])",           "LayerNorm",                           True),
    ("a norm over the last axis",    "[64, 128]",    "LayerNorm(128)",                 "LayerNorm(dims=1)",                   True),
    ("a norm over two axes",         "[12, 26, 26]", "LayerNorm([26, 26])",            "LayerNorm(dims=2)",                   True),
    ("a norm by name",               "[12, 26, 26]", "LayerNorm(normalized_shape=26)", "LayerNorm(dims=1)",                   True),
    ("a norm over channels",         "[12, 26, 26]", "LayerNorm(12)",                  "LayerNorm2d",                         False),
    ("a norm of another size",       "[12, 26, 26]", "RMSNorm(20)",                    "RMSNorm(dims=1)",                     False),
]
# fmt: on


@pytest.mark.parametrize(("before", "after"), [c[1:] for c in SAFE], ids=[c[0] for c in SAFE])
def test_a_slip_that_meant_one_thing_is_mended(before, after):
    made = mended(model(before))

    assert made.text == model(after)
    assert made.errors == 0
    assert made.applied >= 1


@pytest.mark.parametrize(("before", "after"), [c[1:] for c in UNSAFE], ids=[c[0] for c in UNSAFE])
def test_what_was_probably_meant_is_written_only_when_asked_for(before, after):
    guarded, free = mended(model(before)), mended(model(before), unsafe=True)

    assert guarded.text == model(before)
    assert free.text == model(after)
    assert free.errors == 0


@pytest.mark.parametrize(("size", "typed", "meant", "safe"), [c[1:] for c in PASTED], ids=[c[0] for c in PASTED])
def test_a_size_of_the_input_is_left_out_unasked_only_where_it_is_what_comes_in(size, typed, meant, safe):
    before, after = (model(f"output x -> layer: {call}", size) for call in (typed, meant))
    free = mended(before, unsafe=True)

    assert mended(before).text == (after if safe else before)
    assert (free.text, free.errors) == (after, 0)


def test_what_is_true_of_one_use_of_a_block_is_not_taken_for_all():
    text = (Path(__file__).parent / "mistakes" / "pasted_in_a_block_of_two_widths.arch").read_text(encoding="utf-8")

    assert mended(text).text == text
    assert "bn: BatchNorm2d ->" in mended(text, unsafe=True).text


def test_an_unused_tensor_goes_with_its_line():
    text = model("y = x -> conv: Conv2d(8, 3)  # tried it\n    output x -> ReLU")

    assert mended(text, unsafe=True).text == model("output x -> ReLU")


def test_a_condition_on_open_sizes_is_stated_below_the_input():
    made = mended(model("y = x -> MaxPool2d(2) -> up: ConvTranspose2d(3, 2, stride=2)\n    output x + y", "[3, H, 32]"))

    assert "    input x: [3, H, 32]\n    require H % 2 == 0\n" in made.text
    assert made.checked.diagnostics == ()


def test_a_block_of_a_bundled_spec_is_imported():
    made = mended(model("output x -> unit: Bottleneck(8)"), unsafe=True)

    assert made.text.startswith("from resnet import Bottleneck\n\nmodel Net")
    assert made.errors == 0


@pytest.mark.parametrize("path", MISTAKES, ids=lambda path: path.stem)
@pytest.mark.parametrize("unsafe", [False, True], ids=["safe", "unsafe"])
def test_no_file_has_more_errors_than_before_and_nothing_is_left_that_would_help(path, unsafe):
    text = path.read_text(encoding="utf-8")
    before = check(Library().add(Source(path.name, text), path)).diagnostics
    made = mended(text, unsafe=unsafe, path=path)
    again = mended(made.text, unsafe=unsafe, path=path)

    assert made.errors <= sum(d.severity == "error" for d in before)
    assert again.text == made.text
    assert (made.applied == 0) == (made.text == text)


HIDING = """
model Net {
    input x: [3, 8, 8];
    y = x -> a: Conv2d(8, 3)
    z = x -> b: Conv2d(4, 5)
    output y + z
    output first = y + x
    output second = z + x
}
"""


def test_a_fix_that_uncovers_more_errors_than_it_mends_is_left_out():
    """The `;` is one error, and hides three sums of shapes that differ."""
    made = mended(HIDING)

    assert (made.text, made.applied, made.errors) == (HIDING, 0, 1)


def test_a_fix_is_taken_alone_where_another_of_its_round_is_for_the_worse():
    other = "model Other {\n    input x: [3, 8, 8]\n    output x -> relu\n}\n"
    made = mended(HIDING + other)

    assert made.text == HIDING + other.replace("relu", "ReLU")
    assert (made.applied, made.errors) == (1, 1)


@pytest.mark.parametrize("test", ["expect params ==", "expect params === 224", "expect = 224"])
def test_what_one_more_round_would_lengthen_is_not_written_on_and_on(test):
    made = mended(model("output x -> c: Conv2d(8, 3)") + f"test Net {{ {test} }}\n", unsafe=True)

    assert made.text.count("=") <= model("").count("=") + test.count("=") + 1


SOURCE = Source("net.arch", "0123456789" * 5)
EDITS = st.tuples(st.integers(0, 50), st.integers(0, 50), st.text("ab\n", max_size=3)).map(
    lambda edit: Edit(Span(SOURCE, min(edit[:2]), max(edit[:2])), edit[2])
)
FIXES = st.lists(st.lists(EDITS, min_size=1, max_size=2).map(lambda edits: Fix("mend", tuple(edits))), max_size=8)


@given(FIXES)
def test_fixes_of_one_round_touch_no_place_twice(fixes):
    places = sorted((edit.span.start, edit.span.end) for fix in apart(fixes) for edit in fix.edits)

    assert all(first[1] < second[0] for first, second in pairwise(places))


@given(st.lists(EDITS, max_size=6).map(lambda edits: [Fix("mend", (edit,)) for edit in edits]))
def test_what_no_edit_covers_stays(fixes):
    taken = apart(fixes)
    kept = list(SOURCE.text)
    for edit in (edit for fix in reversed(taken) for edit in fix.edits):
        kept[edit.span.start : edit.span.end] = edit.replacement

    assert applied(SOURCE, taken) == "".join(kept)
