"""What the language reference says, apart from what the code says of itself.

The words are sorted into chapters by hand; a test holds that no word of the grammar and no function is left out. Each
example is compiled by the suite: a whole file, or the body of a model whose `input x: [8, 32, 32]` is left out.
"""

from __future__ import annotations

from dataclasses import dataclass

INPUT = "input x: [8, 32, 32]"
"""What an example without an input of its own begins with."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Some words or signs of the language, what they say, and a program with them."""

    words: tuple[str, ...]
    says: str
    example: str = ""


@dataclass(frozen=True, slots=True)
class Chapter:
    """A section of the reference."""

    name: str
    title: str
    lead: str
    entries: tuple[Entry, ...] = ()


ITEMS = Chapter(
    "items",
    "Items: what a file is made of",
    "A file is a list of items in any order. Newlines and spaces separate words and mean nothing else; there is no "
    "`;`.",
    (
        Entry(
            ("model",),
            "A network: parameters with types and defaults, inputs with shapes, at least one output. A second form "
            "gives "
            "a model with other parameters a name of its own.",
            "model Net(width: int = 16, classes: int = 10) {\n"
            "    input image: [3, 32, 32]\n"
            "    output image -> conv: Conv2d(width, 3) -> ReLU\n"
            "        -> AdaptiveAvgPool2d(1) -> Flatten -> fc: Linear(classes)\n"
            "}\n"
            "model WideNet = Net(width=64)",
        ),
        Entry(
            ("block",),
            "Any flow of tensors with a name: a class in PyTorch. Its `input` binds the sizes that it gets, so that "
            "it "
            "can ask about them.",
            "block Residual(width: int) {\n"
            "    input x: [c, h, w]\n"
            "    y = x -> conv: Conv2d(width, 3, padding=1)\n"
            "    skip = if c != width { x -> project: Conv2d(width, 1) } else { x }\n"
            "    output y + skip -> ReLU\n"
            "}\n"
            "model Net {\n"
            "    input x: [8, 32, 32]\n"
            "    output x -> a: Residual(8) -> b: Residual(16)\n"
            "}",
        ),
        Entry(
            ("seq",),
            "A pipeline with a name: `nn.Sequential` in PyTorch, whose unlabelled layers are called by their position.",
            "seq ConvAct(width: int, kernel: int = 3) = Conv2d(width, kernel) -> ReLU\n"
            "model Net {\n"
            "    input x: [8, 32, 32]\n"
            "    output x -> stem: ConvAct(16) -> body: ConvAct(32, kernel=5)\n"
            "}",
        ),
        Entry(
            ("let",),
            "A constant, of the file or of a body.",
            "let width = 16\nmodel Net {\n    input x: [8, 32, 32]\n    output x -> conv: Conv2d(width, 3)\n}",
        ),
        Entry(
            ("defaults",),
            "Arguments that a layer takes wherever they are not given; of the file, or of what follows in a body.",
            "defaults Conv2d(bias=false)\n"
            "model Net {\n"
            "    input x: [8, 32, 32]\n"
            "    output x -> conv: Conv2d(16, 3) -> bn: BatchNorm2d\n"
            "}",
        ),
        Entry(("test",), "What is known of a model, held against it by `archdsl check`: see the chapter on tests."),
        Entry(("from", "import"), "Definitions of another file: see the chapter on imports."),
    ),
)
STATEMENTS = Chapter(
    "statements",
    "Statements: the body of a model or block",
    "A statement begins with a word of the language or with the name that it makes. There is no implicit current "
    "tensor.",
    (
        Entry(
            ("input",),
            "A tensor that is fed in, channels first and without the batch. A model needs its shape, a block may "
            "leave it "
            "out. A block with two inputs takes two tensors, in this order.",
            "block Merge {\n"
            "    input skip\n"
            "    input x\n"
            "    output concat(skip, x -> Upsample(scale_factor=2))\n"
            "}\n"
            "model Net {\n"
            "    input x: [8, 32, 32]\n"
            "    half = x -> MaxPool2d(2)\n"
            "    output (x, half) -> merge: Merge\n"
            "}",
        ),
        Entry(
            ("output",),
            "A result, with a name where there are several: `a, b = x -> Block` takes them in order.",
            "block Two {\n"
            "    input x\n"
            "    output up = x -> ReLU\n"
            "    output down = -1 * x -> ReLU\n"
            "}\n"
            "model Net {\n"
            "    input x: [8, 32, 32]\n"
            "    a, b = x -> two: Two\n"
            "    output concat(a, b)\n"
            "}",
        ),
        Entry(
            ("when", "training"),
            "`when training` leaves an output out of evaluation: its layers count in `params` and in nothing else.",
            "output x -> head: Conv2d(2, 1)\noutput aux = x -> aux_head: Conv2d(2, 1) when training",
        ),
        Entry(
            ("=",),
            "Names a tensor, and may name it anew. With `[i]` on the left it numbers tensors, each once; with a "
            "shape it "
            "checks what it gets.",
            "for i in range(2) {\n"
            "    skip[i] = x -> down[i]: Conv2d(8, 3, padding=1)\n"
            "    x = skip[i] -> MaxPool2d(2)\n"
            "}\n"
            "y: [8, 16, 16] = x -> Upsample(scale_factor=2)\n"
            "output concat(skip[1], y)",
        ),
        Entry(
            ("require",),
            "States what must hold, and why. Of a size that is left open it states what inputs are allowed.",
            'input x: [3, H, W]\nrequire H % 2 == 0 and W % 2 == 0, "H and W are halved and doubled again"\n'
            "output concat(x, x -> MaxPool2d(2) -> Upsample(scale_factor=2))",
        ),
        Entry(
            ("share",),
            "One module that is called several times: one set of weights, one path, a row for each call.",
            "share conv = Conv2d(8, 3, padding=1)\noutput x -> conv -> ReLU -> conv",
        ),
        Entry(
            ("if", "else"),
            "Chooses while the network is built. A tensor that is rebound inside is seen behind it.",
            "let deep = true\n"
            "if deep {\n"
            "    x = x -> extra: Conv2d(8, 3)\n"
            "} else {\n"
            "    x = x -> MaxPool2d(2)\n"
            "}\n"
            "output x",
        ),
        Entry(
            ("for", "in"),
            "Repeats while the network is built, over a list; `for (i, n) in ...` takes pairs apart.",
            "for (i, n) in enumerate([16, 32]) {\n    x = x -> conv[i]: Conv2d(n, 3)\n}\noutput x",
        ),
        Entry(("init",), "States how weights are initialised: see the chapter on initialisers."),
    ),
)
STAGES = Chapter(
    "stages",
    "Stages: what stands between arrows",
    "`x -> A -> B` feeds `x` to `A` and what comes out to `B`. `→` is the same arrow.",
    (
        Entry(
            ("->", "→"),
            "A layer without arguments needs no parentheses. Several tensors are fed in parentheses, `(a, b) -> "
            "Merge`.",
            "output x -> conv: Conv2d(16, 3) → ReLU → MaxPool2d(2)",
        ),
        Entry(
            (":",),
            "A label names the module, and so its keys in a checkpoint. `name[i]:` numbers modules, and a text "
            "computes a "
            "label from the expressions in its braces. Words of the language are allowed as labels.",
            'output x -> block: Conv2d(8, 3) -> for i in range(2) { "conv{i + 1}": Conv2d(16, 3) }',
        ),
        Entry(
            ("( )",),
            "A pipeline in parentheses is an `nn.Sequential`; what has no label in it is called by its position.",
            "output x -> stem: (Conv2d(16, 3) -> ReLU -> Conv2d(16, 3))",
        ),
        Entry(
            ("*",),
            "`* n` behind a stage repeats it, each time with weights of its own; `* 0` leaves it out.",
            "output x -> body: (Conv2d(8, 3, padding=1) * 3)",
        ),
        Entry(
            ("for",),
            "As a stage it splices its stages in, once for each element.",
            "output x -> body: (for n in [16, 32, 64] { Conv2d(n, 3) -> ReLU })",
        ),
        Entry(
            ("if",),
            "As a stage it splices in one of two pipelines; without `else`, perhaps none.",
            "let pooled = true\noutput x -> conv: Conv2d(16, 3) -> if pooled { MaxPool2d(2) } -> ReLU",
        ),
    ),
)
EXPRESSIONS = Chapter(
    "expressions",
    "Expressions: numbers, lists and tensors",
    "Numbers are exact and nothing is converted silently. Digits may be grouped, `61_706`, and `K`, `M` and `G` "
    "stand for "
    "thousands, millions and thousand millions: `4.09G`. Texts stand in double quotes. Lists are `[1, 2]`, tuples "
    "`(1, 2)` "
    "are the same, and `list[0]` takes an element.",
    (
        Entry(
            ("+", "*"),
            "Between tensors `+` adds and `*` multiplies element by element; shapes must agree, save that a gate of "
            "[c, 1, 1] may be multiplied in. A number times a tensor scales it.",
            "gate = x -> AdaptiveAvgPool2d(1) -> squeeze: Conv2d(8, 1) -> Sigmoid\noutput x + 0.5 * (x * gate)",
        ),
        Entry(
            ("if", "else"),
            "As an expression `if` needs its `else`.",
            "let stride = if 32 > 16 { 2 } else { 1 }\noutput x -> conv: Conv2d(8, 3, stride=stride, padding=1)",
        ),
        Entry(("and", "or", "not"), "Join conditions; the right side is looked at only where it matters."),
        Entry(("true", "false", "none"), "The two truth values, and what stands for nothing given."),
        Entry(("?",), "Asks for a number, and only in a test."),
    ),
)
TYPES = Chapter(
    "types",
    "Types: what a parameter may be",
    "Parameters of models, blocks and seqs say their type, so that a mistake shows where the value is given.",
    (
        Entry(
            ("block",),
            "A parameter of type `block` takes a block or seq by its name, or a layer with or without arguments.",
            "seq Plain(width: int, act: block = LeakyReLU(0.2)) = Conv2d(width, 3, padding=1) -> act\n"
            "seq Stage(unit: block, width: int, n: int) = unit(width) * n\n"
            "model Net(unit: block = Plain, widths: list[int] = [16, 32]) {\n"
            "    input x: [8, 32, 32]\n"
            '    output x -> for (i, width) in enumerate(widths) { "stage{i}": Stage(unit, width, 2) }\n'
            "}",
        ),
    ),
)
SIZES = Chapter(
    "sizes",
    "Sizes: shapes of inputs, fixed and open",
    "A shape is channels first and has no batch axis: `[3, 224, 224]`, `[3, length]`, `[3, depth, height, width]`.",
    (
        Entry(
            ("[c, h, w]",),
            "In a block, names in a shape are bound to the sizes that it gets; a number or a bound name is checked. "
            "`[c, h, h]` takes square maps only.",
            "block Depthwise {\n"
            "    input x: [c, h, h]\n"
            "    output x -> conv: Conv2d(c, 3, padding=1, groups=c)\n"
            "}\n"
            "model Net {\n"
            "    input x: [8, 32, 32]\n"
            "    output x -> depthwise: Depthwise\n"
            "}",
        ),
        Entry(
            ("[3, H, W]",),
            "In a model, a name leaves a size open. Shapes are then formulas in it, parameters are exact all the "
            "same, and "
            "`--input 3x224x224` or `-D H=224` gives it.",
            "input image: [3, H, W]\noutput image -> conv: Conv2d(8, 3, stride=2, padding=1) -> AdaptiveAvgPool2d(1)",
        ),
        Entry(
            ("[3, H = 224, W = 224]",),
            "A size with a default: taken where none is given.",
            "input image: [3, H = 224, W = 224]\noutput image -> conv: Conv2d(8, 3)",
        ),
    ),
)
BUILTINS = Chapter(
    "builtins",
    "Builtins: functions on numbers, lists and tensors",
    "All of them are evaluated while the network is built.",
    (
        Entry(
            ("concat",),
            "Lays tensors one behind the other along the channels; all that was bound as `y[i]` by `concat(y)`.",
            "for i in range(3) {\n    y[i] = x -> branch[i]: Conv2d(8, 1)\n}\noutput concat(y)",
        ),
        Entry(
            ("crop",),
            "Cuts the centre of a map to the size of another, or off its sides what is said.",
            "y = x -> conv: Conv2d(8, 5)\noutput concat(crop(x, like=y), y, crop(x, left=2, right=2, top=2, bottom=2))",
        ),
        Entry(
            ("split",),
            "Divides the channels, into equal pieces or as listed.",
            "a, b = split(x, 2)\nc, d = split(x, [6, 2])\noutput concat(a * b, c, d)",
        ),
    ),
)
INITIALISERS = Chapter(
    "initialisers",
    "Initialisers: what weights begin as",
    "`init` names a scheme of `torch.nn.init` for the weights of a model or block. The analysis does not depend on "
    "it; "
    "generated code applies it.",
    (
        Entry(
            ("init",),
            "The arguments are those of PyTorch. It is for every convolution and `Linear` of the body, and of the "
            "blocks in it.",
            'init kaiming_normal(mode="fan_out", nonlinearity="relu")\noutput x -> conv: Conv2d(16, 3) -> ReLU',
        ),
        Entry(
            ("init",),
            "With a kind of layer, or a label of the body, it is for those layers alone; of several for one layer the "
            "last counts. A last layer that begins small makes the first loss of n classes ln(n).",
            'init Conv2d: kaiming_normal(mode="fan_out")\n'
            "init head: normal(std=0.01)\n"
            "output x -> conv: Conv2d(16, 3) -> ReLU -> Flatten -> head: Linear(10)",
        ),
    ),
)
TESTS = Chapter(
    "tests",
    "Tests: what is known of a network",
    "`archdsl check` holds every expectation against the analysis. A test gives the model parameters and open sizes.",
    (
        Entry(
            ("test", "expect", "within"),
            "Totals stand alone, layers and blocks are named by their path. `within` allows a published number its "
            "digits.",
            "model Net {\n"
            "    input image: [3, H, W]\n"
            "    output image -> conv: Conv2d(16, 3, padding=1) -> ReLU\n"
            "}\n"
            "test Net(H=32, W=32) {\n"
            "    expect params == 448\n"
            "    expect macs == 0.44M within 1%\n"
            '    expect shape("conv") == [16, 32, 32]\n'
            '    expect params("conv") == 448\n'
            '    expect macs("conv") == 442_368\n'
            '    expect receptive_field("relu") == 3\n'
            "}",
        ),
        Entry(
            ("?",),
            "A question: `check` prints what is asked and grades nothing.",
            "model Net {\n"
            "    input x: [3, 32, 32]\n"
            "    output x -> conv: Conv2d(16, 3)\n"
            "}\n"
            "test Net {\n"
            '    expect params("conv") == ?\n'
            "}",
        ),
    ),
)
NUMBERS = Chapter(
    "numbers",
    "Numbers: what the analysis counts",
    "Libraries differ in what they count under these names; `archdsl why FILE LAYER` shows how each comes about.",
)
NAMES = Chapter(
    "names",
    "Names: from the spec to attributes and checkpoint keys",
    "A path is what PyTorch calls the module, and the key of a weight in `state_dict` begins with it.",
)
NAMED = """\
block Unit(width: int) {
    input x
    output x -> conv: Conv2d(width, 3, padding=1) -> ReLU -> project: (Conv2d(width, 1) -> ReLU)
}
model Net {
    input x: [8, 32, 32]
    x = x -> stem: Conv2d(16, 3)
    for i in range(2) {
        x = x -> down[i]: Unit(16)
    }
    output x -> for i in range(2) { "layer{i + 1}": Unit(32) }
}
"""
"""The program whose keys the chapter on names shows."""
NAME_RULES = (
    ("`conv1: Conv2d(8, 3)`", "`self.conv1`", "`conv1.weight`"),
    ("`body: (Conv2d(8, 3) -> ReLU)`", "`self.body`, an `nn.Sequential`", "`body.0.weight`"),
    ("`stem: Stem`, of a `seq Stem`", "`self.stem`, by position or by label inside", "`stem.0.weight`"),
    ("`unit: Unit(8)`, of a `block Unit`", "`self.unit`, a module of class `Unit`", "`unit.conv.weight`"),
    ("`down[i]: Unit(8)` in a `for`", "`self.down`, an `nn.ModuleList`", "`down.0.conv.weight`"),
    ('`"layer{i + 1}": Unit(8)` in a `for`', "`self.layer1`, `self.layer2`", "`layer1.conv.weight`"),
    ("`share f = Conv2d(8, 3)`", "`self.f`, called several times", "`f.weight`, once"),
    ("`ReLU`, no label, no parameters", "one `self.relu`, or a function", "none"),
    ("`Conv2d(8, 3)`, no label", "`self.conv2d`, with a lint: the key depends on the order", "`conv2d.weight`"),
    ("a branch of `if` that is not taken", "nothing", "none"),
)
LIMITS = Chapter(
    "limits",
    "Limits: how large a spec may be",
    "They lie far above real networks, so that any text gets an answer in seconds.",
)
COMMENTS = Chapter(
    "comments",
    "Comments, documentation and lints",
    "A comment goes from `#` to the end of its line.",
    (
        Entry(
            ("##",),
            "Directly above a definition it documents it, in generated code too.",
            "## Two convolutions. The first keeps the size.\n"
            "model Net {\n"
            "    input x: [8, 32, 32]  # channels first\n"
            "    output x -> a: Conv2d(16, 3, padding=1) -> b: Conv2d(16, 3)\n"
            "}",
        ),
        Entry(
            ("# allow",),
            "Quiets a lint on its line, by the lint's name or code; a reason may follow a colon.",
            "output x -> Conv2d(16, 3)  # allow unlabelled: the key does not matter here",
        ),
    ),
)
IMPORTS = Chapter(
    "imports",
    "Imports: definitions of other files",
    "A file is looked for beside the one that imports it, then among the bundled specs, and nowhere else.",
    (
        Entry(
            ("from", "import"),
            "Takes blocks, seqs, models and constants by name. `from parts.blocks import Unit` reaches into a folder "
            "below, and with a dot in front, `from .resnet import Bottleneck`, only files beside this one are looked "
            "at.",
            "from resnet import Bottleneck\n"
            "model Net {\n"
            "    input x: [64, 32, 32]\n"
            "    output x -> unit: Bottleneck(16)\n"
            "}",
        ),
    ),
)

