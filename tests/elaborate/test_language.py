"""What each construct of the language builds: the paths of its layers, which are the keys of a checkpoint."""

import pytest

from archdsl import SpecError, analyze, loads
from archdsl.elaborate import Library
from archdsl.pipeline import check, load
from archdsl.source import Source


def model(line, before=""):
    return f"{before}\nmodel M {{\n  input x: [4, 16, 16]\n  {line}\n}}\n"


def keys(text, **parameters):
    """Return the keys that PyTorch's `state_dict` would have, in order, without buffers."""
    return list(analyze(loads(text, **parameters)).parameters.weights)


def paths(text, **parameters):
    return [layer.id for layer in analyze(loads(text, **parameters)).layers]


def shape(text, **parameters):
    (output,) = loads(text, **parameters).graph.outputs.values()
    return output.output.shape


BLOCK = "block B(n: int) { input x: [c, h, w]  output x -> conv: Conv2d(n, 1, bias=false) }"
SEQ = "seq S(n: int) = Conv2d(n, 1, bias=false) -> ReLU -> Conv2d(n, 1, bias=false)"
NAMES = [
    ("a label", "output x -> conv1: Conv2d(8, 1, bias=false)", ""),
    ("no label: named after the op", "output x -> Conv2d(8, 1, bias=false) -> Conv2d(8, 1, bias=false)", ""),
    (
        "a group: positions, all stages count",
        "output x -> g: (ReLU -> Conv2d(8, 1, bias=false) -> ReLU -> b: BatchNorm2d)",
        "",
    ),
    ("a seq: positions", "output x -> s: S(8)", SEQ),
    ("a block", "output x -> b: B(8)", BLOCK),
    ("a block in a seq", "output x -> s: T(8)", BLOCK + " seq T(n: int) = B(n) -> last: B(n)"),
    ("a computed label", 'output x -> for i in range(2) { "layer{i+1}": B(8) }', BLOCK),
    ("an indexed label", "for i in range(2) { x = x -> down[i]: B(8) }  output x", BLOCK),
    ("an indexed label without a loop", "output x -> convs[0]: B(8)", BLOCK),
    ("a repeated stage", "output x -> s: (B(8) * 2)", BLOCK),
    ("a labelled repetition is a Sequential", "output x -> s: B(8) * 2", BLOCK),
    ("repeated no times", "output x -> s: (B(8) * 0 -> B(4))", BLOCK),
    ("an empty range splices nothing", "output x -> s: (for i in range(0) { B(8) } -> B(4))", BLOCK),
    ("a condition splices its branch", "output x -> s: (if 1 > 2 { B(8) } else { ReLU -> B(4) })", BLOCK),
    ("a condition without else", "output x -> s: (if 1 > 2 { B(8) } -> B(4))", BLOCK),
    ("a shared module", "share f = B(4)  output (x -> f -> f) + (x -> f)", BLOCK),
    ("nested groups", "output x -> a: (b: (c: Conv2d(8, 1, bias=false)))", ""),
]
EXPECTED = {
    "a label": ["conv1.weight"],
    "no label: named after the op": ["conv2d.weight", "conv2d_2.weight"],
    "a group: positions, all stages count": ["g.1.weight", "g.b.weight", "g.b.bias"],
    "a seq: positions": ["s.0.weight", "s.2.weight"],
    "a block": ["b.conv.weight"],
    "a block in a seq": ["s.0.conv.weight", "s.last.conv.weight"],
    "a computed label": ["layer1.conv.weight", "layer2.conv.weight"],
    "an indexed label": ["down.0.conv.weight", "down.1.conv.weight"],
    "an indexed label without a loop": ["convs.0.conv.weight"],
    "a repeated stage": ["s.0.conv.weight", "s.1.conv.weight"],
    "a labelled repetition is a Sequential": ["s.0.conv.weight", "s.1.conv.weight"],
    "repeated no times": ["s.0.conv.weight"],
    "an empty range splices nothing": ["s.0.conv.weight"],
    "a condition splices its branch": ["s.1.conv.weight"],
    "a condition without else": ["s.0.conv.weight"],
    "a shared module": ["f.conv.weight"],
    "nested groups": ["a.b.c.weight"],
}


@pytest.mark.parametrize(("name", "line", "before"), NAMES, ids=[row[0] for row in NAMES])
def test_keys_follow_the_structure(name, line, before):
    assert keys(model(line, before)) == EXPECTED[name]


CALLS = [
    ("output x -> ReLU -> ReLU -> Tanh", ["relu", "relu#1", "tanh"]),
    ("output x -> MaxPool2d(2) -> MaxPool2d(2) -> MaxPool2d(3, stride=1)", ["maxpool", "maxpool#1", "maxpool_2"]),
    ("output x + x + x", ["add", "add_2"]),
    ("share f = Conv2d(4, 1)  output x -> f -> f", ["f", "f#1"]),
    ("share f = (ReLU -> Conv2d(4, 1))  output x -> f -> f", ["f.0", "f.1", "f.0#1", "f.1#1"]),
]


