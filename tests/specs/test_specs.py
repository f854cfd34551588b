"""The bundled specs beside PyTorch: keys and shapes of checkpoints, maps, what comes out, and the published totals."""

from pathlib import Path

import pytest

from archdsl import analyze, load
from archdsl.pipeline import check, read

SPECS = sorted((Path(__file__).resolve().parents[2] / "specs").glob("*.arch"))
# Model names by file: those that torchvision has, and those that are held against a net written from the paper.
TWINS = [
    ("alexnet", "AlexNet"),
    ("resnet", "ResNet18"), ("resnet", "ResNet34"), ("resnet", "ResNet50"), ("resnet", "ResNet101"),
    ("resnet", "ResNet152"), ("resnet", "WideResNet50_2"),
    ("resnext", "ResNeXt50_32x4d"), ("resnext", "ResNeXt101_32x8d"),
    ("vgg", "VGG11"), ("vgg", "VGG13"), ("vgg", "VGG16"), ("vgg", "VGG19"),
    ("vgg", "VGG11_BN"), ("vgg", "VGG13_BN"), ("vgg", "VGG16_BN"), ("vgg", "VGG19_BN"),
    ("densenet", "DenseNet121"), ("densenet", "DenseNet161"), ("densenet", "DenseNet169"), ("densenet", "DenseNet201"),
    ("googlenet", "GoogLeNet"), ("inception_v3", "InceptionV3"), ("mobilenet_v2", "MobileNetV2"),
    ("efficientnet", "EfficientNetB0"), ("efficientnet", "EfficientNetB1"), ("efficientnet", "EfficientNetB2"),
    ("efficientnet", "EfficientNetB3"), ("efficientnet", "EfficientNetB4"), ("efficientnet", "EfficientNetB5"),
    ("efficientnet", "EfficientNetB6"), ("efficientnet", "EfficientNetB7"),
]  # fmt: skip
PAPERS = [
    ("cifar_resnet", "ResNet20"), ("cifar_resnet", "ResNet56"), ("cifar_resnet", "ResNet110"),
    ("cifar_resnet", "ResNet20B"), ("cifar_resnet", "ResNet56B"),
    ("cifar_resnet", "Plain20"), ("cifar_resnet", "Plain56"),
    ("resnet_v2", "PreActResNet50"), ("resnet_d", "ResNet50D"), ("googlenet", "GoogLeNetPaper"),
    ("densenet_bc", "DenseNet_40_12"), ("densenet_bc", "DenseNet_100_12"), ("densenet_bc", "DenseNet_100_24"),
    ("densenet_bc", "DenseNetBC_40_12"), ("densenet_bc", "DenseNetBC_100_12"),
    ("densenet_bc", "DenseNetBC_250_24"), ("densenet_bc", "DenseNetBC_190_40"),
    ("lite", "VGGSmall"), ("lite", "ResNet20Lite"), ("lite", "ResNet20LiteFast"), ("lite", "DenseNetLite"),
    ("lite", "InceptionLite"), ("lite", "EfficientNetLite"), ("lite", "DigitsNet"),
    ("lite", "UNetLite1"), ("lite", "UNetLite2"), ("lite", "UNetLite3"), ("lite", "UNetLite1Wide"),
]  # fmt: skip
FILES = {model: file for file, model in TWINS + PAPERS}
SIZES = [
    ("AlexNet", 224, 193), ("ResNet50", 224, 256), ("ResNet50", 193, 225), ("ResNeXt50_32x4d", 193, 225),
    ("DenseNet121", 224, 256), ("DenseNet121", 193, 225), ("GoogLeNet", 224, 256), ("GoogLeNet", 193, 225),
    ("InceptionV3", 299, 299), ("InceptionV3", 299, 331), ("MobileNetV2", 224, 256), ("MobileNetV2", 193, 225),
    ("VGG16", 224, 256), ("VGG16", 193, 225), ("EfficientNetB0", 224, 256), ("EfficientNetB0", 193, 225),
    ("EfficientNetB3", 300, 193), ("EfficientNetB7", 600, 600),
    ("ResNet20", 32, 32), ("ResNet20", 45, 39), ("ResNet110", 32, 32), ("ResNet56B", 45, 39), ("Plain56", 45, 39),
    ("PreActResNet50", 224, 256), ("PreActResNet50", 193, 225), ("ResNet50D", 224, 256), ("ResNet50D", 193, 225),
    ("GoogLeNetPaper", 224, 256), ("GoogLeNetPaper", 193, 225),
    ("DenseNet_40_12", 45, 39), ("DenseNetBC_100_12", 32, 32), ("DenseNetBC_250_24", 45, 39),
    ("VGGSmall", 28, 28), ("ResNet20LiteFast", 29, 35), ("DenseNetLite", 28, 28), ("DenseNetLite", 45, 39),
    ("InceptionLite", 28, 28), ("InceptionLite", 45, 39), ("EfficientNetLite", 28, 28), ("EfficientNetLite", 45, 39),
    ("DigitsNet", 8, 8), ("UNetLite1", 64, 22), ("UNetLite2", 64, 20), ("UNetLite3", 64, 72),
]  # fmt: skip
COMPUTED = [
    ("AlexNet", 63, 71), ("ResNeXt50_32x4d", 45, 39), ("InceptionV3", 299, 299), ("MobileNetV2", 45, 39),
    ("GoogLeNet", 45, 39), ("EfficientNetB0", 45, 39), ("DenseNet121", 45, 39), ("ResNet18", 45, 39),
    ("ResNet20", 33, 26), ("ResNet20B", 33, 26), ("Plain20", 33, 26), ("PreActResNet50", 45, 39), ("ResNet50D", 45, 39),
    ("GoogLeNetPaper", 45, 39), ("DenseNet_40_12", 33, 26), ("DenseNetBC_40_12", 33, 26),
    ("VGGSmall", 28, 28), ("DenseNetLite", 28, 28), ("InceptionLite", 29, 33), ("EfficientNetLite", 29, 33),
    ("DigitsNet", 8, 9), ("UNetLite2", 32, 20),
]  # fmt: skip


