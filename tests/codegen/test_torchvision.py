"""Generated networks beside torchvision's: the same names, and the same numbers from the same weights.

All weights are drawn, running statistics and biases too, so that no tensor is one that another could stand in for.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from oracles.generated import imported

if TYPE_CHECKING:
    from torch import Tensor, nn

EXACT = 1e-10


class Pair(NamedTuple):
    """A model of ours, what torchvision calls it, and a size of images for both."""

    file: str
    model: str
    theirs: str
    size: int


# fmt: off
PAIRS = [
    Pair("alexnet",      "AlexNet",         "alexnet",         193),
    Pair("vgg",          "VGG16",           "vgg16",            97),
    Pair("vgg",          "VGG16_BN",        "vgg16_bn",         97),
    Pair("googlenet",    "GoogLeNet",       "googlenet",       193),
    Pair("inception_v3", "InceptionV3",     "inception_v3",    299),
    Pair("resnet",       "ResNet18",        "resnet18",        193),
    Pair("resnet",       "ResNet50",        "resnet50",        129),
    Pair("resnet",       "ResNet152",       "resnet152",        97),
    Pair("resnet",       "WideResNet50_2",  "wide_resnet50_2",  97),
    Pair("resnext",      "ResNeXt50_32x4d", "resnext50_32x4d",  97),
    Pair("densenet",     "DenseNet121",     "densenet121",     129),
    Pair("densenet",     "DenseNet161",     "densenet161",      97),
    Pair("efficientnet", "EfficientNetB0",  "efficientnet_b0", 129),
    Pair("efficientnet", "EfficientNetB4",  "efficientnet_b4",  97),
    Pair("mobilenet_v2", "MobileNetV2",     "mobilenet_v2",    193),
]
# fmt: on
BY_MODEL = {pair.model: pair for pair in PAIRS}
INNER = {
    "GoogLeNet": {"logits": "logits", "aux1": "aux_logits1", "aux2": "aux_logits2"},
    "InceptionV3": {"logits": "logits", "aux": "aux_logits"},
}
"""The outputs in training of networks with inner classifiers, and what torchvision calls them."""

TRANSFORM_INPUT = """\
mean = image.new_tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
std = image.new_tensor([0.229, 0.224, 0.225]).view(3, 1, 1)
logits = model((image * std + mean - 0.5) / 0.5)
"""
"""What torchvision's GoogLeNet and InceptionV3 do to an image when they are given published weights."""


@pytest.fixture(name="torch")
def _torch():
    return pytest.importorskip("torch")


@pytest.fixture(autouse=True)
def _one_thread_per_worker(torch):
    threads = torch.get_num_threads()
    if "PYTEST_XDIST_WORKER" in os.environ:
        torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def theirs(pair: Pair, **arguments: object) -> nn.Module:
    """Return torchvision's model, which holds no numbers."""
    from oracles.torchvision_models import on_meta

    if pair.model in INNER:
        arguments |= {"aux_logits": True, "init_weights": False}
    return on_meta(pair.theirs, **arguments)


def ours(pair: Pair) -> nn.Module:
    """Return the generated model, which holds no numbers."""
    import torch

    with torch.device("meta"):
        model: nn.Module = getattr(imported(Path(f"{pair.file}.py")), pair.model.lower())()
    return model


def with_the_same_weights(pair: Pair, **arguments: object) -> tuple[nn.Module, nn.Module]:
    """Return both models in double precision with weights drawn for torchvision's, and without chance in training."""
    import torch

    reference = theirs(pair, **arguments).double().to_empty(device="cpu")
    torch.manual_seed(0)
    for name, tensor in reference.state_dict().items():
        if tensor.dim() > 1:
            tensor.uniform_(-1, 1).mul_((6 / tensor[0].numel()) ** 0.5)  # He et al. 2015, arXiv:1502.01852
        elif name.endswith(("running_var", "weight")):
            tensor.uniform_(0.5, 1.5)
        elif tensor.is_floating_point():
            tensor.uniform_(-0.5, 0.5)
        else:
            tensor.random_(1, 100)
    model = ours(pair).double().to_empty(device="cpu")
    model.load_state_dict(reference.state_dict(), strict=True)
    for module in [*model.modules(), *reference.modules()]:
        if isinstance(getattr(module, "p", None), float):
            module.p = 0.0
    return model, reference


