"""What small programs mean: the names, keys, shapes and mistakes that LANGUAGE.md promises, a row each."""

from __future__ import annotations

import pytest

from archdsl.elaborate import Elaboration, Library, Request, elaborate
from archdsl.pipeline import check, read
from archdsl.resources import specs
from archdsl.source import Source


def built(text: str, name: str = "M", **sizes: int) -> Elaboration:
    return elaborate(Library().add(Source("m.arch", text)), Request(name, {}, sizes))


def model(body: str, size: str = "[3, 8, 8]", before: str = "") -> str:
    return f"{before}\nmodel M {{\n  input x: {size}\n  {body}\n}}\n"


def layers(made: Elaboration) -> str:
    """Return the layers in order, each as it is called in a table."""
    return " ".join(node.id for node in made.graph.layers)


def keys(made: Elaboration) -> list[str]:
    """Return the keys of the state_dict, buffers left out."""
    graph = made.graph
    return [f"{node.path}.{name}" for node in graph.layers for name in graph.weights(node)]


def errors(made: Elaboration) -> list[str]:
    return [d.code for d in made.diagnostics if d.severity == "error"]


# Names -> PyTorch attributes -> state_dict keys: LANGUAGE.md's table, line by line.
# fmt: off
KEYS = [
    ("a label in a model",      model("output x -> conv1: Conv2d(8, 3, bias=false)"),                       ["conv1.weight"]),
    ("no label, no parameters", model("output x -> ReLU -> MaxPool2d(2) -> Flatten"),                       []),
    ("no label, parameters",    model("output x -> Conv2d(8, 3) -> Conv2d(8, 3)"),
        ["conv2d.weight", "conv2d.bias", "conv2d_2.weight", "conv2d_2.bias"]),
    ("a labelled group",        model("output x -> downsample: (Conv2d(8, 3, bias=false) -> BatchNorm2d)"),
        ["downsample.0.weight", "downsample.1.weight", "downsample.1.bias"]),
    ("labels inside a group",   model("output x -> features: (conv0: Conv2d(8, 3, bias=false) -> norm0: BatchNorm2d)"),
        ["features.conv0.weight", "features.norm0.weight", "features.norm0.bias"]),
    ("layers without parameters count", model("output x -> Flatten -> classifier: (Dropout(0.5) -> Linear(10, bias=false))"),
        ["classifier.1.weight"]),
    ("labelled siblings count too", model("output x -> f: (a: Conv2d(4, 1, bias=false) -> ReLU -> Conv2d(4, 1, bias=false))"),
        ["f.a.weight", "f.2.weight"]),
    ("a block in a seq",        model("output x -> layer1: S(8)", before="block B(c: int) { input x  output x -> conv1: Conv2d(c, 1, bias=false) }\n"
                                      "seq S(c: int) = B(c) -> B(c)"),                                      ["layer1.0.conv1.weight", "layer1.1.conv1.weight"]),
    ("a computed label",        model('output x -> for i in range(2) { "layer{i + 1}": (Conv2d(4, 1, bias=false)) }'),
        ["layer1.0.weight", "layer2.0.weight"]),
    ("an indexed label",        model("for i in range(2) { x = x -> down[i]: (Conv2d(4, 1, bias=false)) }  output x"),
        ["down.0.0.weight", "down.1.0.weight"]),
    ("an indexed label outside loops", model("output x -> convs[0]: Conv2d(4, 1, bias=false) -> convs[1]: Conv2d(4, 1, bias=false)"),
        ["convs.0.weight", "convs.1.weight"]),
    ("a stage `if` that is false", model("output x -> f: (if false { Conv2d(4, 1) } -> Conv2d(4, 1, bias=false))"),  ["f.0.weight"]),
    ("a branch `if` that is false", model("y = if false { x -> d: Conv2d(4, 1) } else { x }  output y -> c: Conv2d(4, 1, bias=false)"),
        ["c.weight"]),
    ("a shared layer",          model("share f = Conv2d(3, 1, bias=false)  output x -> f -> f -> f"),       ["f.weight"]),
    ("a repeated layer",        model("output x -> f: (Conv2d(3, 1, bias=false) * 3)"),                     ["f.0.weight", "f.1.weight", "f.2.weight"]),
    ("a repeated group",        model("output x -> f: ((Conv2d(3, 1, bias=false) -> ReLU) * 2)"),           ["f.0.0.weight", "f.1.0.weight"]),
]
# fmt: on


