"""What an `init` is for begins as it says in the generated code, and nothing else does."""

from __future__ import annotations

import math

import pytest
import torch

from archdsl.codegen import builder_names, generate
from archdsl.pipeline import load, loads
from archdsl.verify.subject import imported

HEAD = "model M(wide: bool = false) {\n  input x: [2, 4, 4]\n"
BODY = """
  x = x -> stem: Conv2d(3, 3, padding=1) -> mid: (ReLU -> up: ConvTranspose2d(3, 1) -> b: B)
  if wide { x = x -> extra: Conv2d(5, 1) }
  output x -> Flatten -> head: Linear(4)
}
"""
BLOCK = "block B {\n  input x\n  output x -> c: Conv2d(3, 1)\n}\n"


def ones(inits: str, block: str = BLOCK, **parameters: object) -> set[str]:
    """Return the weights of the generated model that are one everywhere."""
    torch.set_num_threads(1)
    model = imported(generate(loads(block + HEAD + inits + BODY)), "initialised").m(**parameters)
    return {name.removesuffix(".weight") for name, value in model.named_parameters() if bool((value == 1).all())}


# fmt: off
CASES = [
    # statements                                      what becomes one
    ("init ones",                                     {"stem", "mid.up", "mid.b.c", "head"}),
    ("init Conv2d: ones",                             {"stem", "mid.b.c"}),
    ("init ConvTranspose2d: ones",                    {"mid.up"}),
    ("init Linear: ones",                             {"head"}),
    ("init Conv3d: ones",                             set()),
    ("init head: ones",                               {"head"}),
    ("init mid: ones",                                {"mid.up", "mid.b.c"}),
    ("init ones  init Linear: normal",                {"stem", "mid.up", "mid.b.c"}),
    ("init ones  init stem: normal",                  {"mid.up", "mid.b.c", "head"}),
    ("init stem: normal  init ones",                  {"stem", "mid.up", "mid.b.c", "head"}),
    ("init stem: normal  init mid: ones",             {"mid.up", "mid.b.c"}),
    ("init ones  init mid: normal  init Conv2d: ones", {"stem", "mid.b.c", "head"}),
]
# fmt: on


@pytest.mark.parametrize(("inits", "expected"), CASES)
def test_an_init_is_for_every_layer_a_kind_or_a_label_and_the_last_one_counts(inits, expected):
    assert ones(inits) == expected


def test_the_init_of_a_model_comes_after_those_of_its_blocks():
    block = "block B {\n  input x\n  init c: ones\n  output x -> c: Conv2d(3, 1)\n}\n"

    assert ones("init head: ones", block) == {"mid.b.c", "head"}
    assert ones("init Conv2d: normal", block) == set()


@pytest.mark.parametrize(("wide", "expected"), [(False, set()), (True, {"extra"})])
def test_a_label_of_a_branch_is_initialised_where_the_branch_is_taken(wide, expected):
    block = BLOCK + "block T(wide: bool) {\n  input x\n  init extra: ones\n" + BODY.strip("\n")
    models = [
        f"model {name} {{ input x: [2, 4, 4]  output x -> t: T({arm}) }}"
        for name, arm in (("A", "false"), ("Z", "true"))
    ]
    text = "\n".join((block, *models)) + "\n"
    code = imported(generate(loads(text, "A").module), "branched")
    model = code.z() if wide else code.a()

    found = {n.removesuffix(".weight") for n, value in model.named_parameters() if bool((value == 1).all())}
    assert found == {f"t.{name}" for name in expected}


# fmt: off
BEGINNINGS = [
    # spec                  model               classes
    ("lite.arch",           "VGGSmall",         10),
    ("lite.arch",           "ResNet20Lite",     10),
    ("lite.arch",           "DenseNetLite",     10),
    ("lite.arch",           "InceptionLite",    10),
    ("lite.arch",           "EfficientNetLite", 10),
    ("lite.arch",           "DigitsNet",        10),
    ("lite.arch",           "UNetLite2",        11),
    ("cifar_resnet.arch",   "ResNet20",         10),
    ("cifar_resnet.arch",   "ResNet56",         10),
    ("cifar_resnet.arch",   "Plain56",          10),
    ("lenet.arch",          "LeNet5",           10),
]
# fmt: on


@pytest.mark.parametrize(("spec", "model", "classes"), BEGINNINGS, ids=[row[1] for row in BEGINNINGS])
def test_the_loss_of_a_bundled_net_begins_near_the_logarithm_of_its_classes(spec, model, classes):
    torch.set_num_threads(1)
    network = load(spec, model)
    build = getattr(imported(generate(network), "begins"), builder_names(network.module.models)[model])
    (fed,) = network.graph.inputs.values()
    losses = []
    for seed in range(2):
        torch.manual_seed(seed)
        coarse = torch.randn(32, fed.output.known[0], 4, 4)  # neighbouring pixels are alike, as in a photograph
        with torch.no_grad():
            answer = build()(torch.nn.functional.interpolate(coarse, size=fed.output.known[1:], mode="bilinear"))
        target = torch.randint(classes, (32, *answer.shape[2:]))
        losses.append(float(torch.nn.functional.cross_entropy(answer, target)))

    assert max(losses) < 1.15 * math.log(classes)
