"""The bundled specs beside torchvision: every key and shape of a checkpoint, every map, and the published totals."""

from pathlib import Path

import pytest

from archdsl import analyze, load
from archdsl.pipeline import check, read

SPECS = sorted((Path(__file__).resolve().parents[2] / "specs").glob("*.arch"))
TWINS = [
    ("resnet", "ResNet18"), ("resnet", "ResNet34"), ("resnet", "ResNet50"), ("resnet", "ResNet101"),
    ("resnet", "ResNet152"), ("resnet", "WideResNet50_2"),
    ("vgg", "VGG11"), ("vgg", "VGG13"), ("vgg", "VGG16"), ("vgg", "VGG19"),
    ("vgg", "VGG11_BN"), ("vgg", "VGG13_BN"), ("vgg", "VGG16_BN"), ("vgg", "VGG19_BN"),
    ("densenet", "DenseNet121"), ("densenet", "DenseNet161"), ("densenet", "DenseNet169"), ("densenet", "DenseNet201"),
    ("googlenet", "GoogLeNet"), ("efficientnet", "EfficientNetB0"),
]  # fmt: skip


def analysis(file, model):
    return analyze(load(SPECS[0].with_name(f"{file}.arch"), model))


def torchvision(model):
    pytest.importorskip("torch")
    from oracles.torchvision_models import on_meta

    names = {"WideResNet50_2": "wide_resnet50_2", "EfficientNetB0": "efficientnet_b0"}
    extra = {"aux_logits": True, "init_weights": False} if model == "GoogLeNet" else {}
    return on_meta(names.get(model, model.lower()), **extra)


@pytest.mark.parametrize(("file", "model"), TWINS, ids=[model for _, model in TWINS])
def test_a_checkpoint_of_torchvision_has_the_same_keys_and_shapes(file, model):
    ours, theirs = analysis(file, model), torchvision(model)

    assert ours.parameters.weights == {name: tuple(p.shape) for name, p in theirs.named_parameters()}
    assert ours.parameters.buffer_shapes == {name: tuple(b.shape) for name, b in theirs.named_buffers()}
    assert ours.totals.params == sum(p.numel() for p in theirs.parameters())


@pytest.mark.parametrize("model", ["ResNet50", "DenseNet121", "GoogLeNet", "VGG16", "EfficientNetB0"])
@pytest.mark.parametrize("size", [224, 193])
def test_every_map_has_the_shape_that_torch_gives_it(model, size):
    import torch

    file = next(file for file, name in TWINS if name == model)
    network = load(SPECS[0].with_name(f"{file}.arch"), model, H=size, W=size + 32)
    theirs = torchvision(model).eval()
    seen: dict[str, tuple[int, ...]] = {}
    for name, module in theirs.named_modules():
        if not list(module.children()) and list(module.parameters()):
            module.register_forward_hook(
                lambda _module, _inputs, output, name=name: seen.__setitem__(name, tuple(output.shape[1:]))
            )
    theirs(torch.empty(2, 3, size, size + 32, device="meta"))
    layers = {layer.path: layer.output for layer in analyze(network).layers if layer.params and not layer.training_only}

    assert layers == seen


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


def test_the_drop_rate_of_efficientnet_rises_as_in_torchvision():
    theirs = {n: m.p for n, m in torchvision("EfficientNetB0").named_modules() if type(m).__name__ == "StochasticDepth"}
    ours = [
        layer.node.op.p for layer in analysis("efficientnet", "EfficientNetB0").layers if layer.op == "StochasticDepth"
    ]

    # torchvision gives every block one, and uses it only where there is a shortcut
    assert len(theirs) == 16
    assert len(ours) == 9
    assert all(any(p == pytest.approx(other) for other in theirs.values()) for p in ours)
    assert ours == sorted(ours)