@pytest.mark.parametrize(("line", "expected"), CALLS)
def test_a_module_that_is_called_again_keeps_its_path(line, expected):
    assert paths(model(line)) == expected


SHAPES = [
    ("output concat(x, x, x)", (12, 16, 16)),
    ("for i in range(3) { y[i] = x -> ReLU }  output concat(y)", (12, 16, 16)),
    ("a, b = split(x, 2)  output concat(a, b, b)", (6, 16, 16)),
    ("a, b = split(x, [1, 3])  output b", (3, 16, 16)),
    ("y = x -> MaxPool2d(3, stride=2)  output crop(x, like=y)", (4, 7, 7)),
    ("output crop(x, left=1, right=2, top=3)", (4, 13, 13)),
    ("output 0.5 * x", (4, 16, 16)),
    ("output x * (x -> AdaptiveAvgPool2d(1))", (4, 16, 16)),
    ("y: [c, h, w] = x -> MaxPool2d(2)  output y -> conv: Conv2d(c * h // w, 1)", (4, 8, 8)),
    ("let n = if 2 > 1 { 8 } else { 9 }  output x -> conv: Conv2d(n, 1)", (8, 16, 16)),
    ("if 1 > 2 { y = x -> ReLU } else { y = x -> MaxPool2d(2) }  output y", (4, 8, 8)),
    ("for i in range(2) { x = x -> MaxPool2d(2) }  output x", (4, 4, 4)),
    (
        "for (a, (b, c)) in zip([1, 2], [(3, 4), (5, 6)]) { x = x -> k[a]: Conv2d(a * b + c, 1) }  output x",
        (16, 16, 16),
    ),
    ("output x -> conv: Conv2d(8, (1, 7), padding=(0, 3))", (8, 16, 16)),
    ("output x → conv: Conv2d(8, 3) → Flatten → fc: Linear(10,)", (10,)),
    ("defaults Conv2d(padding=1, bias=false)  output x -> conv: Conv2d(8, 3)", (8, 16, 16)),
    ("defaults Conv2d(padding=1)  output x -> conv: Conv2d(8, 3, padding=0)", (8, 14, 14)),
    ("output x -> a: AdaptiveAvgPool2d((2, none))", (4, 2, 16)),
]


@pytest.mark.parametrize(("line", "expected"), SHAPES)
def test_what_a_line_makes(line, expected):
    assert shape(model(line)) == expected


NUMBERS = [
    ("sum([1, 2, 3])", 6), ("max(1, 7, 3)", 7), ("min([4, 2])", 2), ("len(range(5))", 5), ("2**3**2 // 64", 8),
    ("cumsum([1, 2, 3])[2]", 6), ("round_to(33, 8)", 32), ("round_to(12, 8)", 16), ("round_to(4, 8)", 8),
    ("ceil(7 / 2)", 4), ("floor(7 / 2)", 3), ("round(2.6)", 3), ("reversed([1, 2, 3])[0]", 3), ("-3 + 5", 2),
    ("enumerate([5, 6])[1][1]", 6),
    ("7 % 4", 3), ("zip([1, 2], [3, 4])[1][0]", 2), ("1_000 // 100", 10), ("2K // 1_000", 2),
    ("if not (1 == 2) { 5 } else { 6 }", 5),
    ("[1, 2, 3][-1]", 3), ("range(2, 9, 3)[1]", 5), ("([1] + [7])[1]", 7),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "value"), NUMBERS)
def test_arithmetic_is_done_before_anything_is_built(expression, value):
    assert shape(model(f"output x -> conv: Conv2d({expression}, 1)")) == (value, 16, 16)


def test_a_block_of_two_inputs_and_outputs_is_fed_and_taken_in_order():
    text = model(
        "a, b = (x, y) -> two: Two\n  output b\n",
        "block Two { input p: [c, h, w]  input q: [d, k, l]  output s = p -> ReLU  output t = concat(p, q) }",
    ).replace("input x: [4, 16, 16]", "input x: [4, 16, 16]\n  input y: [2, 16, 16]")

    assert shape(text) == (6, 16, 16)


def test_a_block_is_a_parameter_like_any_other():
    text = (
        "block A(n: int) { input x  output x -> a: Conv2d(n, 1) }\n"
        "block B(n: int) { input x  output x -> b: Conv2d(n, 3) }\n"
        "seq Twice(unit: block, n: int) = unit(n) -> unit(2 * n)\n"
        "model Net(unit: block = A) { input x: [3, 9, 9]  output x -> s: Twice(unit, 4) }\nmodel Other = Net(unit=B)\n"
    )

    assert keys(text, model="Net")[0] == "s.0.a.weight"
    assert keys(text, model="Other")[0] == "s.0.b.weight"
    assert keys(text, model="Net", unit="B") == keys(text, model="Other")