@pytest.mark.parametrize(("text", "expected"), [k[1:] for k in KEYS], ids=[k[0] for k in KEYS])
def test_keys_are_those_of_pytorch(text, expected):
    made = built(text)

    assert errors(made) == []
    assert keys(made) == expected


def test_published_keys_come_out_right():
    known = {
        ("resnet.arch", "ResNet50"): [
            "layer2.0.downsample.1.running_var",
            "layer3.5.bn2.bias",
            "layer1.0.conv1.weight",
        ],
        ("densenet.arch", "DenseNet121"): ["features.denseblock1.denselayer1.norm1.weight", "classifier.bias"],
        ("googlenet.arch", "GoogLeNet"): ["inception3a.branch2.1.conv.weight", "aux1.fc1.bias"],
        ("efficientnet.arch", "EfficientNetB0"): ["features.2.0.block.2.fc1.weight", "classifier.1.weight"],
    }
    for (file, name), expected in known.items():
        graph = elaborate(read(specs() / file), Request(name, {}, {"H": 224, "W": 224})).graph
        have = {f"{n.path}.{k}" for n in graph.layers for k in (*graph.weights(n), *n.op.buffers(*graph.types(n)))}
        assert set(expected) <= have


# What is built, in order, each layer by its id.
# fmt: off
BUILT = [
    ("bare layers are one module",    model("output x -> ReLU -> ReLU -> Tanh"),                    "relu relu#1 tanh",     [3, 8, 8]),
    ("other arguments, another one",  model("output x -> MaxPool2d(2) -> MaxPool2d(2) -> MaxPool2d(2, stride=1)"), "maxpool maxpool#1 maxpool_2", [3, 1, 1]),
    ("`for` as a stage",              model("output x -> for i in range(3) { \"a{i}\": ReLU }"),    "a0 a1 a2",             [3, 8, 8]),
    ("`for` as a statement",          model("for i in range(2) { x = x -> a[i]: ReLU }  output x"), "a.0 a.1",              [3, 8, 8]),
    ("`if` as a stage, true",         model("output x -> if 1 < 2 { a: ReLU } else { b: Tanh }"),   "a",                    [3, 8, 8]),
    ("`if` as a stage, false",        model("output x -> if 1 > 2 { a: ReLU } else { b: Tanh }"),   "b",                    [3, 8, 8]),
    ("`if` as a stage without else",  model("output x -> if 1 > 2 { a: ReLU } -> b: Tanh"),         "b",                    [3, 8, 8]),
    ("`if` as an expression",         model("let n = if 1 == 1 { 4 } else { 5 }  output x -> c: Conv2d(n, 1)"), "c",        [4, 8, 8]),
    ("`if` as an expression, chained", model("let n = if false { 4 } else if true { 5 } else { 6 }  output x -> c: Conv2d(n, 1)"), "c", [5, 8, 8]),
    ("`if` as a statement",           model("if true { x = x -> a: ReLU } else { x = x -> b: Tanh }  output x"), "a",        [3, 8, 8]),
    ("`else if` as a statement",      model("if false { } else if true { x = x -> b: Tanh }  output x"), "b",               [3, 8, 8]),
    ("a repetition",                  model("output x -> f: (ReLU * 3)"),                           "f.0 f.1 f.2",          [3, 8, 8]),
    ("`* 0` splices nothing",         model("output x -> f: (ReLU * 0 -> Tanh)"),                   "f.0",                  [3, 8, 8]),
    ("`* (n - 1)`",                   model("let n = 3  output x -> f: (ReLU * (n - 1))"),          "f.0 f.1",              [3, 8, 8]),
    ("an empty range",                model("output x -> (for i in range(0) { ReLU }) -> a: Tanh"), "a",                    [3, 8, 8]),
    ("a shared layer, three calls",   model("share f = ReLU  output x -> f -> f -> f"),             "f f#1 f#2",            [3, 8, 8]),
    ("a shared group",                model("share f = (Conv2d(3, 1) -> ReLU)  y = x -> f  output y -> f"), "f.0 f.1 f.0#1 f.1#1", [3, 8, 8]),
    ("a shared block",                model("share f = B  output x -> f -> f", before="block B { input x  output x -> c: Conv2d(3, 1) }"), "f.c f.c#1", [3, 8, 8]),
    ("a tensor is bound again",       model("x = x -> a: ReLU  x = x -> b: ReLU  output x"),        "a b",                  [3, 8, 8]),
    ("an addition",                   model("y = x -> a: ReLU  output x + y"),                      "a add",                [3, 8, 8]),
    ("additions are numbered",        model("y = x -> a: ReLU  output x + y + x"),                  "a add add_2",          [3, 8, 8]),
    ("a product with a gate",         model("g = x -> AdaptiveAvgPool2d(1)  output x * g"),         "avgpool multiply", [3, 8, 8]),
    ("a number times a tensor",       model("output 0.2 * x"),                                      "scale",                [3, 8, 8]),
    ("a pipe that is scaled",         model("output 0.2 * (x -> c: Conv2d(8, 3))"),                 "c scale",              [8, 6, 6]),
    ("concat",                        model("y = x -> c: Conv2d(5, 1)  output concat(x, y)"),       "c concat",             [8, 8, 8]),
    ("concat of one",                 model("output concat(x) -> a: ReLU"),                         "a",                    [3, 8, 8]),
    ("concat of all that is indexed", model("for i in range(3) { y[i] = x -> c[i]: Conv2d(2**i, 1) }  output concat(y)"), "c.0 c.1 c.2 concat", [7, 8, 8]),
    ("concat of a tuple",             model("y = (x, x)  output concat(y)"),                        "concat",               [6, 8, 8]),
    ("split in equal pieces",         model("a, b = split(x, 2)  output b -> r: ReLU", "[6, 8, 8]"), "chunk chunk_2 r",     [3, 8, 8]),
    ("split by channels",             model("a, b = split(x, [2, 4])  output b", "[6, 8, 8]"),      "chunk chunk_2",        [4, 8, 8]),
    ("crop like another",             model("y = x -> c: Conv2d(3, 3)  output concat(crop(x, like=y), y)"), "c crop concat", [6, 6, 6]),
    ("crop by sides",                 model("output crop(x, left=1, right=2, top=3, bottom=0)"),    "crop",                 [3, 5, 5]),
    ("crop in one dimension",         model("output crop(x, start=1, end=2)", "[3, 8]"),            "crop",                 [3, 5]),
    ("several tensors into a block",  model("output (x, x) -> up: Up(4)", before="block Up(c: int) { input a  input b  output concat(a, b) -> c: Conv2d(c, 1) }"),
                                                                                                    "up.concat up.c",       [4, 8, 8]),
    ("several outputs of a block",    model("a, b = x -> t: Two  output a + b", before="block Two { input x  output p = x -> r: ReLU  output q = x }"),
                                                                                                    "t.r add",              [3, 8, 8]),
    ("several outputs into a block",  model("output x -> t: Two -> j: Join", before="block Two { input x  output p = x  output q = x -> r: ReLU }\n"
                                            "block Join { input a  input b  output a + b }"),       "t.r j.add",            [3, 8, 8]),
    ("a block as a parameter",        model("output x -> s: S(R)", before="seq R = ReLU\nseq S(unit: block) = unit -> unit"), "s.0.0 s.1.0", [3, 8, 8]),
    ("a layer as a parameter",        model("output x -> s: S(ReLU)", before="seq S(unit: block) = unit -> unit"), "s.0 s.1", [3, 8, 8]),
    ("a layer that gets arguments",   model("output x -> s: S(Conv2d)", before="seq S(unit: block) = unit(4, 3) -> unit(8, 3)"), "s.0 s.1", [8, 4, 4]),
    ("a layer with its arguments",    model("output x -> s: S(MaxPool2d(2))", before="seq S(unit: block) = unit -> unit"), "s.0 s.1", [3, 2, 2]),
    ("a default layer",               model("output x -> s: S", before="seq S(unit: block = AvgPool2d(4)) = unit"), "s.0", [3, 2, 2]),
    ("a layer of the file's defaults", model("output x -> s: S(Conv2d)", before="defaults Conv2d(stride=2)\nseq S(unit: block) = unit(4, 2)"), "s.0", [4, 4, 4]),
    ("a layer passed on",             model("output x -> t: T(ReLU)", before="seq S(a: block) = a\nseq T(a: block) = S(a) -> S(a)"), "t.0.0 t.1.0", [3, 8, 8]),
    ("two layers for one parameter",  model("output x -> a: S(ReLU) -> b: S(AvgPool2d(2))", before="seq S(a: block) = a"), "a.0 b.0", [3, 4, 4]),
    ("a default block",               model("output x -> s: S", before="seq R = Tanh\nseq S(unit: block = R) = unit"), "s.0.0", [3, 8, 8]),
    ("a pattern names sizes",         model("y: [c, h, w] = x -> d: Conv2d(5, 3)  output y -> e: Conv2d(c + h + w, 1)"), "d e", [17, 6, 6]),
    ("a block asks about its input",  model("output x -> b: B(3)", before="block B(n: int) { input x: [c, h, w]  output if c != n { x -> p: Conv2d(n, 1) } else { x -> r: ReLU } }"),
                                                                                                    "b.r",                  [3, 8, 8]),
    ("a text over many lines",        model("output x\n    -> a: ReLU # one\n\n    -> b: ReLU"),     "a b",                  [3, 8, 8]),
    ("an arrow of a textbook",        model("output x → a: ReLU → b: Tanh"),                        "a b",                  [3, 8, 8]),
    ("per axis",                      model("output x -> c: Conv2d(4, (1, 7), padding=(0, 3))"),    "c",                    [4, 8, 8]),
]
# fmt: on


