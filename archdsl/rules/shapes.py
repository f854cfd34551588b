"""Shapes that do not fit."""

from archdsl.diagnostics import Rule


def _model(line: str) -> str:
    return f"model M {{\n  input x: [4, 8, 8]\n  {line}\n}}\n"


_GOOD = _model("output x -> conv: Conv2d(8, 3)")

ADD_MISMATCH = Rule(
    code="E0301",
    name="add-mismatch",
    summary="tensors of different shapes are added or multiplied",
    why="Both operands must have one shape; only a product broadcasts, and only from [c, 1, 1].",
    bad=_model("output x + (x -> conv: Conv2d(8, 3, padding=1))"),
    good=_model("output x + (x -> conv: Conv2d(4, 3, padding=1))"),
    causes=(
        "the shortcut has other channels: project it, `x -> downsample: Conv2d(channels, 1, stride=stride)`",
        "one path has a stride and the other none: give both the same",
        "a convolution without padding shrinks the map: `padding=(k - 1) // 2`",
    ),
    see=("E0302", "add", "multiply"),
    pytorch=("The size of tensor a (...) must match the size of tensor b (...) at non-singleton dimension ...",),
    keras=("Inputs have incompatible shapes. Received shapes ... and ...", "Incompatible shapes: [...] vs. [...]"),
)
CONCAT_MISMATCH = Rule(
    code="E0302",
    name="concat-mismatch",
    summary="tensors of different height or width are concatenated",
    why="Channels are put one behind the other, so everything else must agree.",
    bad=_model("output concat(x, x -> conv: Conv2d(8, 3))"),
    good=_model("output concat(x, x -> conv: Conv2d(8, 3, padding=1))"),
    causes=(
        "an odd size was halved and doubled again: make the input a multiple of 2 per pooling, see W0410",
        "a convolution without padding on one branch: `padding=(k - 1) // 2`, or `crop(skip, like=x)`",
        "a branch with another stride",
    ),
    see=("E0301", "W0410", "concat", "crop"),
    pytorch=(
        "Sizes of tensors must match except in dimension .... Expected size ... but got size ...",
        "Tensors must have same number of dimensions: got ... and ...",
    ),
    keras=(
        "A `Concatenate` layer requires inputs with matching shapes except for the concatenation axis.",
        "A `Concatenate` layer should be called on a list of at least 1 input.",
    ),
)
KERNEL_TOO_LARGE = Rule(
    code="E0303",
    name="kernel-too-large",
    summary="a kernel is larger than the padded input",
    why="There is no position at which the window fits, so the output would be empty.",
    bad=_model("output x -> conv: Conv2d(8, 9)"),
    good=_GOOD,
    causes=(
        "pooled once too often: `archdsl analyze` shows where the map gets small",
        "the input is smaller than the network was made for: 32 pixels into a network for 224",
        "the padding was forgotten: `padding=(k - 1) // 2` keeps the size",
    ),
    see=("W0410", "W0411", "Conv2d", "MaxPool2d"),
    pytorch=(
        (
            "Calculated padded input size per channel: (...). Kernel size: (...). "
            "Kernel size can't be greater than actual input size"
        ),
        "Given input size: (...). Calculated output size: (...). Output size is too small",
    ),
    keras=(
        "Negative dimension size caused by subtracting ... from ...",
        "Computed output size would be negative.",
        "One of the dimensions in the output is <= 0 due to downsampling in ...",
    ),
)
GROUPS = Rule(
    code="E0304",
    name="groups-do-not-divide",
    summary="groups do not divide the channels",
    why="Each group takes an equal share of the input's channels and makes an equal share of the output's.",
    bad=_model("output x -> conv: Conv2d(8, 3, groups=3)"),
    good=_model("output x -> conv: Conv2d(8, 3, groups=2)"),
    causes=(
        "a depthwise convolution has as many groups as channels: `groups=c` with `input x: [c, h, w]`",
        "the number of channels was changed and the groups were not",
    ),
    see=("Conv2d",),
    pytorch=(
        "in_channels must be divisible by groups",
        "out_channels must be divisible by groups",
        "num_channels (...) must be divisible by num_groups (...)",
        "Expected number of channels in input to be divisible by num_groups, but got input of shape",
    ),
    keras=(
        "The number of input channels must be evenly divisible by the number of groups.",
        "The number of filters must be evenly divisible by the number of groups.",
    ),
)
LINEAR_ON_MAP = Rule(
    code="E0305",
    name="linear-on-map",
    summary="a linear layer gets a map instead of a vector",
    why="PyTorch would apply it along the last axis, the width, which is hardly ever meant.",
    bad=_model("output x -> fc: Linear(10)"),
    good=_model("output x -> Flatten -> fc: Linear(10)"),
    causes=(
        "`Flatten` was forgotten: `x -> Flatten -> Linear(10)`",
        "a global pooling belongs in front: `x -> AdaptiveAvgPool2d(1) -> Flatten -> Linear(10)`",
        "in PyTorch `in_features` was worked out for another image size; here it is inferred",
    ),
    see=("E0308", "E0310", "E0210", "Linear", "Flatten"),
    pytorch=(
        "mat1 and mat2 shapes cannot be multiplied (... and ...)",
        "shape '[...]' is invalid for input of size ...",
    ),
    keras=("Matrix size-incompatible: In[0]: [...], In[1]: [...]",),
)
PATTERN_MISMATCH = Rule(
    code="E0306",
    name="pattern-mismatch",
    summary="a tensor does not have the declared shape",
    why="A pattern such as `[c, h, h]` states what a block can take.",
    bad=_model("y: [8, h, w] = x -> conv: Conv2d(4, 3)\n  output y"),
    good=_model("y: [4, h, w] = x -> conv: Conv2d(4, 3)\n  output y"),
    see=("language sizes", "E0404"),
    keras=('Input 0 of layer "..." is incompatible with the layer: expected shape=(...), found shape=(...)',),
)
REQUIRE_FAILED = Rule(
    code="E0307",
    name="require-failed",
    summary="a stated requirement does not hold",
    why="The author of the block wrote down what it needs.",
    bad=_model('require 3 % 2 == 0, "an even width"\n  output x -> ReLU'),
    good=_model('require 4 % 2 == 0, "an even width"\n  output x -> ReLU'),
    see=("language statements", "W0410"),
)
WRONG_RANK = Rule(
    code="E0308",
    name="wrong-rank",
    summary="a layer gets a tensor with another number of axes",
    why="`Conv2d` works on [c, h, w]; after `Flatten` there is only [c].",
    bad=_model("output x -> Flatten -> conv: Conv2d(8, 3)"),
    good=_model("output x -> conv: Conv2d(8, 3) -> Flatten"),
    causes=(
        "a convolution or pooling after `Flatten`: move it in front",
        "`Flatten` twice, or a wrong axis in it",
        "a 1d or 3d layer on an image: `Conv2d` works on [c, h, w]",
    ),
    see=("E0305", "Flatten", "language sizes"),
    pytorch=(
        "Expected 3D (unbatched) or 4D (batched) input to conv2d, but got input of size: [...]",
        "expected 4D input (got ... input)",
        "non-empty 3D or 4D (batch mode) tensor expected for input",
        "Expected 3D or 4D tensor, but got [...]",
        "Dimension out of range (expected to be in range of [...], but got ...)",
    ),
    keras=(
        'Input 0 of layer "..." is incompatible with the layer: expected min_ndim=..., found ndim=....',
        'Input 0 of layer "..." is incompatible with the layer: expected ndim=..., found ndim=....',
    ),
)
SHAPE_MISMATCH = Rule(
    code="E0309",
    name="shape-mismatch",
    summary="a layer cannot take the shape it gets",
    why="PyTorch would accept the constructor and fail at the first batch, far from the cause.",
    bad=_model("output x -> AvgPool2d(3, stride=1) -> MaxPool2d(3, stride=1, padding=3)"),
    good=_model("output x -> AvgPool2d(3, stride=1) -> MaxPool2d(3, stride=1, padding=1)"),
    see=("E0303", "E0308"),
    pytorch=(
        "pad should be at most half of effective kernel size, but got pad=..., kernel_size=... and dilation=...",
        "Padding size should be less than the corresponding input dimension, but got: padding",
        "Padding value causes wrapping around more than once.",
        "output padding must be smaller than either stride or dilation, but got output_padding_height",
        "Given input size per channel: (...). Calculated output size per channel: (...). Output size is too small",
        "pixel_shuffle expects its input's 'channel' dimension to be divisible by the square of upscale_factor",
        "split_with_sizes expects split_sizes to sum exactly to ... (input tensor's size at dimension ...)",
    ),
)
SIZE_NEEDED = Rule(
    code="E0310",
    name="size-needed",
    summary="a number is needed where the input size is left open",
    why="The weights of a linear layer, for one, depend on the size of the map that is flattened into it.",
    bad="model M {\n  input x: [3, H, W]\n  output x -> Flatten -> fc: Linear(10)\n}\n",
    good="model M {\n  input x: [3, H, W]\n  output x -> AdaptiveAvgPool2d(1) -> Flatten -> fc: Linear(10)\n}\n",
    causes=(
        "the model says `[3, H, W]` and flattens: pool to a fixed size first, `AdaptiveAvgPool2d(1)`",
        "the size is known: write it, `[3, 224, 224]` or `[3, H = 224, W = 224]`, or give `--input 3x224x224`",
    ),
    see=("language sizes", "Linear", "AdaptiveAvgPool2d"),
    pytorch=(
        "Attempted to use an uninitialized parameter in ...",
        "Can't access the shape of an uninitialized parameter or buffer.",
    ),
    keras=(
        "The last dimension of the inputs to a Dense layer should be defined. Found None.",
        "The last dimension of the inputs to `Dense` should be defined. Found `None`.",
    ),
)
SHARED_MISMATCH = Rule(
    code="E0311",
    name="shared-mismatch",
    summary="a shared module is called with inputs that need other weights",
    why="All calls of a shared module use one set of weights, made for the first call.",
    bad=_model("share f = Conv2d(8, 3)\n  y = x -> f\n  output y -> f"),
    good=_model("share f = Conv2d(4, 3)\n  y = x -> f\n  output y -> f"),
    causes=(
        "the module changes the channels, so its output does not fit its own input",
        "two heads on maps of different width: declare two modules",
    ),
    see=("E0210", "language statements"),
    pytorch=("Given groups=..., weight of size [...], expected input[...] to have ... channels, but got ...",),
)
