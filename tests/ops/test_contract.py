"""What holds for every op: a page of documentation, a source, PyTorch's arguments in PyTorch's order."""

from __future__ import annotations

import inspect
import re

import pytest

from archdsl.ops import FAMILIES, OPS, REQUIRED, ArgumentError, Op, Storage
from archdsl.tensors import TensorType
from oracles.torchvision_models import torchvision

# PyTorch names the size of the input; ours infer it. Where a tensor lives is no fact of a network.
INFERRED = {"self", "in_channels", "num_features", "in_features", "num_channels", "normalized_shape"}
ELSEWHERE = {"device", "dtype", "args", "kwargs"}

MODULES = {name: kind for name, kind in OPS.items() if kind.is_module}

# fmt: off
PLACED = {
    # layer for one, two and three axes: arguments, written
    "Conv":             ({"out_channels": 8, "kernel_size": 3},            "Conv{n}d(8, 3)"),
    "ConvTranspose":    ({"out_channels": 2, "kernel_size": 2, "stride": 2}, "ConvTranspose{n}d(2, 2, stride=2)"),
    "MaxPool":          ({"kernel_size": 3, "stride": 2},                  "MaxPool{n}d(3, stride=2)"),
    "AvgPool":          ({"kernel_size": 2, "ceil_mode": True},            "AvgPool{n}d(2, ceil_mode=true)"),
    "AdaptiveAvgPool":  ({"output_size": 7},                               "AdaptiveAvgPool{n}d(7)"),
    "AdaptiveMaxPool":  ({"output_size": 1},                               "AdaptiveMaxPool{n}d(1)"),
    "BatchNorm":        ({"eps": 1e-3},                                    "BatchNorm{n}d(eps=0.001)"),
    "InstanceNorm":     ({"affine": True},                                 "InstanceNorm{n}d(affine=true)"),
    "Dropout":          ({"p": 0.2},                                       "Dropout{n}d(p=0.2)"),
    "ZeroPad":          ({"padding": 2},                                   "ZeroPad{n}d(2)"),
    "ReflectionPad":    ({"padding": 2},                                   "ReflectionPad{n}d(2)"),
    "ReplicationPad":   ({"padding": 2},                                   "ReplicationPad{n}d(2)"),
}
EXAMPLES = {
    name.format(n=n): (arguments, [(4, *[9] * n)], written.format(n=n))
    for n in (1, 2, 3) for name, (arguments, written) in ((f"{stem}{{n}}d", row) for stem, row in PLACED.items())
} | {
    # op, arguments, inputs, written
    "GroupNorm":         ({"num_groups": 2},                                   [(4, 9, 9)],
                          "GroupNorm(2)"),
    "LayerNorm":         ({"dims": 2},                                         [(4, 9, 9)],
                          "LayerNorm(dims=2)"),
    "RMSNorm":           ({"eps": 1e-6},                                       [(4, 9, 9)],
                          "RMSNorm(eps=1e-06)"),
    "LayerNorm2d":       ({"eps": 1e-6},                                       [(4, 9, 9)],
                          "LayerNorm2d(eps=1e-06)"),
    "LocalResponseNorm": ({"size": 5},                                         [(4, 9, 9)],
                          "LocalResponseNorm(5)"),
    "ReLU":              ({"inplace": True},                                   [(4, 9, 9)],
                          "ReLU(inplace=true)"),
    "LeakyReLU":         ({"negative_slope": 0.2},                             [(4, 9, 9)],
                          "LeakyReLU(negative_slope=0.2)"),
    "PReLU":             ({"num_parameters": 4},                               [(4, 9, 9)],
                          "PReLU(num_parameters=4)"),
    "ELU":               ({"alpha": 0.5},                                      [(4, 9, 9)],
                          "ELU(alpha=0.5)"),
    "GELU":              ({"approximate": "tanh"},                             [(4, 9, 9)],
                          'GELU(approximate="tanh")'),
    "Softplus":          ({"beta": 2},                                         [(4,)],
                          "Softplus(beta=2.0)"),
    "LogSoftmax":        ({"dim": -1},                                         [(4, 9, 9)],
                          "LogSoftmax(dim=-1)"),
    "Dropout":           ({"p": 0.2},                                          [(4,)],
                          "Dropout(p=0.2)"),
    "StochasticDepth":   ({"p": 0.2, "mode": "batch"},                         [(4, 9, 9)],
                          'StochasticDepth(0.2, mode="batch")'),
    "Linear":            ({"out_features": 3, "bias": False},                  [(4,)],
                          "Linear(3, bias=false)"),
    "Flatten":           ({},                                                  [(4, 9, 9)],
                          "Flatten"),
    "Unflatten":         ({"dim": 1, "unflattened_size": (4, 3, -1)},          [(36,)],
                          "Unflatten(1, (4, 3, -1))"),
    "Upsample":          ({"scale_factor": 2, "mode": "bilinear"},             [(4, 9, 9)],
                          'Upsample(scale_factor=2.0, mode="bilinear")'),
    "PixelShuffle":      ({"upscale_factor": 2},                               [(4, 9, 9)],
                          "PixelShuffle(2)"),
    "PixelUnshuffle":    ({"downscale_factor": 3},                             [(4, 9, 9)],
                          "PixelUnshuffle(3)"),
    "ChannelShuffle":    ({"groups": 2},                                       [(4, 9, 9)],
                          "ChannelShuffle(2)"),
    "PadChannels":       ({"before": 1, "after": 2},                           [(4, 9, 9)],
                          "PadChannels(1, 2)"),
    "add":               ({},                                                  [(4, 9, 9), (4, 9, 9)],
                          "add"),
    "multiply":          ({},                                                  [(4, 9, 9), (4, 1, 1)],
                          "multiply"),
    "scale":             ({"factor": 0.2},                                     [(4, 9, 9)],
                          "scale(0.2)"),
    "concat":            ({},                                                  [(4, 9, 9), (2, 9, 9)],
                          "concat"),
    "crop":              ({"left": 1},                                         [(4, 9, 9)],
                          "crop(left=1)"),
    "chunk":             ({"start": 1, "length": 2},                           [(4, 9, 9)],
                          "chunk(1, 2)"),
}
# fmt: on

