"""Generated modules: current, beside torchvision and the papers' twins, and safe to write."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from archdsl.codegen import generate, was_edited
from archdsl.diagnostics import SpecError
from archdsl.elaborate import Library
from archdsl.pipeline import load, network, read
from archdsl.source import Source
from oracles.generated import imported

ROOT = Path(__file__).resolve().parents[2]
SPECS = sorted((ROOT / "specs").glob("*.arch"))


def written(text: str) -> str:
    return generate(Library().add(Source("net.arch", text)))


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_the_code_of_every_family_is_current(path, golden):
    golden(ROOT / "generated" / f"{path.stem}.py", generate(read(path)))


def test_no_generated_file_is_left_over():
    assert {p.stem for p in (ROOT / "generated").glob("*.py")} == {p.stem for p in SPECS}


def models() -> list[tuple[str, str]]:
    found = []
    for path in SPECS:
        module = read(path)
        for model in module.models:
            if not any(d.severity == "error" for d in network(module, model).diagnostics):
                found.append((path.stem, model))
    return found


@pytest.mark.parametrize(("file", "model"), models(), ids=lambda value: value)
def test_keys_shapes_modules_and_outputs_are_those_of_the_analysis(file, model):
    torch = pytest.importorskip("torch")
    network = load(ROOT / "specs" / f"{file}.arch", model)
    analysis = network.examine()
    with torch.device("meta"):
        built = getattr(imported(Path(f"{file}.py")), model.lower())().eval()
    feeds = [torch.empty(2, *node.output.shape, device="meta") for node in network.graph.inputs.values()]
    given = built(*feeds)
    outputs = [given] if isinstance(given, torch.Tensor) else list(given)
    expected = [
        n.output.shape for name, n in network.graph.outputs.items() if name not in network.graph.training_outputs
    ]

    assert analysis.parameters.weights == {name: tuple(p.shape) for name, p in built.named_parameters()}
    assert analysis.parameters.buffer_shapes == {name: tuple(b.shape) for name, b in built.named_buffers()}
    assert {layer.node.module for layer in analysis.layers} - {None} <= {name for name, _ in built.named_modules()}
    assert [tuple(output.shape) for output in outputs] == [(2, *shape) for shape in expected]


def test_the_first_line_tells_whether_the_rest_was_edited_by_hand():
    text = generate(read(ROOT / "specs" / "lenet.arch"))

    assert text.startswith("# lenet.arch, ")
    assert not was_edited(text)
    assert was_edited(text.replace("classes: int = 10", "classes: int = 100"))
    assert was_edited("import torch\n")


def test_the_same_spec_gives_the_same_bytes():
    assert len({generate(read(ROOT / "specs" / "resnet.arch")) for _ in range(3)}) == 1


LENGTHS = {
    "ResNet50": ("resnet", 130),
    "DenseNet121": ("densenet", 150),
    "UNet": ("unet", 110),
    "GoogLeNet": ("googlenet", 170),
}


@pytest.mark.parametrize("model", LENGTHS)
def test_a_network_takes_few_lines_and_every_class_once(model):
    file, most = LENGTHS[model]
    text = generate(read(ROOT / "specs" / f"{file}.arch"), (model,))
    classes = [node.name for node in ast.parse(text).body if isinstance(node, ast.ClassDef)]

    assert text.count("\n") <= most
    assert len(classes) == len(set(classes))


HOSTILE = '''
## A docstring that ends """ here, with a \\\\ backslash\\ and a quote at its end"
## import os; os.system("true")
model Net {
    input x: [3, 8, 8]
    # """ + __import__("os").getcwd()
    require 3 == 3, "a \\" message \\\\ and {braces}"
    output y = x -> conv: Conv2d(4, 3) -> ReLU
}
'''
ALLOWED = (ast.Import, ast.ImportFrom, ast.ClassDef, ast.FunctionDef)


def test_no_text_of_a_spec_becomes_code():
    tree = ast.parse(written(HOSTILE.replace('\\"', "'")))
    calls = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}

    assert isinstance(tree.body[0], ast.Expr)
    assert all(isinstance(node, ALLOWED) for node in tree.body[1:])
    assert calls <= {"super", "super().__init__", "nn.Conv2d", "nn.ReLU", "self.relu", "self.conv", "Net"}


NAMES = """
block Sequence { input x
  output x -> c: Conv2d(4, 1) }
block tensor { input x
  output x -> c: Conv2d(4, 1) }
model Class { input x: [3, 8, 8]
  output x -> Sequence }
model NET { input x: [3, 8, 8]
  output x -> tensor }
model Net { input x: [3, 8, 8]
  output x -> ReLU }
model _torch { input x: [3, 8, 8]
  output x -> ReLU }
model Torch { input x: [3, 8, 8]
  output x -> ReLU }
"""


def test_names_that_would_collide_are_told_apart_by_rule():
    """A name that Python or an import has gets a `_`, one that another class or builder has a number."""
    tree = ast.parse(written(NAMES))
    classes = [node.name for node in tree.body if isinstance(node, ast.ClassDef)]
    builders = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]

    assert builders == ["class_", "net", "net2", "_torch", "torch_"]
    assert classes == ["Sequence_", "Class", "Tensor_", "NET", "Net", "_torch2", "Torch"]


def test_templates_can_be_replaced(tmp_path):
    for path in (ROOT / "templates").glob("*.j2"):
        text = path.read_text("utf-8")
        (tmp_path / path.name).write_text("# Ours.\n" + text if path.name == "module.py.j2" else text, "utf-8")
    module = read(ROOT / "specs" / "lenet.arch")
    text = generate(module, template=tmp_path)

    assert text.split("\n")[1] == "# Ours."
    assert text.split("\n")[2:] == generate(module).split("\n")[1:]
    assert not was_edited(text)


LABELS = ["class", "forward", "training", "children", "l\u00e4yer", "\uff58", "x\u0661", "a b", "1a"]


@pytest.mark.parametrize("label", LABELS, ids=ascii)
def test_a_label_that_cannot_be_an_attribute_is_refused_before_any_code(label):
    with pytest.raises(SpecError):
        written(f'model M {{\n  input x: [3, 8, 8]\n  output x -> "{label}": Conv2d(4, 3)\n}}')


COMMENTS = [
    '"""',
    "'''",
    '"""; import os',
    "\\",
    '\\"""',
    '\\\\"""',
    '"',
    "{x}",
    "%s",
    "\\N{BULLET}",
    "\u2028import os",
]


@pytest.mark.parametrize("comment", COMMENTS, ids=ascii)
def test_a_comment_stays_a_comment(comment):
    """In the docstring of a class, of a builder, and where it is long enough to be broken."""
    text = f"## {comment} {'words and ' * 20}{comment}\nblock B {{\n  ## {comment}\n  input x\n  output x -> ReLU\n}}\n"
    text += f"## {comment}\nmodel M {{\n  input x: [3, 8, 8]\n  output x -> B\n}}\n## {comment}\nmodel N = M()\n"
    plain, found = (ast.parse(written(one)) for one in (text.replace(comment, "it"), text))

    assert [type(node) for node in ast.walk(plain)] == [type(node) for node in ast.walk(found)]


def test_a_text_reaches_the_code_as_a_text():
    code = written('model M {\n  input x: [3, 8, 8]\n  output x -> StochasticDepth(0.1, mode="batch")\n}')

    assert 'StochasticDepth(0.1, "batch")' in code
