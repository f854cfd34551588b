"""What somebody types finds its page: codes, names, words of other libraries, messages in whole and in part."""

from __future__ import annotations

import pytest

from archdsl.elaborate.words import ELSEWHERE
from archdsl.manual.search import find, words
from archdsl.ops import OPS
from archdsl.rules import RULES

# fmt: off
BEST = [
    # what is typed                                                                                      the page
    ("E0305",                                                                                            "E0305"),
    ("e0305",                                                                                            "E0305"),
    ("305",                                                                                              "E0305"),
    ("0305",                                                                                             "E0305"),
    ("W410",                                                                                             "W0410"),
    ("410",                                                                                              "W0410"),
    ("linear-on-map",                                                                                    "E0305"),
    ("Linear on map",                                                                                    "E0305"),
    ("mat1 and mat2 shapes cannot be multiplied",                                                        "E0305"),
    ("mat1 and mat2",                                                                                    "E0305"),
    ("RuntimeError: mat1 and mat2 shapes cannot be multiplied (64x1152 and 2048x10)",                    "E0305"),
    ("mat1 dim 1 must match mat2 dim 0: shapes cannot be multiplied (1x9216 and 400x120)",               "E0305"),
    ("Given groups=1, weight of size [64, 3, 7, 7], expected input[1, 1, 28, 28] to have 3 channels, but got 1 channels instead", "E0210"),
    ("Given groups=1, weight of size [64, 3, 7, 7], expected input[1, 1, 28, 28] to have 3 channels",    "E0210"),
    ("The size of tensor a (256) must match the size of tensor b (64) at non-singleton dimension 1",     "E0301"),
    ("The size of tensor a (256) must match the size of tensor b (64)",                                  "E0301"),
    ("Sizes of tensors must match except in dimension 1",                                                "E0302"),
    ("Sizes of tensors must match except in dimension 1. Got 36 and 37 in dimension 2",                  "E0302"),
    ("Calculated padded input size per channel: (2 x 2). Kernel size: (5 x 5). Kernel size can't be greater than actual input size", "E0303"),
    ("Calculated padded input size per channel",                                                         "E0303"),
    ("Kernel size can't be greater than actual input size",                                              "E0303"),
    ("Given input size: (512x1x1). Calculated output size: (512x0x0). Output size is too small",         "E0303"),
    ("Output size is too small",                                                                         "E0303"),
    ("Given input size per channel: (8 x 8). Calculated output size per channel: (0 x 0). Output size is too small", "E0309"),
    ("pad should be at most half of effective kernel size",                                              "E0309"),
    ("pad should be smaller than or equal to half of kernel size",                                       "E0309"),
    ("in_channels must be divisible by groups",                                                          "E0304"),
    ("padding='same' is not supported for strided convolutions",                                         "E0202"),
    ("negative dimension size caused by subtracting 5 from 2",                                           "E0303"),
    ("Negative dimension size caused by subtracting 3 from 2 for '{{node conv2d_4/Conv2D}}'",            "E0303"),
    ('ValueError: Input 0 of layer "dense" is incompatible with the layer: expected min_ndim=2, found ndim=1. Full shape received: (None,)', "E0308"),
    ("expected min_ndim=4, found ndim=2",                                                                "E0308"),
    ("Input 0 of layer dense_1 is incompatible with the layer: expected axis -1 of input shape to have value 784 but received input with shape [None, 10]", "E0210"),
    ("could not convert string to float: 'a'",                                                           "E0213"),
    ("Graph disconnected",                                                                               "E0207"),
    ("Graph disconnected: cannot obtain value for tensor KerasTensor(type_spec=TensorSpec(shape=(None, 784))) at layer \"dense\"", "E0207"),
    ("Unknown layer",                                                                                    "E0201"),
    ("Unknown layer: 'PatchEmbedding'. Please ensure this object is passed to the `custom_objects` argument", "E0201"),
    ("The name is used 2 times in the model",                                                            "E0204"),
    ('The name "dense" is used 2 times in the model. All layer names should be unique.',                 "E0204"),
    ("AttributeError: module 'torch.nn' has no attribute 'Conv2D'",                                      "E0201"),
    ("NameError: name 'x' is not defined",                                                               "E0207"),
    ("SyntaxError: expected ':'",                                                                        "E0101"),
    ("ModuleNotFoundError: No module named 'resnet'",                                                    "E0603"),
    ("Expected more than 1 value per channel when training",                                             "Expected more than 1 value per channel when training, got input size"),
    ("CUDA out of memory. Tried to allocate 2.00 GiB (GPU 0; 7.79 GiB total capacity)",                  "CUDA out of memory. Tried to allocate"),
    ("out of memory",                                                                                    "CUDA out of memory. Tried to allocate"),
    ("bias before batch norm",                                                                           "W0412"),
    ("odd size pooling",                                                                                 "W0410"),
    ("kernel too large",                                                                                 "E0303"),
    ("missing arrow",                                                                                    "E0104"),
    ("checkpoint keys",                                                                                  "language names"),
    ("receptive field",                                                                                  "language tests"),
    ("language",                                                                                         "language"),
    ("language types",                                                                                   "language types"),
    ("language type",                                                                                    "language types"),
    ("types",                                                                                            "language types"),
    ("share",                                                                                            "language statements"),
    ("kaiming_normal",                                                                                   "language initialisers"),
    ("round_to",                                                                                         "language builtins"),
    ("**",                                                                                               "language expressions"),
    ("Conv2d",                                                                                           "Conv2d"),
    ("conv2d",                                                                                           "Conv2d"),
    ("Dense",                                                                                            "Linear"),
    ("dense",                                                                                            "Linear"),
    ("GAP",                                                                                              "AdaptiveAvgPool2d"),
    ("concat",                                                                                           "concat"),
    ("split",                                                                                            "chunk"),
    ("a + b",                                                                                            "add"),
    ("x * y",                                                                                            "multiply"),
    ("0.5 * x",                                                                                          "multiply"),
    ("upsampling",                                                                                       "Upsample"),
    ("same padding",                                                                                     "Conv2d"),
    ("global average pooling",                                                                           "AdaptiveAvgPool2d"),
    ("batch normalization",                                                                              "BatchNorm2d"),
    ("skip connection",                                                                                  "add"),
    ("how do I flatten",                                                                                 "Flatten"),
]
# fmt: on