# Where ours stands for a size that PyTorch wants, or where PyTorch's default depends on the input.
OURS = {
    "StochasticDepth": {"mode": "row"},  # the mode that torchvision's own networks use
    "LayerNorm": {"dims": None}, "RMSNorm": {"dims": None},
    "Softmax": {"dim": 1}, "LogSoftmax": {"dim": 1},
}  # fmt: skip
TORCHVISION = {
    "StochasticDepth": lambda: torchvision().ops.StochasticDepth,
    "LayerNorm2d": lambda: pytest.importorskip("torch").nn.LayerNorm,  # torchvision's takes its arguments
}
HOME_MADE = {"PadChannels"}
"""A small class of its own: PyTorch has a function for it."""


# A layer that needs no arguments is its own example.
EXAMPLES |= {name: ({}, [(4, 9, 9)], name) for name in OPS.keys() - EXAMPLES.keys()}


def example(name: str) -> tuple[Op, tuple[TensorType, ...]]:
    arguments, shapes, _ = EXAMPLES[name]
    return OPS[name](**arguments), tuple(map(TensorType, shapes))


def test_every_example_is_of_an_op():
    assert set(EXAMPLES) == set(OPS)


def test_every_op_belongs_to_a_family():
    assert {kind.__module__ for kind in OPS.values()} == {family.__name__ for family in FAMILIES}


@pytest.mark.parametrize("kind", OPS.values(), ids=OPS)
def test_its_page_begins_with_a_sentence_and_lists_what_it_takes_and_gives(kind):
    page = inspect.getdoc(kind)
    heads = re.findall(r"^(\w+): ", page, re.MULTILINE)

    assert re.match(r"[A-Z][a-z]+ [^\n]+\.\n\n", page)
    assert heads == ["Input", "Output", "Params", "MACs", "Errors"]


@pytest.mark.parametrize("kind", OPS.values(), ids=OPS)
def test_it_says_where_its_formulas_are_from(kind):
    assert re.search(r"arXiv:\d{4}\.\d{5}|\d{4}|torch\.", kind.source)


