"""The values of small nets are those of PyTorch in double precision, exact where fractions are, and bounded."""

from __future__ import annotations

import random
import time
from fractions import Fraction
from math import prod

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archdsl.diagnostics import Diagnostic
from archdsl.exam.asks import AskError, Listed
from archdsl.exam.data import MOST_NUMBERS, Tensor
from archdsl.exam.grades import Status
from archdsl.exam.grading import Judge
from archdsl.exam.kernels import kernel
from archdsl.exam.posed import Posed, Wanted
from archdsl.exam.reading import read_text
from archdsl.exam.texts import SheetError
from archdsl.exam.values import DataError, values
from archdsl.graph import Graph
from archdsl.ops import OPS
from oracles.networks import bundled, chain, last, written
from oracles.twin import real

torch = pytest.importorskip("torch")


def sizes(graph: Graph) -> dict[str, tuple[int, ...]]:
    """Return every tensor that a network is given, with its shape."""
    found = {name: node.output.known for name, node in graph.inputs.items()}
    for node in graph.layers:
        if not node.call:
            types = graph.types(node)
            for name, shape in {**node.op.weights(*types), **node.op.buffers(*types)}.items():
                if shape:
                    found[f"{node.path}.{name}"] = shape
    return found


def filled(graph: Graph, seed: int) -> dict[str, Tensor]:
    """Return small whole numbers for every tensor; variances are positive."""
    draw = random.Random(seed)
    least = {True: 1, False: -4}
    return {
        name: Tensor(shape, tuple(draw.randint(least[name.endswith("running_var")], 4) for _ in range(prod(shape))))
        for name, shape in sizes(graph).items()
    }


def by_torch(graph: Graph, data: dict[str, Tensor]) -> list[float]:
    """Return what PyTorch computes in double precision."""
    twin = real(graph).double()
    given = {k: torch.tensor(list(map(float, t.numbers))).double().reshape(t.shape) for k, t in data.items()}
    twin.load_state_dict({k: v for k, v in given.items() if k not in graph.inputs}, strict=False)
    with torch.no_grad():
        found = twin(*[given[name][None] for name in graph.inputs])
    return (found[0] if isinstance(found, tuple) else found).flatten().tolist()


def ours(graph: Graph, data: dict[str, Tensor]) -> list[float]:
    (node,) = graph.outputs.values()
    return [float(n) for n in values(graph, node, data).numbers]


