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
)
CONCAT_MISMATCH = Rule(
    code="E0302",
    name="concat-mismatch",
    summary="tensors of different height or width are concatenated",
    why="Channels are put one behind the other, so everything else must agree.",
    bad=_model("output concat(x, x -> conv: Conv2d(8, 3))"),
    good=_model("output concat(x, x -> conv: Conv2d(8, 3, padding=1))"),
)
KERNEL_TOO_LARGE = Rule(
    code="E0303",
    name="kernel-too-large",
    summary="a kernel is larger than the padded input",
    why="There is no position at which the window fits, so the output would be empty.",
    bad=_model("output x -> conv: Conv2d(8, 9)"),
    good=_GOOD,
)
GROUPS = Rule(
    code="E0304",
    name="groups-do-not-divide",
    summary="groups do not divide the channels",
    why="Each group takes an equal share of the input's channels and makes an equal share of the output's.",
    bad=_model("output x -> conv: Conv2d(8, 3, groups=3)"),
    good=_model("output x -> conv: Conv2d(8, 3, groups=2)"),
)
LINEAR_ON_MAP = Rule(
    code="E0305",
    name="linear-on-map",
    summary="a linear layer gets a map instead of a vector",
    why="PyTorch would apply it along the last axis, the width, which is hardly ever meant.",
    bad=_model("output x -> fc: Linear(10)"),
    good=_model("output x -> Flatten -> fc: Linear(10)"),
)
PATTERN_MISMATCH = Rule(
    code="E0306",
    name="pattern-mismatch",
    summary="a tensor does not have the declared shape",
    why="A pattern such as `[c, h, h]` states what a block can take.",
    bad=_model("y: [8, h, w] = x -> conv: Conv2d(4, 3)\n  output y"),
    good=_model("y: [4, h, w] = x -> conv: Conv2d(4, 3)\n  output y"),
)
REQUIRE_FAILED = Rule(
    code="E0307",
    name="require-failed",
    summary="a stated requirement does not hold",
    why="The author of the block wrote down what it needs.",
    bad=_model('require 3 % 2 == 0, "an even width"\n  output x -> ReLU'),
    good=_model('require 4 % 2 == 0, "an even width"\n  output x -> ReLU'),
)
WRONG_RANK = Rule(
    code="E0308",
    name="wrong-rank",
    summary="a layer gets a tensor with another number of axes",
    why="`Conv2d` works on [c, h, w]; after `Flatten` there is only [c].",
    bad=_model("output x -> Flatten -> conv: Conv2d(8, 3)"),
    good=_model("output x -> conv: Conv2d(8, 3) -> Flatten"),
)
SHAPE_MISMATCH = Rule(
    code="E0309",
    name="shape-mismatch",
    summary="a layer cannot take the shape it gets",
    why="PyTorch would accept the constructor and fail at the first batch, far from the cause.",
    bad=_model("output x -> AvgPool2d(3, stride=1) -> MaxPool2d(3, stride=1, padding=3)"),
    good=_model("output x -> AvgPool2d(3, stride=1) -> MaxPool2d(3, stride=1, padding=1)"),
)
SIZE_NEEDED = Rule(
    code="E0310",
    name="size-needed",
    summary="a number is needed where the input size is left open",
    why="The weights of a linear layer, for one, depend on the size of the map that is flattened into it.",
    bad="model M {\n  input x: [3, H, W]\n  output x -> Flatten -> fc: Linear(10)\n}\n",
    good="model M {\n  input x: [3, H, W]\n  output x -> AdaptiveAvgPool2d(1) -> Flatten -> fc: Linear(10)\n}\n",
)
SHARED_MISMATCH = Rule(
    code="E0311",
    name="shared-mismatch",
    summary="a shared module is called with inputs that need other weights",
    why="All calls of a shared module use one set of weights, made for the first call.",
    bad=_model("share f = Conv2d(8, 3)\n  y = x -> f\n  output y -> f"),
    good=_model("share f = Conv2d(4, 3)\n  y = x -> f\n  output y -> f"),
)
