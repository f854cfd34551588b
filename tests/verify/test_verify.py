"""Verification finds what is wrong with code, each fault by the check that is for it, and nothing wrong with ours."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch")

from archdsl.codegen import generate
from archdsl.pipeline import Network, load, loads
from archdsl.verify import CHECKS, Check, verify

SPECS = Path(__file__).resolve().parents[2] / "specs"
SMALL = """
block Residual(width: int, stride: int = 1) {
    input x
    y = x -> conv1: Conv2d(width, 3, stride=stride, padding=1, bias=false) -> bn1: BatchNorm2d -> ReLU
          -> conv2: Conv2d(width, 3, padding=2, dilation=2, bias=false) -> bn2: BatchNorm2d
    skip = if stride != 1 { x -> project: Conv2d(width, 1, stride=stride) } else { x }
    output (y + skip) -> ReLU
}
model Net(classes: int = 5) {
    input x: [3, 32, 32]
    y = x -> stem: Conv2d(8, 3, padding=1) -> layer1: Residual(8) -> layer2: Residual(16, stride=2)
    output y -> AdaptiveAvgPool2d(1) -> Flatten -> fc: Linear(classes)
    output aux = y -> Flatten -> head: Linear(classes) when training
}
"""


def outcomes(network: Network, code: str | None = None, **options: object) -> dict[str, Check]:
    return {check.name: check for check in verify(network, code=code, **options)}  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def network() -> Network:
    return loads(SMALL)


@pytest.fixture(scope="module")
def code(network: Network) -> str:
    return generate(network.module)


def test_nothing_is_found_in_our_own_code(network):
    made = outcomes(network)

    assert [name for name, check in made.items() if check.failed or check.skipped] == []
    assert len(made) == 1 + len(CHECKS)
    assert "64 tensors" not in made["parameters"].summary
    assert made["parameters"].summary.startswith(f"{network.examine().totals.params:,} in ")
    assert "33×33" not in made["shapes"].summary  # `head` is a linear layer on a map: no other size has its weights


def test_other_sizes_are_tried_where_the_weights_allow_them():
    text = SMALL.replace("    output aux = y -> Flatten -> head: Linear(classes) when training\n", "")
    text = text.replace("[3, 32, 32]", "[3, H = 32, W = 32]")

    assert "33×33" in outcomes(loads(text), only=("shapes",))["shapes"].summary


STEM = "y = self.stem(x)"
# what is done to the code, and the checks that find it
FAULTS = [
    ("another name",           "self.project",                "self.skip",                      {"modules", "parameters", "shapes", "MACs", "values", "training", "receptive field"}),
    ("another kind",           "self.relu = nn.ReLU(",        "self.relu = nn.Hardtanh(0, 9, ", {"modules"}),
    ("a bias too many",        "dilation=2, bias=False",      "dilation=2",                     {"parameters", "values", "training"}),
    ("channels",               "self.stem = nn.Conv2d(3, 8,", "self.stem = nn.Conv2d(3, 9,",    {"modules", "parameters", "shapes", "MACs", "outputs", "values", "training", "export", "receptive field"}),
    ("padding",                "padding=2, dilation=2",       "padding=1, dilation=2",          {"modules", "shapes", "MACs", "outputs", "values", "training", "export", "receptive field"}),
    ("dilation",               "padding=2, dilation=2",       "padding=1",                      {"modules", "values", "receptive field"}),
    ("chance in evaluation",   STEM,                          "y = self.stem(x + torch.rand_like(x))",                    {"outputs", "values"}),
    ("no number",              STEM,                          "y = self.stem(x).log()",                                   {"outputs", "values", "training"}),
    ("a gradient cut off",     STEM,                          "y = self.stem(x).detach()",                                {"training", "receptive field"}),
    ("a choice by values",     STEM,                          "y = self.stem(x) if x.sum() > 0 else self.stem(x + 1)",    {"shapes", "MACs", "values", "export"}),
    ("more held than needed",  STEM,                          "y = torch.cat([self.stem(x)] * 1 + [x, x], 1)[:, :8]",      {"memory"}),
    ("an output too many",     "if self.training:",           "if True:",                                                 {"shapes", "MACs"}),
    ("work for nothing",       STEM,                          "y = self.stem(x) + 0 * self.stem(x)",                      {"shapes", "MACs", "training"}),
    ("a difference for a sum", "y += skip",                    "y -= skip",                                                {"values"}),
    ("another eps",            "nn.BatchNorm2d(width)",        "nn.BatchNorm2d(width, eps=0.1)",                           {"modules", "values"}),
    ("another momentum",       "nn.BatchNorm2d(width)",        "nn.BatchNorm2d(width, momentum=0.9)",                      {"modules"}),
    ("an early end",           "class Residual(",              "raise SystemExit(0)\nclass Residual(",                    {"builds"}),
    ("no aux in training",     "if self.training:",           "if self.training and False:",                              {"training"}),
    ("no such builder",        "def net(",                    "def network(",                                             {"builds"}),
    ("no Python",              "class Net(",                  "class Net((",                                              {"builds"}),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "found"), [fault[1:] for fault in FAULTS], ids=[fault[0] for fault in FAULTS])
def test_a_fault_is_found_by_the_checks_that_are_for_it(network, code, old, new, found):
    assert old in code
    made = outcomes(network, code.replace(old, new))

    assert {name for name, check in made.items() if check.failed} == found


FAMILIES = [
    ("alexnet", "AlexNet"), ("cifar_resnet", "ResNet20"), ("densenet", "DenseNet121"), ("densenet_bc", "DenseNet_40_12"),
    ("efficientnet", "EfficientNetB0"), ("googlenet", "GoogLeNet"), ("googlenet", "GoogLeNetPaper"),
    ("inception_v3", "InceptionV3"), ("lenet", "LeNet5"), ("mobilenet_v2", "MobileNetV2"), ("resnet", "ResNet50"),
    ("resnet_d", "ResNet50D"), ("resnet_v2", "PreActResNet50"), ("resnext", "ResNeXt50_32x4d"), ("unet", "UNet"),
    ("unet", "UNetValid"), ("vgg", "VGG16_BN"),
]  # fmt: skip


@pytest.mark.parametrize(("file", "model"), FAMILIES, ids=[model for _, model in FAMILIES])
def test_nothing_is_found_in_the_bundled_models(file, model):
    made = outcomes(load(SPECS / f"{file}.arch", model), device="meta")

    assert {name: check.differences for name, check in made.items() if check.failed} == {}
    assert {name for name, check in made.items() if check.skipped} == {"outputs", "values", "receptive field"}


@pytest.mark.parametrize(
    ("file", "model"), [("lenet", "LeNet5"), ("cifar_resnet", "ResNet20"), ("lite", "InceptionLite")]
)
def test_nothing_is_found_in_small_models_with_values(file, model):
    made = outcomes(load(SPECS / f"{file}.arch", model))

    assert {name: check.differences for name, check in made.items() if check.failed} == {}
    assert not any(check.skipped for check in made.values())


def test_parameters_and_sizes_of_the_network_are_those_of_the_code():
    made = outcomes(load(SPECS / "unet.arch", "UNet", base=4, H=48, W=32), only=("parameters", "shapes"))

    assert not any(check.failed for check in made.values())
    assert "48×32" in made["shapes"].summary


def test_only_what_is_asked_for_is_checked(network):
    assert list(outcomes(network, only=("rf", "modules"))) == ["builds", "modules", "receptive field"]


def test_the_same_seed_looks_at_the_same_units(network):
    first, second, other = (outcomes(network, seed=seed, only=("rf",))["receptive field"] for seed in (1, 1, 2))

    assert first == second
    assert not other.failed