@pytest.mark.parametrize(("text", "expected", "shape"), [b[1:] for b in BUILT], ids=[b[0] for b in BUILT])
def test_a_program_builds_these_layers(text, expected, shape):
    made = built(text)

    assert errors(made) == []
    assert layers(made) == expected
    assert [list(node.output.shape) for node in made.graph.outputs.values()] == [shape]


# Values: the channels of a convolution.
# fmt: off
VALUES = [
    ("2 + 3 * 4", 14), ("(2 + 3) * 4", 20), ("7 // 2", 3), ("7 % 4", 3), ("2**3**2", 512), ("-2 + 5", 3), ("2 * -3 + 7", 1),
    ("ceil(2.1)", 3), ("floor(2.9)", 2), ("round(2.6)", 3), ("round(2.5)", 2), ("ceil(7 / 2)", 4), ("floor(-0.5) + 5", 4),
    ("round_to(32 * 1.1, 8)", 32), ("round_to(37)", 40), ("round_to(3, 8)", 8), ("round_to(11, 8)", 16),
    ("len([1, 2, 3])", 3), ("len(range(2, 9, 3))", 3), ("sum([1, 2, 3])", 6), ("sum(range(5))", 10),
    ("max(3, 7)", 7), ("min([4, 2, 8])", 2), ("max([1, 9])", 9), ("cumsum([1, 2, 3])[2]", 6), ("[4, 5, 6][-1]", 6),
    ("range(10)[3]", 3), ("reversed([1, 2, 3])[0]", 3), ("reversed(range(4))[0]", 3), ("enumerate([7, 8])[1][0]", 1),
    ("zip([1, 2], [3, 4])[1][1]", 4), ("([1] + [2, 3])[2]", 3), ("if 2 > 1 { 5 } else { 6 }", 5),
    ("if not false and (1 > 2 or 1 == 1) { 5 } else { 6 }", 5), ("if 1 < 2 < 3 { 5 } else { 6 }", 5),
    ("if [1, 2] == [1, 2] { 5 } else { 6 }", 5), ("if 1 != 1 { 5 } else { 6 }", 6), ("61_7", 617), ("2K", 2000),
]
# fmt: on