@pytest.mark.parametrize("name", sorted(MODULES.keys() - HOME_MADE))
def test_it_takes_the_arguments_of_pytorch_in_the_order_of_pytorch(name):
    nn = pytest.importorskip("torch").nn
    kind = TORCHVISION[name]() if name in TORCHVISION else getattr(nn, name)
    parameters = list(inspect.signature(kind.__init__).parameters.values())
    theirs = {p.name: p.default for p in parameters if p.name not in INFERRED | ELSEWHERE}
    theirs |= OURS.get(name, {})
    ours = {a.name: a.default for a in OPS[name].arguments}

    assert list(ours) == list(theirs)
    assert {key: value for key, value in ours.items() if value is not REQUIRED} == {
        key: value for key, value in theirs.items() if value is not inspect.Parameter.empty
    }


@pytest.mark.parametrize("name", sorted(MODULES.keys() - HOME_MADE - TORCHVISION.keys()))
def test_what_it_gives_by_position_has_the_names_of_pytorch(name):
    nn = pytest.importorskip("torch").nn
    op, inputs = example(name)
    theirs = [p for p in inspect.signature(getattr(nn, name).__init__).parameters if p != "self"]

    assert op.leading == tuple(theirs[: len(op.leading)])
    assert len(op.module(*inputs).positional) == len(op.leading)


@pytest.mark.parametrize("name", OPS)
def test_it_is_written_as_in_a_spec(name):
    assert str(example(name)[0]) == EXAMPLES[name][2]


@pytest.mark.parametrize("name", OPS)
def test_asking_it_questions_does_not_change_what_it_equals(name):
    asked, fresh = example(name)[0], example(name)[0]
    inputs = example(name)[1]
    y = asked.output(*inputs)
    asked.window(inputs, y)
    asked.module(*inputs)

    assert asked == fresh
    assert hash(asked) == hash(fresh)


@pytest.mark.parametrize("name", OPS)
def test_it_has_a_module_exactly_if_pytorch_has_one(name):
    op, inputs = example(name)

    assert (op.module(*inputs) is not None) == op.is_module
    assert op.name == name
    assert op.name[0].isupper() == op.is_module


@pytest.mark.parametrize("name", OPS)
def test_it_has_one_window_for_every_input(name):
    op, inputs = example(name)

    assert len(op.windows(inputs, op.output(*inputs))) == len(inputs)


# fmt: off
ATTRIBUTES = {
    "Conv2d": "conv2d", "ConvTranspose2d": "convtranspose2d", "BatchNorm2d": "batchnorm2d", "Linear": "linear", "Upsample": "upsample",
    "Dropout2d": "dropout", "MaxPool2d": "maxpool", "AvgPool2d": "avgpool", "AdaptiveAvgPool2d": "avgpool", "ReLU": "relu", "add": "add",
}
# fmt: on


@pytest.mark.parametrize(("name", "attribute"), ATTRIBUTES.items())
def test_an_unlabelled_layer_is_named_as_torchvision_would(name, attribute):
    assert OPS[name].attribute == attribute


def test_what_evaluation_does_not_copy_shares_the_memory_of_its_input():
    shares = {name: kind.storage for name, kind in OPS.items() if kind.storage is not Storage.NEW}

    assert shares == {
        "Flatten": Storage.ALIAS,
        "Unflatten": Storage.ALIAS,
        "Identity": Storage.ALIAS,
        "Dropout": Storage.ALIAS,
        "Dropout1d": Storage.ALIAS,
        "Dropout2d": Storage.ALIAS,
        "Dropout3d": Storage.ALIAS,
        "StochasticDepth": Storage.ALIAS,
        "crop": Storage.SLICE,
        "chunk": Storage.SLICE,
    }


# Pasted PyTorch, whose first number is the size of the input, and other arguments that are none.
PASTED = "takes `out_channels` and `kernel_size` by position and the rest by name; the size of the input is inferred"
EACH = ", or one for each axis as in `(1, 3)`"

