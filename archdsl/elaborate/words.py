"""The words of other libraries and of textbooks, for `did you mean`. PyTorch's names are the only ones taken."""

from __future__ import annotations

import re

from archdsl.diagnostics import closest
from archdsl.ops import OPS, Op

DEPTHWISE = "it has a group for each channel that comes in: of 32 channels, `Conv2d(32, 3, padding=1, groups=32)`"
SEPARABLE = (
    "it is two layers, the first with a group for each channel that comes in: "
    "of 32 channels, `Conv2d(32, 3, padding=1, groups=32) -> Conv2d(64, 1)`"
)
CROPPED = "write `crop(x, left=2, right=2, top=2, bottom=2)`, or `crop(x, like=y)` for the centre of the size of `y`"

# fmt: off
ELSEWHERE = {
    "Conv": "Conv2d", "Conv2D": "Conv2d", "Convolution": "Conv2d", "Convolution2D": "Conv2d", "conv": "Conv2d",
    "conv2d": "Conv2d", "SeparableConv2D": "Conv2d(..., groups=c)", "DepthwiseConv2D": "Conv2d(c, k, groups=c)",
    "Conv2DTranspose": "ConvTranspose2d", "Deconv": "ConvTranspose2d", "Deconvolution2D": "ConvTranspose2d",
    "Deconv2d": "ConvTranspose2d", "Deconvolution": "ConvTranspose2d", "Conv2dTranspose": "ConvTranspose2d",
    "TransposedConv2d": "ConvTranspose2d", "TransposeConv2d": "ConvTranspose2d", "UpConv": "ConvTranspose2d",
    "Dense": "Linear", "FC": "Linear", "FullyConnected": "Linear", "fc": "Linear",
    "InnerProduct": "Linear", "linear": "Linear", "BatchNorm": "BatchNorm2d", "BatchNormalization": "BatchNorm2d",
    "BN": "BatchNorm2d", "batch_norm": "BatchNorm2d", "LayerNormalization": "LayerNorm",
    "MaxPool": "MaxPool2d", "MaxPooling": "MaxPool2d", "MaxPooling2D": "MaxPool2d", "MaxPool2D": "MaxPool2d",
    "max_pool2d": "MaxPool2d", "AvgPool": "AvgPool2d", "AveragePooling2D": "AvgPool2d", "AvgPool2D": "AvgPool2d",
    "avg_pool2d": "AvgPool2d", "Pool": "MaxPool2d", "Pooling": "MaxPool2d", "pool": "MaxPool2d",
    "GAP": "AdaptiveAvgPool2d(1)", "GlobalAveragePooling2D": "AdaptiveAvgPool2d(1)",
    "GlobalAvgPool": "AdaptiveAvgPool2d(1)", "GlobalAvgPool2d": "AdaptiveAvgPool2d(1)",
    "adaptive_avg_pool2d": "AdaptiveAvgPool2d", "GlobalMaxPooling2D": "AdaptiveMaxPool2d(1)",
    "LRN": "LocalResponseNorm", "Swish": "SiLU", "Relu": "ReLU", "relu": "ReLU", "softmax": "Softmax",
    "sigmoid": "Sigmoid", "tanh": "Tanh", "gelu": "GELU", "leaky_relu": "LeakyReLU", "Activation": "ReLU",
    "flatten": "Flatten", "FlattenLayer": "Flatten", "Reshape": "Unflatten", "View": "Flatten", "view": "Flatten",
    "dropout": "Dropout",
    "SpatialDropout2D": "Dropout2d", "DropPath": "StochasticDepth", "UpSampling2D": "Upsample(scale_factor=2)",
    "interpolate": "Upsample", "ZeroPadding2D": "ZeroPad2d", "pad": "ZeroPad2d",
    "Concatenate": "concat(a, b)", "Concat": "concat(a, b)", "concatenate": "concat(a, b)", "cat": "concat(a, b)",
    "Cat": "concat(a, b)", "Add": "a + b", "Eltwise": "a + b", "Multiply": "a * b", "Mul": "a * b",
}
"""Layers and functions, and what they are here."""