@pytest.mark.parametrize(("text", "value"), VALUES, ids=[v[0] for v in VALUES])
def test_an_expression_has_this_value(text, value):
    made = built(model(f"let n = {text}\n  output x -> c: Conv2d(n, 1)"))

    assert errors(made) == []
    assert made.graph.layers[0].output.shape == (value, 8, 8)


# fmt: off
DEFAULTS = [
    ("of the file",             model("output x -> c: Conv2d(8, 3)", before="defaults Conv2d(bias=false)"),                         216),
    ("of the body",             model("defaults Conv2d(bias=false)\n  output x -> c: Conv2d(8, 3)"),                                216),
    ("an argument wins",        model("output x -> c: Conv2d(8, 3, bias=true)", before="defaults Conv2d(bias=false)"),              224),
    ("the body wins",           model("defaults Conv2d(bias=true)\n  output x -> c: Conv2d(8, 3)", before="defaults Conv2d(bias=false)"), 224),
    ("another layer",           model("output x -> c: Conv2d(8, 3)", before="defaults Linear(bias=false)"),                         224),
    ("not in a block's body",   model("defaults Conv2d(bias=false)\n  output x -> b: B", before="block B { input x  output x -> c: Conv2d(8, 3) }"), 224),
    ("of the file, in a block", model("output x -> b: B", before="defaults Conv2d(bias=false)\nblock B { input x  output x -> c: Conv2d(8, 3) }"), 216),
    ("several arguments",       model("output x -> c: Conv2d(8)", before="defaults Conv2d(kernel_size=1, bias=false)"),             24),
]
# fmt: on