# fmt: off
CHAINS = [
    ("Conv1d(3, 2)",                                                      (2, 5)),
    ("Conv2d(2, 3, padding=1)",                                           (3, 4, 5)),
    ("Conv2d(4, (2, 3), stride=(2, 1), padding=(0, 2), groups=2)",        (2, 5, 4)),
    ("Conv2d(2, 3, padding=2, dilation=2, bias=false)",                   (2, 5, 6)),
    ('Conv2d(2, 2, padding="same")',                                      (1, 4, 4)),
    ('Conv2d(1, 3, padding=1, padding_mode="reflect")',                   (2, 4, 4)),
    ('Conv2d(1, 3, padding=2, padding_mode="replicate")',                 (1, 4, 3)),
    ('Conv2d(1, 3, padding=2, padding_mode="circular", dilation=2)',      (1, 4, 4)),
    ("Conv3d(2, 2)",                                                      (1, 3, 3, 3)),
    ("ConvTranspose1d(1, 4, stride=2, bias=false)",                       (1, 5)),
    ("ConvTranspose2d(2, 3, stride=2, padding=1, output_padding=1)",      (3, 3, 2)),
    ("ConvTranspose2d(4, 3, stride=3, dilation=2, groups=2)",             (2, 3, 3)),
    ("ConvTranspose2d(2, (2, 3), stride=(1, 2), padding=(1, 0))",         (2, 3, 3)),
    ("ConvTranspose2d(2, 1, stride=3, output_padding=2)",                 (1, 2, 2)),
    ("ConvTranspose3d(1, 2, stride=2)",                                   (2, 2, 2, 2)),
    ("MaxPool2d(2)",                                                      (2, 5, 4)),
    ("MaxPool2d(3, stride=2, padding=1)",                                 (2, 5, 6)),
    ("MaxPool2d(3, stride=2, padding=1, ceil_mode=true)",                 (1, 6, 6)),
    ("MaxPool1d(2, stride=1, dilation=2)",                                (1, 6)),
    ("AvgPool2d(2)",                                                      (2, 4, 5)),
    ("AvgPool2d(3, stride=2, padding=1)",                                 (1, 5, 5)),
    ("AvgPool2d(3, stride=2, padding=1, count_include_pad=false)",        (1, 5, 6)),
    ("AvgPool2d(3, stride=2, padding=1, ceil_mode=true)",                 (1, 6, 6)),
    ("AvgPool2d((2, 3), stride=2, padding=1, ceil_mode=true, count_include_pad=false)", (1, 4, 6)),
    ("AvgPool2d(2, divisor_override=3)",                                  (1, 4, 4)),
    ("AvgPool1d(3, stride=1, padding=1)",                                 (2, 5)),
    ("AdaptiveAvgPool2d(1)",                                              (3, 4, 5)),
    ("AdaptiveAvgPool2d((3, 2))",                                         (2, 5, 4)),
    ("AdaptiveMaxPool2d((2, 3))",                                         (2, 5, 7)),
    ("AdaptiveMaxPool2d(1)",                                              (2, 3, 3)),
    ("AdaptiveAvgPool1d(5)",                                              (1, 3)),
    ("Upsample(scale_factor=2)",                                          (2, 2, 3)),
    ("Upsample(size=(5, 4))",                                             (1, 3, 3)),
    ('Upsample(size=(5, 7), mode="nearest-exact")',                       (1, 3, 3)),
    ('Upsample(scale_factor=2, mode="bilinear")',                         (2, 3, 3)),
    ('Upsample(scale_factor=2, mode="bilinear", align_corners=true)',     (1, 3, 3)),
    ('Upsample(scale_factor=1.5, mode="bilinear")',                       (1, 3, 5)),
    ('Upsample(size=(3, 4), mode="bilinear")',                            (1, 7, 6)),
    ('Upsample(size=(1, 4), mode="bilinear", align_corners=true)',        (1, 3, 3)),
    ('Upsample(scale_factor=3, mode="linear")',                           (2, 4)),
    ('Upsample(scale_factor=2, mode="trilinear")',                        (1, 2, 2, 2)),
    ('Upsample(scale_factor=2, mode="area")',                             (1, 3, 3)),
    ("ZeroPad2d((1, 2, 0, 3))",                                           (2, 2, 3)),
    ("ZeroPad2d((-1, 1, 0, -1))",                                         (1, 3, 3)),
    ("ReflectionPad2d(1)",                                                (1, 3, 3)),
    ("ReplicationPad1d((2, 1))",                                          (2, 3)),
    ("BatchNorm2d",                                                       (3, 2, 2)),
    ("BatchNorm1d(affine=false)",                                         (4,)),
    ("Linear(3)",                                                         (5,)),
    ("Linear(2, bias=false) -> ReLU -> Linear(2)",                        (3,)),
    ("LeakyReLU(0.1)",                                                    (2, 2, 2)),
    ("ReLU6",                                                             (2, 3)),
    ("Conv2d(2, 3, padding=1) -> BatchNorm2d -> ReLU -> MaxPool2d(2) -> Flatten -> Dropout -> Linear(3)", (1, 4, 4)),
]
# fmt: on


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")
@pytest.mark.parametrize(("text", "shape"), CHAINS, ids=[text for text, _ in CHAINS])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_values_are_those_of_pytorch(text, shape, seed):
    graph = chain(text, *shape)
    data = filled(graph, seed)

    assert ours(graph, data) == pytest.approx(by_torch(graph, data), rel=1e-12, abs=1e-12)


