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
)
BAD_ARGUMENT = Rule(
    code="E0202",
    name="bad-argument",
    summary="an argument is unknown, missing, given twice, or of the wrong kind",
    why="Arguments have PyTorch's names, order and ranges, without the size of the input.",
    bad=_model("output x -> conv: Conv2d(8, 3, strides=2, padding=1)"),
    good=_model("output x -> conv: Conv2d(8, 3, stride=2, padding=1)"),
)
UNLABELLED = Rule(
    code="W0203",
    name="unlabelled",
    summary="a layer with parameters has no label",
    why="Its key in a checkpoint then depends on the order of the layers, and moves when one is added.",
    bad=_model("output x -> Conv2d(8, 3)"),
    good=_GOOD,
)
DUPLICATE_LABEL = Rule(
    code="E0204",
    name="duplicate-label",
    summary="two layers of one scope have the same label",
    why="Labels are attribute names; the second would replace the first.",
    bad=_model("output x -> conv: Conv2d(8, 3) -> conv: Conv2d(8, 3)"),
    good=_model("output x -> conv1: Conv2d(8, 3) -> conv2: Conv2d(8, 3)"),
)
RESERVED_LABEL = Rule(
    code="E0205",
    name="reserved-label",
    summary="a label hides an attribute of `nn.Module`, or is no Python name",
    why="`self.train = nn.Conv2d(...)` would break the module.",
    bad=_model("output x -> train: Conv2d(8, 3)"),
    good=_GOOD,
)
RECURSION = Rule(
    code="E0206",
    name="recursion",
    summary="a definition uses itself",
    why="Everything is unrolled before anything runs, so a definition inside itself would never end.",
    bad=_model("output x -> a: A", "seq A = ReLU -> b: A\n"),
    good=_model("output x -> a: A", "seq A = ReLU\n"),
)
UNKNOWN_NAME = Rule(
    code="E0207",
    name="unknown-name",
    summary="nothing has this name here",
    why="Tensors, parameters and sizes are named before they are used.",
    bad=_model("output y -> conv: Conv2d(8, 3)"),
    good=_GOOD,
)
WRONG_TYPE = Rule(
    code="E0208",
    name="wrong-type",
    summary="a value has another type than is wanted",
    why="Parameters say their type, so that a mistake shows where the value is given.",
    bad=_model("output x -> a: A(true)", "seq A(n: int) = conv: Conv2d(n, 3)\n"),
    good=_model("output x -> a: A(8)", "seq A(n: int) = conv: Conv2d(n, 3)\n"),
)
REBOUND = Rule(
    code="E0209",
    name="rebound",
    summary="a name that stays as it is gets a second value",
    why="Parameters, sizes and `let` names are constants, and `skip[i]` is written once; tensors may be rebound.",
    bad=_model("let n = 8\n  let n = 9\n  output x -> conv: Conv2d(n, 3)"),
    good=_model("let n = 8\n  output x -> conv: Conv2d(n, 3)"),
)
PASTED = Rule(
    code="E0210",
    name="pasted-pytorch",
    summary="a layer is written with its input size, as in PyTorch",
    why="Input sizes are inferred. Read as they stand, the numbers would mean something else.",
    bad=_model("output x -> conv: Conv2d(3, 64, 3)"),
    good=_model("output x -> conv: Conv2d(64, 3)"),
)
UNKNOWN_MODEL = Rule(
    code="E0211",
    name="unknown-model",
    summary="no model of this file has this name",
    why="Tests, aliases and `--model` name a model of the file.",
    bad=_GOOD + "test N { expect params == 1 }\n",
    good=_GOOD + "test M { expect params == 224 }\n",
)
DUPLICATE_DEFINITION = Rule(
    code="E0212",
    name="duplicate-definition",
    summary="two definitions of a file have the same name",
    why="A name has one meaning; the second definition would hide the first.",
    bad=_model("output x -> a: A", "seq A = ReLU\nseq A = Tanh\n"),
    good=_model("output x -> a: A", "seq A = ReLU\n"),
)
BAD_VALUE = Rule(
    code="E0213",
    name="bad-value",
    summary="an operation cannot be done with these values",
    why="Arithmetic is over numbers, lists and texts; it never guesses a conversion.",
    bad=_model('let n = 8 + "a"\n  output x -> conv: Conv2d(n, 3)'),
    good=_model("let n = 8 + 1\n  output x -> conv: Conv2d(n, 3)"),
)
UNKNOWN_INIT = Rule(
    code="E0214",
    name="unknown-init",
    summary="no weight initialisation has this name",
    why="Initialisations are those of `torch.nn.init`, without the underscore.",
    bad=_model("init kaiming\n  output x -> conv: Conv2d(8, 3)"),
    good=_model("init kaiming_normal\n  output x -> conv: Conv2d(8, 3)"),
)