@pytest.mark.parametrize(("text", "params"), [d[1:] for d in DEFAULTS], ids=[d[0] for d in DEFAULTS])
def test_defaults_hold_where_they_stand(text, params):
    """Conv2d(8, 3) on 3 channels has 8 · 3 · 9 = 216 weights and 8 biases."""
    made = built(text)
    shapes = [shape for node in made.graph.layers for shape in made.graph.weights(node).values()]

    assert errors(made) == []
    assert sum(_product(shape) for shape in shapes) == params


def _product(shape: tuple[int, ...]) -> int:
    total = 1
    for size in shape:
        total *= size
    return total


# fmt: off
MISTAKES = [
    ("a share that needs other weights",   model("share f = Conv2d(8, 3)  y = x -> f  output y -> f"),      ["E0311"]),
    ("a pattern of another rank",          model("y: [c, h] = x -> ReLU  output y"),                        ["E0306"]),
    ("a pattern of another size",          model("y: [4, h, w] = x -> ReLU  output y"),                     ["E0306"]),
    ("a pattern that wants a square",      model("y: [c, h, h] = x -> ReLU  output y", "[3, 8, 9]"),        ["E0306"]),
    ("a parameter bound again",            "model M(n: int = 1) {\n input x: [3, 8, 8]\n n = x -> ReLU\n output x\n}", ["E0209"]),
    ("a let bound again",                  model("let n = 1  let n = 2  output x -> ReLU"),                 ["E0209"]),
    ("an index written twice",             model("y[0] = x -> ReLU  y[0] = x -> ReLU  output y[0]"),        ["E0209"]),
    ("an index that was not written",      model("y[0] = x -> ReLU  output y[1]"),                          ["E0207"]),
    ("a tensor times a fraction after an arrow", model("output x -> c: Conv2d(8, 3) * 0.2"),                ["E0213"]),
    ("recursion",                          model("output x -> a: A", before="seq A = B\nseq B = A"),        ["E0206"]),
    ("a repeated block that fails",     model("output x -> b: B * 3", before="block B { input x  output x -> c: Conv2d(4, 99) }"), ["E0303"]),
    ("repeated a broken number of times", model("output x -> ReLU * n", before="let n = nothing"), ["E0207"]),
    ("arguments for a layer that has them", model("output x -> s: S(MaxPool2d(2))", before="seq S(unit: block) = unit(3)"), ["E0202"]),
    ("a layer where a number is wanted", model("output x -> s: S(ReLU)", before="seq S(n: int) = ReLU * n"), ["E0403"]),
    ("a block with itself as a parameter", model("output x -> a: A(A)", before="seq A(u: block) = u(u)"),   ["E0206"]),
    ("two outputs for one name",           model("y = x -> t: Two -> ReLU  output y", before="block Two { input x  output p = x  output q = x }"), ["E0404"]),
    ("three names for two outputs",        model("a, b, c = x -> t: Two  output a", before="block Two { input x  output p = x  output q = x }"), ["E0404"]),
    ("one tensor for two inputs",          model("output x -> j: J", before="block J { input a  input b  output a + b }"), ["E0404"]),
    ("pieces that do not add up",          model("a, b = split(x, [1, 1])  output a"),                      ["E0309"]),
    ("three channels in two pieces",       model("a, b = split(x, 2)  output a"),                           ["E0309"]),
    ("an argument of another type",        model("output x -> s: S(1.5)", before="seq S(n: int) = c: Conv2d(n, 1)"), ["E0208"]),
    ("a missing argument",                 model("output x -> s: S", before="seq S(n: int) = c: Conv2d(n, 1)"), ["E0202"]),
    ("an argument too many",               model("output x -> s: S(1, 2)", before="seq S(n: int) = c: Conv2d(n, 1)"), ["E0202"]),
    ("an argument given twice",            model("output x -> s: S(1, n=2)", before="seq S(n: int) = c: Conv2d(n, 1)"), ["E0202"]),
    ("an argument by position after one by name", model("output x -> c: Conv2d(kernel_size=3, 8)"),         ["E0202"]),
    ("a condition that is a number",       model("output x -> if 1 { ReLU }"),                              ["E0213"]),
    ("true plus one",                      model("let n = true + 1  output x -> ReLU"),                     ["E0213"]),
    ("division by zero",                   model("let n = 1 // 0  output x -> ReLU"),                       ["E0213"]),
    ("a list index beyond the end",        model("let n = [1][1]  output x -> ReLU"),                       ["E0213"]),
    ("a loop over a number",               model("output x -> for i in 3 { ReLU }"),                        ["E0213"]),
    ("three names for pairs",              model("output x -> for (a, b, c) in enumerate([1]) { ReLU }"),   ["E0213"]),
    ("a question outside a test",          model("let n = ?  output x -> ReLU"),                            ["E0702"]),
    ("`params` outside a test",            model('let n = params("a")  output x -> ReLU'),                  ["E0213"]),
    ("an input inside `if`",               model("if true { input y: [3, 8, 8] }  output x -> ReLU"),       ["E0402"]),
    ("channels left open",                 "model M {\n input x: [C, 8, 8]\n output x -> c: Conv2d(8, 3)\n}", ["E0310"]),
    ("a label that is reserved",           model("output x -> forward: ReLU"),                              ["E0205"]),
    ("a label that Python keeps",          model("output x -> lambda: ReLU"),                               ["E0205"]),
    ("a label twice",                      model("output x -> a: ReLU -> a: Tanh"),                         ["E0204"]),
    ("an index of a label twice",          model("output x -> a[0]: ReLU -> a[0]: Tanh"),                   ["E0204"]),
    ("a `let` of a loop, after it",        model("for i in range(2) { let n = 1 }  output x -> c: Conv2d(n, 1)"), ["E0207"]),
    ("a label in a loop",                  model("output x -> for i in range(2) { a: ReLU }"),              ["E0204"]),
    ("a layer without an arrow",           model("y = ReLU(x)  output y"),                                  ["E0403"]),
    ("an unknown initialisation",          model("init kaiming  output x -> ReLU"),                         ["E0214"]),
    ("an initialisation of no layer",      model("init haed: ones  output x -> head: Conv2d(4, 1)"),        ["E0214"]),
    ("an initialisation of a ReLU",        model("init act: ones  output x -> act: ReLU"),                  ["E0214"]),
    ("an initialisation of all ReLUs",     model("init ReLU: ones  output x -> act: ReLU"),                 ["E0214"]),
    ("an initialisation of a label in a branch that is not taken", model("init head: ones  if false { x = x -> head: Conv2d(4, 1) }  output x"), []),
    ("an initialisation of a group",       model("init head: ones  output x -> head: (ReLU -> Conv2d(4, 1))"), []),
    ("every statement has its own",        model("a = x -> Foo\n  b = x -> Bar\n  output a + b"),           ["E0201", "E0201"]),
    ("what follows from a mistake is silent", model("a = x -> Foo\n  b = a -> c: Conv2d(8, 3)\n  output a + b"), ["E0201"]),
]
# fmt: on


