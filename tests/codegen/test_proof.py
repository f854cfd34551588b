"""Code is proven on stand-ins for PyTorch before it is given out: whatever is wrong with it is refused."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from archdsl.codegen import generate
from archdsl.codegen.proof import Code, Disproved
from archdsl.pipeline import load, loads

SPECS = Path(__file__).resolve().parents[2] / "specs"
TEXT = """
block Gate {
    input x: [c, h, w]
    output x * (x -> AdaptiveAvgPool2d(1) -> fc: Conv2d(c, 1) -> Sigmoid)
}
seq Stem(width: int) = conv: Conv2d(width, 3, stride=2, padding=1) -> ReLU -> MaxPool2d(2)
model Net(classes: int = 5) {
    input x: [3, 32, 32]
    a, b = split(x -> stem: Stem(8), 2)
    y = concat(a + 0.5 * b, b) -> gate: Gate -> Dropout(0.1)
    for i in range(2) { y = y -> layers[i]: Conv2d(8, 3, padding=1) }
    z = crop(y, left=1, bottom=2)
    output z -> Flatten -> Linear(classes)  # allow unlabelled-layer
    output aux = y -> AdaptiveAvgPool2d(1) -> Flatten -> head: Linear(classes) when training
}
"""
# what is done to the code, what is said, and the class in which it shows
FAULTS = [
    ("another argument",      "stride=2",                 "stride=3",                    "`stride` is (3, 3), not (2, 2)", "Stem"),
    ("another default",       "p=0.1",                    "p=0.2",                       "`p` is 0.2, not 0.1", "Net"),
    ("another grouping",      "kernel_size=3, padding=1))", "kernel_size=3, padding=1, groups=2))",    "`groups` is 2, not 1", "Net"),
    ("another kind",          "nn.MaxPool2d(",            "nn.AvgPool2d(",               "it is a AvgPool2d, not a MaxPool2d", "Stem"),
    ("another name",          "self.fc",                  "self.fully",                  "fully is called on other tensors", "Gate"),
    ("another order",         "self.layers[i](y)",        "self.layers[1 - i](y)",       "is called on other tensors", "Net"),
    ("a layer not called",    "self.dropout(self.gate(", "(self.gate(",      "layers.0 is called on other tensors", "Net"),
    ("a layer too many",      "self.gate = Gate(8)",      "self.gate = Gate(8)\n        self.more = nn.ReLU()", "more is no layer of the graph", "Net"),
    ("a product for a sum",   "x * self",                 "x + self",                    "nothing in the graph adds these tensors", "Gate"),
    ("another factor",        "0.5 * b",                  "0.25 * b",                    "nothing in the graph is this `scale`", "Net"),
    ("other pieces",          "torch.chunk(self.stem(x), 2, dim=1)", "torch.split(self.stem(x), [2, 6], dim=1)", "nothing in the graph is this `chunk`", "Net"),
    ("another crop",          "1:]",                      "2:]",                         "nothing in the graph is this `crop`", "Net"),
    ("another order of parts", "torch.cat((a + 0.5 * b, b)", "torch.cat((b, a + 0.5 * b)", "nothing in the graph is this `concat`", "Net"),
    ("aux in evaluation",     "if self.training:",        "if True:",                    "is called on other tensors", "Net"),
    ("outputs exchanged",     "NetOutput(x, ",            "NetOutput(aux=x, output0=",   "the outputs are other tensors", "Net"),
    ("a name that is not there", "self.head(",            "self.heed(",                  "AttributeError", "Net"),
    ("a wrong call",          "Stem(3)",               "Stem(3, 9)",               "TypeError", "Net"),
    ("no Python",             "class Net(",               "class Net((",                 "SyntaxError", ""),
    ("a library",             "import torch\n",           "import torch\nimport os\n",   "no business with os", ""),
]  # fmt: skip


@pytest.fixture(scope="module")
def code() -> str:
    return generate(loads(TEXT).module)


@pytest.mark.parametrize(("old", "new", "why", "owner"), [f[1:] for f in FAULTS], ids=[f[0] for f in FAULTS])
def test_wrong_code_is_refused_with_the_class_in_which_it_shows(code, old, new, why, owner):
    assert old in code
    with pytest.raises(Disproved) as caught:
        Code(code.replace(old, new)).check("net", loads(TEXT).graph, {})

    assert why in str(caught.value)
    assert caught.value.owner == owner


@pytest.mark.parametrize("model", ["ResNet50", "ResNet18"])
def test_our_own_code_is_proven(model):
    network = load(SPECS / "resnet.arch", model)
    text = generate(network.module, (model,))

    Code(text).check(model.lower(), network.graph, {})


def test_another_network_of_the_family_is_told_apart():
    network = load(SPECS / "resnet.arch", "ResNet50")
    text = generate(network.module, ("ResNet101",))

    with pytest.raises(Disproved):
        Code(text).check("resnet101", network.graph, {})


def test_no_torch_is_needed_to_generate(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)

    assert generate(loads(TEXT).module).startswith("# ")
