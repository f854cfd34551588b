"""Names, labels and arguments."""

from archdsl.diagnostics import Rule


def _model(line: str, before: str = "") -> str:
    return f"{before}model M {{\n  input x: [3, 8, 8]\n  {line}\n}}\n"


_GOOD = _model("output x -> conv: Conv2d(8, 3)")

UNKNOWN_LAYER = Rule(
    code="E0201",
    name="unknown-layer",
    summary="no layer, block or seq has this name",
    why="Layer names are PyTorch's. An unknown one is never guessed at, because a silent zero would be worse.",
    bad=_model("output x -> conv: Conv2D(8, 3)"),
    good=_GOOD,
    causes=(
        "a Keras or textbook name: `archdsl explain Dense` tells the right one",
        "another spelling: PyTorch writes `Conv2d`, `ReLU`, `BatchNorm2d`",
        "a block of another file that is not imported: `from resnet import Bottleneck`",
    ),
    see=("E0207", "language imports"),
    pytorch=("module 'torch.nn' has no attribute '...'",),
    keras=(
        "Unknown layer: ...",
        "Could not locate class '...'.",
    ),
)
BAD_ARGUMENT = Rule(
    code="E0202",
    name="bad-argument",
    summary="an argument is unknown, missing, given twice, or of the wrong kind",
    why="Arguments have PyTorch's names, order and ranges, without the size of the input.",
    bad=_model("output x -> conv: Conv2d(8, 3, strides=2, padding=1)"),
    good=_model("output x -> conv: Conv2d(8, 3, stride=2, padding=1)"),
    causes=(
        "another library's word: `filters`, `strides`, `kernel`; `archdsl ops Conv2d` lists the arguments",
        "a stride or padding without its name: `Conv2d(64, 7, stride=2, padding=3)`",
        "a number outside its range, such as a dropout of 3",
        '`padding="same"` together with a stride: give the padding as a number',
    ),
    see=("E0210", "Conv2d"),
    pytorch=(
        "got an unexpected keyword argument '...'",
        "missing ... required positional argument: '...'",
        "takes from ... to ... positional arguments but ... were given",
        "padding='same' is not supported for strided convolutions",
        "Invalid padding string '...', should be one of",
        "padding_mode must be one of",
        'Only "zeros" padding mode is supported for ConvTranspose2d',
        "groups must be a positive integer",
        "non-positive stride is not supported",
        "dropout probability has to be between 0 and 1, but got ...",
        "expected stride to be a single integer value or a list of ... values to match the convolution dimensions",
    ),
    keras=(
        "Unrecognized keyword arguments passed to ...",
        "The `kernel_size` argument must be a tuple of ... integers. Received ...",
        "The `padding` argument must be one of",
    ),
)
UNLABELLED = Rule(
    code="W0203",
    name="unlabelled",
    summary="a layer with parameters has no label",
    why="Its key in a checkpoint then depends on the order of the layers, and moves when one is added.",
    bad=_model("output x -> Conv2d(8, 3)"),
    good=_GOOD,
    see=("language names", "E0204"),
    pytorch=(
        "Missing key(s) in state_dict: ...",
        "Unexpected key(s) in state_dict: ...",
        "size mismatch for ...: copying a param with shape torch.Size([...]) from checkpoint",
    ),
)
DUPLICATE_LABEL = Rule(
    code="E0204",
    name="duplicate-label",
    summary="two layers of one scope have the same label",
    why="Labels are attribute names; the second would replace the first.",
    bad=_model("output x -> conv: Conv2d(8, 3) -> conv: Conv2d(8, 3)"),
    good=_model("output x -> conv1: Conv2d(8, 3) -> conv2: Conv2d(8, 3)"),
    causes=("a line was copied: number the labels, `conv1`, `conv2`", 'in a loop: compute the label, `"conv{i}": ...`'),
    see=("E0205", "language names"),
    keras=('The name "..." is used ... times in the model. All layer names should be unique.',),
)
RESERVED_LABEL = Rule(
    code="E0205",
    name="reserved-label",
    summary="a label hides an attribute of `nn.Module`, or is no Python name",
    why="`self.train = nn.Conv2d(...)` would break the module.",
    bad=_model("output x -> train: Conv2d(8, 3)"),
    good=_GOOD,
    see=("E0204", "language names"),
    pytorch=("attribute '...' already exists", 'module name can\'t contain ".", got: ...'),
)
RECURSION = Rule(
    code="E0206",
    name="recursion",
    summary="a definition uses itself",
    why="Everything is unrolled before anything runs, so a definition inside itself would never end.",
    bad=_model("output x -> a: A", "seq A = ReLU -> b: A\n"),
    good=_model("output x -> a: A", "seq A = ReLU\n"),
    see=("E0505",),
    python=("maximum recursion depth exceeded",),
)
UNKNOWN_NAME = Rule(
    code="E0207",
    name="unknown-name",
    summary="nothing has this name here",
    why="Tensors, parameters and sizes are named before they are used.",
    bad=_model("output y -> conv: Conv2d(8, 3)"),
    good=_GOOD,
    causes=(
        "a spelling: the message says what is near",
        "the tensor is named below its use, or inside another block",
        "an input of the block was forgotten: `input skip`",
    ),
    see=("E0201", "language statements"),
    pytorch=("'...' object has no attribute '...'",),
    keras=("Graph disconnected: cannot obtain value for tensor ... at layer ...",),
    python=("name '...' is not defined", "cannot access local variable '...' where it is not associated with a value"),
)
WRONG_TYPE = Rule(
    code="E0208",
    name="wrong-type",
    summary="a value has another type than is wanted",
    why="Parameters say their type, so that a mistake shows where the value is given.",
    bad=_model("output x -> a: A(true)", "seq A(n: int) = conv: Conv2d(n, 3)\n"),
    good=_model("output x -> a: A(8)", "seq A(n: int) = conv: Conv2d(n, 3)\n"),
    see=("language types",),
    python=("'...' object cannot be interpreted as an integer", "'...' object is not iterable"),
)
REBOUND = Rule(
    code="E0209",
    name="rebound",
    summary="a name that stays as it is gets a second value",
    why="Parameters, sizes and `let` names are constants, and `skip[i]` is written once; tensors may be rebound.",
    bad=_model("let n = 8\n  let n = 9\n  output x -> conv: Conv2d(n, 3)"),
    good=_model("let n = 8\n  output x -> conv: Conv2d(n, 3)"),
    see=("language statements",),
)
PASTED = Rule(
    code="E0210",
    name="pasted-pytorch",
    summary="a layer is written with its input size, as in PyTorch",
    why="Input sizes are inferred. Read as they stand, the numbers would mean something else.",
    bad=_model("output x -> conv: Conv2d(3, 64, 3)"),
    good=_model("output x -> conv: Conv2d(64, 3)"),
    causes=(
        "a line was pasted from PyTorch: drop the first number, the message says which",
        "in PyTorch the number did not match the tensor: the message says what was written and what comes in",
        "`LayerNorm(128)` normalises over the last axis in PyTorch: here that is `LayerNorm(dims=1)`",
    ),
    see=("E0305", "E0202", "Conv2d", "Linear", "BatchNorm2d"),
    pytorch=(
        "Given groups=..., weight of size [...], expected input[...] to have ... channels, but got ...",
        "Given transposed=..., weight of size [...], expected input[...] to have ... channels, but got ...",
        "running_mean should contain ... elements not ...",
        "Given normalized_shape=[...], expected input with shape [...], but got input of size[...]",
    ),
    keras=('Input 0 of layer "..." is incompatible with the layer: expected axis -1 of input shape to have value ...',),
)
UNKNOWN_MODEL = Rule(
    code="E0211",
    name="unknown-model",
    summary="no model of this file has this name",
    why="Tests, aliases and `--model` name a model of the file.",
    bad=_GOOD + "test N { expect params == 1 }\n",
    good=_GOOD + "test M { expect params == 224 }\n",
    see=("language tests",),
    pytorch=("Cannot find callable ... in hubconf",),
)
DUPLICATE_DEFINITION = Rule(
    code="E0212",
    name="duplicate-definition",
    summary="two definitions of a file have the same name",
    why="A name has one meaning; the second definition would hide the first.",
    bad=_model("output x -> a: A", "seq A = ReLU\nseq A = Tanh\n"),
    good=_model("output x -> a: A", "seq A = ReLU\n"),
    see=("language items",),
)
BAD_VALUE = Rule(
    code="E0213",
    name="bad-value",
    summary="an operation cannot be done with these values",
    why="Arithmetic is over numbers, lists and texts; it never guesses a conversion.",
    bad=_model('let n = 8 + "a"\n  output x -> conv: Conv2d(n, 3)'),
    good=_model("let n = 8 + 1\n  output x -> conv: Conv2d(n, 3)"),
    see=("language expressions", "language builtins"),
    python=(
        "unsupported operand type(s) for ...: '...' and '...'",
        'can only concatenate str (not "int") to str',
        "could not convert string to float: '...'",
        "invalid literal for int() with base 10: '...'",
        "division by zero",
        "list index out of range",
        "cannot unpack non-iterable int object",
    ),
)
UNKNOWN_INIT = Rule(
    code="E0214",
    name="unknown-init",
    summary="no weight initialisation has this name, or no layer that it is for",
    why="Initialisations are those of `torch.nn.init`, without the underscore. One may be for a kind of layer that has "
    "a kernel, or for a label of the body.",
    bad=_model("init kaiming\n  output x -> conv: Conv2d(8, 3)"),
    good=_model("init kaiming_normal\n  output x -> conv: Conv2d(8, 3)"),
    see=("language initialisers",),
    pytorch=(
        "module 'torch.nn.init' has no attribute '...'",
        "Unsupported nonlinearity ...",
        "Mode ... not supported, please use one of ['fan_in', 'fan_out']",
    ),
    keras=("Unknown initializer: ...", "Could not interpret initializer identifier: ..."),
)