@pytest.mark.parametrize(("text", "expected"), [m[1:] for m in MISTAKES], ids=[m[0] for m in MISTAKES])
def test_a_mistake_has_its_code(text, expected):
    assert errors(built(text)) == expected


# Several models, inputs, outputs.


def test_aliases_of_aliases_fill_in_parameters_from_the_inside_out():
    text = (
        "model Base(n: int = 1, k: int = 1) {\n  input x: [3, 8, 8]\n  output x -> c: Conv2d(n, k)\n}\n"
        "model Wide = Base(n=16)\nmodel WideThree = Wide(k=3)\nmodel Narrow = WideThree(n=2)\n"
    )
    shapes = {n: built(text, n).graph.layers[0].output.shape for n in ("Base", "Wide", "WideThree", "Narrow")}

    assert shapes == {"Base": (1, 8, 8), "Wide": (16, 8, 8), "WideThree": (16, 6, 6), "Narrow": (2, 6, 6)}


def test_several_inputs_share_symbols_and_several_outputs_have_names():
    text = "model M {\n  input a: [3, H, W]\n  input b: [5, H, W]\n  output p = concat(a, b)\n  output q = a -> r: ReLU\n}\n"
    made = built(text)
    fixed = built(text, H=6, W=7)

    assert list(made.symbols) == ["H", "W"]
    assert {name: str(node.output) for name, node in made.graph.outputs.items()} == {"p": "[8, H, W]", "q": "[3, H, W]"}
    assert [node.output.shape for node in fixed.graph.outputs.values()] == [(8, 6, 7), (3, 6, 7)]