@pytest.mark.parametrize(("typed", "page"), BEST, ids=[typed[:60] for typed, _ in BEST])
def test_the_best_page_is_the_one_that_is_meant(typed, page):
    best = find(typed).hits[0]

    assert page == best.name or page in best.page().facts.get("names", ())


def test_numbers_brackets_and_quotes_say_nothing():
    assert words("expected input[1, 3, 28, 28] to have 1.5e3 'mat1' (64x1152)") == (
        "expected", "input", "to", "have", "mat1",
    )  # fmt: skip


def test_one_word_of_a_message_is_not_the_message():
    """Python says `expected ':'`, of which nothing but `expected` is a word."""
    assert "E0101" not in [hit.name for hit in find("the output expected of a pooling").hits]


def test_a_message_of_two_rules_gives_both():
    found = find("Sizes of tensors must match except in dimension 1")

    assert [hit.name for hit in found.hits] == ["E0302", "W0410"]


def test_a_traceback_is_read_for_what_it_says_at_its_end():
    lines = [f'  File "train.py", line {number}, in forward' for number in range(3000)]
    message = "RuntimeError: The size of tensor a (8) must match the size of tensor b (7) at non-singleton dimension 3"

    assert find("\n".join(["Traceback (most recent call last):", *lines, message])).hits[0].name == "E0301"


@pytest.mark.parametrize("code", RULES)
def test_every_code_and_every_name_is_its_page(code):
    for typed in (code, code.lower(), RULES[code].name):
        assert [hit.name for hit in find(typed).hits] == [code]


@pytest.mark.parametrize("word", ELSEWHERE)
def test_every_word_of_another_library_is_the_page_of_a_layer(word):
    facts = find(word).hits[0].page().facts

    assert facts["kind"] == "layer"
    assert word in facts["elsewhere"]


@pytest.mark.parametrize("name", OPS)
def test_every_layer_is_on_the_page_of_its_name(name):
    (hit,) = find(name).hits

    assert name in hit.page().facts["names"]


# fmt: off
NEAR = [
    ("Conv2x",         "Conv2d"),
    ("MaxPool4d",      "MaxPool2d"),
    ("linear-on-mop",  "linear-on-map"),
    ("E9999",          "E0781"),
    ("kaimin_normal",  "kaiming_normal"),
]
# fmt: on


@pytest.mark.parametrize(("typed", "meant"), NEAR)
def test_what_is_misspelt_finds_nothing_and_says_what_may_be_meant(typed, meant):
    found = find(typed)

    assert found.hits == ()
    assert meant in found.meant


@pytest.mark.parametrize("typed", ["zzz", "", "...", "12345678901234567890", "\0", "x" * 100_000, "(" * 5000, "🙂"])
def test_nonsense_finds_nothing(typed):
    assert find(typed).hits == ()