JOINED = {
    "sum": "input x: [2, 3, 3]\n output y = (x -> Conv2d(2, 3, padding=1)) + x",
    "concatenation": "input x: [2, 3, 3]\n output y = concat(x -> Conv2d(1, 1), x, x -> MaxPool2d(1))",
    "gate": "input x: [2, 3, 3]\n output y = x * (x -> AdaptiveAvgPool2d(1))",
    "product": "input x: [2, 3, 3]\n output y = x * x * (x -> Conv2d(2, 1))",
    "scale": "input x: [2, 3]\n output y = 0.3 * x",
    "two inputs": "input a: [1, 2, 2]\n input b: [2, 2, 2]\n output y = concat(a, b) -> Conv2d(1, 2)",
    "crop": "input x: [1, 4, 5]\n output y = crop(x, left=1, right=1, top=0, bottom=2)",
    "split": "input x: [4, 2, 2]\n p = split(x, 2)\n output y = p[1] + (p[0] -> ReLU)",
    "shared": "input x: [2, 3, 3]\n share c = Conv2d(2, 3, padding=1)\n output y = x -> c -> ReLU -> c",
}


@pytest.mark.parametrize("name", JOINED)
def test_the_values_of_branches_are_those_of_pytorch(name):
    graph = written(f"model Net {{\n {JOINED[name]}\n}}")
    data = filled(graph, 7)

    assert ours(graph, data) == pytest.approx(by_torch(graph, data), rel=1e-12, abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 5), st.integers(1, 4), st.integers(1, 3), st.integers(0, 2), st.integers(1, 2), st.integers(0, 9))
def test_transposed_convolutions_of_all_arguments_agree_with_pytorch(n, k, s, p, d, seed):
    reach = d * (k - 1) + 1
    if (n - 1) * s - 2 * p + reach < 1:
        return
    graph = chain(f"ConvTranspose2d(2, {k}, stride={s}, padding={p}, dilation={d}, groups=2)", 2, n, n)
    data = filled(graph, seed)

    assert ours(graph, data) == by_torch(graph, data)  # whole numbers are exact in both


def tensor(*rows: object) -> Tensor:
    """Return rows of fractions as a tensor."""
    found: list[Fraction] = []
    shape, level = [], rows
    while isinstance(level, tuple | list):
        shape.append(len(level))
        level = level[0]
    pending = list(rows)
    while pending:
        one = pending.pop(0)
        if isinstance(one, tuple | list):
            pending = [*one, *pending]
        else:
            found.append(Fraction(one))
    return Tensor.of(tuple(shape), found)


# Counted by hand, or printed where named.
BY_HAND = [
    # NPTEL Deep Learning, assignment 11: five numbers, four taps, stride 2.
    ("ConvTranspose1d(1, 4, stride=2, bias=false)", (1, 5), tensor(5, 4, 3, 2, 1), tensor(1, 2, 3, 4),
     [5, 10, 19, 28, 15, 22, 11, 16, 7, 10, 3, 4]),
    # Zhang et al., Dive into Deep Learning, section 14.10: [[0, 1], [2, 3]] with itself.
    ("ConvTranspose2d(1, 2, bias=false)", (1, 2, 2), tensor([0, 1], [2, 3]), tensor([0, 1], [2, 3]),
     [0, 0, 1, 0, 4, 6, 4, 12, 9]),
    ("ConvTranspose2d(1, 2, stride=2, bias=false)", (1, 2, 2), tensor([0, 1], [2, 3]), tensor([0, 1], [2, 3]),
     [0, 0, 0, 1, 0, 0, 2, 3, 0, 2, 0, 3, 4, 6, 6, 9]),
    ("Conv1d(1, 2, bias=false)", (1, 3), tensor(1, 2, 4), tensor("1/3", "-1/2"), ["-2/3", "-4/3"]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "shape", "x", "weight", "expected"), BY_HAND)
def test_the_values_are_exact_fractions(text, shape, x, weight, expected):
    graph = chain(f"(up: {text})", *shape)
    (node,) = graph.outputs.values()

    assert values(graph, node, {"x": x, f"{node.path}.weight": weight}).numbers == tuple(map(Fraction, expected))


def test_brackets_around_one_element_may_be_left_out():
    graph = chain("(c: Conv2d(1, 2))", 1, 2, 2)
    (node,) = graph.outputs.values()
    data = {"x": tensor([1, 2], [3, 4]), "c.weight": tensor([1, 0], [0, 1]), "c.bias": Tensor((), (10,))}

    assert values(graph, node, {k.replace("c.", f"{node.path}."): v for k, v in data.items()}).numbers == (15,)


# Bounds.


