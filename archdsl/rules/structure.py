"""How statements and tensors fit together, and what a test expects."""

from archdsl.diagnostics import Rule

_GOOD = "model M {\n  input x: [3, 8, 8]\n  output x -> conv: Conv2d(8, 3)\n}\n"

NO_OUTPUT = Rule(
    code="E0401",
    name="no-output",
    summary="a model or block never sets an output",
    why="What it computes could not be used.",
    bad="model M {\n  input x: [3, 8, 8]\n  y = x -> conv: Conv2d(8, 3)\n}\n",
    good=_GOOD,
    causes=("the last line says `y = ...`: write `output y = ...` or `output y`",),
    see=("language statements",),
    pytorch=("argument 'input' (position 1) must be Tensor, not NoneType",),
    keras=("Output tensors of a Functional model must be the output of a TensorFlow `Layer`",),
)
NO_INPUT_SHAPE = Rule(
    code="E0402",
    name="no-input-shape",
    summary="a model has no input, or one without a shape",
    why="Shapes flow from the input; `[3, H, W]` leaves sizes open, but the channels must be known.",
    bad="model M {\n  input x\n  output x -> conv: Conv2d(8, 3)\n}\n",
    good=_GOOD,
    see=("language sizes", "language statements"),
    keras=("This model has not yet been built. Build the model first by calling `build()`",),
)
NOT_A_TENSOR = Rule(
    code="E0403",
    name="not-a-tensor",
    summary="a number, layer or list stands where a tensor should, or the other way round",
    why="Arrows carry tensors; arguments and arithmetic are numbers known beforehand.",
    bad="model M {\n  input x: [3, 8, 8]\n  output 3 -> ReLU\n}\n",
    good=_GOOD,
    see=("language statements", "language stages"),
    pytorch=(
        "argument 'input' (position 1) must be Tensor, not int",
        "received an invalid combination of arguments - got (...), but expected one of:",
    ),
    keras=("A KerasTensor cannot be used as input to a TensorFlow function.",),
)
TENSOR_COUNT = Rule(
    code="E0404",
    name="tensor-count",
    summary="a block gets or gives another number of tensors",
    why="Each `input` of a block is fed by one tensor, and each name on the left takes one output.",
    bad="model M {\n  input x: [3, 8, 8]\n  output (x, x) -> conv: Conv2d(8, 3)\n}\n",
    good=_GOOD,
    causes=(
        "a block with two inputs is fed one tensor: `(skip, x) -> Up(64)`",
        "a block with two outputs is bound to one name: `a, b = x -> Block`",
    ),
    see=("language statements",),
    pytorch=(
        "forward() takes ... positional arguments but ... were given",
        "forward() missing ... required positional argument: '...'",
    ),
    keras=('Layer "..." expects ... input(s), but it received ... input tensors.',),
    python=("not enough values to unpack (expected ..., got ...)", "too many values to unpack (expected ...)"),
)
EXPECTATION_FAILED = Rule(
    code="E0701",
    name="expectation-failed",
    summary="a `test` expects another value than the analysis gives",
    why="Tests hold published numbers against the network as written.",
    bad=_GOOD + "test M { expect params == 225 }\n",
    good=_GOOD + "test M { expect params == 224 }\n",
    causes=(
        "the network differs from the published one: a bias, a padding, a width; `archdsl analyze` shows the table",
        "the published number counts something else: FLOPs for MACs, or no classifier",
    ),
    see=("language tests",),
)
BAD_EXPECTATION = Rule(
    code="E0702",
    name="bad-expectation",
    summary="an expectation is not a comparison of known quantities",
    why="`expect` wants something like `params == 61_706` or `macs == 4.09G within 1%`.",
    bad=_GOOD + "test M { expect params }\n",
    good=_GOOD + "test M { expect params == 224 }\n",
    see=("language tests",),
)