def images(size: int, n: int = 2) -> Tensor:
    import torch

    return torch.randn(n, 3, size, size, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def difference(given: Tensor, expected: Tensor) -> float:
    """Return the largest difference, relative to the largest number."""
    return float((given - expected).detach().abs().max() / expected.detach().abs().max().clamp(min=1e-300))


over_all = pytest.mark.parametrize("pair", PAIRS, ids=[pair.model for pair in PAIRS])
over_inner = pytest.mark.parametrize("model", INNER)


@over_all
def test_the_keys_and_shapes_are_those_of_torchvision(torch, pair):
    given, expected = ours(pair).state_dict(), theirs(pair).state_dict()

    assert {key: tensor.shape for key, tensor in given.items()} == {key: t.shape for key, t in expected.items()}
    # Where there are inner classifiers, torchvision makes them earlier.
    assert list(given) == list(expected) or pair.model in INNER


@over_all
def test_it_loads_the_weights_of_torchvision_and_computes_the_same(torch, pair):
    model, reference = with_the_same_weights(pair)
    x = images(pair.size)
    with torch.no_grad():
        given, expected = model.eval()(x), reference.eval()(x)

    assert expected.isfinite().all()
    assert expected.std() > 0
    assert difference(given, expected) <= EXACT


@over_inner
def test_the_inner_classifiers_are_those_of_torchvision_in_training(torch, model):
    pair = BY_MODEL[model]
    mine, reference = with_the_same_weights(pair)
    x = images(pair.size)
    with torch.no_grad():
        given, expected = mine.train()(x), reference.train()(x)
    differences = {
        name: difference(getattr(given, name), getattr(expected, known)) for name, known in INNER[model].items()
    }

    assert given._fields == tuple(INNER[model])
    assert {name: d for name, d in differences.items() if not d <= EXACT} == {}
    assert all(output.std() > 0 for output in expected)


@pytest.mark.parametrize(
    ("model", "size"), [("ResNet18", 65), ("DenseNet121", 65), ("GoogLeNet", 97), ("EfficientNetB0", 65)]
)
def test_a_step_in_training_has_the_gradients_and_running_statistics_of_torchvision(torch, model, size):
    mine, reference = with_the_same_weights(BY_MODEL[model])
    x = images(size, 4)
    names = INNER.get(model)
    given, expected = mine.train()(x), reference.train()(x)
    mine_all = [getattr(given, name) for name in names] if names else [given]
    reference_all = [getattr(expected, name) for name in names.values()] if names else [expected]
    for outputs in (mine_all, reference_all):
        sum(output.square().mean() * (i + 1) for i, output in enumerate(outputs)).backward()
    known = dict(reference.named_parameters())
    gradients = {name: difference(p.grad, known[name].grad) for name, p in mine.named_parameters()}
    buffers = dict(reference.named_buffers())
    statistics = {name: difference(b, buffers[name]) for name, b in mine.named_buffers()}

    assert {name: d for name, d in gradients.items() if not d <= EXACT} == {}
    assert {name: d for name, d in statistics.items() if not d <= EXACT} == {}


@over_inner
def test_the_input_transform_of_torchvision_is_three_lines_before_ours(torch, model):
    pair = BY_MODEL[model]
    mine, reference = with_the_same_weights(pair, transform_input=True)
    image = images(pair.size, 1)
    scope = {"image": image, "model": mine.eval()}
    with torch.no_grad():
        exec(TRANSFORM_INPUT, scope)
        plain, expected = mine(image), reference.eval()(image)

    assert difference(scope["logits"], expected) <= EXACT
    assert difference(plain, expected) > 1e-3
