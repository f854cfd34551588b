"""What is allowed and probably not meant."""

from archdsl.diagnostics import Rule


def _model(line: str, sizes: str = "[3, 8, 8]") -> str:
    return f"model M {{\n  input x: {sizes}\n  {line}\n}}\n"


UNUSED = Rule(
    code="W0401",
    name="unused-tensor",
    summary="a tensor is computed and never used",
    why="Its layers cost time and memory, and their weights get no gradient.",
    bad=_model("y = x -> conv: Conv2d(8, 3)\n  output x -> ReLU"),
    good=_model("y = x -> conv: Conv2d(8, 3)\n  output y -> ReLU"),
    see=("E0401",),
    pytorch=("appears to not have been used in the graph. Set allow_unused=True if this is the desired behavior.",),
)
SIZE_REQUIREMENT = Rule(
    code="W0410",
    name="size-requirement",
    summary="only some input sizes work, and the model does not say which",
    why="Others find out when it crashes; a `require` says it beforehand.",
    bad=_model("y = x -> MaxPool2d(2) -> up: ConvTranspose2d(3, 2, stride=2)\n  output x + y", "[3, H, W]"),
    good=_model(
        "require H % 2 == 0 and W % 2 == 0\n  y = x -> MaxPool2d(2) -> up: ConvTranspose2d(3, 2, stride=2)\n"
        "  output x + y",
        "[3, H, W]",
    ),
    causes=("each pooling halves the size and drops an odd rest, and the way up cannot know of it",),
    see=("E0302", "language sizes"),
    pytorch=("Sizes of tensors must match except in dimension .... Expected size ... but got size ...",),
)
DROPS_ROWS = Rule(
    code="W0411",
    name="drops-rows",
    summary="a convolution or pooling leaves rows or columns of its input unread",
    why="The division by the stride leaves a rest that is more than padding, so real pixels at the edge are lost.",
    bad=_model("output x -> MaxPool2d(3)"),
    good=_model("output x -> MaxPool2d(2)"),
    causes=(
        "a pooling of 3 with stride 3 on a size that is no multiple of 3",
        "a stride of 2 without the padding for it",
    ),
    see=("W0410", "MaxPool2d"),
)
BIAS_BEFORE_NORM = Rule(
    code="W0412",
    name="bias-before-norm",
    summary="a bias stands directly before a batch normalisation",
    why="The normalisation subtracts the mean, and the bias with it: it costs parameters and does nothing.",
    bad=_model("output x -> conv: Conv2d(8, 3) -> bn: BatchNorm2d"),
    good=_model("output x -> conv: Conv2d(8, 3, bias=false) -> bn: BatchNorm2d"),
    causes=("write `bias=false` at the convolution, or once for all: `defaults Conv2d(bias=false)`",),
    see=("BatchNorm2d", "language statements"),
)
EVEN_KERNEL = Rule(
    code="W0413",
    name="even-kernel",
    summary="an even kernel is padded as if it kept the size",
    why="With padding k // 2 and stride 1 an even kernel makes the map one larger, and moves it by half a pixel.",
    bad=_model("output x -> conv: Conv2d(8, 4, padding=2)"),
    good=_model("output x -> conv: Conv2d(8, 3, padding=1)"),
    see=("Conv2d",),
    pytorch=("Using padding='same' with even kernel lengths and odd dilation may require a zero-padded copy",),
)
SOFTMAX_OUTPUT = Rule(
    code="W0414",
    name="softmax-output",
    summary="a classifier ends in a softmax",
    why="PyTorch's `CrossEntropyLoss` takes the softmax itself; after a first one it learns slowly, and says nothing.",
    bad=_model("output x -> Flatten -> fc: Linear(10) -> Softmax"),
    good=_model("output x -> Flatten -> fc: Linear(10)"),
    causes=(
        "the figure in the book ends in a softmax: for training leave it to the loss",
        "in Keras it belongs to the last layer; PyTorch's classifiers give logits",
    ),
    see=("Softmax", "LogSoftmax", "Linear"),
)
SIZE_FOR_FACTOR = Rule(
    code="W0417",
    name="size-for-factor",
    summary="a map becomes smaller by what was probably a factor",
    why="The first argument of `Upsample` is the size to come out, as in PyTorch; the factor is `scale_factor`.",
    bad=_model("output x -> Upsample(2)"),
    good=_model("output x -> Upsample(scale_factor=2)"),
    causes=(
        "a factor was meant: `Upsample(scale_factor=2)`",
        "a smaller map was meant: `AdaptiveAvgPool2d` takes the mean of what it leaves out",
    ),
    see=("Upsample", "AdaptiveAvgPool2d"),
)
DEAD_LAYER = Rule(
    code="W0415",
    name="dead-layer",
    summary="a layer changes nothing",
    why="It is probably there by accident, or another layer was meant.",
    bad=_model("output x -> conv: Conv2d(8, 3) -> ReLU -> ReLU"),
    good=_model("output x -> conv: Conv2d(8, 3) -> ReLU"),
    causes=("a line was copied: what is positive after one `ReLU` stays so after the next",),
    see=("ReLU", "Flatten", "Identity"),
)
CHANNELS_LAST = Rule(
    code="W0416",
    name="channels-last",
    summary="the shape of an input looks as if its channels came last",
    why="Shapes are [channels, height, width]; read so, [224, 224, 3] is an image of 224 channels, three pixels wide.",
    bad=_model("output x -> conv: Conv2d(8, 3)", "[32, 32, 3]"),
    good=_model("output x -> conv: Conv2d(8, 3)", "[3, 32, 32]"),
    causes=("the shape is that of Keras, of NumPy or of a slide: put the channels in front",),
    see=("language sizes", "E0303"),
)