OTHERWISE = {
    "Sequential": "layers in a row stand in parentheses: `features: (conv: Conv2d(8, 3) -> ReLU)`",
    "ModuleList": "layers of a loop are numbered: `for i in range(3) { x = x -> conv[i]: Conv2d(8, 3) }`",
    "Input": "an input is a statement: `input x: [3, 32, 32]`",
    "input": "an input is a statement: `input x: [3, 32, 32]`",
    "InputLayer": "an input is a statement: `input x: [3, 32, 32]`",
    "Reshape": "a vector becomes a map by `Unflatten(1, (16, 5, 5))`, a map becomes a vector by `Flatten`",
    "DepthwiseConv2D": DEPTHWISE, "DepthwiseConv2d": DEPTHWISE, "DepthwiseConv": DEPTHWISE,
    "SeparableConv2D": SEPARABLE, "SeparableConv2d": SEPARABLE, "SeparableConv": SEPARABLE,
    "MaxUnpool2d": "nothing remembers where the maxima were: `Upsample(scale_factor=2)` enlarges a map",
    "MaxUnpooling2D": "nothing remembers where the maxima were: `Upsample(scale_factor=2)` enlarges a map",
    "CenterCrop": CROPPED, "CenterCrop2d": CROPPED, "Cropping2D": CROPPED, "Crop": CROPPED,
    "Lambda": "write what it computes: `a + b`, `a * b`, `0.5 * x`, `concat(a, b)`",
    "ResBlock": "define it, or import one: `from resnet import BasicBlock`",
    "ResidualBlock": "define it, or import one: `from resnet import BasicBlock`",
    "output": "an output is a statement: `output y = x -> ...`",
    "print": "`archdsl analyze` shows the shape of every tensor",
    "int": "`//` divides and rounds down, `round`, `floor` and `ceil` round",
    "str": "a label computes its text: `\"conv{i}\"`",
    "abs": "write `max(n, -n)`",
}
"""Names of things that are written in another way altogether."""

TEXTS = frozenset(
    "same valid zeros reflect replicate circular nearest bilinear bicubic trilinear fan_in fan_out relu".split()
)
"""Words that stand for arguments, often without their quotes."""

ARGUMENTS = {
    "filters": "out_channels", "num_filters": "out_channels", "num_output": "out_channels", "channels": "out_channels",
    "out": "out_channels", "kernel": "kernel_size", "k": "kernel_size", "ksize": "kernel_size", "size": "kernel_size",
    "pool_size": "kernel_size", "strides": "stride", "s": "stride", "subsample": "stride", "pad": "padding",
    "p": "padding", "border_mode": "padding", "dilation_rate": "dilation", "dilations": "dilation",
    "use_bias": "bias", "bias_term": "bias", "group": "groups", "units": "out_features", "output_dim": "out_features",
    "epsilon": "eps", "rate": "p", "prob": "p", "drop_prob": "p", "dropout_ratio": "p", "alpha": "negative_slope",
    "axis": "dim", "scale": "scale_factor", "interpolation": "mode", "block_size": "upscale_factor",
}
"""Arguments, and what PyTorch calls them; those that a layer does not have are not offered."""

INFERRED = frozenset("in_channels in_features num_features num_channels normalized_shape input_dim input_size".split())
"""Arguments of PyTorch that say the size of the input."""

NO_ARGUMENT = {
    "activation": "an activation is a layer of its own: `Conv2d(64, 3) -> ReLU`",
    "input_shape": "the shape of the input stands at its name: `input x: [3, 32, 32]`",
    "batch_input_shape": "the shape of the input stands at its name: `input x: [3, 32, 32]`",
    "data_format": "shapes are always channels first: `[3, 224, 224]`",
    "name": "a name stands in front of the layer: `conv1: Conv2d(64, 3)`",
    "device": "where a network runs is no part of it", "dtype": "commands take it: `--dtype float16`",
    "kernel_initializer": "weights are initialised by a statement: `init kaiming_normal`",
    "bias_initializer": "weights are initialised by a statement: `init kaiming_normal`",
    "weight_filler": "weights are initialised by a statement: `init kaiming_normal`",
    "kernel_regularizer": "what only training uses is no part of a network",
}
# fmt: on


SAME_PADDING = {
    "pool": 'Keras\' "same" is `ceil_mode=true` for a pool of 2, and `padding=1` for one of 3',
    "transposed": 'Keras\' "same" is no padding where kernel and stride are equal, '
    "and `padding=1, output_padding=1` for a kernel of 3 with a stride of 2",
}
"""What a padding of "same" comes to in layers that do not take the word."""