# fmt: off
REFUSED = [
    # op, positional, named, place, message
    ("Conv2d",             (3, 64, 3),       {},                                2,
     PASTED),
    ("ConvTranspose2d",    (3, 64, 3),       {},                                2,
     PASTED),
    ("BatchNorm2d",        (64,),            {},                                0,
     "`eps` is a number with 0 < x < 1"),
    ("Linear",             (2048, 10),       {},                                1,
     "`bias` is `true` or `false`"),
    ("Conv2d",             (),               {"kernel_size": 3},                None,
     "needs `out_channels`"),
    ("Conv2d",             (64,),            {"kernal_size": 3},                "kernal_size",
     "has no argument `kernal_size`"),
    ("Conv2d",             (64,),            {"out_channels": 3},               "out_channels",
     "`out_channels` is given twice"),
    ("Conv2d",             (64, 0),          {},                                1,
     "`kernel_size` is a whole number from 1 up" + EACH),
    ("Conv2d",             (64, (3, 3, 3)),  {},                                1,
     "`kernel_size` is a whole number from 1 up" + EACH),
    ("Conv2d",             (64, 3),          {"stride": 2, "padding": "same"},  "stride",
     '`padding="same"` works with stride 1 only'),
    ("Conv2d",             (64, 3),          {"padding": -1},                     "padding",
     '`padding` is a whole number from 0 up, one for each axis, "same" or "valid"'),
    ("Conv2d",             (64, 3),          {"padding": "full"},               "padding",
     '`padding` is a whole number from 0 up, one for each axis, "same" or "valid"'),
    ("Conv2d",             (64, 3),          {"padding_mode": "mirror"},        "padding_mode",
     '`padding_mode` is one of "zeros", "reflect", "replicate", "circular"'),
    ("ConvTranspose2d",    (64, 3),          {"padding_mode": "reflect"},       "padding_mode",
     '`padding_mode` is "zeros"'),
    ("ConvTranspose2d",    (64, 3),          {"stride": 10**6},                 "stride",
     "`stride` is a whole number from 1 to 4096" + EACH),
    ("MaxPool2d",          (2,),             {"return_indices": True},          "return_indices",
     "`return_indices` is `false` (the language has no tensor of indices)"),
    ("AdaptiveAvgPool2d",  (None,),          {},                                0,
     "`output_size` is a whole number from 1 to 4096" + EACH + "; a `none` in the tuple keeps the size of an axis"),
    ("GroupNorm",          (32, 256),        {},                                1,
     "takes `num_groups` by position and the rest by name; the size of the input is inferred"),
    ("LayerNorm",          (64,),            {},                                0,
     "`eps` is a number with 0 < x < 1"),
    ("Upsample",           (),               {},                                None,
     "takes `size` or `scale_factor`, as in `Upsample(scale_factor=2)`"),
    ("Upsample",           (4, 2),           {},                                "size",
     "takes `size` or `scale_factor`, not both"),
    ("Upsample",           (4,),             {"align_corners": True},           "align_corners",
     '`align_corners` is for "linear", "bilinear", "bicubic" and "trilinear", not for "nearest"'),
    ("Upsample",           (4,),             {"recompute_scale_factor": True},  "recompute_scale_factor",
     "`recompute_scale_factor` goes with `scale_factor`"),
    ("ZeroPad2d",          ((1, 2, 3),),     {},                                0,
     "`padding` is a whole number, or one for each side in the order left, right, top, bottom, front, back"),
    ("Unflatten",          (1, (-1, -1)),    {},                                1,
     "`unflattened_size` is a tuple of whole numbers from 1 up, one of them perhaps -1 for what is left"),
    ("Dropout",            (2,),             {},                                0,
     "`p` is a number from 0 to 1"),
    ("StochasticDepth",    (0.5, "column"),  {},                                1,
     '`mode` is one of "row", "batch"'),
    ("ReLU",               (True, True),     {},                                1,
     "takes at most 1 argument, but 2 are given"),
    ("crop",               (),               {"left": -1},                      "left",
     "`left` is a whole number from 0 up"),
]
# fmt: on


@pytest.mark.parametrize(("name", "positional", "named", "place", "message"), REFUSED)
def test_an_argument_that_does_not_fit_is_refused_at_its_place(name, positional, named, place, message):
    with pytest.raises(ArgumentError) as refusal:
        OPS[name](*positional, **named)

    assert str(refusal.value) == message
    assert refusal.value.place == place