def test_outputs_of_training_are_told_apart_with_what_only_they_need():
    made = built(model("y = x -> a: ReLU\n  output main = y\n  output aux = y -> head: Conv2d(2, 1) when training"))
    only = [made.graph.nodes[i].path for i in made.graph.training_only]

    assert made.graph.training_outputs == {"aux"}
    assert only == ["head"]


def test_initialisations_belong_to_the_module_that_states_them():
    text = model(
        'init kaiming_normal(mode="fan_out")\n  output x -> b: B',
        before="block B { input x  init xavier_uniform  output x -> c: Conv2d(4, 1) }",
    )
    root = built(text).graph.root
    (block,) = [child for child in root.children if hasattr(child, "inits")]

    assert [i.scheme for i in root.inits] == ["kaiming_normal"]
    assert [i.scheme for i in block.inits] == ["xavier_uniform"]


def test_a_size_with_a_default_is_taken_until_another_is_given():
    text = "model M {\n  input x: [3, H = 8, W = 8]\n  output x -> MaxPool2d(2)\n}\n"

    assert built(text).graph.layers[0].output.shape == (3, 4, 4)
    assert built(text, H=20).graph.layers[0].output.shape == (3, 10, 4)


# Symbolic sizes: U-Net, LANGUAGE.md's numbers.


def test_unet_of_depth_four_wants_multiples_of_sixteen_and_nothing_else():
    text = _unet("concat(skip[i], up)", 1)
    made = built(text)
    fits = [h for h in range(1, 100) if made.symbols["H"].domain.requirement.holds(h)]

    assert errors(made) == []
    assert fits == [16, 32, 48, 64, 80, 96]


