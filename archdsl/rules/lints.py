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
)
DROPS_ROWS = Rule(
    code="W0411",
    name="drops-rows",
    summary="a convolution or pooling leaves rows or columns of its input unread",
    why="The division by the stride leaves a rest that is more than padding, so real pixels at the edge are lost.",
    bad=_model("output x -> MaxPool2d(3)"),
    good=_model("output x -> MaxPool2d(2)"),
)
BIAS_BEFORE_NORM = Rule(
    code="W0412",
    name="bias-before-norm",
    summary="a bias stands directly before a batch normalisation",
    why="The normalisation subtracts the mean, and the bias with it: it costs parameters and does nothing.",
    bad=_model("output x -> conv: Conv2d(8, 3) -> bn: BatchNorm2d"),
    good=_model("output x -> conv: Conv2d(8, 3, bias=false) -> bn: BatchNorm2d"),
)
EVEN_KERNEL = Rule(
    code="W0413",
    name="even-kernel",
    summary="an even kernel is padded as if it kept the size",
    why="With padding k // 2 and stride 1 an even kernel makes the map one larger, and moves it by half a pixel.",
    bad=_model("output x -> conv: Conv2d(8, 4, padding=2)"),
    good=_model("output x -> conv: Conv2d(8, 3, padding=1)"),
)