def test_a_large_net_is_refused_at_once():
    graph = bundled("ResNet50")
    started = time.process_time()
    with pytest.raises(ValueError, match="150,528 numbers, and 4,096 are the most"):
        values(graph, next(iter(graph.outputs.values())), {})

    assert time.process_time() - started < 0.5


HEAVY = [
    ("MaxPool2d(63, stride=1, padding=31)", (1, 64, 64), "262,144 products"),
    ("Conv1d(1, 2048, padding=1500)", (1, 2000), "262,144 products"),
    (" -> ".join(["AvgPool2d(7, stride=1, padding=3)"] * 30), (1, 32, 32), "262,144 products"),
    ("Upsample(scale_factor=100)", (1, 8, 8), "640,000 numbers"),
    (" -> ".join(["Linear(1, bias=false)"] * 40), (1,), "are too long"),
]


@pytest.mark.parametrize(("text", "shape", "said"), HEAVY)
def test_what_takes_too_long_is_refused_soon(text, shape, said):
    graph = chain(text, *shape)
    (node,) = graph.outputs.values()
    data = filled(graph, 1)
    if "Linear" in text:
        data = {k: Tensor(t.shape, (10**40 + 1,), 10**39 + 7) for k, t in data.items()}
    started = time.process_time()
    with pytest.raises(ValueError, match=said):
        values(graph, node, data)

    assert time.process_time() - started < 2


def test_the_largest_answer_takes_a_moment():
    graph = chain("Conv2d(4, 3, padding=1) -> MaxPool2d(2) -> Conv2d(8, 3, padding=1)", 4, 32, 32)
    (node,) = graph.outputs.values()
    data = filled(graph, 1)
    started = time.process_time()
    found = values(graph, node, data)

    assert len(found.numerators) == 2048
    assert time.process_time() - started < 2


def test_a_size_that_is_left_open_has_no_values():
    graph = written("model Net {\n input x: [1, h, w]\n output y = x -> MaxPool2d(2)\n}")

    with pytest.raises(ValueError, match="left open"):
        values(graph, last(graph), {})


@pytest.mark.parametrize("text", ['Upsample(scale_factor=2, mode="bicubic")', "Softmax", "GroupNorm(1)", "Sigmoid"])
def test_a_layer_without_a_rule_says_so(text):
    graph = chain(text, 2, 3, 3)

    with pytest.raises(ValueError, match="are not computed here"):
        values(graph, last(graph), filled(graph, 1))


# fmt: off
WRONG = [
    ({"y": (3, 3)},                     "y",        "no input and no weight `y`"),
    ({"x": (3, 3), "c.wieght": (2, 2)}, "c.wieght", "did you mean `c.weight`?"),
    ({"x": (3, 3)},                     "c.weight", "does not give `c.weight`"),
    ({"x": (3, 3), "c.weight": (2, 2)}, "c.bias",   "without one has `bias=false`"),
    ({"x": (3, 4)},                     "x",        "`x` is 1×3×3, and 3×4 is given"),
    ({"x": (9,)},                       "x",        "`x` is 1×3×3, and 9 is given"),
]
# fmt: on


@pytest.mark.parametrize(("given", "name", "said"), WRONG)
def test_numbers_that_do_not_fit_are_named(given, name, said):
    graph = written("model Net {\n input x: [1, 3, 3]\n output y = x -> c: Conv2d(1, 2)\n}")
    data = {k: Tensor(shape, (1,) * prod(shape)) for k, shape in given.items()}
    with pytest.raises(DataError) as caught:
        values(graph, last(graph), data)

    assert caught.value.name == name
    assert said in f"{caught.value} {caught.value.help}"


# Kernels.


@pytest.mark.parametrize(("text", "axes", "expected"), [
    ("ConvTranspose1d(1, 3, stride=2)", 1, ["1/2", 1, "1/2"]),
    ("ConvTranspose1d(1, 4, stride=2)", 1, ["1/4", "3/4", "3/4", "1/4"]),
    ("ConvTranspose1d(1, 5, stride=3)", 1, ["1/3", "2/3", 1, "2/3", "1/3"]),
    ("ConvTranspose1d(1, 5, stride=2)", 1, [0, "1/2", 1, "1/2", 0]),
    ("ConvTranspose2d(1, 3, stride=2)", 2, ["1/4", "1/2", "1/4", "1/2", 1, "1/2", "1/4", "1/2", "1/4"]),
    ("Upsample(scale_factor=2)", 2, [1, 1, 1, 1]),
    ('Upsample(scale_factor=2, mode="linear")', 1, ["1/4", "3/4", "3/4", "1/4"]),
])  # fmt: skip
def test_a_kernel_interpolates(text, axes, expected):
    graph = chain(text, 1, *(4,) * axes)

    assert kernel(last(graph).op, axes).numbers == tuple(map(Fraction, expected))