def test_outputs_when_training_count_parameters_and_nothing_else():
    text = model("y = x -> a: Conv2d(8, 1)\n  output y\n  output aux = y -> b: Conv2d(2, 1) when training")
    totals = analyze(loads(text)).totals

    assert totals.params == (8 * 4 + 8) + (2 * 8 + 2)
    assert totals.macs == 8 * 4 * 256
    assert totals.peak_activation_bytes == (4 + 8) * 256 * 4


def test_open_sizes_are_followed_and_demand_what_they_must():
    network = loads(
        "model U(depth: int = 4) {\n  input x: [1, H, W]\n  for i in range(depth) {\n    skip[i] = x -> ReLU\n"
        "    x = skip[i] -> MaxPool2d(2)\n  }\n  for i in reversed(range(depth)) {\n"
        "    up = x -> up[i]: ConvTranspose2d(1, 2, stride=2)\n    x = concat(skip[i], up) -> m[i]: Conv2d(1, 1)\n  }\n"
        "  output x\n}\n"
    )

    assert str(network.elaboration.symbols["H"].domain.requirement) == "H % 16 == 0"
    assert network.graph.is_symbolic
    assert analyze(network, sizes={"H": 32, "W": 48}).graph.outputs["output"].output.shape == (1, 32, 48)
    with pytest.raises(SpecError, match="E0302"):
        analyze(network, sizes={"H": 40, "W": 48})


def test_imports_are_found_beside_the_file_then_among_the_bundled(tmp_path):
    (tmp_path / "parts.arch").write_text("seq Two(n: int) = Conv2d(n, 1) -> ReLU\n", encoding="utf-8")
    (tmp_path / "net.arch").write_text(
        "from parts import Two\nfrom resnet import Bottleneck\n"
        "model M { input x: [4, 8, 8]  output x -> a: Two(8) -> b: Bottleneck(4) }\n",
        encoding="utf-8",
    )

    assert "b.downsample.0.weight" in analyze(load(tmp_path / "net.arch")).parameters.weights


def test_imports_never_leave_the_folder_not_even_by_a_link(tmp_path):
    outside = tmp_path / "outside.arch"
    outside.write_text("seq S = ReLU\n", encoding="utf-8")
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "link.arch").symlink_to(outside)
    for line in ("from ..outside import S", "from link import S"):
        (inside / "net.arch").write_text(
            f"{line}\nmodel M {{ input x: [1, 4, 4]  output x -> s: S }}\n", encoding="utf-8"
        )
        with pytest.raises(SpecError) as raised:
            load(inside / "net.arch")
        assert {d.code for d in raised.value.diagnostics} <= {"E0603", "E0604"}


def test_files_that_import_each_other_are_refused(tmp_path):
    (tmp_path / "a.arch").write_text(
        "from b import T\nseq S = ReLU\nmodel M { input x: [1, 4, 4]  output x -> ReLU }\n"
    )
    (tmp_path / "b.arch").write_text("from a import S\nseq T = ReLU\n")
    with pytest.raises(SpecError) as raised:
        load(tmp_path / "a.arch")

    assert {d.code for d in raised.value.diagnostics} == {"E0605"}


def codes(text):
    return [d.code for d in check(Library().add(Source("net.arch", text))).diagnostics]


SEVERAL = """
model M {
  input x: [3, 8, 8]
  a = x -> a: Conv2d(8, 3, strides=2)
  b = x -> b: Conv2D(8, 3)
  c = x -> c: Conv2d(8, 9)
  d = x -> -> ReLU
  output x
}
seq Unused = Dens(3)
test M { expect params == 1 }
"""


def test_all_problems_of_a_file_come_in_one_run():
    assert codes(SEVERAL.replace("  d = x -> -> ReLU\n", "")) == ["E0202", "E0201", "E0303", "E0201"]
    assert "E0101" in codes(SEVERAL)


def test_one_mistake_in_a_block_is_told_once_with_the_other_places_named():
    text = (
        "block B(n: int) { input x: [c, h, w]  y = x -> conv: Conv2d(n, 1)  output x + y }\n"
        "model M { input x: [3, 8, 8]  output (x -> a: B(4)) }\n"
        "model N { input x: [3, 8, 8]  a = x -> a: B(4)  b = x -> b: B(5)  output a + b }\n"
    )
    found = [d for d in check(Library().add(Source("net.arch", text))).diagnostics if d.code == "E0301"]

    assert all(d.frames[0].text.startswith("a: B(n=4)") for d in found)
    assert any("b.add" in d.also for d in found)