CHAPTERS = (
    ITEMS, STATEMENTS, STAGES, EXPRESSIONS, TYPES, SIZES, BUILTINS, INITIALISERS, TESTS, NUMBERS, NAMES, LIMITS,
    COMMENTS, IMPORTS,
)  # fmt: skip
"""The reference, in the order in which it is read."""

SIGNS = {
    "or": "true where one side is",
    "and": "true where both sides are",
    "not": "true where what follows is false",
    "==": "equal",
    "!=": "different",
    "<=": "at most; comparisons may be chained, `1 <= n <= 8`",
    ">=": "at least",
    "<": "less",
    ">": "greater",
    "+": "the sum; of lists, one behind the other",
    "-": "the difference",
    "- in front": "the negative",
    "*": "the product",
    "//": "the quotient rounded down, a whole number",
    "/": "the quotient, a float",
    "%": "the rest of `//`",
    "**": "the power; it groups from the right and binds tighter than a `-` in front",
}
"""What each operator of the grammar gives."""

FUNCTIONS = {
    "range": ("range(1, 4)", "whole numbers up to, but not including, the end; from 0 unless a start is given"),
    "enumerate": ("enumerate([16, 32])", "each element with its number, from 0"),
    "zip": ("zip([1, 2], [16, 32])", "elements of several lists side by side, up to the end of the shortest"),
    "reversed": ("reversed([1, 2, 3])", "a list from its end"),
    "len": ("len([16, 32])", "how many elements a list has"),
    "min": ("min(3, 2)", "the least of some numbers or sizes, or of a list"),
    "max": ("max([3, 2])", "the largest of some numbers or sizes, or of a list"),
    "sum": ("sum([1, 2, 3])", "the sum of a list"),
    "cumsum": ("cumsum([1, 2, 3])", "the sums of a list up to each element"),
    "ceil": ("ceil(2.1)", "the number rounded up to a whole one"),
    "floor": ("floor(2.9)", "the number rounded down to a whole one"),
    "round": ("round(2.567, 2)", "the number rounded, to a whole one or to decimals; a half goes to the even side"),
    "round_to": ("round_to(37, 8)", "the nearest multiple, but nine tenths at least, as MobileNet rounds channels"),
}  # fmt: skip
"""An example of each function on numbers and lists, and what it gives."""

KINDS = {
    "int": ("3", "a whole number"),
    "float": ("0.5", "a number; a whole one is taken too"),
    "bool": ("true", "`true` or `false`"),
    "str": ('"same"', "a text"),
    "block": ("Bottleneck", "a block or seq by its name, or a layer such as `LeakyReLU(0.2)`"),
    "list": ("[3, 4, 6, 3]", "a list; `list[int]`, `list[list[int]]` say of what"),
    "tuple": ("(3, 4)", "the same as a list"),
}
"""A value of each type, and what the type takes."""