@pytest.mark.parametrize("factor", [2, 3, 4, 5, 8])
def test_a_transposed_convolution_with_the_kernel_is_pytorchs_bilinear_interpolation_inside(factor):
    k = 2 * factor - factor % 2
    layer = OPS["ConvTranspose2d"](1, k, stride=factor, bias=False)
    weight = torch.tensor(list(map(float, kernel(layer, 2).numbers))).double().reshape(1, 1, k, k)
    x = torch.arange(49).double().reshape(1, 1, 7, 7) ** 2

    ours = torch.nn.functional.conv_transpose2d(x, weight, stride=factor, padding=(k - factor) // 2)
    theirs = torch.nn.functional.interpolate(x, scale_factor=factor, mode="bilinear")
    inside = slice(factor, 5 * factor)
    assert torch.allclose(ours[..., inside, inside], theirs[..., inside, inside], rtol=1e-6)


@pytest.mark.parametrize("k", [3, 4, 5, 6, 7])
def test_the_kernel_is_the_published_one(k):
    """`get_upsampling_weight` of Long et al.'s published code, written out."""
    factor = (k + 1) // 2
    centre = factor - 1 if k % 2 else factor - 0.5
    side = [1 - abs(i - centre) / factor for i in range(k)]
    layer = OPS["ConvTranspose2d"](1, k, stride=factor)

    assert list(map(float, kernel(layer, 2).numbers)) == pytest.approx([a * b for a in side for b in side])


@pytest.mark.parametrize(("text", "shape", "said"), [
    ("ConvTranspose2d(1, 2, stride=2)", (1, 3, 3), "takes 3 or more"),
    ("ConvTranspose2d(1, 3, stride=2, dilation=2)", (1, 3, 3), "dilated"),
    ("Conv2d(1, 3)", (1, 3, 3), "has no interpolation kernel"),
    ("Upsample(scale_factor=1.5)", (1, 4, 4), "whole"),
    ("Upsample(size=8)", (1, 4, 4), "whole"),
    ("Upsample(scale_factor=64)", (1, 4, 4), None),
    ("Upsample(scale_factor=65)", (1, 4, 4), "4,225 numbers"),
])  # fmt: skip
def test_what_has_no_kernel_says_why(text, shape, said):
    op = last(chain(text, *shape)).op
    if said is None:
        assert len(kernel(op, 2).numerators) == MOST_NUMBERS
        return
    with pytest.raises(ValueError, match=said):
        kernel(op, 2)


# As asks of a sheet.

SHEET = """\
exam: up
problems:
  - id: q
    draw: {a: [1, 7]}
    net: |
      input x: [1, 2, 2]
      output y = x -> up: ConvTranspose2d(1, 2, stride=2, bias=false) -> pool: AvgPool2d(2)
    data:
      x: [[1, 2], [3, a]]
      up.weight: [[1, 1/2], [0.25, -1]]
    parts:
      - {id: a, ask: values(up), key: [[1, 0.5, 2, 1], [0.25, -1, 0.5, -2], [3, 1.5, 7, 3.5], [0.75, -3, 1.75, -7]]}
      - {id: b, ask: values}
      - {id: c, ask: "values(up)[1] * 4"}
      - {id: d, ask: kernel(up)}
"""


def posed(text: str, **drawn: int) -> Posed:
    sheet = read_text(text, "s.yaml", "yaml")
    return Posed(sheet.problems[0], sheet.conventions, drawn)


def test_values_are_asked_in_a_sheet():
    problem = posed(SHEET, a=7)
    a, b, c, _ = problem.problem.parts

    assert problem.truth(a) == (1, Fraction(1, 2), 2, 1, Fraction(1, 4), -1, Fraction(1, 2), -2, 3, Fraction(3, 2),
                                7, Fraction(7, 2), Fraction(3, 4), -3, Fraction(7, 4), -7)  # fmt: skip
    assert isinstance(problem.truth(a), Listed)
    assert problem.truth(b) == tuple(Fraction(3, 16) * n for n in (1, 2, 3, 7))
    assert problem.truth(c) == 2
    assert [problem.wanted(p) for p in (a, b, c)] == [Wanted("numbers"), Wanted("numbers"), Wanted("number")]
    assert problem.candidates(a) == ()
    assert problem.pairs(a) == ()
    assert problem.target(a) is None


def test_a_kernel_that_cannot_be_is_pointed_at_in_the_ask():
    problem = posed(SHEET, a=1)
    with pytest.raises(AskError, match="leaves gaps") as caught:
        problem.truth(problem.problem.parts[3])

    assert (caught.value.start, caught.value.end) == (0, len("kernel(up)"))


@pytest.mark.parametrize(("ask", "said"), [
    ("2 * values(up)", "this is a list"),
    ("values(up)[16]", "this has 16 numbers"),
    ("values(nothing)", "`nothing` has no output"),
    ("kernel(pool)", "has no interpolation kernel"),
])  # fmt: skip
def test_an_ask_of_lists_that_has_no_value_says_why(ask, said):
    problem = posed(SHEET.replace("ask: values,", f'ask: "{ask}",').replace("ask: values}", f'ask: "{ask}"}}'), a=1)

    with pytest.raises(AskError, match=said.replace("[", "\\[")):
        problem.truth(problem.part("b"))


def test_rounding_up_is_followed_by_the_values():
    text = """\
exam: s
conventions: {rounding: ROUNDING}
problems:
  - id: q
    net: |
      input x: [1, 3]
      output y = x -> pool: MaxPool1d(2)
    data: {x: [1, 2, 3]}
    parts: [{id: a, ask: values}]
"""
    floor, ceil = posed(text.replace("ROUNDING", "floor")), posed(text.replace("ROUNDING", "ceil_pool"))

    assert floor.truth(floor.problem.parts[0]) == (2,)
    assert ceil.truth(ceil.problem.parts[0]) == (2, 3)


def test_each_of_several_nets_has_its_own_numbers():
    problem = posed("""\
exam: s
problems:
  - id: q
    nets:
      wide: |
        input x: [1, 3]
        output y = x -> c: Conv1d(1, 3, bias=false)
      narrow: |
        input x: [1, 3]
        output y = x -> c: Conv1d(1, 1, bias=false)
    data: {wide.x: [1, 2, 3], wide.c.weight: [1, 1, 1], narrow.x: [1, 2, 3], narrow.c.weight: 2}
    parts: [{id: a, ask: values(wide)}, {id: b, ask: values(narrow.c)}]
""")

    assert [problem.truth(p) for p in problem.problem.parts] == [(6,), (2, 4, 6)]


def first_value(text: str) -> object:
    problem = posed(text, a=1)
    return problem.truth(problem.problem.parts[0])


def told(text: str) -> Diagnostic:
    with pytest.raises(SheetError) as caught:
        first_value(text)
    (found,) = caught.value.diagnostics
    return found


# fmt: off
MALFORMED = [
    ("[3, a]",                "[3]",              "[3",         "in `x` a row of 1 follows a row of 2"),
    ("[3, a]",                "3",                "3",           "in `x` a number follows a row of 2"),
    ("[3, a]",                "[]",               "[",          "a list of `x` is empty"),
    ("[3, a]",                "[3, b]",           "b",           "not `b`"),
    ("[3, a]",                "[3, true]",        "true",        "not true or false"),
    ("[3, a]",                "[3, 1/0]",         "1/0",         "not `1/0`"),
    ("[3, a]",                "[3, 1e99]",        "1e99",        "beyond what is computed"),
    ("[3, a]",                "[3, 1e-99]",       "1e-99",       "beyond what is computed"),
    ("[3, a]",                "[[[[[1]]]]]",      None,          "nested more than 5 deep"),
    ("up.weight",             "up.wieght",        None,          "no weight `up.wieght`"),
    ("[[1, 1/2], [0.25, -1]]", "[1, 2, 3]",       "[1, 2, 3",   "`up.weight` is 1×1×2×2, and 3 is given"),
]
# fmt: on


@pytest.mark.parametrize(("old", "new", "part", "said"), MALFORMED)
def test_numbers_that_are_wrong_are_told_in_their_place(old, new, part, said):
    text = SHEET.replace(old, new, 1)
    found = told(text)

    assert found.code == "E0781"
    assert said in found.message
    assert part is None or found.span.text == part


def test_too_many_numbers_are_refused():
    rows = f"[{', '.join(['1'] * 65)}]"
    found = told(SHEET.replace("[[1, 2], [3, a]]", f"[{', '.join([rows] * 65)}]"))

    assert (found.code, found.message) == ("E0781", "`x` has 4,225 numbers, and 4,096 are the most")


def test_data_is_the_same_in_json_and_toml():
    yaml = "exam: s\nproblems:\n - {id: q, net: 'input x: [1, 2]  output y = x -> ReLU', data: {x: [-1, 2.5]}, parts: [{id: a, ask: values}]}"
    json = '{"exam": "s", "problems": [{"id": "q", "net": "input x: [1, 2]  output y = x -> ReLU", "data": {"x": [-1, 2.5]}, "parts": [{"id": "a", "ask": "values"}]}]}'
    toml = 'exam = "s"\n[[problems]]\nid = "q"\nnet = "input x: [1, 2]  output y = x -> ReLU"\ndata.x = [-1, 2.5]\nparts = [{id = "a", ask = "values"}]\n'
    read = [read_text(text, "s", f) for text, f in ((yaml, "yaml"), (json, "json"), (toml, "toml"))]

    assert read[0] == read[1] == read[2]
    assert read[0].problems[0].data["x"].numbers == (-1, Fraction(5, 2))


RIGHT = ["1, 1/2, 2, 1", "[[1, 0.5], [2, 1]]", "1 .5 2 1", "(1, 0.5, 2.0, 1)", "1; 0.50; 2; 1", "{1, 1/2, 4/2, 1}"]
NOT_RIGHT = [
    ("1, 2, 0.5, 1", Status.WRONG),
    ("1, 0.5, 2", Status.WRONG),
    ("1, 0.5, 2, 1, 0", Status.WRONG),
    ("4.5", Status.WRONG),
    ("", Status.BLANK),
    ("see back", Status.UNREADABLE),
]


def judged(text: str):
    sheet = read_text(
        """\
exam: s
problems:
  - id: q
    net: |
      input x: [1, 2]
      output y = x -> up: ConvTranspose1d(1, 2, stride=2, bias=false)
    data: {x: [1, 2], up.weight: [1, 1/2]}
    parts: [{id: a, ask: values(up)}]
""",
        "s.yaml",
        "yaml",
    )
    return Judge(sheet).verdict("q.a", text)


@pytest.mark.parametrize("text", RIGHT)
def test_a_list_is_right_however_it_is_written(text):
    found = judged(text)

    assert (found.status, found.ids) == (Status.CORRECT, ())


@pytest.mark.parametrize(("text", "status"), NOT_RIGHT)
def test_a_list_in_another_order_or_length_is_not(text, status):
    found = judged(text)

    assert (found.status, found.ids) == (status, ())


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 600), st.text("[]{}:-,\"'#/ax.1e9 \n", max_size=5))
def test_damaged_numbers_are_computed_or_told(at, inserted):
    at %= len(SHEET)
    told = None
    try:
        first_value(SHEET[:at] + inserted + SHEET[at + 1 :])
    except (SheetError, AskError, IndexError) as error:  # the parts may be what is damaged
        told = error

    assert told is None or str(told)


def test_long_fractions_are_computed_in_bounded_time():
    graph = chain("Conv1d(8, 33, padding=16)", 8, 120)
    (node,) = graph.outputs.values()
    huge = 2**3000 - 1
    data = {k: Tensor(t.shape, tuple(n * huge // 7 for n in t.numerators), 2**900) for k, t in filled(graph, 1).items()}
    started = time.process_time()
    with pytest.raises(ValueError, match="are too long"):
        values(graph, node, data)

    assert time.process_time() - started < 4
