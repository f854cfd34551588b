"""Networks that torchvision lacks, written in PyTorch from their papers: an oracle for the bundled specs.

Attributes are called as in the specs, so that every key and every map can be held against ours. The module imports
torch, so tests import it inside a function.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d, avg_pool2d, max_pool2d, pad, relu, silu


def conv(c_in: int, c_out: int, k: int, stride: int = 1, groups: int = 1) -> nn.Conv2d:
    return nn.Conv2d(c_in, c_out, k, stride, padding=k // 2, groups=groups, bias=False)


def pooled(x: Tensor) -> Tensor:
    return torch.flatten(adaptive_avg_pool2d(x, 1), 1)


# Residual nets for small images, He et al. 2016, section 4.2.


class CifarBlock(nn.Module):
    """Option "A" pads the shortcut with zero channels, "B" projects it, and a "plain" block has none."""

    def __init__(self, kind: str, c: int, width: int, stride: int) -> None:
        super().__init__()
        self.kind, self.stride, self.more = kind, stride, width - c
        self.conv1, self.bn1 = conv(c, width, 3, stride), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = conv(width, width, 3), nn.BatchNorm2d(width)
        if kind == "B" and (stride, c) != (1, width):
            self.downsample = nn.Sequential(conv(c, width, 1, stride), nn.BatchNorm2d(width))

    def forward(self, x: Tensor) -> Tensor:
        y = self.bn2(self.conv2(relu(self.bn1(self.conv1(x)))))
        if self.kind == "plain":
            return relu(y)
        if self.kind == "B":
            return relu(y + (self.downsample(x) if hasattr(self, "downsample") else x))
        sampled = x[:, :, :: self.stride, :: self.stride]
        return relu(y + pad(sampled, (0, 0, 0, 0, self.more // 2, self.more - self.more // 2)))


class CifarResNet(nn.Module):
    def __init__(self, kind: str, n: int, *, width: int = 16, stride: int = 1, channels: int = 3) -> None:
        super().__init__()
        self.conv1, self.bn1 = conv(channels, width, 3, stride), nn.BatchNorm2d(width)
        self.layer1, self.layer2, self.layer3 = (
            nn.Sequential(*(CifarBlock(kind, c if i == 0 else w, w, s if i == 0 else 1) for i in range(n)))
            for c, w, s in ((width, width, 1), (width, 2 * width, 2), (2 * width, 4 * width, 2))
        )
        self.fc = nn.Linear(4 * width, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.layer1(relu(self.bn1(self.conv1(x))))
        return self.fc(pooled(self.layer3(self.layer2(x))))


class DigitsNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.bn1 = conv(1, 16, 3), nn.BatchNorm2d(16)
        self.layer1, self.layer2 = CifarBlock("B", 16, 16, 1), CifarBlock("B", 16, 32, 2)
        self.fc = nn.Linear(32, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(pooled(self.layer2(self.layer1(relu(self.bn1(self.conv1(x)))))))


# Residual nets for large images.


class PreActBottleneck(nn.Module):
    """He et al. 2016, "Identity mappings", figure 4e."""

    def __init__(self, c: int, width: int, stride: int) -> None:
        super().__init__()
        self.norm1, self.conv1 = nn.BatchNorm2d(c), conv(c, width, 1)
        self.norm2, self.conv2 = nn.BatchNorm2d(width), conv(width, width, 3, stride)
        self.norm3, self.conv3 = nn.BatchNorm2d(width), conv(width, 4 * width, 1)
        self.downsample = None
        if (stride, c) != (1, 4 * width):
            self.downsample = nn.ModuleDict({"conv": conv(c, 4 * width, 1, stride)})

    def forward(self, x: Tensor) -> Tensor:
        a = relu(self.norm1(x))
        y = self.conv3(relu(self.norm3(self.conv2(relu(self.norm2(self.conv1(a)))))))
        return y + (x if self.downsample is None else self.downsample["conv"](a))


class PreActResNet50(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.ModuleDict({"conv": conv(3, 64, 7, 2)})
        self.stages = nn.ModuleList()
        c = 64
        for i, n in enumerate((3, 4, 6, 3)):
            blocks = nn.Sequential()
            for j in range(n):
                blocks.append(PreActBottleneck(c, 64 * 2**i, 2 if i > 0 and j == 0 else 1))
                c = 256 * 2**i
            self.stages.append(nn.ModuleDict({"blocks": blocks}))
        self.norm = nn.BatchNorm2d(2048)
        self.head = nn.ModuleDict({"fc": nn.Conv2d(2048, 1000, 1)})

    def forward(self, x: Tensor) -> Tensor:
        x = max_pool2d(self.stem["conv"](x), 3, 2, padding=1)
        for stage in self.stages:
            x = stage["blocks"](x)
        return torch.flatten(self.head["fc"](adaptive_avg_pool2d(relu(self.norm(x)), 1)), 1)


class BottleneckD(nn.Module):
    """He et al. 2019, "Bag of tricks", figure 2c."""

    def __init__(self, c: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = conv(c, width, 1), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = conv(width, width, 3, stride), nn.BatchNorm2d(width)
        self.conv3, self.bn3 = conv(width, 4 * width, 1), nn.BatchNorm2d(4 * width)
        self.downsample = nn.Sequential()
        if (stride, c) != (1, 4 * width):
            mean = nn.AvgPool2d(2, stride, ceil_mode=True, count_include_pad=False) if stride > 1 else nn.Identity()
            self.downsample = nn.Sequential(mean, conv(c, 4 * width, 1), nn.BatchNorm2d(4 * width))

    def forward(self, x: Tensor) -> Tensor:
        y = relu(self.bn2(self.conv2(relu(self.bn1(self.conv1(x))))))
        return relu(self.bn3(self.conv3(y)) + self.downsample(x))


class ResNet50D(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        first, second = ((nn.BatchNorm2d(32), nn.ReLU()) for _ in range(2))
        self.conv1 = nn.Sequential(conv(3, 32, 3, 2), *first, conv(32, 32, 3), *second, conv(32, 64, 3))
        self.bn1 = nn.BatchNorm2d(64)
        c = 64
        for i, n in enumerate((3, 4, 6, 3)):
            stage = nn.Sequential()
            for j in range(n):
                stage.append(BottleneckD(c, 64 * 2**i, 2 if i > 0 and j == 0 else 1))
                c = 256 * 2**i
            setattr(self, f"layer{i + 1}", stage)
        self.fc = nn.Linear(2048, 1000)

    def forward(self, x: Tensor) -> Tensor:
        x = max_pool2d(relu(self.bn1(self.conv1(x))), 3, 2, padding=1)
        return self.fc(pooled(self.layer4(self.layer3(self.layer2(self.layer1(x))))))


# Dense nets for small images, Huang et al. 2017, section 3.


class DenseLayer(nn.Module):
    def __init__(self, c: int, growth: int, *, bottleneck: bool) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(c)
        if bottleneck:
            self.conv1, self.norm2 = conv(c, 4 * growth, 1), nn.BatchNorm2d(4 * growth)
        self.conv2 = conv(4 * growth if bottleneck else c, growth, 3)

    def forward(self, x: Tensor) -> Tensor:
        y = relu(self.norm1(x))
        if hasattr(self, "conv1"):
            y = relu(self.norm2(self.conv1(y)))
        return torch.cat([x, self.conv2(y)], 1)


class Transition(nn.Module):
    def __init__(self, c: int, c_out: int) -> None:
        super().__init__()
        self.norm, self.conv = nn.BatchNorm2d(c), conv(c, c_out, 1)

    def forward(self, x: Tensor) -> Tensor:
        return avg_pool2d(self.conv(relu(self.norm(x))), 2)


class CifarDenseNet(nn.Module):
    def __init__(self, depth: int, growth: int, *, bc: bool, stride: int = 1, channels: int = 3) -> None:
        super().__init__()
        c = 2 * growth if bc else 16
        self.features = nn.Sequential()
        self.features.add_module("conv0", conv(channels, c, 3, stride))
        for i in (1, 2, 3):
            block = nn.Sequential()
            for j in range((depth - 4) // (6 if bc else 3)):
                block.add_module(f"denselayer{j + 1}", DenseLayer(c, growth, bottleneck=bc))
                c += growth
            self.features.add_module(f"denseblock{i}", block)
            if i < 3:
                self.features.add_module(f"transition{i}", Transition(c, c // 2 if bc else c))
                c = c // 2 if bc else c
        self.features.add_module("norm", nn.BatchNorm2d(c))
        self.classifier = nn.Linear(c, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(pooled(relu(self.features(x))))


# GoogLeNet as published, Szegedy et al. 2015, table 1 and section 5.


# Input channels, then the columns of table 1.
ROWS = {
    "3a": (192, 64, 96, 128, 16, 32, 32),
    "3b": (256, 128, 128, 192, 32, 96, 64),
    "4a": (480, 192, 96, 208, 16, 48, 64),
    "4b": (512, 160, 112, 224, 24, 64, 64),
    "4c": (512, 128, 128, 256, 24, 64, 64),
    "4d": (512, 112, 144, 288, 32, 64, 64),
    "4e": (528, 256, 160, 320, 32, 128, 128),
    "5a": (832, 256, 160, 320, 32, 128, 128),
    "5b": (832, 384, 192, 384, 48, 128, 128),
}


class Rectified(nn.Module):
    def __init__(self, c: int, c_out: int, k: int, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(c, c_out, k, stride, padding=k // 2)

    def forward(self, x: Tensor) -> Tensor:
        return relu(self.conv(x))


class Inception(nn.Module):
    def __init__(self, c: int, *row: int, unit: type[nn.Module] = Rectified) -> None:
        super().__init__()
        c1, r3, c3, r5, c5, proj = row
        self.branch1 = unit(c, c1, 1)
        self.branch2 = nn.Sequential(unit(c, r3, 1), unit(r3, c3, 3))
        self.branch3 = nn.Sequential(unit(c, r5, 1), unit(r5, c5, 5))
        self.branch4 = nn.Sequential(nn.MaxPool2d(3, 1, padding=1), unit(c, proj, 1))

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x)], 1)


class InnerClassifier(nn.Module):
    def __init__(self, c: int) -> None:
        super().__init__()
        self.conv, self.fc1, self.fc2 = Rectified(c, 128, 1), nn.Linear(2048, 1024), nn.Linear(1024, 1000)


class GoogLeNetPaper(nn.Module):
    def __init__(self, *, aux: bool = False) -> None:
        super().__init__()
        self.conv1, self.conv2, self.conv3 = Rectified(3, 64, 7, 2), Rectified(64, 64, 1), Rectified(64, 192, 3)
        self.normal = nn.LocalResponseNorm(5)
        for name, row in ROWS.items():
            self.add_module(f"inception{name}", Inception(*row))
        self.fc = nn.Linear(1024, 1000)
        if aux:
            self.aux1, self.aux2 = InnerClassifier(512), InnerClassifier(528)

    def forward(self, x: Tensor) -> Tensor:
        halved = partial(max_pool2d, kernel_size=3, stride=2, ceil_mode=True)
        x = self.conv3(self.conv2(self.normal(halved(self.conv1(x)))))
        x = halved(self.normal(x))
        for name in ROWS:
            x = self.get_submodule(f"inception{name}")(x)
            x = halved(x) if name in ("3b", "4e") else x
        return self.fc(pooled(x))


# The small nets of a course.


class VGGSmall(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential()
        c = 1
        for width in (32, 64, 128):
            for _ in range(2):
                self.features.extend([conv(c, width, 3), nn.BatchNorm2d(width), nn.ReLU()])
                c = width
            self.features.append(nn.MaxPool2d(2))
        self.classifier = nn.Sequential(nn.Linear(1152, 256), nn.ReLU(), nn.Dropout(), nn.Linear(256, 10))

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(torch.flatten(self.features(x), 1))


class Unit(nn.Module):
    def __init__(self, c: int, c_out: int, k: int) -> None:
        super().__init__()
        self.conv, self.bn = conv(c, c_out, k), nn.BatchNorm2d(c_out)

    def forward(self, x: Tensor) -> Tensor:
        return relu(self.bn(self.conv(x)))


class InceptionLite(nn.Module):
    """Five rows of GoogLeNet with a quarter of their channels, normalised."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, c = Unit(1, 32, 3), 32
        self.rows = [f"inception{name}" for name in ("3a", "3b", "4a", "4c", "4e")]
        for name in self.rows:
            quarter = [n // 4 for n in ROWS[name.removeprefix("inception")][1:]]
            self.add_module(name, Inception(c, *quarter, unit=Unit))
            c = sum(quarter[i] for i in (0, 2, 4, 5))
        self.fc = nn.Linear(c, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = max_pool2d(self.conv1(x), 3, 2, ceil_mode=True)
        for name in self.rows:
            x = max_pool2d(x, 3, 2, ceil_mode=True) if name == "inception4a" else x
            x = self.get_submodule(name)(x)
        return self.fc(pooled(x))


def normed(c: int, c_out: int, k: int, stride: int = 1, groups: int = 1) -> nn.Sequential:
    return nn.Sequential(conv(c, c_out, k, stride, groups), nn.BatchNorm2d(c_out), nn.SiLU())


class Squeeze(nn.Module):
    def __init__(self, c: int, squeeze: int) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Conv2d(c, squeeze, 1), nn.Conv2d(squeeze, c, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(self.fc2(silu(self.fc1(adaptive_avg_pool2d(x, 1)))))


class MBConv(nn.Module):
    def __init__(self, c: int, k: int, c_out: int, stride: int) -> None:
        super().__init__()
        self.joined, wide = (stride, c) == (1, c_out), 4 * c
        last = nn.Sequential(conv(wide, c_out, 1), nn.BatchNorm2d(c_out))
        self.block = nn.Sequential(normed(c, wide, 1), normed(wide, wide, k, stride, wide), Squeeze(wide, c // 4), last)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.block(x) if self.joined else self.block(x)


class EfficientNetLite(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        rows = [(16, 3, 24, 2), (24, 3, 24, 1), (24, 5, 40, 2), (40, 5, 40, 1), (40, 3, 80, 2), (80, 3, 80, 1)]
        self.features = nn.Sequential(normed(1, 16, 3), *(MBConv(*row) for row in rows), normed(80, 160, 1))
        self.classifier = nn.Linear(160, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(pooled(self.features(x)))


def double(c: int, c_out: int) -> nn.Sequential:
    layers = [(conv(a, c_out, 3), nn.BatchNorm2d(c_out), nn.ReLU()) for a in (c, c_out)]
    return nn.Sequential(*layers[0], *layers[1])


class UNetLite(nn.Module):
    def __init__(self, depth: int, base: int = 16) -> None:
        super().__init__()
        widths = [base * 2**i for i in range(depth + 1)]
        self.down = nn.ModuleList(map(double, [1, *widths], widths[:-1]))
        self.bottom = double(widths[-2], widths[-1])
        self.up = nn.ModuleList(nn.ConvTranspose2d(2 * w, w, 2, 2) for w in widths[:-1])
        self.merge = nn.ModuleList(double(2 * w, w) for w in widths[:-1])
        self.head = nn.Conv2d(base, 11, 1)

    def forward(self, x: Tensor) -> Tensor:
        skips = []
        for down in self.down:
            skips.append(down(x))
            x = max_pool2d(skips[-1], 2)
        x = self.bottom(x)
        for skip, up, merge in reversed(list(zip(skips, self.up, self.merge, strict=True))):
            x = merge(torch.cat([skip, up(x)], 1))
        return self.head(x)


NETS: dict[str, Callable[[], nn.Module]] = {
    "ResNet20": partial(CifarResNet, "A", 3),
    "ResNet56": partial(CifarResNet, "A", 9),
    "ResNet110": partial(CifarResNet, "A", 18),
    "ResNet20B": partial(CifarResNet, "B", 3),
    "ResNet56B": partial(CifarResNet, "B", 9),
    "Plain20": partial(CifarResNet, "plain", 3),
    "Plain56": partial(CifarResNet, "plain", 9),
    "ResNet20Lite": partial(CifarResNet, "B", 3, channels=1),
    "ResNet20LiteFast": partial(CifarResNet, "B", 3, channels=1, stride=2),
    "DigitsNet": DigitsNet,
    "PreActResNet50": PreActResNet50,
    "ResNet50D": ResNet50D,
    "DenseNet_40_12": partial(CifarDenseNet, 40, 12, bc=False),
    "DenseNet_100_12": partial(CifarDenseNet, 100, 12, bc=False),
    "DenseNet_100_24": partial(CifarDenseNet, 100, 24, bc=False),
    "DenseNetBC_40_12": partial(CifarDenseNet, 40, 12, bc=True),
    "DenseNetBC_100_12": partial(CifarDenseNet, 100, 12, bc=True),
    "DenseNetBC_250_24": partial(CifarDenseNet, 250, 24, bc=True),
    "DenseNetBC_190_40": partial(CifarDenseNet, 190, 40, bc=True),
    "DenseNetLite": partial(CifarDenseNet, 22, 12, bc=True, channels=1, stride=2),
    "GoogLeNetPaper": GoogLeNetPaper,
    "VGGSmall": VGGSmall,
    "InceptionLite": InceptionLite,
    "EfficientNetLite": EfficientNetLite,
    "UNetLite1": partial(UNetLite, 1),
    "UNetLite2": partial(UNetLite, 2),
    "UNetLite3": partial(UNetLite, 3),
    "UNetLite1Wide": partial(UNetLite, 1, base=34),
}
"""By the names that the specs give them."""


def built(name: str, device: str = "meta") -> nn.Module:
    """Return one of the networks in evaluation mode."""
    with torch.device(device):
        return NETS[name]().eval()