def test_the_published_unet_makes_388_of_572():
    text = _unet("concat(crop(skip[i], like=up), up)", 0)
    made = built(text, H=572, W=572)

    assert [node.output.shape for node in made.graph.outputs.values()] == [(2, 388, 388)]


def _unet(joined: str, padding: int) -> str:
    return f"""
seq DoubleConv(c: int) = Conv2d(c, 3, padding={padding}) -> ReLU -> Conv2d(c, 3, padding={padding}) -> ReLU
model M {{
    input x: [1, H, W]
    for i in range(4) {{
        skip[i] = x -> down[i]: DoubleConv(4 * 2**i)
        x = skip[i] -> MaxPool2d(2)
    }}
    x = x -> bottom: DoubleConv(64)
    for i in reversed(range(4)) {{
        up = x -> up[i]: ConvTranspose2d(4 * 2**i, 2, stride=2)
        x = {joined} -> merge[i]: DoubleConv(4 * 2**i)
    }}
    output x -> head: Conv2d(2, 1)
}}
"""


# Imports.


@pytest.fixture
def folder(tmp_path):
    """Return what writes files and gives what `check` finds in the first of them."""

    def write(**files: str) -> list[tuple[str, str]]:
        for name, text in files.items():
            path = tmp_path / "home" / f"{name.replace('__', '/')}.arch"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        found = check(read(tmp_path / "home" / "main.arch")).diagnostics
        return [(d.code, d.span.text) for d in found if d.severity == "error"]

    return write


USE = model("output x -> b: B")


def test_an_import_is_found_beside_the_file(folder):
    assert folder(main="from other import B\n" + USE, other="seq B = ReLU\n") == []


def test_an_import_is_found_in_a_folder_below(folder):
    assert (
        folder(main="from sub.other import B\n" + USE, sub__other="from more import B\n", sub__more="seq B = ReLU\n")
        == []
    )


def test_an_import_of_one_dot_is_beside_the_file_only(folder):
    assert folder(main="from .resnet import Bottleneck\n" + model("output x -> ReLU")) == [
        ("E0603", "from .resnet import Bottleneck")
    ]


def test_an_import_is_found_among_the_bundled_specs(folder):
    assert folder(main="from resnet import Bottleneck\n" + model("output x -> b: Bottleneck(4)")) == []


def test_a_file_beside_goes_before_a_bundled_spec(folder):
    assert folder(main="from resnet import B\n" + USE, resnet="seq B = ReLU\n") == []


def test_an_imported_block_keeps_the_defaults_of_its_file(folder):
    """3 · 8 · 9 = 216 weights without biases there; 8 · 3 · 9 = 216 weights and 3 biases here."""
    other = "defaults Conv2d(bias=false)\nblock B { input x  output x -> c: Conv2d(8, 3) }\n"
    main = "from other import B\n" + model("output x -> b: B -> d: Conv2d(3, 3)")

    assert folder(main=main + "test M { expect params == 216 + 219 }\n", other=other) == []


def test_an_import_that_climbs_out_is_refused(folder):
    assert folder(main="from ..secret import B\n" + USE) == [("E0604", "from ..secret import B")]


def test_a_link_that_leads_out_is_not_followed(folder, tmp_path):
    (tmp_path / "secret.arch").write_text("seq B = ReLU\n", encoding="utf-8")
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "other.arch").symlink_to(tmp_path / "secret.arch")

    assert folder(main="from other import B\n" + USE) == [("E0603", "from other import B")]


def test_a_name_that_a_file_does_not_define_is_named(folder):
    assert folder(main="from other import C\n" + model("output x -> ReLU"), other="seq B = ReLU\n") == [("E0603", "C")]


def test_a_file_that_imports_itself_is_a_loop(folder):
    assert folder(main="from main import B\nseq B = ReLU\n" + USE) == [("E0605", "from main import B")]


def test_a_mistake_in_an_imported_file_is_told_there(folder):
    assert folder(main="from other import B\n" + USE, other="seq B = ReLU -> -> Tanh\n") == [("E0101", "->")]