FUNCTIONS = {"add": "+", "Add": "+", "multiply": "*", "mul": "*", "Multiply": "*", "Mul": "*", "Eltwise": "+"}
"""Functions of two tensors, and the signs that do what they do."""

_RESHAPED = re.compile(r"Reshape\(\s*(?:target_shape\s*=\s*)?([(\[][^()\[\]]*,\s*\d[^()\[\]]*[)\]])\s*\)")

NO_BLOCK = "define it, `block {name} {{ input x  output x -> ... }}`, or import it; `archdsl ops` lists the layers"
"""What to do about a name that is near to no other."""


def misnamed(name: str, written: str = "") -> str | None:
    """Return what to write instead of a layer or function that PyTorch does not have; `written` is the call."""
    if match := _RESHAPED.fullmatch(written):
        return f"of a vector, `Unflatten(1, {match[1]})` makes a map of these sizes"
    if name in OTHERWISE:
        return OTHERWISE[name]
    if ELSEWHERE.get(name) == "Flatten" and "," in written:
        return "write `Flatten`, which works the size out"
    return f"did you mean `{ELSEWHERE[name]}`?" if name in ELSEWHERE else None


def as_operation(name: str, operands: list[str]) -> str | None:
    """Return how a function of tensors is written: `add(x, y)` as `x + y`, `concat` with its name."""
    if name in FUNCTIONS and len(operands) > 1:
        return f" {FUNCTIONS[name]} ".join(operands)
    if name == "scale" and len(operands) == 2:
        return " * ".join(reversed(operands))
    known = {"chunk": "split"}.get(name, name)
    return f"{known}({', '.join(operands)})" if known in ("concat", "crop", "split") else None


def unknown_argument(cls: type[Op], name: str) -> str:
    """Return what to do about an argument that a layer does not have."""
    known = [a.name for a in cls.arguments]
    signature = f"the layer is {cls.signature()}"
    if name in NO_ARGUMENT:
        return NO_ARGUMENT[name]
    meant = ARGUMENTS.get(name)
    close = meant if meant in known else closest(name, known)
    return f"did you mean `{close}`? {signature}" if close else signature


def advice(cls: type[Op], message: str, written: str) -> str:
    """Return what to do about an argument that does not fit, from the call as it is written."""
    if re.search(r"\d,\d{3}\b", written):
        return "a number has no commas: `1000` or `1_000`"
    if match := re.search(r'"(SAME|VALID|Same|Valid)"', written):
        return f'words are written small: `"{match[1].lower()}"`'
    if "`padding` is" in message and '"same"' in written:
        return SAME_PADDING["pool" if "Pool" in cls.name else "transposed"]
    if "`align_corners` is for" in message and "mode=" not in written:
        return f'the default mode copies; give another: write `{written[:-1]}, mode="bilinear")`'
    if 'padding="same"' in message:
        return "with a stride the padding is a number: `padding=1` for a kernel of 3, `padding=3` for one of 7"
    if match := re.search(r'"(\d+)[x×](\d+)"', written):
        high, wide = match.groups()
        return f"a kernel is a number or a tuple: write `{high if high == wide else f'({high}, {wide})'}`"
    if match := re.search(r'"(\d+)"', written):
        return f"a number has no quotes: write `{match[1]}`"
    if match := re.search(r"\b(\d+)e(\d+)\b", written):
        return f"a number with an exponent is no whole one: write `{match[1]}{'0' * min(int(match[2][:2]), 12)}`"
    if re.search(r"[^/]/[^/]", written):
        return "`/` gives a fraction; `//` divides whole numbers"
    if " from 0 to 1" in message:
        return f"it is a share: half is 0.5; the layer is {cls.signature()}"
    return f"the layer is {cls.signature()}"


def takes_tensor(name: str, written: str) -> str:
    """Return how a layer that is called on a tensor is written; `written` is the call."""
    match = re.fullmatch(rf"{name}\(\s*([A-Za-z_]\w*)\s*(?:,\s*(.*))?\)", written, re.DOTALL)
    if match is None or match[1] in OPS:
        return f"a layer follows what it works on: `x -> {name}`"
    rest = f"({match[2]})" if match[2] and name != "Flatten" else ""
    return f"a layer follows what it works on: `{match[1]} -> {name}{rest}`"