def network(model, **sizes):
    return load(SPECS[0].with_name(f"{FILES[model]}.arch"), model, **sizes)


def twin(model):
    """The same net in PyTorch, on the device that holds no numbers."""
    pytest.importorskip("torch")
    from oracles.paper_nets import NETS, built
    from oracles.torchvision_models import on_meta

    if model in NETS:
        return built(model)
    names = {"WideResNet50_2": "wide_resnet50_2", "InceptionV3": "inception_v3", "MobileNetV2": "mobilenet_v2"}
    name = names.get(model, model.lower().replace("efficientnetb", "efficientnet_b"))
    extra = {"aux_logits": True, "init_weights": False} if model in ("GoogLeNet", "InceptionV3") else {}
    return on_meta(name, **extra).eval()


@pytest.mark.parametrize("model", FILES)
def test_a_checkpoint_has_the_same_keys_and_shapes(model):
    ours, theirs = analyze(network(model)), twin(model)

    assert ours.parameters.weights == {name: tuple(p.shape) for name, p in theirs.named_parameters()}
    assert ours.parameters.buffer_shapes == {name: tuple(b.shape) for name, b in theirs.named_buffers()}
    assert ours.totals.params == sum(p.numel() for p in theirs.parameters())


@pytest.mark.parametrize(("model", "height", "width"), SIZES)
def test_every_map_has_the_shape_and_the_net_the_multiplications_that_torch_gives_it(model, height, width):
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    ours, theirs = analyze(network(model, H=height, W=width)), twin(model)
    seen: dict[str, tuple[int, ...]] = {}
    for name, module in theirs.named_modules():
        if not list(module.children()) and list(module.parameters()):
            module.register_forward_hook(
                lambda _module, _inputs, output, name=name: seen.__setitem__(name, tuple(output.shape[1:]))
            )
    channels = next(iter(theirs.parameters())).shape[1]
    with FlopCounterMode(display=False) as counter:
        theirs(torch.empty(1, channels, height, width, device="meta"))

    assert {layer.path: layer.output for layer in ours.layers if layer.params and not layer.training_only} == seen
    assert 2 * ours.totals.macs == counter.get_total_flops()


