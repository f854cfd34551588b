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
CHECKERBOARD = Rule(
    code="W0418",
    name="checkerboard",
    summary="a transposed convolution sums more taps in some positions than in others",
    why="Where the stride does not divide the kernel, the sums repeat a pattern that the weights have to work against.",
    bad=_model("output x -> up: ConvTranspose2d(8, 3, stride=2)"),
    good=_model("output x -> up: ConvTranspose2d(8, 4, stride=2, padding=1)"),
    causes=(
        "a kernel of 3 with stride 2 sums 4, 2 or 1 taps: take 4 or 2, or enlarge with `Upsample` before a convolution",
        "a kernel smaller than the stride, which leaves positions with the bias alone",
        "a dilation that has a factor in common with the stride",
    ),
    see=("ConvTranspose2d", "Upsample"),
)
GRIDDING = Rule(
    code="W0419",
    name="gridding",
    summary="dilated layers in a row read the same grid again, and never what lies between",
    why="Neighbouring outputs then stem from different pixels, and details finer than the grid are lost.",
    bad=_model("output x -> a: Conv2d(8, 3, dilation=2) -> ReLU -> b: Conv2d(8, 3, dilation=2)", "[3, 32, 32]"),
    good=_model(
        "output x -> a: Conv2d(8, 3) -> ReLU -> b: Conv2d(8, 3, dilation=2) -> ReLU -> c: Conv2d(8, 3, dilation=5)",
        "[3, 32, 32]",
    ),
    causes=("dilations with a factor in common, as 2, 2, 2 or 2, 4, 8: begin with 1, as in 1, 2, 5",),
    see=("Conv2d",),
)
UNREAD_POSITIONS = Rule(
    code="W0420",
    name="unread-positions",
    summary="a stride is larger than the kernel, so that parts of a map are computed and never read",
    why="A 1x1 convolution of stride 2 uses one position of four; what the layers before made of the others is lost.",
    bad=_model("output x -> a: Conv2d(8, 3, padding=1) -> ReLU -> b: Conv2d(16, 1, stride=2)"),
    good=_model("output x -> a: Conv2d(8, 3, padding=1) -> ReLU -> AvgPool2d(2) -> b: Conv2d(16, 1)"),
    causes=(
        "a shortcut that halves: average first, as in ResNet-D, He et al. 2019, arXiv:1812.01187",
        "a bottleneck whose first 1x1 takes the stride: give it to the 3x3, as torchvision's ResNet does",
        "a pooling with a stride larger than its kernel",
    ),
    see=("W0411", "Conv2d", "AvgPool2d"),
)
MISALIGNED_BRANCHES = Rule(
    code="W0421",
    name="misaligned-branches",
    summary="branches that are added, multiplied or concatenated do not lie on each other",
    why="The shapes agree, but the values at one position stem from different places of the image, more than half a "
    "position of the coarsest map apart.",
    bad=_model("output concat(x -> a: Conv2d(8, 3), crop(x, top=2, left=2))"),
    good=_model("output concat(x -> a: Conv2d(8, 3), crop(x, left=1, right=1, top=1, bottom=1))"),
    causes=(
        "a crop that takes all from one side: `crop(x, like=y)` takes as much before as behind",
        "several even kernels on one branch, which move a map by half a position each",
        "a stride on one branch, and sizes that happen to agree",
    ),
    see=("crop", "W0413", "concat"),
)
NARROW_VIEW = Rule(
    code="W0422",
    name="narrow-view",
    summary="a mean over the whole map is taken of units that see less than half of the image",
    why="The mean forgets where each unit was, so that nothing larger than what one unit sees can be recognised.",
    bad=_model(
        "output x -> body: (for i in range(3) { Conv2d(8, 3) -> ReLU })\n"
        "    -> AdaptiveAvgPool2d(1) -> Flatten -> fc: Linear(10)",
        "[3, 32, 32]",
    ),
    good=_model(
        "output x -> body: (for i in range(3) { Conv2d(8, 3) -> ReLU -> MaxPool2d(2) })\n"
        "    -> AdaptiveAvgPool2d(1) -> Flatten -> fc: Linear(10)",
        "[3, 30, 30]",
    ),
    causes=(
        "too few layers or strides for the size of the image: the field grows with both",
        "bags of local features on purpose, as in BagNet, Brendel & Bethge 2019, arXiv:1904.00760",
        "not told of a mean behind one layer alone, which is an example and no network",
    ),
    see=("AdaptiveAvgPool2d", "Flatten"),
)
PLAIN_STACK = Rule(
    code="W0423",
    name="plain-stack",
    summary="more than thirty layers with weights follow each other, and no identity leads around any",
    why="Plain networks of that depth train worse than shallower ones; He et al. 2016, arXiv:1512.03385, section 4.1.",
    bad=_model("output x -> stack: (for i in range(31) { Conv2d(8, 3, padding=1) -> ReLU })"),
    good=_model(
        "y = x -> stem: Conv2d(8, 3, padding=1)\n"
        "  for i in range(31) { y = y + (y -> body[i]: Conv2d(8, 3, padding=1) -> ReLU -> tail[i]: Conv2d(8, 1)) }\n"
        "  output y"
    ),
    causes=("add the input of every block of two or three layers to its output: `output y + x`",),
    see=("add",),
)
SATURATING_STACK = Rule(
    code="W0424",
    name="saturating-stack",
    summary="many saturating activations follow each other without a norm",
    why="Each passes at most a part of the gradient, a sigmoid a quarter, so the first layers learn next to nothing.",
    bad=_model("output x -> Flatten -> stack: (for i in range(6) { Linear(64) -> Sigmoid }) -> fc: Linear(10)"),
    good=_model("output x -> Flatten -> stack: (for i in range(6) { Linear(64) -> ReLU }) -> fc: Linear(10)"),
    causes=(
        "take `ReLU` inside of the network, and keep `Sigmoid` for gates and for the result",
        "a norm in front of each keeps what it gets in the middle, where it is steep",
    ),
    see=("Sigmoid", "Tanh", "ReLU"),
)
RELU_BEFORE_ADD = Rule(
    code="W0425",
    name="relu-before-add",
    summary="a residual branch is rectified before it is added",
    why="A branch that is never negative can only add to its shortcut; He et al. 2016, arXiv:1603.05027, section 4.1.",
    bad=_model("y = x -> a: Conv2d(3, 3, padding=1) -> ReLU\n  output y + x"),
    good=_model("y = x -> a: Conv2d(3, 3, padding=1)\n  output y + x -> ReLU"),
    causes=("add first, and rectify the sum", "with pre-activation, norm and `ReLU` stand before each convolution"),
    see=("add", "ReLU"),
)
DROPOUT_BEFORE_NORM = Rule(
    code="W0426",
    name="dropout-before-norm",
    summary="a dropout stands before a batch normalisation",
    why="The norm keeps the variance it sees in training for evaluation, where the dropout is gone and it is another.",
    bad=_model("output x -> a: Conv2d(8, 3, bias=false) -> Dropout(0.5) -> bn: BatchNorm2d -> ReLU"),
    good=_model("output x -> a: Conv2d(8, 3, bias=false) -> bn: BatchNorm2d -> ReLU -> Dropout(0.5)"),
    causes=("put it behind the last norm; Li et al. 2018, arXiv:1801.05134, for what it costs before",),
    see=("Dropout", "BatchNorm2d"),
)
DROPOUT_ON_OUTPUT = Rule(
    code="W0427",
    name="dropout-on-output",
    summary="a dropout works on the result of the last layer",
    why="In training the loss then compares zeros with what was wanted, and no layer behind can make up for them.",
    bad=_model("output x -> Flatten -> fc: Linear(10) -> Dropout(0.5)"),
    good=_model("output x -> Flatten -> Dropout(0.5) -> fc: Linear(10)"),
    causes=("put it before the last layer, on what that reads",),
    see=("Dropout", "Linear"),
)
NO_ACTIVATION = Rule(
    code="W0428",
    name="no-activation",
    summary="two layers follow each other with no activation between them",
    why="Two linear maps in a row are one linear map: the second adds parameters, and nothing that one could not do.",
    bad=_model("output x -> Flatten -> fc1: Linear(64) -> fc2: Linear(10)"),
    good=_model("output x -> Flatten -> fc1: Linear(64) -> ReLU -> fc2: Linear(10)"),
    causes=(
        "the activation was forgotten: `-> ReLU ->`",
        "a product on purpose is told apart by a narrow middle, a depthwise or a separated kernel",
        "not told of convolutions that no activation, `Linear`, norm or dropout goes with: they are a filter",
    ),
    see=("ReLU", "Linear", "Conv2d"),
)
TAPS_IN_PADDING = Rule(
    code="W0429",
    name="taps-in-padding",
    summary="some weights of a kernel meet nothing but padding",
    why="They are multiplied by zero at every position: they cost parameters and time, and never get a gradient.",
    bad=_model("output x -> MaxPool2d(8) -> a: Conv2d(8, 3, padding=1)"),
    good=_model("output x -> MaxPool2d(4) -> a: Conv2d(8, 3, padding=1)"),
    causes=(
        "a map that was halved down to one position: take a kernel of 1, a larger input, or fewer strides before",
        "a dilation as large as the map",
    ),
    see=("Conv2d",),
)
OUTPUT_WITHOUT_BIAS = Rule(
    code="W0430",
    name="output-without-bias",
    summary="a default takes the bias from the layer that gives the result",
    why="No norm follows it, so that its results cannot be moved: a class that is more frequent gets no larger score.",
    bad="defaults Conv2d(bias=false)\n\n"
    + _model("output x -> a: Conv2d(8, 3) -> bn: BatchNorm2d -> ReLU -> head: Conv2d(2, 1)"),
    good="defaults Conv2d(bias=false)\n\n"
    + _model("output x -> a: Conv2d(8, 3) -> bn: BatchNorm2d -> ReLU -> head: Conv2d(2, 1, bias=true)"),
    causes=("`defaults Conv2d(bias=false)` is meant for layers before a norm: write `bias=true` at the last one",),
    see=("W0412", "language statements"),
)
CHANNELS_BY_EIGHT = Rule(
    code="W0431",
    name="channels-by-eight",
    summary="wide layers that do much of the work have channels that 8 does not divide",
    why="Tensor cores take 8 numbers of half precision at a time: other channels are padded, or run without them.",
    bad=_model(
        "output x -> a: Conv2d(100, 3) -> ReLU -> b: Conv2d(100, 3) -> ReLU -> head: Conv2d(10, 1)", "[3, 64, 64]"
    ),
    good=_model(
        "output x -> a: Conv2d(96, 3) -> ReLU -> b: Conv2d(96, 3) -> ReLU -> head: Conv2d(10, 1)", "[3, 64, 64]"
    ),
    causes=(
        "a round number as people count, such as 100 or 300: take 96 or 304",
        "a width that is multiplied: round it to a multiple of 8, as MobileNets and EfficientNets do",
        "a network that runs in float32 or on a CPU alone: there it does not matter, and the lint may be allowed",
    ),
    see=("Conv2d", "Linear"),
)