@pytest.mark.parametrize(("model", "height", "width"), COMPUTED)
def test_with_the_same_weights_a_net_computes_what_its_twin_computes(model, height, width):
    """The order of layers, what joins what, strides and paddings: all that no list of weights tells."""
    torch = pytest.importorskip("torch")
    from oracles import twin as ours

    graph = network(model, H=height, W=width).graph
    theirs = filled(twin(model))
    module = ours.real(graph, device="meta")
    weights = theirs.state_dict()
    module.load_state_dict({key: weights[key] for key in module.state_dict()}, assign=True)
    (image,) = graph.inputs.values()
    x = torch.randn(1, *image.output.shape, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        expected, computed = theirs(x), module(x)

    assert expected.abs().max() > 1e-3
    assert (computed - expected).abs().max() <= 1e-4 * expected.abs().max()


def filled(module):
    """The module on the CPU with weights and statistics that hide no layer."""
    import torch

    module = module.to_empty(device="cpu")
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, tensor in module.state_dict().items():
            if tensor.dim() > 1:
                tensor.normal_(std=(2 / tensor[0].numel()) ** 0.5, generator=generator)
            elif tensor.dim() == 1:
                low, high = (-0.1, 0.1) if name.endswith(("bias", "running_mean")) else (0.5, 1.0)
                tensor.uniform_(low, high, generator=generator)
    return module


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_a_bundled_spec_is_sound_quiet_and_holds_its_published_numbers(path):
    checked = check(read(path))

    assert checked.diagnostics == ()
    assert checked.outcomes
    assert all(outcome.holds for outcome in checked.outcomes)


RESNET_50 = """defaults Conv2d(bias=false)

block Bottleneck(width: int, stride: int = 1) {
    input x: [c, h, w]
    y = x -> conv1: Conv2d(width, 1)                           -> bn1: BatchNorm2d -> ReLU
          -> conv2: Conv2d(width, 3, stride=stride, padding=1) -> bn2: BatchNorm2d -> ReLU
          -> conv3: Conv2d(4 * width, 1)                       -> bn3: BatchNorm2d
    skip = if stride != 1 or c != 4 * width {
        x -> downsample: (Conv2d(4 * width, 1, stride=stride) -> BatchNorm2d)
    } else { x }
    output y + skip -> ReLU
}

seq Stage(width: int, n: int, stride: int) = Bottleneck(width, stride=stride) -> Bottleneck(width) * (n - 1)

model ResNet50(depths: list[int] = [3, 4, 6, 3], classes: int = 1000) {
    input image: [3, H, W]
    output logits = image
        -> conv1: Conv2d(64, 7, stride=2, padding=3) -> bn1: BatchNorm2d -> ReLU
        -> MaxPool2d(3, stride=2, padding=1)
        -> for (i, n) in enumerate(depths) {
            "layer{i+1}": Stage(64 * 2**i, n, if i == 0 { 1 } else { 2 })
        }
        -> AdaptiveAvgPool2d(1) -> Flatten -> fc: Linear(classes)
}

test ResNet50(H=224, W=224) { expect params == 25_557_032  expect shape("layer3") == [1024, 14, 14] }
"""


def test_resnet_50_takes_at_most_35_lines(tmp_path):
    path = tmp_path / "resnet50.arch"
    path.write_text(RESNET_50, encoding="utf-8")
    checked = check(read(path))

    assert RESNET_50.count("\n") <= 35
    assert checked.diagnostics == ()
    assert [outcome.holds for outcome in checked.outcomes] == [True, True]
    assert analyze(load(path, H=224, W=224)).totals.macs == 4_089_184_256


@pytest.mark.parametrize(("model", "blocks", "joined"), [("EfficientNetB0", 16, 9), ("EfficientNetB7", 55, 48)])
def test_the_drop_rate_of_efficientnet_rises_as_in_torchvision(model, blocks, joined):
    theirs = {n: m.p for n, m in twin(model).named_modules() if type(m).__name__ == "StochasticDepth"}
    ours = [layer.node.op.p for layer in analyze(network(model)).layers if layer.op == "StochasticDepth"]

    # torchvision gives every block one, and uses it only where there is a shortcut
    assert len(theirs) == blocks
    assert len(ours) == joined
    assert all(any(p == pytest.approx(other) for other in theirs.values()) for p in ours)
    assert ours == sorted(ours)


def test_the_largest_efficientnets_normalise_as_torchvision_does():
    from torch import nn

    for model in ("EfficientNetB4", "EfficientNetB5", "EfficientNetB7"):
        theirs = {(m.eps, m.momentum) for m in twin(model).modules() if isinstance(m, nn.BatchNorm2d)}
        ops = [layer.node.op for layer in analyze(network(model)).layers if layer.op == "BatchNorm2d"]

        assert {(op.eps, op.momentum) for op in ops} == theirs


def test_the_inner_classifiers_of_the_first_googlenet_have_the_published_layers():
    pytest.importorskip("torch")
    from oracles.paper_nets import GoogLeNetPaper

    ours = analyze(network("GoogLeNetPaper", aux=True))

    assert ours.parameters.weights == {name: tuple(p.shape) for name, p in GoogLeNetPaper(aux=True).named_parameters()}


DATA = ["ResNet20", "DenseNetBC_40_12", *(model for file, model in PAPERS if file == "lite")]


@pytest.mark.parametrize("model", DATA)
def test_a_small_net_takes_the_channels_classes_and_size_of_a_data_set(model):
    analysis = analyze(network(model, channels=3, classes=7, size=48))

    assert next(iter(analysis.parameters.weights.values()))[1] == 3
    assert analysis.layers[-1].output[0] == 7
